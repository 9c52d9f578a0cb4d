"""The pictures of the denoising table: unseen ones to test on, others to fit two scalars on."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from lessons_lib import phantoms
from lessons_lib.shapes import check_count

SIZES = {
    "disks": 64,
    "rectangles": 64,
    "photographs": 64,
    "tilted": 16,
    "tilted_large": 64,
    "scenes": 256,
}
"""Kinds of pictures, and the height and width in pixels that they have by default."""

TILTED = {"background": (1.0, 0.1), "foreground": (2.0, 0.03)}
"""Levels of the tilted rectangles of the talk: mean and standard deviation."""

LEVELS = {"tilted": TILTED, "tilted_large": {"background": (0.2, 0.1), "foreground": (0.8, 0.1)}}
"""Levels of both kinds of tilted rectangles."""


def held_out_pictures(phantom: str, num: int, *, seed: int, size: int | None = None) -> Tensor:
    """Draw pictures that no shipped model has seen, ``(num, size, size)``.

    They are in float64; black and white are 1 apart.

    Parameters
    ----------
    phantom : str
        A key of `SIZES`. ``tilted`` is the rectangle model of the talk, with a foreground of 2;
        ``tilted_large`` has more pixels and grey levels within those of the other pictures.
        Photographs are windows of the test photographs at random places; ``scenes`` are whole
        ones, the first ``num`` of `phantoms.SCENES`, whatever the seed.
    num, seed : int
        How many, and which.
    size : int, optional
        Height and width in pixels; by default that of `SIZES`.
    """
    if phantom not in SIZES:
        raise ValueError(f"phantom must be one of {', '.join(SIZES)}, got {phantom!r}")
    size = SIZES[phantom] if size is None else check_count(size, "size")
    num = check_count(num, "num")
    generator = torch.Generator().manual_seed(10_000 + seed)  # models are trained from small seeds
    if phantom in LEVELS:
        about = LEVELS[phantom] | {"size": size, "generator": generator}
        return phantoms.tilted_rectangles(num, **about)
    if phantom == "scenes":
        num = check_count(num, "num", most=len(phantoms.SCENES))
        return torch.stack([phantoms.scene(k, size=size) for k in phantoms.SCENES[:num]])
    if phantom != "photographs":
        return getattr(phantoms, phantom)(num, size=size, generator=generator)
    names = itertools.islice(itertools.cycle(phantoms.TEST_PHOTOGRAPHS), num)
    return torch.stack([_cut_window(phantoms.photograph(name), size, generator) for name in names])


def fitting_pictures(phantom: str, num: int = 4, *, size: int = 40) -> Tensor:
    """Cut crops of pictures of the kind that models are trained on, none of them a test picture.

    They are ``(num, size, size)``, not flat, and always the same.
    """
    generator = torch.Generator().manual_seed(1)
    if phantom == "photographs":
        names = itertools.islice(itertools.cycle(phantoms.TRAIN_PHOTOGRAPHS), 4 * num)
        large = [_cut_window(phantoms.photograph(name), size, generator) for name in names]
    else:
        drawn = getattr(phantoms, phantom)(4 * num, size=64, generator=generator)
        large = [_cut_window(picture, size, generator) for picture in drawn]
    return torch.stack([x for x in large if float(x.std()) > 0.05][:num])


def _cut_window(picture: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Cut a square of ``size`` pixels out of a ``picture``, anywhere in it."""
    row, col = (int(torch.randint(k - size + 1, (), generator=generator)) for k in picture.shape)
    return picture[row : row + size, col : col + size]
