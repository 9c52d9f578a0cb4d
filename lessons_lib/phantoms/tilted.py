"""The talk's toy: one tilted rectangle in 16 x 16 pixels, seven numbers, exact partial volume.

An image is ``x = b + f (r - b)``: background level ``b``, foreground level ``r``, and in each pixel
the fraction ``f`` that the rectangle covers. Two numbers place the centre, two give the sides, one
the angle, two the levels: the images lie on a seven-dimensional surface in 256 dimensions.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lessons_lib.shapes import check_count, check_number, check_tensor

CHUNK = 512
NEAREST_ANGLE = 1e-6


def tilted_rectangles(
    num: int,
    *,
    size: int = 16,
    background: tuple[float, float] = (1.0, 0.1),
    foreground: tuple[float, float] = (1.0, 0.03),
    generator: torch.Generator | None = None,
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """Draw images of one tilted rectangle with random numbers, ``(num, size, size)``.

    `rectangle_parameters` says which laws are drawn from; the geometry is always computed in
    float64. References: [Fessler2023], chapter 04_tv_patch.

    Parameters
    ----------
    num, size : int
        Number of images, and their height and width in pixels.
    background, foreground : tuple of float
        Mean and standard deviation of the two levels, drawn independently for each image. The
        defaults are those printed in the talk, N(1, 0.1^2) and N(1, 0.03^2).
    """
    parameters = rectangle_parameters(
        num, size=size, background=background, foreground=foreground, generator=generator
    )
    return draw_rectangles(parameters, size=size).to(dtype)


def rectangle_parameters(
    num: int,
    *,
    size: int = 16,
    background: tuple[float, float] = (1.0, 0.1),
    foreground: tuple[float, float] = (1.0, 0.03),
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw the seven numbers of each image, shape ``(num, 7)``, float64.

    Row and column of the centre, height and width (pixels), angle (radians), and the levels
    ``background`` and ``foreground``. The centre is uniform in the middle half of the image, the
    sides from 1/4 to 5/8 of its width ``size``, the angle in [0, pi), the levels normal with mean
    and standard deviation as given; all independent.
    """
    num, size = check_count(num, "num"), check_count(size, "size")
    background = check_level(background, "background")
    foreground = check_level(foreground, "foreground")
    u = torch.rand(num, 5, generator=generator, dtype=torch.float64)
    z = torch.randn(num, 2, generator=generator, dtype=torch.float64)
    centre = size * (0.25 + 0.5 * u[:, 0:2])
    sides = size * (0.25 + 0.375 * u[:, 2:4])
    b = background[0] + background[1] * z[:, :1]
    r = foreground[0] + foreground[1] * z[:, 1:]
    return torch.cat([centre, sides, math.pi * u[:, 4:], b, r], -1)  # (num, 7)


def check_level(level: tuple[float, float], name: str) -> tuple[float, float]:
    """Return mean and standard deviation of the level ``name`` as floats."""
    mean, std = level
    return (
        check_number(mean, f"{name} mean", any_sign=True),
        check_number(std, f"{name} standard deviation"),
    )


def draw_rectangles(parameters: Tensor, *, size: int = 16) -> Tensor:
    """Draw the images ``b + f (r - b)``, shape ``(*, size, size)``; differentiable.

    The ``parameters`` of shape ``(*, 7)`` are those of `rectangle_parameters`.
    """
    check_tensor(parameters, "parameters", last=(7,))
    b, r = parameters[..., 5, None, None], parameters[..., 6, None, None]
    return b + coverage(parameters[..., :5], size=size) * (r - b)


def coverage(geometry: Tensor, *, size: int = 16) -> Tensor:
    """Fraction of each pixel that a tilted rectangle covers, exactly.

    By Green's theorem the area of a polygon inside a pixel is a sum over its edges,
    ``f_ij = oint_{i < y < i+1} clamp(x - j, 0, 1) dy``. On a straight edge ``x`` is linear in
    ``y``, so the integral is a second difference of ``k relu(x - j)^2 / 2`` over the corners of
    the pixel, with ``k = |dy| / dx``. Angles closer than 1e-6 to an axis are moved to that
    distance; rounding errors stay below 1e-7.

    Parameters
    ----------
    geometry : Tensor, shape ``(*, 5)``
        Row, column, height, width (pixels), angle (radians). Pixel ``(i, j)`` is the square
        ``[i, i+1] x [j, j+1]``.
    size : int
        Height and width in pixels: the result has the shape ``(*, size, size)``.
    """
    check_tensor(geometry, "geometry", last=(5,))
    size = check_count(size, "size")
    if bool((geometry[..., 2:4] <= 0).any()):
        raise ValueError(f"sides must be positive, got {float(geometry[..., 2:4].min()):g}")
    rows = geometry.reshape(-1, 5).double().split(CHUNK)
    f = torch.cat([_covered(some, size) for some in rows])
    return f.reshape(*geometry.shape[:-1], size, size).to(geometry.dtype)


def _covered(geometry: Tensor, size: int) -> Tensor:
    """Coverage ``(B, size, size)`` for geometry ``(B, 5)``."""
    grid = torch.arange(size + 1, dtype=torch.float64, device=geometry.device)
    area = 0.0
    for start, end in _edges(geometry):  # each (B, 2): column x, row y
        (xa, ya), (xb, yb) = start.T[..., None], end.T[..., None]  # (B, 1)
        y = grid.clamp(torch.minimum(ya, yb), torch.maximum(ya, yb))  # (B, size + 1)
        x = xa + (y - ya) * (xb - xa) / (yb - ya)
        k = (yb - ya).abs() / (xb - xa)
        area = area + (0.5 * k)[..., None] * (x[..., None] - grid).clamp(min=0).square()
    corners = area.diff(dim=-2).diff(dim=-1)  # (B, size + 1, size + 1) -> (B, size, size)
    return (-corners).clamp(0, 1)


def _edges(geometry: Tensor) -> list[tuple[Tensor, Tensor]]:
    """The four edges in the order that gives positive area, each from ``(B, 2)`` to ``(B, 2)``."""
    row, col, height, width, angle = geometry.T
    cos, sin = _off_axis(angle.cos()), _off_axis(angle.sin())
    centre = torch.stack([col, row], -1)
    along = torch.stack([cos, sin], -1) * width[:, None] / 2
    across = torch.stack([-sin, cos], -1) * height[:, None] / 2
    corners = [centre + i * along + j * across for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    return list(zip(corners, corners[1:] + corners[:1], strict=True))


def _off_axis(value: Tensor) -> Tensor:
    """The same, but at least `NEAREST_ANGLE` away from zero, so that no slope is infinite."""
    sign = torch.where(value < 0, -1.0, 1.0)
    return torch.where(value.abs() < NEAREST_ANGLE, sign * NEAREST_ANGLE, value)
