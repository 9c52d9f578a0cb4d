"""The anatomy of a lesson: rules from a notebook to a list of complaints, empty when it is right.

`test_book` applies them to every lesson, and sees each one reject a lesson that breaks it.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator

import code_rules
from claim_rules import executed
from lesson_text import (
    code_cells,
    headings,
    is_text,
    lines,
    printed_claims,
    prose,
    section,
    tags,
    words,
)
from nbformat import NotebookNode

HEADINGS_BEFORE = ["At a glance", "Setup", "A question"]
HEADINGS_AFTER = [
    "From scratch to library",
    "Try it",
    "What can go wrong",
    "Summary",
    "Where this comes from",
    "Reproducibility",
]
LONGEST_LINE = 76
"""Characters of code that a page 1280 pixels wide shows without scrolling."""

FOLDED = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
LONGEST_FOLDED_LINE = 100
PER_MINUTE = {"words": 200, "lines": 12, "claims": 6}
FEWEST_CLAIMS = 12
OPENERS = {"open", "Path", "read_text", "read_bytes", "loadtxt", "fromfile", "imread"}
LARGEST_FILE = 1_500_000
MACHINE_PATH = re.compile(r"(?<![\w.:/<])/(?:home|root|tmp|work|Users|mnt|var|private)/[\w.]")
NUMBER_TYPED = re.compile(r"(?<![\w.\-])\d+\.\d{2,}(?![\w.]|\.\d)")


def order(book: NotebookNode) -> list[str]:
    """One title, then the fixed headings around two to six ideas."""
    found = headings(book, 2)
    ideas = found[len(HEADINGS_BEFORE) : len(found) - len(HEADINGS_AFTER)]
    wanted = [*HEADINGS_BEFORE, *ideas, *HEADINGS_AFTER]
    complaints = [] if len(headings(book, 1)) == 1 else [f"titles: {headings(book, 1)}"]
    if found != wanted:
        complaints.append(f"headings are {found}, wanted {wanted}")
    if not 2 <= len(ideas) <= 6:
        complaints.append(f"{len(ideas)} idea sections, wanted 2 to 6")
    return complaints


def promise(book: NotebookNode) -> list[str]:
    """The title is followed by one bold sentence, then by the hero figure."""
    first = book.cells[0]
    complaints = []
    if not re.search(r"^# .+\n+\*\*[^*]+[.!?]\*\*(?!\w)", first.source, re.M):
        complaints.append("the title is not followed by one bold sentence of promise")
    figures = [index for index, cell in enumerate(book.cells) if draws(cell)]
    glance = [i for i, c in enumerate(book.cells) if re.search(r"^## At a glance", c.source, re.M)]
    if not figures or not glance or figures[0] > glance[0]:
        complaints.append("no hero figure before `At a glance`")
    return complaints


def setup(book: NotebookNode) -> list[str]:
    """Setup is one code cell, so that a reader sees at once what a lesson imports."""
    inside = [c for c in section(book, "Setup") if c.cell_type == "code"]
    return [] if len(inside) == 1 else [f"Setup has {len(inside)} code cells, wanted one"]


def imported(book: NotebookNode) -> list[str]:
    """What a reader types off the page runs: no visible cell needs an import that is folded."""
    seen, folded = [], []
    for cell in code_cells(book):
        (folded if FOLDED & set(tags(cell)) else seen).append(tree(cell))
    hidden = {name for part in folded for name in bound_by_imports(part)}
    hidden -= {name for part in seen for name in bound_by_imports(part)}
    used = {node.id for part in seen for node in ast.walk(part) if isinstance(node, ast.Name)}
    return [f"visible code needs a folded import: {name}" for name in sorted(hidden & used)]


def bound_by_imports(code: ast.Module) -> set[str]:
    """Names that the imports of a cell make."""
    nodes = [node for node in ast.walk(code) if isinstance(node, ast.Import | ast.ImportFrom)]
    return {(a.asname or a.name).split(".")[0] for node in nodes for a in node.names}


def visible_lines(book: NotebookNode) -> int:
    """Lines of code that the page shows."""
    return sum(lines(cell) for cell in code_cells(book) if "hide-input" not in tags(cell))


def minutes_to_read(book: NotebookNode) -> float:
    """What words, visible lines of code and claims take together."""
    counts = {"words": words(book), "lines": visible_lines(book), "claims": len(claims(book))}
    return sum(counts[what] / rate for what, rate in PER_MINUTE.items())


def line_length(book: NotebookNode) -> list[str]:
    """No line of code scrolls sideways; what the page folds may be wider."""
    complaints = []
    for number, cell in enumerate(code_cells(book), 1):
        most = LONGEST_FOLDED_LINE if FOLDED & set(tags(cell)) else LONGEST_LINE
        complaints += [
            f"code cell {number}: {len(row)} characters, wanted at most {most}: {row}"
            for row in cell.source.splitlines()
            if len(row) > most
        ]
    return complaints


def plain_code(book: NotebookNode) -> list[str]:
    """What a learner reads names functions with `def`, and loops for effects with `for`."""
    complaints = []
    for number, cell in enumerate(code_cells(book), 1):
        if FOLDED & set(tags(cell)):
            continue
        for node in ast.walk(tree(cell)):
            if not isinstance(node, ast.Assign):
                continue
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            if any(isinstance(value, ast.Lambda) for value in values):
                complaints.append(f"code cell {number}: a lambda is given a name; write def")
            thrown = [getattr(target, "id", "") for target in node.targets] == ["_"]
            if thrown and isinstance(node.value, ast.ListComp):
                complaints.append(f"code cell {number}: a list made to be thrown away; write for")
    return complaints


def reading_time(book: NotebookNode) -> list[str]:
    """The stated minutes are those of the words, the code and the claims, within a quarter."""
    text = "\n".join(c.source for c in section(book, "At a glance"))
    stated = re.search(r"about (\d+) minutes? to read", text)
    complaints = []
    if "{glue:text}`wall_seconds`" not in text:
        complaints.append("At a glance does not show the measured {glue:text}`wall_seconds`")
    if not re.search(r"^\*Needs:?\*|^\*\*Needs:?\*\*", text, re.M):
        complaints.append("At a glance has no line *Needs:*")
    if not stated:
        return [*complaints, "At a glance does not state `about N minutes to read`"]
    minutes = minutes_to_read(book)
    if abs(int(stated[1]) - minutes) > max(0.25 * minutes, 1):
        complaints.append(f"states {stated[1]} minutes to read, wanted about {minutes:.0f}")
    return complaints


def objectives(book: NotebookNode) -> list[str]:
    """Three to five objectives."""
    text = "\n".join(c.source for c in section(book, "At a glance"))
    count = len(re.findall(r"^[-*] +\S", text, re.M))
    return [] if 3 <= count <= 5 else [f"{count} objectives under At a glance, wanted 3 to 5"]


def draws(cell: NotebookNode) -> bool:
    """Whether a code cell stores a picture."""
    kinds = {kind for o in cell.get("outputs", []) for kind in o.get("data", {})}
    return any(kind.startswith("image/") for kind in kinds)


def figures(book: NotebookNode) -> list[str]:
    """Each picture has a name, a caption that is a sentence, alternative text, and hidden code."""
    complaints = []
    text = "\n".join(c.source for c in book.cells if is_text(c))
    for number, cell in enumerate(code_cells(book), 1):
        if not draws(cell):
            continue
        settings = cell.metadata.get("mystnb", {})
        figure, image = settings.get("figure", {}), settings.get("image", {})
        name = figure.get("name", "")
        hero = number == 1  # it stands under the title and speaks for itself
        if not re.fullmatch(r"fig-\d\d-[\w-]+", name):
            complaints.append(f"code cell {number}: figure name {name!r}, wanted fig-NN-word")
        elif not hero and f"`{name}`" not in text and f"<{name}>`" not in text:
            complaints.append(f"code cell {number}: no {{numref}} to {name} in the text")
        if len(figure.get("caption", "").split()) < 5 or not figure["caption"].rstrip().endswith(
            "."
        ):
            complaints.append(f"code cell {number}: the caption is not a sentence")
        if len(image.get("alt", "").split()) < 5:
            complaints.append(f"code cell {number}: no alternative text")
        if "hide-input" not in tags(cell):
            complaints.append(f"code cell {number}: drawing code is not tagged hide-input")
    return complaints


def interactive(book: NotebookNode) -> list[str]:
    """`Try it` holds a figure that works in the page: html without a live widget, or a hand."""
    for cell in section(book, "Try it"):
        if any(tag.startswith("hand-") for tag in tags(cell)):
            return []
        if any("text/html" in o.get("data", {}) for o in cell.get("outputs", [])):
            return []
    return ["`Try it` shows no interactive figure"]


def glue_keys(book: NotebookNode) -> list[str]:
    """Every number that the text quotes is glued by a cell, and every glued one is quoted."""
    stored = [
        output.metadata["scrapbook"]["name"]
        for cell in code_cells(book)
        for output in cell.outputs
        if "scrapbook" in output.get("metadata", {})
    ]
    text = "\n".join(c.source for c in book.cells if is_text(c))
    used = set(re.findall(r"\{glue:(?:text|md|math)?\}`([\w-]+)(?::[^`]*)?`", text))
    used |= set(re.findall(r"\{glue:\w*\} +([\w-]+)", text))
    complaints = [f"glue key {key} is quoted and never made" for key in used - set(stored)]
    complaints += [f"glue key {key} is made twice" for key, n in Counter(stored).items() if n > 1]
    return complaints + [f"glue key {key} is never quoted" for key in set(stored) - used]


def claims(book: NotebookNode) -> list[str]:
    """The texts of the claims that the stored notebook shows as passed."""
    return [text for cell in code_cells(book) for text, _ in printed_claims(cell)]


def enough_claims(book: NotebookNode) -> list[str]:
    """At least a dozen claims, each a sentence without a full stop, and no bare assert."""
    made = claims(book)
    complaints = [] if len(made) >= FEWEST_CLAIMS else [f"{len(made)} claims, wanted 12 or more"]
    complaints += [f"claim ends with a full stop: {text}" for text in made if text.endswith(".")]
    complaints += [f"claim is too short to stand alone: {t}" for t in made if len(t.split()) < 4]
    for number, cell in enumerate(code_cells(book), 1):
        if any(isinstance(node, ast.Assert) for node in ast.walk(tree(cell))):
            complaints.append(f"code cell {number}: a bare assert; say it with claim()")
    return complaints


COUNTED = "one two three four five six seven eight nine ten".split()
MEASURED = rf"(?i:({'|'.join(COUNTED)}) (?:decibels?|percent|tenths)\b)"
IN_WORDS = re.compile(rf"(?<![\w.])(\d+(?:\.\d+)?(?:e-?\d+)?)(?!\w*×)|{MEASURED}")
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def claimed_numbers(book: NotebookNode) -> list[str]:
    """A number in the words of a claim is one that is compared, or a setting that the code names.

    A measure such as "two decibels" stands in the evidence or in the code of the same cell; it may
    be there as a hundredth (percent), a tenth, or its inverse.
    """
    complaints, settings = [], []
    for cell in code_cells(book):
        own = numbers(re.sub(r'"[^"\n]*"', "", cell.source))
        settings += own
        for claim, evidence in printed_claims(cell):
            for digits, counted in IN_WORDS.findall(claim):
                wanted = digits or str(1 + COUNTED.index(counted.lower()))
                known = numbers(evidence) + (settings if digits else own)
                if not any(same(wanted, number) for number in known):
                    complaints.append(f"not compared: {digits or counted} in {claim!r}")
    return complaints


def numbers(text: str) -> list[float]:
    """The numbers in a text, without their signs."""
    return [abs(float(number)) for number in NUMBER.findall(text)]


def same(digits: str, number: float) -> bool:
    """Whether ``digits`` are the ``number`` rounded, or its percent, tenths or inverse."""
    half = 0.5 * 10.0 ** -len(digits.partition(".")[2]) + 1e-12
    forms = [number, 100 * number, 10 * number, 1 / number if number else 0.0]
    return any(abs(form - float(digits)) <= half for form in forms)


def tree(cell: NotebookNode) -> ast.Module:
    """The syntax tree of a cell; lessons use no magics."""
    return ast.parse(cell.source)


def explicit_randomness(book: NotebookNode) -> list[str]:
    """Lessons draw from generators of their own."""
    return [
        f"code cell {number}: {complaint}"
        for number, cell in enumerate(code_cells(book), 1)
        for complaint in code_rules.global_randomness(tree(cell))
    ]


def self_contained(book: NotebookNode) -> list[str]:
    """A lesson opens no file by its place: it may run in any folder."""
    called = {
        getattr(node.func, "id", getattr(node.func, "attr", ""))
        for cell in code_cells(book)
        for node in ast.walk(tree(cell))
        if isinstance(node, ast.Call)
    }
    return [f"opens a file with {name}" for name in sorted(called & OPENERS)]


def predicted(book: NotebookNode) -> list[str]:
    """The reader is asked to predict, and each idea section has a labelled equation in it."""
    text = "\n".join(c.source for c in book.cells if is_text(c))
    complaints = []
    if len(re.findall(r"\*\*Predict before you run\.?\*\*", text)) < 2:
        complaints.append("asks to **Predict before you run.** fewer than two times")
    if not re.search(r"\$\$ *\(eq-\d\d-[\w-]+\)", text):
        complaints.append("no labelled equation")
    return complaints


def self_check(book: NotebookNode) -> list[str]:
    """Questions with a reply to every answer close the Summary."""
    text = "\n".join(c.source for c in section(book, "Summary"))
    asked = "### Check yourself" in text and ":::{self-check}" in text
    return [] if asked else ["no self-check in the Summary"]


def reproducible(book: NotebookNode) -> list[str]:
    """The last cell reports, and its output is not compared."""
    last = code_cells(book)[-1:]
    if last and "report()" in last[0].source and "nbval-ignore-output" in tags(last[0]):
        return []
    return ["the last code cell is not report() with the tag nbval-ignore-output"]


def typed_numbers(book: NotebookNode) -> list[str]:
    """Measured-looking numbers in prose, outside math and tables, that no code cell sets."""
    text = re.sub(r"^\|.*\|$", " ", prose(book), flags=re.M)
    settings = {n for cell in code_cells(book) for n in re.findall(r"\d*\.?\d+", cell.source)}
    numbers = [n for n in NUMBER_TYPED.findall(text) if n not in settings]
    return [f"a typed number in the text: {number}" for number in numbers]


RULES: list[Callable[[NotebookNode], list[str]]] = [
    order,
    promise,
    setup,
    imported,
    line_length,
    plain_code,
    reading_time,
    objectives,
    figures,
    interactive,
    glue_keys,
    enough_claims,
    executed,
    claimed_numbers,
    explicit_randomness,
    self_contained,
    predicted,
    self_check,
    reproducible,
    typed_numbers,
]


def machine_paths(text: str) -> Iterator[str]:
    """Absolute paths of somebody's machine."""
    for number, line in enumerate(text.splitlines(), 1):
        if found := MACHINE_PATH.search(line):
            yield f"line {number}: {line[found.start() : found.start() + 40]}"
