"""The rendered pages in a real browser: open to everyone, quiet, quick, whole without a network.

Chromium opens every page twice, from a server and from disk. Each look returns complaints, and is
seen to complain of a page that is wrong.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import browser as chromium
import pytest
from conftest import ROOT
from playwright.sync_api import Browser, Locator

SECONDS = 2.0
SPECIAL = ["search", "genindex"]
NAMES = [
    *(f"book/{p.stem}" for p in sorted((ROOT / "book").iterdir()) if p.suffix in (".md", ".ipynb")),
    *SPECIAL,
]
LESSON = "00_tour"
every_page = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.launched() as started:
        yield started


@pytest.fixture(scope="module")
def server(pages: Path) -> Iterator[str]:
    with chromium.served(pages) as address:
        yield address


def noise(visit: chromium.Visit) -> dict[str, list[str]]:
    """What nobody should hear of a page: errors, and requests that leave the book."""
    return {"errors": visit.errors, "requests that leave": visit.left}


def found(complaints: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: what for name, what in complaints.items() if what}


@every_page
def test_everyone_can_read_it(browser: Browser, server: str, name: str) -> None:
    complaints = {}
    with chromium.opened(browser, f"{server}/{name}.html") as visit:
        for window in (chromium.PHONE, chromium.DESKTOP):
            visit.wear("light", window)
            complaints[f"overflow, {window['width']}"] = visit.overflow()
        complaints["whole page"] = visit.violations()
        visit.thin()
        for window, scheme in itertools.product(
            (chromium.DESKTOP, chromium.PHONE), ("light", "dark")
        ):
            visit.wear(scheme, window)
            complaints[f"{scheme}, {window['width']}"] = visit.violations()
        complaints["dimmed"] = dimmed(visit)
        assert found(complaints | noise(visit)) == {}


@every_page
def test_it_works_from_a_stick(browser: Browser, pages: Path, name: str) -> None:
    with chromium.opened(browser, (pages / f"{name}.html").as_uri()) as visit:
        late = [f"{visit.busy():.1f} s of one core"] if visit.busy() > SECONDS else []
        players = visit.page.locator(".lesson-player")
        stuck = [c for i in range(players.count()) for c in unmoved(players.nth(i))]
        complaints = {"slow": late, "players": stuck, "formulas": unset(visit)}
        complaints["self-check"] = silent(visit)
        assert found(complaints | noise(visit)) == {}


def unset(visit: chromium.Visit) -> list[str]:
    """Formulas that MathJax left alone or could not read."""
    return visit.page.evaluate(
        "() => [...document.querySelectorAll('.math')].filter(box => !box.querySelector('svg') &&"
        " (!box.querySelector('mjx-container') || box.querySelector('mjx-merror')))"
        ".map(box => box.textContent.slice(0, 60))"
    )


def silent(visit: chromium.Visit) -> list[str]:
    """Answers of the self-check that the keyboard does not choose, or that show no reply."""
    complaints = []
    for question in visit.page.locator(".self-check fieldset").all():
        answers = question.locator("input")
        answers.first.focus()
        answers.first.press("Space")
        for i in range(answers.count()):
            shown = [reply.is_visible() for reply in question.locator(".reply").all()]
            if shown != [j == i for j in range(answers.count())]:
                complaints.append(f"{answers.nth(i).get_attribute('id')}: replies {shown}")
            visit.page.keyboard.press("ArrowDown")
    return complaints


def unmoved(player: Locator) -> list[str]:
    """Sliders that the keyboard does not move, or that move and show or say nothing new."""
    complaints = []
    sliders = player.locator("input")
    for i in range(sliders.count()):
        slider = sliders.nth(i)
        before = state(player, slider)
        at_the_end = slider.input_value() == slider.get_attribute("max")
        slider.focus()
        slider.press("ArrowLeft" if at_the_end else "ArrowRight")
        after = state(player, slider)
        complaints += [
            f"slider {i}: {what} stays" for what in before if before[what] == after[what]
        ]
        slider.press("ArrowRight" if at_the_end else "ArrowLeft")
        if state(player, slider) != before:
            complaints.append(f"slider {i} does not come back")
    return complaints if sliders.count() else ["a player without sliders"]


def state(player: Locator, slider: Locator) -> dict[str, str | None]:
    """What a reader sees and hears of a slider."""
    image = player.locator("img")
    return {
        "picture": image.get_attribute("src"),
        "words": image.get_attribute("alt"),
        "value read out": slider.get_attribute("aria-valuetext"),
    }


def dimmed(visit: chromium.Visit) -> list[str]:
    """In the dark: pictures in colours that are not theirs, and drawings that did not turn."""
    return visit.page.evaluate(
        "() => [...document.querySelectorAll('article img')].filter(image =>"
        " (getComputedStyle(image).filter !== 'none') !== image.classList.contains('drawing'))"
        ".map(image => image.alt)"
    )


def test_search_finds_tweedie_without_a_server(browser: Browser, pages: Path) -> None:
    with chromium.opened(browser, (pages / "search.html").as_uri() + "?q=tweedie") as visit:
        results = visit.page.locator("#search-results ul.search li")
        results.first.wait_for()
        visit.page.wait_for_function("document.querySelectorAll('ul.search li').length > 3")
        assert found(noise(visit)) == {}


def test_every_stop_of_the_tab_key_is_seen(browser: Browser, server: str) -> None:
    """Focus moves through the page, and each place that has it is outlined."""
    with chromium.opened(browser, f"{server}/book/{LESSON}.html") as visit:
        stops = []
        for _ in range(40):
            visit.page.keyboard.press("Tab")
            stops.append(visit.page.evaluate(FOCUS))
        assert len({what for what, _ in stops}) > 20, "the tab key is caught"
        assert [what for what, outlined in stops if not outlined] == []


MOVING = """() => [...document.querySelectorAll("*")].filter(box => {
  const style = getComputedStyle(box);
  return style.animationName !== "none" || !/^(0s(, )?)+$/.test(style.transitionDuration);
}).map(box => box.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize(("wish", "word"), [("reduce", "Next"), ("no-preference", "Play")])
def test_nothing_moves_by_itself_for_whoever_asks(
    browser: Browser, pages: Path, wish: str, word: str
) -> None:
    """With reduced motion the button of a player steps once; otherwise it plays until stopped."""
    page = pages / "book" / "07_pitfalls.html"
    with chromium.opened(browser, page.as_uri(), reduced_motion=wish) as visit:
        assert bool(visit.page.evaluate(MOVING)) == (wish != "reduce")
        player = visit.page.locator(".lesson-player").first
        button, slider = player.locator("button"), player.locator("input").first
        assert button.text_content() == word
        before = int(slider.input_value())
        button.click()
        visit.page.wait_for_timeout(2000)  # more than two frames
        moved = (int(slider.input_value()) - before) % (int(slider.get_attribute("max")) + 1)
        assert moved == 1 if wish == "reduce" else moved != 1
        button.click()


FOCUS = """() => {
  const place = document.activeElement, style = getComputedStyle(place);
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return [place.outerHTML.slice(0, 120), outlined];
}"""

HEAD = '<!doctype html><html lang="en"><title>T</title><main><h1>T</h1><p>Words</p>'
SLIDER = '<figure class="lesson-player"><img alt="a" src="data:,"><input type="range" max="3">'


@pytest.fixture
def broken(browser: Browser, tmp_path: Path) -> Iterator[chromium.Visit]:
    """Opens a small page with one more piece of html."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def show(body: str) -> chromium.Visit:
            page = tmp_path / "page.html"
            page.write_text(f"{HEAD}{body}</main></html>", encoding="utf-8")
            return stack.enter_context(chromium.opened(browser, page.as_uri()))

        yield show


def test_a_good_page_passes(broken) -> None:
    visit = broken("")
    looks = [visit.violations(), visit.overflow(), unset(visit), dimmed(visit), visit.errors]
    assert [*looks, visit.left] == [[], [], [], [], [], []]


@pytest.mark.parametrize(
    "body",
    [
        '<p style="color:#aaa">pale</p>',
        "<button></button>",
        '<img src="data:,">',
        "<h4>a level skipped</h4>",
        "<table><tr><th></th><td>1</td></tr></table>",
    ],
)
def test_axe_complains(broken, body: str) -> None:
    assert broken(body).violations()


def test_looks_complain(broken) -> None:
    assert broken('<div style="width:2000px">x</div>').overflow()
    assert broken("<script>nothing()</script>").errors
    assert broken('<img alt="a" src="missing.png">').errors
    assert broken('<img alt="a" src="https://example.org/p.png">').left
    assert unset(broken('<span class="math">x</span>'))
    assert dimmed(broken('<article><img alt="a" src="data:," style="filter:blur(1px)"></article>'))
    assert dimmed(broken('<article><img alt="a" src="data:," class="drawing"></article>'))
    assert broken("<script>for (let i = 0; i < 4e8; i++);</script>").busy() > 0.05


def test_a_self_check_without_replies_is_found(broken) -> None:
    answers = '<input type="radio" name="a" id="a"><div class="reply">r</div>' * 2
    assert silent(broken(f'<div class="self-check"><fieldset>{answers}</fieldset></div>'))


def test_players_that_do_not_move_are_found(broken) -> None:
    visit = broken(SLIDER)
    assert len(unmoved(visit.page.locator(".lesson-player"))) == 3
    bare = broken('<figure class="lesson-player"></figure>')
    assert unmoved(bare.page.locator(".lesson-player")) == ["a player without sliders"]


def test_without_chromium_ci_fails_and_a_laptop_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium, "find", lambda: None)
    monkeypatch.setenv("NEED_BROWSER", "1")
    with pytest.raises(pytest.fail.Exception, match="there is no Chromium"):
        chromium.require()
    monkeypatch.delenv("NEED_BROWSER")
    with pytest.raises(pytest.skip.Exception, match="no Chromium on this machine"):
        chromium.require()
    assert "export NEED_BROWSER=1" in (ROOT / ".ci" / "run").read_text()
