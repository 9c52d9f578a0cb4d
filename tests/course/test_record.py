"""One gradebook is of one folder, one seed, and one run at a time; none is ever lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from lessons_lib.course.assign import sandbox
from lessons_lib.course.assign.__main__ import main
from lessons_lib.course.assign.grading import Mark, Result
from lessons_lib.course.assign.record import Record, alone

RESULT = Result("ada", "lab", "a.ipynb", (Mark("t", "T", "correct", "", 1.0, 1.0),), notes=("n",))
walls = pytest.mark.skipif(sandbox.missing() is not None, reason=str(sandbox.missing()))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    record = Record.open(tmp_path / "g.record.json", 7)
    record.begin(tmp_path / "in", ["lab"], tmp_path / "pages")
    record.add("key", RESULT)
    return record.path


def test_what_was_kept_is_there_again(path: Path) -> None:
    again = Record.open(path)
    assert (again.seed, again.results, again.labs) == (7, {"key": RESULT}, ["lab"])
    assert Record.open(path, 7).results == {"key": RESULT}
    assert Record.open(path.with_name("new")).seed != Record.open(path.with_name("new")).seed


def test_another_seed_folder_or_lab_needs_another_gradebook(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(ValueError, match="has the seed 7: another seed needs another --out"):
        Record.open(path, 8)
    with pytest.raises(ValueError, match="is of the folder in: give another --out"):
        Record.open(path).begin(path.parent / "other", ["lab"], None)
    with pytest.raises(ValueError, match="has lab too: give another --out"):
        Record.open(path).begin(path.parent / "in", ["lab2"], None)
    assert path.read_bytes() == before
    Record.open(path).begin(path.parent / "in", ["lab", "lab2"], path.parent / "pages")
    moved = path.parent.rename(path.parent.with_name("moved"))
    Record.open(moved / path.name).begin(moved / "in", ["lab", "lab2"], moved / "pages")


def test_pages_of_another_gradebook_are_not_mixed_with_these(path: Path) -> None:
    here, there = path.parent / "pages", path.parent / "others"
    (here / "ada.html").touch()
    Record.open(path).begin(path.parent / "in", ["lab"], here)
    there.mkdir()
    (there / "ada.html").touch()
    with pytest.raises(ValueError, match=r"files in .*others that this gradebook did not write"):
        Record.open(path).begin(path.parent / "in", ["lab"], there)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"seed": 3}',
        '{"seed": "x", "results": {}}',
        '{"seed": 3, "results": [1]}',
        '{"seed": 3, "results": {"a": {"student": "ada"}}}',
        '{"seed": 3, "results": {}, "what": 1}',
        "\udce9",
    ],
)
def test_a_damaged_record_is_told_so(text: str, path: Path) -> None:
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match=r"is damaged .*move it away with its gradebook"):
        Record.open(path)


def test_two_graders_do_not_share_one_gradebook(tmp_path: Path) -> None:
    path = tmp_path / "new" / "g.record.json"
    program = "import sys\nfrom pathlib import Path\n"
    program += "from lessons_lib.course.assign.record import alone\n"
    program += "with alone(Path(sys.argv[1])): print('in')"

    def other() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", program, str(path)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, capture_output=True, encoding="utf-8", env=environment)

    with alone(path):
        assert "another run is writing" in other().stderr
        with pytest.raises(ValueError, match="another run is writing"), alone(path):
            pass
    assert other().stdout == "in\n"


@walls
@pytest.mark.parametrize(
    ("prepare", "options", "told"),
    [
        ("g.csv", [], "g.csv is of no run that is known here"),
        ("g.record.json", [], "is damaged"),
        ("pages/x.html", ["--feedback", "pages"], "that this gradebook did not write"),
        ("pages", ["--feedback", "pages"], "pages"),
        ("class.csv", ["--roster", "class.csv"], "a line of headings with 'student'"),
        ("a", ["--roster", "nowhere.csv"], "nowhere.csv"),
        ("in/class.csv", ["--roster", "in/class.csv"], "--roster lies among the submissions"),
        ("a", ["--feedback", "in/pages"], "--feedback lies among the submissions"),
        ("a", ["--out", "in/g.csv"], "--out lies among the submissions"),
    ],
)
def test_what_stands_in_the_way_is_told_before_anything_is_graded(
    prepare: str, options: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / prepare).parent.mkdir(exist_ok=True)
    (tmp_path / prepare).write_text("mine", encoding="utf-8")
    options = [str(tmp_path / o) if not o.startswith("-") else o for o in options]
    words = ["grade", str(tmp_path / "in"), "--out", str(tmp_path / "g.csv"), "--labs", "01"]
    assert main([*words, *options, "--root", str(ROOT)]) == 1
    assert told in capsys.readouterr().err
    assert (tmp_path / prepare).read_text(encoding="utf-8") == "mine"


@walls
def test_a_second_run_with_another_folder_leaves_the_first_gradebook(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.ipynb").touch()

    def run(folder: str) -> int:
        words = [str(tmp_path / folder), "--out", str(tmp_path / "g.csv"), "--labs", "01"]
        return main(["grade", *words, "--root", str(ROOT)])

    assert run("one") == 0
    before = (tmp_path / "g.csv").read_bytes()
    assert run("two") == 1
    assert "give another --out" in capsys.readouterr().err
    assert (tmp_path / "g.csv").read_bytes() == before
    assert b"one" in before
    assert json.loads((tmp_path / "g.record.json").read_text(encoding="utf-8"))["folder"] == "one"
    assert run("one") == 0
