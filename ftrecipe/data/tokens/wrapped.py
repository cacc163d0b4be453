"""Recognizes text that already carries a chat template or an end token, and takes it apart."""

import re
from dataclasses import dataclass

from ftrecipe.data.example import Message

_PREAMBLES = (
    "Below is an instruction that describes a task. Write a response that appropriately "
    "completes the request.",
    "Below is an instruction that describes a task, paired with an input that provides further "
    "context. Write a response that appropriately completes the request.",
)  # Alpaca's own, which say nothing that a chat template does not
_ENDS = (
    "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<|end|>", "<end_of_turn>",
    "<eos>", "<|eos|>", "<|return|>", "<｜end▁of▁sentence｜>", "</s>",
)  # fmt: skip
_BEGINNINGS = ("<s>", "<bos>", "<|begin_of_text|>", "<｜begin▁of▁sentence｜>")
_SYSTEM = re.compile(r"\A\s*<<SYS>>(.*?)<</SYS>>(.*)\Z", re.DOTALL)
_TOKENS = re.compile(
    r"<\|(?:im_start|im_end|start_header_id|end_header_id|eot_id|user|assistant|system)\|>"
    r"|</?(?:start|end)_of_turn>|\[/?INST\]"
)


@dataclass(frozen=True)
class Template:
    """The marks of one template: what opens a turn, with the role as its group, and closes it.

    tokens: whether its marks are tokens, which people do not write in passing.
    preface: whether what stands before the first mark is a system prompt.
    """

    name: str
    opening: re.Pattern[str]
    roles: dict[str, str]
    tokens: bool = True
    preface: bool = False


def _of(
    name: str, opening: str, roles: str, tokens: bool = True, preface: bool = False
) -> Template:
    pairs = dict(pair.split("=") for pair in roles.split())
    return Template(name, re.compile(opening), pairs, tokens, preface)


TEMPLATES = (
    _of("ChatML", r"<\|im_start\|>(\w+)[ \t]*\n?",
        "system=system user=user assistant=assistant"),
    _of("Llama 3", r"<\|start_header_id\|>(\w+)<\|end_header_id\|>\n{0,2}",
        "system=system user=user assistant=assistant"),
    _of("Gemma", r"<start_of_turn>(\w+)\n?", "user=user model=assistant"),
    _of("Llama 2 [INST]", r"\[(/?INST)\]", "INST=user /INST=assistant", False),
    _of("<|user|>", r"<\|(system|user|assistant)\|>\n?",
        "system=system user=user assistant=assistant"),
    _of("### Instruction", r"(?:\A|(?<=\n))### (Instruction|Input|Response):[ \t]*\n?",
        "Instruction=user Input=input Response=assistant", False, True),
    _of("### Question", r"(?:\A|(?<=\n))### (Context|Question|Answer):[ \t]*\n?",
        "Context=input Question=user Answer=assistant", False, True),
    _of("### Human", r"(?:\A|(?<=\s))### (System|Human|Assistant):[ \t]?",
        "System=system Human=user Assistant=assistant", False),
    _of("Human: / Assistant:", r"(?:\A|\n\n)(Human|Assistant):[ \t]?",
        "Human=user Assistant=assistant", False),
    _of("USER: / ASSISTANT:", r"(?:\A|(?<=\s))(USER|ASSISTANT):[ \t]?",
        "USER=user ASSISTANT=assistant", False, True),
)  # fmt: skip


def already(prompt: str) -> str | None:
    """Return the name of the template that `prompt` carries, or None.

    Marks that are tokens count wherever they stand; words such as `### Response:` only where a
    question is opened before and the answer is opened at the very end.
    """
    if not _may_carry(prompt):
        return None
    for template in TEMPLATES:
        marks = list(template.opening.finditer(prompt))
        if not marks:
            continue
        roles = [template.roles.get(mark[1]) for mark in marks]
        ready = roles[-1] == "assistant" and not prompt[marks[-1].end() :].strip()
        if template.tokens or (ready and roles[0] != "assistant"):
            return template.name
    return None


def _may_carry(text: str) -> bool:
    """Say at once that most texts carry nothing."""
    return any(mark in text for mark in ("<|", "<start_of", "INST]", "### ", "Human:", "USER:"))


def unwrapped(prompt: str, answer: str = "") -> list[Message] | None:
    """Return the messages of a prompt and its answer, or None where they do not parse whole.

    Nothing is lost but marks, outer whitespace and Alpaca's own preamble. The last message is the
    assistant's.
    """
    for template in TEMPLATES:
        if not template.opening.search(prompt):
            continue
        asked = _parsed(template, prompt)
        if asked and asked[-1]["role"] == "user" and not template.opening.search(answer):
            said = without_end(answer).strip()
            return [*asked, {"role": "assistant", "content": said}] if said else None
        *_, opened = template.opening.finditer(prompt)
        gap = "\n" if opened.end() == len(prompt) else ""  # a column may have lost its line end
        found = _parsed(template, prompt + gap + answer)
        if found and found[-1]["role"] == "assistant":
            return found
    return None


def parsed_whole(text: str) -> list[Message] | None:
    """Return the messages of a text that is a conversation in some template, or None."""
    if not _may_carry(text):
        return None
    parsed = (_parsed(template, text) for template in TEMPLATES if template.opening.search(text))
    return next((found for found in parsed if found and found[-1]["role"] == "assistant"), None)


def tidied(messages: list[Message]) -> tuple[list[Message], tuple[str, ...]]:
    """Return a conversation without the template and end tokens in its texts, and what was done.

    A question that holds a whole templated conversation is taken apart where it parses whole.
    """
    notes: list[str] = []
    bare = [_without_end_token(message) for message in messages]
    if any(one is not other for one, other in zip(bare, messages, strict=True)):
        notes.append("end tokens after answers were taken off")
    *before, asked, answer = bare if len(bare) > 1 else [{}, {}, {}]
    alone = all(message.get("role") == "system" for message in before)
    roles = (asked.get("role"), answer.get("role"))
    if alone and roles == ("user", "assistant") and (name := already(asked["content"])):
        inner = unwrapped(asked["content"], answer["content"])
        if inner:
            kept = [] if inner[0]["role"] == "system" else before
            return [*kept, *inner], (*notes, f"the template {name} was taken apart")
        notes.append(f"questions carry the template {name}, inside of the model's own")
    return bare, tuple(notes)


def _without_end_token(message: Message) -> Message:
    if message["role"] != "assistant" or not message["content"].rstrip().endswith(_ENDS):
        return message
    content = without_end(message["content"])
    return message if content == message["content"] else {**message, "content": content}


def _parsed(template: Template, text: str) -> list[Message] | None:
    marks = list(template.opening.finditer(text))
    before = without_beginning(text[: marks[0].start()]).strip()
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    messages: list[Message] = []
    if before and before not in _PREAMBLES:
        if not template.preface:
            return None
        messages.append({"role": "system", "content": before})
    for mark, end in zip(marks, ends, strict=True):
        role, content = template.roles.get(mark[1]), _content(text[mark.end() : end])
        if role == "input" and messages and messages[-1]["role"] == "user":
            messages[-1]["content"] = f"{messages[-1]['content']}\n\n{content}".strip()
        elif role is None or _TOKENS.search(content):
            return None
        else:
            messages.append({"role": role, "content": content})
    return _in_order(_with_system(messages))


def _content(text: str) -> str:
    """Return what is said in a turn: without the marks around it."""
    return without_end(_without_opened(text)).strip()


def _without_opened(text: str) -> str:
    """Take off the beginning token of the turn that follows."""
    text = text.rstrip()
    while text.endswith(_BEGINNINGS):
        text = text[: max(text.rfind("<"), 0)].rstrip()
    return text


def _with_system(messages: list[Message]) -> list[Message]:
    """Take the system prompt that Llama 2 puts into the first question out of it."""
    if messages and (found := _SYSTEM.match(messages[0]["content"])):
        system = {"role": "system", "content": found[1].strip()}
        return [system, {**messages[0], "content": found[2].strip()}, *messages[1:]]
    return messages


def _in_order(messages: list[Message]) -> list[Message] | None:
    """Return messages that a person and an assistant said in turn, context joined; else None."""
    joined: list[Message] = []
    for message in messages:
        if joined and joined[-1]["role"] == "input" and message["role"] == "user":
            content = f"{joined[-1]['content']}\n\n{message['content']}"
            joined[-1] = {"role": "user", "content": content.strip()}
        else:
            joined.append(message)
    turns = joined[1:] if joined and joined[0]["role"] == "system" else joined
    expected = ("user", "assistant")
    in_turn = all(turn["role"] == expected[at % 2] for at, turn in enumerate(turns))
    said = all(turn["content"] for turn in turns if turn["role"] == "assistant")
    return joined if turns and in_turn and said else None


def without_end(text: str) -> str:
    """Return `text` without the end tokens at its end, which our own encoding adds.

    `</s>` that closes an HTML tag stays.
    """
    bare = text.rstrip()
    while bare.endswith(_ENDS):
        end = next(end for end in _ENDS if bare.endswith(end))
        if end == "</s>" and "<s>" in bare.lstrip()[1:]:
            break
        bare = bare[: -len(end)].rstrip()
        text = bare
    return text


def without_beginning(text: str) -> str:
    """Return `text` without the beginning tokens before it, which our own encoding adds."""
    bare = text.lstrip()
    while bare.startswith(_BEGINNINGS):
        begin = next(one for one in _BEGINNINGS if bare.startswith(one))
        if begin == "<s>" and "</s>" in bare and not bare.rstrip().endswith("</s>"):
            break
        bare = text = bare[len(begin) :].lstrip()
    return text
