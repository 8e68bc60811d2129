"""Checks of lesson 2: right, wrong in the usual ways, and untouched answers."""

import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from lesson_answers import answer_tests, check, own_answers  # noqa: F401
from scipy import stats
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import (
    adjusted_rand_score,
    completeness_score,
    fowlkes_mallows_score,
    homogeneity_score,
    normalized_mutual_info_score,
    rand_score,
    v_measure_score,
)
from sklearn.metrics.cluster import contingency_matrix as table_of

from course_utils import metrics
from course_utils.lessons import exercises, lesson02


def bits(counts, log=np.log2, zero=False):
    shares = np.asarray(counts) / np.sum(counts)
    shares = shares.ravel() if zero else shares[shares > 0]
    return -(shares * log(shares)).sum()


def information(table, entropy=bits):
    both = entropy(table)
    return entropy(table.sum(axis=1)) + entropy(table.sum(axis=0)) - both


def normalised(mean, above=bits, below=bits):
    def nmi(true_labels, cluster_labels):
        t = table_of(true_labels, cluster_labels)
        entropies = below(t.sum(axis=1)), below(t.sum(axis=0))
        return information(t, above) / mean(*entropies)

    return nmi


def arithmetic(one, other):
    return (one + other) / 2


def nats(counts):
    return bits(counts, np.log)


def pairs(sizes):
    return (sizes * (sizes - 1) / 2).sum()


def combined(combine, in_both=pairs, in_one=pairs):
    """A score from pairs together in both, in a cluster, in a class; 0.0 for 0 / 0."""

    def score(true_labels, cluster_labels):
        t = table_of(true_labels, cluster_labels)
        both = in_both(t)
        if both == 0:
            return 0.0
        return combine(both / in_one(t.sum(axis=0)), both / in_one(t.sum(axis=1)))

    return score


def root(precision, recall):
    return math.sqrt(precision * recall)


def squares(sizes):
    return (sizes**2).sum()


def adjusted(count=pairs, expected=True, highest=arithmetic):
    def ari(true_labels, cluster_labels):
        t = table_of(true_labels, cluster_labels)
        both, cluster = count(t), count(t.sum(axis=0))
        true, everything = count(t.sum(axis=1)), count(np.array([t.sum()]))
        chance = cluster * true / everything * expected
        with np.errstate(all="ignore"):
            return (both - chance) / np.float64(highest(cluster, true) - chance)

    return ari


def purity(true_labels, cluster_labels):
    t = table_of(true_labels, cluster_labels)
    return t.max(axis=0).sum() / t.sum()


def loop_purity(true_labels, cluster_labels):
    """Pure Python, as a beginner would: lists, dictionaries, an int at the end."""
    clusters = {}
    for true, cluster in zip(true_labels, cluster_labels, strict=True):
        clusters.setdefault(cluster, []).append(true)
    right = sum(max(map(m.count, m)) for m in clusters.values())
    return np.array([right / len(true_labels)])


def in_range_only(true_labels, cluster_labels):
    counts = np.zeros((10, 10))
    for true, cluster in zip(true_labels, cluster_labels, strict=True):
        counts[true, cluster] += 1
    return counts.max(axis=0).sum() / counts.sum()


def compared(true_labels, cluster_labels):
    pairs = zip(true_labels, cluster_labels, strict=True)
    return sum(str(one) == str(other) for one, other in pairs) / len(true_labels)


A = [0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 2]
B = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3]


def purity_by_table(true_labels, cluster_labels):
    table = pd.crosstab(true_labels, cluster_labels)
    return table.max().sum() / table.to_numpy().sum()


def pairs_by_loop(true_labels, cluster_labels):
    """How many pairs are together in both, in a class, in a cluster; all pairs."""
    together = [
        (true_labels[i] == true_labels[j], cluster_labels[i] == cluster_labels[j])
        for i, j in combinations(range(len(true_labels)), 2)
    ]
    both = sum(one and other for one, other in together)
    return both, *np.sum(together, axis=0), len(together)


def fowlkes_mallows_by_loop(true_labels, cluster_labels):
    both, true, cluster, _ = pairs_by_loop(true_labels, cluster_labels)
    return both / math.sqrt(true * cluster) if both else 0


def ari_by_loop(true_labels, cluster_labels):
    both, true, cluster, everything = pairs_by_loop(true_labels, cluster_labels)
    chance = true * cluster / everything
    return [(both - chance) / ((true + cluster) / 2 - chance)]


def purity_by_group(true_labels, cluster_labels):
    table = pd.DataFrame({"true": true_labels, "cluster": cluster_labels})
    largest = table.groupby("cluster").true.agg(lambda t: t.value_counts().iloc[0])
    return largest.sum() / len(table)


def matched_accuracy(true_labels, cluster_labels):
    t = table_of(true_labels, cluster_labels)
    return t[linear_sum_assignment(t, maximize=True)].sum() / t.sum()


def entropy_of_counted(labels):
    return stats.entropy(np.unique(labels, return_counts=True)[1])


def nmi_of_labels(true_labels, cluster_labels):
    """With nats, and words for the groups of both."""
    both = [f"{t} {c}" for t, c in zip(true_labels, cluster_labels, strict=True)]
    found = [entropy_of_counted(x) for x in (true_labels, cluster_labels, both)]
    return 2 * (found[0] + found[1] - found[2]) / (found[0] + found[1])


def from_entropies(combine):
    """A score from H(class), H(cluster) and H(both)."""

    def nmi(true_labels, cluster_labels):
        t = table_of(true_labels, cluster_labels)
        found = map(bits, (t.sum(axis=1), t.sum(axis=0), t))
        with np.errstate(all="ignore"):
            return combine(*map(np.float64, found))

    return nmi


def counted(combine):
    """A score from S, A, B and N."""

    def score(true_labels, cluster_labels):
        both, true, cluster, every = map(
            np.float64, pairs_by_loop(true_labels, cluster_labels)
        )
        with np.errstate(all="ignore"):
            return combine(both, cluster, true, every)

    return score


def ari_with(expected, highest=arithmetic):
    return counted(
        lambda s, a, b, n: (s - expected(a, b, n)) / (highest(a, b) - expected(a, b, n))
    )


def above_0(counts):
    counts = np.ravel(counts)
    return counts[counts > 0]


RIGHT = [
    ("ex02_1", purity_by_group),
    ("ex02_1", lambda t, c: sum(max(column) for column in table_of(t, c).T) / len(t)),
    (
        "ex02_2",
        lambda c: np.log2(c.sum()) - (above_0(c) * np.log2(above_0(c))).sum() / c.sum(),
    ),
    ("ex02_2", lambda c: -np.nansum(c / c.sum() * np.log2(c / c.sum()))),
    ("ex02_2", lambda c: -np.sum(c / c.sum() * np.log2(c / c.sum() + 1e-12))),
    ("ex02_3", v_measure_score),
    ("ex02_3", nmi_of_labels),
    ("ex02_3", from_entropies(lambda h, g, both: 2 * (1 - both / (h + g)))),
    (
        "ex02_4",
        lambda t, c: float(
            np.nan_to_num(counted(lambda s, a, b, n: s / np.sqrt(a * b))(t, c))
        ),
    ),
    ("ex02_4", combined(lambda p, r: stats.gmean([p, r]))),
    ("ex02_5", ari_with(lambda a, b, n: a * b / n)),
    ("ex02_6", "aabbcccddddc", "aaaaaaaabbcd"),
    ("ex02_6", list("aabbcccddddc"), pd.Series(B)),
    ("ex02_6", np.array(A)[:, None], np.array(B) * 1.0),
    ("ex02_1", purity),
    ("ex02_1", loop_purity),
    ("ex02_2", bits),
    ("ex02_2", lambda counts: [float(bits(counts))]),
    ("ex02_3", normalized_mutual_info_score),
    ("ex02_3", normalised(arithmetic)),
    ("ex02_3", normalised(arithmetic, nats, nats)),
    ("ex02_4", fowlkes_mallows_score),
    ("ex02_4", combined(root)),
    ("ex02_5", adjusted_rand_score),
    ("ex02_5", adjusted()),
    ("ex02_6", A, B),
    ("ex02_6", np.array(A), np.array(B)),
    ("ex02_6", tuple(A), tuple(B)),
    ("ex02_1", purity_by_table),
    ("ex02_2", lambda counts: stats.entropy(np.ravel(counts), base=2)),
    ("ex02_4", fowlkes_mallows_by_loop),
    ("ex02_5", ari_by_loop),
]
WRONG = [
    ("ex02_1", matched_accuracy, "after a matching"),
    ("ex02_1", lambda t, c: 100 * purity(t, c), "per cent"),
    ("ex02_1", lambda t, c: 1 - purity(t, c), "1 minus purity"),
    ("ex02_1", lambda t, c: table_of(t, c).argmax(axis=0).sum() / len(t), "argmax"),
    (
        "ex02_1",
        lambda t, c: table_of(t, c).max(axis=0).sum() / len(np.unique(t)),
        "number of images",
    ),
    ("ex02_1", lambda t, c: round(float(purity(t, c)), 3), "rounded"),
    ("ex02_2", lambda c: -np.log2(above_0(c) / c.sum()).sum(), "p · log₂ p"),
    ("ex02_2", lambda c: bits(c) / np.size(c), "mean is smaller"),
    ("ex02_2", lambda c: np.log2(len(above_0(c))), "number of groups"),
    (
        "ex02_2",
        lambda c: -(above_0(c) / len(c) * np.log2(above_0(c) / len(c))).sum(),
        "not by how many",
    ),
    (
        "ex02_2",
        lambda c: -(above_0(c) / c.sum() * np.log2(above_0(c))).sum(),
        "not of the count",
    ),
    ("ex02_2", lambda c: -nats(c), ("minus", "base 2")),
    ("ex02_2", lambda c: entropy_of_counted(c) / np.log(2), "not count them again"),
    ("ex02_2", lambda c: stats.entropy(c, base=2), "[[3, 0, 1], [0, 2, 2]]"),
    (
        "ex02_2",
        lambda c: -sum(x / sum(c) * math.log2(x / sum(c)) for x in c if x > 0),
        ("ValueError", "np.ravel"),
    ),
    ("ex02_3", homogeneity_score, "one of the two entropies"),
    ("ex02_3", completeness_score, "one of the two entropies"),
    (
        "ex02_3",
        from_entropies(lambda h, g, both: (h + g - both) / both),
        "entropy of both",
    ),
    (
        "ex02_3",
        from_entropies(lambda h, g, both: (h + g - both) / (h + g / 2)),
        "parentheses",
    ),
    (
        "ex02_3",
        from_entropies(lambda h, g, both: (h + g - both) / (h + g) / 2),
        "parentheses",
    ),
    (
        "ex02_3",
        from_entropies(lambda h, g, both: (h + g + both) / ((h + g) / 2)),
        "subtracted, not added",
    ),
    (
        "ex02_3",
        from_entropies(
            lambda h, g, both: stats.hmean([(h + g - both) / h, (h + g - both) / g])
        ),
        "single cluster",
    ),
    ("ex02_4", counted(lambda s, a, b, n: s / (a + b - s)), "Jaccard"),
    (
        "ex02_4",
        counted(lambda s, a, b, n: s / np.sqrt((a - s) * (b - s))),
        "not the wrong ones alone",
    ),
    (
        "ex02_4",
        combined(
            root, lambda m: (m * (m + 1) / 2).sum(), lambda m: (m * (m + 1) / 2).sum()
        ),
        "themselves",
    ),
    (
        "ex02_4",
        combined(
            lambda p, r: np.sqrt(p * r),
            lambda m: (m * m - 1).sum(),
            lambda m: (m * m - 1).sum(),
        ),
        "right is",
    ),
    ("ex02_5", ari_with(lambda a, b, n: a * b // n), "//"),
    ("ex02_5", ari_with(lambda a, b, n: a * b / n, lambda a, b: a + b), "(A + B) / 2"),
    ("ex02_5", ari_with(lambda a, b, n: a * b / n / 2), "number of all pairs"),
    (
        "ex02_5",
        lambda t, c: counted(
            lambda s, a, b, n: (s - a * b / len(t)) / ((a + b) / 2 - a * b / len(t))
        )(t, c),
        "number of all pairs",
    ),
    ("ex02_5", lambda t, c: max(0, adjusted_rand_score(t, c)), "is negative"),
    ("ex02_5", fowlkes_mallows_score, "Fowlkes-Mallows"),
    ("ex02_5", lambda t, c: math.nan, "not a number"),
    ("ex02_6", [[0, 1], [2, 3], [4, 5, 6, 11], [7, 8, 9, 10]], B, "dots of each"),
    ("ex02_6", ["●●", "●●", "■■■▲", "■▲▲▲"], ["●●●●■■■■", "▲▲", "▲", "▲"], "dots of"),
    ("ex02_6", [math.nan] * 12, B, "None or NaN"),
    ("ex02_6", [None] * 12, B, "None or NaN"),
    ("ex02_6", 4, B, "12 labels"),
    ("ex02_1", lambda t, c: purity(c, t), "swapped"),
    (
        "ex02_1",
        lambda t, c: (lambda m: (m.max(0) / m.sum(0)).mean())(table_of(t, c)),
        "mean",
    ),
    ("ex02_1", lambda t, c: purity(t, c) * len(t), "number of images"),
    ("ex02_1", lambda t, c: table_of(t, c).max(0).sum() // len(t), "integer division"),
    ("ex02_1", lambda t, c: table_of(t, c).max() / len(t), "every cluster has its own"),
    ("ex02_1", lambda t, c: table_of(t, c).max(axis=0).mean(), "number of images"),
    ("ex02_1", in_range_only, ("IndexError", "words or -1")),
    ("ex02_2", nats, "nats"),
    ("ex02_2", lambda counts: bits(counts, np.log10), "base 10"),
    ("ex02_2", lambda counts: -bits(counts), "minus"),
    ("ex02_2", lambda counts: bits(counts, zero=True), "0 · log 0"),
    (
        "ex02_2",
        lambda counts: sum(-p * math.log2(p) for p in (counts / counts.sum()).flat),
        "0 · log 0",
    ),
    (
        "ex02_2",
        lambda counts: sum(-c * np.log2(c) for c in counts[counts > 0]),
        "counts",
    ),
    ("ex02_2", lambda counts: 2 * bits(counts), "right is"),
    ("ex02_2", 2.0, "function itself"),
    ("ex02_3", normalised(arithmetic, nats, bits), "bases"),
    ("ex02_3", normalised(arithmetic, bits, nats), "bases"),
    ("ex02_3", normalised(arithmetic, bits, lambda c: bits(c, np.log10)), "bases"),
    ("ex02_3", normalised(lambda h, g: np.sqrt(h * g)), "geometric"),
    ("ex02_3", normalised(max), "one of the two entropies"),
    ("ex02_3", normalised(lambda h, g: h), "one of the two entropies"),
    ("ex02_3", normalised(lambda h, g: g), "one of the two entropies"),
    ("ex02_3", normalised(lambda h, g: h + g), "half"),
    ("ex02_3", normalised(lambda h, g: 1), "not normalised"),
    ("ex02_3", normalised(lambda h, g: 1, nats), "not normalised"),
    ("ex02_3", normalised(lambda h, g: -(h + g) / 2), "sign"),
    ("ex02_3", normalised(arithmetic, lambda c: bits(c, zero=True)), "0 · log 0"),
    ("ex02_4", combined(lambda p, r: p * r), "square root"),
    ("ex02_4", combined(root, squares, squares), "themselves"),
    ("ex02_4", combined(root, lambda s: 2 * pairs(s)), "twice"),
    ("ex02_4", combined(root, pairs, lambda s: 2 * pairs(s)), "twice"),
    ("ex02_4", combined(lambda p, r: math.sqrt(2 * p * r)), "twice"),
    ("ex02_4", combined(arithmetic), "another mean"),
    ("ex02_4", combined(lambda p, r: 2 * p * r / (p + r)), "another mean"),
    ("ex02_4", combined(lambda p, r: p), "alone"),
    ("ex02_4", combined(lambda p, r: r), "alone"),
    ("ex02_4", rand_score, "Rand index"),
    ("ex02_4", lambda t, c: combined(root)(t, c) or math.nan, "0 / 0"),
    ("ex02_4", lambda t, c: combined(root)(t, c) or 1 / 0, "0 / 0"),
    ("ex02_5", rand_score, "Rand index"),
    ("ex02_5", adjusted(expected=False), "not subtracted"),
    ("ex02_5", adjusted(squares), "themselves"),
    ("ex02_5", adjusted(highest=max), "mean of A and B"),
    ("ex02_5", adjusted(highest=min), "mean of A and B"),
    ("ex02_6", B, A, "A has the higher purity"),
    ("ex02_6", A, A, "A has the higher purity"),
    (
        "ex02_6",
        np.repeat([0, 1, 2], 4),
        np.repeat([0, 1, 1, 2], 3),
        "B has the higher fowlkes_mallows",
    ),
    ("ex02_6", range(12), B, "use the same number"),
    ("ex02_6", A[:-1], B, "12 labels"),
    ("ex02_1", lambda t, c: len(str(c.tolist())) / 1000, "only renamed"),
    *[
        (name, answer, words)
        for name in ("ex02_1", "ex02_3", "ex02_4", "ex02_5")
        for answer, words in (
            (compared, "labels, not partitions"),
            (0.5, "function itself"),
            (lambda t, c: "high", "Expected one number, but got 'high'"),
            (lambda t, c: t, "Expected one number, but got 6 numbers"),
            (lambda t, c: 0.123, "right is"),
            (lambda t, c: None + 1, ("TypeError", "still returns None")),
            (lambda t: 1.0, "TypeError"),
        )
    ],
]

test_right, test_wrong, test_untouched, test_enough = answer_tests(RIGHT, WRONG)


@pytest.mark.parametrize(
    ("name", "answer"), [row for row in RIGHT if row[0] in ("ex02_2", "ex02_5")]
)
def test_recorded_values_are_finite(name, answer):
    check(name, answer)
    value = exercises.answers()[name]["value"]
    assert np.isfinite(list(value.values() if isinstance(value, dict) else value)).all()


@pytest.mark.parametrize(
    ("name", "answer", "score"),
    [
        ("ex02_1", purity, metrics.purity),
        ("ex02_3", normalized_mutual_info_score, metrics.nmi),
        ("ex02_4", fowlkes_mallows_score, metrics.fowlkes_mallows),
    ],
)
def test_recorded_values_are_the_scores_of_the_probes(name, answer, score):
    check(name, answer)
    value = exercises.answers()[name]["value"]
    expected = {
        probe: score(labels_true=true, labels_pred=cluster)
        for probe, (true, cluster) in lesson02.PROBES.items()
    }
    assert value == pytest.approx(expected, abs=1e-6)
