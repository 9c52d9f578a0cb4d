"""OrientedScore: turns and mirrors commute with it, and what it wraps keeps its own laws."""

import pytest
import torch
from torch import nn

from lessons_lib.networks import NormalizedScore, OrientedScore, mlp
from lessons_lib.priors import SymmetricScore


def patches(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def plain(n):
    net = mlp((n + 1, 16, n), generator=torch.Generator().manual_seed(1))
    return NormalizedScore(net).double()


def turned(v, side, turns, mirror):
    square = torch.rot90(v.unflatten(-1, (side, side)), turns, dims=(-2, -1))
    return (square.flip(-1) if mirror else square).flatten(-2)


@pytest.mark.parametrize("side", [2, 3, 4, 5])
@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("turns", range(4))
def test_every_symmetry_of_the_square_commutes_with_the_score(side, turns, mirror):
    score, v = OrientedScore(plain(side**2), side), patches(6, 7, side**2)
    wanted = turned(score(v, 0.3), side, turns, mirror)
    torch.testing.assert_close(score(turned(v, side, turns, mirror), 0.3), wanted)
    if turns or mirror:  # the score inside does not have this law: the wrapper makes it
        inside = plain(side**2)
        assert not torch.allclose(
            inside(turned(v, side, turns, mirror), 0.3), turned(inside(v, 0.3), side, turns, mirror)
        )


def test_the_score_inside_sees_patches_that_rise_to_the_right():
    class Remember(nn.Module):
        def forward(self, v, sigma):
            self.seen = v
            return torch.zeros_like(v)

    inside = Remember()
    OrientedScore(inside, 3)(patches(50, 9), 0.1)
    square = inside.seen.unflatten(-1, (3, 3))
    right = (square[..., 2] - square[..., 0]).sum(-1)
    down = (square[..., 2, :] - square[..., 0, :]).sum(-1)
    assert bool((right >= down).all()) and bool((down >= 0).all())
    # turning moves pixels and changes none
    torch.testing.assert_close(inside.seen.sort(-1).values, patches(50, 9).sort(-1).values)


def test_a_score_that_has_the_symmetries_is_left_as_it_is():
    class Even(nn.Module):
        def forward(self, v, sigma):
            return SymmetricScore(plain(9), side=3)(v, sigma)

    v = patches(20, 9)
    torch.testing.assert_close(OrientedScore(Even(), 3)(v, 0.2), Even()(v, 0.2))


def test_what_the_score_inside_ignores_is_ignored_still():
    score, v = OrientedScore(plain(25), 5), patches(30, 25)
    torch.testing.assert_close(3 * score(3 * v + 0.7, 0.6), score(v, 0.2))


def test_the_tables_are_no_weights():
    inside = plain(9)
    assert set(OrientedScore(inside, 3).state_dict()) == {f"score.{k}" for k in inside.state_dict()}


def test_float32_and_batches_without_rows():
    score = OrientedScore(plain(9).float(), 3)
    assert score(patches(4, 2, 9).float(), torch.rand(4, 1) + 0.1).dtype == torch.float32
    assert score(patches(0, 9), 0.1).shape == (0, 9)


def test_wrong_arguments_are_refused():
    for side in (0, 3.0):
        with pytest.raises(ValueError, match="side must be a positive integer"):
            OrientedScore(plain(9), side)
    with pytest.raises(ValueError, match=r"v must .*9"):
        OrientedScore(plain(9), 3)(patches(2, 8), 0.1)
