"""The handlers of `transformers serve`, where they would answer otherwise than was asked.

They leave sampling off at every temperature, keep stop texts in answers, write past the model's
context, refuse fields they don't know, and take no turns between models that share weights.
"""

import json
from collections.abc import AsyncIterator
from typing import Any, cast

from starlette.responses import JSONResponse, StreamingResponse
from transformers import GenerationConfig
from transformers.cli.serving.chat_completion import ChatCompletionHandler
from transformers.cli.serving.completion import CompletionHandler
from transformers.cli.serving.utils import (
    BaseHandler,
    DirectStreamer,
    GenerateManager,
    GenerationState,
    ResponseParser,
    _GenerationCancelled,
    _StreamError,
)

from ftrecipe.stages.serving.refusals import Refused
from ftrecipe.stages.serving.requests import check_chat, check_prompt
from ftrecipe.stages.serving.stopping import UntilStop, cut, stop_texts
from ftrecipe.stages.serving.voices import Voice

LAST = b"data: [DONE]\n\n"


class Adapted(BaseHandler):
    """What both handlers do otherwise."""

    def _resolve_model(self, body: dict[str, Any]) -> Any:
        """Look the model up, the first that is served where the request names none."""
        name = body.get("model") or next(iter(cast(Any, self.model_manager).voices))
        model, tokenizer = self.model_manager.load_model_and_processor(name)
        return name, model, tokenizer

    def _build_generation_config(
        self, body: dict[str, Any], model_generation_config: GenerationConfig, use_cb: bool = False
    ) -> GenerationConfig:
        """Sample where a temperature is named, and answer as it was measured otherwise."""
        config = super()._build_generation_config(body, model_generation_config, use_cb)
        if body.get("temperature") is not None:
            config.do_sample = body["temperature"] > 0
        if config.do_sample:
            config.top_k = body.get("top_k") or 0  # transformers' own 50 is nothing that was asked
        else:
            config.temperature = config.top_p = config.top_k = None
        config.stop_strings = stop_texts(body.get("stop")) or None
        return config

    def _streaming(
        self, request_id: str, model: Any, processor: Any, model_id: str, inputs: Any,
        gen_config: GenerationConfig, *rest: Any, **named: Any,
    ) -> StreamingResponse:  # fmt: skip
        """Stream an answer that fits, and say at its end that it is over."""
        fit(model, inputs, gen_config)
        asked = (request_id, model, processor, model_id, inputs, gen_config)
        answer = cast(Any, super())._streaming(*asked, *rest, **named)
        answer.body_iterator = _ended(answer.body_iterator)
        return answer

    async def _non_streaming(
        self, request_id: str, model: Any, processor: Any, model_id: str, inputs: Any,
        gen_config: GenerationConfig, *rest: Any, **named: Any,
    ) -> JSONResponse:  # fmt: skip
        """Return an answer that fits, without the text that stopped it."""
        fit(model, inputs, gen_config)
        asked = (request_id, model, processor, model_id, inputs, gen_config)
        answer = await cast(Any, super())._non_streaming(*asked, *rest, **named)
        if gen_config.stop_strings is None:
            return answer
        whole = json.loads(answer.body)
        for choice in whole["choices"]:
            place, key = (choice["message"], "content") if "message" in choice else (choice, "text")
            place[key] = cut(place.get(key) or "", cast(list[str], gen_config.stop_strings))
        return JSONResponse(whole)


class Chat(Adapted, ChatCompletionHandler):
    """Answers conversations."""

    def _validate_request(self, body: dict[str, Any]) -> None:
        check_chat(body)


class Completions(Adapted, CompletionHandler):
    """Goes on with texts."""

    def _validate_request(self, body: dict[str, Any]) -> None:
        check_prompt(body)


class OneThread(GenerationState):
    """One thread for all models: those that share weights differ in which adapter is on."""

    def __init__(self) -> None:
        super().__init__()
        self.manager = Stopping()

    def get_manager(self, model_id: str, use_cb: bool = False) -> GenerateManager:
        """Return the one that there is."""
        return self.manager


class Stopping(GenerateManager):
    """Generates as transformers does; a stream ends before the text that stops it."""

    def generate_streaming(
        self, model: Any, processor: Any, inputs: Any, gen_config: GenerationConfig,
        request_id: str, response_parser: ResponseParser | None = None,
    ) -> tuple[UntilStop, DirectStreamer]:  # fmt: skip
        """Begin an answer on the thread; its pieces come through the queue."""
        import asyncio

        loop = asyncio.get_running_loop()
        queue = UntilStop(stop_texts(cast(Any, gen_config.stop_strings)))
        streamer = DirectStreamer(processor._tokenizer, loop, queue, response_parser)

        def run() -> None:
            try:
                model.generate(
                    **inputs, streamer=streamer, generation_config=gen_config, tokenizer=processor
                )
            except _GenerationCancelled:
                loop.call_soon_threadsafe(queue.put_nowait, None)
            except Exception as error:  # noqa: BLE001 - the client is told, in the stream
                said = json.dumps(str(error))[1:-1]
                loop.call_soon_threadsafe(queue.put_nowait, _StreamError(said))

        self.submit(run)
        return queue, streamer


def fit(voice: Voice, inputs: Any, config: GenerationConfig) -> None:
    """Shorten an answer to what is left beside its question. Raises Refused where nothing is."""
    length = int(inputs["input_ids"].shape[-1])
    room = voice.context - length
    if room < 1:
        raise Refused(
            f"the prompt has {length:,} tokens; with its answer there may be {voice.context:,}",
            param="messages",
            code="context_length_exceeded",
        )
    config.max_new_tokens = min(config.max_new_tokens or room, room)


async def _ended(pieces: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Give a stream's pieces, and what OpenAI's streams end with."""
    async for piece in pieces:
        yield piece
    yield LAST
