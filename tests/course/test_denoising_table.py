"""The denoising table: its list of methods, its files, its command line."""

import json
import math
import subprocess
import sys

import pytest
import torch

from lessons_lib import phantoms, pretrained
from lessons_lib.course import studies
from lessons_lib.course.studies import denoisers, locality, methods, pictures, scans, stored
from lessons_lib.course.studies.__main__ import main
from lessons_lib.course.studies.denoisers import BayesLimit
from lessons_lib.course.studies.denoising import choose, denoising_report, noisy_pictures
from lessons_lib.course.studies.methods import FAMILIES, Method
from lessons_lib.course.studies.regularisers import Regularised, rescaled
from lessons_lib.course.studies.tables import interval
from lessons_lib.distributions import GaussianField
from lessons_lib.metrics import psnr
from lessons_lib.reconstruction.oracle import search

torch.set_num_threads(1)
F64 = torch.float64
ROW = {"method", "family", "psnr", "ci95", "ssim", "seconds", "values", "weights"}
ROW |= {"gain", "gain_ci95"}
SETTING = {"phantom", "num", "seed", "noise_std", "size", "data_range", "skipped"}
SMALL = "photographs_5x5"
FILES = sorted(stored.FOLDER.glob("denoising_*.json"))


def double(y, noise_std, truth):
    """Halve the error: a method whose row is known."""
    return (y + truth) / 2


@pytest.fixture
def short_list(monkeypatch):
    """Two baselines, a rival that costs nothing, and a shipped model."""
    ladder = denoisers.down_the_ladder(denoisers.averaged(SMALL), num=3, depth=4.0)
    rows = [
        Method("noisy", "baseline", denoisers.noisy),
        Method("BM3D", "baseline", double),
        Method("ladder", "patch", ladder, (SMALL,)),
    ]
    monkeypatch.setattr("lessons_lib.course.studies.denoising.methods", lambda phantom: rows)
    return rows


def report(**options):
    options = {"phantom": "disks", "num": 3, "seed": 5, "size": 24} | options
    return denoising_report(**options)


def without_times(table):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in table["methods"]]


def test_report_has_the_schema_and_json_keeps_it(short_list):
    table = report(noise_std=0.1)
    assert json.loads(json.dumps(table)) == table
    assert set(table) == {"methods", "setting"} and set(table["setting"]) == SETTING
    assert [row["method"] for row in table["methods"]] == ["noisy", "BM3D", "ladder"]
    for row in table["methods"]:
        assert set(row) == ROW and row["family"] in FAMILIES and row["seconds"] >= 0
        assert len(row["values"]) == 3
    assert list(table["methods"][2]["weights"]) == [SMALL]


def test_rows_are_what_one_gets_by_hand(short_list):
    table = report(noise_std=0.1)
    noisy, rival, _ = table["methods"]
    x0 = phantoms.disks(3, size=24, generator=torch.Generator().manual_seed(10_005))
    noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(5), dtype=F64)
    wanted = psnr(x0 + 0.1 * noise, x0, data_range=1.0)
    assert noisy["values"] == pytest.approx(wanted.tolist(), abs=1e-3)
    assert noisy["psnr"] == pytest.approx(float(wanted.mean()), abs=1e-3)
    assert noisy["ci95"] == pytest.approx(4.303 * float(wanted.std()) / 3**0.5, abs=1e-2)
    assert rival["psnr"] == pytest.approx(noisy["psnr"] + 20 * math.log10(2), abs=2e-3)
    assert noisy["gain"] == pytest.approx(-20 * math.log10(2), abs=2e-3)
    assert noisy["gain_ci95"] == pytest.approx(0.0, abs=2e-3)  # paired: every picture gains alike


def test_the_same_seed_gives_the_same_table_and_another_another(short_list):
    assert without_times(report()) == without_times(report())
    assert report()["methods"][0]["values"] != report(seed=6)["methods"][0]["values"]


def test_a_missing_package_is_skipped_with_a_note(short_list, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "bm3d", None)
    table = report()
    assert "BM3D" in table["setting"]["skipped"] and table["methods"][0]["gain"] is None
    assert "skipped: BM3D" in stored.summary(table)


def test_stored_rows_are_kept_only_for_the_same_setting_and_weights(short_list):
    first = report()
    assert report(stored=first)["methods"] == first["methods"]  # seconds and all
    marked = json.loads(json.dumps(first))
    marked["methods"][2]["psnr"] = -1.0
    assert report(stored=marked)["methods"][2]["psnr"] == -1.0
    marked["methods"][2]["weights"] = {SMALL: "0"}
    assert report(stored=marked)["methods"][2]["psnr"] == first["methods"][2]["psnr"]
    assert report(stored=first, seed=6)["methods"][0] != first["methods"][0]


def test_a_row_whose_code_has_changed_is_measured_again(short_list, monkeypatch):
    """Nothing in the setting or the weights tells; the first picture does."""
    first = report()
    calls = []

    def other(y, noise_std, truth):
        calls.append(1)
        return (y + 2 * truth) / 3

    changed = [short_list[0], Method("BM3D", "baseline", other), short_list[2]]
    monkeypatch.setattr("lessons_lib.course.studies.denoising.methods", lambda phantom: changed)
    again = report(stored=first)
    assert again["methods"][1]["psnr"] > first["methods"][1]["psnr"] + 3
    assert again["methods"][0]["values"] == first["methods"][0]["values"]
    calls.clear()
    assert report(stored=again)["methods"] == again["methods"] and len(calls) == 1


def test_a_row_with_fewer_pictures_than_wanted_is_measured_again(short_list):
    short = report()
    short["methods"][2]["values"].pop()
    assert len(report(stored=short)["methods"][2]["values"]) == 3


def test_a_file_is_refused_when_weights_or_list_changed(short_list, tmp_path):
    path, table = tmp_path / "table.json", report()
    stored.write_report(path, table)
    assert stored.read_report(path) == table
    assert studies.read_table(path)["ladder"] == table["methods"][2]
    table["methods"][2]["weights"] = {SMALL: "0"}
    stored.write_report(path, table)
    with pytest.raises(ValueError, match=r"ladder was run with other weights.*make studies"):
        studies.read_table(path)
    table["methods"].pop()
    stored.write_report(path, table)
    with pytest.raises(ValueError, match="no row for ladder"):
        studies.read_table(path)
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match="no table"):
        studies.read_table(path)


def test_command_line_writes_the_chosen_rows(tmp_path, capsys):
    path = tmp_path / "table.json"
    options = ["--num", "2", "--seed", "1", "--size", "24", "--noise-std", "0.1"]
    main(["denoising", *options, "--methods", "noisy", "TV", "--json", str(path)])
    table = json.loads(path.read_text(encoding="utf-8"))
    assert [row["method"] for row in table["methods"]] == ["noisy", "TV"]
    assert table["methods"][1]["psnr"] > table["methods"][0]["psnr"] + 3
    assert "| TV |" in capsys.readouterr().out


def stop(y, noise_std, truth):
    raise KeyboardInterrupt


COMMAND = ["denoising", "--num", "2", "--size", "24", "--json"]


def test_rows_are_kept_when_the_command_is_stopped(short_list, tmp_path, monkeypatch):
    path = tmp_path / "table.json"
    stopped = [*short_list[:2], Method("ladder", "patch", stop)]
    monkeypatch.setattr("lessons_lib.course.studies.denoising.methods", lambda phantom: stopped)
    with pytest.raises(KeyboardInterrupt, match="in FILE; the same command with --keep goes on"):
        main([*COMMAND, str(path)])
    kept = stored.read_report(path)
    assert [row["method"] for row in kept["methods"]] == ["noisy", "BM3D"]
    assert stored.stale(kept) == ["no row for ladder"]
    monkeypatch.setattr("lessons_lib.course.studies.denoising.methods", lambda phantom: short_list)
    main([*COMMAND, str(path), "--keep"])
    now = stored.read_report(path)
    assert [row["method"] for row in now["methods"]] == ["noisy", "BM3D", "ladder"]
    assert now["methods"][:2] == kept["methods"]
    changed = [Method("noisy", "baseline", double), Method("BM3D", "baseline", stop), stopped[2]]
    monkeypatch.setattr("lessons_lib.course.studies.denoising.methods", lambda phantom: changed)
    with pytest.raises(KeyboardInterrupt):
        main([*COMMAND, str(path), "--keep"])
    after = stored.read_report(path)["methods"]
    assert after[0]["psnr"] > now["methods"][0]["psnr"] + 3, "measured again"
    assert after[1:] == now["methods"][1:], "their turn has not come"


def test_without_a_file_the_command_says_that_nothing_is_kept(short_list, monkeypatch):
    rows = [Method("noisy", "baseline", stop)]
    monkeypatch.setattr("lessons_lib.course.studies.denoising.methods", lambda phantom: rows)
    with pytest.raises(KeyboardInterrupt, match="nothing was kept; --json FILE keeps"):
        main(COMMAND[:-1])


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (main, ["denoising", "--json"]),
        (main, ["shift", "--json"]),
        (main, ["tables", "--folder"]),
        (scans.main, ["--json"]),
        (locality.main, ["--json"]),
    ],
    ids=["denoising", "shift", "tables", "scans", "locality"],
)
def test_a_place_that_cannot_be_written_is_told_before_anything_is_measured(
    command, words, tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("", encoding="utf-8")
    for name in ("denoising._measure", "denoising._kept", "shift.held_out_pictures",
                 "scans.scan_report", "locality.locality_row"):  # fmt: skip
        monkeypatch.setattr(f"lessons_lib.course.studies.{name}", stop)
    with pytest.raises(OSError, match=r"below.* cannot be written"):
        command([*words, str(tmp_path / "file" / "below")])


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (main, ["denoising", "--num", "1"]),
        (main, ["shift", "--num", "1"]),
        (scans.main, ["--num", "1"]),
        (locality.main, ["--num", "1", "--json", "{}"]),
        (locality.main, ["--images", "1", "--json", "{}"]),
    ],
    ids=["denoising", "shift", "scans", "pixels", "images"],
)
def test_one_picture_is_refused_before_anything_is_measured(command, words, tmp_path, monkeypatch):
    for name in ("denoising._measure", "shift.held_out_pictures", "scans._rows",
                 "locality.window_errors", "locality.image_errors"):  # fmt: skip
        monkeypatch.setattr(f"lessons_lib.course.studies.{name}", stop)
    with pytest.raises(ValueError, match="num must be at least 2, or there is no interval"):
        command([word.format(tmp_path / "table.json") for word in words])


def test_shift_keeps_its_rows_too(tmp_path, monkeypatch, capsys):
    rows = [{"model": k, "test": "t", "amplitude": 1.0, "steps": "one"} for k in "abc"]

    def two(*words, **options):
        yield from rows[:2]
        raise KeyboardInterrupt

    monkeypatch.setattr("lessons_lib.course.studies.shift.shift_table", two)
    path = tmp_path / "shift.json"
    with pytest.raises(KeyboardInterrupt, match="with --keep goes on"):
        main(["shift", "--num", "2", "--json", str(path)])
    assert json.loads(path.read_text(encoding="utf-8"))["rows"] == rows[:2]
    monkeypatch.setattr(
        "lessons_lib.course.studies.shift.shift_table", lambda *words, **options: rows
    )
    main(["shift", "--num", "2", "--json", str(path), "--keep"])
    assert json.loads(path.read_text(encoding="utf-8"))["rows"] == rows
    assert "c t 1.0 one" in capsys.readouterr().out


def test_the_commands_start_on_a_system_that_has_not_all_of_posix():
    """Grading needs walls and says so; the rest needs none of it."""
    program = (
        "import sys, torch\n"
        "sys.modules.update(dict.fromkeys(('resource', 'fcntl', 'pwd', 'grp', 'termios')))\n"
        "import lessons_lib.pretrained.__main__, lessons_lib.course.notebooks\n"
        "from lessons_lib.course import checks, widgets\n"
        "from lessons_lib.course.studies.__main__ import main\n"
        "main('denoising --num 2 --size 24 --methods noisy'.split())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8")
    assert done.returncode == 0 and "| noisy |" in done.stdout, done.stderr


@pytest.mark.parametrize("phantom", pictures.SIZES)
def test_every_list_is_sound(phantom):
    every = methods(phantom)
    assert [m.name for m in every[:2]] == ["noisy", "TV"]
    assert len({m.name for m in every}) == len(every)
    assert {m.family for m in every} <= set(FAMILIES)


@pytest.mark.parametrize("phantom", pictures.SIZES)
def test_pictures_have_a_range_of_one_and_depend_on_the_seed(phantom):
    x = pictures.held_out_pictures(phantom, 2, seed=3)
    assert x.shape == (2, pictures.SIZES[phantom], pictures.SIZES[phantom]) and x.dtype == F64
    assert float(x.max() - x.min()) < 2.0
    other = pictures.held_out_pictures(phantom, 2, seed=4)
    assert torch.equal(x, other) == (phantom == "scenes")


def test_scenes_are_those_of_the_phantoms_and_no_more():
    x = pictures.held_out_pictures("scenes", 3, seed=0, size=32)
    assert torch.equal(x[2], phantoms.scene(phantoms.SCENES[2], size=32))
    with pytest.raises(ValueError, match=r"num must be .*10.*got 11"):
        pictures.held_out_pictures("scenes", 11, seed=0)


def test_seconds_of_a_baseline_are_those_of_one_call(monkeypatch):
    calls = []

    def count(y, noise_std, truth):
        calls.append(y)
        return double(y, noise_std, truth)

    row = Method("TV", "baseline", double, once=count)
    monkeypatch.setattr("lessons_lib.course.studies.denoising.methods", lambda phantom: [row])
    report()
    assert len(calls) == 2 and all(y.shape == (24, 24) for y in calls)


def test_non_local_means_takes_the_strength_with_the_least_error():
    x0 = phantoms.disks(1, size=32, generator=torch.Generator().manual_seed(1))[0]
    noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(2), dtype=F64)
    y = x0 + 0.1 * noise
    best = float((denoisers.nlm_oracle(y, 0.1, x0) - x0).square().mean())
    plain = float((denoisers.once("non-local means")(y, 0.1, x0) - x0).square().mean())
    assert best <= plain < 0.5 * 0.1**2


def test_a_normal_fit_filters_patches_linearly():
    score = denoisers.gaussian_fit(SMALL)((12, 12))
    a, b = (torch.rand(12, 12, generator=torch.Generator().manual_seed(k)) for k in (1, 2))
    middle = score((a + b) / 2, 0.1)
    assert torch.allclose(middle, (score(a, 0.1) + score(b, 0.1)) / 2, atol=1e-3)


def test_large_tilted_rectangles_are_those_of_the_phantom():
    generator = torch.Generator().manual_seed(10_003)
    levels = {"background": (0.2, 0.1), "foreground": (0.8, 0.1)}
    wanted = phantoms.tilted_rectangles(2, size=64, generator=generator, **levels)
    assert torch.equal(pictures.held_out_pictures("tilted_large", 2, seed=3), wanted)


@pytest.mark.parametrize("phantom", ["disks", "rectangles", "photographs"])
def test_pictures_to_fit_on_are_others(phantom):
    x = pictures.fitting_pictures(phantom)
    assert x.shape == (4, 40, 40) and float(x.flatten(1).std(1).min()) > 0.05
    assert torch.equal(x, pictures.fitting_pictures(phantom))


def test_interval_is_that_of_students_t():
    mean, half = interval(torch.tensor([1.0, 2.0, 3.0, 6.0]))
    assert mean == 3.0 and half == pytest.approx(3.1824 * 2.1602 / 2, abs=1e-3)


FIELD = GaussianField(torch.full((16, 16), 0.04, dtype=F64))
"""White, so that everything is known: posterior mean ``y / 2`` at ``noise_std = 0.2``."""


def white(shape):
    return FIELD.score


def noisy_field(num=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x0 = FIELD.sample(num, generator)
    return x0, x0 + 0.2 * torch.randn(x0.shape, generator=generator, dtype=F64)


@pytest.mark.parametrize(
    "method",
    [
        denoisers.one_step(white),
        denoisers.down_the_ladder(white, num=12),
        denoisers.annealed_ascent(white, num=8, steps=3),
        denoisers.greedy_ascent(white, num_steps=900, sigma=0.02),
    ],
)
def test_deterministic_methods_come_close_to_the_mean_of_a_gaussian(method):
    x0, y = noisy_field()
    x = method(y[0], 0.2, x0[0])
    excess = float((x - y[0] / 2).square().mean())
    assert excess < 0.05 * 0.02 and x.dtype == F64  # the posterior variance is 0.02


def test_samples_have_the_mean_and_the_variance_of_the_posterior():
    _, y = noisy_field()
    x = denoisers.posterior_samples(white, y[0], 0.2, num=2000, levels=150, depth=64.0)
    assert float((x.mean(0) - y[0] / 2).square().mean().sqrt()) < 0.012
    assert float(x.var(0).mean()) == pytest.approx(0.02, rel=0.06)


def test_the_oracle_stops_where_the_error_is_least():
    x0, y = noisy_field()

    def greedy(x, sigma):
        return 9 * FIELD.score(x, sigma)

    plain, stopped = (
        denoisers.greedy_ascent(
            lambda _: greedy, num_steps=400, sigma=0.02, overlap=9, oracle=oracle
        )
        for oracle in (False, True)
    )
    errors = [float((m(y[0], 0.2, x0[0]) - x0[0]).square().mean()) for m in (plain, stopped)]
    assert errors[1] < 0.7 * errors[0]


def test_one_step_of_ascent_on_each_level_is_the_ladder():
    x0, y = noisy_field()
    a = denoisers.down_the_ladder(white, num=7, depth=8.0)(y[0], 0.2, x0[0])
    b = denoisers.annealed_ascent(white, num=7, depth=8.0, steps=1)(y[0], 0.2, x0[0])
    assert float((a - b).abs().max()) < 1e-6


def test_rescaled_score_is_the_gradient_of_a_rescaled_density():
    x = torch.randn(16, 16, generator=torch.Generator().manual_seed(0), dtype=F64)
    s = rescaled(FIELD.score, 3.0, 0.5)(x, 0.1)
    torch.testing.assert_close(s, 3.0 * FIELD.score(0.5 * x, 0.1))


def test_a_fitted_weight_undoes_a_wrong_one(monkeypatch):
    clean = GaussianField(torch.full((40, 40), 0.04, dtype=F64))
    x0 = clean.sample(4, torch.Generator().manual_seed(3))
    module = "lessons_lib.course.studies.regularisers.fitting_pictures"
    monkeypatch.setattr(module, lambda phantom: x0)

    def counted(shape):
        return lambda x, sigma: 9 * clean.score(x, sigma)

    method = Regularised(counted, "disks", scaled=False, overlap=9, sigma=0.02, num_steps=400)
    weight, scale = method.fit(0.2)
    assert 9 * weight == pytest.approx(1.0, rel=0.4) and scale == 1.0


def test_search_finds_a_valley_and_avoids_what_diverges():
    def error(weight, scale):
        if weight > 40:
            return math.inf
        return math.log(weight / 20) ** 2 + math.log(scale / 0.3) ** 2

    weight, scale = search(error, (1.0, 1.0), (3.0, 1.4, 1.1))
    assert weight == pytest.approx(20, rel=0.1) and scale == pytest.approx(0.3, rel=0.1)


def test_the_limit_reports_its_monte_carlo_error():
    x0 = pictures.held_out_pictures("tilted", 2, seed=1)
    noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(1), dtype=F64)
    method, y = BayesLimit(num_particles=100, num_islands=4), x0 + 0.1 * noise
    errors = [float((method(a, 0.1, b) - b).square().mean()) for a, b in zip(y, x0, strict=True)]
    assert max(errors) < 0.1 * 0.1**2
    assert 0 < method.notes(0.1)["monte_carlo_db"] < 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"phantom": "cats"}, "phantom must be one of"),
        ({"num": 1}, "num must be at least 2, or there is no interval, got 1"),
        ({"noise_std": 0.0}, "noise_std must be positive"),
        ({"chosen": ["magic"]}, r"methods must be among noisy.*magic"),
        ({"size": 0}, "size must be a positive integer"),
    ],
)
def test_bad_requests_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        report(**({"chosen": ["noisy"]} | options))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_stored_tables_are_up_to_date(path):
    table = stored.read_report(path)
    assert stored.stale(table) == []
    setting = table["setting"]
    wanted = {"num": stored.NUM, "seed": stored.SEED} | stored.TABLES[path.stem]
    assert {k: setting[k] for k in wanted} == wanted
    for row in table["methods"]:
        mean, half = interval(torch.tensor(row["values"], dtype=F64))
        assert (row["psnr"], row["ci95"]) == pytest.approx((mean, half), abs=2e-3)


def test_all_tables_of_the_book_are_stored():
    assert {path.stem for path in FILES} == set(stored.TABLES)


def test_a_stored_row_of_noise_is_the_present_noise():
    for path in FILES:
        setting = stored.read_report(path)["setting"]
        x0, y = noisy_pictures(setting)
        row = studies.read_table(path)["noisy"]
        assert row["values"] == pytest.approx(psnr(y, x0, data_range=1.0).tolist(), abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_stored_row_can_be_measured_again(path):
    table = studies.read_table(path)
    others = {"tilted": "Bayes limit", "tilted_large": "patch ladder from disks"}
    name = others.get(table["setting"]["phantom"], "patches, ladder")
    setting = {k: v for k, v in table["setting"].items() if k not in ("skipped", "data_range")}
    (row,) = denoising_report(**setting, chosen=[name])["methods"]
    assert row["values"] == pytest.approx(table[name]["values"], abs=0.05)


def test_methods_without_models_are_always_there():
    assert [m.name for m in choose("disks", ["TV", "noisy"])] == ["noisy", "TV"]
    assert Method("x", "patch", denoisers.noisy, ("nothing",)).missing().startswith("name must be")
    assert Method("x", "patch", denoisers.noisy, (pretrained.names()[0],)).missing() == ""


def test_tables_are_found_wherever_one_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert studies.measured("locality")["rows"]
    assert studies.read_table("denoising_disks_26db")["noisy"]["psnr"] == pytest.approx(26, abs=0.1)
    with pytest.raises(ValueError, match=r"got 'nothing'; there are .*locality, .*shift"):
        studies.measured("nothing")
