"""Lab 1: the score of a Gaussian, and of any density."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lessons_lib.checks.answers import ask, parts
from lessons_lib.checks.exercise import Exercise
from lessons_lib.checks.judges import Given, Mistake, function, value
from lessons_lib.distributions import Gaussian, GaussianMixture


def _denoised(given: Given, *, sign: float = 1.0, power: int = 2, smoothed: bool = True) -> Tensor:
    """Tweedie's formula for one pixel, and ways to get it wrong."""
    prior = Gaussian(torch.tensor([given["mean"]]), given["std"] ** 2)
    y, sigma = torch.tensor([given["y"]]), given["noise_std"]
    score = prior.score(y, sigma if smoothed else 0.0)
    return (y + sign * sigma**power * score)[0]


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
            "This is the prior mean: so far only, if the pixel said nothing.",
            lambda given: given["mean"],
        ),
        rtol=5e-3,
    ),
    {
        "mean": (0.5, 0.4, 0.6),
        "std": (0.2, 0.3, 0.25),
        "noise_std": (0.1, 0.15, 0.2),
        "y": (0.9, 1.0, 0.95, 0.1),
    },
)


def _lognormal_case(rng: torch.Generator) -> tuple[Tensor, float, float]:
    m, s = torch.rand(2, generator=rng, dtype=torch.float64).tolist()
    y = 0.3 + 2.5 * torch.rand(5, generator=rng, dtype=torch.float64)
    return y, m - 0.5, 0.4 + s


def _lognormal_score(y: Tensor, m: float, s: float) -> Tensor:
    y = y.clone().requires_grad_()
    log_p = torch.distributions.LogNormal(m, s).log_prob(y)
    return torch.autograd.grad(log_p.sum(), y)[0]


score_of_a_lognormal = Exercise(
    "score_of_a_lognormal",
    function(
        _lognormal_case,
        _lognormal_score,
        Mistake(
            "The density of y has one more factor: the derivative of log y, from the change of "
            "variables. Its logarithm adds a term to the score.",
            lambda y, m, s: _lognormal_score(y, m, s) + 1 / y,
        ),
        Mistake(
            "The term of the change of variables has the wrong sign: the density has 1/y, whose "
            "logarithm is -log y.",
            lambda y, m, s: _lognormal_score(y, m, s) + 2 / y,
        ),
        Mistake(
            "Chain rule: log y stands inside the square, and its derivative in y is 1/y.",
            lambda y, m, s: -1 / y - (y.log() - m) / s**2,
        ),
        Mistake(
            "Divide by the variance s^2, not by the standard deviation s.",
            lambda y, m, s: -1 / y - (y.log() - m) / (s * y),
        ),
        Mistake(
            "This is the score of the logarithm of y, as a function of log y.",
            lambda y, m, s: -(y.log() - m) / s**2,
        ),
    ),
)


def _mixture(rng: torch.Generator) -> GaussianMixture:
    """Three hills in the plane."""
    options: dict[str, Any] = {"generator": rng, "dtype": torch.float64}
    weights = 0.2 + torch.rand(3, **options)
    means = 3 * torch.rand(3, 2, **options) - 1.5
    spread = 0.3 + torch.rand(3, **options)
    return GaussianMixture(weights / weights.sum(), means, spread[:, None, None] * torch.eye(2))


def _tweedie_case(rng: torch.Generator) -> tuple[Callable[..., Tensor], Tensor, float]:
    x = 2 * torch.randn(6, 2, generator=rng, dtype=torch.float64)
    sigma = 0.3 + float(torch.rand((), generator=rng))
    return _mixture(rng).log_prob, x, sigma


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
        Mistake(
            "The score is multiplied by sigma^2, not by sigma.",
            lambda log_prob, x, sigma: _tweedie(log_prob, x, sigma, weight=sigma),
        ),
        Mistake(
            "The score is subtracted. A denoiser goes uphill in log-density.",
            lambda log_prob, x, sigma: _tweedie(log_prob, x, sigma, weight=-(sigma**2)),
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


def _fools_stein(answer: Callable[..., Any], rng: torch.Generator, given: Given) -> str | None:
    """Averages under N(0, 1) by Gauss-Hermite quadrature."""
    del rng, given
    from numpy.polynomial.hermite_e import hermegauss

    nodes, weights = hermegauss(40)
    x, w = torch.tensor(nodes), torch.tensor(weights / weights.sum())
    (s,) = parts(ask(answer, x))
    if s.squeeze().shape != x.shape:
        return f"Your function maps {len(x)} numbers to the shape {tuple(s.shape)}."
    s = s.reshape(x.shape)
    if not bool(torch.isfinite(s).all()):
        return "Your function has values that are not finite."
    if abs(float(w @ s)) > 1e-3:
        return f"Noticed: the average of your score is {float(w @ s):.2g}, and it should be zero."
    if abs(float(w @ (s * x)) + 1) > 1e-3:
        return f"Noticed: the average of s(x) x is {float(w @ (s * x)):.2g}, and it should be -1."
    if float(w @ (s + x) ** 2) < 1e-2:
        return "This is the true score, or too close to it: the identities have no lie to notice."
    return None


fools_two_averages = Exercise("fools_two_averages", _fools_stein)


def _path_case(rng: torch.Generator) -> tuple[Callable[..., Tensor], Tensor, Tensor]:
    a, b = 1.5 * torch.randn(2, 2, generator=rng, dtype=torch.float64)
    return _mixture(rng).score, a, b


def _log_ratio(score: Callable[..., Tensor], a: Tensor, b: Tensor) -> Tensor:
    p: GaussianMixture = score.__self__  # type: ignore[attr-defined]
    return p.log_prob(b) - p.log_prob(a)


def _mean_score(score: Callable[..., Tensor], a: Tensor, b: Tensor) -> Tensor:
    t = (torch.arange(2000, dtype=torch.float64) + 0.5)[:, None] / 2000
    return score(a + t * (b - a)).mean(0)


log_ratio_along_a_line = Exercise(
    "log_ratio_along_a_line",
    function(
        _path_case,
        _log_ratio,
        Mistake(
            "The path runs the wrong way: you computed log p(a) - log p(b).",
            lambda score, a, b: -_log_ratio(score, a, b),
        ),
        Mistake(
            "You averaged the score along the line, but a step along it is b - a: take the inner "
            "product.",
            _mean_score,
        ),
        Mistake(
            "One step with the score at a is the tangent at a. Cut the line into many short steps.",
            lambda score, a, b: score(a) @ (b - a),
        ),
        Mistake(
            "Two end points are too few: between them the score bends. Cut the line into short "
            "steps.",
            lambda score, a, b: (score(a) + score(b)) @ (b - a) / 2,
        ),
        Mistake(
            "The direction was divided by its length: ds = |b - a| dt is lost.",
            lambda score, a, b: _mean_score(score, a, b) @ (b - a) / (b - a).norm(),
        ),
        rtol=5e-3,
        atol=5e-3,
    ),
)


def _hills_case(rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    options: dict[str, Any] = {"generator": rng, "dtype": torch.float64}
    weights, stds = 0.2 + torch.rand(3, **options), 0.2 + 1.5 * torch.rand(3, **options)
    means = 4 * torch.rand(3, **options) - 2
    return 4 * torch.rand(7, **options) - 2, weights / weights.sum(), means, stds


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
        Mistake(
            "These are still the values of the code as found.",
            lambda *case: _hills(*case, power=0),
        ),
        Mistake(
            "The constant of a normal density in one dimension has 1/std, not 1/std^2.",
            lambda *case: _hills(*case, power=2),
        ),
        Mistake(
            "The constant is in the numerator now: divide by std.",
            lambda *case: _hills(*case, power=-1),
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
    ),
)
