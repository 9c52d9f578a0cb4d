"""The versions that the course was proved with, for machines that install it elsewhere."""

from __future__ import annotations

from pathlib import Path

PYTORCH = "--extra-index-url https://download.pytorch.org/whl/cpu"
"""Where pip finds PyTorch without a GPU, which is gigabytes smaller on Linux."""


def pins(root: Path) -> list[str]:
    """Lines of a requirements file: what lessons and labs need, without book and tests.

    Parameters
    ----------
    root : Path
        Folder of the course, with ``requirements.txt``.

    Returns
    -------
    list of str
        The index of PyTorch first.
    """
    text = (root / "requirements.txt").read_text(encoding="utf-8")
    course = text.partition("# the course")[2].partition("\n\n")[0]
    return [PYTORCH, *(line for line in course.splitlines() if "==" in line)]
