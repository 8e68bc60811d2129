"""JULE and MVnet: against slow references, under reordering, on known answers."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_moons
from small_sets import one_thread  # noqa: F401

from course_utils import metrics
from course_utils.clustering import algorithms, joint_learning, multiview


def cloud(n=24, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def blobs(n_each=15, k=3, d=6, seed=0, apart=3):
    """Points around k far centres, each about of length 1, and whose they are."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(k, d)) * apart
    truth = np.repeat(np.arange(k), n_each)
    points = centres[truth] + generator.normal(size=(len(truth), d))
    return points / np.linalg.norm(points, axis=1).mean(), truth


def moons(seed=0):
    return make_moons(120, noise=0.06, random_state=seed)


def agree(one, other):
    return metrics.ari(labels_true=one, labels_pred=other)


# Slow and obvious: as the text of the paper says it, one pair after the other.


def slow_affinity(points, n_neighbours):
    n = len(points)
    squares = [[sum((a - b) ** 2) for b in points] for a in points]
    near = [
        sorted((j for j in range(n) if j != i), key=lambda j, i=i: squares[i][j])
        for i in range(n)
    ]
    near = [row[:n_neighbours] for row in near]
    spread = np.mean([squares[i][j] for i in range(n) for j in near[i]])
    weights = np.zeros((n, n))
    for i in range(n):
        for j in near[i]:
            weights[i, j] = math.exp(-squares[i][j] / spread)
    return weights


def slow_chains(points):
    n = len(points)
    label = list(range(n))
    for i in range(n):
        others = [j for j in range(n) if j != i]
        nearest = min(others, key=lambda j: np.linalg.norm(points[i] - points[j]))
        old, new = label[i], label[nearest]
        label = [new if name == old else name for name in label]
    return label


def slow_between(weights, one, other):
    """The affinity of two clusters, lists of pictures."""

    def directed(a, b):
        total = 0.0
        for j in b:
            total += sum(weights[i, j] for i in a) * sum(weights[j, i] for i in a)
        return total / len(a) ** 2

    return directed(one, other) + directed(other, one)


def slow_merge(weights, labels, k):
    clusters = [list(np.flatnonzero(labels == name)) for name in np.unique(labels)]
    while len(clusters) > k:
        a, b = max(
            itertools.combinations(range(len(clusters)), 2),
            key=lambda pair: slow_between(weights, *(clusters[i] for i in pair)),
        )
        clusters[a] = clusters[a] + clusters[b]
        del clusters[b]
    found = np.empty(len(labels), dtype=int)
    for name, cluster in enumerate(clusters):
        found[cluster] = name
    return found


def slow_loss(points, triplets, gamma=2, margin=0.5):
    total = 0.0
    for anchor, positive, negative in triplets:
        near = sum((points[anchor] - points[positive]) ** 2)
        far = sum((points[anchor] - points[negative]) ** 2)
        total += max(0, gamma * near - far + margin)
    return total / len(triplets)


@pytest.mark.parametrize("n_neighbours", [1, 4, 20])
def test_affinity_is_what_the_slow_one_says(n_neighbours):
    points = cloud(30)
    np.testing.assert_allclose(
        joint_learning.affinity(points, n_neighbours),
        slow_affinity(points, n_neighbours),
    )


def test_affinity_of_few_pictures_takes_all_others():
    weights = joint_learning.affinity(cloud(5))
    assert ((weights > 0) == ~np.eye(5, dtype=bool)).all()


def test_affinity_follows_the_pictures_and_not_their_scale_or_place():
    points, order = cloud(), np.random.default_rng(1).permutation(24)
    weights = joint_learning.affinity(points, 5)
    np.testing.assert_allclose(joint_learning.affinity(points * 7 + 3, 5), weights)
    np.testing.assert_allclose(
        joint_learning.affinity(points[order], 5), weights[np.ix_(order, order)]
    )


def test_pictures_that_are_all_the_same_are_no_trouble():
    same = np.ones((30, 4))
    assert set(np.unique(joint_learning.affinity(same, 5))) == {0, 1}
    found = joint_learning.merge_clusters(
        joint_learning.affinity(same), joint_learning.chains(same), 1
    )
    assert set(found.tolist()) == {0}


@pytest.mark.parametrize("seed", range(5))
def test_chains_are_what_the_slow_one_says(seed):
    points = cloud(40, 2, seed)
    found = joint_learning.chains(points)
    assert agree(slow_chains(points), found) == 1
    assert np.bincount(found).min() >= 2
    assert found[0] == 0


def test_cluster_affinity_is_what_the_slow_one_says():
    weights = joint_learning.affinity(cloud(), 6)
    labels = np.random.default_rng(2).integers(0, 5, 24) * 3 + 1
    clusters = [np.flatnonzero(labels == name) for name in np.unique(labels)]
    found = joint_learning.cluster_affinity(weights, labels)
    np.testing.assert_allclose(found, found.T)
    np.testing.assert_array_equal(np.diag(found), 0)
    for a, b in itertools.combinations(range(5), 2):
        expected = slow_between(weights, clusters[a], clusters[b])
        assert found[a, b] == pytest.approx(expected)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(6, 26),
    n_neighbours=st.integers(2, 20),
    data=st.data(),
)
def test_merging_is_what_the_slow_one_says(seed, n, n_neighbours, data):
    points = cloud(n, 2, seed)
    weights = joint_learning.affinity(points, n_neighbours)
    labels = joint_learning.chains(points)
    k = data.draw(st.integers(1, labels.max() + 1))
    found = joint_learning.merge_clusters(weights, labels, k)
    assert len(set(found.tolist())) == k
    while len(set(labels.tolist())) > k:  # step by step, while any affinity is left
        if joint_learning.cluster_affinity(weights, labels).max() == 0:
            return
        n_next = len(set(labels.tolist())) - 1
        labels = slow_merge(weights, labels, n_next)
    assert agree(labels, found) == 1


def test_merging_follows_the_pictures_and_not_the_names():
    points, order = cloud(60), np.random.default_rng(1).permutation(60)
    weights, labels = joint_learning.affinity(points), joint_learning.chains(points)
    found = joint_learning.merge_clusters(weights, labels, 4)
    renamed = joint_learning.merge_clusters(weights, 100 - 7 * labels, 4)
    reordered = joint_learning.merge_clusters(
        weights[np.ix_(order, order)], labels[order], 4
    )
    assert renamed.tolist() == found.tolist()
    assert agree(found[order], reordered) == 1


def test_merging_joins_whole_clusters_and_nothing_else():
    points = cloud(60)
    weights, labels = joint_learning.affinity(points), joint_learning.chains(points)
    found = joint_learning.merge_clusters(weights, labels, 3)
    for name in np.unique(labels):
        assert len(set(found[labels == name].tolist())) == 1
    same = joint_learning.merge_clusters(weights, labels, labels.max() + 1)
    assert same.tolist() == labels.tolist()


def test_where_no_affinity_is_left_the_two_smallest_go_together():
    labels = np.repeat([0, 1, 2], [4, 2, 3])
    found = joint_learning.merge_clusters(np.zeros((9, 9)), labels, 2)
    assert found.tolist() == [0] * 4 + [1] * 5


@pytest.mark.parametrize("seed", range(3))
def test_merging_finds_the_moons_where_k_means_does_not(seed):
    points, truth = moons(seed)
    found = joint_learning.merge_clusters(
        joint_learning.affinity(points), joint_learning.chains(points), 2
    )
    assert agree(truth, found) == 1
    assert agree(truth, algorithms.cluster(points, "kmeans", 2)) < 0.7


@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 1, 2], [4, 4, 9, 9], [5, 1, 1, 5, 1]])
def test_triplets_are_all_pairs_with_strangers(labels):
    labels = np.array(labels)
    found = joint_learning.triplets(labels, 3)
    anchors, positives, negatives = found.T
    assert (labels[anchors] == labels[positives]).all() and (anchors != positives).all()
    assert (labels[anchors] != labels[negatives]).all()
    pairs = {
        (i, j)
        for i, j in itertools.permutations(range(len(labels)), 2)
        if labels[i] == labels[j]
    }
    assert {(a, p) for a, p, _ in found.tolist()} == pairs
    assert len(found) == 3 * len(pairs)


def test_every_stranger_is_drawn_as_often_as_any_other():
    labels = np.array([1, 0, 0, 2, 1, 2, 2, 0])
    found = joint_learning.triplets(labels, 4000, max_triplets=10**6)
    for name in range(3):
        drawn = np.bincount(found[labels[found[:, 0]] == name, 2], minlength=8)
        assert (drawn[labels == name] == 0).all()
        share = drawn[labels != name] / drawn.sum()
        np.testing.assert_allclose(share, 1 / (labels != name).sum(), atol=0.01)


def test_triplets_are_bounded_and_the_same_for_a_seed():
    labels = np.arange(300) % 4
    first, again, other = (
        joint_learning.triplets(labels, random_state=s) for s in (0, 0, 1)
    )
    assert first.shape == (joint_learning.MAX_TRIPLETS, 3)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_without_pairs_or_strangers_there_are_no_triplets(labels):
    assert joint_learning.triplets(labels).shape == (0, 3)


def test_the_loss_is_what_the_slow_one_says():
    points = cloud()
    found = joint_learning.triplets(np.arange(24) % 3)
    assert joint_learning.triplet_loss(points, found) == pytest.approx(
        slow_loss(points, found)
    )
    assert joint_learning.triplet_loss(
        points, found, gamma=1, margin=2
    ) == pytest.approx(slow_loss(points, found, 1, 2))


def test_the_loss_is_zero_once_strangers_are_far_enough():
    points = np.array([[0.0], [1.0], [math.sqrt(2.5)], [1.5]])
    assert joint_learning.triplet_loss(points, [[0, 1, 2]]) == pytest.approx(0)
    assert joint_learning.triplet_loss(points, [[0, 1, 3]]) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: joint_learning.affinity(np.ones(4)), ValueError, r"\(n, d\)"),
        (lambda: joint_learning.chains(np.full((4, 2), np.nan)), ValueError, "NaN"),
        (
            lambda: joint_learning.chains(np.ones((1, 2))),
            ValueError,
            "at least 2 images",
        ),
        (lambda: joint_learning.affinity(cloud(), 0), ValueError, "at least 1"),
        (
            lambda: joint_learning.affinity(np.zeros((5001, 1))),
            MemoryError,
            "0.5 GB: choose kmeans",
        ),
        (lambda: joint_learning.chains(np.zeros((20_000, 1))), MemoryError, "8.0 GB"),
        (lambda: joint_learning.triplets([0.5, 1.5]), ValueError, "one int per image"),
        (lambda: joint_learning.triplets([[0, 1]]), ValueError, "one int per image"),
        (
            lambda: joint_learning.cluster_affinity(np.ones((3, 3)), [0, 1]),
            ValueError,
            "for 2 cluster labels",
        ),
        (
            lambda: joint_learning.merge_clusters(np.ones((3, 3)), [0, 1, 1], 3),
            ValueError,
            "at most 2",
        ),
        (
            lambda: joint_learning.merge_clusters(np.ones((3, 3)), [0, 1, 1], 0),
            ValueError,
            "got 0",
        ),
        (
            lambda: multiview.jule(cloud(), 23, multiview.TripletNetwork(3)),
            ValueError,
            r"must be at most \d+, got 23",
        ),
        (
            lambda: multiview.jule(cloud(), 3, multiview.TripletNetwork(3), unfold=0),
            ValueError,
            "unfold must be above 0",
        ),
        (
            lambda: multiview.jule([cloud()], 3, multiview.TripletNetwork(3)),
            ValueError,
            "start",
        ),
        (lambda: multiview.mvnet([], 3), ValueError, "one or more"),
        (lambda: multiview.mvnet([cloud(), cloud(9)], 3), ValueError, r"\[24, 9\]"),
    ],
)
def test_bad_input_is_refused_with_what_to_do(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_slopes_are_those_of_the_loss_and_the_penalty():
    points = blobs()[0][::5]
    views = [points[:, :3], points[:, 3:]]
    found = joint_learning.triplets(np.arange(9) % 3)
    towers = [multiview.TripletNetwork(3, random_state=seed) for seed in range(2)]
    network = multiview.TripletNetwork(None, random_state=2, towers=towers)
    network.tuned = True

    def cost():
        """The loss, and the penalty on the last layer of each network."""
        penalty = sum((net.weights[2] ** 2).sum() for net in (network, *towers))
        loss = joint_learning.triplet_loss(network.embed(views), found)
        return loss + multiview.WEIGHT_PENALTY * penalty

    for net in (network, *towers):
        net.weights = [part.astype(np.float64) for part in net.weights]
    layers = network._forward(views)
    loss, of_output = multiview._slopes_of_triplets(layers[-1], found)
    assert loss == pytest.approx(joint_learning.triplet_loss(layers[-1], found))
    slopes = network._backward(layers, of_output)
    generator = np.random.default_rng(0)
    parts = [part for net in (network, *towers) for part in net.weights]
    for part, slope in zip(parts, slopes, strict=True):
        assert part.shape == slope.shape
        for place in generator.integers(0, part.shape, (3, part.ndim)):
            place, step = tuple(place), 1e-6
            before = part[place]
            costs = []
            for part[place] in (before - step, before + step):
                costs.append(cost())
            part[place] = before
            expected = (costs[1] - costs[0]) / (2 * step)
            assert slope[place] == pytest.approx(expected, rel=1e-4, abs=1e-7)


def test_a_network_is_the_same_for_a_seed_and_leaves_the_global_one_alone():
    np.random.seed(5)
    expected = np.random.random()
    np.random.seed(5)
    first, again, other = (
        multiview.TripletNetwork(6, random_state=seed) for seed in (1, 1, 2)
    )
    assert np.random.random() == expected
    assert first.n_weights == 6 * 160 + 160 + 160 * 160 + 160
    inside = [network.embed(blobs()[0]) for network in (first, again, other)]
    assert inside[0].shape == (45, 160)
    np.testing.assert_array_equal(inside[0], inside[1])
    assert np.abs(inside[0] - inside[2]).max() > 0.01


@pytest.fixture(scope="module")
def learnt():
    """The points, whose they are, the network, and what JULE gave."""
    points, truth = blobs()
    network = multiview.TripletNetwork(points.shape[1])
    return points, truth, network, *multiview.jule(points, 3, network)


def test_jule_finds_clusters_that_are_there(learnt):
    _, truth, _, labels, _ = learnt
    assert agree(truth, labels) == 1


def test_jule_pulls_them_together(learnt):
    points, truth, network, _, history = learnt
    found = joint_learning.triplets(truth)
    untrained = multiview.TripletNetwork(points.shape[1]).embed(points)
    losses = [
        joint_learning.triplet_loss(
            inside / np.linalg.norm(inside, axis=1).mean(), found
        )
        for inside in (untrained, network.embed(points))
    ]
    assert losses[1] < losses[0] / 2
    assert all(row["last"] < row["first"] for row in history)


def test_the_same_seed_gives_the_same_network_and_labels(learnt):
    points, _, network, labels, history = learnt
    again = multiview.TripletNetwork(points.shape[1])
    same_labels, same_history = multiview.jule(points, 3, again)
    assert same_labels.tolist() == labels.tolist() and same_history == history
    np.testing.assert_array_equal(again.embed(points), network.embed(points))
    _, history_on = multiview.jule(points, 3, again)  # a trained one is trained on
    assert history_on[0]["first"] < history[0]["first"]


def test_the_number_of_clusters_falls_by_the_share_to_k():
    points, _ = blobs(30)
    network = multiview.TripletNetwork(points.shape[1])
    _, history = multiview.jule(points, 5, network, unfold=0.4, epochs=1)
    counts = [row["clusters"] for row in history]
    assert counts[0] == joint_learning.chains(points).max() + 1
    for before, after in itertools.pairwise(counts):
        assert after == max(5, before - math.ceil(0.4 * before))
    assert counts[-1] == 5


def test_from_scratch_clusters_the_output_and_else_the_last_training_is_left_out():
    points, _ = blobs(apart=1)
    runs = {}
    for scratch in (True, False):
        network = multiview.TripletNetwork(points.shape[1])
        options = {"n_neighbours": 7, "from_scratch": scratch, "random_state": 3}
        runs[scratch] = (network, *multiview.jule(points, 3, network, **options))
    output = runs[True][0].embed(points)
    expected = joint_learning.merge_clusters(
        joint_learning.affinity(output, 7), joint_learning.chains(output), 3
    )
    assert runs[True][1].tolist() == expected.tolist()
    assert runs[False][2] == runs[True][2][:-1]


def test_one_cluster_leaves_nothing_to_learn():
    points, _ = blobs()
    network = multiview.TripletNetwork(points.shape[1])
    labels, history = multiview.jule(points, 1, network, epochs=1)
    assert set(labels.tolist()) == {0} and history[-1] == {"clusters": 1}


@pytest.fixture(scope="module")
def two_views():
    """Two views, each of which cannot tell two of the three clusters apart."""
    generator = np.random.default_rng(0)
    truth = np.repeat(np.arange(3), 15)
    ends = (np.array([[1, 0], [1, 0], [0, 1]]), np.array([[1, 0], [0, 1], [0, 1]]))
    views = [end[truth] + generator.normal(0, 0.05, (45, 2)) for end in ends]
    return views, truth, multiview.mvnet(views, 3, epochs=8)


def test_views_see_together_what_neither_sees_alone(two_views):
    _, truth, found = two_views
    assert all(agree(truth, labels) < 0.8 for labels in found["views"])
    assert agree(truth, found["fixed"]) > 0.8


def test_mvnet_gives_k_clusters_everywhere(two_views):
    *_, found = two_views
    assert len(found["views"]) == 2
    for labels in (*found["views"], found["fixed"], found["tuned"]):
        assert sorted(set(labels.tolist())) == [0, 1, 2]
        assert labels.shape == (45,)


def test_mvnet_draws_all_its_weights_by_the_seed_also_with_one_view(two_views):
    """Without training, so that nothing but the weights can make a difference."""
    first, again = (
        multiview.mvnet(two_views[0][:1], 3, epochs=0, random_state=4) for _ in range(2)
    )
    assert repr(first) == repr(again) and len(first["views"]) == 1


def test_towers_stay_fixed_until_they_are_to_learn(two_views):
    views = two_views[0]
    towers = [multiview.TripletNetwork(2, random_state=seed) for seed in range(2)]
    before = [[part.copy() for part in tower.weights] for tower in towers]
    network = multiview.TripletNetwork(None, towers=towers)
    for tuned in (False, True):
        network.tuned = tuned
        multiview.jule(views, 3, network, start=np.hstack(views), epochs=1)
        changed = [
            bool((old != new).any())
            for tower, weights in zip(towers, before, strict=True)
            for old, new in zip(weights, tower.weights, strict=True)
        ]
        assert any(changed) == tuned
