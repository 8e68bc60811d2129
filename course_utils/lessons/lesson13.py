"""Checks of lesson 13: your own dataset."""

import operator
import re

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from course_utils.clustering.algorithms import is_seeded, parse_algorithm
from course_utils.homework import submission
from course_utils.homework.grading import rubric
from course_utils.homework.review import has_layer
from course_utils.lessons import lesson02
from course_utils.lessons.exercises import (
    NotAttempted,
    NotYet,
    as_sentence,
    attempted,
    exercise,
)
from course_utils.lessons.matching import (
    as_array,
    as_number,
    as_pair,
    call_function,
    compare_answer,
    numbers_in,
    require_columns,
    require_words,
    says_level,
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
    randomised algorithm runs once per seed, three times, a deterministic one once.
    """
    keys = "representations", "algorithms", "n_runs"
    if not isinstance(plan, dict) or not set(keys) <= set(plan):
        raise NotYet(f"The plan is a dictionary with the keys {', '.join(keys)}.")
    representations, algorithms = (_listed(plan[key]) for key in keys[:2])
    representations = [extraction.spelled(name) for name in representations]
    algorithms = [name.strip().lower() for name in algorithms]
    if any(len(set(names)) < len(names) for names in (representations, algorithms)):
        raise NotYet("A name appears twice: it would run only once.")
    try:
        parsed = [extraction.parse(name) for name in representations]
        methods = [parse_algorithm(name)[1] for name in algorithms]
    except ValueError as error:
        said = as_sentence(f"A name in the plan is unknown: {error}")
        raise NotYet(said) from None
    for name, (base, layer) in zip(representations, parsed, strict=True):
        if not has_layer(name):
            raise NotYet(
                f"{base} has no layer {layer!r}, so this run would be skipped: "
                f"representations.backbone_layers({base!r}) lists its layers."
            )
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
    return _check_n_runs(attempted(plan["n_runs"]), len(representations), algorithms)


def _listed(names):
    """The names of a plan as a list of str."""
    if isinstance(names, str) or names is None:
        raise NotYet("Give lists of names, even if there is only one name.")
    try:
        names = list(names)
    except TypeError:
        names = [names]
    if not all(isinstance(name, str) for name in names):
        raise NotYet("The lists of the plan hold names, in quotes.")
    return names


def _check_n_runs(given, n_representations, algorithms):
    given = as_number(given, "one number of runs")
    n_seeded = sum(map(is_seeded, algorithms))
    n_once = len(algorithms) - n_seeded
    mistakes = {
        "The seeds are missing.": n_representations * len(algorithms),
        "Not every algorithm is randomised: a deterministic one runs once, whatever "
        "the seeds.": n_representations * len(algorithms) * N_SEEDS,
        "This is for one representation.": n_seeded * N_SEEDS + n_once,
    }
    right = n_representations * (n_seeded * N_SEEDS + n_once)
    where = f"The plan says {given:g} runs."
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


# In the first table "a" wins by the mean over the algorithms, "b" over all rows, "d" by
# its best run, "e" by the medians; "c" is last. The second has one algorithm.
WINNERS = (
    _runs(
        ("a", "kmeans", [0.50, 0.52, 0.54]),
        ("a", "ward", [0.86]),
        ("a", "average", [0.53]),
        ("b", "kmeans", [0.60, 0.60, 0.66]),
        ("b", "ward", [0.61]),
        ("b", "average", [0.57]),
        ("c", "kmeans", [0.1, 0.1, 0.2]),
        ("c", "ward", [0.2]),
        ("c", "average", [0.2]),
        ("d", "kmeans", [0.10, 0.20, 0.95]),
        ("d", "ward", [0.50]),
        ("d", "average", [0.40]),
        ("e", "kmeans", [0.30, 0.64, 0.65]),
        ("e", "ward", [0.66]),
        ("e", "average", [0.20]),
    ),
    _runs(("x", "gmm", [0.2, 0.3]), ("y", "gmm", [0.9, 0.8, 0.1]), ("z", "gmm", [0.4])),
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
        medians = (
            lines.mean().groupby("representation").median(),
            lines.median().groupby("representation").median(),
            lines.median().groupby("representation").mean(),
        )
        mistakes = {
            f"{name!r} has only the best single run: average the seeds.": (
                runs.max().idxmax()
            ),
            f"{name!r} is the best over all rows, where an algorithm with three seeds "
            "counts three times: average the seeds of each algorithm first.": (
                runs.mean().idxmax()
            ),
            f"{name!r} is the best by the median: take means.": tuple(
                found.idxmax() for found in medians
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


N_IMAGES, N_DRAWS = 40, 200


class _Witness:
    """Notes what a score is called with: labels that name their image and run.

    Image i has the true label i; run r of the first method labels it 1000 + 100 r + i,
    run r of the second 2000 + 100 r + i.
    """

    def __init__(self):
        self.calls = []

    def __call__(self, true_labels, labels):
        true = as_array(true_labels, "labels as the first argument of score").ravel()
        found = as_array(labels, "labels as the second argument of score").ravel()
        if len(true) != len(found):
            raise NotYet(
                f"You score {len(found)} cluster labels against {len(true)} true "
                "labels: draw both with the same indices."
            )
        if not len(true):
            raise NotYet("You score no images at all.")
        if (true >= 1000).any():
            raise NotYet("The true labels come first: score(true_labels, labels).")
        if (found % 100 != true).any():
            raise NotYet(
                "The true labels and the cluster labels you score are not those of the "
                "same images: use the same indices for both."
            )
        if (found // 100 != found[0] // 100).any():
            raise NotYet("You mix runs within one draw: take one run of each method.")
        value = _score_of(found)
        self.calls.append((int(found[0] // 100), tuple(true.astype(int)), value))
        return value


def _score_of(labels):
    """A number of any sign that depends on the run and on the images."""
    return float(10 * np.sin(labels).mean())


def _lines(n_runs, method):
    return np.array(
        [1000 * method + 100 * r + np.arange(N_IMAGES) for r in range(n_runs)]
    )


@exercise(
    "Would other images change it?",
    hint="In a loop: drawn = generator.integers(0, n, n) draws n of n images with "
    "replacement, generator.choice(first) one run. Append score(true_labels[drawn], "
    "one[drawn]) minus the same for the second.",
)
def ex13_3(differences):
    """Write `differences(score, true_labels, first, second, n_draws)`: a bootstrap.

    true_labels is an array, first and second are arrays with one row per run and one
    column per image. In each draw take as many images as there are, with replacement,
    the same ones for both methods, and one row of each at random. Return the n_draws
    differences score(true, first) - score(true, second).
    """
    for n_first, n_second in ((3, 3), (1, 3)):
        witness = _Witness()
        lines = _lines(n_first, 1), _lines(n_second, 2)
        answer = call_function(
            differences, witness, np.arange(N_IMAGES), *lines, N_DRAWS
        )
        found = as_array(answer, "one difference per draw").ravel()
        calls = witness.calls
        first = [call for call in calls if call[0] < 20]
        second = [call for call in calls if call[0] >= 20]
        _check_draws(first, second)
        if len(found) != N_DRAWS:
            raise NotYet(f"Expected {N_DRAWS} differences, but got {len(found)}.")
        of_second = {}
        for _, drawn, value in second:
            of_second.setdefault(drawn, []).append(value)
        expected = np.sort(
            [value - of_second[drawn].pop() for _, drawn, value in first]
        )
        found = np.sort(found)
        mistakes = {
            "The sign is wrong: the score of the first method comes first.": (
                np.sort(-expected)
            ),
            "Return the differences themselves, without their sign taken away.": (
                np.sort(abs(expected))
            ),
            "Return the difference of every draw, not their mean.": np.full(
                N_DRAWS, expected.mean()
            ),
        }
        otherwise = "The differences are not those of the scores of the same draw."
        compare_answer(found, expected, mistakes, otherwise)
        for runs, n_runs in ((first, n_first), (second, n_second)):
            share = np.bincount([run % 10 for run, *_ in runs], minlength=n_runs)
            if share.min() < 0.5 * N_DRAWS / n_runs:
                raise NotYet(
                    "Not every run is drawn about as often: take one row of each "
                    "method at random in every draw."
                )
    return "images and runs"


def _check_draws(first, second):
    """Raise NotYet unless images are drawn at random, anew, and for both alike."""
    if not first or not second:
        raise NotYet("Score both methods, with the function score that you are given.")
    drawn = [images for _, images, _ in first]
    if {len(images) for images in drawn} != {N_IMAGES}:
        raise NotYet(
            f"A draw has {len(drawn[0])} images: take as many as there are, {N_IMAGES}."
        )
    if all(len(set(images)) == N_IMAGES for images in drawn):
        raise NotYet("No image is drawn twice: draw with replacement.")
    if len(first) != N_DRAWS or len(second) != N_DRAWS:
        raise NotYet(
            f"For {N_DRAWS} draws, score each method {N_DRAWS} times, not "
            f"{len(first)} and {len(second)} times."
        )
    if len(set(drawn)) < 0.9 * len(drawn):
        raise NotYet("Several draws have the same images: draw anew each time.")
    if sorted(drawn) != sorted(images for _, images, _ in second):
        raise NotYet(
            "The two methods are scored on different images: draw once, and use the "
            "same indices for both."
        )
    often = np.bincount(np.ravel(drawn), minlength=N_IMAGES) / len(drawn)
    if often.min() < 0.6 or often.max() > 1.5:
        raise NotYet(
            f"Image {often.argmax()} is drawn more often than others: every image must "
            "have the same chance."
        )


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
def ex13_4(strangers):
    """Write `strangers(true_labels, cluster_labels)`: the images in a wrong cluster.

    Return the indices of those whose class is not the most frequent of their cluster,
    in ascending order. Of equally frequent classes, the first in sorted order counts.
    """
    for true_labels, cluster_labels in GROUPS:
        true, clusters = np.array(true_labels), np.array(cluster_labels)
        answer = call_function(strangers, true, clusters)
        found = np.asarray(list(answer) if isinstance(answer, set) else answer)
        main_class = pd.crosstab(clusters, true).idxmax(axis=1)
        is_wrong = true != main_class[clusters].to_numpy()
        right = np.flatnonzero(is_wrong).tolist()
        where = f"For the classes {true_labels} in the clusters {cluster_labels},"
        if found.dtype == bool:
            raise NotYet("Return indices, not True and False: use np.flatnonzero.")
        if found.ndim == 2 and 1 in found.shape:
            found = found.ravel()
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
def ex13_5(purity, nmi, fowlkes_mallows):
    """Give your three scores of lesson 2: they go into your submission."""
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
        except NameError as error:
            raise NotYet(
                f"{as_sentence(f'{name}: {error}')} Paste what it uses above it, in "
                "the same cell."
            ) from None
    if not values:
        raise NotAttempted
    if missing:
        raise NotYet(
            f"None is returned by {' and '.join(missing)}: paste the functions too."
        )
    return values


LEVEL = 0.04  # of NMI: half an interval of a hundred images; nearer lines are level


@exercise(
    "Two short answers",
    hint="The first answer begins like this: By the mean over my seeds, … with … has "
    "an NMI of …, against … for raw pixels. Take the numbers from the table.",
)
def ex13_6(answers, results):
    """Answer the two questions of `homework.QUESTIONS`, in 25 to 150 words each.

    answers is a dictionary {question: answer}, results the table of
    `experiments.run`. The first answer names the representation with the highest mean
    NMI over the seeds, or says that several are level; it gives that mean or its lead
    as it is in the table.
    """
    if not isinstance(answers, dict) or set(answers) != set(submission.QUESTIONS):
        raise NotYet(
            "Give a dictionary with the two questions of homework.QUESTIONS as keys."
        )
    require_columns(results, ["representation", "algorithm", "k", "nmi"])
    given = [attempted(answers[question]) for question in submission.QUESTIONS]
    counted = [
        require_words(text, f"Answer {number}", 25, 150, different=15)
        for number, text in enumerate(given, 1)
    ]
    first, second = (" ".join(str(text).split()) for text in given)
    if first.casefold() == second.casefold():
        raise NotYet("Both answers are the same text: the second is about images.")
    lines = results.groupby(["representation", "algorithm", "k"])["nmi"].mean()
    best = lines.groupby("representation").max()
    means = lines.groupby("representation").mean()
    named = [name for name in best.index if _names(first, name, best.index)]
    if not named:
        raise NotYet(
            "Answer 1 names no representation of your table, like raw or "
            "SqueezeNet:fire9."
        )
    winners = {best.idxmax(), means.idxmax()}
    if says_level(first):
        winners |= set(best.index[best > best.max() - LEVEL])
    if not winners & set(named):
        how = lines.idxmax()
        raise NotYet(
            f"Answer 1 does not name the winner: by the mean over the seeds, {how[0]} "
            f"with {how[1]} has the highest NMI, {lines.max():.3f}."
        )
    _check_numbers(first, lines, winners, named)
    return counted


def _names(text, name, names):
    """Whether a text names a representation: in full, or its network and its layer."""
    words = set(re.findall(r"[^\W_](?:[\w:]*\w)?", text.casefold()))
    base, _, layer = name.casefold().partition(":")
    if name.casefold() in words or not layer:
        return name.casefold() in words
    apart = {part for word in words for part in word.split(":")}
    siblings = [n for n in names if n.casefold().startswith(f"{base}:")]
    return base in apart and (layer in apart or len(siblings) == 1)


def _check_numbers(text, lines, winners, named):
    """Raise NotYet unless a text has a mean of a winner, or a lead, as in the table.

    A lead over the runner-up or over a representation that the text names: of the best
    lines, of the means over the algorithms, or with the same algorithm.
    """
    numbers = [number for number in numbers_in(text) if abs(number) <= 1]
    if not numbers:
        raise NotYet(
            "Answer 1 does not say by how much: give the mean NMI or the lead as a "
            "number, like 0.61 or 61 %."
        )
    right, grouped = [], lines.groupby("representation")
    for name in winners:
        right += list(lines[name])
        for values in (grouped.max(), grouped.mean()):
            others = values.drop(name)
            rivals = {others.idxmax(), *named} - {name} if len(others) else set()
            right += [values[name], *(values[name] - values[rival] for rival in rivals)]
        for rival in set(named) - {name}:
            right += list((lines[name] - lines[rival]).dropna())
    if not any(_is_rounded(number, value) for number in numbers for value in right):
        name = lines.idxmax()[0]
        raise NotYet(
            f"No number of answer 1 is a mean NMI or a lead of {name} in your table: "
            f"its best line has {lines.max():.3f}. Give two digits or more."
        )


def _is_rounded(number, value):
    """Whether a number is a value of the table, rounded to two to four digits."""
    return any(abs(round(value, digits) - number) < 1e-9 for digits in (2, 3, 4))


@exercise(
    "Does the winner win elsewhere?",
    hint="elsewhere, _ = experiments.run(another_image_set, …, seeds=seeds).",
)
def ex13_7(results, elsewhere):
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
