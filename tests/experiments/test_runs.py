"""Experiments: the table, its scores, what is skipped, what is refused."""

import json
import socket

import numpy as np
import pandas as pd
import pytest
from small_sets import coloured, noisy, one_thread  # noqa: F401

from course_utils import clustering, metrics
from course_utils.clustering import algorithms as algorithms_module
from course_utils.clustering import estimators
from course_utils.experiments import runs
from course_utils.images import datasets
from course_utils.representations import extraction

ISSUE_COLUMNS = (  # as the course's contract for results.csv has them
    "run, image_set, representation, algorithm, k, seed, n_images, purity, nmi, "
    "fowlkes_mallows, ari, accuracy, silhouette, seconds"
)


def run(image_set, representations=("raw",), algorithms=("kmeans",), **how):
    return runs.run(image_set, representations, algorithms, progress=False, **how)


@pytest.fixture
def no_network(tmp_path, monkeypatch):
    """No weights on disk, and no host that can be found; lists the hosts asked for."""
    looked_up = []

    def look_up(host, *_):
        looked_up.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "empty"))
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    for variable in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)
    return looked_up


def test_columns_stand_in_the_order_that_was_promised():
    results, _ = run(coloured(), seeds=1)
    assert ", ".join(runs.COLUMNS) == ISSUE_COLUMNS
    assert (
        ", ".join(results.columns) == ISSUE_COLUMNS + ", n_clusters, n_noise, versions"
    )


def test_one_row_a_run():
    algorithms = ["kmeans", "l2+ward", "hdbscan", "l2+pca2+gmm"]
    results, labels = run(noisy(), ["raw", "colour"], algorithms, seeds=3)
    per_algorithm = {"kmeans": 3, "l2+ward": 1, "hdbscan": 1, "l2+pca2+gmm": 3}
    assert len(results) == 2 * sum(per_algorithm.values())
    counts = results.groupby(["representation", "algorithm"]).size()
    for (_, algorithm), count in counts.items():
        assert count == per_algorithm[algorithm]
    assert results["run"].is_unique
    assert list(labels) == list(results["run"])
    assert "raw/l2+pca2+gmm/k4/s2" in labels
    for row in results.itertuples():
        parts = (row.representation, row.algorithm, f"k{row.k}", f"s{row.seed}")
        assert row.run == "/".join(parts)
    assert (results["image_set"] == "noisy").all()
    assert (results["n_images"] == 20).all()
    assert (results["seconds"] >= 0).all()
    assert results.attrs["skipped"] == {}


def test_scores_are_the_metrics_of_the_labels():
    image_set = noisy()
    algorithms = ["kmeans", "l2+pca3+ward", "hdbscan"]
    results, labels = run(image_set, ["raw", "colour"], algorithms, seeds=2)
    for row in results.to_dict("records"):
        found = labels[row["run"]]
        assert found.shape == (len(image_set),)
        assert found.dtype.kind == "i"
        expected = metrics.scores(labels_true=image_set.true_labels, labels_pred=found)
        assert {name: row[name] for name in metrics.SCORES} == expected
        assert row["n_clusters"] == len(set(found) - {-1})
        assert row["n_noise"] == sum(found == -1)
        vectors = extraction.extract(image_set, row["representation"], progress=False)
        again = algorithms_module.cluster(
            vectors, row["algorithm"], row["k"], row["seed"]
        )
        np.testing.assert_array_equal(found, again)
        seen = algorithms_module.prepare(vectors, row["algorithm"], row["seed"])
        silhouette = metrics.silhouette(seen, found)
        assert row["silhouette"] == pytest.approx(silhouette, nan_ok=True)


def test_pictures_of_one_colour_a_class_are_told_apart():
    results, _ = run(coloured(), ["raw", "colour"], ["l2+kmeans", "ward"], seeds=2)
    assert (results[list(metrics.SCORES)] == 1).all(axis=None)


def test_without_true_labels_only_the_silhouette_is_known():
    image_set = coloured(labels=False)
    results, labels = run(image_set, k=3, seeds=2)
    assert results[list(metrics.SCORES)].isna().all(axis=None)
    assert (results["silhouette"] > 0.5).all()
    labelled, same = run(coloured(), k=3, seeds=2)
    for name, found in labels.items():
        np.testing.assert_array_equal(found, same[name])
    np.testing.assert_array_equal(results["silhouette"], labelled["silhouette"])


def test_k_is_the_number_of_classes_unless_given():
    image_set = coloured(class_names=("red", "green", "blue", "yellow"))
    results, _ = run(image_set, seeds=1)
    assert results["k"].tolist() == [4]
    results, labels = run(image_set, seeds=1, k=2)
    assert results["k"].tolist() == [2]
    assert set(labels["raw/kmeans/k2/s0"]) == {0, 1}


def test_without_classes_k_must_be_said(tmp_path):
    with pytest.raises(ValueError, match=r"no true labels.*--k 10"):
        run(coloured(labels=False), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("k", [0, -1, 16, 2.5, True])
def test_a_k_that_cannot_be_is_refused(k):
    with pytest.raises(ValueError, match=f"n_clusters must .* got {k}"):
        run(coloured(), k=k)


def test_one_cluster_and_one_cluster_a_picture():
    results, labels = run(coloured(), ["raw"], ["kmeans", "ward"], k=1, seeds=1)
    assert results["silhouette"].isna().all()
    assert results["purity"].tolist() == [pytest.approx(1 / 3)] * 2
    assert all(set(found) == {0} for found in labels.values())
    results, _ = run(coloured(), ["raw"], ["kmeans", "ward"], k=15, seeds=1)
    assert (results["purity"] == 1).all()
    assert results["silhouette"].isna().all()


def test_one_picture_cannot_be_clustered():
    with pytest.raises(ValueError, match="needs at least 2 images, got 1"):
        run(coloured(n_each=1, class_names=("red",)))


def test_names_given_twice_run_once():
    twice, _ = run(coloured(), ["raw", "colour", "raw"], ["ward", "ward"])
    assert twice["run"].tolist() == ["raw/ward/k3/s0", "colour/ward/k3/s0"]
    one, _ = runs.run(coloured(), "raw", "ward", progress=False)
    assert one["run"].tolist() == ["raw/ward/k3/s0"]


@pytest.mark.parametrize(
    ("representations", "algorithms", "how", "words"),
    [
        (["raw", "VGG91"], ["kmeans"], {}, "did you mean VGG19"),
        (["raw", "color"], ["kmeans"], {}, "did you mean colour"),
        (["raw:conv1"], ["kmeans"], {}, "raw has no layers"),
        (["raw"], ["ward", "kmean"], {}, "did you mean 'kmeans'"),
        (["raw"], ["pca+kmeans"], {}, "there is no step 'pca'"),
        (["raw"], ["kmeans"], {"seeds": 0}, "seeds=0"),
        (["raw"], ["kmeans"], {"k": 99}, "got 99"),
        ([], ["kmeans"], {}, "Nothing to compare"),
        (["raw"], [], {}, "Nothing to compare"),
    ],
)
def test_what_is_wrong_is_said_before_any_work(
    representations, algorithms, how, words, monkeypatch, tmp_path
):
    def work(*_, **__):
        raise AssertionError("work was done")

    monkeypatch.setattr(extraction, "extract", work)
    monkeypatch.setattr(clustering, "cluster", work)
    with pytest.raises(ValueError, match=words):
        run(coloured(), representations, algorithms, out=tmp_path / "out", **how)
    assert not (tmp_path / "out").exists()


def test_backbones_without_weights_are_skipped(no_network, capsys):
    names = ["raw", "VGG19", "MobileNetV2:block_1_expand", "ResNet50", "colour"]
    results, labels = runs.run(coloured(), names, ["ward"])
    assert len(no_network) == 3  # nothing is tried twice
    assert results["representation"].tolist() == ["raw", "colour"]
    assert len(labels) == 2
    skipped = results.attrs["skipped"]
    assert list(skipped) == ["VGG19", "MobileNetV2:block_1_expand", "ResNet50"]
    lines = [n for n in capsys.readouterr().out.splitlines() if "skipped" in n]
    assert len(lines) == 3
    for (name, reason), line in zip(skipped.items(), lines, strict=True):
        assert reason.startswith(name.split(":")[0])
        assert "its weights are not here" in reason
        assert "https://" in reason and "/empty/models/" in reason  # what to put where
        assert reason in line


def test_all_skipped_leaves_an_empty_table(no_network):
    results, labels = run(coloured(), ["VGG16", "VGG19"])
    assert results.empty and labels == {}
    assert ", ".join(results.columns).startswith(ISSUE_COLUMNS)
    assert set(results.attrs["skipped"]) == {"VGG16", "VGG19"}


def test_a_layer_that_is_not_there_costs_only_itself():
    results, _ = run(coloured(n_each=2), ["SqueezeNet:fire10", "raw"], ["ward"])
    assert results["representation"].tolist() == ["raw"]
    reason = results.attrs["skipped"]["SqueezeNet:fire10"]
    assert "has no layer 'fire10'" in reason and "fire" in reason.split("mean")[1]


@pytest.mark.parametrize("fate", ["deleted", "changed"])
def test_an_image_that_is_gone_costs_only_what_needs_it(tmp_path, own_cache, fate):
    made = coloured(n_each=2)
    for index, image in enumerate(made.images):
        path = tmp_path / "own" / image
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(made.read(index))
    own = datasets.load(tmp_path / "own", progress=False)
    before, _ = run(own, ["colour"], ["ward"])
    path = tmp_path / "own" / own.images[1]
    path.unlink() if fate == "deleted" else path.write_bytes(made.read(0) + b" ")
    results, _ = run(own, ["colour", "raw"], ["ward"])  # colour is in the cache
    assert results["representation"].tolist() == ["colour"]
    assert results["nmi"].tolist() == before["nmi"].tolist()
    assert own.images[1] in results.attrs["skipped"]["raw"]
    assert "load the image set" in results.attrs["skipped"]["raw"]


def test_too_many_pictures_for_one_algorithm_cost_only_that(monkeypatch):
    monkeypatch.setitem(
        algorithms_module.ALGORITHMS,
        "hdbscan",
        lambda *_: estimators.HDBSCANClusters(max_products=10),
    )
    results, labels = run(coloured(), ["raw"], ["l2+hdbscan", "kmeans"], seeds=2)
    assert results["algorithm"].tolist() == ["kmeans", "kmeans"]
    assert len(labels) == 2
    assert "hours" in results.attrs["skipped"]["raw/l2+hdbscan"]


def test_micro_clusters_depend_on_the_seed_and_run_with_each():
    results, _ = run(coloured(), ["raw"], ["l2+micro6+ward", "l2+ward"], seeds=3)
    seeds = results.groupby("algorithm")["seed"].apply(list).to_dict()
    assert seeds == {"l2+micro6+ward": [0, 1, 2], "l2+ward": [0]}


def test_the_same_picture_twice_has_one_cluster():
    files = {"a.png": 0, "b.png": 1, "again.png": 0, "c.png": 2}
    seeds = {0: coloured(), 1: coloured(), 2: coloured()}
    files = {name: seeds[s].read(5 * s) for name, s in files.items()}
    image_set = datasets.from_bytes("twice", files)
    _, labels = run(image_set, ["raw"], ["ward"], k=3)
    (found,) = labels.values()
    assert found[0] == found[2] and len(set(found)) == 3


def test_the_summary_has_mean_and_spread_over_the_seeds():
    results, _ = run(noisy(), ["raw", "colour"], ["kmeans", "ward"], seeds=4)
    table = runs.summary(results)
    assert len(table) == 4
    assert table["nmi"].is_monotonic_increasing
    for row in table.to_dict("records"):
        same = (results["representation"] == row["representation"]) & (
            results["algorithm"] == row["algorithm"]
        )
        for score in (*metrics.SCORES, "silhouette"):
            values = results.loc[same, score].to_numpy()
            assert row[score] == pytest.approx(values.mean())
            assert row[f"{score}_std"] == pytest.approx(values.std())
    ward = table[table["algorithm"] == "ward"]
    assert (ward["nmi_std"] == 0).all()


def test_the_summary_without_true_labels_goes_by_the_silhouette():
    image_set = coloured(labels=False)
    results, _ = run(image_set, ["raw", "colour", "lbp"], ["ward"], k=3)
    table = runs.summary(results)
    assert table["silhouette"].is_monotonic_increasing
    assert table["nmi"].isna().all()


def test_versions_say_what_the_results_depend_on():
    results, _ = run(coloured(), seeds=1)
    found = json.loads(results["versions"].iloc[0])
    assert found == runs.versions()
    assert {"python", "numpy", "scikit-learn", "keras", "pillow"} <= set(found)
    assert isinstance(results, pd.DataFrame)


def test_capitals_do_not_matter_but_for_layers():
    names, algorithms = runs.check_names(
        ["HOG", "hog", "squeezenet:fire9"], ["L2+KMeans", " ward"]
    )
    assert names == ["hog", "SqueezeNet:fire9"]
    assert algorithms == ["l2+kmeans", "ward"]
