"""Checks of lesson 6: layers and algorithms."""

from functools import partial

import numpy as np
from sklearn import metrics as sk

from course_utils import clustering, images, metrics, representations
from course_utils.clustering import algorithms
from course_utils.lessons.exercises import (
    NotYet,
    as_sentence,
    attempted,
    exercise,
)
from course_utils.lessons.matching import (
    as_array,
    as_number,
    as_pair,
    call_function,
    compare_answer,
    require_columns,
    require_words,
    same_numbers,
)


@exercise(
    "Pool feature maps by hand",
    hint="axis=(1, 2) removes height and width; axis 0 counts the images.",
)
def ex06_1(pool):
    """Write `pool(maps, how)` for maps of shape (images, height, width, channels).

    "average" and "max" return (images, channels), "flat" returns one row per image with
    all its numbers, every image in the same order.
    """
    maps = np.random.default_rng(1).normal(size=(4, 3, 5, 6)).astype(np.float32)
    one_left = "Both height and width must go: axis=(1, 2)."
    known_shapes = {
        (4, 3, 5): "You pooled over the channels, not over the places.",
        (4, 5, 6): one_left,
        (4, 3, 6): one_left,
        (3, 5, 6): "Axis 0 counts the images, which must stay apart.",
        (4, 3): "You pooled over the width and the channels. In Keras the channels "
        "are the last axis: height and width are axes 1 and 2.",
        (4, 5): "You pooled over the height and the channels: the places are axes "
        "1 and 2.",
        (4,): "This is one number per image: keep the channels apart.",
        (6,): "The images are pooled too: keep axis 0.",
        (): "This is one number for everything: keep images and channels apart.",
        (
            4,
            1,
            1,
            6,
        ): "The axes of length 1 are still there: return (images, channels).",
        (4, 90): "Nothing is pooled: the numbers are only put in a row.",
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
            "This is the smallest value.": maps.min(axis=(1, 2)),
            f"This is the result for another word than {how!r}.": (
                maps.mean(axis=(1, 2)),
                maps.max(axis=(1, 2)),
            ),
        }
        otherwise = f"The result for {how!r} has the right shape but other values."
        same = partial(same_numbers, atol=1e-5)  # float32
        compare_answer(found, function(maps, axis=(1, 2)), mistakes, otherwise, same)
    what = "all numbers of each image in one row for 'flat'"
    found = as_array(call_function(pool, maps, "flat"), what, (4, 90))
    rows = maps.reshape(4, -1)
    if not same_numbers(np.sort(found), np.sort(rows)):
        raise NotYet("The rows for 'flat' mix the numbers of different images.")
    order = np.argsort(found[0])[np.argsort(np.argsort(rows[0]))]  # place of each
    if not same_numbers(found[:, order], rows):
        raise NotYet(
            "For 'flat', the numbers of one image are in another order than those of "
            "the next: the same column must be the same place and channel in all."
        )
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
            raise NotYet(f"Expected one whole number, but got {found:.4g}.")
        expected = _components(vectors, wanted)
        mistakes = {
            f"The first {expected - 1} components explain less than {wanted:.0%}: "
            "indices count from 0, components from 1.": expected - 1,
            "Square the singular values: they are not the variances.": _components(
                vectors, wanted, power=1
            ),
            "Subtract the mean of every column first.": _components(
                vectors, wanted, mean=None
            ),
            "You subtracted the mean of each row; subtract that of each column, "
            "axis=0.": _components(vectors, wanted, mean=1),
            "You subtracted one mean of all numbers; each column has its own, "
            "axis=0.": _components(vectors, wanted, mean=(0, 1)),
            "Do not divide the columns by their standard deviations: that changes "
            "the variances.": _components(vectors / vectors.std(axis=0), wanted),
        }
        otherwise = (
            f"For {wanted:.0%} you give {found:.0f}; the smallest number is {expected}."
        )
        compare_answer(found, expected, mistakes, otherwise)
    return "smallest number with the share"


def _spectra():
    """Vectors with a long tail of variances and other means per column, and shares."""
    generator = np.random.default_rng(6)
    vectors = generator.normal(size=(80, 12)) * 0.85 ** np.arange(12)
    vectors = vectors + 0.2 * generator.permutation(12) + 1  # tells all mistakes apart
    shares = [(vectors, 0.9), (vectors, 0.5), (vectors, 0.99), (vectors[:9], 0.8)]
    return [*shares, (vectors * 1e3, 0.05)]


def _components(vectors, wanted, power=2, mean=0):
    if mean is not None:
        vectors = vectors - vectors.mean(axis=mean, keepdims=True)
    parts = np.linalg.svd(vectors, compute_uv=False) ** power
    return int(np.argmax(parts.cumsum() / parts.sum() >= wanted)) + 1


ADVICE = {
    "left out": " Drop the same images from both.",
    "one cluster": "",
    "each alone": " No two noise images share a label, and none has that of a cluster.",
}
SCORES = {
    "NMI": sk.normalized_mutual_info_score,
    "AMI": sk.adjusted_mutual_info_score,
}


@exercise(
    "Three ways to count noise",
    hint="noise = cluster_labels == -1 marks the noise, ~noise the rest. For 'each "
    "alone', copy the labels and give the noise new ones that no cluster has: largest "
    "label + 1, + 2, and so on.",
)
def ex06_3(noise_three_ways):
    """Write `noise_three_ways(true_labels, cluster_labels, score)`: a dict of three.

    "left out" scores only the images with a cluster, "one cluster" counts the noise as
    one more cluster, "each alone" counts each noise image as a cluster of its own.
    Call the score that is given, as score(true_labels, cluster_labels).
    """
    true = np.array([0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2])
    found = np.array([0, 0, -1, 1, 1, -1, -1, 0, 2, 2, -1, 2])
    for true_labels, labels in (
        (true, found),
        (true[::-1] + 4, found[::-1]),
        (true, np.abs(found)),  # nothing is noise
        (true, np.where(found == 0, -1, found)),  # no cluster is called 0
    ):
        both = {n: _three_ways(true_labels, labels, f) for n, f in SCORES.items()}
        for score, function in SCORES.items():
            answer = call_function(
                noise_three_ways, true_labels, labels, function, keep_arguments=True
            )
            _compare_noise(answer, true_labels, labels, score, both)
    return sorted(ADVICE)


def _compare_noise(answer, true_labels, labels, score, both):
    expected = both[score]
    if not isinstance(answer, dict) or set(answer) != set(expected):
        raise NotYet(f"Return a dict with the keys {', '.join(map(repr, expected))}.")
    for name, right in expected.items():
        value = as_number(answer[name], f"one number for {name!r}")
        mistakes = {
            f"The value of {name!r} is the {score} of {other!r}.": one
            for other, one in expected.items()
            if other != name
        }
        if score == "AMI":
            mistakes["Call the score that is given: you compute NMI each time."] = both[
                "NMI"
            ][name]
        otherwise = (
            f"For the true labels {true_labels.tolist()} and the cluster labels "
            f"{labels.tolist()}, the {score} of {name!r} should be {right:.4f}, not "
            f"{value:.4f}.{ADVICE[name]}"
        )
        compare_answer(value, right, mistakes, otherwise)


def _three_ways(true, found, score):
    kept = found != -1
    alone = [label if label != -1 else 100 + i for i, label in enumerate(found)]
    pairs = {
        "left out": (true[kept], found[kept]),
        "one cluster": (true, found),
        "each alone": (true, alone),
    }
    return {name: float(score(*pair)) for name, pair in pairs.items()}


@exercise(
    "Compare in pairs",
    hint="Make one array of differences, first minus second. np.std(…, ddof=1) is "
    "their standard deviation; under the root is 1 / n + kept / (1 - kept).",
)
def ex06_4(paired):
    """Write `paired(first, second, kept)` for scores on the same n subsamples.

    Return the mean of first minus second, and its standard error: the standard
    deviation of the differences (ddof=1) times sqrt(1 / n + kept / (1 - kept)).
    """
    cases = (
        ([0.8, 0.7, 0.9, 0.6], [0.7, 0.75, 0.8, 0.6], 0.8),
        ([0.2, 0.9, 0.4], [0.3, 0.1, 0.5], 0.5),
        ([0.5, 0.5], [0.5, 0.5], 0.9),
    )
    for first, second, kept in cases:
        first, second = np.array(first), np.array(second)
        what = "two numbers, (mean_difference, standard_error)"
        answer = call_function(paired, first, second, kept)
        answer = [as_number(one, what) for one in as_pair(answer, what)]
        gaps = first - second
        mistakes = {
            "The difference has the wrong sign: take first minus second.": -gaps.mean(),
            "Keep the signs of the differences before you average them.": (
                np.abs(gaps).mean()
            ),
            "This is the sum of the differences: take the mean.": gaps.sum(),
        }
        where = f"For {first.tolist()}, {second.tolist()} and kept={kept}:"
        otherwise = f"{where} the mean difference is {gaps.mean():.4f}."
        compare_answer(answer[0], gaps.mean(), mistakes, otherwise)
        right = _standard_error(gaps, kept)
        otherwise = f"{where} the standard error is {right:.4f}, not {answer[1]:.4f}."
        compare_answer(answer[1], right, _errors(first, second, kept), otherwise)
    return "mean difference and standard error"


def _standard_error(gaps, kept, ddof=1):
    return gaps.std(ddof=ddof) * np.sqrt(1 / len(gaps) + kept / (1 - kept))


def _errors(first, second, kept):
    """What the usual mistakes in the standard error give."""
    gaps, n = first - second, len(first)
    factor, spread = 1 / n + kept / (1 - kept), gaps.std(ddof=1)
    apart = np.sqrt(first.var(ddof=1) + second.var(ddof=1))
    return {
        "This is the standard error of independent draws, but subsamples share "
        "images: add kept / (1 - kept) under the root.": (
            spread / np.sqrt(n),
            gaps.std() / np.sqrt(n),
        ),
        "np.std divides by n unless you give it ddof=1.": (
            _standard_error(gaps, kept, 0)
        ),
        "The ratio is kept / (1 - kept); yours is the other way round.": (
            spread * np.sqrt(1 / n + (1 - kept) / kept)
        ),
        "Take the square root of the bracket.": spread * factor,
        "Multiply the standard deviation, not the variance.": (
            spread**2 * np.sqrt(factor),
            spread**2 * factor,
        ),
        "This is the standard deviation of the differences: multiply it by the root.": (
            spread,
            gaps.std(),
        ),
        "The 1 / n is missing under the root.": spread * np.sqrt(kept / (1 - kept)),
        "The root covers both terms, 1 / n and kept / (1 - kept).": (
            spread * (np.sqrt(1 / n) + kept / (1 - kept)),
            spread * (1 / n + np.sqrt(kept / (1 - kept))),
        ),
        "Use the differences within the pairs, not the spreads of first and of "
        "second.": (apart * np.sqrt(factor), apart / np.sqrt(n)),
        "Return the standard error itself, not twice as much.": (
            2 * spread * np.sqrt(factor)
        ),
    }


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
        (np.array([0.5, 0.9]), 1),
        (np.array([0.9, 0.1, 0.5]), 2),
        (generator.uniform(0.6, 0.9, 20), 10),
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
            "You draw without replacement: one number may come up several times.": (
                _best_without_replacement(np.sort(scores), n_tries)
            ),
        }
        otherwise = (
            f"With n_tries={n_tries}, you give {found:.3f}; right is {expected:.3f}."
        )
        same = partial(same_numbers, rtol=0, atol=0.012)  # room for a simulation
        if len(scores) == 20:
            same = partial(same_numbers, rtol=0, atol=0.004)  # these vary less
        compare_answer(found, expected, mistakes, otherwise, same)
    return "exact" if abs(found - expected) < 1e-9 else "simulated"


def _best_without_replacement(ordered, n_tries):
    """The mean of the largest of so many different scores."""
    n = len(ordered)
    share, chances = 1.0, np.zeros(n)  # that all are among the i smallest
    for i in range(n, 0, -1):
        smaller = share * max(i - n_tries, 0) / i
        chances[i - 1], share = share - smaller, smaller
    return ordered @ chances


@exercise(
    "Your own grid",
    hint="One call of experiments.run uses the same k and the same seeds for all. The "
    "sentence answers your question with the scores, and says what they leave open.",
)
def ex06_6(results, sentence):
    """Compare at least two representations and two algorithms with three seeds or more.

    Give the check the table that `experiments.run` returns for the stamps or the
    photos, and your answer in a sentence. Some of the runs are computed again.
    """
    if isinstance(results, tuple):
        raise NotYet(
            "The function experiments.run returns two things: give the check the first."
        )
    require_columns(
        results, ["image_set", "representation", "algorithm", "seed", "k", "nmi"]
    )
    for column in ("representation", "algorithm"):
        if results[column].nunique() < 2:
            raise NotYet(f"Compare at least 2 {column}s.")
    if results["k"].nunique() > 1 or results["image_set"].nunique() > 1:
        raise NotYet("A fair comparison has one k and one image set for all.")
    _check_seeds(results)
    if results["nmi"].isna().any():
        raise NotYet("Some runs have no NMI.")
    require_words(attempted(sentence), "The sentence", 8, 80, different=7)
    _compute_again(results)
    means = results.groupby(["representation", "algorithm"])["nmi"].mean().round(3)
    return {" ".join(pair): nmi for pair, nmi in means.items()} | {
        "sentence": str(sentence)
    }


def _check_seeds(results):
    """Raise NotYet unless every pair has runs, on the same seeds where they matter."""
    pairs = results.groupby(["representation", "algorithm"])["seed"].agg(frozenset)
    n_pairs = results["representation"].nunique() * results["algorithm"].nunique()
    if len(pairs) < n_pairs:
        raise NotYet("Some representation lacks an algorithm that another one has.")
    try:
        is_seeded = [algorithms.is_seeded(name) for _, name in pairs.index]
    except ValueError as error:
        raise NotYet(f"An algorithm is unknown: {as_sentence(error)}") from None
    seeds = set(pairs[is_seeded])
    if any(len(one) < 3 for one in seeds):
        raise NotYet("Take at least three seeds.")
    if len(seeds) > 1:
        raise NotYet("Use the same seeds for all randomised algorithms.")


def _compute_again(results):
    """Raise NotYet unless one run of each pair, up to twelve, has the NMI it says."""
    (name,) = results["image_set"].unique()
    if name not in ("stamps", "photos"):
        raise NotYet(
            f"The check cannot compute runs on {name!r} again: take stamps or photos."
        )
    image_set = images.load(name, progress=False)
    if "n_images" in results and (results["n_images"] != len(image_set)).any():
        raise NotYet(f"Take all {len(image_set)} images of {name}, not a part of them.")
    one_per_pair = results.groupby(["representation", "algorithm"]).tail(1)
    for _, row in one_per_pair[:12].iterrows():
        what = f"{row['representation']} with {row['algorithm']}"
        try:
            vectors = representations.extract(
                image_set, row["representation"], progress=False
            )
        except (representations.WeightsUnavailable, ValueError) as error:
            raise NotYet(f"This cannot be computed again, {what}: {error}") from None
        found = clustering.cluster(
            vectors, row["algorithm"], int(row["k"]), int(row["seed"])
        )
        nmi = metrics.nmi(labels_true=image_set.true_labels, labels_pred=found)
        if abs(nmi - row["nmi"]) > 0.02:
            raise NotYet(
                f"For {what}, seed {row['seed']}, the table says an NMI of "
                f"{row['nmi']:.3f}, but computed again it is {nmi:.3f}: give the table "
                "as experiments.run returns it."
            )
