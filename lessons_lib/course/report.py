"""The last cell of a lesson: what it ran with, and how long it took."""

from __future__ import annotations


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
