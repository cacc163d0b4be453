"""What is secret is found by name and by shape, and what is none is left alone."""

import io
import json
from pathlib import Path

import pytest
from answers import Cli

from ftrecipe.compose import compose
from ftrecipe.errors import ConfigError
from ftrecipe.rundir import write_json, write_text
from ftrecipe.sealing import opened, secrets_of, variable
from ftrecipe.secrets import REDACTED, RedactedStream, Redactor, is_secret_name

NOBODY = Redactor.of({})
URL = "https://alice:p4ss-of-alice@data.example/faq.csv?token=query-secret-1&page=2"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("hf_abcdefghijklmnopqrst", REDACTED),
        ("key sk-proj-Abcdefghijklmnop1234 here", f"key {REDACTED} here"),
        ("ghp_abcdefghijklmnopqrst1234", REDACTED),
        ("AKIAABCDEFGHIJKLMNOP", REDACTED),
        ("Authorization: Bearer abc.def.ghi-jkl", f"Authorization: Bearer {REDACTED}"),
        ("https://bob:pw@h/x", f"https://bob:{REDACTED}@h/x"),
        ("https://0123456789abcdef@h/x", f"https://{REDACTED}@h/x"),
        ("s3://b/x?X-Amz-Signature=deadbeef&a=1", f"s3://b/x?X-Amz-Signature={REDACTED}&a=1"),
        ("https://h/x?sig=a1&se=2", f"https://h/x?sig={REDACTED}&se=2"),
        ("hub_token='abcdefgh'", f"hub_token='{REDACTED}'"),
        ('{"api_key": "abcdefgh"}', f'{{"api_key": "{REDACTED}"}}'),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", REDACTED),
    ],
)
def test_a_well_known_shape_is_redacted(text: str, left: str) -> None:
    assert NOBODY(text) == left
    assert NOBODY(left) == left


@pytest.mark.parametrize(
    "text",
    [
        "e2a6d665b42bc1a946bc8dafc5f451197dffafe26b6f279c9ed52f67c84bcd69",
        "runs/sk-learn-experiments-2024/2026-11-22_07-59-23",
        "eos_token=<|im_end|> max_new_tokens: 192 special_tokens=[<|note|>]",
        "http://127.0.0.1:8000/faq.csv?page=2",
        "meta-llama/Llama-3.1-8B-Instruct",
        "4,880 tokens/s, 573 tokens",
        "{{ message['content'] }}{% if add_generation_prompt %}",
        "file:///data/a:b@c",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert NOBODY(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "HF_TOKEN", "WANDB_API_KEY", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "PGPASSWORD",
        "GITHUB_TOKEN", "KAGGLE_KEY", "AZURE_STORAGE_CONNECTION_STRING", "client_secret",
    ],
)  # fmt: skip
def test_a_variable_whose_name_says_so_is_secret(name: str) -> None:
    assert is_secret_name(name)
    assert Redactor.of({name: "opensesame"})("say opensesame!") == f"say {REDACTED}!"


@pytest.mark.parametrize(
    "name", ["TOKENIZERS_PARALLELISM", "HF_TOKEN_PATH", "PWD", "OLDPWD", "KEYBOARD", "AUTHOR_NAME"]
)
def test_a_variable_whose_name_says_nothing_is_not(name: str) -> None:
    assert Redactor.of({name: "opensesame"})("say opensesame!") == "say opensesame!"


def test_a_switch_is_no_secret_even_by_a_secret_name() -> None:
    assert Redactor.of({"WANDB_API_KEY": "disabled", "MY_TOKEN": "1"}).values == ()


def test_a_short_value_is_redacted_only_as_a_word_of_its_own() -> None:
    redact = Redactor.of({"MY_SECRET": "museum"})
    assert redact("museum; the museums") == f"{REDACTED}; the museums"


def test_a_password_in_any_variable_that_holds_a_url_is_known() -> None:
    redact = Redactor.of({"DATABASE": "postgres://u:s3cretpw@h/db"})
    assert redact("connecting as s3cretpw") == f"connecting as {REDACTED}"


@pytest.mark.parametrize("write", ["%s", '{"a": %s}', "<p>%s</p>"])
def test_a_value_is_found_however_it_is_quoted(write: str) -> None:
    value = "pa\"ss<w>&'ord 1234567"
    quoted = json.dumps(value) if "a" in write else value
    redact = Redactor.of({"MY_PASSWORD": value})
    assert "1234567" not in redact(write % quoted)
    assert "1234567" not in redact("pa&quot;ss&lt;w&gt;&amp;&#x27;ord 1234567")
    assert "1234567" not in redact("x?p=pa%22ss%3Cw%3E%26%27ord%201234567")


def test_the_values_below_a_secret_key_are_redacted_whatever_they_are() -> None:
    tree = {"trainer": {"extra": {"hub_token": "abc"}, "eos_token": "</s>"}, "n": [1, None, True]}
    assert NOBODY.tree(tree) == {
        "trainer": {"extra": {"hub_token": REDACTED}, "eos_token": "</s>"},
        "n": [1, None, True],
    }


def test_a_stream_lets_no_secret_through_and_is_otherwise_the_stream() -> None:
    inner = io.StringIO()
    stream = RedactedStream(inner)
    assert stream.write("hf_abcdefghijklmnopqrst\n") == 24
    stream.writelines(["a\n", "hf_abcdefghijklmnopqrst\n"])
    stream.flush()
    assert inner.getvalue() == f"{REDACTED}\na\n{REDACTED}\n"
    assert not stream.isatty()


def test_a_file_that_a_run_writes_holds_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_KEY", "opensesame")
    write_json(tmp_path / "x.json", {"path": URL, "why": ["said opensesame"]})
    write_text(tmp_path / "x.md", f"read from {URL}: opensesame")
    written = (tmp_path / "x.json").read_text() + (tmp_path / "x.md").read_text()
    assert not any(word in written for word in ("p4ss", "query-secret", "opensesame"))
    assert json.loads((tmp_path / "x.json").read_text())["path"].endswith("&page=2")


def test_a_sealed_value_travels_by_a_variable_and_comes_back_whole() -> None:
    config = {"dataset": {"path": URL, "sources": [{"path": "a.csv"}]}, "seed": 1}
    carried = secrets_of(config)
    assert carried == {"FTRECIPE_SECRET_DATASET__PATH": URL}
    sealed = NOBODY.tree(config)
    assert "p4ss" not in str(sealed)
    assert opened(sealed, carried) == config


def test_a_sealed_value_without_its_variable_is_asked_for_by_name() -> None:
    sealed = NOBODY.tree({"dataset": {"path": URL}, "tracking": {"tracking_uri": URL}})
    with pytest.raises(ConfigError) as caught:
        opened(sealed, {}, where="run.json")
    assert [variable(key) in str(caught.value) for key in ("dataset.path", "tracking.tracking_uri")]
    assert len(caught.value.faults) == 2
    assert all(fault.startswith("run.json: ") for fault in caught.value.faults)


def test_a_variable_that_holds_another_value_opens_nothing() -> None:
    sealed = NOBODY.tree({"dataset": {"path": URL.replace("data.example", "elsewhere.example")}})
    with pytest.raises(ConfigError, match="is not what FTRECIPE_SECRET_DATASET__PATH holds"):
        opened(sealed, {"FTRECIPE_SECRET_DATASET__PATH": URL})


def test_a_recipe_with_a_value_taken_out_composes_once_it_is_given(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "x.yaml").write_text(
        f"description: by {REDACTED}, for people\n"
        "defaults: [override /tracking: mlflow]\n"
        f"tracking: {{tracking_uri: 'https://alice:{REDACTED}@h.example'}}"
    )
    with pytest.raises(ConfigError, match="export FTRECIPE_SECRET_TRACKING__TRACKING_URI=<value>"):
        compose(["recipe=./x.yaml"])
    whole = "https://alice:p4ss-of-alice@h.example"
    monkeypatch.setenv("FTRECIPE_SECRET_TRACKING__TRACKING_URI", whole)
    assert vars(compose(["recipe=./x.yaml"]).run.tracking)["tracking_uri"] == whole


def test_the_command_prints_no_secret(cli: Cli, faq: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "opensesame")
    said = cli("plan", f"dataset={faq}", "description=by opensesame", "tracking=mlflow",
               "tracking.tracking_uri=https://alice:p4ss-of-alice@h.example")  # fmt: skip
    assert said.code == 0
    assert REDACTED in said.out
    assert "opensesame" not in said.out
    assert "p4ss" not in said.out


def test_an_error_quotes_no_secret(cli: Cli) -> None:
    said = cli("plan", "dataset=question_answer", "dataset.path=nohttp://alice:p4ss-of-alice@h/x")
    assert said.code == 2
    assert "nohttp://alice:" in said.err
    assert "p4ss" not in said.err


def test_a_run_in_a_folder_whose_name_is_secret_is_refused(
    cli: Cli, faq: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_KEY", "opensesame")
    said = cli("plan", "--write", f"dataset={faq}", "hardware=cpu", "runs_dir=opensesame/runs")
    assert said.code == 2
    assert "holds, in its name, what an environment variable says is secret" in said.err


def test_a_plan_that_is_written_says_which_secret_values_it_will_need(
    cli: Cli, faq: str, here: Path
) -> None:
    uri = "tracking.tracking_uri=https://alice:p4ss-of-alice@h.example"
    said = cli("plan", "--write", f"dataset={faq}", "hardware=cpu", "tracking=mlflow", uri)
    assert said.code == 0
    assert "where it starts: export FTRECIPE_SECRET_TRACKING__TRACKING_URI=" in said.out
    written = [file for file in (here / "runs").rglob("*") if file.is_file()]
    assert not any(b"p4ss" in file.read_bytes() for file in written)


def test_a_runs_folder_is_not_named_after_what_a_url_holds(cli: Cli, faq: str) -> None:
    from ftrecipe.plan import data_name

    run = compose([f"dataset={faq}"]).run
    run.dataset.path = "https://alice:p4ss-of-alice@h.example/x?token=query-secret-1"
    assert data_name(run) == "x"


def test_a_sentence_about_a_password_is_no_secret() -> None:
    for said in (
        "Ask for the password: customers forget it.",
        "Never tell the secret: recipes are ours",
        "Passwort, password: niemals weitergeben!",
    ):
        assert NOBODY(said) == said
    for told in ("password: swordfish", "password: swordfish9 is it", "password=swordfish is it"):
        assert "swordfish" not in NOBODY(told)
    assert "hunterabc" not in NOBODY("password: hunterabc user: bob")
