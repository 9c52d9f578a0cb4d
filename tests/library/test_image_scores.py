"""Scores of images: exact without a correction, any size, what a pixel sees, exact gradients."""

import math

import pytest
import torch
from torch import nn

from lessons_lib import losses
from lessons_lib.networks import (
    ImageScore,
    NormalizedImageScore,
    NormalizedScore,
    PatchEnergyScore,
    PreconditionedScore,
    UNet,
)
from lessons_lib.networks.unet import Attention
from lessons_lib.patches import Patches
from lessons_lib.priors import PatchPrior

SIGMAS = [1e-3, 0.1, 1.0, 30.0]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def picture(*shape, seed=0):
    return torch.rand(*shape, generator=seeded(seed), dtype=torch.float64)


def experts(patch_size=3, hidden=(7, 5), seed=0):
    """Experts that have learned something, in float64."""
    score = PatchEnergyScore(patch_size, hidden, 0.2, 0.3, generator=seeded(seed)).double()
    with torch.no_grad():
        score.w3.uniform_(-1, 1, generator=seeded(seed + 1))
    return score


def unet(widths=(4, 6, 8), seed=0, **options):
    """A U-Net whose last layer is not zero, in float64."""
    net = UNet(widths, generator=seeded(seed), **options).double()
    nn.init.uniform_(net.leave.weight, -0.3, 0.3, generator=seeded(seed + 1))
    return net


# --- what the two have in common ---------------------------------------------------------------

MAKERS = [
    lambda: ImageScore(UNet((4, 6), generator=seeded()), 0.2, 0.3).double(),
    lambda: PatchEnergyScore(3, (7, 5), 0.2, 0.3, generator=seeded()).double(),
]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("sigma", SIGMAS)
def test_untrained_it_is_the_exact_score_of_independent_gaussian_pixels(make, sigma):
    x = 3 * picture(2, 7, 9) - 1
    exact = -(x - 0.2) / (sigma**2 + 0.3**2)
    torch.testing.assert_close(make()(x, sigma), exact, rtol=1e-6, atol=1e-6)  # float32 buffers


def whole():
    """The preconditioned score of a U-Net that sees the whole image, in float64."""
    return ImageScore(unet(told=3, attention=True), 0.2, 0.3).double()


@pytest.mark.parametrize("make", [lambda: ImageScore(unet(), 0.2, 0.3).double(), whole, experts])
class TestLearned:
    def test_any_batch_and_one_level_for_each_image(self, make):
        score, x = make(), picture(2, 3, 9, 6)
        sigma = torch.rand(2, 3, generator=seeded(1), dtype=torch.float64) + 0.1
        together = score(x, sigma)
        assert together.shape == x.shape
        for i in range(2):
            for j in range(3):
                torch.testing.assert_close(together[i, j], score(x[i, j], float(sigma[i, j])))

    @pytest.mark.parametrize("shape", [(4, 4), (5, 11), (16, 1), (17, 30)])
    def test_any_height_and_width(self, make, shape):
        s = make()(picture(*shape), 0.2)
        assert s.shape == shape and bool(torch.isfinite(s).all())

    def test_it_is_translated_with_the_image(self, make):
        """Far from the edges; a U-Net, by multiples of its coarsest pixel."""
        x = torch.zeros(80, 80, dtype=torch.float64)
        x[36:44, 36:44] = picture(8, 8)
        score = make()
        if make is whole:
            score.net.across = nn.Identity()  # from afar, all is felt
        s, moved = score(x, 0.3), score(x.roll((4, 8), (0, 1)), 0.3)
        found, wanted = moved[30:60, 30:60], s.roll((4, 8), (0, 1))[30:60, 30:60]
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)  # edges are felt from afar
        assert bool((s - s[0, 0]).abs().max() > 0.1)

    def test_float32_inside_and_the_dtype_of_the_image_outside(self, make):
        score, x = make().float(), picture(9, 6)
        assert score(x, 0.2).dtype == torch.float64
        torch.testing.assert_close(score(x.float(), 0.2).double(), score(x, 0.2), rtol=1e-4,
                                   atol=1e-4)  # fmt: skip

    def test_far_from_the_data_it_points_back(self, make):
        x = 1e4 * (picture(6, 6) - 0.5)
        assert bool((make()(x, 0.2) * (x - 0.2) < 0).all())

    def test_gradients_reach_every_weight(self, make):
        score = make()
        losses.denoising(score, picture(2, 8, 8), 0.2, generator=seeded(), event_dims=2).backward()
        assert all(bool(p.grad.abs().max() > 0) for p in score.parameters())

    @pytest.mark.parametrize("sigma", [0.0, -1.0, math.inf])
    def test_bad_levels_and_images_are_refused(self, make, sigma):
        with pytest.raises(ValueError, match="sigma"):
            make()(picture(6, 6), sigma)
        with pytest.raises(ValueError, match="finite"):
            make()(torch.full((6, 6), math.nan), 0.1)
        with pytest.raises(ValueError, match="2 dimension"):
            make()(picture(6), 0.1)
        with pytest.raises(TypeError, match="floating"):
            make()(torch.zeros(6, 6, dtype=torch.int64), 0.1)


# --- UNet and ImageScore -----------------------------------------------------------------------


def test_initial_weights_come_from_the_generator_alone():
    before = torch.random.get_rng_state()
    one, two, other = (UNet((4, 6), generator=seeded(k)) for k in (1, 1, 2))
    assert torch.equal(one.enter.weight, two.enter.weight)
    assert not torch.equal(one.enter.weight, other.enter.weight)
    assert torch.equal(before, torch.random.get_rng_state())
    assert {p.dtype for p in one.parameters()} == {torch.float32}


def test_one_pixel_of_the_preconditioned_score_is_the_same_formula():
    """A network that acts on each pixel alone: the image score is that of points with n = 1."""

    class Pixelwise(nn.Module):
        def forward(self, maps):
            return torch.sin(maps[:, :1] + 2 * maps[:, 1:])

    class Point(nn.Module):
        def forward(self, values):
            return torch.sin(values[..., :1] + 2 * values[..., 1:])

    x, sigma = picture(3, 5, 4), torch.tensor([0.1, 0.5, 2.0], dtype=torch.float64)
    images = ImageScore(Pixelwise(), 0.2, 0.3)(x, sigma)
    points = PreconditionedScore(Point(), 0.2, 0.3)(x[..., None], sigma[:, None, None])[..., 0]
    torch.testing.assert_close(images, points)


def test_padding_is_seen_by_nothing_that_fits():
    """An image of a size that fits is scored as it is, and sizes between are continued."""
    net = unet()
    score = ImageScore(net, 0.2, 0.3, bound=math.inf).double()
    x, sigma = picture(8, 12), 0.3
    v = math.sqrt(sigma**2 + float(score.std) ** 2)
    u = (x - score.mean) / v
    F = net(torch.stack([u, torch.log(sigma / score.std).expand_as(u)])[None])[0, 0]
    torch.testing.assert_close(score(x, sigma), -u / v + score.std / (sigma * v) * F)
    small = x[:5, :9]
    rows, cols = torch.arange(8).clamp(max=4), torch.arange(12).clamp(max=8)
    continued = score(small[rows[:, None], cols], sigma)[:5, :9]
    torch.testing.assert_close(score(small, sigma), continued)


# --- what a pixel sees ---------------------------------------------------------------------------


def seen_by(net, height, width, pixels):
    """Which pixels of the image each of these pixels of the output depends on, ``(K, H W)``."""
    maps = picture(1, 2, height, width).requires_grad_()
    chosen = net(maps)[0, 0].flatten()[pixels]  # (K,)
    ones = torch.eye(len(pixels), dtype=maps.dtype)
    (gradient,) = torch.autograd.grad(chosen, maps, ones, is_grads_batched=True)
    return gradient[:, 0, 0].flatten(1) != 0


def test_with_attention_every_pixel_depends_on_every_pixel_of_64_by_64():
    net = unet((1, 1, 1, 1), told=2, attention=True)
    assert all(bool(seen_by(net, 64, 64, part).all()) for part in torch.arange(64**2).split(512))


@pytest.mark.parametrize("shape", [(128, 128), (256, 256), (8, 200)])
def test_with_attention_the_corners_and_the_middle_see_images_of_any_size(shape):
    height, width = shape
    middle = height // 2 * width + width // 2
    pixels = torch.tensor([0, width - 1, middle, height * width - width, height * width - 1])
    assert bool(seen_by(unet((1, 1, 1, 1), attention=True), *shape, pixels).all())


def test_convolutions_alone_see_62_pixels_on_three_levels():
    """The widest reach, of a pixel far from the edges; so few levels are no whole image."""
    across = [seen_by(unet((1, 1, 1)), 128, 128, torch.tensor([64 * 128 + 64 + k]))[0]
              for k in range(4)]  # fmt: skip
    reach = [int(a.reshape(128, 128).any(0).sum()) for a in across]
    assert 58 <= max(reach) <= 66


def test_attention_is_the_softmax_of_products_over_all_places():
    attention = Attention(3, generator=seeded()).double()
    h = picture(2, 3, 4, 5)
    rows = h.permute(0, 2, 3, 1).reshape(2, 20, 3)
    ask, answer = (conv.weight[:, :, 0, 0].mT for conv in (attention.ask, attention.answer))
    q, k, v = (rows @ ask + attention.ask.bias).split(3, dim=-1)
    weights = torch.softmax(torch.einsum("bic,bjc->bij", q, k) / math.sqrt(3), dim=-1)
    wanted = rows + (weights @ v) @ answer + attention.answer.bias
    torch.testing.assert_close(attention(h).flatten(2).mT, wanted)


@pytest.mark.parametrize("widths", [(), (4, 0), (4, 2.5)])
def test_unet_refuses_bad_widths(widths):
    with pytest.raises(ValueError, match="widths"):
        UNet(widths)


def test_image_score_refuses_bad_numbers_and_nets():
    with pytest.raises(ValueError, match="mean"):
        ImageScore(UNet((2,)), torch.zeros(3), 1.0)
    with pytest.raises(ValueError, match="std"):
        ImageScore(UNet((2,)), 0.0, 0.0)
    with pytest.raises(ValueError, match="bound"):
        ImageScore(UNet((2,)), 0.0, 1.0, bound=-1.0)
    with pytest.raises(ValueError, match=r"net must return shape \(1, 1, 6, 6\)"):
        ImageScore(torch.nn.Conv2d(2, 3, 1), 0.0, 1.0)(picture(6, 6), 0.1)


# --- NormalizedImageScore ------------------------------------------------------------------------


def normalized_image():
    return NormalizedImageScore(unet(told=3, attention=True)).double()


@pytest.mark.parametrize("a", [1e-2, 0.3, 30.0])
@pytest.mark.parametrize("sigma", [1e-2, 0.3])
def test_a_normalized_image_knows_neither_brightness_nor_contrast(a, sigma):
    """s(a x + b, a sigma) = s(x, sigma) / a, and the pixels of s sum to zero."""
    score, x = normalized_image(), picture(3, 9, 12)
    s = score(x, sigma)
    torch.testing.assert_close(a * score(a * x + 0.7, a * sigma), s, rtol=1e-8, atol=1e-9)
    torch.testing.assert_close(s.sum((-2, -1)), torch.zeros(3).double(), rtol=0, atol=1e-9)
    one = torch.stack([score(image, sigma) for image in x])
    torch.testing.assert_close(one, s)


def test_a_normalized_image_is_the_normalized_patch_of_all_its_pixels():
    """With a network of the pixels one by one both are the same formula."""

    class Images(nn.Module):
        def forward(self, maps):
            return torch.sin(maps[:, :1] + 2 * maps[:, 1:])

    class Points(nn.Module):
        def forward(self, values):
            return torch.sin(values[..., :-1] + 2 * values[..., -1:])

    x = picture(3, 5, 4)
    points = NormalizedScore(Points())(x.flatten(1), 0.2)
    torch.testing.assert_close(NormalizedImageScore(Images())(x, 0.2).flatten(1), points)


# --- PatchEnergyScore ----------------------------------------------------------------------------


@pytest.mark.parametrize("patch_size", [1, 3, 5])
@pytest.mark.parametrize("sigma", [0.02, 0.4])
def test_the_score_is_minus_the_gradient_of_the_energy(patch_size, sigma):
    score, x = experts(patch_size), picture(2, 7, 9).requires_grad_()
    (gradient,) = torch.autograd.grad(-score.potential(x, sigma).sum(), x)
    s = score(x.detach(), sigma)
    torch.testing.assert_close(s, gradient, rtol=1e-11, atol=1e-11)
    plain = -(x.detach() - score.mean) / (sigma**2 + score.std**2)
    assert bool((s - plain).abs().max() > 0.1)  # the experts have a say


@pytest.mark.parametrize("patch_size", [1, 3, 5])
def test_the_score_is_the_sum_over_patches_of_its_own_patch_score(patch_size):
    score, x = experts(patch_size), picture(2, 7, 9)
    sigma = torch.tensor([0.1, 0.6], dtype=torch.float64)
    prior = PatchPrior(score.patch_score, Patches((7, 9), patch_size, border="reflect"))
    torch.testing.assert_close(score(x, sigma), prior(x, sigma), rtol=1e-11, atol=1e-11)


def test_the_energy_is_the_sum_over_patches_of_their_potential():
    score, x = experts(), picture(2, 7, 9)
    v = Patches((7, 9), 3, border="reflect")(x)
    sigma = torch.tensor([0.1, 0.6], dtype=torch.float64)
    total = score.patch_potential(v, sigma[:, None]).sum(-1)
    torch.testing.assert_close(score.potential(x, sigma), total, rtol=1e-12, atol=1e-12)


def test_a_patch_score_is_minus_the_gradient_of_the_patch_potential():
    score, v = experts(), picture(4, 5, 9).requires_grad_()
    sigma = torch.rand(4, 5, generator=seeded(3), dtype=torch.float64) + 0.1
    (gradient,) = torch.autograd.grad(-score.patch_potential(v, sigma).sum(), v)
    torch.testing.assert_close(score.patch_score(v.detach(), sigma), gradient)


def test_units_change_the_score_exactly_so():
    score = experts()
    other = experts()
    other.mean.mul_(255)
    other.std.mul_(255)
    x = picture(6, 8)
    torch.testing.assert_close(255 * other(255 * x, 255 * 0.1), score(x, 0.1))


def test_one_expert_is_what_a_student_would_write():
    """A single filter d = (-1, 1) in the middle row: s = -u/v - std/(sigma v) D' f(D u)."""
    score = PatchEnergyScore(3, (1, 1), 0.0, 1.0).double()
    with torch.no_grad():
        score.W1.zero_()
        score.W1[0, 0, 1, 1:] = torch.tensor([-1.0, 1.0])
        for p in (score.a1, score.b1, score.a2, score.b2):
            p.zero_()
        score.W2.fill_(0.5)
        score.w3.fill_(2.0)
    x, sigma = picture(1, 6), 0.7
    v = math.sqrt(1 + sigma**2)
    u = (x / v)[0]
    D = torch.diff(torch.eye(6, dtype=x.dtype), dim=0, append=torch.eye(6, dtype=x.dtype)[-1:])
    a = (D @ u).requires_grad_()  # the last difference meets the mirrored pixel: zero
    silu = nn.functional.silu
    (f,) = torch.autograd.grad((2.0 * silu(0.5 * silu(a))).sum(), a)
    expected = -u / v - (D.T @ f) / (sigma * v)
    torch.testing.assert_close(score(x, sigma)[0], expected)


def test_experts_refuse_bad_sizes_and_sides():
    with pytest.raises(ValueError, match="patch_size must be odd"):
        PatchEnergyScore(4, (2, 2), 0.0, 1.0)
    for hidden in ((3,), (3, 0), (3, 2, 2)):
        with pytest.raises(ValueError, match="hidden"):
            PatchEnergyScore(3, hidden, 0.0, 1.0)
    with pytest.raises(ValueError, match="std"):
        PatchEnergyScore(3, (2, 2), 0.0, -1.0)
    with pytest.raises(ValueError, match="at least 2 pixels"):
        PatchEnergyScore(5, (2, 2), 0.0, 1.0)(picture(1, 6), 0.1)
    with pytest.raises(ValueError, match=r"v must have shape \(\*, 9\)"):
        experts().patch_score(picture(3, 4), 0.1)
