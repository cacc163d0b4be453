"""Pushing to the hub: by huggingface_hub's own client, to a server that keeps what it is sent."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hub_stand_in import TOKEN, Hub, Repo, hub
from huggingface_hub import constants

from ftrecipe.components.export.hub import RECEIPT
from ftrecipe.components.export.hub import Hub as Target
from ftrecipe.components.export.hub_push import known, lacking
from ftrecipe.config import GROUPS, PACKAGE
from ftrecipe.errors import ConfigError, StageError
from ftrecipe.rundir import read_json

EXPORTS = GROUPS["export"]
PUSHED = {
    "README.md", "adapter_config.json", "adapter_model.safetensors", "tokenizer.json",
    "chat_template.jinja",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the client from this machine's account, and from the hub's own storage."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub._commit_api.is_xet_available", lambda: False)
    monkeypatch.setenv("HF_TOKEN", TOKEN)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving(monkeypatch) as held:
        yield held


def serving(monkeypatch: pytest.MonkeyPatch, **known: Any):
    """Serve a hub, and have the client ask that one."""
    opened = hub(**known)
    held = opened.__enter__()

    class Open:
        def __enter__(self) -> Hub:
            monkeypatch.setattr(constants, "ENDPOINT", held.url)
            monkeypatch.setattr("huggingface_hub.hf_api.api.endpoint", held.url)
            return held

        def __exit__(self, *error: object) -> None:
            opened.__exit__(None, None, None)

    return Open()


@dataclass
class Tuned:
    """The exports of a run that lie in a folder, as far as a push looks at them."""

    folder: Path
    base: str = "org/base"
    name: str = "support-bot"
    adapter: Path | None = None

    def __post_init__(self) -> None:
        self.said: list[str] = []

    def made(self, target: str) -> Path | None:
        there = self.folder / target
        return there if there.is_dir() else None

    def say(self, line: str) -> None:
        self.said.append(line)


@pytest.fixture
def tuned(tmp_path: Path) -> Tuned:
    found = Tuned(tmp_path / "export")
    export(found, "adapter", "adapter_model.safetensors")
    return found


def export(tuned: Tuned, name: str, weights: str, verdict: str = "same") -> Path:
    """Write what the folder of an export holds, and what should never leave it."""
    folder = tuned.folder / name
    folder.mkdir(parents=True)
    texts = {
        "README.md": "# card\n", "tokenizer.json": "{}", "chat_template.jinja": "{{ messages }}",
        "adapter_config.json": json.dumps({"base_model_name_or_path": tuned.base}),
        "gate.json": json.dumps({"verdict": verdict, "prompts": ["a row of the data"]}),
        "train.jsonl": "{}\n", "request.json": "{}", ".env": "HF_TOKEN=x", "log.txt": "log",
    }  # fmt: skip
    for file, text in texts.items():
        (folder / file).write_text(text)
    (folder / "data").mkdir()
    (folder / "data" / "README.md").write_text("rows")
    (folder / weights).write_bytes(b"weights" * 100)
    return folder


def push(target: Target, tuned: Tuned) -> dict[str, Any]:
    folder = tuned.folder / "hub"
    folder.mkdir(exist_ok=True)
    target.write(tuned, folder)  # type: ignore[arg-type]
    receipt = read_json(folder / RECEIPT)
    jsonschema.validate(receipt, read_json(PACKAGE / "schemas" / "receipt.json"))
    return receipt


def test_a_push_makes_a_private_repository_of_the_models_own_files(there, tuned):
    receipt = push(Target(repo_id="me/bot"), tuned)
    repo = there.repos["me/bot"]
    assert repo.private
    assert set(repo.files) == PUSHED
    (went,) = receipt["pushed"]
    assert (went["repo_id"], went["private"], went["commit"]) == ("me/bot", True, repo.sha)
    for name, content in repo.files.items():
        assert content == (tuned.folder / "adapter" / name).read_bytes()
        assert went["files"][name] == sha256(content).hexdigest()
    left = {"gate.json", "train.jsonl", "request.json", ".env", "log.txt", "data/README.md"}
    assert set(went["left_out"]) == left
    assert f"adapter is at {there.url}/me/bot (private, 5 files)" in tuned.said


def test_several_targets_get_a_repository_each_the_plain_model_the_name_itself(there, tuned):
    export(tuned, "gguf", "support-bot-f16.gguf")
    export(tuned, "merged", "model.safetensors")
    push(Target(repo_id="team/bot"), tuned)
    assert set(there.repos) == {"team/bot", "team/bot-adapter", "team/bot-gguf"}
    assert "model.safetensors" in there.repos["team/bot"].files


def test_only_what_is_named_is_pushed(there, tuned):
    export(tuned, "merged", "model.safetensors")
    push(Target(repo_id="me/bot", of=["adapter"]), tuned)
    assert set(there.repos) == {"me/bot"}


@pytest.mark.parametrize("verdict", ["failed", "degraded"])
def test_what_its_gate_did_not_find_the_same_stays_here(there, tuned, verdict):
    export(tuned, "merged", "model.safetensors", verdict)
    receipt = push(Target(repo_id="me/bot", of=["merged"]), tuned)
    assert there.repos == {}
    assert receipt["pushed"] == []
    assert receipt["held_back"][0]["target"] == "merged"
    assert verdict in tuned.said[0]


def test_a_degraded_model_is_pushed_by_decision_and_a_failed_one_never(there, tuned):
    export(tuned, "gguf", "bot-q4_k_m.gguf", "degraded")
    export(tuned, "merged", "model.safetensors", "failed")
    (tuned.folder / "merged" / "rejected").mkdir()
    receipt = push(Target(repo_id="me/bot", of=["gguf", "merged"], degraded=True), tuned)
    assert [one["target"] for one in receipt["pushed"]] == ["gguf"]
    assert [one["target"] for one in receipt["held_back"]] == ["merged"]


def test_nothing_is_pushed_that_no_gate_has_looked_at(there, tuned):
    (tuned.folder / "adapter" / "gate.json").unlink()
    assert push(Target(repo_id="me/bot"), tuned)["pushed"] == []


def test_a_repository_that_is_public_already_takes_no_private_model(there, tuned):
    there.repos["me/bot"] = Repo(private=False)
    with pytest.raises(ConfigError, match="is there and public"):
        push(Target(repo_id="me/bot"), tuned)
    assert there.repos["me/bot"].files == {}
    push(Target(repo_id="me/bot", private=False), tuned)
    assert set(there.repos["me/bot"].files) == PUSHED


def test_weights_of_an_earlier_push_go_and_other_files_of_the_repository_stay(there, tuned):
    old = {"model-00002-of-00002.safetensors": b"old", "notes.md": b"mine", "a.png": b"mine"}
    there.repos["me/bot"] = Repo(private=True, files=dict(old))
    (went,) = push(Target(repo_id="me/bot"), tuned)["pushed"]
    assert set(there.repos["me/bot"].files) == PUSHED | {"notes.md", "a.png"}
    assert went["removed"] == ["model-00002-of-00002.safetensors"]


def test_an_adapter_on_a_folder_of_this_machine_stays_here(there, tmp_path):
    tuned = Tuned(tmp_path / "export", base=str(tmp_path))
    export(tuned, "adapter", "adapter_model.safetensors")
    receipt = push(Target(repo_id="me/bot"), tuned)
    assert "names a folder of this machine" in receipt["held_back"][0]["why"]
    assert there.repos == {}


def test_an_export_from_before_the_last_training_stays_here(there, tuned, tmp_path):
    tuned.adapter = tmp_path / "adapter"
    tuned.adapter.mkdir()
    (tuned.adapter / "adapter_model.safetensors").write_bytes(b"newer")
    receipt = push(Target(repo_id="me/bot"), tuned)
    assert "before the last training" in receipt["held_back"][0]["why"]


def test_a_target_that_is_not_there_is_asked_for(there, tuned):
    with pytest.raises(ConfigError, match=r"export=\[merged,hub\]"):
        push(Target(repo_id="me/bot", of=["merged"]), tuned)


def test_an_upload_that_breaks_is_told_and_can_be_repeated(there, tuned):
    there.breaks = 1
    with pytest.raises(StageError, match=r"export\.hub: me/bot: Error while uploading .* 403"):
        push(Target(repo_id="me/bot"), tuned)
    assert there.repos["me/bot"].files == {}
    push(Target(repo_id="me/bot"), tuned)
    assert set(there.repos["me/bot"].files) == PUSHED


def test_an_account_that_may_write_there_lacks_nothing(there):
    assert list(lacking(["me/bot"], private=True)) == []
    assert list(lacking(["team/bot"], private=True)) == []


def test_a_place_of_somebody_else_is_told_with_the_nearest_of_ones_own(there):
    (fault,) = lacking(["tean/bot"], private=True)
    assert "the token's account me is not tean" in fault
    assert "did you mean team?" in fault


def test_a_token_that_may_only_read_is_told(monkeypatch):
    with serving(monkeypatch, role="read"):
        (fault,) = lacking(["me/bot"], private=True)
    assert "may only read" in fault


def test_a_public_repository_is_told_before_anything_runs(there):
    there.repos["me/bot"] = Repo(private=False)
    (fault,) = lacking(["me/bot"], private=True)
    assert "is there and public" in fault
    assert list(lacking(["me/bot"], private=False)) == []


def test_a_token_that_the_hub_does_not_know_is_told(there, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_" + "x" * 34)
    (fault,) = lacking(["me/bot"], private=True)
    assert "does not know this token" in fault


def test_without_a_token_or_the_hub_it_is_told_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    (closed,) = lacking(["me/bot"], private=True)
    assert "cannot be reached" in closed
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    (without,) = lacking(["me/bot"], private=True)
    assert "set HF_TOKEN" in without
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    (offline,) = lacking(["me/bot"], private=True)
    assert "HF_HUB_OFFLINE is set" in offline


@pytest.mark.parametrize(
    "repo_id",
    ["bot", "me/", "/bot", "me/bo t", "me/-bot", "me/b--t", "me/b..t", "a/b/c", "me/b.git"],
)
def test_what_is_no_id_of_the_hub_is_refused(repo_id):
    beside = {"adapter": EXPORTS.get("adapter")()}
    (fault,) = Target(repo_id=repo_id).faults(beside, None)
    assert fault.startswith(f"repo_id={repo_id}: is no id of the hub")


def test_what_the_run_does_not_export_cannot_be_pushed():
    beside = {"adapter": EXPORTS.get("adapter")(), "vllm": EXPORTS.get("vllm")()}
    assert list(Target(repo_id="me/bot").faults(beside, None)) == []
    (fault,) = Target(repo_id="me/bot", of=["adaptor"]).faults(beside, None)
    assert "did you mean adapter?" in fault
    (alone,) = Target(repo_id="me/bot").faults({}, None)
    assert "exports nothing that could be pushed" in alone
    (unset,) = Target().faults(beside, None)
    assert "add export.hub.repo_id=<you>/<name>" in unset


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("model-00001-of-00002.safetensors", True), ("model.safetensors.index.json", True),
        ("additional_chat_templates/tool.jinja", True), ("data/README.md", False),
        ("gate.json", False), ("optimizer.pt", False), ("training_args.bin", False),
        ("rejected/model.safetensors", False), ("other.json", False), ("x/model.gguf", False),
    ],
)  # fmt: skip
def test_only_files_of_known_kinds_are_sent(name, sent):
    assert known(name) is sent
