"""The best linear denoisers of Gaussian images that see windows only, on one or several scales."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.distributions import DenseGaussianField
from lessons_lib.shapes import check_count, check_number, check_tensor


def haar(x: Tensor) -> tuple[Tensor, Tensor]:
    """Split images into a coarse one and details, by the orthonormal Haar transform.

    Of each block of 2 x 2 pixels the coarse pixel is half the sum, and the three details are half
    the differences across, down and along the diagonal: four numbers for four, of the same norm.

    Chapter 05_patch_with_scales.

    Parameters
    ----------
    x : Tensor, shape ``(*, H, W)``
        Images with even sides.

    Returns
    -------
    coarse : Tensor, shape ``(*, H / 2, W / 2)``
    details : Tensor, shape ``(*, 3, H / 2, W / 2)``
    """
    height, width = check_tensor(x, "x", min_dims=2).shape[-2:]
    if height % 2 or width % 2:
        raise ValueError(f"x must have even sides, got {height, width}")
    a, b = x[..., ::2, ::2], x[..., ::2, 1::2]  # (*, H / 2, W / 2)
    c, d = x[..., 1::2, ::2], x[..., 1::2, 1::2]
    details = torch.stack([a - b + c - d, a + b - c - d, a - b - c + d], -3)
    return (a + b + c + d) / 2, details / 2


def inverse_haar(coarse: Tensor, details: Tensor) -> Tensor:
    """Put a ``coarse`` image and its ``details`` together, ``(*, H / 2, W / 2) -> (*, H, W)``."""
    height, width = check_tensor(coarse, "coarse", min_dims=2).shape[-2:]
    check_tensor(details, "details", last=(3, height, width))
    across, down, diagonal = details.unbind(-3)
    x = coarse.new_zeros(*coarse.shape[:-2], 2 * height, 2 * width)
    x[..., ::2, ::2] = coarse + across + down + diagonal
    x[..., ::2, 1::2] = coarse - across + down - diagonal
    x[..., 1::2, ::2] = coarse + across - down - diagonal
    x[..., 1::2, 1::2] = coarse - across - down + diagonal
    return x / 2


def window_denoiser(
    field: DenseGaussianField, patch_size: int, noise_std: float, *, know_place: bool = True
) -> Tensor:
    """Return the matrix that estimates each pixel from the noisy window around it.

    With ``w = G_i y`` the window of pixel ``i``, row ``i`` is ``Cov(x_i, w) Cov(w)^-1 G_i``: the
    best that any estimator can do that sees this window, since all is normal. With
    ``know_place=False`` one filter serves all pixels, from covariances averaged over the places:
    the best filter that does not know where it is.

    References: chapter 05_patch_with_scales.

    Parameters
    ----------
    field : DenseGaussianField
        Images of ``n = H * W`` pixels. Windows continue periodically, as a periodic field does.
    patch_size : int
        Odd side of the window, in pixels.

    Returns
    -------
    Tensor, shape ``(n, n)``
        For ``field.denoising_error``. It acts on images whose mean has been subtracted.
    """
    noise_std = check_number(noise_std, "noise_std")
    window = _windows(field.image_shape, patch_size)  # (n, p * p)
    place = torch.arange(len(window))
    noisy = field.matrix + noise_std**2 * torch.eye(len(window)).to(field.matrix)
    filters = _filters(noisy, field.matrix, window, place[:, None], know_place)  # (n, 1, p * p)
    return torch.zeros_like(noisy).scatter(1, window, filters[:, 0])


def multiscale_denoiser(
    field: DenseGaussianField,
    patch_size: int,
    noise_std: float,
    *,
    num_scales: int,
    know_place: bool = True,
) -> Tensor:
    """Return the matrix that denoises a coarse image first, and then its details given that.

    The details of a place are estimated from a window of their own noisy scale, all three bands,
    and the same window of the coarse image as denoised; the coarse image was treated alike, and
    the coarsest by `window_denoiser`. The image is put together by `inverse_haar`. A window of
    ``p`` pixels on the coarsest scale spans ``p 2^(num_scales - 1)`` pixels of the image.

    References: [Guth2022], [Kadkhodaie2023]; chapter 05_patch_with_scales.

    Parameters
    ----------
    field, patch_size, noise_std, know_place
        As for `window_denoiser`. The sides of the images are multiples of
        ``2^(num_scales - 1)``, and no smaller than the window on the coarsest scale.
    num_scales : int
        Number of scales; 1 is `window_denoiser`.

    Returns
    -------
    Tensor, shape ``(n, n)``
    """
    if check_count(num_scales, "num_scales") == 1:
        return window_denoiser(field, patch_size, noise_std, know_place=know_place)
    cov, (height, width) = field.matrix, field.image_shape
    eye = torch.eye(len(cov)).to(cov)
    low, bands = haar(eye.unflatten(-1, field.image_shape))  # of each pixel
    low = low.flatten(1).T  # (m, n), m = n / 4
    bands = bands.flatten(2).permute(1, 2, 0)  # (3, m, n)
    coarse = DenseGaussianField(haar(field.mean)[0], low @ cov @ low.T)
    guess = multiscale_denoiser(
        coarse, patch_size, noise_std, num_scales=num_scales - 1, know_place=know_place
    )
    seen = torch.cat([(guess @ low)[None], bands]).flatten(0, 1)  # (4 m, n): what is looked at
    asked = bands.flatten(0, 1)  # (3 m, n)
    noisy = seen @ (cov + check_number(noise_std, "noise_std") ** 2 * eye) @ seen.T
    m = len(low)
    window = _windows((height // 2, width // 2), patch_size)  # (m, p * p)
    window = torch.cat([window + k * m for k in range(4)], 1)  # (m, 4 * p * p)
    target = torch.arange(m)[:, None] + m * torch.arange(3)  # (m, 3)
    filters = _filters(noisy, asked @ cov @ seen.T, window, target, know_place)
    rule = torch.zeros(3 * m, 4 * m).to(cov)
    rule[target[:, :, None], window[:, None, :]] = filters
    return low.T @ guess @ low + asked.T @ rule @ seen


def _filters(noisy: Tensor, cross: Tensor, window: Tensor, target: Tensor, own: bool) -> Tensor:
    """Regression of the targets of each place on its window, or one for all, ``(m, t, q)``."""
    gram = noisy[window[:, :, None], window[:, None, :]]  # (m, q, q)
    cov = cross[target[:, :, None], window[:, None, :]]  # (m, t, q)
    if not own:
        gram, cov = gram.mean(0, keepdim=True).expand_as(gram), cov.mean(0).expand_as(cov)
    return torch.linalg.solve(gram, cov.mT).mT


def _windows(image_shape: tuple[int, int], patch_size: int) -> Tensor:
    """Pixel numbers of the window around each pixel, periodic, ``(H * W, p * p)``."""
    p = check_count(patch_size, "patch_size")
    if p % 2 == 0 or p > min(image_shape):
        raise ValueError(f"patch_size must be odd and at most {min(image_shape)}, got {p}")
    (height, width), reach = image_shape, torch.arange(p) - p // 2
    i = (torch.arange(height)[:, None] + reach) % height  # (H, p)
    j = (torch.arange(width)[:, None] + reach) % width  # (W, p)
    return (i[:, None, :, None] * width + j[None, :, None, :]).flatten(2).flatten(0, 1)
