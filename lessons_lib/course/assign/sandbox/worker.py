"""What runs inside the walls: the cells of one notebook, then calls of the answers in it.

Run as ``python -m lessons_lib.course.assign.sandbox.worker READ WRITE LIMITS SPACE``: the numbers
of two pipes, limits as JSON, and how many bytes Python with its libraries takes.

Everything here may be read, changed and lied about by the submission. It decides nothing: it
reports what its answers return, and the grader judges. It holds no oracle either: of the checks
it has the questions only.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

from lessons_lib.course.assign.sandbox.channel import Broken, Channel
from lessons_lib.course.assign.sandbox.codec import encode
from lessons_lib.course.assign.sandbox.limits import Limits, die_with_parent

LONGEST_TEXT = 500
FIRST = 3
"""The pipes are numbers 3 and 4, after those that any program has."""


class OutOfTime(BaseException):
    """A cell or a call took longer than it may; no ``except Exception`` catches it."""


class Worker:
    """A notebook being run: its namespace, and the functions that the grader may call."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.functions: list[Callable[..., Any]] = []
        self.shell = _shell()

    def serve(self) -> None:
        """Answer one request after the other until the grader goes away."""
        actions = {"cell": self.run_cell, "answer": self.take_answer, "call": self.call}
        while True:
            try:
                request = self.channel.receive()
            except Broken:
                return
            try:
                name, *arguments = self._unpickler(request).load()
                reply = actions[name](*arguments)
            except BaseException as error:
                reply = {"error": _told(error)}
            self.channel.send(_json(reply))

    def run_cell(self, source: str, seconds: float) -> dict[str, Any]:
        """Run one cell; what it raises is told, and the next one may run."""
        with _alarm(seconds):
            outcome = self.shell.run_cell(source)
        error = outcome.error_before_exec or outcome.error_in_exec
        return {"error": _told(error)} if error else {}

    def take_answer(self, name: str) -> dict[str, Any]:
        """Return what the namespace holds under ``name`` now."""
        if name not in self.shell.user_ns:
            return {"missing": name}
        return {"value": encode(self.shell.user_ns[name], self._keep)}

    def call(self, number: int, args: Any, kwargs: Any, seconds: float) -> dict[str, Any]:
        """Call one of the functions that were handed out by number."""
        with _alarm(seconds):
            return {"value": encode(self.functions[number](*args, **kwargs), self._keep)}

    def _keep(self, function: Callable[..., Any]) -> int:
        self.functions.append(function)
        return len(self.functions) - 1

    def _unpickler(self, request: bytes) -> pickle.Unpickler:
        unpickler = pickle.Unpickler(io.BytesIO(request))
        functions = self.functions
        unpickler.persistent_load = lambda number: functions[number]  # type: ignore[method-assign]
        return unpickler


def _shell() -> Any:
    """Return IPython, in which magics do as in a notebook, without history and tracebacks."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    quiet = Config()
    quiet.HistoryManager.enabled = False
    quiet.InteractiveShell.colors = "nocolor"
    shell = InteractiveShell.instance(config=quiet)
    for name in ("showtraceback", "showsyntaxerror", "showindentationerror"):
        setattr(shell, name, _nothing)
    shell.enable_gui = _nothing  # for %matplotlib
    return shell


def _nothing(*_: object, **__: object) -> None: ...


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` after some seconds, and again each second for code that catches it."""

    def ring(*_: object) -> None:
        raise OutOfTime(f"it took longer than {seconds:g} seconds")

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _told(error: BaseException) -> dict[str, str]:
    from lessons_lib.course.checks.answers import explain, is_stub

    if isinstance(error, OutOfTime):
        text = f"Your code was stopped: {error}."
    else:
        text = explain(error)
    kind = "stub" if is_stub(error) else type(error).__name__
    return {"type": kind[:LONGEST_TEXT], "text": text[:LONGEST_TEXT]}


def _json(reply: dict[str, Any]) -> bytes:
    from lessons_lib.course.assign.sandbox.channel import LARGEST_FRAME

    data = json.dumps(reply).encode()
    if len(data) <= LARGEST_FRAME:
        return data
    words = f"The answer is too large: {len(data) / 1e6:.0f} MB."
    return json.dumps({"error": {"type": "ValueError", "text": words}}).encode()


def main() -> None:
    """Load the libraries under limits, say so, and serve; nothing of a submission has run yet."""
    die_with_parent()
    read, write, limits, space = sys.argv[1:]
    Limits(**json.loads(limits)).set(int(space))
    _load()
    _only_these([int(read), int(write)])
    channel = Channel(FIRST, FIRST + 1)
    worker = Worker(channel)
    channel.send(b'{"ready": true}')
    worker.serve()
    os._exit(0)  # at once, without what the submission wants to do at the end


def _load() -> None:
    import torch

    from lessons_lib.course import checks  # noqa: F401

    torch.set_num_threads(1)


def _only_these(pipes: list[int]) -> None:
    """Leave the two pipes as the numbers 3 and 4, nothing on 0 to 2, and all others closed."""
    import fcntl

    apart = [fcntl.fcntl(pipe, fcntl.F_DUPFD, 100) for pipe in pipes]
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    for number, pipe in enumerate(apart, FIRST):
        os.dup2(pipe, number)
    os.closerange(FIRST + 2, 4096)


if __name__ == "__main__":
    main()
