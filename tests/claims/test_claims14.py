"""What lesson 14 claims: decoding at a scale, growth, indexes, parts, samples."""

import ast
import functools
import io
import tempfile
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
from ledger import claim
from PIL import Image
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.preprocessing import normalize
from small_sets import one_thread  # noqa: F401
from trials import SEEDS, SETS, image_set, subsamples, true_labels, vectors

from course_utils import clustering, experiments, images, metrics, representations

N_SYNTHETIC, N_CLASSES, N_NEIGHBOURS = 1000, 20, 10
SOLUTIONS = Path(__file__).resolve().parents[2] / "solutions"


def of_the_lesson(*names, **values):
    """Functions as defined in the master, with its imports and these global values."""
    (master,) = SOLUTIONS.glob("14_*.py")
    body = ast.parse(master.read_text(encoding="utf-8")).body
    imports = [x for x in body if isinstance(x, ast.Import | ast.ImportFrom)]
    functions = [x for x in body if getattr(x, "name", None) in names]
    scope = dict(values)
    module = ast.Module(imports + functions, type_ignores=[])
    exec(compile(module, master.name, "exec"), scope)
    return [scope[name] for name in names]


by_cells, recall, _, ward_on_graph = of_the_lesson(
    "by_cells", "recall", "graph_of", "ward_on_graph"
)


def nmi(labels_pred, labels_true):
    return metrics.nmi(labels_true=labels_true, labels_pred=labels_pred)


@functools.cache
def synthetic(seed, n=N_SYNTHETIC):
    """Features as in the lesson, (n, 64), and their classes; other ones per seed."""
    with tempfile.TemporaryDirectory() as folder:
        rows, labels = experiments.blobs(
            Path(folder, "x.npy"), n, width=64, n_classes=N_CLASSES, random_state=seed
        )
        return np.array(rows), labels


def real(name, kept):
    points = normalize(vectors(name, "EfficientNetLite0").astype(float)[kept])
    return points, true_labels(name)[kept]


def trials():
    """(points, labels): 20 draws of synthetic features, 20 parts of both image sets."""
    for seed in SEEDS:
        yield synthetic(seed)
    for name in SETS:
        for kept in subsamples(len(image_set(name))):
            yield real(name, kept)


def exact(points):
    return clustering.nearest_neighbours(points, N_NEIGHBOURS)[1]


def ward(points, n_clusters):
    return AgglomerativeClustering(n_clusters).fit_predict(points)


@functools.cache
def tiles(name):
    """Sixty images of a set, 200 x 150 pixels each."""
    source = image_set(name)
    pictures = [Image.open(io.BytesIO(source.read(i))) for i in range(60)]
    return [picture.convert("RGB").resize((200, 150)) for picture in pictures]


def decoded(data, reduced):
    """(seconds, image of 224 x 224) of a JPEG, at a scale or in full."""
    started = time.perf_counter()
    picture = Image.open(io.BytesIO(data))
    if reduced:
        picture.draft("RGB", (448, 448))
    small = picture.convert("RGB").resize((224, 224), Image.Resampling.BILINEAR)
    return time.perf_counter() - started, np.asarray(small, float)


@claim(
    "14.reduced",
    "A JPEG of 12 megapixels, decoded at a quarter of its scale, is made small in less "
    "than two thirds of the time, with pixels that differ by less than 3 of 255.",
)
def test_reduced(show):
    """Both ways to the same 224 x 224 pixels."""
    shares, apart = [], []
    for name in SETS:
        (mosaic,) = of_the_lesson("mosaic", tiles=tiles(name))
        for seed in range(10):
            data = mosaic(seed)
            full, small = decoded(data, False), decoded(data, True)
            shares.append(small[0] / full[0])
            apart.append(np.abs(small[1] - full[1]).mean())
    shares, apart = np.array(shares), np.array(apart)
    statistic = f"share of the time {shares.mean():.2f}, difference {apart.mean():.1f}"
    show(statistic, (shares < 2 / 3) & (apart < 3), "images")


@claim(
    "14.memory",
    "scikit-learn's Ward holds at least the distances of all pairs; on a graph of 10 "
    "neighbours, twice the images take at most 2.3 times the memory.",
)
def test_memory(show):
    """Memory as Python counts it, for images and for synthetic features."""
    all_pairs, doubled = [], []
    for name in SETS:
        for kept in subsamples(len(image_set(name)), 10):
            points, _ = real(name, kept[:100])
            peaks = {}
            for rows in (points, points[: len(points) // 2]):
                found, n = exact(rows), len(rows)
                peaks[n] = peak(ward_on_graph, rows, 5, found)
            all_pairs.append(peak(ward, points, 5) / (len(points) ** 2 / 2 * 8))
            doubled.append(max(peaks.values()) / min(peaks.values()))
    all_pairs, doubled = np.array(all_pairs), np.array(doubled)
    show(
        f"Ward / all pairs {all_pairs.min():.2f} or more; twice the images, on a "
        f"graph: {doubled.mean():.2f} times",
        (all_pairs > 0.99) & (doubled < 2.3),
        "subsamples",
    )


def peak(function, *arguments):
    """The most bytes that Python holds during a call."""
    tracemalloc.start()
    try:
        function(*arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@functools.cache
def wards():
    """NMI of Ward over all pairs, over a graph, over an index's graph: (60, 3)."""
    rows = []
    for points, labels in trials():
        k, n_cells = len(np.unique(labels)), 32 if len(points) > 500 else 8
        found, _ = by_cells(points, n_cells, n_cells // 4)
        labellings = (
            ward(points, k),
            ward_on_graph(points, k),
            ward_on_graph(points, k, found),
        )
        rows.append([nmi(x, labels) for x in labellings])
    return np.array(rows)


def show_gain(show, gain, limit, limit_on_stamps):
    """Hold the gains of 60 draws, 20 per kind of features, against their limits."""
    limits = np.repeat([limit, limit_on_stamps, limit], 20)
    sizes = ", ".join(f"{g.mean():+.3f}" for g in np.split(gain, 3))
    show(f"gain (synthetic, stamps, photos): {sizes}", np.abs(gain) < limits, "draws")


@claim(
    "14.graph",
    "Ward on a graph of 10 neighbours has an NMI within .05 of Ward over all pairs on "
    "synthetic features and the photos, within .08 on the stamps.",
)
def test_graph(show):
    """The same points and clusters for both."""
    show_gain(show, wards()[:, 1] - wards()[:, 0], 0.05, limit_on_stamps=0.08)


@claim(
    "14.downstream",
    "Ward on a graph from an approximate search of a quarter of the cells has an NMI "
    "within .05 of that on the exact graph on synthetic features and the photos, "
    "within .1 on the stamps.",
)
def test_downstream(show):
    """The same points and clusters for both."""
    show_gain(show, wards()[:, 2] - wards()[:, 1], 0.05, limit_on_stamps=0.1)


@claim(
    "14.recall",
    "With about an eighth of the comparisons, an index finds more than 85% of the true "
    "neighbours among synthetic features of 20 classes, and fewer than half among "
    "uniform noise.",
)
def test_recall(show):
    """The control: points of the same number and width without groups."""
    scores = {"features": [], "noise": []}
    shares = []
    for seed in SEEDS:
        points, _ = synthetic(seed, 2000)
        noise = np.random.default_rng(seed).random(points.shape)
        for name, rows in (("features", points), ("noise", noise)):
            found, share = by_cells(rows, 32, 4)
            scores[name].append(recall(found, exact(rows)))
            shares.append(share)
    features, noise = map(np.array, scores.values())
    statistic = (
        f"recall {features.mean():.2f}, noise {noise.mean():.2f}; share compared "
        f"{np.mean(shares):.2f}"
    )
    show(statistic, (features > 0.85) & (noise < 0.5), "draws")


@claim(
    "14.resume",
    "An extraction stopped after any number of parts and started again writes the "
    "same bytes as one that was never stopped, on both image sets.",
)
def test_resume(show):
    """Refuted by any byte of any part file."""
    same = []
    for name in SETS:
        with tempfile.TemporaryDirectory() as folder:
            folder, some = Path(folder), image_set(name).subset(range(48))
            images.write_shards(some, folder / "shards", per_shard=6)
            stream = images.open_stream(folder / "shards", name=name)
            extract = functools.partial(
                representations.extract, representation="raw", progress=False
            )
            whole = extract(stream, to=folder / "whole")
            generator = np.random.default_rng(0)
            for trial in range(10):
                to, n_parts = folder / str(trial), generator.integers(len(whole.names))
                stopped = replace(
                    stream, list_parts=functools.partial(interrupted, stream, n_parts)
                )
                try:
                    extract(stopped, to=to)
                except KeyboardInterrupt:
                    written = len(list(to.glob("part-*")))
                    assert written == n_parts
                extract(stream, to=to)
                same.append(
                    all(
                        (to / n).read_bytes() == (folder / "whole" / n).read_bytes()
                        for n in whole.names
                    )
                )
    show("all part files equal", same, "stops")


def interrupted(stream, n_parts):
    yield from list(stream.parts())[:n_parts]
    raise KeyboardInterrupt


@claim(
    "14.parts",
    "The scores of contingency tables, added up over random parts, are those of all "
    "images; the mean purity of the parts, weighted by size, is never below theirs.",
)
def test_parts(show):
    """Random parts of unequal size; labels are those of k-means on colour."""
    holds, gaps = [], []
    for name in SETS:
        labels, k = true_labels(name), len(image_set(name).class_names)
        found = clustering.cluster(vectors(name, "colour"), "kmeans", k)
        whole = metrics.scores(labels_true=labels, labels_pred=found)
        for seed in SEEDS:
            part_of = np.random.default_rng(seed).choice(
                4, len(labels), p=[0.1, 0.2, 0.3, 0.4]
            )
            both = [
                {
                    "labels_true": labels[part_of == p],
                    "labels_pred": found[part_of == p],
                }
                for p in range(4)
            ]
            table = metrics.merge_tables([metrics.named_table(**pair) for pair in both])
            merged = metrics.scores_of_table(table)
            sizes = np.bincount(part_of, minlength=4)
            mean = np.average([metrics.purity(**pair) for pair in both], weights=sizes)
            gaps.append(mean - whole["purity"])
            equal = all(abs(merged[s] - whole[s]) < 1e-12 for s in whole)
            holds.append(equal and gaps[-1] > -1e-12)
    n_above = int((np.array(gaps) > 1e-12).sum())
    statistic = f"scores equal; mean purity {np.mean(gaps):+.3f}, higher in {n_above}"
    show(statistic, holds, "splits")


@claim(
    "14.sample",
    "The purity p of 1,000 random images of 16,000 is within two standard errors, "
    "2 √(p (1 − p) / 1000), of the purity of all, and on average a little above it; of "
    "1,000 images of half of the classes it seldom is.",
    at_least=0.85,
)
def test_sample(show):
    """Synthetic images and k-means, two samples per draw; the control is biased."""
    errors, holds, biased = [], [], []
    for seed in SEEDS:
        points, labels = synthetic(seed, 16_000)
        model = KMeans(N_CLASSES, n_init=1, random_state=0).fit(points[:4000])
        found, generator = model.predict(points), np.random.default_rng(seed)
        whole = metrics.purity(labels_true=labels, labels_pred=found)
        half = np.flatnonzero(labels < N_CLASSES // 2)
        for among in (len(labels), len(labels), half):
            kept = generator.choice(among, 1000, replace=False)
            p = metrics.purity(labels_true=labels[kept], labels_pred=found[kept])
            width = 2 * np.sqrt(p * (1 - p) / 1000)
            if among is half:
                biased.append(abs(p - whole) < width)
            else:
                errors.append(p - whole)
                holds.append(abs(p - whole) < width)
    assert np.mean(biased) < 0.5 and np.mean(errors) > 0
    show(
        f"error {np.mean(errors):+.3f} ± {np.std(errors):.3f}, two standard errors "
        f"{width:.3f}; of the biased samples {np.mean(biased):.0%} are within",
        holds,
        "samples",
    )
