# %% [markdown]
# # 1 · Clustering by hand
#
# Nine images, no labels, one question: which of them belong together? You write the best-known
# answer, k-means, see it succeed and fail, and meet an algorithm that succeeds where it fails.
#
# **You will be able to**
#
# - say how clustering differs from classification,
# - write k-means from its two steps, and run it in one line of scikit-learn,
# - explain why two runs can differ, and what k-means++ does about it,
# - read an elbow, a silhouette and a dendrogram, and say what they cannot show,
# - recognise data that k-means is not made for.
#
# **You need** Python with loops and functions, and NumPy arrays (shapes, `axis`, `mean`). No
# machine learning.
#
# **Reading** 25 minutes, the exercises about an hour more · **run time** 25 s on a CPU, the same
# on a GPU.
#
# **How it works** In an exercise, replace `return None` and run the cell again to see whether
# your answer is right; at *Predict first*, replace `None` with your guess. Folded cells only
# draw. On Colab, `lessons.start("…", drive=True)` keeps your answers on your Google Drive.

# %% tags=["setup"]
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import to_rgba
from PIL import Image
from scipy.cluster import hierarchy
from sklearn.cluster import AgglomerativeClustering, KMeans, kmeans_plusplus
from sklearn.datasets import make_blobs, make_moons
from sklearn.metrics import pairwise_distances_argmin, silhouette_samples
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from course_utils import images, clustering, metrics, plots, widgets

threadpool_limits(1)  # for so few points, one processor core is fastest
image_set = images.load("stamps", progress=False)
names = [Path(image).stem for image in image_set.images]

# %% [markdown]
# ## 1 · Groups without an answer sheet
#
# Our images are the *stamps*: 193 small objects cut out on a white background. We take nine.

# %% tags=["drawing"]
# @title Draw nine images in two groupings
nine = ["rose", "apple_red", "stop", "daffodil", "lemon", "crossroads"]
nine += ["iris", "grapes", "hospital"]
figure, panels = plt.subplots(3, 7, figsize=(8.5, 4))
for number, name in enumerate(nine):
    row, column = divmod(number, 3)
    image = image_set.picture(names.index(name), 128)
    panels[row, column].imshow(image)
    panels[column, 4 + row].imshow(image)
for panel in panels.ravel():
    panel.axis("off")
panels[0, 1].set_title("grouping A: one group per row")
panels[0, 5].set_title("grouping B: one group per row")
plots.show(
    "Nine images in two groupings. A, by colour: red, yellow, and blue or violet "
    "objects. B, by kind: flowers, fruit and road signs."
)

# %% [markdown]
# On the left, each row has a colour; on the right, each row is a kind of object. Both groupings
# make sense, and nothing in the images says which one you wanted. It depends on how an image is
# *described*: if you record only colours, grouping B is out of reach. Lessons 3 to 5 are about
# descriptions.
#
# **Clustering** divides objects into groups, the **clusters**: objects in one cluster should be
# alike, those in different clusters should not. It is not **classification**:
#
# | | classification | clustering |
# |---|---|---|
# | you give | images *with* their class names | images |
# | number of groups | known: the number of classes | yours to choose, or to find |
# | a group is called | "flower" | 0, 1, 2: a number without meaning |
# | you check it by | counting wrong names | it depends (lesson 2) |
#
# The second-to-last row often confuses people. Here are two clusterings of the same six objects:

# %%
first_answer = np.array([0, 0, 1, 1, 2, 2])
second_answer = np.array([2, 2, 0, 0, 1, 1])
print("share of equal numbers:", (first_answer == second_answer).mean())
# [:, None] makes a column, [None, :] a row; == then fills a table of all pairs
together_first = first_answer[:, None] == first_answer[None, :]
together_second = second_answer[:, None] == second_answer[None, :]
print("same pairs together:   ", np.array_equal(together_first, together_second))

# %% [markdown]
# Not one number agrees, and yet it is the same clustering: any two objects that are together in
# one are together in the other. A clustering is a **partition**: it says which objects belong
# together; the numbers are arbitrary names.
#
# ### Images as points
#
# We describe each image by two numbers that are easy to check by eye: how much of it is not
# white, and how colourful that part is. They make each image a point in the plane.

# %%
def two_numbers(image):
    """Share of the image that is not white, and the mean colourfulness of that part."""
    shares = image / 255
    object_here = shares.min(axis=2) < 0.95  # white: all three channels near 1
    colourfulness = shares.max(axis=2) - shares.min(axis=2)  # 0 for every grey
    return object_here.mean(), colourfulness[object_here].mean()


thumbnails = [image_set.picture(index, 64) for index in range(len(image_set))]
stamp_points = np.array([two_numbers(image) for image in thumbnails])

# %% tags=["drawing"]
# @title Draw the stamps at their two numbers
CROSS = {"s": 90, "marker": "X", "color": "black", "edgecolor": "white", "zorder": 4}


def draw_images(panel, points, shown, labels=None, size=0.055):
    """Each image at its point; a mark at its corner shows its cluster."""
    low, high = points[shown].min(axis=0), points[shown].max(axis=0)
    pixels = 64 / (size * (high - low)[0])  # per unit
    low, high = low - 40 / pixels, high + 40 / pixels
    canvas = Image.new("RGBA", tuple(np.ceil((high - low) * pixels).astype(int)))
    for index in shown:
        tile = thumbnails[index]
        seen = np.where(tile.min(axis=2) < 242, 255, 0).astype(np.uint8)
        x, y = (points[index] - low) * pixels
        corner = (max(int(x) - 32, 0), max(int(canvas.height - y) - 32, 0))
        canvas.alpha_composite(Image.fromarray(np.dstack([tile, seen])), corner)
    panel.imshow(canvas, extent=(low[0], high[0], low[1], high[1]), zorder=0.5)
    if labels is not None:
        below = points[shown] + np.array([20, -24]) / pixels
        plots.scatter(below, labels[shown], panel=panel, size=26)


figure, panel = plt.subplots(figsize=(10, 8.4))
draw_images(panel, stamp_points, range(len(image_set)))
panel.set_xlabel("share of the image that is not white")
panel.set_ylabel("mean colourfulness of that part")
plots.show(
    "The stamps as points. Birds and mammals are at the bottom, with little colour; "
    "coins in a column at 0.8; flowers, fruit and road signs further up."
)

# %% [markdown]
# Each image is drawn at its two numbers. Grey and brown animals are at the bottom, thin birds
# further left than bulky mammals; coins form a column near 0.8; colourful flowers, fruit and road
# signs are further up, mixed.
#
# ## 2 · k-means: assign, update, repeat
#
# Choose a number of clusters, k. Put k **centres** anywhere, then repeat two steps:
#
# 1. **Assign**: every point joins the centre nearest to it.
# 2. **Update**: every centre moves to the mean of the points that joined it.
#
# Stop when no point changes its centre. That is the whole algorithm (Lloyd 1982).
#
# ### Exercise 1.1 · Assign (easy)
#
# Write `assign`. Distance is the straight-line one: the point (0, 0) is at distance 5 from a
# centre at (3, 4) and at 2 from one at (0, 2), so it joins the second, and its label is 1. Points
# may have more than two coordinates. You can loop over the centres, or let NumPy subtract all
# pairs at once: with an axis added by `None`, as above, shapes (n, 1, d) and (1, k, d) give (n,
# k, d).

# %%
def assign(points, centres):
    """For each point (n, d) the index of the nearest centre (k, d): int array (n,)."""
    # BEGIN SOLUTION: return None
    gaps = points[:, None, :] - centres[None, :, :]  # every point to every centre
    squared_distances = (gaps**2).sum(axis=2)
    return squared_distances.argmin(axis=1)
    # END SOLUTION


checks.ex01_1(assign)

# %% [markdown]
# ### Exercise 1.2 · Update (easy)
#
# Write `update`. It also gets the old centres, for one reason: a centre that no point joined has
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
# **Predict first.** Ninety points in three round groups, three centres that start on three of the
# points. How many rounds does it take until no point changes its cluster? The cell after your
# prediction uses your two functions once both are right, and scikit-learn's until then.

# %%
prediction = None  # e.g. 20


# %%
def library_update(points, labels, centres):
    return NearestCentroid().fit(points, labels).centroids_


mine = checks.passed("1.1", "1.2")
one_assign = assign if mine else pairwise_distances_argmin
one_update = update if mine else library_update

points, _ = make_blobs(
    90, centers=[[1, 1], [4, 1.5], [2.5, 4]], cluster_std=0.75, random_state=3
)
start = points[np.random.default_rng(4).choice(len(points), 3, replace=False)]

rounds, centres, labels = [], start, None
while True:
    old_labels, labels = labels, one_assign(points, centres)
    if np.array_equal(labels, old_labels):
        break
    rounds.append((labels, centres))
    centres = one_update(points, labels, centres)

lessons.reveal(prediction, len(rounds), "the number of rounds")

# %% tags=["drawing"]
# @title Draw the rounds
figure, panels = plt.subplots(2, 4, figsize=(10, 6), layout="constrained")
sums = []
paths = np.array([before for _, before in rounds])
for number, (panel, (joined, before)) in enumerate(zip(panels.ravel(), rounds), 1):
    threads = np.stack([points, before[joined]])
    sums.append(np.sum((threads[0] - threads[1]) ** 2))
    panel.plot(threads[..., 0], threads[..., 1], color="#bbbbbb", lw=0.6, zorder=0)
    plots.scatter(points, joined, panel=panel, size=14)
    panel.plot(*paths[:number].T.swapaxes(1, 2), color="black", lw=2, zorder=3)
    panel.scatter(*before.T, **CROSS)
    panel.set(title=f"round {number}: sum {sums[-1]:.0f}", aspect="equal")
    panel.set(xlabel="first coordinate", ylabel="second coordinate")
    panel.label_outer()
plots.show(
    f"k-means round by round: {len(points)} points, three centres. The sum of squared "
    f"distances falls from {sums[0]:.0f} to {sums[-1]:.0f}, until each group has one "
    "centre."
)

# %% [markdown]
# Each panel is one round. A grey line joins each point to its centre, a cross; black lines are
# the paths of the centres so far. In round 1, two crosses share the upper group, and the third
# has to serve most of the lower two. Then one of the two moves down to the right, until in round
# 8 every group has its own cross.
#
# ### The same in scikit-learn
#
# `fit_predict` takes an array with one row per object and returns one label per object. A
# **pipeline** chains steps: the second model below rescales each coordinate first (section 4 says
# why).

# %%
labels = KMeans(n_clusters=3, n_init=10, random_state=0).fit_predict(points)
model = make_pipeline(StandardScaler(), KMeans(3, n_init=10, random_state=0))
rescaled_labels = model.fit_predict(points)

print("k-means:       ", labels[:20])
print("rescaled first:", rescaled_labels[:20])
print("in this course:", clustering.cluster(points, "kmeans", n_clusters=3)[:20])
print(clustering.pipeline("l2+pca50+kmeans", n_clusters=7))

# %% [markdown]
# `random_state` is the **seed**: it fixes all random choices, so that a run can be repeated;
# `n_init=10` starts ten times (you will soon see why). `clustering.cluster(points, "kmeans", 3)`
# is the course's spelling of the first line, and `clustering.pipeline` shows the scikit-learn
# `Pipeline` behind a longer one.
#
# ### What it minimises
#
# The sum above each panel is the **inertia**: square the length of each grey line and add up.
# Neither step can raise it: assigning replaces lines only by shorter ones, and of all places for
# a centre, the mean gives the smallest sum of squares. As there are only finitely many ways to
# divide the points, the algorithm must stop. <!-- no claim: a proof -->
#
# ### Exercise 1.3 · Inertia (easy)
#
# Write `inertia`. Three points at distances 1, 2 and 2 from their centres give 1 + 4 + 4 = 9. Use
# the labels you are given, even where another centre would be nearer.

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
# Stopping does not mean that the answer is right. We run k-means 100 times on five separate
# groups of 50 points, each time starting from five random points.
#
# **Predict first.** How many of the 100 runs end with the five groups?

# %%
prediction_2 = None  # e.g. 90

# %%
middles = [[0, 0], [3.5, 1], [9, 0], [9.5, 3.5], [4, 6.5]]
crowd, _ = make_blobs(250, centers=middles, cluster_std=0.6, random_state=1)


def run_from(start, seed=None):
    return KMeans(5, init=start, n_init=1, random_state=seed).fit(crowd)


def inertia_of(run):
    if checks.passed("1.3"):
        return inertia(crowd, run.labels_, run.cluster_centers_)
    return run.inertia_


random_runs = [run_from("random", seed) for seed in range(100)]
final = {"random points": np.array([inertia_of(run) for run in random_runs])}
good = 1.01 * final["random points"].min()  # the lowest inertia, give or take 1%
n_good = int((final["random points"] < good).sum())
lessons.reveal(prediction_2, n_good, "the number of good runs of 100")

# %% tags=["drawing"]
# @title Draw a good run and a bad one


def draw_regions(panel, centres):
    """Shade the plane by the nearest centre."""
    left, right, low, high = *panel.get_xlim(), *panel.get_ylim()
    across, up = np.meshgrid(np.linspace(left, right, 300), np.linspace(low, high, 300))
    spots = np.column_stack([across.ravel(), up.ravel()])
    nearest = pairwise_distances_argmin(spots, centres).reshape(300, 300)
    colours = np.array([to_rgba(plots.look(i)[0], 0.15) for i in range(len(centres))])
    place = {"extent": (left, right, low, high), "origin": "lower", "zorder": -1}
    panel.imshow(colours[nearest], interpolation="nearest", **place)


order = final["random points"].argsort()
figure, panels = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for panel, seed in zip(panels, (order[0], order[90])):
    run = random_runs[seed]
    plots.scatter(crowd, run.labels_, panel=panel, size=16)
    draw_regions(panel, run.cluster_centers_)
    panel.scatter(*run.cluster_centers_.T, **CROSS)
    panel.set_title(f"seed {seed}: inertia {run.inertia_:.0f}")
    panel.set(xlabel="first coordinate", ylabel="second coordinate")
plots.show(
    "Two of the 100 runs. In the better one each group has a centre; in the other, two "
    f"centres share a group and one serves two groups. {n_good} of 100 runs are good."
)

# %% [markdown]
# The plane is shaded by the nearest cross. On the left, each group has one. On the right, k-means
# has stopped as well, though two crosses share the lower right group and one is left with two
# groups.
#
# Two remedies:
#
# - **Run several times** (`n_init=10`) and keep the run with the lowest inertia.
# - **Start better: k-means++** (Arthur and Vassilvitskii 2007). The first centre is a random
#   point. Each further one is also a random point, but chosen with a probability proportional to
#   the *square* of its distance to the nearest centre so far.
#
# ### Exercise 1.4 · The probabilities of k-means++ (medium)
#
# Given the centres so far, compute each point's probability of becoming the next one. If the
# distances to the nearest centre are 1, 2 and 2, the squares are 1, 4 and 4, and the
# probabilities 1/9, 4/9 and 4/9.
#
# The next cell draws 100 starts with your probabilities (scikit-learn's until yours are right).
# It adds scikit-learn's own variant, which is **greedy**: for each centre it draws several
# candidates and keeps the one that lowers the inertia most.

# %%
def next_centre_chances(points, centres):
    """The probability of each point (n, d) to be the next k-means++ centre: (n,)."""
    # BEGIN SOLUTION: return None
    squared = ((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    nearest = squared.min(axis=1)
    return nearest / nearest.sum()
    # END SOLUTION


checks.ex01_4(next_centre_chances)


# %%
def plus_plus_start(seed):
    if not checks.passed("1.4"):
        return kmeans_plusplus(crowd, 5, n_local_trials=1, random_state=seed)[0]
    generator = np.random.default_rng(seed)
    centres = crowd[[generator.integers(len(crowd))]]
    while len(centres) < 5:
        probabilities = next_centre_chances(crowd, centres)
        chosen = generator.choice(len(crowd), p=probabilities)
        centres = np.vstack([centres, crowd[chosen]])
    return centres


runs = [run_from(plus_plus_start(seed)) for seed in range(100)]
final["k-means++"] = np.array([inertia_of(run) for run in runs])
runs = [run_from("k-means++", seed) for seed in range(100)]
final["greedy k-means++"] = np.array([inertia_of(run) for run in runs])
for kind, values in final.items():
    print(f"{kind:17}: {(values < good).sum():3} of 100 runs reach the lowest inertia")

# %% tags=["drawing"]
# @title Draw the 300 runs
figure, panel = plt.subplots(figsize=(8, 3.6), layout="constrained")
for number, (kind, values) in enumerate(final.items()):
    colour, marker = plots.look(number)
    style = {"color": colour, "marker": marker, "ms": 4, "lw": 0.8}
    panel.plot(np.arange(1, 101), np.sort(values), label=kind, **style)
panel.set(xlabel="runs, the best first", ylabel="final inertia", ylim=(0, None))
panel.legend(title="start", frameon=False)
shares = [f"{(values < good).sum()} from {kind}" for kind, values in final.items()]
plots.show(f"Of 100 runs each, the lowest inertia is reached by {', '.join(shares)}.")

# %% [markdown]
# Each mark is a run. A third of the random starts reach the lowest inertia, about three quarters
# of the k-means++ starts, and nearly all of the greedy ones. The order was the same on each of 20
# other sets of separate groups. <!-- claim 01.seeding --> The best of ten runs reached it nearly
# every time, even from random points. <!-- claim 01.restarts --> The course uses both remedies:
# ten greedy starts.
#
# Now choose a start yourself, or drag the centres to where they do most harm.

# %%
widgets.KMeansStepper()

# %% [markdown]
# ## 3 · How many clusters?
#
# The inertia alone cannot choose k: with one centre per point, it is 0. People look for an
# **elbow**, the k after which it stops falling steeply.
#
# The **silhouette** (Rousseeuw 1987) asks how well each point is placed. Let a be the point's
# mean distance to the *other* points of its cluster, and b its mean distance to the points of the
# nearest other cluster, the one for which this mean is smallest. The point scores
#
# $$s = \frac{b - a}{\max(a, b)}$$
#
# With a = 2 and b = 5, s = (5 − 2)/5 = 0.6. It is near 1 deep inside a cluster, about 0 on a
# border, and negative where the other cluster would fit better; a point alone in its cluster
# scores 0. The silhouette of a clustering is the mean over its points, and the k where it is
# highest is the k *the silhouette prefers*. Neither method sees a true label: they can say that
# clusters are compact and apart, not that they mean anything.
#
# ### Exercise 1.5 · The silhouette of one point (hard)
#
# Write the silhouette of the point at `index`. Mind the two traps: the *other* points, the
# *nearest* other cluster. Below, we try both methods on the five groups and on **uniform noise**,
# 250 points drawn evenly over a square.

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


# %%
def curves(data, ks):
    """For each k: the labels, the inertia and the silhouette."""
    runs = [KMeans(k, n_init=10, random_state=0).fit(data) for k in ks]
    silhouettes = [metrics.silhouette(data, run.labels_) for run in runs]
    return runs, [run.inertia_ for run in runs], silhouettes


ks = range(2, 11)
noise = np.random.default_rng(0).uniform(0, 10, (250, 2))
compared = {"five groups": crowd, "uniform noise": noise}
found = {name: curves(data, ks) for name, data in compared.items()}

# %% tags=["drawing"]
# @title Draw elbow and silhouette
peaks = []
figure, panels = plt.subplots(2, 3, figsize=(10, 6), layout="constrained")
for row, (name, data) in zip(panels, compared.items()):
    runs, inertias, silhouettes = found[name]
    best = int(np.argmax(silhouettes))
    plots.scatter(data, runs[best].labels_, panel=row[0], size=14)
    draw_regions(row[0], runs[best].cluster_centers_)
    row[0].set(title=f"{name}, k = {ks[best]}", aspect="equal")
    row[0].set(xlabel="first coordinate", ylabel="second coordinate")
    row[1].plot(ks, inertias, "o-", color=plots.PALETTE[0])
    row[1].set(xlabel="k", ylabel="inertia", ylim=(0, None))
    row[2].plot(ks, silhouettes, "s-", color=plots.PALETTE[1])
    row[2].plot(ks[best], silhouettes[best], "*", color="black", ms=14)
    row[2].set(xlabel="k", ylabel="silhouette", ylim=(0, 1))
    peaks.append(f"{silhouettes[best]:.2f} at k = {ks[best]}")
plots.show(
    "Inertia and silhouette against k, for five groups and for uniform noise. The "
    f"silhouette of the five groups is highest, {peaks[0]}; that of the noise is "
    f"nearly level, with its highest value of {peaks[1]}."
)

# %% [markdown]
# Top: the inertia of the five groups hardly falls after k = 5, and the silhouette prefers 5
# (star). Bottom: the inertia of the noise has no elbow, and its silhouette is about 0.4 for every
# k; still, one k comes first. **k-means returns k clusters, and the silhouette prefers some k,
# whether or not the data contain any groups.** Other draws of the noise prefer anything from 3 to
# 10, again at about 0.4. <!-- claim 01.noise --> That is a value to compare with, the idea of the
# gap statistic (Tibshirani, Walther and Hastie 2001).
#
# ### The images, at last
#
# **Predict first.** The stamps are of seven classes: birds, coins, flowers, fruit, mammals, road
# signs and vegetables. Given their two numbers, which k from 2 to 8 does the silhouette prefer?

# %%
prediction_3 = None  # e.g. 7

# %%
runs, _, silhouettes = curves(stamp_points, range(2, 9))
for k, value in zip(range(2, 9), silhouettes):
    print(f"k = {k}: silhouette {value:.2f}")
preferred = 2 + int(np.argmax(silhouettes))
lessons.reveal(prediction_3, preferred, "the k that the silhouette prefers")

stamp_labels = runs[preferred - 2].labels_
if checks.passed("1.5"):
    each = range(len(stamp_points))
    per_point = np.array([silhouette_of(i, stamp_points, stamp_labels) for i in each])
else:
    per_point = silhouette_samples(stamp_points, stamp_labels)
true_names = np.array(image_set.true_names)  # to look at the result, nothing else
pd.crosstab(stamp_labels, true_names, rownames=["cluster"], colnames=["class"])

# %% tags=["drawing"]
# @title Draw the silhouette of every stamp
figure, (panel, plane) = plt.subplots(
    1, 2, figsize=(10, 4.6), layout="constrained", width_ratios=[1, 1.25]
)
top = 0
for cluster in range(preferred):
    values = np.sort(per_point[stamp_labels == cluster])[::-1]
    colour, _ = plots.look(cluster)
    panel.barh(top + np.arange(len(values)), values, height=1, color=colour)
    words = f"cluster {cluster}\n{len(values)} images"
    panel.text(0.99, top + len(values) / 2, words, ha="right", va="center")
    top += len(values) + 8
panel.axvline(per_point.mean(), color="black", ls="--")
panel.set(xlabel="silhouette (dashed: mean)", yticks=[], xlim=(0, 1))
panel.invert_yaxis()
draw_images(plane, stamp_points, range(len(image_set)), stamp_labels)
draw_regions(plane, runs[preferred - 2].cluster_centers_)
plane.set(xlabel="share that is not white", ylabel="mean colourfulness")
plots.show(
    f"Left, the silhouette of every stamp in {preferred} clusters, mean "
    f"{per_point.mean():.2f}, lowest {per_point.min():.2f}. Right, the stamps on the "
    "plane shaded by cluster: the regions touch without a gap between their images."
)

# %% [markdown]
# Left: one bar per image, sorted within its cluster; the short ones are of images near a border.
# Right: the images with the marks of their clusters; the regions touch, with no gap between their
# images. The silhouette also prefers k = 3 in each of 20 random parts of the stamps, and is
# higher there than for noise of the same extent: <!-- claim 01.stamps --> some structure, but not
# seven groups.
#
# By the table, more than half of cluster 0 are coins; cluster 1 holds colourful flowers, fruit
# and signs; three quarters of cluster 2 are birds and mammals. Do these two separate with more
# clusters?

# %%
def draw(k, seed):
    run = KMeans(k, init="random", n_init=1, random_state=seed).fit(stamp_points)
    _, panel = plt.subplots(figsize=(9, 7.6))
    draw_images(panel, stamp_points, range(len(stamp_points)), run.labels_)
    draw_regions(panel, run.cluster_centers_)
    panel.scatter(*run.cluster_centers_.T, **CROSS)
    panel.set(xlabel="share that is not white", ylabel="mean colourfulness")
    value = metrics.silhouette(stamp_points, run.labels_)
    scores = f"inertia {run.inertia_:.3f}, silhouette {value:.2f}"
    panel.set_title(f"k = {k}, seed {seed}: {scores}")
    return f"The stamps in {k} clusters, one random start, seed {seed}: {scores}."


widgets.FigureSlider(draw, start={"k": 7}, k=range(2, 9), seed=range(10))

# %% [markdown]
# Here each seed is one random start. Move it: at k = 2 nothing changes; at k = 7 most starts miss
# the lowest inertia. <!-- claim 01.starts --> Move k: birds and mammals share clusters even at k
# = 7. On features of a neural network (lesson 5), the same algorithm with the same k separates
# nearly all of them, so it is the two numbers that fall short. <!-- claim 01.features -->
#
# ## 4 · Other algorithms, other shapes
#
# ### Merging instead of moving
#
# **Agglomerative clustering** needs no start. Every point begins as a cluster of its own; then
# the two nearest clusters are merged, again and again, until one is left. The **linkage** defines
# how far apart two clusters are: **single** linkage takes their two nearest points, one from
# each; **complete** linkage the two farthest; **average** linkage takes the mean over all such
# pairs; **Ward** asks how much merging the two would raise the inertia.
#
# scikit-learn has `AgglomerativeClustering`; SciPy's `linkage` returns the merges, which can be
# drawn as a tree, a **dendrogram**. Here it is for twelve stamps, chosen for their clear groups.

# %%
twelve = ["crow", "penguin", "ostrich", "crossroads", "t_junction", "xing_ped"]
twelve += ["orange", "mandarine", "apricot", "001penny", "025quarter", "200toonie"]
chosen = [names.index(name) for name in twelve]
merges = hierarchy.linkage(stamp_points[chosen], method="average")
cuts = (0.15, 0.3)
for cut in cuts:
    print(f"cut at {cut}:", hierarchy.fcluster(merges, cut, "distance"))

figure, panels = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
draw_images(panels[0], stamp_points, chosen, size=0.13)
panels[0].set(xlabel="share that is not white", ylabel="mean colourfulness")
style = {"color_threshold": 0, "above_threshold_color": "black"}
hierarchy.dendrogram(merges, ax=panels[1], labels=twelve, orientation="right", **style)
for cut in cuts:
    panels[1].axvline(cut, color=plots.PALETTE[1], ls="--")
panels[1].set_xlabel("distance at which two clusters merge")
plots.show(
    "Twelve stamps as points, and the tree of their merges. A cut at 0.15 leaves four "
    "groups: birds, coins, signs and orange fruit; a cut at 0.3 leaves three. The last "
    f"merge is at {merges[-1, 2]:.2f}."
)

# %% [markdown]
# A vertical bar is at the distance at which its two clusters merge. Cutting the tree at a
# distance gives a clustering: the dashed line at 0.15 crosses four branches, for birds, coins,
# signs and orange fruit; the line at 0.3 crosses three, as signs and fruit have merged. One tree
# holds a clustering for every k, but it needs the distance between every two points.
#
# ### Where k-means fails
#
# Assigning points to the nearest mean makes assumptions: that clusters are round, about equally
# wide and equally large, and that the coordinates are on comparable scales. Three sets of points
# break them: two moons; a wide group of 250 points beside two tight ones of 25; and two round
# groups whose first coordinate was multiplied by 8, as if given in another unit. We try a remedy
# for each: single linkage for the first two, **standardising** for the third, which gives every
# coordinate mean 0 and standard deviation 1.

# %%
moons, moon_groups = make_moons(300, noise=0.07, random_state=2)
wide, wide_groups = make_blobs(
    [250, 25, 25],
    centers=[[0, 0], [5, 2.2], [5, -2.2]],
    cluster_std=[1.6, 0.3, 0.3],
    random_state=1,
)
round_pair, pair_groups = make_blobs(
    300, centers=[[0, 0], [0, 3]], cluster_std=0.3, random_state=1
)
unit = round_pair * [8, 1]


def k_means(k):
    return KMeans(k, n_init=10, random_state=0)


def single(k):
    return AgglomerativeClustering(k, linkage="single")


rescaled = make_pipeline(StandardScaler(), k_means(2))
trials = {  # title: points, groups, labels
    "moons: k-means": (moons, moon_groups, k_means(2).fit_predict(moons)),
    "wide, tight: k-means": (wide, wide_groups, k_means(3).fit_predict(wide)),
    "other unit: k-means": (unit, pair_groups, k_means(2).fit_predict(unit)),
    "moons: single": (moons, moon_groups, single(2).fit_predict(moons)),
    "wide, tight: single": (wide, wide_groups, single(3).fit_predict(wide)),
    "standardised: k-means": (unit, pair_groups, rescaled.fit_predict(unit)),
}

# %% tags=["drawing"]
# @title Draw six clusterings
figure, panels = plt.subplots(2, 3, figsize=(10, 6), layout="constrained")
said = []
for panel, (title, (data, groups, labels)) in zip(panels.ravel(), trials.items()):
    if title.startswith("standardised"):
        data = StandardScaler().fit_transform(data)
    share = metrics.accuracy(labels_true=groups, labels_pred=labels)
    plots.scatter(data, labels, panel=panel, size=12)
    panel.set(aspect="equal", xlabel="first coordinate", ylabel="second coordinate")
    panel.set_title(f"{title}, k = {labels.max() + 1}\n{share:.0%} right", fontsize=11)
    said.append(f"{title}: {share:.0%}")
plots.show(
    "Share of points in the right group, top k-means, bottom a remedy. "
    f"{'; '.join(said)}."
)

# %% [markdown]
# Top, k-means; bottom, the remedy. "Right" is the share of points in their own group, after the
# best matching of clusters to groups (lesson 2). Each algorithm was told k and nothing else.
# Equal scales show the distances that the algorithm sees.
#
# - **Moons**: k-means cuts across both; single linkage, which goes from neighbour to neighbour,
#   follows them. <!-- claim 01.moons -->
# - **Wide and tight**: k-means cuts the wide group and joins the tight ones; it does find three
#   groups of equal width and size in the same places. <!-- claim 01.wide --> Single linkage is no
#   remedy: it joins a tight group to the wide one and gives the third cluster to a single point.
#   It scores 91%, but the wide group alone is 250 of the 300 points.
# - **Other unit**: k-means cuts across both groups, as each is now far longer than the gap
#   between them. Standardised, both coordinates vary equally, and k-means finds the groups.
#   <!-- claim 01.units -->
#
# Choose an algorithm whose assumptions fit what you know about your data; lesson 6 adds more.
# Standardising is an assumption too: that all coordinates are equally important.
#
# ## Exercises
#
# You have met five exercises on the way; the last one has no single right answer.
#
# ### Exercise 1.6 · Two numbers of your own (open)
#
# Describe an image by two other numbers. `image` is an array of 64 × 64 × 3 bytes; the white
# background is 255. Bytes cannot be negative (10 − 20 becomes 246), so start from `image / 255`.
# Ideas: how warm the colours are (red minus blue), how bright or rough the object is, how wide
# compared with its height. Choose an algorithm (`kmeans`, `ward`, `average` or `complete`) and a
# k from 2 to 20, look at the map below for neighbours that you would not group together, and
# write a sentence or two (ten words or more): what do the clusters contain, why this k, and what
# goes wrong?

# %%
def my_numbers(image):
    """Two numbers that describe an image, uint8 (64, 64, 3)."""
    # BEGIN SOLUTION: return None
    ink = image.min(axis=2) < 242
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    red_minus_blue = image[ink][:, 0].astype(float) - image[ink][:, 2]
    return np.log(width / height), red_minus_blue.mean() / 255
    # END SOLUTION


# BEGIN SOLUTION: my_algorithm, my_k, my_sentence = None, None, None
my_algorithm, my_k = "kmeans", 4
my_sentence = (
    "Tall objects, wide objects, and two kinds as wide as high, warm and other. "
    "Coins and mammals share a cluster: neither number measures roundness."
)
# END SOLUTION

checks.ex01_6(my_numbers, my_algorithm, my_k, my_sentence)

# %%
if None in (my_algorithm, my_k) or my_numbers(thumbnails[0]) is None:
    print("Nothing to draw yet.")
else:
    my_points = np.array([my_numbers(image) for image in thumbnails], dtype=float)
    my_plane = StandardScaler().fit_transform(my_points)
    my_labels = clustering.cluster(my_plane, my_algorithm, n_clusters=my_k)
    figure, panel = plt.subplots(figsize=(10, 8))
    draw_images(panel, my_plane, range(len(my_plane)), my_labels)
    panel.set(xlabel="my first number", ylabel="my second number (standardised)")
    plots.show(f"The stamps at my two numbers, with the marks of {my_k} clusters.")
    print(f"silhouette {metrics.silhouette(my_plane, my_labels):.2f}")

checks.summary()

# %% tags=["solution"]
# The worked solution above, with the numbers behind its sentence
for cluster in range(my_k):
    members = np.flatnonzero(my_labels == cluster)
    classes, counts = np.unique(true_names[members], return_counts=True)
    log_ratio, warmth = my_points[members].mean(axis=0)
    shape = np.exp(log_ratio)
    print(f"cluster {cluster}: width/height {shape:.2f}, red - blue {warmth:+.2f}")
    print("   ", dict(zip(classes.tolist(), counts.tolist())))

# %% [markdown]
# ## In this notebook we …
#
# - grouped nine images in two sensible ways: it depends on the description;
# - wrote k-means and ran it in scikit-learn, with `fit_predict` and a `Pipeline`;
# - compared random starts, k-means++ and its greedy variant;
# - chose k by elbow and silhouette, which prefers some k even in noise;
# - merged images into a tree, and cut it;
# - saw k-means fail on moons, unequal widths and another unit.
#
# ## Recall
#
# **1.** You run k-means twice on the same points and compare the labels: hardly any are equal.
# Must the clusterings differ?
#
# <details><summary>Answer</summary>No: the numbers are arbitrary names. Compare which points are
# together.</details>
#
# **2.** The lowest inertia for k = 8 is below the lowest for k = 5. Is k = 8 better?
#
# <details><summary>Answer</summary>You cannot tell: with more centres the lowest inertia can only
# fall. Look for an elbow or at the silhouette, and compare with noise.</details>
#
# **3.** You cluster houses by their price in euros and their number of rooms. What will k-means
# find, and what do you do about it?
#
# <details><summary>Answer</summary>Price classes: prices differ by thousands, rooms by a few.
# Standardise both, if you consider them equally important.</details>
#
# ## References
#
# - S. P. Lloyd, *Least squares quantization in PCM*, IEEE Transactions on Information Theory 28,
#   1982 (written in 1957).
# - D. Arthur and S. Vassilvitskii, *k-means++: the advantages of careful seeding*, SODA 2007,
#   which also mentions the greedy variant.
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
