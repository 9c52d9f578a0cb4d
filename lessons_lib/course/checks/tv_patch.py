"""Lab 4: two pixels, total variation, and what noise makes of a crease."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lessons_lib.course.checks.answers import NotAttempted, StudentError, parts, unattempted
from lessons_lib.course.checks.cases import DOUBLE, hills, normals, uniforms
from lessons_lib.course.checks.exercise import Exercise
from lessons_lib.course.checks.judges import Given, Mistake, choice, function
from lessons_lib.course.checks.trained import Trial, straight, trained
from lessons_lib.distributions import GaussianMixture, GeneralizedTV

NOISE_STD, GAP, STRETCH = 0.1, 1e-3, 2.0

flat_pictures = Exercise(
    "flat_pictures",
    choice(
        "d",
        {
            "a": "Draws from the prior have no equal neighbours, that is true. But MAP reports the "
            "peak of a posterior, not a draw. Which measured differences have their peak at zero?",
            "b": "About that many of the true differences are below a tenth of the noise. MAP is "
            "less careful: its threshold is beta tau^2. How wide is that, in units of tau?",
            "c": "Half would be right if beta tau were 1. The threshold is beta tau^2, and the "
            "noisy difference is little wider than the noise: how many standard deviations is it?",
        },
    ),
)


def _pair_case(rng: torch.Generator) -> tuple[Tensor, Tensor, float]:
    """Pairs on both sides of the threshold, well away from it."""
    a, b, beta = (uniforms(rng, 3) + 1).tolist()
    stds = torch.tensor([a / 5, b / 2], **DOUBLE)
    size = torch.tensor([-2.3, -1.6, -0.7, -0.2, 0.4, 0.8, 1.4, 2.1], **DOUBLE)
    d = size * beta * stds.square().sum()
    first = normals(rng, len(d))
    return torch.stack([first, first + d], 1), stds, beta


def _lowest(f: Callable[[Tensor], Tensor], low: Tensor, high: Tensor, num: int) -> Tensor:
    """Where convex functions of one number are least between two bounds, by cutting off ends."""
    for _ in range(num):
        a, b = ends = torch.stack([low + 4 / 9 * (high - low), low + 5 / 9 * (high - low)])
        left, right = f(ends)
        low, high = torch.where(left > right, a, low), torch.where(left > right, high, b)
    return (low + high) / 2


def _peak_of_two_pixels(y: Tensor, stds: Tensor, beta: float) -> Tensor:
    """The maximum of the posterior of two pixels under total variation, ``(N, 2)``."""
    low, high = y.amin(1) - 1, y.amax(1) + 1

    def energy(x1: Tensor, x2: Tensor) -> Tensor:
        misfit = ((x1 - y[:, 0]) / stds[0]) ** 2 + ((x2 - y[:, 1]) / stds[1]) ** 2
        return misfit / 2 + beta * (x2 - x1).abs()

    def second(x1: Tensor) -> Tensor:
        return _lowest(lambda x2: energy(x1, x2), low.expand_as(x1), high.expand_as(x1), 45)

    x1 = _lowest(lambda x1: energy(x1, second(x1)), low, high, 24)
    return torch.stack([x1, second(x1)], 1)


def _pulled(y: Tensor, var: Tensor, beta: float, *, sign: float = 1, limit: bool = True) -> Tensor:
    """Both pixels pulled by one force, at most ``beta``."""
    force = (y[:, 1] - y[:, 0]) / var.sum()
    force = force.clamp(-beta, beta) if limit else beta * force.sign()
    return y + sign * force[:, None] * var * torch.tensor([1.0, -1.0], **DOUBLE)


def _meeting(y: Tensor, stds: Tensor, beta: float, weights: Tensor, threshold: float = 1) -> Tensor:
    """Near pairs meet at a weighted mean, far ones are pulled."""
    near = y.diff(dim=1).abs() <= threshold * beta * stds.square().sum()
    level = (y @ weights / weights.sum())[:, None]
    return torch.where(near, level, _pulled(y, stds**2, beta, limit=False))


unequal_noise = Exercise(
    "unequal_noise",
    function(
        _pair_case,
        _peak_of_two_pixels,
        Mistake(
            "Your pixels move as if their noise were the same. Each has its own likelihood: how "
            "far does the same pull move a pixel that is known badly?",
            lambda y, stds, beta: _pulled(y, stds.square().mean().expand(2), beta),
        ),
        Mistake(
            "A pixel gives way in proportion to the variance of its noise, not to its standard "
            "deviation.",
            lambda y, stds, beta: _pulled(y, stds, beta),
        ),
        Mistake(
            "The two variances are exchanged: the noisier pixel has to move more.",
            lambda y, stds, beta: _pulled(y, stds.flip(0).square(), beta),
        ),
        Mistake(
            "Far pairs are right. A near pair meets, but not halfway: nearer to the pixel that is "
            "known better. Minimise with x1 = x2.",
            lambda y, stds, beta: _meeting(y, stds, beta, torch.ones(2, **DOUBLE)),
        ),
        Mistake(
            "Far pairs are right. A near pair meets at a weighted mean, with the weights "
            "exchanged: the pixel that is known better has the larger one, one over its variance.",
            lambda y, stds, beta: _meeting(y, stds, beta, stds**2),
        ),
        Mistake(
            "Both formulas are right, and the threshold between them is half of what it should "
            "be: a pair meets while its difference is below beta times the sum of the variances.",
            lambda y, stds, beta: _meeting(y, stds, beta, stds**-2, 0.5),
        ),
        Mistake(
            "Far pairs are right. Near pairs move past each other: where they would, the peak is "
            "on the crease, x1 = x2.",
            lambda y, stds, beta: _pulled(y, stds**2, beta, limit=False),
        ),
        Mistake(
            "Your pixels are pushed apart. The prior pulls them together.",
            lambda y, stds, beta: _pulled(y, stds**2, beta, sign=-1),
        ),
        num_cases=2,
        rtol=2e-4,
    ),
)


def _error_bar_case(rng: torch.Generator) -> tuple[GaussianMixture, Tensor, float]:
    return hills(rng), normals(rng, 5, 2), 0.3 + 0.3 * float(uniforms(rng))


def _summed_covariance(p: GaussianMixture, y: Tensor, sigma: float) -> Tensor:
    """Sums over a fine grid of clean pairs."""
    line = torch.linspace(-7, 7, 151, **DOUBLE)
    x = torch.cartesian_prod(line, line)
    w = torch.softmax(p.log_prob(x) - torch.cdist(y, x).square() / (2 * sigma**2), 1)  # (B, N)
    square = torch.einsum("bn,ni,nj->bij", w, x, x)
    return square - torch.einsum("bi,bj->bij", w @ x, w @ x)


def _bend(p: GaussianMixture, y: Tensor, sigma: float) -> Tensor:
    """The Jacobian of the score, read off the covariance."""
    eye = torch.eye(2, **DOUBLE)
    return (_summed_covariance(p, y, sigma) - sigma**2 * eye) / sigma**4


def _bent(a: int, b: float, c: int) -> Callable[..., Tensor]:
    """``a sigma^2 I + b sigma^c J``."""
    return lambda p, y, sigma: (
        a * sigma**2 * torch.eye(2, **DOUBLE) + b * sigma**c * _bend(p, y, sigma)
    )


def _clean_slope(p: GaussianMixture, y: Tensor, sigma: float) -> Tensor:
    """What the formula gives with the score of clean pairs."""
    x = y.clone().requires_grad_()
    s = p.score(x, 0.0)
    rows = [torch.autograd.grad(s[:, i].sum(), x, retain_graph=True)[0] for i in (0, 1)]
    return sigma**2 * torch.eye(2, **DOUBLE) + sigma**4 * torch.stack(rows, 1)


error_bars = Exercise(
    "error_bars",
    function(
        _error_bar_case,
        _summed_covariance,
        Mistake(
            "Your score is that of clean pairs, at sigma 0. The formula wants that of noisy ones.",
            _clean_slope,
        ),
        Mistake("The slope of the score is multiplied by sigma^4, not by sigma^2.", _bent(1, 1, 2)),
        Mistake("The slope of the score is added; it brings its own sign.", _bent(1, -1, 4)),
        Mistake("sigma^2 I is missing: what is left if the prior says nothing.", _bent(0, 1, 4)),
        Mistake(
            "This is the share of the noise that goes: I - cov / sigma^2. The covariance itself "
            "is wanted.",
            _bent(0, -1, 2),
        ),
        Mistake(
            "This is the slope of the denoiser. Which factor makes a covariance of it?",
            lambda p, y, sigma: _summed_covariance(p, y, sigma) / sigma**2,
        ),
        Mistake(
            "The variances are right. The errors of the two pixels also depend on each other: "
            "differentiate each component of the score in both pixels.",
            lambda *case: torch.diag_embed(_summed_covariance(*case).diagonal(dim1=1, dim2=2)),
        ),
        shown=lambda p, y, sigma: (p.score, y, sigma),
        rtol=1e-3,
    ),
)


def _differences(rng: torch.Generator) -> Trial:
    """Differences of clean neighbours, and noisy pairs at which the score is asked for."""
    sigma = (0.3 + 0.2 * uniforms(rng)).item()
    weight = (0.6 + 0.2 * uniforms(rng)).item() / (math.sqrt(2) * sigma)
    prior = GeneralizedTV(weight)
    d, behind = (_laplace(weight, uniforms(rng, num)) for num in (4000, 200))
    base = normals(rng, 200)
    y = torch.stack([base, base + behind], 1) + sigma * normals(rng, 200, 2)
    score, apart = prior.score(y, sigma), (y[:, 1] - y[:, 0])[:, None]
    line = straight(apart, score[:, 1:])
    slips = [
        (
            "Minus the score: it pushes neighbours apart. Where the second pixel is larger, it "
            "must fall, and the first must rise.",
            -score,
        ),
        (
            "Both pixels move the same way. What draws the second down lifts the first.",
            score[:, 1:].expand(-1, 2),
        ),
        (
            "This is the score for less noise. A difference of two noisy pixels holds the noise of "
            "both: sqrt(2) sigma, not sigma.",
            prior.score(y, sigma / math.sqrt(2)),
        ),
        ("Your network has learned nothing: it says zero.", torch.zeros_like(score)),
        (
            "This is sqrt(2) sigma times the score: the target is the noise of the difference over "
            "its level.",
            math.sqrt(2) * sigma * score,
        ),
        (
            "This is a straight line in the difference: the score of a Gaussian. Does your network "
            "have a hidden layer, and has it been trained long enough?",
            torch.cat([-line, line], 1),
        ),
    ]
    return Trial((d, sigma, y, rng), score, slips)


def _laplace(weight: float, share: Tensor) -> Tensor:
    """Quantiles of the density ``weight / 2 exp(-weight |d|)``."""
    u = share - 0.5
    return -u.sign() * torch.log1p(-2 * u.abs()) / weight


the_difference_learned = Exercise("the_difference_learned", trained(_differences, within=0.15))


def _stretches(answer: Any, rng: torch.Generator, given: Given) -> str | None:
    """Denoise two measurements that are `GAP` apart, and see how far apart they come out."""
    del rng, given
    if unattempted(answer):
        raise NotAttempted
    numbers = torch.cat([part.flatten() for part in parts(answer)]).tolist()
    if len(numbers) != 3:
        raise StudentError("Three numbers are wanted: (power, weight, delta).")
    power, weight, delta = numbers
    if not (0.05 <= power <= 8 and 0 < weight <= 1000 and abs(delta) <= 100):
        return "Keep power between 0.05 and 8, weight up to 1000, and delta up to 100."
    d = delta + GAP * torch.tensor([-0.5, 0.5], **DOUBLE)
    pairs = torch.stack([-d / 2, d / 2], 1)
    moved = pairs + NOISE_STD**2 * GeneralizedTV(weight, power).score(pairs, NOISE_STD)
    stretch = float(moved.diff(dim=1).flatten().diff()) / GAP
    if stretch > STRETCH:
        return None
    why = "Look for a delta at which two explanations are about equally likely."
    if power >= 1:
        why = "With power >= 1 it is never more than once: the log-density is concave."
    return f"Here the differences come out {stretch:.3g} times as far apart as they went in. {why}"


stretching_denoiser = Exercise("stretching_denoiser", _stretches)


def _color_case(rng: torch.Generator) -> tuple[Tensor]:
    channels = int(torch.randint(3, 7, (), generator=rng))
    direction = normals(rng, 40, channels)
    size = -uniforms(rng, 40, channels).log().sum(1, keepdim=True)
    return (size / 3 * direction / direction.norm(dim=1, keepdim=True),)


def _weight_by_autograd(d: Tensor) -> Tensor:
    """The objective is ``A b^2 + B b``; both numbers by automatic differentiation."""
    x = torch.stack([torch.zeros_like(d), d], 1).requires_grad_()  # (N, 2, m)
    log_p = -(x[:, 1] - x[:, 0]).norm(dim=1).sum()
    (s,) = torch.autograd.grad(log_p, x, create_graph=True)
    trace = torch.zeros((), **DOUBLE)
    for pixel in range(2):
        for channel in range(d.shape[1]):
            slope = torch.autograd.grad(s[:, pixel, channel].sum(), x, retain_graph=True)[0]
            trace = trace + slope[:, pixel, channel].mean()
    return -trace / s.square().flatten(1).sum(1).mean().detach()


def _inverse_size(d: Tensor) -> Tensor:
    return (1 / d.norm(dim=1)).mean()


color_heals = Exercise(
    "color_heals",
    function(
        _color_case,
        _weight_by_autograd,
        Mistake(
            "The unit vector d/|d| has a derivative in all directions but its own: its trace is "
            "(m - 1)/|d|, not m/|d|.",
            lambda d: d.shape[1] * _inverse_size(d),
        ),
        Mistake(
            "The trace of the derivative of d/|d| is (m - 1)/|d|: the number of channels is lost.",
            _inverse_size,
        ),
        Mistake(
            "Your trace counts one pixel and your square two. Both pixels belong to both terms.",
            lambda d: (d.shape[1] - 1) * _inverse_size(d) / 2,
        ),
        Mistake(
            "The mean of 1/|d| is not one over the mean of |d|.",
            lambda d: (d.shape[1] - 1) / d.norm(dim=1).mean(),
        ),
        Mistake(
            "This is maximum likelihood, m over the mean of |d|: a good estimate, with a constant "
            "that a score does not know. The minimum of J(b) is another number.",
            lambda d: d.shape[1] / d.norm(dim=1).mean(),
        ),
        num_cases=6,
    ),
)


def _sum_case(rng: torch.Generator) -> tuple[Tensor, ...]:
    """Four normals for sum and difference: weights, means (K, 2), covariances (K, 2, 2)."""
    half = normals(rng, 4, 2, 2)
    covs = half @ half.mT / 2 + 0.05 * torch.eye(2, **DOUBLE)
    weights = 0.2 + uniforms(rng, 4)
    return normals(rng), weights / weights.sum(), normals(rng, 4, 2), covs


def _spread_by_quadrature(t: Tensor, weights: Tensor, means: Tensor, covs: Tensor) -> Tensor:
    """The joint density along the line of that sum, on a fine grid."""
    u = torch.linspace(-25, 25, 8001, **DOUBLE)
    p = GaussianMixture(weights, means, covs).log_prob(torch.stack([t.expand_as(u), u], 1))
    p = torch.softmax(p, 0)
    return (p @ (u - p @ u) ** 2).sqrt()


def _spread(
    t: Tensor,
    weights: Tensor,
    means: Tensor,
    covs: Tensor,
    *,
    prior: float = 1,
    seen: float | Tensor = 1,
    norm: float = 1,
    between: float = 1,
) -> Tensor:
    """Spread of the difference, with each ingredient to a power: 0 leaves it out."""
    std = covs[:, 0, 0].sqrt()
    z = (t - means[:, 0]) / std
    r = torch.softmax(prior * weights.log() - seen * z**2 / 2 - norm * std.log(), 0)
    slope = covs[:, 0, 1] / std
    centre = means[:, 1] + slope * z
    return (r @ (covs[:, 1, 1] - slope**2 + between * (centre - r @ centre) ** 2)).sqrt()


forgotten_evidence = Exercise(
    "forgotten_evidence",
    function(
        _sum_case,
        _spread_by_quadrature,
        Mistake(
            "These are still the values of the code as found.",
            lambda *case: _spread(*case, seen=0, norm=0),
        ),
        Mistake(
            "The new weights lack the factor 1/std of each normal density. It differs from part "
            "to part, so it does not cancel (lab 1).",
            lambda *case: _spread(*case, norm=0),
        ),
        Mistake(
            "The exponent divides by twice the variance, not by twice the standard deviation.",
            lambda t, w, m, C: _spread(t, w, m, C, seen=C[:, 0, 0].sqrt()),
        ),
        Mistake(
            "The new weights are the density of the sum alone. The old weights belong in the "
            "product: Bayes' rule.",
            lambda *case: _spread(*case, prior=0),
        ),
        Mistake(
            "The new weights are right. The variance of a mixture has two parts: within the "
            "normals, and between their means.",
            lambda *case: _spread(*case, between=0),
        ),
        Mistake("This is the variance, the square of it.", lambda *case: _spread(*case) ** 2),
    ),
)
