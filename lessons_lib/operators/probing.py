"""Try an operator: is its adjoint right, how large is it, and what would it measure?"""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.operators.linear import Applies
from lessons_lib.shapes import check_count, check_number, unit_normal


def dot_test(
    A: Applies, *, generator: torch.Generator | None = None, dtype: torch.dtype = torch.float64
) -> float:
    """Measure how far an adjoint is from being one, ``|<A x, y> - <x, A' y>| / (||A x|| ||y||)``.

    About 1e-16 in float64 when the adjoint is right; of order 1 when it is not. ``A`` is anything
    with ``in_shape``, a call, and ``adjoint``; ``x`` is drawn in ``dtype``, real or complex.
    """
    generator = generator or torch.Generator().manual_seed(0)
    x = torch.randn(A.in_shape, generator=generator, dtype=dtype)
    Ax = A(x)
    y = torch.randn(Ax.shape, generator=generator, dtype=Ax.dtype)
    Aty = A.adjoint(y)
    if Aty.shape != x.shape:
        got = tuple(Aty.shape)
        raise ValueError(f"A.adjoint(y) must have shape {tuple(x.shape)} like x, got {got}")
    size = float(Ax.norm() * y.norm())
    if size == 0:
        raise ValueError("A(x) vanishes for a random x: the dot test would pass for any adjoint")
    left = torch.vdot(Ax.flatten(), y.flatten()).real
    right = torch.vdot(x.flatten().to(Aty.dtype), Aty.flatten()).real
    return abs(float(left - right)) / size


def measure(
    A: Applies, x: Tensor, noise_std: float, *, generator: torch.Generator | None = None
) -> Tensor:
    """Make a measurement ``y = A x + noise_std * noise``, ``(*, in_shape) -> (*, out_shape)``.

    References: chapter 06_scans.

    Parameters
    ----------
    A : LinearOperator
        Any operator.
    x : Tensor, shape ``(*, in_shape)``
        The truth.
    noise_std : float
        Standard deviation of the noise, in the units of ``y``; of the real part and of the
        imaginary part each, where the data are complex. Zero gives clean data.
    """
    noise_std, Ax = check_number(noise_std, "noise_std", zero_allowed=True), A(x)
    generator = generator or torch.Generator(device=Ax.device).manual_seed(0)
    noise = unit_normal(Ax.shape, Ax.real, generator)
    if Ax.is_complex():
        noise = torch.complex(noise, unit_normal(Ax.shape, Ax.real, generator))
    return Ax + noise_std * noise


def squared_norm(A: Applies, *, num_steps: int = 50, dtype: torch.dtype = torch.float64) -> float:
    """Largest eigenvalue of ``A' A`` by the power method, the square of the operator's norm.

    It says how much ``A`` enlarges the squared length of an image at most. Each of ``num_steps``
    applications of ``A' A`` brings the estimate closer from below, slowly where the largest
    eigenvalues lie close together. References: chapter 06_scans.
    """
    num_steps = check_count(num_steps, "num_steps")
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(A.in_shape, generator=generator, dtype=dtype)
    size = 0.0
    for _ in range(num_steps):
        x = A.adjoint(A(x / x.norm().clamp(min=torch.finfo(dtype).tiny)))
        size = float(x.norm())
    return size
