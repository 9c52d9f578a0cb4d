"""The claims of the lessons fail when the library is wrong.

Chapters are played with wrong libraries (see `mutations`), counting the claims that notice: first
without trainings and fits, which take most of the time. That claims hold, and fail with wrong
measurements, is seen where the notebooks run (`stored_outputs`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
import torch
from conftest import ROOT
from lesson_runner import play
from mutations import MUTATIONS
from nbformat.v4 import new_code_cell, new_notebook
from teeth import weak

from lessons_lib import losses, training
from lessons_lib.course import studies
from lessons_lib.course.checks import Claim

BOOK = ROOT / "book"
LESSONS = sorted(path for path in BOOK.glob("*.ipynb") if not path.stem.endswith("_lab"))
FEWEST_CATCHES = 3
SHORTENED = ["02_score_matching_samples", "03_noise_conditional"]
"""The pages below of which long work is left out."""


def leave_out_long_work(patch: pytest.MonkeyPatch) -> None:
    """Cells that train, or fit many data sets, raise at once; so does what needs their results."""
    fits = studies.compare_fits

    def left_out(*_: object, **__: object) -> None:
        raise RuntimeError("left out")

    def of_one_set(sets: torch.Tensor, *words: object, **options: object) -> dict:
        return (fits if len(sets) == 1 else left_out)(sets, *words, **options)

    patch.setattr(training, "train", left_out)
    patch.setattr(studies, "relax_bound", left_out)
    patch.setattr(studies, "compare_fits", of_one_set)


def caught(mutation: str, enough: float) -> dict[str, int]:
    """How many claims fail on each page of the chapters of a mutation, until there are enough."""
    found: dict[str, int] = {}
    for chapter in MUTATIONS[mutation][1].split():
        for path in LESSONS:
            if path.stem.startswith(chapter) and sum(found.values()) < enough:
                missing = enough - sum(found.values())
                run = play(nbformat.read(path, as_version=4), BOOK, enough=missing)
                found[path.stem] = len(run.failed())
                if any("RuntimeError: left out" in error for error in run.errors):
                    assert path.stem in SHORTENED, "so that it is tested below, too"
    return found


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize(
    "enough", [FEWEST_CATCHES, pytest.param(math.inf, marks=pytest.mark.slow)], ids=["few", "all"]
)
def test_a_wrong_library_is_noticed(
    mutation: str,
    enough: float,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    """At least three claims fail; `-m slow` plays all, and counts them in every chapter."""
    MUTATIONS[mutation][0](monkeypatch)
    if enough == FEWEST_CATCHES:
        leave_out_long_work(monkeypatch)
    found = caught(mutation, enough)
    record_property("mutation", (mutation, found))
    assert sum(found.values()) >= FEWEST_CATCHES


@pytest.mark.parametrize("name", SHORTENED)
def test_what_is_left_out_fails_no_claim(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the right library; else a claim above might have noticed that, and nothing else."""
    leave_out_long_work(monkeypatch)
    run = play(nbformat.read(BOOK / f"{name}.ipynb", as_version=4), BOOK)
    assert any("RuntimeError: left out" in error for error in run.errors)
    assert run.failed() == []


# The harness itself, on a toy.

TOY = """
import torch
from lessons_lib.course.checks import claim
from lessons_lib.distributions import Gaussian, Parzen
from lessons_lib.losses import denoising, explicit, implicit, noise_conditional
from lessons_lib.samplers import langevin, last, mala
import matplotlib.pyplot as plt
torch.set_default_dtype(torch.float64)
---
unit = Gaussian(torch.zeros(1), torch.eye(1))
x = torch.linspace(-3, 3, 61).reshape(-1, 1)
claim("the unit normal has score minus x", unit.score(x), equals=-x, within=1e-12)
---
var = 1 + 0.3**2
claim("smoothing adds the variances", unit.score(x, 0.3), equals=-x / var, within=1e-12)
---
zero = lambda x, sigma: 0 * x
claim("explicit loss", explicit(unit.score, zero, x), equals=0.5 * (x**2).mean(), within=1e-9)
claim("implicit loss", implicit(unit.score, x), equals=0.5 * (x**2).mean() - 1, within=1e-9)
---
noise = torch.ones_like(x)
claim("denoising loss", denoising(zero, x, 0.5, noise=noise), equals=2.0, within=1e-9)
level = torch.tensor([0.5])
weighted = noise_conditional(zero, x, level, noise=noise)
claim("weighted loss", weighted, equals=0.5, within=1e-9)
---
window = Parzen(torch.zeros(4, 1))
at_zero = window.log_prob(torch.zeros(1, 1), 1.0).exp()
claim("a window has mass one", at_zero, equals=(2 * torch.pi) ** -0.5, within=1e-9)
---
start = torch.zeros(2000, 1)
walk = langevin(lambda x, sigma: -x, start, step=0.1, num_steps=60, generator=torch.Generator())
*_, end = walk
claim("Langevin reaches variance one", end.var(), equals=1.05, within=0.1)
---
rng = torch.Generator().manual_seed(0)
walk = mala(unit.score, unit.log_prob, start, step=1.0, num_steps=40, generator=rng)
claim("a tested walk reaches variance one", last(walk).var(), equals=1.0, within=0.1)
plt.plot(x, x)
plt.show()
"""


def toy(*sources: str) -> nbformat.NotebookNode:
    return new_notebook(cells=[new_code_cell(source) for source in sources])


def test_toy_holds_and_leaves_no_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = torch.get_default_dtype(), Path.cwd()
    run = play(toy(*TOY.split("---")), tmp_path)
    assert run.errors == [] and run.failed() == [] and len(run.claims) == 9
    assert [weak(claim) for claim in run.claims] == [None] * 9
    assert (torch.get_default_dtype(), Path.cwd()) == before
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_each_mutation_breaks_the_toy(
    mutation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        MUTATIONS[mutation][0](patch)
        assert play(toy(*TOY.split("---")), tmp_path).failed()
    assert play(toy(*TOY.split("---")), tmp_path).failed() == []


def test_a_mutation_reaches_every_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    def flat(x: torch.Tensor, sigma: float) -> torch.Tensor:
        return 0 * x

    x, noise = torch.zeros(3, 1), torch.ones(3, 1)
    kept = losses.denoising
    before = float(kept(flat, x, 0.5, noise=noise))
    MUTATIONS["denoising: missing 1/2"][0](monkeypatch)
    assert float(kept(flat, x, 0.5, noise=noise)) == pytest.approx(2 * before)


def test_an_exception_is_noted_and_no_claim(tmp_path: Path) -> None:
    run = play(toy("x = 1", "1 / 0", "x = y"), tmp_path)
    assert run.claims == []
    assert run.errors[0] == "code cell 2: ZeroDivisionError: division by zero"
    assert run.errors[1].startswith("code cell 3: NameError")


def test_what_a_cell_that_raises_assigns_is_unknown(tmp_path: Path) -> None:
    """Neither an old value nor half of a new one is left for a later claim."""
    run = play(toy("x = y = 1", "y = 2\n1 / 0\nx = 2", "x", "y"), tmp_path)
    kinds = [error.split(": ")[1] for error in run.errors]
    assert kinds == ["ZeroDivisionError", "NameError", "NameError"]


def made(relation: str, measured: object, expected: object, within: float = 0.0) -> Claim:
    as_tensor = torch.as_tensor
    left, right = torch.broadcast_tensors(as_tensor(measured), as_tensor(expected))
    return Claim("words", left.double(), right.double(), relation, within)


@pytest.mark.parametrize(
    "claim",
    [
        made("equals", 0.01, 0.02, within=0.05),
        made("equals", 0.3, 0.2, within=0.45),
        made("equals", 0.01, 0.0, within=0.5),
        made("below", 1.0, 1000.0),
        made("below", -0.2, 1.0),
        made("above", 1.0, -100.0),
    ],
)
def test_weak_claims_are_found(claim: Claim) -> None:
    assert claim.holds() and weak(claim)


@pytest.mark.parametrize(
    "claim",
    [
        made("equals", 1.0, 1.0, within=0.1),
        made("equals", [0.0, 1.0], [0.0, 1.0], within=0.1),
        made("equals", 0.001, 0.0, within=0.01),
        made("below", 1e-14, 1e-10),
        made("below", 2.0, 3.0),
        made("above", 2.0, 0.0),
        made("above", 0.6, 0.5),
    ],
)
def test_claims_with_teeth_are_let_through(claim: Claim) -> None:
    assert claim.holds() and weak(claim) is None
