"""The rendered pages in a real browser: open to everyone, quiet, light, whole without a network.

Chromium opens every page from disk, once for all looks, and one page of each kind from a server.
Each look returns complaints, and is seen to complain of a page that is wrong. Nothing is judged in
seconds: what a page costs is counted in elements, files and bytes, and `book/_tools/page_cost.py`
measures it beside a reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import browser as chromium
import pytest
from conftest import ROOT
from playwright.sync_api import Browser, Locator

MOST = {"elements": 30_000, "files": 80, "bytes": 5_000_000}
SPECIAL = ["search", "genindex"]
NAMES = [
    *(f"book/{p.stem}" for p in sorted((ROOT / "book").iterdir()) if p.suffix in (".md", ".ipynb")),
    *SPECIAL,
]
FRAME = 700  # milliseconds of the page's own clock, which a test moves by hand
LESSON = "book/00_tour"
LAB = "book/01_gaussian_score_lab"
KINDS = ["book/index", LESSON, LAB, "book/glossary", "book/library_images", *SPECIAL]


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


@pytest.fixture(scope="module")
def window(browser: Browser, pages: Path) -> Iterator[chromium.Visit]:
    """One window for all pages."""
    with chromium.opened(browser, (pages / "search.html").as_uri()) as visit:
        yield visit


@pytest.mark.parametrize("name", NAMES)
def test_everyone_can_read_it(window: chromium.Visit, pages: Path, name: str) -> None:
    window.wear("light", chromium.PHONE)
    window.go((pages / f"{name}.html").as_uri())
    complaints = {"jumps": jumps(window), "formulas": unset(window), "cost": heavy(window)}
    window.page.evaluate(UNFOLD)
    complaints["overflow, phone"] = window.overflow()
    window.page.evaluate(UNFOLD)
    window.wear("light", chromium.DESKTOP)
    complaints["overflow, desktop"] = window.overflow()
    complaints["whole page"] = window.violations()
    complaints["players"] = [
        c for p in window.page.locator(".lesson-player").all() for c in unmoved(p)
    ]
    complaints["self-check"] = silent(window)
    window.thin()
    window.wear("dark", chromium.DESKTOP)
    complaints["dark, desktop"] = window.violations(*chromium.COLOURS) + dimmed(window)
    window.wear("dark", chromium.PHONE)
    complaints["dark, phone"] = window.violations(*chromium.COLOURS)
    window.wear("light", chromium.PHONE)
    complaints["light, phone"] = window.violations()
    assert found(complaints | noise(window)) == {}


@pytest.mark.parametrize("name", KINDS)
def test_a_server_shows_the_same(browser: Browser, pages: Path, server: str, name: str) -> None:
    """The same files, no complaint: what holds on disk holds there."""
    asked = []
    for home in (pages.as_uri(), server):
        with chromium.opened(browser, f"{home}/{name}.html") as visit:
            asked.append({address.removeprefix(home) for address in visit.asked})
            assert found(noise(visit)) == {}
    assert asked[0] - {"/_static/favicon.svg"} == asked[1] - {"/_static/favicon.svg"}


FILES = "[location.href, ...performance.getEntriesByType('resource').map(file => file.name)]"


def heavy(visit: chromium.Visit) -> list[str]:
    """What the page takes of any machine, where it is more than a phone should be given."""
    addresses = [urlsplit(address) for address in visit.page.evaluate(FILES)]
    files = {Path(unquote(a.path)) for a in addresses if a.scheme == "file"}
    size = sum(file.stat().st_size for file in files if file.exists())
    cost = {"elements": visit.nodes(), "files": len(files), "bytes": size}
    return [f"{cost[k]} {k}, wanted at most {MOST[k]}" for k in MOST if cost[k] > MOST[k]]


MOST_SHIFT = 0.05  # what moves by itself, as a part of the window times how far it goes
SHIFTS = """async () => {
  let sum = 0;
  new PerformanceObserver(list => list.getEntries().forEach(shift => {
    if (shift.startTime < 3000) sum += shift.value;  // later the page no longer waits for its fonts
  })).observe({type: "layout-shift", buffered: true});
  for (let i = 0; i < 3; i++) await new Promise(done => requestAnimationFrame(done));
  return sum;
}"""
UNFOLD = """() => document.querySelectorAll("article details").forEach(box => {
  const turned = "turned" in box.dataset;
  if (!box.open) { box.open = true; box.dataset.turned = ""; }
  else if (turned) { box.open = false; delete box.dataset.turned; }
})"""


def jumps(visit: chromium.Visit) -> list[str]:
    """How far the text moved under the reader's eyes while the page opened."""
    shift = visit.page.evaluate(SHIFTS)
    return [f"{shift:.3f}, wanted at most {MOST_SHIFT}"] if shift > MOST_SHIFT else []


def unset(visit: chromium.Visit) -> list[str]:
    """Formulas that take no place."""
    return visit.page.evaluate(
        "() => [...document.querySelectorAll('.math')].filter(box => box.checkVisibility()"
        " && !box.querySelector('math')?.getBoundingClientRect().width)"
        ".map(box => box.textContent.slice(0, 60))"
    )


SHOWN = "question => [...question.querySelectorAll('.reply')].map(reply => reply.checkVisibility())"


def silent(visit: chromium.Visit) -> list[str]:
    """Answers of the self-check that the keyboard does not choose, or that show no reply."""
    complaints = []
    for question in visit.page.locator(".self-check fieldset").all():
        answers = question.locator("input")
        answers.first.focus()
        answers.first.press("Space")
        for i in range(answers.count()):
            shown = question.evaluate(SHOWN)
            if shown != [j == i for j in range(len(shown))]:
                complaints.append(f"{answers.nth(i).get_attribute('id')}: replies {shown}")
            visit.page.keyboard.press("ArrowDown")
    return complaints


# What a reader sees and hears of a slider.
STATE = """slider => {
  const image = slider.closest(".lesson-player").querySelector("img");
  const {src: picture, alt: words} = image;
  return {picture, words, "value read out": slider.getAttribute("aria-valuetext")};
}"""


def unmoved(player: Locator) -> list[str]:
    """Sliders that the keyboard does not move, or that move and show or say nothing new."""
    complaints = []
    sliders = player.locator("input").all()
    for i, slider in enumerate(sliders):
        before = slider.evaluate(STATE)
        at_the_end = slider.evaluate("slider => slider.value === slider.max")
        there, back = ("ArrowLeft", "ArrowRight") if at_the_end else ("ArrowRight", "ArrowLeft")
        slider.press(there)
        after = slider.evaluate(STATE)
        complaints += [
            f"slider {i}: {what} stays" for what in before if before[what] == after[what]
        ]
        slider.press(back)
        if slider.evaluate(STATE) != before:
            complaints.append(f"slider {i} does not come back")
    return complaints if sliders else ["a player without sliders"]


def dimmed(visit: chromium.Visit) -> list[str]:
    """In the dark: pictures in colours that are not theirs, and drawings that did not turn."""
    return visit.page.evaluate(
        "() => [...document.querySelectorAll('article img')].filter(image =>"
        " (getComputedStyle(image).filter !== 'none') !== image.classList.contains('drawing'))"
        ".map(image => image.alt)"
    )


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("tweedie", "book/01_gaussian_score"),
        ("2×1", "book/04_tv_patch"),
        ("2x1 patch", "book/04_tv_patch"),
        ("2 X 1", "book/04_tv_patch"),
        ("Hyvärinen", "book/02_score_matching"),
        ("hyvarinen", "book/02_score_matching"),
    ],
)
def test_search_finds_it_without_a_server(
    browser: Browser, pages: Path, query: str, page: str
) -> None:
    address = (pages / "search.html").as_uri() + f"?q={quote(query)}"
    with chromium.opened(browser, address) as visit:  # a profile remembers what was searched
        visit.page.locator("#search-results .search-summary:not(:empty)").wait_for()
        links = visit.page.locator("#search-results ul.search li > a").all()
        assert f"{page}.html" in [a.get_attribute("href").partition("#")[0] for a in links]
        assert found(noise(visit)) == {}


FOLDED = "[...document.querySelectorAll('article details')].map(box => box.open)"
PRINTED = """() => {
  const shown = box => box.checkVisibility() && box.getBoundingClientRect().height > 0;
  const cells = [...document.querySelectorAll("article .tag_solution pre, article .sd-card-body")];
  const words = [...document.querySelectorAll("article summary")].filter(shown)
    .map(box => getComputedStyle(box, "::before").content.replace(/^none$/, "") + box.innerText);
  return {closed: cells.filter(box => !shown(box)).length, words: [...new Set(words)].sort()};
}"""


def test_a_lab_prints_whole_and_is_folded_again(window: chromium.Visit, pages: Path) -> None:
    """Solution, hint and reason all show on paper; afterwards each fold is as the reader had it."""
    page = window.page
    window.wear("light", chromium.DESKTOP)
    window.go((pages / f"{LAB}.html").as_uri())
    page.locator("article details.hint > summary").nth(1).click()
    before, place = page.evaluate(FOLDED), page.evaluate("scrollY")
    assert {True, False} == set(before) and place > 0
    for _ in range(2):  # whoever cancels, prints again
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        printed = page.evaluate(PRINTED)
        page.emulate_media(media="screen")
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert printed["closed"] == 0
        assert printed["words"] == ['"Solution"', "For instructors", "Hint", "Why"]
        assert page.evaluate(FOLDED) == before
        assert page.evaluate("scrollY") == place
    page.pdf()  # the browser's own printing, with its own events
    assert page.evaluate(FOLDED) == before


def test_every_stop_of_the_tab_key_is_seen(browser: Browser, server: str) -> None:
    """Focus moves through the page, and each place that has it is outlined."""
    with chromium.opened(browser, f"{server}/{LESSON}.html") as visit:
        stops = []
        for _ in range(40):
            visit.page.keyboard.press("Tab")
            stops.append(visit.page.evaluate(FOCUS))
        assert len({what for what, _ in stops}) > 20, "the tab key is caught"
        assert [what for what, outlined in stops if not outlined] == []


STOPS = {"book/02_score_matching": 140}  # a third of them in the sidebar and the contents


@pytest.mark.parametrize("name", STOPS)
def test_a_keyboard_walks_through_a_lesson_in_few_steps(
    browser: Browser, pages: Path, name: str
) -> None:
    """Links, figures and questions are stops; formulas and buttons that copy code are none."""
    with chromium.opened(browser, (pages / f"{name}.html").as_uri()) as visit:
        stops = []
        while len(stops) <= STOPS[name]:
            visit.page.keyboard.press("Tab")
            stops.append(visit.page.evaluate(WHERE))
            if not stops[-1]:
                break
        assert 50 < len(stops) <= STOPS[name], stops
        assert [stop for stop in stops if stop.startswith("formula")] == []


def test_formulas_need_no_script(browser: Browser, pages: Path) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto((pages / "book" / "02_score_matching.html").as_uri())
        formulas = page.locator("article > section p math").all()[:20]
        boxes = [formula.bounding_box() for formula in formulas]
        assert len(boxes) == 20
        assert all(box["width"] > 4 and box["height"] > 4 for box in boxes)


COPIED = """() => {
  const formula = document.querySelector("article p > .math"), data = new DataTransfer();
  getSelection().selectAllChildren(formula.parentElement);
  document.dispatchEvent(new ClipboardEvent("copy", {clipboardData: data, cancelable: true}));
  return [data.getData("text/plain"), formula.firstChild.getAttribute("alttext")];
}"""


def test_a_formula_is_copied_as_its_source(window: chromium.Visit, pages: Path) -> None:
    window.go((pages / "book" / "02_score_matching.html").as_uri())
    text, source = window.page.evaluate(COPIED)
    assert f"${source}$" in text
    assert "<" not in text


WHERE = """() => {
  const place = document.activeElement;
  const kind = place.closest(".math") ? "formula" : place.tagName;
  return place === document.body ? "" : `${kind} ${place.className} ${place.textContent}`;
}"""
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
        values = [int(slider.input_value())]
        visit.halt()
        button.click()
        for _ in range(3):
            visit.later(FRAME)
            values.append(int(slider.input_value()))
        moved = len({*values}) - 1
        assert moved == 1 if wish == "reduce" else moved == 3
        button.click()
        if wish != "reduce":
            visit.later(9 * FRAME)
            assert int(slider.input_value()) == values[-1]


FOCUS = """() => {
  const place = document.activeElement, style = getComputedStyle(place);
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return [place.outerHTML.slice(0, 120), outlined];
}"""

LATE = """<p style="height:300px">Words</p><script>requestAnimationFrame(() =>
  requestAnimationFrame(() => { document.getElementById("a").style.height = "400px"; }))</script>"""
HEAD = '<!doctype html><html lang="en"><title>T</title><main><h1>T</h1><p>Words</p>'
SLIDER = '<figure class="lesson-player"><img alt="a" src="data:,"><input type="range" max="3">'


@pytest.fixture
def broken(browser: Browser, tmp_path: Path) -> Iterator[chromium.Visit]:
    """Opens a small page with one more piece of html."""
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
    assert jumps(broken('<div id="a"></div>' + LATE))
    assert dimmed(broken('<article><img alt="a" src="data:," style="filter:blur(1px)"></article>'))
    assert dimmed(broken('<article><img alt="a" src="data:," class="drawing"></article>'))
    many = "<script>document.body.append(...Array.from(Array(3e4), () => new Image()))</script>"
    assert heavy(broken(many)) == ["30008 elements, wanted at most 30000"]
    assert "bytes, wanted at most 5000000" in heavy(broken("x" * MOST["bytes"]))[0]


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
    assert "export NEED_BROWSER=1" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
