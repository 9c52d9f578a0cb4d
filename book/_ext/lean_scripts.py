"""Load each script once on a page, and none of thebe's.

sphinx-thebe registers its configuration twice, whereupon every page reports that THEBE_JS_URL is
declared already. No page here asks for a remote kernel, so its scripts are dropped altogether.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def lean(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Drop thebe's scripts, and each script equal to an earlier one."""
    first: dict[tuple[str, str], Any] = {}
    for script in context.get("script_files", []):
        name, body = str(script.filename or ""), script.attributes.get("body") or ""
        if not name.endswith("sphinx-thebe.js") and "THEBE_JS_URL" not in body:
            first.setdefault((name, body), script)
    context["script_files"] = list(first.values())


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx, after every extension that adds scripts."""
    app.connect("html-page-context", lean, priority=1000)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
