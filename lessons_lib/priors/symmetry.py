"""A score averaged over symmetries commutes with each of them exactly."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.shapes import (
    Score,
    Sigma,
    check_count,
    check_tensor,
    checked,
    inverse_turn,
    turned,
)


class SymmetricScore:
    r"""Average a score over the eight symmetries of the square: quarter turns and mirrors.

    .. math:: s_G(x, \sigma) = \frac{1}{|G|} \sum_{g \in G} g^{-1} s(g x, \sigma)

    commutes with every ``g`` of the group ``G``: ``s_G(g x) = g s_G(x)``, exactly. It is a gradient
    if ``s`` is one, of the average of the log densities. Where the images themselves are as
    probable turned as upright, its denoising loss is at most that of ``s``: the loss is convex.

    Parameters
    ----------
    score : Score
        ``score(x, sigma)`` on square images ``(*, p, p)``, or on patches ``(*, p * p)``.
    side : int, optional
        Side ``p`` of the patches, if the score takes patches; images otherwise.

    References
    ----------
    [Herbreteau2023] build such symmetries into a network. Chapter 07_pitfalls.
    """

    def __init__(self, score: Score, *, side: int | None = None) -> None:
        self.score = checked(score)
        self.side = None if side is None else check_count(side, "side")

    def __call__(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Evaluate the averaged score, shaped like ``x``."""
        image = self._square(x)
        total = torch.zeros_like(image)
        for turn in range(8):
            s = self.score(turned(image, turn).reshape(x.shape), sigma)
            total = total + turned(s.reshape(image.shape), inverse_turn(turn))
        return total.reshape(x.shape) / 8

    def _square(self, x: Tensor) -> Tensor:
        """Images, or patches as images: ``(*, p * p) -> (*, p, p)``."""
        if self.side is not None:
            check_tensor(x, "x", last=(self.side**2,))
            return x.unflatten(-1, (self.side, self.side))
        if check_tensor(x, "x", min_dims=2).shape[-1] != x.shape[-2]:
            raise ValueError(f"x must be square images (*, p, p), got {tuple(x.shape)}")
        return x
