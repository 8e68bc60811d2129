"""Checks of lesson 6: right, wrong in the usual ways, and untouched answers."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from lesson_answers import answer_tests, own_answers  # noqa: F401
from sklearn.decomposition import PCA

from course_utils import metrics

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def pool(average=np.mean, largest=np.max, axis=(1, 2), flat=None):
    def pooled(maps, how):
        if how == "flat":
            return maps.reshape(len(maps), -1) if flat is None else flat(maps)
        return (average if how == "average" else largest)(maps, axis=axis)

    return pooled


def components(power=2, offset=1, centre=True, kind=int):
    def components_for(vectors, wanted):
        rows = vectors - vectors.mean(axis=0) if centre else vectors
        parts = np.linalg.svd(rows, compute_uv=False) ** power
        return kind(np.argmax(np.cumsum(parts) / parts.sum() >= wanted) + offset)

    return components_for


def noise(swap=False, alone_from=50, drop_key=None, keep=False):
    def three_ways(true, found):
        kept = np.ones(len(found), bool) if keep else found != -1
        alone = found.copy()
        alone[found == -1] = alone_from + np.arange((found == -1).sum())
        values = {
            "left out": metrics.nmi(labels_true=true[kept], labels_pred=found[kept]),
            "one cluster": metrics.nmi(labels_true=true, labels_pred=found),
            "each alone": metrics.nmi(labels_true=true, labels_pred=alone),
        }
        if swap:
            order = ("each alone", "one cluster")
            values |= dict(zip(order, [values[n] for n in order[::-1]], strict=True))
        values.pop(drop_key, None)
        return values

    return three_ways


def paired(first, second):
    gaps = np.subtract(first, second)
    return gaps.mean(), ((gaps > 0) + (gaps == 0) / 2).mean()


def won(of_gaps):
    def wrong(first, second):
        return np.subtract(first, second).mean(), of_gaps(np.subtract(first, second))

    return wrong


def mean_difference(of_gaps):
    def wrong(first, second):
        return of_gaps(np.subtract(first, second)), paired(first, second)[1]

    return wrong


def simulated(best=np.max, rounds=20_000):
    def expected_best(scores, n_tries):
        drawn = np.random.default_rng(0).choice(scores, (rounds, n_tries))
        return best(drawn, axis=1).mean()

    return expected_best


def exact(scores, n_tries):
    at_most = (np.arange(len(scores) + 1) / len(scores)) ** n_tries
    return np.sort(scores) @ np.diff(at_most)


def grid(representations=("raw", "lbp"), algorithms=("kmeans", "ward"), seeds=3):
    rows = [
        {"representation": r, "algorithm": a, "seed": s, "k": 7, "nmi": 0.5}
        for r in representations
        for a in algorithms
        for s in range(1 if a == "ward" else seeds)
    ]
    return pd.DataFrame(rows)


def changed(column, row, value):
    table = grid()
    table[column] = table[column].astype(object)
    table.loc[row, column] = value
    return table


NO_LABELS = grid().assign(nmi=np.nan)


def pool_by_loop(maps, how):
    if how == "flat":
        return [image.ravel() for image in maps]
    of_places = {"average": np.mean, "max": max}[how]
    return [[of_places(m[..., c].ravel()) for c in range(m.shape[2])] for m in maps]


def components_by_pca(vectors, wanted):
    shares = PCA().fit(vectors).explained_variance_ratio_
    total = count = 0
    while total < wanted:
        total, count = total + shares[count], count + 1
    return count


def paired_by_loop(first, second):
    gaps = [one - other for one, other in zip(first, second, strict=True)]
    won = [1 if gap > 0 else 0.5 if gap == 0 else 0 for gap in gaps]
    return np.array([sum(gaps), sum(won)]) / len(gaps)


RIGHT = [
    ("ex06_1", pool()),
    ("ex06_1", lambda maps, how: pool()(maps, how).tolist()),
    ("ex06_2", components()),
    ("ex06_2", components(kind=float)),
    ("ex06_3", noise()),
    ("ex06_4", paired),
    ("ex06_4", lambda first, second: list(paired(first, second))),
    ("ex06_5", exact),
    ("ex06_5", simulated()),
    ("ex06_6", grid()),
    ("ex06_6", grid(("raw", "lbp", "hog"), ("l2+kmeans", "dbscan", "ward"), 5)),
    ("ex06_1", pool_by_loop),
    ("ex06_2", components_by_pca),
    ("ex06_3", noise(alone_from=1000)),
    ("ex06_3", lambda *a: {n: [v] for n, v in noise()(*a).items()}),
    ("ex06_4", paired_by_loop),
    (
        "ex06_5",
        lambda scores, n: (
            np.mean([max(r) for r in product(scores, repeat=n)])
            if n < 3
            else exact(scores, n)
        ),
    ),
    ("ex06_6", grid(seeds=3).sample(frac=1, random_state=0)),
]
WRONG = [
    ("ex06_1", pool(average=np.sum), "divide"),
    ("ex06_1", pool(axis=(2, 3)), "got shape (4, 3)"),
    ("ex06_1", pool(axis=3), "channels"),
    ("ex06_1", pool(axis=1), "height and width"),
    ("ex06_1", pool(axis=0), "Axis 0 counts the images"),
    ("ex06_1", pool(average=np.max), "other values"),
    ("ex06_1", pool(largest=lambda m, axis: abs(m).max(axis)), "absolute"),
    ("ex06_1", pool(flat=np.ravel), "each image in one row"),
    ("ex06_1", pool(flat=lambda m: m.reshape(-1, len(m)).T), "mix the numbers"),
    ("ex06_2", components(offset=0), "components from 1"),
    ("ex06_2", components(power=1), "Square the singular"),
    ("ex06_2", components(centre=False), "mean of every column"),
    ("ex06_2", components(offset=3), "smallest"),
    ("ex06_2", lambda vectors, wanted: wanted, "whole number"),
    ("ex06_3", noise(swap=True), "is the NMI of"),
    ("ex06_3", noise(alone_from=0), "No two noise images"),
    ("ex06_3", noise(keep=True), "'left out' is the NMI of 'one cluster'"),
    ("ex06_3", noise(drop_key="left out"), "keys"),
    ("ex06_3", lambda true, found: 0.5, "keys"),
    ("ex06_4", lambda first, second: paired(second, first), "sign"),
    ("ex06_4", mean_difference(lambda gaps: np.abs(gaps).mean()), "signs"),
    ("ex06_4", mean_difference(np.sum), "not the mean difference"),
    ("ex06_4", won(lambda gaps: (gaps > 0).mean()), "tie"),
    ("ex06_4", won(lambda gaps: (gaps >= 0).mean()), "tie"),
    ("ex06_4", won(lambda gaps: (gaps > 0).sum() + (gaps == 0).sum() / 2), "divide"),
    ("ex06_4", won(lambda gaps: 1 - ((gaps > 0) + (gaps == 0) / 2).mean()), "second"),
    ("ex06_4", lambda first, second: np.mean(first), "two numbers"),
    ("ex06_5", simulated(np.mean), "mean"),
    ("ex06_5", simulated(np.min), "worst"),
    ("ex06_5", lambda scores, n_tries: max(scores), "a few tries"),
    ("ex06_5", lambda scores, n_tries: 0.3, "right is"),
    ("ex06_6", (grid(), {}), "two things"),
    ("ex06_6", grid().drop(columns="nmi"), "lacks nmi"),
    ("ex06_6", "a table", "a table with the columns"),
    ("ex06_6", grid(representations=("raw",)), "2 representations"),
    ("ex06_6", grid(algorithms=("kmeans",)), "2 algorithms"),
    ("ex06_6", grid(seeds=2), "three seeds"),
    ("ex06_6", changed("k", 0, 12), "one k"),
    ("ex06_6", pd.concat([grid(), grid(("hog",), seeds=9)]), "same number"),
    ("ex06_6", grid().iloc[:-1], "lacks an algorithm"),
    ("ex06_6", NO_LABELS, "no NMI"),
]


test_right, test_wrong, test_untouched, test_enough = answer_tests(RIGHT, WRONG)
