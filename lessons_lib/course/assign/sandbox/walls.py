"""The walls around a worker: bubblewrap gives it a machine of its own, with next to nothing in it.

There it finds Python, this library and the libraries of the system, to read; one folder to write,
a disk of its own with a size; and no network, no other process, no other file, not even a name.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import lessons_lib
from lessons_lib.course.assign.sandbox.calls import program
from lessons_lib.course.assign.sandbox.questions import CHECKS, public_checks

LIBRARY = Path(lessons_lib.__file__).parent

FOLDER = Path("/submission")
"""The disk of a submission, inside."""

SYSTEM = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/proc/cpuinfo",
    "/sys/devices/system/cpu",
)
"""What Python's libraries read of the system."""

DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")

_CURES = """bubblewrap cannot build its walls here: {said}. An ordinary user needs namespaces: on \
Ubuntu `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`, on Debian `sudo sysctl \
kernel.unprivileged_userns_clone=1`, in Docker `--security-opt seccomp=unconfined --cap-add \
SYS_ADMIN`; and bubblewrap must be 0.6 or newer"""


@cache
def missing() -> str | None:
    """Say what this machine lacks to confine a process and what helps, or None if it can."""
    if sys.platform != "linux":
        return f"{sys.platform} has no walls; grade on Linux, in a container or under WSL 2"
    if not shutil.which("bwrap"):
        return "bubblewrap is not installed: `apt install bubblewrap`, or as your system does it"
    try:
        program()
    except ImportError as error:
        return (
            f"libseccomp is not here ({error}): `apt install libseccomp2`, `pip install pyseccomp`"
        )
    with walled(1 << 20) as (words, descriptors):
        command = [*words, sys.executable, "-c", ""]
        tried = subprocess.run(command, pass_fds=descriptors, capture_output=True, env={})
    said = " ".join(tried.stderr.decode(errors="replace").split())[-300:]
    return _CURES.format(said=said) if tried.returncode else None


def readable() -> list[Path]:
    """Folders and files that Python needs: its own, its packages, this library, the system's."""
    own = [] if sys.prefix == sys.base_prefix else [Path(sys.prefix)]
    own += [Path(sys.base_prefix) / name for name in ("lib", "lib64")]
    own += [Path(path) for path in sysconfig.get_paths().values() if "packages" in path]
    own += [Path(p) for p in sys.path if Path(p).name in {"site-packages", "dist-packages"}]
    own += [LIBRARY, *map(Path, SYSTEM)]
    own += [p for p in _interpreter() if not any(p.is_relative_to(folder) for folder in own)]
    return [path for path in dict.fromkeys(own) if path.exists()]


def _interpreter() -> Iterator[Path]:
    """Python itself, and the links that lead to it."""
    here = Path(sys.executable)
    while True:
        yield here
        if not here.is_symlink():
            return
        here = here.parent / os.readlink(here)


def exposed(secrets: Iterable[Path]) -> list[Path]:
    """Those of ``secrets`` that a confined process could read."""
    inside = [path.resolve() for path in readable()]
    return [s for s in secrets if any(s.resolve().is_relative_to(wall) for wall in inside)]


@contextmanager
def walled(disk: int) -> Iterator[tuple[list[str], list[int]]]:
    """Yield the words that go before a command to wall it in, and descriptors to pass to it.

    ``disk`` is the size in bytes of all that it can write.
    """
    words = [shutil.which("bwrap") or "bwrap", "--unshare-all", "--die-with-parent"]
    words += ["--new-session", "--cap-drop", "ALL"]
    for path in readable():
        for place in dict.fromkeys([path, path.resolve()]):
            words += ["--ro-bind", str(path), str(place)]
    for device in DEVICES:
        words += ["--dev-bind", device, device]
    with ExitStack() as stack:
        for place in _places_of_checks():
            words += ["--tmpfs", str(place)]
            for name, content in public_checks().items():
                words += ["--perms", "0444", "--file", _told(content, stack), str(place / name)]
            words += ["--remount-ro", str(place)]
        words += ["--size", str(disk), "--tmpfs", str(FOLDER), "--chdir", str(FOLDER)]
        words += ["--remount-ro", "/", "--seccomp", _told(program(), stack)]
        yield (
            words,
            [int(words[k + 1]) for k, w in enumerate(words) if w in {"--file", "--seccomp"}],
        )


def _told(content: bytes, stack: ExitStack) -> str:
    """A number under which bubblewrap reads ``content``, while ``stack`` holds it open."""
    file = stack.enter_context(open(os.memfd_create("told"), "w+b"))
    file.write(content)
    file.seek(0)
    return str(file.fileno())


def _places_of_checks() -> list[Path]:
    """Where the checks lie behind the walls: in this library, and in every copy of it there."""
    copies = [folder / CHECKS.relative_to(LIBRARY.parent) for folder in readable()]
    places = [CHECKS, CHECKS.resolve(), *(copy for copy in copies if copy.is_dir())]
    return list(dict.fromkeys(places))
