"""The plain network: linear layers with activations between them, made from a generator."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from lessons_lib.shapes import check_count

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "softplus": nn.Softplus,
}
"""Activation functions by name; the smooth ones suit losses that differentiate the score."""


def mlp(
    widths: Sequence[int],
    *,
    activation: str | Sequence[str] = "silu",
    generator: torch.Generator | None = None,
) -> nn.Sequential:
    """Make a multilayer perceptron: linear layers with activations between them.

    Weights and biases are uniform on ``+-1/sqrt(fan_in)``, in float32.

    Parameters
    ----------
    widths : sequence of int
        Input width, hidden widths, output width: ``(3, 64, 64, 2)`` maps ``(*, 3)`` to ``(*, 2)``.
    activation : str or sequence of str
        A name in `ACTIVATIONS`, or one name for each hidden layer.
    """
    widths = [check_count(w, "each of widths") for w in widths]
    if len(widths) < 2:
        raise ValueError(f"widths must be at least two positive integers, got {widths}")
    names = _activation_names(activation, len(widths) - 2)
    generator = generator if generator is not None else torch.Generator().manual_seed(0)
    layers: list[nn.Module] = []
    for depth, (fan_in, fan_out) in enumerate(itertools.pairwise(widths)):
        linear = nn.utils.skip_init(nn.Linear, fan_in, fan_out, dtype=torch.float32)
        fill(linear.parameters(), fan_in, generator)
        layers.append(linear)
        if depth < len(names):
            layers.append(ACTIVATIONS[names[depth]]())
    return nn.Sequential(*layers)


def fill(weights: Iterable[Tensor], fan_in: int, generator: torch.Generator) -> None:
    """Draw ``weights`` uniformly on ``+-1/sqrt(fan_in)``, in their order."""
    bound = 1 / math.sqrt(fan_in)
    for weight in weights:
        nn.init.uniform_(weight, -bound, bound, generator=generator)


def call_net(net: nn.Module, x: Tensor, noise: Tensor | None) -> Tensor:
    """Evaluate ``net`` on ``[x, noise]`` in the dtype of its weights; return the dtype of ``x``."""
    extra = 0 if noise is None else 1
    first = net[0] if isinstance(net, nn.Sequential) and len(net) else net
    if isinstance(first, nn.Linear) and x.shape[-1] + extra != first.in_features:
        raise ValueError(
            f"x must have shape (*, {first.in_features - extra}) for this network, "
            f"got {tuple(x.shape)}"
        )
    if noise is not None:
        x = torch.cat([x, noise.expand(*x.shape[:-1], 1)], dim=-1)  # (*, n) -> (*, n + 1)
    weight = next(net.parameters(), None)
    return net(x if weight is None else x.to(weight.dtype)).to(x.dtype)


def _activation_names(activation: str | Sequence[str], num_hidden: int) -> list[str]:
    names = [activation] * num_hidden if isinstance(activation, str) else list(activation)
    if len(names) != num_hidden or not set(names) <= set(ACTIVATIONS):
        raise ValueError(
            f"activation must be one of {', '.join(ACTIVATIONS)}, or one for each of the "
            f"{num_hidden} hidden layers, got {activation!r}"
        )
    return names
