"""Smaller pictures in stored notebooks: 256 colours, about a third of the bytes."""

from __future__ import annotations

import base64
import io

COLOURS = 256
"""Colours kept in each stored picture; a gray photograph keeps nearly all its levels."""


def compact(encoded: str) -> str:
    """Return a base64 PNG with at most `COLOURS` colours; one that has a palette is left alone.

    Parameters
    ----------
    encoded : str
        The picture as a notebook stores it.

    Returns
    -------
    str
        The same picture, in base64 on one line; ``encoded`` itself if it would not shrink.
    """
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(encoded))) as picture:
        if picture.mode == "P":
            return encoded
        white = Image.new("RGB", picture.size, "white")
        solid = picture.convert("RGBA")
        white.paste(solid, mask=solid)
    few = white.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    small = io.BytesIO()
    few.save(small, "PNG", optimize=True)
    shrunk = base64.b64encode(small.getvalue()).decode()
    return shrunk if len(shrunk) < len(encoded) else encoded
