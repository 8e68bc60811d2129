"""Checks of lesson 10: the senses of a search."""

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist
from sklearn.preprocessing import normalize

from course_utils import clustering, images, representations
from course_utils.lessons.exercises import NotYet, as_sentence, attempted, exercise
from course_utils.lessons.matching import (
    as_array,
    as_number,
    call_function,
    compare_answer,
    require_words,
    same_partition,
)

PLURAL = "A plural with -s counts too."
WHOLE = "Only whole words count."
CAPTIONS = (
    ("A red apple", "red", True, ""),
    ("A RED apple", "red", True, "Capitals count as small letters."),
    ("Red, ripe and round.", "ripe", True, ""),
    ("Stop here.", "here", True, "A full stop is not part of the word."),
    ("Three (hot) stars!", "star", True, PLURAL),
    ("Give way—then go", "way", True, "A dash ends a word too."),
    ("A starfish", "star", False, WHOLE),
    ("A mustard jar", "star", False, WHOLE),
    ("A stark hill", "star", False, f"{WHOLE} The letter after it is no -s."),
    ("Bushy hair", "bush", False, f"{WHOLE} The letter after it is no -s."),
    ("A custard pie", "tar", False, WHOLE),
    ("A bus", "bu", True, "An -s at the end is allowed, whatever the word."),
    ("A bus", "bus", True, "Do not remove an -s that belongs to the word."),
    ("Some glass", "glass", True, "Do not remove an -s that belongs to the word."),
    ("Two cats, asleep", "cat", True, PLURAL),
    ("My cat's tail", "cat", True, "An apostrophe ends a word too."),
    ("Two buss", "bus", True, PLURAL),
    ("A star", "stars", False, "An -s may be added to the word, not taken from it."),
    ("Tea for two", "two", True, ""),
    ("Stars, starfish", "star", True, "One whole word is enough."),
    ("", "red", False, "An empty caption contains no word."),
)


@exercise(
    "Whole words",
    hint="Turn every character that is not a letter into a space (`c.isalnum()` tells "
    "which), then use .lower() and .split(). Is the word, or the word with an -s, in "
    "that list?",
)
def ex10_1(has_word):
    """Write `has_word(caption, word)`: whether the caption contains the whole word.

    Capitals do not matter, and an -s at the end is allowed. Return True or False.
    """
    for caption, word, expected, why in CAPTIONS:
        found = call_function(has_word, caption, word)
        if not isinstance(found, bool | np.bool_):
            raise NotYet(
                f"Return True or False, not {found!r}; bool(…) converts an answer."
            )
        if bool(found) != expected:
            said = f"has_word({caption!r}, {word!r}) is {found}, not {expected}. {why}"
            raise NotYet(said.strip())
    return "whole words"


@exercise(
    "The medoid",
    hint="Divide every row by its length, compute 1 − the products of all rows with "
    "all, and find the row with the smallest mean.",
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
        mean = normalize(vectors.mean(axis=0, keepdims=True))
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
            "This row is the nearest to the centre of the vectors as they are: divide "
            "every row by its length first.": _smallest_sum(1 - directions @ mean.T),
            "This row has the smallest *nearest* distance: take the mean of all.": (
                _smallest_sum(_nearest(directions))
            ),
        }
        otherwise = f"Row {found:.0f} is not the medoid: row {expected} is."
        compare_answer(found, expected, mistakes, otherwise)
    return "smallest mean cosine distance"


def _clouds():
    generator = np.random.default_rng(9)
    for n_images in (7, 12, 20):
        directions = generator.normal(size=(n_images, 5)) + 1
        yield directions * generator.uniform(0.2, 5, size=(n_images, 1))
    yield np.array([[1.0, 0.0], [0.0, 2.0]])  # a tie: the first


def _smallest_sum(distances):
    return int(distances.sum(axis=1).round(9).argmin())


def _nearest(directions):
    distances = 1 - directions @ directions.T
    np.fill_diagonal(distances, np.inf)
    return distances.min(axis=1, keepdims=True)


# In random order, but image 0 is at an end: its number has the whole way to go
CHAIN = np.r_[29, np.random.default_rng(30).permutation(29)]
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
    hint="Give every image a number of its own. In a `while True` loop, each image "
    "takes the smallest number of the images near it; stop when a round changes "
    "nothing.",
)
def ex10_3(groups_within):
    """Write `groups_within(distances, threshold)`: a group number for each image.

    Images at most `threshold` apart are in the same group, and so are chains of them.
    distances has shape (n, n).
    """
    for places, threshold, expected, why in POINTS_ON_A_LINE:
        found = _groups_on_a_line(groups_within, places, threshold)
        otherwise = (
            f"For images at {places} on a line and the threshold {threshold}, your "
            f"groups are {found.astype(int).tolist()}, not {expected}. {why}"
        )
        compare_answer(found, expected, {}, otherwise.strip(), same_partition)
    for places in (CHAIN, np.r_[CHAIN, CHAIN + 40]):
        found = _groups_on_a_line(groups_within, places, 1)
        n_chains = len(places) // 30
        if not same_partition(found, np.repeat(np.arange(n_chains), 30)):
            raise NotYet(
                f"Chains of 30 images in random order, {n_chains} in number, became "
                f"{len(np.unique(found))} groups: repeat the rounds until one of them "
                "changes nothing."
            )
    generator = np.random.default_rng(3)
    for size in (8, 25):
        points = generator.uniform(size=(size, 2))
        distances = cdist(points, points)
        found = call_function(groups_within, distances, 0.15)
        found = as_array(found, "one group number per image", (size,))
        expected = connected_components(distances <= 0.15)[1]
        otherwise = (
            f"For {size} random points, your function finds {len(np.unique(found))} "
            f"groups, but there are {len(np.unique(expected))}."
        )
        compare_answer(found, expected, {}, otherwise, same_partition)
    return "connected components"


def _groups_on_a_line(groups_within, places, threshold):
    distances = np.abs(np.subtract.outer(places, places)).astype(float)
    value = call_function(groups_within, distances, threshold)
    return as_array(value, "one group number per image", (len(places),))


@exercise(
    "How good are the groups?",
    hint="np.triu_indices(n, k=1) gives every pair once. Two images of a pair are "
    "together if their group numbers are equal.",
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
            "Give shares from 0 to 1, not percentages.": np.array(expected) * 100,
            "Both numbers are divided by all pairs: divide the precision by the pairs "
            "found, the recall by the true pairs.": _hits_of_all(found, truth),
        }
        otherwise = (
            f"For found {found[:6].tolist()} … and truth {truth[:6].tolist()} …, you "
            f"give {answer[0]:.3f} and {answer[1]:.3f}, but {expected[0]:.3f} and "
            f"{expected[1]:.3f} are right."
        )
        compare_answer(answer, expected, mistakes, otherwise)
    return "pairs"


def _pairs(found, truth, k=1):
    one, other = np.triu_indices(len(found), k=k)
    return found[one] == found[other], truth[one] == truth[other]


def _pair_scores(found, truth, k=1):
    together, really = _pairs(found, truth, k)
    hits = (together & really).sum()
    return [float(hits / together.sum()), float(hits / really.sum())]


def _hits_of_all(found, truth):
    together, really = _pairs(found, truth)
    return [float((together & really).mean())] * 2


FEATURES = "EfficientNetLite0", "SqueezeNet"


@exercise(
    "A search of your own",
    hint="In this order: images.search_captions, representations.extract, "
    "clustering.without_duplicates with your threshold, the subset of images and the "
    "rows of features that are left, clustering.cluster, clustering.medoids.",
)
def ex10_5(my_words, my_threshold, my_labels, my_medoids, my_reading):
    """Search the stamps, drop near-duplicates, cluster, and read the clusters.

    The check searches `stamps-all` for your words and filters with your threshold
    itself; there must be one label per image that is left, and the medoids must be
    those of your clusters. The features are those of a bundled network.
    """
    found = _own_search(my_words)
    threshold = as_number(my_threshold, "one number, the threshold")
    if not 0 < threshold < 1:
        raise NotYet(
            f"A threshold of {threshold:g} does not filter near-duplicates: take a "
            "cosine distance between 0 and 1."
        )
    labels = as_array(my_labels, "one cluster label per image that is left")
    clusters = np.unique(labels[labels != -1])
    wrong = None
    for network in FEATURES:
        vectors = representations.extract(found, network, progress=False)
        kept = clustering.without_duplicates(vectors, threshold)
        problem = _compare(labels, my_medoids, clusters, vectors[kept], len(found))
        if not problem:
            break
        wrong = wrong or problem  # what the lesson's own network says
    else:
        raise NotYet(wrong)
    require_words(attempted(my_reading), "Your reading", 8, 80, different=7)
    return {
        "words": [str(word) for word in _as_words(my_words)],
        "threshold": threshold,
        "clusters": len(clusters),
        "reading": str(my_reading),
    }


def _as_words(my_words):
    words = attempted(my_words)
    return [words] if isinstance(words, str) else list(words)


def _own_search(my_words):
    """The images of stamps-all that the words find; NotYet if these are no words."""
    if hasattr(my_words, "captions"):
        raise NotYet("The first answer is the words that you searched for, as texts.")
    try:
        words = _as_words(my_words)
    except TypeError:
        words = [my_words]
    if not words or not all(isinstance(word, str) for word in words):
        raise NotYet("The first answer is the words that you searched for, as texts.")
    stamps = images.load("stamps-all", progress=False)
    try:
        found = images.search_captions(stamps, *words)
    except ValueError as error:
        raise NotYet(f"The search of the stamps fails: {as_sentence(error)}") from None
    if len(found) < 8:
        raise NotYet(
            f"Your words find {len(found)} images of stamps-all: search for more, so "
            "that at least eight are found."
        )
    if len(found) > 200:
        raise NotYet(
            f"Your words find {len(found)} images, nearly half of the collection: "
            "search for fewer words."
        )
    return found


def _compare(labels, my_medoids, clusters, vectors, n_found):
    """What is wrong with labels and medoids for these features, or None."""
    if labels.shape != (len(vectors),):
        filtered = " That is the search before the filter." * (len(labels) == n_found)
        return (
            f"After the filter {len(vectors)} images are left, but there "
            f"are {labels.size} labels.{filtered}"
        )
    if len(vectors) < 6:
        return (
            f"Only {len(vectors)} images are left: take a smaller threshold or search "
            "for more words."
        )
    if not 2 <= len(clusters) < len(vectors):
        return "Take two clusters or more, and fewer than there are images left."
    if not isinstance(my_medoids, dict):
        return "The fourth answer is the dictionary that clustering.medoids returns."
    expected = clustering.medoids(vectors, labels)
    try:
        medoids = {int(key): int(value) for key, value in my_medoids.items()}
    except (TypeError, ValueError):
        return "The medoids are {cluster label: index}, as clustering.medoids returns."
    if set(medoids) != set(expected):
        return (
            f"The medoids are of the clusters {sorted(medoids)}, but your labels are "
            f"{sorted(expected)}."
        )
    if medoids != expected:
        wrong = next(key for key in expected if medoids[key] != expected[key])
        return (
            f"The medoid of cluster {wrong} is image {expected[wrong]} of those that "
            f"are left, not {medoids[wrong]}: give clustering.medoids the features "
            "after the filter and your labels."
        )
    if _is_invented(vectors, labels):
        return (
            "Your clusters are no more compact than clusters drawn at random: cluster "
            "the features of the images that are left."
        )
    return None


def _is_invented(vectors, labels):
    """Whether labels fit the features hardly better than the same labels shuffled."""
    directions, labels = normalize(vectors)[labels != -1], labels[labels != -1]

    def compactness(labels):
        groups = [directions[labels == label] for label in np.unique(labels)]
        return sum((group.sum(axis=0) ** 2).sum() / len(group) for group in groups)

    shuffle = np.random.default_rng(0).permutation
    chance = [compactness(shuffle(labels)) for _ in range(100)]
    return compactness(labels) < np.mean(chance) + np.std(chance)
