"""The shipped models by name, each with its recipe."""

from __future__ import annotations

from typing import Any

from lessons_lib.pretrained.recipe import MixtureRecipe, PatchRecipe, Recipe

TALK = (40, 80, 160, 320, 320, 160, 80, 40)
"""Hidden widths of the network in the talk."""

DISKS: dict[str, Any] = {"data": "disks", "pictures": 1000, "sigmas": (0.005, 0.5)}
"""What the models of patches of disks share."""

SWEEP: dict[str, Any] = {"kind": "preconditioned", "hidden": (128,) * 3, "mean": 0.13, "std": 0.28}
"""One network for five sizes of patches; mean and std are those of a pixel of `phantoms.disks`."""

RECIPES: dict[str, Recipe] = {
    "photographs_7x7": PatchRecipe(patch_size=7, hidden=(320, 320, 320), num_steps=40_000),
    "photographs_5x5": PatchRecipe(patch_size=5, hidden=(96, 96), num_steps=3_000),
    "disks_3x3": PatchRecipe(patch_size=3, num_steps=25_000, **SWEEP, **DISKS),
    "disks_3x3_talk": PatchRecipe(
        patch_size=3, hidden=TALK, num_steps=7_500, kind="talk", learning_rate=1e-3, **DISKS
    ),
    "disks_3x3_mixture": MixtureRecipe(
        patch_size=3, num_components=20, num_steps=60, floor=1e-6, edges=0.25, **DISKS
    ),
}
"""The shipped models by name."""
