"""What the package tells of itself beyond ``pyproject.toml``: the address in ``_config.yml``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

sys.path.insert(0, str(Path(__file__).parent.parent / "_ext"))

import hosted


class Addresses(MetadataHookInterface):
    """The project's addresses; none as long as `hosted` knows of none."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Write them into ``metadata``."""
        url = hosted.address(hosted.configured(Path(self.root)))
        metadata["urls"] = {"Source": url, "Issues": f"{url}/issues"} if url else {}
