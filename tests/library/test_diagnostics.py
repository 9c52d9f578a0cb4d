"""Diagnostics against autoregressions, exchangeable draws and formulas done by hand."""

import json
import math

import diagnostic_cases
import pytest
import torch
from diagnostic_cases import CASES, autoregression, normal

from lessons_lib.diagnostics import (
    acceptance,
    coverage,
    effective_sample_size,
    r_hat,
    ranks,
    uniformity,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# --- effective sample size -------------------------------------------------------------------


@pytest.mark.parametrize("rho", [0.95, 0.5, 0.0, -0.5])
def test_the_size_of_an_autoregression_is_known(rho):
    chains = autoregression(rho, 4000, 4, 40)
    share = effective_sample_size(chains) / 16_000
    assert share.shape == (40,)
    assert float(share.mean() / ((1 - rho) / (1 + rho))) == pytest.approx(1, abs=0.05)


def test_the_size_predicts_the_error_of_the_mean():
    chains = autoregression(0.8, 500, 4, 2000)
    predicted = (1 / effective_sample_size(chains)).mean()
    measured = chains.mean((0, 1)).var()
    assert float(measured / predicted) == pytest.approx(1, abs=0.12)


def test_chains_that_disagree_hardly_count():
    offset = torch.tensor([-5.0, 5.0], dtype=torch.float64)
    assert float(effective_sample_size(normal(1000, 2) + offset)) < 20
    drift = normal(1000, 2) + torch.linspace(0, 10, 1000, dtype=torch.float64)[:, None]
    assert float(effective_sample_size(drift)) < 20


STILL = {
    "one value": torch.full((100, 4), 0.1),
    "one value in float64": torch.full((100, 4), 0.1, dtype=torch.float64),
    "one value in half precision": torch.full((100, 4), 0.1, dtype=torch.float16),
    "far from zero": torch.full((100, 4), 1e8 / 3),
    "zero": torch.zeros(100, 4),
}


@pytest.mark.parametrize("case", STILL)
def test_a_chain_that_never_moves_has_no_size_and_harms_no_other(case):
    """Sums of equal numbers are rounded; the answer is NaN all the same."""
    chains = torch.stack([STILL[case], normal(100, 4).to(STILL[case])], -1)
    size, plain, ratio = (
        effective_sample_size(chains), r_hat(chains, rank_normalized=False), r_hat(chains),
    )  # fmt: skip
    assert bool(size[0].isnan() and plain[0].isnan() and ratio[0].isnan())
    assert float(size[1]) > 100 and float(ratio[1]) < 1.05 and float(plain[1]) < 1.05


def test_chains_that_stand_still_in_places_of_their_own_count_one_each():
    chains = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64).expand(100, 4)
    assert float(effective_sample_size(chains)) == pytest.approx(4, rel=0.02)
    assert r_hat(chains) == r_hat(chains, rank_normalized=False) == math.inf


@pytest.mark.parametrize("diagnostic", [effective_sample_size, r_hat, acceptance])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_chains_of_every_dtype_and_with_a_graph(diagnostic, dtype):
    """The states are those that the dtype can hold; nothing else is lost, and no graph is kept."""
    chains = autoregression(0.5, 3000, 4, 2).to(dtype)
    found = diagnostic(chains.requires_grad_())
    assert not found.requires_grad and found.dtype == torch.promote_types(dtype, torch.float32)
    torch.testing.assert_close(found.double(), diagnostic(chains.double()), rtol=1e-6, atol=0)


def test_calibration_of_half_precision_and_with_a_graph():
    draws = normal(20, 500).half()
    samples, truth = draws[1:].clone().requires_grad_(), draws[0].clone().requires_grad_()
    assert coverage(samples, truth) == coverage(draws[1:].double(), draws[0].double())
    assert torch.equal(ranks(samples, truth), ranks(draws[1:].double(), draws[0].double()))


# --- another library -------------------------------------------------------------------------

REFERENCE = json.loads(diagnostic_cases.STORED.read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES)
def test_answers_are_those_of_arviz(case):
    """R-hat is the same formula. The sum of autocorrelations is cut a term earlier than there."""
    chains, stored = CASES[case](), REFERENCE[case]
    size = float(effective_sample_size(chains))
    assert size == pytest.approx(stored["effective_sample_size"], rel=0.03)
    if chains.shape[1] == 1:  # ArviZ wants two chains; halves of one do
        assert stored["r_hat"] is None and float(r_hat(chains)) < 1.01
        return
    assert float(r_hat(chains)) == pytest.approx(stored["r_hat"], rel=1e-6)
    plain = float(r_hat(chains, rank_normalized=False))
    assert plain == pytest.approx(stored["r_hat, plain"], rel=1e-6)


def test_stored_answers_are_those_of_the_arviz_that_is_installed():
    pytest.importorskip("arviz")
    now = diagnostic_cases.reference()
    for case in CASES:
        assert now[case] == pytest.approx(REFERENCE[case], rel=1e-6)


# --- R-hat -----------------------------------------------------------------------------------


def test_r_hat_without_ranks_is_its_formula():
    chains = normal(20, 3)
    halves = [chains[:10, k] for k in range(3)] + [chains[10:, k] for k in range(3)]
    within = sum(float(h.var()) for h in halves) / 6
    between = float(torch.stack([h.mean() for h in halves]).var())
    expected = math.sqrt(9 / 10 + between / within)
    assert float(r_hat(chains, rank_normalized=False)) == pytest.approx(expected, rel=1e-12)


def test_r_hat_of_separate_chains_is_their_spread_over_their_width():
    centres = torch.tensor([-2.0, 0.0, 1.0, 4.0], dtype=torch.float64)
    halves = centres.repeat(2).var()
    expected = float((1 + halves / 0.25).sqrt())
    chains = centres + 0.5 * normal(20_000, 4)
    assert float(r_hat(chains, rank_normalized=False)) == pytest.approx(expected, rel=0.01)


def test_r_hat_is_one_for_independent_draws_and_ranks_change_little():
    chains = normal(2000, 4, 30)
    assert float((r_hat(chains) - 1).abs().max()) < 0.01
    assert float((r_hat(chains, rank_normalized=False) - 1).abs().max()) < 0.01


def test_ranks_notice_what_the_formula_does_not():
    wide = normal(1000, 4) * torch.tensor([1.0, 1.0, 1.0, 4.0], dtype=torch.float64)
    assert float(r_hat(wide, rank_normalized=False)) < 1.02 and float(r_hat(wide)) > 1.1
    heavy = normal(1000, 4) / normal(1000, 4, seed=9)  # Cauchy: no mean, no variance
    heavy[:, 0] += 5
    assert float(r_hat(heavy, rank_normalized=False)) < 1.02 and float(r_hat(heavy)) > 1.1


def test_ranks_do_not_change_under_monotone_maps():
    chains = autoregression(0.5, 200, 4)
    plain, bent = chains - chains.median(), (chains - chains.median()).pow(3)
    torch.testing.assert_close(r_hat(plain), r_hat(bent))


def test_a_drift_is_seen_in_a_single_chain():
    chain = normal(1000, 1) + torch.linspace(0, 3, 1000, dtype=torch.float64)[:, None]
    assert float(r_hat(chain)) > 1.2


# --- acceptance ------------------------------------------------------------------------------


def test_acceptance_counts_the_states_that_moved():
    points = torch.tensor([[0.0, 0.0], [0.0, 0.0], [0.0, 1.0], [2.0, 1.0], [2.0, 1.0]])
    assert float(acceptance(points)) == 0.5
    images = torch.stack([points, points.roll(1, 0)], 1)[..., None, :].expand(5, 2, 3, 2)
    torch.testing.assert_close(acceptance(images, event_dims=2), torch.tensor([0.5, 0.75]))


# --- ranks, coverage -------------------------------------------------------------------------


def test_ranks_count_the_samples_below():
    samples = torch.tensor([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]])
    assert ranks(samples, torch.tensor([2.5, 9.0])).tolist() == [2, 3]


def test_ranks_of_exchangeable_draws_are_uniform_and_their_p_values_too():
    p_values = []
    for seed in range(300):
        draws = normal(20, 500, seed=seed)
        p_values.append(uniformity(ranks(draws[1:], draws[0]), 19))
    p = torch.tensor(p_values).sort().values
    gap = (p - (torch.arange(300) + 0.5) / 300).abs().max()
    assert float(gap) < 1.63 / math.sqrt(300)  # Kolmogorov and Smirnov, one in a hundred


@pytest.mark.parametrize("width", [0.7, 1.4])
@pytest.mark.parametrize("bins", [None, 5])
def test_ranks_find_a_posterior_of_the_wrong_width(width, bins):
    draws = normal(20, 1000)
    place = ranks(width * draws[1:], draws[0])
    assert uniformity(place, 19, bins=bins) < 1e-4
    outer = ((place == 0) | (place == 19)).double().mean()
    assert bool(outer > 0.15 if width < 1 else outer < 0.06)


def test_uniformity_is_the_chi_square_test():
    place = torch.tensor([0] * 8 + [1] * 10 + [2] * 12)
    assert uniformity(place, 2) == pytest.approx(math.exp(-0.8 / 2), rel=1e-12)  # two degrees


@pytest.mark.parametrize(("num", "level"), [(19, 0.9), (19, 0.5), (9, 0.8), (99, 0.9)])
def test_coverage_of_exchangeable_draws_is_the_level(num, level):
    draws = normal(num + 1, 100_000)
    assert coverage(draws[1:], draws[0], level=level) == pytest.approx(level, abs=0.006)


def test_coverage_between_order_statistics_is_right_for_uniform_draws():
    draws = torch.rand(26, 100_000, generator=seeded(), dtype=torch.float64)
    assert coverage(draws[1:], draws[0], level=0.7) == pytest.approx(0.7, abs=0.006)


def test_coverage_of_narrow_samples_is_too_small():
    draws = normal(20, 100_000)
    assert coverage(0.7 * draws[1:], draws[0], level=0.9) < 0.8
    assert coverage(1.4 * draws[1:], draws[0], level=0.9) > 0.95


# --- bad input -------------------------------------------------------------------------------

FEW = torch.zeros(3, 2)
BAD = {
    "too short": (lambda: effective_sample_size(FEW), "chains must hold at least 8 states"),
    "one dimension": (lambda: r_hat(torch.zeros(20)), "chains must have at least 2 dim"),
    "not finite": (lambda: r_hat(torch.full((20, 2), math.nan)), "chains must be finite"),
    "one state": (lambda: acceptance(FEW[:1]), "chains must hold at least two states, got 1"),
    "no event": (lambda: acceptance(FEW, event_dims=0), "event_dims must be a positive integer"),
    "shapes": (lambda: ranks(FEW, torch.zeros(3)), r"samples .* \(3,\), got \(3, 2\)"),
    "bins": (lambda: uniformity(torch.zeros(90).long(), 8, bins=4), "bins must divide .* = 9"),
    "rank": (lambda: uniformity(torch.tensor([9]), 8), "ranks must be integers from 0 to 8"),
    "few": (lambda: uniformity(torch.tensor([1]), 8), "ranks must be at least 5 for each of 9"),
    "level": (lambda: coverage(FEW, FEW[0], level=1.0), "level must be between 0 and 1, got 1.0"),
    "samples": (lambda: coverage(FEW, FEW[0]), "samples must be at least 19 at level 0.9, got 3"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_name(case):
    call, words = BAD[case]
    with pytest.raises(ValueError, match=words):
        call()


def test_lists_and_integers_are_refused():
    with pytest.raises(TypeError, match=r"chains must be a torch.Tensor, got list"):
        effective_sample_size([[0.0]])
    with pytest.raises(TypeError, match="samples must have a floating-point dtype"):
        coverage(torch.zeros(30, 2, dtype=torch.int64), torch.zeros(2))
