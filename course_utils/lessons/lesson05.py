"""Checks of lesson 5: pooling, cutting a network, preprocessing, the top, strangers."""

from collections import Counter

import numpy as np

from course_utils.lessons.exercises import NotYet, attempted, exercise

MEAN = np.array([104, 117, 123], np.float32)  # blue, green, red


def _call(function, *arguments):
    """What a student's function returns for these arguments."""
    if not callable(function):
        raise NotYet("give the check the function itself: its name, no parentheses.")
    with np.errstate(all="ignore"):
        return attempted(function(*arguments))


def _same(found, expected):
    expected = np.asarray(expected, dtype=float)
    if found.shape != expected.shape:
        return False
    return np.allclose(found, expected, rtol=1e-4, atol=1e-4)


def _judge(answer, right, mistakes, last_words):
    """Raise NotYet unless the answer is right; name the mistake that gives the same."""
    try:
        found = np.asarray(answer, dtype=float)
    except (TypeError, ValueError):
        raise NotYet(f"return one array of numbers, not {answer!r:.60}.") from None
    if _same(found, right):
        return
    for wrong, message in mistakes:
        if _same(found, wrong):
            raise NotYet(message)
    if found.shape != right.shape:
        raise NotYet(f"the shape should be {right.shape}, not {found.shape}.")
    raise NotYet(last_words)


@exercise(
    "Average pooling",
    hint="axis 0 counts pictures, axes 1 and 2 are the places, axis 3 the channels. A "
    "mean may go over several axes at once if you give it a tuple.",
)
def ex05_1(average_pool):
    generator = np.random.default_rng(5)
    for shape in [(2, 7, 7, 5), (1, 3, 4, 6), (3, 1, 1, 2)]:
        maps = generator.random(shape).astype(np.float32)
        right, rows = maps.mean(axis=(1, 2)), maps.reshape(len(maps), -1)
        mistakes = [
            (maps.max(axis=(1, 2)), "these are the largest values, not the means."),
            (maps.sum(axis=(1, 2)), "these are sums: divide by the number of places."),
            (maps.mean(axis=3), "you average over the channels, which must stay."),
            (rows.mean(axis=1), "one number a picture: keep the channels apart."),
            (maps.mean(), "one number for everything: keep pictures and channels."),
            (maps.mean(axis=(0, 1)), "axis 0 counts the pictures and must stay."),
            (maps.mean(axis=(0, 1, 2)), "the pictures are averaged too: keep axis 0."),
            (maps.mean(axis=0), "the pictures are averaged, not the places."),
            (maps.mean(axis=1), "only one of the two axes of places is averaged."),
            (maps.mean(axis=2), "only one of the two axes of places is averaged."),
            (rows, "nothing is averaged: the maps are only laid in a row."),
            (right[:, None, None, :], "keep two axes only: (n, channels)."),
        ]
        answer = _call(average_pool, maps.copy())
        _judge(answer, right, mistakes, "the shape is right, but these are no means.")
    return average_pool(np.arange(8.0).reshape(1, 2, 2, 2))


@exercise(
    "Cut off the top",
    hint="network.get_layer(name) finds a layer, its .output is what comes out of it; "
    "a model is made from where it begins and where it ends.",
)
def ex05_2(cut):
    import keras

    inputs = keras.Input((6, 6, 3))
    x = keras.layers.Conv2D(4, 3, name="early")(inputs)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = keras.layers.Dense(5, activation="softmax", name="top")(x)
    network = keras.Model(inputs, outputs)
    pictures = np.random.default_rng(5).random((2, 6, 6, 3)).astype(np.float32)
    values, expected = pictures, {}
    for layer in network.layers[1:]:
        values = expected[layer.name] = layer(values)
    for name in ("pool", "early"):
        model = _call(cut, network, name)
        if isinstance(model, keras.KerasTensor):
            raise NotYet(
                "this is a layer's output, a placeholder without numbers: make a "
                "keras.Model that ends there."
            )
        if model is network:
            raise NotYet("this is the whole network: its top is still on.")
        if not isinstance(model, keras.Model):
            if isinstance(model, keras.layers.Layer):
                raise NotYet("this is one layer: it knows nothing of those before it.")
            raise NotYet(f"return a keras.Model, not {type(model).__name__}.")
        try:
            found = model(pictures)
        except Exception as error:
            raise NotYet(
                "the model does not take pictures: let it begin at network.input."
            ) from error
        if isinstance(found, list | tuple):
            raise NotYet("give one output, not a list of them.")
        mistakes = [
            (expected["top"], "it still ends with the probabilities of the top."),
            (expected["pool"], "it stops at pool, whatever name is asked for."),
        ]
        right, words = np.asarray(expected[name]), "the numbers are not the layer's."
        _judge(found, right, mistakes, words)
    return "right"


@exercise(
    "SqueezeNet's preprocessing",
    hint="three steps in this order: reverse the last axis, make the numbers float32, "
    "subtract an array of three. uint8 cannot hold a negative number.",
)
def ex05_3(preprocess):
    generator = np.random.default_rng(5)
    small = MEAN.astype(np.uint8)
    for shape in [(2, 4, 6, 3), (1, 3, 3, 3)]:
        pictures = generator.integers(0, 256, shape, dtype=np.uint8)
        given = pictures.copy()
        answer = _call(preprocess, given)
        if not np.array_equal(given, pictures):
            raise NotYet("the pictures you were given have changed: work on a copy.")
        rgb = pictures.astype(np.float32)
        bgr = rgb[..., ::-1]
        right = bgr - MEAN
        wrapped = "you subtracted in uint8, where 10 − 104 is 162: make floats first."
        place = "the channels are the last axis; you reversed another one."
        mistakes = [
            (pictures[..., ::-1] - small, wrapped),
            (pictures - small, wrapped + " And red is still the first channel."),
            (rgb - MEAN, "the mean is blue first, your pictures are red first."),
            (rgb - MEAN[::-1], "the mean is right, but red still comes first."),
            (bgr - MEAN[::-1], "blue's mean goes off red: reverse the picture first."),
            (bgr, "the mean is not subtracted yet."),
            (bgr + MEAN, "the mean is subtracted, not added."),
            (rgb[:, :, ::-1] - MEAN, place),
            (rgb[:, ::-1] - MEAN, place),
            (rgb[::-1] - MEAN, place),
            (rgb[::-1, ::-1, ::-1, ::-1] - MEAN, "reverse the last axis only."),
            (right / 255, "no division: this network wants the mean off, no more."),
            (bgr / 255 - MEAN, "the mean is for numbers from 0 to 255."),
            ((rgb - 127) / 128, "this is EfficientNet-Lite0's preprocessing."),
        ]
        _judge(answer, right, mistakes, "the shape is right, the numbers are not.")
        if np.asarray(answer).dtype.kind != "f":
            raise NotYet("the numbers are right, but make them float32.")
    red = np.array([255, 0, 0], np.uint8).reshape(1, 1, 1, 3)
    return [float(value) for value in np.ravel(preprocess(red))]


def _softmax(sums, axis=1):
    powers = np.exp(sums - sums.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


@exercise(
    "The top is one matrix",
    hint="sums has one row a picture and one column a noun. The largest sum and the "
    "total are taken along axis 1; keepdims=True lets them be subtracted and divided.",
)
def ex05_4(speak):
    generator = np.random.default_rng(5)
    for n, width, n_nouns, scale in [(3, 4, 5, 1), (4, 6, 4, 1), (2, 3, 6, 2000)]:
        vectors = generator.normal(size=(n, width)) * scale
        weights = generator.normal(size=(width, n_nouns))
        bias = generator.normal(size=n_nouns) * 3
        answer = _call(speak, vectors.copy(), weights.copy(), bias.copy())
        sums = vectors @ weights + bias
        with np.errstate(all="ignore"):
            powers = np.exp(sums)
            shares = powers / powers.sum()
        mistakes = [
            (sums, "these are the sums: the softmax is still to come."),
            (_softmax(sums - bias), "the bias is not added."),
            (sums - bias, "these are the sums without the bias, and no softmax yet."),
            (powers, "e to the sums: now divide each row by its total."),
            (_softmax(sums, axis=0), "each column adds up to 1; each row should."),
            (shares, "you divide by the total of all pictures: row by row."),
        ]
        words = "these are not the softmax of vW + b."
        if scale > 1:
            words = "with large sums it overflows: first subtract the largest of a row."
        _judge(answer, _softmax(sums), mistakes, words)
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
    hint="for each cluster: who is in it, which class is commonest among them, and "
    "whose class is another one? collections.Counter counts names.",
)
def ex05_5(strangers):
    recorded = []
    for names, clusters in PROBES:
        expected = _strangers(names, clusters)
        found = _call(strangers, list(names), list(clusters))
        if np.ndim(found) == 0:
            raise NotYet(f"return the places, a list of numbers, not {found!r:.60}.")
        found = list(found)
        if any(isinstance(place, str) for place in found):
            raise NotYet("return places (0, 1, …), not names.")
        if any(isinstance(place, bool | np.bool_) for place in found):
            raise NotYet("return the places, not a True or False for each picture.")
        mistakes = [
            (_strangers(names, clusters, max), "of equals, the alphabet's first."),
            ([i for i in range(len(names)) if i not in expected], "these are at home."),
            ([i + 1 for i in expected], "the places count from 0."),
            (_strangers(clusters, names), "classes and clusters are swapped."),
            (_strangers(names, [0] * len(names)), "look within each cluster."),
        ]
        if found != expected:
            if sorted(found) == expected:
                raise NotYet("the right places: give them in ascending order.")
            for wrong, message in mistakes:
                if sorted(found) == wrong:
                    raise NotYet(message)
            raise NotYet(f"classes {names}, clusters {clusters}: not {found}.")
        recorded.append([int(place) for place in found])
    return recorded
