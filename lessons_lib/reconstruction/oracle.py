"""Baselines at their best: climb to the setting that comes closest to a known truth."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import torch
from torch import Tensor

from lessons_lib.shapes import broadcasts, check_number, check_tensor


def tuned(
    denoise: Callable[[Tensor, float], Tensor],
    y: Tensor,
    start: float,
    reference: Tensor | None,
    ratios: tuple[float, ...],
) -> Tensor:
    """Denoise image by image at the setting ``start``, or at the best for a ``reference``."""
    check_tensor(y, "y", min_dims=2)
    images = y.detach().cpu().reshape(-1, *y.shape[-2:])  # (*, H, W) -> (B, H, W)
    if reference is None:
        out = [denoise(image, start) for image in images]
    else:
        truths = check_reference(reference, y).detach().cpu().reshape(images.shape)
        out = [
            best(lambda setting, image=image: denoise(image, setting), truth, start, ratios)
            for image, truth in zip(images, truths, strict=True)
        ]
    return stacked(out, images).to(y).reshape(y.shape)


def stacked(images: list[Tensor], like: Tensor) -> Tensor:
    """Images as one batch; an empty batch of the shape of ``like``, if there are none."""
    return torch.stack(images) if images else torch.zeros_like(like)


def best(
    attempt: Callable[[float], Tensor], truth: Tensor, start: float, ratios: tuple[float, ...]
) -> Tensor:
    """The image at the setting with the least squared error against the truth."""
    attempt = functools.cache(attempt)

    def error(setting: float) -> float:
        return float((attempt(setting) - truth).abs().square().mean())

    (setting,) = search(error, (start,), ratios)
    return attempt(setting)


def search(
    error: Callable[..., float], start: tuple[float, ...], ratios: tuple[float, ...]
) -> tuple[float, ...]:
    """Move one number of ``start`` by a factor while that lowers the error; each ratio in turn."""
    best, error = start, functools.cache(error)
    for ratio, i in itertools.product(ratios, range(len(start))):
        before = best
        for factor in (ratio, 1 / ratio):
            while error(*(trial := _moved(best, i, factor))) < error(*best):
                best = trial
            if best != before:  # it improved this way, so the other way is downhill
                break
    return best


def _moved(numbers: tuple[float, ...], i: int, factor: float) -> tuple[float, ...]:
    return (*numbers[:i], numbers[i] * factor, *numbers[i + 1 :])


def check_setting(
    name: str, setting: float | None, reference: Tensor | None, default: float
) -> float:
    """Return a setting, or its ``default``; refuse one that a reference should have chosen."""
    if setting is not None and reference is not None:
        raise ValueError(f"give {name} or reference, not both: a reference chooses the {name}")
    return default if setting is None else check_number(setting, name)


def check_reference(reference: Tensor, x: Tensor, name: str = "y") -> Tensor:
    """Expand a truth to the shape of the images ``x``, or say why it does not fit."""
    check_tensor(reference, "reference", last=tuple(x.shape[-2:]), complex_allowed=x.is_complex())
    if not broadcasts(reference.shape, x.shape):
        got = tuple(reference.shape)
        raise ValueError(f"reference must broadcast to {name}, {tuple(x.shape)}, got {got}")
    return reference.expand(x.shape)
