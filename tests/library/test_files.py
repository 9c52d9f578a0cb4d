"""Files that hold results: whole or as before, with the mode that the user wants, through links."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import running
import torch
from nbformat.v4 import new_code_cell, new_notebook

from lessons_lib import pretrained, training
from lessons_lib.course.studies.stored import write_report
from lessons_lib.files import check_place, whole_file, write_whole

posix = pytest.mark.skipif(os.name == "nt", reason="modes and links are those of POSIX")


@pytest.fixture(params=[0o002])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """That of a group that works together; new files are 664."""
    old = os.umask(request.param)
    yield request.param
    os.umask(old)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_text_and_bytes_are_written_into_folders_that_were_not_there(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "b" / "text", "σ\n")
    write_whole(str(tmp_path / "bytes"), b"\x00\r\n")
    assert (tmp_path / "a" / "b" / "text").read_bytes() == "σ\n".encode()
    assert (tmp_path / "bytes").read_bytes() == b"\x00\r\n"
    assert names(tmp_path) == ["a", "bytes"] and names(tmp_path / "a" / "b") == ["text"]


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    write_whole(path, "long")
    assert path.read_text(encoding="utf-8") == "long"


@posix
@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077], ids=oct, indirect=True)
def test_a_new_file_obeys_the_umask_and_an_old_one_keeps_its_mode(
    tmp_path: Path, umask: int
) -> None:
    write_whole(tmp_path / "a", "new")
    assert mode(tmp_path / "a") == 0o666 & ~umask
    for wanted in (0o664, 0o600, 0o755):
        (tmp_path / "a").chmod(wanted)
        write_whole(tmp_path / "a", "old")
        assert mode(tmp_path / "a") == wanted


@posix
def test_a_link_stays_and_what_it_points_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    target, link, twice = tmp_path / "disk" / "real", tmp_path / "link", tmp_path / "twice"
    link.symlink_to(Path("disk") / "real")
    twice.symlink_to(link)
    for content in ("first, where the link leads nowhere yet", "then over it"):
        write_whole(twice, content)
        assert link.is_symlink() and twice.is_symlink() and not target.is_symlink()
        assert target.read_text(encoding="utf-8") == content


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=repr)
def test_an_interrupted_write_leaves_what_was_there(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "result"
    write_whole(path, "old")
    for _ in range(2):
        with pytest.raises(type(error)), whole_file(path) as file:
            file.write(b"half of the n")
            raise error
    assert path.read_text(encoding="utf-8") == "old" and names(tmp_path) == ["result"]


def test_a_killed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "result"
    write_whole(path, "old")
    program = (
        "import os, sys\nfrom lessons_lib.files import whole_file\n"
        "with whole_file(sys.argv[1]) as file:\n"
        "    file.write(b'half')\n    file.flush()\n    os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)]).returncode == 9
    assert path.read_text(encoding="utf-8") == "old"


@posix
def test_what_is_no_plain_file_is_written_to(tmp_path: Path) -> None:
    program = (
        "from lessons_lib.files import check_place, write_whole\n"
        "check_place('/dev/stdout')\nwrite_whole('/dev/stdout', 'table')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"table"
    before = os.stat(os.devnull)
    write_whole(os.devnull, "gone")
    assert os.stat(os.devnull).st_rdev == before.st_rdev and stat.S_ISCHR(before.st_mode)


def bad_places(folder: Path) -> dict[str, Path]:
    (folder / "file").write_text("", encoding="utf-8")
    (folder / "loop").symlink_to("loop")
    return {
        "below a file": folder / "file" / "below",
        "a folder": folder,
        "a loop of links": folder / "loop",
        "no such device": Path("/proc/nothing/here"),
        "a name too long": folder / ("n" * 256),
    }


@posix
@pytest.mark.parametrize(
    "case", ["below a file", "a folder", "a loop of links", "no such device", "a name too long"]
)
@pytest.mark.parametrize("write", [check_place, lambda path: write_whole(path, "x")])
def test_a_place_that_cannot_be_written_is_named(
    tmp_path: Path, case: str, write: Callable[[Path], None]
) -> None:
    path = bad_places(tmp_path)[case]
    before = names(tmp_path)
    with pytest.raises(OSError) as caught:
        write(path)
    assert str(path) in str(caught.value) and names(tmp_path) == before


def test_a_file_that_is_protected_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its folder would let it be replaced. Root may write anywhere, so the system is asked."""
    path = tmp_path / "final"
    write_whole(path, "old")
    monkeypatch.setattr(os, "access", lambda place, kind: False)
    for write in (check_place, lambda path: write_whole(path, "new")):
        with pytest.raises(PermissionError, match="final may not be written to"):
            write(path)
    assert path.read_text(encoding="utf-8") == "old"


def test_trying_a_place_changes_nothing_there(tmp_path: Path) -> None:
    write_whole(tmp_path / "old", "old")
    before = (tmp_path / "old").stat()
    check_place(tmp_path / "old")
    check_place(tmp_path / "new")
    after = (tmp_path / "old").stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)
    assert names(tmp_path) == ["old"]


# --- every place that writes results -----------------------------------------------------------


def checkpoint(path: Path) -> None:
    net = torch.nn.Linear(1, 1)
    options = {"num_steps": 1, "generator": torch.Generator().manual_seed(0)}
    list(training.train(net, lambda net, g: net(torch.ones(1)).sum(), checkpoint=path, **options))


def weights(path: Path) -> None:
    recipe = pretrained.RECIPES["disks_1x1"]
    about = {"training_seconds": 0, "test_error": 1, "folder": path.parent}
    pretrained.save(path.stem, recipe.build(), **about)


def executed(path: Path) -> None:
    """As an editor saves it, in place, and then as the executor does."""
    import nbformat

    with open(path, "w", encoding="utf-8") as file:
        file.write(nbformat.writes(new_notebook(cells=[new_code_cell("1")])))
    assert running.run([path], force=True) == {}


def remembered(path: Path) -> None:
    lesson = path.parent.parent / "any.ipynb"
    write_whole(lesson, '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    running._remember(lesson, "hash of the library")


WRITERS = {
    "disks_1x1.json": weights,
    "disks_1x1.safetensors": weights,
    "run.pt": checkpoint,
    "lesson.ipynb": executed,
    "_build/executed.json": remembered,
    "table.json": lambda path: write_report(path, {"methods": [{}], "setting": {}}),
}


@posix
@pytest.mark.parametrize("name", WRITERS)
def test_results_keep_their_mode_obey_the_umask_and_follow_links(
    name: str, tmp_path: Path, umask: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path, elsewhere = tmp_path / name, tmp_path / "elsewhere"
    WRITERS[name](path)
    assert mode(path) == 0o666 & ~umask
    path.chmod(0o660)
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    WRITERS[name](path)
    assert path.is_symlink() and mode(elsewhere) == 0o660
