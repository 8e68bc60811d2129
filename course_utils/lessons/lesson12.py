"""Checks of lesson 12, your own dataset."""

import re

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from course_utils.clustering.algorithms import SEEDED, parse_algorithm
from course_utils.homework import submission
from course_utils.homework.grading import rubric
from course_utils.lessons import lesson02
from course_utils.lessons.exercises import NotAttempted, NotYet, attempted, exercise
from course_utils.representations import backbones, extraction

SEEDS = 3

WORDS = 25, 150


@exercise(
    "A plan",
    hint="Runs of one representation: seeds × (algorithms with chance) + the others. "
    "Multiply by the number of representations.",
)
def ex12_1(plan):
    keys = "representations", "algorithms", "n_runs"
    if not isinstance(plan, dict) or set(plan) != set(keys):
        raise NotYet(f"the plan is a dictionary with the keys {', '.join(keys)}")
    representations, algorithms = plan["representations"], plan["algorithms"]
    if isinstance(representations, str) or isinstance(algorithms, str):
        raise NotYet("give lists of names, also where there is one name only")
    if any(len(set(names)) < len(names) for names in (representations, algorithms)):
        raise NotYet("a name is there twice: it would run only once")
    try:
        parsed = [extraction.parse(name) for name in representations]
        methods = [parse_algorithm(name)[1] for name in algorithms]
    except ValueError as error:
        raise NotYet(str(error)) from None
    covered = {
        "representations": {base for base, _ in parsed},
        "layers": {pair for pair in parsed if pair[1] and pair[0] in backbones.TABLE},
        "algorithms": set(methods),
    }
    for what in rubric.COVERAGE:
        goal = rubric.load_rubric()["points"][what]["goal"]
        if len(covered[what]) < goal:
            raise NotYet(f"{len(covered[what])} {what} where {goal} are asked")
    if "raw" not in representations:
        raise NotYet("raw pixels are the baseline that the others must beat")
    return _judge_runs(attempted(plan["n_runs"]), len(representations), methods)


def _judge_runs(given, n_representations, methods):
    n_seeded = sum(method in SEEDED for method in methods)
    n_once = len(methods) - n_seeded
    if given == (right := n_representations * (n_seeded * SEEDS + n_once)):
        return right
    mistakes = {
        n_representations * len(methods): "the seeds are missing",
        n_representations * len(methods) * SEEDS: "not every algorithm has chance in "
        "it: those without run once, whatever the seeds",
        n_seeded * SEEDS + n_once: "that is for one representation",
    }
    raise NotYet(f"{given} runs: {mistakes.get(given, 'count again')}")


def _table(*lines):
    """A table of runs from (representation, algorithm, NMI of each seed)."""
    rows = [
        (representation, algorithm, seed, value)
        for representation, algorithm, values in lines
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=["representation", "algorithm", "seed", "nmi"])


# "a" wins over the algorithms, "b" over all rows, "d" by its best run; "c" is last
WINNERS = (
    _table(
        ("a", "kmeans", [0.50, 0.52, 0.54]),
        ("a", "ward", [0.80]),
        ("b", "kmeans", [0.60, 0.60, 0.60]),
        ("b", "ward", [0.61]),
        ("c", "kmeans", [0.1, 0.1, 0.2]),
        ("c", "ward", [0.2]),
        ("d", "kmeans", [0.10, 0.20, 0.95]),
        ("d", "ward", [0.50]),
    ),
    _table(("x", "gmm", [0.2, 0.3]), ("y", "gmm", [0.9, 0.8]), ("z", "gmm", [0.4])),
)


@exercise(
    "Who won?",
    hint="Group by ['representation', 'algorithm'], take the mean of 'nmi', then group "
    "that by 'representation' and take the mean again.",
)
def ex12_2(winner):
    for results in WINNERS:
        answer = attempted(winner(results.copy()))
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            raise NotYet("return two things: (representation, lead)")
        name, lead = answer
        lines = results.groupby(["representation", "algorithm"])["nmi"]
        means = lines.mean().groupby("representation").mean().sort_values()
        if name not in set(means.index):
            raise NotYet(f"{name!r} is no representation of the table")
        if name != means.index[-1]:
            raise NotYet(_other_winner(name, results))
        if not np.isclose(float(lead), means.iloc[-1] - means.iloc[-2], atol=1e-6):
            raise NotYet(_other_lead(float(lead), means))
    return "mean over seeds, then over algorithms"


def _other_winner(name, results):
    runs = results.groupby("representation")["nmi"]
    if name == runs.max().idxmax():
        return f"{name} has only the best single run: average the seeds"
    if name == runs.mean().idxmax():
        return (
            f"{name} is the best over all rows, where an algorithm with three seeds "
            "counts three times: average the seeds of each algorithm first"
        )
    return f"{name} is not the one with the highest mean over the algorithms"


def _other_lead(lead, means):
    top, second = means.iloc[-1], means.iloc[-2]
    for value, message in (
        (top, "that is the winner's NMI: subtract the runner-up's"),
        (second - top, "the lead has the wrong sign: the winner's NMI comes first"),
        (top - means.iloc[0], "the lead is over the runner-up, not the last"),
    ):
        if np.isclose(lead, value, atol=1e-6):
            return message
    return f"the right one won, but its lead is {top - second:.3f} and not {lead:.3f}"


GROUPS = (
    ([0, 0, 0, 1, 1, 1, 2, 2], [5, 5, 1, 1, 1, 5, 1, 5]),
    (list("bbaacccc"), [-1, -1, -1, 0, 0, 0, 0, 7]),
    (list("xyyxyzz"), [0, 0, 1, 1, 2, 2, 2]),  # ties: x, the first in sorted order
)


@exercise(
    "The wrong pictures",
    hint="For every cluster: np.flatnonzero gives its members, np.unique with "
    "return_counts=True their classes, counts.argmax() the commonest.",
)
def ex12_3(strangers):
    for true_labels, cluster_labels in GROUPS:
        true, clusters = np.array(true_labels), np.array(cluster_labels)
        found = np.asarray(attempted(strangers(true.copy(), clusters.copy())))
        commonest = pd.crosstab(clusters, true).idxmax(axis=1)
        is_wrong = true != commonest[clusters].to_numpy()
        right = np.flatnonzero(is_wrong).tolist()
        if found.dtype != bool and found.ravel().tolist() == right and found.ndim == 1:
            continue
        where = f"for the classes {true_labels} in the clusters {cluster_labels}"
        raise NotYet(_other_strangers(found, right, is_wrong, where))
    return "strangers"


def _other_strangers(found, right, is_wrong, where):
    if found.dtype == bool:
        return "return the places, not True and False: np.flatnonzero makes them"
    given = found.tolist()
    if found.ndim != 1:
        return f"return a list of places; {where} it is {given!r}"
    if sorted(given, key=str) == sorted(right, key=str):
        return "these are the right pictures; put their places in rising order"
    if given == np.flatnonzero(~is_wrong).tolist():
        return "these are the pictures that are right: return the others"
    if given == list(range(len(is_wrong))):
        return "every picture is there: compare classes, not class and cluster number"
    return f"{where} you give {given}, right is {right}"


@exercise("Your own scores", hint="Lesson 2 has the formulas and hints.")
def ex12_4(purity, nmi, fowlkes_mallows):
    values, missing = {}, []
    for name, function, check in (
        ("purity", purity, lesson02.ex02_1),
        ("nmi", nmi, lesson02.ex02_3),
        ("fowlkes_mallows", fowlkes_mallows, lesson02.ex02_4),
    ):
        try:
            values[name] = check.__wrapped__(function)
        except NotAttempted:
            missing.append(name)
        except NotYet as error:
            raise NotYet(f"{name}: {error}") from None
    if not values:
        raise NotAttempted
    if missing:
        raise NotYet(f"{' and '.join(missing)} returns None: paste it, too")
    return values


@exercise("Two short answers", hint="Write for a friend who looks at the chart.")
def ex12_5(answers):
    if not isinstance(answers, dict) or set(answers) != set(submission.QUESTIONS):
        raise NotYet(
            "give a dictionary with the two questions of submission.QUESTIONS as keys"
        )
    counted = []
    for number, question in enumerate(submission.QUESTIONS, 1):
        n_words = len(str(attempted(answers[question])).split())
        if not WORDS[0] <= n_words <= WORDS[1]:
            raise NotYet(
                f"answer {number} has {n_words} words: write {WORDS[0]} to {WORDS[1]}"
            )
        counted.append(n_words)
    first = answers[submission.QUESTIONS[0]]
    if not any(_is_representation(word) for word in re.findall(r"[\w:]+", first)):
        raise NotYet("answer 1 names no representation, like raw or SqueezeNet:fire9")
    if not re.search(r"\d?\.\d", first):
        raise NotYet("answer 1 says by how much: give an NMI or a lead as a number")
    return counted


def _is_representation(word):
    try:
        extraction.parse(word.strip(":"))
    except ValueError:
        return False
    return True


@exercise(
    "Does the winner win elsewhere?",
    hint="elsewhere, _ = experiments.run(another_image_set, …, seeds=seeds).",
)
def ex12_6(results, elsewhere):
    if not isinstance(elsewhere, pd.DataFrame):
        raise NotYet("give the check the table, the first thing of experiments.run")
    if set(elsewhere["image_set"]) & set(results["image_set"]):
        raise NotYet("that is the same image set: take another one")
    if elsewhere["nmi"].isna().any():
        raise NotYet("some runs have no NMI: the image set needs true labels")
    lines = ["representation", "algorithm"]
    here, there = (t.groupby(lines)["nmi"].mean() for t in (results, elsewhere))
    common = here.index.intersection(there.index)
    if common.get_level_values("representation").nunique() < 3:
        raise NotYet(
            "at least three representations must be in both tables with the same "
            "algorithm, preparation steps included"
        )
    shared = [table.set_index(lines).loc[common] for table in (results, elsewhere)]
    if set(shared[0]["seed"]) != set(shared[1]["seed"]):
        raise NotYet("use the same seeds in both tables: seeds=seeds")
    return round(float(spearmanr(here[common], there[common]).statistic), 3)
