"""Puts a DeepSpeed checkpoint, which has a part for each process, in a form for any number."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from ftrecipe.errors import StageError

LATEST = "latest_universal"  # the converter's last word, and what DeepSpeed then looks for


def convert(checkpoint: Path) -> None:
    """Write the universal form beside the parts, unless it is there.

    Raises StageError with the converter's own reason.
    """
    if (checkpoint / LATEST).is_file():
        return
    tag = (checkpoint / "latest").read_text(encoding="utf-8").strip()
    fresh = checkpoint / f"{tag}_universal"
    shutil.rmtree(fresh, ignore_errors=True)
    done = subprocess.run(
        [sys.executable, "-m", "deepspeed.checkpoint.ds_to_universal",
         "--input_folder", str(checkpoint / tag), "--output_folder", str(fresh),
         "--num_extract_workers=1", "--num_merge_workers=1", "--inject_missing_state"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    print(done.stdout, done.stderr)
    if done.returncode or not (checkpoint / LATEST).is_file():
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise StageError(
            f"{checkpoint.name} cannot be spread over another number of processes: {lines[-1]}; "
            "resume on as many as saved it"
        )


def load_universal(args: Any) -> None:
    """Tell DeepSpeed, before it begins, that the checkpoint it will load is a universal one."""
    args.hf_deepspeed_config.config["checkpoint"] = {"load_universal": True}
