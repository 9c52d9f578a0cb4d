"""Command line of the studies: ``denoising``, ``shift``, ``grading``, ``steps`` and ``tables``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from lessons_lib.console import if_stopped, run
from lessons_lib.course.studies.denoising import denoising_report
from lessons_lib.course.studies.methods import find_prior
from lessons_lib.course.studies.pictures import SIZES
from lessons_lib.course.studies.shift import shift_report
from lessons_lib.course.studies.step_cost import step_cost_report
from lessons_lib.course.studies.stored import (
    FOLDER,
    read_report,
    summary,
    update_tables,
    write_report,
)
from lessons_lib.files import check_place
from lessons_lib.shapes import check_count

GO_ON = "what is measured is in FILE; the same command with --keep goes on"
NOTHING_KEPT = "nothing was kept; --json FILE keeps what is measured"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure one table and write it, or bring all that the book reads up to date."""
    torch.set_num_threads(1)  # seconds are those of one thread
    options = vars(_parser().parse_args(arguments))
    options.pop("run")(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lessons_lib.course.studies", description=__doc__
    )
    commands = parser.add_subparsers(required=True)
    denoising = commands.add_parser("denoising", help="many ways to denoise, side by side")
    denoising.add_argument("--phantom", choices=SIZES, default="disks")
    denoising.add_argument("--methods", nargs="+", metavar="NAME", help="some of them; else all")
    own = {"nargs": "+", "default": [], "metavar": "MODULE:NAME"}
    denoising.add_argument("--prior", **own, help="your own score(x, sigma) of images")
    denoising.set_defaults(run=_denoising)
    shift = commands.add_parser("shift", help="trained on one kind of picture, tested on another")
    shift.set_defaults(run=_shift)
    for command in (denoising, shift):
        command.add_argument("--num", type=int, default=50, help="pictures")
        command.add_argument("--seed", type=int, default=0, help="of pictures and noise")
        command.add_argument("--noise-std", type=float, default=0.05, help="in units of the range")
        command.add_argument("--size", type=int, help="height and width in pixels")
        command.add_argument("--json", type=Path, metavar="FILE", help="where to write")
        command.add_argument("--keep", action="store_true", help="keep what still holds in FILE")
        command.add_argument("--progress", action="store_true", help="show a bar")
    _grading_parser(commands.add_parser("grading", help="how long it takes to grade a class"))
    steps = commands.add_parser("steps", help="what a step costs beside the bare loop")
    steps.add_argument("--num", type=int, default=20, help="turns of both loops")
    steps.set_defaults(run=_steps)
    tables = commands.add_parser("tables", help="bring the tables that the book reads up to date")
    tables.add_argument("--folder", type=Path, default=FOLDER)
    tables.set_defaults(run=_tables)
    return parser


def _grading_parser(grading: argparse.ArgumentParser) -> None:
    grading.add_argument("--lab", default="01", help="beginning of its name")
    grading.add_argument("--num", type=int, default=40, help="students")
    grading.add_argument("--jobs", type=int, default=2, help="how many at a time")
    grading.set_defaults(run=_grading)


def _denoising(options: dict[str, Any]) -> None:
    file, options["chosen"] = options.pop("json"), options.pop("methods")
    options["priors"] = {address: find_prior(address) for address in options.pop("prior")}
    options |= _stored(file, options.pop("keep"), read_report)
    with if_stopped(GO_ON if file else NOTHING_KEPT):
        print(summary(denoising_report(**options)))


def _shift(options: dict[str, Any]) -> None:
    file, keep, _ = (options.pop(name) for name in ("json", "keep", "progress"))
    options = {k: v for k, v in options.items() if v is not None}
    options |= _stored(file, keep, lambda path: json.loads(path.read_text(encoding="utf-8")))
    with if_stopped(GO_ON if file else NOTHING_KEPT):
        for row in shift_report(**options)["rows"]:
            print(*(value for value in row.values() if not isinstance(value, list)))


def _stored(file: Path | None, keep: bool, read: Callable[[Path], Any]) -> dict[str, Any]:
    """What a report starts from, and where its rows go as they come; the place is tried first."""
    if file is None:
        return {}
    check_place(file)
    stored = read(file) if keep and file.exists() else None
    return {"stored": stored, "keep": partial(write_report, file)}


def _tables(options: dict[str, Any]) -> None:
    with if_stopped("the same command goes on with the rows that are measured"):
        update_tables(options["folder"])


def _steps(options: dict[str, Any]) -> None:
    num = check_count(options["num"], "num")
    print("microseconds a step: bare, library; ratio (quartiles)")
    for row in step_cost_report(num=num):
        low, middle, high = row["ratio"]
        told = f"{row['bare']:7.0f} {row['library']:7.0f}  {middle:.3f} ({low:.3f} to {high:.3f})"
        print(f"{row['score']:22}{row['sampler']:18}{told}")


def _grading(options: dict[str, Any]) -> None:
    from lessons_lib.course.studies.grading import (
        grading_report,  # needs what only some systems have
    )

    options["num"] = check_count(options["num"], "num")
    report = grading_report(Path("book"), **options)
    print(", ".join(f"{name} {value}" for name, value in report.items()))


if __name__ == "__main__":
    sys.exit(run(main, "python -m lessons_lib.course.studies"))
