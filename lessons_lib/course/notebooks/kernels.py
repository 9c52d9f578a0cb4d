"""The kernels of notebooks: clients that do not stall, and that end at once when told to."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbclient import NotebookClient


class Kernels:
    """Those that run now, so that another thread can end them all."""

    def __init__(self) -> None:
        self.clients: list[NotebookClient] = []
        self.stopped = False

    def add(self, client: NotebookClient) -> None:
        """Remember a ``client`` whose kernel has just started."""
        self.clients.append(client)
        if self.stopped:
            _kill(client)

    def stop(self) -> None:
        """Kill every kernel, those that start from now on as well; their cells then fail."""
        self.stopped = True
        for client in list(self.clients):
            _kill(client)

    def client(self, *arguments: Any, **options: Any) -> NotebookClient:
        """Return ``NotebookClient(*arguments, **options)``, made to look for replies each second.

        Widgets send comm messages on the shell socket while the client polls it, and now and then
        the wake-up for the reply is lost: jupyter/nbclient#312, open, and the cause (a message sent
        past the socket that is polled) stands in nbclient 0.11 and jupyter_client 8.10. Asking
        again each second finds it.
        """
        from nbclient import NotebookClient

        kernels = self

        class Client(NotebookClient):
            async def async_start_new_kernel_client(self) -> Any:
                kernels.add(self)
                client = await super().async_start_new_kernel_client()
                _ask_again(client.shell_channel)
                return client

        return Client(*arguments, **options)


def _ask_again(channel: Any) -> None:
    """Let ``channel`` look for a message each second, however long it waits."""
    from queue import Empty

    from jupyter_client.utils import ensure_async

    receive = channel.get_msg

    async def get_msg(timeout: float | None = None) -> Any:
        end = time.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            left = max(0.0, end - time.monotonic())
            try:
                return await ensure_async(receive(timeout=min(1.0, left)))
            except Empty:
                if left <= 1.0:
                    raise

    channel.get_msg = get_msg


def _kill(client: NotebookClient) -> None:
    """Kill the process of the kernel, if there is one; its client notices within a second."""
    process = getattr(getattr(client.km, "provisioner", None), "process", None)
    if process is not None:
        with suppress(OSError):
            process.kill()
