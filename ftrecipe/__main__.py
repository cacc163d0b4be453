"""The front door: finds the verb, lets it run, and tells its errors in words."""

import errno
import os
import sys
from collections.abc import Sequence

from ftrecipe import verbs
from ftrecipe.errors import ConfigError, FtrecipeError


def main(line: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 0 well, 1 failed, 2 refused, 130 stopped."""
    words = list(sys.argv[1:] if line is None else line)
    try:
        verb, rest = verbs.split(words)
        return verbs.load(verb)(rest)
    except ConfigError as error:
        for fault in error.faults:
            print(f"error: {fault}", file=sys.stderr)
        return error.exit_code
    except FtrecipeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `| head` has seen enough; the interpreter flushes once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        print(f"error: {str(error.filename)[:60]}… is longer than a file's name", file=sys.stderr)
        return ConfigError.exit_code


if __name__ == "__main__":
    sys.exit(main())
