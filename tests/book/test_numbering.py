"""Pages are numbered by chapter and by their place in it; headings inside a page are not."""

import sys
from types import SimpleNamespace

import pytest
from conftest import ROOT
from docutils import nodes


@pytest.fixture(scope="module")
def numbering():
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    import numbering

    yield numbering
    sys.path.pop(0)


def test_second_pages_count_from_one_in_their_chapter(numbering):
    given = {"a": (1,), "b": (2,), "b2": (2, 15), "b1": (2, 9), "c": (3,), "c1": (3, 4)}
    wanted = {"a": (1,), "b": (2,), "b1": (2, 1), "b2": (2, 2), "c": (3,), "c1": (3, 1)}
    assert numbering.renumber(given) == wanted


def test_titles_and_links_follow_and_headings_lose_theirs(numbering):
    page = nodes.reference(anchorname="", secnumber=(1, 7))
    inside = nodes.reference(anchorname="#setup", secnumber=(1, 7, 1))
    env = SimpleNamespace(
        toc_secnumbers={"first": {"": (1,)}, "more": {"": (1, 7), "#setup": (1, 7, 1)}},
        titles={name: nodes.title() for name in ("first", "more")},
        tocs={"first": nodes.bullet_list(), "more": nodes.bullet_list("", page, inside)},
    )
    numbering.apply(None, env)
    assert env.toc_secnumbers == {"first": {"": (1,)}, "more": {"": (1, 1), "#setup": ()}}
    assert env.titles["more"]["secnumber"] == page["secnumber"] == (1, 1)
    assert inside["secnumber"] == ()


def test_pages_without_numbers_stay_so(numbering):
    env = SimpleNamespace(toc_secnumbers={"index": {}}, titles={}, tocs={})
    numbering.apply(None, env)
    assert env.toc_secnumbers == {"index": {}}
