"""What a student reads: one page of html for each, in one file, for eyes and for screen readers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from html import escape
from pathlib import Path

from lessons_lib.assign.grading import Mark, Result

SIGNS = {"correct": "✓", "not yet": "✗", "not attempted": "…", "not graded": "–"}

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto;
  padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; }}
caption {{ text-align: left; padding-bottom: .5rem; }}
th, td {{ text-align: left; vertical-align: top; padding: .5rem .75rem .5rem 0;
  border-top: 1px solid #8888; overflow-wrap: break-word; }}
tbody th {{ font-weight: 600; min-width: 7rem; overflow-wrap: anywhere; }}
td.short {{ white-space: nowrap; font-variant-numeric: tabular-nums; }}
td.hint {{ overflow-wrap: anywhere; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


def write_feedback(results: Sequence[Result], folder: Path) -> list[Path]:
    """Write a page for each student of ``results`` into ``folder``, and return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    by_student: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        if result.student:
            by_student[result.student].append(result)
    written = []
    for student, own in sorted(by_student.items()):
        path = folder / f"{_file_name(student)}.html"
        path.write_text(page(student, sorted(own, key=lambda r: r.lab)), encoding="utf-8")
        written.append(path)
    return written


def page(student: str, results: Sequence[Result]) -> str:
    """The page of one ``student`` with the ``results`` of all labs."""
    body = "\n".join(_section(result) for result in results)
    return _PAGE.format(title=f"Feedback for {escape(student)}", body=body)


def _section(result: Result) -> str:
    head = f"<h2>{escape(result.lab)}</h2>"
    if result.refused:
        return f"{head}\n<p>This file was not graded: {escape(result.refused)}.</p>"
    possible = sum(mark.possible for mark in result.marks)
    rows = "\n".join(_row(mark) for mark in result.marks)
    return (
        f"{head}\n<table>\n<caption>{result.points:g} of {possible:g} points. "
        "The checks were those of your notebook, with new random cases.</caption>\n"
        '<thead><tr><th scope="col">Task</th><th scope="col">Verdict</th>'
        '<th scope="col">Points</th><th scope="col">Hint</th></tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table>{_notes(result.notes)}"
    )


def _row(mark: Mark) -> str:
    sign = f'<span aria-hidden="true">{SIGNS.get(mark.status, "")}</span>'
    return (
        f'<tr><th scope="row">{escape(mark.title)}</th>'
        f'<td class="short">{sign} {escape(mark.status)}</td>'
        f'<td class="short">{mark.points:g} of {mark.possible:g}</td>'
        f'<td class="hint">{escape(mark.message)}</td></tr>'
    )


def _notes(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    items = "\n".join(f"<li>{escape(note)}</li>" for note in notes[:20])
    return f"\n<h3>Cells that stopped with an error</h3>\n<ul>\n{items}\n</ul>"


def _file_name(student: str) -> str:
    return re.sub(r"[^\w.@+-]", "_", student).strip(".") or "student"
