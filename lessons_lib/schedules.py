"""Ladders of noise levels: decreasing tensors ``sigmas``, from large to small.

A sampler walks down the ladder; a loss averages over it. Both schedules have shape ``(num,)``, are
float64 and include their end points: ``start``, the largest level, and ``stop``, the smallest, in
the units of the data. ``num`` is at least 2.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.shapes import check_count, check_number


def geometric(start: float, stop: float, num: int) -> Tensor:
    r"""Levels with a constant ratio, ``sigma_k = start (stop / start)^(k / (num - 1))``.

    Equal steps in ``log sigma``: neighbouring smoothed densities overlap equally well all the way.
    References: [SongErmon2019]; chapter 03_noise_conditional.
    """
    start, stop, num = _check(start, stop, num, zero_allowed=False)
    return _exact_ends(
        torch.logspace(0, 1, num, base=stop / start, dtype=torch.float64), start, stop
    )


def karras(start: float, stop: float, num: int, *, rho: float = 7.0) -> Tensor:
    r"""Levels equally spaced in ``sigma^(1/rho)``: shorter steps where sigma is small.

    ``sigma_k = (start^(1/rho) + k / (num - 1) (stop^(1/rho) - start^(1/rho)))^rho``. ``rho = 1`` is
    linear; ``rho -> infinity`` is `geometric`. Unlike that, it may end at zero.
    References: [Karras2022], equation (5); chapter 03_noise_conditional.
    """
    start, stop, num = _check(start, stop, num, zero_allowed=True)
    rho = check_number(rho, "rho")
    roots = torch.linspace(start ** (1 / rho), stop ** (1 / rho), num, dtype=torch.float64)
    return _exact_ends((roots**rho) / start, start, stop)


def _exact_ends(relative: Tensor, start: float, stop: float) -> Tensor:
    sigmas = start * relative
    sigmas[0], sigmas[-1] = start, stop  # not one rounding error away
    return sigmas


def _check(start: float, stop: float, num: int, *, zero_allowed: bool) -> tuple[float, float, int]:
    start = check_number(start, "start")
    stop = check_number(stop, "stop", zero_allowed=zero_allowed)
    if not start > stop:
        raise ValueError(f"start must be larger than stop, got {start} and {stop}")
    return start, stop, check_count(num, "num", least=2)
