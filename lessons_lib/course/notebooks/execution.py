"""Run a notebook from top to bottom in a fresh kernel, in its own folder, with one thread."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lessons_lib.course.notebooks.cleaning import quiet
from lessons_lib.course.notebooks.kernels import Kernels

if TYPE_CHECKING:
    from nbformat import NotebookNode

ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}


def execute(notebook: NotebookNode, *, folder: Path, timeout: int = 600) -> NotebookNode:
    """Run every cell in a fresh kernel and return the notebook, cleaned by `quiet`.

    Parameters
    ----------
    notebook : NotebookNode
        Changed in place.
    folder : Path
        Working folder of the kernel.
    timeout : int
        Longest time of one cell, in seconds.

    Returns
    -------
    NotebookNode
        ``notebook``.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell raises; the message shows the cell and the traceback.
    nbclient.exceptions.CellTimeoutError
        If a cell takes longer than ``timeout``.
    KeyboardInterrupt
        After Ctrl-C, at once; the kernel is killed.
    """
    kernels = Kernels()
    with lanes(1, kernels) as pool:  # not in the main thread, which must hear Ctrl-C
        return pool.submit(executed, notebook, folder, timeout, kernels).result()


def executed(notebook: NotebookNode, folder: Path, timeout: int, kernels: Kernels) -> NotebookNode:
    """The notebook as from `execute`, in one of ``kernels``, which another thread may kill."""
    quiet(notebook)
    client = kernels.client(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=CRITICAL"],
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env=os.environ | ONE_THREAD | {"JUPYTER_PREFER_ENV_PATH": "1"})
    return quiet(notebook)


@contextmanager
def lanes(jobs: int, kernels: Kernels) -> Iterator[ThreadPoolExecutor]:
    """Threads to run notebooks in; when this block is left early, they and their kernels end."""
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            kernels.stop()
            raise
