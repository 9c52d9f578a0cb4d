"""The glossary as a place to go through: letters at its head, and chapters that are links."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docutils import nodes
from sphinx.addnodes import glossary
from sphinx.application import Sphinx
from written import BOOK

PAGE = "book/glossary"
CHAPTERS = re.compile(r"\b[Cc]hapters? \d(?:(?:, | and )\d)*")


def add(app: Sphinx, document: nodes.document) -> None:
    """Rewrite the page after it was read."""
    if app.env.docname != PAGE:
        return
    for words in list(document.findall(glossary)):
        place = words.parent.index(words)
        words.parent.insert(place, nodes.raw("", letters(words), format="html"))
        for text in list(words.findall(nodes.Text)):
            if CHAPTERS.search(text) and not isinstance(text.parent, nodes.literal):
                text.parent.replace(text, list(linked(text)))


def letters(words: glossary) -> str:
    """The first word of each letter."""
    first: dict[str, str] = {}
    for term in words.findall(nodes.term):
        first.setdefault(term.astext()[0].upper(), term["ids"][0])
    links = " ".join(f'<a href="#{place}">{letter}</a>' for letter, place in first.items())
    return f'<nav class="letters" aria-label="Letters of the glossary">{links}</nav>'


def linked(text: str) -> Iterator[nodes.Node]:
    """The same text; the number of a chapter leads to it."""
    last = 0
    for named in CHAPTERS.finditer(text):
        for number in re.finditer(r"\d", named[0]):
            at = named.start() + number.start()
            lessons = sorted(BOOK.glob(f"{int(number[0]):02}_*.ipynb"))
            if lessons:
                yield nodes.Text(text[last:at])
                uri = f"{lessons[0].stem}.html"
                yield nodes.reference("", number[0], refuri=uri, internal=True)
                last = at + 1
    yield nodes.Text(text[last:])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("doctree-read", add)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
