"""The widgets as students have them: clicked in a real JupyterLab with a real kernel.

All stand in one notebook, which is opened once for these tests.
"""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

# In order and in one process: a test finds the widgets as the one before has left them
pytestmark = pytest.mark.lab

SET_UP = """
import numpy as np
import small_sets
from course_utils import clustering, images, representations, experiments, plots
from course_utils import widgets

stamps = images.load("stamps", progress=False)
names = ["hog", "raw", "bovw", "bovw:tfidf"]  # raw is the widest of all
for name in names:
    representations.extract(stamps, name, progress=False)
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
contents = {{f"{{i}}.png": data[i] for i in range(10)}}
classes = {{image: hostile[i % 5] for i, image in enumerate(contents)}}
strange = images.from_bytes("strange <b>", contents, classes, captions=classes)
"""
CELLS = {
    "stepper": "stepper = widgets.KMeansStepper()",
    "browser": """
browser = widgets.ClusterBrowser(stamps, names, ["l2+kmeans", "l2+ward"])""",
    "contingency": """
contingency = widgets.ContingencyExplorer(stamps, browser.labels)""",
    "comparison": """
results, labels = experiments.run(
    stamps, ["raw", "hog"], ["l2+ward", "l2+average"], progress=False)
comparison = widgets.ComparisonExplorer(
    results, plots.chance_of_runs(results, labels, stamps.true_labels),
    image_set=stamps, labels=labels)""",
    "strange_browser": f"""{STRANGE_SET}
strange_browser = widgets.ClusterBrowser(strange, ["raw"], ["ward"], k=5)""",
    "strange_contingency": """
strange_contingency = widgets.ContingencyExplorer(strange, np.arange(10) % 2)""",
    "strange_comparison": """
layers = [f"SqueezeNet:{hostile[i]}" for i in range(len(results))]
odd = results.assign(representation=layers, algorithm=hostile[::-1][:len(layers)])
strange_comparison = widgets.ComparisonExplorer(odd)""",
    "sliders": """
import matplotlib.pyplot as plt

def draw(k, seed):
    plt.figure(figsize=(8, 3))
    plt.plot(np.random.default_rng(seed).uniform(size=k), "o")
    return f"{k} random numbers, seed {seed}."

sliders = widgets.FigureSlider(draw, k=range(2, 9), seed=range(10))""",
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
    steps = stepper.locator(".course-step:not(.course-key)")
    see(steps).to_have_count(1)
    see(stepper.locator('.course-point[data-cluster="-1"]')).to_have_count(0)
    button(stepper, "To the end").click()
    see(status(stepper)).to_contain_text("finished")
    n_steps = seen.python("len(stepper.steps)")
    see(steps).to_have_count(n_steps)
    button(stepper, "Back").click()
    see(status(stepper)).to_contain_text(f"Step {n_steps - 1}, update")
    see(steps).to_have_count(n_steps)
    see(stepper.locator("circle.course-step.course-later")).to_have_count(1)
    button(stepper, "Start over").click()
    see(steps).to_have_count(0)
    see(stepper.get_by_text("Before the first step")).to_be_visible()
    button(stepper, "Play").click()
    see(status(stepper)).to_contain_text("Step 3, assignment")
    button(stepper, "Pause").click()
    see(button(stepper, "Play")).to_be_visible()
    set_k(see, stepper, "5")
    see(stepper.locator(".course-centre")).to_have_count(5)
    see(stepper.locator(".course-region")).to_have_count(5)


def test_a_centre_is_dragged_and_its_region_with_it(seen, see, widget):
    stepper, mouse = widget("stepper"), seen.page.mouse
    plane = stepper.locator(".course-plane").bounding_box()
    n_points = seen.python("len(stepper.points)")
    grip = stepper.locator('[data-centre="2"] .course-grip').bounding_box()
    assert min(grip["width"], grip["height"]) >= 24, "a finger can take it"
    region = stepper.locator(".course-region").nth(2)
    before = region.get_attribute("points")
    mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    mouse.down()
    mouse.move(plane["x"] + 0.3 * plane["width"], plane["y"] + 20, steps=3)
    mouse.move(plane["x"] + 0.9 * plane["width"], plane["y"] + 20, steps=3)
    assert region.get_attribute("points") != before, "while it is dragged"
    mouse.up()
    see(status(stepper)).to_contain_text("Centre 2 moved")
    assert seen.python("stepper.centres[2].tolist()") == [
        pytest.approx(9, abs=0.1),
        pytest.approx(9.5, abs=0.1),
    ]
    assert seen.python("len(stepper.points)") == n_points, "and places no point"


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
        (["Enter"], [*["Tab"] * 6, "ArrowRight", "Enter"], ["Shift+ArrowUp", "Enter"])
    ):
        for key in keys:
            keyboard.press(key)
        see(stepper.locator(".course-point")).to_have_count(n_points)
    lower, upper = seen.python("stepper.points.tolist()")
    assert upper == pytest.approx([lower[0], lower[1] + 1])
    see(where).to_be_visible()
    see(where).to_contain_text("Cross at {:.1f}, {:.1f}.".format(*upper))
    for key in ("Shift+ArrowLeft", "1"):
        keyboard.press(key)
    see(status(stepper)).to_contain_text("Centre 1 moved")
    moved = seen.python("stepper.centres[1].tolist()")
    assert moved == pytest.approx([upper[0] - 1, upper[1]])
    keyboard.press("x")  # would cut the cell
    button(stepper, "Step").focus()
    keyboard.press("Space")
    steps = stepper.locator(".course-step:not(.course-key)")
    see(steps).to_have_count(1)
    see(where).to_be_hidden()
    keyboard.press("Enter")
    see(steps).to_have_count(2)
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
        "clustering.cluster("
        "representations.extract(stamps, 'bovw:tfidf'), 'l2+ward', 4).tolist()"
    )
    shown = headings(browser).all_text_contents()
    assert all(re.search(r"\d images?purity \d+%: \w", text) for text in shown)
    see(status(browser)).to_contain_text("4 clusters of 193 images")
    first = browser.locator(".course-card").nth(1).locator(".course-picture").first
    assert int(first.get_attribute("data-id")) in seen.python(
        "list(browser.medoids.values())"
    )
    set_k(see, browser, "30")
    see(browser.get_by_text("clusters 1 to 12 of 30")).to_be_visible()
    button(browser, "Next page ▶").click()
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


def test_scores_follow_while_a_count_is_typed(seen, see, widget):
    contingency = widget("contingency")
    purity = contingency.locator(".course-tiles li").first
    before = seen.python("contingency.scores['purity']")
    see(purity).to_contain_text(f"purity{before:.3f}")
    button(contingency, "Edit the counts").click()
    field = contingency.locator("input.course-count").first
    field.click()
    field.press("Control+a")
    field.press_sequentially("50", delay=400)  # slowly: the scores come in between
    see(field).to_have_value("50")
    see(field).to_be_focused()
    see(purity).not_to_contain_text(f"purity{before:.3f}")
    see(purity).to_contain_text(f"was {before:.3f}")
    assert seen.python("int(contingency.counts.max())") == 50
    button(contingency, "Edit the counts").click()
    see(purity).to_contain_text(f"purity{before:.3f}")
    see(contingency.locator("input.course-count")).to_have_count(0)


def lines(place):
    return place.locator(".course-line")


def test_the_lines_follow_the_check_boxes(seen, see, widget):
    comparison = widget("comparison")
    see(lines(comparison)).to_have_count(4)
    see(comparison.get_by_role("columnheader")).to_have_count(4)
    comparison.get_by_label("hog", exact=True).uncheck()
    see(lines(comparison)).to_have_count(2)
    comparison.get_by_label("ARI", exact=True).check()
    see(comparison.get_by_role("columnheader")).to_have_count(5)
    comparison.get_by_label("Fowlkes-Mallows", exact=True).focus()
    seen.page.keyboard.press("Space")
    see(comparison.get_by_role("columnheader")).to_have_count(4)
    button(comparison, "None: Scores").click()
    see(status(comparison)).to_contain_text("Nothing to draw")
    see(lines(comparison).first).to_be_hidden()
    button(comparison, "All: Scores").click()
    comparison.get_by_label("hog", exact=True).check()
    see(lines(comparison)).to_have_count(4)
    assert len(seen.python("comparison.scores.value")) == 6


def test_a_title_sorts_and_a_line_tells_its_numbers(seen, see, widget):
    comparison = widget("comparison")
    for name in ("ARI", "purity"):
        comparison.get_by_role("button", name=name).click()
        title = comparison.get_by_role("columnheader", name=f"{name} ▼")
        see(title).to_have_attribute("aria-sort", "descending")
        place = [*seen.python("[s['title'] for s in comparison.board.scores]")]
        column = comparison.locator(f".course-cell:nth-child({place.index(name) + 2})")
        values = [
            float(text) for text in column.locator(".course-value").all_text_contents()
        ]
        assert len(values) == 4 and values == sorted(values, reverse=True)
    readout = comparison.locator(".course-readout")
    lines(comparison).nth(1).hover()
    see(readout).to_contain_text(lines(comparison).nth(1).get_attribute("title"))
    lines(comparison).first.focus()
    seen.page.keyboard.press("ArrowDown")
    seen.page.keyboard.press("ArrowDown")
    see(lines(comparison).nth(2)).to_be_focused()
    see(readout).to_contain_text(lines(comparison).nth(2).get_attribute("title"))
    assert re.search(
        r"1 run: purity 0\.\d{3}, chance 0\.\d{3}, NMI", readout.text_content()
    )


def test_a_click_on_a_line_shows_its_clusters(seen, see, widget):
    comparison = widget("comparison")
    lines(comparison).nth(1).click()
    see(lines(comparison).nth(1)).to_have_attribute("aria-pressed", "true")
    see(comparison.locator(".course-heading")).to_have_count(7)
    shown = "comparison.results['run'].eq(comparison.status.text.split(': ')[0]).sum()"
    assert seen.python(f"int({shown})") == 1


def test_a_slider_draws_the_figure_anew_by_key_and_by_click(seen, see, widget):
    sliders = widget("sliders")
    k, seed = (sliders.get_by_label(name) for name in ("k", "seed"))
    figure = sliders.locator("img")
    see(figure).to_have_attribute("alt", "2 random numbers, seed 0.")
    before = figure.get_attribute("src")
    k.focus()
    for key in ("ArrowRight", "ArrowRight", "x"):  # which would cut the cell
        seen.page.keyboard.press(key)
    see(status(sliders)).to_have_text("4 random numbers, seed 0.")
    see(figure).to_have_attribute("alt", "4 random numbers, seed 0.")
    see(k).to_have_attribute("aria-valuetext", "4")
    see(k).to_be_focused()
    assert figure.get_attribute("src") != before
    box = seed.bounding_box()
    seed.click(position={"x": box["width"] - 4, "y": box["height"] / 2})
    see(status(sliders)).to_have_text("4 random numbers, seed 9.")
    assert seen.python("sliders.values") == {"k": 4, "seed": 9}
    seen.python("sliders.__class__.values.fset(sliders, {'k': 2})")
    see(k).to_have_value("0")
    see(figure).to_have_attribute("alt", "2 random numbers, seed 9.")


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
    see(lines(comparison).first).to_be_visible()
    listed = comparison.locator(".course-line > strong").all_text_contents()
    assert set(listed) <= {f"SqueezeNet:{name}" for name in HOSTILE} and listed
    assert seen.page.evaluate("window.hacked") is None
    inside = ".course-explorer :is(script, img:not([src^='data:image/']))"
    assert seen.page.locator(inside).count() == 0
    for name in CELLS:  # nothing is wider than the notebook, but tables that scroll
        wide = widget(name).evaluate("e => e.scrollWidth - e.clientWidth")
        assert wide <= 1, name


def test_the_tab_key_goes_from_control_to_control(seen, widget):
    def walk(name, n):
        widget(name).locator("select, input").first.focus()
        names = []
        for _ in range(n):
            names.append(seen.page.evaluate(FOCUSED))
            assert names[-1][1], f"{names[-1][0]} has no visible outline"
            seen.page.keyboard.press("Tab")
        return [name for name, _ in names]

    assert walk("stepper", 11) == [
        *("Points", "k", "Start", "New start", "Remove all points"),
        *("Back", "Step", "Play", "To the end", "Start over", "svg"),
    ]
    order = ["Representation", "Layer", "Algorithm", "k", "picture"]
    assert walk("browser", 5) == order
    order = ["purity", "NMI", "Fowlkes-Mallows", "ARI", "accuracy", "silhouette"]
    assert walk("comparison", 8) == [*order, "All", "None"]
    assert walk("sliders", 2) == ["k2", "seed9"]  # name and value


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
    found = Axe().run(seen.page, ".course-explorer")
    assert not found.violations_count, found.generate_report()


def test_the_dark_theme_of_colab_is_known_by_its_mark(seen, widget):
    seen.theme(False)
    ground = "e => getComputedStyle(e.querySelector('.course-card')).backgroundColor"
    root, stepper = "document.documentElement", widget("stepper")
    assert stepper.evaluate(ground) == "rgb(255, 255, 255)"
    seen.page.evaluate(f"{root}.setAttribute('theme', 'dark')")
    assert stepper.evaluate(ground) == "rgb(30, 30, 30)"
    seen.page.evaluate(f"{root}.removeAttribute('theme')")


def test_with_little_room_nothing_is_cut_or_too_small_for_a_finger(seen, widget):
    seen.theme(False)
    seen.page.set_viewport_size({"width": 800, "height": 900})
    try:
        seen.page.wait_for_function(
            "document.querySelector('.course-explorer').clientWidth < 420"
        )
        for name in CELLS:
            assert widget(name).evaluate("e => e.scrollWidth - e.clientWidth") <= 1, (
                name
            )
        small = seen.page.evaluate(SMALL)
        assert small == []
        rows = widget("browser").locator(".course-short .course-row")
        assert max(row.bounding_box()["height"] for row in rows.all()) < 140
    finally:
        seen.page.set_viewport_size({"width": 1280, "height": 900})


SMALL = """() => {
  const found = [];
  const all = ':is(button, select, label:has(input), .course-card input)';
  for (const element of document.querySelectorAll(`.course-explorer ${all}`)) {
    const {width, height} = element.getBoundingClientRect();
    if (width && Math.min(width, height) < 24)
      found.push(`${element.outerHTML.slice(0, 80)}: ${width} x ${height}`);
  }
  for (const text of document.querySelectorAll('.course-board :is(span, strong, p)'))
    if (parseFloat(getComputedStyle(text).fontSize) < 12) found.push(text.outerHTML);
  return found;
}"""


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


SCATTER = """
import numpy as np
from small_sets import four_colours
from course_utils import widgets

image_set = four_colours()
corners = np.array([(0, 0), (10, 0), (10, 10), (0, 10)])
spread = np.random.default_rng(0).uniform(-1, 1, (len(image_set), 2))
chart = widgets.ImageScatter(
    image_set,
    corners[image_set.true_labels] + spread,
    cluster_labels=image_set.true_labels,
)
chart
"""


def test_in_the_notebook_a_lasso_comes_back_to_python(chromium, lab):
    with lab.opened(chromium, SCATTER) as seen:
        canvas = seen.page.locator(".jp-OutputArea canvas").first
        canvas.wait_for()
        seen.page.get_by_role("button", name="Lasso").click()
        box = canvas.bounding_box()
        left, top = box["x"] + 5, box["y"] + 5
        right, bottom = box["x"] + box["width"] / 2, box["y"] + box["height"] - 5
        seen.page.mouse.move(left, top)
        seen.page.mouse.down()
        for place in [(right, top), (right, bottom), (left, bottom), (left, top + 5)]:
            seen.page.mouse.move(*place, steps=15)
        seen.page.mouse.up()
        seen.page.get_by_text("80 images selected").wait_for()
        chosen = seen.python("sorted(set(chart.table['class']))")
        assert chosen == ["blue", "yellow"]
        assert seen.python("len(chart.selected)") == 80
        seen.page.get_by_role("button", name="Write CSV").click()
        seen.page.get_by_text("Wrote 80 images to selection.csv.").wait_for()
        rows = seen.python("open('selection.csv').read().splitlines()[:1]")
        assert rows == ["image,cluster,class,caption"]
        seen.page.get_by_role("button", name="Clear the selection").click()
        seen.page.get_by_text("0 images selected.").wait_for()
        assert seen.python("len(chart.selection)") == 0
