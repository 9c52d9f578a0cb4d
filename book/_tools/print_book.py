"""Print the built book into one PDF, with bookmarks, page numbers and links that work.

    python book/_tools/print_book.py _build/html _build/pdf

Chromium prints one page that holds all pages, twice: the first print tells on which sheet each
begins, the second carries the numbers in its contents. Jupyter Book's own `pdfhtml` prints one long
page: no contents with numbers, no bookmarks, no running titles, and not with the system's browser.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from chromium import FLAGS, READY, find
from gather import gather, read

sys.path.insert(0, str(Path(__file__).parent.parent / "_ext"))

from whole_book import NAME, marker, stamp

STYLE = Path(__file__).with_name("print.css")
PATIENCE = 600_000  # milliseconds
WRITE = """numbers => document.querySelectorAll(".contents li").forEach(row => {
  row.querySelector(".number").textContent = numbers[row.querySelector("a").hash.slice(1)] ?? "";
})"""


def starts(pdf: Path) -> dict[str, int]:
    """Number of the sheet on which each page of the book begins, by its anchor."""
    import pikepdf

    with pikepdf.open(pdf) as book:
        sheets = {page.objgen: number for number, page in enumerate(book.pages, 1)}
        places = {name[1:]: place[0].objgen for name, place in book.Root.Dests.items()}
        return {name: sheets[place] for name, place in places.items() if name.startswith("page-")}


def pack(pdf: Path, title: str) -> int:
    """Name the file, make it smaller, and return how many sheets it has."""
    import pikepdf

    with pikepdf.open(pdf, allow_overwriting_input=True) as book:
        book.docinfo["/Title"] = title
        book.save(pdf, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        return len(book.pages)


def print_pages(page: Path, pdf: Path) -> None:
    """Let Chromium print ``page`` to ``pdf``, numbers in the contents included."""
    from playwright.sync_api import sync_playwright

    place = find()
    if place is None:
        raise SystemExit("make pdf: there is no Chromium or Chrome on this machine")
    options = {"path": str(pdf), "prefer_css_page_size": True, "print_background": True}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=place, args=FLAGS)
        sheet = browser.new_page()
        sheet.set_default_timeout(PATIENCE)
        sheet.goto(page.resolve().as_uri())
        sheet.evaluate(READY)
        for _ in range(2):
            sheet.pdf(**options, outline=True, tagged=True)
            sheet.evaluate(WRITE, starts(pdf))
        browser.close()


def main(site: Path, folder: Path) -> None:
    """Print the book in ``site`` to a file in ``folder``, and say what came of it."""
    begin = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    page, pdf = folder / "whole.html", folder / NAME
    mark = stamp()
    page.write_text(gather(site, folder.resolve(), STYLE.read_text("utf-8")), encoding="utf-8")
    print_pages(page, pdf)
    sheets = pack(pdf, read(page).title.get_text())
    page.unlink()
    marker(pdf).write_text(f"{mark} {sheets}\n", encoding="utf-8")
    seconds, size = time.monotonic() - begin, pdf.stat().st_size / 1e6
    print(f"{pdf}: {sheets} pages, {size:.1f} MB, printed in {seconds:.0f} s")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]))
