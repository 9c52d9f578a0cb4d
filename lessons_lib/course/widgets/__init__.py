"""Interactive figures that live in the page without a kernel, and redraw when there is one.

`frames` draws a figure for every combination of a few values and returns a player. In a page the
player is self-contained html: sliders that the keyboard moves, a play button, and alternative
text for every frame; it loads nothing, holds no random name, and shows its starting frame even
without JavaScript. Beside a live kernel it is an ipywidgets control that calls ``draw`` anew.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lessons_lib.course.widgets.player import Control, Draw, Player, render

__all__ = ["LIMIT", "Control", "Player", "frames"]

LIMIT = 1_500_000
"""Largest player in bytes of html: a page should open on a phone."""


def frames(
    draw: Draw,
    values: Mapping[str, Iterable[Any]],
    *,
    alt: Callable[..., str],
    start: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    interval: int = 700,
    caption: str = "",
    dpi: int = 150,
    colors: int = 96,
    limit: int = LIMIT,
) -> Player:
    """Draw ``draw(**combination)`` for every combination of ``values``, as a figure with sliders.

    Parameters
    ----------
    draw : callable
        ``draw(**combination)`` returns a new matplotlib ``Figure``; all of one size.
    values : mapping of str to sequence
        For each argument of ``draw``, the values of its slider, in order; one to three sliders.
    alt : callable
        ``alt(**combination)`` says in words what that frame shows.
    start : mapping, optional
        The value of each slider shown first; by default the first of its sequence.
    labels, units : mapping of str to str, optional
        The visible name of each slider, and the unit read out after its value.
    interval : int
        Milliseconds between frames while the first slider plays.
    caption : str
        One sentence under the figure that states its message.
    dpi : int
        Pixels per inch of the stored frames; the page shows 100 per inch.
    colors : int
        Colours kept in each frame, and as many greys (at least 64), at most 128.
    limit : int
        Largest size in bytes of the html.

    Returns
    -------
    Player
        The last line of a cell shows it.

    Raises
    ------
    TypeError
        If ``draw`` does not return a ``Figure``, or ``alt`` a string.
    ValueError
        If a slider has fewer than two values, a name or a starting value is unknown, the frames
        differ in size, a frame has no alternative text, or the html exceeds ``limit``.
    """
    controls = _controls(values, start or {}, labels or {}, units or {})
    grid = [
        dict(zip(values, point, strict=True))
        for point in itertools.product(*(c.values for c in controls))
    ]
    texts = tuple(_alt_text(alt, point) for point in grid)
    drawn = [render(draw, point, dpi=dpi, colors=colors) for point in grid]
    sizes = {size for _, size in drawn}
    if len(sizes) != 1:
        raise ValueError(f"draw must return figures of one size, got {sorted(sizes)} pixels")
    pictures = tuple(png for png, _ in drawn)
    player = Player(draw, alt, controls, pictures, texts, drawn[0][1], interval, caption)
    weight = len(player.to_html().encode())
    if weight > limit:
        raise ValueError(
            f"the player weighs {weight / 1e6:.2f} MB in {len(grid)} frames, wanted at most "
            f"{limit / 1e6:.2f} MB; take fewer values, a smaller figure, fewer dpi or colors"
        )
    return player


def _controls(
    values: Mapping[str, Iterable[Any]],
    start: Mapping[str, Any],
    labels: Mapping[str, str],
    units: Mapping[str, str],
) -> tuple[Control, ...]:
    if not 1 <= len(values) <= 3:
        raise ValueError(f"values must name one to three sliders, got {list(values)}")
    for argument, given in (("start", start), ("labels", labels), ("units", units)):
        unknown = sorted(set(given) - set(values))
        if unknown:
            raise ValueError(f"{argument} names {unknown}, wanted only names among {list(values)}")
    made = []
    for name, sequence in values.items():
        choices = tuple(v.item() if hasattr(v, "item") else v for v in sequence)
        if len(choices) < 2:
            raise ValueError(f"values[{name!r}] must hold at least two values, got {len(choices)}")
        shown = start.get(name, choices[0])
        if shown not in choices:
            raise ValueError(f"start[{name!r}] must be one of {list(choices)}, got {shown!r}")
        words = tuple(_read_out(v, units.get(name, "")) for v in choices)
        made.append(Control(name, labels.get(name, name), choices, words, choices.index(shown)))
    return tuple(made)


def _alt_text(alt: Callable[..., str], point: Mapping[str, Any]) -> str:
    text = alt(**point)
    if not isinstance(text, str):
        raise TypeError(f"alt must return a str, got {type(text).__name__} for {dict(point)}")
    if not text.strip():
        raise ValueError(f"alt must describe every frame, got an empty text for {dict(point)}")
    return text


def _read_out(value: object, unit: str) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    text = f"{value:.4g}".replace("-", "\N{MINUS SIGN}") if number else str(value)
    return f"{text} {unit}".rstrip()
