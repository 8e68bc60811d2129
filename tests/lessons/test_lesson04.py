"""Checks of lesson 4: right, wrong in the usual ways, and untouched answers."""

from collections import Counter

import cv2
import numpy as np
import pandas as pd
from lesson_answers import answer_tests, own_answers  # noqa: F401
from scipy.spatial.distance import cdist
from skimage.feature import local_binary_pattern

from course_utils.clustering import algorithms
from course_utils.images import datasets
from course_utils.lessons import exercises
from course_utils.representations import extraction

RING = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]


def hue_histogram(hue, n_bins=8):
    return np.histogram(hue, n_bins, (0, 180))[0] / hue.size


def lbp_code(patch, *, less=False, closed=True, limit=2):
    bits = [
        (patch[p] > patch[1, 1]) if less else (patch[p] >= patch[1, 1]) for p in RING
    ]
    n_changes = sum(bits[i] != bits[i - 1] for i in range(not closed, 8))
    return int(sum(bits)) if n_changes <= limit else 9


def squares(descriptors, codebook):
    return ((descriptors[:, None] - codebook[None]) ** 2).sum(axis=2)


def bag(words, n_words):
    counts = np.bincount(words, minlength=n_words)
    return list(counts / max(len(words), 1))


def hog_cell(magnitude, direction, n_bins=9):
    sums = np.histogram(direction % 180, n_bins, (0, 180), weights=magnitude)[0]
    return sums / (sums.sum() or 1)


def hog_cell_by_loop(magnitude, direction, n_bins=9):
    sums = [0.0] * n_bins
    pairs = zip(np.ravel(magnitude), np.ravel(direction), strict=True)
    for strength, degrees in pairs:
        sums[int((degrees + 360) % 180 // (180 / n_bins))] += strength
    total = sum(sums)
    return [value / total if total else 0.0 for value in sums]


def hog_cell_by_bincount(magnitude, direction, n_bins=9):
    folded = np.where(direction < 0, direction + 180, direction)
    bins = np.minimum((folded / (180 / n_bins)).astype(int), n_bins - 1)
    sums = np.bincount(bins.ravel(), magnitude.ravel(), n_bins)
    return np.divide(sums, sums.sum(), out=np.zeros(n_bins), where=sums.sum() > 0)


def histogram_of(fold, bounds, weighted=True):
    def cell(magnitude, direction, n_bins=9):
        weights = magnitude if weighted else None
        sums = np.histogram(fold(direction), n_bins, bounds, weights=weights)[0]
        return sums / max(
            (magnitude if weighted else np.ones(direction.shape)).sum(), 1
        )

    return cell


def digitized(hue, n_bins, last):
    places = np.digitize(hue.ravel(), np.linspace(0, last, n_bins + 1)[1:-1])
    return np.bincount(places, minlength=n_bins) / hue.size


def ring_bits(patch):
    return [int(patch[place] >= patch[1, 1]) for place in RING]


def code_of_text(patch):
    """From a text like 11100000."""
    text = "".join(map(str, ring_bits(patch)))
    closed = text + text[0]
    uniform = closed.count("01") + closed.count("10") <= 2
    return text.count("1") if uniform else 9


def code_by_diff(patch):
    row = [p[1] for p in enumerate(patch.tolist())]  # lists of Python's int
    bits = np.array([row[i][j] >= row[1][1] for i, j in RING])
    return bits.sum() if np.count_nonzero(np.diff(np.append(bits, bits[0]))) <= 2 else 9


def code_with(patch, otherwise):
    code = lbp_code(patch)
    return code if code < 9 else otherwise


def bag_of_counter(words, n_words):
    counts = Counter(words.tolist())
    return tuple(counts[word] / max(len(words), 1) for word in range(n_words))


def hog_cell_by_pandas(magnitude, direction, n_bins=9):
    bins = pd.cut(
        (direction % 180).ravel(), np.linspace(0, 180, n_bins + 1), right=False
    )
    sums = pd.Series(magnitude.ravel()).groupby(bins, observed=False).sum()
    return (sums / sums.sum()).fillna(0)


def hog_cell_by_halves(magnitude, direction, n_bins=9):
    """The whole circle in twice as many bins; the halves are added."""
    sums = np.histogram(direction, 2 * n_bins, (-180, 180), weights=magnitude)[0]
    return (sums[:n_bins] + sums[n_bins:]) / (sums.sum() or 1)


def hog_cell_in_radians(magnitude, direction, n_bins=9):
    folded = np.radians(direction) % np.pi
    sums = np.histogram(folded, n_bins, (0, np.pi), weights=magnitude)[0]
    return sums / (sums.sum() + 1e-8)


def placed(place):
    """A HOG cell from the number of each pixel's bin."""

    def cell(magnitude, direction, n_bins):
        bins = place(direction % 180, n_bins).astype(int)
        sums = np.bincount(bins.ravel(), magnitude.ravel(), n_bins)
        return sums / (sums.sum() or 1)

    return cell


def shared_cell(magnitude, direction, n_bins):
    """Each magnitude between the two nearest bins, as Dalal and Triggs do."""
    places = direction % 180 * n_bins / 180 - 0.5
    below, part = np.floor(places).astype(int), places % 1
    sums = np.zeros(n_bins)
    np.add.at(sums, below % n_bins, magnitude * (1 - part))
    np.add.at(sums, (below + 1) % n_bins, magnitude * part)
    return sums / (sums.sum() or 1)


RIGHT = [
    (
        "ex04_1",
        lambda h, n: cv2.calcHist([h], [0], None, [n], [0, 180]).ravel() / h.size,
    ),
    (
        "ex04_1",
        lambda h, n: [
            sum(int(v) * n // 180 == b for v in h.ravel()) / h.size for b in range(n)
        ],
    ),
    ("ex04_2", code_of_text),
    ("ex04_2", code_by_diff),
    ("ex04_3", lambda d, c: cdist(d, c).argmin(axis=1)),
    ("ex04_3", lambda d, c: pd.DataFrame(cdist(d, c)).idxmin(axis=1)),
    (
        "ex04_3",
        lambda d, c: (
            [m.trainIdx for m in cv2.BFMatcher().match(d, c)] if len(d) else []
        ),
    ),
    ("ex04_4", bag_of_counter),
    ("ex04_4", lambda w, n: np.eye(n)[w].mean(axis=0) if len(w) else [0] * n),
    ("ex04_5", hog_cell_by_pandas),
    ("ex04_5", hog_cell_by_halves),
    ("ex04_5", hog_cell_in_radians),
    ("ex04_1", hue_histogram),
    ("ex04_1", lambda hue, n_bins: hue_histogram(hue, n_bins).tolist()),
    ("ex04_2", lbp_code),
    ("ex04_2", lambda patch: float(lbp_code(patch))),
    ("ex04_2", lambda patch: lbp_code(patch, closed=False)),
    ("ex04_3", lambda d, c: squares(d, c).argmin(axis=1)),
    ("ex04_3", lambda d, c: [int(((x - c) ** 2).sum(axis=1).argmin()) for x in d]),
    ("ex04_4", bag),
    ("ex04_5", hog_cell),
    ("ex04_5", hog_cell_by_loop),
    ("ex04_5", hog_cell_by_bincount),
    ("ex04_1", lambda hue, n: digitized(hue, n, 180)),
    (
        "ex04_1",
        lambda hue, n: [np.mean(hue.astype(int) * n // 180 == i) for i in range(n)],
    ),
    ("ex04_3", lambda d, c: ((c**2).sum(axis=1) - 2 * d @ c.T).argmin(axis=1)),
    (
        "ex04_4",
        lambda w, n: [float(np.mean(w == i)) if len(w) else 0.0 for i in range(n)],
    ),
    ("ex04_4", lambda w, n: np.histogram(w, n, (0, n))[0] / (len(w) or 1)),
]
WRONG = [
    (
        "ex04_1",
        lambda h, n: (
            np.bincount(h.astype(int).ravel() // (180 // n), minlength=n) / h.size
        ),
        "drops a fraction",
    ),
    ("ex04_1", lambda h, n: np.histogram(h, n, (0, 180), density=True)[0], "density"),
    ("ex04_1", lambda h, n: np.histogram(h, n, (0, 360))[0] / h.size, "179"),
    ("ex04_1", lambda h, n: hue_histogram(h, 8), "need not be 8"),
    ("ex04_1", lambda h, n: 100 * hue_histogram(h, n), "per cent"),
    ("ex04_1", lambda h, n: hue_histogram(h, n) * h.size / h.shape[1], "hue.size"),
    ("ex04_1", lambda h, n: np.histogram(h - 0.001, n, (0, 180))[0] / h.size, "border"),
    ("ex04_1", lambda h, n: np.histogram(h, n, (0, 180)), "take [0]"),
    ("ex04_1", lambda h, n: (c := hue_histogram(h, n)) / c.max(), "largest one"),
    ("ex04_1", lambda h, n: (c := hue_histogram(h, n)) / np.linalg.norm(c), "squares"),
    ("ex04_1", lambda h, n: np.histogram(h, n, (0, 180))[0] // h.size, "//"),
    ("ex04_1", lambda h, n: hue_histogram(h[h > 0], n), "Hue 0 counts"),
    ("ex04_2", lambda p: code_with(p, 8), "make 9"),
    ("ex04_2", lambda p: code_with(p, None), "every branch"),
    ("ex04_2", lambda p: lbp_code(p) + (lbp_code(p) < 9), "The middle"),
    (
        "ex04_2",
        lambda p: 9 if lbp_code(p) < 9 else sum(ring_bits(p)),
        "other way round",
    ),
    (
        "ex04_2",
        lambda p: sum(np.diff(ring_bits(p), append=ring_bits(p)[0]) != 0),
        "numbers of changes",
    ),
    (
        "ex04_2",
        lambda p: (
            sum(ring_bits(p))
            if np.abs(np.diff(np.array(ring_bits(p), dtype=np.uint8))).sum() <= 2
            else 9
        ),
        "uint8",
    ),
    (
        "ex04_2",
        lambda p: (
            sum(ring_bits(p)) if "".join(map(str, ring_bits(p))).count("01") <= 2 else 9
        ),
        "are wrong",
    ),
    ("ex04_2", lambda p: int("".join(map(str, ring_bits(p))), 2), "powers"),
    ("ex04_2", lambda p: local_binary_pattern(p, 8, 1, "ror")[1, 1], "powers"),
    ("ex04_3", lambda d, c: cdist(d, c).argmin(), "axis=1"),
    ("ex04_3", lambda d, c: c[cdist(d, c).argmin(axis=1)], "indices"),
    ("ex04_3", lambda d, c: cdist(d, c, "cosine").argmin(axis=1), "cosine"),
    ("ex04_3", lambda d, c: cdist(d, c, "cityblock").argmin(axis=1), "square"),
    ("ex04_3", lambda d, c: ((c**2).sum(axis=1) - d @ c.T).argmin(axis=1), "by 2"),
    ("ex04_3", lambda d, c: (d @ c.T).argmin(axis=1), "smallest product"),
    (
        "ex04_3",
        lambda d, c: np.stack([cdist(row[None], c).argmin() for row in d]),
        "shape (0,)",
    ),
    ("ex04_3", lambda d, c: cdist(d, c).argmin(axis=1) if len(d) else None, "(0,)"),
    ("ex04_4", lambda w, n: np.histogram(w, n)[0] / max(len(w), 1), "range"),
    ("ex04_4", lambda w, n: np.unique(w, return_counts=True)[1] / len(w), "minlength"),
    ("ex04_4", lambda w, n: [list(w).count(i) / len(w) for i in range(n)], "by 0"),
    ("ex04_4", lambda w, n: bag(w, n) if len(w) else None, "all zeros"),
    ("ex04_4", lambda w, n: np.bincount(w, minlength=n) // max(len(w), 1), "//"),
    ("ex04_5", lambda m, d, n: hog_cell(m, d, 9), "need not be 9"),
    ("ex04_5", placed(lambda d, n: d // n), "not their width"),
    ("ex04_5", placed(lambda d, n: np.minimum(d // (180 // n), n - 1)), "fraction"),
    ("ex04_5", placed(lambda d, n: np.round(d * n / 180) % n), "Round down"),
    ("ex04_5", shared_cell, "between two bins"),
    ("ex04_5", lambda m, d, n: hog_cell(m**2, d, n), "squares"),
    ("ex04_5", lambda m, d, n: hog_cell(d, m, n), "swapped"),
    ("ex04_5", lambda m, d, n: (s := hog_cell(m, d, n)) / s.max(), "largest one"),
    ("ex04_5", lambda m, d, n: np.histogram(d % 180, n, (0, 180), weights=m), "[0]"),
    (
        "ex04_5",
        lambda m, d, n: hog_cell(m, d, n) / (hog_cell(m * 0 + 1, d, n) / m.mean()),
        "their mean",
    ),
    (
        "ex04_5",
        lambda m, d, n: np.histogram(d % 180, n, weights=m)[0] / m.sum(),
        "same for all cells",
    ),
    ("ex04_5", histogram_of(lambda d: d % 180, (0, 360)), "end at 180"),
    ("ex04_5", histogram_of(lambda d: d % 90, (0, 90)), "not by 90"),
    ("ex04_5", histogram_of(lambda d: np.fmod(d, 180), (0, 180)), "Negative"),
    (
        "ex04_5",
        lambda m, d, n: np.histogram(d % 180, n, (0, 180), weights=m, density=True)[0],
        "density",
    ),
    ("ex04_5", lambda m, d, n: hog_cell(m, d, n) if m.any() else None, "all zeros"),
    (
        "ex04_5",
        lambda m, d, n: [x / float(m.sum()) for x in hog_cell(m, d, n) * m.sum()],
        "all zeros",
    ),
    (
        "ex04_5",
        lambda m, d, n: (
            np.bincount(
                (np.where(d < 0, d + 180, d) * n / 180).astype(int).ravel(),
                m.ravel(),
                n,
            )
            / max(m.sum(), 1)
        ),
        "exactly 180",
    ),
    ("ex04_1", lambda h, n: np.histogram(h, n, (0, 180))[0], "counts"),
    ("ex04_1", lambda h, n: np.histogram(h, n)[0] / h.size, "same for all images"),
    ("ex04_1", lambda h, n: np.histogram(h, n, (0, 256))[0] / h.size, "179"),
    ("ex04_1", lambda h, n: hue_histogram(h, n) * h.size / len(h), "hue.size"),
    ("ex04_1", lambda h, n: np.bincount(h.ravel()) / h.size, "shape"),
    ("ex04_1", lambda h, n: hue_histogram(h, n)[::-1], "wrong"),
    (
        "ex04_1",
        lambda h, n: (
            np.bincount((h * np.uint8(n) // np.uint8(180)).ravel(), minlength=n)
            / h.size
        ),
        "overflows",
    ),
    ("ex04_1", hue_histogram(np.zeros((2, 2))), "function itself"),
    ("ex04_1", lambda h, n: "red", "got 'red'"),
    ("ex04_2", lambda p: lbp_code(p, less=True), ">="),
    ("ex04_2", lambda p: lbp_code(p, limit=8), "numbers of ones"),
    ("ex04_2", lambda p: lbp_code(p, limit=1), "Two changes still"),
    (
        "ex04_2",
        lambda p: sum(2**i for i, place in enumerate(RING) if p[place] >= p[1, 1]),
        "powers",
    ),
    ("ex04_2", lambda p: 8 - c if (c := lbp_code(p)) < 9 else 9, "swapped"),
    ("ex04_2", lambda p: 8, "Every patch gets 8"),
    ("ex04_2", lambda p: p >= p[1, 1], "one whole number"),
    ("ex04_3", lambda d, c: squares(d, c).argmin(axis=0), "other axis"),
    ("ex04_3", squares, "argmin along"),
    ("ex04_3", lambda d, c: squares(d, c).min(axis=1), "argmin, not min"),
    ("ex04_3", lambda d, c: squares(d, c).argmax(axis=1), "farthest"),
    ("ex04_3", lambda d, c: (d @ c.T).argmax(axis=1), "|w|²"),
    ("ex04_3", lambda d, c: squares(d, c).argmin(axis=1) + 1, "not the nearest"),
    ("ex04_3", lambda d, c: squares(d, c).argmin(axis=1)[: len(d) - 1], "shape"),
    ("ex04_3", lambda d, c: np.zeros(max(len(d), 1)), "not the nearest"),
    ("ex04_4", lambda w, n: np.bincount(w) / max(len(w), 1), "minlength"),
    ("ex04_4", lambda w, n: np.bincount(w, minlength=n), "counts"),
    ("ex04_4", lambda w, n: np.bincount(w, minlength=n) / n, "not by n_words"),
    ("ex04_4", lambda w, n: np.bincount(w, minlength=n) / len(w), "divide by 0"),
    ("ex04_4", lambda w, n: (np.array(bag(w, n)) > 0) * 1.0, "how often"),
    ("ex04_4", lambda w, n: np.array(bag(w, n)) / np.linalg.norm(bag(w, n)), "squares"),
    ("ex04_1", lambda h, n: np.histogram(h, n, (0, 179))[0] / h.size, "0 to 179"),
    ("ex04_1", lambda h, n: digitized(h, n, 179), "0 to 179"),
    (
        "ex04_2",
        lambda p: local_binary_pattern(p, 8, 1, "uniform")[1, 1],
        "diagonal ones",
    ),
    ("ex04_5", lambda m, d, n: hog_cell(m, d, n) * m.sum(), "These are sums"),
    ("ex04_5", lambda m, d, n: hog_cell(m * 0 + 1, d, n), "You count pixels"),
    ("ex04_5", lambda m, d, n: hog_cell(m, d, n) * m.mean(), "number of pixels"),
    (
        "ex04_5",
        lambda m, d, n: (s := hog_cell(m, d, n)) / np.linalg.norm(s),
        "not their squares",
    ),
    ("ex04_5", histogram_of(lambda d: d, (-180, 180)), "cut 0 to 180"),
    ("ex04_5", histogram_of(lambda d: d % 360, (0, 360)), "cut 0 to 180"),
    ("ex04_5", histogram_of(abs, (0, 180)), "Folded by abs"),
    ("ex04_5", histogram_of(lambda d: d, (0, 180)), "Negative directions"),
    (
        "ex04_5",
        lambda m, d, n: np.histogram(d % 180, n, (0, 180), weights=m)[0] / m.sum(),
        "divide by 0",
    ),
    ("ex04_5", lambda m, d, n: hog_cell(m, d, n)[::-1], "are wrong"),
    ("ex04_5", lambda m, d, n: hog_cell(m, d, n)[:-1], "shape"),
    ("ex04_5", 0.5, "function itself"),
]


def test_open_exercise():
    image_set = datasets.load("stamps", progress=False)
    found = {
        name: extraction.extract(image_set, name, progress=False)
        for name in ("raw", "colour", "lbp")
    }
    assert "is the goal" in exercises.ex04_6(found["raw"]).message
    cheating = np.eye(7)[image_set.true_labels]
    assert "too good" in exercises.ex04_6(cheating).message
    assert "one row per stamp" in exercises.ex04_6(found["raw"][:100]).message
    assert "NaN" in exercises.ex04_6(found["raw"] * np.nan).message
    no_white = np.sqrt(np.delete(found["colour"], 3, axis=1))
    blocks = [algorithms.prepare(found["lbp"], "l2+kmeans"), no_white]
    blocks[1] = 0.25 * algorithms.prepare(blocks[1], "l2+kmeans")
    verdict = exercises.ex04_6(np.hstack(blocks))
    assert verdict.state == exercises.RIGHT, verdict


test_right, test_wrong, test_untouched, test_enough = answer_tests(
    RIGHT, WRONG, apart=["ex04_6"]
)
