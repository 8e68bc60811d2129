"""Clustering in a semantic space, where images and nouns are vectors.

All images (n, d) and nouns (m, d) here are vectors of length 1 in one space, so that
`images @ nouns.T` holds their cosines: how well each noun fits each image.
`representations.nouns` and `representations.clip` make such vectors. Two methods use
them: SIC trains a linear head (Cai et al., *Semantic-enhanced image clustering*, AAAI
2023, arXiv 2208.09849). TAC runs k-means on images and on what nouns say about them (Li
et al., *Image clustering with external guidance*, ICML 2024, arXiv 2310.11989); the
paper's other variant, which also trains two heads, is not here.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax
from sklearn.cluster import KMeans, kmeans_plusplus
from sklearn.preprocessing import normalize

from course_utils._support.threads import threads_for
from course_utils.clustering.adam import Adam
from course_utils.clustering.neighbours import nearest_neighbours
from course_utils.clustering.preprocessing import rotate
from course_utils.clustering.validation import (
    check_features,
    check_n_clusters,
    check_random_state,
    renumber,
)

SMALLEST = 1e-8  # a probability inside a logarithm is at least that


@dataclass(frozen=True)
class SICSettings:
    """Settings of SIC; the defaults are the paper's for CIFAR-10.

    Attributes
    ----------
    n_nearest : int
        Nouns kept for each centre (γ_r in the paper).
    generic : float
        Nouns whose cosine with the mean noun reaches this are dropped (1 − γ_u).
    confident : float
        Share of an average cluster that makes up an image centre (ξ_c).
    n_nouns : int
        Nouns in a semantic centre (ξ_a).
    n_neighbours : int
        Neighbours of each image, of which one is drawn in each epoch.
    consistency_weight, semantic_weight, balance_weight : float
        Weights of the three losses (1, β and λ).
    learning_rate, weight_decay, batch_size, n_epochs
        How fast and how long the head is trained; the length is fixed.
    """

    n_nearest: int = 500
    generic: float = 0.95
    confident: float = 0.9
    n_nouns: int = 30
    n_neighbours: int = 20
    consistency_weight: float = 1.0
    semantic_weight: float = 0.1
    balance_weight: float = 5.0
    learning_rate: float = 1e-4
    weight_decay: float = 1e-4
    batch_size: int = 128
    n_epochs: int = 100


def sic(images, nouns, n_clusters, settings=None, random_state=0, history=None):
    """Cluster images by a linear head that learns from neighbours and nouns (SIC).

    Parameters
    ----------
    images : array (n_images, d)
        Vectors of length 1.
    nouns : array (n_nouns, d)
        Vectors of length 1 in the same space.
    n_clusters : int
        Number of clusters.
    settings : SICSettings, default=None
        None takes the paper's.
    random_state : int, default=0
        Seed of the first centres, the head and the batches.
    history : list, default=None
        Each epoch appends a dict: its pseudo-labels "labels" and, over all images, the
        three parts of the loss, "consistency", "semantic" and "balance".

    Returns
    -------
    int array (n_images,)
        Cluster labels, numbered in the order of the images.

    Raises
    ------
    ValueError
        For bad vectors or an impossible number of clusters.

    References
    ----------
    Cai et al., *Semantic-enhanced image clustering*, AAAI 2023, arXiv 2208.09849.
    """
    settings = settings or SICSettings()
    images, nouns = check_vectors("images", images), check_vectors("nouns", nouns)
    if images.shape[1] != nouns.shape[1]:
        raise ValueError(
            f"The images have {images.shape[1]} dimensions and the nouns "
            f"{nouns.shape[1]}: both must be in one space."
        )
    check_n_clusters(n_clusters, len(images))
    check_random_state(random_state)
    with threads_for(images):
        labels = _train(images, nouns, n_clusters, settings, random_state, history)
    return renumber(labels)


def tac(
    images,
    nouns,
    n_clusters,
    *,
    n_centres=None,
    n_each=5,
    temperature=0.005,
    random_state=0,
):
    """Cluster images and their counterparts in nouns together (TAC without training).

    Parameters
    ----------
    images : array (n_images, d)
        Vectors of length 1.
    nouns : array (n_nouns, d)
        Vectors of length 1 in the same space.
    n_clusters : int
        Number of clusters.
    n_centres : int, default=None
        Centres for `distinctive_nouns`; None takes n_images / 300 as in the paper's
        experiments, or 3 n_clusters where that is not above n_clusters.
    n_each : int, default=5
        Nouns per centre.
    temperature : float, default=0.005
        Of `counterparts`.
    random_state : int, default=0
        The same seed gives the same labels.

    Returns
    -------
    int array (n_images,)
        Cluster labels, numbered in the order of the images.

    References
    ----------
    Li et al., *Image clustering with external guidance*, ICML 2024, arXiv 2310.11989.

    Examples
    --------
    >>> import numpy as np
    >>> images, nouns = np.eye(3)[[0, 0, 1, 1]], np.eye(3)
    >>> tac(images, nouns, 2, n_centres=2).tolist()
    [0, 0, 1, 1]
    """
    images, nouns = check_vectors("images", images), check_vectors("nouns", nouns)
    check_n_clusters(n_clusters, len(images))
    if n_centres is None:
        n_centres = round(len(images) / 300)
        if n_centres <= n_clusters:
            n_centres = min(3 * n_clusters, len(images))
    with threads_for(images):
        chosen = distinctive_nouns(images, nouns, n_centres, n_each, random_state)
        described = counterparts(images, nouns[chosen], temperature)
        both = normalize(np.hstack([images, described]))
        return renumber(spherical_kmeans(both, n_clusters, random_state, n_init=20)[0])


def choose_nouns(centres, nouns, n_nearest=500, generic=0.95):
    """Choose the nouns that matter to these images (SIC).

    For every centre the n_nearest nouns, all together, without those that fit
    everything a little.

    Parameters
    ----------
    centres : array (k, d)
        Vectors of length 1.
    nouns : array (n_nouns, d)
        Vectors of length 1 in the same space.
    n_nearest : int, default=500
        Nouns per centre.
    generic : float, default=0.95
        Nouns whose cosine with the mean noun is at least this are dropped.

    Returns
    -------
    int array
        Indices of the nouns, rising.

    Raises
    ------
    ValueError
        For bad vectors, or if no noun is left.

    Examples
    --------
    >>> import numpy as np
    >>> choose_nouns(np.eye(3)[:1], np.eye(3), n_nearest=1).tolist()
    [0]
    """
    centres, nouns = check_vectors("centres", centres), check_vectors("nouns", nouns)
    cosines = centres @ nouns.T
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :n_nearest]
    special = nouns @ normalize(nouns.mean(axis=0, keepdims=True))[0] < generic
    chosen = np.unique(nearest)
    chosen = chosen[special[chosen]]
    if not len(chosen):
        raise ValueError(
            f"No noun is left: all {len(np.unique(nearest))} near a centre have a "
            f"cosine of at least {generic} with the mean noun. Raise generic."
        )
    return chosen


def image_centres(images, probabilities, confident=0.9):
    """Average the most confident images of each cluster (SIC).

    Parameters
    ----------
    images : array (n_images, d)
        Vectors of length 1.
    probabilities : array (n_images, k)
        Of each image for each cluster.
    confident : float, default=0.9
        The most probable `confident` · n / k images of a cluster are averaged, at least
        one.

    Returns
    -------
    array (k, d)
        Centres of length 1.

    Examples
    --------
    >>> import numpy as np
    >>> image_centres(np.eye(2), np.array([[0.9, 0.1], [0.2, 0.8]])).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    n_images, k = probabilities.shape
    n_sure = max(1, int(n_images // k * confident))
    surest = np.argsort(-probabilities, axis=0, kind="stable")[:n_sure]
    return normalize(images[surest].mean(axis=0))


def semantic_centres(centres, nouns, n_nouns=30):
    """Average the nouns nearest to each centre (SIC).

    Parameters
    ----------
    centres : array (k, d)
        Vectors of length 1.
    nouns : array (n_nouns, d)
        Vectors of length 1 in the same space.
    n_nouns : int, default=30
        Nouns per centre.

    Returns
    -------
    array (k, d)
        The mean of the nearest nouns of each centre, scaled to length 1.

    Examples
    --------
    >>> import numpy as np
    >>> semantic_centres(np.eye(2), np.eye(2)[::-1], n_nouns=1).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    nearest = np.argsort(-(centres @ nouns.T), axis=1, kind="stable")[:, :n_nouns]
    return normalize(nouns[nearest].mean(axis=1))


def pseudo_labels(images, centres):
    """Assign each image to the centre with the highest cosine (SIC).

    Parameters
    ----------
    images : array (n_images, d)
        Vectors of length 1.
    centres : array (k, d)
        Vectors of length 1.

    Returns
    -------
    int array (n_images,)
        Numbers of centres.

    Examples
    --------
    >>> import numpy as np
    >>> pseudo_labels(np.eye(2)[[1, 0, 1]], np.eye(2)).tolist()
    [1, 0, 1]
    """
    return (images @ centres.T).argmax(axis=1)


def consistency_loss(probabilities, of_neighbours):
    """−mean log(p_i · p_j): low if an image and its neighbour are surely together.

    Parameters
    ----------
    probabilities, of_neighbours : arrays (n_images, k)
        Rows of probabilities of the images, and of one neighbour of each.

    Returns
    -------
    float
        From 0 on.

    Examples
    --------
    >>> import numpy as np
    >>> round(consistency_loss(np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]])), 3)
    0.693
    """
    together = (probabilities * of_neighbours).sum(axis=1)
    return float(-np.log(np.maximum(together, SMALLEST)).mean())


def semantic_loss(probabilities, labels):
    """Cross-entropy −mean log(p_i of its pseudo-label): low if the head agrees.

    Parameters
    ----------
    probabilities : array (n_images, k)
        Of each image for each cluster.
    labels : int array (n_images,)
        Pseudo-labels.

    Returns
    -------
    float
        From 0 on.

    See Also
    --------
    sklearn.metrics.log_loss : The same, of true labels.

    Examples
    --------
    >>> import numpy as np
    >>> round(semantic_loss(np.array([[0.5, 0.5]]), np.array([1])), 3)
    0.693
    """
    of_label = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(of_label, SMALLEST)).mean())


def balance(probabilities):
    """Entropy, in nats, of the *mean* row: 0 if all is one cluster, log k if equal.

    Parameters
    ----------
    probabilities : array (n_images, k)
        Of each image for each cluster.

    Returns
    -------
    float
        Between 0 and log k.

    Examples
    --------
    >>> import numpy as np
    >>> round(balance(np.eye(2)), 3)
    0.693
    """
    mean = np.maximum(probabilities.mean(axis=0), SMALLEST)
    return float(-(mean * np.log(mean)).sum())


def distinctive_nouns(images, nouns, n_centres, n_each=5, random_state=0):
    """Choose the nouns that distinguish the centres of the images (TAC).

    Every noun is assigned to its nearest centre; a centre keeps the n_each nouns that
    the softmax over the *centres* gives it with most certainty.

    Parameters
    ----------
    images : array (n_images, d)
        Vectors of length 1.
    nouns : array (n_nouns, d)
        Vectors of length 1 in the same space.
    n_centres : int
        Centres of the images, by spherical k-means: many more than clusters.
    n_each : int, default=5
        Nouns per centre.
    random_state : int, default=0
        Seed of the centres.

    Returns
    -------
    int array
        Indices of the nouns, rising.

    Examples
    --------
    >>> import numpy as np
    >>> images, nouns = np.eye(3)[[0, 0, 1]], np.eye(3)
    >>> distinctive_nouns(images, nouns, n_centres=2, n_each=1).tolist()
    [0, 1]
    """
    images, nouns = check_vectors("images", images), check_vectors("nouns", nouns)
    _, centres = spherical_kmeans(images, n_centres, random_state)
    shares = softmax(centres @ nouns.T, axis=0)
    nearest, sureness = shares.argmax(axis=0), shares.max(axis=0)
    kept = []
    for centre in range(n_centres):
        own = np.flatnonzero(nearest == centre)
        kept.extend(own[np.argsort(-sureness[own], kind="stable")[:n_each]])
    return np.sort(np.array(kept, dtype=int))


def counterparts(images, nouns, temperature=0.005):
    """Describe each image by its nouns: their softmax-weighted mean (TAC).

    Parameters
    ----------
    images : array (n_images, d)
        Vectors of length 1.
    nouns : array (n_nouns, d)
        Vectors of length 1 in the same space.
    temperature : float, default=0.005
        The cosines are divided by it: the lower, the more the best nouns count.

    Returns
    -------
    array (n_images, d)
        Vectors of length 1.

    Examples
    --------
    >>> import numpy as np
    >>> counterparts(np.array([[0.6, 0.8]]), np.eye(2)).round(2).tolist()
    [[0.0, 1.0]]
    """
    weights = softmax(images @ nouns.T / temperature, axis=1)
    return normalize(weights @ nouns)


def spherical_kmeans(images, n_clusters, random_state=0, n_init=10, n_rounds=300):
    """k-means by cosine, with centres of length 1: labels (n,) and centres (k, d).

    scikit-learn's KMeans does not do this: its centres are means, so that a wide
    cluster has a shorter one, and the nearest centre is not the one with the highest
    cosine. Of n_init starts, the one with the highest sum of cosines is returned. A
    centre left without images stays where it is. Source: Dhillon and Modha, *Concept
    decompositions for large sparse text data using clustering*, Machine Learning 42,
    2001.
    """
    images = check_vectors("images", images)
    check_n_clusters(n_clusters, len(images))
    points = rotate(images)  # few images in many dimensions: the same cosines in fewer
    with threads_for(points):
        best, seeds = None, np.random.RandomState(random_state)
        for _ in range(n_init):
            centres, _ = kmeans_plusplus(points, n_clusters, random_state=seeds)
            labels = None
            for _ in range(n_rounds):
                cosines = points @ centres.T
                found = cosines.argmax(axis=1)
                if labels is not None and (found == labels).all():
                    break
                labels = found
                sums = np.eye(n_clusters)[labels].T @ points
                lengths = np.linalg.norm(sums, axis=1, keepdims=True)
                empty = lengths < 1e-12
                centres = np.where(empty, centres, sums / np.where(empty, 1, lengths))
            total = cosines.max(axis=1).sum()
            if best is None or total > best[0] + 1e-9:
                best = total, labels, centres
    _, labels, centres = best
    if points is not images:  # the same mixture of images, in their own dimensions
        mixtures = np.linalg.lstsq(points.T, centres.T, rcond=None)[0]
        centres = normalize(mixtures.T @ images)
    return labels, centres


def check_vectors(name, vectors):
    """Return vectors of length 1 as float64 (n, d); ValueError if they are not."""
    vectors = check_features(vectors, name).astype(np.float64, copy=False)
    if not vectors.size:
        raise ValueError(f"There are no {name}, their shape is {vectors.shape}.")
    lengths = np.linalg.norm(vectors, axis=1)
    if np.abs(lengths - 1).max() > 1e-3:
        raise ValueError(
            f"The {name} have lengths from {lengths.min():.3g} to {lengths.max():.3g}: "
            "divide each by its length first."
        )
    return normalize(vectors)


def _train(images, nouns, n_clusters, settings, random_state, history):
    """The labels that the head gives after its last epoch."""
    _, near = nearest_neighbours(images, settings.n_neighbours)
    kmeans = KMeans(n_clusters, n_init=20, random_state=random_state)
    start = np.eye(n_clusters)[kmeans.fit_predict(rotate(images))]
    centres = normalize(start.T @ images)
    nouns = nouns[choose_nouns(centres, nouns, settings.n_nearest, settings.generic)]
    head = _Head(images.shape[1], n_clusters, settings, random_state)
    images, nouns = images.astype(np.float32), nouns.astype(np.float32)  # as head is
    generator = np.random.default_rng(random_state)
    n_images = len(images)
    n_batches = -(-n_images // settings.batch_size)
    size = n_images // n_batches  # all of one size, so a few images sit out each epoch
    for _ in range(settings.n_epochs):
        probabilities = head(images)
        centres = image_centres(images, probabilities, settings.confident)
        centres = semantic_centres(centres, nouns, settings.n_nouns)
        labels = pseudo_labels(images, centres)
        drawn = generator.integers(near.shape[1], size=n_images)
        other = near[np.arange(n_images), drawn]  # one neighbour of each
        if history is not None:
            parts = {
                "consistency": consistency_loss(probabilities, probabilities[other]),
                "semantic": semantic_loss(probabilities, labels),
                "balance": balance(probabilities),
            }
            history.append({"labels": labels, **parts})
        order = generator.permutation(n_images)[: n_batches * size]
        for batch in order.reshape(n_batches, size):
            head.step(images[batch], images[other[batch]], labels[batch])
    return head(images).argmax(axis=1)


class _Head:
    """A linear layer and a softmax.

    Two matrix products are all there is to compute, so the slopes are written out: a
    deep-learning library takes several times as long to pass such small arrays around.
    """

    def __init__(self, width, n_clusters, settings, random_state, dtype=np.float32):
        limit = np.sqrt(6 / (width + n_clusters))  # Glorot and Bengio, 2010
        generator = np.random.default_rng(random_state)
        weights = generator.uniform(-limit, limit, (width, n_clusters))
        self.weights = weights.astype(dtype)
        self.constants = np.zeros(n_clusters, dtype)
        self.settings, self.adam = settings, Adam(settings.learning_rate)

    def __call__(self, images):
        return softmax(images @ self.weights + self.constants, axis=1)

    def slopes(self, images, neighbours, labels):
        """Slopes of the weighted losses: of the weights and of the constants."""
        weight, p, q = self.settings, self(images), self(neighbours)
        together = np.maximum((p * q).sum(axis=1, keepdims=True), SMALLEST)
        shares = np.maximum(p.mean(axis=0), SMALLEST)
        of_p = weight.balance_weight * (np.log(shares) + 1)
        of_p = of_p - weight.consistency_weight * q / together
        of_q = -weight.consistency_weight * p / together
        of_logits = p * (of_p - (of_p * p).sum(axis=1, keepdims=True))
        of_logits += weight.semantic_weight * (
            p - np.eye(p.shape[1], dtype=p.dtype)[labels]
        )
        of_others = q * (of_q - (of_q * q).sum(axis=1, keepdims=True))
        of_weights = images.T @ of_logits + neighbours.T @ of_others
        of_constants = (of_logits + of_others).sum(axis=0)
        return of_weights / len(images), of_constants / len(images)

    def step(self, images, neighbours, labels):
        """Change weights and constants by one step of Adam."""
        parts = self.weights, self.constants
        slopes = self.slopes(images, neighbours, labels)
        decay = self.settings.weight_decay
        slopes = [s + decay * p for s, p in zip(slopes, parts, strict=True)]
        self.adam.step(parts, slopes)
