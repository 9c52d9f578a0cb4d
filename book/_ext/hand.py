"""Figures that answer the hand: which scripts a page needs, read off the tags of its cells.

A cell with the tag ``hand-NAME`` makes a figure as every other cell does: a picture with a caption,
a number and alternative text. In the page the instrument ``_static/hand/NAME.js`` takes the place
of the picture, which stays for paper and for whoever has no script. Only pages with such a cell
load anything, and only what their instruments use.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import doctree
from docutils import nodes
from sphinx.application import Sphinx

NEEDS = {
    "costs": ["maths/gamma", "maths/parzen", "maths/costs", "maths/chance"],
    "mixture": ["maths/mixture", "maths/walks", "maths/chance"],
    "patch-score": [
        *("maths/network", "maths/preconditioned", "maths/patches", "maths/ladder"),
        *("maths/walks", "maths/chance", "weights/disks_3x3"),
    ],
    "two-pixels": ["maths/two-pixels", "maths/chance"],
}
"""What each instrument computes with."""

DRAWN = {"patch-score"}
"""Instruments whose first part is a sheet to draw on, and no handle."""

WALKS = {"mixture", "patch-score"}
"""Instruments in which something goes on until it is stopped."""

TAG = "tag_hand-"


def instruments(document: nodes.document) -> Iterator[str]:
    """Yield the names of the instruments on a page, in order."""
    for cell in doctree.cells(document):
        for name in cell["classes"]:
            if name.startswith(TAG):
                yield name.removeprefix(TAG)


def scripts(names: list[str]) -> list[str]:
    """The scripts of some instruments, each once, in an order in which they can be read."""
    unknown = sorted(set(names) - set(NEEDS))
    if unknown:
        raise ValueError(f"no instrument is called {unknown}, wanted some of {sorted(NEEDS)}")
    maths = [script for name in names for script in NEEDS[name]]
    return [f"hand/{s}.js" for s in dict.fromkeys(["hand", *maths, *names] if names else [])]


def weights(name: str) -> str:
    """A shipped network of patches as a script: what `networks.PreconditionedScore` is made of."""
    import numpy as np

    from lessons_lib import pretrained

    model = pretrained.load(name)
    linear = [layer for layer in model.net if hasattr(layer, "weight")]
    numbers = [part.detach().numpy().ravel() for one in linear for part in (one.weight, one.bias)]
    data = {
        "mean": float(model.mean),
        "std": float(model.std),
        "bound": model.bound,
        "widths": [linear[0].in_features, *(layer.out_features for layer in linear)],
        "base64": base64.b64encode(np.concatenate(numbers).astype("<f4").tobytes()).decode(),
    }
    return f'"use strict";\nHand.weights.{name} = {json.dumps(data)};\n'


def bring(static: Path) -> None:
    """Write the weights that instruments use below ``static``."""
    for script in scripts(list(NEEDS)):
        if script.startswith("hand/weights/"):
            place = static / script
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(weights(place.stem), encoding="utf-8")


def bring_to_pages(app: Sphinx) -> None:
    """Do so for a book of pages, before these are written."""
    if app.builder.format == "html":
        bring(Path(app.outdir) / "_static")


def load(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Give a page the scripts and the style of its instruments."""
    needed = scripts(list(instruments(doctree))) if doctree is not None else []
    for script in needed:
        app.add_js_file(script, loading_method="defer")
    if needed:
        app.add_css_file("hand/hand.css")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", bring_to_pages)
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
