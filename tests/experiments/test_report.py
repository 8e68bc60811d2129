"""What a comparison leaves: tables that can be read back, figures, one page."""

import base64
import csv
import io
import json
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from small_sets import (  # noqa: F401
    coloured,
    contents,
    noisy,
    one_thread,
    write_folder,
)

from course_utils import metrics
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
        self.elements, self.text, self.open = [], "", []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"<{tag}> is closed, but not open"

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def compare(image_set, out, representations=("raw",), algorithms=("ward",), **how):
    results, labels = runs.run(
        image_set, representations, algorithms, progress=False, **how
    )
    files = report.write(image_set, results, labels, out, "the command <&>")
    return results, labels, files


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert all(len(row) == len(header) for row in rows)
    return header, rows


def assert_drawn(data, kind):
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == kind
        image.load()
        assert min(image.size) >= 80
        assert np.asarray(image.convert("L")).std() > 5  # not blank


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
    names = "results.csv labels.csv problems.csv about.json scores.png "
    names += "gallery-raw.jpg gallery-colour.jpg report.html"
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
    about = json.loads((out / "about.json").read_text())
    assert about["command"] == "the command <&>"
    assert about["fingerprint"] == image_set.fingerprint
    assert (about["n_images"], about["n_left_out"]) == (24, 0)
    assert about["skipped"] == {}
    assert about["versions"]["python"]


def test_the_figures_open_and_are_not_blank(one):
    *_, out, _ = one
    assert_drawn((out / "scores.png").read_bytes(), "PNG")
    assert_drawn((out / "gallery-raw.jpg").read_bytes(), "JPEG")
    assert_drawn((out / "gallery-colour.jpg").read_bytes(), "JPEG")


def test_the_page_holds_everything_itself(one):
    *_, out, _ = one
    page = Page((out / "report.html").read_text("utf-8"))
    assert page.open == []
    assert page.elements[0][0] == "html" and page.all("html")[0]["lang"] == "en"
    assert {"charset": "utf-8"} in page.all("meta")
    for _, attributes in page.elements:
        assert not {"href", "srcset", "onload", "onerror"} & set(attributes)
    for tag in ("script", "link", "iframe", "object"):
        assert not page.all(tag)
    pictures = page.all("img")
    assert len(pictures) == 3
    for picture, name in zip(
        pictures, ["scores.png", "gallery-raw.jpg", "gallery-colour.jpg"], strict=True
    ):
        assert picture["alt"].strip()
        head, data = picture["src"].split(",")
        assert head == f"data:image/{'png' if 'png' in name else 'jpeg'};base64"
        assert base64.b64decode(data) == (out / name).read_bytes()
    css = (out / "report.html").read_text("utf-8").split("</style>")[0]
    assert "url(" not in css and "@import" not in css


def test_the_page_has_the_table_best_first(one):
    _, results, _, out, _ = one
    page = Page((out / "report.html").read_text("utf-8"))
    assert "24 images, 4 clusters, 8 runs" in page.text
    assert "chance is 0." in page.text
    assert "the command <&>" in page.text
    assert len(page.all("tr")) == 1 + 6  # and no list of skipped or left out
    best = runs.summary(results).iloc[-1]
    assert f"Best NMI: {best['representation']} with {best['algorithm']}" in page.text
    assert "Skipped" not in page.text and "left out" not in page.text


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
        assert name.replace("\r", "\n") in page.text.replace("\r", "\n")


def test_problems_csv_is_there_when_there_are_none(one):
    *_, out, _ = one
    assert read(out / "problems.csv") == (["image", "reason"], [])


def test_without_true_labels_the_chart_is_of_the_silhouette(tmp_path):
    _, _, files = compare(coloured(labels=False), tmp_path, k=3)
    assert tmp_path / "scores.png" in files
    assert_drawn((tmp_path / "scores.png").read_bytes(), "PNG")
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
    *_, files = compare(coloured(labels=False), tmp_path, k=1)
    assert "scores.png" not in [path.name for path in files]
    page = Page((tmp_path / "report.html").read_text("utf-8"))
    assert len(page.all("img")) == 1
    assert "nan" not in page.text


def test_more_clusters_than_a_gallery_shows(tmp_path):
    compare(noisy(30), tmp_path, k=14)
    assert_drawn((tmp_path / "gallery-raw.jpg").read_bytes(), "JPEG")
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
    about = json.loads((tmp_path / "about.json").read_text())
    assert about["skipped"] == {"VGG19": "its weights are <not> here"}


def test_a_layer_gets_a_file_name_without_a_colon(tmp_path):
    some = datasets.load("stamps", progress=False).subset(range(0, 193, 24))
    compare(some, tmp_path, ["bovw:tfidf"], k=3)
    assert (tmp_path / "gallery-bovw--tfidf.jpg").exists()


def test_writing_again_replaces(tmp_path):
    compare(coloured(), tmp_path)
    compare(coloured(labels=False), tmp_path, k=2)
    _, rows = read(tmp_path / "results.csv")
    assert [row[0] for row in rows] == ["raw/ward/k2/s0"]
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".part"]
