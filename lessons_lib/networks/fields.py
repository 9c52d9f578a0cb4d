"""A field of experts: a density of images as a product of functions of filter responses."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d

from lessons_lib.shapes import Sigma, check_count, check_number, check_tensor


class FieldOfExperts(nn.Module):
    r"""The score of a product of experts on filter responses, at every place of an image.

    .. math:: \log p(x) = -\frac{|x - m|^2}{2\,\mathrm{std}^2}
        - \sum_c \sum_k \alpha_k \log\big(1 + \tfrac12 (w_k' G_c x)^2\big) - \log Z

    Each expert has the form of a Student's t of one number, the response of the filter ``w_k`` to
    the patch ``G_c x``. Filters are free of the mean, so that the experts do not see the
    brightness; the weak Gaussian makes the density normalisable. ``log Z`` is unknown, and nothing
    here needs it.

    The patch score is ``s_V(v) = -sum_k alpha_k psi(w_k' v) w_k``, ``psi(r) = r / (1 + r^2 / 2)``,
    and the image score is ``(m - x) / std^2 + sum_c G_c' s_V(G_c x)``. ``sigma`` must be 0: the
    density is one of images as they are, or as noisy as those that it was trained on.

    Parameters
    ----------
    patch_size : int
        Side of the filters in pixels.
    num_experts : int
        Number of filters.
    mean, std : float
        Of the weak Gaussian; ``std`` is wide beside the range of the pixels.
    scale : float
        About the Euclidean norm of each filter at the start.
    generator : torch.Generator, optional
        For the filters; by default one with seed 0.

    Notes
    -----
    References: [RothBlack2009], [Hinton2002]; chapter 05_patch_trained_experts.
    """

    def __init__(
        self,
        patch_size: int,
        num_experts: int,
        *,
        mean: float = 0.5,
        std: float = 1.0,
        scale: float = 10.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        p, k = check_count(patch_size, "patch_size"), check_count(num_experts, "num_experts")
        if p < 2:
            raise ValueError("patch_size must be at least 2: one pixel has no filter without mean")
        generator = generator if generator is not None else torch.Generator().manual_seed(0)
        weights = torch.randn(k, 1, p, p, generator=generator, dtype=torch.float32)
        self.weights = nn.Parameter(check_number(scale, "scale") / p * weights)
        self.log_alpha = nn.Parameter(torch.full((k,), -1.0, dtype=torch.float32))
        self.patch_size = p
        self.mean, self.std = check_number(mean, "mean", any_sign=True), check_number(std, "std")

    @property
    def filters(self) -> Tensor:
        """The filters ``w_k``, shape ``(K, p, p)``, each with mean zero."""
        return _centred(self.weights)[:, 0]

    def forward(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Return the score of images ``(*, H, W)``."""
        return (self.mean - x) / self.std**2 - self._pull(x, sigma)

    def log_prob(self, x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Return ``log p(x) + log Z`` of images ``(*, H, W)``, shape ``(*)``."""
        _, alpha, r = self._responses(x, sigma)
        experts = (alpha * torch.log1p(r**2 / 2)).sum((-3, -2, -1)).reshape(x.shape[:-2])
        return -(x - self.mean).square().sum((-2, -1)) / (2 * self.std**2) - experts

    def divergence(self, x: Tensor) -> Tensor:
        """Return the trace of the score's Jacobian for images ``(*, H, W)``, shape ``(*)``.

        A formula, since each expert is a function of one number: its curvature times ``|w_k|^2``.
        """
        w, alpha, r = self._responses(x, 0.0)
        bend = alpha * (1 - r**2 / 2) / (1 + r**2 / 2) ** 2  # (B, K, A, B)
        bend = bend * w.square().sum((-2, -1), keepdim=True)[:, 0]
        pixels = x.shape[-1] * x.shape[-2]
        return -pixels / self.std**2 - bend.sum((-3, -2, -1)).reshape(x.shape[:-2])

    def patch_score(self, v: Tensor, sigma: Sigma = 0.0) -> Tensor:
        """Return ``s_V`` of patches ``(*, n)``; the weak Gaussian is not in it."""
        patch = v.unflatten(-1, (self.patch_size, self.patch_size))  # (*, n) -> (*, p, p)
        return -self._pull(patch, sigma).reshape(v.shape)

    def _pull(self, x: Tensor, sigma: Sigma) -> Tensor:
        """``sum_c G_c' sum_k alpha_k psi(w_k' G_c x) w_k``, shaped like ``x``."""
        w, alpha, r = self._responses(x, sigma)
        return conv_transpose2d(alpha * r / (1 + r**2 / 2), w).reshape(x.shape)

    def _responses(self, x: Tensor, sigma: Sigma) -> tuple[Tensor, Tensor, Tensor]:
        """Filters ``(K, 1, p, p)``, ``alpha`` ``(K, 1, 1)`` and responses ``(B, K, A, B)``."""
        check_tensor(x, "x", min_dims=2)
        if min(x.shape[-2:]) < self.patch_size:
            raise ValueError(
                f"x must have sides of at least {self.patch_size} pixels, got {tuple(x.shape[-2:])}"
            )
        if torch.as_tensor(sigma).any():
            raise ValueError(f"sigma must be 0: a field of experts has no smoothing, got {sigma}")
        w = _centred(self.weights.to(x))
        r = conv2d(x.reshape(-1, 1, *x.shape[-2:]), w)  # (*, H, W) -> (B, K, H - p + 1, W - p + 1)
        return w, self.log_alpha.to(x).exp()[:, None, None], r


def _centred(w: Tensor) -> Tensor:
    return w - w.mean((-2, -1), keepdim=True)
