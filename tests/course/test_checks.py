"""`claim`: it passes what is right, refuses what is wrong, and tells its listeners."""

from __future__ import annotations

import math

import pytest
import torch

from lessons_lib.course import checks
from lessons_lib.course.checks import Claim, claim


@pytest.fixture
def heard() -> list[Claim]:
    """Claims as a listener receives them."""
    made: list[Claim] = []
    checks.listeners.append(made.append)
    yield made
    checks.listeners.remove(made.append)


def test_prints_words_and_evidence(capsys: pytest.CaptureFixture[str]) -> None:
    claim("two and two are four", 2 + 2, equals=4, within=1e-12)
    claim("a third is small", 1 / 3, below=0.5)
    claim("a third is not tiny", torch.tensor([1 / 3, 2.0]), above=0.1)
    claim("a vector is itself", torch.arange(3.0), equals=torch.arange(3.0), within=1e-9)
    assert capsys.readouterr().out.splitlines() == [
        "✓ two and two are four: 4 ≈ 4 within 1e-12",
        "✓ a third is small: 0.333 < 0.5",
        "✓ a third is not tiny: 0.333 > 0.1",
        "✓ a vector is itself: all 3 values within 1e-9",
    ]


def test_negative_zero_prints_as_zero(capsys: pytest.CaptureFixture[str]) -> None:
    claim("nothing is nothing", -0.0, equals=0.0, within=1e-9)
    assert capsys.readouterr().out == "✓ nothing is nothing: 0 ≈ 0 within 1e-9\n"


@pytest.mark.parametrize(
    ("measured", "options"),
    [
        (1.01, {"equals": 1.0, "within": 1e-3}),
        (-1.0, {"equals": 1.0, "within": 1e-3}),
        (1.0, {"below": 1.0}),
        (1.0, {"above": 1.0}),
        (torch.tensor([0.0, 2.0]), {"below": 1.0}),
        (torch.tensor([0.0, 2.0]), {"above": 1.0}),
        (torch.tensor([1.0, 2.0]), {"equals": torch.tensor([1.0, 2.1]), "within": 0.05}),
        (math.nan, {"equals": 1.0, "within": 1e9}),
        (math.nan, {"below": 1.0}),
        (math.inf, {"above": 1.0}),
        (1.0, {"equals": math.nan, "within": 1.0}),
        (1.0, {"below": math.nan}),
    ],
)
def test_refuses_what_does_not_hold(measured: object, options: dict, heard: list[Claim]) -> None:
    with pytest.raises(AssertionError, match="the sentence"):
        claim("the sentence", measured, **options)
    assert len(heard) == 1 and not heard[0].holds()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"equals": 1.0},
        {"within": 1.0},
        {"equals": 1.0, "within": 0.1, "below": 2.0},
        {"below": 2.0, "above": 0.0},
        {"below": 2.0, "within": 0.1},
    ],
)
def test_asks_for_exactly_one_comparison(options: dict, heard: list[Claim]) -> None:
    with pytest.raises(ValueError, match="claim needs"):
        claim("unclear", 1.0, **options)
    assert heard == []


def test_asks_for_words(heard: list[Claim]) -> None:
    with pytest.raises(ValueError, match="text must say"):
        claim(" ", 1.0, below=2.0)
    assert heard == []


def test_tells_listeners_what_was_measured(heard: list[Claim]) -> None:
    measured = torch.ones(2, dtype=torch.float32, requires_grad=True)
    claim("ones are one", measured, equals=1.0, within=1e-6)
    (made,) = heard
    assert made.text == "ones are one" and made.relation == "equals" and made.within == 1e-6
    assert made.measured.dtype == torch.float64 and not made.measured.requires_grad
    assert made.expected.shape == (2,) and made.error() == 0.0


def test_shapes_that_do_not_broadcast_are_an_error() -> None:
    with pytest.raises(RuntimeError):
        claim("shapes", torch.ones(2), equals=torch.ones(3), within=1.0)


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"equals": 0.0, "within": 1e-3}, "0 ≈ 0 within"),
        ({"below": 1e-3}, "0 < 0.001"),
        ({"below": 1e-7}, "4e-09 < 1e-07"),
        ({"equals": 0.0, "within": 1e-7}, "4e-09 ≈ 0 within"),
    ],
)
def test_rounding_noise_is_not_printed(
    options: dict, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    claim("it is small", 4e-9, **options)
    assert shown in capsys.readouterr().out


def test_an_exact_count_is_printed_whole(capsys: pytest.CaptureFixture[str]) -> None:
    claim("as many", 238729, equals=238729, within=0)
    assert capsys.readouterr().out == "✓ as many: 238729 = 238729 exactly\n"
