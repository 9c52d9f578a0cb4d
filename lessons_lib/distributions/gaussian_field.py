"""Gaussian images that look the same everywhere: every answer is a line in the Fourier domain."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lessons_lib.distributions._conditional import Measured, conditional_score
from lessons_lib.distributions.gaussian import Gaussian
from lessons_lib.shapes import (
    Sigma,
    check_count,
    check_number,
    check_sides,
    check_tensor,
    expand_sigma,
    fft2,
    ifft2,
    unit_normal,
)

ASYMMETRY = 1e-6


class GaussianField:
    """Stationary, periodic normal images, ``cov x = ifft2(spectrum * fft2(x))``.

    The Fourier transform makes the pixels independent: frequency ``k`` has variance
    ``spectrum[k]``, and ``spectrum[k] + sigma^2`` in noise. So the score is

    ``s(x, sigma) = -ifft2( fft2(x - mean) / (spectrum + sigma^2) )``,

    and the best denoiser is Wiener's filter ``spectrum / (spectrum + noise_std^2)``.

    References: chapter 05_patch_mrf.

    Parameters
    ----------
    spectrum : Tensor, shape ``(H, W)``
        Variance of each frequency of the orthonormal transform, in squared units of ``x``,
        frequencies in the order of `torch.fft.fft2`. Its mean is the variance of a pixel.
    mean : float or Tensor, shape ``(H, W)``
        Mean image, in the units of ``x``.
    """

    def __init__(self, spectrum: Tensor, *, mean: float | Tensor = 0.0) -> None:
        check_tensor(spectrum, "spectrum", axes="H, W")
        if bool((spectrum <= 0).any()):
            raise ValueError(f"spectrum must be positive, got a minimum of {spectrum.min():g}")
        mirrored = spectrum.flip(0, 1).roll((1, 1), (0, 1))  # at -k
        if bool(((spectrum - mirrored).abs() > ASYMMETRY * spectrum.max()).any()):
            raise ValueError("spectrum must be the same at k and -k, or the images are not real")
        self.spectrum, self.image_shape = spectrum, tuple(spectrum.shape)
        mean = torch.as_tensor(mean, dtype=spectrum.dtype, device=spectrum.device)
        self.mean = check_tensor(mean, "mean", min_dims=0)
        if self.mean.shape not in ((), spectrum.shape):
            raise ValueError(
                f"mean must be a number or {self.image_shape}, got {tuple(self.mean.shape)}"
            )

    @property
    def covariance(self) -> Tensor:
        """Covariance of pixel ``(0, 0)`` with every pixel, shape ``(H, W)``."""
        return torch.fft.ifft2(self.spectrum).real

    @property
    def matrix(self) -> Tensor:
        """Covariance of all pixels, read row by row, ``(H * W, H * W)``; for small images."""
        return self._between(*(torch.arange(length) for length in self.image_shape))

    def log_prob(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Log density of the images smoothed by ``sigma``, shape ``(*)``."""
        d, variance = self._frequencies(x, sigma)
        quadratic = (d.abs().square() / variance).sum((-2, -1))
        logdet = variance.log().sum((-2, -1))
        return -0.5 * (quadratic + logdet + self.spectrum.numel() * math.log(2 * math.pi))

    def score(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Score ``-(cov + sigma^2 I)^-1 (x - mean)``, shape ``(*, H, W)``."""
        d, variance = self._frequencies(x, sigma)
        return -ifft2(d / variance, norm="ortho").real

    def sample(self, num: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw ``num`` independent images, shape ``(num, H, W)``."""
        shape = (check_count(num, "num"), *self.image_shape)
        noise = unit_normal(shape, self.spectrum, generator)
        return self.mean + torch.fft.ifft2(self.spectrum.sqrt() * torch.fft.fft2(noise)).real

    def posterior(self, y: Tensor, noise_std: float) -> GaussianField:
        """Return the images that explain ``y = x + noise_std * noise``: again such a field.

        Its ``mean`` is the Wiener solution, the best estimate of ``x``; its covariance does not
        depend on ``y``, of shape ``(H, W)``.
        """
        check_tensor(y, "y", last=self.image_shape)
        variance = expand_sigma(noise_std, y, event_dims=2, positive=True) ** 2
        mean = y + variance * self.score(y, noise_std)
        return GaussianField(self.spectrum * variance / (self.spectrum + variance), mean=mean)

    def posterior_score(
        self, likelihood: Measured, x: Tensor, sigma: Sigma = 0.0, *, num_cg: int = 200
    ) -> Tensor:
        """Score of the field in noise, ``x0 + sigma z``, given a measurement ``y`` of ``x0``.

        Exact at every level: where samplers of the posterior replace it by something that needs
        no more than the prior's score, this is what they miss. Shape ``(*, H, W)``. The linear
        system takes at most ``num_cg`` steps of conjugate gradients.
        """

        def root(v: Tensor, variance: Tensor) -> Tensor:
            spectrum = self.spectrum.to(v)
            left = spectrum * variance / (spectrum + variance)  # of x0, given x
            return ifft2(left.sqrt() * fft2(v)).real

        return conditional_score(self.score, likelihood, x, sigma, root=root, num_cg=num_cg)

    def patch_marginal(
        self, patch_size: int | tuple[int, int], corner: tuple[int, int] = (0, 0)
    ) -> Gaussian:
        """Return the density of one patch, its ``n = rows * columns`` pixels read row by row.

        Its score is what denoising score matching on patches learns. ``patch_size`` is a side in
        pixels, or rows and columns; only the mean depends on the ``corner``, the first pixel.
        """
        p, q = check_patch(patch_size, self.image_shape)
        mean = self.mean.expand(self.image_shape).roll((-corner[0], -corner[1]), (0, 1))[:p, :q]
        cov = self._between(torch.arange(p), torch.arange(q))
        return Gaussian(mean.flatten(), cov)

    def denoising_error(self, noise_std: float, response: Tensor | None = None) -> float:
        """Mean squared error per pixel of a filter applied to ``x + noise_std * noise``.

        With ``d`` the response of the filter it is the mean over the frequencies of
        ``|1 - d|^2 spectrum + |d|^2 noise_std^2``: what it takes from the image, and what it
        leaves of the noise, in squared units of ``x``.

        Parameters
        ----------
        response : Tensor, shape ``(H, W)``, optional
            What the filter makes of each frequency, real or complex; Wiener's by default, which
            no other denoiser surpasses. (The mean image is assumed to be known and kept.)
        """
        variance = check_number(noise_std, "noise_std", zero_allowed=True) ** 2
        if response is None:
            response = self.spectrum / (self.spectrum + variance)
        if response.shape != self.spectrum.shape:
            raise ValueError(
                f"response must have shape {self.image_shape}, got {tuple(response.shape)}"
            )
        lost, left = (1 - response).abs().square(), response.abs().square()
        return float((lost * self.spectrum + left * variance).mean())

    def _frequencies(self, x: Tensor, sigma: Sigma) -> tuple[Tensor, Tensor]:
        """Orthonormal transform of ``x - mean``, and the variance of each frequency."""
        check_tensor(x, "x", last=self.image_shape)
        variance = self.spectrum.to(x) + expand_sigma(sigma, x, event_dims=2) ** 2
        return fft2(x - self.mean.to(x), norm="ortho"), variance

    def _between(self, rows: Tensor, cols: Tensor) -> Tensor:
        """Covariance matrix of the pixels on a grid of rows and columns, read row by row."""
        down = (rows[:, None] - rows) % self.image_shape[0]  # (p, p)
        across = (cols[:, None] - cols) % self.image_shape[1]  # (q, q)
        cov = self.covariance[down[:, None, :, None], across[None, :, None, :]]  # (p, q, p, q)
        return cov.flatten(2).flatten(0, 1)


def matern_spectrum(
    image_shape: tuple[int, int], *, length: float, order: int = 1, std: float = 1.0
) -> Tensor:
    """Spectrum of a Markov field: precision proportional to ``(length^-2 - Laplacian)^order``.

    With the five-point Laplacian, ``-Laplacian`` multiplies frequency ``(u, v)`` by
    ``4 - 2 cos u - 2 cos v``, and a pixel depends on all others only through those that are at
    most ``order`` steps away. For `GaussianField`, float64, shape ``(H, W)``.

    References: [Lindgren2011], chapter 05_patch_mrf.

    Parameters
    ----------
    image_shape : tuple of int
        Height and width.
    length : float
        Correlation length in pixels.
    order : int
        Power; 1 is rough, 2 and 3 are smoother (Matérn fields of smoothness ``order - 1``).
    std : float
        Standard deviation of a pixel.
    """
    length, order = check_number(length, "length"), check_number(order, "order")
    std, image_shape = check_number(std, "std"), check_sides(image_shape, "image_shape")
    turns = [torch.arange(k, dtype=torch.float64) * (2 * math.pi / k) for k in image_shape]
    u, v = torch.meshgrid(*turns, indexing="ij")
    shape = (length**-2 + 4 - 2 * u.cos() - 2 * v.cos()) ** -order
    return std**2 * shape / shape.mean()


def check_patch(patch_size: int | tuple[int, int], image_shape: tuple[int, int]) -> tuple[int, int]:
    """Return the rows and columns of a patch, if it fits into the image."""
    p, q = check_sides(patch_size, "patch_size", square=True)
    if p > image_shape[0] or q > image_shape[1]:
        raise ValueError(f"patch_size must fit the image {image_shape}, got {patch_size}")
    return p, q
