"""`lessons_lib.metrics` against closed forms."""

import math

import pytest
import torch

from lessons_lib.metrics import curl, fisher_divergence, psnr, ssim

torch.set_num_threads(1)


def images(*shape, seed=0):
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def gaussian(mean, variance):
    return lambda x, sigma: -(x - mean) / (variance + sigma**2)


def test_psnr_of_a_known_error():
    x = images(3, 16, 20)
    value = psnr(x + 0.1, x, data_range=1.0)
    assert value.shape == (3,)
    torch.testing.assert_close(value, torch.full((3,), 20.0, dtype=torch.float64))


def test_psnr_of_white_noise_is_minus_20_log10_sigma():
    g = torch.Generator().manual_seed(1)
    x, sigma = images(256, 256), 25 / 255
    y = x + sigma * torch.randn(256, 256, generator=g, dtype=x.dtype)
    assert abs(float(psnr(y, x, data_range=1.0)) + 20 * math.log10(sigma)) < 0.05


def test_psnr_scales_with_the_data_range():
    x, y = images(16, 16), images(16, 16, seed=1)
    torch.testing.assert_close(psnr(255 * x, 255 * y, data_range=255.0), psnr(x, y, data_range=1.0))
    torch.testing.assert_close(
        psnr(x, y, data_range=10.0) - psnr(x, y, data_range=1.0),
        torch.tensor(20.0, dtype=torch.float64),
    )


def test_psnr_of_equal_images_is_infinite():
    x = images(8, 8)
    assert torch.isinf(psnr(x, x, data_range=1.0))


def test_metrics_agree_with_scikit_image():
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    x, y = images(2, 24, 31), images(2, 24, 31, seed=1)
    for k in range(2):
        ours = psnr(x, y, data_range=1.0)[k]
        assert math.isclose(
            ours, peak_signal_noise_ratio(y[k].numpy(), x[k].numpy(), data_range=1.0)
        )
        theirs = structural_similarity(
            x[k].numpy(),
            y[k].numpy(),
            data_range=1.0,
            gaussian_weights=True,
            use_sample_covariance=False,
        )
        assert math.isclose(ssim(x, y, data_range=1.0)[k], theirs, rel_tol=1e-12)


def test_ssim_of_flat_images_is_the_luminance_term():
    a, b, c1 = 0.7, 0.4, 0.01**2
    x, y = (torch.full((16, 16), v, dtype=torch.float64) for v in (a, b))
    wanted = (2 * a * b + c1) / (a**2 + b**2 + c1)
    assert math.isclose(ssim(x, y, data_range=1.0), wanted, rel_tol=1e-9)
    assert math.isclose(ssim(x, x, data_range=1.0), 1.0, rel_tol=1e-12)


def test_ssim_broadcasts_a_reference_over_a_batch():
    x, reference = images(2, 3, 16, 16), images(16, 16, seed=1)
    assert ssim(x, reference, data_range=1.0).shape == (2, 3)
    assert psnr(x, reference, data_range=1.0).shape == (2, 3)


def test_fisher_divergence_of_two_gaussians():
    """1/2 E (a x)^2 with a the difference of precisions, for x ~ N(0, 4)."""
    x = 2 * torch.randn(200_000, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    value = fisher_divergence(gaussian(0, 4.0), gaussian(0, 1.0), x)
    wanted = 0.5 * (1 - 1 / 4) ** 2 * 4
    assert abs(float(value) - wanted) < 0.01
    shifted = fisher_divergence(gaussian(1.0, 1.0), gaussian(0, 1.0), x)
    assert math.isclose(shifted, 0.5, rel_tol=1e-12)  # a constant difference of 1


def test_fisher_divergence_is_the_rate_at_which_kl_falls():
    """de Bruijn: d KL / d(sigma^2) = -F for N(0, a) and N(0, b), by central difference."""
    a, b, h = 2.0, 0.5, 1e-4

    def kl(t):
        r = (a + t) / (b + t)
        return 0.5 * (r - 1 - math.log(r))

    rate = (kl(1 + h) - kl(1 - h)) / (2 * h)
    nodes = torch.tensor([[-math.sqrt(a + 1.0)], [math.sqrt(a + 1.0)]], dtype=torch.float64)
    exact = fisher_divergence(gaussian(0, a), gaussian(0, b), nodes, sigma=1.0)  # E x^2 is exact
    assert math.isclose(-rate, exact, rel_tol=1e-7)


def test_fisher_divergence_sums_over_coordinates():
    x = images(5, 7, 3)
    value = fisher_divergence(lambda x, s: 0 * x, lambda x, s: 0 * x + 1, x)
    assert math.isclose(value, 1.5)


def test_curl_of_a_gradient_is_zero_and_of_a_rotation_is_its_angular_rate():
    x = images(4, 5, 2)
    turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=x.dtype)
    assert curl(lambda x, s: -x / (1 + s**2), x, sigma=0.5).abs().max() == 0
    assert curl(gaussian(0, 1.0), x).shape == (4, 5)
    torch.testing.assert_close(
        curl(lambda x, s: 3.0 * x @ turn.T, x), torch.full((4, 5), 6.0, dtype=x.dtype)
    )


def test_curl_in_three_dimensions_is_the_length_of_the_ordinary_curl():
    x = images(6, 3)

    def field(x, sigma):  # its curl is (x3^2, 0, 2 x1 x2 - 1)
        a, b, c = x.unbind(-1)
        return torch.stack([b, a**2 * b, b * c**2], dim=-1)

    a, b, c = x.unbind(-1)
    wanted = torch.stack([c**2, 0 * a, 2 * a * b - 1], dim=-1).norm(dim=-1)
    torch.testing.assert_close(curl(field, x), wanted)


def test_curl_of_a_constant_field_is_zero():
    assert curl(lambda x, s: torch.ones_like(x), images(3, 2)).abs().max() == 0


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_image_metrics_refuse_bad_input(metric):
    x = images(16, 16)
    with pytest.raises(ValueError, match="data_range"):
        metric(x, x, data_range=0.0)
    with pytest.raises(ValueError, match="x must have shape"):
        metric(x[:12], x, data_range=1.0)
    with pytest.raises(TypeError, match="floating-point"):
        metric(x, x.to(torch.uint8), data_range=1.0)
    with pytest.raises(ValueError, match="finite"):
        metric(x * math.nan, x, data_range=1.0)


def test_ssim_refuses_images_smaller_than_its_window():
    with pytest.raises(ValueError, match="at least 11"):
        ssim(images(8, 8), images(8, 8), data_range=1.0)


def test_scores_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="score_b"):
        fisher_divergence(gaussian(0, 1.0), lambda x, s: x.sum(-1), images(4, 2))
    with pytest.raises(ValueError, match="return the shape of x"):
        curl(lambda x, s: x[..., :1], images(4, 2))
