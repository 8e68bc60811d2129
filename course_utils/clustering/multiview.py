"""Networks that learn from clusters: JULE on one view, MVnet on several.

A view is one description of the images, an array (n, d), rows in the same order, scaled
to a length of about 1 (by the step `l2`), because the loss has a fixed margin. A
network maps it to 160 numbers; it is trained so that images of a cluster come close,
then clusters are merged in its output, and so on. The number of epochs is fixed, and it
stops at n_clusters clusters: no stopping rule looks at quality. The same seed gives the
same labels on the same CPU with the same number of threads; otherwise sums are rounded
differently, and training amplifies the differences.
"""

import math

import keras
import numpy as np
from keras import layers, ops

from course_utils.clustering.joint_learning import (
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


class TripletNetwork(keras.Model):
    """A model whose target is not a label but triplets (t, 3) of rows of its input."""

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        rows = ops.take(y_pred, ops.transpose(y), axis=0)  # (3, t, 160)
        # Not rows[0], rows[1], rows[2]: the gradient of that takes three times as long.
        anchor, positive, negative = ops.unstack(rows, 3)
        near = ops.sum(ops.square(anchor - positive), axis=1)
        far = ops.sum(ops.square(anchor - negative), axis=1)
        loss = ops.mean(ops.maximum(2 * near - far + 0.5, 0))
        return loss + sum(self.losses)


def triplet_network(width, *, random_state=0):
    """Make an untrained network for one view.

    Parameters
    ----------
    width : int
        Numbers per image of the view.
    random_state : int, default=0
        Seed of the weights.

    Returns
    -------
    keras.Model
        Layers of width-160-160; its target is triplets of rows of its input.

    See Also
    --------
    jule, train_triplets : Train it.
    embed : What it makes of each image.
    """
    inputs = keras.Input((width,))
    return TripletNetwork(inputs, _head(inputs, random_state))


def fused(towers, *, random_state=0):
    """Networks of several views, side by side, with a new 160-160 network on top.

    The towers keep their weights and are part of the new network: train them further,
    or set `trainable = False` on each to keep them fixed. Inputs: a list of views.
    """
    inputs = [keras.Input(tower.input_shape[1:]) for tower in towers]
    outputs = [tower(view) for tower, view in zip(towers, inputs, strict=True)]
    side_by_side = layers.Concatenate()(outputs) if len(towers) > 1 else outputs[0]
    return TripletNetwork(inputs, _head(side_by_side, random_state))


def _head(inputs, random_state):
    first, second = (
        keras.initializers.GlorotUniform(seed=int(number))
        for number in np.random.default_rng(random_state).integers(0, 2**31, 2)
    )
    hidden = layers.Dense(WIDTH, activation="relu", kernel_initializer=first)(inputs)
    penalty = keras.regularizers.L2(WEIGHT_PENALTY)
    last = layers.Dense(WIDTH, kernel_initializer=second, kernel_regularizer=penalty)
    return last(hidden)


def embed(model, views):
    """Return what a network makes of each image.

    Parameters
    ----------
    model : keras.Model
        As `triplet_network` makes it.
    views : array (n_images, d), or a list of them
        What the network takes.

    Returns
    -------
    float array (n_images, 160)
        The output of the last layer.
    """
    return np.asarray(ops.convert_to_numpy(model(_tensors(views), training=False)))


def train_triplets(model, views, cluster_labels, *, epochs=EPOCHS, random_state=0):
    """Train a compiled network on triplets of clusters.

    Every epoch draws new triplets; a step takes all images and 1,000 triplets.

    Parameters
    ----------
    model : keras.Model
        A compiled `triplet_network`.
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
    generator = np.random.default_rng(random_state)
    tensors, losses = _tensors(views), []
    for _ in range(epochs):
        found = triplets(cluster_labels, random_state=generator).astype("int32")
        if not len(found):
            break
        n_steps = math.ceil(len(found) / BATCH)
        # Filled up from the start, so that all steps have one shape and one graph.
        order = np.resize(generator.permutation(len(found)), (n_steps, BATCH))
        steps = [model.train_on_batch(tensors, found[rows]) for rows in order]
        losses.append(float(np.mean(steps)))
    return losses


def jule(
    views,
    n_clusters,
    model,
    *,
    start=None,
    epochs=EPOCHS,
    unfold=UNFOLD,
    finish=True,
    random_state=0,
):
    """Train a network and merge clusters in turn (JULE).

    The first clusters are the chains of `start`. Then the network is trained on the
    clusters, and a share `unfold` of them is merged away in its output, and so on until
    n_clusters are left, on which it is trained a last time.

    Parameters
    ----------
    views : array (n_images, d), or a list of them
        What the network takes.
    n_clusters : int
        Number of clusters at the end.
    model : keras.Model
        A network such as `triplet_network(d)`, which is trained in place.
    start : array (n_images, c), default=None
        Points for the first chains; None takes the view itself.
    epochs : int, default=20
        Epochs of each training.
    unfold : float, default=0.9
        Share of the clusters that is merged away between two trainings.
    finish : bool, default=True
        Whether to train a last time; the labels do not depend on it.
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
    """
    if not 0 < unfold <= 1:
        raise ValueError(f"unfold must be above 0 and at most 1, got {unfold}.")
    if start is None:
        if isinstance(views, list):
            raise ValueError("Several views need a `start`, points for the chains.")
        start = views
    labels = chains(start)
    check_n_clusters(n_clusters, len(labels))
    n_found = int(labels.max()) + 1
    if n_found < n_clusters:
        raise ValueError(
            f"The chains of nearest neighbours form only {n_found} clusters, and "
            f"merging leaves fewer: n_clusters must be at most {n_found}, got "
            f"{n_clusters}."
        )
    generator, history = np.random.default_rng(random_state), []
    optimizer = keras.optimizers.Adam(RATE)
    optimizer.build(model.trainable_variables)  # or Keras makes its graph twice
    model.compile(optimizer=optimizer, jit_compile=False)
    while True:
        n_found = int(labels.max()) + 1
        if n_found == n_clusters and not finish:
            return labels, history
        losses = train_triplets(
            model, views, labels, epochs=epochs, random_state=generator
        )
        row = {"clusters": n_found}
        history.append(
            row | {"first": losses[0], "last": losses[-1]} if losses else row
        )
        if n_found == n_clusters:
            return labels, history
        weights = affinity(embed(model, views))
        fewer = max(n_clusters, n_found - math.ceil(unfold * n_found))
        labels = merge_clusters(weights, labels, fewer)


def mvnet(views, n_clusters, *, epochs=EPOCHS, unfold=UNFOLD, random_state=0):
    """Learn from several views at once (MVnet).

    Parameters
    ----------
    views : list of arrays (n_images, d)
        Descriptions of the same images in the same order.
    n_clusters : int
        Number of clusters.
    epochs, unfold
        As for `jule`.
    random_state : int, default=0
        Seed of all weights and triplets.

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
    options = {"epochs": epochs, "unfold": unfold, "random_state": random_state}
    seeds = np.random.default_rng(random_state).integers(0, 2**31, len(views) + 1)
    towers = [
        triplet_network(view.shape[1], random_state=own)
        for view, own in zip(views, seeds[:-1], strict=True)
    ]
    alone = [
        jule(view, n_clusters, tower, **options)[0]
        for view, tower in zip(views, towers, strict=True)
    ]
    learnt = [embed(tower, view) for view, tower in zip(views, towers, strict=True)]
    model = fused(towers, random_state=seeds[-1])
    for tower in towers:
        tower.trainable = False
    fixed, _ = jule(views, n_clusters, model, start=np.hstack(learnt), **options)
    for tower in towers:
        tower.trainable = True
    start = embed(model, views)
    tuned, _ = jule(views, n_clusters, model, start=start, finish=False, **options)
    return {"views": alone, "fixed": fixed, "tuned": tuned}


def _tensors(views):
    many = views if isinstance(views, list) else [views]
    tensors = [ops.convert_to_tensor(np.asarray(v), dtype="float32") for v in many]
    return tensors if isinstance(views, list) else tensors[0]
