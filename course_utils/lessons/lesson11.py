"""Checks of lesson 11: a semantic space."""

import operator
from functools import partial

import numpy as np
from scipy.special import softmax
from sklearn.preprocessing import normalize

from course_utils import metrics
from course_utils.clustering import diversity, semantic
from course_utils.lessons.exercises import NotYet, attempted, exercise
from course_utils.lessons.matching import (
    as_array,
    as_number,
    call_function,
    compare_answer,
    find_mistake,
    require_words,
    run_clusterings,
    same_numbers,
    true_labels_by_size,
)

N_SEEDS = 4


def _random_units(n, seed, width=6, shift=0.0):
    """Random vectors of length 1; a shift gives them a direction in common."""
    return normalize(np.random.default_rng(seed).normal(size=(n, width)) + shift)


@exercise(
    "The nouns of an image",
    hint="noun_vectors @ picture gives one cosine per noun; np.argsort sorts upwards.",
)
def ex11_1(top_nouns):
    """Write `top_nouns(picture, noun_vectors, names, n)`: the n names that fit best.

    They have the highest cosine with the image; the best comes first. All vectors have
    length 1.
    """
    for seed, n in ((2, 3), (1, 1), (20, 5)):
        image, vectors = _random_units(1, seed)[0], _random_units(9, seed + 10)
        names = [f"noun {letter}" for letter in "abcdefghi"]
        found = call_function(top_nouns, image, vectors, names, n)
        if not isinstance(found, str) and hasattr(found, "__iter__"):
            found = list(found)
        if not isinstance(found, list) or np.shape(found) != (n,):
            raise NotYet(f"Return a list of {n} names, not {found!r}.")
        order = np.argsort(-(vectors @ image))
        if any(not isinstance(name, str) for name in found):
            raise NotYet("Return names, not numbers.")
        expected = [names[i] for i in order[:n]]
        worst = "These are the nouns that fit worst: sort the other way round."
        absolute = np.argsort(-np.abs(vectors @ image))
        mistakes = {
            worst: [names[i] for i in order[::-1][:n]],
            "A cosine of −0.9 is the worst fit, not the best: sort the cosines with "
            "their signs, without abs.": [names[i] for i in absolute[:n]],
        }
        otherwise = f"You give {found}; right is {expected}."
        if sorted(found) == sorted(expected):
            otherwise = "These are the right nouns, but the best must come first."
        compare_answer(found, expected, mistakes, otherwise, operator.eq)
    return "nearest nouns"


@exercise(
    "Choose the nouns",
    hint="np.unique of the first n_nearest columns of the order; of these, keep those "
    "whose cosine with the mean noun is below generic.",
)
def ex11_2(choose):
    """Write `choose(centres, noun_vectors, n_nearest, generic)`: indices of nouns.

    Choose the n_nearest nouns of every centre, each once, in ascending order. Drop a
    noun if its cosine with the mean of all nouns is `generic` or more.
    """
    for seed, n_nearest in ((0, 20), (1, 15), (2, 25)):
        centres = _random_units(3, seed, shift=0.5)
        vectors = _random_units(40, seed + 5, shift=2.5)
        middle = vectors.mean(axis=0)
        cosines = vectors @ middle / np.linalg.norm(middle)
        generic = float(np.quantile(cosines, 0.3))
        value = call_function(choose, centres, vectors, n_nearest, generic)
        found = as_array(value, "indices of nouns")
        if found.ndim != 1:
            raise NotYet("Return one row of indices, (number of chosen nouns,).")
        if np.asarray(value).dtype == bool:
            raise NotYet("Return indices, not True and False.")
        if len(set(found.tolist())) < len(found):
            raise NotYet("A noun appears twice: it may be near several centres.")
        expected = semantic.choose_nouns(centres, vectors, n_nearest, generic)
        nearest = np.argsort(-(centres @ vectors.T), axis=1)[:, :n_nearest]
        union = np.unique(nearest)
        common = np.array([i for i in union if all(i in row for row in nearest)], int)
        own = vectors[union].mean(axis=0)
        farthest = np.unique(np.argsort(centres @ vectors.T, axis=1)[:, :n_nearest])
        mistakes = {
            "The generic nouns are still there.": union,
            "You drop all but the generic nouns.": union[cosines[union] >= generic],
            "Scale the mean noun to length 1 before you multiply.": union[
                vectors[union] @ middle < generic
            ],
            "The mean noun is that of all nouns, not of the chosen ones.": union[
                vectors[union] @ own / np.linalg.norm(own) < generic
            ],
            "Take the nouns of any centre, not those of all at once.": common[
                cosines[common] < generic
            ],
            "These nouns are the farthest from the centres, not the nearest.": farthest[
                cosines[farthest] < generic
            ],
        }
        otherwise = (
            f"You give {found.astype(int).tolist()}; right is {expected.tolist()}."
        )
        if same_numbers(np.sort(found), expected):
            otherwise = "These are the right nouns: sort the indices upwards."
        if not same_numbers(found, expected):
            raise NotYet(find_mistake(np.sort(found), mistakes) or otherwise)
    vectors = _nouns_at_the_limit()
    found = as_array(
        call_function(choose, np.eye(4)[:1], vectors, 16, 0.5), "indices of nouns"
    )
    if np.isin(np.flatnonzero(vectors[:, 0] == 0.5), found).any():
        raise NotYet(
            "A noun whose cosine with the mean noun is exactly generic is dropped too: "
            "keep what is below (<), not what is at most (<=) generic."
        )
    return "chosen nouns"


def _nouns_at_the_limit():
    """Sixteen nouns whose mean is (.25, 0, 0, 0): four have the cosine .5, exactly."""
    signs = np.array([[1, 1, 1], [-1, -1, -1], [1, -1, -1], [-1, 1, 1]]) / 2
    halves = np.hstack([np.full((4, 1), 0.5), signs])
    across = np.eye(4)[1:]
    mixed = np.array([[0, 0.6, 0.8, 0], [0, 0, 0.6, 0.8]])
    pairs = [across, -across, mixed, -mixed]
    return np.vstack([np.eye(4)[[0, 0]], halves, *pairs])


@exercise(
    "Pseudo-labels",
    hint="For each centre, take the n_nouns highest of space @ centre and divide their "
    "mean by its length; multiply all images by these; take the highest of each row.",
)
def ex11_3(pseudo):
    """Write `pseudo(pictures, centres, space, n_nouns)`: one label per image.

    For each centre, average its n_nouns nearest nouns and scale the mean to length 1,
    its semantic centre. Each image gets the label of the nearest semantic centre.
    """
    for seed, n_nouns in ((0, 2), (1, 4), (2, 6)):
        images = _random_units(60, seed, shift=0.2)
        centres = _random_units(4, seed + 3, shift=0.2)
        space = _random_units(15, seed + 6, shift=0.3)
        value = call_function(pseudo, images, centres, space, n_nouns)
        found = as_array(value, "one label per image", (60,))
        twins = semantic.semantic_centres(centres, space, n_nouns)
        order = np.argsort(-(centres @ space.T), axis=1)
        unscaled = space[order[:, :n_nouns]].mean(axis=1)
        far = space[order[:, -n_nouns:]].mean(axis=1)
        mistakes = {
            "These are the nearest centres of *images*: use the nouns.": (
                images @ centres.T
            ).argmax(axis=1),
            "Scale each mean of nouns to length 1.": (images @ unscaled.T).argmax(1),
            "Take the semantic centre with the highest cosine, not the lowest.": (
                images @ twins.T
            ).argmin(axis=1),
            "You use the nouns farthest from the centre, not the nearest.": (
                images @ normalize(far).T
            ).argmax(axis=1),
        }
        otherwise = "These are not the nearest semantic centres."
        expected = semantic.pseudo_labels(images, twins)
        compare_answer(found, expected, mistakes, otherwise)
    return "pseudo-labels"


@exercise(
    "The three losses",
    hint="Rows of p * q add up along axis 1. p[rows, labels] takes one column of each "
    "row. The mean row is p.mean(axis=0). np.maximum keeps zeros out of np.log.",
)
def ex11_4(consistency, agreement, evenness):
    """Write `consistency(p, q)`, `agreement(p, labels)` and `evenness(p)`.

    p and q have one row of probabilities per image, which may be 0: use at least
    SMALLEST inside a logarithm.
    """
    generator = np.random.default_rng(4)
    sign = "The sign is wrong: the logarithm of a probability is negative."
    add = "Take the mean over the images, not the sum."
    order = "Take the logarithm first, then the mean."
    base = "Take the natural logarithm, np.log."
    for n_images in (8, 30):
        p, q = (generator.dirichlet([a] * 5, n_images) for a in (0.5, 1))
        labels = np.arange(n_images) % 5
        same, given = (p * q).sum(axis=1), p[np.arange(n_images), labels]
        mean, means = p.mean(axis=0), p.mean(axis=1)
        mistakes = {
            sign: np.log(same).mean(),
            add: -np.log(same).sum(),
            order: -np.log(same.mean()),
            base: -np.log2(same).mean(),
            "Add up the products before the logarithm.": -np.log(p * q).sum(1).mean(),
        }
        found = call_function(consistency, p, q)
        _compare_loss("consistency", found, semantic.consistency_loss(p, q), mistakes)
        mistakes = {
            sign: np.log(given).mean(),
            add: -np.log(given).sum(),
            order: -np.log(given.mean()),
            "Use p[rows, labels]: p[:, labels] takes every label's column of every "
            "image.": -np.log(p[:, labels]).mean(),
        }
        found = call_function(agreement, p, labels)
        _compare_loss("agreement", found, semantic.semantic_loss(p, labels), mistakes)
        mistakes = {
            "The sign is wrong: an entropy is not negative.": (
                mean * np.log(mean)
            ).sum(),
            "Take the entropy of the mean, not the mean of the entropies.": (
                -(p * np.log(p)).sum(axis=1).mean()
            ),
            base: -(mean * np.log2(mean)).sum(),
            "Multiply each logarithm by its probability.": -np.log(mean).sum(),
            "Take the mean over the images, axis 0.": -(means * np.log(means)).sum(),
        }
        found = call_function(evenness, p)
        _compare_loss("evenness", found, semantic.balance(p), mistakes)
    certain, never, ones = np.eye(3)[[0] * 3], np.eye(3)[[1] * 3], np.ones(3, int)
    values = {
        "consistency": call_function(consistency, certain, never),
        "agreement": call_function(agreement, certain, ones),
        "evenness": call_function(evenness, certain),
    }
    for name, value in values.items():
        value = as_number(value)
        if not np.isfinite(value):
            raise NotYet(f"{name}: A probability of 0 gives log(0): use SMALLEST.")
        if name == "evenness" and abs(value) > 1e-4:
            raise NotYet(
                f"{name}: With all images in one cluster the entropy is 0, but yours "
                f"is {value:.2f}: take SMALLEST, not more, in place of 0."
            )
        if name != "evenness" and not 15 < value < 40:
            raise NotYet(
                f"{name}: Where the probability is 0 the loss is −log(SMALLEST) = "
                f"{-np.log(semantic.SMALLEST):.1f}, but yours is {value:.1f}: replace "
                "what is below SMALLEST by SMALLEST, before the logarithm."
            )
    return "losses"


def _compare_loss(name, found, expected, mistakes):
    found = as_number(found, f"one number from {name}")
    otherwise = f"You give {found:.4f}; right is {expected:.4f}."
    # SMALLEST is the student's choice
    same = partial(same_numbers, atol=1e-5)
    compare_answer(found, expected, mistakes, otherwise, same, f"{name}:")


@exercise(
    "The counterpart",
    hint="Subtract the highest logit before np.exp. Weights add up to 1; "
    "weights @ space is the weighted sum; divide it by its np.linalg.norm.",
)
def ex11_5(counterpart):
    """Write `counterpart(picture, space, temperature)`: the image described by nouns.

    It is the mean of the nouns, weighted by the softmax of their cosines with the image
    over the temperature, scaled to length 1.
    """
    for seed, temperature in ((0, 0.5), (1, 0.1), (2, 0.0005)):
        image, space = _random_units(1, seed)[0], _random_units(8, seed + 4, shift=0.2)
        value = call_function(counterpart, image, space, temperature)
        found = as_array(value, "one vector", image.shape)
        cosines = space @ image

        def mixed(weights, space=space):
            return normalize([weights @ space])[0]

        mistakes = {
            "Scale the result to length 1.": softmax(cosines / temperature) @ space,
            "Divide by the temperature, do not multiply.": mixed(
                softmax(cosines * temperature)
            ),
            "The temperature has no effect: divide the cosines by it before the "
            "softmax.": mixed(softmax(cosines)),
            "Weight by the softmax, not by the cosines.": mixed(cosines),
        }
        otherwise = "This is not the weighted sum of the nouns, scaled to length 1."
        if not np.isfinite(found).all():
            otherwise = (
                "The exponential of a large number overflows: subtract the highest "
                "logit first."
            )
        expected = semantic.counterparts(image[None], space, temperature)[0]
        compare_answer(found, expected, mistakes, otherwise)
    return "counterpart"


@exercise(
    "Choose without labels",
    hint='settings = {"cold": lambda seed: tac("stamps", seed, 0.005), …}. Also try '
    "sic with balance_weight=0, and look at the number of clusters.",
)
def ex11_6(settings, sentence):
    """Compare three settings or more by how stable their clusters are over the seeds.

    settings is {name: function}: function(seed) returns the cluster labels of all
    stamps or of all photos, for the seeds 0 to 3. The functions are run and scored
    here. The sentence names the most stable setting and says whether it is the best.
    """
    require_words(attempted(sentence), "The sentence", 8, 80, different=7)
    how = {"n_runs": N_SEEDS, "at_least": "three"}
    runs = run_clusterings(settings, "setting", "the seed", **how)
    truth = true_labels_by_size()[next(iter(runs.values())).shape[1]]
    scores = {
        name: {
            "stability": round(float(1 - diversity(found)), 4),
            "nmi": round(float(np.mean([_nmi(truth, x) for x in found])), 4),
        }
        for name, found in runs.items()
    }
    best = max(scores, key=lambda name: scores[name]["nmi"])
    if scores[best]["nmi"] > 1 - 1e-9 and len(truth) == min(true_labels_by_size()):
        raise NotYet(
            f"The setting {best!r} finds the true classes of the stamps without an "
            "error: it must not use the true labels."
        )
    chance = metrics.chance_scores(labels_true=truth, labels_pred=runs[best][0])["nmi"]
    if scores[best]["nmi"] < chance + 0.03:
        raise NotYet(
            "No setting has an NMI above that of chance: keep the images in their "
            "order, and return what the method finds."
        )
    highest = max(row["stability"] for row in scores.values())
    stable = [name for name, row in scores.items() if row["stability"] == highest]
    if not any(name.casefold() in str(sentence).casefold() for name in stable):
        raise NotYet(
            f"The most stable setting is {' or '.join(map(repr, stable))}, with "
            f"{highest:.3f}: name it in the sentence."
        )
    return {"settings": scores, "sentence": str(sentence)}


def _nmi(labels_true, labels_pred):
    return metrics.nmi(labels_true=labels_true, labels_pred=labels_pred)
