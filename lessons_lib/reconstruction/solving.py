"""Conjugate gradients for a batch of images, each with its own steps."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def conjugate_gradients(
    apply: Callable[[Tensor], Tensor],
    b: Tensor,
    *,
    num_steps: int,
    event_dims: int,
    tolerance: float = 0.0,
) -> Tensor:
    """Solve ``M x = b`` for a symmetric positive definite ``M``, from ``x = 0``.

    Stops after ``num_steps``, or when every residual is below ``tolerance`` times the size of
    ``b``, or at its rounding error.

    References: [HestenesStiefel1952].
    """
    dims = tuple(range(-event_dims, 0))

    def dot(u: Tensor, v: Tensor) -> Tensor:
        return (u * v).sum(dims, keepdim=True)

    x, r, p = torch.zeros_like(b), b, b
    rr = dot(r, r)
    enough = max(10 * torch.finfo(b.dtype).eps, tolerance) ** 2 * rr
    for _ in range(num_steps):
        if bool((rr <= enough).all()):
            break
        Mp = apply(p)
        a = _ratio(rr, dot(p, Mp))
        x, r = x + a * p, r - a * Mp
        before, rr = rr, dot(r, r)
        p = r + _ratio(rr, before) * p
    return x


def _ratio(a: Tensor, b: Tensor) -> Tensor:
    """Divide, and give 0 for 0 / 0: that image is solved."""
    return torch.where(b > 0, a / b, torch.zeros_like(a))
