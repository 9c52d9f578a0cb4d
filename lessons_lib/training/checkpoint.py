"""A training run on disk: saved whole, and continued with the same numbers, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from lessons_lib.files import whole_file
from lessons_lib.training.run import Run

PARTS = ("model", "optimizer", "schedule", "average")
"""What of a run has a state of its own; a checkpoint holds it, next to the rest."""

ANEW = "remove it to begin anew"


def save(run: Run, path: Path) -> None:
    """Write the checkpoint; ``path`` is replaced whole or not at all."""
    parts = {name: getattr(run, name) for name in PARTS}
    state = {name: part.state_dict() if part is not None else {} for name, part in parts.items()}
    state |= {name: getattr(run, name) for name in ("settings", "step", "seconds")}
    state["generator"] = run.generator.get_state()
    with whole_file(path) as file:
        torch.save(state, file)


def restore(run: Run, path: Path) -> None:
    """Continue from the checkpoint at ``path``, made by the same settings and model."""
    state = _read(path)
    theirs = state["settings"]
    wrong = [
        f"{key} was {theirs.get(key)!r}, now {value!r}"
        for key, value in run.settings.items()
        if theirs.get(key) != value
    ]
    if wrong:
        raise ValueError(f"checkpoint {path} is of another recipe: {'; '.join(wrong)}; {ANEW}")
    try:
        for name in PARTS:
            if (part := getattr(run, name)) is not None:
                part.load_state_dict(state[name])
    except RuntimeError as error:
        raise ValueError(f"checkpoint {path} is of another model: {error}; {ANEW}") from error
    run.generator.set_state(state["generator"])
    run.step, run.seconds = state["step"], state["seconds"]


def progress_of(checkpoint: str | Path) -> tuple[int, float] | None:
    """Say how far the run in the file ``checkpoint`` has come: steps taken, and their seconds.

    None if there is no such file.
    """
    if not Path(checkpoint).exists():
        return None
    state = _read(Path(checkpoint))
    return state["step"], state["seconds"]


def _read(path: Path) -> dict[str, Any]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)  # runs no code
        wanted = ("settings", *PARTS, "generator", "step", "seconds")
        if missing := [name for name in wanted if name not in state]:
            raise KeyError(f"it lacks {', '.join(missing)}")
    except Exception as error:
        raise ValueError(f"checkpoint {path} cannot be read: {error}; {ANEW}") from error
    return state
