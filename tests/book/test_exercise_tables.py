"""The tables on the instructors' page: read off the notebooks, complete, linked to the tasks."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import exercises
import pytest
import timings
from conftest import ROOT

from lessons_lib.course.assign import read_lab

BOOK = ROOT / "book"
LAB = read_lab(BOOK / "01_gaussian_score_lab.ipynb")
SEEN = {row["exercise"]: row for row in json.loads(exercises.MATRIX.read_text(encoding="utf-8"))}


def environment() -> SimpleNamespace:
    builder = SimpleNamespace(get_relative_uri=lambda here, there: there)
    return SimpleNamespace(docname="book/instructors", app=SimpleNamespace(builder=builder))


def cells(table) -> list[list[str]]:
    return [[entry.astext() for entry in row] for row in table.findall(exercises.nodes.row)]


def test_each_task_has_a_row_and_a_link() -> None:
    table = exercises.table(environment(), LAB, SEEN)
    head, *rows = cells(table)
    assert tuple(head) == exercises.HEAD and len(rows) == len(LAB.tasks)
    assert rows[0][:4] == ["1. One pixel, denoised", "Predict", "1", "5"]
    assert rows[0][4] == str(SEEN["one_pixel_denoised"]["accepted"])
    assert "no answer (2)" in rows[0][5]
    links = [link["refuri"] for link in table.findall(exercises.nodes.reference)]
    assert links[0] == "book/01_gaussian_score_lab#one-pixel-denoised"


def test_the_summary_counts() -> None:
    seen = {"a": {"accepted": 2, "rejected": ["x", "y"]}, "b": {"accepted": 1, "rejected": ["z"]}}
    assert "3 right answers" in (said := exercises.summary([LAB, LAB], seen))
    assert "12 exercises in 2 labs" in said and "and 3 wrong ones" in said


def test_a_lesson_costs_what_it_says(tmp_path: Path) -> None:
    read, run, practise = timings.cost(BOOK / "01_gaussian_score.ipynb")
    assert 5 < read < 30 and 0 < run < 60
    assert practise == sum(task.minutes for task in LAB.tasks)
    copy = tmp_path / "00_alone.ipynb"
    copy.write_text(
        (BOOK / "01_gaussian_score.ipynb").read_text(encoding="utf-8"), encoding="utf-8"
    )
    assert timings.cost(copy) == (read, run, 0)


def test_a_lesson_that_does_not_report_is_an_error() -> None:
    with pytest.raises(ValueError, match="wall_seconds"):
        timings.wall_seconds([{"outputs": []}])


def test_what_costs_nothing_shows_a_dash() -> None:
    assert cells(timings.table([timings.HEAD, ("a", "0", "10", "0")]))[1] == ["a", "–", "10", "–"]
