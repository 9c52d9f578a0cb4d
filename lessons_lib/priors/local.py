"""The best score among local ones: each pixel compared with the training patches around it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lessons_lib.distributions import Parzen
from lessons_lib.patches import PatchSize
from lessons_lib.shapes import Sigma, check_sides, check_tensor, expand_sigma


class LocalScore:
    """The score at a pixel that its neighbourhood allows, learned from images by heart.

    A network with a receptive field of ``p`` by ``q`` pixels, the same at every place, knows of an
    image only the window ``G_c x`` around pixel ``c``, and where that window is cut off by the
    edge. Among all such functions the loss of denoising score matching on ``T`` images is least
    for the score of the empirical density of the windows, read at their centre,

        ``s(x)_c = (sum_t w_t u_t - x_c) / sigma^2``,
        ``w_t`` proportional to ``exp(-||G_c x - v_t||^2 / (2 sigma^2))``,

    where ``v_t`` runs through the training windows that are cut off as ``G_c x`` is, and ``u_t`` is
    the pixel in the centre of ``v_t``. A window that holds the whole image from everywhere gives
    the score of `Parzen` on whole images, which remembers; a small one puts pieces of different
    images beside each other.

    Parameters
    ----------
    images : Tensor, shape ``(T, H, W)``
        The training images, in the units of ``x``.
    patch_size : int or tuple of int
        Odd numbers of rows and columns of the window.

    References
    ----------
    [KambGanguli2025].
    """

    def __init__(self, images: Tensor, patch_size: PatchSize) -> None:
        self.images = check_tensor(images, "images", axes="T, H, W")
        self.patch_shape = check_sides(patch_size, "patch_size", square=True)
        if not all(side % 2 for side in self.patch_shape):
            raise ValueError(f"patch_size must be odd, got {self.patch_shape}")
        sides = zip(self.images.shape[-2:], self.patch_shape, strict=True)
        rows, cols = (_kinds(length, side // 2) for length, side in sides)
        self._windows = [_Window(down, across) for down in rows for across in cols]
        self._densities = [Parzen(window.cut(images).flatten(0, -2)) for window in self._windows]

    def __call__(self, x: Tensor, sigma: Sigma) -> Tensor:
        """Evaluate the score of images ``(*, H, W)`` at a positive noise level."""
        check_tensor(x, "x", last=tuple(self.images.shape[-2:]))
        level = expand_sigma(sigma, x, event_dims=2, positive=True)
        level = level[..., 0] if level.ndim else level  # (*, 1): one for all windows of an image
        score = torch.zeros_like(x)
        for window, density in zip(self._windows, self._densities, strict=True):
            there = density.score(window.cut(x), level)[..., window.centre]  # (*, l)
            score = window.put(score, there)
        return score


@dataclass(frozen=True)
class _Kind:
    """Rows (or columns) that see the same offsets: where they are, and what they see."""

    place: Tensor
    offset: Tensor


@dataclass(frozen=True)
class _Window:
    """Pixels whose windows are cut off in the same way."""

    down: _Kind
    across: _Kind

    def cut(self, x: Tensor) -> Tensor:
        """Windows of all these pixels, ``(*, H, W) -> (*, l, n)``."""
        rows = self.down.place[:, None] + self.down.offset  # (a, p)
        cols = self.across.place[:, None] + self.across.offset  # (b, q)
        v = x[..., rows[:, None, :, None], cols[None, :, None, :]]  # (*, a, b, p, q)
        return v.flatten(-2).flatten(-3, -2)

    @property
    def centre(self) -> int:
        """Number of the pixel itself within its window."""
        before, left = (int((kind.offset < 0).sum()) for kind in (self.down, self.across))
        return before * len(self.across.offset) + left

    def put(self, image: Tensor, values: Tensor) -> Tensor:
        """Set these pixels of an image to ``values``, ``(*, l)``."""
        width = image.shape[-1]
        table = (self.down.place[:, None] * width + self.across.place).flatten()
        flat = image.flatten(-2).index_copy(-1, table.to(image.device), values)
        return flat.unflatten(-1, image.shape[-2:])


def _kinds(length: int, reach: int) -> list[_Kind]:
    """Group the rows of an image by how many of their neighbours lie beyond its edges."""
    place = torch.arange(length)
    above, below = place.clamp(max=reach), (length - 1 - place).clamp(max=reach)
    pairs = torch.stack([above, below], 1)
    kinds = []
    for seen in pairs.unique(dim=0):
        offset = torch.arange(-int(seen[0]), int(seen[1]) + 1)
        kinds.append(_Kind(place[(pairs == seen).all(1)], offset))
    return kinds
