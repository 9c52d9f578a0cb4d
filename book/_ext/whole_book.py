"""The whole book as one PDF: `make pdf` prints it, and the cover links to it if it is of this book.

The link is there only if the file is: printed from the very sources that are being built. Whoever
builds without printing, or edits after printing, gets a cover without the link.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

NAME = "score-matching-patch-by-patch.pdf"
SOURCES = ("_config.yml", "_toc.yml", "book/**/*", "lessons_lib/**/*.py")
ROOT = Path(__file__).resolve().parent.parent.parent


def stamp(root: Path = ROOT) -> str:
    """Hash of everything that the pages are made of."""
    digest = hashlib.sha256()
    for path in sorted({p for pattern in SOURCES for p in root.glob(pattern) if p.is_file()}):
        if "__pycache__" not in path.parts:
            digest.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return digest.hexdigest()


def marker(pdf: Path) -> Path:
    """Where the stamp of a printed file stands."""
    return pdf.with_suffix(".stamp")


def fresh(folder: Path, root: Path = ROOT) -> Path | None:
    """The printed book in ``folder``, if it was made from the sources as they are."""
    pdf = folder / NAME
    there = pdf.exists() and marker(pdf).exists()
    return (
        pdf if there and marker(pdf).read_text(encoding="utf-8").split()[0] == stamp(root) else None
    )


class WholeBook(SphinxDirective):
    """``{whole-book}`` is a sentence with a link to the PDF, or nothing if there is none."""

    def run(self) -> list[nodes.Node]:
        """Look for the file beside the folder of the pages."""
        self.env.note_reread()
        pdf = fresh(_folder(self.env.app))
        if pdf is None or self.env.app.builder.format != "html":
            return []
        pages = marker(pdf).read_text(encoding="utf-8").split()[1]
        up = "../" * self.env.docname.count("/")
        link = nodes.reference("", "the whole book as one PDF", refuri=up + NAME, internal=True)
        size = f" ({pages} pages, {pdf.stat().st_size / 1e6:.0f} MB)."
        return [nodes.paragraph("", "For paper there is ", link, nodes.Text(size))]


def bring(app: Sphinx, exception: Exception | None) -> None:
    """Lay the file beside the pages that link to it."""
    pdf = fresh(_folder(app))
    if exception is None and pdf is not None and app.builder.format == "html":
        shutil.copy(pdf, Path(app.outdir, NAME))


def _folder(app: Sphinx) -> Path:
    return Path(app.outdir).parent / "pdf"


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("whole-book", WholeBook)
    app.connect("build-finished", bring)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
