"""One look for every figure of the course: axes in, axes out.

Colours carry meaning and keep it from chapter to chapter: `DATA`, `TRUTH`, `LEARNED`, `FAILURE`
and `OTHER`. They stay apart for every kind of colour blindness, simulated by [Machado2009], and
have a contrast of at least 3 to 1 on white; a second cue (line style, marker, direct label) always
goes with them.
Figures are drawn on white, and the page shows them on a white card in both themes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lessons_lib.shapes import Score, Sigma

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap

DATA = "#6b7280"
TRUTH = "#0067a5"
LEARNED = "#c8500a"
FAILURE = "#a3123f"
OTHER = "#00836a"
INK = "#1f2530"
COLORS = {"data": DATA, "truth": TRUTH, "learned": LEARNED, "failure": FAILURE, "other": OTHER}

WIDTH = 7.6
"""Width in inches of a figure that fills the text column."""


def use_style() -> None:
    """Set the look of every later figure of the session: sizes, type, colours, sharp bitmaps."""
    import matplotlib as mpl
    from cycler import cycler

    mpl.rcParams.update(
        {
            "figure.figsize": (WIDTH, 3.2),
            "figure.dpi": 100,
            "figure.facecolor": "white",
            "figure.constrained_layout.use": True,
            "savefig.facecolor": "white",
            "font.size": 10.5,
            "axes.titlesize": 11,
            "axes.titlelocation": "left",
            "axes.titlecolor": INK,
            "axes.labelcolor": INK,
            "axes.edgecolor": "#9aa1ac",
            "axes.linewidth": 0.8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": False,
            "axes.prop_cycle": cycler(color=[TRUTH, LEARNED, OTHER, FAILURE, DATA]),
            "lines.linewidth": 1.9,
            "lines.markersize": 5,
            "xtick.color": "#4b5360",
            "ytick.color": "#4b5360",
            "xtick.labelsize": 9.5,
            "ytick.labelsize": 9.5,
            "text.color": INK,
            "legend.frameon": False,
            "legend.fontsize": 9.5,
            "image.cmap": "gray",
            "image.interpolation": "nearest",
            "mathtext.fontset": "cm",
            "svg.hashsalt": "lessons",
        }
    )
    try:
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:  # outside a notebook there is nothing to sharpen
        return
    set_matplotlib_formats("retina")


def show_image(ax: Axes, image: Tensor, *, limits: tuple[float, float], title: str = "") -> Axes:
    """Draw a gray image with an explicit value range, no ticks, and a title above it.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    image : Tensor, shape ``(H, W)``
        The image.
    limits : tuple of float
        Values shown as black and as white; the same for all images that are compared.
    title : str
        Text above the image.

    Returns
    -------
    Axes
        ``ax``.
    """
    ax.imshow(image.detach().cpu().numpy(), cmap="gray", vmin=limits[0], vmax=limits[1])
    return _frame(ax, title)


def show_error(
    ax: Axes, image: Tensor, reference: Tensor, *, limit: float, title: str = ""
) -> Axes:
    """Draw ``image - reference``: blue where too dark, red where too bright, white where right.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    image, reference : Tensor, shape ``(H, W)``
        The estimate and the truth.
    limit : float
        Error, in image units, at which the colour saturates; the same for all maps compared.
    title : str
        Text above the map.

    Returns
    -------
    Axes
        ``ax``.
    """
    error = (image - reference).detach().cpu().numpy()
    ax.imshow(error, cmap="RdBu_r", vmin=-limit, vmax=limit)
    return _frame(ax, title)


def show_field(
    ax: Axes,
    score: Score,
    *,
    extent: tuple[float, float, float, float],
    sigma: Sigma = 0.0,
    log_prob: Callable[..., Tensor] | None = None,
    num: int = 17,
    color: str = INK,
    scale: float | None = None,
) -> Axes:
    """Draw a score of two variables as arrows, over the density it belongs to.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    score : Score
        Called on points of shape ``(num * num, 2)``.
    extent : tuple of float
        ``(left, right, bottom, top)``.
    sigma : float
        Noise level handed to ``score`` and ``log_prob``.
    log_prob : callable, optional
        ``log_prob(x, sigma)``; its exponential is shown as shading, scaled to its maximum.
    num : int
        Arrows along each axis.
    color : str
        Colour of the arrows.
    scale : float, optional
        Score magnitude drawn as one grid spacing; by default the 90th percentile of the field.

    Returns
    -------
    Axes
        ``ax``.
    """
    left, right, bottom, top = extent
    if log_prob is not None:
        logp = log_prob(grid(extent, 241), sigma).reshape(241, 241)  # (241 * 241,) -> (241, 241)
        density = (logp - logp.max()).exp().detach().cpu().numpy()
        ax.imshow(density, extent=extent, origin="lower", cmap=density_map(), aspect="auto")
    x = grid(extent, num)
    s = score(x, sigma).detach()
    length = s.norm(dim=-1)
    unit = float(scale if scale is not None else torch.quantile(length, 0.9))
    spacing = (right - left) / (num - 1)
    shrink = (length / unit).clamp(max=1.0) / length.clamp(min=1e-12)  # cap the longest arrows
    arrow = (s * shrink[:, None] * spacing).cpu()
    ax.quiver(
        *x.T.cpu(), *arrow.T, angles="xy", scale_units="xy", scale=1.0, color=color, width=0.0035
    )
    ax.set(xlim=(left, right), ylim=(bottom, top), xlabel="$x_1$", ylabel="$x_2$")
    return ax


def grid(extent: tuple[float, float, float, float], num: int) -> Tensor:
    """Points of a square grid over ``extent`` as ``(num * num, 2)``, first coordinate fastest."""
    left, right, bottom, top = extent
    rows = torch.linspace(bottom, top, num, dtype=torch.float64)
    cols = torch.linspace(left, right, num, dtype=torch.float64)
    second, first = torch.meshgrid(rows, cols, indexing="ij")
    return torch.stack([first.flatten(), second.flatten()], dim=-1)  # (num * num, 2)


def density_map() -> LinearSegmentedColormap:
    """White to the colour of truth: the shading under score fields."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("density", ["#ffffff", "#b9d6ea", "#4f97c7"])


def _frame(ax: Axes, title: str) -> Axes:
    ax.set(xticks=[], yticks=[])
    ax.set_title(title)
    for side in ax.spines.values():
        side.set(visible=True, linewidth=0.6)
    return ax
