"""The score of a whole image: a small residual U-Net, and the preconditioning around it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lessons_lib.networks.preconditioned import bounded, check_bound, check_spread
from lessons_lib.shapes import Sigma, check_count, check_tensor, expand_sigma


class UNet(nn.Module):
    """A small residual U-Net: it looks at the image at several resolutions, one half of the other.

    On each level a residual block ``h + conv(silu(conv(silu(h))))``; between levels 2 x 2
    convolutions with stride 2, down and up; what went down is added to what comes up. The last
    convolution starts at zero, so that an untrained `ImageScore` is an exact Gaussian.

    Parameters
    ----------
    widths : sequence of int
        Channels on each level, from fine to coarse.
    in_channels, out_channels : int
        2 (the image and the noise level) and 1 for `ImageScore`.
    generator : torch.Generator, optional
        Source of the initial weights; by default a fresh one with seed 0.

    Raises
    ------
    ValueError
        If a width is not a positive integer.

    Notes
    -----
    References: [Ronneberger2015]; chapter 06_reconstruction.
    """

    def __init__(
        self,
        widths: Sequence[int] = (16, 32, 64),
        *,
        in_channels: int = 2,
        out_channels: int = 1,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        widths = [check_count(w, "each of widths") for w in widths]
        if not widths:
            raise ValueError("widths must be positive integers, got none")
        g = generator if generator is not None else torch.Generator().manual_seed(0)
        steps = list(itertools.pairwise(widths))
        self.enter = _conv(nn.Conv2d, in_channels, widths[0], 3, g, padding=1)
        self.before = nn.ModuleList(Residual(w, generator=g) for w in widths)
        self.down = nn.ModuleList(_conv(nn.Conv2d, a, b, 2, g, stride=2) for a, b in steps)
        self.up = nn.ModuleList(_conv(nn.ConvTranspose2d, b, a, 2, g, stride=2) for a, b in steps)
        self.after = nn.ModuleList(Residual(w, generator=g) for w in widths)
        self.leave = _conv(nn.Conv2d, widths[0], out_channels, 3, g, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    @property
    def multiple(self) -> int:
        """Height and width of the input must be multiples of this."""
        return 2 ** len(self.down)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, in_channels, H, W)`` to ``(B, out_channels, H, W)``."""
        h, kept = self.before[0](self.enter(x)), []
        for down, block in zip(self.down, self.before[1:], strict=True):
            kept.append(h)
            h = block(down(h))  # (B, C, H, W) -> (B, C', H / 2, W / 2)
        h = self.after[-1](h)
        for level in reversed(range(len(kept))):
            h = self.after[level](self.up[level](h) + kept[level])
        return self.leave(h)


class Residual(nn.Module):
    """A residual block of two 3 x 3 convolutions, ``h + conv(silu(conv(silu(h))))``."""

    def __init__(self, width: int, *, generator: torch.Generator) -> None:
        """Make both convolutions ``width`` channels wide."""
        super().__init__()
        self.first = _conv(nn.Conv2d, width, width, 3, generator, padding=1)
        self.second = _conv(nn.Conv2d, width, width, 3, generator, padding=1)

    def forward(self, h: Tensor) -> Tensor:
        """Map ``(B, width, H, W)`` to the same shape."""
        silu = nn.functional.silu
        return h + self.second(silu(self.first(silu(h))))


class ImageScore(nn.Module):
    r"""The preconditioned score of whole images, for any height and width.

    The formula of `PreconditionedScore`, with a network that sees the image and a constant map of
    the noise level: with ``v = sqrt(sigma^2 + std^2)``,

    .. math:: s(x, \sigma) = -\frac{x - m}{v^2} + \frac{\mathrm{std}}{\sigma v}\, F(u, t),
        \quad u = \frac{x - m}{v}, \quad t = \log\frac{\sigma}{\mathrm{std}}.

    ``F = 0`` is the score of independent pixels N(m, std^2) at every sigma. An image whose sides
    the network cannot halve often enough is continued by its last rows and columns, and cut again.

    Parameters
    ----------
    net : nn.Module
        Maps ``(B, 2, H, W)``, the maps ``u`` and ``t``, to ``(B, 1, H, W)``; if it has an attribute
        ``multiple``, sides are made multiples of that.
    mean, std : float
        Mean and standard deviation of the pixels.
    bound : float
        Largest magnitude of ``F`` in a pixel.

    Raises
    ------
    TypeError, ValueError
        If ``mean`` or ``std`` is not finite, or ``std`` or ``bound`` is not positive.

    Notes
    -----
    References: [Karras2022]; chapter 06_reconstruction.
    """

    def __init__(self, net: nn.Module, mean: float, std: float, *, bound: float = 10.0) -> None:
        super().__init__()
        location, spread = check_spread(mean, std)
        if location.ndim:
            raise ValueError(f"mean must be one number, got shape {tuple(location.shape)}")
        self.net = net
        self.bound = check_bound(bound)
        self.register_buffer("mean", location)
        self.register_buffer("std", spread)

    def forward(self, x: Tensor, sigma: Sigma) -> Tensor:
        """Return the score of images ``(*, H, W)``; every ``sigma`` must be positive."""
        check_tensor(x, "x", min_dims=2)
        level = expand_sigma(sigma, x, event_dims=2, positive=True)
        mean, std = self.mean.to(x), self.std.to(x)
        v = torch.sqrt(level**2 + std**2)
        u = (x - mean) / v
        t = torch.log(level / std)
        return -u / v + std / (level * v) * self._correction(u, t)

    def _correction(self, u: Tensor, t: Tensor) -> Tensor:
        maps = torch.stack([u, t.expand_as(u)], dim=-3)  # (*, H, W) -> (*, 2, H, W)
        height, width = u.shape[-2:]
        multiple = getattr(self.net, "multiple", 1)
        right, below = (-width) % multiple, (-height) % multiple
        batch = maps.reshape(-1, 2, height, width).to(next(self.net.parameters(), u).dtype)
        padded = nn.functional.pad(batch, (0, right, 0, below), mode="replicate")
        output = self.net(padded)
        if output.shape != (len(batch), 1, *padded.shape[-2:]):
            got, wanted = tuple(output.shape), (len(batch), 1, *padded.shape[-2:])
            raise ValueError(f"net must return shape {wanted}, got {got}")
        return bounded(output[:, 0, :height, :width], self.bound).reshape(u.shape).to(u.dtype)


def _conv(
    kind: type[nn.Conv2d] | type[nn.ConvTranspose2d],
    fan_in: int,
    fan_out: int,
    size: int,
    generator: torch.Generator,
    **options: int,
) -> nn.Conv2d | nn.ConvTranspose2d:
    """Make a convolution whose weights are uniform on ``+-1/sqrt(number of inputs)``."""
    layer = nn.utils.skip_init(kind, fan_in, fan_out, size, dtype=torch.float32, **options)
    taps = size**2 if kind is nn.Conv2d else 1  # each output of an up-step sees one pixel
    bound = 1 / math.sqrt(fan_in * taps)
    nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
    nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    return layer
