"""Checks of lesson 13, beyond one machine."""

import math
import re

import numpy as np

from course_utils.lessons.exercises import NotYet, attempted, exercise

NIGHT = 12 * 3600  # seconds

WORDS = 60, 250


def _number(value, what):
    """The value as float; NotYet if it is none."""
    value = np.asarray(attempted(value))
    if value.ndim or value.dtype.kind not in "iuf":
        raise NotYet(f"{what} is one number, not {value.tolist()!r}")
    return float(value)


def _close(value, right):
    return math.isclose(value, right, rel_tol=1e-6, abs_tol=1e-12)


# (sizes, seconds): one with noise, whose ends mislead, and an exact law
CURVES = (
    ([300, 600, 1500, 4000, 9000], [0.5, 0.6, 2.5, 5.0, 31.0]),
    ([100, 200, 400, 800], [0.02, 0.08, 0.32, 1.28]),
)


@exercise(
    "The exponent",
    hint="Take logarithms of both, then fit a straight line: the sizes are its x.",
)
def ex13_1(exponent):
    for sizes, seconds in CURVES:
        found = _number(exponent(np.array(sizes), np.array(seconds)), "an exponent")
        x, y = np.log(sizes), np.log(seconds)
        right = np.polyfit(x, y, 1)[0]
        if _close(found, right):
            continue
        mistakes = (
            (np.polyfit(sizes, seconds, 1)[0], "that is the slope between the numbers "
             "themselves: take the logarithms of both"),
            (np.polyfit(y, x, 1)[0], "the axes are swapped: the sizes are x"),
            (np.polyfit(x, y, 1)[1], "that is the height of the line, log a: the "
             "exponent is the slope"),
            (np.polyfit(x, seconds, 1)[0], "the seconds need a logarithm, too"),
            (np.polyfit(sizes, y, 1)[0], "the sizes need a logarithm, too"),
            ((y[-1] - y[0]) / (x[-1] - x[0]), "that goes through the first and last "
             "point only: fit the line to all points"),
            ((y[-1] - y[-2]) / (x[-1] - x[-2]), "that goes through the last two points "
             "only: fit the line to all points"),
        )  # fmt: skip
        where = f"for sizes {sizes} and seconds {seconds} you give {found:.3g}"
        for value, message in mistakes:
            if _close(found, value):
                raise NotYet(f"{where}: {message}")
        raise NotYet(f"{where}, right is {right:.3g}")
    return "slope of the logarithms"


@exercise(
    "All pairs",
    hint="A pair is there once, and no picture makes a pair with itself. Count the "
    "pairs, then their bytes.",
)
def ex13_2(gigabytes_of_all_pairs):
    for n in (9144, 1_000_000, 2):
        found = _number(gigabytes_of_all_pairs(n), "the memory")
        pairs = n * (n - 1) // 2
        right = pairs * 8 / 1e9
        if _close(found, right):
            continue
        mistakes = (
            (pairs * 8, "that is in bytes: a gigabyte is 10⁹ of them"),
            (pairs * 8 / 2**30, "a gigabyte is 10⁹ bytes here, not 2³⁰"),
            (pairs * 4 / 1e9, "a distance takes 8 bytes here, not 4"),
            (pairs / 1e9, "each distance takes 8 bytes"),
            (2 * right, "every pair is counted twice"),
            (n * n * 8 / 1e9, "that is the whole square: every pair is in it twice, "
             "and each picture with itself"),
            (n * (n + 1) / 2 * 8 / 1e9, "no picture makes a pair with itself"),
            (n * n / 2 * 8 / 1e9, "half the square has half of the diagonal in it: no "
             "picture makes a pair with itself"),
        )  # fmt: skip
        for value, message in mistakes:
            if _close(found, value):
                raise NotYet(f"for n = {n:,}: {message}")
        raise NotYet(f"for n = {n:,} you give {found:.6g} GB, right is {right:.6g}")
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
    hint="First one dictionary of all counts; then for each cluster the largest count "
    "in it.",
)
def ex13_3(purity_of_parts):
    for tables in PARTS:
        answer = attempted(purity_of_parts([dict(table) for table in tables]))
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            raise NotYet("return two things: (total, purity)")
        total, purity = attempted(answer[0]), _number(answer[1], "a purity")
        if not isinstance(total, dict):
            raise NotYet("the total is a dictionary {(class, cluster): count}")
        right = {}
        for table in tables:
            for pair, count in table.items():
                right[pair] = right.get(pair, 0) + count
        if {pair: count for pair, count in total.items() if count} != right:
            raise NotYet(_other_total(total, right, tables))
        if not _close(purity, _purity(right)):
            raise NotYet(_other_purity(purity, right, tables))
    return "purity of the sum"


def _purity(table, axis=1):
    largest = {}
    for pair, count in table.items():
        largest[pair[axis]] = max(count, largest.get(pair[axis], 0))
    return sum(largest.values()) / sum(table.values())


def _other_total(total, right, tables):
    last = {pair: count for table in tables for pair, count in table.items()}
    if total == last:
        return "a count was overwritten by that of a later part: add them up"
    if lacking := sorted(set(right) - set(total)):
        return f"{lacking[0]} is missing in the total: a part may be without it"
    pair = next(p for p in total if total[p] != right.get(p))
    return f"the total of {pair} is {right.get(pair, 0)}, not {total[pair]}"


def _other_purity(purity, right, tables):
    purities = [_purity(table) for table in tables]
    sizes = [sum(table.values()) for table in tables]
    mistakes = (
        (np.mean(purities), "that is the mean of the purities of the parts: take the "
         "purity of the total"),
        (np.average(purities, weights=sizes), "that is the mean of the parts' "
         "purities, weighted by their sizes, and still not the purity of the total"),
        (_purity(right, axis=0), "that takes the commonest cluster of each class: "
         "classes and clusters are swapped"),
        (_purity(right) * sum(right.values()), "divide by the number of pictures"),
        (max(right.values()) / sum(right.values()), "add up the largest count of "
         "every cluster, not of one only"),
    )  # fmt: skip
    for value, message in mistakes:
        if _close(purity, value):
            return message
    return f"the total is right; its purity is {_purity(right):.3f}, not {purity:.3f}"


@exercise("One night", hint="A night has 12 · 3,600 seconds, less the start-up.")
def ex13_4(rate, start_up, overnight):
    found = _number(overnight, "the number of pictures")
    right = rate * (NIGHT - start_up)
    if abs(found - right) <= max(1, 1e-6 * right):
        return round(right)
    mistakes = (
        (rate * 12 * 60, "an hour has 3,600 seconds: these are minutes"),
        (rate * 12, "the rate is for a second, the night is in hours"),
        (NIGHT / rate, "multiply the seconds by the rate, do not divide"),
        (rate * (NIGHT + start_up), "the start-up is lost for work: subtract it"),
        (rate * NIGHT, "the start-up is lost for work: subtract it"),
        (rate * NIGHT - start_up, "the start-up is in seconds: subtract it before you "
         "multiply by the rate"),
    )  # fmt: skip
    for value, message in mistakes:
        if abs(found - value) <= max(1, 1e-6 * abs(value)):
            raise NotYet(message)
    raise NotYet(f"{found:,.0f} pictures: seconds of a night times pictures a second?")


# (n, rate, hours, start_up): rounded to 57, even, no time to work
ORDERS = (
    (10_141_200, 30.0, 2, 1200),
    (36_000, 2.0, 5, 0),
    (5000, 10.0, 0.01, 90),
)


@exercise(
    "How many machines?",
    hint="How many seconds has each machine for work, and how many pictures is that? "
    "There is no half machine: math.ceil.",
)
def ex13_5(workers_needed):
    for n, rate, hours, start_up in ORDERS:
        found = _number(workers_needed(n, rate, hours, start_up), "a number of workers")
        seconds = hours * 3600 - start_up
        right = math.ceil(n / (rate * seconds)) if seconds > 0 else math.inf
        if found == right:
            continue
        where = f"for n={n:,}, rate={rate:g}, hours={hours}, start_up={start_up}"
        if right == math.inf:
            raise NotYet(f"{where} no machine ever begins to work: math.inf is due")
        exact = n / (rate * seconds)
        mistakes = (
            (exact, "there is no part of a machine: round up"),
            (math.floor(exact), "round up, or some pictures are left over"),
            (round(exact), "round up, or some pictures are left over"),
            (math.floor(exact) + 1, "one too many where it comes out even: math.ceil"),
            (math.ceil(n / rate / 3600 / hours), "the start-up is forgotten"),
            (math.ceil(n / (rate * (seconds + 2 * start_up))), "subtract the start-up"),
            (math.ceil((n / rate + start_up) / (hours * 3600)), "every machine has a "
             "start-up of its own: it does not get shorter with more of them"),
            (math.ceil(n / (rate * hours)), "the rate is a second's: hours to seconds"),
        )  # fmt: skip
        for value, message in mistakes:
            if _close(found, value):
                raise NotYet(f"{where} you give {found:g}: {message}")
        raise NotYet(f"{where} you give {found:g}, right is {right}")
    return "rounded up"


@exercise("A plan for an archive", hint="Go through the list of the exercise.")
def ex13_6(plan):
    if not isinstance(plan, str):
        raise NotYet("a plan is a text between three quotes")
    n_words = len(plan.split())
    if not WORDS[0] <= n_words <= WORDS[1]:
        raise NotYet(f"it has {n_words} words: write {WORDS[0]} to {WORDS[1]}")
    numbers = re.findall(r"\d[\d,.]*", plan)
    if len(numbers) < 4:
        raise NotYet(f"{len(numbers)} numbers: pictures, bytes, hours, storage are due")
    lower = plan.lower()
    for words, message in (
        ("hour day minute night second", "how long it takes"),
        ("machine worker laptop computer", "on what"),
        ("kb mb gb tb byte", "how much storage"),
    ):
        if not any(word in lower for word in words.split()):
            raise NotYet(f"the plan does not say {message}")
    return n_words
