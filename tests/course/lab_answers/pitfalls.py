"""Answers to lab 7."""

from __future__ import annotations

import math

import numpy as np
import torch

from lab_answers import Wrong, once
from lessons_lib import metrics, networks, training


def after(sigma, slope, power):
    return sigma**2 + sigma**4 * power * (1 - 2 * slope)


def swirl(step, turn):
    """By waiting: the variance after so many steps that it has settled."""
    squared = (1 - step) ** 2 + (step * turn) ** 2
    return 2 * step * sum(squared**k for k in range(3000))


def on_a_grid(score, y):
    levels = np.geomspace(0.01, 10, 1500)
    return min(levels, key=lambda s: abs((y * score(y, float(s))).mean() + 1))


def by_secants(score, y):
    from scipy.optimize import brentq

    return brentq(lambda s: float((y * score(y, s)).mean()) + 1, 0.01, 10)


def search(score, y, *, low=0.01, high=10.0, up=True, total=torch.mean):
    for _ in range(50):
        middle = (low + high) / 2
        if (total(-y * score(y, middle)) > 1) == up:
            low = middle
        else:
            high = middle
    return high


def details(score, y):
    d = (y[:, ::2, ::2] - y[:, 1::2, ::2] - y[:, ::2, 1::2] + y[:, 1::2, 1::2]) / 2
    return d.abs().median() / 0.6745


def white(x, sigma):
    return -x / (1 + sigma**2)


def one_pixel(x, sigma, pull=1.0):
    s = white(x, sigma)
    s[:, -1, 7] = pull * x[:, -1, 7] / (1 + sigma**2)
    return s


def mean_of_the_image(x, sigma):
    s = -x / (1 + sigma**2)
    return s + 2 * x.mean((-2, -1))[:, None, None] / (1 + sigma**2)


def many_pixels(x, sigma):
    s = white(x, sigma)
    s[:, :4] = -s[:, :4]
    return s


def deaf(x, sigma):
    s = white(x, sigma)
    s[:, :16] = 0
    return s


def shifted(tiles, x, sigma, p, *, rows=None, cols=None, back=-1, sign=1, count=None):
    shifts = [(sign * i, sign * j) for i in (rows or range(p)) for j in (cols or range(p))]
    total = 0
    for i, j in shifts:
        total = total + tiles(x.roll((i, j), (0, 1)), sigma).roll((back * i, back * j), (0, 1))
    return total / (count or len(shifts))


def diagonal(tiles, x, sigma, p):
    return sum(shifted(tiles, x, sigma, p, rows=[i], cols=[i]) for i in range(p)) / p


def cut_with_arrays(tiles, x, sigma, p):
    total = np.zeros(x.shape)
    for k in range(p * p):
        moved = torch.as_tensor(np.roll(x.numpy(), (-(k // p), -(k % p)), (0, 1)))
        total += np.roll(tiles(moved[None], sigma)[0].numpy(), (k // p, k % p), (0, 1))
    return total / p / p


def psnr(x, clean, span):
    return 10 * torch.log10(span**2 / (x - clean).square().mean((-2, -1)))


def spread(x):
    return x.amax((-2, -1)) - x.amin((-2, -1))


def gain(a, b, c):
    return metrics.psnr(b, c, data_range=1.0) - metrics.psnr(a, c, data_range=1.0)


def bisection_reversed(score, y):
    low, high = 0.01, 10.0
    for _ in range(40):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if -(y * score(y, middle)).mean() > 1 else (middle, high)
    return middle


def energy_net(x0, sigma, at, generator, *, outputs=1, steps=150):
    net = networks.mlp((2, 32, outputs), activation="tanh", generator=generator).double()

    def score(x):
        if outputs == 2:
            return net(x)
        x = x.clone().requires_grad_()
        return -torch.autograd.grad(net(x).sum(), x, create_graph=True)[0]

    def cost(net, generator):
        rows = torch.randint(len(x0), (256,), generator=generator)
        z = torch.randn(256, 2, generator=generator).double()
        return (sigma * score(x0[rows] + sigma * z) + z).square().mean()

    if steps:
        list(training.train(net, cost, num_steps=steps, learning_rate=0.05, generator=generator))
    return score(at).detach()


energy_once = once(energy_net)


def parzen_gradient(x0, sigma, at, generator):
    """The score of the samples with their noise: a gradient, and near enough."""
    d = (x0 - at[:, None]) / sigma**2
    return ((-(sigma**2) * d.square().sum(-1) / 2).softmax(1)[..., None] * d).sum(1)


def one_gaussian(x0, sigma, at, generator):
    cov = x0.T.cov() + sigma**2 * torch.eye(2)
    return torch.linalg.solve(cov, (x0.mean(0) - at).T).T


RIGHT = {
    "clipping_gains": [2.22, 2.2, np.float64(-10 * np.log10(0.6)), torch.tensor([2.218])],
    "error_after_one_step": [after, lambda sigma, c, p: torch.tensor([after(sigma, c, p)])],
    "variance_of_a_swirl": [swirl, lambda a, w: np.array(1 / (1 - a * (1 + w * w) / 2))],
    "noise_by_steins_clock": [on_a_grid, by_secants, search],
    "a_score_without_a_swirl": [parzen_gradient],
    "passes_the_inspection": [
        one_pixel,
        lambda x, sigma: one_pixel(x, sigma, pull=3.0),
        lambda x, sigma: one_pixel(x, sigma).numpy(),
        mean_of_the_image,
    ],
    "seams_removed": [
        shifted,
        lambda *case: shifted(*case, sign=-1),
        cut_with_arrays,
    ],
    "one_ruler": [
        gain,
        lambda a, b, c: psnr(b, c, spread(c)) - psnr(a, c, spread(c)),
        lambda a, b, c: (
            20
            * np.log10(
                np.linalg.norm(np.asarray(a - c), axis=(1, 2))
                / np.linalg.norm(np.asarray(b - c), axis=(1, 2))
            )
        ),
        lambda a, b, c: [
            metrics.psnr(b[i], c[i], data_range=255.0) - metrics.psnr(a[i], c[i], data_range=255.0)
            for i in range(len(c))
        ],
    ],
}

WRONG = {
    "clipping_gains": [
        Wrong("no answer", 0.0, "half of the black pixels"),
        Wrong("sign", -2.218, "other way"),
        Wrong("a share forgotten", 3.01, "black everywhere"),
        Wrong("mean of logarithms", 0.8 * 3.0103, "averaged decibels"),
        Wrong("factor", 20 * math.log10(1 / 0.6), "ratio of mean squares"),
        Wrong("missing term", -10 * math.log10(0.2 + 0.8 * (0.5 - 0.5 / math.pi)), "a mean, too"),
        Wrong("factor", -10 * math.log10(0.2), "where the noise is positive"),
        Wrong("unit", 1 / 0.6, "Ten times its logarithm"),
    ],
    "error_after_one_step": [
        Wrong("missing term", lambda s, c, p: after(s, c, p) - s**2, "how much the error changes"),
        Wrong("missing 2", lambda s, c, p: s**2 + s**4 * p * (1 - c), "enters twice"),
        Wrong("sign", lambda s, c, p: s**2 + s**4 * p * (1 + 2 * c), "against the noise"),
        Wrong("sigma for sigma^2", lambda s, c, p: s**2 + s**2 * p * (1 - 2 * c), "sigma^4"),
        Wrong("another step", lambda s, c, p: s**2 - s**4 * p * c**2, "best multiple"),
        Wrong("factor", lambda s, c, p: after(s, c, p) / 2, "0.5 times"),
    ],
    "variance_of_a_swirl": [
        Wrong("limit", lambda a, w: 1.0, "limit of small steps"),
        Wrong("no turn", lambda a, w: 2 / (2 - a), "without the turn"),
        Wrong("missing square", lambda a, w: 2 / (2 - a * (1 + w)), "by its square"),
        Wrong("sign", lambda a, w: 2 / (2 - a * (1 - w**2)), "subtracted"),
        Wrong("root", lambda a, w: swirl(a, w) ** 0.5, "standard deviation"),
        Wrong("factor", lambda a, w: 2 * swirl(a, w), "both coordinates"),
        Wrong("missing 2", lambda a, w: swirl(a, w) / 2, "2 step"),
        Wrong("shape", lambda a, w: swirl(a, w) * torch.eye(2), "shape"),
    ],
    "noise_by_steins_clock": [
        Wrong("sign", lambda s, y: search(s, y, up=False), "go up"),
        Wrong("sign, in the logarithm", bisection_reversed, "go up"),
        Wrong("sum for mean", lambda s, y: search(s, y, total=torch.sum), "not a sum"),
        Wrong("square", lambda s, y: search(s, y) ** 2, "not its root"),
        Wrong("no score", details, "asks no score"),
        Wrong("no score", lambda s, y: y.std(), "spread"),
        Wrong("shape", lambda s, y: y * 0, "shape"),
    ],
    "a_score_without_a_swirl": [
        Wrong("sign", lambda *c: -energy_once(*c), "minus the score"),
        Wrong("missing sigma", lambda *c: c[1] * energy_once(*c), "sigma times"),
        Wrong("a swirl", lambda *c: energy_net(*c, outputs=2, steps=60), "gradient of nothing"),
        Wrong("untrained", lambda *c: energy_net(*c, steps=0), "learned nothing"),
        Wrong("too simple", one_gaussian, "flat map"),
        Wrong("shape", lambda x0, sigma, at, generator: at[0], "shape"),
    ],
    "passes_the_inspection": [
        Wrong("unchanged", white, "nothing explodes"),
        Wrong("sign", lambda x, sigma: -white(x, sigma), "the slope is -1.00"),
        Wrong("factor", lambda x, sigma: 2 * white(x, sigma), "the slope is 0.50"),
        Wrong("too much", many_pixels, "the slope is 0.75"),
        Wrong("half an answer", deaf, "unexplained"),
        Wrong("zero", lambda x, sigma: 0 * x, "zero everywhere"),
        Wrong("shape", lambda x, sigma: one_pixel(x, sigma)[:, 0], "shape"),
    ],
    "seams_removed": [
        Wrong("unchanged", lambda t, x, s, p: t(x, s), "as they came"),
        Wrong("no way back", lambda *case: shifted(*case, back=0), "back before"),
        Wrong("no way back", lambda *case: shifted(*case, back=0, sign=-1), "back before"),
        Wrong("sign", lambda *case: shifted(*case, back=1), "twice in the same"),
        Wrong("sum for mean", lambda *case: shifted(*case, count=1), "Divide by their number"),
        Wrong("factor", lambda *case: shifted(*case, count=case[-1]), "p^2 shifts"),
        Wrong("too few", diagonal, "diagonal"),
        Wrong("too few", lambda *case: shifted(*case, cols=[0]), "rows only"),
        Wrong(
            "off by one",
            lambda t, x, s, p: shifted(t, x, s, p, rows=range(1, p), cols=range(1, p)),
            "shift by 0 is missing",
        ),
    ],
    "one_ruler": [
        Wrong("unchanged", lambda a, b, c: psnr(b, c, spread(b)) - psnr(a, c, spread(a)), "rulers"),
        Wrong(
            "another guess",
            lambda a, b, c: psnr(b, c, b.amax((-2, -1))) - psnr(a, c, a.amax((-2, -1))),
            "peak instead",
        ),
        Wrong("sign", lambda a, b, c: -gain(a, b, c), "PSNR after minus"),
        Wrong("half an answer", lambda a, b, c: metrics.psnr(b, c, data_range=1.0), "not its gain"),
        Wrong("factor", lambda a, b, c: 2 * gain(a, b, c), "10 log10"),
        Wrong("shape", lambda a, b, c: gain(a, b, c).mean(), "shape"),
    ],
}
