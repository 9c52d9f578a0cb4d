"""Waiting for an event: a busy machine is slow, and not wrong. No other test reads a clock."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import TypeVar

import pytest

FOR_EVER = 1800  # seconds, against what hangs; no test judges less (see `code_rules.clocks`)

Seen = TypeVar("Seen")


def until(look: Callable[[], Seen], what: str) -> Seen:
    """Look again and again until there is something to see, and return it."""
    end = time.monotonic() + FOR_EVER
    while not (seen := look()):
        if time.monotonic() > end:
            pytest.fail(f"after {FOR_EVER} seconds still no sign of {what}")
        time.sleep(0.05)
    return seen


def hears_ctrl_c() -> None:
    """Let a child process hear Ctrl-C, also where the tests themselves run in the background.

    For ``preexec_fn``: a shell tells what it starts in the background to ignore that signal, and
    children inherit it.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
