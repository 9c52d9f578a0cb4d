"""One worker as a process: started behind walls or without, looked at from outside, ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

from lessons_lib.course.assign.sandbox.channel import Channel
from lessons_lib.course.assign.sandbox.limits import (
    Limits,
    address_space,
    plain_environment,
    remove,
)
from lessons_lib.course.assign.sandbox.walls import FOLDER, missing, walled

FAREWELL = 2.0
"""Seconds for a worker to go by itself, once nobody talks to it."""


class Unconfined(RuntimeError):
    """The machine cannot lock a submission up, and nobody said to trust it."""


class Process:
    """A worker that was started with ``words`` before its own, in ``folder``.

    It gets the descriptors ``passed``. ``root`` is the number of a pipe on which bubblewrap tells
    the first process behind the walls, or None without walls.
    """

    def __init__(
        self, limits: Limits, words: Sequence[str], passed: Sequence[int], folder: Path
    ) -> None:
        (read, theirs), (them, write) = os.pipe(), os.pipe()
        self.channel, self.first = Channel(read, write), 0
        own = [str(them), str(theirs), json.dumps(asdict(limits)), str(address_space())]
        self._popen = subprocess.Popen(
            [*words, sys.executable, "-m", f"{__package__}.worker", *own],
            env=plain_environment(folder),
            cwd="/" if words else folder,
            pass_fds=[them, theirs, *passed],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        for number in (them, theirs):
            os.close(number)

    def entries(self) -> int:
        """How many files and folders there are on its disk, also those without a name."""
        try:
            disk = os.statvfs(f"/proc/{self.first}/root{FOLDER}")
        except OSError:  # it is gone
            return 0
        return disk.f_files - disk.f_ffree

    def end(self, seconds: float = 0.0) -> str:
        """Hang up, wait for ``seconds``, kill it, and return the last words of its start."""
        self.channel.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(seconds)
        with contextlib.suppress(ProcessLookupError):
            if self.first and self._popen.poll() is None:
                os.kill(self.first, signal.SIGKILL)  # with it ends all that is behind the walls
            else:
                os.killpg(self._popen.pid, signal.SIGKILL)
        said = self._popen.communicate()[1].decode(errors="replace")
        return " ".join(said.split())[-300:]


@contextmanager
def started(limits: Limits, *, trust: bool) -> Iterator[Process]:
    """Start a worker under ``limits``, and end it afterwards with all that it wrote.

    Raises
    ------
    Unconfined
        If the machine cannot confine a process, unless we ``trust`` it: then it has a folder, and
        the limits of its system, but no walls.
    """
    lack = missing()
    if lack and not trust:
        raise Unconfined(f"submissions cannot be confined here: {lack}")
    with ExitStack() as stack:
        if lack:
            folder = Path(tempfile.mkdtemp(prefix="submission-"))
            stack.callback(remove, folder)
            process = Process(limits, [], [], folder)
        else:
            process = _walled_in(limits, stack)
        seconds = 0.0
        try:
            yield process
            seconds = FAREWELL
        finally:
            process.end(seconds)


def _walled_in(limits: Limits, stack: ExitStack) -> Process:
    words, passed = stack.enter_context(walled(limits.disk))
    told, tell = os.pipe()
    with open(told, encoding="utf-8") as line:
        process = Process(limits, [*words, "--info-fd", str(tell)], [*passed, tell], FOLDER)
        os.close(tell)
        process.first = json.loads(line.read() or "{}").get("child-pid", 0)
    return process
