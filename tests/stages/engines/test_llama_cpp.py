"""llama.cpp as an engine: near to transformers, by the file's own words, never a dead process."""

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_gguf import BOS, END, TINY, tiny_gguf
from transformers import AutoModelForCausalLM, AutoTokenizer

from ftrecipe.components.eval import Decoding
from ftrecipe.components.export import Artefact, Closeness
from ftrecipe.errors import ConfigError, StageError
from ftrecipe.stages.engines import Engine, Settings, llama_server, opened
from ftrecipe.stages.engines.llama_cpp import FLOOR
from ftrecipe.stages.engines.llama_server import LlamaServer, Serving

pytestmark = pytest.mark.slow
SETTINGS = Settings(context=512, threads=1)
ASKED = [{"role": "user", "content": "What are your opening hours?"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "weather", "description": "Tells it.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}  # fmt: skip
CALLED = [
    {"role": "user", "content": "Rain in Bergen?"},
    {"role": "assistant", "content": "",
     "tool_calls": [{"type": "function",
                     "function": {"name": "weather", "arguments": {"city": "Bergen"}}}]},
    {"role": "tool", "content": "Yes."},
]  # fmt: skip
TEXTS = ["12345 and 3.14", "<|im_start|>user\nHi<|im_end|>", "naïve 😀 東京", "\tif x:\n\n  y = 1"]


def artefact(file: Path) -> Artefact:
    return Artefact(file.name, "llama_cpp", file, Closeness.rounded)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = tiny_gguf(tmp_path_factory.mktemp("gguf"), "f16", "bf16")
    return dict(zip(("f16", "bf16"), made, strict=True))


@pytest.fixture(scope="module")
def engine(files: dict[str, Path]) -> Iterator[Engine]:
    with opened(artefact(files["f16"]), SETTINGS) as engine:
        yield engine


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(TINY)


@pytest.fixture(scope="module")
def model() -> Any:
    return AutoModelForCausalLM.from_pretrained(TINY, dtype=torch.float32).eval()


def after(model: Any, prompts: list[list[int]]) -> np.ndarray:
    with torch.no_grad():
        rows = [
            model(torch.tensor([ids])).logits[0, -1].double().log_softmax(-1) for ids in prompts
        ]
    return torch.stack(rows).numpy()


@pytest.fixture(scope="module")
def prompts(tokenizer: Any) -> list[list[int]]:
    text = tokenizer.apply_chat_template(ASKED, tokenize=False, add_generation_prompt=True)
    asked = tokenizer(text, add_special_tokens=False)["input_ids"]
    return [asked, [*asked, *tokenizer("About")["input_ids"]], tokenizer("caf")["input_ids"]]


def test_texts_have_the_tokenizers_ids(engine: Engine, tokenizer: Any) -> None:
    for text in TEXTS:
        assert engine.tokenized(text) == tokenizer(text, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize(("messages", "tools"), [(ASKED, None), (CALLED, [TOOL])])
def test_conversations_are_rendered_by_the_files_own_template(
    engine: Engine,
    tokenizer: Any,
    messages: list,
    tools: list | None,
) -> None:
    text = tokenizer.apply_chat_template(
        messages, tools=tools, tokenize=False, add_generation_prompt=True
    )
    expected = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert engine.prompt(messages, tools) == expected


@pytest.mark.parametrize("written", ["", "{{ bos_token }}"])
def test_a_prompt_begins_as_it_does_for_the_files_users(tmp_path: Path, written: str) -> None:
    template = written + "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    (file,) = tiny_gguf(tmp_path, "f16", begins="<|endoftext|>", template=template)
    with opened(artefact(file), SETTINGS) as engine:
        assert engine.prompt(ASKED, None) == [BOS, *engine.tokenized(ASKED[0]["content"])]


def test_probabilities_of_f16_are_near_to_those_of_transformers(
    engine: Engine,
    model: Any,
    prompts: list[list[int]],
) -> None:
    found = engine.next_logprobs(prompts)
    assert (found.dtype, found.shape) == (np.float32, (3, 2048))
    assert np.abs(found - after(model, prompts)).max() < 0.02
    assert found.min() > FLOOR


def test_probabilities_of_bf16_are_computed_in_float32(
    files: dict[str, Path],
    model: Any,
    prompts: list[list[int]],
) -> None:
    with opened(artefact(files["bf16"]), SETTINGS) as engine:
        assert "bfloat16 computed in float32" in engine.about
        assert np.abs(engine.next_logprobs(prompts) - after(model, prompts)).max() < 1e-3
    with opened(artefact(files["bf16"]), replace(SETTINGS, dtype="auto")) as engine:
        assert np.abs(engine.next_logprobs(prompts) - after(model, prompts)).max() > 1e-3
    assert {file.name for file in files["bf16"].parent.iterdir()} == {
        file.name for file in files.values()
    }


def test_every_token_of_the_vocabulary_is_told_also_before_half_a_character(
    engine: Engine,
    model: Any,
) -> None:
    half = engine.tokenized("😀")[:1]
    assert np.abs(engine.next_logprobs([half]) - after(model, [half])).max() < 0.02


def test_an_answer_ends_by_the_end_token_which_is_no_part_of_it(
    engine: Engine, prompts: list[list[int]]
) -> None:
    (answer,) = engine.generate(prompts[:1], Decoding())
    assert answer.ended
    assert answer.text
    assert "<|im_end|>" not in answer.text
    assert answer.tokens == len(engine.tokenized(answer.text))


def test_an_answer_is_cut_at_its_longest_and_says_so(
    engine: Engine, prompts: list[list[int]]
) -> None:
    (answer,) = engine.generate(prompts[:1], Decoding(max_new_tokens=2))
    assert (answer.tokens, answer.ended) == (2, False)


def test_a_stop_text_ends_an_answer_before_it(engine: Engine, prompts: list[list[int]]) -> None:
    (whole,) = engine.generate(prompts[:1], Decoding())
    stop = whole.text[3:6]
    (cut,) = engine.generate(prompts[:1], Decoding(stop=(stop,)))
    assert (cut.text, cut.ended) == (whole.text[: whole.text.index(stop)].strip(), True)


def test_a_special_token_given_as_a_stop_text_ends_an_answer(
    files: dict[str, Path], engine: Engine, prompts: list[list[int]]
) -> None:
    (whole,) = engine.generate(prompts[:1], Decoding())
    (same,) = engine.generate(prompts[:1], Decoding(stop=("<|im_end|>",)))
    assert same == whole


def test_the_same_seed_draws_the_same_answer(engine: Engine, prompts: list[list[int]]) -> None:
    drawn = [
        engine.generate(prompts[:1], Decoding(temperature=1.5, seed=seed, repetition_penalty=1.2))
        for seed in (1, 1, 2, 3)
    ]
    assert drawn[0] == drawn[1]
    assert drawn[0] not in drawn[2:]


def test_pieces_of_a_stream_are_the_answer(engine: Engine, prompts: list[list[int]]) -> None:
    pieces = list(engine.stream(ASKED, Decoding()))
    (whole,) = engine.generate(prompts[:1], Decoding())
    assert len(pieces) > 1
    assert "".join(pieces) == whole.text


def test_a_stream_that_is_left_keeps_nobody_waiting(engine: Engine) -> None:
    for _ in engine.stream(ASKED, Decoding(max_new_tokens=400)):
        break
    started = time.monotonic()
    assert engine.tokenized("Hi")
    assert time.monotonic() - started < 5


def test_the_end_tokens_are_those_of_the_file(engine: Engine) -> None:
    assert engine.ends == {END}


def test_two_files_are_open_at_a_time_and_closing_one_leaves_the_other(
    files: dict[str, Path], engine: Engine
) -> None:
    with opened(artefact(files["f16"]), SETTINGS) as second:
        assert second.tokenized("Hi") == engine.tokenized("Hi")
        process = second.server.process  # type: ignore[attr-defined]
    assert process.poll() == 0
    assert engine.tokenized("Hi")


def test_only_who_started_it_is_answered_and_only_on_this_machine(engine: Engine) -> None:
    address = engine.server.address  # type: ignore[attr-defined]
    assert address.startswith("http://127.0.0.1:")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{address}/v1/models", timeout=10)


def test_it_ends_when_nobody_holds_it_any_more(files: dict[str, Path]) -> None:
    server = LlamaServer(Serving(str(files["f16"]), 256, 1))
    assert server.process.stdin is not None
    server.process.stdin.close()  # as the kernel does for a process that was killed
    assert server.process.wait(20) == 0
    server.close()


def test_a_prompt_longer_than_the_context_is_told(engine: Engine) -> None:
    with pytest.raises(StageError, match=r"600 tokens.*exceeds the available context size"):
        engine.next_logprobs([[5] * 600])


FAULTS = {
    "no GGUF": (lambda data: b"hello world" * 100, "invalid magic characters"),
    "truncated": (lambda data: data[: len(data) // 2], "corrupted or incomplete"),
    "architecture": (lambda data: data.replace(b"llama", b"llamx"), "unknown model architecture"),
    "pre-tokenizer": (lambda data: data.replace(b"smollm", b"smollx"), "unknown pre-tokenizer"),
    "template": (lambda data: data.replace(b"{%- if tools %}", b"{%- if tools X}"), "arser"),
    "layers": (lambda data: _blocks(data, 100_000), "it gave up on GGML_ASSERT"),  # an abort
}


def _blocks(data: bytes, count: int) -> bytes:
    at = data.index(b"llama.block_count") + len(b"llama.block_count") + 4
    return data[:at] + count.to_bytes(4, "little") + data[at + 4 :]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_that_cannot_be_loaded_is_told_with_its_reason(
    fault: str, files: dict[str, Path], tmp_path: Path
) -> None:
    change, reason = FAULTS[fault]
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(change(files["f16"].read_bytes()))
    with (
        pytest.raises(
            StageError, match=rf"^broken\.gguf: cannot be loaded by llama\.cpp: .*{reason}"
        ),
        opened(artefact(broken), SETTINGS),
    ):
        pass


def test_a_process_that_dies_while_it_answers_is_told(files: dict[str, Path]) -> None:
    with opened(artefact(files["f16"]), SETTINGS) as engine:
        engine.server.process.kill()  # type: ignore[attr-defined]
        with pytest.raises(StageError, match="stopped answering: its process was killed"):
            engine.tokenized("Hi")


def test_a_port_in_use_is_told(files: dict[str, Path]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StageError, match=f"couldn't bind.*port: {port}"):
            LlamaServer(Serving(str(files["f16"]), 256, 1, port=port))


def test_a_server_is_known_by_the_names_it_is_given(files: dict[str, Path]) -> None:
    serving = Serving(str(files["f16"]), 256, 1, names=("tuned",))
    with LlamaServer(serving) as server:
        assert [one["id"] for one in server.ask("/v1/models")["data"]] == ["tuned"]
        asked = {"messages": ASKED, "max_tokens": 4, "temperature": 0}
        answer = server.ask("/v1/chat/completions", asked)
    assert answer["choices"][0]["message"]["content"]


def test_without_the_package_it_says_what_to_install(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llama_server, "PACKAGE", "xllamacpp_not_here")
    with (
        pytest.raises(ConfigError, match=r"pip install 'ftrecipe\[export\]'"),
        opened(artefact(files["f16"]), SETTINGS),
    ):
        pass
