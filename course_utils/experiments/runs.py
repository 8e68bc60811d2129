"""Experiments: representation × algorithm × seed on one image set, as a table.

A run is named `representation/algorithm/k7/s0`. With an output folder, every finished
run is written to `runs.jsonl` at once, and an interrupted experiment continues where it
stopped.
"""

import contextlib
import functools
import importlib.metadata
import json
import platform
import time
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from course_utils import clustering, metrics
from course_utils._support import files
from course_utils._support.threads import threads_for
from course_utils.clustering import preprocessing, validation
from course_utils.representations import extraction
from course_utils.representations.backbones import WeightsUnavailable

COLUMNS = (
    "run",
    "image_set",
    "representation",
    "algorithm",
    "k",
    "seed",
    "n_images",
    *metrics.SCORES,
    "silhouette",
    "seconds",
)

# The names of what `run` and `report.write` leave in a folder
WRITTEN = (
    r"runs\.jsonl|(results|labels|problems)\.csv|about\.json|scores\.png|"
    r"gallery-.*\.jpg|report\.html"
)
SIGN = r"runs\.jsonl|results\.csv|report\.html"  # those of no other command

PACKAGES = (
    "keras",
    "tensorflow",
    "numpy",
    "scikit-learn",
    "openvino",
    "opencv-python-headless",
    "pillow",
)


def run(
    image_set,
    representations,
    algorithms=("l2+kmeans",),
    *,
    k=None,
    seeds=5,
    out=None,
    progress=True,
):
    """Cluster every representation with every algorithm and seed, and score each run.

    Parameters
    ----------
    image_set : ImageSet
        The images.
    representations : str or sequence of str
        Names such as `"hog"` or `"VGG19:fc2"`, see `representations.extract`.
    algorithms : str or sequence of str, default=("l2+kmeans",)
        Names, see `clustering.pipeline`.
    k : int, default=None
        Number of clusters; None takes the number of classes.
    seeds : int or sequence of int, default=5
        How many (0, 1, …), or which; a deterministic algorithm runs once, as seed 0.
    out : path, default=None
        Folder for runs.jsonl, from which an interrupted experiment is continued: new,
        empty, or of an earlier experiment.
    progress : bool, default=True
        Whether to show a progress bar.

    Returns
    -------
    results : DataFrame
        One row per run: `COLUMNS`, then n_clusters, n_noise (images without a cluster)
        and versions. Scores are NaN without true labels. `results.attrs["skipped"]` has
        {representation: reason} of those that were not available.
    labels : dict of {str: int array (n_images,)}
        The cluster labels of each run.

    Raises
    ------
    ValueError
        Before any work, if a name is unknown, k is impossible, or `out` holds other
        files.

    See Also
    --------
    summary : Means over the seeds.
    """
    representations, algorithms = check_names(representations, algorithms)
    k = choose_k(image_set, k)
    seeds = _seeds(seeds)
    journal = _Journal(out, image_set)
    rows, labels, skipped = [], {}, {}
    shared = extraction.Comparison(image_set, representations)
    bar = tqdm(representations, unit="", leave=False, disable=not progress)
    for representation in bar:
        bar.set_description(representation)
        try:
            vectors = shared.extract(representation, progress)
        except (WeightsUnavailable, ValueError) as error:
            skipped[representation] = str(error)
            bar.write(f"skipped: {error}")
            continue
        key = files.array_digest(vectors)
        for algorithm in algorithms:
            seeded, space = clustering.is_seeded(algorithm), None
            for seed in seeds if seeded else [0]:
                name = f"{representation}/{algorithm}/k{k}/s{seed}"
                row, found = journal.get(name, key) or (None, None)
                if row is None:
                    try:
                        space = _space(vectors, algorithm, seed, space)
                        row, found = _one(image_set, vectors, algorithm, k, seed, space)
                    except MemoryError as error:
                        skipped[f"{representation}/{algorithm}"] = str(error)
                        bar.write(f"skipped: {error}")
                        break
                    row = {
                        "run": name,
                        "image_set": image_set.name,
                        "representation": representation,
                        **row,
                    }
                    journal.add(name, key, row, found)
                rows.append(row)
                labels[name] = np.asarray(found)
    results = pd.DataFrame(
        rows, columns=[*COLUMNS, "n_clusters", "n_noise", "versions"]
    )
    results.attrs["skipped"] = skipped
    return results, labels


def summary(results):
    """Summarise the seeds of each representation and algorithm.

    Parameters
    ----------
    results : DataFrame
        As `run` returns it.

    Returns
    -------
    DataFrame
        One row per representation and algorithm: the mean of each score and, in a
        column ending in `_std`, the standard deviation over the seeds. Sorted by NMI,
        best last; by silhouette without true labels.

    See Also
    --------
    readable : The same as text.

    Examples
    --------
    >>> scores = dict.fromkeys((*metrics.SCORES, "silhouette"), [0.5, 0.7])
    >>> names = {"representation": "raw", "algorithm": "kmeans"}
    >>> summary(pd.DataFrame(names | scores))["nmi"].round(2).tolist()
    [0.6]
    """
    scores = [*metrics.SCORES, "silhouette"]
    grouped = results.groupby(["representation", "algorithm"], sort=False)[scores]
    table = grouped.mean().join(grouped.std(ddof=0).add_suffix("_std"))
    key = "nmi" if results["nmi"].notna().any() else "silhouette"
    return table.sort_values(key, kind="stable").reset_index()


def check_names(representations, algorithms):
    """Both as lists without repeats; raises ValueError if one is not known.

    Capitals do not matter, except in the names of layers.
    """
    representations = _names(map(extraction.spelled, _names(representations)))
    algorithms = _names(name.strip().lower() for name in _names(algorithms))
    for representation in representations:
        extraction.parse(representation)
    for algorithm in algorithms:
        clustering.parse_algorithm(algorithm)
    return representations, algorithms


def choose(image_set, representations, algorithms=("l2+kmeans",), *, k=None):
    """Propose a number of clusters and a representation, without true labels.

    Parameters
    ----------
    image_set : ImageSet
    representations, algorithms : str or sequence of str
        As for `run`. Algorithms that find their own number of clusters are left out,
        and representations that are not available.
    k : int, default=None
        The number of clusters, if only the representation is to be chosen.

    Returns
    -------
    clustering.Choice

    Raises
    ------
    ValueError
        If nothing is left to choose from.

    See Also
    --------
    clustering.choose : Says by which means.

    Examples
    --------
    >>> from course_utils.images import load
    >>> some = load("stamps", progress=False).subset(range(60))
    >>> choose(some, ["colour", "lbp"], k=4).n_clusters
    4
    """
    representations, algorithms = check_names(representations, algorithms)
    fixed = [
        name
        for name in algorithms
        if clustering.parse_algorithm(name)[1] not in clustering.FIND_K
    ]
    found, skipped = {}, {}
    shared = extraction.Comparison(image_set, representations)
    for representation in representations:
        try:
            found[representation] = shared.extract(representation, True)
        except (WeightsUnavailable, ValueError) as error:
            skipped[representation] = str(error)
    if not found:
        reasons = "; ".join(skipped.values())
        raise ValueError(f"No representation was available to choose by: {reasons}")
    return clustering.choose(found, fixed or ["l2+kmeans"], k and [k])


def choose_k(image_set, k=None):
    """k if given, else the number of classes; ValueError if that is impossible."""
    if k is None:
        if image_set.true_labels is None:
            raise ValueError(
                f"{image_set.name} has no true labels, so choose the number of "
                "clusters: k=10 (on the command line --k 10)."
            )
        k = len(image_set.class_names)
    validation.check_n_clusters(k, len(image_set))
    return int(k)


@functools.cache
def versions():
    """Versions of Python and of the packages that results depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def _space(vectors, algorithm, seed, before):
    """Where the silhouette is measured; before: the space of another seed, or None."""
    steps, _ = preprocessing.parse_algorithm(algorithm)
    if before is not None and not preprocessing.is_random(steps):
        return before
    return preprocessing.rotate(clustering.prepare(vectors, algorithm, seed))


def _one(image_set, vectors, algorithm, k, seed, space):
    started = time.perf_counter()
    found = clustering.cluster(vectors, algorithm, k, seed)
    seconds = time.perf_counter() - started
    if image_set.true_labels is None:
        scores = dict.fromkeys(metrics.SCORES, float("nan"))
    else:
        scores = metrics.scores(labels_true=image_set.true_labels, labels_pred=found)
    with threads_for(space):
        silhouette = metrics.silhouette(space, found)
    row = {
        "algorithm": algorithm,
        "k": k,
        "seed": seed,
        "n_images": len(image_set),
        **scores,
        "silhouette": silhouette,
        "seconds": round(seconds, 4),
        "n_clusters": len(set(found.tolist()) - {-1}),
        "n_noise": int((found == -1).sum()),
        "versions": json.dumps(versions()),
    }
    return row, found


def _seeds(seeds):
    """A list of distinct seeds, from how many or from a list."""
    one_number = isinstance(seeds, int | np.integer)
    found = [int(seed) for seed in (range(seeds) if one_number else seeds)]
    found = list(dict.fromkeys(found))
    if not found or min(found) < 0:
        raise ValueError(f"seeds={seeds}: give at least one, each 0 or more.")
    return found


def _names(names):
    """A list of distinct names, from one string or several."""
    names = [names] if isinstance(names, str) else list(names)
    if not names:
        raise ValueError("Nothing to compare: name a representation and an algorithm.")
    return list(dict.fromkeys(names))


def check_out(out):
    """Check that the results of a comparison may be written to a folder.

    Parameters
    ----------
    out : path

    Raises
    ------
    ValueError
        If it holds other files than those of an earlier comparison.
    """
    files.check_folder(out, WRITTEN, SIGN, _is_comparison)


def claim_out(out):
    """The same, and list what an earlier version of the course wrote there."""
    files.claim_folder(out, WRITTEN, SIGN, _is_comparison)


def _is_comparison(folder):
    """Whether a folder without a list of files is what an earlier version wrote.

    A journal alone may hold anything: it is gone on with, and never overwritten.
    """
    try:
        names = {path.name for path in folder.iterdir()}
        if {name for name in names if not files.is_clutter(name)} == {"runs.jsonl"}:
            return True
        with open(folder / "runs.jsonl", encoding="utf-8", errors="replace") as file:
            if not any(_is_entry(line) for line in file):
                return False
        labels = folder / "labels.csv"
        if not labels.exists():
            return True
        with open(labels, encoding="utf-8") as file:
            return file.readline().startswith("image,true_label,")
    except (OSError, ValueError):
        return False


def _is_entry(line):
    try:
        return {"key", "row", "labels"} <= json.loads(line).keys()
    except (ValueError, AttributeError):
        return False


class _Journal:
    """Finished runs on disk, one JSON line each, so that none is computed twice.

    A run counts only for the same images, true labels, features and versions.
    """

    def __init__(self, out, image_set):
        self.path = Path(out, "runs.jsonl") if out else None
        if out:
            claim_out(out)
            files.claim(out, [self.path.name])
        self.about = [image_set.fingerprint, image_set.true_names, versions()]
        self.about = files.digest(json.dumps(self.about, sort_keys=True))
        self.runs = {}
        for entry in files.journal(self.path) if self.path else ():
            with contextlib.suppress(KeyError, TypeError):
                self.runs[tuple(entry["key"])] = entry["row"], entry["labels"]

    def get(self, name, features_digest):
        return self.runs.get((self.about, features_digest, name))

    def add(self, name, features_digest, row, labels):
        if self.path:
            key = (self.about, features_digest, name)
            entry = {"key": key, "row": row, "labels": labels.tolist()}
            files.note(self.path, entry)
