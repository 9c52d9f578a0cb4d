"""The image score whose log density is a sum over patches.

Sign, once and for all: ``s_V := -grad V``. The image density ``exp(-sum_c V(G_c x)) / Z`` then has
the score ``+ sum_c G_c' s_V(G_c x)``, and denoising score matching trains exactly ``s_V``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from lessons_lib.shapes import Score, Sigma, check_count

if TYPE_CHECKING:
    from lessons_lib.patches import Patches


class PatchPrior:
    """The score of an image whose log density is a sum over its patches.

    ``log p(x) = - sum_c V(G_c x) - log Z`` has the score ``+ sum_c G_c' s_V(G_c x)``, with
    ``s_V = -grad V``. Nothing divides by the overlap: this is the gradient of that energy, not an
    average of denoisers (that is `reconstruction.denoise_patches`).

    Parameters
    ----------
    patch_score : Score
        ``patch_score(v, sigma)`` on patches ``v`` of shape ``(*, l, n)``.
    patches : Patches
        Which patches, and of which images.
    chunk : int
        Patches in memory at one time.

    Raises
    ------
    TypeError
        If ``patch_score`` is not callable or ``patches`` is no `Patches`.

    Notes
    -----
    The talk prints the score with a minus and ``s_V = +grad V``; see the errata. Chapters 00_tour
    and 05_patch_mrf.
    """

    def __init__(self, patch_score: Score, patches: Patches, *, chunk: int = 16384) -> None:
        if not callable(patch_score):
            raise TypeError(
                "patch_score must be callable as patch_score(v, sigma), "
                f"got {type(patch_score).__name__}"
            )
        if not hasattr(patches, "aggregate"):
            raise TypeError(f"patches must be a Patches, got {type(patches).__name__}")
        self.patch_score, self.patches = patch_score, patches
        self.chunk = check_count(chunk, "chunk")

    def __call__(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Evaluate the image score.

        Parameters
        ----------
        x : Tensor, shape ``(*, H, W)``
            Images.
        sigma : float or Tensor
            Noise level handed to the patch score: one, or one for each image.

        Returns
        -------
        Tensor, shape ``(*, H, W)``
            ``sum_c G_c' s_V(G_c x, sigma)``.
        """
        return self.patches.aggregate(self.patch_score, x, sigma, chunk=self.chunk)
