"""Frames through a pair of pipes, with a limit on their size and a time when to give up."""

from __future__ import annotations

import os
import select
import struct
import time

LARGEST_FRAME = 16 << 20
"""Bytes; a frame that claims to be larger ends the conversation."""

_HEADER = struct.Struct("!I")


class Broken(Exception):
    """The other side is gone, or does not keep to the form."""


class Late(Exception):
    """The other side did not answer in time."""


class Channel:
    """Two pipes: ``source`` is read, ``sink`` is written."""

    def __init__(self, source: int, sink: int) -> None:
        self.source, self.sink = source, sink

    def send(self, data: bytes, seconds: float | None = None) -> None:
        """Write one frame of ``data`` within ``seconds``, or be `Broken` or `Late`."""
        if len(data) > LARGEST_FRAME:
            raise Broken(f"a message of {len(data)} bytes, at most {LARGEST_FRAME} pass")
        end = _end(seconds)
        rest = memoryview(_HEADER.pack(len(data)) + data)
        while rest:
            self._wait(self.sink, select.POLLOUT, end)
            try:
                rest = rest[os.write(self.sink, rest[: select.PIPE_BUF]) :]
            except OSError as error:
                raise Broken("the other side is gone") from error

    def ready(self, seconds: float) -> bool:
        """Whether something can be read within ``seconds``."""
        try:
            self._wait(self.source, select.POLLIN, _end(seconds))
        except Late:
            return False
        return True

    def receive(self, seconds: float | None = None) -> bytes:
        """Read one frame within ``seconds``, or be `Broken` or `Late`."""
        end = _end(seconds)
        (length,) = _HEADER.unpack(self._read(_HEADER.size, end))
        if length > LARGEST_FRAME:
            raise Broken(f"an answer of {length} bytes, at most {LARGEST_FRAME} pass")
        return self._read(length, end)

    def close(self) -> None:
        """Close both pipes."""
        for number in (self.source, self.sink):
            os.close(number)

    def _read(self, length: int, end: float | None) -> bytes:
        parts: list[bytes] = []
        while length:
            self._wait(self.source, select.POLLIN, end)
            part = os.read(self.source, min(length, 1 << 16))
            if not part:
                raise Broken("the other side is gone")
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def _wait(self, number: int, event: int, end: float | None) -> None:
        poll = select.poll()
        poll.register(number, event)
        left = None if end is None else max(0.0, end - time.monotonic()) * 1000
        if not poll.poll(left):
            raise Late("no answer in time")


def _end(seconds: float | None) -> float | None:
    return None if seconds is None else time.monotonic() + seconds
