"""A mixture of normals as a module: saved like a network."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from lessons_lib.distributions import GaussianMixture
from lessons_lib.shapes import Sigma


class MixtureScore(nn.Module):
    """The exact score of a Gaussian mixture on patches, at every sigma.

    ``s(v) = sum_k r_k(v) (cov_k + sigma^2 I)^-1 (mean_k - v)``, by `distributions.GaussianMixture`.
    The parameters are buffers, in float32.

    Parameters
    ----------
    num_components, n : int
        Number of normals, and of pixels in a patch.
    centred : bool
        Take away the mean of the patch first, as `networks.CentredScore` does. For normals that
        were fitted to centred patches that is exact: along brightness they are all alike.

    Notes
    -----
    References: [ZoranWeiss2011]; chapters 05_patch_trained and 06_reconstruction.
    """

    def __init__(self, num_components: int, n: int, *, centred: bool = False) -> None:
        super().__init__()
        self.centred = centred
        eye = torch.eye(n, dtype=torch.float32).repeat(num_components, 1, 1)
        self.register_buffer("weights", torch.full((num_components,), 1 / num_components))
        self.register_buffer("means", torch.zeros(num_components, n, dtype=torch.float32))
        self.register_buffer("covs", eye)
        self.register_load_state_dict_post_hook(lambda module, _: module._renew())
        self._renew()

    @classmethod
    def of(cls, mixture: GaussianMixture, *, centred: bool = False) -> MixtureScore:
        """Wrap a ``mixture``."""
        model = cls(*mixture.means.shape, centred=centred)
        model.follow(mixture)
        return model

    def follow(self, mixture: GaussianMixture) -> None:
        """Take over the parameters of a ``mixture``, rounded to float32."""
        for name in ("weights", "means", "covs"):
            getattr(self, name).copy_(getattr(mixture, name))
        self._renew()

    def _renew(self) -> None:
        """Make the distribution of the parameters, in float64."""
        weights, covs = self.weights.double(), self.covs.double()
        self.mixture = GaussianMixture(
            weights / weights.sum(), self.means.double(), (covs + covs.mT) / 2
        )

    def forward(self, v: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Return the score at patches ``(*, n)``, in their dtype."""
        if not self.centred:
            return self.mixture.score(v, sigma)
        s = self.mixture.score(v - v.mean(dim=-1, keepdim=True), sigma)
        return s - s.mean(dim=-1, keepdim=True)

    def score(self, v: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Return the score, as a distribution does; see `forward`."""
        return self(v, sigma)

    def log_prob(self, v: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Return the log density, shape ``(*)``; of centred patches, that of their residual."""
        if not self.centred:
            return self.mixture.log_prob(v.double(), sigma).to(v)
        along = self._along(v, sigma)
        return (self.mixture.log_prob((v - v.mean(-1, keepdim=True)).double(), sigma) - along).to(v)

    def _along(self, v: Tensor, sigma: Sigma) -> Tensor:
        """Log density at zero of the one coordinate along brightness, alike for all normals."""
        ones = torch.ones_like(self.mixture.means[0]) / math.sqrt(len(self.mixture.means[0]))
        variance = ones @ self.mixture.covs[0] @ ones + torch.as_tensor(sigma).double() ** 2
        return -0.5 * torch.log(2 * math.pi * variance)
