"""The labs: their anatomy, their solutions, and a matrix of answers that checks accept and reject.

``pytest tests/course/test_labs.py --write-matrix`` stores the matrix that the instructors' page
shows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType

import lab_rules as rules
import pytest
import torch
from conftest import ROOT
from lab_answers import Wrong
from lab_runner import answered
from work import Work

from lessons_lib.course.assign import Lab, read_lab
from lessons_lib.course.checks import Exercise

LABS = [read_lab(path) for path in sorted((ROOT / "book").glob("*_lab.ipynb"))]
MATRIX = ROOT / "book" / "_data" / "exercises.json"
FEWEST_WRONG = 3
MOST = {"operations": 500_000, "numbers": 500_000_000}  # of a check; about two seconds
SECRET = 7

labs = pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.stem)


def answers(lab: Lab) -> ModuleType:
    return import_module(f"lab_answers.{lab.topic}")


@labs
@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_anatomy(lab: Lab, rule: Callable[[Lab], list[str]]) -> None:
    assert rule(lab) == []


@labs
@pytest.mark.parametrize("student", ["", "ada"])
def test_solutions_are_accepted(lab: Lab, student: str) -> None:
    """Each solution passes, for each student, on cases that no notebook has seen."""
    played = answered(lab, student, solved=True)
    assert played.errors == []
    verdicts = {
        name: str(exercise.verdict(played.answers[name], student=student, seed=SECRET, rounds=2))
        for name, exercise in lab.exercises.items()
    }
    assert verdicts == dict.fromkeys(lab.exercises, "✓ correct")


@labs
def test_stubs_run_and_are_not_attempted(lab: Lab) -> None:
    played = answered(lab, solved=False)
    assert played.errors == []
    verdicts = {n: e.verdict(played.answers[n]).status for n, e in lab.exercises.items()}
    assert verdicts == dict.fromkeys(lab.exercises, "not attempted")


def every_exercise() -> Iterator[pytest.ParameterSet]:
    for lab in LABS:
        for name, exercise in lab.exercises.items():
            yield pytest.param(lab, exercise, id=f"{lab.topic}-{name}")


exercises = pytest.mark.parametrize(("lab", "exercise"), list(every_exercise()))


@exercises
def test_other_right_answers_are_accepted(lab: Lab, exercise: Exercise) -> None:
    found = answers(lab).RIGHT.get(exercise.name, [])
    verdicts = [str(exercise.verdict(answer, seed=SECRET)) for answer in found]
    assert verdicts == ["✓ correct"] * len(found)


@exercises
def test_wrong_answers_get_their_hint(lab: Lab, exercise: Exercise) -> None:
    wrong: list[Wrong] = answers(lab).WRONG[exercise.name]
    assert len(wrong) >= FEWEST_WRONG
    for one in wrong:
        with Work() as work:
            verdict = exercise.verdict(one.answer)
        assert heavy(work) == [], one
        assert verdict.status == "not yet" and one.hint in verdict.message, (one.kind, verdict)
        assert exercise.verdict(one.answer, seed=SECRET).status == "not yet", one


def heavy(work: Work) -> list[str]:
    """What a check does more than anyone should wait for."""
    return [f"{vars(work)[k]} {k}" for k in MOST if vars(work)[k] > MOST[k]]


def test_a_slow_check_is_found() -> None:
    with Work() as work:
        torch.zeros(2).add_(1)
    assert heavy(work) == [] and (work.operations, work.numbers) == (2, 4)
    work.operations = work.numbers = 10**9
    assert heavy(work) == ["1000000000 operations", "1000000000 numbers"]


@exercises
@pytest.mark.parametrize("junk", [set(), "?", print, lambda *_: object(), [[]], float("nan")])
def test_nothing_crashes_a_check(lab: Lab, exercise: Exercise, junk: object) -> None:
    assert exercise.verdict(junk).status in {"not yet", "not attempted"}


def matrix() -> list[dict[str, object]]:
    """For each exercise how many right answers are accepted, and which wrong ones get a hint."""
    return [
        {
            "lab": lab.stem,
            "exercise": name,
            "accepted": 1 + len(answers(lab).RIGHT.get(name, [])),
            "rejected": [wrong.kind for wrong in answers(lab).WRONG[name]],
        }
        for lab in LABS
        for name in lab.exercises
    ]


def test_the_stored_matrix_is_this_one(request: pytest.FixtureRequest) -> None:
    """The tests above have just accepted and rejected what it lists."""
    if request.config.getoption("--write-matrix"):
        MATRIX.write_text(json.dumps(matrix(), indent=1) + "\n", encoding="utf-8")
    assert json.loads(MATRIX.read_text(encoding="utf-8")) == matrix(), (
        "run this file with --write-matrix"
    )
