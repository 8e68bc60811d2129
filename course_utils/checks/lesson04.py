"""Checks of lesson 4: hue histogram, LBP code, assignment, bag, tf-idf, an open one."""

import numpy as np

from course_utils import clustering, datasets, handcrafted, metrics
from course_utils.checks import NotYet, attempted, exercise

ALGORITHM = "l2+pca193+kmeans"  # as the lesson clusters
GOAL, TOO_GOOD = 0.40, 0.65
RING = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]


def _call(function, *arguments):
    """What a student's function returns for copies of the arguments, as an array."""
    if not callable(function):
        raise NotYet("give the check the function itself: its name, no parentheses.")
    found = attempted(
        function(*[a.copy() if hasattr(a, "copy") else a for a in arguments])
    )
    try:
        return np.asarray(found, dtype=float)
    except (TypeError, ValueError):
        raise NotYet(f"return numbers; it is {found!r}.") from None


def _same(found, expected):
    found, expected = np.asarray(found), np.asarray(expected)
    return found.shape == expected.shape and np.allclose(
        found, expected, rtol=1e-4, atol=1e-6
    )


@exercise(
    "a hue histogram",
    hint="A hue h belongs to part h * n_bins // 180; np.bincount counts whole numbers "
    "and takes a minlength. Mind that uint8 overflows above 255.",
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
        found = _call(function, hue, n_bins)
        edges = np.linspace(0, 180, n_bins + 1)
        counts = np.histogram(hue, edges)[0]
        own_range = np.histogram(hue, n_bins)[0]
        byte_range = np.histogram(hue, n_bins, (0, 256))[0]
        overflown = (hue * np.uint8(n_bins) // np.uint8(180)).ravel()
        if found.shape != (n_bins,):
            raise NotYet(
                f"for n_bins={n_bins} the shape is {found.shape}, not ({n_bins},): a "
                "part without pixels still needs its 0 (minlength)."
            )
        if _same(found, counts / hue.size):
            continue
        if _same(found, counts):
            raise NotYet("these are counts: divide by the number of pixels.")
        if _same(found, counts / len(hue)):
            raise NotYet("divided by the rows; the number of pixels is hue.size.")
        if _same(found / found.sum(), byte_range / hue.size):
            raise NotYet("hue ends at 179, not at 255: cut 0 to 180 into parts.")
        if _same(found, np.bincount(overflown, minlength=n_bins) / hue.size):
            raise NotYet(
                "uint8 times n_bins overflows: make whole numbers (int) first."
            )
        if _same(found / found.sum(), own_range / hue.size):
            raise NotYet(
                "the parts run from the picture's smallest hue to its largest; they "
                "must be the same for all pictures: range=(0, 180)."
            )
        raise NotYet(
            f"hues {hue.min()} to {hue.max()} in {n_bins} parts come out wrong."
        )
    return function(*probes[0])


def _code(patch, *, compare=np.greater_equal, closed=True, order=RING, limit=2):
    bits = [int(compare(patch[place], patch[1, 1])) for place in order]
    changes = sum(bits[i] != bits[i - 1] for i in range(0 if closed else 1, 8))
    return sum(bits) if changes <= limit else 9


@exercise(
    "the LBP code of one pixel",
    hint="Make a list of 8 bits along RING; bits[i] != bits[i - 1] is a change, and "
    "bits[-1] is the last one, so i = 0 closes the ring.",
)
def ex04_2(function):
    generator = np.random.default_rng(5)
    patches = [np.full((3, 3), 9), np.array([[1, 1, 1], [1, 9, 1], [1, 1, 1]])]
    patches += [np.array([[9, 9, 9], [5, 5, 5], [1, 1, 1]])]
    patches += list(generator.integers(0, 256, (150, 3, 3)))
    patches += list(generator.integers(0, 3, (80, 3, 3)))
    patches = [np.asarray(patch, dtype=np.uint8) for patch in patches]
    codes = [_call(function, patch) for patch in patches]
    if any(code.shape != () for code in codes):
        raise NotYet("return one whole number, the code of the middle pixel.")
    rows = [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]

    def powers(patch):
        return sum(
            2**i * int(patch[place] >= patch[1, 1]) for i, place in enumerate(RING)
        )

    mistakes = [
        ("", _code),
        (
            "neighbours *equal* to the middle count as 1 too: use >=.",
            lambda p: _code(p, compare=np.greater),
        ),
        (
            "0 and 1 are swapped: 1 is for neighbours at least as light.",
            lambda p: _code(p, compare=np.less),
        ),
        (
            "0 and 1 are swapped: 1 is for neighbours at least as light.",
            lambda p: _code(p, compare=np.less_equal),
        ),
        (
            "the ring closes: compare the last neighbour with the first as well.",
            lambda p: _code(p, closed=False),
        ),
        (
            "go round along RING; row by row is not a walk round the middle.",
            lambda p: _code(p, order=rows),
        ),
        (
            "these are the ones alone; more than two changes make code 9.",
            lambda p: _code(p, limit=8),
        ),
        ("this is the plain code with powers of two; count the ones instead.", powers),
        (
            "up to two changes are allowed: two still count as uniform.",
            lambda p: _code(p, limit=1),
        ),
    ]
    for message, mistake in mistakes:
        if all(c == mistake(p) for c, p in zip(codes, patches, strict=True)):
            if message:
                raise NotYet(message)
            return [int(code) for code in codes[:12]]
    wrong = next(p for c, p in zip(codes, patches, strict=True) if c != _code(p))
    raise NotYet(f"wrong for the patch {wrong.tolist()}, whose code is {_code(wrong)}.")


@exercise(
    "from descriptors to words",
    hint="(codebook**2).sum(axis=1) has one number a word; descriptors @ codebook.T has a "
    "row a descriptor and a column a word.",
)
def ex04_3(function):
    generator = np.random.default_rng(6)
    descriptors = generator.gamma(1, 30, (60, 128)).astype(np.float32)
    length = generator.uniform(0.3, 3, (25, 1))
    codebook = (generator.gamma(1, 30, (25, 128)) * length).astype(np.float32)
    # Close to zero words, so that product and distance disagree
    descriptors[:25] = codebook + generator.normal(0, 4, codebook.shape)
    descriptors[:3] = codebook[:3] * 1.02
    found = _call(function, descriptors, codebook)
    differences = descriptors[:, None].astype(float) - codebook[None]
    squares = (differences**2).sum(axis=2)
    expected = squares.argmin(axis=1)
    if found.shape == (25,):
        raise NotYet("that is the nearest descriptor of each word: the other axis.")
    if found.shape == (60, 25):
        raise NotYet("these are all distances: argmin along the words is missing.")
    if found.shape != (60,):
        raise NotYet(f"for 60 descriptors the shape is {found.shape}, not (60,).")
    if _same(found, squares.min(axis=1)) or _same(found, squares.min(axis=1) ** 0.5):
        raise NotYet("these are the distances: return which word (argmin, not min).")
    if _same(found, squares.argmax(axis=1)):
        raise NotYet("that is the farthest word: argmin, not argmax.")
    if _same(found, (descriptors @ codebook.T).argmax(axis=1)):
        raise NotYet("the largest product is not the nearest word: |w|² is missing.")
    if _same(found, abs(differences).sum(axis=2).argmin(axis=1)):
        raise NotYet("that is the sum of absolute differences; square them.")
    if not _same(found, expected):
        n_wrong = int((found != expected).sum())
        raise NotYet(f"{n_wrong} of 60 descriptors went to a word that is not nearest.")
    if _call(function, np.zeros((0, 128), np.float32), codebook).shape != (0,):
        raise NotYet("a picture without descriptors has no words: shape (0,).")
    return found.astype(int)


@exercise(
    "the bag",
    hint="np.bincount(words, minlength=n_words), then divide by how many words there are, "
    "but not by zero.",
)
def ex04_4(function):
    probes = [([2, 0, 2, 5], 6), ([1, 1, 1], 4), (list(range(9)) * 2, 12), ([3], 200)]
    for words, n_words in probes:
        words = np.array(words)
        found = _call(function, words, n_words)
        counts = np.array([(words == word).sum() for word in range(n_words)])
        if found.shape == (words.max() + 1,) != (n_words,):
            raise NotYet(
                f"the bag ends at the last word seen: it needs all {n_words} words "
                "(minlength), or bags of two pictures cannot be compared."
            )
        if found.shape != (n_words,):
            raise NotYet(f"the shape is {found.shape}, not ({n_words},).")
        if _same(found, counts):
            raise NotYet("these are counts: divide by the number of words seen.")
        if _same(found, counts / n_words):
            raise NotYet("divide by the words in the picture, not by n_words.")
        if _same(found, counts / np.linalg.norm(counts)):
            raise NotYet("the squares add up to 1; the shares themselves should.")
        if _same(found, counts > 0):
            raise NotYet("count how often a word occurs, not only whether.")
        if not _same(found, counts / len(words)):
            raise NotYet(f"the words {words[:6].tolist()} come out wrong.")
    with np.errstate(all="ignore"):
        empty = _call(function, np.zeros(0, dtype=int), 5)
    if not _same(empty, np.zeros(5)):
        raise NotYet("a picture without keypoints is all zeros: do not divide by 0.")
    return _call(function, np.array(probes[0][0]), 6)


@exercise(
    "tf-idf",
    hint="(bags > 0).sum(axis=0) is the number of pictures with each word; np.log is the "
    "natural logarithm.",
)
def ex04_5(function):
    generator = np.random.default_rng(7)
    counts = generator.poisson(generator.uniform(0.2, 3, 9), (14, 9))
    counts[:, 0] = np.arange(14) == 3  # a rare word, and a picture without any
    counts[:, 1], counts[5] = 1, 0
    bags = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    found, n = _call(function, bags), len(bags)
    expected = handcrafted.tf_idf(bags)
    if found.shape != bags.shape:
        raise NotYet(f"the shape is {found.shape}, not that of the bags {bags.shape}.")
    if _same(found, expected):
        return found[0]
    n_with = (bags > 0).sum(axis=0)
    in_row = (bags > 0).sum(axis=1, keepdims=True)
    ratio = (1 + n) / (1 + n_with)
    mistakes = [
        ("only the shares", bags),
        (
            "these are the idf alone: multiply them by the shares.",
            bags * 0 + np.log(ratio) + 1,
        ),
        ("the + 1 after the logarithm is missing.", bags * np.log(ratio)),
        ("1 belongs outside the logarithm too: ln(…) + 1.", bags * np.log(ratio + 1)),
        ("use the natural logarithm, np.log, not base 2.", bags * (np.log2(ratio) + 1)),
        (
            "use the natural logarithm, np.log, not base 10.",
            bags * (np.log10(ratio) + 1),
        ),
        (
            "the fraction is upside down: n above, n_w below.",
            bags * (1 - np.log(ratio)),
        ),
        ("1 is added to n and to n_w.", bags * (np.log(n / np.maximum(n_with, 1)) + 1)),
        (
            "n_w counts pictures with the word; you add up its shares.",
            bags * (np.log((1 + n) / (1 + bags.sum(axis=0))) + 1),
        ),
        (
            "wrong axis: you count the words of a picture, not the pictures of a word.",
            bags * (np.log((1 + n) / (1 + in_row)) + 1),
        ),
        (
            "n is the number of pictures (rows), not of words.",
            bags * (np.log((1 + bags.shape[1]) / (1 + n_with)) + 1),
        ),
    ]
    for message, mistake in mistakes:
        if _same(found, mistake):
            raise NotYet(message)
    raise NotYet(
        "the weights come out wrong; print yours for a word of every picture: 1."
    )


@exercise(
    "beat it",
    hint="Half of a histogram is the bin of paper, and the largest entry rules a distance. "
    "What shrinks large entries more than small ones?",
)
def ex04_6(vectors):
    image_set = datasets.load("stamps", progress=False)
    n = len(image_set)
    vectors = np.asarray(vectors, dtype=float)
    if vectors.ndim != 2 or len(vectors) != n:
        raise NotYet(f"the shape is {vectors.shape}: ({n}, width), one row a stamp.")
    if not np.isfinite(vectors).all():
        raise NotYet("there are NaN or infinite numbers in it (a root, a division?).")
    found = [clustering.cluster(vectors, ALGORITHM, 7, seed) for seed in range(5)]
    nmi = float(
        np.mean(
            [
                metrics.nmi(true_labels=image_set.true_labels, cluster_labels=labels)
                for labels in found
            ]
        )
    )
    if nmi > TOO_GOOD:
        raise NotYet(
            f"NMI {nmi:.3f}: too good for handcrafted features. Is a network inside, or "
            "the true labels?"
        )
    if nmi < GOAL:
        raise NotYet(
            f"the mean NMI of five seeds is {nmi:.3f}; {GOAL:.2f} is the goal."
        )
    return round(nmi, 4)
