"""Measurements kept with the course: how criteria choose, and what networks score.

A machine with a network keeps the runs of the ten networks and of the modern ones in
`solutions/reference/ten.csv` and `modern.csv`, see `tests/benchmarks/networks.py`.
Where a file is missing, published scores are shown, which are of other images.
"""

import json
from pathlib import Path

import pandas as pd

from course_utils.experiments.runs import COLUMNS
from course_utils.representations.backbones import MODERN, TEN

REFERENCE = Path(__file__).resolve().parents[2] / "solutions" / "reference"
GROUPS = {"ten": TEN, "modern": MODERN}
ABOUT = "date", "versions", "weights"  # columns after those of results.csv

PUBLISHED = {  # NMI, one number per network
    "ten": pd.DataFrame(
        {
            ("VOC2007", "k-means"): (0.673, 0.661, 0.603, 0.687, 0.680),
            ("VOC2007", "agglomerative"): (0.651, 0.650, 0.692, 0.719, 0.656),
            ("COIL100", "k-means"): (0.945, 0.939, 0.928, 0.938, 0.957),
            ("COIL100", "agglomerative"): (0.956, 0.948, 0.953, 0.955, 0.967),
            ("Flowers17", "k-means"): (0.688, 0.652, 0.650, 0.674, 0.684),
            ("Flowers17", "agglomerative"): (0.644, 0.646, 0.677, 0.670, 0.708),
            ("UMist", "k-means"): (0.669, 0.700, 0.698, 0.683, 0.658),
            ("UMist", "agglomerative"): (0.689, 0.740, 0.760, 0.731, 0.717),
        },
        index=["VGG16", "VGG19", "InceptionV3", "Xception", "ResNet50"],
    ),
    "modern": pd.DataFrame(
        {
            ("CIFAR-10", "k-means"): (0.792, 0.826, 0.738, 0.761),
            ("ImageNet-10", "k-means"): (0.912, 0.939, 0.931, 0.926),
            ("ImageNet-Dogs", "k-means"): (0.873, 0.857, 0.541, 0.782),
        },
        index=["DINOv2S", "DINOv2B", "CLIPB32", "SigLIPB16"],
    ),
}
SOURCES = {
    "ten": "Published NMI, of other images than ours: J. Guérin, S. Thiery, E. Nyiri, "
    "O. Gibaru and B. Boots, Neurocomputing 2021, arXiv:2101.02767.",
    "modern": "Published NMI, of other images than ours: MTEB 1.14.15, "
    "github.com/embeddings-benchmark/results, described by C. Xiao et al., "
    "arXiv:2504.10471.",
}


def network_scores(group="ten", path=None, *, published=False):
    """Give the NMI of networks: measured if somebody has, else as published.

    Parameters
    ----------
    group : {"ten", "modern"}
        The ten networks of the tutorial, or `representations.MODERN`.
    path : path, optional
        The measured runs, a UTF-8 CSV file with a header and one row per run: the
        columns of the `results.csv` that `python -m course_utils compare` writes
        (`COLUMNS`), then `date`, the day of the run like 2026-11-28, `versions`, those
        of Python and the packages as JSON like ``{"keras": "3.12.0"}``, and `weights`,
        the SHA-256 of the network's weights. It may hold runs of several image sets and
        algorithms. By default the course's own file, if there is one.
    published : bool, default=False
        Give the published scores even if there are measured ones.

    Returns
    -------
    table : DataFrame
        One row per network, one column per image set and algorithm: the NMI, the mean
        over the seeds where it was measured.
    source : str
        Where the numbers are from, in a sentence; of measured ones the dates and the
        versions.

    Raises
    ------
    ValueError
        For another group, or if the file has other columns, other networks, a date or
        versions that cannot be read, or an NMI that is not between 0 and 1.

    References
    ----------
    Guérin, Thiery, Nyiri, Gibaru and Boots (2021), Combining pretrained CNN feature
    extractors to enhance clustering of complex natural images, Neurocomputing,
    arXiv:2101.02767.

    Xiao et al. (2025), MIEB: Massive Image Embedding Benchmark, arXiv:2504.10471.

    Examples
    --------
    >>> table, source = network_scores("ten", "no/such/file.csv")
    >>> float(table.loc["ResNet50", ("COIL100", "k-means")])
    0.957
    """
    if group not in GROUPS:
        raise ValueError(f"group must be one of {', '.join(GROUPS)}, got {group!r}.")
    path = REFERENCE / f"{group}.csv" if path is None else Path(path)
    if path.exists() and not published:
        return _measured(path, GROUPS[group])
    return PUBLISHED[group].copy(), SOURCES[group]


def _measured(path, networks):
    try:
        runs = pd.read_csv(path, encoding="utf-8")
        missing = [name for name in (*COLUMNS, *ABOUT) if name not in runs]
        if missing:
            raise ValueError(f"it lacks the columns {', '.join(missing)}")
        if runs.empty:
            raise ValueError("it has no rows")
        strange = sorted(set(runs["representation"].astype(str)) - set(networks))
        if strange:
            raise ValueError(f"{', '.join(strange)} are not among these networks")
        if not runs["nmi"].between(0, 1).all():
            raise ValueError("an NMI is not between 0 and 1")
        if runs["date"].isna().any():
            raise ValueError("a run has no date")
        days = pd.to_datetime(runs["date"], format="%Y-%m-%d").dt.date
        versions = [json.loads(text) for text in sorted(set(runs["versions"]))]
        listed = sorted({f"{k} {v}" for found in versions for k, v in found.items()})
    except (AttributeError, TypeError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"{path} holds no results of networks: {error}.") from error
    table = runs.pivot_table(
        index="representation", columns=["image_set", "algorithm"], values="nmi"
    ).rename_axis(index=None, columns=[None, None])
    last = f" to {days.max()}" if days.max() > days.min() else ""
    source = f"Mean NMI, measured {days.min()}{last} with {', '.join(listed)}."
    return table, source


def reference_table(name):
    """Read a table of measurements that take too long for a notebook.

    Parameters
    ----------
    name : {"choosing", "learning"}
        `choosing` is written by `tests/benchmarks/choosing.py`: how well criteria
        without labels choose, one row per draw, question and criterion. `learning` is
        written by `tests/benchmarks/learning.py`: how well methods that learn to
        cluster do, one row per draw, view, method and setting.

    Returns
    -------
    DataFrame

    Raises
    ------
    FileNotFoundError
        If it is not there.

    Examples
    --------
    >>> sorted(set(reference_table("choosing")["question"]))
    ['algorithm', 'k', 'layer', 'representation']
    """
    path = REFERENCE / f"{name}.csv"
    if not path.exists():
        raise FileNotFoundError(
            f"{path} is missing: get the whole course, with its folder solutions."
        )
    return pd.read_csv(path, encoding="utf-8")
