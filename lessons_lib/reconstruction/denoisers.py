"""Denoisers with one call: average the patches' own best guesses, or one of two baselines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lessons_lib.priors import AveragedPrior
from lessons_lib.reconstruction.oracle import check_setting, tuned
from lessons_lib.shapes import Score, Sigma, check_number, check_tensor, expand_sigma

if TYPE_CHECKING:
    from lessons_lib.patches import Patches


BM3D_SIDE = 9
"""Least height and width of `denoise_bm3d`: its blocks are 8 x 8, and it needs more than one."""


def denoise_patches(
    y: Tensor,
    noise_std: Sigma,
    *,
    patch_score: Score,
    patches: Patches,
    chunk: int = 16384,
    differentiable: bool = False,
) -> Tensor:
    """Denoise every patch by Tweedie's formula, and average where patches overlap.

    ``E[v | w] = w + sigma^2 s(w, sigma)`` for each patch ``w = G_c y``; averaged over the patches
    that hold a pixel this is one step with `priors.AveragedPrior`,

        ``x = y + sigma^2 * (sum_c G_c' s(G_c y, sigma)) / multiplicity``.

    It is one step to the posterior mean of each patch, not of the whole image; a pixel that lies
    in no patch stays as it is. ``noise_std`` may be one for each image of ``y``.

    References
    ----------
    [Efron2011], [ZoranWeiss2011]. Chapter 00_tour.
    """
    prior = AveragedPrior(patch_score, patches, chunk=chunk)
    check_tensor(y, "y", last=patches.in_shape)
    sigma = expand_sigma(noise_std, y, event_dims=2, positive=True)
    with torch.set_grad_enabled(differentiable and torch.is_grad_enabled()):
        return y + sigma**2 * prior(y, noise_std)


def denoise_tv(
    y: Tensor,
    noise_std: float,
    *,
    weight: float | None = None,
    reference: Tensor | None = None,
) -> Tensor:
    """Denoise by total variation: the closest image whose steps are few and sharp.

    Minimises ``1/2 ||x - y||^2 + weight * sum |grad x|`` with isotropic differences.

    Parameters
    ----------
    weight : float, optional
        Strength, in the units of ``y``; ``0.85 * noise_std`` by default.
    reference : Tensor, shape ``(*, H, W)``, optional
        The truth: each image then gets the weight with the least squared error.

    References
    ----------
    [RudinOsherFatemi1992], [Chambolle2004]; computed by scikit-image. Chapter 00_tour.
    """
    from skimage.restoration import denoise_tv_chambolle

    def denoise(image: Tensor, weight: float) -> Tensor:
        out = denoise_tv_chambolle(image.numpy(), weight=weight, eps=1e-5, max_num_iter=1000)
        return torch.as_tensor(out)

    default = 0.85 * check_number(noise_std, "noise_std")
    weight = check_setting("weight", weight, reference, default)
    return tuned(denoise, y, weight, reference, ratios=(1.2, 1.06))


def denoise_bm3d(y: Tensor, noise_std: float, *, reference: Tensor | None = None) -> Tensor:
    """Denoise by BM3D: similar patches are stacked and filtered together.

    The package is optional, and its licence allows non-commercial use only. It knows absolute
    thresholds; so each image is first brought near a range of one, by a power of two.

    Parameters
    ----------
    y : Tensor, shape ``(*, H, W)``
        Noisy images, at least 9 pixels high and wide.
    reference : Tensor, shape ``(*, H, W)``, optional
        The truth: for each image the method is then told the noise level with the least squared
        error, and ``noise_std`` otherwise.

    Raises
    ------
    ImportError
        If the package is missing; says how to install it, and on what terms.

    References
    ----------
    [Dabov2007], [Makinen2020]. Chapter 00_tour.
    """
    try:
        from bm3d import bm3d
    except ImportError as error:
        raise ImportError(
            "denoise_bm3d needs the optional package bm3d: pip install bm3d. It is licensed for "
            "non-commercial use only, so this library neither requires nor contains it."
        ) from error

    if min(check_tensor(y, "y", min_dims=2).shape[-2:]) < BM3D_SIDE:
        got = tuple(y.shape[-2:])
        raise ValueError(f"y must be at least {BM3D_SIDE} pixels high and wide, got {got}")

    def denoise(image: Tensor, sigma: float) -> Tensor:
        spread = max(float(image.max() - image.min()), sigma)
        unit = 2.0 ** round(math.log2(spread))
        return unit * torch.as_tensor(bm3d((image / unit).numpy(), sigma_psd=sigma / unit))

    return tuned(denoise, y, check_number(noise_std, "noise_std"), reference, ratios=(1.08,))
