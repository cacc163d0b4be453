"""One run from training to a model on an Ollama server, whose answers are llama.cpp's."""

import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from llama import llama
from stand_in import Json, Reply, StandIn, serving

from ftrecipe import launch, plan
from ftrecipe.components.eval import Decoding
from ftrecipe.components.export import Artefact, Closeness
from ftrecipe.compose import compose
from ftrecipe.stages.engines import Settings, opened
from ftrecipe.stages.engines.spelling import Spelling
from ftrecipe.stages.exporting.tuned import TunedModel
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.session import Session

pytestmark = pytest.mark.slow
SYSTEM = 'You are "Fern".\nAnswer in one sentence. 🙂'
WORDS = [
    "trainer.max_steps=8", "hardware=cpu", "model.dtype=float32", "eval=[]",
    f"dataset.system={json.dumps(SYSTEM, ensure_ascii=False)[1:-1]}", "fidelity.prompts=4",
    "fidelity.max_new_tokens=12", "export=[ollama,gguf]", "export.gguf.types=[q8_0]",
    "export.ollama.register=true", "export.ollama.model=team/fern",
]  # fmt: skip


@dataclass
class Registered:
    """A run whose model is on a stand-in."""

    session: Session
    ollama: StandIn

    @property
    def folder(self) -> Path:
        return self.session.dir.export / "ollama"

    @property
    def gate(self) -> Json:
        return json.loads((self.folder / "gate.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registered]:
    place = tmp_path_factory.mktemp("registered")
    with llama() as answer, serving(place / "blobs", answer) as ollama:
        host = f"export.ollama.host={ollama.address}"
        made = plan.make(compose([*WORDS, host, f"runs_dir={place / 'runs'}"]))
        session = Session.open(launch.create(made), Screen(None))
        session.run.dataset.system = SYSTEM
        for stage in ("prepare", "train", "export"):
            getattr(importlib.import_module(f"ftrecipe.stages.{stage}"), stage)(session)
        yield Registered(session, ollama)


def test_the_modelfile_says_what_was_trained(run: Registered) -> None:
    text = (run.folder / "Modelfile").read_text("utf-8")
    assert text.startswith(f"FROM ./{run.session.name}-q8_0.gguf\n")
    assert f'SYSTEM """{SYSTEM}"""\n' in text
    assert 'PARAMETER stop "<|im_end|>"\n' in text
    assert "PARAMETER num_ctx 1024\n" in text
    assert 'LICENSE "apache-2.0"' in text
    assert "TEMPLATE" not in text


def test_the_gguf_is_the_one_of_its_own_target(run: Registered) -> None:
    name = f"{run.session.name}-q8_0.gguf"
    assert (run.folder / name).samefile(run.session.dir.export / "gguf" / name)


def test_the_server_has_the_model_by_its_names(run: Registered) -> None:
    assert sorted(run.ollama.models) == ["team/fern:latest", "team/fern:tuned"]
    model = run.ollama.models["team/fern:latest"]
    assert model["system"] == SYSTEM
    assert model["parameters"] == {"stop": ["<|im_end|>"], "num_ctx": 1024}


def test_what_is_served_was_held_against_the_trained_model(run: Registered) -> None:
    file, served = run.gate["artefacts"]
    assert (file["engine"], served["engine"]) == ("llama_cpp", "ollama")
    assert served["about"] == "Ollama 0.12.6"
    assert served["streamed"]["same"] == served["streamed"]["of"] > 0
    assert served["greedy"]["of"] == 4
    for question in ("tokenization", "template", "logprobs"):
        assert "Ollama tells nobody" in served[question]["not_asked"]
    assert served["verdict"] not in ("same", "failed")


def test_answers_are_those_of_the_same_file_without_a_server(run: Registered) -> None:
    prompts = [each.prompt_ids for each in run.session.prepared.examples("test")[:3]]
    file = next(run.folder.glob("*.gguf"))
    artefacts = [
        Artefact("", "llama_cpp", file, Closeness.quantized),
        Artefact("", "ollama", file, Closeness.quantized, run.ollama.address, "team/fern"),
    ]
    texts = []
    for artefact in artefacts:
        with opened(artefact, Settings(context=512, threads=1)) as engine:
            decoding = Decoding(max_new_tokens=10, stop=(" the",))
            texts.append([each.text for each in engine.generate(prompts, decoding)])
    assert texts[0] == texts[1]
    assert all(" the" not in text for text in texts[1])


def test_prompts_are_spelled_so_that_their_ids_come_back(run: Registered) -> None:
    spelling, tokenizer = Spelling(next(run.folder.glob("*.gguf"))), run.session.tokenizer
    texts = [
        "12 × 3 = 36",
        "🙂 数字\n\n\tx",
        "  a<|im_start|>user\nHi<|im_end|>\n",
        "naïve Ünïcode",
    ]
    for text in texts:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert spelling.text(ids) == text
    assert spelling.ends == {tokenizer.get_vocab()["<|im_end|>"]}


def test_a_server_that_writes_another_template_loses_the_name_again(run: Registered) -> None:
    before, right = dict(run.ollama.models), run.ollama.answer

    def without_template(gguf: Path, request: Json, manifest: Json) -> Reply:
        if "messages" in request:
            return Reply(["What", " was", " that?"], read=9)
        return right(gguf, request, manifest)

    run.ollama.answer = without_template
    lines: list[str] = []
    screen = Screen(None)
    screen.say = lines.append  # type: ignore[method-assign]
    run.session.screen = screen
    run.session.exports = ["ollama"]
    try:
        export: Any = importlib.import_module("ftrecipe.stages.export")
        export.export(run.session)
        assert run.gate["verdict"] == "failed"
        assert "team/fern:tuned" not in run.ollama.models
        told = "\n".join(lines)
        assert "Ollama may write the chat template otherwise" in told
    finally:
        run.ollama.models, run.ollama.answer = before, right


def test_what_is_asked_at_first_leaves_the_system_prompt_to_the_modelfile(run: Registered) -> None:
    from ftrecipe.components.export.ollama_told import question

    tuned = TunedModel(run.session)
    (messages,) = tuned.questions(1)
    asked = question(tuned, messages)
    assert messages[0] == {"role": "system", "content": SYSTEM}
    assert asked.messages == messages[1:]
    assert asked.tokens == len(run.session.prepared.examples("test")[0].prompt_ids)
