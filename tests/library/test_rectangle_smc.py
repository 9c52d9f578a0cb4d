"""`distributions.rectangle_smc`: against exact mixtures, chains, limits and calibration."""

import math

import pytest
import torch

from lessons_lib import phantoms
from lessons_lib.distributions import RectanglePair, rectangle_posterior, rectangle_smc
from lessons_lib.distributions.rectangle_model import RectangleModel

torch.set_num_threads(1)
F64 = torch.float64
LEVELS = {"background": (1.0, 0.1), "foreground": (2.0, 0.03)}
PAIR = ((LEVELS["background"], LEVELS["foreground"]),)


def seeded(k=0):
    return torch.Generator().manual_seed(k)


def noisy(num, sigma, k, *, size=16, **levels):
    p = phantoms.rectangle_parameters(num, size=size, generator=seeded(k), **levels)
    x0 = phantoms.draw_rectangles(p, size=size)
    return p, x0, x0 + sigma * torch.randn(x0.shape, generator=seeded(k + 1), dtype=F64)


def test_evidence_is_the_density_of_a_gaussian_vector():
    """The five sums, against the dense normal density with covariance D S D' + sigma^2 I."""
    _, _, y = noisy(2, 0.1, 0)
    mask = torch.rand(y.shape, generator=seeded(1)) < 0.5
    model = RectangleModel(y, 0.1, *PAIR, size=16, mask=mask)
    q = model.prior(3, seeded(2))
    f = model.fractions(q)
    found = model.levels(f)
    for b in range(2):
        on = mask[b].flatten()
        for k in range(3):
            weights = torch.stack([1 - f[b, k], f[b, k]], -1)[on]
            spread = torch.diag(torch.tensor([0.1, 0.03], dtype=F64) ** 2)
            cov = weights @ spread @ weights.T + 0.01 * torch.eye(int(on.sum()), dtype=F64)
            mean = weights @ torch.tensor([1.0, 2.0], dtype=F64)
            dense = torch.distributions.MultivariateNormal(mean, cov)
            data = y[b].flatten()[on]
            torch.testing.assert_close(found.log_evidence[b, k], dense.log_prob(data))
            gain = spread @ weights.T @ torch.linalg.inv(cov)
            level = torch.tensor([1.0, 2.0], dtype=F64) + gain @ (data - mean)
            torch.testing.assert_close(found.mean[b, k], level)
            torch.testing.assert_close(found.cov[b, k], spread - gain @ weights @ spread)


@pytest.mark.parametrize("sigma", [0.05, 0.2])
def test_pairs_at_all_places_are_the_exact_mixture(sigma):
    """A pair at an unknown place: average the evidence over places, and weight the means by it."""
    size, y = 6, torch.tensor([1.1, 1.6], dtype=F64)
    down = torch.tensor([[True, False], [True, False]])
    places = torch.cartesian_prod(torch.arange(size - 1), torch.arange(size)).to(F64)
    corner = torch.cat([places, places.flip(-1)])  # down, then across
    mask = torch.cat([down.expand(len(places), 2, 2), down.T.expand(len(places), 2, 2)])
    both = torch.cat([corner, corner]), torch.cat([mask, mask])
    window = torch.zeros(len(corner) * 2, 2, 2, dtype=F64)
    window[: len(corner)][mask] = y.repeat(len(corner))  # and the pair in the other order
    window[len(corner) :][mask] = y.flip(0).repeat(len(corner))
    found = rectangle_smc(window, sigma, size=size, corner=both[0], mask=both[1], num_particles=150,
                          generator=seeded(3), **LEVELS)  # fmt: skip
    weight = found.log_evidence().softmax(0)
    mean = found.mean()[both[1]].reshape(-1, 2)
    mean[len(corner) :] = mean[len(corner) :].flip(-1)
    law = RectanglePair.from_images(40_000, size=size, bins=64, generator=seeded(4), **LEVELS)
    density = found.log_evidence().logsumexp(0) - math.log(len(weight))
    assert abs(float(density - law.log_prob(y, sigma))) < 0.03
    exact = y + sigma**2 * law.score(y, sigma)
    torch.testing.assert_close(weight @ mean, exact, rtol=0, atol=0.05 * sigma)


def test_windows_agree_with_weighted_draws_of_the_prior():
    """Importance sampling, which still works for 3 x 3 pixels in strong noise."""
    sigma, corner = 0.3, torch.tensor([[4.0, 6.0], [-1.0, 14.0]])
    _, _, y = noisy(2, sigma, 5)
    window = torch.stack([y[0, 4:7, 6:9], torch.zeros(3, 3, dtype=F64)])
    mask = torch.ones(2, 3, 3, dtype=torch.bool)
    window[1, 1:, :2], mask[1, 0], mask[1, :, 2] = y[1, :2, 14:], False, False  # over a corner
    found = rectangle_smc(window, sigma, size=16, corner=corner, mask=mask, generator=seeded(6),
                          **LEVELS)  # fmt: skip
    model = RectangleModel(window, sigma, *PAIR, size=16, corner=corner, mask=mask)
    f = model.fractions(model.prior(100_000, seeded(7)))
    log_evidence, level, _ = model.levels(f)
    x = (1 - f) * level[..., :1] + f * level[..., 1:]
    w = log_evidence.softmax(-1)[..., None]
    mean = (w * x).sum(1)
    error = (w.square() * (x - mean[:, None]).square()).sum(1).sqrt()
    off = (found.mean().flatten(1) - mean) / (found.std_error().flatten(1) + error)
    assert off.abs().max() < 4 and found.std_error().max() < 0.05 * sigma
    density = log_evidence.logsumexp(-1) - math.log(100_000)
    torch.testing.assert_close(found.log_evidence(), density, rtol=0, atol=0.05)


def test_from_the_prior_it_finds_what_chains_from_the_truth_find():
    sigma = 0.1
    p, _, y = noisy(4, sigma, 8, **LEVELS)
    found = rectangle_smc(y, sigma, generator=seeded(9), **LEVELS)
    assert found.std_error().square().mean().sqrt() < 0.02 * sigma
    for k in range(4):
        mean, cov = rectangle_posterior(y[k], sigma, p[k], num_chains=40, num_steps=90, **LEVELS)
        assert (mean - found.mean()[k]).square().mean().sqrt() < 0.05 * sigma
        assert abs(float(cov.trace() / found.variance()[k].sum()) - 1) < 0.2


def test_seven_numbers_are_left_in_weak_noise():
    """Bayes error ``7 sigma^2 / 256``: as large as the variance says, and as the limit says."""
    sigma, wide = 0.02, {"background": (1.0, 0.1), "foreground": (2.0, 0.1)}
    _, x0, y = noisy(24, sigma, 10, **wide)
    found = rectangle_smc(y, sigma, num_particles=150, generator=seeded(11), **wide)
    numbers = found.variance().sum((1, 2)) / sigma**2
    assert abs(float(numbers.mean()) - 7) < 0.25
    error = (found.mean() - x0).square().sum((1, 2)) / sigma**2
    assert abs(float(error.mean()) - 7) < 4 * math.sqrt(2 * 7 / 24)


def test_the_truth_is_a_draw_of_the_posterior():
    """Calibration, with the talk's own levels: the rank of a true pixel among draws is uniform."""
    sigma, num = 0.1, 100
    _, x0, y = noisy(num, sigma, 12)
    found = rectangle_smc(y, sigma, num_particles=100, num_islands=2, generator=seeded(13))
    draws = found.sample(seeded(14))  # (num, 200, 16, 16)
    for i, j in ((8, 8), (4, 11), (0, 0)):
        rank = (draws[..., i, j] < x0[:, None, i, j]).double().mean(1)
        assert abs(float(rank.mean()) - 0.5) < 4 / math.sqrt(12 * num)
        inside = ((rank > 0.1) & (rank < 0.9)).double().mean()
        assert abs(float(inside) - 0.8) < 4 * math.sqrt(0.16 / num)
    ratio = (found.mean() - x0).square().mean() / found.variance().mean()
    assert 0.75 < ratio < 1.25


def test_standard_error_is_the_spread_of_repetitions():
    _, _, y = noisy(6, 0.1, 15, **LEVELS)
    a, b = (
        rectangle_smc(y, 0.1, num_particles=100, generator=seeded(k), **LEVELS) for k in (16, 17)
    )
    wanted = (a.std_error().square() + b.std_error().square()).mean()
    assert 0.5 < (a.mean() - b.mean()).square().mean() / wanted < 2


def test_pixels_without_data_are_not_looked_at():
    _, _, y = noisy(1, 0.1, 18)
    mask = torch.zeros(16, 16, dtype=torch.bool)
    mask[5:8, 5:9] = True
    small = {"mask": mask, "num_particles": 30, "num_moves": 2}
    a, b = (rectangle_smc(x, 0.1, generator=seeded(19), **small) for x in (y, y.where(mask, 9.0)))
    assert torch.equal(a.mean(), b.mean()) and a.mean().shape == (1, 16, 16)
    assert a.sample(seeded()).shape == (1, 120, 16, 16)
    same = rectangle_smc(y[0], 0.1, generator=seeded(19), **small)
    assert torch.equal(same.mean(), a.mean()[0]) and same.log_evidence().shape == ()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x": torch.zeros(4, 5)}, ValueError, "x must have shape"),
        ({"x": torch.zeros(4, 4).long()}, TypeError, "x must have a floating-point dtype"),
        ({"sigma": 0.0}, ValueError, "sigma must be positive"),
        ({"num_islands": 1}, ValueError, "num_islands must be at least 2"),
        ({"num_particles": 0}, ValueError, "num_particles must be a positive integer, got 0"),
        ({"num_moves": 1.5}, ValueError, "num_moves must be a positive integer, got 1.5"),
        ({"size": 0}, ValueError, "size must be a positive integer, got 0"),
        ({"corner": torch.zeros(3)}, ValueError, r"corner must broadcast to \(2,\), got \(3,\)"),
        ({"mask": torch.ones(2, 2, dtype=torch.bool)}, ValueError, "mask must broadcast"),
        ({"mask": torch.ones(4, 4)}, TypeError, "mask must be a tensor of bool"),
    ],
)
def test_bad_input_is_named(change, error, message):
    good = {"x": torch.ones(4, 4), "sigma": 0.1}
    with pytest.raises(error, match=message):
        rectangle_smc(**good | change)
