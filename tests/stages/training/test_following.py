"""History keeps what the checkpoint knows, and nothing after it."""

import json
from pathlib import Path

from ftrecipe.stages.training.following import cut_back


def test_lines_after_the_checkpoint_are_cut(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    history.write_text("".join(json.dumps({"step": n}) + "\n" for n in range(1, 8)))
    cut_back(history, 5)
    assert [json.loads(line)["step"] for line in history.read_text().splitlines()] == [
        1,
        2,
        3,
        4,
        5,
    ]


def test_a_line_that_was_half_written_is_dropped(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    history.write_text('{"step": 1}\n{"step": 2, "lo')
    cut_back(history, 5)
    assert history.read_text() == '{"step": 1}\n'


def test_a_first_start_has_no_history(tmp_path: Path) -> None:
    cut_back(tmp_path / "history.jsonl", 0)
    assert not (tmp_path / "history.jsonl").exists()
