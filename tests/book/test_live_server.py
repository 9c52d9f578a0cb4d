"""`make lab` as a reader meets it: JupyterLab on the loopback, a lesson run, a slider moved.

JupyterLab is no requirement of the tests: without it they are skipped, and `make test-lab`, which
installs it, makes them obligatory with NEED_LAB=1.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import browser
import laboratory
import pytest
from conftest import ROOT
from patience import FOR_EVER, until
from playwright.sync_api import Page

TOKEN = "only-for-this-test"
LESSON = "01_gaussian_score.ipynb"
ROLE = re.compile(r"\{[\w:]+\}`|:::|\(eq-|\$\$")
PICTURE = ".jp-OutputArea .widget-html img"
HANDLE = ".jp-OutputArea .widget-slider .noUi-handle"
IDLE = '.jp-NotebookPanel-toolbar [data-status="idle"]'

pytestmark = pytest.mark.skipif(
    find_spec("jupyterlab") is None and not os.environ.get("NEED_LAB"),
    reason="JupyterLab is not installed (make test-lab installs it)",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address, opened in a home that has another kernel under the name of ours."""
    home = tmp_path_factory.mktemp("home")
    kernel = home / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(
        json.dumps({"argv": ["false"], "display_name": "Wrong"}), encoding="utf-8"
    )
    folder = home / "live"
    laboratory.prepare(ROOT / "book", folder)
    places = ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_WORKSPACES_DIR")
    own = {name: str(home / name) for name in places}
    own |= {"HOME": str(home), "JUPYTER_DATA_DIR": str(home / "jupyter")}
    options = ["--no-browser", "--ip=127.0.0.1", "--port=0", "--allow-root"]
    words = laboratory.command(folder, [*options, f"--IdentityProvider.token={TOKEN}"])
    with (
        (home / "log").open("w", encoding="utf-8") as log,
        running(words, laboratory.environment() | own, log) as it,
    ):
        yield address(it, home)


@contextmanager
def running(words: list[str], variables: dict[str, str], log: object) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(words, env=variables, stdout=log, stderr=subprocess.STDOUT)
    yield process
    process.terminate()
    process.wait()


def address(process: subprocess.Popen, home: Path) -> str:
    """Where the server listens, as soon as it has written that down."""

    def written() -> str:
        if process.poll() is not None:
            pytest.fail((home / "log").read_text(encoding="utf-8")[-2000:])
        files = (home / "JUPYTER_RUNTIME_DIR").glob("jpserver-*.json")
        return next((file.read_text(encoding="utf-8") for file in files), "")

    return json.loads(until(written, "the server"))["url"]


@contextmanager
def lesson(server: str, name: str) -> Iterator[Page]:
    """A lesson in JupyterLab, shown."""
    with browser.launched() as started:
        context = started.new_context(viewport={"width": 1400, "height": 1000})
        context.set_default_timeout(1000 * FOR_EVER)
        page = context.new_page()
        page.goto(f"{server}lab/tree/{name}?token={TOKEN}")
        page.wait_for_selector(".jp-Notebook .jp-MarkdownOutput h1")
        yield page
        context.close()


def test_a_lesson_reads_like_the_page_and_its_slider_redraws(server: str, tmp_path: Path) -> None:
    with lesson(server, LESSON) as page:
        page.wait_for_selector(IDLE)
        assert page.locator(".jp-Dialog").count() == 0
        page.wait_for_selector(".lesson-player .controls:not([hidden])", state="attached")
        assert ROLE.findall(page.locator(".jp-Notebook").inner_text()) == []
        page.screenshot(path=tmp_path / "opened.png")

        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        page.wait_for_selector(HANDLE, state="attached")
        handle = page.locator(HANDLE).first
        handle.scroll_into_view_if_needed()
        picture = page.locator(PICTURE).first
        before = picture.get_attribute("src")
        handle.focus()
        page.keyboard.press("ArrowRight")
        moved = "([place, old]) => document.querySelector(place).src !== old"
        page.wait_for_function(moved, arg=[PICTURE, before])
        assert picture.get_attribute("alt")
        page.screenshot(path=tmp_path / "moved.png")
        page.wait_for_selector(IDLE)
        assert page.locator('.jp-OutputArea-output[data-mime-type*="error"]').count() == 0


def test_the_glossary_opens_to_be_read(server: str) -> None:
    with browser.launched() as started:
        page = started.new_page()
        page.set_default_timeout(1000 * FOR_EVER)
        page.goto(f"{server}lab/tree/glossary.md?token={TOKEN}")
        page.wait_for_selector(".jp-MarkdownViewer h1")
