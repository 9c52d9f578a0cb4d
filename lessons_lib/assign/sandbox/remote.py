"""The grader's side: start a worker, run cells in it, and call functions that live there."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lessons_lib.assign.sandbox.channel import Broken, Channel, Late
from lessons_lib.assign.sandbox.codec import Malformed, decode, read_json
from lessons_lib.assign.sandbox.confine import missing
from lessons_lib.assign.sandbox.limits import Limits, overflows, plain_environment
from lessons_lib.checks import NotAttempted, StudentError

GRACE = 3.0
"""Seconds between the alarm inside a worker and the patience of the grader."""


PATIENCE = 0.2
"""Seconds between two looks at what a worker wrote."""


class Stopped(BaseException):
    """The worker is gone or silent: nothing more can be asked. No check catches this."""


class Unconfined(RuntimeError):
    """The machine cannot lock a submission up, and nobody said to trust it."""


class Nursery:
    """A warm process of its own that starts workers; use it in a ``with`` statement.

    Parameters
    ----------
    trust : bool
        Start workers without walls, where the machine has none.

    Raises
    ------
    Unconfined
        If the machine cannot confine a process and ``trust`` is false.
    """

    def __init__(self, *, trust: bool = False) -> None:
        if (lack := missing()) and not trust:
            raise Unconfined(f"submissions cannot be confined here: {lack}")
        self.walls = lack is None
        self._home = Path(tempfile.mkdtemp(prefix="nursery-"))
        self._line, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"{__package__}.nursery", str(theirs.fileno())],
                env=plain_environment(self._home),
                cwd=self._home,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        self._answers = self._line.makefile("rb")
        if not self._answers.readline():
            self.close()
            raise RuntimeError("the process that starts workers did not start")

    def __enter__(self) -> Nursery:
        """Return itself, ready."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it, and what it started."""
        self.close()

    def close(self) -> None:
        """End the process and all workers; once is enough."""
        if self._process.returncode is not None:
            return
        self._answers.close()
        self._line.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)

    @contextlib.contextmanager
    def worker(self, folder: Path, limits: Limits) -> Iterator[Session]:
        """Start a worker in an empty ``folder``, under ``limits``, and end it afterwards."""
        (read, theirs), (them, write) = os.pipe(), os.pipe()
        order = {"do": "start", "folder": str(folder), "limits": asdict(limits)}
        pid = self._ask({**order, "walls": self.walls}, [them, theirs])["pid"]
        channel = Channel(read, write)
        try:
            yield Session(channel, folder, limits)
        finally:
            self._ask({"do": "end", "pid": pid}, [])
            channel.close()

    def _ask(self, order: dict[str, Any], pipes: list[int]) -> dict[str, Any]:
        socket.send_fds(self._line, [json.dumps(order).encode()], pipes)
        for pipe in pipes:
            os.close(pipe)
        return json.loads(self._answers.readline())


class Session:
    """One worker's conversation, over ``channel``: cells first, then answers and calls.

    ``folder`` and ``limits`` are those it was started with.
    """

    def __init__(self, channel: Channel, folder: Path, limits: Limits) -> None:
        self._channel, self._folder, self._limits = channel, folder, limits
        self._end = time.monotonic() + limits.total
        first = self._receive(limits.cell)  # of our own code: no line of the submission has run
        if "failed" in first:
            raise RuntimeError(f"no worker could be confined: {_text({'text': first['failed']})}")

    def run_cell(self, source: str) -> str | None:
        """Run the ``source`` of a cell; return what it raised, in words, or None.

        Raises
        ------
        Stopped
            If the worker died or hangs.
        """
        reply = self._request(("cell", source, self._limits.cell), self._limits.cell)
        return _text(reply["error"]) if "error" in reply else None

    def answer(self, name: str) -> Any:
        """Return what the notebook calls ``name`` now: a value, or a `Remote` function.

        Raises
        ------
        StudentError
            If there is none, or it is nothing that can be judged.
        Stopped
            If the worker died or hangs.
        """
        reply = self._request(("answer", name), self._limits.call)
        if "missing" in reply:
            raise StudentError(
                f"There is no {name} when the check comes: was it renamed, or did its cell stop?"
            )
        return self._value(reply)

    def call(self, number: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call function ``number`` of the worker with ``args`` and ``kwargs``.

        Raises
        ------
        StudentError, NotAttempted
            If it raises, as a stub does or otherwise, or returns nothing that can be judged.
        Stopped
            If the worker died or hangs.
        """
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
        """Wait for an answer, with an eye on the clock and on the folder."""
        end = min(self._end, time.monotonic() + seconds)
        while not self._channel.ready(min(PATIENCE, max(0.0, end - time.monotonic()))):
            if overflows(self._folder, self._limits):
                raise Stopped(f"it wrote more than {self._limits.disk / 1e6:.0f} MB of files")
            if time.monotonic() >= self._end:
                raise Stopped(f"it took more than {self._limits.total:.0f} seconds in all")
            if time.monotonic() >= end:
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
