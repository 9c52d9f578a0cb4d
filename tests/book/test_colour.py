"""Every colour of the course can be told from every other, by every eye, on paper and on a screen.

Colour blindness is simulated by the matrices of Machado, Oliveira and Fernandes (2009) for the
full deficiency, on linear RGB; colours are compared by CIEDE2000. A difference of 1 is just seen.
"""

from __future__ import annotations

import itertools
import re

import matplotlib
import numpy as np
import pytest
from conftest import ROOT
from matplotlib.colors import to_rgb
from skimage.color import deltaE_ciede2000, rgb2lab

from lessons_lib.course import plotting

APART = 8.0
EYES = {
    "usual": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
SEQUENTIAL = {"gray", "magma", "viridis", "Blues", "Reds"}
DIVERGING = {"RdBu", "RdBu_r"}
MAP = re.compile(r"(?:cmap=|get_cmap\()\\?[\"'](\w+)")


def seen(colours: np.ndarray, eye: str) -> np.ndarray:
    """Lab coordinates of sRGB colours, ``(n, 3)``, as an eye sees them."""
    light = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    light = np.clip(light @ np.asarray(EYES[eye]).T, 0, 1)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return rgb2lab(encoded[None])[0]


def palette(theme: str) -> dict[str, str]:
    """Colours by their meaning: of the figures, or of the pages in one theme."""
    if theme == "figures":
        return plotting.COLORS
    sheet = (ROOT / "book" / "_static" / "course.css").read_text(encoding="utf-8")
    rules = re.search(rf'html\[data-theme="{theme}"\] \{{(.*?)\}}', sheet, re.S)[1]
    return {name: re.search(rf"--course-{name}: (#\w{{6}})", rules)[1] for name in plotting.COLORS}


def nearest(colours: dict[str, str], eye: str) -> tuple[float, str, str]:
    """The two colours that an eye confuses most, and how far apart they are."""
    lab = dict(
        zip(colours, seen(np.array([to_rgb(c) for c in colours.values()]), eye), strict=True)
    )
    pairs = itertools.combinations(colours, 2)
    return min((float(deltaE_ciede2000(lab[a], lab[b])), a, b) for a, b in pairs)


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("theme", ["figures", "light", "dark"])
def test_meanings_stay_apart(theme: str, eye: str) -> None:
    distance, one, other = nearest(palette(theme), eye)
    assert distance > APART, f"{one} and {other}"


def test_red_and_green_of_old_charts_would_be_found() -> None:
    assert nearest({"red": "#b5651d", "green": "#7a7a1d"}, "deuteranopia")[0] < APART
    assert nearest({"red": "#b5651d", "green": "#7a7a1d"}, "usual")[0] > APART


def test_only_maps_that_are_looked_at_here_are_used() -> None:
    files = [*(ROOT / "book").glob("*.ipynb"), *(ROOT / "lessons_lib").rglob("*.py")]
    used = {name for path in files for name in MAP.findall(path.read_text(encoding="utf-8"))}
    assert len(used) > 4
    assert used <= SEQUENTIAL | DIVERGING


def lightness(name: str, eye: str) -> np.ndarray:
    chart = plotting.density_map() if name == "density" else matplotlib.colormaps[name]
    return seen(chart(np.linspace(0, 1, 65))[:, :3], eye)[:, 0]


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("name", sorted(SEQUENTIAL | {"density"}))
def test_more_is_always_lighter_or_always_darker(name: str, eye: str) -> None:
    steps = np.diff(lightness(name, eye))
    assert (np.sign(steps) == np.sign(steps[0])).all()


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("name", sorted(DIVERGING))
def test_the_two_sides_of_zero_darken_outwards_and_differ(name: str, eye: str) -> None:
    values = lightness(name, eye)
    assert (np.diff(values[:33]) > 0).all()
    assert (np.diff(values[32:]) < 0).all()
    ends = matplotlib.colormaps[name](np.array([0.1, 0.9]))[:, :3]
    assert deltaE_ciede2000(*seen(ends, eye)) > 3 * APART


def test_a_rainbow_would_be_found() -> None:
    steps = np.diff(lightness("jet", "usual"))
    assert not (np.sign(steps) == np.sign(steps[0])).all()
