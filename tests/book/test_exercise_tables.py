"""The tables on the instructors' page: read off the notebooks, complete, linked to the tasks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import teaching
from conftest import ROOT
from rendered import read

from lessons_lib.course.assign import read_lab

BOOK = ROOT / "book"
LAB = read_lab(BOOK / "01_gaussian_score_lab.ipynb")
SEEN = {row["exercise"]: row for row in json.loads(teaching.MATRIX.read_text(encoding="utf-8"))}


def test_each_task_has_a_row_and_a_link() -> None:
    lines = teaching.exercises(LAB, SEEN).splitlines()
    assert sum(line.startswith("* - ") for line in lines) == 1 + len(LAB.tasks)
    first = lines.index(
        "* - 1\\. [One pixel, denoised](01_gaussian_score_lab.ipynb#1-one-pixel-denoised)"
    )
    assert lines[first + 1 : first + 4] == ["  - Predict", "  - 1", "  - 5"]
    assert lines[first + 4] == f"  - {SEEN['one_pixel_denoised']['accepted']}"
    assert "no answer (2)" in lines[first + 5]


def test_the_summary_counts() -> None:
    seen = {"a": {"accepted": 2, "rejected": ["x", "y"]}, "b": {"accepted": 1, "rejected": ["z"]}}
    assert "3 right answers" in (said := teaching.summary([LAB, LAB], seen))
    assert "12 exercises in 2 labs" in said and "and 3 wrong ones" in said


def test_a_lesson_costs_what_it_says(tmp_path: Path) -> None:
    read, run, practise = teaching.cost(BOOK / "01_gaussian_score.ipynb")
    assert 20 < read < 60 and 0 < run < 60
    assert practise == sum(task.minutes for task in LAB.tasks)
    copy = tmp_path / "00_alone.ipynb"
    copy.write_text(
        (BOOK / "01_gaussian_score.ipynb").read_text(encoding="utf-8"), encoding="utf-8"
    )
    assert teaching.cost(copy) == (read, run, 0)


def test_a_lesson_that_does_not_report_is_an_error() -> None:
    with pytest.raises(ValueError, match="wall_seconds"):
        teaching.wall_seconds([{"outputs": []}])


def test_what_costs_nothing_shows_a_dash(pages: Path) -> None:
    rows = read(pages / "book" / "instructors.html").select("table.costs tr")
    cells = [[cell.get_text(strip=True) for cell in row.select("th, td")] for row in rows]
    assert tuple(cells[0]) == teaching.COSTS and cells[-1][0] == "all"
    assert cells[1][1] == str(teaching.cost(BOOK / "00_tour.ipynb")[0]) and cells[1][3] == "–"
