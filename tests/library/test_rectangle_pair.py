"""`distributions.RectanglePair`: against images, Gaussian mixtures, autograd and refinement."""

import pytest
import torch

from lessons_lib import phantoms
from lessons_lib.distributions import Gaussian, GaussianMixture, RectanglePair

torch.set_num_threads(1)
SIGMAS = (0.005, 0.02, 0.1, 0.5)


def seeded(k=0):
    return torch.Generator().manual_seed(k)


@pytest.fixture(scope="module")
def law():
    return RectanglePair.from_images(20_000, generator=seeded())


def noisy(law, num, sigma, k=9):
    x0 = law.sample(num, seeded(k))
    return x0 + sigma * torch.randn(x0.shape, generator=seeded(k + 1), dtype=x0.dtype)


def one_pair_each(num, k):
    """Two neighbours from each of ``num`` images, so that the pairs are independent."""
    pixel = torch.arange(256).reshape(16, 16)
    down = torch.stack([pixel[:-1].flatten(), pixel[1:].flatten()], -1)
    right = torch.stack([pixel[:, :-1].flatten(), pixel[:, 1:].flatten()], -1)
    pairs = torch.cat([down, right])[torch.randint(480, (num,), generator=seeded(k))]
    images = phantoms.tilted_rectangles(num, generator=seeded(k + 1)).flatten(1)
    return images.gather(1, pairs)  # (num, 2)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_equals_the_mixture_of_its_components(sigma):
    """With fractions that differ no covariance is singular, and `GaussianMixture` knows it all."""
    f = torch.rand(40, 2, generator=seeded(1), dtype=torch.float64)
    w = torch.rand(40, generator=seeded(2), dtype=torch.float64)
    w = w / w.sum()
    law = RectanglePair(f, w, background=(0.2, 0.3), foreground=(1.5, 0.1))
    e = 1 - f
    covs = 0.3**2 * e[:, :, None] * e[:, None] + 0.1**2 * f[:, :, None] * f[:, None]
    mixture = GaussianMixture(w, 0.2 * e + 1.5 * f, covs)
    x = noisy(law, 200, sigma)
    torch.testing.assert_close(law.log_prob(x, sigma), mixture.log_prob(x, sigma))
    torch.testing.assert_close(law.score(x, sigma), mixture.score(x, sigma), rtol=1e-6, atol=1e-7)


def test_one_component_is_a_normal():
    f, one = torch.tensor([[0.25, 0.75]]), torch.ones(1)
    law = RectanglePair(f, one, background=(0.0, 1.0), foreground=(2.0, 2.0))
    cov = torch.tensor(
        [[0.75**2 + 0.5**2, 0.75 * 0.25 + 3 / 4], [0.75 * 0.25 + 3 / 4, 0.25**2 + 1.5**2]]
    )
    normal = Gaussian(torch.tensor([0.5, 1.5]).double(), cov.double())
    x = torch.randn(5, 3, 2, generator=seeded(), dtype=torch.float64)
    sigma = torch.rand(5, 3, generator=seeded(), dtype=torch.float64) + 0.1
    torch.testing.assert_close(law.score(x, sigma), normal.score(x, sigma))
    torch.testing.assert_close(law.log_prob(x, sigma), normal.log_prob(x, sigma))


@pytest.mark.parametrize("sigma", SIGMAS)
def test_score_is_the_gradient_of_log_prob(law, sigma):
    x = noisy(law, 100, sigma).requires_grad_()
    (gradient,) = torch.autograd.grad(law.log_prob(x, sigma).sum(), x)
    scale = gradient.square().mean().sqrt()
    assert (law.score(x, sigma) - gradient).abs().max() < 1e-9 * scale


@pytest.mark.parametrize("sigma", [0.02, 0.1])
def test_density_integrates_to_one(law, sigma):
    width = 8 * (0.02 + sigma**2) ** 0.5
    t = 1 + torch.linspace(-width, width, 300, dtype=torch.float64)
    x = torch.cartesian_prod(t, t)
    total = law.log_prob(x, sigma).exp().sum() * (t[1] - t[0]) ** 2
    torch.testing.assert_close(total, torch.ones_like(total), rtol=1e-6, atol=0)


def test_agrees_with_images_drawn_independently(law):
    """Stein: ``-E[s'z] = sigma E||s||^2`` holds for the score of these very data only."""
    sigma, x0 = 0.05, one_pair_each(40_000, 70)
    noise = torch.randn(x0.shape, generator=seeded(4), dtype=x0.dtype)
    s = law.score(x0 + sigma * noise, sigma)
    gap = -(s * noise).sum(-1) / sigma - s.square().sum(-1)
    error = gap.std() / len(gap) ** 0.5
    assert gap.mean().abs() < 4 * error
    assert error < 0.01 * s.square().sum(-1).mean()


def test_moments_of_samples_and_of_images(law):
    x, images = law.sample(40_000, seeded(5)), one_pair_each(40_000, 80)
    torch.testing.assert_close(x.T.cov(), images.T.cov(), rtol=0.05, atol=1e-4)
    flat, wanted = (((v[:, 0] - v[:, 1]).abs() < 1e-9).double().mean() for v in (x, images))
    assert 0.6 < wanted < 0.95 and (flat - wanted).abs() < 0.01


@pytest.fixture(scope="module")
def others():
    """The same law with finer bins, and of other images."""
    finer = RectanglePair.from_images(20_000, bins=60, generator=seeded())
    return finer, RectanglePair.from_images(20_000, generator=seeded(1))


@pytest.mark.parametrize("sigma", SIGMAS)
def test_finer_bins_and_other_images_change_little(law, others, sigma):
    x = noisy(law, 1000, sigma)
    s = law.score(x, sigma)
    for other in others:
        assert (other.score(x, sigma) - s).norm() < 2e-3 * s.norm()


def test_neighbours_are_exchangeable(law):
    x = noisy(law, 300, 0.03)
    torch.testing.assert_close(law.log_prob(x.flip(-1), 0.03), law.log_prob(x, 0.03))
    torch.testing.assert_close(law.score(x.flip(-1), 0.03), law.score(x, 0.03).flip(-1))


def test_shapes_types_and_far_points(law):
    x = noisy(law, 12, 0.1).reshape(3, 4, 2)
    assert law.log_prob(x, 0.1).shape == (3, 4)
    sigma = torch.full((4,), 0.1, dtype=torch.float64)
    assert torch.equal(law.score(x, sigma), law.score(x, 0.1))
    assert law.score(x.float(), 0.1).dtype == torch.float32
    far = torch.tensor([[1e3, -1e3], [1e3, 1e3]], dtype=torch.float64)
    assert torch.isfinite(law.score(far, 0.01)).all()
    assert torch.equal(law.sample(5, seeded()), law.sample(5, seeded()))


def test_given_sum_is_the_conditional_law(law):
    """Against samples whose sum is close, and against the joint density far from the atom."""
    x = law.sample(400_000, seeded(8))
    for total in (1.75, 2.0, 2.2):
        weights, means, stds = law.given_sum(total)
        d = (x[:, 1] - x[:, 0])[(x.sum(-1) - total).abs() < 0.01]
        second = weights @ (means**2 + stds**2)
        torch.testing.assert_close(d.square().mean(), second, rtol=0.15, atol=0)
        atom = weights[stds == 0].sum()
        assert abs(float((d.abs() < 1e-9).double().mean() - atom)) < 0.03
        torch.testing.assert_close(weights.sum(), torch.ones_like(atom))


def test_given_sum_of_one_component_is_gaussian_conditioning():
    f = torch.tensor([[0.25, 0.75]])
    law = RectanglePair(f, torch.ones(1), background=(0.0, 1.0), foreground=(2.0, 2.0))
    cov, mean = law.covs[0], law.means[0]
    turn = torch.tensor([[1.0, 1.0], [-1.0, 1.0]]).double()
    (t, d), c = turn @ mean, turn @ cov @ turn.T
    _, means, stds = law.given_sum(5.0)
    torch.testing.assert_close(means[0], d + c[0, 1] / c[0, 0] * (5 - t))
    torch.testing.assert_close(stds[0] ** 2, c[1, 1] - c[0, 1] ** 2 / c[0, 0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda law: law.score(torch.ones(3, 2), 0.0), "sigma must be positive"),
        (lambda law: law.score(torch.ones(3, 3), 0.1), "x must have shape"),
        (lambda law: law.log_prob(torch.ones(3, 2), -1.0), "sigma must be positive"),
        (lambda _: RectanglePair(torch.ones(3, 2), torch.ones(3)), "sum to 1"),
        (lambda _: RectanglePair(2 * torch.ones(1, 2), torch.ones(1)), "fractions must be in"),
        (lambda _: RectanglePair(torch.ones(1, 2), torch.ones(2)), "weights must have shape"),
        (
            lambda _: RectanglePair(torch.ones(1, 2), torch.ones(1), background=(1, 0.0)),
            "background standard deviation must be positive",
        ),
        (lambda _: RectanglePair.from_images(10, bins=0), "bins must be a positive integer"),
        (lambda _: RectanglePair.from_images(0), "num must be a positive integer"),
    ],
)
def test_bad_input_is_named(law, call, message):
    with pytest.raises(ValueError, match=message):
        call(law)
