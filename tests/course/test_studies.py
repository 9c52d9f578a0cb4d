"""`lessons_lib.course.studies`: mixture fits against exact mixtures, the losses, and each other."""

import math

import pytest
import torch

from lessons_lib import losses
from lessons_lib.course.studies import (
    METHODS,
    compare_fits,
    fit_mixture_by,
    markdown_table,
    mixture_cost,
    mixture_divergences,
    mixture_terms,
    relax_bound,
)
from lessons_lib.course.studies.minimisers import minimise
from lessons_lib.distributions import Gamma, GaussianMixture, Parzen

torch.set_num_threads(1)
F64 = torch.float64
THETA = torch.tensor([4.0, 7.0, 11.0, 0.5, 0.7, 1.1, -0.2, 0.4], dtype=F64)
LEAST = 0.8


def as_mixture(theta, least=LEAST):
    means, root, logits = theta.split([3, 3, 2])
    weights = torch.cat([logits, torch.zeros(1, dtype=F64)]).softmax(0)
    return GaussianMixture(weights, means[:, None], (least + root**2) ** 2)


def gamma_sets(count, size, seed=3):
    draws = Gamma(8.0, 1.0).sample(count * size, generator=torch.Generator().manual_seed(seed))
    return draws.reshape(count, size)


@pytest.mark.parametrize("sigma", [0.0, 1.3])
def test_terms_are_those_of_the_mixture_at_every_noise_level(sigma):
    x = torch.linspace(-3, 20, 50, dtype=F64)[:, None].requires_grad_(True)
    p = as_mixture(THETA)
    log_p, s, slope = mixture_terms(THETA, x[:, 0], least=LEAST, sigma=sigma)
    score = p.score(x, sigma)
    (derivative,) = torch.autograd.grad(score.sum(), x)
    torch.testing.assert_close(log_p, p.log_prob(x, sigma))
    torch.testing.assert_close(s, score[:, 0])
    torch.testing.assert_close(slope, derivative[:, 0])


def test_costs_are_those_of_the_losses():
    data, truth, p = gamma_sets(1, 30), Gamma(8.0, 1.0), as_mixture(THETA)
    x = data[0][:, None]
    expected = {
        "ML": -p.log_prob(x).mean(),
        "ESM": losses.explicit(p.score, truth.score, x),
        "ISM": losses.implicit(p.score, x),
        "RSM": losses.regularized(p.score, x, weight=0.5),
    }
    for method, value in expected.items():
        cost = mixture_cost(method, THETA[None], data, truth, least=LEAST)
        torch.testing.assert_close(cost[0], value)


@pytest.mark.parametrize("method", ["DSM", "DSM told"])
def test_denoising_costs_are_those_of_the_losses_up_to_vincents_constant(method):
    data, p = gamma_sets(1, 30), as_mixture(THETA)
    x, q = data[0][:, None], Parzen(data[0][:, None])
    score = p.score if method == "DSM told" else lambda x, sigma: p.score(x)
    nodes = torch.arange(-9, 9, 0.1, dtype=F64)
    mass = torch.exp(-0.5 * nodes**2) * 0.1 / math.sqrt(2 * math.pi)
    pairs = zip(mass, nodes, strict=True)
    exact = sum(m * losses.denoising(score, x, 1.0, noise=z.expand(30, 1)) for m, z in pairs)
    grid = torch.arange(-8, 28, 0.05, dtype=F64)[:, None]
    density = q.log_prob(grid, 1.0).exp() * 0.05
    constant = 0.5 * density @ q.score(grid, 1.0)[:, 0] ** 2 - 0.5
    cost = mixture_cost(method, THETA[None], data, Gamma(8.0, 1.0), least=LEAST)
    torch.testing.assert_close(cost[0], exact + constant, atol=1e-10, rtol=0)


def test_minimise_finds_the_valley_of_rosenbrock_from_everywhere():
    def rosenbrock(theta):
        return (1 - theta[:, 0]) ** 2 + 100 * (theta[:, 1] - theta[:, 0] ** 2) ** 2

    start = torch.tensor([[-1.2, 1.0], [0.0, 0.0], [2.0, -2.0], [1.0, 1.0]], dtype=F64)
    theta, value = minimise(rosenbrock, start, num_steps=200)
    torch.testing.assert_close(theta, torch.ones_like(theta), atol=1e-6, rtol=0)
    assert float(value.max()) < 1e-12 and torch.equal(
        start[0], torch.tensor([-1.2, 1.0], dtype=F64)
    )


def test_minimise_never_climbs_and_uses_the_rows_of_the_data():
    centre = torch.tensor([[3.0], [-2.0]], dtype=F64)
    theta, value = minimise(
        lambda t, c: ((t - c) ** 4).sum(-1), torch.zeros(2, 1).double(), [centre]
    )
    torch.testing.assert_close(theta, centre, atol=0.01, rtol=0)
    assert bool((value <= (centre**4)[:, 0]).all())


def test_explicit_fit_recovers_a_mixture_from_its_own_score():
    data = as_mixture(THETA, 1.0).sample(300, generator=torch.Generator().manual_seed(1)).T
    fitted, cost = fit_mixture_by("ESM", data, as_mixture(THETA, 1.0), num_starts=20)
    assert float(cost[0]) < 1e-8
    order = fitted[0, :3].argsort()
    torch.testing.assert_close(fitted[0, :3][order], THETA[:3], atol=0.02, rtol=0)


def test_each_method_wins_its_own_contest():
    truth, data = Gamma(8.0, 1.0), gamma_sets(2, 60)
    fits = compare_fits(data, truth, num_starts=16)
    for index, method in enumerate(METHODS):
        costs = torch.stack([mixture_cost(method, theta, data, truth) for theta in fits.values()])
        assert torch.equal(costs.argmin(0), torch.full((2,), index)), method


def test_lower_bounds_never_raise_the_cost_and_implicit_falls():
    data, bounds = gamma_sets(1, 50)[0], (1.0, 0.3, 0.05)
    implicit = relax_bound("ISM", data, Gamma(8.0, 1.0), bounds, num_starts=10)
    denoising = relax_bound("DSM", data, Gamma(8.0, 1.0), bounds, num_starts=2)
    assert bool((implicit.diff() <= 1e-9).all()) and float(implicit[-1]) < -3
    assert bool((denoising >= 0).all()) and bool((denoising.diff() <= 1e-9).all())


def test_divergences_vanish_at_the_truth_and_are_those_of_two_normals():
    x = torch.arange(-15, 25, 0.05, dtype=F64)
    theta = torch.tensor([5.0, 5.0, 5.0, 1.0, 1.0, 1.0, 0.0, 0.0], dtype=F64)  # N(5, 2^2)
    for mean, kl, fisher in ((5.0, 0.0, 0.0), (6.0, 1 / 8, 1 / 32)):
        truth = GaussianMixture(torch.ones(1, dtype=F64), torch.tensor([[mean]]).double(), 4.0)
        mass = truth.log_prob(x[:, None]).exp() * 0.05
        found = mixture_divergences(theta, truth, x, mass)
        torch.testing.assert_close(found, torch.tensor([kl, fisher], dtype=F64), atol=1e-9, rtol=0)


def test_bad_arguments_are_named():
    data, truth = gamma_sets(1, 10), Gamma(8.0, 1.0)
    with pytest.raises(ValueError, match="method must be one of"):
        mixture_cost("MAP", THETA[None], data, truth)
    with pytest.raises(ValueError, match="sets must have at least 2"):
        mixture_cost("ML", THETA[None], data[0], truth)
    with pytest.raises(ValueError, match="values must have shape"):
        markdown_table(["a"], ["b"], torch.zeros(2, 1))
    with pytest.raises(ValueError, match="best must be"):
        markdown_table(["a"], ["b"], torch.zeros(1, 1), best="worst")


def test_table_marks_the_best_of_each_column():
    text = markdown_table(["a", "b"], ["x", "y"], torch.tensor([[1.0, 2.0], [0.5, 3.0]]), digits=1)
    assert text.splitlines()[2:] == ["| a | 1.0 | **2.0** |", "| b | **0.5** | 3.0 |"]
    assert "**" not in markdown_table(["a"], ["x"], torch.zeros(1, 1), best=None)


def test_each_column_may_have_its_own_best_digits_and_intervals() -> None:
    text = markdown_table(
        ["a", "b"],
        ["gain", "time"],
        torch.tensor([[1.26, 2.0], [0.5, 3.0]]),
        digits=(1, 0),
        best=("greatest", "least"),
        intervals=torch.tensor([[0.25, math.nan], [0.1, math.nan]]),
    )
    assert text.splitlines()[2:] == ["| a | **1.3 ± 0.2** | **2** |", "| b | 0.5 ± 0.1 | 3 |"]
