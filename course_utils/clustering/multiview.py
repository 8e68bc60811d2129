"""Networks that learn from clusters: JULE on one view, MVnet on several.

A view is one description of the pictures, an array (n, d), rows in the same order,
scaled to a length of about 1 (by the step `l2`), because the loss has a fixed margin. A
network maps it to 160 numbers; it is trained so that pictures of a cluster come close,
then clusters are merged in its output, and so on. The number of epochs is fixed and the
end is at k clusters: nothing looks at how well it went. The same seed gives the same
labels on the same CPU with as many threads; otherwise sums are rounded differently, and
training adds to it.
"""

import math

import keras
import numpy as np
from keras import layers, ops

from course_utils.clustering.joint_learning import (
    affinity,
    chains,
    checked,
    merge_clusters,
    triplets,
)
from course_utils.clustering.validation import check_k

WIDTH = 160

WEIGHT_PENALTY = 0.01  # times the sum of the last layer's squared weights

RATE = 0.001  # of Adam

EPOCHS = 20

UNFOLD = 0.9  # share of the clusters that is merged away between two trainings

BATCH = 1000  # triplets a step


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


def triplet_network(width, *, seed=0):
    """An untrained network for a view (n, width): width-160-160."""
    inputs = keras.Input((width,))
    return TripletNetwork(inputs, _head(inputs, seed))


def fused(towers, *, seed=0):
    """Networks of several views, side by side, with a new 160-160 network on top.

    The towers stay as they are trained, and are part of the new network: train them on,
    or set `trainable = False` on each to keep them fixed. Inputs: a list of views.
    """
    inputs = [keras.Input(tower.input_shape[1:]) for tower in towers]
    outputs = [tower(view) for tower, view in zip(towers, inputs, strict=True)]
    side_by_side = layers.Concatenate()(outputs) if len(towers) > 1 else outputs[0]
    return TripletNetwork(inputs, _head(side_by_side, seed))


def _head(inputs, seed):
    first, second = (
        keras.initializers.GlorotUniform(seed=int(number))
        for number in np.random.default_rng(seed).integers(0, 2**31, 2)
    )
    hidden = layers.Dense(WIDTH, activation="relu", kernel_initializer=first)(inputs)
    penalty = keras.regularizers.L2(WEIGHT_PENALTY)
    last = layers.Dense(WIDTH, kernel_initializer=second, kernel_regularizer=penalty)
    return last(hidden)


def embed(model, views):
    """What the network makes of every picture: float array (n, 160)."""
    return np.asarray(ops.convert_to_numpy(model(_tensors(views), training=False)))


def train_triplets(model, views, cluster_labels, *, epochs=EPOCHS, seed=0):
    """Train a compiled network on triplets of these clusters; the loss of each epoch.

    Every epoch draws new triplets; a step takes all pictures and `BATCH` triplets.
    Returns an empty list if the clusters give none. seed: a number, or a NumPy
    generator to go on with.
    """
    generator = np.random.default_rng(seed)
    tensors, losses = _tensors(views), []
    for _ in range(epochs):
        found = triplets(cluster_labels, seed=generator).astype("int32")
        if not len(found):
            break
        n_steps = math.ceil(len(found) / BATCH)
        # Filled up from the start, so that all steps have one shape and one graph.
        order = np.resize(generator.permutation(len(found)), (n_steps, BATCH))
        steps = [model.train_on_batch(tensors, found[rows]) for rows in order]
        losses.append(float(np.mean(steps)))
    return losses


def jule(
    views, k, model, *, start=None, epochs=EPOCHS, unfold=UNFOLD, finish=True, seed=0
):
    """Train the model and find k clusters, in turn: (cluster labels (n,), history).

    The first clusters are the chains of `start` (the view itself if None). Then: train
    on the clusters, merge a share `unfold` of them away in what the model makes of the
    pictures, and so on until k are left, on which it is trained a last time: not if
    `finish` is False, for whoever wants the labels only. history: a dict for each
    training, its number of clusters and first and last loss. Raises ValueError where
    the chains are fewer than k, and what `learning` raises.
    """
    if not 0 < unfold <= 1:
        raise ValueError(f"unfold={unfold}: a share above 0 and up to 1 is needed.")
    if start is None:
        if isinstance(views, list):
            raise ValueError("several views need a `start`, points for the chains.")
        start = views
    labels = chains(start)
    check_k(k, len(labels))
    if labels.max() + 1 < k:
        raise ValueError(
            f"the chains of nearest neighbours are only {labels.max() + 1} clusters, "
            f"and merging makes fewer: k={k} is too many for {len(labels)} pictures."
        )
    generator, history = np.random.default_rng(seed), []
    optimizer = keras.optimizers.Adam(RATE)
    optimizer.build(model.trainable_variables)  # or Keras makes its graph twice
    model.compile(optimizer=optimizer, jit_compile=False)
    while True:
        n_clusters = int(labels.max()) + 1
        if n_clusters == k and not finish:
            return labels, history
        losses = train_triplets(model, views, labels, epochs=epochs, seed=generator)
        row = {"clusters": n_clusters}
        history.append(
            row | {"first": losses[0], "last": losses[-1]} if losses else row
        )
        if n_clusters == k:
            return labels, history
        weights = affinity(embed(model, views))
        fewer = max(k, n_clusters - math.ceil(unfold * n_clusters))
        labels = merge_clusters(weights, labels, fewer)


def mvnet(views, k, *, epochs=EPOCHS, unfold=UNFOLD, seed=0):
    """Learn from several views at once: a dict of cluster labels, int arrays (n,).

    `views` holds the labels of JULE on each view alone (a list), `fixed` those of a
    network on top of the views' networks, these kept as they are (MVnet-fix), `tuned`
    those after all of it was trained further (MVnet). views: a list of (n, d) arrays.
    Source: Guérin and Boots, *Improving image clustering with multiple pretrained CNN
    feature extractors*, BMVC 2018, arXiv:1807.07760; Guérin et al., arXiv:2101.02767.
    """
    views = [checked(view) for view in views]
    if len({len(view) for view in views}) != 1:
        raise ValueError(
            f"views of {[len(view) for view in views]} pictures: a list of one or more "
            "is needed, of the same pictures in the same order."
        )
    options = {"epochs": epochs, "unfold": unfold, "seed": seed}
    seeds = np.random.default_rng(seed).integers(0, 2**31, len(views) + 1)
    towers = [
        triplet_network(view.shape[1], seed=own)
        for view, own in zip(views, seeds[:-1], strict=True)
    ]
    alone = [
        jule(view, k, tower, **options)[0]
        for view, tower in zip(views, towers, strict=True)
    ]
    learnt = [embed(tower, view) for view, tower in zip(views, towers, strict=True)]
    model = fused(towers, seed=seeds[-1])
    for tower in towers:
        tower.trainable = False
    fixed, _ = jule(views, k, model, start=np.hstack(learnt), **options)
    for tower in towers:
        tower.trainable = True
    start = embed(model, views)
    tuned, _ = jule(views, k, model, start=start, finish=False, **options)
    return {"views": alone, "fixed": fixed, "tuned": tuned}


def _tensors(views):
    many = views if isinstance(views, list) else [views]
    tensors = [ops.convert_to_tensor(np.asarray(v), dtype="float32") for v in many]
    return tensors if isinstance(views, list) else tensors[0]
