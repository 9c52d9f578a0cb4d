"""Blur: every point of the image is spread out by the same kernel."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.operators.linear import LinearOperator
from lessons_lib.shapes import check_count, check_number, check_sides, check_tensor, fft2, ifft2

BORDERS = ("wrap", "valid")
"""What happens at the edge of a blurred image; see `Blur`."""


class Blur(LinearOperator):
    """Convolution with a kernel, ``(A x)[i] = sum_j kernel[j] x[i - j]``, by Fourier transforms.

    ``A x = F^-1 (F kernel * F x)``, and the adjoint conjugates ``F kernel``.

    References: chapter 06_scans.

    Parameters
    ----------
    image_shape : tuple of int
        Height and width ``(H, W)`` of the sharp image.
    kernel : Tensor, shape ``(p, q)``
        Odd sides, its middle entry is ``j = 0``; see `gaussian_kernel`.
    border : str
        ``"wrap"``: the image continues periodically, and the data have its shape. ``"valid"``: the
        data are only those pixels whose kernel lies inside the image, as when a camera looks at
        part of a scene; the outermost pixels are then hardly seen.

    Attributes
    ----------
    in_shape, out_shape : tuple of int
        ``(H, W)``, and the same or ``(H - p + 1, W - q + 1)``.
    """

    def __init__(
        self, image_shape: tuple[int, int], kernel: Tensor, *, border: str = "wrap"
    ) -> None:
        height, width = check_sides(image_shape, "image_shape")
        p, q = check_tensor(kernel, "kernel", axes="p, q").shape
        if p % 2 == 0 or q % 2 == 0 or p > height or q > width:
            raise ValueError(
                f"kernel must be a matrix with odd sides that fit the image {height, width}, "
                f"got {(p, q)}"
            )
        if border not in BORDERS:
            raise ValueError(f"border must be one of {', '.join(BORDERS)}, got {border!r}")
        padded = torch.zeros(height, width, dtype=torch.float64)
        padded[:p, :q] = kernel
        self.response = torch.fft.fft2(padded.roll((-(p // 2), -(q // 2)), (0, 1)))
        self._rim = (p // 2, q // 2) if border == "valid" else (0, 0)
        self.in_shape = (height, width)
        self.out_shape = (height - 2 * self._rim[0], width - 2 * self._rim[1])

    def __call__(self, x: Tensor) -> Tensor:
        """Blur, ``(*, H, W) -> (*, out_shape)``."""
        check_tensor(x, "x", last=self.in_shape)
        (top, left), (height, width) = self._rim, self.out_shape
        return self._filter(x, self.response)[..., top : top + height, left : left + width]

    def adjoint(self, y: Tensor) -> Tensor:
        """Put zeros around the data and convolve with the turned kernel, back to ``(*, H, W)``."""
        check_tensor(y, "y", last=self.out_shape)
        top, left = self._rim
        padded = torch.nn.functional.pad(y, (left, left, top, top))  # (*, out_shape) -> (*, H, W)
        return self._filter(padded, self.response.conj())

    @staticmethod
    def _filter(x: Tensor, response: Tensor) -> Tensor:
        spectrum = fft2(x)
        return ifft2(spectrum * response.to(spectrum)).real


def gaussian_kernel(std: float, *, radius: int | None = None) -> Tensor:
    """Sample a normal density and make it sum to one, ``(2 radius + 1, 2 radius + 1)``, float64.

    References: chapter 06_scans.

    Parameters
    ----------
    std : float
        Standard deviation in pixels.
    radius : int, optional
        Pixels on each side of the middle; three standard deviations by default.
    """
    std = check_number(std, "std")
    radius = int(3 * std + 0.5) if radius is None else check_count(radius, "radius", least=0)
    place = torch.arange(-radius, radius + 1, dtype=torch.float64)
    row = torch.exp(-(place**2) / (2 * std**2))
    kernel = row[:, None] * row
    return kernel / kernel.sum()
