"""Answers to lab 4."""

from __future__ import annotations

import numpy as np
import torch

from lab_answers import Wrong, once
from lessons_lib import networks, training

SIDES = torch.tensor([1.0, -1.0], dtype=torch.float64)
EYE = torch.eye(2, dtype=torch.float64)


def pull(y, var, beta):
    """Both pixels follow one force, which ends where they meet."""
    d = y[:, 1] - y[:, 0]
    step = torch.minimum(torch.full_like(d, beta), d.abs() / var.sum()) * d.sign()
    return y + step[:, None] * var * SIDES


def pull_numpy(y, stds, beta):
    v1, v2 = stds**2
    d = y[:, 1] - y[:, 0]
    near = np.abs(d) <= beta * (v1 + v2)
    level = (y[:, 0] / v1 + y[:, 1] / v2) / (1 / v1 + 1 / v2)
    first = np.where(near, level, y[:, 0] + beta * v1 * np.sign(d))
    second = np.where(near, level, y[:, 1] - beta * v2 * np.sign(d))
    return np.stack([first, second], axis=1)


def no_crease(y, s, beta):
    return y + beta * s**2 * SIDES * (y[:, 1:] - y[:, :1]).sign()


def halfway(y, s, beta):
    near = (y[:, 1:] - y[:, :1]).abs() < beta * (s**2).sum()
    return torch.where(near, y.mean(1, keepdim=True), pull(y, s**2, beta))


def meet(y, s, beta, weights, part=1.0):
    near = (y[:, 1:] - y[:, :1]).abs() < part * beta * (s**2).sum()
    level = (y @ weights / weights.sum())[:, None]
    return torch.where(near, level, no_crease(y, s, beta))


def clean(score):
    return lambda y, sigma: score(y, 0.0)


def jacobian(score, y, sigma):
    point = y.clone().requires_grad_()
    s = score(point, sigma)
    rows = [torch.autograd.grad(s[:, i].sum(), point, retain_graph=True)[0] for i in (0, 1)]
    return torch.stack(rows, 1)


def bars(a, b, power):
    return lambda score, y, sg: a * sg**2 * EYE + b * sg**power * jacobian(score, y, sg)


def one_sided(score, y, sigma, h=1e-4):
    out = torch.zeros(len(y), 2, 2, dtype=torch.float64)
    for k in (0, 1):
        there = y + h * EYE[k] + sigma**2 * score(y + h * EYE[k], sigma)
        out[:, :, k] = sigma**2 * (there - y - sigma**2 * score(y, sigma)) / h
    return out.numpy()


def mean_of(d):
    return (1 / d.norm(dim=1)).mean()


def channels(d):
    return d.shape[1]


def mixed(t, w, m, C, r):
    """Spread of the difference for the weights ``r``."""
    var_t, c = C[:, 0, 0], C[:, 0, 1]
    centre = m[:, 1] + c / var_t * (t - m[:, 0])
    var = C[:, 1, 1] - c**2 / var_t
    r = r / r.sum()
    return ((r * (var + centre**2)).sum() - (r * centre).sum() ** 2) ** 0.5


def bell(t, m, C):
    return (-((t - m[:, 0]) ** 2) / (2 * C[:, 0, 0])).exp()


def spread_numpy(t, w, m, C):
    r = w * np.exp(-((t - m[:, 0]) ** 2) / (2 * C[:, 0, 0])) / np.sqrt(C[:, 0, 0])
    return mixed(t, w, m, C, r)


def within_only(t, w, m, C):
    r = w * bell(t, m, C) / C[:, 0, 0].sqrt()
    return ((r / r.sum()) @ (C[:, 1, 1] - C[:, 0, 1] ** 2 / C[:, 0, 0])).sqrt()


def narrow(t, w, m, C):
    std = C[:, 0, 0].sqrt()
    return mixed(t, w, m, C, w * (-((t - m[:, 0]) ** 2) / (2 * std)).exp() / std)


def pair_net(d, sigma, y, generator, *, tau=2**0.5, widths=(1, 24, 1), steps=100):
    net = networks.mlp(widths, activation="tanh", generator=generator).double()
    d, tau = d[:, None], tau * sigma

    def cost(net, generator):
        z = torch.randn(d.shape, generator=generator).double()
        return (net(d + tau * z) + z).square().mean()

    list(training.train(net, cost, num_steps=steps, learning_rate=0.04, generator=generator))
    s = net(y[:, 1:] - y[:, :1]).detach() / tau
    return torch.cat([-s, s], 1)


def mirrored_net(d, sigma, y, generator):
    """The same, odd by construction, and pairs drawn around a grey of their own."""
    net = networks.mlp((1, 24, 1), activation="tanh", generator=generator).double()

    def score(v):
        e = v[:, 1:] - v[:, :1]
        s = (net(e) - net(-e)) / 2
        return torch.cat([-s, s], 1) / sigma

    def cost(net, generator):
        z = torch.randn(len(d), 2, generator=generator).double()
        v = torch.stack([0 * d, d], 1) + sigma * z
        return (sigma * score(v) + z).square().mean()

    list(training.train(net, cost, num_steps=120, learning_rate=0.04, generator=generator))
    return score(y).detach()


pair_once = once(pair_net)


RIGHT = {
    "flat_pictures": ["D", "(d)"],
    "unequal_noise": [lambda y, stds, beta: pull(y, stds**2, beta), pull_numpy],
    "error_bars": [bars(1, 1, 4), one_sided],
    "the_difference_learned": [mirrored_net],
    "stretching_denoiser": [
        (0.3, 20.0, 0.69),
        [0.5, 30.0, -0.95],
        np.array([0.1, 30.0, 0.69]),
        torch.tensor([0.3, 30.0, 0.92]),
    ],
    "color_heals": [
        lambda d: np.mean((d.shape[1] - 1) / np.sqrt((d**2).sum(axis=1))),
        lambda d: (((channels(d) - 1) / d.norm(dim=1)).mean())[None],
    ],
    "forgotten_evidence": [spread_numpy],
}

WRONG = {
    "flat_pictures": [
        Wrong("peak for a draw", "a", "not a draw"),
        Wrong("factor", "b", "in units of tau"),
        Wrong("factor", "c", "if beta tau were 1"),
        Wrong("no letter", 0.9, "One of 'a', 'b', 'c', 'd'"),
    ],
    "unequal_noise": [
        Wrong("equal noise", lambda y, s, b: pull(y, (s**2).mean().expand(2), b), "were the same"),
        Wrong("sigma for sigma^2", lambda y, s, b: pull(y, s, b), "standard deviation"),
        Wrong("exchanged", lambda y, s, b: pull(y, s.flip(0) ** 2, b), "exchanged"),
        Wrong("halfway", halfway, "not halfway"),
        Wrong("weights exchanged", lambda y, s, b: meet(y, s, b, s**2), "weights exchanged"),
        Wrong("half the threshold", lambda y, s, b: meet(y, s, b, s**-2, 0.5), "half of what"),
        Wrong("missing case", no_crease, "past each other"),
        Wrong("sign", lambda y, s, b: 2 * y - pull(y, s**2, b), "pushed apart"),
        Wrong("shape", lambda y, s, b: pull(y, s**2, b).T, "shape"),
    ],
    "error_bars": [
        Wrong("sigma^2 for sigma^4", bars(1, 1, 2), "not by sigma^2"),
        Wrong("sign", bars(1, -1, 4), "its own sign"),
        Wrong("sigma 0", lambda f, y, sg: bars(1, 1, 4)(clean(f), y, sg), "at sigma 0"),
        Wrong("missing term", bars(0, 1, 4), "is missing"),
        Wrong("another quantity", bars(0, -1, 2), "share of the noise that goes"),
        Wrong(
            "missing factor", lambda s, y, sg: bars(1, 1, 4)(s, y, sg) / sg**2, "of the denoiser"
        ),
        Wrong("diagonal", lambda *a: bars(1, 1, 4)(*a) * EYE, "depend on each other"),
        Wrong("shape", lambda *a: bars(1, 1, 4)(*a).sum(0), "shape"),
    ],
    "the_difference_learned": [
        Wrong("sign", lambda *c: -pair_once(*c), "apart"),
        Wrong("one direction", lambda *c: pair_once(*c)[:, 1:].expand(-1, 2), "same way"),
        Wrong("another level", lambda *c: pair_net(*c, tau=1.0), "sqrt(2) sigma, not sigma"),
        Wrong("missing sigma", lambda *c: pair_once(*c) * 2**0.5 * c[1], "over its level"),
        Wrong("no bend", lambda *c: pair_net(*c, widths=(1, 1)), "straight line"),
        Wrong("untrained", lambda *c: 0 * c[2], "learned nothing"),
        Wrong("shape", lambda *c: pair_once(*c)[:, 0], "shape"),
    ],
    "stretching_denoiser": [
        Wrong("concave", (1.0, 20.0, 0.7), "never more than once"),
        Wrong("too weak", (0.5, 5.0, 0.43), "equally likely"),
        Wrong("elsewhere", (0.3, 20.0, 1.5), "equally likely"),
        Wrong("range", (0.0, 20.0, 0.7), "Keep power between"),
        Wrong("shape", (0.3, 20.0), "Three numbers"),
    ],
    "color_heals": [
        Wrong("off by one", lambda d: channels(d) * mean_of(d), "not m/|d|"),
        Wrong("missing factor", mean_of, "number of channels is lost"),
        Wrong("half", lambda d: (channels(d) - 1) * mean_of(d) / 2, "one pixel"),
        Wrong("factor", lambda d: (channels(d) - 1) * mean_of(d) * 2, "2 times"),
        Wrong("sign", lambda d: (1 - channels(d)) * mean_of(d), "its sign"),
        Wrong("inverse of a mean", lambda d: (channels(d) - 1) / d.norm(dim=1).mean(), "one over"),
        Wrong("another estimate", lambda d: channels(d) / d.norm(dim=1).mean(), "likelihood"),
    ],
    "forgotten_evidence": [
        Wrong("unchanged", lambda t, w, m, C: mixed(t, w, m, C, w), "as found"),
        Wrong("constant", lambda t, w, m, C: mixed(t, w, m, C, w * bell(t, m, C)), "1/std"),
        Wrong(
            "missing weights",
            lambda t, w, m, C: mixed(t, w, m, C, bell(t, m, C) / C[:, 0, 0].sqrt()),
            "Bayes' rule",
        ),
        Wrong("sigma for sigma^2", narrow, "not by twice the standard deviation"),
        Wrong("missing term", within_only, "two parts"),
        Wrong("variance", lambda *a: spread_numpy(*a) ** 2, "This is the variance"),
    ],
}
