"""Grade one submission: run its cells behind walls, and judge its answers out here."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from lessons_lib.course.assign.sandbox import Limits, Session, Stopped, worker
from lessons_lib.course.assign.source import Lab, Task
from lessons_lib.course.assign.steps import check_line
from lessons_lib.course.assign.submission import Submission
from lessons_lib.course.assign.words import line
from lessons_lib.course.checks import NotAttempted, StudentError

ROUNDS = 3
"""How many times each answer is judged, with hidden cases of each time."""

_ASK = "from lessons_lib.course.checks import enrolled as _who; _who = _who()"
_REPORT = re.compile(r"^from lessons_lib\.course\.report import report\s+report\(\)$")


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
    """All marks of one submission, or why it was ``refused``; ``notes`` are errors of its cells.

    ``edition`` is the id by whose constants it was judged, and ``works_as`` the one with which the
    notebook works; both are empty for the edition for all. A file of no lab, beside one of a lab,
    is left ``aside``.
    """

    student: str
    lab: str
    file: str
    marks: tuple[Mark, ...] = ()
    refused: str = ""
    notes: tuple[str, ...] = ()
    edition: str = ""
    works_as: str = ""
    aside: bool = False

    @property
    def points(self) -> float:
        """Points reached."""
        return sum(mark.points for mark in self.marks)

    @property
    def remark(self) -> str:
        """What to say if the notebook works with other constants than those it was judged by."""
        if self.works_as == self.edition:
            return ""
        works, judged = edition_name(self.works_as), edition_name(self.edition)
        return f"It works as {works}, and is judged as {judged}."

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
    *,
    seed: int,
    limits: Limits | None = None,
    trust: bool = False,
) -> Result:
    """Run a ``submission`` of ``lab`` under ``limits``, and judge it with cases of ``seed``.

    With ``trust`` it runs without walls where the machine has none. Whatever it does, no exception
    comes of it.
    """
    done = _Progress(submission, lab, seed)
    try:
        with worker(limits or Limits(), trust=trust) as session:
            done.run(session)
    except Stopped as stop:
        done.stopped = f"The notebook stopped here: {stop}."
    return done.result()


def failed(submission: Submission, why: str) -> Result:
    """A result that says ``why`` there are no marks for ``submission``."""
    return Result(submission.student, submission.lab, submission.file, refused=why)


def edition_name(student: str) -> str:
    """The edition of a ``student`` in words."""
    return f"the edition of {student}" if student else "the edition for all"


class _Progress:
    """What is known about a submission so far."""

    def __init__(self, submission: Submission, lab: Lab, seed: int) -> None:
        self.submission, self.lab, self.seed = submission, lab, seed
        self.verdicts: dict[str, tuple[str, str]] = {}
        self.notes: list[str] = []
        self.stopped = ""
        self.edition = submission.edition or ""
        self.works_as: str | None = None

    def run(self, session: Session) -> None:
        """Step by step; where a check stands, the answer is judged."""
        tasks = {task.name: task for task in self.lab.tasks}
        for step in self.submission.steps:
            if step.task:
                self.verdicts[step.task] = self._judge(session, tasks[step.task])
            elif not _REPORT.match(step.source) and (error := session.run_cell(step.source)):
                self.notes.append(f"Code cell {step.cell}: {error}")

    def _judge(self, session: Session, task: Task) -> tuple[str, str]:
        exercise = self.lab.exercises[task.name]
        if self.works_as is None:
            self._learn_edition(session)
        try:
            answer = session.answer(task.answer)
        except NotAttempted:
            return "not attempted", ""
        except StudentError as error:
            return "not yet", str(error)
        verdict = exercise.verdict(answer, student=self.edition, seed=self.seed, rounds=ROUNDS)
        return verdict.status, verdict.message

    def _learn_edition(self, session: Session) -> None:
        """Ask, once, as whom the notebook works; an own word that is no id changes nothing else."""
        session.run_cell(_ASK)
        try:
            told = session.answer("_who")
        except (StudentError, NotAttempted):
            told = ""
        self.works_as = line(told, 64) if isinstance(told, str) else ""
        given = self.submission.edition
        self.edition = self.works_as if given is None else given

    def result(self) -> Result:
        """The marks, with a word for the tasks that were not reached."""
        marks = tuple(self._mark(task) for task in self.lab.tasks)
        who, file = self.submission.student, self.submission.file
        notes, edition = tuple(self.notes), self.edition
        works_as = edition if self.works_as is None else self.works_as
        return Result(who, self.lab.stem, file, marks, "", notes, edition, works_as)

    def _mark(self, task: Task) -> Mark:
        title = f"{task.number}. {task.title}"
        if task.name not in self.submission.checks:
            status = "not graded"
            message = f"The check was edited or removed: the line `{check_line(task)}` is wanted."
        elif task.name in self.verdicts:
            status, message = self.verdicts[task.name]
        else:
            status, message = "not yet", self.stopped or "The notebook did not come this far."
        points = float(task.stars) if status == "correct" else 0.0
        return Mark(task.name, title, status, message, points, float(task.stars))
