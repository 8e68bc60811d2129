"""Scores: against scikit-learn, against counting by hand, and their laws."""

import itertools
import math
import time

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from sklearn.metrics.cluster import contingency_matrix, pair_confusion_matrix

from course_utils import metrics

SYMMETRIC = ("nmi", "fowlkes_mallows", "ari")
small_label = st.integers(0, 4)
partitions = st.lists(st.tuples(small_label, small_label), min_size=1, max_size=30)
some = settings(max_examples=60, deadline=None)


def split(pairs):
    true_labels, cluster_labels = zip(*pairs, strict=True)
    return {"labels_true": true_labels, "labels_pred": cluster_labels}


def random_labels(seed, n=200, n_classes=5, n_clusters=8):
    generator = np.random.default_rng(seed)
    true_labels = generator.integers(0, n_classes, n)
    cluster_labels = generator.integers(0, n_clusters, n)
    agree = generator.random(n) < seed / 5
    return {
        "labels_true": true_labels,
        "labels_pred": np.where(agree, true_labels, cluster_labels),
    }


@pytest.mark.parametrize("seed", range(6))
def test_scores_equal_scikit_learn(seed):
    both = random_labels(seed)
    labels = tuple(both.values())
    found = metrics.scores(**both)
    assert tuple(found) == metrics.SCORES
    table = contingency_matrix(*labels)
    np.testing.assert_array_equal(metrics.contingency_table(**both), table)
    expected = {
        "purity": table.max(axis=0).sum() / len(labels[0]),
        "nmi": sklearn.metrics.normalized_mutual_info_score(*labels),
        "fowlkes_mallows": sklearn.metrics.fowlkes_mallows_score(*labels),
        "ari": sklearn.metrics.adjusted_rand_score(*labels),
        "accuracy": found["accuracy"],  # not in scikit-learn, see below
    }
    assert found == pytest.approx(expected, abs=1e-12)
    for name in metrics.SCORES:
        assert getattr(metrics, name)(**both) == found[name]


@some
@given(partitions, st.sampled_from(sorted(metrics.NMI_AVERAGES)))
def test_nmi_of_all_averages_equals_scikit_learn(pairs, average):
    both = split(pairs)
    expected = sklearn.metrics.normalized_mutual_info_score(
        *both.values(), average_method=average
    )
    assert metrics.nmi(**both, average_method=average) == pytest.approx(
        expected, abs=1e-9
    )


@some
@given(partitions)
def test_ari_and_fowlkes_mallows_equal_scikit_learn_and_counted_pairs(pairs):
    both = split(pairs)
    labels = tuple(both.values())
    found = metrics.scores(**both)
    expected = sklearn.metrics.adjusted_rand_score(*labels)
    assert found["ari"] == pytest.approx(expected, abs=1e-12)
    class_only = cluster_only = together = 0
    for (class_a, cluster_a), (class_b, cluster_b) in itertools.combinations(pairs, 2):
        same_class, same_cluster = class_a == class_b, cluster_a == cluster_b
        together += same_class and same_cluster
        class_only += same_class and not same_cluster
        cluster_only += same_cluster and not same_class
    product = (together + class_only) * (together + cluster_only)
    by_hand = together / math.sqrt(product) if together else 0
    assert found["fowlkes_mallows"] == pytest.approx(by_hand, abs=1e-12)
    assert 2 * together == pair_confusion_matrix(*labels)[1, 1]


@some
@given(partitions)
def test_accuracy_equals_the_best_of_all_matches(pairs):
    both = split(pairs)
    best = max(
        sum(match[cluster] == label for label, cluster in pairs)
        for match in itertools.permutations(range(5))
    )
    assert metrics.accuracy(**both) == pytest.approx(best / len(pairs))


@some
@given(partitions, st.permutations(range(5)), st.randoms())
def test_names_of_clusters_and_order_of_pictures_do_not_matter(pairs, names, random):
    expected = pytest.approx(metrics.scores(**split(pairs)), abs=1e-9)
    renamed = [(f"class {label}", names[cluster]) for label, cluster in pairs]
    assert metrics.scores(**split(renamed)) == expected
    shuffled = random.sample(pairs, len(pairs))
    assert metrics.scores(**split(shuffled)) == expected


@some
@given(partitions)
def test_ranges_and_symmetry(pairs):
    both = split(pairs)
    found = metrics.scores(**both)
    swapped = metrics.scores(
        labels_true=both["labels_pred"], labels_pred=both["labels_true"]
    )
    assert 0 < found["purity"] <= 1
    assert 0 <= found["nmi"] <= 1
    assert 0 <= found["fowlkes_mallows"] <= 1 + 1e-12
    assert -0.5 <= found["ari"] <= 1
    assert 0 < found["accuracy"] <= found["purity"]
    for name in SYMMETRIC:
        assert found[name] == pytest.approx(swapped[name], abs=1e-9)


@some
@given(st.lists(small_label, min_size=2, max_size=30))
def test_the_true_partition_is_perfect(labels):
    clusters = [f"cluster {label}" for label in labels]
    found = metrics.scores(labels_true=labels, labels_pred=clusters)
    no_pair = len(set(labels)) == len(labels)  # then fowlkes_mallows has nothing to see
    perfect = dict.fromkeys(metrics.SCORES, 1) | {"fowlkes_mallows": 1 - no_pair}
    assert found == pytest.approx(perfect)


def test_purity_is_not_symmetric_and_one_cluster_a_picture_has_it_all():
    labels, one = [0, 0, 0, 1, 1, 2], [0] * 6
    assert metrics.purity(labels_true=labels, labels_pred=one) == 0.5
    assert metrics.purity(labels_true=one, labels_pred=labels) == 1
    found = metrics.scores(labels_true=labels, labels_pred=range(6))
    assert found["purity"] == 1
    assert found["fowlkes_mallows"] == 0
    assert found["ari"] == 0
    assert found["accuracy"] == 0.5


def test_a_table_by_hand_with_strings_and_noise():
    both = {
        "labels_true": np.array(["cat", "cat", "dog", "dog", "dog"]),
        "labels_pred": [-1, 3, 3, 3, -1],
    }
    table = metrics.contingency_table(**both)
    np.testing.assert_array_equal(table, [[1, 1], [1, 2]])  # the column of -1 counts
    assert metrics.purity(**both) == pytest.approx(3 / 5)
    assert metrics.accuracy(**both) == pytest.approx(3 / 5)
    series = {key: pd.Series(list(values)) for key, values in both.items()}
    assert metrics.scores(**series) == metrics.scores(**both)


def test_chance_keeps_the_sizes_and_scores_about_zero():
    both = random_labels(5, n=1000)  # perfect
    chance = metrics.chance_scores(**both)
    assert tuple(chance) == metrics.SCORES
    assert abs(chance["ari"]) < 0.005
    assert 0 < chance["nmi"] < 0.05
    assert 0.2 < chance["purity"] < 0.3  # five classes of about the same size
    assert chance == metrics.chance_scores(**both)
    assert chance != metrics.chance_scores(**both, random_state=1)


MISSING = (
    np.array([0, 1, np.nan]),
    [0, math.inf, 1],
    ["a", None, "b"],
    ["a", math.nan, "b"],
    ("a", math.nan, "b"),
    np.array(["a", math.nan, "b"], dtype=object),
    pd.Series(["a", None, "b"]),
    pd.Series(["a", None, "b"], dtype="string"),
    pd.array([0, None, 1], dtype="Int64"),
    pd.Categorical(["a", None, "b"]),
    pd.to_datetime(pd.Series(["2020-01-01", None, "2020-01-02"])),
    [pd.Timestamp("2020-01-01"), pd.NaT, pd.Timestamp("2020-01-02")],
    np.array(["2020-01-01", "NaT", "2020-01-02"], dtype="M8[D]"),
    pd.to_timedelta(pd.Series(["1s", None, "2s"])).to_numpy(),
    np.array([0, complex(math.nan, 1), 1]),
    np.ma.masked_array([0, 1, 2], mask=[0, 1, 0]),
    np.ma.masked_array(["a", "b", "c"], mask=[0, 1, 0]),
)

DATES = np.array(["2020-01-02", "2020-01-01", "2020-01-02"], dtype="M8[D]")


def objects(*labels):
    """Labels as an array of objects, whatever they are."""
    found = np.empty(len(labels), dtype=object)
    found[:] = labels
    return found


@pytest.mark.parametrize(
    "labels",
    [
        DATES,
        pd.Series(DATES),
        DATES - DATES.min(),
        np.ma.masked_array([5, 3, 5], mask=[0, 0, 0]),
        objects((1, 2), (1, 1), (1, 2)),
        objects(1, 0.5, True),
        np.array([2j, 1j, 2j]),
        [b"b", b"a", b"b"],
    ],
)
def test_labels_of_any_kind_that_sorts_are_scored(labels):
    found = metrics.contingency_table(labels_true=[1, 0, 1], labels_pred=labels)
    assert found.tolist() == [[1, 0], [0, 2]]


@pytest.mark.parametrize("side", ["labels_true", "labels_pred"])
@pytest.mark.parametrize(
    "labels",
    [
        objects(1, "a", 2),
        pd.Series([True, "a", 2]),
        objects(("a", 1), "a", "b"),
        objects({}, {}, {}),
        objects({1}, {2}, {1}),
        objects(frozenset([2]), frozenset([1]), frozenset([2])),
    ],
)
def test_labels_that_cannot_be_sorted_are_refused(labels, side):
    both = {"labels_true": [0, 1, 2], "labels_pred": [0, 1, 2], side: labels}
    with pytest.raises(ValueError, match=f"{side} cannot be sorted: make them all"):
        metrics.scores(**both)
    with pytest.raises(ValueError, match=f"{side} cannot be sorted: make them all"):
        metrics.named_table(**both)


def test_names_of_several_kinds_have_no_table():
    with pytest.raises(ValueError, match="labels_pred cannot be sorted"):
        metrics.named_table(labels_true=[0, 1, 2], labels_pred=[1, "a", 2])


@pytest.mark.parametrize("n_images", [2_000, 20_000])
@pytest.mark.parametrize("n_classes", [1_100, 1_500])
def test_large_tables_have_the_accuracy_of_the_dense_match(n_classes, n_images):
    generator = np.random.default_rng(0)
    labels_true = generator.integers(0, n_classes, n_images)
    labels_pred = (labels_true + generator.geometric(0.5, n_images)) % 1_300
    table = metrics.contingency_table(labels_true=labels_true, labels_pred=labels_pred)
    assert table.size > metrics.MAX_DENSE_CELLS or n_images < 10_000
    table = np.pad(table, (0, max(0, 1_001 - min(table.shape))))  # empty ones, too
    matched = linear_sum_assignment(table, maximize=True)
    found = metrics.scores_of_table(table, ["accuracy"])["accuracy"]
    assert found == table[matched].sum() / n_images
    assert metrics.scores_of_table(table.T, ["accuracy"])["accuracy"] == found


def test_very_many_singletons_are_scored_in_seconds():
    order = np.random.default_rng(0).permutation(5_000)
    start = time.perf_counter()
    found = metrics.accuracy(labels_true=np.arange(5_000), labels_pred=order)
    assert found == 1
    assert time.perf_counter() - start < 10


@pytest.mark.parametrize("labels", MISSING)
@pytest.mark.parametrize("side", ["labels_true", "labels_pred"])
def test_a_missing_label_is_refused(labels, side):
    both = {"labels_true": [0, 1, 2], "labels_pred": [0, 1, 2], side: labels}
    with pytest.raises(ValueError, match=f"{side} holds .*every image needs a label"):
        metrics.scores(**both)


@pytest.mark.parametrize("name", metrics.SCORES)
def test_wrong_inputs_are_refused_by_every_score(name):
    score = getattr(metrics, name)
    with pytest.raises(ValueError, match="3 labels_true but 2 labels_pred"):
        score(labels_true=[0, 1, 2], labels_pred=[0, 1])
    with pytest.raises(ValueError, match="labels_true is empty"):
        score(labels_true=[], labels_pred=[])
    with pytest.raises(ValueError, match=r"labels_pred must .* got \(2, 1\)"):
        score(labels_true=[0, 1], labels_pred=[[0], [1]])
    with pytest.raises(ValueError, match=r"labels_true must .* got \(\)"):
        score(labels_true=0, labels_pred=[1])
    with pytest.raises(TypeError, match="positional"):  # they could be swapped
        score([0, 1], [0, 1])


def test_an_unknown_average_and_a_table_too_big_are_refused():
    with pytest.raises(ValueError, match="'mean': choose one of arithmetic, geometric"):
        metrics.nmi(labels_true=[0, 1], labels_pred=[0, 1], average_method="mean")
    many = np.arange(20_000)
    with pytest.raises(ValueError, match=r"20000 clusters need a table of 3\.2 GB"):
        metrics.scores(labels_true=many, labels_pred=many)


@some
@given(partitions, st.lists(st.integers(0, 30), max_size=3))
def test_merged_tables_of_parts_are_the_table_of_all(pairs, cuts):
    named = [(f"class {label}", cluster) for label, cluster in pairs]
    edges = [0, *sorted(cuts), len(named)]
    parts = [named[a:b] for a, b in itertools.pairwise(edges) if named[a:b]]
    expected = metrics.named_table(**split(named))
    merged = metrics.merge_tables(metrics.named_table(**split(p)) for p in parts[::-1])
    pd.testing.assert_frame_equal(merged, expected)
    assert metrics.scores_of_table(merged) == metrics.scores(**split(named))


def test_a_table_that_has_no_counts_is_refused():
    for table in (np.zeros((2, 2), int), np.ones(3, int), np.ones((2, 2))):
        with pytest.raises(ValueError, match="table of counts"):
            metrics.scores_of_table(table)
    with pytest.raises(ValueError, match="no tables to merge"):
        metrics.merge_tables([])


def blobs(n=90, seed=0):
    generator = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    return generator.normal(size=(n, 4)) + 3 * labels[:, None], labels


def test_silhouette_equals_scikit_learn_and_leaves_noise_out():
    features, labels = blobs()
    expected = sklearn.metrics.silhouette_score(features, labels)
    assert metrics.silhouette(features, labels) == pytest.approx(expected)
    with_noise = np.where(np.arange(90) < 30, -1, labels)
    expected = sklearn.metrics.silhouette_score(features[30:], labels[30:])
    assert metrics.silhouette(features, with_noise) == pytest.approx(expected)


def test_silhouette_of_a_sample_is_the_same_every_time():
    features, labels = blobs(600)
    sampled = metrics.silhouette(features, labels, sample_size=100)
    whole = metrics.silhouette(features, labels)
    assert sampled == metrics.silhouette(features, labels, sample_size=100)
    assert sampled != metrics.silhouette(
        features, labels, sample_size=100, random_state=1
    )
    assert sampled != whole
    assert sampled == pytest.approx(whole, abs=0.1)


@pytest.mark.parametrize(
    "labels", [[0] * 6, range(6), [-1] * 6, [0, 0, 0, -1, -1, -1]], ids=repr
)
def test_silhouette_is_nan_where_it_is_not_defined(labels):
    assert math.isnan(metrics.silhouette(np.eye(6), labels))


@pytest.mark.parametrize("dtype", [np.float16, np.uint8, np.int64, object])
def test_silhouette_is_the_same_in_any_dtype(dtype):
    # Squares of 250 overflow in half precision.
    features = np.random.default_rng(0).integers(0, 250, (30, 200))
    labels = np.arange(30) % 3
    expected = metrics.silhouette(features.astype(np.float64), labels)
    found = metrics.silhouette(features.astype(dtype), labels)
    assert found == pytest.approx(expected, abs=1e-6)


def test_bootstrap_differences_draw_the_same_images_and_one_run_of_each():
    """Labels that name their image and run show what is scored."""
    n, seen = 30, []
    runs = np.arange(n) + 1000 * np.arange(6)[:, None]

    def score(true, labels):
        np.testing.assert_array_equal(true, labels % 1000)
        seen.append((labels[0] // 1000, tuple(labels % 1000)))
        return labels[0] // 1000

    found = metrics.bootstrap_differences(
        score, np.arange(n), runs[:2], runs[2:], 200, random_state=1
    )
    pairs = list(zip(seen[::2], seen[1::2], strict=True))
    assert found.tolist() == [one - other for (one, _), (other, _) in pairs]
    assert all(first == second for (_, first), (_, second) in pairs)
    assert {one for (one, _), _ in pairs} == {0, 1}
    assert {other for _, (other, _) in pairs} == {2, 3, 4, 5}
    assert all(len(set(drawn)) < n == len(drawn) for _, drawn in seen)


def test_bootstrap_differences_of_a_method_with_itself_and_by_its_seed():
    pair = random_labels(3)
    true, labels = pair["labels_true"], [pair["labels_pred"]]

    def nmi(true, labels):
        return metrics.nmi(labels_true=true, labels_pred=labels)

    same = metrics.bootstrap_differences(nmi, true, labels, labels, 20)
    assert same.shape == (20,) and not same.any()
    others = [[np.zeros_like(true)], [np.zeros_like(true)]]
    draws = [
        metrics.bootstrap_differences(nmi, true, labels, other, 20, random_state=seed)
        for seed, other in zip((0, 0, 1), (*others, others[0]), strict=True)
    ]
    assert (draws[0] == draws[1]).all() and (draws[0] != draws[2]).any()
    assert draws[0].min() > 0
