"""The claims page is read off the outputs of the lessons."""

import sys
from types import SimpleNamespace

import pytest
from conftest import ROOT
from docutils import nodes
from docutils.utils import new_document
from sphinx.errors import ExtensionError


@pytest.fixture(scope="module")
def page():
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    import claims

    yield claims
    sys.path.pop(0)


def cell(printed, *classes):
    output = nodes.literal_block(printed, printed, classes=["output", *classes])
    return nodes.container("", output, classes=["cell"])


def lesson(*cells):
    document = new_document("lesson")
    document += cells
    return document


def app_with(**claims):
    titles = {name: nodes.title("", name) for name in claims}
    builder = SimpleNamespace(get_relative_uri=lambda here, there: f"{there}.html")
    return SimpleNamespace(
        env=SimpleNamespace(lesson_claims=claims, titles=titles), builder=builder
    )


def test_each_line_with_a_mark_is_found_and_its_cell_gets_an_id(page):
    document = lesson(cell("12 seconds", "stream"), cell("✓ One: 1 < 2\n✓ Two: 0 = 0", "stream"))
    one, two = page.found(document)
    assert (one.text, one.evidence, two.text) == ("One", "1 < 2", "Two")
    assert one.anchor == two.anchor == document[1]["ids"][0] == "claim-one"
    assert document[0]["ids"] == []


def test_a_colon_in_a_claim_stays_in_it(page):
    (made,) = page.found(lesson(cell("✓ Known: a thing: 1 < 2", "stream")))
    assert (made.text, made.evidence) == ("Known: a thing", "1 < 2")


def test_other_outputs_and_other_text_are_no_claims(page):
    text = nodes.literal_block("", "✓ In a listing: 1 < 2", classes=["stream"])
    assert list(page.found(lesson(text, cell("✓ Not printed: 1 < 2")))) == []


def test_the_tables_link_to_the_cells(page):
    document = lesson(page.ClaimTables())
    app = app_with(a=[page.Made("One", "1 < 2", "claim-one")], b=[])
    page.resolve(app, document, "claims")
    (link,) = document.findall(nodes.reference)
    assert (link["refuri"], link.astext()) == ("a.html#claim-one", "One")
    assert "1 from 1 lessons" in document.astext()


def test_a_page_without_any_claim_stops_the_build(page):
    with pytest.raises(ExtensionError):
        page.resolve(app_with(a=[]), lesson(page.ClaimTables()), "claims")
