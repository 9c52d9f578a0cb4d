"""What a student reads: one page of html for each, in one file, for eyes and for screen readers."""

from __future__ import annotations

import hashlib
import html
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from lessons_lib.course.assign.grading import Mark, Result, edition_name
from lessons_lib.course.assign.words import line
from lessons_lib.files import write_whole

SIGNS = {"correct": "✓", "not yet": "✗", "not attempted": "…", "not graded": "–"}

_TAKEN = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)?(\..*)?|.*-[0-9a-f]{8}", re.I)
"""What no file may be called on some systems, and what looks like a name made here."""

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
    names = file_names(by_student)
    for student, own in by_student.items():
        text = page(student, sorted(own, key=lambda r: (r.lab, r.file)))
        write_whole(folder / names[student], text.encode())
    return [folder / names[student] for student in sorted(by_student)]


def file_names(students: Iterable[str]) -> dict[str, str]:
    """Return a name of a page for each of the ``students``, no two alike on any system."""
    students = list(students)
    plain = {who: re.sub(r"[^\w.@+-]", "_", who).strip(".")[:40] for who in students}
    count = Counter(name.casefold() for name in plain.values())
    for who, name in plain.items():
        if name != who or count[name.casefold()] > 1 or _TAKEN.fullmatch(name):
            plain[who] = f"{name}-{hashlib.sha256(who.encode()).hexdigest()[:8]}"
    return {who: f"{name}.html" for who, name in plain.items()}


def page(student: str, results: Sequence[Result]) -> str:
    """The page of one ``student`` with the ``results`` of all labs."""
    body = "\n".join(_section(result) for result in results if not result.aside)
    others = [f"{result.file}: {result.refused}" for result in results if result.aside]
    body += _list("Other files, left aside", others)
    return _PAGE.format(title=f"Feedback for {escape(student)}", body=body)


def escape(text: str) -> str:
    """Words from outside as html, ``text`` being on one line."""
    return html.escape(line(text))


def _section(result: Result) -> str:
    head = f"<h2>{escape(result.lab or result.file)}</h2>"
    if result.refused:
        return f"{head}\n<p>This file was not graded: {escape(result.refused)}.</p>"
    possible = sum(mark.possible for mark in result.marks)
    rows = "\n".join(_row(mark) for mark in result.marks)
    edition = escape(edition_name(result.edition))
    return (
        f"{head}\n<table>\n<caption>{result.points:g} of {possible:g} points. "
        f"The checks were those of {edition}, with new random cases. "
        f"{escape(result.remark)}</caption>\n"
        '<thead><tr><th scope="col">Task</th><th scope="col">Verdict</th>'
        '<th scope="col">Points</th><th scope="col">Hint</th></tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table>"
        f"{_list('Cells that stopped with an error', result.notes[:20])}"
    )


def _row(mark: Mark) -> str:
    sign = f'<span aria-hidden="true">{SIGNS.get(mark.status, "")}</span>'
    return (
        f'<tr><th scope="row">{escape(mark.title)}</th>'
        f'<td class="short">{sign} {escape(mark.status)}</td>'
        f'<td class="short">{mark.points:g} of {mark.possible:g}</td>'
        f'<td class="hint">{escape(mark.message)}</td></tr>'
    )


def _list(title: str, notes: Sequence[str]) -> str:
    if not notes:
        return ""
    items = "\n".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"\n<h3>{title}</h3>\n<ul>\n{items}\n</ul>"
