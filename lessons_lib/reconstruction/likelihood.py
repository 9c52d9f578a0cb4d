"""How well an image explains a measurement with Gaussian noise."""

from __future__ import annotations

import math

from torch import Tensor

from lessons_lib.operators import Applies
from lessons_lib.shapes import Sigma, broadcasts, check_number, check_tensor, expand_sigma
from lessons_lib.solving import conjugate_gradients


class GaussianLikelihood:
    """How well an image explains a measurement ``y = A x + noise_std * noise``.

    ``log p(y | x) = - ||y - A x||^2 / (2 noise_std^2) + const``, so in ``x`` it pulls with
    ``A' (y - A x) / noise_std^2``. Added to a prior score it gives the score of the posterior.

    Parameters
    ----------
    A : LinearOperator
        Anything with a call, ``adjoint`` and ``in_shape``.
    y : Tensor, shape ``(*, out_shape)``
        The measurement, real or complex.

    Notes
    -----
    Chapters 01_gaussian_score and 06_map_langevin.
    """

    def __init__(self, A: Applies, y: Tensor, noise_std: float) -> None:
        check_tensor(y, "y", complex_allowed=True)
        for needed in ("adjoint", "in_shape"):
            if not hasattr(A, needed):
                raise TypeError(f"A must be an operator with {needed}, got {type(A).__name__}")
        self.A, self.y, self.noise_std = A, y, check_number(noise_std, "noise_std")

    def log_prob(self, x: Tensor) -> Tensor:
        """Return ``log p(y | x)`` with its constant, ``(*, in_shape) -> (*)``."""
        residual = self._residual(x)
        parts = 2 if residual.is_complex() else 1  # real numbers in each entry
        residual = residual.flatten(x.ndim - len(self.A.in_shape))  # (*, out_shape) -> (*, m)
        squares = residual.abs().square().sum(-1)
        count = parts * residual.shape[-1]
        constant = count * math.log(self.noise_std * math.sqrt(2 * math.pi))
        return -squares / (2 * self.noise_std**2) - constant

    def score(self, x: Tensor, sigma: Sigma = 0.0, *, num_cg: int = 100) -> Tensor:
        """Return the gradient in ``x`` of ``log p(y | x)``, or of its widened form.

        With ``sigma`` the density is ``N(y; A x, noise_std^2 I + sigma^2 A A')``: what ``y`` would
        say of ``x``, if ``x`` were the truth plus noise of this level and nothing else were known
        about the truth. Its gradient, with ``M = A' A / noise_std^2``, is

            ``(I + sigma^2 M)^-1  A' (y - A x) / noise_std^2``,

        nowhere steeper than ``1 / sigma^2``. Hence ``x + sigma^2 score(x, sigma)`` minimises
        ``||A z - y||^2 / (2 noise_std^2) + ||z - x||^2 / (2 sigma^2)`` over ``z``.

        Parameters
        ----------
        sigma : float or Tensor, shape ``()`` or ``(*)``
            Noise level of ``x``; 0 is the likelihood itself.
        num_cg : int
            Most steps of conjugate gradients; where ``A' A`` has few different eigenvalues a
            handful is exact.
        """
        pull = self.A.adjoint(self._residual(x)) / self.noise_std**2
        event_dims = len(self.A.in_shape)
        level = expand_sigma(sigma, x, event_dims=event_dims)
        if not bool((level > 0).any()):
            return pull
        return conjugate_gradients(
            lambda v: v + level**2 * self.A.adjoint(self.A(v)) / self.noise_std**2,
            pull,
            num_steps=num_cg,
            event_dims=event_dims,
        )

    def _residual(self, x: Tensor) -> Tensor:
        """``y - A x``."""
        Ax = self.A(check_tensor(x, "x", last=tuple(self.A.in_shape)))
        if not (broadcasts(self.y.shape, Ax.shape) or broadcasts(Ax.shape, self.y.shape)):
            raise ValueError(
                f"y must have the shape of A x, {tuple(Ax.shape)}, got {tuple(self.y.shape)}"
            )
        if self.y.is_complex() and not Ax.is_complex():
            raise TypeError(f"y must be real like A x, got {self.y.dtype}")
        return self.y.to(Ax.dtype) - Ax  # float32 images stay float32 beside float64 data


def check_likelihood(likelihood: GaussianLikelihood) -> None:
    """Refuse anything that is no `GaussianLikelihood`."""
    if not isinstance(likelihood, GaussianLikelihood):
        kind = type(likelihood).__name__
        raise TypeError(f"likelihood must be a GaussianLikelihood, got {kind}")
