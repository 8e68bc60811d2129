# %% [markdown]
# # 1 · Clustering by hand
#
# Nine pictures, no labels, one question: which of them belong together? In this lesson you write
# the best-known answer, k-means, from two short rules, watch it succeed and watch it fail, and
# meet algorithms that succeed where it cannot.
#
# **You will be able to**
#
# - say what clustering is, and what makes it different from classification,
# - write k-means from its two steps and compute what it minimises,
# - explain why two runs can differ, and how k-means++ chooses a better start,
# - read an elbow, a silhouette and a dendrogram, and say what they cannot tell,
# - recognise data on which k-means must fail, and name an algorithm that does better.
#
# **You need** Python with loops and functions, and NumPy arrays (shapes, `axis`, `mean`). No
# machine learning.
#
# **Reading** 35 minutes, the exercises about an hour more · **run time** 20 s on a CPU, the
# same on a GPU, which this lesson does not use.
#
# **How it works** Run the cells in order. In an exercise, replace `return None` and run the
# cell again: the line below it says whether you are right, and if not, why, with a hint to
# unfold. At *Predict first*, replace `None` by your guess; a wrong guess teaches the most.
# On Colab the machine and all that is on it are gone after a while: write
# `lessons.start("…", drive=True)` below, in every lesson, and your answers, features and
# networks are kept on your Google Drive.

# %% tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from scipy.cluster import hierarchy
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs, make_moons
from sklearn.metrics import pairwise_distances, pairwise_distances_argmin
from sklearn.neighbors import NearestCentroid
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from course_utils import images, clustering, metrics, plots, widgets

# %% [markdown]
# ## 1 · Groups without an answer sheet
#
# The pictures of this lesson are the stamps, 193 small things cut out on white. We take nine.

# %%
image_set = images.load("stamps", progress=False)
places = {Path(image).stem: index for index, image in enumerate(image_set.images)}
nine = ["rose", "apple_red", "stop", "daffodil", "lemon", "crossroads"]
nine += ["iris", "grapes", "hospital"]

figure, panels = plt.subplots(3, 7, figsize=(8.5, 4))
for number, name in enumerate(nine):
    row, column = divmod(number, 3)
    picture = image_set.picture(places[name], 96)
    panels[row, column].imshow(picture)
    panels[column, 4 + row].imshow(picture)
for panel in panels.ravel():
    panel.axis("off")
panels[0, 1].set_title("grouping A: each row a group")
panels[0, 5].set_title("grouping B: each row a group")
plots.show(
    "Nine pictures in two groupings. A, by colour: red, yellow, and blue or violet "
    "things. B, by kind: flowers, fruit and road signs."
)

# %% [markdown]
# The same nine pictures twice. On the left the rows are red, yellow and blue; on the right they
# are flowers, fruit and road signs. Both are good groupings, and nothing in the pictures says
# which of them you wanted. What decides is how a picture is *described*: to somebody who sees
# only colours, grouping B does not exist. That is why this course spends most of its lessons on
# descriptions, and this one on what to do once you have one.
#
# **Clustering** puts things into groups so that things in one group are alike and things in
# different groups are not. It is easily confused with **classification**:
#
# | | classification | clustering |
# |---|---|---|
# | you give | pictures *with* their names | pictures |
# | you get | a rule that names new pictures | groups of these pictures |
# | number of groups | known: the names | yours to choose, or to find |
# | a group is called | "flower" | 0, 1, 2: a number without meaning |
# | you check by | counting wrong names | it depends (lesson 2) |
#
# The last but one line trips people up. Here are two answers for six things:

# %%
first_answer = np.array([0, 0, 1, 1, 2, 2])
second_answer = np.array([2, 2, 0, 0, 1, 1])
print("equal numbers:        ", (first_answer == second_answer).mean())
# [:, None] makes a column, [None, :] a row; == then fills a table of all pairs
together_first = first_answer[:, None] == first_answer[None, :]
together_second = second_answer[:, None] == second_answer[None, :]
print("same things together: ", np.array_equal(together_first, together_second))

# %% [markdown]
# Not one number agrees, and yet it is the same clustering: any two objects that are
# together in one are together in the other. A clustering is a *partition*: it says which
# objects belong together; the numbers are arbitrary names.
#
# ### Pictures as points
#
# An algorithm cannot compare pictures; it compares numbers. We describe each picture by two,
# simple enough to check by eye: how much of it is not white paper, and how colourful that part
# is. Two numbers are a point on a plane.


# %%
def two_numbers(picture):
    """Share of the picture that is not white, and the mean colourfulness of it."""
    shares = picture / 255
    ink = shares.min(axis=2) < 0.95  # all three channels near 1 is white paper
    colourfulness = shares.max(axis=2) - shares.min(axis=2)  # 0 for every grey
    return ink.mean(), colourfulness[ink].mean()


thumbnails = [image_set.picture(index, 64) for index in range(len(image_set))]
picture_points = np.array([two_numbers(picture) for picture in thumbnails])

# %%
# Only drawing: run it, you need not read it.
CROSS = {"s": 110, "marker": "X", "color": "black", "edgecolor": "white", "zorder": 4}


def draw_clusters(panel, points, labels, size=18):
    plots.scatter(points, labels, panel=panel, size=size)
    panel.set(xticks=[], yticks=[], xlabel="first coordinate")
    panel.set_ylabel("second coordinate")
    panel.label_outer()


def draw_pictures(panel, points, shown, labels=None):
    panel.scatter(*points[shown].T, s=0)  # sets the limits of the axes
    for index in shown:
        small = thumbnails[index]
        alpha = np.where(small.min(axis=2) < 242, 255, 0).astype(np.uint8)
        image = OffsetImage(np.dstack([small, alpha]), zoom=0.42)
        panel.add_artist(AnnotationBbox(image, points[index], frameon=False))
        if labels is not None:
            colour, _ = plots.look(labels[index])
            circle = {"boxstyle": "circle,pad=0.15", "fc": "white", "ec": colour}
            style = {"size": 7, "zorder": 9, "bbox": circle | {"lw": 2}}
            beside = {"xytext": (6, -9), "textcoords": "offset points"}
            panel.annotate(labels[index], points[index], **beside, **style)


# %%
figure, panel = plt.subplots(figsize=(10, 6))
draw_pictures(panel, picture_points, range(len(image_set)))
panel.set_xlabel("share of the picture that is not white")
panel.set_ylabel("mean colourfulness of that part")
plots.show(
    "The stamps as points. Birds and mammals lie at the bottom, with little colour; "
    "coins in a column where 0.8 is not white; flowers, fruit and road signs above."
)

# %% [markdown]
# Each picture lies at its two numbers. At the bottom lie the grey and brown things, thin birds
# on the left and bulkier mammals further right. The coins stand in a column near 0.8, because
# all of them fill the same disc, the silver ones below the golden ones. Above are flowers,
# fruit and road signs, mixed, for they are all colourful. You see groups, but not sharp ones;
# in section 3 we cluster them. First, an algorithm, on points that make it easy.
#
# ## 2 · k-means: assign, update, repeat
#
# Say we want three clusters. Put three **centres** anywhere, and repeat two steps:
#
# 1. **Assign**: every point joins the centre that is nearest to it.
# 2. **Update**: every centre moves to the mean of the points that joined it.
#
# Stop when no point changes its centre. That is the whole algorithm (Lloyd 1982); the number of
# centres gives it its k.

# %%
limits = threadpool_limits(1)  # for so few points one thread is the fastest
middles = [[1, 1], [4, 1.5], [2.5, 4]]
points, _ = make_blobs(90, centers=middles, cluster_std=0.75, random_state=3)
start = points[np.random.default_rng(4).choice(len(points), 3, replace=False)]
print("points", points.shape, "· centres", start.shape)

# %% [markdown]
# ### Exercise 1.1 · Assign (easy)
#
# Write `assign`. The distance is the ordinary one, along a straight line. Points may have more
# than two coordinates.


# %%
def assign(points, centres):
    """For each point (n, d) the index of the nearest centre (k, d): int array (n,)."""
    # BEGIN SOLUTION: return None
    gaps = (
        points[:, None, :] - centres[None, :, :]
    )  # (n, k, d): every point to every centre
    squared_distances = (gaps**2).sum(axis=2)
    return squared_distances.argmin(axis=1)
    # END SOLUTION


checks.ex01_1(assign)

# %% [markdown]
# ### Exercise 1.2 · Update (easy)
#
# Write `update`. It gets the old centres too, for one reason: a centre that no point joined has
# no mean. Let it stay where it is.


# %%
def update(points, labels, centres):
    """New centres (k, d): the mean of each centre's points; without points, unmoved."""
    # BEGIN SOLUTION: return None
    moved = np.array(centres, dtype=float)  # a copy: the old centres stay as they are
    for cluster in range(len(centres)):
        members = points[labels == cluster]
        if len(members) > 0:
            moved[cluster] = members.mean(axis=0)
    return moved
    # END SOLUTION


checks.ex01_2(update)

# %% [markdown]
# ### Watch it
#
# **Predict first.** Ninety points in three round groups, three centres that start on three of
# the points. How many rounds of assign and update does it take until no point changes its
# cluster any more?

# %%
prediction = None  # e.g. 20

# %% [markdown]
# Your two steps are used once both are right; until then, those of scikit-learn, the library
# from which this course takes its algorithms.


# %%
def library_update(points, labels, centres):
    return NearestCentroid().fit(points, labels).centroids_


def solved(*names):
    kept = checks.answers()
    return all(kept.get(name, {}).get("state") == checks.RIGHT for name in names)


mine = solved("ex01_1", "ex01_2")
steps = (assign, update) if mine else (pairwise_distances_argmin, library_update)

# %%
rounds, centres, labels = [], start, None
while True:
    old_labels, labels = labels, steps[0](points, centres)
    if np.array_equal(labels, old_labels):
        break
    new_centres = steps[1](points, labels, centres)
    rounds.append((labels, centres, new_centres))
    centres = new_centres

lessons.reveal(prediction, len(rounds), "the number of rounds")

# %%
figure, panels = plt.subplots(2, 4, figsize=(10, 5.6), layout="constrained")
falling = []
for panel, (labels, before, after) in zip(panels.ravel(), rounds):
    threads = np.stack([points, before[labels]])
    panel.plot(threads[..., 0], threads[..., 1], color="#bbbbbb", lw=0.6, zorder=0)
    draw_clusters(panel, points, labels)
    panel.scatter(*before.T, **CROSS)
    straight = {"angles": "xy", "scale_units": "xy", "scale": 1, "zorder": 3}
    panel.quiver(*before.T, *(after - before).T, width=0.012, **straight)
    lengths = pairwise_distances(points, before).min(axis=1)
    falling.append(np.sum(lengths**2))
    panel.set_title(f"round {len(falling)}: inertia {falling[-1]:.0f}")
plots.show(
    f"k-means round by round, {len(points)} points, three centres. The inertia falls "
    f"from {falling[0]:.0f} to {falling[-1]:.0f}, until each group has a centre of its "
    "own."
)

# %% [markdown]
# One panel a round, row by row. A thread runs from each point to the centre it joins, a black
# cross; an arrow shows where the centre moves at the end of the round. In round 1 two crosses
# share the upper group, and the third has to serve nearly all of both lower ones. Then one of
# the two (circles) walks down to the right, a little each round, and takes over more and more
# of the right-hand points, until in round 8 every group has its own centre. The next
# assignment changes nothing: done.
#
# ### What it minimises
#
# The number above each panel is the **inertia**: take the grey threads between the points and
# their centres, square the length of each, and add up. Both steps can only lower it. Assigning
# swaps a thread for a shorter one; and of all places a centre could stand, the mean has the
# smallest sum of squared threads. Something that falls at every step, with only so many ways
# to divide the points, must come to rest.
#
# ### Exercise 1.3 · Inertia (easy)
#
# Write `inertia`. Use the labels you are given, even where another centre would be nearer.


# %%
def inertia(points, labels, centres):
    """Sum over all points of the squared distance to the centre of their cluster."""
    # BEGIN SOLUTION: return None
    threads = points - centres[labels]  # each point beside its own centre
    return float((threads**2).sum())
    # END SOLUTION


checks.ex01_3(inertia)

# %% [markdown]
# ### The start decides
#
# To rest is not to be right. k-means stops where neither step helps, and there may be many such
# places. Here are five groups, 50 points each, plain to every eye. We start k-means 100 times,
# each time with five of the points, chosen at random, as centres, and 100 times more with
# `k-means++`, which comes next.
#
# **Predict first.** How many of the 100 random starts end in the five groups?

# %%
prediction_2 = None  # e.g. 90

# %%
middles = [[0, 0], [3.5, 1], [9, 0], [9.5, 3.5], [4, 6.5]]
crowd, _ = make_blobs(250, centers=middles, cluster_std=0.6, random_state=1)


def one_run(kind, seed):
    return KMeans(5, init=kind, n_init=1, random_state=seed).fit(crowd)


kinds = ("random", "k-means++")
inertias = np.array(
    [[one_run(kind, seed).inertia_ for seed in range(100)] for kind in kinds]
)
n_best = (inertias < 1.01 * inertias.min()).sum(axis=1)
lessons.reveal(prediction_2, n_best[0], "the number of good runs of 100")
print("from k-means++:", n_best[1], "of 100")

# %%
figure, panels = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
order = inertias[0].argsort()
for panel, seed in zip(panels, (order[0], order[90])):
    run = one_run("random", seed)
    draw_clusters(panel, crowd, run.labels_)
    panel.scatter(*run.cluster_centers_.T, **CROSS)
    panel.set_title(f"random start {seed}: inertia {run.inertia_:.0f}")
for kind, values, colour, marker in zip(kinds, inertias, plots.PALETTE[1:], "s."):
    panels[2].plot(np.sort(values), marker, color=colour, ms=5, label=kind)
panels[2].set(xlabel="runs, best first", ylabel="inertia where it came to rest")
panels[2].legend()
plots.show(
    "k-means on five groups. The best random start has a centre in each group; a bad "
    "one has two in one group and one between two others. Of 100 runs each, "
    f"{n_best[0]} random starts and {n_best[1]} of k-means++ reach the lowest inertia."
)

# %% [markdown]
# Left, the best of the random starts: one cross in each group. Middle, one of the bad ones, at
# rest all the same: two crosses share the lower right group, and one stands between two groups
# on the left. No cross can leave, for all points around it are nearest to it. Right, each mark
# is a run: of the random starts (squares) a third end at the lowest inertia and most others at
# nearly three times as much; of the `k-means++` starts (dots) almost all are best.
#
# Two remedies, usually taken together:
#
# - **Run several times, keep the run with the lowest inertia.** The inertia needs no true
#   labels, so this is fair play. scikit-learn calls it `n_init`; the course uses 10.
# - **Start better: k-means++** (Arthur and Vassilvitskii 2007). The first centre is a random
#   point. Every next one is a random point too, but a point's chance is proportional to the
#   *square* of its distance to the nearest centre so far.
#
# Try both starts, or drag centres to where they do most harm. *Step* takes one assignment
# or one update, *Back* takes it off again, *Play* runs. The plane is shaded by its nearest
# centre, and ringed points will change their cluster at the next assignment. A click on the
# plane adds a point. (Where no notebook runs, you see a picture of it.)

# %%
widgets.KMeansStepper()

# %% [markdown]
# Points have the colour and shape of their cluster; a centre is a cross, and an arrow shows
# where it came from. Beside them is the inertia after each step: it never rises, whatever
# the start.
#
# ### Exercise 1.4 · The chances of k-means++ (medium)
#
# Some centres are chosen. Compute each point's chance to become the next one. They add up to 1.


# %%
def next_centre_chances(points, centres):
    """The chance of each point (n, d) to be the next centre of k-means++: (n,)."""
    # BEGIN SOLUTION: return None
    squared = ((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    nearest = squared.min(axis=1)
    return nearest / nearest.sum()
    # END SOLUTION


checks.ex01_4(next_centre_chances)

# %% [markdown]
# Once your chances are right, the next cell lets them choose, one centre after the other.

# %%
if solved("ex01_4"):
    generator = np.random.default_rng(4)
    chosen = crowd[:1]
    figure, panels = plt.subplots(1, 4, figsize=(10, 3), layout="constrained")
    for panel in panels:
        chances = next_centre_chances(crowd, chosen)
        draw_clusters(panel, crowd, np.zeros(250, dtype=int), size=3000 * chances + 1)
        panel.scatter(*chosen.T, **CROSS)
        drawn = generator.choice(len(crowd), size=1, p=chances)
        square = {"marker": "s", "fc": "none", "ec": plots.PALETTE[1], "lw": 2}
        panel.scatter(*crowd[drawn].T, s=170, **square)
        panel.set_title(f"centre {len(chosen) + 1}")
        chosen = np.vstack([chosen, crowd[drawn]])
    plots.show(
        "Centres 2 to 5 drawn by k-means++. The area of a point is its chance: small "
        "around the centres so far, large in the groups that have none."
    )
else:
    print("Nothing to draw yet: exercise 1.4 comes first.")

# %% [markdown]
# The area of a circle is the point's chance; crosses are the centres so far, and the orange
# square is the point that is drawn next. Around every cross the circles shrink to dots, and the
# square falls into a group that has no cross yet, until the fifth centre completes the set. It
# is still luck, only better luck. (scikit-learn draws several candidates for each centre and
# keeps the best of them, so its starts go wrong even more rarely than yours.)
#
# ## 3 · How many clusters?
#
# k-means wants k from you. Can the inertia choose it? Not by itself: with more centres, every
# point finds one nearer, and with one centre per point the inertia is 0. What people look for is
# an **elbow**: the k after which the curve stops falling steeply.
#
# The **silhouette** (Rousseeuw 1987) asks every point how well it is placed. Let a be its mean
# distance to the other points of its own cluster, and b its mean distance to the points of the
# nearest other cluster: the cluster for which this mean is smallest. The point scores
#
# $$s = \frac{b - a}{\max(a, b)}$$
#
# which is near 1 deep inside a cluster, 0 on a border, and negative where the neighbours' cluster
# would be the better home. A point that is alone in its cluster scores 0. The silhouette of a
# clustering is the mean over its points; the best k is where it is highest.
#
# Neither looks at a true label. That makes them usable, and it limits them: they can say that
# clusters are compact and apart, not that they mean anything. To see the limit we put the five
# groups beside a **cloud**: 250 points strewn evenly over a square, without any group.

# %%
cloud = np.random.default_rng(0).uniform(0, 10, (250, 2))
ks, peaks = range(2, 11), []
figure, panels = plt.subplots(2, 3, figsize=(10, 5.6), layout="constrained")
for row, name, data in zip(panels, ("five groups", "cloud"), (crowd, cloud)):
    found = [KMeans(k, n_init=10, random_state=0).fit(data) for k in ks]
    silhouettes = [metrics.silhouette(data, run.labels_) for run in found]
    best = int(np.argmax(silhouettes))
    draw_clusters(row[0], data, found[best].labels_)
    row[0].set_title(f"{name}, k = {ks[best]}")
    row[1].plot(ks, [run.inertia_ for run in found], "o-", color=plots.PALETTE[0])
    row[1].set(xlabel="k", ylabel="inertia", ylim=(0, None))
    row[2].plot(ks, silhouettes, "s-", color=plots.PALETTE[1])
    row[2].plot(ks[best], silhouettes[best], "*", color="black", ms=14)
    row[2].set(xlabel="k", ylabel="silhouette", ylim=(0, 1))
    peaks.append(f"{silhouettes[best]:.2f} at k = {ks[best]}")
plots.show(
    "Inertia and silhouette against k, for five groups and for a cloud without any. "
    f"The silhouette of the five groups is highest, {peaks[0]}; that of the cloud is "
    f"nearly level, with its highest value of {peaks[1]}."
)

# %% [markdown]
# Top: the inertia of the five groups falls until k = 5 and hardly after it (the bend at 3
# tempts as well), and their silhouette is highest at 5 (star). Bottom: the inertia of the cloud
# falls smoothly, without a corner. Its silhouette is near 0.4 for every k, yet one k is always
# the highest, and k-means returns that many tidy clusters. **It always returns k clusters,
# whether or not the data hold any.** Comparing with a cloud, as here, is the idea of the gap
# statistic (Tibshirani, Walther and Hastie 2001).
#
# ### Exercise 1.5 · The silhouette of one point (hard)
#
# Write the silhouette of the point at `index`. Mind the two traps in the definition: a point is
# not one of the *other* points of its cluster, and b belongs to the nearest other cluster, not to
# all of them together.


# %%
def silhouette_of(index, points, labels):
    """The silhouette of one point; 0 if it is alone in its cluster."""
    # BEGIN SOLUTION: return None
    distances = np.sqrt(((points - points[index]) ** 2).sum(axis=1))
    own = labels == labels[index]
    if own.sum() == 1:
        return 0.0
    a = distances[own].sum() / (own.sum() - 1)  # its distance to itself adds 0
    others = set(labels.tolist()) - {labels[index].item()}
    b = min(distances[labels == other].mean() for other in others)
    return float((b - a) / max(a, b))
    # END SOLUTION


checks.ex01_5(silhouette_of)

# %% [markdown]
# ### The pictures, at last
#
# **Predict first.** The stamps are of seven classes: birds, coins, flowers, fruit, mammals, road
# signs and vegetables. k-means sees only the two numbers of each picture. Which k from 2 to 8
# has the highest silhouette?

# %%
prediction_3 = None  # e.g. 7

# %%
silhouettes = []
for k in range(2, 9):
    labels = clustering.cluster(picture_points, "kmeans", n_clusters=k, random_state=0)
    silhouettes.append(metrics.silhouette(picture_points, labels))
    print(f"k = {k}: silhouette {silhouettes[-1]:.2f}")

favourite = 2 + int(np.argmax(silhouettes))
lessons.reveal(prediction_3, favourite, "the k of the highest silhouette")

# %% [markdown]
# The silhouette knows nothing of our seven names. It says how many heaps there are *on this
# plane*. What are they? Only now, to look at the result, do we use the names.

# %%
picture_labels = clustering.cluster(picture_points, "kmeans", favourite)
figure, panel = plt.subplots(figsize=(10, 5.5))
draw_pictures(panel, picture_points, range(0, 193, 2), picture_labels)
panel.set(xlabel="share that is not white", ylabel="mean colourfulness")
plots.show(
    f"Every second stamp with the number of its cluster, k = {favourite}: the regions "
    "of the clusters touch, without a gap between them."
)
true_names = np.array(image_set.true_names)  # to look at the result, nothing else
pd.crosstab(picture_labels, true_names, rownames=["cluster"], colnames=["class"])

# %% [markdown]
# Every second picture with the number of its cluster; below, how many pictures of each class
# the clusters hold. Cluster 0 is what fills its picture without much colour, more than half of it
# coins. Cluster 1 is what is colourful: flowers, fruit, signs. Cluster 2 is the rest, grey and
# thin, and three quarters of it are mammals and birds. k-means did its work well; but our two
# numbers cannot tell a mammal from a bird, and no algorithm and no k will get out what the
# description left out.
#
# ## 4 · Other ways, other shapes
#
# ### Merging instead of moving
#
# **Agglomerative clustering** needs no start. Every point begins as a cluster of its own; then
# the two clusters that are nearest to each other are merged, again and again, until one is left.
# What is missing is the distance between two *clusters*. Four answers, called **linkages**:
#
# - **single**: between the two nearest points, one from each;
# - **complete**: between the two farthest points;
# - **average**: the mean over all pairs, one point from each;
# - **Ward**: by how much merging the two would raise the inertia.
#
# `scipy.cluster.hierarchy.linkage` does the merging and returns one row per merge. Here are the
# nine pictures of the beginning, at their two numbers.

# %%
nine_places = [places[name] for name in nine]
merges = hierarchy.linkage(picture_points[nine_places], method="average")
figure, panels = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
draw_pictures(panels[0], picture_points, nine_places)
panels[0].set(xlabel="share that is not white", ylabel="mean colourfulness")
style = {"color_threshold": 0, "above_threshold_color": "black"}
hierarchy.dendrogram(merges, ax=panels[1], labels=nine, orientation="right", **style)
panels[1].axvline(0.19, color=plots.PALETTE[1], ls="--")
panels[1].set_xlabel("distance at which they merge")
plots.show(
    "Nine pictures as points, and the tree of their merging. The nearest pair merges "
    f"at {merges[0, 2]:.2f}, the last two clusters at {merges[-1, 2]:.2f}; a dashed "
    "line cuts the tree at 0.19."
)
for distance in (0.19, 0.3):
    print(f"cut at {distance}:", hierarchy.fcluster(merges, distance, "distance"))

# %% [markdown]
# Left, the nine points; right, the order of their merging as a tree, a **dendrogram**. Each
# upright bar stands at the distance at which its two clusters merge; the rose and the
# crossroads sign are the nearest pair, so their bar stands furthest left. Cutting the tree at a
# distance gives a clustering: the dashed line crosses four branches, hence four clusters; a cut
# at 0.3 leaves two. So one tree holds the answers for every k, and a long stretch without a
# bar, as between the last two, is its elbow. None of them is grouping A or B: the tree knows
# the two numbers and nothing else. Its price: it needs the distance between every two points.
#
# ### Where k-means must fail
#
# To assign to the nearest mean is to believe something about the data: that clusters are round,
# about equally wide, and measured on fair scales. Three sets of points break one belief each:
# two moons; one wide group between two tight ones; and two round groups whose first coordinate
# is then given in another unit, so that its numbers are eight times as large.

# %%
middles = [[0, 0], [5, 2.2], [5, -2.2]]
widths = [1.6, 0.3, 0.3]
round_pair, pair_groups = make_blobs(
    300, centers=[[0, 0], [0, 3]], cluster_std=0.3, random_state=1
)
stripes = round_pair * [8, 1]
planes = {
    "two moons": make_moons(300, noise=0.07, random_state=2),
    "wide and tight": make_blobs(
        [250, 25, 25], centers=middles, cluster_std=widths, random_state=0
    ),
    "two stripes": (stripes, pair_groups),
}

# %% [markdown]
# We cluster each with six algorithms. You know k-means and two linkages, `ward` and `single`.
# Three are new. **gmm** is a Gaussian mixture: like k-means, but every centre also learns how
# wide it is along each axis. **spectral** joins each point to its nearest neighbours and cuts
# the net where it is thin. **hdbscan** looks for dense regions; it finds the number of clusters
# itself and may leave points over as noise.
#
# **Predict first.** How many of the six get the two moons right, all but a few points?

# %%
prediction_4 = None  # e.g. 5

# %%
names = ("kmeans", "ward", "single", "gmm", "spectral", "hdbscan")
figure, panels = plt.subplots(3, 6, figsize=(10, 5.6), layout="constrained")
right = {}
for row, (title, (data, groups)) in zip(panels, planes.items()):
    k = len(set(groups))
    for panel, name in zip(row, names):
        if name == "single":
            labels = hierarchy.fcluster(hierarchy.linkage(data), k, "maxclust") - 1
        else:
            labels = clustering.cluster(data, name, n_clusters=k, random_state=0)
        # share of points in their group, after the best matching of names (lesson 2)
        share = metrics.accuracy(labels_true=groups, labels_pred=labels)
        right[title, name] = share
        draw_clusters(panel, data, labels, size=8)
        panel.set(title=name, xlabel=f"{share:.0%} right", ylabel="")
    row[0].set_ylabel(title)
n_right = sum(right["two moons", name] > 0.98 for name in names)
lessons.reveal(prediction_4, n_right, "the number of algorithms that find the moons")
best = {title: max(names, key=lambda name: right[title, name]) for title in planes}
plots.show(
    "Six algorithms on three sets of points. Share of points in the right group, "
    "k-means and the best of the six: "
    + "; ".join(
        f"{title}: {right[title, 'kmeans']:.0%}, {right[title, name]:.0%} ({name})"
        for title, name in best.items()
    )
)

# %% [markdown]
# One row a set of points, one column an algorithm; below each panel the share of points in the
# right group.
#
# - **Moons**: k-means, Ward and the mixture cut across the moons; single linkage, spectral and
#   HDBSCAN, which go from neighbour to neighbour, follow both.
# - **Wide and tight**: k-means draws its borders midway between two centres and so gives the
#   edge of the wide group to the tight ones, and spectral does nearly the same; Ward even cuts
#   the wide group in two and lumps the tight ones together. Single linkage runs through all
#   three groups as one cluster and spends the other two on a few stragglers: it found nothing,
#   and yet is called 82% right, because the wide group alone is 250 of the 300 points. The
#   mixture, which learns widths, is right, and HDBSCAN leaves the thin edge over as noise (grey
#   crosses).
# - **Stripes**: k-means, Ward and the mixture cut both stripes across; the mixture could
#   describe them, but it starts from the answer of k-means and stays near it. Single linkage
#   finds a straggler again. Spectral and HDBSCAN are right, all but a few points.
#
# No algorithm wins every row: each has its belief, and you choose one by what you know.
#
# ### Scales
#
# The stripes hold a simpler lesson: they are round groups in an unfortunate unit. The first
# coordinate varies most, so it dominates every distance. To **standardise** is to make each
# coordinate have mean 0 and standard deviation 1, whatever the unit was.

# %%
standardised = StandardScaler().fit_transform(stripes)
labels = clustering.cluster(standardised, "kmeans", n_clusters=2, random_state=0)
found = metrics.accuracy(labels_true=pair_groups, labels_pred=labels)
print(f"k-means as they are: {right['two stripes', 'kmeans']:.0%} right")
print(f"standardised:        {found:.0%} right")

# %% [markdown]
# Standardising is not always right, though: it also blows up a coordinate that holds nothing but
# noise. It says "I hold all coordinates equally important", and that is for you to say.
#
# ## Exercises
#
# Five exercises stood where they were needed; one is left, and it has no single right answer.
#
# ### Exercise 1.6 · Two numbers of your own (open)
#
# Describe a picture by two other numbers. `picture` is an array of 64 × 64 × 3 bytes from 0 to
# 255; white paper is 255. Bytes cannot be negative (10 - 20 becomes 246): `picture / 255` first
# is safe. Ideas: how warm the colours are (red minus blue), how bright or how rough the thing
# is, how wide for its height, how alike its left and right halves are. Then choose an algorithm
# of `clustering.ALGORITHMS` and a k, look at the map below, and write one or two sentences:
# what do the clusters hold, why this algorithm and this k, and what goes wrong?


# %%
def my_numbers(picture):
    """Two numbers that describe a picture, uint8 (64, 64, 3)."""
    # BEGIN SOLUTION: return None
    ink = picture.min(axis=2) < 242
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    red_minus_blue = picture[ink][:, 0].astype(float) - picture[ink][:, 2]
    return np.log(width / height), red_minus_blue.mean() / 255
    # END SOLUTION


# BEGIN SOLUTION: my_algorithm, my_k, my_sentence = None, None, None
my_algorithm, my_k = "kmeans", 4
my_sentence = (
    "Tall things, wide things, and two kinds as wide as high, warm and other. "
    "Coins and mammals share a cluster, because neither number sees what is round."
)
# END SOLUTION

checks.ex01_6(my_numbers, my_algorithm, my_k, my_sentence)

# %%
if None in (my_algorithm, my_k) or my_numbers(thumbnails[0]) is None:
    print("Nothing to draw yet.")
else:
    my_points = np.array([my_numbers(picture) for picture in thumbnails], dtype=float)
    my_plane = StandardScaler().fit_transform(my_points)
    my_labels = clustering.cluster(my_plane, my_algorithm, n_clusters=my_k)
    figure, panel = plt.subplots(figsize=(10, 5.5))
    draw_pictures(panel, my_points, range(0, 193, 2), my_labels)
    panel.set(xlabel="my first number", ylabel="my second number")
    plots.show(f"Every second stamp at my two numbers, with its cluster of {my_k}.")
    print(f"silhouette {metrics.silhouette(my_plane, my_labels):.2f}")

# %% [markdown]
# The number on a picture is its cluster. Look for two things: neighbours that you would never
# put together, which your numbers cannot tell apart, and pairs that you would, far from each other.

# %% tags=["solution"]
# The worked solution above, with the numbers behind its sentence
for cluster in range(my_k):
    members = np.flatnonzero(my_labels == cluster)
    classes, counts = np.unique(true_names[members], return_counts=True)
    log_ratio, warmth = my_points[members].mean(axis=0)
    shape = np.exp(log_ratio)
    print(f"cluster {cluster}: width/height {shape:.2f}, red - blue {warmth:+.2f}")
    print("   ", dict(zip(classes.tolist(), counts.tolist())))

# %%
checks.summary()

# %% [markdown]
# ## In this notebook we …
#
# - grouped nine pictures in two good ways, and saw that the description decides;
# - wrote k-means: assign to the nearest centre, move each centre to its mean, repeat;
# - saw that it lowers the inertia until it rests, often in the wrong place, and that k-means++
#   and several runs help;
# - chose k by elbow and silhouette, without labels, and saw the silhouette choose one even for a
#   cloud without groups;
# - merged nine pictures into a tree, and cut it;
# - broke k-means with moons, unequal widths and unfair scales, and found what does better.
#
# ## Recall
#
# **1.** You run k-means twice on the same points and compare the labels: hardly any are equal.
# Must the clusterings differ?
#
# <details><summary>Answer</summary>No. The numbers are only handles, given in the order in which
# the centres happen to be kept. Compare who is with whom; if that is the same, so is the
# clustering.</details>
#
# **2.** The inertia for k = 8 is lower than for k = 5. Is k = 8 better?
#
# <details><summary>Answer</summary>That says nothing: the best inertia falls with every further
# centre, down to 0 for one centre per point. Look where the curve stops falling steeply, or at
# the silhouette, and remember that both also answer when there are no groups at all.</details>
#
# **3.** You cluster houses by their price in euros and their number of rooms. What will k-means
# find, and what do you do about it?
#
# <details><summary>Answer</summary>Price classes: prices differ by many thousands, rooms by a few,
# so the rooms hardly matter for any distance. Standardise both coordinates, if you hold them
# equally important.</details>
#
# ## References
#
# - S. P. Lloyd, *Least squares quantization in PCM*, IEEE Transactions on Information Theory 28,
#   1982 (written in 1957).
# - D. Arthur and S. Vassilvitskii, *k-means++: the advantages of careful seeding*, SODA 2007.
# - P. J. Rousseeuw, *Silhouettes: a graphical aid to the interpretation and validation of cluster
#   analysis*, Journal of Computational and Applied Mathematics 20, 1987.
# - J. H. Ward, *Hierarchical grouping to optimize an objective function*, Journal of the American
#   Statistical Association 58, 1963.
# - R. Tibshirani, G. Walther and T. Hastie, *Estimating the number of clusters in a data set via
#   the gap statistic*, Journal of the Royal Statistical Society B 63, 2001.
# - U. von Luxburg, R. C. Williamson and I. Guyon, *Clustering: science or art?*, ICML workshop on
#   unsupervised and transfer learning, JMLR W&CP 27, 2012.
# - J. Guérin, *Tutorial on Image Clustering*, 2019, whose first notebook also starts with k-means
#   by hand.
#
# ## Next
#
# [02_scoring_a_clustering](02_scoring_a_clustering.ipynb): you looked at the clusters and liked
# them, or not. How do you put a number on that?
