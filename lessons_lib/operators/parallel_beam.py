"""Projections of an image along parallel rays: what a tomograph records."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lessons_lib.operators.linear import LinearOperator
from lessons_lib.shapes import check_count, check_sides, check_tensor

if TYPE_CHECKING:
    from scipy.sparse import csr_array

THIN = 1e-6
"""Below this width, in pixels, the side of a pixel seen edge-on counts as no width at all."""


class ParallelBeam(LinearOperator):
    """Line integrals through an image, averaged over detector bins one pixel wide.

    The image is constant on each pixel, a unit square, and zero outside. At the angle ``theta`` the
    point at ``(row, column)`` from the centre falls on the detector at
    ``t = column cos(theta) - row sin(theta)``. A pixel casts a trapezoid as shadow, the convolution
    of two boxes of widths ``|cos(theta)|`` and ``|sin(theta)|``; its share in each bin is a
    difference of closed-form integrals, so nothing is interpolated. One sparse matrix holds all
    shares and its transpose is the adjoint.

    Runs on the CPU and keeps no gradients. References: [KakSlaney1988], chapter 06_scans.

    Parameters
    ----------
    image_shape : tuple of int
        Height and width ``(H, W)``.
    angles : Tensor, shape ``(K,)``
        In degrees; at 0 the columns are summed, as in scikit-image's ``radon``.
    num_bins : int, optional
        Bins of the detector, whose middle faces the middle of the image; by default enough to catch
        the diagonal, of the parity of ``W``.

    Attributes
    ----------
    in_shape, out_shape : tuple of int
        ``(H, W)`` and ``(K, num_bins)``.
    angles : Tensor, shape ``(K,)``
        As given, in float64.
    """

    def __init__(
        self, image_shape: tuple[int, int], angles: Tensor, *, num_bins: int | None = None
    ) -> None:
        check_tensor(angles, "angles", axes="K,")
        height, width = check_sides(image_shape, "image_shape")
        if num_bins is None:
            num_bins = math.ceil(math.hypot(height, width))
            num_bins += (num_bins - width) % 2
        num_bins = check_count(num_bins, "num_bins")
        self.in_shape, self.out_shape = (height, width), (len(angles), num_bins)
        self.angles = angles.detach().double().cpu()
        self._matrix = _shares(self.in_shape, self.angles, num_bins)
        self._transpose = self._matrix.T.tocsr()

    def __call__(self, x: Tensor) -> Tensor:
        """Project, ``(*, H, W) -> (*, K, num_bins)``."""
        check_tensor(x, "x", last=self.in_shape)
        return _multiply(self._matrix, x, self.out_shape)

    def adjoint(self, y: Tensor) -> Tensor:
        """Smear the data back along their rays, ``(*, K, num_bins) -> (*, H, W)``."""
        check_tensor(y, "y", last=self.out_shape)
        return _multiply(self._transpose, y, self.in_shape)


def _multiply(matrix: csr_array, x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Apply a sparse matrix to the last two dimensions of ``x``."""
    rows = x.detach().cpu().reshape(-1, matrix.shape[1]).numpy()  # (B, n)
    out = torch.as_tensor((matrix @ rows.T).T)  # (B, m)
    return out.to(x).reshape(*x.shape[:-2], *shape)


def _shares(image_shape: tuple[int, int], angles: Tensor, num_bins: int) -> csr_array:
    """Area of each pixel in each strip, shape ``(K * num_bins, H * W)``."""
    from scipy.sparse import csr_array

    height, width = image_shape
    row = torch.arange(height, dtype=torch.float64) - (height - 1) / 2
    column = torch.arange(width, dtype=torch.float64) - (width - 1) / 2
    theta = torch.deg2rad(angles)[:, None, None]
    cos, sin = theta.cos(), theta.sin()
    t = (column * cos - row[:, None] * sin).flatten(1)[..., None]  # (K, H * W, 1)
    a, b = cos.abs(), sin.abs()  # (K, 1, 1)
    edge = t - (a + b) / 2 + num_bins / 2  # left end of the shadow, counted from the first bin
    three = torch.arange(3, dtype=torch.float64)  # a shadow is less than 1.5 wide
    bins = edge.floor() + three  # (K, H * W, 3)
    left = bins - num_bins / 2 - t
    share = _below(left + 1, a, b) - _below(left, a, b)
    view = torch.arange(len(angles))[:, None, None].expand(bins.shape)
    pixel = torch.arange(height * width)[:, None].expand(bins.shape)
    keep = (bins >= 0) & (bins < num_bins) & (share > 0)
    place = (view * num_bins + bins.long())[keep].numpy(), pixel[keep].numpy()
    size = (len(angles) * num_bins, height * width)
    return csr_array((share[keep].numpy(), place), shape=size)


def _below(t: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Share of a unit square that falls below ``t``: the integral of its trapezoid.

    With ``R(t) = max(t, 0)^2 / 2`` this is the second difference
    ``(R(t + (a+b)/2) - R(t + (a-b)/2) - R(t - (a-b)/2) + R(t - (a+b)/2)) / (a b)``.
    """
    wide, thin = torch.maximum(a, b), torch.minimum(a, b)
    box = (t / wide + 0.5).clamp(0, 1)
    signs = ((1, 1, 1), (-1, 1, -1), (-1, -1, 1), (1, -1, -1))
    parts = [s * (t + (i * wide + j * thin) / 2).clamp(min=0).square() / 2 for s, i, j in signs]
    return torch.where(thin < THIN, box, sum(parts) / (wide * thin.clamp(min=THIN)))
