"""The editions of a lab: what students get holds no solution, the key is right, links lead on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import browser as chromium
import hand_in
import nbformat
import pytest
from conftest import ROOT
from nbformat.v4 import new_markdown_cell

from lessons_lib.course.assign import Lab, read_lab
from lessons_lib.course.assign.__main__ import main
from lessons_lib.course.assign.editions import key_edition, marks, student_edition, version
from lessons_lib.course.assign.feedback import page, write_feedback
from lessons_lib.course.assign.gradebook import write_details, write_gradebook
from lessons_lib.course.assign.grading import Mark, Result
from lessons_lib.course.assign.handout import labs_in, write_student
from lessons_lib.course.assign.rendered import without, write_student_book
from lessons_lib.course.assign.submission import read_submission
from lessons_lib.course.assign.traces import fingerprints, leave_none, traces

BOOK = ROOT / "book"
LABS = labs_in(BOOK)
FIRST = LABS[0]
each_lab = pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.stem)


@pytest.fixture
def own() -> Lab:
    """A copy of the first lab, to be changed."""
    return read_lab(BOOK / f"{FIRST.stem}.ipynb")


@each_lab
def test_every_solution_has_fingerprints_and_they_are_found(lab: Lab) -> None:
    prints = fingerprints(lab, BOOK)
    assert [name for name, found in prints.items() if not found] == []
    told = "\n".join(traces_of(lab.notebook, lab))
    assert [name for name in prints if f" {name} " not in told] == []


def traces_of(notebook: nbformat.NotebookNode, lab: Lab) -> list[str]:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        hand_in.save(notebook, Path(name) / "any.ipynb")
        return traces(Path(name), [lab], BOOK)


@each_lab
def test_the_students_edition_holds_no_solution_and_runs_as_the_book(lab: Lab) -> None:
    edition = student_edition(lab)
    assert traces_of(edition, lab) == []
    assert marks(edition) == (lab.stem, version(lab), "")
    kept = {tag for cell in edition.cells for tag in cell.metadata.get("tags", [])}
    assert kept.isdisjoint({"solution", "instructors"})
    shown = [c for c in edition.cells if "check" in c.metadata.get("tags", [])]
    assert {o.text for c in shown for o in c.outputs} == {"… not attempted\n"}
    assert not any(c.outputs for c in edition.cells if "reveal" in c.metadata.get("tags", []))
    nbformat.validate(edition)


def test_a_personal_edition_enrols_and_hides_the_constants_of_others() -> None:
    edition = student_edition(FIRST, "ada")
    assert marks(edition) == (FIRST.stem, version(FIRST), "ada")
    assert "enrol('ada')" in edition.cells[2].source
    assert not any(c.outputs for c in edition.cells if "given" in c.metadata.get("tags", []))
    edition.metadata.clear()  # an editor that drops metadata; who it is, running it will tell
    assert marks(edition) == (FIRST.stem, version(FIRST), "")


def test_the_version_follows_the_tasks_and_not_the_words(own: Lab) -> None:
    own.tasks[0].cells[0].source += " One word more."
    assert version(own) == version(FIRST)
    own.tasks[0].tagged("stub")[0].source += "\n# changed"
    assert version(own) != version(FIRST)
    assert re.fullmatch("[0-9a-f]{10}", version(own))


def test_the_source_stays_as_it_is() -> None:
    before = nbformat.writes(FIRST.notebook)
    student_edition(FIRST, "ada")
    key_edition(FIRST, "ada")
    assert nbformat.writes(FIRST.notebook) == before


def test_the_key_is_executed_and_correct_and_could_be_graded(tmp_path: Path) -> None:
    target = tmp_path / "key"
    words = ["solutions", str(target), "--root", str(ROOT), "--labs", FIRST.stem]
    assert main([*words, "--student-id", "ada"]) == 0
    notebook = nbformat.read(target / "ada" / f"{FIRST.stem}.ipynb", as_version=4)
    printed = "".join(o.get("text", "") for c in notebook.cells for o in c.get("outputs", []))
    assert printed.count("✓ correct") == len(FIRST.tasks)
    assert "not attempted" not in printed
    read = read_submission(target / "ada" / f"{FIRST.stem}.ipynb", target, {FIRST.stem: FIRST})
    assert (read.student, set(read.checks)) == ("ada", {task.name for task in FIRST.tasks})


def test_editions_are_handed_out_by_the_roster(tmp_path: Path) -> None:
    roster = tmp_path / "class.csv"
    roster.write_text("student;edition\nAda L;ada\nBen;\nZoë;Zoe\u0308\n", encoding="utf-8-sig")
    words = ["student", str(tmp_path / "out"), "--roster", str(roster), "--labs", "01"]
    assert main([*words, "--root", str(ROOT)]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["Zoë", "ada"]
    notebook = nbformat.read(tmp_path / "out" / "Zoë" / f"{FIRST.stem}.ipynb", as_version=4)
    assert marks(notebook)[2] == "Zoë"


def local_links(path: Path) -> list[str]:
    notebook = nbformat.read(path, as_version=4)
    text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    return [a for a in re.findall(r"\]\(([^)\s#]+)[^)]*\)", text) if "://" not in a]


@pytest.mark.parametrize("students", [(), ("ada", "grace")])
def test_links_of_what_is_handed_out_lead_somewhere(
    tmp_path: Path, students: tuple[str, ...]
) -> None:
    written = write_student(LABS, BOOK, tmp_path, students=students)
    assert len(written) == len(LABS) * max(1, len(students))
    for path in tmp_path.rglob("*.ipynb"):
        assert [a for a in local_links(path) if not (path.parent / a).exists()] == [], path
    first = written[0].parent / "01_gaussian_score.ipynb"
    assert "01_gaussian_score.ipynb" in local_links(written[0])
    assert first.exists()
    for wheel in tmp_path.rglob("*.whl"):
        wheel.unlink()  # the library is public
    assert traces(tmp_path, LABS, BOOK) == []


def test_links_to_other_pages_lead_to_the_rendered_book(tmp_path: Path, own: Lab) -> None:
    words = "See [a word](glossary.md#term-score), and [](notation.md)."
    own.notebook.cells.append(new_markdown_cell(words))
    (with_address,) = write_student([own], BOOK, tmp_path / "a", url="https://b.org/c/")
    (without_one,) = write_student([own], BOOK, tmp_path / "b")
    assert "[a word](https://b.org/c/glossary.html#term-score)" in with_address.read_text(
        encoding="utf-8"
    )
    assert "and [Notation](https://b.org/c/notation.html)." in with_address.read_text(
        encoding="utf-8"
    )
    assert "See a word, and Notation." in without_one.read_text(encoding="utf-8")


def test_what_is_handed_out_reads_like_the_page(tmp_path: Path, own: Lab) -> None:
    own.notebook.cells.append(new_markdown_cell("See [it](05_patch_trained.ipynb)."))
    write_student([own, *LABS[1:]], BOOK, tmp_path / "a")
    for path in (tmp_path / "a").glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        text = "\n".join(c.source for c in cells if c.cell_type == "markdown")
        assert not re.search(r"\{[\w:]+\}`|^:{3,}|\$\$ \(", text, re.M), path.name


def test_a_trace_is_reported(tmp_path: Path) -> None:
    line = hand_in.solution(FIRST, "log_ratio_along_a_line").splitlines()[1].strip()
    html = re.sub(r"(\w+)", r"<span class='n'>\1</span>", line)
    (tmp_path / "page.html").write_text(f"<p>{html}</p>", encoding="utf-8")
    (tmp_path / "index.js").write_text(f"Search.setIndex({{terms: '{line}'}})", encoding="utf-8")
    (tmp_path / "b.json").write_text(
        '{"a": ["' + line.replace("t", "\\u0074") + '"]}', encoding="utf-8"
    )
    assert len(traces(tmp_path, [FIRST], BOOK)) == 3
    with pytest.raises(RuntimeError, match=r"page\.html|index\.js|b\.json"):
        leave_none(tmp_path, [FIRST], BOOK)


def test_the_students_book_shows_no_solution(tmp_path: Path) -> None:
    """Labs and the glossary only; the command builds all pages in the same way, and looks too."""
    pages = [f"book/{lab.stem}" for lab in LABS] + ["book/glossary"]
    write_student_book(ROOT, tmp_path, pages=pages)
    for lab in LABS:
        text = (tmp_path / "book" / f"{lab.stem}.html").read_text(encoding="utf-8")
        assert "not attempted" in text
        assert 'class="fold hint"' in text
        assert 'class="fold solution"' not in text
        assert (tmp_path / "_sources" / "book" / f"{lab.stem}.ipynb").exists()
    assert not (tmp_path / "book" / "instructors.html").exists()
    assert traces(tmp_path, LABS, BOOK) == []


def test_a_page_leaves_the_table_of_contents() -> None:
    toc = {
        "root": "i",
        "parts": [
            {"caption": "A", "chapters": [{"file": "a", "sections": [{"file": "b"}]}]},
            {"caption": "T", "chapters": [{"file": "t"}]},
        ],
    }
    assert without(toc, "t") == {"root": "i", "parts": toc["parts"][:1]}
    assert without(toc, "b")["parts"][0]["chapters"] == [{"file": "a"}]
    assert without(toc, "x") == toc


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["student", "OUT", "--labs", "99"], "no lab 99"),
        (["student", "OUT", "--student-id", "ada", "ada"], "more than once: ada"),
        (["student", "OUT", "--student-id", "ada", "Ada"], "more than once: Ada, ada"),
        (["student", "OUT", "--student-id", "Zo\u00eb", "Zoe\u0308"], "more than once: Zoë"),
        (["student", "OUT", "--roster", "NOWHERE"], "NOWHERE"),
        (["grade", "FULL/a"], "it is a file: unpack it first"),
        (["student", "OUT", "--student-id", "../ada"], "a student id is letters"),
        (["student", "OUT", "--student-id", ".."], "a student id is letters"),
        (["student", "FULL"], "must be empty"),
        (["solutions", "FULL"], "must be empty"),
        (["book", "--student", "FULL"], "must be empty"),
        (["grade", "NOWHERE"], "no folder"),
        (["student", "OUT", "--root", "FULL"], "no lab"),
    ],
)
def test_the_command_refuses_in_words(
    words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "FULL").mkdir()
    (tmp_path / "FULL" / "a").touch()
    marked = {"OUT", "FULL", "NOWHERE", "FULL/a"}
    places = [str(tmp_path / w) if w in marked else w for w in words]
    root = [] if "--root" in words else ["--root", str(ROOT)]
    assert main([*places, *root]) == 1
    assert told in capsys.readouterr().err


def test_the_command_alone_helps(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    told = capsys.readouterr().out
    assert all(word in told for word in ("student", "solutions", "book", "grade"))


EVIL = "<script>alert(1)</script>"
RESULTS = [
    Result(
        "ada",
        FIRST.stem,
        "ada.ipynb",
        (
            Mark("a", f"1. {EVIL}", "correct", "", 2.0, 2.0),
            Mark("b", "2. B", "not yet", f"=HYPERLINK({EVIL})\nx", 0.0, 3.0),
            Mark("c", "3. C", "not graded", "Why.", 0.0, 1.0),
        ),
        notes=(f"Code cell 3: {EVIL}",),
    ),
    Result("=evil()/../x", FIRST.stem, "x.ipynb", refused="the file is empty"),
    Result("", "", "notes.txt", refused="not a notebook"),
]


def test_tables_hold_no_formula_and_one_row_for_each_student(tmp_path: Path) -> None:
    write_gradebook(RESULTS, tmp_path / "a.csv")
    write_details(RESULTS, tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbf")  # so that a spreadsheet
    lines = (tmp_path / "a.csv").read_text(encoding="utf-8-sig").splitlines()  # knows it for UTF-8
    assert lines[1:] == ["'=evil()/../x,,'=evil()/../x,'=evil()/../x,,0", "ada,,ada,ada,,2"]
    for cell in (tmp_path / "b.csv").read_text(encoding="utf-8").replace("\n", ",").split(","):
        assert not cell.strip('"').startswith(("=", "+", "@"))
    assert "notes.txt" in (tmp_path / "b.csv").read_text(encoding="utf-8")


def test_feedback_is_harmless_and_open_to_everyone(tmp_path: Path) -> None:
    paths = write_feedback(RESULTS, tmp_path)
    assert [p.name for p in paths] == ["_evil___.._x-042ebf66.html", "ada.html"]
    assert "<script" not in page("ada", RESULTS[:1])
    complaints = {}
    with chromium.launched() as started:
        for path in paths:
            with chromium.opened(started, path.as_uri()) as visit:
                for scheme in ("light", "dark"):
                    visit.wear(scheme, chromium.PHONE)
                    complaints[path.name, scheme] = visit.violations() + visit.overflow()
                complaints[path.name, "noise"] = visit.errors + visit.left
    assert {key: what for key, what in complaints.items() if what} == {}


def test_a_student_gets_readme_requirements_and_the_library(tmp_path: Path) -> None:
    (written,) = write_student([FIRST], BOOK, tmp_path / "out", students=["ada"])
    folder = written.parent
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert "edition of ada" in readme
    assert readme.count(".venv/bin/python -m") == 2  # two commands, and no third
    for file in re.findall(r"\]\((\S+)\)|jupyterlab (\S+)", readme):
        assert (folder / "".join(file)).is_file()
    *lines, last = (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert (folder / last.removesuffix("[notebooks]")).is_file()
    ours = (ROOT / "requirements.txt").read_text(encoding="utf-8") + (
        ROOT / "requirements-lab.txt"
    ).read_text(encoding="utf-8")
    pinned = [line for line in lines if "==" in line]
    assert {"torch", "jupyterlab"} <= {line.split("==")[0] for line in pinned}
    assert [line for line in pinned if line not in ours.splitlines()] == []


def test_the_library_of_a_student_runs_the_lab_to_its_first_check(tmp_path: Path) -> None:
    """The packages are those of this Python; the library is that of the folder, and no other."""
    (written,) = write_student([FIRST], BOOK, tmp_path / "out")
    (wheel,) = written.parent.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet"]
    subprocess.run([*pip, "--target", str(tmp_path / "own"), str(wheel)], check=True)
    cells = [c.source for c in nbformat.read(written, as_version=4).cells if c.cell_type == "code"]
    count = next(k for k, source in enumerate(cells) if source.startswith("checks."))
    script = "\n".join([*cells[: count + 1], "import lessons_lib; print(lessons_lib.__file__)"])
    variables = os.environ | {"PYTHONPATH": str(tmp_path / "own"), "MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=written.parent,
        env=variables,
        capture_output=True,
        encoding="utf-8",
    )
    assert "… not attempted" in done.stdout, done.stderr[-2000:]
    assert str(tmp_path / "own") in done.stdout


def test_a_folder_that_is_no_course_is_told(tmp_path: Path) -> None:
    shutil.copytree(BOOK, tmp_path / "book", ignore=shutil.ignore_patterns("_static"))
    shutil.copy(ROOT / "_toc.yml", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no pyproject\.toml in .*the folder of the cour"):
        write_student([FIRST], tmp_path / "book", tmp_path / "out")
