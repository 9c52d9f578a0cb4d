"""The printed book: pages in order, ids of their own, links that lead inside, a link when fresh."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import browser
import gather
import pytest
import whole_book
from bs4 import BeautifulSoup
from conftest import ROOT

PAGE = """<!doctype html><html lang="en"><link rel="stylesheet" href="../_static/a.css?v=1">
<script src="../_static/a.js"></script><main>
<article class="bd-article"><h1 id="t">{title}<a class="headerlink" href="#t">#</a></h1>
<p>A promise.</p><img class="hero" src="../_static/a.png" alt="A"><h2 id="two">More</h2>{body}
<script>1</script><div class="meanings" hidden>hidden</div></article></main>{onward}</html>"""
PLAYER = """<figure class="lesson-player"><img src="data:," alt="a"><div class="controls" hidden>
<button>Play</button></div><figcaption>A caption</figcaption></figure>"""
BODY = """<p><a href="two.html#two">there</a> <a href="two.html">page</a> <a href="#two">here</a>
<a href="../search.html">search</a> <a href="https://a.org">out</a></p>"""
FOLDED = """<details class="fold proof"><summary>Proof</summary>It is so.</details>
<div class="cell tag_hide-input"><details class="hide"><summary>S</summary>draw()</details></div>
<div class="cell tag_solution"><details class="hide"><summary>S</summary>42</details></div>"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Two small pages, the first of which leads to the second."""
    for folder in ("book", "_static"):
        (tmp_path / folder).mkdir()
    for name in ("a.css", "a.js", "a.png", "logo.svg"):
        (tmp_path / "_static" / name).touch()
    onward = '<a class="right-next" href="two.html">next</a>'
    one = PAGE.format(title="The “book”", body=BODY, onward=onward)
    two = PAGE.format(title="1. Two", body=PLAYER + FOLDED, onward="")
    (tmp_path / "book" / "index.html").write_text(one, encoding="utf-8")
    (tmp_path / "book" / "two.html").write_text(two, encoding="utf-8")
    return tmp_path


def one_page(site: Path) -> BeautifulSoup:
    here = site / "pdf"
    here.mkdir()
    return BeautifulSoup(gather.gather(site, here, "p {}"), "html.parser")


def test_pages_come_in_reading_order_with_ids_of_their_own(site: Path) -> None:
    made = one_page(site)
    assert [a["id"] for a in made.select("article")] == ["page-index", "page-two"]
    ids = [tag["id"] for tag in made.find_all(id=True)]
    assert len(ids) == len(set(ids))
    assert {"index--two", "two--two"} <= set(ids)
    assert [a.get_text() for a in made.select(".contents a")] == ["1. Two"]


def test_links_lead_inside_or_out_and_never_to_other_files(site: Path) -> None:
    hrefs = [a.get("href") for a in one_page(site).select("article p a")]
    assert hrefs == ["#two--two", "#page-two", "#index--two", None, "https://a.org"]


def test_what_is_folded_opens_and_what_moves_stands(site: Path) -> None:
    made = one_page(site)
    assert made.select_one("details.fold").has_attr("open")
    assert "draw()" not in made.get_text()
    assert made.select_one("details.hide[open]").get_text() == "Solution42"
    assert made.select("script, .meanings, .controls, .headerlink, button") == []
    assert made.select_one(".lesson-player figcaption").get_text() == "A caption"


def test_files_are_found_from_where_the_page_is(site: Path) -> None:
    made = one_page(site)
    files = [t.get("src") or t.get("href") for t in made.select("img, link")]
    missing = [f for f in files if not f.startswith("data:") and not (site / "pdf" / f).exists()]
    assert len(files) > 5
    assert missing == []


def test_it_prints_with_bookmarks_numbers_and_links(site: Path) -> None:
    import pikepdf

    browser.require()
    script = ROOT / "book" / "_tools" / "print_book.py"
    words = [sys.executable, script, site, site / "pdf"]
    done = subprocess.run(
        words, capture_output=True, encoding="utf-8", env=os.environ | {"LANG": "C"}
    )
    assert done.returncode == 0, done.stderr
    assert "4 pages" in done.stdout
    with pikepdf.open(site / "pdf" / whole_book.NAME) as book:
        assert book.docinfo["/Title"] == "The “book”"
        assert len(book.pages) == 4
        with book.open_outline() as outline:
            assert [i.title for i in outline.root] == ["Contents", "The “book”", "1. Two"]
        links = [str(a.get("/Dest", "")) for p in book.pages for a in p.get("/Annots", [])]
        assert {"/page-two", "/two--two", "/index--two"} <= set(links)
        assert {link[1:] for link in links if link} <= {name[1:] for name in book.Root.Dests}
    assert whole_book.fresh(site / "pdf") == site / "pdf" / whole_book.NAME
    assert not (site / "pdf" / "whole.html").exists()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "a.md").write_text("# A", encoding="utf-8")
    (tmp_path / "pdf").mkdir()
    pdf = tmp_path / "pdf" / whole_book.NAME
    pdf.write_bytes(b"%PDF")
    whole_book.marker(pdf).write_text(f"{whole_book.stamp(tmp_path)} 12\n", encoding="utf-8")
    return tmp_path


def test_a_book_that_changed_after_printing_is_not_linked(project: Path) -> None:
    assert whole_book.fresh(project / "pdf", project)
    (project / "book" / "a.md").write_text("# B", encoding="utf-8")
    assert whole_book.fresh(project / "pdf", project) is None
    (project / "pdf" / whole_book.NAME).unlink()
    assert whole_book.fresh(project / "pdf", project) is None


@pytest.mark.parametrize("printed", [True, False])
def test_the_cover_links_to_what_is_there(
    project: Path, printed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pdf = project / "pdf" / whole_book.NAME if printed else None
    monkeypatch.setattr(whole_book, "fresh", lambda folder: pdf)
    app = SimpleNamespace(outdir=str(project / "html"), builder=SimpleNamespace(format="html"))
    (project / "html").mkdir()
    whole_book.bring(app, None)
    assert (project / "html" / whole_book.NAME).exists() == printed
    if printed:
        made = directive(app).run()
        assert made[0].children[1]["refuri"] == f"../{whole_book.NAME}"
        assert "12 pages" in made[0].astext()
    else:
        assert directive(app).run() == []


def directive(app: SimpleNamespace) -> whole_book.WholeBook:
    env = SimpleNamespace(app=app, docname="book/index", note_reread=lambda: None)
    made = object.__new__(whole_book.WholeBook)
    settings = SimpleNamespace(env=env)
    made.state = SimpleNamespace(document=SimpleNamespace(settings=settings))
    return made
