"""Total variation for any operator, by a primal-dual method."""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from lessons_lib.operators import Applies, squared_norm
from lessons_lib.reconstruction.likelihood import GaussianLikelihood, check_likelihood
from lessons_lib.reconstruction.oracle import best, check_reference, check_setting, stacked
from lessons_lib.shapes import check_count
from lessons_lib.solving import conjugate_gradients


@torch.no_grad()
def tv(
    likelihood: GaussianLikelihood,
    *,
    weight: float | None = None,
    reference: Tensor | None = None,
    num_steps: int = 500,
    num_cg: int = 10,
) -> Tensor:
    r"""Reconstruct by total variation: the image that fits, with the fewest and sharpest steps.

    Minimises ``1/2 ||A x - y||^2 + weight * sum |grad x|``, isotropic: ``|grad x|`` is the length
    of the vector of the two forward differences, which are zero across the last row and column.
    Images may be complex, where the operator's are. Each image takes steps of its own size, so the
    answer does not depend on its units, nor on the others in the batch.

    Parameters
    ----------
    likelihood : GaussianLikelihood
        Operator and data; of ``noise_std`` only the default weight makes use.
    weight : float, optional
        Strength, in the units of ``A' y``; ``0.85 * noise_std * a`` by default, with
        ``a`` the root mean square of what one pixel contributes to ``A x``.
    reference : Tensor, shape ``(*, H, W)``, optional
        The truth: each image then gets the weight with the least squared error.
    num_steps : int
        Steps of the primal-dual method; a third for each further weight tried.
    num_cg : int
        Most steps of conjugate gradients inside each; a handful is exact for Fourier data.

    References
    ----------
    [RudinOsherFatemi1992], [ChambollePock2011]. Chapter 06_scans.
    """
    check_likelihood(likelihood)
    A, y, noise_std = likelihood.A, likelihood.y, likelihood.noise_std
    if len(A.in_shape) != 2:
        raise ValueError(f"A must act on images (H, W), got in_shape {tuple(A.in_shape)}")
    num_steps, num_cg = check_count(num_steps, "num_steps"), check_count(num_cg, "num_cg")
    size = squared_norm(A, dtype=y.real.dtype)
    default = 0.85 * noise_std * _contribution(A, y.real.dtype)
    start = check_setting("weight", weight, reference, default)
    back = A.adjoint(y)  # (*, H, W)
    if reference is None:
        return Descent(A, y, size, num_cg).run(start, num_steps)
    batch = back.ndim - 2
    truths = check_reference(reference, back, "A' y").reshape(-1, *back.shape[-2:])  # (B, H, W)
    data = y.reshape(-1, *y.shape[batch:])  # (*, out_shape) -> (B, out_shape)
    out = []
    for one, truth in zip(data, truths, strict=True):
        descent = Descent(A, one, size, num_cg)
        descent.run(start, num_steps)  # the others start from here and need fewer steps
        attempt = partial(descent.run, num_steps=1 + num_steps // 3)
        out.append(best(attempt, truth, start, (1.2, 1.06)))
    return stacked(out, back).reshape(back.shape)


def _contribution(A: Applies, dtype: torch.dtype) -> float:
    """Root of the mean diagonal of ``A'A``, estimated with one image of random signs."""
    generator = torch.Generator().manual_seed(0)
    signs = torch.randint(0, 2, A.in_shape, generator=generator).to(dtype) * 2 - 1
    return math.sqrt(float(A(signs).abs().square().sum()) / signs.numel())


class Descent:
    """The primal-dual method for a batch; each run starts where the last one ended.

    In ``min_x max_{|u| <= weight} 1/2 ||A x - y||^2 + <u, grad x>`` it descends in ``x`` and climbs
    in ``u``, with steps whose product is below ``1 / ||grad||^2 = 1 / 8``.
    """

    def __init__(self, A: Applies, y: Tensor, size: float, num_cg: int) -> None:
        self.A, self.y, self.num_cg = A, y, num_cg
        self.x = A.adjoint(y) / size
        self.u = torch.zeros(2, *self.x.shape).to(self.x)
        self.force = torch.zeros_like(self.x)
        self.spread = spread(self.x)
        self.weight = 1.0

    def run(self, weight: float, num_steps: int) -> Tensor:
        """Take ``num_steps`` steps; the primal step is a tenth of what would move x by its size."""
        t = 0.1 * self.spread / weight
        s = 1 / (8 * t)
        x, u = self.x, self.u * (weight / self.weight)
        for _ in range(num_steps):
            z = x - t * divergence(u)
            before, x = x, z + t * self.pull(z, t)
            u = u + s * gradient(2 * x - before)
            u = u * (weight / length(u).clamp(min=weight))
        self.x, self.u, self.weight = x, u, weight
        return x

    def pull(self, z: Tensor, t: float) -> Tensor:
        """``(I + t A'A)^-1 A' (y - A z)``, the force towards the data at the end of the step."""
        self.force = conjugate_gradients(
            lambda v: v + t * self.A.adjoint(self.A(v)),
            self.A.adjoint(self.y - self.A(z)),
            num_steps=self.num_cg,
            event_dims=2,
            tolerance=1e-4,
            start=self.force,
        )
        return self.force


def spread(x: Tensor) -> Tensor:
    """Standard deviation of each image, or if it is flat, a little of its size: never zero.

    ``(*, H, W) -> (*, 1, 1)``, real.
    """
    others = max(1, x.shape[-2:].numel() - 1)  # pixels beside the first; one pixel has none
    away = x - x.mean((-2, -1), keepdim=True)
    std = (away.abs().square().sum((-2, -1), keepdim=True) / others).sqrt()
    std = torch.maximum(std, 1e-6 * x.abs().amax((-2, -1), keepdim=True))
    return std.where(std > 0, 1.0)


def gradient(x: Tensor) -> Tensor:
    """Forward differences down and across, zero at the far edge: ``(*, H, W) -> (2, *, H, W)``."""
    g = x.new_zeros(2, *x.shape)
    g[0, ..., :-1, :] = x.diff(dim=-2)
    g[1, ..., :-1] = x.diff(dim=-1)
    return g


def divergence(u: Tensor) -> Tensor:
    """Adjoint of `gradient`, ``(2, *, H, W) -> (*, H, W)``."""
    down, across = u[0, ..., :-1, :], u[1, ..., :-1]
    x = torch.zeros_like(u[0])
    x[..., 1:, :] += down
    x[..., :-1, :] -= down
    x[..., 1:] += across
    x[..., :-1] -= across
    return x


def length(u: Tensor) -> Tensor:
    """Length of the vector at each pixel, ``(2, *, H, W) -> (*, H, W)``."""
    return u.abs().square().sum(0).sqrt()
