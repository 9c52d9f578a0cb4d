"""The picture of the library is its imports, and each step of the four journeys exists."""

from __future__ import annotations

import re
from pathlib import Path
from pkgutil import resolve_name

import architecture
import pytest
from conftest import ROOT
from rendered import read

TEXT = (ROOT / "book" / "architecture.md").read_text(encoding="utf-8")
LINKED = re.findall(r"\{py:obj\}`(?:~|[\w.]+ <)lessons_lib\.([\w.]+)>?`", TEXT)
ROOMS = ("", ".training", ".course.checks", ".course.assign")
NAMED = re.findall(r"(?<!\})`([a-z_]+(?:\.\w+)+)`", TEXT)


def test_four_journeys_have_a_few_steps_each() -> None:
    cards = TEXT.split("{grid-item-card}")[1:]
    assert [4 <= len(re.findall(r"^\d\. ", card, re.M)) <= 6 for card in cards] == [True] * 4


@pytest.mark.parametrize(
    "name", sorted({*LINKED, *NAMED} - {"pyproject.toml", "lessons_lib.course.assign"})
)
def test_each_step_exists(name: str) -> None:
    assert any(exists(f"lessons_lib{room}.{name}") for room in ROOMS)


def exists(full: str) -> bool:
    try:
        resolve_name(full)
    except (AttributeError, ImportError):
        return False
    return True


def test_rows_and_boxes_are_all_modules() -> None:
    graph = architecture.imports()
    names = [name for row in architecture.rows() for name in row]
    assert sorted(names) == sorted(graph) == sorted(architecture.pages())
    assert "patches" in graph["priors"] and "priors" not in graph["patches"]


def test_the_picture_leads_to_the_pages(pages: Path) -> None:
    boxes = read(pages / "book" / "architecture.html").select(".modules a")
    assert [box["href"] for box in boxes if not box["href"].startswith("library_")] == []
    assert len(boxes) == len(architecture.imports())
