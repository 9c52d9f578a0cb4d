"""Where pixels go: the eight symmetries of the square, and an image mirrored at its edges."""

from __future__ import annotations

import torch
from torch import Tensor


def turned(x: Tensor, which: int) -> Tensor:
    """Apply symmetry number ``which`` of the square to images ``(*, p, p)``.

    ``which % 4`` quarter turns, and from 4 on a mirror after them; see `inverse_turn`.
    """
    x = torch.rot90(x, which % 4, dims=(-2, -1))
    return x.flip(-1) if which >= 4 else x


def inverse_turn(which: int) -> int:
    """Return the number of the symmetry that undoes ``which``: with a mirror in it, itself."""
    return which if which >= 4 else -which % 4


def mirrored(place: Tensor, length: int) -> Tensor:
    """Rows (or columns) ``place`` of an image that is mirrored at both edges, ``b a | a b``.

    Places from ``-length`` to ``2 * length - 1`` come back as ``0`` to ``length - 1``.
    """
    place = torch.where(place < 0, -1 - place, place)
    return torch.where(place >= length, 2 * length - 1 - place, place)
