"""What the tests share: where things are, and one thread for small networks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)

ROOT = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--built-book`` makes the tests of pages obligatory."""
    parser.addoption("--built-book", default=None, help="folder of the built html")
    parser.addoption("--write-matrix", action="store_true", help="store the matrix of exercises")


@pytest.fixture(scope="session")
def pages(request: pytest.FixtureRequest) -> Path:
    """The folder of rendered pages; without ``--built-book`` and without a build, skip."""
    asked = request.config.getoption("--built-book")
    folder = Path(asked).resolve() if asked else ROOT / "_build" / "html"
    if not (folder / "book" / "index.html").exists():
        if asked:
            pytest.fail(f"no built book in {folder}")
        pytest.skip("run `make book` first")
    return folder


@pytest.fixture(autouse=True)
def _plain_figures() -> None:
    """Draw without a window, and leave no figure open."""
    import matplotlib

    matplotlib.use("Agg")
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A table: how many claims of each chapter notice each wrong library."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.getreports(kind)]
    rows = [value for r in reports for name, value in r.user_properties if name == "mutation"]
    if any(found for _, found in rows):
        terminalreporter.section("claims that notice a wrong library, by chapter")
    for mutation, found in sorted(rows):
        counts = ", ".join(f"{chapter}: {count}" for chapter, count in found.items())
        terminalreporter.write_line(f"{mutation:48} {counts}")
