"""Noise levels: one number, or one for each member of a batch."""

from __future__ import annotations

from typing import SupportsFloat

import torch
from torch import Tensor

Sigma = float | Tensor
"""A noise level: a number, or a tensor (or array) shaped like the batch dimensions of ``x``."""


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
    return _expanded(check_sigma(sigma, x, positive=positive), x, event_dims)


def _expanded(level: Tensor, x: Tensor, event_dims: int) -> Tensor:
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
    if not isinstance(sigma, Tensor) and hasattr(sigma, "__array__"):
        sigma = sigma.copy()  # a reversed NumPy array, for instance, is no memory of a tensor
    level = torch.as_tensor(sigma, dtype=x.dtype, device=x.device)
    wanted = "positive" if positive else "non-negative"
    if not bool(torch.isfinite(level.detach()).all()):
        raise ValueError(f"sigma must be finite, got {sigma}")
    if bool((level <= 0).any() if positive else (level < 0).any()):
        raise ValueError(f"sigma must be {wanted}, got a minimum of {float(level.min()):g}")
    return level


def as_sigma(
    sigma: Sigma, x: Tensor, *, event_dims: int | None = None, positive: bool = False
) -> Sigma:
    """Return ``sigma`` as it is handed on to a score: a float, or a tensor like ``x``.

    Parameters
    ----------
    sigma : float or Tensor
        Noise level, also from NumPy.
    x : Tensor
        Gives dtype and device.
    event_dims : int, optional
        1 for points, 2 for images: then its shape must fit the batch dimensions of ``x``.
    positive : bool
        Refuse zero as well as negative values.

    Returns
    -------
    float or Tensor
        A number as a float, everything else as a tensor of the same shape.

    Raises
    ------
    TypeError, ValueError
        As `expand_sigma`.
    """
    level = check_sigma(sigma, x, positive=positive)
    if event_dims is not None:
        _expanded(level, x, event_dims)
    one = level.ndim == 0 and not isinstance(sigma, Tensor)
    return float(sigma) if one else level
