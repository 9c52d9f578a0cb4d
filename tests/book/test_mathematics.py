"""Formulas are MathML when the page is written, with their source, number and place; or no book."""

from __future__ import annotations

import html
import re
from pathlib import Path

import mathematics
import pytest
from bs4 import BeautifulSoup, Tag
from math_core import LatexError
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils


def shown(tex: str) -> str:
    """The signs of a formula in their order."""
    return html.unescape(re.sub("<[^>]*>", "", mathematics.typeset(tex, display=True)))


@pytest.mark.parametrize(
    ("tex", "signs"),
    [
        (r"x + \sigma^2 s(x)", "x+σ2s(x)"),
        (r"\nabla \log p_\sigma", "∇logpσ"),
        (r"a \\ b", "ab"),
        ("a\n\nb", "ab"),
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "a=bc=d"),
    ],
)
def test_the_signs_are_there_in_their_order(tex: str, signs: str) -> None:
    assert re.sub(r"[\s\u2061]", "", shown(tex)) == signs


@pytest.mark.parametrize(("tex", "rows"), [("a", 0), (r"a \\ b", 2), ("a\n\nb\n\nc", 3)])
def test_lines_become_rows(tex: str, rows: int) -> None:
    assert mathematics.typeset(tex, display=True).count("<mtr") == rows


def test_the_source_is_kept() -> None:
    formula = BeautifulSoup(mathematics.typeset('a < b "&" c'.replace("&", r"\&")), "lxml").math
    assert formula["alttext"] == r'a < b "\&" c'


def test_a_prime_comes_down_and_a_fence_with_an_exponent_stays_tall() -> None:
    assert '<mo class="prime">′</mo>' in mathematics.typeset("x'")
    tall = mathematics.typeset(r"\big\| x \big\|^2")
    assert re.search(r"<msup><mrow><mo [^>]*minsize[^>]*>‖</mo></mrow>", tall)


@pytest.mark.parametrize("tex", [r"\nosuch", r"\frac{a}", r"a & b", r"\left( a"])
def test_what_cannot_be_read_is_no_formula(tex: str) -> None:
    with pytest.raises(LatexError):
        mathematics.typeset(tex)


SOURCE = """
T
=

.. math::
   :label: one

   a = b

.. math:: c

See :eq:`one` and :math:`d`.
"""


def built(folder: Path, source: str) -> tuple[Tag, str]:
    """The body of one page, and the warnings of its build."""
    (folder / "index.rst").write_text(source, encoding="utf-8")
    settings = {"extensions": ["mathematics"], "math_eqref_format": "({number})"}
    warnings = (folder / "warnings").open("w+", encoding="utf-8")
    with warnings, patch_docutils(), docutils_namespace():
        places = [str(folder / name) for name in (".", "out", "trees")]
        Sphinx(places[0], None, *places[1:], "html", settings, None, warnings).build()
        warnings.seek(0)
        said = warnings.read()
    page = (folder / "out" / "index.html").read_text(encoding="utf-8")
    return BeautifulSoup(page, "lxml").select_one("div.body"), said


def test_numbers_and_links_are_those_of_sphinx(tmp_path: Path) -> None:
    page, said = built(tmp_path, SOURCE)
    assert said == ""
    numbered, plain = page.select("div.math")
    assert numbered["id"] == "equation-one"
    assert numbered.select_one(".eqno").get_text().startswith("(1)")
    assert plain.select_one(".eqno") is None
    link = page.select_one("a[href='#equation-one']:not(.headerlink)")
    assert link.get_text() == "(1)"
    assert [m["alttext"] for m in page.select("math")] == ["a = b", "c", "d"]
    assert [m.get("display") for m in page.select("math")] == ["block", "block", None]
    assert "mathjax" not in (tmp_path / "out" / "index.html").read_text(encoding="utf-8").lower()


def test_a_formula_that_cannot_be_read_is_a_warning_with_its_line(tmp_path: Path) -> None:
    _, said = built(tmp_path, r"A :math:`\nosuch` here.")
    assert "index.rst:1: WARNING: a formula cannot be read" in said
    assert r"\nosuch" in said
