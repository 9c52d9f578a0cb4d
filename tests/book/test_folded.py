"""What is folded is the browser's own details, proofs included."""

from pathlib import Path

import pytest
from rendered import read

LESSONS = ["02_score_matching_samples", "06_scans"]


@pytest.mark.parametrize("name", LESSONS)
def test_boxes_fold_under_a_title_and_without_script(pages: Path, name: str) -> None:
    boxes = read(pages / "book" / f"{name}.html").select("article details.sd-dropdown")
    assert boxes
    for box in boxes:
        assert box.find("summary").get_text(strip=True)
        assert len(box.select_one(".sd-summary-content").get_text()) > 40
        assert not box.has_attr("open")


def test_every_proof_is_folded_and_none_says_so_twice(pages: Path) -> None:
    page = read(pages / "book" / "02_score_matching.html")
    proofs = page.select("article details.proof")
    assert [box.summary.get_text(strip=True) for box in proofs] == ["Proof"] * 3
    assert not any(box.select_one("p").get_text().startswith("Proof") for box in proofs)
    assert page.select("article div.proof#proof") == []


def test_no_lab_shows_its_answer_before_the_attempt(pages: Path) -> None:
    for path in sorted((pages / "book").glob("*_lab.html")):
        cells = read(path).select("article .tag_reveal")
        assert cells
        for cell in cells:
            for shown in cell.select(".cell_output .stream, .cell_output figure"):
                assert shown.find_parent("details", class_="reveal"), path.stem
