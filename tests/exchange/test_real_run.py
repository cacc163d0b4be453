"""A real run with secrets in every place: none is written, and its recipe can be given away.

The data lies behind a password on a server of this machine; secrets stand in the environment, in
words of the command line, in a URL, and in an error. Two trackers keep files of their own.
"""

import base64
import json
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest
from answers import ROOT, Cli
from standing_in import Quiet, serving

from ftrecipe.amounts import number

pytestmark = pytest.mark.slow

PASSWORD, QUERY = "p4ss-of-alice-7f3", "query-secret-91c"
PLANTED = {
    "HF_TOKEN": "hf_PlantedPlantedPlanted42",
    "WANDB_API_KEY": "0123456789abcdef0123456789abcdef01234567",
    "TEAM_PASSWORD": "open sesame & <close>",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYPLANTED",
}
SECRETS = [PASSWORD, QUERY, *PLANTED.values(), "open+sesame", "open%20sesame", "sesame &amp;"]
WORDS = ["trainer.max_steps=2", "eval=[perplexity]", "export=[]", "hardware=cpu"]
FAQ = (ROOT / "ftrecipe" / "builtin" / "faq" / "train.jsonl").read_bytes()


@dataclass(frozen=True)
class Done:
    """A folder in which commands were run, and what they printed."""

    here: Path
    url: str
    printed: list[str]

    def run(self, *words: str, code: int = 0, **environment: str) -> str:
        """Run one command with the planted environment; return all that it printed."""
        path = {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "ftrecipe", *words], cwd=self.here, timeout=180,
            env=os.environ | PLANTED | path | environment, capture_output=True, text=True,
        )  # fmt: skip
        self.printed.append(done.stdout + done.stderr)
        assert done.returncode == code, self.printed[-1]
        return self.printed[-1]

    def rundir(self, runs_dir: str) -> Path:
        """Return the one run in `runs_dir`."""
        (found,) = (file.parent for file in (self.here / runs_dir).glob("*/*/run.json"))
        return found


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Serve the FAQ to who knows the password and the query's token."""
    known = "Basic " + base64.b64encode(f"alice:{PASSWORD}".encode()).decode()

    class Handler(Quiet):
        def do_GET(self) -> None:
            allowed = self.headers.get("Authorization") == known and QUERY in self.path
            self.send_response(200 if allowed else 401)
            body = FAQ if allowed else b""
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

    with serving(Handler) as place:
        yield place


@pytest.fixture(scope="module")
def done(server: str, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Three commands: one followed by TensorBoard, one by wandb, one that fails."""
    url = f"http://alice:{PASSWORD}@{server}/faq.jsonl?token={QUERY}"
    done = Done(tmp_path_factory.mktemp("planted"), url, [])
    data = ["dataset=question_answer", f"dataset.path={url}",
            "dataset.split={train:0.8,validation:0.1,test:0.1}"]  # fmt: skip
    said = f"description=by {PLANTED['TEAM_PASSWORD']}"
    done.run(*data, said, "tracking=tensorboard", "runs_dir=one", *WORDS)
    done.run(*data, said, "tracking=wandb", "runs_dir=two", *WORDS, "eval=[]")
    wrong = [data[0], f"dataset.path={url.replace('alice', 'mallory')}", data[2]]
    done.run(*wrong, "runs_dir=three", *WORDS, code=2)
    return done


def plain(data: bytes) -> bytes:
    """Return bytes with what is deflated in them beside them, as trackers may keep it."""
    try:
        return data + zlib.decompressobj(47).decompress(data)
    except zlib.error:
        return data


def test_no_byte_that_was_written_holds_a_secret(done: Done) -> None:
    files = [file for file in done.here.rglob("*") if file.is_file()]
    assert {"run.json", "log.txt", "lock.json", "report.html"} <= {file.name for file in files}
    assert any("tfevents" in file.name for file in files)
    assert any(file.suffix == ".wandb" for file in files)
    leaked = [
        (str(file.relative_to(done.here)), secret)
        for file in files
        for content in [plain(file.read_bytes())]
        for secret in SECRETS
        if secret.encode() in content
    ]
    assert leaked == []
    assert not any(secret in str(file) for file in files for secret in SECRETS)


def test_nothing_that_was_printed_holds_a_secret(done: Done) -> None:
    text = "\n".join(done.printed)
    assert "http://alice:[redacted]@" in text
    assert [secret for secret in SECRETS if secret in text] == []


def test_the_data_behind_the_password_was_read(done: Done) -> None:
    report = json.loads((done.rundir("one") / "data" / "report.json").read_text("utf-8"))
    assert report["examples"]["train"] == 160


def test_the_error_of_a_refused_url_names_it_without_its_password(done: Done) -> None:
    assert "mallory:[redacted]@" in done.printed[2]
    assert "HTTP status 401" in done.printed[2]


def test_a_run_by_hand_asks_for_what_was_not_written_down_and_stays_as_it_is(done: Done) -> None:
    run = done.rundir("one")
    status = (run / "status.json").read_bytes()
    said = subprocess.run(
        ["sh", str(run / "plan.sh")], env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert said.returncode == 2
    assert "give the whole value again: export FTRECIPE_SECRET_DATASET__PATH=<value>" in said.stderr
    assert (run / "status.json").read_bytes() == status


def test_a_stage_by_hand_runs_once_the_secret_value_is_given(done: Done) -> None:
    run = done.rundir("two")
    (run / "report.html").unlink()
    words = [sys.executable, "-m", "ftrecipe.stages", str(run), "report"]
    given = {"PYTHONPATH": str(ROOT), "FTRECIPE_SECRET_DATASET__PATH": done.url}
    subprocess.run(words, env=os.environ | PLANTED | given, check=True, capture_output=True)
    assert "[redacted]" in (run / "report.html").read_text("utf-8")
    test_no_byte_that_was_written_holds_a_secret(done)


def test_a_run_is_not_evaluated_without_its_secret_value(done: Done) -> None:
    words = ["evaluate", str(done.rundir("two")), "eval=[perplexity]"]
    assert "export FTRECIPE_SECRET_DATASET__PATH=<value>" in done.run(*words, code=2)


def test_a_published_recipe_is_added_elsewhere_and_verified(
    done: Done, cli: Cli, here: Path
) -> None:
    run, folder = done.rundir("one"), here / "published"
    refused = cli("recipes", "publish", str(run), "--to", "p")
    assert "what is the license of the data?" in refused.err
    words = ["publish", str(run), "--to", str(folder), "--as", "faq", "--license", "CC0-1.0"]
    assert cli("recipes", *words).code == 0
    assert sorted(file.name for file in folder.iterdir()) == ["README.md", "faq.yaml", "lock.json"]
    written = "".join(file.read_text("utf-8") for file in folder.iterdir())
    assert [word for word in (*SECRETS, str(done.here)) if word in written] == []
    assert "would be overwritten; add --force" in cli("recipes", *words).err
    assert cli("recipes", "add", str(folder), "--team", "a", "--yes").code == 0
    said = cli("recipes", "verify")
    assert said.code == 0
    assert said.out.startswith("verified  a/faq\n  needs export FTRECIPE_SECRET_DATASET__PATH=")
    lock = json.loads((here / "recipes" / "a" / "faq.lock.json").read_text("utf-8"))
    jsonschema.validate(lock, json.loads((ROOT / "ftrecipe/schemas/lock.json").read_text()))


def test_the_card_says_what_the_run_gave_on_which_data(done: Done, cli: Cli, here: Path) -> None:
    cli("recipes", "publish", str(done.rundir("one")), "--to", "p", "--license", "CC0-1.0")
    card = (here / "p" / "README.md").read_text("utf-8")
    metrics = json.loads((done.rundir("one") / "metrics.json").read_text("utf-8"))
    tuned = metrics["tuned"]["perplexity"]
    row = next(line for line in card.splitlines() if line.startswith("| perplexity.loss"))
    assert row.endswith(f"| {number(tuned['loss'])} | {tuned['tokens']:,.0f} tokens |")
    for told in ("CC0-1.0", "train 160, validation 20, test 20", "2 steps", "replay"):
        assert told in card


def test_a_changed_default_is_found_by_the_lock(done: Done, cli: Cli, here: Path) -> None:
    cli("recipes", "publish", str(done.rundir("one")), "--to", "p", "--license", "CC0-1.0")
    file = here / "p" / "lock.json"
    was, now = ('"lr_scheduler_type": "cosine"', '"lr_scheduler_type": "linear"')
    text = re.sub(r'"trl": "[\d.]+"', '"trl": "0.0.1"', file.read_text("utf-8"))
    file.write_text(text.replace(was, now), "utf-8")
    cli("recipes", "add", "p", "--as", "faq", "--yes")
    said = cli("recipes", "verify")
    assert said.code == 1
    assert "trainer.lr_scheduler_type: was 'linear'" in said.out
    assert "trl was 0.0.1 and is " in said.out


def test_a_run_that_is_not_finished_is_not_published(cli: Cli, faq: str, here: Path) -> None:
    assert cli("plan", "--write", f"dataset={faq}", "hardware=cpu").code == 0
    said = cli("recipes", "publish", str(next((here / "runs").glob("*/*"))), "--to", "p")
    assert said.code == 2
    assert "only a finished one says what its recipe is worth" in said.err
    assert not (here / "p").exists()
