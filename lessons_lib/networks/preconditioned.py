"""A learned correction to an exact Gaussian score, of points or of whole images."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from lessons_lib.networks.perceptron import call_net
from lessons_lib.shapes import Sigma, check_number, check_score_output, check_tensor, expand_sigma


class Preconditioned(nn.Module):
    """Mean ``m`` and ``std`` of the data, saved with the weights, and the units made of them.

    ``mean`` is one number, or for points (``event_dims`` 1) one for each coordinate.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: float | Tensor, std: float | Tensor, *, event_dims: int = 1) -> None:
        super().__init__()
        location = torch.as_tensor(mean, dtype=torch.float32).detach().clone()
        if location.ndim > 2 - event_dims or not bool(torch.isfinite(location).all()):
            wanted = "() or (n,)" if event_dims == 1 else "()"
            raise ValueError(f"mean must be finite with shape {wanted}, got {mean}")
        spread = torch.as_tensor(check_number(std, "std"), dtype=torch.float32)
        self.register_buffer("mean", location)
        self.register_buffer("std", spread)

    def units(self, x: Tensor, level: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """``u``, ``v``, ``t`` and ``std`` of points ``x`` at noise of standard deviation ``level``.

        ``v`` is the spread of the noisy data, ``u`` the points in its units, and ``t`` the noise in
        units of ``std``, as a logarithm.
        """
        mean, std = self.mean.to(x), self.std.to(x)
        v = torch.sqrt(level**2 + std**2)
        u = (x - mean) / v
        t = torch.log(level / std)
        return u, v, t, std


class PreconditionedScore(Preconditioned):
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

    Notes
    -----
    References: [Karras2022]; chapter 03_noise_conditional, which also tells of the factor
    ``v / std^2`` found elsewhere in place of ``1 / v``: equal only at sigma = 0.
    """

    event_dims = 1

    def __init__(
        self, net: nn.Module, mean: float | Tensor, std: float | Tensor, *, bound: float = 10.0
    ) -> None:
        super().__init__(mean, std, event_dims=self.event_dims)
        self.net = net
        self.bound = check_bound(bound)

    def forward(self, x: Tensor, sigma: Sigma) -> Tensor:
        """Return the score at ``x``; every ``sigma`` must be positive."""
        check_tensor(x, "x", last=tuple(self.mean.shape) or None, min_dims=self.event_dims)
        level = expand_sigma(sigma, x, event_dims=self.event_dims, positive=True)
        u, v, t, std = self.units(x, level)
        F = bounded(self.output(u, t), self.bound)
        return -u / v + std / (level * v) * F

    def output(self, u: Tensor, t: Tensor) -> Tensor:
        """What ``net`` makes of ``[u, t]``, shaped like ``u``."""
        return check_score_output(call_net(self.net, u, t), u, "net")


class ImageScore(PreconditionedScore):
    r"""The preconditioned score of whole images ``(*, H, W)``, for any height and width.

    The formula of `PreconditionedScore`, with a network that sees the image and a constant map of
    the noise level. ``F = 0`` is the score of independent pixels N(m, std^2) at every sigma. An
    image whose sides the network cannot halve often enough is continued by its last rows and
    columns, and cut again.

    Parameters
    ----------
    net : nn.Module
        Maps ``(B, 2, H, W)``, the maps ``u`` and ``t``, to ``(B, 1, H, W)``; if it has an attribute
        ``multiple``, sides are made multiples of that.
    mean, std : float
        Mean and standard deviation of the pixels.
    bound : float
        Largest magnitude of ``F`` in a pixel.

    Notes
    -----
    References: [Karras2022]; chapter 06_reconstruction.
    """

    event_dims = 2

    def output(self, u: Tensor, t: Tensor) -> Tensor:
        """What ``net`` makes of the maps ``u`` and ``t``, shaped like ``u``."""
        return call_on_maps(self.net, u, t)


def call_on_maps(net: nn.Module, u: Tensor, t: Tensor) -> Tensor:
    """Evaluate ``net`` on images ``u``, ``(*, H, W)``, beside a constant map of ``t``.

    Sides are made multiples of the ``multiple`` of ``net`` by repeating the last rows and columns.
    """
    maps = torch.stack([u, t.expand_as(u)], dim=-3)  # (*, H, W) -> (*, 2, H, W)
    height, width = u.shape[-2:]
    multiple = getattr(net, "multiple", 1)
    right, below = (-width) % multiple, (-height) % multiple
    batch = maps.reshape(-1, 2, height, width).to(next(net.parameters(), u).dtype)
    padded = nn.functional.pad(batch, (0, right, 0, below), mode="replicate")
    output = net(padded)
    wanted = (len(batch), 1, *padded.shape[-2:])
    if output.shape != wanted:
        raise ValueError(f"net must return shape {wanted}, got {tuple(output.shape)}")
    return output[:, 0, :height, :width].reshape(u.shape).to(u.dtype)


def bounded(output: Tensor, bound: float) -> Tensor:
    """Squash the output of a network smoothly into ``(-bound, bound)``."""
    return bound * torch.tanh(output / bound) if bound < math.inf else output


def check_bound(bound: float) -> float:
    """Return ``bound`` as a number, infinity allowed, or say what is wrong with it."""
    return math.inf if bound == math.inf else check_number(bound, "bound")
