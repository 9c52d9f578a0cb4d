"""What a link leads to shows under the pointer and at the focus: a word, an equation, a theorem, a
figure, a claim, a reference.

What stands on the page itself is copied there by a script. What stands on another page comes along
out of sight, below the text, as that page has it: from disk, without asking any server. Links in it
become words; whoever wants to follow one follows the link first.
"""

from __future__ import annotations

import copy
import html
import re
from collections import defaultdict
from pathlib import Path
from urllib.parse import urldefrag

from bs4 import Tag

BEGIN, END = "<!-- meanings -->", "<!-- end of meanings -->"
ADDED = re.compile(f"{BEGIN}.*?{END}", re.S)
POINTED = (
    "dl.glossary > dt[id], div.math[id^=equation-], div.proof[id], figure[id], "
    "div.citation[id], ul.ledger > li[id]"
)
NOT_SHOWN = ".headerlink, script, style, details, .cell, .label, .eqno"
KEPT = {"class", "src", "alt", "alttext", "display", "displaystyle"}
LARGEST = 12_000  # characters of one box


class Meanings:
    """What can be pointed at, by its address, and who points at it."""

    def __init__(self) -> None:
        self.boxes: dict[str, str] = {}
        self.asked: dict[str, list[str]] = {}
        self.cited: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        self.titles: dict[str, str] = {}

    def read(self, page: str, article: Tag) -> None:
        """Note what a page holds, and what it links to on other pages."""
        name = f"{page.rpartition('/')[2]}.html"
        self.titles[name] = words(article.find("h1"))
        for target in article.select(POINTED):
            self.boxes[f"{name}#{target['id']}"] = box(target)
        self.asked[page] = []
        for link in article.select("a.internal[href*='.html#']"):
            address, anchor = urldefrag(link["href"])
            if address == "bibliography.html":
                heading = words(link.find_previous(re.compile("^h[1-3]$")))
                self.cited[link["href"]][name].append(heading)
            if anchor and link["href"] not in self.asked[page]:
                self.asked[page].append(link["href"])

    def write(self, folder: Path) -> None:
        """Add to each page what it points at."""
        for page, asked in self.asked.items():
            name = f"{page.rpartition('/')[2]}.html"
            if name == "claims.html":  # its lines say already all that a box would
                continue
            found = [self.told(address, name) for address in asked if address in self.boxes]
            path = folder / f"{page}.html"
            text = bare(path.read_text(encoding="utf-8"))
            if found:
                made = "\n".join([f'{BEGIN}<div class="meanings" hidden>', *found, f"</div>{END}"])
                before, mark, after = text.rpartition("</article>")
                text = f"{before}{made}{mark}{after}"
            path.write_text(text, encoding="utf-8")

    def told(self, address: str, name: str) -> str:
        """One box, as a page of this ``name`` shows it."""
        page, anchor = urldefrag(address)
        inside = self.boxes[address]
        if page == "bibliography.html":
            inside += self.used(address, name)
        elif page != "glossary.html":
            inside += f'<p class="where">{html.escape(self.titles[page])}</p>'
        kind = "definition" if page == "glossary.html" else "meaning"
        identity = re.sub(r"\W+", "-", f"{page[:-5]}-{anchor}")
        identity = anchor.removeprefix("term-") if kind == "definition" else identity
        return (
            f'<div class="meaning" role="tooltip" id="{kind}-{identity}" data-for="{address}">'
            f"{inside}</div>"
        )

    def used(self, address: str, name: str) -> str:
        """Where a reference is used: the headings of this page, and the titles of others."""
        here = list(dict.fromkeys(self.cited[address].pop(name, [])))
        others = [self.titles[page] for page in self.cited[address]]
        self.cited[address][name] = here
        parts = [f"Here: {'; '.join(here)}."] if here else []
        parts += [f"Also in {'; '.join(dict.fromkeys(others))}."] if others else []
        return f'<p class="where">{html.escape(" ".join(parts))}</p>'


def bare(page: str) -> str:
    """A page without the boxes of an earlier build."""
    return ADDED.sub("", page)


def box(target: Tag) -> str:
    """What is shown of a target: its name, then what it says."""
    if target.name == "dt":
        word = words(target)
        capital = html.escape(word[0].upper() + word[1:])
        return f"<strong>{capital}</strong> {inner(target.find_next_sibling('dd'))}"
    if target.name == "li":
        evidence = inner(target.select_one(".evidence"))
        said = html.escape(words(target.select_one(".said")))
        return f'<p>{said}</p><p class="evidence">{evidence}</p>'
    if target.name == "figure":
        picture = target.find("img", src=re.compile(r"^(?!data:)"))
        return (inner(picture.parent) if picture else "") + inner(target.find("figcaption"))
    if "citation" in target["class"]:
        return inner(target)
    title = target.select_one(".admonition-title")
    if title:
        said = inner(title.find_next_sibling())
        return f'<p class="what">{html.escape(words(title))}</p>{said}'
    number = html.escape(words(target.select_one(".eqno")))
    return f'<p class="what">Equation {number}</p><div class="math">{inner(target)}</div>'


def inner(part: Tag | None) -> str:
    """Html of a part without links, places, and what cannot stand in a box."""
    if part is None:
        return ""
    made = copy.copy(part)
    for away in made.select(NOT_SHOWN):
        away.decompose()
    for link in made.select("a"):
        link.unwrap()
    for place in made.find_all(id=True):
        del place["id"]
    for picture in made.find_all("img"):
        picture.attrs = {k: v for k, v in picture.attrs.items() if k in KEPT} | {"loading": "lazy"}
    text = made.decode_contents().strip()
    return text if len(text) <= LARGEST else html.escape(words(made)[:400]) + " …"


def words(part: Tag | None) -> str:
    """Text on one line."""
    return " ".join(part.get_text().split()).rstrip("#") if part else ""
