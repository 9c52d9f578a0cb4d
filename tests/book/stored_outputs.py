"""A pytest plugin: nbval compares stored and fresh outputs by `agreement`, pictures included.

A claim of a cell must also have teeth (see `teeth`): it is judged again with wrong measurements.

``pytest book --nbval -p tests.book.stored_outputs`` judges by what the page states. At its end is a
table of all cells that did not repeat to the last byte, and how far they moved in units of what
they may; ``--machine NAME`` puts a name over it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "book" / "_tools"))

import agreement
from nbval import plugin

from lessons_lib.course.notebooks.cleaning import PICTURE
from lessons_lib.course.notebooks.palette import compact


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--machine NAME`` names the processor in the table."""
    parser.addoption("--machine", default="this machine", help="the name over the table of moves")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Carry the moves of a cell to the summary, through the workers of xdist too."""
    outcome = yield
    if call.when == "call" and getattr(item, "moves", None):
        worst = max(item.moves, key=lambda move: move.size)
        outcome.get_result().user_properties.append(("moved", (worst.size, str(worst))))


def compare_outputs(
    self: plugin.IPyNbCell, test: list, ref: list, skip_compare: Any = None
) -> bool:
    """Stand in for nbval's own: whatever moved may not have moved further than the page states."""
    fresh, stored = _readable(self, test), _readable(self, ref)
    for output in fresh:
        if PICTURE in output.get("data", {}):  # as a stored notebook would keep it
            output["data"][PICTURE] = compact(output["data"][PICTURE])
    self.moves = agreement.cell_moves(stored, fresh)
    wrong = [move for move in self.moves if not move.agrees]
    self.comparison_traceback = [f"{move}\n" for move in wrong]
    return not wrong


def _readable(cell: plugin.IPyNbCell, outputs: list) -> list[dict[str, Any]]:
    """Outputs as plain mappings, with nbval's sanitiser on texts and never inside a picture."""
    made = []
    for output in outputs:
        kept = {**output}
        if "text" in kept:
            kept["text"] = cell.sanitize(kept["text"])
        if "data" in kept:
            plain = {"text/plain": cell.sanitize(kept["data"].get("text/plain"))}
            kept["data"] = {**kept["data"], **{k: v for k, v in plain.items() if v is not None}}
        made.append(kept)
    return made


plugin.IPyNbCell.compare_outputs = compare_outputs

TESTS = Path(__file__).resolve().parents[1]
LISTEN = """
import sys
sys.path.append({tests!r})
import teeth
teeth.listen({record!r})
"""
_setup, _runtest = plugin.IPyNbFile.setup, plugin.IPyNbCell.runtest


def setup(self: plugin.IPyNbFile) -> None:
    """Start the kernel, and where the notebook makes claims, let it listen to them."""
    _setup(self)
    self.record = None
    if any("claim(" in cell.source for cell in self.nb.cells):
        self.folder = tempfile.TemporaryDirectory(prefix="claims-")
        self.record = Path(self.folder.name, "weak.txt")
        code = LISTEN.format(tests=str(TESTS), record=str(self.record))
        self.kernel.await_idle(self.kernel.execute_cell_input(code), timeout=None)
        if not self.record.exists():
            raise RuntimeError(f"{self.path.name}: nobody listens to the claims")


def runtest(self: plugin.IPyNbCell) -> None:
    """Run the cell; fail, too, if one of its claims would pass with a wrong measurement."""
    _runtest(self)
    weak = self.parent.record.read_text(encoding="utf-8") if self.parent.record else ""
    if weak:
        self.parent.record.write_text("", encoding="utf-8")
        raise plugin.NbCellError(self.cell_num, "A claim without teeth", self.cell.source, weak)


plugin.IPyNbFile.setup, plugin.IPyNbCell.runtest = setup, runtest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The cells that moved, the furthest first."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.getreports(kind)]
    found = [(*v, r.nodeid) for r in reports for name, v in r.user_properties if name == "moved"]
    if not found:
        return
    machine = terminalreporter.config.getoption("--machine")
    terminalreporter.section(f"cells that moved on {machine}: share of what they may")
    for size, words, place in sorted(found, reverse=True):
        terminalreporter.write_line(f"{size:6.2f}  {place}: {words[:160]}")
