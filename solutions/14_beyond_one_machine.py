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
# Everything in this course took seconds, for 193 pictures. What does it take for a
# million? Something will break first, time or memory, and you can say beforehand which
# and when. Then the same calls go over an archive too large to be listed, on as many
# machines as you like. In most cases you will find that you need only one.
#
# **You will be able to**
#
# - measure how the time of a method grows, and read the exponent off a log-log plot
# - work out what breaks first, and name the way out
# - extract features from tar shards, stop in the middle, and go on
# - run the same experiment on several worker processes, and lose one without harm
# - plan time, storage and cost for an archive, and say when one machine is enough
#
# **You need** lessons 2 (the contingency table), 5 (features of a network) and 6
# (algorithms by name). Section 3 uses Dask, `pip install "dask[distributed]"`; without
# it this notebook does the same work in one process.
#
# **Reading** 25 minutes · **run time** a minute on a CPU, much of it for starting
# worker processes; about the same on a GPU

# %% tags=["setup"]
import dataclasses
import math
import os
import tempfile
import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from course_utils import images, representations, clustering, metrics, experiments
from course_utils import plots


# %% [markdown]
# ## 1 · What grows how, and what breaks first
#
# To time a method at many sizes we need pictures, or rather their features, as many as
# we want. `experiments.blobs` draws them: 20 classes that overlap, 64 numbers per picture
# (a network gives 500 to 2,000; few numbers keep this notebook quick). They are in a
# file and are read from there as they are needed.

# %%
folder = Path(tempfile.mkdtemp())  # for all that this notebook writes
synthetic, true_labels = experiments.blobs(
    folder / "synthetic.npy", 16_000, width=64, n_classes=20
)
print(synthetic.shape, f"{synthetic.nbytes / 1e6:.0f} MB")

# %% [markdown]
# Five methods: three algorithms of lesson 6, and two ways to compare a clustering with
# the truth. The first goes through all pairs of pictures, as the definition of
# Fowlkes-Mallows says; the second is the contingency table of lesson 2. A cell of it
# with c pictures holds c(c − 1)/2 pairs that are together in both labelings, and their
# sum is the same number, without looking at one pair.


# %%
def pairs_by_loop(true_labels, cluster_labels):
    """How many pairs of pictures are together in both labelings."""
    together = 0
    for i in range(len(true_labels)):
        for j in range(i):
            if true_labels[i] == true_labels[j]:
                together += cluster_labels[i] == cluster_labels[j]
    return together


def pairs_by_table(true_labels, cluster_labels):
    counts = metrics.contingency_table(
        labels_true=true_labels, labels_pred=cluster_labels
    )
    return (counts * (counts - 1) // 2).sum()


some = clustering.cluster(synthetic[:1000], "kmeans", 20)
for count in (pairs_by_loop, pairs_by_table):
    print(count.__name__, count(true_labels[:1000].tolist(), some.tolist()))

# %%
SIZES = 250, 500, 1000, 2000, 4000
any_labels = np.random.default_rng(0).integers(20, size=SIZES[-1]).tolist()
known = true_labels.tolist()
METHODS = {
    "minibatch": lambda n: clustering.cluster(synthetic[:n], "minibatch", 20),
    "kmeans": lambda n: clustering.cluster(synthetic[:n], "kmeans", 20),
    "ward": lambda n: clustering.cluster(synthetic[:n], "ward", 20),
    "pairs_by_loop": lambda n: pairs_by_loop(known[:n], any_labels[:n]),
    "pairs_by_table": lambda n: pairs_by_table(known[:n], any_labels[:n]),
}


def seconds_of(method, n, repeats=2):
    """The shortest of some runs: other programs can only make a run longer."""
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        METHODS[method](n)
        seconds.append(time.perf_counter() - started)
    return min(seconds)


# %%
measured = {method: [seconds_of(method, n) for n in SIZES] for method in METHODS}
seconds = measured["ward"]
for n, took in zip(SIZES, seconds, strict=True):
    print(f"ward, {n:5,} pictures: {took:7.3f} s")

# %% [markdown]
# **Predict first.** From the lines above: ten times as many pictures take Ward how many
# times as long?

# %%
prediction = None  # e.g. 10

# %% [markdown]
# Many costs follow a **power law**, time ≈ a · nᵇ. The factor a depends on the machine,
# the **exponent** b on the method: with b = 1 twice the pictures take twice as long,
# with b = 2, where all pairs are looked at, four times; and ten times as many 10ᵇ times
# as long. Take logarithms and the law is a straight line,
# log time ≈ log a + b · log n: **the exponent is its slope**. Two points give it, rise
# over run:

# %%
for small, large in ((0, 1), (-2, -1)):
    rise = math.log(seconds[large] / seconds[small])
    slope = rise / math.log(SIZES[large] / SIZES[small])
    print(f"ward, {SIZES[small]:,} to {SIZES[large]:,} pictures: exponent {slope:.2f}")

# %% [markdown]
# Two points carry the noise of two measurements, and each pair says something else. A
# line through all points is better.
#
# ### Exercise 14.1 · The exponent (easy)
#
# Write `exponent(sizes, seconds)`: the slope of the straight line that fits the
# logarithms best, by least squares. (`np.polyfit(x, y, 1)` returns slope and height of
# the best line through points x, y.)


# %%
def exponent(sizes, seconds):
    """b of seconds ≈ a · sizes^b, by least squares on the logarithms."""
    # BEGIN SOLUTION: return None
    slope, _ = np.polyfit(np.log(sizes), np.log(seconds), 1)
    return slope
    # END SOLUTION


checks.ex14_1(exponent)

# %% [markdown]
# The library's `experiments.growth` does the same with one difference: it takes the larger
# half of the sizes only. At small n we measure what a call costs before it has looked
# at a picture, and this **overhead** does not grow. `experiments.forecast` follows the line
# to a size that was not measured.

# %%
lines = {}
for method, seconds in measured.items():
    lines[method] = {
        "yours, all sizes": exponent(SIZES, seconds),
        "growth, larger half": experiments.growth(SIZES, seconds),
        f"seconds for {SIZES[-1]:,}": seconds[-1],
        "hours for a million": experiments.forecast(SIZES, seconds, 1e6) / 3600,
    }
table = pd.DataFrame(lines).T.astype(float)
lessons.reveal(
    prediction, 10 ** table.loc["ward"].iloc[1], "the factor that Ward takes longer"
)
table.style.format("{:.3g}", na_rep="–")

# %%
STYLES = {method: plots.look(number) for number, method in enumerate(METHODS)}
told = []
figure, panel = plt.subplots(figsize=(8.5, 4.4), layout="constrained")
for method in sorted(measured, key=lambda method: -measured[method][-1]):
    colour, marker = STYLES[method]
    label = f"{method}, slope {table.loc[method].iloc[1]:.1f}"
    told.append(f"{label}, {measured[method][-1]:.2g} s")
    panel.loglog(SIZES, measured[method], color=colour, marker=marker, label=label)
panel.set(xlabel="pictures", ylabel="seconds")
panel.set_xticks(SIZES, SIZES)
panel.minorticks_off()
panel.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
plots.show(f"Seconds of five methods up to {SIZES[-1]} pictures: {'; '.join(told)}.")

# %% [markdown]
# Both axes are logarithmic, each line is a method, and the legend has the slope of its
# right end, from the slowest method down. The two that look at all pairs, `ward` and
# `pairs_by_loop`, climb most steeply: their slope is about 2. `kmeans` compares every
# picture with 20 centres, which makes a slope of about 1 where overhead no longer
# counts. `minibatch` and the table are still mostly overhead and chance at these sizes,
# and their law cannot be read off yet. So a forecast holds near the sizes that were
# measured. For a million pictures it tells seconds from days, and no more than that.
#
# ### Memory
#
# Ward starts from the distances of **all pairs**. There are n(n − 1)/2 of them, and a
# distance takes 8 bytes.
#
# ### Exercise 14.2 · All pairs (easy)
#
# Write `gigabytes_of_all_pairs(n)`, with a gigabyte of 10⁹ bytes.


# %%
def gigabytes_of_all_pairs(n):
    # BEGIN SOLUTION: return None
    return n * (n - 1) / 2 * 8 / 1e9
    # END SOLUTION


checks.ex14_2(gigabytes_of_all_pairs)

# %% [markdown]
# Is that what Ward really needs? `experiments.measure` calls a function in a new process
# and reports the most memory that it held.

# %%
n = SIZES[-1]
found = experiments.measure(clustering.cluster, np.array(synthetic[:n]), "ward", 20)
print(f"{n:,} pictures, all pairs: {math.comb(n, 2) * 8e-9:.3f} GB by arithmetic")
print(f"measured: {found.peak_gb - found.start_gb:.3f} GB more than before the call")

# %% [markdown]
# On our machine that is twice as much: the program keeps a copy of the distances. Such
# factors are why one measures. With arithmetic alone (so at best), when are 16 GB full,
# and how long would Ward have worked until then?

# %%
MEMORY = 16e9
full = math.isqrt(int(2 * MEMORY / 8))  # as n²/2 · 8 = MEMORY, nearly
minutes = experiments.forecast(SIZES, measured["ward"], full) / 60
print(f"all pairs of {full:,} pictures fill 16 GB")
print(f"Ward's time there, by the forecast: {minutes:.0f} minutes")

# %%
many = np.geomspace(1000, 1e7, 50)
ahead = [experiments.forecast(SIZES, measured["ward"], n) for n in many]
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
colour, marker = STYLES["ward"]
left.loglog(SIZES, measured["ward"], marker, color=colour, label="Ward, measured")
left.loglog(many, ahead, "--", color=colour, label="Ward, forecast")
right.loglog(many, many**2 / 2 * 8, color=colour, label="all pairs")
right.loglog(many, many * 1280 * 4, "k:", label="1,280 features each")
for panel, height, name in ((left, 86_400, "a day"), (right, MEMORY, "16 GB")):
    panel.axhline(height, color="#666666", linewidth=0.8)
    panel.text(300, height * 1.3, name, fontsize=11)
    panel.axvline(full, color="#666666", linewidth=0.8)
    panel.set(xlabel="pictures", xlim=(200, None))
    panel.legend(loc="lower right")
at_full = experiments.forecast(SIZES, measured["ward"], full)
left.set(ylabel="seconds", title=f"time: {at_full:,.0f} s for {full:,} pictures")
right.set(ylabel="bytes", title=f"memory: 16 GB for {full:,} pictures")
plots.show(
    "Time and memory against the number of pictures. All pairs fill 16 GB at "
    f"{full:,.0f} pictures, where the forecast of Ward's time is {at_full:,.0f} s; a "
    "day has 86,400 s."
)

# %% [markdown]
# Left time, right memory; the upright line is where all pairs fill 16 GB, near 63,000
# pictures. There the dashed line is still far below a day: **memory breaks first**, and
# it breaks at once, while time only gets long. The features themselves, the dotted line
# of slope 1, reach 16 GB only beyond three million pictures. All pairs of a million
# would take 4,000 GB.
#
# So the way out is always the same: do not look at all pairs.
#
# | looks at all pairs | instead | in the course |
# |---|---|---|
# | Ward, average, complete linkage | k-means first makes a thousand **micro-clusters**, linkage then joins those | `micro1000+ward` |
# | silhouette | of a random sample | `metrics.silhouette(…, sample_size=5000)` |
# | nearest neighbours | an index that finds nearly all of them | `neighbours.nearest` |
# | counting pairs for a score | the contingency table, exactly | `metrics.scores` |
#
# And for what reads all rows many times, such as k-means: **mini-batches**, read from
# the file block by block (`clustering.fit_out_of_core`).
#
# What is lost by the first line of the table? On the synthetic features we can score it:

# %%
lines = []
micro = "micro1000+ward"
for n, algorithm in ((4000, "ward"), (4000, micro), (16_000, micro)):
    started = time.perf_counter()
    labels = clustering.cluster(synthetic[:n], algorithm, 20)
    took = time.perf_counter() - started
    nmi = metrics.nmi(labels_true=true_labels[:n], labels_pred=labels)
    lines.append([n, algorithm, round(took, 2), round(nmi, 2)])
pd.DataFrame(lines, columns=["pictures", "algorithm", "seconds", "NMI"])

# %% [markdown]
# At 4,000 pictures the micro-clusters cost a few hundredths of NMI. At 16,000, where
# Ward over all pairs would take 16 times the memory, they still work, and the result is
# no worse than Ward's on the 4,000. How much is lost depends on the pictures:
# compare at a size where both are possible, as here, before you trust it at a larger.
#
# ## 2 · Pictures too many to list
#
# A million small files are slow to copy and slow to list. Archives are packed into
# **shards**, tar files of some thousand pictures each, a picture beside its label
# (`blackbird.jpg`, `blackbird.cls`). We write the stamps as shards of 25, and because
# something is broken in every archive, one file is cut off as by a failed download.

# %%
import io
import tarfile

stamps = images.load("stamps", progress=False)
shards = images.write_shards(stamps, folder / "shards", per_shard=25, progress=False)
cut_off = stamps.read(0)[:3000]
with tarfile.open(shards[3], "a") as archive:
    about = tarfile.TarInfo("downloads/cut_off.jpg")
    about.size = len(cut_off)
    archive.addfile(about, io.BytesIO(cut_off))
stream = images.open_stream(folder / "shards", name="stamps")  # or s3://bucket/archive
print(stream.name, "has", sum(1 for _ in stream.parts()), "parts")

# %% [markdown]
# `images.open_stream` has read no picture. A stream knows its **parts**, here one a shard,
# and a part is what can be done, lost and done again by itself. `extract` is the call
# that you know. For a stream it writes one file per part into the folder `to` (in
# Parquet, a format for tables), and each file appears whole or not at all.
#
# A run over a million pictures will be interrupted. We do not wait for it: this stream
# stops after three parts, as if you had pressed Ctrl-C (*Interrupt* in Jupyter), and
# then the whole stream is given to the same call. When each file appeared, which
# `finished` looks up, goes into a figure later.


# %%
def interrupted_parts():
    yield from list(stream.parts())[:3]
    raise KeyboardInterrupt


def finished(to, since):
    """Seconds from `since` on at which the part files were written, in rising order."""
    times = (path.stat().st_mtime - since for path in to.glob("part-*.parquet"))
    return sorted(seconds for seconds in times if seconds > 0)


# %%
# On a CPU a network is converted when it is first used: that is not to be timed.
representations.extract(stamps.subset(range(8)), "SqueezeNet", progress=False)

one = Path(tempfile.mkdtemp(dir=folder))
short_stream = dataclasses.replace(stream, list_parts=interrupted_parts)
started = time.time()
try:
    representations.extract(short_stream, "SqueezeNet", to=one, progress=False)
except KeyboardInterrupt:
    first_seconds = time.time() - started
first_times = finished(one, started)
print(f"stopped after {first_seconds:.1f} s with {len(first_times)} parts written")

started = time.time()
found = representations.extract(stream, "SqueezeNet", to=one, progress=False)
second_seconds = time.time() - started
second_times = finished(one, started)
print(f"{second_seconds:.1f} s for the other {len(second_times)} parts")
print(found)

# %% [markdown]
# The second call went on where the first had stopped: it wrote the missing parts only.
# And what is broken is a row of a table, with its name and the reason, and not a line
# in a log that nobody reads:

# %%
found.problems

# %% [markdown]
# A million pictures with a thousand broken files give the other 999,000 and a table of
# a thousand rows, to be sorted by reason. `found` is a `FeatureParts`: it knows how
# many pictures there are and reads their features a part at a time.
#
# The two runs tell us the two numbers that all planning needs. The second had the
# network loaded already, so it gives the **rate**. What the first took beyond its
# pictures is the **start-up**: loading the network and making it ready for this machine.
# Both belong to this network on this machine; a larger network has a lower rate.

# %%
n_continued = sum(found.counts[3:])
rate = n_continued / second_seconds
start_up = max(first_seconds - sum(found.counts[:3]) / rate, 0)
n_cores = os.cpu_count()
print(f"rate: {rate:.0f} pictures per second on {n_cores} cores")
print(f"that is {rate / n_cores:.1f} a second and core; start-up: {start_up:.1f} s")

# %% [markdown]
# ## 3 · The same experiment on Dask
#
# **Dask** is an engine for many machines: a **scheduler** hands out tasks, **workers**
# do them. Here a task is a part. Each worker loads the network once, computes its parts
# and writes the files where all can reach them. One word of the call changes:
#
# | `engine=` | where the work is done |
# |---|---|
# | `None` | in this process |
# | `"dask"`, `"dask:8"` | in 2 or 8 worker processes of this machine |
# | `"tcp://10.0.0.5:8786"` | by the workers of the scheduler at this address |
# | a Dask `Client` | by its workers |
#
# **Predict first.** You have two workers on this machine, and the same pictures. How
# many times as fast as the one process above will they be, start-up included on both
# sides?

# %%
prediction_2 = None  # e.g. 2

# %% [markdown]
# `engine="dask"` would start the two and stop them at the end. We start them by hand,
# because one of them is going to be killed.

# %%
import importlib.util
import logging
import threading

client, cluster = None, None
if importlib.util.find_spec("distributed"):
    import dask
    import psutil
    from distributed import Client, LocalCluster

    # else Dask lets a worker use one core for a product: other last digits
    with dask.config.set({"distributed.nanny.pre-spawn-environ": {}}):
        cluster = LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=":0",  # any free port
            silence_logs=logging.CRITICAL,
        )
    client = Client(cluster)
    print("workers:", len(client.run(os.getpid)))
else:
    print('Dask is not installed (pip install "dask[distributed]"): one process.')

# %%
two = Path(tempfile.mkdtemp(dir=folder))
started = time.time()
by_two = representations.extract(
    stream, "SqueezeNet", to=two, progress=False, engine=client
)
two_seconds = time.time() - started
two_times = finished(two, started)
same = sum((one / n).read_bytes() == (two / n).read_bytes() for n in by_two.names)
print(f"{same} of {len(by_two.names)} part files are the same, byte for byte")
who = "two workers" if client else "one process again"
print(f"one process {first_seconds + second_seconds:.1f} s, {who} {two_seconds:.1f} s")
faster = (first_seconds + second_seconds) / two_seconds
lessons.reveal(prediction_2, faster, "the time of one process over theirs")

# %% [markdown]
# Below 1, two workers are slower than one process: so they were on our machine, which
# has two cores. One process uses all of them already. And each worker has to import the
# course and load the network for itself: in the figure below, that is the wait before
# its first mark. Workers pay off when they bring cores of their own, on other machines,
# and have hours of work. What two of them do show here is that the result is right: the
# same call, the same bytes. (On a GPU the last digits may differ.)
#
# ### Kill one
#
# With a hundred machines one of them will fail. As soon as a first part is finished, a
# thread of this notebook kills one of the two workers, without warning.

# %%
killed = Path(tempfile.mkdtemp(dir=folder))
kill_times = []


def kill_a_worker(process_id):
    while not finished(killed, 0):
        time.sleep(0.05)
    psutil.Process(process_id).kill()
    kill_times.append(time.time() - started)


started = time.time()
if client:
    before = set(client.run(os.getpid).values())
    killer = threading.Thread(target=kill_a_worker, args=[min(before)], daemon=True)
    killer.start()
after_kill = representations.extract(
    stream, "SqueezeNet", to=killed, progress=False, engine=client
)
killed_seconds, killed_times = time.time() - started, finished(killed, started)
same = sum((one / n).read_bytes() == (killed / n).read_bytes() for n in found.names)
print(f"{same} of {len(found.names)} part files are the same as before")
if client:
    killer.join(timeout=10)
    client.wait_for_workers(2, timeout=60)
    print("new workers:", len(set(client.run(os.getpid).values()) - before))

# %%
one_times = first_times + [first_seconds + seconds for seconds in second_times]
how = "the same two workers, one killed" if client else "one process, a third time"
runs = {
    "one process, stopped once": (one_times, plots.PALETTE[0], "o"),
    who: (two_times, plots.PALETTE[2], "s"),
    how: (killed_times, plots.PALETTE[1], "^"),
}
figure, panel = plt.subplots(figsize=(9, 4.2))
for name, (times, colour, marker) in runs.items():
    counts = range(1, len(times) + 1)
    panel.plot(times, counts, color=colour, marker=marker, label=name)
for seconds in kill_times:
    panel.axvline(seconds, color=plots.PALETTE[1], linestyle=":")
    panel.text(seconds, 0.3, " killed", color=plots.PALETTE[1], fontsize=10)
panel.set(xlabel="seconds since the call", ylabel="parts finished", ylim=(0, None))
panel.legend(loc="lower left", bbox_to_anchor=(0, 1), frameon=False)
told = [f"{name}: all {len(t)} after {max(t):.1f} s" for name, (t, *_) in runs.items()]
plots.show(f"Parts finished over time. {'; '.join(told)}.")

# %% [markdown]
# Each mark is a part that is finished, and all lines end at the same height: all parts
# are there. The wait before the first mark is mostly start-up. The line with triangles
# has hardly any, because its workers had loaded the network in the run before. One of
# them was killed at the dotted line. A new worker took its place, and the scheduler
# gave the part that was lost to whoever was free; what had been written was kept. A
# part that comes much later than the others was given to the new worker, which had to
# load the network first.
#
# ### Cluster and score in parts
#
# Nobody holds all features now. `clustering.fit_out_of_core` learns from them block by block, and what
# it learns is small: how to prepare a row, and the k centres. This **model** goes to
# the workers. Each labels its parts and counts a contingency table of its own.

# %%
model = clustering.fit_out_of_core(found, "l2+minibatch", len(stamps.class_names))
result = clustering.label_out_of_core(found, model, engine=client, progress=False)
result.table

# %% [markdown]
# This table is the sum of the tables of all parts, and the scores of lesson 2 need
# nothing else. Are they the same as with everything in one piece?

# %%
in_one_piece = metrics.scores(
    labels_true=[label for part in found.parts() for label in part.labels],
    labels_pred=model.predict(found.array()),
)
in_parts = pd.Series(result.scores)
print("equal:", in_parts.equals(pd.Series(in_one_piece)))
in_parts.round(3).to_frame("score").T

# %% [markdown]
# ### Exercise 14.3 · Add up tables (medium)
#
# A worker that has seen only birds and coins has a table without flowers, so tables
# cannot be added like matrices. Here a table is a dictionary, `{(class, cluster):
# count}`. Write `purity_of_parts(tables)`: add up a list of such tables, whose classes
# and clusters may differ, and return two things, the total (a dictionary of the same
# kind) and its purity: over all clusters, the count of the most frequent class, added up
# and divided by the number of pictures.
#
# So `{("bird", 0): 9, ("coin", 1): 4}` and `{("bird", 0): 1, ("coin", 0): 5}`
# have the total `{("bird", 0): 10, ("coin", 0): 5, ("coin", 1): 4}`, and its purity is
# 14/19.


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


checks.ex14_3(purity_of_parts)

# %% [markdown]
# (The library's versions are `tables.merge_tables` and `metrics.scores_of_table`.) The
# workers have done their work:

# %%
if client:
    client.close()
    cluster.close()

# %% [markdown]
# ## 4 · One million, a hundred million
#
# The arithmetic of a plan fits into one cell. Measured here: the rate, the width of the
# features, the size of a stamp. **Assumed**: a connection of 1 Gbit/s, and the prices
# of an hour of a machine like this one and of a month of storage. They are nobody's
# offer; put in yours.

# %%
PRICE_AN_HOUR = 0.20  # assumed, in your currency
PRICE_A_GB = 0.02  # assumed, for a month
GIGABIT = 1e9 / 8  # bytes a second
bytes_a_picture = np.mean([len(stamps.read(i)) for i in range(len(stamps))])


def plan(n):
    machine_hours = n / rate / 3600
    features_gb, pictures_gb = n * found.width * 4 / 1e9, n * bytes_a_picture / 1e9
    return {
        "hours on this machine": machine_hours,
        "hours on 10 such machines": machine_hours / 10,
        "hours on 100 such machines": machine_hours / 100,
        "cost, on 1 machine or 100": machine_hours * PRICE_AN_HOUR,
        "GB of features": features_gb,
        "GB of pictures, as small as stamps": pictures_gb,
        "cost of a month of storage": (features_gb + pictures_gb) * PRICE_A_GB,
        "hours to move them at 1 Gbit/s": n * bytes_a_picture / GIGABIT / 3600,
    }


plans = pd.DataFrame({f"{n:,}": plan(n) for n in (1_000_000, 100_000_000)})
print(f"{rate:.0f} pictures per second, {bytes_a_picture / 1000:.1f} kB per picture")
plans.style.format("{:,.2f}")

# %% [markdown]
# Read it column by column. Every row is in proportion to n, so the right column is a
# hundred times the left. More machines make it sooner and, but for the start-up, not
# dearer. The features are far smaller than the pictures: extract them once, where the
# pictures are, and move the features. Photographs are ten to some hundred times as
# large as stamps, and then moving them may take longer than computing. The clustering
# is not in the table: forecast it as in section 1, with your width and your k.
#
# What one would do:
#
# - **Pictures** in shards of a few thousand in an object store, where all machines
#   reach them over the network. `images.open_stream` takes its address, `s3://…`, and
#   `storage_options` for user name and key.
# - **Extraction** with one worker a machine and one network a worker. `to="s3://…"`
#   instead of a folder, `engine="tcp://…"`: otherwise the call of section 2.
# - **Clustering** with `clustering.fit_out_of_core(found, "l2+pca50+minibatch", k)` on one machine. It
#   reads the features a few times, or take a sample of a million of them.
# - **Labels and scores** by the workers, `clustering.label_out_of_core(…, to="s3://…")`.
#
# **With a GPU** the network may do thousands of pictures per second, and then decoding
# the files on the CPU takes longest. Our own run had no GPU, so this is not measured
# here: run the notebook on one and look at the rate.
#
# ### When not to bother
#
# More machines bring what one machine never has: schedulers, addresses, keys, other
# versions elsewhere, and bills. Stay with one if
#
# - it is done by tomorrow morning, or in a few nights, as `extract` goes on where it
#   stopped;
# - the features fit on its disk, from which `clustering.fit_out_of_core` reads them block by block;
# - a random sample of the pictures answers the question;
# - a better method is at hand. Above, the table instead of the loop won more than a
#   hundred machines could. And in a well-known paper (McSherry and others, 2015),
#   published systems on many cores were outrun by one thread with a good program.
#
# ## Exercises
#
# Exercises 14.1 to 14.3 are above.
#
# ### Exercise 14.4 · One night (easy)
#
# With the `rate` and the `start_up` measured above: how many pictures are done on this
# machine in a night of 12 hours? Below that number you need no second machine.

# %%
# BEGIN SOLUTION: overnight = None
overnight = rate * (12 * 3600 - start_up)
# END SOLUTION
checks.ex14_4(rate, start_up, overnight)

# %% tags=["solution"]
print(f"{overnight:,.0f} pictures, with SqueezeNet on {n_cores} cores")

# %% [markdown]
# ### Exercise 14.5 · How many machines? (medium)
#
# Write `workers_needed(n, rate, hours, start_up)`: the smallest number of machines that
# together get through n pictures within so many hours. `rate` is what one machine does
# a second. All start at the same moment, and each is first busy for `start_up` seconds.
# If the start-up alone takes the whole time, return `math.inf`.


# %%
def workers_needed(n, rate, hours, start_up):
    # BEGIN SOLUTION: return None
    seconds_at_work = hours * 3600 - start_up
    if seconds_at_work <= 0:
        return math.inf
    return math.ceil(n / (rate * seconds_at_work))
    # END SOLUTION


checks.ex14_5(workers_needed)

# %% tags=["solution"]
for n in (10**6, 10**7, 10**8):
    print(f"{n:11,} pictures in 12 h:", workers_needed(n, rate, 12, start_up))

# %% [markdown]
# ### Exercise 14.6 · A plan for an archive (open)
#
# Choose an archive: the photographs of a city museum, the frames of a wildlife camera,
# everything on your telephone. Write a plan of 60 to 250 words with numbers: how many
# pictures, how large; where they lie and in which form; hours, on how many machines,
# from which rate; storage for the features; which algorithm, and what would break
# first; how you would know that the clusters are any good without labels for all.

# %%
# BEGIN SOLUTION: plan_of_mine = None  # a text between three quotes
n_mine = 3_000_000
plan_of_mine = f"""A nature reserve has ten wildlife cameras with {n_mine:,} frames of
about 200 kB, together 600 GB, on a disk in the office. I pack them into 1,500 shards of
2,000 on that disk, so nothing has to be moved. At {rate:.0f} pictures per second
SqueezeNet takes {n_mine / rate / 3600:.0f} hours on one machine, and nobody is waiting:
I take one machine and no cluster, and let it go on after each interruption. The
features are {n_mine * found.width * 4 / 1e9:.1f} GB and stay on the same disk. Ward
would break first, by memory, so I take l2+pca50+minibatch in blocks with k = 200 and
join the 200 centres by Ward. Before all else I read the table of problems. Most frames
are empty, so I expect many clusters of the same meadow and one of the fox. To judge the
result I label 1,000 frames drawn at random, and score these only."""
# END SOLUTION
checks.ex14_6(plan_of_mine)

# %%
checks.summary()

# %% [markdown]
# ## In this notebook we …
#
# - measured how five methods grow, and read the exponent off as a slope between
#   logarithms, with the overhead of small sizes left out
# - worked out that all pairs fill 16 GB near 63,000 pictures, long before a day is
#   over, and went round it with micro-clusters at a small loss
# - read pictures from shards as a stream, with broken files as rows of a table, stopped
#   an extraction and went on
# - ran the same call on two Dask workers, killed one, and found the same bytes
# - added up contingency tables, whose scores are those of all pictures in one piece
# - planned for a million and a hundred million pictures, and found how many one machine
#   does in a night
#
# ## Recall
#
# 1. A method takes 2 s for 1,000 pictures and 18 s for 3,000. What is its exponent, and
#    what do 10,000 take?
#
# <details><summary>Answer</summary>
#
# log 9 / log 3 = 2. Ten times the pictures take a hundred times as long: 200 s, if the
# law holds so far.
#
# </details>
#
# 2. Two workers on your laptop are slower than one process. Is Dask badly written?
#
# <details><summary>Answer</summary>
#
# No. One process already kept all cores busy, and the workers have a start-up each.
# More workers pay when they bring cores of their own and the work is long beside the
# start-up.
#
# </details>
#
# 3. Ten workers each report the purity of their part. Why is the mean not the purity of
#    the whole?
#
# <details><summary>Answer</summary>
#
# In each part the most frequent class of a cluster may be another one, and each part gets
# its own. The mean of the parts, weighted by their sizes, is never lower than the
# purity of the whole. Counts can be added up, purities cannot.
#
# </details>
#
# ## References
#
# - F. McSherry, M. Isard, D. G. Murray, *Scalability! But at what COST?*, HotOS 2015
# - J. Dean, S. Ghemawat, *MapReduce: simplified data processing on large clusters*,
#   OSDI 2004 (parts that are done again when a worker fails)
# - M. Rocklin, *Dask: parallel computation with blocked algorithms and task
#   scheduling*, SciPy 2015
# - D. Sculley, *Web-scale k-means clustering*, WWW 2010 (mini-batches)
# - T. Zhang, R. Ramakrishnan, M. Livny, *BIRCH: an efficient data clustering method for
#   very large databases*, SIGMOD 1996 (small clusters first, then linkage)
# - D. Müllner, *Modern hierarchical, agglomerative clustering algorithms*,
#   arXiv 1109.2378, 2011
#
# ## Next
#
# This is the last lesson. Go back to `13_your_own_dataset.ipynb` with an archive of
# your own, ten times as large; and measure your machine, with all methods of the course
# up to 100,000 pictures, by its benchmark: `python tests/benchmarks/scale.py`.
