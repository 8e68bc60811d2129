"""Checks of lesson 9: ensembles of backbones."""

import warnings
from functools import partial

import numpy as np
from scipy import sparse
from scipy.cluster.hierarchy import ClusterWarning
from sklearn.cluster import AgglomerativeClustering

from course_utils import metrics
from course_utils.clustering import ensembles
from course_utils.lessons.exercises import NotYet, exercise
from course_utils.lessons.matching import (
    as_array,
    as_number,
    call_function,
    compare_answer,
    require_words,
    run_clusterings,
    same_numbers,
    same_partition,
    score_runs,
)


@exercise(
    "Co-association with loops",
    hint="Three loops: over the labellings, over i, over j. Add 1 where labels[i] "
    "equals labels[j], and divide once at the end.",
)
def ex09_1(together_by_loops):
    """Write `together_by_loops(labellings)`, one row per labelling, with loops.

    Entry (i, j) of the result is the share of the labellings in which images i and j
    are in the same cluster.
    """
    for labellings in _probes():
        _compare_shares(call_function(together_by_loops, labellings), labellings)
    return "co-association"


@exercise(
    "Co-association as one sparse product",
    hint="One block per labelling: ones at (image, number of its cluster), shape "
    "(images, clusters of this labelling). sparse.hstack puts blocks side by side.",
)
def ex09_2(together_by_product):
    """Write `together_by_product(labellings)`: the co-association as a sparse matrix.

    Make the sparse Z, one column per cluster of each labelling, and return Z @ Z.T / R
    for R labellings.
    """
    for labellings in _probes():
        found = call_function(together_by_product, labellings)
        if not sparse.issparse(found):
            raise NotYet(
                f"The result has type {type(found).__name__}: make Z with "
                "sparse.csr_matrix, and leave the product sparse."
            )
        _compare_shares(found.toarray(), labellings)
    return "co-association, sparse"


def _probes():
    """Labellings with gaps in the names, other numbers of clusters, one labelling."""
    generator = np.random.default_rng(8)
    gaps = np.array([[0, 0, 4, 4, 7], [9, 2, 2, 9, 9], [1, 1, 1, 1, 1]])
    return gaps, generator.integers(0, 3, (4, 9)), generator.integers(0, 5, (1, 7))


def _compare_shares(answer, labellings):
    n_labellings, n_images = labellings.shape
    known_shapes = {
        (n_labellings, n_labellings): f"For {n_images} images your matrix has shape "
        f"({n_labellings}, {n_labellings}), so it compares labellings: compare images."
    }
    what = "one share per pair of images"
    found = as_array(answer, what, (n_images, n_images), known_shapes)
    expected = (labellings[:, :, None] == labellings[:, None, :]).mean(axis=0)
    mistakes = {
        "These are counts: divide them by the number of labellings.": (
            expected * n_labellings
        ),
        "An image is always together with itself: the diagonal is 1.": (
            expected - np.eye(n_images)
        ),
        "This is the share of labellings that keep them apart.": 1 - expected,
        "Clusters of different labellings share columns because they have the same "
        "name: give each labelling its own columns.": _add_by_names(labellings),
    }
    otherwise = f"The shares are wrong for the labellings {labellings.tolist()}."
    if _is_triangular(found):
        otherwise = "Fill in each pair twice in the matrix, at [i, j] and at [j, i]."
    elif (found > 1 + 1e-6).any():
        otherwise = (
            "A share is at most 1: each labelling adds 0 or 1; then divide by R."
        )
    same = partial(same_numbers, atol=1e-5)  # sums of float32
    compare_answer(found, expected, mistakes, otherwise, same)


def _is_triangular(matrix):
    """Whether all is 0 on one side of the diagonal."""
    return any(np.allclose(matrix, half(matrix)) for half in (np.triu, np.tril))


def _add_by_names(labellings):
    """What comes out if the one-hot tables are added instead of put side by side."""
    counts = (labellings[:, :, None] == np.arange(labellings.max() + 1)).sum(axis=0)
    return counts @ counts.T / len(labellings)


@exercise(
    "Evidence accumulation",
    hint='AgglomerativeClustering(k, metric="precomputed", linkage="average") on one '
    "minus the co-association.",
)
def ex09_3(consensus):
    """Write `consensus(labellings, k)`: k clusters by average linkage.

    The distance of two images is 1 minus their co-association.
    """
    for labellings, k in _chains():
        what = "one label per image"
        value = call_function(consensus, labellings, k)
        found = as_array(value, what, (labellings.shape[1],))
        n_clusters = len(set(found.tolist()))
        if n_clusters != k:
            raise NotYet(f"Expected {k} clusters, but got {n_clusters}.")
        together = ensembles.co_association(labellings)
        apart = 1 - together
        given = "precomputed"
        mistakes = {
            "Average linkage needs distances, but M is large for images that belong "
            "together.": _link(together, k, "average", given),
            "This is single linkage, the smallest distance.": _link(
                apart, k, "single", given
            ),
            "This is complete linkage, the largest distance.": _link(
                apart, k, "complete", given
            ),
            "The option metric='precomputed' is missing.": _link(
                apart, k, "average", "euclidean"
            ),
            "This is Ward's method: set linkage='average'.": _link(
                apart, k, "ward", "euclidean"
            ),
        }
        expected = ensembles.evidence_accumulation(labellings, k)
        otherwise = "These are not the clusters of average linkage on 1 − M."
        compare_answer(found, expected, mistakes, otherwise, same_partition)
    return "average linkage"


def _link(matrix, k, linkage, metric):
    model = AgglomerativeClustering(k, metric=metric, linkage=linkage)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ClusterWarning)  # distances as features
        return model.fit_predict(matrix)


def _chains():
    """Labellings on which the linkages give different clusters."""
    generator = np.random.default_rng(3)
    truth = np.repeat([0, 1, 2], [12, 9, 6])
    found = np.tile(truth, (6, 1))
    wrong = generator.random(found.shape) < 0.45
    found[wrong] = generator.integers(0, 3, wrong.sum())
    return (found, 3), (found, 5)


@exercise(
    "How different are they?",
    hint="itertools.combinations(labellings, 2) gives every pair once.",
)
def ex09_4(diversity):
    """Write `diversity(labellings)`: the mean of 1 - NMI over all pairs of them."""
    generator = np.random.default_rng(4)
    three = np.array([[0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 1, 2], [5, 3, 3, 5, 5, 3]])
    for labellings in (three, generator.integers(0, 4, (5, 30)), three[[0, 0]] + 1):
        found = as_number(call_function(diversity, labellings))
        expected = ensembles.diversity(labellings)
        n_labellings = len(labellings)
        n_pairs = n_labellings * (n_labellings - 1) / 2
        first, second = np.triu_indices(n_labellings, 1)
        mistakes = {
            "This is how much they agree: subtract it from 1.": 1 - expected,
            "Do not pair a labelling with itself.": (
                expected * (n_labellings - 1) / n_labellings
            ),
            "This is a sum over the pairs: divide by their number.": (
                expected * n_pairs,
                2 * expected * n_pairs,
            ),
            "You compare names of clusters; NMI compares the partitions.": np.mean(
                labellings[first] != labellings[second]
            ),
        }
        otherwise = (
            f"For {labellings.tolist()}, you give {found:.4f}; right is {expected:.4f}."
        )
        compare_answer(found, expected, mistakes, otherwise)
    return "mean of 1 - NMI"


@exercise(
    "Choose voters without labels",
    hint="Fill a table (R, R) of NMIs, put 0 on its diagonal, and divide the sum of "
    "each row by R - 1. np.argsort sorts upwards.",
)
def ex09_5(most_agreeing):
    """Write `most_agreeing(labellings, n_kept)`: which voters agree most.

    Return the indices of the n_kept voters with the highest mean NMI with all the
    other voters, in any order.
    """
    for labellings, n_kept in _crowds():
        found = np.asarray(call_function(most_agreeing, labellings, n_kept))
        if found.ndim == 2 or (found.size and found.dtype.kind not in "iu"):
            raise NotYet("Return the indices of the voters, whole numbers.")
        if found.shape != (n_kept,):
            raise NotYet(f"Expected {n_kept} indices, but got {found.size}.")
        agreement = _agreements(labellings)
        mean = agreement.mean(axis=1)
        best = _highest(mean, n_kept)
        mistakes = {
            "These agree least: np.argsort sorts upwards.": _highest(-mean, n_kept),
            "Indices count from 0.": best + 1,
            "These agree most with a single other voter, perhaps a copy: take the mean "
            "over all the others.": _highest(agreement.max(axis=1), n_kept),
            "This is the median agreement: take the mean.": _highest(
                _median_of_others(agreement), n_kept
            ),
            "These agree most with the consensus: compare each voter with the other "
            "voters.": tuple(
                _highest(_with_consensus(labellings, k), n_kept) for k in (4, 7)
            ),
            "This is the agreement by ARI: take NMI.": _highest(
                _agreements(labellings, metrics.ari).mean(axis=1), n_kept
            ),
        }
        otherwise = (
            f"You give {sorted(found.tolist())} of {len(labellings)} voters, but "
            f"{best.tolist()} have the highest mean NMI with all the others."
        )
        compare_answer(np.sort(found), best, mistakes, otherwise)
    return "mean NMI with all the others"


def _highest(scores, n_kept):
    """Indices of the highest scores, in ascending order."""
    return np.sort(np.argsort(-np.asarray(scores), kind="stable")[:n_kept])


def _agreements(labellings, score=metrics.nmi):
    """Agreement of all pairs of labellings, (R, R); 0 on the diagonal."""
    found = np.array(
        [[score(labels_true=a, labels_pred=b) for a in labellings] for b in labellings]
    )
    np.fill_diagonal(found, 0)
    return found


def _median_of_others(agreement):
    n_voters = len(agreement)
    others = agreement[~np.eye(n_voters, dtype=bool)].reshape(n_voters, -1)
    return np.median(others, axis=1)


def _with_consensus(labellings, k):
    consensus = ensembles.evidence_accumulation(labellings, k)
    return [metrics.nmi(labels_true=consensus, labels_pred=x) for x in labellings]


def _crowds():
    """Voters of different quality, two of them copies, and how many to keep.

    With these seeds every mistake that is named gives another answer.
    """
    return (_crowd(99), 3), (_crowd(39), 4), (_crowd(193), 3)


def _crowd(seed):
    generator = np.random.default_rng(seed)
    truth = np.repeat(np.arange(4), [20, 16, 12, 8])
    crowd = []
    for share in (0.5, 0.3, 0.45, 0.35, 0.4, 0.55, 0.6, 0.75):
        labels = truth.copy()
        wrong = generator.random(len(truth)) < share
        labels[wrong] = generator.integers(0, 4, wrong.sum())
        crowd.append(labels)
    crowd.append(crowd[-1])  # a copy of the worst
    order = generator.permutation(len(crowd))
    return np.array([generator.permutation(4)[crowd[place]] for place in order])


N_ROUNDS = 10


@exercise(
    "An ensemble of your own",
    hint="def one(number): seeds = range(12 * number, 12 * number + 12), then twelve "
    "labellings and clustering.evidence_accumulation. The other recipe differs in one "
    'thing. recipes = {"one": one, "other": other}.',
)
def ex09_6(recipes, sentence):
    """Compare at least two recipes for an ensemble over ten rounds.

    recipes is {name: function}: function(number) returns the cluster labels that the
    recipe finds in the round of this number, 0 to 9, for all stamps or for all photos.
    They are run and scored here. The sentence says what the scores show.
    """
    require_words(sentence, "The sentence", 8, 80, different=8)
    number = "the number of the round"
    how = {"n_runs": N_ROUNDS, "at_least": "two"}
    found = run_clusterings(recipes, "recipe", number, **how)
    scores = {name: score_runs(name, labels) for name, labels in found.items()}
    means = {name: round(float(np.mean(nmi)), 4) for name, nmi in scores.items()}
    first, *others = scores
    wins = {
        other: int(np.sum(np.array(scores[other]) > scores[first])) for other in others
    }
    return {
        "nmi": means,
        "rounds": N_ROUNDS,
        "rounds_above_first": wins,
        "sentence": str(sentence),
    }
