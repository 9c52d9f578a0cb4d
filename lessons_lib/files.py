"""Results on disk: written whole or not at all, where the user may write, with the user's mode.

`write_whole` writes what is there at once, `whole_file` what comes piece by piece; `check_place`
asks the file system first, for work that takes minutes. All of them make the folders that are
missing, and raise an `OSError` that names the file where nothing can be written.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(path: str | Path) -> Iterator[BinaryIO]:
    """Open a file that takes its name only when all of it is there, for writing bytes.

    Until then the bytes lie in a hidden file beside it. An error or an interruption removes that
    one, and ``path`` is what it was before. Of a link, the file that it points to is replaced. A
    file keeps its mode; a new one gets the mode that `open` would give it, after the umask. What
    is no plain file, such as ``/dev/stdout``, is written to as it is.
    """
    target, mode = _target(path)
    if mode is not None and not stat.S_ISREG(mode):
        with open(target, "wb") as file:
            yield file
        return
    file = _open_beside(target, path)
    try:
        with file:
            if mode is not None:
                os.chmod(file.name, stat.S_IMODE(mode))
            yield file
            file.flush()
            os.fsync(file.fileno())  # the name must not reach the disk before the bytes
        os.replace(file.name, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(file.name)
        raise


def write_whole(path: str | Path, content: str | bytes) -> None:
    """Write all the ``content`` of the file ``path`` at once, text as UTF-8; see `whole_file`."""
    with whole_file(path) as file:
        file.write(content.encode("utf-8") if isinstance(content, str) else content)


def check_place(path: str | Path) -> None:
    """Make sure that `whole_file` can write to ``path``, before the work whose result goes there.

    The file itself is left as it is.
    """
    target, mode = _target(path)
    if mode is None or stat.S_ISREG(mode):
        with _open_beside(target, path) as file:
            os.unlink(file.name)


def _target(path: str | Path) -> tuple[Path, int | None]:
    """The file behind all links, in a folder that exists, and its mode if it exists itself."""
    target, mode = Path(os.path.realpath(path)), None
    try:
        with suppress(FileNotFoundError):
            mode = os.stat(path).st_mode
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _named(error, path) from None
    if mode is None:
        return target, None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{path} is a folder; a file is wanted")
    if not os.access(path, os.W_OK):
        raise PermissionError(f"{path} may not be written to")
    return target if stat.S_ISREG(mode) else Path(path), mode


def _open_beside(target: Path, path: str | Path) -> BinaryIO:
    """A new file in the folder of ``target``, on the same disk, under a name that nobody has."""
    try:
        return open(target.with_name(f".{target.name[:40]}.{secrets.token_hex(4)}.part"), "xb")
    except OSError as error:
        raise _named(error, path) from None


def _named(error: OSError, path: str | Path) -> OSError:
    """The same error with the words of the system, about the file that the user named."""
    return type(error)(f"{path} cannot be written: {error.strerror}")
