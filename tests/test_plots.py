"""Figures: what is drawn, counted."""

import base64
import html
import io
import re

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import font_manager
from matplotlib import pyplot as plt
from matplotlib.colors import is_color_like, to_hex
from matplotlib.lines import Line2D
from PIL import Image
from small_sets import coloured, noisy, one_thread  # noqa: F401

from course_utils import metrics, plots
from course_utils.experiments import runs
from course_utils.representations import extraction

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def table(rows, **more):
    """Results by hand: (representation, algorithm, nmi) → a row."""
    results = pd.DataFrame(rows, columns=["representation", "algorithm", "nmi"])
    for score in (*metrics.SCORES, "silhouette"):
        if score != "nmi":
            results[score] = more.get(score, results["nmi"])
    return results


def marks(panel):
    markers = [marker for _, marker in plots.KINDS.values()]
    return [line for line in panel.lines if line.get_marker() in markers]


def chance_marks(panel):
    marker = plots.CHANCE["marker"]
    return [line for line in panel.lines if line.get_marker() == marker]


def test_the_score_chart_has_one_mark_and_one_bar_a_line():
    rows = [("raw", "ward", 0.2), ("raw", "ward", 0.4), ("SqueezeNet", "ward", 0.9)]
    scores = ["purity", "nmi", "fowlkes_mallows"]
    levels = {"purity": [0.1, 0.3, 0.4], "nmi": 0.05, "fowlkes_mallows": [0, 0.2, 0.6]}
    figure = plots.score_chart(table(rows), pd.DataFrame(levels, index=range(3)))
    assert len(figure.axes) == 3
    for panel, score in zip(figure.axes, scores, strict=True):
        assert panel.get_xlabel() == plots.TITLES[score]
        assert [mark.get_xdata()[0] for mark in marks(panel)] == pytest.approx(
            [0.3, 0.9]
        )
        ticks = chance_marks(panel)
        assert [tick.get_ydata()[0] for tick in ticks] == [0, 1]
        of_runs = np.broadcast_to(levels[score], 3)
        assert [tick.get_xdata()[0] for tick in ticks] == pytest.approx(
            [of_runs[:2].mean(), of_runs[2]]
        )
        bars = [n for n in panel.lines if n not in [*marks(panel), *ticks]]
        assert [list(bar.get_xdata()) for bar in bars] == [[0.2, 0.4], [0.9, 0.9]]
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names == ["raw", "SqueezeNet"]
    (legend,) = figure.legends
    words = [text.get_text() for text in legend.get_texts()]
    assert words == ["pixels", "pretrained", "chance"]


def test_lines_are_sorted_and_name_the_algorithm_where_there_are_several():
    rows = [("hog", "ward", 0.5), ("raw", "ward", 0.1), ("raw", "gmm", 0.3)]
    figure = plots.score_chart(table(rows))
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert [n.split("  ·  ") for n in names] == [
        ["raw", "ward"],
        ["raw", "gmm"],
        ["hog", "ward"],
    ]
    assert all(len(marks(panel)) == 3 for panel in figure.axes)
    assert not any(chance_marks(panel) for panel in figure.axes)


def test_a_kind_has_a_colour_and_a_marker_of_its_own():
    kinds = {"raw": "pixels", "bovw:tfidf": "handcrafted", "VGG19:fc2": "pretrained"}
    rows = [(name, "ward", 0.1 * i) for i, name in enumerate(kinds)]
    panel = plots.score_chart(table(rows)).axes[0]
    for mark, kind in zip(marks(panel), kinds.values(), strict=True):
        assert (mark.get_color(), mark.get_marker()) == plots.KINDS[kind]
    assert len({colour for colour, _ in plots.KINDS.values()}) == 3
    assert len({marker for _, marker in plots.KINDS.values()}) == 3
    assert {name: plots.kind(name) for name in kinds} == kinds


def test_scores_nobody_knows_have_no_panel():
    rows = [("raw", "ward", np.nan), ("hog", "ward", np.nan)]
    results = table(rows, silhouette=[0.5, -0.2])
    figure = plots.score_chart(results, scores=("nmi", "silhouette"))
    assert [panel.get_xlabel() for panel in figure.axes] == ["silhouette"]
    low, _ = figure.axes[0].get_xlim()
    assert low < -0.2
    with pytest.raises(ValueError, match="no score to draw"):
        plots.score_chart(results, scores=("nmi", "purity"))


def gallery(image_set, cluster_labels, **how):
    vectors = extraction.extract(image_set, "raw", progress=False)
    return plots.gallery(image_set, cluster_labels, vectors, **how)


def tiles(figure):
    """{(row, column): (the image there, width of its frame)}, from the figure."""
    (panel,) = figure.axes
    (shown,) = panel.images
    sheet = np.asarray(shown.get_array())
    step, margin = plots.TILE + 2 * plots.TILE_MARGIN, plots.TILE_MARGIN
    found = {}
    for row in range(len(sheet) // step):
        for column in range(sheet.shape[1] // step):
            place = sheet[row * step :, column * step :][:step, :step]
            edge = place[:margin, step // 2]  # from the margin to the image
            if width := int((edge < 255).any(axis=1).sum()):
                found[row, column] = place[margin:-margin, margin:-margin], width
    assert shown.get_extent() == [0, sheet.shape[1] // step, len(sheet) // step, 0]
    return found


def crossed(figure):
    """The (row, column) of each cross, as `tiles` counts them."""
    (panel,) = figure.axes
    assert all(line.get_marker() == "X" for line in panel.lines)
    points = [point for line in panel.lines for point in line.get_xydata()]
    return sorted((int(y), int(x)) for x, y in points)


def rows_of(figure):
    """[(text, number of pictures, number of crosses)], one a row."""
    (panel,) = figure.axes
    rows, crosses = [row for row, _ in tiles(figure)], [r for r, _ in crossed(figure)]
    return [
        (text.get_text(), rows.count(row), crosses.count(row))
        for row, text in enumerate(panel.texts)
    ]


def test_the_gallery_crosses_exactly_the_strangers():
    image_set = coloured()  # 5 blue, 5 green, 5 red, in the order red green blue
    labels = np.repeat([0, 1, 2], 5)
    labels[[0, 7]] = 2  # a red and a green one among the blue
    assert rows_of(gallery(image_set, labels)) == [
        ("cluster 2\n7 images\n71% blue", 7, 2),
        ("cluster 0\n4 images\n100% red", 4, 0),
        ("cluster 1\n4 images\n100% green", 4, 0),
    ]


def test_the_crossed_pictures_are_the_ones_of_another_class():
    image_set = coloured()
    labels = np.repeat([0, 1, 2], 5)
    labels[0] = 2
    figure = gallery(image_set, labels)
    shown, crosses = tiles(figure), crossed(figure)
    assert len(shown) == 15 and len(crosses) == 1
    for (row, column), (image, width) in shown.items():
        strange = row == 0 and image.mean(axis=(0, 1)).argmax() == 0  # red among blue
        assert ((row, column) in crosses) == strange
        assert (width > 1) == strange


def test_pictures_nearest_the_centre_come_first_and_the_rest_is_cut():
    image_set = noisy(n=12)
    vectors = extraction.extract(image_set, "raw", progress=False)
    figure = plots.gallery(image_set, np.zeros(12, int), vectors, n_pictures=4)
    order = plots.nearest_first(vectors)
    shown = tiles(figure)
    assert list(shown) == [(0, 0), (0, 1), (0, 2), (0, 3)]
    for (image, _), index in zip(shown.values(), order[:4], strict=True):
        np.testing.assert_array_equal(image, image_set.picture(index, 96))


def test_nearest_first():
    vectors = np.array([[0, 1], [10, 10], [1, 0], [3, 2.5]], float)
    assert plots.nearest_first(vectors).tolist()[0] == 1
    assert sorted(plots.nearest_first(vectors)) == [0, 1, 2, 3]
    assert plots.nearest_first(np.zeros((2, 3))).tolist() == [0, 1]


@pytest.mark.parametrize("dtype", ["f2", "u1", "i2", "f4", "O"])
def test_nearest_first_whatever_the_dtype(dtype):
    vectors = np.random.default_rng(0).integers(0, 250, (30, 400))
    expected = plots.nearest_first(vectors.astype(np.float64)).tolist()
    assert expected != sorted(expected)
    assert plots.nearest_first(vectors.astype(dtype)).tolist() == expected


def test_noise_comes_last_and_is_called_so():
    labels = np.full(15, -1)
    labels[:5] = 0
    rows = rows_of(gallery(coloured(), labels))
    assert [text.split("\n")[0] for text, *_ in rows] == ["cluster 0", "noise"]
    assert rows[1][1:] == (10, 5)  # ten shown; of green and blue one is strange


def test_at_most_twelve_clusters_are_shown_and_the_rest_counted():
    image_set = noisy(n=20)
    figure = gallery(image_set, np.arange(20) % 15, n_pictures=2, title="many")
    assert len(rows_of(figure)) == 12
    assert "3 smaller clusters are not shown" in figure.get_suptitle()
    assert figure.get_suptitle().startswith("many")
    figure = gallery(image_set, np.arange(20) % 12, n_pictures=2)
    assert "not shown" not in figure.get_suptitle()


def test_without_true_labels_nothing_is_strange():
    rows = rows_of(gallery(coloured(labels=False), np.arange(15) % 2))
    assert rows == [("cluster 0\n8 images", 8, 0), ("cluster 1\n7 images", 7, 0)]


@pytest.mark.parametrize("name", ["$x_{$", "$$", "a_b^c", "100 %", "日本", "\\frac"])
def test_class_names_are_drawn_as_they_are(name, tmp_path):
    image_set = coloured(n_each=2, class_names=(name, "other"))
    figure = gallery(image_set, image_set.true_labels)
    figure.savefig(tmp_path / "figure.png")
    assert any(name in text for text, *_ in rows_of(figure))


def test_chance_is_low_and_of_the_same_clusters():
    image_set = noisy(n=40)
    results, labels = runs.run(image_set, "raw", "ward", progress=False)
    levels = plots.chance_of_runs(results, labels, image_set.true_labels)
    assert list(levels) == list(metrics.SCORES) and len(levels) == len(results)
    assert (levels["ari"].abs() < 0.15).all()
    one = {name: np.zeros(40, int) for name in labels}
    levels = plots.chance_of_runs(results, one, image_set.true_labels)
    assert (levels["nmi"] == 0).all()
    assert levels["purity"].tolist() == pytest.approx([0.25] * len(results))


def test_classes_and_clusters_have_looks_of_their_own():
    looks = [plots.look(number) for number in range(56)]
    assert len(set(looks)) == 56 and plots.look(56) == looks[0]
    assert plots.look(np.int64(-1)) == plots.NOISE not in looks
    for colour, marker in (*looks, plots.NOISE):
        assert marker in Line2D.markers and is_color_like(colour)


def test_points_have_the_look_of_their_label():
    points, labels = np.arange(12.0).reshape(6, 2), np.array([4, -1, 0, 4, 0, 0])
    _, panel = plt.subplots()
    plots.scatter(points, labels, names="abcde", panel=panel, size=np.arange(6))
    drawn = {group.get_label(): group for group in panel.collections}
    assert set(drawn) == {"noise", "a", "e"}
    for name, number in (("noise", -1), ("a", 0), ("e", 4)):
        group, (colour, _) = drawn[name], plots.look(number)
        assert group.get_offsets().tolist() == points[labels == number].tolist()
        assert group.get_sizes().tolist() == np.flatnonzero(labels == number).tolist()
        assert to_hex(group.get_facecolor()[0]) == colour.lower()
    plots.scatter(points, labels)  # on the current axes, without a legend
    assert len(panel.collections) == 6


@pytest.fixture
def displayed(monkeypatch):
    made = []
    monkeypatch.setattr(
        "IPython.display.display", lambda data, raw: made.append(data) if raw else None
    )
    return made


@pytest.mark.parametrize("photographs", [False, True])
def test_a_figure_is_shown_sharp_and_with_its_words(displayed, photographs):
    figure, panel = plt.subplots(figsize=(5, 3), dpi=80)
    if photographs:
        panel.imshow(np.random.default_rng(0).random((400, 600, 3)))
    words = 'NMI of "raw" < .3 & no more'
    plots.show(words)
    (data,) = displayed
    assert data["text/plain"] == f"Figure: {words}"
    image = dict(re.findall(r'(\w+)="(.*?)"', data["text/html"]))
    assert html.unescape(image["alt"]) == words
    assert "max-width: 100%" in image["style"]
    kind, _, text = image["src"].partition(",")
    assert kind == "data:image/webp;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(text)))
    assert picture.width == pytest.approx(2 * int(image["width"]), abs=1)
    assert picture.width > 400 and len(text) < 400_000
    assert not plt.fignum_exists(figure.number)


@pytest.mark.parametrize("scale", [1, 2])
def test_a_contact_sheet_is_shown_at_its_density(displayed, scale):
    sheet = plots.contact_sheet(coloured(), range(12), size=20, scale=scale)
    assert sheet.size == (scale * 244, scale * 52)
    figure = plt.figure()
    plots.show("Twelve images, red and blue", sheet)
    assert 'width="244"' in displayed[0]["text/html"]
    assert plt.fignum_exists(figure.number)
    plots.show("The same without a density", Image.new("L", (30, 20)))
    assert 'width="30"' in displayed[1]["text/html"]


def test_a_long_caption_is_broken_between_words():
    words = " ".join(f"word{i}" for i in range(12))
    one = plots.contact_sheet(coloured(), {"word": [0]}, size=30, n_columns=4)
    two = plots.contact_sheet(coloured(), {words: [0]}, size=30, n_columns=4)
    assert two.width < 2 * 4 * 34 and two.height > one.height + 2 * plots.SHEET_LINE
    font = plots.ImageFont.truetype(font_manager.findfont("DejaVu Sans"), 12)
    lines = plots._lines(words, font, 140)
    assert " ".join(lines) == words and len(lines) > 2


@pytest.mark.parametrize("words", ["", "  \n"])
def test_a_figure_without_words_is_refused(displayed, words):
    plt.figure()
    with pytest.raises(ValueError, match="Say what the figure shows"):
        plots.show(words)
    assert not displayed
    plt.close()


def square_in_white(channel, n=20):
    """An RGB image: a white ring in a coloured square on a white background."""
    picture = np.full((n, n, 3), 255, np.uint8)
    picture[5:15, 5:15] = 40 * np.eye(3, dtype=np.uint8)[channel] + 10
    picture[8:12, 8:12] = 255
    return picture


class Squares:
    """What `thumbnail_map` needs of an image set."""

    def picture(self, index, size):
        return square_in_white(index % 3, size)


def test_only_white_that_reaches_the_edge_is_cut_out():
    alpha = np.asarray(plots.cut_out(square_in_white(0)))[..., 3]
    inside = np.zeros((20, 20), bool)
    inside[5:15, 5:15] = True
    assert (alpha[inside] == 255).all() and (alpha[~inside] == 0).all()
    photograph = np.random.default_rng(0).integers(0, 200, (9, 9, 3), np.uint8)
    assert (np.asarray(plots.cut_out(photograph))[..., 3] == 255).all()
    assert not np.asarray(plots.cut_out(np.full((4, 4, 3), 255, np.uint8)))[
        ..., 3
    ].any()


def test_thumbnails_cover_only_what_is_behind_them():
    """Two squares whose white corners overlap: neither loses a pixel."""
    points = np.array([[0, 1], [1, 0]])
    drawn = np.asarray(
        plots.thumbnail_map(Squares(), points, width=28, size=20, scale=1)
    )
    assert drawn.shape == (28, 28, 3)
    for index, (top, left) in enumerate([(0, 0), (8, 8)]):  # y points upwards
        part = drawn[top + 5 : top + 15, left + 5 : left + 15]
        same = (part == square_in_white(index)[5:15, 5:15]).all(axis=2)
        assert same.all() if index else same.mean() > 0.9  # its corner is covered


@pytest.mark.parametrize("height, shape", [(None, (21, 60)), (40, (40, 60))])
def test_the_proportions_of_a_thumbnail_map(height, shape):
    points = np.array([[0, 0], [40.0, 1], [20, 0.5]])
    drawn = plots.thumbnail_map(
        Squares(), points, width=60, height=height, size=20, scale=1
    )
    assert drawn.size[::-1] == shape
    double = plots.thumbnail_map(Squares(), points, width=60, height=height, size=20)
    assert double.width == 120 and double.info["dpi"] == (144, 144)


def test_a_thumbnail_map_of_one_place():
    drawn = plots.thumbnail_map(Squares(), np.zeros((3, 2)), width=50, size=20)
    assert drawn.size == (40, 40)
