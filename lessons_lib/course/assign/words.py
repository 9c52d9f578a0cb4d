"""Words from outside, fit to be stored and shown: names of files, ids, and what a program says.

A submission writes its own name, metadata and errors. What of it reaches a screen, a table or a
page goes through `line`: no character that a terminal obeys, no second line, no endless one.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 500
"""Characters of a line; the rest is cut off."""

STUDENT_ID = re.compile(r"[\w.@+-]{1,64}")


def line(text: object, longest: int = LONGEST) -> str:
    r"""Return ``text`` on one line of at most ``longest`` characters, each of them printable.

    White space becomes one space, and what cannot be printed is written out, such as ``\x1b``.
    """
    words = " ".join(str(text)[: 4 * longest].split())
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in words)
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def composed(name: str) -> str:
    """Return the one form of a ``name`` that Unicode can spell in several, without outer space."""
    return unicodedata.normalize("NFC", " ".join(name.split()))


def check_id(student: object) -> str:
    """Return the id of a ``student`` in the form that Unicode calls composed."""
    wanted = "a student id is letters, digits and . @ + - _ (at most 64)"
    if not isinstance(student, str) or not STUDENT_ID.fullmatch(composed(student)):
        raise ValueError(f"{wanted}; got {line(repr(student), 80)}")
    if set(student) == {"."}:
        raise ValueError(f"{wanted}, and not dots alone; got {student!r}")
    return composed(student)
