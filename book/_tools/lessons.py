"""Keep the lessons: execute them, look after their files, open them live.

The book stores executed notebooks, so that building it takes seconds and reading it needs no
kernel. These commands keep them honest::

    python book/_tools/lessons.py run                   # those whose code or library changed
    python book/_tools/lessons.py run book/01_*.ipynb --force
    python book/_tools/lessons.py check                 # are the stored files clean?
    python book/_tools/lessons.py lab                   # open the live edition in JupyterLab

A notebook runs from top to bottom in a fresh kernel, in its own folder, with one thread. Its file
is replaced in one step, and only if every cell ran.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from laboratory import open_lab
from live_edition import write
from pictures import picture
from running import run

from lessons_lib import console
from lessons_lib.course.notebooks import problems
from lessons_lib.files import write_whole

if TYPE_CHECKING:
    from argparse import Namespace


def _arguments(words: Sequence[str] | None) -> Namespace:
    from argparse import ArgumentParser

    parser = ArgumentParser(prog="python book/_tools/lessons.py", description="Keep the lessons.")
    commands = parser.add_subparsers(dest="command", required=True)
    runner = commands.add_parser("run", help="execute those whose code or library changed")
    runner.add_argument("--jobs", type=int, default=2, help="notebooks at a time (2)")
    runner.add_argument("--force", action="store_true", help="execute the unchanged ones too")
    runner.add_argument("--timeout", type=int, default=600, help="seconds for one cell (600)")
    checker = commands.add_parser("check", help="verify that the stored files are clean")
    for command in (runner, checker):
        command.add_argument("paths", nargs="*", type=Path, help="by default book/*.ipynb")
    taker = commands.add_parser("picture", help="write one stored figure to a PNG file")
    taker.add_argument("notebook", type=Path)
    taker.add_argument("name", help="name of the figure, such as fig-00-hero")
    taker.add_argument("target", type=Path)
    writer = commands.add_parser("live", help="write the lessons for an editor with a kernel")
    opener = commands.add_parser("lab", help="the same, and open them in JupyterLab")
    for command in (writer, opener):
        command.add_argument("folder", nargs="?", type=Path, default=Path("live"), help="live/")
    opener.add_argument("options", nargs="*", help="of jupyter lab, behind --")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line says, or ``words`` instead of it, and return the exit status."""
    import nbformat

    arguments = _arguments(words)
    if arguments.command in ("live", "lab"):
        return _live(arguments)
    if arguments.command == "picture":
        write_whole(arguments.target, picture(arguments.notebook, arguments.name))
        return 0
    paths = arguments.paths or sorted(Path("book").glob("*.ipynb"))
    if arguments.command == "run":
        options = {name: getattr(arguments, name) for name in ("jobs", "force", "timeout")}
        with console.if_stopped("every file is whole, and those that were done are kept"):
            failures = run(paths, **options)
    else:
        lists = {path: problems(nbformat.read(path, as_version=4)) for path in paths}
        failures = {path: "\n".join(found) for path, found in lists.items() if found}
    for path, text in failures.items():
        print(
            f"\n{path}: {arguments.command} failed, the file is unchanged\n{text}", file=sys.stderr
        )
    return 1 if failures else 0


def _live(arguments: Namespace) -> int:
    book, folder = Path("book"), arguments.folder
    try:
        if arguments.command == "lab":
            return open_lab(book, folder, arguments.options)
        print(*write(book, folder), f"The lessons, live: {folder.resolve()}", sep="\n")
        return 0
    except (ModuleNotFoundError, OSError, ValueError) as error:
        print(f"python book/_tools/lessons.py {arguments.command}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(console.run(main, "python book/_tools/lessons.py"))
