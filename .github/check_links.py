"""Ask whether each address in external-links.txt still answers; the weekly job does so.

A DOI is asked at doi.org only, whose redirect proves it: publishers turn programs away. So do other
places, politely, with 403 or 429; they are listed and not counted as broken.
"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

POLITE = {401, 403, 405, 418, 429, 503}


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def answer(address: str) -> int:
    """Status that the address gives, 0 if nobody answers."""
    at_doi = address.startswith("https://doi.org/")
    opener = urllib.request.build_opener(*([_Stay] if at_doi else []))
    request = urllib.request.Request(address, headers={"User-Agent": "Mozilla/5.0 (link check)"})
    for _ in range(3):
        try:
            with opener.open(request, timeout=30) as reply:
                return reply.status
        except urllib.error.HTTPError as error:
            return error.code
        except (OSError, ValueError):
            continue
    return 0


def verdict(status: int) -> str:
    """One of: good, shy, broken."""
    if 200 <= status < 400:
        return "good"
    return "shy" if status in POLITE else "broken"


def check(lines: list[str], ask: Callable[[str], int] = answer) -> list[str]:
    """Lines about the addresses that are broken; prints those that are shy."""
    addresses = [line.split("\t")[0] for line in lines]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, addresses))
    found = [
        (f"{status}  {line}", verdict(status)) for status, line in zip(answers, lines, strict=True)
    ]
    print(*(text for text, kind in found if kind == "shy"), sep="\n")
    return [text for text, kind in found if kind == "broken"]


if __name__ == "__main__":
    broken = check(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines())
    print("broken:", *(broken or ["none"]), sep="\n")
    sys.exit(bool(broken))
