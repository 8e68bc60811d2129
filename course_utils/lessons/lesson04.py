"""Checks of lesson 4: hue histogram, LBP code, assignment, bag, tf-idf, an open one.

A wrong answer is held against what the usual mistakes give, and that one is named.
"""

import numpy as np

from course_utils import metrics
from course_utils.clustering import algorithms
from course_utils.images import datasets
from course_utils.lessons.exercises import NotYet, attempted, exercise
from course_utils.representations import handcrafted

ALGORITHM = "l2+pca193+kmeans"  # as the lesson clusters

GOAL, TOO_GOOD = 0.40, 0.65

RING = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]


def _call(function, *arguments):
    """What a student's function returns for copies of the arguments, as an array."""
    if not callable(function):
        raise NotYet("give the check the function itself: its name, no parentheses.")
    copies = [a.copy() if hasattr(a, "copy") else a for a in arguments]
    with np.errstate(all="ignore"):
        found = attempted(function(*copies))
    try:
        return np.asarray(found, dtype=float)
    except (TypeError, ValueError):
        raise NotYet(f"return numbers; it is {found!r}.") from None


def _same(found, expected):
    found, expected = np.asarray(found), np.asarray(expected)
    return found.shape == expected.shape and np.allclose(
        found, expected, rtol=1e-4, atol=1e-6
    )


def _judge(found, expected, mistakes, otherwise):
    """Pass if it is as expected, else raise NotYet with the mistake that fits."""
    if _same(found, expected):
        return
    for message, mistake in mistakes:
        if _same(found, mistake):
            raise NotYet(message)
    raise NotYet(otherwise)


@exercise(
    "a hue histogram",
    hint="Which part does hue 100 belong to if there are 8? Beware of uint8 above 255.",
)
def ex04_1(function):
    generator = np.random.default_rng(4)
    probes = [
        (generator.integers(0, 180, (30, 40)).astype(np.uint8), 8),
        (generator.integers(20, 70, (9, 5)).astype(np.uint8), 6),
        (np.array([[0, 179, 90, 89]], dtype=np.uint8), 2),
        (np.full((4, 4), 7, dtype=np.uint8), 12),
    ]
    for hue, n_bins in probes:
        found, n = _call(function, hue, n_bins), hue.size
        if found.shape != (n_bins,):
            raise NotYet(f"the shape is {found.shape}, not ({n_bins},): minlength?")
        counts = np.histogram(hue, n_bins, (0, 180))[0]
        overflown = (hue * np.uint8(n_bins) // np.uint8(180)).ravel()
        overflown = np.bincount(overflown, minlength=n_bins)
        own_range = np.histogram(hue, n_bins)[0]
        byte_range = np.histogram(hue, n_bins, (0, 256))[0]
        mistakes = [
            ("these are counts: divide by the number of pixels.", counts),
            ("divided by the rows; the pixels are hue.size.", counts / len(hue)),
            ("uint8 times n_bins overflows: take int first.", overflown / n),
            ("hue ends at 179: cut 0 to 180, not to 256.", byte_range / n),
            ("cut the same parts in all pictures: range=(0, 180).", own_range / n),
        ]
        where = f"hues {hue.min()} to {hue.max()} in {n_bins} parts"
        _judge(found, counts / n, mistakes, f"{where} come out wrong.")
    return function(*probes[0])


def _code(patch, *, compare=np.greater_equal, order=RING, limit=2):
    bits = [int(compare(patch[place], patch[1, 1])) for place in order]
    changes = sum(bits[i] != bits[i - 1] for i in range(8))
    return sum(bits) if changes <= limit else 9


@exercise(
    "the LBP code of one pixel",
    hint="Write the 8 bits in a list first; index -1 is the last and closes the ring.",
)
def ex04_2(function):
    generator = np.random.default_rng(5)
    patches = [np.full((3, 3), 9), *generator.integers(0, 256, (150, 3, 3))]
    patches += list(generator.integers(0, 3, (80, 3, 3)))
    patches = [np.asarray(patch, dtype=np.uint8) for patch in patches]
    found = [_call(function, patch) for patch in patches]
    if any(code.shape != () for code in found):
        raise NotYet("return one whole number, the code of the middle pixel.")
    rows = [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    swapped = "0 and 1 are swapped: 1 is for neighbours at least as light."

    def powers(patch):
        return sum(2**i * (patch[p] >= patch[1, 1]) for i, p in enumerate(RING))

    def codes(**options):
        return [_code(patch, **options) for patch in patches]

    mistakes = [
        ("neighbours equal to the middle are 1, too: >=.", codes(compare=np.greater)),
        (swapped, codes(compare=np.less)),
        (swapped, codes(compare=np.less_equal)),
        (
            "go along RING, not row by row.",
            codes(order=rows),
        ),
        ("these are the ones; more than two changes make 9.", codes(limit=8)),
        ("two changes still count as uniform.", codes(limit=1)),
        (
            "no powers of two: count the ones.",
            list(map(powers, patches)),
        ),
    ]
    expected = codes()
    wrong = [i for i, code in enumerate(found) if code != expected[i]]
    example = f"{patches[wrong[0]].tolist()} is {expected[wrong[0]]}" if wrong else ""
    _judge(found, expected, mistakes, f"wrong for some patches: {example}.")
    return expected[:12]


@exercise(
    "from descriptors to words",
    hint="The sum of squares is one number a word; the minimum is over the words.",
)
def ex04_3(function):
    generator = np.random.default_rng(6)
    descriptors = generator.gamma(1, 30, (60, 128)).astype(np.float32)
    length = generator.uniform(0.3, 3, (25, 1))  # unequal, so that |w|² matters
    codebook = (generator.gamma(1, 30, (25, 128)) * length).astype(np.float32)
    descriptors[:25] = codebook + generator.normal(0, 4, codebook.shape)
    found = _call(function, descriptors, codebook)
    differences = descriptors[:, None].astype(float) - codebook[None]
    squares = (differences**2).sum(axis=2)
    if found.shape == (25,):
        raise NotYet("that is the nearest descriptor of each word: the other axis.")
    if found.shape != (60,):
        raise NotYet(
            f"60 descriptors give shape {found.shape}: argmin along the words?"
        )
    distances = "these are the distances: return which word (argmin, not min)."
    products = descriptors @ codebook.T
    absolute = abs(differences).sum(axis=2)
    mistakes = [
        (distances, squares.min(axis=1)),
        (distances, squares.min(axis=1) ** 0.5),
        ("the farthest word: argmin, not argmax.", squares.argmax(axis=1)),
        ("|w|² is missing: not the largest product.", products.argmax(axis=1)),
        ("absolute differences: square them.", absolute.argmin(axis=1)),
    ]
    expected = squares.argmin(axis=1)
    n_wrong = int((found != expected).sum())
    _judge(found, expected, mistakes, f"{n_wrong} of 60 words are not the nearest.")
    if _call(function, np.zeros((0, 128), np.float32), codebook).shape != (0,):
        raise NotYet("a picture without descriptors has no words: shape (0,).")
    return expected


@exercise(
    "the bag",
    hint="np.bincount counts whole numbers; what does its minlength do?",
)
def ex04_4(function):
    for words, n_words in (([2, 0, 2, 5], 6), ([1, 1, 1], 4), ([*range(9), 3], 12)):
        words = np.array(words)
        found = _call(function, words, n_words)
        if found.shape == (words.max() + 1,) != (n_words,):
            raise NotYet(f"the bag needs all {n_words} words, seen or not: minlength.")
        counts = np.array([(words == word).sum() for word in range(n_words)])
        length = np.linalg.norm(counts)
        mistakes = [
            ("these are counts: divide by the number of words seen.", counts),
            ("divide by the words seen, not by n_words.", counts / n_words),
            ("the shares should add up to 1, not the squares.", counts / length),
            ("count how often a word occurs, not only whether.", counts > 0),
        ]
        otherwise = f"the words {words.tolist()}, n_words={n_words}, come out wrong."
        _judge(found, counts / len(words), mistakes, otherwise)
    empty = _call(function, np.zeros(0, dtype=int), 5)
    if not _same(empty, np.zeros(5)):
        raise NotYet("a picture without keypoints is all zeros: do not divide by 0.")
    return found


@exercise(
    "tf-idf",
    hint="How many rows have a share above zero in a column? np.log is natural.",
)
def ex04_5(function):
    generator = np.random.default_rng(7)
    counts = generator.poisson(generator.uniform(0.2, 3, 9), (14, 9))
    counts[:, 0] = np.arange(14) == 3  # a rare word, and a picture without any
    counts[:, 1], counts[5] = 1, 0
    bags = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    found, n = _call(function, bags), len(bags)
    if found.shape != bags.shape:
        raise NotYet(f"the shape is {found.shape}, not that of the bags {bags.shape}.")
    n_with = (bags > 0).sum(axis=0)
    ratio = (1 + n) / (1 + n_with)
    idf = np.log(ratio) + 1
    by_shares = np.log((1 + n) / (1 + bags.sum(axis=0))) + 1
    by_row = np.log((1 + n) / (1 + (bags > 0).sum(axis=1, keepdims=True))) + 1
    mistakes = [
        ("these are still the shares: multiply them by idf.", bags),
        ("this is idf alone: multiply it by the shares.", bags * 0 + idf),
        ("the + 1 after the logarithm is missing.", bags * np.log(ratio)),
        ("the last 1 belongs outside the logarithm.", bags * np.log(ratio + 1)),
        ("the natural logarithm, np.log, not base 2.", bags * (np.log2(ratio) + 1)),
        ("the natural logarithm, np.log, not base 10.", bags * (np.log10(ratio) + 1)),
        ("the fraction is upside down: n above.", bags * (1 - np.log(ratio))),
        ("n_w counts pictures; you add up shares.", bags * by_shares),
        ("wrong axis: count the pictures of a word.", bags * by_row),
        ("n is the number of rows, not of words.", bags * (idf + np.log(10 / (1 + n)))),
    ]
    otherwise = "the weights come out wrong; that of a word in every picture is 1."
    _judge(found, handcrafted.tf_idf(bags), mistakes, otherwise)
    return found[0]


@exercise(
    "beat it",
    hint="Paper rules the histograms. What shrinks large entries more than small ones?",
)
def ex04_6(vectors):
    image_set = datasets.load("stamps", progress=False)
    vectors = np.asarray(vectors, dtype=float)
    if vectors.ndim != 2 or len(vectors) != len(image_set):
        raise NotYet(f"the shape is {vectors.shape}; (193, width) has a row a stamp.")
    if not np.isfinite(vectors).all():
        raise NotYet("there are NaN or infinite numbers in it (a root, a division?).")
    scores = []
    for seed in range(5):
        found = algorithms.cluster(vectors, ALGORITHM, 7, seed)
        labels = {"labels_true": image_set.true_labels, "labels_pred": found}
        scores.append(metrics.nmi(**labels))
    nmi = float(np.mean(scores))
    if nmi > TOO_GOOD:
        raise NotYet(f"NMI {nmi:.3f} is too good: a network, or true labels, inside?")
    if nmi < GOAL:
        raise NotYet(f"the mean NMI of five seeds is {nmi:.3f}; {GOAL} is the goal.")
    return round(nmi, 4)
