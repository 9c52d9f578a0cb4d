"""The package: a wheel and a source archive that hold what they should and leave nothing behind."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from email.message import Message
from pathlib import Path

import hosting
import nbformat
import pytest
import yaml
from conftest import ROOT

import lessons_lib

ADDRESS = "https://github.com/someone/course"
BUILT = (".safetensors", ".json", ".py", ".typed")
LOOKS = """
import lessons_lib
from pathlib import Path
from lessons_lib import pretrained
from lessons_lib.course import studies
{imports}
assert Path(lessons_lib.__file__).is_relative_to({folder!r}), lessons_lib.__file__
assert all(pretrained.load(name) for name in ("disks_3x3", "disks_3x3_mixture"))
assert studies.measured("locality")
"""


def build(source: Path, target: Path, kind: str, **variables: str) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    clean = {k: v for k, v in os.environ.items() if k not in ("BOOK_REPOSITORY", "PYTHONPATH")}
    done = subprocess.run(
        command, cwd=source, env=clean | variables, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (made,) = target.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    before = set(ROOT.iterdir())
    made = build(ROOT, tmp_path_factory.mktemp("wheel"), "wheel", BOOK_REPOSITORY=ADDRESS)
    assert set(ROOT.iterdir()) <= before | {ROOT / ".pytest_cache"}  # no build/, no egg-info
    return made


def about(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as file:
        (name,) = [n for n in file.namelist() if n.endswith("/METADATA")]
        return message_from_string(file.read(name).decode())


def test_the_wheel_holds_the_library_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    library = {p for p in (ROOT / "lessons_lib").rglob("*") if p.suffix in BUILT}
    assert {str(p.relative_to(ROOT).as_posix()) for p in library} <= names
    (info,) = {name.split("/")[0] for name in names} - {"lessons_lib"}
    assert {f"{info}/licenses/{n}" for n in ("LICENSE", "LICENSE-text")} <= names
    assert "lessons_lib/py.typed" in names
    assert not any("test" in Path(n).name.split("_") for n in names)


def test_it_tells_authors_licence_and_addresses(wheel: Path) -> None:
    told = about(wheel)
    assert "authors of the course" in told["Author"]
    assert told["License-Expression"] == "MIT"
    assert told.get_all("Project-URL") == [f"Source, {ADDRESS}", f"Issues, {ADDRESS}/issues"]
    assert told["Description-Content-Type"] == "text/markdown"


def from_the_library(path: Path) -> set[str]:
    """The lines of a notebook that import from the library."""
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    nodes = [n for c in cells for n in ast.walk(ast.parse(c.source))]
    asks = [n for n in nodes if isinstance(n, ast.Import | ast.ImportFrom)]
    return {ast.unparse(n) for n in asks if "lessons_lib" in ast.unparse(n)}


def test_from_an_unrelated_folder_it_has_all_that_lessons_import(
    wheel: Path, tmp_path: Path
) -> None:
    folder, elsewhere = tmp_path / "installed", tmp_path / "elsewhere"
    elsewhere.mkdir()
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet"]
    subprocess.run([*pip, "--target", str(folder), str(wheel)], check=True)
    lines = set().union(*(from_the_library(p) for p in (ROOT / "book").glob("*.ipynb")))
    assert len(lines) > 50
    words = LOOKS.format(imports="\n".join(sorted(lines)), folder=str(folder))
    variables = os.environ | {"PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", words]
    done = subprocess.run(
        command, cwd=elsewhere, env=variables, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_source_archive_holds_what_its_tests_read(tmp_path: Path) -> None:
    """All that git keeps is in it; and the wheel can be built from it, without an address."""
    with tarfile.open(build(ROOT, tmp_path / "made", "sdist")) as archive:
        archive.extractall(tmp_path, filter="data")
    (top,) = [p for p in tmp_path.iterdir() if p.name.startswith("lessons_lib-")]
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, encoding="utf-8")
    kept = [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]
    assert [name for name in kept if not (top / name).is_file()] == []
    assert (top / "tests" / "conftest.py").is_file()
    assert about(build(top, tmp_path / "again", "wheel")).get_all("Project-URL") is None


def test_the_hosted_edition_can_be_installed(tmp_path: Path) -> None:
    hosting.edition(tmp_path / "edition", ADDRESS)
    assert build(tmp_path / "edition", tmp_path / "made", "wheel").suffix == ".whl"


def pins(path: Path) -> set[str]:
    names = re.findall(r"^([\w.-]+)==", path.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names}


def test_a_version_stands_in_one_place() -> None:
    asked = pins(ROOT / "requirements.txt") | pins(ROOT / "requirements-lab.txt")
    assert asked & pins(ROOT / "constraints.txt") == set()
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    others = {Path(hook["repo"]).name for hook in hooks if hook["repo"] != "local"}
    assert others == {"pre-commit-hooks"}, "what .venv has is called from there"


def test_the_release_is_cited_and_told() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == lessons_lib.__version__
    told = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {cited['version']} ({cited['date-released']})" in told


def test_a_release_is_proved_before_it_is_attached() -> None:
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    ran = [
        step["run"] for step in yaml.safe_load(text)["jobs"]["release"]["steps"] if "run" in step
    ]
    assert [line for line in ran if line.startswith("make")] == [
        "make test",
        "make test-machines",
        "make dist",
    ]
