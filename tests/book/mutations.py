"""Wrong libraries: each entry breaks one sign, scale or constant, as a slip of the pen would.

Most edit the text of one function. If the text to replace is gone, the library has changed and the
entry here wants a new look; it does not pass silently.
"""

from __future__ import annotations

import inspect
import math
import sys
import textwrap
from collections.abc import Callable
from types import FunctionType
from typing import Any

import pytest

from lessons_lib import distributions, losses, samplers
from lessons_lib.losses import noisy
from lessons_lib.samplers import walks

Break = Callable[[pytest.MonkeyPatch], None]
FIELDS = [distributions.GaussianField, distributions.DenseGaussianField]
SMOOTH = [
    distributions.Gaussian,
    distributions.GaussianMixture,
    distributions.Parzen,
    *FIELDS,
]
EVERY = [*SMOOTH, distributions.Gamma, distributions.GeneralizedTV]


def edit(function: FunctionType, old: str, new: str) -> Break:
    """Replace ``old`` by ``new`` in the source of a function, for every caller at once."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        source = textwrap.dedent(inspect.getsource(function))
        if source.count(old) != 1:
            raise LookupError(f"{function.__qualname__} does not hold {old!r} exactly once")
        names = dict(sys.modules[function.__module__].__dict__)
        flags = "from __future__ import annotations\n"
        text = flags + source.replace(old, new)
        exec(compile(text, function.__module__, "exec"), names)
        patch.setattr(function, "__code__", names[function.__name__].__code__)

    return apply


def wrong_sign(patch: pytest.MonkeyPatch) -> None:
    """Every exact score points downhill."""
    for kind in EVERY:
        right = kind.score
        patch.setattr(kind, "score", _negated(right))


def _negated(right: Callable[..., Any]) -> Callable[..., Any]:
    def score(self: Any, x: Any, sigma: Any = 0.0) -> Any:
        return -right(self, x, sigma)

    return score


def wrong_width(patch: pytest.MonkeyPatch) -> None:
    """The variance of the smoothing is sigma where it should be sigma^2."""
    for kind in SMOOTH:
        for name in ("score", "log_prob"):
            patch.setattr(kind, name, _widened(getattr(kind, name)))


def _widened(right: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(self: Any, x: Any, sigma: Any = 0.0) -> Any:
        return right(self, x, sigma**0.5 if not isinstance(sigma, float) else math.sqrt(sigma))

    return wrong


MUTATIONS: dict[str, tuple[Break, str]] = {
    "score: wrong sign": (wrong_sign, "02 05 01 03 04"),
    "smoothing: variance sigma, not sigma^2": (wrong_width, "03 01 05 02"),
    "denoising: target noise/sigma^2": (
        edit(noisy._denoising_error, "noise / level", "noise / level**2"),
        "03 02",
    ),
    "denoising: missing 1/2": (edit(losses.denoising, "return 0.5 * ", "return "), "02 03"),
    "explicit: missing 1/2": (edit(losses.explicit, "return 0.5 * ", "return "), "02 03 04"),
    "implicit: missing 1/2": (edit(losses.implicit, "+ 0.5 * ", "+ "), "02 04"),
    "implicit: trace with the wrong sign": (
        edit(losses.implicit, "return (diagonal", "return (-diagonal"),
        "02",
    ),
    "noise-conditional: weight sigma, not sigma^2": (
        edit(losses.noise_conditional, "(sigma**2 * error)", "(sigma * error)"),
        "03",
    ),
    "Parzen: missing 1/T": (
        edit(distributions.Parzen._reduce, "math.log(count) + ", ""),
        "02 03",
    ),
    "Langevin: noise sqrt(step), not sqrt(2 step)": (
        edit(walks._move, "(2 * step * temperature)", "(step * temperature)"),
        "01 03 04 06",
    ),
    "MALA: the density of the proposal is forgotten": (
        edit(samplers.mala, "log_p_y + back - log_p - forth", "log_p_y - log_p"),
        "06",
    ),
}
"""For each: how to break the library, and the chapters that may see it, the quickest first."""
