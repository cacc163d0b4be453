"""Where a run is followed from outside; each option is one tracker that transformers reports to."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ftrecipe.registry import Group


@dataclass
class Tracking:
    """Follow nothing; history.jsonl and the report are always written."""

    report_to: ClassVar[str] = "none"
    package: ClassVar[str | None] = None
    project: str = "ftrecipe"

    def environment(self, folder: Path) -> dict[str, str]:
        """Return the environment variables that the tracker reads; `folder` is the run's."""
        return {}


GROUP = Group("tracking", Tracking)
GROUP.option("none")(Tracking)


@GROUP.option("wandb")
@dataclass
class Wandb(Tracking):
    """Weights & Biases; `mode=offline` needs no account (`wandb sync` later)."""

    report_to: ClassVar[str] = "wandb"
    package: ClassVar[str | None] = "wandb"
    mode: str = "offline"
    entity: str | None = None

    def environment(self, folder: Path) -> dict[str, str]:
        """Name project, mode and folder."""
        entity = {"WANDB_ENTITY": self.entity} if self.entity else {}
        return {
            "WANDB_PROJECT": self.project,
            "WANDB_MODE": self.mode,
            "WANDB_DIR": str(folder),
            "WANDB_SILENT": "true",
        } | entity


@GROUP.option("tensorboard")
@dataclass
class Tensorboard(Tracking):
    """TensorBoard event files in the run directory."""

    report_to: ClassVar[str] = "tensorboard"
    package: ClassVar[str | None] = "tensorboard"

    def environment(self, folder: Path) -> dict[str, str]:
        """Name the folder of the event files."""
        return {"TENSORBOARD_LOGGING_DIR": str(folder / "tensorboard")}


@GROUP.option("mlflow")
@dataclass
class Mlflow(Tracking):
    """MLflow; without a server, an SQLite file in the run directory."""

    report_to: ClassVar[str] = "mlflow"
    package: ClassVar[str | None] = "mlflow"
    tracking_uri: str | None = None

    def environment(self, folder: Path) -> dict[str, str]:
        """Name the server or file, and the experiment."""
        uri = self.tracking_uri or f"sqlite:///{(folder / 'mlflow.db').resolve()}"
        return {"MLFLOW_TRACKING_URI": uri, "MLFLOW_EXPERIMENT_NAME": self.project}


@GROUP.option("trackio")
@dataclass
class Trackio(Tracking):
    """Trackio, a local dashboard (`trackio show`)."""

    report_to: ClassVar[str] = "trackio"
    package: ClassVar[str | None] = "trackio"

    def environment(self, folder: Path) -> dict[str, str]:
        """Name the folder of its database and the project."""
        return {"TRACKIO_DIR": str(folder / "trackio"), "TRACKIO_PROJECT": self.project}
