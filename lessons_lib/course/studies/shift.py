"""Trained on one kind of picture, tested on another: the table of chapter 7.

`shift_table` denoises the same noisy pictures with every model, and sets each against BM3D with
its best setting. ``python -m lessons_lib.course.studies shift --num N --seed S --json FILE``
writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from lessons_lib import pretrained
from lessons_lib.course.studies.denoisers import averaged
from lessons_lib.course.studies.pictures import held_out_pictures
from lessons_lib.course.studies.tables import check_several, interval
from lessons_lib.metrics import psnr
from lessons_lib.operators import Identity
from lessons_lib.reconstruction import GaussianLikelihood, denoise_bm3d, half_quadratic, ladder
from lessons_lib.shapes import Score, check_number

DOMAINS = ("disks", "rectangles", "photographs")
"""Kinds of pictures, each trained on and tested on."""

MODELS = (
    "disks_5x5_normalized",
    "rectangles_5x5_normalized",
    "photographs_7x7",
    "disks_unet",
    "rectangles_unet",
    "photographs_unet",
)
"""For each kind of picture a patch model and a whole-image model."""

AMPLITUDES = (0.3, 1.0, 3.0)
"""Factors on the test pictures; the noise is scaled alike."""

SIZE = 128
NUM_LEVELS = 7
Baseline = Callable[..., Tensor]


def image_score(name: str, shape: tuple[int, int]) -> Score:
    """Load the shipped model ``name`` as a score of images of this ``shape``.

    A patch model is averaged over all patches.
    """
    model = pretrained.load(name)
    return model if family(name) == "whole" else averaged(name)(shape)


def family(name: str) -> str:
    """Return ``"patch"`` or ``"whole"``: what the model called ``name`` is a score of."""
    kind = getattr(pretrained.RECIPES[name], "kind", "")
    return "whole" if kind in ("unet", "experts") else "patch"


def shift_table(
    num: int,
    seed: int,
    *,
    noise_std: float = 0.05,
    size: int = SIZE,
    models: Sequence[str] = MODELS,
    baseline: Baseline = denoise_bm3d,
    stored: dict[str, Any] | None = None,
) -> Iterator[dict[str, Any]]:
    """Test every model on every kind of picture, and on other amplitudes of its own kind.

    ``baseline(y, noise_std, reference=x0)`` is what the gain is measured against. ``stored`` is an
    earlier `shift_report`; what it measured with the same setting and weights is kept.

    Yields
    ------
    dict
        One row: ``model``, ``family``, ``train``, ``test``, ``amplitude``, ``steps`` (``"one"`` or
        ``"ladder"``), the mean ``psnr`` in dB and half its 95 % confidence interval ``ci95``, and
        ``gain``, ``gain_ci95`` over the baseline on the same pictures. The rows of the baseline
        also hold its ``values`` on each picture, by which later models are compared.
    """
    noise_std = check_number(noise_std, "noise_std")
    check_several(num)
    setting = {"num": num, "seed": seed, "size": size, "noise_std": noise_std}
    known = _known(stored, setting, models)
    scores = {name: image_score(name, (size, size)) for name in models}
    for test in DOMAINS:
        x0 = held_out_pictures(test, num, seed=seed, size=size)
        noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(seed), dtype=x0.dtype)
        y, about = x0 + noise_std * noise, ("bm3d", test, 1.0, "")
        if about not in known:
            values = psnr(baseline(y, noise_std, reference=x0), x0, data_range=1.0)
            known[about] = _row(about, values, values) | {"values": _rounded(values).tolist()}
        rival = torch.tensor(known[about]["values"], dtype=torch.float64)
        yield known[about]
        for name, score in scores.items():
            for a, steps in _settings(name.split("_")[0] == test):
                about = (name, test, a, steps)
                if about not in known:
                    x = _denoise(score, a * y, a * noise_std, steps) / a
                    known[about] = _row(about, psnr(x, x0, data_range=1.0), rival)
                yield known[about]


def shift_report(
    num: int, seed: int, *, keep: Callable[[dict[str, Any]], None] | None = None, **options: Any
) -> dict[str, Any]:
    """Run `shift_table` to its end, with a progress bar and all that is needed to repeat it.

    ``keep(report)`` gets the report so far whenever a row is done, with the rows of
    ``stored`` whose turn has not come.
    """
    from tqdm import tqdm

    models = tuple(options.get("models", MODELS))
    setting = {"num": num, "seed": seed, "size": options.get("size", SIZE)}
    setting |= {"noise_std": options.get("noise_std", 0.05)}
    earlier, rows = _known(options.get("stored"), setting, models), {}
    report = {"setting": setting | {"weights_sha256": _hashes(models)}, "rows": []}
    for row in tqdm(shift_table(num, seed, **options), desc="shift", unit="row"):
        rows[_about(row)] = row
        report["rows"] = list((rows | {k: v for k, v in earlier.items() if k not in rows}).values())
        if keep is not None:
            keep(report)
    return report


def _settings(at_home: bool) -> list[tuple[float, str]]:
    """Amplitudes and algorithms: the other amplitudes are only tried at home, in one step."""
    others = [(a, "one") for a in AMPLITUDES if a != 1.0] if at_home else []
    return [(1.0, "one"), (1.0, "ladder"), *others]


@torch.no_grad()
def _denoise(score: Score, y: Tensor, noise_std: float, steps: str) -> Tensor:
    """Denoise picture by picture, in one step of Tweedie's formula or down a ladder."""
    if steps == "one":
        return torch.stack([image + noise_std**2 * score(image, noise_std) for image in y])
    out, sigmas = [], ladder(noise_std, NUM_LEVELS)
    for image in y:
        likelihood = GaussianLikelihood(Identity(tuple(image.shape)), image, noise_std)
        *_, last = half_quadratic(score, likelihood, image, sigmas)
        out.append(last)
    return torch.stack(out)


def _row(about: tuple[str, str, float, str], values: Tensor, rival: Tensor) -> dict[str, Any]:
    """One line of the table; ``about`` is model, test, amplitude and steps."""
    model, test, amplitude, steps = about
    what = ("baseline", "") if model == "bm3d" else (family(model), model.split("_")[0])
    row = {"model": model, "family": what[0], "train": what[1], "test": test}
    row |= {"amplitude": amplitude, "steps": steps}
    (mean, half), (gain, gain_half) = map(interval, (values, _rounded(values) - _rounded(rival)))
    return row | {"psnr": mean, "ci95": half, "gain": gain, "gain_ci95": gain_half}


def _rounded(values: Tensor) -> Tensor:
    return values.double().round(decimals=3)  # as they are written


def _hashes(models: Sequence[str]) -> dict[str, str]:
    return {name: pretrained.describe(name)["weights_sha256"] for name in models}


def _known(
    stored: dict[str, Any] | None, setting: dict[str, Any], models: Sequence[str]
) -> dict[tuple[str, str, float, str], dict[str, Any]]:
    """Rows of an earlier report that still hold, by model, test, amplitude and steps."""
    if stored is None or any(stored["setting"].get(k) != v for k, v in setting.items()):
        return {}
    now, then = _hashes(models), stored["setting"]["weights_sha256"]
    return {
        _about(row): row
        for row in stored["rows"]
        if now.get(row["model"]) == then.get(row["model"])
        and (row["model"] != "bm3d" or "values" in row)
    }


def _about(row: dict[str, Any]) -> tuple[str, str, float, str]:
    return row["model"], row["test"], row["amplitude"], row["steps"]
