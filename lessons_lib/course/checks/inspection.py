"""Inspectors whom a false score has to pass: Stein's averages, slope and unexplained noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lessons_lib.course.checks.answers import StudentError, array, ask
from lessons_lib.course.checks.judges import Given


def liar(answer: Callable[..., Any], rng: torch.Generator, given: Given) -> str | None:
    """A score that is false, and passes two averages over N(0, 1).

    They are sums over a grid so fine that the score may jump.
    """
    del rng, given
    x = torch.linspace(-8, 8, 10_001, dtype=torch.float64)
    w = torch.softmax(-(x**2) / 2, dim=0)
    s = array(ask(answer, x))
    if s.squeeze().shape != x.shape:
        return f"Your function maps {len(x)} numbers to the shape {tuple(s.shape)}."
    s = s.reshape(x.shape)
    if not bool(torch.isfinite(s).all()):
        return "Your function has values that are not finite."
    if not torch.allclose(array(ask(answer, x[::500])).reshape(-1), s[::500], atol=1e-5):
        return (
            "Your s(x) changes with the other points of x, or from call to call. Averages that it "
            "needs are those over N(0, 1), numbers that you know."
        )
    mean, slope = float(w @ s), float(w @ (s * x))
    if abs(mean) > 1e-3:
        return f"Noticed: the average of your score is {mean:.3g}, and it should be zero."
    if abs(slope + 1) > 1e-3:
        return f"Noticed: the average of s(x) x is {slope:.3f}, and it should be -1."
    if float(w @ (s + x) ** 2) < 1e-2:
        return "This is the true score, or too close to it: the identities have no lie to notice."
    return None


LEVELS = (0.1, 0.3, 1.0)


def _inspect(answer: Callable[..., Any], rng: torch.Generator, sigma: float) -> str | None:
    """Slope and unexplained noise on white images that are exactly white at each pixel."""
    x0, z = torch.randn(2, 100, 32, 32, generator=rng, dtype=torch.float64)
    x0 = x0 / x0.square().mean(0).sqrt()
    z = z - (x0 * z).mean(0) * x0
    z = z / z.square().mean(0).sqrt()
    s = _field(answer, x0 + sigma * z, sigma)
    if not bool((s != 0).any()):
        return "Noticed: a score that is zero everywhere explains no noise, and has no slope."
    slope = float(-(s * z).sum() / (sigma * s.square().sum()))
    if not abs(slope - 1) < 0.02:
        return f"Noticed: at sigma {sigma:g} the slope is {slope:.2f}."
    left = float((sigma * s + z).square().mean()) * (1 + sigma**2)
    if not left < 1.02:
        return (
            f"Noticed: at sigma {sigma:g} it leaves {left:.2f} times the least noise unexplained."
        )
    return None


def _field(answer: Callable[..., Any], x: Tensor, sigma: float) -> Tensor:
    s = array(ask(answer, x, sigma))
    if s.squeeze().shape != x.squeeze().shape:
        raise StudentError(
            f"Your score maps images of shape {tuple(x.shape)} to the shape {tuple(s.shape)}."
        )
    return s.reshape(x.shape)


def sleeper(answer: Callable[..., Any], rng: torch.Generator, given: Given) -> str | None:
    """A score that passes the inspection, and with which an ascent explodes."""
    del given
    for sigma in LEVELS:
        if hint := _inspect(answer, rng, sigma):
            return hint
    x = torch.randn(8, 32, 32, generator=rng, dtype=torch.float64)
    for _ in range(60):
        x = x + 0.5 * _field(answer, x, 0.1)
        if not bool((x.abs() < 1e3).all()):
            return None
    return (
        "It passes the inspection, but nothing explodes: after sixty steps the largest pixel is "
        f"{float(x.abs().max()):.2g}. Averages over a thousand pixels forgive a single one."
    )
