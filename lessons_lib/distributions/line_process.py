"""The line process of two pixels: a spring between them, or a line that cuts it for a price."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.shapes import Sigma, check_number, check_tensor, expand_sigma


class LineProcess:
    r"""Two pixels that differ by ``d``, with a line between them or without.

    The line ``l`` is summed out,

    ``exp(-V(d)) = sum_l exp(-(1 - l) d^2 / (2 width^2) - l price)``
    ``           = exp(-d^2 / (2 width^2)) + exp(-price)``.

    The minimum over the line, in place of the sum, is the truncated quadratic; this potential is
    the smooth one below it, by at most ``log 2``. Its score is the force of the spring times the
    probability that no line cuts it, `bond`:

    ``s_d = -bond(d) d / width^2``,

    the dual of Geman and Reynolds. Noise of variance ``2 sigma^2`` on ``d`` widens the spring and
    leaves the other term: a closed form at every ``sigma``. The density is **improper**: flat
    along ``x1 = x2``, and as ``d`` grows; `log_prob` lacks a constant that does not exist. With
    a likelihood, or a weak tie of each pixel, images have a proper density.

    References: [GemanGeman1984], [GemanReynolds1992]; chapter 05_patch_with_lines.

    Parameters
    ----------
    width : float
        Standard deviation ``width`` of the difference where no line is, in the units of ``x``.
    price : float
        What a line costs, in units of the log density: beyond ``d = width sqrt(2 price)`` a line
        is more probable than none.
    """

    def __init__(self, width: float, price: float) -> None:
        self.width = check_number(width, "width")
        self.price = check_number(price, "price", any_sign=True)

    def log_prob(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """``-V(x2 - x1)``, smoothed by ``sigma``, without a constant; shape ``(*)``."""
        _, spring, _ = self._spring(x, sigma)
        return torch.logaddexp(spring, spring.new_tensor(-self.price))

    def score(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Score ``(-s_d, s_d)``, shape ``(*, 2)``."""
        d, spring, variance = self._spring(x, sigma)
        s_d = -torch.sigmoid(spring + self.price) * d / variance
        return torch.stack([-s_d, s_d], -1)  # (*) -> (*, 2)

    def bond(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Probability that no line is between the two pixels, shape ``(*)``."""
        _, spring, _ = self._spring(x, sigma)
        return torch.sigmoid(spring + self.price)

    def _spring(self, x: Tensor, sigma: Sigma) -> tuple[Tensor, Tensor, Tensor]:
        """Difference, logarithm of the term without a line, and variance of its spring."""
        check_tensor(x, "x", last=(2,))
        d = x[..., 1] - x[..., 0]
        level = expand_sigma(sigma, x).expand(*x.shape[:-1], 1)[..., 0]
        variance = self.width**2 + 2 * level**2
        spring = -(d**2) / (2 * variance) - (variance / self.width**2).log() / 2
        return d, spring, variance
