"""What a lesson hands to its page: the numbers of its sentences, its versions and its time."""

from __future__ import annotations


def quote(**numbers: object) -> None:
    """Hand numbers to the sentences of the page, which ask for each by its name.

    Nothing is printed, and without the book's tools nothing happens.

    Parameters
    ----------
    **numbers : object
        What ``{glue:text}`name``` shows: a text that holds as many digits as are wanted, or a
        whole number.
    """
    try:
        from myst_nb import glue
    except ImportError:  # a kernel without the book's tools has no page
        return
    for name, number in numbers.items():
        glue(name, number, display=False)


def report() -> None:
    """Print versions and wall time, and quote the time as ``wall_seconds`` for *At a glance*.

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
    quote(wall_seconds=round(seconds))
