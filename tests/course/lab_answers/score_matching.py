"""Answers to lab 2."""

from __future__ import annotations

import math

import numpy as np
import torch

from lab_answers import Wrong, once
from lessons_lib import losses, networks, training


def bessel(t):
    """Maximum likelihood by Newton's method."""
    k, wanted = 1.0, float(t.cos().mean())
    for _ in range(60):
        ratio = float(torch.special.i1e(torch.tensor(k)) / torch.special.i0e(torch.tensor(k)))
        k -= (ratio - wanted) / (1 - ratio / k - ratio**2)
    return k


def slices(score, x, v, *, square=0.5, once=False):
    x = x.clone().requires_grad_()
    s = score(x)
    (row,) = torch.autograd.grad(s, x, v)
    first = row.sum(-1) if once else (row * v).sum(-1)
    return first.detach() + square * (s.detach() ** 2).sum(-1)


def one_by_one(score, x, v):
    """Slopes by differences, a point at a time."""
    total = 0.0
    for point, d in zip(x, v, strict=True):
        bend = d @ (score(point + 1e-5 * d) - score(point - 1e-5 * d)) / 2e-5
        total += float(bend + 0.5 * score(point) @ score(point))
    return total / len(x)


def both_sliced(score, x, v):
    return slices(score, x, v, square=0).mean() + 0.5 * ((v * score(x)).sum(-1) ** 2).mean()


def trace(score, x, v):
    n = x.shape[1]
    rows = [slices(score, x, torch.eye(n).to(x)[i].expand_as(x), square=0) for i in range(n)]
    return (sum(rows) + 0.5 * (score(x) ** 2).sum(-1)).mean()


def teeth(x, width=1.0):
    """The best teeth of this width."""
    return -12 / width**2 * (x - width * np.floor(x / width) - width / 2)


def with_squared_weight(x, std):
    return ((x**3).mean() - 2 * std**2 * x.mean()) / (x**2).mean()


def likeliest(x, std):
    from scipy.optimize import minimize_scalar
    from scipy.stats import norm

    def cost(m):
        return ((x - m) ** 2).mean() / (2 * std**2) + norm.logcdf(m / std)

    return minimize_scalar(cost, bounds=(-5, 5), method="bounded").x


def line(x, sigma, noise, *, there=1.0, target=None):
    y = (x + there * sigma * noise)[:, None]
    target = -noise / sigma if target is None else target(sigma, noise)
    return torch.linalg.lstsq(torch.cat([torch.ones_like(y), y], 1), target[:, None]).solution


def line_numpy(x, sigma, noise):
    slope, at_zero = np.polyfit(x + sigma * noise, -noise / sigma, 1)
    return np.array([at_zero, slope])


def denoiser(x, sigma, noise):
    return line(x, sigma, noise, target=lambda s, z: x)


def implicit_net(x, at, generator, *, steps=120, graph=True, half=0.5, widths=(1, 24, 1)):
    net = networks.mlp(widths, activation="tanh", generator=generator).double()
    optimiser = torch.optim.Adam(net.parameters(), lr=0.05)
    x = x.double().requires_grad_()
    for _ in range(steps):
        s = net(x)
        (slope,) = torch.autograd.grad(s.sum(), x, create_graph=True)
        loss = ((slope if graph else slope.detach()) + half * s**2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return net(at.double()).detach()


fitted = once(implicit_net)


def sliced_net(x, at, generator):
    """In one dimension slices of signs are the exact cost."""
    net = networks.mlp((1, 24, 1), activation="tanh", generator=generator).double()

    def cost(net, generator):
        return losses.sliced(lambda x, sigma: net(x), x, generator=generator)

    list(training.train(net, cost, num_steps=150, learning_rate=0.05, generator=generator))
    return net(at).detach()[:, 0]


RIGHT = {
    "the_missing_half": [torch.tensor(1 / 18), np.float64(0.0556), 0.056, [1 / 18]],
    "concentration_without_bessel": [
        lambda t: np.sum(np.cos(t)) / np.sum(np.sin(t) ** 2),
        lambda t: torch.linalg.lstsq((t.sin() ** 2).mean().view(1, 1), t.cos().mean().view(1, 1))[
            0
        ],
    ],
    "sliced_by_hand": [one_by_one, lambda *case: slices(*case).mean()],
    "a_network_and_its_slope": [sliced_net],
    "beats_the_truth": [
        lambda x: teeth(x, 0.1),
        lambda x: -8 * torch.atan(torch.tan(math.pi * x)) / math.pi,
        lambda x: -x - 40 * ((5 * x) % 1 - 0.5) / 5,
        lambda x: 12 * (torch.ceil(x) - x - 0.5),
    ],
    "the_unseen_mean": [with_squared_weight, likeliest],
    "symmetric_noise": [
        line_numpy,
        lambda *case: line(*case, there=-1.0, target=lambda s, z: z / s),
        lambda *case: tuple(line(*case)[:, 0]),
    ],
}

WRONG = {
    "the_missing_half": [
        Wrong("as if nothing happened", 1 / 9, "This is the true score"),
        Wrong("inverse", 2 / 9, "wrong way"),
        Wrong("sigma for sigma^2", 1 / 6, "variance"),
        Wrong("sign", -1 / 18, "sign"),
        Wrong("not a number", "half", "Numbers are wanted"),
    ],
    "concentration_without_bessel": [
        Wrong("missing 1/2", lambda t: t.cos().sum() / (2 * (t.sin() ** 2).sum()), "Half of it"),
        Wrong("factor", lambda t: 2 * t.cos().sum() / (t.sin() ** 2).sum(), "2 times the right"),
        Wrong("sign", lambda t: -t.cos().mean() / (t.sin() ** 2).mean(), "sign"),
        Wrong("order", lambda t: (t.cos() / t.sin() ** 2).mean(), "for each angle"),
        Wrong("order", lambda t: t.cos().mean() / t.sin().mean() ** 2, "mean of sin^2 is wanted"),
        Wrong("another estimate", bessel, "maximum-likelihood"),
        Wrong("shape", lambda t: t.cos() / (t.sin() ** 2).mean(), "shape"),
        Wrong("exception", lambda t: t.cosine(), "AttributeError"),
    ],
    "sliced_by_hand": [
        Wrong("missing 1/2", lambda *c: slices(*c, square=1).mean(), "lacks its 1/2"),
        Wrong("sign", lambda *c: slices(*c, square=-0.5).mean(), "subtracted"),
        Wrong("another form", both_sliced, "right on average"),
        Wrong("forgotten product", lambda *c: slices(*c, once=True).mean(), "One product with u"),
        Wrong("not sliced", trace, "exact trace"),
        Wrong("mean for sum", lambda *c: slices(*c, square=1 / 6).mean(), "n times too large"),
        Wrong("sum for mean", lambda *c: slices(*c).sum(), "sum over the points"),
        Wrong("shape", slices, "shape"),
    ],
    "a_network_and_its_slope": [
        Wrong("sign", lambda *c: -fitted(*c), "minus the score"),
        Wrong("missing 1/2", lambda *c: implicit_net(*c, half=1.0), "half the score"),
        Wrong("no graph", lambda *c: implicit_net(*c, graph=False, steps=60), "create_graph"),
        Wrong("untrained", lambda *c: implicit_net(*c, steps=0), "learned nothing"),
        Wrong("no bend", lambda *c: implicit_net(*c, widths=(1, 1)), "straight line"),
        Wrong("an offset", lambda *c: fitted(*c) + 1.0, "more steps"),
        Wrong("shape", lambda x, at, generator: x, "shape"),
    ],
    "beats_the_truth": [
        Wrong("no lie", lambda x: -x, "A draw"),
        Wrong("too large", lambda x: -(x**3), "Steep pays"),
        Wrong("smooth", lambda x: -10 * torch.sin(3 * x), "integration by parts"),
        Wrong("too large", lambda x: -100 * x, "Steep pays"),
        Wrong("detached", lambda x: -50 * (x - torch.as_tensor(x).detach()), "detach() wins"),
        Wrong("flat", lambda x: -torch.sign(x), "your function is flat"),
        Wrong("sign", lambda x: 12 * (x - torch.round(x)), "slope counts against you"),
        Wrong("shape", lambda x: x.sum(), "maps"),
    ],
    "the_unseen_mean": [
        Wrong("no weight", lambda x, std: x.mean(), "cut at zero"),
        Wrong("missing term", lambda x, std: (x**2).mean() / x.mean(), "is missing"),
        Wrong("sign", lambda x, std: ((x**2).mean() + std**2) / x.mean(), "wrong sign"),
        Wrong("sigma for sigma^2", lambda x, std: ((x**2).mean() - std) / x.mean(), "variance"),
        Wrong(
            "factor",
            lambda x, std: ((x**3).mean() - std**2 * x.mean()) / (x**2).mean(),
            "2 x s",
        ),
        Wrong("shape", lambda x, std: (x**2 - std**2) / x.mean(), "shape"),
    ],
    "symmetric_noise": [
        Wrong("unchanged", lambda *c: line(*c, there=-1.0), "as found"),
        Wrong("two signs", lambda *c: line(*c, target=lambda s, z: z / s), "as found"),
        Wrong("missing sigma", lambda *c: line(*c, target=lambda s, z: -z), "divide it by sigma"),
        Wrong("sigma twice", lambda *c: line(*c, target=lambda s, z: -z / s**2), "once too often"),
        Wrong("another target", denoiser, "predicts the clean value"),
        Wrong("shape", lambda *c: line(*c)[1], "shape"),
    ],
}
