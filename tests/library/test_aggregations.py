"""Image scores from patch scores, against Gaussian fields where every answer is known."""

from itertools import pairwise

import pytest
import torch

from lessons_lib.distributions import DenseGaussianField, GaussianField, matern_spectrum
from lessons_lib.patches import Patches
from lessons_lib.priors import (
    AveragedPrior,
    PatchPrior,
    TilingPrior,
    WeightedPrior,
    counting_numbers,
    frequency_response,
    kikuchi,
    linear_part,
)
from lessons_lib.reconstruction import denoise_patches

torch.set_num_threads(1)
F64 = torch.float64


def seeded(k=0):
    return torch.Generator().manual_seed(k)


def image(*shape, seed=1):
    return torch.randn(*shape, dtype=F64, generator=seeded(seed))


def toeplitz(row):
    n = len(row)
    return row[(torch.arange(n)[:, None] - torch.arange(n)).abs()]


def autoregressive(num, *coefficients):
    """Covariance of the stationary ``x_t = sum_k a_k x_(t-k) + noise``, by long division."""
    order, power = len(coefficients), torch.arange(400)
    h = torch.zeros(400, dtype=F64)  # impulse response
    h[0] = 1
    for t in power[1:]:
        h[t] = sum(a * h[t - k - 1] for k, a in enumerate(coefficients) if t > k)
    assert order < num and h[-1].abs() < 1e-12
    return toeplitz(torch.stack([(h[: 400 - k] * h[k:]).sum() for k in range(num)]))


def stationary(cov, image_shape):
    """A field with this covariance, and its patch scores at the corner, as `kikuchi` wants them."""
    field = DenseGaussianField(torch.zeros(image_shape, dtype=F64), cov)
    return field, lambda shape: field.patch_marginal(shape, (0, 0)).score


# ---------------------------------------------------------------------------- counting numbers


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3, (1, 4), (3, 2), (6, 7)])
def test_every_pixel_counts_once(size, wrap):
    regions = counting_numbers((6, 7), size, wrap=wrap)
    total = sum(number * patches.multiplicity for number, patches in regions)
    assert torch.equal(total, torch.ones(6, 7))


def test_overlaps_are_those_of_two_patches():
    """By brute force: the sets of pixels that neighbours down, across, and both, share."""
    regions = counting_numbers((5, 6), (3, 2))
    first = {frozenset(row) for row in regions[0][1].index.tolist()}
    table = regions[0][1].index.reshape(3, 5, 6).tolist()
    across = [set(a) & set(b) for row in table for a, b in pairwise(row)]
    down = [set(table[i][j]) & set(table[i + 1][j]) for i in range(2) for j in range(5)]
    both = [set(table[i][j]) & set(table[i + 1][j + 1]) for i in range(2) for j in range(4)]
    listed = [[set(row) for row in patches.index.tolist()] for _, patches in regions]
    assert [number for number, _ in regions] == [1, -1, -1, 1] and len(first) == 15
    assert listed[1:] == [across, down, both]


@pytest.mark.parametrize(
    ("coefficients", "size"),
    [
        ((0.8,), 2),
        ((0.8,), 3),
        ((-0.5,), 5),
        ((0.5, 0.3), 3),
        ((0.5, 0.3), 4),
        ((0.4, 0.1, 0.3), 4),
    ],
)
def test_chain_is_exact_when_the_patch_outreaches_its_memory(coefficients, size):
    cov = autoregressive(12, *coefficients)
    field, patch_score = stationary(cov, (1, 12))
    prior = kikuchi(patch_score, (1, 12), (1, size))
    x = image(5, 1, 12)
    torch.testing.assert_close(prior(x), field.score(x), rtol=0, atol=1e-10)
    torch.testing.assert_close(linear_part(prior, (1, 12)), cov.inverse(), rtol=0, atol=1e-10)


def test_chain_is_not_exact_when_the_patch_is_too_short_or_there_is_noise():
    field, patch_score = stationary(autoregressive(12, 0.5, 0.3), (1, 12))
    x = image(1, 12)
    short = kikuchi(patch_score, (1, 12), (1, 2))
    assert (short(x) - field.score(x)).norm() > 0.05 * field.score(x).norm()
    fits = kikuchi(patch_score, (1, 12), (1, 3))
    assert (fits(x, 0.5) - field.score(x, 0.5)).norm() > 0.01 * field.score(x, 0.5).norm()


def test_chain_need_not_be_stationary():
    """A random tridiagonal precision, with the marginal of each patch where it lies."""
    n, root = 10, torch.eye(10, dtype=F64) + torch.diag(image(9), -1) * 0.7
    precision = root @ root.T + torch.diag(torch.rand(n, generator=seeded(3), dtype=F64))
    cov, total = precision.inverse(), torch.zeros(n, n, dtype=F64)
    for number, patches in counting_numbers((1, n), (1, 3)):
        for c in patches.index:
            total[c[:, None], c] += number * cov[c[:, None], c].inverse()
    torch.testing.assert_close(total, precision, rtol=0, atol=1e-10)


def test_pairs_of_a_chain_exceed_the_precision_by_one_inside():
    cov = autoregressive(9, 0.7)
    cov = cov / cov[0, 0]
    _, patch_score = stationary(cov, (1, 9))
    pairs = PatchPrior(patch_score((1, 2)), Patches((1, 9), (1, 2)))
    excess = torch.diag(torch.tensor([0.0] + [1.0] * 7 + [0.0], dtype=F64))
    torch.testing.assert_close(
        linear_part(pairs, (1, 9)) - cov.inverse(), excess, rtol=0, atol=1e-10
    )


@pytest.mark.parametrize("size", [2, 3, (2, 4)])
def test_separable_field_is_exact(size):
    cov = torch.kron(autoregressive(6, 0.8), autoregressive(7, 0.6))
    field, patch_score = stationary(cov, (6, 7))
    prior, x = kikuchi(patch_score, (6, 7), size), image(4, 6, 7)
    torch.testing.assert_close(prior(x), field.score(x), rtol=0, atol=1e-10)
    torch.testing.assert_close(linear_part(prior, (6, 7)), cov.inverse(), rtol=0, atol=1e-10)


def test_separable_field_misses_the_last_term_exactly():
    cov = torch.kron(autoregressive(6, 0.8), autoregressive(7, 0.6))
    field, patch_score = stationary(cov, (6, 7))
    whole = kikuchi(patch_score, (6, 7), 2)
    without, x = WeightedPrior(whole.weights[:3], whole.priors[:3]), image(6, 7)
    missed = torch.zeros(6, 7, dtype=F64)
    missed[1:-1, 1:-1] = -x[1:-1, 1:-1] / cov[0, 0]  # a pixel that counts for nothing
    torch.testing.assert_close(without(x), field.score(x) - missed, rtol=0, atol=1e-10)


# ---------------------------------------------------------------------------- averages and tilings


@pytest.mark.parametrize("options", [{}, {"wrap": True}, {"border": "reflect"}])
def test_one_step_with_the_average_is_the_average_of_denoised_patches(options):
    field = GaussianField(matern_spectrum((8, 9), length=2.0))
    score, patches, y = field.patch_marginal(3).score, Patches((8, 9), 3, **options), image(8, 9)
    one_step = y + 0.25 * AveragedPrior(score, patches)(y, 0.5)
    wanted = denoise_patches(y, 0.5, patch_score=score, patches=patches)
    torch.testing.assert_close(one_step, wanted)
    v = patches(y)
    by_hand = patches.adjoint(v + 0.25 * score(v, 0.5)) / patches.multiplicity.double()
    torch.testing.assert_close(one_step, by_hand)


def test_average_is_the_mean_of_all_tilings():
    score = GaussianField(matern_spectrum((6, 9), length=2.0)).patch_marginal(3).score
    tilings, x = TilingPrior(score, (6, 9), 3, wrap=True), image(6, 9)
    mean = sum(tilings.tiling((i, j))(x, 0.3) for i in range(3) for j in range(3)) / 9
    wanted = AveragedPrior(score, Patches((6, 9), 3, wrap=True))(x, 0.3)
    torch.testing.assert_close(mean, wanted)


@pytest.mark.parametrize("offset", [(0, 0), (1, 2)])
def test_tiling_treats_its_tiles_as_independent(offset):
    field = GaussianField(matern_spectrum((6, 6), length=2.0))
    marginal = field.patch_marginal(3)
    q = linear_part(TilingPrior(marginal.score, (6, 6), 3, wrap=True).tiling(offset), (6, 6), 0.4)
    number = torch.arange(36).reshape(6, 6).roll((-offset[0], -offset[1]), (0, 1))
    tiles = torch.cat([number[i : i + 3, j : j + 3].flatten() for i in (0, 3) for j in (0, 3)])
    block = (marginal.cov + 0.16 * torch.eye(9).double()).inverse()
    wanted = torch.block_diag(*[block] * 4)
    torch.testing.assert_close(q[tiles][:, tiles], wanted)


@pytest.mark.parametrize("offset", [(0, 0), (1, 3), (2, 0), (2, 3)])
def test_tiles_are_pushed_back_inside(offset):
    tiling = TilingPrior(lambda v, sigma: -v, (7, 10), (3, 4)).tiling(offset)
    count = tiling.patches.multiplicity
    assert count.min() == 1 and len(tiling.patches.index) <= 12
    x = image(7, 10)
    torch.testing.assert_close(tiling(x), -x)  # whatever the overlap, each pixel counts once


def test_each_call_draws_a_tiling_from_the_generator():
    score, x = (
        GaussianField(matern_spectrum((6, 6), length=2.0)).patch_marginal(3).score,
        image(6, 6),
    )
    prior = TilingPrior(score, (6, 6), 3, wrap=True, generator=seeded(1))
    drawn = torch.stack([prior(x, 0.3) for _ in range(200)])
    again = TilingPrior(score, (6, 6), 3, wrap=True, generator=seeded(1))
    torch.testing.assert_close(drawn[:3], torch.stack([again(x, 0.3) for _ in range(3)]))
    every = [prior.tiling((i, j))(x, 0.3) for i in range(3) for j in range(3)]
    count = torch.stack([torch.isclose(drawn, s).all(-1).all(-1).sum() for s in every])
    assert count.sum() == 200 and count.min() >= 10


# ---------------------------------------------------------------------------- linear scores


def test_linear_part_of_an_exact_score_is_the_precision_in_noise():
    root = image(20, 20) / 4
    field = DenseGaussianField(image(4, 5), root @ root.T + 0.3 * torch.eye(20).double())
    wanted = (field.matrix + 0.49 * torch.eye(20).double()).inverse()
    torch.testing.assert_close(linear_part(field.score, (4, 5), 0.7), wanted)


def test_frequency_response_of_an_exact_score_is_one_over_the_noisy_spectrum():
    field = GaussianField(matern_spectrum((8, 7), length=2.0), mean=image(8, 7))
    q = frequency_response(field.score, (8, 7), 0.7)
    torch.testing.assert_close(q.real, 1 / (field.spectrum + 0.49))
    torch.testing.assert_close(q.imag, torch.zeros(8, 7, dtype=F64))


def test_frequencies_are_the_eigenvalues_of_the_matrix():
    field = GaussianField(matern_spectrum((6, 6), length=2.0))
    prior = kikuchi(lambda shape: field.patch_marginal(shape).score, (6, 6), 3, wrap=True)
    in_frequency = frequency_response(prior, (6, 6), 0.2).real.flatten().sort().values
    wanted = torch.linalg.eigvalsh(linear_part(prior, (6, 6), 0.2))
    torch.testing.assert_close(in_frequency, wanted)


def test_white_images_are_shrunk_to_a_tenth_by_the_sum_of_nine():
    """Erratum 7, noise of variance 1: error 1/2 for the best denoiser, 0.82 for the plain sum."""
    white = GaussianField(torch.ones(8, 8, dtype=F64))
    prior = PatchPrior(white.patch_marginal(3).score, Patches((8, 8), 3, wrap=True))
    shrink = 1 / (1 + frequency_response(prior, (8, 8)).real)
    torch.testing.assert_close(shrink, torch.full((8, 8), 0.1, dtype=F64))
    assert white.denoising_error(1.0) == pytest.approx(0.5, rel=1e-12)
    assert white.denoising_error(1.0, shrink) == pytest.approx(0.82, rel=1e-12)


@pytest.mark.parametrize("noise_std", [0.3, 1.0])
def test_patches_of_the_whole_image_are_exact(noise_std):
    cov = torch.kron(autoregressive(4, 0.8), autoregressive(5, 0.6))
    field, patch_score = stationary(cov, (4, 5))
    whole = Patches((4, 5), (4, 5))
    for prior in (
        PatchPrior(patch_score((4, 5)), whole),
        AveragedPrior(patch_score((4, 5)), whole),
        TilingPrior(patch_score((4, 5)), (4, 5), (4, 5)),
        kikuchi(patch_score, (4, 5), (4, 5)),
    ):
        x = image(4, 5)
        torch.testing.assert_close(prior(x, noise_std), field.score(x, noise_std))


def test_closed_form_error_is_the_error_that_is_measured():
    field = GaussianField(matern_spectrum((8, 8), length=3.0))
    prior = AveragedPrior(field.patch_marginal(3).score, Patches((8, 8), 3))
    denoiser = torch.eye(64).double() - 0.25 * linear_part(prior, (8, 8), 0.5)
    exact = DenseGaussianField(torch.zeros(8, 8).double(), field.matrix)
    x = field.sample(4000, seeded(5))
    y = x + 0.5 * image(4000, 8, 8, seed=6)
    squares = (y + 0.25 * prior(y, 0.5) - x).square().mean((-2, -1))
    wanted = exact.denoising_error(0.5, denoiser)
    assert float(squares.mean()) == pytest.approx(wanted, abs=4 * float(squares.std()) / 63)
    assert wanted > 1.01 * exact.denoising_error(0.5)


@pytest.mark.parametrize("make", [PatchPrior, AveragedPrior])
def test_of_a_pixel_in_no_patch_the_prior_knows_nothing(make):
    patches = Patches((6, 6), 2).keep(slice(0, 3), slice(None))
    s = make(uneven, patches)(image(2, 6, 6), 0.3)
    assert bool((s[:, :4] != 0).all()) and bool((s[:, 4:] == 0).all())


# ---------------------------------------------------------------------------- bad input


def uneven(v, sigma):
    return v**3


BAD = [
    (lambda: TilingPrior(uneven, (6, 7), 3, wrap=True), "patch_size must divide"),
    (lambda: TilingPrior(uneven, (6, 7), 8), "patch_size must not exceed"),
    (lambda: WeightedPrior([1.0], []), "equally many, got 1 and 0"),
    (lambda: counting_numbers((3, 4), 4), "patch_size must not exceed"),
    (lambda: linear_part(PatchPrior(uneven, Patches((4, 4), 2)), (4, 4)), "score must be affine"),
    (lambda: frequency_response(PatchPrior(lambda v, s: -v, Patches((4, 4), 2)), (4, 4)),
     "patches that wrap"),
    (lambda: kikuchi(lambda shape: lambda v, s: v[..., :1], (4, 4), 2)(image(4, 4)),
     "must return the shape"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "words"), BAD)
def test_bad_input_is_named(act, words):
    with pytest.raises(ValueError, match=words):
        act()
