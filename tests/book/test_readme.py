"""What the front pages promise is so: the example runs, and what they cite exists."""

import re

import nbformat
import pytest
import yaml
from conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
ERRATA = (ROOT / "book" / "errata.md").read_text(encoding="utf-8")
FRONT_PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "book/instructors.md"]


def example() -> str:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.S)
    return code


def test_the_example_has_twelve_lines_below_its_imports():
    lines = [line for line in example().splitlines() if line.strip()]
    assert len([line for line in lines if not line.startswith(("import", "from"))]) == 12
    assert max(map(len, lines)) <= 100


def test_the_example_trains_and_reconstructs_as_well_as_it_says(capsys):
    exec(compile(example().replace("progress=True", "progress=False"), "README.md", "exec"), {})
    measured = [float(number) for number in re.findall(r"([\d.]+) dB", capsys.readouterr().out)]
    promised = re.findall(r"before and after: ([\d.]+) dB and ([\d.]+) dB", README)[0]
    assert measured == pytest.approx([float(number) for number in promised], abs=0.3)


@pytest.mark.parametrize("page", FRONT_PAGES)
def test_links_to_files_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


def test_commands_are_targets_of_the_makefile():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    pages = "".join((ROOT / page).read_text(encoding="utf-8") for page in FRONT_PAGES)
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", pages, re.M))
    assert {"book", "test"} <= named
    assert named <= targets


def test_every_test_that_the_errata_cite_exists():
    cited = set(re.findall(r"`(test_\w+)`", ERRATA)) - {"test_this_and_that"}
    assert len(cited) > 15
    written = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "tests").rglob("test_*.py"))
    assert cited <= set(re.findall(r"def (test_\w+)\(", written))


def test_every_claim_that_the_errata_cite_is_made():
    cited = re.findall(r"claim “([^”…]+?) ?…?” of \[[^]]+\]\((\w+\.ipynb)\)", ERRATA)
    assert len(cited) == ERRATA.count("claim “") > 8
    missing = []
    for words, notebook in cited:
        cells = nbformat.read(ROOT / "book" / notebook, as_version=4).cells
        code = "".join(cell.source for cell in cells if cell.cell_type == "code")
        code = re.sub(r"claim\(\s+", "claim(", re.sub(r'"\n *"', "", code))
        missing += [] if f'claim("{words}' in code else [words]
    assert missing == []


def test_every_erratum_has_a_correction_and_a_check():
    items = re.split(r"^### ", ERRATA, flags=re.M)[1:]
    assert [int(item.split(".")[0]) for item in items] == list(range(1, 18))
    for item in items:
        assert "**Printed:**" in item
        assert re.search(r"\*\*(Corrected|Ours|Remark|Answer):\*\*", item)
        assert "*Check:*" in item


def test_citation_names_the_version():
    from lessons_lib import __version__

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == __version__
    assert citation["license"] == ["MIT", "CC-BY-4.0"]
