"""TAC without training: k-means on pictures and on what nouns tell of them.

Pictures (n, d) and nouns (m, d) are vectors of length 1 in one space, as for SIC in
`semantics.py`. Source: Li et al., *Image clustering with external guidance*, ICML 2024,
arXiv 2310.11989; the paper's other variant also trains two heads.
"""

import numpy as np
from scipy.special import softmax
from sklearn.cluster import kmeans_plusplus
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from course_utils.clustering import SMALL, check_k, renumber
from course_utils.semantics import check_vectors


def spherical_kmeans(pictures, k, seed=0, n_init=10, n_rounds=300):
    """k-means by cosine, its centres kept at length 1: labels (n,) and centres (k, d).

    Of n_init starts the one with the highest sum of cosines. A centre left without
    pictures stays where it is. Source: Dhillon and Modha, Machine Learning 42, 2001.
    """
    pictures = check_vectors("pictures", pictures)
    check_k(k, len(pictures))
    best, seeds = None, np.random.RandomState(seed)
    for _ in range(n_init):
        centres, _ = kmeans_plusplus(pictures, k, random_state=seeds)
        labels = None
        for _ in range(n_rounds):
            cosines = pictures @ centres.T
            found = cosines.argmax(axis=1)
            if labels is not None and (found == labels).all():
                break
            labels = found
            sums = np.eye(k)[labels].T @ pictures
            lengths = np.linalg.norm(sums, axis=1, keepdims=True)
            empty = lengths < 1e-12
            centres = np.where(empty, centres, sums / np.where(empty, 1, lengths))
        total = cosines.max(axis=1).sum()
        if best is None or total > best[0] + 1e-9:
            best = total, labels, centres
    return best[1], best[2]


def distinctive_nouns(pictures, nouns, n_centres, n_each=5, seed=0):
    """TAC's choice of nouns: int array of indices, rising.

    n_centres centres of the pictures, many more than clusters. Every noun goes to its
    nearest centre; a centre keeps the n_each that the softmax over the *centres* gives
    it most surely: nouns that tell it from the other centres.
    """
    pictures, nouns = check_vectors("pictures", pictures), check_vectors("nouns", nouns)
    _, centres = spherical_kmeans(pictures, n_centres, seed)
    shares = softmax(centres @ nouns.T, axis=0)
    nearest, sureness = shares.argmax(axis=0), shares.max(axis=0)
    kept = []
    for centre in range(n_centres):
        own = np.flatnonzero(nearest == centre)
        kept.extend(own[np.argsort(-sureness[own], kind="stable")[:n_each]])
    return np.sort(np.array(kept, dtype=int))


def counterparts(pictures, nouns, temperature=0.005):
    """Each picture told in nouns: the mean noun, weighted by fit, of length 1: (n, d).

    The weights are the softmax of the cosines / temperature: the lower it is, the more
    the best nouns count.
    """
    weights = softmax(pictures @ nouns.T / temperature, axis=1)
    return normalize(weights @ nouns)


def tac(pictures, nouns, k, *, n_centres=None, n_each=5, temperature=0.005, seed=0):
    """TAC without training: cluster labels (n,) of pictures and counterparts together.

    n_centres: by default as in the paper's experiments, n / 300, or 3 k where that is
    not above k. Same seed, same labels.
    """
    pictures, nouns = check_vectors("pictures", pictures), check_vectors("nouns", nouns)
    check_k(k, len(pictures))
    if n_centres is None:
        n_centres = round(len(pictures) / 300)
        n_centres = n_centres if n_centres > k else min(3 * k, len(pictures))
    # On few numbers, threads cost more than they bring, much more on a busy machine.
    with threadpool_limits(1 if pictures.size < SMALL else None):
        chosen = distinctive_nouns(pictures, nouns, n_centres, n_each, seed)
        told = counterparts(pictures, nouns[chosen], temperature)
        both = normalize(np.hstack([pictures, told]))
        return renumber(spherical_kmeans(both, k, seed, n_init=20)[0])
