"""Checks of lesson 2: purity, entropy, NMI, Fowlkes-Mallows, ARI, a disagreement.

Every score is tried on the partitions of `PROBES`. A wrong one is held against the
formulas of the usual mistakes, and the one that gives the same numbers is named.
"""

import math
import warnings

import numpy as np
from scipy.stats import entropy as entropy_of

from course_utils import metrics
from course_utils.lessons.exercises import NotYet, attempted, exercise


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

LOG_ZERO = "0 · log 0 counts as 0: leave zeros out before you take the logarithm."

COMPARED = "you compare labels, not partitions: what a cluster is called is arbitrary."


def _close(a, b):
    return math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-6)


def _call(function, *arguments, where):
    """The float that a student's function gives; NaN if it divides by or logs zero."""
    if not callable(function):
        raise NotYet("give the check the function itself: its name, no parentheses.")
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            value = function(*[np.array(argument) for argument in arguments])
    except ZeroDivisionError:
        return math.nan
    except (ValueError, TypeError, IndexError, KeyError) as error:
        # What math.log says of zero depends on the version of Python
        if "math domain" in str(error) or "positive input" in str(error):
            return math.nan
        advice = "labels may be words or -1: go through np.unique or the table"
        if "NoneType" in str(error):
            advice = "does it call a function that still returns None?"
        name = type(error).__name__
        raise NotYet(f"{where} your code raised {name}: {error}; {advice}") from error
    try:
        (number,) = np.asarray(attempted(value), dtype=float).ravel()
    except (TypeError, ValueError):
        raise NotYet(f"return one number; {where} it is {value!r}.") from None
    return float(number)


def _judge(function, score, mistakes, undefined):
    """A right score's values on the probes; else NotYet with the likely mistake.

    mistakes(table): [(message, what one then gets)]. undefined: the message for NaN.
    """
    tables, values, expected, same = {}, {}, {}, {}
    for name, (true_labels, cluster_labels) in PROBES.items():
        where = f"on the probe “{name}”"
        values[name] = _call(function, true_labels, cluster_labels, where=where)
        labels = {"labels_true": true_labels, "labels_pred": cluster_labels}
        tables[name] = metrics.contingency_table(**labels)
        expected[name] = metrics.scores(**labels)[score]
        pairs = zip(map(str, true_labels), map(str, cluster_labels), strict=True)
        same[name] = np.mean([one == other for one, other in pairs])
    wrong = [name for name in PROBES if not _close(values[name], expected[name])]
    if not wrong:
        return {name: round(value, 6) + 0.0 for name, value in values.items()}
    finite = [name for name in wrong if math.isfinite(values[name])]
    if finite and all(_close(values[name], same[name]) for name in finite):
        raise NotYet(COMPARED)
    with np.errstate(all="ignore"):
        usual = [mistakes(tables[name]) for name in finite]
    for found in zip(*usual, strict=True):
        if all(_close(values[n], f[1]) for n, f in zip(finite, found, strict=True)):
            raise NotYet(found[0][0])
    if len(finite) < len(wrong):
        raise NotYet(undefined)
    true_labels, cluster_labels = map(np.array, PROBES[wrong[0]])
    renamed = 30 - 7 * np.unique(cluster_labels, return_inverse=True)[1]
    after = _call(function, true_labels, renamed, where="after renaming the clusters")
    if not _close(values[wrong[0]], after):
        raise NotYet(f"your score changes when clusters are only renamed: {COMPARED}")
    table, value, right = (found[wrong[0]] for found in (tables, values, expected))
    where = f"where the contingency table is {table.tolist()}"
    raise NotYet(f"{where}, you give {value:.4f}; right is {right:.4f}.")


def _pair_counts(table, self_pairs=False):
    """Pairs together in both, in a cluster, in a class, and all pairs."""
    groups = (table, table.sum(axis=0), table.sum(axis=1), table.sum())
    return [np.float64((g * (g - (not self_pairs))).sum() / 2) for g in groups]


SELF_PAIRS = (
    "pictures are paired with themselves: n pictures make n · (n − 1) / 2 pairs."
)

TWICE = "pairs are counted twice (i, j and j, i) in one place, and once in another."

RAND = "that is the Rand index, which also rewards the pairs that are apart in both."


# fmt: off
def _purity_mistakes(table):
    right, n = table.max(axis=0).sum(), table.sum()
    return [
        ("the arguments are swapped, and purity is not symmetric: in every cluster "
         "look for its commonest class.", table.max(axis=1).sum() / n),
        ("that is the mean of the clusters' shares. A big cluster must weigh more: add "
         "up the counts, divide once.", (table.max(axis=0) / table.sum(axis=0)).mean()),
        *[("divide by the number of pictures", right / d) for d in (1, table.shape[1])],
        ("// is integer division and cuts the share to 0 or 1: use /.", right // n),
        ("every cluster has a maximum of its own; you took one.", table.max() / n),
    ]

def _nmi_mistakes(table):
    h_true, h_cluster = entropy_of(table.sum(axis=1)), entropy_of(table.sum(axis=0))
    information = h_true + h_cluster - entropy_of(table, axis=None)
    nmi = information / ((h_true + h_cluster) / 2)
    asked = "; asked is the arithmetic mean of the two, (H + H) / 2."
    one = "your normaliser is one of the two entropies" + asked
    mixed = ("the bases of the logarithms are mixed. In NMI any base will do, if the "
             "entropies and the mutual information have the same.")
    bases = math.log(2), math.log(10), math.log2(10)
    choices = min(h_true, h_cluster), max(h_true, h_cluster), h_true, h_cluster
    return [
        ("your normaliser is the geometric mean √(H · H), scikit-learn's old default" +
         asked, information / np.sqrt(h_true * h_cluster)),
        *[(one, information / choice) for choice in choices],
        ("exactly half: your normaliser is the sum of the entropies" + asked, nmi / 2),
        ("the sign is wrong: there is a minus too many or too few.", -nmi),
        *[("the mutual information is not normalised.", information / math.log(base))
          for base in (math.e, 2)],
        *[(mixed, value) for base in bases for value in (nmi * base, nmi / base)],
    ]

def _pair_mistakes(table):
    both, cluster, true, all_pairs = _pair_counts(table)
    precision, recall = both / cluster, both / true
    index = np.sqrt(precision * recall)
    own_both, own_cluster, own_true, _ = _pair_counts(table, self_pairs=True)
    other = "that is another mean of precision and recall: take √(precision · recall)."
    return [
        ("that is precision × recall: the square root is missing.", index**2),
        (SELF_PAIRS, own_both / np.sqrt(own_cluster * own_true)),
        *[(TWICE, index * factor) for factor in (2, 0.5, np.sqrt(2), np.sqrt(0.5))],
        (other, (precision + recall) / 2),
        (other, 2 * both / (cluster + true)),
        *[("that is precision or recall alone.", part) for part in (precision, recall)],
        (RAND, (all_pairs + 2 * both - cluster - true) / all_pairs),
    ]

def _ari_mistakes(table):
    both, cluster, true, all_pairs = _pair_counts(table)
    chance, highest = cluster * true / all_pairs, (cluster + true) / 2
    own_both, own_cluster, own_true, own_all = _pair_counts(table, self_pairs=True)
    own = own_cluster * own_true / own_all
    highest_is = "the highest value is the mean of A and B, not the larger or smaller."
    return [
        (RAND, (all_pairs + 2 * both - cluster - true) / all_pairs),
        ("what chance gives, E, is not subtracted.", both / highest),
        ("E is subtracted above the line, but not below.", (both - chance) / highest),
        (SELF_PAIRS, (own_both - own) / ((own_cluster + own_true) / 2 - own)),
        (highest_is, (both - chance) / (max(cluster, true) - chance)),
        (highest_is, (both - chance) / (min(cluster, true) - chance)),
    ]

# fmt: on


@exercise("purity", hint="Which axis of the table runs through one cluster?")
def ex02_1(purity):
    return _judge(purity, "purity", _purity_mistakes, "your score is not a number.")


@exercise("entropy in bits", hint="Shares first; then only those above zero.")
def ex02_2(entropy):
    counts = [[5, 5], [1, 2, 5], [7], [4, 0, 4, 8], [[3, 0, 1], [0, 2, 2]]]
    values = [_call(entropy, c, where=f"for the counts {c}") for c in counts]
    right = [entropy_of(c, base=2, axis=None) for c in counts]
    all_three = zip(values, right, counts, strict=True)
    wrong = [three for three in all_three if not _close(*three[:2])]
    if not wrong:
        return [round(value, 6) + 0.0 for value in values]
    finite = [three for three in wrong if math.isfinite(three[0])]
    for message, factor in (
        ("that is in nats: for bits the logarithm has base 2.", math.log(2)),
        ("the logarithm has base 10; for bits it has base 2.", math.log10(2)),
        ("the minus before the sum is missing: an entropy is never negative.", -1),
    ):
        if finite and all(_close(v, factor * r) for v, r, _ in finite):
            raise NotYet(message)
    if len(finite) < len(wrong):
        raise NotYet(LOG_ZERO)
    if _close(abs(values[0]), 10 * math.log2(5)):
        raise NotYet("you used the counts: divide them by their sum first.")
    raise NotYet("you give {:.4f}, not {:.4f}, for {}.".format(*wrong[0]))


@exercise("NMI", hint="Your entropy takes class sizes, cluster sizes, or the table.")
def ex02_3(nmi):
    return _judge(nmi, "nmi", _nmi_mistakes, LOG_ZERO)


@exercise("Fowlkes-Mallows", hint="Count pairs in the table's cells and in its sums.")
def ex02_4(fowlkes_mallows):
    zero = "where no pair is together, 0 / 0 comes out: return 0.0 there."
    return _judge(fowlkes_mallows, "fowlkes_mallows", _pair_mistakes, zero)


@exercise("adjusted Rand index", hint="Four counts of pairs; then the formula.")
def ex02_5(adjusted_rand):
    return _judge(adjusted_rand, "ari", _ari_mistakes, "your score is not a number.")


@exercise("two scores disagree", hint="Purity forgives a split; pairs do not.")
def ex02_6(clustering_a, clustering_b):
    found = []
    for given in (clustering_a, clustering_b):
        if np.shape(given) != (12,):
            raise NotYet(f"give 12 labels, one a dot; yours have {np.shape(given)}.")
        classes = np.repeat([0, 1, 2], 4)
        found.append(metrics.scores(labels_true=classes, labels_pred=given))
    sizes = len(np.unique(clustering_a)), len(np.unique(clustering_b))
    if sizes[0] != sizes[1]:
        raise NotYet("A has {} clusters and B has {}: use as many.".format(*sizes))
    a, b = found
    for name, better, worse in (("purity", a, b), ("fowlkes_mallows", b, a)):
        if better[name] <= worse[name] + 1e-9:
            wish = f"{name} must prefer {'A' if better is a else 'B'}"
            raise NotYet(f"{wish}; it gives {a[name]:.3f} to A and {b[name]:.3f} to B.")
    return {name: [round(a[name], 6), round(b[name], 6)] for name in metrics.SCORES}
