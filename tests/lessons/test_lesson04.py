"""Checks of lesson 4: right, wrong and untouched answers."""

import numpy as np
import pytest

from course_utils.clustering import algorithms
from course_utils.images import datasets
from course_utils.lessons import exercises
from course_utils.representations import extraction, handcrafted

RING = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]


@pytest.fixture(autouse=True)
def lesson(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path))
    exercises.begin("04_handcrafted_features")


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


def weigh(bags, log=np.log, plus=1, axis=0, turn=1):
    n_with = (bags > 0).sum(axis=axis, keepdims=True)
    return bags * (turn * log((1 + len(bags)) / (1 + n_with)) + plus)


RIGHT = [
    (exercises.ex04_1, hue_histogram),
    (exercises.ex04_1, lambda hue, n_bins: hue_histogram(hue, n_bins).tolist()),
    (exercises.ex04_2, lbp_code),
    (exercises.ex04_2, lambda patch: float(lbp_code(patch))),
    # An open walk has one change less, or as many: never another verdict
    (exercises.ex04_2, lambda patch: lbp_code(patch, closed=False)),
    (exercises.ex04_3, lambda d, c: squares(d, c).argmin(axis=1)),
    (
        exercises.ex04_3,
        lambda d, c: [int(((x - c) ** 2).sum(axis=1).argmin()) for x in d],
    ),
    (exercises.ex04_4, bag),
    (exercises.ex04_5, weigh),
    (exercises.ex04_5, handcrafted.tf_idf),
]
WRONG = [
    (exercises.ex04_1, lambda h, n: np.histogram(h, n, (0, 180))[0], "counts"),
    (exercises.ex04_1, lambda h, n: np.histogram(h, n)[0] / h.size, "range=(0"),
    (exercises.ex04_1, lambda h, n: np.histogram(h, n, (0, 256))[0] / h.size, "179"),
    (exercises.ex04_1, lambda h, n: hue_histogram(h, n) * h.size / len(h), "hue.size"),
    (exercises.ex04_1, lambda h, n: np.bincount(h.ravel()) / h.size, "shape"),
    (exercises.ex04_1, lambda h, n: hue_histogram(h, n)[::-1], "wrong"),
    (
        exercises.ex04_1,
        lambda h, n: (
            np.bincount((h * np.uint8(n) // np.uint8(180)).ravel(), minlength=n)
            / h.size
        ),
        "overflows",
    ),
    (exercises.ex04_1, hue_histogram(np.zeros((2, 2))), "function itself"),
    (exercises.ex04_1, lambda h, n: "red", "return numbers"),
    (exercises.ex04_2, lambda p: lbp_code(p, less=True), ">="),
    (exercises.ex04_2, lambda p: lbp_code(p, limit=8), "these are the ones"),
    (exercises.ex04_2, lambda p: lbp_code(p, limit=1), "two changes still"),
    (
        exercises.ex04_2,
        lambda p: sum(2**i for i, place in enumerate(RING) if p[place] >= p[1, 1]),
        "powers",
    ),
    (exercises.ex04_2, lambda p: 8 - c if (c := lbp_code(p)) < 9 else 9, "swapped"),
    (exercises.ex04_2, lambda p: 8, "wrong for"),
    (exercises.ex04_2, lambda p: p >= p[1, 1], "one whole number"),
    (exercises.ex04_3, lambda d, c: squares(d, c).argmin(axis=0), "other axis"),
    (exercises.ex04_3, squares, "argmin along"),
    (exercises.ex04_3, lambda d, c: squares(d, c).min(axis=1), "argmin, not min"),
    (exercises.ex04_3, lambda d, c: squares(d, c).argmax(axis=1), "farthest"),
    (exercises.ex04_3, lambda d, c: (d @ c.T).argmax(axis=1), "|w|²"),
    (
        exercises.ex04_3,
        lambda d, c: squares(d, c).argmin(axis=1) + 1,
        "not the nearest",
    ),
    (
        exercises.ex04_3,
        lambda d, c: squares(d, c).argmin(axis=1)[: len(d) - 1],
        "shape",
    ),
    (exercises.ex04_3, lambda d, c: np.zeros(max(len(d), 1)), "not the nearest"),
    (exercises.ex04_4, lambda w, n: np.bincount(w) / max(len(w), 1), "minlength"),
    (exercises.ex04_4, lambda w, n: np.bincount(w, minlength=n), "counts"),
    (exercises.ex04_4, lambda w, n: np.bincount(w, minlength=n) / n, "not by n_words"),
    (
        exercises.ex04_4,
        lambda w, n: np.bincount(w, minlength=n) / len(w),
        "divide by 0",
    ),
    (exercises.ex04_4, lambda w, n: (np.array(bag(w, n)) > 0) * 1.0, "how often"),
    (
        exercises.ex04_4,
        lambda w, n: np.array(bag(w, n)) / np.linalg.norm(bag(w, n)),
        "squares",
    ),
    (exercises.ex04_5, lambda b: weigh(b, log=np.log2), "base 2"),
    (exercises.ex04_5, lambda b: weigh(b, log=np.log10), "base 10"),
    (exercises.ex04_5, lambda b: weigh(b, plus=0), "missing"),
    (exercises.ex04_5, lambda b: weigh(b, turn=-1), "upside down"),
    (exercises.ex04_5, lambda b: weigh(b, axis=1), "axis"),
    (exercises.ex04_5, lambda b: weigh(b)[0], "shape"),
    (exercises.ex04_5, lambda b: b, "still the shares"),
    (
        exercises.ex04_5,
        lambda b: b * (np.log((1 + len(b)) / (1 + b.sum(axis=0))) + 1),
        "add up",
    ),
    (exercises.ex04_5, lambda b: b**2, "come out wrong"),
]


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_right(check, answer):
    verdict = check(answer)
    assert verdict.state == exercises.RIGHT, verdict


@pytest.mark.parametrize(("check", "answer", "message"), WRONG)
def test_wrong(check, answer, message):
    verdict = check(answer)
    assert verdict.state == exercises.NOT_YET, verdict
    assert message in verdict.message, verdict
    assert verdict.hint


@pytest.mark.parametrize("number", range(1, 7))
def test_untouched(number):
    check = getattr(exercises, f"ex04_{number}")
    assert check(None).state == exercises.NOT_ATTEMPTED
    if number < 6:
        assert check(lambda *arguments: None).state == exercises.NOT_ATTEMPTED


def test_open_exercise():
    image_set = datasets.load("stamps", progress=False)
    found = {
        name: extraction.extract(image_set, name, progress=False)
        for name in ("raw", "colour", "lbp")
    }
    assert "is the goal" in exercises.ex04_6(found["raw"]).message
    cheating = np.eye(7)[image_set.true_labels]
    assert "too good" in exercises.ex04_6(cheating).message
    assert "a row a stamp" in exercises.ex04_6(found["raw"][:100]).message
    assert "NaN" in exercises.ex04_6(found["raw"] * np.nan).message
    no_white = np.sqrt(np.delete(found["colour"], 3, axis=1))
    blocks = [algorithms.prepare(found["lbp"], "l2+kmeans"), no_white]
    blocks[1] = 0.25 * algorithms.prepare(blocks[1], "l2+kmeans")
    verdict = exercises.ex04_6(np.hstack(blocks))
    assert verdict.state == exercises.RIGHT, verdict
