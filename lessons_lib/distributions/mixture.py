"""Mixtures of normals: closed under Gaussian noise, so the score is exact at every sigma."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lessons_lib.distributions._covariance import SmoothedCovariance
from lessons_lib.distributions._parts import as_covariance, check_weights
from lessons_lib.shapes import Sigma, check_count, check_tensor, expand_sigma, unit_normal


class GaussianMixture:
    """Mixture ``sum_k w_k N(mean_k, cov_k)`` with its exact score at every noise level.

    The score is the responsibility-weighted mean of the component scores,
    ``s(x) = sum_k r_k(x) s_k(x)`` with ``r_k(x) = w_k p_k(x) / p(x)``. Gradients flow to
    weights, means and covariances, so that a mixture can be fitted.

    References: chapter 01_gaussian_score.

    Parameters
    ----------
    weights : Tensor, shape ``(K,)``
        Non-negative, summing to one.
    means : Tensor, shape ``(K, n)``
        Component means, in the units of ``x``.
    covs : float or Tensor
        Covariances in squared units of ``x``: ``(K, n, n)``; or ``(n, n)``, shared by all; or
        ``(K,)``, one isotropic variance for each component; or a number, one for all.
    """

    def __init__(self, weights: Tensor, means: Tensor, covs: float | Tensor) -> None:
        check_tensor(weights, "weights")
        check_tensor(means, "means")
        if weights.ndim != 1 or means.ndim != 2 or len(weights) != len(means) or not means.numel():
            got = f"weights {tuple(weights.shape)} and means {tuple(means.shape)}"
            raise ValueError(f"weights must be (K,) and means (K, n), got {got}")
        check_weights(weights)
        (k, n), covs = means.shape, as_covariance(covs, means.shape[1], means, "covs")
        if covs.shape not in ((k, n, n), (n, n), (1, n, n)):
            raise ValueError(f"covs must be a number, ({k},), ({n}, {n}) or ({k}, {n}, {n}), "
                             f"got {tuple(covs.shape)}")  # fmt: skip
        self.weights, self.means, self.covs = weights, means, covs.expand(k, n, n)
        self._smoothed = SmoothedCovariance(self.covs, "covs")

    def log_prob(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Log density ``log sum_k w_k N(x; mean_k, cov_k + sigma^2 I)``, shape ``(*)``."""
        return torch.logsumexp(self._components(x, sigma)[0], dim=-1)

    def score(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Score ``sum_k r_k(x) s_k(x)``, shape ``(*, n)``."""
        joint, scores = self._components(x, sigma)
        r = torch.softmax(joint, dim=-1)
        return (r[..., None] * scores).sum(-2)  # (*, K, n) -> (*, n)

    def responsibilities(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Posterior probability of each component given ``x``, shape ``(*, K)``."""
        return torch.softmax(self._components(x, sigma)[0], dim=-1)

    def sample(self, num: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw ``num`` independent points, shape ``(num, n)``."""
        num = check_count(num, "num")
        with torch.no_grad():
            k = torch.multinomial(self.weights, num, replacement=True, generator=generator)
            noise = unit_normal((num, 1, self.means.shape[1]), self.means, generator)
            chosen = torch.arange(num, device=k.device), k
            return (self.means + self._smoothed.colour(noise))[chosen]  # (num, K, n) -> (num, n)

    def marginal(self, index: Tensor | list[int]) -> GaussianMixture:
        """Return the density of some of the coordinates, with the same weights: again a mixture.

        Their numbers are the ``index``, a tensor or list of shape ``(m,)``, in their new order.
        """
        index, n = torch.as_tensor(index), self.means.shape[1]
        whole = not index.is_floating_point() and index.dtype != torch.bool and index.ndim == 1
        if not whole or not bool(((index >= -n) & (index < n)).all()) or len(index) == 0:
            raise ValueError(f"index must number some of {n} coordinates, got {index.tolist()}")
        return GaussianMixture(
            self.weights, self.means[:, index], self.covs[:, index[:, None], index]
        )

    def _components(self, x: Tensor, sigma: Sigma) -> tuple[Tensor, Tensor]:
        """``log w_k p_k(x)``, shape ``(*, K)``, and the component scores, ``(*, K, n)``."""
        n = self.means.shape[1]
        check_tensor(x, "x", last=(n,))
        variance = expand_sigma(sigma, x) ** 2
        variance = variance[..., None, :] if variance.ndim else variance  # (*, 1, 1)
        d = x[..., None, :] - self.means.to(x)  # (*, n) -> (*, K, n)
        solved, logdet = self._smoothed.solve(d, variance)
        quadratic = (d * solved).sum(-1) + logdet + n * math.log(2 * math.pi)
        return self.weights.to(x).log() - 0.5 * quadratic, -solved
