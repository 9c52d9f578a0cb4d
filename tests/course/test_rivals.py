"""`studies.rivals`: patches and whole images in one table, trained and tested alike."""

import dataclasses
import json

import pytest
import torch
from scipy import stats

from lessons_lib.course.studies import rivals
from lessons_lib.course.studies.stored import measured
from lessons_lib.metrics import psnr

torch.set_num_threads(1)
TINY = {"num_steps": 3, "pictures": 4, "sigmas": (0.05, 0.2)}
HOME = {"phantom": "disks", "size": 64, "noise_std": 0.05, "steps": "ladder"}


@pytest.fixture
def tiny(monkeypatch):
    """Both families with hardly any training, and one small setting."""
    made = {
        "patches": dataclasses.replace(
            rivals.RECIPES["patches"], hidden=(4,), num_patches=64, **TINY
        ),
        "whole": dataclasses.replace(rivals.RECIPES["whole"], hidden=(2, 2), **TINY),
    }
    monkeypatch.setattr(rivals, "RECIPES", made)
    monkeypatch.setattr(rivals, "SHIPPED", ())
    monkeypatch.setattr(rivals, "SETTINGS", (("rectangles", 64, 0.05),))
    monkeypatch.setattr(rivals, "PICTURES", 2)


def test_all_learn_from_the_same_pictures_at_the_same_noise():
    for recipe in rivals.RECIPES.values():
        about = recipe.data, recipe.pictures, recipe.picture_sizes, recipe.sigmas
        assert about == ("disks", 1000, (64,), (0.002, 0.5))


@pytest.mark.parametrize("name", ["whole", "whole, normalised"])
def test_whole_means_that_a_pixel_depends_on_every_pixel(name):
    model = rivals.RECIPES[name].build(torch.Generator().manual_seed(0))
    torch.nn.init.uniform_(model.net.leave.weight, -0.3, 0.3)
    model = model.double()
    image = torch.rand(64, 64, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for row, col in ((0, 0), (31, 32), (63, 5)):
        image.requires_grad_()
        (gradient,) = torch.autograd.grad(model(image, 0.1)[row, col], image)
        assert bool((gradient != 0).all())


def test_what_is_trained_is_found_again_and_measured_once(tiny, tmp_path, capsys):
    for name in rivals.RECIPES:
        rivals.train(name, 0, tmp_path)
    file = tmp_path / "table.json"
    for _ in range(2):
        rivals.main(["measure", "--folder", str(tmp_path), "--json", str(file)])
    report = json.loads(file.read_text(encoding="utf-8"))
    assert [(m["model"], m["seed"]) for m in report["models"]] == [("patches", 0), ("whole", 0)]
    told = [(r["model"], r["steps"]) for r in report["rows"]]
    trivial = [(k, "") for k in ("noisy", "Wiener", "TV", "TV, regions")]
    learned = [(k, s) for k in ("patches", "whole") for s in ("one", "ladder")]
    assert told == trivial + learned
    model, card = rivals.trained("whole", 0, tmp_path)
    x0, y = rivals.pictures_of({"phantom": "rectangles", "size": 64, "noise_std": 0.05})
    step = y + 0.05**2 * model(y, 0.05)
    (row,) = [r for r in report["rows"] if (r["model"], r["steps"]) == ("whole", "one")]
    assert row["values"] == pytest.approx(psnr(step, x0, data_range=1.0).tolist(), abs=0.02)
    assert card["weights_sha256"] == report["models"][1]["weights_sha256"]


def test_another_recipe_or_other_weights_are_refused(tiny, tmp_path, monkeypatch):
    rivals.train("patches", 0, tmp_path)
    other = dataclasses.replace(rivals.RECIPES["patches"], num_steps=4)
    monkeypatch.setitem(rivals.RECIPES, "patches", other)
    with pytest.raises(ValueError, match="another recipe"):
        rivals.trained("patches", 0, tmp_path)


def test_a_lead_is_the_paired_interval_of_the_mean_over_seeds():
    rows = [
        {"model": name, "seed": seed, **HOME, "values": values}
        for name, seed, values in (
            ("whole", 0, [30.0, 33.0, 35.0]),
            ("whole", 1, [32.0, 33.0, 37.0]),
            ("patches", 0, [30.0, 32.0, 33.0]),
        )
    ]
    rows.append({"model": "TV", "seed": 0, **HOME, "steps": "", "values": [29.0, 30.0, 31.0]})
    table = rivals.Crossed({"rows": rows, "models": []})
    mean, half = table.lead("whole", "patches", **HOME)
    exact = stats.t.interval(0.95, 2, 5 / 3, stats.sem([1.0, 1.0, 3.0]))
    assert (mean - half, mean + half) == pytest.approx(exact, abs=2e-3)
    assert table.mean("whole", seed=1, **HOME) == pytest.approx(34.0)
    assert table.lead("patches", "TV", **HOME)[0] == pytest.approx(5 / 3, abs=1e-3)
    with pytest.raises(ValueError, match="no row"):
        table.values("experts", **HOME)


class TestStored:
    table = rivals.Crossed(measured("rivals"))

    def test_the_recipes_are_the_present_ones(self):
        cards = [m for m in self.table.models if m["model"] in rivals.RECIPES]
        for card in cards:
            recipe = dataclasses.replace(rivals.RECIPES[card["model"]], seed=card["seed"])
            assert card["recipe"] == recipe.as_json()
        assert {m["model"] for m in cards} == set(rivals.RECIPES)

    def test_the_crossed_models_were_given_about_the_same_seconds(self):
        seconds = [m["seconds"] for m in self.table.models if m["model"] in rivals.RECIPES]
        assert max(seconds) < 1.4 * min(seconds)

    def test_every_model_meets_thirty_pictures_of_every_setting(self):
        for card in self.table.models:
            for phantom, size, noise_std in rivals.SETTINGS:
                where = {"phantom": phantom, "size": size, "noise_std": noise_std}
                for steps in ("one", "ladder"):
                    about = {**where, "steps": steps, "seed": card["seed"]}
                    assert self.table.values(card["model"], **about).shape == (30,)
