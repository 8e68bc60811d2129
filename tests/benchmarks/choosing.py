"""How often do criteria without labels choose well? Run it; it asserts nothing.

    python tests/benchmarks/choosing.py [--sets stamps photos caltech101] [--draws 20]

Writes solutions/reference/choosing.csv, which lesson 7 shows: one row per draw,
question and criterion, with what was chosen, its AMI and that of the best. A draw is a
random 80% of the stamps or photos, or 5 to 15 classes of Caltech-101 with 30 images of
each. The question is how many clusters (k-means, 2 to 20), or, with as many clusters as
classes, which representation, layer or algorithm. True labels are used for the AMI and
nothing else. Caltech-101 needs the variable COURSE_CALTECH101 or a download.
"""

import argparse
import datetime
import functools
import os
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_mutual_info_score, silhouette_score
from sklearn.preprocessing import normalize

from course_utils import clustering, images, representations
from course_utils.clustering import choice
from course_utils.clustering.preprocessing import rotate

OUT = Path(__file__).resolve().parents[2] / "solutions" / "reference" / "choosing.csv"
NETWORK = "EfficientNetLite0"
REPRESENTATIONS = "raw", "colour", "hog", "lbp", "bovw", "SqueezeNet", NETWORK
LAYERS = [f"{NETWORK}:block{number}" for number in range(1, 8)] + [NETWORK]
ALGORITHMS = "l2+kmeans", "l2+ward", "l2+average", "l2+complete", "l2+spectral"
KS = range(2, 21)
PER_CLASS = 30  # images of Caltech-101


@functools.cache
def image_set(name):
    if name != "caltech101":
        return images.load(name, progress=False)
    whole, generator = images.load("caltech101-objects"), np.random.default_rng(0)
    parts = [np.flatnonzero(whole.true_labels == c) for c in set(whole.true_labels)]
    kept = [generator.permutation(part)[:PER_CLASS] for part in sorted(parts, key=min)]
    return whole.subset(np.sort(np.concatenate(kept)))


@functools.cache
def vectors(name, representation):
    return representations.extract(image_set(name), representation, progress=False)


def drawn(name, draw):
    """The places of the images of a draw."""
    labels, generator = image_set(name).true_labels, np.random.default_rng(draw)
    if name == "caltech101":
        classes = np.unique(labels)
        n_classes = generator.integers(5, 16)
        return np.flatnonzero(
            np.isin(labels, generator.choice(classes, n_classes, replace=False))
        )
    return np.sort(
        generator.choice(len(labels), round(0.8 * len(labels)), replace=False)
    )


class Space:
    """A representation of some images, and the spaces in which clusters are judged."""

    def __init__(self, name, representation, kept, draw):
        features = np.asarray(vectors(name, representation))[kept]
        self.points = rotate(normalize(features.astype(np.float64)))
        self.draw = draw
        self.spaces = choice._embeddings(self.points, max(KS) // 2, draw)

    def kmeans(self, k, n_init=5):
        return KMeans(k, n_init=n_init, random_state=self.draw).fit_predict(self.points)

    def judge(self, labels, algorithm, k):
        """{criterion: value}; the higher, the better."""
        spaces = {"silhouette": self.points, **self.spaces}
        if len(np.unique(labels)) < 2:
            return dict.fromkeys([*spaces, "choose", "stability"], -np.inf)
        found = {name: silhouette_score(x, labels) for name, x in spaces.items()}
        found["choose"] = (found["after_umap"] + found["after_eigenmaps"]) / 2
        how = {"n_pairs": 2, "random_state": self.draw}
        found["stability"] = clustering.stability(self.points, algorithm, k, **how)
        return found

    def gaps(self, n_references=3):
        """The gap statistic of every k, and its standard error."""
        centred = self.points - self.points.mean(axis=0)
        _, _, axes = np.linalg.svd(centred, full_matrices=False)
        box = centred @ axes.T
        generator, size = np.random.default_rng(self.draw), box.shape
        low, high = box.min(axis=0), box.max(axis=0)
        boxes = [generator.uniform(low, high, size) for _ in range(n_references)]
        gaps, errors = [], []
        for k in KS:
            expected = [_log_inertia(reference, k, 1) for reference in boxes]
            gaps.append(np.mean(expected) - _log_inertia(box, k, 3))
            errors.append(np.std(expected) * np.sqrt(1 + 1 / n_references))
        return np.array(gaps), np.array(errors)


def _log_inertia(points, k, n_init):
    return np.log(KMeans(k, n_init=n_init, random_state=0).fit(points).inertia_)


def rows_of(name, draw):
    kept = drawn(name, draw)
    true = image_set(name).true_labels[kept]
    n_classes, rows = len(set(true)), []
    score = functools.partial(adjusted_mutual_info_score, true)

    def note(question, subject, judged, amis):
        """judged: {criterion: {candidate: value}}; amis: {candidate: AMI}."""
        for criterion, values in judged.items():
            chosen = max(values, key=values.get)
            rows.append(
                {
                    "image_set": name,
                    "question": question,
                    "subject": subject,
                    "criterion": criterion,
                    "draw": draw,
                    "chosen": chosen,
                    "ami": round(amis[chosen], 4),
                    "best": max(amis, key=amis.get),
                    "best_ami": round(max(amis.values()), 4),
                }
            )

    spaces = {
        representation: Space(name, representation, kept, draw)
        for representation in dict.fromkeys((*REPRESENTATIONS, *LAYERS))
    }
    for subject in (NETWORK, "SqueezeNet"):  # how many clusters?
        space, judged, amis = spaces[subject], {}, {}
        for k in KS:
            labels = space.kmeans(k)
            amis[k] = score(labels)
            for criterion, value in space.judge(labels, "kmeans", k).items():
                judged.setdefault(criterion, {})[k] = value
        judged["choose"] = _mean_of_standardised(judged)
        gaps, errors = space.gaps()
        enough = np.flatnonzero(gaps[:-1] >= gaps[1:] - errors[1:])
        first = KS[enough[0]] if len(enough) else KS[-1]
        judged["gap"] = {k: float(k == first) for k in KS}
        note("k", subject, judged, amis)
    for question, names in (("representation", REPRESENTATIONS), ("layer", LAYERS)):
        found = {each: spaces[each].kmeans(n_classes) for each in names}
        amis = {each: score(labels) for each, labels in found.items()}
        judged = {}
        for each, labels in found.items():
            values = spaces[each].judge(labels, "kmeans", n_classes)
            others = [found[other] for other in names if other != each]
            agreements = [adjusted_mutual_info_score(labels, other) for other in others]
            values["agreement"] = float(np.mean(agreements))
            for criterion, value in values.items():
                judged.setdefault(criterion, {})[each] = value
        note(question, "", judged, amis)
    space, judged, amis = spaces[NETWORK], {}, {}
    for algorithm in ALGORITHMS:
        labels = clustering.cluster(space.points, algorithm, n_classes, draw)
        amis[algorithm] = score(labels)
        for criterion, value in space.judge(labels, algorithm, n_classes).items():
            judged.setdefault(criterion, {})[algorithm] = value
    note("algorithm", NETWORK, judged, amis)
    return rows


def _mean_of_standardised(judged):
    total = 0
    for criterion in ("after_umap", "after_eigenmaps"):
        values = np.array([judged[criterion][k] for k in KS])
        total = total + (values - values.mean()) / values.std()
    return dict(zip(KS, total, strict=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", default=["stamps", "photos", "caltech101"])
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    for name in options.sets:
        for draw in range(options.draws):
            rows += rows_of(name, draw)
            print(name, draw, flush=True)
        table = pd.DataFrame(rows)
        table["date"] = f"{datetime.date.today()}"
        options.out.parent.mkdir(exist_ok=True)
        table.to_csv(options.out, index=False, lineterminator="\n")
    table["within"] = table["ami"] >= table["best_ami"] - 0.02
    print(
        table.pivot_table(
            index=["question", "subject", "criterion"],
            columns="image_set",
            values="within",
        ).to_string()
    )


if __name__ == "__main__":
    main()
