"""`lessons_lib.priors`: the patch prior is the gradient of its energy, with the plus sign."""

import pytest
import torch

from lessons_lib.patches import Patches
from lessons_lib.priors import PatchPrior

torch.set_num_threads(1)

N, G = 9, torch.Generator().manual_seed(0)
W = torch.randn(5, N, dtype=torch.float64, generator=G)


def V(v, sigma):
    """A potential that is not quadratic: log cosh of five filters, wider when smoothed."""
    width = torch.as_tensor(1.0 + torch.as_tensor(sigma) ** 2)[..., None]
    return torch.cosh((v @ W.T) / width).log().sum(-1)


def s_V(v, sigma):
    """``-grad V`` in closed form."""
    width = torch.as_tensor(1.0 + torch.as_tensor(sigma) ** 2)[..., None]
    return -(torch.tanh((v @ W.T) / width) / width) @ W


def image(*shape):
    g = torch.Generator().manual_seed(1)
    return torch.randn(*shape, dtype=torch.float64, generator=g)


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("chunk", [10, 10**6])
@pytest.mark.parametrize("sigma", [0.0, 0.7])
def test_prior_is_the_gradient_of_minus_the_summed_potential(wrap, chunk, sigma):
    patches = Patches((8, 7), 3, wrap=wrap)
    x = image(2, 8, 7).requires_grad_()
    energy = V(patches(x), sigma).sum()
    (gradient,) = torch.autograd.grad(energy, x)
    score = PatchPrior(s_V, patches, chunk=chunk)(x.detach(), sigma)
    torch.testing.assert_close(score, -gradient, rtol=0, atol=1e-12)


def test_one_noise_level_for_each_image():
    patches, x = Patches((8, 7), 3), image(2, 8, 7)
    prior = PatchPrior(s_V, patches)
    sigma = torch.tensor([0.3, 1.5], dtype=torch.float64)
    wanted = torch.stack([prior(x[0], 0.3), prior(x[1], 1.5)])
    torch.testing.assert_close(prior(x, sigma), wanted)


def test_white_gaussian_patches_overcount_by_the_multiplicity():
    """Erratum 7: the plain sum of exact marginal scores is the multiplicity times the score."""
    patches, x = Patches((8, 8), 3, wrap=True), image(8, 8)
    prior = PatchPrior(lambda v, sigma: -v / (1 + sigma**2), patches)
    torch.testing.assert_close(prior(x, 1.0), -9 * x / 2)
    u = x / 10  # solves u - x = prior(u) for data x in noise of variance 1; the optimum is x / 2
    torch.testing.assert_close(prior(u, 0.0) + (x - u), torch.zeros_like(x))


def test_bad_arguments_are_named():
    patches = Patches((8, 7), 3)
    with pytest.raises(TypeError, match="patch_score must be callable"):
        PatchPrior(None, patches)
    with pytest.raises(TypeError, match="patches must be a Patches"):
        PatchPrior(s_V, "3x3")
    prior = PatchPrior(s_V, patches)
    with pytest.raises(ValueError, match="sigma must be non-negative"):
        prior(image(8, 7), -1.0)
    with pytest.raises(ValueError, match="sigma has shape"):
        prior(image(2, 8, 7), torch.ones(3))
    with pytest.raises(ValueError, match="x must have shape"):
        prior(image(7, 8))
    with pytest.raises(ValueError, match="must return the shape"):
        PatchPrior(lambda v, sigma: v[..., :1], patches)(image(8, 7))
