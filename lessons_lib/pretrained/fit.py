"""Follow a recipe: get the pictures, train the score, measure it on pictures it never saw."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from lessons_lib import losses, training
from lessons_lib.distributions import fit_mixture
from lessons_lib.pretrained.mixture import MixtureScore
from lessons_lib.pretrained.model import build
from lessons_lib.pretrained.pictures import (
    HELD_OUT_SEED,
    crops_of,
    held_out_pictures,
    patches_of,
    training_patches,
    training_pictures,
)
from lessons_lib.pretrained.recipe import ImageRecipe, MixtureRecipe, PatchRecipe, Recipe
from lessons_lib.shapes import Score


def train(
    recipe: Recipe, *, checkpoint: Path | None = None, progress: bool = False
) -> tuple[nn.Module, Iterator[training.Record]]:
    """Make the model of a recipe and the run that trains it.

    Parameters
    ----------
    recipe : Recipe
        What to do.
    checkpoint : Path, optional
        File to keep the run in, about a hundred times, and to continue from if it exists. A
        mixture, which is fitted in a minute, keeps none.
    progress : bool
        Show a progress bar.

    Returns
    -------
    model : nn.Module
        Untrained until the records have been taken, and trained in place as they are.
    records : iterator of training.Record
        ``list(records)`` trains; so does a loop that draws the loss. Their seconds are those of
        the processor, not of the clock on the wall.

    Raises
    ------
    OSError, ValueError
        If the checkpoint cannot be written, or is of another recipe.
    """
    generator = torch.Generator().manual_seed(recipe.seed)
    model = build(recipe, generator=generator)
    if isinstance(recipe, MixtureRecipe):
        return model, _expectation_maximisation(model, recipe, generator)
    records = training.train(
        model,
        _objective(recipe, generator),
        num_steps=recipe.num_steps,
        generator=generator,
        learning_rate=recipe.learning_rate,
        warmup=min(recipe.warmup, recipe.num_steps // 2),
        ema=recipe.ema,
        checkpoint=checkpoint,
        checkpoint_every=max(1, recipe.num_steps // 100),
        recipe=json.dumps(recipe.as_json()),
        clock=time.process_time,
        progress=progress,
    )
    return model, records


def objective(recipe: PatchRecipe, pool: Tensor) -> Callable[[nn.Module, torch.Generator], Tensor]:
    """Return the loss of one random batch of patches, `losses.noise_conditional`.

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

    def one_batch(model: nn.Module, generator: torch.Generator) -> Tensor:
        chosen = torch.randint(len(pool), (recipe.batch_size,), generator=generator)
        v = pool[chosen].unflatten(-1, (p, p))  # (B, n) -> (B, p, p)
        v = _turn(v, int(torch.randint(8, (), generator=generator))).reshape(-1, n)
        sigmas = _levels(recipe, generator)
        return losses.noise_conditional(model, v, sigmas, generator=generator)

    return one_batch


def _objective(
    recipe: PatchRecipe | ImageRecipe, generator: torch.Generator
) -> Callable[[nn.Module, torch.Generator], Tensor]:
    if isinstance(recipe, PatchRecipe):
        return objective(recipe, training_patches(recipe, generator=generator))
    pictures = training_pictures(recipe, generator=generator)

    def one_batch(model: nn.Module, generator: torch.Generator) -> Tensor:
        x = crops_of(recipe, pictures, recipe.batch_size, generator)  # (B, crop, crop)
        x = _turn(x, int(torch.randint(8, (), generator=generator)))
        sigmas = _levels(recipe, generator)
        return losses.noise_conditional(model, x, sigmas, generator=generator, event_dims=2)

    return one_batch


def _expectation_maximisation(
    model: MixtureScore, recipe: MixtureRecipe, generator: torch.Generator
) -> Iterator[training.Record]:
    """Fit the normals in float64; the loss is minus the log density of a few of the patches."""
    start = time.process_time()
    v = training_patches(recipe, generator=generator).double()
    if recipe.centred:
        v = v - v.mean(dim=-1, keepdim=True)
    sizes = dict(num_components=recipe.num_components, num_steps=recipe.num_steps)
    options = dict(floor=recipe.floor, zero_mean=recipe.centred, generator=generator)
    for k, mixture in enumerate(fit_mixture(v, **sizes, **options), start=1):
        model.follow(mixture)
        loss = -float(mixture.log_prob(v[:: max(1, len(v) // 4096)]).mean())
        yield training.Record(k, loss, time.process_time() - start)


def held_out_error(score: Score, recipe: Recipe, *, num: int = 4096) -> float:
    """Measure a score on pictures it never saw: the part of the noise that it cannot explain.

    The mean of ``||sigma s(v + sigma z, sigma) + z||^2 / n``, at eight levels spread evenly in
    ``log sigma`` over the range of the recipe; 1 for the score that is zero. Patches are cut as in
    training, with the same share of edges: errors of recipes that differ in it do not compare.

    Parameters
    ----------
    score : Score
        On patches of the size in the recipe, or on images.
    recipe : Recipe
        Gives the kind of pictures, the pieces to cut from them, and the range of noise.
    num : int
        Patches from each photograph in `phantoms.TEST_PHOTOGRAPHS`, or twice that from drawn
        pictures; for a score of images, as many pixels as such patches of 49. The same at every
        call.

    Returns
    -------
    float
        Between 0 and 1 for a useful score.
    """
    generator = torch.Generator().manual_seed(HELD_OUT_SEED)
    pictures = held_out_pictures(recipe, generator=generator)
    low, high = (math.log(sigma) for sigma in recipe.sigmas)
    sigmas = torch.linspace(low, high, 8, dtype=torch.float32).exp()
    if isinstance(recipe, ImageRecipe):
        x, dims = crops_of(recipe, pictures, -(-98 * num // recipe.crop**2), generator), 2
    else:
        x, dims = patches_of(recipe, pictures, 2 * num, generator), 1
    with torch.no_grad():
        loss = losses.noise_conditional(score, x, sigmas, generator=generator, event_dims=dims)
    return 2 * float(loss) / math.prod(x.shape[-dims:])


def _levels(recipe: PatchRecipe | ImageRecipe, generator: torch.Generator) -> Tensor:
    """Noise levels of one step, one in each equal part of the range of ``log sigma``."""
    low, high = (math.log(sigma) for sigma in recipe.sigmas)
    u = torch.rand(recipe.num_levels, generator=generator, dtype=torch.float32)
    part = (torch.arange(recipe.num_levels) + u) / recipe.num_levels
    return torch.exp(low + (high - low) * part)


def _turn(v: Tensor, which: int) -> Tensor:
    """One of the eight symmetries of the square, for patches ``(B, p, p)``."""
    v = torch.rot90(v, which % 4, dims=(1, 2))
    return v.flip(2) if which >= 4 else v
