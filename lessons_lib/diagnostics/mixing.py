"""Is the walk long enough? Measures that need nothing but its states."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lessons_lib.shapes import check_count, check_tensor

SHORTEST = 8
"""Fewest states of a chain that can be judged: two halves of four."""


def effective_sample_size(chains: Tensor) -> Tensor:
    r"""Number of independent draws whose mean would be as uncertain as that of the chains.

    ``N / tau`` with ``N`` all the states and ``tau = 1 + 2 sum_t rho_t`` the autocorrelation time.
    The sum is cut where pairs of neighbouring terms stop being positive and decreasing; chains are
    split in halves, and the variance between them counts. For an autoregression
    ``x <- rho x + noise`` the answer is ``N (1 - rho) / (1 + rho)``: more than ``N`` for a
    negative ``rho``, up to the ``N log10 N`` at which the estimate is capped.

    References: [Geyer1992], [Vehtari2021]; chapter 06_posterior. Within 3 % of ArviZ's
    ``ess(method="mean")``, which cuts the sum a term later.

    Parameters
    ----------
    chains : Tensor, shape ``(num_steps, num_chains, *)``
        The states after the warm-up, at least 8 of each chain.

    Returns
    -------
    Tensor, shape ``(*)``
        One size for each quantity; NaN for one that never moves. In float32 for half precision.
    """
    halves = _split(chains)
    rho = _autocorrelation(halves)  # (T, *); NaN where all states are one
    pairs = rho[: len(rho) // 2 * 2].unflatten(0, (-1, 2)).sum(1)  # (T / 2, *)
    positive = (pairs > 0).cumprod(0) * pairs
    tau = 2 * positive.cummin(0).values.sum(0) - 1
    total = halves.shape[0] * halves.shape[1]
    size = (total / tau.clamp(min=1e-12)).clamp(max=total * math.log10(total))
    return _as(chains, torch.where(rho[0].isnan(), torch.nan, size))


def r_hat(chains: Tensor, *, rank_normalized: bool = True) -> Tensor:
    r"""How much wider all chains are together than each by itself; 1 when they agree.

    Each chain of ``M`` is split in two, of ``T`` states each. With ``W`` the mean variance within
    and ``B`` the variance of their means,

        ``R = sqrt((T - 1) / T + B / W)``.

    By default the states are first replaced by the normal quantiles of their ranks, so that heavy
    tails do no harm, and the larger of two values is returned: for the states, and for their
    distances from the median, which notices chains of different width. Above 1.01 the chains have
    not mixed.

    References: [GelmanRubin1992], [Vehtari2021]; chapter 06_posterior. The same as ArviZ's
    ``rhat(method="rank")`` and, without ranks, ``rhat(method="split")``.

    Parameters
    ----------
    chains : Tensor, shape ``(num_steps, num_chains, *)``
        The states after the warm-up, at least 8 of each chain; started far apart, or the answer
        means little.
    rank_normalized : bool
        Replace states by ranks; without it, this is the formula above.

    Returns
    -------
    Tensor, shape ``(*)``
        One value for each quantity; NaN for one that never moves, infinite where each chain stands
        still in a place of its own. In float32 for half precision.
    """
    halves = _split(chains)
    if not rank_normalized:
        return _as(chains, _ratio(halves))
    folded = (halves - halves.flatten(0, 1).quantile(0.5, dim=0)).abs()
    bulk, tails = _ratio(_normal_scores(halves)), _ratio(_normal_scores(folded))
    return _as(chains, torch.fmax(bulk, tails))  # of two values, distances may be all alike


def acceptance(chains: Tensor, *, event_dims: int = 1) -> Tensor:
    """Share of the moves that `lessons_lib.samplers.mala` accepted, read off the states.

    A refused move leaves a chain exactly where it was, and an accepted one changes it.

    Parameters
    ----------
    chains : Tensor, shape ``(num_steps, *, event)``
        Successive states.

    Returns
    -------
    Tensor, shape ``(*)``
        A share between 0 and 1 for each chain.
    """
    event_dims = check_count(event_dims, "event_dims")
    check_tensor(chains, "chains", min_dims=1 + event_dims, half_allowed=True)
    if len(chains) < 2:
        raise ValueError(f"chains must hold at least two states, got {len(chains)}")
    moved = (chains.diff(dim=0) != 0).flatten(-event_dims).any(-1)
    return _as(chains, moved.double().mean(0))


def _split(chains: Tensor) -> Tensor:
    """Both halves of every chain as chains of their own, ``(T, C, *) -> (T // 2, 2 C, *)``.

    In float64 and without a graph: a diagnostic is read, not differentiated.
    """
    check_tensor(chains, "chains", min_dims=2, half_allowed=True)
    if len(chains) < SHORTEST:
        raise ValueError(f"chains must hold at least {SHORTEST} states each, got {len(chains)}")
    half = len(chains) // 2
    return torch.cat([chains[:half], chains[-half:]], dim=1).detach().double()


def _as(chains: Tensor, value: Tensor) -> Tensor:
    """The ``value`` in the precision of the chains, but at least in float32."""
    return value.to(torch.promote_types(chains.dtype, torch.float32))


def _ratio(halves: Tensor) -> Tensor:
    """``sqrt((T - 1) / T + B / W)``, shape ``(*)``."""
    means, centred = _means(halves)
    within, between = centred.var(0).mean(0), means.var(0)
    return ((len(halves) - 1) / len(halves) + between / within).sqrt()


def _means(halves: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of each chain, ``(C, *)``, and the states relative to it, ``(T, C, *)``.

    Both from the distances to a state, so that equal states give exactly equal means and zeros.
    """
    moved = halves - halves[0]
    means = moved.mean(0) + (halves[0] - halves[0, 0])
    return means, moved - moved.mean(0)


def _autocorrelation(halves: Tensor) -> Tensor:
    """``rho_t = 1 - (W - mean_c gamma_c(t)) / V`` with ``V`` the variance of all, ``(T, *)``."""
    length = len(halves)
    means, centred = _means(halves)
    power = torch.fft.rfft(centred, n=2 * length, dim=0).abs().square()  # padded: no wrapping
    gamma = torch.fft.irfft(power, n=2 * length, dim=0)[:length].mean(1) / (length - 1)
    within = gamma[0]
    total = within * (length - 1) / length + means.var(0)
    return 1 - (within - gamma) / total


def _normal_scores(halves: Tensor) -> Tensor:
    """Normal quantiles of the ranks among all states, ``ndtri((rank - 3/8) / (N + 1/4))``."""
    from scipy.stats import rankdata

    flat = halves.flatten(0, 1)  # (T, C, *) -> (T C, *)
    rank = torch.as_tensor(rankdata(flat.cpu().numpy(), axis=0)).to(flat)
    return torch.special.ndtri((rank - 0.375) / (len(flat) + 0.25)).reshape(halves.shape)
