"""Checks of lesson 4: hue histogram, LBP code, words, bag, HOG cell, an open one."""

from functools import partial

import numpy as np
from skimage.feature import local_binary_pattern

from course_utils import metrics
from course_utils.clustering import algorithms
from course_utils.images import datasets
from course_utils.lessons.exercises import NotYet, exercise
from course_utils.lessons.matching import (
    as_array,
    as_number,
    call_function,
    compare_answer,
    same_numbers,
)

ALGORITHM = "l2+pca193+kmeans"  # as the lesson clusters

GOAL, TOO_GOOD = 0.40, 0.65

RING = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]

about_same = partial(same_numbers, rtol=1e-4)  # sums of many float32


@exercise(
    "A hue histogram",
    hint="Which bin does hue 100 belong to if there are 8? Beware of uint8 above 255.",
)
def ex04_1(hue_histogram):
    """Write `hue_histogram(hue, n_bins)`: the share of the pixels in each bin.

    The bins cut the hues from 0 up to, but not including, 180 into equal parts.
    """
    generator = np.random.default_rng(4)
    probes = [
        (generator.integers(20, 70, (9, 5)).astype(np.uint8), 6),
        (generator.integers(0, 180, (30, 40)).astype(np.uint8), 8),
        (np.array([[0, 179, 90, 89]], dtype=np.uint8), 2),
        (np.full((4, 4), 7, dtype=np.uint8), 12),
    ]
    for hue, n_bins in probes:
        value, n_pixels = call_function(hue_histogram, hue, n_bins), hue.size
        what = "one share per bin (does np.bincount need minlength?)"
        found = as_array(value, what, (n_bins,))
        counts = np.histogram(hue, n_bins, (0, 180))[0]
        overflown = (hue * np.uint8(n_bins) // np.uint8(180)).ravel()
        overflown = np.bincount(overflown, minlength=n_bins)
        mistakes = {
            "These are counts: divide them by the number of pixels.": counts,
            "You divided by the number of rows; the number of pixels is hue.size.": (
                counts / len(hue)
            ),
            "A uint8 times n_bins overflows: convert to int first.": (
                overflown / n_pixels
            ),
            "Hue ends at 179: cut 0 to 180, not 0 to 256.": (
                np.histogram(hue, n_bins, (0, 256))[0] / n_pixels
            ),
            "Hue 179 is the last of 180 whole hues, 0 to 179, so the bins end at 180: "
            "cut 0 to 180, not 0 to 179.": (
                np.histogram(hue, n_bins, (0, 179))[0] / n_pixels,
                _shares_of_digitized(hue, np.linspace(0, 179, n_bins + 1)),
            ),
            "The bins must be the same for all images, whatever hues they hold: 0 to "
            "180.": (
                np.histogram(hue, n_bins)[0] / n_pixels,
                np.histogram(hue, n_bins, (0, max(1, hue.max())))[0] / n_pixels,
            ),
        }
        otherwise = (
            f"The shares of the hues {hue.min()} to {hue.max()} in {n_bins} bins are "
            "wrong."
        )
        compare_answer(found, counts / n_pixels, mistakes, otherwise, about_same)
    return hue_histogram(*probes[0])


def _shares_of_digitized(hue, edges):
    places = np.digitize(hue.ravel(), edges[1:-1])
    return np.bincount(places, minlength=len(edges) - 1) / hue.size


def _code(patch, *, compare=np.greater_equal, order=RING, limit=2):
    bits = [int(compare(patch[place], patch[1, 1])) for place in order]
    changes = sum(bits[i] != bits[i - 1] for i in range(8))
    return sum(bits) if changes <= limit else 9


@exercise(
    "The LBP code of one pixel",
    hint="Write the 8 bits in a list first, then compare each with the one before it.",
)
def ex04_2(lbp_code):
    """Write `lbp_code(patch)`: the uniform LBP code of the middle of a patch (3, 3).

    It is the number of neighbours at least as light as the middle, or 9 if there are
    more than two changes between 0 and 1 along the ring.
    """
    generator = np.random.default_rng(5)
    patches = [np.full((3, 3), 9), *generator.integers(0, 256, (150, 3, 3))]
    patches += list(generator.integers(0, 3, (80, 3, 3)))
    patches = [np.asarray(patch, dtype=np.uint8) for patch in patches]
    what = "one whole number, the code of the middle pixel"
    found = np.array(
        [as_number(call_function(lbp_code, patch), what) for patch in patches]
    )
    rows = [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]

    def codes(**options):
        return np.array([_code(patch, **options) for patch in patches])

    mistakes = {
        "With scikit-image the neighbours are on a circle, and it interpolates the "
        "diagonal ones: take the pixels of RING as they are.": np.array(
            [local_binary_pattern(patch, 8, 1, "uniform")[1, 1] for patch in patches]
        ),
        "Neighbours equal to the middle count as 1 too: use >=.": codes(
            compare=np.greater
        ),
        "The bits 0 and 1 are swapped: 1 is for neighbours at least as light.": (
            codes(compare=np.less),
            codes(compare=np.less_equal),
        ),
        "Go along RING, not row by row.": codes(order=rows),
        "These are the numbers of ones; more than two changes make 9.": codes(limit=8),
        "Two changes still count as uniform.": codes(limit=1),
        "Count the ones: the code has no powers of two.": np.array(
            [
                sum(2**i * (patch[p] >= patch[1, 1]) for i, p in enumerate(RING))
                for patch in patches
            ]
        ),
    }
    expected = codes()
    first = int(np.argmax(found != expected))
    example = f"{patches[first].tolist()} has the code {expected[first]}"
    otherwise = f"Some codes are wrong: {example}."
    compare_answer(found, expected, mistakes, otherwise, about_same)
    return expected[:12]


@exercise(
    "From descriptors to words",
    hint="The sum of squares is one number per word; the minimum is over the words.",
)
def ex04_3(assign):
    """Write `assign(descriptors, codebook)`: the index of each one's nearest word.

    descriptors has shape (n, 128), codebook (n_words, 128). Without descriptors there
    are no words: return shape (0,).
    """
    generator = np.random.default_rng(6)
    descriptors = generator.gamma(1, 30, (60, 128)).astype(np.float32)
    length = generator.uniform(0.3, 3, (25, 1))  # unequal, so that |w|² matters
    codebook = (generator.gamma(1, 30, (25, 128)) * length).astype(np.float32)
    descriptors[:25] = codebook + generator.normal(0, 4, codebook.shape)
    found = as_array(
        call_function(assign, descriptors, codebook),
        "one word per descriptor (argmin along the words)",
        (60,),
        {(25,): "This is the nearest descriptor of each word: use the other axis."},
    )
    differences = descriptors[:, None].astype(float) - codebook[None]
    squares = (differences**2).sum(axis=2)
    mistakes = {
        "These are the distances: return which word is nearest (argmin, not min).": (
            squares.min(axis=1),
            squares.min(axis=1) ** 0.5,
        ),
        "This is the farthest word: use argmin, not argmax.": squares.argmax(axis=1),
        "The largest product is not the smallest distance: |w|² is missing.": (
            descriptors @ codebook.T
        ).argmax(axis=1),
        "You add up absolute differences: square them.": (
            abs(differences).sum(axis=2).argmin(axis=1)
        ),
    }
    expected = squares.argmin(axis=1)
    n_wrong = int((found != expected).sum())
    otherwise = f"The word is not the nearest for {n_wrong} of 60 descriptors."
    compare_answer(found, expected, mistakes, otherwise, about_same)
    nothing = call_function(assign, np.zeros((0, 128), np.float32), codebook)
    if np.shape(nothing) != (0,):
        raise NotYet("An image without descriptors has no words: return shape (0,).")
    return expected


@exercise(
    "The bag",
    hint="np.bincount counts whole numbers; what does its minlength do?",
)
def ex04_4(bag):
    """Write `bag(words, n_words)`: the share of each word among those of one image.

    An image without keypoints has no words and is all zeros.
    """
    for words, n_words in (([2, 0, 2, 5], 6), ([1, 1, 1], 4), ([*range(9), 3], 12)):
        words = np.array(words)
        short = "The bag needs all words, also those not in the image: set minlength."
        known_shapes = {(words.max() + 1,): short}
        value = call_function(bag, words, n_words)
        found = as_array(value, "one share per word", (n_words,), known_shapes)
        counts = np.array([(words == word).sum() for word in range(n_words)])
        mistakes = {
            "These are counts: divide them by the number of words seen.": counts,
            "Divide by the number of words seen, not by n_words.": (counts / n_words),
            "The shares should add up to 1, not their squares.": (
                counts / np.linalg.norm(counts)
            ),
            "Count how often a word occurs, not only whether it does.": counts > 0,
        }
        otherwise = f"The bag of {words.tolist()} with n_words={n_words} is wrong."
        compare_answer(found, counts / len(words), mistakes, otherwise, about_same)
    empty = call_function(bag, np.zeros(0, dtype=int), 5)
    if not about_same(as_array(empty, "one share per word"), np.zeros(5)):
        raise NotYet("An image without keypoints is all zeros: do not divide by 0.")
    return found


def _cell(magnitude, direction, n_bins=9):
    """Sums of the magnitude in each bin of the half circle."""
    return np.histogram(direction % 180, n_bins, (0, 180), weights=magnitude)[0]


@exercise(
    "One HOG cell",
    hint="np.histogram and np.bincount take weights. What is the sum of all shares?",
)
def ex04_5(hog_cell):
    """Write `hog_cell(magnitude, direction, n_bins)`: a histogram of directions.

    direction is in degrees from -180 to 180; opposite directions count as one. Return
    the share of the total magnitude in each of n_bins equal bins of 0 to 180; a cell
    without any gradient is all zeros.
    """
    generator = np.random.default_rng(7)
    for shape, n_bins in (((16, 16), 9), ((8, 5), 6), ((3, 3), 4)):
        direction = generator.uniform(-179, 179, shape)
        magnitude = generator.gamma(1, 20, shape)
        value = call_function(hog_cell, magnitude, direction, n_bins)
        found = as_array(value, "one share per bin", (n_bins,))
        sums, total = _cell(magnitude, direction, n_bins), magnitude.sum()
        counts = _cell(np.ones(shape), direction, n_bins)
        whole = np.histogram(direction, n_bins, (-180, 180), weights=magnitude)[0]
        circle = np.histogram(direction % 360, n_bins, (0, 360), weights=magnitude)[0]
        mirrored = _cell(magnitude, abs(direction), n_bins)
        mistakes = {
            "These are sums: divide them by the total magnitude.": sums,
            "You count pixels: add up their magnitudes, so that a strong edge counts "
            "for more.": (counts / direction.size, counts),
            "Divide by the total magnitude, not by the number of pixels.": (
                sums / direction.size
            ),
            "The shares should add up to 1, not their squares.": (
                sums / np.linalg.norm(sums)
            ),
            "Opposite directions count as one: fold them by direction % 180, and cut "
            "0 to 180.": (whole / total, circle / total),
            "Folded by abs, -170 becomes 170; but it is opposite to 10: use "
            "direction % 180.": mirrored / total,
            "Negative directions are missing: fold them by direction % 180.": (
                np.histogram(direction, n_bins, (0, 180), weights=magnitude)[0] / total
            ),
        }
        otherwise = (
            f"The shares of a cell of {shape} pixels in {n_bins} bins are wrong."
        )
        compare_answer(found, sums / total, mistakes, otherwise, about_same)
    flat = call_function(hog_cell, np.zeros((4, 4)), np.zeros((4, 4)), 9)
    if not about_same(as_array(flat, "one share per bin", (9,)), np.zeros(9)):
        raise NotYet("A cell without any gradient is all zeros: do not divide by 0.")
    return found


@exercise(
    "Beat it",
    hint="White dominates the histograms. What shrinks large entries more than small?",
)
def ex04_6(my_features):
    """Build features, one row per stamp, with a mean NMI of 0.40 or more over 5 seeds.

    Neither a network nor the true labels may be inside.
    """
    image_set = datasets.load("stamps", progress=False)
    vectors = as_array(my_features, "one row per stamp")
    if vectors.ndim != 2 or len(vectors) != len(image_set):
        raise NotYet(
            f"Expected one row per stamp, (193, width), but got {vectors.shape}."
        )
    if not np.isfinite(vectors).all():
        raise NotYet("There are NaN or infinite numbers in it (a root, a division?).")
    scores = []
    for seed in range(5):
        found = algorithms.cluster(vectors, ALGORITHM, 7, seed)
        labels = {"labels_true": image_set.true_labels, "labels_pred": found}
        scores.append(metrics.nmi(**labels))
    nmi = float(np.mean(scores))
    if nmi > TOO_GOOD:
        raise NotYet(
            f"NMI {nmi:.3f} is too good: is a network inside, or the true labels?"
        )
    if nmi < GOAL:
        raise NotYet(f"The mean NMI of five seeds is {nmi:.3f}; {GOAL} is the goal.")
    return round(nmi, 4)
