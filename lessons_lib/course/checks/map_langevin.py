"""Lab 6: one score, one measurement, and what may be claimed about the image."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lessons_lib.course.checks.answers import ask, parts
from lessons_lib.course.checks.cases import between, normals, uniforms
from lessons_lib.course.checks.exercise import Exercise
from lessons_lib.course.checks.judges import Given, Mistake, function, value
from lessons_lib.course.checks.trained import Trial, trained
from lessons_lib.diagnostics import ranks, uniformity
from lessons_lib.distributions import Gaussian, GaussianMixture

Score = Callable[..., Tensor]


def _pixels(given: Given) -> int:
    return int(given["side"]) ** 2


def _gap(given: Given) -> Tensor:
    """In the coordinates where the posterior is white, a sum over unit normals."""
    unit = torch.distributions.Normal(*torch.tensor([0.0, 1.0], dtype=torch.float64))
    return _pixels(given) * (unit.log_prob(torch.zeros(())) + unit.entropy())


the_image_nobody_draws = Exercise(
    "the_image_nobody_draws",
    value(
        _gap,
        Mistake(
            "This is the mean of the squared length, (x - m)' P (x - m). The logarithm of the "
            "density has one half of it.",
            _pixels,
        ),
        Mistake(
            "The spread of the gap from draw to draw is of this size. The gap itself is larger.",
            lambda given: math.sqrt(_pixels(given) / 2),
        ),
        Mistake("An image of this side has side * side pixels.", lambda given: given["side"] / 2),
        Mistake("The peak is the higher one: the gap is positive.", lambda given: -_gap(given)),
        Mistake(
            "No draw comes near the peak: each pixel contributes its share to the gap.",
            lambda given: 0.0,
        ),
        Mistake(
            "This is the entropy of unit normals. It holds the constant of the density, and in "
            "a difference of two logarithms that cancels.",
            lambda given: _pixels(given) * math.log(2 * math.pi * math.e) / 2,
        ),
        rtol=5e-3,
    ),
    {
        "side": (32, 24, 28, 20),
        "noise_std": (0.5, 0.4, 0.7),
        "length": (4.0, 3.0, 2.5),
        "radius": (7, 5, 6),
    },
)


def _dots(odds: float) -> GaussianMixture:
    """Two points at -1 and 1, whose weights are as 1 to exp(odds)."""
    weights = torch.softmax(torch.tensor([0.0, odds], dtype=torch.float64), 0)
    return GaussianMixture(weights, torch.tensor([[-1.0], [1.0]], dtype=torch.float64), 1e-12)


def _dots_case(rng: torch.Generator) -> tuple[Tensor, float, float, float]:
    sigma, noise_std = between(rng, 0.6, 1.4), between(rng, 0.7, 1.6)
    return 1.2 * normals(rng, 7), between(rng, -1.5, 1.5), sigma, noise_std


def _after(x: Tensor, y: float, sigma: float, n: float) -> Tensor:
    return _dots(2 * y / n**2).score(x[:, None], sigma)[:, 0]


def _pull(x: Tensor, y: float, sigma: float, n: float) -> Tensor:
    """Score of the posterior in noise minus that of the prior in noise."""
    return _after(x, y, sigma, n) - _after(x, 0.0, sigma, n)


def _through_denoiser(x: Tensor, y: float, sigma: float, n: float) -> Tensor:
    clean = x + sigma**2 * _after(x, 0.0, sigma, n)
    return (1 - clean**2) / sigma**2 * (y - clean) / n**2


the_pull_of_the_data = Exercise(
    "the_pull_of_the_data",
    function(
        _dots_case,
        _pull,
        Mistake(
            "This is the score of the whole posterior in noise. The pull of the data is what it "
            "has more than the prior in noise.",
            _after,
        ),
        Mistake(
            "This takes the noisy x for the clean pixel. The clean one is -1 or 1.",
            lambda x, y, sigma, n: (y - x) / n**2,
        ),
        Mistake(
            "This is the widened rule, as if the clean pixel could lie anywhere around x. It can "
            "only be -1 or 1: sum over the two.",
            lambda x, y, sigma, n: (y - x) / (n**2 + sigma**2),
        ),
        Mistake(
            "This is the rule through the denoiser: the likelihood of the mean. Wanted is the "
            "mean of the likelihood.",
            _through_denoiser,
        ),
        Mistake(
            "Chain rule: x stands in the tanh as x / sigma^2. The factor 1 / sigma^2 is missing.",
            lambda x, y, sigma, n: sigma**2 * _pull(x, y, sigma, n),
        ),
        Mistake(
            "A factor of two inside: with odds r the mean of -1 and 1 is (r - 1) / (r + 1), the "
            "tanh of *half* the logarithm of r.",
            lambda x, y, sigma, n: _pull(2 * x, 2 * y, sigma, n),
        ),
        Mistake(
            "Variances stand in the exponents, sigma^2 and noise_std^2, not standard deviations.",
            lambda x, y, sigma, n: _pull(x, y, sigma**0.5, n**0.5),
        ),
    ),
)


def _coils_case(rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    y, coils = torch.complex(normals(rng, 2, 3, 6, 5), normals(rng, 2, 3, 6, 5))
    rows = torch.tensor([True, False, True, True, False, True])
    return y, coils, rows[:, None].expand(6, 5).clone()


def _scan_slope(y: Tensor, coils: Tensor, mask: Tensor) -> Tensor:
    """Gradient of Re <A x, y> in a real x, which is A' y."""
    x = torch.zeros(mask.shape, dtype=torch.float64, requires_grad=True)
    data = mask * torch.fft.fft2(coils * x, norm="ortho")
    return torch.autograd.grad((data.conj() * y).real.sum(), x)[0]


def _pictures(y: Tensor, coils: Tensor, mask: Tensor) -> Tensor:
    return coils.conj() * torch.fft.ifft2(mask * y, norm="ortho")


_ROOT = "A root of a sum of squares is a picture, but not linear in y, and so no adjoint."

the_adjoint_of_coils = Exercise(
    "the_adjoint_of_coils",
    function(
        _coils_case,
        _scan_slope,
        Mistake(
            "The mask is missing: the adjoint does not look where A did not measure.",
            lambda y, coils, mask: _scan_slope(y, coils, torch.ones_like(mask)),
        ),
        Mistake(
            "The adjoint of a multiplication by c is the multiplication by its conjugate.",
            lambda y, coils, mask: _scan_slope(y, coils.conj(), mask),
        ),
        Mistake(
            "The image is real. Then A' y is the real part of what you have.",
            lambda *case: _pictures(*case).sum(0),
        ),
        Mistake(
            "The adjoint of a sum over copies is a sum, and you take the mean over the coils.",
            lambda *case: _scan_slope(*case) / len(case[0]),
        ),
        Mistake(
            "You transform forwards twice. The adjoint of the unitary transform is its inverse.",
            lambda y, coils, mask: (coils.conj() * torch.fft.fft2(mask * y, norm="ortho")).real.sum(
                0
            ),
        ),
        Mistake(
            "The transform is unitary, norm='ortho'; yours divides by the number of pixels.",
            lambda *case: _scan_slope(*case) / case[2].numel() ** 0.5,
        ),
        Mistake(
            _ROOT,
            lambda *case: _pictures(*case).abs().square().sum(0).sqrt(),
        ),
        Mistake(
            _ROOT,
            lambda y, coils, mask: _pictures(y, torch.ones_like(coils), mask).norm(dim=0),
        ),
        Mistake(
            "Divided by the sum of the squared sensitivities this is an estimate of the image, "
            "a combination of coils. The adjoint does not divide.",
            lambda y, coils, mask: _scan_slope(y, coils, mask) / coils.abs().square().sum(0),
        ),
    ),
)


def _pairs(rng: torch.Generator) -> Trial:
    """Pixels that are dark or bright, with their measurements, and new measurements."""
    noise = between(rng, 0.7, 0.9)
    weights, means = torch.tensor([0.3, 0.7]), torch.tensor([[-1.0], [1.0]])
    p = GaussianMixture(weights.double(), means.double(), 0.05)
    x, at = p.sample(3000, rng), p.sample(200, rng) + noise * normals(rng, 200, 1)
    y = x + noise * normals(rng, 3000, 1)
    point = at.clone().requires_grad_()
    score = p.score(point, noise)
    (slope,) = torch.autograd.grad(score.sum(), point)
    mean, variance = (at + noise**2 * score).detach(), noise**2 * (1 + noise**2 * slope)

    def both(bar: Tensor) -> Tensor:
        return torch.stack([mean, bar])[..., 0]

    exact = both(variance.sqrt())
    slips = [
        ("The bars are variances. An error bar is their root.", both(variance)),
        (
            "The bars are roots of the mean square of x. The square of the mean is not subtracted.",
            both((variance + mean**2).sqrt()),
        ),
        (
            "All bars are alike. That is the error over all data; wanted is the error behind each "
            "measurement.",
            both(variance.mean().sqrt().expand_as(mean)),
        ),
        (
            "The bars are the noise of the camera. Wanted is what it leaves open about x.",
            both(torch.full_like(mean, noise)),
        ),
        ("Both answers are zero: nothing was learned.", torch.zeros_like(exact)),
    ]
    scale = exact.square().mean(1, keepdim=True).sqrt()
    return Trial((x, y, at, rng), exact, slips, scale)


error_bars_learned = Exercise("error_bars_learned", trained(_pairs, within=0.25))


def _rank_complaint(places: Tensor) -> str | None:
    """What the ranks of 19 samples look like."""
    if uniformity(places, 19) > 1e-9:
        return None
    low, high = (float((side < 5).double().mean()) for side in (places, 19 - places))
    if abs(low - high) > 0.05:
        return "Caught: the histogram of the ranks has a slope. Your samples are biased."
    if low + high > 0.5:
        return "Caught: the ranks pile up at both ends. Your samples lie too close together."
    return "Caught: the ranks pile up in the middle. Your samples lie too far apart."


def _fools_ranks(answer: Callable[..., Any], rng: torch.Generator, given: Given) -> str | None:
    """Whether a sampler has flat ranks although its samples are far from the truth."""
    del given
    mean, std = between(rng, -1.0, 1.0), between(rng, 0.8, 1.2)
    n = std * between(rng, 0.6, 1.0)
    truth = mean + std * normals(rng, 20_000)
    y = truth + n * normals(rng, 20_000)
    (x,) = parts(ask(answer, y, mean, std, n, 19, rng))
    x = x.squeeze().T if x.squeeze().shape == (len(y), 19) else x.squeeze()
    if x.shape != (19, len(y)):
        return f"19 samples for each of {len(y)} data are wanted, and yours have {tuple(x.shape)}."
    if not bool(torch.isfinite(x).all()):
        return "Your samples hold values that are not finite (nan or inf)."
    if float(x.std(dim=1).max()) < 1e-6:
        return "The same 19 numbers for all data: each datum needs draws of its own."
    if complaint := _rank_complaint(ranks(x, truth)):
        return complaint
    honest = 2 * std**2 * n**2 / (std**2 + n**2)
    if float((x - truth).square().mean()) < 1.3 * honest:
        return "Flat ranks, and nothing to be ashamed of: your samples are as close as honest ones."
    return None


passes_the_rank_test = Exercise("passes_the_rank_test", _fools_ranks)


def _warped_case(rng: torch.Generator) -> tuple[Score, Tensor, float, Tensor, Tensor]:
    hills = GaussianMixture(torch.ones(2).double() / 2, 2 * normals(rng, 2, 3), 0.8)
    root = 0.6 * normals(rng, 3, 3).tril(-1) + torch.diag(1 + normals(rng, 3) ** 2)
    return hills.score, normals(rng, 5, 3), between(rng, 0.05, 0.3), root, normals(rng, 5, 3)


def _warped(score: Score, x: Tensor, step: float, root: Tensor, noise: Tensor) -> Tensor:
    """A plain step in the coordinates u of x = root u."""
    u = torch.linalg.solve_triangular(root, x.T, upper=False).T
    return (u + step * score(x) @ root + math.sqrt(2 * step) * noise) @ root.T


def _strange(drift: Callable[..., Tensor], stir: Callable[..., Tensor]) -> Score:
    """A step with another matrix at the score, and another at the noise."""

    def step_by(score: Score, x: Tensor, step: float, root: Tensor, noise: Tensor) -> Tensor:
        return x + step * score(x) @ drift(root) + math.sqrt(2 * step) * noise @ stir(root)

    return step_by


def _white(root: Tensor) -> Tensor:
    return torch.eye(len(root), dtype=root.dtype)


def _cov(root: Tensor) -> Tensor:
    return root @ root.T


a_warped_walk = Exercise(
    "a_warped_walk",
    function(
        _warped_case,
        _warped,
        Mistake("This is the plain step; R appears nowhere.", _strange(_white, _white)),
        Mistake("The noise is still white: z must be multiplied too.", _strange(_cov, _white)),
        Mistake("The noise has the covariance M, so z is multiplied by R.", _strange(_cov, _cov)),
        Mistake("The score is still multiplied by nothing.", _strange(_white, torch.t)),
        Mistake("Noise R z needs the drift R R' s, and you have R s.", _strange(torch.t, torch.t)),
        Mistake(
            "In rows, R z is `noise @ root.T`, and you have `noise @ root`. Its covariance is R'R.",
            _strange(_cov, lambda root: root),
        ),
        Mistake(
            "Consistent, but with M = R'R. In rows, R z is `noise @ root.T`, and M = R R'.",
            _strange(lambda root: root.T @ root, lambda root: root),
        ),
        Mistake(
            "The noise is sqrt(2 step), not sqrt(step): temperature one half.",
            _strange(_cov, lambda root: root.T / math.sqrt(2)),
        ),
    ),
)


SPREADS = {
    1 / 12: "These are still the values of the code as found.",
    1 / 3: "Numbers between -1 and 1 have the variance 1/3. Unit variance is wanted.",
    1 / 2: "Noise of sqrt(step) is temperature one half. Langevin wants sqrt(2 step).",
    12.0: "The variance of rand is 1/12, so its standard deviation is one over the root of 12.",
}
"""What to say to a variance that is this many times the right one."""

NO_ROOT = "Noise of step * z is far too weak. Langevin wants sqrt(2 step) * z."


def _walk_complaint(ends: Tensor, pace: float, std: float, num_steps: int) -> str | None:
    """Compare with the law of a walk that starts in the mean 0, ``pace`` is step / variance."""
    kept = (1 - pace) ** num_steps
    law = std**2 * (1 - kept**2) / (1 - pace / 2)
    if float(ends.std()) < 1e-3 * std:
        return "All chains end in the same place. Each chain needs noise of its own."
    error = 6 * math.sqrt(max(law, float(ends.var())) / len(ends))
    if abs(float(ends.mean()) - std * (1 - kept) / math.sqrt(2 * pace)) < error:
        return "The mean of rand is 1/2, and it adds up: the chain drifts to v / sqrt(2 step)."
    if abs(float(ends.mean())) > error:
        return f"The chains settle around {float(ends.mean()):.2f} and not around the mean, 0."
    times = float(ends.var()) / law
    if abs(times - 1) < 0.06:
        return None
    for ratio, hint in {**SPREADS, pace * std**2 / 2: NO_ROOT}.items():
        if abs(times / ratio - 1) < 0.06:
            return hint
    return f"The variance of the chains is {times:.3g} times what it should be."


def _settles(answer: Callable[..., Any], rng: torch.Generator, given: Given) -> str | None:
    """Whether many Langevin chains in a normal density have the law that they must have."""
    del given
    std, pace, num_steps = between(rng, 0.5, 1.2), between(rng, 0.04, 0.06), 50
    target = Gaussian(torch.zeros(1, dtype=torch.float64), std**2)
    x = torch.zeros(20_000, 1, dtype=torch.float64)
    (ends,) = parts(ask(answer, target.score, x, pace * std**2, num_steps, rng))
    if ends.squeeze().shape != (len(x),):
        return f"Your function returns the shape {tuple(ends.shape)}, and x has {tuple(x.shape)}."
    if not bool(torch.isfinite(ends).all()):
        return "Your chains hold values that are not finite (nan or inf)."
    return _walk_complaint(ends.flatten(), pace, std, num_steps)


the_noise_of_the_walk = Exercise("the_noise_of_the_walk", _settles)


def _counts_case(rng: torch.Generator) -> tuple[GaussianMixture, Tensor, float, float, float]:
    black, white = between(rng, 10, 90), between(rng, 600, 1100)
    pixels = GaussianMixture(torch.ones(3).double() / 3, uniforms(rng, 3, 2), 0.05)
    x = black + (white - black) * uniforms(rng, 5, 2)
    return pixels, x, between(rng, 40, 200), black, white


def _in_counts(
    unit: GaussianMixture, x: Tensor, sigma: float, black: float, white: float
) -> Tensor:
    """The score of the density whose hills lie where the camera sees them."""
    span = white - black
    seen = GaussianMixture(unit.weights, black + span * unit.means, span**2 * unit.covs)
    return seen.score(x, sigma)


def _askew(*, level: float = 1, slope: float = 1, offset: float = 1) -> Callable[..., Tensor]:
    """Powers of the span at the level and in front, and how much of black is subtracted."""

    def counts(p: GaussianMixture, x: Tensor, sigma: float, black: float, white: float) -> Tensor:
        span = white - black
        return p.score((x - offset * black) / span, sigma / span**level) / span**slope

    return counts


the_unit_of_sigma = Exercise(
    "the_unit_of_sigma",
    function(
        _counts_case,
        _in_counts,
        Mistake("These are still the values of the code as found.", _askew(level=0, slope=0)),
        Mistake(
            "The level is right now, and it looks worse: there is a second mistake, which hid "
            "the first. A score is a derivative with respect to x in counts.",
            _askew(slope=0),
        ),
        Mistake(
            "The factor in front is right. But sigma is in counts, and the model was trained "
            "with levels in units of the range.",
            _askew(level=0),
        ),
        Mistake("Chain rule: divide by the span, do not multiply.", _askew(slope=-1)),
        Mistake("The span stands in front once: you took a first derivative.", _askew(slope=2)),
        Mistake("A level is a distance: sigma / span, not its square.", _askew(level=2)),
        Mistake("The black level is lost: the model knows 0 as black.", _askew(offset=0)),
        shown=lambda p, *rest: (p.score, *rest),
    ),
)
