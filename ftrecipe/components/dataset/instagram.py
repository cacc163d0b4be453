"""Instagram: threads of direct messages of an Instagram download."""

from dataclasses import dataclass
from typing import Any, ClassVar

from ftrecipe.components.dataset import GROUP
from ftrecipe.components.dataset.thread_export import ThreadExport, is_of_instagram, is_thread


@GROUP.option("instagram")
@dataclass
class Instagram(ThreadExport):
    """A thread's message_1.json, message_2.json …, or a folder or zip of threads."""

    expected: ClassVar[str] = "a thread of Instagram (messages with sender_name and timestamp_ms)"
    gone: ClassVar[str] = "Instagram User"

    @classmethod
    def fits_json(cls, value: Any) -> bool:
        return is_thread(value) and is_of_instagram(value)
