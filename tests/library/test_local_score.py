"""The best local score, against its definition pixel by pixel and against what it must beat."""

import pytest
import torch

from lessons_lib import losses
from lessons_lib.distributions import Parzen
from lessons_lib.priors import LocalScore

torch.set_num_threads(1)
F64 = torch.float64


def pictures(*shape, seed=0):
    return torch.rand(*shape, dtype=F64, generator=torch.Generator().manual_seed(seed))


def seen(place, length, reach):
    """Neighbours before and after a pixel, as far as the window and the image go."""
    return min(reach, place), min(reach, length - 1 - place)


def window(image, row, col, reach):
    (up, down), (left, right) = (
        seen(*side, reach) for side in zip((row, col), image.shape, strict=True)
    )
    return image[row - up : row + down + 1, col - left : col + right + 1]


def by_definition(images, x, sigma, reach):
    """One pixel after the other, one training window after the other."""
    height, width = x.shape
    places = [(r, c) for r in range(height) for c in range(width)]
    kind = {p: (seen(p[0], height, reach), seen(p[1], width, reach)) for p in places}
    score = torch.zeros_like(x)
    for here in places:
        same = [(image, p) for image in images for p in places if kind[p] == kind[here]]
        gaps = [((window(image, *p, reach) - window(x, *here, reach)) ** 2).sum()
                for image, p in same]  # fmt: skip
        weights = torch.softmax(-torch.stack(gaps) / (2 * sigma**2), 0)
        centres = torch.stack([image[p] for image, p in same])
        score[here] = (weights @ centres - x[here]) / sigma**2
    return score


@pytest.mark.parametrize("sigma", [0.05, 0.3, 2.0])
def test_each_pixel_is_the_softmax_over_training_windows(sigma):
    images, x = pictures(3, 5, 7), pictures(5, 7, seed=1)
    wanted = by_definition(images, x, sigma, 1)
    torch.testing.assert_close(LocalScore(images, 3)(x, sigma), wanted, rtol=1e-9, atol=1e-9)


def test_a_window_that_always_holds_the_image_is_parzen():
    images, x = pictures(4, 5, 6), pictures(2, 5, 6, seed=1)
    whole = Parzen(images.flatten(1)).score(x.flatten(1), 0.3).unflatten(-1, (5, 6))
    torch.testing.assert_close(LocalScore(images, (9, 11))(x, 0.3), whole)


def test_windows_of_one_pixel_know_the_histogram_only():
    images, x = pictures(4, 5, 6), pictures(5, 6, seed=1)
    grey = Parzen(images.reshape(-1, 1)).score(x.reshape(-1, 1), 0.2).reshape(5, 6)
    torch.testing.assert_close(LocalScore(images, 1)(x, 0.2), grey)


def test_a_shifted_picture_has_the_shifted_score_inside():
    score, x = LocalScore(pictures(3, 9, 9), 3), pictures(9, 9, seed=1)
    moved = score(x.roll((1, 2), (0, 1)), 0.2).roll((-1, -2), (0, 1))
    torch.testing.assert_close(moved[2:6, 2:6], score(x, 0.2)[2:6, 2:6])


def test_no_local_change_lowers_the_loss_on_the_training_images():
    images, sigma = pictures(3, 6, 6), 0.3
    best = LocalScore(images, 3)
    noise = torch.randn(4000, 3, 6, 6, dtype=F64, generator=torch.Generator().manual_seed(2))

    def changed(x, level, by):
        return best(x, level) + by * torch.tanh(x - x.roll(1, -1))

    cost = [
        losses.denoising(lambda x, s, by=by: changed(x, s, by), images, sigma, noise=noise)
        for by in (-0.3, 0.0, 0.3)
    ]
    assert cost[1] < min(cost[0], cost[2])


def test_each_image_has_its_own_level():
    score, x = LocalScore(pictures(3, 5, 5), 3), pictures(2, 5, 5, seed=1)
    both = score(x, torch.tensor([0.2, 0.7], dtype=F64))
    torch.testing.assert_close(both[1], score(x[1], 0.7))


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: LocalScore(pictures(3, 5, 5), 4), "patch_size must be odd"),
        (lambda: LocalScore(pictures(5, 5), 3), "images must"),
        (lambda: LocalScore(pictures(3, 5, 5), 3)(pictures(5, 6), 0.1), "x must"),
        (lambda: LocalScore(pictures(3, 5, 5), 3)(pictures(5, 5), 0.0), "sigma must be positive"),
    ],
)
def test_bad_input_is_named(act, words):
    with pytest.raises(ValueError, match=words):
        act()
