"""Comparisons that chapters print, for any seed: denoisers, models, fits of one small model.

`denoising_report` runs every method of the list `methods` on the same noisy pictures; `read_table`
reads one that is stored, and refuses it when the models have changed; `measured` reads any other.
`posterior_samples` and `rescaled` are two of the ways to use a score that are compared. A score
from outside enters the table by ``python -m lessons_lib.course.studies denoising --prior
MODULE:NAME``. `shift` tests models on pictures of another kind. ``python -m
lessons_lib.course.studies`` runs them; the rest belongs to chapter 2:

`fit_mixture_by` fits mixtures of three normals on the line by one of `METHODS`, many starts and
many data sets side by side; `mixture_cost`, `mixture_divergences` and `mixture_terms` judge them;
`relax_bound` follows the best cost as narrow components are allowed; `compare_fits` repeats a
comparison over data sets; `markdown_table` prints one.
"""

from lessons_lib.course.studies.denoisers import posterior_samples
from lessons_lib.course.studies.denoising import denoising_report
from lessons_lib.course.studies.methods import Method, methods
from lessons_lib.course.studies.mixtures import (
    METHODS,
    compare_fits,
    fit_mixture_by,
    mixture_cost,
    mixture_divergences,
    mixture_terms,
    relax_bound,
)
from lessons_lib.course.studies.pictures import held_out_pictures
from lessons_lib.course.studies.regularisers import rescaled
from lessons_lib.course.studies.stored import measured, read_table
from lessons_lib.course.studies.tables import markdown_table

__all__ = [
    "METHODS",
    "Method",
    "compare_fits",
    "denoising_report",
    "fit_mixture_by",
    "held_out_pictures",
    "markdown_table",
    "measured",
    "methods",
    "mixture_cost",
    "mixture_divergences",
    "mixture_terms",
    "posterior_samples",
    "read_table",
    "relax_bound",
    "rescaled",
]
