"""Checks of lesson 3: right, wrong in the usual ways, and untouched answers."""

import cv2
import numpy as np
import pytest
from small_sets import one_thread  # noqa: F401

from course_utils.lessons import exercises


@pytest.fixture(autouse=True)
def own_answers(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path))
    exercises.begin("03_raw_pixels")


def outcome(name, *answers):
    verdict = getattr(exercises, name)(*answers)
    return verdict.state, verdict.message


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


RIGHT = {
    "arrays": ("ex03_1", there, back),
    "lists": ("ex03_1", lambda p: (p / 255).ravel().tolist(), back),
    "distance": ("ex03_2", distance),
    "a float": ("ex03_2", lambda a, b: float(distance(a, b))),
    "nearest": ("ex03_3", nearest),
    "a list": ("ex03_3", lambda *given: nearest(*given).tolist()),
    "shifted": ("ex03_4", shifted),
    "letters": ("ex03_5", "adeh"),
    "letters in any form": ("ex03_5", " H, E, d, a"),
    "a set of letters": ("ex03_5", {"a", "d", "e", "h"}),
    "silhouette": ("ex03_6", silhouette),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right(name):
    assert outcome(*RIGHT[name]) == (exercises.RIGHT, "")


WRONG = [
    ("shape (32, 32, 3)", "ex03_1", lambda p: p / 255, back),
    ("up to 255", "ex03_1", lambda p: p.ravel(), back),
    ("whole numbers", "ex03_1", lambda p: p.ravel() // 255, back),
    ("another order", "ex03_1", lambda p: p.transpose(2, 0, 1).ravel() / 255, back),
    ("another order", "ex03_1", lambda p: p.ravel(order="F") / 255, back),
    ("not those", "ex03_1", lambda p: p.ravel() / 128, back),
    ("not (32, 32, 3)", "ex03_1", there, lambda v: v),
    ("from 0 to 1", "ex03_1", there, lambda v: v.reshape(32, 32, 3)),
    ("before", "ex03_1", there, lambda v: back(v.astype(np.uint8) / 1.0)),
    ("type float", "ex03_1", there, lambda v: v.reshape(32, 32, 3) * 255),
    ("places", "ex03_1", there, lambda v: back(v).transpose(1, 0, 2)),
    ("numbers, not", "ex03_1", lambda p: "pixels", back),
    ("square root is missing", "ex03_2", lambda a, b: distance(a, b) ** 2),
    ("not divided", "ex03_2", lambda a, b: distance(a, b) * 255),
    ("and division", "ex03_2", lambda a, b: (distance(a, b) * 255) ** 2),
    ("Manhattan", "ex03_2", lambda a, b: np.abs(a / 255 - b / 255).sum()),
    ("takes the sum", "ex03_2", lambda a, b: ((a / 255 - b / 255) ** 2).mean() ** 0.5),
    ("mean of squares", "ex03_2", lambda a, b: ((a / 255 - b / 255) ** 2).mean()),
    ("cancel", "ex03_2", lambda a, b: (a / 255 - b / 255).sum()),
    ("overflowed", "ex03_2", lambda a, b: np.linalg.norm((a - b) / 255)),
    ("overflowed", "ex03_2", lambda a, b: np.sqrt(((a - b) ** 2).sum()) / 255),
    ("overflowed", "ex03_2", lambda a, b: np.sqrt(((a - b) ** 2).sum())),
    ("all three axes", "ex03_2", lambda a, b: np.abs(a / 255 - b / 255).sum(0)),
    ("is right", "ex03_2", lambda a, b: 1.0),
    ("own neighbours", "ex03_3", lambda v, i, n: ranked(v, i)[:n]),
    ("own neighbours", "ex03_3", lambda v, i, n: ranked(v, i)[1 : n + 1]),
    ("twin", "ex03_3", without_zeros),
    ("another order", "ex03_3", lambda *given: np.sort(nearest(*given))),
    ("another order", "ex03_3", lambda *given: nearest(*given)[::-1]),
    ("four places", "ex03_3", lambda v, i, n: ranked(v, i)),
    ("sort upwards", "ex03_3", lambda v, i, n: ranked(v, i)[::-1][:n]),
    ("argsort", "ex03_3", lambda *g: np.sort(np.delete(norms(*g[:2]), g[1]))[: g[2]]),
    ("axis 1", "ex03_3", lambda v, i, n: [j for j in (4, 5, 6, 8, 9) if j != i][:n]),
    ("np.roll", "ex03_4", lambda p, d, r: np.roll(p, (d, r), (0, 1))),
    ("swapped", "ex03_4", lambda p, d, r: shifted(p, r, d)),
    ("other way", "ex03_4", lambda p, d, r: shifted(p, -d, -r)),
    ("black", "ex03_4", lambda p, d, r: shifted(p, d, r, 0.0)),
    ("not 255", "ex03_4", lambda p, d, r: shifted(p, d, r, 255.0)),
    ("nothing moved", "ex03_4", lambda p, d, r: p),
    ("keep the size", "ex03_4", lambda p, d, r: p[max(d, 0) :, max(r, 0) :]),
    ("should be", "ex03_4", lambda p, d, r: shifted(p, max(d, 0), max(r, 0)) * 0.5),
    ("your code raised", "ex03_4", lambda p: p),
    ("b can change", "ex03_5", "abdeh"),
    ("g can change", "ex03_5", "g"),
    ("one is missing", "ex03_5", "ade"),
    ("no change x", "ex03_5", "adehx"),
    ("different shapes", "ex03_6", lambda p: np.arange(1 + p[112, 112, 0] % 5)),
    (".ravel()", "ex03_6", lambda p: p[::7, ::7, 0]),
    ("NaN", "ex03_6", lambda p: silhouette(p) * np.nan),
    ("same vector", "ex03_6", lambda p: np.ones(9)),
    ("mean NMI", "ex03_6", lambda p: pixels(p, 4)),
    ("mean NMI", "ex03_6", pixels),
]


def norms(vectors, index):
    return np.linalg.norm(vectors - vectors[index], axis=1)


@pytest.mark.parametrize(
    ("said", "name", "answers"),
    [(said, name, answers) for said, name, *answers in WRONG],
    ids=[f"{row[1]}: {row[0]} ({i})" for i, row in enumerate(WRONG)],
)
def test_wrong_and_why(said, name, answers):
    state, message = outcome(name, *answers)
    assert state == exercises.NOT_YET
    assert said in message


@pytest.mark.parametrize(
    ("name", "n_arguments"),
    [("ex03_2", 2), ("ex03_3", 3), ("ex03_4", 3), ("ex03_6", 1)],
)
def test_stub_functions_are_not_attempted(name, n_arguments):
    def stub(*arguments):
        assert len(arguments) == n_arguments

    assert outcome(name, stub) == (exercises.NOT_ATTEMPTED, "")
    assert outcome(name, None) == (exercises.NOT_ATTEMPTED, "")


def test_both_directions_are_needed():
    def stub(_):
        return None

    assert outcome("ex03_1", stub, stub) == (exercises.NOT_ATTEMPTED, "")
    assert outcome("ex03_1", there, stub) == (exercises.NOT_ATTEMPTED, "")


@pytest.mark.parametrize("letters", [None, ...])
def test_no_letters_are_not_attempted(letters):
    assert outcome("ex03_5", letters) == (exercises.NOT_ATTEMPTED, "")


def test_what_is_recorded():
    exercises.ex03_5("adeh")
    exercises.ex03_6(silhouette)
    kept = exercises.answers()
    assert kept["ex03_5"]["value"] == "adeh"
    assert 0.3 < kept["ex03_6"]["value"]["nmi"] < 0.5
    assert [row[0] for row in exercises.summary().rows] == [
        f"03_{i}" for i in range(1, 7)
    ]
