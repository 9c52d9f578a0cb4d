"""Fourier data of an image, some of them missing: what a magnetic resonance scanner records."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.operators.linear import LinearOperator
from lessons_lib.shapes import check_count, check_sides, check_tensor, fft2, ifft2


class MaskedFourier(LinearOperator):
    """The frequencies of an image that a mask selects, ``A x = (F x)[mask]``.

    ``F`` is the unitary discrete Fourier transform, so ``||A|| = 1`` and noise keeps its size. For
    real images, the default, the adjoint is that of the real inner product ``Re <A x, y>``,
    ``A' y = Re(F^-1 y)`` with zeros at the frequencies that are missing.

    References: chapter 06_scans.

    Parameters
    ----------
    mask : Tensor of bool, shape ``(H, W)``
        Which frequencies are measured, in the order of `torch.fft.fft2`: zero frequency first.
    real : bool
        Whether images are real. Then the frequencies ``k`` and ``-k`` say the same, and half of
        them would do.

    Attributes
    ----------
    in_shape, out_shape : tuple of int
        ``(H, W)``, and ``(m,)`` for ``m`` frequencies, which are read row by row.
    """

    def __init__(self, mask: Tensor, *, real: bool = True) -> None:
        if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
            got = mask.dtype if isinstance(mask, Tensor) else type(mask).__name__
            raise TypeError(f"mask must be a boolean torch.Tensor, got {got}")
        if mask.ndim != 2 or not bool(mask.any()):
            got = f"{tuple(mask.shape)} with {int(mask.sum())} selected"
            raise ValueError(f"mask must have shape (H, W) and select something, got {got}")
        self.mask, self.real = mask, real
        self._index = mask.flatten().nonzero()[:, 0]
        self.in_shape, self.out_shape = tuple(mask.shape), (len(self._index),)

    def __call__(self, x: Tensor) -> Tensor:
        """Measure, ``(*, H, W) -> (*, m)``, complex."""
        check_tensor(x, "x", last=self.in_shape, complex_allowed=not self.real)
        spectrum = fft2(x, norm="ortho").flatten(-2)  # (*, H, W) -> (*, H * W)
        return spectrum[..., self._index.to(x.device)]

    def adjoint(self, y: Tensor) -> Tensor:
        """Fill the missing frequencies with zeros and transform back, ``(*, m) -> (*, H, W)``."""
        check_tensor(y, "y", last=self.out_shape, complex_allowed=True)
        full = ifft2(self.fill(y), norm="ortho")
        return full.real if self.real else full

    def fill(self, y: Tensor) -> Tensor:
        """Put data at their frequencies, zeros elsewhere, ``(*, m) -> (*, H, W)``, complex."""
        y = y if y.is_complex() else y + 0j
        full = y.new_zeros(*y.shape[:-1], self.mask.numel())
        full[..., self._index.to(y.device)] = y
        return full.unflatten(-1, self.in_shape)


def even_lines(image_shape: tuple[int, int], *, every: int = 2, centre: int = 0) -> Tensor:
    """Mask of every second row of frequencies, or every ``every``-th.

    References: chapter 06_scans.

    Parameters
    ----------
    image_shape : tuple of int
        Height and width ``(H, W)``, those of the mask.
    every : int
        Distance of the rows.
    centre : int
        This many rows around frequency zero are measured as well.
    """
    image_shape = check_sides(image_shape, "image_shape")
    rows = _central_rows(image_shape[0], centre)
    rows[:: check_count(every, "every")] = True
    return rows[:, None].expand(image_shape).clone()


def random_lines(
    image_shape: tuple[int, int],
    num: int,
    *,
    centre: int = 0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Mask of ``num`` rows of frequencies: the central ones, and others drawn at random.

    References: [Lustig2007], chapter 06_scans.

    Parameters
    ----------
    image_shape : tuple of int
        Height and width ``(H, W)``, those of the mask.
    num : int
        Number of rows in all.
    centre : int
        This many of them lie around frequency zero; the generator draws the others.
    """
    image_shape, num = check_sides(image_shape, "image_shape"), check_count(num, "num")
    rows = _central_rows(image_shape[0], centre)
    if not centre <= num <= image_shape[0]:
        raise ValueError(
            f"num must lie between centre and H, {centre} and {image_shape[0]}, got {num}"
        )
    generator = generator or torch.Generator().manual_seed(0)
    free = (~rows).nonzero()[:, 0]
    rows[free[torch.randperm(len(free), generator=generator)[: num - centre]]] = True
    return rows[:, None].expand(image_shape).clone()


def _central_rows(height: int, centre: int) -> Tensor:
    """Rows from ``-centre // 2`` on, in the order of the transform: ``(H,)``."""
    centre = check_count(centre, "centre", least=0, most=height)
    rows = torch.zeros(height, dtype=torch.bool)
    rows[torch.arange(-(centre // 2), centre - centre // 2)] = True
    return rows
