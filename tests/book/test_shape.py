"""The report on sizes counts code, and tells docstrings from it."""

import shape

TEXT = '''"""A module."""

SIZE = 3
"""Told below."""


def f(x):
    """Say it.

    Twice.
    """
    # why
    return x  # here
'''


def test_docstrings_comments_and_blank_lines_are_no_code():
    found = shape.shape({"lessons_lib/a.py": TEXT})
    assert (found.lines, found.told) == (13, 6)
    assert found.files == [(3, "lessons_lib/a.py")]
    assert found.functions == [(2, "lessons_lib/a.py:7 f")]


def test_a_file_counts_for_the_innermost_part():
    assert shape.part("lessons_lib/course/report.py") == "lessons_lib/course"
    assert shape.part("lessons_lib/losses/exact.py") == "lessons_lib"


def test_it_tells_what_changed(capsys, monkeypatch):
    monkeypatch.setattr(shape, "then", lambda revision: {"tests/a.py": TEXT})
    monkeypatch.setattr(shape, "now", lambda: {"tests/a.py": TEXT + "\nSIZE += 1\n"})
    shape.main(["v0"])
    told = capsys.readouterr().out
    assert told.startswith("Since v0.") and "+2" in told and "+1" in told
