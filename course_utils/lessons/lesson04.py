"""Checks of lesson 4: hue histogram, LBP code, words, bag, HOG cell, an open one."""

from functools import partial

import numpy as np
from skimage.feature import local_binary_pattern
from sklearn.preprocessing import normalize

from course_utils import metrics
from course_utils.clustering import algorithms
from course_utils.images import datasets
from course_utils.lessons.exercises import NotAttempted, NotYet, exercise
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


def _shares(value, n_parts, what, known_shapes=None):
    """An answer as an array of shares (n_parts,)."""
    if (
        isinstance(value, tuple)
        and len(value) == 2
        and np.size(value[1]) == n_parts + 1
    ):
        raise NotYet("np.histogram returns the counts and the edges: take [0].")
    return as_array(value, what, (n_parts,), known_shapes)


def _unlike_shares(sums, total, of_what):
    """Mistakes of dividing, all named alike."""
    return {
        "The shares should add up to 1, not their squares.": (
            sums / np.linalg.norm(sums)
        ),
        "You divided by the largest one: the shares should add up to 1.": (
            sums / sums.max()
        ),
        f"The operator // cuts the shares to 0: divide by {of_what} with /.": (
            sums // total
        ),
        "A share is between 0 and 1, not in per cent.": 100 * sums / total,
    }


def _call_edge(function, *arguments, message):
    """Call with an empty or special input; an error or None there has this message."""
    try:
        return call_function(function, *arguments)
    except (NotAttempted, ZeroDivisionError, ValueError, IndexError) as error:
        raise NotYet(message) from error


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
        whole = hue.astype(int).ravel()
        narrow = np.bincount(whole // (180 // n_bins), minlength=n_bins)
        known_shapes = {
            (n_bins + 1,): NARROW,
            (8,): "Make n_bins bins: it need not be 8.",
        }
        known_shapes.pop((n_bins,), None)
        found = _shares(value, n_bins, what, known_shapes)
        counts = np.histogram(hue, n_bins, (0, 180))[0]
        overflown = (hue * np.uint8(n_bins) // np.uint8(180)).ravel()
        overflown = np.bincount(overflown, minlength=n_bins)
        mistakes = {
            "These are counts: divide them by the number of pixels.": counts,
            "You divided by the number of rows or columns; the number of pixels is "
            "hue.size.": (counts / len(hue), counts / hue.shape[1]),
            "A uint8 times n_bins overflows: convert to int first.": (
                overflown / n_pixels
            ),
            "Hue ends at 179: cut 0 to 180, not 0 to 255, 256 or 360.": tuple(
                np.histogram(hue, n_bins, (0, end))[0] / n_pixels
                for end in (256, 255, 360)
            ),
            "With density=True you divide by the width of a bin: divide by the number "
            "of pixels.": counts / n_pixels * n_bins / 180,
            "A hue on a border belongs to the bin that begins there: round down.": (
                _shares_of_digitized(hue, np.linspace(0, 180, n_bins + 1), right=True),
                np.histogram(hue - 1e-6, n_bins, (0, 180))[0] / n_pixels,
                _rounded(whole * n_bins / 180, n_bins) / n_pixels,
            ),
            NARROW: (
                np.append(narrow[: n_bins - 1], narrow[n_bins - 1 :].sum()) / n_pixels
            ),
            "Hue 0 counts, too, although it may be white.": (
                np.histogram(hue[hue > 0], n_bins, (0, 180))[0] / n_pixels,
                np.histogram(hue[hue > 0], n_bins, (0, 180))[0] / (hue > 0).sum(),
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
            **_unlike_shares(counts, n_pixels, "the number of pixels"),
        }
        otherwise = (
            f"The shares of the hues {hue.min()} to {hue.max()} in {n_bins} bins are "
            "wrong."
        )
        compare_answer(found, counts / n_pixels, mistakes, otherwise, about_same)
    return hue_histogram(*probes[0])


NARROW = "180 // n_bins drops a fraction: a bin is 180 / n_bins wide."


def _rounded(places, n_parts):
    return np.bincount(
        np.minimum(np.round(places), n_parts - 1).astype(int).ravel(), minlength=n_parts
    )


def _shares_of_digitized(hue, edges, right=False):
    places = np.digitize(hue.ravel(), edges[1:-1], right=right)
    return np.bincount(places, minlength=len(edges) - 1) / hue.size


def _code(
    patch, *, compare=np.greater_equal, order=RING, limit=2, change=np.not_equal, more=0
):
    bits = [int(compare(patch[place], patch[1, 1])) for place in order]
    changes = sum(change(bits[i], bits[i - 1]) for i in range(len(bits)))
    return sum(bits) + more if changes <= limit else 9


def _code_by_uint8(patch):
    bits = np.array([patch[place] >= patch[1, 1] for place in RING], dtype=np.uint8)
    return bits.sum() if np.diff(bits).sum() <= 2 else 9


def _n_changes(patch):
    bits = [patch[place] >= patch[1, 1] for place in RING]
    return sum(bits[i] != bits[i - 1] for i in range(8))


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
    found = [as_number(call_function(lbp_code, patches[0]), what)]
    for patch in patches[1:]:
        missing = (
            f"For {patch.tolist()} your function returns nothing or ends with an "
            "error: does every branch return a code?"
        )
        found.append(as_number(_call_edge(lbp_code, patch, message=missing), what))
    found = np.array(found)
    all_nine = [(i, j) for i in range(3) for j in range(3)]
    rows = [place for place in all_nine if place != (1, 1)]

    def codes(**options):
        return np.array([_code(patch, **options) for patch in patches])

    expected = codes()
    ones, uniform = codes(limit=8), expected < 9
    mistakes = {
        "Every patch gets 8: a difference of uint8 is never negative. Compare the two "
        "values.": np.full(len(patches), 8),
        "The middle is not one of its neighbours: take the 8 of RING.": (
            codes(more=1),
            codes(order=all_nine),
        ),
        "These are the numbers of changes: return the number of ones, or 9.": np.array(
            [_n_changes(patch) for patch in patches]
        ),
        "Changes from 0 to 1 count, and so do those from 1 to 0.": (
            codes(change=np.greater),
            codes(change=np.less),
        ),
        "Differences of uint8 never are negative: convert the bits to int, or compare "
        "them with !=.": np.array([_code_by_uint8(patch) for patch in patches]),
        "It is the other way round: at most two changes give the number of ones.": (
            np.where(uniform, 9, ones)
        ),
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
        "Two changes still count as uniform; a difference of uint8 never is -1.": codes(
            limit=1
        ),
    }
    several = np.unique(found[~uniform])
    if same_numbers(found[uniform], expected[uniform]) and len(several) == 1:
        mistakes["More than two changes make 9."] = found * (several[0] != 9)
    if found.max() > 9:
        mistakes["The code is 0 to 9: count the ones, without powers of two."] = found
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
        {
            (25,): "This is the nearest descriptor of each word: use the other axis.",
            (): "This is the smallest of all distances: take argmin with axis=1.",
            (60, 128): "These are the words themselves: return their indices.",
        },
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
        "The product d · w is multiplied by 2, and subtracted.": (
            ((codebook**2).sum(axis=1) - descriptors @ codebook.T).argmin(axis=1),
            ((codebook**2).sum(axis=1) + 2 * descriptors @ codebook.T).argmin(axis=1),
        ),
        "The smallest product is not the smallest distance: use the whole formula.": (
            (descriptors @ codebook.T).argmin(axis=1)
        ),
        "This is the largest cosine: the lengths count, too.": (
            descriptors @ normalize(codebook).T
        ).argmax(axis=1),
    }
    expected = squares.argmin(axis=1)
    n_wrong = int((found != expected).sum())
    otherwise = f"The word is not the nearest for {n_wrong} of 60 descriptors."
    compare_answer(found, expected, mistakes, otherwise, about_same)
    message = "An image without descriptors has no words: return shape (0,)."
    empty = np.zeros((0, 128), np.float32)
    if np.shape(_call_edge(assign, empty, codebook, message=message)) != (0,):
        raise NotYet(message)
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
        known_shapes = {(words.max() + 1,): short, (len(np.unique(words)),): short}
        known_shapes.pop((n_words,), None)
        value = call_function(bag, words, n_words)
        found = _shares(value, n_words, "one share per word", known_shapes)
        counts = np.array([(words == word).sum() for word in range(n_words)])
        mistakes = {
            "These are counts: divide them by the number of words seen.": counts,
            "Divide by the number of words seen, not by n_words.": (counts / n_words),
            "The range is 0 to n_words, whatever words the image has.": (
                np.histogram(words, n_words)[0] / len(words)
            ),
            **_unlike_shares(counts, len(words), "the number of words seen"),
            "Count how often a word occurs, not only whether it does.": counts > 0,
        }
        otherwise = f"The bag of {words.tolist()} with n_words={n_words} is wrong."
        compare_answer(found, counts / len(words), mistakes, otherwise, about_same)
    message = "An image without keypoints is all zeros: do not divide by 0."
    empty = _call_edge(bag, np.zeros(0, dtype=int), 5, message=message)
    if not about_same(as_array(empty, "one share per word"), np.zeros(5)):
        raise NotYet(message)
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
    for shape, n_bins in (((16, 16), 9), ((8, 5), 7), ((20, 20), 8)):
        direction = generator.uniform(-179, 179, shape)
        magnitude = generator.gamma(1, 20, shape)
        value = call_function(hog_cell, magnitude, direction, n_bins)
        known_shapes = {
            (9,): "Make n_bins bins: it need not be 9.",
            (180 // n_bins,): "n_bins is the number of bins, not their width.",
        }
        known_shapes.pop((n_bins,), None)
        found = _shares(value, n_bins, "one share per bin", known_shapes)
        sums, total = _cell(magnitude, direction, n_bins), magnitude.sum()
        counts = _cell(np.ones(shape), direction, n_bins)
        whole = np.histogram(direction, n_bins, (-180, 180), weights=magnitude)[0]
        circle = np.histogram(direction % 360, n_bins, (0, 360), weights=magnitude)[0]
        mirrored = _cell(magnitude, abs(direction), n_bins)
        swapped = _cell(direction, magnitude, n_bins)
        front = np.histogram(direction, n_bins, (0, 180), weights=magnitude)[0]
        mistakes = {
            "These are sums: divide them by the total magnitude.": sums,
            "You count pixels: add up their magnitudes, so that a strong edge counts "
            "for more.": (counts / direction.size, counts),
            "Divide by the total magnitude, not by the number of pixels.": (
                sums / direction.size
            ),
            **_unlike_shares(sums, total, "the total magnitude"),
            "Opposite directions count as one: fold them by direction % 180, and cut "
            "0 to 180.": (whole / total, circle / total),
            "Folded by abs, -170 becomes 170; but it is opposite to 10: use "
            "direction % 180.": mirrored / total,
            "Negative directions are missing: fold them by direction % 180.": (
                front / total,
                front / front.sum(),
                _cell(magnitude, np.maximum(direction, 0), n_bins) / total,
            ),
            "The two arguments are swapped: the direction chooses the bin, the "
            "magnitude is added.": (swapped / direction.sum(), swapped / swapped.sum()),
            **_other_cells(magnitude, direction % 180, n_bins),
        }
        otherwise = (
            f"The shares of a cell of {shape} pixels in {n_bins} bins are wrong."
        )
        compare_answer(found, sums / total, mistakes, otherwise, about_same)
    message = "A cell without any gradient is all zeros: do not divide by 0."
    flat = _call_edge(hog_cell, *np.zeros((2, 4, 4)), 9, message=message)
    if not about_same(as_array(flat, "one share per bin", (9,)), np.zeros(9)):
        raise NotYet(message)
    message = (
        "Directions of exactly 180 and -180 degrees need a bin: direction % 180 is 0."
    )
    level = np.array([[0.0, 180.0, -180.0]])
    ends = _call_edge(hog_cell, np.ones((1, 3)), level, 9, message=message)
    if np.shape(ends) != (9,) or not about_same(np.sum(ends), 1):
        raise NotYet(message)
    return found


def _other_cells(magnitude, folded, n_bins):
    """Mistakes in the weights and the bins of a HOG cell with folded directions."""
    total, counts = magnitude.sum(), _cell(np.ones(folded.shape), folded, n_bins)
    sums, squares = (_cell(m, folded, n_bins) for m in (magnitude, magnitude**2))
    places = folded * n_bins / 180
    below, part = np.floor(places - 0.5).astype(int), (places - 0.5) % 1
    shared = np.zeros(n_bins)
    np.add.at(shared, below % n_bins, magnitude * (1 - part))
    np.add.at(shared, (below + 1) % n_bins, magnitude * part)
    narrow = np.minimum(folded // (180 // n_bins), n_bins - 1)
    rounded = np.round(places)
    by_place = [
        np.bincount(p.astype(int).ravel(), magnitude.ravel(), n_bins)
        for p in (narrow, np.minimum(rounded, n_bins - 1), rounded % n_bins)
    ]
    return {
        "Add up the magnitudes, not their squares.": squares / squares.sum(),
        "Add up the magnitudes: you take their mean in every bin.": sums / counts,
        "The bins must be the same for all cells, whatever directions they hold: 0 to "
        "180.": np.histogram(folded, n_bins, weights=magnitude)[0] / total,
        "Once they are folded, directions end at 180: cut 0 to 180.": (
            np.histogram(folded, n_bins, (0, 360), weights=magnitude)[0] / total
        ),
        "With density=True you divide by the width of a bin: divide by the total "
        "magnitude.": (sums / total * n_bins / 180),
        "You share each magnitude between two bins, as many versions of HOG do; here "
        "it goes into one bin whole.": shared / total,
        NARROW: by_place[0] / total,
        "Round down: a bin holds what is between its two borders.": (
            by_place[1] / total,
            by_place[2] / total,
        ),
        "Fold by 180, not by 90: a horizontal and a vertical edge differ.": (
            np.histogram(folded % 90, n_bins, (0, 90), weights=magnitude)[0] / total
        ),
    }


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
        raise NotYet(
            f"The mean NMI of five seeds is {nmi:.3f}; {GOAL:.2f} is the goal."
        )
    return round(nmi, 4)
