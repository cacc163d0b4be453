import importlib.util
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from answers import Cli

from ftrecipe import verbs
from ftrecipe.components.dataset.text import PlainText
from ftrecipe.errors import ConfigError
from ftrecipe.rundir import RunDir, write_json
from ftrecipe.serving.choosing import Candidate, candidates, chosen, way_for
from ftrecipe.serving.order import Order, Served
from ftrecipe.serving.place import address, bound, log, opening, told
from ftrecipe.serving.trying import to_try
from ftrecipe.stages.serving.listening import ready

Pretend = Callable[..., RunDir]


def served(runs: list[Candidate], wanted: str | None = None, on_gpu: bool = False) -> list[Served]:
    """Return what would be served."""
    whats = chosen(runs, wanted, on_gpu)
    return [Served(run.name, run.rundir.path, what) for run, what in zip(runs, whats, strict=True)]


def names(*runs: RunDir, **how: object) -> list[str]:
    """Return the names of what would be served of runs."""
    return [one.what.name for one in served(candidates(runs), **how)]  # type: ignore[arg-type]


def test_a_port_that_is_taken_is_told_with_another_one(cli: Cli, pretend: Pretend) -> None:
    pretend("one", adapter="same")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = cli("serve", "runs/quickstart/one", "--with", "adapter", "--port", str(port))
    assert said.code == 2
    assert f"127.0.0.1:{port} cannot be had" in said.err
    assert f"--port {port + 1}" in said.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "serve needs a run"),
        (["runs/quickstart/one", "--port", "http"], "--port http: should be a whole number"),
        (["runs/quickstart/one", "--port", "70000"], "from 0 to 65535"),
        (["runs/quickstart/one", "--context", "0"], "--context 0: should be a whole number"),
        (["runs/quickstart/one", "--context", "5000"], "goes up to 1024 tokens; use --context"),
        (["runs/quickstart/one", "--host", "256.1.1.1"], "is no address of this machine"),
        (["runs/quickstart/one", "--wiht", "gguf"], "did you mean --with?"),
        (["runs/quickstart/one", "trainer.max_steps=2"], "serve takes no settings"),
        (["runs/quickstart/one", "--with", "mergd"], "did you mean merged?"),
        (["runs/quickstart/one", "--by", "llama_cpp", "--with", "merged"], "transformers serve"),
        (["runs/quickstart/two"], "quickstart/two"),
    ],
)
def test_wrong_words_are_told_before_anything_starts(
    cli: Cli, pretend: Pretend, words: list[str], why: str
) -> None:
    pretend("one", adapter="same", merged="same")
    said = cli("serve", *words)
    assert said.code == 2
    assert why in said.err


def test_a_run_that_has_trained_nothing_is_refused(cli: Cli, pretend: Pretend) -> None:
    pretend("one")
    assert "nothing is trained yet" in cli("serve", "runs/quickstart/one").err


def test_an_export_that_failed_its_gate_is_refused(cli: Cli, pretend: Pretend) -> None:
    pretend("one", merged="failed")
    assert "failed" in cli("serve", "runs/quickstart/one", "--with", "merged").err
    assert "failed" in cli("serve", "runs/quickstart/one").err


def test_a_run_with_code_of_its_own_asks_for_consent_again(cli: Cli, pretend: Pretend) -> None:
    rundir = pretend("one", merged="same")
    text = rundir.run.read_text("utf-8").replace('"remote_code": false', '"remote_code": true')
    rundir.run.write_text(text, "utf-8")
    assert "consent.remote_code=true" in cli("serve", "runs/quickstart/one").err


def test_what_is_quick_and_passed_is_served(pretend: Pretend) -> None:
    run = pretend("one", adapter="same", merged="same", gguf="same")
    assert names(run) == ["gguf/quickstart-f16.gguf"]
    assert names(run, on_gpu=True) == ["merged"]


def test_what_is_degraded_comes_last_and_what_failed_never(pretend: Pretend) -> None:
    assert names(pretend("one", adapter="same", gguf="degraded")) == ["adapter"]
    assert names(pretend("two", adapter="degraded", merged="failed")) == ["adapter"]


def test_several_runs_of_one_base_are_served_as_adapters(pretend: Pretend) -> None:
    runs = [pretend(name, adapter="same", gguf="same") for name in ("one", "two")]
    assert names(*runs) == ["adapter", "adapter"]
    assert names(*runs, wanted="gguf") == ["gguf/quickstart-f16.gguf"] * 2


def test_several_runs_are_served_by_one_program(pretend: Pretend) -> None:
    one = pretend("one", merged="same", gguf="same")
    two = pretend("two", sha256="1" * 64, merged="same")
    assert names(one, two) == ["merged", "merged"]


def test_runs_that_take_two_programs_are_refused_together(pretend: Pretend) -> None:
    runs = candidates([pretend("one", gguf="same"), pretend("two", adapter="same")])
    with pytest.raises(ConfigError, match="one program cannot serve both"):
        way_for(runs, served(runs), None, on_gpu=False)


def test_runs_of_one_recipe_are_told_apart_by_their_folders(pretend: Pretend) -> None:
    one, two = pretend("one", adapter="same"), pretend("two", adapter="same")
    assert [run.name for run in candidates([one])] == ["quickstart"]
    both = candidates([one, two])
    assert [run.name for run in both] == ["quickstart-one", "quickstart-two"]


def test_missing_packages_are_told_with_what_installs_them(
    pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = candidates([pretend("one", merged="same")])
    one = served(runs)
    there = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "uvicorn" else there(name)
    )
    with pytest.raises(ConfigError, match=r"uvicorn, which is not installed.*ftrecipe\[train,exp"):
        way_for(runs, one, None, on_gpu=False)


def test_vllm_is_taken_where_it_is_installed_beside_a_gpu(
    here: Path, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = candidates([pretend("one", merged="same")])
    assert way_for(runs, served(runs), None, on_gpu=True).about == "transformers serve"
    program = here / "bin" / "vllm"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n", "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    assert way_for(runs, served(runs), None, on_gpu=True).about == "vLLM"
    assert way_for(runs, served(runs), "transformers", on_gpu=True).about == "transformers serve"
    assert way_for(runs, served(runs), None, on_gpu=False).about == "transformers serve"
    with pytest.raises(ConfigError, match="no NVIDIA GPU"):
        way_for(runs, served(runs), "vllm", on_gpu=False)


def order(one: Served, key: str | None = None) -> Order:
    return Order("x", [one], "http://127.0.0.1:1", 3, key, None, Path("log"), {})


def test_an_order_is_read_as_it_was_written(pretend: Pretend) -> None:
    one = served(candidates([pretend("one", gguf="same")]))[0]
    assert Order.of(order(one).plain()) == order(one)


def test_the_first_line_says_what_where_and_the_verdict(pretend: Pretend) -> None:
    one = served(candidates([pretend("one", merged="degraded")]))[0]
    with bound("127.0.0.1", 0) as held:
        lines = told(order(one), "transformers serve", held)
    assert lines[0].startswith("serving   quickstart: merged (its gate said degraded) by")
    assert lines[0].endswith("at http://127.0.0.1:1")
    assert "is degraded: degraded for a reason" in lines[1]
    assert len(lines) == 2


def test_a_degraded_file_is_warned_of_by_its_own_reasons(pretend: Pretend) -> None:
    run = pretend("one", gguf="degraded")
    (run.export / "gguf" / "x-q8_0.gguf").write_text("", "utf-8")
    told_of = [
        {"name": file.name, "verdict": "degraded", "reasons": [f"that of {file.stem}"]}
        for file in sorted((run.export / "gguf").glob("*.gguf"))
    ]
    write_json(run.export / "gguf" / "gate.json", {"verdict": "degraded", "artefacts": told_of})
    one = served(candidates([run]))[0]
    with bound("127.0.0.1", 0) as held:
        (_, warning) = told(order(one), "llama.cpp", held)
    assert warning.endswith(f"is degraded: that of {one.what.path.stem}")


def test_an_address_that_others_reach_is_warned_of_unless_there_is_a_key(pretend: Pretend) -> None:
    one = served(candidates([pretend("one", merged="same")]))[0]
    with bound("0.0.0.0", 0) as held:
        assert address(held).startswith("http://127.0.0.1:")
        assert "other machines can reach" in told(order(one), "x", held)[-1]
        assert len(told(order(one, "key"), "x", held)) == 1


def test_the_conversation_to_try_is_one_that_the_run_knows(pretend: Pretend) -> None:
    rundir = pretend("one", merged="same")
    rundir.eval.mkdir()
    (run,) = candidates([rundir])
    assert opening(run) == {"messages": [{"role": "user", "content": "Hello!"}]}
    rundir.results("qa").write_text('{"question": "When?"}\n', "utf-8")
    run.run.dataset.system = "Be kind."
    assert opening(run)["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "When?"},
    ]


def row(question: str, answer: str, ended: bool = True) -> str:
    """Return a row of results in which "Yes." was expected."""
    said = {"answer": answer, "ended": ended}
    return json.dumps({"question": question, "expected": ["Yes."], "models": {"tuned": said}})


def test_the_question_to_try_is_one_that_was_answered_rightly(pretend: Pretend) -> None:
    rundir = pretend("one", merged="same")
    rundir.eval.mkdir()
    (run,) = candidates([rundir])
    rundir.results("forgetting").write_text(row("General?", "Yes."), "utf-8")
    rows = [row("No end?", "Yes.", ended=False), row("Wrong?", "No."), row("Right?", "yes")]
    rundir.results("qa").write_text("\n".join(rows), "utf-8")
    assert to_try(rundir, run.run) == "Right?"
    rundir.results("qa").write_text(rows[1], "utf-8")
    assert to_try(rundir, run.run) == "General?"
    rundir.results("forgetting").unlink()
    assert to_try(rundir, run.run) == "Wrong?"


def test_a_model_of_texts_is_tried_by_a_text(pretend: Pretend) -> None:
    rundir = pretend("one", merged="same")
    (run,) = candidates([rundir])
    run.run.dataset = PlainText()
    one = Order("x", [], "http://127.0.0.1:1", 3, None, None, Path("log"), opening(run))
    told = "\n".join(ready(one, ["one"]))
    assert "/v1/completions" in told
    assert '"prompt": "Once upon a time"' in told
    assert 'client.completions.create(model="one", prompt="…")' in told


def test_the_log_of_a_run_that_is_not_ours_goes_elsewhere(pretend: Pretend) -> None:
    rundir = pretend("one", merged="same")
    assert log(rundir) == rundir.path / "logs" / "serve.txt"
    rundir.logs.rmdir()
    rundir.logs.write_text("in the way", "utf-8")
    assert log(rundir).parent != rundir.logs


def test_serving_is_told_by_the_help() -> None:
    assert verbs.summary("serve").startswith("Answer on 127.0.0.1 as OpenAI's API does")


@pytest.mark.slow
def test_a_file_that_cannot_be_loaded_is_told_in_words(
    here: Path, pretend: Pretend, start: Callable[..., Any]
) -> None:
    pretend("one", gguf="same")
    process = start(here, "runs/quickstart/one")
    assert "quickstart-f16.gguf: cannot be loaded by llama.cpp" in process.until("error:")
    assert process.child.wait(20) == 1
