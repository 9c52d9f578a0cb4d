"""What the objectives share: checked inputs, derivatives of a score, unit noise, inner products."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.shapes import Score, Sigma, as_sigma, check_tensor, unit_normal


def prepare(
    x: Tensor, sigma: Sigma, event_dims: int, *, positive: bool = False
) -> tuple[Tensor, Sigma]:
    """Check the arguments that every objective has, and cut ``x`` loose from the caller's."""
    if event_dims not in (1, 2):
        raise ValueError(f"event_dims must be 1 or 2, got {event_dims!r}")
    if check_tensor(x, "x", min_dims=event_dims).numel() == 0:
        raise ValueError(f"x must hold at least one point, got shape {tuple(x.shape)}")
    sigma = as_sigma(sigma, x, event_dims=event_dims, positive=positive)
    return x.detach().clone(), sigma


def differentiable_score(score: Score, x: Tensor, sigma: Sigma) -> tuple[Tensor, Tensor]:
    """``x`` marked for differentiation and the score there, also under `torch.no_grad`."""
    with torch.enable_grad():
        x = x.requires_grad_(True)
        return x, score(x, sigma)


def slope(s: Tensor, x: Tensor, v: Tensor) -> Tensor:
    """``v' grad s`` for each member of the batch; zeros where ``s`` does not depend on ``x``."""
    if not s.requires_grad:  # a constant score
        return torch.zeros_like(x)
    keep = torch.is_grad_enabled()
    (row,) = torch.autograd.grad(
        s, x, v, retain_graph=True, create_graph=keep, allow_unused=True, materialize_grads=True
    )
    return row


def unit_noise(
    noise: Tensor | None,
    x: Tensor,
    shape: tuple[int, ...],
    generator: torch.Generator | None,
    *,
    most: int,
    levels: int = 1,
) -> Tensor:
    """Check the noise, or draw it in ``shape``; with ``most=2`` the first dimension is levels."""
    if noise is None:
        return unit_normal(shape, x, generator)
    check_tensor(noise, "noise")
    extra = noise.ndim - x.ndim
    fits = 0 <= extra <= most and noise.shape[max(extra, 0) :] == x.shape
    if not fits or (extra == 2 and len(noise) not in (1, levels)):
        more = f" or ({levels}, M, *x.shape)" if most == 2 else ""
        raise ValueError(
            f"noise must have shape {tuple(x.shape)} like x, or (M, *x.shape){more}, "
            f"got {tuple(noise.shape)}"
        )
    return noise.to(x)[None] if most == 2 and extra < 2 else noise.to(x)


def random_directions(
    name: str, shape: tuple[int, ...], x: Tensor, generator: torch.Generator | None
) -> Tensor:
    """Directions ``v`` with ``E[v v'] = I``: fair signs or unit normals."""
    if name not in ("rademacher", "gaussian"):
        raise ValueError(f'probe must be "rademacher" or "gaussian", got {name!r}')
    v = unit_normal(shape, x, generator)
    return v if name == "gaussian" else torch.where(v < 0, -1.0, 1.0).to(x)


def inner(a: Tensor, b: Tensor, event_dims: int) -> Tensor:
    """Sum of products over the coordinates of each event."""
    return (a * b).flatten(-event_dims).sum(-1)  # (*, event) -> (*)


def sum_of_squares(a: Tensor, event_dims: int) -> Tensor:
    """Squared length of each event."""
    return inner(a, a, event_dims)
