"""A noisy row of pixels under the line process: every probability, by sums over segments."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.shapes import check_number, check_tensor


@torch.no_grad()
def line_posterior(
    y: Tensor, noise_std: float, *, width: float, price: float
) -> tuple[Tensor, Tensor]:
    r"""Return the posterior mean of rows of pixels, and the probability of each line.

    ``y = x + noise_std * noise``, and neighbours of ``x`` have the prior `LineProcess`. Lines cut
    the row into segments, which know nothing of each other. The evidence ``Z(i, j)`` of the
    segment of the pixels from ``i`` to ``j - 1`` is that of a normal vector, and the sum over all
    ``2^(n-1)`` ways to cut is a recursion,

    ``a(j) = sum_{i < j} a(i) exp(-price [i > 0]) Z(i, j)``,

    once from the left and once from the right.

    References: chapter 05_patch_with_lines.

    Parameters
    ----------
    y : Tensor, shape ``(*, n)``
        Rows; memory grows as ``n^3``, so up to a hundred pixels or two.
    width, price : float
        As for `LineProcess`.

    Returns
    -------
    mean : Tensor, shape ``(*, n)``
        ``E[x | y]``.
    lines : Tensor, shape ``(*, n - 1)``
        Probability of a line between each pixel and the next.
    """
    n = check_tensor(y, "y").shape[-1]
    noise_std, width = check_number(noise_std, "noise_std"), check_number(width, "width")
    price = check_number(price, "price", any_sign=True)
    log_Z, means = _segments(y, noise_std, width)
    inner = torch.arange(n + 1, device=y.device)
    cost = price * ((inner > 0) & (inner < n)).to(
        y
    )  # of a line before each pixel; the ends are free
    left = y.new_full((*y.shape[:-1], n + 1), -torch.inf)  # of the pixels before j, cut at j
    right = left.clone()  # of the pixels from i on, cut at i
    left[..., 0], right[..., n] = 0.0, 0.0
    for j in range(1, n + 1):
        left[..., j] = torch.logsumexp((left - cost + log_Z[..., j])[..., :j], -1)
    for i in range(n - 1, -1, -1):
        right[..., i] = torch.logsumexp((right - cost + log_Z[..., i, :])[..., i + 1 :], -1)
    start, end, total = left - cost, right - cost, left[..., n:]
    segment = (start[..., :, None] + log_Z + end[..., None, :] - total[..., None]).exp()
    mean = torch.einsum("...ij,...ijk->...k", segment, means)
    return mean, (left + right - cost - total)[..., 1:n].exp()


def _segments(y: Tensor, noise_std: float, width: float) -> tuple[Tensor, Tensor]:
    """Log evidence of every segment, ``(*, n + 1, n + 1)``, and its mean, ``(*, ..., n)``."""
    n = y.shape[-1]
    log_Z = y.new_full((*y.shape[:-1], n + 1, n + 1), -torch.inf)
    means = y.new_zeros(*y.shape[:-1], n + 1, n + 1, n)
    for length in range(1, n + 1):
        eye = torch.eye(length).to(y)
        D = eye.diff(dim=0)  # (length - 1, length)
        Q = eye + (noise_std / width) ** 2 * D.T @ D  # times noise_std^2
        data = y.unfold(-1, length, 1)  # (*, n - length + 1, length)
        mean = torch.linalg.solve(Q, data.mT).mT
        misfit = (data * (data - mean)).sum(-1) / noise_std**2
        i = torch.arange(n - length + 1)
        log_Z[..., i, i + length] = -(misfit + torch.logdet(Q)) / 2
        means[..., i[:, None], i[:, None] + length, i[:, None] + torch.arange(length)] = mean
    return log_Z, means
