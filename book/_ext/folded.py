"""Fold proofs and other boxes of class ``dropdown`` with the browser's own ``<details>``.

It opens with the keyboard, with a screen reader and without JavaScript, and prints open. Proofs
need it twice over: sphinx-proof gives every proof of a page the same id and no title, on which
the script of sphinx-togglebutton stops for the whole page.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform


class Fold(SphinxPostTransform):
    """Replace each foldable admonition by raw ``<details>`` around its children."""

    default_priority = 400
    formats = ("html",)

    def run(self, **_: object) -> None:
        """Drop the ids that sphinx-proof repeats, then fold what asks for it."""
        for section in self.document.findall(nodes.section):
            section["ids"] = [i for i in section["ids"] if i != "proof-content"]
        for box in list(self.document.findall(nodes.admonition)):
            classes = box["classes"]
            if "proof" in classes:
                box["ids"] = [i for i in box["ids"] if i != "proof"]
            if "dropdown" in classes:
                place = box.parent.index(box)
                box.parent[place : place + 1] = _details(box)


def _details(box: nodes.admonition) -> list[nodes.Node]:
    kinds = " ".join(c for c in box["classes"] if c not in ("dropdown", "admonition"))
    ids = f' id="{box["ids"][0]}"' if box["ids"] else ""
    body = list(box.children)
    if body and isinstance(body[0], nodes.title):
        name = nodes.inline("", "", *body.pop(0).children)
    else:
        name = nodes.inline("", "Proof")
        _drop_prefix(body, "Proof. ")
    return [
        _raw(f'<details class="fold {kinds}"{ids}><summary>'),
        name,
        _raw('</summary><div class="fold-body">'),
        *body,
        _raw("</div></details>"),
    ]


def _drop_prefix(body: list[nodes.Node], prefix: str) -> None:
    """Take off the word that sphinx-proof puts before the first sentence."""
    for text in body[0].findall(nodes.Text) if body else ():
        if text.startswith(prefix):
            text.parent.replace(text, nodes.Text(text[len(prefix) :]))
        return


def _raw(html: str) -> nodes.raw:
    return nodes.raw("", html, format="html")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_post_transform(Fold)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
