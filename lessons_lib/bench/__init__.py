"""Comparisons that chapters print, for any seed: fits of one small model by every cost.

`fit_mixture_by` fits mixtures of three normals on the line by one of `METHODS`, many starts and
many data sets side by side; `mixture_cost`, `mixture_divergences` and `mixture_terms` judge them;
`relax_bound` follows the best cost as narrow components are allowed; `compare_fits` repeats a
comparison over data sets; `markdown_table` prints one.
"""

from lessons_lib.bench.mixtures import (
    METHODS,
    compare_fits,
    fit_mixture_by,
    mixture_cost,
    mixture_divergences,
    mixture_terms,
    relax_bound,
)
from lessons_lib.bench.tables import markdown_table

__all__ = [
    "METHODS",
    "compare_fits",
    "fit_mixture_by",
    "markdown_table",
    "mixture_cost",
    "mixture_divergences",
    "mixture_terms",
    "relax_bound",
]
