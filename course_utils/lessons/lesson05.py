"""Checks of lesson 5: pooling, cutting, preprocessing, the top, the control."""

import functools
import itertools
import operator
from collections import Counter

import numpy as np

from course_utils import clustering, images, metrics, representations
from course_utils.lessons.exercises import NotYet, attempted, exercise
from course_utils.lessons.matching import (
    as_array,
    as_number,
    call_function,
    compare_answer,
    require_words,
    same_numbers,
)

MEAN = np.array([104, 117, 123], np.float32)  # blue, green, red
CAFFE = np.array([103.939, 116.779, 123.68], np.float32)  # of Keras' mode "caffe"

about_same = functools.partial(
    same_numbers, rtol=1e-4, atol=1e-4
)  # what networks compute


def _compare(answer, right, mistakes, otherwise):
    """Like `compare_answer`; a mistake may also have another shape than the answer."""
    found = as_array(answer, "one array of numbers")
    if found.shape != right.shape:
        otherwise = f"The shape should be {right.shape}, not {found.shape}."
    compare_answer(found, right, mistakes, otherwise, about_same)


@exercise(
    "Average pooling",
    hint="Axis 0 counts the images, axes 1 and 2 are the places, axis 3 the channels. "
    "A mean may go over several axes at once if you give it a tuple.",
)
def ex05_1(average_pool):
    """Write `average_pool(maps)`: the mean of each channel over all places.

    maps has shape (n, height, width, channels); return (n, channels).
    """
    generator = np.random.default_rng(5)
    for shape in [(2, 7, 7, 5), (1, 3, 4, 6), (3, 1, 1, 2)]:
        maps = generator.random(shape).astype(np.float32)
        right, rows = maps.mean(axis=(1, 2)), maps.reshape(len(maps), -1)
        mistakes = {
            "These are the largest values, not the means.": maps.max(axis=(1, 2)),
            "These are sums: divide them by the number of places.": maps.sum(
                axis=(1, 2)
            ),
            "You average over the channels, which must stay.": maps.mean(axis=3),
            "This is one number per image: keep the channels apart.": rows.mean(axis=1),
            "This is one number for everything: keep images and channels apart.": (
                maps.mean()
            ),
            "Axis 0 counts the images and must stay.": maps.mean(axis=(0, 1)),
            "The images are averaged too: keep axis 0.": maps.mean(axis=(0, 1, 2)),
            "The images are averaged, not the places.": maps.mean(axis=0),
            "Only one of the two axes of places is averaged.": (
                maps.mean(axis=1),
                maps.mean(axis=2),
            ),
            "Nothing is averaged: the maps are only put in a row.": rows,
            "Keep two axes only: (n, channels).": right[:, None, None, :],
        }
        otherwise = "The shape is right, but these are not the means."
        _compare(call_function(average_pool, maps), right, mistakes, otherwise)
    return average_pool(np.arange(8.0).reshape(1, 2, 2, 2))


@exercise(
    "One vector from any layer",
    hint="network.get_layer(name).output is what a layer returns; len(output.shape) is "
    "4 if it has height and width, and keras.layers.GlobalAveragePooling2D()(output) "
    "averages over them. A model is made from its input and its output.",
)
def ex05_2(cut):
    """Write `cut(network, name)`: a keras.Model from the input to one vector per image.

    It ends at the layer of this name; an output that still has height and width is
    average-pooled inside the model.
    """
    import keras

    inputs = keras.Input((6, 6, 3))
    x = keras.layers.Conv2D(4, 3, name="early")(inputs)
    x = keras.layers.Conv2D(4, 3, activation="relu", name="late")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = keras.layers.Dense(5, activation="softmax", name="top")(x)
    network = keras.Model(inputs, outputs)
    pixels = np.random.default_rng(5).random((2, 6, 6, 3)).astype(np.float32)
    values, expected = pixels, {}
    for layer in network.layers[1:]:
        values = layer(values)
        expected[layer.name] = np.asarray(values)
    maps = expected["early"]
    expected["early"] = maps.mean(axis=(1, 2))
    for name in ("pool", "early", "top"):
        model = _model(cut, network, name)
        if model is network and name != "top":
            raise NotYet("This is the whole network: its top is still on.")
        try:
            found = model(pixels)
        except Exception as error:
            raise NotYet(
                "The model does not take images: let it begin at network.input."
            ) from error
        if isinstance(found, list | tuple):
            raise NotYet("Give the model one output, not a list of them.")
        mistakes = {
            "It still ends with the probabilities of the top.": expected["top"],
            "It stops at pool, whatever name is asked for.": expected["pool"],
        }
        if name == "early":
            mistakes = {
                "These are still the maps: average them over height and width.": maps,
                "These are the largest values of the maps: take the means.": (
                    maps.max(axis=(1, 2))
                ),
                "The maps are only put in a row: average them.": (
                    maps.reshape(len(maps), -1)
                ),
                "You average over the channels, which must stay.": maps.mean(axis=3),
                "The axes of length 1 are still there: return (n, channels).": (
                    maps.mean(axis=(1, 2), keepdims=True)
                ),
                **mistakes,
            }
        otherwise = f"For the layer {name!r}, the numbers are not the right ones."
        _compare(found, expected[name], mistakes, otherwise)
    return "right"


def _model(cut, network, name):
    """The Keras model that a student's function returns, or why it is none."""
    import keras

    try:
        model = call_function(cut, network, name)
    except Exception as error:
        if "KerasTensor" in str(error):
            raise NotYet(
                "NumPy cannot compute with a layer's output, which has no numbers yet: "
                "use keras.layers.GlobalAveragePooling2D() or keras.ops.mean."
            ) from error
        if name != "early" and "ndim" in str(error):
            raise NotYet(
                f"The layer {name!r} has no height and width any more: do not pool it."
            ) from error
        raise
    if isinstance(model, keras.KerasTensor):
        raise NotYet(
            "This is a layer's output, a placeholder without numbers: make a "
            "keras.Model that ends there."
        )
    if isinstance(model, keras.layers.Layer) and not isinstance(model, keras.Model):
        raise NotYet("This is one layer: it does not know those before it.")
    if not isinstance(model, keras.Model):
        raise NotYet(f"Return a keras.Model, not {type(model).__name__}.")
    return model


@exercise(
    "SqueezeNet's preprocessing",
    hint="Three steps in this order: reverse the last axis, make the numbers float32, "
    "subtract an array of three. A uint8 cannot hold a negative number.",
)
def ex05_3(preprocess):
    """Write `preprocess(pictures)`: what SqueezeNet expects of images (n, h, w, 3).

    Reverse the channels from red, green, blue to blue, green, red and subtract the
    means 104, 117, 123; return float32.
    """
    generator = np.random.default_rng(5)
    small = MEAN.astype(np.uint8)
    for shape in [(2, 4, 6, 3), (1, 3, 3, 3)]:
        images = generator.integers(0, 256, shape, dtype=np.uint8)
        answer = call_function(preprocess, images, keep_arguments=True)
        rgb = images.astype(np.float32)
        bgr = rgb[..., ::-1]
        right = bgr - MEAN
        wrapped = "You subtracted in uint8, where 10 − 104 is 162: convert to float32."
        mistakes = {
            wrapped: images[..., ::-1] - small,
            f"{wrapped} Besides, red is still the first channel.": images - small,
            "The mean has blue first, but your images have red first.": rgb - MEAN,
            "The mean is right, but red still comes first.": rgb - MEAN[::-1],
            "You subtract the mean of blue from red: reverse the image first.": (
                bgr - MEAN[::-1]
            ),
            "You subtract 103.939, 116.779 and 123.68, the means of keras' mode "
            '"caffe". This network was trained with 104, 117 and 123.': (
                bgr - CAFFE,
                rgb - CAFFE[::-1],
                rgb - CAFFE,
            ),
            'This is keras\' mode "tf", from -1 to 1: subtract the means instead.': (
                rgb / 127.5 - 1,
                bgr / 127.5 - 1,
            ),
            "The mean is not subtracted yet.": bgr,
            "Subtract the mean, do not add it.": bgr + MEAN,
            "The channels are the last axis; you reversed another one.": (
                rgb[:, :, ::-1] - MEAN,
                rgb[:, ::-1] - MEAN,
                rgb[::-1] - MEAN,
            ),
            "Reverse the last axis only.": rgb[::-1, ::-1, ::-1, ::-1] - MEAN,
            "Do not divide: for this network, only subtract the mean.": right / 255,
            "The mean is for numbers from 0 to 255.": bgr / 255 - MEAN,
            "This is EfficientNet-Lite0's preprocessing.": (rgb - 127) / 128,
        }
        otherwise = "The shape is right, but the numbers are not."
        _compare(answer, right, mistakes, otherwise)
        if np.asarray(answer).dtype.kind != "f":
            raise NotYet("The numbers are right, but make them float32.")
    red = np.array([255, 0, 0], np.uint8).reshape(1, 1, 1, 3)
    return [float(value) for value in np.ravel(preprocess(red))]


def _softmax(logits, axis=1):
    powers = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


@exercise(
    "The top is one matrix",
    hint="The logits have one row per image and one column per noun. Take the largest "
    "logit and the total along axis 1, with keepdims=True to subtract and divide them.",
)
def ex05_4(speak):
    """Write `speak(vectors, weights, bias)`: the probabilities, softmax of vW + b.

    Return one row per image that adds up to 1.
    """
    generator = np.random.default_rng(5)
    for n, width, n_nouns, scale in [(3, 4, 5, 1), (4, 6, 4, 1), (2, 3, 6, 2000)]:
        vectors = generator.normal(size=(n, width)) * scale
        weights = generator.normal(size=(width, n_nouns))
        bias = generator.normal(size=n_nouns) * 3
        answer = call_function(speak, vectors, weights, bias)
        logits = vectors @ weights + bias
        with np.errstate(all="ignore"):
            powers = np.exp(logits)
            shares = powers / powers.sum()
        mistakes = {
            "These are the logits: the softmax is still missing.": logits,
            "The bias is not added.": _softmax(logits - bias),
            "These are the logits without the bias and without softmax.": logits - bias,
            "These are powers of e: now divide each row by its total.": powers,
            "Each column adds up to 1; each row should.": _softmax(logits, axis=0),
            "You divide by the total of all images: go row by row.": shares,
        }
        otherwise = "This is not the softmax of vW + b."
        if scale > 1:
            mistakes = {}  # some of them overflow too
            otherwise = "Large logits overflow: first subtract the largest of each row."
        _compare(answer, _softmax(logits), mistakes, otherwise)
    return speak(np.eye(2), np.eye(2), np.zeros(2))


PROBES = [  # true names, cluster labels
    (["a", "a", "b", "b", "b", "c"], [0, 0, 0, 1, 1, 1]),
    (["cat", "dog", "dog", "cat", "owl"], ["x", "x", "x", "y", "z"]),
    (["c", "a", "b", "b", "a"], [-1, 4, -1, -1, 4]),
    (["b", "a", "b", "a"], [7, 7, 7, 7]),
    (["a", "b", "c"], [2, 1, 0]),
]


def _strangers(names, clusters, tie=min):
    found = []
    for cluster in set(clusters):
        members = [i for i, c in enumerate(clusters) if c == cluster]
        counts = Counter(names[i] for i in members)
        home = tie(name for name in counts if counts[name] == max(counts.values()))
        found += [i for i in members if names[i] != home]
    return sorted(found)


@exercise(
    "Strangers",
    hint="For each cluster: who is in it, which class is most frequent among them, and "
    "whose class is another one? collections.Counter counts names.",
)
def ex05_5(strangers):
    """Write `strangers(names, clusters)`: the images not of their cluster's main class.

    Return their indices in ascending order. Of equally frequent classes, the first in
    the alphabet is the main one.
    """
    recorded = []
    for names, clusters in PROBES:
        expected = _strangers(names, clusters)
        found = call_function(strangers, names, clusters)
        if np.ndim(found) == 0:
            raise NotYet(f"Return the indices, a list of numbers, not {found!r:.60}.")
        found = list(found)
        if any(isinstance(index, str) for index in found):
            raise NotYet("Return indices (0, 1, …), not names.")
        if any(isinstance(index, bool | np.bool_) for index in found):
            raise NotYet("Return the indices, not a True or False for each image.")
        mistakes = {
            "Of equally frequent classes, take the first in the alphabet.": _strangers(
                names, clusters, max
            ),
            "These images are at home, the others are not.": [
                i for i in range(len(names)) if i not in expected
            ],
            "Indices count from 0.": [i + 1 for i in expected],
            "Classes and clusters are swapped.": _strangers(clusters, names),
            "Look within each cluster.": _strangers(names, [0] * len(names)),
        }
        if found != expected:
            if sorted(found) == expected:
                raise NotYet("These are the right ones: sort them in ascending order.")
            otherwise = (
                f"For the classes {names} in the clusters {clusters}, you give "
                f"{found}; right is {expected}."
            )
            compare_answer(sorted(found), expected, mistakes, otherwise, operator.eq)
        recorded.append([int(index) for index in found])
    return recorded


PROBED = [0, 96, 192]  # stamps on which networks are built again
TRAINED = "EfficientNetLite0"


@exercise(
    "Is it the training?",
    hint="features = {seed: untrained(seed) for seed in (0, 1, 2)}. The sentence says "
    "how the NMIs compare with raw pixels and with the trained network.",
)
def ex05_6(expected, features, sentence):
    """Run the control: the same network with random weights, three seeds or more.

    Give the NMI that you expected, the features as {seed: untrained(seed)}, and a
    sentence on what they say about where the good features come from. Scores are
    computed from the features, and three of the networks are built again.
    """
    expected = as_number(expected, "the NMI that you expect, one number")
    if not 0 <= expected <= 1:
        raise NotYet("The NMI that you expect is a number from 0 to 1.")
    if not isinstance(features, dict):
        features = _numbered(features)
    features = {_seed(seed): attempted(rows) for seed, rows in features.items()}
    stamps = images.load("stamps", progress=False)
    arrays = {
        seed: as_array(
            rows,
            f"the features of seed {seed}, one row per stamp",
            (len(stamps), 1280),
            {(): "Give the features that untrained(seed) returns, not their scores."},
        )
        for seed, rows in features.items()
    }
    if len(arrays) < 3:
        raise NotYet(f"Take at least 3 seeds, not {len(arrays)}: one may be luck.")
    require_words(sentence, "The sentence", 8, 80, different=8)
    _check_untrained(stamps, arrays)
    found = {
        str(seed): round(_mean_nmi(rows, stamps), 3) for seed, rows in arrays.items()
    }
    return {"expected": expected, "nmi": found, "sentence": str(sentence)}


def _numbered(features):
    """A list or an array of features as {0: …, 1: …}."""
    try:
        return dict(enumerate(features))
    except TypeError:
        raise NotYet("Give the features as {seed: untrained(seed)}.") from None


def _seed(seed):
    try:
        return operator.index(seed)
    except TypeError:
        raise NotYet(
            f"The keys are the seeds, whole numbers, not {seed!r:.40}."
        ) from None


def _check_untrained(stamps, arrays):
    """Raise NotYet unless these are features of networks without training."""
    trained = representations.extract(stamps, TRAINED, progress=False)
    for seed, rows in arrays.items():
        if _alike(rows, trained):
            raise NotYet(f"Seed {seed} has the features of the trained network.")
    seeds = list(arrays)
    for one, other in itertools.combinations(seeds, 2):
        if _alike(arrays[one], arrays[other]):
            raise NotYet(
                f"The seeds {one} and {other} have the same features: call untrained "
                "once per seed."
            )
    for seed in seeds[:3]:
        if not _alike(arrays[seed][PROBED], untrained_features(seed)):
            raise NotYet(
                f"The untrained network of seed {seed} has other features: compute "
                "them with untrained(seed), and keep the stamps in their order."
            )


@functools.cache
def untrained_features(seed):
    """Features of a few stamps from the network with random weights."""
    import keras

    stamps = images.load("stamps", progress=False)
    pixels = np.stack([stamps.picture(index, size=224) for index in PROBED])
    keras.utils.set_random_seed(seed)
    network = representations.build_backbone(TRAINED, weights=None)
    return network.predict_on_batch(pixels)


def _alike(one, other):
    """Whether features are the same, up to another machine's rounding."""
    scale = np.abs(other).max()
    return scale > 0 and np.abs(one - other).max() < 0.01 * scale


def _mean_nmi(rows, stamps):
    """Mean over five seeds of k-means, as in the lesson."""
    found = [clustering.cluster(rows, "l2+kmeans", 7, seed) for seed in range(5)]
    pairs = [{"labels_true": stamps.true_labels, "labels_pred": c} for c in found]
    return float(np.mean([metrics.nmi(**pair) for pair in pairs]))
