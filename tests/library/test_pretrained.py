"""`lessons_lib.pretrained`: the shipped weights are what their recipes made, and nothing else."""

import dataclasses
import itertools
import json
import os
import shutil

import pytest
import torch

from lessons_lib import pretrained, training
from lessons_lib.patches import Patches
from lessons_lib.phantoms import SCENES, TEST_PHOTOGRAPHS
from lessons_lib.pretrained import __main__ as command
from lessons_lib.pretrained import files
from lessons_lib.pretrained.pictures import HELD_OUT_SEED, training_pictures, unseen_pictures
from lessons_lib.priors import AveragedPrior
from lessons_lib.samplers import probability_flow

torch.set_num_threads(1)

QUICK = "photographs_5x5"
TINY = pretrained.PatchRecipe(
    patch_size=3, hidden=(8,), num_steps=20, pictures=("coins",), num_patches=200
)


def seeded(k=0):
    return torch.Generator().manual_seed(k)


def points(recipe):
    """A few patches or images for the model of a recipe."""
    n = recipe.patch_size**2 if not isinstance(recipe, pretrained.ImageRecipe) else None
    return torch.rand(4, 5, *((n,) if n else (10, 14)), generator=seeded())


@pytest.fixture
def folder(tmp_path):
    """A copy of the shipped files of the quick model, to be damaged."""
    for suffix in ("safetensors", "json"):
        shutil.copy(files.FOLDER / f"{QUICK}.{suffix}", tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", pretrained.RECIPES)
class TestShipped:
    def test_files_are_there_and_small(self, name):
        assert name in pretrained.names()
        assert (files.FOLDER / f"{name}.safetensors").stat().st_size <= files.MAX_BYTES

    def test_loads_as_a_score_without_gradients(self, name):
        model, x = pretrained.load(name), points(pretrained.RECIPES[name])
        assert model(x, 0.1).shape == x.shape and not model(x, 0.1).requires_grad
        assert not model.training

    def test_recorded_test_error_is_the_one_it_has(self, name):
        card = pretrained.describe(name)
        error = pretrained.held_out_error(pretrained.load(name), pretrained.RECIPES[name])
        assert abs(error - card["test_error"]) < 1e-4

    def test_never_saw_a_test_photograph(self, name):
        recipe = pretrained.RECIPES[name]
        if recipe.data == "photographs":
            assert not set(recipe.pictures) & set(TEST_PHOTOGRAPHS + SCENES)
        else:
            assert recipe.seed != HELD_OUT_SEED

    def test_float64_points_get_a_float64_score(self, name):
        model, x = pretrained.load(name), points(pretrained.RECIPES[name]).double()
        assert model(x, 0.1).dtype == torch.float64
        torch.testing.assert_close(
            model(x, 0.1).float(), model(x.float(), 0.1), rtol=1e-3, atol=1e-2
        )


def image_score(name, shape):
    """The model of a recipe as a score of images, averaged over patches."""
    model, recipe = pretrained.load(name), pretrained.RECIPES[name]
    if isinstance(recipe, pretrained.ImageRecipe):
        return model
    return AveragedPrior(model, Patches(shape, recipe.patch_size))


@pytest.mark.parametrize("name", sorted(set(pretrained.RECIPES) - {"disks_1x1"}))
def test_one_step_of_tweedie_removes_most_of_the_noise(name):
    """A wrong sign would quadruple the error, a lost factor would leave nearly all of it."""
    recipe, sigma = pretrained.RECIPES[name], 0.1
    x = unseen_pictures(recipe, generator=seeded(HELD_OUT_SEED))[0][30:94, 30:94]
    y = x + sigma * torch.randn(x.shape, generator=seeded(1))
    error = (y + sigma**2 * image_score(name, x.shape)(y, sigma) - x).square().mean()
    assert float(error) < (0.35 if recipe.data == "photographs" else 0.1) * sigma**2


@pytest.mark.parametrize("name", [n for n in pretrained.RECIPES if n.endswith("normalized")])
def test_normalized_models_lose_nothing_at_another_amplitude(name):
    recipe = pretrained.RECIPES[name]
    x = unseen_pictures(recipe, generator=seeded(HELD_OUT_SEED))[0][:32, :32].double()
    y = x + 0.1 * torch.randn(x.shape, generator=seeded(1), dtype=torch.float64)
    score = image_score(name, (32, 32))
    for scale in (0.3, 3.0):
        scaled = scale * score(scale * y + 0.5, scale * 0.1)
        torch.testing.assert_close(scaled, score(y, 0.1), rtol=1e-3, atol=1e-3)  # float32 inside


def test_all_weights_together_are_below_twelve_megabytes():
    assert sum(f.stat().st_size for f in files.FOLDER.iterdir()) < 12_000_000


def test_another_weight_is_refused(folder):
    path = folder / f"{QUICK}.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"has the hash .* train photographs_5x5"):
        pretrained.load(QUICK, folder=folder)


def test_another_recipe_is_refused(folder):
    path = folder / f"{QUICK}.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    card["recipe"]["seed"] = 1
    path.write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(ValueError, match="another recipe: seed 1 instead of 0"):
        pretrained.load(QUICK, folder=folder)


def test_weights_of_another_model_are_refused_even_with_a_matching_hash(folder):
    model = TINY.build()
    pretrained.save(QUICK, model, training_seconds=0, test_error=1, folder=folder)
    with pytest.raises(ValueError, match="does not fit its recipe"):
        pretrained.load(QUICK, folder=folder)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"recipe": 3}'])
def test_a_damaged_recipe_is_refused(folder, content):
    (folder / f"{QUICK}.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"unreadable|another recipe"):
        pretrained.load(QUICK, folder=folder)


def test_missing_files_and_unknown_names_say_what_to_do(folder):
    with pytest.raises(ValueError, match=r"one of photographs_7x7.*'u_net'"):
        pretrained.load("u_net")
    (folder / f"{QUICK}.safetensors").unlink()
    with pytest.raises(ValueError, match=r"missing .* train photographs_5x5"):
        pretrained.load(QUICK, folder=folder)
    with pytest.raises(ValueError, match="missing"):
        pretrained.load(QUICK, folder=folder / "nowhere")


def test_an_interrupted_save_leaves_the_old_files(folder, monkeypatch):
    before = {p.name: p.read_bytes() for p in folder.iterdir()}

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        pretrained.save(QUICK, TINY.build(), training_seconds=0, test_error=1, folder=folder)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_a_model_too_large_to_ship_is_refused(folder):
    large = dataclasses.replace(TINY, hidden=(1000, 1000))
    with pytest.raises(ValueError, match="must fit into 3000000 bytes"):
        pretrained.save(QUICK, large.build(), training_seconds=0, test_error=1, folder=folder)


def test_test_error_is_one_for_the_zero_score():
    assert abs(pretrained.held_out_error(lambda v, sigma: torch.zeros_like(v), TINY) - 1) < 0.01


def test_training_patches_are_cut_from_the_photographs():
    v = pretrained.training_patches(TINY, generator=seeded())
    assert v.shape == (200, 9) and v.dtype == torch.float32
    assert not torch.equal(v, pretrained.training_patches(TINY, generator=seeded(1)))
    from lessons_lib.phantoms import photograph

    every = photograph("coins", dtype=torch.float32).unfold(0, 3, 1).unfold(1, 3, 1).reshape(-1, 9)
    assert torch.cdist(v[::40], every).min(dim=1).values.max() == 0


def test_a_batch_holds_turned_patches_at_stratified_noise_levels():
    """Every patch of the pool has its smallest pixel in a corner; so do all that are drawn."""
    pool = torch.arange(9.0).expand(50, 9).contiguous()
    quiet = dataclasses.replace(TINY, sigmas=(1e-4, 1e-2), num_levels=4, batch_size=16)
    levels, corners = [], set()

    def spy(v, sigma):
        levels.append(sigma.flatten())
        corners.update(v.reshape(-1, 9).argmin(dim=-1).tolist())
        return torch.zeros_like(v)

    generator = seeded()
    for _ in range(30):
        quiet.objective(pool)(spy, generator)
    assert corners == {0, 2, 6, 8}
    quarter = (torch.stack(levels).log10() + 4) / 2 * 4  # 0 to 4 across the range
    assert torch.equal(quarter.floor(), torch.arange(4.0).expand(30, 4))


def test_a_run_repeats_bit_for_bit_and_leaves_the_global_generator_alone():
    before = torch.random.get_rng_state()
    weights = []
    for _ in range(2):
        model, records = pretrained.train(TINY)
        assert [r.step for r in records] == list(range(1, 21))
        weights.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert torch.equal(*weights)
    assert torch.equal(before, torch.random.get_rng_state())


def test_command_line_lists_and_trains(tmp_path, monkeypatch, capsys):
    command.main(["list"])
    assert f"{QUICK} " in capsys.readouterr().out
    monkeypatch.setitem(pretrained.RECIPES, "tiny", TINY)
    command.main(["train", "tiny", "--folder", str(tmp_path)])
    captured = capsys.readouterr()
    assert "tiny: 20 steps" in captured.out and "20/20" in captured.err
    card = pretrained.describe("tiny", folder=tmp_path)
    assert card["num_parameters"] == 10 * 8 + 8 + 8 * 9 + 9
    error = pretrained.held_out_error(pretrained.load("tiny", folder=tmp_path), TINY)
    assert abs(error - card["test_error"]) < 1e-4
    assert sorted(p.name for p in tmp_path.iterdir()) == ["tiny.json", "tiny.safetensors"]
    with pytest.raises(SystemExit):
        command.main(["train", "unknown"])


def trained(folder):
    command.main(["train", "tiny", "--folder", str(folder)])
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.suffix == ".safetensors"}


def stopped_at(monkeypatch, step):
    """Ctrl-C in the middle of a step, after the gradient and before the weights change."""
    count = itertools.count(1)
    whole = torch.optim.Adam.step

    def step_or_stop(*words, **options):
        if next(count) == step:
            raise KeyboardInterrupt
        return whole(*words, **options)

    monkeypatch.setattr(torch.optim.Adam, "step", step_or_stop)


@pytest.mark.parametrize("step", [1, 2, 13, 20])
def test_a_run_that_was_stopped_goes_on_by_itself(tmp_path, monkeypatch, step):
    monkeypatch.setitem(pretrained.RECIPES, "tiny", TINY)
    whole = trained(tmp_path / "whole")
    part = tmp_path / "part"
    with monkeypatch.context() as patch:
        stopped_at(patch, step)
        told = f"goes on after step {step - 1}" if step > 1 else "nothing was kept"
        with pytest.raises(KeyboardInterrupt, match=told):
            trained(part)
    assert trained(part) == whole
    assert sorted(p.name for p in part.iterdir()) == ["tiny.json", "tiny.safetensors"]


def test_a_run_that_was_stopped_before_it_was_saved_only_saves(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(pretrained.RECIPES, "tiny", TINY)
    whole = trained(tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(command, "held_out_error", stop)
        with pytest.raises(KeyboardInterrupt, match="goes on after step 20"):
            trained(tmp_path / "part")
    monkeypatch.setattr(torch.optim.Adam, "step", stop)
    assert trained(tmp_path / "part") == whole
    assert "tiny: 20 steps in" in capsys.readouterr().out


def stop(*words, **options):
    raise KeyboardInterrupt


def test_a_checkpoint_of_an_older_recipe_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(pretrained.RECIPES, "tiny", TINY)
    with monkeypatch.context() as patch:
        stopped_at(patch, 5)
        with pytest.raises(KeyboardInterrupt):
            trained(tmp_path)
    monkeypatch.setitem(pretrained.RECIPES, "tiny", dataclasses.replace(TINY, batch_size=64))
    with pytest.raises(ValueError, match=r"another recipe.*; remove it to begin anew"):
        trained(tmp_path)


@pytest.mark.parametrize("kind", ["a place that cannot be written", "a model too large"])
def test_what_cannot_be_saved_is_not_trained(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(training.run.Run, "advance", stop)
    monkeypatch.setitem(pretrained.RECIPES, "tiny", TINY)
    (tmp_path / "file").write_text("", encoding="utf-8")
    folder, error, words = tmp_path / "file", OSError, "tiny.safetensors cannot be written"
    if kind == "a model too large":
        large = dataclasses.replace(TINY, hidden=(1000, 1000))
        monkeypatch.setitem(pretrained.RECIPES, "tiny", large)
        folder, error, words = tmp_path / "new", ValueError, "must fit into 3000000 bytes"
    with pytest.raises(error, match=words):
        trained(folder)


def test_the_default_dtype_changes_nothing():
    weights = []
    for dtype in (torch.float32, torch.float64):
        torch.set_default_dtype(dtype)
        try:
            model, records = pretrained.train(TINY)
            list(records)
        finally:
            torch.set_default_dtype(torch.float32)
        weights.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert torch.equal(*weights)


@pytest.mark.slow
def test_retraining_the_quick_model_meets_its_recorded_error():
    """Another CPU rounds differently, so the weights differ; the error may by 2 %."""
    model, records = pretrained.train(pretrained.RECIPES[QUICK])
    for _ in records:
        pass
    error = pretrained.held_out_error(model, pretrained.RECIPES[QUICK])
    recorded = pretrained.describe(QUICK)["test_error"]
    assert abs(error / recorded - 1) < 0.02


# --- the model of whole images -------------------------------------------------------------------


def test_the_whole_image_model_was_trained_from_fine_noise_to_beyond_the_diameter_of_its_data():
    """The largest distance of two training pictures; at such noise nothing of them is left."""
    recipe = pretrained.RECIPES["disks_whole"]
    x = training_pictures(recipe, generator=torch.Generator().manual_seed(0), size=recipe.size)
    diameter = float(torch.cdist(x.flatten(1), x.flatten(1)).max())
    low, high = recipe.sigmas
    assert low <= 0.002 and diameter < high < 2 * diameter


def test_each_corner_of_the_whole_image_model_depends_on_every_pixel():
    model, size = pretrained.load("disks_whole").double(), pretrained.RECIPES["disks_whole"].size
    x = torch.rand(size, size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for corner in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
        x.requires_grad_()
        (gradient,) = torch.autograd.grad(model(x, 0.5)[corner], x)
        assert bool((gradient != 0).all())


def test_the_whole_image_model_generates_pictures_with_the_law_of_the_disks():
    """From pure noise down the probability flow: mean, spread and the share of black pixels."""
    generator, model = torch.Generator().manual_seed(1), pretrained.load("disks_whole")
    recipe = pretrained.RECIPES["disks_whole"]
    truth = unseen_pictures(recipe, generator=torch.Generator().manual_seed(HELD_OUT_SEED))
    sigmas = torch.linspace(50 ** (1 / 7), 0.01 ** (1 / 7), 20) ** 7  # as Karras et al. space them
    start = 50 * torch.randn(32, 64, 64, generator=generator)
    *_, x = probability_flow(model, start, torch.cat([sigmas, torch.zeros(1)]))
    assert abs(float(x.mean() - truth.mean())) < 0.04
    assert abs(float(x.std() - truth.std())) < 0.05
    black = [float((pictures.abs() < 0.05).double().mean()) for pictures in (x, truth)]
    assert abs(black[0] - black[1]) < 0.1
    assert float(x.min()) > -0.5 and float(x.max()) < 1.5
