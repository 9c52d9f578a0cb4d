"""Stored and fresh outputs agree within what the page states, and not beyond."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import agreement
import nbformat
import numpy as np
import pytest
from conftest import ROOT
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image

from lessons_lib.course.notebooks import execute


def worst(stored: str, fresh: str) -> float:
    return max((move.size for move in agreement.text_moves(stored, fresh)), default=0.0)


@pytest.mark.parametrize(
    ("stored", "fresh"),
    [
        ("2.05 dB", "2.04 dB"),
        ("learned   9.99 dB", "learned  10.00 dB"),
        ("error 7.61e-08", "error 7.62e-08"),
        ("error 0.1", "error 0.0999"),
        ("gap −0.0", "gap 0.0"),
        ("a 0.86, b 1.2\nc 3.0", "a 0.87, b 1.2\nc 3.1"),
        ("| TV | 39.4 | −0.3 ± 0.2 |", "| TV | 39.3 | −0.2 ± 0.2 |"),
        ("✓ The error is small: 0.0174 < 0.5", "✓ The error is small: 0.0371 < 0.5"),
        ("✓ Two to one: 1.9 ≈ 2 within 0.2", "✓ Two to one: 2.15 ≈ 2 within 0.2"),
        ("✓ Exactly: 3 = 3 exactly", "✓ Exactly: 3 = 3 exactly"),
        ("✓ A bound that was measured: 0.9 > 0.512", "✓ A bound that was measured: 0.8 > 0.513"),
    ],
)
def test_what_machines_may_differ_in(stored: str, fresh: str) -> None:
    assert worst(stored, fresh) <= 1.0


@pytest.mark.parametrize(
    ("stored", "fresh"),
    [
        ("2.05 dB", "2.03 dB"),
        ("2.05 dB", "-2.05 dB"),
        ("learned 9.99 dB", "learned 9.99 ms"),
        ("error 7.61e-08", "error 7.61e-07"),
        ("256 rows", "257 rows"),
        ("torch 2.13.0", "torch 2.14.0"),
        ("one line", "one line\nand another"),
        ("✓ The error is small: 0.0174 < 0.5", "✓ The error is tiny: 0.0174 < 0.5"),
        ("✓ The error is small: 0.0174 < 0.5", "✓ The error is small: 0.0174 < 0.6"),
        ("✓ The error is small: 0.0174 < 0.5", "✓ The error is small: 0.0174 > 0.01"),
        ("✓ The error is small: 0.7174 < 0.5", "✓ The error is small: 0.0174 < 0.5"),
        ("✓ Two to one: 1.9 ≈ 2 within 0.2", "✓ Two to one: 1.9 ≈ 2 within 0.3"),
        ("✓ Two to one: 1.7 ≈ 2 within 0.2", "✓ Two to one: 1.9 ≈ 2 within 0.2"),
        ("✓ Two to one: 1.9 ≈ 3 within 0.2", "✓ Two to one: 1.9 ≈ 2 within 0.2"),
        ("✓ Exactly: 4 = 3 exactly", "✓ Exactly: 3 = 3 exactly"),
        ("✓ Everywhere: all 12 values within 0.1", "✓ Everywhere: all 11 values within 0.1"),
    ],
)
def test_what_no_machine_may_differ_in(stored: str, fresh: str) -> None:
    assert worst(stored, fresh) > 1.0


def test_a_claim_prints_what_the_comparison_reads(capsys: pytest.CaptureFixture[str]) -> None:
    from lessons_lib.course.checks import claim

    claim("One in words", 1.01, equals=1.0, within=0.02)
    claim("One in words", 1, equals=1, within=0)
    claim("One in words", 1.01, below=2.0)
    claim("One in words", -1.01, above=-2.0)
    for line in capsys.readouterr().out.splitlines():
        evidence = agreement.CLAIM.match(line)["evidence"]
        assert agreement.EQUALS.match(evidence) or agreement.BOUND.match(evidence), line


def png(pixels: np.ndarray) -> str:
    stream = io.BytesIO()
    Image.fromarray((255 * pixels).astype(np.uint8)).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def test_pictures_agree_up_to_grain_and_not_beyond() -> None:
    rng = np.random.default_rng(0)
    ramp = np.linspace(0.3, 0.7, 160)[:, None] * np.ones((1, 200))
    grain = (ramp + 0.05 * rng.standard_normal(ramp.shape)).clip(0, 1)
    spot = ramp.copy()
    spot[20:30, 25:37] += 0.2  # one part of 10 x 12 pixels
    assert agreement.picture_distance(png(ramp), png(grain)) < agreement.PICTURE_TOLERANCE
    assert agreement.picture_distance(png(ramp), png(spot)) == pytest.approx(0.2, abs=0.01)
    assert agreement.picture_distance(png(ramp), png(ramp[:-1])) == float("inf")
    assert agreement.picture_distance(png(ramp), png(ramp)) == 0.0


def test_pictures_of_any_size_are_cut_into_parts_that_cover_them() -> None:
    for height, width in [(1, 1), (7, 40), (33, 17)]:
        image = np.full((height, width), 0.2)
        moved = image.copy()
        moved[-1, -1] = 1.0
        assert agreement.picture_distance(png(image), png(moved)) > 0.0


# Through nbval itself: one notebook that prints in every way, and a wrong number in each.

HALVES = """
from lessons_lib.course.checks import claim
claim("Half of four is two", 2.01, equals=2.0, within=0.05)
"""
TABLE = """
from IPython.display import Markdown
Markdown("| a | b |\\n|---|---|\\n| 3.25 | 4 |")
"""
PLAYER = """
from matplotlib import pyplot as plt
from lessons_lib.course.widgets import frames
def draw(n):
    fig, ax = plt.subplots(figsize=(2, 1))
    ax.bar([0], [n])
    ax.set_ylim(0, 4)
    return fig
frames(draw, {"n": [1, 3]}, alt=lambda n: f"A bar of height {n + 0.25:.2f}")
"""
SOURCES = {
    "print": 'print(f"gain {3.25:.2f} dB")',
    "integer": 'print("rows", 256)',
    "claim": HALVES,
    "bound": 'claim("Two is above one by far", 2.01, above=1.0)',
    "result": "round(3.254, 2)",
    "glue": 'from myst_nb import glue\nglue("gain", f"{3.25:.2f}", display=False)',
    "table": TABLE,
    "player": PLAYER,
    "figure": "draw(3)\nplt.show()",
}

SPOILS = {
    "print": ("3.25", "3.27"),
    "integer": ("256", "257"),
    "claim": ("2.01 ≈", "2.11 ≈"),
    "bound": ("2.01 >", "0.91 >"),
    "result": ("3.25", "3.22"),
    "glue": ("3.25", "3.27"),
    "table": ("| 3.25 |", "| 3.21 |"),
    "player": ("height 3.25", "height 3.35"),
    "figure": None,
}


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    cells = [new_code_cell(source) for source in SOURCES.values()]
    return execute(new_notebook(cells=cells), folder=tmp_path_factory.mktemp("printed"))


def judged(folder: Path) -> str:
    """What nbval with the plugin says of the notebooks in a folder."""
    command = [sys.executable, "-m", "pytest", str(folder), "--nbval", "--nbval-current-env"]
    command += [
        "-p",
        "tests.book.stored_outputs",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(folder),
    ]
    command += ["-o", "addopts=", "--machine", "a toy"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    return done.stdout


def spoil(notebook: nbformat.NotebookNode, kind: str) -> nbformat.NotebookNode:
    """The notebook with one stored output of one kind moved too far."""
    spoilt = nbformat.from_dict(json.loads(json.dumps(notebook)))
    cell = spoilt.cells[list(SOURCES).index(kind)]
    if SPOILS[kind] is None:
        (output,) = [o for o in cell.outputs if "image/png" in o.get("data", {})]
        with Image.open(io.BytesIO(base64.b64decode(output.data["image/png"]))) as picture:
            pixels = np.asarray(picture.convert("L"), dtype=float) / 255
        output.data["image/png"] = png(pixels[::-1])
        return spoilt
    text = json.dumps(cell.outputs)
    old, new = (json.dumps(word)[1:-1] for word in SPOILS[kind])
    assert old in text
    cell.outputs = [nbformat.from_dict(o) for o in json.loads(text.replace(old, new))]
    return spoilt


def test_every_way_of_printing_is_compared(printed: nbformat.NotebookNode, tmp_path: Path) -> None:
    spoilt = printed
    for kind in SPOILS:
        spoilt = spoil(spoilt, kind)
    nbformat.write(printed, tmp_path / "right.ipynb")
    nbformat.write(spoilt, tmp_path / "spoilt.ipynb")
    said = judged(tmp_path)
    assert f"{len(SPOILS)} failed, {len(SPOILS)} passed" in said, said
    failed = re.findall(r"^FAILED .*?(\w+)\.ipynb::Cell (\d+)", said, re.M)
    assert failed == [("spoilt", str(number)) for number in range(len(SPOILS))]
    assert "cells that moved on a toy" in said


def test_a_claim_without_teeth_is_refused(tmp_path: Path) -> None:
    """The stored line is right, and the next cell is not blamed for it."""
    start = "from lessons_lib.course.checks import claim"
    weak = 'claim("A third is less than a hundred", 1 / 3, below=100.0)'
    cells = [new_code_cell(source) for source in (start, weak, HALVES)]
    notebook = execute(new_notebook(cells=cells), folder=tmp_path)
    nbformat.write(notebook, tmp_path / "weak.ipynb")
    said = judged(tmp_path)
    assert "1 failed, 2 passed" in said and "weak.ipynb::Cell 1" in said, said
    assert "A third is less than a hundred: passes with the measurement negated, ten" in said


def test_the_sanitiser_of_texts_leaves_pictures_alone() -> None:
    """An address is a word in a text, and may be four bytes of a picture."""
    import stored_outputs

    class Cell:
        def sanitize(self, text: str | None) -> str | None:
            return text and text.replace("0xabcdef12", "ADDRESS")

    data = {"text/plain": "<at 0xabcdef12>", "image/png": "iVBOR0xabcdef12", "text/html": "<p>"}
    (seen,) = stored_outputs._readable(Cell(), [{"output_type": "display_data", "data": data}])
    assert seen["data"] == {**data, "text/plain": "<at ADDRESS>"}
    (seen,) = stored_outputs._readable(Cell(), [{"text": "0xabcdef12"}])
    assert seen == {"text": "ADDRESS"}
