"""History keeps what the checkpoint knows, and nothing after it."""

import json
from pathlib import Path

from ftrecipe.stages.training.following import cut_back, mean_loss


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


def test_mean_loss_counts_the_steps_before_a_resume_too(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    lines = [{"step": 10, "loss": 4.0}, {"step": 15, "loss": 1.0}, {"step": 15, "eval_loss": 9.0}]
    history.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert mean_loss(history) == 3.0


def test_what_a_resumed_training_had_taken_is_known(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    lines = [{"step": n, "seconds": n * 2.0, "tokens": n * 100} for n in range(1, 8)]
    history.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert cut_back(history, 5) == {"seconds": 10.0, "tokens": 500}
