"""The search: twenty words, each with the place that a reader means; excerpts hold no source."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import browser as chromium
import built
import finder
import pytest
import spoken

WANTED = {
    "DDPM": "book/03_noise_conditional_diffusion.html#thm-03-reverse",
    "MRI": "book/glossary.html#term-zero-filled",
    "Tweedie": "book/glossary.html#term-Tweedie-s-formula",
    "tweedies formula": "book/glossary.html#term-Tweedie-s-formula",
    "score": "book/glossary.html#term-score",
    "patches": "book/glossary.html#term-patch",
    "TV": "book/glossary.html#term-total-variation",
    "2×1": "book/04_tv_patch.html",
    "Hyvarinen": "book/02_score_matching.html#thm-02-hyvarinen",
    "Vincent": "book/02_score_matching.html#thm-02-vincent",
    "Langevin": "book/glossary.html#term-Langevin-dynamics",
    "MCMC": "book/glossary.html#term-Langevin-dynamics",
    "PSNR": "book/glossary.html#term-PSNR",
    "normalizing constant": "book/glossary.html#term-partition-function",
    "overfitting": "book/glossary.html#term-memorisation",
    "tomography": "book/glossary.html#term-filtered-back-projection",
    "Fokker Planck": "book/03_noise_conditional_diffusion.html#thm-03-fokker",
    "boundary term": "book/glossary.html#term-boundary-term",
    "U-Net": "book/library_scores.html#lessons_lib.networks.UNet",
    "something goes wrong": "book/trouble.html",
    "photograph": "book/00_tour.html",
}
LARGEST = 900_000
SOURCE = ("\\", "$", "{cite", "{term", "import ", "claim(")
ASK = """query => {
  document.getElementById("search-results").replaceChildren();
  Search.performSearch(query);
}"""
READ = """() => [...document.querySelectorAll("#search-results ul.search > li")].map(hit => [
  hit.querySelector("a").getAttribute("href"), hit.querySelector(".context")?.textContent ?? ""])"""


@pytest.fixture(scope="module")
def visit(pages: Path) -> Iterator[chromium.Visit]:
    with chromium.launched() as browser:
        with chromium.opened(browser, (pages / "search.html").as_uri()) as opened:
            yield opened


def hits(visit: chromium.Visit, query: str) -> list[tuple[str, str]]:
    visit.page.evaluate(ASK, query)
    assert visit.errors + visit.left == []
    return visit.page.evaluate(READ)


@pytest.mark.parametrize("query", WANTED)
def test_the_first_hit_is_the_place_that_is_meant(visit: chromium.Visit, query: str) -> None:
    found = hits(visit, query)
    assert found[0][0] == WANTED[query]
    assert [text for _, text in found if any(mark in text for mark in SOURCE)] == []


def test_nothing_is_said_to_be_nothing(visit: chromium.Visit) -> None:
    assert hits(visit, "xylophone") == []
    assert "Nothing in the book" in visit.page.locator(".search-summary").text_content()


def test_each_synonym_leads_somewhere(visit: chromium.Visit) -> None:
    table = json.loads(finder.SYNONYMS.read_text(encoding="utf-8"))
    ways = sorted({way for means in table.values() for way in means})
    assert [way for way in ways if not hits(visit, way)] == []


def test_the_index_opens_on_a_phone(pages: Path) -> None:
    assert (pages / "_static" / "places.js").stat().st_size < LARGEST


PAGE = """<article><section id="a"><h1>Name<a class="headerlink">#</a></h1><p>Promise.</p>
<dl class="glossary"><dt id="term-w">word</dt><dd><p>Its sense.</p></dd></dl>
<section id="b"><h2>Part</h2><p>Text <span class="math">\\(\\sigma^2\\)</span>.</p>
<div class="cell_input">code</div>
<div class="proof theorem admonition" id="thm"><p class="admonition-title"><span
class="caption-number">Theorem 1 </span> (Rule)</p><section>So it is.
<div class="math" id="equation-e"><span class="eqno">(1)</span>\\[x_0\\]</div></section></div>
</section></section></article>"""


def test_a_page_is_read_into_places() -> None:
    assert [tuple(place) for place in finder.places(built.article(PAGE))] == [
        ("word", "word", "term-w", "Its sense."),
        ("result", "Rule: Theorem 1", "thm", "So it is. x₀"),
        ("equation", "Rule: Theorem 1 (1)", "equation-e", "x₀"),
        ("heading", "Part", "b", "Text σ²."),
        ("page", "Name", "", "Promise."),
    ]


@pytest.mark.parametrize(
    ("tex", "said"),
    [
        (r"\sigma^2", "σ²"),
        (r"\mathbb E[x_0 \mid x]", "E[x₀ | x]"),
        (r"\tfrac12\,\lVert s \rVert^2", "1/2 ‖ s ‖²"),
        (r"G_c' x", "G_c′ x"),
        (r"\begin{cases} a \end{cases}", "…"),
    ],
)
def test_formulas_are_said_without_source(tex: str, said: str) -> None:
    assert spoken.text(tex) == said
