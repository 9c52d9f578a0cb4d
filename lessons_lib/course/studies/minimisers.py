"""A quasi-Newton method for many small problems side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Cost = Callable[..., Tensor]


def minimise(
    cost: Cost,
    theta: Tensor,
    data: Sequence[Tensor] = (),
    *,
    num_steps: int = 200,
    tolerance: float = 1e-6,
) -> tuple[Tensor, Tensor]:
    """Run BFGS from every row of ``theta``, ``(S, P)``; rows that have converged are left alone.

    ``cost(theta, *data)`` has the shape ``(S,)``, row by row; of ``data``, tensors of shape
    ``(S, ...)``, it gets the rows still at work. A row has converged when no entry of its gradient
    is above ``tolerance``. Returns the last ``theta`` and its cost, which is never above the first.
    """
    theta, H = theta.clone(), _identity(theta, 0.1)
    f, g = _evaluate(cost, theta, data)
    for _ in range(num_steps):
        live = (g.abs().amax(-1) > tolerance).nonzero()[:, 0]
        if len(live) == 0:
            break
        direction = -torch.einsum("sij,sj->si", H[live], g[live])
        old, old_g = theta[live], g[live]
        new = _line_search(cost, old, f[live], old_g, direction, [d[live] for d in data])
        theta[live], f[live], g[live] = new
        H[live] = _update(H[live], theta[live] - old, g[live] - old_g)
    return theta, f


def _evaluate(cost: Cost, theta: Tensor, data: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    theta = theta.detach().clone().requires_grad_(True)
    f = cost(theta, *data)
    return f.detach(), torch.autograd.grad(f.sum(), theta)[0]


def _line_search(
    cost: Cost, theta: Tensor, f: Tensor, g: Tensor, direction: Tensor, data: Sequence[Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Shorten each row's step until its cost falls (Armijo); rows that never fall stay put."""
    theta, f, g, start = theta.clone(), f.clone(), g.clone(), theta
    step = (1 / direction.abs().amax(-1)).clamp(max=1.0)  # no entry moves by more than 1
    wanted = 1e-4 * (g * direction).sum(-1)
    first, todo = f.clone(), torch.arange(len(theta))
    for _ in range(8):
        trial = start[todo] + step[todo, None] * direction[todo]
        value, grad = _evaluate(cost, trial, [d[todo] for d in data])
        fell = value <= first[todo] + step[todo] * wanted[todo] + 1e-15
        theta[todo[fell]], f[todo[fell]], g[todo[fell]] = trial[fell], value[fell], grad[fell]
        todo = todo[~fell]
        if len(todo) == 0:
            break
        step[todo] *= 0.3
    return theta, f, g


def _update(H: Tensor, dx: Tensor, dg: Tensor) -> Tensor:
    """The BFGS inverse Hessian ``V H V' + rho dx dx'``; reset where the row did not move."""
    c = (dx * dg).sum(-1)
    curved = c > 1e-12 * dx.norm(dim=-1) * dg.norm(dim=-1)
    rho = (curved / c.where(curved, 1.0))[:, None, None]
    V = _identity(dx, 1.0) - rho * dx[:, :, None] * dg[:, None, :]
    H = torch.where(curved[:, None, None], V @ H @ V.mT + rho * dx[:, :, None] * dx[:, None, :], H)
    stuck = (dx == 0).all(-1)[:, None, None]
    return torch.where(stuck, _identity(dx, 0.01), H)


def _identity(theta: Tensor, scale: float) -> Tensor:
    eye = scale * torch.eye(theta.shape[-1], dtype=theta.dtype, device=theta.device)
    return eye.repeat(len(theta), 1, 1)
