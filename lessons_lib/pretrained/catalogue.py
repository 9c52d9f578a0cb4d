"""The shipped models by name, each with its recipe."""

from __future__ import annotations

from typing import Any

from lessons_lib.phantoms import TRAIN_PHOTOGRAPHS
from lessons_lib.pretrained.image_recipe import ImageRecipe
from lessons_lib.pretrained.mixture_recipe import MixtureRecipe
from lessons_lib.pretrained.patch_recipe import PatchRecipe
from lessons_lib.pretrained.recipe import Recipe

TALK = (40, 80, 160, 320, 320, 160, 80, 40)
"""Hidden widths of the network in the talk."""

DISKS: dict[str, Any] = {"data": "disks", "pictures": 1000, "sigmas": (0.005, 0.5)}
"""What the models of patches of disks share."""

RECTANGLES: dict[str, Any] = {**DISKS, "data": "rectangles"}
"""The same for rectangles."""

SWEEP: dict[str, Any] = {"kind": "preconditioned", "hidden": (128,) * 3, "mean": 0.13, "std": 0.28}
"""One network for five sizes of patches, with steps for about the same time of one core; mean and
std are those of a pixel of `phantoms.disks`."""

NORMALIZED: dict[str, Any] = {"kind": "normalized", "hidden": (192,) * 3, "edges": 0.25}
"""Patch normalisation, with more edges to learn from than pictures have."""

ORIENTED: dict[str, Any] = {
    **NORMALIZED,
    "kind": "oriented",
    "edges": 0.5,
    "sizes": (64, 128),
    "sigmas": (0.002, 0.4),
    "learning_rate": 6e-3,
}
"""Patch normalisation and one direction in eight; levels down to those at which a ladder ends."""

PHOTOGRAPHS: dict[str, Any] = {
    "data": "photographs",
    "pictures": TRAIN_PHOTOGRAPHS,
    "sigmas": (5 / 255, 100 / 255),
}
"""What models of photographs share; it is the default of patch recipes."""

RECIPES: dict[str, Recipe] = {
    "photographs_7x7": PatchRecipe(patch_size=7, hidden=(320, 320, 320), num_steps=40_000),
    "photographs_5x5": PatchRecipe(patch_size=5, hidden=(96, 96), num_steps=3_000),
    "photographs_7x7_normalized": PatchRecipe(
        patch_size=7,
        kind="normalized",
        hidden=(192,) * 3,
        sizes=(256,),
        sigmas=(1 / 255, 100 / 255),
        num_steps=12_000,
    ),
    "photographs_7x7_mixture": MixtureRecipe(
        patch_size=7,
        num_components=40,
        num_steps=25,
        floor=1e-6,
        centred=True,
        num_patches=100_000,
        sizes=(256,),
        **PHOTOGRAPHS,
    ),
    "disks_1x1": PatchRecipe(patch_size=1, num_steps=25_500, **SWEEP, **DISKS),
    "disks_3x3": PatchRecipe(patch_size=3, num_steps=25_000, **SWEEP, **DISKS),
    "disks_5x5": PatchRecipe(patch_size=5, num_steps=23_500, **SWEEP, **DISKS),
    "disks_7x7": PatchRecipe(patch_size=7, num_steps=21_000, **SWEEP, **DISKS),
    "disks_9x9": PatchRecipe(patch_size=9, num_steps=19_000, **SWEEP, **DISKS),
    "disks_3x3_talk": PatchRecipe(
        patch_size=3, hidden=TALK, num_steps=7_500, kind="talk", learning_rate=1e-3, **DISKS
    ),
    "disks_3x3_mixture": MixtureRecipe(
        patch_size=3, num_components=20, num_steps=60, floor=1e-6, edges=0.25, **DISKS
    ),
    "disks_5x5_normalized": PatchRecipe(patch_size=5, num_steps=45_000, **NORMALIZED, **DISKS),
    "disks_5x5_oriented": PatchRecipe(patch_size=5, num_steps=58_000, **{**DISKS, **ORIENTED}),
    "disks_7x7_normalized": PatchRecipe(
        patch_size=7, num_steps=40_000, **{**NORMALIZED, "edges": 0.5}, **DISKS
    ),
    "disks_experts": ImageRecipe(
        kind="experts", patch_size=3, hidden=(128, 128), num_steps=2_500, crop=32, **DISKS
    ),
    "disks_whole": ImageRecipe(
        kind="whole",
        hidden=(16, 32, 48, 64),
        num_steps=3_500,
        size=64,
        crop=64,
        balanced=True,
        **{**DISKS, "sigmas": (0.002, 50.0)},
    ),
    "disks_unet": ImageRecipe(hidden=(16, 32, 64), num_steps=3_500, crop=48, **DISKS),
    "rectangles_5x5_normalized": PatchRecipe(
        patch_size=5, num_steps=20_000, **NORMALIZED, **RECTANGLES
    ),
    "rectangles_unet": ImageRecipe(
        hidden=(16, 32, 64), num_steps=2_500, crop=48, mean=0.06, std=0.2, **RECTANGLES
    ),
    "photographs_unet": ImageRecipe(
        hidden=(16, 32, 64), num_steps=3_500, crop=48, mean=0.41, std=0.2, **PHOTOGRAPHS
    ),
}
"""The shipped models by name."""
