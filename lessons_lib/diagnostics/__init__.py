"""Can these samples be believed? Of a walk: is it long enough; of a posterior: is it honest.

`effective_sample_size`, `r_hat` and `acceptance` look at the path of a sampler, stacked as
``(num_steps, num_chains, *)``. `ranks` and `coverage` lay samples next to truths drawn from the
prior; `uniformity` judges the ranks. They need no density and no score. A walk that fails them is
wrong; one that passes may still be.
"""

from lessons_lib.diagnostics.calibration import coverage, ranks, uniformity
from lessons_lib.diagnostics.mixing import acceptance, effective_sample_size, r_hat

__all__ = [
    "acceptance",
    "coverage",
    "effective_sample_size",
    "r_hat",
    "ranks",
    "uniformity",
]
