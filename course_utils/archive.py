"""An archive: the command that extracts, clusters and scores very many pictures.

Everything lies under one folder or fsspec address:

    part-000000-….parquet, …     names, labels and features, one file a part
    problems.csv                 what was left out, and why
    ALGORITHM-k100-s0/           cluster labels, one file a part
    ALGORITHM-k100-s0.json       how many pictures in each cluster, and the scores
"""

import json

import numpy as np

from course_utils import blocks, features, imagesets, partitioned, streams


def run(options):
    """Do what `python -m course_utils extract` is asked for."""
    features.parse(options.representation)
    if options.k:
        blocks.check(options.algorithm)  # before hours of work
    stream = streams.open(options.source, part_size=options.part_size)
    found = features.extract(
        stream,
        options.representation,
        to=options.to,
        engine=options.engine,
        batch_size=options.batch_size,
    )
    problems = found.problems
    found.folder.write("problems.csv", problems.to_csv(index=False).encode())
    pairs = list(problems.itertuples(index=False))
    print(found, *imagesets.left_out(pairs, ", see problems.csv"), sep="\n")
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
