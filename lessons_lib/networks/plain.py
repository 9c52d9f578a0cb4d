"""Two more ways to a score: divide a network by sigma, or differentiate a learned energy."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lessons_lib.networks.perceptron import call_net
from lessons_lib.shapes import Sigma, check_score_output, check_tensor, expand_sigma


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
        output = call_net(self.net, x, torch.log(level) if self.conditional else None)
        output = check_score_output(output, x, "net")
        return output / level


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
        output = call_net(self.energy, x, torch.log(level) if self.conditional else None)
        if output.shape != (*x.shape[:-1], 1):
            raise ValueError(
                f"energy must return shape {(*x.shape[:-1], 1)}, one number for each point, "
                f"got {tuple(output.shape)}"
            )
        return output[..., 0]  # (*, 1) -> (*)

    def forward(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Return the score at ``x`` of shape ``(*, n)``."""
        return -torch.func.grad(lambda point: self.potential(point, sigma).sum())(x)
