"""Lessons for an editor with a kernel: what the page says in words, their sentences say too.

A lesson is written for the page, where roles such as ``{glue:text}`` become numbers. JupyterLab,
VS Code and Colab know no roles. In the live edition the numbers, the names of figures, equations
and theorems, the citations and the links stand in plain Markdown; code cells stay as they are.

`Reader` reads a page of the book so; `write` keeps a folder of them, and loses no edit; `open_lab`
shows it in JupyterLab.
"""

from __future__ import annotations

from lessons_lib.notebooks.live.keeping import edition, save, write
from lessons_lib.notebooks.live.laboratory import open_lab
from lessons_lib.notebooks.live.links import linked, relinked
from lessons_lib.notebooks.live.pins import pins
from lessons_lib.notebooks.live.reader import Reader

__all__ = ["Reader", "edition", "linked", "open_lab", "pins", "relinked", "save", "write"]
