"""A lab as an assignment of otter-grader: its form, and, where otter is installed, its grades.

Otter is installed by the job that runs these tests with it; NEED_OTTER=1 makes its absence a
failure.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import hand_in
import nbformat
import pytest
from conftest import ROOT

from lessons_lib.course.assign import Lab
from lessons_lib.course.assign.__main__ import main
from lessons_lib.course.assign.handout import labs_in
from lessons_lib.course.assign.otter import master

LABS = labs_in(ROOT / "book")
FIRST = LABS[0]
SEED = 271828
HAS_OTTER = importlib.util.find_spec("otter") is not None
needs_otter = pytest.mark.skipif(
    not HAS_OTTER and os.environ.get("NEED_OTTER", "") in ("", "0"),
    reason="otter-grader is not installed",
)


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.stem)
def test_the_master_has_a_question_for_each_task(lab: Lab) -> None:
    notebook = master(lab, seed=SEED)
    nbformat.validate(notebook)
    raw = [cell.source for cell in notebook.cells if cell.cell_type == "raw"]
    heads = [source.splitlines()[0] for source in raw]
    blocks = ["BEGIN QUESTION", "BEGIN SOLUTION", "END SOLUTION", "BEGIN TESTS", "END TESTS"]
    expected = [f"# {block}" for block in [*blocks, "END QUESTION"]] * len(lab.tasks)
    assert heads == ["# ASSIGNMENT CONFIG", *expected]
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    hidden = [source for source in code if "hidden: true" in source]
    assert len(hidden) == len(lab.tasks) == sum(f"seed={SEED}" in source for source in code)
    assert not any("instructors" in cell.metadata.get("tags", []) for cell in notebook.cells)


def test_the_export_brings_what_the_autograder_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["export", "otter", str(tmp_path), "--root", str(ROOT), "--labs", FIRST.stem]
    assert main(words) == 0
    folder = tmp_path / FIRST.stem
    assert f"otter assign {folder / FIRST.stem}.ipynb" in capsys.readouterr().out
    assert "torch" in (folder / "requirements.txt").read_text(encoding="utf-8")
    assert (folder / "lessons_lib" / "course" / "checks" / "exercise.py").exists()
    assert not (folder / "lessons_lib" / "course" / "assign").exists()
    (written,) = folder.glob("*.ipynb")
    assert "](01_" not in written.read_text(encoding="utf-8")


@needs_otter
def test_otter_accepts_the_solutions_and_grades_a_student(tmp_path: Path) -> None:
    assert main(["export", "otter", str(tmp_path / "a"), "--root", str(ROOT), "--labs", "01"]) == 0
    folder = tmp_path / "a" / FIRST.stem
    otter(folder, "assign", f"{FIRST.stem}.ipynb", "dist")  # fails if a solution fails its tests
    handed_out = nbformat.read(folder / "dist" / "student" / f"{FIRST.stem}.ipynb", as_version=4)
    assert "seed=" not in nbformat.writes(handed_out)
    for task in FIRST.tasks[1:]:
        (stub,) = task.tagged("stub")
        (cell,) = [cell for cell in handed_out.cells if cell.source == stub.source]
        cell.source = hand_in.solution(FIRST, task.name)
    hand_in.save(handed_out, folder / "handed-in.ipynb")
    (autograder,) = (folder / "dist" / "autograder").glob("*.zip")
    otter(folder, "run", "-a", str(autograder), "-o", ".", "handed-in.ipynb")
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))["tests"]
    scores = {test["name"]: test["score"] for test in results if test.get("score") is not None}
    expected = {task.name: task.stars for task in FIRST.tasks} | {FIRST.tasks[0].name: 0}
    assert scores == expected


def otter(folder: Path, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "otter", *words], cwd=folder, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stdout + done.stderr
