"""Checks of lesson 13: right, wrong in the usual ways, and untouched answers."""

import random

import numpy as np
import pandas as pd
import pytest
from lesson_answers import answer_tests, own_answers  # noqa: F401
from sklearn.metrics import fowlkes_mallows_score, normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix

from course_utils import metrics
from course_utils.homework import submission

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
NAMES = ["raw", "hog", "lbp", "SqueezeNet:fire9", "EfficientNetLite0:block6"]
NAMES += ["EfficientNetLite0:pool"]


def plan(n_runs=42, representations=NAMES, algorithms=("kmeans", "ward", "l2+gmm")):
    return {
        "representations": list(representations),
        "algorithms": list(algorithms),
        "n_runs": n_runs,
    }


def winner(first="mean", by=("representation", "algorithm"), sign=1, over=-2):
    def winner(results):
        lines = results.groupby(list(by))["nmi"].agg(first)
        means = lines.groupby("representation").agg(first).sort_values()
        return means.index[-1], sign * (means.iloc[-1] - means.iloc[over])

    return winner


def strangers(wrong=True, order=1, kind=list, last=False):
    def strangers(true_labels, cluster_labels):
        found = np.zeros(len(true_labels), bool)
        for cluster in np.unique(cluster_labels):
            members = np.flatnonzero(cluster_labels == cluster)
            classes, counts = np.unique(true_labels[members], return_counts=True)
            most_frequent = classes[np.flatnonzero(counts == counts.max())[-int(last)]]
            found[members] = true_labels[members] != most_frequent
        return kind(np.flatnonzero(found == wrong)[::order])

    return strangers


def score(name, swapped=False, power=1):
    def score(true_labels, cluster_labels):
        labels = [true_labels, cluster_labels][:: -1 if swapped else 1]
        return (
            getattr(metrics, name)(labels_true=labels[0], labels_pred=labels[1])
            ** power
        )

    return score


def untouched(*_):
    return None


SCORES = [score(name) for name in ("purity", "nmi", "fowlkes_mallows")]


def grid(**means):
    """A table of runs: two seeds by k-means, one by ward, whose NMI is .1 lower."""
    rows = []
    for name, mean in means.items():
        name = name.replace("__", ":")
        for algorithm, values in (
            ("l2+kmeans", (mean - 0.02, mean + 0.02)),
            ("l2+ward", (mean - 0.1,)),
        ):
            rows += [(name, algorithm, 7, seed, v) for seed, v in enumerate(values)]
    columns = ["representation", "algorithm", "k", "seed", "nmi"]
    return pd.DataFrame(rows, columns=columns)


# Means by k-means; block6 and pool are level. Over both algorithms each is .05 lower.
RESULTS = grid(
    raw=0.28,
    hog=0.33,
    SqueezeNet__fire9=0.52,
    EfficientNetLite0__pool=0.59,
    EfficientNetLite0__block6=0.614,
)
FILL = " The three seeds agree with each other, and the order is the same by ward as"
FILL += " by k-means, so I trust it on these images at least."
FIRST = (
    "By the mean over three seeds EfficientNetLite0:block6 has an NMI of 0.614." + FILL
)
SECOND = """A mince pie is with the planets and a decorated fir with the trees: the
network sees what a thing looks like, and not for which day it is. The lobster is not
with the fish, and I would rather change its label."""


def written(first=FIRST, second=SECOND):
    return dict(zip(submission.QUESTIONS, (first, second), strict=True)), RESULTS


def first(text):
    """Answers whose first one begins like this."""
    return written(text + FILL)


def differences(
    size=1.0, replace=True, paired=True, runs=True, again=True, sign=1, true_too=True
):
    """The bootstrap, and each of the usual mistakes in it."""

    def differences(score, true_labels, first, second, n_draws):
        generator, found = np.random.default_rng(3), []
        n = len(true_labels)
        for _ in range(n_draws):
            if not again:
                generator = np.random.default_rng(3)
            drawn = generator.choice(n, int(size * n), replace=replace)
            one, other = first[0], second[0]
            if runs:
                one, other = generator.choice(first), generator.choice(second)
            other_drawn = drawn
            if not paired:
                other_drawn = generator.choice(n, int(size * n), replace=replace)
            true = true_labels[drawn] if true_too else true_labels
            its_true = true_labels[other_drawn] if true_too else true_labels
            difference = score(true, one[drawn]) - score(its_true, other[other_drawn])
            found.append(sign * difference)
        return found

    return differences


def differences_at_once(score, true_labels, first, second, n_draws):
    n = len(true_labels)
    generator = np.random.RandomState(0)
    drawn = generator.randint(n, size=(n_draws, n))
    rows = generator.randint(len(first), size=n_draws)
    others = generator.randint(len(second), size=n_draws)
    both = []
    for runs, its in ((first, rows), (second, others)):
        pairs = zip(drawn, its, strict=True)
        both.append([score(true_labels[d], runs[r][d]) for d, r in pairs])
    return np.subtract(*both, dtype=np.float32)


def differences_of_pandas(score, true_labels, first, second, n_draws):
    table = pd.DataFrame({"true": true_labels})
    for number, row in enumerate(first):
        table["first", number] = row
    for number, row in enumerate(second):
        table["second", number] = row
    found = {}
    for draw in range(n_draws):
        part = table.sample(frac=1, replace=True, random_state=draw)
        one = part["first", draw % len(first)]
        other = part["second", draw // 3 % len(second)]
        found[draw] = score(part["true"], one) - score(part["true"], other)
    return pd.Series(found)


def differences_in_lists(score, true_labels, first, second, n_draws):
    generator, found = random.Random(1), []
    for _ in range(n_draws):
        drawn = [generator.randrange(len(true_labels)) for _ in true_labels]
        one, other = generator.choice(list(first)), generator.choice(list(second))
        true = [true_labels[i] for i in drawn]
        before = score(true, [other[i] for i in drawn])
        found.append([score(true, [one[i] for i in drawn]) - before])
    return found


def differences_of_a_mean(score, true_labels, first, second, n_draws):
    return [
        np.mean(differences()(score, true_labels, first, second, n_draws))
    ] * n_draws


def differences_that_prefer(score, true_labels, first, second, n_draws):
    """Each image as often as its number says."""
    generator, n = np.random.default_rng(0), len(true_labels)
    found, weights = [], np.arange(n) / np.arange(n).sum()
    for _ in range(n_draws):
        drawn = generator.choice(n, n, p=weights)
        one, other = generator.choice(first), generator.choice(second)
        true = true_labels[drawn]
        found.append(score(true, one[drawn]) - score(true, other[drawn]))
    return found


def differences_by_means(score, true_labels, first, second, n_draws):
    """All runs scored in each draw."""
    generator, n, found = np.random.default_rng(0), len(true_labels), []
    for _ in range(n_draws):
        drawn = generator.integers(0, n, n)
        true = true_labels[drawn]
        means = [
            np.mean([score(true, run[drawn]) for run in runs])
            for runs in (first, second)
        ]
        found.append(means[0] - means[1])
    return found


def table(
    image_set="stamps", names=("raw", "hog", "lbp"), seeds=(4, 7), lines=("kmeans",)
):
    rows = [
        (image_set, name, line, 7, seed, 0.1 * place + 0.01 * seed)
        for place, name in enumerate(names)
        for line in lines
        for seed in seeds
    ]
    columns = ["image_set", "representation", "algorithm", "k", "seed", "nmi"]
    return pd.DataFrame(rows, columns=columns)


HERE = table("mine", ("lbp", "raw", "hog", "colour"), lines=("kmeans", "gmm"))


def winner_by_loop(results):
    means = {}
    for name, rows in results.groupby("representation"):
        per_algorithm = [lines["nmi"].mean() for _, lines in rows.groupby("algorithm")]
        means[name] = sum(per_algorithm) / len(per_algorithm)
    first, second = sorted(means, key=means.get)[:-3:-1]
    return np.str_(first), np.float64(means[first] - means[second])


def strangers_by_loop(true_labels, cluster_labels):
    labels = list(zip(true_labels.tolist(), cluster_labels.tolist(), strict=True))
    found = []
    for place, (name, cluster) in enumerate(labels):
        members = [true for true, other in labels if other == cluster]
        if name != max(sorted(set(members)), key=members.count):
            found.append(place)
    return found


def purity_of_sklearn(true_labels, cluster_labels):
    return contingency_matrix(true_labels, cluster_labels).max(0).sum() / len(
        true_labels
    )


SCORES_OF_SKLEARN = (
    purity_of_sklearn,
    normalized_mutual_info_score,
    fowlkes_mallows_score,
)


LAYERS = NAMES[3:]
RIGHT = [
    ("ex13_1", plan()),
    ("ex13_1", plan(36, NAMES, ["kmeans", "ward", "average", "l2+hdbscan"])),
    (
        "ex13_1",
        plan(np.int64(49), [*NAMES, "VGG19:fc2"], ["gmm", "l2+spectral", "ward"]),
    ),
    ("ex13_1", plan() | {"seeds": 3}),
    ("ex13_1", plan() | {"n_runs": 42.0, "note": "planned on Monday"}),
    ("ex13_1", plan(representations=["RAW", "HOG", "LBP", *LAYERS])),
    (
        "ex13_1",
        plan(representations=["raw", "Hog", "lbp", "squeezenet:fire9", *NAMES[4:]]),
    ),
    ("ex13_1", plan(algorithms=np.array(["KMeans", "ward", "l2+GMM"]))),
    ("ex13_1", plan(54, algorithms=["kmeans", "micro50+ward", "l2+gmm"])),
    ("ex13_2", winner()),
    ("ex13_2", lambda results: list(winner()(results))),
    ("ex13_2", winner_by_loop),
    ("ex13_2", lambda results: np.array(winner()(results), dtype=object)),
    ("ex13_3", differences()),
    ("ex13_3", differences_at_once),
    ("ex13_3", differences_of_pandas),
    ("ex13_3", differences_in_lists),
    ("ex13_4", strangers()),
    ("ex13_4", strangers(kind=np.array)),
    ("ex13_4", strangers_by_loop),
    ("ex13_4", strangers(kind=pd.Series)),
    ("ex13_4", strangers(kind=lambda found: np.array(found, np.float32))),
    ("ex13_4", strangers(kind=lambda found: np.array(found)[None])),
    ("ex13_5", *SCORES),
    ("ex13_5", *SCORES_OF_SKLEARN),
    ("ex13_5", *[lambda *labels, f=f: [f(*labels)] for f in SCORES]),
    ("ex13_6", *written()),
    ("ex13_6", *written(second=SECOND + "\n" + SECOND)),
    ("ex13_6", *first("EfficientNetLite0:block6 has 0,61, raw pixels 0,28.")),
    ("ex13_6", *first("Block6 of EfficientNetLite0 reached 61 percent.")),
    ("ex13_6", *first("Block6 of efficientnetlite0 reached an NMI of 61.4 %.")),
    ("ex13_6", *first("EfficientNetLite0:block6 won with sixty-one percent.")),
    ("ex13_6", *first("The winner (EfficientNetLite0:block6) leads raw by .334.")),
    ("ex13_6", *first("Over both algorithms EfficientNetLite0:block6 has 0.564.")),
    ("ex13_6", *first("EfficientNetLite0:pool and its block6 are level, at 0.59.")),
    (
        "ex13_6",
        *first("I cannot distinguish EfficientNetLite0:pool, .59, from block6."),
    ),
    ("ex13_6", *first("raw has .28; EfficientNetLite0:block6 is .33 ahead of it.")),
    ("ex13_7", HERE, table()),
    ("ex13_7", HERE, table(names=("hog", "raw", "lbp", "bovw"), seeds=(7, 4))),
    ("ex13_7", HERE, table("other", ("raw", "hog", "colour"), lines=("gmm", "ward"))),
]
WRONG = [
    ("ex13_1", ["raw"], "dictionary"),
    ("ex13_1", {"representations": NAMES}, "with the keys"),
    ("ex13_1", plan() | {"algorithms": "kmeans"}, "Give lists"),
    ("ex13_1", plan() | {"algorithms": [1, 2, 3]}, "names, in quotes"),
    ("ex13_1", plan(representations=[*NAMES, "raw"]), "twice"),
    ("ex13_1", plan(representations=[*NAMES, "Raw"]), "twice"),
    ("ex13_1", plan(representations=["raw", "hogg"]), "did you mean hog?"),
    ("ex13_1", plan(algorithms=["kmeens"]), "'kmeans'"),
    (
        "ex13_1",
        plan(representations=[*NAMES[:3], "SqueezeNet:fire99", *NAMES[4:]]),
        "SqueezeNet has no layer 'fire99'",
    ),
    (
        "ex13_1",
        plan(representations=[*NAMES[:3], "VGG19:fire9", *NAMES[4:]]),
        "VGG19 has no layer 'fire9'",
    ),
    (
        "ex13_1",
        plan(representations=["raw", *NAMES[3:]]),
        "representations: 3 instead of 5",
    ),
    ("ex13_1", plan(representations=[*NAMES[:4], "colour"]), "layers: 1 instead of 3"),
    (
        "ex13_1",
        plan(algorithms=["kmeans", "l2+kmeans", "ward"]),
        "algorithms: 2 instead of 3",
    ),
    ("ex13_1", plan(representations=[*NAMES[1:], "bovw"]), "baseline"),
    ("ex13_1", plan(18), "The seeds are missing"),
    ("ex13_1", plan(54), "deterministic one runs once"),
    ("ex13_1", plan(7), "for one representation"),
    ("ex13_1", plan(40), "Count again"),
    ("ex13_1", plan("42 runs"), "one number of runs"),
    ("ex13_2", winner(by=["representation"]), "over all rows"),
    ("ex13_2", winner(first="max"), "best single run"),
    ("ex13_2", winner(first="median"), "by the median"),
    (
        "ex13_2",
        lambda t: ("z", 1) if set(t["algorithm"]) == {"gmm"} else winner()(t),
        "does not have the highest",
    ),
    ("ex13_2", lambda results: ("zz", 0.1), "no representation"),
    ("ex13_2", lambda results: "a", "two things"),
    ("ex13_2", winner(sign=-1), "wrong sign"),
    ("ex13_2", winner(over=0), "not over the last"),
    ("ex13_2", lambda results: ("a", 0.636667), "subtract"),
    ("ex13_2", lambda results: ("a", 0.5), "its lead is 0.03"),
    ("ex13_3", differences(paired=False), "different images"),
    ("ex13_3", differences(replace=False), "with replacement"),
    ("ex13_3", differences(size=0.8), "as many as there are, 40"),
    ("ex13_3", differences(runs=False), "Not every run"),
    ("ex13_3", differences(again=False), "draw anew"),
    ("ex13_3", differences(sign=-1), "The sign is wrong"),
    ("ex13_3", differences(true_too=False), "same indices for both"),
    ("ex13_3", differences_of_a_mean, "not their mean"),
    ("ex13_3", differences_that_prefer, "the same chance"),
    ("ex13_3", differences_by_means, ("score each method 200 times", "600")),
    ("ex13_3", lambda *a: differences()(*a)[:-1], "but got 199"),
    ("ex13_3", lambda *a: np.abs(differences()(*a)), "without their sign"),
    ("ex13_3", lambda *a: np.zeros(a[-1]), "Score both methods"),
    ("ex13_3", lambda s, t, f, g, n: differences()(s, t, f, f, n), "Score both"),
    (
        "ex13_3",
        lambda s, *a: differences()(lambda true, found: s(found, true), *a),
        "The true labels come first",
    ),
    ("ex13_4", strangers(wrong=False), "in the right cluster"),
    ("ex13_4", strangers(order=-1), "sort the indices upwards"),
    ("ex13_4", strangers(last=True), "you give"),
    ("ex13_4", strangers(kind=len), "not a list of indices"),
    ("ex13_4", lambda true, found: true != found, "not True and False"),
    ("ex13_4", lambda true, found: list(range(len(true))), "every image"),
    ("ex13_5", score("purity", swapped=True), *SCORES[1:], "purity: The arguments"),
    ("ex13_5", *SCORES[:2], score("fowlkes_mallows", power=2), "square root"),
    ("ex13_5", SCORES[0], untouched, SCORES[2], "None is returned by nmi"),
    ("ex13_5", 0.5, 0.5, 0.5, "the function itself"),
    ("ex13_5", lambda t, c: helper_not_there(t), *SCORES[1:], "Paste what it uses"),  # noqa: F821
    ("ex13_6", [FIRST, SECOND], RESULTS, "dictionary"),
    ("ex13_6", {"Who won?": FIRST}, RESULTS, "QUESTIONS"),
    ("ex13_6", written()[0], {"raw": 0.1}, "a table with the columns"),
    ("ex13_6", *written("raw won by 0.1"), "Answer 1 has 4 words"),
    ("ex13_6", *written(second="word " * 200), "Answer 2 has 200 words"),
    ("ex13_6", *written("raw won by 0.12 " * 8), "repeats itself"),
    ("ex13_6", *written(second=FIRST), "the same text"),
    ("ex13_6", *first("Nothing won, and by 0.12 at that, I should think."), "names no"),
    (
        "ex13_6",
        *first("EfficientNetLite0 reached 0.614, more than others."),
        "names no",
    ),
    ("ex13_6", *first("lbp won by .614, which is a lot, I should think."), "names no"),
    (
        "ex13_6",
        *first("EfficientNetLite0:block6 won by far and wide, as all can see."),
        "by how much",
    ),
    (
        "ex13_6",
        *written(
            "I do not know which one won because the raw results were confusing but "
            "the version of Python was 3.11 and all of it ran in about two minutes on "
            "my own machine here."
        ),
        ("does not name the winner", "EfficientNetLite0:block6 with l2+kmeans"),
    ),
    ("ex13_6", *first("hog won with an NMI of 0.33, by .05 over raw."), "0.614"),
    (
        "ex13_6",
        *first("EfficientNetLite0:pool won, with a mean of 0.59."),
        "name the w",
    ),
    (
        "ex13_6",
        *first("SqueezeNet:fire9 and hog are level, at .52."),
        "name the winner",
    ),
    (
        "ex13_6",
        *first("EfficientNetLite0:block6 won with an NMI of 0.83."),
        "No number of answer 1",
    ),
    (
        "ex13_6",
        *first("EfficientNetLite0:block6 won, its best seed has 0.634."),
        "No number of answer 1",
    ),
    (
        "ex13_6",
        *first("EfficientNetLite0:block6 won on 193 images with 7 clusters."),
        "by how much",
    ),
    ("ex13_7", HERE, (table(), {}), "the first result"),
    ("ex13_7", HERE, table("mine"), "same image set"),
    ("ex13_7", HERE, table().assign(nmi=np.nan), "true labels"),
    ("ex13_7", HERE, table(names=["raw", "hog"]), "three representations"),
    ("ex13_7", HERE, table(lines=["ward"]), "three representations"),
    ("ex13_7", HERE, table(seeds=[0, 1]), "same seeds"),
]
UNTOUCHED = [
    ("ex13_1", plan(None)),
    ("ex13_6", *written(None, None)),
    ("ex13_7", HERE, None),
]


test_right, test_wrong, test_untouched, test_enough = answer_tests(
    RIGHT, WRONG, UNTOUCHED
)
