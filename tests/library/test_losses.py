"""`lessons_lib.losses` against closed forms, quadrature, and each other."""

import math

import pytest
import torch

from lessons_lib import losses
from lessons_lib.distributions import Gamma, GaussianMixture

torch.set_num_threads(1)
F64 = torch.float64


def normal(*shape, seed=0, dtype=F64):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def trapezoid(lower, upper, step):
    """Points ``(N, 1)`` of a uniform grid: sums times ``step`` integrate smooth densities."""
    return torch.arange(lower, upper, step, dtype=F64)[:, None]


def expectation(objective, log_prob, grid=(-12.0, 14.0, 0.1)):
    """E_p of a one-point objective, exact to rounding for a mixture of wide normals."""
    x = trapezoid(*grid)
    mass = log_prob(x).exp().detach() * grid[-1]
    return sum(m * objective(point[None]) for m, point in zip(mass, x, strict=True))


def over_noise(objective, like):
    """E over unit normal noise, the same draw for each member of the batch."""
    z = trapezoid(-9.0, 9.0, 0.1)
    mass = torch.exp(-0.5 * z[:, 0] ** 2) / math.sqrt(2 * math.pi) * 0.1
    return sum(m * objective(point.expand_as(like)) for m, point in zip(mass, z, strict=True))


class Mixture:
    """A one-dimensional Gaussian mixture, from its formula, with parameters that can learn."""

    def __init__(self, weights, means, stds):
        columns = (torch.as_tensor(v, dtype=F64).clone() for v in (weights, means, stds))
        self.parameters = tuple(v.requires_grad_(True) for v in columns)

    def logs(self, x, sigma):
        weights, means, stds = self.parameters
        var = stds**2 + torch.as_tensor(sigma, dtype=F64)[..., None] ** 2
        log_w = torch.log(weights / weights.sum())
        return log_w - 0.5 * (x - means) ** 2 / var - 0.5 * torch.log(2 * math.pi * var), var

    def log_prob(self, x, sigma=0.0):
        return torch.logsumexp(self.logs(x, sigma)[0], -1)  # (*, 1) -> (*)

    def __call__(self, x, sigma):
        logs, var = self.logs(x, sigma)
        pull = (self.parameters[1] - x) / var
        return (torch.softmax(logs, -1) * pull).sum(-1, keepdim=True)  # (*, 1)


class Linear:
    """``s(x) = A x + b``: every objective is a polynomial in the moments of the data."""

    def __init__(self, n, seed=0):
        self.A = normal(n, n, seed=seed).requires_grad_(True)
        self.b = normal(n, seed=seed + 1).requires_grad_(True)

    def __call__(self, x, sigma):
        return x @ self.A.T + self.b


def truth():
    return Mixture([0.3, 0.7], [-1.0, 1.5], [0.8, 1.1])


def model():
    return Mixture([0.5, 0.5], [-0.5, 1.0], [1.0, 1.4])


def gradients(value, score):
    return torch.cat([g for g in torch.autograd.grad(value, score.parameters)])


# --- values against closed forms ----------------------------------------------------------------


def test_explicit_carries_the_half_sums_coordinates_and_averages_the_batch():
    x = normal(400, 3)
    value = losses.explicit(lambda x, s: -x / 2, lambda x, s: -x / 4, x)
    torch.testing.assert_close(value, (x**2).sum(-1).mean() / 32)


def test_implicit_of_a_linear_score_is_trace_plus_half_square():
    score, x = Linear(4), normal(50, 4, seed=5)
    s = x @ score.A.T + score.b
    expected = torch.trace(score.A) + 0.5 * (s**2).sum(-1).mean()
    torch.testing.assert_close(losses.implicit(score, x), expected)


def test_regularized_adds_weight_times_the_squared_diagonal():
    score, x = Linear(4), normal(50, 4, seed=5)
    gap = losses.regularized(score, x, weight=0.7) - losses.implicit(score, x)
    torch.testing.assert_close(gap, 0.7 * (torch.diagonal(score.A) ** 2).sum())


def test_denoising_of_a_linear_score_by_hand():
    score, x, z = Linear(3), normal(20, 3, seed=3), normal(20, 3, seed=4)
    residual = (x + 0.5 * z) @ score.A.T + score.b + z / 0.5
    expected = 0.5 * (residual**2).sum(-1).mean()
    torch.testing.assert_close(losses.denoising(score, x, 0.5, noise=z), expected)


def test_denoising_at_the_truth_is_the_posterior_variance():
    """For N(0, 1) data the least J_DSM is n/2 * (1/sigma^2 - 1/(1 + sigma^2))."""
    x, sigma = normal(200_000, 2, seed=6), 0.7
    score = lambda x, sigma: -x / (1 + sigma**2)  # noqa: E731
    value = losses.denoising(score, x, sigma, noise=normal(200_000, 2, seed=7))
    assert abs(float(value) - (1 / sigma**2 - 1 / (1 + sigma**2))) < 0.01


def test_noise_like_x_and_stacked_noise_agree():
    x, z = normal(30, 2, seed=3), normal(5, 30, 2, seed=4)
    each = torch.stack([losses.denoising(Linear(2), x, 0.4, noise=draw) for draw in z])
    torch.testing.assert_close(losses.denoising(Linear(2), x, 0.4, noise=z), each.mean())


@pytest.mark.parametrize("draws", [(), (5,)])
def test_noise_conditional_is_the_weighted_mean_of_denoising(draws):
    sigmas, x = torch.tensor([2.0, 1.0, 0.3], dtype=F64), normal(30, 1, seed=3)
    noise = normal(*draws, 30, 1, seed=4)
    each = [s**2 * losses.denoising(model(), x, s, noise=noise) for s in sigmas]
    together = losses.noise_conditional(model(), x, sigmas, noise=noise)
    torch.testing.assert_close(together, torch.stack(each).mean())


def test_noise_conditional_weighs_each_level_as_it_is_told():
    sigmas, weights = torch.tensor([2.0, 0.3], dtype=F64), torch.tensor([0.5, 3.0], dtype=F64)
    x, noise = normal(30, 1, seed=3), normal(5, 30, 1, seed=4)
    pairs = zip(weights, sigmas, strict=True)
    each = [w * s**2 * losses.denoising(model(), x, s, noise=noise) for w, s in pairs]
    together = losses.noise_conditional(model(), x, sigmas, weights=weights, noise=noise)
    torch.testing.assert_close(together, torch.stack(each).mean())


def test_noise_conditional_takes_draws_of_its_own_for_each_level():
    sigmas, x, z = torch.tensor([2.0, 0.3], dtype=F64), normal(30, 1, seed=3), normal(2, 4, 30, 1)
    pairs = zip(sigmas, z, strict=True)
    each = [s**2 * losses.denoising(model(), x, s, noise=noise) for s, noise in pairs]
    together = losses.noise_conditional(model(), x, sigmas, noise=z)
    torch.testing.assert_close(together, torch.stack(each).mean())


def test_noise_conditional_draws_afresh_for_each_level():
    x, sigmas = torch.zeros(1, 1, dtype=F64), torch.ones(3, dtype=F64)
    seen = []
    losses.noise_conditional(lambda x, s: seen.append(x) or x, x, sigmas)
    assert seen[0].shape == (3, 1, 1) and len(set(seen[0].flatten().tolist())) == 3


# --- the theorems, by quadrature ----------------------------------------------------------------


def test_explicit_minus_implicit_is_half_the_fisher_information():
    p, s = truth(), model()
    explicit = expectation(lambda x: losses.explicit(s, p, x), p.log_prob)
    implicit = expectation(lambda x: losses.implicit(s, x), p.log_prob)
    fisher = expectation(lambda x: (p(x, 0.0) ** 2).sum(), p.log_prob)
    assert abs((explicit - implicit - 0.5 * fisher).item()) < 1e-12


def test_for_gamma_8_the_constant_is_one_twelfth():
    p = Gamma(8.0, 1.0)
    means = torch.tensor([[5.0], [7.0], [9.0]], dtype=F64)
    s = GaussianMixture(torch.tensor([0.2, 0.3, 0.5], dtype=F64), means, 2.25)
    log_x, step = trapezoid(-5.0, 5.0, 0.02), 0.02
    total = 0.0
    for t in log_x:  # the substitution x = exp(t) makes the integrand smooth on the whole line
        x = t.exp()[None]
        gap = losses.explicit(s.score, p.score, x) - losses.implicit(s.score, x)
        total += (gap * p.log_prob(x).exp() * t.exp() * step).item()
    assert abs(total - 1 / 12) < 1e-12


def test_explicit_minus_denoising_is_vincents_constant():
    data, sigma, s = torch.tensor([[0.1], [1.3], [2.9]], dtype=F64), 0.8, model()
    q = Mixture([1 / 3] * 3, data[:, 0], [sigma] * 3)
    explicit = expectation(lambda x: losses.explicit(s, q, x), q.log_prob)
    denoising = over_noise(lambda z: losses.denoising(s, data, sigma, noise=z), data)
    constant = 0.5 * expectation(lambda x: (q(x, 0.0) ** 2).sum(), q.log_prob) - 0.5 / sigma**2
    # the model is called with sigma, so compare with the same smoothed model
    smoothed = expectation(lambda x: losses.explicit(lambda x, _: s(x, sigma), q, x), q.log_prob)
    assert abs((smoothed - denoising - constant).item()) < 1e-12
    assert abs((explicit - denoising - constant).item()) > 1e-3


def test_theta_gradients_of_the_three_objectives_are_equal():
    data, sigma, s = torch.tensor([[0.1], [1.3], [2.9]], dtype=F64), 0.8, model()
    q = Mixture([1 / 3] * 3, data[:, 0], [sigma] * 3)
    explicit = expectation(lambda x: losses.explicit(lambda x, _: s(x, sigma), q, x), q.log_prob)
    implicit = expectation(lambda x: losses.implicit(s, x, sigma), q.log_prob)
    denoising = over_noise(lambda z: losses.denoising(s, data, sigma, noise=z), data)
    wanted = gradients(explicit, s)
    assert float(wanted.abs().max()) > 0.01
    torch.testing.assert_close(gradients(implicit, s), wanted, atol=1e-12, rtol=1e-11)
    torch.testing.assert_close(gradients(denoising, s), wanted, atol=1e-12, rtol=1e-11)


def test_regularization_is_noise_on_the_data_exactly_for_a_linear_score():
    tau, x = 0.6, normal(40, 1, seed=2)
    score = lambda x, sigma: 0.3 - x / 1.7  # noqa: E731
    noisy = over_noise(lambda z: losses.implicit(score, x + tau * z), x)
    torch.testing.assert_close(losses.regularized(score, x, weight=tau**2 / 2), noisy)


def test_regularization_is_noise_on_the_data_to_fourth_order_at_the_truth():
    p, gaps = truth(), []
    for tau in (0.2, 0.1):
        noisy = Mixture(p.parameters[0], p.parameters[1], (p.parameters[2] ** 2 + tau**2).sqrt())
        smoothed = expectation(lambda x: losses.implicit(p, x), noisy.log_prob)
        penalised = expectation(
            lambda x, w=tau**2 / 2: losses.regularized(p, x, weight=w), p.log_prob
        )
        gaps.append(abs((smoothed - penalised).item()))
    assert 12 < gaps[0] / gaps[1] < 20  # halving tau divides the gap by 2^4


@pytest.mark.parametrize("probe", ["rademacher", "gaussian"])
@pytest.mark.parametrize("num_slices", [1, 3])
def test_sliced_is_unbiased(probe, num_slices):
    score, x, g = Linear(5), normal(40, 5, seed=5), torch.Generator().manual_seed(8)
    kwargs = {"probe": probe, "num_slices": num_slices, "generator": g}
    with torch.no_grad():
        values = torch.stack([losses.sliced(score, x, **kwargs) for _ in range(2000)])
        exact = losses.implicit(score, x)
    error = values.std() / math.sqrt(len(values))
    assert abs(float(values.mean() - exact)) < 4 * float(error)
    sym = 0.5 * (score.A + score.A.T).detach()
    off = sym - torch.diag(sym.diagonal())
    variance = 2 * float(((sym if probe == "gaussian" else off) ** 2).sum()) / 40 / num_slices
    assert abs(float(values.var()) / variance - 1) < 0.15


def test_sliced_with_signs_is_exact_for_a_diagonal_jacobian():
    x = normal(30, 4)
    score = lambda x, sigma: -(x**3)  # noqa: E731
    torch.testing.assert_close(losses.sliced(score, x), losses.implicit(score, x))


# --- shapes, types, gradients -------------------------------------------------------------------

EVERY = {
    "explicit": lambda s, x, **k: losses.explicit(s, lambda x, sigma: -x, x, 0.5, **k),
    "implicit": lambda s, x, **k: losses.implicit(s, x, 0.5, **k),
    "regularized": lambda s, x, **k: losses.regularized(s, x, 0.5, weight=0.3, **k),
    "sliced": lambda s, x, **k: losses.sliced(s, x, 0.5, num_slices=2, **k),
    "denoising": lambda s, x, **k: losses.denoising(s, x, 0.5, **k),
    "noise_conditional": lambda s, x, **k: losses.noise_conditional(
        s, x, torch.tensor([1.0, 0.5], dtype=x.dtype), **k
    ),
}
every = pytest.mark.parametrize("objective", EVERY.values(), ids=EVERY)


def network(n, dtype=F64):
    weight = normal(n, n, seed=11, dtype=dtype).requires_grad_(True)
    return weight, lambda x, sigma: -torch.tanh(x @ weight)


@every
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_result_is_a_scalar_of_the_dtype_of_x_for_any_batch(objective, dtype):
    for batch in [(), (6,), (2, 3, 4)]:
        value = objective(network(3, dtype)[1], normal(*batch, 3, dtype=dtype))
        assert value.shape == () and value.dtype == dtype


@every
def test_gradients_reach_the_parameters_and_leave_x_alone(objective):
    weight, score = network(3)
    x = normal(6, 3).requires_grad_(True)
    before = x.detach().clone()
    objective(score, x).backward()
    assert float(weight.grad.abs().min()) > 0
    assert x.grad is None and torch.equal(x, before)


@every
def test_parameter_gradient_is_the_derivative_of_the_value(objective):
    weight, score = network(2)
    x, step, direction = normal(6, 2), 1e-5, normal(2, 2, seed=3)

    def value(shift):
        torch.manual_seed(0)  # the same draws on both sides
        with torch.no_grad():
            return objective(lambda x, sigma: -torch.tanh(x @ (weight + shift * direction)), x)

    torch.manual_seed(0)
    (grad,) = torch.autograd.grad(objective(score, x), weight)
    slope = (value(step) - value(-step)) / (2 * step)
    torch.testing.assert_close((grad * direction).sum(), slope, rtol=1e-6, atol=1e-8)


@every
def test_no_grad_gives_the_same_value_without_a_graph(objective):
    x, score = normal(6, 3), network(3)[1]
    values = []
    for grad in (True, False):
        torch.manual_seed(1)
        with torch.set_grad_enabled(grad):
            values.append(objective(score, x))
    assert torch.equal(*values) and not values[1].requires_grad


@every
def test_constant_scores_and_unused_coordinates_are_fine(objective):
    x, theta = normal(6, 2), torch.tensor(0.4, dtype=F64, requires_grad=True)
    assert objective(lambda x, sigma: torch.ones_like(x), x).isfinite()
    objective(lambda x, sigma: theta.expand_as(x), x).backward()
    half = lambda x, sigma: torch.stack([x[..., 0] ** 2, torch.ones_like(x[..., 0])], -1)  # noqa: E731
    assert objective(half, x).isfinite() and theta.grad is not None


@every
def test_images_are_flattened_points(objective):
    weight = normal(12, 12, seed=11)
    point = lambda x, sigma: -torch.tanh(x @ weight)  # noqa: E731
    image = lambda x, sigma: point(x.flatten(-2), sigma).reshape(x.shape)  # noqa: E731
    x, values = normal(5, 12), []
    for score, data, dims in ((point, x, 1), (image, x.reshape(5, 3, 4), 2)):
        torch.manual_seed(2)
        values.append(objective(score, data, event_dims=dims))
    torch.testing.assert_close(*values)


def test_sigma_may_differ_between_members_of_the_batch():
    sigma, x, z = torch.tensor([0.3, 1.2], dtype=F64), normal(2, 1), normal(2, 1, seed=1)
    each = [losses.denoising(model(), x[i], sigma[i], noise=z[i]) for i in range(2)]
    together = losses.denoising(model(), x, sigma, noise=z)
    torch.testing.assert_close(together, torch.stack(each).mean())


def test_draws_come_from_the_generator_only():
    x, score, state = normal(6, 3), network(3)[1], torch.random.get_rng_state()
    for draw in (
        lambda g: losses.sliced(score, x, generator=g),
        lambda g: losses.denoising(score, x, 0.5, generator=g),
        lambda g: losses.noise_conditional(score, x, torch.tensor([1.0]).double(), generator=g),
    ):
        first, again = (draw(torch.Generator().manual_seed(5)) for _ in range(2))
        assert torch.equal(first, again)
    assert torch.equal(state, torch.random.get_rng_state())


# --- bad input ----------------------------------------------------------------------------------


@every
def test_integers_and_nan_are_refused(objective):
    with pytest.raises(TypeError, match="x must have a floating-point dtype"):
        objective(lambda x, sigma: x, torch.ones(3, 2, dtype=torch.int64))
    with pytest.raises(ValueError, match="x must be finite"):
        objective(lambda x, sigma: x, torch.tensor([[math.nan]]))


@every
def test_a_score_of_another_shape_is_refused(objective):
    with pytest.raises(ValueError, match="must return the shape of x"):
        objective(lambda x, sigma: x.sum(-1), normal(4, 3))


X = torch.zeros(4, 2, dtype=F64)
BAD = {
    "negative sigma": (lambda s: losses.implicit(s, X, -1.0), "non-negative"),
    "zero sigma": (lambda s: losses.denoising(s, X, 0.0), "sigma must be positive"),
    "sigma of another batch": (lambda s: losses.denoising(s, X, torch.ones(3)), "sigma has shape"),
    "zero in sigmas": (
        lambda s: losses.noise_conditional(s, X, torch.tensor([1.0, 0.0])),
        "sigma must be positive",
    ),
    "sigmas not a vector": (
        lambda s: losses.noise_conditional(s, X, torch.ones(2, 2)),
        r"sigmas must have shape \(L,\)",
    ),
    "noise of another shape": (
        lambda s: losses.denoising(s, X, 1.0, noise=torch.zeros(4, 3).double()),
        "noise must have shape",
    ),
    "noise with a level too many": (
        lambda s: losses.denoising(s, X, 1.0, noise=torch.zeros(2, 3, 4, 2).double()),
        "noise must have shape",
    ),
    "noise for another number of levels": (
        lambda s: losses.noise_conditional(s, X, torch.ones(2), noise=torch.zeros(3, 5, 4, 2)),
        "noise must have shape",
    ),
    "negative weight": (lambda s: losses.regularized(s, X, weight=-0.1), "weight must be"),
    "weight that is NaN": (lambda s: losses.regularized(s, X, weight=math.nan), "weight must be"),
    "no slice": (lambda s: losses.sliced(s, X, num_slices=0), "num_slices must be"),
    "half a slice": (lambda s: losses.sliced(s, X, num_slices=1.5), "num_slices must be"),
    "unknown probe": (lambda s: losses.sliced(s, X, probe="uniform"), "probe must be"),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(lambda x, sigma: -x)
