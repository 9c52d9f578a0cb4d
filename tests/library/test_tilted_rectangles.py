"""`phantoms.tilted_rectangles`: exact coverage, the laws it promises, gradients, bad input."""

import math

import pytest
import torch

from lessons_lib import phantoms

torch.set_num_threads(1)


def seeded(k=0):
    return torch.Generator().manual_seed(k)


def counted(geometry, size, points):
    """Coverage by counting ``points**2`` sample points in each pixel."""
    row, col, height, width, angle = geometry
    t = (torch.arange(size * points, dtype=torch.float64) + 0.5) / points
    y, x = t[:, None] - row, t[None, :] - col
    along = x * angle.cos() + y * angle.sin()
    across = y * angle.cos() - x * angle.sin()
    inside = ((along.abs() < width / 2) & (across.abs() < height / 2)).double()
    return inside.reshape(size, points, size, points).mean(dim=(1, 3))


@pytest.mark.parametrize("k", range(6))
def test_coverage_agrees_with_counting_points(k):
    geometry = phantoms.rectangle_parameters(6, generator=seeded(1))[k, :5]
    exact = phantoms.coverage(geometry)
    errors = [float((exact - counted(geometry, 16, p)).abs().max()) for p in (16, 200)]
    assert errors[1] < 1e-3 and errors[1] < errors[0] / 10


@pytest.mark.parametrize("angle", [0.0, math.pi / 2, math.pi, 1e-9, math.pi / 2 - 1e-8])
def test_upright_rectangles_are_products_of_two_intervals(angle):
    """With its sides along the axes the coverage is (covered part of row) x (of column)."""
    row, col, height, width = 7.3, 8.1, 4.5, 6.25
    f = phantoms.coverage(torch.tensor([row, col, height, width, angle], dtype=torch.float64))
    if abs(angle - math.pi / 2) < 1e-3:
        height, width = width, height
    left = torch.arange(16, dtype=torch.float64)

    def covered(centre, side):
        high, low = centre + side / 2, centre - side / 2
        return ((left + 1).clamp(max=high) - left.clamp(min=low)).clamp(min=0)

    wanted = covered(row, height)[:, None] * covered(col, width)
    torch.testing.assert_close(f, wanted, rtol=0, atol=2e-5)


def test_coverage_sums_to_the_area_when_the_rectangle_is_inside():
    geometry = torch.rand(200, 5, generator=seeded(2), dtype=torch.float64)
    geometry[:, :2] += 7.5
    geometry[:, 2:4] = 1 + 7 * geometry[:, 2:4]
    geometry[:, 4] *= math.pi
    area = phantoms.coverage(geometry).sum(dim=(1, 2))
    torch.testing.assert_close(area, geometry[:, 2] * geometry[:, 3], rtol=1e-9, atol=1e-9)


def test_coverage_turns_with_the_rectangle():
    """A quarter turn of the geometry about the centre of the image turns the image."""
    geometry = phantoms.rectangle_parameters(50, generator=seeded(3))[:, :5]
    turned = geometry.clone()
    turned[:, 0], turned[:, 1] = geometry[:, 1], 16 - geometry[:, 0]
    turned[:, 4] = geometry[:, 4] + math.pi / 2
    wanted = torch.rot90(phantoms.coverage(geometry), -1, dims=(1, 2))
    torch.testing.assert_close(phantoms.coverage(turned), wanted, rtol=0, atol=1e-9)


def test_images_mix_the_two_levels_and_reproduce():
    parameters = phantoms.rectangle_parameters(30, generator=seeded(4))
    x = phantoms.draw_rectangles(parameters)
    assert torch.equal(x, phantoms.tilted_rectangles(30, generator=seeded(4)))
    f, b, r = phantoms.coverage(parameters[:, :5]), *parameters[:, 5:].T[..., None, None]
    torch.testing.assert_close(x, (1 - f) * b + f * r)
    single = phantoms.tilted_rectangles(30, generator=seeded(4), dtype=torch.float32)
    assert torch.equal(single, x.float())
    assert phantoms.draw_rectangles(parameters.reshape(5, 6, 7)).shape == (5, 6, 16, 16)


def test_levels_and_geometry_follow_their_laws():
    p = phantoms.rectangle_parameters(40_000, foreground=(2.0, 0.5), generator=seeded(5))
    wanted_mean = [8, 8, 7, 7, math.pi / 2, 1, 2]
    wanted_std = [*[v / math.sqrt(12) for v in (8, 8, 6, 6, math.pi)], 0.1, 0.5]
    mean, std = torch.tensor(wanted_mean).double(), torch.tensor(wanted_std).double()
    assert ((p.mean(0) - mean).abs() < 4 * std / 200).all()
    assert ((p.std(0) / std - 1).abs() < 0.02).all()


def test_seven_directions_at_each_image():
    """The derivative in the parameters has rank seven, and autograd knows it."""
    p = phantoms.rectangle_parameters(1, generator=seeded(6))[0]
    jacobian = torch.autograd.functional.jacobian(phantoms.draw_rectangles, p)  # (16, 16, 7)
    h = 1e-6 * torch.eye(7, dtype=torch.float64)
    differences = (phantoms.draw_rectangles(p + h) - phantoms.draw_rectangles(p - h)) / 2e-6
    torch.testing.assert_close(jacobian, differences.permute(1, 2, 0), rtol=0, atol=1e-6)
    assert torch.linalg.matrix_rank(jacobian.flatten(0, 1)) == 7


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: phantoms.tilted_rectangles(0), "num must be a positive integer, got 0"),
        (lambda: phantoms.tilted_rectangles(2, size=0), "size must be a positive integer, got 0"),
        (
            lambda: phantoms.tilted_rectangles(2, background=(1, 0.0)),
            "background standard deviation",
        ),
        (lambda: phantoms.draw_rectangles(torch.zeros(3, 5)), "parameters must have shape"),
        (lambda: phantoms.coverage(torch.zeros(5)), "sides must be positive, got 0"),
        (lambda: phantoms.coverage(torch.full((5,), float("nan"))), "geometry must be finite"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
