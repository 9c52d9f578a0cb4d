"""The pictures of a recipe, for training and unseen, and pieces cut from them at random."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lessons_lib import phantoms

if TYPE_CHECKING:
    from lessons_lib.pretrained.mixture_recipe import MixtureRecipe
    from lessons_lib.pretrained.patch_recipe import PatchRecipe
    from lessons_lib.pretrained.recipe import Recipe

SIZE = 128
"""Height and width of the drawn pictures in pixels, if a recipe says nothing else."""

HELD_OUT_SEED = 12345
"""Draws the pictures, places and noise of every test; no recipe is trained with it."""

NUM_HELD_OUT = 32
FLAT = 1e-4
"""A patch whose pixels differ by less than this has no edge."""

TILTED = {"background": (1.0, 0.1), "foreground": (2.0, 0.03)}
"""Levels of the tilted rectangles: the spreads of the talk, and a foreground about 1 above."""

DRAWN = {
    "disks": phantoms.disks,
    "rectangles": phantoms.rectangles,
    "tilted": partial(phantoms.tilted_rectangles, **TILTED),
}
BLOCK = 20


def training_pictures(
    recipe: Recipe, *, generator: torch.Generator, size: int | None = None
) -> Sequence[Tensor]:
    """Load or draw what a ``recipe`` trains on, each of shape ``(H, W)`` in float32.

    Drawn pictures are one tensor ``(N, size, size)``; photographs keep their own size, unless the
    recipe names ``sizes``.
    """
    size = recipe.picture_sizes[0] if size is None else size
    reduced = size if getattr(recipe, "sizes", None) else None
    return _pictures(recipe.data, recipe.pictures, generator, size, reduced)


def unseen_pictures(recipe: Recipe, *, generator: torch.Generator) -> Sequence[Tensor]:
    """Load or draw pictures like those of a ``recipe`` that no recipe trains on.

    For drawn ones, start the generator at `HELD_OUT_SEED`.
    """
    test = phantoms.TEST_PHOTOGRAPHS if recipe.data == "photographs" else NUM_HELD_OUT
    size = max(recipe.picture_sizes)
    reduced = size if getattr(recipe, "sizes", None) else None
    return _pictures(recipe.data, test, generator, size, reduced)


def training_patches(recipe: PatchRecipe | MixtureRecipe, *, generator: torch.Generator) -> Tensor:
    """Cut the patches that a ``recipe`` describes at random places, ``(N, n)`` in float32."""
    num, found = recipe.num_patches // len(recipe.picture_sizes), []
    for size in recipe.picture_sizes:
        pictures = training_pictures(recipe, generator=generator, size=size)
        found.append(patches_of(recipe, pictures, num, generator))
    return torch.cat(found)


def patches_of(
    recipe: PatchRecipe | MixtureRecipe,
    pictures: Sequence[Tensor],
    num: int,
    generator: torch.Generator,
) -> Tensor:
    """Cut ``num`` patches ``(num, n)``, the share ``recipe.edges`` of them with an edge."""
    p = recipe.patch_size
    if recipe.edges is None:
        return cut(pictures, p, num, generator).flatten(1)
    num_edged = round(recipe.edges * num)
    edged = flat = torch.empty(0, p * p, dtype=torch.float32)
    while len(edged) < num_edged or len(flat) < num - num_edged:
        v = cut(pictures, p, num, generator).flatten(1)  # (num, n)
        has_edge = v.amax(-1) - v.amin(-1) > FLAT
        edged = torch.cat([edged, v[has_edge]])[:num_edged]
        flat = torch.cat([flat, v[~has_edge]])[: num - num_edged]
    return torch.cat([edged, flat])


def crops(pictures: Sequence[Tensor], size: int, num: int, generator: torch.Generator) -> Tensor:
    """Cut ``num`` squares at random places, each from a random picture: ``(num, size, size)``."""
    if isinstance(pictures, Tensor):
        return cut(pictures, size, num, generator)
    which = torch.randint(len(pictures), (num,), generator=generator)
    return torch.cat([cut([pictures[k]], size, 1, generator) for k in which])


def cut(pictures: Sequence[Tensor], size: int, num: int, generator: torch.Generator) -> Tensor:
    """Cut squares at random places, equally many from each photograph: ``(num, size, size)``."""
    if isinstance(pictures, Tensor):
        windows = pictures.unfold(1, size, 1).unfold(2, size, 1)  # (N, A, B, size, size)
        places = (torch.randint(k, (num,), generator=generator) for k in windows.shape[:3])
        return windows[tuple(places)]
    each, found = -(-num // len(pictures)), []
    for picture in pictures:
        windows = picture.unfold(0, size, 1).unfold(1, size, 1)  # (A, B, size, size)
        places = (torch.randint(k, (each,), generator=generator) for k in windows.shape[:2])
        found.append(windows[tuple(places)])
    return torch.cat(found)[:num]


def _pictures(
    data: str,
    which: tuple[str, ...] | int,
    generator: torch.Generator,
    size: int,
    reduced: int | None,
) -> Sequence[Tensor]:
    if data == "photographs":
        return [phantoms.photograph(name, size=reduced, dtype=torch.float32) for name in which]
    if data not in DRAWN:
        raise ValueError(f"data must be photographs, {' or '.join(DRAWN)}; got {data!r}")
    blocks = [min(BLOCK, which - start) for start in range(0, which, BLOCK)]
    return torch.cat(
        [DRAWN[data](k, size=size, generator=generator, dtype=torch.float32) for k in blocks]
    )
