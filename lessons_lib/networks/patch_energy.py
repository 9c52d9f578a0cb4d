"""A patch energy: the score of an image as the exact gradient of learned patch potentials."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lessons_lib.networks.perceptron import fill
from lessons_lib.networks.preconditioned import Preconditioned
from lessons_lib.shapes import Sigma, check_count, check_tensor, expand_sigma, mirrored


class PatchEnergyScore(Preconditioned):
    r"""The image score ``+ sum_c G_c' s_V(G_c x, sigma)`` of a learned potential on patches.

    With ``v = sqrt(sigma^2 + std^2)``, ``u = (x - m) / v`` and ``t = log(sigma / std)``, the
    energy of an image is that of independent Gaussian pixels plus a sum over all ``p x p`` patches,

    .. math:: U(x, \sigma) = \frac{|u|^2}{2} + \frac{\mathrm{std}}{\sigma}
        \sum_c \psi(G_c u, t), \qquad \psi(w, t) = w_3' \varphi\big(W_2\, \varphi(W_1 w + a_1 t +
        b_1) + a_2 t + b_2\big),

    and the score is minus its gradient, exactly:

    .. math:: s = -\frac{u}{v} - \frac{\mathrm{std}}{\sigma v} \sum_c G_c' W_1' \big[
        \varphi'(z_1) \odot W_2' [\varphi'(z_2) \odot w_3] \big].

    All patches at once, ``W_1 G_c`` is a convolution and ``G_c' W_1'`` its transpose. The image is
    mirrored at its edges, so that one patch is centred on each pixel. Unlike a score trained on
    patches alone, which knows their *marginal* density, this one is trained on whole images: the
    potentials learn to share the pixels where they overlap.

    *Exact*: without experts (``w_3 = 0``, as it starts) it is the score of N(m, std^2 I) at every
    sigma. *Bounded*: the derivative of ``phi`` (SiLU) is, so the first term wins far from the data.

    Parameters
    ----------
    patch_size : int
        Side ``p`` of a patch in pixels; odd.
    hidden : sequence of int
        Two numbers: filters ``W_1``, and rows of ``W_2``.
    mean, std : float
        Mean and standard deviation of the pixels.

    Notes
    -----
    References: [RothBlack2009], [Goujon2024]; chapters 05_patch_trained and 06_reconstruction.
    """

    def __init__(
        self,
        patch_size: int,
        hidden: Sequence[int],
        mean: float,
        std: float,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(mean, std, event_dims=2)
        if (patch_size := check_count(patch_size, "patch_size")) % 2 == 0:
            raise ValueError(f"patch_size must be odd, got {patch_size}")
        hidden = [check_count(k, "each of hidden") for k in hidden]
        if len(hidden) != 2:
            raise ValueError(f"hidden must be two positive integers, got {hidden}")
        generator = generator if generator is not None else torch.Generator().manual_seed(0)
        (k, m), p = hidden, patch_size
        self.patch_size = p
        self.W1, self.a1, self.b1 = _uniform((k, 1, p, p), p * p, generator)
        self.W2, self.a2, self.b2 = _uniform((m, k, 1, 1), k, generator)
        self.w3 = nn.Parameter(torch.zeros(m, dtype=torch.float32))

    def forward(self, x: Tensor, sigma: Sigma) -> Tensor:
        """Return the score of images ``(*, H, W)``; every ``sigma`` must be positive."""
        rows, cols = self._mirror(x)
        u, v, t, weight = self._units(x, sigma)
        pull = self._pull(u[..., rows[:, None], cols], t)  # (*, H + p - 1, W + p - 1)
        pull = _fold(_fold(pull, rows, -2, u.shape[-2]), cols, -1, u.shape[-1])  # (*, H, W)
        return -u / v - weight / v * pull

    def potential(self, x: Tensor, sigma: Sigma) -> Tensor:
        """Return the energy ``U(x, sigma)`` of images ``(*, H, W)``, shape ``(*)``."""
        rows, cols = self._mirror(x)
        u, _, t, weight = self._units(x, sigma)
        experts = self._experts(u[..., rows[:, None], cols], t)
        return (u.square() / 2 + weight * experts).sum((-2, -1))  # (*, H, W) -> (*)

    def patch_score(self, v: Tensor, sigma: Sigma) -> Tensor:
        """Return ``s_V`` of patches ``(*, n)``: minus the gradient of one patch's share of ``U``.

        Each of its pixels brings ``1 / n`` of its Gaussian term, since it lies in ``n`` patches.
        """
        u, spread, t, weight = self._units(self._squares(v), sigma)
        pull = self._pull(u, t)
        return (-u / (self.patch_size**2 * spread) - weight / spread * pull).flatten(-2)

    def patch_potential(self, v: Tensor, sigma: Sigma) -> Tensor:
        """Return one patch's share ``V`` of the energy, for patches ``(*, n)``; shape ``(*)``."""
        u, _, t, weight = self._units(self._squares(v), sigma)
        energy = u.square().mean((-2, -1), keepdim=True) / 2 + weight * self._experts(u, t)
        return energy[..., 0, 0]  # (*, 1, 1) -> (*)

    def _squares(self, v: Tensor) -> Tensor:
        p = self.patch_size
        return check_tensor(v, "v", last=(p * p,)).unflatten(-1, (p, p))  # (*, n) -> (*, p, p)

    def _units(self, x: Tensor, sigma: Sigma) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """``u``, ``v``, ``t`` and ``std / sigma`` of images or of single patches ``(*, H, W)``."""
        level = expand_sigma(sigma, x, event_dims=2, positive=True)
        u, v, t, std = self.units(x, level)
        return u, v, t, std / level

    def _mirror(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Numbers of the rows and columns of images that are mirrored at their edges."""
        check_tensor(x, "x", min_dims=2)
        half = (self.patch_size - 1) // 2
        if half > min(x.shape[-2:]):
            raise ValueError(
                f"x must have sides of at least {half} pixels, got {min(x.shape[-2:])}"
            )
        rows, cols = (
            mirrored(torch.arange(-half, length + half, device=x.device), length)
            for length in x.shape[-2:]
        )
        return rows, cols

    def _layers(self, u: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """``z_1`` and ``z_2`` of every patch inside images ``(*, H, W)``, as ``(B, K, A, B)``."""
        u, t = _batch(u, t, self.W1.dtype)
        z1 = nn.functional.conv2d(u, self.W1, self.b1) + self.a1[:, None, None] * t
        z2 = nn.functional.conv2d(nn.functional.silu(z1), self.W2, self.b2)
        return z1, z2 + self.a2[:, None, None] * t

    def _experts(self, u: Tensor, t: Tensor) -> Tensor:
        """``psi`` of every patch, ``(*, H, W) -> (*, H - p + 1, W - p + 1)``."""
        _, z2 = self._layers(u, t)
        psi = (self.w3[:, None, None] * nn.functional.silu(z2)).sum(1)
        return psi.reshape(*u.shape[:-2], *psi.shape[-2:]).to(u.dtype)

    def _pull(self, u: Tensor, t: Tensor) -> Tensor:
        """Gradient in ``u`` of the sum of all ``psi``, ``(*, H, W)`` to the same."""
        z1, z2 = self._layers(u, t)
        g2 = _slope(z2) * self.w3[:, None, None]
        g1 = _slope(z1) * nn.functional.conv_transpose2d(g2, self.W2)
        return nn.functional.conv_transpose2d(g1, self.W1).reshape(u.shape).to(u.dtype)


def _slope(z: Tensor) -> Tensor:
    """Derivative of SiLU, ``z sigmoid(z)``."""
    gate = torch.sigmoid(z)
    return gate * (1 + z * (1 - gate))


def _batch(u: Tensor, t: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Images ``(*, H, W)`` as ``(B, 1, H, W)``, and their noise levels as ``(B, 1, 1, 1)``."""
    t = t.expand(*u.shape[:-2], 1, 1)
    return u.reshape(-1, 1, *u.shape[-2:]).to(dtype), t.reshape(-1, 1, 1, 1).to(dtype)


def _fold(x: Tensor, place: Tensor, dim: int, length: int) -> Tensor:
    """Adjoint of mirroring: add each row (or column) back to the one that it came from."""
    shape = list(x.shape)
    shape[dim] = length
    return x.new_zeros(shape).index_add(dim, place, x)


def _uniform(
    shape: tuple[int, ...], fan_in: int, generator: torch.Generator
) -> tuple[nn.Parameter, nn.Parameter, nn.Parameter]:
    """Weights, weights of the noise level, and biases."""
    made = [torch.empty(size, dtype=torch.float32) for size in (shape, shape[:1], shape[:1])]
    fill(made, fan_in, generator)
    w, a, b = (nn.Parameter(one) for one in made)
    return w, a, b
