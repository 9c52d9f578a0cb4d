"""A mixture of normals as a module: saved like a network, and fast on a million patches."""

from __future__ import annotations

import math
from functools import cached_property

import torch
from torch import Tensor, nn

from lessons_lib.distributions import GaussianMixture
from lessons_lib.shapes import Sigma, check_tensor, expand_sigma


class MixtureScore(nn.Module):
    """The exact score of a Gaussian mixture on patches, at every sigma.

    ``s(v) = sum_k r_k(v) (cov_k + sigma^2 I)^-1 (mean_k - v)``. With the eigenvectors ``U_k`` of
    all covariances side by side, both sums over coordinates are one product with an ``(n, K n)``
    matrix each, for all patches and all normals at once.

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
        self.register_load_state_dict_post_hook(lambda module, _: module.forget())

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
        self.forget()

    def forget(self) -> None:
        """Drop what was computed from the parameters, after these have changed."""
        self.__dict__.pop("mixture", None)
        self.__dict__.pop("basis", None)

    @cached_property
    def mixture(self) -> GaussianMixture:
        """The distribution, in float64."""
        weights, covs = self.weights.double(), self.covs.double()
        return GaussianMixture(weights / weights.sum(), self.means.double(), (covs + covs.mT) / 2)

    @cached_property
    def basis(self) -> tuple[Tensor, Tensor, Tensor]:
        """Eigenvalues ``(K, n)``, eigenvectors ``(n, K n)``, and the means in them ``(K, n)``."""
        lam, u = torch.linalg.eigh(self.mixture.covs)
        means = torch.einsum("ki,kij->kj", self.mixture.means, u)
        return lam, u.transpose(0, 1).flatten(1), means  # (K, n, n) -> (n, K, n) -> (n, K n)

    def forward(self, v: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Return the score at patches ``(*, n)``, in their dtype."""
        lam, u, means = self.basis
        check_tensor(v, "v", last=(len(u),))
        variance = expand_sigma(sigma, v) ** 2
        if self.centred:
            v = v - v.mean(dim=-1, keepdim=True)
        spread = lam.to(v) + (variance[..., None] if variance.ndim else variance)  # (*, K, n)
        d = (v @ u.to(v)).unflatten(-1, lam.shape) - means.to(v)  # (*, K, n)
        pull = d / spread
        joint = self.mixture.weights.to(v).log() - 0.5 * (d * pull + spread.log()).sum(-1)
        pull = torch.softmax(joint, dim=-1)[..., None] * pull
        s = -pull.flatten(-2) @ u.to(v).T  # (*, K n) -> (*, n)
        return s - s.mean(dim=-1, keepdim=True) if self.centred else s

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
