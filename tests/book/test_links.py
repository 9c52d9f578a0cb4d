"""Sphinx's linkcheck finds an address that does not answer; a weekly job asks all of them."""

from __future__ import annotations

import json
from pathlib import Path

import browser
import links
import yaml
from conftest import ROOT
from sphinx.application import Sphinx

SETTINGS = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["sphinx"]


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.html").touch()
    (tmp_path / "conf.py").touch()
    with browser.served(tmp_path) as address:
        page = f"`good <{address}/there.html>`__ and `dead <{address}/gone.html>`__"
        (tmp_path / "index.rst").write_text(page, encoding="utf-8")
        folders = (tmp_path, tmp_path, tmp_path / "out", tmp_path / "trees")
        settings = {k: v for k, v in SETTINGS["config"].items() if k.startswith("linkcheck_")}
        app = Sphinx(*folders, "linkcheck", settings, status=None, warning=None)
        app.build()
    lines = (tmp_path / "out" / "output.json").read_text(encoding="utf-8").splitlines()
    found = {line["uri"].rpartition("/")[2]: line["status"] for line in map(json.loads, lines)}
    assert found == {"there.html": "working", "gone.html": "broken"}
    assert app.statuscode == 1


def test_a_doi_is_asked_at_its_registry() -> None:
    asked = links.registry(None, "https://doi.org/10.1162/NECO_a_00142")
    assert asked == "https://doi.org/api/handles/10.1162/NECO_a_00142"
    assert links.registry(None, "https://arxiv.org/abs/2006.11239") is None
    assert "links" in SETTINGS["local_extensions"]


def test_a_job_runs_it_on_a_schedule() -> None:
    text = (ROOT / ".github" / "workflows" / "links.yml").read_text(encoding="utf-8")
    assert yaml.safe_load(text)[True]["schedule"], "yaml reads `on` as a truth value"
    assert "make links" in text
