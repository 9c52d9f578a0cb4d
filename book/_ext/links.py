"""Sphinx's ``linkcheck`` asks the registry about a DOI: publishers turn programs away."""

from __future__ import annotations

from sphinx.application import Sphinx

DOI = "https://doi.org/"


def registry(app: Sphinx, address: str) -> str | None:
    """Where to ask in place of ``address``."""
    return f"{DOI}api/handles/{address.removeprefix(DOI)}" if address.startswith(DOI) else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with the builder, which is there after the built-in extensions."""
    app.connect("linkcheck-process-uri", registry)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
