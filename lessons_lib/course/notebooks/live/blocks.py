"""Blocks of the page as Markdown and html that every notebook editor shows.

A fence ``:::{name} title`` with options ``:key: value`` becomes a box, a fold or a heading.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_FENCE = re.compile(
    r"^(?P<mark>:{3,}|`{3,})\{(?P<name>[\w:-]+)\}[ ]*(?P<title>.*)\n"
    r"(?P<options>(?::[\w-]+:.*\n)*)(?P<body>(?:.*\n)*?)(?P=mark)[ ]*$",
    re.M,
)
_QUESTION = re.compile(r"^(\d)\. (.*(?:\n {3}(?! *- \[).+)*)", re.M)
_ANSWER = re.compile(r"^ {3}- \[([ x])\] (.+)\n\n((?: {5}.*\n|\n(?= {5}))*)", re.M)
_TERM = re.compile(r"^(\S.*)\n((?: {2}.*(?:\n|$))+)", re.M)


def unfolded(text: str, named: Callable[[str], str]) -> str:
    """Write the blocks of ``text`` in plain Markdown; ``named(label)`` is what a label names.

    Raises
    ------
    ValueError
        If a block is of a kind that is not known here.
    """

    def new(fence: re.Match[str]) -> str:
        options = dict(re.findall(r"^:([\w-]+): *(.*)$", fence["options"], re.M))
        body = unfolded(fence["body"], named).strip("\n")
        return _block(fence["name"], fence["title"], options, body, named)

    return _FENCE.sub(new, text)


def _block(
    name: str, title: str, options: dict[str, str], body: str, named: Callable[[str], str]
) -> str:
    label = options.get("label") or options.get("name") or ""
    if name in ("prf:proof", "dropdown"):
        return fold(title or "Proof", body)
    if name.startswith("prf:"):
        head = named(label) if label else name.removeprefix("prf:").capitalize()
        return box(f"**{head}**" + (f" ({title})" if title else ""), body)
    if name == "table":
        return f"**{named(label)}** {title}\n\n{body}"
    if name in ("margin", "admonition"):
        return box(f"**{title}**" if title else "", body)
    if name == "self-check":
        return _questions(body)
    if name == "glossary":
        return _TERM.sub(lambda m: f"### {m[1]}\n\n{re.sub('^  ', '', m[2], flags=re.M)}", body)
    raise ValueError(f"a notebook editor has no block {{{name}}}; add it to {__name__}")


def box(head: str, body: str) -> str:
    """Set a text off from what is around it."""
    inside = "\n\n".join(filter(None, (head, body)))
    return f'<div class="alert alert-block alert-info">\n\n{inside}\n\n</div>'


def fold(summary: str, body: str) -> str:
    """Hide a text until the reader asks for it."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def _questions(body: str) -> str:
    """Questions with answers to open, each of which says whether it is right, and why."""
    text = _QUESTION.sub(r"**\1.** \2", body + "\n")
    lines, letter = [], 0
    for line in re.split(r"(?=^\*\*\d\.\*\* )", text, flags=re.M):
        question, *answers = re.split(r"(?=^ {3}- \[[ x]\] )", line, flags=re.M)
        lines.append(question.strip())
        for letter, one in zip("abcd", answers, strict=False):
            ticked, words, reply = _ANSWER.match(one.rstrip("\n") + "\n").groups()
            verdict = "Right." if ticked == "x" else "Not this one."
            said = re.sub(r"^ {5}", "", reply, flags=re.M).strip()
            lines.append(fold(f"{letter}. {words}", f"**{verdict}** {said}"))
    return "\n\n".join(filter(None, lines))
