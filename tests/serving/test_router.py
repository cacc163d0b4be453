import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from ftrecipe.stages.serving.refusals import Keyed
from ftrecipe.stages.serving.router import Router, Upstream

CHAT = "/v1/chat/completions"
ASKED = {"model": "one", "messages": [{"role": "user", "content": "Hi"}]}


def server(name: str) -> Starlette:
    """Return a server of one model that answers what it was asked, whatever model is named."""

    async def answer(request: Request) -> Any:
        asked = await request.json()
        told = {"by": name, "asked": asked, "key": request.headers.get("authorization")}
        if asked.get("stream"):
            pieces = iter([f"data: {json.dumps(told)}\n\n", "data: [DONE]\n\n"])
            return StreamingResponse(pieces, media_type="text/event-stream")
        return JSONResponse(told, 418 if asked.get("teapot") else 200)

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({}, 500 if name == "ill" else 200)

    paths = [Route(path, answer, methods=["POST"]) for path in (CHAT, "/v1/completions")]
    return Starlette(routes=[*paths, Route("/health", health)])


def router(*names: str) -> Router:
    """Return a router to servers of these names."""
    made = Router(
        {n: Upstream(f"http://{n}", {"gate": "same"}, {"Authorization": f"of {n}"}) for n in names}
    )
    mounts = {f"http://{n}": httpx.ASGITransport(app=server(n)) for n in names}
    made.client = httpx.AsyncClient(mounts=mounts)
    return made


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(router("one", "two").app()) as client:
        yield client


@pytest.mark.parametrize("name", ["one", "two"])
def test_a_request_goes_to_the_server_of_its_model(client: TestClient, name: str) -> None:
    told = client.post(CHAT, json=ASKED | {"model": name}).json()
    assert told["by"] == name
    assert told["key"] == f"of {name}"


def test_a_request_is_handed_on_as_it_is_and_answered_greedily(client: TestClient) -> None:
    asked = ASKED | {"tools": [{"x": 1}], "grammar": "root ::= x"}
    assert client.post(CHAT, json=asked).json()["asked"] == asked | {"temperature": 0}
    warm = ASKED | {"temperature": 0.7}
    assert client.post(CHAT, json=warm).json()["asked"] == warm


def test_one_model_is_described_by_its_name(client: TestClient) -> None:
    assert client.get("/v1/models/two").json() | {"created": 0} == {
        "id": "two", "object": "model", "created": 0, "owned_by": "ftrecipe", "gate": "same",
    }  # fmt: skip
    told = client.get("/v1/models/org/three")
    assert told.status_code == 404
    assert told.json()["error"]["code"] == "model_not_found"


def test_what_a_server_refuses_is_refused_as_it_says(client: TestClient) -> None:
    assert client.post(CHAT, json=ASKED | {"teapot": True}).status_code == 418


def test_an_answer_comes_in_the_pieces_in_which_it_is_written(client: TestClient) -> None:
    with client.stream("POST", CHAT, json=ASKED | {"stream": True}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert list(answer.iter_lines())[-2] == "data: [DONE]"


def test_a_model_that_is_not_here_is_told_as_openai_does(client: TestClient) -> None:
    answer = client.post(CHAT, json=ASKED | {"model": "onne"})
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "model_not_found"
    assert "did you mean one?" in answer.json()["error"]["message"]


def test_a_request_that_names_no_model_is_for_the_first(client: TestClient) -> None:
    assert client.post("/v1/completions", json={"prompt": "Hi"}).json()["by"] == "one"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{nope", "is no JSON"),
        (b"[1]", "should be a JSON object"),
        (b'{"messages": []}', "messages: should be a list"),
        (b'{"messages": [{"content": "Hi"}]}', "messages[0]: has no role"),
        (b'{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}', "only texts"),
        (b'{"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 0}', "max_tokens"),
        (b'{"messages": [{"role": "user", "content": "Hi"}], "top_p": "x"}', "top_p"),
        (b'{"messages": [{"role": "user", "content": "Hi"}], "stop": [1]}', "stop"),
        (b'{"model": ["one"]}', "is not served here"),
    ],
)
def test_malformed_requests_are_refused_in_words(client: TestClient, body: bytes, why: str) -> None:
    answer = client.post(CHAT, content=body)
    assert answer.status_code in (400, 404)
    assert why in answer.json()["error"]["message"]


def test_the_models_are_those_that_are_served(client: TestClient) -> None:
    listed = client.get("/v1/models").json()["data"]
    assert [(one["id"], one["gate"]) for one in listed] == [("one", "same"), ("two", "same")]


def test_one_server_that_is_ill_makes_the_whole_ill(client: TestClient) -> None:
    assert client.get("/health").status_code == 200
    with TestClient(router("one", "ill").app()) as other:
        assert other.get("/health").status_code == 503


def test_a_key_is_asked_for_everywhere_but_of_who_watches() -> None:
    with TestClient(Keyed(router("one").app(), "sesame")) as client:
        assert client.get("/health").status_code == 200
        assert client.get("/v1/models").json()["error"]["code"] == "invalid_api_key"
        assert client.post(CHAT, json=ASKED, headers={"Authorization": "x"}).status_code == 401
        key = {"Authorization": "Bearer sesame"}
        assert client.post(CHAT, json=ASKED, headers=key).status_code == 200
