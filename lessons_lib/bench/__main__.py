"""Command line: ``python -m lessons_lib.bench denoising``, ``shift``, ``grading``, ``tables``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from lessons_lib.bench.denoising import denoising_report
from lessons_lib.bench.grading import grading_report
from lessons_lib.bench.guests import find_prior
from lessons_lib.bench.pictures import SIZES
from lessons_lib.bench.shift import shift_report
from lessons_lib.bench.stored import FOLDER, read_report, summary, update_tables, write_report


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure one table and write it, or bring all that the book reads up to date."""
    torch.set_num_threads(1)  # seconds are those of one thread
    options = vars(_parser().parse_args(arguments))
    options.pop("run")(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lessons_lib.bench", description=__doc__)
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
    tables = commands.add_parser("tables", help="bring the tables that the book reads up to date")
    tables.add_argument("--folder", type=Path, default=FOLDER)
    tables.set_defaults(run=lambda options: update_tables(options["folder"]))
    return parser


def _grading_parser(grading: argparse.ArgumentParser) -> None:
    grading.add_argument("--lab", default="01", help="beginning of its name")
    grading.add_argument("--num", type=int, default=40, help="students")
    grading.add_argument("--jobs", type=int, default=2, help="how many at a time")
    grading.set_defaults(run=_grading)


def _denoising(options: dict[str, Any]) -> None:
    file, keep, chosen = (options.pop(name) for name in ("json", "keep", "methods"))
    options["priors"] = {address: find_prior(address) for address in options.pop("prior")}
    stored = read_report(file) if keep and file and file.exists() else None
    report = denoising_report(**options, chosen=chosen, stored=stored)
    print(summary(report))
    if file:
        write_report(file, report)


def _shift(options: dict[str, Any]) -> None:
    file, keep, _ = (options.pop(name) for name in ("json", "keep", "progress"))
    stored = json.loads(file.read_text(encoding="utf-8")) if keep and file.exists() else None
    options = {k: v for k, v in options.items() if v is not None}
    report = shift_report(**options, stored=stored)
    if file:
        write_report(file, report)


def _grading(options: dict[str, Any]) -> None:
    report = grading_report(Path("book"), **options)
    print(", ".join(f"{name} {value}" for name, value in report.items()))


if __name__ == "__main__":
    main()
