"""Ways to denoise, each a function of the noisy image, the noise level, and the truth.

Only the baselines look at the truth, to choose their own best setting; so does the ascent that is
stopped by an oracle, and its name says so. A `Prior` makes the score of an image for a given shape
from a shipped model; the functions below turn it into a `Denoise`.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from lessons_lib import pretrained
from lessons_lib.course.studies.pictures import TILTED
from lessons_lib.distributions import Gaussian, rectangle_smc
from lessons_lib.operators import Identity
from lessons_lib.patches import Patches
from lessons_lib.pretrained.pictures import training_patches
from lessons_lib.priors import AveragedPrior, PatchPrior
from lessons_lib.reconstruction import (
    GaussianLikelihood,
    denoise_bm3d,
    denoise_tv,
    half_quadratic,
    ladder,
    map_ascent,
)
from lessons_lib.reconstruction.oracle import tuned
from lessons_lib.samplers import last
from lessons_lib.shapes import Score

Denoise = Callable[[Tensor, float, Tensor], Tensor]
"""``denoise(y, noise_std, truth)``, from ``(H, W)`` to ``(H, W)``."""

Prior = Callable[[tuple[int, int]], Score]
"""Makes the score of images of a given shape."""

SIGMA_MIN = 0.01
"""Noise level at which the greedy ascents hold the score, for pixel values in [0, 1]."""


def noisy(y: Tensor, noise_std: float, truth: Tensor) -> Tensor:
    """Return ``y``."""
    return y


def tv_oracle(y: Tensor, noise_std: float, truth: Tensor) -> Tensor:
    """Total variation with the weight that suits this image best."""
    return denoise_tv(y, noise_std, reference=truth)


def bm3d_oracle(y: Tensor, noise_std: float, truth: Tensor) -> Tensor:
    """BM3D, told the noise level that suits this image best."""
    return denoise_bm3d(y, noise_std, reference=truth)


def nlm_oracle(y: Tensor, noise_std: float, truth: Tensor) -> Tensor:
    """Non-local means with the filter strength that suits this image best."""
    return tuned(partial(_nlm, noise_std=noise_std), y, 0.6 * noise_std, truth, ratios=(1.2,))


def once(name: str) -> Denoise:
    """A baseline at its usual setting, without the search of its oracle, to be timed."""
    plain = {
        "TV": denoise_tv,
        "BM3D": denoise_bm3d,
        "non-local means": lambda y, n: tuned(partial(_nlm, noise_std=n), y, 0.6 * n, None, ()),
    }[name]
    return lambda y, noise_std, truth: plain(y, noise_std)


def _nlm(image: Tensor, strength: float, *, noise_std: float) -> Tensor:
    """Non-local means of scikit-image: windows of 7 x 7 within 11 pixels."""
    from skimage.restoration import denoise_nl_means

    options = {"patch_size": 7, "patch_distance": 11, "fast_mode": True}
    out = denoise_nl_means(image.numpy(), h=strength, sigma=noise_std, **options)
    return torch.as_tensor(out)


def gaussian_fit(name: str) -> Prior:
    """Averaged scores of the normal with the mean and covariance of patches, for `one_step`.

    The patches are those that the recipe of the model ``name`` is trained on.
    """
    return functools.partial(_gaussian_prior, name)


def averaged(name: str) -> Prior:
    """Patch scores of the model ``name``, summed and divided by the number of patches."""
    return functools.partial(_patch_prior, name, AveragedPrior)


def summed(name: str) -> Prior:
    """Patch scores of the model ``name``, summed: the talk's image score."""
    return functools.partial(_patch_prior, name, PatchPrior)


def whole(name: str) -> Prior:
    """The model ``name`` itself, a score of images."""

    def prior(shape: tuple[int, int]) -> Score:
        return _load(name)

    return prior


def one_step(prior: Prior) -> Denoise:
    """Tweedie's formula, ``y + noise_std^2 s(y, noise_std)``."""

    def denoise(y: Tensor, noise_std: float, truth: Tensor) -> Tensor:
        return y + noise_std**2 * prior(y.shape)(y, noise_std)

    return _light(denoise)


def down_the_ladder(prior: Prior, *, num: int = 14, depth: float = 32.0) -> Denoise:
    """Half-quadratic splitting on ``num`` levels from ``noise_std`` to ``noise_std / depth``."""

    def denoise(y: Tensor, noise_std: float, truth: Tensor) -> Tensor:
        sigmas = ladder(noise_std, num, stop=noise_std / depth)
        return last(half_quadratic(prior(y.shape), _likelihood(y, noise_std), y, sigmas))

    return _light(denoise)


def annealed_ascent(prior: Prior, *, num: int = 7, depth: float = 32.0, steps: int = 3) -> Denoise:
    """Gradient ascent on the posterior, ``steps`` on each of ``num`` noise levels of the prior."""

    def denoise(y: Tensor, noise_std: float, truth: Tensor) -> Tensor:
        x = y
        for sigma in ladder(noise_std, num, stop=noise_std / depth).tolist():
            options = {"sigma": sigma, "num_steps": steps}
            x = last(map_ascent(prior(y.shape), _likelihood(y, noise_std), x, **options))
        return x

    return _light(denoise)


def greedy_ascent(
    prior: Prior,
    *,
    num_steps: int = 60,
    sigma: float = SIGMA_MIN,
    overlap: int = 1,
    oracle: bool = False,
) -> Denoise:
    """Gradient ascent with the score held at one small ``sigma``, as in the talk.

    ``overlap`` is the number of patches that bend together, by which the stable step is shortened;
    with ``oracle`` the state closest to the truth is returned instead of the last.
    """

    def denoise(y: Tensor, noise_std: float, truth: Tensor) -> Tensor:
        about = {"sigma": sigma, "num_steps": num_steps, "bend": overlap}
        states = climb(prior(y.shape), y, noise_std, **about)
        if not oracle:
            return last(states)
        return min(states, key=lambda x: float((x - truth).square().mean()))

    return _light(denoise)


def climb(
    score: Score,
    y: Tensor,
    noise_std: float,
    *,
    sigma: float,
    num_steps: int,
    bend: float = 1.0,
    accelerate: bool = False,
) -> Iterator[Tensor]:
    """Ascend the posterior of ``y`` at a fixed ``sigma``, and yield the image after each step.

    The ``score`` bends at most ``bend / sigma^2``: 1 for a true score at that level, the number of
    patches on a pixel for their plain sum.
    """
    step = 1 / (1 / noise_std**2 + bend / sigma**2)
    options = {"sigma": sigma, "step": step, "num_steps": num_steps, "accelerate": accelerate}
    yield from map_ascent(score, _likelihood(y, noise_std), y, **options)


def mean_of_samples(prior: Prior, *, num: int = 5, levels: int = 10, depth: float = 16) -> Denoise:
    """Mean of ``num`` posterior samples, each made by walking the diffusion back from ``y``."""

    def denoise(y: Tensor, noise_std: float, truth: Tensor) -> Tensor:
        return posterior_samples(prior, y, noise_std, num=num, levels=levels, depth=depth).mean(0)

    return _light(denoise)


def posterior_samples(
    prior: Prior,
    y: Tensor,
    noise_std: float,
    *,
    num: int,
    levels: int = 12,
    depth: float = 16.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw from ``p(x | y)`` for plain denoising, where ``y`` is itself a state of the diffusion.

    ``y`` is the truth plus noise of level ``noise_std``, so the reverse diffusion started at ``y``
    on that level ends in a draw from the posterior. From ``a`` to the lower level ``b``

        ``x <- x + (a^2 - b^2) s(x, a) + b sqrt(a^2 - b^2) / a * noise``,

    exact for a single clean point, and in the limit of many levels for every prior. The last step
    adds no noise.

    Parameters
    ----------
    prior : Prior
        Makes the image score.
    y : Tensor, shape ``(H, W)``
        Noisy image, with the noise level ``noise_std``.
    num, levels : int
        Number of samples, and of levels.
    depth : float
        The lowest level is ``noise_std / depth``.
    generator : torch.Generator, optional
        Source of the noise; by default a fresh one with seed 0.

    Returns
    -------
    Tensor, shape ``(num, H, W)``
        The samples.

    References
    ----------
    [Song2021], ancestral sampling. Chapter 06_reconstruction.
    """
    generator = generator or torch.Generator().manual_seed(0)
    score, x = prior(y.shape[-2:]), y.expand(num, *y.shape)
    sigmas = [*ladder(noise_std, levels, stop=noise_std / depth).tolist(), 0.0]
    for a, b in itertools.pairwise(sigmas):
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype)
        x = x + (a**2 - b**2) * score(x, a) + b * (a**2 - b**2) ** 0.5 / a * noise
    return x


class BayesLimit:
    """The best possible denoiser of the tilted rectangles, by sequential Monte Carlo.

    Nothing has a lower mean squared error. What is left of it in a finite number of particles is
    measured from populations that know nothing of each other, see `notes`.

    Parameters
    ----------
    num_particles, num_islands : int
        As for `distributions.rectangle_smc`.
    """

    def __init__(self, num_particles: int = 300, num_islands: int = 4) -> None:
        self.options = {"num_particles": num_particles, "num_islands": num_islands}
        self.forget()

    def forget(self) -> None:
        """Start a new run."""
        self.generator = torch.Generator().manual_seed(0)
        self.excess: list[float] = []
        self.errors: list[float] = []

    def __call__(self, y: Tensor, noise_std: float, truth: Tensor) -> Tensor:
        """Denoise; the ``truth`` only serves to put the Monte Carlo error into decibels."""
        options = self.options | TILTED | {"generator": self.generator}
        particles = rectangle_smc(y.double(), noise_std, **options)
        mean = particles.mean()
        self.excess.append(float(particles.std_error().square().mean()))
        self.errors.append(float((mean - truth).square().mean()))
        return mean.to(y)

    def notes(self, noise_std: float) -> dict[str, Any]:
        """By how many dB Monte Carlo raises the mean squared error, on average."""
        excess, error = sum(self.excess), sum(self.errors)
        return {"monte_carlo_db": round(10 * math.log10(error / (error - excess)), 4)}


def _light(denoise: Denoise) -> Denoise:
    """Run in float32 and without a graph, as networks do; return the dtype of ``y``."""

    @torch.no_grad()
    def light(y: Tensor, noise_std: float, truth: Tensor) -> Tensor:
        return denoise(y.float(), noise_std, truth.float()).to(y)

    return light


def _likelihood(y: Tensor, noise_std: float) -> GaussianLikelihood:
    return GaussianLikelihood(Identity(tuple(y.shape[-2:])), y, noise_std)


@functools.cache
def _load(name: str) -> Score:
    return pretrained.load(name)


def _patch_prior(name: str, rule: type[PatchPrior], shape: tuple[int, int]) -> PatchPrior:
    size = pretrained.RECIPES[name].patch_size
    return rule(_load(name), Patches(tuple(shape), size))


def _gaussian_prior(name: str, shape: tuple[int, int]) -> AveragedPrior:
    return AveragedPrior(
        _gaussian(name), Patches(tuple(shape), pretrained.RECIPES[name].patch_size)
    )


@functools.cache
def _gaussian(name: str) -> Score:
    v = training_patches(pretrained.RECIPES[name], generator=torch.Generator().manual_seed(0))
    v = v[:: max(1, len(v) // 50_000)].double()
    fit = Gaussian(v.mean(0), v.T.cov() + 1e-8 * torch.eye(v.shape[1], dtype=v.dtype))
    return fit.score
