"""What is known from earlier runs, beside the gradebook; one run at a time may use it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lessons_lib.course.assign.grading import Result
from lessons_lib.files import write_whole


@dataclass
class Record:
    """The seed of the hidden cases, and each result by the key of its file.

    A gradebook is of one ``folder`` of submissions and of some ``labs``; ``feedback`` are folders
    with its pages. Places are written as seen from the record's own ``path``.
    """

    path: Path
    seed: int
    results: dict[str, Result] = field(default_factory=dict)
    folder: str = ""
    labs: list[str] = field(default_factory=list)
    feedback: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path, seed: int | None = None) -> Record:
        """Read the record at ``path``, or begin one with this ``seed``, or a random one."""
        if not path.exists():
            return cls(path, new_seed() if seed is None else seed)
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            results = {key: Result.from_json(one) for key, one in told.pop("results").items()}
            record = cls(path, int(told.pop("seed")), results, **told)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{path} is damaged ({type(error).__name__}): put a copy of it back, or move it "
                "away with its gradebook to begin anew"
            ) from error
        if seed is not None and seed != record.seed:
            raise ValueError(f"{path} has the seed {record.seed}: another seed needs another --out")
        return record

    def begin(self, folder: Path, labs: list[str], feedback: Path | None) -> None:
        """Say what is graded: the ``folder``, the ``labs``, and where the ``feedback`` goes."""
        here = self._seen(folder)
        if self.folder not in {"", here}:
            raise ValueError(f"{self.path} is of the folder {self.folder}: give another --out")
        if left_out := sorted(set(self.labs) - set(labs)):
            raise ValueError(f"{self.path} has {', '.join(left_out)} too: give another --out")
        self.folder, self.labs = here, labs
        if feedback:
            feedback.mkdir(parents=True, exist_ok=True)
            if (place := self._seen(feedback)) not in self.feedback:
                if any(feedback.iterdir()):
                    raise ValueError(
                        f"there are files in {feedback} that this gradebook did not write"
                    )
                self.feedback.append(place)
        self.save()

    def add(self, key: str, result: Result) -> None:
        """Keep a ``result`` under ``key``, on the disk too."""
        self.results[key] = result
        self.save()

    def save(self) -> None:
        """Write everything to the disk, whole or not at all."""
        told = {name: getattr(self, name) for name in ("seed", "folder", "labs", "feedback")}
        told["results"] = {key: one.to_json() for key, one in self.results.items()}
        write_whole(self.path, json.dumps(told, indent=1).encode())

    def _seen(self, place: Path) -> str:
        return Path(os.path.relpath(place.resolve(), self.path.parent.resolve())).as_posix()


def new_seed() -> int:
    """Return a number that nobody can guess."""
    return int.from_bytes(os.urandom(6), "big")


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Let one process at a time go on with the record at ``path``, and the others say so."""
    import fcntl

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(
                f"another run is writing {path}: wait for its end, or give another --out"
            ) from error
        yield
