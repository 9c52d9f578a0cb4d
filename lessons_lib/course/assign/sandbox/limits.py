"""Limits that the system keeps for one process, and an environment that holds no secret."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

MEGABYTE = 1 << 20
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    ``cell`` and ``call`` are seconds for a cell of the notebook and for a call of an answer,
    ``total`` for the submission. ``memory`` is on top of Python with its libraries, ``file`` is the
    largest file and ``disk`` all files together; the three are in bytes. ``entries`` is the number
    of files and folders.
    """

    cell: float = 30.0
    call: float = 10.0
    total: float = 120.0
    memory: int = 2048 * MEGABYTE
    file: int = 64 * MEGABYTE
    disk: int = 256 * MEGABYTE
    entries: int = 10_000

    def set(self, space: int | None = None) -> None:
        """Impose on this process what the kernel counts.

        Parameters
        ----------
        space : int, optional
            Bytes that Python with its libraries takes; by default, what this process takes now.
        """
        import resource  # which not every system has

        space = address_space() if space is None else space
        kernel = {
            resource.RLIMIT_CPU: int(self.total) + 1,
            resource.RLIMIT_FSIZE: self.file,
            resource.RLIMIT_CORE: 0,
            resource.RLIMIT_NOFILE: 256,
        }
        if sys.platform == "linux":
            kernel[resource.RLIMIT_AS] = space + self.memory
            kernel[resource.RLIMIT_MEMLOCK] = 0
        for kind, value in kernel.items():
            hard = resource.getrlimit(kind)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (value, value))


def address_space() -> int:
    """Bytes of this process's address space; 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


def remove(folder: Path) -> None:
    """Delete ``folder`` with all that a submission left in it, however deep."""
    try:
        shutil.rmtree(folder)
    except (OSError, RecursionError):
        subprocess.run(["rm", "-rf", "--", str(folder)], check=False, capture_output=True)


def die_with_parent() -> None:
    """Ask the kernel to end this process when the one that started it ends, however that does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGTERM))


def plain_environment(folder: Path) -> dict[str, str]:
    """Return an environment for Python in ``folder``, with nothing of the one here but the path."""
    here = {name: str(folder) for name in ("HOME", "TMPDIR", "MPLCONFIGDIR", "IPYTHONDIR")}
    threads = ("OMP", "MKL", "OPENBLAS", "NUMEXPR")
    return here | {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(Path(__file__).parents[4]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONSAFEPATH": "1",
        "MPLBACKEND": "Agg",
        "LC_ALL": "C.UTF-8",
        **{f"{name}_NUM_THREADS": "1" for name in threads},
    }
