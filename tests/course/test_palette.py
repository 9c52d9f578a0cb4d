"""Palettes: grey stays grey, colours stay themselves, and no picture has more than it may."""

from __future__ import annotations

import io

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from lessons_lib.course.notebooks.palette import COLOURS
from lessons_lib.course.palette import few_colours
from lessons_lib.course.widgets import frames


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("RGB")).astype(int)


def mixed(greys: int = 256) -> Image.Image:
    """A ramp of greys beside every hue, so that one palette for both would be too small."""
    ramp = np.linspace(0, 255, greys).round().astype(np.uint8)
    left = np.tile(ramp[None, :, None], (64, 1, 3))
    hue = matplotlib.colormaps["hsv"](np.linspace(0, 1, 200))[:, :3] * 255
    right = np.tile(hue[None].astype(np.uint8), (64, 1, 1))
    return Image.fromarray(np.concatenate([left, right], 1))


@pytest.mark.parametrize("colours", [16, 32, 48, COLOURS])
def test_grey_stays_grey_within_half_a_level(colours: int) -> None:
    before, few = pixels(mixed()), few_colours(mixed(), colours)
    after = pixels(few)
    grey = np.ptp(before, -1) == 0
    assert (np.ptp(after[grey], -1) == 0).all()
    step = 255 / (max(colours, 64) - 1)
    assert np.abs(after - before)[grey].max() <= step / 2 + 1
    assert len(np.unique(after[grey][:, 0])) <= max(colours, 64)
    assert len(np.unique(after[~grey], axis=0)) <= colours
    assert few.mode == "P"


def test_one_palette_for_all_would_have_tinted_it() -> None:
    grey = np.ptp(pixels(mixed()), -1) == 0
    assert (np.ptp(pixels(mixed().quantize(48))[grey], -1) > 0).mean() > 0.01


def test_few_greys_are_exact_and_so_is_a_picture_of_one_colour() -> None:
    levels = np.array([[0, 7, 130, 255]], np.uint8).repeat(3, 0)
    grey = Image.fromarray(levels).convert("RGB")
    assert (pixels(few_colours(grey, 2)) == pixels(grey)).all()
    red = Image.new("RGB", (5, 4), (200, 10, 30))
    assert (pixels(few_colours(red, 2)) == pixels(red)).all()


@pytest.mark.parametrize("colours", [0, 1, 129, 256])
def test_a_palette_has_room_for_both(colours: int) -> None:
    with pytest.raises(ValueError, match="colours must be from 2 to 128"):
        few_colours(mixed(), colours)


def test_the_grey_panel_of_a_player_shows_its_data() -> None:
    """A picture in grey beside a coloured map: what the page stores is what was drawn."""
    image = np.random.default_rng(0).random((24, 24))

    def draw(k: int) -> plt.Figure:
        fig, (left, right) = plt.subplots(1, 2, figsize=(2.4, 1.2))
        left.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        right.imshow(image * k, cmap="turbo", interpolation="nearest")
        for ax in (left, right):
            ax.set_axis_off()
            ax.set_position([0.5 * (ax is right), 0, 0.5, 1])
        return fig

    player = frames(draw, {"k": [1, 2]}, alt=lambda k: f"Frame {k}", dpi=100, colors=32)
    with Image.open(io.BytesIO(player.pictures[0])) as picture:
        left = pixels(picture)[:, :120]
    assert (np.ptp(left, -1) == 0).all()
    shown = left[2::5, 2::5, 0][:24, :24] / 255
    assert np.abs(shown - image).max() < 0.02
