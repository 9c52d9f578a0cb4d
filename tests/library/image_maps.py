"""Every public function that maps images or points, one line each, for the generic tests.

A row is called as ``call(x, k)``: whatever has units is multiplied by ``k``, so that the result
must be ``k**power`` times what it is for ``x / k`` and 1. Numbers that the function itself takes
are made from ``k`` as it comes, also from NumPy or as a tensor; its surroundings are not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lessons_lib import (
    distributions,
    losses,
    metrics,
    networks,
    operators,
    priors,
    reconstruction,
    samplers,
    schedules,
)
from lessons_lib.patches import Patches
from lessons_lib.reconstruction.posterior_samplers import METHODS
from lessons_lib.samplers import last

SIDE = 12
SHAPE, F64 = (SIDE, SIDE), torch.float64


class Row(NamedTuple):
    """One function; see the module."""

    call: Callable[[Tensor, float], Tensor]
    power: int | None = 1
    """Units of the result as a power of those of ``x``; None where there is no such law."""
    alone: bool = True
    """Whether each image gives what it gives by itself: not with noise, nor for a mean."""
    near: float = 1e-6
    """Rounding error, relative to the largest value."""
    algorithm: bool = False
    """Whether it returns an estimate or a state, and so no graph; scores are differentiable."""
    empty: bool = True
    """Whether an empty batch has an answer; a mean over nothing has none."""


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(num: int = 2) -> Tensor:
    """Random images with an edge, ``(num, SIDE, SIDE)``, in [0, 1.3]."""
    x = torch.rand(num, *SHAPE, dtype=F64, generator=seeded(3))
    x[:, :, SIDE // 2 :] += 0.3
    return x


CUT = Patches(SHAPE, 3)
LINES = operators.MaskedFourier(operators.random_lines(SHAPE, 7, centre=3))
COMPLEX = operators.MaskedFourier(LINES.mask, real=False)
BEAM = operators.ParallelBeam(SHAPE, torch.linspace(0, 170, 9, dtype=F64))
BLUR = operators.Blur(SHAPE, operators.gaussian_kernel(0.7))
PIXELS = operators.Identity(SHAPE)
TRUTH = pictures(1)[0].roll(1, 0)
ROOT = torch.randn(4, 4, dtype=F64, generator=seeded(5))
COV = ROOT @ ROOT.T + torch.eye(4, dtype=F64)
PAIRS = torch.tensor([[0.0, 1.0], [1.0, 1.0], [0.3, 0.6]], dtype=F64)
SPECTRUM = distributions.matern_spectrum(SHAPE, length=2.0, std=0.4)


def field(k: float) -> distributions.GaussianField:
    return distributions.GaussianField(SPECTRUM * float(k) ** 2, mean=0.5 * float(k))


def net(k: float, n: int = 9) -> networks.PreconditionedScore:
    """An untrained network on patches, with weights that require gradients."""
    made = networks.mlp((n + 1, 8, n), generator=seeded(1)).double()
    return networks.PreconditionedScore(made, 0.5 * float(k), 0.3 * float(k)).double()


def learned(k: float) -> priors.AveragedPrior:
    return priors.AveragedPrior(net(k), CUT)


def look(x: Tensor, k: float, A: operators.LinearOperator = LINES) -> object:
    return reconstruction.GaussianLikelihood(A, A(x), 0.05 * k)


def points(x: Tensor, n: int) -> Tensor:
    """The first pixels of each image, ``(*, n)``."""
    return x.flatten(-2)[..., :n]


def tilting(k: float) -> dict[str, tuple[float, float]]:
    return {"background": (0.5 * k, 0.1 * k), "foreground": (1.0 * k, 0.05 * k)}


def smc(x: Tensor, k: float) -> Tensor:
    options = {"num_particles": 20, "num_moves": 1, "num_islands": 2, "generator": seeded()}
    return distributions.rectangle_smc(x[..., :5, :5], 0.3 * k, **options, **tilting(k)).mean()


def rectangle(x: Tensor, k: float) -> Tensor:
    start = torch.tensor([6.0, 6.0, 5.0, 5.0, 0.3, 0.5 * float(k), float(k)], dtype=F64)
    options = {"num_steps": 4, "num_chains": 3, **tilting(k)}
    return distributions.rectangle_posterior(x, 0.3 * k, start, **options)[0]


def image_score(made: nn.Module) -> Callable[[Tensor, float], Tensor]:
    return lambda x, k: made(float(k)).double()(x, 0.2 * k)


def loss(name: str, **options: object) -> Row:
    """A mean over the batch, of squared scores."""
    objective = getattr(losses, name)
    return Row(
        lambda x, k: objective(net(k), CUT(x), 0.2 * k, **options), -2, alone=False, empty=False
    )


algorithm = {"algorithm": True}
drawn = {"alone": False, "algorithm": True}

IMAGE_MAPS = {
    "reconstruction.denoise_patches": Row(
        lambda x, k: reconstruction.denoise_patches(x, 0.1 * k, patch_score=net(k), patches=CUT),
        **algorithm),
    "reconstruction.denoise_tv": Row(
        lambda x, k: reconstruction.denoise_tv(x, 0.1 * k), **algorithm),
    "reconstruction.denoise_regions": Row(
        lambda x, k: reconstruction.denoise_regions(x, 0.1 * k), **algorithm),
    "reconstruction.denoise_regions at its best": Row(
        lambda x, k: reconstruction.denoise_regions(x, 0.1 * k, reference=0.9 * x), **algorithm),
    "reconstruction.denoise_tv of a weight": Row(
        lambda x, k: reconstruction.denoise_tv(x, 0.1 * k, weight=0.2 * k), **algorithm),
    "reconstruction.denoise_tv at its best": Row(
        lambda x, k: reconstruction.denoise_tv(x, 0.1 * k, reference=0.9 * x), **algorithm),
    "reconstruction.denoise_bm3d": Row(
        lambda x, k: reconstruction.denoise_bm3d(x, 0.1 * k), near=1e-4, **algorithm),
    "reconstruction.tv": Row(
        lambda x, k: reconstruction.tv(look(x, k), num_steps=60), **algorithm),
    "reconstruction.tv of pixels": Row(
        lambda x, k: reconstruction.tv(look(x, k, PIXELS), weight=0.1 * k, num_steps=60),
        **algorithm),
    "reconstruction.tv of complex images": Row(
        lambda x, k: reconstruction.tv(look(x, k, COMPLEX), num_steps=60), **algorithm),
    "reconstruction.tv at its best": Row(
        lambda x, k: reconstruction.tv(look(x, k), reference=0.9 * x, num_steps=10), **algorithm),
    "reconstruction.filtered_back_projection": Row(
        lambda x, k: reconstruction.filtered_back_projection(BEAM, BEAM(x)), **algorithm),
    "reconstruction.GaussianLikelihood": Row(
        lambda x, k: look(x, k).score(0.9 * x), -1),
    "reconstruction.GaussianLikelihood widened": Row(
        lambda x, k: look(x, k, BLUR).score(0.9 * x, 0.2 * k), -1),
    "reconstruction.posterior_score": Row(
        lambda x, k: reconstruction.posterior_score(field(k).score, look(x, k))(x, 0.2 * k), -1),
    "reconstruction.posterior_score through the denoiser": Row(
        lambda x, k: reconstruction.posterior_score(
            field(k).score, look(0.9 * x, k), prior_std=0.4 * k)(x, 0.2 * k), -1),
    "reconstruction.map_ascent": Row(
        lambda x, k: last(reconstruction.map_ascent(
            learned(k), look(x, k), 0.5 * x, sigma=0.1 * k, num_steps=4)), **algorithm),
    "reconstruction.map_ascent accelerated": Row(
        lambda x, k: last(reconstruction.map_ascent(
            field(k).score, look(x, k), 0 * x, step=1e-3 * k**2, num_steps=4, accelerate=True)),
        **algorithm),
    "reconstruction.half_quadratic": Row(
        lambda x, k: last(reconstruction.half_quadratic(
            learned(k), look(x, k, BLUR), x, reconstruction.ladder(0.1 * k, 3))), **algorithm),
    "samplers.langevin": Row(
        lambda x, k: last(samplers.langevin(
            learned(k), x, step=1e-3 * k**2, num_steps=3, sigma=0.2 * k)), **drawn),
    "samplers.langevin without noise": Row(
        lambda x, k: last(samplers.langevin(
            learned(k), x, step=1e-3 * k**2, num_steps=3, sigma=0.2 * k, temperature=0 * k)),
        **algorithm),
    "samplers.mala": Row(
        lambda x, k: last(samplers.mala(
            learned(k), field(k).log_prob, x, step=1e-3 * k**2, num_steps=3, sigma=0.2 * k)),
        **drawn),
    "samplers.annealed_langevin": Row(
        lambda x, k: last(samplers.annealed_langevin(
            learned(k), x, schedules.geometric(0.5 * k, 0.1 * k, 3), steps_per_level=2)), **drawn),
    "samplers.gibbs": Row(
        lambda x, k: last(samplers.gibbs(
            [lambda x, T, g: x.roll(1, -1) + float(k) * torch.randn(x.shape, generator=g).to(x)],
            x, num_sweeps=3)), **drawn),
    "samplers.probability_flow": Row(
        lambda x, k: last(samplers.probability_flow(
            learned(k), x, schedules.karras(0.5 * k, 0 * k, 4))), **algorithm),
    "samplers.multistep": Row(
        lambda x, k: last(samplers.multistep(
            learned(k), x, schedules.karras(0.5 * k, 0 * k, 4))), **algorithm),
    "samplers.ancestral": Row(
        lambda x, k: last(samplers.ancestral(
            learned(k), x, schedules.karras(0.5 * k, 0 * k, 4))), **drawn),
    "samplers.last": Row(lambda x, k: last([x]), algorithm=False),
    "priors.PatchPrior": Row(lambda x, k: priors.PatchPrior(net(k), CUT)(x, 0.2 * k), -1),
    "priors.AveragedPrior": Row(lambda x, k: learned(k)(x, 0.2 * k), -1),
    "priors.LocalScore": Row(
        lambda x, k: priors.LocalScore(pictures(3).roll(1, 0) * float(k), 3)(x, 0.2 * k), -1),
    "priors.TilingPrior": Row(lambda x, k: priors.TilingPrior(net(k), SHAPE, 3)(x, 0.2 * k), -1),
    "priors.haar": Row(lambda x, k: priors.haar(x)[1]),
    "priors.inverse_haar": Row(
        lambda x, k: priors.inverse_haar(x, torch.stack([x, x.roll(1, -1), 0 * x], -3))),
    "priors.WeightedPrior": Row(
        lambda x, k: priors.WeightedPrior([0.3, -1], [field(k).score, learned(k)])(x, 0.2 * k), -1),
    "priors.kikuchi": Row(
        lambda x, k: priors.kikuchi(
            lambda shape: field(k).patch_marginal(shape).score, SHAPE, 3)(x, 0.2 * k), -1),
    "priors.ScaleFreeScore": Row(
        lambda x, k: priors.ScaleFreeScore(field(1).score, spread=0.4, level=0.5)(x, 0.2 * k), -1),
    "priors.SymmetricScore": Row(
        lambda x, k: priors.SymmetricScore(field(k).score)(x, 0.2 * k), -1),
    "patches.Patches": Row(lambda x, k: CUT(x)),
    "patches.Patches.adjoint": Row(lambda x, k: CUT.adjoint(CUT(x))),
    "patches.Patches.aggregate": Row(lambda x, k: CUT.aggregate(net(k), x, 0.2 * k, chunk=30), -1),
    "operators.Identity": Row(lambda x, k: PIXELS.normal(x)),
    "operators.MaskedFourier": Row(lambda x, k: LINES(x)),
    "operators.MaskedFourier.adjoint": Row(lambda x, k: LINES.normal(x)),
    "operators.Blur": Row(lambda x, k: BLUR.normal(x)),
    "operators.ParallelBeam": Row(lambda x, k: BEAM.normal(x)),
    "operators.measure": Row(lambda x, k: operators.measure(LINES, x, 0.1 * k), alone=False),
    "metrics.psnr": Row(
        lambda x, k: metrics.psnr(x, TRUTH.to(x) * float(k), data_range=1.0 * k), 0),
    "metrics.ssim": Row(
        lambda x, k: metrics.ssim(x, TRUTH.to(x) * float(k), data_range=1.0 * k), 0),
    "metrics.fisher_divergence": Row(
        lambda x, k: metrics.fisher_divergence(net(k), net(2 * k), CUT(x), 0.2 * k), -2,
        alone=False, empty=False),
    "metrics.curl": Row(lambda x, k: metrics.curl(net(k, 4), points(x, 4), 0.2 * k), -2),
    "networks.PreconditionedScore": Row(lambda x, k: net(k)(CUT(x), 0.2 * k), -1),
    "networks.ScaledScore": Row(  # its input keeps its units: no law
        lambda x, k: networks.ScaledScore(networks.mlp((4, 4)).double())(points(x, 4), 0.2 * k),
        None),
    "networks.EnergyScore": Row(
        lambda x, k: networks.EnergyScore(networks.mlp((5, 4, 1)).double(), conditional=True)(
            points(x, 4), 0.2 * k), None),
    "networks.CentredScore": Row(
        lambda x, k: networks.CentredScore(net(k))(CUT(x), 0.2 * k), -1),
    "networks.NormalizedScore": Row(
        lambda x, k: networks.NormalizedScore(networks.mlp((10, 9)).double())(CUT(x), 0.2 * k), -1),
    "networks.OrientedScore": Row(
        lambda x, k: networks.OrientedScore(net(k), 3)(CUT(x), 0.2 * k), -1),
    "networks.ImageScore": Row(
        image_score(lambda k: networks.ImageScore(networks.UNet((2, 3)), 0.5 * k, 0.3 * k)), -1),
    "networks.NormalizedImageScore": Row(
        image_score(lambda k: networks.NormalizedImageScore(networks.UNet((2, 3)))), -1),
    "networks.FieldOfExperts": Row(
        lambda x, k: networks.FieldOfExperts(
            3, 2, mean=0.5 * k, std=k, scale=10 / k).double()(x), -1),
    "networks.PatchEnergyScore": Row(
        image_score(lambda k: networks.PatchEnergyScore(3, (2, 2), 0.5 * k, 0.3 * k)), -1),
    "distributions.Gaussian": Row(
        lambda x, k: distributions.Gaussian(
            0.5 * float(k) * torch.ones(4, dtype=F64), 0.1 * k**2).score(points(x, 4), 0.2 * k),
        -1),
    "distributions.GaussianMixture": Row(
        lambda x, k: distributions.GaussianMixture(
            torch.tensor([0.4, 0.6], dtype=F64), ROOT[:2] * float(k), COV * float(k) ** 2).score(
            points(x, 4), 0.2 * k), -1),
    "distributions.Gamma": Row(
        lambda x, k: distributions.Gamma(3, 0.3 * k).score(points(x, 1), 0.2 * k), -1),
    "distributions.GeneralizedTV": Row(
        lambda x, k: distributions.GeneralizedTV(2 / k).score(points(x, 2), 0.2 * k), -1),
    "distributions.GeneralizedTV of a power": Row(
        lambda x, k: distributions.GeneralizedTV(2 / k**0.5, 0.5, sum_std=1.0 * k).score(
            points(x, 2), 0.2 * k), -1),
    "distributions.LineProcess": Row(
        lambda x, k: distributions.LineProcess(0.2 * k, 1.5).score(points(x, 2), 0.2 * k), -1),
    "distributions.line_posterior": Row(
        lambda x, k: distributions.line_posterior(
            points(x, 6), 0.1 * k, width=0.2 * k, price=1.5)[0], **algorithm),
    "distributions.Parzen": Row(
        lambda x, k: distributions.Parzen(ROOT * float(k)).score(points(x, 4), 0.2 * k), -1),
    "distributions.RectanglePair": Row(
        lambda x, k: distributions.RectanglePair(
            PAIRS, torch.ones(3, dtype=F64) / 3, **tilting(k)).score(points(x, 2), 0.2 * k), -1),
    "reconstruction.sample_posterior": Row(  # two of its methods differentiate on the way
        lambda x, k: torch.stack([
            last(reconstruction.sample_posterior(
                field(k) if method == "exact" else learned(k), look(x, k), x,
                schedules.geometric(0.5 * k, 0.1 * k, 3), method=method))
            for method in sorted(METHODS.keys() - {"pigdm", "dps"})], -3), **drawn),
    "distributions.GaussianField": Row(lambda x, k: field(k).score(x, 0.2 * k), -1),
    "distributions.DenseGaussianField": Row(
        lambda x, k: distributions.DenseGaussianField(
            torch.full((2, 2), 0.5, dtype=F64) * float(k), COV * float(k) ** 2).score(
            x[..., :2, :2], 0.2 * k), -1),
    "distributions.rectangle_smc": Row(smc, **drawn),
    "losses.explicit": Row(
        lambda x, k: losses.explicit(net(k), net(2 * k), CUT(x), 0.2 * k), -2,
        alone=False, empty=False),
    "losses.implicit": loss("implicit"),
    "losses.regularized": Row(
        lambda x, k: losses.regularized(net(k), CUT(x), 0.2 * k, weight=0.1 * k**2), -2,
        alone=False, empty=False),
    "losses.sliced": Row(
        lambda x, k: losses.sliced(net(k), CUT(x), 0.2 * k, generator=seeded()), -2,
        alone=False, empty=False),
    "losses.denoising": Row(
        lambda x, k: losses.denoising(net(k), CUT(x), 0.2 * k, generator=seeded()), -2,
        alone=False, empty=False),
    "losses.noise_conditional": Row(
        lambda x, k: losses.noise_conditional(
            net(k), CUT(x), schedules.geometric(0.5 * k, 0.1 * k, 3), generator=seeded()), 0,
        alone=False, empty=False),
}  # fmt: skip

NO_IMAGE_MAPS = {
    "reconstruction.ladder": "numbers from numbers; half_quadratic walks down it",
    "priors.counting_numbers": "sizes alone",
    "priors.window_denoiser": "takes a field, and returns a matrix",
    "priors.multiscale_denoiser": "as window_denoiser",
    "priors.linear_part": "takes a score, and tries it on images of its own",
    "priors.frequency_response": "as linear_part",
    "operators.Applies": "a protocol",
    "operators.LinearOperator": "a base class; all of its children are here",
    "operators.dot_test": "takes an operator, and tries it on images of its own",
    "operators.squared_norm": "as dot_test",
    "operators.even_lines": "makes a mask from sizes",
    "operators.random_lines": "as even_lines",
    "operators.gaussian_kernel": "makes a kernel, in pixels",
    "networks.ACTIVATIONS": "a table of names",
    "networks.mlp": "a network before it is a score: the classes around it are here",
    "networks.UNet": "as mlp",
    "distributions.fit_mixture": "takes data, and yields densities",
    "distributions.matern_spectrum": "makes a spectrum from numbers",
    "distributions.RectangleParticles": "what rectangle_smc returns",
    "distributions.rectangle_posterior": "one image at a time; see the test of its units",
}
"""Public names that are in no row, each with the reason."""
