"""`studies.scans`: the same data for every method, paired intervals, and what made the file."""

import json

import pytest
import torch

from lessons_lib import pretrained
from lessons_lib.course.studies import scans

torch.set_num_threads(1)

SMALL = {"noise_stds": (0.05,), "model": "disks_3x3", "size": 32, "num_levels": 6}


def test_a_small_report_is_complete_and_repeats():
    report = scans.scan_report(3, 1, **SMALL)
    rows = {row["method"]: row for row in report["rows"]}
    assert list(rows) == [
        "TV, oracle",
        "zero-filled",
        "patch ladder, stopped at the noise",
        "patch ladder",
    ]
    assert rows["TV, oracle"]["gain"] == 0 and rows["TV, oracle"]["wins"] == 0
    assert rows["zero-filled"]["psnr"] < rows["TV, oracle"]["psnr"] < 60
    ladder, early = rows["patch ladder"], rows["patch ladder, stopped at the noise"]
    assert min(ladder["psnr"], early["psnr"]) > rows["zero-filled"]["psnr"]
    assert abs(ladder["psnr"] - rows["TV, oracle"]["psnr"] - ladder["gain"]) < 0.002
    assert 0 <= ladder["wins"] <= 3 and ladder["gain_ci95"] > 0
    card = pretrained.describe("disks_3x3")
    assert report["setting"]["weights_sha256"] == card["weights_sha256"]
    assert scans.scan_report(3, 1, **SMALL) == report
    assert scans.scan_report(3, 2, **SMALL)["rows"] != report["rows"]


def test_the_command_writes_what_it_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(scans, "scan_report", lambda **options: {"setting": options, "rows": []})
    monkeypatch.setattr(scans, "bar_rows", lambda **options: [{"model": "any"}])
    file = tmp_path / "new" / "scans.json"
    scans.main(["--num", "7", "--seed", "5", "--json", str(file)])
    assert json.loads(file.read_text(encoding="utf-8"))["setting"] == {
        "num": 7,
        "seed": 5,
        "model": "disks_5x5_oriented",
    }


def test_one_picture_is_too_few():
    with pytest.raises(ValueError, match="num must be at least 2"):
        scans.scan_report(1)


def test_bars_are_measured_for_each_model_and_repeat():
    (row,) = scans.bar_rows(("photographs_5x5",), num_chains=2)
    assert row["model"] == "photographs_5x5" and 25 < row["psnr"] < 33 and 0.5 < row["ratio"] < 3
    assert scans.bar_rows(("photographs_5x5",), num_chains=2) == [row]
