"""A submission reaches nothing outside its folder: each hostile program is run, and looked at."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import hostile
import pytest
import torch

from lessons_lib.assign import sandbox
from lessons_lib.assign.sandbox import Limits, Nursery, Remote, Stopped
from lessons_lib.assign.sandbox.limits import overflows, remove
from lessons_lib.checks import NotAttempted, StudentError

pytestmark = pytest.mark.skipif(sandbox.missing() is not None, reason=str(sandbox.missing()))

LIMITS = Limits(cell=20, call=5, total=60)
SHORT = Limits(cell=1, call=1, total=30, memory=1 << 30, disk=32 << 20)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    os.environ["SECRET_OF_THE_GRADER"] = hostile.SECRET
    with Nursery() as one:
        yield one
    del os.environ["SECRET_OF_THE_GRADER"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inside").mkdir()
    return tmp_path / "inside"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    place = tmp_path / "outside"
    place.mkdir()
    (place / "key.txt").write_text(hostile.SECRET, encoding="utf-8")
    (place / "other.ipynb").write_text(hostile.SECRET, encoding="utf-8")
    return place


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def filled(source: str, outside: Path, port: int = 0) -> str:
    return source.format(outside=outside, grader=os.getpid(), port=port)


def look(places: list[Path]) -> dict[str, tuple[object, ...]]:
    """All that a file is: content, mode, owner, times and marks."""
    return {
        str(p): (p.read_bytes(), s.st_mode, s.st_uid, s.st_gid, s.st_mtime_ns, os.listxattr(p))
        for p in places
        for s in [p.stat()]
    }


def test_no_program_reads_outside(nursery: Nursery, folder: Path, outside: Path) -> None:
    with nursery.worker(folder, LIMITS) as session:
        for name, source in hostile.READS.items():
            session.run_cell("got = 'refused'")
            assert session.run_cell(filled(source, outside)) or name == "by a shell", name
            got = session.answer("got")
            assert got == "refused" or hostile.SECRET not in str(got), name


def test_no_program_writes_outside(nursery: Nursery, folder: Path, outside: Path) -> None:
    library = [Path(sandbox.__file__).parents[2] / "__init__.py", Path(os.__file__)]
    before = look([*library, *outside.iterdir()])
    with nursery.worker(folder, LIMITS) as session:
        for name, source in hostile.WRITES.items():
            said = session.run_cell(filled(source, outside))
            assert said or "mode" in name or "times" in name, name  # these are ignored, not refused
            assert look([*library, *outside.iterdir()]) == before, name


def test_no_program_reaches_another(
    nursery: Nursery, folder: Path, outside: Path, port: int
) -> None:
    with nursery.worker(folder, LIMITS) as session:
        for name, source in hostile.REACHES.items():
            assert session.run_cell(filled(source, outside, port)), name


@pytest.mark.parametrize("name", hostile.EXHAUSTS)
def test_no_program_takes_more_than_its_share(nursery: Nursery, folder: Path, name: str) -> None:
    with nursery.worker(folder, SHORT) as session:
        try:
            assert session.run_cell(hostile.EXHAUSTS[name])
        except Stopped:
            pass
    assert not overflows(folder, Limits(disk=SHORT.file + (1 << 20)))


def test_folders_too_deep_for_python_are_removed(nursery: Nursery, folder: Path) -> None:
    try:
        with nursery.worker(folder, SHORT) as session:
            assert session.run_cell(hostile.DEEP)
    except Stopped:
        pass
    finally:
        remove(folder)
    assert not folder.exists()


def test_a_program_that_hangs_is_stopped_and_the_next_cell_runs(
    nursery: Nursery, folder: Path
) -> None:
    with nursery.worker(folder, SHORT) as session:
        for name, source in hostile.HANGS.items():
            assert session.run_cell(source), name
        assert session.run_cell("x = 1") is None
        assert session.answer("x") == 1


@pytest.mark.parametrize("name", hostile.DIES)
def test_a_program_that_does_not_stop_is_killed(nursery: Nursery, folder: Path, name: str) -> None:
    with pytest.raises(Stopped), nursery.worker(folder, SHORT) as session:
        session.run_cell(hostile.DIES[name].format())
        session.run_cell("x = 1")
        session.answer("x")
        session.answer("x")
    assert not processes_in(folder)
    remove(folder)
    assert not folder.exists()


def processes_in(folder: Path) -> list[str]:
    """Processes that work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if Path(os.readlink(process / "cwd")).is_relative_to(folder):
                found.append((process / "cmdline").read_text(encoding="utf-8"))
        except OSError:
            continue
    return found


def test_the_environment_holds_no_secret(nursery: Nursery, folder: Path) -> None:
    with nursery.worker(folder, LIMITS) as session:
        session.run_cell("import os; got = dict(os.environ)")
        got = session.answer("got")
    assert hostile.SECRET not in str(got)
    assert got["HOME"] == str(folder)
    assert got["OMP_NUM_THREADS"] == "1"


def test_a_notebook_does_what_notebooks_do(nursery: Nursery, folder: Path) -> None:
    with nursery.worker(folder, LIMITS) as session:
        for source in (
            "%matplotlib inline\nimport matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()",
            "import numpy as np, torch; np.linalg.svd(np.eye(3)); torch.linalg.svd(torch.eye(3))",
            "from lessons_lib import pretrained; pretrained.load('disks_3x3')",
            "import shutil; open('a', 'w').write('x'); shutil.copy2('a', 'b'); open('b').read()",
            "import threading; t = threading.Thread(target=print); t.start(); t.join()",
            "from skimage.metrics import structural_similarity",
            "%%time\nsum(range(10))",
        ):
            assert session.run_cell(source) is None, source


def test_a_cell_that_raises_is_told_in_words(nursery: Nursery, folder: Path) -> None:
    with nursery.worker(folder, LIMITS) as session:
        assert "ZeroDivisionError" in (session.run_cell("x = 1\n1 / 0") or "")
        assert "SyntaxError" in (session.run_cell("1 +") or "")
        assert session.answer("x") == 1
        with pytest.raises(StudentError, match="renamed"):
            session.answer("y")


def test_only_our_own_first_words_are_believed_to_be_ours(nursery: Nursery, folder: Path) -> None:
    """A frame in which a submission speaks as the system does is no fault of the system."""
    forged = "import json, os, struct\nd = json.dumps({'failed': 'the disk is full'}).encode()\n"
    forged += "os.write(4, struct.pack('!I', len(d)) + d)"
    try:
        with nursery.worker(folder, LIMITS) as session:
            assert "disk is full" not in str(session.run_cell(forged))
            with pytest.raises(StudentError) as told:
                session.answer("y")
            assert "disk is full" not in str(told.value)
    except Stopped as stop:
        assert "disk is full" not in str(stop)


def test_functions_are_called_where_they_live(nursery: Nursery, folder: Path) -> None:
    with nursery.worker(folder, LIMITS) as session:
        session.run_cell(
            "import torch\n"
            "def double(x, *, by=2):\n    return by * x\n"
            "def slope(score):\n    return lambda x: score(x, 0.5)\n"
            "def steps(x):\n    yield x\n    yield x + 1\n"
            "def broken(x):\n    return x / 0\n"
            "def open_(x):\n    raise NotImplementedError"
        )
        double = session.answer("double")
        assert isinstance(double, Remote)
        assert torch.equal(double(torch.arange(3), by=3), 3 * torch.arange(3))
        made = session.answer("slope")(torch.add)
        assert made(1) == 1.5
        assert session.answer("slope")(torch.mul)(double(4)) == 4
        assert list(session.answer("steps")(1)) == [1, 2]
        with pytest.raises(StudentError, match="line 10"):
            session.answer("broken")(1)
        with pytest.raises(NotAttempted):
            session.answer("open_")(1)


def test_without_walls_nothing_is_run_unless_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lessons_lib.assign.sandbox.remote.missing", lambda: "no walls today")
    with pytest.raises(sandbox.Unconfined, match="no walls today"):
        Nursery()


def test_trusted_submissions_run_without_walls(
    monkeypatch: pytest.MonkeyPatch, folder: Path, outside: Path, port: int
) -> None:
    """The same programs succeed here, so it is the walls that stop them above."""
    monkeypatch.setattr("lessons_lib.assign.sandbox.remote.missing", lambda: "no walls today")
    with Nursery(trust=True) as nursery, nursery.worker(folder, SHORT) as session:
        for name in ("the key", "another submission", "through a link", "by another program"):
            session.run_cell("import os; os.path.lexists('a') and os.remove('a')")
            assert session.run_cell(filled(hostile.READS[name], outside)) is None, name
            session.run_cell("got = got if isinstance(got, str) else got.decode()")
            assert session.answer("got") == hostile.SECRET, name
        for name in ("a new file", "the mode of the key", "cutting the key", "deleting the key"):
            assert session.run_cell(filled(hostile.WRITES[name], outside)) is None, name
        for name in ("tcp", "udp", "a pair of sockets", "a child", "memory without a file"):
            assert session.run_cell(filled(hostile.REACHES[name], outside, port)) is None, name
        source = "import os, time\nif os.fork() == 0:\n    time.sleep(100); os._exit(0)"
        assert session.run_cell(source) is None
        assert len(processes_in(folder)) >= 2
        session.run_cell("x = 1")
    assert processes_in(folder) == []  # the grandchild is gone too


def test_secrets_must_not_lie_in_a_readable_folder(tmp_path: Path) -> None:
    inside = Path(torch.__file__).parent / "key"
    assert sandbox.exposed([tmp_path, inside]) == [inside]
