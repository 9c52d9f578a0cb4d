"""What people really hand in: odd names, odd files, odd words. Each costs its author only."""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Callable
from pathlib import Path

import hand_in
import pytest
from conftest import ROOT

from lessons_lib.course.assign.collection import read_folder
from lessons_lib.course.assign.feedback import file_names
from lessons_lib.course.assign.gradebook import write_details, write_gradebook
from lessons_lib.course.assign.grading import Result
from lessons_lib.course.assign.handout import labs_in, write_student
from lessons_lib.course.assign.roster import Roster, names_of, read_roster
from lessons_lib.course.assign.steps import steps
from lessons_lib.course.assign.submission import Refused, Submission, find, read_submission
from lessons_lib.course.assign.words import line

BOOK = ROOT / "book"
FIRST = labs_in(BOOK, ["01"])[0]
LABS = {FIRST.stem: FIRST}
NAME = f"{FIRST.stem}.ipynb"


def edition(student: str = "", **told: object) -> str:
    """An edition as a file holds it, with other metadata where ``told`` says so."""
    notebook = hand_in.filled(FIRST, {}, student)
    notebook.metadata["lessons_lab"].update(told)
    return json.dumps(notebook)


def put(path: Path | bytes, text: str = "") -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text or edition())


def read(folder: Path, roster: Roster | None = None) -> tuple[dict[str, Submission], list[Result]]:
    graded, refused = read_folder(folder, LABS, roster)
    return {one.student: one for one in graded}, refused


def why(folder: Path, roster: Roster | None = None) -> dict[str, str]:
    return {one.file: one.refused for one in read(folder, roster)[1]}


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("ada.ipynb", "ada"),
        ("ada_01_gaussian_score_lab.ipynb", "ada"),
        ("ada_01_gaussian_score_lab (1).ipynb", "ada"),
        ("01_gaussian_score_lab-ada.ipynb", "ada"),
        ("12345_01_gaussian_score_lab.ipynb", "12345"),
        ("ada/01_gaussian_score_lab.ipynb", "ada"),
        ("ada/01_gaussian_score_lab (1).ipynb", "ada"),
        ("ada/lab_20250301_1542.ipynb", "ada"),
        ("ada/weeks/1/benjamin_81234_998877_01_gaussian_score_lab.ipynb", "ada"),
        ("miller_2024_1001_group/01_gaussian_score_lab.ipynb", "miller_2024_1001_group"),
        ("lab_20250301_1542.ipynb", "lab_20250301_1542"),
        ("lab_20250301_154233_final.ipynb", "lab_20250301_154233_final"),
        ("lovelaceada_81234_998877_01_gaussian_score_lab.ipynb", "81234"),
        ("lovelaceada_LATE_81234_998877_01_gaussian_score_lab-1.ipynb", "81234"),
        ("Ada Lovelace_4711_assignsubmission_file_/01_gaussian_score_lab.ipynb", "Ada Lovelace"),
        ("Ada Lovelace_4711_assignsubmission_file_01_gaussian_score_lab.ipynb", "Ada Lovelace"),
        ("Ada Lovelace_4711_assignsubmission_file/deep/er/a.ipynb", "Ada Lovelace"),
        ("Zoe\u0308.ipynb", "Zoë"),
        ("01_gaussian_score_lab.ipynb", None),
        ("01_gaussian_score_lab (2).ipynb", None),
        ("01_gaussian_score_lab-Copy1.ipynb", None),
    ],
)
def test_whose_a_file_is(name: str, student: str | None, tmp_path: Path) -> None:
    assert next(iter(names_of(tmp_path / name, tmp_path, LABS)), None) == student


def test_what_counts_as_handed_in(tmp_path: Path) -> None:
    for name in ("a.ipynb", "b/c.ipynb", ".hidden.ipynb", "b/.ipynb_checkpoints/c.ipynb"):
        put(tmp_path / name)
    put(tmp_path / "__MACOSX" / "a.ipynb")
    (tmp_path / "link.ipynb").symlink_to(tmp_path / "a.ipynb")
    (tmp_path / "links").symlink_to(tmp_path / "b")
    assert [p.name for p in find(tmp_path)] == ["a.ipynb", "c.ipynb", "link.ipynb", "links"]


def raising(error: OSError, name: str, real: Callable[..., object]) -> Callable[..., object]:
    """``real``, which fails with ``error`` for paths of that name; root may open everything."""

    def function(path: Path, *args: object, **options: object) -> object:
        if Path(os.fsdecode(path)).name == name:
            raise error
        return real(path, *args, **options)

    return function


def test_what_cannot_be_read_is_refused_and_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "ada.ipynb")
    put(os.fsencode(tmp_path) + b"/M\xfcller.ipynb")
    put(os.fsencode(tmp_path) + b"/gar\xe7on/a.ipynb")
    put(tmp_path / "two\nlines.ipynb")
    put(tmp_path / "secret.ipynb")
    put(tmp_path / "closed" / "a.ipynb")
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "link.ipynb").symlink_to(tmp_path / "ada.ipynb")
    (tmp_path / "loop").symlink_to(tmp_path)
    denied = PermissionError(13, "Permission denied")
    monkeypatch.setattr(os, "open", raising(denied, "secret.ipynb", os.open))
    monkeypatch.setattr(Path, "iterdir", raising(denied, "closed", Path.iterdir))
    assert list(read(tmp_path)[0]) == ["ada"]
    for name, words in {
        "M\\udcfcller.ipynb": "its name holds characters that are no text",
        "gar\\udce7on/a.ipynb": "its name holds characters that are no text",
        "two lines.ipynb": "its name holds characters that are no text",
        "secret.ipynb": "it cannot be read: Permission denied",
        "closed": "a folder that cannot be opened",
        "pipe.ipynb": "nothing is read from it",
        "link.ipynb": "a link, which is not followed",
        "loop": "a link, which is not followed",
    }.items():
        assert words in why(tmp_path)[name], name
    refused = read(tmp_path)[1]
    write_gradebook(refused, tmp_path / "a.csv")  # these encode what they write
    write_details(refused, tmp_path / "b.csv")
    assert "M\\udcfcller" in (tmp_path / "a.csv").read_text(encoding="utf-8-sig")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_modes_of_files_are_met_as_they_are(tmp_path: Path) -> None:
    put(tmp_path / "ada.ipynb")
    put(tmp_path / "closed" / "a.ipynb")
    (tmp_path / "ada.ipynb").chmod(0)
    (tmp_path / "closed").chmod(0)
    try:
        assert set(why(tmp_path)) == {"ada.ipynb", "closed"}
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_folders_deeper_than_python_recurses_are_searched(tmp_path: Path) -> None:
    put(tmp_path / "ada.ipynb")
    here, depth = os.getcwd(), 1500
    try:
        os.chdir(tmp_path)
        for _ in range(depth):
            os.mkdir("a")
            os.chdir("a")
        Path("eve.ipynb").touch()
        assert [one.student for one in read(tmp_path)[0].values()] == ["ada"]
        assert [p.name for p in find(tmp_path)][-1] == "ada.ipynb"
    finally:
        for _ in range(depth):
            Path("eve.ipynb").unlink(missing_ok=True)
            os.chdir("..")
            os.rmdir("a")
        os.chdir(here)


FORGED = "\x1b[2J\x1b[Hbob 01 12 points: 6 correct\nbob"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"student": "\ud800"}, "its metadata name no student: a student id is letters"),
        ({"student": "x" * 300}, "its metadata name no student: a student id is letters"),
        ({"student": FORGED}, "its metadata name no student: a student id is letters"),
        ({"student": ["ada"]}, "its metadata name no student: a student id is letters"),
        ({"student": ".."}, "not dots alone"),
        ({"version": FORGED}, "another version"),
        ({"version": "\ud800"}, "another version"),
        ({"lab": FORGED}, "not one of the labs"),
        ({"lab": ["\ud800"]}, "not one of the labs"),
    ],
    ids=repr,
)
def test_words_of_a_notebook_are_looked_at_where_they_come_in(
    told: dict[str, object], words: str, tmp_path: Path
) -> None:
    put(tmp_path / "eve.ipynb", edition(**told))
    put(tmp_path / "ada.ipynb")
    graded, (refused,) = read(tmp_path)
    assert list(graded) == ["ada"]
    assert words in refused.refused
    assert refused.student == "eve"
    assert all(text.isprintable() for text in (refused.refused, refused.lab, refused.file))
    assert len(refused.refused) < 400


def test_a_line_is_one_line_that_no_terminal_obeys() -> None:
    assert line(FORGED) == "\\x1b[2J\\x1b[Hbob 01 12 points: 6 correct bob"
    assert line("a\u202eb\udce9") == "a\\u202eb\\udce9"
    assert len(line("x" * 10_000)) == 500
    assert line("Zoë · ✓") == "Zoë · ✓"


ARCHIVES = {
    "zip": b"PK\x03\x04",
    "rar": b"Rar!\x1a\x07",
    "7z": b"7z\xbc\xaf",
    "gzip": b"\x1f\x8b\x08",
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_an_archive_is_to_be_unpacked(kind: str, tmp_path: Path) -> None:
    (tmp_path / "ada").write_bytes(ARCHIVES[kind] + bytes(range(256)))
    assert why(tmp_path) == {"ada": f"a {kind} archive: unpack it in its place first"}


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        "[]",
        "3",
        '{"cells": 3, "metadata": {}}',
        '{"cells": [3], "metadata": {}}',
        '{"cells": [{"cell_type": "code"}], "metadata": {}}',
        '{"cells": [{"cell_type": "code", "source": [1]}], "metadata": {}}',
        '{"cells": [{"cell_type": 1, "source": ""}], "metadata": {}}',
        '{"cells": [], "metadata": 3}',
        '{"worksheets": [], "metadata": {}}',
        '{"a":' * 100_000,
        "\x00",
    ],
    ids=lambda content: content[:50],
)
def test_other_files_are_no_notebooks(content: str, tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(Refused, match="not a notebook"):
        read_submission(path, tmp_path, LABS)


def test_text_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "ada.ipynb").write_bytes(b'{"cells": "M\xfcller"}')
    assert why(tmp_path) == {"ada.ipynb": "not a notebook: its content is no text in UTF-8"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_an_editor_may_mark_its_encoding(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "ada.ipynb").write_bytes(edition().encode(encoding))
    assert list(read(tmp_path)[0]) == ["ada"]


def test_odd_metadata_is_no_lab(tmp_path: Path) -> None:
    notebook = hand_in.perfect(FIRST)
    notebook.metadata["lessons_lab"] = [1]
    notebook.cells = notebook.cells[3:]
    hand_in.save(notebook, tmp_path / "a.ipynb")
    assert "does not say which lab" in why(tmp_path)["a.ipynb"]


def test_a_huge_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lessons_lib.course.assign.submission.LARGEST", 10)
    put(tmp_path / "a.ipynb")
    assert "at most" in why(tmp_path)["a.ipynb"]


def test_the_two_forms_of_one_name_are_one_student(tmp_path: Path) -> None:
    for form in ("NFC", "NFD"):
        put(tmp_path / unicodedata.normalize(form, "Zoë") / NAME)
    graded, (refused,) = read(tmp_path)
    assert graded == {}
    assert "several files for the student 'Zoë'" in refused.refused


def test_pages_of_students_have_names_of_their_own() -> None:
    students = ["carl meyer", "carl_meyer", "carl/meyer", "Ada", "ada", "con", "..", "ß" * 90]
    students += ["ß" * 91, "ben", "Zoë", "=x"]
    students.append(file_names(["carl meyer"])["carl meyer"].removesuffix(".html"))
    names = file_names(students)
    assert len({name.casefold() for name in names.values()}) == len(students)
    assert all(len(name.encode()) < 255 and Path(name).name == name for name in names.values())
    assert (names["ben"], names["Zoë"]) == ("ben.html", "Zoë.html")
    assert names["con"] != "con.html"


def test_a_notebook_without_a_name_is_its_own_witness(tmp_path: Path) -> None:
    put(tmp_path / NAME, edition("ada"))
    put(tmp_path / f"{FIRST.stem} (1).ipynb")
    graded, _ = read(tmp_path)
    assert list(graded) == ["ada"]
    assert "name the file, or its folder" in why(tmp_path)[f"{FIRST.stem} (1).ipynb"]


def test_anothers_id_costs_its_author_only(tmp_path: Path) -> None:
    put(tmp_path / "ada" / NAME, edition("ada"))
    put(tmp_path / "eve" / NAME, edition("ada"))  # in eve's folder
    put(tmp_path / NAME, edition("ada"))  # anonymous
    graded, refused = read(tmp_path)
    assert list(graded) == ["ada"]
    said = {one.file: (one.student, one.refused) for one in refused}
    assert said[f"eve/{NAME}"] == (
        "eve", "it is the edition of 'ada', who is somebody else in this class"
    )  # fmt: skip
    assert said[NAME] == ("", "it says to be of 'ada', who handed in another file")


def test_the_whole_handout_handed_in_is_one_lab_and_files_left_aside(tmp_path: Path) -> None:
    write_student([FIRST], BOOK, tmp_path / "ada")
    graded, refused = read(tmp_path)
    assert list(graded) == ["ada"]
    assert {one.file.split("/")[0] for one in refused} == {"ada"}
    assert all(one.aside and not one.lab for one in refused)
    assert len(refused) >= 2


TASK = FIRST.tasks[1]
CHECK = f"checks.{TASK.name}({TASK.answer})"


@pytest.mark.parametrize(
    "cell",
    [
        CHECK,
        f"{CHECK};",
        f"{CHECK}  # here",
        f"  {CHECK}"[2:] + "\n\n",
        f"checks.{TASK.name}( {TASK.answer} )",
        f"def {TASK.answer}(y, m, s):\n    return y\n\n\n{CHECK}",
        f"x = 'ä'; {CHECK}; y = 1",
        f"%matplotlib inline\n{CHECK};  # magic",
        f"this is no Python\n{CHECK}",
    ],
)
def test_a_check_is_found_wherever_python_reads_it(cell: str) -> None:
    found = [step for step in steps(["a = 1", cell, "b = 1"], FIRST.tasks) if step.task]
    assert [(step.cell, step.task) for step in found] == [(2, TASK.name)]
    assert found[0].source.replace(" ", "") == CHECK


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_lines_may_end_as_on_any_system(end: str, tmp_path: Path) -> None:
    notebook = hand_in.perfect(FIRST)
    notebook.metadata.clear()
    for cell in notebook.cells:
        cell.source = cell.source.replace("\n", end)
    put(tmp_path / "ada.ipynb", json.dumps(notebook))
    one = read(tmp_path)[0]["ada"]
    assert one.checks == {task.name for task in FIRST.tasks}
    assert not any("\r" in step.source for step in one.steps)


@pytest.mark.parametrize(
    "cell",
    [f"# {CHECK}", f'"""\n{CHECK}\n"""', f"print({CHECK})", f"if 1:\n    {CHECK}", "print('✓')"],
)
def test_what_is_no_check_is_none(cell: str) -> None:
    assert [step for step in steps([cell], FIRST.tasks) if step.task] == []


def test_code_around_checks_runs_and_its_lines_keep_their_numbers() -> None:
    other = f"checks.{FIRST.tasks[2].name}({FIRST.tasks[2].answer})"
    cell = f"one = 1\n{CHECK}; two = 'ä'\nthree = 3; {other}\nfour = 4"
    found = steps([cell], FIRST.tasks)
    assert [bool(step.task) for step in found] == [False, True, False, True, False]
    names: dict[str, object] = {}
    for step in found:
        if not step.task:
            exec(compile(step.source, "cell", "exec"), names)
    assert [names[n] for n in ("one", "two", "three", "four")] == [1, "ä", 3, 4]
    assert found[-1].source == "\n\n\nfour = 4"
    assert [s.cell for s in steps([CHECK, CHECK], FIRST.tasks)] == [2]  # the last one counts


def roster(folder: Path, text: str, encoding: str = "utf-8-sig") -> Roster:
    (folder / "class.csv").write_bytes(text.encode(encoding))
    return read_roster(folder / "class.csv")


PERSONS = [("ada", "ada"), ("ben", "ben"), ("Zoë", "zoe")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_roster_as_spreadsheets_write_it(
    mark: str, encoding: str, end: str, tmp_path: Path
) -> None:
    rows = ["Student,Name,Number,Edition", "ada,Ada Lovelace,4711,ada", "ben,Benjamin,4712,ben"]
    rows += ["Zoe\u0308,Benjamin,4713,zoe", ",,,", ""]
    one = roster(tmp_path, end.join(rows).replace(",", mark), encoding)
    assert [(p.student, p.edition) for p in one.persons] == PERSONS
    for names, student in {
        ("ADA  lovelace",): "ada",
        ("4712",): "ben",
        ("Benjamin", "4713"): "Zoë",
        ("Zoe\u0308",): "Zoë",
    }.items():
        assert one.find(names).student == student
    with pytest.raises(ValueError, match="several in the roster are called 'Benjamin'"):
        one.find(("Benjamin",))
    with pytest.raises(ValueError, match="nobody in the roster is called 'eve' or '1'"):
        one.find(("eve", "1"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a line of headings with 'student'"),
        ("student\n", "a line of headings with 'student'"),
        ("name\nada\n", "a line of headings with 'student'"),
        ("student\nada\nAda\n", "more than once: Ada, ada"),
        ("student,edition\na,x\nb,x\n", "more than once: x"),
        ("student\nAda Lovelace\n", "the column 'edition' holds ids or nothing"),
        ("student\nJos\udce9\n", "not in UTF-8"),
    ],
)
def test_a_roster_that_cannot_be_used(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "class.csv").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match=words):
        read_roster(tmp_path / "class.csv")


def test_the_roster_decides_whose_it_is_and_which_edition(tmp_path: Path) -> None:
    one = roster(tmp_path, "student,name,edition\nada,Ada L,ada\nben,Ben F,\ncid,Cid,cid\n")
    folder = tmp_path / "in"
    put(folder / "Ada L_1_assignsubmission_file_" / NAME)  # the id removed
    put(folder / "BEN.ipynb", edition("ben"))  # and one where there should be none
    put(folder / "Cid" / NAME, edition("ada"))  # somebody else's
    put(folder / "eve" / NAME)
    put(folder / NAME, edition("ada"))
    graded, _ = read(folder, one)
    assert {who: s.edition for who, s in graded.items()} == {"ada": "ada", "ben": ""}
    said = why(folder, one)
    assert "edition of 'ada', who is somebody else" in said[f"Cid/{NAME}"]
    assert "nobody in the roster is called 'eve'" in said[f"eve/{NAME}"]
    assert said[NAME] == "it says to be of 'ada', who handed in another file"


def test_everybody_of_the_roster_has_a_row(tmp_path: Path) -> None:
    write_gradebook([], tmp_path / "a.csv", ["ada", "ben"])
    lines = (tmp_path / "a.csv").read_text(encoding="utf-8-sig").splitlines()
    assert [text.split(",")[0] for text in lines] == ["Student", "ada", "ben"]


def test_a_stray_file_is_nobodys(tmp_path: Path) -> None:
    for name in ("notes.txt", "ada/notes.txt", "Ada L_1_assignsubmission_file_notes.txt"):
        put(tmp_path / name, "no notebook")
    assert [one.student for one in read(tmp_path)[1]] == ["Ada L", "ada", ""]


def test_a_file_that_breaks_the_reader_is_refused_like_any_other(tmp_path: Path) -> None:
    put(tmp_path / "ada.ipynb")
    put(tmp_path / "eve.ipynb")

    def breaks(path: Path, *args: object) -> Submission:
        if path.name == "eve.ipynb":
            raise ZeroDivisionError
        return read_submission(path, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lessons_lib.course.assign.collection.read_submission", breaks)
        graded, (refused,) = read(tmp_path)
    assert list(graded) == ["ada"]
    assert "ZeroDivisionError" in refused.refused
