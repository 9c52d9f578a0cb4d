"""Image scores that use each pixel once: averaged over all patches, or over one random tiling."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.patches import Patches, PatchSize
from lessons_lib.priors.patch_prior import PatchPrior
from lessons_lib.shapes import Score, Sigma, checked


class AveragedPrior(PatchPrior):
    """The sum over patches, divided at each pixel by the number of patches that hold it.

    ``(sum_c G_c' s(G_c x, sigma)) / multiplicity``. One step of Tweedie's formula with it is the
    average of the patches' own best denoisers, `reconstruction.denoise_patches`. With ``wrap`` the
    divisor is one number and the result is still a gradient; where the multiplicity changes, near
    an edge, its Jacobian is not symmetric and it is none. The score of a pixel that is in no patch
    is zero here too.

    References: chapter 05_patch_mrf.
    """

    def __init__(self, patch_score: Score, patches: Patches, *, chunk: int = 16384) -> None:
        super().__init__(patch_score, patches, chunk=chunk)
        self._count = patches.multiplicity.clamp(min=1)

    def __call__(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Evaluate the score of images ``(*, H, W)``."""
        return super().__call__(x, sigma) / self._count.to(x)


class TilingPrior:
    """Cut the image into patches that do not overlap, at a random offset in each call.

    The patches of one tiling count each pixel once. They know nothing of their neighbours, which
    leaves seams; the next call puts the seams elsewhere.

    Parameters
    ----------
    patch_size : int or tuple of int
        As for `Patches`.
    wrap : bool
        Continue the image periodically; then the patch must divide it. Otherwise the tiles that
        would cross an edge are pushed back inside, and averaged where they then overlap.

    References
    ----------
    [Hu2024], who pad with zeros instead of pushing back. Chapter 05_patch_mrf.
    """

    def __init__(
        self,
        patch_score: Score,
        image_shape: tuple[int, int],
        patch_size: PatchSize,
        *,
        wrap: bool = False,
        generator: torch.Generator | None = None,
        chunk: int = 16384,
    ) -> None:
        self.patch_score = checked(patch_score, "patch_score")
        self.patches, self.chunk = Patches(image_shape, patch_size, wrap=wrap), chunk
        (height, width), (p, q) = self.patches.in_shape, self.patches.patch_shape
        if wrap and (height % p or width % q):
            raise ValueError(f"patch_size must divide {height, width} to wrap, got {p, q}")
        self.generator = generator or torch.Generator().manual_seed(0)

    def tiling(self, offset: tuple[int, int]) -> AveragedPrior:
        """Return the score of one tiling, the same at every call.

        Parameters
        ----------
        offset : tuple of int
            Row and column at which one of the tiles begins.
        """
        sides = zip(offset, self.patches.patch_shape, self.patches.positions, strict=True)
        starts = [_starts(*side, wrap=self.patches.wrap) for side in sides]
        return AveragedPrior(self.patch_score, self.patches.keep(*starts), chunk=self.chunk)

    def __call__(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Evaluate the score of a new tiling at images ``(*, H, W)``."""
        p, q = self.patches.patch_shape
        offset = (int(torch.randint(size, (), generator=self.generator)) for size in (p, q))
        return self.tiling(tuple(offset))(x, sigma)


def _starts(offset: int, size: int, positions: int, *, wrap: bool) -> Tensor:
    """First rows (or columns) of the tiles, a step of ``size`` apart."""
    if wrap:
        return torch.arange(offset % size, positions, size)
    start = torch.arange(offset % size - size, positions + size - 1, size)
    return start.clamp(0, positions - 1).unique()
