"""Checks of lesson 7, maps of images."""

import numpy as np

from course_utils.lessons.exercises import NotYet, attempted, exercise


@exercise(
    "PCA in two dimensions",
    hint="Take the mean of every column away, call np.linalg.svd, and multiply the "
    "centred points with the first two rows of Vᵀ, transposed.",
)
def ex07_1(pca_2d):
    for vectors in _clouds():
        found = np.asarray(attempted(pca_2d(vectors.copy())))
        centred = vectors - vectors.mean(axis=0)
        expected = _projected(centred, vectors)
        if _same_map(found, expected):
            continue
        if found.shape == (2, len(vectors)) and len(vectors) != 2:
            raise NotYet(f"one row a picture: ({len(vectors)}, 2), not {found.shape}")
        if found.shape == (2, vectors.shape[1]):
            raise NotYet("those are the two directions: multiply the points with them")
        if found.shape != (len(vectors), 2):
            raise NotYet(f"({len(vectors)}, 2) is needed, not {found.shape}")
        left, singular, axes = np.linalg.svd(centred, full_matrices=False)
        by_pictures = vectors - vectors.mean(axis=1, keepdims=True)
        mistakes = {
            "centre the points first: take the mean of every column away": [
                _projected(vectors, vectors, centre=False)
            ],
            "the mean is to be taken of every column, axis=0, not of every picture": [
                _projected(by_pictures, by_pictures, centre=False),
                _projected(by_pictures, by_pictures),
            ],
            "U has all spreads made equal: multiply it with S, or C with V": [
                left[:, :2]
            ],
            "np.linalg.svd returns Vᵀ, whose *rows* are the directions": [
                centred @ axes[:, :2] if axes.shape[0] == axes.shape[1] else left[:, :0]
            ],
            "those are the *last* two directions; the first spread most": [
                (left * singular)[:, -2:]
            ],
        }
        for message, maps in mistakes.items():
            if any(_same_map(found, wrong) for wrong in maps):
                raise NotYet(message)
        if _same_map(found[:, ::-1], expected):
            raise NotYet("the first column is the direction of the largest spread")
        if _same_map(found - found.mean(axis=0), expected):
            raise NotYet("project the *centred* points, so that their mean is 0")
        raise NotYet("those are not the points along the first two directions")
    return "two directions"


def _clouds():
    generator = np.random.default_rng(71)
    for n_images, width in ((30, 6), (9, 9), (8, 20)):
        scale = 1 + np.arange(width)[::-1]
        yield generator.normal(size=(n_images, width)) * scale + 5


def _projected(points, of, centre=True):
    _, _, axes = np.linalg.svd(of - of.mean(axis=0) * centre, full_matrices=False)
    return points @ axes[:2].T


def _same_map(found, expected):
    """Equal, but for the sign of each column."""
    return found.shape == expected.shape and np.allclose(
        np.abs(found), np.abs(expected), atol=1e-4 * max(1, np.abs(expected).max())
    )


@exercise(
    "Neighbours kept",
    hint="Put infinity on the diagonal of both tables of distances, sort every row, "
    "take the first k; then count what the two sets of a picture share; divide by k.",
)
def ex07_2(neighbours_kept):
    for vectors, points, k in _maps():
        found = float(attempted(neighbours_kept(vectors.copy(), points.copy(), k)))
        one, other = _nearest(vectors, k), _nearest(points, k)
        shared = np.array([len({*a} & {*b}) for a, b in zip(one, other, strict=True)])
        if np.isclose(found, np.mean(shared / k), atol=1e-6):
            continue
        self_one, self_other = _nearest(vectors, k, True), _nearest(points, k, True)
        with_self = np.mean(
            [len({*a} & {*b}) / k for a, b in zip(self_one, self_other, strict=True)]
        )
        far_one, far_other = (
            _nearest(-vectors, k, far=True),
            _nearest(points, k, far=True),
        )
        farthest = np.mean(
            [len({*a} & {*b}) / k for a, b in zip(far_one, far_other, strict=True)]
        )
        mistakes = {
            "nobody is a neighbour of itself: leave the diagonal out": with_self,
            "those are the pictures furthest away: sort upwards": farthest,
            "that is a mean number of neighbours: divide by k": shared.mean(),
            "that is a sum: divide by the number of pictures": shared.sum() / k,
            "divide by k, not by the number of pictures": (shared / len(one)).mean(),
            "you compare the neighbours place by place: their order does not count": (
                np.mean(one == other)
            ),
            "that is shared over united: divide by k, the neighbours in the features": (
                np.mean(shared / (2 * k - shared))
            ),
            "that is the share that is lost": 1 - np.mean(shared / k),
        }
        _name(found, mistakes)
        raise NotYet(f"{found:.4f}, where {np.mean(shared / k):.4f} is right (k={k})")
    return "share of the k nearest"


def _maps():
    generator = np.random.default_rng(72)
    for n_images, k in ((40, 5), (25, 3)):
        vectors = generator.normal(size=(n_images, 6)) * [4, 3, 1, 1, 1, 1]
        yield vectors, vectors[:, :2] + generator.normal(size=(n_images, 2)) * 0.3, k


def _distances(places):
    return np.linalg.norm(places[:, None] - places, axis=2)


def _nearest(places, k, itself=False, far=False):
    apart = _distances(places)
    if not itself and not far:
        np.fill_diagonal(apart, np.inf)
    return np.argsort(-apart if far else apart, axis=1, kind="stable")[:, :k]


def _name(found, mistakes):
    """Raise NotYet with the mistake that gives this number."""
    for message, value in mistakes.items():
        if np.isclose(found, value, atol=1e-6):
            raise NotYet(message)


@exercise(
    "Trustworthiness",
    hint="The neighbours come from the map, their ranks from the features. "
    "np.take_along_axis looks the ranks of the neighbours up.",
)
def ex07_3(trustworthiness):
    for vectors, points, k in _maps():
        found = float(attempted(trustworthiness(vectors.copy(), points.copy(), k)))
        n_images, near = len(points), _nearest(points, k)
        ranks = np.argsort(np.argsort(_distances(vectors), axis=1), axis=1)
        over = np.take_along_axis(ranks, near, axis=1) - k
        factor = 2 / (n_images * k * (2 * n_images - 3 * k - 1))
        expected = 1 - factor * np.maximum(0, over).sum()
        if np.isclose(found, expected, atol=1e-6):
            continue
        on_map = np.argsort(np.argsort(_distances(points), axis=1), axis=1)
        swapped = np.take_along_axis(on_map, _nearest(vectors, k), axis=1) - k
        own = np.take_along_axis(ranks, _nearest(points, k, itself=True), axis=1) - k
        mistakes = {
            "the map and the features are swapped: near on the map, ranks in the "
            "features": 1 - factor * np.maximum(0, swapped).sum(),
            "that is the sum of the faults with its factor: take it from 1": (
                factor * np.maximum(0, over).sum()
            ),
            "max(0, …) is missing: a good neighbour makes up for no stranger": (
                1 - factor * over.sum()
            ),
            "ranks begin with 1 at the nearest neighbour; 0 is the picture itself": (
                1 - factor * np.maximum(0, over - 1).sum()
            ),
            "ranks begin with 1 at the nearest neighbour, not with 2": (
                1 - factor * np.maximum(0, over + 1).sum()
            ),
            "a picture is not among its own neighbours": (
                1 - factor * np.maximum(0, own).sum()
            ),
            "the fault is r − k, not r": 1 - factor * ((over + k) * (over > 0)).sum(),
            "the 2 in the numerator is missing": (
                1 - factor / 2 * np.maximum(0, over).sum()
            ),
        }
        _name(found, mistakes)
        raise NotYet(f"{found:.4f}, where {expected:.4f} is right (k={k})")
    return "trustworthiness"


STATEMENTS = {
    "a": "a projection makes no distance longer, so far on the map is far before",
    "b": "look at the made-up clusters: was the wide one wide on UMAP's map?",
    "c": "look at the made-up clusters: was the far one far on the map?",
    "d": "what the shadow hides may be a long way: two dots may lie behind each other",
    "e": "PCA is the same for every seed. Did it keep the most neighbours?",
    "f": "turn such a map or mirror it: does its cost change?",
    "g": "remember the maps of noise",
}

TRUE = frozenset("afg")


@exercise("What a map may tell you", hint="Go back to the figures of sections 1 and 3.")
def ex07_4(true_statements):
    letters = {str(letter).strip().lower() for letter in true_statements}
    unknown = sorted(letters - STATEMENTS.keys())
    if unknown:
        raise NotYet(f"{unknown[0]!r} is no statement: give letters from a to g")
    for letter in sorted(letters ^ TRUE):
        raise NotYet(f"think about {letter} again: {STATEMENTS[letter]}")
    return sorted(letters)
