"""Checks of lesson 1: assign, update, inertia, k-means++, silhouette, two numbers.

Every function is tried on points that the notebook does not hold. A wrong answer is
held against the usual mistakes, and the one that gives the same numbers is named.
"""

import numpy as np

from course_utils import metrics
from course_utils.clustering import algorithms
from course_utils.images import datasets
from course_utils.lessons.exercises import NotYet, attempted, exercise


def _probe(seed, n, n_dimensions, k):
    """Points, labels with every cluster taken, and centres that are not their means."""
    generator = np.random.default_rng(seed)
    points = generator.normal(0, 3, (n, n_dimensions))
    labels = np.concatenate([np.arange(k), generator.integers(0, k, n - k)])
    return points, labels, generator.normal(0, 3, (k, n_dimensions))


PROBES = [_probe(1, 40, 2, 3), _probe(2, 25, 3, 5), _probe(3, 30, 1, 2)]


def _distances(points, centres):
    return np.sqrt(((points[:, None] - centres[None]) ** 2).sum(axis=2))


TABLES = [_distances(points, centres) for points, _, centres in PROBES]


def _call(function, *arguments):
    """What the student's function gives for copies, which it must not change."""
    if not callable(function):
        raise NotYet("give the check the function itself: its name, no parentheses.")
    copies = [np.array(a) if isinstance(a, np.ndarray) else a for a in arguments]
    with np.errstate(all="ignore"):
        value = attempted(function(*copies))
    for copy, argument in zip(copies, arguments, strict=True):
        if isinstance(argument, np.ndarray) and not np.array_equal(copy, argument):
            raise NotYet("your function changes an array that it is given: copy it.")
    return value


def _array(value, shape, what):
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise NotYet(f"{what} is wanted, not {value!r}.") from None
    if array.shape != shape:
        raise NotYet(f"the result has shape {array.shape}; {what}, {shape}, is wanted.")
    return array


def _number(value):
    value = np.asarray(value)
    if value.size > 1:
        raise NotYet(f"{value.size} numbers are too many: add them up to one.")
    return float(_array(value.squeeze(), (), "one number"))


def _same(a, b):
    return np.allclose(a, b, rtol=1e-5, atol=1e-6, equal_nan=True)


def _compare(found, expected, mistakes, otherwise):
    """Raise NotYet unless all agree; mistakes: {message: numbers as found}."""
    if all(_same(a, b) for a, b in zip(found, expected, strict=True)):
        return
    for message, wrong in mistakes.items():
        if all(_same(a, b) for a, b in zip(found, wrong, strict=True)):
            raise NotYet(message)
    raise NotYet(otherwise)


@exercise(
    "Assign",
    hint="Bring the distances of all points to all centres into a table (n, k), by a "
    "loop over the centres or by broadcasting; find the column of each row's smallest.",
)
def ex01_1(assign):
    found = []
    for points, _, centres in PROBES:
        value = np.asarray(_call(assign, points, centres))
        if value.shape == (len(centres),):
            raise NotYet("one number a centre: you took the smallest over the points.")
        if value.shape == (len(points), len(centres)):
            raise NotYet("that is the whole table of distances: which is the smallest?")
        found.append(_array(value, (len(points),), "one label a point"))
    gaps = [points[:, None] - centres[None] for points, _, centres in PROBES]
    expected = [t.argmin(axis=1) for t in TABLES]
    mistakes = {
        "every point joins the farthest centre.": [t.argmax(axis=1) for t in TABLES],
        "clusters are counted from 0, not from 1.": [e + 1 for e in expected],
        "not how near, but *which* centre is nearest?": [t.min(axis=1) for t in TABLES],
        "take squares, not absolute values.": [abs(g).sum(2).argmin(1) for g in gaps],
        "square the differences first.": [g.sum(axis=2).argmin(1) for g in gaps],
    }
    _compare(found, expected, mistakes, "some points do not join the nearest centre.")
    return [int(label) for label in found[0]]


@exercise(
    "Update",
    hint="For each cluster, take the mean over those rows that have its label, if any.",
)
def ex01_2(update):
    def given(points, labels, centres):
        value = _call(update, points, labels, centres)
        return _array(value, centres.shape, "one row a centre")

    def each(statistic):
        return [[statistic(p[lab == c]) for c in set(lab)] for p, lab, _ in PROBES]

    found = [given(*probe) for probe in PROBES]
    one = "all coordinates of a centre are equal: take the mean over the rows alone."
    mistakes = {
        "the centres have not moved.": [centres for _, _, centres in PROBES],
        "those are sums: divide by their number.": each(lambda m: m.sum(axis=0)),
        "that is the median; take the mean.": each(lambda m: np.median(m, axis=0)),
        one: each(lambda m: np.full(m.shape[1], m.mean())),
    }
    expected = each(lambda members: members.mean(axis=0))
    _compare(found, expected, mistakes, "some centres are not their points' mean.")
    points, labels, centres = PROBES[1]
    value = given(points, np.where(labels == 3, 0, labels), centres)
    if not np.isfinite(value).all():
        raise NotYet("a centre without points became NaN: let it stay where it is.")
    if not _same(value[3], centres[3]):
        raise NotYet("a centre without points moved: let it stay where it is.")
    if not _same(given(points, labels, centres.astype(int)), found[1]):
        raise NotYet("centres of whole numbers cut off the means: copy them as float.")
    return found[0].round(3).tolist()


@exercise(
    "Inertia",
    hint="Index the centres with the labels: one row a point, its centre.",
)
def ex01_3(inertia):
    found = [_number(_call(inertia, *probe)) for probe in PROBES]
    own = [_distances(p, c)[np.arange(len(p)), labels] for p, labels, c in PROBES]
    expected = [(d**2).sum() for d in own]
    nearest = "you take the nearest centre; take the one of the point's label."
    mistakes = {
        "you add up distances: square each of them first.": [d.sum() for d in own],
        "square every distance, then add up.": [d.sum() ** 2 for d in own],
        "no square root: the sum of squares is it.": np.sqrt(expected),
        "that is the mean over the points: take the sum.": [(d**2).mean() for d in own],
        nearest: [(t.min(axis=1) ** 2).sum() for t in TABLES],
        "each point counts for its own centre only.": [(t**2).sum() for t in TABLES],
    }
    _compare(found, expected, mistakes, "the sum of squared distances is another one.")
    return found


@exercise(
    "The chances of k-means++",
    hint="Chances in proportion to numbers: each number divided by the sum of all.",
)
def ex01_4(next_centre_chances):
    found = []
    for points, _, centres in PROBES:
        value = _call(next_centre_chances, points, centres)
        found.append(_array(value, (len(points),), "one chance a point"))

    def shares(weigh):
        return [weigh(t) / weigh(t).sum() for t in TABLES]

    near = shares(lambda t: t.min(axis=1))
    inverse = "near points get the big chances: it must be the other way round."
    mistakes = {
        "these do not add up to 1 yet.": [t.min(axis=1) ** 2 for t in TABLES],
        "neither squared nor divided by the sum.": [t.min(axis=1) for t in TABLES],
        "the distance is not squared.": near,
        "square first, divide by the sum last.": [share**2 for share in near],
        "the *nearest* centre counts.": shares(lambda t: t.max(axis=1) ** 2),
        "the nearest centre alone counts.": shares(lambda t: (t**2).sum(axis=1)),
        "all centres count, not just the last.": shares(lambda t: t[:, -1] ** 2),
        inverse: shares(lambda t: 1 / t.min(axis=1) ** 2),
    }
    expected = shares(lambda t: t.min(axis=1) ** 2)
    _compare(found, expected, mistakes, "the chances are others.")
    return found[2].round(4).tolist()


SLIPS = {
    "itself": "the point counts among the others of its cluster (distance 0).",
    "all": "b is over all other points together: take the nearest other cluster.",
    "far": "b is the farthest other cluster: take the nearest.",
    "single": "b is the nearest *point* of another cluster: take mean distances.",
    "swapped": "the sign is turned round: it is b - a.",
    "over b": "divide by the greater of a and b, whichever it is.",
    "undivided": "that is b - a: divide it by the greater of the two.",
    "squared": "your distances are squared: take the square root.",
}


def _silhouette(index, points, labels, slip=None):
    distances = _distances(points, points[index][None])[:, 0]
    distances = distances**2 if slip == "squared" else distances
    own = labels == labels[index]
    a = distances[own].sum() / (own.sum() - (slip != "itself"))
    means = [distances[labels == c].mean() for c in set(labels) - {labels[index]}]
    others = {"all": distances[~own].mean(), "single": distances[~own].min()}
    b = max(means) if slip == "far" else others.get(slip, min(means))
    under = {"over b": b, "undivided": 1}.get(slip, max(a, b))
    return (a - b if slip == "swapped" else b - a) / under


@exercise(
    "The silhouette of one point",
    hint="Compute its distances to all points once. For a, add up those to its own "
    "cluster and divide by one less than it holds. For b, try every other cluster.",
)
def ex01_5(silhouette_of):
    cases = [(i, p, labels) for p, labels, _ in PROBES for i in range(0, len(p), 4)]
    found = [_number(_call(silhouette_of, *case)) for case in cases]
    expected = [_silhouette(*case) for case in cases]
    mistakes = {SLIPS[s]: [_silhouette(*c, slip=s) for c in cases] for s in SLIPS}
    _compare(found, expected, mistakes, "some points have another silhouette.")
    alone = _number(_call(silhouette_of, 0, PROBES[0][0], np.minimum(np.arange(40), 1)))
    if not _same(alone, 0):
        raise NotYet(f"a point alone in its cluster scores 0, yours {alone:.3g}.")
    return found[:5]


@exercise(
    "Two numbers of your own",
    hint="`picture.min(axis=2) < 242` is true where the picture is not white.",
)
def ex01_6(my_numbers, algorithm, k, sentence):
    image_set = datasets.load("stamps", progress=False)
    chosen = [image_set.picture(i, 64) for i in range(0, len(image_set), 3)]
    points = np.array([_array(_call(my_numbers, p), (2,), "a pair") for p in chosen])
    if not np.isfinite(points).all():
        raise NotYet("some pictures get NaN or infinity: do you divide by zero?")
    if (points.std(axis=0) < 1e-9).any():
        raise NotYet("one number is the same for every picture: it tells nothing.")
    if abs(np.corrcoef(points.T)[0, 1]) > 0.999:
        raise NotYet("both numbers say the same: one follows from the other.")
    points = (points - points.mean(axis=0)) / points.std(axis=0)
    try:
        labels = algorithms.cluster(points, algorithm, n_clusters=k, random_state=0)
    except (ValueError, AttributeError, TypeError) as error:
        raise NotYet(f"that algorithm or k is not possible: {error}") from None
    if len(str(sentence).split()) < 10:
        raise NotYet("say a little more about the clusters: ten words or more.")
    silhouette = metrics.silhouette(points, labels)
    return {"algorithm": algorithm, "k": k, "silhouette": silhouette, "text": sentence}
