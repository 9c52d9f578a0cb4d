"""Likelihood, posterior, ascent and splitting against linear algebra on Gaussian fields."""

import itertools
import math

import pytest
import torch
from matrices import Matrix

from lessons_lib.distributions import GaussianField, matern_spectrum
from lessons_lib.operators import Identity, MaskedFourier, measure, random_lines
from lessons_lib.reconstruction import (
    GaussianLikelihood,
    half_quadratic,
    ladder,
    map_ascent,
    posterior_score,
)
from lessons_lib.samplers import last

torch.set_num_threads(1)

SHAPE, NOISE = (8, 6), 0.3
FIELD = GaussianField(matern_spectrum(SHAPE, length=2.0, order=2), mean=0.4)
WHITE = GaussianField(torch.full(SHAPE, 0.49, dtype=torch.float64), mean=0.4)
SMOOTHING = torch.randn(48, 48, dtype=torch.float64, generator=torch.Generator().manual_seed(9))


class Mixing(Matrix):
    """A full matrix on images, with many different eigenvalues and a null space."""

    def __init__(self):
        super().__init__(SMOOTHING[:30] / 10)
        self.in_shape = SHAPE

    def __call__(self, x):
        return x.flatten(-2) @ self.matrix.mT

    def adjoint(self, y):
        return (y @ self.matrix).unflatten(-1, SHAPE)


MEASUREMENTS = {
    "identity": Identity(SHAPE),
    "Fourier lines": MaskedFourier(random_lines(SHAPE, 4, centre=1)),
    "a matrix": Mixing(),
}
cases = pytest.mark.parametrize("name", MEASUREMENTS)


def g(seed):
    return torch.Generator().manual_seed(seed)


def dense(A):
    """Real matrix of an operator on images, real and imaginary data one below the other."""
    unit = torch.eye(48, dtype=torch.float64).unflatten(-1, SHAPE)
    columns = A(unit).flatten(1)
    parts = [columns.real, columns.imag] if columns.is_complex() else [columns]
    return torch.cat(parts, 1).mT


def stacked(y, A):
    y = y.flatten(y.ndim - len(A.out_shape))
    return torch.cat([y.real, y.imag], -1) if y.is_complex() else y


def scene(name, field=FIELD, num=2):
    A = MEASUREMENTS[name]
    x0 = field.sample(num, g(1))
    y = measure(A, x0, NOISE, generator=g(2))
    return A, x0, y, GaussianLikelihood(A, y, NOISE)


def smoothed_map(field, A, y, sigma):
    """Top of prior (smoothed by sigma) times likelihood: a dense linear solve."""
    M, eye = dense(A), torch.eye(48, dtype=torch.float64)
    precision = torch.linalg.inv(field.matrix + sigma**2 * eye)
    right = stacked(y, A) @ M / NOISE**2 + precision.sum(1) * field.mean
    return torch.linalg.solve(M.T @ M / NOISE**2 + precision, right.mT).mT.unflatten(-1, SHAPE)


@cases
def test_log_likelihood_is_the_normal_density(name):
    A, x0, y, likelihood = scene(name)
    residual = stacked(y, A) - x0.flatten(1) @ dense(A).mT
    normal = torch.distributions.Normal(*torch.tensor([0.0, NOISE], dtype=torch.float64))
    torch.testing.assert_close(likelihood.log_prob(x0), normal.log_prob(residual).sum(-1))


@cases
def test_likelihood_score_is_the_gradient(name):
    _, x0, _, likelihood = scene(name)
    x = x0.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(likelihood.log_prob(x).sum(), x)
    torch.testing.assert_close(likelihood.score(x0), gradient, rtol=0, atol=1e-11)


@cases
def test_widened_likelihood_is_that_of_the_noisy_truth(name):
    """``N(y; A x, noise_std^2 I + sigma^2 A A')``, dense, with one sigma for each image."""
    A, x0, y, likelihood = scene(name)
    sigma = torch.tensor([0.2, 1.5], dtype=torch.float64)
    score, M = likelihood.score(x0, sigma), dense(A)
    for k in range(2):
        wide = NOISE**2 * torch.eye(len(M), dtype=M.dtype) + sigma[k] ** 2 * M @ M.T
        pull = M.T @ torch.linalg.solve(wide, stacked(y[k], A) - M @ x0[k].flatten())
        torch.testing.assert_close(score[k].flatten(), pull, rtol=0, atol=1e-9)
        assert float(score[k].norm()) < float((likelihood.score(x0)[k]).norm())


def exact_posterior_score(field, A, y, x, sigma):
    """``grad log p(x | y)`` for x = x0 + sigma noise: the joint of x and y is normal."""
    M, eye = dense(A), torch.eye(48, dtype=torch.float64)
    C, flat = field.matrix, (x - field.mean).flatten()
    gain = torch.linalg.solve(C + sigma**2 * eye, C)  # x0 given x: mean + gain' (x - mean)
    left = C - C @ gain
    spread = NOISE**2 * torch.eye(len(M), dtype=M.dtype) + M @ left @ M.T
    mean = M @ (field.mean + gain.T @ flat)
    pull = gain @ M.T @ torch.linalg.solve(spread, stacked(y, A) - mean)
    return (pull - torch.linalg.solve(C + sigma**2 * eye, flat)).unflatten(-1, SHAPE)


@cases
def test_posterior_score_is_exact_without_smoothing(name):
    A, x0, y, _ = scene(name)
    x = x0[0] + 0.1
    for options in ({}, {"prior_std": 0.7}):
        s = posterior_score(FIELD.score, GaussianLikelihood(A, y[0], NOISE), **options)(x)
        wanted = exact_posterior_score(FIELD, A, y[0], x, 1e-9)
        torch.testing.assert_close(s, wanted, rtol=1e-6, atol=1e-6)


@cases
@pytest.mark.parametrize("sigma", [0.1, 0.7, 3.0])
def test_with_prior_std_the_posterior_score_is_exact_for_white_priors(name, sigma):
    A, x0, y, _ = scene(name, WHITE)
    x = x0[0] + sigma * torch.randn(SHAPE, dtype=torch.float64, generator=g(4))
    posterior = posterior_score(WHITE.score, GaussianLikelihood(A, y[0], NOISE), prior_std=0.7)
    wanted = exact_posterior_score(WHITE, A, y[0], x, sigma)
    torch.testing.assert_close(posterior(x, sigma), wanted, rtol=0, atol=1e-8)


@cases
def test_the_widened_form_is_exact_for_a_flat_prior_only(name):
    flat = GaussianField(torch.full(SHAPE, 1e8, dtype=torch.float64))
    for field, low, high in ((flat, 0.0, 1e-6), (WHITE, 0.05, 10.0), (FIELD, 0.05, 10.0)):
        A, x0, y, _ = scene(name, WHITE)
        x, sigma = x0[0], 0.7
        s = posterior_score(field.score, GaussianLikelihood(A, y[0], NOISE))(x, sigma)
        wanted = exact_posterior_score(field, A, y[0], x, sigma)
        assert low <= float((s - wanted).norm() / wanted.norm()) <= high


def test_the_widened_posterior_never_bends_more_than_twice_the_prior():
    """Its Jacobian is at most 2 / sigma^2, so one step ratio is stable at every level."""
    A, _, y, _ = scene("Fourier lines")
    posterior = posterior_score(FIELD.score, GaussianLikelihood(A, y[0], NOISE))
    unit = torch.eye(48, dtype=torch.float64).unflatten(-1, SHAPE)
    for sigma in (0.01, 0.1, 1.0):
        zero = posterior(torch.zeros(SHAPE, dtype=torch.float64), sigma)
        bend = (zero - posterior(unit, sigma)).flatten(1)
        assert float(torch.linalg.eigvalsh(bend)[-1]) <= 2 / sigma**2 * (1 + 1e-6)


@cases
@pytest.mark.parametrize("accelerate", [False, True])
def test_ascent_converges_to_the_linear_algebra_map(name, accelerate):
    A, _, y, likelihood = scene(name)
    start, sigma = torch.zeros(2, *SHAPE, dtype=torch.float64), 0.2
    options = {"sigma": sigma, "num_steps": 800 if accelerate else 6000, "accelerate": accelerate}
    x = last(map_ascent(FIELD.score, likelihood, start, **options))
    torch.testing.assert_close(x, smoothed_map(FIELD, A, y, sigma), rtol=0, atol=1e-8)


def test_ascent_without_smoothing_reaches_the_posterior_mean():
    _, _, y, likelihood = scene("identity")
    step = 1 / (1 / NOISE**2 + 1 / float(FIELD.spectrum.min()))
    start = torch.zeros(2, *SHAPE, dtype=torch.float64)
    options = {"step": step, "num_steps": 3000, "accelerate": True}
    x = last(map_ascent(FIELD.score, likelihood, start, **options))
    torch.testing.assert_close(x[1], FIELD.posterior(y[1], NOISE).mean, rtol=0, atol=1e-8)


def test_an_image_does_not_depend_on_its_neighbours_in_the_batch():
    A, _, y, likelihood = scene("Fourier lines")
    start = torch.zeros(2, *SHAPE, dtype=torch.float64)
    options = {"sigma": 0.2, "num_steps": 40, "accelerate": True}
    both = last(map_ascent(FIELD.score, likelihood, start, **options))
    one = last(map_ascent(FIELD.score, GaussianLikelihood(A, y[1], NOISE), start[1], **options))
    torch.testing.assert_close(both[1], one)


def test_ascent_climbs_and_can_be_stopped_anywhere():
    _, x0, _, likelihood = scene("identity")
    states = map_ascent(FIELD.score, likelihood, torch.zeros_like(x0), sigma=0.2, num_steps=100)
    heights = [FIELD.log_prob(x, 0.2) + likelihood.log_prob(x) for x in (next(states), *states)]
    assert all(bool((b >= a - 1e-9).all()) for a, b in itertools.pairwise(heights))
    states = map_ascent(FIELD.score, likelihood, torch.zeros_like(x0), sigma=0.2, num_steps=100)
    x = next(states)
    states.close()
    assert x.shape == x0.shape and bool(torch.isfinite(x).all()) and not x.requires_grad


def test_a_step_that_is_too_large_says_what_to_reduce():
    _, x0, _, likelihood = scene("identity")
    with pytest.raises(FloatingPointError, match=r"diverged at step \d+: reduce step, now 1\b"):
        last(map_ascent(FIELD.score, likelihood, x0, sigma=0.2, step=1.0, num_steps=500))


def test_default_step_is_the_inverse_of_the_curvature():
    """A prior that bends down by 1 / sigma^2 everywhere: one step from anywhere is the top."""
    sigma, A = 0.2, Identity(SHAPE)
    y = torch.randn(SHAPE, dtype=torch.float64, generator=g(5))
    states = map_ascent(
        lambda x, s: -x / s**2, GaussianLikelihood(A, y, NOISE), 7 * y, sigma=sigma, num_steps=1
    )
    wanted = y / NOISE**2 / (1 / NOISE**2 + 1 / sigma**2)
    torch.testing.assert_close(last(states), wanted, rtol=1e-9, atol=1e-9)


@cases
def test_each_level_of_the_ladder_is_denoising_and_a_dense_solve(name):
    A, x0, y, likelihood = scene(name)
    M, eye = dense(A), torch.eye(48, dtype=torch.float64)
    sigmas = ladder(NOISE, 5, start=2.0, stop=0.05)
    x = torch.zeros_like(x0)
    states = half_quadratic(FIELD.score, likelihood, x, sigmas)
    for sigma, state in zip(sigmas, states, strict=True):
        z = x + sigma**2 * FIELD.score(x, sigma)
        left = M.T @ M / NOISE**2 + eye / sigma**2
        right = stacked(y, A) @ M / NOISE**2 + z.flatten(1) / sigma**2
        x = torch.linalg.solve(left, right.mT).mT.unflatten(-1, SHAPE)
        torch.testing.assert_close(state, x, rtol=0, atol=1e-8)


def test_many_rounds_at_a_small_level_reach_the_map():
    """The fixed point: 0 = s(x, sigma) + likelihood at the denoised point, so x -> MAP."""
    A, _, y, likelihood = scene("Fourier lines")
    start = torch.zeros(2, *SHAPE, dtype=torch.float64)
    sigmas = torch.full((1500,), 0.03, dtype=torch.float64)
    x = last(half_quadratic(FIELD.score, likelihood, start, sigmas))
    assert float((x - smoothed_map(FIELD, A, y, 0.0)).abs().max()) < 0.01


def test_ladder_has_the_weights_of_epll():
    weights = (NOISE / ladder(NOISE)) ** 2
    torch.testing.assert_close(weights, 2.0 ** torch.arange(7, dtype=torch.float64))
    far = ladder(0.01, 4, start=0.8)
    assert float(far[0]) == 0.8 and math.isclose(float(far[-1]), 0.01 / 8) and len(far) == 4


def test_float32_and_complex_data():
    A = MEASUREMENTS["Fourier lines"]
    y = measure(A, FIELD.sample(2, g(1)).float(), NOISE)
    assert y.dtype == torch.complex64
    likelihood = GaussianLikelihood(A, y, NOISE)

    def prior(x, sigma):
        return FIELD.score(x.double(), float(sigma)).float()

    start = torch.zeros(2, *SHAPE)
    for states in (
        half_quadratic(prior, likelihood, start, ladder(NOISE, 3)),
        map_ascent(prior, likelihood, start, sigma=0.1, num_steps=3),
    ):
        assert last(states).dtype == torch.float32
    assert likelihood.log_prob(start).dtype == torch.float32


LIKELIHOOD = GaussianLikelihood(Identity(SHAPE), torch.zeros(SHAPE), NOISE)
IMAGE = torch.zeros(SHAPE)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: map_ascent(FIELD.score, LIKELIHOOD, IMAGE, num_steps=3),
            ValueError,
            "step must be given when sigma is 0",
        ),
        (
            lambda: map_ascent(FIELD.score, LIKELIHOOD, IMAGE, sigma=0.1, step=-1.0, num_steps=3),
            ValueError,
            "step must be positive",
        ),
        (
            lambda: map_ascent(FIELD.score, LIKELIHOOD, IMAGE, sigma=-0.1, num_steps=3),
            ValueError,
            "sigma must be non-negative",
        ),
        (
            lambda: map_ascent(FIELD.score, LIKELIHOOD, IMAGE, sigma=0.1, num_steps=0),
            ValueError,
            "num_steps must be a positive integer",
        ),
        (
            lambda: map_ascent(FIELD.score, LIKELIHOOD, torch.zeros(3, 3), num_steps=3),
            ValueError,
            r"x must have shape \(\*, 8, 6\)",
        ),
        (
            lambda: map_ascent(FIELD.score, None, IMAGE, sigma=0.1, num_steps=3),
            TypeError,
            "likelihood must be a GaussianLikelihood, got NoneType",
        ),
        (
            lambda: half_quadratic(FIELD.score, LIKELIHOOD, IMAGE, torch.tensor([1.0, 0.0])),
            ValueError,
            r"sigmas must be positive, of shape \(L,\)",
        ),
        (
            lambda: half_quadratic(FIELD.score, LIKELIHOOD, IMAGE, [1.0]),
            TypeError,
            "sigmas must be a torch.Tensor, got list",
        ),
        (
            lambda: half_quadratic(FIELD.score, LIKELIHOOD, IMAGE, torch.ones(2), num_cg=0),
            ValueError,
            "num_cg must be a positive integer",
        ),
        (
            lambda: last(
                half_quadratic(
                    lambda x, s: torch.full_like(x, math.inf), LIKELIHOOD, IMAGE, torch.ones(2)
                )
            ),
            FloatingPointError,
            "not finite at sigma 1: reduce the first of sigmas",
        ),
        (
            lambda: last(half_quadratic(lambda x, s: x[:2], LIKELIHOOD, IMAGE, torch.ones(2))),
            ValueError,
            "prior_score.* must return the shape of x",
        ),
        (lambda: ladder(0.0), ValueError, "noise_std must be positive"),
        (lambda: ladder(0.1, start=0.001), ValueError, "start"),
        (lambda: posterior_score(None, LIKELIHOOD), TypeError, "prior_score must be callable"),
        (
            lambda: posterior_score(FIELD.score, "abc"),
            TypeError,
            "likelihood must be a GaussianLikelihood, got str",
        ),
        (
            lambda: posterior_score(FIELD.score, LIKELIHOOD, prior_std=0.0),
            ValueError,
            "prior_std must be positive",
        ),
        (
            lambda: posterior_score(FIELD.score, LIKELIHOOD)(IMAGE, -1.0),
            ValueError,
            "sigma must be non-negative",
        ),
        (
            lambda: GaussianLikelihood(Identity(SHAPE), torch.zeros(8, 6, dtype=int), 1.0),
            TypeError,
            "y must have a floating-point dtype",
        ),
    ],
)
def test_wrong_arguments_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
