"""All patches of an image at once, with the exact adjoint from the same index table.

``G_c`` cuts patch ``c`` out of an image; its transpose puts the patch back and leaves zeros
elsewhere. Both read one table of pixel numbers, so the adjoint is exact by construction.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.operators import LinearOperator
from lessons_lib.shapes import Score, Sigma, check_score_output, check_tensor, expand_sigma


class Patches(LinearOperator):
    """Every ``p x p`` patch of an image, ``patches(x)[..., c, :] = G_c x``.

    Parameters
    ----------
    image_shape : tuple of int
        Height and width ``(H, W)`` of the images.
    patch_size : int
        Side ``p`` of a patch in pixels.
    wrap : bool
        Continue the image periodically, so that every pixel lies in ``p * p`` patches. Without
        it a corner pixel lies in a single one.

    Raises
    ------
    TypeError, ValueError
        If the sizes are not positive integers, or the patch is larger than the image.

    Attributes
    ----------
    index : Tensor, shape ``(L, n)``
        Number of the pixel, in the image read row by row, at each place of each patch; patches
        run row by row, and so do the ``n = p * p`` pixels within one.
    in_shape, out_shape : tuple of int
        ``(H, W)`` and ``(L, n)``.

    Notes
    -----
    Chapter 00_tour uses it, chapter 5 builds it.
    """

    def __init__(
        self, image_shape: tuple[int, int], patch_size: int, *, wrap: bool = False
    ) -> None:
        _check_sizes(image_shape, patch_size)
        self.patch_size, self.wrap = patch_size, wrap
        rows = _offsets(image_shape[0], patch_size, wrap)  # (number of positions, p)
        cols = _offsets(image_shape[1], patch_size, wrap)
        pixel = rows[:, None, :, None] * image_shape[1] + cols[None, :, None, :]
        self.index = pixel.reshape(-1, patch_size**2)  # (rows, cols, p, p) -> (L, n)
        self.in_shape = tuple(image_shape)
        self.out_shape = tuple(self.index.shape)

    def __call__(self, x: Tensor) -> Tensor:
        """Cut all patches, ``(*, H, W) -> (*, L, n)``."""
        check_tensor(x, "x", last=self.in_shape)
        return x.flatten(-2)[..., self.index.to(x.device)]

    def adjoint(self, v: Tensor) -> Tensor:
        """Put patches back and add where they overlap, ``sum_c G_c' v_c``.

        Parameters
        ----------
        v : Tensor, shape ``(*, L, n)``
            One vector for each patch.

        Returns
        -------
        Tensor, shape ``(*, H, W)``
            The sum.
        """
        check_tensor(v, "v", last=self.out_shape)
        image = v.new_zeros(*v.shape[:-2], self.in_shape[0] * self.in_shape[1])
        return self._add(image, self.index, v).unflatten(-1, self.in_shape)

    @property
    def multiplicity(self) -> Tensor:
        """Number of patches that hold each pixel, ``sum_c G_c' G_c 1``, shape ``(H, W)``."""
        count = torch.bincount(self.index.flatten(), minlength=self.in_shape[0] * self.in_shape[1])
        return count.reshape(self.in_shape).to(torch.get_default_dtype())

    def aggregate(
        self, function: Score, x: Tensor, sigma: Sigma = 0.0, *, chunk: int = 16384
    ) -> Tensor:
        """Act on every patch and add up, ``sum_c G_c' f(G_c x, sigma)``, in bounded memory.

        Parameters
        ----------
        function : callable
            Takes patches ``(*, l, n)`` and the noise level, and returns the shape of the patches;
            a patch score, for instance.
        x : Tensor, shape ``(*, H, W)``
            Images.
        sigma : float or Tensor, shape ``()`` or ``(*)``
            Noise level, one for all images or one for each.
        chunk : int
            Patches in memory at one time, over the whole batch.

        Returns
        -------
        Tensor, shape ``(*, H, W)``
            The sum, equal to ``patches.adjoint(function(patches(x), sigma))``.

        Raises
        ------
        ValueError
            If ``function`` changes the shape, or ``sigma`` does not fit the images.
        """
        check_tensor(x, "x", last=self.in_shape)
        expand_sigma(sigma, x, event_dims=2)
        if isinstance(sigma, Tensor) and sigma.ndim:
            sigma = sigma[..., None]  # (*) -> (*, 1): the level of an image is that of its patches
        flat = x.flatten(-2)  # (*, H, W) -> (*, H * W)
        image = torch.zeros_like(flat)
        images = max(1, flat.shape[:-1].numel())
        for rows in self.index.to(x.device).split(max(1, chunk // images)):
            v = flat[..., rows]  # (*, l, n)
            image = self._add(image, rows, check_score_output(function(v, sigma), v, "function"))
        return image.unflatten(-1, self.in_shape)

    @staticmethod
    def _add(image: Tensor, rows: Tensor, v: Tensor) -> Tensor:
        """Add patches ``(*, l, n)`` into flat images ``(*, H * W)`` at the pixels ``rows``."""
        return image.index_add(-1, rows.flatten().to(v.device), v.flatten(-2))


def _offsets(length: int, patch_size: int, wrap: bool) -> Tensor:
    """Rows (or columns) of each patch position: ``(positions, p)``."""
    first = torch.arange(length if wrap else length - patch_size + 1)
    return (first[:, None] + torch.arange(patch_size)) % length


def _check_sizes(image_shape: tuple[int, int], patch_size: int) -> None:
    sizes = (*image_shape, patch_size)
    if len(sizes) != 3 or any(isinstance(k, bool) or not isinstance(k, int) for k in sizes):
        raise TypeError(
            "image_shape must be two integers (H, W) and patch_size an integer, "
            f"got {image_shape} and {patch_size!r}"
        )
    if min(sizes) < 1:
        raise ValueError(
            f"image_shape and patch_size must be positive, got {image_shape} and {patch_size}"
        )
    if patch_size > min(image_shape):
        raise ValueError(
            f"patch_size must not exceed the image, got {patch_size} for an image of shape "
            f"{tuple(image_shape)}"
        )
