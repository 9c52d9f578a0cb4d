"""`lessons_lib.operators`: the adjoints are exact, and `dot_test` sees the ones that are not."""

import pytest
import torch

from lessons_lib.operators import (
    Identity,
    LinearOperator,
    MaskedFourier,
    Matrix,
    dot_test,
    even_lines,
    measure,
    random_lines,
    squared_norm,
)
from lessons_lib.patches import Patches

torch.set_num_threads(1)

MATRIX = torch.randn(5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
LINES = random_lines((8, 6), 4, centre=1)

OPERATORS = {
    "identity": Identity((6, 9)),
    "matrix": Matrix(MATRIX),
    "Fourier lines": MaskedFourier(LINES),
    "Fourier lines of odd shapes": MaskedFourier(random_lines((7, 9), 3)),
    "all of Fourier": MaskedFourier(torch.ones(5, 4, dtype=torch.bool)),
    "Fourier lines of complex images": MaskedFourier(LINES, real=False),
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


def test_matrix_must_be_a_matrix():
    with pytest.raises(ValueError, match=r"\(m, n\)"):
        Matrix(torch.zeros(3))


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
        (lambda: squared_norm(Identity((2, 2)), num_steps=0), ValueError, "num_steps must be"),
    ],
)
def test_operators_refuse_bad_settings(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_real_operator_refuses_complex_images():
    with pytest.raises(TypeError, match="x must have a floating-point dtype"):
        MaskedFourier(LINES)(torch.zeros(8, 6, dtype=torch.complex128))
