"""Networks as scores: exact baseline, units, bounds, gradients, determinism, bad input."""

import math

import pytest
import torch
from torch import nn

from lessons_lib.networks import EnergyScore, PreconditionedScore, ScaledScore, mlp

SIGMAS = [1e-3, 0.1, 1.0, 30.0]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


class Zero(nn.Module):
    """A net that has learned nothing: the correction is zero."""

    def forward(self, x):
        return torch.zeros_like(x[..., :-1])


class Quadratic(nn.Module):
    """Energy |x|^2 / (2 v) for points of any size."""

    def __init__(self, v):
        super().__init__()
        self.v = nn.Parameter(torch.tensor(v, dtype=torch.float64))

    def forward(self, x):
        return x.square().sum(-1, keepdim=True) / (2 * self.v)


def preconditioned(n=3, seed=0, **options):
    mean = torch.arange(n, dtype=torch.float32)
    net = mlp((n + 1, 16, n), generator=seeded(seed))
    return PreconditionedScore(net, mean, 2.0, **options)


# --- mlp -------------------------------------------------------------------------------------


def test_mlp_has_the_given_widths_and_a_linear_last_layer():
    net = mlp((4, 7, 5, 2), activation=("leaky_relu", "tanh"), generator=seeded())
    kinds = [type(layer) for layer in net]
    assert kinds == [nn.Linear, nn.LeakyReLU, nn.Linear, nn.Tanh, nn.Linear]
    assert net(torch.zeros(6, 3, 4)).shape == (6, 3, 2)
    assert net[0].weight.dtype == torch.float32


def test_mlp_is_reproducible_and_leaves_the_global_seed_alone():
    before = torch.random.get_rng_state()
    one, two, other = (mlp((2, 8, 1), generator=seeded(k)) for k in (1, 1, 2))
    assert torch.equal(one[0].weight, two[0].weight)
    assert not torch.equal(one[0].weight, other[0].weight)
    assert torch.equal(before, torch.random.get_rng_state())


def test_mlp_is_float32_whatever_the_default():
    torch.set_default_dtype(torch.float64)
    try:
        kinds = {p.dtype for p in mlp((2, 8, 1)).parameters()}
    finally:
        torch.set_default_dtype(torch.float32)
    assert kinds == {torch.float32}


@pytest.mark.parametrize("widths", [(3,), (3, 0, 1), (3, 2.5), (True, -1)])
def test_mlp_refuses_bad_widths(widths):
    with pytest.raises(ValueError, match="widths"):
        mlp(widths)


@pytest.mark.parametrize("activation", ["sine", ("tanh", "tanh"), ("tanh", "sine")])
def test_mlp_refuses_bad_activations(activation):
    with pytest.raises(ValueError, match="activation"):
        mlp((2, 8, 1), activation=activation)


# --- PreconditionedScore ---------------------------------------------------------------------


@pytest.mark.parametrize("sigma", SIGMAS)
def test_without_correction_it_is_the_exact_gaussian_score_at_every_sigma(sigma):
    mean, std = torch.tensor([1.0, -2.0], dtype=torch.float64), 0.5
    score = PreconditionedScore(Zero(), mean, std)
    x = torch.randn(5, 4, 2, generator=seeded(), dtype=torch.float64)
    exact = -(x - mean) / (sigma**2 + std**2)
    torch.testing.assert_close(score(x, sigma), exact, rtol=1e-12, atol=0)
    # the factor of erratum 15, v / std^2 instead of 1 / v, is right only as sigma -> 0
    v = math.sqrt(sigma**2 + std**2)
    wrong = -(x - mean) / v * (v / std**2)
    assert ((wrong / exact - 1).abs().max() > 1e-3) == (sigma > 0.01)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_the_score_agrees_with_the_denoiser_it_is_derived_from(sigma):
    score = preconditioned(bound=math.inf).double()
    x = 3 * torch.randn(50, 3, generator=seeded(), dtype=torch.float64)
    m, s = score.mean, score.std
    v = (sigma**2 + s**2).sqrt()
    c_skip, c_out, c_in, c_noise = s**2 / v**2, sigma * s / v, 1 / v, torch.log(sigma / s)
    f = score.net(torch.cat([c_in * (x - m), c_noise.expand(50, 1)], -1))
    denoised = m + c_skip * (x - m) + c_out * f
    torch.testing.assert_close(x + sigma**2 * score(x, sigma), denoised, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("sigma", [0.05, 0.7, 20.0])
def test_the_target_of_the_network_has_mean_zero_and_variance_one(sigma):
    std, num, g = 0.8, 400_000, seeded()
    x0 = 1.5 + std * (torch.rand(num, generator=g, dtype=torch.float64) - 0.5) * math.sqrt(12)
    y = x0 + sigma * torch.randn(num, generator=g, dtype=torch.float64)
    v = math.sqrt(sigma**2 + std**2)
    target = (x0 - 1.5 - std**2 / v**2 * (y - 1.5)) / (sigma * std / v)
    assert abs(float(target.mean())) < 6 / math.sqrt(num)
    assert abs(float(target.var()) - 1) < 0.01


@pytest.mark.parametrize("unit", [1e-3, 255.0])
def test_a_change_of_units_changes_the_score_exactly_so(unit):
    score = preconditioned().double()
    scaled = PreconditionedScore(score.net, score.mean * unit, score.std * unit).double()
    x = torch.randn(10, 3, generator=seeded(), dtype=torch.float64)
    expected = score(x, 0.3) / unit
    torch.testing.assert_close(scaled(x * unit, 0.3 * unit), expected, rtol=1e-5, atol=0)


def test_the_correction_is_bounded_so_far_away_the_score_points_back():
    score = preconditioned(bound=2.0)
    with torch.no_grad():
        for parameter in score.net.parameters():
            parameter.mul_(100)
    x = 1e4 * torch.randn(100, 3, generator=seeded())
    v = math.sqrt(0.5**2 + 2.0**2)
    correction = (score(x, 0.5) + (x - score.mean) / v**2) * 0.5 * v / 2.0
    assert 1.0 < float(correction.detach().abs().max()) <= 2.001
    assert bool((score(x, 0.5) * (x - score.mean)).sum(-1).lt(0).all())


def test_sigma_may_be_a_number_or_one_per_point():
    score = preconditioned()
    x = torch.randn(4, 5, 3, generator=seeded())
    sigma = torch.rand(4, 5, generator=seeded(1)) + 0.1
    together = score(x, sigma)
    for i in range(4):
        for j in range(5):
            torch.testing.assert_close(together[i, j], score(x[i, j], float(sigma[i, j])))


def test_float64_points_meet_float32_weights_and_the_buffers_are_saved():
    score = preconditioned()
    assert score(torch.zeros(2, 3, dtype=torch.float64), 1.0).dtype == torch.float64
    other = preconditioned(seed=5)
    other.load_state_dict(score.state_dict())
    x = torch.randn(4, 3, generator=seeded())
    assert torch.equal(other(x, 0.2), score(x, 0.2))
    assert {"mean", "std"} <= set(score.state_dict())


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (dict(mean=math.nan, std=1.0), "mean"),
        (dict(mean=torch.zeros(2, 2), std=1.0), "mean"),
        (dict(mean=0.0, std=0.0), "std"),
        (dict(mean=0.0, std=torch.ones(3)), "std"),
        (dict(mean=0.0, std=1.0, bound=-1.0), "bound"),
    ],
)
def test_preconditioning_refuses_bad_numbers(arguments, name):
    with pytest.raises((TypeError, ValueError), match=name):
        PreconditionedScore(Zero(), **arguments)


@pytest.mark.parametrize("make", [preconditioned, lambda: ScaledScore(mlp((3, 4, 3)))])
def test_scores_that_divide_by_sigma_refuse_bad_points_and_levels(make):
    score = make()
    with pytest.raises(ValueError, match="sigma"):
        score(torch.zeros(2, 3), 0.0)
    with pytest.raises(ValueError, match="finite"):
        score(torch.full((2, 3), math.nan), 1.0)
    with pytest.raises(TypeError, match="floating"):
        score(torch.zeros(2, 3, dtype=torch.int64), 1.0)


def test_a_net_of_the_wrong_width_is_named():
    score = PreconditionedScore(mlp((4, 8, 2), generator=seeded()), 0.0, 1.0)
    with pytest.raises(ValueError, match="net"):
        score(torch.zeros(5, 3), 1.0)


# --- ScaledScore -----------------------------------------------------------------------------


def test_the_blind_form_is_one_field_at_every_level():
    score = ScaledScore(mlp((2, 8, 2), generator=seeded()))
    x = torch.randn(6, 2, generator=seeded())
    torch.testing.assert_close(0.1 * score(x, 0.1), 7.0 * score(x, 7.0))
    torch.testing.assert_close(score(x, 0.1), score.net(x) / 0.1)


def test_the_conditional_form_is_told_sigma():
    net = mlp((3, 8, 2), generator=seeded())
    x = torch.randn(6, 2, generator=seeded())
    told = torch.cat([x, torch.full((6, 1), math.log(0.1))], -1)
    torch.testing.assert_close(ScaledScore(net, conditional=True)(x, 0.1), net(told) / 0.1)


# --- EnergyScore -----------------------------------------------------------------------------


def test_the_score_of_a_quadratic_energy_is_linear():
    x = torch.randn(4, 5, 3, generator=seeded(), dtype=torch.float64)
    score = EnergyScore(Quadratic(2.5))
    torch.testing.assert_close(score(x), -x / 2.5)
    with torch.no_grad():
        torch.testing.assert_close(score(x), -x / 2.5)


def test_the_gradient_in_the_parameters_passes_through_the_score():
    score = EnergyScore(Quadratic(2.0))
    x = torch.randn(100, 3, generator=seeded(), dtype=torch.float64)
    (0.5 * score(x).square().sum(-1).mean()).backward()  # 1/2 E|x|^2 / v^2
    exact = -x.square().sum(-1).mean() / 2.0**3
    torch.testing.assert_close(score.energy.v.grad, exact)


def test_a_learned_energy_has_a_symmetric_jacobian():
    score = EnergyScore(mlp((4, 16, 1), generator=seeded()), conditional=True).double()
    x = torch.randn(3, generator=seeded(), dtype=torch.float64)
    jacobian = torch.func.jacrev(lambda point: score(point, 0.3))(x)
    torch.testing.assert_close(jacobian, jacobian.T)
    assert float(jacobian.detach().abs().max()) > 1e-3
    batched = torch.autograd.functional.jacobian(lambda point: score(point, 0.3), x)
    torch.testing.assert_close(batched, jacobian)


def test_an_energy_must_be_one_number_for_each_point():
    with pytest.raises(ValueError, match="energy"):
        EnergyScore(mlp((3, 8, 3)))(torch.zeros(2, 3))
