"""Everything that decides what a shipped model is: change a number, and it is another model."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lessons_lib import losses, training
from lessons_lib.phantoms import TRAIN_PHOTOGRAPHS
from lessons_lib.pretrained.pictures import SIZE
from lessons_lib.shapes import turned

Records = Iterator[training.Record]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What all recipes have in common; each kind of recipe builds its model and trains it."""

    kind: str
    """Which model; see `build`."""
    data: str = "photographs"
    """``photographs``, ``disks``, ``rectangles`` or ``tilted``."""
    pictures: tuple[str, ...] | int = TRAIN_PHOTOGRAPHS
    """Names for `phantoms.photograph`, none of them used for testing; or how many are drawn."""
    sigmas: tuple[float, float] = (5 / 255, 100 / 255)
    """Smallest and largest noise level, for pixel values in [0, 1]."""
    seed: int = 0
    """Of the weights, and of all else that is drawn: pictures, pieces of them, batches, noise."""

    def as_json(self) -> dict[str, Any]:
        """Return the recipe as it is written to a file: plain numbers, strings and lists."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @property
    def picture_sizes(self) -> tuple[int, ...]:
        """Heights and widths of the drawn pictures in pixels."""
        return (SIZE,)

    @property
    def piece_shape(self) -> tuple[int, ...]:
        """Shape of what the score is a score of: ``(n,)`` for patches, ``(H, W)`` for crops."""
        raise NotImplementedError

    def pieces(self, pictures: Sequence[Tensor], num: int, generator: torch.Generator) -> Tensor:
        """Cut pieces from ``pictures`` for a test, about as many pixels as ``num`` patches have."""
        raise NotImplementedError

    def build(self, generator: torch.Generator | None = None) -> nn.Module:
        """Make the untrained model in float32, a score that wants a positive ``sigma``."""
        raise NotImplementedError

    def records(self, model: nn.Module, generator: torch.Generator, **options: Any) -> Records:
        """Train a ``model`` as the records are taken.

        The ``options`` are ``checkpoint`` and ``progress``, as in `train`.
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class TrainedRecipe(Recipe):
    """How a network is trained by denoising, from its seed to its last step."""

    hidden: tuple[int, ...]
    """Widths of the hidden layers."""
    num_steps: int
    """Steps of Adam."""
    num_levels: int
    """Noise levels in each step, one in each equal part of the range of ``log sigma``."""
    batch_size: int
    """Pieces in each step; every one is seen at all the levels."""
    mean: float
    """Mean of a pixel, for the preconditioning."""
    std: float
    """Standard deviation of a pixel about that mean."""
    learning_rate: float = 2e-3
    """Largest step size, after a warm-up and before a cosine decay to zero."""
    warmup: int
    """Steps of warm-up."""
    ema: float
    """Decay of the average of the weights, which is what is kept."""

    def material(self, generator: torch.Generator) -> Sequence[Tensor]:
        """What the batches are taken from."""
        raise NotImplementedError

    def batch(self, material: Sequence[Tensor], generator: torch.Generator) -> Tensor:
        """Squares taken from ``material`` at random, ``(batch_size, p, p)``."""
        raise NotImplementedError

    def levels(self, generator: torch.Generator) -> Tensor:
        """Noise levels of one step, one in each equal part of the range of ``log sigma``."""
        low, high = (math.log(sigma) for sigma in self.sigmas)
        u = torch.rand(self.num_levels, generator=generator, dtype=torch.float32)
        part = (torch.arange(self.num_levels) + u) / self.num_levels
        return torch.exp(low + (high - low) * part)

    def weights(self, sigmas: Tensor) -> Tensor | None:
        """Weights of the levels ``sigmas`` in the loss; None if they count alike."""
        return None

    def objective(self, material: Sequence[Tensor]) -> training.Objective:
        """Return the loss of one random batch of ``material``, turned one of eight ways."""

        def one_batch(model: nn.Module, generator: torch.Generator) -> Tensor:
            squares = self.batch(material, generator)
            squares = turned(squares, int(torch.randint(8, (), generator=generator)))
            x, sigmas = squares.reshape(-1, *self.piece_shape), self.levels(generator)
            about = {"weights": self.weights(sigmas), "event_dims": len(self.piece_shape)}
            return losses.noise_conditional(model, x, sigmas, generator=generator, **about)

        return one_batch

    def records(self, model: nn.Module, generator: torch.Generator, **options: Any) -> Records:
        """Train a ``model``; of the ``options``, the checkpoint is written a hundred times."""
        return training.train(
            model,
            self.objective(self.material(generator)),
            num_steps=self.num_steps,
            generator=generator,
            learning_rate=self.learning_rate,
            warmup=min(self.warmup, self.num_steps // 2),
            ema=self.ema,
            checkpoint_every=max(1, self.num_steps // 100),
            recipe=json.dumps(self.as_json()),
            clock=time.process_time,
            **options,
        )
