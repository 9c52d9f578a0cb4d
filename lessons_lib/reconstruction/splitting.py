"""Half-quadratic splitting: denoise, fit the data, and trust the denoiser more each time."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from lessons_lib.reconstruction.likelihood import GaussianLikelihood, check_likelihood
from lessons_lib.shapes import Score, check_count, check_tensor, checked, finite, unrolled


def half_quadratic(
    prior_score: Score,
    likelihood: GaussianLikelihood,
    x: Tensor,
    sigmas: Tensor,
    *,
    num_cg: int = 100,
    differentiable: bool = False,
) -> Iterator[Tensor]:
    r"""Walk down a ladder of noise levels, with Tweedie's denoiser and one linear solve on each.

    For each ``sigma``

        ``z = x + sigma^2 s(x, sigma)``
        ``x = argmin_x ||A x - y||^2 / (2 noise_std^2) + ||x - z||^2 / (2 sigma^2)``,

    that is ``(A'A / noise_std^2 + I / sigma^2) x = A'y / noise_std^2 + z / sigma^2``. Both lines
    are one step ``sigma^2`` along a score, the prior's and the widened likelihood's. With a patch
    score inside `priors.AveragedPrior` this is the EPLL ladder; any denoiser makes it the
    plug-and-play scheme.

    Parameters
    ----------
    sigmas : Tensor, shape ``(L,)``
        Positive levels, usually decreasing; see `ladder`. The first thing done to the starting
        images ``x`` is denoising at ``sigmas[0]``.
    num_cg : int
        Most steps of conjugate gradients in each solve.

    Yields
    ------
    Tensor
        The image after each level, ``L`` in all; always the minimiser of the second line.

    Raises
    ------
    FloatingPointError
        When the state is no longer finite.

    References
    ----------
    [GemanYang1995], [ZoranWeiss2011], [Venkatakrishnan2013]. Chapters 06_map_langevin, 06_scans.
    """
    check_likelihood(likelihood)
    check_tensor(x, "x", last=tuple(likelihood.A.in_shape))
    check_tensor(sigmas, "sigmas")
    if sigmas.ndim != 1 or not bool((sigmas > 0).all()):
        raise ValueError(f"sigmas must be positive, of shape (L,), got {sigmas.tolist()}")
    prior_score, num_cg = checked(prior_score, "prior_score"), check_count(num_cg, "num_cg")

    def descend(x: Tensor) -> Iterator[Tensor]:
        for sigma in sigmas.to(x):
            z = x + sigma**2 * prior_score(x, sigma)
            _stop_unless_finite(z, sigma)
            x = z + sigma**2 * likelihood.score(z, sigma, num_cg=num_cg)
            yield x

    return unrolled(descend, differentiable)(x)


def _stop_unless_finite(z: Tensor, sigma: Tensor) -> None:
    if not finite(z):
        raise FloatingPointError(
            f"the denoised image is not finite at sigma {float(sigma):.3g}: "
            "reduce the first of sigmas, or look at the score there"
        )
