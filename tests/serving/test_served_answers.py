import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from answers import ROOT

from ftrecipe.rundir import RunDir, hold, read_json

pytestmark = pytest.mark.slow
openai = pytest.importorskip("openai")
pytest.importorskip("fastapi")

TRAIN = [
    "+recipe=quickstart", "trainer.max_steps=6", "hardware=cpu", "eval=[qa]",
    "eval.qa.max_samples=4", "eval.qa.max_new_tokens=24", "fidelity.prompts=4",
    "fidelity.examples=4", "export=[adapter,merged,gguf]",
]  # fmt: skip
EXPORTS = {"a": "adapter", "b": "adapter", "c": "merged"}
Row = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run with three exports, and copies of it with one: a, b and c.

    The adapter of b changes nothing: by it, the tuned model answers as its base does.
    """
    here = tmp_path_factory.mktemp("served")
    told = subprocess.run(
        [sys.executable, "-m", "ftrecipe", *TRAIN],
        cwd=here,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    (whole,) = (here / "runs" / "quickstart").iterdir()
    for name, export in EXPORTS.items():
        copy = whole.with_name(name)
        shutil.copytree(whole, copy, ignore=shutil.ignore_patterns("checkpoints", "gguf"))
        for other in {*EXPORTS.values()} - {export}:
            shutil.rmtree(copy / "export" / other)
    shutil.rmtree(whole.with_name("c") / "adapter")
    silence(whole.with_name("b") / "export" / "adapter" / "adapter_model.safetensors")
    return here


def silence(file: Path) -> None:
    """Set an adapter's second matrices to zero, as they were before training."""
    from safetensors.numpy import load_file, save_file

    stored = load_file(file)
    quiet = {name: 0 * it if "lora_B" in name else it for name, it in stored.items()}
    save_file(quiet, file, metadata={"format": "pt"})


@pytest.fixture(scope="module")
def rows(folder: Path) -> list[Row]:
    """What base and tuned model answered when the run was measured."""
    (file,) = folder.glob("runs/quickstart/2*/eval/qa.jsonl")
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def address(folder: Path, start: Callable[..., Any]) -> str:
    """Where two adapters, their base and a merged model answer."""
    return start(folder, *(f"runs/quickstart/{name}" for name in EXPORTS)).address


@pytest.fixture(scope="module")
def client(address: str) -> Any:
    return openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)


@pytest.fixture(scope="module")
def gguf(folder: Path, start: Callable[..., Any]) -> Any:
    """A server of the GGUF that asks for a key."""
    (run,) = folder.glob("runs/quickstart/2*")
    return start(folder, str(run), "--with", "gguf", FTRECIPE_API_KEY="sesame-open-you")


@pytest.fixture(scope="module")
def gguf_address(gguf: Any) -> str:
    return gguf.address


@pytest.fixture(scope="module")
def gguf_client(gguf_address: str) -> Any:
    return openai.OpenAI(base_url=f"{gguf_address}/v1", api_key="sesame-open-you", max_retries=0)


def said(client: Any, model: str, question: str, **more: Any) -> str:
    """Return an answer as it comes whole."""
    asked: Any = [{"role": "user", "content": question}]
    settings = {"max_tokens": 24} | more
    answer = client.chat.completions.create(model=model, messages=asked, **settings)
    return answer.choices[0].message.content.strip()


def streamed(client: Any, model: str, question: str, **more: Any) -> tuple[str, str]:
    """Return an answer as it comes in pieces, and why it ended."""
    asked: Any = [{"role": "user", "content": question}]
    settings = {"max_tokens": 24, "temperature": 0} | more
    text, reason = "", ""
    for piece in client.chat.completions.create(
        model=model, messages=asked, stream=True, **settings
    ):
        for choice in piece.choices:
            text += choice.delta.content or ""
            reason = choice.finish_reason or reason
    return text.strip(), reason


@pytest.mark.parametrize(
    ("model", "who"),
    [("quickstart-a", "tuned"), ("quickstart-b", "base"), ("quickstart-c", "tuned"),
     ("tiny", "base")],
)  # fmt: skip
def test_adapters_their_base_and_a_merged_model_answer_as_they_were_measured(
    client: Any, rows: list[Row], model: str, who: str
) -> None:
    for row in rows:
        expected = row["models"][who]["answer"]
        assert said(client, model, row["question"], temperature=0) == expected
        assert streamed(client, model, row["question"])[0] == expected


def test_a_gguf_answers_as_the_run_was_measured(gguf_client: Any, rows: list[Row]) -> None:
    for row in rows:
        expected = row["models"]["tuned"]["answer"]
        assert said(gguf_client, "quickstart", row["question"]) == expected
        assert streamed(gguf_client, "quickstart", row["question"])[0] == expected


def test_requests_at_the_same_time_have_their_own_models(client: Any, rows: list[Row]) -> None:
    asked = [
        (model, row["question"], row["models"][who]["answer"])
        for row in rows
        for model, who in (("quickstart-a", "tuned"), ("quickstart-b", "base"), ("tiny", "base"))
    ]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda one: said(client, *one[:2], temperature=0), asked))
    assert answers == [expected for _, _, expected in asked]


def test_what_is_served_is_listed_and_nothing_else_answers(client: Any) -> None:
    names = [model.id for model in client.models.list()]
    assert names == ["quickstart-a", "quickstart-b", "quickstart-c", "tiny"]
    assert client.models.retrieve("tiny").id == "tiny"
    with pytest.raises(openai.NotFoundError, match="'gpt-4o' is not served here"):
        said(client, "gpt-4o", "Hi")


def test_an_answer_ends_where_it_is_asked_to(
    client: Any, gguf_client: Any, rows: list[Row]
) -> None:
    for one, model in ((client, "quickstart-a"), (gguf_client, "quickstart")):
        question, whole = rows[0]["question"], rows[0]["models"]["tuned"]["answer"]
        stop = whole.split()[1]
        before = whole[: whole.index(stop)].strip()
        assert said(one, model, question, stop=stop) == before
        assert streamed(one, model, question, stop=[stop]) == (before, "stop")
        short, reason = streamed(one, model, question, max_tokens=2)
        assert whole.startswith(short)
        assert reason == "length"


def test_texts_are_gone_on_with(client: Any, gguf_client: Any) -> None:
    for one, model in ((client, "tiny"), (gguf_client, "quickstart")):
        asked = {"model": model, "prompt": "The museum", "max_tokens": 6, "temperature": 0}
        whole = one.completions.create(**asked)
        assert whole.usage.completion_tokens == 6
        pieces = one.completions.create(**asked, stream=True)
        assert "".join(piece.choices[0].text for piece in pieces) == whole.choices[0].text


def test_a_temperature_samples_and_none_does_not(client: Any) -> None:
    warm = [said(client, "tiny", "Who are you?", temperature=1.5) for _ in range(4)]
    assert len(set(warm)) > 1
    assert len({said(client, "tiny", "Who are you?") for _ in range(2)}) == 1


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{nope", "no JSON object"),
        (b'{"model": "tiny", "messages": []}', "messages: should be a list"),
        (b'{"model": "tiny", "messages": [{"role": "user", "content": "Hi"}], "n": 2}', "n: one"),
        (b'{"model": "tiny", "messages": [{"role": "user", "content": "'
         + b"word " * 3000 + b'"}]}', "tokens; with its answer there may be"),
    ],
    ids=["json", "messages", "n", "length"],
)  # fmt: skip
def test_malformed_requests_are_refused_in_words(address: str, body: bytes, why: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = httpx.post(f"{address}/v1/chat/completions", content=body, headers=headers)
    assert answer.status_code == 400
    assert why in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/load_model", "/reset", "/v1/responses", "/docs"])
def test_no_request_loads_or_unloads_models(address: str, path: str) -> None:
    assert httpx.post(f"{address}{path}", json={"model": "org/other"}).status_code == 404


def test_a_key_is_asked_for(gguf_address: str, gguf_client: Any) -> None:
    assert [model.id for model in gguf_client.models.list()] == ["quickstart"]
    assert httpx.get(f"{gguf_address}/v1/models").status_code == 401


def test_serving_changes_no_status_and_holds_no_lock(folder: Path, address: str) -> None:
    served = RunDir(folder / "runs" / "quickstart" / "a")
    assert address in served.status.with_name("logs").joinpath("serve.txt").read_text("utf-8")
    (run,) = folder.glob("runs/quickstart/2*")
    assert read_json(served.status) == read_json(RunDir(run).status)
    with hold(served):
        pass


def test_ctrl_c_stops_it_within_seconds_though_it_is_answering(gguf: Any, gguf_client: Any) -> None:
    def ask() -> None:
        with pytest.raises(openai.APIError):
            said(gguf_client, "quickstart", "Count.", max_tokens=900)

    threading.Thread(target=ask, daemon=True).start()
    code, seconds = gguf.stop(signal.SIGINT)
    assert code == 0
    assert seconds < 6
    assert gguf.until("stopped")


def test_nothing_is_left_when_the_front_is_killed(folder: Path, start: Callable[..., Any]) -> None:
    (run,) = folder.glob("runs/quickstart/2*")
    process = start(folder, str(run), "--with", "gguf")
    address = process.address
    process.stop(signal.SIGKILL)
    assert process.until_end()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/health")
