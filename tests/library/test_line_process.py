"""The line process: its dual, its smoothing by quadrature, and a row against a list of all cuts."""

import itertools
import math

import pytest
import torch

from lessons_lib.distributions import LineProcess, line_posterior
from lessons_lib.patches import Patches
from lessons_lib.priors import PatchPrior, WeightedPrior

WIDTH, PRICE = 0.3, 1.7
LINES = LineProcess(WIDTH, PRICE)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


@pytest.mark.parametrize("sigma", [0.0, 0.1, 2.0])
def test_the_score_is_the_gradient_of_the_log_density(sigma):
    x = normal(50, 2).requires_grad_()
    (gradient,) = torch.autograd.grad(LINES.log_prob(x, sigma).sum(), x)
    torch.testing.assert_close(LINES.score(x.detach(), sigma), gradient)


@pytest.mark.parametrize("sigma", [0.05, 0.4])
def test_noise_smooths_the_difference_as_quadrature_does(sigma):
    d = torch.linspace(-40, 40, 400_001, dtype=torch.float64)
    clean = torch.exp(LINES.log_prob(torch.stack([0 * d, d], -1)))
    x = torch.tensor([[0.3, 0.1], [0.0, 0.9], [0.2, 0.2]], dtype=torch.float64)
    tau = math.sqrt(2) * sigma
    kernel = torch.exp(-(((x[:, 1] - x[:, 0])[:, None] - d) ** 2) / (2 * tau**2))
    smoothed = (clean * kernel).sum(-1) * (d[1] - d[0]) / (tau * math.sqrt(2 * math.pi))
    torch.testing.assert_close(LINES.log_prob(x, sigma), smoothed.log(), rtol=1e-7, atol=1e-7)


def test_without_noise_both_energies_stand_in_the_sum_and_the_bond_is_the_share_of_one():
    x = torch.tensor([0.5, 0.1], dtype=torch.float64)
    spring, line = math.exp(-(0.4**2) / (2 * WIDTH**2)), math.exp(-PRICE)
    assert float(LINES.log_prob(x)) == pytest.approx(math.log(spring + line), rel=1e-12)
    assert float(LINES.bond(x)) == pytest.approx(spring / (spring + line), rel=1e-12)
    force = spring / (spring + line) * 0.4 / WIDTH**2  # pulls the first pixel down
    torch.testing.assert_close(LINES.score(x), torch.tensor([-force, force]).double())


def test_far_away_and_at_any_price_the_numbers_stay_finite():
    x = torch.tensor([[0.0, 1e3], [0.0, 0.0]], dtype=torch.float64)
    for price in (-50.0, 0.0, 800.0):
        lines = LineProcess(1e-3, price)
        assert bool(torch.isfinite(lines.score(x)).all() & torch.isfinite(lines.log_prob(x)).all())


def cuts(num):
    return torch.tensor(list(itertools.product((0.0, 1.0), repeat=num)), dtype=torch.float64)


def test_on_an_image_the_pair_scores_are_the_slope_of_the_sum_over_all_lines():
    x, ways = normal(2, 3).mul(0.3).requires_grad_(), cuts(7)
    d = torch.cat([x.diff(dim=1).flatten(), x.diff(dim=0).flatten()])
    energy = ((1 - ways) * d**2 / (2 * WIDTH**2) + ways * PRICE).sum(1)
    (slope,) = torch.autograd.grad(torch.logsumexp(-energy, 0), x)
    pairs = [PatchPrior(LINES.score, Patches((2, 3), size)) for size in ((1, 2), (2, 1))]
    torch.testing.assert_close(WeightedPrior([1, 1], pairs)(x.detach(), 0.0), slope)


@pytest.mark.parametrize(
    ("n", "noise_std", "price"), [(1, 0.5, 1.0), (2, 0.2, -0.5), (7, 0.5, 1.2)]
)
def test_a_row_has_the_mean_and_the_lines_of_the_list_of_all_cuts(n, noise_std, price):
    y, ways = normal(n, seed=n), cuts(n - 1)
    D = torch.eye(n, dtype=y.dtype).diff(dim=0)
    Q = torch.eye(n, dtype=y.dtype) / noise_std**2 + D.T @ ((1 - ways)[..., None] * D) / WIDTH**2
    means = torch.linalg.solve(Q, y / noise_std**2)
    log_w = means @ y / (2 * noise_std**2) - torch.logdet(Q) / 2 - price * ways.sum(1)
    weight = torch.softmax(log_w, 0)
    mean, lines = line_posterior(y, noise_std, width=WIDTH, price=price)
    torch.testing.assert_close(mean, weight @ means)
    torch.testing.assert_close(lines, weight @ ways)


def test_rows_of_a_batch_are_what_they_are_alone():
    y = normal(2, 3, 6)
    mean, lines = line_posterior(y, 0.3, width=WIDTH, price=PRICE)
    assert mean.shape == (2, 3, 6) and lines.shape == (2, 3, 5)
    alone = line_posterior(y[1, 2], 0.3, width=WIDTH, price=PRICE)
    torch.testing.assert_close((mean[1, 2], lines[1, 2]), alone)


def test_a_row_in_other_units_has_the_same_lines():
    y = normal(12)
    one = line_posterior(y, 0.3, width=0.2, price=2.0)
    other = line_posterior(1e3 * y, 0.3e3, width=0.2e3, price=2.0)
    torch.testing.assert_close(1e3 * one[0], other[0])
    torch.testing.assert_close(one[1], other[1])


def test_bad_input_is_refused_by_name():
    with pytest.raises(ValueError, match="width"):
        LineProcess(0.0, 1.0)
    with pytest.raises(ValueError, match="price"):
        LineProcess(1.0, math.inf)
    with pytest.raises(ValueError, match=r"x must have shape \(\*, 2\)"):
        LINES.score(torch.zeros(3))
    with pytest.raises(ValueError, match="noise_std"):
        line_posterior(normal(3), 0.0, width=1.0, price=1.0)
