"""Any score, freed from the amplitude of the images that it was trained on."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.shapes import Score, Sigma, check_number, check_tensor, checked, expand_sigma

LEAST = 0.1
"""The amplitude is never taken to be less than this fraction of the noise."""


class ScaleFreeScore:
    r"""A score made homogeneous: ``s(a x, a sigma) = s(x, sigma) / a`` for every ``a > 0``.

    Each image is brought to the amplitude that the score knows, and the answer is brought back:

    .. math:: s(x, \sigma) = \frac1a\, s_0\Big(\frac{x}{a}, \frac{\sigma}{a}\Big), \qquad
        a = \frac{1}{\mathrm{spread}}
        \sqrt{\max(\operatorname{var} x - \sigma^2,\ (\sigma / 10)^2)} .

    Tweedie's denoiser then commutes with a change of units, ``D(a y, a sigma) = a D(y, sigma)``.
    The factor ``a`` is estimated from the noisy image, so the result is no longer exactly a
    gradient, and nothing is gained where the content of an image is weaker than its noise.

    Parameters
    ----------
    score : Score
        ``score(x, sigma)``, trained at one amplitude.
    spread : float
        Standard deviation of the pixels within an image of its training set.
    level : float, optional
        Mean of the training images. If given, each image is also moved to this mean, which makes
        the result blind to an offset.

    References
    ----------
    [Mohan2020], [Herbreteau2023] make the network itself homogeneous. Chapter 07_pitfalls.
    """

    def __init__(
        self, score: Score, *, spread: float, level: float | None = None, event_dims: int = 2
    ) -> None:
        if event_dims not in (1, 2):
            raise ValueError(f"event_dims must be 1 or 2, got {event_dims!r}")
        self.score, self.spread = checked(score), check_number(spread, "spread")
        self.level = None if level is None else check_number(level, "level", any_sign=True)
        self.dims = tuple(range(-event_dims, 0))

    def amplitude(self, x: Tensor, sigma: Sigma) -> Tensor:
        """Return the estimated amplitude ``a`` of each image or patch, shape ``(*)``."""
        return self._numbers(self._amplitude(x, self._noise(x, sigma)))

    def __call__(self, x: Tensor, sigma: Sigma) -> Tensor:
        """Evaluate the score, shaped like ``x``; every ``sigma`` must be positive."""
        noise = self._noise(x, sigma)
        a = self._amplitude(x, noise)
        u = x / a
        if self.level is not None:
            u = u - u.mean(self.dims, keepdim=True) + self.level
        return self.score(u, self._numbers(noise / a)) / a

    def _noise(self, x: Tensor, sigma: Sigma) -> Tensor:
        check_tensor(x, "x", min_dims=len(self.dims))
        return expand_sigma(sigma, x, event_dims=len(self.dims), positive=True)

    def _amplitude(self, x: Tensor, noise: Tensor) -> Tensor:
        """``a`` with ones in place of the event, ``(*, 1, ...)``."""
        variance = (x - x.mean(self.dims, keepdim=True)).square().mean(self.dims, keepdim=True)
        return torch.maximum(variance - noise**2, (LEAST * noise) ** 2).sqrt() / self.spread

    def _numbers(self, a: Tensor) -> Tensor:
        return a.flatten(self.dims[0])[..., 0]  # (*, 1, ...) -> (*)
