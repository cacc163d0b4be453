"""The run that another one goes on from: its adapter or model, and the base that it tuned."""

import dataclasses
from pathlib import Path
from typing import Any

from ftrecipe.config import from_plain
from ftrecipe.errors import ConfigError
from ftrecipe.paths import typed
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.stages.fingerprints import base_fingerprint, weights_fingerprint


class Earlier:
    """A run that left a result, from which another one goes on."""

    def __init__(self, folder: str) -> None:
        self.dir = RunDir(typed(folder))
        if not self.dir.run.is_file() or not self.dir.base.is_file():
            raise ConfigError(f"model.from_run={folder}: there is no finished run in that folder")
        self.run = from_plain(read_json(self.dir.run)["config"])

    @property
    def adapter(self) -> Path | None:
        """Its adapter, None where it changed the base itself."""
        return self.dir.adapter if self.dir.adapter.is_dir() else None

    def base(self, asked: Any) -> Any:
        """The model that its adapter belongs to, checked by hash; or the model it wrote."""
        if self.adapter is None:
            return dataclasses.replace(asked, path=str(self.dir.model), revision=None)
        base, own = read_json(self.dir.base), self.run.model
        from_another = own.path is None  # so its base is that of the run which it went on from
        model = dataclasses.replace(
            own,
            path=base["path"] if from_another else own.path,
            revision=base["revision"] if from_another else own.revision,
            from_run=None,
            dtype=asked.dtype,
            special_tokens=asked.special_tokens or self.run.model.special_tokens,
        )
        known = base["sha256"]
        if base_fingerprint(model) != known:
            raise ConfigError(
                f"model.from_run={self.dir.path}: its base {model.path} is no longer the model "
                f"that was tuned (weights {known[:12]} then, {base_fingerprint(model)[:12]} now)"
            )
        return model

    @property
    def fingerprint(self) -> str:
        """Hash of its adapter's or model's weights."""
        return weights_fingerprint(self.adapter or self.dir.model)
