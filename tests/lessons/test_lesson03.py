"""Checks of lesson 3: right, wrong in the usual ways, and untouched answers."""

import math

import cv2
import numpy as np
from lesson_answers import answer_tests, own_answers  # noqa: F401
from scipy import ndimage
from small_sets import one_thread  # noqa: F401

from course_utils.lessons import exercises


def there(picture):
    return picture.astype(np.float32).ravel() / 255


def back(vector):
    return np.round(np.asarray(vector) * 255).astype(np.uint8).reshape(32, 32, 3)


def distance(first, second):
    return np.linalg.norm(first / 255 - second / 255)


def nearest(vectors, index, n):
    gaps = np.linalg.norm(vectors - vectors[index], axis=1)
    gaps[index] = np.inf
    return np.argsort(gaps)[:n]


def ranked(vectors, index):
    return np.argsort(np.linalg.norm(vectors - vectors[index], axis=1), kind="stable")


def without_zeros(vectors, index, n):
    gaps = np.linalg.norm(vectors - vectors[index], axis=1)
    gaps[gaps == 0] = np.inf
    return np.argsort(gaps)[:n]


def shifted(picture, down, right, paper=1.0):
    height, width = picture.shape[:2]
    pad = ((height, height), (width, width), (0, 0))
    wide = np.pad(picture, pad, constant_values=paper)
    top, left = height - down, width - right
    return wide[top : top + height, left : left + width]


def silhouette(picture):
    thing = (picture.min(axis=2) < 240).astype(np.float32)
    return cv2.resize(thing, (32, 32), interpolation=cv2.INTER_AREA).ravel()


def pixels(picture, size=32):
    small = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    return small.ravel() / 255


def nearest_by_sorting(vectors, index, n):
    others = [i for i in range(len(vectors)) if i != index]
    return sorted(others, key=lambda i: math.dist(vectors[i], vectors[index]))[:n]


def shifted_by_loop(picture, down, right):
    moved = np.ones_like(picture)
    for row, column in np.ndindex(picture.shape[:2]):
        if 0 <= row + down < len(moved) and 0 <= column + right < len(moved[0]):
            moved[row + down, column + right] = picture[row, column]
    return moved


RIGHT = [
    ("ex03_1", there, back),
    ("ex03_1", lambda p: (p / 255).ravel().tolist(), back),
    ("ex03_2", distance),
    ("ex03_2", lambda a, b: float(distance(a, b))),
    ("ex03_3", nearest),
    ("ex03_3", lambda *given: nearest(*given).tolist()),
    ("ex03_4", shifted),
    ("ex03_5", "adeh"),
    ("ex03_5", " H, E, d, a"),
    ("ex03_5", {"a", "d", "e", "h"}),
    ("ex03_6", silhouette),
    (
        "ex03_1",
        lambda p: np.divide(p.reshape(-1), 255),
        lambda v: np.uint8(np.reshape(v, (32, 32, 3)) * 255 + 0.5),
    ),
    ("ex03_2", lambda a, b: math.dist(a.ravel() / 255, b.ravel() / 255)),
    ("ex03_3", nearest_by_sorting),
    ("ex03_4", shifted_by_loop),
    ("ex03_4", lambda p, d, r: ndimage.shift(p, (d, r, 0), order=0, cval=1)),
    ("ex03_6", lambda p: silhouette(p).astype(float)),
    ("ex03_6", lambda p: silhouette(p).tolist()),
]


WRONG = [
    ("ex03_1", lambda p: p / 255, back, "shape (32, 32, 3)"),
    ("ex03_1", lambda p: p.ravel(), back, "up to 255"),
    ("ex03_1", lambda p: p.ravel() // 255, back, "integers"),
    ("ex03_1", lambda p: p.transpose(2, 0, 1).ravel() / 255, back, "another order"),
    ("ex03_1", lambda p: p.ravel(order="F") / 255, back, "another order"),
    ("ex03_1", lambda p: p.ravel() / 128, back, "not the numbers of the image"),
    ("ex03_1", there, lambda v: v, "not (32, 32, 3)"),
    ("ex03_1", there, lambda v: v.reshape(32, 32, 3), "from 0 to 1"),
    ("ex03_1", there, lambda v: back(v.astype(np.uint8) / 1.0), "before"),
    ("ex03_1", there, lambda v: v.reshape(32, 32, 3) * 255, "got float"),
    ("ex03_1", there, lambda v: back(v).transpose(1, 0, 2), "places"),
    ("ex03_1", lambda p: "pixels", back, "Expected a vector, but got 'pixels'"),
    ("ex03_2", lambda a, b: distance(a, b) ** 2, "square root is missing"),
    ("ex03_2", lambda a, b: distance(a, b) * 255, "not divided"),
    ("ex03_2", lambda a, b: (distance(a, b) * 255) ** 2, "and the division"),
    ("ex03_2", lambda a, b: np.abs(a / 255 - b / 255).sum(), "Manhattan"),
    ("ex03_2", lambda a, b: ((a / 255 - b / 255) ** 2).mean() ** 0.5, "takes the sum"),
    ("ex03_2", lambda a, b: ((a / 255 - b / 255) ** 2).mean(), "mean of squares"),
    ("ex03_2", lambda a, b: (a / 255 - b / 255).sum(), "cancel"),
    ("ex03_2", lambda a, b: np.linalg.norm((a - b) / 255), "overflowed"),
    ("ex03_2", lambda a, b: np.sqrt(((a - b) ** 2).sum()) / 255, "overflowed"),
    ("ex03_2", lambda a, b: np.sqrt(((a - b) ** 2).sum()), "overflowed"),
    ("ex03_2", lambda a, b: np.abs(a / 255 - b / 255).sum(0), "all three axes"),
    ("ex03_2", lambda a, b: 1.0, "right is"),
    ("ex03_3", lambda v, i, n: ranked(v, i)[:n], "own neighbours"),
    ("ex03_3", lambda v, i, n: ranked(v, i)[1 : n + 1], "own neighbours"),
    ("ex03_3", without_zeros, "twin"),
    ("ex03_3", lambda *given: np.sort(nearest(*given)), "another order"),
    ("ex03_3", lambda *given: nearest(*given)[::-1], "another order"),
    ("ex03_3", lambda v, i, n: ranked(v, i), "four neighbours"),
    ("ex03_3", lambda v, i, n: ranked(v, i)[::-1][:n], "sort upwards"),
    ("ex03_3", lambda *g: np.sort(np.delete(norms(*g[:2]), g[1]))[: g[2]], "argsort"),
    ("ex03_3", lambda v, i, n: [j for j in (4, 5, 6, 8, 9) if j != i][:n], "axis 1"),
    ("ex03_4", lambda p, d, r: np.roll(p, (d, r), (0, 1)), "np.roll"),
    ("ex03_4", lambda p, d, r: shifted(p, r, d), "swapped"),
    ("ex03_4", lambda p, d, r: shifted(p, -d, -r), "other way"),
    ("ex03_4", lambda p, d, r: shifted(p, d, r, 0.0), "black"),
    ("ex03_4", lambda p, d, r: shifted(p, d, r, 255.0), "not 255"),
    ("ex03_4", lambda p, d, r: p, "Nothing moved"),
    ("ex03_4", lambda p, d, r: p[max(d, 0) :, max(r, 0) :], "the same size"),
    (
        "ex03_4",
        lambda p, d, r: shifted(p, max(d, 0), max(r, 0)) * 0.5,
        "at the wrong places",
    ),
    ("ex03_4", lambda p: p, "Your code raised"),
    ("ex03_5", "abdeh", "b may change"),
    ("ex03_5", "g", "g may change"),
    ("ex03_5", "ade", "One is missing"),
    ("ex03_5", "adehx", "no change x"),
    ("ex03_6", lambda p: np.arange(1 + p[112, 112, 0] % 5), "different shapes"),
    ("ex03_6", lambda p: p[::7, ::7, 0], ".ravel()"),
    ("ex03_6", lambda p: silhouette(p) * np.nan, "NaN"),
    ("ex03_6", lambda p: np.ones(9), "same vector"),
    ("ex03_6", lambda p: pixels(p, 4), "mean NMI"),
    ("ex03_6", pixels, "mean NMI"),
]


def norms(vectors, index):
    return np.linalg.norm(vectors - vectors[index], axis=1)


def test_what_is_recorded():
    exercises.ex03_5("adeh")
    exercises.ex03_6(silhouette)
    kept = exercises.answers()
    assert kept["ex03_5"]["value"] == "adeh"
    assert 0.3 < kept["ex03_6"]["value"]["nmi"] < 0.5
    assert [row[0] for row in exercises.summary().rows] == [
        f"03_{i}" for i in range(1, 7)
    ]


UNTOUCHED = [("ex03_1", there, lambda vector: None)]

test_right, test_wrong, test_untouched, test_enough = answer_tests(
    RIGHT, WRONG, UNTOUCHED
)
