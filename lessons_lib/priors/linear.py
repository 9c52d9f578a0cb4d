"""Image scores that are linear, as those of Gaussians are: their matrix and their frequencies.

With ``score(x) = score(0) - Q x``, two denoisers of ``y = x + noise_std * noise`` follow. One step
of Tweedie's formula multiplies by ``I - noise_std^2 Q``, with ``Q`` at ``sigma = noise_std``; the
maximum a posteriori multiplies by ``(I + noise_std^2 Q)^-1``, with ``Q`` at ``sigma = 0``. For the
exact score the two are the same filter, Wiener's.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.shapes import Score, Sigma, check_sides

TOLERANCE = 1e-8


def linear_part(score: Score, image_shape: tuple[int, int], sigma: Sigma = 0.0) -> Tensor:
    """Return the matrix ``Q`` of an image score that is affine, ``score(x) = score(0) - Q x``.

    Parameters
    ----------
    score : Score
        An image score, evaluated once on all ``H * W`` unit images: keep them small.

    Returns
    -------
    Tensor, shape ``(H * W, H * W)``
        Minus the Jacobian, in float64; the precision matrix, if the score has one.

    Raises
    ------
    ValueError
        If the score is not affine, tried on a random image.

    References: chapter 05_patch_mrf.
    """
    height, width = image_shape = check_sides(image_shape, "image_shape")
    unit = torch.eye(height * width, dtype=torch.float64).unflatten(-1, image_shape)
    zero = score(torch.zeros(image_shape, dtype=torch.float64), sigma)
    q = (zero - score(unit, sigma)).flatten(1).mT  # column k is the answer to pixel k
    x = _probe(image_shape)
    _agree(q @ x.flatten(), (zero - score(x, sigma)).flatten(), "score must be affine in x")
    return q


def frequency_response(score: Score, image_shape: tuple[int, int], sigma: Sigma = 0.0) -> Tensor:
    """Return what minus an affine, shift-invariant score makes of each frequency.

    The eigenvalues of `linear_part`, from the answer to a single pixel.

    Parameters
    ----------
    score : Score
        An image score that treats every pixel alike and knows no edge, as with ``wrap=True``.

    Returns
    -------
    Tensor, shape ``(H, W)``
        Complex; its imaginary part vanishes if the answer is even, as that of a gradient is.

    Raises
    ------
    ValueError
        If the score is not affine or not periodic, tried on a random image.

    References: chapter 05_patch_mrf.
    """
    image_shape = check_sides(image_shape, "image_shape")
    zero = score(torch.zeros(image_shape, dtype=torch.float64), sigma)
    unit = torch.zeros(image_shape, dtype=torch.float64)
    unit[0, 0] = 1.0
    q = torch.fft.fft2(zero - score(unit, sigma))
    x = _probe(image_shape)
    predicted = torch.fft.ifft2(q * torch.fft.fft2(x)).real
    wanted = "score must be affine and the same at every pixel, with patches that wrap"
    _agree(predicted, zero - score(x, sigma), wanted)
    return q


def _probe(image_shape: tuple[int, int]) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(image_shape, generator=generator, dtype=torch.float64)


def _agree(predicted: Tensor, found: Tensor, wanted: str) -> None:
    error = float((predicted - found).norm() / (found.norm() + 1e-300))
    if not error < TOLERANCE:
        raise ValueError(f"{wanted}; a random image shows a relative difference of {error:.1e}")
