"""Checks of lesson 11: right, wrong in the usual ways, and untouched answers."""

import heapq
from functools import cache, partial

import numpy as np
import pandas as pd
from lesson_answers import answer_tests, own_answers  # noqa: F401
from scipy.special import softmax
from scipy.stats import entropy
from sklearn.cluster import KMeans
from sklearn.metrics import log_loss

from course_utils import images, representations


def top_nouns(sign=-1, kind=str, reverse=False, extra=0):
    def answer(picture, vectors, names, n):
        best = np.argsort(sign * (vectors @ picture))[: n + extra]
        found = [names[i] if kind is str else int(i) for i in best]
        return found[::-1] if reverse else found

    return answer


def choose(
    keep="below", scale=True, of="all", together="any", sign=-1, unique=True, kind=list
):
    def answer(centres, vectors, n_nearest, generic):
        nearest = np.argsort(sign * (centres @ vectors.T), axis=1)[:, :n_nearest]
        found = np.unique(nearest) if unique else nearest.ravel()
        if together == "every":
            found = np.array([i for i in found if all(i in r for r in nearest)], int)
        middle = (vectors if of == "all" else vectors[np.unique(nearest)]).mean(axis=0)
        middle = middle / np.linalg.norm(middle) if scale else middle
        below = vectors[found] @ middle < generic
        if keep != "all":
            found = found[below if keep == "below" else ~below]
        return kind(found)

    return answer


def mask(centres, vectors, n_nearest, generic):
    return np.isin(np.arange(len(vectors)), choose()(centres, vectors, n_nearest, 0.9))


def pseudo(scale=True, twin=True, best=np.argmax, sign=-1):
    def answer(pictures, centres, space, n_nouns):
        twins = []
        for centre in centres:
            order = np.argsort(sign * (space @ centre))[:n_nouns]
            mean = space[order].mean(axis=0)
            twins.append(mean / np.linalg.norm(mean) if scale else mean)
        return best(pictures @ np.array(twins if twin else centres).T, axis=1)

    return answer


def log(x):
    return np.log(np.maximum(x, 1e-8))


def consistency(p, q):
    return -log((p * q).sum(axis=1)).mean()


def agreement(p, labels):
    return -log(p[np.arange(len(p)), labels]).mean()


def evenness(p):
    return -(p.mean(axis=0) * log(p.mean(axis=0))).sum()


def counterpart(picture, space, temperature, power=-1, length=True, stable=True):
    scores = space @ picture * temperature**power
    weights = np.exp(scores - (scores.max() if stable else 0))
    mixture = weights / weights.sum() @ space
    return mixture / np.linalg.norm(mixture) if length else mixture


def at_most(centres, vectors, n_nearest, generic):
    found = np.array(choose(keep="all")(centres, vectors, n_nearest, generic))
    mean = vectors.mean(axis=0)
    return found[vectors[found] @ mean / np.linalg.norm(mean) <= generic]


def by_sets(centres, vectors, n_nearest, generic):
    mean = sum(vectors)
    mean = mean / np.sqrt(mean @ mean)
    kept = {i for i, noun in enumerate(vectors) if noun @ mean < generic}
    for_all = set()
    for centre in centres:
        cosines = pd.Series(vectors @ centre)
        for_all |= set(cosines.nlargest(n_nearest).index)
    return sorted(kept & for_all)


def floored(power):
    """−log of at least 10 to this power: a floor of the student's own."""
    return lambda x: -np.log(np.maximum(x, 10.0**power))


def nothing_for_zero(x):
    with np.errstate(divide="ignore"):
        return -np.nan_to_num(np.log(x), neginf=0)


def consistent(minus_log):
    return lambda p, q: minus_log((p * q).sum(axis=1)).mean()


def agreeing(minus_log):
    return lambda p, labels: minus_log(p[np.arange(len(p)), labels]).mean()


@cache
def features(name):
    image_set = images.load(name, progress=False)
    return representations.extract(image_set, "lbp", progress=False)


def setting(k=7, name="stamps", n_init=1):
    def answer(seed):
        model = KMeans(k, n_init=n_init, random_state=seed)
        return model.fit_predict(features(name))

    return answer


def one_cluster(seed):
    return np.zeros(193, int)


def invented(seed):
    return np.random.default_rng(seed).integers(0, 7, 193)


def unseeded(seed):
    return np.random.default_rng().integers(0, 7, 193)


def perfect(seed):
    return images.load("stamps", progress=False).true_labels


def resized(seed):
    return np.resize(setting()(seed)[:20], 193)


TOGETHER = (
    "The most stable of my settings is together, but its NMI is only that of chance."
)
THREE = {"few": setting(4), "seven": setting(), "together": one_cluster}


LOSSES = consistency, agreement, evenness


def pseudo_by_loop(pictures, centres, space, n_nouns):
    def twin(centre):
        nearest = sorted(space, key=lambda noun: -noun @ centre)[:n_nouns]
        return sum(nearest) / np.linalg.norm(sum(nearest))

    twins = [twin(centre) for centre in centres]
    return [max(range(len(twins)), key=lambda i, p=p: twins[i] @ p) for p in pictures]


RIGHT = [
    ("ex11_1", top_nouns()),
    ("ex11_1", lambda *given: np.array(top_nouns()(*given))),
    ("ex11_2", choose()),
    ("ex11_2", choose(kind=np.array)),
    ("ex11_3", pseudo()),
    ("ex11_3", lambda *given: pseudo()(*given).tolist()),
    ("ex11_4", *LOSSES),
    ("ex11_4", lambda p, q: np.float32(consistency(p, q)), agreement, evenness),
    ("ex11_5", counterpart),
    ("ex11_5", lambda *given: counterpart(*given).tolist()),
    ("ex11_6", THREE, TOGETHER),
    (
        "ex11_1",
        lambda p, v, names, n: sorted(names, key=lambda x: -v[names.index(x)] @ p)[:n],
    ),
    ("ex11_2", lambda *given: sorted(set(choose(unique=False)(*given)))),
    ("ex11_3", pseudo_by_loop),
    ("ex11_4", *[lambda *given, loss=loss: [loss(*given)] for loss in LOSSES]),
    ("ex11_5", lambda p, s, t: (w := softmax(s @ p / t) @ s) / np.sqrt(w @ w)),
    ("ex11_6", THREE | {5: partial(setting(5))}, TOGETHER.upper()),
    (
        "ex11_6",
        {
            "together": setting(2, "photos", 9),
            "b": setting(9, "photos"),
            "c": lambda seed: setting(14, "photos")(seed).tolist(),
        },
        TOGETHER,
    ),
    ("ex11_1", lambda p, v, names, n: map(names.__getitem__, np.argsort(-v @ p)[:n])),
    ("ex11_1", lambda p, v, names, n: (names[i] for i in np.argsort(-v @ p)[:n])),
    (
        "ex11_1",
        lambda p, v, names, n: tuple(
            heapq.nlargest(n, names, key=dict(zip(names, v @ p, strict=True)).get)
        ),
    ),
    ("ex11_1", lambda p, v, names, n: pd.Series(v @ p, names).nlargest(n).index),
    ("ex11_2", by_sets),
    (
        "ex11_4",
        lambda p, q: float(
            np.mean([-log(sum(a * b)) for a, b in zip(p, q, strict=True)])
        ),
        lambda p, y: log_loss(y, p, labels=range(p.shape[1])) if p.all() else 18.42,
        lambda p: entropy(p.mean(axis=0)),
    ),
    (
        "ex11_4",
        lambda p, q: -np.log(np.einsum("ij,ij->i", p, q) + 1e-8).mean(),
        agreeing(floored(-12)),
        lambda p: float(pd.Series(p.mean(axis=0)).map(lambda x: -x * log(x)).sum()),
    ),
]
WRONG = [
    ("ex11_1", top_nouns(sign=1), "worst"),
    ("ex11_1", top_nouns(reverse=True), "best must come first"),
    ("ex11_1", top_nouns(kind=int), "names, not numbers"),
    ("ex11_1", top_nouns(extra=1), "list of 3 names"),
    ("ex11_1", lambda picture, vectors, names, n: names[:n], "right is"),
    ("ex11_2", choose(keep="all"), "still there"),
    ("ex11_2", choose(keep="above"), "all but"),
    ("ex11_2", choose(scale=False), "length 1"),
    ("ex11_2", choose(of="chosen"), "of all nouns"),
    ("ex11_2", choose(together="every"), "any centre"),
    ("ex11_2", choose(sign=1), "farthest"),
    ("ex11_2", choose(unique=False), "twice"),
    ("ex11_2", lambda *given: choose()(*given)[::-1], "sort the indices upwards"),
    ("ex11_2", mask, "indices, not True"),
    ("ex11_2", lambda *given: [choose()(*given)], "one row"),
    ("ex11_2", lambda *given: [0], "You give"),
    ("ex11_3", pseudo(twin=False), "use the nouns"),
    ("ex11_3", pseudo(scale=False), "length 1"),
    ("ex11_3", pseudo(best=np.argmin), "not the lowest"),
    ("ex11_3", pseudo(sign=1), "farthest"),
    ("ex11_3", lambda pictures, *given: pictures, "one label"),
    ("ex11_3", lambda pictures, *given: np.zeros(len(pictures)), "not the nearest"),
    ("ex11_4", lambda p, q: -consistency(p, q), *LOSSES[1:], "The sign"),
    ("ex11_4", lambda p, q: len(p) * consistency(p, q), *LOSSES[1:], "the sum"),
    ("ex11_4", lambda p, q: -log((p * q).sum(1).mean()), *LOSSES[1:], "then the mean"),
    ("ex11_4", lambda p, q: consistency(p, q) / np.log(2), *LOSSES[1:], "natural"),
    ("ex11_4", lambda p, q: -log(p * q).sum(1).mean(), *LOSSES[1:], "before the"),
    ("ex11_4", lambda p, q: -log((p * q).sum(1)), *LOSSES[1:], "one number"),
    ("ex11_4", lambda p, q: 0.25, *LOSSES[1:], "right is"),
    (
        "ex11_4",
        lambda p, q: -np.log((p * q).sum(1)).mean(),
        *LOSSES[1:],
        "consistency: A probability of 0",
    ),
    ("ex11_4", consistency, lambda p, y: -agreement(p, y), evenness, "The sign"),
    ("ex11_4", consistency, lambda p, y: -log(p[:, y]).mean(), evenness, "column"),
    (
        "ex11_4",
        consistency,
        lambda p, y: -np.log(p[np.arange(len(p)), y]).mean(),
        evenness,
        "agreement: A probability of 0",
    ),
    ("ex11_4", *LOSSES[:2], lambda p: -evenness(p), "entropy is not negative"),
    ("ex11_4", *LOSSES[:2], lambda p: -(p * log(p)).sum(1).mean(), "entropy of the"),
    ("ex11_4", *LOSSES[:2], lambda p: evenness(p) / np.log(2), "natural"),
    ("ex11_4", *LOSSES[:2], lambda p: -log(p.mean(0)).sum(), "Multiply"),
    ("ex11_4", *LOSSES[:2], lambda p: -(p.mean(1) * log(p.mean(1))).sum(), "axis 0"),
    (
        "ex11_4",
        *LOSSES[:2],
        lambda p: -(p.mean(0) * np.log(p.mean(0))).sum(),
        "evenness: A probability of 0",
    ),
    ("ex11_5", lambda *g: counterpart(*g, power=1), "not multiply"),
    ("ex11_5", lambda *g: counterpart(*g, power=0), "no effect"),
    ("ex11_5", lambda *g: counterpart(*g, length=False), "length 1"),
    ("ex11_5", lambda *g: counterpart(*g, stable=False), "overflows"),
    (
        "ex11_5",
        lambda p, s, t: s @ p @ s / np.linalg.norm(s @ p @ s),
        "not by the cosines",
    ),
    ("ex11_5", lambda p, s, t: s @ p, "shape"),
    ("ex11_5", lambda p, s, t: s[0], "not the weighted sum"),
    (
        "ex11_1",
        lambda p, v, names, n: [names[i] for i in np.argsort(-np.abs(v @ p))[:n]],
        "without abs",
    ),
    ("ex11_1", lambda *given: "toucan", "list of 3 names"),
    ("ex11_2", at_most, "exactly generic"),
    ("ex11_4", consistent(nothing_for_zero), *LOSSES[1:], "−log(SMALLEST) = 18.4"),
    ("ex11_4", consistent(floored(-2)), *LOSSES[1:], "consistency:"),
    ("ex11_4", consistent(floored(-5)), *LOSSES[1:], "yours is 11.5"),
    ("ex11_4", LOSSES[0], agreeing(nothing_for_zero), LOSSES[2], "agreement: Where"),
    ("ex11_4", LOSSES[0], agreeing(floored(-5)), LOSSES[2], "yours is 11.5"),
    ("ex11_4", *LOSSES[:2], lambda p: entropy(p.mean(axis=0) + 1e-4), "evenness:"),
    (
        "ex11_5",
        lambda p, s, t: (w := softmax(s @ p) / t @ s) / np.sqrt(w @ w),
        "no effect",
    ),
    ("ex11_6", [1, 2, 3], TOGETHER, "a dict"),
    ("ex11_6", pd.DataFrame({"stability": [1]}), TOGETHER, "a dict"),
    ("ex11_6", {"a": 0.8, "b": 0.9, "c": 1}, TOGETHER, "must be a function"),
    ("ex11_6", {"a": setting(), "b": setting(8)}, TOGETHER, "three or more"),
    ("ex11_6", THREE | {"d": lambda seed: 0.5}, TOGETHER, "one label per image"),
    ("ex11_6", THREE | {"d": lambda seed: [0] * 20}, TOGETHER, "193 (stamps)"),
    ("ex11_6", THREE | {"d": setting(7, "photos")}, TOGETHER, "same images"),
    ("ex11_6", THREE | {"d": unseeded}, TOGETHER, "different clusters"),
    ("ex11_6", THREE | {"d": perfect}, TOGETHER, "true labels"),
    (
        "ex11_6",
        {"a": invented, "b": lambda seed: invented(seed + 9), "together": one_cluster},
        TOGETHER,
        "above that of chance",
    ),
    (
        "ex11_6",
        {"a": resized, "b": invented, "together": one_cluster},
        TOGETHER,
        "above that of chance",
    ),
    ("ex11_6", dict.fromkeys("abc", setting()), TOGETHER, "same clusters"),
    (
        "ex11_6",
        {str(k): partial(lambda k, seed: setting(k)(0), k) for k in (5, 6, 7)},
        TOGETHER,
        "depends on the seed",
    ),
    ("ex11_6", THREE, "It is the best.", "8 to 80"),
    ("ex11_6", THREE, TOGETHER.replace("together", "few"), "'together'"),
]
UNTOUCHED = [("ex11_4", consistency, lambda p, labels: None, evenness)]

test_right, test_wrong, test_untouched, test_enough = answer_tests(
    RIGHT, WRONG, UNTOUCHED
)
