"""What a terminal is told: in characters that it has, and in one line when a command ends early.

`say` prints from within a lesson or a script; `run` is the last line of a command, around its
``main``. Neither ends with ``UnicodeEncodeError`` on a terminal that knows only ASCII or cp1252.
"""

from __future__ import annotations

import codecs
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PLAIN = {
    "✓": "[ok]",
    "✗": "[x]",
    "…": "...",
    "–": "-",
    "±": "+-",
    "≈": "~",
    "×": "x",
    "σ": "sigma",
}
"""What stands for a character that a terminal does not have; any other is shown by its number."""

INTERRUPTED = 130
"""Exit status of a command that was stopped by Ctrl-C, as shells count it."""

_ERRORS = "lessons_lib.plain"


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    shown = (PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode("ascii") for c in lost)
    return "".join(shown), error.end


codecs.register_error(_ERRORS, _plain)


def say(text: str) -> None:
    """Print the line ``text`` on stdout, in `PLAIN` words where it lacks a character."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, _ERRORS).decode(encoding))


@contextmanager
def if_stopped(words: str) -> Iterator[None]:
    """Let Ctrl-C inside this block end the command with ``words``: what is kept, and how to go on.

    `run` adds them to "stopped".
    """
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(words) from None


def run(main: Callable[[], int | None], name: str) -> int:
    """Run the ``main`` of the command ``name``, and end it with one line where it cannot go on.

    The exit status is that of ``main``, where None is 0; 1 after an error of the system, of an
    argument or of arithmetic, whose words are printed; `INTERRUPTED` after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_ERRORS)
    try:
        return main() or 0
    except KeyboardInterrupt as error:
        print(f"\n{name}: stopped{''.join(f'; {word}' for word in error.args)}", file=sys.stderr)
        return INTERRUPTED
    except (OSError, ValueError, ArithmeticError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
