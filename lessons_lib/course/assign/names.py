"""Whose file it is, told by whoever collected it: by the folder it lies in, or by its own name.

What stands inside a notebook is in its author's hands, who could write another's id there. So a
notebook's own word is asked only where no name tells anything.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from lessons_lib.course.assign.words import composed, line

_MOODLE = re.compile(r"(.+?)_(\d+)_assignsubmission_\w+")
_CANVAS = re.compile(r"([^_]+)_(?:late_)?(\d{3,})_(\d{3,})_.+", re.I)
_DATE = re.compile(r"(?:19|20)\d{6}")
_COPY = re.compile(r"(\s*\(\d+\)|-Copy\d*)+$")


def names_of(path: Path, folder: Path, stems: Collection[str]) -> tuple[str, ...]:
    """Return how the owner of the file ``path`` below ``folder`` may be called, the best first.

    Names that Moodle and Canvas give are understood; they hold a number of the person, too.

    Parameters
    ----------
    path : Path
        The file.
    folder : Path
        Where everything was collected.
    stems : collection of str
        Names of the labs, which tell nothing about a person.

    Returns
    -------
    tuple of str
        Empty if only the lab's name is there. Written out where they cannot be printed.
    """
    first, *more = path.relative_to(folder).parts
    word = composed(first if more else Path(first).stem)
    if match := _MOODLE.match(word):
        return _plain(match[1], match[2])
    if more:
        return _plain(word)
    if (match := _CANVAS.fullmatch(word)) and not _DATE.fullmatch(match[2]):
        return _plain(match[2], match[1])
    word = _COPY.sub("", word)
    for stem in sorted(stems, key=len, reverse=True):
        word = word.replace(stem, "")
    return _plain(word.strip(" _-."))


def _plain(*names: str) -> tuple[str, ...]:
    return tuple(line(name) for name in names if name)


def readable(path: Path, folder: Path) -> bool:
    """Whether all of the name of ``path`` below ``folder`` is text that can be printed."""
    return all(part.isprintable() for part in path.relative_to(folder).parts)
