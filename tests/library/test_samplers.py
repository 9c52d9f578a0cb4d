"""Samplers against the exact laws that a Gaussian gives them, seeds, and bad input."""

import math
import sys
from collections import Counter

import pytest
import torch

from lessons_lib.diagnostics import acceptance
from lessons_lib.distributions import GaussianMixture
from lessons_lib.samplers import (
    ancestral,
    annealed_langevin,
    gibbs,
    langevin,
    last,
    mala,
    multistep,
    probability_flow,
)
from lessons_lib.schedules import geometric, karras
from lessons_lib.shapes import checked

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


SOLVERS = {
    f"{solver.__name__} {order}": (solver, order)
    for solver in (probability_flow, multistep)
    for order in (1, 2, 3)
}


@pytest.mark.parametrize("name", SOLVERS)
def test_the_error_of_the_flow_falls_with_its_order(name):
    """One pixel of two levels: the flow keeps the quantile, so its end is known exactly."""
    solver, order = SOLVERS[name]
    pair = GaussianMixture(
        torch.tensor([0.3, 0.7], dtype=torch.float64),
        torch.tensor([[-1.0], [1.5]], dtype=torch.float64),
        0.2,
    )
    x, errors = torch.linspace(-6, 7, 9, dtype=torch.float64)[:, None], []
    for num in (80, 160, 320):
        final = last(solver(pair.score, x, geometric(4.0, 0.5, num + 1), order=order))
        errors.append(float((quantile(pair, final, 0.5) - quantile(pair, x, 4.0)).abs().max()))
    orders = torch.tensor(errors).log2().diff().neg()
    torch.testing.assert_close(orders, torch.full((2,), float(order)), atol=0.15, rtol=0)


def quantile(pair, x, sigma):
    """Distribution function of a mixture on the line, smoothed by ``sigma``."""
    width = (pair.covs[:, 0, 0] + sigma**2).sqrt()
    return torch.special.ndtr((x - pair.means[:, 0]) / width) @ pair.weights


@pytest.mark.parametrize("name", SOLVERS)
def test_the_last_step_to_zero_is_tweedie_and_never_asks_at_zero(name):
    solver, order = SOLVERS[name]

    def refuses_zero(x, sigma):
        assert float(sigma) > 0
        return gaussian(x, sigma)

    sigmas = torch.tensor([0.7, 0.0], dtype=torch.float64)
    x = start(4)
    state = last(solver(refuses_zero, x, sigmas, order=order))
    torch.testing.assert_close(state, x + 0.49 * gaussian(x, 0.7))
    x = start(4, scale=10.0)
    final = last(solver(refuses_zero, x, karras(10.0, 0.0, 300), order=order))
    error = 0.05 if order == 1 else 1e-3
    torch.testing.assert_close(final, exact_flow(x, 10.0, 0.0), rtol=error, atol=error)


def test_the_first_order_is_one_method_under_three_names():
    x, sigmas = start(20, scale=5.0), torch.cat([geometric(5.0, 0.1, 9), torch.zeros(1)])
    states = (
        probability_flow(gaussian, x, sigmas, order=1),
        multistep(gaussian, x, sigmas, order=1),
        ancestral(gaussian, x, sigmas, eta=0.0),
    )
    for one, two, three in zip(*states, strict=True):
        torch.testing.assert_close(one, two)
        torch.testing.assert_close(one, three)


@pytest.mark.parametrize(("order", "num"), [(1, 8), (2, 8), (3, 9)])
def test_a_step_with_memory_costs_one_evaluation(order, num):
    calls = []

    def counted(x, sigma):
        calls.append(sigma)
        return gaussian(x, sigma)

    last(multistep(counted, start(3), geometric(3.0, 0.5, 9), order=order))
    assert len(calls) == num


@pytest.mark.parametrize("solver", [probability_flow, multistep])
def test_solvers_name_the_orders_they_have(solver):
    with pytest.raises(ValueError, match="order must be an integer from 1 to 3, got 4"):
        solver(gaussian, start(3), geometric(3.0, 0.5, 4), order=4)


# --- the reverse diffusion -------------------------------------------------------------------


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_the_reverse_diffusion_has_the_exact_moments_at_every_level(eta):
    """Of N(MEAN, VARIANCE) each step is affine: two recursions give its law, bias and all."""
    sigmas, generator = geometric(8.0, 0.2, 7), seeded(1)
    gap, variance = torch.zeros(2, dtype=torch.float64), VARIANCE + 64
    x = MEAN + variance.sqrt() * start()
    states = ancestral(gaussian, x, sigmas, eta=eta, generator=generator)
    for sigma, tau, state in zip(sigmas[:-1], sigmas[1:], states, strict=True):
        shrink = VARIANCE / (VARIANCE + sigma**2)
        drawn = eta**2 * tau**2 * (1 - tau**2 / sigma**2)
        factor = shrink + (tau**2 - drawn).sqrt() / sigma * (1 - shrink)
        gap, variance = factor * gap, factor**2 * variance + drawn
        assert_moments(state, MEAN + gap, variance)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_small_steps_of_the_reverse_diffusion_have_the_law_of_the_data(eta):
    sigmas = torch.cat([geometric(20.0, 0.01, 400), torch.zeros(1, dtype=torch.float64)])
    x = MEAN + (VARIANCE + 400).sqrt() * start(20_000)
    x = last(ancestral(gaussian, x, sigmas, eta=eta, generator=seeded(1)))
    assert float((x.mean(0) - MEAN).abs().max()) < 0.05
    assert float((x.var(0) / VARIANCE - 1).abs().max()) < 0.06


@pytest.mark.parametrize("eta", [-0.1, 1.1, math.nan])
def test_eta_is_a_share(eta):
    with pytest.raises(ValueError, match="eta must be"):
        ancestral(gaussian, start(3), geometric(3.0, 0.5, 4), eta=eta)


# --- Langevin with a Metropolis test ---------------------------------------------------------


def log_gaussian(x, sigma):
    """Log density of N(MEAN, diag VARIANCE) at every sigma, without its constant."""
    variance = VARIANCE + torch.as_tensor(sigma, dtype=x.dtype) ** 2
    return -((x - MEAN) ** 2 / (2 * variance)).sum(-1)


def log_field(x, sigma):
    return -(x**2).sum((-2, -1)) / 2


def uphill(x, sigma):
    return -x


@pytest.mark.parametrize("sigma", [0.0, 1.5])
@pytest.mark.parametrize("step", [0.2, 0.9, 4.0])
def test_mala_keeps_the_exact_variance_where_langevin_has_another(step, sigma):
    variance = VARIANCE + sigma**2
    x = MEAN + variance.sqrt() * start()
    options = dict(step=step, num_steps=30, sigma=sigma, generator=seeded())
    x = last(mala(gaussian, log_gaussian, x, **options))
    assert_moments(x, MEAN, variance)


@pytest.mark.parametrize("ratio", [0.3, 1.0, 2.0, 5.0])
def test_mala_accepts_the_share_that_an_arctangent_gives(ratio):
    variance = 0.25
    x = math.sqrt(variance) * start()[:, :1]
    options = dict(step=ratio * variance, num_steps=4, generator=seeded())
    walk = [x, *mala(lambda x, s: -x / variance, lambda x, s: log_field(x[..., None], s) / variance,
                     x, **options)]  # fmt: skip
    share = acceptance(torch.stack(walk)).mean()
    error = 0.5 / math.sqrt(4 * CHAINS)
    assert abs(float(share) - 2 / math.pi * math.atan((2 / ratio) ** 1.5)) < 5 * error


def test_every_move_of_mala_is_as_frequent_as_its_reverse():
    modes = GaussianMixture(
        torch.tensor([0.3, 0.7]).double(), torch.tensor([[-1.0], [1.0]]).double(), 0.4
    )
    x = modes.sample(200_000, seeded(3))
    y = last(mala(modes.score, modes.log_prob, x, step=0.5, num_steps=1, generator=seeded()))
    edges = torch.linspace(-2.0, 2.0, 9, dtype=torch.float64)
    cells = [torch.bucketize(v[:, 0].contiguous(), edges) for v in (x, y)]
    flow = torch.bincount(10 * cells[0] + cells[1], minlength=100).reshape(10, 10).double()
    error = (flow + flow.T).sqrt().clamp(min=1.0)
    assert float((flow > 100).sum()) > 30  # moves of many kinds
    assert float(((flow - flow.T) / error).abs().max()) < 4.5


def test_a_wrong_score_makes_mala_slow_and_leaves_it_exact():
    x = MEAN + VARIANCE.sqrt() * start()
    options = dict(step=0.3, num_steps=20, generator=seeded())
    x = last(mala(lambda x, s: -2 * gaussian(x, s), log_gaussian, x, **options))
    assert_moments(x, MEAN, VARIANCE)


def test_mala_decides_once_for_each_image():
    x = torch.randn(500, 4, 6, generator=seeded(1), dtype=torch.float64)
    y = last(mala(uphill, log_field, x, step=0.4, num_steps=1, generator=seeded()))
    changed = (y != x).flatten(1)
    assert torch.equal(changed.any(1), changed.all(1))
    assert 0.1 < float(changed.any(1).double().mean()) < 0.9


def test_mala_stays_where_the_density_lives():
    def log_exponential(x, sigma):
        return torch.where(x > 0, -x, -torch.inf).sum(-1)

    x = -torch.rand(CHAINS, 1, generator=seeded(1), dtype=torch.float64).log()
    options = dict(step=0.5, num_steps=20, generator=seeded())
    x = last(mala(lambda x, s: -torch.ones_like(x), log_exponential, x, **options))
    assert float(x.min()) > 0
    assert abs(float(x.mean()) - 1) < 5 / math.sqrt(CHAINS)
    assert abs(float(x.square().mean()) - 2) < 5 * math.sqrt(20 / CHAINS)


def test_mala_refuses_bad_densities_and_starts():
    x, options = start(3), dict(step=0.1, num_steps=2)
    with pytest.raises(ValueError, match=r"log_prob.*one value for each chain.*got \(3, 2\)"):
        last(mala(gaussian, lambda x, s: -(x**2), x, **options))
    with pytest.raises(TypeError, match=r"log_prob.*float"):
        last(mala(gaussian, lambda x, s: 1.0, x, **options))
    with pytest.raises(ValueError, match="x must start where log_prob is finite"):
        last(mala(gaussian, lambda x, s: x[:, 0] - torch.inf, x, **options))
    with pytest.raises(FloatingPointError, match="the odds became NaN at MALA step 1: reduce"):
        last(mala(gaussian, lambda x, s: x[:, 0] * torch.nan, x, **options))
    for name, value in [("step", -1.0), ("num_steps", 0), ("sigma", -1.0)]:
        with pytest.raises(ValueError, match=name):
            mala(gaussian, log_gaussian, x, **{**options, name: value})


# --- Gibbs -----------------------------------------------------------------------------------

CORRELATION = 0.8


def one_given_the_other(i):
    """Coordinate ``i`` of a normal pair with unit variances, at temperature ``T``."""

    def draw(x, T, generator):
        spread = math.sqrt(T * (1 - CORRELATION**2))
        noise = torch.randn(len(x), generator=generator, dtype=x.dtype)
        x = x.clone()
        x[:, i] = CORRELATION * x[:, 1 - i] + spread * noise
        return x

    return draw


PAIR = [one_given_the_other(0), one_given_the_other(1)]


@pytest.mark.parametrize("temperature", [1.0, 0.25])
def test_gibbs_keeps_the_exact_law_of_a_normal_pair(temperature):
    root = torch.linalg.cholesky(torch.tensor([[1.0, CORRELATION], [CORRELATION, 1.0]]).double())
    x = math.sqrt(temperature) * start() @ root.T  # started there, it stays there
    x = last(gibbs(PAIR, x, num_sweeps=5, temperatures=temperature, generator=seeded()))
    variance = torch.full((2,), temperature, dtype=torch.float64)
    assert_moments(x, torch.zeros(2, dtype=torch.float64), variance)
    product = (x[:, 0] * x[:, 1]).mean() / temperature
    assert abs(float(product) - CORRELATION) < 5 * math.sqrt((1 + CORRELATION**2) / CHAINS)


def test_gibbs_forgets_the_mean_at_the_square_of_the_correlation():
    x = torch.full((CHAINS, 2), 3.0, dtype=torch.float64)
    for k, state in enumerate(gibbs(PAIR, x, num_sweeps=4, generator=seeded()), 1):
        error = float(state[:, 1].mean()) - 3.0 * CORRELATION ** (2 * k)
        assert abs(error) < 5 / math.sqrt(CHAINS)


def test_gibbs_on_labels_has_the_frequencies_of_the_list():
    """Three labels in a ring of unequal fields: eight states, each with its probability."""
    field = torch.tensor([0.4, -0.2, 0.0], dtype=torch.float64)
    states = torch.tensor([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]).double()
    agree = (states == states.roll(1, -1)).sum(-1)
    law = torch.softmax(0.7 * agree + states @ field, 0)

    def site(i):
        def draw(x, T, generator):
            near = (2 * x[:, i - 1] - 1) + (2 * x[:, i - 2] - 1)
            p = torch.sigmoid((0.7 * near + field[i]) / T)
            x = x.clone()
            x[:, i] = (torch.rand(len(x), generator=generator, dtype=x.dtype) < p).double()
            return x

        return draw

    x = torch.zeros(CHAINS, 3, dtype=torch.float64)
    x = last(gibbs([site(i) for i in range(3)], x, num_sweeps=20, generator=seeded()))
    found = torch.bincount((x @ torch.tensor([4.0, 2.0, 1.0]).double()).long(), minlength=8)
    error = (found / CHAINS - law).abs() / (law * (1 - law) / CHAINS).sqrt()
    assert float(error.max()) < 4.5


def test_gibbs_takes_one_temperature_for_each_sweep_and_hands_it_on():
    asked = []

    def note(x, T, generator):
        asked.append(T)
        return x

    last(gibbs([note, note], start(3), num_sweeps=2, temperatures=torch.tensor([2.0, 0.5])))
    assert asked == [2.0, 2.0, 0.5, 0.5]


def test_gibbs_refuses_bad_temperatures_and_conditionals():
    x = start(3)
    for bad in (0.0, -1.0, torch.tensor([1.0]), torch.tensor([1.0, -1.0])):
        with pytest.raises(ValueError, match="temperatures"):
            gibbs(PAIR, x, num_sweeps=2, temperatures=bad)
    with pytest.raises(ValueError, match="num_sweeps"):
        gibbs(PAIR, x, num_sweeps=0)
    with pytest.raises(TypeError, match="conditionals"):
        gibbs([], x, num_sweeps=1)
    with pytest.raises(ValueError, match=r"conditionals must return the shape of x, \(3, 2\)"):
        last(gibbs([lambda x, T, g: x[:, :1]], x, num_sweeps=1))
    with pytest.raises(TypeError, match="conditionals must return a torch"):
        last(gibbs([lambda x, T, g: 1.0], x, num_sweeps=1))


# --- all -------------------------------------------------------------------------------------


def conditional(score):
    """With the score of a unit normal density, the draw of all coordinates at once."""
    score = checked(score)

    def draw(x, T, generator):
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype)
        return x + score(x, 0.0) + math.sqrt(T) * noise

    return [draw]


SAMPLERS = {
    "langevin": lambda score, x, g: langevin(score, x, step=0.1, num_steps=5, generator=g),
    "annealed": lambda score, x, g: annealed_langevin(
        score, x, geometric(3.0, 0.5, 5), steps_per_level=2, generator=g
    ),
    "mala": lambda score, x, g: mala(
        score, lambda x, s: -(x**2).sum(-1) / 2, x, step=0.1, num_steps=5, generator=g
    ),
    "ancestral": lambda score, x, g: ancestral(score, x, geometric(3.0, 0.5, 6), generator=g),
    "gibbs": lambda score, x, g: gibbs(conditional(score), x, num_sweeps=5, generator=g),
    "flow": lambda score, x, g: probability_flow(score, x, geometric(3.0, 0.5, 6)),
    "flow 3": lambda score, x, g: probability_flow(score, x, geometric(3.0, 0.5, 6), order=3),
    "multistep": lambda score, x, g: multistep(score, x, geometric(3.0, 0.5, 6), order=3),
}
SILENT = {"flow", "flow 3", "multistep"}  # nothing is drawn after the start


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
    assert torch.equal(runs[0], runs[2]) == (name in SILENT)
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
    for sampler in (probability_flow, multistep, ancestral):
        with pytest.raises(ValueError, match="sigmas"):
            sampler(gaussian, start(3), ladder)
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


CALLED = {
    "langevin": lambda k: langevin(uphill, start(3), step=0.1, num_steps=k),
    "annealed": lambda k: annealed_langevin(
        uphill, start(3), geometric(3.0, 0.5, 2), steps_per_level=k // 2
    ),
    "mala": lambda k: mala(uphill, log_gaussian, start(3), step=0.1, num_steps=k),
    "ancestral": lambda k: ancestral(uphill, start(3), geometric(3.0, 0.5, k + 1)),
    "gibbs": lambda k: gibbs(conditional(uphill), start(3), num_sweeps=k),
    "flow": lambda k: probability_flow(uphill, start(3), geometric(3.0, 0.5, k + 1)),
    "multistep": lambda k: multistep(uphill, start(3), geometric(3.0, 0.5, k + 1)),
}


@pytest.mark.parametrize("name", CALLED)
def test_arguments_are_checked_at_the_door_and_not_at_every_step(name):
    """Only the answer of a foreign score is looked at each time."""

    def checks(num_steps):
        calls = Counter()

        def note(frame, event, _):
            if event == "call" and frame.f_code.co_name.startswith("check_"):
                calls[frame.f_code.co_name] += 1

        sys.setprofile(note)
        try:
            last(CALLED[name](num_steps))
        finally:
            sys.setprofile(None)
        calls.pop("check_score_output")
        return calls

    assert checks(10) == checks(100) and checks(10)["check_tensor"] > 0


def test_last_wants_a_state():
    with pytest.raises(ValueError, match="states"):
        last([])


# --- progress and interruption ---------------------------------------------------------------


WATCHED = {
    "Langevin": lambda score, x: langevin(score, x, step=0.1, num_steps=6, progress=True),
    "annealed": lambda score, x: annealed_langevin(
        score, x, geometric(3.0, 0.5, 6), steps_per_level=1, progress=True
    ),
    "MALA": lambda score, x: mala(score, log_gaussian, x, step=0.1, num_steps=6, progress=True),
    "ancestral": lambda score, x: ancestral(score, x, geometric(3.0, 0.5, 7), progress=True),
    "Gibbs": lambda score, x: gibbs(conditional(score), x, num_sweeps=6, progress=True),
    "flow": lambda score, x: probability_flow(score, x, geometric(3.0, 0.5, 7), progress=True),
    "multistep": lambda score, x: multistep(score, x, geometric(3.0, 0.5, 7), progress=True),
}


@pytest.mark.parametrize("name", WATCHED)
def test_progress_is_shown_when_asked_and_changes_nothing(name, capsys):
    states = list(WATCHED[name](gaussian, start(3)))
    told = capsys.readouterr().err
    assert len(states) == 6 and name in told and "6/6" in told


def test_samplers_are_silent_unless_asked(capsys):
    for sampler in SAMPLERS.values():
        last(sampler(gaussian, start(3), seeded()))
    assert capsys.readouterr() == ("", "")


class Interrupted:
    """A score during whose third call the user presses the key."""

    def __init__(self):
        self.calls = 0

    def __call__(self, x, sigma):
        self.calls += 1
        if self.calls == 3:
            raise KeyboardInterrupt
        return gaussian(x, sigma)


@pytest.mark.parametrize("name", WATCHED)
def test_an_interrupted_walk_leaves_its_state(name):
    expected = next(iter(WATCHED[name](gaussian, start(3))))
    x = None
    with pytest.raises(KeyboardInterrupt):
        for state in WATCHED[name](Interrupted(), start(3)):
            x = state if x is None else x
    torch.testing.assert_close(x, expected)


def test_last_keeps_the_state_of_an_interrupted_walk_when_asked():
    options = dict(step=0.1, num_steps=9)
    *_, expected = langevin(gaussian, start(3), step=0.1, num_steps=2)
    with pytest.warns(RuntimeWarning, match="interrupted after 2 states"):
        x = last(langevin(Interrupted(), start(3), **options), keep_on_interrupt=True)
    torch.testing.assert_close(x, expected)
    with pytest.raises(KeyboardInterrupt):
        last(langevin(Interrupted(), start(3), **options))
    broken = Interrupted()
    broken.calls = 2
    with pytest.raises(KeyboardInterrupt):
        last(langevin(broken, start(3), **options), keep_on_interrupt=True)
