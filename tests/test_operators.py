"""`lessons_lib.operators`: the adjoints are exact, and `dot_test` sees the ones that are not."""

import pytest
import torch

from lessons_lib.operators import Identity, LinearOperator, Matrix, dot_test
from lessons_lib.patches import Patches

torch.set_num_threads(1)

MATRIX = torch.randn(5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

OPERATORS = {
    "identity": Identity((6, 9)),
    "matrix": Matrix(MATRIX),
    "patches": Patches((9, 7), 3),
    "patches, wrapped": Patches((9, 7), 3, wrap=True),
    "patches, mirrored": Patches((9, 7), 4, border="reflect"),
    "patches of two rows": Patches((9, 7), (2, 5)),
    "some of the patches": Patches((9, 7), 3).keep(slice(1, None), torch.tensor([0, 2])),
    "patches of the whole image": Patches((4, 4), 4),
}


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
