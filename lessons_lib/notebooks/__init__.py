"""Execute the lessons, keep their files quiet, and report at the end of each.

The book stores executed notebooks, so that building it takes seconds and reading it needs no
kernel. Three commands keep them honest::

    python -m lessons_lib.notebooks run                  # those whose code or library changed
    python -m lessons_lib.notebooks run book/01_*.ipynb --force
    python -m lessons_lib.notebooks check                # are the stored files clean?

A notebook runs from top to bottom in a fresh kernel, in its own folder, with one thread. Its file
is replaced in one step, and only if every cell ran.
"""

from __future__ import annotations

from lessons_lib.notebooks.cleaning import problems, quiet
from lessons_lib.notebooks.execution import execute, run
from lessons_lib.notebooks.pictures import picture

__all__ = ["execute", "picture", "problems", "quiet", "report", "run"]


def report() -> None:
    """Print versions and wall time, and glue the time as ``wall_seconds`` for *At a glance*.

    The time counts from the start of the kernel, imports included, to this call. The cell that
    calls it carries the tag ``nbval-ignore-output``.
    """
    import platform
    import time

    import numpy
    import psutil
    import torch

    from lessons_lib import __version__

    seconds = time.time() - psutil.Process().create_time()
    print(f"python {platform.python_version()}, torch {torch.__version__.split('+')[0]}")
    print(f"numpy {numpy.__version__}, lessons_lib {__version__}")
    print(
        f"{seconds:.0f} seconds from the start of the kernel, {torch.get_num_threads()} thread(s)"
    )
    try:
        from myst_nb import glue
    except ImportError:  # a kernel without the book's tools has no page to glue into
        return
    glue("wall_seconds", round(seconds), display=False)
