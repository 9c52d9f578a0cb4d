"""An exercise: a name, a judge, and the constants that differ from student to student."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any, Literal, NamedTuple

import torch

from lessons_lib.console import say
from lessons_lib.course.checks.answers import NotAttempted, StudentError, explain
from lessons_lib.course.checks.judges import Judge

Status = Literal["correct", "not yet", "not attempted"]
SIGNS = {"correct": "✓", "not yet": "✗", "not attempted": "…"}

_enrolled = ""


def enrol(student: str) -> None:
    """Work as this ``student``: random cases and constants are then those of that id.

    The book itself is nobody: the empty id.

    Raises
    ------
    TypeError
        If ``student`` is not a text.
    """
    if not isinstance(student, str):
        raise TypeError(f"student must be a text, got {type(student).__name__}")
    global _enrolled
    _enrolled = student


def enrolled() -> str:
    """Return whose cases and constants these are; the book's have the empty id."""
    return _enrolled


class Verdict(NamedTuple):
    """``status`` is "correct", "not yet" or "not attempted"; ``message`` is the hint."""

    status: Status
    message: str = ""

    def __str__(self) -> str:
        end = f": {self.message}" if self.message else ""
        return f"{SIGNS[self.status]} {self.status}{end}"


@dataclass(frozen=True)
class Exercise:
    """One task of a lab, which judges an answer when it is called.

    Parameters
    ----------
    name : str
        Its name in the module of the lab.
    judge : callable
        ``judge(answer, generator, given)``, see `lessons_lib.course.checks.judges`.
    options : mapping of str to sequence
        For each constant of the task, the values that it can take. The book has the first one; a
        student has one of them, chosen by the student's id.
    """

    name: str
    judge: Judge
    options: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def __call__(self, answer: Any) -> None:
        """Print the verdict on ``answer``; whatever it is, no exception leaves."""
        say(str(self.verdict(answer, student=_enrolled)))

    def given(self, student: str | None = None) -> SimpleNamespace:
        """The constants of a ``student``, by default of the one enrolled, as attributes."""
        who = _enrolled if student is None else student
        first = {name: values[0] for name, values in self.options.items()}
        if not who:
            return SimpleNamespace(**first)
        drawn = {
            name: values[_number(who, self.name, name) % len(values)]
            for name, values in self.options.items()
        }
        return SimpleNamespace(**drawn)

    def verdict(self, answer: Any, *, student: str = "", seed: int = 0, rounds: int = 1) -> Verdict:
        """Judge ``answer``.

        Parameters
        ----------
        answer : Any
            The student's function or value.
        student : str
            Whose constants and cases they are.
        seed : int
            Another seed draws other cases.
        rounds : int
            How many times to judge; all must be passed.
        """
        given = vars(self.given(student))
        try:
            for number in range(rounds):
                source = torch.Generator().manual_seed(_number(student, self.name, seed, number))
                if hint := self.judge(answer, source, given):
                    return Verdict("not yet", hint)
        except NotAttempted:
            return Verdict("not attempted")
        except StudentError as error:
            return Verdict("not yet", str(error))
        except (Exception, SystemExit) as error:  # an answer that no judge foresaw
            return Verdict("not yet", explain(error))
        return Verdict("correct")


def elsewhere(answer: Any, generator: torch.Generator, given: Mapping[str, Any]) -> str | None:
    """The judge of an exercise in a process that holds no oracle, as that of a submission."""
    del answer, generator, given
    raise StudentError("This is judged by the grader, who has the oracle.")


def exercises(lab: ModuleType) -> dict[str, Exercise]:
    """The exercises of the module ``lab``, by name, in their order."""
    return {name: thing for name, thing in vars(lab).items() if isinstance(thing, Exercise)}


def _number(*words: object) -> int:
    """A number from anything that can be written, the same on every machine."""
    digest = hashlib.sha256("/".join(map(str, words)).encode()).digest()
    return int.from_bytes(digest[:6], "big")
