"""JupyterLab on the live edition: its own settings and signatures, the kernel of this Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from live_edition import untouched, write

from lessons_lib.course.notebooks.execution import ONE_THREAD
from lessons_lib.files import write_whole

FIRST = "00_tour.ipynb"
"""What opens."""

SETTINGS = {
    "@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
"""Pages of text open to be read, and nothing asks the network for news."""


def prepare(book: Path, folder: Path) -> list[str]:
    """Write the live edition of ``book`` into ``folder``, and what JupyterLab needs to show it.

    The notebooks are signed, so that their players move before a kernel has run anything.

    Parameters
    ----------
    book : Path
        Folder of the sources.
    folder : Path
        Where one works; edits in it stay.

    Returns
    -------
    list of str
        As from `write`.
    """
    from nbformat.sign import NotebookNotary

    told = write(book, folder)
    own = folder / ".jupyter"
    own.mkdir(exist_ok=True)
    write_whole(own / "overrides.json", json.dumps(SETTINGS, indent=1))
    notary = NotebookNotary(data_dir=str(own.resolve()))
    for notebook in untouched(folder):
        notary.sign(notebook)
    return told


def command(folder: Path, options: Sequence[str] = ()) -> list[str]:
    """The command that opens ``folder``, with more ``options`` of ``jupyter lab`` behind.

    Raises
    ------
    ModuleNotFoundError
        If this Python has no JupyterLab; says what installs it.
    """
    if find_spec("jupyterlab") is None:
        raise ModuleNotFoundError(
            "JupyterLab is not installed here; `make lab` installs it, and so does "
            f"{sys.executable} -m pip install -r requirements-lab.txt -c constraints.txt"
        )
    here = folder.resolve()
    return [
        *(sys.executable, "-m", "jupyterlab"),
        f"--ServerApp.root_dir={here}",
        f"--LabApp.default_url=/lab/tree/{FIRST}",
        f"--LabApp.app_settings_dir={here / '.jupyter'}",
        f"--NotebookNotary.data_dir={here / '.jupyter'}",
        *options,
    ]


def environment() -> dict[str, str]:
    """The variables of the server: this Python's kernel goes before others, on one thread."""
    return ONE_THREAD | os.environ | {"JUPYTER_PREFER_ENV_PATH": "1"}


def open_lab(book: Path, folder: Path, options: Sequence[str] = ()) -> int:
    """Prepare ``folder`` from ``book``, open JupyterLab with ``options``, return its exit status.

    Raises
    ------
    ModuleNotFoundError
        If this Python has no JupyterLab.
    """
    words = command(folder, options)
    for line in prepare(book, folder):
        print(line)
    print(f"The lessons, live: {folder.resolve()}. What you change there stays.", flush=True)
    try:
        return subprocess.run(words, env=environment()).returncode
    except KeyboardInterrupt:  # Ctrl-C has ended the server, too
        return 0
