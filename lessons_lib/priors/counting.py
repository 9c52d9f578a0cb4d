"""Counting numbers: add the scores of the patches, subtract those of their overlaps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lessons_lib.patches import Patches, PatchSize
from lessons_lib.priors.patch_prior import PatchPrior
from lessons_lib.shapes import Score, Sigma, check_number, checked


class WeightedPrior:
    """A weighted sum of image scores, ``sum_k weights[k] * priors[k](x, sigma)``.

    Parameters
    ----------
    weights : sequence of float
        One number for each prior; they may be negative.
    priors : sequence of Score
        Image scores.

    References: chapter 05_patch_mrf.
    """

    def __init__(self, weights: Sequence[float], priors: Sequence[Score]) -> None:
        if len(weights) != len(priors) or not priors:
            raise ValueError(
                f"weights and priors must be equally many, got {len(weights)} and {len(priors)}"
            )
        self.weights = tuple(check_number(w, "each weight", any_sign=True) for w in weights)
        self.priors = tuple(checked(prior, "each prior") for prior in priors)

    def __call__(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Evaluate the score of images ``(*, H, W)``."""
        total = torch.zeros_like(x)
        for weight, prior in zip(self.weights, self.priors, strict=True):
            total = total + weight * prior(x, sigma)
        return total


def counting_numbers(
    image_shape: tuple[int, int], patch_size: PatchSize, *, wrap: bool = False
) -> list[tuple[int, Patches]]:
    """List the patches and their overlaps, each with the number of times that it should count.

    All ``p x q`` patches count +1; the overlaps of neighbours across, ``p x (q - 1)``, and down,
    ``(p - 1) x q``, count -1; the overlaps of these, ``(p - 1) x (q - 1)``, count +1. Only true
    overlaps are listed: a piece of ``p x (q - 1)`` at the left edge lies in one patch, not two.
    Every pixel then counts exactly once, also in a corner.

    Parameters
    ----------
    patch_size, wrap
        As for `Patches`; the patches have ``p`` rows and ``q`` columns.

    Returns
    -------
    list of tuple
        Pairs ``(number, Patches)``, without those that have no patch.

    References
    ----------
    [Lauritzen1996], [YedidiaFreemanWeiss2005], chapter 05_patch_mrf.
    """
    p, q = Patches(image_shape, patch_size).patch_shape
    found = []
    for down, across in ((0, 0), (0, 1), (1, 0), (1, 1)):
        if p > down and q > across:
            patches = Patches(image_shape, (p - down, q - across), wrap=wrap)
            if not wrap:
                patches = patches.keep(_inner(down), _inner(across))
            if min(patches.positions) > 0:
                found.append(((-1) ** (down + across), patches))
    return found


def kikuchi(
    patch_score: Callable[[tuple[int, int]], Score],
    image_shape: tuple[int, int],
    patch_size: PatchSize,
    *,
    wrap: bool = False,
    chunk: int = 16384,
) -> WeightedPrior:
    """Image score with counting numbers, the gradient of Kikuchi's approximate log density.

    ``log p(x) ~ sum_r number_r sum_(c in r) log p_r(G_c x)`` over the regions ``r`` of
    `counting_numbers`. Exact where the image is a Markov chain (patches of one row) whose memory
    is shorter than the patch, and in two dimensions for a product of two such chains.

    Parameters
    ----------
    patch_score : callable
        ``patch_score((rows, cols))`` returns the score of patches of that shape, for instance
        ``lambda shape: field.patch_marginal(shape).score``. Called for up to four shapes.
    patch_size, wrap
        As for `Patches`, of the largest patches.

    References
    ----------
    [Lauritzen1996], [YedidiaFreemanWeiss2005], chapter 05_patch_mrf.
    """
    numbers, regions = zip(*counting_numbers(image_shape, patch_size, wrap=wrap), strict=True)
    scores = [patch_score(patches.patch_shape) for patches in regions]
    priors = [PatchPrior(*pair, chunk=chunk) for pair in zip(scores, regions, strict=True)]
    return WeightedPrior(numbers, priors)


def _inner(overlap: int) -> slice:
    """Positions of true overlaps: all for a patch, without the first and last for an overlap."""
    return slice(1, -1) if overlap else slice(None)
