"""Boxes of class dropdown become the browser's own details, proofs included."""

import sys

import pytest
from conftest import ROOT
from docutils import nodes
from docutils.utils import new_document


@pytest.fixture(scope="module")
def folded():
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    import folded

    yield folded
    sys.path.pop(0)


def fold(folded, *boxes):
    document = new_document("page")
    document += boxes
    folded.Fold(document).run()
    return document


def proof(*classes):
    box = nodes.admonition(classes=["proof", *classes], ids=["proof"])
    box += nodes.paragraph("", "Proof. Expand the square.")
    box += nodes.paragraph("", "Proof. A second sentence that happens to begin alike.")
    return box


def test_a_proof_gets_a_title_and_loses_the_word(folded):
    document = fold(folded, proof("dropdown"))
    opening, name, middle, first, second, closing = document.children
    assert opening.astext() == '<details class="fold proof"><summary>'
    assert name.astext() == "Proof"
    assert middle.astext() == '</summary><div class="fold-body">'
    assert first.astext() == "Expand the square."
    assert second.astext().startswith("Proof. A second")
    assert closing.astext() == "</div></details>"


def test_two_proofs_on_a_page_do_not_share_an_id(folded):
    document = fold(folded, proof(), proof("dropdown"))
    assert document[0]["ids"] == []
    assert 'id="proof"' not in document.astext()


def test_a_titled_box_keeps_its_title_kind_and_label(folded):
    box = nodes.admonition(classes=["hint", "dropdown"], ids=["hint-1"])
    box += nodes.title("", "", nodes.emphasis("", "A hint"))
    box += nodes.paragraph("", "Look left.")
    opening, name, _, body, _ = fold(folded, box).children
    assert opening.astext() == '<details class="fold hint" id="hint-1"><summary>'
    assert isinstance(name[0], nodes.emphasis)
    assert body.astext() == "Look left."


def test_what_is_not_folded_stays(folded):
    box = nodes.admonition(classes=["note"])
    box += nodes.paragraph("", "Here.")
    assert fold(folded, box).children == [box]


def test_a_fold_within_a_fold(folded):
    inner, outer = proof("dropdown"), proof("dropdown")
    outer += inner
    text = [node.astext() for node in fold(folded, outer).findall(nodes.raw)]
    assert sum(t.startswith("<details") for t in text) == 2
    assert sum(t.startswith("</div></details") for t in text) == 2
