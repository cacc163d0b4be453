"""Recipes that would do harm: each is refused with its reason, nothing of it runs, reads or writes.

The folder hostile/ holds them, with the reason that must be given in their first line.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from answers import Cli

from ftrecipe.compose import compose
from ftrecipe.config import from_plain, to_plain
from ftrecipe.door.recipes import names

HOSTILE = Path(__file__).parent / "hostile"
FILES = sorted(file.stem for file in HOSTILE.glob("*.yaml"))
SECRET = "planted-4f1c9a"


@pytest.fixture
def work(here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder with a secret in the environment and in a file above it.

    Afterwards nothing may have been written but below `recipes`, which holds the recipes.
    """
    monkeypatch.setenv("FTRECIPE_PLANTED_SECRET", SECRET)
    (here / "secret.txt").write_text(f"{SECRET}\n" * 9, "utf-8")
    (here / "secret.yaml").write_text(f"description: {SECRET}\n", "utf-8")
    folder = here / "work"
    (folder / "recipes").mkdir(parents=True)
    monkeypatch.chdir(folder)
    yield folder
    written = {file.name for file in here.iterdir()} | {file.name for file in folder.iterdir()}
    assert written <= {"secret.txt", "secret.yaml", "work", "recipes", "evil_model"}


def refused(cli: Cli, *words: str) -> list[str]:
    """Run the command; return its errors, of which none holds the secret or acts on a terminal."""
    said = cli(*words)
    whole = said.out + said.err
    assert said.code == 2, whole
    assert SECRET not in whole
    assert "Traceback" not in whole
    assert all(text.isprintable() for text in whole.splitlines())
    return said.err.splitlines()


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_recipe_is_refused_with_its_reason(name: str, work: Path, cli: Cli) -> None:
    os.chdir(work)
    text = (HOSTILE / f"{name}.yaml").read_text("utf-8")
    (work / "recipes" / f"{name}.yaml").write_text(text, "utf-8")
    reason = text.splitlines()[0].removeprefix("# ")
    errors = refused(cli, "plan", f"+recipe={name}")
    assert any(reason in error for error in errors), errors
    assert all(error.startswith("error: ") for error in errors)


def test_there_are_more_than_thirty_of_them() -> None:
    assert len(FILES) > 30


def write(work: Path, text: str | bytes, name: str = "evil") -> None:
    file = work / "recipes" / f"{name}.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())


GENERATED: dict[str, tuple[str | bytes, str]] = {
    "megabytes": ("# " + "x" * 2_000_000, "no recipe"),
    "a_null_character": ("seed: 1\x00", "control character U+0000"),
    "not_text": (b"\xff\xfe\x00\x01", "is not UTF-8"),
    "lists_in_lists": ("trainer: {extra: {a: " + "[" * 5000, "nested deeper"),
    "mappings_in_mappings": ("\n".join("  " * n + "a:" for n in range(400)), "nested deeper"),
    "five_thousand_digits": (f"seed: {'9' * 5000}", "is not a value"),
    "ten_thousand_faults": ("".join(f"x{n}: 1\n" for n in range(10_000)), "more than 40 faults"),
    "ten_thousand_wrong_values": (
        "peft:\n" + "".join(f"  x{n}: 1\n" for n in range(9_999)),
        "more than 40",
    ),
}


@pytest.mark.parametrize("name", GENERATED)
def test_a_recipe_that_is_too_much_is_refused(name: str, work: Path, cli: Cli) -> None:
    text, reason = GENERATED[name]
    write(work, text)
    errors = refused(cli, "plan", "+recipe=evil")
    assert any(reason in error for error in errors), errors[:3]
    assert len(errors) < 200


def test_a_link_out_of_the_recipes_is_no_recipe(work: Path, cli: Cli) -> None:
    (work / "recipes" / "evil.yaml").symlink_to(work.parent / "secret.yaml")
    assert "evil" not in names()
    assert "there is no such recipe" in refused(cli, "plan", "+recipe=evil")[0]


def test_a_linked_file_beside_a_recipe_is_not_read(work: Path, cli: Cli) -> None:
    (work / "recipes" / "data.txt").symlink_to(work.parent / "secret.txt")
    write(work, "defaults: [override /dataset: text]\ndataset: {path: 'recipe:data.txt'}\n")
    assert "outside the recipe's folder" in refused(cli, "plan", "+recipe=evil")[0]
    write(work, "defaults: [override /dataset: text]\ndataset: {path: recipes/data.txt}\n")
    assert "does not reach" in refused(cli, "plan", "+recipe=evil")[0]


def test_a_hostile_parent_is_refused_like_a_child(work: Path, cli: Cli) -> None:
    write(work, "peft: {_target_: os.system}\n", "parent")
    write(work, "defaults: [/recipe/parent]\n")
    assert "data, never code" in refused(cli, "plan", "+recipe=evil")[0]


def test_a_file_with_an_escape_sequence_in_its_name_is_shown_without_it(
    work: Path, cli: Cli
) -> None:
    (work / "recipes" / "\x1b[2Jevil.yaml").write_text("sead: 1\n")
    assert not [name for name in names() if "evil" in name]
    refused(cli, "plan", "+recipe=./recipes/\x1b[2Jevil.yaml")


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "x/../../secret", "\x00", "file.00"])
def test_no_name_leads_out_of_the_recipes(name: str, work: Path, cli: Cli) -> None:
    refused(cli, "plan", f"+recipe={name}")


def test_a_file_that_is_no_recipe_is_not_quoted(work: Path, cli: Cli) -> None:
    (work.parent / "token.yaml").write_text(SECRET)
    (work.parent / "tokens.yaml").write_text(f"token: [{SECRET}\n")
    refused(cli, "plan", "+recipe=../token.yaml")
    refused(cli, "recipes", "show", "../token.yaml")
    refused(cli, "plan", "+recipe=../tokens.yaml")
    (work.parent / "token.yaml").unlink()
    (work.parent / "tokens.yaml").unlink()


@pytest.mark.parametrize(
    "folders", ["/etc:/proc", "recipes:..", ":::", "\x1b[2J", "recipes/evil.yaml"]
)
def test_no_search_path_breaks_the_command(
    folders: str, work: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(work, "consent: {remote_code: true}\n")
    monkeypatch.setenv("FTRECIPE_PATH", folders)
    assert "command line, never" in refused(cli, "plan", "+recipe=evil")[0]


def test_a_model_with_code_of_its_own_is_refused_without_consent(work: Path, cli: Cli) -> None:
    (work / "evil_model").mkdir()
    (work / "evil_model" / "config.json").write_text(
        '{"model_type": "x", "auto_map": {"AutoModelForCausalLM": "evil.Evil"}}'
    )
    (work / "evil_model" / "evil.py").write_text("open('executed', 'w')")
    write(work, "model: {path: evil_model}\n")
    assert any("consent" in error for error in refused(cli, "plan", "+recipe=evil"))


def test_an_escaped_resolver_is_still_text_in_the_worker(work: Path) -> None:
    write(work, "dataset: {system: '\\${oc.env:FTRECIPE_PLANTED_SECRET}'}\n")
    run = compose(["+recipe=evil"]).run
    assert run.dataset.system == "${oc.env:FTRECIPE_PLANTED_SECRET}"
    assert from_plain(to_plain(run)).dataset.system == run.dataset.system


def test_an_escaped_resolver_is_still_text_in_a_source_of_a_mix(work: Path) -> None:
    write(
        work,
        "defaults: [override /dataset: mix]\n"
        "dataset: {sources: {a: {format: question_answer, path: 'builtin:faq/train.jsonl', "
        "system: '\\${oc.env:FTRECIPE_PLANTED_SECRET}'}}}\n",
    )
    (part, _) = compose(["+recipe=evil"]).run.dataset.parts([])[0]
    assert part.system == "${oc.env:FTRECIPE_PLANTED_SECRET}"


def test_recipes_are_listed_and_shown_without_acting_on_a_terminal(work: Path, cli: Cli) -> None:
    for name in FILES:
        write(work, (HOSTILE / f"{name}.yaml").read_bytes(), name)
    listed = cli("recipes")
    assert all(text.isprintable() for text in listed.out.splitlines())
    assert SECRET not in listed.out + listed.err
    for name in ("escape_sequence", "turned_text"):
        refused(cli, "recipes", "show", name)


def test_a_folder_that_people_allow_may_be_named(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (work.parent / "shared").mkdir()
    (work.parent / "shared" / "data.txt").write_text("some text\n" * 40)
    write(work, "defaults: [override /dataset: text]\ndataset: {path: ../shared/data.txt}\n")
    monkeypatch.setenv("FTRECIPE_DATA", str(work.parent / "shared"))
    assert compose(["+recipe=evil", "eval=[perplexity]"]).run.dataset.path == "../shared/data.txt"
    (work.parent / "shared" / "data.txt").unlink()
    (work.parent / "shared").rmdir()


def test_the_command_line_may_name_what_a_recipe_may_not(work: Path) -> None:
    write(work, "defaults: [override /dataset: text]\ndataset: {path: /etc/passwd}\n")
    given = str(work.parent / "secret.txt")
    made = compose(["+recipe=evil", f"dataset.path={given}", "eval=[perplexity]"])
    assert made.run.dataset.path == given
