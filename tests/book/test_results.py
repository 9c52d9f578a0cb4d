"""The index of results is read off the pages: boxes, equations, their names and numbers."""

from types import SimpleNamespace

import pytest
import results
from conftest import ROOT
from docutils import nodes
from docutils.utils import new_document
from rendered import read
from sphinx.errors import ExtensionError
from sphinx_proof.nodes import theorem_node


def box(name, *inside, kind="theorem"):
    content = nodes.section("", *inside, ids=["proof-content"])
    made = theorem_node("", nodes.title("", f" ({name})"), content)
    return made.__class__("", *made.children, realtype=kind, label=f"thm-{len(name)}")


def equation(label, formula="a = b"):
    return nodes.math_block(formula, formula, label=label)


def page_with(*inside):
    document = new_document("page")
    document += nodes.section("", nodes.title("", "The heading"), *inside)
    return document


def names(document):
    return [(r.kind, "".join(n.astext() for n in r.name)) for r in results.found(document, "p")]


def test_boxes_and_equations_are_found_with_their_names():
    document = page_with(
        box("Equal (Someone)", equation("eq-1"), kind="lemma"), equation("eq-2"), equation(None)
    )
    assert names(document) == [
        ("lemma", "Equal (Someone)"),
        ("equation", "Equal (Someone)"),
        ("equation", "The heading"),
    ]


def test_an_equation_outside_every_heading_stops_the_build():
    document = new_document("page")
    document += equation("eq-1")
    with pytest.raises(ExtensionError, match="eq-1"):
        list(results.found(document, "p"))


def test_names_are_sorted_without_articles():
    unsorted = ["The slope", "A chain", "Which", "Stein's", "An ascent"]
    ordered = sorted(unsorted, key=lambda name: results.sorting([nodes.Text(name)]))
    assert ordered == ["An ascent", "A chain", "The slope", "Stein's", "Which"]


def test_pages_come_in_the_order_of_the_contents():
    below = {"root": ["a", "c"], "a": ["b"]}
    env = SimpleNamespace(config=SimpleNamespace(root_doc="root"), toctree_includes=below)
    assert list(results.pages(env)) == ["root", "a", "b", "c"]


def test_a_kind_that_nobody_has_stops_the_build():
    document = new_document("page")
    document += results.ResultsTable(kinds=["axiom"])
    env = SimpleNamespace(
        book_results={}, config=SimpleNamespace(root_doc="root"), toctree_includes={}
    )
    with pytest.raises(ExtensionError, match="no axiom"):
        results.resolve(SimpleNamespace(env=env), document, "results")


@pytest.fixture(scope="module")
def index(pages):
    return read(pages / "book" / "results.html")


def test_every_numbered_thing_of_the_book_is_listed_with_its_number(pages, index):
    listed = {a["href"]: a.find_parent("tr").get_text(" ") for a in index.select(".results a")}
    there = {}
    for path in sorted((pages / "book").glob("*.html")):
        soup = read(path)
        for made in soup.select("div.proof[id] > .admonition-title > .caption-number"):
            there[f"{path.name}#{made.find_parent('div')['id']}"] = made.get_text(strip=True)
        for made in soup.select("div.math[id] > .eqno"):
            number = made.find(string=True, recursive=False)
            there[f"{path.name}#{made.parent['id']}"] = number
    assert len(there) > 100
    assert set(listed) == set(there)
    wrong = {k: (listed[k], n) for k, n in there.items() if n.casefold() not in listed[k]}
    assert wrong == {}


def test_tweedie_is_found(index):
    links = index.find_all("a", string="Tweedie’s formula")
    assert {link["href"].split("#")[0] for link in links} >= {"01_gaussian_score.html"}
    assert (ROOT / "book" / "results.md").read_text(encoding="utf-8").count("{results}") == 4
