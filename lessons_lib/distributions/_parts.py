"""What the densities share: covariances that are numbers, weights, and work in blocks."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lessons_lib.shapes import check_number, check_tensor


def as_covariance(value: float | Tensor, n: int, like: Tensor, name: str) -> Tensor:
    """A number becomes that variance times the identity; a tensor passes through."""
    if isinstance(value, Tensor):
        check_tensor(value, name, min_dims=0)
    else:
        number = check_number(value, name, any_sign=True)
        value = torch.tensor(number, dtype=like.dtype, device=like.device)
    if value.ndim < 2:
        return value[..., None, None] * torch.eye(n, dtype=like.dtype, device=like.device)
    return value


def check_weights(weights: Tensor) -> None:
    """Refuse what is no distribution over the components of a mixture."""
    low, total = float(weights.detach().min()), float(weights.detach().sum())
    if low < 0 or abs(total - 1) > 1e-5:
        raise ValueError(
            f"weights must be non-negative and sum to 1, got a minimum of {low:g} "
            f"and a sum of {total:g}"
        )


def in_blocks(
    function: Callable[..., tuple[Tensor, ...]], rows: int, *tensors: Tensor
) -> tuple[Tensor, ...]:
    """Call ``function`` on so many rows of the tensors at a time, and join its results."""
    blocks = zip(*(tensor.split(rows) for tensor in tensors), strict=True)
    parts = [function(*block) for block in blocks]
    return tuple(torch.cat(part) for part in zip(*parts, strict=True))
