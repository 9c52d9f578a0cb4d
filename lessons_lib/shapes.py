"""Shape conventions, the `Score` type, and the checks that every module shares.

=================  ==============  ====================================================
symbol             shape           meaning
=================  ==============  ====================================================
``x`` (a point)    ``(*, n)``      any number of batch dimensions, then ``n`` coordinates
``x`` (an image)   ``(*, H, W)``   any number of batch dimensions, then rows and columns
``v`` (patches)    ``(*, L, n)``   ``L`` patches of ``n`` pixels for each image
``sigma``          ``()`` or ``(*)``  one noise level, or one for each member of the batch
=================  ==============  ====================================================

The *event* is what one density value or one score vector belongs to: the last dimension of a
point, the last two of an image. ``sigma`` never has event dimensions; `expand_sigma` adds them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import SupportsFloat

import torch
from torch import Tensor

Sigma = float | Tensor
"""A noise level: a number, or a tensor shaped like the batch dimensions of ``x``."""

Score = Callable[[Tensor, Sigma], Tensor]
"""``score(x, sigma)`` is the gradient in ``x`` of ``log p_sigma(x)``, shaped like ``x``."""


def expand_sigma(sigma: Sigma, x: Tensor, *, event_dims: int = 1, positive: bool = False) -> Tensor:
    """Check ``sigma`` and give it the trailing ones that let it multiply ``x``.

    Parameters
    ----------
    sigma : float or Tensor, shape ``()`` or broadcastable to ``x.shape[:-event_dims]``
        Noise level, in the units of ``x``.
    x : Tensor, shape ``(*, event)``
        The tensor that the result will be combined with; gives dtype and device.
    event_dims : int
        1 for points ``(*, n)``, 2 for images ``(*, H, W)``.
    positive : bool
        Refuse zero as well as negative values.

    Returns
    -------
    Tensor
        Shape ``()`` for a scalar, otherwise ``sigma.shape + (1,) * event_dims``.

    Raises
    ------
    TypeError
        If ``sigma`` is neither a number nor a tensor.
    ValueError
        If ``sigma`` is negative (or zero with ``positive``), not finite, or its shape does not
        broadcast to the batch dimensions of ``x``.
    """
    level = check_sigma(sigma, x, positive=positive)
    if level.ndim == 0:
        return level
    batch = x.shape[: x.ndim - event_dims]
    try:
        fits = torch.broadcast_shapes(level.shape, batch) == batch
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError(
            f"sigma has shape {tuple(level.shape)}; wanted () or a shape that broadcasts to "
            f"the batch dimensions {tuple(batch)} of x"
        )
    return level.reshape(level.shape + (1,) * event_dims)  # (*) -> (*, 1, ...)


def check_sigma(sigma: Sigma, x: Tensor, *, positive: bool = False) -> Tensor:
    """Return ``sigma`` as a tensor with the dtype and device of ``x``, whatever its shape.

    For callers that only hand ``sigma`` on; see `expand_sigma`, which also looks at the shape.

    Parameters
    ----------
    sigma : float or Tensor
        Noise level.
    x : Tensor
        Gives dtype and device.
    positive : bool
        Refuse zero as well as negative values.

    Returns
    -------
    Tensor
        Shaped like ``sigma``.

    Raises
    ------
    TypeError, ValueError
        As `expand_sigma`.
    """
    if isinstance(sigma, str) or not isinstance(sigma, Tensor | SupportsFloat):
        raise TypeError(f"sigma must be a number or a torch.Tensor, got {type(sigma).__name__}")
    level = torch.as_tensor(sigma, dtype=x.dtype, device=x.device)
    wanted = "positive" if positive else "non-negative"
    if not bool(torch.isfinite(level).all()):
        raise ValueError(f"sigma must be finite, got {sigma}")
    if bool((level <= 0).any() if positive else (level < 0).any()):
        raise ValueError(f"sigma must be {wanted}, got a minimum of {float(level.min()):g}")
    return level


def check_number(value: float, name: str, *, zero_allowed: bool = False) -> float:
    """Return ``value`` as a float if it is one positive finite number (or zero, if allowed).

    Parameters
    ----------
    value : float
        The argument to check; a tensor with one entry will do.
    name : str
        Its name in the caller's signature, used in the message.
    zero_allowed : bool
        Accept zero as well as positive values.

    Returns
    -------
    float
        The number.

    Raises
    ------
    TypeError
        If it is not a number, or a tensor that holds several.
    ValueError
        If it is out of range.
    """
    wanted = "non-negative" if zero_allowed else "positive"
    try:
        number = float(value)
    except (TypeError, ValueError, RuntimeError):
        number = None
    if number is None or isinstance(value, str):
        got = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)
        raise TypeError(f"{name} must be one {wanted} number, got {got}")
    if not (0 <= number if zero_allowed else 0 < number) or not math.isfinite(number):
        raise ValueError(f"{name} must be {wanted} and finite, got {number:g}")
    return number


def check_count(value: int, name: str) -> int:
    """Return ``value`` if it is a positive integer.

    Parameters
    ----------
    value : int
        The argument to check.
    name : str
        Its name in the caller's signature, used in the message.

    Returns
    -------
    int
        ``value`` itself.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
    return value


def check_tensor(
    x: Tensor,
    name: str,
    *,
    last: tuple[int, ...] | None = None,
    min_dims: int = 1,
    complex_allowed: bool = False,
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

    Returns
    -------
    Tensor
        ``x`` itself.

    Raises
    ------
    TypeError
        If ``x`` is not a tensor or not of floating-point type.
    ValueError
        If the trailing shape is wrong or a value is not finite.
    """
    if not isinstance(x, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(x).__name__}")
    if not (x.is_floating_point() or (complex_allowed and x.is_complex())):
        raise TypeError(f"{name} must have a floating-point dtype, got {x.dtype}")
    if last is not None and tuple(x.shape[-len(last) :]) != tuple(last):
        stars = ", ".join(str(k) for k in last)
        raise ValueError(f"{name} must have shape (*, {stars}), got {tuple(x.shape)}")
    if last is None and x.ndim < min_dims:
        raise ValueError(
            f"{name} must have at least {min_dims} dimension(s), got shape {tuple(x.shape)}"
        )
    if not bool(torch.isfinite(x).all()):
        raise ValueError(
            f"{name} must be finite, got {int((~torch.isfinite(x)).sum())} NaN or infinite value(s)"
        )
    return x


def check_score_output(s: Tensor, x: Tensor, name: str = "score") -> Tensor:
    """Return ``s`` if it has the shape of ``x``, as every score must; ``name`` is who made it.

    Raises
    ------
    TypeError
        If ``s`` is no tensor.
    ValueError
        If the shapes differ.
    """
    if not isinstance(s, Tensor):
        raise TypeError(f"{name}(x, sigma) must return a torch.Tensor, got {type(s).__name__}")
    if s.shape != x.shape:
        raise ValueError(
            f"{name}(x, sigma) must return the shape of x, {tuple(x.shape)}, got {tuple(s.shape)}"
        )
    return s
