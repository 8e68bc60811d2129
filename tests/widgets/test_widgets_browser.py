"""The widgets as students have them: clicked in a real JupyterLab with a real kernel.

All stand in one notebook, which is opened once for these tests.
"""

import json
import re
import statistics

import pytest
from browser import PATIENCE, within

SET_UP = """
import time
import numpy as np
import small_sets
from course_utils import datasets, experiments, features, widgets

stamps = datasets.load("stamps", progress=False)
names = ["hog", "raw", "bovw", "bovw:tfidf"]  # raw is the widest of all
for name in names:
    features.extract(stamps, name, progress=False)
"""
HOSTILE = [
    "<script>window.hacked = 1</script>",
    '"><img src=x onerror="window.hacked = 1">',
    "it's \"quoted\" & 'spaced' `twice`",
    "Übergröße, 漢字 $x_1$ {{7*7}} \\(y\\)",
    "long " * 59 + "words",
]
STRANGE_SET = f"""
hostile = {HOSTILE!r}
data = list(small_sets.contents(5)[0].values())
images = {{f"{{i}}.png": data[i] for i in range(10)}}
classes = {{image: hostile[i % 5] for i, image in enumerate(images)}}
strange = datasets.from_bytes("strange <b>", images, classes, captions=classes)
"""
CELLS = {
    "stepper": "stepper = widgets.kmeans_stepper()",
    "browser": """
browser = widgets.cluster_browser(stamps, names, ["l2+kmeans", "l2+ward"])""",
    "contingency": """
contingency = widgets.contingency_explorer(stamps, browser.labels)""",
    "comparison": """
results, _ = experiments.run(
    stamps, ["raw", "hog"], ["l2+ward", "l2+average"], progress=False)
comparison = widgets.comparison_explorer(results, {"nmi": 0.05})""",
    "strange_browser": f"""{STRANGE_SET}
strange_browser = widgets.cluster_browser(strange, ["raw"], ["ward"], k=5)""",
    "strange_contingency": """
strange_contingency = widgets.contingency_explorer(strange, np.arange(10) % 2)""",
    "strange_comparison": """
layers = [f"SqueezeNet:{hostile[i]}" for i in range(len(results))]
odd = results.assign(representation=layers, algorithm=hostile[::-1][:len(layers)])
strange_comparison = widgets.comparison_explorer(odd)""",
}


@pytest.fixture(scope="module")
def seen(chromium, lab):
    from playwright.sync_api import expect

    expect.set_options(timeout=60_000)
    cells = [f"{code}\n{name}" for name, code in CELLS.items()]
    with lab.opened(chromium, SET_UP, *cells, size=(1280, 900)) as opened:
        yield opened


@pytest.fixture
def see():
    from playwright.sync_api import expect

    return expect


@pytest.fixture
def widget(seen):
    """widget(name): where it is on the page, a Locator."""

    def find(name):
        found = seen.page.locator(".course-explorer").nth(list(CELLS).index(name))
        found.scroll_into_view_if_needed()
        return found

    return find


def button(place, name):
    return place.get_by_role("button", name=name, exact=True)


def status(place):
    return place.locator(".course-main .course-status")


def set_k(see, place, value):
    field = place.get_by_label("k", exact=True)
    field.click()  # JupyterLab moves the focus about when another cell becomes active
    field.fill(value)
    see(field).to_have_value(value)
    field.press("Enter")


def test_the_stepper_steps(seen, see, widget):
    stepper = widget("stepper")
    see(stepper.locator(".course-point")).to_have_count(60)
    see(stepper.locator(".course-centre")).to_have_count(3)
    button(stepper, "Step").click()
    see(status(stepper)).to_contain_text("Step 1, assignment: 60 labels changed")
    see(stepper.locator(".course-step")).to_have_count(1)
    see(stepper.locator('.course-point[data-cluster="-1"]')).to_have_count(0)
    button(stepper, "To the end").click()
    see(status(stepper)).to_contain_text("finished")
    n_steps = seen.python("len(stepper.steps)")
    see(stepper.locator(".course-step")).to_have_count(n_steps)
    button(stepper, "Back to the start").click()
    see(stepper.locator(".course-step")).to_have_count(0)
    set_k(see, stepper, "5")
    see(stepper.locator(".course-centre")).to_have_count(5)


def test_a_click_on_the_plane_places_a_point_there(seen, see, widget):
    stepper = widget("stepper")
    button(stepper, "Remove all points").click()
    see(stepper.locator(".course-point")).to_have_count(0)
    plane = stepper.locator(".course-plane")
    for n_points, (x, y) in enumerate(((100, 100), (300, 100), (200, 300)), 1):
        plane.click(position={"x": x, "y": y})
        see(stepper.locator(".course-point")).to_have_count(n_points)
    assert seen.python("stepper.points.tolist()") == [
        pytest.approx(place, abs=0.05) for place in ([2.5, 7.5], [7.5, 7.5], [5, 2.5])
    ]
    set_k(see, stepper, "2")
    stepper.get_by_label("Start").select_option("placed by me")
    see(status(stepper)).to_contain_text("Click to place centre 0")
    for n_centres, (x, y) in enumerate(((100, 100), (200, 300)), 1):
        plane.click(position={"x": x, "y": y})
        see(stepper.locator(".course-centre")).to_have_count(n_centres)
    button(stepper, "To the end").click()
    see(status(stepper)).to_contain_text("finished")
    assert seen.python("stepper.steps[0].labels.tolist()") in ([0, 0, 1], [0, 1, 1])


def test_the_stepper_by_keyboard_alone(seen, see, widget):
    stepper, keyboard = widget("stepper"), seen.page.keyboard
    where = stepper.locator(".course-where")
    n_cells = seen.page.locator(".jp-Cell").count()
    stepper.get_by_label("Start").select_option("random points")
    set_k(see, stepper, "2")
    button(stepper, "Remove all points").focus()
    for n_points, keys in enumerate(
        (["Enter"], ["Tab", "ArrowRight", "Enter"], ["Shift+ArrowUp", "Enter"])
    ):
        for key in keys:
            keyboard.press(key)
        see(stepper.locator(".course-point")).to_have_count(n_points)
    lower, upper = seen.python("stepper.points.tolist()")
    assert upper == pytest.approx([lower[0], lower[1] + 1])
    assert "cross at {:.1f}, {:.1f}".format(*upper) == where.text_content()
    keyboard.press("x")  # would cut the cell
    button(stepper, "Step").focus()
    keyboard.press("Space")
    see(stepper.locator(".course-step")).to_have_count(1)
    keyboard.press("Enter")
    see(stepper.locator(".course-step")).to_have_count(2)
    assert seen.page.locator(".jp-Cell").count() == n_cells


def headings(place):
    return place.locator(".course-card").nth(1).locator(".course-heading")


def test_the_browser_follows_every_control(seen, see, widget):
    browser = widget("browser")
    see(headings(browser)).to_have_count(7)
    browser.get_by_label("Representation").select_option("bovw")
    browser.get_by_label("Layer").select_option("tfidf")
    browser.get_by_label("Algorithm").select_option("l2+ward")
    set_k(see, browser, "4")
    see(headings(browser)).to_have_count(4)
    assert seen.python("browser.labels.tolist()") == seen.python(
        "__import__('course_utils.clustering.algorithms').clustering.algorithms.cluster("
        "features.extract(stamps, 'bovw:tfidf'), 'l2+ward', 4).tolist()"
    )
    shown = headings(browser).all_text_contents()
    assert all(re.search(r"\d pictures?\npurity \d+%: \w", text) for text in shown)
    see(status(browser)).to_contain_text("4 clusters of 193 pictures")
    first = browser.locator(".course-card").nth(1).locator(".course-picture").first
    assert int(first.get_attribute("data-id")) in seen.python(
        "list(browser.medoids.values())"
    )
    set_k(see, browser, "30")
    see(browser.get_by_text("clusters 1 to 12 of 30")).to_be_visible()
    button(browser, "Page after ▶").click()
    see(browser.get_by_text("clusters 13 to 24 of 30")).to_be_visible()
    see(headings(browser)).to_have_count(12)


def test_a_picture_shows_its_neighbours_by_click_and_by_key(seen, see, widget):
    browser = widget("browser")
    near, gallery = (browser.locator(".course-card").nth(i) for i in (0, 1))
    picture = gallery.locator(".course-picture").nth(2)
    picture.click()
    see(near.locator(".course-picture")).to_have_count(10)
    see(picture).to_have_attribute("aria-pressed", "true")
    first = near.locator(".course-picture").first
    assert first.get_attribute("data-id") == picture.get_attribute("data-id")
    see(status(browser)).to_contain_text(
        "Chosen: " + picture.get_attribute("title")[:8]
    )
    n_cells = seen.page.locator(".jp-Cell").count()
    for key in ("ArrowRight", "ArrowDown", "Home", "x", "ArrowRight"):
        seen.page.keyboard.press(key)
    second = gallery.locator(".course-picture").nth(1)
    see(second).to_be_focused()
    assert second.evaluate("e => getComputedStyle(e).outlineWidth") == "3px"
    seen.page.keyboard.press("Enter")
    see(first).to_have_attribute("data-id", second.get_attribute("data-id"))
    see(second).to_be_focused()
    assert seen.page.locator(".jp-Cell").count() == n_cells


RESPONSE = """async ([explorer, label, value]) => {
  const select = [...explorer.querySelectorAll('select')].find(
    select => select.closest('.jupyter-widgets').textContent.startsWith(label));
  const card = explorer.querySelectorAll('.course-card')[1];
  const changed = new Promise(resolve => {
    new MutationObserver((_, observer) => { observer.disconnect(); resolve(); })
      .observe(card, {childList: true});
  });
  const option = [...select.options].find(option => option.text === value);
  const start = performance.now();
  select.selectedIndex = option.index;
  select.dispatchEvent(new Event('change', {bubbles: true}));
  await changed;
  await Promise.all([...card.querySelectorAll('img')].map(image => image.decode()));
  await new Promise(requestAnimationFrame);
  return (performance.now() - start) / 1000;
}"""


def test_the_browser_answers_within_half_a_second(seen, widget):
    browser, times = widget("browser"), {}
    browser.get_by_label("Representation").select_option("hog")
    browser.get_by_label("Algorithm").select_option("l2+ward")
    assert seen.python("1 + 1") == 2  # then the kernel has done what was chosen before
    for label, value in (
        ("Representation", "raw"),
        ("Algorithm", "l2+kmeans"),
        ("Representation", "hog"),
        ("Representation", "bovw"),
        ("Layer", "tfidf"),
        ("Algorithm", "l2+ward"),
        ("Representation", "raw"),
    ):
        before = seen.python("time.process_time()")
        place = [browser.element_handle(), label, value]
        wall = seen.page.evaluate(within(PATIENCE, RESPONSE), place)
        # On a machine that does other work too, the processor's time is the fairer one
        used = seen.python("time.process_time()") - before
        times[f"{label} {value}"] = min(wall, used), wall
    print(json.dumps(times))
    assert statistics.median(fair for fair, _ in times.values()) < 0.5
    assert max(fair for fair, _ in times.values()) < 1


def test_a_count_shows_its_pictures_by_click_and_by_key(seen, see, widget):
    contingency = widget("contingency")
    table = contingency.locator("table")
    see(table.get_by_role("columnheader", name="birds")).to_be_visible()
    assert table.locator("tbody tr").count() == 7
    counts = table.get_by_role("button")
    total = sum(int(count) for count in counts.all_text_contents())
    assert total == 193
    counts.nth(0).click()
    pictures = contingency.locator(".course-picture")
    see(pictures).to_have_count(int(counts.nth(0).text_content()))
    seen.page.keyboard.press("ArrowDown")
    seen.page.keyboard.press("Enter")
    chosen = table.locator('[aria-pressed="true"]')
    see(chosen).to_be_focused()
    see(pictures).to_have_count(int(chosen.text_content()))
    see(status(contingency)).to_contain_text("cluster")
    pictures.first.click()
    see(status(contingency)).to_contain_text(".jpg")


def test_the_chart_follows_the_pick(seen, see, widget):
    comparison = widget("comparison")
    chart = comparison.locator("img.course-chart")
    before = chart.get_attribute("src")
    see(comparison.locator("details tr")).to_have_count(5)
    comparison.get_by_label("Representations").select_option("raw")
    see(comparison.locator("details tr")).to_have_count(3)
    see(chart).not_to_have_attribute("src", before)
    comparison.get_by_label("Scores").select_option(["ARI", "accuracy"])
    see(comparison.locator("details tr").first).to_contain_text("accuracy")
    see(status(comparison)).to_contain_text("Highest mean ARI: raw")
    comparison.get_by_text("The numbers of the chart").click()
    see(comparison.locator("details td").first).to_be_visible()
    assert "ARI, accuracy" in chart.get_attribute("alt")
    comparison.get_by_label("Algorithms").focus()
    seen.page.keyboard.press("ArrowDown")
    see(comparison.locator("details tr")).to_have_count(2)


def test_names_are_shown_as_they_are_and_harm_nothing(seen, see, widget):
    browser = widget("strange_browser")
    see(headings(browser)).to_have_count(5)
    labels = [
        picture.get_attribute("aria-label") or picture.get_attribute("title")
        for picture in browser.locator(".course-picture").all()
    ]
    for name in HOSTILE:
        assert any(label.startswith(f"{name} (class {name})") for label in labels)
    browser.locator(".course-picture").first.click()
    see(status(browser)).to_contain_text("Chosen: ")
    table = widget("strange_contingency").locator("table")
    titles = [head.inner_text() for head in table.locator("thead th").all()]
    assert set(HOSTILE) <= {title.replace("\xa0", " ") for title in titles}
    for count in table.get_by_role("button").all():
        count.click()
        name = count.get_attribute("title").split(", class ")[1].rsplit(": ", 1)[0]
        see(status(widget("strange_contingency"))).to_contain_text(name)
        assert name in HOSTILE
    comparison = widget("strange_comparison")
    see(comparison.locator("img.course-chart")).to_be_visible()
    listed = comparison.locator("details tr > td:first-child").all_text_contents()
    assert set(listed) <= {f"SqueezeNet:{name}" for name in HOSTILE} and listed
    assert seen.page.evaluate("window.hacked") is None
    inside = ".course-explorer :is(script, img:not([src^='data:image/']))"
    assert seen.page.locator(inside).count() == 0
    for name in CELLS:  # nothing is wider than the notebook, but tables that scroll
        wide = widget(name).evaluate("e => e.scrollWidth - e.clientWidth")
        assert wide <= 1, name


def test_the_tab_key_goes_from_control_to_control(seen, widget):
    def walk(name, n):
        widget(name).locator("select").first.focus()
        names = []
        for _ in range(n):
            names.append(seen.page.evaluate(FOCUSED))
            assert names[-1][1], f"{names[-1][0]} has no visible outline"
            seen.page.keyboard.press("Tab")
        return [name for name, _ in names]

    assert walk("stepper", 9) == [
        *("Points", "k", "Start", "Step", "To the end", "Back to the start"),
        *("New start", "Remove all points", "svg"),
    ]
    order = ["Representation", "Layer", "Algorithm", "k", "picture"]
    assert walk("browser", 5) == order
    assert walk("comparison", 4)[:3] == ["Scores", "Representations", "Algorithms"]


FOCUSED = """() => {
  const element = document.activeElement;
  const label = element.labels?.[0]?.textContent || element.textContent.trim();
  const name = element.matches('.course-picture') ? 'picture'
    : element.tagName === 'svg' ? 'svg' : label;
  const style = getComputedStyle(element);
  return [name, style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1];
}"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_stands_out(seen, widget, dark):
    seen.theme(dark)
    faint = seen.page.evaluate(FAINT_TEXTS)
    assert faint["looked"] > 200
    assert faint["texts"] == []


FAINT_TEXTS = """() => {
  const parse = text => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return [r, g, b, a];
  };
  const over = (top, below) => top.slice(0, 3).map(
    (value, i) => value * top[3] + below[i] * (1 - top[3]));
  const behind = element => {
    if (!element) return [255, 255, 255];
    const colour = parse(getComputedStyle(element).backgroundColor);
    if (colour[3] === 1) return colour.slice(0, 3);
    return over(colour, behind(element.parentElement));
  };
  const luminance = colour => {
    const [r, g, b] = colour.map(value => value / 255).map(
      value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = {looked: 0, texts: []};
  for (const explorer of document.querySelectorAll('.course-explorer')) {
    const walker = document.createTreeWalker(explorer, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      const text = walker.currentNode.textContent.trim();
      if (!text || !element.checkVisibility() || element.closest('option')) continue;
      const style = getComputedStyle(element);
      const ground = behind(element);
      const colour = parse(element.closest('svg') ? style.fill : style.color);
      const [a, b] = [over(colour, ground), ground].map(luminance);
      const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      found.looked++;
      if (contrast < 4.5) found.texts.push(`${text.slice(0, 40)}: ${contrast}`);
    }
  }
  return found;
}"""


def test_the_console_held_no_error(seen):
    assert seen.errors == []
