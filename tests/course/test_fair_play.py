"""Answers that look behind the question: none is paid for what it did not work out."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import torch
from test_labs import LABS

from lessons_lib.course.assign import sandbox
from lessons_lib.course.assign.sandbox import Limits, worker
from lessons_lib.course.checks import NotAttempted, StudentError, map_langevin
from lessons_lib.course.checks.answers import apart, ask


class Watched:
    """An answer that keeps the generators it is given, and says no more."""

    def __init__(self) -> None:
        self.seen: list[torch.Generator] = []

    def __call__(self, *args: Any) -> Any:
        self.seen += [arg for arg in args if isinstance(arg, torch.Generator)]
        raise StudentError


def test_a_generator_that_an_answer_gets_is_not_the_judges() -> None:
    """Neither its state nor its seed leads to numbers that the judge has drawn, in any lab."""
    drawn = torch.rand(100_000, generator=torch.Generator().manual_seed(5))
    watched = Watched()
    for lab in LABS:
        for exercise in lab.exercises.values():
            rng = torch.Generator().manual_seed(5)
            with suppress(NotAttempted, StudentError):
                exercise.judge(watched, rng, vars(exercise.given("")))
    assert len(watched.seen) == 16  # eight exercises draw, each asked with tensors and with arrays
    for one in watched.seen:
        for draws in (one, torch.Generator().manual_seed(one.initial_seed())):
            assert not bool(torch.isin(torch.rand(4, generator=draws), drawn).all())


def the_truth_from_the_seed(
    y: torch.Tensor, mean: float, std: float, n: float, num: int, generator: torch.Generator
) -> torch.Tensor:
    """Draw again what the judge has drawn, and hand it in with a little noise."""
    double = {"dtype": torch.float64}
    judge = torch.Generator().manual_seed(generator.initial_seed())
    for _ in range(3):
        torch.rand((), generator=judge, **double)
    truth = mean + std * torch.randn(len(y), generator=judge, **double)
    spread = 3 * std * torch.randn(num + 1, len(y), generator=judge, **double)
    return truth + spread[1:] - spread[0]


def test_the_truth_cannot_be_drawn_from_the_seed() -> None:
    verdict = map_langevin.passes_the_rank_test.verdict(the_truth_from_the_seed, seed=3)
    assert verdict.status == "not yet"


def test_a_generator_apart_is_repeatable_and_moves_with_its_source() -> None:
    rng = torch.Generator().manual_seed(1)
    once, twice = apart(rng).initial_seed(), apart(rng).initial_seed()
    torch.rand(1, generator=rng)
    assert once == twice != apart(rng).initial_seed()
    assert ask(lambda g: g.initial_seed(), rng) == apart(rng).initial_seed()


THEFT = """
import importlib

def stolen(topic, name):
    \"\"\"The oracle of an exercise, or the value that it gives.\"\"\"
    exercise = getattr(importlib.import_module(f"lessons_lib.course.checks.{topic}"), name)
    judge = exercise.judge
    cells = [cell.cell_contents for cell in judge.__closure__ or ()]
    held = dict(zip(judge.__code__.co_freevars, cells))
    oracle = held.get("oracle")
    if oracle and "case" not in held:
        return oracle(vars(exercise.given("")))
    return oracle or held.get("right", "no oracle")
"""


def test_the_oracle_of_the_library_pays_where_there_are_no_walls() -> None:
    """This is what the next test is about; on one's own machine nobody is to be kept from it."""
    own: dict[str, Any] = {}
    exec(THEFT, own)
    paid = 0
    for lab in LABS:
        for task in lab.tasks:
            answer = own["stolen"](lab.topic, task.name)
            status = lab.exercises[task.name].verdict(answer, seed=3).status
            paid += task.stars * (status == "correct")
    assert paid > 50


@pytest.mark.skipif(sandbox.missing() is not None, reason=str(sandbox.missing()))
def test_behind_the_walls_there_is_no_oracle_to_hand_in() -> None:
    """In no lab does the same answer get a point from the grader."""
    with worker(Limits(cell=60, total=600)) as session:
        assert session.run_cell(THEFT) is None
        for lab in LABS:
            for task in lab.tasks:
                said = session.run_cell(f"answer = stolen({lab.topic!r}, {task.name!r})")
                assert said is None, said
                verdict = lab.exercises[task.name].verdict(session.answer("answer"), seed=3)
                assert verdict.status == "not yet", (task.name, verdict)
        for hidden in ("gaussian_score import _liar", "pitfalls import _sleeper"):
            said = session.run_cell(f"from lessons_lib.course.checks.{hidden}")
            assert "ImportError" in (said or ""), hidden
