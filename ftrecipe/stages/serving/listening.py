"""Answers at an address until a signal comes, and says so once it really does."""

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from ftrecipe.serving.order import Order
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.serving.refusals import Keyed

LEAVE = 2  # seconds that answers have to end, once it is asked to stop
LOOK = 0.05
PLAIN = ("/v1/completions", "completions")


def listen(app: Starlette, order: Order, screen: Screen, names: Sequence[str]) -> None:
    """Let `app` answer at the socket that the front has bound."""
    guarded: ASGIApp = app if order.key is None else Keyed(app, order.key)
    config = uvicorn.Config(
        guarded, log_config=None, log_level="info", timeout_graceful_shutdown=LEAVE
    )
    server = uvicorn.Server(config)
    telling = threading.Thread(target=tell_when_ready, args=[order, screen, names], daemon=True)
    telling.start()
    server.run(sockets=[socket.socket(fileno=order.socket)])


def tell_when_ready(order: Order, screen: Screen, names: Sequence[str]) -> None:
    """Ask for the list of models until it comes, and then tell how the server is used."""
    while not _answers(order):
        time.sleep(LOOK)
    for line in ready(order, names):
        screen.say(line)


def tell_cut(name: str, wanted: int, most: int, screen: Screen) -> None:
    """Say where a model ends before the context that was asked for: the front may not know it."""
    if most < wanted:
        screen.warn(f"{name} goes up to {most:,} tokens, fewer than --context {wanted}")


def _answers(order: Order) -> bool:
    """Tell whether the server answers."""
    asked = urllib.request.Request(f"{order.address}/v1/models")
    if order.key is not None:
        asked.add_header("Authorization", f"Bearer {order.key}")
    try:
        with urllib.request.urlopen(asked, timeout=5) as answer:
            return answer.status == 200
    except (OSError, urllib.error.URLError):
        return False


def ready(order: Order, names: Sequence[str]) -> list[str]:
    """Return what a person can do now."""
    body = json.dumps({"model": names[0], **order.opening}, ensure_ascii=False)
    chats = "messages" in order.opening
    path, ask = ("/v1/chat/completions", "chat.completions") if chats else PLAIN
    said = "messages=[…]" if chats else 'prompt="…"'
    quoted = body.replace("'", "'\\''")
    secret = ' -H "Authorization: Bearer $OPENAI_API_KEY"' if order.key else ""
    key = "" if order.key else ', api_key="none"'
    return [
        f"ready     {order.address}/v1  models: {', '.join(names)}",
        f"try       curl {order.address}{path}{secret} "
        f"-H 'Content-Type: application/json' -d '{quoted}'",
        f'python    from openai import OpenAI; client = OpenAI(base_url="{order.address}/v1"{key})',
        f'          client.{ask}.create(model="{names[0]}", {said})',
        f"log       {order.log}; Ctrl-C stops it",
    ]
