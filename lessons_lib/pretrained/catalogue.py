"""The shipped models by name, each with its recipe."""

from __future__ import annotations

from lessons_lib.pretrained.recipe import PatchRecipe, Recipe

RECIPES: dict[str, Recipe] = {
    "photographs_7x7": PatchRecipe(patch_size=7, hidden=(320, 320, 320), num_steps=40_000),
    "photographs_5x5": PatchRecipe(patch_size=5, hidden=(96, 96), num_steps=3_000),
}
"""The shipped models by name."""
