"""Ladders of noise levels: ends, spacing, order, bad input."""

import math

import pytest
import torch

from lessons_lib.schedules import geometric, karras


@pytest.mark.parametrize("schedule", [geometric, karras])
@pytest.mark.parametrize("num", [2, 3, 57])
def test_levels_decrease_from_start_to_stop_exactly(schedule, num):
    sigmas = schedule(7.3, 0.011, num)
    assert sigmas.shape == (num,)
    assert sigmas.dtype == torch.float64
    assert float(sigmas[0]) == 7.3
    assert float(sigmas[-1]) == 0.011
    assert bool((sigmas.diff() < 0).all())


def test_geometric_levels_have_a_constant_ratio():
    sigmas = geometric(50.0, 0.01, 9)
    exact = torch.full((8,), (0.01 / 50.0) ** (1 / 8), dtype=torch.float64)
    torch.testing.assert_close(sigmas[1:] / sigmas[:-1], exact)


def test_karras_levels_are_equally_spaced_in_the_root():
    roots = karras(80.0, 0.002, 12) ** (1 / 7)
    steps = roots.diff()
    torch.testing.assert_close(steps, steps[:1].expand(11))


def test_karras_goes_from_linear_to_geometric():
    linear = torch.linspace(4.0, 1.0, 6, dtype=torch.float64)
    torch.testing.assert_close(karras(4.0, 1.0, 6, rho=1.0), linear)
    torch.testing.assert_close(
        karras(4.0, 1.0, 6, rho=1e7), geometric(4.0, 1.0, 6), rtol=1e-5, atol=0
    )


def test_karras_may_end_at_zero():
    assert float(karras(1.0, 0.0, 5)[-1]) == 0.0


@pytest.mark.parametrize("schedule", [geometric, karras])
@pytest.mark.parametrize(
    ("start", "stop", "num", "name"),
    [
        (1.0, 2.0, 5, "start"),
        (1.0, 1.0, 5, "start"),
        (1.0, -0.1, 5, "stop"),
        (math.inf, 1.0, 5, "finite"),
        (math.nan, 1.0, 5, "finite"),
        (2.0, 1.0, 1, "num"),
        (2.0, 1.0, 2.5, "num"),
    ],
)
def test_bad_ladders_are_refused(schedule, start, stop, num, name):
    with pytest.raises(ValueError, match=name):
        schedule(start, stop, num)


def test_what_only_one_schedule_refuses():
    with pytest.raises(ValueError, match="stop"):
        geometric(1.0, 0.0, 5)
    with pytest.raises(ValueError, match="rho"):
        karras(1.0, 0.1, 5, rho=0.0)
