"""Grade one submission: run its cells behind walls, and judge its answers out here."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lessons_lib.assign.sandbox import Limits, Nursery, Session, Stopped
from lessons_lib.assign.source import Lab, Task
from lessons_lib.assign.submission import Submission, check_line
from lessons_lib.checks import StudentError

ROUNDS = 3
"""How many times each answer is judged, with hidden cases of each time."""

_REPORT = re.compile(r"^from lessons_lib\.notebooks import report\s+report\(\)$")


@dataclass(frozen=True)
class Mark:
    """The verdict on one task: ``points`` of ``possible``, its ``status``, and what to say."""

    task: str
    title: str
    status: str
    message: str
    points: float
    possible: float


@dataclass(frozen=True)
class Result:
    """All marks of one submission, or why it was ``refused``; ``notes`` are errors of its cells."""

    student: str
    lab: str
    file: str
    marks: tuple[Mark, ...] = ()
    refused: str = ""
    notes: tuple[str, ...] = ()

    @property
    def points(self) -> float:
        """Points reached."""
        return sum(mark.points for mark in self.marks)

    def to_json(self) -> dict[str, Any]:
        """Everything as a dictionary that can be written as JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Result:
        """Read what `to_json` wrote into ``told``."""
        marks = tuple(Mark(**mark) for mark in told["marks"])
        return cls(**told | {"marks": marks, "notes": tuple(told["notes"])})


def grade(
    submission: Submission,
    lab: Lab,
    nursery: Nursery,
    folder: Path,
    *,
    seed: int,
    limits: Limits | None = None,
) -> Result:
    """Run and judge one submission.

    Parameters
    ----------
    submission : Submission
        What was read from the file.
    lab : Lab
        The source of the lab, of the same version.
    nursery : Nursery
        Where the worker comes from.
    folder : Path
        An empty folder for the worker.
    seed : int
        Seed of the hidden cases, which no student knows.
    limits : Limits
        What the submission may use.

    Returns
    -------
    Result
        A mark for each task. Whatever the submission does, no exception comes of it.
    """
    done = _Progress(submission, lab, seed)
    try:
        with nursery.worker(folder, limits or Limits()) as session:
            done.run(session)
    except Stopped as stop:
        done.stopped = f"The notebook stopped here: {stop}."
    return done.result()


class _Progress:
    """What is known about a submission so far."""

    def __init__(self, submission: Submission, lab: Lab, seed: int) -> None:
        self.submission, self.lab, self.seed = submission, lab, seed
        self.verdicts: dict[str, tuple[str, str]] = {}
        self.notes: list[str] = []
        self.stopped = ""

    def run(self, session: Session) -> None:
        """Cell by cell; where a check stands, the answer is judged instead."""
        due = {place: name for name, place in self.submission.checks.items()}
        tasks = {task.name: task for task in self.lab.tasks}
        for place, source in enumerate(self.submission.cells):
            if name := due.get(place):
                self.verdicts[name] = self._judge(session, tasks[name])
            elif not _REPORT.match(source) and (error := session.run_cell(source)):
                self.notes.append(f"Code cell {place + 1}: {error}")

    def _judge(self, session: Session, task: Task) -> tuple[str, str]:
        exercise = self.lab.exercises[task.name]
        try:
            answer = session.answer(task.answer)
        except StudentError as error:
            return "not yet", str(error)
        student = self.submission.enrolled
        verdict = exercise.verdict(answer, student=student, seed=self.seed, rounds=ROUNDS)
        return verdict.status, verdict.message

    def result(self) -> Result:
        """The marks, with a word for the tasks that were not reached."""
        marks = tuple(self._mark(task) for task in self.lab.tasks)
        who, path = self.submission.student, self.submission.path
        return Result(who, self.lab.stem, path.name, marks, notes=tuple(self.notes))

    def _mark(self, task: Task) -> Mark:
        title = f"{task.number}. {task.title}"
        if task.name not in self.submission.checks:
            status = "not graded"
            message = f"The check was edited or removed: the cell `{check_line(task)}` is wanted."
        elif task.name in self.verdicts:
            status, message = self.verdicts[task.name]
        else:
            status, message = "not yet", self.stopped or "The notebook did not come this far."
        points = float(task.stars) if status == "correct" else 0.0
        return Mark(task.name, title, status, message, points, float(task.stars))
