"""A training run as a value: what one step changes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from lessons_lib.training.pace import moving_average, rate_factor

Objective = Callable[[nn.Module, torch.Generator], Tensor]
"""``objective(model, generator)`` is the loss to lower, a scalar tensor."""


class Run:
    """Everything that a checkpoint holds: weights, optimizer, average, generator, step, seconds."""

    def __init__(
        self,
        model: nn.Module,
        generator: torch.Generator,
        settings: dict[str, Any],
        clock: Callable[[], float],
    ) -> None:
        if not isinstance(model, nn.Module):
            raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}")
        if not isinstance(generator, torch.Generator):
            got = type(generator).__name__
            raise TypeError(f"generator must be a torch.Generator, got {got}")
        self.model, self.generator = model, generator
        self.settings, self.clock = settings, clock
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        if not self.parameters:
            raise ValueError("model must have parameters that require a gradient, got none")
        self.optimizer = torch.optim.Adam(self.parameters, lr=settings["learning_rate"])
        pace = (settings[name] for name in ("schedule", "warmup", "num_steps"))
        self.schedule = LambdaLR(self.optimizer, rate_factor(*pace))
        decay = settings["ema"]
        self.average = None if decay is None else moving_average(model, decay)
        self.step = 0
        self.seconds = 0.0

    def advance(self, objective: Objective) -> float:
        """Take one step and return the loss before it."""
        start = self.clock()
        self.optimizer.zero_grad(set_to_none=True)
        loss = objective(self.model, self.generator)
        _check_loss(loss)
        value = float(loss.detach())
        _stop_unless_finite("loss", value, self.step + 1)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.parameters, self.settings["clip"] or math.inf)
        _stop_unless_finite("norm of the gradient", float(norm), self.step + 1)
        self.optimizer.step()
        self.schedule.step()
        if self.average is not None:
            self.average.update_parameters(self.model)
        self.step += 1
        self.seconds += self.clock() - start
        return value

    def finish(self) -> None:
        """Give the model the averaged weights, if there are any."""
        if self.average is not None:
            self.model.load_state_dict(self.average.module.state_dict())


def _check_loss(loss: Tensor) -> None:
    if not isinstance(loss, Tensor) or loss.ndim != 0:
        got = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
        raise ValueError(f"objective must return a scalar tensor, got {got}")
    if not loss.requires_grad:
        raise ValueError("objective must depend on the model, got a constant")


def _stop_unless_finite(what: str, value: float, step: int) -> None:
    if not math.isfinite(value):
        raise FloatingPointError(
            f"the {what} is {value} at step {step}: "
            "lower learning_rate, set clip, or check the data"
        )
