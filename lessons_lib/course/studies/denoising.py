"""Many ways to denoise side by side: same pictures, same noise, same run.

``python -m lessons_lib.course.studies denoising --phantom disks --num 50 --seed 0 --noise-std 0.05
--json FILE`` writes what `denoising_report` returns.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from lessons_lib import pretrained
from lessons_lib.course.studies.methods import GUEST, RIVAL, Method, guest_methods, methods
from lessons_lib.course.studies.pictures import SIZES, held_out_pictures
from lessons_lib.course.studies.tables import check_several, interval
from lessons_lib.metrics import psnr, ssim
from lessons_lib.shapes import Score, check_number

Row = dict[str, Any]

CLOSE = 0.02
"""Decibels by which the same method may differ on the same picture on another machine."""


def denoising_report(
    phantom: str,
    num: int,
    seed: int,
    *,
    noise_std: float = 0.05,
    size: int | None = None,
    chosen: Sequence[str] | None = None,
    priors: Mapping[str, Score] | None = None,
    stored: dict[str, Any] | None = None,
    keep: Callable[[dict[str, Any]], None] | None = None,
    progress: bool = False,
) -> dict[str, Any]:
    """Denoise held-out pictures by every method of a list.

    Parameters
    ----------
    phantom : str
        Kind of pictures, see `pictures.SIZES`.
    num : int
        Number of pictures; at least two, for the interval.
    seed : int
        Of the pictures and the noise.
    noise_std : float
        Standard deviation of the noise, where black and white are 1 apart.
    size : int, optional
        Height and width in pixels; by default that of `pictures.SIZES`.
    chosen : sequence of str, optional
        Names of methods; by default all that `methods` lists for these pictures.
    priors : mapping of str to Score, optional
        Scores of images that are not in the library, by the name for their rows.
    stored : dict, optional
        An earlier report; rows that were made with the same setting and weights are kept, if the
        first picture still comes out within `CLOSE`; but for those of ``priors``.
    keep : callable, optional
        ``keep(report)`` gets the report so far whenever a row is done, with the rows of ``stored``
        whose turn has not come.
    progress : bool
        Show a progress bar.

    Returns
    -------
    dict
        ``methods``, a list of rows, and ``setting``, all that is needed to repeat them. A row has
        ``method``, ``family``, ``psnr`` (mean, dB), ``ci95`` (half its 95 % interval), ``ssim``,
        ``seconds`` (of one thread, for one picture), ``values`` (the PSNR of each picture; of the
        first few only, if the method is slow), ``weights`` (hashes of its models), and the mean
        difference ``gain`` to BM3D on the same pictures with ``gain_ci95``, None without it.

    Raises
    ------
    ValueError
        If an argument is out of range or a method is unknown.

    References: chapter 06_reconstruction.
    """
    noise_std = check_number(noise_std, "noise_std")
    check_several(num)
    setting = {"phantom": phantom, "num": num, "seed": seed, "noise_std": noise_std}
    setting["size"] = SIZES.get(phantom) if size is None else size
    setting["data_range"] = 1.0
    every = [*choose(phantom, chosen), *guest_methods(priors or {})]
    skipped = {method.name: reason for method in every if (reason := method.missing())}
    todo = [method for method in every if method.name not in skipped]
    earlier = _comparable(stored, setting)
    rows = {method.name: earlier.get(method.name) for method in todo}
    report = {"methods": [], "setting": setting | {"skipped": skipped}}
    for method in todo:
        row = _kept(method, setting, rows[method.name])
        rows[method.name] = row or _measure(method, setting, progress)
        present = [row for row in rows.values() if row is not None]
        report["methods"] = [_against(row, rows.get(RIVAL)) for row in present]
        if keep is not None:
            keep(report)
    return report


def choose(phantom: str, chosen: Sequence[str] | None) -> list[Method]:
    """Return the methods of a list that are named in ``chosen``, in the order of the list."""
    every = methods(phantom)
    unknown = sorted(set(chosen or ()) - {method.name for method in every})
    if unknown:
        known = ", ".join(method.name for method in every)
        raise ValueError(f"methods must be among {known}; got {', '.join(unknown)}")
    return [method for method in every if chosen is None or method.name in chosen]


def noisy_pictures(setting: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Return the held-out pictures of a ``setting``, and the same with their noise."""
    about = {"seed": setting["seed"], "size": setting["size"]}
    x0 = held_out_pictures(setting["phantom"], setting["num"], **about)
    generator = torch.Generator().manual_seed(setting["seed"])
    noise = torch.randn(x0.shape, generator=generator, dtype=x0.dtype)
    return x0, x0 + setting["noise_std"] * noise


def weights_of(method: Method) -> dict[str, str]:
    """The hash of the weights of each model that a ``method`` needs."""
    return {name: pretrained.describe(name)["weights_sha256"] for name in method.models}


def _measure(method: Method, setting: dict[str, Any], progress: bool) -> Row:
    """One row. The first picture is denoised twice: loading, fitting, searching are not timed."""
    from tqdm import tqdm

    x0, y = (pictures[: method.most] for pictures in noisy_pictures(setting))
    method.denoise(y[0], setting["noise_std"], x0[0])
    method.begin()
    start = time.process_time()
    shown = tqdm(y, desc=method.name, unit="picture", disable=not progress)
    pairs = zip(shown, x0, strict=True)
    x = torch.stack([method.denoise(image, setting["noise_std"], truth) for image, truth in pairs])
    seconds = (time.process_time() - start) / len(x)
    if method.once is not None:
        seconds = seconds_of(method, setting["noise_std"], y[0])
    values = psnr(x, x0, data_range=setting["data_range"])
    mean, half = interval(values)
    row = {"method": method.name, "family": method.family, "psnr": mean, "ci95": half}
    row["ssim"] = round(float(ssim(x, x0, data_range=setting["data_range"]).mean()), 4)
    row["seconds"] = float(f"{seconds:.2g}")
    row |= {"values": [round(v, 3) for v in values.tolist()], "weights": weights_of(method)}
    return row | method.notes(setting["noise_std"])


def seconds_of(method: Method, noise_std: float, y: Tensor) -> float:
    """Seconds of one core for one call at the usual setting, the better of two."""
    spent = []
    for _ in range(2):
        start = time.process_time()
        method.once(y, noise_std, y)
        spent.append(time.process_time() - start)
    return min(spent)


def _comparable(stored: dict[str, Any] | None, setting: dict[str, Any]) -> dict[str, Row]:
    """The rows of an earlier report by their names, if it was made with this setting."""
    if stored is None or any(stored["setting"].get(k) != v for k, v in setting.items()):
        return {}
    return {row["method"]: row for row in stored["methods"] if row["family"] != GUEST}


def _kept(method: Method, setting: dict[str, Any], row: Row | None) -> Row | None:
    """An earlier ``row``, if it was made with these weights and the present code."""
    if row is None or row["weights"] != weights_of(method):
        return None
    if len(row["values"]) != min(setting["num"], method.most):
        return None
    return row if abs(_first_value(method, setting) - row["values"][0]) < CLOSE else None


def _first_value(method: Method, setting: dict[str, Any]) -> float:
    """PSNR of the first picture, as `_measure` finds it."""
    x0, y = (pictures[0] for pictures in noisy_pictures(setting))
    method.begin()
    x = method.denoise(y, setting["noise_std"], x0)
    return float(psnr(x, x0, data_range=setting["data_range"]))


def _against(row: Row, rival: Row | None) -> Row:
    """Add the mean difference to the rival, picture by picture."""
    gain, half = None, None
    if rival is not None:
        values, others = (torch.tensor(r["values"]) for r in (row, rival))
        num = min(len(values), len(others))
        gain, half = interval(values[:num] - others[:num])
    return row | {"gain": gain, "gain_ci95": half}
