"""Checks of lesson 14: right, wrong in the usual ways, and untouched answers."""

import math
from collections import Counter

import numpy as np
from lesson_answers import answer_tests, own_answers  # noqa: F401

log, ceil = np.log, math.ceil


def line(x, y, place=0):
    return np.polyfit(x, y, 1)[place]


def slope_by_hand(sizes, seconds):
    x, y = log(sizes) - log(sizes).mean(), log(seconds) - log(seconds).mean()
    return (x * y).sum() / (x**2).sum()


def pairs_by_loop(n):
    return sum(range(n)) * 8 / 10**9


def added(tables):
    total = Counter()
    for table in tables:
        total.update(table)
    return dict(total)


def purity(table, axis=1):
    names = {pair[axis] for pair in table}
    best = (max(c for p, c in table.items() if p[axis] == name) for name in names)
    return sum(best) / sum(table.values())


def purity_of_sum(tables):
    return purity(added(tables))


def overwritten(tables):
    return {pair: count for table in tables for pair, count in table.items()}


def weighted(tables):
    sizes = [sum(table.values()) for table in tables]
    return np.average([purity(table) for table in tables], weights=sizes)


def largest_alone(tables):
    return max(added(tables).values()) / sum(added(tables).values())


def parts(total=added, score=purity_of_sum):
    return lambda tables: (total(tables), score(tables))


def machines(count, none=math.inf):
    def workers(n, rate, hours, start_up):
        if hours * 3600 <= start_up:
            return none
        return count(n, rate, hours * 3600, start_up)

    return workers


def exact(n, rate, seconds, start_up):
    return n / (rate * (seconds - start_up))


def one_by_one(n, rate, seconds, start_up):
    count = 1
    while count * rate * (seconds - start_up) < n:
        count += 1
    return count


RATE, START_UP, A_NIGHT = 37.5, 8.0, 43_200

NUMBERS = "2,000,000 images of 300 kB, 14 hours on 2 machines"

RIGHT = [
    ("ex14_1", lambda n, t: line(log(n), log(t))),
    ("ex14_1", lambda n, t: float(line(np.log10(n), np.log10(t)))),
    ("ex14_1", slope_by_hand),
    ("ex14_2", lambda n: n * (n - 1) / 2 * 8 / 1e9),
    ("ex14_2", lambda n: np.float64(math.comb(n, 2) * 8e-9)),
    ("ex14_2", pairs_by_loop),
    ("ex14_3", parts()),
    ("ex14_3", parts(lambda tables: Counter(added(tables)))),
    ("ex14_3", lambda tables: list(parts()(tables))),
    ("ex14_4", RATE, START_UP, RATE * (A_NIGHT - START_UP)),
    ("ex14_4", RATE, START_UP, int(RATE * (A_NIGHT - START_UP))),
    ("ex14_4", RATE, START_UP, np.float32(RATE * (A_NIGHT - START_UP))),
    ("ex14_5", machines(lambda *a: ceil(exact(*a)))),
    ("ex14_5", machines(lambda *a: np.ceil(exact(*a)), none=np.inf)),
    ("ex14_5", machines(one_by_one)),
    ("ex14_6", "word " * 60 + NUMBERS),
    ("ex14_6", f"{NUMBERS}\n" + "word\n" * 60),
    ("ex14_6", "word " * 60 + "10 GB, 3.5 days, 2e6 photographs, 1 LAPTOP"),
]
WRONG = [
    ("ex14_1", lambda n, t: line(n, t), "logarithms of both"),
    ("ex14_1", lambda n, t: line(log(t), log(n)), "swapped"),
    ("ex14_1", lambda n, t: line(log(n), log(t), 1), "height"),
    ("ex14_1", lambda n, t: line(log(n), t), "seconds need a logarithm"),
    ("ex14_1", lambda n, t: line(n, log(t)), "sizes need a logarithm"),
    ("ex14_1", lambda n, t: log(t[-1] / t[0]) / log(n[-1] / n[0]), "first and last"),
    ("ex14_1", lambda n, t: log(t[-1] / t[-2]) / log(n[-1] / n[-2]), "last two"),
    ("ex14_1", lambda n, t: np.polyfit(log(n), log(t), 1), "one number"),
    ("ex14_1", lambda n, t: 2.0, "Right is"),
    ("ex14_1", lambda n, t: n.missing, "AttributeError"),
    ("ex14_2", lambda n: n * (n - 1) / 2 * 8, "in bytes"),
    ("ex14_2", lambda n: n * (n - 1) / 2 * 8 / 2**30, "2³⁰"),
    ("ex14_2", lambda n: n * (n - 1) / 2 * 4 / 1e9, "not 4"),
    ("ex14_2", lambda n: n * (n - 1) / 2 / 1e9, "takes 8 bytes"),
    ("ex14_2", lambda n: n * (n - 1) * 8 / 1e9, "counted twice"),
    ("ex14_2", lambda n: n * n * 8 / 1e9, "whole square"),
    ("ex14_2", lambda n: n * (n + 1) / 2 * 8 / 1e9, "with itself"),
    ("ex14_2", lambda n: n * n / 2 * 8 / 1e9, "diagonal"),
    ("ex14_2", lambda n: 4000.0, "you give"),
    ("ex14_2", lambda n: f"{n} GB", "one number"),
    ("ex14_3", parts(score=lambda t: np.mean([purity(x) for x in t])), "mean of the"),
    ("ex14_3", parts(score=weighted), "weighted"),
    ("ex14_3", parts(score=lambda t: purity(added(t), axis=0)), "swapped"),
    (
        "ex14_3",
        parts(score=lambda t: purity_of_sum(t) * sum(added(t).values())),
        "Divide",
    ),
    ("ex14_3", parts(score=largest_alone), "all clusters"),
    ("ex14_3", parts(score=lambda tables: 0.123), "not 0.123"),
    ("ex14_3", parts(overwritten), "overwritten"),
    ("ex14_3", parts(lambda tables: dict(tables[0])), "lacks"),
    ("ex14_3", parts(lambda tables: []), "dictionary"),
    ("ex14_3", purity_of_sum, "two things"),
    (
        "ex14_3",
        parts(lambda tables: {p: 2 * c for p, c in added(tables).items()}),
        "The total of",
    ),
    ("ex14_4", RATE, START_UP, RATE * 12 * 60, "minutes"),
    ("ex14_4", RATE, START_UP, RATE * 12, "in hours"),
    ("ex14_4", RATE, START_UP, A_NIGHT / RATE, "do not divide"),
    ("ex14_4", RATE, START_UP, RATE * A_NIGHT, "Subtract"),
    ("ex14_4", RATE, START_UP, RATE * A_NIGHT - START_UP, "before you multiply"),
    ("ex14_4", RATE, START_UP, 5.0, "seconds of a night"),
    ("ex14_4", RATE, START_UP, "many", "one number"),
    ("ex14_5", machines(exact), "round up"),
    ("ex14_5", machines(lambda *a: math.floor(exact(*a))), "left over"),
    ("ex14_5", machines(lambda *a: math.floor(exact(*a)) + 1), "comes out even"),
    ("ex14_5", machines(lambda n, r, s, u: ceil(n / (r * s))), "forgotten"),
    ("ex14_5", machines(lambda n, r, s, u: ceil(n / (r * (s + u)))), "Subtract"),
    ("ex14_5", machines(lambda n, r, s, u: ceil((n / r + u) / s)), "its own start-up"),
    ("ex14_5", machines(lambda n, r, s, u: ceil(n / (r * s / 3600))), "convert hours"),
    ("ex14_5", machines(lambda *a: 3), "Right is"),
    ("ex14_5", machines(lambda *a: ceil(exact(*a)), none=0), "math.inf"),
    ("ex14_6", "word " * 10, "10 words"),
    ("ex14_6", "word " * 300, "300 words"),
    ("ex14_6", "word " * 70, "numbers"),
    ("ex14_6", "word " * 60 + "1 2 3 4 kB on a machine", "how long"),
    ("ex14_6", "word " * 60 + "1 2 3 4 kB in an hour", "on which machines"),
    ("ex14_6", "word " * 60 + "1 2 3 4 machine hours", "storage"),
    ("ex14_6", ["a plan"], "text"),
]
UNTOUCHED = [
    ("ex14_3", lambda tables: (added(tables), None)),
    ("ex14_4", RATE, START_UP, None),
]

test_right, test_wrong, test_untouched, test_enough = answer_tests(
    RIGHT, WRONG, UNTOUCHED
)
