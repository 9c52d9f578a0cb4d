"""Samplers against the exact laws that a Gaussian gives them, seeds, and bad input."""

import math

import pytest
import torch

from lessons_lib.samplers import annealed_langevin, langevin, last, probability_flow
from lessons_lib.schedules import geometric, karras

MEAN = torch.tensor([1.0, -2.0], dtype=torch.float64)
VARIANCE = torch.tensor([0.5, 4.0], dtype=torch.float64)
CHAINS = 100_000


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def gaussian(x, sigma):
    """Score of N(MEAN, diag VARIANCE) at every sigma."""
    return -(x - MEAN) / (VARIANCE + torch.as_tensor(sigma, dtype=x.dtype) ** 2)


def start(num=CHAINS, scale=1.0, seed=5):
    return scale * torch.randn(num, 2, generator=seeded(seed), dtype=torch.float64)


def assert_moments(x, mean, variance):
    """Sample mean and variance within five standard errors."""
    num = len(x)
    mean_error = (x.mean(0) - mean).abs() / (variance / num).sqrt()
    variance_error = (x.var(0) / variance - 1).abs() / math.sqrt(2 / num)
    assert float(mean_error.max()) < 5
    assert float(variance_error.max()) < 5


# --- Langevin --------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [1.0, 0.3])
@pytest.mark.parametrize("step", [0.1, 0.4])
def test_langevin_reaches_the_biased_variance_that_theory_gives(step, temperature):
    stationary = temperature * VARIANCE / (1 - step / (2 * VARIANCE))
    x = MEAN + stationary.sqrt() * start()  # started there, it stays there
    x = last(
        langevin(gaussian, x, step=step, num_steps=30, temperature=temperature, generator=seeded())
    )
    assert_moments(x, MEAN, stationary)


def test_langevin_forgets_its_start_at_the_exact_rate():
    step, steps = 0.2, 12
    keep = 1 - step / VARIANCE
    mean, variance = torch.zeros(2, dtype=torch.float64) - MEAN, torch.ones(2, dtype=torch.float64)
    for _ in range(steps):
        mean, variance = keep * mean, keep**2 * variance + 2 * step
    x = last(langevin(gaussian, start(), step=step, num_steps=steps, generator=seeded()))
    assert_moments(x, MEAN + mean, variance)


def test_langevin_hands_sigma_to_the_score():
    sigma, step = 3.0, 1.0
    smoothed = VARIANCE + sigma**2
    stationary = smoothed / (1 - step / (2 * smoothed))
    x = MEAN + stationary.sqrt() * start()
    x = last(langevin(gaussian, x, step=step, num_steps=20, sigma=sigma, generator=seeded()))
    assert_moments(x, MEAN, stationary)


def test_temperature_zero_is_gradient_ascent():
    states = list(langevin(gaussian, start(3), step=0.3, num_steps=4, temperature=0.0))
    expected = start(3)
    for state in states:
        expected = expected + 0.3 * gaussian(expected, 0.0)
        torch.testing.assert_close(state, expected)


def test_a_step_beyond_twice_the_variance_diverges_and_stops_with_advice():
    with pytest.raises(FloatingPointError, match=r"Langevin step \d+: reduce step"):
        last(langevin(gaussian, start(3), step=50.0, num_steps=10_000))


# --- annealed Langevin -----------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [0.1, 0.5])
def test_annealed_langevin_has_the_exact_moments_at_every_level(ratio):
    sigmas, steps = geometric(5.0, 0.1, 6), 8
    mean, variance = -MEAN, torch.full((2,), 25.0, dtype=torch.float64)
    states = annealed_langevin(
        gaussian,
        start(scale=5.0),
        sigmas,
        steps_per_level=steps,
        step_ratio=ratio,
        generator=seeded(),
    )
    for sigma, x in zip(sigmas, states, strict=True):
        step = ratio * sigma**2
        keep = 1 - step / (VARIANCE + sigma**2)
        for _ in range(steps):
            mean, variance = keep * mean, keep**2 * variance + 2 * step
        assert_moments(x, MEAN + mean, variance)


def test_enough_annealed_steps_recover_the_data_moments():
    states = annealed_langevin(
        gaussian,
        start(10_000, scale=20.0),
        geometric(20.0, 0.05, 20),
        steps_per_level=100,
        step_ratio=0.5,
        generator=seeded(),
    )
    x = last(states)
    assert float((x.mean(0) - MEAN).abs().max()) < 0.05
    assert float((x.var(0) / VARIANCE - 1).abs().max()) < 0.06


# --- probability flow ------------------------------------------------------------------------


def exact_flow(x, first, final):
    return MEAN + (x - MEAN) * ((VARIANCE + final**2) / (VARIANCE + first**2)).sqrt()


def test_the_flow_scales_a_gaussian_exactly_at_every_level():
    sigmas, x = geometric(10.0, 0.01, 400), start(50, scale=10.0)
    for sigma, state in zip(sigmas[1:], probability_flow(gaussian, x, sigmas), strict=True):
        torch.testing.assert_close(state, exact_flow(x, 10.0, sigma), rtol=2e-3, atol=1e-3)


def test_the_error_of_the_flow_falls_with_the_square_of_the_step():
    x, errors = start(50, scale=5.0), []
    for num in (50, 100, 200, 400):
        final = last(probability_flow(gaussian, x, geometric(5.0, 0.1, num + 1)))
        errors.append(float((final - exact_flow(x, 5.0, 0.1)).abs().max()))
    orders = torch.tensor(errors).log2().diff().neg()
    torch.testing.assert_close(orders, torch.full((3,), 2.0), atol=0.1, rtol=0)


def test_the_last_step_to_zero_is_tweedie_and_never_asks_at_zero():
    def refuses_zero(x, sigma):
        assert float(sigma) > 0
        return gaussian(x, sigma)

    sigmas = torch.tensor([0.7, 0.0], dtype=torch.float64)
    x = start(4)
    state = last(probability_flow(refuses_zero, x, sigmas))
    torch.testing.assert_close(state, x + 0.49 * gaussian(x, 0.7))
    x = start(4, scale=10.0)
    final = last(probability_flow(refuses_zero, x, karras(10.0, 0.0, 300)))
    torch.testing.assert_close(final, exact_flow(x, 10.0, 0.0), rtol=1e-3, atol=1e-3)


# --- all -------------------------------------------------------------------------------------


SAMPLERS = {
    "langevin": lambda score, x, g: langevin(score, x, step=0.1, num_steps=5, generator=g),
    "annealed": lambda score, x, g: annealed_langevin(
        score, x, geometric(3.0, 0.5, 5), steps_per_level=2, generator=g
    ),
    "flow": lambda score, x, g: probability_flow(score, x, geometric(3.0, 0.5, 6)),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_yields_states_like_its_start(name):
    for dtype in (torch.float32, torch.float64):
        x = torch.randn(3, 4, 2, generator=seeded()).to(dtype)
        states = list(SAMPLERS[name](lambda x, sigma: -x, x, seeded()))
        assert len(states) == 5
        assert all(s.shape == x.shape and s.dtype == dtype for s in states)


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_repeats_itself_and_leaves_the_global_seed_alone(name):
    before = torch.random.get_rng_state()
    runs = [list(SAMPLERS[name](gaussian, start(6), seeded(k)))[-1] for k in (1, 1, 2)]
    assert torch.equal(runs[0], runs[1])
    assert torch.equal(runs[0], runs[2]) == (name == "flow")
    SAMPLERS[name](gaussian, start(6), None)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_drops_the_graph(name):
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)
    states = SAMPLERS[name](lambda x, sigma: -weight * x, start(6), seeded())
    assert all(not s.requires_grad for s in states)


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_stops_at_a_state_that_is_not_finite(name):
    with pytest.raises(FloatingPointError, match=r"non-finite at .* reduce"):
        last(SAMPLERS[name](lambda x, sigma: x * math.nan, start(6), seeded()))


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_refuses_bad_points_and_scores(name):
    with pytest.raises(TypeError, match="x must"):
        SAMPLERS[name](gaussian, torch.zeros(3, 2, dtype=torch.int64), seeded())
    with pytest.raises(ValueError, match="x must be finite"):
        SAMPLERS[name](gaussian, torch.full((3, 2), math.inf), seeded())
    with pytest.raises(ValueError, match="score"):
        last(SAMPLERS[name](lambda x, sigma: x[..., :1], start(6), seeded()))


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (dict(step=0.0), "step"),
        (dict(step=math.nan), "step"),
        (dict(num_steps=0), "num_steps"),
        (dict(num_steps=1.5), "num_steps"),
        (dict(temperature=-1.0), "temperature"),
    ],
)
def test_langevin_refuses_bad_options(options, name):
    with pytest.raises(ValueError, match=name):
        langevin(gaussian, start(3), **{"step": 0.1, "num_steps": 3, **options})


@pytest.mark.parametrize(
    "sigmas", [[1.0, 2.0], [1.0, 1.0], [1.0], [[2.0, 1.0]], [1.0, -1.0], [math.nan, 1.0]]
)
def test_ladders_must_decrease(sigmas):
    ladder = torch.tensor(sigmas)
    with pytest.raises(ValueError, match="sigmas"):
        probability_flow(gaussian, start(3), ladder)
    with pytest.raises(ValueError, match="sigmas"):
        annealed_langevin(gaussian, start(3), ladder, steps_per_level=1)


def test_annealed_langevin_refuses_bad_options():
    sigmas = geometric(2.0, 1.0, 3)
    with pytest.raises(ValueError, match="steps_per_level"):
        annealed_langevin(gaussian, start(3), sigmas, steps_per_level=0)
    with pytest.raises(ValueError, match="step_ratio"):
        annealed_langevin(gaussian, start(3), sigmas, steps_per_level=1, step_ratio=-0.1)
    with pytest.raises(ValueError, match="sigmas must be positive"):
        annealed_langevin(gaussian, start(3), torch.tensor([1.0, 0.0]), steps_per_level=1)


def test_last_wants_a_state():
    with pytest.raises(ValueError, match="states"):
        last([])
