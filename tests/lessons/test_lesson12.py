"""Checks of lesson 12: right, wrong in the usual ways, and untouched answers."""

import math
from functools import cache, partial

import numpy as np
import pandas as pd
from lesson_answers import answer_tests, own_answers  # noqa: F401
from scipy.spatial import KDTree
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.neighbors import kneighbors_graph

from course_utils import images, representations
from course_utils.clustering import joint_learning, neighbour_heads


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


def mean_loss(values):
    return -np.log(values.sum(axis=1)).mean()


def pair_loss(s, t, shares, beta):
    return mean_loss((s * t) ** beta / shares)


@cache
def features(name):
    image_set = images.load(name, progress=False)
    return representations.extract(image_set, "lbp", progress=False)


def kmeans(k=7, name="stamps"):
    def recipe(seed):
        model = KMeans(k, n_init=1, random_state=seed)
        return model.fit_predict(features(name))

    return recipe


def ward(seed):
    return AgglomerativeClustering(7).fit_predict(features("stamps"))


def perfect(seed):
    return images.load("stamps", progress=False).true_labels


def photos():
    return images.load("photos", progress=False).true_labels


def invented(seed):
    return np.random.default_rng(seed).integers(0, 7, 193)


def nearly_perfect(seed):
    """The classes, but for five images: far above all others."""
    labels = perfect(seed).copy()
    labels[seed : seed + 5] = 0 if labels[seed] else 1
    return labels


RECIPES = {"seven": kmeans(), "Ward": ward}
SENTENCE = (
    "Ward is above seven, or seven above Ward, by less than the spread over seeds."
)
NO_WINNER = "The gap is smaller than the spread of three seeds, so there is no winner."


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


def affinity_by_tree(points, n_neighbours):
    distances, near = KDTree(points).query(points, n_neighbours + 1)
    squares = distances[:, 1:] ** 2
    table = pd.DataFrame(0.0, range(len(points)), range(len(points)))
    for i, (row, values) in enumerate(zip(near[:, 1:], squares, strict=True)):
        table.iloc[i, row] = np.exp(-values / squares.mean())
    return table


def affinity_by_graph(points, n_neighbours):
    graph = kneighbors_graph(points, n_neighbours, mode="distance")
    graph.data = np.exp(-(graph.data**2) / (graph.data**2).mean())
    return graph


def between_by_einsum(weights, one, other):
    total = 0
    for a, b in ((one, other), (other, one)):
        there, back = weights[np.ix_(a, b)], weights[np.ix_(b, a)]
        total += np.einsum("ij,jk->", there, back) / len(a) ** 2
    return total


def between_by_matrices(weights, one, other):
    weights = np.matrix(weights)
    there, back = weights[one][:, other], weights[other][:, one]
    first = np.matrix(np.ones(len(one))) * there * back * np.ones((len(one), 1))
    second = np.matrix(np.ones(len(other))) * back * there * np.ones((len(other), 1))
    return first / len(one) ** 2 + second / len(other) ** 2


def cluster_first(cluster_labels, anchor, generator):
    """Draws a cluster, then a point of it: small clusters are preferred."""
    others = [c for c in set(cluster_labels) if c != cluster_labels[anchor]]
    found = []
    for _ in range(10):
        cluster = generator.choice(others)
        found.append(generator.choice(np.flatnonzero(cluster_labels == cluster)))
    return found


def resized(cluster_labels, anchor, generator):
    return np.resize(np.flatnonzero(cluster_labels != cluster_labels[anchor]), 10)


def nearly_all(cluster_labels, anchor, generator):
    places = np.flatnonzero(cluster_labels != cluster_labels[anchor])
    return generator.choice(places[:-1], 10)


def negatives_by_permutation(cluster_labels, anchor, generator):
    """Each stranger at most once, where there are enough of them."""
    places = np.flatnonzero(cluster_labels != cluster_labels[anchor])
    return np.resize(generator.permutation(places), 10)


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
    ("ex12_1", affinity_by_loop),
    ("ex12_1", affinity_by_tree),
    ("ex12_1", lambda points, m: affinity_by_graph(points, m).toarray()),
    ("ex12_1", lambda points, m: np.matrix(affinity()(points, m))),
    ("ex12_1", lambda points, m: affinity()(points, m).astype(np.float32)),
    ("ex12_2", between()),
    ("ex12_2", lambda w, a, b: between()(w, b, a)),
    ("ex12_2", between_by_loop),
    ("ex12_2", between_by_einsum),
    ("ex12_2", between_by_matrices),
    ("ex12_2", lambda w, a, b: np.float32(between()(w, np.array(a), np.array(b)))),
    ("ex12_3", negatives()),
    ("ex12_3", lambda *given: negatives()(*given).tolist()),
    ("ex12_3", negatives_by_loop),
    ("ex12_3", lambda *given: negatives()(*given).astype(float)),
    ("ex12_3", lambda *given: pd.Series(negatives()(*given))),
    ("ex12_3", negatives_by_permutation),
    ("ex12_4", joint_learning.triplet_loss),
    ("ex12_4", loss(clipped())),
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
    ("ex12_4", lambda p, t: np.matrix(loss(clipped())(p.astype(np.float32), t))),
    ("ex12_4", lambda p, t: loss(lambda a, b: (2 * a - b + 0.5).clip(min=0))(p, t)),
    ("ex12_5", neighbour_heads.temi_loss),
    ("ex12_5", lambda *given: [pair_loss(*given)]),
    (
        "ex12_5",
        lambda s, t, shares, beta: (
            -sum(
                math.log(
                    sum(
                        (a * b) ** beta / c
                        for a, b, c in zip(p, q, shares, strict=True)
                    )
                )
                for p, q in zip(s, t, strict=True)
            )
            / len(s)
        ),
    ),
    (
        "ex12_5",
        lambda s, t, shares, beta: (
            -np.log(np.einsum("ij,ij,j->i", s**beta, t**beta, 1 / shares)).mean()
        ),
    ),
    (
        "ex12_5",
        lambda s, t, shares, beta: (
            -(
                pd.DataFrame((s * t) ** beta)
                .div(shares)
                .sum(axis=1)
                .map(math.log)
                .mean()
            )
        ),
    ),
    (
        "ex12_5",
        lambda s, t, shares, beta: pair_loss(
            np.float32(s), np.float32(t), shares, beta
        ),
    ),
    ("ex12_6", RECIPES, SENTENCE),
    ("ex12_6", RECIPES, NO_WINNER),
    ("ex12_6", RECIPES | {3: partial(kmeans(3))}, f"{SENTENCE} And 3 is the lowest."),
    (
        "ex12_6",
        {"a": lambda s: ward(s).tolist(), "b": lambda s: kmeans(8)(s).astype(float)},
        "On the stamps a and b are about equally good, so nothing can be said.",
    ),
    (
        "ex12_6",
        {"ten": kmeans(10, "photos"), "two": kmeans(2, "photos")},
        "On the photos TEN clusters score higher than two, by more than the spread.",
    ),
    (
        "ex12_6",
        {"ten": kmeans(10, "photos"), "perfect": lambda s: photos()},
        "A perfect recipe scores 1.0000000000000002, which no other recipe reaches.",
    ),
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
    ("ex12_1", affinity_by_graph, "W.toarray()"),
    ("ex12_2", between(one_way=True), "one direction"),
    ("ex12_2", lambda w, a, b: w[np.ix_(a, b)], "one number"),
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
    ("ex12_3", negatives(number=5), "shape (10,)"),
    ("ex12_3", negatives(labels=True), "indices of points"),
    ("ex12_3", negatives(use=False), "generator"),
    ("ex12_3", anybody, "own cluster"),
    ("ex12_3", always_first, "Every generator gives the same"),
    ("ex12_3", lambda *given: np.full(10, 99), "not indices"),
    ("ex12_3", lambda *given: np.full(10, 1.5), "not indices"),
    ("ex12_3", resized, "Every generator gives the same"),
    ("ex12_3", cluster_first, "equally likely"),
    ("ex12_3", nearly_all, "never"),
    ("ex12_3", lambda *given: "abc", "ten indices"),
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
    ("ex12_5", lambda *given: -pair_loss(*given), "The sign"),
    ("ex12_5", lambda s, *given: len(s) * pair_loss(s, *given), "not the sum"),
    (
        "ex12_5",
        lambda s, t, shares, beta: -np.log(((s * t) ** beta / shares).sum(1).mean()),
        "then the mean",
    ),
    ("ex12_5", lambda *given: pair_loss(*given) / np.log(2), "natural"),
    (
        "ex12_5",
        lambda s, t, shares, beta: -np.log((s * t) ** beta / shares).sum(1).mean(),
        "before you take the logarithm",
    ),
    (
        "ex12_5",
        lambda s, t, shares, beta: mean_loss((s * t) ** beta * shares),
        "do not multiply",
    ),
    (
        "ex12_5",
        lambda s, t, shares, beta: mean_loss((s * t / shares) ** beta),
        "after the power",
    ),
    (
        "ex12_5",
        lambda s, t, shares, beta: mean_loss((s * t) ** beta),
        "shares is missing",
    ),
    ("ex12_5", lambda s, t, shares, beta: mean_loss(s * t / shares), "β is missing"),
    (
        "ex12_5",
        lambda s, t, shares, beta: beta * mean_loss(s * t / shares),
        "not the sum",
    ),
    (
        "ex12_5",
        lambda s, t, shares, beta: mean_loss(s * t**beta / shares),
        "student is in the power",
    ),
    (
        "ex12_5",
        lambda s, t, shares, beta: mean_loss(s**beta * t / shares),
        "teacher is in the power",
    ),
    (
        "ex12_5",
        lambda s, t, shares, beta: -np.log(((s * t) ** beta / shares).sum(1)),
        "the mean over the pairs",
    ),
    ("ex12_5", lambda *given: -0.25, "right is"),
    ("ex12_6", [1, 2, 3], SENTENCE, "a dict"),
    ("ex12_6", pd.DataFrame({"nmi": [1]}), SENTENCE, "a dict"),
    ("ex12_6", {"a": 0.8, "b": 0.9}, SENTENCE, "must be a function"),
    ("ex12_6", {"a": kmeans()}, SENTENCE, "two or more"),
    ("ex12_6", {"a": ward, "b": lambda seed: ward(seed)[::-1]}, SENTENCE, "the seed"),
    ("ex12_6", RECIPES | {"c": lambda seed: 0.5}, SENTENCE, "one label per image"),
    ("ex12_6", RECIPES | {"c": kmeans(7, "photos")}, SENTENCE, "same images"),
    ("ex12_6", RECIPES | {"c": perfect}, SENTENCE, "true labels"),
    ("ex12_6", RECIPES | {"c": invented}, SENTENCE, "no more than chance"),
    ("ex12_6", RECIPES | {"c": lambda s: kmeans()(None)}, SENTENCE, "called twice"),
    ("ex12_6", RECIPES, "It is the best.", "8 to 80"),
    ("ex12_6", RECIPES, "very " * 20, "repeats itself"),
    (
        "ex12_6",
        {"alpha": kmeans(), "beta": nearly_perfect},
        "Both recipes are about equal here, so I cannot say which one is better.",
        "'beta' scores higher",
    ),
    (
        "ex12_6",
        {"alpha": kmeans(), "beta": nearly_perfect},
        "With these three seeds alpha has the higher mean NMI on the stamps.",
        "name it in the sentence",
    ),
]


test_right, test_wrong, test_untouched, test_enough = answer_tests(RIGHT, WRONG)
