"""Ensembles: against loops, under renaming, on a case whose answer is known."""

import itertools

import numpy as np
import pytest
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from course_utils import metrics
from course_utils.clustering import ensembles


def labellings(n_images=40, n_labellings=6, n_clusters=4, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, n_clusters, (n_labellings, n_images))


def by_loops(found):
    """Co-association as it is told, one pair after the other."""
    n_labellings, n_images = found.shape
    together = np.zeros((n_images, n_images))
    for labels in found:
        for i in range(n_images):
            for j in range(n_images):
                together[i, j] += labels[i] == labels[j] != -1
    together /= n_labellings
    for i in range(n_images):
        together[i, i] = 1
    return together


def noisy_views(n_labellings=15, flip=0.35, seed=1):
    """Labellings that each get many pictures wrong, independently of the others."""
    generator = np.random.default_rng(seed)
    truth = np.repeat(np.arange(4), 30)
    views = []
    for _ in range(n_labellings):
        labels = truth.copy()
        wrong = generator.random(len(truth)) < flip
        labels[wrong] = generator.integers(0, 4, wrong.sum())
        views.append(generator.permutation(4)[labels])
    return truth, np.array(views)


@pytest.mark.parametrize("noise", [False, True])
def test_co_association_is_what_the_loops_count(noise):
    found = labellings()
    if noise:
        found[found == 0] = -1
    np.testing.assert_allclose(
        ensembles.co_association(found), by_loops(found), atol=1e-6
    )


def test_co_association_does_not_depend_on_names_nor_on_the_order_of_labellings():
    found = labellings()
    renamed = np.array([(labels * 7 + 3) % 11 for labels in found])[::-1]
    first, second = map(ensembles.co_association, (found, renamed))
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_co_association_follows_the_pictures():
    found, order = labellings(), np.random.default_rng(3).permutation(40)
    together = ensembles.co_association(found)
    np.testing.assert_allclose(
        ensembles.co_association(found[:, order]), together[np.ix_(order, order)]
    )


@pytest.mark.parametrize(
    "combine", [ensembles.evidence_accumulation, ensembles.bipartite]
)
class TestCombining:
    def test_independent_errors_cancel(self, combine):
        truth, views = noisy_views()
        single = [metrics.nmi(labels_true=truth, labels_pred=v) for v in views]
        together = metrics.nmi(labels_true=truth, labels_pred=combine(views, 4))
        assert max(single) < 0.7
        assert together > 0.95

    def test_one_labelling_is_given_back(self, combine):
        labels = np.array([2, 2, 0, 0, 1, 1, 1])
        assert combine([labels], 3).tolist() == [0, 0, 1, 1, 2, 2, 2]

    def test_exactly_k_clusters_and_the_same_every_time(self, combine):
        found = labellings()
        for k in (1, 2, 5, 11):
            first = combine(found, k)
            assert len(set(first.tolist())) == k
            assert first.tolist() == combine(found, k).tolist()

    def test_names_of_clusters_do_not_matter(self, combine):
        _, views = noisy_views()
        renamed = [np.array([9, 4, 17, 2])[view] for view in views]
        assert combine(views, 4).tolist() == combine(renamed, 4).tolist()

    def test_k_must_be_possible(self, combine):
        with pytest.raises(ValueError, match="at most the number of images, 40"):
            combine(labellings(), 41)


@pytest.mark.parametrize("max_images", [8_000, 39])
def test_a_weight_counts_a_voter_that_often(max_images):
    found, limit = noisy_views(6)[1][:, ::3], {"max_images": max_images}
    weights = [0, 3, 1, 2, 0, 1]
    expected = ensembles.evidence_accumulation(np.repeat(found, weights, axis=0), 4)
    half = np.array(weights) / 2
    again = ensembles.evidence_accumulation(found, 4, weights=half, **limit)
    assert again.tolist() == expected.tolist()


def test_weighted_co_association_is_that_of_repeated_voters():
    found = labellings()
    found[found == 3] = -1
    weights = [2, 0, 1, 1, 3, 1]
    np.testing.assert_allclose(
        ensembles.co_association(found, weights=weights),
        ensembles.co_association(np.repeat(found, weights, axis=0)),
        atol=1e-6,
    )


@pytest.mark.parametrize(
    "weights", [[1] * 5, [[1] * 6], [-1, 1, 1, 1, 1, 1], [0] * 6, [np.nan] + [1] * 5]
)
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(ValueError, match=r"weights? (for|must)"):
        ensembles.co_association(labellings(), weights=weights)


def test_the_longest_lifetime_finds_the_number_of_classes():
    _, views = noisy_views()
    length = ensembles.lifetimes(views)
    assert len(length) == 118 and (length > -1e-9).all()
    assert length.argmax() + 2 == 4
    chosen = ensembles.evidence_accumulation(views, None)
    assert chosen.tolist() == ensembles.evidence_accumulation(views, 4).tolist()


def test_a_lifetime_is_the_range_of_cuts_that_leave_k_clusters():
    found = noisy_views(9)[1]
    apart = squareform(1 - by_loops(found), checks=False)
    tree = hierarchy.linkage(apart, "average")
    cuts = np.linspace(0, 1, 2_001)
    counts = [hierarchy.fcluster(tree, cut, "distance").max() for cut in cuts]
    length = ensembles.lifetimes(found)
    for k in (2, 3, 4, 5):
        share = np.mean(np.array(counts) == k)
        assert length[k - 2] == pytest.approx(share, abs=0.002)


def test_lifetimes_are_refused_for_too_few_or_too_many_images():
    with pytest.raises(ValueError, match="3 images or more, got 2"):
        ensembles.lifetimes([[0, 1]])
    with pytest.raises(MemoryError, match="max_images=30"):
        ensembles.evidence_accumulation(labellings(), None, max_images=30)


def test_too_many_images_for_all_pairs_are_refused_with_the_memory_needed():
    with pytest.raises(MemoryError, match=r"bipartite.*max_images=30"):
        ensembles.co_association(labellings(), max_images=30)
    assert len(ensembles.bipartite(labellings(), 3)) == 40


@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_groups_of_pictures_with_the_same_labels_change_nothing(
    seed, noise, monkeypatch
):
    # Clear groups: among random labels very many distances are equal, and which of
    # them is joined first decides.
    _, views = noisy_views(31, flip=0.2, seed=seed)
    generator = np.random.default_rng(seed)
    found = np.repeat(views, generator.integers(1, 6, views.shape[1]), axis=1)
    if noise:
        found[generator.random(found.shape) < 0.05] = -1
    expected = ensembles.evidence_accumulation(found, 4)
    monkeypatch.setattr(ensembles, "MiniBatchKMeans", None)  # it is not called
    again = ensembles.evidence_accumulation(found, 4, max_images=found.shape[1] - 1)
    np.testing.assert_array_equal(again, expected)


def test_groups_are_together_as_their_pictures_are_on_average():
    found, codes = labellings(), np.arange(40) % 6
    found[found == 3] = -1
    together = ensembles.mean_together(ensembles.membership(found), codes) / len(found)
    pairs = by_loops(found)
    for one, other in itertools.permutations(range(6), 2):
        mean = pairs[np.ix_(codes == one, codes == other)].mean()
        assert together[one, other] == pytest.approx(mean, abs=1e-6)


def test_many_different_images_are_grouped_and_independent_errors_still_cancel():
    truth, views = noisy_views()
    few = {"max_images": 60, "n_groups": 40}
    found = ensembles.evidence_accumulation(views, 4, **few)
    assert len(set(found.tolist())) == 4
    assert metrics.nmi(labels_true=truth, labels_pred=found) > 0.9
    again = ensembles.evidence_accumulation(views, 4, **few)
    assert found.tolist() == again.tolist()


def test_more_clusters_than_groups_that_differ_are_refused():
    with pytest.raises(ValueError, match="only 2 groups of these 10 images"):
        ensembles.evidence_accumulation([[0] * 5 + [1] * 5], 3, max_images=5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "at least one"),
        ([[0, 1], [0, 1, 2]], "same images"),
        ([[]], "same images"),
        ([[[0, 1]]], "same images"),
        ([[0.5, 1.5]], "int"),
    ],
)
def test_labellings_that_do_not_fit_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        ensembles.co_association(given)


@pytest.mark.parametrize("n_copies", [1, 2, 3])
@pytest.mark.parametrize("k", [2, 3, 5])
def test_a_few_equal_labellings_give_their_clusters_back(k, n_copies):
    labels = np.repeat(np.arange(k), 7)
    found = ensembles.bipartite([labels] * n_copies, k)
    np.testing.assert_array_equal(found, labels)


def test_one_labelling_with_noise_keeps_its_clusters_apart():
    found = ensembles.bipartite([[0, 0, 0, 1, 1, 1, -1, -1]], 3)
    assert found.tolist() == [0, 0, 0, 1, 1, 1, 2, 2]


@pytest.mark.parametrize("labellings", [[[0, 0, 0, 0]], [[-1, -1, -1, -1]]])
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_labellings_that_tell_nothing_apart_give_one_cluster(labellings):
    assert ensembles.bipartite(labellings, 2).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("seed", [-1, 1.5, "0", True, 2**32])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(ValueError, match="seed must be an integer from 0"):
        ensembles.bipartite([[0, 0, 1, 1]], 2, random_state=seed)


def test_diversity_is_the_mean_over_pairs():
    found = labellings(n_labellings=4)
    pairs = itertools.combinations(found, 2)
    expected = np.mean(
        [1 - metrics.nmi(labels_true=a, labels_pred=b) for a, b in pairs]
    )
    assert ensembles.diversity(found) == pytest.approx(expected)
    assert ensembles.diversity([found[0], found[0] + 5]) == pytest.approx(0, abs=1e-9)
    assert ensembles.diversity(found[:1]) == 0
