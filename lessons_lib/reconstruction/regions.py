"""Total variation, then the mean of each region: what a cartoon needs, and nothing is learned."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.reconstruction.denoisers import denoise_tv
from lessons_lib.reconstruction.oracle import check_reference, search, stacked
from lessons_lib.shapes import check_number, check_tensor

WEIGHT, STEP = 0.85, 0.5
"""Weight of total variation and smallest step of an edge, in units of the noise."""

RATIOS = (1.4, 1.2)
"""Factors by which an oracle moves both."""

LEAST = 3
"""The fewest pixels of a region."""


def denoise_regions(y: Tensor, noise_std: float, *, reference: Tensor | None = None) -> Tensor:
    """Denoise by total variation, and give each flat region the mean of its noisy pixels.

    Total variation finds the regions, and takes some of their contrast. A pixel is flat if it
    differs from none of its four neighbours by half the noise; flat pixels that touch are a region,
    and regions of three or more get their mean in ``y``. All other pixels, those at edges, stay as
    total variation left them.

    Parameters
    ----------
    y : Tensor, shape ``(*, H, W)``
        Noisy images.
    reference : Tensor, shape ``(*, H, W)``, optional
        The truth: each image then gets the weight and the smallest step with the least squared
        error.

    References
    ----------
    [RudinOsherFatemi1992]. Chapter 06_reconstruction.
    """
    check_tensor(y, "y", min_dims=2)
    sigma = check_number(noise_std, "noise_std")
    truths = None if reference is None else check_reference(reference, y).detach().cpu()
    images = y.detach().cpu().reshape(-1, *y.shape[-2:])  # (*, H, W) -> (B, H, W)

    def denoise(image: Tensor, weight: float = WEIGHT, step: float = STEP) -> Tensor:
        return level_regions(denoise_tv(image, sigma, weight=weight * sigma), image, step * sigma)

    def at_best(image: Tensor, truth: Tensor) -> Tensor:
        def error(weight: float, step: float) -> float:
            return float((denoise(image, weight, step) - truth).square().mean())

        return denoise(image, *search(error, (WEIGHT, STEP), RATIOS))

    if truths is None:
        out = [denoise(image) for image in images]
    else:
        pairs = zip(images, truths.reshape(images.shape), strict=True)
        out = [at_best(*pair) for pair in pairs]
    return stacked(out, images).to(y).reshape(y.shape)


def level_regions(x: Tensor, y: Tensor, step: float) -> Tensor:
    """Replace each region of ``x``, ``(H, W)``, without steps of ``step`` by its mean in ``y``."""
    from skimage.measure import label

    largest = torch.zeros_like(x)
    for dim in (0, 1):
        size = x.diff(dim=dim).abs()
        for start in (0, 1):  # a step belongs to the pixels on both of its sides
            side = largest.narrow(dim, start, size.shape[dim])
            side.copy_(torch.maximum(side, size))
    region = torch.as_tensor(label((largest < step).numpy(), connectivity=1, background=0))
    count = torch.bincount(region.flatten())
    mean = torch.bincount(region.flatten(), y.flatten()) / count.clamp(min=1)
    return torch.where((region > 0) & (count[region] >= LEAST), mean[region].to(x), x)
