"""The live edition: no role is left to see, code is as it was, and no edit is ever lost."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import laboratory
import lessons
import nbformat
import pytest
from conftest import ROOT
from lessons import main
from live_edition import BESIDE, edition, write
from nbformat import NotebookNode
from nbformat.sign import NotebookNotary

from lessons_lib.course.notebooks.live import Reader

BOOK = ROOT / "book"
EDITION = dict(edition(BOOK))
RAW = re.compile(
    r"\{[\w:.-]+\}`"  # a role
    r"|^ *[:`~]{3,}\{"  # a block
    r"|^ *:{3,} *$"  # its end
    r"|^:[\w-]+:"  # an option of it
    r"|^\([\w-]+\)=|\$\$ \([\w-]+\)"  # a label
    r"|\[\]\(",  # a link without words
    re.M,
)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")
each = pytest.mark.parametrize("name", EDITION)
each_notebook = pytest.mark.parametrize("name", [n for n in EDITION if n.endswith(".ipynb")])


def texts(notebook: NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def stored(name: str) -> NotebookNode:
    return nbformat.read(BOOK / name, as_version=4)


@each
def test_nothing_of_the_language_of_pages_is_left(name: str) -> None:
    assert [text for text in texts(EDITION[name]) if RAW.search(text)] == []


@pytest.mark.parametrize("name", [n for n in EDITION if "_lab" not in n and n[0].isdigit()])
def test_that_test_can_see(name: str) -> None:
    assert any(RAW.search(text) for text in texts(stored(name)))


def code(notebook: NotebookNode) -> list[tuple[str, list]]:
    return [(c.source, c.outputs) for c in notebook.cells if c.cell_type == "code"]


@each_notebook
def test_code_and_outputs_are_those_of_the_book(name: str) -> None:
    nbformat.validate(EDITION[name])
    assert code(EDITION[name]) == code(stored(name))
    ids = [cell.id for cell in EDITION[name].cells]
    assert len(set(ids)) == len(ids)


@each_notebook
def test_each_figure_has_its_number_and_caption_below(name: str) -> None:
    cells = EDITION[name].cells
    for cell, below in zip(cells, [*cells[1:], None], strict=True):
        if figure := cell.metadata.get("mystnb", {}).get("figure"):
            assert re.match(r"\*\*Fig\. [\d.]+\*\* ", below.source)
            assert figure["caption"][-20:] in below.source


@each
def test_links_lead_to_what_lies_beside_and_to_headings_in_it(name: str) -> None:
    for text in texts(EDITION[name]):
        for file, heading in LINK.findall(text):
            assert file in EDITION
            there = "\n".join(texts(EDITION[file]))
            titles = re.findall(r"^#+ (.+)$", there, re.M)
            assert not heading or heading in [title.replace(" ", "-") for title in titles]


@each
def test_what_is_folded_has_a_plain_summary(name: str) -> None:
    for text in texts(EDITION[name]):
        for line in re.findall(r"<summary>(.*)</summary>", text):
            assert not re.search(r"\]\(|`|\*\*", line)
        assert text.count("<details") == text.count("</details>")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("{glue:text}`no_such_number`", "no_such_number"),
        ("{numref}`fig-99-none`", "fig-99-none"),
        ("{cite}`Nobody1900`", "Nobody1900"),
        ("{term}`a word of no glossary`", "a word of no glossary"),
        ("{doc}`index`", "the role doc"),
        (":::{figure} picture.png\n:::", "no block {figure}"),
    ],
)
def test_what_the_book_does_not_have_stops_the_edition(wrong: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Reader(BOOK).text(f"As in {wrong}" if wrong[0] == "{" else wrong, "any.ipynb")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A book of one lesson."""
    book = tmp_path / "book"
    book.mkdir()
    for name in ("references.bib", "01_gaussian_score_lab.ipynb", *BESIDE):
        shutil.copy(BOOK / name, book)
    lines = [f"file: book/{Path(name).stem}" for name in ("01_gaussian_score_lab", "notation")]
    (tmp_path / "_toc.yml").write_text("\n".join(lines), encoding="utf-8")
    for name in ("errata.md", "projects.md"):
        (book / name).write_text("# Short\n\nWords.\n", encoding="utf-8")
    lab = stored("01_gaussian_score_lab.ipynb")
    lab.cells = [cell for cell in lab.cells if not RAW.search(cell.source)]
    nbformat.write(lab, book / "01_gaussian_score_lab.ipynb")
    return book


LAB = "01_gaussian_score_lab.ipynb"


def change(path: Path, number: int, source: str) -> None:
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[number].source = source
    nbformat.write(notebook, path)


def sources(path: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


def test_a_file_that_nobody_edited_follows_the_book(small: Path, tmp_path: Path) -> None:
    live = tmp_path / "live"
    assert write(small, live) == []
    change(small / LAB, 0, "# Another title")
    assert write(small, live) == []
    assert sources(live / LAB)[0] == "# Another title"


def test_what_was_run_and_not_edited_keeps_its_outputs(small: Path, tmp_path: Path) -> None:
    live = tmp_path / "live"
    write(small, live)
    notebook = nbformat.read(live / LAB, as_version=4)
    next(c for c in notebook.cells if c.cell_type == "code").execution_count = 77
    nbformat.write(notebook, live / LAB)
    before = (live / LAB).read_bytes()
    assert write(small, live) == []
    assert (live / LAB).read_bytes() == before


def test_an_edited_file_stays_and_its_new_edition_lies_beside(small: Path, tmp_path: Path) -> None:
    live = tmp_path / "live"
    write(small, live)
    change(live / LAB, 1, "my_answer = 42")
    mine = (live / LAB).read_bytes()
    assert write(small, live) == []  # no newer edition: nothing to say
    change(small / LAB, 0, "# Another title")
    (told,) = write(small, live)
    assert "has edits of yours and stays" in told
    assert (live / LAB).read_bytes() == mine
    fresh = live / LAB.replace(".ipynb", ".new.ipynb")
    assert sources(fresh)[0] == "# Another title"
    assert write(small, live) == []  # it was told, and both files are there
    change(fresh, 1, "my_other_answer = 43")
    change(small / LAB, 0, "# A third title")
    assert len(write(small, live)) == 2
    assert "my_other_answer = 43" in sources(fresh)
    assert (live / LAB).read_bytes() == mine


@pytest.mark.parametrize("content", [b"{half a noteb", b"\xff\xfe", b""])
def test_a_file_that_cannot_be_read_stays(small: Path, tmp_path: Path, content: bytes) -> None:
    live = tmp_path / "live"
    write(small, live)
    (live / LAB).write_bytes(content)
    change(small / LAB, 0, "# Another title")
    assert len(write(small, live)) == 1
    assert (live / LAB).read_bytes() == content


def test_a_file_of_that_name_from_elsewhere_stays(small: Path, tmp_path: Path) -> None:
    live = tmp_path / "live"
    live.mkdir()
    (live / "notation.md").write_text("My own notes.", encoding="utf-8")
    (live / "mine.ipynb").write_text("{}", encoding="utf-8")
    assert len(write(small, live)) == 1
    assert (live / "notation.md").read_text(encoding="utf-8") == "My own notes."
    assert (live / "mine.ipynb").read_text(encoding="utf-8") == "{}"


def test_players_are_trusted_and_edits_of_others_are_not(small: Path, tmp_path: Path) -> None:
    live = tmp_path / "live"
    laboratory.prepare(small, live)
    notary = NotebookNotary(data_dir=str(live / ".jupyter"))
    assert notary.check_signature(nbformat.read(live / LAB, as_version=4))
    change(live / LAB, 1, "import this")
    laboratory.prepare(small, live)
    assert not notary.check_signature(nbformat.read(live / LAB, as_version=4))


def test_the_settings_are_json_that_jupyterlab_reads(small: Path, tmp_path: Path) -> None:
    laboratory.prepare(small, tmp_path / "live")
    settings = json.loads(
        (tmp_path / "live" / ".jupyter" / "overrides.json").read_text(encoding="utf-8")
    )
    assert all(name.startswith("@jupyterlab/") for name in settings)


def test_options_go_through(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    got = []
    monkeypatch.setattr(lessons, "open_lab", lambda *words: got.append(words) or 0)
    assert main(["lab", str(tmp_path), "--", "--no-browser", "--port=9000"]) == 0
    assert main(["lab"]) == 0
    assert [(folder.name, options) for _, folder, options in got] == [
        (tmp_path.name, ["--no-browser", "--port=9000"]),
        ("live", []),
    ]


def test_it_can_be_written_without_being_opened(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(small.parent)
    assert main(["live"]) == 0
    assert (small.parent / "live" / LAB).is_file()
    assert str(small.parent / "live") in capsys.readouterr().out


def test_another_folder_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["live"]) == 1
    assert "that is not the folder of the course" in capsys.readouterr().err


def test_without_jupyterlab_it_says_what_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(laboratory, "find_spec", lambda name: None)
    monkeypatch.chdir(ROOT)
    assert main(["lab", str(tmp_path / "live")]) == 1
    assert "make lab" in capsys.readouterr().err
    assert not (tmp_path / "live").exists()
