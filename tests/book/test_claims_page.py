"""The claims page is read off the outputs of the lessons."""

import json

import claims
from docutils import nodes
from docutils.utils import new_document


def cell(printed, *classes):
    output = nodes.literal_block(printed, printed, classes=["output", *classes])
    return nodes.container("", output, classes=["cell"])


def lesson(*cells):
    document = new_document("lesson")
    document += cells
    return document


def test_each_line_with_a_mark_is_found_and_all_of_a_cell_have_its_place():
    one, two = claims.claimed("12 seconds\n✓ One: 1 < 2\n✓ Two: 0 = 0")
    assert (one.text, one.evidence, two.text) == ("One", "1 < 2", "Two")
    assert one.anchor == two.anchor == "claim-one"


def test_a_colon_in_a_claim_stays_in_it():
    (made,) = claims.claimed("✓ Known: a thing: 1 < 2")
    assert (made.text, made.evidence) == ("Known: a thing", "1 < 2")


def test_a_lesson_is_read_cell_by_cell(tmp_path):
    said = {"output_type": "stream", "text": ["✓ One: 1 < 2\n", "✓ Two: 0 = 0\n"]}
    cells = [{"source": "✓ Not printed: 1 < 2"}, {"outputs": [said]}, {"outputs": [{"data": {}}]}]
    path = tmp_path / "01_a.ipynb"
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    assert [made.text for made in claims.found(path)] == ["One", "Two"]


def test_the_cell_that_prints_a_claim_gets_an_id():
    text = nodes.literal_block("", "✓ In a listing: 1 < 2", classes=["stream"])
    document = lesson(text, cell("✓ Not printed: 1 < 2"), cell("✓ One: 1 < 2", "stream"))
    claims.anchor(None, document)
    assert [part["ids"] for part in document[1:]] == [[], ["claim-one"]]


def test_the_table_links_to_the_cells():
    table = claims.table("01_a", [claims.Made("One", "1 < 2", "claim-one")])
    (link,) = table.findall(nodes.reference)
    assert (link["refuri"], link.astext()) == ("01_a.html#claim-one", "One")
