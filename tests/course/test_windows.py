"""`lessons_lib.course.studies.windows`: learned windows beside the exact answer of the same."""

import json
import math

import pytest
import torch

from lessons_lib.course.studies import windows
from lessons_lib.course.studies.stored import FOLDER
from lessons_lib.course.studies.windows import Pixels, row_of

torch.set_num_threads(1)
TABLE = FOLDER / "windows.json"


def test_windows_lie_inside_and_hold_their_pixel_in_the_middle():
    pixels = Pixels(60)
    for size in windows.SIZES:
        window = pixels.windows(size)
        assert window.shape == (60, size, size)
        assert torch.equal(window[:, size // 2, size // 2], pixels.at(pixels.y))
        half = size // 2
        row, col = pixels.place[7].tolist()
        inside = pixels.y[7, row - half : row + half + 1, col - half : col + half + 1]
        assert torch.equal(window[7], inside)


def test_weights_give_the_mean_over_the_pixels_in_the_middle():
    pixels = Pixels(3000, seed=5)
    m = windows.MARGIN
    wanted = pixels.x0[:, m:-m, m:-m].square().mean()
    drawn = pixels.weight * pixels.truth.square()
    assert abs(float(drawn.mean() - wanted)) < 4 * float(drawn.std()) / 3000**0.5
    assert float((drawn.mean() - wanted).abs()) < 0.1 * wanted


def test_the_excess_of_a_shifted_mean_is_the_square_of_the_shift():
    pixels = Pixels(2000, seed=6)
    spread = torch.full_like(pixels.truth, 0.05)
    generator = torch.Generator().manual_seed(0)
    mean = pixels.truth + 0.05 * torch.randn(2000, generator=generator, dtype=torch.float64)
    row = row_of(pixels, mean + 0.02, (mean, 0 * spread, spread.square()))
    assert row["excess"] == pytest.approx(0.02**2 * float(pixels.weight.mean()), rel=1e-3)
    assert abs(row["paired"] - 0.02**2) < 2 * row["paired_ci95"]
    noisy = row_of(pixels, mean, (mean, spread, spread.square()))  # less the Monte Carlo error
    assert noisy["excess"] == pytest.approx(-(0.05**2) * float(pixels.weight.mean()), rel=1e-3)


def test_a_linear_guess_is_what_least_squares_finds():
    pixels = Pixels(1500, seed=8)
    guess = pixels.learned(windows._gaussian_fit(3), 3)
    v = pixels.windows(3).flatten(1)
    A = torch.cat([v, torch.ones(1500, 1, dtype=v.dtype)], 1)
    fitted = A @ torch.linalg.lstsq(A, guess[:, None]).solution
    assert torch.allclose(fitted[:, 0], guess, atol=1e-4)  # it is linear
    error = float((pixels.weight * (guess - pixels.truth).square()).mean())
    assert error < 0.8 * windows.SIGMA**2


def test_the_table_of_the_book_is_complete_and_agrees_with_itself():
    content = json.loads(TABLE.read_text(encoding="utf-8"))
    assert content["setting"] == {"num": 400, "sigma": windows.SIGMA, "margin": windows.MARGIN}
    exact = {row["size"]: row["error"] for row in content["exact"]}
    assert list(exact) == list(windows.SIZES)
    assert sorted(exact.values(), reverse=True) == list(exact.values())
    found = {(row["size"], row["num_steps"], row["seed"]) for row in content["learned"]}
    sizes, seeds = windows.SIZES, windows.SEEDS
    assert found == {(p, n, k) for p in sizes for n in windows.STEPS for k in seeds}
    assert len({row["weights"] for row in content["learned"]}) == len(found)
    for row in content["learned"] + content["gaussian"]:
        spread = math.hypot(row["paired_ci95"], row["excess_ci95"])
        assert abs(row["paired"] - row["excess"]) < 2 * spread  # one identity, two computations


def test_a_bad_place_is_told_before_anything_is_measured(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setattr(windows, "windows_report", lambda *a: pytest.fail("measured"))
    with pytest.raises(OSError, match=r"below.* cannot be written"):
        words = ["--folder", str(tmp_path), "--json", str(tmp_path / "file" / "below")]
        windows.main(words)
