"""Command line: hand a lab out, keep its key, grade what comes back.

::

    python -m lessons_lib.assign student handout/ --labs 01 02
    python -m lessons_lib.assign solutions key/ --labs 01
    python -m lessons_lib.assign book --student students-book/
    python -m lessons_lib.assign grade submissions/ --out gradebook.csv --feedback feedback/
    python -m lessons_lib.assign export otter otter-lab/ --labs 01

Run it in the folder that holds ``book/``, or name that folder with ``--root``.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from lessons_lib.assign.batch import Record, grade_folder, new_seed
from lessons_lib.assign.feedback import write_feedback
from lessons_lib.assign.gradebook import write_details, write_gradebook
from lessons_lib.assign.grading import Result
from lessons_lib.assign.handout import labs_in, write_solutions, write_student
from lessons_lib.assign.otter import write_otter
from lessons_lib.assign.rendered import write_student_book
from lessons_lib.assign.sandbox import Limits, Unconfined
from lessons_lib.assign.submission import find


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line says, or ``words`` instead of it, and return the exit status."""
    parser = _parser()
    options = parser.parse_args(words)
    if "run" not in options:
        parser.print_help()
        return 0
    try:
        options.run(options)
    except (ValueError, FileNotFoundError, NotADirectoryError, RuntimeError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        if isinstance(error, Unconfined):
            print("If you trust every author, add --trust-submissions.", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lessons_lib.assign",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, action, text in (
        ("student", _student, "notebooks without solutions, and the lessons they link to"),
        ("solutions", _solutions, "the key, executed"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("target", type=Path, metavar="DIR", help="a new or empty folder")
        command.add_argument(
            "--student-id", nargs="+", default=[], metavar="ID", help="a folder for each student"
        )
        command.set_defaults(run=action)
        _common(command)
    commands.choices["student"].add_argument("--url", default="", help="of the rendered book")
    book = commands.add_parser("book", help="the rendered book without any trace of a solution")
    book.add_argument("--student", type=Path, required=True, metavar="DIR", help="empty or new")
    book.set_defaults(run=_book)
    _common(book)
    _grading(commands.add_parser("grade", help="a folder of notebooks, into a gradebook"))
    _exporting(commands.add_parser("export", help="a lab for another grader"))
    return parser


def _exporting(command: argparse.ArgumentParser) -> None:
    command.add_argument("kind", choices=["otter"], help="otter-grader, for Gradescope")
    command.add_argument("target", type=Path, metavar="DIR", help="a new or empty folder")
    command.add_argument("--seed", type=int, help="of the hidden cases; random if not given")
    command.set_defaults(run=_export)
    _common(command)


def _grading(command: argparse.ArgumentParser) -> None:
    command.add_argument("submissions", type=Path, help="folder with a notebook of each student")
    command.add_argument("--out", type=Path, default=Path("gradebook.csv"), metavar="CSV")
    command.add_argument("--feedback", type=Path, metavar="DIR", help="a page for each student")
    command.add_argument("--seed", type=int, help="of the hidden cases; random, and recorded")
    command.add_argument("--jobs", type=int, default=2, help="how many at a time")
    command.add_argument("--seconds", type=float, default=120.0, help="for each submission")
    command.add_argument(
        "--trust-submissions",
        action="store_true",
        help="run them without walls where this system has none: they can do what you can do",
    )
    command.set_defaults(run=_grade)
    _common(command)


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--labs", nargs="+", default=[], metavar="NAME", help="such as 01; else all"
    )
    command.add_argument("--root", type=Path, default=Path(), help="folder that holds book/")


def _student(options: argparse.Namespace) -> None:
    book = options.root / "book"
    labs = labs_in(book, options.labs)
    ids, url = options.student_id, options.url
    written = write_student(labs, book, options.target, students=ids, url=url)
    print(f"{len(written)} notebook(s) without solutions in {options.target}")


def _solutions(options: argparse.Namespace) -> None:
    book = options.root / "book"
    labs = labs_in(book, options.labs)
    written = write_solutions(labs, book, options.target, students=options.student_id)
    print(f"{len(written)} executed key(s) in {options.target}")


def _book(options: argparse.Namespace) -> None:
    write_student_book(options.root, options.student)
    print(f"The students' book is {(options.student / 'index.html').resolve()}")


def _export(options: argparse.Namespace) -> None:
    labs = labs_in(options.root / "book", options.labs)
    seed = new_seed() if options.seed is None else options.seed
    for path in write_otter(labs, options.root, options.target, seed=seed):
        print(f"otter assign {path} {path.parent / 'dist'}")


def _grade(options: argparse.Namespace) -> None:
    from tqdm import tqdm

    if not options.submissions.is_dir():
        raise NotADirectoryError(f"no folder {options.submissions}")
    book = options.root / "book"
    labs = {lab.stem: book / f"{lab.stem}.ipynb" for lab in labs_in(book, options.labs)}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    record = Record.open(options.out.with_suffix(".record.json"), options.seed)
    graded = grade_folder(
        options.submissions,
        labs,
        record,
        jobs=options.jobs,
        limits=Limits(total=options.seconds),
        trust=options.trust_submissions,
    )
    bar = tqdm(graded, unit="file", total=sum(1 for _ in find(options.submissions)))
    results = sorted(bar, key=lambda r: (r.student, r.lab, r.file))
    details = options.out.with_name(f"{options.out.stem}_details.csv")
    write_gradebook(results, options.out)
    write_details(results, details)
    _summary(results)
    print(f"{options.out}, {details}; hidden cases of seed {record.seed}")
    if options.feedback:
        print(f"{len(write_feedback(results, options.feedback))} pages in {options.feedback}")


def _summary(results: Sequence[Result]) -> None:
    for one in results:
        count = Counter(mark.status for mark in one.marks)
        told = ", ".join(f"{number} {status}" for status, number in count.items())
        said = f"REFUSED: {one.refused}" if one.refused else f"{one.points:g} points: {told}"
        print(one.student or one.file, one.lab, said)


if __name__ == "__main__":
    sys.exit(main())
