"""All patches of an image at once, with the exact adjoint from the same index table.

``G_c`` cuts patch ``c`` out of an image; its transpose puts the patch back and leaves zeros
elsewhere. Both read one table of pixel numbers, so the adjoint is exact by construction. The
table is a product of one for rows and one for columns, and is only multiplied out in pieces: the
largest image needs no more memory than a few thousand of its patches.
"""

from __future__ import annotations

import copy
from typing import Self

import torch
from torch import Tensor

from lessons_lib.operators import LinearOperator
from lessons_lib.shapes import (
    Score,
    Sigma,
    as_sigma,
    check_count,
    check_sides,
    check_tensor,
    checked,
    mirrored,
)

BORDERS = ("valid", "wrap", "reflect")
"""What happens at the edge of the image; see `Patches`."""

PatchSize = int | tuple[int, int]
"""Side of a square patch in pixels, or its numbers of rows and columns."""


class Patches(LinearOperator):
    """Every patch of an image, ``patches(x)[..., c, :] = G_c x``.

    Parameters
    ----------
    patch_size : int or tuple of int
        Side ``p`` of a square patch in pixels, or its numbers of rows and columns.
    wrap : bool
        Short for ``border="wrap"``.
    border : str, optional
        ``"valid"``, the default: patches lie inside the image, and a corner pixel in one of them
        only. ``"wrap"``: the image continues periodically, one patch starts at each pixel, and
        every pixel lies in as many patches as a patch has pixels. ``"reflect"``: the image is
        mirrored at its edges, ``b a | a b``, and one patch is centred on each pixel (half a pixel
        down and right of it for even sizes); with odd sizes every pixel again counts equally.

    Attributes
    ----------
    patch_shape : tuple of int
        Rows and columns ``(p, q)`` of a patch.
    positions : tuple of int
        Numbers of patch positions down and across; their product is ``L``.
    in_shape, out_shape : tuple of int
        ``(H, W)`` and ``(L, n)`` with ``n = p * q``.

    Notes
    -----
    Chapter 00_tour uses it, chapter 05_patch_mrf builds it.
    """

    def __init__(
        self,
        image_shape: tuple[int, int],
        patch_size: PatchSize,
        *,
        wrap: bool = False,
        border: str | None = None,
    ) -> None:
        self.in_shape = check_sides(image_shape, "image_shape")
        self.patch_shape = check_sides(patch_size, "patch_size", square=True)
        self.border = border or ("wrap" if wrap else "valid")
        _check_border(self.border, wrap)
        _check_fit(self.in_shape, self.patch_shape)
        self.wrap = self.border == "wrap"
        sides = zip(self.in_shape, self.patch_shape, strict=True)
        self._rows, self._cols = (_offsets(*side, self.border) for side in sides)  # (A, p), (B, q)

    @property
    def positions(self) -> tuple[int, int]:
        """Numbers of patch positions down and across."""
        return len(self._rows), len(self._cols)

    @property
    def out_shape(self) -> tuple[int, int]:
        """``(L, n)``: number of patches, pixels of each."""
        (a, p), (b, q) = self._rows.shape, self._cols.shape
        return a * b, p * q

    @property
    def index(self) -> Tensor:
        """Number of the pixel at each place of each patch, shape ``(L, n)``.

        Pixels of the image, patches, and pixels within a patch are all counted row by row.
        """
        return self._table(torch.arange(self.out_shape[0]))

    def __call__(self, x: Tensor) -> Tensor:
        """Cut all patches, ``(*, H, W) -> (*, L, n)``."""
        check_tensor(x, "x", last=self.in_shape)
        return x.flatten(-2)[..., self.index.to(x.device)]

    def adjoint(self, v: Tensor) -> Tensor:
        """Put patches back and add where they overlap, ``sum_c G_c' v_c``.

        Patches ``v``, ``(*, L, n) -> (*, H, W)``.
        """
        check_tensor(v, "v", last=self.out_shape)
        image = v.new_zeros(*v.shape[:-2], self.in_shape[0] * self.in_shape[1])
        return _add(image, self.index, v).unflatten(-1, self.in_shape)

    @property
    def multiplicity(self) -> Tensor:
        """Number of patches that hold each pixel, ``sum_c G_c' G_c 1``, shape ``(H, W)``."""
        sides = zip((self._rows, self._cols), self.in_shape, strict=True)
        down, across = (torch.bincount(t.flatten(), minlength=length) for t, length in sides)
        return (down[:, None] * across).to(torch.get_default_dtype())

    def keep(self, rows: slice | Tensor, cols: slice | Tensor) -> Self:
        """Return the same operator for some of the patch positions.

        Parameters
        ----------
        rows, cols : slice or Tensor of int
            Which positions down, and which across; every pair of them stays.
        """
        fewer = copy.copy(self)
        fewer._rows, fewer._cols = self._rows[rows], self._cols[cols]
        return fewer

    def aggregate(
        self, function: Score, x: Tensor, sigma: Sigma = 0.0, *, chunk: int = 16384
    ) -> Tensor:
        """Act on every patch and add up, ``sum_c G_c' f(G_c x, sigma)``, in bounded memory.

        Equal to ``patches.adjoint(function(patches(x), sigma))``; a ``chunk`` counts the patches of
        the whole batch.

        Parameters
        ----------
        function : callable
            Takes patches ``(*, l, n)`` and the noise level, and returns the shape of the patches;
            a patch score, for instance.
        """
        check_tensor(x, "x", last=self.in_shape)
        function, chunk = checked(function, "function"), check_count(chunk, "chunk")
        sigma = as_sigma(sigma, x, event_dims=2)
        if isinstance(sigma, Tensor) and sigma.ndim:
            sigma = sigma[..., None]  # (*) -> (*, 1): the level of an image is that of its patches
        flat = x.flatten(-2)  # (*, H, W) -> (*, H * W)
        image = torch.zeros_like(flat)
        images = max(1, flat.shape[:-1].numel())
        for some in torch.arange(self.out_shape[0]).split(max(1, chunk // images)):
            table = self._table(some).to(x.device)
            v = flat[..., table]  # (*, l, n)
            image = _add(image, table, function(v, sigma))
        return image.unflatten(-1, self.in_shape)

    def _table(self, which: Tensor) -> Tensor:
        """Rows ``which`` of `index`, multiplied out: ``(l,) -> (l, n)``."""
        across = len(self._cols)
        rows, cols = self._rows[which // across], self._cols[which % across]  # (l, p), (l, q)
        return (rows[:, :, None] * self.in_shape[1] + cols[:, None, :]).flatten(1)


def _add(image: Tensor, table: Tensor, v: Tensor) -> Tensor:
    """Add patches ``(*, l, n)`` into flat images ``(*, H * W)`` at the pixels of ``table``."""
    return image.index_add(-1, table.flatten().to(v.device), v.flatten(-2))


def _offsets(length: int, size: int, border: str) -> Tensor:
    """Rows (or columns) of each patch position: ``(positions, size)``."""
    first = torch.arange(length - size + 1 if border == "valid" else length)
    place = first[:, None] + torch.arange(size)
    return mirrored(place - (size - 1) // 2, length) if border == "reflect" else place % length


def _check_border(border: str, wrap: bool) -> None:
    if border not in BORDERS:
        raise ValueError(f"border must be one of {', '.join(BORDERS)}, got {border!r}")
    if wrap and border != "wrap":
        raise ValueError(f"wrap=True contradicts border={border!r}; give one of them")


def _check_fit(image_shape: tuple[int, int], patch_shape: tuple[int, int]) -> None:
    if patch_shape[0] > image_shape[0] or patch_shape[1] > image_shape[1]:
        raise ValueError(
            f"patch_size must not exceed the image, got {patch_shape} for an image of shape "
            f"{image_shape}"
        )
