"""What a tensor must be before an equation sees it."""

from __future__ import annotations

import cmath

import torch
from torch import Tensor


def check_tensor(
    x: Tensor,
    name: str,
    *,
    last: tuple[int, ...] | None = None,
    axes: str | None = None,
    min_dims: int = 1,
    complex_allowed: bool = False,
    half_allowed: bool = False,
) -> Tensor:
    """Return ``x`` if it is a finite floating-point tensor of the wanted shape.

    Parameters
    ----------
    name : str
        Its name in the caller's signature, used in the message.
    last : tuple of int, optional
        The wanted trailing dimensions, e.g. ``(n,)`` for points or ``(H, W)`` for images.
    axes : str, optional
        Names of all dimensions, e.g. ``"T, n"`` or ``"n,"``: so many, and none of them empty.
    min_dims : int
        The least number of dimensions, when neither is given.
    complex_allowed, half_allowed : bool
        Accept complex values too; accept float16 and bfloat16, for functions that compute in
        float32 then.
    """
    if not isinstance(x, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(x).__name__}")
    if not (x.is_floating_point() or (complex_allowed and x.is_complex())):
        raise TypeError(f"{name} must have a floating-point dtype, got {x.dtype}")
    if torch.finfo(x.dtype).bits < 32 and not half_allowed:
        raise TypeError(f"{name} must be float32 or float64, got {x.dtype}: convert it by .float()")
    shape = tuple(x.shape)
    if last is not None and shape[-len(last) :] != tuple(last):
        stars = ", ".join(str(d) for d in last)
        raise ValueError(f"{name} must have shape (*, {stars}), got {shape}")
    if axes is not None and (x.ndim != len(axes.split()) or 0 in shape):
        raise ValueError(f"{name} must have shape ({axes}), got {shape}")
    if last is None and x.ndim < min_dims:
        raise ValueError(f"{name} must have at least {min_dims} dimension(s), got shape {shape}")
    if not finite(x):
        bad = int((~torch.isfinite(x)).sum())
        raise ValueError(f"{name} must be finite, got {bad} NaN or infinite value(s)")
    return x


def finite(x: Tensor) -> bool:
    """Whether no entry of ``x`` is NaN or infinite.

    A finite sum has finite terms; the terms are looked at only where the sum may have overflowed.
    """
    return cmath.isfinite(x.sum().item()) or bool(torch.isfinite(x).all())


def broadcasts(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether a tensor of this ``shape`` can be expanded to the ``wanted`` one."""
    try:
        return torch.broadcast_shapes(shape, wanted) == torch.Size(wanted)
    except RuntimeError:
        return False
