"""Unit normal noise, from a generator wherever it lives."""

from __future__ import annotations

import torch
from torch import Tensor


def unit_normal(shape: tuple[int, ...], like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Draw noise of a ``shape``, with the dtype and device of the tensor ``like``."""
    device = like.device if generator is None else generator.device
    noise = torch.randn(shape, generator=generator, dtype=like.dtype, device=device)
    return noise.to(like.device)
