"""Window and multi-scale denoisers of Gaussian fields, against regressions done another way."""

import math

import pytest
import torch

from lessons_lib.distributions import DenseGaussianField, GaussianField, matern_spectrum
from lessons_lib.priors import haar, inverse_haar, multiscale_denoiser, window_denoiser

STD = 0.7


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def stationary(side=8, length=3.0):
    field = GaussianField(matern_spectrum((side, side), length=length, order=2))
    return DenseGaussianField(torch.zeros(side, side, dtype=torch.float64), field.matrix), field


def uneven(side=4):
    root = torch.randn(side**2, side**2, generator=seeded(1), dtype=torch.float64)
    cov = root @ root.T / side**2 + 0.1 * torch.eye(side**2, dtype=torch.float64)
    return DenseGaussianField(torch.zeros(side, side, dtype=torch.float64), cov)


def test_haar_is_orthonormal_and_its_inverse_undoes_it():
    x = torch.randn(3, 2, 6, 8, generator=seeded(), dtype=torch.float64)
    coarse, details = haar(x)
    assert coarse.shape == (3, 2, 3, 4) and details.shape == (3, 2, 3, 3, 4)
    norm = coarse.square().sum((-2, -1)) + details.square().sum((-3, -2, -1))
    torch.testing.assert_close(norm, x.square().sum((-2, -1)))
    torch.testing.assert_close(inverse_haar(coarse, details), x)


def test_haar_agrees_with_a_block_done_by_hand():
    coarse, details = haar(torch.tensor([[1.0, 2.0], [4.0, 8.0]], dtype=torch.float64))
    assert coarse.tolist() == [[7.5]]
    assert details.flatten().tolist() == [-2.5, -4.5, 1.5]  # across, down, along the diagonal


@pytest.mark.parametrize("know_place", [True, False])
def test_a_window_as_large_as_the_image_is_wiener(know_place):
    dense, field = stationary(side=7)
    D = window_denoiser(dense, 7, STD, know_place=know_place)
    assert dense.denoising_error(STD, D) == pytest.approx(field.denoising_error(STD), rel=1e-9)


def test_a_window_of_one_pixel_scales_it():
    dense, _ = stationary()
    D = window_denoiser(dense, 1, STD)
    torch.testing.assert_close(D, torch.eye(64, dtype=torch.float64) / (1 + STD**2))


def test_where_all_places_are_alike_knowing_the_place_is_worth_nothing():
    dense, _ = stationary()
    for num_scales in (1, 2):
        one, other = (
            multiscale_denoiser(dense, 3, STD, num_scales=num_scales, know_place=know)
            for know in (True, False)
        )
        torch.testing.assert_close(one, other)


def test_in_an_uneven_field_each_window_has_the_regression_that_samples_give():
    field = uneven()
    D = window_denoiser(field, 3, STD)
    x = field.sample(200_000, seeded(2))
    y = x + STD * torch.randn(x.shape, generator=seeded(3), dtype=torch.float64)
    rows, cols = torch.tensor([0, 1, 2]), torch.tensor([1, 2, 3])  # around pixel (1, 2)
    window = y[:, rows[:, None], cols].flatten(1)
    best = torch.linalg.lstsq(window, x[:, 1, 2, None]).solution[:, 0]
    found = D[1 * 4 + 2].view(4, 4)[rows[:, None], cols].flatten()
    torch.testing.assert_close(found, best, atol=0.01, rtol=0)
    assert int((D[6] != 0).sum()) == 9  # and sees nothing beyond


def test_the_blind_window_is_the_best_of_all_filters_that_serve_all_places():
    field = uneven()
    D = window_denoiser(field, 3, STD, know_place=False)
    least = field.denoising_error(STD, D)
    assert least > field.denoising_error(STD, window_denoiser(field, 3, STD))
    filter_ = D[0].view(4, 4)
    for k in range(5):
        other = filter_ + 1e-3 * (filter_ != 0) * torch.randn(4, 4, generator=seeded(k)).double()
        moved = [other.roll((i, j), (0, 1)).flatten() for i in range(4) for j in range(4)]
        assert field.denoising_error(STD, torch.stack(moved)) > least


def test_two_scales_with_the_largest_window_are_the_two_regressions():
    """Coarse given coarse, then details given the noisy details and the denoised coarse image."""
    field = uneven(side=6)
    eye = torch.eye(36, dtype=torch.float64)
    low, bands = haar(eye.view(36, 6, 6))
    low, bands = low.flatten(1).T, bands.flatten(1).T  # (9, 36), (27, 36)
    cov, noisy = field.matrix, field.matrix + STD**2 * eye
    guess = low @ cov @ low.T @ torch.linalg.inv(low @ noisy @ low.T) @ low
    seen = torch.cat([guess, bands])
    details = bands @ cov @ seen.T @ torch.linalg.inv(seen @ noisy @ seen.T) @ seen
    wanted = low.T @ guess + bands.T @ details
    torch.testing.assert_close(multiscale_denoiser(field, 3, STD, num_scales=2), wanted)


def test_two_scales_reach_what_one_scale_with_the_same_window_cannot():
    dense, field = stationary(side=16, length=8.0)
    limit = field.denoising_error(1.0)
    one, two = (
        10 * math.log10(dense.denoising_error(1.0, D) / limit)
        for D in (window_denoiser(dense, 3, 1.0), multiscale_denoiser(dense, 3, 1.0, num_scales=2))
    )
    assert 0 < two < one / 3


def test_bad_input_is_refused_by_name():
    dense, _ = stationary()
    for size in (2, 9):
        with pytest.raises(ValueError, match="patch_size"):
            window_denoiser(dense, size, STD)
    with pytest.raises(ValueError, match="num_scales"):
        multiscale_denoiser(dense, 3, STD, num_scales=0)
    with pytest.raises(ValueError, match="patch_size"):
        multiscale_denoiser(dense, 3, STD, num_scales=3)  # two pixels a side
    with pytest.raises(ValueError, match="noise_std"):
        window_denoiser(dense, 3, 0.0)
    with pytest.raises(ValueError, match="even sides"):
        haar(torch.zeros(3, 4))
    with pytest.raises(ValueError, match="details"):
        inverse_haar(torch.zeros(2, 2), torch.zeros(2, 2, 2))
