"""The grader as a process: how it ends, what it leaves, which console and system it is on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import hand_in
import pytest
from conftest import ROOT
from patience import FOR_EVER, hears_ctrl_c, until

from lessons_lib.course.assign import read_lab, sandbox

FIRST = read_lab(ROOT / "book" / "01_gaussian_score_lab.ipynb")
walls = pytest.mark.skipif(sandbox.missing() is not None, reason=str(sandbox.missing()))

SIGNALS = {
    "Ctrl-C": (signal.SIGINT, 130),
    "SIGTERM": (signal.SIGTERM, 130),
    "a closed terminal": (signal.SIGHUP, 130),
    "SIGKILL": (signal.SIGKILL, -signal.SIGKILL),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A class of which one is graded at once, and one takes for ever."""
    (tmp_path / "tmp").mkdir()
    hand_in.save(hand_in.filled(FIRST, {}), tmp_path / "in" / "ada.ipynb")
    waits = hand_in.with_first_cell(
        hand_in.filled(FIRST, {}), "open('here', 'w').close()\nwhile True: pass"
    )
    hand_in.save(waits, tmp_path / "in" / "eve.ipynb")
    return tmp_path


@pytest.fixture
def grader(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A run that has graded Ada's, and is at Eve's."""
    words = ["grade", "in", "--out", "g.csv", "--labs", "01", "--root", str(ROOT)]
    process = subprocess.Popen(
        [sys.executable, "-m", "lessons_lib.course.assign", *words, "--seconds", str(FOR_EVER)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder / "tmp")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
        preexec_fn=hears_ctrl_c,
    )
    try:
        until(lambda: '"ada"' in text_of(folder / "g.record.json"), "a result of Ada's")
        yield process
    finally:
        process.kill()
        process.communicate()


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


@walls
@pytest.mark.parametrize("name", SIGNALS)
def test_however_a_run_ends_no_folder_stays_and_no_process(
    name: str, folder: Path, grader: subprocess.Popen[str]
) -> None:
    number, status = SIGNALS[name]
    assert list((folder / "tmp").iterdir())
    if name == "Ctrl-C":
        os.killpg(grader.pid, number)  # a terminal tells all in front of it
    else:
        grader.send_signal(number)
    assert grader.wait(FOR_EVER) == status
    until(lambda: not list((folder / "tmp").iterdir()), "an empty folder")
    until(lambda: not workers_of(folder), "the end of its processes")
    said = grader.communicate()[1]
    assert "Traceback" not in said
    if status > 0:
        assert "1 results are kept in g.record.json: the same command goes on" in said


def workers_of(folder: Path) -> list[str]:
    """Processes that were started by a run in this folder, or work in its files."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
            if str(folder).encode() in environment and process.name != str(os.getpid()):
                found.append(process.name)
        except OSError:
            continue
    return found


def run(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "lessons_lib.course.assign", *words, "--root", str(ROOT)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
    )


@walls
@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_name_that_the_console_has_no_sign_for_is_written_out(
    encoding: str, tmp_path: Path
) -> None:
    (tmp_path / "in" / "Łucja 李").mkdir(parents=True)
    (tmp_path / "in" / "Łucja 李" / "a.ipynb").touch()
    done = run(tmp_path, "grade", "in", "--labs", "01", PYTHONIOENCODING=encoding)
    assert (done.returncode, b"\\u0141ucja \\u674e" in done.stdout) == (0, True), done.stderr
    assert "Łucja 李" in (tmp_path / "gradebook.csv").read_text(encoding="utf-8-sig")


def test_editions_are_the_same_in_a_locale_without_utf_8(tmp_path: Path) -> None:
    plain = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    for name, mode in {"old": "0", "new": "1"}.items():
        words = ("student", name, "--labs", "06", "--url", "https://b.org")
        done = run(tmp_path, *words, **plain, PYTHONUTF8=mode)
        assert done.returncode == 0, done.stderr
    for path in (tmp_path / "old").rglob("*.*"):
        other = tmp_path / "new" / path.relative_to(tmp_path / "old")
        assert path.read_bytes() == other.read_bytes(), path


ELSEWHERE = """
import concurrent.futures.process, multiprocessing, os, subprocess, sys, torch
for name in ("resource", "fcntl", "pwd", "grp"):
    sys.modules[name] = None
sys.platform = "win32"
del os.uname, os.fork, os.killpg, os.geteuid
import lessons_lib.course.studies.grading
from lessons_lib.course.assign.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("more", [[], ["--trust-submissions"]])
def test_a_system_without_walls_stops_and_says_so(more: list[str], tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    words = ["grade", "in", "--labs", "01", "--root", str(ROOT), *more]
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "on Linux" in done.stderr
    assert not (tmp_path / "gradebook.csv").exists()
