"""Slides are taken from a built page: one statement, equation or figure each."""

from pathlib import Path

import slides
from bs4 import BeautifulSoup

PAGE = """<article><section id="t"><h1>Name<a class="headerlink">#</a></h1>
<p><strong>Promise.</strong></p>
<section id="at-a-glance"><h2>At a glance</h2><ul><li>Prove it.</li></ul></section>
<section id="part"><h2>Part</h2><div class="proof theorem" id="thm"><p>Theorem 1
<a href="x">(Rule)</a></p><div class="math" id="equation-in">x</div></div>
<details class="sd-dropdown"><div class="math" id="equation-proof">p</div></details>
<div class="math" id="equation-out">y</div>
<figure id="fig-one"><img src="../_images/abc.png" alt="A line"><figcaption>It falls.</figcaption>
</figure></section><section id="setup"><h2>Setup</h2><figure id="fig-no"></figure></section>
</section></article>"""


def test_each_thing_is_a_slide_under_its_heading(tmp_path: Path) -> None:
    made = BeautifulSoup(slides.deck(PAGE, tmp_path / "01_a"), "lxml").select(".slide")
    assert [" ".join(one.get_text(" ").split()) for one in made] == [
        "Name Promise. Prove it.",
        "Part Theorem 1 (Rule) x",
        "Part y",
        "Part It falls.",
    ]
    assert made[3].img.attrs == {"src": "01_a/fig-one.png", "alt": "A line"}
    assert made[1].select("a, [id]") == []


def test_a_lesson_becomes_a_folder_that_needs_nothing_else(pages: Path, tmp_path: Path) -> None:
    target = slides.write(pages, tmp_path, "02_score_matching")
    soup = BeautifulSoup(target.read_text(encoding="utf-8"), "lxml")
    assert len(soup.select(".slide .proof")) >= 4
    pictures = [tag["src"] for tag in soup.select("figure img")]
    assert len(pictures) >= 5
    named = [*pictures, *(tag["href"] for tag in soup.select("link"))]
    assert [
        name for name in named if not name.startswith("data:") and not (tmp_path / name).exists()
    ] == []
