"""Command line: hand a lab out, keep its key, grade what comes back.

::

    python -m lessons_lib.course.assign student handout/ --labs 01 02
    python -m lessons_lib.course.assign solutions key/ --labs 01
    python -m lessons_lib.course.assign book --student students-book/
    python -m lessons_lib.course.assign grade submissions/ --out gradebook.csv --feedback feedback/
    python -m lessons_lib.course.assign grade submissions/ --roster class.csv
    python -m lessons_lib.course.assign export otter otter-lab/ --labs 01

Run it in the folder that holds ``book/``, or name that folder with ``--root``.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from lessons_lib.console import run
from lessons_lib.course.assign.batch import check_walls, grade_folder
from lessons_lib.course.assign.feedback import write_feedback
from lessons_lib.course.assign.gradebook import write_details, write_gradebook
from lessons_lib.course.assign.grading import Result, edition_name
from lessons_lib.course.assign.handout import labs_in, write_solutions, write_student
from lessons_lib.course.assign.otter import write_otter
from lessons_lib.course.assign.record import Record, alone, new_seed
from lessons_lib.course.assign.rendered import write_student_book
from lessons_lib.course.assign.roster import Roster, read_roster
from lessons_lib.course.assign.sandbox import Limits, Unconfined
from lessons_lib.course.assign.source import Lab
from lessons_lib.course.assign.submission import find
from lessons_lib.course.assign.words import line


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line says, or ``words`` instead of it, and return the exit status."""
    parser = _parser()
    options = parser.parse_args(words)
    if "run" not in options:
        parser.print_help()
        return 0
    with _ending_in_order():
        return run(partial(_do, options), parser.prog)


def _do(options: argparse.Namespace) -> None:
    try:
        options.run(options)
    except Unconfined as error:
        raise OSError(f"{error}\nIf you trust every author, add --trust-submissions.") from error
    except RuntimeError as error:
        raise OSError(str(error)) from error


@contextlib.contextmanager
def _ending_in_order() -> Iterator[None]:
    """Take the signal to end, or a terminal that closes, like Ctrl-C: what was begun is undone."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    wanted = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {one: signal.signal(one, end) for one in wanted}
    try:
        yield
    finally:
        for one, action in before.items():
            signal.signal(one, action)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lessons_lib.course.assign",
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
        _with_roster(command, "a folder for each edition in it")
        command.set_defaults(run=action)
        _common(command)
    commands.choices["student"].add_argument("--url", default="", help="of the rendered book")
    _rendering(commands.add_parser("book", help="the rendered book without trace of a solution"))
    _grading(commands.add_parser("grade", help="a folder of notebooks, into a gradebook"))
    _exporting(commands.add_parser("export", help="a lab for another grader"))
    return parser


def _rendering(command: argparse.ArgumentParser) -> None:
    command.add_argument("--student", type=Path, required=True, metavar="DIR", help="empty or new")
    command.set_defaults(run=_book)
    _common(command)


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
    _with_roster(command, "whose each file is, and which edition each one has")
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


def _with_roster(command: argparse.ArgumentParser, text: str) -> None:
    command.add_argument("--roster", type=Path, metavar="CSV", help=f"who is in the class: {text}")


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--labs", nargs="+", default=[], metavar="NAME", help="such as 01; else all"
    )
    command.add_argument("--root", type=Path, default=Path(), help="folder that holds book/")


def _student(options: argparse.Namespace) -> None:
    book = options.root / "book"
    labs = labs_in(book, options.labs)
    ids, url = _editions(options), options.url
    written = write_student(labs, book, options.target, students=ids, url=url)
    print(f"{len(written)} notebook(s) without solutions in {options.target}")


def _solutions(options: argparse.Namespace) -> None:
    book = options.root / "book"
    labs = labs_in(book, options.labs)
    written = write_solutions(labs, book, options.target, students=_editions(options))
    print(f"{len(written)} executed key(s) in {options.target}")


def _editions(options: argparse.Namespace) -> list[str]:
    """Ids of the editions that are wanted; of a roster, those that it names."""
    if not options.roster:
        return options.student_id
    persons = read_roster(options.roster).persons
    return [*options.student_id, *(person.edition for person in persons if person.edition)]


def _book(options: argparse.Namespace) -> None:
    write_student_book(options.root, options.student)
    print(f"The students' book is {(options.student / 'index.html').resolve()}")


def _export(options: argparse.Namespace) -> None:
    labs = labs_in(options.root / "book", options.labs)
    seed = new_seed() if options.seed is None else options.seed
    for path in write_otter(labs, options.root, options.target, seed=seed):
        print(f"otter assign {path} {path.parent / 'dist'}")


def _grade(options: argparse.Namespace) -> None:
    """Everything that can be wrong is tried first; then one run has the gradebook to itself."""
    if not options.submissions.is_dir():
        packed = " (it is a file: unpack it first)" if options.submissions.is_file() else ""
        raise NotADirectoryError(f"no folder {options.submissions}{packed}")
    for name in ("out", "feedback", "roster"):
        path = getattr(options, name)
        if path and path.resolve().is_relative_to(options.submissions.resolve()):
            raise ValueError(f"--{name} lies among the submissions: it would be taken for one")
    roster = read_roster(options.roster) if options.roster else None
    labs = {lab.stem: lab_path for lab, lab_path in _labs(options)}
    path = options.out.with_suffix(".record.json")
    check_walls([*labs.values(), options.submissions, path], trust=options.trust_submissions)
    with alone(path):
        if options.out.exists() and not path.exists():
            raise ValueError(f"{options.out} is of no run that is known here: give another --out")
        record = Record.open(path, options.seed)
        record.begin(options.submissions, sorted(labs), options.feedback)
        _write(options, record, roster, _results(options, labs, record, roster))


def _labs(options: argparse.Namespace) -> Iterator[tuple[Lab, Path]]:
    book = options.root / "book"
    for lab in labs_in(book, options.labs):
        yield lab, book / f"{lab.stem}.ipynb"


def _results(
    options: argparse.Namespace, labs: dict[str, Path], record: Record, roster: Roster | None
) -> list[Result]:
    from tqdm import tqdm

    graded = grade_folder(
        options.submissions,
        labs,
        record,
        roster=roster,
        jobs=options.jobs,
        limits=Limits(total=options.seconds),
        trust=options.trust_submissions,
    )
    files = sum(1 for _ in find(options.submissions))
    try:
        with contextlib.closing(graded), tqdm(graded, unit="file", total=files) as bar:
            return sorted(bar, key=lambda r: (r.student, r.lab, r.file))
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"{len(record.results)} results are kept in {record.path}: the same command goes on"
        ) from None


def _write(
    options: argparse.Namespace, record: Record, roster: Roster | None, results: list[Result]
) -> None:
    details = options.out.with_name(f"{options.out.stem}_details.csv")
    persons = roster.persons if roster else ()
    write_gradebook(results, options.out, [person.student for person in persons])
    write_details(results, details)
    _summary(results)
    print(f"{options.out}, {details}; hidden cases of seed {record.seed}")
    if options.feedback:
        print(f"{len(write_feedback(results, options.feedback))} pages in {options.feedback}")


def _summary(results: Sequence[Result]) -> None:
    """A line for each file, and one for each edition that came from several people."""
    owners: dict[str, set[str]] = defaultdict(set)
    for one in results:
        count = Counter(mark.status for mark in one.marks)
        told = ", ".join(f"{number} {status}" for status, number in count.items())
        said = f"{one.points:g} points: {told}; {edition_name(one.edition)}. {one.remark}"
        if one.refused:
            said = f"{'left aside' if one.aside else 'REFUSED'}: {one.refused}"
        elif one.edition:
            owners[one.edition].add(one.student)
        print(line(one.student or one.file), line(one.lab), line(said))
    for edition, students in owners.items():
        if len(students) > 1:
            who = line(", ".join(sorted(students)))
            print(f"LOOK: {edition_name(edition)} came from {who}")


if __name__ == "__main__":
    sys.exit(main())
