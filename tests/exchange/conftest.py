"""What tests of the exchange share: another team's folder, a git repository of it, a web server."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from standing_in import Quiet, serving

GIT_NAMES = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t", "GIT_COMMITTER_NAME": "t",
             "GIT_COMMITTER_EMAIL": "t@t", "GIT_CONFIG_GLOBAL": os.devnull}  # fmt: skip
RECIPE = "description: theirs\ndataset: {path: recipe:faq.csv}\npeft: {r: 4}\n"
CHILD = "description: child\ndefaults: [/recipe/team_a/base]\npeft: {r: 8}\n"
FAQ = "question,answer\nWhat is 1?,It is 1.\nWhat is 2?,It is 2.\n"


@pytest.fixture
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another team's folder of recipes: base.yaml with its data, and child.yaml that extends it."""
    folder = tmp_path_factory.mktemp("theirs") / "recipes" / "team_a"
    folder.mkdir(parents=True)
    (folder / "base.yaml").write_text(
        "defaults: [override /dataset: question_answer]\n" + RECIPE, "utf-8"
    )
    (folder / "child.yaml").write_text(CHILD, "utf-8")
    (folder / "faq.csv").write_text(FAQ, "utf-8")
    return folder


@pytest.fixture
def git() -> Callable[..., str]:
    """Run git in a folder; return what it prints."""
    return _git


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=folder, env=os.environ | GIT_NAMES, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


@pytest.fixture
def repository(theirs: Path) -> Path:
    """The other team's folder as a git repository, with the tag v1."""
    root = theirs.parents[1]
    _git(root, "init", "--quiet", "--initial-branch=main")
    _git(root, "add", ".")
    _git(root, "commit", "--quiet", "-m", "one")
    _git(root, "tag", "v1")
    return root


@pytest.fixture
def web_at() -> Iterator[Callable[[dict[str, tuple[int, str, bytes]]], str]]:
    """Serve answers by path: status, `Location`, body; return the server's address."""

    def serve(answers: dict[str, tuple[int, str, bytes]]) -> str:
        class Handler(Quiet):
            def do_GET(self) -> None:
                status, location, body = answers.get(self.path, (404, "", b""))
                self.send_response(status)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        return f"http://{servers.enter_context(serving(Handler))}"

    with ExitStack() as servers:
        yield serve
