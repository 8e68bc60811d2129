"""Checks of lesson 2: purity, entropy, NMI, Fowlkes-Mallows, ARI, a disagreement.

Every score is called on the partitions of `PROBES`.
"""

import math

import numpy as np
from scipy.optimize import linear_sum_assignment
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
    "below chance": ([0, 0, 1, 1, 1], [2, 3, 2, 3, 3]),
}

LOG_ZERO = "Count 0 · log 0 as 0: leave out zeros before you take the logarithm."

COMPARED = "You compare labels, not partitions: the names of clusters are arbitrary."


LABELS = (
    "Labels may be words or -1: count them with np.unique or the contingency table."
)


def _call_score(function, *arguments, where, advice=LABELS, what="one number"):
    """The float that a student's function gives; NaN if it divides by or logs zero."""
    try:
        value = call_function(function, *map(np.array, arguments))
    except ZeroDivisionError:
        return math.nan
    except (ValueError, TypeError, IndexError, KeyError) as error:
        # What math.log says of zero depends on the version of Python
        if "math domain" in str(error) or "positive input" in str(error):
            return math.nan
        if "NoneType" in str(error):
            advice = "Does it call a function that still returns None?"
        raise NotYet(
            f"{describe_error(error)} It happened {where}. {advice}"
        ) from error
    return as_number(value, what)


def _compare_score(function, score, find_mistakes, undefined):
    """Return a right score's values on the probes; else raise NotYet.

    find_mistakes(table): {message: the score with this mistake}. undefined(table): the
    message for NaN, or None if NaN has no usual reason there.
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
    everywhere = [name for name in PROBES if math.isfinite(values[name])]
    finite = [name for name in wrong if name in everywhere]
    # A mistake that fits all probes is likelier than one that fits the wrong ones
    for names in (everywhere, finite) if finite else ():
        found = [values[name] for name in names]
        with np.errstate(all="ignore"):
            per_probe = [
                {COMPARED: equal[name]} | find_mistakes(tables[name]) for name in names
            ]
        if said := _find_mistake(found, per_probe):
            raise NotYet(said)
    first = (finite or wrong)[0]
    table, value, right = (found[first] for found in (tables, values, expected))
    if not finite:
        said = undefined(table)
        where = f"For the contingency table {table.tolist()}, your score is "
        raise NotYet(said or f"{where}not a number: is it 0 / 0, or √ of less than 0?")
    for digits in range(1, 5):
        rounded = [round(expected[name], digits) for name in everywhere]
        if same_numbers([values[name] for name in everywhere], rounded):
            raise NotYet("Your score is rounded: return it with all its digits.")
    true_labels, cluster_labels = map(np.array, PROBES[finite[0]])
    renamed = 30 - 7 * np.unique(cluster_labels, return_inverse=True)[1]
    after = _call_score(function, true_labels, renamed, where="with other labels")
    if not same_numbers(value, after):
        raise NotYet(f"Your score changes when clusters are only renamed. {COMPARED}")
    raise NotYet(
        f"For the contingency table {table.tolist()}, you give {value:.4f}; right is "
        f"{right:.4f}."
    )


def _find_mistake(values, per_probe):
    """The mistake that explains all values; per_probe: {message: value or values}."""
    mistakes = {}
    for message in per_probe[0]:
        variants = [np.atleast_1d(one[message]) for one in per_probe]
        mistakes[message] = tuple(map(list, zip(*variants, strict=True)))
    return find_mistake(values, mistakes)


def _count_pairs(table, self_pairs=False):
    """Pairs together in both, in a cluster, in a class, and all pairs."""
    groups = (table, table.sum(axis=0), table.sum(axis=1), table.sum())
    return [np.float64((g * (g - (not self_pairs))).sum() / 2) for g in groups]


def _with_selves(groups):
    return (groups * (groups + 1) / 2).sum()


SELF_PAIRS = "Images are paired with themselves: n images make n · (n − 1) / 2 pairs."

TWICE = "Pairs are counted twice (i, j and j, i) in one place, and once in another."

RAND = "This is the Rand index, which also rewards the pairs that are apart in both."


def _purity_mistakes(table):
    right, n = table.max(axis=0).sum(), table.sum()
    return {
        "This is accuracy after a matching: in purity several clusters may have the "
        "same class.": table[linear_sum_assignment(table, maximize=True)].sum() / n,
        "The arguments are swapped, and purity is not symmetric: in every cluster look "
        "for its most frequent class.": table.max(axis=1).sum() / n,
        "This is the mean of the clusters' shares, but a big cluster must weigh more: "
        "add up the counts and divide once.": np.mean(
            table.max(axis=0) / table.sum(axis=0)
        ),
        "Divide by the number of images.": [right, *right / np.array(table.shape)],
        "A share is between 0 and 1, not in per cent.": 100 * right / n,
        "This is the share of the other images: 1 minus purity.": 1 - right / n,
        "With argmax you get the row of the largest count; max is the count.": (
            table.argmax(axis=0).sum() / n
        ),
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
    of_one = information / np.array(choices)
    parentheses = (
        information / (h_true + h_cluster / 2),
        information / (h_cluster + h_true / 2),
        information / (h_true + h_cluster) / 2,
        information / h_true + h_cluster / 2,
    )
    return {
        "Your normaliser is the geometric mean √(H · H), scikit-learn's old default: "
        + asked: information / np.sqrt(h_true * h_cluster),
        f"Your normaliser is one of the two entropies: {asked}": [
            *of_one,
            *np.nan_to_num(of_one, nan=1),  # scikit-learn's for a single cluster
        ],
        f"Your normaliser is the entropy of both, of the cells: {asked}": (
            information / entropy(table, axis=None)
        ),
        "The mean of the two entropies needs its parentheses, (H + H) / 2, and so does "
        "what you divide by it.": parentheses,
        "The entropy of both is subtracted, not added.": (
            (h_true + h_cluster + entropy(table, axis=None)) / (h_true + h_cluster) * 2
        ),
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
    r, c = table.sum(axis=1), table.sum(axis=0)
    return {
        "This is precision · recall: the square root is missing.": index**2,
        SELF_PAIRS: [
            own_both / np.sqrt(own_cluster * own_true),
            _with_selves(table) / np.sqrt(_with_selves(c) * _with_selves(r)),
        ],
        "The denominators are all pairs in a cluster and all in a class, not the wrong "
        "ones alone.": both / np.sqrt((cluster - both) * (true - both)),
        "This is the Jaccard index: take √(precision · recall).": (
            both / (cluster + true - both)
        ),
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
        "The highest value is the mean of A and B, (A + B) / 2.": [
            (both - chance) / (highest - chance)
            for highest in (
                max(cluster, true),
                min(cluster, true),
                cluster + true,
                np.sqrt(cluster * true),
                all_pairs,
            )
        ],
        "N is the number of all pairs of n images, n · (n − 1) / 2.": [
            (both - cluster * true / n) / ((cluster + true) / 2 - cluster * true / n)
            for n in (table.sum(), own_all, 2 * all_pairs)
        ],
        "E need not be a whole number: divide with /, not //.": (
            (both - cluster * true // all_pairs)
            / ((cluster + true) / 2 - cluster * true // all_pairs)
        ),
        "Worse than chance is negative: do not cut it off at 0.": max(
            0, (both - chance) / (highest - chance)
        ),
        "This is the Fowlkes-Mallows index.": (
            both / np.sqrt(cluster * true) if both else 0.0
        ),
    }


@exercise(
    "Purity",
    hint="Which axis of the table runs through one cluster?",
    keep=True,
)
def ex02_1(purity):
    """Write `purity(true_labels, cluster_labels)`.

    It is the share of the images that belong to the most frequent class of their
    cluster.
    """
    return _compare_score(purity, "purity", _purity_mistakes, lambda table: None)


@exercise("Entropy in bits", hint="Take the shares first, then only those above zero.")
def ex02_2(entropy):
    """Write `entropy(counts)`: the entropy, in bits, of a list or table of counts."""
    counts = [[5, 5], [1, 2, 5], [7], [4, 0, 4, 8], [[3, 0, 1], [0, 2, 2]]]
    advice = "The counts may be a table: np.ravel makes one row of it."
    values = []
    for c in counts:
        where = f"for the counts {c}"
        what = f"one number {where}"
        values.append(_call_score(entropy, c, where=where, advice=advice, what=what))
    right = [_entropy_in_bits(c) for c in counts]
    both = zip(values, right, strict=True)
    wrong = [i for i, pair in enumerate(both) if not same_numbers(*pair)]
    if not wrong:
        return [round(value, 6) + 0.0 for value in values]
    finite = [i for i in wrong if math.isfinite(values[i])]
    per_probe = [_entropy_mistakes(counts[i]) for i in finite]
    if finite and (said := _find_mistake([values[i] for i in finite], per_probe)):
        raise NotYet(said)
    if len(finite) < len(wrong):
        raise NotYet(LOG_ZERO)
    first = wrong[0]
    raise NotYet(
        f"For the counts {counts[first]}, you give {values[first]:.4f}; right is "
        f"{right[first]:.4f}."
    )


def _entropy_mistakes(counts):
    """{message: the entropy with this mistake}."""
    right, counts = _entropy_in_bits(counts), np.asarray(counts)
    above_0, n = counts[counts > 0], counts.sum()
    shares = above_0 / n
    nats, no_minus = right * math.log(2), "The minus before the sum is missing"
    per_row = above_0 / len(counts)
    return {
        "This is in nats: for bits the logarithm has base 2.": nats,
        "Your logarithm has base 10: for bits it has base 2.": right * math.log10(2),
        f"{no_minus}: an entropy is never negative.": -right,
        f"{no_minus}, and for bits the logarithm has base 2.": -nats,
        "You used the counts: divide them by their sum first.": [
            sign * (above_0 * log(above_0)).sum()
            for sign in (1, -1)
            for log in (np.log2, np.log)
        ],
        "Divide the counts by their sum, not by how many there are.": (
            -(per_row * np.log2(per_row)).sum()
        ),
        "The logarithm is that of the share, not of the count.": [
            sign * (shares * np.log2(above_0)).sum() for sign in (1, -1)
        ],
        "Each logarithm counts with its share: the terms are p · log₂ p.": [
            sign * np.log2(shares).sum() for sign in (1, -1)
        ],
        "Add up the terms: their mean is smaller.": [
            right / len(shares),
            right / counts.size,
        ],
        "This is the logarithm of the number of groups; they are not of equal size.": (
            np.log2([len(shares), counts.size])
        ),
        "These are the counts already: do not count them again.": _entropy_in_bits(
            np.unique(counts, return_counts=True)[1]
        ),
    }


def _entropy_in_bits(counts):
    return entropy(counts, base=2, axis=None)


@exercise(
    "NMI",
    hint="Your entropy takes class sizes, cluster sizes, or the table.",
    keep=True,
)
def ex02_3(nmi):
    """Write `nmi(true_labels, cluster_labels)`: the normalised mutual information.

    Divide the mutual information by the arithmetic mean of the two entropies.
    """

    def undefined(table):
        if (table == 0).any():
            return LOG_ZERO
        return "With one single cluster you compute 0 / 0: its NMI is 0."

    return _compare_score(nmi, "nmi", _nmi_mistakes, undefined)


@exercise(
    "Fowlkes-Mallows",
    hint="Count pairs in the table's cells and in its sums.",
    keep=True,
)
def ex02_4(fowlkes_mallows):
    """Write `fowlkes_mallows(true_labels, cluster_labels)`.

    It is the geometric mean of the precision and the recall over pairs of images, and
    0.0 where no pair is together.
    """
    score = "fowlkes_mallows"

    def undefined(table):
        if _count_pairs(table)[0] == 0:
            return "Where no pair is together you compute 0 / 0: return 0.0 there."

    return _compare_score(fowlkes_mallows, score, _pair_mistakes, undefined)


@exercise("Adjusted Rand index", hint="Count the four kinds of pairs, then combine.")
def ex02_5(adjusted_rand):
    """Write `adjusted_rand(true_labels, cluster_labels)`: the ARI.

    It compares the number of pairs that are together in both partitions with what
    chance gives.
    """
    return _compare_score(adjusted_rand, "ari", _ari_mistakes, lambda table: None)


@exercise(
    "Two scores disagree",
    hint="Purity forgives splitting a class; scores that count pairs do not.",
)
def ex02_6(clustering_a, clustering_b):
    """Find two clusterings of twelve images on which two scores disagree.

    Purity must prefer A, Fowlkes-Mallows B, and both must have as many clusters. The
    true classes are 0, 1, 2, four images each.
    """
    classes = np.repeat([0, 1, 2], 4)
    labels = [_twelve_labels(given) for given in (clustering_a, clustering_b)]
    found = [metrics.scores(labels_true=classes, labels_pred=one) for one in labels]
    sizes = [len(np.unique(one)) for one in labels]
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


def _twelve_labels(given):
    """The labels as a row; a word gives one letter per dot."""
    try:
        labels = np.array(list(given) if isinstance(given, str) else given)
    except ValueError:  # lists of different lengths
        labels = None
    if labels is None or (
        labels.size != 12
        and len(labels.shape) == 1
        and any(isinstance(one, str | list | tuple) and len(one) > 1 for one in given)
    ):
        raise NotYet(
            "Give 12 labels, one per dot, not the dots of each cluster: dots in the "
            "same cluster have the same label."
        )
    if labels.size != 12:
        raise NotYet(f"Expected 12 labels, one per dot, but got shape {labels.shape}.")
    if labels.dtype.kind in "fO" and any(
        one is None or one != one for one in labels.flat
    ):
        raise NotYet("Every dot needs a label; some are None or NaN.")
    return labels.ravel()
