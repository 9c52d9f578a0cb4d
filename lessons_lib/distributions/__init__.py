"""Densities with exact scores: the oracles that everything else is measured against.

Each has ``log_prob(x, sigma=0.0)`` of shape ``(*)``, ``score(x, sigma=0.0)`` of shape ``(*, n)``
and ``sample(num, generator=None)`` of shape ``(num, n)``, for points ``x`` of shape ``(*, n)``;
``sigma`` is the noise level of the density smoothed by N(0, sigma^2 I), one or one for each point.
The fields are densities of images: there ``x`` has the shape ``(*, H, W)``.
"""

from lessons_lib.distributions.dense_field import DenseGaussianField
from lessons_lib.distributions.fitting import fit_mixture
from lessons_lib.distributions.gamma import Gamma
from lessons_lib.distributions.gaussian import Gaussian
from lessons_lib.distributions.gaussian_field import GaussianField, matern_spectrum
from lessons_lib.distributions.generalized_tv import GeneralizedTV
from lessons_lib.distributions.line_chain import line_posterior
from lessons_lib.distributions.line_process import LineProcess
from lessons_lib.distributions.mixture import GaussianMixture
from lessons_lib.distributions.parzen import Parzen
from lessons_lib.distributions.rectangle_image import rectangle_posterior
from lessons_lib.distributions.rectangle_pair import RectanglePair
from lessons_lib.distributions.rectangle_smc import RectangleParticles, rectangle_smc

__all__ = [
    "DenseGaussianField",
    "Gamma",
    "Gaussian",
    "GaussianField",
    "GaussianMixture",
    "GeneralizedTV",
    "LineProcess",
    "Parzen",
    "RectanglePair",
    "RectangleParticles",
    "fit_mixture",
    "line_posterior",
    "matern_spectrum",
    "rectangle_posterior",
    "rectangle_smc",
]
