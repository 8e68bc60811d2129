"""Checks of lesson 12: right, wrong in the usual ways, and untouched answers."""

import math

import numpy as np
import pandas as pd
from lesson_answers import answer_tests, own_answers  # noqa: F401

from course_utils.clustering import joint_learning


def affinity(itself=False, diagonal=False, power=2, mean="kept", root=False):
    """W with one or another mistake."""

    def affinity_matrix(points, n_neighbours):
        distances = np.linalg.norm(points[:, None] - points, axis=2)
        order = np.argsort(distances, axis=1)
        near = order[:, :n_neighbours] if itself else order[:, 1 : n_neighbours + 1]
        kept = np.zeros(distances.shape, dtype=bool)
        np.put_along_axis(kept, near, True, axis=1)
        values = distances**power
        variance = {
            "kept": values[kept].mean(),
            "all": values.mean(),
            "squared mean": distances[kept].mean() ** 2,
            "squares": (distances[kept] ** 2).mean(),
            "twice": 2 * values[kept].mean(),
        }[mean]
        if diagonal:
            kept = kept | np.eye(len(points), dtype=bool)
        variance = np.sqrt(variance) if root else variance or 1
        return np.where(kept, np.exp(-values / variance), 0)

    return affinity_matrix


def farthest(points, n_neighbours):
    return affinity()(points[::-1], n_neighbours)


def between(one_way=False, first=None, second=None):
    """The affinity of two clusters, divided by first(n, m) and second(n, m)."""

    def function(weights, one, other):
        there, back = weights[np.ix_(one, other)], weights[np.ix_(other, one)]
        n, m = len(one), len(other)
        forth = there.sum(axis=0) @ back.sum(axis=1)
        forth /= first(n, m) if first else n**2
        backward = back.sum(axis=0) @ there.sum(axis=1)
        backward /= second(n, m) if second else m**2
        return forth if one_way else forth + backward

    return function


def unmultiplied(weights, one, other):
    there, back = weights[np.ix_(one, other)], weights[np.ix_(other, one)]
    return there.sum() / len(one) ** 2 + back.sum() / len(other) ** 2


def elementwise(weights, one, other):
    there, back = weights[np.ix_(one, other)], weights[np.ix_(other, one)]
    return (there * back.T).sum() * (1 / len(one) ** 2 + 1 / len(other) ** 2)


def sums_of_all(weights, one, other):
    there, back = weights[np.ix_(one, other)], weights[np.ix_(other, one)]
    return there.sum() * back.sum() * (1 / len(one) ** 2 + 1 / len(other) ** 2)


def negatives(own=False, number=10, labels=False, use=True):
    def function(cluster_labels, anchor, generator):
        cluster_labels = np.asarray(cluster_labels)
        same = cluster_labels == cluster_labels[anchor]
        places = np.flatnonzero(same if own else ~same)
        drawn = generator if use else np.random.default_rng()
        found = drawn.choice(places, number)
        return cluster_labels[found] if labels else found

    return function


def anybody(cluster_labels, anchor, generator):
    return generator.integers(0, len(cluster_labels), 10)


def always_first(cluster_labels, anchor, generator):
    places = np.flatnonzero(cluster_labels != cluster_labels[anchor])
    return np.repeat(places[0], 10)


def loss(formula, root=False, mean=np.mean, start=0, axis=np.sum):
    def function(points, triplets):
        a, p, n = np.asarray(points)[np.asarray(triplets).T]
        near = axis((a - p) ** 2, axis=1)
        far = axis(((a, p)[start] - n) ** 2, axis=1)
        if root:
            near, far = np.sqrt(near), np.sqrt(far)
        return mean(formula(near, far))

    return function


def clipped(near=2.0, far=1.0, margin=0.5):
    return lambda p, n: np.maximum(0, near * p - far * n + margin)


def comparison(recipes=("one", "two"), n_seeds=3):
    rows = [
        {"recipe": r, "seed": s, "nmi": 0.5} for r in recipes for s in range(n_seeds)
    ]
    return pd.DataFrame(rows)


def affinity_by_loop(points, n_neighbours):
    nearest = {}
    for i, point in enumerate(points):
        squares = ((points - point) ** 2).sum(axis=1)
        nearest |= {
            (i, j): squares[j] for j in np.argsort(squares)[1 : n_neighbours + 1]
        }
    variance = sum(nearest.values()) / len(nearest)
    weights = np.zeros((len(points), len(points)))
    for pair, square in nearest.items():
        weights[pair] = math.exp(-square / variance)
    return weights


def between_by_loop(weights, one, other):
    def directed(a, b):
        sums = [
            sum(weights[i, j] for i in a) * sum(weights[j, i] for i in a) for j in b
        ]
        return sum(sums) / len(a) ** 2

    return directed(one, other) + directed(other, one)


def negatives_by_loop(cluster_labels, anchor, generator):
    found = []
    while len(found) < 10:
        place = int(generator.integers(len(cluster_labels)))
        if cluster_labels[place] != cluster_labels[anchor]:
            found.append(place)
    return found


RIGHT = [
    ("ex12_1", joint_learning.affinity),
    ("ex12_1", lambda points, m: affinity()(points, m).tolist()),
    ("ex12_2", between()),
    ("ex12_2", lambda w, a, b: between()(w, b, a)),
    ("ex12_3", negatives()),
    ("ex12_3", lambda *given: negatives()(*given).tolist()),
    ("ex12_4", joint_learning.triplet_loss),
    ("ex12_4", loss(clipped())),
    ("ex12_5", comparison()),
    ("ex12_5", comparison(("a", "b", "c"), 5)),
    ("ex12_1", affinity_by_loop),
    ("ex12_2", between_by_loop),
    ("ex12_3", negatives_by_loop),
    (
        "ex12_4",
        lambda p, t: (
            sum(
                clipped()(sum((p[i] - p[j]) ** 2), sum((p[i] - p[k]) ** 2))
                for i, j, k in t
            )
            / len(t)
        ),
    ),
    ("ex12_5", comparison().sample(frac=1, random_state=0)),
]
WRONG = [
    ("ex12_1", affinity(itself=True), "own neighbour"),
    ("ex12_1", affinity(diagonal=True), "own neighbour"),
    ("ex12_1", affinity(mean="all"), "not over all pairs"),
    ("ex12_1", affinity(mean="squared mean"), "square of the mean"),
    ("ex12_1", affinity(power=1), "Square the distances."),
    ("ex12_1", affinity(power=1, mean="squares"), "in the exponential"),
    ("ex12_1", affinity(root=True), "not by σ"),
    ("ex12_1", affinity(mean="twice"), "the wrong weights"),
    ("ex12_1", lambda x, m: affinity()(x, m).T, "transpose"),
    (
        "ex12_1",
        lambda x, m: np.maximum(affinity()(x, m), affinity()(x, m).T),
        "point back",
    ),
    ("ex12_1", lambda x, m: (affinity()(x, m) + affinity()(x, m).T) / 2, "symmetric"),
    ("ex12_1", lambda x, m: affinity()(x, m + 1), "above 0"),
    ("ex12_1", farthest, "not the nearest"),
    ("ex12_1", lambda x, m: affinity()(x, m)[0], "(12, 12)"),
    ("ex12_2", between(one_way=True), "one direction"),
    ("ex12_2", between(first=lambda n, m: 1, second=lambda n, m: 1), "Divide each"),
    ("ex12_2", between(first=lambda n, m: n, second=lambda n, m: m), "square"),
    ("ex12_2", between(first=lambda n, m: m**2, second=lambda n, m: n**2), "not by"),
    (
        "ex12_2",
        between(first=lambda n, m: n * m, second=lambda n, m: n * m),
        "not by |A| |B|",
    ),
    ("ex12_2", unmultiplied, "multiply what"),
    ("ex12_2", lambda w, a, b: w[np.ix_(a, b)].sum() + w[np.ix_(b, a)].sum(), "multip"),
    ("ex12_2", elementwise, "sum before"),
    ("ex12_2", sums_of_all, "point by point"),
    ("ex12_2", lambda *given: 0.123, "right is"),
    ("ex12_3", negatives(own=True), "positives"),
    ("ex12_3", negatives(number=5), "ten"),
    ("ex12_3", negatives(labels=True), "indices of images"),
    ("ex12_3", negatives(use=False), "generator"),
    ("ex12_3", anybody, "own cluster"),
    ("ex12_3", always_first, "never"),
    ("ex12_3", lambda *given: np.full(10, 99), "not indices"),
    ("ex12_4", loss(clipped(), root=True), "square root"),
    ("ex12_4", loss(lambda p, n: 2 * p - n + 0.5), "missing"),
    ("ex12_4", loss(lambda p, n: np.sum(clipped()(p, n))), "sum"),
    ("ex12_4", loss(clipped(), mean=np.asarray), "one number"),
    ("ex12_4", loss(clipped(-1, -2)), "swapped"),
    ("ex12_4", loss(clipped(1)), "Count d⁺ twice."),
    ("ex12_4", loss(clipped(1, 2)), "not d⁻"),
    ("ex12_4", loss(clipped(margin=0)), "0.5 is missing"),
    ("ex12_4", loss(clipped(), start=1), "anchor"),
    ("ex12_4", loss(clipped(), axis=np.mean), "average"),
    ("ex12_4", lambda *given: 7.0, "right is"),
    ("ex12_5", comparison().drop(columns="seed"), "lacks seed"),
    ("ex12_5", 0.8, "a table with the columns"),
    ("ex12_5", comparison(("one",)), "two or more"),
    ("ex12_5", pd.concat([comparison(), comparison()]), "same seed"),
    ("ex12_5", comparison().assign(nmi=np.nan), "between 0 and 1"),
    ("ex12_5", comparison().iloc[:-1], "same seeds"),
    ("ex12_5", comparison(n_seeds=2), "at least 3 seeds"),
]


test_right, test_wrong, test_untouched, test_enough = answer_tests(RIGHT, WRONG)
