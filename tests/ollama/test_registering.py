"""Registering a model: files that are there are not sent, and names are switched at the end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from stand_in import Reply, StandIn

from ftrecipe.ollama import registering
from ftrecipe.ollama.modelfile import Modelfile
from ftrecipe.ollama.names import Name
from ftrecipe.ollama.registering import (
    Person,
    Question,
    Wanted,
    lacking,
    register,
    too_old,
    withdraw,
)
from ftrecipe.ollama.server import CutOff, OllamaError, Server

SENT = "POST /api/blobs"


@dataclass
class Listener:
    """A person who keeps what was said, and how far each task came."""

    lines: list[str] = field(default_factory=list)
    steps: dict[str, int] = field(default_factory=dict)

    def progress(self, label: str, items: Sequence[Any]) -> Iterator[Any]:
        for item in items:
            yield item
            self.steps[label] = self.steps.get(label, 0) + 1

    @property
    def person(self) -> Person:
        return Person(self.lines.append, self.progress)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Listener:
    monkeypatch.setattr(registering, "PAUSE", 0.0)
    return Listener()


@pytest.fixture
def server(ollama: StandIn) -> Server:
    return Server(ollama.address, timeout=1)


@pytest.fixture
def wanted(gguf: Path) -> Wanted:
    told = Modelfile(gguf.name, system="Be brief.", stop=("<|im_end|>",), num_ctx=64, license="mit")
    asked = Question([{"role": "user", "content": "one two"}], tokens=2)
    return Wanted(Name("faq"), gguf, told, questions=[asked])


def another(wanted: Wanted, folder: Path) -> Wanted:
    """Return a model of other weights under the same name."""
    file = folder / "other.gguf"
    file.write_bytes(b"GGUF other weights")
    return replace(wanted, file=file)


def test_a_model_gets_its_names_and_all_that_the_modelfile_says(
    server: Server, ollama: StandIn, wanted: Wanted, listener: Listener
) -> None:
    assert register(server, wanted, listener.person) == "faq:tuned"
    assert sorted(ollama.models) == ["faq:latest", "faq:tuned"]
    model = ollama.models["faq:latest"]
    assert model["system"] == "Be brief."
    assert model["parameters"] == {"stop": ["<|im_end|>"], "num_ctx": 64}
    assert model["license"] == "mit"
    assert "template" not in model
    (created,) = [asked for path, asked in ollama.requests if path == "/api/create"]
    assert list(created["files"]) == [wanted.file.name]
    assert listener.steps == {"upload MiB": 4}
    assert 'asked "one two", it answers "echo: one two"' in listener.text


def test_a_file_that_the_server_has_is_not_sent_again(
    server: Server, ollama: StandIn, wanted: Wanted, listener: Listener
) -> None:
    for _ in range(2):
        register(server, wanted, listener.person)
    assert ollama.asked[SENT] == 1
    assert f"{wanted.file.name} is there already" in listener.text


def test_registering_again_changes_nothing(
    server: Server, ollama: StandIn, wanted: Wanted, listener: Listener, tmp_path: Path
) -> None:
    register(server, another(wanted, tmp_path), listener.person)
    register(server, wanted, listener.person)
    before = dict(ollama.models)
    register(server, wanted, listener.person)
    assert ollama.models == before
    assert "faq:previous" in before


def test_an_upload_that_is_cut_off_begins_again(
    server: Server, ollama: StandIn, wanted: Wanted, listener: Listener
) -> None:
    ollama.breaks[SENT] = "once"
    register(server, wanted, listener.person)
    assert ollama.asked[SENT] == 2
    assert "sent again (2 of 3)" in listener.text


def test_an_upload_that_is_cut_off_again_and_again_is_given_up(
    server: Server, ollama: StandIn, wanted: Wanted, listener: Listener
) -> None:
    ollama.breaks[SENT] = "vanish"
    with pytest.raises(CutOff, match="went away in the middle"):
        register(server, wanted, listener.person)
    assert ollama.asked[SENT] == registering.ATTEMPTS
    assert ollama.models == {}


def test_a_file_that_arrives_otherwise_is_not_sent_again(
    server: Server, ollama: StandIn, wanted: Wanted, listener: Listener
) -> None:
    ollama.breaks[SENT] = "corrupt"
    with pytest.raises(OllamaError, match="digest mismatch"):
        register(server, wanted, listener.person)
    assert ollama.asked[SENT] == 1


def test_the_name_s_earlier_model_is_kept(
    server: Server, ollama: StandIn, wanted: Wanted, listener: Listener, tmp_path: Path
) -> None:
    register(server, wanted, listener.person)
    old = ollama.models["faq:latest"]
    register(server, another(wanted, tmp_path), listener.person)
    assert ollama.models["faq:previous"] == old
    assert ollama.models["faq:latest"] == ollama.models["faq:tuned"] != old
    assert "to switch to previous: ollama cp faq:previous faq:latest" in listener.text


def test_a_base_of_the_server_is_to_be_had_beside_it(
    server: Server, ollama: StandIn, wanted: Wanted, listener: Listener, tmp_path: Path
) -> None:
    register(server, replace(another(wanted, tmp_path), name=Name("smol")), listener.person)
    register(server, replace(wanted, base="smol"), listener.person)
    assert ollama.models["faq:base"] == ollama.models["smol:latest"]
    assert "to switch to base: ollama cp faq:base faq:latest; and back: ollama cp faq:tuned " in (
        listener.text
    )


def test_a_base_under_the_name_that_is_switched_is_refused(
    server: Server, ollama: StandIn, wanted: Wanted, listener: Listener
) -> None:
    with pytest.raises(OllamaError, match=r"export\.ollama\.model=faq-tuned"):
        register(server, replace(wanted, base="faq"), listener.person)
    assert not ollama.asked


def test_a_model_that_says_nothing_gets_no_name(
    server: Server, ollama: StandIn, wanted: Wanted, listener: Listener
) -> None:
    ollama.answer = lambda *_: Reply([" "], 2)
    with pytest.raises(OllamaError, match="said nothing after 1 tokens; the names stay"):
        register(server, wanted, listener.person)
    assert ollama.models == {}


def test_a_model_that_finds_no_end_gets_no_name(
    server: Server, ollama: StandIn, wanted: Wanted, listener: Listener, tmp_path: Path
) -> None:
    register(server, another(wanted, tmp_path), listener.person)
    before = dict(ollama.models)
    ollama.answer = lambda *_: Reply(["on", " and"] * 9, 2, ended=False)
    with pytest.raises(OllamaError, match="had found no end after 18 tokens"):
        register(server, wanted, listener.person)
    assert ollama.models == before


def test_one_question_that_is_answered_well_is_enough(
    server: Server, ollama: StandIn, wanted: Wanted, listener: Listener
) -> None:
    asked = [*wanted.questions, Question([{"role": "user", "content": "short"}])]
    ollama.answer = lambda _, request, __: Reply(
        ["yes"], 2, ended=request["messages"][-1]["content"] == "short"
    )
    register(server, replace(wanted, questions=asked), listener.person)
    assert 'asked "short", it answers "yes"' in listener.text


def test_a_model_of_plain_text_only_has_to_write_something(
    server: Server, ollama: StandIn, wanted: Wanted, listener: Listener
) -> None:
    ollama.answer = lambda *_: Reply(["on", " and"], 2, ended=False)
    register(server, replace(wanted, questions=[], templated=False), listener.person)
    ollama.answer = lambda *_: Reply([], 2)
    with pytest.raises(OllamaError, match="wrote nothing"):
        register(server, replace(wanted, questions=[], templated=False), listener.person)


def test_a_server_that_would_ask_without_a_template_is_refused(
    server: Server, ollama: StandIn, wanted: Wanted, listener: Listener
) -> None:
    ollama.template = "{{ .Prompt }}"
    with pytest.raises(OllamaError, match="does not take the chat template from the GGUF"):
        register(server, wanted, listener.person)
    assert ollama.models == {}
    own = replace(wanted.modelfile, template="[INST] {{ .Prompt }} [/INST]")
    register(server, replace(wanted, modelfile=own), listener.person)
    assert ollama.models["faq:latest"]["template"] == own.template


def test_a_question_of_another_length_there_is_told(
    server: Server, ollama: StandIn, wanted: Wanted, listener: Listener
) -> None:
    asked = [Question(wanted.questions[0].messages, tokens=30)]
    register(server, replace(wanted, questions=asked), listener.person)
    assert "a question of 30 tokens in training has 2 there" in listener.text


def test_a_server_that_falls_silent_while_it_is_asked_keeps_what_it_has(
    server: Server, ollama: StandIn, wanted: Wanted, listener: Listener
) -> None:
    ollama.breaks["POST /api/chat"] = "hang"
    with pytest.raises(CutOff, match="no progress for 1 s"):
        register(server, wanted, listener.person)
    assert list(ollama.models) == ["faq:candidate"]
    ollama.breaks.clear()
    register(server, wanted, listener.person)
    assert ollama.asked[SENT] == 1
    assert sorted(ollama.models) == ["faq:latest", "faq:tuned"]


def test_an_error_within_the_stream_of_the_making_ends_it(
    server: Server, ollama: StandIn, wanted: Wanted, listener: Listener
) -> None:
    ollama.breaks["POST /api/create"] = "error"
    with pytest.raises(OllamaError, match="no space left on device"):
        register(server, wanted, listener.person)
    assert ollama.models == {}


def test_what_is_withdrawn_leaves_the_names_as_they_were(
    server: Server, ollama: StandIn, wanted: Wanted, listener: Listener, tmp_path: Path
) -> None:
    register(server, another(wanted, tmp_path), listener.person)
    old = ollama.models["faq:latest"]
    register(server, wanted, listener.person)
    listener.lines.clear()
    withdraw(server, wanted.name, listener.person)
    assert ollama.models["faq:latest"] == ollama.models["faq:tuned"] == old
    assert "faq:latest is again what it was before (faq:previous)" in listener.lines
    assert "faq:tuned is again what it was before (faq:tuned-before)" in listener.lines


def test_names_that_a_person_has_switched_come_back_switched(
    server: Server, ollama: StandIn, wanted: Wanted, listener: Listener, tmp_path: Path
) -> None:
    register(server, another(wanted, tmp_path), listener.person)
    tuned, base = ollama.models["faq:tuned"], {**ollama.models["faq:tuned"], "system": "base"}
    ollama.models["faq:latest"] = base
    register(server, wanted, listener.person)
    withdraw(server, wanted.name, listener.person)
    assert [ollama.models[name] for name in ("faq:latest", "faq:tuned")] == [base, tuned]


def test_what_an_older_model_of_that_name_was_does_not_come_back(
    server: Server, ollama: StandIn, wanted: Wanted, listener: Listener, tmp_path: Path
) -> None:
    register(server, another(wanted, tmp_path), listener.person)
    register(server, wanted, listener.person)
    for name in ("faq:latest", "faq:tuned"):
        server.delete(name)
    register(server, wanted, listener.person)
    withdraw(server, wanted.name, listener.person)
    assert ollama.models == {}
    assert "faq:tuned is taken away" in listener.lines


def test_a_server_that_cannot_load_the_file_is_told_to_be_too_old(
    server: Server, ollama: StandIn, wanted: Wanted, listener: Listener
) -> None:
    ollama.breaks["POST /api/chat"] = "500"
    with pytest.raises(OllamaError, match=r"something broke \(HTTP 500\); .* too old"):
        register(server, wanted, listener.person)
    assert ollama.models == {}


def test_a_disk_that_is_full_there_is_told_while_the_file_is_sent(
    server: Server, ollama: StandIn, wanted: Wanted, listener: Listener, tmp_path: Path
) -> None:
    large = tmp_path / "large.gguf"
    large.write_bytes(b"GGUF" + bytes(20 << 20))
    ollama.breaks[SENT] = "full"
    with pytest.raises(OllamaError, match="no space left on device"):
        register(server, replace(wanted, file=large), listener.person)
    assert ollama.asked[SENT] == 1
    assert ollama.models == {}


def test_a_name_that_was_new_is_gone_once_it_is_withdrawn(
    server: Server, ollama: StandIn, wanted: Wanted, listener: Listener
) -> None:
    register(server, wanted, listener.person)
    withdraw(server, wanted.name, listener.person)
    assert ollama.models == {}


@pytest.mark.parametrize(("version", "old"), [("0.5.4", True), ("0.5.5", False), ("0.12.6", False),
                                              ("0.0.0", False), ("0.6.0-rc1", False),
                                              ("main", False)])  # fmt: skip
def test_servers_that_take_no_files_are_known_by_their_version(version: str, old: bool) -> None:
    assert too_old(version) == old


def test_what_a_server_lacks_is_told_before_anything_is_trained(ollama: StandIn) -> None:
    assert list(lacking(Server(ollama.address, 1), None)) == []
    (told,) = lacking(Server(ollama.address, 1), "smollm2")
    assert "has no such model; ollama pull smollm2" in told
    ollama.version = "0.3.14"
    (told,) = lacking(Server(ollama.address, 1), None)
    assert "cannot be handed files; update it to 0.5.5 or later" in told
    ollama.breaks["*"] = "html"
    (told,) = lacking(Server(ollama.address, 1), None)
    assert "something else listens there" in told
