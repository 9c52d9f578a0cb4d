"""`lessons_lib.course.studies.locality`: windows, weights, and the table of the book."""

import json
import math

import pytest
import torch

from lessons_lib.course.studies import locality
from lessons_lib.course.studies.locality import (
    cut_windows,
    image_errors,
    locality_row,
    window_errors,
)
from lessons_lib.course.studies.stored import FOLDER

torch.set_num_threads(1)
TABLE = FOLDER / "locality.json"


def test_windows_are_cut_at_their_corners_and_know_what_lies_outside():
    y = torch.arange(2 * 6 * 7.0).reshape(2, 6, 7)
    window, mask = cut_windows(y, torch.tensor([[2, 3], [-1, 5]]), 3)
    assert torch.equal(window[0], y[0, 2:5, 3:6]) and bool(mask[0].all())
    assert torch.equal(window[1, 1:, :2], y[1, :2, 5:])
    outside = torch.tensor([[False] * 3, [True, True, False], [True, True, False]])
    assert torch.equal(mask[1], outside)


def test_weights_make_up_for_drawing_edges_more_often():
    """The mean of a weighted quantity is that over all pixels; here the square of the pixel."""
    generator = torch.Generator().manual_seed(0)
    x0, _ = locality._images(0.1, 4000, generator)
    pixel, weight = locality._draw_pixels(x0, generator)
    assert abs(float(weight.mean()) - 1) < 4 * float(weight.std()) / 4000**0.5
    drawn = weight * x0[torch.arange(4000), pixel[:, 0], pixel[:, 1]].square()
    assert abs(float(drawn.mean() - x0.square().mean())) < 4 * float(drawn.std()) / 4000**0.5


def test_a_window_that_holds_everything_is_the_image():
    """The same Bayes error from two samples: pixels with huge windows, and whole images."""
    pixels = window_errors(31, 0.3, num=20, seed=1, num_particles=50)[0]
    images = image_errors(0.3, num=12, seed=2, num_particles=50)[0]
    spread = float((pixels.var() / 20 + images.var() / 12).sqrt())
    assert abs(float(pixels.mean() - images.mean())) < 4 * spread
    assert spread < 0.5 * images.mean()


def test_single_pixels_against_the_integral_over_the_prior():
    """1 x 1: the pixel is a mixture over its covered fraction, summed over draws of the prior."""
    variance, error = window_errors(1, 0.2, num=300, seed=3)
    spread = math.hypot(variance.std() / 300**0.5, error.std() / 300**0.5)
    assert abs(float(variance.mean() - error.mean())) < 4 * spread
    x0, _ = locality._images(0.2, 3000, torch.Generator().manual_seed(4))
    flat, (low, high) = x0.flatten(1), (x0.min(), x0.max())
    y = flat + 0.2 * torch.randn(flat.shape, generator=torch.Generator().manual_seed(5)).double()
    bins = ((flat - low) / (high - low) * 400).long().clamp(max=399)  # histogram at each place
    centre = low + (torch.arange(400).double() + 0.5) / 400 * (high - low)
    losses = []
    for place in range(0, 256, 11):
        weight = torch.bincount(bins[:, place], minlength=400).double()
        joint = weight * torch.exp(-((y[:, place, None] - centre) ** 2) / (2 * 0.2**2))
        mean = (joint @ centre) / joint.sum(1)
        losses.append((mean - flat[:, place]).square().mean())
    wanted = float(torch.stack(losses).mean())  # 24 places all over the image
    assert abs(float(variance.mean()) / wanted - 1) < 0.25


def test_the_table_of_the_book_is_complete_and_falls():
    content = json.loads(TABLE.read_text(encoding="utf-8"))
    assert content["levels"] == {k: list(v) for k, v in locality.LEVELS.items()}
    for sigma in locality.SIGMAS:
        rows = {row["size"]: row for row in content["rows"] if row["sigma"] == sigma}
        assert list(rows) == [*locality.SIZES, locality.SIDE]
        for size in rows:
            spread = math.hypot(rows[size]["variance_se"], rows[size]["squared_error_se"])
            gap = rows[size]["variance"] - rows[size]["squared_error"]
            assert abs(gap) < 4 * spread
        assert rows[16]["variance"] == pytest.approx(7 * sigma**2 / 256, rel=0.15)
    assert [row["sigma"] for row in content["tv"]] == list(locality.SIGMAS)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "sigma"), [(1, 0.1), (3, 0.1), (5, 0.1)])
def test_rows_of_the_table_are_found_again(size, sigma):
    stored = {
        (row["size"], row["sigma"]): row
        for row in json.loads(TABLE.read_text(encoding="utf-8"))["rows"]
    }
    row = locality_row(size, sigma, num=400, seed=7)
    spread = math.hypot(row["variance_se"], stored[size, sigma]["variance_se"])
    assert abs(row["variance"] - stored[size, sigma]["variance"]) < 4 * spread


def test_command_line_writes_the_table(tmp_path, monkeypatch):
    monkeypatch.setattr(locality, "SIZES", (1, 3))
    monkeypatch.setattr(locality, "SIGMAS", (0.2,))
    monkeypatch.setattr(locality, "image_errors", lambda *a, **k: (torch.ones(2), torch.ones(2)))
    target = tmp_path / "table.json"
    locality.main(["--num", "5", "--images", "2", "--json", str(target)])
    content = json.loads(target.read_text(encoding="utf-8"))
    assert [row["size"] for row in content["rows"]] == [1, 3, 16]
    assert content["tv"][0]["squared_error"] > 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: window_errors(0, 0.1, num=3), "size must be a positive integer, got 0"),
        (lambda: window_errors(3, 0.0, num=3), "sigma must be positive"),
        (lambda: window_errors(3, 0.1, num=0), "num must be a positive integer, got 0"),
        (lambda: image_errors(0.1, num=-1), "num must be a positive integer, got -1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
