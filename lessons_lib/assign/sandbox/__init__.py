"""Run code that nobody has read: in a process of its own, where it can reach nothing else.

A submission is a program by a stranger. It runs in a worker: a process with limits on time, memory
and files, that may read Python and this library, write one folder, and do nothing else: no
network, no other process, no other file (Landlock and seccomp, enforced by the Linux kernel for
any user). Its answers come back as data. The judge, with its oracle and its seed, stays outside.
"""

from __future__ import annotations

from lessons_lib.assign.sandbox.confine import exposed, missing
from lessons_lib.assign.sandbox.limits import Limits
from lessons_lib.assign.sandbox.remote import Nursery, Remote, Session, Stopped, Unconfined

__all__ = [
    "Limits",
    "Nursery",
    "Remote",
    "Session",
    "Stopped",
    "Unconfined",
    "exposed",
    "missing",
]
