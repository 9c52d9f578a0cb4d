"""Follow a recipe: cut the patches, train the score, measure it on photographs it never saw."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from lessons_lib import losses, training
from lessons_lib.phantoms import TEST_PHOTOGRAPHS, photograph
from lessons_lib.pretrained.model import CentredScore, build
from lessons_lib.pretrained.recipe import PatchRecipe
from lessons_lib.shapes import Score


def train(
    recipe: PatchRecipe, *, progress: bool = False
) -> tuple[CentredScore, Iterator[training.Record]]:
    """Make the model of a recipe and the run that trains it.

    Parameters
    ----------
    recipe : PatchRecipe
        What to do.
    progress : bool
        Show a progress bar.

    Returns
    -------
    model : CentredScore
        Untrained until the records have been taken, and trained in place as they are.
    records : iterator of training.Record
        ``list(records)`` trains; so does a loop that draws the loss.
    """
    generator = torch.Generator().manual_seed(recipe.seed)
    model = build(recipe, generator=generator)
    pool = training_patches(recipe, generator=generator)
    records = training.train(
        model,
        objective(recipe, pool),
        num_steps=recipe.num_steps,
        generator=generator,
        learning_rate=recipe.learning_rate,
        warmup=min(recipe.warmup, recipe.num_steps // 2),
        ema=recipe.ema,
        progress=progress,
    )
    return model, records


def training_patches(recipe: PatchRecipe, *, generator: torch.Generator) -> Tensor:
    """Cut the patches of a recipe at random places.

    Parameters
    ----------
    recipe : PatchRecipe
        Which photographs, how many patches, how large.
    generator : torch.Generator
        Chooses the places.

    Returns
    -------
    Tensor, shape ``(N, n)``
        In float32.
    """
    cuts = [
        _cut(name, recipe.patch_size, recipe.patches_per_photograph, generator)
        for name in recipe.photographs
    ]
    return torch.cat(cuts)


def objective(recipe: PatchRecipe, pool: Tensor) -> Callable[[nn.Module, torch.Generator], Tensor]:
    """Return the loss of one random batch, `losses.noise_conditional`.

    Parameters
    ----------
    recipe : PatchRecipe
        Gives the batch and the noise levels.
    pool : Tensor, shape ``(N, n)``
        The training patches.

    Returns
    -------
    callable
        ``objective(model, generator)``.
    """
    n, p = pool.shape[-1], recipe.patch_size
    low, high = (math.log(sigma) for sigma in recipe.sigmas)

    def one_batch(model: nn.Module, generator: torch.Generator) -> Tensor:
        chosen = torch.randint(len(pool), (recipe.batch_size,), generator=generator)
        v = pool[chosen].unflatten(-1, (p, p))  # (B, n) -> (B, p, p)
        v = _turn(v, int(torch.randint(8, (), generator=generator))).reshape(-1, n)
        u = torch.rand(recipe.num_levels, generator=generator, dtype=torch.float32)
        part = (torch.arange(recipe.num_levels) + u) / recipe.num_levels  # one in each part
        sigmas = torch.exp(low + (high - low) * part)
        return losses.noise_conditional(model, v, sigmas, generator=generator)

    return one_batch


def held_out_error(score: Score, recipe: PatchRecipe, *, num: int = 4096) -> float:
    """Measure a score on the test photographs: the part of the noise that it cannot explain.

    The mean of ``||sigma s(v + sigma z, sigma) + z||^2 / n``, at eight levels spread evenly in
    ``log sigma`` over the range of the recipe; 1 for the score that is zero.

    Parameters
    ----------
    score : Score
        On patches of the size in the recipe.
    recipe : PatchRecipe
        Gives the size of the patches and the range of noise.
    num : int
        Patches from each photograph in `phantoms.TEST_PHOTOGRAPHS`, the same at every call.

    Returns
    -------
    float
        Between 0 and 1 for a useful score.
    """
    generator = torch.Generator().manual_seed(12345)
    v = torch.cat([_cut(name, recipe.patch_size, num, generator) for name in TEST_PHOTOGRAPHS])
    low, high = (math.log(sigma) for sigma in recipe.sigmas)
    sigmas = torch.linspace(low, high, 8, dtype=torch.float32).exp()
    with torch.no_grad():
        loss = losses.noise_conditional(score, v, sigmas, generator=generator)
    return 2 * float(loss) / v.shape[-1]


def _cut(name: str, size: int, num: int, generator: torch.Generator) -> Tensor:
    """Random patches of a photograph, ``(num, size * size)``."""
    windows = photograph(name, dtype=torch.float32).unfold(0, size, 1).unfold(1, size, 1)
    rows = torch.randint(windows.shape[0], (num,), generator=generator)
    cols = torch.randint(windows.shape[1], (num,), generator=generator)
    return windows[rows, cols].flatten(1)  # (num, size, size) -> (num, n)


def _turn(v: Tensor, which: int) -> Tensor:
    """One of the eight symmetries of the square, for patches ``(B, p, p)``."""
    v = torch.rot90(v, which % 4, dims=(1, 2))
    return v.flip(2) if which >= 4 else v
