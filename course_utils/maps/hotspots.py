"""Hotspots: dense groups of images on a map, each with a typical image and its words.

A hotspot is a density cluster of the points on a map, found without any labels. Its
typical image is the medoid in the features, not on the map; its words are nouns that
are more frequent in the captions of its images than elsewhere.
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
SIGNIFICANT = 1  # standard deviation above what all captions have
COMMON = 0.1  # share of the captions of a group that a term of it is in
WORD = r"[^\W_]+(?:['’-][^\W_]+)*"
# A noun phrase begins after these, as after "a" and "pair of", not after the others.
BEFORE_NOUNS = """
a about above across after along among an and another around at before behind below
beneath beside between bunch by each every for from head her his in inside into its kind
like my near no of off on one or our out outside over pair set some that the their these
this those three through to towards two under upon with without your
"""
OTHER_STOP_WORDS = """
ahead all also always am are as away be been being but called came can come comes could
did do does doing done down drive first for found gave get gets give given gives go goes
going gone had has have he here how i if is it just keep keeps lands last left let lets
look looks made make makes many may me mean means meant more most much must near never
next not now once only other others put puts quickly said same say says see seen she
should show shown shows slowly so stands still stop stops take taken takes than them
then there they too up us use used uses very was we were what when where which while who
whom why will would you
"""
BEFORE_NOUNS = frozenset(BEFORE_NOUNS.split())
STOP_WORDS = BEFORE_NOUNS | frozenset(OTHER_STOP_WORDS.split())


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
    not be dense in the features: t-SNE and UMAP make clusters out of noise (lesson 8).
    HDBSCAN's default `allow_single_cluster=False` is kept, so the answer is never one
    hotspot: it is none, or at least two.

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
        Words per hotspot, nouns that are over-represented in its captions.

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


def n_words(image_set):
    """How many words to show for a group: one of a network's, since it only guesses."""
    return 1 if image_set.captions is None else 3


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
    """The distinct terms of each caption: nouns, alone and with the word before them.

    A plural is taken for its singular where some caption holds that, too. What the
    network offers is a list of nouns already, and each of them is kept whole.
    """
    offered = set(nouns.imagenet_class_names())
    lists = [caption.split(", ") for caption in captions]
    phrases = [
        [] if offered.issuperset(names) else list(_noun_phrases(caption))
        for caption, names in zip(captions, lists, strict=True)
    ]
    known = {word for found in phrases for phrase in found for word in phrase}
    terms = []
    for found, names in zip(phrases, lists, strict=True):
        if offered.issuperset(names):
            terms.append({(name,) for name in names})
            continue
        ends = [tuple(_singular(word, known) for word in p[-2:]) for p in found]
        terms.append({t for end in ends for t in (end, end[-1:])})
    return terms


def _noun_phrases(caption):
    """The runs of words that look like noun phrases; their last word is the noun.

    English without a dictionary: a phrase begins with a caption, after a comma or the
    like, or after an article, a number or a preposition, and ends before a stop word.
    What an image does (", running") is no noun.
    """
    for number, piece in enumerate(re.split(r"[^\w\s'’-]", caption.lower())):
        phrase, may_begin = [], True
        for word in [*re.findall(WORD, piece), "is"]:
            if word in STOP_WORDS:
                if phrase:
                    yield tuple(phrase)
                phrase, may_begin = [], word in BEFORE_NOUNS
                continue
            acts = number > 0 and not phrase and re.fullmatch(r"\w{3,}ing", word)
            if may_begin and not acts and any(map(str.isalpha, word)):
                phrase.append(word)


def _singular(word, known):
    for end, instead in (("ies", "y"), ("es", ""), ("s", "")):
        if word.endswith(end) and word.removesuffix(end) + instead in known:
            return word.removesuffix(end) + instead
    return word


def _best(terms, everywhere, n_words):
    """The terms that are most over-represented in these captions: tuple of str.

    They are in several captions and no small share of them: one rare word is no name.
    """
    inside = collections.Counter(itertools.chain(*terms))
    scores = _over_represented(inside, everywhere)
    chosen = []
    for term in sorted(scores, key=lambda t: (-round(scores[t], 9), -len(t), t)):
        if len(chosen) == n_words or scores[term] < SIGNIFICANT:
            break
        common = inside[term] >= max(2, COMMON * len(terms))
        if common and not any(set(term) & set(other) for other in chosen):
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
