"""Hands requests on to the server that has the model they name, byte for byte as they are.

llama.cpp's server has one model, and answers by it whatever name it is called by.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ftrecipe.stages.serving.refusals import (
    Refused,
    described,
    listing,
    not_served,
    tell_in_words,
)
from ftrecipe.stages.serving.requests import check_messages, check_numbers, check_text

KEPT = ("content-type", "cache-control")
CHAT = "/v1/chat/completions"
PATHS = (CHAT, "/v1/completions")


@dataclass(frozen=True)
class Upstream:
    """A server of one model. headers: what it has to be asked with. facts: for /v1/models."""

    address: str
    facts: dict[str, Any]
    headers: Mapping[str, str]


class Router:
    """Knows which server has which model."""

    def __init__(self, upstreams: dict[str, Upstream]) -> None:
        self.upstreams = upstreams
        self.client = httpx.AsyncClient(timeout=None, trust_env=False)  # answers may take long

    def app(self) -> Starlette:
        """Return what answers in place of the servers."""

        @asynccontextmanager
        async def open_while_serving(_: Starlette) -> AsyncIterator[None]:
            yield
            await self.client.aclose()

        routes = [Route(path, self.forward, methods=["POST"]) for path in PATHS]
        routes += [Route("/v1/models", self.models), Route("/health", self.health)]
        routes.append(described(self.facts))
        app = Starlette(routes=routes, lifespan=open_while_serving)
        tell_in_words(app)
        return app

    async def models(self, _: Request) -> Response:
        """List what is served."""
        return JSONResponse(listing(self.facts))

    @property
    def facts(self) -> dict[str, dict[str, Any]]:
        """What is said of each model by its name."""
        return {name: one.facts for name, one in self.upstreams.items()}

    async def health(self, _: Request) -> Response:
        """Answer 200 while all servers do."""
        for one in self.upstreams.values():
            with suppress(httpx.HTTPError):
                if (await self.client.get(f"{one.address}/health")).status_code == 200:
                    continue
            return JSONResponse({"status": "unhealthy"}, 503)
        return JSONResponse({"status": "ok"})

    async def forward(self, request: Request) -> Response:
        """Ask the server of the model that the request names, the first where it names none."""
        asked = _read(await request.body())
        asked.setdefault("temperature", 0)  # as it was measured, unless the request says otherwise
        name = asked.setdefault("model", next(iter(self.upstreams)))
        one = self.upstreams.get(name) if isinstance(name, str) else None
        if one is None:
            raise not_served(name, self.upstreams)
        if request.url.path == CHAT:
            check_messages(asked)
        else:
            check_text(asked)
        check_numbers(asked)
        there = f"{one.address}{request.url.path}"
        sent = self.client.build_request("POST", there, json=asked, headers=dict(one.headers))
        answer = await self._unless_gone(request, sent)
        headers = {key: answer.headers[key] for key in KEPT if key in answer.headers}
        closing = BackgroundTask(answer.aclose)
        return StreamingResponse(_pieces(answer), answer.status_code, headers, background=closing)

    async def _unless_gone(self, request: Request, sent: httpx.Request) -> httpx.Response:
        """Return the answer's beginning; where nobody waits for it any more, the server is told."""
        answer = asyncio.ensure_future(self.client.send(sent, stream=True))
        gone = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait([answer, gone], return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise Refused("nobody waits for the answer", 499)
            return answer.result()
        finally:
            gone.cancel()
            answer.cancel()


def _read(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body)
    except ValueError as error:
        raise Refused(f"the request is no JSON ({error})") from None
    if not isinstance(asked, dict):
        raise Refused("the request should be a JSON object")
    return asked


async def _gone(request: Request) -> None:
    """Wait until the client has hung up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _pieces(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.aiter_raw():
            yield piece
    finally:
        await answer.aclose()
