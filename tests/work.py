"""The work that a piece of code gives PyTorch, counted: the same on every machine, busy or not."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class Work(TorchDispatchMode):
    """Counts operations, and the numbers that they make, while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.operations = self.numbers = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None) -> Any:
        made = operation(*args, **(kwargs or {}))
        self.operations += 1
        several = made if isinstance(made, tuple | list) else [made]
        self.numbers += sum(one.numel() for one in several if isinstance(one, torch.Tensor))
        return made
