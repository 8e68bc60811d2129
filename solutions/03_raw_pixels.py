# %% [markdown]
# # 3 · Pictures as raw pixels
#
# Before a computer can cluster pictures, each picture must become a list of numbers. The
# cheapest list is the one it already is: its pixels. This lesson follows them all the way to
# scored clusters, and finds out what they really compare. It is not what you see.
#
# **You will be able to**
#
# * turn a picture into a vector and back, and say what each number is;
# * measure the distance between two pictures, and show where it comes from;
# * cluster pictures by their pixels and score the clusters against chance;
# * explain, with a measured quantity, why pictures ended up together;
# * predict which changes of a picture pixels forgive and which they do not.
#
# **You need** NumPy arrays, k-means (lesson 1) and purity, NMI and the Fowlkes-Mallows index
# (lesson 2).
#
# **Reading** 30 minutes, the exercises as much again · **run time** about 30 s on a CPU, the
# same on a GPU: nothing here uses it.

# %% tags=["setup"]
import cv2
import matplotlib.pyplot as plt
import numpy as np
from scipy.spatial.distance import pdist, squareform
from sklearn.neighbors import NearestNeighbors

from course_utils import images, representations, clustering, metrics, plots

# %% [markdown]
# ## 1 · A picture is a vector
#
# The course brings its own pictures: the stamps of a children's drawing program, cut out on
# white. 193 of them belong to seven classes.

# %%
image_set = images.load("stamps", progress=False)
true_labels = image_set.true_labels
print(image_set)
for name, count in zip(image_set.class_names, np.bincount(true_labels), strict=True):
    print(f"{count:4d} {name}")

# %% [markdown]
# A colour picture is an array with three axes: rows, columns, and the three values of red,
# green and blue, whole numbers from 0 (none) to 255 (full). `ravel` lays such an array out in
# one line. Here is how, on a picture of 2 × 2 pixels: red and green above, blue and white
# below.

# %%
toy = np.array(
    [[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], dtype=np.uint8
)
print("shape ", toy.shape)
print("vector", toy.ravel())

# %% [markdown]
# The order is row by row, then pixel by pixel within a row, then red, green, blue within a
# pixel. Nothing is lost: if you know the shape, you can rebuild the picture.
#
# All vectors must have the same length, or they cannot be compared. So every picture is first
# stretched to 32 × 32 pixels; that makes 32 · 32 · 3 = 3,072 numbers. Then they are divided by
# 255, so that 0 is black and 1 is white. The course calls this representation `raw`, and
# `representations.extract` computes it for a whole image set.

# %%
vectors = representations.extract(image_set, "raw", progress=False)
pictures = vectors.reshape(-1, 32, 32, 3)
print("vectors ", vectors.shape)
print("pictures", pictures.shape)


def find(name):
    """The place in the image set of the picture whose file has this name."""
    return next(i for i, image in enumerate(image_set.images) if f"/{name}." in image)


# %%
parrot, row = find("adelaide_rosella"), 12
figure, panels = plt.subplot_mosaic(
    "abc;ddd", figsize=(10, 5.6), height_ratios=(1.7, 1), layout="constrained"
)
panels["a"].imshow(image_set.picture(parrot))
panels["a"].set_title("the file: 224 × 224 pixels")
panels["b"].imshow(pictures[parrot])
panels["b"].axhspan(row - 0.5, row + 0.5, fill=False, lw=2)
panels["b"].set_title(f"32 × 32 pixels, row {row} framed")
styles = {"red": ("#D55E00", "-"), "green": ("#009E73", "--"), "blue": ("#0072B2", ":")}
for channel, (name, (colour, style)) in enumerate(styles.items()):
    values = pictures[parrot, row, :, channel]
    panels["c"].plot(values, style, color=colour, lw=2, label=name)
panels["c"].set(title="its values", xlabel="column", ylabel="value")
panels["c"].legend(frameon=False, loc="lower left")
panels["d"].plot(vectors[parrot], color="#999999", lw=0.5)
segment = np.arange(row * 96, (row + 1) * 96)
panels["d"].plot(segment, vectors[parrot, segment], color="#0072B2", lw=0.8)
panels["d"].set(xlabel="position in the vector (row 12 in blue)", ylabel="value")
plots.show(
    "A parrot, the same at 32 × 32 pixels with one row framed, the red, green and blue "
    f"values of that row, and all {vectors.shape[1]:,} values in line: no shape to see."
)

# %% [markdown]
# From left to right: the parrot as stored; at 32 × 32 pixels, still a parrot to you; and the
# 96 numbers of one of its rows, which are 1 on the white paper and fall apart into red, green
# and blue on the bird. Below, all 3,072 numbers in line, those of the row in blue. This line is
# everything that the algorithm gets. It is not told that the numbers at 1,152 and 1,248, where
# rows 12 and 13 begin, stand one above the other.
#
# ### Exercise 3.1 · There and back again (easy)
#
# Write both directions. `to_vector` takes a picture of whole numbers from 0 to 255, shape (32,
# 32, 3), and returns its 3,072 numbers, divided by 255. `to_picture` takes such a vector and
# returns exactly the picture it came from, in whole numbers again (`np.uint8`).


# %%
def to_vector(picture):
    """A uint8 picture (32, 32, 3) as a vector of 3,072 numbers from 0 to 1."""
    # BEGIN SOLUTION: return None
    return picture.astype(np.float32).ravel() / 255
    # END SOLUTION


def to_picture(vector):
    """The uint8 picture (32, 32, 3) that a vector came from."""
    # BEGIN SOLUTION: return None
    return np.round(vector * 255).astype(np.uint8).reshape(32, 32, 3)
    # END SOLUTION


checks.ex03_1(to_vector, to_picture)

# %% [markdown]
# ## 2 · Near in pixels
#
# Two vectors of the same length have a Euclidean distance: subtract them number by number,
# square the differences, add them up, take the square root. In formulas
# $d(a, b) = \sqrt{\sum_i (a_i - b_i)^2}$. Two equal pictures have distance 0. Black and white
# are as far apart as can be: $\sqrt{3072} \approx 55.4$.
#
# ### Exercise 3.2 · The distance between two images (easy)
#
# Write it for two pictures of whole numbers (uint8), of any size, with values divided by 255 as
# above. Mind what NumPy does with whole numbers that have only eight bits:


# %%
print("3 - 5 =", np.uint8([3]) - np.uint8([5]))


# %%
def pixel_distance(first, second):
    """Euclidean distance between two uint8 pictures (h, w, 3), values / 255."""
    # BEGIN SOLUTION: return None
    difference = first.astype(float) / 255 - second.astype(float) / 255
    return np.sqrt((difference**2).sum())
    # END SOLUTION


checks.ex03_2(pixel_distance)

# %% [markdown]
# Under the root stands a sum over pixels, so it can be drawn: the brighter a pixel of the
# difference, the more it adds. We compare the banana with two pictures: the nearest one of
# another class, from now on its *nearest stranger*, and the nearest other fruit. (NumPy's
# `np.linalg.norm` computes the square root of the sum of squares.)

# %%
banana = find("banana")
from_banana = np.linalg.norm(vectors - vectors[banana], axis=1)
same_class = true_labels == true_labels[banana]
stranger = np.where(same_class, np.inf, from_banana).argmin()
fruit = np.where(same_class & (from_banana > 0), from_banana, np.inf).argmin()

figure, panels = plt.subplots(2, 3, figsize=(8.6, 4.8), layout="constrained")
for line, other in zip(panels, (stranger, fruit), strict=True):
    difference = np.abs(pictures[banana] - pictures[other]).mean(axis=2)
    line[0].imshow(pictures[banana])
    line[1].imshow(pictures[other])
    shown = line[2].imshow(difference, cmap="magma", vmin=0, vmax=1)
    line[1].set_title(f"{image_set.captions[other]} ({image_set.true_names[other]})")
    line[2].set_title(f"distance {from_banana[other]:.1f}")
for panel in panels.flat:
    panel.set_axis_off()
figure.colorbar(shown, ax=panels, label="mean difference of a pixel", shrink=0.8)
plots.show(
    "A banana beside its nearest picture of another class, at distance "
    f"{from_banana[stranger]:.1f}, and its nearest fruit, at {from_banana[fruit]:.1f}. "
    "The differences are brightest where only one of the two pictures is paper."
)

# %% [markdown]
# On the left the banana, then the other picture, on the right their difference. Black is where
# the two agree, above all where both are paper: that adds nothing. The brightest pixels are where
# the ink of one meets the paper of the other. The pineapple is a fruit, and yet the string of
# garlic is nearer, 9.3 against 10.7: garlic is pale and differs little from paper, whereas the
# darker leaves of the pineapple stand where the banana leaves the paper white.
#
# ### Predict first
#
# Every picture has one nearest neighbour among the 192 others. How often is it of the same
# class? With neighbours drawn at random, it would be about one time in six or seven.

# %%
prediction = None  # a share from 0 to 1, e.g. 0.5

# %% [markdown]
# ### Exercise 3.3 · Nearest neighbours (medium)
#
# Write a function that lists the neighbours of one picture. Two things go wrong easily: every
# picture is its own nearest neighbour, and an image set may hold the same picture twice.


# %%
def nearest(vectors, index, n_neighbours):
    """The places of the pictures nearest to picture `index`, nearest first.

    vectors: (n, d). The picture itself is not among them; a twin of it is.
    """
    # BEGIN SOLUTION: return None
    gaps = np.sqrt(((vectors - vectors[index]) ** 2).sum(axis=1))
    gaps[index] = np.inf
    return np.argsort(gaps, kind="stable")[:n_neighbours]
    # END SOLUTION


checks.ex03_3(nearest)

# %% [markdown]
# For all pictures at once we use scikit-learn's `NearestNeighbors` from here on. Called without
# an argument, `kneighbors` leaves each picture out of its own neighbours.

# %%
distances, neighbours = NearestNeighbors(n_neighbors=6).fit(vectors).kneighbors()
queries = [find(n) for n in ("banana", "010", "zebra", "rose", "seagull", "stop")]
figure, panels = plt.subplots(6, 7, figsize=(7.4, 6), layout="constrained")
for line, query in zip(panels, queries, strict=True):
    for panel, index in zip(line, [query, *neighbours[query]], strict=True):
        panel.imshow(image_set.picture(index, 96))
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set_visible(True)
        if true_labels[index] != true_labels[query]:
            panel.spines[:].set(color="#D55E00", linewidth=2.5)
            panel.plot(84, 12, "X", color="#D55E00", ms=9)
    line[0].set_ylabel(image_set.true_names[query], fontsize=9)
for column, title in ((0, "picture"), (1, "nearest"), (6, "sixth")):
    panels[0, column].set_title(title, fontsize=10)
same = (true_labels[neighbours[queries]] == true_labels[queries][:, None]).sum(axis=1)
plots.show(
    "Six pictures with their six nearest by pixels, alike in outline and shade. Of the "
    "same class: "
    + ", ".join(f"{n} ({image_set.true_names[q]})" for n, q in zip(same, queries))
)

# %% [markdown]
# Each line begins with a picture, and its six nearest follow; a frame and a cross mark those of
# another class. The coin finds coins, and the zebra finds five mammals seen from the side, as
# it is. The banana finds pale things and tall things, garlic, penguin, flamingo. The stop sign
# finds six round things of a warm colour and not one road sign. Neighbours agree in outline,
# place and shade; whether they agree in meaning is an accident of how the pictures were made.

# %%
same = true_labels[neighbours[:, 0]] == true_labels
class_sizes = np.bincount(true_labels)
n_images = len(image_set)
by_chance = (class_sizes / n_images * (class_sizes - 1) / (n_images - 1)).sum()
lessons.reveal(prediction, float(same.mean()), "the share of nearest neighbours")
print(f"By chance it would be {by_chance:.2f}. By class:")
for label, name in enumerate(image_set.class_names):
    print(f"{same[true_labels == label].mean():5.2f} {name}")

# %% [markdown]
# Far better than chance, and far from good. The classes differ widely: coins, discs in the
# middle of the paper, nearly always find a coin; vegetables seldom find a vegetable.
#
# ### Pixels do not know who their neighbours are
#
# Now all 193 pictures are scrambled: the 1,024 pixels of each change places, in the same way in
# all pictures.

# %%
order = np.random.default_rng(0).permutation(32 * 32)
scrambled = pictures.reshape(-1, 32 * 32, 3)[:, order].reshape(pictures.shape)

figure, panels = plt.subplots(2, 5, figsize=(8, 3.4), layout="constrained")
shown = [banana, stranger, *queries[1:4]]
for column, index in enumerate(shown):
    panels[0, column].imshow(pictures[index])
    panels[1, column].imshow(scrambled[index])
for panel in panels.flat:
    panel.set_axis_off()
plots.show(
    "Banana, garlic, coin, zebra and rose, and below them the same with their pixels "
    "scrambled: the colours remain, the shapes are gone."
)

# %% [markdown]
# Above a banana, garlic, a coin, a zebra and a rose, below the same five, scrambled. You can
# still tell that the garlic is pale and the coin golden, but what they show is gone.
#
# ### Predict first
#
# You know the distance between the banana and its nearest stranger from the picture of
# differences. What is the distance between the two when they are scrambled?

# %%
prediction_2 = None  # a number, e.g. 20

# %%
after = np.linalg.norm(scrambled[banana] - scrambled[stranger])
lessons.reveal(prediction_2, float(after), "the distance of the scrambled two")
print(f"Before it was {from_banana[stranger]:.3g}.")
scrambled_distances = pdist(scrambled.reshape(n_images, -1))
print("All other pairs too:", np.allclose(pdist(vectors), scrambled_distances, 1e-4))

# %% [markdown]
# Every distance stays what it was, because a sum does not depend on the order of its terms.
# Nearest neighbours, k-means and everything else that is made of distances comes out the same.
# So for the pixel vector, a zebra and its scrambled confetti are equally good pictures: it
# compares each place with *the same place* in the other picture, and nothing else.
#
# ## 3 · Clusters of pixels
#
# k-means with seven clusters, as in lesson 1, on the raw pixels, with three seeds. The scores
# are those of lesson 2. The chance level keeps the sizes of the clusters and fills them at
# random.

# %%
runs = [clustering.cluster(vectors, "kmeans", 7, seed) for seed in range(3)]
scores = [metrics.scores(labels_true=true_labels, labels_pred=r) for r in runs]
chance = metrics.chance_scores(labels_true=true_labels, labels_pred=runs[0])

figure, panel = plt.subplots(figsize=(7.5, 2.4), layout="constrained")
for height, score in enumerate(("fowlkes_mallows", "nmi", "purity")):
    values = [s[score] for s in scores]
    panel.plot(values, [height] * 3, "s", color="#0072B2", ms=8, mfc="none", mew=2)
    panel.plot([chance[score]] * 2, [height - 0.3, height + 0.3], "--", color="black")
    panel.text(max(values) + 0.03, height, f"{np.mean(values):.2f}", va="center")
panel.set_yticks(range(3), ["Fowlkes-Mallows", "NMI", "purity"])
panel.set(xlim=(0, 1), ylim=(-0.5, 2.6), xlabel="score (dashed: chance)")
means = {name: np.mean([s[name] for s in scores]) for name in ("purity", "nmi")}
plots.show(
    f"Scores of k-means on pixels, three seeds. Mean purity {means['purity']:.2f}, "
    f"chance {chance['purity']:.2f}; mean NMI {means['nmi']:.2f}, chance "
    f"{chance['nmi']:.2f}."
)

# %% [markdown]
# A square is one seed, the number the mean of the three. All scores lie above the dashed chance
# level, so the pixels do know something about the classes. They also lie far below 1. Purity
# looks best, but its chance level is the highest, too.
#
# Numbers do not say *what* went wrong. Pictures do. From here on we look at the run with
# seed 0; the labels had no say in choosing it.

# %%
cluster_labels = runs[0]
plots.gallery(image_set, cluster_labels, vectors, n_pictures=8)
purity = metrics.purity(labels_true=true_labels, labels_pred=cluster_labels)
plots.show(
    "The seven clusters by pixels, eight pictures of each. Rows are alike in outline "
    f"and shade, and most mix classes: purity {purity:.2f}."
)

# %% [markdown]
# One line per cluster, biggest first, the members nearest its mean on the left; a frame and a
# cross mark pictures that are not of the cluster's most frequent class. Cluster 4 has mostly things
# wider than tall, half of them mammals, seen from the side. Cluster 1 has what leaves most of
# its paper white or is nearly white itself: garlic, an ostrich, thin petals, a cow. Cluster 0
# is mostly darker discs, whether apple or penny. Cluster 5 has what is dark in the middle.
# Cluster 6 is a mixture: flowers are its most frequent class with a fifth of it, and none of the
# eight in its line is one. The three traffic lights are a cluster of their own, because they are
# the same picture but for the lamp.
#
# k-means rests on the *means* of its clusters, and the mean of vectors of pixels is again a
# picture:

# %%
brightness = vectors.mean(axis=1)
clusters = sorted(range(7), key=lambda c: brightness[cluster_labels == c].mean())
figure, panels = plt.subplots(1, 7, figsize=(10, 2), layout="constrained")
for panel, cluster in zip(panels, clusters, strict=True):
    members = cluster_labels == cluster
    panel.imshow(pictures[members].mean(axis=0))
    panel.set_title(f"cluster {cluster}\n{members.sum()} pictures", fontsize=10)
    panel.set(xticks=[], yticks=[])
    panel.spines[:].set_visible(True)
plots.show(
    "Mean picture of each cluster, darkest first. A traffic light and discs can be "
    "made out; the other means are blurs."
)

# %% [markdown]
# From the darkest mean to the lightest. Where the members coincide, the mean is sharp: the
# traffic light, the disc of cluster 0, the rim of the euro coins in cluster 2. In cluster 6 it
# is a disc with the shadow of a diamond, from the road signs in it. The others are a dark blot
# and two pale hazes, one wide and one upright, which resemble none of their members.
#
# ### What the clusters know
#
# The suspicion: pixels sort by *how much paper is left and how bright the ink is*. That can be
# measured. The mean of a vector is the brightness of the picture, one number. If we know a
# picture's cluster, how well do we know its brightness? And if we know its class? The answer is
# a share: how much of the variance of the brightness (its mean squared distance from its mean)
# lies between the groups, instead of within them. 0 means that the groups say nothing, 1 that
# they say all.


# %%
def explained_share(values, groups):
    """Share of the variance of values that lies between groups: from 0 to 1."""
    group_means = np.empty(len(values))
    for group in np.unique(groups):
        group_means[groups == group] = values[groups == group].mean()
    return group_means.var() / values.var()


white = (pictures.min(axis=3) > 0.94).mean(axis=(1, 2))
for name, values in (("brightness", brightness), ("share of white", white)):
    by_cluster = explained_share(values, cluster_labels)
    by_class = explained_share(values, true_labels)
    print(f"{name:15} clusters explain {by_cluster:.2f}, classes {by_class:.2f}")

# %%
figure, panels = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="tight")
classes = sorted(range(7), key=lambda c: brightness[true_labels == c].mean())
jitter = np.random.default_rng(0).uniform(-0.2, 0.2, n_images)
kinds = (cluster_labels, clusters), (true_labels, classes)
for panel, (groups, ordered) in zip(panels, kinds, strict=True):
    places = np.argsort(ordered)[groups]
    panel.plot(places + jitter, brightness, "o", color="#0072B2", ms=4, alpha=0.6)
    for place, group in enumerate(ordered):
        middle = brightness[groups == group].mean()
        panel.plot([place - 0.35, place + 0.35], [middle] * 2, color="black", lw=2)
panels[0].set_xticks(range(7), clusters)
panels[1].set_xticks(range(7), [image_set.class_names[c] for c in classes], rotation=25)
panels[0].set(xlabel="cluster", ylabel="brightness (mean of the vector)")
spread = [np.mean([np.ptp(brightness[g == i]) for i in range(7)]) for g, _ in kinds]
plots.show(
    "Brightness of every picture, by cluster and by class. The mean range of a cluster "
    f"is {spread[0]:.2f}, of a class {spread[1]:.2f}."
)

# %% [markdown]
# A dot is a picture, a black line the mean of its group. On the left, by cluster, the bands of
# brightness are mostly narrow, and they climb; clusters 5, 6 and 2 share one and differ in where
# the ink is. On the right, by class, each band covers about half of the scale or more. The
# clusters tell the brightness of a picture (.83 explained) far better than its class does (.37).
# What k-means found is real; it is just not what we were asking for. With the share of white,
# printed above, the gap is far smaller (.71 to .59): how much of its paper a thing covers does
# say something about what it is. Keep that in mind for exercise 3.6.
#
# ### Does it take more pixels?
#
# Perhaps 32 × 32 is too coarse? The same with fewer and with more. (The step `pca192` is there
# for speed only: it makes each long vector one of 192 numbers and leaves all distances as they
# are. Lesson 6 explains it. SciPy's `pdist` lists the distances of all pairs.)

# %%
sides = (1, 2, 4, 8, 16, 32, 64)
nmis = []
for side in sides:
    sized = np.stack([image_set.picture(i, side).ravel() for i in range(n_images)])
    turned = clustering.prepare(sized / 255, "pca192+kmeans")
    found = [clustering.cluster(turned, "kmeans", 7, seed) for seed in range(3)]
    nmis.append([metrics.nmi(labels_true=true_labels, labels_pred=f) for f in found])
together = np.corrcoef(pdist(vectors), pdist(turned))[0, 1]
print(f"correlation of the distances at 32 × 32 and at 64 × 64: {together:.3f}")

# %%
figure, panel = plt.subplots(figsize=(7.5, 3.4), layout="constrained")
panel.plot(np.mean(nmis, axis=1), "-", color="#0072B2")
panel.plot(nmis, "s", color="#0072B2", ms=8, mfc="none", mew=2)
panel.axhline(chance["nmi"], color="black", ls="--")
panel.set_xticks(range(7), [f"{side} × {side}" for side in sides])
panel.set(xlabel="pixels", ylabel="NMI (dashed: chance)", ylim=(0, 0.5))
means = np.mean(nmis, axis=1)
plots.show(
    f"NMI against the size of the picture, three seeds: mean {means[0]:.2f} with one "
    f"pixel, between {means[3:].min():.2f} and {means[3:].max():.2f} from {sides[3]} × "
    f"{sides[3]} on."
)
print("means", means.round(2))

# %% [markdown]
# A square is one seed, the line their mean. One single pixel, the mean colour of the picture,
# already scores .22. From 8 × 8 on, the means stay between .28 and .31, and the seeds overlap:
# finer pictures do not help. A pixel nearly repeats its neighbour, so that the distances grow
# together, as their correlation says. Detail is not what is missing.
#
# ## 4 · What a shift does
#
# A picture moved to the right by a few pixels shows the same thing. What does it do to the
# vector? We move the pictures at 32 × 32 and fill what opens on the left with white.
#
# ### Predict first
#
# By how many pixels must the banana move before *its own picture* is farther away than a
# picture of another class?

# %%
prediction_3 = None  # a whole number of pixels from 1 to 32, e.g. 10


# %%
def moved_right(pictures, columns):
    """Pictures (n, 32, 32, 3) moved to the right; the left is filled with white."""
    moved = np.ones_like(pictures)
    moved[:, :, columns:] = pictures[:, :, : 32 - columns]
    return moved


def distance_to_own(changed):
    """Distance of every changed picture (n, 32, 32, 3) to itself as it was."""
    return np.linalg.norm((changed - pictures).reshape(n_images, -1), axis=1)


shifts = np.arange(13)
moved_distances = np.stack([distance_to_own(moved_right(pictures, s)) for s in shifts])

# The distance of every picture to the nearest one of another class
other_class = true_labels[:, None] != true_labels
nearest_stranger = np.where(other_class, squareform(pdist(vectors)), np.inf).min(axis=1)

overtaken = int((moved_distances[:, banana] > nearest_stranger[banana]).argmax())
lessons.reveal(prediction_3, overtaken, "the first shift that is too far")

# %%
figure = plt.figure(figsize=(10, 5.6), layout="constrained")
top, bottom = figure.subfigures(2, 1, height_ratios=(1, 2))
thumbnails = top.subplots(1, 7)
for panel, shift in zip(thumbnails, (0, 1, 2, 3, 5, 8), strict=False):
    panel.imshow(moved_right(pictures, shift)[banana])
    panel.set_title(f"by {shift}: {moved_distances[shift, banana]:.1f}", fontsize=10)
thumbnails[6].imshow(pictures[stranger])
thumbnails[6].set_title(f"stranger: {nearest_stranger[banana]:.1f}", fontsize=10)
for panel in thumbnails:
    panel.set(xticks=[], yticks=[])
    panel.spines[:].set_visible(True)
left, right = bottom.subplots(1, 2)
left.plot(shifts, moved_distances[:, banana], "o-", color="#0072B2")
left.axhline(nearest_stranger[banana], color="#D55E00", ls="--")
left.text(12, nearest_stranger[banana] - 0.9, "nearest stranger", ha="right")
left.set(xlabel="shift (pixels of 32)", ylabel="distance to the banana")
too_far = (moved_distances > nearest_stranger).mean(axis=1)
right.plot(shifts, too_far, "o-", color="#0072B2")
right.text(5.3, 0.8, f"five pixels: {too_far[5]:.0%}")
right.set(xlabel="shift (pixels of 32)", ylim=(0, 1.02))
right.set_ylabel("share farther from itself\nthan from a stranger")
passed = (moved_distances[:, banana] > nearest_stranger[banana]).argmax()
plots.show(
    f"A banana moved to the right: by {passed} pixels it is farther from itself than "
    f"the nearest stranger is. Moved by five, {too_far[5]:.0%} of all pictures are."
)

# %% [markdown]
# Above: the banana moved by 0 to 8 pixels, with its distance to where it began, and the garlic.
# Below on the left: the distance leaps up with the very first pixels, passes the nearest
# stranger between two and three, and is highest at nine. On the right all pictures: after a
# shift of three pixels about half of them are farther from themselves than from some picture of
# another class, after five it is 85%. To you, a banana moved by five pixels is the same banana.
#
# ### Other changes
#
# Six more changes that leave you in no doubt what the picture shows. Each is divided by the
# distance to the nearest stranger: above 1, a picture of another class is nearer than the
# picture itself.


# %%
def smaller(picture, side=24):
    """A picture of 32 × 32 at a smaller size, in the middle of white paper."""
    margin = (32 - side) // 2
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    return np.pad(small, ((margin,) * 2, (margin,) * 2, (0, 0)), constant_values=1)


grey_weights = np.array([0.299, 0.587, 0.114])  # the eye is most sensitive to green
noise = np.random.default_rng(0).normal(0, 0.1, pictures.shape)
changes = {
    "grey": np.repeat((pictures @ grey_weights)[..., None], 3, axis=3),
    "noisy": np.clip(pictures + noise, 0, 1),
    "20% darker": pictures * 0.8,
    "mirrored": pictures[:, :, ::-1],
    "three quarters": np.stack([smaller(picture) for picture in pictures]),
    "a quarter turn": np.rot90(pictures, axes=(1, 2)),
}

# %%
figure, panels = plt.subplots(
    2, 6, figsize=(10, 4.6), height_ratios=(1, 1.5), sharey="row", layout="constrained"
)
zebra, farther = find("zebra"), {}
for column, (name, changed) in enumerate(changes.items()):
    ratios = distance_to_own(changed) / nearest_stranger
    low, middle, high = np.percentile(ratios, (25, 50, 75))
    panels[0, column].imshow(changed[zebra].clip(0, 1))
    panels[0, column].set(title=name, xticks=[], yticks=[])
    panels[0, column].spines[:].set_visible(True)
    chart = panels[1, column]
    chart.plot([0, 0], [low, high], color="#0072B2", lw=3)
    chart.plot(0, middle, "o", color="#0072B2", ms=9)
    chart.axhline(1, color="#D55E00", ls="--")
    chart.set(xticks=[], xlim=(-0.6, 0.6), ylim=(0, 1.6))
    farther[name] = (ratios > 1).mean()
    chart.set_xlabel(f"median {middle:.2f}\ntoo far: {farther[name]:.0%}")
panels[1, 0].set_ylabel("distance / nearest stranger\n(median, middle half)")
plots.show(
    "Six changes of a picture and how far they carry it, relative to the nearest "
    "picture of another class. Share carried farther: "
    + ", ".join(f"{name} {share:.0%}" for name, share in farther.items())
)

# %% [markdown]
# Above the zebra after each change; below, for all pictures, the median of the ratio as a dot
# and the middle half as a bar; "too far" is the share above the dashed line at 1. Noise changes
# nearly every pixel a little and passes the line in no picture. Losing the colour costs most
# pictures little, being 20% darker costs more. To be mirrored, to shrink or to turn keeps what
# there is to see and moves it to another place, and for 40 to 77% of the pictures that is worse
# than being some picture of another class. Pixels
# forgive small errors everywhere, and hardly any movement.
#
# ## Exercises
#
# Exercises 3.1 to 3.3 stand above. These go further.
#
# ### Exercise 3.4 · Up, down, left, right (medium)
#
# `moved_right` knows one direction. Write `shifted` for one picture and all directions: `down`
# and `right` are whole numbers of pixels, and negative ones mean up and left. What opens at the
# edge becomes white, which is 1. Nothing may come back in on the other side.


# %%
def shifted(picture, down, right):
    """A picture (h, w, 3), values 0 to 1, moved by whole pixels on white paper."""
    # BEGIN SOLUTION: return None
    height, width = picture.shape[:2]
    result = np.ones_like(picture)
    source = picture[max(0, -down) : height - down, max(0, -right) : width - right]
    top, left = max(0, down), max(0, right)
    result[top : top + source.shape[0], left : left + source.shape[1]] = source
    return result
    # END SOLUTION


checks.ex03_4(shifted)

# %% [markdown]
# ### Exercise 3.5 · What k-means does not notice (medium)
#
# Eight changes, each made to the image set before k-means runs on the pixels with the same
# seed. Which of them certainly leave the clusters as they are? Think of what happens to the
# distances; no code is needed.
#
# * **a** every picture is mirrored
# * **b** every second picture is mirrored
# * **c** every value is squared
# * **d** every value is halved
# * **e** the pixels change places, in the same way in all pictures
# * **f** the pixels change places, in each picture in its own way
# * **g** every picture becomes grey
# * **h** every picture becomes its negative, 1 − value

# %%
# BEGIN SOLUTION: unnoticed = None  # the letters in one string, like "bf"
unnoticed = "adeh"
# END SOLUTION

checks.ex03_5(unnoticed)

# %% [markdown] tags=["solution"]
# All distances stay the same if every picture is mirrored, if all pictures are scrambled in the
# same way (mirroring is such a scrambling), and if all become negatives: in (1 − a) − (1 − b)
# the ones cancel. If all values are halved, all distances are, and which mean is nearest
# remains. The others change some distances more than others. The experiment agrees: an NMI of 1
# between the clusters before and after says that they are the same.

# %% tags=["solution"]
generator = np.random.default_rng(1)
half_mirrored = pictures.copy()
half_mirrored[::2] = pictures[::2, :, ::-1]
own_way = generator.permuted(np.arange(1024)[None].repeat(n_images, 0), axis=1)
confetti = pictures.reshape(n_images, 1024, 3)
variants = {
    "a": pictures[:, :, ::-1],
    "b": half_mirrored,
    "c": pictures**2,
    "d": pictures / 2,
    "e": scrambled,
    "f": np.stack([confetti[i, own_way[i]] for i in range(n_images)]),
    "g": changes["grey"],
    "h": 1 - pictures,
}
for letter, variant in variants.items():
    found = clustering.cluster(variant.reshape(n_images, -1), "pca192+kmeans", 7)
    nmi = metrics.nmi(labels_true=cluster_labels, labels_pred=found)
    print(letter, f"{nmi:.2f}")

# %% [markdown]
# ### Exercise 3.6 · Make pixels better (open)
#
# Write your own `better_pixels`. It gets one picture of 224 × 224 pixels (uint8) and returns a
# vector, of the same length for every picture. Cut the thing out and centre it, blur, drop or
# stress colours, take off the brightness, keep the outline only, …: whatever this lesson made
# you suspect. (`cv2.resize` is shown in `smaller`, in section 4; paper has values near 255.) No
# networks, and no peeking at the true labels.
#
# The check clusters the stamps with your vectors, five seeds, and holds your *mean* NMI against
# the *best* seed of the raw pixels, so that luck is not enough. Not every idea that sounds right
# helps: write down what you expect before you run it.


# %%
def better_pixels(picture):
    """A uint8 picture (224, 224, 3) as a vector that says more than its pixels."""
    # BEGIN SOLUTION: return None
    thing = (picture.min(axis=2) < 240).astype(np.float32)
    return cv2.resize(thing, (32, 32), interpolation=cv2.INTER_AREA).ravel()
    # END SOLUTION


checks.ex03_6(better_pixels)

# %% [markdown] tags=["solution"]
# One that works is radical: forget all colours and keep the silhouette, the share of each of
# the 32 × 32 squares that is not paper. Brightness is gone, and with it the trap of section 3.
#
# It is as instructive to see what does *not* work. The next cell holds it against the pixels
# and three other ideas. Cutting each thing out of its paper and stretching it over the square,
# which section 4 seems to ask for, makes it *worse* here: how much of the paper a thing fills,
# and in what shape, was part of what told the classes apart.
#
# A warning about this exercise. To choose the best of many ideas by its score means to choose by
# the true labels. The score of the winner is then too good, and only an image set that had no
# part in the choice can say how good it really is.


# %% tags=["solution"]
def cut_out(picture):
    inked = picture.min(axis=2) < 240
    rows, columns = np.flatnonzero(inked.any(1)), np.flatnonzero(inked.any(0))
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def shares(picture):
    return cv2.resize(picture, (32, 32), interpolation=cv2.INTER_AREA) / 255


ideas = {
    "pixels": shares,
    "cut out and stretched": lambda p: shares(cut_out(p)),
    "blurred": lambda p: cv2.GaussianBlur(shares(p), (0, 0), 3),
    "less its mean, over its spread": lambda p: (
        (shares(p) - shares(p).mean()) / shares(p).std()
    ),
    "silhouette": better_pixels,
}
for name, idea in ideas.items():
    tried = np.stack([idea(image_set.picture(i)).ravel() for i in range(n_images)])
    turned = clustering.prepare(tried, "pca192+kmeans")
    found = [clustering.cluster(turned, "kmeans", 7, seed) for seed in range(5)]
    tries = [metrics.nmi(labels_true=true_labels, labels_pred=f) for f in found]
    mean, low, high = np.mean(tries), min(tries), max(tries)
    print(f"{name:32} NMI {mean:.2f}, from {low:.2f} to {high:.2f}")

# %%
checks.summary()

# %% [markdown]
# ## In this notebook we …
#
# * laid 193 pictures out as vectors of 3,072 pixel values and could put them back;
# * drew a distance between pictures as a picture of differences, and found a banana next to
#   garlic;
# * saw that scrambling all pictures in the same way changes no distance: pixels are compared
#   place by place, without any idea of shape;
# * clustered the pixels, scored the clusters against chance, and showed by measuring that
#   they mostly know how bright a picture is;
# * found that more pixels do not help, and that a shift by five of 32 pixels is enough, for 85%
#   of the pictures, to make a picture of another class nearer than the picture itself.
#
# ## Recall
#
# **1.** All pictures are turned upside down, every one. What happens to the clusters that
# k-means finds in their pixels, and why?
#
# <details><summary>Answer</summary>Nothing, with the same seed. The same pixels are compared
# with each other, only in another order, and a sum does not depend on the order of its terms:
# all distances stay as they were.</details>
#
# **2.** Someone gets an NMI of .28 with raw pixels at 32 × 32 and wants to repeat it at 256 × 256
# to get a better score. What do you say?
#
# <details><summary>Answer</summary>That it will hardly change. A pixel nearly repeats its
# neighbour, so that finer pictures have much the same distances, apart from a common factor; on
# the stamps the score levelled off from 8 × 8 on. What is missing is not detail, it is that the
# same thing at another place, size or brightness should be near.</details>
#
# **3.** How did we find out that the clusters are mainly about brightness, without looking at
# any pictures?
#
# <details><summary>Answer</summary>By the share of the variance of the brightness that lies
# between the groups. It was far higher for the clusters than for the true classes: if you know
# a picture's cluster, you know its brightness quite well.</details>
#
# ## References
#
# * A. Torralba, R. Fergus, W. T. Freeman: 80 million tiny images: a large data set for
#   nonparametric object and scene recognition. *IEEE PAMI* 30(11), 2008. How far pictures of
#   32 × 32 pixels go when there are enough of them.
# * J. Guérin: Tutorial on image clustering, 2019. It clusters 575 faces of UMist by their raw
#   pixels (Ward, k = 20) with purity .50, NMI .66 and Fowlkes-Mallows .38, as published there;
#   another image set with another k, so not comparable with our scores.
#
# ## Next
#
# `04_handcrafted_features.ipynb`: counts of colours, edges and textures, which forgive what
# pixels do not.
