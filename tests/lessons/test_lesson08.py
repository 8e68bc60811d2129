"""Checks of lesson 8: right, wrong in the usual ways, and untouched answers."""

import functools

import numpy as np
import pytest
from lesson_answers import answer_tests, own_answers  # noqa: F401
from scipy.spatial.distance import pdist, squareform
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness as sklearn_trustworthiness
from sklearn.neighbors import NearestNeighbors, kneighbors_graph
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


def kept(vectors, points, k, extra=0, **how):
    pairs = zip(
        nearest(vectors, k + extra, **how),
        nearest(points, k + extra, **how),
        strict=True,
    )
    return np.array([len(set(one) & set(other)) for one, other in pairs]) / k


def kept_jaccard(vectors, points, k):
    pairs = zip(nearest(vectors, k), nearest(points, k), strict=True)
    return np.array([len({*a} & {*b}) / len({*a} | {*b}) for a, b in pairs])


def kept_by_loops(vectors, points, k):
    found = []
    for i in range(len(points)):
        near = []
        for rows in (vectors, points):
            distances = [
                (sum((a - b) ** 2 for a, b in zip(rows[i], rows[j], strict=True)), j)
                for j in range(len(rows))
                if j != i
            ]
            near.append([j for _, j in sorted(distances)[:k]])
        found.append(sum(j in near[1] for j in near[0]) / k)
    return found


def kept_with_one_more(vectors, points, k):
    """k + 1 neighbours, the first of which is the image itself."""
    one, other = (
        NearestNeighbors(n_neighbors=k + 1).fit(x).kneighbors(x)[1][:, 1:]
        for x in (vectors, points)
    )
    return [np.isin(a, b).mean() for a, b in zip(one, other, strict=True)]


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


def trust_mistaken(vectors, points, k, fault):
    """With another fault than max(0, r - k), a function of the ranks and k."""
    n = len(points)
    ranks = np.argsort(nearest(vectors, n, itself=True), axis=1)
    ranks = np.take_along_axis(ranks, nearest(points, k), axis=1)
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * np.sum(fault(ranks, k))


def trust_sorted_once(vectors, points, k):
    n = len(points)
    order = nearest(vectors, n, itself=True)
    faults = np.take_along_axis(order, nearest(points, k), axis=1) - k
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * np.maximum(0, faults).sum()


def trust_by_loops(vectors, points, k):
    n, total = len(points), 0
    for i in range(n):
        in_features = [np.linalg.norm(vectors[i] - v) for v in vectors]
        on_map = [np.linalg.norm(points[i] - p) for p in points]
        others = [j for j in range(n) if j != i]
        for j in sorted(others, key=on_map.__getitem__)[:k]:
            rank = sum(in_features[m] < in_features[j] for m in others) + 1
            total += max(rank - k, 0)
    return 1 - total * 2 / (n * k * (2 * n - 3 * k - 1))


def kept_by_sklearn(vectors, points, k):
    graphs = [kneighbors_graph(places, k) for places in (vectors, points)]
    return graphs[0].multiply(graphs[1]).sum(axis=1) / k  # a matrix (n, 1)


def mixed_signs(vectors):
    signs = np.random.default_rng(0).choice([-1, 1], (len(vectors), 1))
    return pca_2d(vectors) * signs


@functools.cache
def cloud():
    """Features of 60 images in three groups."""
    generator = np.random.default_rng(8)
    return np.repeat(np.eye(3, 12), 20, axis=0) + generator.normal(size=(60, 12)) / 9


def directions(first=0):
    return cloud()[:, [first, first + 1]]


MAPS = {"PCA": pca_2d(cloud()), "two columns": directions()}
WORDS = "Both maps keep the three groups, and neither of them shows how wide they are."

RIGHT = [
    ("ex08_1", pca_2d),
    ("ex08_1", lambda v: pca_2d(v, flip=[-1, 1]).tolist()),
    ("ex08_1", pca_by_covariance),
    ("ex08_1", lambda v: PCA(2).fit_transform(v)),
    ("ex08_1", lambda v: (svd(v)[0] * svd(v)[1])[:, :2].astype(np.float32)),
    ("ex08_2", kept),
    ("ex08_2", kept_by_sklearn),
    ("ex08_2", kept_by_loops),
    ("ex08_2", kept_with_one_more),
    ("ex08_2", lambda v, p, k: tuple(kept(v, p, k))),
    ("ex08_3", trust),
    ("ex08_3", trust_by_loops),
    ("ex08_3", lambda v, p, k: sklearn_trustworthiness(v, p, n_neighbors=k)),
    ("ex08_3", lambda v, p, k: [trust(v, p, k)]),
    ("ex08_4", set(TRUE)),
    ("ex08_4", tuple(TRUE)),
    ("ex08_4", "AFG"),
    ("ex08_5", cloud(), MAPS, WORDS),
    ("ex08_5", cloud().tolist(), {"a": MAPS["PCA"].tolist(), 2: directions()}, WORDS),
    ("ex08_5", cloud(), MAPS | {"three": directions(1)}, WORDS),
]
WRONG = [
    ("ex08_1", lambda v: pca_2d(v).T, "one row per image"),
    ("ex08_1", lambda v: svd(v)[2][:2], "multiply the points by them"),
    ("ex08_1", lambda v: pca_2d(v)[:, :1], "got shape (30, 1)"),
    ("ex08_1", pca_without_centring, "Centre the points first"),
    ("ex08_1", pca_by_columns, "whose *rows* are the directions"),
    ("ex08_1", pca_of_rows, "not of every image"),
    ("ex08_1", lambda v: svd(v)[0][:, :2], "rescaled"),
    ("ex08_1", lambda v: pca_2d(v) / pca_2d(v).std(axis=0), "rescaled"),
    ("ex08_1", lambda v: v @ svd(v)[2][:2].T, "*centred*"),
    ("ex08_1", lambda v: (v - v.mean(axis=0)) @ svd(v)[2][-2:].T, "*last* two"),
    ("ex08_1", lambda v: pca_2d(v)[:, ::-1], "The first column"),
    ("ex08_1", lambda v: v[:, :2], "not the points along"),
    ("ex08_1", lambda v: np.zeros((len(v), 2)), "not the points along"),
    ("ex08_1", lambda v: abs(pca_2d(v)), "Signs within a column"),
    ("ex08_1", mixed_signs, "Signs within a column"),
    ("ex08_1", lambda v: 1 / 0, "ZeroDivisionError"),
    ("ex08_2", lambda v, p, k: kept(v, p, k).mean(), "not their mean"),
    ("ex08_2", lambda v, p, k: [0.5], "not a single number"),
    ("ex08_2", lambda v, p, k: kept(v, p, k, itself=True), "leave the diagonal out"),
    ("ex08_2", lambda v, p, k: kept(v, p, k, 1, itself=True), "leave the diagonal out"),
    ("ex08_2", lambda v, p, k: kept(v, p, k, far=True), "farthest away"),
    ("ex08_2", lambda v, p, k: kept(v, p, k) * k, "divide by k"),
    ("ex08_2", lambda v, p, k: kept(v, p, k) * k / len(p), "not by the number"),
    (
        "ex08_2",
        lambda v, p, k: (nearest(v, k) == nearest(p, k)).mean(axis=1),
        "order does not count",
    ),
    ("ex08_2", kept_jaccard, "over the union"),
    ("ex08_2", lambda v, p, k: 1 - kept(v, p, k), "lost"),
    ("ex08_2", lambda v, p, k: kept(v, p, 10), "not a fixed number"),
    ("ex08_2", lambda v, p, k: nearest(v, k) == nearest(p, k), "that both have"),
    ("ex08_2", lambda v, p, k: np.full(len(p), 0.5), "is right (k=5)"),
    ("ex08_2", lambda v, p, k: kept(v, p, k)[1:], "got shape (39,)"),
    ("ex08_2", lambda v, p, k: "half", "Expected one share per image"),
    ("ex08_2", lambda v, p, k: {0.5}, "Expected one share per image"),
    ("ex08_3", lambda v, p, k: trust(p, v, k), "swapped"),
    ("ex08_3", lambda v, p, k: 1 - trust(v, p, k), "subtract it from 1"),
    ("ex08_3", lambda v, p, k: trust(v, p, k, least=-k), "max(0, …) is missing"),
    ("ex08_3", lambda v, p, k: trust(v, p, k, shift=-1), "0 is the image itself"),
    ("ex08_3", lambda v, p, k: trust(v, p, k, shift=1), "not with 2"),
    ("ex08_3", lambda v, p, k: trust(v, p, k, itself=True), "not among its own"),
    ("ex08_3", lambda v, p, k: trust(v, p, k, minus=0), "not r"),
    ("ex08_3", lambda v, p, k: (1 + trust(v, p, k)) / 2, "the 2 in the numerator"),
    (
        "ex08_3",
        lambda v, p, k: trust_mistaken(v, p, k, lambda r, k: abs(r - k)),
        "not its absolute value",
    ),
    (
        "ex08_3",
        lambda v, p, k: trust_mistaken(v, p, k, lambda r, k: r > k),
        "by its rank, not as 1",
    ),
    (
        "ex08_3",
        lambda v, p, k: trust_mistaken(
            v, p, k, lambda r, k: np.maximum(0, r - k).sum(axis=1).mean()
        ),
        "take their sum",
    ),
    ("ex08_3", trust_sorted_once, "sort twice"),
    ("ex08_3", lambda v, p, k: trust(v, p, 10), "not a fixed number"),
    ("ex08_3", lambda v, p, k: np.ones(len(p)), "one number for the map"),
    ("ex08_3", lambda v, p, k: 0.5, "is right (k=5)"),
    ("ex08_4", {"a", "f"}, "Think about g again"),
    ("ex08_4", {"a", "c", "f", "g"}, "Think about c again"),
    ("ex08_4", {"a", "z"}, "no statement z"),
    ("ex08_4", set(), "Think about a again"),
    ("ex08_5", directions(), MAPS, WORDS, "give the features, not a map"),
    ("ex08_5", cloud()[:20], MAPS, WORDS, "Take more than 30 images"),
    ("ex08_5", np.ones((60, 5)), MAPS, WORDS, "Most rows of my_features are equal"),
    ("ex08_5", cloud() * np.nan, MAPS, WORDS, "not finite"),
    ("ex08_5", cloud(), [directions()], WORDS, "as a dict"),
    ("ex08_5", cloud(), {"PCA": MAPS["PCA"]}, WORDS, "two maps or more"),
    (
        "ex08_5",
        cloud(),
        MAPS | {"turned": MAPS["PCA"] @ [[0, 3], [-3, 0]] + 1},
        WORDS,
        "'PCA' and 'turned' are the same",
    ),
    (
        "ex08_5",
        cloud(),
        MAPS | {"invented": np.random.default_rng(0).normal(size=(60, 2))},
        WORDS,
        "no more than random",
    ),
    (
        "ex08_5",
        cloud(),
        MAPS | {"mixed": MAPS["PCA"][np.random.default_rng(0).permutation(60)]},
        WORDS,
        "in the same order",
    ),
    ("ex08_5", cloud(), MAPS | {"one": np.ones((60, 2))}, WORDS, "a place for every"),
    ("ex08_5", cloud(), MAPS | {"half": directions()[:30]}, WORDS, "shape (30, 2)"),
    ("ex08_5", cloud(), MAPS, "They differ.", "write 8 to 80"),
    ("ex08_5", cloud(), MAPS, "a a a a a a a a a", "repeats itself"),
]


test_right, test_wrong, test_untouched, test_enough = answer_tests(RIGHT, WRONG)
