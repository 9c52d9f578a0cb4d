"""Samplers of the posterior, each against the exact law that a Gaussian prior gives it."""

import math

import pytest
import torch

from lessons_lib.course.studies import sampler_laws
from lessons_lib.distributions import DenseGaussianField, GaussianField, matern_spectrum
from lessons_lib.operators import (
    Blur,
    Identity,
    MaskedFourier,
    gaussian_kernel,
    measure,
    random_lines,
)
from lessons_lib.reconstruction import GaussianLikelihood, sample_posterior
from lessons_lib.reconstruction.posterior_samplers import METHODS
from lessons_lib.samplers import ancestral, last
from lessons_lib.schedules import geometric

torch.set_num_threads(1)
F64, SIDES, NOISE = torch.float64, (6, 6), 0.1
FIELD = GaussianField(matern_spectrum(SIDES, length=2.0), mean=0.3)
DENSE = DenseGaussianField(torch.full(SIDES, 0.3, dtype=F64), FIELD.matrix)
OPERATORS = {
    "identity": Identity(SIDES),
    "Fourier lines": MaskedFourier(random_lines(SIDES, 2, centre=1)),
    "blur": Blur(SIDES, gaussian_kernel(0.7)),
    "mean of all pixels": Blur(SIDES, torch.full((5, 5), 0.04, dtype=F64)),
}
on_operators = pytest.mark.parametrize("name", OPERATORS)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def draws(sizes, seed):
    generator = seeded(seed)
    return torch.cat([torch.randn(size, dtype=F64, generator=generator) for size in sizes])


def scene(name):
    """The same measurement for the code, and as real matrices for the laws."""
    A = OPERATORS[name]
    y = measure(A, FIELD.sample(1, seeded(1))[0], NOISE, generator=seeded(2))
    columns = A(torch.eye(36, dtype=F64).unflatten(-1, SIDES)).flatten(1)
    flat = y.flatten()
    if y.is_complex():
        columns, flat = (
            torch.cat([columns.real, columns.imag], 1),
            torch.cat([flat.real, flat.imag]),
        )
    mean = torch.full((36,), 0.3, dtype=F64)
    return GaussianLikelihood(A, y, NOISE), sampler_laws.Scene(
        mean, FIELD.matrix, columns.mT, flat, NOISE
    )


def prior(method):
    return FIELD if method == "exact" else FIELD.score


# --- the score given a measurement -----------------------------------------------------------


@pytest.mark.parametrize("field", [FIELD, DENSE], ids=["stationary", "dense"])
@on_operators
def test_the_score_given_data_is_that_of_the_smoothed_posterior(field, name):
    likelihood, known = scene(name)
    x = torch.randn(3, 36, dtype=F64, generator=seeded(3))
    sigmas = torch.tensor([0.0, 0.05, 3.0], dtype=F64)
    score = field.posterior_score(likelihood, x.unflatten(-1, SIDES), sigmas).flatten(1)
    posterior = known.posterior
    for s, point, sigma in zip(score, x, sigmas, strict=True):
        cov = posterior.cov + sigma**2 * torch.eye(36, dtype=F64)
        wanted = -torch.linalg.solve(cov, point - posterior.mean)
        torch.testing.assert_close(s, wanted, rtol=1e-7, atol=1e-7)


def test_the_score_given_data_at_zero_is_prior_plus_likelihood():
    likelihood, _ = scene("blur")
    x = FIELD.sample(2, seeded(4))
    wanted = FIELD.score(x) + likelihood.score(x)
    torch.testing.assert_close(FIELD.posterior_score(likelihood, x), wanted)


# --- one step, to rounding -------------------------------------------------------------------


AFFINE = [
    (name, method)
    for name in OPERATORS
    for method in sampler_laws.STEPS
    if method != "decomposed" or name in ("identity", "Fourier lines")  # there it converges
]


@pytest.mark.parametrize("levels", [(2.0, 1.3), (0.2, 0.1)], ids=["far", "near"])
@pytest.mark.parametrize(("name", "method"), AFFINE)
def test_each_step_is_the_one_whose_law_is_computed(name, method, levels):
    likelihood, known = scene(name)
    x = 3 * torch.randn(36, dtype=F64, generator=seeded(3))
    states = sample_posterior(
        prior(method), likelihood, x.reshape(SIDES), torch.tensor(levels, dtype=F64),
        method=method, generator=seeded(7),
    )  # fmt: skip
    step = sampler_laws.STEPS[method](known, *levels)
    sizes = [36] * (step.noise.shape[1] // 36)
    if method == "split-gibbs":
        parts = [likelihood.y.numel()] * (2 if likelihood.y.is_complex() else 1)
        sizes = [36] * 11 + parts
    wanted = step.linear @ x + step.constant + step.noise @ draws(sizes, 7)
    torch.testing.assert_close(next(states).flatten(), wanted, rtol=1e-9, atol=1e-9)


# --- the laws --------------------------------------------------------------------------------


@on_operators
def test_the_exact_score_comes_to_the_posterior_as_the_steps_shrink(name):
    _, known = scene(name)
    far = [
        sampler_laws.divergence(
            sampler_laws.law(known, "exact", [*geometric(20, 0.002, num), 0.0]), known.posterior
        )
        for num in (50, 200, 800)
    ]
    assert far[0] > 10 * far[1] > 100 * far[2] > 0 and far[2] < 5e-3


@pytest.mark.parametrize("method", ["widened", "pigdm", "diffpir", "projection", "decomposed"])
def test_more_steps_do_not_cure_an_approximation(method):
    _, known = scene("Fourier lines")
    far = [
        sampler_laws.divergence(
            sampler_laws.law(known, method, [*geometric(20, 0.002, num), 0.0]), known.posterior
        )
        for num in (200, 800)
    ]
    assert far[1] > 0.3 * far[0] and far[1] > 0.01


def test_split_gibbs_comes_to_the_posterior_as_its_inner_steps_do():
    _, known = scene("blur")
    far = [
        sampler_laws.divergence(
            sampler_laws.law(known, "split-gibbs", geometric(2, 0.02, 30), num_inner=num,
                             finest=0.001), known.posterior
        )
        for num in (5, 15, 45)
    ]  # fmt: skip
    assert far[0] > 2 * far[1] > 4 * far[2]


@pytest.mark.parametrize("method", sampler_laws.STEPS)
def test_many_runs_have_the_law(method):
    """All the way down a short ladder: mean and variances within five standard errors."""
    likelihood, known = scene("Fourier lines")
    num, sigmas = 2000, geometric(4.0, 0.05, 6)
    x = FIELD.sample(num, seeded(3)) + 4 * torch.randn(num, *SIDES, dtype=F64, generator=seeded(4))
    x = last(
        sample_posterior(prior(method), likelihood, x, sigmas, method=method, generator=seeded(5))
    ).flatten(1)
    law = sampler_laws.law(known, method, sigmas)
    variance = law.cov.diagonal()
    assert float(((x.mean(0) - law.mean) / (variance / num).sqrt()).abs().max()) < 5
    assert float((x.var(0) / variance - 1).abs().max()) < 5 * math.sqrt(2 / num)


def test_the_divergence_is_that_of_torch():
    p, q = (
        sampler_laws.Law(torch.randn(3, dtype=F64, generator=seeded(k)), root @ root.mT + 1e-1)
        for k, root in ((1, torch.eye(3, dtype=F64)), (2, 2 * torch.eye(3, dtype=F64)))
    )
    normal = torch.distributions.MultivariateNormal
    wanted = torch.distributions.kl_divergence(normal(*p), normal(*q))
    assert sampler_laws.divergence(p, q) == pytest.approx(float(wanted))


# --- guidance by a norm, which is not affine -------------------------------------------------


def test_dps_steps_along_the_gradient_of_the_norm():
    likelihood, _ = scene("blur")
    sigma, tau, weight = 0.7, 0.4, 0.05
    x = torch.randn(2, *SIDES, dtype=F64, generator=seeded(3))
    sigmas = torch.tensor([sigma, tau], dtype=F64)
    step = next(
        sample_posterior(FIELD.score, likelihood, x, sigmas, method="dps", generator=seeded(5),
                         weight=weight, prior_std=1.0)
    )  # fmt: skip
    plain = next(ancestral(FIELD.score, x, sigmas, generator=seeded(5)))
    y, A = likelihood.y, likelihood.A

    def misfit(x):
        return (y - A(x + sigma**2 * FIELD.score(x, sigma))).flatten(1).norm(dim=1).sum()

    x = x.requires_grad_()
    (slope,) = torch.autograd.grad(misfit(x), x)
    units = math.sqrt((1 + sigma**2) * (1 + tau**2))
    torch.testing.assert_close(step, plain - 2 * weight * units * slope)


# --- all -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_every_method_keeps_its_images_apart_and_their_type(method):
    likelihood, _ = scene("Fourier lines")
    x = torch.randn(2, *SIDES, generator=seeded(3))
    states = list(sample_posterior(prior(method), likelihood, x, geometric(2.0, 0.5, 3),
                                   method=method))  # fmt: skip
    assert len(states) == (3 if method == "split-gibbs" else 2)
    assert all(s.shape == x.shape and s.dtype == torch.float32 for s in states)
    assert all(not s.requires_grad for s in states)


@pytest.mark.parametrize("method", ["pigdm", "dps"])
def test_a_method_that_knows_a_scale_commutes_with_a_change_of_unit(method):
    likelihood, _ = scene("blur")
    x, k = torch.randn(SIDES, dtype=F64, generator=seeded(3)), 1e-3
    one = last(sample_posterior(FIELD.score, likelihood, x, geometric(2.0, 0.5, 3), method=method))
    small = GaussianLikelihood(likelihood.A, likelihood.y * k, NOISE * k)
    other = last(
        sample_posterior(lambda x, sigma: FIELD.score(x / k, sigma / k) / k, small, x * k,
                         geometric(2.0 * k, 0.5 * k, 3), method=method, prior_std=k)
    )  # fmt: skip
    torch.testing.assert_close(other / k, one)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_stops_where_it_leaves_the_numbers(method):
    likelihood, _ = scene("identity")

    class Broken:
        def posterior_score(self, likelihood, x, sigma, num_cg):
            return x * math.nan

        def __call__(self, x, sigma):
            return x * math.nan

    with pytest.raises(FloatingPointError, match=r"non-finite at sigma 2: reduce weight"):
        last(sample_posterior(Broken(), likelihood, torch.zeros(SIDES, dtype=F64),
                              geometric(2.0, 0.5, 3), method=method))  # fmt: skip


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        (dict(method="ddrm"), ValueError, "method must be one of exact, widened"),
        (dict(method="exact"), TypeError, "prior_score must have posterior_score"),
        (dict(method="dps", weight=-1.0), ValueError, "weight must be positive"),
        (dict(method="projection", weight=2.0), ValueError, "weight must be from 0 to 1"),
        (dict(method="diffpir", renewed=1.5), ValueError, "renewed must be from 0 to 1"),
        (dict(method="pigdm", eta=2.0), ValueError, "eta must be from 0 to 1"),
        (dict(method="decomposed", num_fit=0), ValueError, "num_fit must be a positive integer"),
        (dict(method="split-gibbs", num_inner=1), ValueError, "num_inner must"),
        (dict(method="pigdm", weight=1.0), TypeError, "unexpected keyword argument 'weight'"),
    ],
)
def test_bad_options_are_named(how, error, words):
    likelihood, _ = scene("identity")
    with pytest.raises(error, match=words):
        sample_posterior(FIELD.score, likelihood, torch.zeros(SIDES, dtype=F64),
                         geometric(2.0, 0.5, 3), **how)  # fmt: skip


def test_the_coupling_of_split_gibbs_must_be_positive():
    likelihood, _ = scene("identity")
    with pytest.raises(ValueError, match="sigmas must be positive"):
        sample_posterior(FIELD.score, likelihood, torch.zeros(SIDES, dtype=F64),
                         torch.tensor([1.0, 0.0]), method="split-gibbs")  # fmt: skip
