"""A few questions at the end of a lesson: choose an answer, read at once why it is right or not.

In a notebook it is a numbered list whose answers carry boxes, the right one ticked:

    :::{self-check}
    1. What is two and two?

       - [ ] Five.

         One too many: count on your fingers.

       - [x] Four.

         Two pairs.
    :::

In the page each question is a fieldset of radio buttons, and the text under an answer shows when it
is chosen. Native controls and one rule of the stylesheet do it: no script, no server.
"""

from __future__ import annotations

from typing import NamedTuple

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

QUESTIONS = range(3, 6)
ANSWERS = range(2, 5)


class Answer(NamedTuple):
    """What can be chosen, and what is said to it."""

    text: list[nodes.Node]
    reply: list[nodes.Node]
    right: bool


class SelfCheck(SphinxDirective):
    """``{self-check}`` around a numbered list of questions."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Read the list, complain of what is missing, and write the fieldsets."""
        box = nodes.container()
        self.state.nested_parse(self.content, self.content_offset, box)
        try:
            questions = [read(item) for item in items(box)]
        except ValueError as error:
            raise self.error(str(error)) from error
        number = self.env.new_serialno("self-check")
        made: list[nodes.Node] = [raw('<div class="self-check">')]
        for place, (text, answers) in enumerate(questions, 1):
            made += fieldset(f"check-{number}-{place}", place, text, answers)
        return [*made, raw("</div>")]


def items(box: nodes.Element) -> list[nodes.list_item]:
    """Return the questions of the one list in ``box``."""
    if len(box) != 1 or not isinstance(box[0], nodes.enumerated_list):
        raise ValueError("self-check holds one numbered list of questions, and nothing else")
    if len(box[0]) not in QUESTIONS:
        raise ValueError(f"self-check holds {len(box[0])} questions, wanted 3 to 5")
    return list(box[0].children)


def read(item: nodes.list_item) -> tuple[list[nodes.Node], list[Answer]]:
    """Split a question into its sentence and its answers."""
    wrong = f"a question is a sentence and a list of answers: {item.astext()[:60]!r}"
    if len(item) != 2 or not isinstance(item[1], nodes.bullet_list):
        raise ValueError(wrong)
    answers = [answer(one) for one in item[1]]
    if len(answers) not in ANSWERS or sum(a.right for a in answers) != 1:
        raise ValueError(f"wanted 2 to 4 answers, one of them [x]: {item.astext()[:60]!r}")
    return item[0].children, answers


def answer(item: nodes.list_item) -> Answer:
    """Split an answer into its box, its text, and the reply to it."""
    boxes = [n for n in item[0].findall(nodes.raw) if "checkbox" in n.astext()] if len(item) else []
    if len(boxes) != 1 or len(item) < 2:
        raise ValueError(f"an answer is `- [ ] text` and a reply below: {item.astext()[:60]!r}")
    text = [n for n in item[0].children if n is not boxes[0]]
    return Answer(text, list(item.children[1:]), "checked" in boxes[0].astext())


def fieldset(
    name: str, place: int, text: list[nodes.Node], answers: list[Answer]
) -> list[nodes.Node]:
    """One question as html around the nodes of its text."""
    made = [raw(f'<fieldset><legend><span class="number">{place}.</span> '), inline(text)]
    made.append(raw("</legend>"))
    for letter, one in zip("abcd", answers, strict=False):
        key, verdict = f"{name}{letter}", "right" if one.right else "wrong"
        word = "Right." if one.right else "Not this one."
        made += [
            raw(
                f'<div class="answer {verdict}"><input type="radio" name="{name}" id="{key}" '
                f'autocomplete="off"><label for="{key}"><span class="letter">{letter}.</span> '
            ),
            inline(one.text),
            raw(f'</label><div aria-live="polite"><div class="reply"><strong>{word}</strong>'),
            *one.reply,
            raw("</div></div></div>"),
        ]
    return [*made, raw("</fieldset>")]


def inline(children: list[nodes.Node]) -> nodes.inline:
    """Text without a paragraph around it."""
    return nodes.inline("", "", *children)


def raw(html: str) -> nodes.raw:
    """Html as it is."""
    return nodes.raw("", html, format="html")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("self-check", SelfCheck)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
