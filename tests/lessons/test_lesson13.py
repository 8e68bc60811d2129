"""The checks of lesson 13: a right, several wrong and an untouched answer each."""

import math
from collections import Counter

import numpy as np
import pytest

from course_utils.lessons import exercises


@pytest.fixture(autouse=True)
def _own_answers(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path))
    exercises.begin("13_beyond_one_machine")


def judged(verdict, state, words=""):
    assert verdict.state == state, verdict
    assert words in verdict.message, verdict


def right(verdict):
    judged(verdict, exercises.RIGHT)


def wrong(verdict, words):
    judged(verdict, exercises.NOT_YET, words)


def untouched(verdict):
    judged(verdict, exercises.NOT_ATTEMPTED)


def line(x, y, place=0):
    return np.polyfit(x, y, 1)[place]


def test_exponent():
    log = np.log
    right(exercises.ex13_1(lambda n, t: line(log(n), log(t))))
    right(exercises.ex13_1(lambda n, t: float(line(np.log10(n), np.log10(t)))))
    untouched(exercises.ex13_1(lambda n, t: None))
    untouched(exercises.ex13_1(None))
    for answer, words in (
        (lambda n, t: line(n, t), "logarithms of both"),
        (lambda n, t: line(log(t), log(n)), "swapped"),
        (lambda n, t: line(log(n), log(t), 1), "height"),
        (lambda n, t: line(log(n), t), "seconds need a logarithm"),
        (lambda n, t: line(n, log(t)), "sizes need a logarithm"),
        (lambda n, t: log(t[-1] / t[0]) / log(n[-1] / n[0]), "first and last"),
        (lambda n, t: log(t[-1] / t[-2]) / log(n[-1] / n[-2]), "last two"),
        (lambda n, t: np.polyfit(log(n), log(t), 1), "one number"),
        (lambda n, t: 2.0, "right is"),
        (lambda n, t: n.missing, "AttributeError"),
    ):
        wrong(exercises.ex13_1(answer), words)


def test_gigabytes_of_all_pairs():
    right(exercises.ex13_2(lambda n: n * (n - 1) / 2 * 8 / 1e9))
    right(exercises.ex13_2(lambda n: np.float64(math.comb(n, 2) * 8e-9)))
    untouched(exercises.ex13_2(lambda n: None))
    for answer, words in (
        (lambda n: n * (n - 1) / 2 * 8, "in bytes"),
        (lambda n: n * (n - 1) / 2 * 8 / 2**30, "2³⁰"),
        (lambda n: n * (n - 1) / 2 * 4 / 1e9, "not 4"),
        (lambda n: n * (n - 1) / 2 / 1e9, "takes 8 bytes"),
        (lambda n: n * (n - 1) * 8 / 1e9, "counted twice"),
        (lambda n: n * n * 8 / 1e9, "whole square"),
        (lambda n: n * (n + 1) / 2 * 8 / 1e9, "with itself"),
        (lambda n: n * n / 2 * 8 / 1e9, "diagonal"),
        (lambda n: 4000.0, "you give"),
        (lambda n: f"{n} GB", "one number"),
    ):
        wrong(exercises.ex13_2(answer), words)


def added(tables):
    total = Counter()
    for table in tables:
        total.update(table)
    return dict(total)


def purity(table, axis=1):
    names = {pair[axis] for pair in table}
    best = (max(c for p, c in table.items() if p[axis] == name) for name in names)
    return sum(best) / sum(table.values())


def overwritten(tables):
    return {pair: count for table in tables for pair, count in table.items()}


def weighted(tables):
    sizes = [sum(table.values()) for table in tables]
    return np.average([purity(table) for table in tables], weights=sizes)


def test_tables_of_parts():
    def answer(total=added, score=lambda tables: purity(added(tables))):
        return lambda tables: (total(tables), score(tables))

    right(exercises.ex13_3(answer()))
    right(exercises.ex13_3(answer(lambda tables: Counter(added(tables)))))
    untouched(exercises.ex13_3(lambda tables: None))
    untouched(exercises.ex13_3(lambda tables: (added(tables), None)))
    for score, words in (
        (lambda tables: np.mean([purity(table) for table in tables]), "mean of the"),
        (weighted, "weighted"),
        (lambda tables: purity(added(tables), axis=0), "swapped"),
        (lambda tables: purity(added(tables)) * sum(added(tables).values()), "divide"),
        (
            lambda tables: max(added(tables).values()) / sum(added(tables).values()),
            "every cluster",
        ),
        (lambda tables: 0.123, "not 0.123"),
    ):
        wrong(exercises.ex13_3(answer(score=score)), words)
    wrong(exercises.ex13_3(answer(overwritten)), "overwritten")
    wrong(exercises.ex13_3(answer(lambda tables: dict(tables[0]))), "missing")
    wrong(exercises.ex13_3(answer(lambda tables: [])), "dictionary")
    wrong(exercises.ex13_3(lambda tables: purity(added(tables))), "two things")
    doubled = answer(lambda tables: {p: 2 * c for p, c in added(tables).items()})
    wrong(exercises.ex13_3(doubled), "the total of")


def test_one_night():
    rate, start_up, night = 37.5, 8.0, 43_200
    right(exercises.ex13_4(rate, start_up, rate * (night - start_up)))
    right(exercises.ex13_4(rate, start_up, int(rate * (night - start_up))))
    untouched(exercises.ex13_4(rate, start_up, None))
    for answer, words in (
        (rate * 12 * 60, "minutes"),
        (rate * 12, "in hours"),
        (night / rate, "do not divide"),
        (rate * night, "subtract"),
        (rate * night - start_up, "before you multiply"),
        (5.0, "seconds of a night"),
        ("many", "one number"),
    ):
        wrong(exercises.ex13_4(rate, start_up, answer), words)


def test_workers_needed():
    def answer(count, none=math.inf):
        def workers(n, rate, hours, start_up):
            if hours * 3600 <= start_up:
                return none
            return count(n, rate, hours * 3600, start_up)

        return workers

    def exact(n, rate, seconds, start_up):
        return n / (rate * (seconds - start_up))

    right(exercises.ex13_5(answer(lambda *a: math.ceil(exact(*a)))))
    right(exercises.ex13_5(answer(lambda *a: np.ceil(exact(*a)))))
    untouched(exercises.ex13_5(lambda *a: None))
    ceil = math.ceil
    for count, words in (
        (exact, "round up"),
        (lambda *a: math.floor(exact(*a)), "left over"),
        (lambda *a: math.floor(exact(*a)) + 1, "comes out even"),
        (lambda n, r, s, u: ceil(n / (r * s)), "forgotten"),
        (lambda n, r, s, u: ceil(n / (r * (s + u))), "subtract"),
        (lambda n, r, s, u: ceil((n / r + u) / s), "of its own"),
        (lambda n, r, s, u: ceil(n / (r * s / 3600)), "hours to seconds"),
        (lambda *a: 3, "right is"),
    ):
        wrong(exercises.ex13_5(answer(count)), words)
    never = answer(lambda *a: math.ceil(exact(*a)), none=0)
    wrong(exercises.ex13_5(never), "math.inf")


def test_plan():
    plan = "word " * 60 + "2,000,000 pictures of 300 kB, 14 hours on 2 machines"
    right(exercises.ex13_6(plan))
    untouched(exercises.ex13_6(None))
    for answer, words in (
        ("word " * 10, "words"),
        ("word " * 300, "words"),
        ("word " * 70, "numbers"),
        ("word " * 60 + "1 2 3 4 kB on a machine", "how long"),
        ("word " * 60 + "1 2 3 4 kB in an hour", "on what"),
        ("word " * 60 + "1 2 3 4 machine hours", "storage"),
        (["a plan"], "text"),
    ):
        wrong(exercises.ex13_6(answer), words)


def test_every_exercise_is_in_the_summary():
    assert [row[0] for row in exercises.summary().rows] == [
        f"13_{i}" for i in range(1, 7)
    ]
