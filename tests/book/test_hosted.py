"""Launch buttons follow one address, open notebooks that exist, and those fetch what they need."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlparse

import browser
import hosted
import hosting
import live_edition
import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from conftest import ROOT

SAMPLE = "https://github.com/someone/course"
PAGES = ("glossary.md", "05_patch_trained.ipynb")
OURS = {"lessons_lib"}


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hosted") / "edition"
    hosting.edition(folder, SAMPLE)
    return folder


def header(page: Path) -> BeautifulSoup:
    """All that stands before the text of a page, its buttons among it."""
    text, _, _ = page.read_text(encoding="utf-8").partition("<article")
    return BeautifulSoup(text, "html.parser")


def launched(page: Path) -> list[str]:
    """Addresses of the launch buttons of a page."""
    return [a["href"] for a in header(page).select(".dropdown-launch-buttons a[href]")]


def opens(address: str) -> tuple[str, str]:
    """The project and the path of the notebook that a launch address names."""
    parts, query = urlparse(address), parse_qs(urlparse(address).query)
    if parts.netloc == "colab.research.google.com":
        project, _, path = parts.path.removeprefix("/github/").partition(f"/blob/{hosted.BRANCH}/")
        return project, path
    where = query["urlpath"][0].removeprefix("lab/tree/")
    if parts.netloc == "mybinder.org":
        assert parts.path.endswith(f"/{hosted.BRANCH}")
        return parts.path.removeprefix("/v2/gh/").removesuffix(f"/{hosted.BRANCH}"), where
    assert query["branch"] == [hosted.BRANCH]
    project = query["repo"][0].removeprefix("https://github.com/")
    return project, where.removeprefix(project.split("/")[1] + "/")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pages of the book, built with an address and a hub."""
    folder = tmp_path_factory.mktemp("sample")
    (folder / "book").mkdir()
    for name in ("_ext", "_static", "_templates", "_data"):
        (folder / "book" / name).symlink_to(ROOT / "book" / name)
    for name in (*PAGES, "references.bib"):
        shutil.copy(ROOT / "book" / name, folder / "book")
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    settings["launch_buttons"]["jupyterhub_url"] = "https://hub.example.org"
    (folder / "_config.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    first, *others = (f"book/{Path(name).stem}" for name in PAGES)
    chapters = [{"file": name} for name in others]
    toc = {"format": "jb-book", "root": first, "chapters": chapters}
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")
    command = [Path(sys.executable).with_name("jupyter-book"), "build", ".", "--quiet"]
    settings = os.environ | {"BOOK_REPOSITORY": f"{SAMPLE}.git/"}
    done = subprocess.run(command, cwd=folder, env=settings, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-2000:]
    return folder / "_build" / "html"


def test_every_launch_button_opens_a_notebook_that_exists(built: Path, edition: Path) -> None:
    addresses = launched(built / "book" / "05_patch_trained.html")
    assert [opens(a) for a in addresses] == [("someone/course", "book/05_patch_trained.ipynb")] * 3
    assert (edition / "book" / "05_patch_trained.ipynb").exists()
    assert launched(built / "book" / "glossary.html") == []
    text = (built / "book" / "05_patch_trained.html").read_text(encoding="utf-8")
    assert "JupyterLab on Binder" in text
    assert f"{SAMPLE}/issues/new" in text


def test_the_book_launches_what_exists_or_nothing(pages: Path, edition: Path) -> None:
    """Without an address there is no button; with one, every lesson has its own."""
    address = hosted.address(hosted.configured())
    for page in sorted((pages / "book").glob("[0-9]*.html")):
        found = [opens(a) for a in launched(page)]
        wanted = (address.removeprefix("https://github.com/"), f"book/{page.stem}.ipynb")
        assert found == ([wanted] * len(found) if address else [])
        assert bool(found) == bool(address)
        assert all((edition / path).exists() for _, path in found)


def test_without_an_address_everything_that_needs_one_goes() -> None:
    options = {"repository_url": "", "launch_buttons": {"colab_url": "https://c"}}
    hosted.configure(SimpleNamespace(), SimpleNamespace(html_theme_options=options))
    assert options["launch_buttons"] == {}
    assert not options["use_repository_button"]


def test_the_address_has_one_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOOK_REPOSITORY", raising=False)
    assert hosted.address(SAMPLE + ".git") == hosted.address(SAMPLE + "/") == SAMPLE
    assert hosted.address("") == ""
    with pytest.raises(ValueError, match="wanted https://github"):
        hosted.address("github.com/someone")
    monkeypatch.setenv("BOOK_REPOSITORY", "https://github.com/other/name")
    assert hosted.address(SAMPLE) == "https://github.com/other/name"


def test_every_notebook_fetches_the_course_and_is_otherwise_that_of_the_live_edition(
    edition: Path,
) -> None:
    for name, ours in live_edition.edition(ROOT / "book"):
        if name.endswith(".md"):
            assert (edition / "book" / name).read_text(encoding="utf-8") == ours.cells[0].source
            continue
        theirs = nbformat.read(edition / "book" / name, as_version=4)
        nbformat.validate(theirs)
        cell = theirs.cells.pop(1)
        assert SAMPLE in cell.source
        assert [c.source for c in theirs.cells] == [c.source for c in ours.cells]
        assert theirs.cells[0].source.startswith("# ")
        assert hosting.CELL.splitlines()[0] not in "".join(c.source for c in ours.cells)


def test_the_cell_does_nothing_here_and_fetches_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cell = hosting.CELL.format(url=SAMPLE, branch=hosted.BRANCH)
    ran = []
    monkeypatch.setattr(subprocess, "run", lambda words, check: ran.append(words))
    monkeypatch.chdir(tmp_path)
    exec(cell, {})
    assert ran == []
    (tmp_path / "course" / "book").mkdir(parents=True)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    exec(cell, {})
    assert ran[0][-2:] == [SAMPLE, "course"]
    assert ran[1][:4] == [sys.executable, "-m", "pip", "install"]
    assert Path.cwd() == tmp_path / "course" / "book"


def imported(path: Path) -> set[str]:
    """Packages that the code of a notebook imports."""
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    nodes = [n for c in cells for n in ast.walk(ast.parse(c.source))]
    names = {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
    names |= {n.module for n in nodes if isinstance(n, ast.ImportFrom)}
    return {name.split(".")[0] for name in names}


def test_what_notebooks_import_is_installed_with_the_course() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = project["dependencies"] + project["optional-dependencies"]["notebooks"]
    given = {re.match(r"[\w-]+", line)[0].lower() for line in listed} | {"ipython"}
    names = set().union(*(imported(path) for path in (ROOT / "book").glob("*.ipynb")))
    outside = names - set(sys.stdlib_module_names) - OURS - {"matplotlib_inline"}
    packages = packages_distributions()
    assert len(outside) > 3
    assert {n for n in outside if not given & {p.lower() for p in packages.get(n, [])}} == set()


def test_a_binder_installs_the_versions_of_the_course(edition: Path) -> None:
    lines = (edition / "binder" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert lines[0].endswith("whl/cpu")
    assert lines[-1] == ".[notebooks]"
    assert any(line.startswith("torch==") for line in lines)
    assert not any("sphinx" in line or "pytest" in line for line in lines)


def test_a_workflow_writes_the_branch_that_buttons_name() -> None:
    text = (ROOT / ".github" / "workflows" / "hosted.yml").read_text(encoding="utf-8")
    assert yaml.safe_load(text)[True]["push"] == {"branches": ["main"]}
    assert (
        f"book/_tools/hosting.py edition\n          cd edition\n          git init --quiet "
        f"--initial-branch {hosted.BRANCH}" in text
    )


def test_each_notebook_can_be_downloaded(pages: Path) -> None:
    for path in sorted((ROOT / "book").glob("*.ipynb")):
        page = pages / "book" / f"{path.stem}.html"
        (link,) = header(page).select("a.btn-download-source-button")
        assert (page.parent / link["href"]).read_bytes() == path.read_bytes()


def test_a_server_hands_out_the_notebook_as_a_file(pages: Path) -> None:
    with browser.launched() as started, browser.served(pages) as server:
        with browser.opened(started, f"{server}/book/05_patch_trained.html") as visit:
            visit.page.locator(".dropdown-download-buttons > button").click()
            with visit.page.expect_download() as download:
                visit.page.locator(".btn-download-source-button").click()
            assert download.value.suggested_filename == "05_patch_trained.ipynb"
            ours = ROOT / "book" / "05_patch_trained.ipynb"
            assert Path(download.value.path()).read_bytes() == ours.read_bytes()
