"""The rendered pages: links, anchors, pictures and formulas resolve, and nothing needs a network.

Each rule goes from a page to a list of complaints, and is seen to reject a broken page.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urldefrag

import nbformat
import pytest
from bs4 import Tag
from conftest import ROOT
from lesson_rules import claims
from public_names import public
from rendered import read

LARGEST_PAGE = 3_000_000
LARGEST_SITE = 60_000_000
REMOTE = re.compile(r"(?:https?:)?//", re.I)
SOURCE_MARKS = re.compile(r"\{(?:eq|numref|ref|prf:ref|doc|cite\w*|glue\w*:?\w*|term)\}`|\$\$|:::")
NAMES = sorted(p.stem for p in (ROOT / "book").iterdir() if p.suffix in {".md", ".ipynb"})


def targets(page: Path) -> Iterator[tuple[str, Path, str]]:
    """Each local address on a page: as written, the file it means, and the anchor in it."""
    for tag in read(page).find_all(True):
        for name in ("href", "src"):
            address = tag.get(name, "")
            if address and not re.match(r"[a-z][a-z0-9+.-]*:|//", address, re.I):
                where, anchor = urldefrag(address)
                where = unquote(where.split("?")[0])
                yield address, (page.parent / where).resolve() if where else page, unquote(anchor)


def links(page: Path) -> list[str]:
    """Every local address leads to a file, and every anchor to an id in it."""
    found = []
    for address, file, anchor in targets(page):
        if not file.exists():
            found.append(f"{address} leads nowhere")
        elif anchor and file.suffix == ".html" and anchor not in anchors(file):
            found.append(f"{address} has no such anchor")
    return found


@cache
def anchors(page: Path) -> set[str]:
    """Every place of a page to which an address can lead."""
    names = {tag["name"] for tag in read(page).find_all("a", attrs={"name": True})}
    return names | {tag["id"] for tag in read(page).find_all(id=True)}


def offline(page: Path) -> list[str]:
    """No script, style, font or picture comes from elsewhere."""
    loads = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src"}
    found = [
        f"<{tag.name}> loads {tag[loads[tag.name]]}"
        for tag in read(page).find_all(list(loads))
        if REMOTE.match(tag.get(loads[tag.name], ""))
    ]
    for tag in read(page).find_all("link", href=REMOTE):
        if set(tag.get("rel", [])) & {"stylesheet", "preload", "icon", "preconnect", "prefetch"}:
            found.append(f"<link> loads {tag['href']}")
    if "THEBE_JS_URL" in page.read_text(encoding="utf-8"):
        found.append("declares THEBE_JS_URL")
    return found


def pictures(page: Path) -> list[str]:
    """Each picture of the text has words, and each figure made by code a caption."""
    found = []
    for image in article(page).find_all("img"):
        if not image.get("alt", "").strip() and image.get("role") != "presentation":
            found.append(f"no alternative text: {image.get('src', '')[:60]}")
        output = image.find_parent(class_="cell_output")
        if output and not (image.find_parent("figure") or Tag(name="x")).find("figcaption"):
            found.append(f"no caption: {image.get('src', '')[:60]}")
    return found


def article(page: Path) -> Tag:
    """The part of a page that its author wrote."""
    return read(page).find("article") or read(page)


def one_title(page: Path) -> list[str]:
    """One first-level heading, no level skipped, a language, and no id twice."""
    levels = [int(tag.name[1]) for tag in article(page).find_all(re.compile(r"^h[1-6]$"))]
    found = [] if levels.count(1) == 1 else [f"{levels.count(1)} titles"]
    steps = itertools.pairwise(levels)
    found += [f"h{a} is followed by h{b}" for a, b in steps if b > a + 1]
    if not (read(page).html or {}).get("lang"):
        found.append("no language")
    count = Counter(tag["id"] for tag in read(page).find_all(id=True))
    return found + [f"the id {name} is there {n} times" for name, n in count.items() if n > 1]


def rendered(page: Path) -> list[str]:
    """No mark of the source is left in the text: roles, directives, dollars, errors."""
    found = []
    for text in article(page).find_all(string=SOURCE_MARKS):
        if not text.find_parent(["code", "pre", "script", "style"]) and not in_math(text):
            found.append(f"left in the text: {str(text).strip()[:60]!r}")
    problems = article(page).find_all(class_=["problematic", "system-message", "error"])
    return found + [f"an error in the page: {tag.get_text()[:60]!r}" for tag in problems]


def in_math(text: object) -> bool:
    return text.find_parent(class_="math") is not None


def formulas(page: Path) -> list[str]:
    """Each formula is typeset, keeps its source, and waits for no script."""
    boxes = article(page).find_all(class_="math")
    missing = [box for box in boxes if not box.select("math[alttext]") or box.find("merror")]
    return [f"not typeset: {box.get_text()[:60]}" for box in missing]


def size(page: Path) -> list[str]:
    """A page opens on a phone."""
    weight = page.stat().st_size
    return [] if weight <= LARGEST_PAGE else [f"{weight} bytes, wanted at most {LARGEST_PAGE}"]


def tables(page: Path) -> list[str]:
    """Every table names its columns or its rows."""
    found = []
    for table in article(page).find_all("table"):
        heads = table.find_all("th")
        if not heads or any(not head.get_text(strip=True) for head in heads):
            found.append(f"a table without heads: {table.get_text(' ', strip=True)[:60]!r}")
    return found


RULES = [links, offline, pictures, tables, one_title, rendered, formulas, size]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_page(pages: Path, name: str, rule: Callable[[Path], list[str]]) -> None:
    assert rule(pages / "book" / f"{name}.html") == []


def test_the_first_page_leads_into_the_book(pages: Path) -> None:
    assert links(pages / "index.html") == []
    assert "book/index.html" in (pages / "index.html").read_text(encoding="utf-8")


def test_the_site_fits_on_any_stick(pages: Path) -> None:
    assert sum(p.stat().st_size for p in pages.rglob("*") if p.is_file()) < LARGEST_SITE


def test_styles_load_nothing_from_elsewhere(pages: Path) -> None:
    remote = re.compile(r"(?:@import\s+|url\()\s*[\"']?(?:https?:)?//", re.I)
    sheets = [p for p in pages.rglob("*.css") if remote.search(p.read_text(encoding="utf-8"))]
    assert sheets == []


def test_pages_are_searchable(pages: Path) -> None:
    index = (pages / "searchindex.js").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"book/{name}" not in index] == []


def test_every_public_name_of_the_library_has_its_docstring_in_the_book(pages: Path) -> None:
    found = set()
    for page in (pages / "book").glob("library_*.html"):
        found |= {tag["id"] for tag in read(page).select("dl.py > dt[id]")}
    names = list(public())
    assert len(names) > 200
    assert {".".join(name) for name in names} - found == set()


def test_the_claims_page_lists_what_the_lessons_print(pages: Path) -> None:
    lessons = sorted(p for p in (ROOT / "book").glob("*.ipynb") if not p.stem.endswith("_lab"))
    printed = [text for p in lessons for text in claims(nbformat.read(p, as_version=4))]
    rows = article(pages / "book" / "claims.html").select("table.claims tbody tr")
    assert [" ".join(row.find("a").get_text().split()) for row in rows] == printed


HEAD = '<html lang="en"><script src="a.js"></script><article><h1 id="t">T</h1>'
FIGURE = '<div class="cell_output"><figure><img src="p.png" alt="A line">{}</figure></div>'


@pytest.mark.parametrize(
    ("rule", "body"),
    [
        (links, '<a href="nowhere.html">x</a>'),
        (links, '<a href="#nowhere">x</a>'),
        (links, '<a href="other.html#nowhere">x</a>'),
        (links, '<img src="missing.png" alt="x">'),
        (offline, '<script src="https://cdn.org/a.js"></script>'),
        (offline, '<link rel="stylesheet" href="//cdn.org/a.css">'),
        (offline, '<img src="http://a.org/p.png" alt="x">'),
        (offline, "<script>const THEBE_JS_URL = 1</script>"),
        (pictures, '<img src="p.png">'),
        (pictures, '<img src="p.png" alt=" ">'),
        (pictures, FIGURE.format("")),
        (tables, "<table><tr><td>1</td></tr></table>"),
        (tables, "<table><tr><th> </th><td>1</td></tr></table>"),
        (one_title, "<h1>Another</h1>"),
        (one_title, "<h3>Deep</h3>"),
        (one_title, '<p id="t">again</p>'),
        (rendered, "<p>see {eq}`a`</p>"),
        (rendered, "<p>so $$ x $$ holds</p>"),
        (rendered, '<span class="problematic">x</span>'),
        (formulas, '<span class="math">x</span>'),
    ],
)
def test_rules_reject(rule: Callable[[Path], list[str]], body: str, tmp_path: Path) -> None:
    assert rule(broken(tmp_path, body))


def broken(folder: Path, body: str) -> Path:
    """A page with one more element, beside another page, a script and a picture."""
    for name in ("a.js", "p.png"):
        (folder / name).touch()
    (folder / "other.html").write_text('<h1 id="there">Other</h1>', encoding="utf-8")
    page = folder / "page.html"
    page.write_text(f"{HEAD}{body}</article></html>", encoding="utf-8")
    return page


def test_a_good_page_passes(tmp_path: Path) -> None:
    body = (
        '<h2>Part</h2><a href="other.html#there">x</a><a href="#t">t</a>'
        '<a href="https://doi.org/1">source</a><code>{eq}`a` and $$</code>'
        + FIGURE.format("<figcaption>So it falls.</figcaption>")
    )
    page = broken(tmp_path, body)
    assert {rule.__name__: rule(page) for rule in RULES if rule(page)} == {}


def test_a_heavy_page_is_found(tmp_path: Path) -> None:
    assert size(broken(tmp_path, "x" * LARGEST_PAGE))
