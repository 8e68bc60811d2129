"""Checks of lesson 2: purity, entropy, NMI, Fowlkes-Mallows, ARI, a disagreement.

Every score is called on the partitions of `PROBES`.
"""

import math

import numpy as np
from scipy.stats import entropy

from course_utils import metrics
from course_utils.lessons.exercises import NotYet, describe_error, exercise
from course_utils.lessons.matching import (
    as_number,
    call_function,
    find_mistake,
    same_numbers,
)


def _random(n_classes, n_clusters, n=60):
    generator = np.random.default_rng(2)
    true_labels = generator.integers(0, n_classes, n)
    others = generator.integers(0, n_clusters, n)
    return true_labels, np.where(generator.random(n) < 0.5, true_labels, others)


# name: (true_labels, cluster_labels); what a student's score gives here is recorded
PROBES = {
    "small": ([0, 0, 0, 1, 1, 2], [1, 1, 0, 0, 0, 2]),
    "words": (list("aaaabbbbcc"), list("xxxyyyzzzz")),
    "noise": ([3, 3, 3, 5, 5, 5, 5, 8], [-1, -1, 0, 0, 0, 0, 7, 7]),
    "few clusters": _random(6, 3),
    "many clusters": _random(3, 9),
    "one cluster": ([0, 0, 0, 1, 1], [4, 4, 4, 4, 4]),
    "singletons": ([0, 0, 0, 1, 1], [5, 6, 7, 8, 9]),
}

LOG_ZERO = "Count 0 · log 0 as 0: leave out zeros before you take the logarithm."

COMPARED = "You compare labels, not partitions: the names of clusters are arbitrary."


def _call_score(function, *arguments, where):
    """The float that a student's function gives; NaN if it divides by or logs zero."""
    try:
        value = call_function(function, *map(np.array, arguments))
    except ZeroDivisionError:
        return math.nan
    except (ValueError, TypeError, IndexError, KeyError) as error:
        # What math.log says of zero depends on the version of Python
        if "math domain" in str(error) or "positive input" in str(error):
            return math.nan
        advice = "Labels may be words or -1: use np.unique or the contingency table."
        if "NoneType" in str(error):
            advice = "Does it call a function that still returns None?"
        raise NotYet(
            f"{describe_error(error)} It happened {where}. {advice}"
        ) from error
    return as_number(value)


def _compare_score(function, score, find_mistakes, undefined):
    """Return a right score's values on the probes; else raise NotYet.

    find_mistakes(table): {message: the score with this mistake}. undefined: the message
    for NaN.
    """
    tables, values, expected, equal = {}, {}, {}, {}
    for name, (true_labels, cluster_labels) in PROBES.items():
        where = f"on the probe “{name}”"
        values[name] = _call_score(function, true_labels, cluster_labels, where=where)
        labels = {"labels_true": true_labels, "labels_pred": cluster_labels}
        tables[name] = metrics.contingency_table(**labels)
        expected[name] = metrics.scores(**labels)[score]
        pairs = zip(map(str, true_labels), map(str, cluster_labels), strict=True)
        equal[name] = np.mean([one == other for one, other in pairs])
    wrong = [name for name in PROBES if not same_numbers(values[name], expected[name])]
    if not wrong:
        return {name: round(value, 6) + 0.0 for name, value in values.items()}
    finite = [name for name in wrong if math.isfinite(values[name])]
    with np.errstate(all="ignore"):
        per_probe = [find_mistakes(tables[name]) for name in finite]
    mistakes = {COMPARED: [equal[name] for name in finite]}
    for message in per_probe[0] if finite else ():
        variants = zip(*[np.atleast_1d(one[message]) for one in per_probe], strict=True)
        mistakes[message] = tuple(map(list, variants))
    if finite and (said := find_mistake([values[n] for n in finite], mistakes)):
        raise NotYet(said)
    if len(finite) < len(wrong):
        raise NotYet(undefined)
    true_labels, cluster_labels = map(np.array, PROBES[wrong[0]])
    renamed = 30 - 7 * np.unique(cluster_labels, return_inverse=True)[1]
    after = _call_score(function, true_labels, renamed, where="with other labels")
    if not same_numbers(values[wrong[0]], after):
        raise NotYet(f"Your score changes when clusters are only renamed. {COMPARED}")
    table, value, right = (found[wrong[0]] for found in (tables, values, expected))
    raise NotYet(
        f"For the contingency table {table.tolist()}, you give {value:.4f}; right is "
        f"{right:.4f}."
    )


def _count_pairs(table, self_pairs=False):
    """Pairs together in both, in a cluster, in a class, and all pairs."""
    groups = (table, table.sum(axis=0), table.sum(axis=1), table.sum())
    return [np.float64((g * (g - (not self_pairs))).sum() / 2) for g in groups]


SELF_PAIRS = "Images are paired with themselves: n images make n · (n − 1) / 2 pairs."

TWICE = "Pairs are counted twice (i, j and j, i) in one place, and once in another."

RAND = "This is the Rand index, which also rewards the pairs that are apart in both."


def _purity_mistakes(table):
    right, n = table.max(axis=0).sum(), table.sum()
    return {
        "The arguments are swapped, and purity is not symmetric: in every cluster look "
        "for its most frequent class.": table.max(axis=1).sum() / n,
        "This is the mean of the clusters' shares, but a big cluster must weigh more: "
        "add up the counts and divide once.": np.mean(
            table.max(axis=0) / table.sum(axis=0)
        ),
        "Divide by the number of images.": [right, right / table.shape[1]],
        "The operator // is integer division and cuts the share to 0 or 1: use /.": (
            right // n
        ),
        "You took one maximum: every cluster has its own.": table.max() / n,
    }


def _nmi_mistakes(table):
    h_true, h_cluster = entropy(table.sum(axis=1)), entropy(table.sum(axis=0))
    information = h_true + h_cluster - entropy(table, axis=None)
    nmi = information / ((h_true + h_cluster) / 2)
    asked = "use the arithmetic mean of the two, (H + H) / 2."
    bases = math.log(2), math.log(10), math.log2(10)
    choices = min(h_true, h_cluster), max(h_true, h_cluster), h_true, h_cluster
    return {
        "Your normaliser is the geometric mean √(H · H), scikit-learn's old default: "
        + asked: information / np.sqrt(h_true * h_cluster),
        f"Your normaliser is one of the two entropies: {asked}": information
        / np.array(choices),
        "You give exactly half, because your normaliser is the sum of the entropies: "
        + asked: nmi / 2,
        "The sign is wrong: there is a minus too many or too few.": -nmi,
        "The mutual information is not normalised.": [
            information,
            information / math.log(2),
        ],
        "The bases of the logarithms are mixed. NMI allows any base, if the entropies "
        "and the mutual information have the same.": [
            value for base in bases for value in (nmi * base, nmi / base)
        ],
    }


def _pair_mistakes(table):
    both, cluster, true, all_pairs = _count_pairs(table)
    precision, recall = both / cluster, both / true
    index = np.sqrt(precision * recall)
    own_both, own_cluster, own_true, _ = _count_pairs(table, self_pairs=True)
    return {
        "This is precision · recall: the square root is missing.": index**2,
        SELF_PAIRS: own_both / np.sqrt(own_cluster * own_true),
        TWICE: index * np.array([2, 0.5, np.sqrt(2), np.sqrt(0.5)]),
        "This is another mean of precision and recall: take √(precision · recall).": [
            (precision + recall) / 2,
            2 * both / (cluster + true),
        ],
        "This is precision or recall alone.": [precision, recall],
        RAND: (all_pairs + 2 * both - cluster - true) / all_pairs,
    }


def _ari_mistakes(table):
    both, cluster, true, all_pairs = _count_pairs(table)
    chance, highest = cluster * true / all_pairs, (cluster + true) / 2
    own_both, own_cluster, own_true, own_all = _count_pairs(table, self_pairs=True)
    own = own_cluster * own_true / own_all
    return {
        RAND: (all_pairs + 2 * both - cluster - true) / all_pairs,
        "What chance gives, E, is not subtracted.": both / highest,
        "Subtract E in the denominator too.": (both - chance) / highest,
        SELF_PAIRS: (own_both - own) / ((own_cluster + own_true) / 2 - own),
        "The highest value is the mean of A and B, not the larger or smaller.": [
            (both - chance) / (max(cluster, true) - chance),
            (both - chance) / (min(cluster, true) - chance),
        ],
    }


@exercise("Purity", hint="Which axis of the table runs through one cluster?")
def ex02_1(purity):
    """Write `purity(true_labels, cluster_labels)`.

    It is the share of the images that belong to the most frequent class of their
    cluster.
    """
    undefined = "Your score is not a number."
    return _compare_score(purity, "purity", _purity_mistakes, undefined)


@exercise("Entropy in bits", hint="Take the shares first, then only those above zero.")
def ex02_2(entropy):
    """Write `entropy(counts)`: the entropy, in bits, of a list or table of counts."""
    counts = [[5, 5], [1, 2, 5], [7], [4, 0, 4, 8], [[3, 0, 1], [0, 2, 2]]]
    values = [_call_score(entropy, c, where=f"for the counts {c}") for c in counts]
    right = [_entropy_in_bits(c) for c in counts]
    both = zip(values, right, strict=True)
    wrong = [i for i, pair in enumerate(both) if not same_numbers(*pair)]
    if not wrong:
        return [round(value, 6) + 0.0 for value in values]
    finite = [i for i in wrong if math.isfinite(values[i])]
    factors = {
        "This is in nats: for bits the logarithm has base 2.": math.log(2),
        "Your logarithm has base 10: for bits it has base 2.": math.log10(2),
        "The minus before the sum is missing: an entropy is never negative.": -1,
    }
    mistakes = {
        message: [factor * right[i] for i in finite]
        for message, factor in factors.items()
    }
    if finite and (said := find_mistake([values[i] for i in finite], mistakes)):
        raise NotYet(said)
    if len(finite) < len(wrong):
        raise NotYet(LOG_ZERO)
    if same_numbers(abs(values[0]), 10 * math.log2(5)):
        raise NotYet("You used the counts: divide them by their sum first.")
    first = wrong[0]
    raise NotYet(
        f"For the counts {counts[first]}, you give {values[first]:.4f}; right is "
        f"{right[first]:.4f}."
    )


def _entropy_in_bits(counts):
    return entropy(counts, base=2, axis=None)


@exercise("NMI", hint="Your entropy takes class sizes, cluster sizes, or the table.")
def ex02_3(nmi):
    """Write `nmi(true_labels, cluster_labels)`: the normalised mutual information.

    Divide the mutual information by the arithmetic mean of the two entropies.
    """
    return _compare_score(nmi, "nmi", _nmi_mistakes, LOG_ZERO)


@exercise("Fowlkes-Mallows", hint="Count pairs in the table's cells and in its sums.")
def ex02_4(fowlkes_mallows):
    """Write `fowlkes_mallows(true_labels, cluster_labels)`.

    It is the geometric mean of the precision and the recall over pairs of images, and
    0.0 where no pair is together.
    """
    undefined = "Where no pair is together you compute 0 / 0: return 0.0 there."
    score = "fowlkes_mallows"
    return _compare_score(fowlkes_mallows, score, _pair_mistakes, undefined)


@exercise("Adjusted Rand index", hint="Count the four kinds of pairs, then combine.")
def ex02_5(adjusted_rand):
    """Write `adjusted_rand(true_labels, cluster_labels)`: the ARI.

    It compares the number of pairs that are together in both partitions with what
    chance gives.
    """
    undefined = "Your score is not a number."
    return _compare_score(adjusted_rand, "ari", _ari_mistakes, undefined)


@exercise(
    "Two scores disagree",
    hint="Purity forgives splitting a class; scores that count pairs do not.",
)
def ex02_6(clustering_a, clustering_b):
    """Find two clusterings of twelve images on which two scores disagree.

    Purity must prefer A, Fowlkes-Mallows B, and both must have as many clusters. The
    true classes are 0, 1, 2, four images each.
    """
    found = []
    for given in (clustering_a, clustering_b):
        if np.shape(given) != (12,):
            raise NotYet(
                f"Expected 12 labels, one per dot, but got shape {np.shape(given)}."
            )
        classes = np.repeat([0, 1, 2], 4)
        found.append(metrics.scores(labels_true=classes, labels_pred=given))
    sizes = len(np.unique(clustering_a)), len(np.unique(clustering_b))
    if sizes[0] != sizes[1]:
        raise NotYet(
            "A has {} clusters and B has {}: use the same number.".format(*sizes)
        )
    a, b = found
    for score, better, worse in (("purity", a, b), ("fowlkes_mallows", b, a)):
        if better[score] <= worse[score] + 1e-9:
            raise NotYet(
                f"Choose them so that {'A' if better is a else 'B'} has the higher "
                f"{score}; now it is {a[score]:.3f} for A and {b[score]:.3f} for B."
            )
    return {score: [round(a[score], 6), round(b[score], 6)] for score in metrics.SCORES}
