"""Checks of lesson 1: right, wrong in the usual ways, and untouched answers."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.metrics import silhouette_samples

from course_utils.lessons import exercises


@pytest.fixture(autouse=True)
def own_answers(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path))
    exercises.begin("01_clustering_by_hand")


def outcome(name, *answers):
    verdict = getattr(exercises, name)(*answers)
    return verdict.state, verdict.message


def assign(points, centres):
    return cdist(points, centres).argmin(axis=1)


def update(points, labels, centres, statistic=np.mean, start=float):
    moved = np.array(centres, dtype=start)
    for cluster in range(len(centres)):
        if (labels == cluster).any():
            moved[cluster] = statistic(points[labels == cluster], axis=0)
    return moved


def update_in_place(points, labels, centres):
    for cluster in set(labels.tolist()):
        centres[cluster] = points[labels == cluster].mean(axis=0)
    return centres


def update_nan(points, labels, centres):
    rows = [points[labels == c].sum(axis=0) for c in range(len(centres))]
    counts = np.bincount(labels, minlength=len(centres))
    return np.array(rows) / counts[:, None]


def update_zero(points, labels, centres):
    return np.nan_to_num(update_nan(points, labels, centres))


def inertia(points, labels, centres):
    return ((points - centres[labels]) ** 2).sum()


def lengths(points, labels, centres):
    return np.linalg.norm(points - centres[labels], axis=1)


def chances(points, centres, power=2, pick=np.min):
    weights = pick(cdist(points, centres), axis=1) ** float(power)
    return weights / weights.sum()


def silhouette(index, points, labels):
    return silhouette_samples(points, labels)[index]


def by_hand(index, points, labels, others=1, pick=min, divide=max, power=1):
    distances = cdist(points[[index]], points)[0] ** power
    own = labels == labels[index]
    a = distances[own].sum() / (own.sum() - others)
    rest = set(labels.tolist()) - {int(labels[index])}
    b = pick([distances[labels == c].mean() for c in rest])
    return (b - a) / divide(a, b)


def all_others(index, points, labels):
    own, distances = labels == labels[index], cdist(points[[index]], points)[0]
    a, b = distances[own].sum() / (own.sum() - 1), distances[~own].mean()
    return (b - a) / max(a, b)


def pair(picture):
    return picture.mean(), picture.std()


TEXT = "one cluster is pale, the other is dark, and both are full of birds"
RIGHT = {
    "ex01_1": [
        (assign,),
        (lambda points, centres: assign(points, centres).tolist(),),
        (lambda points, centres: assign(points, centres).astype(float),),
    ],
    "ex01_2": [(update,), (lambda *a: update(*a).tolist(),)],
    "ex01_3": [(inertia,), (lambda *a: [float(inertia(*a))],)],
    "ex01_4": [(chances,), (lambda *a: list(chances(*a)),)],
    "ex01_5": [(silhouette,)],
    "ex01_6": [
        (pair, "kmeans", 3, TEXT),
        (lambda p: list(pair(p)), "hdbscan", 2, TEXT),
    ],
}
WRONG = {
    "ex01_1": [
        (lambda p, c: cdist(p, c).argmax(axis=1), "farthest"),
        (lambda p, c: cdist(p, c).argmin(axis=0), "over the points"),
        (lambda p, c: cdist(p, c), "whole table"),
        (lambda p, c: cdist(p, c).min(axis=1), "*which*"),
        (lambda p, c: assign(p, c) + 1, "from 0"),
        (lambda p, c: cdist(p, c, "cityblock").argmin(axis=1), "absolute"),
        (lambda p, c: (p[:, None] - c).sum(axis=2).argmin(axis=1), "square"),
        (lambda p, c: np.zeros(len(p)), "do not join"),
        (lambda p, c: 0, "shape"),
        (lambda p, c: ["near"] * len(p), "one label a point"),
        (lambda p, c: p / "2", "TypeError"),
        (np.zeros(3), "the function itself"),
    ],
    "ex01_2": [
        (lambda p, lab, c: c.copy(), "not moved"),
        (lambda *a: update(*a, statistic=np.sum), "sums"),
        (lambda *a: update(*a, statistic=np.median), "median"),
        (lambda *a: update(*a, statistic=lambda m, axis: m.mean()), "rows alone"),
        (lambda *a: update(*a, start=None), "whole numbers"),
        (update_in_place, "changes an array"),
        (update_nan, "NaN"),
        (update_zero, "moved"),
        (lambda p, lab, c: update(p, lab, c)[:-1], "shape"),
        (lambda p, lab, c: -update(p, lab, c), "not their points' mean"),
    ],
    "ex01_3": [
        (lambda *a: lengths(*a).sum(), "square each"),
        (lambda *a: lengths(*a).sum() ** 2, "then add up"),
        (lambda *a: np.sqrt(inertia(*a)), "no square root"),
        (lambda *a: (lengths(*a) ** 2).mean(), "mean over the points"),
        (lambda *a: lengths(*a) ** 2, "add them up"),
        (lambda p, lab, c: (cdist(p, c).min(axis=1) ** 2).sum(), "nearest centre"),
        (lambda p, lab, c: (cdist(p, c) ** 2).sum(), "its own centre"),
        (lambda *a: 1.0, "another one"),
    ],
    "ex01_4": [
        (lambda p, c: cdist(p, c).min(axis=1) ** 2, "add up to 1"),
        (lambda p, c: cdist(p, c).min(axis=1), "neither"),
        (lambda p, c: chances(p, c, power=1), "not squared"),
        (lambda p, c: chances(p, c, power=1) ** 2, "square first"),
        (lambda p, c: chances(p, c, pick=np.max), "*nearest*"),
        (lambda p, c: chances(p, c, power=-2), "other way round"),
        (lambda p, c: chances(p, c[-1:]), "just the last"),
        (lambda p, c: cdist(p, c), "shape"),
        (lambda p, c: np.full(len(p), 1 / len(p)), "others"),
    ],
    "ex01_5": [
        (lambda *a: by_hand(*a, others=0), "distance 0"),
        (lambda *a: by_hand(*a, pick=max), "farthest"),
        (lambda *a: by_hand(*a, divide=lambda a, b: 1), "b - a: divide"),
        (lambda *a: by_hand(*a, divide=lambda a, b: b), "greater"),
        (lambda *a: by_hand(*a, power=2), "square root"),
        (lambda *a: -silhouette(*a), "sign"),
        (all_others, "all other points"),
        (lambda *a: 0.5, "another silhouette"),
        (lambda i, p, lab: silhouette_samples(p, lab), "too many"),
    ],
}
OPEN_WRONG = [
    ((lambda p: p.mean(), "kmeans", 3, TEXT), "a pair"),
    ((lambda p: (p.mean(), 1), "kmeans", 3, TEXT), "the same for every"),
    ((lambda p: (p.mean(), 2 * p.mean()), "kmeans", 3, TEXT), "say the same"),
    ((lambda p: (p.mean(), np.nan), "kmeans", 3, TEXT), "NaN"),
    ((pair, "k-means", 3, TEXT), "did you mean"),
    ((pair, "kmeans", 3.5, TEXT), "not possible"),
    ((pair, "kmeans", 3, "nice"), "ten words"),
]


@pytest.mark.parametrize("name", RIGHT)
def test_right_and_recorded(name):
    for answers in RIGHT[name]:
        assert outcome(name, *answers) == (exercises.RIGHT, "")
        assert exercises.answers()[name]["value"] is not None


CASES = [(name, *case) for name, cases in WRONG.items() for case in cases]


@pytest.mark.parametrize(("name", "answer", "message"), CASES)
def test_wrong_names_the_mistake(name, answer, message):
    state, said = outcome(name, answer)
    assert state == exercises.NOT_YET and message in said, said


def test_alone_in_its_cluster_scores_0():
    def forgets(index, points, labels):
        if (labels == labels[index]).sum() == 1:
            return 1.0
        return silhouette(index, points, labels)

    assert "scores 0" in outcome("ex01_5", forgets)[1]


@pytest.mark.parametrize(("answers", "message"), OPEN_WRONG)
def test_open_exercise(answers, message):
    state, said = outcome("ex01_6", *answers)
    assert state == exercises.NOT_YET and message in said, said


@pytest.mark.parametrize("name", [*WRONG, "ex01_6"])
def test_untouched(name):
    rest = ("kmeans", 3, TEXT) if name == "ex01_6" else ()
    for answer in (None, ..., lambda *arguments: None):
        assert outcome(name, answer, *rest)[0] == exercises.NOT_ATTEMPTED
    if name == "ex01_6":
        assert outcome(name, pair, None, None, None)[0] == exercises.NOT_ATTEMPTED
