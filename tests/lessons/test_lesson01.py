"""Checks of lesson 1: right, wrong in the usual ways, and untouched answers."""

import numpy as np
from lesson_answers import answer_tests, own_answers  # noqa: F401
from PIL import Image
from scipy.spatial.distance import cdist
from skimage.color import rgb2gray, rgb2hsv
from sklearn.metrics import silhouette_samples


def assign(points, centres):
    return cdist(points, centres).argmin(axis=1)


def update(points, labels, centres, statistic=np.mean, start=float):
    moved = np.array(centres, dtype=start)
    for cluster in range(len(centres)):
        if (labels == cluster).any():
            moved[cluster] = statistic(points[labels == cluster], axis=0)
    return moved


def update_in_place(points, labels, centres):
    for cluster in set(labels.tolist()):
        centres[cluster] = points[labels == cluster].mean(axis=0)
    return centres


def update_nan(points, labels, centres):
    rows = [points[labels == c].sum(axis=0) for c in range(len(centres))]
    counts = np.bincount(labels, minlength=len(centres))
    return np.array(rows) / counts[:, None]


def update_zero(points, labels, centres):
    return np.nan_to_num(update_nan(points, labels, centres))


def inertia(points, labels, centres):
    return ((points - centres[labels]) ** 2).sum()


def lengths(points, labels, centres):
    return np.linalg.norm(points - centres[labels], axis=1)


def chances(points, centres, power=2, pick=np.min):
    weights = pick(cdist(points, centres), axis=1) ** float(power)
    return weights / weights.sum()


def silhouette(index, points, labels):
    return silhouette_samples(points, labels)[index]


def by_hand(index, points, labels, others=1, pick=min, divide=max, power=1):
    distances = cdist(points[[index]], points)[0] ** power
    own = labels == labels[index]
    a = distances[own].sum() / (own.sum() - others)
    rest = set(labels.tolist()) - {int(labels[index])}
    b = pick([distances[labels == c].mean() for c in rest])
    return (b - a) / divide(a, b)


def all_others(index, points, labels):
    own, distances = labels == labels[index], cdist(points[[index]], points)[0]
    a, b = distances[own].sum() / (own.sum() - 1), distances[~own].mean()
    return (b - a) / max(a, b)


def pair(image):
    return image.mean(), image.std()


def silhouette_1_alone(index, points, labels):
    if (labels == labels[index]).sum() == 1:
        return 1.0
    return silhouette(index, points, labels)


def on_bytes(image):
    return (image[..., 0] - image[..., 2]).mean(), image.mean()  # overflows


def doubled(image):
    return (2 * image).mean() / 255, image.std()  # overflows


def in_place(image):
    image = image.copy()
    image += 10  # overflows
    return image.mean(), image.std()


def hue_and_value(image):
    return rgb2hsv(image)[..., 0].mean(), rgb2hsv(image)[..., 2].mean()


def greys(image):
    grey = np.asarray(Image.fromarray(image).convert("L"))
    return grey.mean(), (grey < 128).mean()


def grey_levels(image):
    counts = np.bincount(image.ravel(), minlength=256)
    return counts[255], np.count_nonzero(counts)


def warm_and_wide(image):
    rows, columns = np.nonzero(rgb2gray(image) < 0.95)
    shares = image.astype(int)
    return (shares[..., 0] - shares[..., 2]).mean(), np.ptp(columns) / np.ptp(rows)


def noisy(image):
    return image.mean(), np.random.default_rng().uniform()


class Numbered:
    """Numbers that have nothing to do with the image."""

    def __init__(self):
        self.n = 0

    def __call__(self, image):
        self.n += 1
        return self.n, image.mean()


TEXT = "one cluster is pale, the other is dark, and both are full of birds"


def update_by_loop(points, labels, centres):
    moved = []
    for cluster, centre in enumerate(centres):
        members = [
            p for p, label in zip(points, labels, strict=True) if label == cluster
        ]
        moved.append(np.sum(members, axis=0) / len(members) if members else centre)
    return moved


def chances_by_loop(points, centres):
    squares = [min(sum((p - c) ** 2) for c in centres) for p in points]
    return [square / sum(squares) for square in squares]


def silhouette_by_loop(index, points, labels):
    far = {}
    for other, label in zip(points, labels, strict=True):
        far.setdefault(label, []).append(np.linalg.norm(other - points[index]))
    own = far.pop(labels[index])
    if len(own) == 1:
        return 0
    a, b = sum(own) / (len(own) - 1), min(np.mean(values) for values in far.values())
    return (b - a) / max(a, b)


RIGHT = [
    ("ex01_1", assign),
    ("ex01_1", lambda points, centres: assign(points, centres).tolist()),
    ("ex01_1", lambda points, centres: assign(points, centres).astype(float)),
    ("ex01_2", update),
    ("ex01_2", lambda *a: update(*a).tolist()),
    ("ex01_2", lambda *a: update(*a, start=None)),
    ("ex01_3", inertia),
    ("ex01_3", lambda *a: [float(inertia(*a))]),
    ("ex01_4", chances),
    ("ex01_4", lambda *a: list(chances(*a))),
    ("ex01_5", silhouette),
    ("ex01_6", pair, "kmeans", 3, TEXT),
    ("ex01_6", lambda p: list(pair(p)), "hdbscan", 2, TEXT),
    ("ex01_2", update_by_loop),
    (
        "ex01_3",
        lambda p, lab, c: sum(
            np.sum((x - c[i]) ** 2) for x, i in zip(p, lab, strict=True)
        ),
    ),
    ("ex01_4", chances_by_loop),
    ("ex01_5", lambda *a: float(silhouette(*a))),
    ("ex01_5", silhouette_by_loop),
    ("ex01_6", lambda p: np.array(pair(p)), "ward", 4, TEXT.upper()),
    ("ex01_6", hue_and_value, "complete", np.int64(20), TEXT),
    ("ex01_6", greys, "kmeans", 2, TEXT),
    ("ex01_6", grey_levels, "average", 5, TEXT),
    ("ex01_6", warm_and_wide, "gmm", 3, TEXT),
]
WRONG = [
    ("ex01_1", lambda p, c: cdist(p, c).argmax(axis=1), "farthest"),
    ("ex01_1", lambda p, c: cdist(p, c).argmin(axis=0), "over the points"),
    ("ex01_1", lambda p, c: cdist(p, c), "whole table"),
    ("ex01_1", lambda p, c: cdist(p, c).min(axis=1), "*which*"),
    ("ex01_1", lambda p, c: assign(p, c) + 1, "from 0"),
    ("ex01_1", lambda p, c: c[assign(p, c)], "nearest centres themselves"),
    ("ex01_1", lambda p, c: cdist(p, c, "cityblock").argmin(axis=1), "absolute"),
    (
        "ex01_1",
        lambda p, c: (p[:, None] - c).sum(axis=2).argmin(axis=1),
        "Square the differences",
    ),
    ("ex01_1", lambda p, c: np.zeros(len(p)), "do not join"),
    ("ex01_1", lambda p, c: 0, "shape"),
    ("ex01_1", lambda p, c: ["near"] * len(p), "one label per point"),
    ("ex01_1", lambda p, c: p / "2", "TypeError"),
    ("ex01_1", np.zeros(3), "the function itself"),
    ("ex01_2", lambda p, lab, c: c.copy(), "not moved"),
    ("ex01_2", lambda *a: update(*a, statistic=np.sum), "sums"),
    ("ex01_2", lambda *a: update(*a, statistic=np.median), "median"),
    ("ex01_2", lambda *a: update(*a, statistic=lambda m, axis: m.mean()), "rows alone"),
    ("ex01_2", update_in_place, "changed an array"),
    ("ex01_2", update_nan, "NaN"),
    ("ex01_2", update_zero, "moved"),
    ("ex01_2", lambda p, lab, c: update(p, lab, c)[:-1], "shape"),
    ("ex01_2", lambda p, lab, c: -update(p, lab, c), "not the mean of their points"),
    ("ex01_3", lambda *a: lengths(*a).sum(), "square each"),
    ("ex01_3", lambda *a: lengths(*a).sum() ** 2, "then add up"),
    ("ex01_3", lambda *a: np.sqrt(inertia(*a)), "no square root"),
    ("ex01_3", lambda *a: (lengths(*a) ** 2).mean(), "mean over the points"),
    ("ex01_3", lambda *a: lengths(*a) ** 2, "the sum over all points, but got 40"),
    (
        "ex01_3",
        lambda p, lab, c: (cdist(p, c).min(axis=1) ** 2).sum(),
        "nearest centre",
    ),
    ("ex01_3", lambda p, lab, c: (cdist(p, c) ** 2).sum(), "its own centre"),
    ("ex01_3", lambda *a: 1.0, "not the sum of the squared"),
    ("ex01_4", lambda p, c: cdist(p, c).min(axis=1) ** 2, "add up to 1"),
    ("ex01_4", lambda p, c: cdist(p, c).min(axis=1), "neither"),
    ("ex01_4", lambda p, c: chances(p, c, power=1), "not squared"),
    ("ex01_4", lambda p, c: chances(p, c, power=1) ** 2, "Square first"),
    ("ex01_4", lambda p, c: chances(p, c, pick=np.max), "*nearest*"),
    ("ex01_4", lambda p, c: chances(p, c, power=-2), "other way round"),
    ("ex01_4", lambda p, c: chances(p, c[-1:]), "just the last"),
    ("ex01_4", lambda p, c: cdist(p, c), "shape"),
    ("ex01_4", lambda p, c: np.full(len(p), 1 / len(p)), "not the right probabilities"),
    ("ex01_5", lambda *a: by_hand(*a, others=0), "whose distance is 0"),
    ("ex01_5", lambda *a: by_hand(*a, pick=max), "farthest"),
    ("ex01_5", lambda *a: by_hand(*a, divide=lambda a, b: 1), "b - a: divide"),
    ("ex01_5", lambda *a: by_hand(*a, divide=lambda a, b: b), "greater"),
    ("ex01_5", lambda *a: by_hand(*a, power=2), "square root"),
    ("ex01_5", lambda *a: -silhouette(*a), "sign"),
    ("ex01_5", all_others, "all other points"),
    ("ex01_5", lambda *a: 0.5, "silhouettes of some points"),
    ("ex01_5", lambda i, p, lab: silhouette_samples(p, lab), "got 40 numbers"),
    ("ex01_5", silhouette_1_alone, "scores 0"),
    ("ex01_6", lambda p: p.mean(), "kmeans", 3, TEXT, "a pair"),
    ("ex01_6", lambda p: (p.mean(), 1), "kmeans", 3, TEXT, "the same for every"),
    ("ex01_6", lambda p: (p.mean(), 2 * p.mean()), "kmeans", 3, TEXT, "say the same"),
    ("ex01_6", lambda p: (p.mean(), np.nan), "kmeans", 3, TEXT, "NaN"),
    ("ex01_6", pair, "k-means", 3, TEXT, "did you mean"),
    ("ex01_6", pair, "kmeans", 3.5, TEXT, "a whole number k"),
    ("ex01_6", pair, "kmeans", 3, "nice", "at least 10"),
    ("ex01_6", pair, "kmeans", 3, "a " * 10, "repeats itself"),
    ("ex01_6", pair, "kmeans", 3, "good clusters " * 9, "repeats itself"),
    ("ex01_6", pair, "kmeans", 60, TEXT, "from 2 to 20"),
    ("ex01_6", pair, "kmeans", 1, TEXT, "from 2 to 20"),
    ("ex01_6", pair, "kmeans", "three", TEXT, "a whole number of clusters"),
    ("ex01_6", noisy, "kmeans", 3, TEXT, "on the image alone"),
    ("ex01_6", Numbered(), "kmeans", 3, TEXT, "on the image alone"),
    ("ex01_6", on_bytes, "kmeans", 3, TEXT, "overflowed"),
    ("ex01_6", doubled, "kmeans", 3, TEXT, "overflowed"),
    ("ex01_6", in_place, "kmeans", 3, TEXT, "overflowed"),
    ("ex01_6", lambda p: (np.diff(p, axis=0).mean(), p.std()), "ward", 3, TEXT, "246"),
]


UNTOUCHED = [("ex01_6", pair, None, None, None)]

test_right, test_wrong, test_untouched, test_enough = answer_tests(
    RIGHT, WRONG, UNTOUCHED
)
