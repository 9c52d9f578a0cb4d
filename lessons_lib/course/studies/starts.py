"""Where the fits of a mixture begin."""

from __future__ import annotations

import torch
from torch import Tensor

WIDEST = 3.5
"""Largest width of a component at the start of a fit."""


def random_starts(sets: Tensor, num: int, least: float, seed: int) -> Tensor:
    """Means at data, log-uniform widths, random weights: ``(D, num, 8)``."""
    kind = {"generator": torch.Generator().manual_seed(seed), "dtype": sets.dtype}
    u, pick = torch.rand(2, len(sets), num, 3, **kind)
    means = sets.gather(1, (pick * sets.shape[1]).long().flatten(1)).reshape(pick.shape)
    root = (least * (WIDEST / least) ** u - least).sqrt()
    return torch.cat([means, root, 0.5 * torch.randn(len(sets), num, 2, **kind)], -1)


def needles(data: Tensor, least: float, num: int = 6) -> Tensor:
    """Two narrow components on each pair of the most crowded data, one broad: ``(S, 8)``."""
    crowd = torch.exp(-0.5 * ((data[:, None] - data) / least) ** 2).sum(1)
    spots = data[crowd.argsort(descending=True, stable=True)[:num]]
    i, j = torch.triu_indices(num, num, 1)
    means = torch.stack([spots[i], spots[j], data.mean().expand(len(i))], -1)
    rest = data.new_tensor([0.3 * least**0.5, 0.3 * least**0.5, 1.5, -2.0, -2.0])
    return torch.cat([means, rest.expand(len(i), 5)], -1)
