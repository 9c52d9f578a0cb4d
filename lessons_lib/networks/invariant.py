"""Scores that ignore brightness, or brightness and contrast, of patches or of whole images."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lessons_lib.networks.perceptron import call_net
from lessons_lib.networks.preconditioned import bounded, call_on_maps, check_bound
from lessons_lib.shapes import Sigma, check_score_output, check_tensor, expand_sigma


class CentredScore(nn.Module):
    """A patch score that is the same at every brightness, ``s(v) = P f(P v)``.

    ``P`` subtracts the mean of the patch. If a potential does not change when a constant is added
    to the patch, ``V(v + c) = V(v)``, then its gradient does not change either, and its entries
    sum to zero. This wrapper gives any score both properties, exactly.

    Parameters
    ----------
    score : nn.Module
        Any score ``f(v, sigma)`` on patches ``(*, n)``.

    Notes
    -----
    Contrast is another matter: `CentredScore` does nothing about it, `NormalizedScore` does.
    Chapters 00_tour and 07_pitfalls.
    """

    def __init__(self, score: nn.Module) -> None:
        super().__init__()
        self.score = score

    def forward(self, v: Tensor, sigma: Sigma) -> Tensor:
        """Return the score at patches ``(*, n)``."""
        return _centre(self.score(_centre(v), sigma))


class NormalizedScore(nn.Module):
    r"""A patch score that knows neither brightness nor contrast: patch normalisation.

    If the statistics of patches are the same at every brightness and every contrast, then in
    noise of standard deviation :math:`\sigma` their score must obey

    .. math:: s(a v + b,\; a \sigma) = \frac{1}{a}\, s(v, \sigma) \quad \text{for all } a > 0
        \text{ and } b, \qquad \sum_i s_i = 0.

    *Derivation.* Let ``m`` be the mean of the patch, ``q = |v - m|^2 / n`` its contrast squared,
    noise included, and ``r = sqrt(q + sigma^2)``. Take ``a = 1 / r`` and ``b = -m / r``: the score
    anywhere is ``s(u, t) / r`` with

    .. math:: u = \frac{v - m}{r}, \quad t = \frac{\sigma}{r} \in (0, 1], \quad
        \tfrac{1}{n} |u|^2 + t^2 = 1,

    so that only a function of ``u`` and ``t`` is left to learn. Near 0 ``t`` tells of a patch far
    above the noise, at ``1 / sqrt 2`` of one that may well be noise alone. As in
    `PreconditionedScore` the network learns a correction,

    .. math:: s(v, \sigma) = \frac{1}{r} \left( -u + \frac{1}{t}\, P\, F(u, \log t) \right),

    where ``P`` subtracts the mean. In terms of the denoiser that is
    ``v + sigma^2 s = m + (1 - t^2) (v - m) + sigma P F``: the target of ``F`` is what the shrinkage
    leaves, in units of the noise, and at small ``t`` it is minus the noise itself.

    *Exact*: ``F = 0`` shrinks as Wiener would, by ``q / (q + sigma^2)``, and is the gradient of
    ``-n/2 log(q + sigma^2)``: a density without a scale of its own, ``|v - m|^-n``, made smooth at
    the size of the noise. *Bounded*: ``F = bound * tanh(net / bound)``.

    Parameters
    ----------
    net : nn.Module
        Maps ``(*, n + 1)``, the values ``[u, log t]``, to ``(*, n)``.
    bound : float
        Largest magnitude of each coordinate of ``F``, in standard deviations of the noise.

    Notes
    -----
    In float64 both laws hold to rounding error; a network in float32 keeps six or seven digits.
    References: [Mohan2020], [Herbreteau2023]; chapters 06_reconstruction and 07_pitfalls.
    """

    event_dims = 1

    def __init__(self, net: nn.Module, *, bound: float = 10.0) -> None:
        super().__init__()
        self.net = net
        self.bound = check_bound(bound)

    def forward(self, v: Tensor, sigma: Sigma) -> Tensor:
        """Return the score at patches ``(*, n)``; every ``sigma`` must be positive."""
        check_tensor(v, "v", min_dims=self.event_dims)
        level = expand_sigma(sigma, v, event_dims=self.event_dims, positive=True)
        pixels = tuple(range(-self.event_dims, 0))
        centred = _centre(v, pixels)
        q = centred.square().mean(dim=pixels, keepdim=True)  # (*, n) -> (*, 1)
        r = torch.sqrt(q + level**2)
        u, t = centred / r, level / r
        F = _centre(bounded(self.output(u, torch.log(t)), self.bound), pixels)
        return (F / t - u) / r

    def output(self, u: Tensor, log_t: Tensor) -> Tensor:
        """What ``net`` makes of ``u`` and ``log_t``, shaped like ``u``."""
        return check_score_output(call_net(self.net, u, log_t), u, "net")


class NormalizedImageScore(NormalizedScore):
    """`NormalizedScore` of whole images ``(*, H, W)``: the patch is the image.

    Mean and contrast are those of all pixels together. Moved or scaled as a whole, an image keeps
    its score; one part of it brighter than another is news.

    Parameters
    ----------
    net : nn.Module
        Maps ``(B, 2, H, W)``, the image ``u`` beside a constant map of ``log t``, to
        ``(B, 1, H, W)``, as in `ImageScore`.
    bound : float
        As in `NormalizedScore`.

    Notes
    -----
    References: chapter 07_pitfalls.
    """

    event_dims = 2

    def output(self, u: Tensor, log_t: Tensor) -> Tensor:
        """What ``net`` makes of the maps ``u`` and ``log_t``, shaped like ``u``."""
        return call_on_maps(self.net, u, log_t)


def _centre(v: Tensor, pixels: tuple[int, ...] = (-1,)) -> Tensor:
    return v - v.mean(dim=pixels, keepdim=True)
