"""Patches or whole images, fairly: like pictures, noise and seconds; families crossed with units.

Every model is trained on 1000 disks of 64 pixels, drawn from the same law, on noise from 0.002 to
0.5, for about the same seconds of one core, from two seeds. A patch sees 5 x 5 pixels, and a
quarter of the patches have an edge; a whole-image model sees all pixels. Each comes plain and
normalised. They are tested where they were trained, in larger pictures and on other kinds, in one
step of Tweedie and down a ladder, beside rivals that learn little or nothing. Their weights are not
shipped: recipes make them again, and the table knows their hashes.

    python -m lessons_lib.course.studies.rivals train --folder WEIGHTS
    python -m lessons_lib.course.studies.rivals measure --folder WEIGHTS --json FILE
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lessons_lib import phantoms, pretrained
from lessons_lib.console import run
from lessons_lib.course.studies.denoising import noisy_pictures
from lessons_lib.course.studies.stored import write_report
from lessons_lib.course.studies.tables import interval
from lessons_lib.distributions import GaussianField
from lessons_lib.files import write_whole
from lessons_lib.metrics import psnr
from lessons_lib.networks import ImageScore, NormalizedImageScore
from lessons_lib.operators import Identity
from lessons_lib.patches import Patches
from lessons_lib.pretrained import ImageRecipe, PatchRecipe
from lessons_lib.pretrained.files import packed
from lessons_lib.pretrained.recipe import TrainedRecipe
from lessons_lib.priors import AveragedPrior
from lessons_lib.reconstruction import (
    GaussianLikelihood,
    denoise_bm3d,
    denoise_regions,
    denoise_tv,
    half_quadratic,
    ladder,
)
from lessons_lib.samplers import last
from lessons_lib.shapes import Score

TRAINED_SIZE = 64
DISKS: dict[str, Any] = {"data": "disks", "pictures": 1000, "sigmas": (0.002, 0.5)}
PATCHES: dict[str, Any] = {
    "patch_size": 5,
    "hidden": (192,) * 3,
    "edges": 0.25,
    "sizes": (TRAINED_SIZE,),
    "mean": 0.13,
    "std": 0.28,
    **DISKS,
}
WHOLE: dict[str, Any] = {
    "hidden": (16, 32, 48, 64),
    "size": TRAINED_SIZE,
    "crop": TRAINED_SIZE,
    "batch_size": 2,
    "num_steps": 1_000,
    **DISKS,
}
RECIPES: dict[str, TrainedRecipe] = {
    "patches": PatchRecipe(kind="preconditioned", num_steps=10_500, **PATCHES),
    "whole": ImageRecipe(kind="whole", **WHOLE),
    "patches, normalised": PatchRecipe(kind="normalized", num_steps=10_000, **PATCHES),
    "whole, normalised": ImageRecipe(kind="whole_normalized", **WHOLE),
}
"""Each family plain and normalised, for the seed 0."""

SEEDS = (0, 1)
PICTURES, DRAWN, SEED = 30, 50, 2026
"""The first of the pictures that the tables of denoisers are made of."""
SETTINGS = (
    ("disks", 64, 0.05),
    ("disks", 64, 0.1),
    ("rectangles", 64, 0.05),
    ("rectangles", 64, 0.1),
    ("tilted_large", 64, 0.05),
    ("tilted_large", 64, 0.1),
    ("disks", 128, 0.05),
)
"""Kinds of pictures, sizes and noises that are tested; the first is as in training."""
DEPTHS = (8.0, 32.0)
"""How far below the noise the ladder of seven may end; chosen for each model on other disks."""
SHIPPED = ("disks_whole", "disks_5x5_oriented")
"""Models from longer trainings that stand beside the cross."""
Row = dict[str, Any]


def train(name: str, seed: int, folder: Path) -> dict[str, Any]:
    """Train the model ``name`` from a ``seed``, and write its weights and card into ``folder``.

    A run that was stopped goes on.
    """
    recipe = replace(RECIPES[name], seed=seed)
    stem = f"{name.replace(', ', '_')}_{seed}"
    checkpoint = folder / f".{stem}.checkpoint"
    model, records = pretrained.train(recipe, checkpoint=checkpoint, progress=True)
    *_, final = records
    content = packed(model)
    card = {"recipe": recipe.as_json(), "weights_sha256": hashlib.sha256(content).hexdigest()}
    card["seconds"] = round(final.seconds, 1)
    write_whole(folder / f"{stem}.safetensors", content)
    write_whole(folder / f"{stem}.json", json.dumps(card) + "\n")
    checkpoint.unlink()
    return card


def trained(name: str, seed: int, folder: Path) -> tuple[torch.nn.Module, dict[str, Any]] | None:
    """Load what `train` wrote into ``folder``, with its card; None if it is not there."""
    from safetensors.torch import load

    recipe, stem = replace(RECIPES[name], seed=seed), f"{name.replace(', ', '_')}_{seed}"
    if not (folder / f"{stem}.json").exists():
        return None
    card = json.loads((folder / f"{stem}.json").read_text(encoding="utf-8"))
    content = (folder / f"{stem}.safetensors").read_bytes()
    same = card["weights_sha256"] == hashlib.sha256(content).hexdigest()
    if card["recipe"] != recipe.as_json() or not same:
        raise ValueError(f"{stem} in {folder} was made by another recipe; train it again")
    model = recipe.build()
    model.load_state_dict(load(content))
    return model.eval().requires_grad_(False), card


def image_prior(model: torch.nn.Module, shape: tuple[int, int]) -> Score:
    """The score of images of a ``shape``: the ``model`` itself, or the average over its patches."""
    if isinstance(model, ImageScore | NormalizedImageScore):
        return model
    return AveragedPrior(model, Patches(shape, 5))


@torch.no_grad()
def denoised(score: Score, y: Tensor, noise_std: float, *, depth: float) -> tuple[Tensor, Tensor]:
    """Denoise pictures ``y`` one by one, in one step and down a ladder that ends at a ``depth``.

    The ladder has seven levels, from ``noise_std`` to ``noise_std / depth``.
    """
    one, down = [], []
    sigmas = ladder(noise_std, stop=noise_std / depth)
    for image in y.float():
        likelihood = GaussianLikelihood(Identity(tuple(image.shape)), image, noise_std)
        one.append(image + noise_std**2 * score(image, noise_std))
        down.append(last(half_quadratic(score, likelihood, image, sigmas)))
    return torch.stack(one).to(y), torch.stack(down).to(y)


def best_depth(model: torch.nn.Module) -> float:
    """Which of `DEPTHS` suits a ``model`` on six disks that are no test pictures."""
    about = {"phantom": "disks", "num": 6, "seed": 7, "size": TRAINED_SIZE, "noise_std": 0.05}
    x0, y = noisy_pictures(about)
    score = image_prior(model, (TRAINED_SIZE, TRAINED_SIZE))
    found = {d: psnr(denoised(score, y, 0.05, depth=d)[1], x0, data_range=1.0) for d in DEPTHS}
    return max(DEPTHS, key=lambda depth: float(found[depth].mean()))


def wiener(y: Tensor, noise_std: float) -> Tensor:
    """Denoise by the normal density with the mean and the spectrum of 200 training disks."""
    generator = torch.Generator().manual_seed(0)
    x = phantoms.disks(200, size=y.shape[-1], generator=generator)
    spectrum = torch.fft.fft2(x - x.mean()).abs().square().mean(0) / x[0].numel()
    field = GaussianField(spectrum)
    return y + noise_std**2 * field.score(y - x.mean(), noise_std)


def settings() -> Iterator[dict[str, Any]]:
    """What is tested: kind of picture, size and noise."""
    for setting in SETTINGS:
        yield dict(zip(("phantom", "size", "noise_std"), setting, strict=True))


def pictures_of(setting: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Test pictures and the same with noise, each ``(30, size, size)``."""
    x0, y = noisy_pictures(setting | {"num": DRAWN, "seed": SEED})
    return x0[:PICTURES], y[:PICTURES]


def competitor_rows() -> Iterator[Row]:
    """What nothing, a normal density, total variation with and without regions, and BM3D reach."""
    for setting in settings():
        x0, y = pictures_of(setting)
        s = setting["noise_std"]
        yield _row("noisy", 0, setting, "", y, x0)
        yield _row("Wiener", 0, setting, "", wiener(y, s), x0)
        yield _row("TV", 0, setting, "", denoise_tv(y, s, reference=x0), x0)
        yield _row("TV, regions", 0, setting, "", denoise_regions(y, s, reference=x0), x0)
        if setting["phantom"] == "disks":
            yield _row("BM3D", 0, setting, "", denoise_bm3d(y, s), x0)


def model_rows(name: str, seed: int, model: torch.nn.Module, depth: float) -> Iterator[Row]:
    """One step and ladder of one ``model``, which is called ``name``, of one ``seed``."""
    for setting in settings():
        x0, y = pictures_of(setting)
        score = image_prior(model, tuple(x0.shape[-2:]))
        both = denoised(score, y, setting["noise_std"], depth=depth)
        for steps, x in zip(("one", "ladder"), both, strict=True):
            yield _row(name, seed, setting, steps, x, x0)


def _row(name: str, seed: int, setting: dict[str, Any], steps: str, x: Tensor, x0: Tensor) -> Row:
    values = [round(v, 2) for v in psnr(x, x0, data_range=1.0).tolist()]
    return {"model": name, "seed": seed, **setting, "steps": steps, "values": values}


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is missing, or measure what is there and write the table."""
    parser = argparse.ArgumentParser(prog="python -m lessons_lib.course.studies.rivals")
    parser.add_argument("command", choices=("train", "measure"))
    parser.add_argument("--folder", type=Path, required=True, help="of the weights")
    parser.add_argument("--json", type=Path, help="the table, which goes on if it exists")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    every = list(itertools.product(SEEDS, RECIPES))
    if options.command == "train":
        for seed, name in every:
            if trained(name, seed, options.folder) is None:
                train(name, seed, options.folder)
    elif options.json is None:
        parser.error("measure needs --json FILE")
    else:
        measure(every, options.folder, options.json)


def measure(every: Sequence[tuple[int, str]], folder: Path, path: Path) -> None:
    """Measure the models of ``every`` seed and name in ``folder``, and write the table to ``path``.

    What the table has is kept, if the weights are the same; models that are missing are left out.
    """
    old = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    rows: list[Row] = [row for row in old.get("rows", []) if row["steps"] == ""]
    known = {(card["model"], card["seed"]): card for card in old.get("models", [])}
    report: dict[str, Any] = {"rows": rows or list(competitor_rows()), "models": []}
    write_report(path, report)
    found = {(name, seed): trained(name, seed, folder) for seed, name in every}
    found |= {(name, 0): _shipped(name) for name in SHIPPED}
    for (name, seed), pair in found.items():
        if pair is None:
            continue
        model, card = pair
        before = known.get((name, seed), {})
        if before.get("weights_sha256") == card["weights_sha256"]:
            same = [r for r in old["rows"] if (r["model"], r["seed"]) == (name, seed)]
            card = before
        else:
            depth = best_depth(model)
            card = {"model": name, "seed": seed, **card, "depth": depth}
            same = list(model_rows(name, seed, model, depth))
        report["rows"] += same
        report["models"].append(card)
        write_report(path, report)
        print(name, seed, *(f"{r['steps']} {sum(r['values']) / PICTURES:.2f}" for r in same[:2]))


def _shipped(name: str) -> tuple[torch.nn.Module, dict[str, Any]] | None:
    if name not in pretrained.names():
        return None
    card = pretrained.describe(name)
    kept = {k: card[k] for k in ("recipe", "weights_sha256")}
    return pretrained.load(name), kept | {"seconds": card["training_seconds"]}


class Crossed:
    """The measured table, for pages: means and paired differences with their intervals.

    A ``where`` is a setting: ``phantom``, ``size``, ``noise_std`` and ``steps``.
    """

    def __init__(self, report: dict[str, Any]) -> None:
        self.models = report["models"]
        self.rows = report["rows"]

    def values(self, model: str, *, seed: int | None = None, **where: Any) -> Tensor:
        """PSNR of each picture, ``(30,)``, of one ``seed`` or the mean over the seeds."""
        if model in COMPETITORS:
            where = where | {"steps": ""}
        wanted = {"model": model, **where} | ({} if seed is None else {"seed": seed})
        rows = [r["values"] for r in self.rows if all(r[k] == v for k, v in wanted.items())]
        if not rows:
            raise ValueError(f"the table has no row with {wanted}")
        return torch.tensor(rows, dtype=torch.float64).mean(0)

    def mean(self, model: str, **where: Any) -> float:
        """Mean PSNR in dB."""
        return float(self.values(model, **where).mean())

    def lead(self, model: str, rival: str, **where: Any) -> tuple[float, float]:
        """By how many dB ``model`` is ahead of ``rival``, picture by picture: mean and half CI."""
        return interval(self.values(model, **where) - self.values(rival, **where))


COMPETITORS = ("noisy", "Wiener", "TV", "TV, regions", "BM3D")
"""The rows that no training made."""


if __name__ == "__main__":
    sys.exit(run(main, "python -m lessons_lib.course.studies.rivals"))
