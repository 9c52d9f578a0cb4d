"""Scores of tiles, and their means over some of the places where a tiling can start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lessons_lib.distributions import GaussianMixture
from lessons_lib.patches import Patches
from lessons_lib.priors import AveragedPrior, TilingPrior

Starts = list[tuple[int, int]]
"""Row and column of the first tile, for some tilings."""


def tiles_case(generator: torch.Generator) -> tuple[AveragedPrior, Tensor, float, int]:
    """The score of tiles of a random kind, an image, a noise level and the side of a tile."""
    p = int(torch.randint(2, 4, (), generator=generator))
    options: dict[str, Any] = {"generator": generator, "dtype": torch.float64}
    weights, means = torch.tensor([0.3, 0.7]).double(), 2 * torch.randn(2, p * p, **options)
    hills = GaussianMixture(weights, means, 0.5)
    x, sigma = 2 * torch.randn(3 * p, 2 * p, **options), 0.2 + float(torch.rand((), **options))
    tiles = TilingPrior(hills.score, (3 * p, 2 * p), p, wrap=True).tiling((0, 0))
    return tiles, x, sigma, p


def overlapping(tiles: AveragedPrior, x: Tensor, sigma: float, p: int) -> Tensor:
    """The mean over all patches of side ``p`` with the patch score of ``tiles``."""
    return AveragedPrior(tiles.patch_score, Patches((3 * p, 2 * p), p, wrap=True))(x, sigma)


def every(p: int) -> Starts:
    """All starts of tiles with side ``p``."""
    return [divmod(k, p) for k in range(p * p)]


def mean_over(starts: Callable[[int], Starts], *, moved: int = 0) -> Callable[..., Tensor]:
    """Return the mean over the tilings of ``starts``, each ``moved`` so often by its start."""

    def mean(tiles: AveragedPrior, x: Tensor, sigma: float, p: int) -> Tensor:
        tilings = TilingPrior(tiles.patch_score, (3 * p, 2 * p), p, wrap=True)
        images = [
            tilings.tiling((i, j))(x, sigma).roll((moved * i, moved * j), (0, 1))
            for i, j in starts(p)
        ]
        return torch.stack(images).mean(0)

    return mean
