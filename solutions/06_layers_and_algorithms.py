# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 6 · Layers and algorithms
#
# In lesson 5 a network gave one representation and k-means did the rest. Behind that
# stood half a dozen choices that nobody asked you about: which layer, how it is pooled,
# how the vectors are prepared, which algorithm, which seed, how many clusters. Here you
# turn each of these knobs alone, and learn which differences you may report.
#
# **You will be able to**
#
# - read any layer of a network and draw how the score changes with depth
# - pool feature maps, and say what PCA and whitening do to distances
# - run nine clustering algorithms on the same features and treat their noise fairly
# - put an error bar on a score, and tell a difference from luck
# - choose a layer, a run and a number of clusters without looking at the true labels
#
# **You need** lessons 1 to 5: k-means, NMI, what a layer of a network is.
#
# **Reading** 40 minutes, the exercises as much again · **run time** about a minute on a
# CPU; on a GPU the passes through the networks are faster, the rest is the same

# %% tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr
from sklearn.cluster import KMeans

from course_utils import backbones, checks, clustering, datasets, imagesets, metrics

# %%
image_set = datasets.load("stamps", progress=False)
n_classes = len(image_set.class_names)
image_set

# %% [markdown]
# ## 1 · Layer by layer
#
# A network is a chain. Each layer takes what the one before has made of the picture and
# puts out a stack of *feature maps*: fewer and fewer places, more and more channels.
# `backbones.layers` lists them with their shapes; here are the ends of the seven blocks
# of EfficientNetLite0. Its last layer, `top`, holds the probabilities of the 1000
# ImageNet classes.

# %%
DEPTHS = {
    "EfficientNetLite0": ["stem", *(f"block{i}" for i in range(1, 8)), "pool", "top"],
    "SqueezeNet": ["conv1", *(f"fire{i}" for i in range(2, 10)), "conv10", "top"],
}
shapes = backbones.layers("EfficientNetLite0")  # also imports Keras, quietly
for name in [*DEPTHS["EfficientNetLite0"][:-2], "head", "pool", "top"]:
    print(f"{name:8}", " × ".join(str(size) for size in shapes[name][1:]))

# %% [markdown]
# To compare twenty layers we need not run the network twenty times. A Keras model may
# have many outputs: one pass, and a branch leaves it at every layer. Layers that still
# have height and width are averaged over their places; two blocks we also keep in two
# other versions, for section 2. (`Flatten()(output)` makes a layer and joins it on.)

# %%
import keras

from course_utils import bundled

POOLED_THREE_WAYS = ("block5", "block7")


def with_branches(network, layers):
    """The same network with one output a layer, by name."""
    outputs = {}
    for layer in layers:
        output = network.get_layer(layer).output
        if len(output.shape) == 4:  # pictures, height, width, channels
            if layer in POOLED_THREE_WAYS:
                outputs[f"{layer} max"] = keras.layers.GlobalMaxPooling2D()(output)
                outputs[f"{layer} flat"] = keras.layers.Flatten()(output)
            output = keras.layers.GlobalAveragePooling2D()(output)
        outputs[layer] = output
    return keras.Model(network.input, outputs)


# %% [markdown]
# The function below returns `{"SqueezeNet:fire5": array (n, 256), …}`. Of the maps only
# their averages stay in memory, except for the two flattened blocks.

# %%
NETWORKS = {
    "EfficientNetLite0": (
        bundled.efficientnet_lite0,
        bundled.preprocess_efficientnet_lite0,
    ),
    "SqueezeNet": (bundled.squeezenet, bundled.preprocess_squeezenet),
}
models = {name: with_branches(NETWORKS[name][0](), DEPTHS[name]) for name in NETWORKS}


def every_layer(image_set):
    """Features of all the layers in DEPTHS: dict {representation: (n, width)}."""
    pictures = np.stack([image_set.picture(i, 224) for i in range(len(image_set))])
    features = {}
    for name, (_, preprocess) in NETWORKS.items():
        found = models[name].predict(preprocess(pictures), batch_size=32, verbose=0)
        features |= {f"{name}:{layer}": rows for layer, rows in found.items()}
    return features


# %%
features = every_layer(image_set)
features["raw"] = np.stack(
    [image_set.picture(i, 32).ravel() / 255 for i in range(len(image_set))]
)
for name in ("raw", "EfficientNetLite0:stem", "EfficientNetLite0:pool"):
    print(f"{name:24}", features[name].shape)

# %% [markdown]
# **Predict first.** Which layer of EfficientNetLite0 will give the best clusters? Name
# one of `stem`, `block1` … `block7`, `pool`, `top`. Think of what the network was
# trained for, and of what clusters of *our* classes need.

# %%
prediction = None  # e.g. "block4"

# %% [markdown]
# Every layer gets the same treatment, lesson 5's `l2+kmeans` with k = the number of
# classes, and the same five seeds. A new tool makes it fast. **PCA** (principal component
# analysis) turns the axes: the first new axis, or *component*, lies where the points spread
# most, the second where they spread most at right angles to it, and so on. Two points lie
# on a line, three in a plane, and 193 points in 192 dimensions, however long their
# vectors. So 192 components hold everything. Turning the axes **changes no distance**,
# and k-means finds the same clusters in a fraction of the time.

# %%
def prepared(vectors, steps="l2+pca192"):
    """The vectors after these steps of course_utils.clustering."""
    return clustering.prepare(vectors, f"{steps}+kmeans")


def nmi_of(cluster_labels, true_labels=image_set.true_labels):
    return metrics.nmi(true_labels=true_labels, cluster_labels=cluster_labels)


before = pdist(prepared(features["EfficientNetLite0:pool"], "l2"))
after = pdist(prepared(features["EfficientNetLite0:pool"]))
print(f"largest change of a distance: {np.abs(before - after).max():.1e}")


# %%
def study_layers(features, image_set, n_seeds=5):
    """One row a layer and seed: its NMI and silhouette."""
    rows, k = [], len(image_set.class_names)
    for name, vectors in features.items():
        points = prepared(vectors)
        for seed in range(n_seeds):
            found = clustering.cluster(points, "kmeans", k, seed)
            network, _, layer = name.partition(":")
            nmi = nmi_of(found, image_set.true_labels)
            rows.append((network, layer, seed, nmi, metrics.silhouette(points, found)))
    return pd.DataFrame(rows, columns=["network", "layer", "seed", "nmi", "silhouette"])


averaged = {name: rows for name, rows in features.items() if " " not in name}
layer_runs = study_layers(averaged, image_set)
raw_nmi = layer_runs[layer_runs["network"] == "raw"]["nmi"].mean()
some_labels = clustering.cluster(prepared(features["raw"]), "kmeans", n_classes)
chance = metrics.chance_scores(
    true_labels=image_set.true_labels, cluster_labels=some_labels
)["nmi"]
print(f"raw pixels: NMI {raw_nmi:.2f}; chance: {chance:.2f}")

# %%
sns.set_palette(["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"])
MARKERS = {"EfficientNetLite0": "o", "SqueezeNet": "D"}
figure, panels = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
for panel, (network, marker) in zip(panels, MARKERS.items(), strict=True):
    shown = layer_runs[layer_runs["network"] == network]
    sns.lineplot(
        shown, x="layer", y="nmi", errorbar=("pi", 100), marker=marker, ax=panel
    )
    panel.axhline(raw_nmi, color="#666666", ls="--")
    panel.axhline(chance, color="black", ls=":")
    panel.text(4, raw_nmi - 0.045, "raw pixels", color="#666666")
    panel.text(4, chance + 0.012, "chance")
    panel.tick_params(axis="x", rotation=45)
    panel.set(title=network, xlabel="layer, from the picture on")
    panel.set(ylabel="NMI", ylim=(0, 1))
plt.show()

# %% [markdown]
# Each mark is the mean of five seeds and the band reaches from the worst to the best of
# them. The first layers are about as good as raw pixels: averaged over all places, edges
# and colours say little about what a picture shows. From there both curves climb,
# EfficientNetLite0's to a plateau over `block6`, `block7` and `pool`, SqueezeNet's with a
# dip at `fire5` up to `conv10`, its class scores. Then both fall: `top` is worse by a wide
# margin.

# %%
means = layer_runs.groupby(["network", "layer"], sort=False)["nmi"].mean()
best_layer = means["EfficientNetLite0"].idxmax()
notebook.reveal(prediction, best_layer, "the layer with the highest mean NMI")
print(means["EfficientNetLite0"].round(3).to_string())

# %% [markdown]
# Why the fall at the very end? `top` went through a *softmax*, which turns scores into
# probabilities. A coin that resembles an ImageNet class a little more than the others
# gets nearly all its probability there, and two coins that fall to two different classes
# become as far apart as a coin and a goose. The step can be undone: the logarithm gives the
# scores back, but for one number a picture, which goes when the mean is taken off.

# %%
for name in DEPTHS:
    probabilities = features[f"{name}:top"]
    logarithms = np.log(probabilities + 1e-12)
    scores = logarithms - logarithms.mean(axis=1, keepdims=True)
    for what, vectors in {"probabilities": probabilities, "scores": scores}.items():
        points = prepared(vectors)
        found = [clustering.cluster(points, "kmeans", n_classes, s) for s in range(5)]
        nmi = [nmi_of(labels) for labels in found]
        print(f"{name:18} {what:14} NMI {np.mean(nmi):.2f}")

# %% [markdown]
# The scores are worth as much as the layers before them; the probabilities are not. If a
# network offers you only its answers, take the logarithm first.
#
# ## 2 · Pooling and preparing
#
# `block5` puts out 14 × 14 places with 112 channels each. K-means needs one vector a
# picture. Three ways: **average** over the places (how much of this is in the picture?),
# **maximum** over the places (is this anywhere in the picture?), or **flatten**: keep
# all 14 × 14 × 112 = 21,952 numbers, each tied to its place.
#
# ### Exercise 6.1 · Pool feature maps by hand (easy)
#
# Write `pool(maps, how)` with NumPy. `maps` has the shape (pictures, height, width,
# channels); `how` is `"average"`, `"max"` or `"flat"`. The first two return (pictures,
# channels), the last one (pictures, height × width × channels).

# %%
def pool(maps, how):
    # BEGIN SOLUTION: return None
    if how == "average":
        return maps.mean(axis=(1, 2))
    if how == "max":
        return maps.max(axis=(1, 2))
    return maps.reshape(len(maps), -1)
    # END SOLUTION


checks.ex06_1(pool)

# %% [markdown]
# Our model with branches has pooled two blocks all three ways already, with Keras'
# layers. Does keeping every place help?

# %%
rows = []
for block in POOLED_THREE_WAYS:
    for how, suffix in {"average": "", "maximum": " max", "flatten": " flat"}.items():
        vectors = features[f"EfficientNetLite0:{block}{suffix}"]
        points = prepared(vectors)
        for seed in range(5):
            nmi = nmi_of(clustering.cluster(points, "kmeans", n_classes, seed))
            rows.append((block, f"{how}\n{vectors.shape[1]:,} numbers", nmi))
pooling_runs = pd.DataFrame(rows, columns=["block", "pooling", "nmi"])

# %%
figure, panels = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True, layout="constrained")
for panel, (block, runs) in zip(panels, pooling_runs.groupby("block"), strict=True):
    sns.stripplot(runs, x="pooling", y="nmi", ax=panel, jitter=0.1, size=7, alpha=0.7)
    panel.axhline(chance, color="black", ls=":")
    panel.text(1.6, chance + 0.02, "chance")
    side = shapes[block][1]
    panel.set(title=f"{block}: {side} × {side} places", xlabel="")
    panel.set(ylabel="NMI", ylim=(0, 1))
plt.show()

# %% [markdown]
# A dot is a seed. Average and maximum cannot be told apart here: their dots overlap.
# Flattening loses, a little at `block7` with its 7 × 7 places and a lot at `block5` with
# 14 × 14. A flattened vector asks "is there a beak *at this place*?", so a bird that looks
# left and one that looks right are far apart. Pooling forgets the place and keeps the
# beak; it also makes the vector 49 or 196 times shorter.
#
# **Length.** `l2` divides a vector by its length, so that only its direction counts: the
# mix of channels and not how strongly they all respond. What does it bring?

# %%
for name in ("EfficientNetLite0", "SqueezeNet"):
    for layer in DEPTHS[name][3::2]:
        points = prepared(features[f"{name}:{layer}"], "pca192")
        found = [clustering.cluster(points, "kmeans", n_classes, s) for s in range(5)]
        without = np.mean([nmi_of(labels) for labels in found])
        with_l2 = means[name, layer]
        print(f"{name:18} {layer:7} without l2 {without:.2f}, with {with_l2:.2f}")

# %% [markdown]
# A few hundredths at most layers: as much as the seeds move the score, but nearly always
# upwards. And at `top` of EfficientNetLite0 a great deal, because a probability vector is
# long where the network is sure and short where it is not. The habit costs nothing: keep it.
#
# **PCA.** The components come sorted by their spread, the variance. How many do we need?
# And there is a popular extra step, **whitening**, which divides every component by its
# standard deviation, so that all have variance 1 and none can dominate.

# %%
pool_points = prepared(features["EfficientNetLite0:pool"])
share = np.cumsum(pool_points.var(axis=0)) / pool_points.var(axis=0).sum()
for n_components in (2, 6, 20, 50, 192):
    print(f"{n_components:4} components: {share[n_components - 1]:.0%} of the variance")

# %% [markdown]
# **Predict first.** With all 192 components, plain PCA leaves the NMI of `pool` as it
# was. What will it be when each of the 192 is whitened, so that every component gets an
# equal say?

# %%
prediction_2 = None  # e.g. 0.85

# %%
rows = []
for n_components in (2, 3, 6, 12, 24, 48, 96, 192):
    plain = pool_points[:, :n_components]
    whitened = plain / plain.std(axis=0)
    for what, vectors in {"PCA": plain, "PCA, whitened": whitened}.items():
        for seed in range(5):
            nmi = nmi_of(clustering.cluster(vectors, "kmeans", n_classes, seed))
            rows.append((n_components, what, nmi))
pca_runs = pd.DataFrame(rows, columns=["components", "step", "nmi"])

# %%
figure, panel = plt.subplots(figsize=(8, 3.8), layout="constrained")
sns.lineplot(
    pca_runs,
    x="components",
    y="nmi",
    hue="step",
    style="step",
    markers=["o", "D"],
    errorbar=("pi", 100),
    ax=panel,
)
panel.axhline(chance, color="black", ls=":")
panel.text(2, chance + 0.02, "chance")
panel.set_xscale("log", base=2)
kept = sorted(set(pca_runs["components"]))
panel.set_xticks(kept, kept)
panel.set(xlabel="components kept (logarithmic axis)", ylabel="NMI", ylim=(0, 1))
panel.legend(title="", loc="center left")
plt.show()

# %% [markdown]
# The plain line (circles) is flat from six components on: six numbers a picture, with less
# than a third of the variance, cluster as well as 1280. The whitened line (diamonds) starts
# level with it; from 12 components on it sinks, and with 192 it is down at chance.

# %%
whole = pca_runs[(pca_runs["components"] == 192) & (pca_runs["step"] != "PCA")]
notebook.reveal(prediction_2, float(whole["nmi"].mean()), "the whitened NMI")
for n_components in (6, 48, 192):
    whitened = pool_points[:, :n_components] / pool_points[:, :n_components].std(axis=0)
    distances = pdist(whitened)
    print(
        f"{n_components:4} whitened components: distances "
        f"{distances.min():.2f} to {distances.max():.2f}, mean {distances.mean():.2f}"
    )

# %% [markdown]
# The first components hold what groups of pictures have in common; the last ones hold
# what sets single pictures apart, which is noise to us. Whitening gives a noise component
# the same weight as a good one, and there are many more of them. With 193 pictures and
# 192 components the end is exact: **all distances are equal**, as the last line shows.
# Every picture is as far from every other, and there is nothing left to cluster.
# Whiten few components of many pictures, or not at all.
#
# ### Exercise 6.2 · How many components? (medium)
#
# Write `components_for(vectors, wanted)`: the smallest number of principal components
# which together hold at least the share `wanted` of the variance of `vectors` (n, d). Use
# `np.linalg.svd` of the centred vectors: the squared singular values are in proportion
# to the variances.

# %%
def components_for(vectors, wanted):
    # BEGIN SOLUTION: return None
    centred = vectors - vectors.mean(axis=0)
    singular_values = np.linalg.svd(centred, compute_uv=False)
    variances = singular_values**2
    shares = np.cumsum(variances) / variances.sum()
    return int(np.argmax(shares >= wanted - 1e-12)) + 1
    # END SOLUTION


checks.ex06_2(components_for)

# %% [markdown]
# ## 3 · Nine algorithms, the same features
#
# `course_utils.clustering` knows nine by name. In one line each:
#
# - `kmeans`, `minibatch`: the nearest of k centres; the second looks at a few pictures at
#   a time, for large sets
# - `ward`, `average`, `complete`: start with single pictures, join the two nearest groups;
#   they differ in what "near" means (least added variance, mean distance, largest distance)
# - `spectral`: cut the graph of nearest neighbours where few edges cross
# - `gmm`: like k-means, but each cluster has its own width along every axis
# - `dbscan`, `hdbscan`: a cluster is a dense region; they **find k themselves** and leave
#   pictures in thin regions over as **noise**, label −1
#
# For noise our scores have one rule, the same for all: the leftovers count as one more
# cluster. Nobody gains by refusing to answer.

# %%
COMPARED = (
    "raw",
    "SqueezeNet:fire9",
    "EfficientNetLite0:block7",
    "EfficientNetLite0:pool",
)
rows = []
for representation in COMPARED:
    compared_points = prepared(features[representation])
    for algorithm in clustering.ALGORITHMS:
        n_seeds = 5 if algorithm in clustering.SEEDED else 1
        for seed in range(n_seeds):
            found = clustering.cluster(compared_points, algorithm, n_classes, seed)
            row = {"representation": representation, "algorithm": algorithm}
            row |= {"seed": seed, "n_clusters": len(set(found) - {-1})}
            row["n_noise"] = int((found == -1).sum())
            row["largest"] = int(np.bincount(found[found >= 0]).max())
            rows.append(row | {"nmi": nmi_of(found)})
algorithm_runs = pd.DataFrame(rows)

# %%
table = algorithm_runs.pivot_table(
    index="algorithm", columns="representation", values="nmi", sort=False
)
figure, panel = plt.subplots(figsize=(8, 4.6), layout="constrained")
sns.heatmap(table, annot=True, fmt=".2f", cmap="cividis", vmin=0, vmax=1, ax=panel)
panel.collections[0].colorbar.set_label("NMI, mean over the seeds")
names = [name.replace(":", "\n") for name in table.columns]
panel.set_xticks(panel.get_xticks(), names)
panel.tick_params(axis="both", length=0, rotation=0)
panel.set(xlabel="", ylabel="")
plt.show()

# %% [markdown]
# Compare columns first: from raw pixels to any network layer, every row gains more than
# the algorithms that were told k differ within a column. In a column the best few are a
# few hundredths apart. `spectral` is first or level with the first in each: a hint, on
# one image set, and no more. On the networks the lower two rows, the algorithms that find
# k themselves, are behind all others; and `average` is fine on EfficientNetLite0 and
# useless on pixels.

# %%
once = algorithm_runs[algorithm_runs["seed"] == 0]
shown = once[once["algorithm"].isin(["kmeans", "average", "dbscan", "hdbscan"])]
shown.drop(columns="seed").round(2)

# %% [markdown]
# The table says why. On raw pixels `average` puts nearly all pictures into one cluster and
# gives the other six to outliers. `dbscan` and `hdbscan` leave between a fifth and a third of
# the pictures over as noise even on the networks' features: in a space of many dimensions
# our classes are not dense islands. They could be tuned (`eps`, `min_cluster_size`), but by what, if
# the true labels must not be used?
#
# ### Exercise 6.3 · Three ways to count noise (medium)
#
# A paper reports HDBSCAN's NMI "without the noise points". Write
# `noise_three_ways(true_labels, cluster_labels)`, which returns a dict with three NMIs:
# `"left out"` (only the pictures that have a cluster), `"one cluster"` (all the noise is
# one more cluster) and `"each alone"` (each noise picture is a cluster of its own). Take
# `metrics.nmi`.

# %%
def noise_three_ways(true_labels, cluster_labels):
    # BEGIN SOLUTION: return None
    true_labels, cluster_labels = np.asarray(true_labels), np.asarray(cluster_labels)
    is_noise = cluster_labels == -1
    alone = cluster_labels.copy()
    alone[is_noise] = cluster_labels.max() + 1 + np.arange(is_noise.sum())
    versions = {
        "left out": (true_labels[~is_noise], cluster_labels[~is_noise]),
        "one cluster": (true_labels, cluster_labels),
        "each alone": (true_labels, alone),
    }
    return {
        name: metrics.nmi(true_labels=true, cluster_labels=found)
        for name, (true, found) in versions.items()
    }
    # END SOLUTION


checks.ex06_3(noise_three_ways)

# %%
dense = clustering.cluster(pool_points, "hdbscan", n_classes)
print(f"{(dense == -1).sum()} of {len(dense)} pictures are noise")
noise_three_ways(image_set.true_labels, dense)

# %% [markdown]
# Once your function works, look at the first number beside the second. Leaving the hard
# pictures out of the exam is the easiest way to a good mark: always ask how many were left.
#
# ## 4 · A fair comparison, and how to read it
#
# ### Seeds and error bars
#
# K-means starts from random centres and walks downhill: from other centres it may end
# in another valley. `n_init=10` starts ten times and keeps the run with the lowest
# **inertia**, the sum of squared distances to the centres. Twenty seeds, with and without:

# %%
rows = []
for n_init in (1, 10):
    for seed in range(20):
        kmeans = KMeans(n_classes, n_init=n_init, random_state=seed).fit(pool_points)
        rows.append((n_init, seed, kmeans.inertia_, nmi_of(kmeans.labels_)))
seed_runs = pd.DataFrame(rows, columns=["n_init", "seed", "inertia", "nmi"])
seed_runs.groupby("n_init")["nmi"].agg(["min", "mean", "max", "std"]).round(3)

# %%
figure, panel = plt.subplots(figsize=(8, 3.8), layout="constrained")
sns.scatterplot(
    seed_runs,
    x="inertia",
    y="nmi",
    hue="n_init",
    style="n_init",
    palette=["#D55E00", "#0072B2"],
    markers=["D", "o"],
    s=60,
    ax=panel,
)
for text, run in {
    "lowest inertia": seed_runs.sort_values("inertia").iloc[0],
    "highest NMI": seed_runs.sort_values("nmi").iloc[-1],
}.items():
    panel.text(run["inertia"] - 0.08, run["nmi"], text, ha="right", va="center")
panel.set(xlabel="inertia, which k-means makes small", ylabel="NMI", xlim=(102, None))
plt.show()

# %% [markdown]
# A mark is one run. The single starts (diamonds) spread far to the right: bad valleys. Ten
# starts (circles) remove those. But among the good runs, on the left, inertia and NMI are
# strangers: the run with the lowest inertia has an NMI below the mean of the circles, and
# the highest NMI belongs to another. **Choose by inertia all the same**: it needs no
# labels. Whoever picks the seed with the highest NMI has used the answers, and nobody
# can do that on new pictures.

# %%
spread = seed_runs[seed_runs["n_init"] == 10]["nmi"].agg(np.ptp)
print(f"range of 20 seeds with ten starts each: {spread:.3f}")

# %% [markdown]
# In the table that Guérin et al. (2021) published, the k-means NMIs of five networks on the
# UMist faces run from .658 to .700, a range of .042. Other pictures than ours, so other
# spreads; but here *one* network with *one* setting has a range more than twice as wide,
# by the seed alone.
#
# ### No seed, no doubt?
#
# Ward has no seed and so no error bar. That does not make it certain: our 193 pictures are
# themselves a sample. So draw 80% of the pictures twenty times and give both
# algorithms **the same** draws.

# %%
rows = []
for draw in range(20):
    generator = np.random.default_rng(draw)
    n = len(pool_points)
    chosen = generator.choice(n, int(0.8 * n), replace=False)
    row = [draw]
    for algorithm in ("kmeans", "ward"):
        found = clustering.cluster(pool_points[chosen], algorithm, n_classes, draw)
        row.append(nmi_of(found, image_set.true_labels[chosen]))
    rows.append(row)
draws = pd.DataFrame(rows, columns=["draw", "kmeans", "ward"])
draws[["kmeans", "ward"]].agg(["min", "mean", "max", "std"]).round(3)

# %% [markdown]
# Ward's scores move as much as those of k-means, only by the choice of pictures. The means
# differ by less than one standard deviation. Is k-means better, then? Compare **in pairs**:
# on an easy draw both score high, on a hard one both low, and the difference within a
# pair is free of that.
#
# ### Exercise 6.4 · Compare in pairs (medium)
#
# Write `paired(first, second)` for two sequences of scores on the same draws. Return
# `(mean_difference, share_won)`: the mean of first minus second, and the share of draws on
# which the first is higher; a tie counts one half.

# %%
def paired(first, second):
    # BEGIN SOLUTION: return None
    differences = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
    won = (differences > 0).mean() + 0.5 * (differences == 0).mean()
    return float(differences.mean()), float(won)
    # END SOLUTION


checks.ex06_4(paired)

# %%
paired(draws["kmeans"], draws["ward"])

# %% [markdown]
# Look at the second number once your function works: a winner that loses four draws in
# ten is not one to announce.
#
# ### Choosing a layer without peeking
#
# In section 1 the figure told us which layer is best, *by the true labels of the very
# pictures we score*. To report that layer's NMI as a result is **peeking**: with enough
# layers, algorithms and seeds some combination wins by luck, and its luck is in the
# number. Two honest ways:
#
# 1. a score that needs no labels: the **silhouette**, how much nearer a picture is to its
#    own cluster than to the next one;
# 2. a **second image set** with labels of its own. Choose there, report here.
#
# For the second we take a hundred other pictures of the same drawing program, in nine
# folders. None of them is among our 193.

# %%
FOLDERS = {
    "clothes": "clothes",
    "vehicles": "vehicles",
    "household/tools": "tools",
    "animals/fish": "fish",
    "hobbies/music": "instruments",
    "space/planets": "planets",
    "animals/insects": "insects",
    "plants/trees": "trees",
    "town/flags": "flags",
}
stamps_all = datasets.load("stamps-all", progress=False)
places, names = [], []
for place, category in enumerate(stamps_all.categories):
    for folder, name in FOLDERS.items():
        if f"{category}/".startswith(f"{folder}/"):
            places.append(place)
            names.append(name)
sister_set = imagesets.relabel(stamps_all.subset(places), names)
print(sister_set.class_names, len(sister_set), "pictures;", end=" ")
print(len(set(sister_set.digests) & set(image_set.digests)), "in both sets")

# %%
sister_features = {n: v for n, v in every_layer(sister_set).items() if " " not in n}
sister_runs = study_layers(sister_features, sister_set, n_seeds=3)
by_layer = ["network", "layer"]
choices = layer_runs.groupby(by_layer, sort=False)[["nmi", "silhouette"]].mean()
choices["sister"] = sister_runs.groupby(by_layer)["nmi"].mean()
choices = choices.dropna().reset_index()  # raw is no layer
choices.sort_values("nmi").round(2)

# %%
figure, panels = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
for panel, by in zip(panels, ("silhouette", "sister"), strict=True):
    sns.scatterplot(
        choices,
        x=by,
        y="nmi",
        hue="network",
        style="network",
        markers=["o", "D"],
        s=60,
        legend=by == "sister",
        ax=panel,
    )
    rank = spearmanr(choices[by], choices["nmi"]).statistic
    panel.set_title(f"rank correlation {rank:+.2f}")
    for _, layers in choices.groupby("network"):
        pick = layers.loc[layers[by].idxmax()]
        at = (pick[by], pick["nmi"] + 0.05)
        panel.text(*at, pick["layer"], ha="center", weight="bold")
    panel.axhline(chance, color="black", ls=":")
    panel.text(0.02, chance + 0.015, "chance", transform=panel.get_yaxis_transform())
    panel.margins(x=0.1)
    panel.set(ylabel="NMI on our pictures", ylim=(0, 1))
panels[0].set_xlabel("silhouette on our pictures (no labels needed)")
panels[1].set_xlabel("NMI on the sister set")
panels[1].legend(title="", loc="upper left")
plt.show()

# %% [markdown]
# A mark is a layer; the named ones are those each method would choose. The rank
# correlation is +1 where both scores put the layers in the same order, −1 in the opposite
# order. Left: the silhouette
# is worse than no help: the layers with the highest silhouette are the first ones, whose
# NMI is near that of raw pixels, and the correlation is negative. A silhouette compares
# distances *within one space*; `stem` has 32 numbers, `pool` 1280, and short vectors form
# tighter clusters whatever they mean. Right: the marks lie along a rising line. The sister
# set's favourites are near the top on our pictures too.

# %%
mine = choices[choices["network"] == "EfficientNetLite0"].set_index("layer")["nmi"]
theirs = choices[choices["network"] == "EfficientNetLite0"].set_index("layer")["sister"]
picks = {"on the sister set": theirs.idxmax(), "by peeking": mine.idxmax()}
for how, layer in picks.items():
    print(f"chosen {how}: {layer}, NMI here {mine[layer]:.3f}")

# %% [markdown]
# The first line may be reported, the second may not, and the price of honesty is small
# here. It is so small that the order of these two layers means little anyway.
#
# ### k other than the number of classes
#
# We have always given k-means the number of classes, which is peeking too, if a mild and
# customary one. What do the scores say for other k?

# %%
rows = []
for k in (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30, 40):
    for seed in range(3):
        found = clustering.cluster(pool_points, "kmeans", k, seed)
        scores = metrics.scores(
            true_labels=image_set.true_labels, cluster_labels=found
        )
        scores["silhouette"] = metrics.silhouette(pool_points, found)
        for score in ("purity", "nmi", "ari", "silhouette"):
            rows.append((k, seed, score, scores[score]))
k_runs = pd.DataFrame(rows, columns=["k", "seed", "score", "value"])

# %%
figure, panel = plt.subplots(figsize=(8, 4), layout="constrained")
sns.lineplot(
    k_runs,
    x="k",
    y="value",
    hue="score",
    style="score",
    markers=["o", "D", "s", "^"],
    dashes=False,
    errorbar=("pi", 100),
    ax=panel,
)
panel.axvline(n_classes, color="#666666", ls="--")
panel.text(n_classes + 0.3, 0.02, "number of classes", color="#666666")
panel.set(xlabel="k, the number of clusters", ylabel="score", ylim=(0, 1))
panel.legend(title="", loc="center right")
plt.show()

# %% [markdown]
# Purity (circles) is highest at the right edge: more clusters are purer clusters, so
# purities at different k must never be compared. NMI (diamonds) and ARI (squares) rise
# steeply to k = 6, beside the number of classes, and then fall, ARI much faster. The
# silhouette (triangles) is low everywhere, with a slight hump around the number of
# classes. Within *one* space it may advise on k; here its advice is faint.

# %%
k_means = k_runs.groupby(["score", "k"])["value"].mean()
for score in ("purity", "nmi", "ari", "silhouette"):
    print(f"{score:10} is highest at k = {k_means[score].idxmax()}")

# %% [markdown]
# **A fair comparison** has the same pictures, the same k, the same number of seeds and the
# same preparation for everybody; error bars; the chance level; one rule for noise; and no
# choice made by the labels it is scored with.
#
# ## Exercises
#
# 6.1 to 6.4 stand above. Two more:
#
# ### Exercise 6.5 · What peeking is worth (hard)
#
# Somebody tries `n_tries` seeds and reports the best NMI. Suppose each try draws one
# of the numbers in `scores` at random, all equally likely, with replacement. Write
# `expected_best(scores, n_tries)`: the expected value of the best of the tries, which is
# its mean over very many rounds. Simulate
# it (20,000 rounds are enough) or compute it exactly: the best is at most the i-th
# smallest of n scores with the probability (i / n) to the power of `n_tries`.

# %%
def expected_best(scores, n_tries):
    # BEGIN SOLUTION: return None
    ordered = np.sort(np.asarray(scores, dtype=float))
    at_most = (np.arange(len(ordered) + 1) / len(ordered)) ** n_tries
    return float((ordered * np.diff(at_most)).sum())
    # END SOLUTION


checks.ex06_5(expected_best)

# %%
ten_starts = seed_runs[seed_runs["n_init"] == 10]["nmi"].to_numpy()
for n_tries in (1, 5, 20, 100):
    best = expected_best(ten_starts, n_tries)
    print(n_tries, "tries:", best if best is None else round(best, 3))

# %% [markdown]
# The line of one try is the honest mean. What the others have on top of it is what peeking
# earns, with no better method at all.
#
# ### Exercise 6.6 · Your own grid (open)
#
# Ask a question of your own about representations and algorithms, then answer it with
# one call of `experiments.run` and one seaborn figure with error bars and a sentence. At
# least two representations, two algorithms and three seeds, for instance:
#
# - does `l2` matter more for one network than for the other (`kmeans`, `l2+kmeans`)?
# - does PCA help Ward (`l2+ward`, `l2+pca20+ward`)?
# - are handcrafted features (`lbp`, `hog`) helped by `spectral`?
#
# `experiments.run(image_set, representations, algorithms, seeds=3, progress=False)` returns
# the table of the runs and the labels. Give the check the table; it looks whether the
# comparison is fair, not what it found.

# %%
from course_utils import experiments

# BEGIN SOLUTION: grid = None
grid, grid_labels = experiments.run(
    image_set,
    ["lbp", "SqueezeNet", "EfficientNetLite0"],
    ["kmeans", "l2+kmeans", "l2+pca20+kmeans", "l2+pca20+ward"],
    seeds=3,
    progress=False,
)
# END SOLUTION
checks.ex06_6(grid)

# %% tags=["solution"]
figure, panel = plt.subplots(figsize=(8, 3.6), layout="constrained")
sns.pointplot(
    grid,
    x="nmi",
    y="algorithm",
    hue="representation",
    **{"errorbar": ("pi", 100), "markers": ["s", "o", "D"]},
    linestyles="",
    dodge=0.4,
    ax=panel,
)
panel.axvline(chance, color="black", ls=":")
panel.text(chance + 0.01, 3.4, "chance")
panel.set(xlabel="NMI, mean and range of the seeds", ylabel="", xlim=(0, 1))
panel.legend(title="", loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
plt.show()

# %% [markdown] tags=["solution"]
# *Question:* does preparation matter as much as the representation? *Answer:* no. The
# three representations keep their order on every line, and changing the preparation or
# the algorithm moves a mark much less than changing the representation does.

# %%
checks.summary()

# %% [markdown]
# ## In this notebook we …
#
# - read every stage of two networks in one pass and saw the NMI climb from the level of
#   raw pixels to a plateau in the last blocks, and fall at the softmax
# - pooled maps three ways: average and maximum alike, flattening worse, the more so the
#   more places there are
# - kept six principal components without loss, and whitened ourselves down to chance
# - ran nine algorithms: representations mattered more, and noise needs a rule
# - found that the seed alone moves the score further than published networks differ,
#   and that a method without a seed is not certain either
# - chose a layer on a second image set, since the silhouette does not compare spaces
#
# ## Recall
#
# 1. Why does whitening all the components ruin the clusters of 193 pictures?
#
# <details><summary>Answer</summary>
#
# It gives the many components that hold only noise the same weight as the few that hold
# what pictures share. With one component less than there are pictures, all distances
# become equal.
#
# </details>
#
# 2. You run k-means with twenty seeds. Which run do you show, and which number do you report?
#
# <details><summary>Answer</summary>
#
# Show the run with the lowest inertia, which needs no labels; report the mean of all
# twenty with their spread. Not the run with the highest NMI.
#
# </details>
#
# 3. A layer has a silhouette of 0.35, another one of 0.12. Which one do you take?
#
# <details><summary>Answer</summary>
#
# That does not tell: silhouettes of different spaces cannot be compared. In this lesson the
# layers with the highest silhouettes were among the worst. Choose on a second image set.
#
# </details>
#
# ## References
#
# - J. Guérin, S. Thiery, E. Nyiri, O. Gibaru, B. Boots, *Combining pretrained CNN feature
#   extractors to enhance clustering of complex natural images*, Neurocomputing 423, 2021,
#   arXiv:2101.02767 (the published numbers)
# - M. Tan, Q. Le, *EfficientNet: rethinking model scaling for convolutional neural
#   networks*, ICML 2019
# - F. Iandola et al., *SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and
#   < 0.5 MB model size*, arXiv:1602.07360, 2016
# - D. Arthur, S. Vassilvitskii, *k-means++: the advantages of careful seeding*, SODA 2007
# - M. Ester, H.-P. Kriegel, J. Sander, X. Xu, *A density-based algorithm for discovering
#   clusters in large spatial databases with noise*, KDD 1996 (DBSCAN)
# - R. Campello, D. Moulavi, J. Sander, *Density-based clustering based on hierarchical
#   density estimates*, PAKDD 2013 (HDBSCAN)
# - U. von Luxburg, *A tutorial on spectral clustering*, Statistics and Computing 17, 2007
# - P. Rousseeuw, *Silhouettes*, Journal of Computational and Applied Mathematics 20, 1987
#
# ## Next
#
# Lesson 7, maps of images: all pictures on one plane, so that you see the clusters before
# you count them.
