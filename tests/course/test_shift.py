"""`studies.shift`: the table of chapter 7, small, with a shipped model and cheap rivals."""

import json
import math

import pytest
import torch

from lessons_lib import phantoms, pretrained
from lessons_lib.course.studies import pictures, shift
from lessons_lib.course.studies.stored import FOLDER
from lessons_lib.metrics import psnr
from lessons_lib.patches import Patches
from lessons_lib.reconstruction import denoise_patches

torch.set_num_threads(1)
NAME = "photographs_5x5"
KEYS = {"model", "family", "train", "test", "amplitude", "steps"}
KEYS |= {"psnr", "ci95", "gain", "gain_ci95"}


def nothing(y, noise_std, *, reference):
    """A rival that does nothing: the gain is then that over the noise."""
    return y


def keys(row):
    return KEYS | ({"values"} if row["model"] == "bm3d" else set())


def table(seed=1, num=3, **options):
    options = {"size": 24, "models": [NAME], "baseline": nothing} | options
    return list(shift.shift_table(num, seed, **options))


@pytest.fixture(scope="module")
def rows():
    return table()


def test_every_domain_and_setting_has_a_row(rows):
    assert all(set(row) == keys(row) for row in rows)
    told = [(r["model"], r["test"], r["amplitude"], r["steps"]) for r in rows]
    wanted = []
    for test in shift.DOMAINS:
        wanted += [("bm3d", test, 1.0, ""), (NAME, test, 1.0, "one"), (NAME, test, 1.0, "ladder")]
    wanted += [(NAME, "photographs", a, "one") for a in (0.3, 3.0)]
    assert sorted(told) == sorted(wanted)


def test_one_row_is_what_one_gets_by_hand(rows):
    x0 = pictures.held_out_pictures("rectangles", 3, seed=1, size=24)
    noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(1), dtype=x0.dtype)
    y, cut = x0 + 0.05 * noise, Patches((24, 24), 5)
    x = denoise_patches(y, 0.05, patch_score=pretrained.load(NAME), patches=cut)
    values, before = psnr(x, x0, data_range=1.0), psnr(y, x0, data_range=1.0)
    (row,) = [r for r in rows if r["test"] == "rectangles" and r["steps"] == "one"]
    assert row["psnr"] == pytest.approx(float(values.mean()), abs=2e-3)
    gain = values - before
    assert row["gain"] == pytest.approx(float(gain.mean()), abs=2e-3)
    half = 4.303 * float(gain.std()) / math.sqrt(3)  # Student's t with two degrees of freedom
    assert row["gain_ci95"] == pytest.approx(half, abs=2e-3)


def test_the_same_seed_gives_the_same_table_and_another_another(rows):
    assert table() == rows
    assert table(seed=2) != rows


def test_unseen_pictures_are_no_training_pictures():
    x = pictures.held_out_pictures("disks", 2, seed=0, size=24)
    for seed in range(5):
        seen = phantoms.disks(2, size=24, generator=torch.Generator().manual_seed(seed))
        assert (x[:, None] - seen).abs().amax((-1, -2)).min() > 0.1
    windows = pictures.held_out_pictures("photographs", 2, seed=0, size=24)
    for window, name in zip(windows, phantoms.TEST_PHOTOGRAPHS, strict=True):
        every = phantoms.photograph(name).unfold(0, 24, 1).unfold(1, 24, 1)
        assert (every[..., 0, 0] == window[0, 0]).any()


def test_the_report_can_be_written_and_names_the_weights():
    report = shift.shift_report(2, 3, size=16, models=[NAME], baseline=nothing)
    again = json.loads(json.dumps(report, allow_nan=False))
    assert again == report
    assert report["setting"]["weights_sha256"] == {
        NAME: pretrained.describe(NAME)["weights_sha256"]
    }
    assert (report["setting"]["num"], report["setting"]["seed"]) == (2, 3)


def test_stored_values_are_kept_only_for_the_same_setting_and_weights():
    options = {"size": 16, "models": [NAME], "baseline": nothing}
    first = shift.shift_report(2, 3, **options)
    options["baseline"] = lambda *_, **__: pytest.fail("the rival was measured again")
    assert shift.shift_report(2, 3, **options, stored=first) == first
    first["rows"][1]["psnr"] = -1.0
    assert shift.shift_report(2, 3, **options, stored=first)["rows"][1]["psnr"] == -1.0
    first["setting"]["weights_sha256"] = {NAME: "0"}
    assert shift.shift_report(2, 3, **options, stored=first)["rows"][1]["psnr"] > 20
    with pytest.raises(pytest.fail.Exception, match="again"):
        shift.shift_report(2, 4, **options, stored=first)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="phantom must be one of disks, rectangles, photographs"):
        pictures.held_out_pictures("faces", 1, seed=0, size=24)
    with pytest.raises(ValueError, match="num must be at least 2"):
        table(num=1)
    with pytest.raises(ValueError, match="noise_std must be positive"):
        table(noise_std=0.0)
    with pytest.raises(ValueError, match="name must be one of"):
        table(models=["disks_9000"])


# The stored table that chapter 7 reads.

STORED = FOLDER / "shift.json"


@pytest.fixture(scope="module")
def stored():
    return json.loads(STORED.read_text(encoding="utf-8"))


def test_the_stored_table_was_made_with_the_shipped_weights(stored):
    shipped = {name: pretrained.describe(name)["weights_sha256"] for name in shift.MODELS}
    assert stored["setting"]["weights_sha256"] == shipped


def test_the_stored_table_is_complete(stored):
    assert all(KEYS <= set(row) <= KEYS | {"values"} for row in stored["rows"])
    told = {(r["model"], r["test"], r["amplitude"], r["steps"]) for r in stored["rows"]}
    wanted = {("bm3d", test, 1.0, "") for test in shift.DOMAINS}
    for name in shift.MODELS:
        wanted |= {(name, t, 1.0, s) for t in shift.DOMAINS for s in ("one", "ladder")}
        wanted |= {(name, name.split("_")[0], a, "one") for a in (0.3, 3.0)}
    assert told == wanted and len(stored["rows"]) == len(wanted)
    assert all(math.isfinite(row[key]) for row in stored["rows"] for key in ("psnr", "gain"))


def test_a_row_of_the_stored_table_can_be_made_again(stored):
    setting, name = stored["setting"], "disks_unet"
    about = {"seed": setting["seed"], "size": setting["size"]}
    x0 = pictures.held_out_pictures("disks", setting["num"], **about)
    generator = torch.Generator().manual_seed(setting["seed"])
    noise = torch.randn(x0.shape, generator=generator, dtype=x0.dtype)
    y, std = x0 + setting["noise_std"] * noise, setting["noise_std"]
    x = torch.stack([image + std**2 * pretrained.load(name)(image, std) for image in y])
    wanted = {"model": name, "test": "disks", "amplitude": 1.0, "steps": "one"}.items()
    (row,) = [r for r in stored["rows"] if wanted <= r.items()]
    assert row["psnr"] == pytest.approx(float(psnr(x, x0, data_range=1.0).mean()), abs=0.02)
