"""Checks of lesson 5: right, wrong in the usual ways, and untouched answers."""

from collections import Counter

import numpy as np
import scipy
from lesson_answers import answer_tests, own_answers  # noqa: F401

from course_utils._support.keras import import_keras
from course_utils.lessons import exercises

keras = import_keras()
MEAN = np.array([104, 117, 123], np.float32)


def cut(network, name):
    return keras.Model(network.input, network.get_layer(name).output)


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
            return keras.Model(network.inputs[0], x)


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
    (
        "ex05_2",
        lambda network, name: keras.Model(
            network.inputs, network.get_layer(name).output
        ),
    ),
    ("ex05_2", cut_by_loop),
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
    ("ex05_2", lambda network, name: cut(network, "early"), "shape"),
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


def test_an_answer_is_recorded():
    exercises.ex05_3(preprocess)
    assert exercises.answers()["ex05_3"]["value"] == [-104.0, -117.0, 132.0]


test_right, test_wrong, test_untouched, test_enough = answer_tests(RIGHT, WRONG)
