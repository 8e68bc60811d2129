"""Hotspots: dense groups of images on a map, each with a typical image and its words.

A hotspot is a density cluster of the points on a map, found without any labels. Its
typical image is the medoid in the features, not on the map; its words are more frequent
in the captions of its images than elsewhere.
"""

import collections
import itertools
import re
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax
from sklearn.cluster import HDBSCAN

from course_utils.clustering import representatives
from course_utils.representations import extraction, nouns

NETWORK = "EfficientNetLite0"
SURE = 0.2  # a second or third noun needs this probability
PRIOR = 0.1  # weight of all captions, see `_over_represented`
WORD = r"[^\W_]+(?:['’-][^\W_]+)*"
STOP_WORDS = """
a about after all an and another are around as at be been behind being below
between but by called can do for from had has have he her his how i in inside into is
it its me my near next no not of off on one or other our out outside over s she
so some t that the their them then there these they this those three to two
under up very was we were what when where which while who with you your
"""
STOP_WORDS = frozenset(STOP_WORDS.split())


@dataclass(frozen=True, eq=False)
class Hotspot:
    """A crowded place of a map.

    label: 0 for the biggest hotspot, then 1, 2, … members: int array, the indices of
    its pictures. medoid: index of the most typical one. centre: (x, y), the medians of
    the members' coordinates. words: the words it is known by, the best first.
    """

    label: int
    members: np.ndarray
    medoid: int
    centre: tuple
    words: tuple


def find_hotspots(points, features, words=None, *, min_size=None, n_words=3):
    """Find the hotspots of a map: dense groups of images, the largest first.

    Images between the dense groups belong to no hotspot. What is dense on a map need
    not be dense in the features: t-SNE and UMAP make clusters out of noise, see lesson
    7.

    Parameters
    ----------
    points : array (n_images, 2)
        The map.
    features : array (n_images, n_features)
        Used for the medoids alone.
    words : sequence of str (n_images,), optional
        One caption per image; without them hotspots have no words.
    min_size : int, optional
        The fewest images of a hotspot. Default: the larger of 5 and 1 % of the images.
    n_words : int
        Words per hotspot, those over-represented in its captions.

    Returns
    -------
    list of Hotspot
        Each with `label`, `members`, `medoid`, `centre` and `words`; may be empty.

    Raises
    ------
    ValueError
        If shapes do not fit together or points are not finite.

    See Also
    --------
    sklearn.cluster.HDBSCAN

    References
    ----------
    R. Campello, D. Moulavi, J. Sander: *Density-based clustering based on hierarchical
    density estimates*. PAKDD 2013.

    Examples
    --------
    >>> points = np.random.default_rng(0).normal(size=(20, 2)) / 9
    >>> points[10:] += 5
    >>> [len(spot.members) for spot in find_hotspots(points, points)]
    [10, 10]
    """
    points, features = np.asarray(points, dtype=np.float64), np.asarray(features)
    n_images = len(points)
    if points.shape != (n_images, 2) or not np.isfinite(points).all():
        raise ValueError(
            f"points have shape {points.shape}: (n, 2) is needed, all of them finite."
        )
    for what, given in (("features", features), ("words", words)):
        if given is not None and len(given) != n_images:
            raise ValueError(f"{n_images} points, but {what} of {len(given)} pictures.")
    min_size = max(5, n_images // 100) if min_size is None else min_size
    if min_size < 2:
        raise ValueError(f"min_size={min_size}: a hotspot has 2 pictures or more.")
    if n_images < min_size:
        return []
    labels = HDBSCAN(
        min_cluster_size=int(min_size), min_samples=min(5, n_images), copy=True
    ).fit_predict(points)
    said = describe([""] * n_images if words is None else words, labels, n_words)
    medoids, found = representatives.medoids(features, labels), []
    for label, cluster in enumerate(representatives.top_clusters(labels).tolist()):
        members = np.flatnonzero(labels == cluster)
        found.append(
            Hotspot(
                label=label,
                members=members,
                medoid=medoids[cluster],
                centre=tuple(np.median(points[members], axis=0).tolist()),
                words=said[cluster],
            )
        )
    return found


def hotspot_words(image_set, progress=False):
    """Return one text per image: its caption, or what a network takes the image for.

    Without captions the text holds the most probable of ImageNet's 1000 nouns by the
    bundled EfficientNetLite0, and up to two more if their probability is at least .2.
    The network is often wrong and knows no other nouns. Names of classes and folders
    are never used: they are the true labels.

    Parameters
    ----------
    image_set : ImageSet
    progress : bool
        Show a progress bar while features are extracted.

    Returns
    -------
    list of str (n_images,)
    """
    if image_set.captions is not None:
        return list(image_set.captions)
    pooled = extraction.extract(image_set, NETWORK, progress=progress)
    names, probabilities = _guesses(pooled)
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :3]
    return [
        ", ".join(names[[first, *(i for i in others if row[i] >= SURE)]])
        for row, (first, *others) in zip(probabilities, best, strict=True)
    ]


def _guesses(pooled):
    """The nouns, and what the network's last layer makes of its features (n, 1280).

    Probabilities (n, 1000), as a second pass of all pictures through it would give.
    """
    names, weights, biases = nouns.last_layer()
    return np.array(names), softmax(pooled @ weights.T + biases, axis=1)


def describe(words, cluster_labels, n_words=3):
    """The words of each cluster, like those of hotspots: {cluster label: tuple of str}.

    words: a text a picture; cluster_labels: int array (n,); noise (-1) has no words.
    """
    cluster_labels = np.asarray(cluster_labels)
    if cluster_labels.shape != (len(words),):
        raise ValueError(
            f"{len(words)} texts, but labels of shape {cluster_labels.shape}."
        )
    terms = _terms(words)
    everywhere = collections.Counter(itertools.chain(*terms))
    return {
        int(cluster): _best(
            [terms[i] for i in np.flatnonzero(cluster_labels == cluster)],
            everywhere,
            n_words,
        )
        for cluster in representatives.top_clusters(cluster_labels)
    }


def _terms(captions):
    """The distinct terms of each caption: words and pairs of words, without stop words.

    A plural is taken for its singular where some caption holds that, too.
    """
    pieces = [  # a pair does not reach across a comma
        [re.findall(WORD, piece) for piece in re.split(r"[^\w\s'’-]", caption.lower())]
        for caption in captions
    ]
    known = {word for piece in pieces for run in piece for word in run}
    single = {word: _singular(word, known) for word in known}
    found = []
    for piece in pieces:
        runs = [[single[word] for word in run] for run in piece]
        pairs = [pair for run in runs for pair in itertools.pairwise(run)]
        alone = [(word,) for run in runs for word in run]
        found.append({t for t in alone + pairs if not any(map(_says_nothing, t))})
    return found


def _says_nothing(word):
    return word in STOP_WORDS or not any(map(str.isalpha, word))


def _singular(word, known):
    for end, instead in (("ies", "y"), ("es", ""), ("s", "")):
        if word.endswith(end) and word.removesuffix(end) + instead in known:
            return word.removesuffix(end) + instead
    return word


def _best(terms, everywhere, n_words):
    """The terms that are most over-represented in these captions: tuple of str."""
    inside = collections.Counter(itertools.chain(*terms))
    scores = _over_represented(inside, everywhere)
    chosen = []
    for term in sorted(scores, key=lambda t: (-round(scores[t], 9), -len(t), t)):
        if len(chosen) == n_words or scores[term] <= 0:
            break
        if inside[term] > 1 and not any(set(term) & set(other) for other in chosen):
            chosen.append(term)
    return tuple(" ".join(term) for term in chosen)


def _over_represented(inside, everywhere):
    """How much more often a term stands inside than outside: {term: z-score}.

    The log-odds ratio with an informative prior, in standard deviations; the prior are
    the counts everywhere, scaled. Source: Monroe, Colaresi and Quinn, *Fightin' words*,
    Political Analysis 16 (2008), formulas 15, 20 and 22.
    """
    n_inside, n_all = inside.total(), everywhere.total()
    scores = {}
    for term, count in inside.items():
        prior, total = PRIOR * everywhere[term], PRIOR * n_all
        one, other = count + prior, everywhere[term] - count + prior
        rest_one = n_inside + total - one
        rest_other = n_all - n_inside + total - other
        if min(rest_one, rest_other) > 0:
            difference = np.log(one / rest_one) - np.log(other / rest_other)
            scores[term] = float(difference / np.sqrt(1 / one + 1 / other))
    return scores
