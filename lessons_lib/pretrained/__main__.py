"""Command line: ``python -m lessons_lib.pretrained list`` and ``... train NAME``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from lessons_lib.console import run
from lessons_lib.files import check_place
from lessons_lib.pretrained.catalogue import RECIPES
from lessons_lib.pretrained.files import FOLDER, describe, names, packed, save
from lessons_lib.pretrained.fit import held_out_error, train
from lessons_lib.training import progress_of


def main(arguments: Sequence[str] | None = None) -> None:
    """List the shipped models, or train one again from its recipe and replace its files."""
    parser = argparse.ArgumentParser(prog="python -m lessons_lib.pretrained", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the shipped models, and how they were made")
    trainer = commands.add_parser("train", help="train a model from its recipe, or go on")
    trainer.add_argument("name", choices=sorted(RECIPES))
    trainer.add_argument("--folder", type=Path, default=FOLDER, help="where to write it")
    options = parser.parse_args(arguments)
    if options.command == "list":
        print_list()
    else:
        train_and_save(options.name, options.folder)


def print_list(folder: Path = FOLDER) -> None:
    """Print one line for each recipe: name, size, training time, error on unseen pictures."""
    there = names(folder)
    for name in RECIPES:
        if name not in there:
            print(f"{name:<26} not trained yet")
            continue
        card = describe(name, folder=folder)
        print(
            f"{name:<26} {card['num_parameters']:>8,} weights   "
            f"{card['training_seconds']:>6.0f} s   test error {card['test_error']:.4f}"
        )


def train_and_save(name: str, folder: Path = FOLDER) -> None:
    """Follow the recipe with a progress bar, on one thread, and write the two files.

    A run that was stopped goes on from its checkpoint, which lies beside the files until they are
    written. The training time is that of the processor, over all parts of the run: seconds in
    which one thread was at work. What else the machine was doing leaves it nearly unchanged.
    """
    torch.set_num_threads(1)  # small networks are faster so, and the sums keep their order
    for suffix in ("safetensors", "json"):
        check_place(folder / f"{name}.{suffix}")
    checkpoint = folder / f".{name}.checkpoint"
    try:
        model, records = train(RECIPES[name], checkpoint=checkpoint, progress=True)
        packed(model)  # too large a model is refused now, not when it is trained
        step, seconds = progress_of(checkpoint) or (0, 0.0)
        for record in records:
            step, seconds = record.step, record.seconds
        error = held_out_error(model, RECIPES[name])
        save(name, model, training_seconds=seconds, test_error=error, folder=folder)
    except KeyboardInterrupt:
        kept = progress_of(checkpoint)
        told = f"the same command goes on after step {kept[0]}" if kept else "nothing was kept"
        raise KeyboardInterrupt(told) from None
    checkpoint.unlink(missing_ok=True)
    print(f"{name}: {step} steps in {seconds:.0f} s, test error {error:.4f}, in {folder}")


if __name__ == "__main__":
    sys.exit(run(main, "python -m lessons_lib.pretrained"))
