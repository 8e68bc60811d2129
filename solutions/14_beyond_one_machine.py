# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 14 · Beyond one machine
#
# Everything in this course took seconds, for 193 stamps. What does it take for a
# million photographs? Here you find out where the time goes, how fast time and memory
# grow, and what runs out first. Then worker processes share an archive, and you kill
# one of them.
#
# **You will be able to**
#
# - profile the path from a file to its features, and say what a faster part would gain,
# - measure how time and memory grow, and distinguish a method from one program for it,
# - save most of the work of a neighbour search and lose few neighbours,
# - pack images into shards, resume an extraction, and share it among workers,
# - plan machines, hours and storage, and say when one machine is enough.
#
# **You need** the contingency table and purity (lesson 2), features of a network
# (lesson 5), k-means and Ward (lessons 1 and 6).
#
# **Reading** 25 minutes, the exercises as much again · **run time** about a minute on a
# CPU, about the same on a GPU.
# `checks.hint("14.2")` gives a hint for exercise 14.2, also before you try it.

# %% tags=["setup"]
import collections
import dataclasses
import io
import logging
import math
import os
import tarfile
import tempfile
import time
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image
from scipy import sparse
from sklearn.cluster import AgglomerativeClustering, KMeans

from course_utils import images, representations, clustering, metrics, experiments
from course_utils import plots

folder = Path(tempfile.mkdtemp())  # everything that this notebook writes
warnings.filterwarnings("ignore", message="the number of connected components")

# %% [markdown]
# ## 1 · Profile first
#
# There are four **stages** from a file to its features: *read* the bytes, *decode* them
# into pixels, *resize* these to 224 × 224, run the *network*. To **profile** is to
# measure each stage before you try to make one faster. We compare a stamp, a bundled
# photo and a JPEG of 12 megapixels, the size of a phone photo, tiled from 400 small
# photos.

# %%
stamps, photos = (images.load(name, progress=False) for name in ("stamps", "photos"))
tiles = [
    Image.fromarray(photos.picture(i)).resize((200, 150)) for i in range(len(photos))
]


def mosaic(seed):
    """The bytes of a JPEG of 4000 × 3000 pixels, tiled from photos."""
    whole, drawn = Image.new("RGB", (4000, 3000)), np.random.default_rng(seed)
    for place, tile in enumerate(drawn.integers(len(tiles), size=400)):
        whole.paste(tiles[tile], (place % 20 * 200, place // 20 * 150))
    file = io.BytesIO()
    whole.save(file, "jpeg", quality=85)
    return file.getvalue()


KINDS = {"stamp": stamps.read(0), "photo": photos.read(0), "12 megapixels": mosaic(0)}
for kind, data in KINDS.items():
    (folder / f"{kind}.jpg").write_bytes(data)
    width, height = Image.open(io.BytesIO(data)).size
    print(f"{kind}: {width} × {height} pixels, {len(data) / 1000:,.0f} kB")

# %% [markdown]
# A JPEG can be decoded at 1/2, 1/4 or 1/8 of its **scale**, straight from its
# compressed form. In Pillow, `draft` asks for it.
#
# **Predict first.** Decoded in full, which stage takes longest for the 12 megapixels?

# %%
prediction = None  # "read", "decode", "resize" or "network"

# %%
STAGES = "read", "decode", "resize", "network"
network, side = representations.load_network("SqueezeNet")


def profile(path, at_a_scale=False):
    """Milliseconds of each stage, for one image file."""
    clock = [time.perf_counter()]
    data = path.read_bytes()
    clock.append(time.perf_counter())
    picture = Image.open(io.BytesIO(data))
    if at_a_scale:
        picture.draft("RGB", (2 * side, 2 * side))
    picture = picture.convert("RGB")
    clock.append(time.perf_counter())
    small = picture.resize((side, side), Image.Resampling.BILINEAR)
    clock.append(time.perf_counter())
    network(np.stack([small] * 8))  # it works on eight images at a time
    clock.append(clock[-1] + (time.perf_counter() - clock[-1]) / 8)
    return dict(zip(STAGES, 1000 * np.diff(clock), strict=True))


# %%
CASES = {kind: (kind, False) for kind in KINDS}
CASES["12 megapixels at scale 1/4"] = "12 megapixels", True
runs = {case: [] for case in CASES}
for _ in range(7):
    for case, (kind, at_a_scale) in CASES.items():
        runs[case].append(profile(folder / f"{kind}.jpg", at_a_scale))
profiles = pd.DataFrame(
    {case: pd.DataFrame(found).median() for case, found in runs.items()}
).T
lessons.reveal(prediction, profiles.loc["12 megapixels"].idxmax(), "the longest stage")
profiles.assign(total=profiles.sum(axis=1)).round(2)

# %% tags=["drawing"]
# @title Draw the milliseconds of each stage
figure, panel = plt.subplots(figsize=(9, 2.8), layout="constrained")
left = np.zeros(len(profiles))
for stage, colour, hatch in zip(STAGES, plots.PALETTE, ("", "//", "..", "xx")):
    values = profiles[stage].to_numpy()
    style = {"color": colour, "hatch": hatch, "edgecolor": "white", "label": stage}
    panel.barh(profiles.index, values, left=left, **style)
    left += values
for place, total in enumerate(left):
    panel.text(total, place, f" {total:.0f}", va="center")
panel.invert_yaxis()
panel.set(
    xlabel="milliseconds per image (medians of seven)", xlim=(0, 1.08 * max(left))
)
panel.legend(frameon=False, loc="upper right")
told = [f"{name} {total:.0f} ms" for name, total in zip(profiles.index, left)]
plots.show(
    f"Milliseconds per image: {', '.join(told)}. Decoding leads in the last two."
)

# %% [markdown]
# On our machine the network takes most of the time for the two small kinds, decoding
# and resizing for the 12 megapixels. (The network uses all cores, the other stages
# one.) At a quarter of the scale, as in `extract`, decoding and resizing take less than
# two thirds of the time, and the 224 × 224 pixels hardly differ.
# <!-- claim 14.reduced --> *Read* is short, as the file is on this machine: over a
# connection of 1 Gbit/s, 3 MB take 24 ms.
#
# ### Exercise 14.1 · What would a faster stage buy? (medium)
#
# Suppose that a GPU runs the network 20 times as fast. Write `speed_up(milliseconds,
# stage, factor)`: how many times as fast does the *whole* become, if only `stage`
# becomes `factor` times as fast? `milliseconds` is a dictionary such as `{"decode": 30,
# "network": 10}`; there, a network twice as fast gives 40/35 = 1.14.


# %%
def speed_up(milliseconds, stage, factor):
    # BEGIN SOLUTION: return None
    before = sum(milliseconds.values())
    after = before - milliseconds[stage] + milliseconds[stage] / factor
    return before / after
    # END SOLUTION


checks.ex14_1(speed_up)

# %%
if checks.passed("14.1"):
    for kind, row in profiles.iterrows():
        gpu, halved = (
            speed_up(row.to_dict(), stage, factor)
            for stage, factor in (("network", 20), ("decode", 2))
        )
        print(f"{kind}: a network 20 times as fast makes the whole {gpu:.1f} times as "
              f"fast; decoding twice as fast, {halved:.1f} times")  # fmt: skip

# %% [markdown]
# So a GPU helps with stamps, and much less with photographs: the stages that it leaves
# alone limit the gain (**Amdahl's law**).
#
# A plan needs the **rate**: images per second, all stages together. (`extract` decodes
# the next images while the network works.) We measure it three times per kind, and
# report the lowest and the highest. The **start-up** time, until the network is loaded,
# is measured with a single image and subtracted.

# %%
large = {f"{seed}.jpg": mosaic(seed) for seed in range(16)}
many = {
    "stamp": stamps.subset(range(48)),
    "photo": photos.subset(range(48)),
    "12 megapixels": images.from_bytes("large", large),
}


def seconds_to_extract(image_set):
    started = time.perf_counter()
    representations.extract(image_set, "SqueezeNet", cache=False, progress=False)
    return time.perf_counter() - started


def between(low, high):
    """Two numbers with two digits each: more would be invented."""
    texts = []
    for number in sorted((low, high)):
        rounded = float(f"{number:.2g}")
        texts.append(f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}")
    return " to ".join(dict.fromkeys(texts))


# %%
rates, start_ups = {}, []
for kind, image_set in many.items():
    found = []
    for _ in range(3):
        start_ups.append(seconds_to_extract(image_set.subset([0])))
        seconds = seconds_to_extract(image_set)
        found.append((len(image_set) - 1) / max(seconds - start_ups[-1], 1e-3))
    rates[kind] = min(found), max(found)
start_up = float(np.median(start_ups))
night = 12 * 3600
for kind, ends in rates.items():
    in_a_night = between(*(rate * night for rate in ends))
    print(f"{kind}: {between(*ends)} images per second, {in_a_night} in one night")
print(f"start-up: {start_up:.1f} s")

# %% [markdown]
# On our machine, the rate of the stamps would promise several times as many photographs
# in a night of 12 hours. Three runs in a row give too narrow an interval: with other
# programs at work, our rates changed by more than a factor of two.
#
# ## 2 · How costs grow
#
# `experiments.blobs` draws as many **synthetic** features as we like: 20 overlapping
# classes, 64 numbers per image. We time k-means, Ward and two ways to count the pairs
# of images that are together in two labellings, as the Fowlkes-Mallows score needs
# them. The *loop* looks at every pair. The *table* is the contingency table: an entry
# of c images holds c(c − 1)/2 pairs.
#
# We double the number of images until the next call might take 2.5 seconds, and keep
# the shorter of two runs: other programs can only make a run longer.
#
# **Predict first.** If the number of images grows tenfold, by what factor does Ward's
# running time grow?

# %%
prediction_2 = None  # e.g. 10

# %%
synthetic, true_labels = experiments.blobs(
    folder / "synthetic.npy", 16_000, width=64, n_classes=20
)
synthetic, known = np.array(synthetic), true_labels.tolist()
guessed = np.random.default_rng(0).integers(20, size=16_000).tolist()


def pairs_by_loop(labels, other):
    """How many pairs of images are together in both labellings."""
    together = 0
    for i in range(len(labels)):
        for j in range(i):
            together += labels[i] == labels[j] and other[i] == other[j]
    return together


def pairs_by_table(labels, other):
    counts = metrics.contingency_table(labels_true=labels, labels_pred=other)
    return (counts * (counts - 1) // 2).sum()


METHODS = {
    "k-means": lambda n: clustering.cluster(synthetic[:n], "kmeans", 20),
    "Ward": lambda n: clustering.cluster(synthetic[:n], "ward", 20),
    "pairs by loop": lambda n: pairs_by_loop(known[:n], guessed[:n]),
    "pairs by table": lambda n: pairs_by_table(known[:n], guessed[:n]),
}
for count in (pairs_by_loop, pairs_by_table):
    print(count.__name__, count(known[:1000], guessed[:1000]))


# %%
def seconds_by_size(method):
    """{number of images: seconds}."""
    found, n = {}, 500
    while n <= 16_000 and 4 * max(found.values(), default=0) < 2.5:
        seconds = []
        for _ in range(2):
            started = time.perf_counter()
            METHODS[method](n)
            seconds.append(time.perf_counter() - started)
            if seconds[0] > 0.5:
                break
        found[n] = min(seconds)
        n *= 2
    return found


measured = {method: seconds_by_size(method) for method in METHODS}
for n, seconds in measured["Ward"].items():
    print(f"Ward, {n:6,} images: {seconds:.3f} s")

# %% [markdown]
# Many costs follow a **power law**, time ≈ a · nᵇ. The factor a depends on the machine
# and the program. The **exponent** b says how it grows: with b = 1, twice the images
# take twice as long, with b = 2 four times. In logarithms the law is a straight line,
# log time ≈ log a + b · log n: **the exponent is its slope**.
#
# ### Exercise 14.2 · The exponent (easy)
#
# Write `exponent(sizes, seconds)`: the slope of the straight line that fits the
# logarithms best, by least squares. (`np.polyfit(x, y, 1)` returns slope and intercept
# of the best line through the points x, y.)


# %%
def exponent(sizes, seconds):
    """b of seconds ≈ a · sizes^b."""
    # BEGIN SOLUTION: return None
    slope, _ = np.polyfit(np.log(sizes), np.log(seconds), 1)
    return slope
    # END SOLUTION


checks.ex14_2(exponent)

# %%
slope_of = exponent if checks.passed("14.2") else experiments.growth
slopes = {}
for method, found in measured.items():
    last = list(found.items())[-3:]  # at small sizes a call's fixed cost counts
    slopes[method] = float(slope_of(*np.array(last).T))
lessons.reveal(prediction_2, 10 ** slopes["Ward"], "the factor for Ward")

# %% tags=["drawing"]
# @title Draw seconds against the number of images
figure, panel = plt.subplots(figsize=(8.5, 4), layout="constrained")
told = []
for number, (method, found) in enumerate(measured.items()):
    colour, marker = plots.look(number)
    label = f"{method}: slope {slopes[method]:.1f}"
    panel.loglog(*zip(*found.items()), color=colour, marker=marker, label=label)
    n, seconds = list(found.items())[-1]
    told.append(f"{label}, {seconds:.2g} s for {n:,}")
sizes = sorted(set().union(*measured.values()))
panel.set(xlabel="number of images", ylabel="seconds")
panel.set_xticks(sizes, [f"{n:,}" for n in sizes])
panel.minorticks_off()
panel.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
plots.show(f"Seconds against the number of images: {'; '.join(told)}.")

# %% [markdown]
# Both axes are logarithmic; the legend gives the slope of the last three points. Ward
# and the loop are the steepest, with slopes of about 2 or more; with a slope of 2, ten
# times the images take 100 times as long. k-means, which compares each image with 20
# centres per pass, has a slope of about 1.
#
# ### The method or the program?
#
# The table gives the same count as the loop in far less time. Memory, too, can be the
# cost of one program. SciPy's Ward, which scikit-learn uses, computes the distances of
# all pairs first, n(n − 1)/2 of them at 8 bytes each; `fastcluster.linkage_vector`
# (Müllner 2013) keeps only the features, for the same clusters.
#
# **Ward on a graph** is a slightly different method. The graph links each image to its
# ten nearest neighbours; only clusters with such a link between them are merged.
# `experiments.measure` calls a function in a new process and reports its memory:


# %%
def graph_of(found):
    """A symmetric graph of neighbours (n, k); -1 is a neighbour not found."""
    start, end = np.repeat(np.arange(len(found)), found.shape[1]), found.ravel()
    pairs = np.ones((end >= 0).sum()), (start[end >= 0], end[end >= 0])
    one_way = sparse.csr_matrix(pairs, shape=(len(found), len(found)))
    return one_way.maximum(one_way.T)


def ward_on_graph(points, n_clusters, found=None):
    if found is None:
        _, found = clustering.nearest_neighbours(points, 10)
    model = AgglomerativeClustering(n_clusters, connectivity=graph_of(found))
    return model.fit_predict(points)


n = 4000
all_pairs = n * (n - 1) / 2 * 8 / 1e9
for function, *arguments in ((clustering.cluster, "ward", 20), (ward_on_graph, 20)):
    found = experiments.measure(function, synthetic[:n], *arguments)
    held = found.peak_gb - found.start_gb
    print(f"{function.__name__}: {held:.3f} GB, {held / all_pairs:.1f} times all pairs")
full = math.isqrt(int(16e9 * 2 / 8))
print(f"all pairs of {full:,} images fill 16 GB; two copies, {full / 2**0.5:,.0f}")

# %% [markdown]
# SciPy also holds a copy, so with this program 16 GB are full near 45,000 images. On a
# graph, memory is in proportion to n. <!-- claim 14.memory -->
#
# The clusters are about as good: the NMI of Ward on the graph is within .05 of Ward's on
# synthetic features and the photos, within .08 on the stamps. <!-- claim 14.graph -->
#
# ## 3 · Nearly all neighbours
#
# To find exact neighbours for the graph, we compared all pairs. An **index** avoids
# most comparisons. The simplest kind, the **inverted file**, makes cells by k-means and
# compares an image only with those in the `n_probe` cells whose centres are nearest to
# it. **Recall@10** is the share of the ten true neighbours that it finds.


# %%
def by_cells(points, n_cells, n_probe, k=10):
    """Neighbours (n, k), -1 where too few; and the share of all pairs compared."""
    cells = KMeans(n_cells, n_init=1, max_iter=10, random_state=0).fit(points)
    members = [np.flatnonzero(cells.labels_ == cell) for cell in range(n_cells)]
    nearest = np.argsort(cells.transform(points), axis=1)[:, :n_probe]
    found, n_compared = np.full((len(points), k), -1), 0
    for i, point in enumerate(points):
        candidates = np.concatenate([members[cell] for cell in nearest[i]])
        apart = ((points[candidates] - point) ** 2).sum(axis=1)
        best = candidates[np.argsort(apart)][1 : k + 1]  # 0 is the image itself
        found[i, : len(best)] = best
        n_compared += len(candidates)
    return found, n_compared / len(points) ** 2


def recall(found, true):
    """The mean share of the true neighbours that were found."""
    shares = [len(set(a) & set(b)) / len(b) for a, b in zip(found, true, strict=True)]
    return np.mean(shares)


# %%
points, truth = synthetic[:2000], true_labels[:2000]
noise = np.random.default_rng(0).random(points.shape)
curves = {}
for name, rows in (("20 classes", points), ("uniform noise", noise)):
    _, exact = clustering.nearest_neighbours(rows, 10)
    curves[name] = []
    for n_probe in (1, 2, 4, 8):
        found, share = by_cells(rows, 32, n_probe)
        entry = {"probes": n_probe, "compared": share, "recall": recall(found, exact)}
        if name == "20 classes":
            labels = ward_on_graph(rows, 20, found)
            entry["NMI"] = metrics.nmi(labels_true=truth, labels_pred=labels)
        curves[name].append(entry)
curves = {name: pd.DataFrame(found) for name, found in curves.items()}
both = {"labels_true": truth, "labels_pred": ward_on_graph(points, 20)}
best, chance = metrics.nmi(**both), metrics.chance_scores(**both)["nmi"]

# %% tags=["drawing"]
# @title Draw recall against the work, and NMI against recall
figure, panels = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
told = []
for number, (name, table) in enumerate(curves.items()):
    colour, marker = plots.look(number)
    panels[0].plot(
        table["compared"], table["recall"], color=colour, marker=marker, label=name
    )
    told.append(f"{name}: recall {table['recall'].round(2).tolist()}")
panels[0].plot([0, 1], [0, 1], ":", color="black", label="random candidates")
for _, row in curves["20 classes"].iterrows():
    place = row["compared"] + 0.01, row["recall"] - 0.05
    panels[0].annotate(f"{row['probes']:.0f}", place, fontsize=9)
panels[0].set(xlabel="share of all pairs compared", ylabel="recall@10", xlim=(0, 0.4))
panels[0].legend(frameon=False, loc="lower right")
table = curves["20 classes"]
colour, marker = plots.look(0)
panels[1].plot(table["recall"], table["NMI"], color=colour, marker=marker)
panels[1].axhline(best, color="black", ls="--", lw=1)
panels[1].text(0.99, best - 0.07, "with exact neighbours", fontsize=9, ha="right")
panels[1].axhline(chance, color="black", ls=":", lw=1)
panels[1].text(0.99, chance + 0.02, "chance", fontsize=9, ha="right")
panels[1].set(xlabel="recall@10", ylabel="NMI of Ward on the graph", ylim=(0, 1))
plots.show(
    f"Recall with 1, 2, 4 and 8 of 32 cells. {'; '.join(told)}. NMI of Ward on "
    f"these graphs {table['NMI'].round(2).tolist()}, {best:.2f} with exact neighbours, "
    f"{chance:.2f} by chance."
)

# %% [markdown]
# Left, the numbers say how many of the 32 cells are searched. With four, an eighth of
# the comparisons finds more than 85% of the neighbours; in noise, which has no groups,
# less than half. <!-- claim 14.recall --> Making the cells takes a few hundred more
# comparisons per image, with centres: much for 2,000 images, little for a million.
#
# Right, the misses hardly change Ward on the graph: with a quarter of the cells
# searched its NMI is within .05 of the exact one, within .1 on the stamps.
# <!-- claim 14.downstream --> The course also has a compiled index, PyNNDescent:
# `clustering.nearest_neighbours(…, index="approximate")`.
#
# ## 4 · Images too many to list
#
# A million small files are slow to copy and to list, so archives are packed into
# **shards**, tar files of a few thousand images. In the WebDataset layout the class of
# `crow.jpg` is in a small text file beside it, `crow.cls`.
#
# ### Exercise 14.3 · Write a shard (medium)
#
# Write `write_shard(path, samples)`, which writes a plain tar file and returns the
# path. `samples` is a list of (name, bytes, class), such as `("crow.jpg", b"…",
# "birds")`. Each becomes two members, the image and its `.cls` (the class in UTF-8).
# Add a member by `tarfile.TarInfo(name)`, whose `size` you set, and `tar.addfile(info,
# io.BytesIO(data))`.


# %%
def write_shard(path, samples):
    # BEGIN SOLUTION: return None
    with tarfile.open(path, "w") as tar:
        for name, data, class_name in samples:
            label = name.rpartition(".")[0] + ".cls"
            for member, content in ((name, data), (label, class_name.encode())):
                info = tarfile.TarInfo(member)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return path
    # END SOLUTION


checks.ex14_3(write_shard)

# %%
(folder / "shards").mkdir(exist_ok=True)
if checks.passed("14.3"):
    samples = [
        (f"{i:03}-{Path(name).name}", stamps.read(i), stamps.true_names[i])
        for i, name in enumerate(stamps.images)
    ]
    for start in range(0, len(samples), 25):
        path = folder / "shards" / f"shard-{start // 25:06}.tar"
        write_shard(path, samples[start : start + 25])
else:
    images.write_shards(stamps, folder / "shards", per_shard=25, progress=False)
with tarfile.open(folder / "shards" / "shard-000003.tar", "a") as tar:
    broken = tarfile.TarInfo("cut_off.jpg")  # as by a failed download
    broken.size = 3000
    tar.addfile(broken, io.BytesIO(stamps.read(0)[:3000]))
stream = images.open_stream(folder / "shards", name="stamps")  # or s3://bucket/archive
print(stream.name, "has", len(list(stream.parts())), "parts; no image is read yet")

# %% [markdown]
# A stream knows its **parts**, here one per shard. A part is the unit that can be
# processed, lost and redone independently: `extract` writes one file per part into the
# folder `to`, whole or not at all. This stream ends after three parts as if you had
# pressed Ctrl-C:


# %%
def three_parts():
    yield from list(stream.parts())[:3]
    raise KeyboardInterrupt


to = Path(tempfile.mkdtemp(dir=folder))
stopped = dataclasses.replace(stream, list_parts=three_parts)
try:
    representations.extract(stopped, "SqueezeNet", to=to, progress=False)
except KeyboardInterrupt:
    print("stopped:", len(list(to.glob("part-*"))), "part files written")
found = representations.extract(stream, "SqueezeNet", to=to, progress=False)
print(found)
found.problems

# %% [markdown]
# The second call wrote the missing parts only. After however many parts it is stopped,
# it ends with the same bytes as a run without a stop. <!-- claim 14.resume --> A broken
# file becomes a row of the table of problems.
#
# ## 5 · Many workers
#
# **Dask** spreads work over processes: a **scheduler** hands out tasks, **workers** do
# them, here or on any machine that reaches the files. A **client** is your connection
# to the scheduler. `client.map(function, parts)` sends one task per part and returns
# **futures** at once, receipts for results; `client.gather(futures)` waits for the
# results.

# %%
try:
    from distributed import Client, LocalCluster
except ImportError:
    client = None
    print('No Dask here (pip install "dask[distributed]"): one process does it all.')
else:
    cluster = LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address=":0",  # any free port
        silence_logs=logging.CRITICAL,  # no messages when a worker dies
    )
    client = Client(cluster)
    client.get_task_stream()  # from now on, record who does what
    print("dashboard:", client.dashboard_link)


def look_into(part):
    """On a worker: its process id, and the number of images in the part."""
    return os.getpid(), len(part.items())


parts = list(stream.parts())
if client:
    print(client.gather(client.map(look_into, parts)))

# %% [markdown]
# Open the link in a second window: the **dashboard**. Its *task stream* has a row per
# worker and a bar per task. (On Colab: `from google.colab import output`, then
# `output.serve_kernel_port_as_window(port)` with the port of the link.)
#
# ### Exercise 14.4 · Count on the workers (medium)
#
# Write `count_classes(client, parts)`: how many images of each class are in all parts,
# a dictionary. The workers read, one task per part, and return small counts; you add
# these up. `part.items()` is a list of images, each with its class as `label`.


# %%
def count_classes(client, parts):
    # BEGIN SOLUTION: return None
    def count(part):
        return collections.Counter(item.label for item in part.items())

    counts = client.gather(client.map(count, parts))
    return dict(sum(counts, collections.Counter()))
    # END SOLUTION


checks.ex14_4(count_classes)

# %%
if client and checks.passed("14.4"):
    print(count_classes(client, parts))

# %% [markdown]
# The cut-off file is counted as None: it has no class.
#
# ### Kill one
#
# `extract` hands out its parts in this way if you name an `engine`: a client, or the
# address of a scheduler. On one machine that need not be faster: without Dask, it uses
# several cores already. But of many machines, one will fail. `lessons.kill_a_worker`
# waits in the background until two parts are written, then kills a worker. Watch the
# dashboard.

# %%
where, killed = Path(tempfile.mkdtemp(dir=folder)), []


def two_parts():
    return len(list(where.glob("part-*"))) >= 2


if client:
    client.run(lambda: representations.load_network("SqueezeNet")[1])  # once per worker
    started = time.time()
    killed = lessons.kill_a_worker(client, when=two_parts)
representations.extract(stream, "SqueezeNet", to=where, progress=False, engine=client)
same = [(to / n).read_bytes() == (where / n).read_bytes() for n in found.names]
print(f"{len(killed)} worker killed; {sum(same)} of {len(same)} part files are the "
      "same as before, byte for byte")  # fmt: skip

# %% tags=["drawing"]
# @title Draw the task stream
if client:
    figure, panel = plt.subplots(figsize=(9, 2.4), layout="constrained")
    (victim, when), *_ = killed
    stream_of_tasks = client.get_task_stream(start=started)
    ran = [task["worker"] for task in stream_of_tasks]
    workers = list(dict.fromkeys([victim, *ran]))
    for task in stream_of_tasks:
        for span in task["startstops"]:
            if span["action"] == "compute":
                start, width = span["start"] - started, span["stop"] - span["start"]
                style = {"color": plots.PALETTE[0], "edgecolor": "white"}
                panel.barh(workers.index(task["worker"]), width, left=start, **style)
    panel.plot(when - started, 0, "X", color=plots.PALETTE[1], ms=11)
    place = when - started, 0
    panel.annotate("   killed", place, color=plots.PALETTE[1], va="center")
    names = [f"worker {number + 1}" for number in range(len(workers))]
    panel.set_yticks(range(len(workers)), names)
    panel.set(xlabel="seconds since the call", xlim=(0, None))
    panel.invert_yaxis()
    told = [f"{name} finished {ran.count(w)}" for name, w in zip(names, workers)]
    plots.show(
        f"Task stream: worker 1 was killed after {when - started:.1f} s. Of the parts "
        f"{', '.join(told)}."
    )

# %% [markdown]
# At the cross a worker died. A new one was started, and the parts that were lost were
# done again. (On a GPU the last digits may differ.)
#
# ### Cluster and score in parts
#
# `clustering.fit_out_of_core` learns a small **model** from the features, block by
# block: k centres, and how to prepare a row. The workers get it, label their parts and
# return contingency tables.

# %%
model = clustering.fit_out_of_core(found, "l2+minibatch", len(stamps.class_names))


def table_of(name):
    """On a worker: {(class, cluster): count} of one part."""
    part = found.part(name)
    labels = model.predict(part.features).tolist()
    return dict(collections.Counter(zip(part.labels, labels, strict=True)))


if client:
    tables = client.gather(client.map(table_of, found.names))
else:
    tables = [table_of(name) for name in found.names]
print(len(tables), "tables; the first:", tables[0])

# %% [markdown]
# ### Exercise 14.5 · Add up tables (medium)
#
# A worker that has seen only birds and coins has a table without flowers, so tables
# cannot be added like matrices. Write `purity_of_parts(tables)`: add up a list of such
# dictionaries, whose classes and clusters may differ, and return the total (a
# dictionary of the same kind) and its purity. So `{("bird", 0): 9, ("coin", 1): 4}` and
# `{("bird", 0): 1, ("coin", 0): 5}` have the total `{("bird", 0): 10, ("coin", 0): 5,
# ("coin", 1): 4}` and the purity 14/19.


# %%
def purity_of_parts(tables):
    """(total, purity) of tables {(class, cluster): count} of disjoint parts."""
    # BEGIN SOLUTION: return None
    total, most_frequent = {}, {}
    for part_table in tables:
        for pair, count in part_table.items():
            total[pair] = total.get(pair, 0) + count
    for (_, cluster), count in total.items():
        most_frequent[cluster] = max(count, most_frequent.get(cluster, 0))
    return total, sum(most_frequent.values()) / sum(total.values())
    # END SOLUTION


checks.ex14_5(purity_of_parts)

# %%
result = clustering.label_out_of_core(found, model, engine=client, progress=False)
in_one_piece = metrics.purity(
    labels_true=[label for part in found.parts() for label in part.labels],
    labels_pred=model.predict(found.array()),
)
print(f"purity from added tables {result.scores['purity']:.4f}", end=", ")
print(f"with everything in one piece {in_one_piece:.4f}")
if checks.passed("14.5"):
    print(f"yours {purity_of_parts(tables)[1]:.4f}")

# %% [markdown]
# All scores of lesson 2 can be computed from the total. The mean of the parts' own
# purities, weighted by size, is never below the purity of the whole, and usually too
# high. <!-- claim 14.parts -->
#
# ## 6 · One million, a hundred million
#
# For photographs of 12 megapixels, with the lowest and the highest rate of section 1:

# %%
rate, megabytes = rates["12 megapixels"], len(large["0.jpg"]) / 1e6
gigabit = 125  # MB per second
plans = {}
for n in (1_000_000, 100_000_000):
    hours = [n / r / 3600 for r in rate]
    plans[f"{n:,}"] = {
        "hours on one machine": between(*hours),
        "hours on 10 such machines": between(*(h / 10 for h in hours)),
        "hours on 100 such machines": between(*(h / 100 for h in hours)),
        "GB of images": between(*[n * megabytes / 1000] * 2),
        "GB of features": between(*[n * found.width * 4 / 1e9] * 2),
        "hours to read them at 1 Gbit/s": between(
            *[n * megabytes / gigabit / 3600] * 2
        ),
    }
pd.DataFrame(plans)

# %% [markdown]
# More machines finish sooner and, start-up aside, at the same cost: the hours on one
# machine times your price per hour. But all machines behind one connection of 1 Gbit/s
# share it: compare the last row with the first three. So extract the features once,
# where the images are; they are less than a thousandth of the size. Then cluster on one
# machine, block by block or on a random sample, and estimate its time with an exponent.
#
# ### How good is it? Label a sample
#
# Label 1,000 images, drawn at random, and compute their purity p. Its **standard
# error** is √(p (1 − p) / 1000), at most .016, however large the archive. In
# about nine of ten samples p is within two standard errors of the purity of all, on
# average a little too high: each cluster's most frequent class is chosen on the same
# 1,000. A sample that is not random has no such guarantee. <!-- claim 14.sample -->

# %%
labels = clustering.cluster(synthetic, "l2+minibatch", 20)
sample = np.random.default_rng(0).choice(len(labels), 1000, replace=False)
p = metrics.purity(labels_true=true_labels[sample], labels_pred=labels[sample])
error = math.sqrt(p * (1 - p) / 1000)
of_all = metrics.purity(labels_true=true_labels, labels_pred=labels)
print(f"purity of the sample {p:.3f} ± {2 * error:.3f}, of all 16,000: {of_all:.3f}")

# %% [markdown]
# ### When not to bother
#
# More machines bring schedulers, credentials, mismatched versions and bills. Stay with
# one if it needs a few nights, if a random sample answers the question, or if a better
# program is at hand, such as decoding at a scale or the table instead of the loop.
# McSherry and others (2015) found published systems on many cores slower than a
# well-written program on one.
#
# ## Exercises
#
# Exercises 14.1 to 14.5 are in the sections above.
#
# ### Exercise 14.6 · How many machines? (medium)
#
# Write `machines_needed(n, rate, hours, start_up, megabytes, bandwidth)`: the smallest
# number of machines that together get through n images within so many hours. Each works
# at `rate` images per second, after `start_up` seconds. Once started, all read their
# images, of `megabytes` each, over one connection of `bandwidth` MB per second. If no
# number of machines is enough, return `math.inf`.


# %%
def machines_needed(n, rate, hours, start_up, megabytes, bandwidth):
    # BEGIN SOLUTION: return None
    seconds_at_work = hours * 3600 - start_up
    if seconds_at_work <= 0 or n * megabytes > bandwidth * seconds_at_work:
        return math.inf
    return math.ceil(n / (rate * seconds_at_work))
    # END SOLUTION


checks.ex14_6(machines_needed)

# %% tags=["solution"]
for n in (10**6, 10**7, 10**8):
    for hours in (12, 10 * 24):
        order = n, rate[0], hours, start_up, megabytes, gigabit
        print(f"{n:11,} photographs in {hours} h:", machines_needed(*order))

# %% [markdown]
# ### Exercise 14.7 · A plan for an archive (open)
#
# Choose an archive: the photographs of a museum, the frames of a wildlife camera, your
# phone. Give its `numbers` in a dictionary with the keys `images`, `megabytes` (of
# one image), `like` (whose rate you use: "stamp", "photo" or "12 megapixels"),
# `machines`, `hours` and `features_gb` (512 numbers per image, 4 bytes each). The check
# computes the last two again, with your `rates`. Then write the `plan` in 60 to 250
# words: these numbers, where the images are and in what form, which algorithm, what
# would run out first, and how you would know that the clusters are any good.

# %%
# BEGIN SOLUTION: numbers = plan = None
n_frames = 3_000_000
numbers = {
    "images": n_frames,
    "megabytes": 2.5,
    "like": "12 megapixels",
    "machines": 2,
    "hours": n_frames / np.mean(rates["12 megapixels"]) / 3600 / 2,
    "features_gb": n_frames * 512 * 4 / 1e9,
}
plan = f"""A nature reserve has ten wildlife cameras with {n_frames:,} frames of 2.5 MB,
together 7,500 GB, on disks in the office. I pack them into 1,500 shards of 2,000 where
they are, so nothing has to be moved. Two machines need about {numbers["hours"]:.0f}
hours, a few nights, and go on after each interruption. The features are
{numbers["features_gb"]:.1f} GB and stay on one disk. Ward over all pairs would run out
of memory first: I take minibatch in blocks with k = 200 and join the centres by Ward.
Before all else I read the table of problems. Most frames are empty, so I expect many
clusters of the same meadow and one of the fox. To judge the result I label 1,000 frames
drawn at random, which gives a purity up to about 3 percentage points off."""
# END SOLUTION
checks.ex14_7(rates, numbers, plan)

# %%
checks.summary()

# %% [markdown]
# ## In this notebook we …
#
# - profiled the stages from file to features: on our machine, decoding takes most of
#   the time of a large photograph;
# - measured exponents, and distinguished a method from one program for it;
# - found most neighbours without comparing all pairs;
# - wrote shards, resumed an extraction and killed a worker, with the same bytes;
# - added up contingency tables, planned for millions of images, and estimated the error
#   of a score from a sample.
#
# ## Recall
#
# 1. A method takes 2 s for 1,000 images and 18 s for 3,000. What is its exponent, and
#    how long do 10,000 take?
#
# <details><summary>Answer</summary>
#
# log 9 / log 3 = 2. Ten times the images take a hundred times as long: 200 s, if the
# law holds that far.
#
# </details>
#
# 2. Decoding takes 45 ms of an image and the network 5 ms, one after the other. What
#    does the fastest GPU in the world gain?
#
# <details><summary>Answer</summary>
#
# At most 50/45 = 1.1 times. Decode at a reduced scale first, or on more cores.
#
# </details>
#
# 3. Ten workers each report the purity of their part. Why is the mean not the purity of
#    the whole?
#
# <details><summary>Answer</summary>
#
# In each part, the most frequent class of a cluster may be a different one, and each
# part counts its own. Counts can be added up, purities cannot.
#
# </details>
#
# ## References
#
# - G. Amdahl. Validity of the single processor approach to achieving large scale
#   computing capabilities. AFIPS 1967.
# - F. McSherry, M. Isard, D. G. Murray. Scalability! But at what COST? HotOS 2015.
# - H. Jégou, M. Douze, C. Schmid. Product quantization for nearest neighbor search.
#   TPAMI 2011 (the inverted file).
# - D. Müllner. fastcluster: fast hierarchical, agglomerative clustering routines for R
#   and Python. Journal of Statistical Software 53, 2013.
#
# ## Next
#
# This is the last lesson. Go back to `13_your_own_dataset.ipynb` with an archive of
# your own, ten times as large.
