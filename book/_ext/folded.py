"""Proofs fold as sphinx-design's dropdown does: the browser's own ``<details>``.

It opens with the keyboard, with a screen reader and without JavaScript, and prints open. The
proofs of sphinx-proof share one id on a page and have no title, on which its folding fails; what
is inside its theorems shares another. Answers that a lab shows after an attempt fold likewise.
"""

from __future__ import annotations

import doctree
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx_design.dropdown import DropdownDirective


class Proof(DropdownDirective):
    """``{prf:proof}``, in the place of sphinx-proof's own."""

    optional_arguments = 0
    option_spec = DropdownDirective.option_spec | {"class": directives.class_option}

    def run_with_defaults(self) -> list[nodes.Node]:
        """Fold the proof under a title."""
        self.arguments = ["Proof"]
        self.options["class-container"] = ["proof"]
        return super().run_with_defaults()


REVEAL = (
    '<details class="hide reveal"><summary>Show what comes out, after your attempt</summary>',
    "</details>",
)


def keep_answers(app: Sphinx, document: nodes.document) -> None:
    """Fold what an experiment says that a lab shows after the attempt: its output is the answer."""
    for cell in doctree.cells(document):
        if "tag_reveal" in cell["classes"]:
            for box in cell.findall(nodes.container):
                if "cell_output" in box["classes"]:
                    opened, closed = (nodes.raw("", part, format="html") for part in REVEAL)
                    box.children = [opened, *box.children, closed]


def drop_shared_ids(app: Sphinx, document: nodes.document, page: str) -> None:
    """Leave an id to the boxes only."""
    for section in document.findall(nodes.section):
        section["ids"] = [name for name in section["ids"] if name != "proof-content"]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx, after sphinx-proof."""
    app.setup_extension("sphinx_design")
    app.setup_extension("sphinx_proof")
    app.connect("doctree-read", keep_answers, priority=700)
    app.connect("doctree-resolved", drop_shared_ids)
    app.add_directive_to_domain("prf", "proof", Proof, override=True)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
