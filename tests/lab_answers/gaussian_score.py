"""Answers to lab 1."""

from __future__ import annotations

import numpy as np
import torch

from lab_answers import Wrong


def slope(log_prob, x, *level):
    point = x.clone().requires_grad_()
    return torch.autograd.grad(log_prob(point, *level).sum(), point)[0]


def along(score, a, b, num=400):
    t = torch.linspace(0, 1, num, dtype=torch.float64)[:, None]
    return torch.trapezoid(score(a + t * (b - a)) @ (b - a), t[:, 0])


def hills(x, w, m, s, constant):
    z = (x[:, None] - m) / s
    r = torch.softmax((w * constant).log() - z**2 / 2, dim=1)
    return -(r * z / s).sum(1)


def hills_numpy(x, w, m, s):
    parts = w / s * np.exp(-(((x[:, None] - m) / s) ** 2) / 2)
    return -(parts * (x[:, None] - m) / s**2).sum(axis=1) / parts.sum(axis=1)


RIGHT = {
    "one_pixel_denoised": [0.82, torch.tensor(0.82), np.float64(0.82), [0.82]],
    "score_of_a_lognormal": [
        lambda y, m, s: -(1 + (np.log(y) - m) / s**2) / y,
        lambda y, m, s: (-(1 + (y.log() - m) / s**2) / y)[:, None],
    ],
    "tweedie_by_autograd": [lambda log_prob, x, sigma: x + sigma**2 * slope(log_prob, x, sigma)],
    "fools_two_averages": [
        lambda x: -x + x**3 - 3 * x,
        lambda x: -x + np.cos(x) - np.exp(-0.5),
    ],
    "log_ratio_along_a_line": [along],
    "the_constant_matters": [hills_numpy],
}

WRONG = {
    "one_pixel_denoised": [
        Wrong("sign", 0.98, "away from the mean"),
        Wrong("sigma for sigma^2", 0.9 - 0.1 * 0.4 / 0.05, "not by its standard deviation"),
        Wrong("wrong noise level", 0.9 - 0.01 * 0.4 / 0.04, "score of the clean pixels"),
        Wrong("no answer", 0.9, "the noisy pixel itself"),
        Wrong("no answer", 0.5, "prior mean"),
        Wrong("not a number", "0.82", "Numbers are wanted"),
    ],
    "score_of_a_lognormal": [
        Wrong("missing term", lambda y, m, s: -(y.log() - m) / (s**2 * y), "one more factor"),
        Wrong("sign", lambda y, m, s: 1 / y + (y.log() - m) / (s**2 * y), "its sign"),
        Wrong("sign of a term", lambda y, m, s: 1 / y - (y.log() - m) / (s**2 * y), "-log y"),
        Wrong("chain rule", lambda y, m, s: -1 / y - (y.log() - m) / s**2, "Chain rule"),
        Wrong("sigma for sigma^2", lambda y, m, s: -1 / y - (y.log() - m) / (s * y), "variance"),
        Wrong("shape", lambda y, m, s: (-1 / y - (y.log() - m) / (s**2 * y)).sum(), "shape"),
        Wrong("exception", lambda y, m, s: y.lgo(), "AttributeError"),
    ],
    "tweedie_by_autograd": [
        Wrong("sigma for sigma^2", lambda p, x, s: x + s * slope(p, x, s), "sigma^2, not by sigma"),
        Wrong("sign", lambda p, x, s: x - s**2 * slope(p, x, s), "subtracted"),
        Wrong("wrong noise level", lambda p, x, s: x + s**2 * slope(p, x), "clean density"),
        Wrong("half an answer", lambda p, x, s: s**2 * slope(p, x, s), "Add it to x"),
        Wrong("half an answer", lambda p, x, s: slope(p, x, s), "This is the score"),
        Wrong("shape", lambda p, x, s: (x + s**2 * slope(p, x, s)).T, "shape"),
    ],
    "fools_two_averages": [
        Wrong("no lie", lambda x: -x, "the true score"),
        Wrong("mean", lambda x: -x + x**2, "should be zero"),
        Wrong("factor", lambda x: -1.1 * x, "should be -1"),
        Wrong("sign", lambda x: x, "should be -1"),
        Wrong("shape", lambda x: x.sum(), "maps"),
    ],
    "log_ratio_along_a_line": [
        Wrong("sign", lambda s, a, b: along(s, b, a), "wrong way"),
        Wrong("shape", lambda s, a, b: along(s, a, b) * (b - a), "shape"),
        Wrong("one step", lambda s, a, b: s(a) @ (b - a), "tangent"),
        Wrong("off by one", lambda s, a, b: along(s, a, b, 2), "Two end points"),
        Wrong("factor", lambda s, a, b: along(s, a, b) / (b - a).norm(), "its length"),
    ],
    "the_constant_matters": [
        Wrong("unchanged", lambda x, w, m, s: hills(x, w, m, s, 1.0), "as found"),
        Wrong("sigma for sigma^2", lambda x, w, m, s: hills(x, w, m, s, s**-2), "not 1/std^2"),
        Wrong("inverse", lambda x, w, m, s: hills(x, w, m, s, s), "numerator"),
        Wrong("missing weights", lambda x, w, m, s: hills(x, w, m, s, 1 / (w * s)), "w_k are gone"),
        Wrong("sign", lambda x, w, m, s: -hills(x, w, m, s, 1 / s), "its sign"),
    ],
}
