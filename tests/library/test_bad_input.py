"""Wrong arguments are refused with words that name the argument, what came and what is wanted."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lessons_lib import (
    distributions,
    losses,
    metrics,
    networks,
    operators,
    patches,
    reconstruction,
    samplers,
    training,
)

X = torch.zeros(5, 2)
IMAGE = torch.zeros(3, 8, 8)
CUT = patches.Patches((8, 8), 3)
NET = networks.mlp((3, 4, 2))
MIXTURE = distributions.GaussianMixture(torch.tensor([0.5, 0.5]), torch.eye(2), 1.0)
FRACTIONS, HALVES = torch.tensor([[0.0, 1.0], [1.0, 1.0]]), torch.tensor([0.5, 0.5])

SAMPLED = {
    "Gaussian": distributions.Gaussian(torch.zeros(2), 1.0),
    "GaussianMixture": MIXTURE,
    "Gamma": distributions.Gamma(8, 1),
    "GeneralizedTV": distributions.GeneralizedTV(2.0, sum_std=1.0),
    "Parzen": distributions.Parzen(X),
    "RectanglePair": distributions.RectanglePair(FRACTIONS, HALVES),
    "GaussianField": distributions.GaussianField(torch.ones(4, 4)),
    "DenseGaussianField": distributions.DenseGaussianField(torch.zeros(2, 2), torch.eye(4)),
}


def uphill(x: torch.Tensor, sigma: object = 0.0) -> torch.Tensor:
    return -x


def run(objective: object = None, **options: object) -> list[training.Record]:
    def cost(model: torch.nn.Module, generator: torch.Generator) -> torch.Tensor:
        return losses.denoising(
            networks.PreconditionedScore(model, 0.0, 1.0), X, 1.0, generator=generator
        )

    given = {"num_steps": 2, "generator": torch.Generator().manual_seed(0)} | options
    model = given.pop("model", networks.mlp((3, 4, 2)))
    return list(training.train(model, objective or cost, **given))


@pytest.mark.parametrize("num", [0, -1, 2.5, "3"])
@pytest.mark.parametrize("name", SAMPLED)
def test_the_number_of_samples_must_be_a_positive_integer(name: str, num: object) -> None:
    with pytest.raises(ValueError, match="num must be a positive integer, got"):
        SAMPLED[name].sample(num)


@pytest.mark.parametrize("name", ["Parzen", "RectanglePair"])
@pytest.mark.parametrize("method", ["log_prob", "score"])
def test_densities_without_a_clean_version_refuse_the_default_sigma(name: str, method: str) -> None:
    with pytest.raises(ValueError, match="sigma must be positive, got a minimum of 0"):
        getattr(SAMPLED[name], method)(X)


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_covariance_of_lower_rank_is_not_saved_by_rounding(rank: int, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(rank)
    root = torch.randn(3, rank, generator=generator, dtype=torch.float64).to(dtype)
    with pytest.raises(ValueError, match="cov must be positive definite"):
        distributions.Gaussian(torch.zeros(3, dtype=dtype), root @ root.T)


CASES = {
    "score returns a list": (
        lambda: losses.explicit(lambda x, s: [1.0], uphill, X),
        TypeError,
        r"score\(x, sigma\) must return a torch.Tensor, got list",
    ),
    "no points": (
        lambda: losses.implicit(uphill, torch.zeros(0, 2)),
        ValueError,
        r"x must hold at least one point, got shape \(0, 2\)",
    ),
    "event of no dimension": (
        lambda: losses.denoising(uphill, X, 1.0, event_dims=0),
        ValueError,
        "event_dims must be 1 or 2, got 0",
    ),
    "negative weight": (
        lambda: losses.regularized(uphill, X, weight=-1.0),
        ValueError,
        "weight must be non-negative and finite, got -1",
    ),
    "langevin at a negative sigma": (
        lambda: samplers.langevin(uphill, X, step=0.1, num_steps=1, sigma=-1.0),
        ValueError,
        "sigma must be non-negative, got a minimum of -1",
    ),
    "langevin with two steps": (
        lambda: samplers.langevin(uphill, X, step=torch.ones(2), num_steps=1),
        TypeError,
        r"step must be one positive number, got shape \(2,\)",
    ),
    "divergence at a negative sigma": (
        lambda: metrics.fisher_divergence(uphill, uphill, X, -1.0),
        ValueError,
        "sigma must be non-negative",
    ),
    "curl at a sigma that is no number": (
        lambda: metrics.curl(uphill, X, math.nan),
        ValueError,
        "sigma must be finite, got nan",
    ),
    "batches that do not fit": (
        lambda: metrics.psnr(IMAGE[:2], IMAGE, data_range=1.0),
        ValueError,
        r"reference must broadcast to the shape of x, \(2, 8, 8\), got \(3, 8, 8\)",
    ),
    "network of another width": (
        lambda: networks.PreconditionedScore(NET, 0.0, 1.0)(torch.zeros(4, 5), 1.0),
        ValueError,
        r"x must have shape \(\*, 2\) for this network, got \(4, 5\)",
    ),
    "mean of another width": (
        lambda: networks.PreconditionedScore(NET, torch.zeros(3), 1.0)(X, 1.0),
        ValueError,
        r"x must have shape \(\*, 3\), got \(5, 2\)",
    ),
    "energy of integers": (
        lambda: networks.EnergyScore(networks.mlp((2, 4, 1))).potential(X.long()),
        TypeError,
        "x must have a floating-point dtype",
    ),
    "coordinate that is not there": (
        lambda: MIXTURE.marginal([5]),
        ValueError,
        r"index must number some of 2 coordinates, got \[5\]",
    ),
    "no coordinates": (
        lambda: distributions.Gaussian(torch.zeros(0), 1.0),
        ValueError,
        r"mean must have shape \(n,\), got \(0,\)",
    ),
    "negative noise": (
        lambda: SAMPLED["GaussianField"].denoising_error(-1.0),
        ValueError,
        "noise_std must be non-negative and finite, got -1",
    ),
    "side of zero": (
        lambda: distributions.matern_spectrum((0, 4), length=1.0),
        ValueError,
        "each side of image_shape must be a positive integer, got 0",
    ),
    "chunk of zero": (
        lambda: CUT.aggregate(uphill, IMAGE, chunk=0),
        ValueError,
        "chunk must be a positive integer, got 0",
    ),
    "no patches": (
        lambda: reconstruction.denoise_patches(IMAGE, 1.0, patch_score=uphill, patches=None),
        TypeError,
        "patches must be a Patches, got NoneType",
    ),
    "reference of another batch": (
        lambda: reconstruction.denoise_tv(IMAGE, 1.0, reference=torch.zeros(5, 8, 8)),
        ValueError,
        r"reference must broadcast to y, \(3, 8, 8\), got \(5, 8, 8\)",
    ),
    "no operator": (
        lambda: reconstruction.GaussianLikelihood(None, IMAGE, 1.0),
        TypeError,
        "A must be an operator with adjoint, got NoneType",
    ),
    "measurement of another shape": (
        lambda: reconstruction.GaussianLikelihood(
            operators.Identity((8, 8)), torch.zeros(7, 7), 1.0
        ).score(IMAGE),
        ValueError,
        r"y must have the shape of A x, \(3, 8, 8\), got \(7, 7\)",
    ),
    "training of no model": (
        lambda: run(model="abc"),
        TypeError,
        "model must be a torch.nn.Module, got str",
    ),
    "training from a seed": (
        lambda: run(generator=5),
        TypeError,
        "generator must be a torch.Generator, got int",
    ),
    "training on a constant": (
        lambda: run(lambda model, generator: torch.tensor(1.0)),
        ValueError,
        "objective must depend on the model, got a constant",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_wrong_arguments_are_named(case: str) -> None:
    call: Callable[[], object]
    call, error, words = CASES[case]
    with pytest.raises(error, match=words):
        call()


def test_a_checkpoint_that_lacks_parts_is_refused(tmp_path: Path) -> None:
    run(checkpoint=tmp_path / "whole")
    state = torch.load(tmp_path / "whole", weights_only=True)
    del state["optimizer"], state["step"]
    torch.save(state, tmp_path / "part")
    with pytest.raises(ValueError, match=r"cannot be read.*it lacks optimizer, step"):
        run(checkpoint=tmp_path / "part")


def test_a_pixel_in_no_patch_stays_as_it_is() -> None:
    y = torch.rand(8, 8, generator=torch.Generator().manual_seed(0))
    some = CUT.keep(slice(0, 1), slice(0, 1))
    x = reconstruction.denoise_patches(y, 0.5, patch_score=uphill, patches=some)
    torch.testing.assert_close(x[:3, :3], 0.75 * y[:3, :3])
    assert torch.equal(x[3:], y[3:]) and torch.equal(x[:, 3:], y[:, 3:])
