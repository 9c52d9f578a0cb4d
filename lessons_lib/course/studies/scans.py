"""Twofold undersampled Fourier data of disks: total variation at its best against patches.

`scan_report` draws new disks, a new set of lines and new noise for each picture, and lets every
method reconstruct the same data. ``python -m lessons_lib.course.studies.scans`` writes the file
that the chapter on scans reads.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lessons_lib import phantoms, pretrained, samplers
from lessons_lib.console import run
from lessons_lib.course.studies.denoisers import averaged
from lessons_lib.course.studies.stored import FOLDER
from lessons_lib.course.studies.tables import check_several, interval
from lessons_lib.files import check_place, write_whole
from lessons_lib.metrics import psnr
from lessons_lib.operators import MaskedFourier, measure, random_lines
from lessons_lib.reconstruction import (
    GaussianLikelihood,
    half_quadratic,
    ladder,
    posterior_score,
    tv,
)
from lessons_lib.schedules import geometric
from lessons_lib.shapes import Score

MODEL, NOISE_STDS = "disks_5x5_oriented", (0.01, 0.02, 0.05)
BAR_MODELS = ("photographs_5x5", "photographs_7x7")
FILE = FOLDER / "scans.json"
"""Where the chapter reads."""


def scan_report(
    num: int = 50,
    seed: int = 2026,
    *,
    noise_stds: Sequence[float] = NOISE_STDS,
    model: str = MODEL,
    size: int = 64,
    num_levels: int = 20,
) -> dict[str, Any]:
    """Compare zero filling, oracle total variation and the patch ladder on random lines.

    Half the lines are measured, of which an eighth of the height lies around frequency zero; there
    are ``num`` pictures at each of the ``noise_stds``.

    Returns
    -------
    dict
        ``setting``, and ``rows`` with ``noise_std``, ``method``, the mean ``psnr`` in dB, half its
        95 % confidence interval ``ci95``, and ``gain``, ``gain_ci95`` over total variation on the
        same data, ``wins``: on how many pictures the method is ahead.
    """
    check_several(num)
    prior = averaged(model)((size, size))
    rows = [
        {"noise_std": noise_std, **row}
        for noise_std in noise_stds
        for row in _rows(list(_scans(num, seed, noise_std, size)), prior, num_levels)
    ]
    setting = {"num": num, "seed": seed, "size": size, "num_levels": num_levels, "model": model}
    setting["weights_sha256"] = pretrained.describe(model)["weights_sha256"]
    return {"setting": setting, "rows": rows}


def bar_rows(
    models: Sequence[str] = BAR_MODELS, *, num_chains: int = 8, seed: int = 2026
) -> list[dict[str, Any]]:
    """Measure how honest the error bars of a head are, from half its Fourier lines.

    Annealed Langevin dynamics in the posterior, 200 steps, on the 64 x 64 slice with noise 0.02.
    Each row has ``model``, ``psnr`` of the posterior mean, and ``ratio``: root mean square error
    over root mean square bar, 1 when the bars are right on the whole.
    """
    return [_bars(name, num_chains, torch.Generator().manual_seed(seed)) for name in models]


@torch.no_grad()
def _bars(name: str, num_chains: int, generator: torch.Generator) -> dict[str, Any]:
    x0, shape = phantoms.head_mr(block=4, dtype=torch.float32), (64, 64)
    prior = averaged(name)(shape)
    A = MaskedFourier(random_lines(shape, 32, centre=8, generator=generator))
    likelihood = GaussianLikelihood(A, measure(A, x0, 0.02, generator=generator), 0.02)
    start = 0.3 * torch.randn(num_chains, *shape, generator=generator) + A.adjoint(likelihood.y)
    target = posterior_score(prior, likelihood, num_cg=4)
    options = {"steps_per_level": 10, "step_ratio": 0.2, "generator": generator}
    x = samplers.last(
        samplers.annealed_langevin(target, start, geometric(0.3, 0.01, 20).float(), **options)
    )
    x = x + 0.01**2 * prior(x, 0.01)
    mean, bar = x.mean(0), x.std(0) * (1 + 1 / num_chains) ** 0.5
    ratio = float((x0 - mean).norm() / bar.norm())
    value = float(psnr(mean, x0, data_range=1.0))
    return {"model": name, "psnr": round(value, 3), "ratio": round(ratio, 3)}


def _scans(
    num: int, seed: int, noise_std: float, size: int
) -> Iterator[tuple[Tensor, GaussianLikelihood]]:
    """Pictures and their data."""
    generator = torch.Generator().manual_seed(20_000 + seed)  # models train from small seeds
    for _ in range(num):
        x0 = phantoms.disks(1, size=size, generator=generator, dtype=torch.float32)[0]
        lines = random_lines((size, size), size // 2, centre=size // 8, generator=generator)
        A = MaskedFourier(lines)
        yield x0, GaussianLikelihood(A, measure(A, x0, noise_std, generator=generator), noise_std)


@torch.no_grad()
def _rows(
    scans: list[tuple[Tensor, GaussianLikelihood]], prior: Score, num_levels: int
) -> Iterator[dict[str, Any]]:
    """Reconstruct every picture with every method, and set each against total variation."""

    def down(likelihood: GaussianLikelihood, stop: float) -> Tensor:
        x, noise_std = likelihood.A.adjoint(likelihood.y), likelihood.noise_std
        sigmas = ladder(noise_std, num_levels, start=0.1, stop=stop * noise_std)
        return list(half_quadratic(prior, likelihood, x, sigmas, num_cg=5))[-1]

    methods = {
        "TV, oracle": lambda x0, scan: tv(scan, reference=x0),
        "zero-filled": lambda x0, scan: scan.A.adjoint(scan.y),
        "patch ladder, stopped at the noise": lambda x0, scan: down(scan, 0.999),
        "patch ladder": lambda x0, scan: down(scan, 1 / 8),
    }
    values: dict[str, Tensor] = {}
    for name, method in methods.items():
        values[name] = torch.stack([psnr(method(*s), s[0], data_range=1.0) for s in scans]).double()
        gain = values[name] - values["TV, oracle"]
        row = dict(zip(("psnr", "ci95"), interval(values[name]), strict=True))
        row |= dict(zip(("gain", "gain_ci95"), interval(gain), strict=True))
        yield {"method": name, **row, "wins": int((gain > 0).sum())}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the table, print it, and write it."""
    parser = argparse.ArgumentParser(
        prog="python -m lessons_lib.course.studies.scans", description=__doc__
    )
    parser.add_argument("--num", type=int, default=50, help="pictures at each noise level")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--model", default=MODEL, help="a patch model")
    parser.add_argument("--json", type=Path, default=FILE, help="where to write")
    options = vars(parser.parse_args(arguments))
    torch.set_num_threads(1)
    file = options.pop("json")
    check_place(file)
    report = scan_report(**options) | {"bars": bar_rows(seed=options["seed"])}
    for row in report["rows"] + report["bars"]:
        print(*row.values())
    write_whole(file, json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(run(main, "python -m lessons_lib.course.studies.scans"))
