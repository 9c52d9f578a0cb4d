"""Small Gaussian images with any covariance, by dense linear algebra."""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.distributions._conditional import Measured, conditional_score
from lessons_lib.distributions.gaussian import Gaussian
from lessons_lib.distributions.gaussian_field import check_patch
from lessons_lib.shapes import Sigma, check_number, check_tensor


class DenseGaussianField:
    """Normal images with a covariance for every pair of pixels; nothing need be stationary.

    The answers are those of `GaussianField`, from matrices with ``(H * W)^2`` entries: use it up
    to some thirty pixels a side. Images have edges here, and nothing continues beyond them.

    References: chapter 05_patch_mrf.

    Parameters
    ----------
    mean : Tensor, shape ``(H, W)``
        Mean image, in the units of ``x``; also says how large the images are.
    cov : Tensor, shape ``(H * W, H * W)``
        Covariance of the pixels, read row by row. (For a precision ``Q``, give its inverse.)
    """

    def __init__(self, mean: Tensor, cov: Tensor) -> None:
        self.mean = check_tensor(mean, "mean", axes="H, W")
        self.image_shape = tuple(mean.shape)
        self.flat = Gaussian(mean.flatten(), cov)

    @property
    def matrix(self) -> Tensor:
        """Covariance of all pixels, read row by row, ``(H * W, H * W)``."""
        return self.flat.cov

    def log_prob(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Log density of the images smoothed by ``sigma``, shape ``(*)``."""
        return self.flat.log_prob(self._flatten(x), sigma)

    def score(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Score ``-(cov + sigma^2 I)^-1 (x - mean)``, shape ``(*, H, W)``."""
        return self.flat.score(self._flatten(x), sigma).unflatten(-1, self.image_shape)

    def sample(self, num: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw ``num`` independent images, shape ``(num, H, W)``."""
        return self.flat.sample(num, generator).unflatten(-1, self.image_shape)

    def posterior(self, y: Tensor, noise_std: float) -> DenseGaussianField:
        """Return the images that explain ``y = x + noise_std * noise``.

        Its ``mean`` is the Wiener solution, its ``matrix`` the posterior covariance.
        """
        check_tensor(y, "y", last=self.image_shape)
        noise_std = check_number(noise_std, "noise_std")
        mean = y + noise_std**2 * self.score(y, noise_std)
        return DenseGaussianField(mean, noise_std**2 * self._wiener(noise_std))

    def posterior_score(
        self, likelihood: Measured, x: Tensor, sigma: Sigma = 0.0, *, num_cg: int = 200
    ) -> Tensor:
        """Score of ``x0 + sigma z`` given a measurement of ``x0``, as in `GaussianField`.

        The linear system takes at most ``num_cg`` steps of conjugate gradients.
        """

        def root(v: Tensor, variance: Tensor) -> Tensor:
            variance = variance[..., 0] if variance.ndim else variance  # (*, 1)
            left = self.flat._smoothed.conditional_root(v.flatten(-2), variance)
            return left.unflatten(-1, self.image_shape)

        return conditional_score(self.score, likelihood, x, sigma, root=root, num_cg=num_cg)

    def patch_marginal(
        self, patch_size: int | tuple[int, int], corner: tuple[int, int] | None = None
    ) -> Gaussian:
        """Return the density of one patch, its ``n = rows * columns`` pixels read row by row.

        ``patch_size`` is a side in pixels, or rows and columns; the ``corner``, its first pixel,
        must be given, and leave room: patches differ, and none continues beyond an edge.
        """
        (p, q), (height, width) = check_patch(patch_size, self.image_shape), self.image_shape
        if corner is None:
            raise ValueError("corner must be given: this field is not stationary, patches differ")
        if not (0 <= corner[0] <= height - p and 0 <= corner[1] <= width - q):
            raise ValueError(
                f"corner must leave room for a patch of {p} x {q} in {self.image_shape}, got "
                f"{corner}; this field is not periodic and ends at its edges"
            )
        number = torch.arange(height * width).reshape(self.image_shape)
        pixels = number[corner[0] : corner[0] + p, corner[1] : corner[1] + q].flatten()
        return Gaussian(self.flat.mean[pixels], self.flat.cov[pixels[:, None], pixels])

    def denoising_error(self, noise_std: float, denoiser: Tensor | None = None) -> float:
        """Mean squared error per pixel of a matrix applied to ``x + noise_std * noise``.

        ``( tr[(I - D) cov (I - D)'] + noise_std^2 tr[D D'] ) / (H * W)``. ``D`` is the
        ``denoiser``, of shape ``(H * W, H * W)``; Wiener's by default, which no other surpasses.
        (The mean image is assumed to be known and kept.) In squared units of ``x``.
        """
        noise_std = check_number(noise_std, "noise_std", zero_allowed=True)
        d = self._wiener(noise_std) if denoiser is None else denoiser
        if d.shape != self.matrix.shape:
            raise ValueError(
                f"denoiser must have shape {tuple(self.matrix.shape)}, got {tuple(d.shape)}; "
                "a frequency response needs a periodic field, GaussianField"
            )
        lost = torch.eye(len(d)).to(d) - d
        error = ((lost @ self.matrix) * lost).sum() + noise_std**2 * d.square().sum()
        return float(error) / len(d)

    def _wiener(self, noise_std: float) -> Tensor:
        """``cov (cov + noise_std^2 I)^-1``, symmetric."""
        eye = torch.eye(len(self.matrix)).to(self.matrix)
        d = torch.linalg.solve(self.matrix + noise_std**2 * eye, self.matrix)
        return (d + d.mT) / 2

    def _flatten(self, x: Tensor) -> Tensor:
        return check_tensor(x, "x", last=self.image_shape).flatten(-2)  # (*, H, W) -> (*, H * W)
