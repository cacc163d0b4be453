"""What a lock says: files by content, versions, the commit; and what it is told by whom."""

import gzip
import json
import subprocess
from collections.abc import Callable
from copy import deepcopy
from hashlib import sha256 as hasher
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.digest import sha256
from ftrecipe.errors import ConfigError
from ftrecipe.lock import inputs, record, shape, surroundings
from ftrecipe.rundir import RunDir, read_json, write_json

Sealed = Callable[..., RunDir]
SCHEMA = read_json(shape.SCHEMA)


def git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip


@pytest.fixture
def repository(here: Path) -> Path:
    """A git repository with one commit of one file."""
    (here / "a.txt").write_text("a")
    git(here, "init", "-q")
    git(here, "add", "a.txt")
    git(here, "commit", "-q", "-m", "a")
    return here


def digest(text: str | bytes) -> str:
    return hasher(text.encode() if isinstance(text, str) else text).hexdigest()


def files(*words: str) -> dict[str, str]:
    """Return `key name` → hash of the data files of a run."""
    found = inputs.data_files(compose(list(words)).run)
    return {f"{file['key']} {file['name']}": file["sha256"] for file in found}


def test_versions_are_those_installed_and_nothing_else() -> None:
    found = surroundings.versions()
    assert {"ftrecipe", "torch", "transformers", "trl", "peft", "hydra-core"} <= found.keys()
    assert "liger-kernel" not in found


def test_a_clean_commit_is_not_dirty(repository: Path) -> None:
    commit, dirty = surroundings.commit_of(repository)
    assert commit is not None
    assert len(commit) == 40
    assert dirty is False


def test_a_changed_tracked_file_makes_the_commit_dirty(repository: Path) -> None:
    (repository / "a.txt").write_text("b")
    assert surroundings.commit_of(repository)[1] is True


def test_files_that_git_does_not_know_do_not_make_it_dirty(repository: Path) -> None:
    (repository / "runs.txt").write_text("b")
    assert surroundings.commit_of(repository)[1] is False


def test_outside_of_git_there_is_no_commit(here: Path) -> None:
    assert surroundings.commit_of(here) == (None, None)


def test_asking_for_the_commit_starts_no_program_of_the_folder(repository: Path) -> None:
    monitor = repository / "monitor.sh"
    monitor.write_text(f"#!/bin/sh\ntouch {repository / 'started'}\n")
    monitor.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(monitor))
    assert surroundings.commit_of(repository)[0] is not None
    assert not (repository / "started").exists()


def test_every_file_that_is_read_is_hashed(here: Path) -> None:
    (here / "faq").mkdir()
    rows = "question,answer\nWho?,Me.\n"
    for name in ("a", "b"):
        (here / "faq" / f"{name}.csv").write_text(rows + f"{name},{name}\n")
    (here / "faq" / "read_me.png").write_text("not read")
    (here / "held.csv.gz").write_bytes(gzip.compress(rows.encode()))
    held = (here / "held.csv.gz").read_bytes()
    found = files("dataset=question_answer", "dataset.path=faq",
                  "dataset.validation_path=held.csv.gz", "eval=[]")  # fmt: skip
    assert found == {
        "dataset.path a.csv": digest(rows + "a,a\n"),
        "dataset.path b.csv": digest(rows + "b,b\n"),
        "dataset.validation_path held.csv.gz": digest(held),
    }


def test_the_sources_of_a_mix_are_hashed_by_their_names(faq: str) -> None:
    source = "{format: question_answer, path: faq.csv}"
    found = files("dataset=mix", f"dataset.sources={{mine: {source}}}", "eval=[]")
    assert found == {"dataset.sources.mine.path faq.csv": digest(Path(faq).read_text())}


def test_text_that_a_suite_reads_is_hashed_too(faq: str) -> None:
    (Path.cwd() / "general.jsonl").write_text('{"text": "a"}\n')
    found = files(f"dataset={faq}", "eval=[forgetting]", "eval.forgetting.path=general.jsonl")
    assert found["eval.forgetting.path general.jsonl"] == digest('{"text": "a"}\n')


def test_a_file_that_changes_is_hashed_again(here: Path) -> None:
    file = here / "a"
    for text in ("one", "three"):
        file.write_text(text)
        assert sha256(file) == digest(text)


def test_what_the_hub_cache_names_by_its_hash_is_not_read(here: Path) -> None:
    blob = here / "blobs" / digest("as the hub says")
    blob.parent.mkdir()
    blob.write_text("something else")
    (here / "model.safetensors").symlink_to(blob)
    assert sha256(here / "model.safetensors") == blob.name


def test_a_run_that_only_looks_at_data_has_no_lock(faq: str) -> None:
    made = plan.make(compose([f"dataset={faq}"]))
    made.stages = ["prepare"]
    assert not launch.create(made).lock_json.is_file()


def test_a_lock_is_complete_only_when_the_worker_has_written(faq: str) -> None:
    rundir = launch.create(plan.make(compose([f"dataset={faq}"])))
    assert read_json(rundir.lock_json)["complete"] is False


@pytest.mark.parametrize("parts", ["planned", "begun"])
def test_a_lock_is_as_its_schema_says(parts: str, faq: str, sealed: Sealed) -> None:
    words = [f"dataset={faq}"]
    run = sealed(*words) if parts == "begun" else launch.create(plan.make(compose(words)))
    jsonschema.validate(record.read(run.lock_json), SCHEMA)


def test_what_a_later_start_changes_is_kept(faq: str, sealed: Sealed) -> None:
    run = sealed(f"dataset={faq}")
    record.add(run, compute=read_json(run.lock_json)["compute"] | {"threads": 8})
    [change] = read_json(run.lock_json)["changed"]
    assert (change["item"], change["before"], change["after"]) == ("compute.threads", 1, 8)


def test_what_was_so_before_is_no_change(faq: str, sealed: Sealed) -> None:
    run = sealed(f"dataset={faq}")
    made = plan.make(compose([f"dataset={faq}"]))
    launch.write(made, run)
    assert read_json(run.lock_json)["changed"] == []


def test_measuring_again_elsewhere_leaves_what_was_trained(faq: str, sealed: Sealed) -> None:
    run = sealed(f"dataset={faq}", "eval=[qa]")
    before = read_json(run.lock_json)
    later = plan.make(compose([f"dataset={faq}", "eval=[qa,perplexity]", "hardware=cpu"]))
    launch.write(later, run, trains=False)
    after = read_json(run.lock_json)
    assert list(after["config"]["eval"]) == ["qa", "perplexity"]
    assert after["config"]["hardware"] == before["config"]["hardware"]


def test_measuring_a_run_from_before_there_were_locks_makes_none(faq: str, sealed: Sealed) -> None:
    run = sealed(f"dataset={faq}")
    run.lock_json.unlink()
    launch.write(plan.make(compose([f"dataset={faq}", "eval=[qa]"])), run, trains=False)
    assert not run.lock_json.exists()


def test_a_secret_of_the_environment_is_not_in_the_lock(
    faq: str, sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_KEY", "canary-0123456789-canary")
    run = sealed(f"dataset={faq}", "description=canary-0123456789-canary")
    assert "canary-0123456789-canary" not in run.lock_json.read_text()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is not valid JSON"),
        ("[]", "is not a lock"),
        ('{"schema_version": 1}', "is not a lock"),
        ('{"schema_version": 9, "config": {}}', "a lock of version 9"),
        ('{"schema_version": 1, "config": {}}', "config lacks dataset"),
    ],
)
def test_what_is_no_lock_is_told_in_words(text: str, told: str, here: Path) -> None:
    (here / "lock.json").write_text(text)
    with pytest.raises(ConfigError, match=told):
        record.read(here / "lock.json")


def spoiled(lock: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a lock with one value replaced; `...` takes it away."""
    copy = deepcopy(lock)
    *above, last = path.split(".")
    node = copy
    for part in above:
        node = node[part]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return copy


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("versions", ...), ("versions.torch", 3), ("machine.cores", 0), ("machine.cores", True),
        ("code.ftrecipe_sha256", "xyz"), ("config.peft", "lora"), ("config.peft.type", ...),
        ("unheard_of", 1), ("compute.device_type", "tpu"), ("data.files", {}),
        ("data.files", [{"key": "a", "named": "b"}]), ("changed", None), ("stages", ["sleep"]),
        ("compute.threads", "; rm -rf /"), ("model.files", {"a": "../x"}), ("seeds.seed", 1),
        ("recipe", "x"),
    ],
)  # fmt: skip
def test_our_check_of_a_lock_agrees_with_its_schema(
    path: str, value: Any, faq: str, sealed: Sealed
) -> None:
    lock = spoiled(read_json(sealed(f"dataset={faq}").lock_json), path, value)
    valid = jsonschema.Draft202012Validator(SCHEMA).is_valid(lock)
    assert (shape.faults(lock) == []) == valid


def test_every_fault_of_a_lock_is_told_with_its_place(faq: str, sealed: Sealed) -> None:
    run = sealed(f"dataset={faq}")
    lock = spoiled(spoiled(read_json(run.lock_json), "machine.cores", 0), "unheard_of", 1)
    lock.pop("schema_version")
    write_json(run.lock_json, lock)
    with pytest.raises(ConfigError) as error:
        record.read(run.lock_json)
    told = json.dumps(error.value.faults)
    assert "machine.cores is below 1" in told
    assert "unheard_of is not known" in told


def test_the_config_of_a_lock_is_described_as_that_of_a_run() -> None:
    of_run = read_json(shape.SCHEMA.with_name("run.json"))["properties"]
    for part in ("config", "choices", "stages"):
        assert SCHEMA["properties"][part] == of_run[part]
