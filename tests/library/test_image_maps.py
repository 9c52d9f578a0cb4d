"""Every function that maps images: units, batches, numbers, dtypes and graphs, from one list."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
import torch
from image_maps import F64, IMAGE_MAPS, NO_IMAGE_MAPS, Row, pictures
from torch.autograd.graph import saved_tensors_hooks

torch.set_num_threads(1)

MODULES = (
    "distributions", "losses", "metrics", "networks", "operators", "patches", "priors",
    "reconstruction", "samplers",
)  # fmt: skip

each = pytest.mark.parametrize("name", IMAGE_MAPS)
X = pictures()


def optional(name: str) -> Row:
    """The row, unless it needs a package that is not there."""
    if "bm3d" in name:
        pytest.importorskip("bm3d")
    return IMAGE_MAPS[name]


def same(found: torch.Tensor, wanted: torch.Tensor, near: float) -> None:
    found, wanted = found.detach(), wanted.detach()
    assert found.shape == wanted.shape and bool(torch.isfinite(wanted).all())
    assert float((found - wanted).abs().max()) <= near * float(wanted.abs().max())


@functools.cache
def plain(name: str) -> torch.Tensor:
    """What the function makes of two ordinary pictures."""
    return optional(name).call(X, 1.0)


def handed_out(module: ModuleType) -> list[str]:
    """Public names of a package, or of a module by itself."""
    own = [k for k, v in vars(module).items() if getattr(v, "__module__", "") == module.__name__]
    return getattr(module, "__all__", [name for name in own if not name.startswith("_")])


def saved(call: Callable[[], torch.Tensor]) -> tuple[int, torch.Tensor]:
    """Number of tensors kept for a backward pass, and the result."""
    kept = []
    with saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
        result = call()
    return len(kept), result


def test_every_public_function_is_in_the_list_or_named_with_a_reason() -> None:
    public = set()
    for module in MODULES:
        loaded = importlib.import_module(f"lessons_lib.{module}")
        public |= {f"{module}.{name}" for name in handed_out(loaded)}
    rows = {".".join(name.split()[0].split(".")[:2]) for name in IMAGE_MAPS}
    assert rows | set(NO_IMAGE_MAPS) == public and not rows & set(NO_IMAGE_MAPS)


@each
@pytest.mark.parametrize("k", [1e-6, 255.0])
def test_it_commutes_with_a_change_of_unit(name: str, k: float) -> None:
    row = optional(name)
    if row.power is not None:
        same(row.call(k * X, k), k**row.power * plain(name), row.near)


@each
def test_an_image_gives_the_same_beside_a_brighter_one(name: str) -> None:
    row = optional(name)
    if row.alone:
        pair = torch.stack([X[0], 100 * X[1]])
        together, wanted = row.call(pair, 1.0), row.call(X[0], 1.0)
        same(together[0], wanted, row.near)
        same(row.call(pair[None], 1.0)[0, 0], wanted, row.near)


@each
def test_an_empty_batch_has_an_empty_answer(name: str) -> None:
    row = optional(name)
    if row.empty:
        found = row.call(X[:0], 1.0)
        assert found.shape == (0, *plain(name).shape[1:])
    else:
        with pytest.raises(ValueError, match="x must hold at least one point"):
            row.call(X[:0], 1.0)


@each
def test_float32_stays_float32_beside_float64(name: str) -> None:
    row = optional(name)
    found, wanted = row.call(X.float(), 1.0), plain(name)
    assert found.real.dtype == (F64 if "rectangle_smc" in name else torch.float32)
    if row.alone:  # another dtype draws other noise
        same(found.to(wanted), wanted, 2e-3)


@each
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_refused_by_name(name: str, dtype: torch.dtype) -> None:
    if name != "samplers.last":  # it computes nothing
        with pytest.raises(TypeError, match=f"must be float32 or float64, got {dtype}.*float()"):
            optional(name).call(X.to(dtype), 1.0)


@each
@pytest.mark.parametrize("make", [np.float32, np.float64, np.array, torch.tensor])
def test_numbers_of_every_make_are_the_same_number(name: str, make: type) -> None:
    row = optional(name)
    same(row.call(X, make(1.0)), plain(name), max(row.near, 1e-5))


@pytest.mark.parametrize("name", [name for name in IMAGE_MAPS if IMAGE_MAPS[name].algorithm])
def test_an_algorithm_keeps_no_graph(name: str) -> None:
    row = optional(name)
    assert saved(lambda: row.call(X, 1.0))[0] == 0
    assert not row.call(X.clone().requires_grad_(), 1.0).requires_grad
