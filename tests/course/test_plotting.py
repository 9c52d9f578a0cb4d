"""The drawing helpers show the numbers they are given, and colours can be told apart."""

import matplotlib
import pytest
import torch
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb

from lessons_lib.course import plotting

matplotlib.use("agg")


@pytest.fixture
def ax():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


@pytest.fixture
def fresh_style():
    with matplotlib.rc_context():
        yield


def linear(colour):
    """Linear light of an sRGB colour, by the definition of the standard."""
    c = torch.tensor(to_rgb(colour), dtype=torch.float64)
    return torch.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    weights = torch.tensor([0.2126, 0.7152, 0.0722], dtype=torch.float64)
    bright, dark = sorted((float(weights @ linear(c)) for c in (a, b)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", sorted(plotting.COLORS))
def test_colours_stand_out_on_white(name):
    assert contrast(plotting.COLORS[name], "white") >= 3


def test_contrast_of_black_on_white_is_21():
    assert contrast("black", "white") == pytest.approx(21)


def test_style_is_repeatable(fresh_style):
    plotting.use_style()
    first = dict(matplotlib.rcParams)
    plotting.use_style()
    assert dict(matplotlib.rcParams) == first
    assert matplotlib.rcParams["figure.figsize"][0] == plotting.WIDTH
    assert matplotlib.rcParams["svg.hashsalt"]


def test_image_is_shown_with_the_stated_range(ax):
    image = torch.linspace(-1, 2, 12).reshape(3, 4)
    assert plotting.show_image(ax, image, limits=(0.0, 1.0), title="an image") is ax
    (shown,) = ax.images
    assert shown.get_clim() == (0.0, 1.0)
    assert torch.equal(torch.as_tensor(shown.get_array().data), image)
    assert ax.get_title(loc="left") == "an image" or ax.get_title() == "an image"
    assert len(ax.get_xticks()) == 0


def test_image_may_carry_a_gradient(ax):
    plotting.show_image(ax, torch.zeros(2, 2, requires_grad=True), limits=(0, 1))


def test_error_is_estimate_minus_truth(ax):
    plotting.show_error(ax, torch.full((2, 2), 3.0), torch.ones(2, 2), limit=5.0)
    (shown,) = ax.images
    assert (torch.as_tensor(shown.get_array().data) == 2.0).all()
    assert shown.get_clim() == (-5.0, 5.0)
    low, high = shown.cmap(0.0), shown.cmap(1.0)
    assert low[2] > low[0], "too dark is blue"
    assert high[0] > high[2], "too bright is red"


def test_grid_runs_along_the_first_coordinate_first():
    points = plotting.grid((0.0, 2.0, 10.0, 14.0), 3)
    assert points.shape == (9, 2)
    assert points[:4].tolist() == [[0, 10], [1, 10], [2, 10], [0, 12]]
    assert points.dtype == torch.float64


def arrows(ax):
    (quiver,) = (c for c in ax.collections if hasattr(c, "U"))
    return torch.as_tensor(quiver.U), torch.as_tensor(quiver.V), quiver


def test_field_arrows_follow_the_score(ax):
    slope = torch.tensor([0.5, -0.25], dtype=torch.float64)
    plotting.show_field(
        ax, lambda x, sigma: slope.expand_as(x), extent=(-1, 1, -1, 1), num=5, scale=1.0
    )
    u, v, quiver = arrows(ax)
    spacing = 2 / 4  # a score of `scale` is drawn as one grid spacing
    assert torch.allclose(u, torch.full_like(u, 0.5 * spacing))
    assert torch.allclose(v, torch.full_like(v, -0.25 * spacing))
    assert quiver.angles == "xy", "otherwise unequal axes would turn the arrows"


def test_field_arrows_are_capped_at_one_spacing(ax):
    plotting.show_field(ax, lambda x, sigma: -100 * x, extent=(-1, 1, -1, 1), num=5, scale=1.0)
    u, v, quiver = arrows(ax)
    length = torch.hypot(u, v)
    assert float(length.max()) == pytest.approx(0.5)
    start = torch.as_tensor(quiver.XY)
    assert ((u * start[:, 0] + v * start[:, 1]) <= 0).all(), "arrows point to the mode"


def test_field_hands_sigma_to_score_and_density(ax):
    seen = []

    def score(x, sigma):
        seen.append(("score", sigma))
        return -x

    def log_prob(x, sigma):
        seen.append(("log_prob", sigma))
        return -(x**2).sum(-1) / 2 - 1e4  # a far-off normaliser must not empty the picture

    plotting.show_field(ax, score, extent=(-2, 2, -1, 1), sigma=0.3, log_prob=log_prob, num=5)
    assert sorted(seen) == [("log_prob", 0.3), ("score", 0.3)]
    (shading,) = ax.images
    density = torch.as_tensor(shading.get_array().data)
    assert float(density.max()) == pytest.approx(1.0)
    assert divmod(int(density.argmax()), 241) == (120, 120)
    assert shading.get_extent() == [-2, 2, -1, 1]
    assert shading.origin == "lower"
