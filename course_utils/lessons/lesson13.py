"""Checks of lesson 13: your own dataset."""

import operator
import re

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from course_utils.clustering.algorithms import SEEDED, parse_algorithm
from course_utils.homework import submission
from course_utils.homework.grading import rubric
from course_utils.lessons import lesson02
from course_utils.lessons.exercises import (
    NotAttempted,
    NotYet,
    as_sentence,
    attempted,
    exercise,
)
from course_utils.lessons.matching import (
    as_number,
    as_pair,
    call_function,
    compare_answer,
    require_words,
)
from course_utils.representations import backbones, extraction

N_SEEDS = 3


@exercise(
    "A plan",
    hint="Runs of one representation: seeds × (randomised algorithms) + the others. "
    "Multiply by the number of representations.",
)
def ex13_1(plan):
    """Plan your runs: a dict with the keys representations, algorithms and n_runs.

    The first two are lists of names with full coverage, n_runs is the number of runs: a
    randomised algorithm runs once per seed, three times, any other one once.
    """
    keys = "representations", "algorithms", "n_runs"
    if not isinstance(plan, dict) or set(plan) != set(keys):
        raise NotYet(f"The plan is a dictionary with the keys {', '.join(keys)}.")
    representations, algorithms = plan["representations"], plan["algorithms"]
    if isinstance(representations, str) or isinstance(algorithms, str):
        raise NotYet("Give lists of names, even if there is only one name.")
    if any(len(set(names)) < len(names) for names in (representations, algorithms)):
        raise NotYet("A name appears twice: it would run only once.")
    try:
        parsed = [extraction.parse(name) for name in representations]
        methods = [parse_algorithm(name)[1] for name in algorithms]
    except ValueError as error:
        said = as_sentence(f"A name in the plan is unknown: {error}")
        raise NotYet(said) from None
    covered = {
        "representations": {base for base, _ in parsed},
        "layers": {pair for pair in parsed if pair[1] and pair[0] in backbones.TABLE},
        "algorithms": set(methods),
    }
    for what in rubric.COVERAGE:
        goal = rubric.load_rubric()["points"][what]["goal"]
        if len(covered[what]) < goal:
            raise NotYet(
                f"The plan has too few {what}: {len(covered[what])} instead of {goal}."
            )
    if "raw" not in representations:
        raise NotYet("Include raw pixels, the baseline that the others must beat.")
    return _check_n_runs(attempted(plan["n_runs"]), len(representations), methods)


def _check_n_runs(given, n_representations, methods):
    n_seeded = sum(method in SEEDED for method in methods)
    n_once = len(methods) - n_seeded
    mistakes = {
        "The seeds are missing.": n_representations * len(methods),
        "Not every algorithm is randomised: the others run once, whatever the seeds.": (
            n_representations * len(methods) * N_SEEDS
        ),
        "This is for one representation.": n_seeded * N_SEEDS + n_once,
    }
    right = n_representations * (n_seeded * N_SEEDS + n_once)
    where = f"The plan says {given} runs."
    compare_answer(given, right, mistakes, "Count again.", operator.eq, where)
    return right


def _runs(*lines):
    """A table of runs from (representation, algorithm, NMI of each seed)."""
    rows = [
        (representation, algorithm, seed, value)
        for representation, algorithm, values in lines
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=["representation", "algorithm", "seed", "nmi"])


# "a" wins over the algorithms, "b" over all rows, "d" by its best run; "c" is last
WINNERS = (
    _runs(
        ("a", "kmeans", [0.50, 0.52, 0.54]),
        ("a", "ward", [0.80]),
        ("b", "kmeans", [0.60, 0.60, 0.60]),
        ("b", "ward", [0.61]),
        ("c", "kmeans", [0.1, 0.1, 0.2]),
        ("c", "ward", [0.2]),
        ("d", "kmeans", [0.10, 0.20, 0.95]),
        ("d", "ward", [0.50]),
    ),
    _runs(("x", "gmm", [0.2, 0.3]), ("y", "gmm", [0.9, 0.8]), ("z", "gmm", [0.4])),
)


@exercise(
    "Who won?",
    hint="Group by ['representation', 'algorithm'], take the mean of 'nmi', then group "
    "that by 'representation' and take the mean again.",
)
def ex13_2(winner):
    """Write `winner(results)`: the representation with the highest NMI, and its lead.

    Average the seeds of each algorithm first, then the algorithms. The lead is over the
    runner-up. Return both.
    """
    for results in WINNERS:
        answer = call_function(winner, results)
        name, lead = as_pair(answer, "(representation, lead)")
        runs = results.groupby("representation")["nmi"]
        lines = results.groupby(["representation", "algorithm"])["nmi"]
        means = lines.mean().groupby("representation").mean().sort_values()
        if name not in set(means.index):
            raise NotYet(f"There is no representation {name!r} in the table.")
        mistakes = {
            f"{name!r} has only the best single run: average the seeds.": (
                runs.max().idxmax()
            ),
            f"{name!r} is the best over all rows, where an algorithm with three seeds "
            "counts three times: average the seeds of each algorithm first.": (
                runs.mean().idxmax()
            ),
        }
        otherwise = f"{name!r} does not have the highest mean over the algorithms."
        compare_answer(name, means.index[-1], mistakes, otherwise, operator.eq)
        top, second = means.iloc[-1], means.iloc[-2]
        lead = as_number(lead, "one number, the lead")
        mistakes = {
            "This is the winner's NMI: subtract that of the runner-up.": top,
            "The lead has the wrong sign: the winner's NMI comes first.": second - top,
            "The lead is over the runner-up, not over the last.": top - means.iloc[0],
        }
        otherwise = (
            f"The right one won, but its lead is {top - second:.3f}, not {lead:.3f}."
        )
        compare_answer(lead, top - second, mistakes, otherwise)
    return "mean over seeds, then over algorithms"


GROUPS = (
    ([0, 0, 0, 1, 1, 1, 2, 2], [5, 5, 1, 1, 1, 5, 1, 5]),
    (list("bbaacccc"), [-1, -1, -1, 0, 0, 0, 0, 7]),
    (list("xyyxyzz"), [0, 0, 1, 1, 2, 2, 2]),  # ties: x, the first in sorted order
)


@exercise(
    "The wrong images",
    hint="For every cluster: np.flatnonzero gives its members, np.unique with "
    "return_counts=True their classes, counts.argmax() the most frequent.",
)
def ex13_3(strangers):
    """Write `strangers(true_labels, cluster_labels)`: the images in a wrong cluster.

    Return the indices of those whose class is not the most frequent of their cluster,
    in ascending order. Of equally frequent classes, the first in sorted order counts.
    """
    for true_labels, cluster_labels in GROUPS:
        true, clusters = np.array(true_labels), np.array(cluster_labels)
        found = np.asarray(call_function(strangers, true, clusters))
        main_class = pd.crosstab(clusters, true).idxmax(axis=1)
        is_wrong = true != main_class[clusters].to_numpy()
        right = np.flatnonzero(is_wrong).tolist()
        where = f"For the classes {true_labels} in the clusters {cluster_labels},"
        if found.dtype == bool:
            raise NotYet("Return indices, not True and False: use np.flatnonzero.")
        if found.ndim != 1:
            raise NotYet(f"{where} you give {found.tolist()!r}, not a list of indices.")
        found = found.tolist()
        mistakes = {
            "These are the images in the right cluster: return the others.": (
                np.flatnonzero(~is_wrong).tolist()
            ),
            "You return every image: compare classes with classes, not with cluster "
            "numbers.": list(range(len(true))),
        }
        otherwise = f"{where} you give {found}; right is {right}."
        if sorted(found, key=str) == sorted(right, key=str):
            otherwise = "These are the right images: sort the indices upwards."
        compare_answer(found, right, mistakes, otherwise, operator.eq)
    return "strangers"


@exercise("Your own scores", hint="Lesson 2 has the formulas and hints.")
def ex13_4(purity, nmi, fowlkes_mallows):
    """Paste the three scores from lesson 2: they go into your submission."""
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
        raise NotYet(
            f"None is returned by {' and '.join(missing)}: paste the functions too."
        )
    return values


@exercise("Two short answers", hint="Write for a friend who looks at the chart.")
def ex13_5(answers):
    """Answer the two questions of `homework.QUESTIONS`, in 25 to 150 words each.

    Give a dictionary {question: answer}. The first answer names a representation and
    says by how much it won.
    """
    if not isinstance(answers, dict) or set(answers) != set(submission.QUESTIONS):
        raise NotYet(
            "Give a dictionary with the two questions of homework.QUESTIONS as keys."
        )
    counted = [
        require_words(attempted(answers[question]), f"Answer {number}", 25, 150)
        for number, question in enumerate(submission.QUESTIONS, 1)
    ]
    first = answers[submission.QUESTIONS[0]]
    if not any(_is_representation(word) for word in re.findall(r"[\w:]+", first)):
        raise NotYet("Answer 1 names no representation, like raw or SqueezeNet:fire9.")
    if not re.search(r"\d?\.\d", first):
        raise NotYet(
            "Answer 1 does not say by how much: give an NMI or a lead as a number."
        )
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
def ex13_6(results, elsewhere):
    """Run three of your representations or more on another image set, and compare.

    Give both tables of `experiments.run`; they need the same seeds and at least one
    algorithm in common.
    """
    if not isinstance(elsewhere, pd.DataFrame):
        raise NotYet("Give the check the table, the first result of experiments.run.")
    if set(elsewhere["image_set"]) & set(results["image_set"]):
        raise NotYet("This is the same image set: take another one.")
    if elsewhere["nmi"].isna().any():
        raise NotYet("Some runs have no NMI: the image set needs true labels.")
    lines = ["representation", "algorithm"]
    here, there = (t.groupby(lines)["nmi"].mean() for t in (results, elsewhere))
    common = here.index.intersection(there.index)
    if common.get_level_values("representation").nunique() < 3:
        raise NotYet(
            "At least three representations must be in both tables with the same "
            "algorithm, preparation steps included."
        )
    shared = [table.set_index(lines).loc[common] for table in (results, elsewhere)]
    if set(shared[0]["seed"]) != set(shared[1]["seed"]):
        raise NotYet("Use the same seeds in both tables: seeds=seeds.")
    return round(float(spearmanr(here[common], there[common]).statistic), 3)
