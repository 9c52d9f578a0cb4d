"""The process that workers are forked from: warm, with all libraries loaded, and without a secret.

Run as ``python -m lessons_lib.assign.sandbox.nursery NUMBER``, where the number is that of the
socket on which the grader asks for workers. It holds no key, no seed and no submission, so there
is nothing in its memory for a worker to find. Each worker is its child, locked up before it runs
a line of the submission.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import gc
import importlib
import json
import os
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from lessons_lib.assign.sandbox.channel import Channel
from lessons_lib.assign.sandbox.confine import confine
from lessons_lib.assign.sandbox.limits import Limits, plain_environment

WARM = ("numpy", "torch", "scipy.linalg", "matplotlib.pyplot", "IPython.core.interactiveshell")
WARM += ("lessons_lib.checks", "lessons_lib.assign.sandbox.worker")
PR_SET_CHILD_SUBREAPER = 36
FIRST = 3


def serve(line: socket.socket) -> None:
    """Start and end workers as asked on ``line`` until it closes."""
    children: set[int] = set()
    while request := _receive(line):
        order, pipes = request
        if order["do"] == "start":
            pid = _start(order, pipes, line)
            children.add(pid)
            reply = {"pid": pid}
        else:
            reply = _end(order["pid"])
            children.discard(order["pid"])
        line.sendall(json.dumps(reply).encode() + b"\n")
    for pid in children:
        _end(pid)


def _receive(line: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    data, pipes, _, _ = socket.recv_fds(line, 1 << 16, 2)
    return (json.loads(data), list(pipes)) if data else None


def _start(order: dict[str, Any], pipes: list[int], line: socket.socket) -> int:
    pid = os.fork()
    if pid:
        for pipe in pipes:
            os.close(pipe)
        return pid
    try:
        line.close()
        _be_worker(Path(order["folder"]), Limits(**order["limits"]), pipes, order["walls"])
    except BaseException as error:
        with contextlib.suppress(Exception):
            Channel(FIRST, FIRST + 1).send(json.dumps({"failed": str(error)}).encode(), 1.0)
    finally:
        os._exit(0)


def _be_worker(folder: Path, limits: Limits, pipes: list[int], walls: bool) -> None:
    os.setsid()
    _only_these(pipes)
    os.environ.clear()
    os.environ.update(plain_environment(folder))
    os.chdir(folder)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if walls:
        confine(folder, limits)
    else:
        limits.set()
    channel = Channel(FIRST, FIRST + 1)
    channel.send(b'{"ready": true}')

    from lessons_lib.assign.sandbox.worker import Worker

    Worker(channel).serve()


def _only_these(pipes: list[int]) -> None:
    """Leave the two pipes as the numbers 3 and 4, nothing on 0 to 2, and all others closed."""
    apart = [fcntl.fcntl(pipe, fcntl.F_DUPFD, 100) for pipe in pipes]
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    for number, pipe in enumerate(apart, FIRST):
        os.dup2(pipe, number)
    os.closerange(FIRST + 2, 4096)


def _end(pid: int) -> dict[str, Any]:
    """Kill a worker with its whole group, wait for it and for orphans, and say what it used."""
    for kill in (os.kill, os.killpg):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)
    try:
        _, status, used = os.wait4(pid, 0)
    except ChildProcessError:
        return {"status": None, "cpu": 0.0}
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-pid, 0)[0]:
            pass
    return {"status": os.waitstatus_to_exitcode(status), "cpu": used.ru_utime + used.ru_stime}


def main() -> None:
    """Load the libraries once, then serve."""
    line = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(line.fileno(), False)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, *map(ctypes.c_ulong, (1, 0, 0, 0)))
    for name in WARM:
        importlib.import_module(name)
    _warm_up()
    gc.collect()
    gc.freeze()
    line.sendall(b'{"ready": true}\n')
    try:
        serve(line)
    finally:
        shutil.rmtree(os.environ["HOME"], ignore_errors=True)


def _warm_up() -> None:
    """Touch what loads on first use, with one thread: threads do not survive a fork."""
    import torch

    torch.set_num_threads(1)


if __name__ == "__main__":
    main()
