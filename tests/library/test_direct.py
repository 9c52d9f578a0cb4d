"""Reconstruction in one step: filtered back-projection."""

import pytest
import torch
from test_operators import drawn_disk

from lessons_lib.operators import Identity, ParallelBeam
from lessons_lib.reconstruction import filtered_back_projection

torch.set_num_threads(1)


def views(count):
    return torch.arange(count, dtype=torch.float64) * 180 / count


@pytest.mark.parametrize("window", ["ramp", "hann"])
def test_back_projection_of_many_views_gives_the_disk_back(window):
    x = drawn_disk(64, 20.0, 3.0, -4.0) + drawn_disk(64, 6.0, -8.0, 2.0)
    A = ParallelBeam((64, 64), views(180))
    z = filtered_back_projection(A, A(x[None]), window=window)[0]
    flat = drawn_disk(64, 16.0, 3.0, -4.0) - drawn_disk(64, 10.0, -8.0, 2.0) > 0.999
    assert abs(float(z[flat].mean()) - 1) < 0.005
    assert float((z - x)[flat].abs().max()) < 0.03
    assert abs(float(z[drawn_disk(64, 3.0, -8.0, 2.0) > 0.999].mean()) - 2) < 0.01
    assert float((z - x).norm() / x.norm()) < 0.12


def test_few_views_leave_streaks_and_the_window_calms_noise():
    x = drawn_disk(64, 20.0)
    errors = []
    for count in (90, 12):
        A = ParallelBeam((64, 64), views(count))
        errors.append(float((filtered_back_projection(A, A(x)) - x).norm()))
    assert errors[1] > 3 * errors[0]
    A = ParallelBeam((64, 64), views(90))
    noise = torch.randn(
        A.out_shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    ramp, hann = (filtered_back_projection(A, noise, window=w).std() for w in ("ramp", "hann"))
    assert float(hann) < 0.6 * float(ramp)


def test_bad_arguments_are_named():
    with pytest.raises(TypeError, match="A must be a ParallelBeam, got Identity"):
        filtered_back_projection(Identity((4, 4)), torch.zeros(4, 4))
    A = ParallelBeam((4, 4), views(3))
    with pytest.raises(ValueError, match="window must be one of ramp, hann, got 'box'"):
        filtered_back_projection(A, torch.zeros(A.out_shape), window="box")
    with pytest.raises(ValueError, match="y must have shape"):
        filtered_back_projection(A, torch.zeros(3, 2))
