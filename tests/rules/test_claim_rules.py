"""A lesson whose code and printed claims disagree is found."""

import claim_rules
import pytest
import toy_lesson as toy
from nbformat.v4 import new_notebook

CLAIM = 'claim("It holds", 0, below=1)'


@pytest.mark.parametrize(
    ("code", "printed", "complaint"),
    [
        (CLAIM, "", "not executed"),
        (CLAIM, "✓ It held: 0 < 1", "not executed"),
        ('checks.claim(f"{n} hold", 0, below=1)', "✓ All held: 0 < 1", "not executed"),
        ("pass", "✓ It holds: 0 < 1", "no code of its cell claims"),
        (CLAIM, "✓ It holds: 0 < 1\n✓ And more: 0 < 1", "no code of its cell claims: And more"),
        ('claim("", 0, below=1)', "✓ : 0 < 1", "without words"),
        ("claim(measured=0, below=1)", "", "without words"),
    ],
)
def test_code_and_print_that_disagree_are_found(code: str, printed: str, complaint: str) -> None:
    found = claim_rules.executed(new_notebook(cells=[toy.code(code, toy.said(printed))]))
    assert complaint in found[0]


def test_words_that_are_computed_may_be_anything() -> None:
    code = 'for n in names:\n    claim(f"{n} hold (all)", 0, below=1)\nclaim(text, 0, below=1)'
    printed = "✓ One hold (all): 0 < 1\n✓ Two hold (all): 0 < 1\n✓ Then: 0 < 1"
    book = new_notebook(cells=[toy.code(code, toy.said(printed))])
    assert claim_rules.executed(book) == []
