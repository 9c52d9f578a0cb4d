"""Run code that nobody has read: in a process of its own, where it can reach nothing else.

A submission is a program by a stranger. It runs in a worker: a process with limits on time, memory
and files, that may read Python and this library, write one folder, and do nothing else. bubblewrap
gives it a machine of its own, in which nothing else exists, and a filter of system calls; the Linux
kernel holds both, for any user. Its answers come back as data. The judge, with its oracle and its
seed, stays outside: behind the walls `lessons_lib.course.checks` has the questions only.
"""

from __future__ import annotations

from lessons_lib.course.assign.sandbox.limits import Limits
from lessons_lib.course.assign.sandbox.remote import Remote, Session, Stopped, Unconfined, worker
from lessons_lib.course.assign.sandbox.walls import exposed, missing

__all__ = [
    "Limits",
    "Remote",
    "Session",
    "Stopped",
    "Unconfined",
    "exposed",
    "missing",
    "worker",
]
