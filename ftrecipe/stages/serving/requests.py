"""Looks at a request before a model is asked: what is wrong with it is told, not guessed."""

from collections.abc import Iterator
from typing import Any

from ftrecipe.stages.serving.refusals import Refused

NUMBERS = {
    "temperature": (0.0, 10.0),
    "top_p": (0.0, 1.0),
}
TEXTS = ("text", "input_text", "output_text")
PENALTY, WHOLE = "frequency_penalty", "generation_config"
BIAS = "logit_bias"
ABSENT = ("logprobs", "top_logprobs", "presence_penalty")  # what transformers would leave out
COUNTS = ("max_tokens", "max_completion_tokens")


def check_chat(body: dict[str, Any]) -> None:
    """Raise Refused for a conversation that is none, or settings that are none."""
    check_messages(body)
    check_numbers(body)
    _check_limits(body)


def check_messages(body: dict[str, Any]) -> None:
    """Raise Refused for what is no conversation."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refused("messages: should be a list of messages, and not empty", param="messages")
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise Refused(f"messages[{number}]: has no role", param="messages")
        content = message.get("content")
        if not isinstance(content, str | list) and "tool_calls" not in message:
            raise Refused(f"messages[{number}]: has no content", param="messages")
        _check_parts(number, content)


def check_prompt(body: dict[str, Any]) -> None:
    """Raise Refused for a prompt that is no one text; a list of one is that one."""
    prompt = body.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str):
        body["prompt"] = prompt = prompt[0]
    if not isinstance(prompt, str):
        raise Refused("prompt: should be one text", param="prompt")
    if not prompt:
        raise Refused("prompt: is empty", param="prompt")
    check_text(body)
    check_numbers(body)
    _check_limits(body)


def check_text(body: dict[str, Any]) -> None:
    """Raise Refused for what OpenAI knew of texts, and no server here does."""
    several = body.get("best_of") or 1
    for name, asked in (("echo", body.get("echo")), ("best_of", several != 1)):
        if asked:
            raise Refused(f"{name}: is not known here; leave it out", param=name)


def _check_parts(number: int, content: Any) -> None:
    for part in content if isinstance(content, list) else ():
        text = isinstance(part, dict) and part.get("type") in TEXTS and part.get("text")
        if not isinstance(text, str):
            raise Refused(
                f"messages[{number}]: only texts can be read here, no images and sounds",
                param="messages",
            )


def check_numbers(body: dict[str, Any]) -> None:
    """Raise Refused for settings that mean nothing, whatever answers."""
    for name, fault in _faults(body):
        raise Refused(f"{name}: {fault}", param=name)


def _check_limits(body: dict[str, Any]) -> None:
    """Raise Refused for what transformers cannot do."""
    penalty = body.get("frequency_penalty") or 0
    if type(penalty) not in (int, float) or not 0 <= penalty <= 2:
        raise Refused("frequency_penalty: should be a number from 0 to 2", param=PENALTY)
    if body.get("n") not in (None, 1):
        raise Refused("n: one answer at a time is all there is; ask again for another", param="n")
    for name in ABSENT:
        if body.get(name):
            raise Refused(
                f"{name}: transformers has none of it; llama.cpp has (a GGUF)", param=name
            )
    form = body.get("response_format") or {"type": "text"}
    if form != {"type": "text"}:
        why = "transformers writes as the model does; llama.cpp keeps to a form (a GGUF)"
        raise Refused(f"response_format: {why}", param="response_format")
    _check_bias(body)
    if body.get(WHOLE) is not None:
        raise Refused(f"{WHOLE}: name settings one by one, temperature for instance", param=WHOLE)


def _check_bias(body: dict[str, Any]) -> None:
    """Make whole numbers of a bias such that transformers takes them. Raises Refused."""
    bias = body.get(BIAS)
    if not bias:
        return
    if not isinstance(bias, dict) or not all(
        token.isdecimal() and type(value) in (int, float) for token, value in bias.items()
    ):
        raise Refused(f"{BIAS}: should be numbers by the ids of tokens", param=BIAS)
    body[BIAS] = {token: float(value) for token, value in bias.items()}


def _faults(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the settings with a fault, and what is wrong with each."""
    for name in COUNTS:
        value = body.get(name)
        if value is not None and (type(value) is not int or value < 1):
            yield name, "should be a whole number from 1"
    for name, (low, high) in NUMBERS.items():
        value = body.get(name)
        if value is not None and (type(value) not in (int, float) or not low <= value <= high):
            yield name, f"should be a number from {low:g} to {high:g}"
    if type(body.get("seed")) not in (int, type(None)):
        yield "seed", "should be a whole number"
    stop = body.get("stop")
    several = isinstance(stop, list) and all(isinstance(text, str) for text in stop)
    if not several and not isinstance(stop, str | None):
        yield "stop", "should be a text, or a list of texts"
