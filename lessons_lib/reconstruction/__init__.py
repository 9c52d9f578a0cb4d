"""From a score to a picture: likelihood, posterior, ascent, splitting, and the baselines.

A prior enters as ``prior_score(x, sigma)``, a measurement as a `GaussianLikelihood`, and everything
here adds the two. `map_ascent` climbs, `half_quadratic` walks down a ladder of noise levels with
one linear solve at each, and `sample_posterior` draws; all are generators of states. The denoisers
are called ``denoise_*(y, noise_std, *, ...)``. The baselines take a ``reference``: with it they
choose their own best setting against the truth, which no one has in practice. Comparing with a
baseline at its best keeps the comparison honest.

Pictures come back detached, and no graph is built on the way, also where the score is a network in
training: memory does not grow with the steps, nor with the image. `denoise_patches`, `map_ascent`
and `half_quadratic` keep the graph if they are asked to by ``differentiable=True``; memory then
grows with every step. Everything commutes with a change of unit and with batching: an image gives
the same answer in any units, and alone as beside a brighter one.
"""

from lessons_lib.reconstruction.ascent import map_ascent
from lessons_lib.reconstruction.denoisers import denoise_bm3d, denoise_patches, denoise_tv
from lessons_lib.reconstruction.direct import filtered_back_projection
from lessons_lib.reconstruction.ladder import ladder
from lessons_lib.reconstruction.likelihood import GaussianLikelihood
from lessons_lib.reconstruction.posterior import posterior_score
from lessons_lib.reconstruction.posterior_samplers import sample_posterior
from lessons_lib.reconstruction.regions import denoise_regions
from lessons_lib.reconstruction.splitting import half_quadratic
from lessons_lib.reconstruction.total_variation import tv

__all__ = [
    "GaussianLikelihood",
    "denoise_bm3d",
    "denoise_patches",
    "denoise_regions",
    "denoise_tv",
    "filtered_back_projection",
    "half_quadratic",
    "ladder",
    "map_ascent",
    "posterior_score",
    "sample_posterior",
    "tv",
]
