"""Checks of lesson 6: right, wrong in the usual ways, and untouched answers."""

import functools
import statistics
from itertools import product

import numpy as np
import pandas as pd
import pytest
from lesson_answers import (  # noqa: F401
    answer_tests,
    assert_right,
    assert_untouched,
    assert_wrong,
    own_answers,
)
from sklearn import metrics as sk
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.decomposition import PCA

from course_utils import experiments, images, representations
from course_utils._support.keras import import_keras

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def pool(average=np.mean, largest=np.max, axis=(1, 2), flat=None):
    def pooled(maps, how):
        if how == "flat":
            return maps.reshape(len(maps), -1) if flat is None else flat(maps)
        return (average if how == "average" else largest)(maps, axis=axis)

    return pooled


def components(power=2, offset=1, centre=0, kind=int, scale=False):
    def components_for(vectors, wanted):
        rows = vectors / vectors.std(axis=0) if scale else vectors
        if centre is not None:
            rows = rows - rows.mean(axis=centre, keepdims=True)
        parts = np.linalg.svd(rows, compute_uv=False) ** power
        return kind(np.argmax(np.cumsum(parts) / parts.sum() >= wanted) + offset)

    return components_for


def noise(swap=False, alone_from=50, drop_key=None, keep=False, own=None):
    def three_ways(true, found, score):
        score = own or score
        kept = np.ones(len(found), bool) if keep else found != -1
        alone = found.copy()
        alone[found == -1] = alone_from + np.arange((found == -1).sum())
        values = {
            "left out": score(true[kept], found[kept]),
            "one cluster": score(true, found),
            "each alone": score(true, alone),
        }
        if swap:
            order = ("each alone", "one cluster")
            values |= dict(zip(order, [values[n] for n in order[::-1]], strict=True))
        values.pop(drop_key, None)
        return values

    return three_ways


def noise_by_loop(true, found, score):
    pairs = [(t, c) for t, c in zip(true, found, strict=True) if c != -1]
    alone = [c if c != -1 else -2 - place for place, c in enumerate(found)]
    return {
        "each alone": score(labels_true=true, labels_pred=alone),
        "one cluster": score(labels_true=true, labels_pred=found),
        "left out": score([t for t, _ in pairs], [c for _, c in pairs]),
    }


def noise_by_pandas(true, found, score):
    table = pd.DataFrame({"true": true, "found": found})
    clear = table[table.found >= 0]
    table["alone"] = table.found.where(table.found >= 0, 1000 + table.index)
    scores = {"left out": clear.found, "one cluster": table.found}
    scores["each alone"] = table.alone
    return {n: score(table.true[c.index], c) for n, c in scores.items()}


def noise_in_place(true, found, score):
    values = noise()(true, found, score)
    found[found == -1] = 99
    return values


def paired(first, second, kept):
    gaps = np.subtract(first, second)
    factor = 1 / len(gaps) + kept / (1 - kept)
    return gaps.mean(), gaps.std(ddof=1) * np.sqrt(factor)


def paired_by_loop(first, second, kept):
    gaps = [one - other for one, other in zip(first, second, strict=True)]
    return [
        statistics.mean(gaps),
        (statistics.variance(gaps) * (1 / len(gaps) + kept / (1 - kept))) ** 0.5,
    ]


def paired_by_pandas(first, second, kept):
    gaps = pd.Series(first) - pd.Series(second)
    error = gaps.sem() * np.sqrt(1 + len(gaps) * kept / (1 - kept))
    return np.array([gaps.mean(), error])


def error(of_gaps):
    """Another standard error."""

    def wrong(first, second, kept):
        gaps = np.subtract(first, second)
        return gaps.mean(), of_gaps(gaps, 1 / len(gaps), kept / (1 - kept))

    return wrong


def unpaired(first, second, kept):
    spread = np.sqrt(np.var(first, ddof=1) + np.var(second, ddof=1))
    factor = 1 / len(first) + kept / (1 - kept)
    return np.mean(first) - np.mean(second), spread * np.sqrt(factor)


def mean_difference(of_gaps):
    def wrong(first, second, kept):
        return of_gaps(np.subtract(first, second)), paired(first, second, kept)[1]

    return wrong


def simulated(best=np.max, rounds=20_000):
    def expected_best(scores, n_tries):
        drawn = np.random.default_rng(0).choice(scores, (rounds, n_tries))
        return best(drawn, axis=1).mean()

    return expected_best


def exact(scores, n_tries):
    at_most = (np.arange(len(scores) + 1) / len(scores)) ** n_tries
    return np.sort(scores) @ np.diff(at_most)


@functools.cache
def _runs(image_set="stamps"):
    results, _ = experiments.run(
        images.load(image_set, progress=False),
        ["raw", "lbp", "hog"],
        ["kmeans", "l2+pca20+kmeans", "ward"],
        seeds=4,
        progress=False,
    )
    return results


def grid(
    representations=("raw", "lbp"),
    algorithms=("kmeans", "ward"),
    seeds=3,
    image_set="stamps",
):
    runs = _runs(image_set)
    kept = runs["representation"].isin(representations) & (runs["seed"] < seeds)
    return runs[kept & runs["algorithm"].isin(algorithms)].reset_index(drop=True)


def changed(column, row, value):
    table = grid()
    table[column] = table[column].astype(object)
    table.loc[row, column] = value
    return table


def by_hand():
    """The same comparison without experiments.run, rounded, ward once per seed."""
    stamps, rows = images.load("stamps", progress=False), []
    for name in ("raw", "lbp"):
        vectors = representations.extract(stamps, name, progress=False)
        for algorithm in ("kmeans", "ward"):
            for seed in (3, 5, 8):
                model = KMeans(7, n_init=10, random_state=seed)
                if algorithm == "ward":
                    model = AgglomerativeClustering(7)
                found = model.fit_predict(vectors)
                nmi = round(
                    sk.normalized_mutual_info_score(stamps.true_labels, found), 2
                )
                rows.append(("stamps", name, algorithm, seed, 7, round(nmi, 2)))
    columns = ["image_set", "representation", "algorithm", "seed", "k", "nmi"]
    return pd.DataFrame(rows, columns=columns)


def other_seeds():
    """Each representation with three seeds, but not the same ones."""
    table = grid(seeds=4)
    seeded = table["algorithm"] == "kmeans"
    first = table["representation"] == "raw"
    return table[
        ~seeded | (first & (table["seed"] < 3)) | (~first & (table["seed"] > 0))
    ]


SENTENCE = "LBP scores higher than raw pixels with both algorithms, on the stamps."


def sorted_rows(maps):
    return np.sort(maps.reshape(len(maps), -1))


def shuffled_rows(maps):
    generator = np.random.default_rng(0)
    return np.stack([generator.permutation(image.ravel()) for image in maps])


def channels_first(maps):
    return np.moveaxis(maps, 3, 1).reshape(len(maps), -1)


def pool_by_loop(maps, how):
    if how == "flat":
        return [image.ravel() for image in maps]
    of_places = {"average": np.mean, "max": max}[how]
    return [[of_places(m[..., c].ravel()) for c in range(m.shape[2])] for m in maps]


def pool_by_keras(maps, how):
    layers = import_keras().layers
    pooled = {
        "average": layers.GlobalAveragePooling2D,
        "max": layers.GlobalMaxPooling2D,
        "flat": layers.Flatten,
    }
    return pooled[how]()(maps)


def components_by_eigenvalues(vectors, wanted):
    variances = np.linalg.eigvalsh(np.cov(vectors, rowvar=False))[::-1]
    return np.searchsorted(np.cumsum(variances) / variances.sum(), wanted) + 1


def components_by_pca(vectors, wanted):
    shares = PCA().fit(vectors).explained_variance_ratio_
    total = count = 0
    while total < wanted:
        total, count = total + shares[count], count + 1
    return count


def best_without_replacement(scores, n_tries):
    generator = np.random.default_rng(0)
    rounds = range(20_000)
    return np.mean(
        [max(generator.choice(scores, n_tries, replace=False)) for _ in rounds]
    )


RIGHT = [
    ("ex06_1", pool()),
    ("ex06_1", lambda maps, how: pool()(maps, how).tolist()),
    ("ex06_1", pool_by_loop),
    ("ex06_1", pool(flat=channels_first)),  # another order, the same for all
    ("ex06_1", pool_by_keras),
    ("ex06_2", components()),
    ("ex06_2", components(kind=float)),
    ("ex06_2", components_by_pca),
    ("ex06_2", components_by_eigenvalues),
    ("ex06_2", lambda v, wanted: PCA(n_components=wanted).fit(v).n_components_),
    ("ex06_3", noise()),
    ("ex06_3", noise(alone_from=1000)),
    ("ex06_3", lambda *a: {n: [v] for n, v in noise()(*a).items()}),
    ("ex06_3", noise_by_loop),
    ("ex06_3", noise_by_pandas),
    ("ex06_4", paired),
    ("ex06_4", lambda *scores: list(paired(*scores))),
    ("ex06_4", paired_by_loop),
    ("ex06_4", paired_by_pandas),
    ("ex06_5", exact),
    ("ex06_5", simulated()),
    (
        "ex06_5",
        lambda scores, n: (
            np.mean([max(r) for r in product(scores, repeat=n)])
            if n < 3
            else exact(scores, n)
        ),
    ),
]
WRONG = [
    ("ex06_1", pool(average=np.sum), "divide"),
    ("ex06_1", pool(axis=(2, 3)), "In Keras the channels are the last axis"),
    ("ex06_1", pool(axis=(1, 3)), "height and the channels"),
    ("ex06_1", pool(axis=(0, 1, 2)), "keep axis 0"),
    ("ex06_1", pool(axis=(1, 2, 3)), "keep the channels apart"),
    ("ex06_1", pool(axis=None), "one number for everything"),
    ("ex06_1", pool(axis=3), "channels"),
    ("ex06_1", pool(axis=1), "height and width"),
    ("ex06_1", pool(axis=0), "Axis 0 counts the images"),
    ("ex06_1", pool(average=np.max), "another word"),
    ("ex06_1", pool(largest=np.min), "smallest"),
    ("ex06_1", pool(average=np.median), "other values"),
    ("ex06_1", pool(largest=lambda m, axis: abs(m).max(axis)), "absolute"),
    ("ex06_1", lambda maps, how: maps.reshape(len(maps), -1), "only put in a row"),
    ("ex06_1", pool(flat=np.ravel), "each image in one row"),
    ("ex06_1", pool(flat=lambda m: m.reshape(-1, len(m)).T), "mix the numbers"),
    ("ex06_1", pool(flat=sorted_rows), "another order"),
    ("ex06_1", pool(flat=shuffled_rows), "another order"),
    ("ex06_2", components(offset=0), "components from 1"),
    ("ex06_2", components(power=1), "Square the singular"),
    ("ex06_2", components(centre=None), "mean of every column"),
    ("ex06_2", components(centre=1), "each row"),
    ("ex06_2", components(centre=(0, 1)), "one mean of all"),
    ("ex06_2", components(scale=True), "standard deviations"),
    ("ex06_2", components(offset=5), "smallest"),
    ("ex06_2", lambda vectors, wanted: wanted, "whole number"),
    ("ex06_3", noise(swap=True), "is the NMI of"),
    ("ex06_3", noise(alone_from=0), "No two noise images"),
    ("ex06_3", noise(keep=True), "'left out' is the NMI of 'one cluster'"),
    ("ex06_3", noise(drop_key="left out"), "keys"),
    ("ex06_3", lambda true, found, score: 0.5, "keys"),
    ("ex06_3", noise(own=sk.normalized_mutual_info_score), "the score that is given"),
    ("ex06_3", noise_in_place, "work on a copy"),
    ("ex06_4", lambda one, other, kept: paired(other, one, kept), "sign"),
    ("ex06_4", mean_difference(lambda gaps: np.abs(gaps).mean()), "signs"),
    ("ex06_4", mean_difference(np.sum), "take the mean"),
    ("ex06_4", error(lambda gaps, n, ratio: gaps.std(ddof=1) * n**0.5), "share images"),
    ("ex06_4", error(lambda gaps, n, ratio: gaps.std() * (n + ratio) ** 0.5), "ddof"),
    (
        "ex06_4",
        error(lambda gaps, n, ratio: gaps.std(ddof=1) * (n + 1 / ratio) ** 0.5),
        "other way round",
    ),
    ("ex06_4", error(lambda gaps, n, ratio: gaps.std(ddof=1) * (n + ratio)), "root"),
    ("ex06_4", error(lambda gaps, n, ratio: gaps.std(ddof=1)), "multiply"),
    (
        "ex06_4",
        error(lambda gaps, n, ratio: gaps.std(ddof=1) * ratio**0.5),
        "1 / n is missing",
    ),
    (
        "ex06_4",
        error(lambda gaps, n, ratio: gaps.var(ddof=1) * (n + ratio)),
        "variance",
    ),
    ("ex06_4", unpaired, "within the pairs"),
    ("ex06_4", error(lambda gaps, n, ratio: 0.5), "standard error is"),
    ("ex06_4", lambda first, second, kept: np.mean(first), "two things"),
    ("ex06_5", simulated(np.mean), "mean"),
    ("ex06_5", simulated(np.min), "worst"),
    ("ex06_5", best_without_replacement, "without replacement"),
    ("ex06_5", lambda scores, n_tries: max(scores), "a few tries"),
    ("ex06_5", lambda scores, n_tries: 0.3, "right is"),
]


# Computed when they are tried, not when pytest collects the tests
RIGHT_GRIDS = [
    lambda: (grid(), SENTENCE),
    lambda: (grid(("raw", "lbp", "hog"), seeds=4), SENTENCE),
    lambda: (grid().sample(frac=1, random_state=0), SENTENCE),
    lambda: (by_hand(), SENTENCE),
    lambda: (grid(image_set="photos"), SENTENCE),
]
WRONG_GRIDS = [
    lambda: ((grid(), {}), SENTENCE, "two things"),
    lambda: (grid().drop(columns="nmi"), SENTENCE, "lacks nmi"),
    lambda: ("a table", SENTENCE, "a table with the columns"),
    lambda: (grid(representations=("raw",)), SENTENCE, "2 representations"),
    lambda: (grid(algorithms=("kmeans",)), SENTENCE, "2 algorithms"),
    lambda: (grid(seeds=2), SENTENCE, "three seeds"),
    lambda: (changed("k", 0, 12), SENTENCE, "one k"),
    lambda: (pd.concat([grid(), grid(("hog",), seeds=4)]), SENTENCE, "same seeds"),
    lambda: (other_seeds(), SENTENCE, "same seeds"),
    lambda: (grid().iloc[:-1], SENTENCE, "lacks an algorithm"),
    lambda: (grid().assign(nmi=np.nan), SENTENCE, "no NMI"),
    lambda: (grid().assign(nmi=0.5), SENTENCE, "computed again"),
    lambda: (grid().assign(image_set="mine"), SENTENCE, "take stamps or photos"),
    lambda: (grid().assign(n_images=100), SENTENCE, "Take all 193 images"),
    lambda: (grid().replace("lbp", "lpb"), SENTENCE, "cannot be computed again"),
    lambda: (grid().replace("ward", "wart"), SENTENCE, "wart"),
    lambda: (grid(), "LBP is best.", "write 8 to 80"),
    lambda: (grid(), "a a a a a a a a a a", "repeats itself"),
]


test_right, test_wrong, test_untouched, test_enough = answer_tests(
    RIGHT, WRONG, untouched=[("ex06_6", None, None)], apart=["ex06_6"]
)


@pytest.mark.parametrize("make", RIGHT_GRIDS)
def test_right_grid(make):
    assert_right("ex06_6", *make())


@pytest.mark.parametrize("make", WRONG_GRIDS)
def test_wrong_grid(make):
    assert_wrong("ex06_6", *make())


def test_a_grid_without_a_sentence_is_not_attempted():
    assert_untouched("ex06_6", grid(), None)
