"""A reconstruction in one step, without a prior: what it leaves shows what is missing."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.operators import ParallelBeam
from lessons_lib.shapes import check_tensor

WINDOWS = ("ramp", "hann")
"""Filters of `filtered_back_projection`."""


def filtered_back_projection(A: ParallelBeam, y: Tensor, *, window: str = "ramp") -> Tensor:
    """Filter each projection with a ramp and smear it back: ``pi / K * A' (h * y)``.

    ``h`` is the ramp for band-limited projections, sampled at the bins: ``h[0] = 1/4``,
    ``h[n] = -1 / (pi n)^2`` for odd ``n`` and 0 for even.

    Parameters
    ----------
    A : ParallelBeam
        Its angles should cover 180 degrees evenly; the formula gives each the same weight.
    window : str
        ``"ramp"``, or ``"hann"``, which also damps the high frequencies, and the noise with them.

    Returns
    -------
    Tensor, shape ``(*, H, W)``
        The image, in the units of ``y`` per pixel. With few views, streaks.

    References
    ----------
    [KakSlaney1988], section 3.3. Chapter 06_scans.
    """
    if not isinstance(A, ParallelBeam):
        raise TypeError(f"A must be a ParallelBeam, got {type(A).__name__}")
    if window not in WINDOWS:
        raise ValueError(f"window must be one of {', '.join(WINDOWS)}, got {window!r}")
    check_tensor(y, "y", last=A.out_shape)
    if y.numel() == 0:
        return A.adjoint(y)
    num_views, num_bins = A.out_shape
    size = 2 * num_bins  # zeros beyond the detector, so that the filter does not wrap around
    n = torch.fft.fftfreq(size, 1 / size).to(y)
    h = torch.where(n % 2 == 1, -1 / (torch.pi * n) ** 2, torch.zeros_like(n))
    h[0] = 1 / 4
    response = torch.fft.fft(h).real
    if window == "hann":
        response = response * (1 + torch.cos(torch.pi * n / num_bins)) / 2
    filtered = torch.fft.ifft(torch.fft.fft(y, size) * response).real[..., :num_bins]
    return torch.pi / num_views * A.adjoint(filtered)
