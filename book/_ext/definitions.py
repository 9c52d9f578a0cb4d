"""Words of the glossary say what they mean where they are used.

A link made with ``{term}`` leads to the glossary. Beside it the page carries the definition, out of
sight, so that a script can show it under the pointer or at the focus: from disk, without asking any
server. The copy is plain text with formulas; what it links to is one step away, in the glossary.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

GLOSSARY = "book/glossary"


def used(document: nodes.document) -> Iterator[str]:
    """Yield the anchors of the terms that a page links to, each once, in order."""
    seen = set()
    for link in document.findall(nodes.reference):
        anchor = link.get("refuri", "").partition("#")[2] or link.get("refid", "")
        if anchor.startswith("term-") and anchor not in seen:
            seen.add(anchor)
            yield anchor


def meaning(glossary: nodes.document) -> dict[str, tuple[str, nodes.Element]]:
    """Each term of the glossary by its anchor: its word, and its definition without links."""
    found = {}
    for item in glossary.findall(nodes.definition_list_item):
        definition = plain(item[-1].deepcopy())
        for term in item.findall(nodes.term):
            found |= {anchor: (term.astext(), definition) for anchor in term["ids"]}
    return found


def plain(definition: nodes.Element) -> nodes.Element:
    """Take out references: a link becomes its words, and a citation goes."""
    for link in list(definition.findall(addnodes.pending_xref)):
        before = link.parent.index(link) - 1
        if link["refdomain"] == "cite":
            if before >= 0 and isinstance(link.parent[before], nodes.Text):
                link.parent[before] = nodes.Text(str(link.parent[before]).rstrip())
            link.parent.remove(link)
        else:
            link.replace_self(nodes.inline("", link.astext()))
    return definition


def attach(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Write the definitions of the words that a page uses below its text."""
    if doctree is None or page == GLOSSARY or "body" not in context:
        return
    words = _glossary(app.env)
    boxes = [_box(app, anchor, *words[anchor]) for anchor in used(doctree) if anchor in words]
    if boxes:
        context["body"] += "\n".join(['<div class="meanings" hidden>', *boxes, "</div>"])


def _box(app: Sphinx, anchor: str, word: str, definition: nodes.Element) -> str:
    parts = [app.builder.render_partial(part)["fragment"] for part in definition.children]
    name = html.escape(anchor.removeprefix("term-"))
    return (
        f'<div class="meaning" role="tooltip" id="definition-{name}">'
        f"<strong>{html.escape(word[0].upper() + word[1:])}</strong> {''.join(parts)}</div>"
    )


def _glossary(env: BuildEnvironment) -> dict[str, tuple[str, nodes.Element]]:
    if not hasattr(env, "course_words"):
        env.course_words = meaning(env.get_doctree(GLOSSARY))
    return env.course_words


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("html-page-context", attach)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
