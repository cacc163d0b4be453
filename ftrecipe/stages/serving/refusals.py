"""What clients are told that ask for what there is not, in the form in which OpenAI's would say."""

import hmac
import time
from collections.abc import Iterable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ftrecipe.errors import did_you_mean

INVALID = "invalid_request_error"
OPEN = {"/health"}  # whoever watches over a server needs no key


class Refused(HTTPException):
    """A request that is not answered. param, code: OpenAI's words for what is wrong with it."""

    def __init__(
        self, message: str, status: int = 400, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(status, message)
        self.param, self.code = param, code


def not_served(name: object, names: Iterable[str]) -> Refused:
    """Return the refusal of a model that is not here; no hub is asked for it."""
    known = list(names)
    message = f"the model {name!r} is not served here{did_you_mean(str(name), known)}"
    return Refused(f"{message} (served: {', '.join(known)})", 404, "model", "model_not_found")


def error(
    message: str, status: int, param: str | None = None, code: str | None = None
) -> JSONResponse:
    """Return an error as clients of OpenAI's servers read it."""
    kind = INVALID if status < 500 else "server_error"
    told = {"message": message, "type": kind, "param": param, "code": code}
    # after an error that nobody thought of, uvicorn hangs up: the client is not to ask again there
    headers = {"Connection": "close"} if status == 500 else None
    return JSONResponse({"error": told}, status_code=status, headers=headers)


def listing(facts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what /v1/models says of the models by name."""
    base = {"object": "model", "created": int(time.time()), "owned_by": "ftrecipe"}
    return {
        "object": "list",
        "data": [{"id": name, **base, **more} for name, more in facts.items()],
    }


def described(facts: dict[str, dict[str, Any]]) -> Route:
    """Return the route that says of one model what the list says of all."""

    async def one(request: Request) -> JSONResponse:
        name = request.path_params["name"]
        if name not in facts:
            raise not_served(name, facts)
        return JSONResponse(listing({name: facts[name]})["data"][0])

    return Route("/v1/models/{name:path}", one)


def tell_in_words(app: Starlette) -> None:
    """Have an app tell its refusals, and errors that nobody thought of, in OpenAI's form."""

    async def refused(_: Request, found: Exception) -> JSONResponse:
        assert isinstance(found, HTTPException)
        if isinstance(found, Refused):
            return error(found.detail, found.status_code, found.param, found.code)
        return error(str(found.detail), found.status_code)

    async def failed(_: Request, found: Exception) -> JSONResponse:
        return error(f"{type(found).__name__}: {found}", 500)

    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(Exception, failed)


class Keyed:
    """Lets through what names the key: `Authorization: Bearer KEY`."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self.app, self.wanted = app, f"Bearer {key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with 401 in place of the app."""
        if scope["type"] == "http" and scope["path"] not in OPEN:
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(given, self.wanted):
                wrong = error("the API key is missing or wrong", 401, code="invalid_api_key")
                await wrong(scope, receive, send)
                return
        await self.app(scope, receive, send)
