"""Trained on one kind of picture, tested on another: the table of chapter 7.

`shift_table` denoises the same noisy pictures with every model, and sets each against BM3D with
its best setting. ``python -m lessons_lib.course.studies shift --num N --seed S --json FILE``
writes it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from lessons_lib import phantoms, pretrained
from lessons_lib.course.studies.statistics import check_several, interval
from lessons_lib.metrics import psnr
from lessons_lib.operators import Identity
from lessons_lib.patches import Patches
from lessons_lib.priors import AveragedPrior
from lessons_lib.reconstruction import GaussianLikelihood, denoise_bm3d, half_quadratic, ladder
from lessons_lib.shapes import Score, check_count, check_number

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


def unseen_pictures(domain: str, num: int, *, seed: int, size: int = SIZE) -> Tensor:
    """Draw pictures that no shipped model has seen.

    Parameters
    ----------
    domain : str
        One of `DOMAINS`. Photographs are windows of the test photographs at random places.
    num : int
        Number of pictures.
    seed : int
        Of the pictures.
    size : int
        Height and width in pixels.

    Returns
    -------
    Tensor, shape ``(num, size, size)``
        In float64, values in [0, 1].

    Raises
    ------
    ValueError
        If there is no such domain.
    """
    if domain not in DOMAINS:
        raise ValueError(f"domain must be one of {', '.join(DOMAINS)}, got {domain!r}")
    num = check_count(num, "num")
    generator = torch.Generator().manual_seed(10_000 + seed)  # models are trained from small seeds
    if domain != "photographs":
        return getattr(phantoms, domain)(num, size=size, generator=generator)
    names = itertools.islice(itertools.cycle(phantoms.TEST_PHOTOGRAPHS), num)
    return torch.stack([cut_window(phantoms.photograph(name), size, generator) for name in names])


def image_score(name: str, shape: tuple[int, int]) -> Score:
    """Load a shipped model as a score of images, whatever it was trained on.

    Parameters
    ----------
    name : str
        One of `pretrained.RECIPES`. A patch model is averaged over all patches.
    shape : tuple of int
        Height and width of the images.

    Returns
    -------
    Score
        Called as ``score(x, sigma)`` on ``(*, H, W)``.
    """
    model = pretrained.load(name)
    if family(name) == "whole":
        return model
    return AveragedPrior(model, Patches(shape, pretrained.RECIPES[name].patch_size))


def family(name: str) -> str:
    """Return ``"patch"`` or ``"whole"``: what the model called ``name`` is a score of."""
    whole = getattr(pretrained.RECIPES[name], "kind", "") in ("unet", "experts")
    return "whole" if whole else "patch"


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

    Parameters
    ----------
    num : int
        Pictures of each kind.
    seed : int
        Of the pictures and the noise.
    noise_std : float
        Standard deviation of the noise, for pictures in [0, 1].
    size : int
        Height and width in pixels.
    models : sequence of str
        Names in `pretrained.RECIPES`.
    baseline : callable
        ``baseline(y, noise_std, reference=x0)``; what the gain is measured against.
    stored : dict, optional
        An earlier `shift_report`; what it measured with the same setting and weights is kept.

    Yields
    ------
    dict
        One row: ``model``, ``family``, ``train``, ``test``, ``amplitude``, ``steps`` (``"one"`` or
        ``"ladder"``), the mean ``psnr`` in dB and half its 95 % confidence interval ``ci95``, and
        ``gain``, ``gain_ci95`` over the baseline on the same pictures. The rows of the baseline
        also hold its ``values`` on each picture, by which later models are compared.

    Raises
    ------
    ValueError
        If ``num`` is below 2, the noise level is not positive, or a name is unknown.

    Notes
    -----
    Chapter 07_pitfalls.
    """
    noise_std = check_number(noise_std, "noise_std")
    check_several(num)
    setting = {"num": num, "seed": seed, "size": size, "noise_std": noise_std}
    known = _known(stored, setting, models)
    scores = {name: image_score(name, (size, size)) for name in models}
    for test in DOMAINS:
        x0 = unseen_pictures(test, num, seed=seed, size=size)
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

    Parameters
    ----------
    num, seed : int
        As for `shift_table`.
    keep : callable, optional
        ``keep(report)`` gets the report so far whenever a row is done, with the rows of ``stored``
        whose turn has not come.
    **options
        As for `shift_table`.

    Returns
    -------
    dict
        ``setting``, with the hash of the weights of every model, and ``rows``.
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


def cut_window(picture: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Cut a square of ``size`` pixels out of a ``picture``, anywhere in it."""
    row, col = (int(torch.randint(k - size + 1, (), generator=generator)) for k in picture.shape)
    return picture[row : row + size, col : col + size]
