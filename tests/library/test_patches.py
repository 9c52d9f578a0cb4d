"""`lessons_lib.patches` against patches cut by hand."""

import subprocess
import sys
from pathlib import Path

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


def test_rectangular_patches_are_slices_too():
    x = image(5, 7)
    v = Patches((5, 7), (2, 3))(x)
    wanted = [x[i : i + 2, j : j + 3].flatten() for i in range(4) for j in range(5)]
    assert torch.equal(v, torch.stack(wanted))
    assert Patches((5, 7), (1, 7)).out_shape == (5, 7)
    assert torch.equal(Patches((5, 7), (3, 3)).index, Patches((5, 7), 3).index)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_mirrored_patches_are_slices_of_the_mirrored_image(size):
    x, before = image(4, 5), (size - 1) // 2
    row = torch.cat([x.flip(0), x, x.flip(0)])
    mirrored = torch.cat([row.flip(1), row, row.flip(1)], 1)  # (12, 15), x in the middle
    v = Patches((4, 5), size, border="reflect")(x)
    corners = [(4 + i - before, 5 + j - before) for i in range(4) for j in range(5)]
    wanted = [mirrored[i : i + size, j : j + size].flatten() for i, j in corners]
    assert torch.equal(v, torch.stack(wanted))


def test_mirrored_patches_of_odd_size_count_every_pixel_equally():
    count = Patches((6, 7), 5, border="reflect").multiplicity
    assert torch.equal(count, torch.full((6, 7), 25.0))


@pytest.mark.parametrize(("size", "shift"), [(1, 0.0), (2, 0.5), (3, 0.0), (4, 0.5)])
def test_reflected_patches_are_centred_on_their_pixel(size: int, shift: float) -> None:
    index = Patches((9, 9), size, border="reflect").index[4 * 9 + 4]  # of the middle pixel
    assert float((index // 9).double().mean()) == 4 + shift  # half a pixel down for even sizes
    assert float((index % 9).double().mean()) == 4 + shift


@pytest.mark.parametrize("border", ["valid", "wrap", "reflect"])
@pytest.mark.parametrize("size", [1, 2, 3, (2, 4)])
def test_multiplicity_is_what_the_adjoint_makes_of_ones(border, size):
    patches = Patches((6, 5), size, border=border)
    ones = torch.ones(patches.out_shape, dtype=torch.float64)
    assert torch.equal(patches.adjoint(ones), patches.multiplicity.double())
    a, b = patches.positions
    assert patches.out_shape == (a * b, patches.patch_shape[0] * patches.patch_shape[1])


def test_keep_takes_some_rows_and_columns_of_positions():
    patches, x = Patches((6, 7), (2, 3)), image(6, 7)
    some = patches.keep(slice(1, 4), torch.tensor([0, 4]))
    wanted = [x[i : i + 2, j : j + 3].flatten() for i in (1, 2, 3) for j in (0, 4)]
    assert torch.equal(some(x), torch.stack(wanted))
    assert patches.positions == (5, 5) and some.positions == (3, 2)
    torch.testing.assert_close(some.aggregate(slope, x, chunk=2), some.adjoint(some(x).tanh()))


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
        ((5, 4), 5, ValueError, r"got \(5, 5\) for an image of shape"),
        ((5, 4), (4, 5), ValueError, r"got \(4, 5\) for an image of shape"),
        ((5, 4), (2, 2, 2), TypeError, "an integer or two"),
        ((5, 4), 0, ValueError, "positive"),
        ((5, 4), 2.0, TypeError, "an integer"),
        ((5, 4, 3), 2, TypeError, "two integers"),
    ],
)
@pytest.mark.parametrize("wrap", [False, True])
def test_impossible_sizes_are_refused(shape, size, error, words, wrap):
    with pytest.raises(error, match=words):
        Patches(shape, size, wrap=wrap)


def test_a_border_that_is_unknown_or_contradicts_is_refused():
    with pytest.raises(ValueError, match="border must be one of valid, wrap, reflect, got 'zero'"):
        Patches((5, 4), 2, border="zero")
    with pytest.raises(ValueError, match="wrap=True contradicts border='valid'"):
        Patches((5, 4), 2, wrap=True, border="valid")
    assert Patches((5, 4), 2, border="wrap").wrap and not Patches((5, 4), 2, border="reflect").wrap


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from /proc")
def test_a_large_image_fits_into_two_gigabytes():
    """All 5 x 5 patches of 2048 x 2048 pixels take 0.4 GB, the table of their pixels 0.8 GB."""
    program = (
        "import torch\n"
        "from lessons_lib.patches import Patches\n"
        "torch.set_num_threads(1)\n"
        "patches = Patches((2048, 2048), 5)\n"
        "x = torch.ones(2048, 2048)\n"
        "y = patches.aggregate(lambda v, sigma: v, x, chunk=2**17)\n"
        "assert torch.equal(y, patches.multiplicity)\n"
        "print([line for line in open('/proc/self/status') if 'VmHWM' in line][0].split()[1])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 700_000  # kB, torch itself included; getrusage counts the parent too


def test_bad_tensors_are_refused():
    patches = Patches((5, 4), 2)
    with pytest.raises(ValueError, match="x must have shape"):
        patches(image(4, 5))
    with pytest.raises(ValueError, match="v must have shape"):
        patches.adjoint(image(12, 5))
    with pytest.raises(ValueError, match="must return the shape"):
        patches.aggregate(lambda v, sigma: v.sum(-1), image(5, 4))
