"""Instruments in a page of their own: a figure as the book makes it, and the scripts it needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import browser as chromium
import hand
from conftest import ROOT
from playwright.sync_api import Browser

STATIC = ROOT / "book" / "_static"
FIGURE = """<div class="cell tag_hide-input tag_hand-{name}"><figure>
<a class="image-reference" href="#"><img alt="A still picture" width="300" height="200"
src="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"></a>
<figcaption>It shows what it shows.</figcaption></figure></div>"""
PAGE = """<!doctype html><html lang="en" data-theme="light"><head>
<meta charset="utf-8"><title>An instrument</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="{static}/course.css">
<link rel="stylesheet" href="{static}/hand/hand.css">
{scripts}</head><body style="margin:16px;background:var(--pst-color-background,#fff);
color:var(--pst-color-text-base)"><main class="bd-content">
<article class="bd-article"><h1>A page</h1>
{figures}</article></main></body></html>"""


def page(*names: str) -> str:
    """The html of a page with these instruments."""
    places = (
        f"{'.' if '/weights/' in script else STATIC.as_uri()}/{script}"
        for script in hand.scripts(list(names))
    )
    scripts = "".join(f'<script defer src="{place}"></script>' for place in places)
    figures = "".join(FIGURE.format(name=name) for name in names)
    return PAGE.format(static=STATIC.as_uri(), scripts=scripts, figures=figures)


@contextmanager
def shown(browser: Browser, folder: Path, *names: str, **options: Any) -> Iterator[chromium.Visit]:
    """Open a page with these instruments from disk."""
    place = folder / "page.html"
    hand.bring(folder)
    place.write_text(page(*names), encoding="utf-8")
    with chromium.opened(browser, place.as_uri(), **options) as visit:
        yield visit
