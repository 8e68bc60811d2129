"""Checks of lesson 1: assign, update, inertia, k-means++, silhouette, two numbers."""

import numpy as np
from scipy.spatial.distance import cdist

from course_utils import metrics
from course_utils.clustering import algorithms
from course_utils.images import datasets
from course_utils.lessons.exercises import NotYet, as_sentence, exercise
from course_utils.lessons.matching import (
    as_array,
    as_number,
    call_function,
    compare_answer,
    require_words,
    same_numbers,
)


def _probe(seed, n, n_dimensions, k):
    """Points, labels with every cluster taken, and centres that are not their means."""
    generator = np.random.default_rng(seed)
    points = generator.normal(0, 3, (n, n_dimensions))
    labels = np.concatenate([np.arange(k), generator.integers(0, k, n - k)])
    return points, labels, generator.normal(0, 3, (k, n_dimensions))


PROBES = [_probe(1, 40, 2, 3), _probe(2, 25, 3, 5), _probe(3, 30, 1, 2)]

TABLES = [cdist(points, centres) for points, _, centres in PROBES]


def _call(function, *arguments):
    return call_function(function, *arguments, keep_arguments=True)


@exercise(
    "Assign",
    hint="Put the distances of all points to all centres into a table (n, k), with a "
    "loop over the centres or by broadcasting; then find the column of the smallest "
    "entry of each row.",
)
def ex01_1(assign):
    """Write `assign(points, centres)`: for each point, the index of its nearest centre.

    points has shape (n, d), centres (k, d); return n labels from 0 to k - 1.
    """
    found = []
    for points, _, centres in PROBES:
        known_shapes = {
            (len(centres),): "You took the minimum over the points, which leaves one "
            "number per centre: take it over the centres.",
            (len(points), len(centres)): "This is the whole table of distances: which "
            "one in each row is the smallest?",
            points.shape: "These are the nearest centres themselves: return their "
            "indices.",
        }
        value = _call(assign, points, centres)
        found.append(
            as_array(value, "one label per point", (len(points),), known_shapes)
        )
    gaps = [points[:, None] - centres for points, _, centres in PROBES]
    expected = [table.argmin(axis=1) for table in TABLES]
    mistakes = {
        "Every point joins the farthest centre.": [t.argmax(axis=1) for t in TABLES],
        "Clusters are counted from 0, not from 1.": [e + 1 for e in expected],
        "Return *which* centre is nearest, not its distance.": [
            t.min(axis=1) for t in TABLES
        ],
        "Take squares, not absolute values.": [abs(g).sum(2).argmin(1) for g in gaps],
        "Square the differences before you add them up.": [
            g.sum(axis=2).argmin(1) for g in gaps
        ],
    }
    compare_answer(
        found, expected, mistakes, "Some points do not join the nearest centre."
    )
    return [int(label) for label in found[0]]


@exercise(
    "Update",
    hint="For each cluster, take the mean over the rows that have its label, if any.",
)
def ex01_2(update):
    """Write `update(points, labels, centres)`: move each centre to its points' mean.

    Return the moved centres, shape (k, d). A centre without points stays where it is.
    """

    def moved(points, labels, centres):
        value = _call(update, points, labels, centres)
        return as_array(value, "one row per centre", centres.shape)

    def of_clusters(statistic):
        return [
            np.array([statistic(points[labels == c]) for c in set(labels)])
            for points, labels, _ in PROBES
        ]

    found = [moved(*probe) for probe in PROBES]
    mistakes = {
        "The centres have not moved.": [centres for _, _, centres in PROBES],
        "These are sums: divide them by the number of points.": of_clusters(
            lambda members: members.sum(axis=0)
        ),
        "This is the median: take the mean.": of_clusters(
            lambda members: np.median(members, axis=0)
        ),
        "All coordinates of a centre are equal: take the mean over the rows "
        "alone.": of_clusters(lambda m: np.full(m.shape[1], m.mean())),
    }
    expected = of_clusters(lambda members: members.mean(axis=0))
    compare_answer(
        found, expected, mistakes, "Some centres are not the mean of their points."
    )
    points, labels, centres = PROBES[1]
    value = moved(points, np.where(labels == 3, 0, labels), centres)
    if not np.isfinite(value).all():
        raise NotYet("A centre without points became NaN: leave it where it is.")
    if not same_numbers(value[3], centres[3]):
        raise NotYet("A centre without points moved: leave it where it is.")
    return found[0].round(3).tolist()


@exercise(
    "Inertia",
    hint="Index the centres with the labels: this gives one row per point, its centre.",
)
def ex01_3(inertia):
    """Write `inertia(points, labels, centres)`: the sum of the squared distances.

    Each distance is that of a point to the centre of its own cluster.
    """
    what = "one number, the sum over all points"
    found = [as_number(_call(inertia, *probe), what) for probe in PROBES]
    own = [
        table[np.arange(len(table)), labels]
        for table, (_, labels, _) in zip(TABLES, PROBES, strict=True)
    ]
    expected = [(d**2).sum() for d in own]
    mistakes = {
        "You add up distances: square each of them first.": [d.sum() for d in own],
        "Square every distance, then add up.": [d.sum() ** 2 for d in own],
        "Take no square root: inertia is the sum of squares.": list(np.sqrt(expected)),
        "This is the mean over the points: take the sum.": [(d**2).mean() for d in own],
        "You use the nearest centre: use the one of the point's label.": [
            (t.min(axis=1) ** 2).sum() for t in TABLES
        ],
        "Add up each point's distance to its own centre only.": [
            (t**2).sum() for t in TABLES
        ],
    }
    compare_answer(
        found, expected, mistakes, "This is not the sum of the squared distances."
    )
    return found


@exercise(
    "The probabilities of k-means++",
    hint="For probabilities in proportion to some numbers, divide each number by the "
    "sum of all.",
)
def ex01_4(next_centre_chances):
    """Write `next_centre_chances(points, centres)`: one probability per point.

    k-means++ draws the next centre with probabilities in proportion to the squared
    distance of each point to its nearest centre so far.
    """
    found = []
    for points, _, centres in PROBES:
        value = _call(next_centre_chances, points, centres)
        found.append(as_array(value, "one probability per point", (len(points),)))

    def shares(weigh):
        return [weigh(table) / weigh(table).sum() for table in TABLES]

    near = shares(lambda t: t.min(axis=1))
    mistakes = {
        "These do not add up to 1 yet: divide by their sum.": [
            t.min(axis=1) ** 2 for t in TABLES
        ],
        "Square the distances, then divide by their sum; you do neither.": [
            t.min(axis=1) for t in TABLES
        ],
        "The distance is not squared.": near,
        "Square first, divide by the sum last.": [share**2 for share in near],
        "Use the distance to the *nearest* centre, not to the farthest.": shares(
            lambda t: t.max(axis=1) ** 2
        ),
        "Use the nearest centre alone, not all of them.": shares(
            lambda t: (t**2).sum(axis=1)
        ),
        "Consider all centres, not just the last.": shares(lambda t: t[:, -1] ** 2),
        "Near points get high probabilities: it must be the other way round.": shares(
            lambda t: 1 / t.min(axis=1) ** 2
        ),
    }
    expected = shares(lambda t: t.min(axis=1) ** 2)
    compare_answer(found, expected, mistakes, "These are not the right probabilities.")
    return found[2].round(4).tolist()


SLIPS = {
    "itself": "For a, leave out the point itself, whose distance is 0.",
    "all": "Your b is over all other points together: take the nearest other cluster.",
    "far": "Your b is for the farthest other cluster: take the nearest.",
    "single": "Your b is the distance to the nearest *point* of another cluster: take "
    "mean distances.",
    "swapped": "The sign is wrong: the numerator is b - a.",
    "over b": "Divide by the greater of a and b, whichever it is.",
    "undivided": "This is b - a: divide it by the greater of the two.",
    "squared": "Your distances are squared: take the square root.",
}


def _silhouette(index, points, labels, slip=None):
    distances = cdist(points[[index]], points)[0] ** (2 if slip == "squared" else 1)
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
    "cluster and divide by the cluster's size minus 1. For b, try every other cluster.",
)
def ex01_5(silhouette_of):
    """Write `silhouette_of(index, points, labels)`: (b - a) / max(a, b) of one point.

    a is its mean distance to the other points of its cluster, b that to the points of
    the nearest other cluster. A point alone in its cluster scores 0.
    """
    cases = [
        (index, points, labels)
        for points, labels, _ in PROBES
        for index in range(0, len(points), 4)
    ]
    what = "one number, the silhouette of this point"
    found = [as_number(_call(silhouette_of, *case), what) for case in cases]
    expected = [_silhouette(*case) for case in cases]
    mistakes = {
        message: [_silhouette(*case, slip=slip) for case in cases]
        for slip, message in SLIPS.items()
    }
    compare_answer(
        found, expected, mistakes, "The silhouettes of some points are wrong."
    )
    points, one_alone = PROBES[0][0], np.minimum(np.arange(40), 1)
    alone = as_number(_call(silhouette_of, 0, points, one_alone))
    if not same_numbers(alone, 0):
        raise NotYet(
            f"A point alone in its cluster scores 0; your function gives {alone:.3g}."
        )
    return found[:5]


MIN_K, MAX_K = 2, 20  # clusters of the 65 images that are looked at


@exercise(
    "Two numbers of your own",
    hint="`image.min(axis=2) < 242` is true where the image is not white.",
)
def ex01_6(my_numbers, algorithm, k, sentence):
    """Describe each image by two numbers of your own, cluster by them, and interpret.

    `my_numbers(image)` returns the two numbers; algorithm and k (2 to 20) say how to
    cluster; the sentence says in ten words or more what is in the clusters.
    """
    image_set = datasets.load("stamps", progress=False)
    chosen = [image_set.picture(i, 64) for i in range(0, len(image_set), 3)]
    points = _pairs(my_numbers, chosen)
    if not np.isfinite(points).all():
        raise NotYet("Some images get NaN or infinity: do you divide by zero?")
    if (points.std(axis=0) < 1e-9).any():
        raise NotYet(
            "One number is the same for every image, so it distinguishes nothing."
        )
    if not same_numbers(_pairs(my_numbers, chosen[:5]), points[:5]):
        raise NotYet(
            "The same image gets other numbers when it is described again: they must "
            "depend on the image alone."
        )
    if abs(np.corrcoef(points.T)[0, 1]) > 0.999:
        raise NotYet("Both numbers say the same: one follows from the other.")
    if _overflows(my_numbers, chosen):
        raise NotYet(
            "Bytes have overflowed, as in 10 - 20, which becomes 246: start from "
            "`image / 255`."
        )
    n_clusters = as_number(k, "a whole number of clusters, k")
    if n_clusters != int(n_clusters) or not MIN_K <= n_clusters <= MAX_K:
        raise NotYet(f"Choose a whole number k from {MIN_K} to {MAX_K}, not {k!r}.")
    points = (points - points.mean(axis=0)) / points.std(axis=0)
    try:
        labels = algorithms.cluster(points, algorithm, n_clusters=k, random_state=0)
    except (ValueError, AttributeError, TypeError) as error:
        said = as_sentence(f"This algorithm or k is not possible: {error}")
        raise NotYet(said) from None
    if len(set(labels.tolist()) - {-1}) < MIN_K:
        raise NotYet(f"{algorithm} finds fewer than 2 clusters: choose another one.")
    require_words(sentence, "The sentence about the clusters", 10, different=8)
    silhouette = metrics.silhouette(points, labels)
    return {
        "algorithm": algorithm,
        "k": int(n_clusters),
        "silhouette": silhouette,
        "text": sentence,
    }


def _pairs(function, images):
    """The two numbers of each image: (n, 2)."""
    what = "a pair of numbers"
    return np.array([as_array(_call(function, image), what, (2,)) for image in images])


def _overflows(function, images):
    """Whether the function lets bytes overflow; False if it cannot be watched."""
    _Watched.overflowed = False
    try:
        _pairs(function, [image.view(_Watched) for image in images])
    except Exception:  # a library that takes plain arrays alone
        return False
    return _Watched.overflowed


class _Watched(np.ndarray):
    """Notes whether sums, differences and products of bytes differ from the exact ones.

    Comparing the two numbers of the image with those of a float copy would not do:
    honest functions depend on the type, as scikit-image's do.
    """

    overflowed = False

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
        plain = [_plain(each) for each in inputs]
        exact = None
        if method == "__call__" and ufunc in (np.add, np.subtract, np.multiply):
            exact = ufunc(*(np.asarray(each, dtype=float) for each in plain))
        if out is not None:
            options["out"] = tuple(_plain(each) for each in out)
        found = getattr(ufunc, method)(*plain, **options)
        if exact is not None and found.dtype == np.uint8 and (found != exact).any():
            _Watched.overflowed = True
        return found.view(_Watched) if isinstance(found, np.ndarray) else found


def _plain(value):
    return value.view(np.ndarray) if isinstance(value, _Watched) else value
