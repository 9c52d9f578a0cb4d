"""Every reference has one entry, and whatever a docstring cites has one."""

import re
from collections import Counter

import docstrings
from conftest import ROOT

KEYS = re.findall(
    r"^@\w+\{(\S+),", (ROOT / "book" / "references.bib").read_text(encoding="utf-8"), re.M
)


def test_no_key_is_there_twice():
    assert [key for key, count in Counter(KEYS).items() if count > 1] == []


def test_keys_in_docstrings_are_in_the_bibliography():
    texts = [p.read_text(encoding="utf-8") for p in (ROOT / "lessons_lib").rglob("*.py")]
    cited = {key for text in texts for key in docstrings.KEY.findall(text)}
    assert len(cited) > 20
    assert cited - set(KEYS) == set()
