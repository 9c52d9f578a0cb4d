"""The map on the cover is read off the lessons, and draws every need once."""

import re

import course_map
import pytest
from conftest import ROOT
from written import BOOK, prose

STEMS = [p.stem for p in sorted((ROOT / "book").glob("*.ipynb")) if not p.stem.endswith("_lab")]
DIAMOND = {"a": set(), "b": {"a"}, "c": {"a"}, "d": {"b", "c"}, "e": {"a", "d"}}


def line(*names):
    return "*Needs:* " + ", ".join(f"a thing ([]({name}.ipynb))" for name in names) + "."


def test_a_need_that_another_covers_is_left_out():
    texts = {"a": "*Needs:* nothing.", "b": line("a"), "c": line("a", "b", "elsewhere")}
    assert course_map.needs(texts) == {"a": set(), "b": {"a"}, "c": {"b"}}


def test_a_lesson_stands_below_all_that_it_needs():
    assert course_map.levels(DIAMOND) == [["a"], ["b", "c"], ["d"], ["e"]]


def test_from_a_row_that_is_too_long_a_lesson_goes_to_the_next():
    row = {letter: {"a"} for letter in "bcdefg"}
    assert course_map.levels({"a": set(), **row, "h": {"b"}}) == [["a"], [*"bdefg"], ["h", "c"]]


def test_a_circle_is_found():
    with pytest.raises(ValueError, match=r"circle: \['a', 'b'\]"):
        course_map.levels({"a": {"b"}, "b": {"a"}, "c": set()})


def graph():
    return course_map.needs({stem: prose(BOOK / f"{stem}.ipynb") for stem in STEMS})


@pytest.mark.parametrize("needs", [DIAMOND, graph()], ids=["diamond", "book"])
def test_boxes_lie_inside_and_apart(needs):
    place, (width, height) = course_map.places(needs), course_map.BOX
    assert set(place) == set(needs)
    boxes = list(place.values())
    assert all(width / 2 <= x <= course_map.WIDTH - width / 2 for x, _ in boxes)
    near = [
        (one, other)
        for i, one in enumerate(boxes)
        for other in boxes[:i]
        if abs(one[0] - other[0]) < width and abs(one[1] - other[1]) < height
    ]
    assert near == []


def test_an_arrow_passes_between_the_boxes_of_a_row():
    step = course_map.ROW
    boxes = [(100.0, 0.0), (100.0, step), (250.0, step), (100.0, 2 * step)]
    points = course_map.route(boxes[0], boxes[3], boxes)
    half = course_map.BOX[0] / 2
    crossed = [x for x, y in points if abs(y - step) <= course_map.BOX[1] / 2]
    assert len(crossed) == 2
    assert all(abs(x - box[0]) > half for x in crossed for box in boxes[1:3])


def test_the_cover_maps_every_lesson_with_its_lab(pages):
    html = (pages / "book" / "index.html").read_text(encoding="utf-8")
    drawn = re.search(r'<div class="course-map">.*?</div>', html, re.S)[0]
    links = re.findall(r'href="(\w+)\.html"', drawn)
    labs = [p.stem for p in (ROOT / "book").glob("*_lab.ipynb") if p.stem[:-4] in STEMS]
    assert sorted(links) == sorted([*STEMS, *labs])
    assert drawn.count('class="edge"') == sum(map(len, graph().values()))


def test_the_table_on_the_cover_names_the_same_needs(pages):
    text = (ROOT / "book" / "index.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\d.]+) \| \[\]\((\w+)\.ipynb\) \|.*\| ([^|]+) \|$", text, re.M)
    number = {stem: no for no, stem, _ in rows}
    assert set(number) == set(STEMS)
    for _, stem, needs in rows:
        wanted = sorted(number[need] for need in graph()[stem])
        assert needs == (", ".join(wanted) or "nothing"), stem
