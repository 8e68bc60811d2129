"""Checks of lesson 8: ensembles of backbones."""

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
    require_fair_comparison,
    same_numbers,
    same_partition,
)


@exercise(
    "Co-association with loops",
    hint="Three loops: over the labellings, over i, over j. Add 1 where labels[i] "
    "equals labels[j], and divide once at the end.",
)
def ex08_1(together_by_loops):
    """Write `together_by_loops(labelings)`, one row per labelling, with loops.

    Entry (i, j) of the result is the share of the labellings in which images i and j
    are in the same cluster.
    """
    for labelings in _probes():
        _compare_shares(call_function(together_by_loops, labelings), labelings)
    return "co-association"


@exercise(
    "Co-association as one sparse product",
    hint="One block per labelling: ones at (image, number of its cluster), shape "
    "(images, clusters of this labelling). sparse.hstack puts blocks side by side.",
)
def ex08_2(together_by_product):
    """Write `together_by_product(labelings)`: the co-association as a sparse matrix.

    Make the sparse Z, one column per cluster of each labelling, and return Z @ Z.T / R
    for R labellings.
    """
    for labelings in _probes():
        found = call_function(together_by_product, labelings)
        if not sparse.issparse(found):
            raise NotYet(
                f"The result has type {type(found).__name__}: make Z with "
                "sparse.csr_matrix, and leave the product sparse."
            )
        _compare_shares(found.toarray(), labelings)
    return "co-association, sparse"


def _probes():
    """Labellings with gaps in the names, other numbers of clusters, one labelling."""
    generator = np.random.default_rng(8)
    gaps = np.array([[0, 0, 4, 4, 7], [9, 2, 2, 9, 9], [1, 1, 1, 1, 1]])
    return gaps, generator.integers(0, 3, (4, 9)), generator.integers(0, 5, (1, 7))


def _compare_shares(answer, labelings):
    n_labelings, n_images = labelings.shape
    known_shapes = {
        (n_labelings, n_labelings): f"For {n_images} images your matrix has shape "
        f"({n_labelings}, {n_labelings}), so it compares labellings: compare images."
    }
    what = "one share per pair of images"
    found = as_array(answer, what, (n_images, n_images), known_shapes)
    expected = (labelings[:, :, None] == labelings[:, None, :]).mean(axis=0)
    mistakes = {
        "These are counts: divide them by the number of labellings.": (
            expected * n_labelings
        ),
        "An image is always together with itself: the diagonal is 1.": (
            expected - np.eye(n_images)
        ),
        "This is the share of labellings that keep them apart.": 1 - expected,
        "Clusters of different labellings share columns because they have the same "
        "name: give each labelling its own columns.": _add_by_names(labelings),
    }
    otherwise = f"The shares are wrong for the labellings {labelings.tolist()}."
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


def _add_by_names(labelings):
    """What comes out if the one-hot tables are added instead of put side by side."""
    counts = (labelings[:, :, None] == np.arange(labelings.max() + 1)).sum(axis=0)
    return counts @ counts.T / len(labelings)


@exercise(
    "Evidence accumulation",
    hint='AgglomerativeClustering(k, metric="precomputed", linkage="average") on one '
    "minus the co-association.",
)
def ex08_3(consensus):
    """Write `consensus(labelings, k)`: k clusters by average linkage.

    The distance of two images is 1 minus their co-association.
    """
    for labelings, k in _chains():
        what = "one label per image"
        value = call_function(consensus, labelings, k)
        found = as_array(value, what, (labelings.shape[1],))
        n_clusters = len(set(found.tolist()))
        if n_clusters != k:
            raise NotYet(f"Expected {k} clusters, but got {n_clusters}.")
        together = ensembles.co_association(labelings)
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
        expected = ensembles.evidence_accumulation(labelings, k)
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
    hint="itertools.combinations(labelings, 2) gives every pair once.",
)
def ex08_4(diversity):
    """Write `diversity(labelings)`: the mean of 1 - NMI over all pairs of them."""
    generator = np.random.default_rng(4)
    three = np.array([[0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 1, 2], [5, 3, 3, 5, 5, 3]])
    for labelings in (three, generator.integers(0, 4, (5, 30)), three[[0, 0]] + 1):
        found = as_number(call_function(diversity, labelings))
        expected = ensembles.diversity(labelings)
        n_labelings = len(labelings)
        n_pairs = n_labelings * (n_labelings - 1) / 2
        first, second = np.triu_indices(n_labelings, 1)
        mistakes = {
            "This is how much they agree: subtract it from 1.": 1 - expected,
            "Do not pair a labelling with itself.": (
                expected * (n_labelings - 1) / n_labelings
            ),
            "This is a sum over the pairs: divide by their number.": (
                expected * n_pairs,
                2 * expected * n_pairs,
            ),
            "You compare names of clusters; NMI compares the partitions.": np.mean(
                labelings[first] != labelings[second]
            ),
        }
        otherwise = (
            f"For {labelings.tolist()}, you give {found:.4f}; right is {expected:.4f}."
        )
        compare_answer(found, expected, mistakes, otherwise)
    return "mean of 1 - NMI"


@exercise(
    "Choose voters without labels",
    hint="Fill a table (R, R) of NMIs, put 0 on its diagonal, sum every row and use "
    "np.argsort.",
)
def ex08_5(most_agreeing):
    """Write `most_agreeing(labelings, n_kept)`: which labellings agree most.

    Return the indices of the n_kept labellings with the highest mean NMI with all the
    others.
    """
    for labelings, n_kept in _crowds():
        found = np.asarray(call_function(most_agreeing, labelings, n_kept))
        if found.ndim == 2 or (found.size and found.dtype.kind not in "iu"):
            raise NotYet(
                "Return the indices of the labellings in the list, whole numbers."
            )
        if found.shape != (n_kept,):
            raise NotYet(f"Expected {n_kept} indices, but got {found.size}.")
        agreement = np.array(
            [
                [metrics.nmi(labels_true=a, labels_pred=b) for a in labelings]
                for b in labelings
            ]
        )
        np.fill_diagonal(agreement, 0)
        order = np.argsort(-agreement.sum(axis=1))
        best = np.sort(order[:n_kept])
        mistakes = {
            "These agree least: np.argsort sorts upwards.": np.sort(order[-n_kept:]),
            "Indices count from 0.": best + 1,
        }
        otherwise = (
            f"You give {sorted(found.tolist())} of {len(labelings)} labellings, but "
            f"{best.tolist()} agree most with all the others."
        )
        compare_answer(np.sort(found), best, mistakes, otherwise)
    return "most agreeing"


def _crowds():
    """Labellings of different quality, in random order, and how many to keep."""
    generator = np.random.default_rng(5)
    truth = np.repeat(np.arange(4), 15)
    crowd = []
    for share in (0.5, 0.1, 0.9, 0.2, 0.7, 0.05, 0.35):
        labels = truth.copy()
        wrong = generator.random(len(truth)) < share
        labels[wrong] = generator.integers(0, 4, wrong.sum())
        crowd.append(generator.permutation(4)[labels])
    return (np.array(crowd), 3), (np.array(crowd), 5), (np.array(crowd), 1)


@exercise(
    "An ensemble of your own",
    hint="Use the same draws for both: a list of dicts, one per recipe and draw, then "
    "pd.DataFrame.",
)
def ex08_6(comparison):
    """Compare at least two recipes for an ensemble on the same five draws or more.

    Give a table with the columns recipe, draw and nmi, one row per recipe and draw.
    """
    return require_fair_comparison(comparison, "draw", 5)
