"""The widgets without a browser: their controls are set, their state is looked at."""

import base64
import io
import itertools
import re
import threading

import ipywidgets
import matplotlib
import nbclient
import nbconvert
import nbformat
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, picture_bytes
from matplotlib import pyplot as plt
from PIL import Image
from sklearn.cluster import KMeans
from small_sets import coloured, contents, noisy, one_thread  # noqa: F401

from course_utils import clustering, metrics, plots, widgets
from course_utils.clustering import algorithms
from course_utils.experiments import runs
from course_utils.images import datasets
from course_utils.representations import extraction
from course_utils.representations.backbones import WeightsUnavailable
from course_utils.widgets import (
    base,
    cluster_browser,
    image_scatter,
    kmeans_stepper,
)

matplotlib.use("Agg")
POINTS = np.array([[0, 0], [0, 1], [4, 0], [4, 1], [8, 0], [8, 1]], dtype=float)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def texts(figure):
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text)]


def ids(row):
    return [picture["id"] for picture in row["pictures"]]


# The k-means stepper


def test_steps_alternate_and_end_where_scikit_learn_ends():
    stepper = widgets.KMeansStepper(POINTS + 0.1 * np.arange(6)[:, None])
    stepper.start.value = "k-means++"
    start = stepper.centres
    stepper.run.click()
    names = [step.name for step in stepper.steps]
    assert names == (["assignment", "update"] * len(names))[: len(names)]
    assert names[-1] == "assignment" and stepper.steps[-1].n_changed == 0
    known = KMeans(3, init=start, n_init=1).fit(stepper.points)
    assert stepper.steps[-1].inertia == pytest.approx(known.inertia_)
    assert np.array_equal(stepper.steps[-1].labels, known.labels_)


@pytest.mark.parametrize("preset", ["three groups", "two moons"])
@pytest.mark.parametrize("k", [1, 3, 8])
def test_inertia_never_rises_and_is_that_of_its_labels(preset, k):
    stepper = widgets.KMeansStepper(k=k)
    stepper.preset.value = preset
    stepper.run.click()
    values = [step.inertia for step in stepper.steps]
    assert all(b <= a + 1e-9 for a, b in itertools.pairwise(values))
    for step in stepper.steps:
        gaps = [
            ((point - step.centres[label]) ** 2).sum()
            for point, label in zip(stepper.points, step.labels, strict=True)
        ]
        assert step.inertia == pytest.approx(sum(gaps))


def test_one_step_is_one_click_and_the_plane_shows_it():
    stepper = widgets.KMeansStepper(POINTS)
    assert stepper.plane.state["labels"] == [] and stepper.plane.state["history"] == []
    stepper.step.click()
    first = stepper.steps[0]
    assert stepper.plane.state["labels"] == first.labels.tolist()
    assert stepper.plane.state["history"] == [
        {"name": "assignment", "inertia": first.inertia}
    ]
    assert "Step 1, assignment: 6 labels changed." in stepper.status.text
    stepper.step.click()
    assert "Step 2, update" in stepper.status.text
    assert stepper.plane.state["centres"] == stepper.steps[1].centres.tolist()


def test_a_finished_run_says_so_and_starts_over():
    stepper = widgets.KMeansStepper(POINTS)
    start = stepper.plane.state["centres"]
    stepper.run.click()
    n_steps = len(stepper.steps)
    assert "finished" in stepper.status.text
    stepper.step.click()
    assert len(stepper.steps) == n_steps and "Start over" in stepper.status.text
    stepper.again.click()
    assert stepper.steps == [] and stepper.plane.state["centres"] == start


def test_back_and_step_go_through_the_same_states():
    stepper = widgets.KMeansStepper()
    seen = [(stepper.plane.state, stepper.status.text)]
    for _ in range(5):
        stepper.step.click()
        seen.append((stepper.plane.state, stepper.status.text))
    for state, text in reversed(seen[:-1]):
        stepper.back.click()
        assert stepper.status.text == text
        for name in ("labels", "centres", "trails", "restless", "at"):
            assert stepper.plane.state[name] == state[name]
        assert len(stepper.plane.state["history"]) == 5, "what comes later stays drawn"
    stepper.back.click()
    assert stepper.at == 0 and "no step to take back" in stepper.status.text
    stepper.step.click()
    assert stepper.plane.state["labels"] == seen[1][0]["labels"]
    assert len(stepper.steps) == 5, "nothing is computed twice"


def tick(stepper, number):
    stepper.plane._handle_custom_msg({"tick": number}, [])


def test_play_takes_a_step_at_each_tick_until_the_end():
    stepper = widgets.KMeansStepper(POINTS)
    tick(stepper, 0)
    assert stepper.steps == [], "it does not play"
    stepper.play.click()
    assert stepper.plane.playing and stepper.at == 1
    assert stepper.play.description == "Pause"
    tick(stepper, 1)
    tick(stepper, 1)  # of a second view of the widget
    assert stepper.at == 2
    while stepper.plane.playing:
        tick(stepper, stepper.at)
    assert "finished" in stepper.status.text and stepper.play.description == "Play"
    stepper.play.click()
    assert stepper.at == 1, "from the start again"
    stepper.play.click()
    assert not stepper.plane.playing and stepper.at == 1
    stepper.clear.click()
    stepper.play.click()
    assert not stepper.plane.playing and "at least 3 points" in stepper.status.text


@pytest.mark.parametrize("action", ["step", "back", "again", "run", "new", "clear"])
def test_every_other_button_stops_play(action):
    stepper = widgets.KMeansStepper()
    stepper.play.click()
    getattr(stepper, action).click()
    assert not stepper.plane.playing


def test_a_dragged_centre_is_the_new_start():
    stepper = widgets.KMeansStepper(POINTS, k=2)
    stepper.run.click()
    stepper.plane._handle_custom_msg({"moved": [1, 8, 0.5]}, [])
    moved = stepper.plane.state["centres"]
    assert moved[1] == [8, 0.5] and stepper.steps == []
    assert "Centre 1 moved" in stepper.status.text
    stepper.step.click()
    assert stepper.steps[0].centres.tolist() == moved
    stepper.again.click()
    assert stepper.plane.state["centres"] == moved
    stepper.plane._handle_custom_msg({"placed": [3, 3]}, [])
    assert len(stepper.points) == 7 and stepper.plane.state["centres"] == moved
    stepper.plane._handle_custom_msg({"moved": [5, 0, 0]}, [])
    assert stepper.status.text == "There is no centre 5."


def test_ringed_points_are_those_that_the_next_assignment_changes():
    stepper = widgets.KMeansStepper()
    stepper.run.click()
    for update, after in zip(stepper.steps[1::2], stepper.steps[2::2], strict=True):
        changing = np.flatnonzero(update.labels != after.labels).tolist()
        assert kmeans_stepper.restless(stepper.points, update) == changing
        assert kmeans_stepper.restless(stepper.points, after) == []
        assert len(changing) == after.n_changed
    stepper.again.click()
    stepper.step.click()
    stepper.step.click()
    n_ringed = len(stepper.plane.state["restless"])
    assert f"{n_ringed} points are now nearer" in stepper.status.text


def test_trails_are_where_the_centres_were():
    stepper = widgets.KMeansStepper(k=2)
    start = stepper.centres.tolist()
    assert stepper.plane.state["trails"] == []
    stepper.step.click()
    assert stepper.plane.state["trails"] == [[], []]
    for _ in range(3):
        stepper.step.click()
    first = stepper.steps[1].centres.tolist()
    for cluster in range(2):
        trail = stepper.plane.state["trails"][cluster]
        assert trail == [start[cluster], first[cluster]]


def test_another_k_start_or_preset_begins_again():
    stepper = widgets.KMeansStepper()
    for change in (
        lambda: setattr(stepper.k, "value", 5),
        lambda: setattr(stepper.start, "value", "k-means++"),
        lambda: setattr(stepper.preset, "value", "two moons"),
        stepper.new.click,
    ):
        stepper.step.click()
        before = stepper.plane.state["centres"]
        change()
        assert stepper.steps == [] and stepper.plane.state["centres"] != before
        assert len(stepper.centres) == stepper.k.value


def test_a_click_places_a_point():
    stepper = widgets.KMeansStepper(k=2)
    stepper.clear.click()
    assert "2 clusters need at least 2 points, got 0." in stepper.status.text
    stepper.step.click()
    assert stepper.steps == []
    for x, y in [(1, 1), (9, 9)]:
        stepper.place(x, y)
    assert stepper.plane.state["points"] == [[1, 1], [9, 9]]
    stepper.run.click()
    assert stepper.steps[-1].inertia == 0


def test_centres_placed_by_hand_are_the_start():
    stepper = widgets.KMeansStepper(POINTS, k=2)
    stepper.start.value = "placed by me"
    assert "Click to place centre 0 of 0 to 1" in stepper.status.text
    stepper.step.click()
    assert stepper.steps == []
    stepper.place(0, 0)
    stepper.place(8, 0)
    stepper.attempt(stepper.place, 4, 4)
    assert "All 2 centres are placed" in stepper.status.text
    stepper.step.click()
    assert stepper.steps[0].centres.tolist() == [[0, 0], [8, 0]]
    assert len(stepper.points) == 6


def test_a_centre_without_points_stays():
    stepper = widgets.KMeansStepper(POINTS, k=2)
    stepper.start.value = "placed by me"
    stepper.place(4, 0.5)
    stepper.place(100, 100)
    stepper.run.click()
    assert stepper.steps[-1].centres.tolist() == [[4, 0.5], [100, 100]]


def test_points_of_my_own_fill_the_plane():
    stepper = widgets.KMeansStepper(POINTS * 1000 + [5, 7])
    left, right, lower, upper = stepper.plane.extent
    assert left < 5 < 8005 < right and lower < 7 < 1007 < upper
    assert right - left == pytest.approx(upper - lower), "as long as it is high"
    stepper.preset.value = "two moons"
    assert stepper.plane.extent == [0, 10, 0, 10]
    one = widgets.KMeansStepper([[3, 3]], k=1)
    assert one.plane.extent[0] < 3 < one.plane.extent[1]


@pytest.mark.parametrize("points", [[1, 2], [[1, 2, 3]], [[1, np.nan]]])
def test_points_that_are_none(points):
    with pytest.raises(ValueError, match=r"\(n, 2\)"):
        widgets.KMeansStepper(points)


@pytest.mark.parametrize("k", [0, 9, 2.5, "three"])
def test_k_that_is_none(k):
    with pytest.raises(ValueError, match="k must be a whole number from 1 to 8"):
        widgets.KMeansStepper(k=k)


def test_the_figure_of_a_run_has_its_steps_and_its_inertia():
    stepper = widgets.KMeansStepper()
    panels = stepper.static().axes
    titles = [panel.get_title(loc="left") for panel in panels if panel.get_visible()]
    stepper.run.click()
    n_steps = len(stepper.steps)
    first = ["start", "step 1: assignment", "step 2: update", "step 3: assignment"]
    assert titles[:4] == first
    left_out = f"(steps 4 to {n_steps - 1} are not shown)"
    assert titles[4] == f"step {n_steps}: assignment, the last\n{left_out}"
    (curve,) = panels[5].lines
    assert list(curve.get_ydata()) == [step.inertia for step in stepper.steps]
    told = texts(panels[5])
    assert {f"{stepper.steps[i].inertia:.4g}" for i in (0, -1)} <= set(told)
    assert f"{n_steps} steps" in stepper.alt and told[-1] in stepper.alt
    short = widgets.KMeansStepper(POINTS, k=1).static().axes
    assert [p.get_title(loc="left") for p in short if p.get_visible()][:4] == first
    stepper.clear.click()
    assert sum(panel.get_visible() for panel in stepper.static().axes) == 2
    assert "no step yet" in texts(stepper.static())


def test_the_plane_draws_every_cluster_as_the_course_does():
    stepper = widgets.KMeansStepper(k=8)
    looks = [tuple(look) for look in stepper.plane.looks]
    assert looks == [plots.look(cluster) for cluster in range(8)]
    assert len(set(looks)) == 8
    paths = re.search(
        r"PATHS = \{(.*?)\n\}", (base.FRONT / "marks.js").read_text("utf-8"), re.DOTALL
    )
    kinds = [marker for _, marker in plots.KINDS.values()]
    known = re.findall(r'^  "(.)": "M', paths[1], re.MULTILINE)
    assert {*plots.MARKERS, plots.NOISE[1], *kinds} == set(known)


# The cluster browser


@pytest.fixture(scope="module")
def nine():
    return coloured(3)


def test_the_browser_shows_the_clusters_that_clustering_gives(nine):
    made = widgets.ClusterBrowser(nine, ["raw", "colour"], ["l2+kmeans", "ward"])
    vectors = extraction.extract(nine, "colour", progress=False)
    made.representation.value = "colour"
    made.algorithm.value = "ward"
    made.k.value = 4
    labels = algorithms.cluster(vectors, "ward", 4)
    assert np.array_equal(made.labels, labels)
    assert len(made.gallery.rows) == 4
    for row in made.gallery.rows:
        cluster = int(row["heading"].split()[1])
        assert sorted(ids(row)) == np.flatnonzero(labels == cluster).tolist()
    sizes = [len(ids(row)) for row in made.gallery.rows]
    assert sizes == sorted(sizes, reverse=True)


def test_medoids_come_first_purity_is_said_and_strangers_are_marked():
    image_set = noisy(20, n_classes=4)
    made = widgets.ClusterBrowser(image_set, ["raw"], ["ward"], k=3, n_pictures=4)
    for row in made.gallery.rows:
        members = np.flatnonzero(made.labels == int(row["heading"].split()[1]))
        own = made.vectors[members] / np.linalg.norm(
            made.vectors[members], axis=1, keepdims=True
        )
        best = members[(own @ own.T).sum(axis=1).argmax()]
        first, *others = row["pictures"]
        assert first["id"] == best and first["badge"] == "★"
        assert first["label"].endswith(", the medoid")
        assert len(row["pictures"]) == min(4, len(members))
        classes = [image_set.true_names[i] for i in members]
        share = max(map(classes.count, classes)) / len(members)
        assert f"purity {share:.0%}: class" in row["note"]
        most_frequent = row["note"].split(": ")[1]
        for picture in row["pictures"]:
            stranger = image_set.true_names[picture["id"]] != most_frequent
            assert picture["odd"] == stranger
        for picture in others:
            assert picture["badge"] == ("✕" if picture["odd"] else "")
    score = metrics.purity(labels_true=image_set.true_labels, labels_pred=made.labels)
    assert f"Purity {score:.2f}" in made.status.text


def test_a_click_shows_the_nearest_pictures(nine):
    made = widgets.ClusterBrowser(nine, ["raw"], ["ward"])
    assert ids(made.neighbours.rows[0]) == []
    made.choose(4)
    directions = made.vectors / np.linalg.norm(made.vectors, axis=1, keepdims=True)
    distances = {i: 1 - directions[i] @ directions[4] for i in range(9) if i != 4}
    found = made.neighbours.rows[0]["pictures"]
    assert [p["id"] for p in found] == [4, *sorted(distances, key=distances.get)]
    assert found[0]["note"] == ""
    assert found[1]["note"] == f"{min(distances.values()):.2f}"
    assert made.gallery.chosen == 4
    assert base.name_of(nine, 4) in made.status.text
    made.k.value = 2
    assert ids(made.neighbours.rows[0]) == [] and made.gallery.chosen == -1


def test_copies_of_a_picture_are_its_nearest_and_itself_is_first():
    data = next(iter(contents(1)[0].values()))
    other = list(contents(3)[0].values())
    image_set = datasets.from_bytes(
        "copies", {f"{i}.png": x for i, x in enumerate([data, *other[3:6], data])}
    )
    made = widgets.ClusterBrowser(image_set, ["raw"], ["ward"], k=2)
    made.choose(4)
    assert ids(made.neighbours.rows[0])[:2] == [4, 0]
    assert made.neighbours.rows[0]["pictures"][1]["note"] == "0.00"


def test_layers_belong_to_their_network(monkeypatch, nine):
    asked = []

    def extract(image_set, name, progress):
        asked.append(name)
        return np.random.default_rng(0).normal(size=(9, 5))

    monkeypatch.setattr(extraction, "extract", extract)
    names = ["SqueezeNet", "SqueezeNet:fire5", "VGG19", "raw", "bovw", "bovw:tfidf"]
    made = widgets.ClusterBrowser(nine, names, ["ward"])
    assert made.representation.options == ("SqueezeNet", "VGG19", "raw", "bovw")
    assert [label for label, _ in made.layer.options] == ["fire9 (default)", "fire5"]
    made.layer.value = "SqueezeNet:fire5"
    made.representation.value = "bovw"
    assert [label for label, _ in made.layer.options] == ["none", "tfidf"]
    made.representation.value = "VGG19"
    assert [label for label, _ in made.layer.options] == ["last (default)"]
    assert asked == ["SqueezeNet", "SqueezeNet:fire5", "bovw", "VGG19"]


def test_features_and_clusters_are_computed_once(monkeypatch, nine):
    made = widgets.ClusterBrowser(nine, ["raw", "colour"], ["ward", "average"])
    made.representation.value = "colour"
    made.algorithm.value = "average"

    def never(*_, **__):
        raise AssertionError("computed again")

    monkeypatch.setattr(extraction, "extract", never)
    monkeypatch.setattr(base.Thumbnails, "_one", never)
    made.representation.value = "raw"
    monkeypatch.setattr(clustering, "cluster", never)
    made.algorithm.value = "ward"
    made.representation.value = "raw"
    made.algorithm.value = "average"
    assert len(made.gallery.rows) == 3


def test_of_two_changes_at_once_the_last_one_stays(monkeypatch, nine):
    made = widgets.ClusterBrowser(nine, ["raw", "colour"], ["ward"])
    begun, go_on = threading.Event(), threading.Event()

    def cluster(*values):
        if threading.current_thread() is first:
            begun.set()
            go_on.wait(20)
        return clustering_cluster(*values)

    clustering_cluster = algorithms.cluster
    monkeypatch.setattr(clustering, "cluster", cluster)
    change = (made.representation, "value", "colour")
    first = threading.Thread(target=setattr, args=change)
    first.start()
    assert begun.wait(20)
    second = threading.Thread(target=setattr, args=(made.k, "value", 2))
    second.start()
    second.join(0.3)  # long enough to overtake, if it could
    go_on.set()
    for thread in (first, second):
        thread.join(20)
    assert len(made.gallery.rows) == 2 and len(set(made.labels)) == 2


def test_twelve_clusters_at_once_and_pages_for_the_others():
    made = widgets.ClusterBrowser(noisy(30), ["raw"], ["ward"], k=30)
    assert len(made.gallery.rows) == 12
    assert made.pager.layout.display == "flex"
    assert made.pager.text.text == "clusters 1 to 12 of 30"
    made.pager.before.click()
    assert made.pager.text.text == "clusters 1 to 12 of 30"
    seen = [row["heading"] for row in made.gallery.rows]
    for _ in range(3):
        made.pager.after.click()
        seen += [row["heading"] for row in made.gallery.rows]
    assert made.pager.text.text == "clusters 25 to 30 of 30"
    assert len(set(seen)) == 30
    made.k.value = 5
    assert len(made.gallery.rows) == 5 and made.pager.layout.display == "none"


def test_a_set_without_labels_is_browsed_without_purity():
    image_set = coloured(4, labels=False)
    made = widgets.ClusterBrowser(image_set, ["raw"], ["ward"], k=3)
    assert [row["note"] for row in made.gallery.rows] == ["4 images"] * 3
    assert "urity" not in made.status.text
    assert not any(p["odd"] for row in made.gallery.rows for p in row["pictures"])
    assert widgets.ClusterBrowser(image_set, ["raw"]).k.value == 8


def test_noise_comes_last_and_has_no_medoid(monkeypatch, nine):
    labels = np.array([-1, -1, -1, -1, 0, 0, 0, 1, 1])
    monkeypatch.setattr(clustering, "cluster", lambda *_: labels)
    made = widgets.ClusterBrowser(nine, ["raw"], ["hdbscan"])
    headings = [row["heading"] for row in made.gallery.rows]
    assert headings == ["cluster 0", "cluster 1", "noise"]
    assert not any(p["badge"] == "★" for p in made.gallery.rows[-1]["pictures"])
    assert made.status.text.startswith("2 clusters of 9 images")


def test_names_that_are_not_known(nine):
    with pytest.raises(ValueError, match="did you mean VGG19"):
        widgets.ClusterBrowser(nine, ["VGG91"])
    with pytest.raises(ValueError, match="there is no algorithm"):
        widgets.ClusterBrowser(nine, ["raw"], ["kmeens"])
    with pytest.raises(ValueError, match="at most the number of images, 9"):
        widgets.ClusterBrowser(nine, ["raw"], k=10)


def test_a_network_that_cannot_be_had_is_said_and_the_others_go_on(monkeypatch, nine):
    extract = extraction.extract

    def offline(image_set, name, **options):
        if name == "VGG19":
            raise WeightsUnavailable("VGG19: its weights are not here.")
        return extract(image_set, name, **options)

    monkeypatch.setattr(extraction, "extract", offline)
    made = widgets.ClusterBrowser(nine, ["VGG19", "raw"], ["ward"])
    assert made.status.text == "VGG19: its weights are not here."
    assert made.gallery.rows == []
    assert made.status.text in texts(made.static())
    made.representation.value = "raw"
    assert len(made.gallery.rows) == 3


@pytest.mark.parametrize("algorithm", ["kmeans", "l2+kmeans", "hdbscan", "l2+hdbscan"])
def test_turning_the_features_keeps_clusters_and_angles(algorithm):
    vectors = np.random.default_rng(0).normal(size=(40, 300)).astype(np.float32)
    vectors[:20] += 1.0
    turned = cluster_browser.compact(vectors)
    assert turned.shape == (40, 40)
    assert turned @ turned.T == pytest.approx(vectors @ vectors.T, abs=1e-2)
    assert np.array_equal(
        algorithms.cluster(turned, algorithm, 5),
        algorithms.cluster(vectors, algorithm, 5),
    )
    narrow = vectors[:, :10]
    assert cluster_browser.compact(narrow) is narrow


def test_thumbnails_keep_their_shape_and_are_made_once():
    sizes = {"tall.png": (50, 200), "wide.png": (400, 100)}
    image_set = datasets.from_bytes(
        "two", {name: picture_bytes(size=size) for name, size in sizes.items()}
    )
    made = base.Thumbnails(image_set)
    row = made.row("", "", [0, 1])
    sizes = [opened(picture["src"]).size for picture in row["pictures"]]
    assert sizes == [(30, 120), (120, 30)]
    assert made.row("", "", [0])["pictures"][0]["src"] is row["pictures"][0]["src"]


def opened(data_uri):
    return Image.open(io.BytesIO(base64.b64decode(data_uri.partition(",")[2])))


# The contingency explorer


@pytest.fixture
def explorer(nine):
    return widgets.ContingencyExplorer(nine, [0, 0, 0, 0, 0, 1, 1, -1, -1])


def test_rows_are_clusters_columns_are_classes(explorer, nine):
    table = explorer.table.table
    assert table["columns"] == list(nine.class_names)
    rows = [(row["name"], row["counts"], row["total"]) for row in table["rows"]]
    names = [nine.true_names[i] for i in range(9)]
    for name, counts, total in rows:
        cluster = -1 if name == "noise" else int(name.split()[1])
        members = np.flatnonzero(explorer.cluster_labels == cluster)
        expected = [sum(names[i] == c for i in members) for c in nine.class_names]
        assert counts == expected and total == len(members)
    assert [name for name, *_ in rows] == ["cluster 0", "cluster 1", "noise"]
    assert [row["purity"] for row in table["rows"]] == ["60%", "50%", "100%"]


def test_a_click_on_a_count_shows_its_pictures(explorer, nine):
    column = nine.true_labels[3]
    explorer.choose(0, int(column))
    (row,) = explorer.pictures.rows
    assert ids(row) == [3, 4]
    assert row["heading"] == f"cluster 0, {nine.true_names[3]}"
    assert explorer.table.chosen == [0, int(column)]
    assert row["note"] == "2 images"
    share = f"40% of cluster 0 is class {nine.true_names[3]}, and 67% of class"
    assert explorer.status.text.startswith(share)
    explorer.tell(4)
    assert nine.images[4] in explorer.status.text and explorer.pictures.chosen == 4


def test_classes_without_pictures_have_no_column(nine):
    some = nine.subset(np.flatnonzero(nine.true_labels != 1))
    explorer = widgets.ContingencyExplorer(some, np.zeros(6, int))
    assert explorer.table.table["columns"] == [nine.class_names[0], nine.class_names[2]]
    explorer.choose(0, 1)
    (row,) = explorer.pictures.rows
    assert {some.true_names[i] for i in ids(row)} == {nine.class_names[2]}


def test_many_clusters_come_in_pages_and_many_pictures_are_cut():
    image_set = noisy(70, n_classes=1)
    explorer = widgets.ContingencyExplorer(image_set, np.arange(70) % 14)
    assert len(explorer.table.table["rows"]) == 12
    explorer.pager.after.click()
    assert [r["name"] for r in explorer.table.table["rows"]] == [
        "cluster 12",
        "cluster 13",
    ]
    below = explorer.static().axes[0].get_xlabel()
    assert "not shown: 2 clusters, 0 classes" in below
    explorer = widgets.ContingencyExplorer(image_set, np.zeros(70, int))
    explorer.choose(0, 0)
    (row,) = explorer.pictures.rows
    assert len(ids(row)) == 60 and "the first 60 are shown" in row["note"]


def test_labels_that_cannot_be_shown(nine):
    with pytest.raises(ValueError, match=r"no true labels.*ClusterBrowser"):
        widgets.ContingencyExplorer(coloured(2, labels=False), np.zeros(6, int))
    with pytest.raises(ValueError, match="9 labels_true but 3 labels_pred"):
        widgets.ContingencyExplorer(nine, [0, 1, 2])
    with pytest.raises(ValueError, match="whole numbers"):
        widgets.ContingencyExplorer(nine, ["a"] * 9)


def test_totals_and_scores_are_those_of_the_counts(explorer, nine):
    table = explorer.table.table
    assert table["totals"] == [3, 3, 3] and table["total"] == 9
    scores = metrics.scores(
        labels_true=nine.true_labels, labels_pred=explorer.cluster_labels
    )
    listed = {score["title"]: score["value"] for score in table["scores"]}
    assert listed == {plots.TITLES[name]: f"{scores[name]:.3f}" for name in scores}
    assert f"NMI {scores['nmi']:.3f}" in explorer.alt


def test_scores_follow_the_counts_as_they_are_edited(explorer):
    explorer.attempt(explorer.edit, 0, 0, 7)
    assert "First choose" in explorer.status.text
    explorer.choose(0, 0)
    explorer.editing.value = True
    assert explorer.pictures.rows == [] and explorer.table.table["editing"]
    real = explorer.real_counts.copy()
    explorer.table._handle_custom_msg({"edit": [0, 0, 7]}, [])
    table = explorer.table.table
    row = next(row for row in table["rows"] if row["id"] == 0)
    column = row["counts"].index(7)
    assert column == 0 and row["edited"] == [0] and table["totals"][0] != 3
    changed = real.copy()
    changed[explorer.numbers.index(0), 0] = 7
    for score, name in zip(table["scores"], explorer.scores, strict=True):
        for key, counts in (("value", changed), ("before", real)):
            expected = metrics.scores_of_table(counts.T, [name])[name]
            assert score[key] == f"{expected:.3f}"
    for wrong in (-1, 2.5, 10**9):
        explorer.attempt(explorer.edit, 0, 0, wrong)
        assert "must be a whole number" in explorer.status.text
    assert np.array_equal(explorer.counts, changed)
    explorer.editing.value = False
    assert np.array_equal(explorer.counts, real)
    assert not explorer.table.table["editing"]


def test_a_table_never_gets_empty(explorer):
    explorer.editing.value = True
    for row, cluster in enumerate(explorer.numbers):
        for column in np.flatnonzero(explorer.counts[row]).tolist():
            explorer.attempt(explorer.edit, cluster, column, 0)
    assert explorer.counts.sum() > 0
    assert explorer.status.text == "At least one count must be above 0."
    assert [row["purity"] for row in explorer.table.table["rows"]].count("–") == 2


def test_the_figure_of_the_table_has_every_count(explorer):
    shown = texts(explorer.static())
    for name in ("cluster 0", "cluster 1", "noise", *explorer.names):
        assert name in shown
    counts = explorer.counts[explorer.counts > 0]
    totals = [*explorer.counts.sum(axis=0), *explorer.counts.sum(axis=1), 9]
    numbers = [int(text) for text in shown if text.isdigit()]
    assert sorted(numbers) == sorted([*counts.tolist(), *totals])
    assert any("share of its cluster" in text and "NMI" in text for text in shown)


# The comparison explorer


@pytest.fixture(scope="module")
def compared():
    image_set = coloured(4)
    results, labels = runs.run(
        image_set,
        ["raw", "colour", "lbp"],
        ["ward", "average"],
        seeds=2,
        progress=False,
    )
    return image_set, results, labels


@pytest.fixture
def results(compared):
    return compared[1]


def names_of(board):
    return [tuple(line["names"]) for line in board.lines]


def test_the_lines_follow_what_is_ticked(results):
    made = widgets.ComparisonExplorer(results)
    assert made.scores.value == ["purity", "nmi", "fowlkes_mallows"]
    assert len(made.board.lines) == 6
    made.representations.value = ["raw", "lbp"]
    assert len(made.board.lines) == 4
    made.algorithms.value = ["average"]
    made.scores.value = ["ari"]
    assert [score["title"] for score in made.board.scores] == ["ARI"]
    assert sorted(names_of(made.board)) == [("lbp", "average"), ("raw", "average")]
    (panel,) = made.static().axes
    assert panel.get_xlabel() == "ARI"
    assert {t.get_text() for t in panel.get_yticklabels()} == {"raw", "lbp"}
    low, high = panel.get_ylim()
    assert low <= -0.5 and high >= 1.5, "no mark touches the frame"


def test_a_cell_has_the_mean_and_the_worst_and_best_seed(results):
    made = widgets.ComparisonExplorer(results)
    grouped = results.groupby(["representation", "algorithm"])
    for line in made.board.lines:
        runs_of = grouped.get_group(tuple(line["names"]))
        assert line["n"] == len(runs_of)
        assert line["look"] == list(plots.KINDS[plots.kind(line["names"][0])])
        for score, cell in zip(made.board.scores, line["cells"], strict=True):
            values = runs_of[score["key"]]
            expected = {"mean": values.mean(), "low": values.min()}
            expected |= {"high": values.max(), "chance": None}
            assert cell == pytest.approx(expected)


def test_every_line_has_a_chance_level_of_its_own(compared):
    image_set, results, labels = compared
    chance = plots.chance_of_runs(results, labels, image_set.true_labels)
    made = widgets.ComparisonExplorer(results, chance.drop(columns="purity"))
    made.algorithms.value = ["average"]
    means = chance.groupby([results["representation"], results["algorithm"]]).mean()
    for line in made.board.lines:
        purity, *cells = line["cells"]
        assert purity["chance"] is None
        for key, cell in zip(("nmi", "fowlkes_mallows"), cells, strict=True):
            expected = means.loc[tuple(line["names"]), key]
            assert cell["chance"] == pytest.approx(expected)
    first = made.static().axes[0]
    ticks = [n for n in first.lines if n.get_marker() == plots.CHANCE["marker"]]
    assert first.get_xlabel() == "purity" and not ticks
    for cell in widgets.ComparisonExplorer(results).board.lines[0]["cells"]:
        assert cell["chance"] is None


def test_sorting_by_a_score_says_its_best_line(results):
    made = widgets.ComparisonExplorer(results)
    assert made.board.sort == "nmi"
    for score in ("nmi", "purity"):
        made.board.sort = score
        means = results.groupby(["representation", "algorithm"])[score].mean()
        title, best = plots.TITLES[score], f"{means.max():.3f}"
        for text in (made.status.text, made.board.alt, made.alt):
            found = re.search(rf"Highest mean {title}: (\S+) with (\S+), {best}", text)
            assert means[found.groups()] == means.max()
    made.scores.value = ["ari"]
    assert made.board.sort == "ari"


def test_a_score_that_some_runs_lack_is_no_mark(results):
    part = results.assign(nmi=results["nmi"].where(results["representation"] != "raw"))
    made = widgets.ComparisonExplorer(part)
    place = [score["key"] for score in made.board.scores].index("nmi")
    cells = {line["names"][0]: line["cells"][place] for line in made.board.lines}
    assert cells["raw"] is None and cells["lbp"]
    made.representations.value = ["raw"]
    assert "nmi" not in [score["key"] for score in made.board.scores]


def test_a_click_shows_the_clusters_of_the_first_run(compared):
    image_set, results, labels = compared
    made = widgets.ComparisonExplorer(results, image_set=image_set, labels=labels)
    assert made.board.clickable and made.pictures.rows == []
    line = next(x for x in made.board.lines if x["names"] == ["lbp", "average"])
    made.board._handle_custom_msg({"clicked": line["id"]}, [])
    own = results["representation"].eq("lbp") & results["algorithm"].eq("average")
    run = results.loc[own, "run"].iloc[0]
    shown = {frozenset(ids(row)) for row in made.pictures.rows}
    clusters = [np.flatnonzero(labels[run] == c) for c in np.unique(labels[run])]
    assert shown == {frozenset(members.tolist()[:10]) for members in clusters}
    assert made.board.chosen == line["id"] and made.status.text.startswith(run)
    made.tell(3)
    assert base.name_of(image_set, 3) == made.status.text
    made.algorithms.value = ["ward"]
    assert made.pictures.rows == [] and made.board.chosen == -1


def test_clusters_need_images_and_labels(compared):
    image_set, results, labels = compared
    for given in ({"image_set": image_set}, {"labels": labels}):
        with pytest.raises(ValueError, match="both image_set and labels"):
            widgets.ComparisonExplorer(results, **given)
    made = widgets.ComparisonExplorer(results)
    assert not made.board.clickable
    made.attempt(made.choose, 0)
    assert "image_set=" in made.status.text
    made = widgets.ComparisonExplorer(results, image_set=image_set, labels={})
    made.attempt(made.choose, 0)
    assert made.status.text.startswith("The labels have no run")


@pytest.mark.parametrize("control", ["scores", "representations", "algorithms"])
def test_nothing_ticked_is_said(results, control):
    made = widgets.ComparisonExplorer(results)
    getattr(made, control).value = []
    assert made.status.text.startswith("Nothing to draw: tick a score")
    assert made.board.lines == []
    assert made.status.text in texts(made.static())
    choice = getattr(made, control)
    choice.value = [choice.options[0][1]]
    assert made.board.lines


def test_results_without_anything_to_compare(results):
    for empty in (results.iloc[:0], pd.DataFrame(), results.drop(columns="algorithm")):
        with pytest.raises(ValueError, match=r"nothing to compare.*experiments\.run"):
            widgets.ComparisonExplorer(empty)
    with pytest.raises(ValueError, match="nothing to compare"):
        widgets.ComparisonExplorer(results[["representation", "algorithm"]])


def test_without_true_labels_only_the_silhouette_can_be_ticked():
    found, _ = runs.run(
        coloured(4, labels=False), ["raw"], ["ward"], k=3, progress=False
    )
    made = widgets.ComparisonExplorer(found)
    assert made.scores.options == [["silhouette", "silhouette"]]
    (score,), (line,) = made.board.scores, made.board.lines
    assert score["low"] <= line["cells"][0]["mean"] <= score["high"]


@pytest.mark.parametrize("values", [[-0.25, 0.31], [0.02, 0.03], [0.0, 1.0]])
def test_the_axis_of_the_silhouette_holds_its_values(results, values):
    spread = np.resize(values, len(results))
    made = widgets.ComparisonExplorer(results.assign(silhouette=spread))
    made.scores.value = ["silhouette"]
    (score,) = made.board.scores
    assert score["low"] <= min(values) < max(values) <= score["high"]
    assert [score["low"], score["high"]] == [score["ticks"][0], score["ticks"][-1]]


def test_a_representation_that_is_not_known_is_said(results):
    strange = results.assign(representation="no such one")
    made = widgets.ComparisonExplorer(strange)
    assert "there is no representation 'no such one'" in made.status.text


def test_long_names_are_cut_in_the_figure_and_whole_in_the_widget(results):
    names = [f"SqueezeNet:{'x' * 300}{i % 2}" for i in range(len(results))]
    made = widgets.ComparisonExplorer(results.assign(representation=names))
    shown = {label.get_text() for label in made.static().axes[0].get_yticklabels()}
    assert len(shown) == 2 and max(map(len, shown)) < 70
    assert {name for name, _ in names_of(made.board)} == set(names)


def test_a_dollar_in_a_name_begins_no_formula(results):
    name = "SqueezeNet:$\\nonsense{$"
    made = widgets.ComparisonExplorer(results.assign(representation=name))
    png, _ = base.png(made.static())
    assert png and "nonsense" not in made.status.text.split("Highest")[0]


# The figure with sliders


def draw_power(power, n):
    plt.plot([x**power for x in range(n)])
    return f"{n} numbers to the power of {power}, up to {(n - 1) ** power}."


def draw_and_close(k):
    plt.plot([k])
    plt.close()
    return "closed, as plots.show does"


def test_a_figure_that_is_open_is_not_drawn_on():
    other = plt.figure()
    chart = widgets.FigureSlider(draw_power, power=[1], n=[5])
    assert chart.static().axes and not other.axes
    made = widgets.FigureSlider(lambda k: str(plt.subplots(1, k)[1].size), k=[2, 3])
    assert len(made.static().axes) == 2 and made.status.text == "2"


def test_a_slider_draws_the_figure_anew():
    chart = widgets.FigureSlider(
        draw_power, start={"n": 6}, power=[1, 2, 3], n=range(5, 8)
    )
    assert chart.values == {"power": 1, "n": 6}
    assert chart.sliders.choices == [["power", ["1", "2", "3"]], ["n", ["5", "6", "7"]]]
    before = chart.sliders.src
    chart.sliders.at = {"power": 2, "n": 1}  # as the front-end does
    assert chart.values == {"power": 3, "n": 6}
    assert chart.sliders.src.startswith("data:image/png;base64,")
    assert chart.sliders.src != before
    assert chart.status.text == "6 numbers to the power of 3, up to 125."
    assert chart.sliders.alt == chart.status.text and chart.alt.endswith(" up to 125.")
    chart.values = {"power": 1}
    assert chart.values == {"power": 1, "n": 6} and chart.sliders.src == before
    assert plt.get_fignums() == []


def test_the_figure_says_where_the_sliders_were():
    chart = widgets.FigureSlider(draw_power, power=[1, 2], n=[5])
    chart.values = {"power": 2}
    figure = chart.static()
    note = "Here at power = 2, n = 5. Run the notebook to move the sliders."
    assert note in texts(figure)
    assert figure.axes[0].lines[0].get_ydata()[-1] == 16


def test_an_error_while_drawing_is_said_and_the_figure_stays():
    def draw(k):
        if k == 3:
            raise ValueError("k must not be 3.")
        plt.plot([k])
        return f"k is {k}."

    chart = widgets.FigureSlider(draw, k=[2, 3])
    before = chart.sliders.src
    chart.values = {"k": 3}
    assert chart.status.text == "k must not be 3." and chart.sliders.src == before
    chart.values = {"k": 2}
    assert chart.status.text == "k is 2."


@pytest.mark.parametrize(
    ("draw", "choices", "words"),
    [
        (draw_power, {}, "Give each slider its values"),
        (draw_power, {"power": [], "n": [5]}, "Give each slider its values"),
        (
            draw_power,
            {"power": [1], "n": [5], "start": {"n": 9}},
            "n cannot be 9, only",
        ),
        (draw_power, {"power": [1], "n": [5], "start": {"k": 9}}, "no slider 'k'"),
        (lambda k: f"{k}", {"k": [1]}, "leave its figure open"),
        (draw_and_close, {"k": [1]}, "leave its figure open"),
        (lambda k: plt.plot([k]), {"k": [1]}, "return what the figure shows"),
    ],
)
def test_sliders_that_cannot_be(draw, choices, words):
    with pytest.raises(ValueError, match=words):
        widgets.FigureSlider(draw, **choices)
    assert plt.get_fignums() == []


# All of them


def every_widget():
    image_set = coloured(3)
    found, _ = runs.run(image_set, ["raw"], ["ward"], progress=False)
    yield widgets.KMeansStepper()
    yield widgets.ClusterBrowser(image_set, ["raw"], ["ward"])
    yield widgets.ContingencyExplorer(image_set, [0] * 9)
    yield widgets.ComparisonExplorer(found)
    yield widgets.FigureSlider(draw_power, power=[1, 2, 3], n=range(5, 8))


def test_every_widget_has_a_figure_and_leaves_none_open():
    for made in every_widget():
        assert isinstance(made.static(), matplotlib.figure.Figure)
        plt.close("all")
        data, metadata = made._repr_mimebundle_()
        assert plt.get_fignums() == [], "or the notebook would show it once more"
        png = base64.b64decode(data["image/png"])
        assert png.startswith(b"\x89PNG") and len(png) > 3000
        width = metadata["image/png"]["width"]
        assert abs(Image.open(io.BytesIO(png)).width - 2 * width) <= 2, "sharp"
        view = data["application/vnd.jupyter.widget-view+json"]
        assert view["model_id"] == made.box.model_id
        assert metadata["image/png"]["alt"] == data["text/plain"] == made.alt
        assert made.alt.startswith(made.text) or made.alt.startswith("Chart of")


def test_every_control_has_a_label():
    def walk(widget):
        yield widget
        for child in getattr(widget, "children", ()):
            yield from walk(child)

    for made in every_widget():
        for widget in walk(made.box):
            if isinstance(widget, ipywidgets.ValueWidget | ipywidgets.Button):
                assert widget.description


def test_no_front_end_writes_html():
    for script in base.FRONT.glob("*.js"):
        text = script.read_text("utf-8")
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "http:", "https:"):
            assert word not in text.replace("http://www.w3.org/2000/svg", "")


def test_a_stored_notebook_shows_the_picture():
    cells = [
        f"import sys; sys.path.insert(0, {str(ROOT)!r})",
        "from course_utils import widgets\nwidgets.KMeansStepper()",
    ]
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells]
    )
    nbclient.NotebookClient(notebook, store_widget_state=False).execute()
    (output,) = notebook.cells[1].outputs
    assert output.data["image/png"]
    alt = re.escape(widgets.KMeansStepper().alt)
    for template, said in (("lab", "No description.*?"), ("classic", alt)):
        exporter = nbconvert.HTMLExporter(template_name=template)
        page, _ = exporter.from_notebook_node(notebook)
        assert "widget-view" not in page
        assert re.search(rf'<img alt="{said}"[^>]*src="data:image/png;base64', page)


@pytest.fixture
def chart():
    image_set = coloured()
    points = np.arange(2 * len(image_set)).reshape(-1, 2) % 7
    labels = image_set.true_labels - 1  # one of them is noise
    return widgets.ImageScatter(image_set, points, cluster_labels=labels)


def test_dots_have_the_colours_of_the_course_and_names(chart):
    labels = np.unique(chart.cluster_labels).tolist()
    drawn = [matplotlib.colors.to_hex(colour) for colour in chart.view.widget.color]
    assert drawn[: len(labels)] == [plots.look(x)[0].lower() for x in labels]
    names = {base.cluster_name(label) for label in labels}
    assert "noise" in names and chart.view.label()["by"] == "cluster"
    assert set(chart.view._data["cluster"]) == names


def test_the_lasso_button_and_the_map_have_the_same_mode(chart):
    scatter = chart.view.widget
    chart.lasso.value = True
    assert scatter.mouse_mode == "lasso"
    scatter.mouse_mode = "panZoom"
    assert not chart.lasso.value
    chart.lasso.value = True
    chart.lasso.value = False
    assert scatter.mouse_mode == "panZoom"


def test_the_whole_map_is_shown_whenever_its_width_changes(chart):
    calls = [chart.view.widget.zoom_to_call_idx]
    for width in (900, 350):
        chart.measure.width = width
        calls.append(chart.view.widget.zoom_to_call_idx)
    assert calls == sorted(set(calls))
    assert list(chart.view.widget.zoom_to) == list(range(len(chart.points)))


@pytest.mark.parametrize("values", [[0, 10], [3, 3], [-5, -1]])
@pytest.mark.parametrize("share", [1, 0.7])
def test_the_points_fill_their_share_of_an_axis(values, share):
    low, high = image_scatter.domain(np.array(values), share)
    assert low + high == pytest.approx(sum(values))
    span = values[1] - values[0]
    assert high - low == pytest.approx((span or 2.0) / share)


def test_a_selection_is_not_written_over_another_file(tmp_path):
    image_set = coloured()
    points = np.arange(2 * len(image_set)).reshape(-1, 2)
    chart = widgets.ImageScatter(
        image_set, points, cluster_labels=image_set.true_labels
    )
    chart.selection = [1, 3]
    mine = tmp_path / "labels.csv"
    for text in ("image,label\na.png,cat\n", "", "image,class\na.png,cat\n"):
        mine.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=r"labels\.csv is in the way"):
            chart.to_csv(mine)
        assert mine.read_text("utf-8") == text
    new = tmp_path / "selection.csv"
    chart.to_csv(new)
    chart.selection = [2]
    chart.to_csv(new)
    assert len(pd.read_csv(new)) == 1
    new.with_name(".written.json").unlink()  # as earlier versions left it
    chart.to_csv(new)
    chart.file.value = str(tmp_path / "selection.csv" / "inside.csv")
    with pytest.raises(ValueError, match=r"selection\.csv: a file, where a folder is"):
        chart._write()
