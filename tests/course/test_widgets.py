"""A figure with sliders is complete, the same every time, and moves without a kernel."""

import base64
import io
import json
import re
from html.parser import HTMLParser

import browser
import matplotlib
import pytest
import torch
from matplotlib import pyplot as plt

from lessons_lib.course.widgets import Player, frames

matplotlib.use("agg")


def bar(height, colour="tab:blue"):
    """A figure that differs with every argument."""
    figure, ax = plt.subplots(figsize=(2, 1))
    ax.bar([0], [height], color=colour)
    ax.set_ylim(0, 4)
    return figure


def words(height, colour="blue"):
    return f"A {colour} bar of height <{height:g}>"


def player(**options) -> Player:
    return frames(bar, {"height": [1, 2, 3]}, **({"alt": words, "start": {"height": 2}} | options))


def two_sliders(**options) -> Player:
    values = {"height": torch.tensor([1.0, 2.5]), "colour": ["red", "green", "blue"]}
    return frames(bar, values, alt=words, **options)


class Page(HTMLParser):
    """Start tags with their attributes, in order, and a check that tags are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.scripts = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("img", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def test_same_bytes_every_time():
    assert player().to_html() == player().to_html()


def test_different_figures_have_different_names():
    name = re.compile(r'data-player="([0-9a-f]{12})"')
    first, second = name.findall(player().to_html()), name.findall(two_sliders().to_html())
    assert set(first).isdisjoint(second)
    assert len(set(first)) == 1, "the script must look for the name that the figure carries"


def test_first_frame_shows_without_javascript():
    shown = player()
    (image,) = Page(shown.to_html()).all("img")
    assert base64.b64decode(image["src"].split(",")[1]) == shown.pictures[1]
    assert image["alt"] == "A blue bar of height <2>"
    (controls,) = [a for a in Page(shown.to_html()).all("div") if a["class"] == "controls"]
    assert "hidden" in controls, "sliders that cannot move must not show"


def test_every_frame_has_its_picture_and_text_in_the_order_the_sliders_count():
    data = json.loads(Page(two_sliders().to_html()).scripts[0])
    assert data["alt"][4] == "A green bar of height <2.5>"
    assert len(data["alt"]) == len(data["png"]) == 6
    assert len(set(data["png"])) == 6
    assert data["words"] == [["1", "2.5"], ["red", "green", "blue"]]


def test_sliders_are_named_and_read_out():
    shown = two_sliders(
        labels={"height": "how tall", "colour": "a & b"}, units={"height": "cm"}
    ).to_html()
    inputs = Page(shown).all("input")
    assert [i["aria-valuetext"] for i in inputs] == ["1 cm", "red"]
    assert all(i["type"] == "range" and i["step"] == "1" for i in inputs)
    assert re.search(r"<label><span>how tall</span><input [^>]*><output", shown)
    assert "a &amp; b</span>" in shown


def test_loads_nothing_and_holds_no_identifier():
    shown = player().to_html()
    assert not re.search(r"https?:|\bid=|url\(|@import|<link", shown)


def test_text_cannot_break_out_of_the_page():
    nasty = frames(
        bar,
        {"height": [1, 2]},
        alt=lambda height: '</script><b>"@PNG@',
        caption="<i>@ALT@",
    ).to_html()
    page = Page(nasty)
    assert not page.all("b")
    assert not page.all("i")
    assert json.loads(page.scripts[0])["alt"][0] == '</script><b>"@PNG@'


def test_numbers_are_read_with_four_digits_and_a_true_minus():
    shown = frames(bar, {"height": [-1 / 3, 1e-5]}, alt=words)
    assert shown.controls[0].words == ("\N{MINUS SIGN}0.3333", "1e\N{MINUS SIGN}05")


def test_frames_are_small_palette_pictures_of_the_stated_size():
    from PIL import Image

    shown = player()
    picture = Image.open(io.BytesIO(shown.pictures[0]))
    assert picture.mode == "P"
    assert picture.size == (300, 150)  # 2 x 1 inches at 150 per inch
    assert shown.size == (200, 100)  # the page shows 100 per inch


def test_figures_are_closed():
    before = plt.get_fignums()
    player()
    assert plt.get_fignums() == before


def test_one_call_shows_as_html_without_a_kernel():
    bundle = player()._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert bundle["text/plain"] == "Player(height: 3 values)"


def test_live_widget_redraws_when_its_slider_moves():
    drawn = []

    def draw(height):
        drawn.append(height)
        return bar(height)

    box = frames(draw, {"height": [1, 2, 3]}, alt=words, start={"height": 2}).to_widget()
    drawn.clear()
    slider, picture = box.children[0].children[1], box.children[-1]
    assert slider.label == "2"
    before = picture.value
    slider.index = 2
    assert drawn == [3]
    assert picture.value != before
    assert 'alt="A blue bar of height &lt;3&gt;"' in picture.value


def test_the_live_widget_is_offered_beside_a_kernel(monkeypatch):
    import IPython

    class Shell:
        kernel = object()

    shown = player()
    monkeypatch.setattr(IPython, "get_ipython", lambda: Shell())
    bundle = shown._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/html"] == shown.to_html()
    assert bundle["text/plain"] == "Player(height: 3 values)"


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ({}, {}, "one to three sliders"),
        ({"height": [1]}, {}, r"values\['height'\] must hold at least two values, got 1"),
        ({"height": [1, 2]}, {"start": {"height": 7}}, r"start\['height'\] .*\[1, 2\], got 7"),
        ({"height": [1, 2]}, {"start": {"width": 1}}, r"start names \['width'\]"),
        ({"height": [1, 2]}, {"labels": {"width": "w"}}, r"labels names \['width'\]"),
        ({"height": [1, 2]}, {"units": {"width": "w"}}, r"units names \['width'\]"),
        ({"height": [1, 2]}, {"alt": lambda height: " "}, "alt must describe every frame"),
        ({"height": [1, 2]}, {"limit": 1000}, r"weighs 0\.0\d MB in 2 frames, wanted at most"),
    ],
)
def test_bad_values_are_refused(values, options, message):
    with pytest.raises(ValueError, match=message):
        frames(bar, values, **({"alt": words} | options))


def test_wrong_types_are_refused():
    with pytest.raises(TypeError, match="draw must return a matplotlib Figure, got int"):
        frames(lambda height: 3, {"height": [1, 2]}, alt=words)
    with pytest.raises(TypeError, match="alt must return a str, got int"):
        frames(bar, {"height": [1, 2]}, alt=lambda height: 3)


def test_figures_of_different_sizes_are_refused():
    def grows(height):
        return plt.figure(figsize=(height, 1))

    with pytest.raises(ValueError, match="figures of one size"):
        frames(grows, {"height": [1, 2]}, alt=words)


# What a reader sees of a player, and hears of its first slider.
LOOK = """() => {
  const [image, button, slider] = ["img", "button", "input"].map(k => document.querySelector(k));
  const read = [slider.getAttribute("aria-valuetext"), slider.nextElementSibling.textContent];
  return {
    words: image.alt,
    picture: image.src,
    button: button.textContent,
    slider: [slider.value, ...read],
  };
}"""
INTERVAL = 300  # milliseconds of the page's own clock


@pytest.fixture
def moved(tmp_path):
    """Move one slider, then the other, press the button, and look after each."""
    path = tmp_path / "page.html"
    body = two_sliders(interval=INTERVAL).to_html()
    path.write_text(f'<!doctype html><meta charset="utf-8"><body>{body}', encoding="utf-8")

    def run(wish):
        with browser.launched() as started:
            with browser.opened(started, path.as_uri(), reduced_motion=wish) as visit:
                visit.halt()
                page = visit.page
                rows = [page.evaluate(LOOK)]
                for i, value in enumerate(("1", "2")):
                    page.locator("input").nth(i).fill(value)
                    rows.append(page.evaluate(LOOK))
                page.locator("button").click()
                for _ in range(2):
                    visit.later(INTERVAL)
                    rows.append(page.evaluate(LOOK))
                assert visit.errors == []
                return rows

    return run


def test_moving_a_slider_changes_picture_text_and_read_out(moved):
    start, first, second, played, again = moved("no-preference")
    assert [row["words"] for row in (start, first, second)] == [
        "A red bar of height <1>",
        "A red bar of height <2.5>",
        "A blue bar of height <2.5>",
    ]
    assert first["slider"] == ["1", "2.5", "2.5"]
    assert played["words"] == "A blue bar of height <1>", "one step, and around the end"
    assert again["words"] == second["words"], "and one more after as long again"
    assert [start["button"], played["button"]] == ["Play", "Pause"]
    assert len({row["picture"] for row in (start, first, second, played)}) == 4


def test_reduced_motion_steps_once_for_each_press(moved):
    *_, pressed, later = moved("reduce")
    assert pressed["words"] == later["words"] == "A blue bar of height <1>"
    assert {pressed["button"], later["button"]} == {"Next"}
