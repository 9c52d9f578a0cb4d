"""The price of locality: how well can a pixel be known from a window around it, at best?

For the tilted rectangles the posterior given any window is known (`rectangle_smc`), so its mean
squared error is the best that *any* method can reach that looks at this window only. A wider window
knows what the narrower one knows, so the errors fall until the window is the image. To compute the
file that the book reads again: ``python -m lessons_lib.course.studies.locality --json FILE``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from lessons_lib.console import run
from lessons_lib.course.studies.tables import check_several
from lessons_lib.distributions import rectangle_smc
from lessons_lib.files import check_place, write_whole
from lessons_lib.phantoms import tilted_rectangles
from lessons_lib.reconstruction import denoise_tv
from lessons_lib.shapes import check_count, check_number

SIDE = 16
LEVELS = {"background": (1.0, 0.1), "foreground": (2.0, 0.03)}
"""Means and standard deviations: the spreads of the talk, and a foreground about 1 above."""
SIZES = (1, 2, 3, 5, 7, 9, 13)
SIGMAS = (0.1,)
EDGE_FAVOUR = 6.0
"""How much more often a pixel next to an edge is drawn; errors are large there."""
Row = dict[str, float]


def cut_windows(y: Tensor, corner: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Cut a square window of side ``size`` out of each of the images ``y``, ``(B, H, W)``.

    ``corner``, ``(B, 2)``, is its first pixel; it may reach over an edge. Returns the windows,
    ``(B, size, size)``, and which of their pixels lie inside; the others repeat an edge.
    """
    height, width = y.shape[-2:]
    place = corner[:, :, None] + torch.arange(size)  # (B, 2, size)
    last = torch.tensor([height - 1, width - 1])[:, None]
    inside = (place >= 0) & (place <= last)
    rows, cols = place.clamp(min=0).minimum(last).unbind(1)
    image = torch.arange(len(y))[:, None, None]
    mask = inside[:, 0, :, None] & inside[:, 1, None, :]
    return y[image, rows[:, :, None], cols[:, None, :]], mask


def window_errors(
    size: int, sigma: float, *, num: int, seed: int = 0, num_particles: int = 100
) -> tuple[Tensor, Tensor]:
    """Posterior variance and squared error of ``num`` random pixels, given a window around each.

    Each pixel is of an image of its own, the same for every ``size``. Pixels next to an edge are
    drawn more often, and count less. Both tensors, ``(num,)``, have the same expectation: the Bayes
    error of a pixel that is known from its window only.
    """
    size = check_count(size, "size")
    generator = torch.Generator().manual_seed(seed)
    x0, y = _images(sigma, num, generator)
    pixel, weight = _draw_pixels(x0, generator)
    before = (size - 1) // 2
    window, mask = cut_windows(y, pixel - before, size)
    found = rectangle_smc(
        window, sigma, size=SIDE, corner=pixel - before, mask=mask, num_particles=num_particles,
        num_islands=2, generator=generator, **LEVELS,
    )  # fmt: skip
    truth = x0[torch.arange(num), pixel[:, 0], pixel[:, 1]]
    error = (found.mean()[:, before, before] - truth).square()
    return weight * found.variance()[:, before, before], weight * error


def image_errors(
    sigma: float, *, num: int, seed: int = 0, num_particles: int = 200
) -> tuple[Tensor, Tensor]:
    """The same for a window as large as the image, averaged over the pixels of each image."""
    generator = torch.Generator().manual_seed(seed)
    x0, y = _images(sigma, num, generator)
    found = rectangle_smc(
        y, sigma, num_particles=num_particles, num_islands=2, generator=generator, **LEVELS
    )
    return found.variance().mean((1, 2)), (found.mean() - x0).square().mean((1, 2))


def locality_row(size: int, sigma: float, *, num: int, seed: int = 0) -> Row:
    """One row of the table: the Bayes error of a pixel given a window of side ``size``.

    ``num`` is that of the pixels, or of the whole images if ``size`` is `SIDE`. ``variance`` and
    ``squared_error`` are two estimates of the Bayes error, each with its standard error ``_se``.
    """
    check_several(num)
    if size == SIDE:
        each = image_errors(sigma, num=num, seed=seed)
    else:
        each = window_errors(size, sigma, num=num, seed=seed)
    row: Row = {"size": size, "sigma": sigma, "num": num, "seed": seed}
    for name, values in zip(("variance", "squared_error"), each, strict=True):
        row[name] = float(values.mean())
        row[f"{name}_se"] = float(values.std() / num**0.5)
    return row


def _draw_pixels(
    x0: Tensor, generator: torch.Generator, *, margin: int = 0
) -> tuple[Tensor, Tensor]:
    """One pixel of each image, ``(B, 2)``, and its weight ``(B,)`` in a mean over all pixels.

    Pixels closer to an edge of the image than ``margin`` do not count.
    """
    wide = torch.nn.functional.pad(x0[:, None], (1, 1, 1, 1), mode="replicate")
    high, low = (torch.nn.functional.max_pool2d(sign * wide, 3, 1) for sign in (1, -1))
    near = ((high + low)[:, 0] > 1e-6).flatten(1)  # (B, SIDE * SIDE)
    row = torch.arange(SIDE)
    inner = (row >= margin) & (row < SIDE - margin)
    counted = (inner[:, None] & inner).flatten()
    chance = (1 + (EDGE_FAVOUR - 1) * near) * counted
    chance = chance / chance.sum(1, keepdim=True)
    which = torch.multinomial(chance, 1, generator=generator)
    pixel = torch.cat([which // SIDE, which % SIDE], 1)
    return pixel, 1 / (int(counted.sum()) * chance.gather(1, which)[:, 0])


def tv_row(sigma: float, *, num: int, seed: int = 0) -> Row:
    """Squared error of total variation on the images of `image_errors`, at its best weights."""
    x0, y = _images(sigma, check_several(num), torch.Generator().manual_seed(seed))
    error = (denoise_tv(y, sigma, reference=x0) - x0).square().mean((1, 2))
    row: Row = {"sigma": sigma, "num": num, "seed": seed, "squared_error": float(error.mean())}
    return row | {"squared_error_se": float(error.std() / num**0.5)}


def _images(sigma: float, num: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Clean and noisy images, each ``(num, SIDE, SIDE)``."""
    num = check_count(num, "num")
    x0 = tilted_rectangles(num, generator=generator, **LEVELS)
    noise = torch.randn(x0.shape, generator=generator, dtype=torch.float64)
    return x0, x0 + check_number(sigma, "sigma") * noise


def main(arguments: Sequence[str] | None = None) -> None:
    """Compute the table of the book and write it."""
    parser = argparse.ArgumentParser(prog="python -m lessons_lib.course.studies.locality")
    parser.add_argument("--num", type=int, default=1000, help="pixels for each window")
    parser.add_argument("--images", type=int, default=60, help="whole images")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, required=True, help="file to write")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    for num in (options.num, options.images):
        check_several(num)
    check_place(options.json)
    rows = []
    for sigma in SIGMAS:
        for size in (*SIZES, SIDE):
            num = options.images if size == SIDE else options.num
            rows.append(locality_row(size, sigma, num=num, seed=options.seed))
            print(json.dumps(rows[-1]), flush=True)
    tv = [tv_row(sigma, num=options.images, seed=options.seed) for sigma in SIGMAS]
    content = {"levels": LEVELS, "rows": rows, "tv": tv}
    write_whole(options.json, json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(run(main, "python -m lessons_lib.course.studies.locality"))
