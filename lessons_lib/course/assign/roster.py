"""Whose file it is: told by the folder it lies in or by its name, and by a table of the class.

What stands inside a notebook is in its author's hands, who could write another's id there. So a
notebook's own word is asked only where no name tells anything.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lessons_lib.course.assign.words import check_id, composed, line

DELIMITERS = ",;\t"

_MOODLE = re.compile(r"(.+?)_(\d+)_assignsubmission_\w+")
_CANVAS = re.compile(r"([^_]+)_(?:late_)?(\d{3,})_(\d{3,})_.+", re.I)
_DATE = re.compile(r"(?:19|20)\d{6}")
_COPY = re.compile(r"(\s*\(\d+\)|-Copy\d*)+$")


@dataclass(frozen=True)
class Person:
    """A ``student`` as the gradebook says, and the id of this student's ``edition``.

    The edition for all has the empty id.
    """

    student: str
    edition: str


@dataclass(frozen=True)
class Roster:
    """All ``persons``, in order, and the persons ``called`` by each name."""

    persons: tuple[Person, ...]
    called: dict[str, list[Person]] = field(default_factory=dict)

    def find(self, names: Sequence[str]) -> Person:
        """Return the one person whom one of the ``names`` means."""
        for name in names:
            if len(found := self.called.get(_key(name), [])) == 1:
                return found[0]
        told = " or ".join(repr(name) for name in names)
        if any(_key(name) in self.called for name in names):
            raise ValueError(f"several in the roster are called {told}: use the id")
        raise ValueError(f"nobody in the roster is called {told}")


def read_roster(path: Path) -> Roster:
    """Read the table at ``path``: CSV with a heading line, in UTF-8.

    The column ``student`` is what the gradebook calls a person. The column ``edition``, if there
    is one, is the id of the edition, and empty for the edition for all; without it, the edition is
    the student's. Any other column holds another name by which files may come, such as a full name
    or a number; what several persons share, such as a section, means nobody.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is not in UTF-8: save it as 'CSV UTF-8'") from error
    heading, _, _ = text.partition("\n")
    delimiter = max(DELIMITERS, key=heading.count)
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))
    columns = {composed(name or "").casefold(): name for name in (rows[0] if rows else ())}
    if "student" not in columns:
        raise ValueError(f"{path.name} needs a line of headings with 'student', and persons below")
    people = list(_people(rows, columns))
    _check_different(path, [person.student for person, _ in people])
    _check_different(path, [person.edition for person, _ in people if person.edition])
    called: dict[str, list[Person]] = defaultdict(list)
    for person, names in people:
        for key in {_key(name) for name in names}:
            called[key].append(person)
    for person, _ in people:
        called[_key(person.student)] = [person]  # the id comes before anybody's other name
    return Roster(tuple(person for person, _ in people), dict(called))


def _people(
    rows: Sequence[dict[str, str]], columns: dict[str, str]
) -> Iterator[tuple[Person, list[str]]]:
    for row in rows:
        cells = {key: line(composed(str(row[name] or ""))) for key, name in columns.items()}
        if student := cells["student"]:
            edition = cells.get("edition", student)
            try:
                person = Person(student, check_id(edition) if edition else "")
            except ValueError as error:
                raise ValueError(f"the column 'edition' holds ids or nothing: {error}") from error
            yield person, [cell for key, cell in cells.items() if cell and key != "edition"]


def _check_different(path: Path, names: Sequence[str]) -> None:
    if doubled := sorted({name for name in names if sum(_key(n) == _key(name) for n in names) > 1}):
        raise ValueError(f"{path.name} has more than once: {', '.join(doubled)}")


def _key(name: str) -> str:
    """What is the same in all ways to write a name."""
    return composed(name).casefold()


def names_of(path: Path, folder: Path, stems: Collection[str]) -> tuple[str, ...]:
    """Return how the owner of the file ``path`` below ``folder`` may be called, the best first.

    Names that Moodle and Canvas give are understood; they hold a number of the person, too. The
    ``stems`` of the labs tell nothing about a person, so there may be no name.
    """
    first, *more = path.relative_to(folder).parts
    word = composed(first if more else Path(first).stem)
    if match := _MOODLE.match(word):
        return _printable(match[1], match[2])
    if more:
        return _printable(word)
    if (match := _CANVAS.fullmatch(word)) and not _DATE.fullmatch(match[2]):
        return _printable(match[2], match[1])
    word = _COPY.sub("", word)
    for stem in sorted(stems, key=len, reverse=True):
        word = word.replace(stem, "")
    return _printable(word.strip(" _-."))


def _printable(*names: str) -> tuple[str, ...]:
    return tuple(line(name) for name in names if name)


def readable(path: Path, folder: Path) -> bool:
    """Whether all of the name of ``path`` below ``folder`` is text that can be printed."""
    return all(part.isprintable() for part in path.relative_to(folder).parts)
