"""Facebook Messenger: threads of a Facebook download, or of the download of encrypted chats."""

from dataclasses import dataclass
from typing import Any, ClassVar

from ftrecipe.components.dataset import GROUP
from ftrecipe.components.dataset.thread_export import ThreadExport, is_of_instagram, is_thread


@GROUP.option("messenger")
@dataclass
class Messenger(ThreadExport):
    """A thread's message_1.json, message_2.json …, or a folder or zip of threads."""

    expected: ClassVar[str] = "a thread of Messenger (messages with sender_name and timestamp_ms)"
    gone: ClassVar[str] = "Facebook User"

    @classmethod
    def fits_json(cls, value: Any) -> bool:
        return is_thread(value) and not is_of_instagram(value)
