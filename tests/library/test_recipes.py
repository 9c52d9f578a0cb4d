"""Recipes: pictures, patches and crops, kinds of model, mixtures; and what they make of them."""

import dataclasses
import math

import pytest
import torch

from lessons_lib import pretrained
from lessons_lib.distributions import GaussianMixture
from lessons_lib.networks import (
    CentredScore,
    ImageScore,
    NormalizedImageScore,
    NormalizedScore,
    OrientedScore,
    PatchEnergyScore,
    PreconditionedScore,
    ScaledScore,
)
from lessons_lib.pretrained import ImageRecipe, MixtureRecipe, MixtureScore, PatchRecipe
from lessons_lib.pretrained.pictures import FLAT, crops, training_pictures, unseen_pictures

torch.set_num_threads(1)

SMALL = {"data": "disks", "pictures": 8}
PATCHES = PatchRecipe(
    patch_size=3, hidden=(8,), num_steps=10, kind="preconditioned", num_patches=400,
    mean=0.13, std=0.28, sigmas=(0.05, 0.5), **SMALL,
)  # fmt: skip
IMAGES = ImageRecipe(hidden=(2, 3), num_steps=3, crop=16, **SMALL)
MIXTURE = MixtureRecipe(
    patch_size=2, num_components=3, num_steps=4, floor=1e-4, num_patches=500, **SMALL
)


def seeded(k=0):
    return torch.Generator().manual_seed(k)


def zero(x, sigma):
    return torch.zeros_like(x)


# --- pictures ----------------------------------------------------------------------------------


@pytest.mark.parametrize("data", ["disks", "rectangles"])
def test_drawn_pictures_come_from_the_generator(data):
    recipe = dataclasses.replace(PATCHES, data=data, pictures=23)
    x = training_pictures(recipe, generator=seeded())
    assert x.shape == (23, 128, 128) and x.dtype == torch.float32
    assert torch.equal(x, training_pictures(recipe, generator=seeded()))
    assert not torch.equal(x[:20], x[:20].roll(1, 0)) and float(x.min()) == 0 < float(x.max()) <= 1


def test_photographs_are_those_named():
    recipe = dataclasses.replace(PATCHES, data="photographs", pictures=("coins", "brick"))
    assert [x.shape for x in training_pictures(recipe, generator=seeded())] == [
        (303, 384),
        (512, 512),
    ]


def test_other_pictures_are_refused():
    with pytest.raises(ValueError, match="photographs, disks or rectangles or tilted; got 'cats'"):
        pretrained.train(dataclasses.replace(PATCHES, data="cats"))


def test_statistics_in_the_recipes_are_those_of_the_pictures():
    for recipe in pretrained.RECIPES.values():
        if recipe.data == "photographs" or not hasattr(recipe, "std"):
            continue
        if recipe.kind in ("preconditioned", "unet", "experts"):
            x = unseen_pictures(recipe, generator=seeded())
            assert abs(float(x.mean()) - recipe.mean) < 0.05
            assert abs(float(x.std()) / recipe.std - 1) < 0.25


# --- patches and crops -------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_the_share_of_patches_with_an_edge_is_the_one_wanted(share):
    recipe = dataclasses.replace(PATCHES, edges=share)
    v = pretrained.training_patches(recipe, generator=seeded())
    assert v.shape == (400, 9) and v.dtype == torch.float32
    edge = v.amax(-1) - v.amin(-1) > FLAT
    assert float(edge.double().mean()) == share


def test_without_a_share_patches_come_as_they_are():
    recipe = dataclasses.replace(PATCHES, pictures=100, num_patches=20_000)
    v = pretrained.training_patches(recipe, generator=seeded())
    edge = (v.amax(-1) - v.amin(-1) > FLAT).double().mean()
    assert abs(float(edge) - 0.058) < 0.02  # six patches of a hundred


def test_patches_come_from_pictures_of_all_sizes():
    """Of 16 pixels half of a window of 16 is a picture; 24 pixels make other pictures."""
    recipe = dataclasses.replace(PATCHES, patch_size=16, sizes=(16, 24), pictures=40)
    v = pretrained.training_patches(recipe, generator=seeded())
    small = training_pictures(recipe, generator=seeded(), size=16)
    whole = (v[:, None] == small.flatten(1)).all(-1).any(-1)
    assert v.shape == (400, 256) and whole.sum() == whole[:200].sum() == 200


def test_crops_are_pieces_of_the_pictures():
    x = unseen_pictures(IMAGES, generator=seeded())
    some = crops(x, 16, 5, seeded(1))
    assert some.shape == (5, 16, 16)
    windows = x.unfold(1, 16, 1).unfold(2, 16, 1)
    assert all(bool((windows == crop).all(-1).all(-1).any()) for crop in some[:2])
    photographs = dataclasses.replace(IMAGES, data="photographs", pictures=("coins", "brick"))
    pictures = training_pictures(photographs, generator=seeded())
    assert crops(pictures, 16, 5, seeded()).shape == (5, 16, 16)


# --- kinds of model ----------------------------------------------------------------------------


def recipe_of(kind):
    if kind == "mixture":
        return MIXTURE
    if kind in ("unet", "whole", "whole_normalized", "experts"):
        size = 3 if kind == "experts" else None
        return dataclasses.replace(IMAGES, kind=kind, patch_size=size)
    return dataclasses.replace(PATCHES, kind=kind)


@pytest.mark.parametrize(
    ("kind", "made"),
    [
        ("centred", CentredScore),
        ("preconditioned", PreconditionedScore),
        ("talk", ScaledScore),
        ("normalized", NormalizedScore),
        ("oriented", OrientedScore),
        ("mixture", MixtureScore),
        ("unet", ImageScore),
        ("whole", ImageScore),
        ("whole_normalized", NormalizedImageScore),
        ("experts", PatchEnergyScore),
    ],
)
class TestKinds:
    def test_is_built_trained_saved_and_loaded(self, kind, made, tmp_path, monkeypatch):
        recipe = recipe_of(kind)
        monkeypatch.setitem(pretrained.RECIPES, "tiny", recipe)
        model, records = pretrained.train(recipe)
        assert type(model) is made
        assert [r.step for r in records] == list(range(1, recipe.num_steps + 1))
        error = pretrained.held_out_error(model, recipe, num=256)
        pretrained.save("tiny", model, training_seconds=1, test_error=error, folder=tmp_path)
        loaded = pretrained.load("tiny", folder=tmp_path)
        assert pretrained.held_out_error(loaded, recipe, num=256) == error < 5

    def test_a_run_repeats_bit_for_bit(self, kind, made):
        weights = []
        for _ in range(2):
            model, records = pretrained.train(recipe_of(kind))
            for _ in records:
                pass
            weights.append(torch.cat([w.flatten() for w in model.state_dict().values()]))
        assert torch.equal(*weights)

    def test_the_zero_score_explains_nothing(self, kind, made):
        recipe = dataclasses.replace(recipe_of(kind), sigmas=(0.05, 0.5))
        assert abs(pretrained.held_out_error(zero, recipe, num=1024) - 1) < 0.02


def test_unknown_kinds_are_refused():
    with pytest.raises(ValueError, match=r"kind must be one of centred.*'magic'"):
        dataclasses.replace(PATCHES, kind="magic").build()


def test_the_network_of_the_talk_has_the_size_and_activations_printed_there():
    hidden = (40, 80, 160, 320, 320, 160, 80, 40)
    model = dataclasses.replace(PATCHES, kind="talk", hidden=hidden).build()
    layers = [type(layer).__name__ for layer in model.net]
    assert layers[1::2] == ["LeakyReLU"] * 5 + ["Tanh"] * 3 and len(layers) == 17
    assert sum(p.numel() for p in model.parameters()) == 238_729
    assert not model.conditional  # blind


# --- MixtureScore ------------------------------------------------------------------------------


def mixture(n=4, num=3, zero_mean=False):
    a = torch.randn(num, n, n, generator=seeded(1), dtype=torch.float64)
    means = torch.randn(num, n, generator=seeded(2), dtype=torch.float64)
    covs = a @ a.mT / n + 0.1 * torch.eye(n)
    weights = torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64)
    rounded = [t.float().double() for t in (means * (not zero_mean), (covs + covs.mT) / 2)]
    return GaussianMixture(weights.float().double(), *rounded)


@pytest.mark.parametrize("sigma", [0.0, 0.05, 2.0])
def test_the_module_is_the_score_of_its_mixture(sigma):
    oracle, v = mixture(), 2 * torch.randn(6, 7, 4, generator=seeded(), dtype=torch.float64)
    model = MixtureScore.of(oracle)
    torch.testing.assert_close(model(v, sigma), oracle.score(v, sigma), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(model.score(v, sigma), model(v, sigma))
    torch.testing.assert_close(model.log_prob(v, sigma), oracle.log_prob(v, sigma))


def test_one_level_for_each_patch():
    oracle, v = mixture(), torch.randn(6, 7, 4, generator=seeded(), dtype=torch.float64)
    sigma = torch.rand(6, 7, generator=seeded(3), dtype=torch.float64)
    torch.testing.assert_close(MixtureScore.of(oracle)(v, sigma), oracle.score(v, sigma))


@pytest.mark.parametrize("sigma", [0.05, 0.7])
def test_centred_it_is_the_gradient_of_the_density_of_the_residual(sigma):
    """Against normals on the coordinates that are left when brightness is taken away."""
    data = torch.randn(500, 9, generator=seeded(), dtype=torch.float64)
    data = data * torch.linspace(0.1, 2, 9) @ torch.randn(9, 9, generator=seeded(4)).double()
    v = torch.randn(5, 9, generator=seeded(5), dtype=torch.float64).requires_grad_()
    recipe = dataclasses.replace(MIXTURE, patch_size=3, centred=True)
    ones = torch.ones(9, 1, dtype=torch.float64)
    left = torch.linalg.qr(torch.cat([ones, torch.eye(9, dtype=ones.dtype)[:, :8]], 1)).Q[:, 1:]
    centred = data - data.mean(-1, keepdim=True)
    from lessons_lib.distributions import fit_mixture

    *_, fitted = fit_mixture(centred, 3, num_steps=5, floor=1e-4, zero_mean=True)
    model = recipe.build()
    model.follow(fitted)
    m = model.mixture
    inner = GaussianMixture(m.weights, m.means @ left, left.T @ m.covs @ left)
    log_p = inner.log_prob(v @ left, sigma)
    torch.testing.assert_close(model.log_prob(v.detach(), sigma), log_p.detach(), rtol=1e-5,
                               atol=1e-5)  # fmt: skip
    (gradient,) = torch.autograd.grad(log_p.sum(), v)
    s = model(v.detach(), sigma)
    torch.testing.assert_close(s, gradient, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(model(v.detach() + 5, sigma), s)
    assert float(s.sum(-1).abs().max()) < 1e-10


def test_loading_other_parameters_changes_the_score():
    v = torch.randn(6, 4, generator=seeded(), dtype=torch.float64)
    model, other = MixtureScore.of(mixture()), MixtureScore(3, 4)
    before = other(v, 0.1)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(v, 0.1), model(v, 0.1)) and not torch.equal(before, model(v, 0.1))


def test_float32_patches_and_bad_input():
    model = MixtureScore.of(mixture())
    v = torch.randn(6, 4, generator=seeded())
    assert model(v, 0.1).dtype == torch.float32
    torch.testing.assert_close(model(v, 0.1).double(), model(v.double(), 0.1), rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match=r"x must have shape \(\*, 4\), got \(6, 3\)"):
        model(v[:, :3], 0.1)
    with pytest.raises(ValueError, match="sigma"):
        model(v, -0.1)


def test_a_mixture_recipe_raises_the_likelihood_step_by_step():
    _, records = pretrained.train(dataclasses.replace(MIXTURE, num_steps=6))
    losses = [record.loss for record in records]
    assert losses[-1] < losses[0] and all(math.isfinite(value) for value in losses)
