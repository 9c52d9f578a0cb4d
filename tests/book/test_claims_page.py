"""The claims page is read off the outputs of the lessons."""

import json

import claims
import pytest
from bs4 import BeautifulSoup
from docutils import nodes


def test_each_line_with_a_mark_is_found_and_has_a_place_of_its_own():
    taken = set()
    one, two, three = claims.claimed("12 seconds\n✓ One: 1 < 2\n✓ Two: 0 = 0\n✓ One: 2 < 3", taken)
    assert (one.text, one.evidence, two.text) == ("One", "1 < 2", "Two")
    assert [made.anchor for made in (one, two, three)] == ["claim-one", "claim-two", "claim-one-2"]


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("0.5 ≈ 0.4998 within 1e-3", ["0.5", "≈\xa00.4998", "within 10⁻³"]),
        ("-0.8 < -0.2", ["−0.8", "<\xa0−0.2"]),
        ("3 = 3 exactly", ["3", "=\xa03", "exactly"]),
        ("all 41 values within 2.5e-6", ["all 41 values", "within 2.5·10⁻⁶"]),
    ],
)
def test_evidence_breaks_inside_no_number(printed, shown):
    parts = BeautifulSoup(claims.evidence(printed), "lxml").select(".evidence > span")
    assert [part.get_text() for part in parts] == shown


def test_a_colon_in_a_claim_stays_in_it():
    (made,) = claims.claimed("✓ Known: a thing: 1 < 2", set())
    assert (made.text, made.evidence) == ("Known: a thing", "1 < 2")


def test_a_lesson_is_read_cell_by_cell(tmp_path):
    said = {"output_type": "stream", "text": ["✓ One: 1 < 2\n", "✓ Two: 0 = 0\n"]}
    cells = [{"source": "✓ Not printed: 1 < 2"}, {"outputs": [said]}, {"outputs": [{"data": {}}]}]
    path = tmp_path / "01_a.ipynb"
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    assert [made.text for made in claims.found(path)] == ["One", "Two"]


def test_the_table_links_to_the_cells():
    table = claims.table("01_a", [claims.Made("One", "1 < 2", "claim-one")])
    (link,) = table.findall(nodes.reference)
    assert (link["refuri"], link.astext()) == ("01_a.html#claim-one", "One")
