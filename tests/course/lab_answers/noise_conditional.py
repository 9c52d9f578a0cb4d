"""Answers to lab 3."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import torch

from lab_answers import Wrong, once
from lessons_lib import networks, training


def towards(x, data, sigma, *, two=2.0, power=2):
    gap = data - x[:, None]  # (N, T, n)
    w = torch.softmax(-(gap**2).sum(-1) / (two * sigma**power), dim=1)
    return (w[..., None] * gap).sum(1)


def naive(x, data, sigma):
    w = np.exp(-((x[:, None] - data) ** 2).sum(-1) / (2 * sigma**2))
    return (w @ data / w.sum(1, keepdims=True) - x) / sigma**2


def careful(x, data, sigma):
    a = -((x[:, None] - data) ** 2).sum(-1) / (2 * sigma**2)
    w = np.exp(a - a.max(1, keepdims=True))
    return (w @ data / w.sum(1, keepdims=True) - x) / sigma**2


def by_autograd(x, data, sigma):
    x = x.clone().requires_grad_()
    log_q = torch.logsumexp(-((x[:, None] - data) ** 2).sum(-1) / (2 * sigma**2), dim=1)
    return torch.autograd.grad(log_q.sum(), x)[0]


def ladder(*levels, bottom=0.05):
    return torch.tensor([20.0, *levels, bottom])


def even(num, top=20.0, bottom=0.05):
    return torch.tensor(np.geomspace(top, bottom, num))


def climb(score, x, sigmas, *, start=1.0, slope=1.0, square=1.0, power=1):
    change = []
    for sigma in sigmas:
        point = x.clone().requires_grad_()
        s = score(point, sigma)
        ds = torch.autograd.grad(s.sum(), point)[0]
        change.append(sigma**power * (slope * ds + square * s**2).detach()[:, 0])
    first = -0.5 * (x[:, 0] / sigmas[0]) ** 2 - torch.log(sigmas[0] * math.sqrt(2 * math.pi))
    return start * first + torch.trapezoid(torch.stack(change), sigmas, dim=0)


def along_the_flow(score, x, sigmas):
    """Carry the point up the ladder with the flow, and add up the divergence on the way."""
    x, log_det = x.clone(), 0.0
    ladder = sigmas.flip(0)
    for low, high in pairwise(ladder):
        middle, h = (low + high) / 2, high - low
        at = x - h / 2 * low * score(x, low)
        slope = (score(at + 1e-5, middle) - score(at - 1e-5, middle)) / 2e-5
        log_det = log_det - h * middle * slope
        x = x - h * middle * score(at, middle)
    return torch.distributions.Normal(0.0, sigmas[-1] + sigmas[0]).log_prob(x) + log_det


def errors(score, density, x, sigmas, noise, *, power=2, told=True):
    found = []
    for sigma in sigmas.tolist():
        y = x + sigma * noise
        gap = score(y, sigma) - (density.score(y, sigma) if told else density.score(y))
        found.append(float(sigma**power * (gap**2).sum(-1).mean() / 2))
    return found


def told_net(x0, sigmas, y, generator, *, told=1.0, levels=None, steps=150):
    net = networks.mlp((2, 32, 1), activation="tanh", generator=generator).double()
    levels = sigmas.double() if levels is None else torch.tensor(levels).double()

    def guess(x, sigma):
        return net(torch.cat([x / (1 + sigma**2).sqrt(), told * sigma.log().expand_as(x)], -1))

    def cost(net, generator):
        rows = torch.randint(len(x0), (256,), generator=generator)
        sigma = levels[torch.randint(len(levels), (256, 1), generator=generator)]
        z = torch.randn(256, 1, generator=generator).double()
        return (guess(x0[rows] + sigma * z, sigma) + z).square().mean()

    list(training.train(net, cost, num_steps=steps, learning_rate=0.05, generator=generator))
    sigma = sigmas[:, None, None]
    return (guess(y, sigma) / sigma).detach()


def blind_net(x0, sigmas, y, generator):
    """One function of the noisy point alone."""
    net = networks.mlp((1, 32, 1), activation="tanh", generator=generator).double()

    def cost(net, generator):
        rows = torch.randint(len(x0), (256,), generator=generator)
        sigma = sigmas[torch.randint(5, (256, 1), generator=generator)]
        z = torch.randn(256, 1, generator=generator).double()
        return (sigma * net(x0[rows] + sigma * z) + z).square().mean()

    list(training.train(net, cost, num_steps=150, learning_rate=0.05, generator=generator))
    return net(y).detach()


def five_nets(x0, sigmas, y, generator):
    """A Parzen estimate needs no network, and is right."""
    d = (x0[:, 0] - y) / sigmas[:, None, None]  # (5, M, 2000)
    weights = (-(d**2) / 2).softmax(-1)
    return (weights * d).sum(-1, keepdim=True) / sigmas[:, None, None]


told_once = once(told_net)


RIGHT = {
    "where_the_flow_lands": [4.4, torch.tensor(4.4), [4.4]],
    "how_sure_is_the_denoiser": [
        lambda slope, sigma: sigma**2 * (1 + sigma**2 * np.array(slope))[:, None],
    ],
    "score_of_the_samples": [careful, by_autograd],
    "one_network_five_levels": [five_nets],
    "a_ladder_that_fails": [
        ladder(1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3),
        [20, 19.9, 19, 18, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05],
        torch.cat([even(5, 20, 15), even(5, 0.8, 0.05)]).numpy(),
    ],
    "the_constant_recovered": [climb, along_the_flow],
    "the_exact_score_fails": [lambda *case: np.array(errors(*case))],
}

WRONG = {
    "where_the_flow_lands": [
        Wrong("the mean", 3.44, "Tweedie's formula"),
        Wrong("sum of deviations", 2 + 4 * 1.5 / 3.5, "variances of data and noise"),
        Wrong("forgotten mean", 3.6, "towards zero"),
        Wrong("infinite noise", 2.0, "infinitely much noise"),
        Wrong("not a number", "left", "Numbers are wanted"),
    ],
    "how_sure_is_the_denoiser": [
        Wrong("missing term", lambda ds, s: s**4 * ds, "cannot be negative"),
        Wrong("sign", lambda ds, s: s**2 - s**4 * ds, "sign of the slope"),
        Wrong("missing sigma^2", lambda ds, s: 1 + s**2 * ds, "unit noise"),
        Wrong("sigma^2 for sigma^4", lambda ds, s: s**2 + s**2 * ds, "look at the units"),
        Wrong("square root", lambda ds, s: (s**2 + s**4 * ds).sqrt(), "standard deviation"),
        Wrong("shape", lambda ds, s: (s**2 + s**4 * ds).mean(), "shape"),
        Wrong("exception", lambda ds, s: s**2 + s**4 * ds[:, 1], "IndexError"),
    ],
    "score_of_the_samples": [
        Wrong("underflow", naive, "largest exponent"),
        Wrong("sign", lambda x, d, s: -towards(x, d, s) / s**2, "away from the data"),
        Wrong("sigma for sigma^2", lambda x, d, s: towards(x, d, s) / s, "not by sigma"),
        Wrong("half an answer", lambda x, d, s: x + towards(x, d, s), "This is the denoiser"),
        Wrong("missing 2", lambda x, d, s: towards(x, d, s, two=1) / s**2, "too narrow"),
        Wrong("sigma for sigma^2", lambda x, d, s: towards(x, d, s, power=1) / s**2, "where sigma"),
        Wrong("shape", lambda x, d, s: towards(x, d, s).sum(-1) / s**2, "shape"),
    ],
    "one_network_five_levels": [
        Wrong("sign", lambda *c: -told_once(*c), "minus the score"),
        Wrong("missing sigma", lambda *c: told_once(*c) * c[1][:, None, None], "sigma times"),
        Wrong("sigma twice", lambda *c: told_once(*c) / c[1][:, None, None], "once too often"),
        Wrong("blind", blind_net, "not told sigma"),
        Wrong("one level", lambda *c: told_net(*c, levels=[1.0]), "Every level must be"),
        Wrong("untrained", lambda *c: 0 * c[2], "learned nothing"),
        Wrong("shape", lambda x0, sigmas, y, generator: y[0], "shape"),
    ],
    "a_ladder_that_fails": [
        Wrong("no failure", even(12), "levels between 2 and 10"),
        Wrong("no failure", even(30), "levels between 2 and 10"),
        Wrong("too narrow a gap", torch.cat([even(5, 20, 10), even(9, 2)]), "2 levels between"),
        Wrong("too narrow a gap", torch.cat([even(7, 20, 10.1), even(9, 1.9)]), "too narrow"),
        Wrong("too low a start", even(12, top=0.5), "first level must be 20"),
        Wrong("order", even(12).flip(0), "must go down"),
        Wrong("too short", ladder(1.0), "10 to 40"),
        Wrong("not a ladder", "short", "Numbers are wanted"),
    ],
    "the_constant_recovered": [
        Wrong("sign", lambda *c: climb(*c, slope=-1, square=-1), "wrong sign"),
        Wrong("half an answer", lambda *c: climb(*c, start=0), "Add log p at the first level"),
        Wrong("missing term", lambda *c: climb(*c, square=0), "s^2 is missing"),
        Wrong("a needless 1/2", lambda *c: climb(*c, square=0.5), "not halved"),
        Wrong("factor", lambda *c: climb(*c, slope=0.5, square=0.5), "Half of the change"),
        Wrong("missing sigma", lambda *c: climb(*c, power=0), "has a factor sigma"),
        Wrong("shape", lambda *c: climb(*c).sum(), "shape"),
    ],
    "the_exact_score_fails": [
        Wrong("unchanged", lambda *c: errors(*c, power=1, told=False), "as found"),
        Wrong("one of two", lambda *c: errors(*c, power=1), "in other units"),
        Wrong("one of two", lambda *c: errors(*c, told=False), "with what is it compared"),
        Wrong("no weight", lambda *c: errors(*c, power=0), "drowns"),
        Wrong("missing 1/2", lambda *c: [2 * e for e in errors(*c)], "2 times the right"),
        Wrong("shape", lambda *c: sum(errors(*c)), "shape"),
    ],
}
