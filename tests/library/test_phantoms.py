"""`lessons_lib.phantoms`: bundled, in range, reproducible, with exact partial volume."""

import socket

import pytest
import torch

from lessons_lib import phantoms
from lessons_lib.phantoms import head_mr, spine_ct

torch.set_num_threads(1)


def seeded(k=0):
    return torch.Generator().manual_seed(k)


@pytest.mark.parametrize("name", phantoms.TRAIN_PHOTOGRAPHS + phantoms.TEST_PHOTOGRAPHS)
def test_photographs_come_from_the_wheel_without_a_network(name, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a photograph must never be downloaded")

    monkeypatch.setattr(socket, "socket", refuse)
    x = phantoms.photograph(name)
    assert x.ndim == 2 and min(x.shape) >= 300 and x.dtype == torch.float64
    assert 0 <= x.min() and x.max() <= 1 and x.max() - x.min() > 0.4


def test_train_and_test_photographs_do_not_overlap():
    assert not set(phantoms.TRAIN_PHOTOGRAPHS) & set(phantoms.TEST_PHOTOGRAPHS)


def test_photographs_agree_with_the_loader_of_scikit_image():
    from skimage import data

    wanted = torch.as_tensor(data.camera() / 255)
    assert torch.equal(phantoms.photograph("camera"), wanted)
    single = phantoms.photograph("camera", dtype=torch.float32)
    assert torch.equal(single, wanted.to(torch.float32))


def test_unknown_photograph_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"camera.*'lena'"):
        phantoms.photograph("lena")


@pytest.mark.parametrize("name", phantoms.SCENES)
def test_scenes_are_whole_and_come_without_a_network(name, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a scene must never be downloaded")

    monkeypatch.setattr(socket, "socket", refuse)
    x = phantoms.scene(name)
    assert x.shape == (256, 256) and x.dtype == torch.float64
    assert 0 <= x.min() and x.max() <= 1 and x.std() > 0.05


def test_no_scene_is_trained_on_and_none_stands_twice():
    assert len(phantoms.SCENES) >= 8 and not set(phantoms.SCENES) & set(phantoms.TRAIN_PHOTOGRAPHS)
    small = torch.stack([phantoms.scene(k, size=16) for k in phantoms.SCENES]).flatten(1)
    trained = torch.stack(
        [phantoms.photograph(k, size=16)[:16, :16].flatten() for k in phantoms.TRAIN_PHOTOGRAPHS]
    )
    alike = torch.corrcoef(torch.cat([small, trained])) - torch.eye(18)
    assert alike.max() < 0.9


def test_a_reduced_picture_keeps_its_mean_and_its_shape():
    whole, half = phantoms.photograph("coins"), phantoms.photograph("coins", size=101)
    assert half.shape == (101, 128)
    assert float(half.mean()) == pytest.approx(float(whole.mean()), abs=2e-3)
    middle = phantoms.photograph("camera")
    means = middle.reshape(256, 2, 256, 2).mean((1, 3))
    assert float((phantoms.scene("camera") - means).abs().mean()) < 0.02


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (lambda: phantoms.scene("lena"), "one of camera, clock.*got 'lena'"),
        (lambda: phantoms.scene("stairs", size=300), "size must be .*256.*got 300"),
        (lambda: phantoms.photograph("coins", size=0), "size must be .*got 0"),
    ],
)
def test_a_scene_that_is_not_there_is_refused(load, message):
    with pytest.raises(ValueError, match=message):
        load()


@pytest.mark.parametrize("draw", [phantoms.disks, phantoms.rectangles])
def test_random_phantoms_are_in_range_and_reproducible(draw):
    x = draw(20, size=32, generator=seeded())
    assert x.shape == (20, 32, 32) and x.min() >= 0 and x.max() <= 1
    assert torch.equal(x, draw(20, size=32, generator=seeded()))
    assert not torch.equal(x, draw(20, size=32, generator=seeded(1)))
    assert draw(1, size=8, generator=seeded(), dtype=torch.float32).dtype == torch.float32


@pytest.mark.parametrize("draw", [phantoms.disks, phantoms.rectangles])
def test_random_phantoms_leave_the_global_generator_alone(draw):
    before = torch.random.get_rng_state()
    draw(3, size=16, generator=seeded())
    assert torch.equal(before, torch.random.get_rng_state())


def test_rectangles_have_rank_one_and_their_exact_area():
    """Given the cuts, the sum over pixels is brightness times the area, to rounding."""
    x = phantoms.rectangles(50, size=24, generator=seeded())
    u = torch.rand(50, 5, generator=seeded(), dtype=torch.float64)
    area = (24 * (u[:, 0] - u[:, 1])).abs() * (24 * (u[:, 2] - u[:, 3])).abs()
    torch.testing.assert_close(x.sum(dim=(1, 2)), (0.2 + 0.8 * u[:, 4]) * area)
    assert torch.linalg.svdvals(x)[:, 1].max() < 1e-12


def test_a_disk_has_about_the_area_of_a_disk():
    x = phantoms.disks(400, size=64, max_disks=1, supersample=8, generator=seeded(3))
    u = torch.rand(400, 1, 4, generator=seeded(3), dtype=torch.float64)[:, 0]
    radius = 64 * (1 / 16 + u[:, 2] * 3 / 16)
    centre = 64 * u[:, :2]
    whole = ((centre > radius[:, None]) & (centre < 64 - radius[:, None])).all(dim=1)
    ratio = x.sum(dim=(1, 2)) / ((0.2 + 0.8 * u[:, 3]) * torch.pi * radius**2)
    assert whole.sum() > 50
    assert (ratio[whole] - 1).abs().max() < 0.02
    assert (ratio[~whole] < 1.02).all()


@pytest.mark.parametrize("bad", [{"num": 0}, {"num": 2, "size": 0}])
def test_counts_must_be_positive(bad):
    for draw in (phantoms.disks, phantoms.rectangles):
        with pytest.raises(ValueError, match="must be a positive integer, got 0"):
            draw(**bad)


def test_scans_are_real_images_with_a_stated_scale():
    head, spine = head_mr(), spine_ct()
    assert head.shape == (256, 256) and float(head.min()) == 0 and float(head.max()) == 1
    assert len(head.unique()) > 200
    assert spine.shape == (128, 128) and 0.1 < float(spine.min()) < 0.2
    assert abs(float(spine.max()) - 2.167) < 1e-9  # 1167 HU
    assert abs(float(spine.median()) - 1) < 0.1  # muscle is nearly water
    assert (
        head_mr(dtype=torch.float32).dtype == spine_ct(dtype=torch.float32).dtype == torch.float32
    )


def test_blocks_of_the_head_are_averages():
    head = head_mr()
    small = head_mr(block=4)
    torch.testing.assert_close(small[20, 25], head[80:84, 100:104].mean())
    assert small.shape == (64, 64)
    with pytest.raises(ValueError, match="block must divide 256, got 3"):
        head_mr(block=3)
    with pytest.raises(ValueError, match="block must be a positive integer"):
        head_mr(block=0)


def test_scans_are_read_without_a_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    assert head_mr(block=2).shape == spine_ct().shape == (128, 128)
