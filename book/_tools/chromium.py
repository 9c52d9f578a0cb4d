"""The system's Chromium or Chrome: where it is, how it starts, and when a page is ready."""

from __future__ import annotations

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ON_A_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

READY = """async () => {
  const drawn = () => new Promise(done => requestAnimationFrame(done));
  await document.fonts.ready;
  for (let frame = 0; frame < 3; frame++) await drawn();
}"""


def find() -> str | None:
    """Where Chromium or Chrome is, if it is on this machine."""
    found = (shutil.which(name) for name in NAMES)
    return next(filter(None, [*found, shutil.which(ON_A_MAC)]), None)
