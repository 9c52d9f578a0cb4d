"""List every address outside the book, with the pages that lead there: ``external-links.txt``.

Readers may be offline and tests are, so nothing here asks the network. A weekly job reads the file.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

from sphinx.application import Sphinx

FILE = "external-links.txt"
LINK = re.compile(r"""<a\b[^>]*\bhref=["'](https?://[^"']+)["']""", re.I)


def listed(folder: Path) -> dict[str, list[str]]:
    """Addresses, in order, each with the pages of ``folder`` that link to it."""
    found: dict[str, list[str]] = {}
    for page in sorted(folder.rglob("*.html")):
        name = page.relative_to(folder).as_posix()
        if not name.startswith("_"):
            for address in sorted(set(LINK.findall(page.read_text(encoding="utf-8")))):
                found.setdefault(html.unescape(address).partition("#")[0], []).append(name)
    return dict(sorted(found.items()))


def write(app: Sphinx, exception: Exception | None) -> None:
    """Write the file beside the pages, once they are all there."""
    if exception is None and app.builder.format == "html":
        lines = [f"{url}\t{' '.join(pages)}" for url, pages in listed(Path(app.outdir)).items()]
        Path(app.outdir, FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Wait for the pages."""
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
