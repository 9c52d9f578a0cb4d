"""Launch buttons: where the project is, and the branch whose notebooks a button opens.

The address of the project stands in one place, ``repository: url`` of ``_config.yml``; the variable
BOOK_REPOSITORY goes before it. Without an address the pages have no launch buttons. With one they
lead to the branch ``hosted``, which ``book/_tools/hosting.py`` writes.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

ROOT = Path(__file__).resolve().parent.parent.parent
BRANCH = "hosted"
WANTED = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+?(\.git)?/?")
BUTTONS = ("use_repository_button", "use_issues_button")


def address(configured: str = "") -> str:
    """Where the project is, without an ending; empty if nobody said."""
    url = os.environ.get("BOOK_REPOSITORY") or configured
    if url and not WANTED.fullmatch(url):
        raise ValueError(f"wanted https://github.com/OWNER/NAME as the repository, got {url!r}")
    return url.rstrip("/").removesuffix(".git")


def configured(root: Path = ROOT) -> str:
    """Read the address in ``_config.yml``."""
    import yaml

    settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    return settings["repository"]["url"] or ""


def configure(app: Sphinx, config: Config) -> None:
    """Hand the address to the theme, or take away what needs one."""
    options = config.html_theme_options
    url = address(options.get("repository_url", ""))
    options["repository_url"], options["repository_branch"] = url, BRANCH
    if not url:
        options["launch_buttons"] = {}
    for name in BUTTONS:
        options[name] = bool(url)


def rename(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Say what a Binder opens."""
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []):
            if button.get("text") in ("Binder", "JupyterHub"):
                button["text"] = f"JupyterLab on {button['text']}"


def tell(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Say where the project is to the script that reports a sentence."""
    url = app.config.html_theme_options.get("repository_url")
    if url:
        tag = f'<meta name="course-repository" content="{url}" />'
        context["metatags"] = context.get("metatags", "") + tag


def setup(app: Sphinx) -> dict[str, bool]:
    """Come before the theme reads its options, and after it made its buttons."""
    app.connect("config-inited", configure)
    app.connect("html-page-context", rename, priority=900)
    app.connect("html-page-context", tell)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
