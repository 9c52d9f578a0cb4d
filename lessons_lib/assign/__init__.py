"""Labs for a class: editions for students and teachers, and grading, all from one source.

The source of a lab is its notebook in the book, with solutions and notes for instructors;
`read_lab` takes it apart.
"""

from __future__ import annotations

from lessons_lib.assign.source import KINDS, Lab, Task, read_lab

__all__ = ["KINDS", "Lab", "Task", "read_lab"]
