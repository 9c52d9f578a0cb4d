"""`distributions.rectangle_posterior`: against linearisation, calibration and closed forms."""

import pytest
import torch

from lessons_lib import phantoms
from lessons_lib.distributions import rectangle_posterior

torch.set_num_threads(1)
CLEAR = torch.tensor([8.4, 7.1, 6.4, 7.5, 1.07, 1.12, 0.98], dtype=torch.float64)


def seeded(k=0):
    return torch.Generator().manual_seed(k)


def noisy(parameters, sigma, k):
    x0 = phantoms.draw_rectangles(parameters)
    return x0, x0 + sigma * torch.randn(x0.shape, generator=seeded(k), dtype=x0.dtype)


def test_at_small_noise_it_is_the_projection_on_the_tangent_space():
    sigma = 1e-4
    x0, x = noisy(CLEAR, sigma, 1)
    mean, cov = rectangle_posterior(x, sigma, CLEAR, num_chains=400, generator=seeded(2))
    jacobian = torch.autograd.functional.jacobian(phantoms.draw_rectangles, CLEAR).flatten(0, 1)
    basis = torch.linalg.qr(jacobian).Q  # (256, 7)
    values = torch.linalg.eigvalsh(cov / sigma**2)
    assert (values[-7:] - 1).abs().max() < 0.2 and values[:-7].max() < 1e-3
    wanted = basis @ (basis.T @ (x - x0).flatten())
    assert ((mean - x0).flatten() - wanted).norm() < 0.15 * wanted.norm()


def test_errors_are_as_large_as_the_covariance_says():
    """Calibration over random images: the mean squared error is the mean trace."""
    sigma, ratio = 0.05, []
    for k, p in enumerate(phantoms.rectangle_parameters(20, generator=seeded(3))):
        x0, x = noisy(p, sigma, 100 + k)
        mean, cov = rectangle_posterior(x, sigma, p, num_chains=30, num_steps=60)
        ratio.append((mean - x0).square().sum() / cov.trace())
    ratio = torch.stack(ratio)
    assert abs(float(ratio.mean()) - 1) < 4 * float(ratio.std()) / 20**0.5
    assert ratio.std() < 1.5


def test_without_contrast_the_level_is_found_by_averaging():
    """Equal levels and narrow priors: the posterior variance is that of a constant image."""
    p = CLEAR.clone()
    p[5:] = 1.0
    _, x = noisy(p, 1.0, 5)
    levels = {"background": (1.0, 1e-6), "foreground": (1.0, 1e-6)}
    mean, cov = rectangle_posterior(x, 1.0, p, num_steps=30, **levels)
    torch.testing.assert_close(mean, torch.ones(16, 16).double(), rtol=0, atol=1e-5)
    assert cov.trace() < 1e-8


def test_same_generator_same_answer_and_other_sizes():
    p = phantoms.rectangle_parameters(1, size=12, generator=seeded(6))[0]
    x = phantoms.draw_rectangles(p, size=12)
    a, b = (rectangle_posterior(x, 0.02, p, num_steps=12, generator=seeded(7)) for _ in range(2))
    assert torch.equal(a[0], b[0]) and a[0].shape == (12, 12) and a[1].shape == (144, 144)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": torch.zeros(4, 5)}, "x must have shape"),
        ({"sigma": 0.0}, "sigma must be positive"),
        ({"start": CLEAR[:5]}, "start must have shape"),
        ({"start": CLEAR + 20}, "start must be inside the prior"),
        ({"num_steps": 2}, "num_steps must be an integer of at least 3, got 2"),
        ({"num_chains": 1}, "num_chains must be an integer of at least 2, got 1"),
    ],
)
def test_bad_input_is_named(change, message):
    good = {"x": torch.ones(16, 16), "sigma": 0.1, "start": CLEAR}
    with pytest.raises(ValueError, match=message):
        rectangle_posterior(**good | change)
