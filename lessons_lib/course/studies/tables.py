"""Means with their confidence intervals, and tables as Markdown text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from lessons_lib.shapes import check_count


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
    corner: str = "",
    digits: int = 4,
    best: str | None = "least",
) -> str:
    """A table of numbers in Markdown, the ``best`` entry of each column in bold.

    Parameters
    ----------
    rows, columns : sequence of str
        Names, ``R`` and ``C`` of them; ``corner`` stands above those of the rows.
    values : Tensor, shape ``(R, C)``
        The entries, shown with so many ``digits``.
    best : {"least", "greatest", None}
        Which entry of a column is set in bold.
    """
    if tuple(values.shape) != (len(rows), len(columns)):
        wanted = (len(rows), len(columns))
        raise ValueError(f"values must have shape {wanted}, got {tuple(values.shape)}")
    if best not in ("least", "greatest", None):
        raise ValueError(f'best must be "least", "greatest" or None, got {best!r}')
    marked = {None: None, "least": values.argmin(0), "greatest": values.argmax(0)}[best]
    lines = [f"| {corner} | " + " | ".join(columns) + " |", "|:--|" + "--:|" * len(columns)]
    for i, name in enumerate(rows):
        cells = [f"{value:.{digits}f}" for value in values[i].tolist()]
        if marked is not None:
            cells = [f"**{c}**" if marked[j] == i else c for j, c in enumerate(cells)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
