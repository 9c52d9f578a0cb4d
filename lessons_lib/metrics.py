"""How close is it? Two measures for images, two for scores.

`psnr` and `ssim` compare images with a reference and always want to be told the `data_range`;
nothing is guessed from the dtype or from the brightest pixel. `fisher_divergence` compares two
scores, and `curl` says how far a field is from being a score at all: gradients have none.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lessons_lib.shapes import (
    Score,
    Sigma,
    as_sigma,
    check_number,
    check_tensor,
    checked,
)

SSIM_WINDOW = 11
"""Width in pixels of the Gaussian window (standard deviation 1.5) of `ssim`."""


def psnr(x: Tensor, reference: Tensor, *, data_range: float) -> Tensor:
    """Peak signal-to-noise ratio, ``10 log10(data_range^2 / mean |x - reference|^2)``.

    For an image in noise of standard deviation ``sigma`` it is close to
    ``20 log10(data_range / sigma)``. Chapter 00_tour.

    Parameters
    ----------
    x, reference : Tensor, shape ``(*, H, W)``
        Images and truth, in the same units; the batch dimensions broadcast.
    data_range : float
        Distance between black and white in those units, e.g. 1 for images in [0, 1].

    Returns
    -------
    Tensor, shape ``(*)``
        Decibels, one value for each image; infinite where the images are equal.
    """
    data_range = _check_images(x, reference, data_range)
    mse = (x - reference).square().mean(dim=(-2, -1))  # (*, H, W) -> (*)
    return 10 * torch.log10(data_range**2 / mse)


def ssim(x: Tensor, reference: Tensor, *, data_range: float) -> Tensor:
    """Structural similarity, averaged over windows: 1 for equal images, near 0 for unrelated ones.

    ``(2 m_x m_r + c1) (2 c_xr + c2) / ((m_x^2 + m_r^2 + c1) (v_x + v_r + c2))`` with the local
    means ``m``, variances ``v`` and covariance ``c_xr`` under a Gaussian window,
    ``c1 = (0.01 data_range)^2`` and ``c2 = (0.03 data_range)^2``: the original choices.

    Takes ``x``, ``reference`` (at least 11 pixels high and wide) and ``data_range`` as `psnr` does,
    and returns one value for each image, ``(*)``.

    References: [Wang2004]; computed by scikit-image. Chapter 00_tour.
    """
    from skimage.metrics import structural_similarity

    data_range = _check_images(x, reference, data_range)
    if min(x.shape[-2:]) < SSIM_WINDOW:
        raise ValueError(
            f"x must be at least {SSIM_WINDOW} pixels high and wide, got {tuple(x.shape[-2:])}"
        )
    pairs = torch.broadcast_tensors(x.detach().cpu(), reference.detach().cpu())
    images, truths = (p.reshape(-1, *p.shape[-2:]).numpy() for p in pairs)  # (B, H, W)
    values = [
        structural_similarity(
            truth,
            image,
            data_range=data_range,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for image, truth in zip(images, truths, strict=True)
    ]
    return torch.tensor(values, dtype=x.dtype, device=x.device).reshape(pairs[0].shape[:-2])


def fisher_divergence(score_a: Score, score_b: Score, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
    """Half the mean squared distance of two scores, ``1/2 mean ||score_a - score_b||^2``.

    The 1/2 is that of every loss here, so that this is `losses.explicit` without its graph. It
    also makes the divergence a rate: with ``x`` drawn from ``p_sigma``, the Kullback-Leibler
    divergence falls by exactly this much for each unit of variance added to both densities,
    ``d KL(p_sigma, q_sigma) / d(sigma^2) = - fisher_divergence``.

    Between ``score_a`` and ``score_b``, averaged over all points ``x``, ``(*, n)``: draw them from
    the density that should weigh. Its unit is that of ``1 / x^2``.

    References: [Hyvarinen2005]; the rate is de Bruijn's identity, [Lyu2009]. Chapter
    01_gaussian_score.
    """
    score_a, score_b = checked(score_a, "score_a"), checked(score_b, "score_b")
    sigma = as_sigma(sigma, check_tensor(x, "x"))
    if x.numel() == 0:
        raise ValueError(f"x must hold at least one point, got shape {tuple(x.shape)}")
    with torch.no_grad():
        a, b = score_a(x, sigma), score_b(x, sigma)
    return 0.5 * (a - b).square().sum(dim=-1).mean()  # (*, n) -> ()


def curl(score: Score, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
    """How much a field turns: ``sqrt(sum_{i<j} (J_ij - J_ji)^2)`` with ``J`` its Jacobian.

    Zero for every gradient, because second derivatives commute. In two and three dimensions it
    is the length of the ordinary curl. The field ``score`` must treat each of the points ``(*, n)``
    by itself; there is one value for each, ``(*)``, and one backward pass for each of the ``n``
    coordinates. Chapter 01_gaussian_score.
    """
    score, sigma = checked(score), as_sigma(sigma, check_tensor(x, "x"))
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        s = score(x, sigma)
        rows = [_gradient(s[..., i].sum(), x) for i in range(x.shape[-1])]
    jacobian = torch.stack(rows, dim=-2)  # n times (*, n) -> (*, n, n), row i is grad s_i
    turn = jacobian - jacobian.mT
    return turn.square().sum(dim=(-2, -1)).sqrt() / math.sqrt(2.0)  # each pair was counted twice


def _gradient(value: Tensor, x: Tensor) -> Tensor:
    """Gradient of ``value`` in ``x``, zero where there is no dependence."""
    if not value.requires_grad:
        return torch.zeros_like(x)
    (g,) = torch.autograd.grad(value, x, retain_graph=True, allow_unused=True)
    return torch.zeros_like(x) if g is None else g


def _check_images(x: Tensor, reference: Tensor, data_range: float) -> float:
    """Check the arguments that both measures have; return the range as a float."""
    check_tensor(reference, "reference", min_dims=2)
    check_tensor(x, "x", last=tuple(reference.shape[-2:]))
    try:
        torch.broadcast_shapes(x.shape, reference.shape)
    except RuntimeError as error:
        got = f"{tuple(x.shape)}, got {tuple(reference.shape)}"
        raise ValueError(f"reference must broadcast to the shape of x, {got}") from error
    return check_number(data_range, "data_range")
