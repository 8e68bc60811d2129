"""Checks of lesson 9: right, wrong in the usual ways, and untouched answers."""

import functools
from collections import Counter
from functools import partial
from itertools import combinations

import numpy as np
import pandas as pd
from lesson_answers import answer_tests, own_answers  # noqa: F401
from scipy import sparse
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.preprocessing import OneHotEncoder

from course_utils import images, metrics
from course_utils.clustering import ensembles


def together(labellings):
    return (labellings[:, :, None] == labellings[:, None, :]).mean(axis=0)


def product(labellings):
    return sparse.csr_matrix(together(labellings))


def by_names(labellings):
    counts = (labellings[:, :, None] == np.arange(labellings.max() + 1)).sum(axis=0)
    return counts @ counts.T / len(labellings)


def linked(linkage="average", metric="precomputed", similar=False):
    def consensus(labellings, k):
        matrix = ensembles.co_association(labellings)
        model = AgglomerativeClustering(k, metric=metric, linkage=linkage)
        return model.fit_predict(matrix if similar else 1 - matrix)

    return consensus


def nmis(labellings):
    return np.array(
        [
            [metrics.nmi(labels_true=a, labels_pred=b) for a in labellings]
            for b in labellings
        ]
    )


def over_pairs(labellings):
    return (1 - nmis(labellings))[np.triu_indices(len(labellings), 1)]


def agreeing(sign=-1, offset=0):
    def most_agreeing(labellings, n_kept):
        return np.argsort(sign * nmis(labellings).sum(axis=1))[:n_kept] + offset

    return most_agreeing


def names_differ(labellings):
    first, second = np.triu_indices(len(labellings), 1)
    return np.mean(labellings[first] != labellings[second])


def by(score, sign=-1):
    """Choose voters by something else than the mean NMI with the others."""

    def most_agreeing(labellings, n_kept):
        return np.argsort(sign * np.array(score(labellings)), kind="stable")[:n_kept]

    return most_agreeing


def by_scipy(labellings, k):
    tree = hierarchy.linkage(squareform(1 - together(labellings)), "average")
    return hierarchy.fcluster(tree, k, "maxclust")


def with_others(labellings, reduce):
    found = nmis(labellings)
    return [reduce(np.delete(row, place)) for place, row in enumerate(found)]


def with_consensus(k):
    def score(labellings):
        common = ensembles.evidence_accumulation(labellings, k)
        return [metrics.nmi(labels_true=common, labels_pred=x) for x in labellings]

    return score


def aris(labellings):
    return [sum(map(partial(adjusted_rand_score, x), labellings)) for x in labellings]


def by_pairs(labellings, n_kept):
    totals = Counter()
    for (i, one), (j, other) in combinations(enumerate(labellings), 2):
        agreement = normalized_mutual_info_score(one, other)
        totals[i] += agreement
        totals[j] += agreement
    return [place for place, _ in totals.most_common(n_kept)]


@functools.cache
def points(name="stamps"):
    image_set = images.load(name, progress=False)
    rows = [image_set.picture(i, 8).ravel() / 255 for i in range(len(image_set))]
    return np.array(rows)


def recipe(n_voters=3, k=7, name="stamps"):
    """A function that gives the consensus of k-means on tiny images."""

    def one_round(number):
        seeds = range(n_voters * number, n_voters * number + n_voters)
        voters = [
            KMeans(k, n_init=1, random_state=s).fit_predict(points(name)) for s in seeds
        ]
        return ensembles.evidence_accumulation(voters, 7)

    return one_round


def one_run(number):
    return KMeans(7, n_init=1, random_state=number).fit_predict(points()).tolist()


def unseeded(number):
    return KMeans(7, n_init=1).fit_predict(points())


def perfect(number):
    return images.load("stamps", progress=False).true_labels


def invented(number):
    return np.random.default_rng(number).integers(0, 7, 193)


SENTENCE = "Three voters score a little above one, but not in every round."


def together_by_loops(labellings):
    n_images = labellings.shape[1]
    counts = np.zeros((n_images, n_images), int)
    for labels in labellings:
        for i, j in np.ndindex(counts.shape):
            counts[i, j] += labels[i] == labels[j]
    return counts / len(labellings)


def product_of_one_hot(labellings):
    blocks = [
        sparse.csr_array(OneHotEncoder().fit_transform(x[:, None])) for x in labellings
    ]
    z = sparse.hstack(blocks)
    return z @ z.T / len(labellings)


RIGHT = [
    ("ex09_1", together),
    ("ex09_1", lambda labellings: together(labellings).tolist()),
    ("ex09_2", product),
    ("ex09_2", lambda labellings: sparse.coo_array(together(labellings))),
    ("ex09_3", linked()),
    ("ex09_3", ensembles.evidence_accumulation),
    ("ex09_3", by_scipy),
    ("ex09_3", lambda labellings, k: (linked()(labellings, k) + 5).tolist()),
    ("ex09_4", ensembles.diversity),
    ("ex09_5", agreeing()),
    ("ex09_5", lambda labellings, n: agreeing()(labellings, n)[::-1].tolist()),
    ("ex09_5", by(lambda x: with_others(x, np.mean))),
    ("ex09_5", by(lambda x: nmis(x).mean(axis=0))),
    ("ex09_5", by_pairs),
    ("ex09_5", lambda x, n: np.argpartition(-nmis(x).sum(axis=1), n)[:n]),
    ("ex09_6", {"three": recipe(), "one": one_run}, SENTENCE),
    ("ex09_6", {3: recipe(3), 5: recipe(5), "k 14": recipe(3, 14)}, SENTENCE),
    (
        "ex09_6",
        {"a": recipe(2, 10, "photos"), "b": partial(recipe(3, 10, "photos"))},
        SENTENCE,
    ),
    ("ex09_6", {"seeded": one_run, "constant": lambda number: one_run(3)}, SENTENCE),
    ("ex09_1", together_by_loops),
    ("ex09_2", product_of_one_hot),
    ("ex09_4", lambda x: over_pairs(x).mean()),
    (
        "ex09_4",
        lambda x: (
            1
            - np.mean(
                [
                    metrics.nmi(labels_true=a, labels_pred=b)
                    for a, b in combinations(x, 2)
                ]
            )
        ),
    ),
    (
        "ex09_5",
        lambda x, n: tuple(sorted(range(len(x)), key=lambda i: -nmis(x)[i].sum())[:n]),
    ),
]
WRONG = [
    ("ex09_1", lambda x: together(x) * len(x), "counts"),
    ("ex09_1", lambda x: together(x) - np.eye(x.shape[1]), "diagonal"),
    ("ex09_1", lambda x: np.triu(together(x)), "twice"),
    ("ex09_1", lambda x: 1 - together(x), "apart"),
    ("ex09_1", lambda x: together(x.T), "compare images"),
    ("ex09_1", lambda x: together(x)[0], "got shape (5,)"),
    ("ex09_1", lambda x: together(x) * 2, "at most 1"),
    ("ex09_1", lambda x: together(x) ** 2, "shares are wrong"),
    ("ex09_2", together, "sparse"),
    ("ex09_2", lambda x: sparse.csr_matrix(by_names(x)), "own columns"),
    ("ex09_2", lambda x: product(x) * len(x), "counts"),
    ("ex09_2", lambda x: product(x.T), "compare images"),
    ("ex09_3", linked(similar=True), "distances"),
    ("ex09_3", linked("single"), "single"),
    ("ex09_3", linked("complete"), "complete"),
    ("ex09_3", linked(metric="euclidean"), "precomputed"),
    ("ex09_3", linked("ward", "euclidean"), "Ward"),
    ("ex09_3", lambda x, k: linked()(x, k)[:-1], "one label per image"),
    ("ex09_3", lambda x, k: linked()(x, k + 1), "Expected 3 clusters, but got 4"),
    ("ex09_3", lambda x, k: np.arange(x.shape[1]) % k, "not the clusters"),
    ("ex09_4", lambda x: 1 - ensembles.diversity(x), "subtract it from 1"),
    ("ex09_4", lambda x: np.mean(1 - nmis(x)), "itself"),
    ("ex09_4", lambda x: over_pairs(x).sum(), "divide"),
    ("ex09_4", lambda x: (1 - nmis(x)).sum(), "divide"),
    ("ex09_4", names_differ, "names"),
    ("ex09_4", lambda x: 0.123, "right is"),
    ("ex09_5", agreeing(sign=1), "least"),
    ("ex09_5", agreeing(offset=1), "count from 0"),
    ("ex09_5", lambda x, n: np.arange(n), "have the highest mean NMI"),
    ("ex09_5", lambda x, n: x[agreeing()(x, n)], "Return the indices"),
    ("ex09_5", lambda x, n: agreeing()(x, n + 1), "Expected 3 indices, but got 4"),
    ("ex09_5", by(lambda x: with_others(x, np.max)), ["single other", "copy"]),
    ("ex09_5", by(lambda x: with_others(x, np.median)), "median"),
    ("ex09_5", by(with_consensus(4)), "consensus"),
    ("ex09_5", by(with_consensus(7)), "consensus"),
    ("ex09_5", by(aris), "ARI"),
    ("ex09_5", lambda x, n: nmis(x).mean(axis=1), "whole numbers"),
    ("ex09_6", 0.8, SENTENCE, "a dict"),
    ("ex09_6", pd.DataFrame({"nmi": [0.5]}), SENTENCE, "a dict"),
    ("ex09_6", {"a": 0.5, "b": 0.6}, SENTENCE, "must be a function"),
    ("ex09_6", {"a": one_run(0), "b": one_run(1)}, SENTENCE, "must be a function"),
    ("ex09_6", {"one": one_run}, SENTENCE, "two or more"),
    ("ex09_6", {"a": recipe(), "b": lambda n: 0.5}, SENTENCE, "one label per image"),
    (
        "ex09_6",
        {"a": recipe(), "b": lambda n: one_run(n)[:9]},
        SENTENCE,
        "193 (stamps)",
    ),
    ("ex09_6", {"a": recipe(), "b": recipe(name="photos")}, SENTENCE, "same images"),
    ("ex09_6", {"a": recipe(), "b": unseeded}, SENTENCE, "different clusters"),
    ("ex09_6", {"a": recipe(), "b": perfect}, SENTENCE, "true labels"),
    ("ex09_6", {"a": recipe(), "b": invented}, SENTENCE, "no more than chance"),
    ("ex09_6", {"a": recipe(), "b": recipe()}, SENTENCE, "same clusters"),
    (
        "ex09_6",
        {"a": lambda n: one_run(0), "b": lambda n: one_run(1)},
        SENTENCE,
        "number of the round",
    ),
    ("ex09_6", {"a": recipe(), "b": one_run}, "It is better.", "8 to 80"),
    ("ex09_6", {"a": recipe(), "b": one_run}, "a a a a a a a a a", "repeats itself"),
]


test_right, test_wrong, test_untouched, test_enough = answer_tests(RIGHT, WRONG)
