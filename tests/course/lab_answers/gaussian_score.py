"""Answers to lab 1."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import torch

from lab_answers import Wrong


def slope(log_prob, x, *level):
    point = x.clone().requires_grad_()
    return torch.autograd.grad(log_prob(point, *level).sum(), point)[0]


def along(score, a, b, num=400):
    t = torch.linspace(0, 1, num, dtype=torch.float64)[:, None]
    return torch.trapezoid(score(a + t * (b - a)) @ (b - a), t[:, 0])


def summed(score, a, b):
    t = (torch.arange(400) + 0.5)[:, None] / 400
    return score(a + t * (b - a)).mean(0).sum()


def differences(log_prob, x, sigma, h=1e-5):
    steps = h * np.eye(2)
    slopes = [(log_prob(x + d, sigma) - log_prob(x - d, sigma)) / (2 * h) for d in steps]
    return x + sigma**2 * np.stack(slopes, axis=1)


def along_arrays(score, a, b):
    t = np.linspace(0, 1, 400)[:, None]
    return np.trapezoid(score(a + t * (b - a)) @ (b - a), t[:, 0])


def detour(score, a, b):
    corner = torch.stack([a[0], b[1]])
    return along(score, a, corner) + along(score, corner, b)


def second(y, m, s):
    return -(y.log() - m) / (s**2 * y)


def one_by_one(x, w, m, s):
    values = []
    for v in x:
        parts = [w[k] / s[k] * np.exp(-(((v - m[k]) / s[k]) ** 2) / 2) for k in range(len(w))]
        values.append(sum(parts[k] * (m[k] - v) / s[k] ** 2 for k in range(len(w))) / sum(parts))
    return values


def hills(x, w, m, s, constant):
    z = (x[:, None] - m) / s
    r = torch.softmax((w * constant).log() - z**2 / 2, dim=1)
    return -(r * z / s).sum(1)


def hills_numpy(x, w, m, s):
    parts = w / s * np.exp(-(((x[:, None] - m) / s) ** 2) / 2)
    return -(parts * (x[:, None] - m) / s**2).sum(axis=1) / parts.sum(axis=1)


RIGHT = {
    "one_pixel_denoised": [0.82, torch.tensor(0.82), np.float64(0.82), [0.82], Fraction(41, 50)],
    "score_of_a_lognormal": [
        lambda y, m, s: -(1 + (np.log(y) - m) / s**2) / y,
        lambda y, m, s: (-(1 + (y.log() - m) / s**2) / y)[:, None],
        lambda y, m, s: [-1 / float(v) + float(second(v, m, s)) for v in y],
    ],
    "tweedie_by_autograd": [
        lambda log_prob, x, sigma: x + sigma**2 * slope(log_prob, x, sigma),
        lambda log_prob, x, sigma: [v + sigma**2 * slope(log_prob, v[None], sigma)[0] for v in x],
        differences,
    ],
    "fools_two_averages": [
        lambda x: -x + x**3 - 3 * x,
        lambda x: -x + np.cos(x) - np.exp(-0.5),
        lambda x: -x + x.abs() - (2 / np.pi) ** 0.5,
        lambda x: -((np.pi / 2) ** 0.5) * x.sign(),
    ],
    "log_ratio_along_a_line": [along, along_arrays, detour],
    "the_constant_matters": [hills_numpy, one_by_one],
}

WRONG = {
    "one_pixel_denoised": [
        Wrong("sign", 0.98, "away from the mean"),
        Wrong("sigma for sigma^2", 0.9 - 0.1 * 0.4 / 0.05, "not by its standard deviation"),
        Wrong("wrong noise level", 0.9 - 0.01 * 0.4 / 0.04, "score of the clean pixels"),
        Wrong("no answer", 0.9, "the noisy pixel itself"),
        Wrong("no answer", 0.5, "prior mean"),
        Wrong("swapped", 0.9 - 0.04 * 0.4 / 0.05, "changed their roles"),
        Wrong("missing squares", 0.9 - 0.01 * 0.4 / 0.09, "Variances add"),
        Wrong("factor", 0.41, "Not the right values yet."),
        Wrong("not a number", "0.82", "Numbers are wanted"),
    ],
    "score_of_a_lognormal": [
        Wrong("missing term", lambda y, m, s: -(y.log() - m) / (s**2 * y), "one more factor"),
        Wrong("sign", lambda y, m, s: 1 / y + (y.log() - m) / (s**2 * y), "its sign"),
        Wrong("sign of a term", lambda y, m, s: 1 / y - (y.log() - m) / (s**2 * y), "-log y"),
        Wrong("chain rule", lambda y, m, s: -1 / y - (y.log() - m) / s**2, "Chain rule"),
        Wrong("sigma for sigma^2", lambda y, m, s: -1 / y - (y.log() - m) / (s * y), "variance"),
        Wrong("shape", lambda y, m, s: (-1 / y - (y.log() - m) / (s**2 * y)).sum(), "shape"),
        Wrong("sign of a term", lambda y, m, s: -1 / y - second(y, m, s), "far above"),
        Wrong("missing 1/2", lambda y, m, s: -1 / y + 2 * second(y, m, s), "twice too large"),
        Wrong("factor", lambda y, m, s: -1 / y + second(y, m, s) / 2, "brings a 2"),
        Wrong("missing variance", lambda y, m, s: -1 / y - (y.log() - m) / y, "is missing"),
        Wrong(
            "no derivative", lambda y, m, s: -y.log() - (y.log() - m) ** 2 / 2 / s**2, "log-dens"
        ),
        Wrong("exception", lambda y, m, s: y.lgo(), "AttributeError"),
    ],
    "tweedie_by_autograd": [
        Wrong("sigma for sigma^2", lambda p, x, s: x + s * slope(p, x, s), "sigma^2, not by sigma"),
        Wrong("sign", lambda p, x, s: x - s**2 * slope(p, x, s), "subtracted"),
        Wrong("wrong noise level", lambda p, x, s: x + s**2 * slope(p, x), "clean density"),
        Wrong("half an answer", lambda p, x, s: s**2 * slope(p, x, s), "Add it to x"),
        Wrong("half an answer", lambda p, x, s: slope(p, x, s), "This is the score"),
        Wrong("missing 1/2", lambda p, x, s: x + s**2 / 2 * slope(p, x, s), "no factor 1/2"),
        Wrong(
            "wrong noise level", lambda p, x, s: x + s**2 * slope(p, x, s**2), "not the variance"
        ),
        Wrong("mean for sum", lambda p, x, s: x + s**2 * slope(p, x, s) / len(x), "Take the sum"),
        Wrong("shape", lambda p, x, s: (x + s**2 * slope(p, x, s)).T, "shape"),
    ],
    "fools_two_averages": [
        Wrong("no lie", lambda x: -x, "the true score"),
        Wrong("mean", lambda x: -x + x**2, "should be zero"),
        Wrong("factor", lambda x: -1.1 * x, "should be -1"),
        Wrong("sign", lambda x: x, "should be -1"),
        Wrong("batch", lambda x: -x + x**2 - (x**2).mean(), "other points of x"),
        Wrong("chance", lambda x: -x + torch.randn(x.shape), "from call to call"),
        Wrong("shape", lambda x: x.sum(), "maps"),
    ],
    "log_ratio_along_a_line": [
        Wrong("sign", lambda s, a, b: along(s, b, a), "wrong way"),
        Wrong("shape", lambda s, a, b: along(s, a, b) * (b - a), "shape"),
        Wrong("one step", lambda s, a, b: s(a) @ (b - a), "tangent"),
        Wrong("one step", lambda s, a, b: s((a + b) / 2) @ (b - a), "at the middle is a tangent"),
        Wrong("no logarithm", lambda s, a, b: along(s, a, b).exp(), "Its logarithm"),
        Wrong("off by one", lambda s, a, b: along(s, a, b, 2), "Two end points"),
        Wrong("factor", lambda s, a, b: along(s, a, b) / (b - a).norm(), "its length"),
        Wrong("no product", summed, "added up the components"),
    ],
    "the_constant_matters": [
        Wrong("unchanged", lambda x, w, m, s: hills(x, w, m, s, 1.0), "as found"),
        Wrong("sigma for sigma^2", lambda x, w, m, s: hills(x, w, m, s, s**-2), "not 1/std^2"),
        Wrong("inverse", lambda x, w, m, s: hills(x, w, m, s, s), "numerator"),
        Wrong("missing weights", lambda x, w, m, s: hills(x, w, m, s, 1 / (w * s)), "w_k are gone"),
        Wrong("sign", lambda x, w, m, s: -hills(x, w, m, s, 1 / s), "its sign"),
        Wrong(
            "missing 1/2",
            lambda x, w, m, s: (
                -(
                    torch.softmax((w / s).log() - ((x[:, None] - m) / s) ** 2, 1)
                    * (x[:, None] - m)
                    / s**2
                ).sum(1)
            ),
            "1/2 in the exponent",
        ),
        Wrong(
            "half an answer",
            lambda x, w, m, s: (
                -(
                    w / s * torch.exp(-(((x[:, None] - m) / s) ** 2) / 2) * (x[:, None] - m) / s**2
                ).sum(1)
            ),
            "Divide by the density",
        ),
    ],
}
