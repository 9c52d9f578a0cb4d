"""How an answer is judged: compare it with the oracle, then with what the typical mistakes give.

A judge is a function ``judge(answer, generator, given)``. It returns ``None`` if the answer is
right, and otherwise a hint: one or two sentences that name the likely mistake. `function` judges a
function, `value` a number or an array, `choice` a letter. An exercise that fits none of them writes
its own judge, and calls the answer through `ask`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lessons_lib.course.checks.answers import (
    NotAttempted,
    Parts,
    StudentError,
    ask,
    kind,
    parts,
    unattempted,
)

Given = Mapping[str, Any]
Judge = Callable[[Any, torch.Generator, Given], str | None]


class Mistake(NamedTuple):
    """A typical mistake: what to say to it, and what it computes (same arguments as the oracle)."""

    hint: str
    wrong: Callable[..., Any]


def function(
    case: Callable[[torch.Generator], tuple[Any, ...]],
    oracle: Callable[..., Any],
    *mistakes: Mistake,
    shown: Callable[..., tuple[Any, ...]] | None = None,
    num_cases: int = 3,
    rtol: float = 1e-5,
    atol: float = 1e-9,
) -> Judge:
    """Judge a function by its results on random cases.

    Parameters
    ----------
    case : callable
        ``case(generator)`` draws the arguments of one call.
    oracle : callable
        ``oracle(*arguments)`` is the right result: a number, a tensor, or a tuple of them.
    *mistakes : Mistake
        Tried in this order if the result is wrong; the first that gives the same results is named.
    shown : callable, optional
        ``shown(*arguments)`` is what the answer gets of them, if oracle and mistakes know more.
    num_cases : int
        Number of calls.
    rtol, atol : float
        Largest error accepted: ``atol`` plus ``rtol`` times the largest entry of the right result.
    """

    def judge(answer: Any, generator: torch.Generator, given: Given) -> str | None:
        del given
        calls = [case(generator) for _ in range(num_cases)]
        told = calls if shown is None else [shown(*args) for args in calls]
        got = [parts(ask(answer, *args)) for args in told]
        wanted = [parts(oracle(*args)) for args in calls]
        wrongs = ((m.hint, [parts(m.wrong(*args)) for args in calls]) for m in mistakes)
        return compare(got, wanted, wrongs, rtol, atol)

    return judge


def value(
    oracle: Callable[[Given], Any], *mistakes: Mistake, rtol: float = 1e-3, atol: float = 1e-9
) -> Judge:
    """Judge a number or an array.

    Parameters
    ----------
    oracle : callable
        ``oracle(given)`` is the right value; ``given`` are the constants of the student.
    *mistakes : Mistake
        As in `function`; ``wrong(given)``.
    rtol, atol : float
        Largest error accepted, as in `function`.
    """

    def judge(answer: Any, generator: torch.Generator, given: Given) -> str | None:
        del generator
        if unattempted(answer):
            raise NotAttempted
        wrongs = ((m.hint, [parts(m.wrong(given))]) for m in mistakes)
        return compare([parts(answer)], [parts(oracle(given))], wrongs, rtol, atol)

    return judge


def choice(right: str, replies: Mapping[str, str]) -> Judge:
    """Judge a letter.

    Parameters
    ----------
    right : str
        The right letter.
    replies : mapping of str to str
        For each wrong letter, why it is wrong.
    """

    def judge(answer: Any, generator: torch.Generator, given: Given) -> str | None:
        del generator, given
        if unattempted(answer):
            raise NotAttempted
        letter = answer.strip().strip(".()").lower() if isinstance(answer, str) else ""
        letters = ", ".join(repr(one) for one in sorted([right, *replies]))
        if letter not in {right, *replies}:
            raise StudentError(f"One of {letters} is wanted here, and this is {kind(answer)}.")
        return None if letter == right else replies[letter]

    return judge


def compare(
    got: list[Parts], wanted: list[Parts], wrongs: Any, rtol: float, atol: float
) -> str | None:
    """Return ``None`` if ``got`` is ``wanted``, else the hint of what it equals."""
    got = [_fitted(mine, right) for mine, right in zip(got, wanted, strict=True)]
    if _all_close(got, wanted, rtol, atol):
        return None
    for hint, wrong in wrongs:
        if _all_close(got, wrong, rtol, atol) and not _all_close(wrong, wanted, rtol, atol):
            return hint
    for mine, right in zip(got, wanted, strict=True):
        if complaint := _misfit(mine, right):
            return complaint
    return _proportion(got, wanted, rtol, atol)


def _fitted(mine: Parts, right: Parts) -> Parts:
    """Rows as one array, or an array as its rows, if that is what is wanted."""
    if len(right) == 1 < len(mine) and len({part.shape for part in mine}) == 1:
        return [torch.stack(mine)]
    if len(mine) == 1 < len(right) and mine[0].shape[:1] == (len(right),):
        return list(mine[0])
    return mine


def _all_close(got: list[Parts], wanted: list[Parts], rtol: float, atol: float) -> bool:
    return all(
        len(mine) == len(right)
        and all(_close(a, b, rtol, atol) for a, b in zip(mine, right, strict=True))
        for mine, right in zip(got, wanted, strict=True)
    )


def _close(a: Tensor, b: Tensor, rtol: float, atol: float) -> bool:
    """Equal but for rounding, and for dimensions of size one."""
    if a.squeeze().shape != b.squeeze().shape:
        return False
    scale = b.abs().max() if b.numel() else 0.0
    return bool(((a.reshape(b.shape) - b).abs() <= atol + rtol * scale).all())


def _misfit(mine: Parts, right: Parts) -> str | None:
    """What is wrong before any number is looked at."""
    if len(mine) != len(right):
        return f"Your answer has {len(mine)} part(s), and {len(right)} are wanted."
    for a, b in zip(mine, right, strict=True):
        if a.squeeze().shape != b.squeeze().shape:
            return f"Your result has the shape {tuple(a.shape)}, and {tuple(b.shape)} is wanted."
        if not bool(torch.isfinite(a).all()):
            return "Your result holds values that are not finite (nan or inf)."
    return None


def _proportion(got: list[Parts], wanted: list[Parts], rtol: float, atol: float) -> str:
    """Name a sign or a factor that is common to all cases, or say that only accuracy is missing.

    One number alone has some factor always; to name it would give the answer away.
    """
    if any(a.is_complex() for mine in [*got, *wanted] for a in mine):
        return "Not the right values yet."
    a = torch.cat([p.flatten() for mine in got for p in mine])
    b = torch.cat([p.flatten() for right in wanted for p in right])
    if _close(a, -b, 3 * rtol, atol):
        return "Right but for its sign."
    if len(b) < 2 or not bool((b != 0).any()):
        return "Not the right values yet."
    factor = float((a @ b) / (b @ b))
    proper = abs(factor) > 1e-6 and abs(factor - 1) > 1e-3
    if proper and _close(a, factor * b, min(rtol, 1e-4), 1e-9):
        return f"Right but for a factor: all your values are {factor:.3g} times the right ones."
    if _close(a, b, 3 * rtol, 3 * atol):
        return "Close, but not accurate enough."
    if proper and _close(a, factor * b, rtol, atol):
        return f"Right but for a factor: your values are about {factor:.3g} times the right ones."
    return "Not the right values yet."
