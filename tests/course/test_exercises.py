"""The machinery of checks: what counts as right, which hint is given, and that nothing crashes."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from lessons_lib.course.checks import (
    Exercise,
    Mistake,
    StudentError,
    ask,
    choice,
    enrol,
    function,
    value,
)
from lessons_lib.course.checks.answers import array, parts
from lessons_lib.operators import LinearOperator


def case(rng: torch.Generator) -> tuple[torch.Tensor, float]:
    return torch.randn(4, generator=rng, dtype=torch.float64), 1.5


def oracle(x: torch.Tensor, b: float) -> torch.Tensor:
    return x**2 + b


FORGOT = Mistake("b is forgotten.", lambda x, b: x**2)
SQUARE = Exercise("square", function(case, oracle, FORGOT))
TWO = Exercise(
    "two",
    function(
        case, lambda x, b: (x.sum(), b * x), Mistake("swapped", lambda x, b: (b * x, x.sum()))
    ),
)
NUMBER = Exercise(
    "number",
    value(lambda given: given["a"] ** 2, Mistake("not squared", lambda given: given["a"])),
    {"a": (3.0, 4.0, 5.0, 6.0)},
)
ROWS = Exercise(
    "rows", function(lambda rng: torch.randn(2, 3, generator=rng).double().unbind(), lambda *r: r)
)
MATRIX = Exercise(
    "matrix",
    function(
        lambda rng: torch.randn(2, 3, generator=rng).double().unbind(), lambda *r: torch.stack(r)
    ),
)
LETTER = Exercise("letter", choice("b", {"a": "too few", "c": "too many"}))


@pytest.fixture
def _nobody() -> None:
    yield
    enrol("")


@pytest.mark.parametrize(
    "answer",
    [
        oracle,
        lambda x, b: (x**2 + b).float().double() * (1 + 1e-7),
        lambda x, b: np.square(x) + b,
        lambda x, b: np.asarray(x) ** 2 + b,
        lambda x, b: (x**2 + b)[None, :, None],
        lambda x, b: [float(one) ** 2 + b for one in x],
        lambda x, b: [one**2 + b for one in x],
        lambda x, b: np.einsum("i,i->i", x.astype(float), x) + b,
        lambda x, b: x.requires_grad_() ** 2 + b,
    ],
)
def test_right_in_any_form(answer: Callable[..., Any]) -> None:
    assert str(SQUARE.verdict(answer)) == "✓ correct"


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x, b: x**2, "b is forgotten."),
        (lambda x, b: -(x**2) - b, "its sign"),
        (lambda x, b: 0.5 * (x**2 + b), "factor: all your values are 0.5 times"),
        (lambda x, b: (x**2 + b)[:3], "shape (3,), and (4,)"),
        (lambda x, b: x.sum(), "shape (), and (4,)"),
        (lambda x, b: x * math.nan, "not finite"),
        (lambda x, b: x**2 + b + 1e-3, "Not the right values yet."),
        (lambda x, b: x**2 + b * (1 + 1e-5) + 1e-5, "Close"),
        (lambda x, b: 0 * x, "Not the right values yet."),
        (lambda x, b: (x, b), "2 part(s)"),
        (lambda x, b: "four", "the text 'four'"),
        (lambda x: x, "TypeError"),
        (lambda x, b: x @ torch.ones(3, 3), "RuntimeError"),
        (lambda x, b: exit(), "SystemExit"),
        (lambda x, b: oracle, "a function"),
        (lambda x, b: {"a", "b"}, "type set"),
        (3.0, "A function is wanted"),
        ("x**2", "A function is wanted"),
    ],
)
def test_wrong_with_a_hint(answer: Any, hint: str) -> None:
    verdict = SQUARE.verdict(answer)
    assert verdict.status == "not yet" and hint in verdict.message


def refuses(x: object, b: object) -> None:
    raise NotImplementedError


@pytest.mark.parametrize(
    "answer", [..., None, lambda x, b: ..., lambda x, b: None, lambda x, b: (..., ...), refuses]
)
def test_not_attempted(answer: Any) -> None:
    assert str(SQUARE.verdict(answer)) == "… not attempted"


def test_several_results() -> None:
    assert TWO.verdict(lambda x, b: (x.sum(), b * x)).status == "correct"
    assert TWO.verdict(lambda x, b: [x.numpy().sum(), b * x.numpy()]).status == "correct"
    assert TWO.verdict(lambda x, b: {"0": x.sum(), "1": b * x}).status == "correct"
    assert TWO.verdict(lambda x, b: (b * x, x.sum())).message == "swapped"
    assert ROWS.verdict(lambda a, b: [a.tolist(), b.tolist()]).status == "correct"
    assert ROWS.verdict(lambda a, b: torch.stack([a, b])).status == "correct"
    assert ROWS.verdict(lambda a, b: torch.stack([b, a])).status == "not yet"
    assert MATRIX.verdict(lambda a, b: [a, b]).status == "correct"
    assert MATRIX.verdict(lambda a, b: (a, b)).status == "correct"
    assert MATRIX.verdict(lambda a, b: [a.tolist(), b.tolist()]).status == "correct"


def test_functions_among_the_arguments_take_arrays_from_those_who_use_them() -> None:
    slope = Exercise("slope", function(lambda rng: (oracle, *case(rng)), lambda f, x, b: 2 * x))
    verdict = slope.verdict(lambda f, x, b: (f(x + np.full(4, 1e-4), b) - f(x - 1e-4, b)) / 2e-4)
    assert str(verdict) == "✓ correct"


def test_an_array_is_wanted() -> None:
    assert array([[1, 2], (3, 4)]).tolist() == array(([1, 2], [3, 4])).tolist() == [[1, 2], [3, 4]]
    with pytest.raises(StudentError, match="One array is wanted here, and this is 2 of them"):
        array((1.0, [1, 2]))
    assert "1 part(s)" in TWO.verdict(lambda x, b: b * x).message


def test_the_error_names_the_students_own_line() -> None:
    def answer(x: torch.Tensor, b: float) -> torch.Tensor:
        return torch.linalg.inv(x)  # wrong

    message = SQUARE.verdict(answer).message
    assert "your line" in message and "`return torch.linalg.inv(x)  # wrong`" in message
    assert len(message) < 400


def test_arguments_stay_as_they_were() -> None:
    def destroys(x: torch.Tensor, b: float) -> torch.Tensor:
        result = oracle(x, b)
        x.zero_()
        return result

    assert SQUARE.verdict(destroys, rounds=3).status == "correct"


def test_a_stand_in_may_raise_what_its_student_did() -> None:
    def proxy(*_: Any) -> None:
        raise StudentError("Your code stops with ValueError: far away")

    assert SQUARE.verdict(proxy).message == "Your code stops with ValueError: far away"


@pytest.mark.parametrize("answer", [9, 9.0, "9", [9.0], torch.tensor(9.004), Fraction(9)])
def test_a_value(answer: Any) -> None:
    assert NUMBER.verdict(answer).status == ("not yet" if isinstance(answer, str) else "correct")


def test_a_wrong_value() -> None:
    assert NUMBER.verdict(3).message == "not squared"
    assert NUMBER.verdict(-9).message == "Right but for its sign."
    assert NUMBER.verdict(4.5).message == "Not the right values yet."  # a factor would tell it
    assert NUMBER.verdict(...).status == "not attempted"
    assert "a function" in NUMBER.verdict(oracle).message


def test_constants_and_cases_belong_to_the_student(
    capsys: pytest.CaptureFixture[str], _nobody: None
) -> None:
    everyone = {NUMBER.given(f"student {k}").a for k in range(40)}
    assert everyone == {3.0, 4.0, 5.0, 6.0} and NUMBER.given().a == 3.0
    ada = next(f"student {k}" for k in range(40) if NUMBER.given(f"student {k}").a == 5.0)
    assert NUMBER.verdict(25, student=ada).status == "correct"
    assert NUMBER.verdict(9, student=ada).status == "not yet"
    enrol(ada)
    NUMBER(25)
    assert (NUMBER.given().a, capsys.readouterr().out) == (5.0, "✓ correct\n")


def test_cases_differ_by_student_and_seed_and_round() -> None:
    seen: list[float] = []

    def judge(answer: Any, generator: torch.Generator, given: Any) -> None:
        seen.append(float(torch.rand((), generator=generator)))

    exercise = Exercise("any", judge)
    exercise.verdict(1, rounds=2)
    exercise.verdict(1, student="ada")
    exercise.verdict(1, seed=1)
    assert len(set(seen)) == 4
    exercise.verdict(1)
    assert seen[-1] == seen[0]


def test_a_student_is_a_text() -> None:
    with pytest.raises(TypeError, match="student must be a text, got int"):
        enrol(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("answer", ["b", "B", " b ", "(b)", "b."])
def test_a_letter(answer: str) -> None:
    assert LETTER.verdict(answer).status == "correct"


@pytest.mark.parametrize(
    ("answer", "hint"),
    [("a", "too few"), ("c", "too many"), ("d", "One of 'a', 'b', 'c'"), (2, "type int")],
)
def test_a_wrong_letter(answer: Any, hint: str) -> None:
    assert hint in LETTER.verdict(answer).message
    assert LETTER.verdict(...).status == "not attempted"


def test_a_judge_that_stumbles_over_an_answer_does_not_crash() -> None:
    def judge(answer: Any, generator: torch.Generator, given: Any) -> str | None:
        return answer["no such thing"]

    assert Exercise("fragile", judge).verdict(3).status == "not yet"


def test_a_mistake_that_is_right_by_chance_is_not_named() -> None:
    lucky = Exercise("lucky", value(lambda given: 1.0, Mistake("wrong", lambda given: 1.0)))
    assert lucky.verdict(1.0).status == "correct"
    assert "Not the right values" in lucky.verdict(0.0).message


def test_complex_numbers_are_numbers() -> None:
    (z,) = parts([1 + 2j, 3])
    assert z.dtype == torch.complex128 and z[0] == 1 + 2j
    wave = Exercise("wave", value(lambda given: torch.tensor([1j, 1.0])))
    assert wave.verdict(np.array([1j, 1])).status == "correct"
    assert "Not the right values" in wave.verdict(np.array([-1j, 1])).message


def test_ask_hands_numbers_and_objects_on() -> None:
    assert ask(lambda n, name, f: (n, name, f(2.0)), 1, "a", math.sqrt) == (1, "a", math.sqrt(2))


def _raises(*_: object) -> None:
    raise NotImplementedError("later")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (_raises, "not attempted"),
        (lambda x, b: _raises(), "not attempted"),
        (lambda x, b: torch.empty(4, device="meta").cpu(), "not yet"),  # out of C++
        (lambda x, b: LinearOperator()(x), "not yet"),  # out of this library
        (lambda x, b: Fraction.__add__(NotImplemented, 1), "not yet"),
    ],
)
def test_an_error_of_a_library_is_no_stub(answer: Callable[..., Any], status: str) -> None:
    verdict = SQUARE.verdict(answer)
    assert verdict.status == status
    if status == "not yet":
        assert "Your code stops with" in verdict.message
