"""The posterior of a tilted rectangle from any of its pixels, started from the prior.

Tempered sequential Monte Carlo: particles of the five geometric numbers begin as draws of the
prior, and the evidence of the data, with both levels integrated out, is raised to powers that grow
from 0 to 1. Each time the particles are weighted, resampled, and moved by Metropolis steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lessons_lib.distributions.rectangle_model import Levels, RectangleModel, design
from lessons_lib.shapes import broadcasts, check_count, check_number, check_tensor

MAX_ENTRIES = 2**22
KEPT = 0.5
"""Effective part of the particles that a step of the temperature leaves."""
LAST_MOVES = 2
"""So many times more moves at the last temperature."""
WANTED = 0.25
"""Acceptance rate that the scale of the moves is steered to."""
QUARTER = math.pi / 2


@dataclass(frozen=True)
class RectangleParticles:
    """Draws of a posterior in ``I`` independent populations of ``N`` for each of ``B`` data sets.

    `rectangle_smc` makes them. The populations share nothing but the data, so what they disagree
    about is the Monte Carlo error.
    """

    model: RectangleModel
    """The data, one row for each population: ``B * I`` of them."""
    geometry: Tensor
    """The particles, shape ``(B * I, N, 5)``, of equal weight."""
    log_evidences: Tensor
    """Estimates of the log density of the data, shape ``(B, I)``."""
    batch: tuple[int, ...]
    """Batch dimensions of the data; their product is ``B``."""

    def mean(self) -> Tensor:
        """Posterior mean of the clean pixels of the window, shape ``(*, p, p)``, float64."""
        return self._images(self._moments()[0].mean(1))

    def std_error(self) -> Tensor:
        """Standard error of `mean`, from the spread of the populations, shape ``(*, p, p)``."""
        first = self._moments()[0]
        return self._images(first.std(1) / math.sqrt(first.shape[1]))

    def variance(self) -> Tensor:
        """Posterior variance of the clean pixels, shape ``(*, p, p)``."""
        first, second = self._moments()
        return self._images(second.mean(1) - first.mean(1).square())

    def log_evidence(self) -> Tensor:
        """Log density of the data, the mean of the populations' densities, shape ``(*)``."""
        each = self.log_evidences
        return (each.logsumexp(1) - math.log(each.shape[1])).reshape(self.batch)

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """One clean window for each particle, its levels drawn too, shape ``(*, I * N, p, p)``."""
        f = self.model.fractions(self.geometry)
        _, mean, cov = self.model.levels(f)
        z = torch.randn(mean.shape, generator=generator, dtype=torch.float64)
        drawn = mean + (torch.linalg.cholesky(cov) @ z[..., None])[..., 0]
        x = (design(f) @ drawn[..., None])[..., 0]
        return x.reshape(*self.batch, -1, self.model.width, self.model.width)

    def _moments(self) -> tuple[Tensor, Tensor]:
        """Means of each clean pixel and of its square in each population, ``(B, I, n)``."""
        found = []
        for rows in _blocks(self.model, self.geometry.shape[1]):
            f = (some := self.model.rows(rows)).fractions(self.geometry[rows])
            _, mean, cov = some.levels(f)
            weights = design(f)  # (b, N, n, 2)
            x = (weights @ mean[..., None])[..., 0]
            second = x.square() + (weights @ cov * weights).sum(-1)
            found.append(torch.stack([x.mean(1), second.mean(1)]))
        first, second = torch.cat(found, 1).unflatten(1, self.log_evidences.shape)
        return first, second

    def _images(self, x: Tensor) -> Tensor:
        return x.reshape(*self.batch, self.model.width, self.model.width)


@torch.no_grad()
def rectangle_smc(
    x: Tensor,
    sigma: float,
    *,
    size: int | None = None,
    corner: Tensor | None = None,
    mask: Tensor | None = None,
    num_particles: int = 300,
    num_islands: int = 4,
    num_moves: int = 5,
    background: Levels = (1.0, 0.1),
    foreground: Levels = (1.0, 0.03),
    generator: torch.Generator | None = None,
) -> RectangleParticles:
    """Sample the posterior of the rectangle model from noisy pixels, without a starting point.

    ``p(q | y) ~ p(q) p(y | q)`` over the five numbers ``q`` of the geometry, where ``p(y | q)`` is
    normal since both levels are. All data sets and their populations run as one batch.
    References: [Fessler2023] for the model, [DelMoral2006] for the method; chapter
    05_patch_trained.

    Parameters
    ----------
    x : Tensor, shape ``(*, p, p)``
        Noisy images, or square windows of images.
    sigma : float
        Standard deviation of the noise, positive.
    size : int, optional
        Height and width of the images that the windows are part of; ``p`` by default.
    corner : Tensor, shape ``(*, 2)``, optional
        Row and column of the first pixel of each window in its image; zero by default.
    mask : Tensor of bool, shape ``(*, p, p)``, optional
        Which pixels are data; all by default. The others are not looked at, and may lie outside
        the image.
    num_particles, num_islands : int
        Particles in a population, and independent populations (at least two) for each data set.
    num_moves : int
        Metropolis steps at each temperature.
    background, foreground : tuple of float
        Mean and standard deviation of the two levels.
    """
    check_tensor(x, "x", min_dims=2)
    check_tensor(x, "x", last=(x.shape[-1], x.shape[-1]))
    sigma, num_moves = check_number(sigma, "sigma"), check_count(num_moves, "num_moves")
    num_particles = check_count(num_particles, "num_particles")
    if (num_islands := check_count(num_islands, "num_islands")) < 2:
        raise ValueError("num_islands must be at least 2 to tell the error, got 1")
    size = x.shape[-1] if size is None else check_count(size, "size")
    windows = _windows(x, corner, mask)
    windows = [part.repeat_interleave(num_islands, 0) for part in windows]
    model = RectangleModel(windows[0], sigma, (background, foreground), size=size,
                           corner=windows[1], mask=windows[2])  # fmt: skip
    generator = generator or torch.Generator().manual_seed(0)
    runs = [
        _temper(model.rows(rows), num_particles, num_moves, generator)
        for rows in _blocks(model, num_particles)
    ]
    q, log_z = (torch.cat(part) for part in zip(*runs, strict=True))
    return RectangleParticles(model, q, log_z.reshape(-1, num_islands), tuple(x.shape[:-2]))


def _windows(x: Tensor, corner: Tensor | None, mask: Tensor | None) -> list[Tensor]:
    """Data, corners and masks as flat batches."""
    batch, p = x.shape[:-2], x.shape[-1]
    corner = torch.zeros(*batch, 2) if corner is None else torch.as_tensor(corner)
    mask = torch.ones(x.shape, dtype=torch.bool) if mask is None else torch.as_tensor(mask)
    for name, given, wanted in (("corner", corner, (*batch, 2)), ("mask", mask, tuple(x.shape))):
        if not broadcasts(given.shape, wanted):
            raise ValueError(f"{name} must broadcast to {wanted}, got {tuple(given.shape)}")
    if mask.dtype != torch.bool:
        raise TypeError(f"mask must be a tensor of bool, got {mask.dtype}")
    corner = corner.expand(*batch, 2).reshape(-1, 2)
    return [x.reshape(-1, p, p), corner, mask.expand(x.shape).reshape(-1, p, p)]


def _blocks(model: RectangleModel, num: int) -> tuple[Tensor, ...]:
    """Row numbers of the data sets in pieces that fit into memory."""
    rows = max(1, MAX_ENTRIES // (num * model.width**2))
    return torch.arange(len(model.x)).split(rows)


def _temper(
    model: RectangleModel, num: int, num_moves: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Take every population from the prior to the posterior; return it, and its evidence."""
    q = model.prior(num, generator)  # (B, N, 5)
    log_l = model.log_evidence(q)
    power, log_z = torch.zeros(2, len(q), dtype=torch.float64)
    scale = torch.ones_like(power)
    while len(cold := (power < 1).nonzero()[:, 0]):
        then = _next_power(log_l[cold], power[cold])
        log_w = (then - power[cold])[:, None] * log_l[cold]
        log_z[cold] += log_w.logsumexp(-1) - math.log(num)
        chosen = _resample(log_w.softmax(-1), generator)
        state = (
            q[cold].gather(1, chosen[..., None].expand(-1, -1, 5)),
            log_l[cold].gather(1, chosen),
        )
        moves = num_moves * (LAST_MOVES if bool((then == 1).any()) else 1)
        for _ in range(moves):
            *state, scale[cold] = _move(model.rows(cold), *state, then, scale[cold], generator)
        (q[cold], log_l[cold]), power[cold] = state, then
    return q, log_z


def _next_power(log_l: Tensor, power: Tensor) -> Tensor:
    """The largest power, up to 1, that leaves `KEPT` of the particles effective; by bisection."""

    def enough(then: Tensor) -> Tensor:
        w = ((then - power)[:, None] * log_l).softmax(-1)
        return 1 / w.square().sum(-1) >= KEPT * log_l.shape[1]

    low, high = power, torch.ones_like(power)
    all_the_way = enough(high)
    for _ in range(40):
        middle = (low + high) / 2
        good = enough(middle)
        low, high = middle.where(good, low), high.where(good, middle)
    return torch.where(all_the_way, 1.0, low)


def _resample(w: Tensor, generator: torch.Generator) -> Tensor:
    """Systematic resampling: indices ``(B, N)``, each particle about ``N w`` times."""
    num = w.shape[1]
    start = torch.rand(len(w), 1, generator=generator, dtype=torch.float64)
    ticks = (torch.arange(num, dtype=torch.float64) + start) / num
    return torch.searchsorted(w.cumsum(-1), ticks).clamp(max=num - 1)


def _move(
    model: RectangleModel, q: Tensor, log_l: Tensor, power: Tensor, scale: Tensor,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """One Metropolis step of every particle, shaped like its population."""
    kind = {"generator": generator, "dtype": torch.float64}
    q = _same_turn(q)
    d = q - q.mean(1, keepdim=True)
    cov = d.mT @ d / q.shape[1] + 1e-12 * torch.eye(5, dtype=torch.float64)
    shape = 2.38 / math.sqrt(5) * scale[:, None, None] * torch.linalg.cholesky(cov)
    trial = q + torch.randn(q.shape, **kind) @ shape.mT
    then = model.log_evidence(trial)
    moved = torch.rand(log_l.shape, **kind).log() < power[:, None] * (then - log_l)
    rate = moved.double().mean(-1)
    scale = (scale * (rate - WANTED).exp()).clamp(0.05, 1.5)
    return trial.where(moved[..., None], q), then.where(moved, log_l), scale


def _same_turn(q: Tensor) -> Tensor:
    """Name each rectangle alike: a quarter turn with its sides exchanged changes nothing.

    Of the names of a rectangle take the one whose angle is nearest to the population's.
    """
    centre = torch.exp(4j * q[..., 4]).mean(-1, keepdim=True).angle() / 4
    turns = ((q[..., 4] - centre) / QUARTER).round()
    sides = torch.where(turns[..., None] % 2 != 0, q[..., 2:4].flip(-1), q[..., 2:4])
    return torch.cat([q[..., :2], sides, (q[..., 4] - turns * QUARTER)[..., None]], -1)
