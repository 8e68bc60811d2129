"""Does learning to cluster pay on Caltech-101? Prints a table; asserts nothing.

    python tests/benchmarks/learning.py --folder CALTECH101 [--seeds 5] [--classes 10]

A slice of Caltech-101: of its classes with enough pictures (without the background) ten
are drawn, and of each 40 pictures, once and by a fixed seed. Three views of the bundled
networks, after l2 and 50 principal components; then, for each seed, k-means, merging
without learning and Ward (which have no seed), evidence accumulation of k-means on the
views, JULE on each view, MVnet-fix and MVnet. Purity, NMI and Fowlkes-Mallows, mean ±
standard deviation over the seeds. The true labels choose the slice and k, and score.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

VIEWS = ("EfficientNetLite0", "EfficientNetLite0:block6", "SqueezeNet")
SCORES = ("purity", "nmi", "fowlkes_mallows")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", help="the folder of Caltech-101")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--pictures", type=int, default=40, help="of each class")
    options = parser.parse_args()

    from course_utils import metrics
    from course_utils.clustering import algorithms
    from course_utils.images import datasets
    from course_utils.representations import extraction

    everything = datasets.load(
        "caltech101-objects", folder=options.folder, progress=False
    )
    chosen = a_slice(everything.true_labels, options.classes, options.pictures)
    image_set = everything.subset(chosen)
    true_labels = np.unique(image_set.true_labels, return_inverse=True)[1]
    names = sorted({everything.class_names[everything.true_labels[i]] for i in chosen})
    print(f"{len(image_set)} pictures: {', '.join(names)}", flush=True)
    views = [
        algorithms.prepare(
            extraction.extract(image_set, name, progress=False), "l2+pca50+kmeans"
        )
        for name in VIEWS
    ]
    found, started = {}, time.perf_counter()
    for seed in range(options.seeds):
        for method, labels in partitions(views, options.classes, seed).items():
            scores = metrics.scores(
                labels_true=true_labels, labels_pred=labels, names=SCORES
            )
            found.setdefault(method, []).append([scores[name] for name in SCORES])
        print(f"seed {seed}: {time.perf_counter() - started:.0f} s", flush=True)
    chance = metrics.chance_scores(
        labels_true=true_labels, labels_pred=np.arange(len(chosen)) % options.classes
    )
    print(f"{'':34}{'purity':>14}{'NMI':>14}{'FM':>14}")
    for method, rows in found.items():
        means, spreads = np.mean(rows, axis=0), np.std(rows, axis=0)
        cells = [f"{m:.3f} ± {s:.3f}" for m, s in zip(means, spreads, strict=True)]
        print(f"{method:34}" + "".join(f"{cell:>14}" for cell in cells))
    print(f"{'chance':34}" + "".join(f"{chance[name]:>14.3f}" for name in SCORES))


def a_slice(true_labels, n_classes, n_each):
    """Places of n_each pictures of each of n_classes classes, always the same."""
    generator = np.random.default_rng(0)
    classes, counts = np.unique(true_labels, return_counts=True)
    drawn = generator.choice(classes[counts >= n_each], n_classes, replace=False)
    return np.sort(
        np.concatenate(
            [
                generator.choice(np.flatnonzero(true_labels == c), n_each, False)
                for c in np.sort(drawn)
            ]
        )
    )


def partitions(views, k, seed):
    """Cluster labels of every method for one seed."""
    from course_utils.clustering import algorithms, ensembles, joint_learning, multiview

    voters = []
    found = {}
    for name, view in zip(VIEWS, views, strict=True):
        voters.append(algorithms.cluster(view, "kmeans", k, seed))
        found[f"k-means, {name}"] = voters[-1]
    for name, view in zip(VIEWS, views, strict=True):
        found[f"Ward, {name}"] = algorithms.cluster(view, "ward", k)
    for name, view in zip(VIEWS, views, strict=True):
        weights = joint_learning.affinity(view)
        found[f"merging, {name}"] = joint_learning.merge_clusters(
            weights, joint_learning.chains(view), k
        )
    found["evidence accumulation"] = ensembles.evidence_accumulation(voters, k)
    learnt = multiview.mvnet(views, k, random_state=seed)
    for name, labels in zip(VIEWS, learnt["views"], strict=True):
        found[f"JULE, {name}"] = labels
    found["MVnet-fix"] = learnt["fixed"]
    found["MVnet"] = learnt["tuned"]
    return found


if __name__ == "__main__":
    main()
