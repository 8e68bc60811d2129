import base64
import hashlib
import io
import json
import os
import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import picture_bytes
from PIL import Image
from small_sets import coloured, contents, noisy, write_folder

from course_utils import metrics, plots
from course_utils._support import files
from course_utils.images import datasets, decoding
from course_utils.maps import image_map, layouts, page, sprites

HOSTILE = (
    "</script><script>document.title='broken'</script>.png",
    'it\'s "quoted" & spaced.png',
    "Übergröße 雪.png",
    f"{'long' * 74}.png",
    "=HYPERLINK(1).png",
)


def hostile_set():
    """Pictures with names that have broken pages before."""
    files, labels = contents(4)
    names = [*HOSTILE, *list(files)[len(HOSTILE) :]]
    renamed = dict(zip(names, files.values(), strict=True))
    classes = dict(zip(names, labels.values(), strict=True))
    captions = {name: f"caption of {name}" for name in names}
    return datasets.from_bytes("<b>hostile</b>", renamed, classes, captions)


@pytest.fixture(scope="module")
def image_set():
    """Captions keep networks out of it: without them one has to guess the words."""
    found = coloured(8)
    return replace(found, captions=tuple(f"{name} things" for name in found.true_names))


@pytest.fixture
def made(image_set):
    """Arguments of `imagemap.write` for the image set."""
    points = np.random.default_rng(0).normal(size=(len(image_set), 2))
    return {
        "points": {"umap": points, "grid": layouts.grid(points)},
        "cluster_labels": np.arange(len(image_set)) % 4 - 1,
        "vectors": np.random.default_rng(1).normal(size=(len(image_set), 5)),
        "progress": False,
    }


def text_of(path, name):
    """The text of a sheet or pack in a page."""
    found = re.search(rf'id="{name}">([^<]*)<', path.read_text("utf-8"))
    return found[1]


def test_a_page_holds_every_picture_in_its_cell(image_set, made, tmp_path):
    path = image_map.write(image_set, tmp_path / "map.html", **made)
    about = image_map.read(path)
    assert about["images"] == list(image_set.images)
    sheet = Image.open(io.BytesIO(base64.b64decode(text_of(path, "sheet-0"))))
    place = np.frombuffer(base64.b64decode(about["place"]), "<i4")
    assert sorted(place) == list(range(len(image_set)))
    shapes = np.frombuffer(base64.b64decode(about["shapes"]), np.uint8).reshape(-1, 2)
    for index, at in enumerate(place):
        row, column = divmod(int(at), about["columns"])
        (width, height), cell = shapes[at].tolist(), about["cell"]
        corner = column * cell + about["gutter"], row * cell + about["gutter"]
        inner = [corner[0] + 2, corner[1] + 2]  # a JPEG mixes the edge with the gutter
        shown = sheet.crop((*inner, inner[0] + width - 4, inner[1] + height - 4))
        whole = image_set.picture(index)
        apart = np.abs(np.asarray(shown).mean((0, 1)) - whole.mean((0, 1)))
        assert apart.max() < 12, image_set.images[index]


def test_packs_hold_the_larger_pictures(image_set, made, tmp_path):
    path = image_map.write(image_set, tmp_path / "map.html", **made)
    about = image_map.read(path)
    parts = text_of(path, "pack-0").split(" ")
    place = np.frombuffer(base64.b64decode(about["place"]), "<i4")
    assert len(parts) == len(image_set)
    for index in range(len(image_set)):
        large = decoding.decode(base64.b64decode(parts[place[index]]))
        whole = image_set.picture(index)
        assert large.shape == whole.shape
        assert np.abs(large.mean((0, 1)) - whole.mean((0, 1))).max() < 8


def test_a_folder_holds_the_same_as_one_file(image_set, made, tmp_path):
    single = image_map.write(image_set, tmp_path / "map.html", **made)
    index = image_map.write(image_set, tmp_path / "map", **made)
    assert index == tmp_path / "map" / "index.html"
    one, other = image_map.read(single), image_map.read(tmp_path / "map")
    for name in one.pop("layouts"):
        assert name in other["layouts"]
    other.pop("layouts")
    assert one == other
    for name in ("sheet-0", "pack-0"):
        script = (tmp_path / "map" / "data" / f"{name}.js").read_text("utf-8")
        assert script == f'receive("{name}","{text_of(single, name)}");'


def test_a_map_may_be_written_again_over_itself(image_set, made, tmp_path):
    image_map.write(image_set, tmp_path / "map", **made)
    first = (tmp_path / "map" / "index.html").read_bytes()
    image_map.write(image_set, tmp_path / "map", **made)
    assert (tmp_path / "map" / "index.html").read_bytes() == first


def test_a_folder_with_other_files_is_left_alone(image_set, made, tmp_path):
    (tmp_path / "thesis.docx").write_text("years of work", encoding="utf-8")
    with pytest.raises(ValueError, match="holds other files: give a new folder"):
        image_map.write(image_set, tmp_path, **made)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


def test_groups_are_the_biggest_first_and_noise_last(image_set, made, tmp_path):
    path = image_map.write(image_set, tmp_path / "map.html", **made)
    clusters, classes = image_map.read(path)["groups"]
    assert [entry["name"] for entry in clusters["entries"]] == [
        *("cluster 0", "cluster 1", "cluster 2"),
        "noise",
    ]
    values = [clusters["values"][group] for group in clusters["labels"]]
    assert values == made["cluster_labels"].tolist()
    assert [classes["values"][g] for g in classes["labels"]] == image_set.true_names


def test_groups_look_as_in_every_figure_of_the_course(image_set, made, tmp_path):
    path = image_map.write(image_set, tmp_path / "map.html", **made)
    clusters, classes = image_map.read(path)["groups"]
    names = list(image_set.class_names)
    for entry in classes["entries"]:
        look = plots.look(names.index(entry["name"]))
        assert (entry["colour"], entry["marker"]) == look
    looks = {e["name"]: (e["colour"], e["marker"]) for e in clusters["entries"]}
    assert looks["noise"] == plots.NOISE
    assert looks["cluster 2"] == plots.look(2)


def test_every_marker_of_the_figures_has_a_shape():
    shapes = page.FRONT.joinpath("looks.js").read_text("utf-8")
    for marker in (*plots.MARKERS, plots.NOISE[1]):
        assert re.search(rf'^  "?{re.escape(marker)}"?: "M', shapes, re.M), marker


def test_purity_of_the_clusters_is_written_where_there_are_classes(
    image_set, made, tmp_path
):
    path = image_map.write(image_set, tmp_path / "map.html", **made)
    group = image_map.read(path)["groups"][0]
    labels = made["cluster_labels"]
    for entry in group["entries"][:-1]:
        members = image_set.true_labels[labels == entry["label"]]
        counts = np.bincount(members)
        assert entry["purity"] == round(counts.max() / len(members), 3)
        assert entry["majority"] == image_set.class_names[counts.argmax()]
    assert "purity" not in group["entries"][-1]  # noise
    scores = {"labels_true": image_set.true_labels, "labels_pred": labels}
    assert group["scores"]["purity"] == round(metrics.purity(**scores), 3)
    unlabelled = coloured(8, labels=False)
    path = image_map.write(unlabelled, tmp_path / "other.html", **made)
    assert "scores" not in image_map.read(path)["groups"][0]


def test_the_nearest_images_are_those_of_the_largest_cosines(image_set, made, tmp_path):
    path = image_map.write(image_set, tmp_path / "map.html", **made)
    nearest = image_map.read(path)["nearest"]
    found = np.frombuffer(base64.b64decode(nearest["indices"]), "<u2").reshape(-1, 8)
    vectors = made["vectors"]
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = directions @ directions.T - 2 * np.eye(len(vectors))
    assert (found == np.argsort(-cosines, axis=1)[:, :8]).all()


def test_too_many_images_have_neither_neighbours_nor_cells(
    image_set, made, tmp_path, monkeypatch
):
    monkeypatch.setattr(page, "MAX_NEAREST", 20)
    monkeypatch.setattr(page, "MAX_SPREAD", 20)
    path = image_map.write(image_set, tmp_path / "map.html", **made)
    assert image_map.read(path)["nearest"] is None
    (umap,) = re.findall(r'\{"name": "umap".*?\}', path.read_text("utf-8"))
    assert '"cells"' not in umap and '"step": null' in umap


def test_images_that_would_overlap_are_drawn_in_cells(image_set, made, tmp_path):
    path = image_map.write(image_set, tmp_path / "map.html", **made)
    (umap,) = re.findall(r'\{"name": "umap".*?\}', path.read_text("utf-8"))
    umap = json.loads(umap)
    drawn = np.frombuffer(base64.b64decode(umap["cells"]), "<f4").reshape(-1, 2)
    cells = layouts.spread(made["points"]["umap"])
    np.testing.assert_allclose(drawn, layouts.to_unit_square(cells), atol=1e-6)
    assert umap["step"] == pytest.approx(1 / np.ptp(cells, axis=0).max())


def test_without_labels_there_is_no_class(made, tmp_path):
    path = image_map.write(coloured(8, labels=False), tmp_path / "map.html", **made)
    assert [group["key"] for group in image_map.read(path)["groups"]] == ["cluster"]


def test_layouts_keep_their_proportions(image_set, made, tmp_path):
    path = image_map.write(image_set, tmp_path / "map.html", **made)
    found = image_map.read(path)["layouts"]["umap"]
    np.testing.assert_allclose(
        found, layouts.to_unit_square(made["points"]["umap"]), atol=1e-6
    )


def test_names_cannot_end_the_data_or_start_a_program(made, tmp_path):
    image_set = hostile_set()
    n_images = len(image_set)
    arguments = made | {
        "points": {"umap": np.arange(2 * n_images).reshape(n_images, 2)},
        "cluster_labels": np.zeros(n_images, int),
        "vectors": np.eye(n_images),
        "words": list(image_set.captions),
        "subtitle": "<i>raw</i>",
    }
    path = image_map.write(image_set, tmp_path / "map.html", **arguments)
    text = path.read_text("utf-8")
    assert image_map.read(path)["images"] == list(image_set.images)
    assert "<title>&lt;b&gt;hostile&lt;/b&gt;" in text
    assert "document.title='broken'</script>" not in text
    assert "<i>raw" not in text
    about = text[text.index(page.BEGIN) + len(page.BEGIN) :]
    assert "<" not in about[: about.index(page.END)]


def test_a_page_asks_nothing_of_any_server(image_set, made, tmp_path):
    path = image_map.write(image_set, tmp_path / "map.html", **made)
    text = path.read_text("utf-8")
    sheet, pack = text.index('<script type="text'), text.rindex('<script type="text')
    deck = text.index("</script>", text.index(page.BEGIN))
    own = text[:sheet] + text[text.index("</script>", deck + 9) : pack]
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", own)
    assert "default-src 'none'" in own
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"(?!data:)", own)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": {}}, "one layout or more"),
        ({"points": {"umap": np.zeros((3, 2))}}, "shape \\(3, 2\\), \\(24, 2\\) is"),
    ],
)
def test_what_does_not_fit_is_refused(image_set, made, tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        image_map.write(image_set, tmp_path / "map.html", **(made | change))
    assert not list(tmp_path.iterdir())


def test_a_picture_that_vanished_leaves_no_half_map(made, tmp_path):
    folder = write_folder(tmp_path / "pictures", contents(8)[0])
    image_set = datasets.load(folder, progress=False)
    (folder / image_set.images[-1]).write_bytes(picture_bytes(seed=99))
    with pytest.raises(ValueError, match="has changed since"):
        image_map.write(image_set, tmp_path / "map.html", **made)
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]


def test_read_refuses_what_is_no_map(tmp_path):
    (tmp_path / "page.html").write_text("<p>no map</p>", encoding="utf-8")
    with pytest.raises(ValueError, match="is no map of this course"):
        image_map.read(tmp_path / "page.html")


def test_export_clusters_and_lays_out(image_set, tmp_path):
    path = image_map.export(
        image_set,
        tmp_path / "map.html",
        representation="colour",
        wanted=("pca", "grid", "cluster", "class"),
        progress=False,
    )
    about = image_map.read(path)
    assert list(about["layouts"]) == ["pca", "grid", "cluster", "class"]
    assert about["subtitle"] == "colour, l2+kmeans, k = 3"
    clusters = about["groups"][0]["labels"]
    assert len(set(zip(clusters, image_set.true_names, strict=True))) == 3


def test_export_takes_over_coordinates(image_set, tmp_path):
    how = {"representation": "colour", "wanted": ("tsne",), "progress": False}
    first = image_map.export(image_set, tmp_path / "old.html", seed=1, **how)
    kept = image_map.export(
        image_set, tmp_path / "new.html", seed=2, coordinates=first, **how
    )
    one, other = (image_map.read(path)["layouts"]["tsne"] for path in (first, kept))
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_export_refuses_coordinates_of_other_pictures(image_set, tmp_path):
    how = {"representation": "colour", "wanted": ("pca",), "progress": False}
    others = replace(noisy(12), captions=("noise",) * 12)
    other = image_map.export(others, tmp_path / "other.html", **how)
    with pytest.raises(ValueError, match=r"of other pictures \(noisy, 12\)"):
        image_map.export(image_set, tmp_path / "map.html", coordinates=other, **how)


def test_export_leaves_tsne_of_many_out_and_says_so(image_set, tmp_path):
    how = {"representation": "colour", "progress": False}
    how |= {"max_plain": 20, "max_tsne": 20}
    with pytest.warns(UserWarning, match="t-SNE of 24 pictures is left out"):
        path = image_map.export(
            image_set, tmp_path / "map.html", wanted=("pca", "tsne"), **how
        )
    about = image_map.read(path)
    assert list(about["layouts"]) == ["pca"]
    assert about["subtitle"] == "colour, l2+pca50+kmeans, k = 3"


def test_export_names_known_layouts(image_set, tmp_path):
    with pytest.raises(ValueError, match="no layout 'unap': known are umap, tsne"):
        image_map.export(image_set, tmp_path / "map.html", wanted=("unap",))


@pytest.mark.parametrize("n_images", [1, 2, 3])
def test_export_of_very_few_pictures(image_set, tmp_path, n_images):
    few = image_set.subset(range(n_images))
    if n_images == 1:
        with pytest.raises(ValueError, match="needs at least 2 images"):
            image_map.export(few, tmp_path / "map.html", representation="colour", k=1)
        return
    path = image_map.export(
        few, tmp_path / "map.html", representation="colour", k=1, progress=False
    )
    assert len(image_map.read(path)["images"]) == n_images


@pytest.mark.parametrize("n_images", [1, 1023, 1024, 1025])
def test_sheets_and_packs_divide_the_pictures(n_images):
    image_set = coloured(1).subset([0])
    made = list(
        sprites.build(image_set, [0] * n_images, cell=64, detail=64, progress=False)
    )
    numbers = {
        kind: [number for found, number, _ in made if found == kind]
        for kind in ("sheet", "pack", "shapes")
    }
    assert numbers["sheet"] == list(range(-(-n_images // 1024)))
    assert numbers["pack"] == list(range(-(-n_images // 64)))
    assert made[-1][2].shape == (n_images, 2)
    packed = [len(content) for kind, _, content in made if kind == "pack"]
    assert sum(packed) == n_images
    last = [content for kind, _, content in made if kind == "sheet"][-1]
    rows = -(-((n_images - 1) % 1024 + 1) // 32)
    assert Image.open(io.BytesIO(last)).size == (2048, 64 * rows)


def test_more_pictures_get_smaller_thumbnails():
    assert sprites.sizes(200) == (64, 256)
    assert sprites.sizes(9_144) == (64, 128)
    assert sprites.sizes(30_000) == (32, 128)


def test_deck_gl_is_the_build_that_its_page_names():
    folder = page.FRONT / "deck.gl"
    digest = hashlib.sha256((folder / "dist.min.js").read_bytes()).hexdigest()
    assert digest in (folder / "README.md").read_text("utf-8")
    assert "MIT" in (folder / "README.md").read_text("utf-8")
    assert "Permission is hereby granted" in (folder / "LICENSE").read_text("utf-8")


@pytest.mark.parametrize(
    "content", [b"mine", b"", b"<html><script>x</script></html>", b"\xff\xfe\0"]
)
def test_a_page_of_somebody_else_is_left_alone(image_set, made, tmp_path, content):
    page = tmp_path / "map.html"
    page.write_bytes(content)
    with pytest.raises(ValueError, match=r"map\.html is in the way"):
        image_map.write(image_set, page, **made)
    assert page.read_bytes() == content
    website = tmp_path / "website"
    (website / "data").mkdir(parents=True)
    (website / "index.html").write_bytes(content)
    with pytest.raises(ValueError, match="website holds other files"):
        image_map.write(image_set, website, **made)
    assert (website / "index.html").read_bytes() == content
    with pytest.raises(ValueError, match="is a file: give the name of a folder"):
        image_map.write(image_set, page / "inside", **made)


def test_a_map_of_an_earlier_version_is_known_by_its_content(image_set, made, tmp_path):
    for out in (tmp_path / "map.html", tmp_path / "map"):
        image_map.write(image_set, out, **made)
        (tmp_path / "map" / files.WRITTEN).unlink(missing_ok=True)
        image_map.write(image_set, out, **made)
    (tmp_path / "map" / "index.html").unlink()  # as an interrupted one was left
    (tmp_path / "map" / files.WRITTEN).unlink()
    assert image_map.write(image_set, tmp_path / "map", **made).exists()
    (tmp_path / "map" / "index.html").unlink()
    (tmp_path / "map" / files.WRITTEN).unlink()
    (tmp_path / "map" / "data" / "mine.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(ValueError, match="map holds other files"):
        image_map.write(image_set, tmp_path / "map", **made)


def test_a_pipe_is_no_map(tmp_path):
    os.mkfifo(tmp_path / "map.html")
    with pytest.raises(ValueError, match="is no map of this course"):
        image_map.read(tmp_path / "map.html")
