"""Checks of lesson 14: beyond one machine."""

import math
import re
from functools import partial

import numpy as np

from course_utils.lessons.exercises import NotYet, attempted, exercise
from course_utils.lessons.matching import (
    as_number,
    as_pair,
    call_function,
    compare_answer,
    require_words,
    same_numbers,
)

NIGHT = 12 * 3600  # seconds

# The gigabytes of one pair are 8e-9: the tolerance must be relative
about_same = partial(same_numbers, rtol=1e-6, atol=1e-12)

# (sizes, seconds): one with noise, whose ends mislead, and an exact law
CURVES = (
    ([300, 600, 1500, 4000, 9000], [0.5, 0.6, 2.5, 5.0, 31.0]),
    ([100, 200, 400, 800], [0.02, 0.08, 0.32, 1.28]),
)


@exercise(
    "The exponent",
    hint="Take logarithms of both, then fit a straight line: the sizes are its x.",
)
def ex14_1(exponent):
    """Write `exponent(sizes, seconds)`: b of seconds ≈ a · sizes^b.

    Fit a straight line to the logarithms by least squares; its slope is the exponent.
    """
    for sizes, seconds in CURVES:
        value = call_function(exponent, np.array(sizes), np.array(seconds))
        found = as_number(value, "one number, the exponent")
        x, y = np.log(sizes), np.log(seconds)
        right = np.polyfit(x, y, 1)[0]
        where = f"For sizes {sizes} and seconds {seconds}, you give {found:.3g}."
        mistakes = {
            "This is the slope between the numbers themselves: take the logarithms of "
            "both.": np.polyfit(sizes, seconds, 1)[0],
            "The axes are swapped: the sizes are x.": np.polyfit(y, x, 1)[0],
            "This is the height of the line, log a: the exponent is the slope.": (
                np.polyfit(x, y, 1)[1]
            ),
            "The seconds need a logarithm too.": np.polyfit(x, seconds, 1)[0],
            "The sizes need a logarithm too.": np.polyfit(sizes, y, 1)[0],
            "This line goes through the first and last point only: fit it to all "
            "points.": (y[-1] - y[0]) / (x[-1] - x[0]),
            "This line goes through the last two points only: fit it to all points.": (
                (y[-1] - y[-2]) / (x[-1] - x[-2])
            ),
        }
        otherwise = f"Right is {right:.3g}."
        compare_answer(found, right, mistakes, otherwise, about_same, where)
    return "slope of the logarithms"


@exercise(
    "All pairs",
    hint="Each pair is stored once, and no image is paired with itself. Count the "
    "pairs, then their bytes.",
)
def ex14_2(gigabytes_of_all_pairs):
    """Write `gigabytes_of_all_pairs(n)`: the memory of all distances of n images.

    Each pair is stored once, in 8 bytes; a gigabyte has 10⁹ bytes.
    """
    for n in (9144, 1_000_000, 2):
        found = as_number(call_function(gigabytes_of_all_pairs, n))
        pairs = n * (n - 1) // 2
        right = pairs * 8 / 1e9
        mistakes = {
            "This is in bytes: a gigabyte has 10⁹ of them.": pairs * 8,
            "A gigabyte has 10⁹ bytes here, not 2³⁰.": pairs * 8 / 2**30,
            "A distance takes 8 bytes here, not 4.": pairs * 4 / 1e9,
            "Each distance takes 8 bytes.": pairs / 1e9,
            "Every pair is counted twice.": 2 * right,
            "This is the whole square: every pair is in it twice, and each image with "
            "itself.": n * n * 8 / 1e9,
            "Do not pair an image with itself.": n * (n + 1) / 2 * 8 / 1e9,
            "Half the square contains half of the diagonal: do not pair an image with "
            "itself.": n * n / 2 * 8 / 1e9,
        }
        where = f"For n = {n:,}, you give {found:.6g} GB."
        otherwise = f"Right is {right:.6g}."
        compare_answer(found, right, mistakes, otherwise, about_same, where)
    return "n (n - 1) / 2 pairs"


PARTS = (
    [
        {("bird", 0): 9, ("coin", 1): 4},
        {("coin", 0): 5, ("flower", 0): 5, ("flower", 2): 3},
        {("bird", 1): 6, ("coin", 1): 1},
    ],
    [{("a", "x"): 3}, {("b", "x"): 2, ("a", "y"): 1}, {("b", "x"): 2}],
    [{(1, 1): 4, (2, 1): 1, (2, 0): 5}],
)


@exercise(
    "Add up tables",
    hint="First make one dictionary of all counts; then find the largest count in each "
    "cluster.",
)
def ex14_3(purity_of_parts):
    """Write `purity_of_parts(tables)` for tables {(class, cluster): count}.

    Add them up and return two things: the total, a dictionary of the same kind, and its
    purity.
    """
    for tables in PARTS:
        answer = call_function(purity_of_parts, tables)
        total, purity = map(attempted, as_pair(answer, "(total, purity)"))
        purity = as_number(purity, "one number, the purity")
        if not isinstance(total, dict):
            raise NotYet("The total must be a dictionary {(class, cluster): count}.")
        right = {}
        for table in tables:
            for pair, count in table.items():
                right[pair] = right.get(pair, 0) + count
        if {pair: count for pair, count in total.items() if count} != right:
            raise NotYet(_explain_total(total, right, tables))
        purities = [_purity(table) for table in tables]
        sizes = [sum(table.values()) for table in tables]
        mistakes = {
            "This is the mean of the purities of the parts: take the purity of the "
            "total.": np.mean(purities),
            "This is the mean of the parts' purities, weighted by their sizes: take "
            "the purity of the total.": np.average(purities, weights=sizes),
            "Classes and clusters are swapped: take the most frequent class of each "
            "cluster.": _purity(right, axis=0),
            "Divide by the number of images.": _purity(right) * sum(right.values()),
            "Add up the largest counts of all clusters, not of one only.": (
                max(right.values()) / sum(right.values())
            ),
        }
        otherwise = (
            f"The total is right; its purity is {_purity(right):.3f}, not {purity:.3f}."
        )
        compare_answer(purity, _purity(right), mistakes, otherwise, about_same)
    return "purity of the sum"


def _purity(table, axis=1):
    largest = {}
    for pair, count in table.items():
        largest[pair[axis]] = max(count, largest.get(pair[axis], 0))
    return sum(largest.values()) / sum(table.values())


def _explain_total(total, right, tables):
    last = {pair: count for table in tables for pair, count in table.items()}
    if total == last:
        return "A count was overwritten by that of a later part: add them up."
    if lacking := sorted(set(right) - set(total)):
        return f"The total lacks {lacking[0]}: not every part has it."
    pair = next(p for p in total if total[p] != right.get(p))
    return f"The total of {pair} is {right.get(pair, 0)}, not {total[pair]}."


@exercise("One night", hint="A night has 12 · 3,600 seconds, minus the start-up.")
def ex14_4(rate, start_up, overnight):
    """Compute how many images this machine gets through in a night of 12 hours.

    `rate` is in images per second, `start_up` in seconds.
    """
    found = as_number(overnight, "one number of images")
    right = rate * (NIGHT - start_up)
    mistakes = {
        "An hour has 3,600 seconds: these are minutes.": rate * 12 * 60,
        "The rate is per second, but your night is in hours.": rate * 12,
        "Multiply the seconds by the rate, do not divide.": NIGHT / rate,
        "Subtract the start-up: nothing is done in that time.": (
            rate * (NIGHT + start_up),
            rate * NIGHT,
        ),
        "The start-up is in seconds: subtract it before you multiply by the rate.": (
            rate * NIGHT - start_up
        ),
    }
    otherwise = (
        f"You give {found:,.0f} images: multiply the seconds of a night by the images "
        "per second."
    )

    def same(one, other):
        return abs(one - other) <= max(1, 1e-6 * abs(other))

    compare_answer(found, right, mistakes, otherwise, same)
    return round(right)


# (n, rate, hours, start_up): rounded to 57, even, no time to work
ORDERS = (
    (10_141_200, 30.0, 2, 1200),
    (36_000, 2.0, 5, 0),
    (5000, 10.0, 0.01, 90),
)


@exercise(
    "How many machines?",
    hint="How many seconds does each machine work, and how many images is that? There "
    "is no half machine: math.ceil.",
)
def ex14_5(workers_needed):
    """Write `workers_needed(n, rate, hours, start_up)`: the number of machines.

    It is the smallest that gets through n images within so many hours, each machine at
    `rate` images per second after `start_up` seconds. If the start-up takes all the
    time, return math.inf.
    """
    for n, rate, hours, start_up in ORDERS:
        value = call_function(workers_needed, n, rate, hours, start_up)
        found = as_number(value, "one number of machines")
        seconds = hours * 3600 - start_up
        where = (
            f"For n={n:,}, rate={rate:g}, hours={hours}, start_up={start_up}, you give "
            f"{found:g}."
        )
        if seconds <= 0:
            if found != math.inf:
                raise NotYet(
                    f"{where} The start-up takes all the time, so no number of "
                    "machines is enough: return math.inf."
                )
            continue
        if not found.is_integer():
            raise NotYet(f"{where} There are no fractions of a machine: round up.")
        exact = n / (rate * seconds)
        right = math.ceil(exact)
        mistakes = {
            "Round up, or some images are left over.": (
                math.floor(exact),
                round(exact),
            ),
            "This is one too many if it comes out even: use math.ceil.": (
                math.floor(exact) + 1
            ),
            "The start-up is forgotten.": math.ceil(n / rate / 3600 / hours),
            "Subtract the start-up.": math.ceil(n / (rate * (seconds + 2 * start_up))),
            "Every machine has its own start-up: it does not get shorter with more of "
            "them.": math.ceil((n / rate + start_up) / (hours * 3600)),
            "The rate is per second: convert hours to seconds.": (
                math.ceil(n / (rate * hours))
            ),
        }
        otherwise = f"Right is {right}."
        compare_answer(found, right, mistakes, otherwise, about_same, where)
    return "rounded up"


@exercise("A plan for an archive", hint="Go through the list of the exercise.")
def ex14_6(plan):
    """Write a plan of 60 to 250 words, with numbers, to cluster an archive.

    Say how many images of what size, how long it takes on which machines, and how much
    storage it needs.
    """
    if not isinstance(plan, str):
        raise NotYet("Give the plan as a text between three quotes.")
    n_words = require_words(plan, "The plan", 60, 250)
    numbers = re.findall(r"\d[\d,.]*", plan)
    if len(numbers) < 4:
        raise NotYet(
            f"The plan has too few numbers, {len(numbers)}: give those of the images, "
            "the bytes, the hours and the storage."
        )
    lower = plan.lower()
    for words, missing in (
        ("hour day minute night second", "how long it takes"),
        ("machine worker laptop computer", "on which machines it runs"),
        ("kb mb gb tb byte", "how much storage it needs"),
    ):
        if not any(word in lower for word in words.split()):
            raise NotYet(f"The plan does not say {missing}.")
    return n_words
