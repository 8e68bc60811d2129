"""Checks of lesson 7: right, wrong in the usual ways, and untouched answers."""

import functools

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
from scipy.stats import rankdata, zscore
from sklearn import metrics as sk
from sklearn.preprocessing import StandardScaler, normalize

from course_utils import clustering, images, representations


def agreement(score=sk.adjusted_rand_score, kind=float):
    def agree(points, first, second, cluster):
        _, a, b = np.intersect1d(first, second, return_indices=True)
        return kind(score(cluster(points[first])[a], cluster(points[second])[b]))

    return agree


def agreement_by_loop(points, first, second, cluster):
    one = dict(zip(first.tolist(), cluster(points[first]), strict=True))
    other = dict(zip(second.tolist(), cluster(points[second]), strict=True))
    both = [i for i in one if i in other]
    return sk.adjusted_rand_score([one[i] for i in both], [other[i] for i in both])


def agreement_by_fill(points, first, second, cluster):
    labels = np.full((2, len(points)), -1)
    labels[0, first], labels[1, second] = (
        cluster(points[first]),
        cluster(points[second]),
    )
    return sk.adjusted_rand_score(*labels[:, (labels >= 0).all(axis=0)])


def agreement_by_pandas(points, first, second, cluster):
    one = pd.Series(cluster(points[first]), index=first)
    other = pd.Series(cluster(points[second]), index=second)
    both = pd.concat([one, other], axis=1, join="inner")
    return sk.adjusted_rand_score(both[0], both[1])


def union(points, first, second, cluster):
    labels = np.full((2, len(points)), -1)
    labels[0, first], labels[1, second] = (
        cluster(points[first]),
        cluster(points[second]),
    )
    return sk.adjusted_rand_score(*labels[:, (labels >= 0).any(axis=0)])


def place_by_place(points, first, second, cluster):
    one, other = cluster(points[first]), cluster(points[second])
    n = min(len(one), len(other))
    return sk.adjusted_rand_score(one[:n], other[:n])


def own_order(points, first, second, cluster):
    one, other = cluster(points[first]), cluster(points[second])
    return sk.adjusted_rand_score(
        one[np.isin(first, second)], other[np.isin(second, first)]
    )


def only_shared(points, first, second, cluster):
    rows = points[np.intersect1d(first, second)]
    return sk.adjusted_rand_score(cluster(rows), cluster(rows))


def all_points(points, first, second, cluster):
    labels, shared = cluster(points), np.intersect1d(first, second)
    return sk.adjusted_rand_score(labels[shared], labels[shared])


def gap_rule(pick=None, scale=1.0, ddof=0, root=True, next_s=True, sign=1, axis=0):
    def rule(ks, log_inertia, references):
        gap = sign * (references.mean(axis=0) - log_inertia)
        s = scale * references.std(axis=axis, ddof=ddof) * np.ones(len(ks))
        s = s * np.sqrt(1 + 1 / len(references)) if root else s
        fits = gap[:-1] >= gap[1:] - (s[1:] if next_s else s[:-1])
        if pick:
            return pick(ks, gap, fits)
        return ks[np.argmax(fits)] if fits.any() else ks[-1]

    return rule


def gap_by_loop(ks, log_inertia, references):
    ks, n = [int(k) for k in ks], len(references)
    gaps, errors = [], []
    for place in range(len(ks)):
        column = [row[place] for row in references]
        mean = sum(column) / n
        gaps.append(mean - log_inertia[place])
        variance = sum((value - mean) ** 2 for value in column) / n
        errors.append((variance * (1 + 1 / n)) ** 0.5)
    for place, k in enumerate(ks[:-1]):
        if gaps[place] >= gaps[place + 1] - errors[place + 1]:
            return k
    return ks[-1]


def gap_by_pandas(ks, log_inertia, references):
    table = pd.DataFrame(references, columns=list(ks))
    gap = table.mean() - log_inertia
    s = table.std(ddof=0) * (1 + 1 / len(table)) ** 0.5
    fits = gap >= (gap - s).shift(-1).fillna(-np.inf)
    return float(fits.idxmax())


def propose(standardise=zscore, columns=("after_umap", "after_eigenmaps")):
    def best(table):
        values = np.mean([standardise(table[c].to_numpy()) for c in columns], axis=0)
        return table["k"].to_numpy()[values.argmax()]

    return best


def propose_by_sort(table):
    table["z"] = 0.0
    for column in ("after_umap", "after_eigenmaps"):
        table["z"] += (table[column] - table[column].mean()) / table[column].std()
    return table.sort_values("z").iloc[-1]["k"]


def propose_by_scaler(table):
    values = StandardScaler().fit_transform(table[["after_umap", "after_eigenmaps"]])
    return [table["k"].iloc[values.sum(axis=1).argmax()]]


def knee(pick=lambda heights, below: heights[below.argmax()], scale=True, sort=np.sort):
    def of(distances):
        heights = np.asarray(sort(distances))
        places = np.linspace(0, 1, len(heights))
        scaled = (heights - heights.min()) / np.ptp(heights)
        if not scale:
            places, scaled = np.arange(len(heights)), heights
        return pick(heights, places - scaled)

    return of


def knee_by_loop(distances):
    heights = sorted(distances.tolist())
    n, low, high = len(heights), heights[0], heights[-1]
    best = max(range(n), key=lambda i: i / (n - 1) - (heights[i] - low) / (high - low))
    return heights[best]


def knee_by_distance(distances):
    """The distance at a right angle to the chord, of curve sorted downwards."""
    heights = np.sort(distances)[::-1]
    chord = np.array([len(heights) - 1, heights[-1] - heights[0]])
    steps = np.column_stack([np.arange(len(heights)), heights - heights[0]])
    across = (chord[0] * steps[:, 1] - chord[1] * steps[:, 0]) / np.hypot(*chord)
    return heights[across.argmin()]


RIGHT = [
    ("ex07_1", agreement()),
    ("ex07_1", agreement(kind=lambda value: np.array([value]))),
    ("ex07_1", agreement_by_loop),
    ("ex07_1", agreement_by_fill),
    ("ex07_1", agreement_by_pandas),
    ("ex07_2", gap_rule()),
    ("ex07_2", gap_by_loop),
    ("ex07_2", gap_by_pandas),
    ("ex07_2", lambda *given: [gap_rule()(*given)]),
    ("ex07_3", propose()),
    ("ex07_3", propose(lambda column: column / column.std(ddof=1))),
    ("ex07_3", propose_by_sort),
    ("ex07_3", propose_by_scaler),
    ("ex07_4", knee()),
    ("ex07_4", knee_by_loop),
    ("ex07_4", knee_by_distance),
    ("ex07_4", lambda d: np.float32(knee()(d))),
]
WRONG = [
    ("ex07_1", all_points, "all points"),
    ("ex07_1", only_shared, "only the shared"),
    ("ex07_1", place_by_place, "place by place"),
    ("ex07_1", own_order, "in its own order"),
    ("ex07_1", union, "one part only"),
    ("ex07_1", agreement(sk.rand_score), "correction for chance"),
    ("ex07_1", agreement(sk.normalized_mutual_info_score), "This is NMI"),
    ("ex07_1", agreement(sk.adjusted_mutual_info_score), "This is AMI"),
    ("ex07_1", agreement(lambda a, b: np.mean(a == b)), "arbitrary"),
    ("ex07_1", lambda p, a, b, cluster: 0.5, "function `cluster`"),
    ("ex07_1", lambda p, a, b, cluster: cluster(a), "rows of points"),
    ("ex07_1", lambda p, a, b, cluster: cluster(p[a]), "an adjusted Rand index"),
    ("ex07_1", 0.7, "function itself"),
    ("ex07_2", gap_rule(lambda ks, gap, fits: ks[gap.argmax()]), "largest gap"),
    (
        "ex07_2",
        gap_rule(lambda ks, gap, fits: fits.argmax() if fits.any() else len(ks) - 1),
        "place in the list",
    ),
    (
        "ex07_2",
        gap_rule(
            lambda ks, gap, fits: ks[np.flatnonzero(fits)[-1] if fits.any() else -1]
        ),
        "return the smallest",
    ),
    ("ex07_2", gap_rule(lambda ks, gap, fits: ks[fits.argmax()]), "no k meets"),
    ("ex07_2", gap_rule(scale=0), "Subtract s of the next"),
    ("ex07_2", gap_rule(scale=-1), "you add it"),
    ("ex07_2", gap_rule(root=False), "sqrt(1 + 1 / n_references)"),
    ("ex07_2", gap_rule(ddof=1), "ddof=1"),
    ("ex07_2", gap_rule(next_s=False), "not the s of the k itself"),
    ("ex07_2", gap_rule(sign=-1), "opposite sign"),
    ("ex07_2", gap_rule(axis=None), "axis=0"),
    ("ex07_2", lambda ks, own, references: 3, "the rule gives"),
    ("ex07_3", propose(lambda column: column), "larger spread"),
    ("ex07_3", propose(columns=["after_umap"]), "after_umap alone"),
    ("ex07_3", propose(columns=["after_eigenmaps"]), "after_eigenmaps alone"),
    (
        "ex07_3",
        propose(columns=["silhouette", "after_umap", "after_eigenmaps"]),
        "silhouette must not",
    ),
    ("ex07_3", propose(lambda c: (c - c.min()) / np.ptp(c)), "from 0 to 1"),
    ("ex07_3", propose(lambda c: (c - c.mean()) / c.var()), "not by the variance"),
    ("ex07_3", propose(rankdata), "ranks"),
    ("ex07_3", lambda t: len(t) and propose()(t.assign(k=range(12))), "place"),
    ("ex07_3", propose(lambda c: -zscore(c)), "lowest mean"),
    ("ex07_3", lambda table: 7, "highest mean is at"),
    ("ex07_4", knee(sort=np.array), "Sort"),
    ("ex07_4", knee(lambda heights, below: below.argmax()), "place of the knee"),
    ("ex07_4", knee(scale=False), "Scale"),
    ("ex07_4", knee(lambda h, below: h[below.argmin()]), "above the line"),
    (
        "ex07_4",
        knee(lambda h, below: ((h - h[0]) / np.ptp(h))[below.argmax()]),
        "distance itself",
    ),
    ("ex07_4", knee(lambda h, below: h[np.diff(h).argmax()]), "jumps most"),
    ("ex07_4", knee(lambda h, below: h[np.diff(h).argmax() + 1]), "steepest step"),
    ("ex07_4", np.median, "median"),
    ("ex07_4", np.sort, "one distance"),
    ("ex07_4", np.max, "at the knee is"),
]

test_right, test_wrong, test_untouched, test_enough = answer_tests(
    RIGHT, WRONG, untouched=[("ex07_5", None, None, None, None)], apart=["ex07_5"]
)

SENTENCE = "The silhouette chose lbp with four clusters, which is far from the best."
PLACES = np.arange(0, 250, 2)


@functools.cache
def _table(algorithm="l2+kmeans", prepare=np.asarray):
    """Two representations and two k of half the photos, judged by silhouette."""
    photos, rows = images.load("photos", progress=False), []
    for representation in ("lbp", "hog"):
        vectors = representations.extract(photos, representation, progress=False)
        vectors = prepare(vectors)
        for k in (4, 6):
            found = clustering.cluster(vectors[PLACES], algorithm, k)
            rows.append(
                {
                    "representation": representation,
                    "algorithm": algorithm,
                    "k": k,
                    "criterion": sk.silhouette_score(vectors[PLACES], found),
                    "ami": sk.adjusted_mutual_info_score(
                        photos.true_labels[PLACES], found
                    ),
                }
            )
    return pd.DataFrame(rows)


def answer(name="photos", places=PLACES, table=None, sentence=SENTENCE, **changes):
    table = _table() if table is None else table
    return name, places, table.assign(**changes) if changes else table, sentence


RIGHT_CHOICES = [
    lambda: answer(),
    lambda: answer(places=PLACES.tolist()),
    lambda: answer(places=np.isin(np.arange(250), PLACES)),
    lambda: answer(table=_table().to_dict("records")),
    lambda: answer(table=_table().round(2).sample(frac=1, random_state=0)),
    lambda: answer(table=_table().set_index("k", drop=False)),
    lambda: answer(table=_table("kmeans", normalize)),  # as in the notebook
    lambda: answer(table=_table("ward")),
]
WRONG_CHOICES = [
    lambda: (*answer("mine"), "'stamps' or 'photos'"),
    lambda: (*answer(places=PLACES[:50]), "at least 60 images"),
    lambda: (*answer(places=[*PLACES, 0]), "twice"),
    lambda: (*answer(places=[*PLACES, 250]), "from 0 to 249"),
    lambda: (*answer(places="all"), "places of images"),
    lambda: (*answer(table=_table().drop(columns="ami")), "lacks ami"),
    lambda: (*answer(table=_table()[:2]), "values of representation"),
    lambda: (*answer(table=_table()[::2]), "values of k"),
    lambda: (*answer(table=_table()[:3]), "at least 4 proposals"),
    lambda: (*answer(table=pd.concat([_table(), _table()[:1]])), "twice"),
    lambda: (*answer(ami=0.5), "computed again"),
    lambda: (*answer(ami=[0.9, 0.2, 0.4, 0.3]), "computed again"),
    lambda: (*answer(ami=np.nan), "missing"),
    lambda: (*answer(ami="high"), "numbers in ami"),
    lambda: (*answer(criterion=1), "chooses nothing"),
    lambda: (*answer(criterion=_table()["ami"]), "without the true labels"),
    lambda: (*answer(representation=["lpb", "lpb", "hog", "hog"]), "lpb"),
    lambda: (*answer(algorithm="wart"), "wart"),
    lambda: (*answer(table="a table"), "a table with the columns"),
    lambda: (*answer(sentence="It is good."), "write 8 to 80"),
    lambda: (*answer(sentence="a " * 10), "repeats itself"),
]


@pytest.mark.parametrize("make", RIGHT_CHOICES)
def test_right_choice(make):
    assert_right("ex07_5", *make())


@pytest.mark.parametrize("make", WRONG_CHOICES)
def test_wrong_choice(make):
    assert_wrong("ex07_5", *make())


def test_a_choice_without_a_sentence_is_not_attempted():
    assert_untouched("ex07_5", *answer()[:3], None)


def test_the_lesson_and_the_library_compute_the_same_stability():
    points = np.random.default_rng(0).normal(size=(60, 3))
    generator, found = np.random.default_rng(0), []
    for pair in range(5):
        parts = [np.sort(generator.permutation(60)[:48]) for _ in range(2)]
        found.append(
            agreement()(
                points, *parts, lambda x, s=pair: clustering.cluster(x, "kmeans", 4, s)
            )
        )
    assert np.isclose(np.mean(found), clustering.stability(points, "kmeans", 4))


def test_the_lesson_and_the_library_propose_the_same_k():
    photos = images.load("photos", progress=False)
    vectors = representations.extract(photos, "hog", progress=False)[::3]
    choice = clustering.choose(vectors, ks=range(2, 8))
    assert propose()(choice.evidence) == choice.n_clusters
