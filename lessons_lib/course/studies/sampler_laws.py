"""The laws of posterior samplers under a Gaussian prior, from matrices alone.

Each step of a sampler is written down again, on variables that are affine in the state before it
and in fresh noise. Mean and covariance then follow by two recursions, and with them the distance
of what a sampler returns from the posterior: exactly, for every number of steps.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from lessons_lib.schedules import geometric


class Law(NamedTuple):
    """A normal law, also one that is singular."""

    mean: Tensor
    cov: Tensor


class Scene(NamedTuple):
    """A prior N(mean, cov) and a measurement ``y = A x + noise_std * noise``; all of it real."""

    mean: Tensor
    cov: Tensor
    A: Tensor
    y: Tensor
    noise_std: float

    @property
    def posterior(self) -> Law:
        """The normal law of ``x`` given ``y``."""
        cov = torch.linalg.inv(self.cov.inverse() + self.A.mT @ self.A / self.noise_std**2)
        pull = self.A.mT @ (self.y - self.A @ self.mean) / self.noise_std**2
        return Law(self.mean + cov @ pull, (cov + cov.mT) / 2)


class Affine(NamedTuple):
    """A random vector ``linear x + constant + noise z``, with ``x`` given and ``z`` unit normal."""

    linear: Tensor
    constant: Tensor
    noise: Tensor

    def __add__(self, other: Affine | Tensor) -> Affine:
        """Add a vector, or another such variable; noise is the same where its columns are."""
        if isinstance(other, Tensor):
            return self._replace(constant=self.constant + other)
        width = max(self.noise.shape[1], other.noise.shape[1])
        noise = _widened(self.noise, width) + _widened(other.noise, width)
        return Affine(self.linear + other.linear, self.constant + other.constant, noise)

    def __sub__(self, other: Affine | Tensor) -> Affine:
        """Subtract as `__add__` adds."""
        return self + (-other if isinstance(other, Tensor) else other * -1.0)

    def __mul__(self, factor: float) -> Affine:
        """Multiply by a number."""
        return Affine(*(factor * part for part in self))

    def __rmatmul__(self, matrix: Tensor) -> Affine:
        """Apply a matrix, ``matrix @ self``."""
        return Affine(*(matrix @ part for part in self))

    def with_noise(self, size: int, factor: float) -> Affine:
        """Add noise of this ``size`` that nothing has used yet."""
        fresh = factor * torch.eye(size).to(self.noise)
        return self._replace(noise=torch.cat([self.noise, fresh], 1))


def _widened(noise: Tensor, width: int) -> Tensor:
    return torch.nn.functional.pad(noise, (0, width - noise.shape[1]))


def _given(scene: Scene) -> Affine:
    """The state itself."""
    n = len(scene.mean)
    eye = torch.eye(n).to(scene.cov)
    return Affine(eye, torch.zeros(n).to(eye), eye[:, :0])


def _denoised(scene: Scene, x: Affine, sigma: float) -> Affine:
    """Wiener's filter, the mean of the clean image given ``x``."""
    gain = _gain(scene, sigma)
    return gain @ x + (scene.mean - gain @ scene.mean)


def _gain(scene: Scene, sigma: float) -> Tensor:
    eye = torch.eye(len(scene.mean)).to(scene.cov)
    return torch.linalg.solve(scene.cov + sigma**2 * eye, scene.cov).mT


def _renoised(image: Affine, noise: Affine, sigma: float, tau: float, eta: float) -> Affine:
    drawn = eta * tau * (1 - tau**2 / sigma**2) ** 0.5
    kept = (tau**2 - drawn**2) ** 0.5 / sigma
    return (image + noise * kept).with_noise(len(image.constant), drawn)


def _residual(scene: Scene, x: Affine) -> Affine:
    """``y - A x``."""
    return scene.A @ x * -1.0 + scene.y


def _prox(scene: Scene, z: Affine, level: float) -> Affine:
    """``argmin ||A x - y||^2 / noise_std^2 + ||x - z||^2 / level^2``."""
    ratio = (scene.noise_std / level) ** 2
    eye = torch.eye(len(scene.y)).to(scene.A)
    fit = scene.A.mT @ torch.linalg.inv(scene.A @ scene.A.mT + ratio * eye)
    return z + fit @ _residual(scene, z)


def exact(scene: Scene, sigma: float, tau: float, *, eta: float = 1.0) -> Affine:
    """The reverse diffusion with the score of ``x + sigma z`` given ``y``."""
    p, x = scene.posterior, _given(scene)
    known = scene._replace(mean=p.mean, cov=p.cov)
    denoised = _denoised(known, x, sigma)
    return _renoised(denoised, x - denoised, sigma, tau, eta)


def widened(scene: Scene, sigma: float, tau: float, *, eta: float = 1.0) -> Affine:
    """The likelihood of the noisy image, its noise widened by a number."""
    x = _given(scene)
    step = sigma**2 / (scene.noise_std**2 + sigma**2)
    denoised = _denoised(scene, x, sigma) + scene.A.mT @ _residual(scene, x) * step
    return _renoised(denoised, x - denoised, sigma, tau, eta)


def pigdm(
    scene: Scene, sigma: float, tau: float, *, prior_std: float = 1.0, eta: float = 1.0
) -> Affine:
    """The clean image normal around Tweedie's mean, of one variance."""
    x, r = _given(scene), sigma * prior_std / (prior_std**2 + sigma**2) ** 0.5
    mean = _denoised(scene, x, sigma)
    moved = _prox(scene, mean, r) - mean
    denoised = mean + _gain(scene, sigma) @ moved * (sigma**2 / r**2)
    return _renoised(denoised, x - denoised, sigma, tau, eta)


def diffpir(
    scene: Scene, sigma: float, tau: float, *, weight: float = 7.0, renewed: float = 0.3
) -> Affine:
    """The denoised image fitted to ``y``, and noised."""
    x = _given(scene)
    z = _prox(scene, _denoised(scene, x, sigma), sigma / weight**0.5)
    ahead = z + (x - z) * (tau / sigma * (1 - renewed) ** 0.5)
    return ahead.with_noise(len(z.constant), tau * renewed**0.5)


def projection(
    scene: Scene, sigma: float, tau: float, *, weight: float = 1.0, eta: float = 1.0
) -> Affine:
    """The noisy image fitted to data that are as noisy, then a step of the prior."""
    x, size = _given(scene), len(scene.mean)
    inverse = torch.linalg.pinv(scene.A, rtol=1e-10)
    noisier = (x * 0.0).with_noise(size, sigma)
    x = x + inverse @ (_residual(scene, x) + scene.A @ noisier) * weight
    denoised = _denoised(scene, x, sigma)
    return _renoised(denoised, x - denoised, sigma, tau, eta)


def decomposed(scene: Scene, sigma: float, tau: float, *, eta: float = 0.85) -> Affine:
    """The denoised image with all that ``y`` tells replaced: its conjugate gradients converged."""
    x = _given(scene)
    denoised = _denoised(scene, x, sigma)
    z = denoised + torch.linalg.pinv(scene.A, rtol=1e-10) @ _residual(scene, denoised)
    return _renoised(z, x - denoised, sigma, tau, eta)


def split_gibbs(
    scene: Scene, rho: float, _: float | None = None, *, num_inner: int = 10, finest: float = 0.01
) -> Affine:
    """A draw of the clean image given ``x``, then one of ``x`` given that and ``y``."""
    z, (m, n) = _given(scene), scene.A.shape
    levels = [*geometric(rho, finest * rho, num_inner).tolist(), 0.0]
    for sigma, tau in itertools.pairwise(levels):
        denoised = _denoised(scene, z, sigma)
        z = _renoised(denoised, z - denoised, sigma, tau, 1.0)
    z = z.with_noise(n, rho)
    ratio = (scene.noise_std / rho) ** 2
    fit = scene.A.mT @ torch.linalg.inv(scene.A @ scene.A.mT + ratio * torch.eye(m).to(scene.A))
    residual = _residual(scene, z)
    return z + fit @ residual.with_noise(m, -scene.noise_std)


STEPS: dict[str, Callable[..., Affine]] = {
    "exact": exact,
    "widened": widened,
    "pigdm": pigdm,
    "diffpir": diffpir,
    "projection": projection,
    "decomposed": decomposed,
    "split-gibbs": split_gibbs,
}
"""The methods of `reconstruction.sample_posterior` whose steps are affine."""


def law(scene: Scene, method: str, sigmas: Iterable[float], **options: float) -> Law:
    """Return the law of what a sampler yields last, started in the noise of the first level.

    The start is N(mean, cov + sigma^2 I) of the prior; ``sigmas`` and ``options`` are those of
    `reconstruction.sample_posterior`.
    """
    sigmas = [float(sigma) for sigma in sigmas]
    eye = torch.eye(len(scene.mean)).to(scene.cov)
    mean, cov = scene.mean, scene.cov + sigmas[0] ** 2 * eye
    pairs = [(s, None) for s in sigmas] if method == "split-gibbs" else itertools.pairwise(sigmas)
    for sigma, tau in pairs:
        step = STEPS[method](scene, sigma, tau, **options)
        mean = step.linear @ mean + step.constant
        cov = step.linear @ cov @ step.linear.mT + step.noise @ step.noise.mT
    return Law(mean, (cov + cov.mT) / 2)


def divergence(p: Law, q: Law) -> float:
    """Return the Kullback-Leibler divergence of two normal laws, ``KL(p || q)``, in nats.

    Infinite where ``p`` is singular: a sampler that has lost a direction.
    """
    gap = q.mean - p.mean
    ratio = torch.linalg.solve(q.cov, p.cov)
    logdet = torch.linalg.slogdet(q.cov)[1] - torch.linalg.slogdet(p.cov)[1]
    quadratic = gap @ torch.linalg.solve(q.cov, gap)
    return float(0.5 * (ratio.trace() - len(gap) + quadratic + logdet))
