"""Run the lessons side by side, and remember which are up to date."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from concurrent.futures import as_completed
from pathlib import Path

import lessons_lib
from lessons_lib.course.notebooks import problems
from lessons_lib.course.notebooks.execution import executed, lanes
from lessons_lib.course.notebooks.kernels import Kernels
from lessons_lib.files import check_place, write_whole

CACHE = Path("_build") / "executed.json"
"""Under the working folder: the hash of code and library that each notebook last ran with."""


def run(
    paths: Iterable[Path], *, jobs: int = 2, force: bool = False, timeout: int = 600
) -> dict[Path, str]:
    """Execute notebooks side by side and return the error text of each one that failed.

    Parameters
    ----------
    paths : iterable of Path
        The notebooks; those whose code and library did not change since their last run are left.
    jobs : int
        How many run at a time, each in a kernel of its own with one thread.
    force : bool
        Run the unchanged ones too.
    timeout : int
        Longest time of one cell, in seconds.

    Returns
    -------
    dict of Path to str
        Empty if all is well. A notebook named here was not touched.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C, at once: the kernels are killed, and the notebooks that were not done are as
        they were.
    """
    from tqdm import tqdm

    done = _read_cache()
    library = _library_hash()
    todo = [path for path in paths if force or not _is_fresh(path, library, done)]
    failures: dict[Path, str] = {}
    kernels = Kernels()
    with (
        lanes(jobs, kernels) as pool,
        tqdm(total=len(todo), unit="notebook") as bar,
    ):
        futures = {pool.submit(_execute_file, path, timeout, kernels): path for path in todo}
        for future in as_completed(futures):
            path = futures[future]
            try:
                future.result()
                _remember(path, library)
            except Exception as error:  # whatever went wrong in one leaves the others running
                failures[path] = str(error) or type(error).__name__
            bar.set_postfix_str(path.name)
            bar.update()
    return failures


def _execute_file(path: Path, timeout: int, kernels: Kernels) -> None:
    import nbformat

    check_place(path)
    notebook = nbformat.read(path, as_version=4)
    executed(notebook, path.parent, timeout, kernels)
    write_whole(path, nbformat.writes(notebook) + "\n")


def _library_hash() -> str:
    folder = Path(lessons_lib.__file__).parent
    files = sorted(p for p in folder.rglob("*") if p.suffix in {".py", ".json", ".safetensors"})
    digest = hashlib.sha256()
    for path in files:
        digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return digest.hexdigest()


def _key(path: Path, library: str) -> str:
    import nbformat

    code = [c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    return hashlib.sha256(json.dumps([library, code]).encode()).hexdigest()


def _is_fresh(path: Path, library: str, done: dict[str, str]) -> bool:
    import nbformat

    if done.get(str(path.resolve())) != _key(path, library):
        return False
    return not problems(nbformat.read(path, as_version=4))


def _read_cache() -> dict[str, str]:
    try:
        return json.loads(CACHE.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def _remember(path: Path, library: str) -> None:
    done = _read_cache() | {str(path.resolve()): _key(path, library)}
    write_whole(CACHE, json.dumps(done, indent=1))
