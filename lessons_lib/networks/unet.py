"""A small residual U-Net, the network inside the score of a whole image."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lessons_lib.networks.perceptron import fill
from lessons_lib.shapes import check_count


class UNet(nn.Module):
    """A small residual U-Net: it looks at the image at several resolutions, one half of the other.

    On each level a residual block ``h + conv(silu(conv(silu(h))))``; between levels 2 x 2
    convolutions with stride 2, down and up; what went down is added to what comes up. The last
    convolution starts at zero, so that an untrained `ImageScore` is an exact Gaussian.

    Parameters
    ----------
    widths : sequence of int
        Channels on each level, from fine to coarse.

    Notes
    -----
    References: [Ronneberger2015]; chapter 06_reconstruction.
    """

    def __init__(
        self, widths: Sequence[int] = (16, 32, 64), *, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        widths = [check_count(w, "each of widths") for w in widths]
        if not widths:
            raise ValueError("widths must be positive integers, got none")
        g = generator if generator is not None else torch.Generator().manual_seed(0)
        steps = list(itertools.pairwise(widths))
        self.enter = _conv(nn.Conv2d, 2, widths[0], 3, g, padding=1)
        self.before = nn.ModuleList(Residual(w, generator=g) for w in widths)
        self.down = nn.ModuleList(_conv(nn.Conv2d, a, b, 2, g, stride=2) for a, b in steps)
        self.up = nn.ModuleList(_conv(nn.ConvTranspose2d, b, a, 2, g, stride=2) for a, b in steps)
        self.after = nn.ModuleList(Residual(w, generator=g) for w in widths)
        self.leave = _conv(nn.Conv2d, widths[0], 1, 3, g, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    @property
    def multiple(self) -> int:
        """Height and width of the input must be multiples of this."""
        return 2 ** len(self.down)

    def forward(self, x: Tensor) -> Tensor:
        """Map image and noise level, ``(B, 2, H, W)``, to ``(B, 1, H, W)``."""
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


def _conv(
    kind: type[nn.Conv2d] | type[nn.ConvTranspose2d],
    fan_in: int,
    fan_out: int,
    size: int,
    generator: torch.Generator,
    **options: int,
) -> nn.Conv2d | nn.ConvTranspose2d:
    layer = nn.utils.skip_init(kind, fan_in, fan_out, size, dtype=torch.float32, **options)
    taps = size**2 if kind is nn.Conv2d else 1  # each output of an up-step sees one pixel
    fill(layer.parameters(), fan_in * taps, generator)
    return layer
