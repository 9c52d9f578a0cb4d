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
    start: Tensor | None = None,
) -> Tensor:
    """Solve ``M x = b`` for a symmetric positive definite ``M``, from ``start`` or ``x = 0``.

    ``apply`` multiplies a batch by ``M``, whose images have ``event_dims`` dimensions.

    Each image stops after ``num_steps``, or when its residual is below ``tolerance`` times the size
    of its ``b``, or at its rounding error; its answer does not depend on the others in the batch.

    References: [HestenesStiefel1952].
    """
    dims = tuple(range(-event_dims, 0))

    def dot(u: Tensor, v: Tensor) -> Tensor:
        return (u.conj() * v).real.sum(dims, keepdim=True)

    x, r = (torch.zeros_like(b), b) if start is None else (start, b - apply(start))
    p, rr = r, dot(r, r)
    enough = max(10 * torch.finfo(b.dtype).eps, tolerance) ** 2 * dot(b, b)
    for _ in range(num_steps):
        if bool((solved := rr <= enough).all()):
            break
        Mp = apply(p)
        a = _ratio(rr, dot(p, Mp)).where(~solved, 0.0)
        x, r = x + a * p, r - a * Mp
        before, rr = rr, dot(r, r)
        p = r + _ratio(rr, before) * p
    return x


def _ratio(a: Tensor, b: Tensor) -> Tensor:
    """Divide, and give 0 for 0 / 0: that image is solved."""
    return torch.where(b > 0, a / b, torch.zeros_like(a))
