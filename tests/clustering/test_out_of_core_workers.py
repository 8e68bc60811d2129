"""Labels and scores part by part are those of all pictures at once."""

import numpy as np
import pandas as pd
import pytest

from course_utils import metrics
from course_utils.clustering import algorithms, out_of_core
from course_utils.images import streams
from course_utils.representations import extraction


@pytest.fixture(scope="module")
def found(tmp_path_factory, session_cache):
    """The stamps as shards, the colours of each in a part."""
    from course_utils.images import datasets

    stamps = datasets.load("stamps", progress=False)
    folder = tmp_path_factory.mktemp("shards")
    streams.write_shards(stamps, folder, per_shard=40, progress=False)
    stream = streams.open_stream(folder)
    return extraction.extract(
        stream, "colour", to=tmp_path_factory.mktemp("parts"), progress=False
    )


@pytest.fixture(scope="module")
def model(found):
    return out_of_core.fit_out_of_core(found, "l2+pca20+kmeans", 7)


def test_labels_and_scores_are_those_of_all_at_once(found, model):
    labelled = out_of_core.label_out_of_core(found, model, progress=False)
    rows = found.array()
    np.testing.assert_array_equal(labelled.cluster_labels, model.predict(rows))
    true_labels = [label for part in found.parts() for label in part.labels]
    assert labelled.scores == metrics.scores(
        labels_true=true_labels, labels_pred=labelled.cluster_labels
    )
    assert labelled.table.to_numpy().sum() == found.n_images == 193


def test_the_scores_are_as_good_as_those_of_clustering_in_memory(found, model):
    rows = found.array()
    true_labels = [label for part in found.parts() for label in part.labels]
    whole = algorithms.cluster(rows, "l2+pca20+kmeans", 7)
    expected = metrics.nmi(labels_true=true_labels, labels_pred=whole)
    labelled = out_of_core.label_out_of_core(found, model, progress=False)
    assert labelled.scores["nmi"] == pytest.approx(expected, abs=0.04)


def test_two_workers_write_the_same_labels(found, model, tmp_path):
    here = out_of_core.label_out_of_core(
        found, model, to=tmp_path / "here", progress=False
    )
    there = out_of_core.label_out_of_core(
        found, model, to=tmp_path / "there", engine="dask", progress=False
    )
    np.testing.assert_array_equal(here.cluster_labels, there.cluster_labels)
    pd.testing.assert_frame_equal(here.table, there.table)
    written = sorted((tmp_path / "there").iterdir())
    assert [path.name for path in written] == found.names
    labels = pd.concat(pd.read_parquet(path) for path in written)
    np.testing.assert_array_equal(labels["cluster"], here.cluster_labels)
    images = [image for part in found.parts() for image in part.images]
    assert list(labels["image"]) == images
    for path in written:
        assert path.read_bytes() == (tmp_path / "here" / path.name).read_bytes()


def test_many_tables_are_added_up_as_they_come(found, model, monkeypatch):
    real = metrics.merge_tables
    sizes = []

    def merge(tables):
        sizes.append(len(tables))
        return real(tables)

    monkeypatch.setattr(metrics, "merge_tables", merge)
    out_of_core.label_out_of_core(found, model, progress=False)
    assert sizes == [len(found.names)]


def test_without_true_labels_there_is_nothing_to_score(found, model, tmp_path):
    table = tmp_path / "pictures.csv"
    from course_utils.images import datasets

    stamps = datasets.load("stamps", progress=False).subset(slice(0, 12))
    lines = ["image", *map(str, stamps.sources)]
    table.write_text("\n".join(lines), encoding="utf-8")
    unlabelled = extraction.extract(
        streams.open_stream(table), "colour", to=tmp_path / "to", progress=False
    )
    labelled = out_of_core.label_out_of_core(unlabelled, model, progress=False)
    assert labelled.table is None
    assert len(labelled.cluster_labels) == 12
    with pytest.raises(ValueError, match="No image has a true label"):
        _ = labelled.scores
