"""Checks of lesson 2: right, wrong in the usual ways, and untouched answers."""

import json
import math

import numpy as np
import pytest
from sklearn.metrics import (
    adjusted_rand_score,
    fowlkes_mallows_score,
    normalized_mutual_info_score,
    rand_score,
)
from sklearn.metrics.cluster import contingency_matrix as table_of

from course_utils import metrics
from course_utils.lessons import exercises, lesson02

EXERCISES = [f"ex02_{number}" for number in range(1, 7)]


@pytest.fixture(autouse=True)
def own_answers(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path))
    exercises.begin("02_scoring_a_clustering")
    return tmp_path / "02_scoring_a_clustering.json"


def outcome(name, *answers):
    verdict = getattr(exercises, name)(*answers)
    return verdict.state, verdict.message


def rejected(name, answer, *words):
    state, message = outcome(name, answer)
    assert state == "not right yet", message
    for word in words:
        assert word in message, message


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


@pytest.mark.parametrize("name", EXERCISES)
def test_untouched(name):
    n_answers = 2 if name == "ex02_6" else 1
    assert outcome(name, *[None] * n_answers)[0] == "not attempted yet"
    if n_answers == 1:
        assert outcome(name, lambda *labels: None)[0] == "not attempted yet"
        assert outcome(name, lambda *labels: ...)[0] == "not attempted yet"


RIGHT = {
    "ex02_1": (purity, loop_purity),
    "ex02_2": (bits, lambda counts: [float(bits(counts))]),
    "ex02_3": (
        normalized_mutual_info_score,
        normalised(arithmetic),
        normalised(arithmetic, nats, nats),
    ),
    "ex02_4": (fowlkes_mallows_score, combined(root)),
    "ex02_5": (adjusted_rand_score, adjusted()),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_and_recorded(name, own_answers):
    for answer in RIGHT[name]:
        assert outcome(name, answer) == ("right", "")
    value = json.loads(own_answers.read_text("utf-8"))[name]["value"]
    assert np.isfinite(list(value.values() if isinstance(value, dict) else value)).all()


@pytest.mark.parametrize("name", ["ex02_1", "ex02_3", "ex02_4"])
def test_recorded_values_are_the_scores_of_the_probes(name, own_answers):
    outcome(name, RIGHT[name][0])
    value = json.loads(own_answers.read_text("utf-8"))[name]["value"]
    score = {"1": metrics.purity, "3": metrics.nmi, "4": metrics.fowlkes_mallows}[
        name[-1]
    ]
    expected = {
        probe: score(labels_true=true, labels_pred=cluster)
        for probe, (true, cluster) in lesson02.PROBES.items()
    }
    assert value == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["ex02_1", "ex02_3", "ex02_4", "ex02_5"])
def test_wrong_in_ways_common_to_all_scores(name):
    rejected(name, compared, "labels, not partitions")
    rejected(name, 0.5, "function itself")
    rejected(name, lambda t, c: "high", "return one number")
    rejected(name, lambda t, c: t, "return one number")
    rejected(name, lambda t, c: 0.123, "right is")
    rejected(name, lambda t, c: None + 1, "still returns None")
    rejected(name, lambda t: 1.0, "TypeError")


def test_score_that_changes_with_the_names():
    rejected("ex02_1", lambda t, c: len(str(c.tolist())) / 1000, "only renamed")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda t, c: purity(c, t), "swapped"),
        (lambda t, c: (lambda m: (m.max(0) / m.sum(0)).mean())(table_of(t, c)), "mean"),
        (lambda t, c: purity(t, c) * len(t), "number of pictures"),
        (lambda t, c: table_of(t, c).max(0).sum() // len(t), "integer division"),
        (lambda t, c: table_of(t, c).max() / len(t), "maximum of its own"),
        (lambda t, c: table_of(t, c).max(axis=0).mean(), "number of pictures"),
        (in_range_only, "words or -1"),
    ],
)
def test_wrong_purity(wrong, words):
    rejected("ex02_1", wrong, words)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (nats, "nats"),
        (lambda counts: bits(counts, np.log10), "base 10"),
        (lambda counts: -bits(counts), "minus"),
        (lambda counts: bits(counts, zero=True), "0 · log 0"),
        (lambda counts: sum(-p * math.log2(p) for p in (counts / counts.sum()).flat),
         "0 · log 0"),
        (lambda counts: sum(-c * np.log2(c) for c in counts[counts > 0]), "counts"),
        (lambda counts: 2 * bits(counts), "not"),
        (2.0, "function itself"),
    ],
)  # fmt: skip
def test_wrong_entropy(wrong, words):
    rejected("ex02_2", wrong, words)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (normalised(arithmetic, nats, bits), "bases"),
        (normalised(arithmetic, bits, nats), "bases"),
        (normalised(arithmetic, bits, lambda c: bits(c, np.log10)), "bases"),
        (normalised(lambda h, g: np.sqrt(h * g)), "geometric"),
        (normalised(max), "one of the two entropies"),
        (normalised(lambda h, g: h), "one of the two entropies"),
        (normalised(lambda h, g: g), "one of the two entropies"),
        (normalised(lambda h, g: h + g), "half"),
        (normalised(lambda h, g: 1), "not normalised"),
        (normalised(lambda h, g: 1, nats), "not normalised"),
        (normalised(lambda h, g: -(h + g) / 2), "sign"),
        (normalised(arithmetic, lambda c: bits(c, zero=True)), "0 · log 0"),
    ],
)
def test_wrong_nmi(wrong, words):
    rejected("ex02_3", wrong, words)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (combined(lambda p, r: p * r), "square root"),
        (combined(root, squares, squares), "themselves"),
        (combined(root, lambda s: 2 * pairs(s)), "twice"),
        (combined(root, pairs, lambda s: 2 * pairs(s)), "twice"),
        (combined(lambda p, r: math.sqrt(2 * p * r)), "twice"),
        (combined(arithmetic), "another mean"),
        (combined(lambda p, r: 2 * p * r / (p + r)), "another mean"),
        (combined(lambda p, r: p), "alone"),
        (combined(lambda p, r: r), "alone"),
        (rand_score, "Rand index"),
        (lambda t, c: combined(root)(t, c) or math.nan, "0 / 0"),
        (lambda t, c: combined(root)(t, c) or 1 / 0, "0 / 0"),
    ],
)
def test_wrong_fowlkes_mallows(wrong, words):
    rejected("ex02_4", wrong, words)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (rand_score, "Rand index"),
        (adjusted(expected=False), "not subtracted"),
        (adjusted(squares), "themselves"),
        (adjusted(highest=max), "mean of A and B"),
        (adjusted(highest=min), "mean of A and B"),
    ],
)
def test_wrong_ari(wrong, words):
    rejected("ex02_5", wrong, words)


A = [0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 2]
B = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3]


@pytest.mark.parametrize("kind", [list, np.array, tuple])
def test_disagreement(kind):
    assert outcome("ex02_6", kind(A), kind(B)) == ("right", "")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ((B, A), "purity must prefer A"),
        ((A, A), "purity must prefer A"),
        ((np.repeat([0, 1, 2], 4), np.repeat([0, 1, 1, 2], 3)), "fowlkes_mallows"),
        ((range(12), B), "use as many"),
        ((A[:-1], B), "12 labels"),
    ],
)
def test_no_disagreement(answers, words):
    state, message = outcome("ex02_6", *answers)
    assert state == "not right yet" and words in message, message
