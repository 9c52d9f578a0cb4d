"""A number that a cell quotes reaches the sentence that asks for it."""

from __future__ import annotations

import sys

import pytest
from nbformat.v4 import new_code_cell, new_notebook, output_from_msg

from lessons_lib.course.notebooks.live.reader import glued
from lessons_lib.course.report import quote


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """What a kernel would have stored below the cell."""
    outputs: list[dict] = []

    def display(data: dict, metadata: dict, **_: object) -> None:
        content = {"data": data, "metadata": metadata}
        outputs.append(
            output_from_msg({"header": {"msg_type": "display_data"}, "content": content})
        )

    monkeypatch.setattr("myst_nb.ext.glue.ipy_display", display)
    return outputs


def test_each_number_stands_under_its_name(published: list[dict]) -> None:
    quote(gap="0.10", samples=500)
    page = new_notebook(cells=[new_code_cell(outputs=published)])
    assert glued(page) == {"gap": "0.10", "samples": "500"}


def test_nothing_is_shown(published: list[dict], capsys: pytest.CaptureFixture[str]) -> None:
    quote(gap="0.10")
    (output,) = published
    assert all(kind.startswith("application/papermill.record/") for kind in output["data"])
    assert capsys.readouterr().out == ""


def test_without_the_tools_of_the_book_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "myst_nb", None)
    quote(gap="0.10")
