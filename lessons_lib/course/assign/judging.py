"""A process for each judge: it dies alone, and whatever ends a run, every judge ends with it.

The judge is ours, but what it judges is not: comparing an answer may fill the memory or never end.
So each runs in a fork of this process, which has PyTorch loaded, and starts its worker from there.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import tempfile
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TypeVar

import torch

from lessons_lib.course.assign.grading import Result
from lessons_lib.course.assign.sandbox.limits import Limits, die_with_parent, remove

MEMORY = 4 << 30
"""Bytes that a judge may take beyond what it begins with."""

Key = TypeVar("Key", bound=Hashable)


def judged(
    actions: Mapping[Key, Callable[[], Result]], *, jobs: int, seconds: float
) -> Iterator[tuple[Key, Result | str]]:
    """Run each of ``actions`` in a fork, and yield its key with its result, or why there is none.

    They come as they are done, ``jobs`` at a time, each after at most ``seconds``. What they leave
    among the temporary files is removed at the end.
    """
    home = Path(tempfile.mkdtemp(prefix="grading-"))
    waiting = list(reversed(actions))
    running: dict[Connection, _Judge] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                judge = _Judge(key := waiting.pop(), actions[key], home, seconds)
                running[judge.line] = judge
            now, end = time.monotonic(), min(judge.end for judge in running.values())
            ready = wait(list(running), max(0.0, end - now))
            for line in ready or [line for line, judge in running.items() if judge.end == end]:
                judge = running.pop(line)
                told = judge.told() if ready else f"grading took more than {seconds:.0f} seconds"
                judge.stop()
                yield judge.key, told
    finally:
        for judge in running.values():
            judge.stop()
        remove(home)


class _Judge:
    """A fork at work on ``key``, which answers on ``line`` before ``end``."""

    def __init__(
        self, key: Hashable, action: Callable[[], Result], home: Path, seconds: float
    ) -> None:
        fork = multiprocessing.get_context("fork")
        self.line, there = fork.Pipe(duplex=False)
        self.key, self.end = key, time.monotonic() + seconds
        self.process = fork.Process(target=_judge, args=(action, there, home))
        self.process.start()
        there.close()

    def told(self) -> Result | str:
        try:
            told = self.line.recv()
        except EOFError:
            return "grading ended without a result; was an answer too large to compare?"
        return told if isinstance(told, str) else Result.from_json(told)

    def stop(self) -> None:
        self.process.kill()  # its worker dies with it
        self.process.join()
        self.line.close()


def _judge(action: Callable[[], Result], line: Connection, home: Path) -> None:
    """Answer on ``line``; if the grader dies, end the worker and leave no folder."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt  # which no check catches

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the grader, which ends this
    signal.signal(signal.SIGTERM, end)
    die_with_parent()
    torch.set_num_threads(1)
    tempfile.tempdir = str(home)
    Limits(total=3600, memory=MEMORY).set()
    try:
        line.send(action().to_json())
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):
            home.rmdir()  # the last judge does it
    except (Exception, MemoryError) as error:
        line.send(f"grading failed: {type(error).__name__}: {error}")
