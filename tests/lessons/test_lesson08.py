"""Checks of lesson 8: right, wrong in the usual ways, and untouched answers."""

import numpy as np
import pytest
from lesson_answers import answer_tests, own_answers  # noqa: F401
from scipy.spatial.distance import pdist, squareform
from sklearn.manifold import trustworthiness as sklearn_trustworthiness
from sklearn.neighbors import kneighbors_graph
from small_sets import one_thread  # noqa: F401

pytestmark = pytest.mark.usefixtures("no_answers")


def svd(vectors):
    return np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)


def pca_2d(vectors, flip=1):
    return (vectors - vectors.mean(axis=0)) @ svd(vectors)[2][:2].T * flip


def pca_by_covariance(vectors):
    centred = vectors - vectors.mean(axis=0)
    return centred @ np.linalg.eigh(centred.T @ centred)[1][:, [-1, -2]]


def pca_without_centring(vectors):
    return vectors @ np.linalg.svd(vectors, full_matrices=False)[2][:2].T


def pca_of_rows(vectors):
    by_rows = vectors - vectors.mean(axis=1, keepdims=True)
    return by_rows @ np.linalg.svd(by_rows, full_matrices=False)[2][:2].T


def pca_by_columns(vectors):
    return (vectors - vectors.mean(axis=0)) @ svd(vectors)[2][:, :2]


def nearest(places, k, itself=False, far=False):
    apart = squareform(pdist(places))
    if not itself and not far:
        np.fill_diagonal(apart, np.inf)
    return np.argsort(-apart if far else apart, axis=1, kind="stable")[:, :k]


def kept(vectors, points, k, **how):
    pairs = zip(nearest(vectors, k, **how), nearest(points, k, **how), strict=True)
    return np.mean([len(set(one) & set(other)) for one, other in pairs]) / k


def kept_jaccard(vectors, points, k):
    pairs = zip(nearest(vectors, k), nearest(points, k), strict=True)
    return np.mean([len({*a} & {*b}) / len({*a} | {*b}) for a, b in pairs])


def trust(vectors, points, k, shift=0, itself=False, least=0, minus=None):
    """With the mistakes: ranks shifted, itself among the neighbours, r in place of …"""
    n = len(points)
    ranks = np.argsort(nearest(vectors, n, itself=True), axis=1) + shift
    total = 0
    for i, neighbours in enumerate(nearest(points, k, itself=itself)):
        for j in neighbours:
            fault = ranks[i, j] - k
            if minus is not None:
                fault = ranks[i, j] - minus if fault > 0 else 0
            total += max(least, fault)
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * total


TRUE = ["g", "a", "f"]


def kept_by_sklearn(vectors, points, k):
    graphs = [kneighbors_graph(places, k) for places in (vectors, points)]
    return graphs[0].multiply(graphs[1]).sum() / (k * len(points))


RIGHT = [
    ("ex08_1", pca_2d),
    ("ex08_1", lambda v: pca_2d(v, flip=[-1, 1]).tolist()),
    ("ex08_1", pca_by_covariance),
    ("ex08_2", kept),
    ("ex08_3", trust),
    ("ex08_3", lambda v, p, k: sklearn_trustworthiness(v, p, n_neighbors=k)),
    ("ex08_4", set(TRUE)),
    ("ex08_4", tuple(TRUE)),
    ("ex08_4", "AFG"),
    ("ex08_2", lambda v, p, k: float(kept(v, p, k))),
    ("ex08_2", kept_by_sklearn),
    ("ex08_3", lambda v, p, k: [trust(v, p, k)]),
]
WRONG = [
    ("ex08_1", lambda v: pca_2d(v).T, "one row per image"),
    ("ex08_1", lambda v: svd(v)[2][:2], "multiply the points by them"),
    ("ex08_1", lambda v: pca_2d(v)[:, :1], "got shape (30, 1)"),
    ("ex08_1", pca_without_centring, "Centre the points first"),
    ("ex08_1", pca_by_columns, "whose *rows* are the directions"),
    ("ex08_1", pca_of_rows, "not of every image"),
    ("ex08_1", lambda v: svd(v)[0][:, :2], "the same variance"),
    ("ex08_1", lambda v: v @ svd(v)[2][:2].T, "*centred*"),
    ("ex08_1", lambda v: (v - v.mean(axis=0)) @ svd(v)[2][-2:].T, "*last* two"),
    ("ex08_1", lambda v: pca_2d(v)[:, ::-1], "The first column"),
    ("ex08_1", lambda v: v[:, :2], "not the points along"),
    ("ex08_1", lambda v: 1 / 0, "ZeroDivisionError"),
    ("ex08_2", lambda v, p, k: kept(v, p, k, itself=True), "leave the diagonal out"),
    ("ex08_2", lambda v, p, k: kept(v, p, k, far=True), "furthest away"),
    ("ex08_2", lambda v, p, k: kept(v, p, k) * k, "divide by k"),
    ("ex08_2", lambda v, p, k: kept(v, p, k) * len(p), "number of images"),
    ("ex08_2", lambda v, p, k: kept(v, p, k) * k / len(p), "not by the number"),
    (
        "ex08_2",
        lambda v, p, k: np.mean(nearest(v, k) == nearest(p, k)),
        "order does not count",
    ),
    ("ex08_2", kept_jaccard, "over the union"),
    ("ex08_2", lambda v, p, k: 1 - kept(v, p, k), "lost"),
    ("ex08_2", lambda v, p, k: 0.123, "is right (k=5)"),
    ("ex08_3", lambda v, p, k: trust(p, v, k), "swapped"),
    ("ex08_3", lambda v, p, k: 1 - trust(v, p, k), "subtract it from 1"),
    ("ex08_3", lambda v, p, k: trust(v, p, k, least=-k), "max(0, …) is missing"),
    ("ex08_3", lambda v, p, k: trust(v, p, k, shift=-1), "0 is the image itself"),
    ("ex08_3", lambda v, p, k: trust(v, p, k, shift=1), "not with 2"),
    ("ex08_3", lambda v, p, k: trust(v, p, k, itself=True), "not among its own"),
    ("ex08_3", lambda v, p, k: trust(v, p, k, minus=0), "not r"),
    ("ex08_3", lambda v, p, k: (1 + trust(v, p, k)) / 2, "the 2 in the numerator"),
    ("ex08_3", lambda v, p, k: 0.5, "is right (k=5)"),
    ("ex08_4", {"a", "f"}, "Think about g again"),
    ("ex08_4", {"a", "c", "f", "g"}, "Think about c again"),
    ("ex08_4", {"a", "z"}, "no statement z"),
    ("ex08_4", set(), "Think about a again"),
]


test_right, test_wrong, test_untouched, test_enough = answer_tests(RIGHT, WRONG)
