"""What the list of image maps does not reach: gradients on request, counts, sizes, single cases."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from image_maps import BLUR, COMPLEX, CUT, F64, field, net, pictures, rectangle
from test_image_maps import X, same, saved

from lessons_lib import distributions, networks, operators, patches, phantoms, samplers, schedules
from lessons_lib.metrics import psnr
from lessons_lib.reconstruction import (
    GaussianLikelihood,
    denoise_bm3d,
    denoise_patches,
    denoise_tv,
    half_quadratic,
    map_ascent,
    tv,
)

torch.set_num_threads(1)


def test_a_posterior_of_one_image_follows_its_unit_and_keeps_no_graph() -> None:
    x = X[0].clone().requires_grad_()
    mean = rectangle(x, 1.0)
    assert not mean.requires_grad
    same(rectangle(255 * x, 255.0), 255 * mean, 1e-6)
    same(rectangle(x, np.float32(1.0)), mean, 1e-6)


@pytest.mark.parametrize("make", [np.asarray, lambda v: np.asarray(v)[::-1][::-1], torch.tensor])
def test_levels_of_images_are_not_given_to_patches(make: type) -> None:
    """Four levels for four images whose patches have four pixels: every shape would fit."""
    levels, y = [0.1, 0.2, 0.3, 0.4], pictures(4)
    cut = patches.Patches(y.shape[1:], 2)

    def white(v: torch.Tensor, sigma: object) -> torch.Tensor:
        sigma = torch.as_tensor(sigma, dtype=v.dtype)
        return -v / (1 + (sigma[..., None] if sigma.ndim else sigma) ** 2)

    wanted = torch.stack([cut.aggregate(white, *pair) for pair in zip(y, levels, strict=True)])
    same(cut.aggregate(white, y, make(levels)), wanted, 1e-6)
    denoised = denoise_patches(y, make(levels), patch_score=white, patches=cut)
    same(denoised[3], y[3] / (1 + 0.4**2), 1e-6)


def test_a_score_hears_of_its_level_as_a_float_or_like_its_points() -> None:
    heard = []

    def score(x: torch.Tensor, sigma: object) -> torch.Tensor:
        heard.append(sigma)
        return -x.double()

    x = torch.ones(2, 3)
    for sigma in (np.float32(0.5), np.array(0.5), 1, np.full(2, 0.5)):
        (state,) = samplers.langevin(score, x, step=0.1, num_steps=1, sigma=sigma)
        assert state.dtype == torch.float32
    assert [type(sigma) for sigma in heard] == [float, float, float, torch.Tensor]
    assert heard[3].dtype == torch.float32 and heard[3].shape == (2,)


def test_a_score_may_be_a_derivative_by_autograd() -> None:
    """Algorithms run without gradients; a score that needs them for itself is still served."""
    made = field(1.0)

    def by_autograd(x: torch.Tensor, sigma: object) -> torch.Tensor:
        x = x.clone().requires_grad_()
        return torch.autograd.grad(made.log_prob(x, sigma).sum(), x)[0]

    levels = torch.tensor([0.5, 0.2, 0.1])
    one, two = (
        samplers.last(samplers.probability_flow(score, X, levels))
        for score in (made.score, by_autograd)
    )
    same(two, one, 1e-10)
    with pytest.raises(RuntimeError, match="of its own"):
        samplers.last(samplers.probability_flow(_broken, X, levels))


def _broken(x: torch.Tensor, sigma: object) -> torch.Tensor:
    raise RuntimeError("of its own")


LEVELS = torch.tensor([0.5, 0.2, 0.1], dtype=F64)
BLURRED = GaussianLikelihood(BLUR, BLUR(X), 0.1)
DIFFERENTIABLE = {
    "denoise_patches": lambda score, x, **how: denoise_patches(
        x, 0.3, patch_score=lambda v, s: score(v, s), patches=CUT, **how),
    "probability_flow": lambda score, x, **how: samplers.last(
        samplers.probability_flow(score, x, LEVELS, **how)),
    "multistep": lambda score, x, **how: samplers.last(
        samplers.multistep(score, x, LEVELS, **how)),
    "map_ascent": lambda score, x, **how: samplers.last(
        map_ascent(score, BLURRED, x, sigma=0.3, num_steps=2, **how)),
    "half_quadratic": lambda score, x, **how: samplers.last(
        half_quadratic(score, BLURRED, x, LEVELS, **how)),
}  # fmt: skip


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_a_gradient_runs_through_an_algorithm_that_is_asked(name: str) -> None:
    """Against a difference quotient, in a weight of the score and in the starting image."""
    run, away = DIFFERENTIABLE[name], torch.cos(X)

    def error(weight: torch.Tensor, x: torch.Tensor, **how: bool) -> torch.Tensor:
        return (run(lambda v, s: -weight * torch.tanh(v), x, **how) * away).sum()

    weight, x = torch.tensor(1.3, dtype=F64, requires_grad=True), X.clone().requires_grad_()
    slopes = torch.autograd.grad(error(weight, x, differentiable=True), (weight, x))
    h = 1e-5
    by_weight = (error(weight + h, x) - error(weight - h, x)) / (2 * h)
    by_image = (error(weight, x + h * away) - error(weight, x - h * away)) / (2 * h)
    assert abs(float(slopes[0] - by_weight)) < 1e-6 * (1 + abs(float(by_weight)))
    assert abs(float((slopes[1] * away).sum() - by_image)) < 1e-6 * (1 + abs(float(by_image)))
    assert saved(lambda: error(weight, X))[0] <= 1  # the mean at the end, and no more


def test_chunks_keep_the_memory_of_a_learned_denoiser_bounded() -> None:
    """Nothing is kept from one chunk to the next; asked for gradients, all of it is."""
    score = net(1.0)

    def kept(differentiable: bool) -> int:
        options = {"patch_score": score, "patches": CUT, "chunk": 10}
        return saved(lambda: denoise_patches(X, 0.1, differentiable=differentiable, **options))[0]

    assert kept(False) == 0 and kept(True) > 100


COUNTS = {
    "langevin": lambda k: list(samplers.langevin(lambda x, s: -x, X, step=0.1, num_steps=k)),
    "geometric": lambda k: schedules.geometric(1.0, 0.1, k + 1),
    "Patches": lambda k: patches.Patches((k + 5, k + 6), k)(torch.ones(k + 5, k + 6)),
    "patch of two sides": lambda k: patches.Patches((9, 9), (k, k + 1))(torch.ones(9, 9)),
    "disks": lambda k: phantoms.disks(k, size=k + 6, generator=torch.Generator().manual_seed(0)),
    "mlp": lambda k: networks.mlp((k, k, k))(torch.ones(1, int(k))).detach(),
    "UNet": lambda k: networks.UNet((k,))(torch.ones(1, 2, 4, 4)).detach(),
    "ParallelBeam": lambda k: operators.ParallelBeam((k, k), torch.zeros(1))(torch.ones(k, k)),
    "random_lines": lambda k: operators.random_lines((k + 3, k), k, centre=k).double(),
    "gaussian_kernel": lambda k: operators.gaussian_kernel(1.0, radius=k),
    "sample": lambda k: field(1.0).sample(k, torch.Generator().manual_seed(0)),
    "patch_marginal": lambda k: field(1.0).patch_marginal(k).cov,
    "fit_mixture": lambda k: [m.means for m in distributions.fit_mixture(
        X.flatten(1)[:, :2].repeat(4, 1), k, num_steps=k, floor=0.1)],
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("make", [np.int64, np.array, torch.tensor])
def test_counts_of_every_make_are_the_same_count(name: str, make: type) -> None:
    found, wanted = COUNTS[name](make(2)), COUNTS[name](2)
    torch.testing.assert_close(found, wanted, rtol=0, atol=0)


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("count", [2.0, np.float64(2.0)])
def test_what_is_no_count_is_refused(name: str, count: float) -> None:
    with pytest.raises((TypeError, ValueError), match="integer"):
        COUNTS[name](count)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1)])
def test_total_variation_of_almost_nothing(shape: tuple[int, int]) -> None:
    y = torch.rand(2, *shape, dtype=F64, generator=torch.Generator().manual_seed(0))
    x = tv(GaussianLikelihood(operators.Identity(shape), y, 0.1), num_steps=2000)
    same(denoise_tv(y, 0.1), x, 1e-2)
    zero = tv(GaussianLikelihood(operators.Identity(shape), 0 * y, 0.1))
    assert torch.equal(zero, 0 * y)


def test_total_variation_of_complex_images_turns_with_their_phase() -> None:
    y = COMPLEX(X)
    x, turned = (tv(GaussianLikelihood(COMPLEX, k * y, 0.05), num_steps=60) for k in (1, 1j))
    assert x.is_complex()
    same(turned.imag + x.imag, x.real + x.imag, 1e-9)
    with pytest.raises(TypeError, match=r"y must have a floating-point dtype, got torch\.complex"):
        tv(GaussianLikelihood(operators.Identity(X.shape[1:]), X + 1j, 0.05))


@pytest.mark.parametrize("shape", [(8, 8), (8, 30), (30, 5)])
def test_bm3d_names_its_least_size(shape: tuple[int, int]) -> None:
    pytest.importorskip("bm3d")
    with pytest.raises(ValueError, match=rf"at least 9 pixels high and wide, got \({shape[0]}, "):
        denoise_bm3d(torch.zeros(shape), 0.1)


@pytest.mark.parametrize("method", ["plain", "at its best"])
def test_bm3d_is_as_good_in_small_units(method: str) -> None:
    pytest.importorskip("bm3d")
    clean = pictures(1)[0].cumsum(-1) / 12
    noise = torch.randn(clean.shape, dtype=F64, generator=torch.Generator().manual_seed(0))

    def decibels(k: float) -> float:
        how = {} if method == "plain" else {"reference": k * clean}
        x = denoise_bm3d(k * (clean + 0.1 * noise), 0.1 * k, **how)
        return float(psnr(x, k * clean, data_range=k))

    assert decibels(1e-5) == pytest.approx(decibels(1.0), abs=0.05)
