"""Docstrings as pages: what autodoc and napoleon read, with three habits of this library.

A name in single backticks is a link (``default_role: py:obj``), also by its last words only;
``[AuthorYear]`` leads to the bibliography, and ``03_noise_conditional`` to that page. Autosummary
is not used: its page for each name would stand outside ``_toc.yml``.
"""

from __future__ import annotations

import importlib
import pkgutil
import re

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.pycode import ModuleAnalyzer

KEY = re.compile(r"\[([A-Z][A-Za-z]+\d{4}[a-z]?)\](?!_)")
CHAPTER = re.compile(r"\b(\d\d_[a-z][a-z_]*[a-z])\b")
STARS = re.compile(r"(?<!\*)\*(?!\*)|\|")
QUOTED = re.compile(r"(``.+?``|(?::[\w:]+:)?`[^`]+`)")
ON_ONE_LINE = re.compile(r"^References: (.+)$", re.M)


def process(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Rewrite a docstring in place, before napoleon reads it."""
    if what == "data":
        lines[:] = told_below(*name.rsplit(".", 1)) or lines
    text = ON_ONE_LINE.sub(r"References\n----------\n\1", "\n".join(lines))
    lines[:] = [rewrite(line) for line in text.split("\n")]


def told_below(module: str, name: str) -> list[str]:
    """The text below a constant, in whichever file of its package it stands."""
    folder = getattr(importlib.import_module(module), "__path__", [])
    files = [module, *(file.name for file in pkgutil.iter_modules(folder, f"{module}."))]
    texts = (ModuleAnalyzer.for_module(file).find_attr_docs().get(("", name)) for file in files)
    return next(filter(None, texts), [])


def rewrite(line: str) -> str:
    """One line as reStructuredText; what is between backticks stays."""
    parts = QUOTED.split(line)
    return "".join(part if place % 2 else _words(part) for place, part in enumerate(parts))


def _words(text: str) -> str:
    text = KEY.sub(r":cite:t:`\1`", STARS.sub(r"\\\g<0>", text))
    return CHAPTER.sub(r":doc:`\1 </book/\1>`", text)


def link(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.Element
) -> nodes.Node | None:
    """Lead to the nearest public name that ends as a docstring writes it; others are plain code."""
    if node.get("reftype") != "obj":
        return None
    domain, here = env.get_domain("py"), node.get("py:module") or ""
    full = nearest(node["reftarget"].removesuffix("()"), here, domain.objects)
    if full is None:
        return text
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", full, node, text)


def nearest(name: str, here: str, known: dict[str, object]) -> str | None:
    """The one of the ``known`` dotted names that a part of it means in the module ``here``."""
    found = [full for full in known if f".{full}".endswith(f".{name}")]
    shared = {full: len({*full.split(".")} & {*here.split(".")}) for full in found}
    return max(found, key=lambda full: (shared[full], -len(full)), default=None)


def setup(app: Sphinx) -> dict[str, bool]:
    """Run before napoleon, which listens to the same event."""
    app.connect("autodoc-process-docstring", process, priority=300)
    app.connect("missing-reference", link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
