"""Answers for the stand-in by llama.cpp: the GGUF that was uploaded, by the template in it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from stand_in import Answer, Json, Reply

from ftrecipe.stages.engines.llama_server import LlamaServer, Serving

CONTEXT = 512


@contextmanager
def llama() -> Iterator[Answer]:
    """Give an engine that loads each file once."""
    loaded: dict[Path, LlamaServer] = {}
    with ExitStack() as stack:

        def answer(gguf: Path, request: Json, manifest: Json) -> Reply:
            if gguf not in loaded:
                serving = Serving(str(gguf), threads=1, context=CONTEXT)
                loaded[gguf] = stack.enter_context(LlamaServer(serving))
            return _reply(loaded[gguf], request, manifest.get("parameters", {}))

        yield answer


def _reply(server: LlamaServer, request: Json, parameters: Json) -> Reply:
    given = {**parameters, **request.get("options", {})}
    if "messages" in request:
        text = server.ask("/apply-template", {"messages": request["messages"]})["prompt"]
    else:
        assert request["raw"]
        text = request["prompt"]
    asked = {
        "prompt": text, "n_predict": given.get("num_predict", -1), "stop": given.get("stop", []),
        "temperature": given.get("temperature", 0.8), "seed": given.get("seed", 0),
        "repeat_penalty": given.get("repeat_penalty", 1.1), "cache_prompt": False,
    }  # fmt: skip
    said = server.ask("/completion", asked)
    pieces = said["content"].splitlines(keepends=True)
    return Reply(pieces, said["tokens_evaluated"], ended=said["stop_type"] in ("eos", "word"))
