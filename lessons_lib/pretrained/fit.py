"""Follow a recipe: train the score, and measure it on pictures it never saw."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from lessons_lib import losses, training
from lessons_lib.pretrained.pictures import HELD_OUT_SEED, unseen_pictures
from lessons_lib.pretrained.recipe import Recipe
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

    Returns
    -------
    model, records
        ``list(records)`` trains the model in place; so does a loop that draws the loss. The seconds
        of the records are those of the processor, not of the clock on the wall.
    """
    generator = torch.Generator().manual_seed(recipe.seed)
    model = recipe.build(generator)
    return model, recipe.records(model, generator, checkpoint=checkpoint, progress=progress)


def held_out_error(score: Score, recipe: Recipe, *, num: int = 4096) -> float:
    """Measure a score on pictures it never saw: the part of the noise that it cannot explain.

    The mean of ``||sigma s(v + sigma z, sigma) + z||^2 / n``, at eight levels spread evenly in
    ``log sigma`` over the range of the recipe; 1 for the score that is zero. Patches are cut as in
    training, with the same share of edges: errors of recipes that differ in it do not compare.

    Parameters
    ----------
    recipe : Recipe
        Gives the kind of pictures, the pieces to cut from them, and the range of noise.
    num : int
        Patches from each photograph in `phantoms.TEST_PHOTOGRAPHS`, or twice that from drawn
        pictures; for a score of images, as many pixels as such patches of 49. The same at every
        call.
    """
    generator = torch.Generator().manual_seed(HELD_OUT_SEED)
    x = recipe.pieces(unseen_pictures(recipe, generator=generator), 2 * num, generator)
    low, high = (math.log(sigma) for sigma in recipe.sigmas)
    sigmas = torch.linspace(low, high, 8, dtype=torch.float32).exp()
    dims = len(recipe.piece_shape)

    def in_parts(x: Tensor, sigma: Tensor) -> Tensor:  # all at once take gigabytes
        num = max(1, 2**16 // math.prod(recipe.piece_shape))
        return torch.stack(
            [
                torch.cat([score(part, s) for part in v.split(num)])
                for v, s in zip(x, sigma, strict=True)
            ]
        )

    with torch.no_grad():
        loss = losses.noise_conditional(in_parts, x, sigmas, generator=generator, event_dims=dims)
    return 2 * float(loss) / math.prod(recipe.piece_shape)
