"""Noise levels: one number, or one for each member of a batch."""

from __future__ import annotations

from typing import SupportsFloat

import torch
from torch import Tensor

from lessons_lib.shapes.tensors import broadcasts, finite

Sigma = float | Tensor
"""A noise level: a number, or a tensor (or array) shaped like the batch dimensions of ``x``."""


def expand_sigma(sigma: Sigma, x: Tensor, *, event_dims: int = 1, positive: bool = False) -> Tensor:
    """Check ``sigma`` and give it the trailing ones that let it multiply ``x``.

    Parameters
    ----------
    x : Tensor, shape ``(*, event)``
        The tensor that the result will be combined with; gives dtype and device.
    positive : bool
        Refuse zero as well as negative values.

    Returns
    -------
    Tensor
        Shape ``()`` for a scalar, otherwise ``sigma.shape + (1,) * event_dims``.
    """
    return _expanded(check_sigma(sigma, x, positive=positive), x, event_dims)


def _expanded(level: Tensor, x: Tensor, event_dims: int) -> Tensor:
    if level.ndim == 0:
        return level
    batch = tuple(x.shape[: x.ndim - event_dims])
    if not broadcasts(level.shape, batch):
        raise ValueError(
            f"sigma has shape {tuple(level.shape)}; wanted () or a shape that broadcasts to "
            f"the batch dimensions {batch} of x"
        )
    return level.reshape(level.shape + (1,) * event_dims)  # (*) -> (*, 1, ...)


def check_sigma(sigma: Sigma, x: Tensor, *, positive: bool = False) -> Tensor:
    """Return ``sigma`` as a tensor with the dtype and device of ``x``, whatever its shape.

    For callers that only hand it on; `expand_sigma` also looks at the shape, and explains
    ``positive``.
    """
    if not isinstance(sigma, float | Tensor):
        if isinstance(sigma, str) or not isinstance(sigma, SupportsFloat):
            raise TypeError(f"sigma must be a number or a torch.Tensor, got {type(sigma).__name__}")
        if hasattr(sigma, "__array__"):
            sigma = sigma.copy()  # a reversed NumPy array, for instance, is no memory of a tensor
    level = torch.as_tensor(sigma, dtype=x.dtype, device=x.device)
    if not finite(level):
        raise ValueError(f"sigma must be finite, got {sigma}")
    least = float(level.detach().min()) if level.numel() else 1.0
    if least < 0 or (positive and least == 0):
        wanted = "positive" if positive else "non-negative"
        raise ValueError(f"sigma must be {wanted}, got a minimum of {least:g}")
    return level


def as_sigma(
    sigma: Sigma, x: Tensor, *, event_dims: int | None = None, positive: bool = False
) -> Sigma:
    """Return ``sigma`` as it is handed on to a score: a float, or a tensor like ``x``.

    With ``event_dims`` its shape must fit the batch dimensions of ``x``, as in `expand_sigma`,
    which explains ``positive``.
    """
    level = check_sigma(sigma, x, positive=positive)
    if event_dims is not None:
        _expanded(level, x, event_dims)
    one = level.ndim == 0 and not isinstance(sigma, Tensor)
    return float(sigma) if one else level
