"""A filter in the kernel that refuses the system calls of `syscalls` to this process, for good.

The filter is a program for the kernel's packet machine: it loads the number of the call, compares,
and returns a verdict. It is inherited by threads, cannot be taken off, and holds for root too.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

from lessons_lib.assign.sandbox.syscalls import ARCHITECTURES, GUARDED, IGNORED, NEWEST, REFUSED

ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2
CLONE_THREAD = 0x00010000
X32 = 0x40000000

LEASES_AND_OWNERS = (8, 10, 15, 1024, 1026)
"""Commands of fcntl by which a signal, or a wait, would reach another process."""

_LOAD, _EQUAL, _GREATER, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
_NUMBER, _MACHINE, _FIRST, _SECOND = 0, 4, 16, 24  # offsets of what a call is known by

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, value


def program(machine: str, pid: int) -> bytes:
    """Return the filter for a process.

    Parameters
    ----------
    machine : str
        ``"x86_64"`` or ``"aarch64"``.
    pid : int
        The process that may signal itself, and nobody else.

    Returns
    -------
    bytes
        Instructions of eight bytes each.

    Raises
    ------
    ValueError
        If the numbers of this machine's calls are not known.
    """
    if machine not in ARCHITECTURES:
        raise ValueError(f"machine must be one of {', '.join(ARCHITECTURES)}; got {machine!r}")
    mark, column = ARCHITECTURES[machine]
    steps: list[Instruction] = [
        (_LOAD, 0, 0, _MACHINE),
        (_EQUAL, 1, 0, mark),  # calls in the manner of another machine have other numbers
        (_RETURN, 0, 0, KILL),
        (_LOAD, 0, 0, _NUMBER),
        *_when(_AT_LEAST, X32, KILL),
        *_when(_GREATER, NEWEST, ERRNO | errno.ENOSYS),
        *_when(_EQUAL, GUARDED["clone3"][column], ERRNO | errno.ENOSYS),  # clone is tried next
    ]
    for table, verdict in ((REFUSED, ERRNO | errno.EPERM), (IGNORED, ERRNO)):
        numbers = [row[column] for row in table.values()]
        steps += [s for n in numbers if n is not None for s in _when(_EQUAL, n, verdict)]
    for name, tests in _guards(pid).items():
        steps += _branch(GUARDED[name][column], tests)
    steps.append((_RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def _guards(pid: int) -> dict[str, list[Instruction]]:
    """For each guarded call, what runs once its number is met; it ends in a verdict."""
    refuse, allow = (_RETURN, 0, 0, ERRNO | errno.EPERM), (_RETURN, 0, 0, ALLOW)
    itself = [(_LOAD, 0, 0, _FIRST), (_EQUAL, 1, 0, pid), refuse, allow]
    or_zero = [(_LOAD, 0, 0, _FIRST), (_EQUAL, 2, 0, pid), (_EQUAL, 1, 0, 0), refuse, allow]
    commands = [step for c in LEASES_AND_OWNERS for step in _when(_EQUAL, c, refuse[3])]
    return {
        "clone": [(_LOAD, 0, 0, _FIRST), (_ANY_BIT, 1, 0, CLONE_THREAD), refuse, allow],
        "kill": itself,
        "tgkill": itself,
        "prlimit64": or_zero,
        "sched_setaffinity": or_zero,
        "fcntl": [(_LOAD, 0, 0, _SECOND), *commands, allow],
    }


def _when(test: int, value: int, verdict: int) -> list[Instruction]:
    return [(test, 0, 1, value), (_RETURN, 0, 0, verdict)]


def _branch(number: int, body: list[Instruction]) -> list[Instruction]:
    return [(_EQUAL, 0, len(body), number), *body]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def known_machine() -> bool:
    """Whether the filter is written for this machine."""
    return os.uname().sysname == "Linux" and platform.machine() in ARCHITECTURES


def gain_no_privileges() -> None:
    """Promise the kernel never to gain a privilege, which it asks before any wall is built.

    Raises
    ------
    OSError
        If the kernel does not know the promise.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, *map(ctypes.c_ulong, (1, 0, 0, 0))):
        raise OSError(ctypes.get_errno(), "the kernel refuses PR_SET_NO_NEW_PRIVS")


def refuse_calls() -> None:
    """Put the filter on the calling process, which must not have started a thread.

    Raises
    ------
    OSError
        If the kernel does not take it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    code = program(platform.machine(), os.getpid())
    described = _Program(len(code) // 8, code)
    if libc.prctl(PR_SET_SECCOMP, ctypes.c_ulong(MODE_FILTER), ctypes.byref(described)):
        raise OSError(ctypes.get_errno(), "the kernel refuses a seccomp filter")
