"""The pictures of a recipe, for training and held out, and pieces cut from them at random."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lessons_lib import phantoms
from lessons_lib.pretrained.recipe import SIZE, ImageRecipe, MixtureRecipe, PatchRecipe, Recipe

HELD_OUT_SEED = 12345
"""Draws the pictures, places and noise of every test; no recipe is trained with it."""

NUM_HELD_OUT = 32
FLAT = 1e-4
"""A patch whose pixels differ by less than this has no edge."""

DRAWN = {"disks": phantoms.disks, "rectangles": phantoms.rectangles}
BLOCK = 20


def training_pictures(
    recipe: Recipe, *, generator: torch.Generator, size: int = SIZE
) -> Sequence[Tensor]:
    """Load or draw what a recipe trains on.

    Parameters
    ----------
    recipe : Recipe
        Gives ``data`` and ``pictures``.
    generator : torch.Generator
        Draws disks and rectangles.
    size : int
        Height and width of drawn pictures in pixels.

    Returns
    -------
    sequence of Tensor, each of shape ``(H, W)``
        In float32; drawn ones are one tensor ``(N, size, size)``.
    """
    return _pictures(recipe.data, recipe.pictures, generator, size)


def held_out_pictures(recipe: Recipe, *, generator: torch.Generator) -> Sequence[Tensor]:
    """Load or draw pictures that no recipe trains on; drawn ones are ``SIZE`` pixels high and wide.

    Parameters
    ----------
    recipe : Recipe
        Gives ``data``.
    generator : torch.Generator
        Draws disks and rectangles: start it at `HELD_OUT_SEED`.
    """
    test = phantoms.TEST_PHOTOGRAPHS if recipe.data == "photographs" else NUM_HELD_OUT
    return _pictures(recipe.data, test, generator, SIZE)


def training_patches(recipe: PatchRecipe | MixtureRecipe, *, generator: torch.Generator) -> Tensor:
    """Cut the patches of a recipe at random places.

    Parameters
    ----------
    recipe : PatchRecipe or MixtureRecipe
        Which pictures, how many patches, how large, and how many of them with edges.
    generator : torch.Generator
        Draws the pictures, if they are drawn, and chooses the places.

    Returns
    -------
    Tensor, shape ``(N, n)``
        In float32.
    """
    sizes = getattr(recipe, "sizes", None) or (SIZE,)
    num, found = recipe.num_patches // len(sizes), []
    for size in sizes:
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
    wanted = {True: round(recipe.edges * num), False: num - round(recipe.edges * num)}
    found = {True: [], False: []}
    while any(sum(map(len, found[kind])) < wanted[kind] for kind in found):
        v = cut(pictures, p, num, generator).flatten(1)  # (num, n)
        edge = v.amax(-1) - v.amin(-1) > FLAT
        for kind in found:
            found[kind].append(v[edge == kind])
    return torch.cat([torch.cat(found[kind])[: wanted[kind]] for kind in found])


def crops_of(
    recipe: ImageRecipe, pictures: Sequence[Tensor], num: int, generator: torch.Generator
) -> Tensor:
    """Cut ``num`` crops of the size in the recipe, shape ``(num, crop, crop)``."""
    if not isinstance(pictures, Tensor):  # photographs differ in size: choose one of them
        which = torch.randint(len(pictures), (num,), generator=generator)
        return torch.cat([cut([pictures[k]], recipe.crop, 1, generator) for k in which])
    return cut(pictures, recipe.crop, num, generator)


def cut(pictures: Sequence[Tensor], size: int, num: int, generator: torch.Generator) -> Tensor:
    """Cut squares at random places, equally many from each photograph: ``(num, size, size)``."""
    if isinstance(pictures, Tensor):
        windows = pictures.unfold(1, size, 1).unfold(2, size, 1)  # (N, A, B, size, size)
        return windows[tuple(torch.randint(k, (num,), generator=generator)
                             for k in windows.shape[:3])]  # fmt: skip
    each, found = -(-num // len(pictures)), []
    for picture in pictures:
        windows = picture.unfold(0, size, 1).unfold(1, size, 1)
        rows = torch.randint(windows.shape[0], (each,), generator=generator)
        cols = torch.randint(windows.shape[1], (each,), generator=generator)
        found.append(windows[rows, cols])
    return torch.cat(found)[:num]


def _pictures(
    data: str, which: tuple[str, ...] | int, generator: torch.Generator, size: int
) -> Sequence[Tensor]:
    if data == "photographs":
        return [phantoms.photograph(name, dtype=torch.float32) for name in which]
    if data not in DRAWN:
        raise ValueError(f"data must be photographs, {' or '.join(DRAWN)}; got {data!r}")
    blocks = [min(BLOCK, which - start) for start in range(0, which, BLOCK)]
    return torch.cat(
        [DRAWN[data](k, size=size, generator=generator, dtype=torch.float32) for k in blocks]
    )
