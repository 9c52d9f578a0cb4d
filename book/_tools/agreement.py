"""Do the stored outputs of a notebook and fresh ones say the same, on any processor?

Processors add in different orders, so the last digits of a training differ from one machine to the
next. The page itself states how far a number may move:

- a number printed with decimals holds within one unit of its last digit: ``0.87`` agrees with
  ``0.86`` and ``0.88``, ``2.1e-08`` with ``2.0e-08``;
- an integer, and every word, is exact;
- the measured side of a claim, ``✓ words: measured ≈ wanted within tolerance``, holds within that
  tolerance, and the measured side of a bound on the right side of the bound: the claim judges it;
- a picture holds if no part of it, a sixteenth of its width and height, differs in brightness by
  more than `PICTURE_TOLERANCE` of the range from black to white.

`moves` lists what is not the same to the last byte, and how far it is in units of what it may.
"""

from __future__ import annotations

import base64
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lessons_lib.course.notebooks.cleaning import PICTURE, WIDGET_VIEW

PICTURE_TOLERANCE = 0.03
"""Largest change of mean brightness of a part of a picture, from 0 for none to 1 for all."""

PARTS = 16
"""Parts of a picture along its width and along its height."""

NUMBER = re.compile(r"(?<![\w.])([-+−]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\d]|\.\d)")
CLAIM = re.compile(r"^✓ (?P<words>.+): (?P<evidence>[^:]+)$")
EQUALS = re.compile(r"^(?P<measured>\S+) [≈=] (?P<wanted>\S+) (?:within (?P<within>\S+)|exactly)$")
BOUND = re.compile(r"^(?P<measured>\S+) (?P<sign>[<>]) (?P<wanted>\S+)$")
DIGITS = {EQUALS: 4, BOUND: 3}
"""Significant digits that the two kinds of claims print."""

PNG = re.compile(r"(?<![A-Za-z0-9+/])iVBORw0KGgo[A-Za-z0-9+/]*={0,2}")


@dataclass(frozen=True)
class Move:
    """One thing that is not the same in both runs, and how far it moved in units of its freedom."""

    kind: str
    stored: str
    fresh: str
    size: float  # at most 1: agrees; infinite where nothing may move

    @property
    def agrees(self) -> bool:
        """Whether the page states a tolerance that covers the move."""
        return self.size <= 1.0

    def __str__(self) -> str:
        """One line for a report."""
        return f"{self.kind}: stored {self.stored!r}, now {self.fresh!r} ({self.size:.2g} of 1)"


def cell_moves(
    stored: Sequence[Mapping[str, Any]], fresh: Sequence[Mapping[str, Any]]
) -> list[Move]:
    """List what moved between all outputs of one cell; errors and widget views are left out."""
    left, right = ([o for o in outputs if _is_kept(o)] for outputs in (stored, fresh))
    if len(left) != len(right):
        return [_broken("number of outputs", len(left), len(right))]
    return [move for pair in zip(left, right, strict=True) for move in moves(*pair)]


def moves(stored: Mapping[str, Any], fresh: Mapping[str, Any]) -> list[Move]:
    """List what moved between two outputs of one cell.

    Parameters
    ----------
    stored, fresh : mapping
        Outputs as a notebook file holds them: ``{"text": ...}`` of a stream, or ``{"data": ...}``.

    Returns
    -------
    list of Move
        Empty if both are the same to the last byte.
    """
    kinds = [(o.get("output_type"), o.get("name")) for o in (stored, fresh)]
    if kinds[0] != kinds[1]:
        return [_broken("kind of output", *kinds)]
    if stored.get("output_type") == "stream":
        return list(text_moves(_joined(stored["text"]), _joined(fresh["text"])))
    left, right = stored.get("data", {}), fresh.get("data", {})
    found = []
    for kind in sorted({*left, *right} - {WIDGET_VIEW}):
        if kind not in left or kind not in right:
            found.append(_broken("kinds of data", sorted(left), sorted(right)))
        elif kind == PICTURE:
            found += _picture_moves([_joined(left[kind])], [_joined(right[kind])])
        else:
            found += text_moves(_joined(left[kind]), _joined(right[kind]))
    return found


def text_moves(stored: str, fresh: str) -> Iterator[Move]:
    """Yield what moved between two texts, line by line; pictures inside html are compared, too."""
    if stored == fresh:
        return
    yield from _picture_moves(PNG.findall(stored), PNG.findall(fresh))
    left, right = (PNG.sub("PNG", text).splitlines() for text in (stored, fresh))
    if len(left) != len(right):
        yield _broken("number of lines", len(left), len(right))
        return
    for one, other in zip(left, right, strict=True):
        if one != other:
            yield _claim_move(one, other) or _line_move(one, other)


def _line_move(stored: str, fresh: str) -> Move:
    """Words and integers exact, other numbers within one unit of their last digit."""
    if _words(stored) != _words(fresh):
        return _broken("words", stored, fresh)
    pairs = zip(NUMBER.findall(stored), NUMBER.findall(fresh), strict=True)
    return max((_number_move(*pair) for pair in pairs), key=lambda move: move.size)


def _claim_move(stored: str, fresh: str) -> Move | None:
    """The measured side within the claim's own tolerance; None if these are not such claims."""
    one, other = CLAIM.match(stored), CLAIM.match(fresh)
    if not one or not other or one["words"] != other["words"]:
        return None
    for form in (EQUALS, BOUND):
        left, right = form.match(one["evidence"]), form.match(other["evidence"])
        if not left or not right:
            continue
        same_test = all(left[k] == right[k] for k in ("within", "sign") if k in form.groupindex)
        wanted = abs(_value(left["wanted"]) - _value(right["wanted"]))
        if not same_test or wanted > 1.01 * _rounding(left):
            return _broken("claim", stored, fresh)
        return Move("claim", stored, fresh, max(_distance(left), _distance(right)))
    return None


def _distance(claim: re.Match[str]) -> float:
    """How far a printed claim is from what it wants, in units of what it may be."""
    shown, wanted = _value(claim["measured"]), _value(claim["wanted"])
    if claim.re is BOUND:
        ahead = wanted - shown if claim["sign"] == "<" else shown - wanted
        return 0.0 if ahead >= -_rounding(claim) else float("inf")
    if claim["within"] is None:
        return 0.0 if shown == wanted else float("inf")
    return abs(shown - wanted) / (_value(claim["within"]) + _rounding(claim))


def _rounding(claim: re.Match[str]) -> float:
    """One unit of the last digit that a claim keeps: it prints `DIGITS` of them, without zeros."""
    size = max(abs(_value(claim["measured"])), abs(_value(claim["wanted"])), 1e-300)
    return 10.0 ** (math.floor(math.log10(size)) + 1 - DIGITS[claim.re])


def _number_move(stored: str, fresh: str) -> Move:
    a, b = _value(stored), _value(fresh)
    units = [_unit(n) for n in (stored, fresh) if not _is_integer(n)]
    size = 0.0 if a == b else abs(a - b) / (min(units) * (1 + 1e-6)) if units else float("inf")
    return Move("number", stored, fresh, size)


def _picture_moves(stored: Sequence[str], fresh: Sequence[str]) -> list[Move]:
    if len(stored) != len(fresh):
        return [_broken("number of pictures", len(stored), len(fresh))]
    found = []
    for number, (one, other) in enumerate(zip(stored, fresh, strict=True)):
        if one.strip() != other.strip():
            size = picture_distance(one, other) / PICTURE_TOLERANCE
            found.append(Move(f"picture {number}", "png", "png", size))
    return found


def picture_distance(stored: str, fresh: str) -> float:
    """Largest difference in mean brightness between the parts of two base64 PNG pictures.

    Parameters
    ----------
    stored, fresh : str
        Pictures in base64.

    Returns
    -------
    float
        From 0 (the same) to 1 (a white part against a black one); infinite if the sizes differ.
    """
    left, right = (_pixels(picture) for picture in (stored, fresh))
    if left.shape != right.shape:
        return float("inf")
    return float(np.abs(_part_means(left) - _part_means(right)).max())


def _pixels(encoded: str) -> np.ndarray:
    """Colours from 0 to 1, on white where the picture is transparent; shape ``(H, W, 3)``."""
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(encoded))) as picture:
        colours = np.asarray(picture.convert("RGBA"), dtype=float) / 255  # (H, W, 4)
    return 1 - (1 - colours[..., :3]) * colours[..., 3:]  # (H, W, 3)


def _part_means(pixels: np.ndarray) -> np.ndarray:
    """Mean colour of each part, shape ``(P, P, 3)``."""
    for axis in (0, 1):
        size = pixels.shape[axis]
        edges = np.unique(np.arange(PARTS) * size // PARTS)  # (P,)
        lengths = np.diff([*edges, size])
        sums = np.add.reduceat(pixels, edges, axis=axis)
        pixels = sums / lengths.reshape([-1, 1, 1] if axis == 0 else [1, -1, 1])
    return pixels


def _words(line: str) -> str:
    """A line without its numbers and without the spaces that align them."""
    return re.sub(r"\s+", " ", NUMBER.sub(" # ", line))


def _value(number: str) -> float:
    return float(number.replace("−", "-"))


def _unit(number: str) -> float:
    """One unit of the last printed digit: 0.01 for ``2.53``, 1e-09 for ``2.1e-08``."""
    mantissa, _, power = number.lower().partition("e")
    return 10.0 ** (int(power or 0) - len(mantissa.partition(".")[2]))


def _is_integer(number: str) -> bool:
    return re.fullmatch(r"[-+−]?\d+", number) is not None


def _is_kept(output: Mapping[str, Any]) -> bool:
    """Whether a stored notebook would keep the output: more than a widget view, or a text."""
    text = _joined(output.get("text", ""))
    return bool(text.strip() or set(output.get("data", {})) - {WIDGET_VIEW})


def _broken(kind: str, stored: object, fresh: object) -> Move:
    return Move(kind, str(stored), str(fresh), float("inf"))


def _joined(text: Any) -> str:
    return (
        "".join(text) if isinstance(text, list) else text if isinstance(text, str) else repr(text)
    )
