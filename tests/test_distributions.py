"""Every distribution against exact oracles: autograd, quadrature, convolution, moments, limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import lessons_lib.distributions.parzen as parzen_module
from lessons_lib.distributions import Gamma, Gaussian, GaussianMixture, GeneralizedTV, Parzen

F64 = torch.float64


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tensor(*values) -> torch.Tensor:
    return torch.tensor(values, dtype=F64)


COV = torch.tensor([[1.0, 0.6], [0.6, 0.8]], dtype=F64)
MEANS = torch.tensor([[-1.0, 0.5], [1.5, -0.5]], dtype=F64)
COVS = torch.stack([COV, torch.tensor([[0.3, -0.1], [-0.1, 0.5]], dtype=F64)])

# name, object, dimension, a point in its bulk, its largest standard deviation, known at sigma = 0,
# proper (integrates to one over all coordinates)
DISTRIBUTIONS = [
    ("gaussian-1d", Gaussian(tensor(1.5), 0.49), 1, 1.0, 0.7, True, True),
    ("gaussian-2d", Gaussian(tensor(1.0, -1.0), COV), 2, 0.3, 1.3, True, True),
    ("mixture-1d", GaussianMixture(tensor(0.3, 0.7), tensor([-2.0], [1.0]), tensor(0.25, 0.5)),
     1, 0.4, 1.6, True, True),
    ("mixture-2d", GaussianMixture(tensor(0.4, 0.6), MEANS, COVS), 2, 0.3, 2.0, True, True),
    ("gamma-8", Gamma(8, 1), 1, 6.0, 3.0, True, True),
    ("gamma-0.7", Gamma(0.7, 2.0), 1, 0.6, 1.7, True, True),
    ("tv", GeneralizedTV(2.0), 2, 0.3, 1.0, True, False),
    ("tv-proper", GeneralizedTV(2.0, sum_std=2.0), 2, 0.3, 2.0, True, True),
    ("gtv-0.5", GeneralizedTV(1.5, 0.5, sum_std=2.0), 2, 0.3, 3.0, True, True),
    ("gtv-1.5", GeneralizedTV(1.5, 1.5), 2, 0.3, 1.0, True, False),
    ("parzen-1d", Parzen(torch.randn(50, 1, generator=rng(), dtype=F64)), 1, 0.4, 1.0, False, True),
    ("parzen-2d", Parzen(torch.randn(40, 2, generator=rng(), dtype=F64)), 2, 0.4, 1.0, False, True),
]  # fmt: skip
IDS = [row[0] for row in DISTRIBUTIONS]
each = pytest.mark.parametrize("row", DISTRIBUTIONS, ids=IDS)


def sigmas(row) -> list[float]:
    return [0.0, 0.3, 2.0] if row[5] else [0.3, 2.0]


def points(row, *batch: int, spread: float = 0.5, seed: int = 1) -> torch.Tensor:
    _, _, n, bulk, std, _, _ = row
    x = bulk + spread * std * torch.randn(*batch, n, generator=rng(seed), dtype=F64)
    return x.abs() + 0.05 if isinstance(row[1], Gamma) else x


@each
def test_score_is_the_gradient_of_log_prob(row):
    x = points(row, 40).requires_grad_()
    for sigma in sigmas(row):
        (gradient,) = torch.autograd.grad(row[1].log_prob(x, sigma).sum(), x)
        torch.testing.assert_close(row[1].score(x, sigma), gradient, rtol=1e-8, atol=1e-9)


@each
def test_score_can_be_differentiated_again(row):
    x = points(row, 12).requires_grad_()
    for sigma in sigmas(row):
        (slope,) = torch.autograd.grad(row[1].score(x, sigma)[..., 0].sum(), x)
        step = 1e-5 * torch.eye(row[2], dtype=F64)[0]
        high, low = row[1].score(x + step, sigma), row[1].score(x - step, sigma)
        torch.testing.assert_close(slope[..., 0], (high - low)[..., 0] / 2e-5, rtol=1e-5, atol=1e-6)


@each
def test_any_batch_shape_and_one_sigma_for_each_member(row):
    x = points(row, 3, 4)
    level = 0.2 + torch.rand(3, 4, generator=rng(2), dtype=F64)
    log_p, s = row[1].log_prob(x, level), row[1].score(x, level)
    assert log_p.shape == (3, 4) and s.shape == x.shape
    for i, j in ((0, 0), (2, 3)):
        torch.testing.assert_close(log_p[i, j], row[1].log_prob(x[i, j], float(level[i, j])))
        torch.testing.assert_close(s[i, j], row[1].score(x[i, j], float(level[i, j])))
    columns = row[1].score(x, level[:, :1])
    torch.testing.assert_close(columns[1], row[1].score(x[1], float(level[1, 0])))


@each
def test_zero_and_positive_sigma_mix_in_one_batch(row):
    if not row[5]:
        pytest.skip("not defined at sigma = 0")
    x = points(row, 2)
    s = row[1].score(x, tensor(0.0, 0.4))
    torch.testing.assert_close(s[0], row[1].score(x[0], 0.0))
    torch.testing.assert_close(s[1], row[1].score(x[1], 0.4))


def plane(row, sigma: float) -> tuple[torch.Tensor, float]:
    """Midpoint grid wide enough for the density at ``sigma``, and the cell size."""
    reach = 12 * (row[4] + sigma) if row[2] == 1 else 7 * (row[4] + sigma)
    num = 40001 if row[2] == 1 else 500
    edge = torch.linspace(-reach, reach, num + 1, dtype=F64)
    mid = (edge[1:] + edge[:-1]) / 2
    grids = torch.meshgrid(*[mid] * row[2], indexing="ij")
    return torch.stack(grids, -1).reshape(-1, row[2]), float(edge[1] - edge[0]) ** row[2]


@each
@pytest.mark.parametrize("sigma", [0.0, 0.8])
def test_log_prob_integrates_to_one(row, sigma):
    if sigma == 0 and not row[5]:
        pytest.skip("not defined at sigma = 0")
    if sigma == 0 and isinstance(row[1], GeneralizedTV | Gamma):
        pytest.skip("a cusp or an edge that the grid does not resolve; covered by the next tests")
    if not row[6] or row[0] == "gtv-0.5":
        pytest.skip("normalised along the difference, covered below")
    x, cell = plane(row, sigma)
    assert float(row[1].log_prob(x, sigma).exp().sum()) * cell == pytest.approx(1, abs=1e-6)


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


@each
def test_stein_the_mean_score_is_zero_and_its_product_with_x_is_minus_one(row):
    name, dist, n = row[:3]
    if not row[6] or name in ("gamma-0.7", "gtv-0.5"):
        pytest.skip("no sampler, or infinite Fisher information without noise")
    sigma, num = 0.6, 100_000
    noise = torch.randn(num, n, generator=rng(5), dtype=F64)
    x = dist.sample(num, rng(4)).to(F64) + sigma * noise
    s = dist.score(x, sigma)
    assert bool((s.mean(0).abs() < 5 * s.std(0) / math.sqrt(num)).all())
    product = s[:, :, None] * (x - x.mean(0))[:, None, :]  # (num, n, n)
    off = (product.mean(0) + torch.eye(n, dtype=F64)).abs()
    assert bool((off < 5 * product.std(0) / math.sqrt(num)).all())


MOMENTS = [
    (Gaussian(tensor(1.0, -1.0), COV), tensor(1.0, -1.0), COV),
    (
        GaussianMixture(tensor(0.4, 0.6), MEANS, COVS),
        tensor(0.5, -0.1),
        0.4 * COVS[0]
        + 0.6 * COVS[1]
        + 0.24 * torch.outer(MEANS[1] - MEANS[0], MEANS[1] - MEANS[0]),
    ),
    (Gamma(8, 1.5), tensor(12.0), tensor([18.0])),
    (Gamma(0.4, 2.0), tensor(0.8), tensor([1.6])),
    (
        GeneralizedTV(2.0, sum_std=2.0),
        tensor(0.0, 0.0),
        tensor([1.125, 0.875], [0.875, 1.125]),  # (sum_std^2 +- 2 / weight^2) / 4
    ),
    (Parzen(tensor([0.0], [4.0])), tensor(2.0), tensor([4.0])),
]


@pytest.mark.parametrize(("dist", "mean", "cov"), MOMENTS)
def test_samples_have_the_right_moments(dist, mean, cov):
    num = 200_000
    x = dist.sample(num, rng(7))
    assert x.shape == (num, len(mean))
    d = x - mean
    assert bool((d.mean(0).abs() < 5 * d.std(0) / math.sqrt(num)).all())
    product = d[:, :, None] * d[:, None, :]
    assert bool(((product.mean(0) - cov).abs() < 5 * product.std(0) / math.sqrt(num) + 1e-9).all())


@each
def test_the_generator_alone_decides_the_samples(row):
    dist = row[1]
    if isinstance(dist, GeneralizedTV) and dist.sum_std is None:
        with pytest.raises(ValueError, match="improper"):
            dist.sample(3)
        return
    state = torch.random.get_rng_state()
    first, again, other = dist.sample(50, rng(1)), dist.sample(50, rng(1)), dist.sample(50, rng(2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_gamma_samples_follow_the_distribution_function():
    from scipy import stats

    for shape in (0.5, 1.0, 8.0):
        x = Gamma(shape, 2.0).sample(20_000, rng(3))[:, 0].numpy()
        assert stats.kstest(x, stats.gamma(shape, scale=2.0).cdf).pvalue > 1e-3


@each
def test_far_tails_are_finite_in_both_precisions(row):
    _, dist, n, bulk, std, _, _ = row
    for dtype in (F64, torch.float32):
        for sigma in sigmas(row):
            sign = tensor(*([1.0] if n == 1 else [-1.0, 1.0]))
            for side in (1.0, -1.0):
                x = (bulk + side * 1e3 * (std + sigma) * sign).to(dtype)
                if isinstance(dist, Gamma) and sigma == 0:
                    x = x.abs()
                assert bool(torch.isfinite(dist.log_prob(x, sigma)).all())
                assert bool(torch.isfinite(dist.score(x, sigma)).all())


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


@each
def test_single_precision_agrees_with_double(row):
    x = points(row, 30)
    for sigma in sigmas(row):
        log_p, s = (f(x.float(), sigma) for f in (row[1].log_prob, row[1].score))
        assert log_p.dtype == s.dtype == torch.float32
        exact_p, exact_s = (f(x.float().double(), sigma) for f in (row[1].log_prob, row[1].score))
        torch.testing.assert_close(log_p.double(), exact_p, rtol=1e-5, atol=1e-4)
        torch.testing.assert_close(s.double(), exact_s, rtol=1e-4, atol=1e-4)


@each
def test_smoothing_forgets_small_noise(row):
    if not row[5]:
        pytest.skip("not defined at sigma = 0")
    x = points(row, 20)
    if isinstance(row[1], GeneralizedTV):
        x[:, 1] = x[:, 0] + 1 + x[:, 1].abs()  # away from the cusp
    s = row[1].score(x, 1e-4)
    torch.testing.assert_close(s, row[1].score(x), rtol=1e-5, atol=1e-5)


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


BAD = [
    (lambda: Gaussian(torch.zeros(2, 2), 1.0), ValueError, "mean"),
    (lambda: Gaussian(torch.tensor([1, 2]), 1.0), TypeError, "mean"),
    (lambda: Gaussian([0.0], 1.0), TypeError, "mean"),
    (lambda: Gaussian(tensor(0.0, 0.0), torch.eye(3, dtype=F64)), ValueError, "cov"),
    (lambda: Gaussian(tensor(0.0, 0.0), tensor(1.0, 1.0)), ValueError, "cov"),
    (lambda: Gaussian(tensor(0.0, 0.0), -COV), ValueError, "cov must be positive definite"),
    (lambda: Gaussian(tensor(0.0), 0.0), ValueError, "cov must be positive definite"),
    (lambda: Gaussian(tensor(0.0, 0.0), tensor([1.0, 2.0], [0.0, 1.0])), ValueError, "symmetric"),
    (lambda: Gaussian(tensor(0.0), math.nan), ValueError, "cov"),
    (lambda: GaussianMixture(tensor(0.4, 0.5), MEANS, 1.0), ValueError, "weights.*sum to 1"),
    (lambda: GaussianMixture(tensor(-0.5, 1.5), MEANS, 1.0), ValueError, "non-negative"),
    (lambda: GaussianMixture(tensor(1.0), MEANS, 1.0), ValueError, "weights"),
    (lambda: GaussianMixture(tensor(0.4, 0.6), MEANS, COVS[:, :1]), ValueError, "covs"),
    (lambda: GaussianMixture(tensor(0.4, 0.6), MEANS, -COVS), ValueError, "covs must be positive"),
    (lambda: GaussianMixture(tensor(0.4, 0.6), MEANS, tensor(1.0, 1.0, 1.0)), ValueError, "covs"),
    (lambda: Gamma(0, 1), ValueError, "shape"),
    (lambda: Gamma(8, math.inf), ValueError, "scale"),
    (lambda: GeneralizedTV(-1.0), ValueError, "weight"),
    (lambda: GeneralizedTV(1.0, 0), ValueError, "power"),
    (lambda: GeneralizedTV(1.0, sum_std=0.0), ValueError, "sum_std"),
    (lambda: Parzen(torch.zeros(0, 2)), ValueError, "data"),
    (lambda: Parzen(torch.zeros(5)), ValueError, "data"),
    (lambda: Parzen(torch.zeros(5, 1, dtype=torch.int64)), TypeError, "data"),
]


@pytest.mark.parametrize(("make", "kind", "words"), BAD)
def test_bad_parameters_are_named(make, kind, words):
    with pytest.raises(kind, match=words):
        make()


@each
def test_bad_points_and_levels_are_named(row):
    _, dist, n = row[:3]
    x = points(row, 4)
    for method in (dist.log_prob, dist.score):
        with pytest.raises(ValueError, match=rf"x must have shape \(\*, {n}\)"):
            method(torch.ones(4, n + 1), 0.5)
        with pytest.raises(TypeError, match="x must have a floating-point dtype"):
            method(torch.ones(4, n, dtype=torch.int64), 0.5)
        with pytest.raises(ValueError, match="x must be finite"):
            method(torch.full((4, n), math.nan), 0.5)
        with pytest.raises(ValueError, match="sigma must be"):
            method(x, -0.5)
        with pytest.raises(ValueError, match="sigma must be finite"):
            method(x, math.nan)
        with pytest.raises(ValueError, match="sigma has shape"):
            method(x, torch.ones(3))


def test_parzen_without_noise_is_refused():
    with pytest.raises(ValueError, match="sigma must be positive"):
        Parzen(tensor([0.0], [1.0])).score(tensor(0.5), 0.0)


def test_importing_distributions_stays_light():
    import subprocess
    import sys

    heavy = "('scipy', 'matplotlib', 'skimage')"
    code = f"import sys, lessons_lib.distributions; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
