"""A recipe comes from a path, a git repository or the web; each is asked for no more than text."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from answers import Cli

from ftrecipe.errors import ConfigError
from ftrecipe.exchange import source, web

Serve = Callable[[dict[str, tuple[int, str, bytes]]], str]
Git = Callable[..., str]
GOOD = b"description: from the web\nseed: 3\n"


def test_a_repository_at_a_tag_gives_that_version_and_is_pinned_by_commit(
    cli: Cli, here: Path, repository: Path, theirs: Path, git: Git
) -> None:
    first = git(repository, "rev-parse", "v1")
    (theirs / "base.yaml").write_text("seed: 99\n")
    git(repository, "commit", "--quiet", "-am", "two")
    url = f"git+file://{repository}@v1#recipes/team_a/base.yaml"
    assert cli("recipes", "add", url, "--yes").code == 0
    assert "r: 4" in (here / "recipes/shared/base.yaml").read_text()
    assert f'"commit": "{first}"' in (here / "recipes/shared.json").read_text()
    assert cli("recipes", "add", url.replace("@v1", "@main"), "--yes").code == 0
    assert "seed: 99" in (here / "recipes/shared/base.yaml").read_text()


def test_a_folder_of_a_repository_brings_its_recipes_and_their_parents(
    repository: Path, cli: Cli, here: Path
) -> None:
    assert cli("recipes", "add", f"file://{repository}#recipes/team_a", "--yes").code == 0
    assert (here / "recipes/shared/child.yaml").is_file()
    assert (here / "recipes/shared/faq.csv").is_file()


def test_no_hook_filter_or_link_of_a_repository_has_any_effect(
    cli: Cli, here: Path, repository: Path, theirs: Path, git: Git
) -> None:
    canary = here / "canary"
    for name in ("post-checkout", "post-merge", "reference-transaction", "post-index-change"):
        hook = repository / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {canary}\n")
        hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    (repository / ".gitattributes").write_text("*.yaml filter=evil\n")
    (theirs / "faq.csv").unlink()
    (theirs / "faq.csv").symlink_to("/etc/passwd")
    canary.unlink(missing_ok=True)
    git(repository, "-c", "core.hooksPath=/dev/null", "add", "-A")
    git(repository, "-c", "core.hooksPath=/dev/null", "commit", "--quiet", "-m", "evil")
    said = cli("recipes", "add", f"git+file://{repository}#recipes/team_a/base.yaml", "--yes")
    assert said.code == 2
    assert "faq.csv: is a link; a shared recipe holds plain files only" in said.err
    assert not canary.exists()
    assert not (here / "recipes").exists()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("git+ext::sh -c touch% canary", "git is fetched by https://, ssh:// or file://"),
        ("git+http://h.example/x", "git is fetched by https://, ssh:// or file://"),
        ("git+file:///nowhere/at/all", "git fetch: fatal"),
        ("git+file:///tmp@--upload-pack=touch canary", "is no branch, tag or commit"),
        ("git+file:///tmp@a..b", "is no branch, tag or commit"),
        ("http://h.example/x.yaml", "only https:// is taken"),
        ("ftp://h.example/x.yaml", "only https:// is taken"),
        ("nowhere.yaml", "there is no such file or folder"),
    ],
)
def test_a_source_that_is_none_is_refused(url: str, why: str, cli: Cli, here: Path) -> None:
    said = cli("recipes", "add", url)
    assert said.code == 2
    assert why in said.err
    assert os.listdir(here) == []


def test_a_recipe_of_the_web_is_taken_by_its_name(cli: Cli, here: Path, web_at: Serve) -> None:
    address = web_at({"/x.yaml?token=query-secret-1": (200, "", GOOD)})
    said = cli("recipes", "add", f"{address}/x.yaml?token=query-secret-1", "--yes")
    assert said.code == 0
    assert (here / "recipes/shared/x.yaml").read_bytes() == GOOD
    assert "query-secret-1" not in (here / "recipes/shared.json").read_text() + said.out


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((404, "", b""), "HTTP status 404"),
        ((200, "", b"#" * 300_000), "larger than 256 KiB"),
        ((200, "", b"<!DOCTYPE html><p>x"), "is a web page"),
        ((200, "", b"\0\1"), "is a binary file"),
        ((302, "http://h.example/x.yaml", b""), "only https:// is taken"),
        ((302, "file:///etc/passwd", b""), "HTTP status 302"),
        ((302, "ftp://h.example/x", b""), "only https:// is taken"),
    ],
)
def test_an_answer_that_is_no_recipe_is_refused(
    answer: tuple[int, str, bytes], why: str, cli: Cli, here: Path, web_at: Serve
) -> None:
    said = cli("recipes", "add", f"{web_at({'/x.yaml': answer})}/x.yaml", "--yes")
    assert said.code == 2
    assert why in said.err
    assert not (here / "recipes").exists()


@pytest.mark.parametrize(
    ("text", "url", "ref"),
    [
        ("https://h/o/r.git@v1", "https://h/o/r.git", "v1"),
        ("https://user@h/o/r", "https://user@h/o/r", None),
        ("ssh://git@h/o/r@feature/x", "ssh://git@h/o/r", "feature/x"),
        ("git@h:o/r@v2", "git@h:o/r", "v2"),
        ("git@h:o/r", "git@h:o/r", None),
    ],
)
def test_an_at_before_the_path_belongs_to_the_host(text: str, url: str, ref: str | None) -> None:
    assert source._ref(text) == (url, ref)


def test_only_this_machine_may_be_asked_without_encryption() -> None:
    web.check("https://h.example/x")
    web.check("http://localhost:8000/x")
    with pytest.raises(ConfigError):
        web.check("http://localhost.evil.example/x")
