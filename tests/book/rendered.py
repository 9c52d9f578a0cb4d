"""The rendered pages as trees, each parsed once: without the pictures inside, which are long."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from bs4 import BeautifulSoup

PICTURES = re.compile(r"(?<=base64,)[\w+/=]+|(?<=\"png\":\[)[^\]]*")


@cache
def read(path: Path) -> BeautifulSoup:
    """Parse a page, or find it parsed."""
    return BeautifulSoup(PICTURES.sub("", path.read_text(encoding="utf-8")), "lxml")
