# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 12 · Learning to cluster
#
# So far the features were fixed, and clustering came after. But clusters can teach a
# network better features, and better features give better clusters: why not learn both
# at once, without a single label? You build the steps of such a method, JULE, extend it
# to several views, and then find out where it wins and where it does harm.
#
# **You will be able to**
#
# - grow clusters from nearest neighbours, where k-means fails
# - write the triplet loss and say what it asks of a network
# - let a network and its clusters teach each other, on one view and on several
# - compare a method that learns with simple ones, over seeds, and say when it loses
#
# **You need** lessons 1 and 2, lesson 6 (layers, seeds), lesson 9 (views, evidence
# accumulation).
#
# **Reading** 25 minutes, the exercises as much again · **run time** about 70 s on a
# CPU, about the same on a GPU: the networks trained here are too small to gain

# %% tags=["setup"]

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from course_utils import images, representations, clustering, metrics, plots

# %% [markdown]
# ## 1 · Clusters that grow
#
# A disc inside a ring: 40 points and 80, easy for the eye.

# %%
generator = np.random.default_rng(0)
shape = np.repeat([0, 1], [40, 80])  # 0 the disc, 1 the ring
angles = generator.uniform(0, 2 * np.pi, 120)
radii = np.where(shape == 0, 0.25 * np.sqrt(generator.random(120)), 1)
radii += generator.normal(0, 0.05, 120)
plane = np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)


def nmi_of(cluster_labels, true_labels=shape):
    return metrics.nmi(labels_true=true_labels, labels_pred=cluster_labels)


for algorithm in ("kmeans", "ward"):
    print(f"{algorithm:7} NMI {nmi_of(clustering.cluster(plane, algorithm, 2)):.2f}")

# %% [markdown]
# An NMI of 1 would be the two shapes exactly: both algorithms are far from it. k-means
# wants two centres, and the two shapes have the same one. What the eye follows are
# *neighbours*: from each point you can step to its nearest neighbour, from there to the
# next one, and never cross the gap.
#
# **Chains.** Link every point to its nearest neighbour. Points that hang together by
# such links make the first clusters.
#
# **Predict first.** How many such chains do the 120 points form?

# %%
prediction = None  # e.g. 10

# %%
chains = clustering.chains(plane)
lessons.reveal(prediction, int(chains.max() + 1), "the number of chains")

# %% [markdown]
# Many small clusters. A nearest neighbour seldom deceives, so they tend to be pure. Now
# they must be merged, and that takes a measure of how strongly two belong together.
#
# **Affinity.** Each point i *points at* its 20 nearest neighbours j, with the weight
#
# W[i, j] = exp(−d² / σ²),  d² the squared distance from i to j,
#
# and at nobody else: all other W[i, j] are 0. σ² is the mean of d² over all these pairs
# of a point and a neighbour of it, so the scale of the data plays no part. W is not
# symmetric: a lonely point points at a crowd, and the crowd does not point back.
#
# ### Exercise 12.1 · Affinity (medium)
#
# Write `affinity_matrix(points, n_neighbours)`: W, an array (n, n). A point is not its
# own neighbour. `scipy.spatial.distance.cdist(points, points)` gives all distances.


# %%
def affinity_matrix(points, n_neighbours):
    # BEGIN SOLUTION: return None
    from scipy.spatial.distance import cdist

    squares = cdist(points, points) ** 2
    rows = np.arange(len(points))[:, None]
    nearest = np.argsort(squares + np.diag([np.inf] * len(points)), axis=1)
    nearest = nearest[:, :n_neighbours]
    variance = squares[rows, nearest].mean()
    weights = np.zeros_like(squares)
    weights[rows, nearest] = np.exp(-squares[rows, nearest] / variance)
    return weights
    # END SOLUTION


checks.ex12_1(affinity_matrix)

# %% [markdown]
# **Affinity of clusters.** For two clusters A and B, look at one point j of B. What all
# of A sends to j, times what j sends back to all of A, is large only if *both* point at
# each other. Add this up over the points j of B and divide by |A|², where |A| is the
# number of points in A. That is the affinity from A to B. From B to A it is another
# number, and the affinity of the two clusters is the sum of both.
#
# ### Exercise 12.2 · Affinity of two clusters (medium)
#
# Write `between(weights, one, other)`. `one` and `other` hold the places of the points
# of the two clusters; `weights[np.ix_(one, other)]` is the part of W from one to other.


# %%
def between(weights, one, other):
    # BEGIN SOLUTION: return None
    there = weights[np.ix_(one, other)]
    back = weights[np.ix_(other, one)]
    one_to_other = (there.sum(axis=0) * back.sum(axis=1)).sum() / len(one) ** 2
    other_to_one = (back.sum(axis=0) * there.sum(axis=1)).sum() / len(other) ** 2
    return one_to_other + other_to_one
    # END SOLUTION


checks.ex12_2(between)

# %% [markdown]
# **Merging** is greedy: the best pair first, then the next, until k clusters are left.
# The best is not just the highest affinity. If a cluster has *several* near ones, the
# choice is a gamble, and can wait. So a pair's worth is its affinity plus its **lead**:
# how far on average it lies above the affinities of the same cluster to its next four.
# `clustering.merge_clusters` does this. It keeps running sums, so that a merger costs one new row
# and not a whole new table.

# %%
weights = clustering.affinity(plane)
stages = {k: clustering.merge_clusters(weights, chains, k) for k in (8, 2)}


def scatter(panel, points, labels, title):
    plots.scatter(points, labels, panel=panel, size=24)
    panel.set(title=title, xlabel="x", ylabel="y", aspect="equal")


figure, panels = plt.subplots(1, 4, figsize=(10, 3), layout="constrained")
halves = clustering.cluster(plane, "kmeans", 2)
scatter(panels[0], plane, halves, f"k-means: NMI {nmi_of(halves):.2f}")
panels[1].scatter(*plane.T, s=8, color="black")
distances = np.linalg.norm(plane[:, None] - plane, axis=2) + 9 * np.eye(120)
for point, nearest in zip(plane, plane[distances.argmin(axis=1)], strict=True):
    panels[1].plot(*np.stack([point, nearest]).T, color="#0072B2", lw=2)
panels[1].set(title=f"{chains.max() + 1} chains", xlabel="x", aspect="equal")
for panel, (k, labels) in zip(panels[2:], stages.items(), strict=True):
    scatter(panel, plane, labels, f"merged to {k}: NMI {nmi_of(labels):.2f}")
for panel in panels[1:]:
    panel.set_ylabel("")
plots.show(
    "A disc in a ring. k-means cuts both along a line; chains of nearest neighbours "
    "stay within the disc or the ring; merged to eight and to two, the disc is one "
    "cluster."
)
print(f"merged to 2: NMI {nmi_of(stages[2]):.2f}")

# %% [markdown]
# First picture: k-means cuts along one line, and the left of the ring goes together
# with nearly all of the disc. Second: the chains, drawn as the links between nearest
# neighbours; none crosses the gap. Third: merged to eight clusters, the disc is one of
# them and the ring falls into seven arcs. Last: the arcs have closed to a ring, and the
# NMI is 1. Nobody said how large, round or dense a cluster should be.
#
# ## 2 · A network that learns from its clusters
#
# Nothing has been *learnt* yet. **JULE** (joint unsupervised learning; Yang, Parikh and
# Batra, 2016) lets a network look at the points through its own eyes and alternates:
#
# 1. start from the chains;
# 2. *train* the network so that points of a cluster come close in its output;
# 3. *merge* 90% of the clusters away, by affinities in that output (0.9 is called the
#    unfold rate);
# 4. go to 2, until k clusters are left, and train a last time on these.
#
# What is the network to learn? A **triplet** is three points: an *anchor*, a *positive*
# of the same cluster and a *negative* of another. Each anchor and positive come with
# ten negatives, drawn at random.
#
# ### Exercise 12.3 · Ten negatives (easy)
#
# Write `negatives(cluster_labels, anchor, generator)`: the places of ten pictures of
# other clusters than the anchor's. A picture may come twice. Draw with
# `generator.choice(places, 10)`.


# %%
def negatives(cluster_labels, anchor, generator):
    # BEGIN SOLUTION: return None
    cluster_labels = np.asarray(cluster_labels)
    strangers = np.flatnonzero(cluster_labels != cluster_labels[anchor])
    return generator.choice(strangers, 10)
    # END SOLUTION


checks.ex12_3(negatives)

# %% [markdown]
# With d⁺ the *squared* distance from the anchor to the positive and d⁻ to the negative,
# the **triplet loss** is
#
# max(0, 2 d⁺ − d⁻ + 0.5),  and the mean over all triplets.
#
# It is 0, and the triplet is left in peace, once d⁻ is at least 2 d⁺ + 0.5: the
# negative must be clearly further away than the positive, and half a unit on top.
# Without the 0.5, a network could win by mapping everything onto one point, where all
# distances are 0.
#
# ### Exercise 12.4 · The triplet loss (medium)
#
# Write `loss_of(points, triplets)`. Each row of `triplets` holds three places, of
# anchor, positive and negative.


# %%
def loss_of(points, triplets):
    # BEGIN SOLUTION: return None
    anchor, positive, negative = points[np.asarray(triplets).T]
    near = np.sum((anchor - positive) ** 2, axis=1)
    far = np.sum((anchor - negative) ** 2, axis=1)
    return np.maximum(0, 2 * near - far + 0.5).mean()
    # END SOLUTION


checks.ex12_4(loss_of)

# %%
d_minus = np.linspace(0, 2.5, 100)
figure, panel = plt.subplots(figsize=(6, 3), layout="constrained")
for d_plus, style, colour in ((0, "-", "#0072B2"), (0.5, "--", "#D55E00"),
                              (0.9, ":", "#009E73")):  # fmt: skip
    loss = np.maximum(0, 2 * d_plus - d_minus + 0.5)
    panel.plot(d_minus, loss, style, color=colour, lw=2, label=f"d⁺ = {d_plus}")
panel.set(xlabel="d⁻, squared distance to the negative", ylabel="triplet loss")
panel.legend(frameon=False)
plots.show(
    "Triplet loss against d⁻ for three d⁺: each line falls to 0 and stays there, "
    "the later the greater d⁺ is."
)

# %% [markdown]
# Each line falls until the negative is far enough and is 0 from there on. The further
# the positive (dotted), the further the negative has to go. A network has two ways to
# lower the loss: pull the positive nearer, or push the negative away; the pull counts
# twice.
#
# **The network** is small: from the d numbers of a point to 160, negative ones set to 0
# (ReLU), and from these to 160 others. To keep it tame, 0.01 times the squares of its
# last weights are added to the loss (an **L2 penalty**). Its starting weights are drawn
# at random, by a seed.
#
# *Where the settings come from.* All are those of the papers and of Guérin's tutorial,
# which are unclear in one: they just say "L2". We tried two readings, this penalty and
# outputs scaled to length 1, and chose with their scores on the true labels before our
# eyes, so the numbers of JULE and MVnet below are a little flattered.

# %%
# This imports Keras, which takes some seconds.
print("Keras computes on the", representations.accelerator())
import keras

inputs = keras.Input((2,))
hidden = keras.layers.Dense(160, activation="relu")(inputs)
penalty = keras.regularizers.L2(0.01)
outputs = keras.layers.Dense(160, kernel_regularizer=penalty)(hidden)
print(keras.Model(inputs, outputs).count_params(), "weights,",
      clustering.triplet_network(2).count_params(), "in the library's")  # fmt: skip

# %% [markdown]
# Here is all of JULE. `multiview.train` changes the weights in small steps, each of
# which is meant to lower the loss for some of the triplets; the rule for these steps is
# called Adam. One pass through all triplets is an *epoch*. There are 20, with new
# negatives in each. `multiview.embed` is the network's output. The end is at k clusters
# and a fixed number of epochs: nothing asks how good they are, since without labels
# nobody could tell.

# %%
network = clustering.triplet_network(2, random_state=0)  # untrained
network.compile(optimizer=keras.optimizers.Adam(0.001), jit_compile=False)
labels, seen = chains, [clustering.embed(network, plane)]
while True:
    n_clusters = int(labels.max()) + 1
    losses = clustering.train_triplets(
        network, plane, labels, epochs=20, random_state=n_clusters
    )
    seen.append(clustering.embed(network, plane))
    print(f"{n_clusters:3} clusters: loss {losses[0]:.2f} → {losses[-1]:.2f},",
          len(set(labels[shape == 1].tolist())), "of them in the ring")  # fmt: skip
    if n_clusters == 2:
        break
    merged_away = int(np.ceil(0.9 * n_clusters))
    fewer = max(2, n_clusters - merged_away)
    labels = clustering.merge_clusters(clustering.affinity(seen[-1]), labels, fewer)
print(f"JULE on the plane: NMI {nmi_of(labels):.2f}")

# %%
titles = ["untrained", *(f"training {i}" for i in range(1, len(seen)))]
figure, panels = plt.subplots(1, len(seen), figsize=(10, 3), layout="constrained")
for panel, output, title in zip(panels, seen, titles, strict=True):
    flat = PCA(2, random_state=0).fit_transform(output)
    plots.scatter(flat, shape, names=("disc", "ring"), panel=panel, size=18)
    panel.set(title=title, xlabel="component 1")
panels[0].set_ylabel("component 2")
figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left",
              ncols=2, frameon=False)  # fmt: skip
plots.show(
    f"Two main components of the network's output, untrained and after {len(seen) - 1} "
    "trainings: at first a disc in a ring, at last two heaps far apart."
)

# %% [markdown]
# The network's output has 160 numbers; drawn are its two main components. Untrained, it
# shows disc (circles) and ring (squares) much as they are. After the first training, on
# the 36 chains, all is larger, and the ring is still closed. Then 90% of the clusters
# are merged away and three are left; the second training tears the ring off the disc
# and, but for a few points between, into two heaps, as two of the three clusters were
# parts of the ring. Two of the three are merged,
# rightly those of the ring, and the last training gathers each shape: along
# component 1 they are far apart, while component 2, whose scale is small, hardly
# counts. JULE has learnt to see what before only the neighbours told.
#
# It does not always end so well; exercise 12.5 has a plane on which it fails.
#
# ## 3 · On the stamps, with several views
#
# Three views of the stamps: the last layer of EfficientNetLite0, an earlier one, and
# SqueezeNet. All methods get the same prepared features, as in lesson 8.

# %%
image_set = images.load("stamps", progress=False)
true_labels = image_set.true_labels
K = len(image_set.class_names)
VIEWS = ["EfficientNetLite0", "EfficientNetLite0:block6", "SqueezeNet"]
views = [
    clustering.prepare(
        representations.extract(image_set, view, progress=False), "l2+pca50+kmeans"
    )
    for view in VIEWS
]
for name, view in zip(VIEWS, views, strict=True):
    print(f"{name:25} {view.shape}, {clustering.chains(view).max() + 1} chains")

# %% [markdown]
# **Several views at once.** Lesson 9 let views vote. **MVnet** (Guérin and Boots, 2018;
# Guérin et al., 2021) lets them learn together:
#
# 1. each view gets a network of its own, trained by JULE on this view alone;
# 2. their outputs, side by side, go into one more network, 160-160 again. Only this new
#    one is trained, by JULE with the same loss: that is **MVnet-fix**;
# 3. then everything is trained further, all networks from end to end: **MVnet**.
#
# `multiview.mvnet` gives the labels after each of the three steps. For comparison:
# k-means and Ward on each view, evidence accumulation of the k-means labelings, and
# merging without any network, `clustering.merge_clusters` on the chains of a view.

# %%
N_SEEDS = 5
partitions = {}  # {method: the labels of each seed}


def keep(method, labels):
    partitions.setdefault(method, []).append(labels)


for name, view in zip(VIEWS, views, strict=True):  # these two have no seed
    keep(f"Ward, {name}", clustering.cluster(view, "ward", K))
    weights, start = clustering.affinity(view), clustering.chains(view)
    grown = clustering.merge_clusters(weights, start, K)
    keep(f"merging, {name}", grown)
for seed in range(N_SEEDS):
    voters = [clustering.cluster(view, "kmeans", K, seed) for view in views]
    for name, labels in zip(VIEWS, voters, strict=True):
        keep(f"k-means, {name}", labels)
    keep("evidence accumulation", clustering.evidence_accumulation(voters, K))
found = [nmi_of(labels, true_labels) for labels in partitions[f"k-means, {VIEWS[0]}"]]
print(f"k-means, {VIEWS[0]}: mean NMI {np.mean(found):.2f}")

# %% [markdown]
# **Predict first.** You see the mean NMI of k-means on one view. Which one does MVnet
# have, after all its training on three? (The training takes about a minute.)

# %%
prediction_2 = None  # e.g. 0.9

# %%
for seed in range(N_SEEDS):
    learnt = clustering.mvnet(views, K, random_state=seed)
    for name, labels in zip(VIEWS, learnt["views"], strict=True):
        keep(f"JULE, {name}", labels)
    keep("MVnet-fix, all views", learnt["fixed"])
    keep("MVnet, all views", learnt["tuned"])

# %%
SCORES = ("purity", "nmi", "fowlkes_mallows")
rows = [
    {"method": method, "seed": seed}
    | metrics.scores(labels_true=true_labels, labels_pred=labels, names=SCORES)
    for method, runs in partitions.items()
    for seed, labels in enumerate(runs)
]
results = pd.DataFrame(rows).groupby("method", sort=False)[list(SCORES)]
means, spreads = results.mean(), results.std(ddof=0)
order = means["nmi"].sort_values().index
chance = metrics.chance_scores(
    labels_true=true_labels, labels_pred=partitions["k-means, SqueezeNet"][0]
)
lessons.reveal(prediction_2, round(means.loc["MVnet, all views", "nmi"], 3),
                "the mean NMI of MVnet")  # fmt: skip
table = means.map("{:.3f}".format) + spreads.map(" ± {:.3f}".format)
print("chance", {name: round(chance[name], 3) for name in SCORES})
table.loc[order[::-1]]

# %%
STYLES = {
    "JULE": (plots.PALETTE[1], "D"),
    "MVnet": (plots.PALETTE[1], "*"),
    "merging": (plots.PALETTE[2], "^"),
}  # fmt: skip
told = []
figure, panel = plt.subplots(figsize=(9, 4.6), layout="constrained")
for height, method in enumerate(order):
    family = method.split(",")[0].removesuffix("-fix")
    colour, marker = STYLES.get(family, (plots.PALETTE[0], "o"))
    runs = results.get_group(method)["nmi"]
    panel.plot([runs.min(), runs.max()], [height] * 2, color=colour, lw=2)
    panel.plot(runs.mean(), height, marker, color=colour, ms=9)
    told.append(f"{method} {runs.mean():.2f}")
panel.axvline(chance["nmi"], color="black", ls="--")
panel.text(chance["nmi"] + 0.01, 0, "chance")
panel.set_yticks(range(len(order)), order)
panel.set(xlim=(0, 1), xlabel="NMI: mean of five seeds, bar from worst to best seed")
panel.grid(axis="x", color="#dddddd")
plots.show(f"Mean NMI over the seeds, best first: {'; '.join(told[::-1])}.")

# %% [markdown]
# Mean ± standard deviation over five seeds; Ward and merging have no seed. Methods that
# train a network are in orange (diamond JULE, star MVnet), merging without a network is
# a green triangle, the others are blue circles. What to see, by NMI:
#
# - **The winner learns nothing.** Merging on the chains of `EfficientNetLite0:block6`
#   is first. On both layers of EfficientNet, JULE comes out below mere merging, though
#   on `EfficientNetLite0` by less than its spread. What wins is how clusters are grown,
#   not the training.
# - **On the weakest view training helps.** On SqueezeNet, JULE is above merging and far
#   above k-means and Ward.
# - JULE is above k-means on all three views: clearly on `block6` and SqueezeNet, by
#   less than the spread of k-means on `EfficientNetLite0`. There its *purity* is lower
#   than that of k-means: which one is better depends on the score.
# - **MVnet-fix is level with evidence accumulation**, which trains nothing, and below
#   JULE on its best view, by about its spread.
# - **MVnet loses.** Training everything from end to end makes it worse than MVnet-fix,
#   and its mean lies below that of k-means on either layer of EfficientNet.
#
# Why would more training harm? The networks can fit any clusters; on the plane the loss
# fell to almost 0. So they also fit the errors of the first chains: two chains of the
# same class are negatives for each other, and are pushed apart. With 193 pictures there
# is little to outvote that. And 90% merged away at once leaves a single round: from the
# chains, whose numbers are printed above, straight to seven clusters. This is our
# reading of the table; we have not tested it.
#
# The spreads are those of the seeds only; other pictures may give another order. And on
# another machine, or with another number of threads, sums are rounded otherwise. Long
# training makes much of that: when we took two threads instead of one, the mean NMI of
# MVnet moved by about its spread, and all that is said above stayed true.
#
# ## 4 · More pictures, and what was published
#
# 193 pictures are few to learn from. If Caltech-101 is on this machine, the next cell
# takes ten of its classes, up to 40 pictures each.

# %%
if images.is_here("caltech101-objects"):
    objects = images.load("caltech101-objects", progress=False)
    places = [np.flatnonzero(objects.true_labels == c)[:40] for c in range(10)]
    part = objects.subset(np.concatenate(places))
    found = representations.extract(part, "EfficientNetLite0", progress=False)
    view = clustering.prepare(found, "l2+pca50+kmeans")
    learnt, _ = clustering.jule(view, 10, clustering.triplet_network(view.shape[1]))
    for name, labels in (("k-means", clustering.cluster(view, "kmeans", 10)),
                         ("JULE", learnt)):  # fmt: skip
        print(f"{name:8} NMI {nmi_of(labels, part.true_labels):.3f}")
else:
    print("Caltech-101 is not on this machine (COURSE_CALTECH101 may name its folder).")

# %% [markdown]
# A longer run cannot be part of a lesson, so here is what we measured on a slice of
# Caltech-101: ten classes drawn at random, 40 pictures each, the same views and
# methods, five seeds, by
#
# ```
# python tests/benchmarks/learning.py --folder 101_ObjectCategories
# ```
#
# | Caltech-101, 400 pictures | purity | NMI | Fowlkes-Mallows |
# |---|---|---|---|
# | JULE, `EfficientNetLite0` | .972 ± .003 | .951 ± .002 | .946 ± .005 |
# | k-means, `EfficientNetLite0` | .968 ± .002 | .942 ± .002 | .933 ± .003 |
# | MVnet-fix | .949 ± .039 | .938 ± .022 | .918 ± .042 |
# | merging, `EfficientNetLite0` | .965 | .936 | .931 |
# | evidence accumulation | .953 ± .039 | .934 ± .027 | .920 ± .045 |
# | MVnet | .946 ± .037 | .931 ± .025 | .909 ± .045 |
# | k-means, SqueezeNet | .941 ± .033 | .916 ± .016 | .902 ± .030 |
# | Ward, `EfficientNetLite0` | .940 | .912 | .875 |
# | Ward, SqueezeNet | .890 | .871 | .821 |
# | JULE, SqueezeNet | .873 ± .012 | .864 ± .006 | .824 ± .005 |
# | merging, SqueezeNet | .865 | .858 | .806 |
# | JULE, `EfficientNetLite0:block6` | .823 ± .027 | .850 ± .012 | .768 ± .018 |
# | k-means, `EfficientNetLite0:block6` | .852 ± .006 | .839 ± .005 | .775 ± .006 |
# | merging, `EfficientNetLite0:block6` | .807 | .822 | .728 |
# | Ward, `EfficientNetLite0:block6` | .815 | .802 | .713 |
# | chance | .176 | .045 | .097 |
#
# Here **learning wins, by a little**: JULE on `EfficientNetLite0` is above k-means and
# merging on the same view, by more than the spread, and it is the best of all. On
# `block6` it is above k-means by NMI, within its spread, and below it by the two other
# scores. On SqueezeNet **JULE loses to k-means**, the other way round than on the
# stamps. And **neither MVnet nor the vote reaches the best single view**: MVnet-fix and
# evidence accumulation are level, and training from end to end does not pay here
# either.
#
# **Published.** Guérin et al. (2021) fused ten networks, on more pictures than we have.
# Their MVEC is lesson 9's evidence accumulation:
#
# | NMI / purity | MVEC | MVnet |
# |---|---|---|
# | VOC2007 | .794 / .816 | .827 / .860 |
# | COIL100 | .967 / .874 | .996 / .980 |
# | UMist faces | .763 / .610 | .984 / .967 |
#
# There MVnet wins on all three, on UMist by far. Ours has two small networks instead of
# ten, fewer pictures, other ones, and does not win. Both are true; a method that learns
# has to show on *your* pictures that it is worth its training.
#
# ## Exercises
#
# 12.1 to 12.4 stand above. One more:
#
# ### Exercise 12.5 · When does learning pay? (open)
#
# Ask a question about JULE and answer it with at least two recipes and three seeds, the
# same for both. Give the check a table with the columns `recipe`, `seed`, `nmi`. For
# instance:
#
# - does learning help or harm on two interleaved moons (`sklearn.datasets.make_moons`)?
# - smaller steps: `clustering.jule(view, K, network, unfold=0.5, random_state=seed)` on
#   a stamp view, against 0.9 (`clustering.triplet_network(50, random_state=seed)` makes a
#   network for it). With `finish=False` the last training, which no label depends on, is
#   left out
# - fewer neighbours: `clustering.affinity(view, 5)` and `clustering.merge_clusters`

# %%
# BEGIN SOLUTION: comparison = None
from sklearn.datasets import make_moons

rows = []
for seed in range(3):
    points, moon = make_moons(120, noise=0.06, random_state=seed)
    weights, start = clustering.affinity(points), clustering.chains(points)
    grown = clustering.merge_clusters(weights, start, 2)
    network = clustering.triplet_network(2, random_state=seed)
    learnt, _ = clustering.jule(
        points, 2, network, finish=False, random_state=seed
    )
    for recipe, found in {"merging": grown, "JULE": learnt}.items():
        rows.append({"recipe": recipe, "seed": seed, "nmi": nmi_of(found, moon)})
comparison = pd.DataFrame(rows)
# END SOLUTION
checks.ex12_5(comparison)

# %% tags=["solution"]
comparison.groupby("recipe")["nmi"].agg(["mean", "std", "min", "max"]).round(3)

# %% [markdown] tags=["solution"]
# *Question:* does learning help on two moons? *Answer:* it destroys them. Merging finds
# both moons every time, and JULE never comes near. The first training, on many small
# chains, spoils the neighbours from which the moons could be told.

# %%
checks.summary()

# %% [markdown]
# ## In this notebook we …
#
# - grew clusters from chains of neighbours, by an affinity that needs both sides
# - wrote the triplet loss, and let a network and its clusters teach each other
# - put networks of several views together, fixed first and then trained end to end
# - saw learning win on the weak view, lose to plain merging on the good ones, and MVnet
#   lose to its own fixed version
#
# ## Recall
#
# 1. Why is a pair of clusters with a high affinity not always merged first?
#
# <details><summary>Answer</summary>
#
# Its worth is the affinity plus its lead over the affinities to the next clusters. With
# rivals close behind, the choice is uncertain, and waiting costs nothing.
#
# </details>
#
# 2. What does max(0, 2 d⁺ − d⁻ + 0.5) ask for, and why the 0.5?
#
# <details><summary>Answer</summary>
#
# That the squared distance to the negative is at least twice that to the positive, and
# 0.5 more. Without the 0.5 a network that maps everything onto one point would have
# loss 0.
#
# </details>
#
# 3. The triplet loss went to almost 0. Are the clusters good?
#
# <details><summary>Answer</summary>
#
# That does not follow. The loss says how well the network fits the clusters it was
# given, right or wrong. Wrong ones can be fitted just as well.
#
# </details>
#
# ## References
#
# - J. Yang, D. Parikh, D. Batra, *Joint unsupervised learning of deep representations
#   and image clusters*, CVPR 2016, arXiv:1604.03628 (JULE)
# - W. Zhang, X. Wang, D. Zhao, X. Tang, *Graph degree linkage: agglomerative clustering
#   on a directed graph*, ECCV 2012 (the affinity of clusters)
# - J. Guérin, B. Boots, *Improving image clustering with multiple pretrained CNN
#   feature extractors*, BMVC 2018, arXiv:1807.07760
# - J. Guérin, S. Thiery, E. Nyiri, O. Gibaru, B. Boots, *Combining pretrained CNN
#   feature extractors to enhance clustering of complex natural images*,
#   Neurocomputing 423, 2021, arXiv:2101.02767 (MVnet, the published numbers)
# - J. Guérin, *Tutorial on Image Clustering*, 2019 (JULE with the settings used here)
#
# ## Next
#
# Lesson 13, `13_your_own_dataset.ipynb`: all of this on pictures of your own.
