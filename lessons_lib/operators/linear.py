"""What an operator is, and the simplest of them: nothing at all."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from lessons_lib.shapes import check_count, check_tensor


class LinearOperator:
    """What every operator offers: ``A(x)``, ``A.adjoint(y)``, ``A.normal(x)`` and two shapes.

    A subclass sets ``in_shape`` and ``out_shape`` and defines ``__call__`` and ``adjoint``, both
    with any batch dimensions in front, and both computed from the same table so that they match
    exactly.
    """

    in_shape: tuple[int, ...]
    out_shape: tuple[int, ...]

    def __call__(self, x: Tensor) -> Tensor:
        """Apply the operator, ``(*, in_shape) -> (*, out_shape)``."""
        raise NotImplementedError(f"{type(self).__name__} does not define __call__")

    def adjoint(self, y: Tensor) -> Tensor:
        """Apply the adjoint, ``(*, out_shape) -> (*, in_shape)``."""
        raise NotImplementedError(f"{type(self).__name__} does not define adjoint")

    def normal(self, x: Tensor) -> Tensor:
        """Apply ``A' A``, ``(*, in_shape) -> (*, in_shape)``."""
        return self.adjoint(self(x))


class Applies(Protocol):
    """What `dot_test` and the likelihoods need of an operator: the call, the adjoint, its shape."""

    in_shape: tuple[int, ...]

    def __call__(self, x: Tensor, /) -> Tensor:
        """Apply the operator."""
        ...

    def adjoint(self, y: Tensor, /) -> Tensor:
        """Apply the adjoint."""
        ...


class Identity(LinearOperator):
    """The operator of plain denoising, ``A x = x``.

    Parameters
    ----------
    shape : tuple of int
        Shape of one image.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        sides = (check_count(side, "each side of shape") for side in shape)
        self.in_shape = self.out_shape = tuple(sides)

    def __call__(self, x: Tensor) -> Tensor:
        """Return ``x``, ``(*, shape)``."""
        return check_tensor(x, "x", last=self.in_shape)

    def adjoint(self, y: Tensor) -> Tensor:
        """Return ``y``, ``(*, shape)``."""
        return check_tensor(y, "y", last=self.out_shape)
