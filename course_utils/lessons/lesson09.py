"""Checks of lesson 9, the senses of a search."""

import numpy as np

from course_utils.lessons.exercises import NotYet, attempted, exercise
from course_utils.metrics import contingency_table

CAPTIONS = (
    ("A red apple", "red", True, ""),
    ("A RED apple", "red", True, "capitals count as small letters"),
    ("Red, ripe and round.", "ripe", True, ""),
    ("Stop here.", "here", True, "a full stop is no part of the word"),
    ("Three (hot) stars!", "star", True, "a plural with -s counts too"),
    ("Give way—then go", "way", True, "a dash ends a word, too"),
    ("A starfish", "star", False, "only whole words count"),
    ("A mustard jar", "star", False, "only whole words count"),
    ("A bus", "bu", True, "an -s at the end is let pass, whatever the word"),
    ("", "red", False, "an empty caption holds no word"),
)


@exercise(
    "Whole words",
    hint="Make everything that is no letter a space, then .lower() and .split().",
)
def ex09_1(has_word):
    for caption, word, expected, why in CAPTIONS:
        found = attempted(has_word(caption, word))
        if not isinstance(found, bool | np.bool_):
            raise NotYet(f"return True or False, not {found!r}")
        if bool(found) != expected:
            raise NotYet(
                f"has_word({caption!r}, {word!r}) is {found}" + (why and f": {why}")
            )
    return "whole words"


@exercise(
    "The medoid",
    hint="Divide every row by its length, take 1 − the products of all rows with all, "
    "and find the row with the smallest mean.",
)
def ex09_2(medoid):
    for vectors in _clouds():
        found = np.asarray(attempted(medoid(vectors.copy())))
        if found.ndim or found != int(found):
            raise NotYet("return one index, not a vector: the medoid is a picture")
        directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        expected = _least(1 - directions @ directions.T)
        if int(found) == expected:
            continue
        apart = np.linalg.norm(vectors[:, None] - vectors, axis=2)
        if int(found) == _least(directions @ directions.T):
            raise NotYet("that row has the *largest* mean distance, not the least")
        if int(found) == _least(1 - vectors @ vectors.T):
            raise NotYet("divide every row by its length before you multiply")
        if int(found) == _least(apart):
            raise NotYet("that is the medoid by Euclidean distance: take the cosine")
        raise NotYet(f"row {int(found)} is not the medoid: row {expected} is")
    return "least mean cosine distance"


def _clouds():
    generator = np.random.default_rng(9)
    for n_images in (7, 12, 20):
        directions = generator.normal(size=(n_images, 5)) + 1
        yield directions * generator.uniform(0.2, 5, size=(n_images, 1))
    yield np.array([[1.0, 0.0], [0.0, 2.0]])  # a tie: the first


def _least(distances):
    return int(distances.sum(axis=1).round(9).argmin())


@exercise(
    "Groups of duplicates",
    hint="Repeat over all near pairs until a whole round changes nothing.",
)
def ex09_3(groups_within):
    for places, threshold, expected, why in (
        ([0, 1, 9, 10, 30], 2, [0, 0, 1, 1, 2], ""),
        ([0, 1, 3], 1, [0, 0, 1], "a distance equal to the threshold is near enough"),
        ([0, 1, 2, 3, 4], 1, [0] * 5, "chains are one group, here a–b–c–d–e"),
        ([4, 0, 3, 1, 2, 9], 1, [0, 0, 0, 0, 0, 1], "chains may run through any order"),
        ([0, 0, 5], 0, [0, 0, 1], "equal pictures are at distance 0"),
        ([0, 10, 20], 3, [0, 1, 2], "nothing is near here"),
    ):
        places = np.array(places, float)
        distances = np.abs(places[:, None] - places)
        found = np.asarray(attempted(groups_within(distances.copy(), threshold)))
        if found.shape != (len(places),):
            raise NotYet(
                f"return one number a picture, ({len(places)},), not {found.shape}"
            )
        if not _same_partition(found, expected):
            raise NotYet(
                f"pictures at {places.astype(int).tolist()} on a line, threshold "
                f"{threshold}: your groups are {found.tolist()}"
                + (why and f", but {why}")
            )
    return "connected components"


def _same_partition(found, expected):
    table = contingency_table(labels_true=expected, labels_pred=found)
    nonzero = np.asarray(table) > 0
    return bool((nonzero.sum(axis=0) == 1).all() and (nonzero.sum(axis=1) == 1).all())


@exercise(
    "How good are the groups?",
    hint="np.triu_indices(n, k=1) gives every pair once.",
)
def ex09_4(precision_recall):
    generator = np.random.default_rng(4)
    for n_images in (6, 15, 40):
        found = generator.integers(0, n_images // 3, n_images)
        truth = generator.integers(0, n_images // 2, n_images)
        answer = attempted(precision_recall(found.copy(), truth.copy()))
        if np.shape(answer) != (2,):
            raise NotYet("return two numbers, the precision and the recall")
        expected = _pair_scores(found, truth)
        if np.allclose(answer, expected, atol=1e-6):
            continue
        likely = {
            "precision and recall are swapped": expected[::-1],
            "a picture is no pair with itself": _pair_scores(found, truth, 0),
            "you compare the numbers of the groups: what they are called is free, who "
            "lies with whom counts": [np.mean(found == truth)] * 2,
        }
        for message, values in likely.items():
            if np.allclose(answer, values, atol=1e-6):
                raise NotYet(message)
        raise NotYet(
            f"found {found[:6].tolist()} …, truth {truth[:6].tolist()} …: you give "
            f"{float(answer[0]):.3f} and {float(answer[1]):.3f}, expected are "
            f"{expected[0]:.3f} and {expected[1]:.3f}"
        )
    return "pairs"


def _pair_scores(found, truth, k=1):
    one, other = np.triu_indices(len(found), k=k)
    together, really = found[one] == found[other], truth[one] == truth[other]
    hits = (together & really).sum()
    return [float(hits / together.sum()), float(hits / really.sum())]


@exercise(
    "A search of your own",
    hint="senses.search_captions, features.extract, senses.without_duplicates, "
    "clustering.cluster, senses.medoids.",
)
def ex09_5(my_search, my_medoids):
    if not hasattr(my_search, "captions"):
        raise NotYet("the first answer is an image set, as search.subset(kept) gives")
    if len(my_search) < 6:
        raise NotYet(f"{len(my_search)} pictures are left: search with more words")
    if len(my_search) > 200:
        raise NotYet("that is no search, it is nearly the whole collection")
    if not isinstance(my_medoids, dict) or len(my_medoids) < 2:
        raise NotYet("the second answer is what senses.medoids returns, of 2 or more")
    indices = [int(index) for index in my_medoids.values()]
    if len(set(indices)) < len(indices):
        raise NotYet("two clusters have the same medoid")
    if min(indices) < 0 or max(indices) >= len(my_search):
        raise NotYet("a medoid is an index into what is left *after* the filter")
    return [len(my_search), len(my_medoids)]
