"""Docstrings become pages: names link, keys cite, formulas and tables survive."""

import docstrings
import pytest


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("as `explicit` does", "as :py:obj:`explicit <lessons_lib.losses.explicit>` does"),
        ("as `losses.sliced`", "as :py:obj:`losses.sliced <lessons_lib.losses.sliced>`"),
        ("see `lessons_lib.shapes`", "see :py:obj:`lessons_lib.shapes <lessons_lib.shapes>`"),
        ("under `torch.no_grad`", "under ``torch.no_grad``"),
        (":py:obj:`explicit`", ":py:obj:`explicit`"),
        ("``s(x) * `not a name` |v|``", "``s(x) * `not a name` |v|``"),
        ("shape (*, n), |x| and 2**3", "shape (\\*, n), \\|x\\| and 2**3"),
        ("by [Vincent2011].", "by :cite:t:`Vincent2011`."),
        ("an entry [i] or [0, 1]", "an entry [i] or [0, 1]"),
        ("``[Vincent2011]`` stays", "``[Vincent2011]`` stays"),
        ("Chapter 05_patch_mrf.", "Chapter :doc:`05_patch_mrf </book/05_patch_mrf>`."),
        ("chapter 99_not_there", "chapter ``99_not_there``"),
    ],
)
def test_a_line_is_rewritten(line, wanted):
    assert docstrings.rewrite(line, "lessons_lib.losses.denoising") == wanted


def test_a_short_name_means_the_nearest(monkeypatch):
    found = {"last": ["lessons_lib.samplers.last", "lessons_lib.training.last"]}
    monkeypatch.setattr(docstrings, "targets", lambda: found)
    assert docstrings.resolve("last", "lessons_lib.training.train") == "lessons_lib.training.last"
    assert docstrings.resolve("last()", "lessons_lib.samplers.x") == "lessons_lib.samplers.last"
    assert docstrings.resolve("first", "lessons_lib.samplers.x") is None


def test_a_table_grows_with_its_links():
    lines = [
        "Before `x`.",
        "==========  =====",
        "name        shape",
        "==========  =====",
        "`sliced`    (*, n)",
        "other       ``|v|``",
        "==========  =====",
        "After.",
    ]
    docstrings.process(None, "module", "lessons_lib.losses", None, None, lines)
    border, head, _, row, other, _ = lines[1:-1]
    assert row.startswith(":py:obj:`sliced <lessons_lib.losses.sliced>`  (\\*, n)")
    column = row.index("(")
    assert head.index("shape") == other.index("``|v|``") == border.rindex(" ") + 1 == column
    assert (lines[0], lines[-1]) == ("Before ``x``.", "After.")


def test_what_two_modules_offer_has_one_place():
    places = docstrings.places()
    assert "lessons_lib.networks.CentredScore" in places
    assert "lessons_lib.pretrained.CentredScore" not in places


def test_public_names_are_found_with_and_without_a_list():
    modules = docstrings.modules()
    assert "Patches" in docstrings.public(modules["patches"])
    assert "torch" not in docstrings.public(modules["patches"])
    assert docstrings.public(modules["losses"]) == sorted(modules["losses"].__all__)


def test_constants_bring_the_text_below_them():
    text = docstrings.comments(docstrings.modules()["phantoms"])["TEST_PHOTOGRAPHS"]
    assert text[0] == "Photographs that no shipped model has seen."


def test_references_on_one_line_are_a_section_of_their_own():
    lines = ["Raises", "------", "ValueError", "    If so.", "", "References: [Vincent2011]."]
    docstrings.process(None, "function", "lessons_lib.losses.denoising", None, None, lines)
    assert lines[-3:] == ["References", "----------", ":cite:t:`Vincent2011`."]
