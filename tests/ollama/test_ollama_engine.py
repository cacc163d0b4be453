"""A served model as an engine: what it is asked, and what a server that goes away means."""

from pathlib import Path

import pytest
from stand_in import Json, Reply, StandIn
from test_spelling import LETTERS, written

from ftrecipe.components.eval import Decoding
from ftrecipe.ollama.server import Server
from ftrecipe.stages.engines import NotAsked
from ftrecipe.stages.engines.ollama import Ollama

IDS = [1, 2]  # "Hi there"


@pytest.fixture
def asked() -> list[Json]:
    """The requests that the server was asked to answer."""
    return []


@pytest.fixture
def engine(ollama: StandIn, asked: list[Json], tmp_path: Path) -> Ollama:
    def answer(gguf: Path, request: Json, manifest: Json) -> Reply:
        asked.append(request)
        return Reply([" yes", " "], 2, ended=len(asked) == 1)

    ollama.answer = answer
    ollama.models["faq:tuned"] = {"files": ["x"], "parameters": {"stop": ["<|end|>", "</s>"]}}
    spelling = written(tmp_path, "gpt2", LETTERS)
    return Ollama(Server(ollama.address, 1), "faq:tuned", spelling, context=77)


def test_a_prompt_is_asked_without_a_template_and_greedily(
    engine: Ollama, asked: list[Json]
) -> None:
    first, second = engine.generate([IDS, IDS], Decoding(max_new_tokens=5))
    assert (first.text, first.tokens, first.ended, second.ended) == ("yes", 2, True, False)
    assert (asked[0]["prompt"], asked[0]["raw"]) == ("Hi there", True)
    options = asked[0]["options"]
    assert (options["temperature"], options["seed"], options["num_ctx"]) == (0, 0, 77)
    assert (options["repeat_penalty"], options["num_predict"]) == (1.0, 5)
    assert "stop" not in options  # so that those of the Modelfile count


def test_stop_texts_are_added_to_those_of_the_modelfile(engine: Ollama, asked: list[Json]) -> None:
    engine.generate([IDS], Decoding(stop=("\n",)))
    assert asked[0]["options"]["stop"] == ["\n", "<|end|>", "</s>"]


def test_a_conversation_goes_through_the_server_s_template(
    engine: Ollama, asked: list[Json]
) -> None:
    messages = [{"role": "user", "content": "Hi"}]
    assert "".join(engine.stream(messages, Decoding())) == " yes "
    assert asked[0]["messages"] == messages


def test_what_it_tells_nobody_is_not_asked(engine: Ollama) -> None:
    for ask in (
        lambda: engine.tokenized("x"),
        lambda: engine.prompt([], None),
        lambda: engine.next_logprobs([IDS]),
    ):
        with pytest.raises(NotAsked, match="Ollama tells nobody"):
            ask()


def test_a_server_that_went_away_says_nothing_of_its_model(engine: Ollama, ollama: StandIn) -> None:
    ollama.breaks["*"] = "vanish"
    with pytest.raises(NotAsked, match="went away"):
        engine.generate([IDS], Decoding())
    with pytest.raises(NotAsked, match="went away"):
        list(engine.stream([], Decoding()))
    assert engine.about == "Ollama"
    engine.close()


def test_it_says_its_version_and_its_end_tokens(engine: Ollama) -> None:
    assert engine.about == "Ollama 0.12.6"
    assert engine.ends == {0}
