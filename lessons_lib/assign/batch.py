"""Grade a folder: several submissions at a time, each in a fork that cannot hurt the others."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

import torch

from lessons_lib import checks
from lessons_lib.assign.grading import ROUNDS, Result, grade
from lessons_lib.assign.sandbox import Limits, Nursery, Unconfined, exposed, missing
from lessons_lib.assign.sandbox.limits import die_with_parent, remove
from lessons_lib.assign.source import Lab, read_lab
from lessons_lib.assign.submission import (
    Refused,
    Submission,
    find,
    fingerprint,
    name_from,
    read_submission,
)

JUDGE_MEMORY = 4 << 30
MARGIN = 60.0
"""Seconds that a judge may take beyond the time of the submission."""


@dataclass
class Record:
    """What is known from earlier runs: the seed, and each result by the key of its file."""

    path: Path
    seed: int
    results: dict[str, Result] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path, seed: int | None) -> Record:
        """Read the record at ``path``; another ``seed`` than its own begins a new one."""
        told = json.loads(path.read_text()) if path.exists() else {}
        if not told or (seed is not None and seed != told["seed"]):
            return cls(path, new_seed() if seed is None else seed)
        results = {key: Result.from_json(one) for key, one in told["results"].items()}
        return cls(path, told["seed"], results)

    def add(self, key: str, result: Result) -> None:
        """Keep a ``result`` under ``key``, on the disk too."""
        self.results[key] = result
        told = {key: one.to_json() for key, one in self.results.items()}
        part = self.path.with_name(f".{self.path.name}.part")
        part.write_text(json.dumps({"seed": self.seed, "results": told}, indent=1))
        os.replace(part, self.path)


def new_seed() -> int:
    """Return a number that nobody can guess."""
    return int.from_bytes(os.urandom(6), "big")


def grade_folder(
    folder: Path,
    labs: Mapping[str, Path],
    record: Record,
    *,
    jobs: int = 2,
    limits: Limits | None = None,
    trust: bool = False,
) -> Iterator[Result]:
    """Grade all that was handed in.

    Parameters
    ----------
    folder : Path
        The notebooks, one for each student and lab, in folders or not.
    labs : mapping of str to Path
        The sources of the labs by their stems.
    record : Record
        Results of earlier runs are taken from it, new ones added.
    jobs : int
        How many are graded at a time.
    limits : Limits
        What each may use.
    trust : bool
        Grade even where the machine cannot confine a submission.

    Yields
    ------
    Result
        One for each file, refused ones first.

    Raises
    ------
    Unconfined
        If the machine cannot confine a submission, or what must stay hidden could be read by one.
    """
    _check_walls([*labs.values(), folder, record.path], trust)
    read, refused = read_folder(folder, {stem: read_lab(path) for stem, path in labs.items()})
    yield from refused
    limits = limits or Limits()
    keys = {one.path: _key(one, record.seed, limits) for one in read}
    yield from (record.results[key] for key in keys.values() if key in record.results)
    todo = [one for one in read if keys[one.path] not in record.results]
    if todo:
        for path, result in _graded(todo, labs, record.seed, jobs, limits, trust):
            if not result.refused:
                record.add(keys[path], result)
            yield result


def read_folder(folder: Path, labs: Mapping[str, Lab]) -> tuple[list[Submission], list[Result]]:
    """Return the submissions in ``folder`` that can be graded, and a result for each other file.

    ``labs`` are those that are graded. Two files of one student for one lab are both refused.
    """
    read: dict[tuple[str, str], list[Submission]] = defaultdict(list)
    refused = []
    for path in find(folder):
        try:
            one = read_submission(path, folder, labs)
            read[one.student, one.lab].append(one)
        except Refused as reason:
            refused.append(_unread(path, folder, labs, str(reason)))
    graded = []
    for several in read.values():
        one, others = _settled(several, folder)
        graded += one
        refused += others
    return graded, refused


def _settled(several: list[Submission], folder: Path) -> tuple[list[Submission], list[Result]]:
    """Which of the files that say to be of one student is graded, and why the others are not.

    Anybody can write another's id into a notebook; the name of the file is in the hands of whoever
    collected it. So the one file whose name agrees is the student's, and the others pay for it.
    """
    if len(several) == 1:
        return several, []
    student, stem = several[0].student, several[0].lab
    own = [one for one in several if one.named == student]
    if len(own) == 1:
        why = f"it says to be of {student!r}, who handed in another file: {own[0].path.name}"
        return own, [_failed(one, why, one.named) for one in several if one is not own[0]]
    names = ", ".join(sorted(str(one.path.relative_to(folder)) for one in several))
    why = f"several files for the student {student!r}: {names}; leave one"
    return [], [Result(student, stem, names, refused=why)]


def _unread(path: Path, folder: Path, labs: Mapping[str, Lab], why: str) -> Result:
    """Whose file it is and of which lab, as far as its name tells."""
    stem = next((s for s in labs if s in path.name or len(labs) == 1), "")
    student = name_from(path, folder, stem) if path.suffix == ".ipynb" else ""
    return Result(student, stem, str(path.relative_to(folder)), refused=why)


def _check_walls(secrets: Sequence[Path], trust: bool) -> None:
    if trust:
        return
    if lack := missing():
        raise Unconfined(f"submissions cannot be confined here: {lack}")
    if open_ones := exposed(secrets):
        raise Unconfined(f"a submission could read {open_ones[0]}: move it out of Python's folders")


def _key(one: Submission, seed: int, limits: Limits) -> str:
    """Changes when the file, its author, the hidden cases, the limits or the checks change."""
    code = [p.read_bytes() for p in sorted(Path(checks.__file__).parent.glob("*.py"))]
    words = [fingerprint(one.path), one.student, one.lab, str(seed), str(ROUNDS), str(limits)]
    digest = hashlib.sha256("/".join(words).encode() + b"".join(code))
    return digest.hexdigest()[:32]


def _graded(
    todo: Sequence[Submission],
    labs: Mapping[str, Path],
    seed: int,
    jobs: int,
    limits: Limits,
    trust: bool,
) -> Iterator[tuple[Path, Result]]:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, spawn, _Lane.begin, (trust,)) as pool:
        futures = {pool.submit(_Lane.work, one, labs[one.lab], seed, limits): one for one in todo}
        for future in as_completed(futures):
            one = futures[future]
            try:
                yield one.path, future.result()
            except Exception as error:
                yield one.path, _failed(one, f"grading failed: {type(error).__name__}: {error}")


def _failed(one: Submission, why: str, student: str | None = None) -> Result:
    return Result(student or one.student, one.lab, one.path.name, refused=why)


class _Lane:
    """One of the processes that grade one submission after the other."""

    nursery: Nursery | None = None
    trust = False
    labs: dict[Path, Lab] = {}  # noqa: RUF012

    @classmethod
    def begin(cls, trust: bool) -> None:
        die_with_parent()
        torch.set_num_threads(1)
        cls.trust = trust

    @classmethod
    def started(cls) -> Nursery:
        """A nursery that is closed when this process ends."""
        nursery = Nursery(trust=cls.trust)
        Finalize(None, nursery.close, exitpriority=10)
        return nursery

    @classmethod
    def work(cls, one: Submission, source: Path, seed: int, limits: Limits) -> Result:
        cls.nursery = nursery = cls.nursery or cls.started()
        lab = cls.labs.setdefault(source, read_lab(source))
        folder = Path(tempfile.mkdtemp(prefix="submission-"))

        def action() -> Result:
            return grade(one, lab, nursery, folder, seed=seed, limits=limits)

        try:
            told = in_fork(action, limits.total + MARGIN)
        finally:
            remove(folder)
        if isinstance(told, Result):
            return told
        cls.nursery = None  # the conversation broke off in the middle
        nursery.close()
        return _failed(one, told)


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
    die_with_parent()
    Limits(total=3600, memory=JUDGE_MEMORY).set()
    try:
        line.send(action().to_json())
    except (Exception, MemoryError) as error:
        line.send(f"grading failed: {type(error).__name__}: {error}")
