"""A patch score that knows no direction: every patch is first turned into one position."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lessons_lib.shapes import Sigma, check_count, check_tensor, checked, turned


class OrientedScore(nn.Module):
    r"""A patch score that commutes with quarter turns and mirrors, at the price of one evaluation.

    Let ``G`` be the eight symmetries of the square, and let each patch be turned by the ``g_v`` in
    ``G`` that makes it rise to the right, and downwards no more steeply than to the right. Then

    .. math:: s_G(v, \sigma) = g_v^{-1}\, s(g_v v, \sigma), \qquad
        s_G(g v, \sigma) = g\, s_G(v, \sigma) \quad \text{for all } g \in G .

    *Proof.* ``v`` and ``g v`` are turned into the same patch: ``g_{gv} = g_v g^{-1}``. How steeply
    a patch rises is told by its slopes ``a``, ``b``, its products with the column and the row
    number counted from the centre. A mirror changes the sign of one of them and the transpose
    exchanges the two, so one ``g`` makes ``a >= b >= 0``, and only one unless two are equal or one
    is zero; it is the one that makes ``2 a + b`` largest.

    Averaging over the group, `priors.SymmetricScore`, obeys the same law with eight evaluations and
    stays continuous and a gradient. Here the score may jump where an edge runs along an axis or a
    diagonal. In return it is trained on one direction in eight: a network of the same size learns
    in the same time what would otherwise take much longer.

    Parameters
    ----------
    score : nn.Module
        Any score ``s(v, sigma)`` on patches ``(*, p * p)``.
    side : int
        Side ``p`` of the patches in pixels.

    Notes
    -----
    Moved by a constant a patch keeps its slopes, and scaled it keeps their order: what ``score``
    ignores, brightness or contrast, is ignored still. Chapter 06_reconstruction.
    """

    def __init__(self, score: nn.Module, side: int) -> None:
        super().__init__()
        self.score, self.side = score, check_count(side, "side")
        pixels = torch.arange(side**2).reshape(side, side)
        turns = torch.stack([turned(pixels, k).flatten() for k in range(8)])  # (8, n)
        back = turns.argsort(-1)
        centred = torch.arange(side) - (side - 1) / 2
        slope = (2 * centred + centred[:, None]).flatten()  # v @ slope = 2 a + b
        self.register_buffer("turns", turns, persistent=False)  # known, not learned
        self.register_buffer("back", back, persistent=False)
        self.register_buffer("slopes", slope[back].mT, persistent=False)  # (n, 8)

    def forward(self, v: Tensor, sigma: Sigma) -> Tensor:
        """Return the score at patches ``(*, n)``."""
        check_tensor(v, "v", last=(self.side**2,))
        which = (v @ self.slopes.to(v)).argmax(-1)  # (*, n) -> (*)
        s = checked(self.score)(v.gather(-1, self.turns[which]), sigma)
        return s.gather(-1, self.back[which])
