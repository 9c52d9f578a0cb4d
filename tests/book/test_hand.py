"""Figures that answer the hand: their numbers are the library's, and every hand can hold them.

The scripts run in a headless browser, from disk; each function gets the inputs that the library
gets, and must return its numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import browser as chromium
import hand
import instruments
import pytest
import torch
from playwright.sync_api import Browser, Page
from rendered import read
from torch import Tensor

from lessons_lib import losses, pretrained, priors, reconstruction, samplers
from lessons_lib.distributions import Gamma, GaussianMixture, GeneralizedTV, Parzen
from lessons_lib.operators import Identity
from lessons_lib.patches import Patches

MOST = {"scripts": 150_000, "weights": 300_000}  # bytes of a page
NAMES = sorted(hand.NEEDS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.launched() as started:
        yield started


@pytest.fixture(scope="module")
def script(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable]:
    """Calls a function of the page's mathematics with arguments, lists where Python has tensors."""
    with instruments.shown(browser, tmp_path_factory.mktemp("all"), *NAMES) as visit:

        def call(function: str, *arguments: Any) -> Tensor:
            plain = [a.tolist() if isinstance(a, Tensor) else a for a in arguments]
            code = f"args => ({function})(...args)"
            return torch.tensor(visit.page.evaluate(code, plain), dtype=torch.float64)

        yield call


def near(made: Tensor, wanted: Tensor, within: float = 1e-9) -> bool:
    return made.shape == wanted.shape and bool(((made - wanted).abs() <= within).all())


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=rng(seed), dtype=torch.float64)


# ---- the numbers of each ----


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("sigma", [0.0, 0.7])
@pytest.mark.parametrize("what", ["logProb", "responsibilities", "score"])
def test_a_mixture_is_the_library_s(script: Callable, n: int, sigma: float, what: str) -> None:
    weights, means = torch.tensor([0.2, 0.3, 0.5]).double(), normal(3, n)
    there = GaussianMixture(weights, means, 0.6**2)
    names = {"logProb": there.log_prob, "responsibilities": there.responsibilities}
    x = 2 * normal(20, n, seed=1)
    wanted = names.get(what, there.score)(x, sigma)
    here = {"weights": weights.tolist(), "means": means.tolist(), "width": 0.6}
    made = script(
        f"(all, s, m) => all.map(x => Hand.maths.mixture.{what}(x, s, m))", x, sigma, here
    )
    assert near(made, wanted)
    assert not near(made, 1.001 * wanted)


def test_hills_are_counted_where_they_merge(script: Callable) -> None:
    """Two equal hills of width 1/2 at distance 3 are one from the noise sqrt(2) on."""
    pair = "{weights: [.5, .5], means: [[-1.5], [1.5]], width: .5}"
    count = f"s => Hand.maths.mixture.tops(s, {pair}).length"
    assert [script(count, s).item() for s in (0.0, 1.3, 1.5)] == [2, 2, 1]


def test_steps_are_those_of_the_library(script: Callable) -> None:
    there = GaussianMixture(torch.tensor([0.4, 0.6]).double(), normal(2, 2), 0.25)
    x, noise = normal(30, 2, seed=2), normal(30, 2, seed=3)
    score = there.score(x, 0.4)
    denoised = script("(x, s) => x.map((v, i) => Hand.maths.tweedie(v, 0.4, s[i]))", x, score)
    assert near(denoised, x + 0.16 * score)
    settings = {"step": 0.3, "num_steps": 1, "sigma": 0.4, "temperature": 1.7}
    walked = samplers.last(samplers.langevin(there.score, x, **settings, generator=rng(3)))
    step = "(x, s, z) => x.map((v, i) => Hand.maths.langevin(v, s[i], 0.3, 1.7, z[i]))"
    assert near(script(step, x, score, noise), walked)


def test_chance_is_fair_and_repeats_itself(script: Callable) -> None:
    draw = "(seed, num) => { const c = Hand.maths.chance(seed);"
    draw += " return Array.from({length: num}, c.normal); }"
    z = script(draw, 1, 40_000)
    assert torch.equal(z[:50], script(draw, 1, 50)) and not torch.equal(z[:50], script(draw, 2, 50))
    moments = torch.stack(
        [z.mean(), z.var(), (z**3).mean(), (z**4).mean(), (z[1:] * z[:-1]).mean()]
    )
    assert near(moments, torch.tensor([0.0, 1.0, 0.0, 3.0, 0.0]).double(), within=0.12)


POSTERIOR = """(deltas, beta, tau) => deltas.map(delta => {
  const {posterior, mean, peak, cumulative, quantile} = Hand.maths.twoPixels;
  const u = Hand.range(-5, 5, 8001), p = posterior(u, delta, beta, tau), m = mean(u, p);
  const all = cumulative(p), num = 20000, draw = (_, i) => quantile(u, all, (i + 0.5) / num);
  const draws = Array.from({length: num}, draw);
  const variance = draws.reduce((sum, d) => sum + (d - m) ** 2, 0) / num;
  const best = p.reduce((a, b) => Math.max(a, b));
  return [m, variance, peak(delta, beta, tau), u[p.indexOf(best)]];
})"""


@pytest.mark.parametrize(("beta", "sigma"), [(0.0, 0.2), (5.0, 0.14), (20.0, 0.4), (8.0, 0.02)])
def test_two_pixels_are_those_of_the_library(script: Callable, beta: float, sigma: float) -> None:
    """The mean is Tweedie's of the library's score, the variance its slope, the peak a search."""
    delta = torch.linspace(-1.9, 1.9, 20, dtype=torch.float64)
    mean, variance, peak, top = script(POSTERIOR, delta, beta, 2**0.5 * sigma).T

    def tweedie(d: Tensor) -> Tensor:
        x = torch.stack([-d, d], -1) / 2
        score = GeneralizedTV(beta).score(x, sigma) if beta else torch.zeros_like(x)
        return (x + sigma**2 * score).diff(dim=-1)[:, 0]

    slope = (tweedie(delta + 1e-4) - tweedie(delta - 1e-4)) / 2e-4
    assert near(mean, tweedie(delta), within=1e-5)
    assert near(variance, 2 * sigma**2 * slope, within=3e-4)
    assert near(peak, top, within=1.3e-3)
    pair = script("(d, s) => Hand.maths.twoPixels.pair(d, s)", 0.3, 0.5)
    assert near(pair, torch.tensor([0.1, 0.4], dtype=torch.float64))


def test_gamma_and_parzen_are_the_library_s(script: Callable) -> None:
    x, samples = torch.linspace(0.1, 20, 40, dtype=torch.float64), 8 + 3 * normal(50)
    made = script(
        "x => x.map(v => [Hand.maths.gamma.logProb(v, 8), Hand.maths.gamma.score(v, 8)])", x
    )
    there, column = Gamma(8.0, 1.0), x[:, None]
    assert near(made, torch.stack([there.log_prob(column), there.score(column)[:, 0]], -1))
    for sigma in (0.05, 1.3):
        parzen = "(x, data, s) => x.map(v => Object.values(Hand.maths.parzen(v, data, s)))"
        there = Parzen(samples[:, None])
        wanted = torch.stack([there.log_prob(column, sigma), there.score(column, sigma)[:, 0]], -1)
        assert near(script(parzen, x, samples, sigma), wanted, within=1e-7)
    many = "{ const c = Hand.maths.chance(5), draw = () => Hand.maths.gamma.draw(8, c);"
    draws = script(f"n => {many} return Array.from({{length: n}}, draw); }}", 20_000)
    assert near(
        torch.stack([draws.mean(), draws.var()]), torch.tensor([8.0, 8.0]).double(), within=0.25
    )


COSTS = """(mass, x, target, data, sigma, mean, width) => {
  const s = v => (mean - v) / width ** 2, {explicit, implicit, denoising} = Hand.maths.costs;
  const slope = () => -1 / width ** 2;
  return [explicit(mass, x, s, target), implicit(mass, x, s, slope), denoising(data, sigma, s)];
}"""


def test_costs_are_the_library_s_and_differ_by_constants(script: Callable) -> None:
    data, sigma, width = 8 + 3 * normal(30)[:, None], 0.8, 2.5
    q, grid = Parzen(data), torch.linspace(-16, 40, 561, dtype=torch.float64)[:, None]
    mass, target = q.log_prob(grid, sigma).exp() * 0.1, q.score(grid, sigma)
    z = torch.arange(-8.0, 8.05, 0.25, dtype=torch.float64)
    gaps = []
    for mean in (5.0, 9.0):

        def score(x: Tensor, _: object = 0.0, mean: float = mean) -> Tensor:
            return (mean - x) / width**2

        explicit = (mass * (score(grid) - target)[:, 0] ** 2).sum() / 2
        implicit = (mass * (score(grid)[:, 0] ** 2 / 2 - 1 / width**2)).sum()
        each = [losses.denoising(score, data, sigma, noise=zi.expand(30, 1)) for zi in z]
        weight = torch.softmax(-(z**2) / 2, 0)
        wanted = torch.stack([explicit, implicit, (weight * torch.stack(each)).sum()])
        plain = (mass, grid[:, 0], target[:, 0], data[:, 0])
        made = script(COSTS, *plain, sigma, mean, width)
        assert near(made, wanted)
        gaps.append(made - made[0])
    floor = 0.5 / sigma**2 - 0.5 * (mass * target[:, 0] ** 2).sum()
    assert near(gaps[0], gaps[1]) and near(gaps[0][2], floor)
    assert near(gaps[0][1], -0.5 * (mass * target[:, 0] ** 2).sum())


NETWORK = """(x, sigma, side) => {
  const {network, preconditioned, patches} = Hand.maths, shipped = Hand.weights.disks_3x3;
  const score = preconditioned({...shipped, layers: network.read(shipped)});
  return Array.from(side ? patches.averaged(score, side, 3)(x, sigma) : score(x, sigma));
}"""


@pytest.mark.parametrize("sigma", [0.005, 0.1, 0.5, 2.0])
def test_the_network_in_the_page_is_the_shipped_one(script: Callable, sigma: float) -> None:
    """In units of the noise, in which a score is learned, to 1e-5 of its size."""
    model = pretrained.load("disks_3x3")
    v = 0.3 + 0.4 * normal(50, 9, seed=4)
    wanted = sigma * model(v, sigma).detach()
    made = sigma * script(NETWORK, v.flatten(), sigma, None).reshape(50, 9)
    assert near(made, wanted, within=1e-5 * (1 + float(wanted.abs().max())))
    image = 0.3 + 0.4 * normal(9, 12, seed=5)
    wanted = (
        sigma * priors.AveragedPrior(model, Patches((9, 12), 3))(image[None], sigma)[0].detach()
    )
    made = sigma * script(NETWORK, image.flatten(), sigma, [9, 12]).reshape(9, 12)
    assert near(made, wanted, within=1e-5 * (1 + float(wanted.abs().max())))


def test_patches_and_their_adjoint_are_the_library_s(script: Callable) -> None:
    x, there = normal(7, 6), Patches((7, 6), 3)
    index = "Hand.maths.patches.index(shape, 3)"
    cut = f"(x, shape) => Array.from(Hand.maths.patches.cut(x, {index}))"
    assert near(script(cut, x.flatten(), [7, 6]), there(x).flatten())
    v = normal(*there(x).shape, seed=1)
    back = f"(v, shape) => Array.from(Hand.maths.patches.adjoint(v, {index}, 42))"
    assert near(script(back, v.flatten(), [7, 6]), there.adjoint(v).flatten())


def test_a_level_of_the_ladder_is_the_library_s(script: Callable) -> None:
    y, noise = normal(4, 5), 0.3
    likelihood = reconstruction.GaussianLikelihood(Identity((4, 5)), y, noise)
    levels = reconstruction.ladder(noise)
    made = script("(a, b, n) => Hand.maths.ladder.geometric(a, b, n)", noise, noise / 8, 7)
    assert near(made, levels)
    wanted = samplers.last(
        reconstruction.half_quadratic(lambda x, s: -x / (1 + s**2), likelihood, y, levels)
    )
    walk = """(y, levels) => levels.reduce((x, s) =>
      Hand.maths.ladder.level(x, y, 0.3, s, (v, s) => v.map(vi => -vi / (1 + s ** 2))), y)"""
    assert near(script(walk, y.flatten(), levels).reshape(4, 5), wanted)


# ---- the hand ----

HANDLES = ".hand .plot:not([hidden]) .handle"


def text(page: Page) -> str:
    """What is said, once it has settled."""
    page.wait_for_function("Hand.boards.every(board => board.settled)")
    return page.locator(".hand .seen").inner_text()


@pytest.mark.parametrize("name", NAMES)
def test_the_keyboard_moves_every_handle_and_it_is_said(
    browser: Browser, tmp_path, name: str
) -> None:
    with instruments.shown(browser, tmp_path, name) as visit:
        page = visit.page
        before = text(page)
        assert len(before.split()) > 8
        for handle in page.locator(HANDLES).all():
            at, said = handle.get_attribute("aria-valuenow"), handle.get_attribute("aria-valuetext")
            up = handle.get_attribute("aria-orientation") == "vertical"
            for key, back in [("ArrowUp", "ArrowDown") if up else ("ArrowLeft", "ArrowRight")]:
                handle.press(key)
                visit.ready()
                assert handle.get_attribute("aria-valuenow") != at
                assert handle.get_attribute("aria-valuetext") != said
                handle.press(back)
                visit.ready()
                assert float(handle.get_attribute("aria-valuenow")) == pytest.approx(float(at))
        for slider in page.locator(".hand input[type=range]:visible").all():
            said = slider.get_attribute("aria-valuetext")
            slider.press("ArrowLeft")
            moved = slider.get_attribute("aria-valuetext")
            slider.press("ArrowRight")
            slider.press("ArrowRight")
            assert {moved, slider.get_attribute("aria-valuetext")} != {said}
        assert [visit.errors, visit.left] == [[], []]


def pull(page: Page, way: tuple[float, float]) -> None:
    """Drag the first handle with the mouse."""
    box = page.locator(HANDLES).first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + way[0], y + way[1], steps=4)
    page.mouse.up()


def touch(page: Page, way: tuple[float, float]) -> None:
    """Drag the first handle with a finger."""
    box = page.locator(HANDLES).first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    finger = page.context.new_cdp_session(page)
    for kind, along in [
        ("touchStart", 0.0),
        ("touchMove", 0.5),
        ("touchMove", 1.0),
        ("touchEnd", None),
    ]:
        points = [] if along is None else [{"x": x + along * way[0], "y": y + along * way[1]}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


@pytest.mark.parametrize("name", [name for name in NAMES if name not in hand.DRAWN])
@pytest.mark.parametrize("drag", [pull, touch])
def test_a_handle_goes_where_the_hand_goes(browser: Browser, tmp_path, name: str, drag) -> None:
    with instruments.shown(browser, tmp_path, name, has_touch=drag is touch) as visit:
        page = visit.page
        page.locator(HANDLES).first.scroll_into_view_if_needed()
        visit.ready()
        place, before = page.locator(HANDLES).first.bounding_box(), text(page)
        scrolled = page.evaluate("scrollY")
        drag(page, (40.0, 0.0))
        visit.ready()
        moved = page.locator(HANDLES).first.bounding_box()
        assert moved["x"] - place["x"] == pytest.approx(40, abs=1.5)
        assert page.evaluate("scrollY") == scrolled
        assert text(page) != before


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [chromium.DESKTOP, chromium.PHONE], ids=["desktop", "phone"])
def test_everyone_can_use_it(browser: Browser, tmp_path, name: str, scheme: str, viewport) -> None:
    with instruments.shown(browser, tmp_path, name, viewport=viewport) as visit:
        visit.page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", scheme)
        text(visit.page)
        assert visit.violations() == [] and visit.overflow() == [] and visit.errors == []


@pytest.mark.parametrize("name", NAMES)
def test_paper_and_a_page_without_script_show_the_picture(
    browser: Browser, tmp_path, name: str
) -> None:
    with instruments.shown(browser, tmp_path, name) as visit:
        picture, tool = visit.page.locator("figure img"), visit.page.locator(".hand")
        assert tool.is_visible() and not picture.is_visible()
        visit.page.emulate_media(media="print")
        assert picture.is_visible() and not tool.is_visible()
    silent = browser.new_context(java_script_enabled=False).new_page()
    silent.goto((tmp_path / "page.html").as_uri())
    assert silent.locator("figure img").is_visible() and silent.locator(".hand").count() == 0
    silent.context.close()


FRAMES = "Hand.boards[0].frames"


@pytest.mark.parametrize("wish", ["reduce", "no-preference"])
@pytest.mark.parametrize("name", [name for name in NAMES if name in hand.WALKS])
def test_nothing_runs_unasked(browser: Browser, tmp_path, name: str, wish: str) -> None:
    """With reduced motion its button takes one step; otherwise it goes on till pressed again."""
    with instruments.shown(browser, tmp_path, name, reduced_motion=wish) as visit:
        page, button = visit.page, visit.page.locator(".hand button.run").first
        text(page)
        still = page.evaluate(FRAMES)
        visit.ready()
        assert page.evaluate(FRAMES) == still
        assert button.inner_text().endswith(": one step") == (wish == "reduce")
        button.click()
        if wish == "reduce":
            text(page)
            after = page.evaluate(FRAMES)
            visit.ready()
            assert still < after == page.evaluate(FRAMES)
        else:
            page.wait_for_function(f"{FRAMES} > {still + 3}")
            button.click()
            text(page)
            after = page.evaluate(FRAMES)
            visit.ready()
            assert after == page.evaluate(FRAMES)


# ---- what a page loads ----


@pytest.mark.parametrize("kind", MOST)
def test_no_page_loads_much(tmp_path: Path, kind: str) -> None:
    hand.bring(tmp_path)
    places = [
        (tmp_path if "/weights/" in s else instruments.STATIC) / s for s in hand.scripts(NAMES)
    ]
    sizes = [p.stat().st_size for p in places if ("weights" in p.parts) == (kind == "weights")]
    assert 0 < sum(sizes) < MOST[kind]  # even if one page had them all


def test_scripts_stand_in_an_order_in_which_they_can_be_read() -> None:
    names = hand.scripts(["mixture", "mixture"])
    assert names[0] == "hand/hand.js" and names[-1] == "hand/mixture.js"
    assert len(names) == len(set(names))
    assert hand.scripts([]) == []
    with pytest.raises(ValueError, match="no instrument is called"):
        hand.scripts(["harp"])


def test_only_pages_with_an_instrument_load_one(pages: Path) -> None:
    """Each of the instruments is on a page, with all it needs, weights included."""
    found = set()
    for page in sorted((pages / "book").glob("*.html")):
        tree = read(page)
        cells = tree.select(f'[class*="{hand.TAG}"]')
        names = [c.removeprefix(hand.TAG) for cell in cells for c in cell["class"] if hand.TAG in c]
        loaded = [tag["src"].partition("?")[0] for tag in tree.select('script[src*="/hand/"]')]
        assert [s.partition("_static/")[2] for s in loaded] == hand.scripts(names), page.stem
        assert all((page.parent / s).exists() for s in loaded)
        found |= set(names)
    assert found == set(NAMES)
