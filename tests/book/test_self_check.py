"""The questions at the end of a lesson are complete, and become native controls."""

import pytest
import self_check
from docutils.core import publish_doctree
from myst_parser.docutils_ import Parser

RIGHT = """
   - [x] Four.

     Two *pairs*.
"""
WRONG = """
   - [ ] Five.

     Count again.
"""
QUESTION = "1. What is $2+2$?\n" + RIGHT + WRONG


def parsed(text):
    extensions = ["tasklist", "dollarmath"]
    options = {"myst_enable_extensions": extensions, "report_level": 5}
    return publish_doctree(text, parser=Parser(), settings_overrides=options)


def questions(text):
    return [self_check.read(item) for item in self_check.items(parsed(text))]


def test_a_question_is_read():
    (text, answers), *_ = questions(QUESTION * 3)
    assert text[0].astext() == "What is "
    assert [a.right for a in answers] == [True, False]
    assert "Four." in answers[0].text[0].astext()
    assert answers[0].reply[0].astext() == "Two pairs."


def test_it_becomes_a_fieldset_of_radios_with_words_for_the_verdict():
    text, answers = questions(QUESTION * 3)[0]
    html = "".join(n.astext() for n in self_check.fieldset("check-0-1", 1, text, answers))
    assert html.count('type="radio" name="check-0-1"') == 2
    assert html.index("Right.") < html.index("Two pairs.") < html.index("Not this one.")
    assert 'id="check-0-1b"' in html
    assert '<label for="check-0-1b"><span class="letter">b.</span>' in html, "formulas are no name"
    for tag in ("fieldset", "legend", "label", "div"):
        assert html.count(f"<{tag}") == html.count(f"</{tag}>")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("words", "one numbered list"),
        (QUESTION * 2, "holds 2 questions"),
        (QUESTION * 6, "holds 6 questions"),
        ("1. Why?\n" * 3, "a sentence and a list"),
        (("1. Why?\n" + RIGHT) * 3, "2 to 4 answers"),
        (("1. Why?\n" + RIGHT * 2) * 3, "one of them"),
        (("1. Why?\n" + WRONG * 2) * 3, "one of them"),
        ("1. Why?\n\n   - [x] So.\n   - [ ] No.\n" * 3, "a reply below"),
        ("1. Why?\n\n   - So.\n\n     Yes.\n" * 3, "an answer is"),
    ],
)
def test_what_is_missing_is_said(text, message):
    with pytest.raises(ValueError, match=message):
        questions(text)
