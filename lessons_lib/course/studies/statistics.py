"""Means with their confidence intervals, for tables."""

from __future__ import annotations

import math

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
    from scipy.special import stdtrit

    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"values must hold at least two numbers, got shape {tuple(values.shape)}")
    quantile = float(stdtrit(len(values) - 1, 0.975))
    half = quantile * float(values.std()) / math.sqrt(len(values))
    return round(float(values.mean()), 3), round(half, 3)
