"""The book as html pages for students: labs without solutions, no page for instructors."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lessons_lib.course.assign.editions import student_edition
from lessons_lib.course.assign.handout import labs_in, make_empty
from lessons_lib.course.assign.traces import leave_none
from lessons_lib.files import write_whole

HIDDEN = "book/instructors"
"""The page that students need not see."""

_BUILD = "from jupyter_book.cli.main import main; main()"


def write_student_book(root: Path, target: Path, *, pages: Sequence[str] = ()) -> None:
    """Build the students' book of the course in ``root`` into ``target``, a new or empty folder.

    Only ``pages`` are built, such as ``book/01_gaussian_score_lab``, if there are any.

    Raises
    ------
    RuntimeError
        If the build fails, or a trace of a solution is found in a page, the search index, or a
        source that the pages offer.
    """
    import nbformat
    import yaml

    make_empty(target)
    labs = labs_in(root / "book")
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        shutil.copytree(root / "book", copy / "book", ignore=shutil.ignore_patterns("_build"))
        shutil.copy(root / "_config.yml", copy)
        toc = without(yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8")), HIDDEN)
        if pages:
            chapters = [{"file": page} for page in pages]
            toc = {"format": toc["format"], "root": toc["root"], "chapters": chapters}
        write_whole(copy / "_toc.yml", yaml.safe_dump(toc, sort_keys=False))
        (copy / f"{HIDDEN}.md").unlink(missing_ok=True)
        for lab in labs:
            made = nbformat.writes(student_edition(lab)) + "\n"
            write_whole(copy / "book" / f"{lab.stem}.ipynb", made)
        _build(copy)
        shutil.copytree(copy / "_build" / "html", target, dirs_exist_ok=True)
    leave_none(target, labs, root / "book")


def without(toc: dict[str, Any], page: str) -> dict[str, Any]:
    """Return the table of contents ``toc``, read from YAML, without ``page`` and empty parts."""
    kept = dict(toc)
    for name in ("parts", "chapters", "sections"):
        entries = [without(e, page) for e in kept.pop(name, []) if e.get("file") != page]
        entries = [e for e in entries if "file" in e or "chapters" in e]
        if entries:
            kept[name] = entries
    return kept


def _build(folder: Path) -> None:
    command = [sys.executable, "-c", _BUILD, "build", str(folder), "--all", "--quiet"]
    done = subprocess.run(
        command, capture_output=True, cwd=folder, encoding="utf-8", errors="replace"
    )
    if done.returncode:
        raise RuntimeError(f"the book was not built:\n{done.stderr[-2000:]}")
