"""The grader's side: a worker behind walls, which runs cells, and whose functions it calls."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lessons_lib.course.assign.sandbox.channel import Broken, Channel, Late
from lessons_lib.course.assign.sandbox.codec import Malformed, decode, read_json
from lessons_lib.course.assign.sandbox.limits import (
    Limits,
    address_space,
    plain_environment,
    remove,
)
from lessons_lib.course.assign.sandbox.walls import FOLDER, missing, walled
from lessons_lib.course.checks import NotAttempted, StudentError

START = 120.0
"""Seconds for a worker to load its libraries, on a busy machine."""

GRACE = 3.0
"""Seconds between the alarm inside a worker and the patience of the grader."""

PATIENCE = 0.2
"""Seconds between two looks at a worker's disk."""

FAREWELL = 2.0
"""Seconds for a worker to go by itself, once nobody talks to it."""


class Unconfined(RuntimeError):
    """The machine cannot lock a submission up, and nobody said to trust it."""


class Stopped(BaseException):
    """The worker is gone or silent: nothing more can be asked. No check catches this."""


@contextmanager
def worker(limits: Limits, *, trust: bool = False) -> Iterator[Session]:
    """Start a worker under ``limits``, talk to it, and end it with all that it wrote.

    Raises
    ------
    Unconfined
        If the machine cannot confine a process, unless we ``trust`` it: then it has a folder, and
        the limits of its system, but no walls.
    RuntimeError
        If it could not be started, with what it said.
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
        try:
            process.channel.receive(START)
        except (Broken, Late) as error:
            raise RuntimeError(f"no worker could be started: {process.end()}") from error
        seconds = 0.0
        try:
            yield Session(process, limits)
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


class Process:
    """A worker that was started with ``words`` before its own, in ``folder``.

    It gets the descriptors ``passed``. ``first`` is the first process behind the walls, or 0.
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


class Session:
    """One worker's conversation: cells first, then answers and calls.

    ``process`` is the worker, just started under ``limits``. What the notebook does wrong is a
    StudentError or, in a stub, NotAttempted; a worker that died or hangs is `Stopped`.
    """

    def __init__(self, process: Process, limits: Limits) -> None:
        self._process, self._channel, self._limits = process, process.channel, limits
        self._end = time.monotonic() + limits.total

    def run_cell(self, source: str) -> str | None:
        """Run the ``source`` of a cell; return what it raised, in words, or None."""
        reply = self._request(("cell", source, self._limits.cell), self._limits.cell)
        return _text(reply["error"]) if "error" in reply else None

    def answer(self, name: str) -> Any:
        """Return what the notebook calls ``name`` now: a value, or a `Remote` function."""
        reply = self._request(("answer", name), self._limits.call)
        if "missing" in reply:
            raise StudentError(
                f"There is no {name} when the check comes: was it renamed, or did its cell stop?"
            )
        return self._value(reply)

    def call(self, number: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call function ``number`` of the worker with ``args`` and ``kwargs``."""
        seconds = self._limits.call
        return self._value(self._request(("call", number, args, kwargs, seconds), seconds))

    def _value(self, reply: dict[str, Any]) -> Any:
        if "error" in reply:
            if reply["error"].get("type") == "stub":
                raise NotAttempted
            raise StudentError(_text(reply["error"]))
        try:
            return decode(reply["value"], lambda number: Remote(self, number))
        except (Malformed, KeyError) as error:
            raise StudentError("The answer came in no form that can be judged.") from error

    def _request(self, request: tuple[Any, ...], seconds: float) -> dict[str, Any]:
        try:
            self._channel.send(_pickled(request), seconds + GRACE)
        except (Broken, Late) as error:
            raise Stopped("the process that ran the notebook ended") from error
        return self._receive(seconds + GRACE)

    def _receive(self, seconds: float) -> dict[str, Any]:
        self._watch(seconds)
        try:
            reply = read_json(self._channel.receive(GRACE))
        except (Broken, Late, Malformed) as error:
            raise Stopped("the process that ran the notebook ended") from error
        if not isinstance(reply, dict) or not isinstance(reply.get("error", {}), dict):
            raise Stopped("the process that ran the notebook sent no answer")
        return reply

    def _watch(self, seconds: float) -> None:
        """Wait for an answer, with an eye on the clock and on the number of files."""
        end = min(self._end, time.monotonic() + seconds)
        come = False
        while not come:
            come = self._channel.ready(min(PATIENCE, max(0.0, end - time.monotonic())))
            if self._process.entries() > self._limits.entries:
                raise Stopped(f"it made more than {self._limits.entries} files")
            if not come and time.monotonic() >= self._end:
                raise Stopped(f"it took more than {self._limits.total:.0f} seconds in all")
            if not come and time.monotonic() >= end:
                raise Stopped(f"it did not stop after {seconds:.0f} seconds")


class Remote:
    """A function of the submission: looks like one here, runs there.

    ``session`` is the worker's, ``number`` the function's in it.
    """

    def __init__(self, session: Session, number: int) -> None:
        self._session, self._number = session, number

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it there with copies of ``args`` and ``kwargs``, and return what comes back."""
        return self._session.call(self._number, args, kwargs)


class _Pickler(pickle.Pickler):
    def persistent_id(self, thing: Any) -> int | None:
        return thing._number if isinstance(thing, Remote) else None


def _pickled(request: tuple[Any, ...]) -> bytes:
    written = io.BytesIO()
    _Pickler(written).dump(request)
    return written.getvalue()


def _text(error: dict[str, Any]) -> str:
    """Words from outside, shortened, on one line, without control characters."""
    words = error.get("text", "")
    words = words if isinstance(words, str) else ""
    return "".join(c if c.isprintable() else " " for c in words[:500]) or "It stopped."
