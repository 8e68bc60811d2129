"""The exported map in a real Chromium, from a file, without a network."""

import csv
import functools
import io
import re

import numpy as np
import pytest
from browser import assert_readable
from PIL import Image
from small_sets import four_colours
from test_image_map import HOSTILE, hostile_set

from course_utils.maps import hotspots, image_map, layouts

SIZE = {"width": 1280, "height": 800}


def write(folder, image_set, out="map.html"):
    """A map of four islands, one a class, and clusters that halve two of them."""
    labels = image_set.true_labels
    spread = np.random.default_rng(0).uniform(-1, 1, (len(labels), 2))
    corners = np.array([(0, 0), (10, 0), (10, 10), (0, 10)])
    points = (corners[labels] + spread).astype(np.float32)
    halves = np.arange(len(labels)) % 2
    vectors = np.eye(4)[labels] + 0.01 * spread[:, :1]
    return image_map.write(
        image_set,
        folder / out,
        points={
            "umap": points,
            "grid": layouts.grid(points),
            "class": layouts.grouped(labels, points),
        },
        cluster_labels=np.where(labels < 2, labels, 2 * labels + halves),
        vectors=vectors,
        spots=hotspots.find_hotspots(points, vectors, list(image_set.captions)),
        words=list(image_set.captions),
        progress=False,
    )


class Opened:
    """A map in a page. page: Playwright's; errors: of the console and the requests;
    expected: a pattern of the errors that there may be."""

    expected = r"(?!)"  # none

    def __init__(self, browser, path, script=None, **options):
        options = {"viewport": SIZE, "reduced_motion": "reduce"} | options
        self.context = browser.new_context(offline=True, **options)
        self.page = self.context.new_page()
        if script:
            self.page.add_init_script(script)
        self.errors, self.asked = [], []
        self.page.on("console", lambda m: self.errors.append(f"{m.type}: {m.text}"))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("requestfailed", lambda r: self.errors.append(f"failed: {r.url}"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("body[data-ready=yes]")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.context.close()
        if kind is None:
            self.assert_quiet()

    def assert_quiet(self):
        """No error but those expected, and nothing was asked of a network."""
        bad = [e for e in self.errors if not re.search(self.expected, e)]
        assert not bad, "\n".join(bad)
        assert all(a.startswith(("file:", "blob:", "data:")) for a in self.asked)

    def start_anew(self):
        """Put everything back as it is when the map opens."""
        for name in ("Clear", "Close"):
            button = self.page.get_by_role("button", name=name, exact=True)
            if button.is_visible() and button.is_enabled():
                button.click()
        for choice in ("layouts", "colours"):
            self.page.locator(f"#{choice} input").first.check()
        self.page.get_by_role("button", name="Whole map").click()
        self.page.evaluate("document.activeElement.blur()")
        self.page.mouse.move(1, 1)
        colours = ("red", "green", "blue", "yellow")
        assert self.settles(lambda: min(map(self.amount, colours)) > 1000)

    def shown(self):
        """The pixels of the map: uint8 array (height, width, 3)."""
        png = self.page.locator("#map").screenshot()
        return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)

    def amount(self, colour):
        """How many pixels of the map are clearly red, green, blue or yellow."""
        red, green, blue = np.moveaxis(self.shown(), -1, 0)
        high, low = 150, 110
        return int(
            {
                "red": (red > high) & (green < low) & (blue < low),
                "green": (green > high) & (red < low) & (blue < low),
                "blue": (blue > high) & (red < low) & (green < low),
                "yellow": (red > high) & (green > high) & (blue < low),
            }[colour].sum()
        )

    def differs(self, before):
        """Whether the map looks clearly different from an earlier `shown()`."""
        return np.abs(self.shown() - before).mean() > 2

    def settles(self, condition, *arguments):
        """Wait until this is true of the drawn map."""
        for _ in range(100):
            if condition(*arguments):
                return True
            self.page.wait_for_timeout(100)
        return False

    def status(self):
        return self.page.locator("#chosen").inner_text()

    def csv(self):
        """The rows of the downloaded CSV."""
        with self.page.expect_download() as waiting:
            self.page.get_by_role("button", name="Download CSV").click()
        text = waiting.value.path().read_text("utf-8")
        return list(csv.DictReader(io.StringIO(text)))

    def drag(self, *corners):
        """Draw a lasso through these shares of the map's width and height."""
        box = self.page.locator("#map").bounding_box()
        places = [
            (box["x"] + x * box["width"], box["y"] + y * box["height"])
            for x, y in corners
        ]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in (*places[1:], places[0]):
            self.page.mouse.move(*place, steps=6)
        self.page.mouse.up()

    def draw_rope(self, *corners, fast=False, keys=()):
        """Draw an open lasso through these shares of the map's width and height."""
        box = self.page.locator("#map").bounding_box()
        places = [
            (box["x"] + x * box["width"], box["y"] + y * box["height"])
            for x, y in corners
        ]
        self.page.get_by_role("button", name="Lasso").click()
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=1 if fast else 5)
        for key in keys:
            self.page.keyboard.down(key)
        self.page.mouse.up()
        for key in keys:
            self.page.keyboard.up(key)

    def names(self):
        """The names that stand on the map: {text: bounding box}."""
        found = self.page.locator("#labels button:visible").all()
        return {name.inner_text(): name.bounding_box() for name in found}


@pytest.fixture(scope="module")
def image_set():
    return four_colours()


@pytest.fixture(scope="module")
def path(image_set, tmp_path_factory):
    return write(tmp_path_factory.mktemp("map"), image_set)


@pytest.fixture(scope="module")
def one_page(chromium, path):
    with Opened(chromium, path) as opened:
        yield opened


@pytest.fixture
def opened(one_page):
    """The map as it is when it opens, in one page for all tests: opening is slow."""
    one_page.start_anew()
    yield one_page
    one_page.assert_quiet()


def test_all_thumbnails_are_drawn(opened):
    for colour in ("red", "green", "blue", "yellow"):
        assert opened.amount(colour) > 1000, colour


def test_a_folder_from_a_disk_works_like_a_file(chromium, image_set, tmp_path):
    index = write(tmp_path, image_set, "map")
    with Opened(chromium, index) as opened:
        assert opened.settles(lambda: opened.amount("red") > 1000)
        opened.page.get_by_label("Search").fill("red thing 7")
        opened.page.locator("#strip button").first.click()
        opened.page.wait_for_function(PICTURE_IS_THERE)


def test_zooming_in_shows_one_island_larger(opened):
    assert opened.settles(lambda: opened.amount("red") > 1000)
    before = opened.amount("red")
    opened.page.locator("#spot-list button", has_text="red").click()
    assert opened.settles(lambda: opened.amount("red") > 2 * before)
    assert opened.amount("blue") < 500
    opened.page.get_by_role("button", name="Whole map").click()
    opened.page.get_by_role("button", name="Clear").click()
    assert opened.settles(lambda: opened.amount("blue") > 1000)


def test_the_wheel_zooms(opened):
    assert opened.settles(lambda: opened.amount("red") > 1000)
    box = opened.page.locator("#map").bounding_box()
    opened.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 200)
    before = opened.shown()
    opened.page.mouse.wheel(0, -400)
    assert opened.settles(lambda: np.abs(opened.shown() - before).mean() > 2)


# Frames of 60 ms, and the least density of pixels that any of them has
SLOW_FRAMES = """() => {
  const canvas = document.getElementById("deckgl-overlay");
  window.density = () => canvas.width / canvas.clientWidth / devicePixelRatio;
  window.slow = true;
  window.least = 1;
  const wait = () => {
    for (const begun = performance.now(); performance.now() - begun < 60;);
    window.least = Math.min(window.least, window.density());
    if (window.slow) requestAnimationFrame(wait);
  };
  wait();
}"""


def test_where_frames_are_slow_a_moving_map_is_coarse_and_sharp_at_rest(opened):
    assert opened.settles(lambda: opened.amount("red") > 1000)
    page, before = opened.page, opened.amount("red")
    box = page.locator("#map").bounding_box()
    page.evaluate(SLOW_FRAMES)
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.mouse.down()
    for step in range(100):
        page.mouse.move(box["x"] + 300 + step % 2, box["y"] + 200 + step % 20)
        if page.evaluate("window.least") < 1:
            break
    assert page.evaluate("window.least") == pytest.approx(0.5, abs=0.01)
    page.evaluate("window.slow = false")
    page.mouse.up()
    assert opened.settles(lambda: page.evaluate("window.density()") > 0.99)
    assert opened.settles(lambda: opened.amount("red") > 0.8 * before)


def test_keys_move_and_zoom(opened):
    colours = ("red", "green", "blue", "yellow")
    assert opened.settles(lambda: min(map(opened.amount, colours)) > 1000)
    before = {colour: opened.amount(colour) for colour in colours}
    opened.page.locator("#map").focus()
    for _ in range(4):  # to the upper left, where the yellow ones are
        opened.page.keyboard.press("+")
        for _ in range(3):
            opened.page.keyboard.press("ArrowLeft")
            opened.page.keyboard.press("ArrowUp")
    assert opened.settles(
        lambda: opened.amount("red") == 0 and opened.amount("yellow") > 0
    )
    opened.page.keyboard.press("0")
    assert opened.settles(
        lambda: all(opened.amount(c) > 0.8 * before[c] for c in colours)
    )


def test_layouts_can_be_switched(opened):
    assert opened.settles(lambda: opened.amount("red") > 1000)
    for layout in ("Grid", "By class"):
        before = opened.shown()
        opened.page.get_by_label(layout).check()
        changed = functools.partial(opened.differs, before)
        assert opened.settles(changed)
        assert opened.settles(lambda: opened.amount("yellow") > 1000)


def test_a_search_selects_and_its_csv_has_the_cluster_labels(opened, image_set):
    opened.page.get_by_label("Search").fill("THING yellow")
    assert "40 images" in opened.status()
    rows = opened.csv()
    found = [i for i, name in enumerate(image_set.true_names) if name == "yellow"]
    assert [row["image"] for row in rows] == [image_set.images[i] for i in found]
    assert {row["class"] for row in rows} == {"yellow"}
    assert [int(row["cluster"]) for row in rows] == [6 + i % 2 for i in found]
    assert [row["caption"] for row in rows] == [image_set.captions[i] for i in found]


def test_a_search_without_a_match_says_so(opened):
    opened.page.get_by_label("Search").fill("purple")
    assert opened.status() == "“purple”: 0 images"
    assert opened.csv() == []


def test_others_fade_when_some_are_selected(opened):
    assert opened.settles(lambda: opened.amount("red") > 1000)
    opened.page.get_by_label("Search").fill("blue")
    assert opened.settles(lambda: opened.amount("red") == 0)
    assert opened.amount("blue") > 1000


def test_a_lasso_downloads_what_is_in_it(opened, image_set):
    assert opened.settles(lambda: opened.amount("yellow") > 1000)
    opened.page.get_by_role("button", name="Lasso").click()
    opened.drag((0.02, 0.02), (0.5, 0.02), (0.5, 0.5), (0.02, 0.5))
    assert opened.status().startswith("lasso: 40 images")
    assert {row["class"] for row in opened.csv()} == {"yellow"}  # upper left


ROPES = {  # around the upper left island, in shares of the map, as people draw them
    "open": [(0.02, 0.5), (0.02, 0.02), (0.5, 0.02), (0.5, 0.5)],
    "fast": [(0.5, 0.02), (0.5, 0.5), (0.02, 0.5), (0.02, 0.02)],
    "round": [
        (0.24 + 0.3 * np.cos(turn), 0.24 + 0.32 * np.sin(turn))
        for turn in np.linspace(0, 5.8, 12)
    ],
    "crossing itself": [
        (0.24 + 0.3 * np.cos(turn), 0.24 + 0.32 * np.sin(turn))
        for turn in np.linspace(0, 8.5, 16)
    ],
    "over the edge": [(0.5, 0.01), (0.5, 0.5), (-0.05, 0.5), (-0.05, 0.01)],
}


@pytest.mark.parametrize("rope", ROPES)
def test_a_lasso_catches_what_is_inside_and_the_map_stands_still(opened, rope):
    page = opened.page
    assert opened.settles(lambda: opened.amount("yellow") > 1000)
    page.wait_for_timeout(500)
    before = opened.shown()
    opened.draw_rope(*ROPES[rope], fast=rope == "fast")
    box = page.locator("#map").bounding_box()
    assert opened.status().startswith("lasso: 40 images")
    assert {row["class"] for row in opened.csv()} == {"yellow"}
    page.get_by_role("button", name="Clear", exact=True).click()
    page.mouse.move(1, 1)
    assert opened.settles(lambda: np.abs(opened.shown() - before).mean() < 0.5)
    page.mouse.move(box["x"] + 300, box["y"] + 300)  # and then it moves again
    page.mouse.down()
    page.mouse.move(box["x"] + 500, box["y"] + 400, steps=5)
    page.mouse.up()
    assert opened.settles(lambda: np.abs(opened.shown() - before).mean() > 2)


def test_shift_adds_to_the_selection_and_undo_goes_back(opened):
    assert opened.settles(lambda: opened.amount("yellow") > 1000)
    opened.draw_rope(*ROPES["open"])
    assert opened.status().startswith("lasso: 40 images")
    opened.draw_rope((0.5, 0.02), (1.02, 0.02), (1.02, 0.5), (0.5, 0.5), keys=["Shift"])
    assert opened.status().startswith("lasso + lasso: 80 images")
    opened.page.get_by_label("Add to it").check()  # where there is no Shift
    opened.page.locator("#group-list button").last.click()
    assert opened.status().startswith("lasso + lasso + cluster")
    opened.page.get_by_label("Add to it").uncheck()
    undo = opened.page.get_by_role("button", name="Undo")
    undo.click()
    assert opened.status().startswith("lasso + lasso: 80 images")
    undo.click()
    assert opened.status().startswith("lasso: 40 images")
    assert {row["class"] for row in opened.csv()} == {"yellow"}


def test_escape_leaves_the_lasso_and_not_the_selection(opened):
    opened.page.get_by_label("Search").fill("blue")
    button = opened.page.get_by_role("button", name="Lasso")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    opened.page.keyboard.press("Escape")
    assert button.get_attribute("aria-pressed") == "false"
    assert opened.status() == "“blue”: 40 images"


def test_a_finger_draws_a_lasso_on_a_phone(chromium, path):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
    with Opened(chromium, path, **phone) as opened:
        box = opened.page.locator("#map").bounding_box()
        fingers = opened.context.new_cdp_session(opened.page)

        def touch(kind, *places):
            points = [
                {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
                for x, y in places
            ]
            fingers.send(
                "Input.dispatchTouchEvent", {"type": kind, "touchPoints": points}
            )

        opened.page.get_by_role("button", name="Lasso").click()
        corners = [(0.02, 0.52), (0.02, 0.05), (0.3, 0.05), (0.5, 0.06), (0.5, 0.5)]
        touch("touchStart", corners[0])
        for corner in corners[1:]:
            touch("touchMove", corner)
        touch("touchEnd")
        assert opened.settles(lambda: opened.status().startswith("lasso: 40 images"))


def test_a_lasso_that_the_system_takes_away_is_dropped(opened):
    page = opened.page
    page.get_by_role("button", name="Lasso").click()
    box = page.locator("#map").bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 60, steps=4)
    assert page.locator("#rope").get_attribute("d")
    page.evaluate(
        "document.getElementById('map').dispatchEvent(new PointerEvent("
        "'pointercancel', {bubbles: true, pointerId: 1}))"
    )
    page.mouse.move(box["x"] + 300, box["y"] + 200, steps=4)
    assert not page.locator("#rope").get_attribute("d")
    page.mouse.up()
    page.get_by_role("button", name="Lasso").click()


def test_a_lost_graphics_card_is_told(chromium, path):
    with Opened(chromium, path) as opened:
        opened.expected = "(?i)webgl|context"  # the browser and deck.gl say it too
        opened.page.evaluate(
            "document.querySelector('#map canvas:not(#overview)').getContext('webgl2')"
            ".getExtension('WEBGL_lose_context').loseContext()"
        )
        opened.page.wait_for_selector("#notice:not([hidden])")
        assert "reload the page" in opened.page.locator("#notice").inner_text()


def test_without_a_selection_all_pictures_are_downloaded(opened, image_set):
    rows = opened.csv()
    assert [row["image"] for row in rows] == list(image_set.images)


def test_a_picture_under_the_pointer_is_shown_and_a_click_opens_it(opened):
    opened.page.get_by_label("Grid").check()
    box = opened.page.locator("#map").bounding_box()
    middle = box["x"] + box["width"] / 2 + 9, box["y"] + box["height"] / 2 + 9
    tip, texts = opened.page.locator("#tip"), []

    def stands():  # while the map still moves, it takes the tip away again
        opened.page.mouse.move(middle[0] + 1, middle[1])
        opened.page.mouse.move(*middle)
        texts.append(tip.inner_text())
        return texts[-1] != "" and texts[-1:] == texts[-2:-1]

    assert opened.settles(stands)
    opened.page.mouse.click(*middle)
    opened.page.wait_for_selector("#picture:not([hidden])")
    file, caption = opened.page.locator("#facts dd").all_inner_texts()[:2]
    assert texts[-1].startswith(caption) and texts[-1].endswith(file)
    opened.page.wait_for_function(PICTURE_IS_THERE)
    assert opened.page.locator("#said").inner_text() == f"Opened: {caption}"


def test_colours_have_shapes_and_names_beside_them(opened):
    before = opened.shown()
    opened.page.get_by_label("class", exact=True).check()
    assert opened.settles(lambda: np.abs(opened.shown() - before).mean() > 0.2)
    marks = opened.page.locator("#group-list svg path")
    shapes = marks.evaluate_all("all => all.map(one => one.getAttribute('d'))")
    assert len(shapes) == len(set(shapes)) == 4
    text = opened.page.locator("#group-list").inner_text()
    assert all(name in text for name in ("red", "green", "blue", "yellow"))


def test_everything_can_be_reached_and_has_a_name(opened):
    opened.page.get_by_label("Search").fill("red")
    names = []
    for _ in range(40):
        opened.page.keyboard.press("Tab")
        names.append(opened.page.evaluate(NAME_OF_FOCUS))
    assert all(name for name in names)
    text = " | ".join(names)
    order = ["Lasso", "Whole map", "Map of images", "Download CSV", "Clear"]
    places = [text.index(name) for name in order]
    assert places == sorted(places)


PICTURE_IS_THERE = "() => document.getElementById('large').naturalWidth > 0"
NAME_OF_FOCUS = """() => {
  const found = document.activeElement;
  return found.getAttribute('aria-label') || found.closest('label')?.innerText
    || found.innerText || found.tagName;
}"""


def test_blocks_have_names_and_the_list_goes_with_them(opened):
    opened.page.get_by_label("By class").check()
    for colour in ("red", "green", "blue", "yellow"):
        assert opened.settles(
            lambda name: name in opened.names(), f"{colour} · 40 images"
        )
    assert opened.page.locator("#groups-title").inner_text() == "Classes"
    opened.page.locator("#labels button:visible", has_text="red").click()
    assert opened.status().startswith("red: 40 images")
    opened.page.get_by_label("UMAP").check()
    assert opened.page.locator("#groups-title").inner_text() == "Clusters"
    text = opened.page.locator("#groups").inner_text()
    assert "purity 1.00" in text and "1.00 yellow" in text


def test_names_stay_on_the_map_and_off_each_other_and_off_grids(opened):
    assert opened.settles(lambda: len(opened.names()) == 4)
    assert {name.split(",")[0] for name in opened.names()} == {
        f"{colour} thing" for colour in ("red", "green", "blue", "yellow")
    }
    frame = opened.page.locator("#map").bounding_box()
    for width in (390, SIZE["width"]):
        opened.page.set_viewport_size({"width": width, "height": 800})
        opened.page.wait_for_timeout(500)
        frame, boxes = opened.page.locator("#map").bounding_box(), opened.names()
        assert boxes
        for box in boxes.values():
            assert box["height"] >= 24
            assert box["x"] >= frame["x"] and box["y"] >= frame["y"]
            assert box["x"] + box["width"] <= frame["x"] + frame["width"]
            assert box["y"] + box["height"] <= frame["y"] + frame["height"]
    opened.page.get_by_label("Grid").check()
    assert opened.settles(lambda: not opened.names())


def test_no_image_covers_another_in_the_first_view(opened):
    """Each of the 160 has a place of its own: so much colour is on the screen."""
    colours = ("red", "green", "blue", "yellow")
    frame = opened.page.locator("#map").bounding_box()
    share = sum(map(opened.amount, colours)) / (frame["width"] * frame["height"])
    assert share > 0.25


def test_zooming_into_the_void_finds_an_image(opened):
    box = opened.page.locator("#map").bounding_box()
    corner = box["x"] + 3, box["y"] + box["height"] - 3
    opened.page.mouse.move(*corner)
    for _ in range(6):
        opened.page.mouse.wheel(0, -400)
        opened.page.wait_for_timeout(60)
    colours = ("red", "green", "blue", "yellow")
    assert opened.settles(lambda: max(map(opened.amount, colours)) > 5000)


def test_the_overview_is_there_when_zoomed_in_and_leads_elsewhere(opened):
    overview = opened.page.locator("#overview")
    assert not overview.is_visible()
    opened.page.locator("#spot-list button", has_text="yellow").click()
    opened.page.get_by_role("button", name="Clear", exact=True).click()
    assert opened.settles(overview.is_visible)
    assert opened.settles(lambda: opened.amount("yellow") > opened.amount("blue"))
    box = overview.bounding_box()
    opened.page.mouse.click(
        box["x"] + 0.8 * box["width"], box["y"] + 0.25 * box["height"]
    )
    assert opened.settles(lambda: opened.amount("red") > opened.amount("yellow"))


def test_a_search_without_a_match_says_so_on_the_map_and_hides_nothing(opened):
    opened.page.get_by_label("Search").fill("purple")
    assert opened.page.locator("#empty").inner_text() == "No image matches “purple”"
    assert opened.settles(lambda: opened.amount("red") > 1000)


def test_enter_opens_the_image_in_the_middle_which_is_marked(opened):
    page = opened.page
    page.get_by_label("Search").focus()
    while page.evaluate("document.activeElement.id") != "map":
        page.keyboard.press("Tab")
    assert page.locator("#middle").is_visible()
    page.keyboard.press("Enter")
    caption = page.locator("#facts dd").nth(1).inner_text()
    assert page.locator("#said").inner_text() == f"Opened: {caption}"
    assert page.locator("#ring").is_visible()
    assert page.locator("#nearest-strip button").count() == 8
    first = page.locator("#nearest-strip button").first
    wanted = first.get_attribute("title")
    first.click()
    assert page.locator("#said").inner_text() == f"Opened: {wanted}"
    page.get_by_role("button", name="Close", exact=True).click()
    assert not page.locator("#ring").is_visible()


def test_an_address_names_layout_colours_and_search(opened, path):
    opened.page.evaluate("location.hash = '#layout=grid&colour=class&q=red+thing'")
    assert opened.settles(lambda: opened.status() == "“red thing”: 40 images")
    assert opened.page.get_by_label("Grid").is_checked()
    assert opened.page.get_by_label("class", exact=True).is_checked()
    opened.page.get_by_label("By class").check()
    opened.page.get_by_label("Search").fill("blue")
    assert opened.page.evaluate("location.hash") == "#layout=class&colour=class&q=blue"


def test_an_image_opened_on_a_phone_is_on_the_screen(chromium, path):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
    with Opened(chromium, path, **phone) as opened:
        opened.page.get_by_label("Search").fill("red thing 7")
        opened.page.locator("#strip button").first.click()
        opened.page.wait_for_function(PICTURE_IS_THERE)
        box = opened.page.locator("#large").bounding_box()
        assert box["y"] > 400 and box["y"] + box["height"] <= 844


def test_the_map_is_readable_in_light_and_dark_at_all_widths(chromium, path):
    with Opened(chromium, path) as opened:
        opened.page.get_by_label("By class").check()
        opened.page.get_by_label("class", exact=True).check()
        opened.page.locator("#group-list button").first.click()
        opened.page.locator("#strip button").first.click()
        assert_readable(opened.page)
        small = opened.page.evaluate(
            "[...document.querySelectorAll('button, input, #labels button')]"
            ".filter((one) => one.offsetWidth)"
            ".filter((one) => Math.min(one.offsetWidth, one.offsetHeight) < 20)"
            ".map((one) => one.outerHTML)"
        )
        assert not small


def test_without_webgl_the_images_are_a_list_by_group(chromium, path):
    class Blind(Opened):
        expected = "(?i)webgl"

    without = (
        "HTMLCanvasElement.prototype.getContext = ((old) => function (kind, ...rest) {"
    )
    without += "return kind.startsWith('webgl') ? null : old.call(this, kind, ...rest);"
    without += "})(HTMLCanvasElement.prototype.getContext)"
    with Blind(chromium, path, script=without) as opened:
        assert "as a list" in opened.page.locator("#notice").inner_text()
        assert opened.page.locator("#album button").count() == 160
        opened.page.get_by_label("class", exact=True).check()
        heads = opened.page.locator("#album h2").all_inner_texts()
        assert sorted(heads) == sorted(
            f"{c} · 40 images" for c in ("red", "green", "blue", "yellow")
        )
        opened.page.get_by_label("Search").fill("red thing 7")
        assert opened.page.locator("#album button").count() == 4  # 7, 17, 27, 37
        opened.page.locator("#album button").first.click()
        opened.page.wait_for_function(PICTURE_IS_THERE)
        assert_readable(opened.page)


def test_hostile_names_are_shown_and_do_nothing(chromium, tmp_path):
    image_set = hostile_set()
    n_images = len(image_set)
    path = image_map.write(
        image_set,
        tmp_path / "map 'ü <b>.html",
        points={"grid": layouts.grid(np.arange(2 * n_images).reshape(n_images, 2))},
        cluster_labels=np.zeros(n_images, int),
        vectors=np.eye(n_images),
        words=list(image_set.captions),
        progress=False,
    )
    with Opened(chromium, path) as opened:
        assert opened.page.title() == "<b>hostile</b>: a map of images"
        assert opened.page.locator("#title").inner_text() == "<b>hostile</b>"
        for name in HOSTILE:
            opened.page.get_by_label("Search").fill(name)
            assert opened.status().endswith(": 1 image"), name
            opened.page.locator("#strip button").first.click()
            shown = opened.page.locator("#facts dd").first
            assert shown.inner_text() == name
        opened.page.get_by_role("button", name="Clear").click()
        rows = {row["image"] for row in opened.csv()}
        assert not opened.page.locator("#map b, aside b, #facts script").count()
        wide = opened.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= SIZE["width"]
    assert set(HOSTILE[:4]) <= rows
    assert "'=HYPERLINK(1).png" in rows  # no formula for a spreadsheet


def test_a_missing_file_of_a_folder_is_named(chromium, image_set, tmp_path):
    index = write(tmp_path, image_set, "map")
    for pack in (tmp_path / "map" / "data").glob("pack-*.js"):
        pack.unlink()
    with Opened(chromium, index) as opened:
        opened.page.get_by_label("Search").fill("red thing")
        opened.page.locator("#strip button").first.click()
        opened.page.wait_for_selector("#notice:not([hidden])")
        notice = opened.page.locator("#notice").inner_text()
        assert re.fullmatch(
            r"data/pack-\d.js is not there: was the folder copied whole\?", notice
        )
        opened.expected = r"pack-\d.js|ERR_FILE"  # some of them come late
