"""Checks of lesson 6: layers and algorithms."""

from functools import partial

import numpy as np

from course_utils import metrics
from course_utils.clustering import algorithms
from course_utils.lessons.exercises import NotYet, exercise
from course_utils.lessons.matching import (
    as_array,
    as_number,
    call_function,
    compare_answer,
    require_columns,
    same_numbers,
)


@exercise(
    "Pool feature maps by hand",
    hint="axis=(1, 2) removes height and width; axis 0 counts the images.",
)
def ex06_1(pool):
    """Write `pool(maps, how)` for maps of shape (images, height, width, channels).

    "average" and "max" return (images, channels), "flat" returns one row per image with
    all its numbers.
    """
    maps = np.random.default_rng(1).normal(size=(4, 3, 5, 6)).astype(np.float32)
    one_left = "Both height and width must go: axis=(1, 2)."
    known_shapes = {
        (4, 3, 5): "You pooled over the channels, not over the places.",
        (4, 5, 6): one_left,
        (4, 3, 6): one_left,
        (3, 5, 6): "Axis 0 counts the images, which must stay apart.",
    }
    for how, function in {"average": np.mean, "max": np.max}.items():
        value = call_function(pool, maps, how)
        what = f"one number per image and channel for {how!r}"
        found = as_array(value, what, (4, 6), known_shapes)
        mistakes = {
            "This is the sum over the places: divide it by their number.": maps.sum(
                axis=(1, 2)
            ),
            "Take the largest value, not the largest absolute one.": np.abs(maps).max(
                axis=(1, 2)
            ),
        }
        otherwise = f"The result for {how!r} has the right shape but other values."
        same = partial(same_numbers, atol=1e-5)  # float32
        compare_answer(found, function(maps, axis=(1, 2)), mistakes, otherwise, same)
    what = "all numbers of each image in one row for 'flat'"
    found = as_array(call_function(pool, maps, "flat"), what, (4, 90))
    if not same_numbers(np.sort(found), np.sort(maps.reshape(4, -1))):
        raise NotYet("The rows for 'flat' mix the numbers of different images.")
    return "average, max, flat"


@exercise(
    "How many components?",
    hint="Centre, np.linalg.svd, square, np.cumsum, divide by the total; then find the "
    "first index that reaches the share, and remember that indices count from 0.",
)
def ex06_2(components_for):
    """Write `components_for(vectors, wanted)` for vectors of shape (n, d).

    Return the smallest number of principal components that together explain at least
    the share `wanted` of the variance.
    """
    for vectors, wanted in _spectra():
        value = call_function(components_for, vectors, wanted)
        found = as_number(value, "one whole number")
        if not found.is_integer():
            raise NotYet(f"Expected one whole number, but got {found}.")
        expected = _components(vectors, wanted)
        mistakes = {
            f"The first {expected - 1} components explain less than {wanted:.0%}: "
            "indices count from 0, components from 1.": expected - 1,
            "Square the singular values: they are not the variances.": _components(
                vectors, wanted, power=1
            ),
            "Subtract the mean of every column first.": _components(
                vectors, wanted, centre=False
            ),
        }
        otherwise = (
            f"For {wanted:.0%} you give {found:.0f}; the smallest number is {expected}."
        )
        compare_answer(found, expected, mistakes, otherwise)
    return "smallest number with the share"


def _spectra():
    """Vectors with a long tail of variances, far from the origin, and shares."""
    generator = np.random.default_rng(6)
    vectors = generator.normal(size=(80, 12)) * 0.75 ** np.arange(12)
    vectors = vectors + 5 * np.ones(12)
    return [(vectors, 0.9), (vectors, 0.5), (vectors, 0.99), (vectors[:9], 0.8)]


def _components(vectors, wanted, power=2, centre=True):
    centred = vectors - vectors.mean(axis=0) if centre else vectors
    parts = np.linalg.svd(centred, compute_uv=False) ** power
    return int(np.argmax(parts.cumsum() / parts.sum() >= wanted)) + 1


ADVICE = {
    "left out": " Drop the same images from both.",
    "one cluster": "",
    "each alone": " No two noise images share a label, and none has that of a cluster.",
}


@exercise(
    "Three ways to count noise",
    hint="For 'each alone', give the images with -1 new labels that no cluster has: "
    "largest label + 1, + 2, and so on.",
)
def ex06_3(noise_three_ways):
    """Write `noise_three_ways(true_labels, cluster_labels)`: a dict of three NMIs.

    "left out" scores only the images with a cluster, "one cluster" counts the noise as
    one more cluster, "each alone" counts each noise image as a cluster of its own.
    """
    true = np.array([0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2])
    found = np.array([0, 0, -1, 1, 1, -1, -1, 0, 2, 2, -1, 2])
    for true_labels, labels in (
        (true, found),
        (true[::-1] + 4, found[::-1]),
        (true, np.abs(found)),  # nothing is noise
        (true, np.where(found == 0, -1, found)),  # no cluster is called 0
    ):
        answer = call_function(noise_three_ways, true_labels, labels)
        expected = _three_ways(true_labels, labels)
        if not isinstance(answer, dict) or set(answer) != set(expected):
            raise NotYet(
                f"Return a dict with the keys {', '.join(map(repr, expected))}."
            )
        for name, right in expected.items():
            value = as_number(answer[name], f"one number for {name!r}")
            mistakes = {
                f"The value of {name!r} is the NMI of {other!r}.": nmi
                for other, nmi in expected.items()
                if other != name
            }
            otherwise = (
                f"For the true labels {true_labels.tolist()} and the cluster labels "
                f"{labels.tolist()}, {name!r} should be {right:.4f}, not {value:.4f}."
                f"{ADVICE[name]}"
            )
            compare_answer(value, right, mistakes, otherwise)
    return sorted(expected)


def _three_ways(true, found):
    kept = found != -1
    alone = [label if label != -1 else 100 + i for i, label in enumerate(found)]
    pairs = {
        "left out": (true[kept], found[kept]),
        "one cluster": (true, found),
        "each alone": (true, alone),
    }
    return {
        name: metrics.nmi(labels_true=left, labels_pred=right)
        for name, (left, right) in pairs.items()
    }


@exercise(
    "Compare in pairs",
    hint="Make one array of differences, first minus second, and use it twice.",
)
def ex06_4(paired):
    """Write `paired(first, second)` for two sequences of scores on the same draws.

    Return the mean of first minus second, and the share of draws on which the first is
    higher; a tie counts one half.
    """
    cases = (
        ([0.8, 0.7, 0.9, 0.6], [0.7, 0.75, 0.8, 0.6]),
        ([0.2, 0.9, 0.4], [0.3, 0.1, 0.5]),
        ([0.5, 0.5], [0.5, 0.5]),
    )
    for first, second in cases:
        what = "two numbers, (mean_difference, share_won)"
        answer = as_array(call_function(paired, first, second), what, (2,))
        difference, won = answer
        gaps = np.subtract(first, second)
        mistakes = {
            "The difference has the wrong sign: take first minus second.": -gaps.mean(),
            "Keep the signs of the differences before you average them.": (
                np.abs(gaps).mean()
            ),
        }
        otherwise = f"This is not the mean difference of {first} and {second}."
        compare_answer(difference, gaps.mean(), mistakes, otherwise)
        share = ((gaps > 0) + 0.5 * (gaps == 0)).mean()
        mistakes = {
            "This is a number of draws: divide it by how many there are.": (
                share * len(gaps)
            ),
            "This is the share that the second one wins.": 1 - share,
            "A tie counts one half.": ((gaps > 0).mean(), (gaps >= 0).mean()),
        }
        otherwise = f"This is not the share that {first} wins against {second}."
        compare_answer(won, share, mistakes, otherwise)
    return "mean difference and share won"


@exercise(
    "What peeking is worth",
    hint="The best is exactly the i-th smallest with the probability "
    "(i/n)^tries - ((i-1)/n)^tries; multiply by the i-th smallest score and add up.",
)
def ex06_5(expected_best):
    """Write `expected_best(scores, n_tries)`: the mean of the best of n_tries draws.

    Each try draws one of the scores at random, with replacement. Compute it exactly or
    simulate it.
    """
    generator = np.random.default_rng(5)
    for scores, n_tries in (
        ([0.5, 0.9], 1),
        ([0.9, 0.1], 2),
        (generator.uniform(0.6, 0.9, 20).tolist(), 10),
    ):
        found = as_number(call_function(expected_best, scores, n_tries))
        ranks = np.arange(1, len(scores) + 1) / len(scores)
        chances = np.diff(ranks**n_tries, prepend=0)
        expected = float(np.sort(scores) @ chances)
        mistakes = {
            "This is the mean: take the best of each round of tries first.": (
                np.mean(scores)
            ),
            "This is the best of all: a few tries may miss it.": max(scores),
            "This is the worst of the tries: sort upwards.": (
                np.sort(scores)[::-1] @ chances
            ),
        }
        otherwise = (
            f"With n_tries={n_tries}, you give {found:.3f}; right is {expected:.3f}."
        )
        same = partial(same_numbers, rtol=0, atol=0.012)  # room for a simulation
        compare_answer(found, expected, mistakes, otherwise, same)
    return "exact" if abs(found - expected) < 1e-9 else "simulated"


@exercise(
    "Your own grid",
    hint="One call of experiments.run uses the same k and the same seeds for all.",
)
def ex06_6(results):
    """Compare at least two representations and two algorithms with three seeds or more.

    Give the check the table that `experiments.run` returns.
    """
    if isinstance(results, tuple):
        raise NotYet(
            "The function experiments.run returns two things: give the check the first."
        )
    require_columns(results, ["representation", "algorithm", "seed", "k", "nmi"])
    for column in ("representation", "algorithm"):
        if results[column].nunique() < 2:
            raise NotYet(f"Compare at least 2 {column}s.")
    if results["k"].nunique() > 1 or (
        "image_set" in results and results["image_set"].nunique() > 1
    ):
        raise NotYet("A fair comparison has one k and one image set for all.")
    pairs = results.groupby(["representation", "algorithm"])["seed"].nunique()
    n_pairs = results["representation"].nunique() * results["algorithm"].nunique()
    if len(pairs) < n_pairs:
        raise NotYet("Some representation lacks an algorithm that another one has.")
    by_chance = [
        algorithms.parse_algorithm(name)[1] in algorithms.SEEDED
        for _, name in pairs.index
    ]
    seeded = pairs[by_chance]
    if len(seeded) and seeded.min() < 3:
        raise NotYet("Take at least three seeds.")
    if seeded.nunique() > 1:
        raise NotYet("Use the same number of seeds for all randomised algorithms.")
    if results["nmi"].isna().any():
        raise NotYet("Some runs have no NMI.")
    return [len(results), *sorted(set(results["algorithm"]))]
