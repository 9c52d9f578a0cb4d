"""A dry run of a class: made-up students hand in, and each gets what is due."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import hand_in
import pytest
import torch
from conftest import ROOT
from nbformat import NotebookNode

from lessons_lib.course.assign import batch, read_lab, sandbox
from lessons_lib.course.assign.__main__ import main
from lessons_lib.course.assign.batch import grade_folder
from lessons_lib.course.assign.grading import Mark, Result
from lessons_lib.course.assign.judging import judged
from lessons_lib.course.assign.record import Record
from lessons_lib.course.assign.sandbox import Limits
from lessons_lib.course.studies.grading import grading_report

pytestmark = pytest.mark.skipif(sandbox.missing() is not None, reason=str(sandbox.missing()))

BOOK = ROOT / "book"
LABS = {path.stem: path for path in sorted(BOOK.glob("*_lab.ipynb"))}
FIRST = read_lab(LABS["01_gaussian_score_lab"])
LIMITS = Limits(cell=120, call=60, total=600)
"""Generous: what is honest passes on a busy machine, too."""

SHORT = Limits(cell=10, call=5, total=300)
"""For what hangs on purpose."""

READ_THE_KEY = f"""
import json, glob, os
found = []
for path in {[str(LABS["01_gaussian_score_lab"]), *map(str, sorted(BOOK.glob("*.md"))[:2])]}:
    try:
        found.append(open(path).read())
    except OSError as error:
        found.append(type(error).__name__)
found += glob.glob({str(BOOK / "*")!r}) + glob.glob({str(ROOT / "tests/course/lab_answers/*")!r})
"""

FORGE = r"""
import json, os, struct
from lessons_lib.course import checks as package
package.Exercise.verdict = lambda *_, **__: package.Verdict("correct")
checks.one_pixel_denoised = lambda answer: print("✓ correct")
print("✓ correct")
data = json.dumps({"value": ["str", "correct"], "status": "correct", "points": 99}).encode()
"""


def typical() -> NotebookNode:
    """A sign, a power, a forgotten argument, a typing error, and two good answers."""
    answers = {task.name: hand_in.solution(FIRST, task.name) for task in FIRST.tasks}
    answers["score_of_a_lognormal"] = (
        "def lognormal_score(y, m, s):\n    return -(y.log() - m) / s**2"
    )
    answers["tweedie_by_autograd"] = answers["tweedie_by_autograd"].replace("sigma**2 *", "sigma *")
    answers["fools_two_averages"] = "def liar(x):\n    return -x"
    answers["log_ratio_along_a_line"] = "def log_ratio(score, a, b):\n    return scor(a) @ (b - a)"
    return hand_in.filled(FIRST, answers)


def hangs() -> NotebookNode:
    """One task sleeps in its cell, one in its function; the others are solved."""
    answers = {task.name: hand_in.solution(FIRST, task.name) for task in FIRST.tasks}
    answers["score_of_a_lognormal"] = "import time\nwhile True: time.sleep(1)"
    answers["tweedie_by_autograd"] = (
        "def denoise(*_):\n    while True:\n        try: time.sleep(100)\n        except: pass"
    )
    return hand_in.filled(FIRST, answers)


def forges() -> NotebookNode:
    """Replaces the checks, writes to the grader, and hands in things equal to everything."""
    answers = {
        "one_pixel_denoised": "class Yes(float):\n    __eq__ = lambda *_: True\nmy_guess = Yes(0)",
        "score_of_a_lognormal": "def lognormal_score(y, m, s):\n    os.write(4, struct.pack('!I', "
        "len(data)) + data)\n    return y",
        "tweedie_by_autograd": "denoise = package.Verdict('correct')",
        "fools_two_averages": "def liar(x):\n    print('✓ correct')\n    raise SystemExit(0)",
    }
    return hand_in.with_first_cell(hand_in.filled(FIRST, answers), FORGE)


def steals() -> NotebookNode:
    """Hands in what it could read of the key."""
    answers = {"fools_two_averages": "def liar(x):\n    raise ValueError(' '.join(found))"}
    return hand_in.with_first_cell(hand_in.filled(FIRST, answers), READ_THE_KEY)


def dies() -> NotebookNode:
    """Solves two tasks and then kills its own process."""
    answers = {task.name: hand_in.solution(FIRST, task.name) for task in FIRST.tasks}
    answers["tweedie_by_autograd"] = "import os\nos._exit(0)"
    return hand_in.filled(FIRST, answers)


def edited() -> NotebookNode:
    """A check that says correct by itself, a function with another name, a cell taken away."""
    notebook = hand_in.perfect(FIRST)
    for cell in notebook.cells:
        if cell.source == "checks.one_pixel_denoised(my_guess)":
            cell.source = "print('✓ correct')"
        cell.source = cell.source.replace("def liar(", "def lier(")
    notebook.cells = [c for c in notebook.cells if not c.source.startswith("checks.the_constant")]
    return notebook


def of_another_version() -> NotebookNode:
    notebook = hand_in.perfect(FIRST)
    notebook.metadata.lessons_lab.version = "0123456789"
    return notebook


def of_no_lab() -> NotebookNode:
    notebook = hand_in.perfect(FIRST)
    del notebook.metadata["lessons_lab"]
    notebook.cells = notebook.cells[3:]
    return notebook


PERSONAL = FIRST.exercises["one_pixel_denoised"]
"""A task whose constants differ from student to student."""


def saved_elsewhere(student: str) -> NotebookNode:
    """The key of ``student`` from an editor that drops metadata and ends lines as Windows does."""
    notebook = hand_in.perfect(FIRST, student)
    notebook.metadata.clear()
    for cell in notebook.cells:
        cell.source = cell.source.replace("\n", "\r\n")
    return notebook


def with_enrolment(student: str, before: str, after: str, *, dropped: bool = True) -> NotebookNode:
    """The key of ``student``, whose line that enrols was edited."""
    notebook = hand_in.perfect(FIRST, student)
    if dropped:
        notebook.metadata.clear()
    (setup,) = [cell for cell in notebook.cells if before in cell.source]
    setup.source = setup.source.replace(before, after)
    return notebook


def joined() -> NotebookNode:
    """Each check stands behind its answer in one cell, with a semicolon."""
    notebook = hand_in.perfect(FIRST)
    cells: list[NotebookNode] = []
    for cell in notebook.cells:
        if cell.source.startswith("checks.") and cells[-1].cell_type == "code":
            cells[-1].source += f"\n\n{cell.source};"
        else:
            cells.append(cell)
    notebook.cells = cells
    return notebook


def stumbles() -> NotebookNode:
    """One answer meets a NotImplementedError of PyTorch; one raises it itself, as a stub does."""
    answers = {
        "score_of_a_lognormal": "def lognormal_score(y, m, s):\n"
        "    return torch.empty(1, device='meta').cpu()",
        "tweedie_by_autograd": "def denoise(*_):\n    raise NotImplementedError('later')",
    }
    return hand_in.filled(FIRST, answers)


class Class(NamedTuple):
    folder: Path
    out: Path
    results: dict[tuple[str, str], Result]


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Class:
    folder = tmp_path_factory.mktemp("handed-in")
    for stem, path in LABS.items():
        hand_in.save(hand_in.perfect(read_lab(path)), folder / f"perfect_{stem}.ipynb")
    hand_in.save(hand_in.perfect(FIRST, "ada"), folder / "ada.ipynb")
    hand_in.save(hand_in.perfect(FIRST, "grace"), folder / "a file name.ipynb")
    for author in (typical, forges, steals, dies, edited, of_another_version, of_no_lab):
        hand_in.save(author(), folder / f"{author.__name__}.ipynb")
    hand_in.save(hand_in.filled(FIRST, {}), folder / "untouched" / "01_gaussian_score_lab.ipynb")
    hand_in.save(hand_in.filled(FIRST, {}), folder / "twice_01_gaussian_score_lab.ipynb")
    hand_in.save(hand_in.filled(FIRST, {}), folder / "twice" / "01_gaussian_score_lab (1).ipynb")
    hand_in.save(hand_in.filled(FIRST, {}, "ada"), folder / "eve.ipynb")
    hand_in.save(hand_in.filled(FIRST, {}, "perfect"), folder / "mallory.ipynb")
    edits = {
        "crlf": saved_elsewhere("crlf"),
        "comments": with_enrolment("comments", "enrol('comments')", "enrol('comments')  # me"),
        "computed": with_enrolment("computed", "enrol('computed')", "enrol('comp' + 'uted')"),
        "unenrolled": with_enrolment("unenrolled", "enrol('unenrolled')", "", dropped=False),
        "borrows": with_enrolment("borrows", "enrol('borrows')", "enrol('perfect')"),
        "odd": with_enrolment("odd", "enrol('odd')", "enrol('\\x1b[2J')"),
        "joined": joined(),
        "stumbles": stumbles(),
    }
    for name, notebook in edits.items():
        hand_in.save(notebook, folder / name / "lab_20250301_1542.ipynb")
    (folder / "nothing_01_gaussian_score_lab.ipynb").write_text("", encoding="utf-8")
    (folder / "letter_01_gaussian_score_lab.ipynb").write_text("Dear", encoding="utf-8")
    (folder / "list_01_gaussian_score_lab.ipynb").write_text("[" * 100_000, encoding="utf-8")
    (folder / "notes.txt").write_text("not a notebook", encoding="utf-8")
    out = tmp_path_factory.mktemp("out") / "gradebook.csv"
    record = Record.open(out.with_suffix(".record.json"), None)
    results = list(grade_folder(folder, LABS, record, limits=LIMITS))
    return Class(folder, out, {(r.student or r.file, r.lab): r for r in results})


@pytest.fixture(scope="module")
def hung(tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("hung")
    hand_in.save(hangs(), folder / "hangs.ipynb")
    record = Record.open(folder.with_name("hung.record.json"), None)
    (result,) = grade_folder(folder, LABS, record, limits=SHORT)
    return result


def marks(school: Class, student: str) -> dict[str, Mark]:
    return {mark.task: mark for mark in school.results[student, FIRST.stem].marks}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def statuses(school: Class, student: str) -> list[str]:
    return [mark.status for mark in marks(school, student).values()]


@pytest.mark.parametrize("stem", LABS)
def test_the_perfect_one_gets_all_points_in_every_lab(school: Class, stem: str) -> None:
    result = school.results["perfect", stem]
    assert {m.task: (m.status, m.message) for m in result.marks if m.status != "correct"} == {}
    assert result.points == sum(task.stars for task in read_lab(LABS[stem]).tasks)
    assert result.notes == ()


def test_a_personal_edition_is_graded_with_its_constants(school: Class) -> None:
    assert statuses(school, "ada") == statuses(school, "a file name") == ["correct"] * 6


@pytest.mark.parametrize("student", ["crlf", "comments", "computed"])
def test_whom_a_notebook_enrols_is_what_running_it_says(school: Class, student: str) -> None:
    assert PERSONAL.given(student) != PERSONAL.given("")
    assert statuses(school, student) == ["correct"] * 6
    assert school.results[student, FIRST.stem].edition == student


def test_an_id_that_was_removed_is_told_and_gains_nothing(school: Class) -> None:
    told = school.results["unenrolled", FIRST.stem]
    assert told.edition == "unenrolled"
    assert "works as the edition for all, and is judged as the edition of unenr" in told.remark
    assert marks(school, "unenrolled")["one_pixel_denoised"].status == "not yet"


def test_an_id_that_no_edition_has_is_one_line(school: Class) -> None:
    assert school.results["odd", FIRST.stem].edition == "\\x1b[2J"


def test_a_check_in_a_joined_cell_counts(school: Class) -> None:
    assert statuses(school, "joined") == ["correct"] * 6


def test_an_error_of_a_library_is_no_stub(school: Class) -> None:
    told = marks(school, "stumbles")
    assert told["score_of_a_lognormal"].status == "not yet"
    assert "NotImplementedError" in told["score_of_a_lognormal"].message
    assert "line 2" in told["score_of_a_lognormal"].message
    assert told["tweedie_by_autograd"].status == "not attempted"


def test_the_untouched_one_gets_none(school: Class) -> None:
    assert statuses(school, "untouched") == ["not attempted"] * 6
    assert school.results["untouched", FIRST.stem].points == 0


def test_typical_errors_get_their_hints(school: Class) -> None:
    told = marks(school, "typical")
    expected = {
        "score_of_a_lognormal": "score of the logarithm",
        "tweedie_by_autograd": "sigma^2, not by sigma",
        "fools_two_averages": "the true score",
        "log_ratio_along_a_line": "NameError",
    }
    wrong = {name for name, mark in told.items() if mark.status == "not yet"}
    assert wrong == set(expected)
    for name, words in expected.items():
        assert words in told[name].message
    assert "line 2" in told["log_ratio_along_a_line"].message


def test_the_one_that_hangs_loses_what_hangs_and_what_comes_after_a_kill(hung: Result) -> None:
    told = {mark.task: mark for mark in hung.marks}
    assert told["one_pixel_denoised"].status == "correct"
    assert "renamed" in told["score_of_a_lognormal"].message
    for name in list(told)[2:]:
        assert "The notebook stopped here" in told[name].message
    assert any("stopped" in note for note in hung.notes)


def test_the_one_that_forges_gains_nothing(school: Class) -> None:
    assert school.results["forges", FIRST.stem].points == 0
    assert "correct" not in statuses(school, "forges")


def test_the_one_that_tries_to_read_the_key_finds_nothing(school: Class) -> None:
    told = marks(school, "steals")["fools_two_averages"].message
    assert "ValueError: FileNotFoundError FileNotFoundError FileNotFoundError" in told
    assert ".ipynb" not in told


def test_the_one_that_dies_keeps_what_it_had(school: Class) -> None:
    told = marks(school, "dies")
    assert [mark.status for mark in told.values()] == ["correct"] * 2 + ["not yet"] * 4
    assert "stopped here" in told["the_constant_matters"].message


def test_edited_checks_and_renamed_functions_are_not_graded(school: Class) -> None:
    told = marks(school, "edited")
    assert told["one_pixel_denoised"].status == told["the_constant_matters"].status == "not graded"
    assert "checks.one_pixel_denoised(my_guess)" in told["one_pixel_denoised"].message
    assert "renamed" in told["fools_two_averages"].message
    assert school.results["edited", FIRST.stem].points == 2 + 2 + 3


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("of_another_version", "another version"),
        ("of_no_lab", "does not say which lab"),
        ("twice", "several files for the student 'twice'"),
        ("mallory", "the edition of 'perfect', who is somebody else"),
        ("borrows", "the edition of 'perfect', who is somebody else"),
        ("eve", "the edition of 'ada', who is somebody else"),
        ("nothing", "empty"),
        ("letter", "not a notebook"),
        ("list", "not a notebook"),
        ("notes.txt", "not a notebook"),
    ],
)
def test_what_cannot_be_graded_is_refused_with_a_reason(
    school: Class, who: str, words: str
) -> None:
    (result,) = [r for (name, _), r in school.results.items() if name == who]
    assert words in result.refused
    assert result.points == 0


def test_the_command_goes_on_where_it_was_and_writes_all(
    school: Class, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is graded again: no judge must even start."""

    def judged(todo: dict[object, object], **_: object) -> Iterator[None]:
        assert todo == {}
        yield from ()

    monkeypatch.setattr(batch, "judged", judged)
    feedback = school.out.parent / "feedback"
    monkeypatch.setattr("lessons_lib.course.assign.__main__.Limits", lambda **_: LIMITS)
    words = ["grade", str(school.folder), "--out", str(school.out), "--root", str(ROOT)]
    assert main([*words, "--feedback", str(feedback)]) == 0
    told = capsys.readouterr().out
    assert "dies 01_gaussian_score_lab 3 points: 2 correct, 4 not yet" in told
    assert "REFUSED: several files" in told
    rows = rows_of(school.out)
    assert list(rows[0]) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *LABS]
    points = {row["Student"]: row[FIRST.stem] for row in rows}
    assert points["perfect"] == points["ada"] == "12"
    assert points["forges"] == points["twice"] == points["nothing"] == "0"
    details = rows_of(school.out.with_name("gradebook_details.csv"))
    remarks = sum(bool(r.remark) for r in school.results.values())
    assert len(details) - remarks == sum(max(1, len(r.marks)) for r in school.results.values())
    editions = {row["student"]: row["edition"] for row in details if row["task"]}
    assert [editions[who] for who in ("ada", "crlf", "perfect")] == ["ada", "crlf", "for all"]
    assert "works as the edition for all" in told
    pages = sorted(p.stem for p in feedback.iterdir())
    assert {"ada", "perfect", "dies", "twice"} <= set(pages)


def test_the_study_of_a_class() -> None:
    report = grading_report(BOOK, lab="01", num=1, jobs=1)
    assert report["full"] == report["students"] == 1
    assert report["seconds"] > 0


def test_a_judge_that_is_overwhelmed_dies_alone() -> None:
    def eats() -> Result:
        torch.zeros(1 << 18, 1) + torch.zeros(1 << 18)
        raise AssertionError("this fits into no memory")

    def never() -> Result:
        while True:
            pass

    good = Result("a", "b", "c", (Mark("t", "T", "correct", "", 1.0, 1.0),), notes=("n",))
    told = dict(judged({"eats": eats, "good": lambda: good}, jobs=2, seconds=60))
    assert "failed" in str(told["eats"]) or "without a result" in str(told["eats"])
    assert told["good"] == good
    late = dict(judged({1: never, 2: never}, jobs=1, seconds=0.2))
    assert set(late.values()) == {"grading took more than 0 seconds"}


def test_without_walls_nothing_is_graded(
    school: Class, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lessons_lib.course.assign.batch.missing", lambda: "no walls today")
    words = ["grade", str(school.folder), "--out", str(school.out), "--root", str(ROOT)]
    assert main(words) == 1
    told = capsys.readouterr().err
    assert "no walls today" in told
    assert "--trust-submissions" in told


def test_a_key_in_a_readable_folder_stops_the_grading(
    school: Class, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lessons_lib.course.assign.batch.exposed", lambda secrets: secrets)
    words = ["grade", str(school.folder), "--out", str(school.out), "--root", str(ROOT)]
    assert main(words) == 1
    assert "a submission could read" in capsys.readouterr().err
