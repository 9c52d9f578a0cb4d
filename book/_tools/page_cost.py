"""What each page costs a browser until it is idle, as a ratio to the same page of another build.

    python book/_tools/page_cost.py _build/html ANOTHER_BUILD

Seconds differ from machine to machine and the ratio of two pages that are opened in turn much less;
other programs do not count, since only the page's own thread is asked. A page is idle when its
thread has worked less than a fiftieth of half a second. Each is opened three times, and the median
stands. No test judges these numbers: the tests count elements, files and bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median

from chromium import FLAGS, find
from playwright.sync_api import Browser, sync_playwright

TIMES = 3
PAUSE, REST = 500, 0.01  # milliseconds between two looks; seconds of work between them


def opened(browser: Browser, page: Path) -> tuple[float, int]:
    """Seconds of one core until the page is idle, and its elements."""
    context = browser.new_context()
    window = context.new_page()
    session = context.new_cdp_session(window)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    window.goto(page.as_uri(), timeout=0)

    def worked() -> Iterator[float]:
        while True:
            metrics = session.send("Performance.getMetrics")["metrics"]
            yield next(m["value"] for m in metrics if m["name"] == "ThreadTime")
            window.wait_for_timeout(PAUSE)

    seconds = next(before for before, after in pairwise(worked()) if after - before < REST)
    elements = window.evaluate("document.querySelectorAll('*').length")
    context.close()
    return seconds, elements


def costs(site: Path, other: Path, pages: list[Path]) -> Iterator[tuple[Path, float, float, int]]:
    """Each page with its seconds here and in the other build, and its elements here."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find(), args=FLAGS)
        for page in pages:
            twin = other / page.relative_to(site)
            pairs = [(opened(browser, page), opened(browser, twin)) for _ in range(TIMES)]
            here, there = (median(seconds for seconds, _ in of) for of in zip(*pairs, strict=True))
            yield page, here, there, pairs[0][0][1]
        browser.close()


def main(site: Path, other: Path) -> None:
    """Print a table of the pages that both builds have."""
    pages = [
        p for p in sorted((site / "book").glob("*.html")) if (other / "book" / p.name).exists()
    ]
    print(f"{'page':40} {'elements':>9} {'seconds':>8} {'other':>8} {'ratio':>6}")
    for page, here, there, elements in costs(site, other, pages):
        name = page.relative_to(site).as_posix()
        print(f"{name:40} {elements:9} {here:8.2f} {there:8.2f} {here / there:6.2f}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(*(Path(folder).resolve() for folder in sys.argv[1:]))
