"""Weights and recipe on disk: written whole or not at all, and checked before they are used."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from torch import nn

from lessons_lib.files import write_whole
from lessons_lib.pretrained.catalogue import RECIPES
from lessons_lib.pretrained.recipe import Recipe

FOLDER = Path(__file__).resolve().parent.parent / "weights"
"""Where the shipped models lie, and where the functions below look if no other folder is given."""

MAX_BYTES = 3_000_000
"""Largest file of weights."""


def names(folder: Path | None = None) -> list[str]:
    """Return the names of the models in ``folder``, for `load`, in alphabetical order."""
    return sorted(path.stem for path in (folder or FOLDER).glob("*.json"))


def describe(name: str, *, folder: Path | None = None) -> dict[str, Any]:
    """Read what is known about a model, after checking that it is the one of the present recipe.

    Its card has the ``recipe``, ``weights_sha256``, ``num_parameters``, ``test_error`` (see
    `held_out_error`) and ``training_seconds``: processor time of one thread, not time on the wall.
    A `ValueError` says if ``name`` is none of `RECIPES`, the file in ``folder`` (by default, among
    the shipped weights) is missing or unreadable, or the recipe is another one.
    """
    wanted = _recipe(name).as_json()
    path = (folder or FOLDER) / f"{name}.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        recipe = dict(card["recipe"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _missing(path, error) from None
    wrong = [key for key in sorted({*wanted, *recipe}) if wanted.get(key) != recipe.get(key)]
    if wrong:
        told = ", ".join(f"{k} {recipe.get(k)!r} instead of {wanted.get(k)!r}" for k in wrong)
        raise ValueError(f"{path.name} holds another recipe: {told}; {_again(name)}")
    return card


def load(name: str, *, folder: Path | None = None) -> nn.Module:
    """Load a shipped model, and refuse anything that is not exactly what its recipe made.

    It is called as ``model(v, sigma)`` for patches ``(*, n)``, or of the kinds ``unet`` and
    ``experts`` for images ``(*, H, W)``, with pixel values in [0, 1]; no gradients are kept for its
    weights, and no code is executed while it loads. ``name`` and ``folder`` are as for `describe`;
    a `ValueError` also says if the weights are missing, have another hash or another shape.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load as read_tensors

    card = describe(name, folder=folder)
    path = (folder or FOLDER) / f"{name}.safetensors"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _missing(path, error) from None
    found = hashlib.sha256(content).hexdigest()
    if found != card.get("weights_sha256"):
        raise ValueError(
            f"{path.name} has the hash {found[:12]}..., its recipe was written for "
            f"{str(card.get('weights_sha256'))[:12]}...; {_again(name)}"
        )
    model = RECIPES[name].build()
    try:
        model.load_state_dict(read_tensors(content))
    except (RuntimeError, SafetensorError) as error:
        raise ValueError(f"{path.name} does not fit its recipe: {error}") from None
    return model.eval().requires_grad_(False)


def save(
    name: str,
    model: nn.Module,
    *,
    training_seconds: float,
    test_error: float,
    folder: Path | None = None,
) -> None:
    """Write a trained model and its recipe; each file is replaced whole or not at all.

    The ``model`` may have `MAX_BYTES`; ``name`` and ``folder`` are as for `describe`. Recorded
    beside it are its ``training_seconds`` of one thread, and its ``test_error``, `held_out_error`.
    """
    recipe, content = _recipe(name), packed(model)
    card = {
        "name": name,
        "recipe": recipe.as_json(),
        "weights_sha256": hashlib.sha256(content).hexdigest(),
        "num_parameters": sum(p.numel() for p in model.parameters()),
        "training_seconds": round(training_seconds, 1),
        "test_error": round(test_error, 5),
    }
    target = folder or FOLDER
    write_whole(target / f"{name}.safetensors", content)
    write_whole(target / f"{name}.json", json.dumps(card, indent=2) + "\n")


def packed(model: nn.Module) -> bytes:
    """Return the weights of a ``model`` as the bytes of a file, which hold no code."""
    from safetensors.torch import save as write_tensors

    content = write_tensors({k: v.detach().contiguous() for k, v in model.state_dict().items()})
    if len(content) > MAX_BYTES:
        raise ValueError(f"model must fit into {MAX_BYTES} bytes, got {len(content)}")
    return content


def _recipe(name: str) -> Recipe:
    if name not in RECIPES:
        raise ValueError(f"name must be one of {', '.join(RECIPES)}; got {name!r}")
    return RECIPES[name]


def _missing(path: Path, error: Exception) -> ValueError:
    return ValueError(f"{path.name} is missing or unreadable ({error}); {_again(path.stem)}")


def _again(name: str) -> str:
    return f"to make it again: python -m lessons_lib.pretrained train {name}"
