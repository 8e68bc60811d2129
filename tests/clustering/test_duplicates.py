"""Senses of a search: slow references, invariances, cases whose answer is known."""

import itertools

import numpy as np
import pytest
from small_sets import coloured, contents, one_thread  # noqa: F401

from course_utils import plots
from course_utils.clustering import duplicates, representatives
from course_utils.images import datasets
from course_utils.images.captions import search_captions, word_counts
from course_utils.images.image_set import from_bytes


def vectors(n=30, width=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, width)) + 1


def all_distances(features):
    """Cosine distances, one by one."""
    table = np.zeros((len(features), len(features)))
    for i, j in itertools.product(range(len(features)), repeat=2):
        lengths = np.linalg.norm(features[i]) * np.linalg.norm(features[j])
        table[i, j] = 1 - features[i] @ features[j] / lengths
    return table


def slow_groups(features, threshold):
    """Everybody alone; near ones are merged until nothing changes."""
    distances = all_distances(features)
    groups = [{i} for i in range(len(features))]
    merged = True
    while merged:
        merged = False
        for one, other in itertools.combinations(groups, 2):
            if any(distances[i, j] <= threshold for i in one for j in other):
                groups.remove(other)
                one |= other
                merged = True
                break
    return {frozenset(group) for group in groups}


def as_sets(labels):
    return {frozenset(np.flatnonzero(labels == label)) for label in np.unique(labels)}


@pytest.fixture(params=[2_000_000, 70, 1], ids=["one block", "blocks", "rows"])
def blocks(request, monkeypatch):
    monkeypatch.setattr(duplicates, "BLOCK_PAIRS", request.param)


@pytest.mark.parametrize("seed", range(3))
def test_medoids_are_those_of_the_slow_way(seed):
    features, labels = (
        vectors(seed=seed),
        np.random.default_rng(seed).integers(-1, 4, 30),
    )
    distances, found = (
        all_distances(features),
        representatives.medoids(features, labels),
    )
    assert set(found) == set(labels) - {-1}
    for cluster, medoid in found.items():
        members = np.flatnonzero(labels == cluster)
        means = [distances[i, members].sum() for i in members]
        assert medoid == members[np.argmin(np.round(means, 9))]


def test_medoids_of_ties_are_the_first_and_of_one_itself():
    features = np.array([[1, 0], [0, 3], [5, 5], [1, 0.0]])
    assert representatives.medoids(features, [0, 0, 1, -1]) == {0: 0, 1: 2}


def test_a_medoid_does_not_depend_on_the_lengths_of_the_vectors():
    features, labels = vectors(), np.arange(30) % 3
    lengths = np.random.default_rng(1).uniform(0.1, 9, (30, 1))
    assert representatives.medoids(features, labels) == representatives.medoids(
        features * lengths, labels
    )


def test_medoids_need_a_label_a_picture():
    with pytest.raises(ValueError, match="30 images"):
        representatives.medoids(vectors(), [0, 1])


def test_top_clusters_are_the_biggest_without_noise():
    labels = [4, 4, 4, -1, -1, -1, -1, 2, 2, 7, 7, 0]
    assert representatives.top_clusters(labels).tolist() == [4, 2, 7, 0]
    assert representatives.top_clusters(labels, 2).tolist() == [4, 2]
    assert representatives.top_clusters([-1, -1]).tolist() == []


@pytest.mark.usefixtures("blocks")
def test_nearest_distances_are_those_of_the_slow_way():
    features = vectors()
    distances = all_distances(features) + 9 * np.eye(30)
    assert np.allclose(duplicates.nearest_distances(features), distances.min(axis=1))


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("threshold", [0, 0.02, 0.05, 0.1, 0.3, 2])
def test_groups_and_curve_are_those_of_the_slow_way(threshold):
    features = np.concatenate([vectors(), vectors()[:3]])  # three are there twice
    threshold += 1e-9  # equal vectors are at a distance of some 1e-16
    groups = duplicates.duplicate_groups(features, threshold)
    assert as_sets(groups) == slow_groups(features, threshold)
    left = duplicates.duplicate_curve(features, [threshold])
    assert left == [len(set(groups))]
    assert len(duplicates.without_duplicates(features, threshold)) == left


@pytest.mark.usefixtures("blocks")
def test_links_are_a_tree_in_rising_order():
    pairs, distances = duplicates.links(vectors())
    assert pairs.shape == (29, 2) and set(pairs.ravel()) == set(range(30))
    assert (np.diff(distances) >= 0).all()
    table = all_distances(vectors())
    assert np.allclose(distances, table[pairs[:, 0], pairs[:, 1]])


def test_all_pictures_the_same_are_one_group():
    same = np.ones((5, 3))
    assert duplicates.duplicate_groups(same, 1e-9).tolist() == [0] * 5
    assert duplicates.without_duplicates(same, 1e-9).tolist() == [0]


def test_one_picture_and_no_picture():
    assert duplicates.duplicate_groups(np.ones((1, 3)), 0.1).tolist() == [0]
    assert duplicates.nearest_distances(np.ones((1, 3))).tolist() == [np.inf]
    with pytest.raises(ValueError, match="shape"):
        duplicates.links(np.empty((0, 3)))
    with pytest.raises(ValueError, match="NaN"):
        duplicates.links(np.array([[np.nan, 1]]))


def test_chains_join_and_groups_are_numbered_in_order():
    angles = np.radians([90, 0, 10, 92, 20])  # 0–10–20 are a chain
    features = np.column_stack([np.cos(angles), np.sin(angles)])
    near = 1 - np.cos(np.radians(11))
    assert duplicates.duplicate_groups(features, near).tolist() == [0, 1, 1, 0, 1]
    assert duplicates.without_duplicates(features, near).tolist() == [0, 1]
    pixels = [5, 1, 9, 6, 9]
    assert duplicates.without_duplicates(features, near, prefer=pixels).tolist() == [
        2,
        3,
    ]
    with pytest.raises(ValueError, match="prefer"):
        duplicates.without_duplicates(features, near, prefer=[1])


def test_groups_do_not_depend_on_order_or_length():
    features, order = vectors(), np.random.default_rng(2).permutation(30)
    groups = duplicates.duplicate_groups(features, 0.05)
    shuffled = duplicates.duplicate_groups(3 * features[order], 0.05)
    assert as_sets(groups) == {frozenset(order[list(s)]) for s in as_sets(shuffled)}


def captioned(*captions):
    files = contents()[0]
    names = list(files)[: len(captions)]
    return from_bytes(
        "captioned",
        {name: files[name] for name in names},
        captions=dict(zip(names, captions, strict=True)),
    )


def test_search_finds_whole_words_and_plurals():
    image_set = captioned("A Star.", "two stars", "A starfish", "The “box”", "boxes!")
    assert search_captions(image_set, "star").captions == (
        "A Star.",
        "two stars",
    )
    assert len(search_captions(image_set, "BOX")) == 2
    assert len(search_captions(image_set, "star", "box")) == 4
    assert len(search_captions(image_set, "two stars")) == 1
    assert word_counts(image_set)["a"] == 2


def test_search_says_what_is_wrong():
    with pytest.raises(ValueError, match="did you mean star"):
        search_captions(captioned("A star"), "starr")
    with pytest.raises(ValueError, match="no captions"):
        search_captions(coloured(), "star")
    for nothing in ((), ("",), ("!",)):
        with pytest.raises(ValueError, match="one word"):
            search_captions(captioned("A star"), *nothing)


def test_the_traffic_lights_are_found_in_the_stamps():
    image_set = datasets.load("stamps-all", progress=False)
    assert len(search_captions(image_set, "light")) == 3


def test_a_contact_sheet_has_a_row_a_group():
    sheet = plots.contact_sheet(
        coloured(), {"red": [0, 1, 2], "blue": [10]}, size=20, n_columns=2
    )
    first = 4 + 18  # margin and text
    assert sheet.getpixel((10, first + 10))[0] > 150  # red
    assert sheet.getpixel((10, first + 24 + 10))[0] > 150  # its second row
    red, _, blue = sheet.getpixel((10, first + 2 * 24 + 18 + 10))
    assert blue > 150 > red
    assert sheet.height == 4 + 2 * 18 + 3 * 24


def test_a_contact_sheet_of_one_group_and_of_none():
    assert plots.contact_sheet(coloured(), range(12), size=20).size == (244, 52)
    assert plots.contact_sheet(coloured(), []).height == 4
    assert plots.contact_sheet(coloured(), {"two\nlines": [1]}).height == 4 + 18 + 100


def test_graphs_have_indices_that_every_scipy_takes(monkeypatch):
    """Before 1.17.1 the minimum spanning tree refuses int64 ones."""
    kinds = set()
    for name in ("minimum_spanning_tree", "connected_components"):
        function = getattr(duplicates, name)

        def noting(graph, *rest, function=function, **options):
            kinds.update((graph.indices.dtype, graph.indptr.dtype))
            return function(graph, *rest, **options)

        monkeypatch.setattr(duplicates, name, noting)
    monkeypatch.setattr(duplicates, "BLOCK_PAIRS", 60)  # several blocks
    duplicates.duplicate_groups(vectors(), 0.1)
    assert kinds == {np.dtype(np.int32)}
