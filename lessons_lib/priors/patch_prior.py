"""The image score whose log density is a sum over patches; the sign stands in `priors`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from lessons_lib.shapes import Score, Sigma, checked

if TYPE_CHECKING:
    from lessons_lib.patches import Patches


class PatchPrior:
    """The score of an image whose log density is a sum over its patches.

    ``log p(x) = - sum_c V(G_c x) - log Z`` has the score ``+ sum_c G_c' s_V(G_c x)``, with
    ``s_V = -grad V``. Nothing divides by the overlap: this is the gradient of that energy, not an
    average of denoisers (that is `reconstruction.denoise_patches`). Of a pixel that is in no patch
    the prior knows nothing: its score is zero.

    Notes
    -----
    The talk prints the score with a minus and ``s_V = +grad V``; see the errata. Chapters 00_tour
    and 05_patch_mrf.
    """

    def __init__(self, patch_score: Score, patches: Patches, *, chunk: int = 16384) -> None:
        if not hasattr(patches, "aggregate"):
            raise TypeError(f"patches must be a Patches, got {type(patches).__name__}")
        self.patch_score = checked(patch_score, "patch_score")
        self.patches, self.chunk = patches, chunk

    def __call__(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Evaluate the score of images, ``sum_c G_c' s_V(G_c x, sigma)``."""
        return self.patches.aggregate(self.patch_score, x, sigma, chunk=self.chunk)
