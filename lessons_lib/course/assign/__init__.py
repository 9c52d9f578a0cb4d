"""Labs for a class: editions for students and teachers, and grading, all from one source.

The source of a lab is its notebook in the book, with solutions and notes for instructors;
`read_lab` takes it apart. All the rest is done by one command, which explains itself::

    python -m lessons_lib.course.assign
    python -m lessons_lib.course.assign student handout/ --labs 01
    python -m lessons_lib.course.assign grade submissions/ --out gradebook.csv --feedback feedback/

A submission is a program by a stranger. It runs in a process of its own, under limits and behind
walls, for which Linux and bubblewrap are needed: it reads Python and this library, writes one small
disk, and reaches no network, no other process and no other file. Its answers come back as data, and
the judge, with its oracle and its hidden cases, stays outside.
"""

from __future__ import annotations

from lessons_lib.course.assign.source import KINDS, Lab, Task, read_lab

__all__ = ["KINDS", "Lab", "Task", "read_lab"]
