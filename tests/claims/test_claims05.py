"""What lesson 5 claims: networks, their top, preprocessing, training."""

import functools

import numpy as np
from ledger import claim
from scipy.special import softmax
from trials import (
    SEEDS,
    both,
    image_set,
    labelings,
    nmis,
    subsample_nmis,
    told,
    true_labels,
    vectors,
)

from course_utils import representations
from course_utils._support.keras import import_keras

NETWORKS = "SqueezeNet", "EfficientNetLite0"
HANDCRAFTED = "colour", "hog", "lbp", "bovw"


@functools.cache
def trials(set_name, representation, n_seeds=3):
    """NMI on 20 subsamples, (20,)."""
    points = vectors(set_name, representation)
    return subsample_nmis(points, true_labels(set_name), n_seeds=n_seeds)


@functools.cache
def network():
    import_keras()
    return representations.efficientnet_lite0()


@functools.cache
def logits(set_name):
    weights, bias = network().get_layer("top").get_weights()
    return vectors(set_name, "EfficientNetLite0") @ weights + bias


@functools.cache
def logit_trials(set_name):
    return subsample_nmis(logits(set_name), true_labels(set_name))


@functools.cache
def softmax_trials(set_name, temperature=1):
    """NMI of probabilities on subsamples, at a temperature."""
    points = softmax(logits(set_name) / temperature, axis=1)
    return subsample_nmis(points, true_labels(set_name))


@claim(
    "05.networks",
    "Both bundled networks cluster better than each of four handcrafted "
    "representations, on the stamps and on the photos.",
)
def test_networks(show):
    """Refuted by the best handcrafted one of a subsample above the worse network."""
    worse = both(lambda s: np.min([trials(s, n, 1) for n in NETWORKS], axis=0))
    best = both(lambda s: np.max([trials(s, n, 1) for n in HANDCRAFTED], axis=0))
    statistic = told(worse_network=worse, best_handcrafted=best)
    show(f"NMI on stamps and photos: {statistic}", worse > best, "subsamples")


@claim(
    "05.coins",
    "By features and by logits k-means puts all 26 coins into one cluster, although no "
    "noun is a coin; by probabilities it does not.",
)
def test_coins(show):
    """The fair rival: the same network one step later."""
    coins = np.array(image_set("stamps").true_names) == "coins"
    points = {"features": vectors("stamps", "EfficientNetLite0")}
    points["logits"] = logits("stamps")
    points["probabilities"] = softmax(points["logits"], axis=1)
    together = {
        name: np.array(
            [np.bincount(f[coins]).max() for f in labelings(rows, "l2+kmeans", 7)]
        )
        for name, rows in points.items()
    }
    statistic = ", ".join(
        f"{name} {found.min()}–{found.max()}" for name, found in together.items()
    )
    holds = (together["features"] == 26) & (together["logits"] == 26)
    holds &= together["probabilities"] < 26
    show(f"coins together: {statistic}", holds, "seeds")


@claim(
    "05.logits",
    "Logits cluster about as well as the features they are computed from, within an "
    "NMI of .05.",
)
def test_logits(show):
    """Refuted if the matrix costs more, or helps more, than that."""
    features = both(lambda name: trials(name, "EfficientNetLite0"))
    found = both(logit_trials)
    statistic = told(features=features, logits=found)
    show(
        f"NMI on stamps and photos: {statistic}",
        abs(found - features) < 0.05,
        "subsamples",
    )


@claim("05.softmax", "Probabilities cluster worse than the logits they come from.")
def test_softmax(show):
    """Paired by subsample, on both sets; nothing but the softmax differs."""
    before, after = both(logit_trials), both(softmax_trials)
    statistic = told(logits=before, probabilities=after)
    show(f"NMI on stamps and photos: {statistic}", before > after, "subsamples")


@claim(
    "05.temperature",
    "The softmax of the logits divided by 8 clusters better than the softmax of the "
    "logits, and within an NMI of .06 as well as the logits.",
)
def test_temperature(show):
    """Neighbouring temperatures: 16 does both as well, 4 at least the first."""
    plain, before = both(softmax_trials), both(logit_trials)
    warm = {
        t: both(functools.partial(softmax_trials, temperature=t)) for t in (4, 8, 16)
    }
    statistic = told(**{f"T_{t}": found for t, found in ({1: plain} | warm).items()})
    holds = np.all([found > plain for found in warm.values()], axis=0)
    holds &= (warm[8] > before - 0.06) & (warm[16] > before - 0.06)
    show(f"NMI on stamps and photos: {statistic}", holds, "subsamples")


@functools.cache
def pixels(set_name, n_each):
    """The first images of each class at 224 × 224, and their labels."""
    images, labels = image_set(set_name), true_labels(set_name)
    chosen = [np.flatnonzero(labels == c)[:n_each] for c in np.unique(labels)]
    chosen = np.concatenate(chosen)
    return (
        np.stack([images.picture(i, size=224) for i in chosen]),
        labels[chosen],
        chosen,
    )


MEAN = np.array([104, 117, 123], np.float32)


@functools.cache
def changed(set_name, network_name, form):
    """NMI on subsamples with another preprocessing."""
    prepare = {
        "swapped": lambda x: x - MEAN[::-1],
        "scaled": lambda x: (x[..., ::-1] - MEAN) / 128,
        "0 to 1": lambda x: x / 255,
    }[form]
    images = image_set(set_name)
    batch = np.stack([images.picture(i, size=224) for i in range(len(images))])
    bare = representations.build_backbone(network_name).layers[-1]
    found = bare.predict(prepare(batch.astype(np.float32)), batch_size=8, verbose=0)
    return subsample_nmis(found, true_labels(set_name))


@claim(
    "05.scale",
    "SqueezeNet loses more if its input is divided by 128 than if red and blue are "
    "swapped.",
)
def test_scale(show):
    """Each change alone; refuted where the order costs as much."""
    right = both(lambda name: trials(name, "SqueezeNet"))
    swapped = both(lambda name: changed(name, "SqueezeNet", "swapped"))
    scaled = both(lambda name: changed(name, "SqueezeNet", "scaled"))
    statistic = told(right=right, swapped=swapped, divided=scaled)
    holds = (scaled < swapped) & (scaled < right - 0.1)
    show(f"NMI on stamps and photos: {statistic}", holds, "subsamples")


@claim(
    "05.zero-to-one",
    "EfficientNet-Lite0 with input from 0 to 1 loses less than .1 of its NMI.",
)
def test_zero_to_one(show):
    """Refuted by a larger loss; that it loses nothing is not claimed."""
    right = both(lambda name: trials(name, "EfficientNetLite0"))
    found = both(lambda name: changed(name, "EfficientNetLite0", "0 to 1"))
    statistic = told(right=right, zero_to_one=found)
    show(f"NMI on stamps and photos: {statistic}", right - found < 0.1, "subsamples")


@claim(
    "05.shift",
    "Average pooling makes the vector of an image that is moved by 32 pixels more "
    "similar to the original's.",
)
def test_shift(show):
    """The control: the same 7 × 7 × 1280 numbers, not pooled."""
    keras = import_keras()
    batch, *_ = pixels("stamps", 4)
    moved = np.full_like(batch, 255)
    moved[:, :, 32:] = batch[:, :, :-32]
    head = keras.Model(network().input, network().get_layer("head").output)
    prepare = representations.preprocess_efficientnet_lite0
    one, other = (np.asarray(head(prepare(images))) for images in (batch, moved))

    def cosines(a, b):
        a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
        lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        return (a * b).sum(axis=1) / lengths

    flat = cosines(one, other)
    pooled = cosines(one.mean(axis=(1, 2)), other.mean(axis=(1, 2)))
    statistic = f"cosine: pooled {pooled.mean():.2f}, in a row {flat.mean():.2f}"
    show(statistic, pooled > flat, "images")


@claim(
    "05.untrained",
    "With random weights EfficientNet-Lite0 clusters stamps no better than raw pixels, "
    "and far worse than with trained ones.",
)
def test_untrained(show):
    """20 seeds of the weights, on ten stamps per class for the sake of time."""
    keras = import_keras()
    batch, labels, chosen = pixels("stamps", 10)
    prepared = representations.preprocess_efficientnet_lite0(batch)
    rivals = {
        name: nmis(vectors("stamps", name)[chosen], labels).mean()
        for name in ("raw", "EfficientNetLite0")
    }
    fresh = representations.efficientnet_lite0(weights=None)
    headless = keras.Model(fresh.input, fresh.get_layer("pool").output)
    draw = keras.initializers.GlorotUniform
    found = []
    for seed in SEEDS:
        for number, weight in enumerate(fresh.weights):
            if weight.name == "kernel" or weight.name == "depthwise_kernel":
                weight.assign(draw(seed=1000 * seed + number)(weight.shape))
        rows = headless.predict(prepared, batch_size=8, verbose=0)
        found.append(nmis(rows, labels, seeds=range(5)).mean())
    found, raw = np.array(found), rivals["raw"]
    statistic = (
        f"NMI: untrained {found.min():.2f}–{found.max():.2f}, raw pixels {raw:.2f}, "
        f"trained {rivals['EfficientNetLite0']:.2f}"
    )
    holds = (found < raw + 0.05) & (found < rivals["EfficientNetLite0"] - 0.3)
    show(statistic, holds, "seeds")
