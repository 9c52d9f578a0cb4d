"""Drawings are told from data, and their colours keep their meaning when they are turned round."""

from __future__ import annotations

import re
from pathlib import Path

import night
import numpy as np
import pytest
import test_colour
from conftest import ROOT
from docutils import nodes
from matplotlib.colors import to_hex, to_rgb
from PIL import Image

from lessons_lib.course import plotting

SHEET = (ROOT / "book" / "_static" / "course.css").read_text(encoding="utf-8")
FILTER = re.compile(r"img\.drawing.*?invert\((\S+?)\) hue-rotate\(180deg\) saturate\((\S+?)\)")
GREY = np.array([0.213, 0.715, 0.072])  # weights of the CSS filter module, on sRGB values
APART = 7.0  # lines differ in dashes or marks, too


def at_night(colour: str) -> str:
    """What the stylesheet makes of a colour: invert, turn the hue by half a circle, saturate."""
    amount, strength = map(float, FILTER.search(SHEET).groups())
    value = amount - (2 * amount - 1) * np.array(to_rgb(colour))
    for factor in (-1, strength):  # a half turn is a saturation of minus one
        value = np.clip(GREY @ value + factor * (value - GREY @ value), 0, 1)
    return to_hex(value)


def luminance(colour: str) -> float:
    value = np.array(to_rgb(colour))
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("eye", test_colour.EYES)
def test_meanings_stay_apart_at_night(eye: str) -> None:
    turned = {name: at_night(colour) for name, colour in plotting.COLORS.items()}
    distance, one, other = test_colour.nearest(turned, eye)
    assert distance > APART, f"{one} and {other}"


@pytest.mark.parametrize("name", plotting.COLORS)
def test_every_colour_can_be_read_at_night(name: str) -> None:
    ground = at_night("#ffffff")
    assert luminance(ground) < 0.02
    assert contrast(at_night(plotting.COLORS[name]), ground) > 4.5


@pytest.mark.parametrize("name", ["truth", "learned", "other"])
def test_a_colour_keeps_its_name(name: str) -> None:
    """The strongest channel of a colour stays the strongest, and the weakest the weakest."""
    day, night_ = np.array(to_rgb(plotting.COLORS[name])), to_rgb(at_night(plotting.COLORS[name]))
    assert np.argsort(day).tolist() == np.argsort(night_).tolist()


@pytest.mark.parametrize(
    ("source", "data"),
    [
        ("ax.plot(x, x)\nplt.show()", False),
        ("fig, ax = plt.subplots()\nax.hist(x)", False),
        ("ax.imshow(x)", True),
        ("plotting.show_image(ax, x, limits=(0, 1))", True),
        ("for ax in axes:\n    show_field(ax, s)", True),
    ],
)
def test_the_code_tells_what_is_drawn(source: str, data: bool) -> None:
    assert night.draws_data(source) is data


def picture(folder: Path, share: float) -> str:
    """A picture of which so much is white."""
    values = np.where(np.arange(100) < 100 * share, 255, 90).astype(np.uint8)
    Image.fromarray(np.tile(values, (20, 1))).save(folder / f"{share}.png")
    return f"{share}.png"


def document(source: str, uri: str) -> tuple[nodes.container, nodes.image]:
    image = nodes.image(uri=f"/{uri}")
    code = nodes.container("", nodes.literal_block(source, source), classes=["cell_input"])
    shown = nodes.container("", image, classes=["cell_output"])
    return nodes.container("", nodes.container("", code, shown, classes=["cell"])), image


@pytest.mark.parametrize(
    ("source", "white", "marked"),
    [("ax.plot(x)", 0.8, True), ("ax.plot(x)", 0.3, False), ("ax.imshow(x)", 0.8, False)],
)
def test_what_is_marked(source: str, white: float, marked: bool, tmp_path: Path) -> None:
    book, image = document(source, picture(tmp_path, white))
    night.mark(type("App", (), {"srcdir": str(tmp_path)}), book)
    assert ("drawing" in image["classes"]) is marked
