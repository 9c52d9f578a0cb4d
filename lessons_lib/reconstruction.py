"""From a score to a picture: denoisers with one call, and the likelihood of a measurement.

Every denoiser is called ``denoise_*(y, noise_std, *, ...)``. The two baselines take a
``reference``: with it they choose their own best setting against the truth, which no one has in
practice. Comparing with a baseline at its best keeps the comparison honest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lessons_lib.operators import Applies
from lessons_lib.shapes import Score, Sigma, check_number, check_tensor, expand_sigma

if TYPE_CHECKING:
    from lessons_lib.patches import Patches


def denoise_patches(
    y: Tensor, noise_std: Sigma, *, patch_score: Score, patches: Patches, chunk: int = 16384
) -> Tensor:
    """Denoise every patch by Tweedie's formula, and average where patches overlap.

    ``E[v | w] = w + sigma^2 s(w, sigma)`` for each patch ``w = G_c y``; averaged over the patches
    that hold a pixel this is one line,

        ``x = y + sigma^2 * (sum_c G_c' s(G_c y, sigma)) / multiplicity``.

    Parameters
    ----------
    y : Tensor, shape ``(*, H, W)``
        Noisy images.
    noise_std : float or Tensor, shape ``()`` or ``(*)``
        Standard deviation of the noise, in the units of ``y``; positive.
    patch_score : Score
        ``patch_score(v, sigma)`` on patches ``(*, l, n)``.
    patches : Patches
        Which patches to cut.
    chunk : int
        Patches in memory at one time.

    Returns
    -------
    Tensor, shape ``(*, H, W)``
        One step to the posterior mean of each patch, not of the whole image; a pixel that lies in
        no patch stays as it is.

    Raises
    ------
    TypeError, ValueError
        For a bad image, noise level, or score.

    References
    ----------
    [Efron2011], [ZoranWeiss2011]. Chapter 00_tour.
    """
    if not hasattr(patches, "aggregate"):
        raise TypeError(f"patches must be a Patches, got {type(patches).__name__}")
    check_tensor(y, "y", min_dims=2)
    sigma = expand_sigma(noise_std, y, event_dims=2, positive=True)
    total = patches.aggregate(patch_score, y, noise_std, chunk=chunk)
    return y + sigma**2 * total / patches.multiplicity.clamp(min=1).to(y)


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
    y : Tensor, shape ``(*, H, W)``
        Noisy images.
    noise_std : float
        Standard deviation of the noise, in the units of ``y``; positive.
    weight : float, optional
        Strength, in the units of ``y``; ``0.85 * noise_std`` by default.
    reference : Tensor, shape ``(*, H, W)``, optional
        The truth: each image then gets the weight with the least squared error.

    Returns
    -------
    Tensor, shape ``(*, H, W)``
        The denoised images.

    Raises
    ------
    TypeError, ValueError
        For a bad image or noise level, or if both ``weight`` and ``reference`` are given.

    References
    ----------
    [RudinOsherFatemi1992], [Chambolle2004]; computed by scikit-image. Chapter 00_tour.
    """
    from skimage.restoration import denoise_tv_chambolle

    def denoise(image: Tensor, weight: float) -> Tensor:
        out = denoise_tv_chambolle(image.numpy(), weight=weight, eps=1e-5, max_num_iter=1000)
        return torch.as_tensor(out)

    return _each(denoise, y, noise_std, 0.85, "weight", weight, reference, (1.2, 1.06))


def denoise_bm3d(
    y: Tensor,
    noise_std: float,
    *,
    sigma_psd: float | None = None,
    reference: Tensor | None = None,
) -> Tensor:
    """Denoise by BM3D: similar patches are stacked and filtered together.

    The package is optional, and its licence allows non-commercial use only.

    Parameters
    ----------
    y : Tensor, shape ``(*, H, W)``
        Noisy images.
    noise_std : float
        Standard deviation of the noise, in the units of ``y``; positive.
    sigma_psd : float, optional
        Noise level that the method is told; ``noise_std`` by default.
    reference : Tensor, shape ``(*, H, W)``, optional
        The truth: each image then gets the ``sigma_psd`` with the least squared error.

    Returns
    -------
    Tensor, shape ``(*, H, W)``
        The denoised images.

    Raises
    ------
    ImportError
        If the package is missing; says how to install it, and on what terms.
    TypeError, ValueError
        For a bad image or noise level, or if both ``sigma_psd`` and ``reference`` are given.

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

    def denoise(image: Tensor, sigma_psd: float) -> Tensor:
        return torch.as_tensor(bm3d(image.numpy(), sigma_psd=sigma_psd))

    return _each(denoise, y, noise_std, 1.0, "sigma_psd", sigma_psd, reference, (1.08,))


def _each(
    denoise: Callable[[Tensor, float], Tensor],
    y: Tensor,
    noise_std: float,
    factor: float,
    name: str,
    setting: float | None,
    reference: Tensor | None,
    ratios: tuple[float, ...],
) -> Tensor:
    """Denoise image by image, at the setting given, the default, or the best against the truth."""
    check_tensor(y, "y", min_dims=2)
    expand_sigma(noise_std, y, event_dims=2, positive=True)
    if setting is not None and reference is not None:
        raise ValueError(f"give {name} or reference, not both: a reference chooses the {name}")
    images = y.detach().cpu().reshape(-1, *y.shape[-2:])  # (*, H, W) -> (B, H, W)
    start = factor * check_number(noise_std, "noise_std")
    if setting is not None:
        start = check_number(setting, name)
    if reference is None:
        out = [denoise(image, start) for image in images]
    else:
        check_tensor(reference, "reference", last=tuple(y.shape[-2:]))
        if not _fits(reference, y):
            got = tuple(reference.shape)
            raise ValueError(f"reference must broadcast to y, {tuple(y.shape)}, got {got}")
        truths = reference.detach().cpu().expand(y.shape).reshape(images.shape)
        out = [_best(denoise, *pair, start, ratios) for pair in zip(images, truths, strict=True)]
    return torch.stack(out).to(y).reshape(y.shape)


def _best(
    denoise: Callable[[Tensor, float], Tensor],
    y: Tensor,
    truth: Tensor,
    start: float,
    ratios: tuple[float, ...],
) -> Tensor:
    """Climb to the setting with the least squared error, in factors of each ratio in turn."""

    def attempt(setting: float) -> tuple[float, float, Tensor]:
        x = denoise(y, setting)
        return float((x - truth).square().mean()), setting, x

    best = attempt(start)
    for ratio in ratios:
        for direction in (ratio, 1 / ratio):
            here = best
            while (there := attempt(best[1] * direction))[0] < best[0]:
                best = there
            if best is not here:  # it improved this way, so the other way is downhill
                break
    return best[2]


def _fits(a: Tensor, b: Tensor) -> bool:
    """Whether ``a`` broadcasts to the shape of ``b``."""
    try:
        return torch.broadcast_shapes(a.shape, b.shape) == b.shape
    except RuntimeError:
        return False


class GaussianLikelihood:
    """How well an image explains a measurement ``y = A x + noise_std * noise``.

    ``log p(y | x) = - ||y - A x||^2 / (2 noise_std^2) + const``, so in ``x`` it pulls with
    ``A' (y - A x) / noise_std^2``. Added to a prior score it gives the score of the posterior.

    Parameters
    ----------
    A : LinearOperator
        Anything with a call and ``adjoint``.
    y : Tensor, shape ``(*, out_shape)``
        The measurement.
    noise_std : float
        Standard deviation of its noise, in the units of ``y``; positive.

    Raises
    ------
    TypeError, ValueError
        If ``y`` is not a finite tensor, or ``noise_std`` is not positive and finite.

    Notes
    -----
    Chapters 01_gaussian_score and 6.
    """

    def __init__(self, A: Applies, y: Tensor, noise_std: float) -> None:
        check_tensor(y, "y")
        for needed in ("adjoint", "in_shape"):
            if not hasattr(A, needed):
                raise TypeError(f"A must be an operator with {needed}, got {type(A).__name__}")
        self.A, self.y, self.noise_std = A, y, check_number(noise_std, "noise_std")

    def score(self, x: Tensor) -> Tensor:
        """Return the gradient in ``x`` of ``log p(y | x)``, ``(*, in_shape) -> (*, in_shape)``."""
        Ax = self.A(check_tensor(x, "x", last=tuple(self.A.in_shape)))
        if not (_fits(self.y, Ax) or _fits(Ax, self.y)):
            raise ValueError(
                f"y must have the shape of A x, {tuple(Ax.shape)}, got {tuple(self.y.shape)}"
            )
        return self.A.adjoint(self.y - Ax) / self.noise_std**2
