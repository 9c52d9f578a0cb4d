"""`Player`: a figure with sliders, as a page without a kernel and as a live widget."""

from __future__ import annotations

import base64
import html
import io
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from lessons_lib.course.palette import few_colours
from lessons_lib.course.widgets.page import PAGE

if TYPE_CHECKING:
    from ipywidgets import DOMWidget
    from matplotlib.figure import Figure

CSS_DPI = 100
"""Pixels of the page for one inch of figure, as for every other figure of the course."""

Draw = Callable[..., "Figure"]


@dataclass(frozen=True)
class Control:
    """One slider: the argument of ``draw`` that it moves, and what it says."""

    name: str
    label: str
    values: tuple[Any, ...]
    words: tuple[str, ...]  # how each value is read out
    start: int  # index of the value shown first


@dataclass(frozen=True)
class Player:
    """A figure with sliders; display it as the last line of a cell."""

    draw: Draw
    alt: Callable[..., str]
    controls: tuple[Control, ...]
    pictures: tuple[bytes, ...]  # one PNG for each combination, the last control fastest
    texts: tuple[str, ...]  # the alternative text of each
    size: tuple[int, int]  # width and height on the page, in CSS pixels
    interval: int
    caption: str

    def __repr__(self) -> str:
        """Say what can be moved."""
        return f"Player({', '.join(f'{c.name}: {len(c.values)} values' for c in self.controls)})"

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/plain": repr(self), "text/html": self.to_html()}
        if _has_kernel():
            bundle = self.to_widget()._repr_mimebundle_() | bundle
        return bundle

    def to_html(self) -> str:
        """Return the player as one self-contained piece of html, the same bytes every time.

        Its name is made from its sliders, caption and size and not from its pictures: the last
        digits of what is drawn may differ between processors.
        """
        encoded = [base64.b64encode(p).decode() for p in self.pictures]
        data = {"words": [c.words for c in self.controls], "alt": self.texts, "png": encoded}
        first = 0
        for control in self.controls:
            first = first * len(control.values) + control.start
        fields = {
            "LABEL": _escape("Figure with sliders: " + ", ".join(c.label for c in self.controls)),
            "PNG": encoded[first],
            "ALT": _escape(self.texts[first]),
            "WIDTH": str(self.size[0]),
            "HEIGHT": str(self.size[1]),
            "SLIDERS": "".join(_slider(c) for c in self.controls),
            "CAPTION": f"<figcaption>{_escape(self.caption)}</figcaption>" if self.caption else "",
            "DATA": json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
            "INTERVAL": str(self.interval),
        }
        name = sha256(repr((self.controls, self.caption, self.size)).encode()).hexdigest()[:12]
        return re.sub("@([A-Z]+)@", lambda field: (fields | {"NAME": name})[field[1]], PAGE)

    def to_widget(self) -> DOMWidget:
        """Return an ipywidgets control with the same sliders, which calls ``draw`` at each move."""
        import ipywidgets as ipw

        sliders = [_live_slider(c) for c in self.controls]
        picture = ipw.HTML()

        def redraw(_: object = None) -> None:
            now = {c.name: c.values[s.index] for c, s in zip(self.controls, sliders, strict=True)}
            png, (width, _height) = render(self.draw, now)
            picture.value = (
                f'<img width="{width}" alt="{_escape(self.alt(**now))}" '
                f'src="data:image/png;base64,{base64.b64encode(png).decode()}">'
            )

        for slider in sliders:
            slider.observe(redraw, "index")
        redraw()
        last = len(self.controls[0].values) - 1
        play = ipw.Play(max=last, value=self.controls[0].start, interval=self.interval)
        ipw.jslink((play, "value"), (sliders[0], "index"))
        return ipw.VBox([ipw.HBox([play, sliders[0]]), *sliders[1:], picture])


def render(
    draw: Draw, point: Mapping[str, Any], *, dpi: int = 150, colors: int = 96
) -> tuple[bytes, tuple[int, int]]:
    """``draw(**point)`` as a PNG at ``dpi`` in a palette of ``colors``, and its page size."""
    from matplotlib import pyplot as plt
    from matplotlib.figure import Figure
    from PIL import Image

    figure = draw(**point)
    if not isinstance(figure, Figure):
        raise TypeError(f"draw must return a matplotlib Figure, got {type(figure).__name__}")
    raw, packed = io.BytesIO(), io.BytesIO()
    figure.savefig(raw, format="png", dpi=dpi, facecolor="white")
    plt.close(figure)
    exact = Image.open(raw).convert("RGB")
    few_colours(exact, colors).save(packed, format="png", optimize=True)
    return packed.getvalue(), tuple(math.ceil(n * CSS_DPI / dpi) for n in exact.size)


def _slider(control: Control) -> str:
    shown, wide = control.words[control.start], max(map(len, control.words))
    return (
        f"<label><span>{_escape(control.label)}</span>"
        f'<input type="range" min="0" max="{len(control.values) - 1}" step="1" '
        f'value="{control.start}" autocomplete="off" aria-valuetext="{_escape(shown)}">'
        f'<output style="min-width:{wide}ch">{_escape(shown)}</output></label>'
    )


def _live_slider(control: Control) -> DOMWidget:
    import ipywidgets as ipw

    return ipw.SelectionSlider(
        options=list(zip(control.words, range(len(control.values)), strict=True)),
        index=control.start,
        description=control.label,
        continuous_update=False,
        style={"description_width": "initial"},
        layout={"width": "26rem"},
    )


def _has_kernel() -> bool:
    """Whether a Jupyter kernel runs this process and ipywidgets is installed."""
    from importlib.util import find_spec

    if find_spec("ipywidgets") is None or find_spec("IPython") is None:
        return False
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def _escape(text: str) -> str:
    return html.escape(text, quote=True)
