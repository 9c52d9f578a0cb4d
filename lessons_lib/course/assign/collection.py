"""A folder of submissions: which of them can be graded, and why the others are not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lessons_lib.course.assign.grading import Result, failed
from lessons_lib.course.assign.roster import Roster, names_of
from lessons_lib.course.assign.source import Lab
from lessons_lib.course.assign.submission import (
    Refused,
    Submission,
    find,
    of_another,
    read_submission,
    shown,
)


def read_folder(
    folder: Path, labs: Mapping[str, Lab], roster: Roster | None = None
) -> tuple[list[Submission], list[Result]]:
    """Return the submissions in ``folder`` that can be graded, and a result for each other file.

    ``labs`` are those that are graded; the ``roster`` tells who is in the class. Two files of one
    student for one lab are both refused. What belongs to no lab, as the lessons that were handed
    out with one, is left aside where its student has handed in a lab.
    """
    read: dict[tuple[str, str], list[Submission]] = defaultdict(list)
    refused = []
    for path in find(folder):
        try:
            one = read_submission(path, folder, labs, roster)
            read[one.student, one.lab].append(one)
        except Refused as reason:
            refused.append(_unread(path, folder, labs, roster, reason))
        except Exception as error:  # whatever a file may hold, the next one is read
            why = Refused(f"it cannot be read: {type(error).__name__}")
            refused.append(_unread(path, folder, labs, roster, why))
    here = {student for student, _ in read}
    refused = [replace(r, aside=not r.lab and r.student in here) for r in refused]
    graded = []
    for several in read.values():
        one, others = _settled(several)
        graded += one
        refused += others
    ids = _ids(here, roster)
    graded = [_apart(one, ids, roster) for one in graded]
    refused += [failed(one, of_another(one.told)) for one in graded if one.told in one.others]
    return [one for one in graded if one.told not in one.others], refused


def _settled(several: list[Submission]) -> tuple[list[Submission], list[Result]]:
    """Which of the files of one student is graded, and why the others are not.

    Anybody can write another's id into a notebook; what a file is called is in the hands of
    whoever collected it. So a file that is only in its own words the student's stands back.
    """
    own = [one for one in several if one.named] or several
    if len(own) > 1:
        return [], [_doubled(several)]
    why = f"it says to be of {own[0].student!r}, who handed in another file"
    others = [one for one in several if one is not own[0]]
    return own, [Result("", one.lab, one.file, refused=why) for one in others]


def _ids(students: set[str], roster: Roster | None) -> frozenset[str]:
    """Whom an edition may belong to: all in the class, as far as it is known."""
    known = {person.edition for person in roster.persons if person.edition} if roster else set()
    return frozenset(students) | known


def _apart(one: Submission, ids: frozenset[str], roster: Roster | None) -> Submission:
    return replace(one, others=ids - {one.student, one.edition if roster else None})


def _doubled(several: Sequence[Submission]) -> Result:
    student, stem = several[0].student, several[0].lab
    names = ", ".join(sorted(one.file for one in several))
    why = (
        f"several files for the student {student!r}: {names}; leave one, or rename the "
        "folders if they are of different people"
    )
    return Result(student, stem, names, refused=why)


def _unread(
    path: Path, folder: Path, labs: Mapping[str, Lab], roster: Roster | None, why: Refused
) -> Result:
    """Whose file it is and of which lab, as far as its name tells; a stray text is nobody's."""
    names = names_of(path, folder, labs)
    stray = path.parent == folder and path.suffix != ".ipynb" and len(names) == 1
    student = names[0] if names and not stray else ""
    if roster:
        try:
            student = roster.find(names).student
        except ValueError:
            pass
    stem = why.lab or next((s for s in labs if s in path.name), "")
    return Result(student, stem, shown(path, folder), refused=str(why))
