"""Scores that are told what does not matter: symmetries and amplitude, exactly."""

import pytest
import torch

from lessons_lib import metrics
from lessons_lib.distributions import Gaussian, GaussianField, matern_spectrum
from lessons_lib.networks import EnergyScore, PreconditionedScore, mlp
from lessons_lib.patches import Patches
from lessons_lib.priors import AveragedPrior, ScaleFreeScore, SymmetricScore

torch.set_num_threads(1)
F64 = torch.float64


def draw(*shape, seed=0):
    return torch.randn(*shape, dtype=F64, generator=torch.Generator().manual_seed(seed))


def crooked(p=4):
    """An untrained network on patches: no symmetry at all."""
    net = mlp((p * p + 1, 32, p * p), generator=torch.Generator().manual_seed(3)).double()
    return PreconditionedScore(net, mean=0.3, std=0.7).requires_grad_(False)


def lopsided(x, sigma=0.0):
    """A score of images without symmetry."""
    ramp = torch.arange(x.shape[-1], dtype=x.dtype)
    return torch.sin(x + ramp) * (1 + ramp[:, None]) + x.square() - x.cumsum(-1)


MOVES = {
    "turn": lambda x: torch.rot90(x, 1, dims=(-2, -1)),
    "half turn": lambda x: torch.rot90(x, 2, dims=(-2, -1)),
    "mirror": lambda x: x.flip(-1),
    "upside down": lambda x: x.flip(-2),
    "transpose": lambda x: x.mT,
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_an_averaged_score_commutes_with_the_symmetries_of_the_square(move):
    x, symmetric = draw(2, 6, 6), SymmetricScore(lopsided)
    torch.testing.assert_close(symmetric(move(x)), move(symmetric(x)), rtol=0, atol=1e-12)
    assert (lopsided(move(x)) - move(lopsided(x))).abs().max() > 0.1  # the score itself does not


def test_patches_are_squares_too():
    v = draw(3, 5, 16)
    on_patches = SymmetricScore(crooked(), side=4)(v, 0.4)
    on_images = SymmetricScore(lambda x, s: crooked()(x.flatten(-2), s).reshape(x.shape))
    wanted = on_images(v.unflatten(-1, (4, 4)), 0.4).flatten(-2)
    torch.testing.assert_close(on_patches, wanted, rtol=0, atol=1e-12)


def test_averaging_patches_is_averaging_the_image():
    cover, x = Patches((9, 9), 4), draw(9, 9)
    inside = AveragedPrior(SymmetricScore(crooked(), side=4), cover)
    outside = SymmetricScore(AveragedPrior(crooked(), cover))
    torch.testing.assert_close(inside(x, 0.3), outside(x, 0.3), rtol=0, atol=1e-12)


def test_a_symmetric_score_is_left_as_it_is():
    field, x = GaussianField(matern_spectrum((8, 8), length=2.0)), draw(8, 8)
    torch.testing.assert_close(SymmetricScore(field.score)(x, 0.2), field.score(x, 0.2))


def test_averaging_keeps_a_gradient_a_gradient():
    energy = mlp((9, 16, 1), generator=torch.Generator().manual_seed(2)).double()
    symmetric = SymmetricScore(EnergyScore(energy), side=3)
    assert metrics.curl(symmetric, draw(4, 9)).max() < 1e-12


def test_averaging_never_raises_the_loss_on_symmetric_data():
    """Jensen's inequality on a whole orbit of images and noises, without sampling error."""
    moves = [MOVES["turn"], MOVES["mirror"], MOVES["transpose"], MOVES["half turn"]]
    x0, noise, sigma = draw(3, 5, 5), draw(3, 5, 5, seed=1), 0.6
    orbit = [(x0, noise)]
    for _ in range(3):  # closes the group of eight
        orbit += [(move(a), move(b)) for move in moves for a, b in orbit]

    def loss(score):
        terms = [(score(a + sigma * b, sigma) + b / sigma).square().mean() for a, b in orbit]
        return float(torch.stack(terms).mean())

    assert loss(SymmetricScore(lopsided)) < loss(lopsided)


@pytest.mark.parametrize("event_dims", [1, 2])
@pytest.mark.parametrize("level", [None, 0.4])
@pytest.mark.parametrize("a", [0.01, 0.3, 3.0, 500.0])
def test_a_change_of_units_changes_the_units_of_the_score(event_dims, level, a):
    score = crooked() if event_dims == 1 else lopsided
    x = draw(3, 16) if event_dims == 1 else draw(3, 5, 5)
    free = ScaleFreeScore(score, spread=0.5, level=level, event_dims=event_dims)
    for sigma in (0.3, torch.tensor([0.2, 0.5, 3.0], dtype=F64)):
        torch.testing.assert_close(free(a * x, a * sigma), free(x, sigma) / a, rtol=1e-9, atol=0)


def test_an_offset_does_not_matter_once_there_is_a_level():
    free, x = ScaleFreeScore(lopsided, spread=0.5, level=0.4), draw(3, 5, 5)
    torch.testing.assert_close(free(x + 7, 0.3), free(x, 0.3), rtol=0, atol=1e-9)
    blind = ScaleFreeScore(lopsided, spread=0.5)
    assert (blind(x + 7, 0.3) - blind(x, 0.3)).abs().max() > 0.1


def test_at_the_amplitude_of_the_training_set_nothing_changes():
    """The amplitude is read off one noisy image; of a large one to within a few percent."""
    field = GaussianField(matern_spectrum((64, 64), length=1.5, std=0.5))
    x = field.sample(20, torch.Generator().manual_seed(0)) + 0.3 * draw(20, 64, 64, seed=1)
    free = ScaleFreeScore(field.score, spread=0.5)
    assert float(free.amplitude(x, 0.3).mean()) == pytest.approx(1, abs=0.03)
    gap = (free(x, 0.3) - field.score(x, 0.3)).norm() / field.score(x, 0.3).norm()
    assert gap < 0.05


def test_the_amplitude_of_pure_noise_has_a_floor():
    free = ScaleFreeScore(Gaussian(torch.zeros(4), 1.0).score, spread=1.0, event_dims=1)
    torch.testing.assert_close(free.amplitude(torch.ones(4), 0.5), torch.tensor(0.05))


def test_bad_arguments_are_named():
    with pytest.raises(TypeError, match="score must be callable"):
        SymmetricScore(None)
    with pytest.raises(ValueError, match="side must be a positive integer, got 0"):
        SymmetricScore(lopsided, side=0)
    with pytest.raises(ValueError, match=r"square images .*got \(5, 6\)"):
        SymmetricScore(lopsided)(draw(5, 6))
    with pytest.raises(ValueError, match="x must have shape"):
        SymmetricScore(crooked(), side=4)(draw(15), 0.3)
    with pytest.raises(TypeError, match="score must be callable"):
        ScaleFreeScore("score", spread=1.0)
    with pytest.raises(ValueError, match="spread must be positive"):
        ScaleFreeScore(lopsided, spread=-1.0)
    with pytest.raises(ValueError, match="event_dims must be 1 or 2"):
        ScaleFreeScore(lopsided, spread=1.0, event_dims=3)
    with pytest.raises(ValueError, match="sigma must be positive"):
        ScaleFreeScore(lopsided, spread=1.0)(draw(5, 5), 0.0)
