# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 7 · Maps of images
#
# A network gives every picture 1,280 numbers; a sheet of paper has room for two. Maps
# that squeeze one into the other stand in many papers on clustering, and they lie:
# some lose what was there, some show what never was. Here you draw such maps, measure how
# much of them is true, and then put the pictures themselves on them.
#
# **You will be able to**
#
# - compute a two-dimensional PCA from a singular value decomposition
# - measure which neighbours a map keeps, and which it makes up
# - recognise clusters, sizes and distances that t-SNE and UMAP invent
# - decide whether to cluster on a map or in the features
# - draw thumbnails in place of dots, name the crowded places, choose with a lasso
#
# **You need** lessons 1, 2 and 5: k-means, NMI, features of a network.
#
# **Reading** 25 minutes, the exercises as much again · **run time** about 60 s on a
# CPU, the same on a GPU; the first start of UMAP on a computer takes half a minute more

# %% tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from PIL import Image
from scipy.spatial.distance import pdist, squareform
from scipy.stats import spearmanr

from course_utils import images, representations, clustering, metrics, maps
from course_utils import plots, widgets

# %% [markdown]
# ## 1 · Two directions out of 1,280
#
# The stamps again, with the features of EfficientNetLite0 scaled to length 1. So
# every picture is a point in a space of 1,280 dimensions, and the mean of all points is
# somewhere in the middle of them.

# %%
image_set = images.load("stamps", progress=False)
vectors = representations.extract(image_set, "EfficientNetLite0", progress=False)
vectors = clustering.prepare(vectors, "l2+kmeans")  # every row of length 1
true_names = image_set.true_names
n_images = len(image_set)
print(vectors.shape, "·", ", ".join(image_set.class_names))

# %% [markdown]
# **Principal component analysis** (PCA) looks for the direction in which the points
# spread most, then for the direction at a right angle to it with the most spread left,
# and so on. Two directions make a map: a picture's place is how far it lies along each.
#
# The **singular value decomposition** finds them all at once. For the *centred* points
# C, the mean of every column taken away, it gives C = U S Vᵀ. The rows of Vᵀ are the
# directions, best first, each of length 1, and C @ V are the places. The squares of the
# singular values S say how much of the spread lies in each direction.
#
# ### Exercise 8.1 · PCA in two dimensions (medium)
#
# Write `pca_2d(vectors)`: an array (n, 2), one row per picture. `np.linalg.svd(C,
# full_matrices=False)` returns U, S and Vᵀ. Which way an axis points is free.


# %%
def pca_2d(vectors):
    # BEGIN SOLUTION: return None
    centred = vectors - vectors.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return centred @ directions[:2].T
    # END SOLUTION


checks.ex08_1(pca_2d)

# %% [markdown]
# **Predict first.** Which share of the whole spread (the variance) do the first two of
# the directions hold?

# %%
prediction = None  # e.g. 0.5

# %%
singular = np.linalg.svd(vectors - vectors.mean(axis=0), compute_uv=False)
shares = np.cumsum(singular**2) / np.sum(singular**2)
print("directions that hold 90 % of the variance:", int(np.argmax(shares >= 0.9)) + 1)
lessons.reveal(prediction, float(shares[1]), "the share of two directions")

# %% [markdown]
# Less than a sixth. The map below is a shadow of something much larger. From here on
# the library computes maps: `maps.layout(vectors, "pca")`, or `"tsne"`, or `"umap"`.
# The study of Thomas and Abraham draws its ResNet50 features like this, with seaborn,
# one dot per picture, coloured by class. We add a marker for each class, for readers who
# do not see all colours.

# %%
def scatter(points, panel, title):
    """A map with a mark per picture, in the look of its class."""
    looks = {"names": image_set.class_names, "size": 32}
    plots.scatter(points, image_set.true_labels, panel=panel, **looks)
    panel.set(title=title, xticks=[], yticks=[])


all_layouts = {"PCA": [maps.layout(vectors, "pca")]}
figure, panel = plt.subplots(figsize=(8, 4.6), layout="constrained")
scatter(all_layouts["PCA"][0], panel, "PCA")
panel.set(xlabel="first direction", ylabel="second direction")
panel.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
plots.show(
    "The stamps on two directions of PCA. Coins lie far to the right, flowers at the "
    "top; birds and mammals cover each other at the lower left."
)

# %% [markdown]
# Coins (squares) lie far to the right, flowers (diamonds) at the top, and at the lower
# left birds and mammals lie on top of each other. Between them, fruit and vegetables
# are mixed.
#
# One thing about this map is certain. PCA *projects*, and a shadow is never longer than
# what casts it: two pictures far apart here are at least as far apart in the features.
# Two pictures that lie close together may be anything.
#
# ## 2 · What a map keeps
#
# Two other algorithms do not project. They move dots about until neighbours in the
# features are neighbours on the paper, and care little for the rest.
#
# - **t-SNE** turns distances into probabilities, "how likely would i pick j as its
#   neighbour?", in the features and on the map, and moves the dots until the two agree.
#   Its **perplexity** is about the number of neighbours that count.
# - **UMAP** joins every picture to its nearest ones (`n_neighbors`), lets linked dots
#   attract and others repel each other; `min_dist` is how tightly dots may be packed.
#
# Both are given a seed. A map is reproducible on one computer; on another one, or with
# a newer library, UMAP's may well be a different one. So the course stores coordinates
# once they are computed, and draws what is stored. We make five maps of each.

# %%
all_layouts["t-SNE"] = [maps.layout(vectors, "tsne", seed=seed) for seed in range(5)]
all_layouts["UMAP"] = [maps.layout(vectors, "umap", seed=seed) for seed in range(5)]

figure, panels = plt.subplots(1, 3, figsize=(10, 3.9), layout="constrained")
for (name, drawn), panel in zip(all_layouts.items(), panels, strict=True):
    scatter(drawn[0], panel, name)
figure.legend(*panel.get_legend_handles_labels(), loc="outside lower center", ncols=7)
plots.show(
    "The stamps by PCA, t-SNE and UMAP. Birds and mammals cover each other by PCA and "
    "are apart by the other two; UMAP packs its marks into the tightest islands."
)

# %% [markdown]
# The two on the right pull apart what PCA mixes: birds (circles) and mammals (triangles)
# have places of their own. UMAP packs its dots into tight islands, t-SNE spreads them
# evenly. Their axes have no names because they mean nothing: such a map may be turned
# or mirrored. They look better than PCA's. But are they *truer*? Looks are no measure.
# Here is one: take the 10 nearest neighbours of a picture in the features, and its 10
# nearest on the map. Which share of the first are among the second?
#
# ### Exercise 8.2 · Neighbours kept (medium)
#
# Write `neighbours_kept(vectors, points, k)`: the share of the k nearest neighbours in
# `vectors` that are also among the k nearest in `points`, averaged over all pictures.
# Distances are Euclidean, and nobody is a neighbour of itself.
# `squareform(pdist(vectors))` is the table of all distances, n rows and n columns.


# %%
def neighbours_kept(vectors, points, k):
    # BEGIN SOLUTION: return None
    nearest = []
    for places in (vectors, points):
        apart = squareform(pdist(places))
        np.fill_diagonal(apart, np.inf)
        nearest.append(np.argsort(apart, axis=1)[:, :k])
    pairs = zip(*nearest, strict=True)
    return np.mean([len(set(one) & set(other)) / k for one, other in pairs])
    # END SOLUTION


checks.ex08_2(neighbours_kept)

# %% [markdown]
# That is what is *lost*. What is *made up*: pictures that stand side by side on the map
# although they are strangers. **Trustworthiness** counts these, and counts a stranger
# the more, the stranger it is. For picture i and one of its k neighbours j *on the
# map*, let r be j's rank among all others by distance *in the features*: 1 for the
# nearest. If r ≤ k, all is well. If not, the fault is r − k. With n pictures
#
# $$T = 1 - \frac{2}{n\,k\,(2n - 3k - 1)} \sum_i \sum_{j \text{ near } i} \max(0, r - k)$$
#
# 1 means no strangers; a map of random places gets about 0.5.
#
# ### Exercise 8.3 · Trustworthiness (hard)
#
# Write `trustworthiness(vectors, points, k)` by this formula. With `order =
# np.argsort(distances, axis=1)`, place 0 of a row is the picture itself, place 1 its
# nearest neighbour; `np.argsort(order, axis=1)` then has the *rank* of every j.


# %%
def trustworthiness(vectors, points, k):
    # BEGIN SOLUTION: return None
    n = len(points)
    in_features, on_map = (
        squareform(pdist(places)) - np.eye(n)  # -1 for itself, so it comes first
        for places in (vectors, points)
    )
    ranks = np.argsort(np.argsort(in_features, axis=1), axis=1)
    near = np.argsort(on_map, axis=1)[:, 1 : k + 1]
    faults = np.maximum(0, np.take_along_axis(ranks, near, axis=1) - k)
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * faults.sum()
    # END SOLUTION


checks.ex08_3(trustworthiness)

# %% [markdown]
# **Predict first.** The two directions of PCA hold less than a sixth of the variance.
# Which share of the 10 nearest neighbours does its map keep?

# %%
prediction_2 = None  # e.g. 0.2

# %% [markdown]
# The library's versions are scikit-learn's `trustworthiness` and the few lines below.
# A third number says whether *all* distances keep their order, the far ones included:
# the rank correlation between the distances in the features and on the map, 1 if the
# order is the same, 0 if there is no connection. The table calls it "distances".

# %%
from sklearn.manifold import trustworthiness as sklearn_trustworthiness
from sklearn.neighbors import NearestNeighbors

K = 10


def scores_of_map(vectors, points):
    """(neighbours kept, trustworthiness, correlation of distances)"""
    one, other = (
        NearestNeighbors(n_neighbors=K).fit(rows).kneighbors_graph()
        for rows in (vectors, points)
    )
    kept = one.multiply(other).sum() / (len(points) * K)
    trust = sklearn_trustworthiness(vectors, points, n_neighbors=K)
    return kept, trust, spearmanr(pdist(vectors), pdist(points))[0]


def mean_and_spread(values):
    return f"{np.mean(values):.2f} ± {np.std(values):.2f}"


# %%
generator = np.random.default_rng(0)
all_layouts["random places"] = [generator.normal(size=(n_images, 2)) for _ in range(5)]
COLUMNS = ["neighbours kept", "trustworthiness", "distances"]
found = {
    name: np.array([scores_of_map(vectors, points) for points in drawn])
    for name, drawn in all_layouts.items()
}
lessons.reveal(prediction_2, float(found["PCA"][0, 0]), "the share that PCA keeps")
print(f"by chance: {K / (n_images - 1):.2f}")
pd.DataFrame(
    {name: [mean_and_spread(x) for x in rows.T] for name, rows in found.items()},
    index=COLUMNS,
).T

# %% [markdown]
# Means over five maps with their standard deviation; of PCA there is but one. With two
# directions in 1,280, PCA keeps about seven times as many neighbours as chance, and
# t-SNE and UMAP keep far more still, about two thirds. Which of *these two* is ahead
# depends on settings and luck. Nobody keeps all: of ten neighbours on the best of these
# maps, three or four are not those in the features, though few are true strangers.
#
# It is often said that PCA keeps the large distances, and the other two only the small
# ones. On these features PCA has the lowest correlation of distances, too: what it does
# not draw is too much. And its ± 0.00 is no merit. It has no seed; it is precisely as
# wrong each time.
#
# ## 3 · What a map invents
#
# To see what is made up we need data in which we know that nothing is there. Here are
# 200 points of pure **noise**: 50 random numbers each, no groups, no structure. On each
# map, `maps.find_hotspots` colours the crowded places. It looks for them by **HDBSCAN**, an
# algorithm that finds dense groups, and their number, by itself; grey dots are in none.

# %%
noise = [np.random.default_rng(seed).normal(size=(200, 50)) for seed in range(3)]
SETTINGS = {
    "PCA": {"name": "pca"},
    "t-SNE, perplexity 30": {"name": "tsne", "perplexity": 30},
    "t-SNE, perplexity 3": {"name": "tsne", "perplexity": 3},
    "UMAP, 3 neighbours": {"name": "umap", "n_neighbors": 3, "min_dist": 0},
}
told = []
figure, panels = plt.subplots(1, 4, figsize=(10, 3.1), layout="constrained")
for (title, setting), panel in zip(SETTINGS.items(), panels, strict=True):
    drawn = [maps.layout(points, **setting) for points in noise]
    panel.scatter(*drawn[0].T, s=10, color="#bbbbbb")
    for spot in maps.find_hotspots(drawn[0], noise[0]):
        numbers = np.full(len(spot.members), spot.label)
        plots.scatter(drawn[0][spot.members], numbers, panel=panel, size=18)
    counts = [len(maps.find_hotspots(points, points)) for points in drawn]
    panel.set(title=f"{title}:\n{counts[0]} clusters in noise", xticks=[], yticks=[])
    print(f"{title:21} clusters in three draws of noise: {counts}")
    told.append(f"{counts[0]} by {title}")
plots.show(f"Clusters that HDBSCAN finds on maps of noise: {'; '.join(told)}.")

# %% [markdown]
# PCA and t-SNE with a large perplexity draw one cloud, as they should. With few
# neighbours, t-SNE and UMAP draw strings and clumps, and one would swear to a dozen
# clusters or more. They are made of chance: of 200 random points some *are* a little
# nearer to each other, and an algorithm told to look at three neighbours sees nothing
# else. Even in a cloud HDBSCAN finds a few clusters: it, too, takes a dense place that
# chance has made for one. A cluster on a map is a question, and the answer is in the
# features.
#
# Now the opposite: three clusters that are really there, and whose sizes and distances
# we choose. A and B are close to each other and narrow; C is far from both and wide.

# %%
generator = np.random.default_rng(1)
centres = np.zeros((3, 50))
centres[[0, 1, 2], [0, 0, 2]] = 1
centres[1, 1] = 0.3  # B is near A
letters = np.repeat(["A", "B", "C"], 60)
spreads = np.repeat([0.01, 0.01, 0.05], 60)[:, None]
made_up = np.repeat(centres, 60, axis=0) + spreads * generator.normal(size=(180, 50))
made_up = clustering.prepare(made_up, "l2+kmeans")


def ratios(points):
    """How much wider C is than A, and how much further C is from A than B is."""
    middle = {x: points[letters == x].mean(axis=0) for x in "ABC"}
    width = {
        x: np.linalg.norm(points[letters == x] - middle[x], axis=1).mean() for x in "AC"
    }
    far, near = (np.linalg.norm(middle[x] - middle["A"]) for x in "CB")
    return width["C"] / width["A"], far / near


# %%
wider, further = ratios(made_up)
told = [f"in the data  width {wider:.1f}, distance {further:.1f}"]
print(told[0])
figure, panels = plt.subplots(1, 3, figsize=(10, 3.3), layout="constrained")
for name, panel in zip(("PCA", "t-SNE", "UMAP"), panels, strict=True):
    points = maps.layout(made_up, name.lower().replace("-", ""))
    numbers = np.searchsorted(list("ABC"), letters)
    plots.scatter(points, numbers, names="ABC", panel=panel, size=18)
    panel.set(title=name, xticks=[], yticks=[])
    panel.set_aspect("equal", "datalim")
    wider, further = ratios(points)
    told.append(f"{name:12} width {wider:.1f}, distance {further:.1f}")
    print(told[-1])
panels[0].legend()
plots.show(f"Three clusters, C wide and far. {' '.join('; '.join(told).split())}.")

# %% [markdown]
# PCA shows what is there: A and B close to each other, C far and wide; three
# centres span just two directions, and these can be drawn. On the maps of t-SNE and
# UMAP all three are there, and that is right. But there C is about as narrow as A: both
# measure how near a neighbour is by how near the others are, so that a wide cluster and
# a narrow one look alike to them. And the distances between clusters are wrong, too,
# those of t-SNE entirely. So read from such a map who is with whom, and neither how
# wide a cluster is nor how far clusters are from each other.
#
# And the settings? Here are the stamps four times, with two perplexities and two seeds.

# %%
four = {
    "t-SNE, perplexity 5": maps.layout(vectors, "tsne", perplexity=5),
    "t-SNE, perplexity 50": maps.layout(vectors, "tsne", perplexity=50),
    "UMAP, seed 0": all_layouts["UMAP"][0],
    "UMAP, seed 1": all_layouts["UMAP"][1],
}
told = []
figure, panels = plt.subplots(1, 4, figsize=(10, 3.2), layout="constrained")
for (title, points), panel in zip(four.items(), panels, strict=True):
    kept, trust, _ = scores_of_map(vectors, points)
    scatter(points, panel, f"{title}:\n{kept:.2f} of neighbours kept")
    print(f"{title:21} neighbours kept {kept:.2f}, trustworthiness {trust:.2f}")
    told.append(f"{kept:.2f} by {title}")
plots.show(
    "The stamps on four maps that differ: coins in two islands or in one. Neighbours "
    f"kept: {'; '.join(told)}."
)

# %% [markdown]
# All four keep about as many neighbours, and still they differ. On our map with
# perplexity 5 the coins (squares) fall into two islands, with 50 they are one, and what
# lies beside what has changed. How many groups of coins there are, no map can say. The
# two UMAP maps differ in their seed alone; what differs between *them* is certainly no
# fact about stamps. If they agree, that proves little in turn, for UMAP starts from
# much the same arrangement whatever the seed, and so does t-SNE here, from PCA's.
# Before you show a map, draw it with several settings, and say only what holds on all
# of them.
#
# **Cluster on the map, or in the features?** A map has clusters that one can see, so
# why not run k-means there? We do, with k = 7, and HDBSCAN as well, which leaves the
# pictures in thin places out as noise. The classes, as ever, serve to score and for
# nothing else.

# %%
places = {"features": [vectors] * 5, **all_layouts}
places["PCA"] = all_layouts["PCA"] * 5
rows = {}
for name, drawn in places.items():
    row = {}
    for algorithm in ("kmeans", "hdbscan"):
        labels = [
            clustering.cluster(points, algorithm, 7, seed)
            for seed, points in enumerate(drawn)
        ]
        nmi = [
            metrics.nmi(labels_true=image_set.true_labels, labels_pred=x)
            for x in labels
        ]
        row[f"NMI {algorithm}"] = mean_and_spread(nmi)
    row["left out by hdbscan"] = f"{np.mean(np.array(labels) == -1):.0%}"
    rows[name] = row
pd.DataFrame(rows).T

# %% [markdown]
# Read the column of k-means first. Random places score 0.05: that is chance. On the PCA
# map k-means *loses* clearly against the features, for what the map has dropped is lost
# to it. On the maps of t-SNE and UMAP it is as good as in the features, within the
# spread: nothing is won, and one more step with settings and seeds stands between you
# and the pictures.
#
# HDBSCAN tells another story. It looks for dense places, in 1,280 dimensions nothing is
# dense, and it leaves out almost a third of the pictures. On t-SNE's and UMAP's maps it
# does much better. That is the one good reason to cluster on a map. Its price you have
# seen above: it finds clusters in a map of noise as well. If k-means or Ward in the
# features do the job, leave the map for looking at. And if the map shows groups that no
# algorithm finds in the features, do not cluster at all: look at the pictures.
#
# ## 4 · Pictures in place of dots
#
# A dot says "bird" only because somebody knew. Pictures speak for themselves, and no
# labels are needed. We paste each picture at its place.


# %%
def picture_map(image_set, points, width=900, size=44):
    """Small pictures at their places on a map: an image of PIL, at double density."""
    width, size = 2 * width, 2 * size
    corners = maps.to_unit_square(points) * (width - size)
    corners[:, 1] *= -1  # PIL counts rows downwards
    corners = (corners - corners.min(axis=0)).round().astype(int)
    canvas = Image.new("RGB", tuple((corners.max(axis=0) + size).tolist()), "white")
    for index, (left, top) in enumerate(corners.tolist()):
        tile = image_set.picture(index, size)
        ink = (tile.min(axis=2) < 242) * np.uint8(255)  # the paper is transparent
        canvas.paste(Image.fromarray(tile), (left, top), Image.fromarray(ink))
    canvas.info["dpi"] = (144, 144)
    return canvas


points = all_layouts["t-SNE"][0]
plots.show(
    "The stamps as small pictures on the map of t-SNE: birds, mammals, coins and road "
    "signs in groups of their own; flowers, fruit and vegetables in a large one.",
    picture_map(image_set, points),
)

# %% [markdown]
# You can read this map with no legend: birds, mammals, coins and road signs lie in
# groups of their own, and flowers, fruit and vegetables share a large one. And you may
# see why a picture lies where it does, which no dot would tell. Look for the slice of an
# orange: round and flat, it lies nearer to the coins than the whole fruit do.
#
# But pictures cover each other. Beneath the slice of orange there is one of lime, of
# which our map shows nothing. `maps.grid` gives every picture a cell of its own: it
# halves the pictures by their x, gives the left half the left half of the cells, halves
# each half by their y, and goes on like this until one is left. No distances are kept,
# only who is left of, above and below whom.

# %%
plots.show(
    "The same pictures, each in a cell of a grid, none covered: coins at the lower "
    "left, birds at the top, mammals at the right.",
    picture_map(image_set, maps.grid(points), width=720, size=48),
)

# %% [markdown]
# Every picture can be seen, none covers another, and like still lies beside like:
# coins, road signs, flowers and birds have a corner or a band each. The price is that
# the gaps are gone. On the map one sees where a group ends; here the next one begins in
# the next cell.
#
# **Hotspots** are the crowded places of a map: HDBSCAN's clusters of the dots. Each
# gets a picture and words, and neither needs a label. The picture is the medoid, the
# one with the least mean distance to the others, and that distance is taken *in the
# features*, because the map's cannot be trusted. The words are nouns that stand more
# often in its captions than in all the others.

# %%
words = maps.hotspot_words(image_set)
spots = maps.find_hotspots(points, vectors, words)
figure, panel = plt.subplots(figsize=(9, 6), layout="constrained")
panel.scatter(*points.T, s=14, color="#bbbbbb")
for spot in spots:
    numbers = np.full(len(spot.members), spot.label)
    plots.scatter(points[spot.members], numbers, panel=panel, size=26)
    picture = OffsetImage(image_set.picture(spot.medoid, 64), zoom=0.7)
    frame = {"edgecolor": plots.look(spot.label)[0], "linewidth": 2.5}
    panel.add_artist(AnnotationBbox(picture, spot.centre, pad=0.1, bboxprops=frame))
    text = ", ".join([str(len(spot.members)), *spot.words])
    panel.annotate(
        text, spot.centre, (0, -28), textcoords="offset points", ha="center", va="top",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
    )
panel.set(xticks=[], yticks=[])
panel.margins(0.12)
told = [" ".join([str(len(spot.members)), *spot.words]) for spot in spots]
plots.show(
    f"The map with its {len(spots)} hotspots, each with its medoid, the number of its "
    f"pictures and its words: {'; '.join(told)}."
)

# %% [markdown]
# Each framed picture is a medoid, drawn at the middle of its hotspot; below it stand
# the number of pictures and the words. Grey dots belong to no hotspot. Nobody said what
# there is to find, and yet the coins and the flowers are named so that you would know
# them; "crossing" needs its picture, which is a road sign. How many hotspots there are
# depends on the map; run it with another seed. Words are as good as the captions: only
# nouns count, and a hotspot has no word where none is in a tenth of its captions. Captions
# name a gnu and a goose, not "mammal" and not "bird", and so the mammals and the birds
# stay without one. Without any captions, `maps.hotspot_words` takes the nouns that
# EfficientNetLite0 gives to a picture, and those are a network's guesses.
#
# ## 5 · The interactive map
#
# Paper cannot be zoomed. On a screen one goes nearer: `widgets.ImageScatter` draws the map
# as dots to move about in, coloured by cluster, with the clusters' names on it. The
# clusters here are those of k-means *in the features*. Turn the wheel to go nearer; rest the
# pointer on a dot, and its picture is shown. Press **Lasso** above the map and draw around
# some dots: their pictures appear below. (Where no notebook runs, you see thumbnails
# instead.)

# %%
labels = clustering.cluster(vectors, "kmeans", 7)
chart = widgets.ImageScatter(image_set, points, cluster_labels=labels)
chart

# %% [markdown]
# What you draw around comes back to Python: as indices in `chart.selection`, as an image
# set in `chart.selected`, as a table in `chart.table`, which `chart.to_csv` writes to a
# file. If you have drawn nothing, the next cell takes the hotspot with the bison.

# %%
if not len(chart.selection):
    bison = image_set.captions.index("A bison")
    around = (spot.members for spot in spots if bison in spot.members)
    chart.selection = next(around, np.arange(n_images))
print("pictures by cluster:", chart.table["cluster"].value_counts().to_dict())
display(chart.table.head(3))
plots.show(
    f"The {len(chart.selection)} selected pictures on their part of the map: hoofed "
    "animals at the upper right, small furry ones at the lower left.",
    picture_map(chart.selected, points[chart.selection], width=600, size=48),
)

# %% [markdown]
# From further away the bison's hotspot was one island. Near by there is an order within
# it: hoofed animals and antlers at one end, rabbits, rats and other small furry ones at
# the other. No class says so. And k-means in the features cuts the island in two, as
# the counts say: one island on a map need not be one cluster in the features.
#
# For thousands of pictures, and for people without Python, there is a page with the
# thumbnails themselves on the map: `python -m course_utils map photos --out map.html`.
# It opens in any browser without a network, with search, lasso and several layouts. Here
# is a screenshot of such a page, of the 250 photographs that come with the course.

# %%
import base64

from IPython.display import HTML

photograph = base64.b64encode((COURSE / ".github" / "map.jpg").read_bytes()).decode()
alt = (
    "The page of a map. At the left, thumbnails of cars, leopards, watches and "
    "others in groups, none covered, each group under a noun; at the right, lists."
)
HTML(f'<img src="data:image/jpeg;base64,{photograph}" width="950" alt="{alt}">')

# %% [markdown]
# At the left thumbnails in place of dots, with the words of their hotspots; at the right
# the selection, the clusters and the hotspots. UMAP's places were moved apart until no
# thumbnail covered another, so distances say even less than on UMAP's own map. The photos
# have no captions, so the words are what EfficientNetLite0 takes them for: of its thousand
# nouns none is "bonsai" and none is "chandelier", and it said "pot" and "candle".

# %% [markdown]
# ## Exercises
#
# Exercises 8.1 to 8.3 stand above, where you build the things.
#
# ### Exercise 8.4 · What a map may tell you (easy)
#
# Which of these statements are true of any data? Give the set of their letters, like
# `{"b", "e"}`.
#
# - a: Two pictures far apart on a PCA map are far apart in the features, too.
# - b: A wide cluster on a UMAP map holds pictures that differ more.
# - c: Clusters at opposite ends of a t-SNE map differ more than clusters side by side.
# - d: Two pictures close together on a PCA map are close together in the features.
# - e: A map that comes out the same for every seed is a map to be trusted.
# - f: The horizontal axis of a t-SNE map has no meaning of its own.
# - g: Clusters on a t-SNE or UMAP map may have no counterpart in the features.

# %%
# BEGIN SOLUTION: true_statements = None
true_statements = {"a", "f", "g"}
# END SOLUTION
checks.ex08_4(true_statements)

# %% [markdown]
# ### Exercise 8.5 · Your own map (open)
#
# Make a map of other features, like `hog` or `SqueezeNet`, or of your own pictures, and
# tell somebody what they may read from it. Which settings did you try? How many of the
# neighbours are kept? Which of the hotspots are still there with another seed, another
# perplexity, another algorithm?

# %% tags=["solution"]
def named(points, vectors):
    spots = maps.find_hotspots(points, vectors, words, n_words=1)
    return ", ".join(f"{len(s.members)} {' '.join(s.words)}" for s in spots)


for representation in ("raw", "hog", "SqueezeNet", "EfficientNetLite0"):
    other = representations.extract(image_set, representation, progress=False)
    other = clustering.prepare(other, "l2+kmeans")
    places = maps.layout(other, "umap")
    kept, trust, _ = scores_of_map(other, places)
    print(f"{representation}: kept {kept:.2f}, trustworthiness {trust:.2f}")
    print("   ", named(places, other))

for seed, places in enumerate(all_layouts["UMAP"]):
    print(f"EfficientNetLite0, seed {seed}:", named(places, vectors))

# %% [markdown] tags=["solution"]
# One can read from the map of EfficientNetLite0 that there are coins, road signs,
# birds, mammals and a large group of plants. On the map of the raw pixels nearly all
# pictures are in one hotspot, which one word cannot name. Its neighbours are kept no
# worse than on a PCA map of the network's features, but they are neighbours by their
# pixels: a map is never better than its features. With each of the five seeds
# EfficientNetLite0 has a hotspot of mammals, one of birds, one of road signs and two of
# coins; into how many hotspots the plants fall changes from map to map.

# %%
checks.summary()

# %% [markdown]
# ## In this notebook we …
#
# - found the two directions of largest spread by a singular value decomposition, and
#   how little of the whole they hold
# - measured maps by the neighbours they keep and the strangers they let in, and saw
#   t-SNE and UMAP keep far more neighbours than PCA
# - saw clusters in maps of noise, and widths and distances that were made up
# - clustered on maps and in the features, and kept the map for looking
# - drew thumbnails, a grid without overlaps, and hotspots with a medoid and words
# - went nearer on an interactive map, and took what we chose there back into Python
#
# ## Recall
#
# **1.** A UMAP map shows eight clear islands. What do you check before you write "there
# are eight groups"?
#
# <details><summary>Answer</summary>
#
# Whether they are there in the features: cluster there, too, and look whether other
# seeds, settings and algorithms give the same groups; make a map of noise of the same
# size for comparison. And look at the pictures.
# </details>
#
# **2.** What is the difference between neighbours kept and trustworthiness?
#
# <details><summary>Answer</summary>
#
# The first counts neighbours in the features that are neighbours on the map as well.
# The second looks at the neighbours on the map and counts strangers among them, the
# more the further away they are in the features; a near miss costs little.
# </details>
#
# **3.** Why is a hotspot's medoid found in the features and not on the map?
#
# <details><summary>Answer</summary>
#
# Distances on a map of t-SNE or UMAP may be invented, those in the features are not. A
# dot in the middle of an island need not be the picture most like all the others.
# </details>
#
# ## References
#
# - K. Pearson, *On lines and planes of closest fit to systems of points in space*,
#   Philosophical Magazine, 1901.
# - L. van der Maaten, G. Hinton, *Visualizing data using t-SNE*, JMLR, 2008.
# - L. McInnes, J. Healy, J. Melville, *UMAP: Uniform manifold approximation and
#   projection for dimension reduction*, 2018, arXiv:1802.03426.
# - J. Venna, S. Kaski, *Neighborhood preservation in nonlinear projection methods: an
#   experimental study*, ICANN, 2001: trustworthiness.
# - M. Wattenberg, F. Viégas, I. Johnson, *How to use t-SNE effectively*, Distill, 2016.
# - R. Campello, D. Moulavi, J. Sander, *Density-based clustering based on hierarchical
#   density estimates*, PAKDD, 2013: HDBSCAN.
# - B. Monroe, M. Colaresi, K. Quinn, *Fightin' words: lexical feature selection and
#   evaluation for identifying the content of political conflict*, Political Analysis,
#   2008: the words of a hotspot.
# - F. Lekschas, T. Manz, *Jupyter Scatter: interactive exploration of large-scale
#   datasets*, Journal of Open Source Software, 2024: the dots with the lasso.
# - Thomas and Abraham, *CNN model to classify visually similar images*: the scatter of
#   ResNet50 features; Yale DHLab, *PixPlot*: the map of pictures with hotspots.
#
# ## Next
#
# `09_ensembles_of_backbones.ipynb`: many clusterings vote.
