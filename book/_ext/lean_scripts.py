"""Load each script once on a page, and none of thebe's.

sphinx-thebe registers its configuration twice, whereupon every page reports that THEBE_JS_URL is
declared already. No page here asks for a remote kernel, so its scripts are dropped altogether.

The theme preloads its icon fonts with a cross-origin request, which browsers refuse for a page
opened from disk, and loads a script of 1.5 MB that draws the icons a second time. The stylesheet
alone shows them, so both are taken out of the head (`_templates/layout.html` calls `lean_head`).
"""

from __future__ import annotations

import re
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


FONT_PRELOAD = re.compile(r"<link rel=\"preload\" as=\"font\"[^>]*>\s*")
ICON_SCRIPT = re.compile(r"<script src=\"[^\"]*fontawesome/[^\"]*\"></script>\s*")


def lean_head(head: str) -> str:
    """Take the font preloads and the icon script out of a page's head."""
    return type(head)(ICON_SCRIPT.sub("", FONT_PRELOAD.sub("", str(head))))


def add_filter(app: Sphinx) -> None:
    """Let the template call `lean_head`; builders without templates do not need it."""
    templates = getattr(app.builder, "templates", None)
    if templates:
        templates.environment.filters["lean_head"] = lean_head


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx, after every extension that adds scripts."""
    app.connect("html-page-context", lean, priority=1000)
    app.connect("builder-inited", add_filter)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
