"""Checks of lesson 3: pictures as raw pixels."""

import numpy as np

from course_utils import metrics
from course_utils.clustering import algorithms
from course_utils.images import datasets
from course_utils.lessons.exercises import NotYet, attempted, exercise

TRIES = range(5)  # seeds of k-means in the open exercise

UNNOTICED = set("adeh")

WHY = {
    "a": "if every picture is mirrored, the same pixels still meet each other",
    "b": "a mirrored picture and one that is not: other pixels meet each other",
    "c": "squaring widens the gaps between bright values and narrows dark ones",
    "d": "if every value is halved, so is every distance: the nearest stays nearest",
    "e": "a sum does not depend on the order of its terms, so no distance changes",
    "f": "if each picture has an order of its own, other pixels meet each other",
    "g": "in grey, two colours of the same brightness become equal",
    "h": "(1 - a) - (1 - b) is b - a: its square, and so the distance, is the same",
}


def _picture(seed=0, height=32, width=32):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (height, width, 3), dtype=np.uint8)


def _array(value, what):
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise NotYet(f"{what} should be numbers, not {type(value).__name__}.") from None


@exercise("There and back again", "ravel() goes there, reshape(32, 32, 3) comes back.")
def ex03_1(to_vector, to_picture):
    picture = _picture()
    expected = np.array([value for row in picture for pixel in row for value in pixel])
    vector = _array(attempted(to_vector(picture.copy())), "the vector")
    if vector.shape != (3072,):
        raise NotYet(f"the vector has shape {vector.shape}; (3072,) is wanted.")
    if np.array_equal(vector, expected):
        raise NotYet("the values still go up to 255: 1 should be full and 0 none.")
    if set(np.unique(vector)) <= {0.0, 1.0}:
        raise NotYet("only 0 and 1 are left: // divides whole numbers, / gives shares.")
    if not np.allclose(vector, expected / 255, atol=1e-6):
        if np.allclose(np.sort(vector), np.sort(expected / 255), atol=1e-6):
            raise NotYet(
                "the right numbers in another order: row by row, pixel by pixel, red, "
                "green, blue; no axis is to be moved."
            )
        raise NotYet("the numbers are not those of the picture, divided by 255.")
    for kind in (np.float32, np.float64):
        _check_back(to_picture, expected.astype(kind) / kind(255), picture)
    return "both directions"


def _check_back(to_picture, vector, picture):
    back = np.asarray(attempted(to_picture(vector.copy())))
    if back.shape != picture.shape:
        raise NotYet(f"what comes back has shape {back.shape}, not (32, 32, 3).")
    if np.allclose(back, picture / 255, atol=1e-6):
        raise NotYet("the values that come back go from 0 to 1: undo the division too.")
    if (back == 0).mean() > 0.9:
        raise NotYet(
            "nearly all is 0: shares below 1 became whole numbers before they were "
            "multiplied by 255."
        )
    if back.dtype != np.uint8:
        raise NotYet(f"the picture has values of type {back.dtype}; uint8 is wanted.")
    if not np.array_equal(back, picture):
        raise NotYet("the pixels come back at other places: is the order the same?")


@exercise(
    "The distance between two pictures",
    "Make both pictures float and divide by 255 before you subtract.",
)
def ex03_2(pixel_distance):
    for seed, (height, width) in enumerate(((32, 32), (5, 7), (1, 1))):
        first, second = _picture(seed, height, width), _picture(seed + 9, height, width)
        found = attempted(pixel_distance(first.copy(), second.copy()))
        if np.ndim(found):
            raise NotYet("one number is wanted: add up over all three axes.")
        gaps = (first.astype(float) - second) / 255
        right = np.sqrt((gaps**2).sum())
        if not np.isclose(found, right, rtol=1e-4):
            raise NotYet(_wrong_distance(float(found), first, second, gaps, right))
    return float(found)


def _wrong_distance(found, first, second, gaps, right):
    wrapped = (first - second).astype(float)
    mean = (gaps**2).mean()
    slips = (
        (right**2, "the square root is missing."),
        (right * 255, "the values are not divided by 255."),
        ((right * 255) ** 2, "square root and division by 255 are missing."),
        (np.abs(gaps).sum(), "nothing is squared: that is the Manhattan distance."),
        (mean**0.5, "it is a mean over the numbers; a distance takes the sum."),
        (mean, "it is a mean of squares: take the sum, then the square root."),
        (gaps.sum(), "plus and minus cancel: square before you add up."),
    )
    for slip, message in slips:
        if np.isclose(found, slip, rtol=1e-3):
            return message
    squares = ((first - second) ** 2).astype(float)
    overflown = (wrapped**2, squares, wrapped**2 / 255**2, squares / 255**2)
    candidates = [f(v.sum()) for v in overflown for f in (np.sqrt, float)]
    if np.isclose(found, candidates, rtol=1e-3).any():
        return (
            "eight bits overflowed: 3 - 5 is 254 in uint8, and squares wrap around "
            "too. Convert to float first."
        )
    return f"for two random pictures it gives {found:.4g}; {right:.4g} is right."


@exercise(
    "Nearest neighbours",
    "Set the picture's distance to itself to np.inf, then np.argsort.",
)
def ex03_3(nearest):
    generator = np.random.default_rng(3)
    vectors = generator.random((12, 8))
    vectors[2] = vectors[7]  # twins
    for index in (5, 7, 2, 0):
        gaps = np.linalg.norm(vectors - vectors[index], axis=1)
        gaps[index] = np.inf
        best = np.sort(gaps)[:4]
        found = _array(attempted(nearest(vectors.copy(), index, 4)), "the neighbours")
        if found.shape != (4,):
            raise NotYet(f"four places are wanted; this has shape {found.shape}.")
        if not set(found) <= set(range(12)):
            raise NotYet("these are no places from 0 to 11: distances? (argsort)")
        places = found.astype(int)
        if index in places:
            raise NotYet(
                f"picture {index} is among its own neighbours. Leave it out by its "
                "place, not by its rank: beside a twin it need not come first."
            )
        if best[0] == 0 and gaps[places].min() > 0:
            raise NotYet(
                f"picture {index} has a twin at distance 0, and it is missing: leave "
                "out the picture itself, not whatever is at distance 0."
            )
        if len(set(places)) < 4 or not np.allclose(np.sort(gaps[places]), best):
            raise NotYet("nearer ones are left out: sum along axis 1, sort upwards.")
        if not np.allclose(gaps[places], best):
            raise NotYet("the right pictures in another order: nearest first.")
    return places.tolist()


@exercise(
    "Up, down, left, right",
    "Start from np.ones_like(picture) and copy the part that stays on the paper.",
)
def ex03_4(shifted):
    picture = np.random.default_rng(4).random((6, 9, 3)) * 0.9
    for down, right in ((0, 3), (2, 0), (-2, 0), (0, -3), (1, -4), (-5, 8), (0, 0)):
        found = attempted(shifted(picture.copy(), down, right))
        found = _array(found, "the picture")
        if found.shape != picture.shape:
            raise NotYet(f"shape {picture.shape} became {found.shape}: keep the size.")
        where = f"moved by {down} down and {right} right: "
        if np.allclose(found, _moved(picture, down, right), atol=1e-6):
            continue
        rolled = np.roll(picture, (down, right), (0, 1))
        black, bright = (_moved(picture, down, right, v) for v in (0, 255))
        slips = (
            (rolled, "what leaves comes back on the other side, as with np.roll."),
            (
                _moved(picture, right, down),
                "down and right are swapped (rows: axis 0).",
            ),
            (_moved(picture, -down, -right), "it moved the other way."),
            (black, "what opens at the edge is black; white is 1."),
            (bright, "white is 1 here, not 255."),
            (picture, "nothing moved."),
        )
        for slip, message in slips:
            if np.allclose(found, slip, atol=1e-6):
                raise NotYet(where + message)
        raise NotYet(where + "the pixels are not where they should be.")
    return "all directions"


def _moved(picture, down, right, paper=1):
    """The reference: pixel by pixel."""
    height, width = picture.shape[:2]
    result = np.full_like(picture, paper)
    for row in range(height):
        for column in range(width):
            if 0 <= row + down < height and 0 <= column + right < width:
                result[row + down, column + right] = picture[row, column]
    return result


@exercise("What k-means does not notice", "Which stretch all distances alike, if any?")
def ex03_5(letters):
    chosen = {letter for letter in "".join(letters).lower() if letter.isalpha()}
    unknown = sorted(chosen - set(WHY))
    if unknown:
        raise NotYet(f"there is no change {', '.join(unknown)}: they go from a to h.")
    for letter in sorted(chosen - UNNOTICED):
        raise NotYet(f"{letter} can change the clusters: {WHY[letter]}.")
    for letter in sorted(UNNOTICED - chosen):
        raise NotYet(f"one is missing. A hint: {WHY[letter]}.")
    return "".join(sorted(chosen))


def _nmis(true, vectors):
    vectors = algorithms.prepare(np.float32(vectors), "pca192+kmeans")  # it is quicker
    found = [algorithms.cluster(vectors, "kmeans", 7, seed) for seed in TRIES]
    return [metrics.nmi(labels_true=true, labels_pred=labels) for labels in found]


@exercise(
    "Make pixels better",
    "The clusters know the brightness best. What is left when you take it away?",
)
def ex03_6(better_pixels):
    image_set = datasets.load("stamps", progress=False)
    attempted(better_pixels(image_set.picture(0)))
    rows = [
        _array(better_pixels(image_set.picture(index)), "each vector")
        for index in range(len(image_set))
    ]
    lengths = {row.shape for row in rows}
    if len(lengths) > 1:
        raise NotYet(
            f"vectors of different shapes, such as {sorted(lengths)[:2]}: bring every "
            "picture to the same size first."
        )
    if rows[0].ndim != 1 or not rows[0].size:
        raise NotYet(f"the vector has shape {rows[0].shape}: end with .ravel().")
    vectors = np.stack(rows)
    if not np.isfinite(vectors).all():
        raise NotYet("there are NaN or infinite values: did you divide by 0?")
    if np.ptp(vectors, axis=0).max() == 0:
        raise NotYet("all pictures get the same vector: nothing is left to cluster.")
    pixels = [image_set.picture(i, 32).ravel() / 255 for i in range(len(image_set))]
    best = max(_nmis(image_set.true_labels, pixels))
    mean = float(np.mean(_nmis(image_set.true_labels, vectors)))
    if mean <= best:
        raise NotYet(
            f"it runs, and its mean NMI is {mean:.3f}; the raw pixels' best seed has "
            f"{best:.3f}. Such a finding counts as well: note it, try another idea."
        )
    return {"nmi": round(mean, 4)}
