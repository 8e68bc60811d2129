"""What a comparison leaves: tables that can be read back, figures, one page."""

import base64
import csv
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from browser import assert_readable
from PIL import Image
from small_sets import (  # noqa: F401
    coloured,
    contents,
    noisy,
    one_thread,
    write_folder,
)

from course_utils import metrics, plots
from course_utils._support.text import plain
from course_utils.experiments import report, runs
from course_utils.images import datasets

VOID = {"meta", "img", "br", "link", "input"}
CRUEL = [  # each legal in a file name, each trouble somewhere
    'quo"te',
    "com,ma",
    "semi;colon",
    "Äpfel & Öl",
    "<script>alert(1)</script>",
    "new\nline",
    "=1+1",
    "@SUM(A1)",
    "-2",
    " spaces ",
    "ta\tb",
    "'single'",
    "$x_{$",
    "&amp;",
    "carriage\rreturn",
    "日本",
]


class Page(HTMLParser):
    """The elements of a page, its text, and every attribute."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text, self.open, self.rows = [], "", [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"<{tag}> is closed, but not open"

    def handle_data(self, data):
        self.text += data
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data.strip()

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def compare(
    image_set,
    out,
    representations=("raw",),
    algorithms=("ward",),
    *,
    choice=None,
    **how,
):
    results, labels = runs.run(
        image_set, representations, algorithms, progress=False, **how
    )
    files = report.write(
        image_set, results, labels, out, "the command <&>", choice=choice
    )
    return results, labels, files


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert all(len(row) == len(header) for row in rows)
    return header, rows


@pytest.fixture(scope="module")
def one(tmp_path_factory, session_cache):
    """A comparison with chance in it: (image set, results, labels, folder, files)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_CACHE", str(session_cache))
        out = tmp_path_factory.mktemp("out")
        image_set = noisy(24)
        algorithms = ["kmeans", "l2+ward", "hdbscan"]
        found = compare(image_set, out, ["raw", "colour"], algorithms, seeds=2)
        return image_set, *found[:2], out, found[2]


def test_the_files(one):
    *_, out, files = one
    names = "results.csv labels.csv problems.csv about.json report.html"
    assert [path.name for path in files] == names.split()
    expected = sorted([".written.json", *names.split()])
    assert sorted(path.name for path in out.iterdir()) == expected


def test_results_csv_has_exactly_the_columns_and_the_runs(one):
    _, results, _, out, _ = one
    header, rows = read(out / "results.csv")
    assert header == list(runs.COLUMNS)
    assert len(rows) == len(results) == 8
    for row, expected in zip(rows, results.to_dict("records"), strict=True):
        for column, text in zip(header, row, strict=True):
            value = expected[column]
            if isinstance(value, str):
                assert text == value
            elif np.isnan(value):
                assert text == ""
            else:
                assert float(text) == value
    whole = {"k", "seed", "n_images"}
    assert all(row[header.index(c)].isdigit() for row in rows for c in whole)


def test_labels_csv_and_true_labels_give_the_scores_again(one):
    image_set, results, labels, out, _ = one
    header, rows = read(out / "labels.csv")
    assert header == ["image", "true_label", *results["run"]]
    images, true_labels, *columns = zip(*rows, strict=True)
    assert images == image_set.images
    assert list(true_labels) == image_set.true_names
    score_header, score_rows = read(out / "results.csv")
    for run, column, row in zip(results["run"], columns, score_rows, strict=True):
        assert [int(label) for label in column] == labels[run].tolist()
        written = dict(zip(score_header, row, strict=True))
        again = metrics.scores(labels_true=true_labels, labels_pred=column)
        for score, value in again.items():
            assert float(written[score]) == pytest.approx(value, abs=1e-12)


def test_about_says_how_it_was_made(one):
    image_set, *_, out, _ = one
    about = json.loads((out / "about.json").read_text("utf-8"))
    assert about["command"] == "the command <&>"
    assert about["fingerprint"] == image_set.fingerprint
    assert (about["n_images"], about["n_left_out"]) == (24, 0)
    assert about["skipped"] == {}
    assert about["versions"]["python"]


def test_the_page_holds_everything_itself(one):
    *_, out, _ = one
    text = (out / "report.html").read_text("utf-8")
    page = Page(text)
    assert page.open == []
    assert page.elements[0][0] == "html" and page.all("html")[0]["lang"] == "en"
    assert {"charset": "utf-8"} in page.all("meta")
    for _, attributes in page.elements:
        assert not {"srcset", "onload", "onerror"} & set(attributes)
    for tag in ("script", "link", "iframe", "object"):
        assert not page.all(tag)
    ids = {a["id"] for _, a in page.elements if "id" in a}
    (lesson, *others) = [a["href"] for a in page.all("a") if a["href"][0] != "#"]
    assert lesson.endswith("notebooks/02_scoring_a_clustering.ipynb") and not others
    assert {a["href"][1:] for a in page.all("a") if a["href"] != lesson} <= ids
    css = text.split("</style>")[0]
    assert "@import" not in css
    assert css.count("url(") == css.count("url(data:image/jpeg;base64,")


def test_images_are_in_the_page_once_and_open(one):
    image_set, *_, out, _ = one
    text = (out / "report.html").read_text("utf-8")
    tiles = dict(re.findall(r"\.t(\d+) { background-image: url\((.*?)\) }", text))
    page = Page(text)
    shown = [a for tag, a in page.elements if a.get("role") == "img"]
    assert {re.search(r"\bt(\d+)", a["class"])[1] for a in shown} == set(tiles)
    assert len(shown) > len(tiles)
    names = image_set.true_names
    for attributes in shown:
        number = int(re.search(r"\bt(\d+)", attributes["class"])[1])
        assert (
            attributes["aria-label"] == f"{image_set.images[number]}, {names[number]}"
        )
    for number, source in tiles.items():
        data = base64.b64decode(source.removeprefix("data:image/jpeg;base64,"))
        with Image.open(io.BytesIO(data)) as tile:
            whole = image_set.picture(int(number), tile.size[0])
            assert tile.format == "JPEG" and max(tile.size) <= report.TILE
            difference = np.asarray(tile, float) - whole
            assert np.abs(difference).mean() < 12


def test_the_page_has_the_table_best_first(one):
    _, results, _, out, _ = one
    page = Page((out / "report.html").read_text("utf-8"))
    assert "24 images, 4 clusters, 8 runs" in page.text
    assert "chance is 0." in page.text
    assert "the command <&>" in page.text
    rows = [[c for c in row if c] for row in page.rows[1:-1]]
    assert len(rows) == 6
    summary = runs.summary(results)[::-1]
    wanted = zip(summary["representation"], summary["algorithm"], strict=True)
    assert [(row[0], row[1]) for row in rows] == list(wanted)
    assert [row[2] for row in rows] == [f"{nmi:.2f}" for nmi in summary["nmi"]]
    best = summary.iloc[0]
    assert f"Best NMI: {best['representation']} with {best['algorithm']}" in page.text
    assert "Skipped" not in page.text and "left out" not in page.text


def test_the_pair_is_the_best_and_raw_pixels(tmp_path):
    image_set = coloured(7)
    compare(image_set, tmp_path, ["raw", "lbp", "colour", "hog"], seeds=1)
    page = Page((tmp_path / "report.html").read_text("utf-8"))
    sections = [a["aria-label"] for a in page.all("section")]
    results, _ = runs.run(image_set, ["raw", "lbp", "colour", "hog"], "ward")
    best = runs.summary(results)["representation"].iloc[-1]
    assert sections == ([best, "raw"] if best != "raw" else [best, sections[1]])
    anchors = [a["id"] for a in page.all("div") if a.get("id", "").startswith("clus")]
    order = runs.summary(results)["representation"][::-1]
    assert anchors == [f"clusters-{name}" for name in order]


def test_a_column_that_contradicts_the_others_is_named():
    rows = [("a", 0.8, 0.1), ("b", 0.3, 0.4), ("c", 0.2, 0.1)]
    means = pd.DataFrame(rows, columns=["representation", "nmi", "silhouette"])
    means["algorithm"] = "ward"
    means["purity"] = [0.8, 0.8, 0.8]
    columns = ["nmi", "purity", "silhouette"]
    (note,) = report._contradictions(means, columns, "nmi")
    assert note.startswith("By silhouette, b with ward comes first (0.40; a with ward")
    assert "by NMI, it is number 2 of 3" in note
    means["silhouette"] = [0.4, np.nan, 0.1]
    assert report._contradictions(means, columns, "nmi") == []


def test_figures_of_an_earlier_version_are_removed(tmp_path):
    compare(coloured(), tmp_path)
    for name in ("scores.png", "gallery-raw.jpg", "mine.png"):
        (tmp_path / name).write_bytes(b"")
    written = json.loads((tmp_path / ".written.json").read_text("utf-8"))
    written += ["scores.png", "gallery-raw.jpg"]
    (tmp_path / ".written.json").write_text(json.dumps(written), encoding="utf-8")
    (tmp_path / "mine.png").rename(tmp_path.parent / "mine.png")
    compare(coloured(), tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert not names & {"scores.png", "gallery-raw.jpg"}


@pytest.mark.parametrize("labels", [True, False])
def test_the_page_is_readable_on_every_screen(labels, tmp_path, chromium):
    image_set = coloured(labels=labels)
    what = ["raw", "colour"], ["ward", "l2+kmeans"]
    choice = None if labels else runs.choose(image_set, *what)
    compare(image_set, tmp_path, *what, k=3, choice=choice)
    page = chromium.new_page(viewport={"width": 1400, "height": 900})
    page.goto((tmp_path / "report.html").as_uri())
    page.locator("summary").first.click()
    assert_readable(page)
    page.close()


def test_the_readable_table_has_means_and_spread(one):
    _, results, *_ = one
    table = report.readable(results)
    assert list(table.columns[:4]) == ["representation", "algorithm", "purity", "NMI"]
    assert len(table) == 6
    for row in table.to_dict("records"):
        same = results["representation"] == row["representation"]
        same &= results["algorithm"] == row["algorithm"]
        values = results.loc[same, "nmi"]
        spread = round(values.std(ddof=0), 2)
        expected = f"{values.mean():.2f}" + (f" ±{spread:.2f}" if spread else "")
        assert row["NMI"] == expected


@pytest.mark.parametrize("where", ["image", "class"])
def test_cruel_names_are_escaped_and_come_back(where, tmp_path, recwarn):
    files, labels = {}, {}
    pictures = iter(contents(n_each=len(CRUEL))[0].values())
    for i, name in enumerate(CRUEL):
        for side in "ab":
            image = f"{side}{name}{i}.png" if where == "image" else f"{i}{side}.png"
            files[image] = next(pictures)
            labels[image] = side if where == "image" else name
    image_set = datasets.from_bytes("<b>cruel</b>", files, labels)
    compare(image_set, tmp_path, k=2)
    header, rows = read(tmp_path / "labels.csv")
    assert header[:2] == ["image", "true_label"]
    assert [row[0] for row in rows] == list(files)
    assert [row[1] for row in rows] == list(labels.values())
    page = Page((tmp_path / "report.html").read_text("utf-8"))
    assert page.open == []
    assert not page.all("script") and not page.all("b")
    assert "Clustering <b>cruel</b>" in page.text


def test_pictures_left_out_are_listed_and_come_back(tmp_path):
    files, _ = contents()
    names = [f"red/{name.replace('/', '⁄')}.png" for name in CRUEL]
    bad = dict.fromkeys(names, b"no picture")
    folder = write_folder(tmp_path / "set", {**files, **bad})
    image_set = datasets.load(folder, progress=False)
    assert len(image_set) == 15
    compare(image_set, tmp_path / "out")
    header, rows = read(tmp_path / "out" / "problems.csv")
    assert header == ["image", "reason"]
    assert sorted(row[0] for row in rows) == sorted(names)
    assert {row[1] for row in rows} == {
        "not a picture, or of a kind that cannot be read"
    }
    page = Page((tmp_path / "out" / "report.html").read_text("utf-8"))
    assert page.open == [] and not page.all("script")
    assert f"({len(names)} more were left out, see below)" in page.text
    for name in names:
        assert plain(name, keep="\n\t") in page.text


def test_problems_csv_is_there_when_there_are_none(one):
    *_, out, _ = one
    assert read(out / "problems.csv") == (["image", "reason"], [])


def test_without_true_labels_the_chart_is_of_the_silhouette(tmp_path):
    compare(coloured(labels=False), tmp_path, k=3)
    header, rows = read(tmp_path / "labels.csv")
    assert header == ["image", "true_label", "raw/ward/k3/s0"]
    assert {row[1] for row in rows} == {""}
    header, (row,) = read(tmp_path / "results.csv")
    written = dict(zip(header, row, strict=True))
    assert [written[score] for score in metrics.SCORES] == [""] * 5
    assert float(written["silhouette"]) > 0.5
    text = Page((tmp_path / "report.html").read_text("utf-8")).text
    assert "Best silhouette: raw with ward" in text
    assert "chance is" not in text and "NMI" not in text and "nan" not in text


def test_without_any_score_there_is_a_page_without_a_chart(tmp_path):
    compare(coloured(labels=False), tmp_path, k=1)
    page = Page((tmp_path / "report.html").read_text("utf-8"))
    assert not page.all("svg")
    assert "nan" not in page.text


def test_more_clusters_than_a_gallery_shows(tmp_path):
    compare(noisy(30), tmp_path, k=14)
    text = Page((tmp_path / "report.html").read_text("utf-8")).text
    assert "2 smaller clusters are not shown" in text
    header, rows = read(tmp_path / "labels.csv")
    assert len({row[header.index("raw/ward/k14/s0")] for row in rows}) == 14


def test_noise_is_minus_one_in_the_table(tmp_path):
    results, _, _ = compare(noisy(24), tmp_path, ["raw"], ["dbscan"])
    assert results["n_noise"].iloc[0] > 0
    _, rows = read(tmp_path / "labels.csv")
    column = [row[2] for row in rows]
    assert column.count("-1") == results["n_noise"].iloc[0]


def test_what_was_skipped_is_listed(tmp_path):
    image_set = coloured()
    results, labels = runs.run(image_set, "raw", "ward", progress=False)
    results.attrs["skipped"] = {"VGG19": "its weights are <not> here"}
    report.write(image_set, results, labels, tmp_path)
    text = Page((tmp_path / "report.html").read_text("utf-8")).text
    assert "Skipped VGG19its weights are <not> here" in " ".join(text.split())
    about = json.loads((tmp_path / "about.json").read_text("utf-8"))
    assert about["skipped"] == {"VGG19": "its weights are <not> here"}


def test_a_layer_gets_an_anchor_without_a_colon(tmp_path):
    some = datasets.load("stamps", progress=False).subset(range(0, 193, 24))
    compare(some, tmp_path, ["bovw:tfidf"], k=3)
    page = Page((tmp_path / "report.html").read_text("utf-8"))
    assert "clusters-bovw-tfidf" in [a.get("id") for a in page.all("div")]


def test_writing_again_replaces(tmp_path):
    compare(coloured(), tmp_path)
    compare(coloured(labels=False), tmp_path, k=2)
    _, rows = read(tmp_path / "results.csv")
    assert [row[0] for row in rows] == ["raw/ward/k2/s0"]
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".part"]


def test_every_row_has_a_chance_level_of_its_own(one):
    image_set, results, labels, out, _ = one
    text = (out / "report.html").read_text("utf-8")
    places = [
        float(left) for left in re.findall(r'chance" style="left: ([\d.]+)%', text)
    ]
    chance = plots.chance_of_runs(results, labels, image_set.true_labels)
    by = [results["representation"], results["algorithm"]]
    chance = chance.groupby(by).mean()["nmi"]
    order = runs.summary(results)[::-1]
    wanted = [
        100 * chance[row.representation, row.algorithm] for row in order.itertuples()
    ]
    assert places == pytest.approx(wanted, abs=0.06)
    assert max(wanted) - min(wanted) > 1  # clusters of different sizes
    *_, last = Page(text).rows
    assert f"{min(wanted) / 100:.2f} to {max(wanted) / 100:.2f}" in last
