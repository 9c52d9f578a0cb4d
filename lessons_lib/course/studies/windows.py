"""Learned windows on the pictures of `locality`, for which the best possible error is known.

One network is trained on patches of four sizes, for two numbers of steps and from two seeds, and
asked for pixels whose exact posterior mean, given the same window, is known too. What it is worse
than that mean is a matter of training; what the mean itself loses with a smaller window is the
price of locality. To compute the file that the book reads again, in ten minutes:
``python -m lessons_lib.course.studies.windows --folder WORK --json FILE``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lessons_lib.console import run
from lessons_lib.course.studies import locality
from lessons_lib.course.studies.tables import interval
from lessons_lib.distributions import Gaussian, rectangle_smc
from lessons_lib.files import check_place, write_whole
from lessons_lib.patches import Patches
from lessons_lib.pretrained.files import packed
from lessons_lib.pretrained.fit import train
from lessons_lib.pretrained.patch_recipe import PatchRecipe
from lessons_lib.pretrained.pictures import training_patches
from lessons_lib.priors import AveragedPrior
from lessons_lib.reconstruction import denoise_tv
from lessons_lib.shapes import Score, check_count
from lessons_lib.training import progress_of

SIZES = (3, 5, 7, 9)
STEPS = (800, 3_200)
"""About eight and thirty-two seconds of one core, for each size."""
SEEDS = (0, 1)
SIGMA = 0.1
MARGIN = 4
"""Pixels that stay away from the edges of the image, so that every window lies inside."""
Row = dict[str, Any]


def recipe(size: int, num_steps: int, seed: int) -> PatchRecipe:
    """How the network for windows of side ``size`` is trained."""
    return PatchRecipe(
        kind="preconditioned", data="tilted", pictures=20_000, sizes=(locality.SIDE,),
        patch_size=size, hidden=(192,) * 3, num_steps=num_steps, sigmas=(SIGMA / 2, 2 * SIGMA),
        mean=1.2, std=0.4, learning_rate=3e-3, seed=100 + seed,
    )  # fmt: skip


class Pixels:
    """One pixel of each of ``num`` images, in noise of `SIGMA`; those near an edge more often.

    ``weight``, ``(num,)``, makes means over them means over all pixels `MARGIN` inside the image.
    """

    def __init__(self, num: int, seed: int = 77) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.x0, self.y = locality._images(SIGMA, num, generator)
        drawn = locality._draw_pixels(self.x0, generator, margin=MARGIN)
        self.place, self.weight = drawn
        self.truth = self.at(self.x0)

    def at(self, images: Tensor) -> Tensor:
        """The pixel of each of the ``images``, ``(num, H, W)``."""
        return images[torch.arange(len(images)), self.place[:, 0], self.place[:, 1]]

    def windows(self, size: int) -> Tensor:
        """The window of odd side ``size`` around each pixel, ``(num, size, size)``."""
        return locality.cut_windows(self.y, self.place - size // 2, size)[0]

    def exact(self, size: int, num_particles: int = 100) -> tuple[Tensor, Tensor, Tensor]:
        """Posterior mean, its Monte Carlo error and the variance, given the windows."""
        half, generator = size // 2, torch.Generator().manual_seed(size)
        found = rectangle_smc(
            self.windows(size), SIGMA, size=locality.SIDE, corner=self.place - half,
            num_particles=num_particles, num_islands=2, generator=generator, **locality.LEVELS,
        )  # fmt: skip
        parts = found.mean(), found.std_error(), found.variance()
        mean, error, variance = (part[:, half, half] for part in parts)
        return mean, error, variance

    def learned(self, score: Score, size: int) -> Tensor:
        """What one step of Tweedie with a patch score makes of the middle of each window."""
        v = self.windows(size).flatten(1).float()
        with torch.no_grad():
            middle = (v + SIGMA**2 * score(v, SIGMA))[:, size**2 // 2]
        return middle.double()

    def averaged(self, score: Score, size: int) -> Tensor:
        """The same, averaged over all patches of the image that hold the pixel."""
        prior, y = AveragedPrior(score, Patches((locality.SIDE,) * 2, size)), self.y.float()
        with torch.no_grad():
            return self.at(y + SIGMA**2 * prior(y, SIGMA)).double()


def row_of(pixels: Pixels, guess: Tensor, limit: tuple[Tensor, Tensor, Tensor] | None) -> Row:
    """Weighted squared error of a ``guess`` at the pixels, and what it is above the ``limit``.

    ``excess`` is that by the identity of nested windows, ``E (guess - mean)^2``, without what the
    Monte Carlo error of the mean adds to it; its interval is over pictures.
    """
    error, error_half = _interval(pixels.weight * (guess - pixels.truth).square())
    row = {"error": error, "error_ci95": error_half}
    if limit is not None:
        mean, noise, _ = limit
        each = pixels.weight * ((guess - mean).square() - noise.square())
        row["excess"], row["excess_ci95"] = _interval(each)
        direct = pixels.weight * (
            (guess - pixels.truth).square() - (mean - pixels.truth).square() + noise.square()
        )
        row["paired"], row["paired_ci95"] = _interval(direct)
    return row


def windows_report(folder: Path, num: int) -> Iterator[tuple[str, Row]]:
    """Yield the rows of the table, each with the name of its part.

    Parameters
    ----------
    folder : Path
        Where the training runs keep their checkpoints, and go on.
    num : int
        Pixels, each of a picture of its own.
    """
    pixels = Pixels(num)
    limits = {}
    yield "trivial", {"method": "noisy", **row_of(pixels, pixels.at(pixels.y), None)}
    guess = pixels.at(denoise_tv(pixels.y, SIGMA, reference=pixels.x0))
    yield "trivial", {"method": "total variation", **row_of(pixels, guess, None)}
    for size in SIZES:
        limits[size] = pixels.exact(size)
        value, half = _interval(pixels.weight * limits[size][2])
        yield "exact", {"size": size, "error": value, "error_ci95": half}
        guess = pixels.learned(_gaussian_fit(size), size)
        yield "gaussian", {"size": size, **row_of(pixels, guess, limits[size])}
    for seed in SEEDS:
        for num_steps in STEPS:
            for size in SIZES:
                model, seconds = _trained(size, num_steps, seed, folder)
                about = {"size": size, "num_steps": num_steps, "seed": seed, "seconds": seconds}
                about["weights"] = hashlib.sha256(packed(model)).hexdigest()
                guess = pixels.learned(model, size)
                yield "learned", about | row_of(pixels, guess, limits[size])
                wider = limits.get(2 * size - 1)
                guess = pixels.averaged(model, size)
                yield "averaged", about | row_of(pixels, guess, wider)


def _trained(size: int, num_steps: int, seed: int, folder: Path) -> tuple[nn.Module, float]:
    checkpoint = folder / f"{size}_{num_steps}_{seed}.pt"
    model, records = train(recipe(size, num_steps, seed), checkpoint=checkpoint)
    for _ in records:
        pass
    return model.eval(), round(progress_of(checkpoint)[1], 1)


def _gaussian_fit(size: int) -> Score:
    """The score of a normal with the mean and the covariance of patches."""
    v = training_patches(recipe(size, 1, 0), generator=torch.Generator().manual_seed(0))
    v = v[::8].double()
    fit = Gaussian(v.mean(0), v.T.cov() + 1e-6 * torch.eye(size**2, dtype=v.dtype))
    return lambda x, sigma: fit.score(x.double(), sigma)


def _interval(values: Tensor) -> tuple[float, float]:
    """Mean and half its 95 % interval, to six decimals."""
    mean, half = interval(1e4 * values)
    return round(1e-4 * mean, 8), round(1e-4 * half, 8)


def main(arguments: Sequence[str] | None = None) -> None:
    """Compute the table of the book and write it."""
    parser = argparse.ArgumentParser(prog="python -m lessons_lib.course.studies.windows")
    parser.add_argument("--num", type=int, default=400, help="pixels, each of its own picture")
    parser.add_argument("--folder", type=Path, required=True, help="for what is trained")
    parser.add_argument("--json", type=Path, required=True, help="file to write")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    num = check_count(options.num, "num", least=2)
    check_place(options.json)
    options.folder.mkdir(parents=True, exist_ok=True)
    content: Row = {"setting": {"num": num, "sigma": SIGMA, "margin": MARGIN}}
    for part, row in windows_report(options.folder, num):
        content.setdefault(part, []).append(row)
        print(part, json.dumps(row), flush=True)
    write_whole(options.json, json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(run(main, "python -m lessons_lib.course.studies.windows"))
