"""What a tensor must be before an equation sees it."""

from __future__ import annotations

import torch
from torch import Tensor


def check_tensor(
    x: Tensor,
    name: str,
    *,
    last: tuple[int, ...] | None = None,
    min_dims: int = 1,
    complex_allowed: bool = False,
    half_allowed: bool = False,
) -> Tensor:
    """Return ``x`` if it is a finite floating-point tensor of the wanted trailing shape.

    Parameters
    ----------
    x : Tensor
        The argument to check.
    name : str
        Its name in the caller's signature, used in the message.
    last : tuple of int, optional
        The wanted trailing dimensions, e.g. ``(n,)`` for points or ``(H, W)`` for images.
    min_dims : int
        The least number of dimensions, when ``last`` is not given.
    complex_allowed : bool
        Accept complex values as well as real ones.
    half_allowed : bool
        Accept float16 and bfloat16, for functions that compute in float32 then.

    Returns
    -------
    Tensor
        ``x`` itself.

    Raises
    ------
    TypeError
        If ``x`` is not a tensor, not of floating-point type, or of half precision.
    ValueError
        If the trailing shape is wrong or a value is not finite.
    """
    if not isinstance(x, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(x).__name__}")
    if not (x.is_floating_point() or (complex_allowed and x.is_complex())):
        raise TypeError(f"{name} must have a floating-point dtype, got {x.dtype}")
    if torch.finfo(x.dtype).bits < 32 and not half_allowed:
        raise TypeError(f"{name} must be float32 or float64, got {x.dtype}: convert it by .float()")
    if last is not None and tuple(x.shape[-len(last) :]) != tuple(last):
        stars = ", ".join(str(k) for k in last)
        raise ValueError(f"{name} must have shape (*, {stars}), got {tuple(x.shape)}")
    if last is None and x.ndim < min_dims:
        raise ValueError(
            f"{name} must have at least {min_dims} dimension(s), got shape {tuple(x.shape)}"
        )
    if not bool(torch.isfinite(x.detach()).all()):
        raise ValueError(
            f"{name} must be finite, got {int((~torch.isfinite(x)).sum())} NaN or infinite value(s)"
        )
    return x
