"""Answers to lab 6."""

from __future__ import annotations

import math

import numpy as np
import torch

from lab_answers import Wrong, once
from lessons_lib import networks, training


def exact_pull(x, y, sigma, n, *, half=1.0):
    a, b = x / sigma**2, y / n**2
    return (torch.tanh(half * (a + b)) - torch.tanh(half * a)) / sigma**2


def pull_by_odds(x, y, sigma, n):
    def bright(log_odds):
        return 1 / (1 + np.exp(-log_odds))

    prior = bright(2 * x / sigma**2)
    return 2 * (bright(2 * x / sigma**2 + 2 * y / n**2) - prior) / sigma**2


def after_the_data(x, y, sigma, n):
    return (torch.tanh(x / sigma**2 + y / n**2) - x) / sigma**2


def through_denoiser(x, y, sigma, n):
    clean = torch.tanh(x / sigma**2)
    return (1 - clean**2) / sigma**2 * (y - clean) / n**2


def heard(y, mask):
    return torch.fft.ifft2(mask * y, norm="ortho")


def combine_numpy(y, coils, mask):
    k = np.zeros_like(y)
    k[:, mask] = y[:, mask]
    images = np.fft.ifft2(k) * math.sqrt(mask.size)
    return np.real(np.einsum("chw,chw->hw", np.conj(coils), images))


def honest(y, mean, std, n, num, generator):
    gain = std**2 / (std**2 + n**2)
    z = torch.randn(num, len(y), generator=generator, dtype=y.dtype)
    return mean + gain * (y - mean) + gain**0.5 * n * z


def inattentive(y, mean, std, n, num, generator):
    """The posterior given the datum with more noise on it."""
    seen = y + 2 * std * torch.randn(len(y), generator=generator, dtype=y.dtype)
    return honest(seen, mean, std, math.hypot(n, 2 * std), num, generator)


def prior_numpy(y, mean, std, n, num, generator):
    return np.random.default_rng(0).normal(mean, std, (num, len(y)))


def prior_draws(y, mean, std, n, num, generator, wider=1.0, shift=0.0):
    z = torch.randn(num, len(y), generator=generator, dtype=y.dtype)
    return mean + shift + wider * std * z


def spread_out(y, mean, std, n, num, generator, times):
    centre = mean + std**2 / (std**2 + n**2) * (y - mean)
    return centre + times * (honest(y, mean, std, n, num, generator) - centre)


def warped(drift, stir, times=2.0):
    def step_by(score, x, step, root, noise):
        return x + step * score(x) @ drift(root) + math.sqrt(times * step) * noise @ stir(root)

    return step_by


def white(root):
    return torch.eye(len(root), dtype=root.dtype)


def cov(root):
    return root @ root.T


def warped_columns(score, x, step, root, noise):
    return (x.T + root @ (step * root.T @ score(x).T + math.sqrt(2 * step) * noise.T)).T


def walk(draw, amount=lambda step: math.sqrt(2 * step)):
    def chains(score, x, step, num_steps, generator):
        for _ in range(num_steps):
            x = x + step * score(x) + amount(step) * draw(x.shape, generator)
        return x

    return chains


def normal(shape, generator):
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def uniform(shape, generator):
    return torch.rand(shape, generator=generator, dtype=torch.float64)


def counts(*, level=1, slope=1, black_too=True):
    def score_in_counts(score, x, sigma, black, white):
        span = white - black
        return score((x - black * black_too) / span, sigma / span**level) / span**slope

    return score_in_counts


def moments_net(x, y, at, generator):
    net = networks.mlp((1, 24, 2), activation="tanh", generator=generator).double()
    wanted = torch.cat([x, x**2], 1)

    def cost(net, generator):
        rows = torch.randint(len(x), (300,), generator=generator)
        return (net(y[rows]) - wanted[rows]).square().mean()

    list(training.train(net, cost, num_steps=200, learning_rate=0.03, generator=generator))
    return net(at).detach()


moments_once = once(moments_net)


def mean_and(bar):
    """The learned mean, with a bar that is made of both moments and of what is known."""

    def answer(x, y, at, generator):
        mean, square = moments_once(x, y, at, generator).split(1, 1)
        return mean, bar(mean, (square - mean**2).clamp_min(0), y - x)

    return answer


def neighbours(x, y, at, generator):
    """Means over measurements nearby, without any network."""
    weight = torch.exp(-((at - y.T) ** 2) / (2 * 0.15**2))
    weight = weight / weight.sum(1, keepdim=True)
    mean = weight @ x
    return torch.stack([mean, (weight @ x**2 - mean**2).sqrt()])


RIGHT = {
    "the_image_nobody_draws": [512, torch.tensor(512.0), np.float64(512.0), [510.0]],
    "the_pull_of_the_data": [exact_pull, pull_by_odds],
    "the_adjoint_of_coils": [
        combine_numpy,
        lambda y, c, m: (c.real * heard(y, m).real + c.imag * heard(y, m).imag).sum(0)[None],
    ],
    "error_bars_learned": [neighbours],
    "passes_the_rank_test": [
        inattentive,
        prior_numpy,
        lambda *args: prior_draws(*args).T,
    ],
    "a_warped_walk": [warped(cov, torch.t), warped_columns],
    "the_noise_of_the_walk": [
        walk(normal),
        walk(lambda *a: math.sqrt(12) * (uniform(*a) - 0.5)),
        walk(lambda *a: normal(*a).sign()),
    ],
    "the_unit_of_sigma": [
        lambda score, x, sigma, b, w: (1 / (w - b)) * score((x - b) / (w - b), sigma / (w - b)),
    ],
}

WRONG = {
    "the_image_nobody_draws": [
        Wrong("missing 1/2", 1024, "one half"),
        Wrong("factor", math.sqrt(512), "spread of the gap"),
        Wrong("size", 16, "side * side"),
        Wrong("sign", -512, "positive"),
        Wrong("no answer", 0.0, "near the peak"),
        Wrong("constant", 512 * math.log(2 * math.pi * math.e), "entropy"),
        Wrong("not a number", "512", "Numbers are wanted"),
    ],
    "the_pull_of_the_data": [
        Wrong("whole posterior", after_the_data, "more than the prior"),
        Wrong("as if clean", lambda x, y, s, n: (y - x) / n**2, "takes the noisy x"),
        Wrong("widened", lambda x, y, s, n: (y - x) / (n**2 + s**2), "widened rule"),
        Wrong("through the denoiser", through_denoiser, "mean of the likelihood"),
        Wrong("chain rule", lambda x, y, s, n: s**2 * exact_pull(x, y, s, n), "Chain rule"),
        Wrong("missing 1/2", lambda *a: exact_pull(*a, half=2.0), "factor of two"),
        Wrong("sigma for sigma^2", lambda x, y, s, n: exact_pull(x, y, s**0.5, n**0.5), "standard"),
        Wrong("sign", lambda *a: -exact_pull(*a), "its sign"),
        Wrong("exception", lambda x, y, s, n: x.tnah(), "AttributeError"),
    ],
    "the_adjoint_of_coils": [
        Wrong("no mask", lambda y, c, m: (c.conj() * heard(y, m | ~m)).sum(0).real, "mask"),
        Wrong("no conjugate", lambda y, c, m: (c * heard(y, m)).sum(0).real, "conjugate"),
        Wrong("complex", lambda y, c, m: (c.conj() * heard(y, m)).sum(0), "real part"),
        Wrong("mean", lambda y, c, m: (c.conj() * heard(y, m)).mean(0).real, "mean over the coils"),
        Wrong(
            "forwards",
            lambda y, c, m: (c.conj() * torch.fft.fft2(m * y, norm="ortho")).sum(0).real,
            "forwards twice",
        ),
        Wrong(
            "factor",
            lambda y, c, m: (c.conj() * torch.fft.ifft2(m * y)).sum(0).real,
            "number of pixels",
        ),
        Wrong(
            "root of squares",
            lambda y, c, m: (c.conj() * heard(y, m)).abs().square().sum(0).sqrt(),
            "not linear",
        ),
        Wrong("root of squares", lambda y, c, m: heard(y, m).norm(dim=0), "not linear"),
        Wrong(
            "divided",
            lambda y, c, m: ((c.conj() * heard(y, m)).sum(0) / c.abs().square().sum(0)).real,
            "does not divide",
        ),
        Wrong("shape", lambda y, c, m: (c.conj() * heard(y, m)).real, "shape"),
    ],
    "error_bars_learned": [
        Wrong("no root", mean_and(lambda mean, var, z: var), "are variances"),
        Wrong("missing term", mean_and(lambda mean, var, z: (var + mean**2).sqrt()), "subtracted"),
        Wrong("one bar", mean_and(lambda mean, var, z: var.mean().sqrt() + 0 * mean), "alike"),
        Wrong("the camera's", mean_and(lambda mean, var, z: z.std() + 0 * mean), "of the camera"),
        Wrong("untrained", lambda x, y, at, generator: (0 * at, 0 * at), "nothing was learned"),
        Wrong("half an answer", lambda *c: mean_and(lambda mean, var, z: var)(*c)[0], "shape"),
    ],
    "passes_the_rank_test": [
        Wrong("honest", honest, "as close as honest ones"),
        Wrong("too narrow", lambda *a: spread_out(*a, 0.5), "both ends"),
        Wrong("too wide", lambda *a: spread_out(*a, 2.0), "in the middle"),
        Wrong("biased", lambda *a: prior_draws(*a, shift=0.3), "slope"),
        Wrong("the datum", lambda y, m, s, n, num, g: y.expand(num, -1), "both ends"),
        Wrong("shared", lambda *a: prior_draws(*a)[:, :1].expand(-1, len(a[0])), "same 19"),
        Wrong("shape", lambda *a: prior_draws(*a)[0], "are wanted"),
    ],
    "a_warped_walk": [
        Wrong("plain step", warped(white, white), "R appears nowhere"),
        Wrong("white noise", warped(cov, white), "still white"),
        Wrong("no root", warped(cov, cov), "multiplied by R"),
        Wrong("plain drift", warped(white, torch.t), "multiplied by nothing"),
        Wrong("half a drift", warped(torch.t, torch.t), "you have R s"),
        Wrong("transposed", warped(cov, lambda root: root), "noise @ root.T"),
        Wrong("transposed", warped(lambda root: root.T @ root, lambda root: root), "Consistent"),
        Wrong("missing 2", warped(cov, torch.t, 1.0), "temperature one half"),
    ],
    "the_noise_of_the_walk": [
        Wrong("unchanged", walk(lambda *a: uniform(*a) - 0.5), "as found"),
        Wrong("the peer's bug", walk(uniform), "drifts to"),
        Wrong("factor", walk(lambda *a: 2 * uniform(*a) - 1), "1/3"),
        Wrong("missing 2", walk(normal, math.sqrt), "temperature one half"),
        Wrong("no root", walk(lambda *a: 12 * (uniform(*a) - 0.5)), "root of 12"),
        Wrong("step for its root", walk(normal, float), "far too weak"),
        Wrong("factor", walk(lambda *a: 1.5 * normal(*a)), "times what it should be"),
        Wrong("shared noise", walk(lambda shape, g: normal((1,), g)), "noise of its own"),
        Wrong("off centre", walk(lambda *a: normal(*a) + 0.1), "settle around"),
        Wrong("shape", lambda *a: walk(normal)(*a).mean(), "shape"),
    ],
    "the_unit_of_sigma": [
        Wrong("unchanged", counts(level=0, slope=0), "as found"),
        Wrong("missing chain rule", counts(slope=0), "second mistake"),
        Wrong("wrong noise level", counts(level=0), "sigma is in counts"),
        Wrong("inverse", counts(slope=-1), "do not multiply"),
        Wrong("squared", counts(slope=2), "first derivative"),
        Wrong("sigma for sigma^2", counts(level=2), "not its square"),
        Wrong("offset", counts(black_too=False), "black level"),
        Wrong("sign", lambda *a: -counts()(*a), "its sign"),
    ],
}
