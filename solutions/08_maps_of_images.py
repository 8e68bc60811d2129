# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 8 · Maps of images
#
# A network gives every image 1,280 numbers; a page has room for two. Maps that squeeze
# the one into the other appear in many papers on clustering, and they mislead: some
# drop structure that is there, others show structure that is not. Here you measure how
# much of a map you may believe, and then put the images themselves on it.
#
# **You will be able to**
#
# - compute a two-dimensional PCA from a singular value decomposition,
# - measure, image by image, which neighbours a map keeps and which it invents,
# - recognise clusters, widths and distances that t-SNE and UMAP make up,
# - decide whether to cluster on a map or in the features,
# - draw thumbnails in place of dots, name crowded places, and select with a lasso.
#
# **You need** k-means and NMI (lessons 1 and 2), the features of a network (lesson 5),
# PCA and HDBSCAN (lesson 6).
#
# **Reading** 25 minutes, the exercises as much again · **run time** about a minute on a
# CPU or a GPU; the first start of UMAP on a computer takes half a minute more.

# %% tags=["setup"]
import functools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist, squareform
from scipy.stats import spearmanr
from sklearn import metrics as sk
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.manifold import trustworthiness as sklearn_trustworthiness
from sklearn.preprocessing import MinMaxScaler, normalize
from threadpoolctl import threadpool_limits

from course_utils import images, representations, maps, plots, widgets

_ = threadpool_limits(1)  # for so few points, one processor core is fastest

# %% [markdown]
# ## 1 · From 1,280 numbers to two
#
# We map both image sets by the features of EfficientNetLite0, scaled to length 1.

# %%
image_sets, vectors = {}, {}
for name in ("stamps", "photos"):
    image_set = images.load(name, progress=False)
    rows = representations.extract(image_set, "EfficientNetLite0", progress=False)
    image_sets[name], vectors[name] = image_set, normalize(rows)
    print(f"{name}: {rows.shape}, {len(image_set.class_names)} classes")

# %% [markdown]
# The simplest map is the first two components of PCA (lesson 6): the directions of
# largest variance. A **singular value decomposition** finds them. Let C be the vectors
# with the mean of every column subtracted. Then C = U S Vᵀ, and the rows of Vᵀ are the
# directions, largest variance first, each of length 1; C @ V has the coordinates.
#
# ### Exercise 8.1 · PCA in two dimensions (medium)
#
# Write `pca_2d(vectors)`, which returns an array (n, 2), one row per image.
# `np.linalg.svd(C, full_matrices=False)` returns U, S and Vᵀ. The sign of each axis is
# arbitrary. `checks.hint("8.1")` helps at any time.


# %%
def pca_2d(vectors):
    # BEGIN SOLUTION: return None
    centred = vectors - vectors.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return centred @ directions[:2].T
    # END SOLUTION


checks.ex08_1(pca_2d)

# %% [markdown]
# PCA **projects**, and a projection makes no distance longer: two images far apart on
# its map are at least as far apart in the features. Two that are close on the map may
# be far apart in the other directions.
#
# Two other algorithms move dots until neighbours in the features are neighbours on the
# map.
#
# - **t-SNE** turns distances into probabilities, "how likely would image i pick j as
#   its neighbour?", in the features and on the map, and moves the dots until the two
#   agree. Its **perplexity** is roughly how many neighbours count.
# - **UMAP** links every image to its `n_neighbors` nearest; linked dots attract each
#   other, the others repel; `min_dist` says how tightly dots may be packed.
#
# Compare these numbers with n: 30 neighbours are a sixth of our 193 stamps, but 0.3% of
# 10,000 images. `maps.layout` runs UMAP on cosine distances, and t-SNE as below.

# %%
@functools.cache
def tsne_map(name, perplexity=30, start="pca", seed=0):
    """t-SNE of 50 principal components: it is faster than on 1,280 numbers."""
    few = PCA(50, random_state=0).fit_transform(vectors[name])
    model = TSNE(perplexity=perplexity, init=start, random_state=seed)
    return model.fit_transform(few)


NAMES = "PCA", "t-SNE", "UMAP"
project = pca_2d if checks.passed("8.1") else PCA(2).fit_transform
layouts = {}
for name in image_sets:
    layouts[name, "PCA"] = [np.asarray(project(vectors[name]))]
    layouts[name, "t-SNE"] = [tsne_map(name, seed=seed) for seed in range(3)]
    umap = [maps.layout(vectors[name], "umap", seed=seed) for seed in range(3)]
    layouts[name, "UMAP"] = umap

# %% tags=["drawing"]
# @title Draw both image sets by PCA, t-SNE and UMAP
figure, panels = plt.subplots(2, 3, figsize=(11.5, 7), layout="constrained")
for row, (name, image_set) in zip(panels, image_sets.items(), strict=True):
    for panel, title in zip(row, NAMES, strict=True):
        looks = {"names": image_set.class_names, "size": 34}
        points = layouts[name, title][0]
        plots.scatter(points, image_set.true_labels, panel=panel, **looks)
        panel.set(title=f"{name}, {title}", xticks=[], yticks=[])
        panel.set_aspect("equal", "datalim")
    row[0].set(xlabel="first component", ylabel="second component")
    place = {"loc": "center left", "bbox_to_anchor": (1, 0.5)}
    row[2].legend(frameon=False, fontsize=11, markerscale=1.5, **place)
plots.show(
    "Both sets by PCA, t-SNE and UMAP. On PCA's maps classes overlap, birds and "
    "mammals for instance; on the others most classes are islands, UMAP's the tightest."
)

# %% [markdown]
# PCA's maps put classes on top of each other, such as birds (circles) and mammals
# (triangles that point down). The other two separate most of them. Their axes have no
# names, since such a map may be rotated or mirrored. They look better, but are they
# *truer*?
#
# ## 2 · What a map keeps
#
# ### Exercise 8.2 · Neighbours kept (medium)
#
# Write `neighbours_kept(vectors, points, k)`. For each image it computes the share of
# its k nearest neighbours in the features (`vectors`) that are also among its k nearest
# on the map (`points`); return an array (n,). Distances are Euclidean, and no image is
# its own neighbour. `squareform(pdist(vectors))` is the (n, n) table of all distances.


# %%
def neighbours_kept(vectors, points, k):
    # BEGIN SOLUTION: return None
    nearest = []
    for rows in (vectors, points):
        distances = squareform(pdist(rows))
        np.fill_diagonal(distances, np.inf)
        nearest.append(np.argsort(distances, axis=1)[:, :k])
    pairs = zip(*nearest, strict=True)
    return np.array([len(set(one) & set(other)) / k for one, other in pairs])
    # END SOLUTION


checks.ex08_2(neighbours_kept)

# %% [markdown]
# **Predict first.** What share of the 10 nearest neighbours does PCA's map of the stamps
# keep, on average?

# %%
prediction = None  # e.g. 0.2

# %%
count_kept = neighbours_kept if checks.passed("8.2") else maps.neighbours_kept
K = 10
kept = {
    (name, title): np.asarray(count_kept(vectors[name], drawn[0], K))
    for (name, title), drawn in layouts.items()
}
outcome = float(kept["stamps", "PCA"].mean())
lessons.reveal(prediction, outcome, "the share that PCA keeps")
for name in image_sets:
    print(f"{name}: by chance {K / (len(vectors[name]) - 1):.2f}")

# %% tags=["drawing"]
# @title Draw a map of trust: the share of neighbours that each image keeps
figure, panels = plt.subplots(2, 3, figsize=(11.5, 7), layout="constrained")
told = []
for row, name in zip(panels, image_sets, strict=True):
    before = squareform(pdist(vectors[name])).argsort(axis=1)[:, 1 : K + 1]
    away = squareform(pdist(layouts[name, "t-SNE"][0]))
    lost = np.take_along_axis(away, before, axis=1).mean(axis=1).argmax()
    for panel, title in zip(row, NAMES, strict=True):
        points, shares = layouts[name, title][0], kept[name, title]
        for other in before[lost]:
            panel.plot(*points[[lost, other]].T, color=plots.PALETTE[1], lw=1.2)
        style = {"cmap": "cividis", "vmin": 0, "vmax": 1, "s": 26}
        shown = panel.scatter(*points.T, c=shares, ec="#333333", lw=0.3, **style)
        panel.plot(*points[lost], "o", ms=12, mfc="none", mec="black", mew=2)
        panel.set(title=f"{name}, {title}: {shares.mean():.2f} kept")
        panel.set(xticks=[], yticks=[])
        panel.set_aspect("equal", "datalim")
        told.append(f"{name} {title} {shares.mean():.2f}")
label = "share of the 10 nearest neighbours that the map keeps"
figure.colorbar(shown, ax=panels, label=label, shrink=0.7)
plots.show(
    "Maps with each dot coloured by the share of neighbours that it keeps, and lines "
    f"from one image to its ten true neighbours. Mean shares: {'; '.join(told)}."
)

# %% [markdown]
# Bright dots keep their neighbours, dark ones do not. In each row a ring marks the
# image whose ten true neighbours are farthest from it on t-SNE's map, and lines lead to
# them. Among the stamps that is a traffic light, far from the other road signs. t-SNE
# and UMAP keep far more than PCA, and t-SNE a little more than UMAP.
# <!-- claim 08.kept -->
#
# ### Which neighbours are invented?
#
# Kept neighbours say what is *lost*. **Trustworthiness** looks for false neighbours: near
# on the map, but not in the features. For image i and one of its k neighbours j *on the
# map*, let r be the rank of j among all other images by distance *in the features*, 1
# for the nearest. If r ≤ k, there is no fault; otherwise the fault is r − k. For k = 2
# and neighbours with the ranks 1 and 5, the faults are 0 and 3. With n images
#
# $$T = 1 - \frac{2}{n\,k\,(2n - 3k - 1)} \sum_i \sum_{j \text{ near } i} \max(0, r - k)$$
#
# 1 means no false neighbours.
#
# ### Exercise 8.3 · Trustworthiness (hard)
#
# Write `trustworthiness(vectors, points, k)` by this formula; it returns one number. To
# get ranks, sort twice. Let the distances from image 0 to images 0 to 3 be `[0, 5, 9,
# 2]`. `np.argsort` gives their *order* `[0, 3, 1, 2]`, nearest first. `np.argsort` of
# that order gives the *ranks* `[0, 2, 3, 1]`: image 1 has rank 2, image 2 rank 3, image
# 3 rank 1. With `axis=1` it sorts every row of a table.


# %%
def trustworthiness(vectors, points, k):
    # BEGIN SOLUTION: return None
    n = len(points)
    in_features, on_map = squareform(pdist(vectors)), squareform(pdist(points))
    for distances in (in_features, on_map):
        np.fill_diagonal(distances, -1)  # so each image comes first in its own row
    ranks = np.argsort(np.argsort(in_features, axis=1), axis=1)
    near = np.argsort(on_map, axis=1)[:, 1 : k + 1]
    faults = np.maximum(0, np.take_along_axis(ranks, near, axis=1) - k)
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * faults.sum()
    # END SOLUTION


display(checks.ex08_3(trustworthiness))


def trust_of(rows, points, k=K):
    if checks.passed("8.3"):
        return trustworthiness(rows, points, k)
    return sklearn_trustworthiness(rows, points, n_neighbors=k)


# %% [markdown]
# ### And the large distances?
#
# It is often said that PCA preserves the large distances, and the other two only the
# small ones. The rank correlation between the distances in the features and on the map
# is 1 if their order is the same, 0 if they are unrelated. We compute it for all pairs,
# and for the half of the pairs that are farther apart in the features. By default t-SNE
# starts from PCA's map, so we also start it from random places.

# %%
generator = np.random.default_rng(0)
for name in image_sets:
    drawn = [tsne_map(name, start="random", seed=seed) for seed in range(3)]
    layouts[name, "t-SNE, random start"] = drawn
    n_images = len(vectors[name])
    drawn = [generator.normal(size=(n_images, 2)) for _ in range(3)]
    layouts[name, "random places"] = drawn


def scores_of_map(rows, points):
    before, after = pdist(rows), pdist(points)
    large = before > np.median(before)
    return {
        "neighbours kept": np.mean(count_kept(rows, points, K)),
        "trustworthiness": trust_of(rows, points),
        "all distances": spearmanr(before, after)[0],
        "large distances": spearmanr(before[large], after[large])[0],
    }


means = {
    key: pd.DataFrame([scores_of_map(vectors[key[0]], p) for p in drawn]).mean()
    for key, drawn in layouts.items()
}
table = pd.DataFrame(means).T.round(2)
table.sort_index(level=0, ascending=False, sort_remaining=False)

# %% [markdown]
# Means of three maps (of PCA there is one). No map is good at the large distances: the
# correlation stays below .45. On the photos PCA's is the highest of the three; on the
# stamps that of t-SNE or UMAP is as high, within .05. <!-- claim 08.far -->
#
# Kobak and Linderman (2021) show on larger data that t-SNE's start decides how the
# *islands* are arranged, and recommend PCA. On our two small sets the columns of
# distances show no such advantage.
#
# ## 3 · What a map invents
#
# ### Clusters
#
# To see what a map invents, we need data without structure: 200 points of pure
# **noise**, 50 random numbers each. HDBSCAN (lesson 6) looks for dense groups on maps
# of them, with the course's `min_cluster_size=5` and `min_samples=5`.
#
# **Predict first.** How many clusters will it report on t-SNE's map of noise, with
# perplexity 3?

# %%
prediction_2 = None  # e.g. 4


# %%
def count_clusters(points, single=False):
    """Clusters of HDBSCAN; single: whether it may answer "one cluster"."""
    settings = {"min_cluster_size": 5, "min_samples": 5, "copy": True}
    model = HDBSCAN(allow_single_cluster=single, **settings)
    return len(set(model.fit_predict(points)) - {-1})


SETTINGS = {
    "PCA": {"name": "pca"},
    "t-SNE, perplexity 30": {"name": "tsne", "perplexity": 30},
    "t-SNE, perplexity 3": {"name": "tsne", "perplexity": 3},
    "UMAP, 3 neighbours": {"name": "umap", "n_neighbors": 3, "min_dist": 0},
}
noise = [np.random.default_rng(seed).normal(size=(200, 50)) for seed in range(3)]
noise_maps = {t: [maps.layout(x, **s) for x in noise] for t, s in SETTINGS.items()}
counts = {}
for title, drawn in {"features": noise, **noise_maps}.items():
    row = {"default": [count_clusters(points) for points in drawn]}
    row["single allowed"] = [count_clusters(points, single=True) for points in drawn]
    counts["noise", title] = row
for title in ("features", *NAMES[1:]):
    drawn = [vectors["stamps"]] if title == "features" else layouts["stamps", title]
    row = {"default": [count_clusters(points) for points in drawn]}
    row["single allowed"] = [count_clusters(points, single=True) for points in drawn]
    counts["stamps", title] = row
found = counts["noise", "t-SNE, perplexity 3"]["default"][0]
lessons.reveal(prediction_2, found, "the number of clusters in noise")
pd.DataFrame(counts).T

# %% tags=["drawing"]
# @title Draw the clusters that HDBSCAN reports in noise
figure, panels = plt.subplots(1, 4, figsize=(11.5, 3.3), layout="constrained")
told = []
for panel, (title, drawn) in zip(panels, noise_maps.items(), strict=True):
    points = drawn[0]
    panel.plot(*points.T, ".", color="#888888", ms=4)
    model = HDBSCAN(min_cluster_size=5, min_samples=5, copy=True)
    labels = model.fit_predict(points)
    for cluster in range(labels.max() + 1):
        members = points[labels == cluster]
        ends = members[ConvexHull(members).vertices]
        panel.fill(*ends.T, fc="#56B4E966", ec=plots.PALETTE[0], lw=1.5)
        panel.plot(*members.T, ".", color=plots.PALETTE[0], ms=5)
    panel.set(title=f"{title}:\n{labels.max() + 1} clusters", xticks=[], yticks=[])
    panel.set_aspect("equal", "datalim")
    told.append(f"{labels.max() + 1} by {title}")
plots.show(f"Outlined: clusters that HDBSCAN reports in noise. {'; '.join(told)}.")

# %% [markdown]
# PCA and t-SNE with perplexity 30 draw one cloud. With few neighbours, t-SNE and UMAP
# draw strings and clumps, and you would swear you saw a dozen clusters. On the same
# noise, perplexity 3 gives more clusters than 30. <!-- claim 08.noise -->
#
# Why two or more even in a cloud? That is a default: with `allow_single_cluster=False`,
# HDBSCAN may not answer "one cluster". Allow it, and it reports exactly one on every
# map of noise by PCA or t-SNE. But that is no test for noise: it also reports one in
# the features of the stamps and of the photos, which do have classes.
# <!-- claim 08.single --> A better test: map noise of the same size in the same way,
# and compare.
#
# ### Widths and distances
#
# Now three clusters that are really there. A and B are narrow and close to each other; C
# is wide and far from both.

# %%
generator = np.random.default_rng(1)
centres = np.zeros((3, 50))
centres[[0, 1, 2], [0, 0, 2]] = 1
centres[1, 1] = 0.3  # B is near A
letters = np.repeat(["A", "B", "C"], 60)
spreads = np.repeat([0.01, 0.01, 0.05], 60)[:, None]
synthetic = np.repeat(centres, 60, axis=0) + spreads * generator.normal(size=(180, 50))
synthetic = normalize(synthetic)


def ratios(points):
    """How many times as wide as A is C, and as far from A as B is."""
    middle = {x: points[letters == x].mean(axis=0) for x in "ABC"}
    width = {
        x: np.linalg.norm(points[letters == x] - middle[x], axis=1).mean() for x in "AC"
    }
    far, near = (np.linalg.norm(middle[x] - middle["A"]) for x in "CB")
    return {"times as wide": width["C"] / width["A"], "times as far": far / near}


synthetic_maps = {
    title: maps.layout(synthetic, title.lower().replace("-", "")) for title in NAMES
}
drawn = {"features": synthetic, **synthetic_maps}
pd.DataFrame({title: ratios(points) for title, points in drawn.items()}).T.round(1)

# %% tags=["drawing"]
# @title Draw the three synthetic clusters
figure, panels = plt.subplots(1, 3, figsize=(10, 3.3), layout="constrained")
told = []
for panel, (title, points) in zip(panels, synthetic_maps.items(), strict=True):
    numbers = np.searchsorted(list("ABC"), letters)
    plots.scatter(points, numbers, names="ABC", panel=panel, size=18)
    panel.set(title=title, xticks=[], yticks=[])
    panel.set_aspect("equal", "datalim")
    wider, farther = ratios(points).values()
    told.append(f"{title} {wider:.1f} and {farther:.1f}")
panels[0].legend()
plots.show(
    "Three clusters, C wide and far from A and B. How many times as wide as A it is, "
    f"and as far from A as B is: {'; '.join(told)}."
)

# %% [markdown]
# On the maps of t-SNE and UMAP C is about as wide as A, though in the features it is
# almost five times as wide, and on t-SNE's the ratio of the distances is lost, too.
# <!-- claim 08.width --> Use such a map to see which images group together, not how
# wide the groups are or how far apart.
#
# ### Settings
#
# Move the sliders. Watch the coins of the stamps (squares) at perplexity 5 and at 30,
# and what changes when only the start or the seed does.


# %% tags=["drawing"]
# @title Draw t-SNE with sliders
def draw(images, perplexity, start_from, seed):
    """One map by t-SNE, coloured by class."""
    image_set = image_sets[images]
    points = tsne_map(images, perplexity, start_from, seed)
    share = maps.neighbours_kept(vectors[images], points).mean()
    _, panel = plt.subplots(figsize=(8, 5), layout="constrained")
    looks = {"names": image_set.class_names, "size": 40}
    plots.scatter(points, image_set.true_labels, panel=panel, **looks)
    title = f"{images}, perplexity {perplexity}, {start_from} start: {share:.2f} kept"
    panel.set(title=title, xticks=[], yticks=[])
    panel.set_aspect("equal", "datalim")
    place = {"loc": "center left", "bbox_to_anchor": (1, 0.5)}
    panel.legend(frameon=False, fontsize=11, markerscale=1.4, **place)
    return f"t-SNE, {title} of the neighbours."


widgets.FigureSlider(
    draw,
    start={"perplexity": 5},
    images=["stamps", "photos"],
    perplexity=[2, 5, 15, 30, 60],
    start_from=["pca", "random"],
    seed=[0, 1],
)

# %% [markdown]
# With perplexity 5 the coins are two islands (two yen are a little apart), with 30 they
# are one, with other seeds as well: the setting decides. <!-- claim 08.coins --> So are
# there two groups of coins? The map cannot say; the features can. Here is k-means with
# k = 2, in the features of the coins alone:

# %%
stamps = image_sets["stamps"]
coins = np.flatnonzero(stamps.true_labels == stamps.class_names.index("coins"))
split = KMeans(2, n_init=10, random_state=0).fit_predict(vectors["stamps"][coins])
groups = {
    f"coins, group {group}: {(split == group).sum()}": coins[split == group]
    for group in range(2)
}
plots.show(
    "Two groups of coins, found in the features: euros on one side; dollars, cents and "
    "yen on the other.",
    plots.contact_sheet(stamps, groups, size=56, n_columns=13, scale=2),
)

# %% [markdown]
# One group is the euro coins, the other all the rest, as on the map. Here a small
# perplexity showed something true that a larger one merges; with noise it showed
# something false. Before you show a map, draw it with several settings and seeds, and
# test in the features what you believe you see.
#
# ### Cluster on the map, or in the features?
#
# We run k-means and HDBSCAN in the features and on the maps, HDBSCAN with two settings.
# (10 and 2 did well in the grid of lesson 6, so they were chosen by the true labels.)
# Noise counts as one more cluster.

# %%
rows = {}
for name, image_set in image_sets.items():
    k, classes = len(image_set.class_names), image_set.true_labels
    features = PCA().fit_transform(vectors[name])  # all components: same distances
    for title in ("features", *NAMES):
        points = features if title == "features" else layouts[name, title][0]
        k_means = KMeans(k, n_init=10, random_state=0).fit_predict(points)
        row = {"k-means": sk.normalized_mutual_info_score(classes, k_means)}
        for size, n_samples in ((5, 5), (10, 2)):
            model = HDBSCAN(min_cluster_size=size, min_samples=n_samples, copy=True)
            labels = model.fit_predict(points)
            nmi = sk.normalized_mutual_info_score(classes, labels)
            row[f"HDBSCAN {size}, {n_samples}"] = nmi
            row[f"noise {size}, {n_samples}"] = (labels == -1).mean()
        rows[name, title] = row
pd.DataFrame(rows).T.round(2)

# %% [markdown]
# k-means loses an NMI of more than .08 on PCA's map, and less than .06 on those of t-SNE
# and UMAP, compared with the features. <!-- claim 08.kmeans -->
#
# HDBSCAN with 5 and 5 scores higher on UMAP's map. But it would be wrong to conclude
# that in 1,280 dimensions nothing is dense: with 10 and 2 the gap is smaller. What
# remains is that on UMAP's map the result depends less on the settings.
# <!-- claim 08.hdbscan --> The price: on a map, HDBSCAN finds clusters in noise, too. If
# an algorithm works in the features, cluster there and keep the map for looking.
#
# ## 4 · Images in place of dots
#
# A dot says "bird" only if somebody has labelled it. Images need no labels.
# `plots.thumbnail_map` draws each image at its place.

# %%
points = layouts["stamps", "t-SNE"][0]
plots.show(
    "The stamps on t-SNE's map: birds, mammals, coins and road signs in groups of "
    "their own; flowers, fruit and vegetables in a large one.",
    plots.thumbnail_map(stamps, points, width=760, size=42),
)

# %% [markdown]
# You can read this map without a legend. Look for the slice of orange: it is nearer to
# the coins than the whole fruit are. But images cover each other. `maps.grid` gives
# every image a cell of its own. Here are the photos, from UMAP's map:

# %%
cells = maps.grid(layouts["photos", "UMAP"][0])
plots.show(
    "The photos on a grid, none covered, with each class in one area.",
    plots.thumbnail_map(image_sets["photos"], cells, width=720, size=42),
)

# %% [markdown]
# Similar photos are still side by side. The price is the gaps: on the map you see where
# a group ends, here the next one begins in the next cell.
#
# **Hotspots** are the crowded places of a map: HDBSCAN's clusters of the dots. Each
# gets an image, the **medoid**: the member with the smallest mean distance to the
# others *in the features*, not on the map. And it gets nouns that are over-represented
# in its captions; the photos have no captions, so theirs are what EfficientNetLite0
# takes the images for.

# %%
hotspots = {}
for name, image_set in image_sets.items():
    words = maps.hotspot_words(image_set)
    drawn = layouts[name, "t-SNE"][0]
    hotspots[name] = maps.find_hotspots(drawn, vectors[name], words, n_words=2)


# %% tags=["drawing"]
# @title Draw the hotspots, with their medoids beside the map
def draw_hotspots(name, panel):
    """The map in the middle, medoids and words in a column on either side of it."""
    points = MinMaxScaler().fit_transform(layouts[name, "t-SNE"][0])  # 0 to 1
    panel.plot(*points.T, ".", color="#aaaaaa", ms=5)
    middles = [points[spot.members].mean(axis=0) for spot in hotspots[name]]
    by_x = np.argsort([x for x, _ in middles])
    for side, column in zip((-1, 1), np.array_split(by_x, 2), strict=True):
        column, x = sorted(column, key=lambda i: middles[i][1]), 0.5 + side * 0.78
        for place, i in enumerate(column):
            spot, y = hotspots[name][i], (place + 0.5) / len(column)
            ends = points[spot.members][ConvexHull(points[spot.members]).vertices]
            colour = plots.look(spot.label)[0]
            panel.fill(*ends.T, fc=colour, ec=colour, alpha=0.25)
            panel.plot(*np.array([(x, y), middles[i]]).T, color=colour, lw=1)
            picture = image_sets[name].picture(spot.medoid, 96)
            extent = x - 0.07, x + 0.07, y - 0.093, y + 0.093
            panel.imshow(picture, extent=extent, zorder=3)
            text = ", ".join([str(len(spot.members)), *spot.words])
            style = {"fontsize": 11, "va": "center", "ha": "right" if x < 0 else "left"}
            panel.text(x + side * 0.09, y, text, **style)
    panel.set(title=name, xlim=(-0.95, 1.95), ylim=(-0.03, 1.03), aspect=0.75)
    panel.set_axis_off()


figure, panels = plt.subplots(2, 1, figsize=(10, 6.4), layout="constrained")
for panel, name in zip(panels, image_sets, strict=True):
    draw_hotspots(name, panel)
told = [f"{len(s.members)} {' '.join(s.words)}" for x in hotspots.values() for s in x]
plots.show(f"Hotspots of both sets, with medoids and words: {'; '.join(told)}.")

# %% [markdown]
# A line leads from each medoid to its hotspot; the number counts its images. The
# captions of birds and mammals name a goose and a gnu, not "bird" or "mammal", so those
# hotspots have no word. The network has no noun "bonsai": it said "pot".
#
# ## 5 · The interactive map
#
# The colours of `widgets.ImageScatter` are clusters of k-means *in the features*. Turn
# the wheel to zoom in, and hover over a dot to see its image. Press **Lasso** and draw
# around some dots: their images appear below.

# %%
labels = KMeans(7, n_init=10, random_state=0).fit_predict(vectors["stamps"])
chart = widgets.ImageScatter(stamps, points, cluster_labels=labels)
chart

# %% [markdown]
# Whatever you circle is returned to Python: as indices in `chart.selection`, as an
# image set in `chart.selected`, as a table in `chart.table`. If you have circled
# nothing, the next cell takes the hotspot with the bison.

# %%
if not len(chart.selection):
    bison = stamps.captions.index("A bison")
    around = (s.members for s in hotspots["stamps"] if bison in s.members)
    chart.selection = next(around, np.arange(len(stamps)))
print("images by cluster:", chart.table["cluster"].value_counts().to_dict())
plots.show(
    f"The {len(chart.selection)} selected images on their part of the map.",
    plots.thumbnail_map(chart.selected, points[chart.selection], width=600, size=48),
)

# %% [markdown]
# In the bison's hotspot, hoofed animals are at one end, small furry ones at the other.
# k-means in the features cuts it in two, as the counts show: one island on a map need
# not be one cluster.
#
# This writes such a map, with search, as a page for any browser:
# `python -m course_utils map photos --out map.html`.
#
# ## Exercises
#
# Exercises 8.1 to 8.3 are in the sections above.
#
# ### Exercise 8.4 · What a map may tell you (easy)
#
# Which of these statements are true whatever the data? Give a set of letters, like
# `{"b", "e"}`.
#
# - a: Two images far apart on a PCA map are far apart in the features, too.
# - b: A wide cluster on a UMAP map has images that differ more.
# - c: Clusters at opposite ends of a t-SNE map differ more than clusters side by side.
# - d: Two images close together on a PCA map are close together in the features.
# - e: A map that is the same for every seed can be trusted.
# - f: The horizontal axis of a t-SNE map has no meaning of its own.
# - g: Clusters on a t-SNE or UMAP map may have no counterpart in the features.

# %%
# BEGIN SOLUTION: true_statements = None
true_statements = {"a", "f", "g"}
# END SOLUTION
checks.ex08_4(true_statements)

# %% [markdown]
# ### Exercise 8.5 · Your own maps (open)
#
# Map other features, such as `hog` or `SqueezeNet`, or images of your own, in at least
# two ways: another setting, seed or algorithm. `my_maps` is a dict, {name: points}.
# Then say in a sentence (8 to 80 words) what a reader may conclude from all of them.
# The check computes how many neighbours each map keeps and how many hotspots it has.

# %%
# BEGIN SOLUTION: my_features = my_maps = sentence = None
my_features = normalize(representations.extract(stamps, "hog", progress=False))
my_maps = {
    "UMAP": maps.layout(my_features, "umap"),
    "t-SNE, 5": maps.layout(my_features, "tsne", perplexity=5),
    "t-SNE, 30": maps.layout(my_features, "tsne", perplexity=30),
}
sentence = (
    "The hotspots of these three maps of HOG differ in number, so from the maps alone "
    "I would not report any of them as a group, only what is near on all of them."
)
# END SOLUTION
checks.ex08_5(my_features, my_maps, sentence)

# %%
checks.summary()

# %% [markdown]
# ## In this notebook we …
#
# - computed a map by a singular value decomposition, and measured image by image which
#   neighbours it keeps;
# - saw that no map orders the large distances well, PCA's included;
# - saw clusters in noise, a default that forbids the answer "one", and widths that were
#   made up, but also a true split that only a small perplexity showed;
# - clustered on maps and in the features, and kept the map for looking;
# - drew thumbnails, a grid and hotspots, and took a selection back into Python.
#
# ## Recall
#
# 1. A UMAP map shows eight clear islands. What do you check before you write "there are
#    eight groups"?
#
# <details><summary>Answer</summary>
#
# Whether they exist in the features: cluster there too. Try other seeds, settings and
# algorithms. Map noise of the same size in the same way. And look at the images.
#
# </details>
#
# 2. What is the difference between neighbours kept and trustworthiness?
#
# <details><summary>Answer</summary>
#
# The first counts neighbours in the features that are also neighbours on the map. The
# second looks at neighbours on the map and weights each false one by its true rank, so
# a near miss costs little.
#
# </details>
#
# 3. HDBSCAN reports two clusters on a map. Why is that weak evidence for two groups?
#
# <details><summary>Answer</summary>
#
# By default it may not answer "one", so it reports two or more, or none, even in one
# cloud.
#
# </details>
#
# ## References
#
# - L. van der Maaten and G. Hinton. Visualizing data using t-SNE. JMLR 9, 2008.
# - L. McInnes, J. Healy and J. Melville. UMAP: Uniform manifold approximation and
#   projection for dimension reduction. 2018, arXiv:1802.03426.
# - M. Wattenberg, F. Viégas and I. Johnson. How to use t-SNE effectively. Distill,
#   2016.
# - D. Kobak and G. Linderman. Initialization is critical for preserving global data
#   structure in both t-SNE and UMAP. Nature Biotechnology 39, 2021.
# - J. Venna and S. Kaski. Neighborhood preservation in nonlinear projection methods.
#   ICANN 2001 (trustworthiness).
# - B. Monroe, M. Colaresi and K. Quinn. Fightin' words. Political Analysis 16, 2008
#   (the words of a hotspot).
# - F. Lekschas and T. Manz. Jupyter Scatter. Journal of Open Source Software, 2024 (the
#   lasso). Yale DHLab, PixPlot (maps of thumbnails with hotspots).
#
# ## Next
#
# `09_ensembles_of_backbones.ipynb`: many clusterings vote.
