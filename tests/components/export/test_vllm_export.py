"""What vLLM is handed: scripts that run from anywhere, with flags that its own parser takes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ftrecipe.components.export.others import is_usable, link
from ftrecipe.components.export.vllm import Of, Vllm
from ftrecipe.components.export.vllm_server import (
    RANKS,
    Served,
    bound,
    request,
    request_script,
    serve_script,
    why_not,
)
from ftrecipe.components.model import Model
from ftrecipe.config import GROUPS
from ftrecipe.errors import ConfigError

ADAPTER = Served("support-bot", "adapter", "org/base", "bfloat16", 4096, 16, revision="v1")
MERGED = Served("team_a/x", "merged", None, "float32", 512)
# `vllm serve` as its parser declares it in vLLM 0.33 (entrypoints/common/cli_args.py and
# engine/arg_utils.py), for the flags that are written; its lists take any number of words.
VLLM = """\
import argparse, json, os, sys
parser = argparse.ArgumentParser(allow_abbrev=False)
parser.add_argument("verb", choices=["serve"])
parser.add_argument("model_tag", nargs="?")
for name in ("tokenizer", "revision", "generation-config", "chat-template", "host"):
    parser.add_argument(f"--{name}")
for name in ("max-model-len", "port"):
    parser.add_argument(f"--{name}", type=int)
parser.add_argument("--max-lora-rank", type=int, choices=[1, 8, 16, 32, 64, 128, 256, 320, 512])
parser.add_argument("--dtype", choices=["auto", "half", "float16", "bfloat16", "float", "float32"])
parser.add_argument("--enable-lora", action=argparse.BooleanOptionalAction)
parser.add_argument("--served-model-name", nargs="+")
parser.add_argument("--lora-modules", nargs="+")
print(json.dumps(vars(parser.parse_args()) | {"in": os.getcwd()}))
"""


@pytest.fixture
def vllm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of vLLM's name that reads its words as vLLM does, and says what it read."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "vllm.py").write_text(VLLM)
    script = f'#!/bin/sh\nexec "{sys.executable}" "{programs}/vllm.py" "$@"\n'
    (programs / "vllm").write_text(script)
    (programs / "vllm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")


def written(folder: Path, served: Served) -> Path:
    """Write what an export's folder holds, as far as the scripts look at it."""
    (folder / served.model).mkdir(parents=True)
    script = folder / "serve.sh"
    script.write_text(serve_script(served), "utf-8")
    return script


def served_by(script: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Start a script from a folder that has nothing to do with it."""
    return subprocess.run(
        ["sh", str(script), *words],
        cwd="/", env=os.environ | more, capture_output=True, text=True,
    )  # fmt: skip


def read(script: Path, *words: str, **more: str) -> dict:
    done = served_by(script, *words, **more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.usefixtures("vllm")
def test_an_adapter_is_served_beside_its_base_by_the_names_of_both(tmp_path):
    script = written(tmp_path / "a folder, with 'quotes'", ADAPTER)
    told = read(script)
    assert told["model_tag"] == "org/base"
    assert (told["served_model_name"], told["revision"]) == (["org/base"], "v1")
    assert told["enable_lora"] is True
    assert (told["max_lora_rank"], told["lora_modules"]) == (16, ["support-bot=./adapter"])
    assert told["tokenizer"] == told["generation_config"] == "./adapter"
    assert told["chat_template"] == "./adapter/chat_template.jinja"
    assert (told["max_model_len"], told["dtype"]) == (4096, "bfloat16")
    assert told["in"] == str(script.parent)


@pytest.mark.usefixtures("vllm")
def test_a_merged_model_is_served_by_the_runs_name(tmp_path):
    told = read(written(tmp_path / "x", MERGED))
    assert (told["model_tag"], told["served_model_name"]) == ("./merged", ["team_a/x"])
    assert told["enable_lora"] is None
    assert told["host"] == "127.0.0.1"


@pytest.mark.usefixtures("vllm")
def test_words_after_the_script_go_to_vllm_and_win(tmp_path):
    told = read(written(tmp_path / "x", MERGED), "--host", "0.0.0.0", "--port", "8001")
    assert (told["host"], told["port"]) == ("0.0.0.0", 8001)


@pytest.mark.usefixtures("vllm")
def test_a_base_in_a_folder_can_lie_elsewhere_on_another_machine(tmp_path):
    base = tmp_path / 'b"a$e `x` }'
    base.mkdir()
    script = written(tmp_path / "x", Served("bot", "adapter", str(base), "bfloat16", 64, 8))
    told = read(script)
    assert (told["model_tag"], told["served_model_name"]) == (str(base), [base.name])
    base.rmdir()
    gone = served_by(script)
    assert gone.returncode == 2
    assert "set BASE=<its folder or hub id>" in gone.stderr
    assert read(script, BASE="org/base")["model_tag"] == "org/base"


def test_without_vllm_the_script_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    done = served_by(written(tmp_path / "x", MERGED))
    assert done.returncode == 127
    assert "pip install vllm" in done.stderr


@pytest.mark.parametrize(
    "text", [serve_script(ADAPTER), serve_script(MERGED), request_script(True)]
)
def test_scripts_are_read_by_a_plain_shell(text, tmp_path):
    (tmp_path / "x.sh").write_text(text, "utf-8")
    subprocess.run(["sh", "-n", str(tmp_path / "x.sh")], check=True)


def test_a_request_asks_for_the_likeliest_answer_of_the_tuned_model():
    asked = [{"role": "user", "content": "Où?"}]
    body = json.loads(request("bot", asked, chats=True))
    assert (body["model"], body["messages"], body["temperature"]) == ("bot", asked, 0)
    assert json.loads(request("bot", asked, chats=False))["prompt"] == "Où?"
    assert "/v1/chat/completions" in request_script(chats=True)
    assert "/v1/completions" in request_script(chats=False)


LORA = {"peft_type": "LORA", "r": 16, "bias": "none", "init_lora_weights": True}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, None),
        ({"use_rslora": True, "rank_pattern": {"q_proj": 32}}, None),
        ({"init_lora_weights": "gaussian"}, None),
        ({"peft_type": "IA3"}, "it loads no IA3 adapters"),
        ({"use_dora": True}, "use_dora"),
        ({"modules_to_save": ["embed_tokens"]}, "modules_to_save"),
        ({"trainable_token_indices": {"embed_tokens": [5]}}, "trainable_token_indices"),
        ({"bias": "lora_only"}, "bias=lora_only"),
        ({"init_lora_weights": "pissa"}, "changes the base"),
        ({"rank_pattern": {"q_proj": 1024}}, "ranks up to 512"),
    ],
)
def test_adapters_that_vllm_would_refuse_are_known_beforehand(change, why, tmp_path):
    (tmp_path / "adapter_config.json").write_text(json.dumps(LORA | change))
    found = why_not(tmp_path, "bfloat16")
    assert found is None if why is None else why in str(found)


@pytest.mark.parametrize(
    ("method", "changed", "why"),
    [
        ("lora", {}, None),
        ("rslora", {"r": 64}, None),
        ("lora", {"r": 1024}, "ranks up to 512"),
        ("dora", {}, "use_dora"),
        ("pissa", {}, "changes the base"),
        ("lora", {"extra": {"modules_to_save": ["lm_head"]}}, "modules_to_save"),
        ("ia3", {}, "no adapters but LoRA's; use export.vllm.of=merged"),
        ("prompt_tuning", {}, "no adapters but LoRA's; use export=adapter"),
    ],
)
def test_a_method_whose_adapter_vllm_refuses_is_known_before_it_trains(method, changed, why):
    said = Vllm(of=Of.adapter).unmade(GROUPS["peft"].get(method)(**changed))
    assert said is None if why is None else why in str(said)


def test_a_base_that_takes_no_adapters_in_vllm_is_known_before_it_trains(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "llama", "torch_dtype": "float32"}')
    model = Model(path=str(tmp_path), special_tokens=["<x>"])
    bits, tokens = Vllm(of=Of.adapter).misfits({}, model)
    assert "16 bits" in bits
    assert "trained tokens" in tokens
    assert list(Vllm().misfits({}, model)) == []


def test_an_adapter_of_32_bits_is_not_served_as_one(tmp_path):
    (tmp_path / "adapter_config.json").write_text(json.dumps(LORA))
    assert "16 bits" in str(why_not(tmp_path, "float32"))


def test_an_adapter_whose_base_nobody_has_is_not_served_as_one(tmp_path):
    (tmp_path / "adapter_config.json").write_text(json.dumps(LORA))
    said: list[str] = []
    tuned: Any = SimpleNamespace(
        adapter=tmp_path, dtype="bfloat16", merged_before="runs/first", say=said.append
    )
    assert Vllm()._kind(tuned) is Of.merged
    assert "the tune of runs/first merged in" in said[0]
    with pytest.raises(ConfigError, match="runs/first"):
        Vllm(of=Of.adapter)._kind(tuned)
    tuned.merged_before = None
    assert Vllm()._kind(tuned) is Of.adapter


def test_the_bound_of_ranks_is_one_that_vllm_takes():
    assert [bound(rank) for rank in (1, 4, 16, 17, 300, 512)] == [1, 8, 16, 32, 320, 512]
    assert RANKS[-1] == 512


@pytest.mark.parametrize(
    ("of", "method", "told"),
    [
        (None, "lora", None),
        (None, "full", None),
        (Of.adapter, "full", "has no adapter"),
        (None, "prompt_tuning", "cannot be merged"),
        (Of.merged, "prefix_tuning", "cannot be merged"),
    ],
)
def test_what_a_method_trains_decides_what_can_be_served(of, method, told):
    why = Vllm(of=of).unmade(GROUPS["peft"].get(method)())
    assert why is None if told is None else told in str(why)


def test_linked_files_are_the_very_same_without_what_was_said_of_them(tmp_path):
    made = tmp_path / "made"
    (made / "additional_chat_templates").mkdir(parents=True)
    for name in (
        "model.safetensors",
        "README.md",
        "gate.json",
        "additional_chat_templates/a.jinja",
    ):
        (made / name).write_text(name)
    (tmp_path / "linked").mkdir()
    link(made, tmp_path / "linked")
    found = sorted(
        file.relative_to(tmp_path / "linked").as_posix()
        for file in (tmp_path / "linked").rglob("*")
        if file.is_file()
    )
    assert found == ["additional_chat_templates/a.jinja", "model.safetensors"]
    assert (made / "model.safetensors").samefile(tmp_path / "linked" / "model.safetensors")


class Trained:
    """A run whose adapter lies in a folder."""

    def __init__(self, adapter: Path | None) -> None:
        self.adapter = adapter


@pytest.mark.parametrize(
    ("verdict", "linked"), [("same", True), ("degraded", True), ("failed", False)]
)
def test_what_its_gate_refused_is_not_served_in_its_place(verdict, linked, tmp_path):
    (tmp_path / "gate.json").write_text(json.dumps({"verdict": verdict}))
    assert is_usable(tmp_path, Trained(None)) is linked  # type: ignore[arg-type]


def test_what_was_made_before_the_last_training_is_made_anew(tmp_path):
    made, adapter = tmp_path / "made", tmp_path / "adapter"
    for folder in (made, adapter):
        folder.mkdir()
    (made / "gate.json").write_text('{"verdict": "same"}')
    (adapter / "adapter_model.safetensors").touch()
    for age, usable in ((-60, True), (60, False)):
        when = (made / "gate.json").stat().st_mtime + age
        os.utime(adapter / "adapter_model.safetensors", (when, when))
        assert is_usable(made, Trained(adapter)) is usable  # type: ignore[arg-type]
