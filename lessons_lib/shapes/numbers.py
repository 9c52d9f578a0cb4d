"""One door for numbers, whatever made them: Python, NumPy, or a tensor with one entry.

In all of them ``name`` is the name in the caller's signature, and what is returned is to be used
in place of ``value``.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence


def check_number(
    value: float, name: str, *, zero_allowed: bool = False, any_sign: bool = False
) -> float:
    """Return ``value`` as a float if it is one positive finite number.

    ``name`` stands in the message. Zero is accepted with ``zero_allowed``, and every finite number
    with ``any_sign``.
    """
    wanted = "" if any_sign else "non-negative " if zero_allowed else "positive "
    number = _one_float(value)
    if number is None:
        got = f"shape {tuple(value.shape)}" if hasattr(value, "shape") else repr(value)
        raise TypeError(f"{name} must be one {wanted}number, got {got}")
    in_range = any_sign or number > 0 or (zero_allowed and number == 0)
    if not in_range or not math.isfinite(number):
        words = f"{wanted}and finite" if wanted else "finite"
        raise ValueError(f"{name} must be {words}, got {number:g}")
    return number


def check_share(value: float, name: str) -> float:
    """Return ``value`` as a float if it is one number from 0 to 1; ``name`` is in the message."""
    number = check_number(value, name, zero_allowed=True)
    if number > 1:
        raise ValueError(f"{name} must be from 0 to 1, got {number:g}")
    return number


def _one_float(value: object) -> float | None:
    """The number in ``value``, or None if it holds none, several, or words."""
    try:
        entry = value.item() if hasattr(value, "item") else value
        return None if isinstance(entry, str | bytes) else float(entry)
    except (TypeError, ValueError, RuntimeError):
        return None


def check_count(value: int, name: str, *, least: int = 1, most: int | None = None) -> int:
    """Return ``value`` as an integer, if it is one (2.0 is none) and within bounds.

    ``name`` stands in the message; ``least`` and ``most`` are included.
    """
    try:
        count = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        count = None
    if count is None or count < least or (most is not None and count > most):
        wanted = {0: "a non-negative integer", 1: "a positive integer"}
        words = wanted.get(least, f"an integer of at least {least}")
        words = words if most is None else f"an integer from {least} to {most}"
        raise ValueError(f"{name} must be {words}, got {value!r}")
    return count


def check_sides(value: int | Sequence[int], name: str, *, square: bool = False) -> tuple[int, int]:
    """Return rows and columns, the ``value`` of the argument ``name``, as two positive integers.

    With ``square`` one integer stands for both.
    """
    try:
        sides = tuple(value)
    except TypeError:
        sides = (value, value) if square else ()
    if len(sides) != 2 or not all(hasattr(side, "__index__") for side in sides):
        wanted = "an integer or two" if square else "two integers (H, W)"
        raise TypeError(f"{name} must be {wanted}, got {value!r}")
    rows, cols = (check_count(side, f"each side of {name}") for side in sides)
    return rows, cols
