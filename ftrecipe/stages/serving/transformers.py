"""Serves models by `transformers serve`: its web layer, with models that are looked up here.

Its own lookup would load whatever a request names, from a hub if need be.
"""

from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from jinja2 import TemplateError
from starlette.requests import Request
from starlette.responses import JSONResponse
from transformers.cli.serving.model_manager import ModelManager
from transformers.cli.serving.server import build_server

from ftrecipe.hub import stay_offline
from ftrecipe.serving.order import Order
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.serving.answering import Chat, Completions, OneThread
from ftrecipe.stages.serving.listening import listen, tell_cut
from ftrecipe.stages.serving.loading import voices
from ftrecipe.stages.serving.opening import open_all
from ftrecipe.stages.serving.refusals import (
    described,
    error,
    listing,
    not_served,
    tell_in_words,
)
from ftrecipe.stages.serving.voices import Voice

ROUTES = {"/v1/chat/completions", "/v1/completions", "/v1/models", "/health"}


def serve(order: Order, screen: Screen) -> None:
    """Load the models and answer for them until a signal comes."""
    found = voices(open_all(order, screen))
    stay_offline()  # all that is served is there; no request may bring more
    if order.context is not None:
        for name, voice in found.items():
            tell_cut(name, order.context, voice.context, screen)
            voice.context = min(voice.context, order.context)
    listen(app_of(found), order, screen, list(found))


def app_of(found: dict[str, Voice]) -> FastAPI:
    """Return transformers' app with these models and no others, and the routes that are tested."""
    models, thread = Voices(found), OneThread()
    unused: Any = None
    app = build_server(
        models, Chat(models, thread), Completions(models, thread), unused, unused, unused, thread
    )
    app.router.routes[:] = [each for each in app.routes if getattr(each, "path", "") in ROUTES]
    app.router.routes.append(described(models.facts))
    tell_in_words(app)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(TemplateError, _unfit)
    return app


class Voices(ModelManager):
    """The models that are there; no other is ever loaded."""

    def __init__(self, voices: dict[str, Voice]) -> None:
        super().__init__(model_timeout=-1)
        self.voices = voices

    @staticmethod
    def process_model_name(model_id: str) -> str:
        """Return the name as it is: these models have no revisions."""
        return model_id

    def load_model_and_processor(  # type: ignore[override]
        self, model_id_and_revision: str, *_: Any, **__: Any
    ) -> tuple[Voice, Any]:
        """Return a model and its tokenizer. Raises Refused for one that is not here."""
        voice = self.voices.get(model_id_and_revision)
        if voice is None:
            raise not_served(model_id_and_revision, self.voices)
        return voice, voice.tokenizer

    @property
    def facts(self) -> dict[str, dict[str, Any]]:
        """What is said of each model by its name."""
        return {name: voice.facts for name, voice in self.voices.items()}

    def get_gen_models(self, cache_dir: str | None = None) -> list[dict[str, Any]]:  # type: ignore[override]
        """List what is served, and nothing of the hub's cache."""
        return listing(self.facts)["data"]


async def _malformed(_: Request, found: Exception) -> JSONResponse:
    assert isinstance(found, RequestValidationError)
    first = found.errors()[0]
    why = first.get("ctx", {}).get("error", first["msg"])
    return error(f"the request is no JSON object ({why}), or its Content-Type is not JSON", 400)


async def _unfit(_: Request, found: Exception) -> JSONResponse:
    return error(f"the model's chat template refuses these messages: {found}", 400, "messages")
