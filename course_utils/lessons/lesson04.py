"""Checks of lesson 4: hue histogram, LBP code, assignment, bag, tf-idf, an open one."""

from functools import partial

import numpy as np

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
from course_utils.representations import handcrafted

ALGORITHM = "l2+pca193+kmeans"  # as the lesson clusters

GOAL, TOO_GOOD = 0.40, 0.65

RING = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]

about_same = partial(same_numbers, rtol=1e-4)  # sums of many float32


@exercise(
    "A hue histogram",
    hint="Which part does hue 100 belong to if there are 8? Beware of uint8 above 255.",
)
def ex04_1(hue_histogram):
    """Write `hue_histogram(hue, n_bins)`: the share of the pixels in each part.

    The parts cut the hues 0 to 179 into n_bins equal ones.
    """
    generator = np.random.default_rng(4)
    probes = [
        (generator.integers(0, 180, (30, 40)).astype(np.uint8), 8),
        (generator.integers(20, 70, (9, 5)).astype(np.uint8), 6),
        (np.array([[0, 179, 90, 89]], dtype=np.uint8), 2),
        (np.full((4, 4), 7, dtype=np.uint8), 12),
    ]
    for hue, n_bins in probes:
        value, n_pixels = call_function(hue_histogram, hue, n_bins), hue.size
        what = "one share per part (does np.bincount need minlength?)"
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
            "Cut the same parts in all images: range=(0, 180).": (
                np.histogram(hue, n_bins)[0] / n_pixels
            ),
        }
        otherwise = (
            f"The shares of the hues {hue.min()} to {hue.max()} in {n_bins} parts are "
            "wrong."
        )
        compare_answer(found, counts / n_pixels, mistakes, otherwise, about_same)
    return hue_histogram(*probes[0])


def _code(patch, *, compare=np.greater_equal, order=RING, limit=2):
    bits = [int(compare(patch[place], patch[1, 1])) for place in order]
    changes = sum(bits[i] != bits[i - 1] for i in range(8))
    return sum(bits) if changes <= limit else 9


@exercise(
    "The LBP code of one pixel",
    hint="Write the 8 bits in a list first; index -1 is the last and closes the ring.",
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


@exercise(
    "Tf-idf",
    hint="How many rows have a share above zero in a column? np.log is natural.",
)
def ex04_5(weigh):
    """Write `weigh(bags)`: multiply each share by ln((1 + n) / (1 + n_w)) + 1.

    bags has one row per image and one column per word; n_w of the n images have the
    word w.
    """
    generator = np.random.default_rng(7)
    counts = generator.poisson(generator.uniform(0.2, 3, 9), (14, 9))
    counts[:, 0] = np.arange(14) == 3  # a rare word, and an image without any
    counts[:, 1], counts[5] = 1, 0
    bags = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    what = "weights like the bags"
    found, n = as_array(call_function(weigh, bags), what, bags.shape), len(bags)
    n_with = (bags > 0).sum(axis=0)
    ratio = (1 + n) / (1 + n_with)
    idf = np.log(ratio) + 1
    by_shares = np.log((1 + n) / (1 + bags.sum(axis=0))) + 1
    by_row = np.log((1 + n) / (1 + (bags > 0).sum(axis=1, keepdims=True))) + 1
    mistakes = {
        "These are still the shares: multiply them by idf.": bags,
        "This is idf alone: multiply it by the shares.": bags * 0 + idf,
        "The + 1 after the logarithm is missing.": bags * np.log(ratio),
        "The last 1 belongs outside the logarithm.": bags * np.log(ratio + 1),
        "Take the natural logarithm, np.log, not base 2.": bags * (np.log2(ratio) + 1),
        "Take the natural logarithm, np.log, not base 10.": (
            bags * (np.log10(ratio) + 1)
        ),
        "The fraction is upside down: n is in the numerator.": (
            bags * (1 - np.log(ratio))
        ),
        "You add up shares, but n_w is a number of images.": bags * by_shares,
        "This is the wrong axis: count the images that have a word.": bags * by_row,
        "The number n is that of the rows, not of the words.": (
            bags * (idf + np.log(10 / (1 + n)))
        ),
    }
    otherwise = "The weights are wrong; that of a word in every image is 1."
    compare_answer(found, handcrafted.tf_idf(bags), mistakes, otherwise, about_same)
    return found[0]


@exercise(
    "Beat it",
    hint="Paper rules the histograms. What shrinks large entries more than small ones?",
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
