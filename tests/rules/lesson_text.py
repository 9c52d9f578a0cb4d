"""Reading a notebook as a person does: cells, headings, sections and words."""

from __future__ import annotations

import re

from nbformat import NotebookNode


def code_cells(book: NotebookNode) -> list[NotebookNode]:
    """The code cells that are not empty."""
    return [c for c in book.cells if c.cell_type == "code" and c.source.strip()]


def lines(cell: NotebookNode) -> int:
    """Lines of code, blank lines and comments not counted."""
    rows = [row.strip() for row in cell.source.splitlines()]
    return sum(bool(row) and not row.startswith("#") for row in rows)


def printed_claims(cell: NotebookNode) -> list[tuple[str, str]]:
    """Words and evidence of each claim that a stored cell shows as passed."""
    printed = "".join(output.get("text", "") for output in cell.outputs)
    return re.findall(r"^✓ (.+): (.+)$", printed, re.M)


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def headings(book: NotebookNode, level: int) -> list[str]:
    """Headings of one level, in order, code fences left out."""
    text = "\n\n".join(c.source for c in book.cells if c.cell_type == "markdown")
    text = re.sub(r"^(`{3,}|~{3,}).*?^\1", "", text, flags=re.M | re.S)
    return re.findall(rf"^#{{{level}}} +(.+?)\s*$", text, re.M)


def prose(book: NotebookNode) -> str:
    """What a person reads: text without code, math, roles, links' targets and directives' marks."""
    text = "\n\n".join(c.source for c in book.cells if c.cell_type == "markdown")
    text = re.sub(r"^(`{3,}|~{3,}).*?^\1", " ", text, flags=re.M | re.S)
    text = re.sub(r"^:{3,}.*$|^:[\w-]+:.*$", " ", text, flags=re.M)
    text = re.sub(r"\$\$.*?\$\$(?: *\([\w-]+\))?|\$[^$\n]+\$", " m ", text, flags=re.S)
    text = re.sub(r"\{[\w:]+\}`[^`]*`", " r ", text)
    text = re.sub(r"\]\([^)]*\)", "] ", text)
    return re.sub(r"`[^`\n]*`", " c ", text)


def words(book: NotebookNode) -> int:
    return len(re.findall(r"[A-Za-z][\w’'-]*", prose(book)))


def section(book: NotebookNode, heading: str) -> list[NotebookNode]:
    """The cells from a second-level heading up to the next one."""
    inside, found = False, []
    for cell in book.cells:
        heads = re.findall(r"^## +(.+?)\s*$", cell.source, re.M) if is_text(cell) else []
        if heads:
            inside = heads[-1] == heading
            found += [cell] if heading in heads else []
        elif inside:
            found.append(cell)
    return found


def is_text(cell: NotebookNode) -> bool:
    return cell.cell_type == "markdown"
