"""The loop: `train` and the records that it yields."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lessons_lib.files import check_place
from lessons_lib.shapes import check_count, check_number
from lessons_lib.training.checkpoint import restore, save
from lessons_lib.training.pace import SCHEDULES
from lessons_lib.training.run import Objective, Run


@dataclass(frozen=True)
class Record:
    """What one step reports."""

    step: int
    """Number of steps taken so far, from 1."""
    loss: float
    """The objective before this step's update."""
    seconds: float
    """Training time so far, without the caller's own time, and over all resumed parts."""


def train(
    model: nn.Module,
    objective: Objective,
    *,
    num_steps: int,
    generator: torch.Generator,
    learning_rate: float = 1e-3,
    schedule: str = "cosine",
    warmup: int = 0,
    ema: float | None = None,
    clip: float | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 1000,
    recipe: str = "",
    clock: Callable[[], float] = time.perf_counter,
    progress: bool = False,
) -> Iterator[Record]:
    """Lower ``objective`` with Adam; yield a record after each step.

    Nothing happens until the records are taken: ``records = list(train(...))``. With ``ema``, the
    model holds the plain weights while the loop runs and **the averaged ones once it has ended**,
    whether by itself or because the caller left it.

    Parameters
    ----------
    model : nn.Module
        Trained in place, on the device it is on.
    objective : callable
        ``objective(model, generator) -> scalar Tensor``. Draw only from ``generator``, whose state
        is kept in the checkpoint.
    num_steps : int
        Steps of the whole run, including those in a checkpoint.
    learning_rate : float
        Adam's largest step size.
    schedule : str
        ``"cosine"`` (to zero) or ``"constant"``.
    warmup : int
        Number of first steps over which the rate rises linearly.
    ema : float, optional
        Decay of the average of the weights, such as 0.999; its memory is ``1 / (1 - ema)`` steps,
        and shorter in the beginning.
    clip : float, optional
        Largest Euclidean norm of the gradient; a larger one is scaled down to it.
    checkpoint : path, optional
        File to save to, every ``checkpoint_every`` steps and at the end. If it exists, the run
        continues from it.
    checkpoint_every : int
        Steps between two savings.
    recipe : str
        Words for what the other arguments do not tell (data, objective); a checkpoint made with
        another recipe is refused.
    clock : callable
        What counts the seconds of the records: ``time.process_time`` leaves out what other programs
        take.

    Raises
    ------
    FloatingPointError
        When the loss or its gradient is not finite; names the step, and leaves the weights as they
        were before it.
    ValueError
        Also for a checkpoint of another recipe or model.
    OSError
        If the checkpoint cannot be written; before the first step.
    """
    settings = {
        "num_steps": check_count(num_steps, "num_steps"),
        "learning_rate": check_number(learning_rate, "learning_rate"),
        "schedule": _check_schedule(schedule),
        "warmup": check_count(warmup, "warmup", least=0),
        "ema": _check_decay(ema),
        "clip": None if clip is None else check_number(clip, "clip"),
        "recipe": str(recipe),
    }  # plain numbers and strings, which a checkpoint can hold and give back
    checkpoint_every = check_count(checkpoint_every, "checkpoint_every")
    run = Run(model, generator, settings, clock)
    path = Path(checkpoint) if checkpoint is not None else None
    if path is not None:
        check_place(path)
        if path.exists():
            restore(run, path)
    return _steps(run, objective, path, checkpoint_every, progress)


def _steps(
    run: Run, objective: Objective, path: Path | None, every: int, progress: bool
) -> Iterator[Record]:
    last = run.settings["num_steps"]
    bar = _progress_bar(run.step, last, shown=progress)
    try:
        while run.step < last:
            loss = run.advance(objective)
            if path is not None and (run.step % every == 0 or run.step == last):
                save(run, path)
            bar.update()
            yield Record(run.step, loss, run.seconds)
    finally:
        bar.close()
        run.finish()


def _check_schedule(schedule: str) -> str:
    if schedule not in SCHEDULES:
        raise ValueError(f"schedule must be among {sorted(SCHEDULES)}, got {schedule!r}")
    return str(schedule)


def _check_decay(ema: float | None) -> float | None:
    decay = None if ema is None else check_number(ema, "ema")
    if decay is not None and decay >= 1:
        raise ValueError(f"ema must be between 0 and 1, or None, got {decay}")
    return decay


def _progress_bar(initial: int, total: int, *, shown: bool) -> Any:
    from tqdm.auto import tqdm

    return tqdm(total=total, initial=initial, desc="training", unit="step", disable=not shown)
