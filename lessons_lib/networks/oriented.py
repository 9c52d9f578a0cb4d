"""A patch score that knows no direction: every patch is first turned into one position."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from lessons_lib.shapes import Sigma, check_count, check_score_output, check_tensor


class OrientedScore(nn.Module):
    r"""A patch score that commutes with quarter turns and mirrors, at the price of one evaluation.

    Let ``G`` be the eight symmetries of the square, and let each patch be turned by the ``g_v`` in
    ``G`` that makes it rise to the right, and downwards no more steeply than to the right. Then

    .. math:: s_G(v, \sigma) = g_v^{-1}\, s(g_v v, \sigma), \qquad
        s_G(g v, \sigma) = g\, s_G(v, \sigma) \quad \text{for all } g \in G .

    *Proof.* ``v`` and ``g v`` are turned into the same patch: ``g_{gv} = g_v g^{-1}``. How steeply
    a patch rises is told by its slopes ``a``, ``b``, its products with the column and the row
    number counted from the centre; a mirror changes the sign of one of them and the transpose
    exchanges the two, so one ``g`` makes ``a >= b >= 0``, and only one unless two are equal or one
    is zero.

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

    Raises
    ------
    ValueError
        If ``side`` is not a positive integer.

    Notes
    -----
    Moved by a constant a patch keeps its slopes, and scaled it keeps their order: what ``score``
    ignores, brightness or contrast, is ignored still. Chapter 06_reconstruction.
    """

    def __init__(self, score: nn.Module, side: int) -> None:
        super().__init__()
        self.score, self.side = score, check_count(side, "side")
        index = torch.arange(side**2).reshape(side, side)
        turns = [_moved(index, *which) for which in itertools.product((False, True), repeat=3)]
        centred = torch.arange(side) - (side - 1) / 2
        slopes = torch.stack([centred.expand(side, side), centred[:, None].expand(side, side)], -1)
        for name, value in {
            "turn": torch.stack(turns),  # (8, n): the pixel that comes to each place
            "back": torch.stack(turns).argsort(-1),
            "slopes": slopes.reshape(-1, 2),
        }.items():
            self.register_buffer(name, value, persistent=False)  # known, not learned

    def forward(self, v: Tensor, sigma: Sigma) -> Tensor:
        """Return the score at patches ``(*, n)``."""
        check_tensor(v, "v", last=(self.side**2,))
        which = self._position(v)
        turned = v.gather(-1, self.turn[which])
        s = check_score_output(self.score(turned, sigma), turned, "score")
        return s.gather(-1, self.back[which])

    def _position(self, v: Tensor) -> Tensor:
        """Number of the symmetry that turns each patch, ``(*, n) -> (*)``."""
        a, b = (v @ self.slopes.to(v)).unbind(-1)
        return 4 * (b.abs() > a.abs()) + 2 * (b < 0) + (a < 0).long()


def _moved(index: Tensor, transpose: bool, down: bool, right: bool) -> Tensor:
    """Mirror and transpose a table of pixel numbers ``(p, p)``; returned as one row."""
    flips = [dim for dim, flip in ((0, down), (1, right)) if flip]
    index = index.flip(flips)
    return (index.T if transpose else index).flatten()
