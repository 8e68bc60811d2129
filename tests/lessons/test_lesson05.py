"""Checks of lesson 5: right, wrong in the usual ways, and untouched answers."""

from collections import Counter

import numpy as np
import pytest
import scipy
from lesson_answers import (  # noqa: F401
    answer_tests,
    assert_right,
    assert_untouched,
    assert_wrong,
    own_answers,
)

from course_utils import images, representations
from course_utils._support.keras import import_keras
from course_utils.lessons import exercises, lesson05

keras = import_keras()
MEAN = np.array([104, 117, 123], np.float32)


def ends(network, name):
    """Cut, but not pooled."""
    return keras.Model(network.input, network.get_layer(name).output)


def cut(network, name):
    output = network.get_layer(name).output
    if len(output.shape) == 4:
        output = keras.layers.GlobalAveragePooling2D()(output)
    return keras.Model(network.input, output)


def cut_by(combine):
    """Cut, with another treatment of maps."""

    def function(network, name):
        output = network.get_layer(name).output
        return keras.Model(
            network.input, combine(output) if len(output.shape) == 4 else output
        )

    return function


def preprocess(pictures):
    return np.asarray(pictures)[..., ::-1].astype(np.float32) - MEAN


def in_place(pictures):
    pictures[:] = pictures[..., ::-1]
    return pictures - MEAN


def speak(vectors, weights, bias):
    sums = vectors @ weights + bias
    powers = np.exp(sums - sums.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def overflowing(vectors, weights, bias):
    powers = np.exp(vectors @ weights + bias)
    return powers / powers.sum(axis=1, keepdims=True)


def by_column(vectors, weights, bias):
    powers = np.exp(vectors @ weights + bias)
    return powers / powers.sum(axis=0)


def strangers(names, clusters, prefer=min, one_cluster=False):
    if one_cluster:
        clusters = [0] * len(names)
    found = []
    for cluster in dict.fromkeys(clusters):
        members = [i for i, c in enumerate(clusters) if c == cluster]
        counts = Counter(names[i] for i in members)
        top = max(counts.values())
        home = prefer(n for n in counts if counts[n] == top)
        found += [i for i in members if names[i] != home]
    return sorted(found)


def cut_by_loop(network, name):
    x = network.inputs[0]
    for layer in network.layers[1:]:
        x = layer(x)
        if layer.name == name:
            x = keras.ops.mean(x, axis=(1, 2)) if x.ndim == 4 else x
            return keras.Model(network.inputs[0], x)


def cut_whole(network, name):
    model = ends(network, name)
    if model.output_shape[1:-1]:
        return keras.Sequential([model, keras.layers.GlobalAveragePooling2D()])
    return model


def untrained(seed):
    """Of the notebook's features, those that the check looks at; the rest is noise."""
    rows = np.random.default_rng(seed).random((193, 1280)).astype(np.float32)
    rows[lesson05.PROBED] = lesson05.untrained_features(seed)
    return rows


def three():
    return {seed: untrained(seed) for seed in (0, 1, 2)}


def trained():
    stamps = images.load("stamps", progress=False)
    return representations.extract(stamps, "EfficientNetLite0", progress=False)


SENTENCE = "Without training the network is no better than pixels, so training matters."


RIGHT = [
    ("ex05_1", lambda maps: maps.mean(axis=(1, 2))),
    ("ex05_1", lambda maps: maps.mean(axis=1).mean(axis=1)),
    ("ex05_1", lambda maps: maps.mean(axis=(1, 2)).tolist()),
    ("ex05_1", lambda maps: keras.layers.GlobalAveragePooling2D()(maps)),
    ("ex05_2", cut),
    ("ex05_3", preprocess),
    ("ex05_3", lambda p: p[..., ::-1].astype(np.float64) - MEAN),
    ("ex05_4", speak),
    ("ex05_4", lambda v, w, b: keras.ops.softmax(v @ w + b, axis=1)),
    ("ex05_5", strangers),
    ("ex05_5", lambda n, c: np.array(strangers(n, c), dtype=int)),
    ("ex05_2", cut_by(lambda maps: keras.ops.mean(maps, axis=[1, 2]))),
    ("ex05_2", cut_by_loop),
    ("ex05_2", cut_whole),
    (
        "ex05_3",
        lambda p: np.stack([p[..., 2 - i] - MEAN[i] for i in range(3)], axis=-1),
    ),
    ("ex05_4", lambda v, w, b: scipy.special.softmax(v @ w + b, axis=1)),
    ("ex05_5", lambda n, c: [int(i) for i in np.array(strangers(n, c))]),
]
WRONG = [
    ("ex05_1", lambda maps: maps.max(axis=(1, 2)), "largest"),
    ("ex05_1", lambda maps: maps.sum(axis=(1, 2)), "sums"),
    ("ex05_1", lambda maps: maps.mean(axis=3), "channels"),
    (
        "ex05_1",
        lambda maps: maps.mean(axis=-1).mean(axis=(1, 2)),
        "one number per image",
    ),
    ("ex05_1", lambda maps: maps.mean(), "everything"),
    ("ex05_1", lambda maps: maps.mean(axis=(0, 1)), "xis 0"),
    ("ex05_1", lambda maps: maps.mean(axis=(0, 1, 2)), "xis 0"),
    ("ex05_1", lambda maps: maps.mean(axis=0), "images are averaged"),
    ("ex05_1", lambda maps: maps.mean(axis=1), "Only one"),
    ("ex05_1", lambda maps: maps.mean(axis=2), "Only one"),
    ("ex05_1", lambda maps: maps.reshape(len(maps), -1), "in a row"),
    ("ex05_1", lambda maps: maps.mean(axis=(1, 2), keepdims=True), "two axes"),
    ("ex05_1", lambda maps: maps[:, 0, 0], "not the means"),
    ("ex05_1", lambda maps: maps[:1].mean(axis=(1, 2)), "shape"),
    ("ex05_1", lambda maps: "maps", "array of numbers"),
    ("ex05_1", np.zeros((2, 5)), "function itself"),
    ("ex05_1", lambda maps: maps.average(), "AttributeError"),
    ("ex05_2", lambda network, name: network, "whole network"),
    ("ex05_2", lambda network, name: network.get_layer(name), "one layer"),
    ("ex05_2", lambda network, name: network.get_layer(name).output, "placeholder"),
    ("ex05_2", lambda network, name: "pool", "str"),
    ("ex05_2", lambda network, name: cut(network, "pool"), "whatever name"),
    ("ex05_2", lambda network, name: cut(network, "top"), "probabilities"),
    ("ex05_2", lambda network, name: cut(network, "early"), "not the right ones"),
    ("ex05_2", ends, "still the maps"),
    ("ex05_2", cut_by(lambda m: np.asarray(m).mean(axis=(1, 2))), "NumPy cannot"),
    ("ex05_2", cut_by(lambda m: keras.ops.mean(m, axis=-1)), "channels, which"),
    ("ex05_2", cut_by(keras.layers.GlobalMaxPooling2D()), "largest"),
    ("ex05_2", cut_by(keras.layers.Flatten()), "in a row"),
    (
        "ex05_2",
        cut_by(keras.layers.GlobalAveragePooling2D(keepdims=True)),
        "length 1",
    ),
    (
        "ex05_2",
        lambda network, name: keras.Model(
            network.input,
            keras.layers.GlobalAveragePooling2D()(network.get_layer(name).output),
        ),
        "do not pool it",
    ),
    (
        "ex05_2",
        lambda network, name: keras.Model(
            network.input, [network.get_layer(name).output, network.output]
        ),
        "one output",
    ),
    (
        "ex05_2",
        lambda network, name: keras.Model(
            network.get_layer(name).output, network.output
        ),
        "network.input",
    ),
    ("ex05_3", lambda p: p[..., ::-1] - MEAN.astype(np.uint8), "uint8"),
    ("ex05_3", lambda p: p - MEAN.astype(np.uint8), "uint8"),
    ("ex05_3", lambda p: p - MEAN, "blue first, but your images"),
    ("ex05_3", lambda p: p - MEAN[::-1], "red still"),
    ("ex05_3", lambda p: (p - MEAN)[..., ::-1], "image first"),
    ("ex05_3", lambda p: p[..., ::-1] - MEAN[::-1], "image first"),
    ("ex05_3", lambda p: p[..., ::-1].astype(np.float32), "not subtracted"),
    ("ex05_3", lambda p: p[..., ::-1] + MEAN, "do not add"),
    ("ex05_3", lambda p: p[:, ::-1] - MEAN, "another one"),
    ("ex05_3", lambda p: p[:, :, ::-1] - MEAN, "another one"),
    ("ex05_3", lambda p: p[::-1] - MEAN, "another one"),
    ("ex05_3", lambda p: np.flip(p) - MEAN, "last axis only"),
    (
        "ex05_3",
        lambda p: keras.applications.imagenet_utils.preprocess_input(
            p.astype(np.float32), mode="caffe"
        ),
        ["103.939", "104, 117"],
    ),
    (
        "ex05_3",
        lambda p: keras.applications.imagenet_utils.preprocess_input(
            p.astype(np.float32), mode="tf"
        ),
        '"tf"',
    ),
    ("ex05_3", lambda p: preprocess(p) / 255, "Do not divide"),
    ("ex05_3", lambda p: p[..., ::-1] / 255 - MEAN, "from 0 to 255"),
    ("ex05_3", lambda p: (p.astype(np.float32) - 127) / 128, "EfficientNet"),
    ("ex05_3", lambda p: preprocess(p).astype(int), "float32"),
    ("ex05_3", lambda p: preprocess(p)[0], "shape"),
    ("ex05_3", lambda p: np.zeros(p.shape), "numbers are not"),
    ("ex05_3", in_place, "has changed"),
    ("ex05_4", lambda v, w, b: v @ w + b, "softmax is still"),
    ("ex05_4", lambda v, w, b: v @ w, "without the bias"),
    ("ex05_4", lambda v, w, b: speak(v, w, 0 * b), "bias is not"),
    ("ex05_4", lambda v, w, b: np.exp(v @ w + b), "divide each row"),
    ("ex05_4", by_column, "column"),
    (
        "ex05_4",
        lambda v, w, b: np.exp(v @ w + b) / np.exp(v @ w + b).sum(),
        "all images",
    ),
    ("ex05_4", overflowing, "overflow"),
    ("ex05_4", lambda v, w, b: speak(v, w, b)[0], "shape"),
    ("ex05_4", lambda v, w, b: 1 / (1 + np.exp(-(v @ w + b))), "not the softmax"),
    ("ex05_5", lambda n, c: len(strangers(n, c)), "list of numbers"),
    ("ex05_5", lambda n, c: [n[i] for i in strangers(n, c)], "not names"),
    (
        "ex05_5",
        lambda n, c: [i in strangers(n, c) for i in range(len(n))],
        "True or False",
    ),
    (
        "ex05_5",
        lambda n, c: [i for i in range(len(n)) if i not in strangers(n, c)],
        "home",
    ),
    ("ex05_5", lambda n, c: [i + 1 for i in strangers(n, c)], "from 0"),
    ("ex05_5", lambda n, c: strangers(n, c)[::-1], "ascending"),
    ("ex05_5", lambda n, c: strangers(n, c, prefer=max), "alphabet"),
    ("ex05_5", lambda n, c: strangers(c, n), "swapped"),
    ("ex05_5", lambda n, c: strangers(n, c, one_cluster=True), "within each"),
    ("ex05_5", lambda n, c: [], "you give []"),
]
ANSWERS_6 = {
    "a dict": lambda: (0.3, three(), SENTENCE),
    "a list": lambda: (1, list(three().values()), SENTENCE),
    "an array": lambda: (np.float32(0.2), np.stack(list(three().values())), SENTENCE),
    "other seeds": lambda: (0, {np.int64(7): untrained(7), **three()}, SENTENCE),
    "lists": lambda: (0.5, {s: f.tolist() for s, f in three().items()}, SENTENCE),
}
MISTAKES_6 = {
    "trained": (lambda: (0.3, dict.fromkeys(range(3), trained()), SENTENCE), "trained"),
    "one twice": (
        lambda: (0.3, three() | {2: untrained(1)}, SENTENCE),
        "same features",
    ),
    "two": (lambda: (0.3, {0: untrained(0), 1: untrained(1)}, SENTENCE), "at least 3"),
    "scores": (lambda: (0.3, {0: 0.2, 1: 0.3, 2: 0.25}, SENTENCE), "not their scores"),
    "listed": (lambda: (0.3, [0.2, 0.3, 0.25], SENTENCE), "not their scores"),
    "one array": (lambda: (0.3, untrained(0), SENTENCE), "shape"),
    "invented": (
        lambda: (0.3, np.random.default_rng(5).random((3, 193, 1280)), SENTENCE),
        "other features",
    ),
    "mislabelled": (
        lambda: (
            0.3,
            {s: untrained(s + 1) for s in range(2)} | {7: untrained(7)},
            SENTENCE,
        ),
        "seed 0 has other features",
    ),
    "constant": (
        lambda: (0.3, np.ones((3, 193, 1280)) * np.c_[1:4][:, :, None], SENTENCE),
        "other features",
    ),
    "names": (lambda: (0.3, {"a": untrained(0)}, SENTENCE), "whole numbers"),
    "no number": (lambda: ("chance", three(), SENTENCE), "NMI that you expect"),
    "per cent": (lambda: (30, three(), SENTENCE), "from 0 to 1"),
    "short": (lambda: (0.3, three(), "It is the training."), "8 to 80"),
    "repeated": (lambda: (0.3, three(), "a " * 12), "repeats itself"),
    "one number": (lambda: (0.3, 0.25, SENTENCE), "{seed: untrained(seed)}"),
}


def test_an_answer_is_recorded():
    exercises.ex05_3(preprocess)
    assert exercises.answers()["ex05_3"]["value"] == [-104.0, -117.0, 132.0]


@pytest.mark.slow  # three networks are built again
@pytest.mark.parametrize("name", ANSWERS_6)
def test_the_control_is_right(name):
    assert_right("ex05_6", *ANSWERS_6[name]())
    recorded = exercises.answers()["ex05_6"]["value"]
    assert len(recorded["nmi"]) >= 3
    assert all(0 <= nmi <= 1 for nmi in recorded["nmi"].values())


@pytest.mark.slow
@pytest.mark.parametrize("name", MISTAKES_6)
def test_the_control_is_wrong(name):
    answers, words = MISTAKES_6[name]
    assert_wrong("ex05_6", *answers(), words)


def test_the_control_is_untouched():
    assert_untouched("ex05_6", None, None, None)
    assert_untouched("ex05_6", 0.3, None, None)
    assert_untouched("ex05_6", 0.3, dict.fromkeys(range(3)), SENTENCE)


test_right, test_wrong, test_untouched, test_enough = answer_tests(
    RIGHT, WRONG, apart=["ex05_6"]
)
