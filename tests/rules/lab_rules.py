"""The anatomy of a lab: rules from a lab to a list of complaints, empty when it is right."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from lesson_text import headings, is_text, tags

from lessons_lib.course.assign import KINDS, Lab, Task
from lessons_lib.course.assign.source import PARTS

TASKS = range(5, 9)
MUST_HAVE = {"Predict", "Derive", "Find the bug"}
FOLDED = {"hint": "hint", "solution": "solution", "instructors": "instructors"}


def promise(lab: Lab) -> list[str]:
    """A title `Lab: ...`, one bold sentence, what it needs and how long it takes."""
    first = lab.notebook.cells[0].source
    complaints = []
    if not re.match(r"# Lab: .+\n+\*\*[^*]+[.!?]\*\*\n", first):
        complaints.append(f"wanted `# Lab: title` and one bold sentence, got {first[:60]!r}")
    minutes = sum(task.minutes for task in lab.tasks)
    stated = re.search(r"\*Needs:\*.+\*Time:\* about (\d+) minutes", first)
    if not stated or abs(int(stated[1]) - minutes) > 0.15 * minutes:
        complaints.append(f"wanted *Needs:* and *Time:* about {minutes} minutes")
    return complaints


def order(lab: Lab) -> list[str]:
    """Five to eight numbered tasks, in the order of the kinds, the three that must be there."""
    complaints = []
    if len(lab.tasks) not in TASKS:
        complaints.append(f"{len(lab.tasks)} tasks, wanted 5 to 8")
    if [task.number for task in lab.tasks] != list(range(1, len(lab.tasks) + 1)):
        complaints.append("tasks are not numbered 1, 2, 3 ...")
    places = [KINDS.index(task.kind) for task in lab.tasks]
    if places != sorted(places):
        complaints.append(f"kinds are out of order: {[task.kind for task in lab.tasks]}")
    if absent := MUST_HAVE - {task.kind for task in lab.tasks}:
        complaints.append(f"no task of kind {sorted(absent)}")
    wanted = [f"{task.number}. {task.title}" for task in lab.tasks]
    if headings(lab.notebook, 2) != ["Setup", *wanted, "Where this leads"]:
        complaints.append("headings are not Setup, the tasks, Where this leads")
    return complaints


def cells(lab: Lab) -> list[str]:
    """Each task has its cells in the order of `PARTS`, one tag of these in each."""
    complaints = []
    for task in lab.tasks:
        found = [[p for p in PARTS if p in tags(cell)] for cell in task.cells]
        if any(len(one) != 1 for one in found):
            complaints.append(f"{task.name}: a cell with the tags {found}")
        count = Counter(part for one in found for part in one)
        for part in ("exercise", "stub", "check", "instructors"):
            if count[part] != 1:
                complaints.append(f"{task.name}: {count[part]} cells {part}, wanted one")
        if not count["hint"]:
            complaints.append(f"{task.name}: no hint")
        key = [c for c in task.tagged("solution") if c.cell_type == "code"]
        if len(key) != 1 or not key[0].source.endswith(f"\n\n{task.tagged('check')[0].source}"):
            complaints.append(f"{task.name}: wanted one solution that ends with the check")
        if key and "hide-cell" not in tags(key[0]):
            complaints.append(f"{task.name}: the solution is not hidden")
    return complaints


def folds(lab: Lab) -> list[str]:
    """Hints, explanations and notes are folded."""
    return [
        f"{task.name}: a {part} that is not folded"
        for task in lab.tasks
        for part, kind in FOLDED.items()
        for cell in task.tagged(part)
        if is_text(cell)
        and not re.fullmatch(
            rf'<details class="fold {kind}"><summary>[^<]+</summary>\n\n.+\n\n</details>',
            cell.source,
            re.S,
        )
    ]


def names(lab: Lab) -> list[str]:
    """Each exercise of the module is asked for once, and each answer has a name of its own."""
    complaints = []
    asked = [task.name for task in lab.tasks]
    if asked != list(lab.exercises):
        complaints.append(f"the lab asks for {asked}, its checks are {list(lab.exercises)}")
    if any(name != exercise.name for name, exercise in lab.exercises.items()):
        complaints.append("an exercise has another name than its variable")
    if repeated := [n for n, k in Counter(t.answer for t in lab.tasks).items() if k > 1]:
        complaints.append(f"two answers with the name {repeated}")
    return complaints


def stubs(lab: Lab) -> list[str]:
    """A stub defines the answer, and is three dots."""
    return [
        f"{task.name}: the stub {source!r}"
        for task in lab.tasks
        if not _is_stub(task, source := task.tagged("stub")[0].source)
    ]


def _is_stub(task: Task, source: str) -> bool:
    value = re.compile(rf"^{task.answer} = \.\.\.( *#.*)?$", re.M)
    function = re.compile(rf"^def {task.answer}\(.*\):\n(?:    .*\n)*    return \.\.\.", re.M)
    return bool(value.search(source) or function.search(source))


RULES: list[Callable[[Lab], list[str]]] = [promise, order, cells, folds, names, stubs]
