"""Nearest neighbours: exact ones by sorting, the index by its recall."""

import numpy as np
import pytest
from small_sets import one_thread  # noqa: F401

from course_utils import metrics
from course_utils.clustering import algorithms, estimators, neighbours


def cloud(n, width=5, seed=0):
    return np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)


def test_auto_takes_the_index_only_where_all_pairs_are_too_many(monkeypatch):
    asked = []
    monkeypatch.setattr(neighbours, "_search_index", lambda *how: asked.append(how))
    neighbours.nearest_neighbours(cloud(30), 3, max_products=30 * 30 * 5)
    assert not asked
    neighbours.nearest_neighbours(
        cloud(31), 3, max_products=30 * 30 * 5, random_state=4
    )
    assert asked[0][1:] == (3, 4)


def by_sorting(points, n_neighbors):
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    order = np.argsort(apart, axis=1)[:, :n_neighbors]
    return np.take_along_axis(apart, order, axis=1), order


@pytest.mark.parametrize("n_neighbors", [1, 4, 29])
def test_exact_neighbours_are_those_of_sorting(n_neighbors):
    points = cloud(30)
    distances, indices = neighbours.nearest_neighbours(points, n_neighbors)
    expected = by_sorting(points, n_neighbors)
    np.testing.assert_allclose(distances, expected[0], atol=1e-4)
    np.testing.assert_array_equal(indices, expected[1])


@pytest.mark.slow  # PyNNDescent compiles for a minute
def test_the_index_finds_nearly_all_never_the_picture_itself_and_again_the_same():
    points = np.vstack([cloud(600, 8), np.repeat(cloud(1, 8), 20, axis=0)])  # twins too
    distances, indices = neighbours.nearest_neighbours(points, 6, index="approximate")
    expected = by_sorting(points, 6)[1][:600]
    shared = [
        len(set(a) & set(b)) for a, b in zip(indices[:600], expected, strict=True)
    ]
    assert np.mean(shared) > 0.95 * 6
    assert not (indices == np.arange(len(points))[:, None]).any()
    assert (np.diff(distances, axis=1) >= 0).all()
    assert distances[-1].max() == 0
    actual = np.linalg.norm(points[:, None] - points[indices], axis=2)
    np.testing.assert_allclose(distances, actual, atol=1e-4)
    again = neighbours.nearest_neighbours(points, 6, index="approximate")[1]
    np.testing.assert_array_equal(indices, again)


def test_the_graph_joins_near_pairs_both_ways():
    points = np.array([[0.0], [0.0], [1.0], [3.0], [9.0]])
    found = neighbours.nearest_neighbours(points, 2)
    near = neighbours.neighbour_graph(*found, radius=2).toarray()
    expected = np.zeros((5, 5))
    for i, j, distance in [(0, 1, 0), (0, 2, 1), (1, 2, 1), (2, 3, 2)]:
        expected[i, j] = expected[j, i] = distance
    np.testing.assert_allclose(near, expected, atol=1e-6)
    assert (
        neighbours.neighbour_graph(*found, radius=2).nnz == 8
    )  # a distance of 0 is an entry


def test_dbscan_over_the_graph_finds_what_dbscan_finds():
    centres = 8 * np.eye(4, 5)[np.arange(400) % 4]
    points = np.vstack([centres + cloud(400), [[50.0] * 5]])
    expected = algorithms.cluster(points, "dbscan", 4)
    found = estimators.DBSCANClusters(max_images=300).fit_predict(points)
    assert found[-1] == -1
    assert metrics.ari(labels_true=expected, labels_pred=found) > 0.95


@pytest.mark.parametrize(
    ("n_neighbors", "index", "words"),
    [
        (0, "auto", "1 to 29"),
        (30, "auto", "1 to 29"),
        (3.0, "exact", "1 to 29"),
        ("3", "exact", "1 to 29"),
        (None, "auto", "1 to 29"),
        (True, "auto", "1 to 29"),
        (3, "faiss", "choose auto"),
    ],
)
def test_what_cannot_be_is_refused(n_neighbors, index, words):
    with pytest.raises(ValueError, match=words):
        neighbours.nearest_neighbours(cloud(30), n_neighbors, index=index)


@pytest.mark.parametrize("dtype", [np.float16, np.uint8, np.int16, bool, object])
def test_neighbours_are_the_same_in_any_dtype_that_holds_the_numbers(dtype):
    # Squares of 250 overflow in half precision and in small integers.
    features = np.random.default_rng(0).integers(0, 250, (40, 300)).astype(dtype)
    expected = neighbours.nearest_neighbours(features.astype(np.float64), 5)
    distances, indices = neighbours.nearest_neighbours(features, 5)
    np.testing.assert_allclose(distances, expected[0], rtol=1e-4)
    np.testing.assert_array_equal(indices, expected[1])
