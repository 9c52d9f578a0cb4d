"""What each page costs a browser, as a ratio to a reference page that is opened in the same run.

    python book/_tools/page_cost.py _build/html

The reference holds a hundred formulas and a thousand paragraphs. Seconds differ from machine to
machine and the ratio much less; other programs do not count, since only the page's own thread is
asked. Each page is opened three times, and the median stands. No test judges these numbers: the
tests count elements, files and bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from chromium import FLAGS, READY, find
from playwright.sync_api import Browser, sync_playwright

TIMES = 3
MATHJAX = "_static/vendor/mathjax/tex-chtml-full.js"
FORMULA = r"<p>\(\nabla_x \log p_\sigma(x) = \frac{D(x) - x}{\sigma^2}\)</p>"
PARAGRAPH = "<p>One sentence of twelve words, as long as sentences of pages are.</p>"
REFERENCE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Reference</title>'
    f'<script src="{MATHJAX}"></script><main>{FORMULA * 100}{PARAGRAPH * 1000}</main></html>'
)
COUNT = "document.querySelectorAll('*').length"


def opened(browser: Browser, page: Path) -> tuple[float, int]:
    """Seconds of one core until the page is drawn, and its elements."""
    context = browser.new_context()
    window = context.new_page()
    session = context.new_cdp_session(window)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    window.goto(page.as_uri(), timeout=0)
    window.evaluate(READY)
    metrics = session.send("Performance.getMetrics")["metrics"]
    seconds = next(m["value"] for m in metrics if m["name"] == "ThreadTime")
    elements = window.evaluate(COUNT)
    context.close()
    return seconds, elements


def costs(site: Path, pages: list[Path]) -> Iterator[tuple[Path, float, int]]:
    """Each page with its ratio to the reference, and its elements."""
    reference = site / "reference.html"
    reference.write_text(REFERENCE, encoding="utf-8")
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=find(), args=FLAGS)
            for page in pages:
                pairs = [(opened(browser, page), opened(browser, reference)) for _ in range(TIMES)]
                ratio = median(ours[0] for ours, _ in pairs) / median(ref[0] for _, ref in pairs)
                yield page, ratio, pairs[0][0][1]
            browser.close()
    finally:
        reference.unlink()


def main(site: Path) -> None:
    """Print a table of all pages."""
    print(f"{'page':40} {'elements':>9} {'cost, reference = 1':>20}")
    for page, ratio, elements in costs(site, sorted((site / "book").glob("*.html"))):
        print(f"{page.relative_to(site).as_posix():40} {elements:9} {ratio:20.2f}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]).resolve())
