"""Formulas are typeset when the book is built: TeX becomes MathML, which browsers draw themselves.

A page needs no script to show its formulas, and none of them is a stop of the tab key. The source
of each stays in its attribute ``alttext``, from which `course.js` copies it. A formula that cannot
be read is a warning, and so no book. The font is in `_static/vendor/fonts`.
"""

from __future__ import annotations

import html
import re

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

CLASSES = "math notranslate nohighlight"
CONVERTER = LatexToMathML(fancy_error=False)
BASE = re.compile(r"(<m(?:sub|sup|subsup)>)(<mo [^>]*minsize[^>]*>[^<]*</mo>)")
PRIME = re.compile("<mo>([′″‴])</mo>")
LOG = logging.getLogger(__name__)


def typeset(tex: str, *, display: bool = False) -> str:
    """MathML of a formula. As everywhere in Sphinx, an empty line begins another equation."""
    equations = [part.strip() for part in tex.split("\n\n") if part.strip()]
    if len(equations) > 1 or ("\\\\" in tex and "\\begin" not in tex):
        equations = [r"\begin{aligned}" + r" \\ ".join(equations) + r"\end{aligned}"]
    drawn = CONVERTER.convert_with_local_state("".join(equations), displaystyle=display)
    drawn = BASE.sub(r"\1<mrow>\2</mrow>", PRIME.sub(r'<mo class="prime">\1</mo>', drawn))
    return drawn.replace("<math", f'<math alttext="{html.escape(tex.strip())}"', 1)


def _safely(node: nodes.Element, *, display: bool) -> str:
    try:
        return typeset(node.astext(), display=display)
    except LatexError as problem:
        LOG.warning("a formula cannot be read: %s: %s", problem, node.astext(), location=node)
        return f"<code>{html.escape(node.astext())}</code>"


def inline(self: HTML5Translator, node: nodes.math) -> None:
    """Write a formula in a line of text."""
    opening = self.starttag(node, "span", "", CLASS=CLASSES)
    self.body.append(f"{opening}{_safely(node, display=False)}</span>")
    raise nodes.SkipNode


def displayed(self: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula on lines of its own, with its number."""
    self.body.append(self.starttag(node, "div", CLASS=CLASSES))
    if node["number"] and not node["nowrap"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append(f'<div class="formula">{_safely(node, display=True)}</div></div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx, in the place of MathJax."""
    app.add_html_math_renderer("mathml", (inline, None), (displayed, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
