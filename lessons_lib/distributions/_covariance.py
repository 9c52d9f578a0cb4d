"""Full covariances at every noise level: ``cov + sigma^2 I`` from one eigendecomposition."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.shapes import check_tensor


class SmoothedCovariance:
    """Solve with ``cov + sigma^2 I`` for any ``sigma``, for one matrix or a stack of them.

    With ``cov = U diag(lam) U'`` the smoothed matrix is ``U diag(lam + sigma^2) U'``: one
    eigendecomposition serves all noise levels. A matrix that requires a gradient is factored
    anew by Cholesky instead, because the derivative of eigenvectors is infinite where two
    eigenvalues meet.

    Its ``cov`` has the shape ``(*K, n, n)`` and is called ``name`` in messages.
    """

    def __init__(self, cov: Tensor, name: str) -> None:
        check_tensor(cov, name, last=cov.shape[-1:] * 2, min_dims=2)
        flat = cov.detach()
        size = flat.abs().amax(dim=(-2, -1), keepdim=True)
        if bool(((flat - flat.mT).abs() > 1e-5 * size).any()):
            raise ValueError(f"{name} must be symmetric, got {flat.tolist()}")
        lam, u = torch.linalg.eigh(flat)
        kind = torch.finfo(cov.dtype)
        least = (kind.eps * lam[..., -1:]).clamp(min=1e2 * kind.tiny)  # below lies rounding error
        if bool((lam <= least).any()):
            raise ValueError(
                f"{name} must be positive definite, got a smallest eigenvalue of {lam.min():g}"
            )
        self.cov, self.lam, self.u = cov, lam, u

    def solve(self, d: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``(cov + variance I)^-1 d`` and ``log det(cov + variance I)``.

        Shapes ``(*, *K, n)``, and broadcastable to ``(*, *K)``, for ``d`` of shape ``(*, *K, n)``
        and a variance of shape ``()`` or broadcastable to ``(*, *K, 1)``.
        """
        if self.cov.requires_grad:
            eye = torch.eye(d.shape[-1], dtype=d.dtype, device=d.device)
            extra = variance[..., None] if variance.ndim else variance
            lower = torch.linalg.cholesky(self.cov.to(d) + extra * eye)
            solved = torch.cholesky_solve(d[..., None], lower)[..., 0]  # (*, *K, n)
            return solved, 2 * lower.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        lam, u = self.lam.to(d) + variance, self.u.to(d)
        z = torch.einsum("...i,...ij->...j", d, u) / lam
        return torch.einsum("...j,...ij->...i", z, u), lam.log().sum(-1)

    def colour(self, noise: Tensor) -> Tensor:
        """Turn unit normal ``noise`` of shape ``(*, *K, n)`` into noise of covariance ``cov``.

        The symmetric root ``U diag(sqrt(lam)) U'`` is the same whatever signs and order the
        eigenvectors have, which differ between processors: so are the draws.
        """
        z = torch.einsum("...i,...ij->...j", noise, self.u) * self.lam.sqrt()
        return torch.einsum("...j,...ij->...i", z, self.u)

    def conditional_root(self, v: Tensor, variance: Tensor) -> Tensor:
        """Apply the symmetric root of ``variance cov (cov + variance I)^-1``, of one matrix.

        That is the covariance of a normal variable, given the sum of it and of white noise. For
        ``v`` of shape ``(*, n)`` and a variance of shape ``()`` or ``(*, 1)``.
        """
        lam, u = self.lam.to(v), self.u.to(v)
        return ((v @ u) * (lam * variance / (lam + variance)).sqrt()) @ u.mT
