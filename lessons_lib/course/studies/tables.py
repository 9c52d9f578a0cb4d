"""Tables as Markdown text."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


def markdown_table(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Tensor,
    *,
    corner: str = "",
    digits: int = 4,
    best: str | None = "least",
) -> str:
    """A table of numbers in Markdown, the best entry of each column in bold.

    Parameters
    ----------
    rows, columns : sequence of str
        Names, ``R`` and ``C`` of them.
    values : Tensor, shape ``(R, C)``
        The entries.
    corner : str
        Text above the row names.
    digits : int
        Decimals shown.
    best : {"least", "greatest", None}
        Which entry of a column is set in bold.

    Returns
    -------
    str
        Lines of Markdown.

    Raises
    ------
    ValueError
        If ``values`` is not ``(R, C)`` or ``best`` is unknown.
    """
    if tuple(values.shape) != (len(rows), len(columns)):
        wanted = (len(rows), len(columns))
        raise ValueError(f"values must have shape {wanted}, got {tuple(values.shape)}")
    if best not in ("least", "greatest", None):
        raise ValueError(f'best must be "least", "greatest" or None, got {best!r}')
    marked = {None: None, "least": values.argmin(0), "greatest": values.argmax(0)}[best]
    lines = [f"| {corner} | " + " | ".join(columns) + " |", "|:--|" + "--:|" * len(columns)]
    for i, name in enumerate(rows):
        cells = [f"{value:.{digits}f}" for value in values[i].tolist()]
        if marked is not None:
            cells = [f"**{c}**" if marked[j] == i else c for j, c in enumerate(cells)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
