"""Small models that ship with the library, and the recipe that makes each of them again.

A model is two files in `lessons_lib/weights`: ``NAME.safetensors`` holds the weights (at most
3 MB, and no code), ``NAME.json`` the recipe, the hash of the weights, the seconds that training
took and the error on photographs that it never saw. `load` checks all of it. To train one again::

    python -m lessons_lib.pretrained list
    python -m lessons_lib.pretrained train NAME

Chapter 00_tour uses them.
"""

from lessons_lib.pretrained.catalogue import RECIPES
from lessons_lib.pretrained.files import describe, load, names, save
from lessons_lib.pretrained.fit import held_out_error, train
from lessons_lib.pretrained.image_recipe import ImageRecipe
from lessons_lib.pretrained.mixture import MixtureScore
from lessons_lib.pretrained.mixture_recipe import MixtureRecipe
from lessons_lib.pretrained.patch_recipe import PatchRecipe
from lessons_lib.pretrained.pictures import training_patches
from lessons_lib.pretrained.recipe import Recipe, TrainedRecipe

__all__ = [
    "RECIPES",
    "ImageRecipe",
    "MixtureRecipe",
    "MixtureScore",
    "PatchRecipe",
    "Recipe",
    "TrainedRecipe",
    "describe",
    "held_out_error",
    "load",
    "names",
    "save",
    "train",
    "training_patches",
]
