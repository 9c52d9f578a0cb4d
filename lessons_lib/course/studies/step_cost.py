"""What a step of a sampler costs beside the bare loop of the same lines on the same score."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from lessons_lib import samplers
from lessons_lib.distributions import GaussianField, GaussianMixture, matern_spectrum
from lessons_lib.schedules import geometric

STEP, SIGMA, SEED = 1e-3, 0.1, 0
Density = GaussianField | GaussianMixture


def step_cost_report(*, num: int = 20, num_steps: int = 100) -> Iterator[dict[str, Any]]:
    """Time both loops in turn, ``num`` times ``num_steps`` steps of each, for every sampler.

    Yields
    ------
    dict
        The score, the sampler, the microseconds of processor time of a step of the ``bare`` loop
        and of the ``library`` (medians), and the quartiles of their ``ratio``, of which every turn
        gives one.
    """
    for name, (p, x) in _scores().items():
        sigmas = geometric(1.0, SIGMA, num_steps + 1)
        for sampler, (bare, library) in _loops(p, x, sigmas).items():
            _seconds(bare), _seconds(library)  # to warm up
            turns = [(_seconds(bare), _seconds(library)) for _ in range(num)]
            us = 1e6 * torch.tensor(turns, dtype=torch.float64) / num_steps  # (num, 2)
            ratio = us[:, 1] / us[:, 0]
            quarters = torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64)
            medians = dict(zip(("bare", "library"), us.median(0).values.tolist(), strict=True))
            yield {"score": name, "sampler": sampler, **medians,
                   "ratio": ratio.quantile(quarters).tolist()}  # fmt: skip


def _scores() -> dict[str, tuple[Density, Tensor]]:
    """Two densities, and where to start."""
    corners = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [0.0, 1.0]], dtype=torch.float64)
    mixture = GaussianMixture(torch.full((3,), 1 / 3, dtype=torch.float64), corners, 0.1)
    field = GaussianField(matern_spectrum((64, 64), length=4.0))
    return {
        "mixture, 1000 points": (mixture, mixture.sample(1000, _noise())),
        "field, 64 x 64 pixels": (field, field.sample(1, _noise())),
    }


def _loops(
    p: Density, x: Tensor, sigmas: Tensor
) -> dict[str, tuple[Callable[[], Tensor], Callable[[], Tensor]]]:
    """Each sampler as a bare loop and as the library has it, by name."""
    num_steps = len(sigmas) - 1
    walk = {"step": STEP, "num_steps": num_steps, "sigma": SIGMA}
    last = samplers.last
    return {
        "langevin": (
            lambda: _langevin(p, x, num_steps),
            lambda: last(samplers.langevin(p.score, x, **walk)),
        ),
        "annealed_langevin": (
            lambda: _annealed_langevin(p, x, sigmas[1:]),
            lambda: last(samplers.annealed_langevin(p.score, x, sigmas[1:], steps_per_level=1)),
        ),
        "mala": (
            lambda: _mala(p, x, num_steps),
            lambda: last(samplers.mala(p.score, p.log_prob, x, **walk)),
        ),
        "probability_flow": (
            lambda: _probability_flow(p, x, sigmas),
            lambda: last(samplers.probability_flow(p.score, x, sigmas)),
        ),
    }


@torch.no_grad()
def _langevin(p: Density, x: Tensor, num_steps: int) -> Tensor:
    generator = _noise()
    for _ in range(num_steps):
        s = p.score(x, SIGMA)
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype)
        x = x + STEP * s + (2 * STEP) ** 0.5 * noise
    return x


@torch.no_grad()
def _annealed_langevin(p: Density, x: Tensor, sigmas: Tensor) -> Tensor:
    generator = _noise()
    for sigma in sigmas:
        step = 0.1 * sigma**2
        s = p.score(x, sigma)
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype)
        x = x + step * s + (2 * step) ** 0.5 * noise
    return x


@torch.no_grad()
def _mala(p: Density, x: Tensor, num_steps: int) -> Tensor:
    generator = _noise()
    log_p, s = p.log_prob(x, SIGMA), p.score(x, SIGMA)
    events = tuple(range(log_p.ndim, x.ndim))
    for _ in range(num_steps):
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype)
        y = x + STEP * s + (2 * STEP) ** 0.5 * noise
        log_p_y, s_y = p.log_prob(y, SIGMA), p.score(y, SIGMA)
        back = -(x - y - STEP * s_y).square().sum(events) / (4 * STEP)
        forth = -(y - x - STEP * s).square().sum(events) / (4 * STEP)
        log_u = torch.rand(log_p.shape, generator=generator, dtype=x.dtype).log()
        accept = log_u < log_p_y + back - log_p - forth
        event = accept.reshape(accept.shape + (1,) * len(events))
        x, s = torch.where(event, y, x), torch.where(event, s_y, s)
        log_p = torch.where(accept, log_p_y, log_p)
    return x


@torch.no_grad()
def _probability_flow(p: Density, x: Tensor, sigmas: Tensor) -> Tensor:
    for here, there in itertools.pairwise(sigmas):
        h = there - here
        slope = -here * p.score(x, here)
        slope = (slope - there * p.score(x + h * slope, there)) / 2
        x = x + h * slope
    return x


def _noise() -> torch.Generator:
    return torch.Generator().manual_seed(SEED)


def _seconds(loop: Callable[[], Tensor]) -> float:
    start = time.thread_time()
    loop()
    return time.thread_time() - start
