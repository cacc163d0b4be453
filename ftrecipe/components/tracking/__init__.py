"""Where a run is followed from outside; each option is one tracker that transformers reports to."""

import http.client
import importlib.util
import netrc
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from ftrecipe.registry import Group
from ftrecipe.secrets import redacted

WANDB_SERVER = "https://api.wandb.ai"
SECONDS = 3.0  # that a tracker's server has to answer before a run begins
# By itself, MLflow asks a server that is gone for four minutes at every step.
MLFLOW_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


class Mode(Enum):
    """Whether Weights & Biases is told at once, later by `wandb sync`, or never."""

    online = "online"
    offline = "offline"
    disabled = "disabled"


@dataclass
class Tracking:
    """Follow nothing; history.jsonl and the report are always written."""

    report_to: ClassVar[str] = "none"
    package: ClassVar[str | None] = None
    project: str = "ftrecipe"

    def environment(self, folder: Path) -> dict[str, str]:
        """Return the environment variables that the tracker reads; `folder` is the run's."""
        return {}

    def fault(self) -> str | None:
        """Return why the tracker could not follow a run that began now; None where it could."""
        if self.package is not None and importlib.util.find_spec(self.package) is None:
            return f"{self.package} is not installed here; pip install {self.package}"
        return None

    def insists(self) -> bool:
        """Tell whether a run that cannot be followed should not begin."""
        return True


GROUP = Group("tracking", Tracking)
GROUP.option("none")(Tracking)


@GROUP.option("wandb")
@dataclass
class Wandb(Tracking):
    """Weights & Biases; `mode=offline` needs no account (`wandb sync` later).

    `required=false`: where it cannot be reached, the run goes on without it.
    """

    report_to: ClassVar[str] = "wandb"
    package: ClassVar[str | None] = "wandb"
    mode: Mode = Mode.offline
    entity: str | None = None
    required: bool = True

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
    """MLflow; without a server, an SQLite file in the run directory.

    `required=false`: where the server cannot be reached, the run goes on without it.
    """

    report_to: ClassVar[str] = "mlflow"
    package: ClassVar[str | None] = "mlflow"
    tracking_uri: str | None = None
    required: bool = True

    def fault(self) -> str | None:
        """Ask the server, if one is named, whether it is there."""
        asked = self.tracking_uri if (self.tracking_uri or "").startswith("http") else None
        why = asked and no_answer(asked)
        return super().fault() or (why and f"{why}; start it, or leave tracking.tracking_uri out")

    def insists(self) -> bool:
        """Tell what the person said."""
        return self.required

    def environment(self, folder: Path) -> dict[str, str]:
        """Name the server or file, and the experiment."""
        uri = self.tracking_uri or f"sqlite:///{(folder / 'mlflow.db').resolve()}"
        named = {"MLFLOW_TRACKING_URI": uri, "MLFLOW_EXPERIMENT_NAME": self.project}
        return named | {key: os.environ.get(key, value) for key, value in MLFLOW_PATIENCE.items()}


@GROUP.option("trackio")
@dataclass
class Trackio(Tracking):
    """Trackio, a local dashboard (`trackio show`)."""

    report_to: ClassVar[str] = "trackio"
    package: ClassVar[str | None] = "trackio"

    def environment(self, folder: Path) -> dict[str, str]:
        """Name the folder of its database and the project."""
        return {"TRACKIO_DIR": str(folder / "trackio"), "TRACKIO_PROJECT": self.project}


def no_answer(server: str) -> str | None:
    """Return why a server gives no answer within seconds, None where it gives one of any kind.

    Asked as its own client will: through the proxies that the environment names.
    """
    try:
        request = urllib.request.Request(server, method="HEAD")
        urllib.request.urlopen(request, timeout=SECONDS).close()
    except urllib.error.HTTPError:
        return None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if (shown := redacted(server)) != server:  # the reason may repeat it out of its place
            return f"{shown} cannot be reached with a user and password in its address"
        return f"{server} cannot be reached: {reason}"
    return None


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
