"""What every distribution must do: gradients, batches, mass one, Stein, tails, clear errors."""

from __future__ import annotations

import math

import pytest
import torch
from densities import COV, COVS, F64, MEANS, each, points, rng, sigmas, tensor

from lessons_lib.distributions import Gamma, Gaussian, GaussianMixture, GeneralizedTV, Parzen


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
        pytest.skip(
            "a cusp or an edge that the grid does not resolve; see test_exact_distributions"
        )
    if not row[6] or row[0] == "gtv-0.5":
        pytest.skip("normalised along the difference; see test_exact_distributions")
    x, cell = plane(row, sigma)
    assert float(row[1].log_prob(x, sigma).exp().sum()) * cell == pytest.approx(1, abs=1e-6)


@each
def test_stein_the_mean_score_is_zero_and_its_product_with_x_is_minus_one(row):
    name, dist, n = row[:3]
    if not row[6] or name == "gtv-0.5":
        pytest.skip("no sampler, or too slow by quadrature")
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


def test_importing_distributions_stays_light():
    import subprocess
    import sys

    heavy = "('scipy', 'matplotlib', 'skimage')"
    code = f"import sys, lessons_lib.distributions; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("kind", [Gaussian, GaussianMixture])
def test_draws_do_not_hang_on_the_signs_and_order_of_eigenvectors(kind: type) -> None:
    """A processor may return any of them; the draws of one seed must be the same on all."""
    rng = torch.Generator().manual_seed(0)
    root = torch.randn(3, 3, generator=rng, dtype=torch.float64)
    cov, mean = root @ root.T + torch.eye(3), torch.zeros(3, dtype=torch.float64)
    law = (
        Gaussian(mean, cov)
        if kind is Gaussian
        else GaussianMixture(torch.ones(1), mean[None], cov[None])
    )
    before = law.sample(50, torch.Generator().manual_seed(1))
    smoothed = law._smoothed
    order = torch.tensor([2, 0, 1])
    smoothed.lam = smoothed.lam[..., order]
    smoothed.u = smoothed.u[..., order] * torch.tensor([-1.0, 1.0, -1.0])
    after = law.sample(50, torch.Generator().manual_seed(1))
    torch.testing.assert_close(after, before, rtol=0, atol=1e-12)
