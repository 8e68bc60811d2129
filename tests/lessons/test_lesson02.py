"""Checks of lesson 2: right, wrong in the usual ways, and untouched answers."""

import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from lesson_answers import answer_tests, check, own_answers  # noqa: F401
from scipy import stats
from sklearn.metrics import (
    adjusted_rand_score,
    fowlkes_mallows_score,
    normalized_mutual_info_score,
    rand_score,
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


RIGHT = [
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
