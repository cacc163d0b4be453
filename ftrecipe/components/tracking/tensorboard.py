"""TensorBoard: event files in the run directory."""

import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ftrecipe.components.tracking import GROUP, Tracking
from ftrecipe.components.tracking.sink import Final, Opening, Sink

FOLDER = "tensorboard"


@GROUP.option("tensorboard")
@dataclass
class Tensorboard(Tracking):
    """TensorBoard event files in the run directory."""

    package: ClassVar[str | None] = "tensorboard"

    def open(self, opening: Opening) -> Sink:
        """Write one more file to the same folder, which TensorBoard reads as one run."""
        sink = TensorboardSink(opening.folder / FOLDER)
        if opening.id is None:
            table = Final(["setting", "value"], [[k, str(v)] for k, v in opening.config.items()])
            sink.text("config", table.markdown(), 0)
        return sink

    def look(self, folder: Path) -> str | None:
        return shlex.join(["tensorboard", "--logdir", str(folder / FOLDER)])


class TensorboardSink(Sink):
    """An event file, written without torch or TensorFlow."""

    def __init__(self, folder: Path) -> None:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self.id = FOLDER
        self.file = EventFileWriter(str(folder))

    def log(self, values: dict[str, float], step: int) -> None:
        from tensorboard.compat.proto import summary_pb2

        proto: Any = summary_pb2  # its classes are made as it is imported
        points = [proto.Summary.Value(tag=tag, simple_value=one) for tag, one in values.items()]
        self._write(proto.Summary(value=points), step)
        self.file.flush()

    def text(self, name: str, markdown: str, step: int) -> None:
        """Write a text, as TensorBoard's text page takes it."""
        from tensorboard.plugins.text.summary_v2 import text_pb

        self._write(text_pb(name, markdown), step)

    def final(self, final: Final) -> None:
        if final.values:
            self.log(final.values, final.step)
        if final.rows:
            self.text("final", final.markdown(), final.step)
        if page := final.page(".md"):
            self.text("report", page.read_text(encoding="utf-8"), final.step)

    def close(self) -> None:
        self.file.close()

    def _write(self, summary: Any, step: int) -> None:
        from tensorboard.compat.proto import event_pb2

        proto: Any = event_pb2
        self.file.add_event(proto.Event(wall_time=time.time(), step=step, summary=summary))
