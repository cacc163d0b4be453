"""Serves GGUF files by llama.cpp's own server, one for each file, behind a router."""

import os
import secrets
import threading
from contextlib import ExitStack

from ftrecipe.errors import StageError
from ftrecipe.serving.order import Order, Served
from ftrecipe.stages.engines.llama_server import LlamaServer, Serving
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.serving.listening import listen, tell_cut
from ftrecipe.stages.serving.router import Router, Upstream

CONTEXT = 4096  # tokens that memory is kept for, times the answers at a time
PARALLEL = 4


def serve(order: Order, screen: Screen) -> None:
    """Open the files and answer for them until a signal comes. Raises StageError for a bad one."""
    key = secrets.token_urlsafe()  # its server may be asked by the router alone
    leaving = threading.Event()
    with ExitStack() as stack:
        upstreams: dict[str, Upstream] = {}
        for one in order.served:
            server = stack.enter_context(LlamaServer(_settings(one, order, key)))
            threading.Thread(target=_watch, args=[server, screen, leaving], daemon=True).start()
            if order.context is not None:
                most = server.ask("/v1/models")["data"][0]["meta"]["n_ctx"]
                tell_cut(one.name, order.context, most, screen)
            headers = {"Authorization": f"Bearer {key}"}
            upstreams[one.name] = Upstream(server.address, one.facts, headers)
        stack.callback(leaving.set)
        listen(Router(upstreams).app(), order, screen, list(upstreams))


def _settings(one: Served, order: Order, key: str) -> Serving:
    return Serving(
        str(one.what.path),
        context=order.context or CONTEXT,
        names=(one.name,),
        key=key,
        parallel=PARALLEL,
    )


def _watch(server: LlamaServer, screen: Screen, leaving: threading.Event) -> None:
    """End this process with a server that ends by itself: half an answer is none."""
    try:
        server.wait()
    except (StageError, ValueError, OSError) as error:  # its log may be closed already
        if not leaving.is_set():
            screen.fail(f"failed: {error}")
            os._exit(1)
