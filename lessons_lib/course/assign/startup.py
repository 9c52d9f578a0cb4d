"""What a student needs besides the notebooks: a README, the requirements, and the library."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from lessons_lib.course.notebooks.live import pins
from lessons_lib.files import write_whole

README = """\
# {title}

{whose}You need Python 3.11 or newer and, the first time, the internet: about a gigabyte.
Open a terminal in this folder and type two commands. On Linux and macOS:

    python3 -m venv .venv && .venv/bin/python -m pip install -r requirements.txt
    .venv/bin/python -m jupyterlab {first}

On Windows:

    py -m venv .venv; .venv\\Scripts\\python -m pip install -r requirements.txt
    .venv\\Scripts\\python -m jupyterlab {first}

Your browser shows the lab. Run its cells from the top with Shift+Enter. Put each answer where the
three dots are; the cell below checks it as often as you like. In Visual Studio Code, open this
folder instead of the second command, and choose `.venv` as the kernel.

{labs}

Save the notebook and hand in that one file, under the name that it has. Leave the checks and the
line with the version as they are.
"""


def write_startup(folder: Path, labs: Sequence[tuple[str, str]], root: Path, student: str) -> None:
    """Write ``README.md``, ``requirements.txt`` and a wheel of the library into ``folder``.

    Parameters
    ----------
    folder : Path
        Of one student, or of all.
    labs : sequence of tuple of str
        File name and title of each lab.
    root : Path
        Folder of the course.
    student : str
        Whose edition it is; empty if it is for all.

    Raises
    ------
    FileNotFoundError
        If ``root`` is not the folder of the course.
    """
    name, wheel = library(root)
    write_whole(folder / name, wheel)
    lab = [line for line in _lines(root / "requirements-lab.txt") if "==" in line]
    lines = [*pins(root), *lab, f"./{name}[notebooks]"]
    write_whole(folder / "requirements.txt", "\n".join(lines) + "\n")
    text = README.format(
        title="Your lab" if len(labs) == 1 else "Your labs",
        whose=f"This is the edition of {student}: its constants are yours.\n\n" if student else "",
        first=labs[0][0],
        labs="\n".join(f"- [{title}]({file})" for file, title in labs),
    )
    write_whole(folder / "README.md", text)


@lru_cache(maxsize=4)
def library(root: Path) -> tuple[str, bytes]:
    """Name and content of a wheel of the library, built from the course in ``root``.

    Raises
    ------
    FileNotFoundError
        If ``root`` is not the folder of the course.
    RuntimeError
        If the wheel cannot be built.
    """
    if not (root / "pyproject.toml").is_file():
        raise FileNotFoundError(f"no pyproject.toml in {root.resolve()}, the folder of the course")
    if find_spec("hatchling") is None:
        raise RuntimeError("hatchling builds the library; `make book` installs it")
    with tempfile.TemporaryDirectory() as name:
        words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", name]
        done = subprocess.run(words, cwd=root, capture_output=True, encoding="utf-8")
        if done.returncode:
            raise RuntimeError(f"the library cannot be built: {done.stderr.strip()[-300:]}")
        (wheel,) = Path(name).iterdir()
        return wheel.name, wheel.read_bytes()


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()
