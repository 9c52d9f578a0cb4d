"""The best possible denoiser of the tilted rectangles, with its Monte Carlo error."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from lessons_lib.course.studies.pictures import TILTED
from lessons_lib.distributions import rectangle_smc


class BayesLimit:
    """The posterior mean of the rectangle model by sequential Monte Carlo.

    Nothing has a lower mean squared error. What is left of it in a finite number of particles is
    measured from populations that know nothing of each other, see `notes`.

    Parameters
    ----------
    num_particles, num_islands : int
        As for `distributions.rectangle_smc`.
    """

    def __init__(self, num_particles: int = 300, num_islands: int = 4) -> None:
        self.options = {"num_particles": num_particles, "num_islands": num_islands}
        self.forget()

    def forget(self) -> None:
        """Start a new run."""
        self.generator = torch.Generator().manual_seed(0)
        self.excess: list[float] = []
        self.errors: list[float] = []

    def __call__(self, y: Tensor, noise_std: float, truth: Tensor) -> Tensor:
        """Denoise; the ``truth`` only serves to put the Monte Carlo error into decibels."""
        options = self.options | TILTED | {"generator": self.generator}
        particles = rectangle_smc(y.double(), noise_std, **options)
        mean = particles.mean()
        self.excess.append(float(particles.std_error().square().mean()))
        self.errors.append(float((mean - truth).square().mean()))
        return mean.to(y)

    def notes(self, noise_std: float) -> dict[str, Any]:
        """By how many dB Monte Carlo raises the mean squared error, on average."""
        excess, error = sum(self.excess), sum(self.errors)
        return {"monte_carlo_db": round(10 * math.log10(error / (error - excess)), 4)}
