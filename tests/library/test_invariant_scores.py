"""CentredScore and NormalizedScore: laws of brightness and contrast, and exact scores."""

import math

import pytest
import torch
from torch import nn

from lessons_lib.networks import CentredScore, NormalizedScore, PreconditionedScore, mlp


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def patches(*shape, seed=0):
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


def normalized(n=9, **options):
    return NormalizedScore(mlp((n + 1, 16, n), generator=seeded(1)), **options).double()


class Nothing(nn.Module):
    """A net that has learned nothing."""

    def forward(self, x):
        return torch.zeros_like(x[..., :-1])


class Remember(nn.Module):
    """A net that keeps what it was shown."""

    def forward(self, x):
        self.seen = x
        return torch.zeros_like(x[..., :-1])


def centred_gaussian(v, std, sigma):
    """-1/2 v' P v / (std^2 + sigma^2) with P = I - 11'/n."""
    P = torch.eye(9, dtype=v.dtype) - torch.full((9, 9), 1 / 9, dtype=v.dtype)
    return -0.5 * ((v @ P) * v).sum() / (std**2 + sigma**2)


# --- CentredScore ----------------------------------------------------------------------------


def test_centred_score_ignores_brightness_and_sums_to_zero():
    """For V with V(v + c) = V(v): the gradient does not change, and its entries sum to zero."""
    net = mlp((10, 8, 9), generator=seeded(1))
    score = CentredScore(PreconditionedScore(net, 0.0, 0.12)).double()
    v = patches(6, 9)
    s = score(v, 0.2)
    torch.testing.assert_close(score(v + 3.7, 0.2), s, rtol=0, atol=1e-11)
    torch.testing.assert_close(s.sum(-1), torch.zeros(6, dtype=s.dtype), rtol=0, atol=1e-12)
    assert s.abs().max() > 0.1


def test_centred_gaussian_is_the_gradient_of_a_density_flat_along_brightness():
    class Gaussian(nn.Module):
        def forward(self, v, sigma):
            return -v / (0.3**2 + sigma**2)

    v = patches(6, 9).requires_grad_()
    (gradient,) = torch.autograd.grad(centred_gaussian(v, 0.3, 0.2), v)
    s = CentredScore(Gaussian())(v.detach(), 0.2)
    torch.testing.assert_close(s, gradient, rtol=0, atol=1e-13)


# --- NormalizedScore -------------------------------------------------------------------------


@pytest.mark.parametrize("a", [1e-3, 0.3, 3.0, 1e3])
@pytest.mark.parametrize("sigma", [1e-3, 0.1, 2.0])
def test_brightness_and_contrast_act_exactly_as_they_must(a, sigma):
    """s(a v + b, a sigma) = s(v, sigma) / a, to rounding error."""
    score, v = normalized(), patches(4, 5, 9)
    s = score(v, sigma)
    torch.testing.assert_close(a * score(a * v, a * sigma), s, rtol=1e-12, atol=1e-12 / sigma)
    torch.testing.assert_close(score(v + 0.7, sigma), s, rtol=1e-11, atol=1e-12 / sigma)
    assert float(s.detach().sum(-1).abs().max()) < 1e-12 / sigma
    other = score(a * v, sigma)  # the noise must be scaled too
    assert bool((a * other - s).abs().max() > 1e-3 * s.abs().max())


def test_one_level_for_each_patch():
    score, v = normalized(), patches(4, 5, 9)
    sigma = torch.rand(4, 5, generator=seeded(2), dtype=torch.float64) + 0.1
    together = score(v, sigma)
    for i in range(4):
        torch.testing.assert_close(together[i, 2], score(v[i, 2], float(sigma[i, 2])))


@pytest.mark.parametrize("sigma", [1e-4, 0.3, 50.0])
def test_without_correction_it_is_the_gradient_of_a_density_without_scale(sigma):
    """log p = -n/2 log(|v - m|^2 / n + sigma^2), and Wiener's shrinkage q / (q + sigma^2)."""
    v = patches(6, 9).requires_grad_()
    q = (v - v.mean(-1, keepdim=True)).square().mean(-1)
    (gradient,) = torch.autograd.grad(-4.5 * torch.log(q + sigma**2).sum(), v)
    s = NormalizedScore(Nothing())(v.detach(), sigma)
    torch.testing.assert_close(s, gradient, rtol=1e-12, atol=1e-13)
    v, q = v.detach(), q.detach()[:, None]
    m = v.mean(-1, keepdim=True)
    denoised = m + q / (q + sigma**2) * (v - m)
    torch.testing.assert_close(v + sigma**2 * s, denoised, rtol=1e-9, atol=1e-12)


def test_the_network_sees_a_normalized_patch_and_its_noise():
    net, v, sigma = Remember(), patches(100, 9), 0.4
    NormalizedScore(net)(v, sigma)
    u, t = net.seen[:, :-1], net.seen[:, -1].exp()
    assert float(u.mean(-1).abs().max()) < 1e-12
    torch.testing.assert_close(u.square().mean(-1) + t**2, torch.ones(100, dtype=u.dtype))
    assert bool((t > 0).all()) and bool((t <= 1).all())
    NormalizedScore(net)(torch.full((1, 9), 0.8, dtype=torch.float64), 1e-3)
    torch.testing.assert_close(net.seen[0, -1], torch.zeros((), dtype=u.dtype))  # a flat patch


def test_the_denoiser_is_the_one_that_the_docstring_derives():
    score, v, sigma = normalized(bound=math.inf), patches(7, 9), 0.5
    c = v - v.mean(-1, keepdim=True)
    r = (c.square().mean(-1, keepdim=True) + sigma**2).sqrt()
    t = sigma / r
    F = score.net(torch.cat([c / r, t.log()], -1))
    denoised = v - c + (1 - t**2) * c + sigma * (F - F.mean(-1, keepdim=True))
    torch.testing.assert_close(v + sigma**2 * score(v, sigma), denoised, rtol=1e-11, atol=1e-12)


def test_with_the_right_correction_it_is_the_score_of_a_known_density():
    """Patches N(0, std^2 P) in noise 0.5: s = -P v / (std^2 + 0.5^2), so F is that plus u."""
    std, sigma = 0.8, 0.5

    class Right(nn.Module):
        def forward(self, x):
            u, t = x[..., :-1], x[..., -1:].exp()
            return t * (1 - (sigma / t) ** 2 / (std**2 + sigma**2)) * u

    v = patches(6, 9).requires_grad_()
    (gradient,) = torch.autograd.grad(centred_gaussian(v, std, sigma), v)
    s = NormalizedScore(Right(), bound=math.inf)(v.detach(), sigma)
    torch.testing.assert_close(s, gradient, rtol=1e-12, atol=1e-12)


def test_the_correction_is_bounded():
    score = normalized(bound=0.5)
    with torch.no_grad():
        for parameter in score.net.parameters():
            parameter.mul_(100)
    v, sigma = patches(50, 9), 0.3
    plain = NormalizedScore(Nothing())(v, sigma)
    assert (
        0.3 < float((sigma * (score(v, sigma) - plain)).detach().abs().max()) <= 1.0
    )  # P at most doubles


def test_dtypes_and_bad_input():
    score = NormalizedScore(mlp((10, 8, 9)))
    assert score(patches(3, 9), 0.1).dtype == torch.float64
    for sigma in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="sigma"):
            score(patches(3, 9), sigma)
    with pytest.raises(ValueError, match=r"x must have shape \(\*, 9\)"):
        score(patches(3, 4), 0.1)
    with pytest.raises(ValueError, match="net"):
        NormalizedScore(mlp((10, 8, 4)))(patches(3, 9), 0.1)
    with pytest.raises(ValueError, match="bound"):
        NormalizedScore(Nothing(), bound=0.0)
