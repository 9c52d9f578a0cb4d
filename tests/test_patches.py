"""`lessons_lib.patches` against patches cut by hand."""

import pytest
import torch

from lessons_lib.patches import Patches

torch.set_num_threads(1)


def image(*shape, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=g)


def test_patches_are_the_slices_of_the_image_row_by_row():
    x, p = image(6, 8), 3
    v = Patches((6, 8), p)(x)
    wanted = [x[i : i + p, j : j + p].flatten() for i in range(4) for j in range(6)]
    assert torch.equal(v, torch.stack(wanted))


def test_wrapped_patches_continue_the_image_periodically():
    x, p = image(4, 5), 3
    v = Patches((4, 5), p, wrap=True)(x)
    tiled = x.repeat(2, 2)
    wanted = [tiled[i : i + p, j : j + p].flatten() for i in range(4) for j in range(5)]
    assert torch.equal(v, torch.stack(wanted))


def test_shape_of_a_batch():
    patches = Patches((6, 8), 2)
    v = patches(image(2, 3, 6, 8))
    assert v.shape == (2, 3, 35, 4) and patches.out_shape == (35, 4)
    assert patches.adjoint(v).shape == (2, 3, 6, 8)


def test_multiplicity_counts_the_patches_that_hold_a_pixel():
    count = Patches((5, 5), 3).multiplicity
    assert count[0, 0] == 1 and count[2, 2] == 9 and count[0, 2] == 3
    assert count.sum() == 9 * 9
    assert torch.equal(Patches((5, 6), 3, wrap=True).multiplicity, torch.full((5, 6), 9.0))


@pytest.mark.parametrize("wrap", [False, True])
def test_cutting_and_putting_back_multiplies_by_the_multiplicity(wrap):
    patches, x = Patches((7, 6), 3, wrap=wrap), image(2, 7, 6)
    torch.testing.assert_close(patches.adjoint(patches(x)), patches.multiplicity * x)


def slope(v, sigma):
    return torch.tanh(v)


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("chunk", [1, 7, 100000])
def test_aggregate_is_the_adjoint_of_the_function_of_the_patches(wrap, chunk):
    patches, x = Patches((7, 6), 3, wrap=wrap), image(2, 7, 6)
    wanted = patches.adjoint(torch.tanh(patches(x)))
    torch.testing.assert_close(patches.aggregate(slope, x, chunk=chunk), wanted)


def test_aggregate_never_holds_more_than_a_chunk():
    sizes = []

    def watch(v, sigma):
        sizes.append(v.shape[:-1].numel())
        return v

    Patches((20, 20), 4).aggregate(watch, image(3, 20, 20), chunk=60)
    assert max(sizes) == 60 and sum(sizes) == 3 * 17 * 17


def test_aggregate_is_differentiable():
    patches, x = Patches((5, 4), 2), image(5, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: patches.aggregate(slope, x, chunk=5), (x,))


def test_aggregate_gives_each_image_its_own_noise_level():
    patches, x = Patches((5, 4), 2), image(2, 5, 4)
    sigma = torch.tensor([0.5, 2.0], dtype=torch.float64)

    def weigh(v, sigma):
        return v * torch.as_tensor(sigma)[..., None]

    wanted = torch.stack([patches.aggregate(weigh, x[k], sigma[k]) for k in range(2)])
    torch.testing.assert_close(patches.aggregate(weigh, x, sigma), wanted)
    torch.testing.assert_close(wanted, patches.multiplicity * x * sigma[:, None, None])


def test_float32_stays_float32():
    patches, x = Patches((5, 4), 2), image(5, 4).float()
    assert patches(x).dtype == patches.adjoint(patches(x)).dtype == torch.float32


@pytest.mark.parametrize(
    ("shape", "size", "error", "words"),
    [
        ((5, 4), 5, ValueError, "got 5 for an image of shape"),
        ((5, 4), 0, ValueError, "positive"),
        ((5, 4), 2.0, TypeError, "an integer"),
        ((5, 4, 3), 2, TypeError, "two integers"),
    ],
)
@pytest.mark.parametrize("wrap", [False, True])
def test_impossible_sizes_are_refused(shape, size, error, words, wrap):
    with pytest.raises(error, match=words):
        Patches(shape, size, wrap=wrap)


def test_bad_tensors_are_refused():
    patches = Patches((5, 4), 2)
    with pytest.raises(ValueError, match="x must have shape"):
        patches(image(4, 5))
    with pytest.raises(ValueError, match="v must have shape"):
        patches.adjoint(image(12, 5))
    with pytest.raises(ValueError, match="must return the shape"):
        patches.aggregate(lambda v, sigma: v.sum(-1), image(5, 4))
