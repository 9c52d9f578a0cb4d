"""The pictures of the denoising table: unseen ones to test on, others to fit two scalars on."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from lessons_lib import phantoms
from lessons_lib.course.studies.shift import cut_window, unseen_pictures
from lessons_lib.shapes import check_count

SIZES = {"disks": 64, "rectangles": 64, "photographs": 64, "tilted": 16, "tilted_large": 64}
"""Kinds of pictures, and the height and width in pixels that they have by default."""

TILTED = {"background": (1.0, 0.1), "foreground": (2.0, 0.03)}
"""Levels of the tilted rectangles of the talk: mean and standard deviation."""

LEVELS = {"tilted": TILTED, "tilted_large": {"background": (0.2, 0.1), "foreground": (0.8, 0.1)}}
"""Levels of both kinds of tilted rectangles."""


def held_out_pictures(phantom: str, num: int, *, seed: int, size: int | None = None) -> Tensor:
    """Draw pictures that no shipped model has seen.

    Parameters
    ----------
    phantom : str
        A key of `SIZES`. ``tilted`` is the rectangle model of the talk, with a foreground of 2;
        ``tilted_large`` has more pixels and grey levels within those of the other pictures.
    num : int
        Number of pictures.
    seed : int
        Of the pictures.
    size : int, optional
        Height and width in pixels; by default that of `SIZES`.

    Returns
    -------
    Tensor, shape ``(num, size, size)``
        In float64; black and white are 1 apart.

    Raises
    ------
    ValueError
        If the phantom is unknown or a count is not positive.
    """
    if phantom not in SIZES:
        raise ValueError(f"phantom must be one of {', '.join(SIZES)}, got {phantom!r}")
    size = SIZES[phantom] if size is None else check_count(size, "size")
    if phantom not in LEVELS:
        return unseen_pictures(phantom, num, seed=seed, size=size)
    generator = torch.Generator().manual_seed(10_000 + seed)
    return phantoms.tilted_rectangles(num, size=size, generator=generator, **LEVELS[phantom])


def fitting_pictures(phantom: str, num: int = 4, *, size: int = 40) -> Tensor:
    """Cut crops of pictures of the kind that models are trained on, none of them a test picture.

    Parameters
    ----------
    phantom : str
        ``disks``, ``rectangles`` or ``photographs``.
    num : int
        Number of crops.
    size : int
        Height and width in pixels.

    Returns
    -------
    Tensor, shape ``(num, size, size)``
        The crops, not flat; always the same.
    """
    generator = torch.Generator().manual_seed(1)
    if phantom == "photographs":
        names = itertools.islice(itertools.cycle(phantoms.TRAIN_PHOTOGRAPHS), 4 * num)
        large = [cut_window(phantoms.photograph(name), size, generator) for name in names]
    else:
        drawn = getattr(phantoms, phantom)(4 * num, size=64, generator=generator)
        large = [cut_window(picture, size, generator) for picture in drawn]
    return torch.stack([x for x in large if float(x.std()) > 0.05][:num])
