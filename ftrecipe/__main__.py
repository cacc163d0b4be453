"""The front door: finds the verb, lets it run, and tells its errors in words."""

import errno
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from types import TracebackType
from typing import Any, TextIO, cast

from ftrecipe import verbs
from ftrecipe.errors import ConfigError, FtrecipeError, told_once
from ftrecipe.page.words import printable
from ftrecipe.secrets import RedactedStream

DISKS = (
    errno.ENAMETOOLONG, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM,
)  # fmt: skip


def main(line: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code.

    0 well, 1 failed, 2 refused, 3 done and the gate failed, 130 stopped.
    """
    words = list(sys.argv[1:] if line is None else line)
    if line is None:
        sys.excepthook = _tell_bug
        signal.signal(signal.SIGTERM, _stop)
    with redirect_stdout(_redacted(sys.stdout)), redirect_stderr(_redacted(sys.stderr)):
        return _run(words)


def _redacted(stream: TextIO | None) -> TextIO:
    """Return what writes to `stream`; a process that was started without one has None."""
    return cast(TextIO, stream and RedactedStream(stream))


def _tell_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show a bug's traceback, as Python would; what it quotes may hold a secret."""
    _redacted(sys.stderr).write("".join(traceback.format_exception(kind, error, trace)))


def _stop(number: int, frame: Any) -> None:
    """End on SIGTERM as on Ctrl-C; who has something to end well listens for it himself."""
    raise KeyboardInterrupt


def _run(words: list[str]) -> int:
    try:
        verb, rest = verbs.split(words)
        return verbs.load(verb)(rest)
    except ConfigError as error:
        for fault in told_once(error.faults):
            print(f"error: {printable(fault)}", file=sys.stderr)
        return error.exit_code
    except FtrecipeError as error:
        print("error: " + printable(str(error), keep="\n"), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `| head` has seen enough; the interpreter flushes once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno not in DISKS:
            raise
        print(f"error: {_of_a_file(error)}", file=sys.stderr)
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return FtrecipeError.exit_code if full else ConfigError.exit_code


def _of_a_file(error: OSError) -> str:
    """Say what is wrong with a file or its disk; a person can mend it, and needs no traceback."""
    if error.errno == errno.ENAMETOOLONG:
        return f"{str(error.filename)[:60]}… is longer than a file's name"
    where = error.filename or f"a file of this run, or of {tempfile.gettempdir()}"
    return f"{where}: {error.strerror}"


if __name__ == "__main__":
    sys.exit(main())
