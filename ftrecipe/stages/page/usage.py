"""How to use what a run made: commands and code that can be copied as they stand."""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path

from ftrecipe.config import RunConfig
from ftrecipe.rundir import RunDir
from ftrecipe.stages.summary import shown

PYTHON = """\
{imports}

folder = {folder}
model = {loader}.from_pretrained(folder)
tokenizer = AutoTokenizer.from_pretrained(folder)
{inputs}
output = model.generate(**inputs, max_new_tokens=64)
print(tokenizer.decode(output[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True))"""

PEFT_IMPORTS = """\
from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer"""

PLAIN_IMPORTS = "from transformers import AutoModelForCausalLM, AutoTokenizer"

CHAT = """\
messages = {messages}
inputs = tokenizer.apply_chat_template(
    messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
)"""

PLAIN = 'inputs = tokenizer({text}, return_tensors="pt")'


@dataclass(frozen=True)
class Usage:
    """One thing to do with the result."""

    title: str
    code: str


def usages(run: RunConfig, rundir: RunDir, question: str, held_back: bool = False) -> list[Usage]:
    """Return what can be done with the files that are there; `question` is the example.

    held_back: the gate failed, so that nothing was exported.
    """
    found = [*_loading(run, rundir, question), *_commands(run, rundir)]
    if not held_back:
        return [*found, _promoting(rundir)]
    target = "" if run.export else f" export={'merged' if run.peft.mergeable else 'adapter'}"
    kept = f"python -m ftrecipe export {_folder(rundir)}{target}"
    anyway = Usage("Export it all the same, though the gate failed", kept)
    return [anyway, *(use for use in found if use.code != kept)]


def _promoting(rundir: RunDir) -> Usage:
    command = f"python -m ftrecipe runs promote {_folder(rundir)} NAME@production"
    return Usage("Give it a name to be used by", command)


def _folder(rundir: RunDir) -> str:
    return shlex.quote(shown(rundir.path))


def _loading(run: RunConfig, rundir: RunDir, question: str) -> list[Usage]:
    found = []
    for name, target in run.export.items():
        folder = rundir.export / name
        if target.needs_adapter and folder.is_dir():
            found.append(
                _python("Load the adapter (Python, with PEFT)", folder, True, run, question)
            )
        if target.needs_merge and folder.is_dir():
            found.append(_python("Load the merged model (Python)", folder, False, run, question))
    return found


def _python(title: str, folder: Path, adapter: bool, run: RunConfig, question: str) -> Usage:
    return Usage(title, python(run, adapter, str(folder.absolute()), question))


def python(run: RunConfig, adapter: bool, folder: str, question: str) -> str:
    """Return code that loads what is in `folder`, and asks it the question."""
    asked = question or "Hello!"
    if run.dataset.produces() == "chat":
        system = [{"role": "system", "content": run.dataset.system}] if run.dataset.system else []
        inputs = CHAT.format(messages=_quoted([*system, {"role": "user", "content": asked}]))
    else:
        inputs = PLAIN.format(text=_quoted(asked))
    loader = "AutoPeftModelForCausalLM" if adapter else "AutoModelForCausalLM"
    imports = PEFT_IMPORTS if adapter else PLAIN_IMPORTS
    return PYTHON.format(imports=imports, loader=loader, folder=_quoted(folder), inputs=inputs)


def _quoted(value: object) -> str:
    """Return strings, and lists and dicts of them, as Python code: as JSON writes them."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)


def _commands(run: RunConfig, rundir: RunDir) -> list[Usage]:
    folder = _folder(rundir)
    recipe = shlex.quote(f"+recipe={shown(rundir.recipe)}")
    found = [
        Usage("Measure it again", f"python -m ftrecipe evaluate {folder}"),
        Usage("Hold it against other runs", f"python -m ftrecipe runs compare {folder} OTHER_RUN"),
        Usage("Run the same recipe again, with a change", f"python -m ftrecipe {recipe} seed=7"),
    ]
    if run.peft.mergeable and "merged" not in run.export:
        merge = f"python -m ftrecipe export {folder} export=merged"
        found.insert(1, Usage("Make one plain model that needs no PEFT", merge))
    return found
