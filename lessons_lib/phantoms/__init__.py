"""Pictures to learn from and to reconstruct: photographs, disks and rectangles.

The photographs lie inside the wheels of scikit-image and matplotlib, and three in this package, so
nothing is ever downloaded. They are split once, by photograph: what a model is trained on and what
it is tested on never share a scene. `SCENES` are ten whole ones to test on. The disks and the
rectangles are drawn from a `torch.Generator`, with gray edge pixels that hold the covered fraction
(*partial volume*), as a camera or a scanner would record them. Two scans of patients, `head_mr` and
`spine_ct`, lie in the wheels of matplotlib and pydicom.
"""

from lessons_lib.phantoms.photographs import TEST_PHOTOGRAPHS, TRAIN_PHOTOGRAPHS, photograph
from lessons_lib.phantoms.scans import head_mr, spine_ct
from lessons_lib.phantoms.scenes import SCENES, scene
from lessons_lib.phantoms.tilted import (
    coverage,
    draw_rectangles,
    rectangle_parameters,
    tilted_rectangles,
)
from lessons_lib.phantoms.upright import disks, rectangles

__all__ = [
    "SCENES",
    "TEST_PHOTOGRAPHS",
    "TRAIN_PHOTOGRAPHS",
    "coverage",
    "disks",
    "draw_rectangles",
    "head_mr",
    "photograph",
    "rectangle_parameters",
    "rectangles",
    "scene",
    "spine_ct",
    "tilted_rectangles",
]
