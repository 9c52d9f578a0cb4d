"""What students hand in: for each lab, right answers in other words, and wrong ones with the hint.

One module for each lab, named like its checks, with two tables from the name of an exercise:
``RIGHT`` (more right answers than the solution of the lab) and ``WRONG`` (at least three, each with
a word for what is wrong and a piece of the hint that it must get).
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Wrong(NamedTuple):
    """A wrong answer, its kind (sign, factor, shape, ...), and a piece of the hint."""

    kind: str
    answer: Any
    hint: str
