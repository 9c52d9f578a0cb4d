"""A training run as a value: what one step changes, and what a checkpoint keeps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lessons_lib.files import whole_file

Objective = Callable[[nn.Module, torch.Generator], Tensor]
"""``objective(model, generator)`` is the loss to lower, a scalar tensor."""

SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda progress: 1.0,
    "cosine": lambda progress: 0.5 * (1 + math.cos(math.pi * progress)),
}
"""Factor on the learning rate as the run goes from progress 0 to 1."""


KEYS = ("model", "optimizer", "average", "generator", "step", "seconds")
"""What a checkpoint holds, next to the settings."""

ANEW = "remove it to begin anew"


class Average:
    """An exponential moving average of a model's weights.

    ``average <- d average + (1 - d) weights`` with ``d = min(decay, (1 + k) / (10 + k))`` at the
    k-th update, counted from zero, so that the early, poor weights are soon forgotten.

    Parameters
    ----------
    model : nn.Module
        The model to follow; the average starts at its present weights.
    decay : float
        Between 0 and 1; the memory is about ``1 / (1 - decay)`` steps.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: p.detach().clone() for name, p in model.named_parameters()}

    def update(self, model: nn.Module, step: int) -> None:
        """Move the average towards the weights of ``model`` after step number ``step``."""
        keep = min(self.decay, (1 + step) / (10 + step))
        for name, parameter in model.named_parameters():
            self.weights[name].lerp_(parameter.detach(), 1 - keep)

    def copy_to(self, model: nn.Module) -> None:
        """Replace the weights of ``model`` by the average."""
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(self.weights[name])


class Run:
    """Everything that a checkpoint holds: weights, optimizer, average, generator, step, seconds."""

    def __init__(
        self,
        model: nn.Module,
        generator: torch.Generator,
        settings: dict[str, Any],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        if not isinstance(model, nn.Module):
            raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}")
        if not isinstance(generator, torch.Generator):
            got = type(generator).__name__
            raise TypeError(f"generator must be a torch.Generator, got {got}")
        self.model = model
        self.generator = generator
        self.settings = settings
        self.clock = clock
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        if not self.parameters:
            raise ValueError("model must have parameters that require a gradient, got none")
        self.optimizer = torch.optim.Adam(self.parameters, lr=settings["learning_rate"])
        self.average = Average(model, settings["ema"]) if settings["ema"] is not None else None
        self.step = 0
        self.seconds = 0.0

    def advance(self, objective: Objective) -> float:
        """Take one step and return the loss before it."""
        start = self.clock()
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings["learning_rate"] * self.rate_factor()
        self.optimizer.zero_grad(set_to_none=True)
        loss = objective(self.model, self.generator)
        if not isinstance(loss, Tensor) or loss.ndim != 0:
            raise ValueError(f"objective must return a scalar tensor, got {_describe(loss)}")
        if not loss.requires_grad:
            raise ValueError("objective must depend on the model, got a constant")
        value = float(loss.detach())
        _stop_unless_finite("loss", value, self.step + 1)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.parameters, self.settings["clip"] or math.inf)
        _stop_unless_finite("norm of the gradient", float(norm), self.step + 1)
        self.optimizer.step()
        if self.average is not None:
            self.average.update(self.model, self.step)
        self.step += 1
        self.seconds += self.clock() - start
        return value

    def rate_factor(self) -> float:
        """Factor on the learning rate at the present step: warm-up, then the schedule."""
        warmup, num_steps = self.settings["warmup"], self.settings["num_steps"]
        if self.step < warmup:
            return (self.step + 1) / (warmup + 1)
        return SCHEDULES[self.settings["schedule"]](
            (self.step - warmup) / max(num_steps - warmup, 1)
        )

    def save(self, path: Path) -> None:
        """Write the checkpoint; ``path`` is replaced whole or not at all."""
        state = {
            "settings": self.settings,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average.weights if self.average is not None else {},
            "generator": self.generator.get_state(),
            "step": self.step,
            "seconds": self.seconds,
        }
        with whole_file(path) as file:
            torch.save(state, file)

    def restore(self, path: Path) -> None:
        """Continue from the checkpoint at ``path``, made by the same settings and model."""
        state = _read(path)
        theirs = state["settings"]
        wrong = [
            f"{key} was {theirs.get(key)!r}, now {value!r}"
            for key, value in self.settings.items()
            if theirs.get(key) != value
        ]
        if wrong:
            raise ValueError(f"checkpoint {path} is of another recipe: {'; '.join(wrong)}; {ANEW}")
        try:
            self.model.load_state_dict(state["model"])
        except RuntimeError as error:
            raise ValueError(f"checkpoint {path} is of another model: {error}; {ANEW}") from error
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average is not None:
            for name, weight in self.average.weights.items():
                weight.copy_(state["average"][name])
        self.generator.set_state(state["generator"])
        self.step, self.seconds = state["step"], state["seconds"]


def progress_of(checkpoint: str | Path) -> tuple[int, float] | None:
    """Say how far a run has come.

    Parameters
    ----------
    checkpoint : path
        The file that `train` keeps.

    Returns
    -------
    tuple of int and float
        The steps taken, and the seconds that they took; None if there is no such file.

    Raises
    ------
    ValueError
        If the file is no checkpoint.
    """
    if not Path(checkpoint).exists():
        return None
    state = _read(Path(checkpoint))
    return state["step"], state["seconds"]


def _read(path: Path) -> dict[str, Any]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)  # runs no code
        missing = [name for name in ("settings", *KEYS) if name not in state]
        if missing:
            raise KeyError(f"it lacks {', '.join(missing)}")
    except Exception as error:
        raise ValueError(f"checkpoint {path} cannot be read: {error}; {ANEW}") from error
    return state


def _stop_unless_finite(what: str, value: float, step: int) -> None:
    if not math.isfinite(value):
        raise FloatingPointError(
            f"the {what} is {value} at step {step}: "
            "lower learning_rate, set clip, or check the data"
        )


def _describe(value: object) -> str:
    if isinstance(value, Tensor):
        return f"shape {tuple(value.shape)}"
    return type(value).__name__
