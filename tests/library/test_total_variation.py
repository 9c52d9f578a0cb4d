"""`reconstruction.tv`: the minimiser, certified by duality; for denoising it is Chambolle's."""

import pytest
import torch
from matrices import Matrix
from skimage.restoration import denoise_tv_chambolle

from lessons_lib.metrics import psnr
from lessons_lib.operators import Identity, MaskedFourier, measure, random_lines
from lessons_lib.phantoms import disks, photograph
from lessons_lib.reconstruction import GaussianLikelihood, tv
from lessons_lib.reconstruction.total_variation import Descent, divergence, gradient, length

torch.set_num_threads(1)

SIGMA = 25 / 255
CAMERA = photograph("camera")[60:124, 200:264]


def g(seed):
    return torch.Generator().manual_seed(seed)


def noisy():
    return measure(Identity((64, 64)), CAMERA, SIGMA, generator=g(1))


def scanned(num=1, noise_std=0.01):
    x0 = disks(num, size=32, generator=g(2))
    A = MaskedFourier(random_lines((32, 32), 16, centre=4, generator=g(3)))
    return x0, GaussianLikelihood(A, measure(A, x0, noise_std, generator=g(4)), noise_std)


def test_gradient_has_an_exact_adjoint_and_norm_below_the_root_of_eight():
    x = torch.randn(2, 5, 7, dtype=torch.float64, generator=g(0))
    u = torch.randn(2, 2, 5, 7, dtype=torch.float64, generator=g(1))
    torch.testing.assert_close((gradient(x) * u).sum(), (x * divergence(u)).sum())
    for _ in range(50):
        x = divergence(gradient(x / x.norm()))
    assert 7 < float(x.norm()) < 8


def test_denoising_equals_chambolle():
    """The same minimiser: both converge to it, from different directions."""
    for weight in (0.3 * SIGMA, SIGMA):
        options = {"weight": weight, "num_steps": 2000}
        x = tv(GaussianLikelihood(Identity((64, 64)), noisy(), SIGMA), **options)
        options = {"weight": weight, "eps": 1e-10, "max_num_iter": 10_000}
        chambolle = torch.as_tensor(denoise_tv_chambolle(noisy().numpy(), **options))
        assert float((x - chambolle).abs().max()) < 2e-3
        assert float((x - chambolle).square().mean().sqrt()) < 2e-4
        assert float((x - noisy()).square().mean().sqrt()) > 0.02


def test_duality_gap_closes():
    """1/2 ||x - y||^2 + w TV(x) >= <y, D'u> - 1/2 ||D'u||^2 for |u| <= w; equal at the optimum."""
    y, weight = noisy(), 0.8 * SIGMA
    descent, gaps = Descent(Identity((64, 64)), y, 1.0, 10), []
    for num_steps in (100, 400, 1500):
        x = descent.run(weight, num_steps)
        primal = 0.5 * (x - y).square().sum() + weight * length(gradient(x)).sum()
        assert float(length(descent.u).max()) <= weight * (1 + 1e-12)
        force = divergence(descent.u)
        dual = (y * force).sum() - 0.5 * force.square().sum()
        gaps.append(float((primal - dual) / primal))
    assert 0 <= gaps[2] < gaps[1] < gaps[0] and gaps[2] < 1e-4


def test_optimality_for_fourier_data():
    """A'(A x - y) + D'u = 0 and <u, D x> = w TV(x): no other image has a lower value."""
    _, likelihood = scanned()
    A, y, weight = likelihood.A, likelihood.y[0], 0.003
    descent = Descent(A, y, 1.0, 10)
    x = descent.run(weight, 2000)
    stationary = A.adjoint(A(x) - y) + divergence(descent.u)
    assert float(stationary.norm() / A.adjoint(A(x) - y).norm()) < 1e-3
    steps = length(gradient(x)).sum() * weight
    assert abs(float((descent.u * gradient(x)).sum() / steps) - 1) < 1e-3


def test_default_number_of_steps_is_enough():
    x0, likelihood = scanned(2)
    short, long = (tv(likelihood, weight=0.003, num_steps=k) for k in (500, 2500))
    assert (
        float((psnr(short, x0, data_range=1.0) - psnr(long, x0, data_range=1.0)).abs().max()) < 0.2
    )


def test_oracle_is_the_best_of_a_grid():
    x0, likelihood = scanned(2)
    best = psnr(tv(likelihood, reference=x0), x0, data_range=1.0)
    grid = [
        psnr(tv(likelihood, weight=w * 0.01), x0, data_range=1.0)
        for w in (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
    ]
    assert bool((best > torch.stack(grid).max(0).values - 0.05).all())
    zero_filled = likelihood.A.adjoint(likelihood.y)
    assert bool((best > psnr(zero_filled, x0, data_range=1.0) + 5).all())


def test_a_constant_is_kept_and_units_may_change():
    flat = torch.full((12, 12), 0.4, dtype=torch.float64)
    for k in (1.0, 255.0):
        x = tv(GaussianLikelihood(Identity((12, 12)), k * flat, 0.1 * k))
        torch.testing.assert_close(x, k * flat, rtol=1e-6, atol=1e-6 * k)
    one = tv(GaussianLikelihood(Identity((64, 64)), noisy(), SIGMA))
    other = tv(GaussianLikelihood(Identity((64, 64)), 255 * noisy(), 255 * SIGMA))
    torch.testing.assert_close(other, 255 * one, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"weight": 0.1, "reference": CAMERA}, ValueError, "weight or reference, not both"),
        ({"weight": -1.0}, ValueError, "weight must be positive"),
        ({"reference": CAMERA[:8]}, ValueError, "reference must have shape"),
        ({"num_steps": 0}, ValueError, "num_steps must be a positive integer"),
    ],
)
def test_bad_settings_are_named(options, error, words):
    with pytest.raises(error, match=words):
        tv(GaussianLikelihood(Identity((64, 64)), noisy(), SIGMA), **options)


def test_only_images_are_reconstructed():
    vector = GaussianLikelihood(Matrix(torch.eye(4)), torch.zeros(4), 1.0)
    with pytest.raises(ValueError, match=r"A must act on images \(H, W\), got in_shape \(4,\)"):
        tv(vector)
    with pytest.raises(TypeError, match="likelihood must be a GaussianLikelihood"):
        tv(torch.zeros(4, 4))
