"""The generalised total variation prior of two pixels, clean and smoothed.

The density depends on the difference ``d = x2 - x1`` alone, so noise of variance ``sigma^2`` on
each pixel is noise of variance ``tau^2 = 2 sigma^2`` on ``d``, and everything is one-dimensional.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lessons_lib.distributions._parts import in_blocks
from lessons_lib.distributions.gamma import standard_gamma
from lessons_lib.shapes import Sigma, check_number, check_tensor, expand_sigma

NUM_LEGENDRE = 12
ROWS = 1024
STEPS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.5, 8.0, 10.0, 14.0)


class GeneralizedTV:
    """Prior ``p(x1, x2)`` proportional to ``exp(-weight |x2 - x1|^power)`` on two pixels.

    It is flat along ``x1 = x2``, hence **improper**: no constant makes it integrate to one over
    the plane. The convention here is that `log_prob` is the log density of the difference
    ``d = x2 - x1``, which integrates to one over ``d``. With ``sum_std`` the sum ``x1 + x2`` is
    normal with that standard deviation, and the density in the plane is proper.

    With noise, ``power=1`` has a closed form, written with the logarithm of the normal
    distribution function so that it stays finite far in the tails; other powers use
    Gauss-Legendre panels around the cusp and the mode, accurate to about 1e-12 (measured for
    ``power`` from 0.3 to 8). Pixels share the score ``s_d`` of the difference: ``(-s_d, s_d)``.

    References: chapter 01_gaussian_score, chapter 04.

    Parameters
    ----------
    weight : float
        Positive weight, in units of ``x`` to the minus ``power``.
    power : float
        Positive exponent; 1 is total variation, 2 a Gaussian.
    sum_std : float, optional
        Standard deviation of ``x1 + x2``; without it the prior is improper.
    """

    def __init__(self, weight: float, power: float = 1, *, sum_std: float | None = None) -> None:
        self.weight = check_number(weight, "weight")
        self.power = check_number(power, "power")
        self.sum_std = None if sum_std is None else check_number(sum_std, "sum_std")

    def log_prob(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Log density of ``x2 - x1``; with ``sum_std``, that of ``(x1, x2)``; shape ``(*)``."""
        d, total, level = self._split(x, sigma)
        log_p = self._difference(d, level)[0]
        if self.sum_std is not None:
            var = self.sum_std**2 + 2 * level**2
            log_p = log_p + math.log(2) - 0.5 * (total**2 / var + (2 * math.pi * var).log())
        return log_p.to(x)

    def score(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Score ``(-s_d, s_d)``, plus that of the sum where ``sum_std`` is given; ``(*, 2)``.

        Without noise it jumps at ``x1 = x2`` for ``power <= 1``; there it is set to zero.
        """
        d, total, level = self._split(x, sigma)
        s_d = self._difference(d, level)[1]
        s = torch.stack([-s_d, s_d], -1)  # (*) -> (*, 2)
        if self.sum_std is not None:
            s = s - (total / (self.sum_std**2 + 2 * level**2))[..., None]
        return s.to(x)

    def sample(self, num: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw ``num`` independent pairs, shape ``(num, 2)``, float64; the prior must be proper."""
        if self.sum_std is None:
            raise ValueError(
                "sum_std must be given to draw samples: without it the prior is improper, "
                "flat along x1 = x2"
            )
        size = (standard_gamma(1 / self.power, num, generator) / self.weight) ** (1 / self.power)
        kind = {"generator": generator, "dtype": torch.float64}
        d = size * torch.randn(num, **kind).sign()
        total = self.sum_std * torch.randn(num, **kind)
        return torch.stack([total - d, total + d], -1) / 2  # (num, 2)

    def _split(self, x: Tensor, sigma: Sigma) -> tuple[Tensor, Tensor, Tensor]:
        """Difference, sum and noise level in float64, each of shape ``(*)``."""
        check_tensor(x, "x", last=(2,))
        point = x.double()
        level = expand_sigma(sigma, point).expand(*point.shape[:-1], 1)[..., 0]
        return point[..., 1] - point[..., 0], point[..., 0] + point[..., 1], level

    def _difference(self, d: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        """Log density of ``d`` and its derivative at noise ``tau = sqrt(2) sigma``."""
        clean = self._clean(d)
        if not bool((level > 0).any()):
            return clean
        tau = math.sqrt(2) * level.where(level > 0, 1.0)
        noisy = self._laplace(d, tau) if self.power == 1 else self._quadrature(d, tau)
        log_p, s_d = (torch.where(level > 0, a, b) for a, b in zip(noisy, clean, strict=True))
        return log_p, s_d

    def _clean(self, d: Tensor) -> tuple[Tensor, Tensor]:
        size = d.abs().where(d != 0, 1.0)  # keeps powers and their gradients finite at zero
        log_p = -self.weight * (size**self.power).where(d != 0, 0.0) - self._log_norm()
        return log_p, -self.weight * self.power * size ** (self.power - 1) * d.sign()

    def _log_norm(self) -> float:
        inverse = 1 / self.power
        return math.log(2) + math.lgamma(1 + inverse) - inverse * math.log(self.weight)

    def _laplace(self, d: Tensor, tau: Tensor) -> tuple[Tensor, Tensor]:
        """``p = beta/2 exp((beta tau)^2/2) (e^a + e^b)``, ``s_d = -beta tanh((a - b)/2)``."""
        beta = self.weight
        a = -beta * d + torch.special.log_ndtr(d / tau - beta * tau)
        b = beta * d + torch.special.log_ndtr(-d / tau - beta * tau)
        log_p = math.log(beta / 2) + (beta * tau) ** 2 / 2 + torch.logaddexp(a, b)
        return log_p, -beta * torch.tanh((a - b) / 2)

    def _quadrature(self, d: Tensor, tau: Tensor) -> tuple[Tensor, Tensor]:
        """``log int p(u) N(d - u; 0, tau^2) du`` and its derivative ``E[u - d | d] / tau^2``."""
        log_p, s_d = in_blocks(self._panels, ROWS, d.reshape(-1, 1), tau.reshape(-1, 1))
        return log_p.reshape(d.shape) - self._log_norm(), s_d.reshape(d.shape)

    def _panels(self, d: Tensor, tau: Tensor) -> tuple[Tensor, Tensor]:
        edges = self._edges(d.detach(), tau.detach())  # (B, P + 1)
        point, weight = _legendre(d)
        half = edges.diff(dim=-1)[..., None] / 2  # (B, P, 1)
        u = (edges[:, :-1, None] + half * (1 + point)).flatten(1)  # (B, P * NUM_LEGENDRE)
        log_w = (half * weight).clamp(min=1e-300).log().flatten(1)
        log_f = log_w - self.weight * u.abs() ** self.power - ((u - d) / tau) ** 2 / 2
        log_p = torch.logsumexp(log_f, -1) - 0.5 * (2 * math.pi * tau**2).log()[:, 0]
        mean = (torch.softmax(log_f, -1) * (u - d)).sum(-1)
        return log_p, mean / tau[:, 0] ** 2

    def _edges(self, d: Tensor, tau: Tensor) -> Tensor:
        """Panel edges around the cusp at zero and around the mode, sorted, shape ``(B, P + 1)``."""
        beta, p = self.weight, self.power
        size = d.abs()
        low = torch.zeros_like(d)
        if p < 1:  # the log integrand is concave only beyond this point
            low = (beta * p * (1 - p) * tau**2) ** (1 / (2 - p))
        low, high = torch.minimum(low, size), size
        for _ in range(60):  # bisection for the zero of the derivative of the log integrand
            u = (low + high) / 2
            rising = (size - u) / tau**2 > beta * p * u ** (p - 1)
            low, high = torch.where(rising, u, low), torch.where(rising, high, u)
        mode = low * d.sign()
        bend = 1 / tau**2
        if p > 1:
            bend = bend + beta * p * (p - 1) * low.clamp(min=1e-100) ** (p - 2)
        step = torch.tensor(STEPS, dtype=d.dtype, device=d.device)
        step = torch.cat([-step, step])
        scale = torch.full_like(d, beta ** (-1 / p))
        tiny = 2.0 ** torch.arange(-24, 1, 2, dtype=d.dtype, device=d.device)
        wide = 2.0 ** torch.arange(-3, math.log2(60) / p + 1, 0.5, dtype=d.dtype, device=d.device)
        near = torch.cat([torch.minimum(scale, tau) * tiny, scale * wide], -1)
        parts = -near, near, tau * step, mode + tau * step, mode + bend**-0.5 * step
        return torch.cat(parts, -1).sort(-1).values


def _legendre(like: Tensor) -> tuple[Tensor, Tensor]:
    """Nodes and weights of the Gauss-Legendre rule on [-1, 1]."""
    import numpy as np

    point, weight = np.polynomial.legendre.leggauss(NUM_LEGENDRE)
    return torch.as_tensor(point).to(like), torch.as_tensor(weight).to(like)
