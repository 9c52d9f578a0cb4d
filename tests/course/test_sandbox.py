"""A submission reaches nothing outside its folder: each hostile program is run, and looked at."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import hostile
import pytest
import torch
from patience import until

from lessons_lib.course.assign import sandbox
from lessons_lib.course.assign.sandbox import Limits, Remote, Session, Stopped, worker
from lessons_lib.course.assign.sandbox.walls import FOLDER
from lessons_lib.course.checks import NotAttempted, StudentError

pytestmark = pytest.mark.skipif(sandbox.missing() is not None, reason=str(sandbox.missing()))

LIMITS = Limits(cell=20, call=5, total=60)
SHORT = Limits(cell=1, call=1, total=30, memory=1 << 30, disk=32 << 20)
GREEDY = Limits(cell=20, total=300, memory=1 << 30, disk=32 << 20)
FEW = Limits(cell=10, total=30, entries=1000)


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    """A worker for programs that it survives."""
    os.environ["SECRET_OF_THE_GRADER"] = hostile.SECRET
    with worker(Limits(cell=20, call=5, total=600)) as one:
        yield one
    del os.environ["SECRET_OF_THE_GRADER"]


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


def test_no_program_reads_outside(session: Session, outside: Path) -> None:
    for name, source in hostile.READS.items():
        session.run_cell("got = 'refused'")
        assert session.run_cell(filled(source, outside)) or name == "by a shell", name
        got = session.answer("got")
        assert got == "refused" or hostile.SECRET not in str(got), name


def test_no_program_writes_outside(session: Session, outside: Path) -> None:
    library = [Path(sandbox.__file__).parents[3] / "__init__.py", Path(os.__file__)]
    before = look([*library, *outside.iterdir()])
    for name, source in hostile.WRITES.items():
        assert session.run_cell(filled(source, outside)), name
        assert look([*library, *outside.iterdir()]) == before, name


def test_no_program_reaches_another(session: Session, outside: Path, port: int) -> None:
    for name, source in hostile.REACHES.items():
        assert session.run_cell(filled(source, outside, port)), name


def test_a_full_disk_is_an_error_and_no_more() -> None:
    """Many quick cells, also with files that have no name any more, fill its own disk alone."""
    with worker(Limits(cell=20, total=600, disk=8 << 20)) as one:
        one.run_cell("import os\nkeep = []")
        for name, source in hostile.FILLS.items():
            said = [one.run_cell(source) for _ in range(12)]
            assert said[:3] == [None] * 3, name
            assert "No space left" in (said[-1] or ""), name
            assert one.run_cell("for f in keep: f.close()\nkeep.clear()\n" + hostile.EMPTY) is None
        assert one.run_cell("open('again', 'wb').write(bytes(1 << 20))") is None
    assert not FOLDER.exists()


def test_no_program_takes_more_than_its_share() -> None:
    with contextlib.suppress(Stopped), worker(GREEDY) as session:
        for name, source in hostile.EXHAUSTS.items():
            session.run_cell("keep = f = None\nimport os\n" + hostile.EMPTY)
            assert session.run_cell(source), name
    assert name == "threads"


def test_a_program_that_hangs_is_stopped_and_the_next_cell_runs() -> None:
    with worker(SHORT) as session:
        for name, source in hostile.HANGS.items():
            assert session.run_cell(source), name
        assert session.run_cell("x = 1") is None
        assert session.answer("x") == 1


@pytest.mark.parametrize("name", hostile.DIES)
def test_a_program_that_does_not_stop_is_killed(name: str) -> None:
    with pytest.raises(Stopped), worker(SHORT) as session:
        world = os.readlink(f"/proc/{session._process.first}/ns/pid")
        assert len(processes_in(world)) == 2  # bubblewrap's first, and the worker
        session.run_cell(hostile.DIES[name].format())
        session.run_cell("x = 1")
        session.answer("x")
        session.answer("x")
    until(lambda: not processes_in(world), "the end of all processes")


def processes_in(world: str) -> list[str]:
    """Processes that live in a namespace of processes."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "ns" / "pid") == world:
                found.append((process / "cmdline").read_text(encoding="utf-8"))
        except OSError:
            continue
    return found


def test_the_environment_holds_no_secret(session: Session) -> None:
    session.run_cell("import os; got = dict(os.environ)")
    got = session.answer("got")
    assert hostile.SECRET not in str(got)
    assert got["HOME"] == str(FOLDER)
    assert got["OMP_NUM_THREADS"] == "1"


def test_a_notebook_does_what_notebooks_do(session: Session) -> None:
    for source in (
        "%matplotlib inline\nimport matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()",
        "import numpy as np, torch; np.linalg.svd(np.eye(3)); torch.linalg.svd(torch.eye(3))",
        "from lessons_lib import pretrained; pretrained.load('disks_3x3')",
        "import shutil; open('c', 'w').write('x'); shutil.copy2('c', 'd'); open('d').read()",
        "import os; os.chmod('c', 0o600); os.utime('c', (0, 0)); os.remove('c')",
        "import threading; t = threading.Thread(target=print); t.start(); t.join()",
        "from skimage.metrics import structural_similarity",
        "import tempfile; tempfile.TemporaryFile().write(b'x')",
        "%%time\nsum(range(10))",
    ):
        assert session.run_cell(source) is None, source


def test_a_cell_that_raises_is_told_in_words(session: Session) -> None:
    assert "ZeroDivisionError" in (session.run_cell("x = 1\n1 / 0") or "")
    assert "SyntaxError" in (session.run_cell("1 +") or "")
    assert session.answer("x") == 1
    with pytest.raises(StudentError, match="renamed"):
        session.answer("y")


def test_only_our_own_first_words_are_believed_to_be_ours() -> None:
    """A frame in which a submission speaks as the system does is no fault of the system."""
    forged = "import json, os, struct\nd = json.dumps({'failed': 'the disk is full'}).encode()\n"
    forged += "os.write(4, struct.pack('!I', len(d)) + d)"
    try:
        with worker(LIMITS) as session:
            assert "disk is full" not in str(session.run_cell(forged))
            with pytest.raises(StudentError) as told:
                session.answer("y")
            assert "disk is full" not in str(told.value)
    except Stopped as stop:
        assert "disk is full" not in str(stop)


def test_functions_are_called_where_they_live(session: Session) -> None:
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


def test_a_running_program_cannot_make_files_without_end() -> None:
    with pytest.raises(Stopped, match="more than 1000 files"), worker(FEW) as session:
        session.run_cell(hostile.DEEP)
        session.run_cell("x = 1")


def test_without_walls_nothing_is_run_unless_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox.remote, "missing", lambda: "no walls today")
    with pytest.raises(sandbox.Unconfined, match="no walls today"), worker(LIMITS):
        pass


def test_trusted_submissions_run_without_walls(
    monkeypatch: pytest.MonkeyPatch, outside: Path, port: int
) -> None:
    """The same programs succeed here, so it is the walls that stop them above."""
    monkeypatch.setattr(sandbox.remote, "missing", lambda: "no walls today")
    with worker(SHORT, trust=True) as session:
        for name in ("the key", "another submission", "through a link", "by another program"):
            session.run_cell("import os; os.path.lexists('a') and os.remove('a')")
            assert session.run_cell(filled(hostile.READS[name], outside)) is None, name
            session.run_cell("got = got if isinstance(got, str) else got.decode()")
            assert session.answer("got") == hostile.SECRET, name
        for name in ("a new file", "the mode of the key", "cutting the key", "deleting the key"):
            assert session.run_cell(filled(hostile.WRITES[name], outside)) is None, name
        for name in ("tcp", "udp", "a pair of sockets", "a child", "memory without a file"):
            assert session.run_cell(filled(hostile.REACHES[name], outside, port)) is None, name
        session.run_cell("import os; folder = os.getcwd()")
        folder = Path(session.answer("folder"))
        source = "import os, time\nif os.fork() == 0:\n    time.sleep(100); os._exit(0)"
        assert session.run_cell(source) is None
        assert len(working_in(folder)) >= 2
        session.run_cell("x = 1")
    assert working_in(folder) == []  # the grandchild is gone too
    assert not folder.exists()


def working_in(folder: Path) -> list[Path]:
    """Processes whose folder it is."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if Path(os.readlink(process / "cwd")).is_relative_to(folder):
                found.append(process)
        except OSError:
            continue
    return found


def test_secrets_must_not_lie_in_a_readable_folder(tmp_path: Path) -> None:
    inside = Path(torch.__file__).parent / "key"
    assert sandbox.exposed([tmp_path, inside]) == [inside]
