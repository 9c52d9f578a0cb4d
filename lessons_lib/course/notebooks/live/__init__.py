"""Lessons for an editor with a kernel: what the page says in words, their sentences say too.

A lesson is written for the page, where roles such as ``{glue:text}`` become numbers. JupyterLab,
VS Code and Colab know no roles. In the live edition the numbers, the names of figures, equations
and theorems, the citations and the links stand in plain Markdown; code cells stay as they are.

`Reader` reads a page of the book so, and `relinked` leads its links to what is in the same folder.
"""

from __future__ import annotations

from lessons_lib.course.notebooks.live.links import linked, relink, relinked
from lessons_lib.course.notebooks.live.pins import pins
from lessons_lib.course.notebooks.live.reader import Reader
from lessons_lib.course.notebooks.live.targets import pages

__all__ = ["Reader", "linked", "pages", "pins", "relink", "relinked"]
