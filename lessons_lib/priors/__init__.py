"""Image scores built from smaller pieces: from the scores of patches, in several ways.

Sign, once and for all: ``s_V := -grad V``. The image density ``exp(-sum_c V(G_c x)) / Z`` then has
the score ``+ sum_c G_c' s_V(G_c x)``, and denoising score matching trains a score, ``-grad``, too.
But what it trains on patches is the score of their *marginal* density, and marginals overlap:
their plain sum counts every pixel many times. Each class here does something else about that, and
each is itself a score, ``prior(x, sigma)`` on images ``(*, H, W)``. Two more wrap a score, of
images or of patches, that is too attached to what it was trained on: `SymmetricScore` to the way
up, `ScaleFreeScore` to the amplitude. For Gaussian fields `window_denoiser` and
`multiscale_denoiser` are the best that windows can do, as matrices.
"""

from lessons_lib.priors.averages import AveragedPrior, TilingPrior
from lessons_lib.priors.counting import WeightedPrior, counting_numbers, kikuchi
from lessons_lib.priors.linear import frequency_response, linear_part
from lessons_lib.priors.local import LocalScore
from lessons_lib.priors.multiscale import (
    haar,
    inverse_haar,
    multiscale_denoiser,
    window_denoiser,
)
from lessons_lib.priors.patch_prior import PatchPrior
from lessons_lib.priors.scale import ScaleFreeScore
from lessons_lib.priors.symmetry import SymmetricScore

__all__ = [
    "AveragedPrior",
    "LocalScore",
    "PatchPrior",
    "ScaleFreeScore",
    "SymmetricScore",
    "TilingPrior",
    "WeightedPrior",
    "counting_numbers",
    "frequency_response",
    "haar",
    "inverse_haar",
    "kikuchi",
    "linear_part",
    "multiscale_denoiser",
    "window_denoiser",
]
