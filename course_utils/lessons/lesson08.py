"""Checks of lesson 8, ensembles of backbones."""

import numpy as np
from scipy import sparse
from sklearn.cluster import AgglomerativeClustering

from course_utils import metrics
from course_utils.clustering import ensembles
from course_utils.lessons.exercises import NotYet, attempted, exercise


@exercise(
    "Co-association with loops",
    hint="Three loops: over the labelings, over i, over j. Add 1 where labels[i] "
    "equals labels[j], and divide once at the end.",
)
def ex08_1(together_by_loops):
    for labelings in _probes():
        found = attempted(together_by_loops(labelings.copy()))
        _compare(np.asarray(found), labelings)
    return "co-association"


@exercise(
    "Co-association as one sparse product",
    hint="One block a labeling: ones at (picture, number of its cluster), shape "
    "(pictures, clusters of this labeling). sparse.hstack puts blocks side by side.",
)
def ex08_2(together_by_product):
    for labelings in _probes():
        found = attempted(together_by_product(labelings.copy()))
        if not sparse.issparse(found):
            raise NotYet(
                f"that is a {type(found).__name__}: make Z with sparse.csr_matrix, and "
                "leave the product sparse"
            )
        _compare(found.toarray(), labelings)
    return "co-association, sparse"


def _probes():
    """Labelings with gaps in the names, other numbers of clusters, one labeling."""
    generator = np.random.default_rng(8)
    gaps = np.array([[0, 0, 4, 4, 7], [9, 2, 2, 9, 9], [1, 1, 1, 1, 1]])
    return gaps, generator.integers(0, 3, (4, 9)), generator.integers(0, 5, (1, 7))


def _compare(found, labelings):
    n_labelings, n_images = labelings.shape
    if found.shape != (n_images, n_images):
        message = f"{n_images} pictures give a matrix of {found.shape}: "
        if found.shape == (n_labelings, n_labelings):
            message += "that compares labelings; compare pictures"
        else:
            message += f"({n_images}, {n_images}) is expected"
        raise NotYet(message)
    expected = (labelings[:, :, None] == labelings[:, None, :]).mean(axis=0)
    if np.allclose(found, expected, atol=1e-5):
        return
    if np.allclose(found, expected * n_labelings, atol=1e-5):
        raise NotYet("those are counts: divide by the number of labelings")
    if np.allclose(found, expected - np.eye(n_images), atol=1e-5):
        raise NotYet("a picture is always together with itself: the diagonal is 1")
    if np.allclose(found, np.triu(found)) or np.allclose(found, np.tril(found)):
        raise NotYet("each pair stands twice in the matrix, at [i, j] and at [j, i]")
    if np.allclose(found, 1 - expected, atol=1e-5):
        raise NotYet("that is the share of labelings that keep them apart")
    if np.allclose(found, _by_names(labelings), atol=1e-5):
        raise NotYet(
            "clusters of different labelings share columns because they have the same "
            "name: give each labeling its own columns"
        )
    if (found > 1 + 1e-6).any():
        raise NotYet(
            "a share is at most 1: each labeling adds 0 or 1, then divide by R"
        )
    raise NotYet(f"for the labelings {labelings.tolist()} the shares are others")


def _by_names(labelings):
    """What comes out if the one-hot tables are added instead of put side by side."""
    counts = (labelings[:, :, None] == np.arange(labelings.max() + 1)).sum(axis=0)
    return counts @ counts.T / len(labelings)


@exercise(
    "Evidence accumulation",
    hint='AgglomerativeClustering(k, metric="precomputed", linkage="average") on one '
    "minus the co-association.",
)
def ex08_3(consensus):
    for labelings, k in _chains():
        found = np.asarray(attempted(consensus(labelings.copy(), k)))
        if found.shape != (labelings.shape[1],):
            raise NotYet(
                f"return one label a picture, shape ({labelings.shape[1]},), not "
                f"{found.shape}"
            )
        if len(set(found.tolist())) != k:
            raise NotYet(f"{len(set(found.tolist()))} clusters, where k={k}")
        if _same(found, ensembles.evidence_accumulation(labelings, k)):
            continue
        together = ensembles.co_association(labelings)
        apart = 1 - together
        given = "precomputed"
        mistakes = {
            "average linkage wants distances, and M is large for pictures that "
            "belong together": (together, "average", given),
            "that is single linkage, the smallest distance": (apart, "single", given),
            "that is complete linkage, the largest": (apart, "complete", given),
            "metric='precomputed' is missing": (apart, "average", "euclidean"),
            "that is Ward: name linkage='average'": (apart, "ward", "euclidean"),
        }
        for message, (matrix, linkage, metric) in mistakes.items():
            if _same(found, _linked(matrix, k, linkage, metric)):
                raise NotYet(message)
        raise NotYet("those are not the clusters of average linkage on 1 − M")
    return "average linkage"


def _linked(matrix, k, linkage, metric):
    return AgglomerativeClustering(k, metric=metric, linkage=linkage).fit_predict(
        matrix
    )


def _same(one, other):
    """The same partition, whatever the clusters are called."""
    return metrics.ari(labels_true=one, labels_pred=other) == 1


def _chains():
    """Labelings on which the linkages give different clusters."""
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
    generator = np.random.default_rng(4)
    three = np.array([[0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 1, 2], [5, 3, 3, 5, 5, 3]])
    for labelings in (three, generator.integers(0, 4, (5, 30)), three[[0, 0]] + 1):
        found = float(attempted(diversity(labelings.copy())))
        expected = ensembles.diversity(labelings)
        if np.isclose(found, expected, atol=1e-6):
            continue
        n_labelings = len(labelings)
        n_pairs = n_labelings * (n_labelings - 1) / 2
        if np.isclose(found, 1 - expected, atol=1e-6):
            raise NotYet("that is how much they agree: take it from 1")
        with_itself = expected * (n_labelings - 1) / n_labelings
        if np.isclose(found, with_itself, atol=1e-6):
            raise NotYet("a labeling is not paired with itself")
        if np.isclose(found, expected * n_pairs) or np.isclose(
            found, 2 * expected * n_pairs
        ):
            raise NotYet("that is a sum over the pairs: divide by their number")
        unequal = [
            np.mean(one != other)
            for i, one in enumerate(labelings)
            for other in labelings[i + 1 :]
        ]
        if np.isclose(found, np.mean(unequal)):
            raise NotYet("you compare names of clusters; NMI compares the partitions")
        raise NotYet(
            f"{found:.4f} for {labelings.tolist()}: {expected:.4f} is expected"
        )
    return "mean of 1 - NMI"


@exercise(
    "Choose voters without labels",
    hint="Fill a table (R, R) of NMIs, put 0 on its diagonal, take the sum of every "
    "row and then np.argsort.",
)
def ex08_5(most_agreeing):
    for labelings, n_kept in _crowds():
        found = np.asarray(attempted(most_agreeing(labelings.copy(), n_kept)))
        if found.ndim == 2 or (found.size and found.dtype.kind not in "iu"):
            raise NotYet(
                "return the places of the labelings in the list, whole numbers"
            )
        if found.shape != (n_kept,):
            raise NotYet(f"{n_kept} places were asked for, not {found.size}")
        agreement = np.array(
            [
                [metrics.nmi(labels_true=a, labels_pred=b) for a in labelings]
                for b in labelings
            ]
        )
        np.fill_diagonal(agreement, 0)
        order = np.argsort(-agreement.sum(axis=1))
        chosen = set(found.tolist())
        if chosen == set(order[:n_kept].tolist()):
            continue
        if chosen == set(order[-n_kept:].tolist()):
            raise NotYet("those agree least: np.argsort sorts upwards")
        if chosen == set((order[:n_kept] + 1).tolist()):
            raise NotYet("places count from 0")
        raise NotYet(
            f"{sorted(chosen)} of {len(labelings)} labelings, where "
            f"{sorted(order[:n_kept].tolist())} agree most with all the others"
        )
    return "most agreeing"


def _crowds():
    """Labelings of different quality, in an order that says nothing, and how many."""
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
    hint="The same draws for both: a list of dicts, one a recipe and draw, then "
    "pd.DataFrame.",
)
def ex08_6(comparison):
    missing = {"recipe", "draw", "nmi"} - set(getattr(comparison, "columns", ()))
    if missing:
        raise NotYet(
            f"give a table with the columns recipe, draw and nmi: it lacks "
            f"{', '.join(sorted(missing))}"
        )
    if comparison["recipe"].nunique() < 2:
        raise NotYet("one recipe is no comparison: take two or more")
    if comparison.duplicated(["recipe", "draw"]).any():
        raise NotYet("a recipe has more than one row for the same draw")
    nmi = comparison["nmi"].astype(float)
    if nmi.isna().any() or not nmi.between(0, 1).all():
        raise NotYet("every row needs an NMI between 0 and 1")
    draws = comparison.groupby("recipe")["draw"].agg(lambda found: tuple(sorted(found)))
    if draws.nunique() > 1:
        raise NotYet("every recipe gets the same draws")
    if len(draws.iloc[0]) < 5:
        raise NotYet("take at least five draws: a single one may be luck")
    return comparison.groupby("recipe")["nmi"].mean().round(4).to_dict()
