"""Landlock: from here on this process reads some folders, writes one, and opens nothing else.

The kernel enforces it for the process and all it starts, whoever the user is. The rights known grow
with the version of the interface (its ABI); what an old kernel lacks is refused by `seccomp` too:
changing the length of a file by its path (ABI 3), the network (ABI 4), signals (ABI 6).
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

CREATE, ADD, RESTRICT = 444, 445, 446
ASK_VERSION = 1
BENEATH = 1

WRITE_FILE, READ_FILE, READ_DIR = 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_FILE = 1 << 4, 1 << 5, 1 << 7, 1 << 8
MAKE_LINK, MOVE, TRUNCATE = 1 << 12, 1 << 13, 1 << 14

READ = READ_FILE | READ_DIR
WRITE = READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_FILE | MAKE_LINK
WRITE |= MOVE | TRUNCATE
FOR_FILES = WRITE_FILE | READ_FILE | TRUNCATE

_BITS_OF_FILES = {1: 13, 2: 14, 3: 15, 4: 15}  # 16 from version 5 on
_NETWORK, _SCOPES = 0b11, 0b11


def version() -> int:
    """Return the ABI of this kernel, or 0 where there is no Landlock."""
    if os.uname().sysname != "Linux":
        return 0
    return max(0, _syscall(CREATE, None, 0, ASK_VERSION))


def confine_files(
    *, readable: Iterable[Path], writable: Iterable[Path], abi: int | None = None
) -> None:
    """Let the calling thread open what lies in these folders, and nothing more.

    Parameters
    ----------
    readable, writable : iterable of Path
        Files or folders with all below them; those that do not exist are passed over.
    abi : int, optional
        An older interface than the kernel's, for tests.

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    abi = version() if abi is None else abi
    handled = (1 << _BITS_OF_FILES.get(abi, 16)) - 1
    attributes = struct.pack("Q", handled)
    if abi >= 4:
        attributes += struct.pack("Q", _NETWORK)
    if abi >= 6:
        attributes += struct.pack("Q", _SCOPES)
    rules = _checked(_syscall(CREATE, attributes, len(attributes), 0))
    try:
        for paths, rights in ((readable, READ), (writable, WRITE)):
            for path in paths:
                _add(rules, path, rights & handled)
        _checked(_syscall(RESTRICT, rules, 0))
    finally:
        os.close(rules)


def _add(rules: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        rights &= ~0 if os.path.isdir(path) else FOR_FILES
        _checked(_syscall(ADD, rules, BENEATH, struct.pack("=Qi", rights, place), 0))
    finally:
        os.close(place)


def _syscall(*arguments: int | bytes | None) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return libc.syscall(*wide)


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "the kernel refuses a Landlock rule")
    return result
