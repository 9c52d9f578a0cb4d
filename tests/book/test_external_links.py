"""Addresses outside the book are listed, and the weekly job tells broken ones from shy ones."""

import importlib.util

import external_links
import pytest
import yaml
from conftest import ROOT


@pytest.fixture
def job():
    spec = importlib.util.spec_from_file_location("check_links", ROOT / ".github/check_links.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_addresses_are_listed_with_their_pages(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "_static").mkdir()
    link = '<a class="x" href="https://a.org/?b=1&amp;c=2#part">x</a>'
    (tmp_path / "book" / "one.html").write_text(
        link * 2 + '<a href="two.html">y</a>', encoding="utf-8"
    )
    (tmp_path / "two.html").write_text(
        link + "<a href='http://b.org'>z</a><link href='https://c'>", encoding="utf-8"
    )
    (tmp_path / "_static" / "three.html").write_text(
        '<a href="https://d.org">z</a>', encoding="utf-8"
    )
    assert external_links.listed(tmp_path) == {
        "http://b.org": ["two.html"],
        "https://a.org/?b=1&c=2": ["book/one.html", "two.html"],
    }


def test_the_built_book_has_the_list(pages):
    lines = (pages / external_links.FILE).read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith("https://doi.org/") for line in lines) > 20
    wanted = external_links.listed(pages)
    assert lines == [f"{url}\t{' '.join(where)}" for url, where in wanted.items()]


def test_broken_addresses_are_told_from_shy_ones(job, capsys):
    answers = {"https://good": 200, "https://doi.org/1": 302, "https://shy": 403}
    broken = {"https://gone": 404, "https://silent": 0, "https://ill": 500}
    lines = [f"{url}\tpage.html" for url in (answers | broken)]
    found = job.check(lines, (answers | broken).get)
    assert [line.split()[1] for line in found] == list(broken)
    assert "https://shy" in capsys.readouterr().out


def test_a_job_runs_it_on_a_schedule():
    text = (ROOT / ".github" / "workflows" / "links.yml").read_text(encoding="utf-8")
    job = yaml.safe_load(text)
    assert job[True]["schedule"], "yaml reads `on` as a truth value"
    assert f"check_links.py _build/html/{external_links.FILE}" in text
