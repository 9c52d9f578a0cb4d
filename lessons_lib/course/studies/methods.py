"""The one list of denoisers for each kind of picture; a new prior is one more line.

A prior from outside the library enters the table by its address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from lessons_lib import pretrained
from lessons_lib.course.studies.denoisers import (
    BayesLimit,
    Denoise,
    Prior,
    annealed_ascent,
    averaged,
    bm3d_oracle,
    down_the_ladder,
    gaussian_fit,
    greedy_ascent,
    mean_of_samples,
    nlm_oracle,
    noisy,
    once,
    one_step,
    summed,
    tv_oracle,
    whole,
)
from lessons_lib.course.studies.regularisers import Regularised
from lessons_lib.shapes import Score, Sigma

GUEST = "guest"
"""The family of priors that are not in the library."""

FAMILIES = ("baseline", "patch", "whole", "limit", GUEST)
"""What a method knows: no training pictures, their patches, whole ones, the exact law; or else."""

FEW = 50
"""Most pictures for slow methods."""

BEST = "disks_5x5_oriented"
"""The best model of small patches of disks."""

RIVAL = "BM3D"
"""The method that all others are compared with, picture by picture."""


@dataclass(frozen=True)
class Method:
    """One row of the table, of one of the `FAMILIES`.

    Parameters
    ----------
    name, family : str
        As it is printed, and what it knows.
    denoise : callable
        ``denoise(y, noise_std, truth)``, from ``(H, W)`` to ``(H, W)``.
    models : tuple of str
        The shipped models that it needs, names in `pretrained.RECIPES`.
    most : int
        Most pictures that it is run on, the first ones; smaller for what is slow.
    begin, notes : callable
        ``begin()`` comes before the first picture; ``notes(noise_std)`` is what it found out.
    once : callable, optional
        The same without a search for its best setting, which is what the seconds are measured of.
    """

    name: str
    family: str
    denoise: Denoise
    models: tuple[str, ...] = ()
    most: int = 1000
    begin: Callable[[], None] = lambda: None
    notes: Callable[[float], dict[str, Any]] = lambda noise_std: {}
    once: Denoise | None = None

    def missing(self) -> str:
        """Say why it cannot be run here, or nothing."""
        try:
            if self.name == RIVAL:
                import bm3d  # noqa: F401
            for model in self.models:
                pretrained.describe(model)
        except (ImportError, ValueError) as error:
            return str(error)
        return ""


def methods(phantom: str) -> list[Method]:
    """Return the methods that make sense for a ``phantom``, a key of `pictures.SIZES`, in order."""
    lists = {
        "disks": _disks,
        "rectangles": _rectangles,
        "photographs": _scenes,
        "scenes": _scenes,
        "tilted": _tilted,
        "tilted_large": _tilted_large,
    }
    if phantom not in lists:
        raise ValueError(f"phantom must be one of {', '.join(lists)}, got {phantom!r}")
    return [
        Method("noisy", "baseline", noisy),
        _baseline("TV", tv_oracle),
        *lists[phantom](),
    ]


def _disks() -> list[Method]:
    experts, plain = "disks_experts", "disks_5x5_normalized"
    fitted = Regularised(whole(experts), "disks")
    shallow = down_the_ladder(whole(experts), num=7, depth=8.0)
    return [
        _baseline(RIVAL, bm3d_oracle),
        *_greedy("disks_3x3_talk", "disks", 9),
        *_patches(BEST),
        Method("patches, not turned", "patch", down_the_ladder(averaged(plain)), (plain,)),
        _mixture("disks_3x3_mixture"),
        Method("experts, one step", "patch", one_step(whole(experts)), (experts,)),
        Method("experts, ladder", "patch", shallow, (experts,)),
        Method("experts, two scalars", "patch", fitted, (experts,), FEW, notes=fitted.notes),
        *_unet("disks_unet"),
    ]


def _rectangles() -> list[Method]:
    own, other, unet = "rectangles_5x5_normalized", BEST, "disks_unet"
    return [
        _baseline(RIVAL, bm3d_oracle),
        Method("patches, one step", "patch", one_step(averaged(own)), (own,)),
        Method("patches, ladder", "patch", down_the_ladder(averaged(own)), (own,)),
        *_unet("rectangles_unet"),
        Method("patch ladder from disks", "patch", down_the_ladder(averaged(other)), (other,)),
        Method("U-Net ladder from disks", "whole", down_the_ladder(whole(unet)), (unet,)),
    ]


def _scenes() -> list[Method]:
    plain, normal, mixture = (f"photographs_7x7{k}" for k in ("", "_normalized", "_mixture"))
    about = {"num": 7, "depth": 16.0}
    rows = [
        Method("Gaussian fit", "patch", one_step(gaussian_fit(plain))),
        _baseline("non-local means", nlm_oracle),
        Method(RIVAL, "baseline", once(RIVAL)),
    ]
    for name, told in {plain: "patches", normal: "normalised patches", mixture: "mixture"}.items():
        prior = averaged(name)
        if name != mixture:
            rows.append(Method(f"{told}, one step", "patch", one_step(prior), (name,)))
        rows.append(Method(f"{told}, ladder", "patch", down_the_ladder(prior, **about), (name,)))
    return rows


def _baseline(name: str, oracle: Denoise) -> Method:
    """A method that needs no training, at its best for each picture, timed without the search."""
    return Method(name, "baseline", oracle, once=once(name))


def _tilted() -> list[Method]:
    limit = BayesLimit()
    best = Method("Bayes limit", "limit", limit, begin=limit.forget, notes=limit.notes)
    return [*_patches_from_afar(), best]


def _tilted_large() -> list[Method]:
    mixture, unet = "disks_3x3_mixture", "disks_unet"
    return [
        _baseline(RIVAL, bm3d_oracle),
        *_patches_from_afar(),
        Method("mixture from disks", "patch", down_the_ladder(averaged(mixture)), (mixture,)),
        Method("U-Net ladder from disks", "whole", down_the_ladder(whole(unet)), (unet,)),
    ]


def _patches_from_afar() -> list[Method]:
    """Patch models for pictures that none was trained on."""
    both = (BEST, "rectangles_5x5_normalized")
    return [
        Method(f"patch ladder from {name.split('_')[0]}", "patch", ladder, (name,))
        for name, ladder in ((name, down_the_ladder(averaged(name))) for name in both)
    ]


def _greedy(name: str, phantom: str, overlap: int, **told: float) -> list[Method]:
    """The talk's ascent, and what an oracle or one fitted number make of it."""
    prior, told = summed(name), {"overlap": overlap, **told}
    stopped = greedy_ascent(prior, num_steps=25, oracle=True, **told)
    one = Regularised(prior, phantom, scaled=False, **told)
    return [
        Method("plain sum, ascent", "patch", greedy_ascent(prior, **told), (name,), FEW),
        Method("plain sum, oracle stop", "patch", stopped, (name,), FEW),
        Method("plain sum, best weight", "patch", one, (name,), FEW, notes=one.notes),
    ]


def _patches(name: str) -> list[Method]:
    """The best patch model of a kind, used in four ways."""
    prior = averaged(name)
    return [
        Method("patches, one step", "patch", one_step(prior), (name,)),
        Method("patches, mean of samples", "patch", mean_of_samples(prior), (name,), FEW),
        Method("patches, annealed ascent", "patch", annealed_ascent(prior), (name,), FEW),
        Method("patches, ladder", "patch", down_the_ladder(prior), (name,)),
    ]


def _mixture(name: str, most: int = 1000) -> Method:
    """A Gaussian mixture on patches."""
    return Method("mixture, ladder", "patch", down_the_ladder(averaged(name)), (name,), most)


def _unet(name: str, **ladder: float) -> list[Method]:
    """A model of whole images."""
    prior = whole(name)
    return [
        Method("U-Net, one step", "whole", one_step(prior), (name,)),
        Method("U-Net, ladder", "whole", down_the_ladder(prior, **ladder), (name,), FEW),
    ]


def find_prior(address: str) -> Score:
    """Import a score by its ``address``: a module and a name in it, such as ``my_prior:score``.

    It is called as ``score(x, sigma)`` on images ``(*, H, W)``, and returns the same shape.
    """
    module, _, name = address.partition(":")
    if not module or not name:
        raise ValueError(
            f"a prior is given as MODULE:NAME, such as my_prior:score, got {address!r}"
        )
    try:
        score = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"there is no prior {address}: {error}") from error
    if not callable(score):
        raise ValueError(f"{address} must be a function score(x, sigma), got {score!r}")
    return score


def guest_methods(priors: Mapping[str, Score]) -> list[Method]:
    """Return two rows for each of the ``priors``, one step of Tweedie and the ladder, by its name.

    They are the ones that the shipped priors have, with the same levels. Scores are asked with
    float32 images and may use autograd inside.
    """
    rows = []
    for name, score in priors.items():
        prior = _received(name, score)
        rows.append(Method(f"{name}, one step", GUEST, one_step(prior)))
        rows.append(Method(f"{name}, ladder", GUEST, down_the_ladder(prior)))
    return rows


def _received(name: str, score: Score) -> Prior:
    """The same score for each shape, with a clear complaint where it is none."""

    @torch.enable_grad()
    def checked(x: Tensor, sigma: Sigma = 0.0) -> Tensor:
        s = score(x, sigma)
        if not isinstance(s, Tensor) or s.shape != x.shape:
            got = tuple(s.shape) if isinstance(s, Tensor) else type(s).__name__
            raise ValueError(f"{name} must return the shape of x, {tuple(x.shape)}, got {got}")
        if not bool(torch.isfinite(s).all()):
            raise ValueError(f"{name} has values that are not finite at sigma = {sigma}")
        return s.detach().to(x)

    return lambda shape: checked
