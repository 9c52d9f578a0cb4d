"""Samplers of the posterior that need no more than a prior's score, and what they replace.

Each goes down a ladder of noise levels and ends with an image that should be a draw of the
posterior. None but ``"exact"`` and, in the limit, ``"split-gibbs"`` is one: the score of a noisy
image given ``y`` is an integral over all clean images behind it, and each method puts something in
its place that can be computed. With a Gaussian prior the steps of all are affine but those of
``"dps"``, and of ``"decomposed"`` where its conjugate gradients do not converge: the law of what
they return is known exactly (`course.studies.sampler_laws`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from lessons_lib.reconstruction.likelihood import GaussianLikelihood, check_likelihood
from lessons_lib.reconstruction.posterior_samplers import fitted, guided, split
from lessons_lib.reconstruction.posterior_samplers._parts import Move
from lessons_lib.samplers._parts import check_sigmas, diverged, fresh, watched
from lessons_lib.shapes import Score, check_tensor, checked, finite

METHODS: dict[str, Callable[..., Move]] = {
    "exact": guided.exact,
    "widened": guided.widened,
    "pigdm": guided.pigdm,
    "dps": guided.dps,
    "diffpir": fitted.diffpir,
    "projection": fitted.projection,
    "decomposed": fitted.decomposed,
    "split-gibbs": split.split_gibbs,
}

ADVICE = "reduce weight, start lower, or add levels"


def sample_posterior(
    prior_score: Score,
    likelihood: GaussianLikelihood,
    x: Tensor,
    sigmas: Tensor,
    *,
    method: str,
    generator: torch.Generator | None = None,
    progress: bool = False,
    **options: float,
) -> Iterator[Tensor]:
    r"""Walk from noise to an image that explains ``y``, by one of the field's methods.

    =============== ============================================ ==================================
    method          in place of the exact score given ``y``      options
    =============== ============================================ ==================================
    ``exact``       the prior's own ``posterior_score``          ``eta``
    ``widened``     noise of ``y`` widened by ``sigma``          ``eta``
    ``pigdm``       ``x0`` given ``x`` normal, of one variance   ``prior_std``, ``eta``
    ``dps``         ``x0`` given ``x`` taken as Tweedie's mean   ``weight``, ``prior_std``, ``eta``
    ``diffpir``     Tweedie's mean is fitted to ``y`` and noised ``weight``, ``renewed``
    ``projection``  the noisy image is fitted to a noisy ``y``   ``weight``, ``eta``
    ``decomposed``  conjugate gradients from Tweedie's mean      ``num_fit``, ``eta``
    ``split-gibbs`` draws of two densities, coupled              ``num_inner``, ``finest``
    =============== ============================================ ==================================

    ``num_cg`` bounds the conjugate gradients where a method solves with ``A``: all but
    ``widened``, ``dps`` and ``decomposed``.

    Parameters
    ----------
    prior_score : callable or distribution
        The prior; for the method ``"exact"`` a distribution that has ``posterior_score``.
    x : Tensor, shape ``(*, in_shape)``
        Starting images, drawn at the first level: its noise, and little else where that is wide.
    sigmas : Tensor, shape ``(L,)``
        Decreasing levels; the last may be zero, and should be small. For ``"split-gibbs"`` they
        are the strength of the coupling, and positive.

    Yields
    ------
    Tensor
        The image at each level after the first, ``L - 1`` in all (``L`` for ``"split-gibbs"``).

    Raises
    ------
    FloatingPointError
        When the state leaves the numbers: with the level, and what to reduce.

    References
    ----------
    [Jalal2021], [SongVahdat2023], [Chung2023], [ZhuDiffPIR2023], [SongShen2022],
    [ChungLeeYe2024], [Vono2019], [XuChi2024].
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    check_likelihood(likelihood)
    check_tensor(x, "x", last=tuple(likelihood.A.in_shape))
    coupled = method == "split-gibbs"
    sigmas = check_sigmas(sigmas, x, smallest_may_be_zero=not coupled)
    likelihood = _in_the_precision_of(x, likelihood)
    prior = prior_score if method == "exact" else _stopping(checked(prior_score, "prior_score"))
    move = METHODS[method](prior, likelihood, generator=generator or fresh(x), **options)
    rungs = [(s, None) for s in sigmas] if coupled else list(itertools.pairwise(sigmas))

    @torch.no_grad()
    def walk(x: Tensor) -> Iterator[Tensor]:
        for sigma, tau in rungs:
            x = move(x, sigma, tau)
            if not finite(x):
                raise diverged(f"sigma {sigma:.3g}", ADVICE)
            yield x

    return watched(walk(x), len(rungs), method, progress)


def _stopping(score: Score) -> Score:
    """The same score, which stops a walk where its answer is not finite."""

    def asked(x: Tensor, sigma: Tensor) -> Tensor:
        s = score(x, sigma)
        if not finite(s):
            raise diverged(f"sigma {sigma:.3g}", ADVICE)
        return s

    return asked


def _in_the_precision_of(x: Tensor, likelihood: GaussianLikelihood) -> GaussianLikelihood:
    """The same likelihood, so that float32 images stay float32 beside float64 data."""
    y = likelihood.y
    kind = x.dtype.to_complex() if y.is_complex() else x.dtype
    return GaussianLikelihood(likelihood.A, y.to(kind), likelihood.noise_std)
