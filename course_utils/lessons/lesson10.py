"""Checks of lesson 10, a semantic space."""

import numpy as np
import pandas as pd
from scipy.special import softmax
from sklearn.preprocessing import normalize

from course_utils.clustering import semantic
from course_utils.lessons.exercises import NotYet, attempted, exercise


def _units(n, seed, width=6, shift=0.0):
    """Random vectors of length 1; a shift gives them a direction in common."""
    return normalize(np.random.default_rng(seed).normal(size=(n, width)) + shift)


@exercise(
    "The nouns of a picture",
    hint="noun_vectors @ picture gives one cosine a noun; np.argsort sorts rising.",
)
def ex10_1(top_nouns):
    for seed, n in ((0, 3), (1, 1), (2, 5)):
        picture, vectors = _units(1, seed)[0], _units(9, seed + 10)
        names = [f"noun {letter}" for letter in "abcdefghi"]
        found = attempted(top_nouns(picture.copy(), vectors.copy(), names, n))
        if isinstance(found, str) or np.shape(found) != (n,):
            raise NotYet(f"return a list of {n} names, not {found!r}")
        found, order = list(found), np.argsort(-(vectors @ picture))
        expected = [names[i] for i in order[:n]]
        if found == expected:
            continue
        if any(not isinstance(name, str) for name in found):
            raise NotYet("return names, not numbers")
        if found == [names[i] for i in order[::-1][:n]]:
            raise NotYet("these are the nouns that fit worst: sort the other way round")
        if sorted(found) == sorted(expected):
            raise NotYet("the right nouns, but the best must come first")
        raise NotYet(f"you give {found}, expected are {expected}")
    return "nearest nouns"


@exercise(
    "Choose the nouns",
    hint="np.unique of the first n_nearest columns of the order; of these those "
    "whose cosine with the mean noun is below generic.",
)
def ex10_2(choose):
    for seed, n_nearest in ((0, 20), (1, 15), (2, 25)):
        centres, vectors = _units(3, seed, shift=0.5), _units(40, seed + 5, shift=2.5)
        middle = vectors.mean(axis=0)
        cosines = vectors @ middle / np.linalg.norm(middle)
        generic = float(np.quantile(cosines, 0.3))
        given = (centres.copy(), vectors.copy(), n_nearest, generic)
        found = np.asarray(attempted(choose(*given)))
        expected = semantic.choose_nouns(centres, vectors, n_nearest, generic)
        if found.ndim != 1:
            raise NotYet("return one row of indices, (number of chosen nouns,)")
        if np.array_equal(found, expected):
            continue
        if found.dtype == bool:
            raise NotYet("return indices, not True and False")
        if len(set(found.tolist())) < len(found):
            raise NotYet("a noun comes twice: it may be near several centres")
        if np.array_equal(np.sort(found), expected):
            raise NotYet("the right nouns, but the indices must rise")
        nearest = np.argsort(-(centres @ vectors.T), axis=1)[:, :n_nearest]
        union = np.unique(nearest)
        common = [i for i in union if all(i in row for row in nearest)]
        own = vectors[union].mean(axis=0)
        farthest = np.unique(np.argsort(centres @ vectors.T, axis=1)[:, :n_nearest])
        likely = {
            "the generic nouns are still there": union,
            "you drop all but the generic nouns": union[cosines[union] >= generic],
            "scale the mean noun to length 1 before you multiply": union[
                vectors[union] @ middle < generic
            ],
            "the mean noun is that of all nouns, not of the chosen ones": union[
                vectors[union] @ own / np.linalg.norm(own) < generic
            ],
            "take the nouns of any centre, not those of all at once": [
                i for i in common if cosines[i] < generic
            ],
            "these nouns are the farthest from the centres, not the nearest": farthest[
                cosines[farthest] < generic
            ],
        }
        for message, indices in likely.items():
            if np.array_equal(np.sort(found), indices):
                raise NotYet(message)
        raise NotYet(f"you give {found.tolist()}, expected are {expected.tolist()}")
    return "chosen nouns"


@exercise(
    "Pseudo-labels",
    hint="For each centre the n_nouns highest of space @ centre, their mean over "
    "its length; the products of all pictures with them; the highest of each row.",
)
def ex10_3(pseudo):
    for seed, n_nouns in ((0, 2), (1, 4), (2, 6)):
        pictures, centres = _units(60, seed, shift=0.2), _units(4, seed + 3, shift=0.2)
        space = _units(15, seed + 6, shift=0.3)
        given = (pictures.copy(), centres.copy(), space.copy(), n_nouns)
        found = np.asarray(attempted(pseudo(*given)))
        if found.shape != (60,):
            raise NotYet(f"return one label a picture, (60,), not {found.shape}")
        twins = semantic.semantic_centres(centres, space, n_nouns)
        if np.array_equal(found, semantic.pseudo_labels(pictures, twins)):
            continue
        order = np.argsort(-(centres @ space.T), axis=1)
        unscaled = space[order[:, :n_nouns]].mean(axis=1)
        far = space[order[:, -n_nouns:]].mean(axis=1)
        likely = {
            "these are the nearest centres of *pictures*: the nouns play no part": (
                pictures @ centres.T
            ).argmax(axis=1),
            "scale each mean of nouns to length 1": (pictures @ unscaled.T).argmax(1),
            "take the semantic centre with the highest cosine, not the lowest": (
                pictures @ twins.T
            ).argmin(axis=1),
            "these are the nouns farthest from the centre, not nearest": (
                pictures @ normalize(far).T
            ).argmax(axis=1),
        }
        for message, labels in likely.items():
            if np.array_equal(found, labels):
                raise NotYet(message)
        raise NotYet("these are not the nearest semantic centres")
    return "pseudo-labels"


@exercise(
    "The three losses",
    hint="Rows of p * q add up along axis 1. p[rows, labels] takes one column of each "
    "row. The mean row is p.mean(axis=0). np.maximum keeps the zeros out of np.log.",
)
def ex10_4(consistency, agreement, evenness):
    generator = np.random.default_rng(4)
    sign = "the sign: a logarithm of a probability is negative, so put a minus"
    add = "the mean over the pictures, not the sum"
    order = "first the logarithm, then the mean"
    base = "the natural logarithm, np.log"
    for n_images in (8, 30):
        p, q = (generator.dirichlet([a] * 5, n_images) for a in (0.5, 1))
        labels = np.arange(n_images) % 5
        same, given = (p * q).sum(axis=1), p[np.arange(n_images), labels]
        mean, means = p.mean(axis=0), p.mean(axis=1)
        wrong = {
            sign: np.log(same).mean(),
            add: -np.log(same).sum(),
            order: -np.log(same.mean()),
            base: -np.log2(same).mean(),
            "add up the products before the logarithm": -np.log(p * q).sum(1).mean(),
        }
        found, right = consistency(p.copy(), q.copy()), semantic.consistency_loss(p, q)
        _compare("consistency", found, right, wrong)
        wrong = {
            sign: np.log(given).mean(),
            add: -np.log(given).sum(),
            order: -np.log(given.mean()),
            "p[:, labels] takes every label's column of every picture": (
                -np.log(p[:, labels]).mean()
            ),
        }
        found, right = agreement(p.copy(), labels), semantic.semantic_loss(p, labels)
        _compare("agreement", found, right, wrong)
        wrong = {
            "the sign: an entropy is not negative": (mean * np.log(mean)).sum(),
            "the entropy of the mean, not the mean of the entropies": (
                -(p * np.log(p)).sum(axis=1).mean()
            ),
            base: -(mean * np.log2(mean)).sum(),
            "multiply each logarithm by its probability": -np.log(mean).sum(),
            "the mean over the pictures, axis 0": -(means * np.log(means)).sum(),
        }
        _compare("evenness", evenness(p.copy()), semantic.balance(p), wrong)
    sure, never, ones = np.eye(3)[[0] * 3], np.eye(3)[[1] * 3], np.ones(3, int)
    with np.errstate(all="ignore"):
        values = consistency(sure, never), agreement(sure, ones), evenness(sure)
    names = ("consistency", "agreement", "evenness")
    for name, value in zip(names, values, strict=True):
        if not np.isfinite(value):
            raise NotYet(f"{name}: a probability of 0 gives log(0); use SMALLEST")
    return "losses"


def _compare(name, found, expected, likely):
    if np.ndim(attempted(found)):
        raise NotYet(f"{name} is one number, not {np.shape(found)} of them")
    if np.isclose(found, expected, atol=1e-5):
        return
    for message, value in likely.items():
        if np.isclose(found, value, atol=1e-5):
            raise NotYet(f"{name}: {message}")
    raise NotYet(f"{name}: you give {found:.4f}, expected is {expected:.4f}")


@exercise(
    "The counterpart",
    hint="Subtract the highest score before np.exp. Weights add up to 1; "
    "weights @ space is the weighted sum, to be divided by its np.linalg.norm.",
)
def ex10_5(counterpart):
    for seed, temperature in ((0, 0.5), (1, 0.1), (2, 0.0005)):
        picture, space = _units(1, seed)[0], _units(8, seed + 4, shift=0.2)
        with np.errstate(all="ignore"):
            found = counterpart(picture.copy(), space.copy(), temperature)
        found = np.asarray(attempted(found), dtype=float)
        if found.shape != picture.shape:
            raise NotYet(f"return a vector of shape {picture.shape}, not {found.shape}")
        expected = semantic.counterparts(picture[None], space, temperature)[0]
        if np.allclose(found, expected, atol=1e-6):
            continue
        if not np.isfinite(found).all():
            raise NotYet(
                "e to a large power overflows: subtract the highest score first"
            )
        scores = space @ picture
        likely = {
            "scale the result to length 1": softmax(scores / temperature) @ space,
            "divide, do not multiply": normalize(
                [softmax(scores * temperature) @ space]
            )[0],
            "the temperature is missing": normalize([softmax(scores) @ space])[0],
            "weigh by the softmax, not by scores": normalize([scores @ space])[0],
        }
        for message, vector in likely.items():
            if np.allclose(found, vector, atol=1e-6):
                raise NotYet(message)
        raise NotYet("this is not the weighted sum of the nouns, scaled to length 1")
    return "counterpart"


@exercise(
    "Choose without labels",
    hint="pd.DataFrame(rows) of dicts with the keys setting, stability and nmi.",
)
def ex10_6(choices):
    missing = {"setting", "stability", "nmi"} - set(getattr(choices, "columns", ()))
    if not isinstance(choices, pd.DataFrame) or missing:
        raise NotYet("give a table with the columns setting, stability and nmi")
    if choices["setting"].nunique() < 3 or len(choices) != choices["setting"].nunique():
        raise NotYet("three settings or more, one row each")
    for column in ("stability", "nmi"):
        if not choices[column].astype(float).between(0, 1).all():
            raise NotYet(f"{column} lies between 0 and 1, and none may be missing")
    if (choices["stability"] == choices["nmi"]).all():
        raise NotYet("stability compares the labelings with each other, not the truth")
    return len(choices)
