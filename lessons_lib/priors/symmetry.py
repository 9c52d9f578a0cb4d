"""A score averaged over symmetries commutes with each of them exactly."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from lessons_lib.shapes import (
    Score,
    Sigma,
    check_count,
    check_number,
    check_tensor,
    checked,
    inverse_turn,
    turned,
)


class SymmetricScore:
    r"""Average a score over quarter turns, mirrors and, if asked, inversions of the contrast.

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
    turns : bool
        The eight symmetries of the square: four quarter turns, each with and without a mirror.
    grey : float, optional
        The grey level ``c`` about which contrast is inverted, ``x -> 2 c - x``. Without it
        contrast is left alone.

    References
    ----------
    [Herbreteau2023] build such symmetries into a network. Chapter 07_pitfalls.
    """

    def __init__(
        self,
        score: Score,
        *,
        side: int | None = None,
        turns: bool = True,
        grey: float | None = None,
    ) -> None:
        if not turns and grey is None:
            raise ValueError("turns must be True or grey a number: there is nothing to average")
        self.score = checked(score)
        self.side = None if side is None else check_count(side, "side")
        self.turns = range(8 if turns else 1)
        self.grey = None if grey is None else check_number(grey, "grey", any_sign=True)

    def __call__(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Evaluate the averaged score, shaped like ``x``."""
        image = self._square(x)
        total, signs = torch.zeros_like(image), (1,) if self.grey is None else (1, -1)
        for turn, sign in itertools.product(self.turns, signs):
            shown = image if sign == 1 else 2 * self.grey - image
            s = self.score(turned(shown, turn).reshape(x.shape), sigma)
            total = total + sign * turned(s.reshape(image.shape), inverse_turn(turn))
        return total.reshape(x.shape) / (len(self.turns) * len(signs))

    def _square(self, x: Tensor) -> Tensor:
        """Images, or patches as images: ``(*, p * p) -> (*, p, p)``."""
        if self.side is not None:
            check_tensor(x, "x", last=(self.side**2,))
            return x.unflatten(-1, (self.side, self.side))
        if check_tensor(x, "x", min_dims=2).shape[-1] != x.shape[-2]:
            raise ValueError(f"x must be square images (*, p, p), got {tuple(x.shape)}")
        return x
