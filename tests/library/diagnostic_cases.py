"""Chains of every make, and what ArviZ says of them.

Where arviz is installed, ``python tests/library/diagnostic_cases.py`` writes the reference values
again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

STORED = Path(__file__).with_name("diagnostic_cases.json")
F64 = torch.float64


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def autoregression(rho: float, steps: int, *chains: int, seed: int = 0) -> Tensor:
    noise = math.sqrt(1 - rho**2) * normal(steps, *chains, seed=seed)
    x, states = normal(*chains, seed=seed + 1), []
    for kick in noise:
        x = rho * x + kick
        states.append(x)
    return torch.stack(states)


def two_valued(rho: float) -> Tensor:
    return (autoregression(rho, 400, 4) > 0).to(F64)


def one_stands_still() -> Tensor:
    chains = normal(400, 4)
    chains[:, 0] = 0.1
    return chains


CASES: dict[str, Callable[[], Tensor]] = {
    "independent": lambda: normal(500, 4),
    "slow": lambda: autoregression(0.95, 500, 4),
    "alternating": lambda: autoregression(-0.7, 500, 4),
    "one chain": lambda: autoregression(0.5, 1000, 1),
    "many short chains": lambda: autoregression(0.3, 20, 50),
    "an odd number of states": lambda: autoregression(0.5, 501, 3),
    "chains that disagree": lambda: normal(500, 4) + torch.arange(4),
    "chains of other widths": lambda: normal(500, 4) * torch.tensor([1.0, 1.0, 1.0, 4.0]),
    "a drift": lambda: normal(500, 2) + torch.linspace(0, 5, 500)[:, None],
    "heavy tails": lambda: normal(500, 4) / normal(500, 4, seed=9),
    "two values, equally often": lambda: (normal(400, 4).argsort(0) < 200).to(F64),
    "two values, slow": lambda: two_valued(0.9),
    "two values, one of them rare": lambda: (autoregression(0.5, 400, 4) > 1.8).to(F64),
    "whole numbers": lambda: (3 * autoregression(0.6, 400, 4)).round(),
    "far from zero": lambda: 1e6 + autoregression(0.5, 400, 4),
    "in small units": lambda: 1e-9 * autoregression(0.5, 400, 4),
    "one chain of four stands still": one_stands_still,
    "shortest": lambda: normal(8, 4),
}


def reference() -> dict[str, object]:
    """What the installed ArviZ says, by the name of the case."""
    import arviz

    def values(chains: Tensor) -> dict[str, float | None]:
        x = chains.T.numpy()  # (T, C) -> (C, T)
        found = {
            "effective_sample_size": arviz.ess(x, method="mean"),
            "r_hat": arviz.rhat(x, method="rank"),  # none for a single chain
            "r_hat, plain": arviz.rhat(x, method="split"),
        }
        return {k: None if math.isnan(v) else float(v) for k, v in found.items()}

    return {"arviz": arviz.__version__} | {name: values(make()) for name, make in CASES.items()}


if __name__ == "__main__":
    STORED.write_text(json.dumps(reference(), indent=1) + "\n", encoding="utf-8")
