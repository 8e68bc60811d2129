"""Checks of lesson 10: right, wrong in the usual ways, and untouched answers."""

import re

import numpy as np
from lesson_answers import answer_tests, own_answers  # noqa: F401
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist
from small_sets import coloured


def has_word(caption, word):
    letters = "".join(c if c.isalnum() else " " for c in caption.lower())
    return any(w in (word, word + "s") for w in letters.split())


def medoid(axis=1, unit=True, largest=False, kind=int):
    def answer(vectors):
        rows = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        rows = rows if unit else vectors
        sums = (1 - rows @ rows.T).sum(axis=axis).round(9)
        return kind(sums.argmax() if largest else sums.argmin())

    return answer


def euclidean(vectors):
    return np.linalg.norm(vectors[:, None] - vectors, axis=2).sum(axis=1).argmin()


def groups(distances, threshold, strict=False, chains=True):
    near = distances < threshold if strict else distances <= threshold
    np.fill_diagonal(near, True)
    numbers = np.arange(len(near))
    for _ in range(len(near) if chains else 1):
        numbers = np.array([numbers[row].min() for row in near])
    return numbers


def pair_scores(found, truth, k=1, swap=False):
    one, other = np.triu_indices(len(found), k=k)
    together, really = found[one] == found[other], truth[one] == truth[other]
    both = (together & really).sum()
    values = both / together.sum(), both / really.sum()
    return values[::-1] if swap else values


SEARCH = coloured(3)

RIGHT = [
    ("ex10_1", has_word),
    ("ex10_2", medoid()),
    ("ex10_2", medoid(kind=np.int64)),
    ("ex10_3", groups),
    ("ex10_3", lambda d, t: [int(n) + 7 for n in groups(d, t)]),
    ("ex10_4", pair_scores),
    ("ex10_4", lambda f, t: np.array(pair_scores(f, t))),
    ("ex10_5", SEARCH, {0: 1, 1: 5}),
    ("ex10_1", lambda c, w: re.search(rf"\b{w}s?\b", c.lower()) is not None),
    ("ex10_1", lambda c, w: np.bool_(has_word(c, w))),
    ("ex10_2", lambda v: cdist(v, v, "cosine").mean(axis=1).round(9).argmin()),
    ("ex10_3", lambda d, t: connected_components(d <= t)[1]),
    ("ex10_4", lambda f, t: list(pair_scores(f, t))),
    ("ex10_5", SEARCH, {"a": np.int64(0), "b": np.int64(8), "c": 4}),
    ("ex10_5", SEARCH.subset([0, 1, 2, 3, 5, 7]), {0: 5, 1: 0}),
]
WRONG = [
    ("ex10_1", lambda c, w: w in c.lower().split(), "full stop"),
    ("ex10_1", lambda c, w: w in c.lower(), "whole words"),
    ("ex10_1", lambda c, w: has_word(c + " ", w) and c == c.lower(), "False"),
    ("ex10_1", lambda c, w: 1, "True or False"),
    ("ex10_2", medoid(largest=True), "largest"),
    ("ex10_2", medoid(unit=False), "length"),
    ("ex10_2", euclidean, "Euclidean"),
    ("ex10_2", lambda vectors: vectors.mean(axis=0), "one index"),
    ("ex10_3", lambda d, t: groups(d, t, strict=True), "equal to the threshold"),
    ("ex10_3", lambda d, t: groups(d, t, chains=False), "Chains"),
    ("ex10_3", lambda d, t: d <= t, "one group number per image"),
    ("ex10_3", lambda d, t: np.zeros(len(d)), "your groups"),
    ("ex10_4", lambda f, t: pair_scores(f, t, swap=True), "swapped"),
    ("ex10_4", lambda f, t: pair_scores(f, t, k=0), "itself"),
    ("ex10_4", lambda f, t: [(f == t).mean()] * 2, "arbitrary"),
    ("ex10_4", lambda f, t: 0.5, "two numbers"),
    ("ex10_4", lambda f, t: (0.51, 0.49), "right is"),
    ("ex10_5", [1, 2, 3], {0: 1, 1: 2}, "image set"),
    ("ex10_5", coloured(1), {0: 1, 1: 2}, "are left"),
    ("ex10_5", SEARCH, [1, 2], "medoids"),
    ("ex10_5", SEARCH, {0: 1}, "medoids"),
    ("ex10_5", SEARCH, {0: 1, 1: 1}, "same medoid"),
    ("ex10_5", SEARCH, {0: 1, 1: 30}, "after"),
]

test_right, test_wrong, test_untouched, test_enough = answer_tests(RIGHT, WRONG)
