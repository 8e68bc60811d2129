"""Checks of lesson 3: right, wrong in the usual ways, and untouched answers."""

import math

import cv2
import numpy as np
import pytest
from lesson_answers import answer_tests, own_answers  # noqa: F401
from scipy import ndimage
from small_sets import one_thread  # noqa: F401

from course_utils.images import datasets
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


def shifted(picture, down, right, background=1.0):
    height, width = picture.shape[:2]
    pad = ((height, height), (width, width), (0, 0))
    wide = np.pad(picture, pad, constant_values=background)
    top, left = height - down, width - right
    return wide[top : top + height, left : left + width]


def silhouette(picture):
    thing = (picture.min(axis=2) < 240).astype(np.float32)
    return cv2.resize(thing, (32, 32), interpolation=cv2.INTER_AREA).ravel()


def pixels(picture, size=32):
    small = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    return small.ravel() / 255


def centred(picture):
    return pixels(picture) - pixels(picture).mean()


def random_projection(picture):
    return np.random.default_rng().normal(size=(5, 3072)) @ pixels(picture)


STAMPS = datasets.load("stamps", progress=False)
PLACES = {STAMPS.picture(i).tobytes(): i for i in range(len(STAMPS))}


def by_labels(picture):
    true_labels = STAMPS.true_labels
    return np.eye(7)[true_labels[PLACES[picture.tobytes()]]]


def reading_labels(picture):
    return np.eye(7)[STAMPS.true_labels[PLACES[picture.tobytes()]]]


CLASSES = STAMPS.true_labels


def by_known_image(picture):
    noise = np.random.default_rng(PLACES[picture.tobytes()]).normal(0, 0.01, 7)
    return np.eye(7)[CLASSES[PLACES[picture.tobytes()]]] + noise


def sometimes_nothing(picture):
    return silhouette(picture) if picture[112, 112, 0] > 50 else None


def truncating(vector):
    return (np.asarray(vector) * 255).astype(np.uint8).reshape(32, 32, 3)


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
    ("ex03_1", lambda p: np.float64(p).ravel() / 255, truncating),
    ("ex03_1", lambda p: (p / 255).ravel().tolist(), back),
    ("ex03_2", distance),
    ("ex03_2", lambda a, b: float(distance(a, b))),
    ("ex03_3", nearest),
    ("ex03_3", lambda *given: nearest(*given).tolist()),
    ("ex03_4", shifted),
    ("ex03_5", "adeh"),
    ("ex03_5", " H, E, d, a"),
    ("ex03_5", {"a", "d", "e", "h"}),
    ("ex03_5", "a, d, e and h"),
    (
        "ex03_1",
        lambda p: np.divide(p.reshape(-1), 255),
        lambda v: np.uint8(np.reshape(v, (32, 32, 3)) * 255 + 0.5),
    ),
    ("ex03_2", lambda a, b: math.dist(a.ravel() / 255, b.ravel() / 255)),
    ("ex03_3", nearest_by_sorting),
    ("ex03_4", shifted_by_loop),
    ("ex03_4", lambda p, d, r: ndimage.shift(p, (d, r, 0), order=0, cval=1)),
    ("ex03_6", silhouette, 0.35),
    ("ex03_6", lambda p: silhouette(p).tolist(), "0.35"),
    ("ex03_6", pixels, "No change, since these are the raw pixels."),
    ("ex03_6", lambda p: pixels(p, 4), (np.float64(0.2), "too coarse")),
    ("ex03_6", lambda p: p.mean(axis=(0, 1)), ["colour alone is not much", 0.25]),
    ("ex03_6", lambda p: p.mean(), {"nmi": 0.2, "why": "only brightness"}),
    ("ex03_6", centred, "An NMI of about .5, because brightness is gone."),
    ("ex03_6", lambda p: p[::7, ::7].ravel(), "35%"),
    ("ex03_6", lambda p: p[::7, ::7].ravel(), np.array([0.3])),
]


WHY = "Better, because the place no longer counts."

WRONG = [
    ("ex03_1", lambda p: p / 255, back, "shape (32, 32, 3)"),
    ("ex03_1", lambda p: p.ravel(), back, "up to 255"),
    ("ex03_1", lambda p: p.ravel() // 255, back, "drops the fraction"),
    ("ex03_1", lambda p: p.transpose(2, 0, 1).ravel() / 255, back, "another order"),
    ("ex03_1", lambda p: p.ravel(order="F") / 255, back, "another order"),
    ("ex03_1", lambda p: p.ravel() / 128, back, "not the numbers of the image"),
    ("ex03_1", there, lambda v: v, "not (32, 32, 3)"),
    ("ex03_1", there, lambda v: v.reshape(32, 32, 3), "from 0 to 1"),
    ("ex03_1", there, lambda v: back(v.astype(np.uint8) / 1.0), "before"),
    ("ex03_1", there, lambda v: v.reshape(32, 32, 3) * 255, "got float"),
    ("ex03_1", there, lambda v: back(v).transpose(1, 0, 2), "other places"),
    ("ex03_1", lambda p: p.ravel() * (1 / 255), truncating, "one too small"),
    ("ex03_1", there, lambda v: np.uint8(v * 200).reshape(32, 32, 3), "changed"),
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
        "in the wrong places",
    ),
    ("ex03_4", lambda p: p, "Your code raised"),
    ("ex03_5", "abdeh", "1 of your 5 changes some distances"),
    ("ex03_5", "g", ["1 of your 1 changes", "4 are missing"]),
    ("ex03_5", "ade", "1 is missing"),
    ("ex03_5", "bcfg", ["4 of your 4 change some", "4 are missing"]),
    ("ex03_5", "adehx", "no change x"),
    ("ex03_6", lambda p: np.arange(1 + p[112, 112, 0] % 5), WHY, "different shapes"),
    ("ex03_6", lambda p: p[::7, ::7, 0], WHY, ".ravel()"),
    ("ex03_6", lambda p: silhouette(p) * np.nan, WHY, "NaN"),
    ("ex03_6", lambda p: np.ones(9), WHY, "same vector"),
    ("ex03_6", lambda p: p[112, 112, :1] // 64, WHY, "different vectors"),
    ("ex03_6", random_projection, WHY, "Called twice"),
    ("ex03_6", sometimes_nothing, WHY, "returns None"),
    ("ex03_6", by_labels, WHY, "without the true labels"),
    ("ex03_6", reading_labels, WHY, "without the true labels"),
    ("ex03_6", by_known_image, WHY, "which pixels cannot give"),
    ("ex03_6", lambda p: "bright", WHY, "Expected a vector of numbers"),
    ("ex03_6", silhouette, "better", "five words"),
    ("ex03_6", silhouette, 35, "from 0 to 1"),
    ("ex03_6", silhouette, "An NMI of 3.5, I think.", "from 0 to 1"),
    ("ex03_6", silhouette, True, "from 0 to 1"),
    ("ex03_6", silhouette(np.zeros((224, 224, 3), np.uint8)), WHY, "function itself"),
]


def norms(vectors, index):
    return np.linalg.norm(vectors - vectors[index], axis=1)


def test_what_is_recorded(capsys):
    exercises.ex03_5("adeh")
    assert "a not noticed: If every image is mirrored" in capsys.readouterr().out
    exercises.ex03_6(silhouette, 0.5)
    kept = exercises.answers()
    assert kept["ex03_5"]["value"] == "adeh"
    value = kept["ex03_6"]["value"]
    assert 0.3 < value["nmi"] < 0.4 and 0.25 < value["raw_nmi"] < value["nmi"]
    assert (value["expected_nmi"], value["expectation"]) == (0.5, "")
    assert [row[0] for row in exercises.summary().rows] == [
        f"03_{i}" for i in range(1, 7)
    ]


@pytest.mark.parametrize(
    "better_pixels, expectation, words",
    [
        (silhouette, 0.34, ["Higher than raw pixels", "0.34: as expected."]),
        (silhouette, (0.5, "Wow"), ["not as expected, lower", "You wrote: Wow"]),
        (lambda p: p.mean(), 0.1, ["Lower than raw pixels", "not as expected, higher"]),
        (pixels, WHY, ["No clear difference from raw pixels", f"You wrote: {WHY}"]),
    ],
)
def test_the_outcome_is_said_beside_the_expectation(
    better_pixels, expectation, words, capsys
):
    exercises.ex03_6(better_pixels, expectation)
    said = capsys.readouterr().out
    for word in words:
        assert word in said


UNTOUCHED = [
    ("ex03_1", there, lambda vector: None),
    ("ex03_6", silhouette, None),
    ("ex03_6", lambda image: None, 0.3),
    ("ex03_6", silhouette, (None, "because")),
]

test_right, test_wrong, test_untouched, test_enough = answer_tests(
    RIGHT, WRONG, UNTOUCHED
)
