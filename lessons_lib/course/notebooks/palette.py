"""Smaller pictures in stored notebooks: a palette, about a third of the bytes."""

from __future__ import annotations

import base64
import io

from lessons_lib.course.palette import few_colours

COLOURS = 128
"""Colours kept in each stored picture, and as many greys."""


def compact(encoded: str) -> str:
    """Return a base64 PNG with a palette of `COLOURS`; one that has a palette is left alone.

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
    small = io.BytesIO()
    few_colours(white, COLOURS).save(small, "PNG", optimize=True)
    shrunk = base64.b64encode(small.getvalue()).decode()
    return shrunk if len(shrunk) < len(encoded) else encoded
