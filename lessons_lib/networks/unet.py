"""A small residual U-Net, the network inside the score of an image, or of a whole image."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lessons_lib.networks.perceptron import fill, mlp
from lessons_lib.shapes import check_count


class UNet(nn.Module):
    """A small residual U-Net: it looks at the image at several resolutions, one half of the other.

    On each level a residual block ``h + conv(silu(conv(silu(h))))``; between levels 2 x 2
    convolutions with stride 2, down and up; what went down is added to what comes up. The last
    convolution starts at zero, so that an untrained `ImageScore` is an exact Gaussian.

    Convolutions alone see as far as their number allows: three levels of them, 62 pixels. With
    ``attention`` every place of the coarsest level looks at all others, and so every pixel of the
    output depends on every pixel of the input, in images of any size.

    Over many decades of noise a constant map is too weak a word: if ``told`` is positive, every
    block also gets the level itself, see `Residual`.

    Parameters
    ----------
    widths : sequence of int
        Channels on each level, from fine to coarse.
    told : int
        How many functions of the noise level each block is told.
    attention : bool
        Whether the coarsest level has an `Attention` between its two blocks.

    Notes
    -----
    References: [Ronneberger2015], [Ho2020]; chapters 06_reconstruction and 07_pitfalls.
    """

    def __init__(
        self,
        widths: Sequence[int] = (16, 32, 64),
        *,
        told: int = 0,
        attention: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        widths = [check_count(w, "each of widths") for w in widths]
        if not widths:
            raise ValueError("widths must be positive integers, got none")
        g = generator if generator is not None else torch.Generator().manual_seed(0)
        steps = list(itertools.pairwise(widths))
        self.enter = _conv(nn.Conv2d, 2, widths[0], 3, g, padding=1)
        self.told = mlp((1, told, told), generator=g) if told else None
        self.before = nn.ModuleList(Residual(w, told=told, generator=g) for w in widths)
        self.down = nn.ModuleList(_conv(nn.Conv2d, a, b, 2, g, stride=2) for a, b in steps)
        self.across = Attention(widths[-1], generator=g) if attention else nn.Identity()
        self.up = nn.ModuleList(_conv(nn.ConvTranspose2d, b, a, 2, g, stride=2) for a, b in steps)
        self.after = nn.ModuleList(Residual(w, told=told, generator=g) for w in widths)
        self.leave = _conv(nn.Conv2d, widths[0], 1, 3, g, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    @property
    def multiple(self) -> int:
        """Height and width of the input must be multiples of this."""
        return 2 ** len(self.down)

    def forward(self, x: Tensor) -> Tensor:
        """Map image and noise level, ``(B, 2, H, W)``, to ``(B, 1, H, W)``."""
        t = None if self.told is None else self.told(x[:, 1, 0, :1])  # (B, told)
        h, kept = self.before[0](self.enter(x), t), []
        for down, block in zip(self.down, self.before[1:], strict=True):
            kept.append(h)
            h = block(down(h), t)  # (B, C, H, W) -> (B, C', H / 2, W / 2)
        h = self.after[-1](self.across(h), t)
        for level in reversed(range(len(kept))):
            h = self.after[level](self.up[level](h) + kept[level], t)
        return self.leave(h)


class Residual(nn.Module):
    """A residual block of two 3 x 3 convolutions, ``h + conv(silu(conv(silu(h))))``.

    Told the noise level it multiplies and shifts each channel in between,
    ``h + conv(silu((1 + a) conv(silu(h)) + b))`` with ``a`` and ``b`` linear in what it is told.
    References: [Ho2020], [Karras2022].
    """

    def __init__(self, width: int, *, told: int = 0, generator: torch.Generator) -> None:
        """Make both convolutions ``width`` channels wide, to be told ``told`` numbers."""
        super().__init__()
        self.first = _conv(nn.Conv2d, width, width, 3, generator, padding=1)
        self.second = _conv(nn.Conv2d, width, width, 3, generator, padding=1)
        self.turn = mlp((told, 2 * width), generator=generator) if told else None

    def forward(self, h: Tensor, t: Tensor | None = None) -> Tensor:
        """Map ``(B, width, H, W)``, told ``(B, told)``, to the same shape."""
        silu = nn.functional.silu
        first = self.first(silu(h))
        if self.turn is not None:
            a, b = self.turn(silu(t))[..., None, None].chunk(2, dim=1)  # two of (B, width, 1, 1)
            first = (1 + a) * first + b
        return h + self.second(silu(first))


class Attention(nn.Module):
    r"""Every place looks at every other: ``h + W_o sum_j softmax_j(q_i . k_j / sqrt(C)) v_j``.

    Query, key and value are ``W_q h``, ``W_k h`` and ``W_v h`` in each place. It knows no position,
    so it commutes with any change of places. References: [Ho2020].
    """

    def __init__(self, width: int, *, generator: torch.Generator) -> None:
        """Make all three, and the output, ``width`` channels wide."""
        super().__init__()
        self.ask = _conv(nn.Conv2d, width, 3 * width, 1, generator)
        self.answer = _conv(nn.Conv2d, width, width, 1, generator)

    def forward(self, h: Tensor) -> Tensor:
        """Map ``(B, width, H, W)`` to the same shape."""
        q, k, v = self.ask(h).flatten(2).mT.chunk(3, dim=-1)  # three of (B, H W, C)
        found = nn.functional.scaled_dot_product_attention(q, k, v)
        return h + self.answer(found.mT.reshape(h.shape))


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
