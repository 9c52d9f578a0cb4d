"""Each distribution against its exact answers: convolutions, closed forms, limits, references."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from densities import COV, COVS, DISTRIBUTIONS, F64, IDS, MEANS, rng, tensor

import lessons_lib.distributions.parzen as parzen_module
from lessons_lib.distributions import Gamma, Gaussian, GaussianMixture, GeneralizedTV, Parzen


@pytest.mark.parametrize("power", [0.5, 1, 1.5, 2, 4])
@pytest.mark.parametrize("sigma", [0.0, 0.4])
def test_generalized_tv_integrates_to_one_along_the_difference(power, sigma):
    u = torch.linspace(-12, 12, 200001, dtype=F64)
    d, jacobian = u**3, 3 * u**2  # resolves the cusp at zero
    keep = torch.arange(0, len(u), 1 if sigma == 0 or power == 1 else 100)
    x = torch.stack([torch.zeros_like(d), d], -1)[keep]
    p = GeneralizedTV(1.7, power).log_prob(x, sigma).exp() * jacobian[keep]
    assert float(torch.trapezoid(p, u[keep])) == pytest.approx(1, abs=2e-5)


@pytest.mark.parametrize(("shape", "scale"), [(8, 1), (0.7, 2.0), (1, 1), (30, 0.2)])
@pytest.mark.parametrize("sigma", [0.0, 1.0])
def test_gamma_integrates_to_one(shape, scale, sigma):
    if sigma == 0:
        t = torch.linspace(-80, 8, 400001, dtype=F64)
        x, jacobian = t.exp(), t.exp()
    else:
        t = torch.linspace(-9, 80, 20001, dtype=F64)
        x, jacobian = t, torch.ones_like(t)
    p = Gamma(shape, scale).log_prob(x[:, None], sigma).exp() * jacobian
    assert float(torch.trapezoid(p, t)) == pytest.approx(1, abs=1e-9)


def normal(d: torch.Tensor, std: float) -> torch.Tensor:
    return torch.exp(-0.5 * (d / std) ** 2) / (std * math.sqrt(2 * math.pi))


@pytest.mark.parametrize("name", ["gaussian-1d", "mixture-1d", "gamma-8", "gamma-0.7"])
@pytest.mark.parametrize("sigma", [0.2, 1.5])
def test_noise_is_a_convolution_in_one_dimension(name, sigma):
    dist = dict(zip(IDS, DISTRIBUTIONS, strict=True))[name][1]
    v = torch.linspace(-2.6, 2.6, 40001, dtype=F64)
    u, jacobian = v**5, 5 * v**4  # clusters nodes at zero, where Gamma(0.7) is singular
    p = torch.where(u != 0, dist.log_prob(u[:, None]).exp() * jacobian, 0.0)
    for x in (-1.0, 0.0, 0.5, 3.0, 9.0):
        exact = torch.trapezoid(p * normal(x - u, sigma), v)
        got = dist.log_prob(tensor(x), sigma).exp()
        assert float(got) == pytest.approx(float(exact), rel=1e-4 if name == "gamma-0.7" else 1e-6)


@pytest.mark.parametrize("power", [0.5, 0.8, 1, 1.5, 2, 3])
@pytest.mark.parametrize("sigma", [0.05, 0.7])
def test_noise_on_two_pixels_is_a_convolution_of_the_difference(power, sigma):
    v = torch.linspace(-3, 3, 40001, dtype=F64)
    u, jacobian = v**5, 5 * v**4
    dist = GeneralizedTV(1.3, power)
    p = dist.log_prob(torch.stack([-u / 2, u / 2], -1)).exp() * jacobian
    for d in (0.0, 0.02, 1.0, -4.0):
        exact = torch.trapezoid(p * normal(d - u, math.sqrt(2) * sigma), v)
        got = dist.log_prob(tensor(5.0, 5.0 + d), sigma).exp()
        assert float(got) == pytest.approx(float(exact), rel=2e-6)


def test_noise_on_a_full_covariance_adds_to_its_diagonal():
    x = torch.randn(9, 2, generator=rng(), dtype=F64)
    noisy = torch.distributions.MultivariateNormal(tensor(1.0, -1.0), COV + 0.49 * torch.eye(2))
    torch.testing.assert_close(Gaussian(tensor(1.0, -1.0), COV).log_prob(x, 0.7), noisy.log_prob(x))


@pytest.mark.parametrize("sigma", [0.0, 0.9])
def test_mixture_agrees_with_torch_distributions(sigma):
    weights = tensor(0.4, 0.6)
    parts = torch.distributions.MultivariateNormal(MEANS, COVS + sigma**2 * torch.eye(2))
    mixing = torch.distributions.Categorical(weights)
    oracle = torch.distributions.MixtureSameFamily(mixing, parts)
    x = 3 * torch.randn(50, 2, generator=rng(), dtype=F64)
    torch.testing.assert_close(
        GaussianMixture(weights, MEANS, COVS).log_prob(x, sigma), oracle.log_prob(x)
    )


def test_gamma_agrees_with_scipy_at_sigma_zero():
    from scipy import stats

    x = torch.linspace(0.01, 40, 200, dtype=F64)
    expected = stats.gamma(8, scale=1.5).logpdf(x.numpy())
    np.testing.assert_allclose(Gamma(8, 1.5).log_prob(x[:, None]), expected, rtol=1e-12)


def test_gamma_is_a_smoothed_exponential_in_closed_form():
    x, sigma = torch.linspace(-4, 30, 50, dtype=F64), 1.3
    log_p = sigma**2 / 2 - x + torch.special.log_ndtr((x - sigma**2) / sigma)  # Gamma(1, 1)
    torch.testing.assert_close(Gamma(1, 1).log_prob(x[:, None], sigma), log_p, rtol=1e-11, atol=0)


@pytest.mark.parametrize("sigma", [0.01, 0.5, 20.0])
def test_generalized_tv_with_power_two_is_gaussian(sigma):
    d = sigma * torch.linspace(-1000, 1000, 41, dtype=F64)
    x = torch.stack([-d / 2, d / 2], -1)
    exact = Gaussian(tensor(0.0), 1 / (2 * 3.0) + 2 * sigma**2)
    gtv = GeneralizedTV(3.0, 2)
    torch.testing.assert_close(gtv.log_prob(x, sigma), exact.log_prob(d[:, None]), rtol=1e-9,
                               atol=1e-9)  # fmt: skip
    torch.testing.assert_close(gtv.score(x, sigma)[:, 1:], exact.score(d[:, None]), rtol=1e-8,
                               atol=1e-9)  # fmt: skip


def test_generalized_tv_quadrature_meets_the_closed_form_near_power_one():
    d = torch.linspace(-6, 6, 25, dtype=F64)
    x = torch.stack([torch.zeros_like(d), d], -1)
    closed, near = GeneralizedTV(2.0), GeneralizedTV(2.0, 1 + 1e-9)
    torch.testing.assert_close(near.log_prob(x, 0.4), closed.log_prob(x, 0.4), rtol=0, atol=1e-7)
    torch.testing.assert_close(near.score(x, 0.4), closed.score(x, 0.4), rtol=0, atol=1e-6)


def test_proper_tv_is_the_product_of_difference_and_sum():
    x = torch.randn(20, 2, generator=rng(), dtype=F64)
    proper, flat = GeneralizedTV(2.0, sum_std=3.0), GeneralizedTV(2.0)
    total = Gaussian(tensor(0.0), 9.0 + 2 * 0.25).log_prob(x.sum(-1, keepdim=True))
    expected = flat.log_prob(x, 0.5) + total + math.log(2)  # d(x1, x2) = d(difference, sum) / 2
    torch.testing.assert_close(proper.log_prob(x, 0.5), expected)


def test_gamma_samples_follow_the_distribution_function():
    from scipy import stats

    for shape in (0.5, 1.0, 8.0):
        x = Gamma(shape, 2.0).sample(20_000, rng(3))[:, 0].numpy()
        assert stats.kstest(x, stats.gamma(shape, scale=2.0).cdf).pvalue > 1e-3


def test_far_tails_have_the_right_slopes():
    x, sigma = tensor(-2e3, 3e3), 0.5
    assert float(GeneralizedTV(2.0).score(x, sigma)[1]) == pytest.approx(-2.0, rel=1e-12)
    assert float(Gamma(8, 2.0).score(tensor(5e3), sigma)) == pytest.approx(-0.5, abs=2e-3)
    far = Gamma(8, 2.0).score(
        tensor(-5e2), sigma
    )  # p ~ (|x| + sigma^2 / 2)^-8 exp(-x^2 / (2 sigma^2))
    assert float(far) == pytest.approx(2e3 + 8 / (5e2 + 0.125), rel=1e-9)
    mixture = GaussianMixture(tensor(0.3, 0.7), tensor([-2.0], [1.0]), tensor(0.25, 0.5))
    wide = -(1e3 - 1.0) / (0.5 + sigma**2)  # the wider component rules the tail
    assert float(mixture.score(tensor(1e3), sigma)) == pytest.approx(wide, rel=1e-12)


def test_parzen_is_the_mixture_with_equal_weights():
    data = torch.randn(300, 3, generator=rng(), dtype=F64)
    x = torch.randn(25, 3, generator=rng(1), dtype=F64)
    weights = torch.full((300,), 1 / 300, dtype=F64)
    for sigma in (0.05, 0.5, 3.0):
        oracle = GaussianMixture(weights, data, sigma**2)
        torch.testing.assert_close(Parzen(data).log_prob(x, sigma), oracle.log_prob(x))
        torch.testing.assert_close(Parzen(data).score(x, sigma), oracle.score(x), rtol=1e-8,
                                   atol=1e-8)  # fmt: skip


def test_parzen_chunks_change_nothing(monkeypatch):
    data = torch.randn(1000, 2, generator=rng(), dtype=F64)
    x = torch.randn(70, 2, generator=rng(1), dtype=F64)
    level = 0.1 + torch.rand(70, generator=rng(2), dtype=F64)
    whole = Parzen(data).log_prob(x, level), Parzen(data).score(x, level)
    monkeypatch.setattr(parzen_module, "DATA_ROWS", 64)
    monkeypatch.setattr(parzen_module, "MAX_ENTRIES", 500)
    parts = Parzen(data).log_prob(x, level), Parzen(data).score(x, level)
    torch.testing.assert_close(parts, whole, rtol=1e-12, atol=1e-12)


def test_parzen_never_holds_all_distances(monkeypatch):
    largest = 0
    exp = torch.Tensor.exp

    def counting(self):
        nonlocal largest
        largest = max(largest, self.numel())
        return exp(self)

    monkeypatch.setattr(torch.Tensor, "exp", counting)
    data = torch.randn(100_000, 4, generator=rng(), dtype=torch.float32)
    s = Parzen(data).score(torch.zeros(300, 4), 0.5)
    assert bool(torch.isfinite(s).all()) and s.dtype == torch.float32
    assert 0 < largest <= parzen_module.MAX_ENTRIES < 300 * 100_000 / 100


def test_parzen_survives_points_far_from_all_data():
    data = torch.randn(5000, 2, generator=rng(), dtype=F64)
    x = tensor(1e3, 1e3)
    nearest = data[torch.cdist(x[None], data)[0].argmin()]
    s = Parzen(data).score(x, 1e-2)
    torch.testing.assert_close(s, (nearest - x) / 1e-4)


def test_gradients_reach_every_parameter_of_a_mixture():
    weights, means = tensor(0.4, 0.6), MEANS.clone()
    covs = torch.eye(2, dtype=F64).repeat(2, 1, 1)  # equal eigenvalues: eigenvectors would fail
    parameters = [p.clone().requires_grad_() for p in (weights.log(), means, covs)]
    x = torch.randn(30, 2, generator=rng(), dtype=F64)

    def fit(logits, means, covs):
        mixture = GaussianMixture(torch.softmax(logits, 0), means, covs)
        return mixture.log_prob(x, 0.3).mean() + mixture.score(x, 0.3).square().mean()

    assert torch.autograd.gradcheck(lambda a, b: fit(a, b, covs), parameters[:2])
    assert torch.autograd.gradcheck(
        lambda lower: fit(weights.log(), means, lower @ lower.mT),
        [torch.linalg.cholesky(COVS).clone().requires_grad_()],
    )
    gradients = torch.autograd.grad(fit(*parameters), parameters)
    assert all(bool(torch.isfinite(g).all()) and bool((g != 0).any()) for g in gradients)


def test_factored_and_eigen_paths_agree():
    plain = GaussianMixture(tensor(0.4, 0.6), MEANS, COVS)
    tracked = GaussianMixture(tensor(0.4, 0.6), MEANS, COVS.clone().requires_grad_())
    x = torch.randn(6, 5, 2, generator=rng(), dtype=F64)
    for sigma in (0.0, torch.rand(6, 5, generator=rng(1), dtype=F64)):
        torch.testing.assert_close(tracked.log_prob(x, sigma), plain.log_prob(x, sigma))
        torch.testing.assert_close(tracked.score(x, sigma), plain.score(x, sigma))


def test_responsibilities_are_bayes_rule():
    mixture = GaussianMixture(tensor(0.4, 0.6), MEANS, COVS)
    x = torch.randn(8, 2, generator=rng(), dtype=F64)
    parts = [Gaussian(m, c).log_prob(x).exp() for m, c in zip(MEANS, COVS, strict=True)]
    joint = torch.stack(parts, -1) * tensor(0.4, 0.6)
    torch.testing.assert_close(mixture.responsibilities(x), joint / joint.sum(-1, keepdim=True))


@pytest.mark.parametrize("index", [[0], [1]])
@pytest.mark.parametrize("sigma", [0.0, 0.6])
def test_marginal_of_a_mixture_is_its_integral_over_the_rest(index, sigma):
    dist, t = GaussianMixture(tensor(0.4, 0.6), MEANS, COVS), torch.linspace(-12, 12, 4001).double()
    x = torch.zeros(5, len(t), 2, dtype=F64)
    x[..., index[0]] = tensor(-2.0, -0.5, 0.0, 1.0, 3.0)[:, None]
    x[..., 1 - index[0]] = t
    wanted = torch.trapezoid(dist.log_prob(x, sigma).exp(), t)
    found = dist.marginal(index).log_prob(x[:, 0, index], sigma).exp()
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-12)


def test_marginal_of_a_mixture_puts_coordinates_in_the_order_asked():
    dist, x = GaussianMixture(tensor(0.4, 0.6), MEANS, COVS), tensor([0.3, -1.0])
    swapped = dist.marginal([1, 0]).score(x.flip(-1), 0.2).flip(-1)
    torch.testing.assert_close(swapped, dist.score(x, 0.2))


def test_every_form_of_covariance_means_the_same():
    x = torch.randn(8, 2, generator=rng(), dtype=F64)
    eye = torch.eye(2, dtype=F64)
    full = GaussianMixture(tensor(0.4, 0.6), MEANS, torch.stack([0.5 * eye, 0.5 * eye]))
    for covs in (0.5, 0.5 * eye, tensor(0.5, 0.5), tensor(0.5)[0]):
        other = GaussianMixture(tensor(0.4, 0.6), MEANS, covs)
        torch.testing.assert_close(other.score(x, 0.2), full.score(x, 0.2))
    torch.testing.assert_close(
        Gaussian(MEANS[0], 0.5).log_prob(x), Gaussian(MEANS[0], 0.5 * eye).log_prob(x)
    )


def test_gamma_outside_its_support():
    gamma = Gamma(8, 1)
    assert gamma.log_prob(tensor([-1.0], [0.0])).tolist() == [-math.inf, -math.inf]
    with pytest.raises(ValueError, match="x must be positive where sigma = 0"):
        gamma.score(tensor([1.0], [-1.0]))
    assert float(gamma.score(tensor(-1.0), 0.5)) > 0


def test_parzen_without_noise_is_refused():
    with pytest.raises(ValueError, match="sigma must be positive"):
        Parzen(tensor([0.0], [1.0])).score(tensor(0.5), 0.0)
