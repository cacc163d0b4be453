"""Weights & Biases: online, or in a folder that is sent later."""

import netrc
import os
import shlex
import shutil
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from ftrecipe.components.tracking import GROUP, Tracking
from ftrecipe.components.tracking.reach import no_answer
from ftrecipe.components.tracking.sink import Final, Opening, Sink

if TYPE_CHECKING:
    from wandb.sdk.wandb_run import Run

WANDB_SERVER = "https://api.wandb.ai"
STEP = "train/global_step"
KEPT = "offline-run-*-{id}"  # below wandb/, as the library names it


class Mode(Enum):
    """Whether Weights & Biases is told at once, later by `wandb sync`, or never."""

    online = "online"
    offline = "offline"
    disabled = "disabled"


@GROUP.option("wandb")
@dataclass
class Wandb(Tracking):
    """Weights & Biases; `mode=offline` needs no account (`wandb sync` later).

    `required=false`: where it cannot be reached, the run goes on without it. log_model: what was
    trained is kept there as an artifact.
    """

    package: ClassVar[str | None] = "wandb"
    mode: Mode = Mode.offline
    entity: str | None = None
    required: bool = True
    log_model: bool = False

    def fault(self) -> str | None:
        """Ask the server whether it is there, and look for a key, where it is to be online."""
        if self.mode is not Mode.online:
            return super().fault()
        server = os.environ.get("WANDB_BASE_URL", WANDB_SERVER)
        if not _has_key(server):
            return (
                "tracking.mode=online needs a key: set WANDB_API_KEY, or run `wandb login`; "
                "or use tracking.mode=offline"
            )
        why = no_answer(server)
        return super().fault() or (why and f"{why}; use tracking.mode=offline and wandb sync later")

    def insists(self) -> bool:
        """Tell what the person said."""
        return self.required

    def begins_anew(self) -> bool:
        """Tell it of an offline run, which the library cannot add to."""
        return self.mode is Mode.offline

    def sends_model(self) -> bool:
        return self.log_model

    def environment(self, folder: Path) -> dict[str, str]:
        """Name project, mode and folder."""
        entity = {"WANDB_ENTITY": self.entity} if self.entity else {}
        return {
            "WANDB_PROJECT": self.project,
            "WANDB_MODE": self.mode.value,
            "WANDB_DIR": str(folder),
            "WANDB_SILENT": "true",
            "WANDB_CONSOLE": "off",  # it would keep a copy of log.txt that nobody redacts
        } | entity

    def open(self, opening: Opening) -> Sink:
        """Begin, or go on by the run's id; of what was kept before, only one copy stays."""
        import wandb

        stale = _kept(opening.folder, opening.id) if self.begins_anew() and opening.id else []
        settings = wandb.Settings(
            disable_git=True, disable_code=True, x_stats_pid=opening.pid or os.getpid(),
            init_timeout=self.timeout,
        )  # fmt: skip
        run = wandb.init(
            project=self.project, entity=self.entity, name=opening.name, dir=opening.folder,
            id=opening.id, resume=None if self.mode is Mode.offline else "allow",
            mode=self.mode.value, settings=settings,
        )  # fmt: skip
        for folder in stale:
            shutil.rmtree(folder, ignore_errors=True)
        run.config.update(opening.config, allow_val_change=True)
        return WandbSink(run)

    def look(self, folder: Path) -> str | None:
        """Say how an offline run is sent."""
        if self.mode is not Mode.offline:
            return None
        newest = sorted((folder / "wandb").glob("offline-run-*"))
        return shlex.join(["wandb", "sync", str(newest[-1])]) if newest else None


class WandbSink(Sink):
    """A run of Weights & Biases."""

    def __init__(self, run: "Run") -> None:
        self.run, self.id = run, run.id
        run.define_metric(STEP)
        run.define_metric("*", step_metric=STEP)

    def log(self, values: dict[str, float], step: int) -> None:
        self.run.log({**values, STEP: step})

    def final(self, final: Final) -> None:
        import wandb

        self.run.summary.update(final.values)
        shown: dict[str, Any] = {}
        if final.rows:
            columns: list[Any] = [*final.columns]
            rows: list[Any] = [*final.rows]
            shown["final"] = wandb.Table(columns=columns, data=rows)
        if page := final.page(".html"):
            shown["report"] = wandb.Html(page.read_text(encoding="utf-8"))
        if shown:
            self.run.log(shown | {STEP: final.step})
        self._keep("report", final.reports)
        if final.model:
            self._keep("model", [final.model])

    def _keep(self, kind: str, paths: list[Path]) -> None:
        import wandb

        if not paths:
            return
        artifact = wandb.Artifact(f"{kind}-{self.id}", type=kind)
        for path in paths:
            artifact.add_dir(str(path)) if path.is_dir() else artifact.add_file(str(path))
        self.run.log_artifact(artifact)

    def close(self) -> None:
        self.run.finish()


def _kept(folder: Path, id: str) -> list[Path]:
    """Return the folders of a run that were not sent yet."""
    found = (folder / "wandb").glob(KEPT.format(id=id))
    return [one for one in found if not any(one.glob("*.synced"))]


def _has_key(server: str) -> bool:
    """Tell whether a key for Weights & Biases is in the environment, or where its login puts it."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    files = [os.environ.get("NETRC"), Path.home() / ".netrc", Path.home() / "_netrc"]
    for file in (Path(one) for one in files if one):
        try:
            if file.is_file() and netrc.netrc(file).authenticators(urlsplit(server).hostname or ""):
                return True
        except (OSError, netrc.NetrcParseError):
            continue
    return False
