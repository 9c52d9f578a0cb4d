"""Two-dimensional Fourier transforms, also of an empty batch."""

from __future__ import annotations

import torch
from torch import Tensor


def fft2(x: Tensor, *, norm: str = "backward") -> Tensor:
    """Transform the last two dimensions, scaled by ``norm`` as in `torch.fft.fft2`.

    Some back ends of that function refuse a batch of no images; here it has an answer.
    """
    return torch.fft.fft2(x, norm=norm) if x.numel() else x + 0j


def ifft2(x: Tensor, *, norm: str = "backward") -> Tensor:
    """Transform back, scaled by ``norm`` as in `torch.fft.ifft2`; also a batch of no images."""
    return torch.fft.ifft2(x, norm=norm) if x.numel() else x + 0j
