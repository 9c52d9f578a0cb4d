"""A score averaged over symmetries commutes with each of them exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from lessons_lib.shapes import (
    Score,
    Sigma,
    check_count,
    check_number,
    check_score_output,
    check_tensor,
)

Move = Callable[[Tensor], Tensor]


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

    Raises
    ------
    TypeError, ValueError
        If ``score`` is not callable, there is nothing to average over, or ``x`` is not square.

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
        if not callable(score):
            raise TypeError(f"score must be callable, got {type(score).__name__}")
        if not turns and grey is None:
            raise ValueError("turns must be True or grey a number: there is nothing to average")
        self.grey = None if grey is None else check_number(grey, "grey", any_sign=True)
        self.side = None if side is None else check_count(side, "side")
        self.score, self.turns = score, turns

    def __call__(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Evaluate the averaged score, shaped like ``x``."""
        self._check(x)
        total, count = torch.zeros_like(x), 0
        for move, back in self._moves():
            moved = move(x)
            total = total + back(check_score_output(self.score(moved, sigma), moved))
            count += 1
        return total / count

    def _moves(self) -> Iterator[tuple[Move, Move]]:
        """Each symmetry of points, and the inverse of its linear part for vectors."""
        for turn, flip in [(k, f) for k in range(4) for f in (False, True)][
            : 8 if self.turns else 1
        ]:
            yield (
                lambda x, k=turn, f=flip: self._turn(x, k, f),
                lambda s, k=turn, f=flip: self._turn_back(s, k, f),
            )
            if self.grey is not None:
                yield (
                    lambda x, k=turn, f=flip: self._turn(2 * self.grey - x, k, f),
                    lambda s, k=turn, f=flip: -self._turn_back(s, k, f),
                )

    def _turn(self, x: Tensor, k: int, flip: bool) -> Tensor:
        image = torch.rot90(self._square(x), k, dims=(-2, -1))
        return (image.flip(-1) if flip else image).reshape(x.shape)

    def _turn_back(self, s: Tensor, k: int, flip: bool) -> Tensor:
        image = self._square(s)
        image = image.flip(-1) if flip else image
        return torch.rot90(image, -k, dims=(-2, -1)).reshape(s.shape)

    def _square(self, x: Tensor) -> Tensor:
        return x if self.side is None else x.unflatten(-1, (self.side, self.side))

    def _check(self, x: Tensor) -> None:
        if self.side is not None:
            check_tensor(x, "x", last=(self.side**2,))
        elif check_tensor(x, "x", min_dims=2).shape[-1] != x.shape[-2]:
            raise ValueError(f"x must be square images (*, p, p), got {tuple(x.shape)}")
