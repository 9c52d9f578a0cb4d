"""The shape helpers: what they return, and the words with which they refuse."""

from __future__ import annotations

import math

import pytest
import torch

from lessons_lib.shapes import (
    check_count,
    check_number,
    check_score_output,
    check_tensor,
    expand_sigma,
    finite,
)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_scalar_sigma_takes_type_of_x(dtype: torch.dtype) -> None:
    level = expand_sigma(0.5, torch.zeros(4, 3, dtype=dtype))
    assert level.shape == () and level.dtype == dtype and float(level) == 0.5


@pytest.mark.parametrize(
    ("sigma_shape", "x_shape", "event_dims", "wanted"),
    [
        ((4,), (4, 3), 1, (4, 1)),
        ((4, 1), (4, 5, 3), 1, (4, 1, 1)),
        ((5,), (4, 5, 3), 1, (5, 1)),
        ((4,), (4, 8, 9), 2, (4, 1, 1)),
        ((1,), (4, 3), 1, (1, 1)),
    ],
)
def test_sigma_of_a_batch_multiplies_x(
    sigma_shape: tuple, x_shape: tuple, event_dims: int, wanted: tuple
) -> None:
    x = torch.ones(x_shape)
    sigma = torch.rand(sigma_shape, generator=torch.Generator().manual_seed(0))
    level = expand_sigma(sigma, x, event_dims=event_dims)
    assert level.shape == wanted
    assert (level * x).shape == x.shape
    assert torch.equal(level.flatten(), sigma.flatten())


@pytest.mark.parametrize(
    ("sigma", "options", "words"),
    [
        (-0.1, {}, "sigma must be non-negative, got a minimum of -0.1"),
        (0.0, {"positive": True}, "sigma must be positive, got a minimum of 0"),
        (torch.tensor([0.1, -2.0]), {}, "non-negative.*-2"),
        (math.nan, {}, "sigma must be finite"),
        (math.inf, {}, "sigma must be finite"),
        (torch.ones(3), {}, r"sigma has shape \(3,\).*batch dimensions \(2,\)"),
        (torch.ones(2, 5), {}, r"sigma has shape \(2, 5\)"),
        (torch.ones(5, 2), {}, r"sigma has shape \(5, 2\)"),
    ],
)
def test_expand_sigma_refuses(sigma: object, options: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        expand_sigma(sigma, torch.zeros(2, 5), **options)


def test_zero_sigma_is_the_density_itself() -> None:
    assert float(expand_sigma(0.0, torch.zeros(2, 5))) == 0.0


def test_check_tensor_returns_its_argument() -> None:
    x = torch.zeros(2, 3)
    assert check_tensor(x, "x") is x
    assert check_tensor(x, "x", last=(3,)) is x
    assert check_tensor(x, "x", last=(2, 3)) is x
    assert check_tensor(torch.tensor(1.0), "x", min_dims=0).ndim == 0


@pytest.mark.parametrize(
    ("x", "options", "error", "words"),
    [
        ([1.0], {}, TypeError, "signal must be a torch.Tensor, got list"),
        (torch.tensor([1]), {}, TypeError, "signal must have a floating-point dtype.*int64"),
        (torch.ones(2, 3), {"last": (4,)}, ValueError, r"shape \(\*, 4\), got \(2, 3\)"),
        (torch.ones(3), {"last": (2, 3)}, ValueError, r"shape \(\*, 2, 3\), got \(3,\)"),
        (torch.tensor(1.0), {}, ValueError, r"at least 1 dimension\(s\), got shape \(\)"),
        (torch.tensor([1.0, math.nan]), {}, ValueError, "finite, got 1 NaN or infinite"),
        (torch.tensor([-math.inf, math.inf]), {}, ValueError, "finite, got 2 NaN or infinite"),
    ],
)
def test_check_tensor_refuses(x: object, options: dict, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        check_tensor(x, "signal", **options)


def test_check_score_output() -> None:
    x = torch.zeros(2, 3)
    assert check_score_output(x, x) is x
    with pytest.raises(ValueError, match=r"prior\(x, sigma\).*\(2, 3\), got \(2, 1\)"):
        check_score_output(torch.zeros(2, 1), x, "prior")


@pytest.mark.parametrize("sigma", ["0.1", None, [0.1, 0.2]])
def test_sigma_must_be_a_number_or_a_tensor(sigma: object) -> None:
    with pytest.raises(TypeError, match=r"sigma must be a number or a torch.Tensor, got "):
        expand_sigma(sigma, torch.zeros(2, 5))


def test_check_number_returns_a_float() -> None:
    assert check_number(2, "step") == 2.0 and isinstance(check_number(2, "step"), float)
    assert check_number(torch.tensor(0.5), "step") == 0.5
    assert check_number(0, "step", zero_allowed=True) == 0.0


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (0, ValueError, "step must be positive and finite, got 0"),
        (-1.5, ValueError, "step must be positive and finite, got -1.5"),
        (math.nan, ValueError, "got nan"),
        (math.inf, ValueError, "got inf"),
        ("2", TypeError, "step must be one positive number, got '2'"),
        (None, TypeError, "got None"),
        (torch.ones(3), TypeError, r"got shape \(3,\)"),
    ],
)
def test_check_number_refuses(value: object, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        check_number(value, "step")


@pytest.mark.parametrize("value", [0, -1, 2.0, True, "2", None])
def test_check_count_refuses(value: object) -> None:
    with pytest.raises(ValueError, match="num must be a positive integer, got"):
        check_count(value, "num")


def test_a_score_must_return_a_tensor() -> None:
    with pytest.raises(TypeError, match=r"score\(x, sigma\) must return a torch.Tensor, got list"):
        check_score_output([1.0], torch.zeros(1))


@pytest.mark.parametrize("shape", [(), (3, 0), (0, 2), (2,), (2, 3, 1)])
def test_check_tensor_counts_the_axes_that_it_names(shape: tuple) -> None:
    with pytest.raises(ValueError, match=r"data must have shape \(T, n\), got"):
        check_tensor(torch.zeros(shape), "data", axes="T, n")


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64, torch.complex64])
def test_finite_values_may_have_a_sum_that_overflows(dtype: torch.dtype) -> None:
    largest = torch.finfo(dtype).max
    assert finite(torch.full((9,), largest, dtype=dtype)) and finite(torch.zeros(0, dtype=dtype))
    assert not finite(torch.tensor([largest, -math.inf, math.inf], dtype=dtype))
    assert not finite(torch.tensor([0.0, math.nan], dtype=dtype))
