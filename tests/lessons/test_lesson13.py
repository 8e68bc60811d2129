"""Checks of lesson 13: right, wrong in the usual ways, and untouched answers."""

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
LONG = " ".join(["EfficientNetLite0:pool won by 0.12 over raw."] * 5)


def written(first=LONG, second=LONG):
    return dict(zip(submission.QUESTIONS, (first, second), strict=True))


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


RIGHT = [
    ("ex13_1", plan()),
    ("ex13_1", plan(36, NAMES, ["kmeans", "ward", "average", "l2+hdbscan"])),
    ("ex13_2", winner()),
    ("ex13_3", strangers()),
    ("ex13_3", strangers(kind=np.array)),
    ("ex13_4", *SCORES),
    ("ex13_5", written()),
    ("ex13_6", HERE, table()),
    (
        "ex13_1",
        plan(np.int64(49), [*NAMES, "VGG19:fc2"], ["gmm", "l2+spectral", "ward"]),
    ),
    ("ex13_2", lambda results: list(winner()(results))),
    ("ex13_2", winner_by_loop),
    ("ex13_3", strangers_by_loop),
    ("ex13_4", *SCORES_OF_SKLEARN),
    ("ex13_4", *[lambda *labels, f=f: [f(*labels)] for f in SCORES]),
    ("ex13_5", written("With an NMI of .61, hog " + "is ahead of lbp and raw; " * 5)),
    ("ex13_5", written(second=LONG + "\n" + LONG)),
    ("ex13_6", HERE, table(names=("hog", "raw", "lbp", "bovw"), seeds=(7, 4))),
    ("ex13_6", HERE, table("other", ("raw", "hog", "colour"), lines=("gmm", "ward"))),
]
WRONG = [
    ("ex13_1", ["raw"], "dictionary"),
    ("ex13_1", plan() | {"seeds": 3}, "with the keys"),
    ("ex13_1", plan() | {"algorithms": "kmeans"}, "Give lists"),
    ("ex13_1", plan(representations=[*NAMES, "raw"]), "twice"),
    ("ex13_1", plan(representations=["raw", "hogg"]), "did you mean hog?"),
    ("ex13_1", plan(algorithms=["kmeens"]), "'kmeans'"),
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
    ("ex13_1", plan(54), "run once"),
    ("ex13_1", plan(7), "for one representation"),
    ("ex13_1", plan(40), "Count again"),
    ("ex13_2", winner(by=["representation"]), "over all rows"),
    ("ex13_2", winner(first="max"), "best single run"),
    (
        "ex13_2",
        lambda t: ("z", 1) if len(t) == 5 else winner()(t),
        "does not have the highest",
    ),
    ("ex13_2", lambda results: ("zz", 0.1), "no representation"),
    ("ex13_2", lambda results: "a", "two things"),
    ("ex13_2", winner(sign=-1), "wrong sign"),
    ("ex13_2", winner(over=0), "not over the last"),
    ("ex13_2", lambda results: ("a", 0.66), "subtract"),
    ("ex13_2", lambda results: ("a", 0.5), "its lead is 0.055"),
    ("ex13_3", strangers(wrong=False), "in the right cluster"),
    ("ex13_3", strangers(order=-1), "sort the indices upwards"),
    ("ex13_3", strangers(last=True), "you give"),
    ("ex13_3", strangers(kind=len), "not a list of indices"),
    ("ex13_3", lambda true, found: true != found, "not True and False"),
    ("ex13_3", lambda true, found: list(range(len(true))), "every image"),
    ("ex13_4", score("purity", swapped=True), *SCORES[1:], "purity: The arguments"),
    ("ex13_4", *SCORES[:2], score("fowlkes_mallows", power=2), "square root"),
    ("ex13_4", SCORES[0], untouched, SCORES[2], "None is returned by nmi"),
    ("ex13_4", 0.5, 0.5, 0.5, "the function itself"),
    ("ex13_5", [LONG, LONG], "dictionary"),
    ("ex13_5", {"Who won?": LONG}, "QUESTIONS"),
    ("ex13_5", written("raw won by 0.1"), "Answer 1 has 4 words"),
    ("ex13_5", written(second="word " * 200), "Answer 2 has 200 words"),
    ("ex13_5", written("nothing won by 0.12 " * 8), "names no representation"),
    ("ex13_5", written("hog won by far and wide " * 6), "by how much"),
    ("ex13_6", HERE, (table(), {}), "the first result"),
    ("ex13_6", HERE, table("mine"), "same image set"),
    ("ex13_6", HERE, table().assign(nmi=np.nan), "true labels"),
    ("ex13_6", HERE, table(names=["raw", "hog"]), "three representations"),
    ("ex13_6", HERE, table(lines=["ward"]), "three representations"),
    ("ex13_6", HERE, table(seeds=[0, 1]), "same seeds"),
]
UNTOUCHED = [
    ("ex13_1", plan(None)),
    ("ex13_5", written(None, None)),
    ("ex13_6", HERE, None),
]


test_right, test_wrong, test_untouched, test_enough = answer_tests(
    RIGHT, WRONG, UNTOUCHED
)
