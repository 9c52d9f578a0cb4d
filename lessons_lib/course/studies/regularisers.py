"""From a score to a regulariser: two numbers, fitted on pictures of the training kind."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from lessons_lib.course.studies.denoisers import SIGMA_MIN, Prior, climb
from lessons_lib.course.studies.pictures import fitting_pictures
from lessons_lib.reconstruction.oracle import search
from lessons_lib.samplers import last
from lessons_lib.shapes import Score, Sigma

RATIOS = (3.0, 1.4)
"""Factors by which the two numbers are moved, first coarsely."""


def rescaled(score: Score, weight: float, scale: float = 1.0) -> Score:
    """Return the score ``weight * s(scale * x, sigma)``, of ``weight / scale * log p(scale * x)``.

    ``weight`` is how much the prior counts against the data, ``scale`` the amplitude at which it
    sees the image. It belongs to no density that anything was trained on.
    """

    def changed(x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        return weight * score(scale * x, sigma)

    return changed


class Regularised:
    """Ascent at one noise level of a rescaled score, whose numbers are fitted before the first use.

    Parameters
    ----------
    prior : Prior
        Makes the image score.
    phantom : str
        Kind of the pictures to fit on, see `fitting_pictures`.
    scaled : bool
        Fit the amplitude too; otherwise the weight alone.
    overlap : int
        Number of patches that bend together.
    sigma : float
        Noise level at which the score is held.
    num_steps : int
        Of the ascent, with momentum: it should have ended, or the numbers hide when it was stopped.
    """

    def __init__(
        self,
        prior: Prior,
        phantom: str,
        *,
        scaled: bool = True,
        overlap: int = 1,
        sigma: float = SIGMA_MIN,
        num_steps: int = 30,
    ) -> None:
        self.prior, self.phantom, self.scaled = prior, phantom, scaled
        self.overlap, self.sigma, self.num_steps = overlap, sigma, num_steps
        self.fits: dict[float, tuple[float, float]] = {}

    @torch.no_grad()
    def __call__(self, y: Tensor, noise_std: float, truth: Tensor) -> Tensor:
        """Denoise; the ``truth`` is not looked at."""
        if noise_std not in self.fits:
            self.fits[noise_std] = self.fit(noise_std)
        return self.ascend(y.float(), noise_std, *self.fits[noise_std]).to(y)

    def ascend(self, y: Tensor, noise_std: float, weight: float, scale: float) -> Tensor:
        """Climb to the end with a given ``weight`` and ``scale``."""
        score = rescaled(self.prior(tuple(y.shape[-2:])), weight, scale)
        about = {"sigma": self.sigma, "bend": self.overlap * weight * scale, "accelerate": True}
        return last(climb(score, y, noise_std, num_steps=self.num_steps, **about))

    @torch.no_grad()
    def fit(self, noise_std: float) -> tuple[float, float]:
        """Search the numbers with the least squared error on the fitting pictures."""
        x = fitting_pictures(self.phantom).float()
        noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(2), dtype=x.dtype)

        def error(weight: float, scale: float = 1.0) -> float:
            """Of the end of the ascent; one that diverges is the worst."""
            try:
                estimate = self.ascend(x + noise_std * noise, noise_std, weight, scale)
            except FloatingPointError:
                return math.inf
            return float((estimate - x).square().mean().nan_to_num(math.inf))

        start = (1 / self.overlap, 1.0) if self.scaled else (1 / self.overlap,)
        weight, *scale = search(error, start, RATIOS)
        return weight, *(scale or [1.0])

    def notes(self, noise_std: float) -> dict[str, Any]:
        """The fitted numbers, and the noise level of the score."""
        weight, scale = self.fits[noise_std]
        return {"weight": round(weight, 5), "scale": round(scale, 5), "sigma": self.sigma}
