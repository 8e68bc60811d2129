"""Checks of lesson 10: the senses of a search."""

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.preprocessing import normalize

from course_utils.lessons.exercises import NotYet, exercise
from course_utils.lessons.matching import (
    as_array,
    as_number,
    call_function,
    compare_answer,
    same_partition,
)

CAPTIONS = (
    ("A red apple", "red", True, ""),
    ("A RED apple", "red", True, "Capitals count as small letters."),
    ("Red, ripe and round.", "ripe", True, ""),
    ("Stop here.", "here", True, "A full stop is not part of the word."),
    ("Three (hot) stars!", "star", True, "A plural with -s counts too."),
    ("Give way—then go", "way", True, "A dash ends a word too."),
    ("A starfish", "star", False, "Only whole words count."),
    ("A mustard jar", "star", False, "Only whole words count."),
    ("A bus", "bu", True, "An -s at the end is allowed, whatever the word."),
    ("", "red", False, "An empty caption contains no word."),
)


@exercise(
    "Whole words",
    hint="Turn every character that is not a letter into a space, then use .lower() "
    "and .split().",
)
def ex10_1(has_word):
    """Write `has_word(caption, word)`: whether the caption contains the whole word.

    Capitals do not matter, and an -s at the end is allowed. Return True or False.
    """
    for caption, word, expected, why in CAPTIONS:
        found = call_function(has_word, caption, word)
        if not isinstance(found, bool | np.bool_):
            raise NotYet(f"Return True or False, not {found!r}.")
        if bool(found) != expected:
            said = f"has_word({caption!r}, {word!r}) is {found}, not {expected}. {why}"
            raise NotYet(said.strip())
    return "whole words"


@exercise(
    "The medoid",
    hint="Divide every row by its length, take 1 − the products of all rows with all, "
    "and find the row with the smallest mean.",
)
def ex10_2(medoid):
    """Write `medoid(vectors)`: the index of the row nearest to all the others.

    It has the smallest mean cosine distance to the other rows, which are not
    normalised. Of equally good rows, return the first.
    """
    for vectors in _clouds():
        what = "one index, since the medoid is one of the images"
        found = as_number(call_function(medoid, vectors), what)
        if not found.is_integer():
            raise NotYet(f"Expected {what}, but got {found}.")
        directions = normalize(vectors)
        expected = _smallest_sum(1 - directions @ directions.T)
        mistakes = {
            "This row has the *largest* mean distance, not the smallest.": (
                _smallest_sum(directions @ directions.T)
            ),
            "Divide every row by its length before you multiply.": (
                _smallest_sum(1 - vectors @ vectors.T)
            ),
            "This is the medoid by Euclidean distance: use the cosine.": (
                _smallest_sum(cdist(vectors, vectors))
            ),
        }
        otherwise = f"Row {found:.0f} is not the medoid: row {expected} is."
        compare_answer(found, expected, mistakes, otherwise)
    return "least mean cosine distance"


def _clouds():
    generator = np.random.default_rng(9)
    for n_images in (7, 12, 20):
        directions = generator.normal(size=(n_images, 5)) + 1
        yield directions * generator.uniform(0.2, 5, size=(n_images, 1))
    yield np.array([[1.0, 0.0], [0.0, 2.0]])  # a tie: the first


def _smallest_sum(distances):
    return int(distances.sum(axis=1).round(9).argmin())


POINTS_ON_A_LINE = (
    ([0, 1, 9, 10, 30], 2, [0, 0, 1, 1, 2], ""),
    ([0, 1, 3], 1, [0, 0, 1], "A distance equal to the threshold is near enough."),
    ([0, 1, 2, 3, 4], 1, [0] * 5, "Chains are one group, here a–b–c–d–e."),
    ([4, 0, 3, 1, 2, 9], 1, [0, 0, 0, 0, 0, 1], "Chains may have any order."),
    ([0, 0, 5], 0, [0, 0, 1], "Equal images are at distance 0."),
    ([0, 10, 20], 3, [0, 1, 2], "Nothing is near here."),
)


@exercise(
    "Groups of duplicates",
    hint="Repeat over all near pairs until a whole round changes nothing.",
)
def ex10_3(groups_within):
    """Write `groups_within(distances, threshold)`: a group number for each image.

    Images at most `threshold` apart are in the same group, and so are chains of them.
    distances has shape (n, n).
    """
    for places, threshold, expected, why in POINTS_ON_A_LINE:
        distances = np.abs(np.subtract.outer(places, places)).astype(float)
        value = call_function(groups_within, distances, threshold)
        found = as_array(value, "one group number per image", (len(places),))
        otherwise = (
            f"For images at {places} on a line and the threshold {threshold}, your "
            f"groups are {np.asarray(value).tolist()}, not {expected}. {why}"
        )
        compare_answer(found, expected, {}, otherwise.strip(), same_partition)
    return "connected components"


@exercise(
    "How good are the groups?",
    hint="np.triu_indices(n, k=1) gives every pair once.",
)
def ex10_4(precision_recall):
    """Write `precision_recall(found, truth)` for two arrays of group numbers.

    Precision is the share of the pairs found together that truly are together, recall
    the share of the true pairs that were found. Return both, in this order.
    """
    generator = np.random.default_rng(4)
    for n_images in (6, 15, 40):
        found = generator.integers(0, n_images // 3, n_images)
        truth = generator.integers(0, n_images // 2, n_images)
        value = call_function(precision_recall, found, truth)
        answer = as_array(value, "two numbers, the precision and the recall", (2,))
        expected = _pair_scores(found, truth)
        mistakes = {
            "Precision and recall are swapped.": expected[::-1],
            "Do not pair an image with itself.": _pair_scores(found, truth, 0),
            "You compare the numbers of the groups, but these are arbitrary: only "
            "which images are together counts.": [np.mean(found == truth)] * 2,
        }
        otherwise = (
            f"For found {found[:6].tolist()} … and truth {truth[:6].tolist()} …, you "
            f"give {answer[0]:.3f} and {answer[1]:.3f}; right is {expected[0]:.3f} and "
            f"{expected[1]:.3f}."
        )
        compare_answer(answer, expected, mistakes, otherwise)
    return "pairs"


def _pair_scores(found, truth, k=1):
    one, other = np.triu_indices(len(found), k=k)
    together, really = found[one] == found[other], truth[one] == truth[other]
    hits = (together & really).sum()
    return [float(hits / together.sum()), float(hits / really.sum())]


@exercise(
    "A search of your own",
    hint="images.search_captions, representations.extract, "
    "clustering.without_duplicates, clustering.cluster, clustering.medoids.",
)
def ex10_5(my_search, my_medoids):
    """Search captions, drop duplicates, cluster, and give the medoids of the clusters.

    my_search is the image set after the filter, six images or more; my_medoids is what
    `clustering.medoids` returns.
    """
    if not hasattr(my_search, "captions"):
        raise NotYet("The first answer is an image set, like search.subset(kept).")
    if len(my_search) < 6:
        raise NotYet(
            f"Too few images are left, {len(my_search)}: search for more words."
        )
    if len(my_search) > 200:
        raise NotYet("This is nearly the whole collection: search for fewer words.")
    if not isinstance(my_medoids, dict) or len(my_medoids) < 2:
        raise NotYet(
            "The second answer is what clustering.medoids returns for two clusters or "
            "more."
        )
    indices = [int(index) for index in my_medoids.values()]
    if len(set(indices)) < len(indices):
        raise NotYet("Two clusters have the same medoid.")
    if min(indices) < 0 or max(indices) >= len(my_search):
        raise NotYet("A medoid is an index into what is left *after* the filter.")
    return [len(my_search), len(my_medoids)]
