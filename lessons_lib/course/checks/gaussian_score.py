"""Lab 1: the score of a Gaussian, and of any density."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lessons_lib.course.checks.answers import array, ask
from lessons_lib.course.checks.cases import hills, normals, uniforms
from lessons_lib.course.checks.exercise import Exercise
from lessons_lib.course.checks.judges import Given, Mistake, function, value
from lessons_lib.distributions import Gaussian, GaussianMixture


def _denoised(given: Given, *, sign: float = 1.0, power: int = 2, smoothed: bool = True) -> Tensor:
    """Tweedie's formula for one pixel, and ways to get it wrong."""
    prior = Gaussian(torch.tensor([given["mean"]]), given["std"] ** 2)
    y, sigma = torch.tensor([given["y"]]), given["noise_std"]
    score = prior.score(y, sigma if smoothed else 0.0)
    return (y + sign * sigma**power * score)[0]


def _share(given: Given) -> float:
    return given["noise_std"] / (given["std"] + given["noise_std"])


one_pixel_denoised = Exercise(
    "one_pixel_denoised",
    value(
        _denoised,
        Mistake(
            "You move the pixel away from the mean. The score points towards it.",
            lambda given: _denoised(given, sign=-1.0),
        ),
        Mistake(
            "Tweedie's formula multiplies the score by the variance of the noise, not by its "
            "standard deviation.",
            lambda given: _denoised(given, power=1),
        ),
        Mistake(
            "You took the score of the clean pixels. The formula wants that of the noisy ones, "
            "whose variance is the sum of two.",
            lambda given: _denoised(given, smoothed=False),
        ),
        Mistake("This is the noisy pixel itself.", lambda given: given["y"]),
        Mistake(
            "This is the prior mean: the best guess if the pixel said nothing.",
            lambda given: given["mean"],
        ),
        Mistake(
            "The two variances have changed their roles: little noise moves the pixel little.",
            lambda given: given["y"] + given["mean"] - _denoised(given),
        ),
        Mistake(
            "Variances add, standard deviations do not: square them first.",
            lambda given: given["y"] - _share(given) ** 2 * (given["y"] - given["mean"]),
        ),
        rtol=0,
        atol=1.5e-3,
    ),
    {
        "mean": (0.5, 0.4, 0.6),
        "std": (0.2, 0.28, 0.25),
        "noise_std": (0.1, 0.15, 0.12),
        "y": (0.9, 1.0, 0.95, 0.1),
    },
)


def _lognormal_case(rng: torch.Generator) -> tuple[Tensor, float, float]:
    m, s = uniforms(rng, 2).tolist()
    return 0.3 + 2.5 * uniforms(rng, 5), m - 0.5, 0.4 + s


def _lognormal_score(y: Tensor, m: float, s: float) -> Tensor:
    y = y.clone().requires_grad_()
    log_p = torch.distributions.LogNormal(m, s).log_prob(y)
    return torch.autograd.grad(log_p.sum(), y)[0]


_TERMS = (
    (0, 1, "The density of y has one more factor: the derivative of log y, from the change of "
        "variables. Its logarithm adds a term to the score."),
    (1, 1, "The term of the change of variables has the wrong sign: the density has 1/y, whose "
        "logarithm is -log y."),
    (-1, -1, "The term with log y - m has the wrong sign: far above exp(m) the density falls."),
    (-1, 2, "The term with log y - m is twice too large: the exponent is the square over 2 s^2."),
    (-1, 0.5, "The term with log y - m is half as large as it should be: the derivative of a "
        "square brings a 2."),
)  # fmt: skip
"""For the two terms of the score, 1/y and the other, a wrong multiple, and what to say to it."""


score_of_a_lognormal = Exercise(
    "score_of_a_lognormal",
    function(
        _lognormal_case,
        _lognormal_score,
        *(
            Mistake(hint, lambda y, m, s, a=a, b=b: a / y + b * (_lognormal_score(y, m, s) + 1 / y))
            for a, b, hint in _TERMS
        ),
        Mistake(
            "Chain rule: log y stands inside the square, and its derivative in y is 1/y.",
            lambda y, m, s: y * (_lognormal_score(y, m, s) + 1 / y) - 1 / y,
        ),
        Mistake(
            "Divide by the variance s^2, not by the standard deviation s.",
            lambda y, m, s: s * (_lognormal_score(y, m, s) + 1 / y) - 1 / y,
        ),
        Mistake(
            "The variance s^2 of log y is missing.",
            lambda y, m, s: s**2 * (_lognormal_score(y, m, s) + 1 / y) - 1 / y,
        ),
        Mistake(
            "This is the score of the logarithm of y, as a function of log y.",
            lambda y, m, s: y * (_lognormal_score(y, m, s) + 1 / y),
        ),
        Mistake(
            "This is the log-density. The score is its derivative.",
            lambda y, m, s: -y.log() - (y.log() - m) ** 2 / (2 * s**2),
        ),
    ),
)


def _tweedie_case(rng: torch.Generator) -> tuple[Callable[..., Tensor], Tensor, float]:
    x, sigma = 2 * normals(rng, 6, 2), 0.3 + float(uniforms(rng))
    return hills(rng).log_prob, x, sigma


def _tweedie(
    log_prob: Callable[..., Tensor],
    x: Tensor,
    sigma: float,
    *,
    weight: float | None = None,
    level: float | None = None,
) -> Tensor:
    point = x.clone().requires_grad_()
    log_p = log_prob(point, sigma if level is None else level)
    slope = torch.autograd.grad(log_p.sum(), point)[0]
    return x + (sigma**2 if weight is None else weight) * slope


tweedie_by_autograd = Exercise(
    "tweedie_by_autograd",
    function(
        _tweedie_case,
        _tweedie,
        Mistake("These are the noisy points as they came.", lambda log_prob, x, sigma: x),
        *(
            Mistake(hint, lambda f, x, s, k=k, n=n: _tweedie(f, x, s, weight=k * s**n))
            for k, n, hint in (
                (1, 1, "The score is multiplied by sigma^2, not by sigma."),
                (1, 0, "The score is multiplied by sigma^2, and you add it as it is."),
                (1, 4, "The score is multiplied by sigma^2, not by sigma^4."),
                (0.5, 2, "Tweedie's formula has no factor 1/2."),
                (2, 2, "Tweedie's formula has no factor 2."),
                (-1, 2, "The score is subtracted. A denoiser goes uphill in log-density."),
            )
        ),
        Mistake(
            "You differentiate the mean over the points: each row is divided by their number. "
            "Take the sum.",
            lambda f, x, s: _tweedie(f, x, s, weight=s**2 / len(x)),
        ),
        Mistake(
            "log_prob takes the standard deviation sigma, not the variance.",
            lambda log_prob, x, sigma: _tweedie(log_prob, x, sigma, level=sigma**2),
        ),
        Mistake(
            "You differentiate the clean density. Tweedie's formula needs the smoothed one: pass "
            "sigma on to log_prob.",
            lambda log_prob, x, sigma: _tweedie(log_prob, x, sigma, level=0.0),
        ),
        Mistake(
            "This is the correction sigma^2 times the score. Add it to x.",
            lambda log_prob, x, sigma: _tweedie(log_prob, x, sigma) - x,
        ),
        Mistake(
            "This is the score. What remains is Tweedie's formula.",
            lambda log_prob, x, sigma: _tweedie(log_prob, x, sigma, weight=1.0) - x,
        ),
    ),
)


def _liar(answer: Callable[..., Any], rng: torch.Generator, given: Given) -> str | None:
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


fools_two_averages = Exercise("fools_two_averages", _liar)


def _path_case(rng: torch.Generator) -> tuple[GaussianMixture, Tensor, Tensor]:
    a, b = 1.5 * normals(rng, 2, 2)
    return hills(rng), a, b


def _log_ratio(p: GaussianMixture, a: Tensor, b: Tensor) -> Tensor:
    return p.log_prob(b) - p.log_prob(a)


def _mean_score(p: GaussianMixture, a: Tensor, b: Tensor) -> Tensor:
    t = (torch.arange(2000, dtype=torch.float64) + 0.5)[:, None] / 2000
    return p.score(a + t * (b - a)).mean(0)


log_ratio_along_a_line = Exercise(
    "log_ratio_along_a_line",
    function(
        _path_case,
        _log_ratio,
        Mistake(
            "The path runs the wrong way: you computed log p(a) - log p(b).",
            lambda *case: -_log_ratio(*case),
        ),
        Mistake(
            "You averaged the score along the line, but a step along it is b - a: take the inner "
            "product.",
            _mean_score,
        ),
        Mistake(
            "You added up the components of the score along the line. What counts is its part in "
            "the direction of the line: the inner product with b - a.",
            lambda score, a, b: _mean_score(score, a, b).sum(),
        ),
        *(
            Mistake(
                f"One step with the score {where} is a tangent. Cut the line into short steps.",
                lambda p, a, b, t=t: p.score(a + t * (b - a)) @ (b - a),
            )
            for t, where in ((0, "at a"), (1, "at b"), (0.5, "at the middle"))
        ),
        Mistake(
            "This is the ratio of the densities. Its logarithm is asked for.",
            lambda *case: _log_ratio(*case).exp(),
        ),
        Mistake(
            "Two end points are too few: between them the score bends. Cut the line into short "
            "steps.",
            lambda p, a, b: (p.score(a) + p.score(b)) @ (b - a) / 2,
        ),
        Mistake(
            "The direction was divided by its length: ds = |b - a| dt is lost.",
            lambda p, a, b: _mean_score(p, a, b) @ (b - a) / (b - a).norm(),
        ),
        shown=lambda p, a, b: (p.score, a, b),
        rtol=1e-2,
        atol=1e-2,
    ),
)


def _hills_case(rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    weights, stds = 0.2 + uniforms(rng, 3), 0.2 + 1.5 * uniforms(rng, 3)
    means, x = 4 * uniforms(rng, 3) - 2, 4 * uniforms(rng, 7) - 2
    return x, weights / weights.sum(), means, stds


def _hills(x: Tensor, weights: Tensor, means: Tensor, stds: Tensor, *, power: float = 1) -> Tensor:
    """Score of a mixture whose responsibilities have ``stds ** -power`` for a constant."""
    z = (x[:, None] - means) / stds  # (N, K)
    r = torch.softmax(weights.log() - power * stds.log() - z**2 / 2, dim=1)
    return -(r * z / stds).sum(1)


def _hills_oracle(x: Tensor, weights: Tensor, means: Tensor, stds: Tensor) -> Tensor:
    covs = (stds**2)[:, None, None]
    return GaussianMixture(weights, means[:, None], covs).score(x[:, None])[:, 0]


the_constant_matters = Exercise(
    "the_constant_matters",
    function(
        _hills_case,
        _hills_oracle,
        *(
            Mistake(hint, lambda *case, power=power: _hills(*case, power=power))
            for power, hint in (
                (0, "These are still the values of the code as found."),
                (2, "The constant of a normal density in one dimension has 1/std, not 1/std^2."),
                (0.5, "The constant has 1/std, the root of 1/variance, and no further root."),
                (-1, "The constant is in the numerator now: divide by std."),
            )
        ),
        Mistake(
            "The weights w_k are gone from the responsibilities.",
            lambda x, w, *rest: _hills(x, torch.ones_like(w), *rest),
        ),
        Mistake(
            "The parts are weighted by w_k alone. What counts at x is which part is responsible "
            "for x.",
            lambda x, w, m, s: -((x[:, None] - m) / s**2 * w).sum(1),
        ),
        Mistake(
            "This is the slope of the density. Divide by the density, as r does.",
            lambda x, w, m, s: (
                _hills(x, w, m, s) * (w / s * torch.exp(-(((x[:, None] - m) / s) ** 2) / 2)).sum(1)
            ),
        ),
        Mistake(
            "The 1/2 in the exponent is gone.",
            lambda x, w, m, s: _hills(2**0.5 * x, w, 2**0.5 * m, s) / 2**0.5,
        ),
    ),
)
