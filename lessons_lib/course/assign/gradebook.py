"""Tables of the results: one that learning platforms import, one with every task.

Canvas reads columns from *Student* to *Section* as the person and every later one as an assignment;
it looks for the person by *ID*, by *SIS User ID*, by *SIS Login ID*, then by name. Moodle lets one
choose which column is the person (*SIS Login ID* as its username, say) and which are grades.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from lessons_lib.course.assign.grading import Result
from lessons_lib.course.assign.words import line
from lessons_lib.files import write_whole

PERSON = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
DETAILS = ("student", "lab", "edition", "file", "task", "status", "points", "possible", "message")


def write_gradebook(results: Sequence[Result], path: Path, students: Sequence[str] = ()) -> None:
    """Write one row for each student of ``results`` and a column for each lab to ``path``.

    The ``students`` of a roster have a row even if they handed nothing in.
    """
    labs = sorted({result.lab for result in results if result.lab})
    students = sorted({r.student for r in results if r.student}.union(students))
    refused = {(r.student, r.lab): 0.0 for r in results if r.refused}
    points = refused | {(r.student, r.lab): r.points for r in results if not r.refused}
    rows: list[list[str]] = [[*PERSON, *labs]]
    for student in students:
        number = student if student.isdigit() else ""
        person = [student, number, student, student, ""]
        rows.append([*person, *(_number(points.get((student, lab))) for lab in labs)])
    _write(rows, path)


def write_details(results: Sequence[Result], path: Path) -> None:
    """Write one row for each task of ``results``, and for each refused file, to ``path``."""
    rows: list[list[str]] = [list(DETAILS)]
    for one in results:
        head = [one.student, one.lab, "" if one.refused else one.edition or "for all", one.file]
        if one.refused:
            status, points = ("left aside", "") if one.aside else ("refused", "0")
            rows.append([*head, "", status, points, "", one.refused])
        if one.remark:
            rows.append([*head, "", "remark", "", "", one.remark])
        for mark in one.marks:
            points = [_number(mark.points), _number(mark.possible)]
            rows.append([*head, mark.task, mark.status, *points, mark.message])
    _write(rows, path)


def _number(points: float | None) -> str:
    return "" if points is None else f"{points:g}"


def _write(rows: Iterable[Sequence[str]], path: Path) -> None:
    """In UTF-8 with the mark by which a spreadsheet knows it."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([[_plain(cell) for cell in row] for row in rows])
    write_whole(path, text.getvalue().encode("utf-8-sig"))


def _plain(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula, on one line; a signed number stays one."""
    words = line(cell)
    return f"'{words}" if re.match(r"[=@＝＠＋－]|[+-](?!\d+(\.\d+)?$)", words) else words
