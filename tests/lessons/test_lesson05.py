"""The checks of lesson 5: right, wrong in the usual ways, and untouched answers."""

import re
from collections import Counter

import numpy as np
import pytest

from course_utils._support.keras import import_keras
from course_utils.lessons import exercises

keras = import_keras()
MEAN = np.array([104, 117, 123], np.float32)


@pytest.fixture(autouse=True)
def lesson(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path))
    exercises.begin("05_pretrained_backbones")


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


RIGHT = {
    "ex05_1": [
        lambda maps: maps.mean(axis=(1, 2)),
        lambda maps: maps.mean(axis=1).mean(axis=1),
        lambda maps: maps.mean(axis=(1, 2)).tolist(),
        lambda maps: keras.layers.GlobalAveragePooling2D()(maps),
    ],
    "ex05_2": [cut],
    "ex05_3": [preprocess, lambda p: p[..., ::-1].astype(np.float64) - MEAN],
    "ex05_4": [speak, lambda v, w, b: keras.ops.softmax(v @ w + b, axis=1)],
    "ex05_5": [strangers, lambda n, c: np.array(strangers(n, c), dtype=int)],
}
WRONG = {
    "ex05_1": [
        (lambda maps: maps.max(axis=(1, 2)), "largest"),
        (lambda maps: maps.sum(axis=(1, 2)), "sums"),
        (lambda maps: maps.mean(axis=3), "channels"),
        (lambda maps: maps.mean(axis=-1).mean(axis=(1, 2)), "one number a picture"),
        (lambda maps: maps.mean(), "everything"),
        (lambda maps: maps.mean(axis=(0, 1)), "axis 0"),
        (lambda maps: maps.mean(axis=(0, 1, 2)), "axis 0"),
        (lambda maps: maps.mean(axis=0), "pictures are averaged"),
        (lambda maps: maps.mean(axis=1), "only one"),
        (lambda maps: maps.mean(axis=2), "only one"),
        (lambda maps: maps.reshape(len(maps), -1), "in a row"),
        (lambda maps: maps.mean(axis=(1, 2), keepdims=True), "two axes"),
        (lambda maps: maps[:, 0, 0], "no means"),
        (lambda maps: maps[:1].mean(axis=(1, 2)), "shape"),
        (lambda maps: "maps", "array of numbers"),
        (np.zeros((2, 5)), "function itself"),
        (lambda maps: maps.average(), "AttributeError"),
    ],
    "ex05_2": [
        (lambda network, name: network, "whole network"),
        (lambda network, name: network.get_layer(name), "one layer"),
        (lambda network, name: network.get_layer(name).output, "placeholder"),
        (lambda network, name: "pool", "str"),
        (lambda network, name: cut(network, "pool"), "whatever name"),
        (lambda network, name: cut(network, "top"), "probabilities"),
        (lambda network, name: cut(network, "early"), "shape"),
        (
            lambda network, name: keras.Model(
                network.input, [network.get_layer(name).output, network.output]
            ),
            "one output",
        ),
        (
            lambda network, name: keras.Model(
                network.get_layer(name).output, network.output
            ),
            "network.input",
        ),
    ],
    "ex05_3": [
        (lambda p: p[..., ::-1] - MEAN.astype(np.uint8), "uint8"),
        (lambda p: p - MEAN.astype(np.uint8), "uint8"),
        (lambda p: p - MEAN, "blue first, your pictures"),
        (lambda p: p - MEAN[::-1], "red still"),
        (lambda p: (p - MEAN)[..., ::-1], "picture first"),
        (lambda p: p[..., ::-1] - MEAN[::-1], "picture first"),
        (lambda p: p[..., ::-1].astype(np.float32), "not subtracted"),
        (lambda p: p[..., ::-1] + MEAN, "not added"),
        (lambda p: p[:, ::-1] - MEAN, "another one"),
        (lambda p: p[:, :, ::-1] - MEAN, "another one"),
        (lambda p: p[::-1] - MEAN, "another one"),
        (lambda p: np.flip(p) - MEAN, "last axis only"),
        (lambda p: preprocess(p) / 255, "no division"),
        (lambda p: p[..., ::-1] / 255 - MEAN, "from 0 to 255"),
        (lambda p: (p.astype(np.float32) - 127) / 128, "EfficientNet"),
        (lambda p: preprocess(p).astype(int), "float32"),
        (lambda p: preprocess(p)[0], "shape"),
        (lambda p: np.zeros(p.shape), "numbers are not"),
        (in_place, "have changed"),
    ],
    "ex05_4": [
        (lambda v, w, b: v @ w + b, "softmax is still"),
        (lambda v, w, b: v @ w, "without the bias"),
        (lambda v, w, b: speak(v, w, 0 * b), "bias is not"),
        (lambda v, w, b: np.exp(v @ w + b), "divide each row"),
        (by_column, "column"),
        (lambda v, w, b: np.exp(v @ w + b) / np.exp(v @ w + b).sum(), "all pictures"),
        (overflowing, "overflows"),
        (lambda v, w, b: speak(v, w, b)[0], "shape"),
        (lambda v, w, b: 1 / (1 + np.exp(-(v @ w + b))), "not the softmax"),
    ],
    "ex05_5": [
        (lambda n, c: len(strangers(n, c)), "list of numbers"),
        (lambda n, c: [n[i] for i in strangers(n, c)], "not names"),
        (lambda n, c: [i in strangers(n, c) for i in range(len(n))], "True or False"),
        (lambda n, c: [i for i in range(len(n)) if i not in strangers(n, c)], "home"),
        (lambda n, c: [i + 1 for i in strangers(n, c)], "from 0"),
        (lambda n, c: strangers(n, c)[::-1], "ascending"),
        (lambda n, c: strangers(n, c, prefer=max), "alphabet"),
        (lambda n, c: strangers(c, n), "swapped"),
        (lambda n, c: strangers(n, c, one_cluster=True), "within each"),
        (lambda n, c: [], "not \\[\\]"),
    ],
}
CASES = [(name, *case) for name, cases in WRONG.items() for case in cases]


@pytest.mark.parametrize("name", RIGHT)
def test_right(name):
    for answer in RIGHT[name]:
        verdict = getattr(exercises, name)(answer)
        assert verdict.state == exercises.RIGHT, verdict


@pytest.mark.parametrize(("name", "answer", "message"), CASES)
def test_wrong_is_named(name, answer, message):
    verdict = getattr(exercises, name)(answer)
    assert verdict.state == exercises.NOT_YET
    assert re.search(message, verdict.message), verdict.message


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("answer", [None, ..., lambda *arguments: None])
def test_untouched(name, answer):
    assert getattr(exercises, name)(answer).state == exercises.NOT_ATTEMPTED


def test_an_answer_is_recorded():
    exercises.ex05_3(preprocess)
    assert exercises.answers()["ex05_3"]["value"] == [-104.0, -117.0, 132.0]
