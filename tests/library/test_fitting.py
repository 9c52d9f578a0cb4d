"""`distributions.fit_mixture`: expectation maximisation against closed forms and known mixtures."""

import itertools

import pytest
import torch

from lessons_lib.distributions import GaussianMixture, fit_mixture

torch.set_num_threads(1)


def seeded(k=0):
    return torch.Generator().manual_seed(k)


def truth():
    weights = torch.tensor([0.3, 0.7]).double()
    means = torch.tensor([[-2.0, 0.0], [1.0, 1.0]]).double()
    covs = torch.tensor([[[0.5, 0.2], [0.2, 0.4]], [[0.3, -0.1], [-0.1, 1.0]]]).double()
    return GaussianMixture(weights, means, covs)


def fitted(data, k, **options):
    *_, last = fit_mixture(data, k, **{"num_steps": 60, "floor": 1e-9} | options)
    return last


def test_one_component_is_the_sample_mean_and_covariance():
    x = truth().sample(500, seeded())
    m = fitted(x, 1, num_steps=1, floor=1e-3)
    torch.testing.assert_close(m.means[0], x.mean(0))
    wanted = x.T.cov(correction=0) + 1e-3 * torch.eye(2)
    torch.testing.assert_close(m.covs[0], wanted)


def test_the_likelihood_never_falls():
    x = truth().sample(2000, seeded(1))
    values = [float(m.log_prob(x).mean()) for m in fit_mixture(x, 4, num_steps=40, floor=1e-9)]
    assert all(b > a - 1e-7 for a, b in itertools.pairwise(values))
    assert values[-1] > values[0] + 0.01


def test_recovers_the_mixture_that_made_the_data():
    x = truth().sample(20_000, seeded(2))
    m = fitted(x, 2, num_steps=100)
    order = m.means[:, 0].argsort()
    torch.testing.assert_close(m.weights[order], truth().weights, rtol=0, atol=0.02)
    torch.testing.assert_close(m.means[order], truth().means, rtol=0, atol=0.05)
    torch.testing.assert_close(m.covs[order], truth().covs, rtol=0, atol=0.05)
    y = truth().sample(1000, seeded(3))
    difference = m.score(y, 0.2) - truth().score(y, 0.2)
    assert difference.norm() < 0.05 * truth().score(y, 0.2).norm()


def test_zero_mean_keeps_the_means_and_fits_the_scales():
    """Half the data have ten times the spread of the other half."""
    scale = torch.where(torch.arange(20_000) % 2 == 0, 0.1, 1.0)
    x = scale[:, None] * torch.randn(20_000, 3, generator=seeded(4), dtype=torch.float64)
    m = fitted(x, 2, zero_mean=True)
    assert (m.means == 0).all()
    widths = m.covs.diagonal(dim1=-2, dim2=-1).mean(-1).sqrt().sort().values
    torch.testing.assert_close(widths, torch.tensor([0.1, 1.0]).double(), rtol=0.03, atol=0)


def test_data_on_a_line_stay_finite_and_keep_the_floor():
    t = torch.randn(1000, 1, generator=seeded(5), dtype=torch.float64)
    m = fitted(torch.cat([t, t], -1), 3, floor=1e-4)
    assert torch.isfinite(m.covs).all()
    torch.testing.assert_close(torch.linalg.eigvalsh(m.covs)[:, 0], torch.full((3,), 1e-4).double())


def test_blocks_do_not_change_the_answer(monkeypatch):
    x = truth().sample(300, seeded(6))
    whole = fitted(x, 3, num_steps=5)
    monkeypatch.setattr("lessons_lib.distributions.fitting.MAX_ENTRIES", 60)
    torch.testing.assert_close(fitted(x, 3, num_steps=5).covs, whole.covs)


def test_more_components_than_clusters_do_no_harm():
    x = torch.cat([torch.zeros(50, 2), torch.ones(50, 2)]).double()
    m = fitted(x, 8, floor=1e-4, num_steps=200)
    assert torch.isfinite(m.log_prob(x)).all() and torch.isfinite(m.score(x, 0.1)).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": torch.ones(5)}, "data must have shape"),
        ({"num_components": 0}, "num_components must be an integer from 1 to 10, got 0"),
        ({"num_components": 11}, "num_components must be an integer from 1 to 10, got 11"),
        ({"num_steps": 0}, "num_steps must be"),
        ({"floor": 0.0}, "floor must be positive"),
        ({"data": torch.full((10, 2), float("nan"))}, "data must be finite"),
    ],
)
def test_bad_input_is_named_at_the_call(options, message):
    good = {"data": torch.ones(10, 2), "num_components": 2, "num_steps": 3, "floor": 1e-3}
    with pytest.raises(ValueError, match=message):
        fit_mixture(**good | options)


def test_integers_are_refused():
    with pytest.raises(TypeError, match="data must have a floating-point"):
        fit_mixture(torch.ones(10, 2, dtype=torch.long), 2, num_steps=1, floor=1e-3)
