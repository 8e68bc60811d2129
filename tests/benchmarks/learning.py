"""Does learning to cluster pay? Run it; it asserts nothing.

    python tests/benchmarks/learning.py [--sets stamps photos caltech101] [--draws N]
        [--folder CALTECH101]

Writes solutions/reference/learning.csv, which lesson 12 shows: one row per draw, view,
method and setting, with NMI, AMI and the number of clusters left. A draw is a random
80% of the stamps or photos (20 draws), or ten classes of Caltech-101 with 40 images of
each (ten draws); its number is also the seed of every method. A setting is the constant
that is swept: the neighbours of merging, JULE and TEMI, or TEMI's beta. There are as
many clusters as classes. True labels choose the classes of Caltech-101, k, and score.
"""

import argparse
import datetime
import functools
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_mutual_info_score

from course_utils import clustering, images, metrics, representations

OUT = Path(__file__).resolve().parents[2] / "solutions" / "reference" / "learning.csv"
VIEWS = "EfficientNetLite0", "EfficientNetLite0:block6", "SqueezeNet"
SWEPT = "EfficientNetLite0", "SqueezeNet"
NEIGHBOURS = 5, 10, 15, 20, 30, 40
PAIRS, BETAS = (5, 10, 20, 40), (0.5, 0.7, 0.8, 1.0)  # of TEMI
N_CLASSES, PER_CLASS = 10, 40  # of Caltech-101


@functools.cache
def image_set(name, folder=None):
    if name != "caltech101":
        return images.load(name, progress=False)
    whole = images.load("caltech101-objects", folder=folder, progress=False)
    generator = np.random.default_rng(0)
    classes, counts = np.unique(whole.true_labels, return_counts=True)
    kept = [
        generator.choice(np.flatnonzero(whole.true_labels == c), PER_CLASS, False)
        for c in classes[counts >= PER_CLASS]
    ]
    return whole.subset(np.sort(np.concatenate(kept)))


@functools.cache
def vectors(name, view, folder):
    return representations.extract(image_set(name, folder), view, progress=False)


def drawn(labels, name, draw):
    """The places of the images of a draw."""
    generator = np.random.default_rng(draw)
    if name == "caltech101":
        classes = generator.choice(np.unique(labels), N_CLASSES, replace=False)
        return np.flatnonzero(np.isin(labels, classes))
    n_kept = round(0.8 * len(labels))
    return np.sort(generator.choice(len(labels), n_kept, replace=False))


def clusterings(views, k, seed):
    """Cluster labels of every method: {(view, method, setting): labels}."""
    found, voters = {}, []
    for name, view in views.items():
        voters.append(clustering.cluster(view, "kmeans", k, seed))
        found[name, "k-means", ""] = voters[-1]
        found[name, "k-means, one fewer", ""] = clustering.cluster(
            view, "kmeans", k - 1, seed
        )
        found[name, "Ward", ""] = clustering.cluster(view, "ward", k)
        start = clustering.chains(view)
        for n in NEIGHBOURS if name in SWEPT else (20,):
            weights, setting = clustering.affinity(view, n), f"{n} neighbours"
            found[name, "merging", setting] = clustering.merge_clusters(
                weights, start, k
            )
            network = clustering.TripletNetwork(view.shape[1], random_state=seed)
            found[name, "JULE", setting] = clustering.jule(
                view, k, network, n_neighbours=n, random_state=seed
            )[0]
        sweep = {f"{n} neighbours": {"n_neighbours": n} for n in PAIRS}
        sweep |= {f"beta {beta}": {"beta": beta} for beta in BETAS}
        for setting, options in sweep.items():
            if name in SWEPT or setting == "10 neighbours":
                found[name, "TEMI", setting] = clustering.temi(
                    view, k, random_state=seed, **options
                )
    found["all", "evidence accumulation", ""] = clustering.evidence_accumulation(
        voters, k
    )
    learnt = clustering.mvnet(list(views.values()), k, random_state=seed)
    found["all", "MVnet-fix", ""] = learnt["fixed"]
    found["all", "MVnet", ""] = learnt["tuned"]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", default=["stamps", "photos", "caltech101"])
    parser.add_argument("--draws", type=int, help="default: 20, of Caltech-101 10")
    parser.add_argument("--folder", help="the folder of Caltech-101")
    options = parser.parse_args()
    rows, today = [], datetime.date.today().isoformat()
    for name in options.sets:
        labels = image_set(name, options.folder).true_labels
        for draw in range(options.draws or (10 if name == "caltech101" else 20)):
            started = time.perf_counter()
            kept = drawn(labels, name, draw)
            views = {
                view: clustering.prepare(
                    vectors(name, view, options.folder)[kept], "l2+pca50+kmeans"
                )
                for view in VIEWS
            }
            truth = labels[kept]
            found = clusterings(views, len(np.unique(truth)), draw)
            for (view, method, setting), clusters in found.items():
                both = {"labels_true": truth, "labels_pred": clusters}
                row = {"image_set": name, "draw": draw, "view": view}
                row |= {"method": method, "setting": setting}
                row["nmi"] = round(metrics.nmi(**both), 4)
                row["ami"] = round(adjusted_mutual_info_score(truth, clusters), 4)
                rows.append(row | {"clusters": len(np.unique(clusters)), "date": today})
            print(name, draw, f"{time.perf_counter() - started:.0f} s", flush=True)
        table = pd.DataFrame(rows)
        if OUT.exists():  # other sets are kept
            old = pd.read_csv(OUT, keep_default_na=False)
            table = pd.concat([old[~old["image_set"].isin(options.sets)], table])
        table.to_csv(OUT, index=False)
    order = ["image_set", "view", "method", "setting"]
    print(table.groupby(order, sort=False)["nmi"].agg(["mean", "std"]).round(3))


if __name__ == "__main__":
    main()
