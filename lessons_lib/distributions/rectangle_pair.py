"""Two neighbouring pixels of the tilted-rectangle model: an explicit mixture at every sigma."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lessons_lib.distributions._parts import check_weights, in_blocks
from lessons_lib.phantoms import coverage, rectangle_parameters
from lessons_lib.phantoms.tilted import check_level
from lessons_lib.shapes import Sigma, check_count, check_tensor, expand_sigma

MAX_ENTRIES = 2**15
WHOLE = 1e-7


class RectanglePair:
    """Density of two pixels ``x_i = b + f_i (r - b)`` with normal levels and random fractions.

    Given the pair of covered fractions ``f``, the pair of pixels is normal,

    ``mean_k = (1 - f_k) E[b] + f_k E[r]``,
    ``cov_k = var(b) (1 - f_k)(1 - f_k)' + var(r) f_k f_k'``,

    so that the noisy density is ``sum_k w_k N(mean_k, cov_k + sigma^2 I)`` over the histogram of
    that pair, and its score is exact for this histogram at every ``sigma > 0``. Without noise there
    is no density in the plane: where ``f_1 = f_2`` the covariance is singular, and these pairs,
    inside the rectangle or outside of it, are most of all pairs.

    References: [Fessler2023], chapter 04_tv_patch.

    Parameters
    ----------
    fractions : Tensor, shape ``(K, 2)``
        Pairs of covered fractions, in [0, 1].
    weights : Tensor, shape ``(K,)``
        Their probabilities, summing to one.
    background, foreground : tuple of float
        Mean and standard deviation of the two levels.
    """

    def __init__(
        self,
        fractions: Tensor,
        weights: Tensor,
        *,
        background: tuple[float, float] = (1.0, 0.1),
        foreground: tuple[float, float] = (1.0, 0.03),
    ) -> None:
        check_tensor(fractions, "fractions", last=(2,))
        check_tensor(weights, "weights", last=fractions.shape[:1])
        if bool((fractions < 0).any() or (fractions > 1).any()):
            raise ValueError(
                f"fractions must be in [0, 1], got {fractions.min():g} to {fractions.max():g}"
            )
        check_weights(weights)
        f, e = fractions.double(), 1 - fractions.double()  # (K, 2)
        self.fractions, self.weights = f, weights.double()
        self.background = b, b_std = check_level(background, "background")
        self.foreground = r, r_std = check_level(foreground, "foreground")
        self.means = e * b + f * r  # (K, 2)
        e_outer, f_outer = (t[:, :, None] * t[:, None, :] for t in (e, f))
        self.covs = b_std**2 * e_outer + r_std**2 * f_outer  # (K, 2, 2)

    @classmethod
    def from_images(
        cls,
        num: int = 20_000,
        *,
        size: int = 16,
        bins: int = 24,
        generator: torch.Generator | None = None,
        **levels: tuple[float, float],
    ) -> RectanglePair:
        """Tabulate the fractions over all neighbours, both ways, in ``num`` random images.

        The density has an error of order ``num**-0.5`` and ``bins**-2``.

        Parameters
        ----------
        num, size : int
            Number of images, and their height and width in pixels; an image has
            ``4 size (size - 1)`` ordered pairs.
        bins : int
            Bins of each fraction between 0 and 1, both of which are kept apart; a bin is
            represented by the mean of its pairs.
        **levels : tuple of float
            ``background=`` and ``foreground=``, as for the class.
        """
        bins = check_count(bins, "bins")
        geometry = rectangle_parameters(num, size=size, generator=generator)[:, :5]
        table = sum(_tabulate(coverage(some, size=size), bins) for some in geometry.split(512))
        table = table + table[[0, 2, 1]].mT  # each pair in both orders
        count = table[0].flatten()
        kept = count > 0
        fractions = (table[1:].flatten(1)[:, kept] / count[kept]).T  # (K, 2)
        return cls(fractions.clamp(0, 1), count[kept] / count.sum(), **levels)

    def log_prob(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Log density of two pixels in noise, shape ``(*)``.

        ``sigma`` must be given, and positive: without noise there is no density, and the default
        is refused.
        """
        return self._reduce(x, sigma)[0].to(x)

    def score(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Score of two pixels in noise, shape ``(*, 2)``."""
        return self._reduce(x, sigma)[1].to(x)

    def sample(self, num: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw ``num`` independent pairs without noise, shape ``(num, 2)``, float64."""
        num = check_count(num, "num")
        k = torch.multinomial(self.weights, num, replacement=True, generator=generator)
        z = torch.randn(num, 2, generator=generator, dtype=torch.float64)
        b = self.background[0] + self.background[1] * z[:, :1]
        r = self.foreground[0] + self.foreground[1] * z[:, 1:]
        return b + self.fractions[k] * (r - b)

    def given_sum(self, total: float) -> tuple[Tensor, Tensor, Tensor]:
        """Law of the difference ``x2 - x1`` without noise when only the sum is known.

        Each normal is conditioned on its sum ``total = x1 + x2``, by ``cov(d, t) / var(t)`` times
        the surprise, and its weight changes to how well it explains the sum. Returned are weights,
        means and standard deviations of a mixture of normals on the line, each ``(K,)``. A
        standard deviation of zero is an atom: the pairs with equal fractions have equal pixels,
        whatever the sum.
        """
        (a, c), (_, b) = self.covs.permute(1, 2, 0)  # each (K,)
        var_t, cross = a + b + 2 * c, b - a
        surprise = total - self.means.sum(-1)
        weights = torch.softmax(
            self.weights.log() - 0.5 * (var_t.log() + surprise**2 / var_t), dim=-1
        )
        means = self.means[:, 1] - self.means[:, 0] + cross / var_t * surprise
        var = (a + b - 2 * c - cross**2 / var_t).clamp(min=0)
        equal = self.fractions[:, 0] == self.fractions[:, 1]
        return weights, means, var.sqrt().where(~equal, 0.0)

    def _reduce(self, x: Tensor, sigma: Sigma) -> tuple[Tensor, Tensor]:
        """Log density ``(*)`` and score ``(*, 2)`` in float64, one block of points at a time."""
        check_tensor(x, "x", last=(2,))
        batch, points = x.shape[:-1], x.double().reshape(-1, 2)
        var = expand_sigma(sigma, x.double(), positive=True) ** 2
        rows = max(1, MAX_ENTRIES // len(self.weights))
        if var.ndim == 0:  # one for all points, so that each matrix is inverted once
            log_p, s = in_blocks(lambda some: self._block(some, var), rows, points)
        else:
            log_p, s = in_blocks(self._block, rows, points, var.expand(*batch, 1).reshape(-1, 1))
        return log_p.reshape(batch), s.reshape(x.shape)

    def _block(self, x: Tensor, var: Tensor) -> tuple[Tensor, Tensor]:
        """Log density and score of ``(B, 2)``; each 2 x 2 matrix is inverted by hand."""
        d1, d2 = (x[:, i, None] - self.means[:, i].to(x.device) for i in (0, 1))  # (B, K)
        (a, c), (_, b) = self.covs.to(x.device).permute(1, 2, 0)  # each (K,)
        a, b = a + var, b + var  # (K,), or (B, K) where var is (B, 1)
        det = a * b - c * c
        a, b, c = a / det, b / det, c / det  # C^-1 = [[b, -c], [-c, a]]
        s1, s2 = c * d2 - b * d1, c * d1 - a * d2  # s = -C^-1 d
        log_norm = self.weights.to(x.device).log() - math.log(2 * math.pi) - 0.5 * det.log()
        joint = log_norm + 0.5 * (d1 * s1 + d2 * s2)
        log_p = torch.logsumexp(joint, -1)
        r = (joint - log_p[:, None]).exp()
        return log_p, torch.stack([(r * s1).sum(-1), (r * s2).sum(-1)], -1)


def _tabulate(f: Tensor, bins: int) -> Tensor:
    """Count and sums of the fractions of all neighbours, shape ``(3, bins + 2, bins + 2)``."""
    down = torch.stack([f[:, :-1].flatten(), f[:, 1:].flatten()])
    right = torch.stack([f[:, :, :-1].flatten(), f[:, :, 1:].flatten()])
    pairs = torch.cat([down, right], -1)  # (2, N)
    pairs = pairs.where(pairs > WHOLE, 0).where(pairs < 1 - WHOLE, 1)
    inner = 1 + (pairs * bins).long().clamp(max=bins - 1)
    code = inner.where(pairs > 0, 0).where(pairs < 1, bins + 1)
    index = code[0] * (bins + 2) + code[1]
    weights = torch.cat([torch.ones_like(pairs[:1]), pairs])  # (3, N)
    rows = [torch.bincount(index, w, minlength=(bins + 2) ** 2) for w in weights]
    return torch.stack(rows).reshape(3, bins + 2, bins + 2)
