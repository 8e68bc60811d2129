"""Checks of lesson 7: choosing without labels."""

import numpy as np
import pandas as pd
from sklearn import metrics as sk
from sklearn.preprocessing import normalize

from course_utils import clustering, images, representations
from course_utils.lessons.exercises import NotYet, as_sentence, attempted, exercise
from course_utils.lessons.matching import (
    as_array,
    as_number,
    call_function,
    compare_answer,
    require_columns,
    require_words,
)


@exercise(
    "Do two subsamples agree?",
    hint="np.intersect1d(first, second, return_indices=True) returns the shared images "
    "and where each is in first and in second. Cluster points[first] and "
    "points[second], take from each labelling the shared images, and compare these "
    "two by sklearn.metrics.adjusted_rand_score.",
)
def ex07_1(agreement):
    """Write `agreement(points, first, second, cluster)`: how alike two clusterings are.

    first and second are places in points, in any order. Cluster points[first] and
    points[second] by `cluster`, which returns one label per row. Return the adjusted
    Rand index of the two labellings on the images that are in both.
    """
    what = "one number, an adjusted Rand index"
    cases, found = list(_subsample_pairs()), []
    for points, first, second in cases:
        calls = []

        def cluster(rows, calls=calls):
            rows = np.asarray(rows)
            if rows.ndim != 2 or rows.shape[1] != 2:
                raise NotYet(
                    "Give cluster rows of points, as points[first], not "
                    f"an array of shape {rows.shape}."
                )
            calls.append(len(rows))
            return _quadrants(rows)

        value = call_function(agreement, points, first, second, cluster)
        found.append(as_number(value, what))
        n_shared = len(np.intersect1d(first, second))
        if not calls:
            raise NotYet("Cluster by the function `cluster` that is given.")
        if len(points) in calls:
            raise NotYet(
                "You clustered all points: cluster each part on its own, "
                "points[first] and points[second]."
            )
        if n_shared in calls:
            raise NotYet(
                "You clustered only the shared images: cluster each part completely, "
                "and take the shared images afterwards."
            )
    expected = [_agreement(*case) for case in cases]
    mistakes = {
        message: [_agreement(*case, slip=slip) for case in cases]
        for slip, message in {
            "places": "The labels are compared place by place, but row 5 of first is "
            "another image than row 5 of second: take the labels of the same images.",
            "order": "You took the shared images from each part in its own order: "
            "row i of both labellings must be the same image.",
            "union": "You compared images that are in one part only, too: take those "
            "that are in both.",
            "equal": "You counted equal labels, but the numbers of clusters are "
            "arbitrary: use the adjusted Rand index.",
            "rand": "This is the Rand index without the correction for chance.",
            "nmi": "This is NMI: use the adjusted Rand index.",
            "ami": "This is AMI: use the adjusted Rand index.",
        }.items()
    }
    otherwise = (
        f"For the first pair of parts you give {found[0]:.4f}; the adjusted Rand index "
        f"on the images in both is {expected[0]:.4f}."
    )
    compare_answer(found, expected, mistakes, otherwise)
    return "adjusted Rand index on the shared images"


def _subsample_pairs():
    """Points, and two parts of them in no order, of the same and of other sizes."""
    generator = np.random.default_rng(7)
    for n_first, n_second in ((32, 32), (30, 24), (28, 28)):
        points = generator.normal(size=(40, 2))
        order = generator.permutation(40)
        yield points, order[:n_first], generator.permutation(40)[:n_second]


def _quadrants(rows):
    """Four clusters around the median, which depends on the rows; odd numbers."""
    above = rows > np.median(rows, axis=0)
    numbers = np.array([3, 8, 5, 0])
    return np.roll(numbers, len(rows) + int(rows[0, 0] > 0))[above @ [1, 2]]


def _agreement(points, first, second, slip=None):
    _, a, b = np.intersect1d(first, second, return_indices=True)
    one, other = (_quadrants(points[part]) for part in (first, second))
    if slip == "places":
        n = min(len(one), len(other))
        return sk.adjusted_rand_score(one[:n], other[:n])
    if slip == "order":
        return sk.adjusted_rand_score(
            one[np.isin(first, second)], other[np.isin(second, first)]
        )
    if slip == "union":
        both = np.full((2, len(points)), -1)
        both[0, first], both[1, second] = one, other
        return sk.adjusted_rand_score(*both[:, (both > -1).any(axis=0)])
    scores = {
        "equal": lambda x, y: float(np.mean(x == y)),
        "rand": sk.rand_score,
        "nmi": sk.normalized_mutual_info_score,
        "ami": sk.adjusted_mutual_info_score,
    }
    return float(scores.get(slip, sk.adjusted_rand_score)(one[a], other[b]))


@exercise(
    "The rule of the gap statistic",
    hint="gap = log_references.mean(axis=0) - log_inertia; s = "
    "log_references.std(axis=0) * np.sqrt(1 + 1 / n_references). Go through the places "
    "from the left and return the first ks[i] with gap[i] >= gap[i + 1] - s[i + 1].",
)
def ex07_2(gap_rule):
    """Write `gap_rule(ks, log_inertia, log_references)`: the proposed k.

    log_inertia has one number per k, log_references one row per reference. The gap is
    the mean of the references minus the own log inertia; s is the standard deviation
    of the references (ddof=0) times sqrt(1 + 1 / number of references). Return the
    smallest k whose gap is at least the next gap minus the next s; the largest k if
    there is none.
    """
    cases = list(_gap_cases())
    found = [
        as_number(call_function(gap_rule, *case), "one k of the list") for case in cases
    ]
    expected = [_gap_rule(*case) for case in cases]
    mistakes = {
        message: [_gap_rule(*case, slip=slip) for case in cases]
        for slip, message in {
            "index": "You return a place in the list: return the k at that place.",
            "largest gap": "This is the k with the largest gap: return the smallest k "
            "that meets the condition.",
            "last": "This is the largest k that meets the condition; return the "
            "smallest.",
            "none": "If no k meets the condition, return the largest k.",
            "own s": "Subtract the s of the next k from the next gap, not the s of "
            "the k itself.",
            "no s": "Subtract s of the next k from the next gap.",
            "plus": "Subtract s from the next gap; you add it.",
            "no root": "Multiply the standard deviation by sqrt(1 + 1 / n_references).",
            "ddof": "This is the standard deviation with ddof=1: divide by the number "
            "of references, as NumPy does.",
            "sign": "The gap is the mean of the references minus the own log inertia; "
            "yours has the opposite sign.",
            "axis": "Each k has its own mean and its own standard deviation over the "
            "references: axis=0.",
        }.items()
    }
    first = next((i for i, k in enumerate(expected) if found[i] != k), 0)
    otherwise = (
        f"For the gaps {np.round(_gaps(*cases[first])[0], 3).tolist()} and s "
        f"{np.round(_gaps(*cases[first])[1], 3).tolist()} of k = "
        f"{cases[first][0].tolist()}, you give {found[first]:g}; the rule gives "
        f"{expected[first]}."
    )
    compare_answer(found, expected, mistakes, otherwise)
    return "first k within one standard error of the next"


def _gaps(ks, log_inertia, log_references, slip=None):
    gap = log_references.mean(axis=0) - log_inertia
    n_references = len(log_references)
    spread = log_references.std(axis=0, ddof=int(slip == "ddof"))
    if slip == "axis":
        spread = np.full(len(ks), log_references.std())
    if slip != "no root":
        spread = spread * np.sqrt(1 + 1 / n_references)
    return (-gap if slip == "sign" else gap), spread


def _gap_rule(ks, log_inertia, log_references, slip=None):
    gap, spread = _gaps(ks, log_inertia, log_references, slip)
    bar = gap[1:] - spread[1:]
    if slip == "own s":
        bar = gap[1:] - spread[:-1]
    if slip in ("no s", "plus"):
        bar = gap[1:] + (spread[1:] if slip == "plus" else 0)
    places = np.flatnonzero(gap[:-1] >= bar)
    if slip == "largest gap":
        return int(ks[gap.argmax()])
    if not len(places):
        last = len(ks) - 1
        return last if slip == "index" else int(ks[0 if slip == "none" else last])
    place = places[-1 if slip == "last" else 0]
    return int(place if slip == "index" else ks[place])


def _gap_cases():
    """Gaps that rise and dip, few references; in the last no k meets the condition."""
    generator = np.random.default_rng(72)
    for number in range(150):
        ks = np.arange(9) + 2 + number % 3
        level = 6 - 0.1 * np.arange(9)
        steps = generator.normal(0.06, 0.05, 9)
        widths = 0.08 * generator.uniform(0.3, 1.7, 9)
        references = level + widths * generator.normal(size=(3 + number % 4, 9))
        yield ks, references.mean(axis=0) - steps.cumsum(), references
    narrow = level + 0.0005 * generator.normal(size=(6, 9))
    yield ks, narrow.mean(axis=0) - 0.05 * np.arange(9), narrow


@exercise(
    "Average two criteria",
    hint="For each of the two columns: subtract its mean, divide by its standard "
    "deviation. Average the two, find the row with the highest average (argmax), and "
    "return its value in the column k.",
)
def ex07_3(propose):
    """Write `propose(table)`: the k with the highest mean of two standardised columns.

    table has one row per k, with the columns k, after_umap and after_eigenmaps, and
    others. Standardise both: subtract the mean, divide by the standard deviation.
    """
    cases = list(_evidence())
    found = [as_number(call_function(propose, case), "one k") for case in cases]
    expected = [_propose(case) for case in cases]
    mistakes = {
        message: [_propose(case, slip) for case in cases]
        for slip, message in {
            "index": "You return the place of the row: return its value of k.",
            "raw": "Standardise both columns first: without it, the column with the "
            "larger spread decides.",
            "umap": "This is the best k by after_umap alone.",
            "eigenmaps": "This is the best k by after_eigenmaps alone.",
            "silhouette": "The column silhouette must not take part.",
            "lowest": "This is the k with the lowest mean.",
            "range": "You scaled the columns from 0 to 1; divide by their standard "
            "deviations.",
            "ranks": "You averaged ranks; average the standardised values.",
            "variance": "Divide by the standard deviation, not by the variance.",
        }.items()
    }
    otherwise = (
        f"For the first table you give k = {found[0]:g}; the highest mean is at "
        f"k = {expected[0]}."
    )
    compare_answer(found, expected, mistakes, otherwise)
    return "highest mean of two standardised silhouettes"


def _evidence():
    """Tables of evidence, rows in any order, index of no meaning."""
    generator = np.random.default_rng(73)
    for _ in range(12):
        ks = generator.permutation(np.arange(2, 14))
        narrow = 0.5 + 0.02 * generator.gamma(0.5, size=12)
        wide = 0.2 + 0.1 * generator.normal(size=12)
        columns = [wide, narrow]
        generator.shuffle(columns)
        yield pd.DataFrame(
            {
                "k": ks,
                "silhouette": generator.uniform(0, 1, 12),
                "after_umap": columns[0],
                "after_eigenmaps": columns[1],
            },
            index=generator.permutation(np.arange(20, 32)),
        )


def _propose(table, slip=None):
    columns = ["after_umap", "after_eigenmaps"]
    if slip == "silhouette":
        columns.append("silhouette")
    if slip in ("umap", "eigenmaps"):
        columns = [f"after_{slip}"]
    values = table[columns].to_numpy()
    values = values - values.mean(axis=0)
    if slip == "range":
        values = values / np.ptp(values, axis=0)
    elif slip == "ranks":
        values = values.argsort(axis=0).argsort(axis=0)
    elif slip != "raw":
        values = values / values.std(axis=0) ** (2 if slip == "variance" else 1)
    means = values.mean(axis=1)
    place = means.argmin() if slip == "lowest" else means.argmax()
    return int(place if slip == "index" else table["k"].iloc[place])


@exercise(
    "The knee of a curve",
    hint="heights = np.sort(distances); scale them to (heights - lowest) / (highest - "
    "lowest), and the places to np.linspace(0, 1, n). The knee is where place minus "
    "height is largest; return the distance there, not the place.",
)
def ex07_4(knee):
    """Write `knee(distances)`: the distance at the knee of the sorted curve.

    Sort the distances upwards and scale places and distances to 0 to 1. Return the
    distance, unscaled, of the point that is farthest below the line from the first
    point to the last.
    """
    cases = list(_curves())
    found = [as_number(call_function(knee, case), "one distance") for case in cases]
    expected = [_knee(case) for case in cases]
    mistakes = {
        message: [_knee(case, slip) for case in cases]
        for slip, message in {
            "unsorted": "Sort the distances first.",
            "index": "You return the place of the knee: return the distance there.",
            "scaled": "You return the scaled distance: return the distance itself.",
            "unscaled": "Scale places and distances to 0 to 1 before you compare them.",
            "above": "This is the point farthest above the line; the knee is below it.",
            "jump": "This is where the curve jumps most; look for the point farthest "
            "below the line.",
            "after": "This is the distance after the steepest step; look for the point "
            "farthest below the line.",
            "median": "This is the median.",
            "mean": "This is the mean.",
        }.items()
    }
    otherwise = (
        f"For the first curve you give {found[0]:.4f}; the distance at the knee is "
        f"{expected[0]:.4f}."
    )
    compare_answer(found, expected, mistakes, otherwise)
    return "distance farthest below the line"


def _curves():
    """Distances in no order: a flat part, then a steep one with jumps in it."""
    generator = np.random.default_rng(74)
    for n, scale, power in ((60, 2.0, 4), (45, 30.0, 6), (80, 0.5, 3)):
        curve = scale * (0.3 + np.linspace(0, 1, n) ** power)
        curve[: n // 3] -= scale * 0.15 * np.linspace(1, 0, n // 3) ** 0.3
        curve[-3:] += scale * np.array([0.3, 0.35, 0.4])
        yield generator.permutation(curve)


def _knee(distances, slip=None):
    heights = distances if slip == "unsorted" else np.sort(distances)
    if slip in ("median", "mean"):
        return float(getattr(np, slip)(heights))
    steps = np.diff(heights)
    if slip in ("jump", "after"):
        return heights[steps.argmax() + int(slip == "after")]
    places = np.linspace(0, 1, len(heights))
    scaled = (heights - heights.min()) / np.ptp(heights)
    if slip == "unscaled":
        places, scaled = np.arange(len(heights)), heights
    below = places - scaled
    place = below.argmin() if slip == "above" else below.argmax()
    if slip == "index":
        return place
    return scaled[place] if slip == "scaled" else heights[place]


MIN_IMAGES, MIN_ROWS, MAX_COMPUTED = 60, 4, 12


@exercise(
    "A choice of your own",
    hint="clustering.choose(…).evidence has the columns representation, algorithm, k "
    "and several criteria; call one of them criterion. Compute ami for every row by "
    "clustering.cluster(rows[places], algorithm, k), with its default seed.",
)
def ex07_5(name, places, table, sentence):
    """Choose for a part of an image set without labels, then look at the labels.

    name is "stamps" or "photos"; places says which images, at least 60. table has one
    row per proposal: representation, algorithm, k, criterion (higher is better) and
    ami. At least two representations, two numbers of clusters and four rows. The check
    computes ami again. sentence, 8 to 80 words, says what the criterion chose and how
    good that is.
    """
    image_set, places = _images(name, places)
    columns = ["representation", "algorithm", "k", "criterion", "ami"]
    if isinstance(table, list | dict):
        table = pd.DataFrame(table)
    require_columns(table, columns)
    table = table.reset_index(drop=True)
    for column in ("representation", "k"):
        if table[column].nunique() < 2:
            raise NotYet(f"Compare at least 2 values of {column}.")
    if len(table) < MIN_ROWS:
        raise NotYet(f"Compare at least {MIN_ROWS} proposals, one per row.")
    if table.duplicated(["representation", "algorithm", "k"]).any():
        raise NotYet("A proposal is in the table twice.")
    numbers = [as_array(table[c], f"numbers in {c}") for c in ("criterion", "ami", "k")]
    criterion, ami, _ = numbers
    if not np.isfinite(numbers).all():
        raise NotYet("Every row needs a criterion, an ami and a k: some are missing.")
    if np.ptp(criterion) < 1e-9:
        raise NotYet("The criterion is the same for all: it chooses nothing.")
    if np.ptp(ami) > 0 and abs(np.corrcoef(criterion, ami)[0, 1]) > 0.9999:
        raise NotYet("The criterion is the AMI: choose without the true labels.")
    require_words(attempted(sentence), "The sentence", 8, 80, different=7)
    _compute_again(image_set, places, table)
    first = table.loc[criterion.argmax()]
    return {
        "name": name,
        "n_images": len(places),
        "chosen": f"{first['representation']}, {first['algorithm']}, k={first['k']}",
        "ami": round(float(first["ami"]), 3),
        "best": round(float(ami.max()), 3),
        "sentence": str(sentence),
    }


def _images(name, places):
    if not isinstance(name, str) or name not in ("stamps", "photos"):
        raise NotYet("Take 'stamps' or 'photos': the check computes them again.")
    image_set = images.load(name, progress=False)
    n_images = len(image_set)
    given = np.asarray(places)
    if given.dtype == bool and given.shape == (n_images,):
        given = np.flatnonzero(given)
    given = as_array(given, "places of images").ravel()
    inside = (given >= 0) & (given < n_images) & (given == np.round(given))
    if not inside.all():
        raise NotYet(f"Places must be whole numbers from 0 to {n_images - 1}.")
    if len(np.unique(given)) < len(given):
        raise NotYet("An image is in places twice.")
    if len(given) < MIN_IMAGES:
        raise NotYet(f"Take at least {MIN_IMAGES} images; you have {len(given)}.")
    given = given.astype(int)
    if len(np.unique(image_set.true_labels[given])) < 2:
        raise NotYet("All these images are of one class: their AMI says nothing.")
    return image_set, given


def _compute_again(image_set, places, table):
    """Raise NotYet unless the AMI of up to twelve rows is what the table says."""
    order = table["criterion"].astype(float).argsort()[::-1]
    for _, row in table.loc[order[:MAX_COMPUTED]].iterrows():
        what = f"{row['representation']}, {row['algorithm']}, k = {row['k']}"
        try:
            vectors = representations.extract(
                image_set, row["representation"], progress=False
            )
            both = [  # the notebook's vectors have length 1 already
                clustering.cluster(rows[places], row["algorithm"], int(row["k"]))
                for rows in (vectors, normalize(vectors))
            ]
        except (representations.WeightsUnavailable, ValueError) as error:
            raise NotYet(
                f"This cannot be computed again, {what}: {as_sentence(error)}"
            ) from None
        true_labels = image_set.true_labels[places]
        amis = [sk.adjusted_mutual_info_score(true_labels, found) for found in both]
        if min(abs(ami - float(row["ami"])) for ami in amis) > 0.05:
            raise NotYet(
                f"For {what}, the table says an AMI of {row['ami']:.3f}, but computed "
                f"again it is {amis[0]:.3f}. Cluster rows[places], the features, by "
                "clustering.cluster with its default seed, and score it by the true "
                "labels of the same places."
            )
