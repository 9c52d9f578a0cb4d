"""The book: every lesson has its anatomy, and the pages are those of the table of contents.

The second half sees each rule reject a lesson that breaks it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import lesson_rules as rules
import nbformat
import pytest
import yaml
from conftest import ROOT
from nbformat import NotebookNode
from toy_lesson import code, figure, glued, lesson, said

from lessons_lib.course.notebooks import problems

BOOK = ROOT / "book"
NOTEBOOKS = sorted(BOOK.glob("*.ipynb"))
LESSONS = [path for path in NOTEBOOKS if not path.stem.endswith("_lab")]
LABS = [path for path in NOTEBOOKS if path.stem.endswith("_lab")]
LAYOUT = [rules.line_length, rules.plain_code]
TEXTS = sorted(
    path
    for pattern in ("*.md", "*.yml", "*.toml", "book/*", "book/_static/*.*", "lessons_lib/**/*.py")
    for path in ROOT.glob(pattern)
    if path.is_file() and path.suffix != ".png"
)


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def stem(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", LESSONS, ids=stem)
def test_anatomy(path: Path, rule: Callable[[NotebookNode], list[str]]) -> None:
    assert rule(read(path)) == []


@pytest.mark.parametrize("rule", LAYOUT, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", LABS, ids=stem)
def test_layout_of_labs(path: Path, rule: Callable[[NotebookNode], list[str]]) -> None:
    assert rule(read(path)) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=stem)
def test_executed_in_order_and_quiet(path: Path) -> None:
    assert problems(read(path)) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=stem)
def test_size(path: Path) -> None:
    assert path.stat().st_size <= rules.LARGEST_FILE


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_machine_path(path: Path) -> None:
    assert list(rules.machine_paths(path.read_text(encoding="utf-8"))) == []


def test_claims_are_unique_across_the_book() -> None:
    count = Counter(text for path in LESSONS for text in rules.claims(read(path)))
    assert [text for text, times in count.items() if times > 1] == []


def listed(toc: dict) -> list[str]:
    """Every page that a table of contents names."""
    pages = [toc["root"]] if "root" in toc else []
    for part in toc.get("parts", []):
        pages += listed(part)
    for chapter in [*toc.get("chapters", []), *toc.get("sections", [])]:
        pages += [chapter["file"], *listed(chapter)]
    return pages


def test_toc_and_files_agree() -> None:
    pages = listed(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))
    files = [p for p in BOOK.iterdir() if p.suffix in {".md", ".ipynb"}]
    assert sorted(pages) == sorted(f"book/{p.stem}" for p in files)
    chapters = [page for page in pages if page[5:7].isdigit()]
    order = sorted(chapters, key=lambda page: (page[5:7], page.endswith("_lab"), page))
    assert chapters == order, "chapters are in the order of their numbers, labs at their end"


# What the rules reject: each entry breaks the toy lesson in one way.


def edited(index: int, old: str, new: str) -> NotebookNode:
    """The toy with ``old`` replaced by ``new`` in one cell."""
    book = lesson()
    assert old in book.cells[index].source
    book.cells[index].source = book.cells[index].source.replace(old, new)
    return book


def replaced(index: int, *cells: NotebookNode) -> NotebookNode:
    book = lesson()
    book.cells[index : index + 1 or None] = cells
    return book


def added(*cells: NotebookNode) -> NotebookNode:
    """The toy with cells before the last heading."""
    book = lesson()
    book.cells[-2:-2] = cells
    return book


def changed(index: int, change: Callable[[NotebookNode], object]) -> NotebookNode:
    book = lesson()
    change(book.cells[index])
    return book


def without(text: str) -> NotebookNode:
    book = lesson()
    for cell in book.cells:
        cell.source = cell.source.replace(text, "")
    return book


BROKEN = [
    (rules.order, edited(5, "A question", "The question")),
    (rules.order, edited(3, "Setup", "Imports")),
    (rules.order, without("## The second idea\n\n")),
    (rules.order, edited(0, "# A toy", "# A toy\n\n# Another title")),
    (rules.promise, edited(0, "**", "")),
    (rules.promise, replaced(1)),
    (rules.imported, added(code("import math", tags=["hide-input"]), code("y = math.pi"))),
    (rules.self_contained, added(code('table = open("_data/table.json").read()'))),
    (rules.self_contained, added(code('table = Path("_data/table.json").read_text()'))),
    (rules.setup, replaced(4, code("import math"), code("import torch"))),
    (rules.line_length, added(code("x = 1" + "  # long" * 11))),
    (rules.line_length, added(code("x = 1" + "  # long" * 14, tags=["hide-input"]))),
    (rules.plain_code, added(code("square = lambda x: x**2"))),
    (rules.plain_code, added(code("f, g = lambda x: x, lambda x: -x"))),
    (rules.plain_code, added(code("_ = [print(x) for x in range(3)]"))),
    (rules.reading_time, edited(2, " minutes to read", "0 minutes to read")),
    (rules.reading_time, edited(2, "{glue:text}`wall_seconds`", "20")),
    (rules.reading_time, edited(2, "*Needs:*", "Needs")),
    (rules.objectives, edited(2, "- Prove the second thing\n", "")),
    (rules.figures, changed(1, lambda c: c.metadata.pop("tags"))),
    (rules.figures, changed(1, lambda c: c.metadata.mystnb.pop("image"))),
    (rules.figures, changed(1, lambda c: c.metadata.mystnb.pop("figure"))),
    (rules.figures, changed(1, lambda c: c.metadata.mystnb.figure.update(caption="Short."))),
    (rules.figures, added(figure("fig-99-unmentioned"))),
    (rules.interactive, without("## Try it")),
    (rules.glue_keys, edited(2, "{glue:text}`value`", "{glue:text}`value` {glue:text}`other`")),
    (rules.glue_keys, added(code("glue('value', '2')", glued("value", "2")))),
    (rules.glue_keys, added(code("glue('idle', '2')", glued("idle", "2")))),
    (rules.enough_claims, changed(7, lambda c: c.update(outputs=[]))),
    (rules.enough_claims, added(code("assert 1 == 1"))),
    (rules.executed, changed(7, lambda c: c.update(outputs=[]))),
    (rules.claimed_numbers, added(code("x", said("✓ It gains 3.5 decibels here: 2.9 > 2\n")))),
    (rules.claimed_numbers, added(code("x", said("✓ It gains seven decibels here: 8 > 6\n")))),
    (rules.claimed_numbers, added(code("x", said("✓ Off by three percent: 0.05 < 0.05\n")))),
    (rules.enough_claims, added(code("claim()", said("✓ It ends with a dot.: 1 < 2\n")))),
    (rules.enough_claims, added(code("claim()", said("✓ fine: 1 < 2\n")))),
    (rules.explicit_randomness, added(code("torch.manual_seed(0)"))),
    (rules.explicit_randomness, added(code("x = torch.randn(3)"))),
    (rules.predicted, without("**Predict before you run.**")),
    (rules.predicted, without("(eq-99-score)")),
    (rules.self_check, without(":::{self-check}")),
    (rules.reproducible, changed(-1, lambda c: c.metadata.pop("tags"))),
    (rules.reproducible, replaced(-1)),
    (rules.typed_numbers, edited(5, "words", "words and 0.031 errors")),
]


def test_the_toy_lesson_is_right() -> None:
    assert {rule.__name__: rule(lesson()) for rule in rules.RULES if rule(lesson())} == {}


@pytest.mark.parametrize(
    ("rule", "book"), BROKEN, ids=[f"{rule.__name__}{k}" for k, (rule, _) in enumerate(BROKEN)]
)
def test_rules_reject(rule: Callable[[NotebookNode], list[str]], book: NotebookNode) -> None:
    assert rule(book) != []


@pytest.mark.parametrize("tags", [[], ["hide-input"]], ids=["visible", "folded"])
def test_a_line_may_be_as_long_as_its_page_shows(tags: list[str]) -> None:
    longest = rules.LONGEST_FOLDED_LINE if tags else rules.LONGEST_LINE
    row = "x = 1  # ".ljust(longest, "-")
    assert rules.line_length(added(code(row, tags=tags))) == []
    assert rules.line_length(added(code(row + "-", tags=tags))) != []


def test_each_rule_is_seen_to_reject() -> None:
    assert {rule for rule, _ in BROKEN} == set(rules.RULES)


@pytest.mark.parametrize("path", ["/home/ann/x.py", "see /tmp/run1/a", "'/Users/b/c'", "/mnt/x/y"])
def test_machine_paths_are_found(path: str) -> None:
    assert list(rules.machine_paths(f"fine\n{path}\n"))


@pytest.mark.parametrize(
    "text", ["https://a.org/home/x", "a/tmp/b", "and/or", "../home/a", "</var>"]
)
def test_other_slashes_are_no_machine_path(text: str) -> None:
    assert list(rules.machine_paths(text)) == []
