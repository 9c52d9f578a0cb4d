"""Each rule of a lab is seen to reject a lab that breaks it, and so is the reader of labs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import lab_rules as rules
import nbformat
import pytest
from conftest import ROOT
from nbformat import NotebookNode

from lessons_lib.course.assign import Lab, read_lab

SOURCE = ROOT / "book" / "01_gaussian_score_lab.ipynb"
Change = Callable[[NotebookNode], None]


def stored(change: Change, folder: Path) -> Path:
    """Lab 1 with a change, in a file of its name."""
    book = nbformat.read(SOURCE, as_version=4)
    change(book)
    nbformat.write(book, folder / SOURCE.name)
    return folder / SOURCE.name


def tagged(book: NotebookNode, tag: str, number: int = 0) -> NotebookNode:
    return [c for c in book.cells if tag in c.metadata.get("tags", [])][number]


def replaced(tag: str, old: str, new: str, number: int = 0) -> Change:
    def change(book: NotebookNode) -> None:
        cell = tagged(book, tag, number)
        assert old in cell.source
        cell.source = cell.source.replace(old, new)

    return change


def first(old: str, new: str) -> Change:
    def change(book: NotebookNode) -> None:
        assert old in book.cells[0].source
        book.cells[0].source = book.cells[0].source.replace(old, new)

    return change


def removed(tag: str) -> Change:
    return lambda book: book.cells.remove(tagged(book, tag))


def twice(tag: str) -> Change:
    return lambda book: book.cells.insert(
        book.cells.index(tagged(book, tag)), tagged(book, tag).copy()
    )


def without_last_tasks(book: NotebookNode) -> None:
    start = book.cells.index(tagged(book, "exercise", 4))
    del book.cells[start:-2]


def visible(book: NotebookNode) -> None:
    tagged(book, "solution").metadata.tags.remove("hide-cell")


def two_tags(book: NotebookNode) -> None:
    tagged(book, "given").metadata.tags.append("stub")


BROKEN: list[tuple[Callable[[Lab], list[str]], Change]] = [
    (rules.promise, first("# Lab:", "# Exercises:")),
    (rules.promise, first("**", "")),
    (rules.promise, first("*Needs:*", "Needs")),
    (rules.promise, first("about 80 minutes", "about 20 minutes")),
    (rules.order, without_last_tasks),
    (rules.order, replaced("exercise", "## 1.", "## 4.")),
    (rules.order, replaced("exercise", "**Predict**", "**Extend**")),
    (rules.order, replaced("exercise", "## 1. One", "## A\n\n## 1. One")),
    (rules.cells, removed("instructors")),
    (rules.cells, removed("hint")),
    (rules.cells, removed("solution")),
    (rules.cells, twice("stub")),
    (rules.cells, visible),
    (rules.cells, two_tags),
    (rules.cells, replaced("solution", "\n\nchecks.", "\nchecks.")),
    (rules.folds, replaced("hint", '<details class="fold hint">', "<div>")),
    (rules.folds, replaced("instructors", "fold instructors", "fold hint")),
    (rules.names, replaced("check", "one_pixel_denoised", "another")),
    (rules.names, replaced("check", "my_guess", "denoise")),
    (rules.stubs, replaced("stub", "...", "0.82")),
    (rules.stubs, replaced("stub", "return ...", "return y", 1)),
]


@pytest.mark.parametrize(
    ("rule", "change"), BROKEN, ids=[f"{rule.__name__}{k}" for k, (rule, _) in enumerate(BROKEN)]
)
def test_rules_reject(rule: Callable[[Lab], list[str]], change: Change, tmp_path: Path) -> None:
    assert rule(read_lab(stored(change, tmp_path))) != []


def test_each_rule_is_seen_to_reject() -> None:
    assert {rule for rule, _ in BROKEN} == set(rules.RULES)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (replaced("exercise", "## 1. ", ""), "a task needs"),
        (replaced("exercise", "★☆☆", "*"), "a task needs"),
        (replaced("exercise", "**Predict**", "**Guess**"), "a task needs"),
        (replaced("check", "checks.", "check."), "a task needs"),
        (removed("check"), "a task needs"),
        (twice("check"), "a task needs"),
        (removed("exercise"), "before the first exercise"),
    ],
)
def test_what_is_no_lab_is_refused(change: Change, said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=said):
        read_lab(stored(change, tmp_path))


def test_a_lab_is_read() -> None:
    lab = read_lab(SOURCE)
    assert (lab.stem, lab.topic) == ("01_gaussian_score_lab", "gaussian_score")
    task = lab.tasks[1]
    assert (task.number, task.kind, task.stars, task.minutes) == (2, "Derive", 2, 15)
    assert (task.name, task.answer) == ("score_of_a_lognormal", "lognormal_score")
    assert task.objective == "Apply the rule for a change of variables, with its extra term."
    assert [c.source for c in task.tagged("check")] == [f"checks.{task.name}({task.answer})"]
    assert task.name in lab.exercises
