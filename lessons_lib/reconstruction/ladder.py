"""The noise levels of half-quadratic splitting."""

from __future__ import annotations

from torch import Tensor

from lessons_lib.schedules import geometric
from lessons_lib.shapes import check_number


def ladder(
    noise_std: float, num: int = 7, *, start: float | None = None, stop: float | None = None
) -> Tensor:
    r"""Noise levels for `half_quadratic`, ``sigma_k = noise_std / sqrt(weight_k)``.

    By default the weights run from 1 to 64, geometrically: 1, 2, 4, ... for seven levels. A
    measurement that leaves part of the image unseen makes errors far above its noise; start there.

    Parameters
    ----------
    num : int
        Number of levels, at least 2.
    start : float, optional
        The largest level, ``noise_std`` by default: about the error of the first image.
    stop : float, optional
        The smallest level, ``noise_std / 8`` by default.

    Returns
    -------
    Tensor, shape ``(num,)``
        Decreasing, float64.

    References
    ----------
    [ZoranWeiss2011]. Chapter 06_map_langevin.
    """
    noise_std = check_number(noise_std, "noise_std")
    start = noise_std if start is None else start
    stop = noise_std / 8 if stop is None else stop
    return geometric(start, stop, num)
