"""The semantic space: pictures and nouns as vectors, and clusterings that use both.

All pictures (n, d) and nouns (m, d) here are vectors of length 1 in one space, so that
`pictures @ nouns.T` holds their cosines: how well each noun fits each picture. Where
such vectors come from, `nouns.py` and `clip.py` tell; `tac.py` holds a method that
needs no training. Here is SIC: Cai et al., *Semantic-enhanced image clustering*, AAAI
2023, arXiv 2208.09849.

TAC without training: k-means on pictures and on what nouns tell of them.

Pictures (n, d) and nouns (m, d) are vectors of length 1 in one space, as for SIC in
`semantics.py`. Source: Li et al., *Image clustering with external guidance*, ICML 2024,
arXiv 2310.11989; the paper's other variant also trains two heads.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax
from sklearn.cluster import KMeans, kmeans_plusplus
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from course_utils._support.keras import import_keras
from course_utils.clustering.neighbours import nearest_neighbours
from course_utils.clustering.validation import SMALL, check_k, renumber

SMALLEST = 1e-8  # a probability inside a logarithm is at least that


@dataclass(frozen=True)
class SICSettings:
    """What SIC leaves to choose; the defaults are the paper's for CIFAR-10.

    n_nearest (γ_r): nouns kept for each centre. generic: nouns whose cosine with the
    mean noun reaches this are dropped (1 − γ_u). confident (ξ_c): share of an average
    cluster that makes up an image centre. n_nouns (ξ_a): nouns in a semantic centre.
    n_neighbours, semantic_weight (β), balance_weight (λ), consistency_weight (1): of
    the losses. Then how long and how fast the head learns; the length is fixed.
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


def choose_nouns(centres, nouns, n_nearest=500, generic=0.95):
    """The nouns that matter to these pictures: int array of indices, rising.

    Of every centre (k, d) the n_nearest nouns, all taken together, without those whose
    cosine with the mean noun is `generic` or more: they fit everything a little.
    Raises ValueError if none is left.
    """
    centres, nouns = check_vectors("centres", centres), check_vectors("nouns", nouns)
    cosines = centres @ nouns.T
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :n_nearest]
    special = nouns @ normalize(nouns.mean(axis=0, keepdims=True))[0] < generic
    chosen = np.unique(nearest)
    chosen = chosen[special[chosen]]
    if not len(chosen):
        raise ValueError(
            f"no noun is left: all {len(np.unique(nearest))} near a centre have a "
            f"cosine of {generic} or more with the mean noun. Raise generic."
        )
    return chosen


def image_centres(pictures, probabilities, confident=0.9):
    """One centre a cluster, the normalised mean of its surest pictures: (k, d).

    probabilities: (n, k), of every picture for every cluster. A cluster's surest are
    the `confident` · n / k pictures of the highest probability, at least one.
    """
    n_images, k = probabilities.shape
    n_sure = max(1, int(n_images // k * confident))
    surest = np.argsort(-probabilities, axis=0, kind="stable")[:n_sure]
    return normalize(pictures[surest].mean(axis=0))


def semantic_centres(centres, nouns, n_nouns=30):
    """For each centre (k, d) the normalised mean of its nearest nouns: (k, d)."""
    nearest = np.argsort(-(centres @ nouns.T), axis=1, kind="stable")[:, :n_nouns]
    return normalize(nouns[nearest].mean(axis=1))


def pseudo_labels(pictures, centres):
    """The centre with the highest cosine, for each picture: int array (n,)."""
    return (pictures @ centres.T).argmax(axis=1)


def consistency_loss(probabilities, of_neighbours):
    """−mean log(p_i · p_j): low if a picture and its neighbour are surely together.

    Both (n, k), rows of probabilities; row i of the second is i's neighbour's.
    """
    together = (probabilities * of_neighbours).sum(axis=1)
    return float(-np.log(np.maximum(together, SMALLEST)).mean())


def semantic_loss(probabilities, labels):
    """Cross-entropy −mean log(p_i of its pseudo-label): low if the head agrees."""
    of_label = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(of_label, SMALLEST)).mean())


def balance(probabilities):
    """Entropy, in nats, of the *mean* row: 0 if all is one cluster, log k if equal."""
    mean = np.maximum(probabilities.mean(axis=0), SMALLEST)
    return float(-(mean * np.log(mean)).sum())


def sic(pictures, nouns, k, settings=None, seed=0, history=None):
    """SIC: cluster labels (n,) from a linear head taught by neighbours and nouns.

    pictures (n, d), nouns (m, d): vectors of length 1. The head learns for
    settings.n_epochs and no true label is ever seen. history: a list; each epoch adds a
    dict: its pseudo-labels "labels" and, over all pictures, the loss's three parts
    "consistency", "semantic", "balance". Raises ValueError for bad vectors or k.
    """
    settings = settings or SICSettings()
    pictures, nouns = check_vectors("pictures", pictures), check_vectors("nouns", nouns)
    if pictures.shape[1] != nouns.shape[1]:
        raise ValueError(
            f"pictures have {pictures.shape[1]} dimensions and nouns {nouns.shape[1]}: "
            "both must lie in one space."
        )
    check_k(k, len(pictures))
    # On few numbers, threads cost more than they bring, much more on a busy machine.
    with threadpool_limits(1 if pictures.size < SMALL else None):
        labels = _train(pictures, nouns, k, settings, seed, history)
    return renumber(labels)


def _train(pictures, nouns, k, settings, seed, history):
    """The labels that the head gives after its last epoch."""
    _, near = nearest_neighbours(pictures, settings.n_neighbours)
    kmeans = KMeans(k, n_init=20, random_state=seed).fit(pictures)
    centres = normalize(kmeans.cluster_centers_)
    nouns = nouns[choose_nouns(centres, nouns, settings.n_nearest, settings.generic)]
    head, model = _head(pictures.shape[1], k, settings, seed)
    generator = np.random.default_rng(seed)
    n_images, inputs = len(pictures), pictures.astype(np.float32)
    n_batches = -(-n_images // settings.batch_size)
    size = n_images // n_batches  # all of one size: a few pictures sit out an epoch
    for _ in range(settings.n_epochs):
        probabilities = head(inputs)
        centres = image_centres(pictures, probabilities, settings.confident)
        centres = semantic_centres(centres, nouns, settings.n_nouns)
        labels = pseudo_labels(pictures, centres)
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
            pair = [inputs[batch], inputs[other[batch]]]
            model.train_on_batch(pair, labels[batch].astype(np.float32))
    return head(inputs).argmax(axis=1)


def _head(width, k, settings, seed):
    """(head, model): pictures → probabilities (NumPy), and what Keras trains."""
    keras = import_keras()
    decay = keras.regularizers.L2(settings.weight_decay / 2)  # its slope: decay · w
    dense = keras.layers.Dense(
        k,
        activation="softmax",
        kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
        kernel_regularizer=decay,
        bias_regularizer=decay,
    )
    picture, neighbour = keras.Input((width,)), keras.Input((width,))
    both = keras.ops.stack([dense(picture), dense(neighbour)], axis=1)
    model = keras.Model([picture, neighbour], both)
    optimizer = keras.optimizers.Adam(settings.learning_rate)
    optimizer.build(model.trainable_variables)  # else Keras traces the step twice
    model.compile(optimizer, loss=keras_loss(k, settings), jit_compile=False)

    def head(inputs):  # the same layer in NumPy: Keras takes longer for a small product
        weights, constants = dense.get_weights()
        return softmax((inputs @ weights + constants).astype(np.float64), axis=1)

    return head, model


def keras_loss(k, settings):
    """The three losses above, weighted and added, as Keras can differentiate them.

    Returns: a function of pseudo-labels (n,) and of the head's probabilities (n, 2, k)
    for pictures and one neighbour of each.
    """
    ops = import_keras().ops

    def log(x):
        return ops.log(ops.maximum(x, SMALLEST))

    def loss(labels, both):
        picture, neighbour = both[:, 0], both[:, 1]
        mean = ops.mean(picture, axis=0)
        wanted = ops.one_hot(ops.cast(ops.reshape(labels, (-1,)), "int32"), k)
        together = log(ops.sum(picture * neighbour, axis=1))
        agreed = log(ops.sum(picture * wanted, axis=1))
        return (
            -settings.consistency_weight * ops.mean(together)
            - settings.semantic_weight * ops.mean(agreed)
            + settings.balance_weight * ops.sum(mean * log(mean))
        )

    return loss


def check_vectors(what, vectors):
    """The vectors as float64 (n, d), each of length 1."""
    vectors = np.asarray(vectors, dtype=np.float64)
    if vectors.ndim != 2 or not vectors.size:
        raise ValueError(f"{what} have shape {vectors.shape}: (n, d) is needed.")
    if not np.isfinite(vectors).all():
        raise ValueError(f"{what} hold NaN or infinity: make them again.")
    lengths = np.linalg.norm(vectors, axis=1)
    if np.abs(lengths - 1).max() > 1e-3:
        raise ValueError(
            f"{what} have lengths from {lengths.min():.3g} to {lengths.max():.3g}: "
            "divide each by its length first."
        )
    return normalize(vectors)


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
