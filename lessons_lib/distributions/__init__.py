"""Densities with exact scores: the oracles that everything else is measured against.

Each has ``log_prob(x, sigma=0.0)`` of shape ``(*)``, ``score(x, sigma=0.0)`` of shape ``(*, n)``
and ``sample(num, generator=None)`` of shape ``(num, n)``, for points ``x`` of shape ``(*, n)``;
``sigma`` is the noise level of the density smoothed by N(0, sigma^2 I).
"""

from lessons_lib.distributions.fitting import fit_mixture
from lessons_lib.distributions.gamma import Gamma
from lessons_lib.distributions.gaussian import Gaussian
from lessons_lib.distributions.generalized_tv import GeneralizedTV
from lessons_lib.distributions.mixture import GaussianMixture
from lessons_lib.distributions.parzen import Parzen
from lessons_lib.distributions.rectangle_pair import RectanglePair

__all__ = [
    "Gamma",
    "Gaussian",
    "GaussianMixture",
    "GeneralizedTV",
    "Parzen",
    "RectanglePair",
    "fit_mixture",
]
