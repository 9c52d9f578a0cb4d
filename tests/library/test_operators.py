"""`lessons_lib.operators`: the adjoints are exact, and `dot_test` sees the ones that are not."""

import pytest
import torch
from matrices import Matrix

from lessons_lib.operators import (
    Blur,
    Identity,
    LinearOperator,
    MaskedFourier,
    ParallelBeam,
    dot_test,
    even_lines,
    gaussian_kernel,
    measure,
    random_lines,
    squared_norm,
)
from lessons_lib.patches import Patches

torch.set_num_threads(1)

MATRIX = torch.randn(5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
LINES = random_lines((8, 6), 4, centre=1)
BLOB = torch.rand(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
ANGLES = torch.tensor([0.0, 17.0, 45.0, 90.0, 133.7])

OPERATORS = {
    "identity": Identity((6, 9)),
    "matrix": Matrix(MATRIX),
    "Fourier lines": MaskedFourier(LINES),
    "Fourier lines of odd shapes": MaskedFourier(random_lines((7, 9), 3)),
    "all of Fourier": MaskedFourier(torch.ones(5, 4, dtype=torch.bool)),
    "Fourier lines of complex images": MaskedFourier(LINES, real=False),
    "blur that wraps": Blur((7, 10), BLOB),
    "blur of what is inside": Blur((7, 10), BLOB, border="valid"),
    "parallel beams": ParallelBeam((6, 9), ANGLES),
    "parallel beams on a short detector": ParallelBeam((8, 8), ANGLES, num_bins=5),
    "patches": Patches((9, 7), 3),
    "patches, wrapped": Patches((9, 7), 3, wrap=True),
    "patches, mirrored": Patches((9, 7), 4, border="reflect"),
    "patches of two rows": Patches((9, 7), (2, 5)),
    "some of the patches": Patches((9, 7), 3).keep(slice(1, None), torch.tensor([0, 2])),
    "patches of the whole image": Patches((4, 4), 4),
}


def g(seed):
    return torch.Generator().manual_seed(seed)


class Broken(LinearOperator):
    """An operator with a wrong adjoint, made from a right one."""

    def __init__(self, inner, change):
        self.inner, self.change = inner, change
        self.in_shape, self.out_shape = inner.in_shape, inner.out_shape

    def __call__(self, x):
        return self.inner(x)

    def adjoint(self, y):
        return self.change(self.inner.adjoint(y))


@pytest.mark.parametrize("name", OPERATORS)
def test_adjoint_is_exact(name):
    assert dot_test(OPERATORS[name]) < 1e-14
    assert dot_test(OPERATORS[name], generator=torch.Generator().manual_seed(5)) < 1e-14


def test_adjoint_is_exact_for_complex_images():
    assert dot_test(MaskedFourier(LINES, real=False), dtype=torch.complex128) < 1e-14


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("change", [lambda x: -x, lambda x: 2 * x, lambda x: x.roll(1, 0)])
def test_dot_test_rejects_a_wrong_adjoint(name, change):
    assert dot_test(Broken(OPERATORS[name], change)) > 1e-3


@pytest.mark.parametrize("name", OPERATORS)
def test_shapes_batches_and_normal(name):
    A = OPERATORS[name]
    x = torch.randn(2, 3, *A.in_shape, dtype=torch.float64)
    y = A(x)
    assert y.shape == (2, 3, *A.out_shape)
    torch.testing.assert_close(A.normal(x), A.adjoint(y))
    torch.testing.assert_close(A(x[1, 2]), y[1, 2])
    torch.testing.assert_close(A.adjoint(y[1, 2]), A.adjoint(y)[1, 2])


@pytest.mark.parametrize("name", OPERATORS)
def test_squared_norm_is_the_largest_eigenvalue(name):
    A = OPERATORS[name]
    size = torch.Size(A.in_shape).numel()
    unit = torch.eye(size, dtype=torch.float64).reshape(size, *A.in_shape)
    gram = A.normal(unit).real.reshape(size, size)
    largest = float(torch.linalg.eigvalsh(gram)[-1])
    assert abs(squared_norm(A, num_steps=2000) / largest - 1) < 1e-6
    assert squared_norm(A) <= largest * (1 + 1e-12)


@pytest.mark.parametrize("name", OPERATORS)
def test_a_measurement_is_the_data_plus_noise(name):
    A = OPERATORS[name]
    x = torch.randn(200, *A.in_shape, dtype=torch.float64, generator=torch.Generator())
    clean = measure(A, x, 0.0)
    torch.testing.assert_close(clean, A(x), rtol=0, atol=0)
    noise = measure(A, x, 0.3, generator=torch.Generator().manual_seed(3)) - clean
    parts = [noise.real, noise.imag] if noise.is_complex() else [noise]
    for part in parts:
        assert abs(float(part.std()) / 0.3 - 1) < 0.1
    if len(parts) == 2:
        assert abs(float((parts[0] * parts[1]).mean())) < 0.1 * 0.3**2
    with pytest.raises(ValueError, match="noise_std must be non-negative"):
        measure(A, x, -1.0)


@pytest.mark.parametrize("name", OPERATORS)
def test_bad_input_is_named(name):
    A = OPERATORS[name]
    with pytest.raises(ValueError, match="x must have shape"):
        A(torch.zeros(*(k + 1 for k in A.in_shape)))
    with pytest.raises(ValueError, match="must have shape"):
        A.adjoint(torch.zeros(*(k + 1 for k in A.out_shape)))
    with pytest.raises(TypeError, match="floating-point"):
        A(torch.zeros(A.in_shape, dtype=torch.int64))


def test_dot_test_refuses_to_pass_for_nothing():
    with pytest.raises(ValueError, match="vanishes"):
        dot_test(Matrix(torch.zeros(2, 2, dtype=torch.float64)))
    with pytest.raises(ValueError, match=r"adjoint\(y\) must have shape"):
        dot_test(Broken(Identity((3, 3)), lambda x: x[0]))


def test_an_operator_without_its_two_methods_says_so():
    with pytest.raises(NotImplementedError, match="does not define __call__"):
        LinearOperator()(torch.zeros(1))
    with pytest.raises(NotImplementedError, match="does not define adjoint"):
        LinearOperator().adjoint(torch.zeros(1))


def test_fourier_data_are_the_discrete_transform():
    """Against the sum written out, at one frequency."""
    A, x = MaskedFourier(LINES), torch.randn(8, 6, dtype=torch.float64, generator=g(1))
    i, j = torch.meshgrid(torch.arange(8).double(), torch.arange(6).double(), indexing="ij")
    row = int(LINES[:, 0].nonzero()[2])
    turns = torch.exp(-2j * torch.pi * (row * i / 8 + 2 * j / 6))
    expected = (x * turns).sum() / 48**0.5
    torch.testing.assert_close(A.fill(A(x))[row, 2].to(expected), expected)
    assert bool((A.fill(A(x))[~LINES] == 0).all())


def test_even_lines_see_the_image_and_its_alias_together():
    """What even lines cannot see: anything that the shift by half the height turns over."""
    A, x = MaskedFourier(even_lines((8, 6))), torch.randn(8, 6, dtype=torch.float64, generator=g(2))
    hidden = x - x.roll(4, 0)
    assert float(A(hidden).abs().max()) < 1e-14
    torch.testing.assert_close(A.normal(x), (x + x.roll(4, 0)) / 2)


def test_masks_hold_what_they_promise():
    assert even_lines((8, 6))[:, 0].tolist() == [k % 2 == 0 for k in range(8)]
    assert even_lines((8, 6), every=4, centre=3)[:, 0].nonzero()[:, 0].tolist() == [0, 1, 4, 7]
    for seed in range(5):
        mask = random_lines((16, 6), 8, centre=4, generator=g(seed))
        assert mask.shape == (16, 6) and int(mask[:, 0].sum()) == 8
        assert bool((mask == mask[:, :1]).all()) and bool(mask[[14, 15, 0, 1]].all())
    drawn = torch.stack([random_lines((16, 6), 8, generator=g(k))[:, 0] for k in range(400)])
    assert float((drawn.double().mean(0) - 0.5).abs().max()) < 0.1


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: MaskedFourier(torch.ones(4, 4)), TypeError, "mask must be a boolean"),
        (lambda: MaskedFourier("abc"), TypeError, "mask must be a boolean .* got str"),
        (lambda: MaskedFourier(torch.zeros(4, 4, dtype=torch.bool)), ValueError, "select"),
        (lambda: MaskedFourier(torch.ones(4, dtype=torch.bool)), ValueError, r"\(H, W\)"),
        (lambda: even_lines((8, 8), every=0), ValueError, "every must be a positive integer"),
        (lambda: even_lines((8, 8), centre=9), ValueError, "centre must be an integer from 0 to 8"),
        (lambda: random_lines((8, 8), 9), ValueError, "num must lie between centre and H, 0 and 8"),
        (lambda: random_lines((8, 8), 2, centre=3), ValueError, "num must lie between centre"),
        (lambda: Blur((8, 8), torch.ones(2, 3)), ValueError, "kernel must be a matrix with odd"),
        (lambda: Blur((8, 8), torch.ones(9, 3)), ValueError, r"fit the image \(8, 8\)"),
        (lambda: Blur((8, 8), torch.ones(3, 3), border="mirror"), ValueError, "border must be one"),
        (lambda: Blur((8, 8), [1.0]), TypeError, "kernel must be a torch.Tensor, got list"),
        (lambda: gaussian_kernel(0.0), ValueError, "std must be positive"),
        (lambda: gaussian_kernel(1.0, radius=-1), ValueError, "radius must be a non-negative"),
        (lambda: ParallelBeam((8, 8), torch.zeros(2, 2)), ValueError, r"angles must have .*\(K,\)"),
        (lambda: ParallelBeam((8, 8), [0.0]), TypeError, "angles must be a torch.Tensor"),
        (lambda: ParallelBeam((0, 8), torch.zeros(2)), ValueError, "each side of image_shape"),
        (lambda: ParallelBeam((8, 8), torch.zeros(2), num_bins=0), ValueError, "num_bins must be"),
        (lambda: squared_norm(Identity((2, 2)), num_steps=0), ValueError, "num_steps must be"),
    ],
)
def test_operators_refuse_bad_settings(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_real_operator_refuses_complex_images():
    with pytest.raises(TypeError, match="x must have a floating-point dtype"):
        MaskedFourier(LINES)(torch.zeros(8, 6, dtype=torch.complex128))


def test_blur_is_a_convolution_written_out():
    x = torch.randn(7, 10, dtype=torch.float64, generator=g(3))
    y = Blur((7, 10), BLOB)(x)
    for row, column in ((0, 0), (3, 9), (6, 5)):
        total = sum(
            BLOB[2 + i, 1 + j] * x[(row - i) % 7, (column - j) % 10]
            for i in (-2, -1, 0, 1, 2)
            for j in (-1, 0, 1)
        )
        torch.testing.assert_close(y[row, column], total)
    torch.testing.assert_close(Blur((7, 10), BLOB, border="valid")(x), y[2:5, 1:9])


def test_gaussian_kernel_has_its_width():
    kernel = gaussian_kernel(1.5, radius=12)
    place = torch.arange(-12, 13, dtype=torch.float64)
    assert kernel.shape == (25, 25) and abs(float(kernel.sum()) - 1) < 1e-14
    assert abs(float((kernel.sum(0) * place**2).sum()) - 1.5**2) < 1e-6
    assert gaussian_kernel(1.5).shape == (11, 11) and gaussian_kernel(0.1).shape == (1, 1)


def drawn_disk(size, radius, row=0.0, column=0.0, fine=8):
    """Covered area of each pixel, by counting in a fine grid."""
    place = (torch.arange(size * fine).double() + 0.5) / fine - size / 2
    inside = (place[:, None] - row) ** 2 + (place - column) ** 2 < radius**2
    return inside.double().unflatten(1, (-1, fine)).unflatten(0, (-1, fine)).mean((1, 3))


def test_projections_of_a_disk_are_chords():
    radius, (row, column) = 20.0, (4.0, -7.0)
    angles = torch.arange(0.0, 180.0, 11.0)
    A = ParallelBeam((64, 64), angles)
    y = A(drawn_disk(64, radius, row, column))
    theta = torch.deg2rad(angles.double())[:, None]
    t = torch.arange(A.out_shape[1]).double() - (A.out_shape[1] - 1) / 2
    t = t - (column * theta.cos() - row * theta.sin())
    chord = 2 * (radius**2 - t**2).clamp(min=0).sqrt()
    inside = t.abs() < radius - 2
    assert float((y - chord)[inside].abs().max()) < 0.02 * 2 * radius
    assert float((y - chord)[inside].mean().abs()) < 0.02
    assert float(y[t.abs() > radius + 2].abs().max()) == 0


@pytest.mark.parametrize("angle", [0.0, 30.0, 45.0, 88.0, 90.0, 179.9999, 180.0])
def test_every_angle_sees_the_whole_mass(angle):
    x = torch.rand(9, 12, dtype=torch.float64, generator=g(4))
    y = ParallelBeam((9, 12), torch.tensor([angle]))(x)
    assert y.shape == (1, 16) and float(y.min()) >= 0
    torch.testing.assert_close(y.sum(), x.sum(), rtol=1e-5, atol=0)


def test_right_angles_sum_columns_and_rows():
    x = torch.rand(8, 8, dtype=torch.float64, generator=g(5))
    y = ParallelBeam((8, 8), torch.tensor([0.0, 90.0, 180.0]), num_bins=8)(x)
    torch.testing.assert_close(y, torch.stack([x.sum(0), x.sum(1).flip(0), x.sum(0).flip(0)]))


def test_a_slanted_pixel_casts_its_trapezoid():
    """At 45 degrees a pixel's shadow is a triangle of width sqrt(2): shares by hand."""
    A = ParallelBeam((1, 1), torch.tensor([45.0]), num_bins=3)
    side = (2**0.5 / 2 - 0.5) ** 2  # the corner beyond half a bin
    expected = torch.tensor([[side, 1 - 2 * side, side]], dtype=torch.float64)
    torch.testing.assert_close(A(torch.ones(1, 1, dtype=torch.float64)), expected)


def test_projections_resemble_those_of_scikit_image():
    from skimage.transform import radon

    x = drawn_disk(65, 12.0, 5.0, -9.0) + 2 * drawn_disk(65, 5.0, -10.0, 3.0)
    angles = torch.tensor([0.0, 25.0, 60.0, 100.0, 155.0])
    mine = ParallelBeam((65, 65), angles)(x)
    theirs = torch.as_tensor(radon(x.numpy(), angles.numpy(), circle=False).T)
    middle, other = mine.shape[1] // 2, theirs.shape[1] // 2  # both look at the middle pixel
    there = mine[:, middle - other : middle - other + theirs.shape[1]]
    assert float((there - theirs).norm() / theirs.norm()) < 0.03
