"""Take a figure out of a stored lesson, for the README and other places outside the book."""

from __future__ import annotations

import base64
from pathlib import Path


def picture(path: Path | str, name: str) -> bytes:
    """Return the stored picture of a figure.

    Parameters
    ----------
    path : Path or str
        An executed notebook.
    name : str
        Name of the figure in the cell's metadata, such as ``fig-00-hero``.

    Returns
    -------
    bytes
        A PNG file.

    Raises
    ------
    ValueError
        If the notebook has no figure of that name, or it was not executed.
    """
    import nbformat

    for cell in nbformat.read(path, as_version=4).cells:
        figure = cell.metadata.get("mystnb", {}).get("figure", {})
        if figure.get("name") != name:
            continue
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                return base64.b64decode(output.data["image/png"])
    raise ValueError(f"name must be that of a figure stored in {Path(path).name}; got {name!r}")
