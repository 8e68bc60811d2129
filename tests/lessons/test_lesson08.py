"""Checks of lesson 8: right, wrong in the usual ways, and untouched answers."""

from itertools import combinations

import numpy as np
import pandas as pd
from lesson_answers import answer_tests, own_answers  # noqa: F401
from scipy import sparse
from sklearn.cluster import AgglomerativeClustering
from sklearn.preprocessing import OneHotEncoder

from course_utils import metrics
from course_utils.clustering import ensembles


def together(labelings):
    return (labelings[:, :, None] == labelings[:, None, :]).mean(axis=0)


def product(labelings):
    return sparse.csr_matrix(together(labelings))


def by_names(labelings):
    counts = (labelings[:, :, None] == np.arange(labelings.max() + 1)).sum(axis=0)
    return counts @ counts.T / len(labelings)


def linked(linkage="average", metric="precomputed", similar=False):
    def consensus(labelings, k):
        matrix = ensembles.co_association(labelings)
        model = AgglomerativeClustering(k, metric=metric, linkage=linkage)
        return model.fit_predict(matrix if similar else 1 - matrix)

    return consensus


def nmis(labelings):
    return np.array(
        [
            [metrics.nmi(labels_true=a, labels_pred=b) for a in labelings]
            for b in labelings
        ]
    )


def over_pairs(labelings):
    return (1 - nmis(labelings))[np.triu_indices(len(labelings), 1)]


def agreeing(sign=-1, offset=0):
    def most_agreeing(labelings, n_kept):
        return np.argsort(sign * nmis(labelings).sum(axis=1))[:n_kept] + offset

    return most_agreeing


def names_differ(labelings):
    first, second = np.triu_indices(len(labelings), 1)
    return np.mean(labelings[first] != labelings[second])


def comparison(recipes=("one", "two"), n_draws=5):
    rows = [
        {"recipe": r, "draw": d, "nmi": 0.5} for r in recipes for d in range(n_draws)
    ]
    return pd.DataFrame(rows)


def together_by_loops(labelings):
    n_images = labelings.shape[1]
    counts = np.zeros((n_images, n_images), int)
    for labels in labelings:
        for i, j in np.ndindex(counts.shape):
            counts[i, j] += labels[i] == labels[j]
    return counts / len(labelings)


def product_of_one_hot(labelings):
    blocks = [
        sparse.csr_array(OneHotEncoder().fit_transform(x[:, None])) for x in labelings
    ]
    z = sparse.hstack(blocks)
    return z @ z.T / len(labelings)


RIGHT = [
    ("ex08_1", together),
    ("ex08_1", lambda labelings: together(labelings).tolist()),
    ("ex08_2", product),
    ("ex08_2", lambda labelings: sparse.coo_array(together(labelings))),
    ("ex08_3", linked()),
    ("ex08_3", ensembles.evidence_accumulation),
    ("ex08_3", lambda labelings, k: (linked()(labelings, k) + 5).tolist()),
    ("ex08_4", ensembles.diversity),
    ("ex08_5", agreeing()),
    ("ex08_5", lambda labelings, n: agreeing()(labelings, n)[::-1].tolist()),
    ("ex08_6", comparison()),
    ("ex08_6", comparison(("a", "b", "c"), 10)),
    ("ex08_1", together_by_loops),
    ("ex08_2", product_of_one_hot),
    ("ex08_4", lambda x: over_pairs(x).mean()),
    (
        "ex08_4",
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
        "ex08_5",
        lambda x, n: tuple(sorted(range(len(x)), key=lambda i: -nmis(x)[i].sum())[:n]),
    ),
    ("ex08_6", comparison(("a", "b")).sample(frac=1, random_state=0)),
]
WRONG = [
    ("ex08_1", lambda x: together(x) * len(x), "counts"),
    ("ex08_1", lambda x: together(x) - np.eye(x.shape[1]), "diagonal"),
    ("ex08_1", lambda x: np.triu(together(x)), "twice"),
    ("ex08_1", lambda x: 1 - together(x), "apart"),
    ("ex08_1", lambda x: together(x.T), "compare images"),
    ("ex08_1", lambda x: together(x)[0], "got shape (5,)"),
    ("ex08_1", lambda x: together(x) * 2, "at most 1"),
    ("ex08_1", lambda x: together(x) ** 2, "shares are wrong"),
    ("ex08_2", together, "sparse"),
    ("ex08_2", lambda x: sparse.csr_matrix(by_names(x)), "own columns"),
    ("ex08_2", lambda x: product(x) * len(x), "counts"),
    ("ex08_2", lambda x: product(x.T), "compare images"),
    ("ex08_3", linked(similar=True), "distances"),
    ("ex08_3", linked("single"), "single"),
    ("ex08_3", linked("complete"), "complete"),
    ("ex08_3", linked(metric="euclidean"), "precomputed"),
    ("ex08_3", linked("ward", "euclidean"), "Ward"),
    ("ex08_3", lambda x, k: linked()(x, k)[:-1], "one label per image"),
    ("ex08_3", lambda x, k: linked()(x, k + 1), "Expected 3 clusters, but got 4"),
    ("ex08_3", lambda x, k: np.arange(x.shape[1]) % k, "not the clusters"),
    ("ex08_4", lambda x: 1 - ensembles.diversity(x), "subtract it from 1"),
    ("ex08_4", lambda x: np.mean(1 - nmis(x)), "itself"),
    ("ex08_4", lambda x: over_pairs(x).sum(), "divide"),
    ("ex08_4", lambda x: (1 - nmis(x)).sum(), "divide"),
    ("ex08_4", names_differ, "names"),
    ("ex08_4", lambda x: 0.123, "right is"),
    ("ex08_5", agreeing(sign=1), "least"),
    ("ex08_5", agreeing(offset=1), "count from 0"),
    ("ex08_5", lambda x, n: np.arange(n), "agree most"),
    ("ex08_5", lambda x, n: x[agreeing()(x, n)], "Return the indices"),
    ("ex08_5", lambda x, n: agreeing()(x, n + 1), "Expected 3 indices, but got 4"),
    ("ex08_6", comparison().drop(columns="draw"), "lacks draw"),
    ("ex08_6", 0.8, "a table with the columns"),
    ("ex08_6", comparison(("one",)), "two or more"),
    ("ex08_6", pd.concat([comparison(), comparison()]), "same draw"),
    ("ex08_6", comparison().assign(nmi=np.nan), "between 0 and 1"),
    ("ex08_6", comparison().iloc[:-1], "same draws"),
    ("ex08_6", comparison(n_draws=4), "at least 5 draws"),
]


test_right, test_wrong, test_untouched, test_enough = answer_tests(RIGHT, WRONG)
