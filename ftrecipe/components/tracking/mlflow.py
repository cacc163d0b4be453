"""MLflow: a server, or an SQLite file in the run directory."""

import os
import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ftrecipe.components.tracking import GROUP, Tracking
from ftrecipe.components.tracking.reach import no_answer
from ftrecipe.components.tracking.sink import Final, Opening, Sink

if TYPE_CHECKING:
    from mlflow import MlflowClient

# By itself, MLflow asks a server that is gone for four minutes at every step.
MLFLOW_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
AT_ONCE = 100  # parameters that a server takes in one request


@GROUP.option("mlflow")
@dataclass
class Mlflow(Tracking):
    """MLflow; without a server, an SQLite file in the run directory.

    `required=false`: where the server cannot be reached, the run goes on without it. log_model:
    what was trained is kept there as an artifact.
    """

    package: ClassVar[str | None] = "mlflow"
    tracking_uri: str | None = None
    required: bool = True
    log_model: bool = False

    def fault(self) -> str | None:
        """Ask the server, if one is named, whether it is there."""
        asked = self.tracking_uri if (self.tracking_uri or "").startswith("http") else None
        why = asked and no_answer(asked)
        return super().fault() or (why and f"{why}; start it, or leave tracking.tracking_uri out")

    def insists(self) -> bool:
        """Tell what the person said."""
        return self.required

    def sends_model(self) -> bool:
        return self.log_model

    def environment(self, folder: Path) -> dict[str, str]:
        """Name the server or file, and the experiment."""
        named = {
            "MLFLOW_TRACKING_URI": self._place(folder),
            "MLFLOW_EXPERIMENT_NAME": self.project,
        }
        return named | {key: os.environ.get(key, value) for key, value in MLFLOW_PATIENCE.items()}

    def open(self, opening: Opening) -> Sink:
        """Begin a run of the experiment `project`, or go on with the one of that id."""
        from mlflow import MlflowClient
        from mlflow.entities import Param
        from mlflow.utils.validation import MAX_PARAM_VAL_LENGTH

        client = MlflowClient(self._place(opening.folder))
        if opening.id is not None:
            client.update_run(opening.id, status="RUNNING")
            return MlflowSink(client, opening.id)
        kept = None if self.tracking_uri else (opening.folder / "mlartifacts").resolve().as_uri()
        known = client.get_experiment_by_name(self.project)
        number = known.experiment_id if known else client.create_experiment(self.project, kept)
        run: str = client.create_run(number, run_name=opening.name).info.run_id
        settings = opening.config.items()
        told = [Param(key, str(value)[:MAX_PARAM_VAL_LENGTH]) for key, value in settings]
        for at in range(0, len(told), AT_ONCE):
            client.log_batch(run, params=told[at : at + AT_ONCE])
        return MlflowSink(client, run)

    def look(self, folder: Path) -> str | None:
        """Say what shows a file; a server has a page of its own."""
        if self.tracking_uri:
            return None
        return shlex.join(["mlflow", "ui", "--backend-store-uri", self._place(folder)])

    def _place(self, folder: Path) -> str:
        return self.tracking_uri or f"sqlite:///{(folder / 'mlflow.db').resolve()}"


class MlflowSink(Sink):
    """A run of MLflow, by its client alone: no state of the process is touched."""

    def __init__(self, client: "MlflowClient", id: str) -> None:
        self.client, self.id = client, id

    def log(self, values: dict[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = round(1000 * time.time())
        points = [Metric(name, value, now, step) for name, value in values.items()]
        self.client.log_batch(self.id, metrics=points)

    def final(self, final: Final) -> None:
        if final.values:
            self.log(final.values, final.step)
        if final.rows:
            table = {"columns": final.columns, "data": final.rows}
            self.client.log_dict(self.id, table, "final.json")
        for page in final.reports:
            self.client.log_artifact(self.id, str(page))
        if final.model:
            self.client.log_artifacts(self.id, str(final.model), final.model.name)

    def close(self) -> None:
        self.client.set_terminated(self.id)
