"""The checks of lesson 12: a right, several wrong and an untouched answer each."""

import numpy as np
import pandas as pd
import pytest

from course_utils import metrics
from course_utils.homework import submission
from course_utils.lessons import exercises

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
NAMES = ["raw", "hog", "lbp", "SqueezeNet:fire9", "EfficientNetLite0:block6"]
NAMES += ["EfficientNetLite0:pool"]


@pytest.fixture(autouse=True)
def answers_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path))
    exercises.begin("12_your_own_dataset")


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
            commonest = classes[np.flatnonzero(counts == counts.max())[-int(last)]]
            found[members] = true_labels[members] != commonest
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
RIGHT = [
    ("ex12_1", plan()),
    ("ex12_1", plan(36, NAMES, ["kmeans", "ward", "average", "l2+hdbscan"])),
    ("ex12_2", winner()),
    ("ex12_3", strangers()),
    ("ex12_3", strangers(kind=np.array)),
    ("ex12_4", SCORES),
    ("ex12_5", written()),
    ("ex12_6", [HERE, table()]),
]
WRONG = [
    ("ex12_1", ["raw"], "dictionary"),
    ("ex12_1", plan() | {"seeds": 3}, "with the keys"),
    ("ex12_1", plan() | {"algorithms": "kmeans"}, "give lists"),
    ("ex12_1", plan(representations=[*NAMES, "raw"]), "twice"),
    ("ex12_1", plan(representations=["raw", "hogg"]), "did you mean hog?"),
    ("ex12_1", plan(algorithms=["kmeens"]), "'kmeans'"),
    ("ex12_1", plan(representations=["raw", *NAMES[3:]]), "3 representations where 5"),
    ("ex12_1", plan(representations=[*NAMES[:4], "colour"]), "1 layers where 3"),
    (
        "ex12_1",
        plan(algorithms=["kmeans", "l2+kmeans", "ward"]),
        "2 algorithms where 3",
    ),
    ("ex12_1", plan(representations=[*NAMES[1:], "bovw"]), "baseline"),
    ("ex12_1", plan(18), "the seeds are missing"),
    ("ex12_1", plan(54), "run once"),
    ("ex12_1", plan(7), "for one representation"),
    ("ex12_1", plan(40), "count again"),
    ("ex12_2", winner(by=["representation"]), "over all rows"),
    ("ex12_2", winner(first="max"), "best single run"),
    ("ex12_2", lambda t: ("z", 1) if len(t) == 5 else winner()(t), "not the one"),
    ("ex12_2", lambda results: ("zz", 0.1), "no representation"),
    ("ex12_2", lambda results: "a", "two things"),
    ("ex12_2", winner(sign=-1), "wrong sign"),
    ("ex12_2", winner(over=0), "not the last"),
    ("ex12_2", lambda results: ("a", 0.66), "subtract"),
    ("ex12_2", lambda results: ("a", 0.5), "its lead is 0.055"),
    ("ex12_3", strangers(wrong=False), "that are right"),
    ("ex12_3", strangers(order=-1), "rising order"),
    ("ex12_3", strangers(last=True), "you give"),
    ("ex12_3", strangers(kind=len), "a list of places"),
    ("ex12_3", lambda true, found: true != found, "not True and False"),
    ("ex12_3", lambda true, found: list(range(len(true))), "every picture"),
    ("ex12_4", [score("purity", swapped=True), *SCORES[1:]], "purity: the arguments"),
    ("ex12_4", [*SCORES[:2], score("fowlkes_mallows", power=2)], "square root"),
    ("ex12_4", [SCORES[0], untouched, SCORES[2]], "nmi returns None"),
    ("ex12_4", [0.5, 0.5, 0.5], "the function itself"),
    ("ex12_5", [LONG, LONG], "dictionary"),
    ("ex12_5", {"Who won?": LONG}, "QUESTIONS"),
    ("ex12_5", written("raw won by 0.1"), "answer 1 has 4 words"),
    ("ex12_5", written(second="word " * 200), "answer 2 has 200 words"),
    ("ex12_5", written("nothing won by 0.12 " * 8), "names no representation"),
    ("ex12_5", written("hog won by far and wide " * 6), "by how much"),
    ("ex12_6", [HERE, (table(), {})], "the first thing"),
    ("ex12_6", [HERE, table("mine")], "same image set"),
    ("ex12_6", [HERE, table().assign(nmi=np.nan)], "true labels"),
    ("ex12_6", [HERE, table(names=["raw", "hog"])], "three representations"),
    ("ex12_6", [HERE, table(lines=["ward"])], "three representations"),
    ("ex12_6", [HERE, table(seeds=[0, 1])], "same seeds"),
]
UNTOUCHED = [
    ("ex12_1", None),
    ("ex12_1", plan(None)),
    ("ex12_2", untouched),
    ("ex12_3", untouched),
    ("ex12_4", [untouched] * 3),
    ("ex12_5", None),
    ("ex12_5", written(None, None)),
    ("ex12_6", [HERE, None]),
]


def verdict(name, answer):
    takes_several = name in ("ex12_4", "ex12_6")
    return getattr(exercises, name)(*answer if takes_several else [answer])


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_right_answers(name, answer):
    found = verdict(name, answer)
    assert found.state == exercises.RIGHT, found
    assert exercises.answers()[name]["value"]


@pytest.mark.parametrize(("name", "answer", "message"), WRONG)
def test_wrong_answers_are_told_the_likely_mistake(name, answer, message):
    found = verdict(name, answer)
    assert found.state == exercises.NOT_YET
    assert message in found.message


@pytest.mark.parametrize(("name", "answer"), UNTOUCHED)
def test_untouched_answers(name, answer):
    assert verdict(name, answer).state == exercises.NOT_ATTEMPTED
