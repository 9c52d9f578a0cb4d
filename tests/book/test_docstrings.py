"""Docstrings become pages: keys cite, names link to the nearest, formulas survive."""

import importlib
import re

import docstrings
import pytest
from conftest import ROOT
from public_names import modules


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("as `explicit`, or :py:obj:`explicit`", "as `explicit`, or :py:obj:`explicit`"),
        ("``s(x) * `not a name` |v|``", "``s(x) * `not a name` |v|``"),
        ("shape (*, n), |x| and 2**3", "shape (\\*, n), \\|x\\| and 2**3"),
        ("by [Vincent2011].", "by :cite:t:`Vincent2011`."),
        ("an entry [i] or [0, 1]", "an entry [i] or [0, 1]"),
        ("``[Vincent2011]`` stays", "``[Vincent2011]`` stays"),
        ("Chapter 05_patch_mrf.", "Chapter :doc:`05_patch_mrf </book/05_patch_mrf>`."),
    ],
)
def test_a_line_is_rewritten(line, wanted):
    assert docstrings.rewrite(line) == wanted


@pytest.mark.parametrize(
    ("name", "here", "wanted"),
    [
        ("last", "lib.training", "lib.training.last"),
        ("last", "lib.samplers", "lib.samplers.last"),
        ("training.last", "lib.samplers", "lib.training.last"),
        ("first", "lib.samplers", None),
        ("torch.last", "lib.samplers", None),
    ],
)
def test_a_short_name_means_the_nearest(name, here, wanted):
    known = dict.fromkeys(["lib.samplers.last", "lib.training.last"])
    assert docstrings.nearest(name, here, known) == wanted


def test_references_on_one_line_are_a_section_of_their_own():
    lines = ["Raises", "------", "ValueError", "    If so.", "", "References: [Vincent2011]."]
    docstrings.process(None, "function", "lessons_lib.losses.denoising", None, None, lines)
    assert lines[-3:] == ["References", "----------", ":cite:t:`Vincent2011`."]


def test_the_pages_name_every_module_and_constants_that_exist():
    pages = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "book").glob("library_*.md"))
    assert sorted(re.findall(r"automodule:: (\S+)", pages)) == sorted(m.__name__ for m in modules())
    constants = re.findall(r"autodata:: (\S+)\.(\w+)", pages)
    assert [n for n in constants if not hasattr(importlib.import_module(n[0]), n[1])] == []


def test_a_constant_brings_the_text_below_it():
    told = docstrings.told_below("lessons_lib.phantoms", "TEST_PHOTOGRAPHS")
    assert told[0] == "Photographs that no shipped model has seen."
