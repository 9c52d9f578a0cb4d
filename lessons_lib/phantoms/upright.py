"""Disks and upright rectangles, drawn from a generator, with partial volume at their edges."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.shapes import check_count


def disks(
    num: int,
    *,
    size: int = 64,
    max_disks: int = 4,
    supersample: int = 4,
    generator: torch.Generator | None = None,
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """Draw images of overlapping bright disks on black.

    Each image adds 1 to ``max_disks`` disks with centre uniform in the image, radius uniform
    between 1/16 and 1/4 of its width and brightness uniform in [0.2, 1], and is clipped at 1. The
    shape is ``(num, size, size)``.

    Parameters
    ----------
    num, size : int
        Number of images, and their height and width in pixels.
    max_disks : int
        Largest number of disks in an image.
    supersample : int
        An edge pixel averages ``supersample**2`` points.
    """
    num, size = check_count(num, "num"), check_count(size, "size")
    max_disks = check_count(max_disks, "max_disks")
    supersample = check_count(supersample, "supersample")
    u = torch.rand(num, max_disks, 4, generator=generator, dtype=dtype)
    count = torch.randint(1, max_disks + 1, (num, 1), generator=generator)
    row, col = size * u[..., 0], size * u[..., 1]  # (num, max_disks)
    radius = size * (1 / 16 + u[..., 2] * (1 / 4 - 1 / 16))
    bright = (0.2 + 0.8 * u[..., 3]) * (torch.arange(max_disks) < count)
    points = (torch.arange(size * supersample, dtype=dtype) + 0.5) / supersample
    image = torch.zeros(num, size, size, dtype=dtype)
    for k in range(max_disks):
        dy = points[:, None] - row[:, k, None, None]  # (num, size * supersample, 1)
        dx = points - col[:, k, None, None]  # (num, 1, size * supersample)
        inside = (dy.square() + dx.square() < radius[:, k, None, None].square()).to(dtype)
        covered = torch.nn.functional.avg_pool2d(inside[:, None], supersample)[:, 0]
        image += bright[:, k, None, None] * covered
    return image.clamp(max=1.0)


def rectangles(
    num: int,
    *,
    size: int = 64,
    generator: torch.Generator | None = None,
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """Draw images of one bright rectangle on black, with exact partial volume at its edges.

    ``x[i, j] = brightness * (covered part of row i) * (covered part of column j)``. Two cuts
    uniform in [0, size] bound the rectangle in each direction; the brightness is uniform in
    [0.2, 1]; the shape is ``(num, size, size)``. (`tilted_rectangles` is the toy of the talk.)

    Parameters
    ----------
    num, size : int
        Number of images, and their height and width in pixels.
    """
    num, size = check_count(num, "num"), check_count(size, "size")
    u = torch.rand(num, 5, generator=generator, dtype=dtype)
    rows = _covered(size * u[:, 0:2], size)  # (num, size)
    cols = _covered(size * u[:, 2:4], size)
    bright = 0.2 + 0.8 * u[:, 4]
    return bright[:, None, None] * rows[:, :, None] * cols[:, None, :]


def _covered(cuts: Tensor, size: int) -> Tensor:
    """Fraction of each unit pixel between two cuts: ``(num, 2) -> (num, size)``."""
    low, high = cuts.sort(dim=-1).values[..., None].unbind(dim=-2)  # two of (num, 1)
    left = torch.arange(size, dtype=cuts.dtype)
    return (torch.minimum(high, left + 1) - torch.maximum(low, left)).clamp(min=0.0)
