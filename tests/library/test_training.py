"""The loop: reaches a known answer, resumes exactly, refuses, stops on NaN, saves whole files."""

import itertools
import math
import os

import numpy as np
import pytest
import torch
from torch import nn

from lessons_lib import training
from lessons_lib.networks import mlp
from lessons_lib.training import Record, progress_of, train
from lessons_lib.training.pace import moving_average

OPTIONS = dict(num_steps=40, learning_rate=0.01, warmup=5, ema=0.9, clip=1.0)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def model(seed=0):
    return mlp((2, 8, 1), generator=seeded(seed))


def objective(net, generator):
    """Regression of x1 * x2 on fresh points."""
    x = torch.randn(32, 2, generator=generator)
    return (net(x)[:, 0] - x.prod(-1)).square().mean()


def run(net, **options):
    return list(train(net, objective, generator=seeded(1), **{**OPTIONS, **options}))


def same(one, two):
    pairs = zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


class Point(nn.Module):
    """One parameter, so that the answer is known."""

    def __init__(self, value=0.0):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))


def test_it_finds_the_minimum_and_yields_every_step():
    point = Point()
    records = list(
        train(
            point,
            lambda net, g: (net.value - 3.0).square(),
            num_steps=400,
            generator=seeded(),
            learning_rate=0.1,
        )
    )
    assert float(point.value.detach()) == pytest.approx(3.0, abs=1e-3)
    assert [r.step for r in records] == list(range(1, 401))
    assert records[0].loss == 9.0
    assert all(isinstance(r, Record) for r in records)
    assert all(a.seconds <= b.seconds for a, b in itertools.pairwise(records))


def test_the_same_seed_gives_the_same_numbers():
    one, two = model(), model()
    assert [r.loss for r in run(one)] == [r.loss for r in run(two)]
    assert same(one, two)


def test_the_global_seed_is_not_touched():
    before = torch.random.get_rng_state()
    run(model())
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("stop", [1, 10, 17, 39])
@pytest.mark.parametrize("ema", [None, 0.9])
def test_a_resumed_run_gives_the_numbers_of_an_uninterrupted_one(tmp_path, stop, ema):
    whole = model()
    expected = run(whole, ema=ema)
    path = tmp_path / "run.pt"
    settings = dict(ema=ema, checkpoint=path, checkpoint_every=stop)
    for record in train(model(), objective, generator=seeded(1), **{**OPTIONS, **settings}):
        if record.step == stop:
            break
    resumed = model(seed=99)  # other weights and another generator: both come from the file
    rest = list(train(resumed, objective, generator=seeded(7), **{**OPTIONS, **settings}))
    assert [r.loss for r in rest] == [r.loss for r in expected[stop:]]
    assert [r.step for r in rest] == list(range(stop + 1, 41))
    assert same(resumed, whole)


def test_a_finished_run_is_loaded_without_a_step(tmp_path):
    path = tmp_path / "run.pt"
    done, again = model(), model(seed=3)
    run(done, checkpoint=path)
    assert run(again, checkpoint=path) == []
    assert same(done, again)


@pytest.mark.parametrize(
    "change",
    [
        {"learning_rate": 0.02},
        {"num_steps": 41},
        {"ema": 0.99},
        {"clip": None},
        {"schedule": "constant"},
        {"warmup": 0},
        {"recipe": "other data"},
    ],
)
def test_a_checkpoint_of_another_recipe_is_refused(tmp_path, change):
    path = tmp_path / "run.pt"
    run(model(), checkpoint=path)
    with pytest.raises(ValueError, match=f"another recipe: {next(iter(change))} was"):
        run(model(), checkpoint=path, **change)


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    path = tmp_path / "run.pt"
    run(model(), checkpoint=path)
    with pytest.raises(ValueError, match="another model"):
        run(mlp((2, 9, 1)), checkpoint=path)


def test_a_file_that_is_no_checkpoint_is_refused_and_runs_no_code(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "exploded"),))

    for content in (Bomb(), {"weights": torch.zeros(2)}):
        path = tmp_path / "run.pt"
        torch.save(content, path)
        with pytest.raises(ValueError, match="cannot be read"):
            run(model(), checkpoint=path)
    (tmp_path / "text.pt").write_text("hello", encoding="utf-8")
    with pytest.raises(ValueError, match="cannot be read"):
        run(model(), checkpoint=tmp_path / "text.pt")
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("ema", [None, np.float64(0.9)])
def test_settings_from_numpy_or_torch_are_kept_as_plain_numbers(tmp_path, ema):
    """A checkpoint with their types in it would not be read again: loading runs no code."""
    path = tmp_path / "run.pt"
    made = {
        "learning_rate": np.float64(1e-2),
        "clip": torch.tensor(1.0, dtype=torch.float64),
        "warmup": 5,
        "schedule": np.str_("cosine"),
        "recipe": np.str_("any"),
    }
    net = model()
    for record in train(
        net,
        objective,
        generator=seeded(1),
        **{**OPTIONS, **made, "ema": ema, "checkpoint": path, "checkpoint_every": 5},
    ):
        if record.step == 20:
            break
    settings = torch.load(path, weights_only=True)["settings"]
    kinds = {type(value) for value in settings.values() if value is not None}
    assert kinds == {int, float, str}
    plain = {"learning_rate": 1e-2, "clip": 1.0, "warmup": 5, "recipe": "any"}
    rest = run(net, **plain, ema=None if ema is None else 0.9, checkpoint=path)
    assert [r.step for r in rest] == list(range(21, 41))


def test_progress_is_read_off_a_checkpoint(tmp_path):
    path = tmp_path / "run.pt"
    assert progress_of(path) is None
    records = run(model(), checkpoint=path)
    assert progress_of(path) == (40, records[-1].seconds)
    path.write_text("hello", encoding="utf-8")
    with pytest.raises(ValueError, match=r"run.pt cannot be read.*remove it to begin anew"):
        progress_of(path)


def test_seconds_are_those_of_the_clock_over_all_parts_of_a_run(tmp_path):
    """Each step of the training reads the clock twice, the caller between two steps once."""
    clock = itertools.count().__next__
    options = {**OPTIONS, "checkpoint": tmp_path / "run.pt", "checkpoint_every": 10}
    for record in train(model(), objective, generator=seeded(1), clock=clock, **options):
        clock()
        if record.step == 10:
            break
    *_, last = train(model(), objective, generator=seeded(1), clock=clock, **options)
    assert last.seconds == 40


def test_a_checkpoint_that_cannot_be_written_is_refused_before_the_first_step(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OSError, match="below cannot be written"):
        train(
            model(), objective, generator=seeded(1), **OPTIONS, checkpoint=tmp_path / "file/below"
        )


def test_a_failed_save_leaves_the_old_checkpoint_whole(tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    options = {**OPTIONS, "checkpoint": path, "checkpoint_every": 5}
    for record in train(model(), objective, generator=seeded(), **options):
        if record.step == 5:
            break
    old = path.read_bytes()

    def disk_full(state, file):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", disk_full)
    with pytest.raises(OSError, match="disk full"):
        list(train(model(), objective, generator=seeded(), **options))
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"]


def test_nan_stops_with_the_step_and_keeps_the_last_weights():
    point = Point(1.0)
    seen = []

    def breaks(net, generator):
        return net.value * (math.nan if len(seen) == 6 else 1.0)

    with pytest.raises(FloatingPointError, match="loss is nan at step 7"):
        for record in train(point, breaks, num_steps=20, generator=seeded()):
            seen.append(record)
    assert len(seen) == 6
    assert math.isfinite(float(point.value.detach()))


def test_an_infinite_gradient_stops_too():
    with pytest.raises(FloatingPointError, match=r"gradient is \w+ at step 1"):
        list(train(Point(0.0), lambda m, g: m.value.sqrt(), num_steps=2, generator=seeded()))


def test_the_average_is_what_the_model_holds_at_the_end():
    plain, averaged = Point(), Point()
    history = []

    def slope(net, generator):
        return -net.value

    options = dict(num_steps=30, generator=seeded(), schedule="constant", learning_rate=0.1)
    for _ in train(plain, slope, **options):
        history.append(float(plain.value.detach()))
    list(train(averaged, slope, ema=0.8, **options))
    expected = 0.0
    for k, value in enumerate(history):
        keep = min(0.8, (1 + k) / (10 + k))
        expected = keep * expected + (1 - keep) * value
    assert float(averaged.value.detach()) == pytest.approx(expected, rel=1e-5)


def test_leaving_the_loop_early_also_swaps_the_average_in():
    point = Point()
    records = train(
        point, lambda m, g: -m.value, num_steps=50, generator=seeded(), ema=0.9, learning_rate=0.1
    )
    for record in records:
        if record.step == 10:
            raw = float(point.value.detach())
            break
    records.close()
    assert 0 < float(point.value.detach()) < raw


def test_the_average_starts_at_the_weights_and_follows_them_slowly():
    point = Point(0.0)
    average = moving_average(point, 0.75)
    with torch.no_grad():
        point.value.fill_(1.0)
    wanted = 0.0
    for k in range(1, 60):
        average.update_parameters(point)
        keep = min(0.75, k / (9 + k))
        wanted = keep * wanted + (1 - keep)
        assert float(average.module.value.detach()) == pytest.approx(wanted, rel=1e-6)


def test_warm_up_and_cosine_set_the_size_of_the_steps():
    point, path = Point(), [0.0]
    for _ in train(
        point, lambda m, g: -m.value, num_steps=20, generator=seeded(), learning_rate=0.1, warmup=4
    ):
        path.append(float(point.value.detach()))
    moved = torch.tensor(path).diff() / 0.1  # with a constant gradient Adam moves by the rate
    wanted = [(k + 1) / 5 for k in range(4)]
    wanted += [0.5 * (1 + math.cos(math.pi * k / 16)) for k in range(16)]
    torch.testing.assert_close(moved, torch.tensor(wanted), rtol=1e-4, atol=1e-5)


def test_clipping_changes_the_run_only_when_the_gradient_is_large():
    losses = {c: [r.loss for r in run(model(), clip=c)] for c in (None, 1e6, 0.01)}
    assert losses[None] == losses[1e6] != losses[0.01]


def test_progress_is_shown_when_asked(capsys):
    run(model(), progress=True)
    assert "40/40" in capsys.readouterr().err
    run(model())
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "change",
    [
        {"num_steps": 0},
        {"num_steps": 2.5},
        {"learning_rate": -1.0},
        {"schedule": "linear"},
        {"warmup": -1},
        {"ema": 1.0},
        {"clip": 0.0},
        {"checkpoint_every": 0},
    ],
)
def test_bad_options_are_named_before_the_first_step(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        train(model(), objective, generator=seeded(), **{**OPTIONS, **change})


def test_an_objective_must_return_a_scalar():
    with pytest.raises(ValueError, match="objective"):
        list(train(model(), lambda m, g: m(torch.zeros(3, 2)), generator=seeded(), num_steps=1))


def test_a_model_without_parameters_is_refused():
    with pytest.raises(ValueError, match="model"):
        train(nn.Identity(), objective, generator=seeded(), num_steps=1)


def test_the_schedules_run_from_one():
    assert {name: f(0.0) for name, f in training.SCHEDULES.items()} == {
        "constant": 1.0,
        "cosine": 1.0,
    }
