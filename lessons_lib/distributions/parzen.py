"""The Parzen window estimate: a normal of width sigma on each data point, summed in chunks."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lessons_lib.distributions._parts import in_blocks
from lessons_lib.shapes import Sigma, check_count, check_tensor, expand_sigma

MAX_ENTRIES = 2**17
DATA_ROWS = 2048


class Parzen:
    """Empirical density smoothed by noise, ``q_sigma(x) = 1/T sum_t N(x; x_t, sigma^2 I)``.

    Its score is ``(xbar - x) / sigma^2`` where ``xbar`` is the average of the data weighted by
    ``exp(-||x - x_t||^2 / (2 sigma^2))``. Distances are computed in float64 in blocks of at most
    ``MAX_ENTRIES`` entries (1 MiB), so memory does not grow with the number of data times the
    number of points. (With autograd the graph keeps its blocks: differentiate small batches.)

    References: [Vincent2011], chapter 03_noise_conditional.

    Parameters
    ----------
    data : Tensor, shape ``(T, n)``
        The samples, in the units of ``x``.
    """

    def __init__(self, data: Tensor) -> None:
        self.data = check_tensor(data, "data", axes="T, n")
        self._centre = data.double().mean(0)

    def log_prob(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Log density of the data smoothed by ``sigma``, shape ``(*)``.

        ``sigma`` must be given, and positive: without noise the estimate is a sum of spikes. The
        default stands for the clean density that every other class has, and is refused.
        """
        return self._reduce(x, sigma)[0].to(x)

    def score(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Score ``(xbar - x) / sigma^2``, shape ``(*, n)``."""
        return self._reduce(x, sigma)[1].to(x)

    def sample(self, num: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw ``num`` data points with replacement, shape ``(num, n)``."""
        num = check_count(num, "num")
        device = self.data.device
        row = torch.randint(len(self.data), (num,), generator=generator, device=device)
        return self.data[row]

    def _reduce(self, x: Tensor, sigma: Sigma) -> tuple[Tensor, Tensor]:
        """Log density ``(*)`` and score ``(*, n)`` in float64, one block of points at a time."""
        count, n = self.data.shape
        batch = check_tensor(x, "x", last=(n,)).shape[:-1]
        level = expand_sigma(sigma, x.double(), positive=True).expand(*batch, 1).reshape(-1, 1)
        points = (x.double() - self._centre.to(x.device)).reshape(-1, n)  # (*, n) -> (B, n)
        rows = max(1, MAX_ENTRIES // min(count, DATA_ROWS))
        log_sum, mean = in_blocks(self._block, rows, points, level**2)
        log_norm = math.log(count) + 0.5 * n * (2 * math.pi * level[:, 0] ** 2).log()
        return (log_sum - log_norm).reshape(batch), ((mean - points) / level**2).reshape(x.shape)

    def _block(self, points: Tensor, var: Tensor) -> tuple[Tensor, Tensor]:
        """Streaming ``log sum_t exp(a_t)`` and softmax-weighted mean of the data, ``(B,), (B, n)``.

        ``a_t = -||x - x_t||^2 / (2 sigma^2)`` without its ``x`` term, which no weight depends on,
        is one matrix product. The running maximum ``top`` only rescales: it needs no gradient.
        """
        left = torch.cat([points, torch.full_like(var, -0.5)], -1) / var  # (B, n + 1)
        top = torch.full_like(var, -math.inf)
        sums = torch.zeros_like(left)
        for some in self.data.split(DATA_ROWS):
            data = some.to(points) - self._centre.to(points)  # (R, n)
            a = left @ torch.cat([data, (data**2).sum(-1, keepdim=True)], -1).T  # (B, R)
            higher = torch.maximum(top, a.detach().amax(-1, keepdim=True))
            right = torch.cat([data, torch.ones_like(data[:, :1])], -1)  # (R, n + 1)
            sums = sums * (top - higher).exp() + (a - higher).exp() @ right
            top = higher
        moment, total = sums[:, :-1], sums[:, -1:]
        log_sum = total.log() + top - (points**2).sum(-1, keepdim=True) / (2 * var)
        return log_sum[:, 0], moment / total
