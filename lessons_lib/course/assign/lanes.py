"""The processes that grade: each takes one submission after the other, in forks that may die.

Whatever ends a run, its end or Ctrl-C or the kernel, every lane ends with it, and no temporary
folder stays: they all lie in one, and the last one out removes it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import torch

from lessons_lib.course.assign.grading import Result, failed, grade
from lessons_lib.course.assign.sandbox import Limits
from lessons_lib.course.assign.sandbox.limits import die_with_parent, remove
from lessons_lib.course.assign.source import Lab, read_lab
from lessons_lib.course.assign.submission import Submission

JUDGE_MEMORY = 4 << 30
MARGIN = 60.0
"""Seconds that a judge may take beyond the time of the submission."""

Task = tuple[Submission, Path]
"""A submission and the source of its lab."""


def graded(
    todo: Sequence[Task], *, seed: int, jobs: int, limits: Limits, trust: bool
) -> Iterator[tuple[Submission, Result]]:
    """Yield each submission of ``todo`` with its result, as they come, ``jobs`` at a time.

    ``seed``, ``limits`` and ``trust`` are those of `grade_folder`.
    """
    home = Path(tempfile.mkdtemp(prefix="grading-"))
    spawn = multiprocessing.get_context("spawn")
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(jobs, spawn, _Lane.begin, (home, trust))
    try:
        with deaf_to_ctrl_c():
            futures = {pool.submit(_Lane.work, *task, seed, limits): task[0] for task in todo}
        for future in as_completed(futures):
            one = futures[future]
            try:
                yield one, future.result()
            except Exception as error:
                yield one, failed(one, f"grading failed: {type(error).__name__}: {error}")
        pool.shutdown()
    finally:
        for lane in set(multiprocessing.active_children()) - before:
            lane.terminate()
        pool.shutdown(cancel_futures=True)
        remove(home)


@contextlib.contextmanager
def deaf_to_ctrl_c() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach: it is for the grader, which ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Lane:
    """One of the processes that grade one submission after the other."""

    home = Path()
    trust = False
    labs: dict[Path, Lab] = {}  # noqa: RUF012

    @classmethod
    def begin(cls, home: Path, trust: bool) -> None:
        """Make a folder of its own in ``home``, and remove it when told to end."""
        die_with_parent()
        torch.set_num_threads(1)
        cls.trust, cls.home = trust, Path(tempfile.mkdtemp(prefix="lane-", dir=home))
        tempfile.tempdir = str(cls.home)
        signal.signal(signal.SIGTERM, cls.end)

    @classmethod
    def end(cls, *_: object) -> None:
        """Leave nothing behind: neither a judge, nor a worker, nor a folder."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for judge in multiprocessing.active_children():
            judge.kill()
        remove(cls.home)
        with contextlib.suppress(OSError):
            cls.home.parent.rmdir()  # the last lane, if the grader itself is gone
        os._exit(128 + signal.SIGTERM)

    @classmethod
    def work(cls, one: Submission, source: Path, seed: int, limits: Limits) -> Result:
        lab = cls.labs.setdefault(source, read_lab(source))

        def action() -> Result:
            return grade(one, lab, seed=seed, limits=limits, trust=cls.trust)

        told = in_fork(action, limits.total + MARGIN)
        return told if isinstance(told, Result) else failed(one, told)


def in_fork(action: Callable[[], Result], seconds: float) -> Result | str:
    """Run ``action`` in a fork of this process; return its result, or why there is none.

    The judge is ours, but what it judges is not: comparing an answer may fill the memory or never
    end. Then this fork dies, after at most ``seconds``, and nothing else.
    """
    here, there = (fork := multiprocessing.get_context("fork")).Pipe(duplex=False)
    process = fork.Process(target=_answer, args=(action, there))
    process.start()
    there.close()
    try:
        if not here.poll(seconds):
            return f"grading took more than {seconds:.0f} seconds"
        told = here.recv()
        return told if isinstance(told, str) else Result.from_json(told)
    except EOFError:
        return "grading ended without a result; was an answer too large to compare?"
    finally:
        process.kill()
        process.join()
        here.close()


def _answer(action: Callable[[], Result], line: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with_parent()
    Limits(total=3600, memory=JUDGE_MEMORY).set()
    try:
        line.send(action().to_json())
    except (Exception, MemoryError) as error:
        line.send(f"grading failed: {type(error).__name__}: {error}")
