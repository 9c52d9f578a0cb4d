"""Two-dimensional Fourier transforms, also of an empty batch."""

from __future__ import annotations

import torch
from torch import Tensor


def fft2(x: Tensor, *, norm: str = "backward") -> Tensor:
    """Return `torch.fft.fft2`; some of its back ends refuse a batch of no images."""
    return torch.fft.fft2(x, norm=norm) if x.numel() else x + 0j


def ifft2(x: Tensor, *, norm: str = "backward") -> Tensor:
    """Return `torch.fft.ifft2`, also of a batch of no images."""
    return torch.fft.ifft2(x, norm=norm) if x.numel() else x + 0j
