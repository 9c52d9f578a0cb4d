"""Lab 3: one score at many noise levels, and what only all of them together know."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lessons_lib import losses, samplers, schedules
from lessons_lib.course.checks.answers import NotAttempted, ask, parts, unattempted
from lessons_lib.course.checks.cases import hills, normals, uniforms
from lessons_lib.course.checks.exercise import Exercise
from lessons_lib.course.checks.judges import Given, Mistake, compare, function, value
from lessons_lib.course.checks.trained import Trial, relative_error, trained
from lessons_lib.distributions import Gaussian, GaussianMixture, Parzen

Field = Callable[..., Tensor]


def _bell(given: Given) -> tuple[Gaussian, Tensor, float]:
    mean, x = (torch.tensor([given[name]], dtype=torch.float64) for name in ("mean", "x"))
    return Gaussian(mean, given["std"] ** 2), x, given["sigma"]


def _landing(given: Given) -> Tensor:
    bell, x, sigma = _bell(given)
    levels = torch.cat([schedules.geometric(sigma, 1e-3, 150), torch.zeros(1)])
    return samplers.last(samplers.probability_flow(bell.score, x, levels))[0]


def _denoised(given: Given) -> Tensor:
    bell, x, sigma = _bell(given)
    return (x + sigma**2 * bell.score(x, sigma))[0]


def _shrunk(given: Given, factor: float) -> float:
    return given["mean"] + (given["x"] - given["mean"]) * factor


where_the_flow_lands = Exercise(
    "where_the_flow_lands",
    value(
        _landing,
        Mistake(
            "This is Tweedie's formula: the mean of all clean values behind x. The flow goes to "
            "one of them.",
            _denoised,
        ),
        Mistake(
            "The variances of data and noise add up, not their standard deviations.",
            lambda given: _shrunk(given, given["std"] / (given["std"] + given["sigma"])),
        ),
        Mistake(
            "You shrink x towards zero. The flow shrinks its distance from the mean.",
            lambda given: given["x"] * given["std"] / math.hypot(given["std"], given["sigma"]),
        ),
        Mistake("The mean is where infinitely much noise would lead.", lambda given: given["mean"]),
        rtol=5e-3,
    ),
    {"mean": (2.0, 1.0, 3.0), "std": (1.5, 1.2), "sigma": (2.0, 1.6, 2.4), "x": (6.0, 7.0, -2.0)},
)


def _posterior(rng: torch.Generator) -> tuple[Tensor, float, Tensor]:
    """Slope of the noisy score, level, and exact variance of the atom behind each point."""
    atoms, x, sigma = normals(rng, 6, 1), normals(rng, 9, 1), 0.4 + uniforms(rng).item()
    point = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(Parzen(atoms).score(point, sigma).sum(), point)
    odds = torch.softmax(-((x - atoms.T) ** 2) / (2 * sigma**2), dim=1)  # (9, 6)
    return slope[:, 0], sigma, odds @ atoms[:, 0] ** 2 - (odds @ atoms[:, 0]) ** 2


how_sure_is_the_denoiser = Exercise(
    "how_sure_is_the_denoiser",
    function(
        _posterior,
        lambda slope, sigma, v: v,
        Mistake(
            "A variance cannot be negative. What is left of it where the slope is zero?",
            lambda slope, sigma, v: v - sigma**2,
        ),
        Mistake(
            "The sign of the slope: where the score falls steeply, the clean value is known well.",
            lambda slope, sigma, v: 2 * sigma**2 - v,
        ),
        Mistake(
            "This is the variance of the unit noise z, given x. The clean value is x - sigma z.",
            lambda slope, sigma, v: v / sigma**2,
        ),
        Mistake(
            "The slope needs another power of sigma: look at the units.",
            lambda slope, sigma, v: sigma**2 + sigma**2 * slope,
        ),
        Mistake("This is the standard deviation.", lambda slope, sigma, v: v.sqrt()),
        shown=lambda slope, sigma, v: (slope, sigma),
    ),
)


def _near_data(rng: torch.Generator) -> tuple[Tensor, Tensor, float]:
    return normals(rng, 7, 2), normals(rng, 12, 2), 0.4 + uniforms(rng).item()


def _parzen(x: Tensor, data: Tensor, sigma: float, *, width: float = 1.0) -> Tensor:
    """The library's; ``width`` is that of the weights, in units of sigma."""
    return width**2 * Parzen(data).score(x, width * sigma)


UNDERFLOW = (
    "Right at large levels. At sigma = 0.001 all your weights are zero and you divide 0 by 0: "
    "weights are relative, so subtract the largest exponent first."
)
_by_values = function(
    _near_data,
    _parzen,
    Mistake("The score points away from the data.", lambda *case: -_parzen(*case)),
    Mistake(
        "This is the denoiser, the weighted mean of the data. The score is the way there from x, "
        "divided by sigma^2.",
        lambda x, data, sigma: x + sigma**2 * _parzen(x, data, sigma),
    ),
    Mistake(
        "The way to the weighted mean is divided by sigma^2, not by sigma.",
        lambda x, data, sigma: sigma * _parzen(x, data, sigma),
    ),
    Mistake(
        "The weights are too narrow: the exponent has a 2 below it.",
        lambda *case: _parzen(*case, width=math.sqrt(1 / 2)),
    ),
    Mistake(
        "The weights have sigma where sigma^2 belongs.",
        lambda *case: _parzen(*case, width=case[2] ** -0.5),
    ),
)


def _parzen_anywhere(answer: Callable[..., Any], rng: torch.Generator, given: Given) -> str | None:
    """At middling levels by values, then where all the weights underflow."""
    if hint := _by_values(answer, rng, given):
        return hint
    x, data, _ = _near_data(rng)
    got = parts(ask(answer, 3 * x, data, 1e-3))
    if not bool(torch.isfinite(got[0]).all()):
        return UNDERFLOW
    return compare([got], [[_parzen(3 * x, data, 1e-3)]], (), 1e-5, 1e-9)


score_of_the_samples = Exercise("score_of_the_samples", _parzen_anywhere)


def _five_levels(rng: torch.Generator) -> Trial:
    """Two hills, five levels, and noisy points at each of them."""
    gap = (1.5 + uniforms(rng)).item()
    weights, means = torch.tensor([0.4, 0.6]), torch.tensor([[-gap], [gap]])
    p = GaussianMixture(weights.double(), means.double(), 0.25)
    sigmas = torch.tensor([4.0, 2.0, 1.0, 0.5, 0.25], dtype=torch.float64)
    each = sigmas[:, None, None]
    x0 = p.sample(2000, rng)
    y = torch.stack([p.sample(200, rng) for _ in sigmas]) + each * normals(rng, 5, 200, 1)
    score = torch.stack([p.score(at, float(sigma)) for at, sigma in zip(y, sigmas, strict=True)])
    scale = score.square().mean((1, 2), keepdim=True).sqrt()

    def one_sided(got: Tensor) -> str | None:
        far = [relative_error(*three) for three in zip(got, score, scale, strict=True)]
        best, worst = min(far), max(far)
        if best > 0.25 or worst < 0.4 or sum(f < 0.35 for f in far) > 3:
            return None
        return (
            f"At noise {sigmas[far.index(best)]:g} your score is off by {100 * best:.0f} %, and at "
            f"noise {sigmas[far.index(worst)]:g} by {100 * worst:.0f} %. Every level must be "
            "trained, and count alike: that is what the weight sigma^2 is for."
        )

    slips = [
        ("This is minus the score: the target is -z / sigma.", -score),
        (
            "This is sigma times the score. A network that learns -z is divided by sigma before "
            "it is a score.",
            each * score,
        ),
        ("Divided by sigma once too often.", score / each),
        ("Your network has learned nothing: it says zero.", torch.zeros_like(score)),
        (
            "The same function at all levels: your network is not told sigma, or does not listen. "
            "This is the best that a blind score can do.",
            _blind(p, y, sigmas),
        ),
    ]
    return Trial((x0, sigmas, y, rng), score, slips, scale, remark=one_sided)


def _blind(p: GaussianMixture, y: Tensor, sigmas: Tensor) -> Tensor:
    """The least weighted loss of one function for all levels."""
    levels = [float(sigma) for sigma in sigmas]
    weights = [s**2 * p.log_prob(y, s).exp()[..., None] for s in levels]
    return sum(w * p.score(y, s) for w, s in zip(weights, levels, strict=True)) / sum(weights)


one_network_five_levels = Exercise("one_network_five_levels", trained(_five_levels, within=0.35))

TOP, BOTTOM, FEWEST, MOST, MISSED = 20.0, 0.05, 10, 40, 0.1


def _ladder_complaint(answer: Any) -> str | None:
    """What is wrong with a ladder before anyone walks down."""
    sigmas = parts(answer)[0]
    if sigmas.ndim != 1 or not FEWEST <= len(sigmas) <= MOST:
        return f"Wanted are {FEWEST} to {MOST} levels; yours have the shape {tuple(sigmas.shape)}."
    if not bool((sigmas.diff() < 0).all()):
        return "The levels must go down, from the largest to the smallest, without repetition."
    if abs(sigmas[0] / TOP - 1) > 1e-6 or abs(sigmas[-1] / BOTTOM - 1) > 1e-6:
        return f"The first level must be {TOP:g} and the last one {BOTTOM:g}."
    return None


def _fails(answer: Any, rng: torch.Generator, given: Given) -> str | None:
    """Walk down with 2000 chains that start exactly right."""
    if unattempted(answer):
        raise NotAttempted
    if complaint := _ladder_complaint(answer):
        return complaint
    right, sigmas = given["right"], parts(answer)[0]
    weights = torch.tensor([1 - right, right], dtype=torch.float64)
    pair = GaussianMixture(weights, torch.tensor([[-4.0], [4.0]], dtype=torch.float64), 1.0)
    start = pair.sample(2000, rng) + TOP * normals(rng, 2000, 1)
    walk = {"steps_per_level": 20, "step_ratio": 0.3, "generator": rng}
    end = samplers.last(samplers.annealed_langevin(pair.score, start, sigmas, **walk))
    share = float((end > 0).double().mean())
    if abs(share - right) > MISSED:
        return None
    count = int(((sigmas >= 2) & (sigmas <= 10)).sum())
    advice = f"It has {count} levels between 2 and 10. What do they do that no others can?"
    if count == 0:
        advice = "Its gap is in the right place, and a little too narrow."
    return (
        f"The walk put {share:.2f} into the right-hand mode, and {right:g} belong there: it did "
        f"not fail. {advice}"
    )


a_ladder_that_fails = Exercise("a_ladder_that_fails", _fails, {"right": (0.8, 0.85, 0.75)})


def _point_case(rng: torch.Generator) -> tuple[GaussianMixture, Tensor, Tensor]:
    sigmas = schedules.geometric(1000.0, 1e-3, 400).double()
    return hills(rng, 1), 1.5 * normals(rng, 4, 1), sigmas


def _sums(p: GaussianMixture, x: Tensor, sigmas: Tensor, power: float) -> list[Tensor]:
    """Integrals over the levels of the slope and of the square, times a power of sigma."""
    ladder = x.expand(len(sigmas), -1, 1)
    high, low = (p.score(ladder + d, sigmas[:, None])[..., 0] for d in (1e-5, -1e-5))
    each = (high - low) / 2e-5, ((high + low) / 2) ** 2
    return [torch.trapezoid(f * sigmas[:, None] ** power, sigmas, dim=0) for f in each]


def _with(start: float, slope: float, square: float, power: float = 1) -> Field:
    """The same with other factors before the three terms."""

    def wrong(p: GaussianMixture, x: Tensor, sigmas: Tensor) -> Tensor:
        bend, size = _sums(p, x, sigmas, power)
        widest = torch.distributions.Normal(0.0, float(sigmas[0])).log_prob(x[:, 0])
        return start * widest + slope * bend + square * size

    return wrong


the_constant_recovered = Exercise(
    "the_constant_recovered",
    function(
        _point_case,
        lambda p, x, sigmas: p.log_prob(x),
        Mistake(
            "The integral has the wrong sign: near the data the density rises on the way down.",
            _with(1, -1, -1),
        ),
        Mistake(
            "This is the change of log p on the way down. Add log p at the first level, where it "
            "is that of N(0, sigma^2).",
            _with(0, 1, 1),
        ),
        Mistake(
            "The term s^2 is missing: the second derivative of p, divided by p, is s' + s^2.",
            _with(1, 1, 0),
        ),
        Mistake("The square of the score is not halved: this is no loss.", _with(1, 1, 0.5)),
        Mistake(
            "Half of the change: in sigma^2 the heat equation has a 1/2, in sigma it has sigma.",
            _with(1, 0.5, 0.5),
        ),
        Mistake("The heat equation in sigma has a factor sigma.", _with(1, 1, 1, power=0)),
        shown=lambda p, x, sigmas: (p.score, x, sigmas),
        num_cases=2,
        rtol=0.0,
        atol=0.03,
    ),
)


def _scores_case(rng: torch.Generator) -> tuple[Any, ...]:
    sigmas = torch.tensor([2.0, 0.6, 0.2], dtype=torch.float64) * (1 + uniforms(rng, 3))
    truth = hills(rng)
    return hills(rng).score, truth, truth.sample(20, rng), sigmas, normals(rng, 20, 2)


def _errors(
    score: Field,
    density: GaussianMixture,
    x: Tensor,
    sigmas: Tensor,
    noise: Tensor,
    *,
    power: float = 2,
    told: bool = True,
) -> Tensor:
    """The library's explicit loss at each level; ``told=False`` hides the level from the truth."""
    target: Field = density.score if told else (lambda y, sigma: density.score(y))
    each = [losses.explicit(score, target, x + s * noise, s) for s in sigmas]
    return sigmas**power * torch.stack(each)


the_exact_score_fails = Exercise(
    "the_exact_score_fails",
    function(
        _scores_case,
        _errors,
        Mistake(
            "These are still the values of the code as found.",
            lambda *case: _errors(*case, power=1, told=False),
        ),
        Mistake(
            "One of two. The exact score gets zero now, but in other units of x the errors differ.",
            lambda *case: _errors(*case, power=1),
        ),
        Mistake(
            "One of two. Units no longer matter, but the exact score is still found wrong: with "
            "what is it compared?",
            lambda *case: _errors(*case, told=False),
        ),
        Mistake(
            "Without any weight the smallest level drowns the others.",
            lambda *case: _errors(*case, power=0),
        ),
    ),
)
