"""The Gamma density: a closed form without noise, a quadrature in log space with it."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lessons_lib.shapes import Sigma, check_count, check_number, check_tensor, expand_sigma

NUM_NODES = 192


class Gamma:
    """Gamma density ``x^(k-1) exp(-x / theta) / (Gamma(k) theta^k)`` on ``x > 0``.

    At ``sigma = 0`` everything is in closed form. At ``sigma > 0`` the density
    ``p_sigma(x) = int p(u) N(x - u; 0, sigma^2) du`` and its score
    ``(E[u | x] - x) / sigma^2`` come from a trapezoidal rule in ``log u``, stretched around the
    mode of the integrand. Accuracy measured against 30 digits for ``shape`` from 0.2 to 1000 and
    ``sigma`` from 1e-4 to 1e3: about 1e-12 relative in ``p``, 1e-9 in the score.

    References: chapter 01_gaussian_score.

    Parameters
    ----------
    shape : float
        Shape ``k > 0``.
    scale : float
        Scale ``theta > 0``, in the units of ``x``.
    """

    def __init__(self, shape: float, scale: float) -> None:
        self.shape = check_number(shape, "shape")
        self.scale = check_number(scale, "scale")

    def log_prob(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Log density, shape ``(*)``; minus infinity for ``x <= 0`` at ``sigma = 0``."""
        point, level = _as_double(x, sigma)
        noisy = self._quadrature(point, level)[0] if bool((level > 0).any()) else 0.0
        inside = point.where(point > 0, 1.0)
        log_p = (self.shape - 1) * inside.log() - inside / self.scale - self._log_norm()
        clean = log_p.where(point > 0, -math.inf)
        return torch.where(level > 0, noisy, clean)[..., 0].to(x)

    def score(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Score ``(k - 1) / x - 1 / theta``, or its smoothed version, shape ``(*, 1)``.

        Refused where ``x <= 0`` and ``sigma = 0``: the density is zero there and has no score.
        """
        point, level = _as_double(x, sigma)
        if bool(((point <= 0) & (level == 0)).any()):
            raise ValueError(
                f"x must be positive where sigma = 0 (the density is zero elsewhere and has no "
                f"score), got a minimum of {float(point.min()):g}"
            )
        noisy = self._quadrature(point, level)[1] if bool((level > 0).any()) else 0.0
        clean = (self.shape - 1) / point.where(point > 0, 1.0) - 1 / self.scale
        return torch.where(level > 0, noisy, clean).to(x)

    def sample(self, num: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw ``num`` independent points by acceptance-rejection, shape ``(num, 1)``, float64."""
        return self.scale * standard_gamma(self.shape, num, generator)[:, None]

    def _log_norm(self) -> float:
        return math.lgamma(self.shape) + self.shape * math.log(self.scale)

    def _quadrature(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """``log p_sigma`` and its derivative, shapes ``(*, 1)``, by a sum over ``log u``."""
        k, theta = self.shape, self.scale
        var = sigma.where(sigma > 0, 1.0) ** 2
        b = x - var / theta
        root = (b**2 + 4 * k * var).sqrt()
        mode = torch.where(b > 0, (b + root) / 2, 2 * k * var / (root - b.clamp(max=0.0)))
        width = (var / (mode * root)).sqrt()  # standard deviation of log u around its mode
        low = -torch.asinh(9.0 + 40.0 / (k * width))  # the integrand falls below exp(-40) here
        high = math.asinh(14.0)
        part = torch.linspace(0, 1, NUM_NODES, dtype=x.dtype, device=x.device)
        s = low + (high - low) * part  # (*, 1) -> (*, NUM_NODES)
        t = width * torch.sinh(s)
        gap = torch.expm1(t)
        away = var * (k / mode - 1 / theta) + mode * gap  # u - x without cancellation
        log_u = mode.log() + t
        log_f = k * log_u - (mode + mode * gap) / theta - away**2 / (2 * var)
        log_f = log_f + (width * torch.cosh(s) * (high - low) / (NUM_NODES - 1)).log()
        log_p = torch.logsumexp(log_f, -1, keepdim=True) - self._log_norm()
        weight = torch.softmax(log_f, -1)
        mean_gap = (weight * gap).sum(-1, keepdim=True)
        return log_p - 0.5 * (2 * math.pi * var).log(), k / mode - 1 / theta + mode * mean_gap / var


def standard_gamma(shape: float, num: int, generator: torch.Generator | None = None) -> Tensor:
    """Draw from Gamma(``shape``, 1) by the acceptance-rejection of Marsaglia and Tsang, no squeeze.

    With ``d = k - 1/3``, ``c = 1 / sqrt(9 d)``, a normal ``z`` and ``v = (1 + c z)^3``, accept
    ``d v`` when ``log(uniform) < z^2 / 2 + d - d v + d log v``. About 95 % or more are accepted
    for ``k >= 1``; for ``k < 1`` a draw at ``k + 1`` is multiplied by ``uniform^(1/k)``.
    The ``num`` draws are float64. References: [MarsagliaTsang2000], chapter 01_gaussian_score.
    """
    num = check_count(num, "num")
    kind = {"generator": generator, "dtype": torch.float64}
    if shape < 1:
        boost = torch.rand(num, **kind) ** (1 / shape)
        return boost * standard_gamma(shape + 1, num, generator)
    d = shape - 1 / 3
    c = 1 / math.sqrt(9 * d)
    kept = torch.empty(0, dtype=torch.float64)
    while len(kept) < num:
        z = torch.randn(num, **kind)
        v = (1 + c * z) ** 3
        log_uniform = torch.rand(num, **kind).log()
        accept = (v > 0) & (log_uniform < z**2 / 2 + d - d * v + d * v.clamp(min=1e-300).log())
        kept = torch.cat([kept, d * v[accept]])
    return kept[:num]


def _as_double(x: Tensor, sigma: Sigma) -> tuple[Tensor, Tensor]:
    """``x`` and ``sigma`` in float64, broadcast against each other, shapes ``(*, 1)``."""
    check_tensor(x, "x", last=(1,))
    point = x.double()
    return point, expand_sigma(sigma, point).expand_as(point)
