"""*When something goes wrong*: each message of the page is provoked, and found word for word."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import hand_in
import pytest
import torch
from conftest import ROOT
from patience import FOR_EVER

from lessons_lib import metrics, networks, patches, training
from lessons_lib.course.assign import read_lab
from lessons_lib.course.assign.__main__ import main as assign
from lessons_lib.course.checks import claim

PAGE = (ROOT / "book" / "trouble.md").read_text(encoding="utf-8")
ENTRY = re.compile(r"^### (.+?)\n\n```text\n(.+?)\n```\n\n(.+?)(?=^#|\Z)", re.M | re.S)
TOLD = {title: (message, cure) for title, message, cure in ENTRY.findall(PAGE)}
FIRST = read_lab(ROOT / "book" / "01_gaussian_score_lab.ipynb")

Fault = Callable[[Path], str]
FAULTS: dict[str, Fault] = {}


def meets(title: str) -> Callable[[Fault], Fault]:
    """The fault under this heading: it takes an empty folder, and returns what a person reads."""

    def keep(fault: Fault) -> Fault:
        FAULTS[title] = fault
        return fault

    return keep


def said(*words: str | Path, **options: object) -> str:
    """What a command says that fails."""
    done = subprocess.run(words, capture_output=True, encoding="utf-8", timeout=FOR_EVER, **options)
    assert done.returncode != 0
    return done.stdout + done.stderr


def raised(action: Callable[[], object]) -> str:
    """The last line of the traceback."""
    with pytest.raises(Exception) as caught:
        action()
    return f"{caught.type.__name__}: {caught.value}"


def graded(folder: Path, *words: str, name: str = "in") -> str:
    """What the grader says of a folder of submissions."""
    heard = io.StringIO()
    with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
        out = ["--out", str(folder / "gradebook.csv"), "--root", str(ROOT), "--labs", "01"]
        assign(["grade", str(folder / name), *out, *words])
    return heard.getvalue()


@meets("The Python is too old")
def _(folder: Path) -> str:
    if not shutil.which("make"):
        pytest.skip("no make on this machine")
    old = folder / "python3"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    for name in ("Makefile", "requirements.txt", "constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return said("make", "book", cwd=folder, env=os.environ | {"PATH": path})


@meets("The notebook does not find the library")
def _(folder: Path) -> str:
    return said(sys.executable, "-I", "-S", "-c", "import lessons_lib", cwd=folder)


@meets("There is no browser to print with")
def _(folder: Path) -> str:
    page = str(folder / "page.html")
    program = f"import print_book as p; p.find = lambda: None; p.print_pages({page!r}, None)"
    path = {"PYTHONPATH": str(ROOT / "book" / "_tools")}
    return said(sys.executable, "-c", program, env=os.environ | path)


@meets("A name is not defined")
def _(folder: Path) -> str:
    stub = FIRST.tasks[0].tagged("check")[0].source
    return raised(lambda: exec(stub, {}))


@meets("An exercise is not attempted")
def _(folder: Path) -> str:
    return str(next(iter(FIRST.exercises.values())).verdict(...))


@meets("A claim fails")
def _(folder: Path) -> str:
    return raised(lambda: claim("The error of denoising", 0.3, below=0.1))


@meets("An image has another shape")
def _(folder: Path) -> str:
    return raised(lambda: patches.Patches((48, 48), 5)(torch.zeros(64, 64)))


@meets("An image holds whole numbers")
def _(folder: Path) -> str:
    image = torch.zeros(48, 48, dtype=torch.uint8)
    return raised(lambda: metrics.psnr(image, image, data_range=255))


@meets("A training breaks off")
def _(folder: Path) -> str:
    generator = torch.Generator().manual_seed(0)
    net = networks.mlp((2, 4, 1), generator=generator)

    def cost(model, generator):
        return model(torch.ones(1, 2)).sum() * torch.inf

    return raised(lambda: list(training.train(net, cost, num_steps=2, generator=generator)))


@meets("A checkpoint is of another recipe")
def _(folder: Path) -> str:
    def run(learning_rate: float) -> None:
        generator = torch.Generator().manual_seed(0)
        net = networks.mlp((2, 4, 1), generator=generator)
        list(training.train(
            net, lambda model, generator: model(torch.ones(1, 2)).square().sum(), num_steps=2,
            generator=generator, learning_rate=learning_rate, checkpoint=folder / "net.pt",
        ))  # fmt: skip

    run(1e-3)
    return raised(lambda: run(1e-2))


@meets("A submission is refused")
def _(folder: Path) -> str:
    (folder / "in").mkdir()
    with zipfile.ZipFile(folder / "in" / "ada.zip", "w") as packed:
        packed.writestr("lab.ipynb", "{}")
    shutil.copy(folder / "in" / "ada.zip", folder / "in" / "ben.ipynb")
    return graded(folder, "--trust-submissions")


@meets("The system has no walls")
def _(folder: Path) -> str:
    hand_in.save(hand_in.filled(FIRST, {}), folder / "in" / "ada.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lessons_lib.course.assign.batch.missing", lambda: "this kernel has no walls")
        return graded(folder)


@meets("The gradebook is of another class")
def _(folder: Path) -> str:
    for name in ("in", "other"):
        (folder / name).mkdir()
    graded(folder, "--trust-submissions")
    return graded(folder, "--trust-submissions", name="other")


@meets("The roster cannot be read")
def _(folder: Path) -> str:
    (folder / "in").mkdir()
    (folder / "class.csv").write_bytes("student,name\nzoe,Zoë\n".encode("cp1252"))
    return graded(folder, "--roster", str(folder / "class.csv"), "--trust-submissions")


def test_the_page_and_the_faults_are_the_same() -> None:
    assert list(TOLD) == list(FAULTS)
    assert len(PAGE.split("\n### ")) - 1 == len(TOLD), "each entry is a message and its cure"


@pytest.mark.parametrize("title", FAULTS)
def test_the_message_is_met_and_is_on_the_page(title: str, tmp_path: Path) -> None:
    """Dots stand for what differs from case to case."""
    message, cure = TOLD[title]
    parts = re.escape(message).replace("…", ".+?").replace(r"\ ", r"\s+")
    heard = FAULTS[title](tmp_path)
    assert re.search(parts, heard, re.S), heard
    assert cure.strip()
