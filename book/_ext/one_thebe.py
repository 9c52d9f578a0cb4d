"""Load each script once on a page.

sphinx-thebe adds its configuration script more than once (a theme registers it too), and the
browser then reports that THEBE_JS_URL is declared already. This keeps the first of equal scripts.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def keep_first(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Drop from ``context["script_files"]`` each script equal to an earlier one."""
    first: dict[tuple[str, str], Any] = {}
    for script in context.get("script_files", []):
        body = getattr(script, "attributes", {}).get("body") or ""
        first.setdefault((str(getattr(script, "filename", script)), body), script)
    context["script_files"] = list(first.values())


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx, after every extension that adds scripts."""
    app.connect("html-page-context", keep_first, priority=1000)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
