"""Is the posterior honest? Samples laid next to truths that were drawn from the prior."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from lessons_lib.shapes import check_count, check_number, check_tensor


def ranks(samples: Tensor, truth: Tensor) -> Tensor:
    """Place of the truth among the samples: how many of them lie below it.

    If the truth is drawn from the prior, the data from the truth, and the samples from the
    posterior given these data, truth and samples are exchangeable: each rank from 0 to
    ``num_samples`` is equally likely. Ranks piled up at both ends betray a posterior that is too
    narrow, in the middle one that is too wide, at one end a bias. References: [Talts2018]; chapter
    06_posterior.

    Parameters
    ----------
    samples : Tensor, shape ``(num_samples, *)``
        Independent samples: thin a walk until they are.
    truth : Tensor, shape ``(*)``
        The true values.

    Returns
    -------
    Tensor, shape ``(*)``, int64
        Ranks between 0 and ``num_samples``.
    """
    _check_pair(samples, truth)
    return (samples < truth).sum(0)


def uniformity(ranks: Tensor, num_samples: int, *, bins: int | None = None) -> float:
    """Probability that ranks which are uniform look as uneven as these or worse.

    Pearson's chi-square test: ``sum_b (count_b - expected)^2 / expected`` over equal bins of
    ranks, against its law with ``bins - 1`` degrees of freedom.

    Parameters
    ----------
    ranks : Tensor
        Ranks from `ranks`, in any shape; they should be independent, as neighbouring pixels of
        one image are not.
    num_samples : int
        Number of samples that each truth was ranked among.
    bins : int, optional
        A divisor of ``num_samples + 1``; by default that number itself. At least five ranks must
        be expected in a bin, or the test would not be valid.

    Returns
    -------
    float
        A p-value: uniform on [0, 1] if the ranks are uniform, near 0 if they are not.
    """
    from scipy.stats import chisquare

    places = check_count(num_samples, "num_samples") + 1
    bins = places if bins is None else check_count(bins, "bins")
    if bins < 2 or places % bins:
        raise ValueError(f"bins must divide num_samples + 1 = {places} and exceed 1, got {bins}")
    if ranks.is_floating_point() or bool(((ranks < 0) | (ranks >= places)).any()):
        raise ValueError(f"ranks must be integers from 0 to {num_samples}, got {ranks}")
    if ranks.numel() < 5 * bins:
        raise ValueError(f"ranks must be at least 5 for each of {bins} bins, got {ranks.numel()}")
    counts = torch.bincount(ranks.flatten() // (places // bins), minlength=bins)
    return float(chisquare(counts.numpy()).pvalue)


def coverage(samples: Tensor, truth: Tensor, *, level: float = 0.9) -> float:
    """Share of the truths that lie in the central interval of the samples.

    The ends of the interval are the order statistics number ``k`` and ``num_samples + 1 - k`` with
    ``k = (num_samples + 1) (1 - level) / 2``, interpolated between neighbours. For samples of the
    right posterior the expected share is then ``level``: exactly so where ``k`` is an integer.

    Parameters
    ----------
    samples : Tensor, shape ``(num_samples, *)``
        Samples of each quantity.
    truth : Tensor, shape ``(*)``
        The true values.
    level : float
        Wanted share, between 0 and 1; it needs ``2 / (1 - level) - 1`` samples to have such an
        interval.

    Returns
    -------
    float
        Measured share, over all quantities.
    """
    _check_pair(samples, truth)
    if not 0 < (level := check_number(level, "level")) < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}")
    if (len(samples) + 1) * (1 - level) / 2 < 1 - 1e-9:
        needed = math.ceil(2 / (1 - level) - 1 - 1e-9)
        raise ValueError(f"samples must be at least {needed} at level {level}, got {len(samples)}")
    values, tails = samples.detach().double().cpu().numpy(), [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(values, tails, axis=0, method="weibull")
    true = truth.detach().double().cpu().numpy()
    return float(((low <= true) & (true <= high)).mean())


def _check_pair(samples: Tensor, truth: Tensor) -> None:
    check_tensor(truth, "truth", min_dims=0, half_allowed=True)
    check_tensor(samples, "samples", half_allowed=True)
    if samples.shape[1:] != truth.shape or len(samples) == 0:
        raise ValueError(
            f"samples must have shape (num_samples, *) with * that of truth, {tuple(truth.shape)}, "
            f"got {tuple(samples.shape)}"
        )
