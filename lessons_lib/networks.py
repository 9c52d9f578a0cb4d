"""Networks that are scores: each is called as ``score(x, sigma)`` on points ``(*, n)``.

`mlp` makes the plain network. The three classes around it turn its output into a score:
`PreconditionedScore` adds a learned correction to an exact Gaussian, `ScaledScore` divides by
sigma, and `EnergyScore` differentiates a learned energy, so that its field has no curl.
Initial weights come from an explicit generator; nothing here touches the global seed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import SupportsFloat

import torch
from torch import Tensor, nn

from lessons_lib.shapes import Sigma, check_score_output, check_tensor, expand_sigma

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
    """Make a multilayer perceptron; its last layer is linear.

    Weights and biases are uniform on ``+-1/sqrt(fan_in)``, in float32.

    Parameters
    ----------
    widths : sequence of int
        Input width, hidden widths, output width: ``(3, 64, 64, 2)`` maps ``(*, 3)`` to ``(*, 2)``.
    activation : str or sequence of str
        A name in `ACTIVATIONS`, or one name for each hidden layer.
    generator : torch.Generator, optional
        Source of the initial weights; by default a fresh one with seed 0.

    Returns
    -------
    nn.Sequential
        Linear layers with activations between them.

    Raises
    ------
    ValueError
        If a width is not a positive integer, fewer than two are given, or an activation is unknown.
    """
    if len(widths) < 2 or any(not isinstance(w, int) or w < 1 for w in widths):
        raise ValueError(f"widths must be at least two positive integers, got {list(widths)}")
    names = _activation_names(activation, len(widths) - 2)
    generator = generator if generator is not None else torch.Generator().manual_seed(0)
    layers: list[nn.Module] = []
    for depth, (fan_in, fan_out) in enumerate(itertools.pairwise(widths)):
        layers.append(_linear(fan_in, fan_out, generator))
        if depth < len(names):
            layers.append(ACTIVATIONS[names[depth]]())
    return nn.Sequential(*layers)


def _activation_names(activation: str | Sequence[str], num_hidden: int) -> list[str]:
    names = [activation] * num_hidden if isinstance(activation, str) else list(activation)
    wanted = [activation] if isinstance(activation, str) else names
    if any(name not in ACTIVATIONS for name in wanted):
        raise ValueError(f"activation must be among {sorted(ACTIVATIONS)}, got {activation!r}")
    if len(names) != num_hidden:
        raise ValueError(
            f"activation must name one function for each of {num_hidden} hidden layers, "
            f"got {len(names)}"
        )
    return names


def _linear(fan_in: int, fan_out: int, generator: torch.Generator) -> nn.Linear:
    layer = nn.utils.skip_init(
        nn.Linear, fan_in, fan_out, dtype=torch.float32
    )  # would draw from the global seed
    bound = 1 / math.sqrt(fan_in)
    nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
    nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    return layer


class PreconditionedScore(nn.Module):
    r"""A Gaussian's exact score plus a learned, bounded, unitless correction.

    With ``v = sqrt(sigma^2 + std^2)``, the spread of the noisy data,

    .. math:: s(x, \sigma) = -\frac{x - m}{v^2} + \frac{\mathrm{std}}{\sigma v}\, F(u, t),
        \quad u = \frac{x - m}{v}, \quad t = \log\frac{\sigma}{\mathrm{std}}.

    The same in terms of the denoiser ``D = x + sigma^2 s``, which is how it is derived:
    ``D = m + c_skip (x - m) + c_out F(c_in (x - m), c_noise)`` with ``c_skip = std^2 / v^2``,
    ``c_out = sigma std / v``, ``c_in = 1 / v`` and ``c_noise = t``. These four make the input and
    the regression target of ``F`` have mean zero and variance one at every sigma, for any data
    with this mean and standard deviation.

    *Exact*: ``F = 0`` is the score of N(m, std^2 I) at every sigma. For any data the correction
    vanishes relative to the first term as ``sigma / std`` grows.
    *Bounded*: ``F = bound * tanh(net / bound)``, so far from the data the first term always wins
    and points back. *Unitless*: ``net`` sees and returns pure numbers; with ``x``, ``sigma``,
    ``m`` and ``std`` in other units the score follows, exactly.

    Parameters
    ----------
    net : nn.Module
        Maps ``(*, n + 1)``, the values ``[u, t]``, to ``(*, n)``.
    mean : float or Tensor, shape ``()`` or ``(n,)``
        Mean ``m`` of the data.
    std : float
        Standard deviation of the data about ``m``, root mean square over the coordinates.
    bound : float
        Largest magnitude of each coordinate of ``F``, in standard deviations of its target.

    Raises
    ------
    ValueError
        If ``mean`` or ``std`` is not finite, or ``std`` or ``bound`` is not positive.

    Notes
    -----
    References: [Karras2022]; chapter 03_noise_conditional, which also tells of the factor
    ``v / std^2`` found elsewhere in place of ``1 / v``: equal only at sigma = 0.
    """

    def __init__(
        self, net: nn.Module, mean: float | Tensor, std: float | Tensor, *, bound: float = 10.0
    ) -> None:
        super().__init__()
        location = torch.as_tensor(mean, dtype=torch.float32)
        spread = torch.as_tensor(std, dtype=torch.float32)
        if location.ndim > 1 or not bool(torch.isfinite(location).all()):
            raise ValueError(f"mean must be finite with shape () or (n,), got {mean}")
        if spread.ndim != 0 or not (0 < float(spread) < math.inf):
            raise ValueError(f"std must be one positive finite number, got {std}")
        if not isinstance(bound, SupportsFloat) or not float(bound) > 0:
            raise ValueError(f"bound must be a positive number, got {bound!r}")
        self.net = net
        self.bound = float(bound)
        self.register_buffer("mean", location.clone())
        self.register_buffer("std", spread.clone())

    def forward(self, x: Tensor, sigma: Sigma) -> Tensor:
        """Return the score at ``x`` of shape ``(*, n)``; every ``sigma`` must be positive."""
        check_tensor(x, "x", last=tuple(self.mean.shape) or None)
        level = expand_sigma(sigma, x, positive=True)
        mean, std = self.mean.to(x), self.std.to(x)
        v = torch.sqrt(level**2 + std**2)
        u = (x - mean) / v
        t = torch.log(level / std)
        correction = self._bounded(_call(self.net, u, t))
        return -u / v + std / (level * v) * check_score_output(correction, x, "net")

    def _bounded(self, output: Tensor) -> Tensor:
        return self.bound * torch.tanh(output / self.bound) if self.bound < math.inf else output


class ScaledScore(nn.Module):
    r"""A network divided by the noise level, ``s(x, sigma) = net(x) / sigma``.

    The form recommended in the talk. As printed there the network is *blind*: it is not told
    sigma, so one function of ``x`` must serve every level. ``conditional=True`` tells it.

    Parameters
    ----------
    net : nn.Module
        Maps ``(*, n)``, or with ``conditional`` ``(*, n + 1)`` (the point, then ``log sigma``),
        to ``(*, n)``.
    conditional : bool
        Whether ``log sigma`` is appended to the input.

    Notes
    -----
    References: [SongErmon2020]; chapter 03_noise_conditional. Unlike `PreconditionedScore` the
    input keeps its units: rescale the data to standard deviation one first.
    """

    def __init__(self, net: nn.Module, *, conditional: bool = False) -> None:
        super().__init__()
        self.net = net
        self.conditional = conditional

    def forward(self, x: Tensor, sigma: Sigma) -> Tensor:
        """Return the score at ``x`` of shape ``(*, n)``; every ``sigma`` must be positive."""
        check_tensor(x, "x")
        level = expand_sigma(sigma, x, positive=True)
        output = _call(self.net, x, torch.log(level) if self.conditional else None)
        return check_score_output(output, x, "net") / level


class EnergyScore(nn.Module):
    r"""Minus the gradient of a learned energy, ``s(x, sigma) = -grad_x U(x, sigma)``.

    A score made this way is the gradient of a log-density, ``-U`` up to a constant: its Jacobian
    is symmetric and its line integrals do not depend on the path. It can be trained with any loss,
    since the gradient stays differentiable in the parameters.

    Parameters
    ----------
    energy : nn.Module
        Maps ``(*, n)``, or with ``conditional`` ``(*, n + 1)`` (the point, then ``log sigma``),
        to ``(*, 1)``, the energy. Twice differentiable, so not ReLU.
    conditional : bool
        Whether ``log sigma`` is appended to the input; otherwise ``sigma`` is only checked.

    Notes
    -----
    References: [SalimansHo2021]; chapters 01_gaussian_score and 03_noise_conditional.
    """

    def __init__(self, energy: nn.Module, *, conditional: bool = False) -> None:
        super().__init__()
        self.energy = energy
        self.conditional = conditional

    def potential(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Return the energy ``U(x, sigma)`` of points ``(*, n)``, shape ``(*)``."""
        check_tensor(x, "x")
        level = expand_sigma(sigma, x, positive=self.conditional)
        output = _call(self.energy, x, torch.log(level) if self.conditional else None)
        if output.shape != (*x.shape[:-1], 1):
            raise ValueError(
                f"energy must return shape {(*x.shape[:-1], 1)}, one number for each point, "
                f"got {tuple(output.shape)}"
            )
        return output[..., 0]  # (*, 1) -> (*)

    def forward(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Return the score at ``x`` of shape ``(*, n)``."""
        check_tensor(x, "x")
        return -torch.func.grad(lambda point: self.potential(point, sigma).sum())(x)


def _call(net: nn.Module, x: Tensor, noise: Tensor | None) -> Tensor:
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
