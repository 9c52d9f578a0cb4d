"""Answers to lab 5."""

from __future__ import annotations

import numpy as np
import torch

from lab_answers import Wrong, once
from lessons_lib import networks, training
from lessons_lib.patches import Patches


def counted(sign, first, last):
    """All windows of p, and those of p - 1 but for some at both ends."""

    def answer(long, short, x, p):
        out = torch.zeros_like(x)
        many = long(x.unfold(0, p, 1))
        for t in range(len(many)):
            out[t : t + p] += many[t]
        few = short(x.unfold(0, p - 1, 1))
        for t in range(first, len(few) - last):
            out[t : t + p - 1] += sign * few[t]
        return out

    return answer


def counted_numpy(long, short, x, p):
    out = np.zeros(len(x))
    for t in range(len(x) - p + 1):
        out[t : t + p] += long(np.array(x[t : t + p])[None])[0]
        if t > 0:
            out[t : t + p - 1] -= short(np.array(x[t : t + p - 1])[None])[0]
    return out


def in_order(long, short, x, p):
    """The first window, then each value given those before it."""
    out = torch.zeros_like(x)
    out[:p] = long(x[None, :p])[0]
    for t in range(1, len(x) - p + 1):
        out[t : t + p] += long(x[None, t : t + p])[0]
        out[t : t + p - 1] -= short(x[None, t : t + p - 1])[0]
    return out


def counted_average(long, short, x, p):
    times = counted(0, 1, 1)(lambda v: torch.ones_like(v), short, x, p)
    return counted(0, 1, 1)(long, short, x, p) / times


def only(v, **columns):
    s = torch.zeros_like(v)
    for name, value in columns.items():
        s[:, int(name[1:])] = value
    return s


def slopes(score, y, sigma):
    point = y.clone().requires_grad_()
    s = score(point, sigma).flatten()
    return torch.stack([torch.autograd.grad(one, point, retain_graph=True)[0] for one in s])


def weight(score, y, sigma, divergence=torch.trace):
    J = slopes(score, y, sigma).flatten(1)
    return -divergence(J) / (score(y, sigma) ** 2).sum()


def weight_by_projection(score, y, sigma):
    """All unit images, one after another."""
    s, total, h = score(y, sigma), 0.0, 1e-5
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            z = y.clone()
            z[i, j] += h
            total += float(score(z, sigma)[i, j] - s[i, j]) / h
    return -total / float(s.square().sum())


def total(v, table, shape):
    image = torch.zeros(shape[0] * shape[1], dtype=torch.float64)
    return image.index_put((table,), v, accumulate=True).reshape(shape)


def average(v, table, shape):
    return total(v, table, shape) / total(torch.ones_like(v), table, shape)


def average_numpy(v, table, shape):
    image, count = np.zeros(shape[0] * shape[1]), np.zeros(shape[0] * shape[1])
    np.add.at(image, table, v)
    np.add.at(count, table, 1)
    return (image / count).reshape(shape)


def average_by_loop(v, table, shape):
    told = [[] for _ in range(shape[0] * shape[1])]
    for number, word in zip(table.flatten().tolist(), v.flatten().tolist(), strict=True):
        told[number].append(word)
    return np.array([np.mean(words) for words in told]).reshape(shape)


def as_found(v, table, shape):
    image, count = np.zeros(shape[0] * shape[1]), np.zeros(shape[0] * shape[1])
    image[np.asarray(table)] += np.asarray(v)
    count[np.asarray(table)] += 1
    return (image / count).reshape(shape)


def half_repaired(v, table, shape):
    return as_found(v, table, shape) / total(torch.ones_like(v), table, shape)


def patch_net(x0, sigma, y, generator, *, alone=False):
    cut = Patches((16, 16), 3, wrap=True)
    net = networks.mlp((9, 9), generator=generator).double()

    def cost(net, generator):
        rows = torch.randint(len(x0), (8,), generator=generator)
        z = torch.randn(8, 16, 16, generator=generator).double()
        s = net(cut(x0[rows] + sigma * z))
        error = s + cut(z) / sigma if alone else cut.adjoint(s) + z / sigma
        return error.square().mean()

    list(training.train(net, cost, num_steps=120, learning_rate=0.02, generator=generator))
    return cut.adjoint(net(cut(y))).detach()


def convolution(x0, sigma, y, generator):
    """The same sum as one kernel of five by five."""
    kernel = torch.zeros(1, 1, 5, 5).double().requires_grad_()
    optimiser = torch.optim.Adam([kernel], lr=0.05)

    def score(x):
        wide = torch.nn.functional.pad(x[:, None], (2, 2, 2, 2), mode="circular")
        return torch.nn.functional.conv2d(wide, kernel)[:, 0]

    for k in range(200):
        optimiser.param_groups[0]["lr"] = 0.05 * (1 - k / 200)
        z = torch.randn(x0.shape, generator=generator).double()
        loss = (score(x0 + sigma * z) + z / sigma).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return score(y).detach()


summed, apart = once(patch_net), once(lambda *c: patch_net(*c, alone=True))


RIGHT = {
    "one_step_of_the_sum": [-3.5, torch.tensor(-3.5), [-3.5], np.float32(-3.505)],
    "harmful_below": [
        lambda variance, p: torch.tensor(variance * (p**2 - 2) / p**2),
        lambda variance, p: np.array([variance - 2 * variance / p**2]),
    ],
    "counted_chain": [counted(-1, 1, 1), counted_numpy, in_order],
    "trained_for_the_sum": [convolution],
    "invisible_score": [
        lambda v: torch.stack([v[:, 0] ** 3, -(v[:, 1] ** 3), 0 * v[:, 2], 0 * v[:, 3]], 1),
        lambda v: torch.stack([v[:, 1], v[:, 0], -v[:, 3], -v[:, 2]], 1),
        lambda v: np.stack([v[:, 0] * v[:, 1], 0 * v[:, 1], -v[:, 2] * v[:, 3], 0 * v[:, 3]], 1),
    ],
    "weight_without_truth": [weight, weight_by_projection],
    "overwritten_overlaps": [average, average_numpy, average_by_loop],
}

WRONG = {
    "one_step_of_the_sum": [
        Wrong("another rule", 0.1, "what the MAP does"),
        Wrong("counted once", 0.5, "counted one"),
        Wrong("wrong noise level", -8.0, "score of clean patches"),
        Wrong("off by a power", -0.5, "Not in p"),
        Wrong("sign", 3.5, "the sign is the point"),
        Wrong("not a number", "-3.5", "Numbers are wanted"),
    ],
    "harmful_below": [
        Wrong("sigma for sigma^2", lambda S, p: (S * (1 - 2 / p**2)) ** 0.5, "Its variance"),
        Wrong("units", lambda S, p: 1 - 2 / p**2, "variance one"),
        Wrong("off by a power", lambda S, p: S * (1 - 2 / p), "not in p"),
        Wrong("one for two", lambda S, p: S * (1 - 1 / p**2), "d^2, not by d"),
        Wrong("inverse", lambda S, p: S / (1 - 2 / p**2), "upside down"),
        Wrong("factor", lambda S, p: S * (1 - 2 / p**2) / 2, "0.5 times"),
        Wrong("shape", lambda S, p: [S, S * (1 - 2 / p**2)], "shape"),
    ],
    "counted_chain": [
        Wrong("all pieces", counted(-1, 0, 0), "are no overlaps"),
        Wrong("off by one", counted(-1, 1, 2), "missing at the end"),
        Wrong("off by one", counted(-1, 1, 0), "last short window"),
        Wrong("off by one", counted(-1, 0, 1), "first short window"),
        Wrong("plain sum", counted(0, 1, 1), "plain sum"),
        Wrong("average", counted_average, "not each dependence"),
        Wrong("sign", counted(1, 1, 1), "overlaps are added"),
        Wrong("exception", lambda long, short, x, p: long(x[None]), "windows of"),
    ],
    "trained_for_the_sum": [
        Wrong("trained alone", apart, "overcounts"),
        Wrong("average", lambda *c: apart(*c) / 9, "not the best sum"),
        Wrong("sign", lambda *c: -summed(*c), "minus the score"),
        Wrong("missing sigma", lambda *c: c[1] * summed(*c), "sigma times"),
        Wrong("untrained", lambda *c: 0 * c[2], "learned nothing"),
        Wrong("shape", lambda *c: summed(*c)[0], "shape"),
    ],
    "invisible_score": [
        Wrong("zero", lambda v: 0 * v, "same for every patch"),
        Wrong("constant", lambda v: 0 * v + torch.tensor([1.0, -1.0, 0.0, 0.0]), "same for every"),
        Wrong("sign", lambda v: only(v, c0=v[:, 0], c1=v[:, 1]), "Follow one pixel"),
        Wrong("wrong pixel", lambda v: only(v, c0=v[:, 1], c1=-v[:, 0]), "Follow one pixel"),
        Wrong("not local", lambda v: v - v.roll(1, 0), "change places"),
        Wrong("shape", lambda v: v[:, :2], "shape"),
        Wrong("columns for rows", lambda v: (v[:, 0], -v[:, 1], 0 * v[:, 0], 0 * v[:, 0]), "shape"),
    ],
    "weight_without_truth": [
        Wrong("sign", lambda *a: -weight(*a), "its sign"),
        Wrong("whole Jacobian", lambda *a: weight(*a, torch.sum), "whole Jacobian"),
        Wrong("wrong noise level", lambda s, y, sigma: weight(s, y, 0.0), "clean images"),
        Wrong("sigma^2 too much", lambda s, y, sigma: sigma**2 * weight(s, y, sigma), "too much"),
        Wrong("missing sigma^2", lambda s, y, sigma: weight(s, y, sigma) / sigma**2, "is missing"),
        Wrong("mean for sum", lambda s, y, sigma: 36 * weight(s, y, sigma), "is a mean"),
    ],
    "overwritten_overlaps": [
        Wrong("unchanged", as_found, "as found"),
        Wrong("half repaired", half_repaired, "count is right now"),
        Wrong("summed", total, "summed, not averaged"),
        Wrong("border", lambda v, t, shape: total(v, t, shape) / t.shape[1], "too dark"),
        Wrong("factor", lambda v, t, shape: total(v, t, shape) / len(t), "all patches"),
        Wrong("shape", lambda v, t, shape: average(v, t, shape).T, "shape"),
    ],
}
