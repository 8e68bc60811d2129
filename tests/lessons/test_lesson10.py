"""Checks of lesson 10: right, wrong in the usual ways, and untouched answers."""

import functools
import re

import numpy as np
from lesson_answers import answer_tests, own_answers  # noqa: F401
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist, squareform
from sklearn.metrics.cluster import pair_confusion_matrix

from course_utils import clustering, images, representations
from course_utils.lessons import exercises


def has_word(caption, word):
    letters = "".join(c if c.isalnum() else " " for c in caption.lower())
    return any(w in (word, word + "s") for w in letters.split())


def medoid(axis=1, unit=True, largest=False, kind=int):
    def answer(vectors):
        rows = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        rows = rows if unit else vectors
        sums = (1 - rows @ rows.T).sum(axis=axis).round(9)
        return kind(sums.argmax() if largest else sums.argmin())

    return answer


def euclidean(vectors):
    return np.linalg.norm(vectors[:, None] - vectors, axis=2).sum(axis=1).argmin()


def groups(distances, threshold, strict=False, chains=True):
    near = distances < threshold if strict else distances <= threshold
    np.fill_diagonal(near, True)
    numbers = np.arange(len(near))
    for _ in range(len(near) if chains else 1):
        numbers = np.array([numbers[row].min() for row in near])
    return numbers


def pair_scores(found, truth, k=1, swap=False):
    one, other = np.triu_indices(len(found), k=k)
    together, really = found[one] == found[other], truth[one] == truth[other]
    both = (together & really).sum()
    values = both / together.sum(), both / really.sum()
    return values[::-1] if swap else values


def split_by_hand(caption, word):
    tokens, token = [], ""
    for c in caption.lower() + " ":
        if c.isalpha():
            token += c
        else:
            tokens.append(token)
            token = ""
    return word in tokens or word + "s" in tokens


def stripped(caption, word):
    """The -s of every word taken off: a bus becomes a bu."""
    letters = "".join(c if c.isalnum() else " " for c in caption.lower())
    return word in [w.rstrip("s") for w in letters.split()]


def started(caption, word):
    letters = "".join(c if c.isalnum() else " " for c in caption.lower()).split()
    return any(w.startswith(word) and len(w) <= len(word) + 1 for w in letters)


def medoid_by_loops(vectors):
    best, least = 0, np.inf
    for i, a in enumerate(vectors):
        total = 0
        for b in vectors:
            total += 1 - a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
        if total < least - 1e-9:
            best, least = i, total
    return best


def near_the_mean(vectors):
    rows = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return (rows @ vectors.mean(axis=0)).argmax()


def nearest_of_all(vectors):
    between = cdist(vectors, vectors, "cosine")
    np.fill_diagonal(between, 9)
    return between.min(axis=1).round(9).argmin()


def flood(distances, threshold):
    groups, n_groups = [None] * len(distances), 0
    for start in range(len(distances)):
        if groups[start] is None:
            stack = [start]
            while stack:
                i = stack.pop()
                if groups[i] is None:
                    groups[i] = n_groups
                    stack += np.flatnonzero(distances[i] <= threshold).tolist()
            n_groups += 1
    return groups


def passes(n_passes):
    def answer(distances, threshold):
        numbers = np.arange(len(distances))
        for _ in range(n_passes):
            numbers = np.array([numbers[row <= threshold].min() for row in distances])
        return numbers

    return answer


def pair_scores_by_loops(found, truth):
    hits = n_found = n_true = 0
    for i in range(len(found)):
        for j in range(i):
            n_found += found[i] == found[j]
            n_true += truth[i] == truth[j]
            hits += found[i] == found[j] and truth[i] == truth[j]
    return hits / n_found, hits / n_true


def by_library(found, truth):
    (_, fp), (fn, tp) = pair_confusion_matrix(truth, found)
    return tp / (tp + fp), tp / (tp + fn)


def hits_of_all(found, truth):
    one, other = np.triu_indices(len(found), k=1)
    hits = (found[one] == found[other]) & (truth[one] == truth[other])
    return hits.mean(), hits.mean()


READING = "Flags and heads of lettuce are two senses, but three lights became one."
WORDS = ["light", "head", "flag", "means", "gun"]


@functools.cache
def own_search(words=tuple(WORDS), threshold=0.03, network="EfficientNetLite0"):
    """(images found, features of those that are left)."""
    found = images.search_captions(images.load("stamps-all", progress=False), *words)
    vectors = representations.extract(found, network, progress=False)
    return found, vectors[clustering.without_duplicates(vectors, threshold)]


def answer(algorithm="l2+kmeans", k=4, kind=None, **options):
    """The five things of 10.5, one of them changed by `kind`."""
    _, left = own_search(**options)
    labels = clustering.cluster(left, algorithm, k)
    medoids = clustering.medoids(left, labels)
    words = list(options.get("words", WORDS))
    threshold = options.get("threshold", 0.03)
    answers = [words, threshold, labels, medoids, READING]
    return tuple((kind or (lambda *x: x))(*answers))


def unfiltered(words, threshold, labels, medoids, reading):
    found, _ = own_search()
    vectors = representations.extract(found, "EfficientNetLite0", progress=False)
    labels = clustering.cluster(vectors, "l2+kmeans", 4)
    return words, threshold, labels, clustering.medoids(vectors, labels), reading


def invented(words, threshold, labels, medoids, reading):
    _, left = own_search()
    labels = np.arange(len(left)) % 3
    return words, threshold, labels, clustering.medoids(left, labels), reading


def with_(place, value):
    def change(*answers):
        return *answers[:place], value, *answers[place + 1 :]

    return change


RIGHT = [
    ("ex10_1", has_word),
    ("ex10_1", split_by_hand),
    ("ex10_1", lambda c, w: re.search(rf"\b{w}s?\b", c.lower()) is not None),
    ("ex10_1", lambda c, w: bool({w, w + "s"} & set(re.findall(r"\w+", c.lower())))),
    ("ex10_1", lambda c, w: bool({w, w + "s"} & set(re.split("[^a-z]", c.lower())))),
    ("ex10_1", lambda c, w: np.bool_(has_word(c, w))),
    ("ex10_2", medoid()),
    ("ex10_2", medoid(kind=np.int64)),
    ("ex10_2", medoid_by_loops),
    ("ex10_2", lambda v: cdist(v, v, "cosine").mean(axis=1).round(9).argmin()),
    ("ex10_2", lambda v: np.array([medoid()(v)])[0]),
    ("ex10_2", lambda v: clustering.medoids(v, np.zeros(len(v), int))[0]),
    ("ex10_3", groups),
    ("ex10_3", flood),
    ("ex10_3", lambda d, t: [int(n) + 7 for n in groups(d, t)]),
    ("ex10_3", lambda d, t: connected_components(d <= t)[1]),
    ("ex10_3", lambda d, t: fcluster(linkage(squareform(d), "single"), t, "distance")),
    ("ex10_4", pair_scores),
    ("ex10_4", pair_scores_by_loops),
    ("ex10_4", by_library),
    ("ex10_4", lambda f, t: np.array(pair_scores(f, t))),
    ("ex10_4", lambda f, t: list(pair_scores(f, t))),
    ("ex10_5", *answer()),
    ("ex10_5", *answer("l2+ward", 3, lambda *x: (*x[:2], x[2].tolist(), *x[3:]))),
    ("ex10_5", *answer("l2+average", 5, network="SqueezeNet")),
    ("ex10_5", *answer(words=("coin",), threshold=0.05, k=2)),
    ("ex10_5", *answer(words=("coin",), threshold=0.05, k=2, kind=with_(0, "coin"))),
    ("ex10_5", *answer(threshold=0.2)),
]
WRONG = [
    ("ex10_1", lambda c, w: w in c.lower().split(), "full stop"),
    ("ex10_1", lambda c, w: w in c.lower(), "whole words"),
    ("ex10_1", lambda c, w: has_word(c + " ", w) and c == c.lower(), "False"),
    ("ex10_1", lambda c, w: 1, "True or False"),
    ("ex10_1", lambda c, w: re.search(rf"\b{w}s?\b", c.lower()) or False, "bool("),
    ("ex10_1", stripped, "belongs to the word"),
    ("ex10_1", started, "no -s"),
    ("ex10_1", lambda c, w: has_word(c, w.rstrip("s")), "belongs to the word"),
    ("ex10_1", lambda c, w: w in re.findall(r"\w+", c.lower()), "plural"),
    ("ex10_2", medoid(largest=True), "largest"),
    ("ex10_2", medoid(unit=False), "length"),
    ("ex10_2", euclidean, "Euclidean"),
    ("ex10_2", nearest_of_all, "mean of all"),
    ("ex10_2", near_the_mean, "length"),
    ("ex10_2", lambda vectors: vectors.mean(axis=0), "one index"),
    ("ex10_2", lambda vectors: vectors[medoid()(vectors)], "one index"),
    ("ex10_3", lambda d, t: groups(d, t, strict=True), "equal to the threshold"),
    ("ex10_3", lambda d, t: groups(d, t, chains=False), "Chains"),
    ("ex10_3", passes(2), "Chains"),
    ("ex10_3", passes(5), "changes nothing"),
    ("ex10_3", passes(20), "changes nothing"),
    ("ex10_3", lambda d, t: d <= t, "one group number per image"),
    ("ex10_3", lambda d, t: np.zeros(len(d)), "your groups"),
    ("ex10_3", lambda d, t: np.arange(len(d)), "your groups"),
    ("ex10_4", lambda f, t: pair_scores(f, t, swap=True), "swapped"),
    ("ex10_4", lambda f, t: pair_scores(f, t, k=0), "itself"),
    ("ex10_4", lambda f, t: [(f == t).mean()] * 2, "arbitrary"),
    ("ex10_4", hits_of_all, "all pairs"),
    ("ex10_4", lambda f, t: np.array(pair_scores(f, t)) * 100, "percentages"),
    ("ex10_4", lambda f, t: 0.5, "two numbers"),
    ("ex10_4", lambda f, t: (0.51, 0.49), "are right"),
    ("ex10_5", *answer(kind=unfiltered), "before the filter"),
    ("ex10_5", *answer(kind=with_(3, {0: 1, 1: 2})), "clusters [0, 1]"),
    (
        "ex10_5",
        *answer(kind=with_(3, {0: 1, 1: 2, 2: 3, 3: 4})),
        "The medoid of cluster",
    ),
    ("ex10_5", *answer(kind=with_(3, [1, 2, 3, 4])), "dictionary"),
    ("ex10_5", *answer(kind=invented), "at random"),
    ("ex10_5", *answer(kind=with_(2, [0] * 9)), "After the filter"),
    ("ex10_5", *answer(k=1), "Take two clusters"),
    ("ex10_5", *answer(threshold=0.6, k=2), "smaller threshold"),
    ("ex10_5", *answer(kind=with_(1, 0)), "between 0 and 1"),
    ("ex10_5", *answer(kind=with_(0, ["xyzzy"])), "fails"),
    ("ex10_5", *answer(kind=with_(0, ["quarter"])), "at least eight"),
    ("ex10_5", *answer(kind=with_(0, ["a"])), "fewer words"),
    ("ex10_5", *answer(kind=with_(0, own_search()[0])), "words that you searched"),
    ("ex10_5", *answer(kind=with_(0, 3)), "words that you searched"),
    ("ex10_5", *answer(kind=with_(4, "flags")), "reading"),
]

test_right, test_wrong, test_untouched, test_enough = answer_tests(RIGHT, WRONG)


def test_a_hint_is_there_before_the_first_attempt():
    for number in range(1, 6):
        assert len(str(exercises.hint(f"10.{number}"))) > 40
