"""The picture of the README is the first figure of the tour, as it is stored in the book."""

import nbformat
import pytest
from conftest import ROOT
from lessons import main
from pictures import picture

TOUR, HERO = ROOT / "book" / "00_tour.ipynb", ROOT / "book" / "_static" / "hero.png"
AGAIN = "python book/_tools/lessons.py picture book/00_tour.ipynb fig-00-hero " + str(
    HERO.relative_to(ROOT)
)


def test_hero_is_the_stored_figure():
    assert HERO.read_bytes() == picture(TOUR, "fig-00-hero"), f"to refresh it: {AGAIN}"


def test_command_writes_the_picture(tmp_path):
    assert main(["picture", str(TOUR), "fig-00-hero", str(tmp_path / "x.png")]) == 0
    assert (tmp_path / "x.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_figure_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"stored in 00_tour\.ipynb; got 'fig-00-cat'"):
        picture(TOUR, "fig-00-cat")


def test_an_unexecuted_notebook_has_no_picture(tmp_path):
    book = nbformat.read(TOUR, as_version=4)
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    nbformat.write(book, tmp_path / "a.ipynb")
    with pytest.raises(ValueError, match="fig-00-hero"):
        picture(tmp_path / "a.ipynb", "fig-00-hero")
