"""`FieldOfExperts` against automatic differentiation, and as a sum over patches."""

from __future__ import annotations

import pytest
import torch

from lessons_lib import losses
from lessons_lib.networks import FieldOfExperts
from lessons_lib.patches import Patches
from lessons_lib.priors import PatchPrior

SHAPES = [(6, 6), (5, 9), (3, 3)]


def field(side: int = 3, num: int = 4) -> FieldOfExperts:
    made = FieldOfExperts(side, num, mean=0.4, std=0.7, scale=3.0).double()
    with torch.no_grad():
        made.log_alpha.copy_(torch.linspace(-1, 1, num))
    return made


def images(shape: tuple[int, int], num: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(num, *shape, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("side", [2, 3])
def test_the_score_is_the_gradient_of_the_log_density(shape: tuple[int, int], side: int) -> None:
    x = images(shape).requires_grad_(True)
    model = field(side)
    (slope,) = torch.autograd.grad(model.log_prob(x).sum(), x)
    torch.testing.assert_close(model(x), slope)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_divergence_is_the_trace_of_the_jacobian(shape: tuple[int, int]) -> None:
    x, model = images(shape), field()
    for one in x:
        jacobian = torch.autograd.functional.jacobian(model, one).reshape(one.numel(), -1)
        torch.testing.assert_close(model.divergence(one), jacobian.trace())
    flat = losses.implicit(lambda v, sigma: model(v.unflatten(-1, shape)).flatten(-2), x.flatten(1))
    cost = (model.divergence(x) + model(x).square().sum((-2, -1)) / 2).mean()
    torch.testing.assert_close(cost, flat)


def test_it_is_a_sum_of_patch_scores_and_a_weak_gaussian() -> None:
    x, model = images((7, 6)), field()
    summed = PatchPrior(model.patch_score, Patches((7, 6), 3))(x, 0.0)
    torch.testing.assert_close(model(x), (0.4 - x) / 0.7**2 + summed)


def test_experts_do_not_see_the_brightness() -> None:
    x, model = images((6, 6)), field()
    torch.testing.assert_close(model.filters.sum((-2, -1)), torch.zeros(4, dtype=torch.float64))
    pull = (0.4 - x) / 0.7**2
    torch.testing.assert_close(model(x + 2) - (pull - 2 / 0.7**2), model(x) - pull)


def test_far_away_the_weak_gaussian_wins() -> None:
    x = 1e3 * (images((6, 6)) - 0.5)
    assert (field()(x) * (x - 0.4)).sum() < 0


def test_any_batch_and_dtype() -> None:
    x, model = images((6, 6), 6), field()
    many = model(x.reshape(2, 3, 6, 6))
    torch.testing.assert_close(many.reshape(6, 6, 6), model(x))
    torch.testing.assert_close(model(x[0]), model(x)[0])
    assert model.log_prob(x[0]).shape == () and model.divergence(x).shape == (6,)
    assert model(x[:0]).shape == (0, 6, 6)
    assert FieldOfExperts(3, 2)(x.float()).dtype == torch.float32


@pytest.mark.parametrize("sigma", [0.1, torch.tensor(0.1), torch.full((3,), 0.2)])
def test_there_is_no_smoothed_field(sigma: object) -> None:
    with pytest.raises(ValueError, match="sigma must be 0"):
        field()(images((6, 6)), sigma)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((1, 4), {}, "patch_size must be at least 2"),
        ((3, 0), {}, "num_experts"),
        ((3, 4), {"std": 0.0}, "std"),
        ((3, 4), {"scale": -1.0}, "scale"),
        ((3, 4), {"mean": float("nan")}, "mean"),
    ],
)
def test_wrong_arguments(arguments: tuple, options: dict, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        FieldOfExperts(*arguments, **options)


def test_an_image_smaller_than_a_filter_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 3 pixels"):
        field()(images((2, 6)))
