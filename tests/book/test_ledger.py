"""Claims on a page: a list of lines, and the code that asserts them folded."""

from pathlib import Path

import ledger
import pytest
from bs4 import BeautifulSoup
from docutils import nodes
from docutils.utils import new_document
from rendered import read


def literal(text, *classes):
    return nodes.literal_block(text, text, classes=[*classes], language="python")


def lesson(code, printed, *tags):
    cell = nodes.container("", classes=["cell", *(f"tag_{tag}" for tag in tags)])
    cell += nodes.container("", literal(code), classes=["cell_input"])
    cell += nodes.container("", literal(printed, "output", "stream"), classes=["cell_output"])
    document = new_document("lesson")
    document += cell
    ledger.write(None, document)
    return cell


def shown(cell):
    """Each block of a cell: code and text as they are, html by its first tag."""
    return [
        node.astext()
        for node in cell.findall()
        if isinstance(node, (nodes.literal_block, nodes.raw))
    ]


CODE = "x = 1\n# one\nclaim('One', x, equals=1, within=0)\nquote(x=x)"


def test_what_a_cell_asserts_at_its_end_folds_away():
    head, opened, tail, closed, _ = shown(lesson(CODE, "✓ One: 1 = 1 exactly"))
    assert head == "x = 1"
    assert "<details" in opened and "Show the check" in opened and closed == "</details>"
    assert tail.splitlines()[0] == "# one"


@pytest.mark.parametrize(
    ("code", "tags"),
    [
        ("claim('One', 1, above=0)\nx = 1", []),
        ("%matplotlib inline\nclaim('One', 1, above=0)", []),
        (CODE, ["hide-input"]),
    ],
)
def test_other_code_stays(code, tags):
    assert shown(lesson(code, "text", *tags)) == [code, "text"]


def test_a_cell_that_only_asserts_folds_whole_and_one_that_only_quotes_says_so():
    opened, tail, *_ = shown(lesson("claim('One', 1, above=0)", "✓ One: 1 > 0"))
    assert "Show the check" in opened and tail.startswith("claim(")
    assert "Show what the text quotes" in shown(lesson("x = 1\nquote(x=x)", ""))[1]


def test_lines_become_a_list_and_what_is_printed_between_them_stays():
    cell = lesson("x = 1", "12 s\n✓ One: 1 < 2\n✓ Two & more: 0 = 0\ntable\n")
    _, before, made, after = shown(cell)
    items = BeautifulSoup(made, "lxml").select("ul.ledger > li")
    assert (before, after) == ("12 s", "table")
    assert [item["id"] for item in items] == ["claim-one", "claim-two-more"]
    assert [item.select_one(".said").contents[0] for item in items] == ["One", "Two & more"]


def test_pages_print_no_claim_as_text(pages: Path) -> None:
    page = read(pages / "book" / "02_score_matching.html")
    assert len(page.select("ul.ledger > li")) > 20
    assert [pre for pre in page.select(".cell_output pre") if "✓" in pre.get_text()] == []
    assert not any(box.has_attr("open") for box in page.select("details.asserting"))
