"""What Ollama is told of a trained model besides its weights, and what it is asked at first."""

from typing import Any

from ftrecipe.components.export import Tuned
from ftrecipe.ollama.registering import Question
from ftrecipe.paths import typed

USUAL_CONTEXT = 4096  # tokens, as Ollama itself takes
LICENSES = ("LICENSE", "LICENSE.txt", "LICENSE.md")


def context(tuned: Tuned, wanted: int | None) -> int:
    """Return the tokens of a conversation: as wanted, else as usual or as long as it was trained.

    No more than the model takes.
    """
    most = vars(tuned.config.get_text_config()).get("max_position_embeddings")
    length = wanted or max(USUAL_CONTEXT, tuned.length or 0)
    return min(length, most or length)


def stops(tuned: Tuned) -> tuple[str, ...]:
    """Return the end tokens that the template of the training writes, as texts."""
    tokenizer, ends = tuned.tokenizer, tuned.generation_config.eos_token_id
    if tokenizer.chat_template is None:
        return ()
    turns = [{"role": "user", "content": "question"}, {"role": "assistant", "content": "answer"}]
    text = str(tokenizer.apply_chat_template(turns, tokenize=False))
    ids = ends if isinstance(ends, list) else [ends]
    written = [str(tokenizer.convert_ids_to_tokens(end)) for end in ids if end is not None]
    return tuple(dict.fromkeys(each for each in written if each in text))


def license_text(tuned: Tuned) -> str | None:
    """Return the text of the base's license where its folder has it, else what it is called."""
    files = [typed(tuned.base) / name for name in LICENSES]
    texts = (file.read_text("utf-8", "replace").strip() for file in files if file.is_file())
    return next(texts, None) or tuned.license


def question(tuned: Tuned, messages: list[dict[str, Any]]) -> Question:
    """Return a question with its length as trained; the system prompt is left to the Modelfile."""
    text = tuned.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    ids = tuned.tokenizer(str(text), add_special_tokens=False)["input_ids"]
    own = {"role": "system", "content": tuned.system}
    return Question([each for each in messages if each != own], len(ids))
