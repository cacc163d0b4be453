"""The export stage with its gate: what is written where, what fails, and what a run says then."""

import dataclasses
import weakref
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest
from faulty import Trained, trained

from ftrecipe import gated, launch
from ftrecipe.components.export import Artefact, Closeness, Export, Tuned
from ftrecipe.components.export.merged import Merged
from ftrecipe.rundir import RunDir, read_json, write_json
from ftrecipe.stages.export import export
from ftrecipe.stages.exporting.fidelity.gate import Fidelity
from ftrecipe.stages.session import Session
from ftrecipe.stages.summary import paths

SCHEMAS = Path(launch.__file__).parent / "schemas"


@dataclass
class Unfaithful(Merged):
    """A merged model whose template is another."""

    def write(self, tuned: Tuned, folder: Path) -> None:
        super().write(tuned, folder)
        template = folder / "chat_template.jinja"
        template.write_text(template.read_text("utf-8").replace("assistant", "helper"), "utf-8")


@dataclass
class Interrupted(Merged):
    """A merged model at whose gate somebody presses Ctrl-C."""

    def artefacts(self, folder: Path) -> list[Artefact]:
        raise KeyboardInterrupt


def exporting(run: Trained, name: str, target: Export) -> Session:
    """Return the run's session, which is to make one target of ours."""
    options = dataclasses.replace(run.session.run, export={name: target})
    return dataclasses.replace(run.session, run=options, exports=[name])


def verdicts(folder: Path, **said: str) -> RunDir:
    rundir = RunDir(folder)
    found = {name: {"verdict": verdict, "reasons": []} for name, verdict in said.items()}
    write_json(rundir.metrics, {"exports": found})
    return rundir


def test_failed_export_fails_the_run_and_a_degraded_one_where_it_has_a_gate(tmp_path: Path) -> None:
    rundir = verdicts(tmp_path, adapter="same", merged="degraded", gguf="failed", hub="unchecked")
    assert gated.export_fails(rundir, ["gguf"], gates=False)
    assert gated.export_fails(rundir, ["adapter", "merged"], gates=True)
    assert not gated.export_fails(rundir, ["adapter", "merged", "hub"], gates=False)
    assert not gated.export_fails(rundir, ["adapter", "hub"], gates=True)


def test_verdicts_on_exports_that_are_gone_go(tmp_path: Path) -> None:
    rundir = verdicts(tmp_path, adapter="same", merged="failed")
    (rundir.export / "adapter").mkdir(parents=True)
    (rundir.export / "gguf").mkdir()
    gated.keep(rundir, "gguf", "degraded", ["why"])
    assert gated.exports_of(rundir) == {
        "adapter": {"verdict": "same", "reasons": []},
        "gguf": {"verdict": "degraded", "reasons": ["why"]},
    }


@pytest.mark.slow
def test_every_target_has_a_gate_json_that_its_schema_describes(run: Trained) -> None:
    schema, rundir = read_json(SCHEMAS / "export_gate.json"), run.session.dir
    for target in ("adapter", "merged"):
        found = read_json(rundir.export / target / "gate.json")
        jsonschema.validate(found, schema)
        assert found["verdict"] == "same"
    jsonschema.validate(read_json(rundir.metrics), read_json(SCHEMAS / "metrics.json"))
    assert gated.exports_of(rundir)["merged"] == {"verdict": "same", "reasons": []}


@pytest.mark.slow
def test_trained_model_is_let_go_once_it_was_asked(run: Trained) -> None:
    model = weakref.ref(run.session.models.tuned)
    assert Fidelity(run.session).reference.answers
    assert model() is None


@pytest.mark.slow
def test_failed_export_is_put_aside_and_nothing_half_is_left(run: Trained) -> None:
    session = exporting(run, "unfaithful", Unfaithful())
    rundir = session.dir
    for left in (".merged", ".spent-gguf"):  # of processes that were killed
        (rundir.export / left).mkdir()
        (rundir.export / left / "model.safetensors").write_bytes(b"half")
    export(session)
    folder = rundir.export / "unfaithful"
    assert sorted(path.name for path in folder.iterdir()) == ["gate.json", "rejected"]
    assert (folder / "rejected" / "config.json").is_file()
    jsonschema.validate(read_json(folder / "gate.json"), read_json(SCHEMAS / "export_gate.json"))
    assert not list(rundir.export.glob(".*"))
    assert gated.exports_of(rundir)["unfaithful"]["verdict"] == "failed"
    assert gated.export_fails(rundir, ["unfaithful"], gates=False)
    assert any(line.endswith("unfaithful  (failed)") for line in paths(rundir))


@pytest.mark.slow
def test_export_that_is_interrupted_leaves_nothing(run: Trained) -> None:
    before = sorted((run.session.dir.export).iterdir())
    with pytest.raises(KeyboardInterrupt):
        export(exporting(run, "interrupted", Interrupted()))
    assert sorted((run.session.dir.export).iterdir()) == before


@pytest.mark.slow
def test_same_files_in_another_place_are_not_asked_again(run: Trained) -> None:
    first = run.judged(run.session.dir.export / "merged")
    links = run.place / "links"
    links.mkdir()
    for file in (run.session.dir.export / "merged").iterdir():
        (links / file.name).hardlink_to(file)
    assert run.judged(links) is not first
    assert run.judged(links) == first  # the seconds included


@pytest.mark.slow
def test_what_is_served_otherwise_than_written_is_taken_back(
    run: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, back = run.copy("merged", "served"), []
    (served / "config.json").unlink()
    artefact = Artefact("served", "transformers", served, Closeness.rounded)
    monkeypatch.setattr(Merged, "deliver", lambda self, tuned, folder: [artefact])
    monkeypatch.setattr(Merged, "withdraw", lambda self, tuned, folder: back.append(folder))
    export(exporting(run, "again", Merged()))
    folder = run.session.dir.export / "again"
    found = read_json(folder / "gate.json")
    assert [each["verdict"] for each in found["artefacts"]] == ["same", "failed"]
    assert found["verdict"] == "failed"
    assert back == [folder]
    assert (folder / "model.safetensors").is_file()  # what was written is good


@pytest.mark.slow
def test_plain_text_is_held_by_the_beginnings_of_its_rows(here: Path) -> None:
    words = " ".join(f"word{number} and then" for number in range(20))
    rows = "".join(f'{{"text": "Row {n}: {words}"}}\n' for n in range(30))
    (here / "rows.jsonl").write_text(rows, "utf-8")
    words = ["dataset=text", "dataset.path=rows.jsonl", "eval=[]", "trainer.max_steps=2"]
    made = trained(here, *words, "export=[adapter]")
    found = read_json(made.session.dir.export / "adapter" / "gate.json")
    assert found["verdict"] == "same"
    assert found["artefacts"][0]["template"] == {"same": 0, "of": 0, "first": None}
    assert found["artefacts"][0]["suites"] == {}
