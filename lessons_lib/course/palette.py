"""Few colours for a picture, so that a page is light, and never a tint on what is grey."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

FEWEST_GREYS = 64
"""Levels of grey that even a small palette keeps: the eye sees steps of two hundredths."""


def few_colours(picture: Image, colours: int) -> Image:
    """Return the picture with a palette in which greys and colours have places of their own.

    One palette for all would give a grey pixel the nearest colour, and paint a photograph beside
    a coloured curve.

    Parameters
    ----------
    picture : PIL.Image.Image
        In colours, without transparency.
    colours : int
        Largest number of colours, and of greys beside them (these at least `FEWEST_GREYS`), from
        2 to 128.

    Returns
    -------
    PIL.Image.Image
        Mode ``P``. Greys are exact where the palette has room for all of them, else rounded to
        evenly spaced levels.

    Raises
    ------
    ValueError
        If ``colours`` is out of range.
    """
    import numpy as np
    from PIL import Image

    if not 2 <= colours <= 128:
        raise ValueError(f"colours must be from 2 to 128, got {colours}")
    pixels = np.asarray(picture.convert("RGB"))  # (H, W, 3)
    grey = pixels.max(-1) == pixels.min(-1)
    levels = _levels(pixels[grey][:, 0], max(colours, FEWEST_GREYS))
    index, palette = np.zeros(grey.shape, np.uint8), []
    if grey.any():
        nearest = np.abs(np.arange(256)[:, None] - levels.astype(int)).argmin(-1)  # (256,)
        index[grey] = nearest[pixels[grey][:, 0]]
        palette.append(np.repeat(levels[:, None], 3, 1))
    if not grey.all():
        others = Image.fromarray(pixels[~grey][None]).quantize(
            colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
        )
        index[~grey] = len(levels) + np.asarray(others)[0]
        palette.append(np.asarray(others.getpalette(), np.uint8).reshape(-1, 3))
    few = Image.fromarray(index, "P")
    few.putpalette(np.concatenate(palette).astype(np.uint8).tobytes())
    return few


def _levels(greys: NDArray[np.uint8], most: int) -> NDArray[np.uint8]:
    """The levels that stand for ``greys``: all of them, or ``most`` between the extremes."""
    import numpy as np

    found = np.unique(greys)
    if len(found) <= most:
        return found
    return np.linspace(found[0], found[-1], most).round().astype(np.uint8)
