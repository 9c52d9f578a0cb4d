"""`lessons_lib.reconstruction`: exact Gaussian answers, and baselines at their best."""

import sys

import pytest
import torch
from matrices import Matrix

from lessons_lib.metrics import psnr
from lessons_lib.operators import Identity
from lessons_lib.patches import Patches
from lessons_lib.phantoms import disks, photograph
from lessons_lib.reconstruction import (
    GaussianLikelihood,
    denoise_bm3d,
    denoise_patches,
    denoise_regions,
    denoise_tv,
)
from lessons_lib.reconstruction.regions import level_regions

torch.set_num_threads(1)

SIGMA = 25 / 255


def randn(*shape, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=g)


def clean_and_noisy():
    x = photograph("camera")[60:124, 200:264]
    return x, x + SIGMA * randn(64, 64)


def gaussian_score(mean, variance):
    def score(v, sigma):
        sigma = torch.as_tensor(sigma, dtype=v.dtype)
        level = sigma[..., None] if sigma.ndim else sigma
        return -(v - mean) / (variance + level**2)

    return score


@pytest.mark.parametrize("wrap", [False, True])
def test_white_gaussian_patches_give_the_wiener_answer(wrap):
    """Averaging denoisers divides the overlap out: the exact answer, at the border too."""
    y, mean, variance, sigma = randn(2, 9, 8), 0.3, 2.0, 0.7
    x = denoise_patches(
        y, sigma, patch_score=gaussian_score(mean, variance), patches=Patches((9, 8), 3, wrap=wrap)
    )
    wiener = mean + variance / (variance + sigma**2) * (y - mean)
    torch.testing.assert_close(x, wiener, rtol=0, atol=1e-14)


def test_denoised_patches_are_averaged_where_they_overlap():
    """The one-line formula against the words: denoise each patch, sum, divide by the count."""
    patches, y = Patches((9, 8), 3), randn(2, 9, 8)

    def s(v, sigma):
        return -torch.tanh(v).roll(1, -1)

    each = patches(y) + SIGMA**2 * s(patches(y), SIGMA)
    x = denoise_patches(y, SIGMA, patch_score=s, patches=patches, chunk=10)
    torch.testing.assert_close(x, patches.adjoint(each) / patches.multiplicity)


def test_patches_denoise_a_batch_with_a_noise_level_for_each_image():
    patches, y = Patches((9, 8), 3), randn(2, 9, 8)
    score = gaussian_score(0.0, 1.0)
    sigma = torch.tensor([0.5, 2.0], dtype=torch.float64)
    x = denoise_patches(y, sigma, patch_score=score, patches=patches)
    torch.testing.assert_close(x, y / (1 + sigma**2)[:, None, None])


def test_float32_stays_float32():
    y = randn(2, 12, 12).float()
    patches = Patches((12, 12), 3)
    assert denoise_patches(y, 0.1, patch_score=lambda v, s: -v, patches=patches).dtype == y.dtype
    assert denoise_tv(y, 0.1).dtype == y.dtype


def test_oracle_tv_is_the_best_of_a_fine_grid():
    x, y = clean_and_noisy()
    best = psnr(denoise_tv(y, SIGMA, reference=x), x, data_range=1.0)
    grid = [
        psnr(denoise_tv(y, SIGMA, weight=w * SIGMA), x, data_range=1.0)
        for w in torch.linspace(0.3, 2.0, 35).tolist()
    ]
    assert best > max(grid) - 0.01
    assert best > psnr(y, x, data_range=1.0) + 5


def test_oracle_tv_finds_its_weight_from_a_start_that_is_far_too_small():
    """The climb does not depend on where it starts: the true noise is eight times the claimed."""
    x, y = clean_and_noisy()
    near = psnr(denoise_tv(y, SIGMA, reference=x), x, data_range=1.0)
    far = psnr(denoise_tv(y, SIGMA / 8, reference=x), x, data_range=1.0)
    assert abs(float(near - far)) < 0.01


def test_tv_keeps_a_constant_and_follows_a_change_of_units():
    flat = torch.full((12, 12), 0.4, dtype=torch.float64)
    torch.testing.assert_close(denoise_tv(flat, 0.1), flat)
    _, y = clean_and_noisy()
    torch.testing.assert_close(
        denoise_tv(255 * y, 255 * SIGMA), 255 * denoise_tv(y, SIGMA), rtol=1e-6, atol=1e-6
    )


def test_tv_tunes_each_image_of_a_batch():
    x, y = clean_and_noisy()
    smooth = torch.full_like(x, 0.5)
    noisy = torch.stack([y, smooth + (y - x)])
    truth = torch.stack([x, smooth])
    both = denoise_tv(noisy, SIGMA, reference=truth)
    for k in range(2):
        torch.testing.assert_close(both[k], denoise_tv(noisy[k], SIGMA, reference=truth[k]))


def test_a_region_gets_the_mean_of_its_noisy_pixels():
    """Two grey halves far apart: nearly all of each becomes one value, the mean of the noisy."""
    truth = torch.zeros(16, 16, dtype=torch.float64)
    truth[:, 8:] = 1.0
    y = truth + 0.02 * randn(16, 16, seed=3)
    x = denoise_regions(y, 0.02)
    for half in (slice(0, 8), slice(8, 16)):
        same = x[:, half] == x[8, half][4]
        assert same.double().mean() > 0.75
        torch.testing.assert_close(x[8, half][4], y[:, half][same].mean())


def test_flat_pixels_that_touch_are_one_region_and_few_are_none():
    x = torch.tensor([[0.0, 0.0, 0.0, 1.0, 1.0, 5.0]], dtype=torch.float64).repeat(4, 1)
    x[:, :3] += 0.04 * torch.arange(3)
    y = torch.arange(24, dtype=torch.float64).reshape(4, 6)
    out = level_regions(x, y, 0.1)
    torch.testing.assert_close(out[:, :2], y[:, :2].mean().expand(4, 2))
    torch.testing.assert_close(out[:, 2:], x[:, 2:])  # steps of 0.92 and 4: at edges, all of them
    alone = torch.tensor([[0.0, 9.0, 1.0, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(level_regions(alone, y[:1, :4], 0.1), alone)


def test_oracle_regions_are_tuned_for_each_image_and_beat_total_variation_on_a_cartoon():
    truth = disks(2, size=32, generator=torch.Generator().manual_seed(2))
    noisy = truth + SIGMA * randn(2, 32, 32)
    both = denoise_regions(noisy, SIGMA, reference=truth)
    for k in range(2):
        torch.testing.assert_close(both[k], denoise_regions(noisy[k], SIGMA, reference=truth[k]))
    reached, default, tv = (
        psnr(z, truth, data_range=1.0)
        for z in (both, denoise_regions(noisy, SIGMA), denoise_tv(noisy, SIGMA, reference=truth))
    )
    assert bool((reached >= default).all()) and bool((reached > tv).all())


def test_oracle_bm3d_is_at_least_as_good_as_the_default():
    pytest.importorskip("bm3d")
    x, y = clean_and_noisy()
    default = psnr(denoise_bm3d(y, SIGMA), x, data_range=1.0)
    best = psnr(denoise_bm3d(y, SIGMA, reference=x), x, data_range=1.0)
    other = psnr(denoise_bm3d(y, 2 * SIGMA), x, data_range=1.0)
    assert best >= default > psnr(y, x, data_range=1.0) + 5 and best > other


def test_missing_bm3d_is_explained_with_its_licence(monkeypatch):
    monkeypatch.setitem(sys.modules, "bm3d", None)
    with pytest.raises(ImportError, match=r"pip install bm3d.*non-commercial"):
        denoise_bm3d(torch.zeros(16, 16), 0.1)


@pytest.mark.parametrize("denoise", [denoise_tv, denoise_bm3d])
def test_baselines_refuse_bad_input(denoise):
    y = torch.zeros(16, 16)
    with pytest.raises(ValueError, match="noise_std must be positive"):
        denoise(y, 0.0)
    with pytest.raises(ValueError, match="reference must have shape"):
        denoise(y, 0.1, reference=y[:8])
    with pytest.raises(TypeError, match="floating-point"):
        denoise(y.to(torch.uint8), 0.1)


def test_total_variation_takes_a_weight_or_a_reference():
    y = torch.zeros(16, 16)
    with pytest.raises(ValueError, match="weight or reference, not both"):
        denoise_tv(y, 0.1, weight=0.1, reference=y)
    with pytest.raises(ValueError, match="weight must be positive"):
        denoise_tv(y, 0.1, weight=-1.0)


def test_patch_denoiser_refuses_bad_input():
    patches = Patches((9, 8), 3)
    with pytest.raises(ValueError, match="sigma must be positive"):
        denoise_patches(randn(9, 8), 0.0, patch_score=lambda v, s: v, patches=patches)
    with pytest.raises(ValueError, match="must have shape"):
        denoise_patches(randn(8, 9), 0.1, patch_score=lambda v, s: v, patches=patches)


def test_likelihood_score_is_the_gradient_of_the_log_likelihood():
    M, y, x = randn(4, 6), randn(3, 4, seed=1), randn(3, 6, seed=2).requires_grad_()
    log_lik = -(y - x @ M.T).square().sum() / (2 * 0.3**2)
    (gradient,) = torch.autograd.grad(log_lik, x)
    score = GaussianLikelihood(Matrix(M), y, 0.3).score(x.detach())
    torch.testing.assert_close(score, gradient, rtol=0, atol=1e-12)


def test_posterior_score_vanishes_at_the_wiener_solution():
    """Prior N(0, I), y = M x + noise: (M'M / s^2 + I) x = M'y / s^2."""
    M, y, s = randn(4, 6), randn(4, seed=1), 0.3
    x = torch.linalg.solve(M.T @ M / s**2 + torch.eye(6, dtype=M.dtype), M.T @ y / s**2)
    total = GaussianLikelihood(Matrix(M), y, s).score(x) - x
    torch.testing.assert_close(total, torch.zeros_like(x), rtol=0, atol=1e-12)


def test_likelihood_refuses_bad_input():
    y = torch.zeros(4, 4)
    with pytest.raises(ValueError, match="noise_std must be positive"):
        GaussianLikelihood(Identity((4, 4)), y, 0.0)
    with pytest.raises(ValueError, match="x must have shape"):
        GaussianLikelihood(Identity((4, 4)), y, 1.0).score(torch.zeros(3, 4))
    with pytest.raises(TypeError, match="y must be"):
        GaussianLikelihood(Identity((4, 4)), [0.0], 1.0)
