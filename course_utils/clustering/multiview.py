"""Networks that learn from clusters: JULE on one view, MVnet on several.

A view is one representation of the images, an array (n, d), rows in the same order,
scaled to a length of about 1 (by the step `l2`), because the loss has a fixed margin. A
network maps it to 160 numbers; it is trained so that images of a cluster come close,
then clusters are merged in its output, and so on. The number of epochs is fixed, and it
stops at n_clusters clusters: no stopping rule looks at quality. The same seed gives the
same labels on the same machine; on another one sums may be rounded differently, and
training amplifies the differences.

The networks are so small that the slopes are written out in NumPy: a deep-learning
library takes several times as long to pass such small arrays around.
"""

import math

import numpy as np

from course_utils._support.threads import threads_for
from course_utils.clustering.adam import Adam
from course_utils.clustering.joint_learning import (
    MARGIN,
    N_NEIGHBOURS,
    POSITIVE_WEIGHT,
    affinity,
    chains,
    check_points,
    merge_clusters,
    triplets,
)
from course_utils.clustering.validation import check_n_clusters

WIDTH = 160

WEIGHT_PENALTY = 0.01  # times the sum of the last layer's squared weights

RATE = 0.001  # of Adam

EPOCHS = 20

UNFOLD = 0.9  # share of the clusters that is merged away between two trainings

BATCH = 1000  # triplets per step


class TripletNetwork:
    """A network of two layers, width-160-160 with a ReLU between, for triplets.

    Parameters
    ----------
    width : int
        Numbers per image of the view.
    random_state : int, default=0
        Seed of the weights.
    towers : sequence of TripletNetwork, default=()
        Networks of several views: this one then takes their outputs, side by side, and
        `width` is ignored.

    Attributes
    ----------
    tuned : bool
        Whether the towers are trained too; False at first.

    Examples
    --------
    >>> network = TripletNetwork(2)
    >>> points = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    >>> losses = [network.step(points, [[0, 1, 2]]) for _ in range(20)]
    >>> losses[-1] < losses[0]
    True
    >>> network.embed(points).shape
    (3, 160)
    """

    def __init__(self, width, *, random_state=0, towers=()):
        self.towers, self.tuned = list(towers), False
        width = WIDTH * len(self.towers) if self.towers else width
        generator, self.weights = np.random.default_rng(random_state), []
        for shape in ((width, WIDTH), (WIDTH, WIDTH)):
            limit = np.sqrt(6 / sum(shape))  # Glorot and Bengio, 2010
            self.weights.append(generator.uniform(-limit, limit, shape))
            self.weights.append(np.zeros(shape[1]))
        self.weights = [part.astype(np.float32) for part in self.weights]
        self.restart()

    @property
    def n_weights(self):
        """Number of weights, towers included."""
        return sum(part.size for part in self._all_weights(True))

    def restart(self):
        """Forget the running means of Adam, but not the weights."""
        self.adam = Adam(RATE)

    def embed(self, views):
        """What the network makes of each image: float32 (n, 160)."""
        return self._forward(views)[-1]

    def step(self, views, found):
        """Take one step of Adam that lowers the loss of some triplets.

        Parameters
        ----------
        views : array (n_images, d), or a list of one per tower
            What the network takes.
        found : int array (n_triplets, 3)
            Rows of anchor, positive and negative.

        Returns
        -------
        float
            The loss before the step, without the penalty on the weights.
        """
        layers = self._forward(views)
        loss, of_output = _slopes_of_triplets(layers[-1], np.asarray(found))
        slopes = self._backward(layers, of_output)
        self.adam.step(self._all_weights(self.tuned), slopes)
        return loss

    def _all_weights(self, with_towers):
        below = self.towers if with_towers else ()
        return [part for network in (self, *below) for part in network.weights]

    def _forward(self, views):
        """Layers of all towers, and the input, hidden layer and output of this one."""
        below = []
        if self.towers:
            below = [t._forward(v) for t, v in zip(self.towers, views, strict=True)]
            views = np.hstack([layers[-1] for layers in below])
        first, shift, last, constants = self.weights
        points = np.asarray(views, dtype=first.dtype)
        hidden = np.maximum(points @ first + shift, 0)
        return below, points, hidden, hidden @ last + constants

    def _backward(self, layers, of_output):
        """Slopes of loss and penalty, in the order of `_all_weights`."""
        below, points, hidden, _ = layers
        first, _, last, _ = self.weights
        of_hidden = of_output @ last.T * (hidden > 0)
        slopes = [points.T @ of_hidden, of_hidden.sum(axis=0)]
        slopes += [
            hidden.T @ of_output + 2 * WEIGHT_PENALTY * last,
            of_output.sum(axis=0),
        ]
        if self.tuned:
            parts = np.split(of_hidden @ first.T, len(self.towers), axis=1)
            for tower, inner, part in zip(self.towers, below, parts, strict=True):
                slopes += tower._backward(inner, part)
        return slopes


def _slopes_of_triplets(output, found):
    """The triplet loss and its slopes, of the output (n, d).

    Both depend on squared distances alone, so a table of all pairs holds how much each
    pair is to be pulled together (above 0) or pushed apart (below 0).
    """
    n_images = len(output)
    anchor, positive, negative = found.T
    lengths = (output**2).sum(axis=1)
    squares = lengths[:, None] + lengths - 2 * output @ output.T
    pulled, pushed = anchor * n_images + positive, anchor * n_images + negative
    raw = POSITIVE_WEIGHT * squares.ravel()[pulled] - squares.ravel()[pushed] + MARGIN
    active = raw > 0
    pull = np.bincount(pulled[active], minlength=n_images**2) * POSITIVE_WEIGHT
    pull = pull - np.bincount(pushed[active], minlength=n_images**2)
    pull = pull.reshape(n_images, n_images).astype(output.dtype) / len(found)
    pull += pull.T
    slopes = 2 * (pull.sum(axis=1, keepdims=True) * output - pull @ output)
    return float(raw[active].sum() / len(found)), slopes


def train_triplets(network, views, cluster_labels, *, epochs=EPOCHS, random_state=0):
    """Train a network on triplets of clusters.

    Every epoch draws new triplets; a step takes all images and 1,000 triplets.

    Parameters
    ----------
    network : TripletNetwork
        Trained in place.
    views : array (n_images, d), or a list of them
        What the network takes.
    cluster_labels : int array (n_images,)
        The clusters that triplets are drawn from.
    epochs : int, default=20
        Number of epochs.
    random_state : int or numpy.random.Generator, default=0
        A seed, or a generator to continue with.

    Returns
    -------
    list of float
        The mean loss of each epoch; empty if the clusters give no triplets.
    """
    generator, losses = np.random.default_rng(random_state), []
    with threads_for(network.weights[0]):
        for _ in range(epochs):
            found = triplets(cluster_labels, random_state=generator)
            if not len(found):
                break
            order = generator.permutation(len(found))
            batches = np.array_split(order, math.ceil(len(found) / BATCH))
            steps = [network.step(views, found[rows]) for rows in batches]
            losses.append(float(np.mean(steps)))
    return losses


def jule(
    views,
    n_clusters,
    network,
    *,
    start=None,
    n_neighbours=N_NEIGHBOURS,
    epochs=EPOCHS,
    unfold=UNFOLD,
    from_scratch=True,
    random_state=0,
):
    """Train a network and merge clusters in turn (JULE).

    The first clusters are the chains of `start`. Then the network is trained on the
    clusters, and a share `unfold` of them is merged away in its output, and so on until
    n_clusters are left, on which it is trained a last time. In the end all labels are
    dropped, and the network's output is clustered by chains and merging.

    Parameters
    ----------
    views : array (n_images, d), or a list of them
        What the network takes.
    n_clusters : int
        Number of clusters at the end.
    network : TripletNetwork
        Trained in place.
    start : array (n_images, c), default=None
        Points for the first chains; None takes the view itself.
    n_neighbours : int, default=20
        Of `affinity`.
    epochs : int, default=20
        Epochs of each training.
    unfold : float, default=0.9
        Share of the clusters that is merged away between two trainings.
    from_scratch : bool, default=True
        False keeps the labels of the last merging, and leaves out the last training.
    random_state : int, default=0
        Seed of the triplets.

    Returns
    -------
    cluster_labels : int array (n_images,)
        Numbered in the order of the images.
    history : list of dict
        Number of clusters and first and last loss of each training.

    Raises
    ------
    ValueError
        If there are fewer chains than n_clusters, and as for `affinity`.

    References
    ----------
    Yang, Parikh and Batra, *Joint unsupervised learning of deep representations and
    image clusters*, CVPR 2016.

    Examples
    --------
    >>> points = np.repeat([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], 8, axis=0)
    >>> points += np.random.default_rng(0).normal(scale=0.05, size=points.shape)
    >>> labels, history = jule(points, 3, TripletNetwork(2), n_neighbours=5)
    >>> labels.tolist() == np.repeat([0, 1, 2], 8).tolist()
    True
    """
    if not 0 < unfold <= 1:
        raise ValueError(f"unfold must be above 0 and at most 1, got {unfold}.")
    if start is None:
        if isinstance(views, list):
            raise ValueError("Several views need a `start`, points for the chains.")
        start = views
    labels = _enough_chains(start, n_clusters)
    generator, history = np.random.default_rng(random_state), []
    network.restart()
    while True:
        n_found = int(labels.max()) + 1
        if n_found == n_clusters and not from_scratch:
            return labels, history
        losses = train_triplets(
            network, views, labels, epochs=epochs, random_state=generator
        )
        row = {"clusters": n_found}
        history.append(
            row | {"first": losses[0], "last": losses[-1]} if losses else row
        )
        output = network.embed(views)
        weights = affinity(output, n_neighbours)
        if n_found > n_clusters:
            fewer = max(n_clusters, n_found - math.ceil(unfold * n_found))
            labels = merge_clusters(weights, labels, fewer)
            continue
        found = chains(output)
        if found.max() + 1 >= n_clusters:  # else nothing can be merged to n_clusters
            labels = merge_clusters(weights, found, n_clusters)
        return labels, history


def _enough_chains(points, n_clusters):
    """The chains of the points; ValueError if they are fewer than n_clusters."""
    labels = chains(points)
    check_n_clusters(n_clusters, len(labels))
    n_found = int(labels.max()) + 1
    if n_found < n_clusters:
        raise ValueError(
            f"The chains of nearest neighbours form only {n_found} clusters, and "
            f"merging leaves fewer: n_clusters must be at most {n_found}, got "
            f"{n_clusters}."
        )
    return labels


def mvnet(views, n_clusters, *, random_state=0, **options):
    """Learn from several views at once (MVnet).

    Parameters
    ----------
    views : list of arrays (n_images, d)
        Representations of the same images in the same order.
    n_clusters : int
        Number of clusters.
    random_state : int, default=0
        Seed of all weights and triplets.
    **options
        As for `jule`.

    Returns
    -------
    dict
        Cluster labels, int arrays (n_images,): `views`, a list, of JULE on each view
        alone; `fixed`, of a network on top of the views' networks, which keep their
        weights (MVnet-fix); `tuned`, after all of it was trained further (MVnet).

    References
    ----------
    Guérin and Boots, *Improving image clustering with multiple pretrained CNN feature
    extractors*, BMVC 2018, arXiv 1807.07760; Guérin et al., arXiv 2101.02767, 2021.
    """
    views = [check_points(view) for view in views]
    if len({len(view) for view in views}) != 1:
        raise ValueError(
            f"The views have {[len(view) for view in views]} images: give a list of "
            "one or more, of the same images in the same order."
        )
    options["random_state"] = random_state
    seeds = np.random.default_rng(random_state).integers(0, 2**31, len(views) + 1)
    towers = [
        TripletNetwork(view.shape[1], random_state=own)
        for view, own in zip(views, seeds[:-1], strict=True)
    ]
    alone = [
        jule(view, n_clusters, tower, **options)[0]
        for view, tower in zip(views, towers, strict=True)
    ]
    learnt = [tower.embed(view) for view, tower in zip(views, towers, strict=True)]
    network = TripletNetwork(None, random_state=seeds[-1], towers=towers)
    fixed, _ = jule(views, n_clusters, network, start=np.hstack(learnt), **options)
    network.tuned = True
    start = network.embed(views)
    tuned, _ = jule(views, n_clusters, network, start=start, **options)
    return {"views": alone, "fixed": fixed, "tuned": tuned}
