"""The index of results is read off the lessons: boxes, equations, their names and numbers."""

import pytest
import results
from conftest import ROOT
from rendered import read

LESSON = """# A lesson

## The heading

:::{prf:lemma} Equal (Someone)
:label: lem-1
Then

$$
a = b .
$$ (eq-1)
:::

$$
c = d
$$

$$ e = f $$ (eq-2)

:::{prf:proof}
:class: dropdown
$$
g = h
$$ (eq-3)
:::
"""


def test_boxes_and_equations_are_found_with_their_names():
    assert [tuple(result) for result in results.found(LESSON)] == [
        ("lemma", "lem-1", "Equal (Someone)", ""),
        ("equation", "eq-1", "Equal (Someone)", "a = b ."),
        ("equation", "eq-2", "The heading", "e = f"),
        ("equation", "eq-3", "The heading", "g = h"),
    ]


def test_names_are_sorted_without_articles():
    unsorted = ["The slope", "A chain", "Which", "Stein's", "An ascent"]
    named = [(results.Result("theorem", "", name), "") for name in unsorted]
    ordered = [result.name for result, _ in sorted(named, key=results.sorting)]
    assert ordered == ["An ascent", "A chain", "The slope", "Stein's", "Which"]


@pytest.fixture(scope="module")
def index(pages):
    return read(pages / "book" / "results.html")


def test_every_numbered_thing_of_the_book_is_listed_with_its_number(pages, index):
    links = index.select(".results a[href*='#']")
    listed = {a["href"]: a.find_parent("tr").get_text(" ") for a in links}
    there = {}
    for path in sorted((pages / "book").glob("*.html")):
        soup = read(path)
        for made in soup.select("div.proof[id] > .admonition-title > .caption-number"):
            there[f"{path.name}#{made.find_parent('div')['id']}"] = made.get_text(strip=True)
        for made in soup.select("div.math[id] > .eqno"):
            number = made.find(string=True, recursive=False)
            there[f"{path.name}#{made.parent['id']}"] = number
    assert len(there) > 100
    assert set(listed) == set(there)
    wrong = {k: (listed[k], n) for k, n in there.items() if n not in listed[k]}
    assert wrong == {}


def test_tweedie_is_found(index):
    links = [a for a in index.select(".results a") if a.get_text() == "Tweedie’s formula"]
    assert {link["href"].split("#")[0] for link in links} >= {"01_gaussian_score.html"}
    assert (ROOT / "book" / "results.md").read_text(encoding="utf-8").count("{results}") == 4
