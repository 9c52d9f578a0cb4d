"""What a stored notebook may carry, and the removal of all else.

`nbstripout` names what goes; here is named what stays, and it cannot take a widget's live view or a
progress bar out of an output that it keeps, nor see that cells ran in order.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from lessons_lib.course.notebooks.palette import compact

if TYPE_CHECKING:
    from nbformat import NotebookNode

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
"""All the metadata that a stored notebook carries; versions and times would change at each run."""

CELL_METADATA = ("tags", "mystnb")
"""The metadata that a stored cell may carry."""

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
PICTURE = "image/png"
_PROGRESS_BAR = re.compile(r"\r|\d+%\|.*\||\d+it \[")


def quiet(notebook: NotebookNode) -> NotebookNode:
    """Remove from ``notebook``, in place, all that changes without its content changing.

    Times, versions, widget state and views, progress bars, and editors' marks go; pictures get a
    palette; cell ids stay, and a missing or repeated one is made from the cell's content.
    """
    import nbformat

    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen: set[str] = set()
    for cell in notebook.cells:
        kept = {key: cell.metadata[key] for key in CELL_METADATA if key in cell.metadata}
        cell.metadata = nbformat.from_dict(kept)
        cell["id"] = _stable_id(cell, seen)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if _keep(output)]
            for output in cell.outputs:
                if PICTURE in output.get("data", {}):
                    output.data[PICTURE] = compact(output.data[PICTURE])
    return notebook


def problems(notebook: NotebookNode) -> list[str]:
    """List what keeps a stored ``notebook`` from being clean; an empty list is a clean notebook."""
    found = []
    if notebook.metadata != METADATA:
        found.append(f"metadata must be only kernelspec and language_info, got {notebook.metadata}")
    ids = [cell.get("id") for cell in notebook.cells]
    if None in ids or len(set(ids)) != len(ids):
        found.append("every cell needs an id of its own")
    counts = [cell.execution_count for cell in notebook.cells if _is_code(cell)]
    if counts != list(range(1, len(counts) + 1)):
        found.append(f"code cells must be executed once each, in order, got {counts}")
    for number, cell in enumerate(notebook.cells):
        extra = sorted(set(cell.metadata) - set(CELL_METADATA))
        if extra:
            found.append(f"cell {number}: metadata {extra} does not belong in a stored notebook")
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                found.append(f"cell {number}: stores the error {output.ename}")
            elif WIDGET_VIEW in output.get("data", {}):
                found.append(f"cell {number}: stores a widget view")
    return found


def _is_code(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and bool(cell.source.strip())


def _keep(output: NotebookNode) -> bool:
    """Drop widget views and progress bars; False if nothing is left of the output."""
    if output.output_type == "stream" and output.name == "stderr":
        lines = output.text.splitlines(keepends=True)
        output.text = "".join(line for line in lines if not _PROGRESS_BAR.search(line)).lstrip("\n")
        return bool(output.text)
    if output.output_type == "display_data" or output.output_type == "execute_result":
        if WIDGET_VIEW in output.data:
            del output.data[WIDGET_VIEW]
            return "text/html" in output.data
    return True


def _stable_id(cell: NotebookNode, seen: set[str]) -> str:
    name = cell.get("id") or hashlib.sha1((cell.cell_type + cell.source).encode()).hexdigest()[:8]
    while name in seen:
        name = hashlib.sha1(name.encode()).hexdigest()[:8]
    seen.add(name)
    return name
