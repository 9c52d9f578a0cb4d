"""The walls one by one: what bubblewrap and the filter leave, limits, and machines without them."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from patience import until

from lessons_lib.course.assign import sandbox
from lessons_lib.course.assign.sandbox import Limits, Session, walls, worker
from lessons_lib.course.assign.sandbox.calls import ALLOWED, program
from lessons_lib.course.assign.sandbox.limits import die_with_parent

linux = pytest.mark.skipif(sys.platform != "linux", reason="asked of Linux")
confined = pytest.mark.skipif(sandbox.missing() is not None, reason=str(sandbox.missing()))

REFUSED = """
    io_uring_setup io_uring_enter io_uring_register io_setup io_submit io_getevents
    add_key request_key keyctl userfaultfd bpf perf_event_open
    socket socketpair connect accept accept4 sendto recvfrom sendmsg recvmsg bind listen
    fork vfork clone clone3 execveat setsid setpgid
    rt_sigqueueinfo rt_tgsigqueueinfo tkill pidfd_send_signal pidfd_open pidfd_getfd
    ptrace process_vm_readv process_vm_writev kcmp process_madvise process_mrelease
    setpriority sched_setparam sched_setscheduler sched_setattr ioprio_set migrate_pages move_pages
    flock chown fchown lchown fchownat mknod mknodat
    setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr
    inotify_init inotify_init1 fanotify_init fanotify_mark name_to_handle_at open_by_handle_at
    shmget shmat shmctl semget semop semctl semtimedop msgget msgsnd msgrcv msgctl
    mq_open mq_unlink memfd_create memfd_secret remap_file_pages
    seccomp setuid setgid setreuid setregid setgroups setresuid setresgid setfsuid setfsgid
    personality chroot pivot_root mount umount2 open_tree move_mount fsopen fsconfig fsmount fspick
    mount_setattr unshare setns acct settimeofday adjtimex clock_settime clock_adjtime
    swapon swapoff reboot sethostname setdomainname iopl ioperm modify_ldt
    init_module delete_module finit_module kexec_load kexec_file_load quotactl quotactl_fd
    vhangup syslog sync syncfs capset landlock_create_ruleset vmsplice tee
""".split()
"""Calls that no notebook has any business to make, and those that were found to be dangerous."""

TRY_CALLS = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
got = {{}}
for name, number in {numbers}.items():
    done = libc.syscall(number, 0, 0, 0, 0, 0, 0)
    got[name] = ctypes.get_errno() if done < 0 else 0
"""


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


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with worker(Limits(cell=30, total=600)) as one:
        yield one


@confined
def test_the_kernel_refuses_every_call_of_the_table(session: Session) -> None:
    import pyseccomp as scmp

    numbers = {name: scmp.resolve_syscall(scmp.system_arch(), name) for name in REFUSED}
    here = {name: number for name, number in numbers.items() if number >= 0}
    assert len(here) > 120
    assert session.run_cell(TRY_CALLS.format(numbers=here)) is None
    assert session.answer("got") == dict.fromkeys(here, errno.ENOSYS)
    assert not {*REFUSED} & {*ALLOWED}


@confined
def test_calls_of_a_later_kernel_are_refused(session: Session) -> None:
    later = {str(number): number for number in (*range(463, 500), 1000, 100_000)}
    assert session.run_cell(TRY_CALLS.format(numbers=later)) is None
    assert {*session.answer("got").values()} == {errno.ENOSYS}


@confined
def test_the_worker_keeps_no_power(session: Session) -> None:
    first = session._process.first
    (pid,) = Path(f"/proc/{first}/task/{first}/children").read_text(encoding="utf-8").split()
    told = dict(
        line.split(":\t")
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    )
    assert {int(told[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapBnd")} == {0}
    assert told["NoNewPrivs"] == "1"
    assert told["Seccomp"] == "2"
    for world in ("mnt", "pid", "net", "ipc", "uts", "user"):
        assert os.readlink(f"/proc/{pid}/ns/{world}") != os.readlink(f"/proc/self/ns/{world}")


@confined
def test_nothing_but_the_disk_can_be_written(session: Session) -> None:
    """Every folder that is there is tried, also those that only hold others."""
    source = "\n".join(
        [
            "import os",
            "got = []",
            "for place, _, _ in os.walk('/'):",
            "    try:",
            "        os.mkdir(place + '/new')",
            "        got.append(place)",
            "    except OSError: pass",
        ]
    )
    assert session.run_cell(source) is None
    got = session.answer("got")
    assert got and all(place.startswith(str(walls.FOLDER)) for place in got)


@confined
def test_no_oracle_is_to_be_found(session: Session) -> None:
    """Of the checks there are the questions, once; no file, also no compiled one, has a judge."""
    source = "\n".join(
        [
            "import os",
            "got = [p + '/' + f for p, _, fs in os.walk('/') for f in fs if 'checks' in p]",
            "got = [f for f in got if 'lessons' in f]",
        ]
    )
    assert session.run_cell(source) is None
    found = {Path(path).name for path in session.answer("got")}
    labs = {path.stem for path in (ROOT / "tests" / "course" / "lab_answers").glob("[a-z]*.py")}
    helpers = {"__init__", "answers", "cases", "claims", "exercise", "judges"}
    assert found == {f"{name}.py" for name in labs | helpers}


@confined
def test_the_filter_is_one_for_this_machine() -> None:
    code = program()
    assert len(code) % 8 == 0 and 100 < len(code) // 8 < 4096


FAKE = """#!/bin/sh
echo 'bwrap: setting up uid map: Permission denied' >&2
exit 1
"""


@pytest.fixture
def unknown() -> Iterator[None]:
    """What is missing is asked anew."""
    sandbox.missing.cache_clear()
    yield
    sandbox.missing.cache_clear()


@pytest.mark.usefixtures("unknown")
@pytest.mark.parametrize(
    ("lack", "cure"),
    [
        ("linux", "grade on Linux"),
        ("bubblewrap", "apt install bubblewrap"),
        ("libseccomp", "apt install libseccomp2"),
        pytest.param("namespaces", "apparmor_restrict_unprivileged_userns=0", marks=linux),
        pytest.param("namespaces", "uid map: Permission denied", marks=linux),
    ],
)
def test_where_there_are_no_walls_the_cure_is_named(
    lack: str, cure: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin" if lack == "linux" else "linux")
    (tmp_path / "bwrap").write_text(FAKE, encoding="utf-8")
    (tmp_path / "bwrap").chmod(0o755 if lack != "bubblewrap" else 0o644)
    monkeypatch.setenv("PATH", str(tmp_path))
    if lack == "libseccomp":
        monkeypatch.setitem(sys.modules, "pyseccomp", None)
    assert cure in (sandbox.missing() or "")
    with pytest.raises(sandbox.Unconfined, match="cannot be confined"), worker(Limits()):
        pass


def test_the_library_can_be_imported_on_a_system_without_walls() -> None:
    """As Windows: no resource, no fcntl, no libseccomp."""
    source = (
        "import sys\n"
        "for name in ('resource', 'fcntl', 'pyseccomp', 'pwd', 'grp'): sys.modules[name] = None\n"
        "import lessons_lib.course.assign.__main__, lessons_lib.course.studies.grading\n"
        "from lessons_lib.course.assign import sandbox\n"
        "print(sandbox.missing())"
    )
    told = subprocess.run([sys.executable, "-c", source], capture_output=True, encoding="utf-8")
    assert told.returncode == 0, told.stderr
    assert "install" in told.stdout or "Linux" in told.stdout


@linux
def test_limits_are_on_top_of_what_python_takes() -> None:
    import resource

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


def test_every_copy_of_the_checks_is_covered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    copy = tmp_path / "lessons_lib" / "course" / "checks"
    copy.mkdir(parents=True)
    monkeypatch.setattr(walls, "readable", lambda: [tmp_path])
    assert copy in walls._places_of_checks()


@linux
def test_a_judge_ends_with_the_grader() -> None:
    def play() -> int:
        ears, mouth = os.pipe()
        if (pid := os.fork()) == 0:
            die_with_parent()
            os.write(mouth, b"!")
            while True:
                signal.pause()
        os.read(ears, 1)
        return pid  # and this process ends

    pid = in_child(play)
    until(lambda: ended(pid), "its end")


@confined
def test_a_worker_ends_with_its_judge() -> None:
    def play() -> int:
        session = worker(Limits()).__enter__()
        return session._process.first  # and this process ends

    pid = in_child(play)
    until(lambda: ended(pid), "its end")


def ended(pid: int) -> bool:
    """Whether a process is gone, or waits to be buried."""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
            == "Z"
        )
    except OSError:
        return True


@pytest.mark.skipif(not os.environ.get("NEED_WALLS"), reason="set NEED_WALLS to insist")
def test_this_machine_has_walls() -> None:
    """Where tests of the grader must not be skipped, nothing may be missing."""
    assert sandbox.missing() is None
