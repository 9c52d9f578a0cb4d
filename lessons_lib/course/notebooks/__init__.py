"""Lessons as files: run in a fresh kernel, and kept free of all that changes without the content.

The commands that keep the book's notebooks are in ``book/_tools/lessons.py``; what stands here is
what the keys and handouts of `lessons_lib.course.assign` need, too. `live` tells a lesson in plain
Markdown, for an editor that knows no roles.
"""

from __future__ import annotations

from lessons_lib.course.notebooks.cleaning import problems, quiet
from lessons_lib.course.notebooks.execution import execute

__all__ = ["execute", "problems", "quiet"]
