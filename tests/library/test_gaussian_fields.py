"""Gaussian fields against dense algebra, autograd, moments of samples, and each other."""

import math

import pytest
import torch

from lessons_lib.distributions import DenseGaussianField, Gaussian, GaussianField, matern_spectrum
from lessons_lib.patches import Patches

torch.set_num_threads(1)
F64 = torch.float64
H, W = 6, 5


def seeded(k=0):
    return torch.Generator().manual_seed(k)


def image(*shape, seed=1):
    return torch.randn(*shape, dtype=F64, generator=seeded(seed))


def periodic():
    """Neither isotropic nor symmetric under a flip of one axis, with a mean image."""
    bump = image(H, W, seed=5)
    power = torch.fft.fft2(bump).abs().square() / (H * W)
    return GaussianField(power + 0.2, mean=image(H, W, seed=6))


def dense_twin(field):
    """The same density from its covariance matrix, written out pixel by pixel."""
    c = field.covariance
    cov = torch.stack([c.roll((i, j), (0, 1)).flatten() for i in range(H) for j in range(W)])
    return DenseGaussianField(field.mean.expand(H, W), cov)


def rough():
    root = image(H * W, H * W, seed=7) / 5
    return DenseGaussianField(image(H, W, seed=8), root @ root.T + 0.1 * torch.eye(H * W).double())


FIELDS = {"periodic": periodic(), "periodic, dense": dense_twin(periodic()), "dense": rough()}
every = pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS.keys())


@every
@pytest.mark.parametrize("sigma", [0.0, 0.4, 3.0])
def test_score_is_the_gradient_of_log_prob(field, sigma):
    x = image(3, H, W).requires_grad_()
    (gradient,) = torch.autograd.grad(field.log_prob(x, sigma).sum(), x)
    torch.testing.assert_close(field.score(x, sigma), gradient, rtol=0, atol=1e-12)


@every
@pytest.mark.parametrize("sigma", [0.0, 0.4])
def test_density_is_that_of_the_flat_normal(field, sigma):
    x, flat = image(2, 3, H, W), Gaussian(field.mean.expand(H, W).flatten(), field.matrix)
    torch.testing.assert_close(field.log_prob(x, sigma), flat.log_prob(x.flatten(-2), sigma))
    wanted = flat.score(x.flatten(-2), sigma).unflatten(-1, (H, W))
    torch.testing.assert_close(field.score(x, sigma), wanted)


def test_periodic_field_is_its_circulant_matrix():
    field, twin = FIELDS["periodic"], FIELDS["periodic, dense"]
    torch.testing.assert_close(field.matrix, twin.matrix)
    torch.testing.assert_close(field.spectrum.mean(), field.covariance[0, 0])


@every
def test_one_noise_level_for_each_image(field):
    x, sigma = image(2, H, W), torch.tensor([0.3, 2.0], dtype=F64)
    for k in range(2):
        torch.testing.assert_close(field.score(x, sigma)[k], field.score(x[k], float(sigma[k])))
        wanted = field.log_prob(x[k], float(sigma[k]))
        torch.testing.assert_close(field.log_prob(x, sigma)[k], wanted)


@every
def test_samples_have_the_mean_and_the_covariance(field):
    num = 40_000
    x = field.sample(num, seeded(2)).flatten(1)
    assert x.shape == (num, H * W) and x.dtype == F64
    cov = field.matrix
    error = (x.mean(0) - field.mean.expand(H, W).flatten()) / (cov.diagonal() / num).sqrt()
    assert error.abs().max() < 4.5  # standard errors, the largest of 30
    spread = ((cov.square() + cov.diagonal()[:, None] * cov.diagonal()) / num).sqrt()
    assert ((x.T.cov() - cov) / spread).abs().max() < 5  # the largest of 900


def test_power_of_samples_is_the_spectrum():
    field = FIELDS["periodic"]
    power = torch.fft.fft2(field.sample(20_000, seeded(3)) - field.mean, norm="ortho").abs() ** 2
    ratio = power.mean(0) / field.spectrum
    assert (ratio - 1).abs().max() < 4.5 * math.sqrt(2 / 20_000)


@every
def test_patch_marginal_is_a_block_of_the_covariance(field):
    table = Patches((H, W), (2, 3)).index.unflatten(0, (H - 1, W - 2))
    for corner in ((0, 0), (3, 1), (4, 2)):
        pixels = table[corner]
        marginal = field.patch_marginal((2, 3), corner)
        torch.testing.assert_close(marginal.mean, field.mean.expand(H, W).flatten()[pixels])
        torch.testing.assert_close(marginal.cov, field.matrix[pixels][:, pixels])


def test_patches_of_samples_have_the_patch_marginal():
    field = GaussianField(matern_spectrum((8, 8), length=2.0), mean=3.0)
    v = Patches((8, 8), 2, wrap=True)(field.sample(4000, seeded(4))).flatten(0, 1)
    marginal = field.patch_marginal(2)
    torch.testing.assert_close(v.T.cov(), marginal.cov, rtol=0, atol=0.02)
    torch.testing.assert_close(v.mean(0), marginal.mean, rtol=0, atol=0.02)


def test_a_patch_of_a_periodic_field_may_cross_the_edge():
    field = FIELDS["periodic"]
    pixels = Patches((H, W), 2, wrap=True).index[-1]  # rows 5, 0 and columns 4, 0
    marginal = field.patch_marginal(2, (H - 1, W - 1))
    torch.testing.assert_close(marginal.mean, field.mean.flatten()[pixels])
    torch.testing.assert_close(marginal.cov, field.matrix[pixels][:, pixels])


@every
@pytest.mark.parametrize("noise_std", [0.3, 1.5])
def test_posterior_is_the_conditional_of_the_joint_normal(field, noise_std):
    y, eye = image(H, W, seed=9), torch.eye(H * W).double()
    post, mean = field.posterior(y, noise_std), field.mean.expand(H, W).flatten()
    gain = field.matrix @ (field.matrix + noise_std**2 * eye).inverse()
    wanted = mean + gain @ (y.flatten() - mean)
    torch.testing.assert_close(post.mean.flatten(), wanted)
    torch.testing.assert_close(post.matrix, field.matrix - gain @ field.matrix)


@every
def test_posterior_density_is_prior_times_likelihood(field):
    y, x, noise_std = image(H, W, seed=9), image(20, H, W), 0.6
    likelihood = -(y - x).square().sum((-2, -1)) / (2 * noise_std**2)
    ratio = field.log_prob(x) + likelihood - field.posterior(y, noise_std).log_prob(x)
    constant = field.log_prob(y, noise_std) + H * W * math.log(2 * math.pi * noise_std**2) / 2
    torch.testing.assert_close(ratio, constant.expand(20))


@every
def test_least_error_is_the_mean_posterior_variance(field):
    post = field.posterior(image(H, W), 0.7)
    wanted = float(post.matrix.diagonal().mean())
    assert field.denoising_error(0.7) == pytest.approx(wanted, rel=1e-12)


def test_error_of_a_filter_is_that_of_its_matrix():
    field, twin = FIELDS["periodic"], FIELDS["periodic, dense"]
    kernel = image(H, W, seed=10) / 9
    response = torch.fft.fft2(kernel)
    basis = torch.eye(H * W).double().unflatten(-1, (H, W))
    columns = torch.fft.ifft2(response * torch.fft.fft2(basis)).real.flatten(1)
    in_frequency = field.denoising_error(0.5, response)
    assert in_frequency == pytest.approx(twin.denoising_error(0.5, columns.T), rel=1e-12)
    x = field.sample(20_000, seeded(11)) - field.mean
    y = x + 0.5 * image(20_000, H, W, seed=12)
    out = torch.fft.ifft2(response * torch.fft.fft2(y)).real
    measured = (out - x).square().mean((-2, -1))
    assert float(measured.mean()) == pytest.approx(
        in_frequency, abs=4 * float(measured.std()) / 141
    )


def test_no_perturbed_filter_beats_wiener():
    field = FIELDS["periodic"]
    best = field.spectrum / (field.spectrum + 0.25)
    for k in range(5):
        worse = best + 0.1 * image(H, W, seed=k)
        assert field.denoising_error(0.5, worse) > field.denoising_error(0.5) + 1e-4


@pytest.mark.parametrize("order", [1, 2])
def test_matern_precision_reaches_as_far_as_its_order(order):
    field = GaussianField(matern_spectrum((12, 12), length=2.0, order=order, std=1.5))
    precision = field.matrix.inverse()[0].reshape(12, 12)
    steps = torch.arange(12).minimum(12 - torch.arange(12))
    away = steps[:, None] + steps
    assert (precision[away > order].abs() < 1e-10).all()
    assert (precision[away == order].abs() > 1e-3).all()
    assert float(field.covariance[0, 0]) == pytest.approx(1.5**2)


def test_longer_correlation_is_longer():
    near, far = (GaussianField(matern_spectrum((32, 32), length=k)) for k in (1.0, 4.0))
    assert far.covariance[0, 5] > 2 * near.covariance[0, 5] > 0


def test_float32_stays_float32():
    field = GaussianField(matern_spectrum((8, 8), length=2.0).float())
    x = field.sample(2, seeded())
    assert x.dtype == field.score(x, 0.1).dtype == field.log_prob(x).dtype == torch.float32


BAD = [
    (lambda: GaussianField(torch.ones(4)), ValueError, r"spectrum must have shape \(H, W\)"),
    (lambda: GaussianField(torch.zeros(4, 4)), ValueError, "spectrum must be positive"),
    (lambda: GaussianField(torch.ones(4, 4).long()), TypeError, "spectrum"),
    (lambda: GaussianField(torch.rand(4, 4, generator=seeded()) + 1), ValueError, "k and -k"),
    (lambda: GaussianField(torch.ones(4, 4), mean=torch.ones(4)), ValueError, "mean must be"),
    (lambda: matern_spectrum((4, 4), length=0.0), ValueError, "length must be positive"),
    (lambda: FIELDS["periodic"].patch_marginal(6), ValueError, "patch_size must fit the image"),
    (lambda: FIELDS["periodic"].score(image(W, H)), ValueError, "x must have shape"),
    (lambda: FIELDS["periodic"].score(image(H, W), -1.0), ValueError, "sigma must be"),
    (lambda: FIELDS["periodic"].posterior(image(H, W), 0.0), ValueError, "sigma must be positive"),
    (lambda: FIELDS["periodic"].denoising_error(1.0, image(3, 3)), ValueError, "response must"),
    (lambda: FIELDS["dense"].patch_marginal(2), ValueError, "corner must be given"),
    (lambda: FIELDS["dense"].patch_marginal(2, (5, 0)), ValueError, "this field is not periodic"),
    (lambda: FIELDS["dense"].denoising_error(1.0, image(H, W)), ValueError, "a periodic field"),
    (lambda: DenseGaussianField(image(4), torch.eye(4)), ValueError, r"mean must have shape"),
    (lambda: DenseGaussianField(image(2, 2), torch.eye(3).double()), ValueError, "cov must be"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "error", "words"), BAD)
def test_bad_input_is_named(act, error, words):
    with pytest.raises(error, match=words):
        act()
