"""Weighted linkage against scikit-learn, micro-clusters against the pictures."""

import numpy as np
import pytest
from sklearn.cluster import AgglomerativeClustering
from small_sets import one_thread  # noqa: F401

from course_utils import metrics
from course_utils.clustering import algorithms, micro_clusters
from course_utils.clustering.preprocessing import PAIRWISE


def ari(one, other):
    return metrics.ari(labels_true=one, labels_pred=other)


def cloud(n, width=6, seed=0):
    return np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)


@pytest.mark.parametrize("linkage", PAIRWISE)
@pytest.mark.parametrize("seed", range(3))
def test_weights_stand_for_duplicates(linkage, seed):
    points = cloud(40, seed=seed)
    sizes = np.random.default_rng(seed).integers(1, 9, 40)
    which = np.repeat(np.arange(40), sizes)
    for k in (1, 2, 3, 7, 20, 39, 40):
        found = micro_clusters.join_groups(
            micro_clusters.group_distances(points, sizes, linkage), sizes, k, linkage
        )
        expected = AgglomerativeClustering(k, linkage=linkage).fit_predict(
            points[which].astype(np.float64)
        )
        assert sorted(set(found)) == list(range(k))
        assert ari(expected, found[which]) == 1


def test_weights_matter_for_ward_and_average_and_not_for_complete():
    points, ones = cloud(40), np.ones(40, dtype=int)
    sizes = np.random.default_rng(0).integers(1, 30, 40)

    def labels(weights, linkage):
        apart = micro_clusters.group_distances(points, weights, linkage)
        return micro_clusters.join_groups(apart, weights, 6, linkage)

    for linkage in PAIRWISE:
        same = ari(labels(ones, linkage), labels(sizes, linkage)) == 1
        assert same == (linkage == "complete")


def test_spreads_make_mean_squared_distances_exact():
    points, which = cloud(60), np.arange(60) % 7
    rows = [points[which == group].astype(np.float64) for group in range(7)]
    means = np.array([group.mean(axis=0) for group in rows])
    spreads = np.array(
        [((r - m) ** 2).sum(1).mean() for r, m in zip(rows, means, strict=True)]
    )
    sizes = np.bincount(which)
    apart = micro_clusters.group_distances(means, sizes, "average", spreads)
    for i in range(7):
        for j in set(range(7)) - {i}:
            squares = ((rows[i][:, None] - rows[j][None]) ** 2).sum(axis=2)
            assert apart[i, j] == pytest.approx(np.sqrt(squares.mean()))


def test_groups_describe_their_pictures():
    points = cloud(300)
    labels, means, sizes, spreads = micro_clusters.make_groups(
        points, 25, random_state=1
    )
    assert 15 < len(means) <= 25
    assert sorted(set(labels)) == list(range(len(means)))
    for group in range(len(means)):
        inside = points[labels == group].astype(np.float64)
        assert sizes[group] == len(inside)
        np.testing.assert_allclose(means[group], inside.mean(axis=0), atol=1e-5)
        assert spreads[group] == pytest.approx(inside.var(axis=0).sum(), abs=1e-5)


@pytest.mark.parametrize("linkage", PAIRWISE)
def test_as_many_groups_as_pictures_is_the_linkage_itself(linkage):
    points = cloud(50)
    expected = algorithms.cluster(points, linkage, 6)
    for n_micro in (50, 999):
        found = algorithms.cluster(points, f"micro{n_micro}+{linkage}", 6)
        assert ari(expected, found) == 1


def test_too_few_groups_are_refused():
    with pytest.raises(ValueError, match="micro5: the images form 5 groups, too few"):
        algorithms.cluster(cloud(30), "micro5+ward", 6)
    same = np.ones((30, 4), np.float32)  # one group
    with pytest.raises(ValueError, match="too few for 3 clusters"):
        algorithms.cluster(same, "micro5+ward", 3)


def test_ward_over_groups_loses_little():
    # 12 overlapping blobs: ward over 120 groups tells them apart as ward over 900 does.
    generator = np.random.default_rng(0)
    truth = np.arange(900) % 12
    points = 1.3 * generator.normal(size=(12, 20))[truth]
    points = (points + generator.normal(size=points.shape)).astype(np.float32)
    whole = ari(truth, algorithms.cluster(points, "ward", 12))
    over = [
        ari(truth, algorithms.cluster(points, "micro120+ward", 12, seed))
        for seed in range(3)
    ]
    assert whole > 0.5
    assert np.mean(over) > whole - 0.1
