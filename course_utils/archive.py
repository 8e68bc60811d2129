"""An archive: the command that extracts, clusters and scores very many pictures.

Everything lies under one folder or fsspec address:

    part-000000-….parquet, …     names, labels and features, one file a part
    problems.csv                 what was left out, and why
    ALGORITHM-k100-s0/           cluster labels, one file a part
    ALGORITHM-k100-s0.json       how many pictures in each cluster, and the scores
"""

import json

import numpy as np

from course_utils import blocks, features, partitioned, steps, streams


def run(options):
    """Do what `python -m course_utils extract` is asked for."""
    features.parse(options.representation)
    if options.k:
        _check(options.algorithm)
    stream = streams.open(options.source, part_size=options.part_size)
    found = features.extract(
        stream,
        options.representation,
        to=options.to,
        engine=options.engine,
        batch_size=options.batch_size,
    )
    print(found)
    _report_problems(found)
    if options.k:
        name = f"{options.algorithm}-k{options.k}-s{options.seed}"
        about = cluster(
            found,
            options.algorithm,
            options.k,
            seed=options.seed,
            engine=options.engine,
            to=f"{found.folder.address}/{name}",
        )
        found.folder.write(f"{name}.json", json.dumps(about, indent=1).encode())
        for score, value in about["scores"].items():
            print(f"{score:16} {value:.3f}")
    print(f"Everything is in {found.folder.address}")


def cluster(found, algorithm, k, *, seed=0, engine=None, to=None):
    """Cluster the pictures of a `FeatureParts`; labels go to the folder `to`.

    Returns: dict with the number of pictures, the size of every cluster, and the scores
    of the pictures that have a true label (none if none has).
    """
    model = blocks.fit(found, algorithm, k, seed=seed)
    labelled = partitioned.label(found, model, to=to, engine=engine)
    sizes = np.bincount(labelled.cluster_labels, minlength=k)
    return {
        "algorithm": algorithm,
        "k": k,
        "seed": seed,
        "representation": found.representation,
        "n_images": found.n_images,
        "n_labelled": 0 if labelled.table is None else int(labelled.table.sum().sum()),
        "scores": {} if labelled.table is None else labelled.scores,
        "sizes": sizes.tolist(),
    }


def _check(algorithm):
    """Refuse before hours of work what will not go by parts."""
    _, name = steps.parse(algorithm)
    if name not in blocks.PASSES:
        raise ValueError(
            f"{algorithm} wants all features at once: for parts there are "
            f"{' and '.join(blocks.PASSES)}, like l2+pca50+minibatch."
        )


def _report_problems(found):
    """problems.csv, with every picture that was left out; the first ones are shown."""
    problems = found.problems
    table = problems.to_csv(index=False)
    found.folder.write("problems.csv", table.encode())
    for image, reason in problems.head(10).itertuples(index=False):
        print(f"left out: {image}: {reason}")
    if len(problems) > 10:
        print(f"… and {len(problems) - 10:,} more, see problems.csv")
