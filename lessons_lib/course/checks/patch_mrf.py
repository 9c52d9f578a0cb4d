"""Lab 5: what happens when patches overlap."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lessons_lib.course.checks.answers import array, ask
from lessons_lib.course.checks.cases import DOUBLE, SinhGaussian, normals, uniforms
from lessons_lib.course.checks.exercise import Exercise
from lessons_lib.course.checks.judges import Given, Mistake, function, value
from lessons_lib.course.checks.trained import Trial, trained
from lessons_lib.distributions import GaussianField, GaussianMixture, matern_spectrum
from lessons_lib.patches import Patches
from lessons_lib.priors import AveragedPrior, PatchPrior, frequency_response

Score = Callable[..., Any]
SIDE = 12


def _curvature(p: int, variance: float, sigma: float) -> float:
    """What the sum of the patch scores of white noise multiplies an image by, but for the sign."""
    white = GaussianField(torch.full((SIDE, SIDE), variance, **DOUBLE))
    prior = PatchPrior(white.patch_marginal(p).score, Patches((SIDE, SIDE), p, wrap=True))
    return float(frequency_response(prior, (SIDE, SIDE), sigma).real[0, 0])


def _stepped(given: Given, *, p: int | None = None, sigma: float | None = None) -> float:
    size, std = given["p"] if p is None else p, given["noise_std"]
    return 1 - std**2 * _curvature(size, 1.0, std if sigma is None else sigma)


def _one_side(given: Given) -> float:
    return 1 - given["p"] * (1 - _stepped(given, p=1))


one_step_of_the_sum = Exercise(
    "one_step_of_the_sum",
    value(
        _stepped,
        Mistake(
            "This is what the MAP does, the end of a long climb. The question is what one step of "
            "Tweedie's formula does.",
            lambda given: 1 / (1 + given["noise_std"] ** 2 * _curvature(given["p"], 1.0, 0.0)),
        ),
        Mistake(
            "Each pixel lies in several patches, and each of them adds its score. You have "
            "counted one.",
            lambda given: _stepped(given, p=1),
        ),
        Mistake(
            "You took the score of clean patches. Tweedie's formula wants that of noisy ones, "
            "whose variance is larger.",
            lambda given: _stepped(given, sigma=0.0),
        ),
        Mistake("In how many p x p patches does a pixel lie? Not in p.", _one_side),
        Mistake(
            "Right but for its sign, and the sign is the point: does the image keep it?",
            lambda given: -_stepped(given),
        ),
        rtol=2e-3,
        atol=6e-3,
    ),
    {"p": (3, 2, 4, 5), "noise_std": (1.0, 0.6, 2.0)},
)


def _harm_case(rng: torch.Generator) -> tuple[float, int]:
    variance = 0.3 + 3 * float(uniforms(rng))
    return variance, int(torch.randint(2, 6, (), generator=rng))


def _harm_by_bisection(variance: float, p: int) -> float:
    """The noise variance at which the peak with the plain sum is as wrong as the noisy image."""
    white = GaussianField(torch.full((SIDE, SIDE), variance, **DOUBLE))
    curvature = _curvature(p, variance, 0.0)
    low, high = 0.0, variance
    for _ in range(45):
        noise = (low + high) / 2
        shrink = torch.full((SIDE, SIDE), 1 / (1 + noise * curvature), **DOUBLE)
        harmful = white.denoising_error(noise**0.5, shrink) > noise
        low, high = (noise, high) if harmful else (low, noise)
    return (low + high) / 2


harmful_below = Exercise(
    "harmful_below",
    function(
        _harm_case,
        _harm_by_bisection,
        Mistake(
            "This is the standard deviation of the noise. Its variance is wanted.",
            lambda variance, p: _harm_by_bisection(variance, p) ** 0.5,
        ),
        Mistake(
            "This is the answer for pixels of variance one. What has the same units as the "
            "variance of the noise?",
            lambda variance, p: _harm_by_bisection(1.0, p),
        ),
        Mistake(
            "The ratio stands upside down: the result should stay below the variance of the image.",
            lambda variance, p: variance**2 / _harm_by_bisection(variance, p),
        ),
        Mistake(
            "A pixel lies in p^2 patches, not in p.",
            lambda variance, p: variance * (1 - 2 / p),
        ),
        Mistake(
            "Nearly. If an image is multiplied by d, the variance of its noise is multiplied by "
            "d^2, not by d.",
            lambda variance, p: variance * (1 - 1 / p**2),
        ),
        num_cases=4,
    ),
)


def _chain(rho: float | Tensor, size: int) -> SinhGaussian:
    """``size`` neighbours of a stationary chain; ``z`` remembers its last value by ``rho``."""
    place = torch.arange(size, **DOUBLE)
    return SinhGaussian(rho ** (place[:, None] - place).abs())


def _chain_case(rng: torch.Generator) -> tuple[float, Tensor, int]:
    p = int(torch.randint(2, 5, (), generator=rng))
    rho = 0.5 + 0.4 * float(uniforms(rng))
    x = normals(rng, 11).sinh()
    return rho, x, p


def _windows(rho: float, x: Tensor, p: int) -> tuple[Score, Score, Tensor, int]:
    return _chain(rho, p).score, _chain(rho, p - 1).score, x, p


def _whole_chain(rho: float, x: Tensor, p: int) -> Tensor:
    del p
    return _chain(rho, len(x)).score(x[None])[0]


def _tallied(sign: float, first: int, last: int, *, mean: bool = False) -> Score:
    """Add all long windows, and ``sign`` times the short ones but for some at both ends."""

    def wrong(rho: float, x: Tensor, p: int) -> Tensor:
        long, short, *_ = _windows(rho, x, p)
        many, few = (Patches((1, len(x)), (1, size)) for size in (p, p - 1))
        few = few.keep(slice(None), slice(first, few.positions[1] - last))
        total = many.adjoint(long(many(x[None])))
        total = total / many.multiplicity if mean else total
        return (total + sign * few.adjoint(short(few(x[None]))))[0]

    return wrong


counted_chain = Exercise(
    "counted_chain",
    function(
        _chain_case,
        _whole_chain,
        Mistake(
            "You subtract every short window. Those at the two ends lie in one long window only, "
            "and are no overlaps.",
            _tallied(-1, 0, 0),
        ),
        Mistake("Off by one: an overlap is missing at the end.", _tallied(-1, 1, 2)),
        Mistake("Off by one: the last short window is no overlap.", _tallied(-1, 1, 0)),
        Mistake("Off by one: the first short window is no overlap.", _tallied(-1, 0, 1)),
        Mistake(
            "This is the plain sum of the long windows: inner values are counted several times.",
            _tallied(0, 1, 1),
        ),
        Mistake(
            "This is the average of the long windows. It counts each value once, but not each "
            "dependence: subtract the overlaps instead.",
            _tallied(0, 1, 1, mean=True),
        ),
        Mistake("The overlaps are added. They were counted too often already.", _tallied(1, 1, 1)),
        shown=_windows,
    ),
)


def _sum_of_patches(rng: torch.Generator) -> Trial:
    """Images of a Gaussian field; the best sum over 3x3 patches is a convolution with 5x5 taps."""
    length, sigma = 2.5 + uniforms(rng).item(), 0.4 + 0.2 * uniforms(rng).item()
    field = GaussianField(matern_spectrum((16, 16), length=length, order=1.0).double())
    x0 = field.sample(32, rng)
    y = field.sample(4, rng) + sigma * normals(rng, 4, 16, 16)
    cut = Patches((16, 16), 3, wrap=True)
    alone = -cut(y) @ torch.linalg.inv(field.patch_marginal(3).cov + sigma**2 * torch.eye(9))
    added, best = cut.adjoint(alone), _best_window(field.spectrum + sigma**2, y)
    slips = [
        (
            "This is the sum of scores that were trained on patches alone: it overcounts, since "
            "each pixel is in nine patches. Put the sum into the loss.",
            added,
        ),
        (
            "This is the average of scores that were trained on patches alone. It is a fair score, "
            "and not the best sum: put the sum into the loss.",
            added / 9,
        ),
        ("This is minus the score: the target is -z / sigma.", -best),
        ("Your network has learned nothing: it says zero.", torch.zeros_like(best)),
        ("This is sigma times the score: the target is -z / sigma.", sigma * best),
    ]
    return Trial((x0, sigma, y, rng), best, slips)


def _best_window(power: Tensor, y: Tensor, reach: int = 2) -> Tensor:
    """The best linear score of ``y`` among windows; ``power`` is the spectrum of noisy images."""
    side = len(power)
    f = 2 * math.pi * torch.arange(side, **DOUBLE) / side
    steps = range(-reach, reach + 1)
    waves = [torch.cos(a * f[:, None] + b * f[None, :]).flatten() for a in steps for b in steps]
    root = power.flatten().sqrt()[:, None]
    taps = torch.linalg.lstsq(root * torch.stack(waves, 1), -1 / root, driver="gelsd").solution
    response = (torch.stack(waves, 1) @ taps).reshape(power.shape)
    return torch.fft.ifft2(torch.fft.fft2(y) * response).real


trained_for_the_sum = Exercise("trained_for_the_sum", trained(_sum_of_patches, within=0.1))


def _unseen(answer: Score, rng: torch.Generator, given: Given) -> str | None:
    """Add up the answer over all 2 x 2 patches of random periodic images."""
    del given
    for shape in ((5, 6), (4, 7), (6, 6)):
        cover = Patches(shape, 2, wrap=True)
        v = cover(normals(rng, *shape))
        s = array(ask(answer, v))
        if s.shape != v.shape:
            return f"Patches have the shape {tuple(v.shape)}, and your scores {tuple(s.shape)}."
        if not bool(torch.isfinite(s).all()):
            return "Your function has values that are not finite."
        order = torch.randperm(len(v), generator=rng)
        if not torch.allclose(array(ask(answer, v[order])), s[order]):
            return "A patch score looks at one patch. Yours changes if the patches change places."
        if float((s - s.mean(0)).norm()) < 1e-3 * float(v.norm()):
            return (
                "This is the same for every patch, or nearly. Find one that depends on the patch."
            )
        seen = float(cover.adjoint(s).norm() / s.norm())
        if seen > 1e-6:
            return (
                f"Noticed: the sum over the patches is {seen:.2g} times as long as the patch "
                "scores. Follow one pixel: it is the first of one patch, the second of another, "
                "and what it gets in these places has to cancel."
            )
    return None


invisible_score = Exercise("invisible_score", _unseen)


def _weight_case(rng: torch.Generator) -> tuple[Score, Tensor, float]:
    """A sum or an average of mixtures' patch scores, and an image of 6 x 6."""
    means = torch.tensor([0.0, 1.0, 2.0], **DOUBLE)[:, None] + 0.3 * normals(rng, 3, 4)
    p = GaussianMixture(torch.ones(3, **DOUBLE) / 3, means, 0.05 + 0.1 * uniforms(rng, 3))
    kind = (PatchPrior, AveragedPrior)[int(torch.randint(2, (), generator=rng))]
    sigma = 0.3 + 0.3 * float(uniforms(rng))
    return kind(p.score, Patches((6, 6), 2)), 1 + normals(rng, 6, 6), sigma


def _jacobian(score: Score, y: Tensor, sigma: float) -> Tensor:
    slope = torch.autograd.functional.jacobian(lambda x: score(x, sigma), y)
    return slope.reshape(y.numel(), y.numel())


def _weight(
    score: Score, y: Tensor, sigma: float, *, level: float | None = None, whole: bool = False
) -> Tensor:
    """Stein's estimate of the weight, at another noise level or with the whole Jacobian."""
    level = sigma if level is None else level
    J = _jacobian(score, y, level)
    return -(J.sum() if whole else J.trace()) / score(y, level).square().sum()


weight_without_truth = Exercise(
    "weight_without_truth",
    function(
        _weight_case,
        _weight,
        Mistake(
            "The divergence takes how the score of a pixel changes with this pixel. You have "
            "summed the whole Jacobian.",
            lambda *case: _weight(*case, whole=True),
        ),
        Mistake(
            "Your score is that of clean images. The formula wants it at sigma.",
            lambda score, y, sigma: _weight(score, y, sigma, level=0.0),
        ),
        Mistake(
            "A factor sigma^2 too much: it stands in the numerator and in the denominator.",
            lambda score, y, sigma: sigma**2 * _weight(score, y, sigma),
        ),
        Mistake(
            "A factor sigma^2 is missing: it stands in the numerator and in the denominator.",
            lambda score, y, sigma: _weight(score, y, sigma) / sigma**2,
        ),
        Mistake(
            "Numerator and denominator are both sums over all pixels. One of yours is a mean.",
            lambda score, y, sigma: _weight(score, y, sigma) * y.numel(),
        ),
        rtol=5e-3,
    ),
)


def _overlap_case(rng: torch.Generator) -> tuple[Tensor, Tensor, tuple[int, int]]:
    shape = (int(torch.randint(5, 8, (), generator=rng)), 6)
    table = Patches(shape, 3).index
    return normals(rng, *table.shape), table, shape


def _averaged(
    v: Tensor, table: Tensor, shape: tuple[int, int], *, last: bool = False, count: str = "true"
) -> Tensor:
    """Gather what each pixel is told, as a matrix of zeros and ones would."""
    hits = torch.nn.functional.one_hot(table.flatten(), shape[0] * shape[1]).double()
    told = hits.sum(0)
    if last:  # of all that a pixel is told, only the last word
        hits = hits * (hits.flip(0).cumsum(0).flip(0) == 1)
    divisor = {"true": told, "none": 1.0, "n": table.shape[1], "L": len(table)}[count]
    return (v.flatten() @ hits / divisor).reshape(shape)


overwritten_overlaps = Exercise(
    "overwritten_overlaps",
    function(
        _overlap_case,
        _averaged,
        Mistake(
            "These are still the values of the code as found: of all patches that hold a pixel, "
            "only the last one is heard.",
            lambda *case: _averaged(*case, last=True, count="none"),
        ),
        Mistake(
            "The count is right now. The total still keeps only the last patch.",
            lambda *case: _averaged(*case, last=True),
        ),
        Mistake(
            "Overlapping patches are summed, not averaged: divide by how many there are.",
            lambda *case: _averaged(*case, count="none"),
        ),
        Mistake(
            "You divide by the pixels of a patch everywhere. Near the border a pixel lies in fewer "
            "patches, and gets too dark.",
            lambda *case: _averaged(*case, count="n"),
        ),
        Mistake(
            "You divide by the number of all patches. Only those that hold the pixel count.",
            lambda *case: _averaged(*case, count="L"),
        ),
    ),
)
