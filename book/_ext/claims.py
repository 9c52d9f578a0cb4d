"""The claims page: every line with a check mark in every lesson, collected while the book is built.

A lesson prints a claim only after it held, and the tests execute each lesson again; so this page
lists what was executed and nothing else. Nobody types it. The build stops where the code of a cell
and what it printed disagree: a claim that was not executed, a line that no code makes, no words.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

import doctree
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

LINE = re.compile(r"^✓ (?P<text>.+): (?P<evidence>.+)$", re.M)


class Made(NamedTuple):
    """One claim as a lesson prints it, and where."""

    text: str
    evidence: str
    anchor: str


class ClaimTables(nodes.General, nodes.Element):
    """Stands for the tables until every page has been read."""


class Claims(Directive):
    """``{claims}`` is replaced by one table for each lesson."""

    def run(self) -> list[nodes.Node]:
        """Leave a mark; `resolve` fills it."""
        return [ClaimTables()]


def found(document: nodes.document) -> Iterator[Made]:
    """Claims in the outputs of a lesson; each cell that prints some gets an id to link to."""
    for cell in doctree.cells(document):
        printed = "\n".join(o.astext() for o in cell.findall(nodes.literal_block) if _stream(o))
        lines = list(LINE.finditer(printed))
        if wrong := mismatches(doctree.source(cell), [line["text"] for line in lines]):
            raise ExtensionError("claims: " + "; ".join(wrong))
        if lines:
            anchor = f"claim-{nodes.make_id(lines[0]['text'])[:60]}"
            cell["ids"].append(anchor)
            yield from (Made(line["text"], line["evidence"], anchor) for line in lines)


def _stream(output: nodes.literal_block) -> bool:
    return "stream" in output["classes"]


def mismatches(code: str, printed: list[str]) -> list[str]:
    """Calls of ``claim`` whose words were not printed, and printed words that no call has."""
    tree = ast.parse(code if "claim" in code else "")
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and _named(n, "claim")]
    patterns = [_pattern(call.args[0]) if call.args else "" for call in calls]
    found = [f"a claim without words: {ast.unparse(c)[:80]}" for c in calls if not _words(c)]
    for call, pattern in zip(calls, patterns, strict=True):
        if not any(re.fullmatch(pattern, text) for text in printed):
            found.append(f"not executed: {ast.unparse(call)[:80]}")
    for text in printed:
        if not any(re.fullmatch(pattern, text) for pattern in patterns):
            found.append(f"no code of its cell claims: {text}")
    return found


def _named(call: ast.Call, name: str) -> bool:
    return getattr(call.func, "id", getattr(call.func, "attr", "")) == name


def _pattern(words: ast.expr) -> str:
    """What a claim may print: its words, with anything in place of what is computed."""
    if isinstance(words, ast.Constant):
        return re.escape(str(words.value))
    if isinstance(words, ast.JoinedStr):
        return "".join(_pattern(part) for part in words.values)
    return ".+"


def _words(call: ast.Call) -> bool:
    return bool(call.args) and _pattern(call.args[0]).strip() != ""


def collect(app: Sphinx, document: nodes.document) -> None:
    """Remember the claims of the page that was just read."""
    _all(app.env)[app.env.docname] = list(found(document))


def purge(app: Sphinx, env: BuildEnvironment, page: str) -> None:
    """Forget a page that will be read again."""
    _all(env).pop(page, None)


def resolve(app: Sphinx, document: nodes.document, page: str) -> None:
    """Write the tables where the page asks for them."""
    marks = list(document.findall(ClaimTables))
    made = {name: claims for name, claims in sorted(_all(app.env).items()) if claims}
    if marks and not made:
        raise ExtensionError("the claims page found no claim in any lesson")
    for mark in marks:
        count = sum(map(len, made.values()))
        summary = f"In the order of the book: {count} from {len(made)} lessons."
        parts: list[nodes.Node] = [nodes.paragraph("", summary)]
        for name, claims in made.items():
            uri = app.builder.get_relative_uri(page, name)
            parts += _lesson(app.env.titles[name], uri, claims)
        mark.replace_self(parts)


def _lesson(title: nodes.title, uri: str, claims: list[Made]) -> list[nodes.Node]:
    number = ".".join(map(str, title.get("secnumber") or ()))
    heading = f"{number}  {title.astext()}".strip()
    rows = [(_link(c.text, f"{uri}#{c.anchor}"), nodes.paragraph("", c.evidence)) for c in claims]
    head = (nodes.paragraph("", "claim"), nodes.paragraph("", "measured"))
    return [
        nodes.rubric("", heading, **{"heading-level": 2}),
        doctree.table([head, *rows], (68, 32), "claims"),
    ]


def _link(text: str, uri: str) -> nodes.paragraph:
    link = nodes.reference("", text, refuri=uri, internal=True)
    return nodes.paragraph("", "", link)


def _all(env: BuildEnvironment) -> dict[str, list[Made]]:
    if not hasattr(env, "lesson_claims"):
        env.lesson_claims = {}
    return env.lesson_claims


def setup(app: Sphinx) -> dict[str, bool]:
    """Collect after reading, write when everything is read."""
    app.add_node(ClaimTables)
    app.add_directive("claims", Claims)
    app.connect("doctree-read", collect)
    app.connect("env-purge-doc", purge)
    app.connect("doctree-resolved", resolve)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
