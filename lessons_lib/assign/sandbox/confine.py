"""All the walls around one process: files, system calls, limits and capabilities."""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Iterable
from pathlib import Path

from lessons_lib.assign.sandbox import landlock, seccomp
from lessons_lib.assign.sandbox.limits import Limits, drop_capabilities

SYSTEM = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/dev/null",
    "/dev/zero",
    "/dev/urandom",
)
"""What Python's libraries read of the system."""


def missing() -> str | None:
    """Say what this machine lacks to confine a process, or None if it can."""
    if os.uname().sysname != "Linux":
        return f"{os.uname().sysname} has no Landlock and no seccomp, which Linux has"
    if not seccomp.known_machine():
        return f"the numbers of the system calls of {os.uname().machine} are not known here"
    if landlock.version() < 1:
        return "this kernel has no Landlock: it needs Linux 5.13 or newer, and lsm=landlock"
    return None


def readable() -> list[Path]:
    """Folders that Python needs: its own, its packages, this library, and the system's."""
    own = [sys.prefix, sys.base_prefix, sys.exec_prefix, str(Path(__file__).parents[2])]
    packages = [*site.getsitepackages(), site.getusersitepackages()]
    packages += [p for p in sys.path if Path(p).name in {"site-packages", "dist-packages"}]
    return list(dict.fromkeys(Path(p).resolve() for p in [*own, *packages, *SYSTEM] if p))


def exposed(secrets: Iterable[Path]) -> list[Path]:
    """Those of ``secrets`` that a confined process could read."""
    walls = readable()
    return [s for s in secrets if any(s.resolve().is_relative_to(wall) for wall in walls)]


def confine(folder: Path, limits: Limits, *, abi: int | None = None) -> None:
    """Shut this process, which has one thread, into ``folder``; there is no way back.

    Parameters
    ----------
    folder : Path
        The only place where it may write.
    limits : Limits
        Imposed first.
    abi : int, optional
        An older Landlock than the kernel's, for tests.

    Raises
    ------
    OSError
        If the kernel refuses one of the walls.
    """
    limits.set()
    inside = [folder.resolve(), Path("/dev/null")]
    seccomp.gain_no_privileges()
    landlock.confine_files(readable=readable(), writable=inside, abi=abi)
    drop_capabilities()
    seccomp.refuse_calls()
