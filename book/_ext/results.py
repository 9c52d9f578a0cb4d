"""The index of results: every theorem, definition, algorithm and labelled equation, and where.

Names, numbers and links are read off the pages while the book is built. Nobody types them, and
what is missing here is missing in the book.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import doctree
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective
from sphinx_proof.nodes import NODE_TYPES

BOXES = tuple(NODE_TYPES.values())
WORDS = re.compile(r"[^\W_]+")


class Result(NamedTuple):
    """One numbered thing, as its page has it."""

    kind: str  # theorem, definition, ..., or equation
    label: str
    page: str
    name: list[nodes.Node]  # of a box its title, of an equation the heading that it stands under
    formula: str = ""


class ResultsTable(nodes.General, nodes.Element):
    """Stands for a table until every page has been read."""


class Results(SphinxDirective):
    """``{results} theorem lemma`` is replaced by one table of these kinds, sorted by name.

    ``{results} equation`` goes through the book page by page instead.
    """

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Leave a mark; `resolve` fills it."""
        return [ResultsTable(kinds=self.arguments[0].split())]


def found(document: nodes.document, page: str) -> Iterator[Result]:
    """Yield the numbered boxes and the labelled equations of a page."""
    for box in document.findall(lambda n: isinstance(n, BOXES)):
        yield Result(box["realtype"], box["label"], page, _bare(box[0]))
    for formula in document.findall(nodes.math_block):
        if formula.get("label"):
            yield Result("equation", formula["label"], page, _heading(formula), formula.astext())


def _bare(title: nodes.title) -> list[nodes.Node]:
    """Return a title without the round brackets that sphinx-proof puts around it."""
    parts = [part.deepcopy() for part in title.children]
    for place, strip in ((0, lambda text: text.removeprefix(" (").removeprefix("(")), (-1, _close)):
        if parts and isinstance(parts[place], nodes.Text):
            parts[place] = nodes.Text(strip(str(parts[place])))
    return parts


def _close(text: str) -> str:
    return text.removesuffix(")")


def _heading(formula: nodes.math_block) -> list[nodes.Node]:
    """Return the title of the box, or else of the section, that holds a formula."""
    inside = formula.parent
    while inside is not None:
        if isinstance(inside, BOXES):
            return _bare(inside[0])
        if isinstance(inside, nodes.section) and isinstance(inside[0], nodes.title):
            return [part.deepcopy() for part in inside[0].children]
        inside = inside.parent
    raise ExtensionError(f"the equation {formula['label']} stands under no heading")


def collect(app: Sphinx, document: nodes.document) -> None:
    """Remember the results of the page that was just read."""
    _all(app.env)[app.env.docname] = list(found(document, app.env.docname))


def purge(app: Sphinx, env: BuildEnvironment, page: str) -> None:
    """Forget a page that will be read again."""
    _all(env).pop(page, None)


def resolve(app: Sphinx, document: nodes.document, page: str) -> None:
    """Write each table where the page asks for it."""
    for mark in list(document.findall(ResultsTable)):
        order = {name: place for place, name in enumerate(pages(app.env))}
        chosen = [r for results in _all(app.env).values() for r in results]
        chosen = [r for r in chosen if r.kind in mark["kinds"] and r.page in order]
        chosen.sort(key=lambda result: order[result.page])
        if not chosen:
            raise ExtensionError(f"the index of results found no {' or '.join(mark['kinds'])}")
        mark.replace_self(_tables(app, page, mark["kinds"], chosen))
        app.env.get_domain("math").data["has_equations"][page] = True  # so that MathJax comes


def pages(env: BuildEnvironment) -> Iterator[str]:
    """Names of the pages in the order of the table of contents."""
    waiting = [env.config.root_doc]
    while waiting:
        page = waiting.pop(0)
        yield page
        waiting[:0] = env.toctree_includes.get(page, [])


def _tables(app: Sphinx, page: str, kinds: list[str], chosen: list[Result]) -> list[nodes.Node]:
    if kinds != ["equation"]:
        chosen.sort(key=lambda result: sorting(result.name))
        return [_table(app, page, ("name", "what it is", "page"), chosen)]
    made: list[nodes.Node] = []
    for name, group in groupby(chosen, key=lambda result: result.page):
        made.append(nodes.rubric("", _titled(app.env, name), **{"heading-level": 3}))
        made.append(_table(app, page, ("where", "formula"), list(group)))
    return made


def sorting(name: list[nodes.Node]) -> list[str]:
    """What a name is sorted by: its words, without articles and capitals."""
    words = WORDS.findall(" ".join(part.astext() for part in name).casefold())
    return [word for word in words if word not in ("a", "an", "the")]


def _table(app: Sphinx, page: str, heads: tuple[str, ...], chosen: list[Result]) -> nodes.table:
    rows = [[nodes.paragraph("", head) for head in heads]]
    rows += [_row(app, page, result) for result in chosen]
    return doctree.table(rows, [1] * len(heads), "results")


def _row(app: Sphinx, page: str, result: Result) -> list[nodes.Node]:
    number, anchor = _place(app.env, result)
    uri = f"{app.builder.get_relative_uri(page, result.page)}#{anchor}"
    name = [part.deepcopy() for part in result.name]
    if result.kind == "equation":
        where = _link([nodes.Text(f"({number})")], uri)
        where += [nodes.Text("  "), *name]
        return [where, nodes.math_block("", result.formula, nowrap=False, number=None, label=None)]
    what = nodes.paragraph("", f"{result.kind} {number}")
    return [_link(name, uri), what, nodes.paragraph("", _titled(app.env, result.page))]


def _place(env: BuildEnvironment, result: Result) -> tuple[str, str]:
    """Number and anchor, from Sphinx's own lists."""
    if result.kind == "equation":
        return _equation(env, result), nodes.make_id(f"equation-{result.label}")
    entry = env.proof_list[result.label]
    counted = env.toc_fignumbers.get(result.page, {}).get(entry["countertype"], {})
    return ".".join(map(str, counted.get(result.label, ()))), result.label


def _equation(env: BuildEnvironment, result: Result) -> str:
    """Number of an equation; with ``math_numfig`` and a numbered chapter, as in figures."""
    counted = env.toc_fignumbers.get(result.page, {}).get("displaymath", {})
    anchor = nodes.make_id(f"equation-{result.label}")
    if env.config.math_numfig and env.config.numfig and anchor in counted:
        return ".".join(map(str, counted[anchor]))
    return str(env.get_domain("math").equations[result.label][1])


def _titled(env: BuildEnvironment, page: str) -> str:
    title = env.titles[page]
    number = ".".join(map(str, title.get("secnumber") or ()))
    return f"{number}  {title.astext()}".strip()


def _link(content: list[nodes.Node], uri: str) -> nodes.paragraph:
    link = nodes.reference("", "", *content, refuri=uri, internal=True)
    return nodes.paragraph("", "", link)


def _all(env: BuildEnvironment) -> dict[str, list[Result]]:
    if not hasattr(env, "book_results"):
        env.book_results = {}
    return env.book_results


def setup(app: Sphinx) -> dict[str, bool]:
    """Collect after reading, write when everything is read."""
    app.add_node(ResultsTable)
    app.add_directive("results", Results)
    app.connect("doctree-read", collect)
    app.connect("env-purge-doc", purge)
    app.connect("doctree-resolved", resolve)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
