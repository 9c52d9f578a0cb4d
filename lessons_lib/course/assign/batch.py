"""Grade a folder: several submissions at a time, and none twice."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from lessons_lib.course import checks
from lessons_lib.course.assign.collection import read_folder
from lessons_lib.course.assign.grading import ROUNDS, Result, failed, grade
from lessons_lib.course.assign.judging import judged
from lessons_lib.course.assign.record import Record
from lessons_lib.course.assign.roster import Roster
from lessons_lib.course.assign.sandbox import Limits, Unconfined, exposed, missing
from lessons_lib.course.assign.source import read_lab
from lessons_lib.course.assign.submission import Submission, of_another

MARGIN = 60.0
"""Seconds that a judge may take beyond the time of the submission."""


def grade_folder(
    folder: Path,
    labs: Mapping[str, Path],
    record: Record,
    *,
    roster: Roster | None = None,
    jobs: int = 2,
    limits: Limits | None = None,
    trust: bool = False,
) -> Iterator[Result]:
    """Grade all that was handed in, ``jobs`` submissions at a time.

    Parameters
    ----------
    folder : Path
        The notebooks, one for each student and lab, in folders or not.
    labs : mapping of str to Path
        The sources of the labs by their stems.
    record : Record
        Results of earlier runs are taken from it, new ones added.
    roster : Roster
        Decides whose each file is, and which edition each student has.
    trust : bool
        Grade even where the machine cannot confine a submission.

    Yields
    ------
    Result
        One for each file, refused ones first.
    """
    check_walls([*labs.values(), folder, record.path], trust=trust)
    sources = {stem: read_lab(path) for stem, path in labs.items()}
    read, refused = read_folder(folder, sources, roster)
    yield from refused
    limits = limits or Limits()
    keys = {one.path: _key(one, record.seed, limits) for one in read}
    known = {one.path: record.results.get(keys[one.path]) for one in read}
    yield from (_own(one, result) for one in read if (result := known[one.path]))
    about = {"seed": record.seed, "limits": limits, "trust": trust}
    todo = {
        one: partial(grade, one, sources[one.lab], **about) for one in read if not known[one.path]
    }
    with closing(judged(todo, jobs=jobs, seconds=limits.total + MARGIN)) as done:
        for one, told in done:
            result = failed(one, told) if isinstance(told, str) else told
            if not result.refused:
                record.add(keys[one.path], result)
            yield _own(one, result)


def check_walls(secrets: Sequence[Path], *, trust: bool) -> None:
    """Raise if a submission could not be walled in, or could read one of ``secrets``.

    Whoever trusts (``trust``) all submissions does without walls, but not without `os.fork`.
    """
    if trust and not hasattr(os, "fork"):
        raise RuntimeError(f"nothing can be graded here, trusted or not: {missing()}")
    if trust:
        return
    if lack := missing():
        raise Unconfined(f"submissions cannot be confined here: {lack}")
    if open_ones := exposed(secrets):
        raise Unconfined(f"a submission could read {open_ones[0]}: move it out of Python's folders")


def _own(one: Submission, result: Result) -> Result:
    """The ``result``, unless the notebook works as somebody else in the class."""
    borrowed = result.works_as in one.others
    return failed(one, of_another(result.works_as)) if borrowed else result


def _key(one: Submission, seed: int, limits: Limits) -> str:
    """Changes with the file, its author and edition, hidden cases, limits and checks."""
    code = [p.read_bytes() for p in sorted(Path(checks.__file__).parent.rglob("*.py"))]
    words = [one.digest, one.file, one.student, one.edition, one.lab, seed, ROUNDS, limits]
    return hashlib.sha256(repr(words).encode() + b"".join(code)).hexdigest()[:32]
