"""An operator that every answer is known for: a matrix."""

from __future__ import annotations

from torch import Tensor

from lessons_lib.operators import LinearOperator
from lessons_lib.shapes import check_tensor


class Matrix(LinearOperator):
    """``A x = M x`` on vectors; the adjoint is ``M'``."""

    def __init__(self, matrix: Tensor) -> None:
        self.matrix = matrix
        self.out_shape, self.in_shape = (matrix.shape[0],), (matrix.shape[1],)

    def __call__(self, x: Tensor) -> Tensor:
        return check_tensor(x, "x", last=self.in_shape) @ self.matrix.to(x).mT

    def adjoint(self, y: Tensor) -> Tensor:
        return check_tensor(y, "y", last=self.out_shape) @ self.matrix.to(y)
