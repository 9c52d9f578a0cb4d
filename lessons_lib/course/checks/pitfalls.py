"""Lab 7: numbers that flatter, scores that pass their tests, and walks in circles."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lessons_lib import metrics
from lessons_lib.course.checks.answers import StudentError, array, ask
from lessons_lib.course.checks.cases import DOUBLE, between, normals, uniforms
from lessons_lib.course.checks.exercise import Exercise
from lessons_lib.course.checks.judges import Given, Mistake, function, value
from lessons_lib.course.checks.trained import Trial, straight, trained
from lessons_lib.distributions import GaussianField, GaussianMixture, matern_spectrum
from lessons_lib.patches import Patches
from lessons_lib.priors import AveragedPrior, TilingPrior


def _clipped() -> Tensor:
    """Mean square and mean of what clipping at zero leaves of unit noise, by quadrature."""
    z = torch.linspace(-9, 9, 8001, dtype=torch.float64)
    mass, kept = torch.softmax(-(z**2) / 2, dim=0), z.clamp(min=0)
    return torch.stack([mass @ kept**2, mass @ kept])


def _decibels(given: Given, kept: Tensor | float | None = None) -> Tensor:
    """What clipping gains if black pixels keep the share ``kept`` of their squared error."""
    kept = _clipped()[0] if kept is None else kept
    return -10 * torch.log10(torch.as_tensor(1 - given["black"] * (1 - kept)))


clipping_gains = Exercise(
    "clipping_gains",
    value(
        _decibels,
        Mistake(
            "Something does change: half of the black pixels came out negative, which is further "
            "from the truth than the zero that they are clipped to.",
            lambda given: 0.0,
        ),
        Mistake(
            "The other way: clipping brings values nearer to the truth, so the PSNR rises.",
            lambda given: -_decibels(given),
        ),
        Mistake(
            "That much would a picture gain that is black everywhere. The other pixels keep their "
            "error.",
            lambda given: _decibels({**given, "black": 1.0}),
        ),
        Mistake(
            "You averaged decibels. Average the squared errors of all pixels first, and take the "
            "logarithm once.",
            lambda given: given["black"] * _decibels({**given, "black": 1.0}),
        ),
        Mistake(
            "PSNR is 10 log10 of a ratio of mean squares. With 20 the ratio would be one of roots.",
            lambda given: 2 * _decibels(given),
        ),
        Mistake(
            "You used the variance of the clipped noise. It has a mean, too, and the PSNR counts "
            "it: take the mean of the square.",
            lambda given: _decibels(given, _clipped()[0] - _clipped()[1] ** 2),
        ),
        Mistake(
            "A black pixel does not lose all of its error: where the noise is positive it stays.",
            lambda given: _decibels(given, 0.0),
        ),
        Mistake(
            "This is the ratio of the mean squared errors. Ten times its logarithm is in decibels.",
            lambda given: 10 ** (_decibels(given) / 10),
        ),
        rtol=1e-2,
    ),
    {"black": (0.8, 0.6, 0.7, 0.9), "noise_std": (0.1, 0.05, 0.08)},
)


def _step_case(rng: torch.Generator) -> tuple[float, float, float]:
    sigma, share = between(rng, 0.1, 1.1), between(rng, 0.2, 0.9)
    slope = between(rng, 0.3, 2.5) * (1 if between(rng, 0, 1) > 0.3 else -1)
    return sigma, slope, share / (slope * sigma) ** 2


def _after_step(sigma: float, slope: float, power: float) -> float:
    """One step with the score ``-q x`` of one normal pixel that has this slope and power."""
    q = power * slope
    pixel = GaussianField(torch.full((1, 1), 1 / (q * slope) - sigma**2, dtype=torch.float64))
    return pixel.denoising_error(sigma, torch.full((1, 1), 1 - sigma**2 * q, dtype=torch.float64))


error_after_one_step = Exercise(
    "error_after_one_step",
    function(
        _step_case,
        _after_step,
        Mistake(
            "This is how much the error changes. Add the error before the step, sigma^2.",
            lambda sigma, c, power: _after_step(sigma, c, power) - sigma**2,
        ),
        Mistake(
            "The inner product of noise and step enters twice: |a + b|^2 = |a|^2 + 2 a.b + |b|^2.",
            lambda sigma, c, power: _after_step(sigma, c, power) + sigma**4 * power * c,
        ),
        Mistake(
            "The sign of the inner product: a score points against the noise, and the slope is "
            "positive when it does.",
            lambda sigma, c, power: _after_step(sigma, -c, power),
        ),
        Mistake(
            "The step is sigma^2 s, so its square has sigma^4.",
            lambda sigma, c, power: sigma**2 + (_after_step(sigma, c, power) - sigma**2) / sigma**2,
        ),
        Mistake(
            "This is the error after a step with slope times s, the best multiple. Here the step "
            "is taken with s itself.",
            lambda sigma, c, power: _after_step(sigma, 1.0, c**2 * power),
        ),
    ),
)


def _swirl_case(rng: torch.Generator) -> tuple[float, float]:
    turn = between(rng, 0.4, 3.0)
    return between(rng, 0.3, 1.6) / (1 + turn**2), turn


def _settled(step: float, turn: float) -> Tensor:
    """Variance of a coordinate that one step leaves as it is: a linear equation in the matrix."""
    eye = torch.eye(2, dtype=torch.float64)
    quarter = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
    move = eye + step * (turn * quarter - eye)
    rest = torch.eye(4, dtype=torch.float64) - torch.kron(move, move)
    return torch.linalg.solve(rest, 2 * step * eye.flatten())[0]


variance_of_a_swirl = Exercise(
    "variance_of_a_swirl",
    function(
        _swirl_case,
        _settled,
        Mistake(
            "This is the limit of small steps. A step of finite size changes the variance.",
            lambda step, turn: 1.0,
        ),
        Mistake(
            "This is the walk without the turn. Each step also moves at a right angle, and so "
            "outwards.",
            lambda step, turn: _settled(step, 0.0),
        ),
        Mistake(
            "The turn enters by its square: the part of a step across x has the length step times "
            "turn times |x|, and Pythagoras adds squares.",
            lambda step, turn: _settled(step, turn**0.5),
        ),
        Mistake(
            "Each step turns by a right angle, whose square adds to |x|^2; you subtracted it.",
            lambda step, turn: 1 / (2 / _settled(step, 0.0) - 1 / _settled(step, turn)),
        ),
        Mistake(
            "This is the standard deviation, not the variance.", lambda *c: _settled(*c).sqrt()
        ),
        Mistake("This is the sum over both coordinates, not one.", lambda *c: 2 * _settled(*c)),
        Mistake(
            "The noise of a step has the variance 2 step, not step.", lambda *c: _settled(*c) / 2
        ),
    ),
)


def _clock_case(rng: torch.Generator) -> tuple[GaussianField, Tensor]:
    spectrum = matern_spectrum((24, 24), length=between(rng, 1.5, 3.0), order=2)
    field = GaussianField(spectrum.double() * between(rng, 0.5, 2.0))
    y = field.sample(6, rng)
    sigma = between(rng, 0.3, 1.2) ** 2
    return field, y + sigma * torch.randn(y.shape, generator=rng, dtype=y.dtype)


def _clock(field: GaussianField, y: Tensor) -> float:
    """The level, from the power of each frequency and a root finder."""
    from scipy.optimize import brentq

    power = torch.fft.fft2(y, norm="ortho").abs().square().mean(0)
    return brentq(lambda v: float((power / (field.spectrum + v)).mean()) - 1, 0, 200) ** 0.5


def _median_of_details(field: GaussianField, y: Tensor) -> Tensor:
    rows = y[:, ::2] - y[:, 1::2]
    return ((rows[..., ::2] - rows[..., 1::2]) / 2).abs().median() / 0.6745


_END = (
    "Your search runs into an end of the range. The product falls as the level that is told grows, "
    "so a product above one means: go up. And is it a mean over the pixels, not a sum?"
)

noise_by_steins_clock = Exercise(
    "noise_by_steins_clock",
    function(
        _clock_case,
        _clock,
        Mistake(_END, lambda field, y: 10.0),
        Mistake(_END, lambda field, y: 0.01),
        Mistake(_END, lambda *case: 0.01 if _clock(*case) > 0.1**0.5 else 10.0),
        Mistake("This is the variance of the noise, not its root.", lambda *c: _clock(*c) ** 2),
        Mistake("This is the spread of the noisy images.", lambda field, y: y.std()),
        Mistake(
            "This is the median of the details. It asks no score, and there is image in details.",
            _median_of_details,
        ),
        shown=lambda field, y: (field.score, y),
        rtol=5e-3,
    ),
)


LEAST_SWIRL = 1e-3  # of the slopes, by differences over 0.02


def _three_hills(rng: torch.Generator) -> Trial:
    """Three hills around the origin; points in crosses, from which slopes can be told."""
    turn = 2 * math.pi * (uniforms(rng) + torch.arange(3, **DOUBLE) / 3)
    means = 1.5 * torch.stack([turn.cos(), turn.sin()], 1)
    p, sigma, h = GaussianMixture(torch.ones(3, **DOUBLE) / 3, means, 0.1), 0.4, 0.01
    cross = h * torch.tensor([[1, 0], [-1, 0], [0, 1], [0, -1]], **DOUBLE)
    x0, middle = p.sample(2000, rng), p.sample(100, rng) + sigma * normals(rng, 100, 2)
    at = (middle[:, None] + cross).reshape(-1, 2)
    score = p.score(at, sigma)

    def swirl(got: Tensor) -> str | None:
        right, left, up, down = got.reshape(-1, 4, 2).unbind(1)
        across, along = (right - left) / (2 * h), (up - down) / (2 * h)
        size = (across.square() + along.square()).sum(-1).mean().sqrt()
        curl = (across[:, 1] - along[:, 0]).square().mean().sqrt()
        if curl <= LEAST_SWIRL * size:
            return None
        return (
            f"Your score swirls: its curl is {100 * curl / size:.1f} % of its slopes, so it is the "
            "gradient of nothing. Let the network return one number, the energy, and "
            "differentiate it."
        )

    slips = [
        (
            "This is minus the score: it is the gradient of the energy. The score is minus that "
            "(or the target has the wrong sign).",
            -score,
        ),
        ("This is sigma times the score: the target is -z / sigma.", sigma * score),
        (
            "Your network has learned nothing: it says zero. Does the gradient of the energy have "
            "a graph? torch.autograd.grad(..., create_graph=True) keeps it.",
            torch.zeros_like(score),
        ),
        (
            "A flat map, as that of one Gaussian: train longer, or with larger steps.",
            straight(at, score),
        ),
    ]
    return Trial((x0, sigma, at, rng), score, slips, veto=swirl)


a_score_without_a_swirl = Exercise("a_score_without_a_swirl", trained(_three_hills, within=0.35))

LEVELS = (0.1, 0.3, 1.0)


def _inspect(answer: Callable[..., Any], rng: torch.Generator, sigma: float) -> str | None:
    """Slope and unexplained noise on white images that are exactly white at each pixel."""
    x0, z = torch.randn(2, 100, 32, 32, generator=rng, dtype=torch.float64)
    x0 = x0 / x0.square().mean(0).sqrt()
    z = z - (x0 * z).mean(0) * x0
    z = z / z.square().mean(0).sqrt()
    s = _field(answer, x0 + sigma * z, sigma)
    if not bool((s != 0).any()):
        return "Noticed: a score that is zero everywhere explains no noise, and has no slope."
    slope = float(-(s * z).sum() / (sigma * s.square().sum()))
    if not abs(slope - 1) < 0.02:
        return f"Noticed: at sigma {sigma:g} the slope is {slope:.2f}."
    left = float((sigma * s + z).square().mean()) * (1 + sigma**2)
    if not left < 1.02:
        return (
            f"Noticed: at sigma {sigma:g} it leaves {left:.2f} times the least noise unexplained."
        )
    return None


def _field(answer: Callable[..., Any], x: Tensor, sigma: float) -> Tensor:
    s = array(ask(answer, x, sigma))
    if s.squeeze().shape != x.squeeze().shape:
        raise StudentError(
            f"Your score maps images of shape {tuple(x.shape)} to the shape {tuple(s.shape)}."
        )
    return s.reshape(x.shape)


def _sleeper(answer: Callable[..., Any], rng: torch.Generator, given: Given) -> str | None:
    """A score that passes the inspection, and with which an ascent explodes."""
    del given
    for sigma in LEVELS:
        if hint := _inspect(answer, rng, sigma):
            return hint
    x = torch.randn(8, 32, 32, generator=rng, dtype=torch.float64)
    for _ in range(60):
        x = x + 0.5 * _field(answer, x, 0.1)
        if not bool((x.abs() < 1e3).all()):
            return None
    return (
        "It passes the inspection, but nothing explodes: after sixty steps the largest pixel is "
        f"{float(x.abs().max()):.2g}. Averages over a thousand pixels forgive a single one."
    )


passes_the_inspection = Exercise("passes_the_inspection", _sleeper)


Starts = list[tuple[int, int]]
"""Row and column of the first tile, for some tilings."""


def _tiles_case(rng: torch.Generator) -> tuple[AveragedPrior, Tensor, float, int]:
    """The score of tiles of a random kind, an image, a noise level and the side of a tile."""
    p = int(torch.randint(2, 4, (), generator=rng))
    hills = GaussianMixture(torch.tensor([0.3, 0.7]).double(), 2 * normals(rng, 2, p * p), 0.5)
    x, sigma = 2 * normals(rng, 3 * p, 2 * p), between(rng, 0.2, 1.2)
    tiles = TilingPrior(hills.score, (3 * p, 2 * p), p, wrap=True).tiling((0, 0))
    return tiles, x, sigma, p


def _overlapping(tiles: AveragedPrior, x: Tensor, sigma: float, p: int) -> Tensor:
    """The mean over all patches of side ``p`` with the patch score of ``tiles``."""
    return AveragedPrior(tiles.patch_score, Patches((3 * p, 2 * p), p, wrap=True))(x, sigma)


def _every(p: int) -> Starts:
    """All starts of tiles with side ``p``."""
    return [divmod(k, p) for k in range(p * p)]


def _mean_over(starts: Callable[[int], Starts], *, moved: int = 0) -> Callable[..., Tensor]:
    """Return the mean over the tilings of ``starts``, each ``moved`` so often by its start."""

    def mean(tiles: AveragedPrior, x: Tensor, sigma: float, p: int) -> Tensor:
        tilings = TilingPrior(tiles.patch_score, (3 * p, 2 * p), p, wrap=True)
        images = [
            tilings.tiling((i, j))(x, sigma).roll((moved * i, moved * j), (0, 1))
            for i, j in starts(p)
        ]
        return torch.stack(images).mean(0)

    return mean


_STAYS = "Shift the result back before you average: each term must lie where the image lies."
_TWICE = "You shift twice in the same direction. The second shift must undo the first."

seams_removed = Exercise(
    "seams_removed",
    function(
        _tiles_case,
        _overlapping,
        Mistake(
            "These are the tiles as they came, with their seams.", _mean_over(lambda p: [(0, 0)])
        ),
        Mistake(_STAYS, _mean_over(_every, moved=-1)),
        Mistake(_STAYS, _mean_over(lambda p: [(-i, -j) for i, j in _every(p)], moved=-1)),
        Mistake(_TWICE, _mean_over(_every, moved=-2)),
        Mistake(_TWICE, _mean_over(lambda p: [(-i, -j) for i, j in _every(p)], moved=-2)),
        Mistake(
            "You add the shifts up. Divide by their number, or every pixel counts p^2 times.",
            lambda *case: _overlapping(*case) * case[-1] ** 2,
        ),
        Mistake("There are p^2 shifts, not p.", lambda *case: _overlapping(*case) * case[-1]),
        Mistake(
            "These are shifts along the diagonal only. Rows and columns shift independently.",
            _mean_over(lambda p: [(i, i) for i in range(p)]),
        ),
        Mistake("You shift rows only.", _mean_over(lambda p: [(i, 0) for i in range(p)])),
        Mistake(
            "The shift by 0 is missing, in both directions: count from 0 to p - 1.",
            _mean_over(lambda p: [(i, j) for i in range(1, p) for j in range(1, p)]),
        ),
    ),
)


def _entry_case(rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    noise, rest = torch.randn(2, 3, 12, 16, generator=rng, dtype=torch.float64)
    clean = between(rng, 0.3, 0.9) * torch.rand(12, 16, generator=rng, dtype=torch.float64)
    clean = clean * torch.tensor([0.3, 0.7, 1.0]).double()[:, None, None]
    denoised = clean + between(rng, 0.02, 0.2) * rest
    denoised[0, 3, 3] = 5.0
    return clean + 0.1 * noise, denoised, clean


def _gain(noisy: Tensor, denoised: Tensor, clean: Tensor) -> Tensor:
    before, after = (metrics.psnr(x, clean, data_range=1.0) for x in (noisy, denoised))
    return after - before


def _ruler(x: Tensor) -> Tensor:
    """Decibels that a range guessed from each picture adds."""
    return 20 * (x.amax((-2, -1)) - x.amin((-2, -1))).log10()


one_ruler = Exercise(
    "one_ruler",
    function(
        _entry_case,
        _gain,
        Mistake(
            "These are still the values of the code as found: two pictures, two rulers.",
            lambda noisy, x, clean: _gain(noisy, x, clean) + _ruler(x) - _ruler(noisy),
        ),
        Mistake(
            "The peak instead of the range is still read off each picture: two rulers.",
            lambda noisy, x, clean: (
                _gain(noisy, x, clean) + 20 * (x.amax((-2, -1)) / noisy.amax((-2, -1))).log10()
            ),
        ),
        Mistake("A gain is the PSNR after minus the PSNR before.", lambda *case: -_gain(*case)),
        Mistake(
            "This is the PSNR of the denoised picture, not its gain over the noisy one.",
            lambda noisy, x, clean: metrics.psnr(x, clean, data_range=1.0),
        ),
        Mistake(
            "Mean squares need 10 log10; 20 belongs to their roots.", lambda *case: 2 * _gain(*case)
        ),
    ),
)
