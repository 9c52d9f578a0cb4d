"""The map on the cover: every lesson, what it needs, its minutes and its lab, read off the lessons.

A lesson says in its line *Needs:* which others it builds on. What follows from the rest is left
out, so that an arrow is a need that no other path of arrows covers.
"""

from __future__ import annotations

import html
import re
import textwrap
from itertools import pairwise
from typing import NamedTuple

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective
from written import BOOK, prose

NEEDS = re.compile(r"^\*+Needs:?\*+:?(.*)$", re.M)
LINK = re.compile(r"\((\w+)\.ipynb\)")
MINUTES = re.compile(r"about (\d+) minutes? to read")
WIDTH, BOX, ROW, GAP = 760, (142, 82), 122, 6


class Lesson(NamedTuple):
    """What the map shows of a lesson."""

    stem: str
    number: str
    title: str
    minutes: str
    lab: bool


class CourseMap(nodes.General, nodes.Element):
    """Stands for the map until the pages have their numbers."""


class MapDirective(SphinxDirective):
    """``{course-map}``."""

    def run(self) -> list[nodes.Node]:
        """Leave a mark, and ask to be read again when a lesson changes."""
        for path in BOOK.glob("*.ipynb"):
            self.env.note_dependency(str(path))
        return [CourseMap()]


def needs(texts: dict[str, str]) -> dict[str, set[str]]:
    """The lessons that each one names, without those that another of them needs already."""
    return reduced({s: set(LINK.findall(_line(words))) & set(texts) for s, words in texts.items()})


def reduced(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Leave out what follows from the rest."""

    def all_of(name: str) -> set[str]:
        return graph[name].union(*(all_of(other) for other in graph[name]))

    return {
        name: direct - set().union(*(all_of(other) for other in direct))
        for name, direct in graph.items()
    }


def _line(words: str) -> str:
    found = NEEDS.search(words)
    return found[1] if found else ""


def levels(graph: dict[str, set[str]]) -> list[list[str]]:
    """Rows of the map: a lesson stands below everything that it needs.

    From a row that is too long, lessons that no other needs go to the next.
    """
    depth: dict[str, int] = {}
    while len(depth) < len(graph):
        ready = {s for s in graph if s not in depth and graph[s] <= set(depth)}
        if not ready:
            raise ValueError(
                f"lessons need each other in a circle: {sorted(set(graph) - {*depth})}"
            )
        depth |= {s: max((depth[n] + 1 for n in graph[s]), default=0) for s in ready}
    rows = [[s for s in graph if depth[s] == row] for row in range(max(depth.values()) + 1)]
    needed = set().union(*graph.values())
    for row, below in pairwise(rows):
        free = [stem for stem in row if stem not in needed]
        for stem in free[: max(len(row) - int(WIDTH // (BOX[0] + GAP)), 0)]:
            row.remove(stem)
            below.append(stem)
    return rows


def places(graph: dict[str, set[str]]) -> dict[str, tuple[float, float]]:
    """Centre of each box: below what it needs in the row above, as far as its own row allows."""
    place: dict[str, tuple[float, float]] = {}
    for row, stems in enumerate(levels(graph)):
        y = row * ROW + BOX[1] / 2 + GAP
        above = {s: [place[n][0] for n in graph[s] if place[n][1] == y - ROW] for s in stems}
        above = {s: near or [place[n][0] for n in graph[s]] for s, near in above.items()}
        middle = {s: sum(above[s]) / len(above[s]) if row else WIDTH / 2 for s in stems}
        ordered = sorted(stems, key=lambda s: (middle[s], stems.index(s)))
        wanted = [middle[s] for s in ordered]
        if any(b - a < BOX[0] + GAP for a, b in pairwise(wanted)):
            wanted = [WIDTH * (i + 0.5) / len(ordered) for i in range(len(ordered))]
        if len(ordered) == 2 and wanted[1] - wanted[0] > WIDTH / 2.5:
            wanted = [0.3 * WIDTH, 0.7 * WIDTH]
        place |= {stem: (x, y) for stem, x in zip(ordered, wanted, strict=True)}
    return place


def draw(lessons: list[Lesson], graph: dict[str, set[str]]) -> str:
    """Return the map as svg: arrows first, so that boxes lie over them."""
    place = places(graph)
    height = max(y for _, y in place.values()) + BOX[1] / 2 + GAP
    arrows = "".join(
        arrow(route(place[need], place[stem], list(place.values())))
        for stem in graph
        for need in sorted(graph[stem])
    )
    boxes = "".join(_box(lesson, *place[lesson.stem]) for lesson in lessons)
    label = "Map of the lessons: an arrow leads from a lesson to those that need it."
    return (
        f'<div class="course-map"><svg viewBox="0 0 {WIDTH} {height:.0f}" role="group" '
        f'aria-label="{label}"><g aria-hidden="true">{arrows}</g>{boxes}</svg></div>'
    )


def route(
    start: tuple[float, float],
    end: tuple[float, float],
    boxes: list[tuple[float, float]],
    size: tuple[float, float] = BOX,
) -> list[tuple[float, float]]:
    """Points of an arrow from box to box; it passes each row between them through a gap."""
    (x1, y1), (x2, y2), (width, height) = start, end, size
    points = [(x1, y1 + height / 2)]
    for y in sorted({box[1] for box in boxes if y1 < box[1] < y2}):
        row = sorted(x for x, other in boxes if other == y)
        edge = (width + GAP) / 2
        gaps = [row[0] - edge, *((a + b) / 2 for a, b in pairwise(row)), row[-1] + edge]
        gap = min(gaps, key=lambda x: abs(x - (x1 + x2) / 2))
        points += [(gap, y - height / 2), (gap, y + height / 2)]
    return [*points, (x2, y2 - height / 2 - 7)]


def arrow(points: list[tuple[float, float]]) -> str:
    """Return the svg of an arrow through ``points``."""
    path = "M{:.0f} {:.0f}".format(*points[0])
    for (x1, y1), (x2, y2) in pairwise(points):
        half = (y1 + y2) / 2
        path += f"C{x1:.0f} {half:.0f} {x2:.0f} {half:.0f} {x2:.0f} {y2:.0f}"
    x, y = points[-1]
    return f'<path class="edge" d="{path}"/><path class="tip" d="M{x:.0f} {y + 6:.0f}l-4.5-8h9z"/>'


def _box(lesson: Lesson, x: float, y: float) -> str:
    left, top = x - BOX[0] / 2, y - BOX[1] / 2
    lines = textwrap.wrap(lesson.title.partition(":")[0], 21)[:3]
    words = "".join(
        f'<tspan x="{left + 10:.0f}" y="{top + 38 + 15 * i:.0f}">{html.escape(line)} </tspan>'
        for i, line in enumerate(lines)
    )
    box = (
        f'<a href="{lesson.stem}.html"><rect class="box" x="{left:.0f}" '
        f'y="{top:.0f}" width="{BOX[0]}" height="{BOX[1]}" rx="8"/><text class="num" '
        f'x="{left + 10:.0f}" y="{top + 20:.0f}">{lesson.number or "Start here"} </text><text '
        f'class="minutes" x="{left + BOX[0] - 10:.0f}" y="{top + 20:.0f}">{lesson.minutes} min '
        f'</text><text class="title">{words}</text></a>'
    )
    return box + (_lab(lesson, left, top) if lesson.lab else "")


def _lab(lesson: Lesson, left: float, top: float) -> str:
    x, y = left + BOX[0] - 40, top + BOX[1] - 10
    return (
        f'<a class="lab" href="{lesson.stem}_lab.html" aria-label="lab of {lesson.number}">'
        f'<rect x="{x:.0f}" y="{y:.0f}" width="34" height="20" rx="10"/>'
        f'<text x="{x + 17:.0f}" y="{y + 14.5:.0f}">lab</text></a>'
    )


def lessons(env: BuildEnvironment, texts: dict[str, str]) -> list[Lesson]:
    """The lessons of the book, in its order."""
    made = []
    for stem, words in texts.items():
        title = env.titles[f"book/{stem}"]
        number = ".".join(map(str, title.get("secnumber") or ()))
        minutes = MINUTES.search(words)
        lab = f"book/{stem}_lab" in env.found_docs
        made.append(Lesson(stem, number, title.astext(), minutes[1] if minutes else "", lab))
    return made


def resolve(app: Sphinx, document: nodes.document, page: str) -> None:
    """Draw the map where the page asks for it."""
    for mark in list(document.findall(CourseMap)):
        stems = sorted(name.removeprefix("book/") for name in app.env.found_docs)
        stems = [s for s in stems if s[:2].isdigit() and not s.endswith("_lab")]
        texts = {stem: prose(BOOK / f"{stem}.ipynb") for stem in stems}
        svg = draw(lessons(app.env, texts), needs(texts)) if texts else ""  # a book of labs only
        mark.replace_self(nodes.raw("", svg, format="html"))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_node(CourseMap)
    app.add_directive("course-map", MapDirective)
    app.connect("doctree-resolved", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
