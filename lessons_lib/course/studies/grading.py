"""How long does it take to grade a class? Made-up students hand in, and the clock runs."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lessons_lib.course.assign import Lab
from lessons_lib.course.assign.batch import grade_folder
from lessons_lib.course.assign.editions import filled
from lessons_lib.course.assign.handout import labs_in
from lessons_lib.course.assign.record import Record
from lessons_lib.files import write_whole

if TYPE_CHECKING:
    from nbformat import NotebookNode

EVERY = {8: "untouched", 20: "hanging"}
"""Each so many-th student hands in something else than a solution."""


def grading_report(book: Path, *, lab: str, num: int = 40, jobs: int = 2) -> dict[str, Any]:
    """Grade ``num`` submissions of one ``lab``, most of them right, ``jobs`` at a time.

    Returns how many ``seconds`` it took by the clock, and how many students got ``full`` points,
    ``none``, or ``some``.
    """
    import nbformat

    (source,) = labs_in(book, [lab])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "handed-in"
        folder.mkdir()
        for number in range(1, num + 1):
            kind = next((k for every, k in EVERY.items() if number % every == 0), "solved")
            made = nbformat.writes(_notebook(source, kind)) + "\n"
            write_whole(folder / f"student-{number:03d}.ipynb", made)
        record = Record.open(Path(name) / "record.json", 0)
        paths = {source.stem: book / f"{source.stem}.ipynb"}
        start = time.monotonic()
        results = list(grade_folder(folder, paths, record, jobs=jobs))
        seconds = time.monotonic() - start
    best = sum(task.stars for task in source.tasks)
    kinds = {0.0: "none", float(best): "full"}
    count = Counter(kinds.get(result.points, "some") for result in results)
    told = {"lab": source.stem, "students": num, "jobs": jobs, "seconds": round(seconds)}
    return {**told, **count}


def _notebook(lab: Lab, kind: str) -> NotebookNode:
    """The students' edition with solutions, without, or with one that never ends."""
    answers = {task.name: task.solution for task in lab.tasks}
    if kind == "hanging":
        answers[lab.tasks[1].name] = "while True: pass"
    return filled(lab, {} if kind == "untouched" else answers)
