"""What the tests share: where things are, and one thread for small networks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)

ROOT = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--built-book FOLDER`` makes the tests of rendered pages obligatory."""
    parser.addoption("--built-book", default=None, help="folder of the built html")


@pytest.fixture(scope="session")
def pages(request: pytest.FixtureRequest) -> Path:
    """The folder of rendered pages; without ``--built-book`` and without a build, skip."""
    asked = request.config.getoption("--built-book")
    folder = Path(asked) if asked else ROOT / "_build" / "html"
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
