"""Means with their confidence intervals, and tables as Markdown text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from lessons_lib.shapes import check_count

BEST = {"least": Tensor.argmin, "greatest": Tensor.argmax}


def check_several(num: int) -> int:
    """Return ``num``, the size of a sample, if the sample has an `interval`."""
    if check_count(num, "num") < 2:
        raise ValueError("num must be at least 2, or there is no interval, got 1")
    return num


def interval(values: Tensor) -> tuple[float, float]:
    """Mean of ``values``, ``(N,)``, and half its 95 % confidence interval by Student's t.

    Both are rounded to the third decimal.
    """
    from scipy import stats

    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"values must hold at least two numbers, got shape {tuple(values.shape)}")
    quantile = float(stats.t.ppf(0.975, len(values) - 1))
    half = quantile * float(values.std()) / math.sqrt(len(values))
    return round(float(values.mean()), 3), round(half, 3)


def markdown_table(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Tensor,
    *,
    corner: str = "method",
    digits: int | Sequence[int] = 4,
    best: str | Sequence[str | None] | None = "least",
    intervals: Tensor | None = None,
) -> str:
    """A table of numbers in Markdown, the ``best`` entry of each column in bold.

    Parameters
    ----------
    rows, columns : sequence of str
        Names, ``R`` and ``C`` of them; ``corner`` stands above those of the rows.
    values : Tensor, shape ``(R, C)``
        The entries.
    digits : int or sequence of int
        Decimals shown, for all columns or for each.
    best : {"least", "greatest", None} or a sequence of them
        Which entry of a column is set in bold, for all columns or for each.
    intervals : Tensor, shape ``(R, C)``, optional
        Half widths, shown behind a plus-minus sign; not a number where there is none.
    """
    wanted = (len(rows), len(columns))
    if tuple(values.shape) != wanted:
        raise ValueError(f"values must have shape {wanted}, got {tuple(values.shape)}")
    bests = [best] * len(columns) if best is None or isinstance(best, str) else best
    places = [digits] * len(columns) if isinstance(digits, int) else digits
    if not {None, *BEST}.issuperset(bests):
        raise ValueError(f'best must be "least", "greatest" or None, got {best!r}')
    marked = [None if b is None else int(BEST[b](values[:, j])) for j, b in enumerate(bests)]
    lines = [f"| {corner} | " + " | ".join(columns) + " |", "|:--|" + "--:|" * len(columns)]
    for i, name in enumerate(rows):
        cells = []
        for j, value in enumerate(values[i].tolist()):
            text = f"{round(value, places[j]) + 0.0:.{places[j]}f}"  # never -0.0
            if intervals is not None and intervals[i, j] == intervals[i, j]:
                text += f" ± {float(intervals[i, j]):.{places[j]}f}"
            cells.append(f"**{text}**" if marked[j] == i else text)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
