"""Lab 2: what score matching learns, and what it can be made to believe."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.functional import hessian, jacobian

from lessons_lib import losses
from lessons_lib.course.checks.answers import ask, parts
from lessons_lib.course.checks.cases import hills, normals, uniforms
from lessons_lib.course.checks.exercise import Exercise
from lessons_lib.course.checks.judges import Given, Mistake, function, value
from lessons_lib.course.checks.trained import Trial, straight, trained
from lessons_lib.distributions import GaussianMixture


def _vertex(cost: Callable[[float], Tensor]) -> Tensor:
    """Where a parabola is least."""
    left, middle, right = cost(-1.0), cost(0.0), cost(1.0)
    return (left - right) / (left + right - 2 * middle) / 2


def _learned(given: Given, *, share: float = 1.0) -> Tensor:
    """Best a of s = -a x, if the square counts in full; two points have the moments needed."""
    x = given["std"] * torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
    halves = 2 * share - 1
    return _vertex(
        lambda a: losses.implicit(lambda x, sigma: -a * x, x) + halves * ((a * x) ** 2).mean() / 2
    )


the_missing_half = Exercise(
    "the_missing_half",
    value(
        _learned,
        Mistake(
            "This is the true score. Dropping the 1/2 does not scale the loss: it scales one of "
            "its two terms, and their balance moves.",
            lambda given: _learned(given, share=0.5),
        ),
        Mistake(
            "The wrong way: the square, which holds the slope down, has become heavier.",
            lambda given: _learned(given, share=0.25),
        ),
        Mistake(
            "The square brings the variance of the data, not their standard deviation.",
            lambda given: _learned(given) * given["std"],
        ),
        rtol=1e-2,  # two digits, as the page prints them
    ),
    {"std": (3.0, 0.8, 5.0, 1.5)},
)


def _angles(rng: torch.Generator) -> tuple[Tensor]:
    return ((0.4 + 0.6 * uniforms(rng)) * normals(rng, 40),)


def _matched_concentration(angles: Tensor) -> Tensor:
    """The implicit cost is a parabola in the concentration."""
    return _vertex(
        lambda kappa: losses.implicit(lambda x, sigma: -kappa * x.sin(), angles[:, None])
    )


def _likeliest_concentration(angles: Tensor) -> float:
    """Maximum likelihood, by bisection on a ratio of Bessel functions."""
    from scipy.special import i0e, i1e

    low, high, wanted = 0.0, 1000.0, float(angles.cos().mean())
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if i1e(middle) / i0e(middle) < wanted else (low, middle)
    return low


concentration_without_bessel = Exercise(
    "concentration_without_bessel",
    function(
        _angles,
        _matched_concentration,
        Mistake(
            "Half of it: the derivative of k^2 / 2 is k.", lambda t: _matched_concentration(t) / 2
        ),
        Mistake(
            "You solve for each angle, then average. Average the cost first, then minimise.",
            lambda t: (t.cos() / t.sin() ** 2).mean(),
        ),
        Mistake(
            "The mean of sin^2 is wanted, not the square of the mean.",
            lambda t: t.cos().mean() / t.sin().mean() ** 2,
        ),
        Mistake(
            "This is the maximum-likelihood estimate: a good one, with Bessel functions. Score "
            "matching has another, without them.",
            _likeliest_concentration,
        ),
    ),
)


def _slicing_case(rng: torch.Generator) -> tuple[Callable[..., Tensor], Tensor, Tensor]:
    return hills(rng, 3).score, normals(rng, 6, 3), normals(rng, 6, 3)


def _pieces(score: Callable[..., Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """Scores (N, n) and whole Jacobians (N, n, n)."""
    rows = jacobian(lambda z: score(z).sum(0), x)  # (n, N, n)
    return score(x), rows.permute(1, 0, 2)


def _sliced(score: Callable[..., Tensor], x: Tensor, v: Tensor, *, square: float = 0.5) -> Tensor:
    s, slopes = _pieces(score, x)
    curvature = torch.einsum("ni,nij,nj->n", v, slopes, v)
    return (curvature + square * s.square().sum(-1)).mean()


def _sliced_twice(score: Callable[..., Tensor], x: Tensor, v: Tensor) -> Tensor:
    """The original form, which sends the second term through the direction as well."""
    s, _ = _pieces(score, x)
    return _sliced(score, x, v, square=0) + 0.5 * (v * s).sum(-1).square().mean()


def _unsliced(score: Callable[..., Tensor], x: Tensor, v: Tensor, *, once: bool) -> Tensor:
    s, slopes = _pieces(score, x)
    first = (v[:, None] @ slopes).sum((1, 2)) if once else slopes.diagonal(0, 1, 2).sum(-1)
    return (first + 0.5 * s.square().sum(-1)).mean()


sliced_by_hand = Exercise(
    "sliced_by_hand",
    function(
        _slicing_case,
        _sliced,
        Mistake("The square of the score lacks its 1/2.", lambda *c: _sliced(*c, square=1.0)),
        Mistake("The square of the score is subtracted.", lambda *c: _sliced(*c, square=-0.5)),
        Mistake(
            "Your second term is (u's)^2 / 2: right on average, with a larger spread. The whole "
            "square ||s||^2 / 2 costs nothing more.",
            _sliced_twice,
        ),
        Mistake(
            "Your first term sums u' grad s. One product with u is missing before the sum.",
            lambda *c: _unsliced(*c, once=True),
        ),
        Mistake(
            "This is the exact trace: right, for n backward passes. Here one pass and u must do.",
            lambda *c: _unsliced(*c, once=False),
        ),
        Mistake(
            "The square is averaged over the coordinates and the slope is not: a score learned "
            "with this is n times too large.",
            lambda score, x, v: _sliced(score, x, v, square=0.5 / x.shape[1]),
        ),
        Mistake(
            "You sum over the points. The loss is their mean.",
            lambda score, x, v: _sliced(score, x, v) * len(x),
        ),
    ),
)


def _two_hills(rng: torch.Generator) -> Trial:
    """Two thousand samples of two hills, and points at which the score is asked for."""
    gap = (1.2 + 0.6 * uniforms(rng)).item()
    weights, means = torch.tensor([0.4, 0.6]), torch.tensor([[-gap], [gap]])
    p = GaussianMixture(weights.double(), means.double(), 0.5)
    x, at = p.sample(2000, rng), p.sample(200, rng)
    score = p.score(at)
    slips = [
        (
            "This is minus the score. The slope s' stands in the loss with a plus.",
            -score,
        ),
        (
            "This is half the score: the square in the loss has lost its 1/2, as in exercise 1.",
            score / 2,
        ),
        (
            "Your network has learned nothing: it says zero nearly everywhere. Is it trained, and "
            "is the slope s' a part of the graph? torch.autograd.grad(..., create_graph=True) "
            "keeps it there; without it only s^2 is lowered.",
            torch.zeros_like(score),
        ),
        (
            "This is a straight line, the score of a normal. The network must bend, so it needs a "
            "hidden layer with an activation.",
            straight(at, score),
        ),
    ]
    return Trial((x, at, rng), score, slips)


a_network_and_its_slope = Exercise("a_network_and_its_slope", trained(_two_hills, within=0.4))


FAIR = -0.5  # implicit cost of the true score of N(0, 1); no smooth function has less


def _beats_the_truth(answer: Callable[..., Any], rng: torch.Generator, given: Given) -> str | None:
    """Slopes on either side of each point; the gentler one is what autograd sees at a jump."""
    del given
    x, near = normals(rng, 4000), 1e-6
    values = [parts(ask(answer, point))[0] for point in (x - near, x, x + near)]
    if any(v.squeeze().shape != x.shape for v in values):
        return f"Your function maps {len(x)} numbers to the shape {tuple(values[1].shape)}."
    left, here, right = (v.reshape(x.shape) for v in values)
    if not bool(torch.isfinite(torch.stack([left, here, right])).all()):
        return "Your function has values that are not finite."
    back, ahead = (here - left) / near, (right - here) / near
    gentle = torch.where(back.abs() < ahead.abs(), back, ahead)
    slope, square = float(gentle.mean()), float(here.square().mean() / 2)
    return _reply_to_loss(slope, square, slope + square)


def _reply_to_loss(slope: float, square: float, loss: float) -> str | None:
    if loss < 2 * FAIR:
        return None
    seen = f"On fresh samples the loss is {loss:.3g} ({slope:.3g} from the slope, {square:.3g} "
    seen += f"from the square), and the true score gets {FAIR:g}. "
    if abs(loss - FAIR) < 0.05:
        return seen + "A draw: this is the true score, or as good."
    if slope > 1:
        return seen + "The slope counts against you: where the function is smooth it must fall."
    if slope < 2 * FAIR:
        return seen + "Steep pays, large costs: stay steep without becoming large."
    if abs(slope) < 1e-3:
        return seen + (
            "At nearly every sample your function is flat, and only falling pays. (Slopes are "
            "differences of neighbouring values here: detach() wins nothing.)"
        )
    return seen + "A smooth function cannot win: integration by parts forbids it."


beats_the_truth = Exercise("beats_the_truth", _beats_the_truth)


def _cut_readings(rng: torch.Generator) -> tuple[Tensor, float]:
    """Positive readings of N(m, std^2), evenly spread over their quantiles and shuffled."""
    m, std = (2 * uniforms(rng) - 1).item(), (1 + 0.5 * uniforms(rng)).item()
    share = (torch.randperm(20_000, generator=rng) + uniforms(rng, 20_000)) / 20_000
    lost = 0.5 * math.erfc(m / std / math.sqrt(2))
    return m + std * torch.special.ndtri(lost + (1 - lost) * share), std


def _likeliest_mean(x: Tensor, std: float) -> float:
    """Maximum likelihood: the mean of the cut normal grows with m."""
    low, high, wanted = -20.0, 20.0, float(x.mean())
    for _ in range(60):
        m = (low + high) / 2
        z = torch.tensor(m / std, dtype=torch.float64)
        ratio = torch.exp(-z.square() / 2 - torch.special.log_ndtr(z)) / math.sqrt(2 * math.pi)
        low, high = (m, high) if m + std * float(ratio) < wanted else (low, m)
    return low


the_unseen_mean = Exercise(
    "the_unseen_mean",
    function(
        _cut_readings,
        _likeliest_mean,
        Mistake(
            "This is the mean of the readings that were seen: implicit score matching without the "
            "weight. The cut at zero has pushed it up.",
            lambda x, std: x.mean(),
        ),
        Mistake(
            "The derivative of w s is w s' + w' s, and the term w' s is missing.",
            lambda x, std: x.square().mean() / x.mean(),
        ),
        Mistake(
            "The term w' s has the wrong sign: integration by parts puts it beside w s'.",
            lambda x, std: (x.square().mean() + std**2) / x.mean(),
        ),
        Mistake(
            "The score divides by the variance std^2, not by std.",
            lambda x, std: (x.square().mean() - std) / x.mean(),
        ),
        Mistake(
            "With the weight x^2 the term is w' s = 2 x s.",
            lambda x, std: ((x**3).mean() - std**2 * x.mean()) / x.square().mean(),
        ),
        num_cases=4,
        rtol=0.0,
        atol=0.03,
    ),
)


def _mirrored(rng: torch.Generator) -> tuple[Tensor, float, Tensor]:
    """Each point twice, with its noise and with the opposite noise."""
    x, noise = 1 + normals(rng, 30), normals(rng, 30)
    return x.repeat(2), 0.4 + uniforms(rng).item(), torch.cat([noise, -noise])


def _line(x: Tensor, sigma: float, noise: Tensor) -> Tensor:
    """The least of the library's denoising loss, a parabola: one step of Newton's method."""

    def cost(c: Tensor) -> Tensor:
        return losses.denoising(
            lambda y, sigma: c[0] + c[1] * y, x[:, None], sigma, noise=noise[:, None]
        )

    start = torch.zeros(2, dtype=torch.float64)
    slope, bend = (f(cost, start) for f in (jacobian, hessian))
    return -torch.linalg.solve(bend, slope)


symmetric_noise = Exercise(
    "symmetric_noise",
    function(
        _mirrored,
        _line,
        Mistake(
            "These are the values of the code as found. (Who turns both signs, turns nothing.)",
            lambda *c: -_line(*c),
        ),
        Mistake(
            "The sign is right, and the target is the noise: divide it by sigma.",
            lambda x, sigma, noise: sigma * _line(x, sigma, noise),
        ),
        Mistake(
            "Divided by sigma once too often: the noise is a unit normal already.",
            lambda x, sigma, noise: _line(x, sigma, noise) / sigma,
        ),
        Mistake(
            "This line predicts the clean value. The score is (clean - noisy) / sigma^2.",
            lambda x, sigma, noise: sigma**2 * _line(x, sigma, noise) + torch.tensor([0.0, 1.0]),
        ),
    ),
)
