"""Citations by author and year, as the page has them, each with the address of the work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from pybtex.database import Entry


class Citations:
    """The works of a BibTeX file, by key."""

    def __init__(self, path: Path) -> None:
        from pybtex.database import parse_file

        self.entries: dict[str, Entry] = dict(parse_file(str(path)).entries)

    def in_brackets(self, keys: str) -> str:
        """``{cite}``: [Efron, 2011, Robbins, 1956]."""
        works = sorted(self._work(key) for key in keys.split(","))
        return f"[{', '.join(_linked(f'{names}, {year}', at) for names, year, at in works)}]"

    def in_text(self, keys: str) -> str:
        """``{cite:t}``: Efron [2011], Robbins [1956]."""
        works = sorted(self._work(key) for key in keys.split(","))
        return ", ".join(f"{names} [{_linked(year, at)}]" for names, year, at in works)

    def _work(self, key: str) -> tuple[str, str, str]:
        """Authors, year and address of one work."""
        entry = self.entries[key.strip()]
        people = entry.persons["author"]
        last = [_plain(" ".join([*p.prelast_names, *p.last_names])) for p in people]
        short = [*last[:1], "*et al.*"] if len(last) > 2 else [" and ".join(last)]
        doi, url = entry.fields.get("doi"), entry.fields.get("url", "")
        return " ".join(short), entry.fields["year"], f"https://doi.org/{doi}" if doi else url


def _plain(tex: str) -> str:
    """Letters with accents in place of TeX."""
    from pybtex.richtext import Text

    return str(Text.from_latex(tex))


def _linked(words: str, address: str) -> str:
    return f"[{words}]({quote(address, safe=':/?=&%#~')})" if address else words
