"""The walls one by one: the filter of system calls, Landlock of every age, limits."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import platform
import resource
import signal
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from patience import until

from lessons_lib.assign import sandbox
from lessons_lib.assign.sandbox import Limits, landlock, seccomp
from lessons_lib.assign.sandbox.confine import confine
from lessons_lib.assign.sandbox.limits import die_with_parent, overflows, remove
from lessons_lib.assign.sandbox.syscalls import ARCHITECTURES, GUARDED, IGNORED, NEWEST, REFUSED

confined = pytest.mark.skipif(sandbox.missing() is not None, reason=str(sandbox.missing()))


def in_child(action: Callable[[], Any]) -> Any:
    """Run ``action`` in a fork of this process and return what it returns, as JSON."""
    read, write = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            os.write(write, json.dumps(action()).encode())
        except BaseException as error:
            os.write(write, json.dumps(f"{type(error).__name__}: {error}").encode())
        finally:
            os._exit(0)
    os.close(write)
    with open(read, "rb") as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return json.loads(said) if said else None


def attempt(action: Callable[[], Any]) -> bool:
    """Whether it succeeds."""
    try:
        action()
    except OSError:
        return False
    return True


@confined
@pytest.mark.parametrize("abi", range(1, 8))
def test_every_age_of_landlock_with_the_filter_confines(abi: int, tmp_path: Path) -> None:
    if abi > landlock.version():
        pytest.skip("this kernel is older")
    outside, inside = tmp_path / "key", tmp_path / "inside"
    outside.write_text("key", encoding="utf-8")
    inside.mkdir()

    def play() -> dict[str, bool]:
        confine(inside, Limits(), abi=abi)
        return {
            "read": attempt(outside.read_text),
            "write": attempt(lambda: outside.write_text("x", encoding="utf-8")),
            "truncate": attempt(lambda: os.truncate(outside, 0)),
            "remove": attempt(outside.unlink),
            "move": attempt(lambda: outside.rename(inside / "key")),
            "link": attempt(lambda: os.link(outside, inside / "key")),
            "list": attempt(lambda: os.listdir(tmp_path)),
            "signal": attempt(lambda: os.kill(os.getppid(), 0)),
            "inside": attempt(lambda: (inside / "a").write_text("x", encoding="utf-8")),
            "null": attempt(lambda: Path(os.devnull).write_text("x", encoding="utf-8")),
            "library": attempt(lambda: Path(sandbox.__file__).read_text(encoding="utf-8")),
        }

    allowed = {"inside", "null", "library"}
    assert {name for name, done in in_child(play).items() if done} == allowed
    assert outside.read_text(encoding="utf-8") == "key"


@confined
def test_the_kernel_refuses_every_call_of_the_table(tmp_path: Path) -> None:
    column = ARCHITECTURES[platform.machine()][1]

    def play() -> dict[str, int]:
        confine(tmp_path, Limits())
        libc = ctypes.CDLL(None, use_errno=True)
        told = {}
        for name, row in {**REFUSED, **IGNORED}.items():
            if row[column] is not None:
                result = libc.syscall(row[column], 0, 0, 0, 0, 0, 0)
                told[name] = ctypes.get_errno() if result else 0
        return told

    told = in_child(play)
    assert {name for name, code in told.items() if code != errno.EPERM} <= set(IGNORED)
    assert {code for name, code in told.items() if name in IGNORED} == {0}
    assert len(told) > 100


@confined
def test_root_keeps_no_power(tmp_path: Path) -> None:
    def play() -> list[str]:
        os.chdir(tmp_path)
        status = os.open("/proc/self/status", os.O_RDONLY)
        confine(tmp_path, Limits())
        lines = os.read(status, 10_000).decode().splitlines()
        return [
            line for line in lines if line.startswith(("CapEff", "CapPrm", "NoNew", "Seccomp:"))
        ]

    told = dict(line.split(":\t") for line in in_child(play))
    assert int(told["CapEff"], 16) == int(told["CapPrm"], 16) == 0
    assert told["NoNewPrivs"] == "1"
    assert told["Seccomp"] == "2"


def run_filter(code: bytes, machine: int, number: int, first: int = 0, second: int = 0) -> int:
    """Run the filter as the kernel does, and return its verdict."""
    data = struct.pack("IIQQQ", number, machine, 0, first, second)
    steps = list(struct.iter_unpack("HBBI", code))
    place, loaded = 0, 0
    tests = {
        0x15: lambda value: loaded == value,
        0x25: lambda value: loaded > value,
        0x35: lambda value: loaded >= value,
        0x45: lambda value: loaded & value != 0,
    }
    while True:
        kind, if_true, if_false, value = steps[place]
        place += 1
        if kind == 0x06:
            return value
        if kind == 0x20:
            (loaded,) = struct.unpack_from("I", data, value)
        else:
            place += if_true if tests[kind](value) else if_false


REFUSE, ALLOW = seccomp.ERRNO | errno.EPERM, seccomp.ALLOW


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_the_filter_on_each_machine(machine: str) -> None:
    mark, column = ARCHITECTURES[machine]
    code = seccomp.program(machine, pid=77)
    assert len(code) // 8 < 4096
    for row in REFUSED.values():
        if row[column] is not None:
            assert run_filter(code, mark, row[column]) == REFUSE
    for row in IGNORED.values():
        if row[column] is not None:
            assert run_filter(code, mark, row[column]) == seccomp.ERRNO
    assert run_filter(code, mark ^ 1, 0) == seccomp.KILL
    assert run_filter(code, mark, seccomp.X32 + 1) == seccomp.KILL
    assert run_filter(code, mark, NEWEST + 1) == seccomp.ERRNO | errno.ENOSYS
    free = set(range(NEWEST)) - {r[column] for t in (REFUSED, IGNORED, GUARDED) for r in t.values()}
    assert {run_filter(code, mark, number) for number in free} == {ALLOW}


@pytest.mark.parametrize(
    ("call", "first", "second", "verdict"),
    [
        ("clone", 0x01200011, 0, REFUSE),  # fork
        ("clone", 0x003D0F00, 0, ALLOW),  # a thread
        ("clone3", 0, 0, seccomp.ERRNO | errno.ENOSYS),
        ("kill", 77, 9, ALLOW),
        ("kill", 78, 9, REFUSE),
        ("kill", 0, 9, REFUSE),
        ("kill", (1 << 64) - 1, 9, REFUSE),
        ("tgkill", 77, 77, ALLOW),
        ("tgkill", 1, 1, REFUSE),
        ("prlimit64", 0, 0, ALLOW),
        ("prlimit64", 77, 0, ALLOW),
        ("prlimit64", 78, 0, REFUSE),
        ("sched_setaffinity", 78, 0, REFUSE),
        ("fcntl", 3, 1, ALLOW),
        ("fcntl", 3, 8, REFUSE),
        ("fcntl", 3, 1024, REFUSE),
    ],
)
@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_guarded_calls(machine: str, call: str, first: int, second: int, verdict: int) -> None:
    mark, column = ARCHITECTURES[machine]
    code = seccomp.program(machine, pid=77)
    assert run_filter(code, mark, GUARDED[call][column], first, second) == verdict


def test_an_unknown_machine_is_told() -> None:
    with pytest.raises(ValueError, match="machine must be one of"):
        seccomp.program("pdp11", 1)


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="counted by Linux")
def test_limits_are_on_top_of_what_python_takes() -> None:
    def play() -> list[bool]:
        Limits(memory=64 << 20).set()
        done = []
        for size in (16 << 20, 1 << 30):
            try:
                done.append(bool(bytearray(size)))
            except MemoryError:
                done.append(False)
        return [*done, resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)]

    assert in_child(play) == [True, False, True]


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="asked of Linux")
def test_a_lane_ends_with_the_grader() -> None:
    def play() -> int:
        ears, mouth = os.pipe()
        if (pid := os.fork()) == 0:
            die_with_parent()
            os.write(mouth, b"!")
            while True:
                signal.pause()
        os.read(ears, 1)
        return pid  # and this process ends

    state = Path(f"/proc/{in_child(play)}/stat")
    until(
        lambda: (
            not state.exists()
            or state.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
        ),
        "its end",
    )


def test_a_folder_that_overflows(tmp_path: Path) -> None:
    limits = Limits(disk=1 << 20, entries=5)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(bytes(1 << 19))
    assert not overflows(tmp_path, limits)
    (tmp_path / "c").symlink_to("/")  # not followed
    assert not overflows(tmp_path, limits)
    (tmp_path / "d").write_bytes(bytes(1 << 20))
    assert overflows(tmp_path, limits)
    (tmp_path / "d").unlink()
    for k in range(4):
        (tmp_path / f"{k}").touch()
    assert overflows(tmp_path, limits)
    remove(tmp_path)
    assert not tmp_path.exists()
