"""The server's process: `python -m ftrecipe.stages.serving` reads its order from standard input.

That input stays open while the front lives; once it ends, this process ends too.
"""

import importlib
import json
import os
import signal
import sys
import threading
import traceback

from ftrecipe.errors import FtrecipeError
from ftrecipe.secrets import redacted
from ftrecipe.serving.order import Order
from ftrecipe.stages.screen import Screen, take_screen
from ftrecipe.stages.signals import die_with_parent

MEMORY = ("OutOfMemoryError", "MemoryError")


def main() -> int:
    """Serve until a signal comes; return the exit code."""
    die_with_parent()
    order = Order.of(json.loads(sys.stdin.readline()))
    threading.Thread(target=_leave_with_front, daemon=True).start()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with order.log.open("a", encoding="utf-8", buffering=1) as log:
        screen = take_screen(log)
        try:
            server = importlib.import_module(f"ftrecipe.stages.serving.{order.way}")
            server.serve(order, screen)
        except KeyboardInterrupt:
            screen.say("stopped")
            return 0
        except FtrecipeError as error:
            screen.fail(f"error: {error}")
            return error.exit_code
        except Exception as error:  # noqa: BLE001 - a bug keeps its traceback, in the log
            return _tell(error, order, screen)
        screen.fail(f"failed: the server ended by itself; details: {order.log}")
        return 1


def _tell(error: Exception, order: Order, screen: Screen) -> int:
    """Say in one line why there is no server."""
    traceback.print_exception(error)
    kind = type(error).__name__
    first = next(iter(str(error).strip().splitlines()), "")
    why = f"out of memory ({first})" if kind in MEMORY else f"{kind}: {first}"
    screen.fail(f"failed: {redacted(why)}")
    screen.fail(f"details   {order.log}")
    return 1


def _leave_with_front() -> None:
    """Wait for the end of standard input: the front is gone, however it went."""
    while sys.stdin.readline():
        pass
    os._exit(1)


if __name__ == "__main__":
    os._exit(main())  # a thread that is still computing would be waited for
