"""Trackio: a local dashboard, its data in the run directory."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ftrecipe.components.tracking import GROUP, Tracking
from ftrecipe.components.tracking.sink import Final, Opening, Sink


@GROUP.option("trackio")
@dataclass
class Trackio(Tracking):
    """Trackio, a local dashboard (`trackio show`).

    log_model: what was trained is kept there as an artifact.
    """

    package: ClassVar[str | None] = "trackio"
    log_model: bool = False

    def sends_model(self) -> bool:
        return self.log_model

    def environment(self, folder: Path) -> dict[str, str]:
        """Name the folder of its database."""
        return {"TRACKIO_DIR": str(folder / "trackio")}

    def open(self, opening: Opening) -> Sink:
        """Begin, or go on with the run of that name."""
        import trackio

        trackio.init(
            project=self.project, name=opening.name, config=opening.config, resume="allow",
            embed=False, auto_log_gpu=False, auto_log_cpu=False,
        )  # fmt: skip
        return TrackioSink(opening.name)

    def look(self, folder: Path) -> str | None:
        place = shlex.quote(str(folder / "trackio"))
        return f"TRACKIO_DIR={place} {shlex.join(['trackio', 'show', '--project', self.project])}"


class TrackioSink(Sink):
    """The one run that trackio has open."""

    def __init__(self, name: str) -> None:
        self.id = name

    def log(self, values: dict[str, float], step: int) -> None:
        import trackio

        trackio.log(dict(values), step=step)

    def final(self, final: Final) -> None:
        import trackio

        shown: dict[str, object] = dict(final.values)
        if final.rows:
            shown["final"] = trackio.Table(columns=final.columns, data=final.rows)
        if page := final.page(".md"):
            shown["report"] = trackio.Markdown(page.read_text(encoding="utf-8"))
        if shown:
            trackio.log(shown, step=final.step)
        for page in final.reports:
            trackio.log_artifact(page, name=page.name, type="report")
        if final.model:
            trackio.log_artifact(final.model, name=final.model.name, type="model")

    def close(self) -> None:
        import trackio

        trackio.finish()
