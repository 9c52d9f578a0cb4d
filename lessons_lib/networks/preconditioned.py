"""A learned correction to an exact Gaussian score."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from lessons_lib.networks.perceptron import call_net
from lessons_lib.shapes import Sigma, check_number, check_score_output, check_tensor, expand_sigma


class PreconditionedScore(nn.Module):
    r"""A Gaussian's exact score plus a learned, bounded, unitless correction.

    With ``v = sqrt(sigma^2 + std^2)``, the spread of the noisy data,

    .. math:: s(x, \sigma) = -\frac{x - m}{v^2} + \frac{\mathrm{std}}{\sigma v}\, F(u, t),
        \quad u = \frac{x - m}{v}, \quad t = \log\frac{\sigma}{\mathrm{std}}.

    The same in terms of the denoiser ``D = x + sigma^2 s``, which is how it is derived:
    ``D = m + c_skip (x - m) + c_out F(c_in (x - m), c_noise)`` with ``c_skip = std^2 / v^2``,
    ``c_out = sigma std / v``, ``c_in = 1 / v`` and ``c_noise = t``. These four make the input and
    the regression target of ``F`` have mean zero and variance one at every sigma, for any data
    with this mean and standard deviation.

    *Exact*: ``F = 0`` is the score of N(m, std^2 I) at every sigma. For any data the correction
    vanishes relative to the first term as ``sigma / std`` grows.
    *Bounded*: ``F = bound * tanh(net / bound)``, so far from the data the first term always wins
    and points back. *Unitless*: ``net`` sees and returns pure numbers; with ``x``, ``sigma``,
    ``m`` and ``std`` in other units the score follows, exactly.

    Parameters
    ----------
    net : nn.Module
        Maps ``(*, n + 1)``, the values ``[u, t]``, to ``(*, n)``.
    mean : float or Tensor, shape ``()`` or ``(n,)``
        Mean ``m`` of the data.
    std : float
        Standard deviation of the data about ``m``, root mean square over the coordinates.
    bound : float
        Largest magnitude of each coordinate of ``F``, in standard deviations of its target.

    Raises
    ------
    TypeError, ValueError
        If ``mean`` or ``std`` is not finite, or ``std`` or ``bound`` is not positive.

    Notes
    -----
    References: [Karras2022]; chapter 03_noise_conditional, which also tells of the factor
    ``v / std^2`` found elsewhere in place of ``1 / v``: equal only at sigma = 0.
    """

    def __init__(
        self, net: nn.Module, mean: float | Tensor, std: float | Tensor, *, bound: float = 10.0
    ) -> None:
        super().__init__()
        location, spread = check_spread(mean, std)
        self.net = net
        self.bound = check_bound(bound)
        self.register_buffer("mean", location)
        self.register_buffer("std", spread)

    def forward(self, x: Tensor, sigma: Sigma) -> Tensor:
        """Return the score at ``x`` of shape ``(*, n)``; every ``sigma`` must be positive."""
        check_tensor(x, "x", last=tuple(self.mean.shape) or None)
        level = expand_sigma(sigma, x, positive=True)
        mean, std = self.mean.to(x), self.std.to(x)
        v = torch.sqrt(level**2 + std**2)
        u = (x - mean) / v
        t = torch.log(level / std)
        correction = bounded(call_net(self.net, u, t), self.bound)
        return -u / v + std / (level * v) * check_score_output(correction, x, "net")


def bounded(output: Tensor, bound: float) -> Tensor:
    """Squash the output of a network smoothly into ``(-bound, bound)``."""
    return bound * torch.tanh(output / bound) if bound < math.inf else output


def check_bound(bound: float) -> float:
    """Return ``bound`` as a number, infinity allowed, or say what is wrong with it."""
    return math.inf if bound == math.inf else check_number(bound, "bound")


def check_spread(mean: float | Tensor, std: float | Tensor) -> tuple[Tensor, Tensor]:
    """Return copies of both in float32, or say which is not finite, not positive or misshapen."""
    location = torch.as_tensor(mean, dtype=torch.float32).detach().clone()
    spread = torch.as_tensor(check_number(std, "std"), dtype=torch.float32)
    if location.ndim > 1 or not bool(torch.isfinite(location).all()):
        raise ValueError(f"mean must be finite with shape () or (n,), got {mean}")
    return location, spread
