"""Notebooks that run elsewhere: the edition that launch buttons open.

    python book/_tools/hosting.py FOLDER

A workflow writes it to the branch ``hosted``. In it is the live edition of the notebooks. Each
begins with a cell that fetches the course where it is missing (Colab), and ``binder/`` says what a
Binder needs. Notebooks on the main branch stay as they are.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import live_edition

from lessons_lib.course.notebooks.live import pins

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))

from hosted import BRANCH, address, configured  # noqa: E402

if TYPE_CHECKING:
    from nbformat import NotebookNode

PARTS = ("book", "lessons_lib", "pyproject.toml", "_config.yml")
PARTS += ("README.md", "LICENSE", "LICENSE-text")
LEFT = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "_static", "_templates")

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


def prepare(notebook: NotebookNode, url: str) -> NotebookNode:
    """Put the cell that fetches the course below the title."""
    import nbformat

    cell = nbformat.v4.new_code_cell(CELL.format(url=url, branch=BRANCH), id="hosted")
    notebook.cells.insert(1, cell)
    return notebook


def edition(folder: Path, url: str, root: Path = ROOT) -> None:
    """Write all that a hosted notebook needs into an empty ``folder``."""
    folder.mkdir(parents=True)
    for name in PARTS:
        part = root / name
        copy = shutil.copytree if part.is_dir() else shutil.copy
        copy(part, folder / name, **({"ignore": LEFT} if part.is_dir() else {}))
    for name, page in live_edition.edition(root / "book"):
        live_edition.save(
            prepare(page, url) if name.endswith(".ipynb") else page, folder / "book" / name
        )
    (folder / "binder").mkdir()
    (folder / "binder" / "requirements.txt").write_text(requirements(root), encoding="utf-8")
    (folder / "binder" / "runtime.txt").write_text("python-3.11\n", encoding="utf-8")


def requirements(root: Path = ROOT) -> str:
    """What a Binder installs: PyTorch without a GPU, the course's own versions, the course."""
    return "\n".join([*pins(root), ".[notebooks]"]) + "\n"


if __name__ == "__main__":
    where = address(configured())
    if len(sys.argv) != 2 or not where:
        raise SystemExit(f"{__doc__}\nAn address and an empty FOLDER are needed.")
    edition(Path(sys.argv[1]), where)
    print(f"{sys.argv[1]}: notebooks that fetch {where}, branch {BRANCH}")
