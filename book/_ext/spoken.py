r"""A formula as a line of text, for places that cannot typeset: ``\sigma^2`` is σ²."""

from __future__ import annotations

import re
import unicodedata

from bs4 import Tag

NAMED = {
    r"\nabla": "∇", r"\partial": "∂", r"\infty": "∞", r"\sum": "∑", r"\prod": "∏", r"\int": "∫",
    r"\le": "≤", r"\leq": "≤", r"\ge": "≥", r"\geq": "≥", r"\ne": "≠", r"\neq": "≠", r"\ll": "≪",
    r"\approx": "≈", r"\sim": "~", r"\propto": "∝", r"\in": "∈", r"\to": "→", r"\pm": "±",
    r"\cdot": "·", r"\times": "×", r"\sqrt": "√", r"\langle": "⟨", r"\rangle": "⟩", r"\lVert": "‖",
    r"\rVert": "‖", r"\|": "‖", r"\lvert": "|", r"\rvert": "|", r"\mid": "|", r"\circ": "∘",
    r"\dots": "…", r"\ldots": "…", r"\cdots": "…", r"\quad": " ", r"\qquad": " ", r"\hat": "",
    r"\{": "{", r"\}": "}", r"\varepsilon": "ε", r"\setminus": "∖", r"\top": "ᵀ",
}  # fmt: skip
RAISED = str.maketrans("0123456789+-n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ")
LOWERED = str.maketrans("0123456789+-", "₀₁₂₃₄₅₆₇₈₉₊₋")
FONTS = r"\\(?:mathbb|mathrm|mathcal|mathbf|boldsymbol|operatorname\*?|text|bar|tilde|widehat)\b"
SPACES = r"\\(?:left|right|[bB]igg?[lrm]?|displaystyle|limits|nolimits)\b|\\[,;:!> ]"
FRACTION = re.compile(r"\\[td]?frac\s*(?:\{([^{}]*)\}|(\w))\s*(?:\{([^{}]*)\}|(\w))")
SCRIPT = re.compile(r"([\^_])(?:\{([^{}]*)\}|(\w|\+|-))")


def spoken(formula: Tag) -> str:
    """A rendered formula, by its source where the page still has it."""
    drawn = formula.find("math")
    source = (drawn and drawn.get("alttext")) or formula.get_text()
    inside = re.search(r"\\[(\[](.*)\\[)\]]", source, re.S)
    return text(inside[1] if inside else source)


def text(tex: str) -> str:
    """TeX without its commands; what would be unreadable is left out as an ellipsis."""
    line = re.sub(SPACES, " ", re.sub(FONTS, "", tex.replace("&", "")))
    for _ in range(3):  # what is inside first
        line = SCRIPT.sub(_script, line)
        line = FRACTION.sub(lambda m: f"{m[1] or m[2]}/{m[3] or m[4]}", line)
    line = re.sub(r"\\(?:[a-zA-Z]+|[|{}])", _named, line)
    line = " ".join(line.replace("{", "").replace("}", "").replace("'", "′").split())
    return "…" if "\\" in line else line


def _script(match: re.Match[str]) -> str:
    inside, table = match[2] or match[3] or "", RAISED if match[1] == "^" else LOWERED
    moved = inside.translate(table)
    return moved if moved != inside else match[1] + inside


def _named(match: re.Match[str]) -> str:
    word = match[0]
    if word in NAMED:
        return NAMED[word]
    case = "CAPITAL" if word[1].isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"GREEK {case} LETTER {word[1:].upper()}")
    except KeyError:
        return word[1:] if word[1:] in ("log", "exp", "tr", "max", "min", "arg", "div") else word
