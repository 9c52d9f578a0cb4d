"""Networks that are scores: each is called as ``score(x, sigma)``.

`mlp` and `UNet` make plain networks. The classes around them turn an output into a score. On points
and patches ``(*, n)``: `PreconditionedScore` adds a learned correction to an exact Gaussian,
`ScaledScore` divides by sigma, `EnergyScore` differentiates a learned energy, so that its field has
no curl, `CentredScore` takes away the brightness, `NormalizedScore` brightness and contrast, and
`OrientedScore` the direction. On images ``(*, H, W)``: `ImageScore` is the preconditioned score of
a whole image, `NormalizedImageScore` takes brightness and contrast of the image away,
`FieldOfExperts` is the score of a product of one-dimensional densities of filter responses, and
`PatchEnergyScore` is made of potentials on patches. Initial weights come from an explicit
generator; nothing here touches the global seed.
"""

from lessons_lib.networks.fields import FieldOfExperts
from lessons_lib.networks.invariant import CentredScore, NormalizedImageScore, NormalizedScore
from lessons_lib.networks.oriented import OrientedScore
from lessons_lib.networks.patch_energy import PatchEnergyScore
from lessons_lib.networks.perceptron import ACTIVATIONS, mlp
from lessons_lib.networks.plain import EnergyScore, ScaledScore
from lessons_lib.networks.preconditioned import ImageScore, PreconditionedScore
from lessons_lib.networks.unet import UNet

__all__ = [
    "ACTIVATIONS",
    "CentredScore",
    "EnergyScore",
    "FieldOfExperts",
    "ImageScore",
    "NormalizedImageScore",
    "NormalizedScore",
    "OrientedScore",
    "PatchEnergyScore",
    "PreconditionedScore",
    "ScaledScore",
    "UNet",
    "mlp",
]
