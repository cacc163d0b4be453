"""How a person uses an export: commands and code that can be copied as they stand."""

import json
from dataclasses import dataclass
from pathlib import Path

PYTHON = """\
{imports}

folder = {folder}
model = {loader}.from_pretrained(folder)
tokenizer = AutoTokenizer.from_pretrained(folder)
{inputs}
output = model.generate(**inputs, max_new_tokens=64)
print(tokenizer.decode(output[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True))"""

CHAT = """\
messages = {messages}
inputs = tokenizer.apply_chat_template(
    messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
)"""

PLAIN = 'inputs = tokenizer({text}, return_tensors="pt")'


@dataclass(frozen=True)
class Usage:
    """One thing to do with a result. language: of the code, as a Markdown fence names it."""

    title: str
    code: str
    language: str = "sh"


@dataclass(frozen=True)
class Asking:
    """What the text of a usage is made from.

    files: where the export lies now, to look what is in it. folder: how the text is to call that
    place: a path, or "." on a model card. name: what the run is called. question: what to ask.
    system: the system prompt that was trained on, "" for none. chats: whether it was trained on
    conversations, so that a template goes around the question.
    """

    files: Path
    folder: str
    name: str
    question: str = "Hello!"
    system: str = ""
    chats: bool = True

    @property
    def messages(self) -> list[dict[str, str]]:
        """The question as a conversation, begun as those were that it was trained on."""
        begun = [{"role": "system", "content": self.system}] if self.system else []
        return [*begun, {"role": "user", "content": self.question}]


def python(asking: Asking, loader: str, library: str) -> str:
    """Return code that loads a folder by the class `loader` of a library, and asks the question."""
    names = sorted((loader, "AutoTokenizer"))
    imports = f"from transformers import {', '.join(names)}"
    if library != "transformers":
        imports = f"from {library} import {loader}\nfrom transformers import AutoTokenizer"
    inputs = PLAIN.format(text=quoted(asking.question))
    if asking.chats:
        inputs = CHAT.format(messages=quoted(asking.messages))
    folder = quoted(asking.folder)
    return PYTHON.format(imports=imports, loader=loader, folder=folder, inputs=inputs)


def quoted(value: object) -> str:
    """Return strings, and lists and dicts of them, as Python code: as JSON writes them."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)
