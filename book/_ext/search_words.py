r"""Words of the search: a size is one word, and an accent is no obstacle.

Sphinx splits pages and queries at all that is neither letter nor digit, and then drops what is a
number, so that nothing is left of a query like ``2×1``. Here ``2×1``, ``2 x 1`` and a formula's
``2\times 1`` become the one word ``2x1``, and *Hyvärinen* is found by whoever types *Hyvarinen*.
The index is made in Python and the query is read in JavaScript: one rule, written in both.
"""

from __future__ import annotations

import re
import unicodedata

from sphinx.application import Sphinx
from sphinx.search import SearchEnglish

SIZE = re.compile(r"(\d)\s*(?:×|x|\\times)\s*(?=\d)", re.I)

SPLIT_QUERY = r"""
var splitQuery = query => query.normalize("NFKD").replace(/\p{M}/gu, "")
  .replace(/(\d)\s*(?:×|x|\\times)\s*(?=\d)/gi, "$1x")
  .split(/[^\p{L}\p{N}_]+/u).filter(word => word);
"""


class English(SearchEnglish):
    """Sphinx's English, which knows sizes and forgives accents."""

    js_splitter_code = SPLIT_QUERY

    def split(self, text: str) -> list[str]:
        """Return the words of ``text``."""
        marked = unicodedata.normalize("NFKD", text)
        bare = "".join(c for c in marked if not unicodedata.category(c).startswith("M"))
        return super().split(SIZE.sub(r"\1x", bare))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx, in the place of its own English."""
    app.add_search_language(English)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
