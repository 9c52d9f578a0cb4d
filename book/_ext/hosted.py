"""Notebooks that run elsewhere: launch buttons, and the edition that they open.

The address of the project stands in one place, ``repository: url`` of ``_config.yml``; the variable
BOOK_REPOSITORY goes before it. Without an address the pages have no launch buttons. With one they
lead to the branch ``hosted``, which a workflow writes with

    python book/_ext/hosted.py FOLDER

In it is the live edition of the notebooks. Each begins with a cell that fetches the course where it
is missing (Colab), and ``binder/`` says what a Binder needs. Notebooks on the main branch stay as
they are.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode
    from sphinx.application import Sphinx
    from sphinx.config import Config

ROOT = Path(__file__).resolve().parent.parent.parent
BRANCH = "hosted"
WANTED = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+?(\.git)?/?")
PARTS = ("book", "lessons_lib", "pyproject.toml", "_config.yml")
PARTS += ("README.md", "LICENSE", "LICENSE-text")
LEFT = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "_static", "_templates")
BUTTONS = ("use_repository_button", "use_issues_button")

CELL = """\
# A hosted notebook fetches the course first. Where it is installed, this cell does nothing.
import importlib.util

if importlib.util.find_spec("lessons_lib") is None:
    import os
    import subprocess
    import sys

    here = ["git", "clone", "--quiet", "--depth", "1", "--branch", "{branch}", "{url}", "course"]
    subprocess.run(here, check=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "./course[notebooks]"]
    subprocess.run(pip, check=True)
    os.chdir("course/book")
    importlib.invalidate_caches()
"""


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


def prepare(notebook: NotebookNode, url: str) -> NotebookNode:
    """Put the cell that fetches the course below the title."""
    import nbformat

    cell = nbformat.v4.new_code_cell(CELL.format(url=url, branch=BRANCH), id="hosted")
    notebook.cells.insert(1, cell)
    return notebook


def edition(folder: Path, url: str, root: Path = ROOT) -> None:
    """Write all that a hosted notebook needs into an empty ``folder``."""
    from lessons_lib.notebooks import live

    folder.mkdir(parents=True)
    for name in PARTS:
        part = root / name
        copy = shutil.copytree if part.is_dir() else shutil.copy
        copy(part, folder / name, **({"ignore": LEFT} if part.is_dir() else {}))
    for name, page in live.edition(root / "book"):
        live.save(prepare(page, url) if name.endswith(".ipynb") else page, folder / "book" / name)
    (folder / "binder").mkdir()
    (folder / "binder" / "requirements.txt").write_text(requirements(root), encoding="utf-8")
    (folder / "binder" / "runtime.txt").write_text("python-3.11\n", encoding="utf-8")


def requirements(root: Path = ROOT) -> str:
    """What a Binder installs: PyTorch without a GPU, the course's own versions, the course."""
    from lessons_lib.notebooks.live import pins

    return "\n".join([*pins(root), ".[notebooks]"]) + "\n"


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


def setup(app: Sphinx) -> dict[str, bool]:
    """Come before the theme reads its options, and after it made its buttons."""
    app.connect("config-inited", configure)
    app.connect("html-page-context", rename, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    where = address(configured())
    if len(sys.argv) != 2 or not where:
        raise SystemExit(f"{__doc__}\nAn address and an empty FOLDER are needed.")
    edition(Path(sys.argv[1]), where)
    print(f"{sys.argv[1]}: notebooks that fetch {where}, branch {BRANCH}")
