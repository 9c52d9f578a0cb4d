"""Command line: ``python -m lessons_lib.pretrained list`` and ``... train NAME``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from lessons_lib.pretrained.catalogue import RECIPES
from lessons_lib.pretrained.files import FOLDER, describe, names, save
from lessons_lib.pretrained.fit import held_out_error, train


def main(arguments: Sequence[str] | None = None) -> None:
    """List the shipped models, or train one again from its recipe and replace its files."""
    parser = argparse.ArgumentParser(prog="python -m lessons_lib.pretrained", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the shipped models, and how they were made")
    trainer = commands.add_parser("train", help="train a model from its recipe")
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

    The training time is that of the processor, not of the clock on the wall: seconds in which one
    thread was at work. What else the machine was doing leaves it nearly unchanged.
    """
    torch.set_num_threads(1)  # small networks are faster so, and the sums keep their order
    model, records = train(RECIPES[name], progress=True)
    start = time.process_time()
    *_, last = records
    seconds = time.process_time() - start
    error = held_out_error(model, RECIPES[name])
    save(name, model, training_seconds=seconds, test_error=error, folder=folder)
    print(f"{name}: {last.step} steps in {seconds:.0f} s, test error {error:.4f}, in {folder}")


if __name__ == "__main__":
    main()
