# %% [markdown]
# # 2 · Scoring a clustering
#
# k-means hands you 193 numbers between 0 and 6. Is that a good answer? Nobody told the
# algorithm which number means "bird", so you cannot mark it like a test. This lesson
# builds the scores that can, and shows how each of them is fooled.
#
# **You will be able to**
#
# - explain why accuracy means nothing before clusters are matched to classes,
# - read a contingency table,
# - implement purity, NMI and the Fowlkes-Mallows index from their formulas,
# - say what each score rewards, how it is cheated, and where its chance level lies,
# - choose the scores to report, and say everything a reader needs to compare them.
#
# **You need** loops, functions and NumPy arrays; what k-means does (lesson 1).
# Logarithms are explained where they come up.
#
# **Reading** 30 minutes, the exercises as much again · **run time** 30 s on a CPU,
# about the same on a GPU.

# %% tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from scipy.optimize import linear_sum_assignment
from scipy.stats import entropy as scipy_entropy
from sklearn.metrics import (
    fowlkes_mallows_score,
    mutual_info_score,
    normalized_mutual_info_score,
)

from course_utils import images, representations, clustering, metrics, plots, widgets

# %% [markdown]
# ## 1 · A cluster has a number, not a name
#
# The stamps are 193 pictures of seven classes. We cluster them twice with k-means: by
# `colour`, a histogram of each picture's colours, and by `EfficientNetLite0`, the
# inside of a network trained on other pictures. Later lessons explain both; here they
# only supply one poor and one good clustering. k is the number of clusters.

# %%
image_set = images.load("stamps", progress=False)
true_labels, class_names = image_set.true_labels, image_set.class_names
vectors, clusterings = {}, {}
for name in ("colour", "EfficientNetLite0"):
    vectors[name] = representations.extract(image_set, name, progress=False)
    # "l2+": every vector is first scaled to length 1
    clusterings[name] = clustering.cluster(
        vectors[name], "l2+kmeans", n_clusters=7, random_state=0
    )

by_colour, by_network = clusterings["colour"], clusterings["EfficientNetLite0"]
print("classes    ", true_labels[::8])
print("by colour  ", by_colour[::8])
print("by network ", by_network[::8])

# %% [markdown]
# Every eighth picture: the class number in the first line, the cluster numbers below.
# The numbers come from different worlds. A class number is a place in an alphabetical
# list of names; a cluster number says only in which order k-means keeps its centres.
#
# **Predict first.** The network's clusters are nearly right; you will see them shortly.
# What share of the pictures has a cluster number equal to its class number? Does it
# change if k-means starts from other random centres (another seed)?

# %%
prediction = None  # e.g. 0.5

# %%
for seed in range(4):
    found = clustering.cluster(vectors["EfficientNetLite0"], "l2+kmeans", 7, seed)
    equal = np.mean(found == true_labels)
    purity_of_it = metrics.purity(labels_true=true_labels, labels_pred=found)
    print(f"seed {seed}: equal numbers {equal:.3f}, purity {purity_of_it:.3f}")

perfect = (true_labels + 1) % 7
print(f"the true classes, each renamed: {np.mean(perfect == true_labels):.3f}")
equal_numbers = float(np.mean(by_network == true_labels))
lessons.reveal(prediction, equal_numbers, "the share of equal numbers (seed 0)")

# %% [markdown]
# The share of equal numbers is called **accuracy**. It jumps about from seed to seed,
# while purity, which you will build in a moment, hardly moves. Under other numbers even
# the perfect grouping gets 0. **Accuracy scores the names; we want to score the
# partition**, that is, which pictures are together.
#
# ### The contingency table
#
# Everything we can say without naming the clusters fits in one table, with a row per class
# and a column per cluster; each cell counts the pictures in both. Renaming the clusters
# only swaps columns.


# %%
def contingency_table(true_labels, cluster_labels):
    """How many pictures of each class (row) lie in each cluster (column)."""
    true_labels, cluster_labels = np.asarray(true_labels), np.asarray(cluster_labels)
    classes, clusters = np.unique(true_labels), np.unique(cluster_labels)
    table = np.zeros((len(classes), len(clusters)), dtype=int)
    for row, one_class in enumerate(classes):
        for column, cluster in enumerate(clusters):
            in_both = (true_labels == one_class) & (cluster_labels == cluster)
            table[row, column] = in_both.sum()
    return table


network_table = contingency_table(true_labels, by_network)
library_table = metrics.contingency_table(
    labels_true=true_labels, labels_pred=by_network
)
print("same as course_utils:", np.array_equal(network_table, library_table))

# %% [markdown]
# `np.unique` lists the different labels in sorted order, so the function takes numbers,
# words, or the −1 that some algorithms give to pictures they leave over. Here is the
# network's table, drawn with what it counts:

# %%
figure, panel = plt.subplots(figsize=(7.4, 6), layout="constrained")
for row, column in np.argwhere(network_table):
    members = np.flatnonzero((true_labels == row) & (by_network == column))
    extent = (column - 0.47, column + 0.11, row + 0.29, row - 0.29)
    panel.imshow(image_set.picture(members[0], 96), extent=extent)
    panel.text(column + 0.15, row, len(members), va="center", fontsize=12)
panel.set(xlim=(-0.5, 6.5), ylim=(6.5, -0.5), xlabel="cluster", ylabel="class")
panel.set_yticks(range(7), class_names)
panel.hlines(np.arange(0.5, 6), -0.5, 6.5, color="#cccccc")
panel.vlines(np.arange(0.5, 6), -0.5, 6.5, color="#cccccc")
largest = network_table.max(axis=1)
plots.show(
    "Contingency table of the network's clusters, with a picture in each filled cell. "
    "Largest cell of each class: "
    + ", ".join(f"{n} {name}" for n, name in zip(largest, class_names))
)

# %% [markdown]
# Each filled cell shows one of its pictures and how many there are. Read a *column* to
# learn what a cluster holds, a *row* to learn where a class went. Coins, birds and road
# signs lie nearly alone in one column each; the mammals are split over two columns; the
# vegetables have no column of their own and lie mostly with flowers and fruit. Now the
# colour clusters' table, darker for more pictures and white for none:

# %%
table = pd.DataFrame(contingency_table(true_labels, by_colour), index=class_names)
figure, panel = plt.subplots(figsize=(6, 3.6), layout="constrained")
sns.heatmap(table, mask=table == 0, annot=True, cmap="Blues", cbar=False, ax=panel)
panel.set(title="clusters by colour", xlabel="cluster", ylabel="class")
column = table.sum().idxmax()
plots.show(
    f"Contingency table of the colour clusters. Cluster {column} holds "
    f"{table[column].sum()} of {len(by_colour)} pictures, from "
    f"{(table[column] > 0).sum()} of {len(table)} classes."
)

# %% [markdown]
# Nearly three quarters of the pictures crowd into one column, the fullest one of every
# class but the coins: by their colours, most stamps are something on a lot of white.
#
# Which pictures are behind a number? Click a cell.

# %%
widgets.ContingencyExplorer(image_set, by_network)

# %% [markdown]
# Here the clusters are the rows and the classes the columns; a cell is the darker, the
# larger its share of the row. A click shows a cell's pictures. *Edit the counts* lets you
# change them, and the scores above the table follow. A score has to turn such a table into
# a number, and there is more than one way.

# %% [markdown]
# ## 2 · Three scores, each answering its own question
#
# A small example that can be counted by hand: twelve stamps of three classes, and a
# clustering that we made up.

# %%
names = np.array(image_set.true_names)
three = ("birds", "coins", "fruit")
chosen = np.concatenate([np.flatnonzero(names == name)[2::5][:4] for name in three])
small_true = names[chosen]
small_clusters = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 3])
small_vectors = vectors["EfficientNetLite0"][chosen]
plots.gallery(image_set.subset(chosen), small_clusters, small_vectors, n_pictures=5)
plots.show(
    "Twelve stamps in four clusters, one row each. Crossed, as of another class than "
    "most of their row: two coins among the fruit and a bird among the coins."
)

# %% [markdown]
# One row per cluster, the biggest first. On the left are its size and its most frequent
# class; a cross marks a picture of another class.
#
# ### Purity: name each cluster after its majority, count the right names
#
# With $n_{ij}$ the number of pictures of class $i$ in cluster $j$, and $n$ pictures in
# all:
#
# $$\text{purity} = \frac{1}{n} \sum_j \max_i n_{ij}$$
#
# For the twelve stamps: the pictures without a cross, divided by 12.
#
# ### Exercise 2.1 · Purity (easy)
#
# Write it from the formula; the contingency table does most of the work. Labels may be
# numbers or words. Below the check, try it on `small_true, small_clusters` and count
# the crosses above.


# %%
def purity(true_labels, cluster_labels):
    """Share of pictures that belong to the most frequent class of their cluster."""
    # BEGIN SOLUTION: return None
    table = contingency_table(true_labels, cluster_labels)
    return table.max(axis=0).sum() / table.sum()
    # END SOLUTION


checks.ex02_1(purity)

# %% [markdown]
# **A trap.** Purity is not symmetric: swap its two arguments, and it asks how well a
# *class* stays in one cluster. The tutorial that this course follows (Guérin, 2019)
# defined `purity(clusters, labels)` and then called `purity(labels, clusters)`, which
# runs without an error. How much can it matter?

# %%
for name, found in clusterings.items():
    right = metrics.purity(labels_true=true_labels, labels_pred=found)
    swapped = metrics.purity(labels_true=found, labels_pred=true_labels)
    print(f"{name:18} purity {right:.3f}   arguments swapped {swapped:.3f}")

# %% [markdown]
# For the colour clusters, the swapped call nearly doubles the score: one cluster holds
# most pictures, so most classes "stay together" in it. That is why the functions of
# `course_utils.metrics` insist on names, `purity(labels_true=…, labels_pred=…)`.
#
# ### NMI: how much does the cluster tell you about the class?
#
# First, **entropy**: about how many yes-or-no questions does it take on average to find
# out to which group a picture belongs? Two equal groups: one question, 1 bit. Four
# equal groups: two questions, 2 bits. A single group: none. For groups with the shares
# $p_1, p_2, \dots$ of the pictures:
#
# $$H = -\sum_i p_i \log_2 p_i \qquad \text{with } 0 \cdot \log_2 0 = 0$$
#
# $\log_2$ asks to which power 2 must be raised: $\log_2 4 = 2$, and
# $\log_2 \tfrac14 = -2$, as $2^{-2} = \tfrac14$. So four equal groups have
# $H = -4 \cdot \tfrac14 \cdot (-2) = 2$ bits.

# %%
for sizes in ([12, 0, 0, 0], [6, 6, 0, 0], [8, 2, 1, 1], [3, 3, 3, 3]):
    print(sizes, f"{abs(scipy_entropy(sizes, base=2)):.2f} bits")

# %% [markdown]
# Twelve pictures in up to four groups: 0 bits when all are in one group, 2 bits when
# the four groups are equal. Unequal groups lie between, because a good first guess
# often hits.
#
# ### Exercise 2.2 · Entropy in bits (easy)
#
# `counts` holds the pictures in each group, some of them perhaps 0; it may also be a
# whole contingency table, whose cells are then the groups. Return the entropy in bits.
# Mind the zeros: `np.log2(0)` is minus infinity, and 0 times infinity is `nan`.


# %%
def entropy(counts):
    """Entropy, in bits, of groups with these counts (an array of any shape)."""
    # BEGIN SOLUTION: return None
    counts = np.asarray(counts)
    shares = counts[counts > 0] / counts.sum()
    return -(shares * np.log2(shares)).sum()
    # END SOLUTION


checks.ex02_2(entropy)

# %% [markdown]
# Next, **mutual information**. Ask for the class alone and you need $H(\text{class})$
# bits; for the cluster alone, $H(\text{cluster})$. For both at once you need
# $H(\text{both})$, the entropy of the table's cells, and that is less than the sum if
# one tells you something about the other. What you save is
#
# $$I = H(\text{class}) + H(\text{cluster}) - H(\text{both})
#     = \sum_{ij} p_{ij} \log_2 \frac{p_{ij}}{p_i \, q_j}$$
#
# where $p_{ij}$ is the share of a cell, $p_i$ of its row and $q_j$ of its column. Both
# forms give the same number; the first needs nothing but `entropy`. Drawn as lengths:

# %%
figure, panels = plt.subplots(1, 2, figsize=(10, 2.2), layout="constrained")
for panel, (name, found) in zip(panels, clusterings.items(), strict=True):
    h_class = scipy_entropy(np.bincount(true_labels), base=2)
    h_cluster = scipy_entropy(np.bincount(found), base=2)
    shared = mutual_info_score(true_labels, found) / np.log(2)  # in bits
    panel.barh(1, h_class, color=plots.PALETTE[5], height=0.9)
    panel.barh(0, h_cluster, left=h_class - shared, color=plots.PALETTE[4], height=0.9)
    panel.axvspan(h_class - shared, h_class, fill=False, ec="black", hatch="//")
    panel.set(title=f"{name}: {shared:.2f} bits shared", xlabel="bits", xlim=(0, 4))
    panel.set_yticks([0, 1], [f"cluster {h_cluster:.2f}", f"class {h_class:.2f}"])
plots.show(
    "Entropies of classes and clusters as overlapping bars. "
    + " ".join(panel.get_title() + "." for panel in panels)
)

# %% [markdown]
# The upper bar is the entropy of the classes, the lower of the clusters, and the
# hatched stretch, where they overlap, is the mutual information. Classes and the
# network's clusters share most of their length. The colour clusters share little, and
# have little to share: one big cluster makes their bar short.
#
# Last, **normalise**. Bits depend on how many groups there are; a share between 0 and 1
# does not. Divide by the mean of the two entropies:
#
# $$\text{NMI} = \frac{I}{\tfrac12 \left(H(\text{class}) + H(\text{cluster})\right)}$$
#
# The base of the logarithm cancels, as long as it is the same above and below the line.
#
# ### Exercise 2.3 · NMI (medium)
#
# Use your `entropy` three times; what are the groups each time? NMI is symmetric, so
# here swapped arguments do no harm.


# %%
def nmi(true_labels, cluster_labels):
    """Mutual information over the arithmetic mean of both entropies."""
    # BEGIN SOLUTION: return None
    table = contingency_table(true_labels, cluster_labels)
    h_class, h_cluster = entropy(table.sum(axis=1)), entropy(table.sum(axis=0))
    information = h_class + h_cluster - entropy(table)
    return information / ((h_class + h_cluster) / 2)
    # END SOLUTION


checks.ex02_3(nmi)

# %% [markdown]
# ### Fowlkes-Mallows: are the right pairs together?
#
# Forget groups and look at *pairs* of pictures. Twelve stamps make 12 · 11 / 2 = 66
# pairs, each counted once, and no picture paired with itself. Each pair is together or
# apart in the classes, and together or apart in the clusters.

# %%
# Tables of 12 x 12: row i, column j says whether pictures i and j are together
same_class = small_true[:, None] == small_true
same_cluster = small_clusters[:, None] == small_clusters
below = np.tril(np.ones((12, 12), dtype=bool), k=-1)
kinds = {
    "together in both": (same_class & same_cluster, plots.PALETTE[2], "o"),
    "only in a cluster": (~same_class & same_cluster, plots.PALETTE[1], "X"),
    "only in a class": (same_class & ~same_cluster, plots.PALETTE[0], "s"),
    "apart in both": (~same_class & ~same_cluster, "#cccccc", "."),
}
figure, panel = plt.subplots(figsize=(8, 5.4), layout="constrained")
for kind, (pairs, colour, marker) in kinds.items():
    rows, columns = np.nonzero(pairs & below)
    label = f"{kind}: {len(rows)}"
    panel.scatter(columns, rows, s=90, c=colour, marker=marker, label=label)
texts = [f"{n} · {c}" for n, c in zip(small_true, small_clusters, strict=True)]
panel.set_yticks(range(12), texts)
panel.set_xticks(range(12), texts, rotation=90)
panel.set(ylim=(11.5, -0.5), xlabel="a picture: class · cluster", ylabel="another")
panel.legend(loc="upper right", frameon=False)
counts = [text.get_text() for text in panel.get_legend().get_texts()]
plots.show(f"The 66 pairs of twelve stamps. {', '.join(counts)}.")

# %% [markdown]
# Every mark is one pair, labelled with class and cluster of its two pictures. Green
# circles are pairs that belong together and are; orange crosses are wrongly together;
# blue squares are wrongly torn apart; grey dots are rightly apart. Only half of the
# square is filled, since (i, j) and (j, i) are the same pair, and the diagonal is
# empty.
#
# Two shares follow. **Precision**: of the pairs in one cluster (green and orange), how
# many are green? Here 8 of 16. **Recall**: of the pairs in one class (green and blue),
# how many are green? Here 8 of 18. Their geometric mean is the Fowlkes-Mallows index:
#
# $$\text{FM} = \sqrt{\text{precision} \cdot \text{recall}}
#    = \sqrt{\frac{S}{\text{pairs in clusters}} \cdot \frac{S}{\text{pairs in classes}}},
#    \qquad S = \text{pairs in both}$$
#
# ### Exercise 2.4 · Fowlkes-Mallows (medium)
#
# Looping over all pairs works, but 10,000 pictures make 50 million. The contingency
# table is enough: a group of $m$ pictures holds $m (m - 1) / 2$ pairs, the cells are
# the groups that share class *and* cluster, and the sums of rows and columns are the
# classes and the clusters. If no pair is together in both, return 0.0.


# %%
def fowlkes_mallows(true_labels, cluster_labels):
    """Geometric mean of precision and recall over pairs of pictures."""
    # BEGIN SOLUTION: return None
    table = contingency_table(true_labels, cluster_labels)
    groups = table, table.sum(axis=0), table.sum(axis=1)
    both, in_clusters, in_classes = [(m * (m - 1) / 2).sum() for m in groups]
    if both == 0:
        return 0.0
    return np.sqrt((both / in_clusters) * (both / in_classes))
    # END SOLUTION


checks.ex02_4(fowlkes_mallows)

# %% [markdown]
# Now compare your three functions with the course's and with scikit-learn's. `NaN`
# means that there is no value: scikit-learn has no purity, and under *yours* it marks an
# exercise that you have not solved yet.

# %%
rows = {}
for name, found in clusterings.items():
    both = true_labels, found
    library = metrics.scores(labels_true=true_labels, labels_pred=found)
    sk_nmi, sk_fm = normalized_mutual_info_score(*both), fowlkes_mallows_score(*both)
    rows[name, "purity"] = purity(*both), library["purity"], np.nan
    rows[name, "NMI"] = nmi(*both), library["nmi"], sk_nmi
    rows[name, "FM"] = fowlkes_mallows(*both), library["fowlkes_mallows"], sk_fm
table = pd.DataFrame(rows, ["yours", "course_utils", "scikit-learn"], dtype=float)
table.T.round(4)

# %% [markdown]
# All three scores prefer the network's clusters. But look at the colour clusters: .41,
# .30 and .39 of a possible 1. Is that bad, or not so bad? Nobody can say yet, because
# we do not know what *no knowledge at all* would score.

# %% [markdown]
# ## 3 · What each score rewards, and how it is fooled
#
# Six clusterings of twelve dots. A dot's shape is its class; a box is a cluster.

# %%
dots = np.repeat(["●", "■", "▲"], 4)
partitions = {
    "perfect, renamed": np.repeat([2, 0, 1], 4),
    "every class split": np.repeat([0, 1, 2, 3, 4, 5], 2),
    "two classes merged": np.repeat([0, 0, 1], 4),
    "mixed up": np.array([0, 0, 1, 2, 0, 1, 1, 2, 0, 1, 2, 2]),
    "all in one": np.zeros(12, dtype=int),
    "each on its own": np.arange(12),
}


def in_boxes(cluster_labels):
    """The dots as text, those of each cluster in square brackets."""
    clusters, labels = np.unique(cluster_labels), np.asarray(cluster_labels)
    boxes = ["".join(dots[labels == cluster]) for cluster in clusters]
    return "".join(f"[{box}]" for box in boxes)


# %%
three_scores = ["purity", "nmi", "fowlkes_mallows"]
titles, told = [plots.TITLES[score] for score in three_scores], []
figure, panels = plt.subplots(2, 3, figsize=(10, 4), sharey=True, layout="constrained")
for panel, (title, labels) in zip(panels.flat, partitions.items(), strict=True):
    scores = metrics.scores(labels_true=dots, labels_pred=labels)
    values = [scores[score] for score in three_scores]
    bars = panel.barh(titles, values, color=plots.PALETTE[5])
    panel.bar_label(bars, fmt="%.2f", padding=3)
    panel.set(title=f"{title}\n{in_boxes(labels)}", xlim=(0, 1.2))
    told.append(f"{title} {' '.join(f'{value:.2f}' for value in values)}")
panels[0, 0].invert_yaxis()
plots.show("Purity, NMI and Fowlkes-Mallows of six clusterings: " + "; ".join(told))

# %% [markdown]
# Under each clustering its purity, NMI and Fowlkes-Mallows index.
#
# - *Splitting* every class costs no purity at all, a quarter of NMI, and over 40 % of
#   Fowlkes-Mallows: most pairs of a class are torn apart.
# - *Merging* two classes costs a third of purity, since one of the two is all wrong,
#   and about a quarter of the other two scores.
# - *Mixed up* knows nothing: each box holds some of every class. NMI falls to .05 and
#   Fowlkes-Mallows to .17, but purity still pays .50.
# - *All in one* cluster tells nothing about the class, so NMI is 0. Fowlkes-Mallows
#   still pays .52: no pair of a class is torn apart, so recall is 1.
# - *Each on its own* (clusters of one picture are called **singletons**) has purity 1,
#   although nothing is grouped. NMI pays .61; Fowlkes-Mallows sees that no pair is
#   together and pays 0.
#
# **Predict first.** All 193 stamps in one single cluster: what will the Fowlkes-Mallows
# index be? The colour clusters, remember, got .39.

# %%
prediction_2 = None  # e.g. 0.1

# %%
all_in_one = np.zeros(len(image_set), dtype=int)
lazy = metrics.fowlkes_mallows(labels_true=true_labels, labels_pred=all_in_one)
lessons.reveal(prediction_2, lazy, "Fowlkes-Mallows of one single cluster")
for name, found in clusterings.items():
    score = metrics.fowlkes_mallows(labels_true=true_labels, labels_pred=found)
    biggest = np.bincount(found).max()
    print(f"{name:18} {score:.3f}, biggest cluster {biggest} of {len(found)} pictures")

# %% [markdown]
# Doing nothing scores nearly as much as the colour clusters. These earn their index
# with one huge cluster: it keeps all birds together and all mammals together, though in
# the same place.
#
# ### The chance level
#
# So a score needs a mark beside it: what would the same clusters get if they knew
# nothing? Keep the cluster sizes, deal the pictures out at random, score, and repeat.
# Shuffling the labels does just that.

# %%
generator = np.random.default_rng(0)
shuffled = [generator.permutation(by_colour) for _ in range(300)]
shown = {"purity": metrics.purity, "Fowlkes-Mallows": metrics.fowlkes_mallows}
figure, panels = plt.subplots(1, 2, figsize=(10, 2.8), layout="constrained")
told = []
for panel, (title, score) in zip(panels, shown.items(), strict=True):
    by_chance = [score(labels_true=true_labels, labels_pred=s) for s in shuffled]
    reached = score(labels_true=true_labels, labels_pred=by_colour)
    panel.hist(by_chance, bins=15, color="#bbbbbb", label="300 shuffles")
    panel.axvline(np.mean(by_chance), color="black", ls="--", label="chance level")
    panel.axvline(reached, color=plots.PALETTE[1], lw=3, label="clusters by colour")
    panel.set(xlim=(0, 0.5), xlabel=title, ylabel="shuffles")
    level = f"chance level {np.mean(by_chance):.3f}"
    told.append(f"{title}: {level}, reached {reached:.3f}")
    print(told[-1])
panels[1].legend(frameon=False, loc="upper left")
plots.show("Scores of 300 shuffles, and of the clusters. " + "; ".join(told))

# %% [markdown]
# The grey hump is what shuffled clusters get; its mean, dashed, is the chance level;
# the thick orange line is the real clustering. Colour does beat chance: no shuffle
# comes near it. But chance is not at 0. It is above a quarter, and it differs from
# score to score. From here on `metrics.chance_scores` does the shuffling.
#
# ### Cheating with many clusters
#
# Let the number of clusters grow from one to 193 singletons. Ward's method builds its
# clusters by joining them two by two, so when k grows by one, exactly one cluster is
# split and the others stay.

# %%
ks = [1, 2, 3, 4, 5, 6, 7, 8, 10, 14, 20, 30, 45, 65, 95, 140, 193]
real_rows, chance_rows, ward = [], [], {}
for k in ks:
    ward[k] = clustering.cluster(vectors["EfficientNetLite0"], "l2+ward", k)
    both = {"labels_true": true_labels, "labels_pred": ward[k]}
    real_rows.append(metrics.scores(**both))
    chance_rows.append(metrics.chance_scores(**both, n_shuffles=5))
real, chance = pd.DataFrame(real_rows), pd.DataFrame(chance_rows)

# %%
figure, panels = plt.subplots(2, 2, figsize=(10, 6), sharex=True, layout="constrained")
blue = plots.PALETTE[0]
for panel, score in zip(panels.flat, [*three_scores, "ari"], strict=True):
    panel.plot(ks, real[score], "o-", color=blue, label="Ward on the network")
    panel.plot(ks, chance[score], "x--", color="black", label="the same, shuffled")
    panel.axvline(7, color="#999999", ls=":")
    panel.set(title=plots.TITLES[score], xscale="log", ylim=(-0.05, 1.05))
    panel.set_xticks([1, 2, 4, 7, 20, 50, 193], [1, 2, 4, 7, 20, 50, 193])
    panel.minorticks_off()
panels[0, 0].legend(frameon=False)
figure.supxlabel("k, number of clusters (7 classes: dotted)")
best = {plots.TITLES[score]: real[score].argmax() for score in (*three_scores, "ari")}
plots.show(
    "Scores against the number of clusters, of real and of shuffled clusters. The real "
    "ones are best at k = "
    + ", ".join(f"{ks[place]} ({title})" for title, place in best.items())
)

# %% [markdown]
# Solid: the real clusters; dashed: the same clusters shuffled.
#
# - **Purity** never falls, and ends at 1. Its chance level climbs to 1 as well: as
#   singletons, a shuffle is as pure as the truth.
# - **NMI** peaks at 5 clusters, near the true number of classes, and then falls slowly.
#   Its chance level climbs, too: singletons are given more than half of the scale.
# - **Fowlkes-Mallows** does the reverse: chance is highest for few clusters, and both
#   lines end at 0.
# - **ARI** is the subject of section 4: its chance level stays at 0 all the way.
#
# The distance between solid and dashed line is what the clustering knows. A score
# without its k and its chance level says little.
#
# ### The small print: which mean?
#
# Guérin's tutorial of 2019 printed an NMI of .66327 for 575 faces clustered by raw
# pixels. Today's scikit-learn gives the same clustering .66321. (Both figures are
# quoted, not computed here.) Nothing is wrong: until version 0.22, scikit-learn divided
# by the *geometric* mean of the two entropies,
# $\sqrt{H(\text{class}) \cdot H(\text{cluster})}$; since then by the arithmetic mean.
# Some divide by the smaller of the two (`min`), some by the larger (`max`). Here are
# all four on Ward's clusters:

# %%
by_normaliser = {}
for average in ("min", "geometric", "arithmetic", "max"):
    by_normaliser[average] = [
        metrics.nmi(
            labels_true=true_labels, labels_pred=ward[k], average_method=average
        )
        for k in (2, 7, 20, 193)
    ]
pd.DataFrame(by_normaliser, ["k = 2", "k = 7", "k = 20", "k = 193"]).round(5)

# %% [markdown]
# At k = 7, where classes and clusters have nearly the same entropy, geometric and
# arithmetic mean differ in the last digits only, as they did for the faces. With fewer
# or more clusters the four drift apart, always in the same order. With `min`, two
# clusters of whole classes already score 1. So say which normaliser you used, and
# compare only like with like.

# %% [markdown]
# ## 4 · Two repairs, and what to report
#
# ### ARI: take chance off
#
# Fowlkes and Mallows count pairs; so does the **adjusted Rand index**, and it subtracts
# what chance gives. With $S$ pairs together in both, $A$ pairs in clusters, $B$ pairs
# in classes and $N$ pairs in all, shuffling gives on average $E = A \cdot B / N$ pairs
# together in both. The mean $M = (A + B) / 2$ stands for the highest possible count,
# which two equal partitions reach:
#
# $$\text{ARI} = \frac{S - E}{M - E}$$
#
# Chance scores 0, perfection 1, and worse than chance is negative. You will write it in
# exercise 2.5.
#
# ### Accuracy, after matching
#
# Accuracy makes sense once every cluster has been given a class. Purity lets several
# clusters take the same class, and so rewards splitting. The **Hungarian** method gives
# each class at most one cluster and each cluster at most one class, and of all such
# matches finds the one with the most right pictures. SciPy has it:

# %%
rows, columns = linear_sum_assignment(network_table, maximize=True)
matched = pd.DataFrame(network_table[:, columns], class_names, columns)
matched_accuracy = network_table[rows, columns].sum() / network_table.sum()
print(f"accuracy: {equal_numbers:.3f} before matching, {matched_accuracy:.3f} after")

# %%
figure, panel = plt.subplots(figsize=(6, 3.6), layout="constrained")
sns.heatmap(matched, mask=matched == 0, annot=True, cmap="Blues", cbar=False, ax=panel)
for place in range(7):
    style = {"fill": False, "ec": plots.PALETTE[1], "clip_on": False}
    panel.add_patch(plt.Rectangle((place, place), 1, 1, **style))
panel.set(title="clusters by network, matched", xlabel="cluster", ylabel="class")
plots.show(
    "The network's table with its columns in the order of the match. The framed cells, "
    f"on the diagonal, hold {np.trace(matched)} of {len(by_network)} pictures."
)

# %% [markdown]
# The network's table of section 1, its columns in the order of the match: the matched
# cells lie on the diagonal, framed, and accuracy is their sum over all pictures. Only
# one of the two mammal clusters can be "the mammals". The other, cluster 2, is left to
# the vegetables, of which it holds none, and all its pictures count as wrong. Accuracy
# is therefore lower than purity, which calls both clusters mammals.
#
# ### All five, with their chance levels

# %%
titles, told = [plots.TITLES[score] for score in metrics.SCORES], []
figure, panels = plt.subplots(1, 2, figsize=(10, 3), sharey=True, layout="constrained")
for panel, (name, found) in zip(panels, clusterings.items(), strict=True):
    both = {"labels_true": true_labels, "labels_pred": found}
    by_chance = list(metrics.chance_scores(**both).values())
    reached = list(metrics.scores(**both).values())
    panel.barh(titles, reached, color=plots.PALETTE[5])
    panel.plot(by_chance, titles, "k|", ms=26, mew=3, label="chance level")
    panel.set(title=f"clusters by {name}", xlabel="score", xlim=(-0.02, 1))
    values = zip(titles, reached, by_chance)
    told += [f"{name}: "] + [f"{title} {a:.2f} ({b:.2f}), " for title, a, b in values]
panels[0].invert_yaxis()
panels[0].legend(frameon=False)
plots.show(f"Five scores, the chance level in brackets. {''.join(told)[:-2]}.")

# %% [markdown]
# The bar is the score reached, the black tick its chance level. The network's bars
# reach far beyond their ticks; of the colour clusters' purity, Fowlkes-Mallows and
# accuracy, most is chance. ARI alone has its tick at 0 and can be read without one;
# NMI's stands a little above 0 at this k. Fowlkes-Mallows has two very different chance
# levels, because they depend on the clusters' sizes.
#
# | score | the question it answers | fooled by | report it |
# |---|---|---|---|
# | purity | is each cluster of one kind? | many clusters | with k, for clusters that a person will look at |
# | NMI | what does the cluster tell about the class? | many small clusters | always; it is what papers give. Name the normaliser |
# | Fowlkes-Mallows | are the right pairs together? | few, huge clusters | beside its chance level |
# | ARI | the same, above chance? | least of all | always, above all when k differs |
# | accuracy | how many right after the best match? | little; it is harsh on splits | when k equals the number of classes |
#
# Our advice: **NMI and ARI always; matched accuracy if k is the number of classes;
# purity never without k; the chance level beside all of them.** This course reports
# purity, NMI and Fowlkes-Mallows throughout, as the tutorial did, on a fixed k and with
# the chance level, and keeps ARI and accuracy in every table. None of these scores may
# take part in the clustering itself: they need the true labels.

# %% [markdown]
# ## Exercises
#
# Exercises 2.1 to 2.4 stand above, where the scores are built. Two more:
#
# ### Exercise 2.5 · Adjusted Rand index (hard)
#
# Write ARI from the formula of section 4. It takes the same counts of pairs as
# Fowlkes-Mallows, and the number of all pairs.


# %%
def adjusted_rand(true_labels, cluster_labels):
    """Pairs together in both, above chance, as a share of what is possible."""
    # BEGIN SOLUTION: return None
    table = contingency_table(true_labels, cluster_labels)
    groups = table, table.sum(axis=0), table.sum(axis=1), table.sum()
    both, in_clusters, in_classes, total = [np.sum(m * (m - 1) / 2) for m in groups]
    expected = in_clusters * in_classes / total
    highest = (in_clusters + in_classes) / 2
    return (both - expected) / (highest - expected)
    # END SOLUTION


checks.ex02_5(adjusted_rand)

# %% [markdown]
# ### Exercise 2.6 · Two scores disagree (open)
#
# Find two clusterings of the twelve dots (four of each shape) **with the same number of
# clusters**, so that purity prefers A and Fowlkes-Mallows prefers B. Sketch boxes
# around dots on paper before you code; `in_boxes(…)` shows your clusters, and
# `metrics.scores(labels_true=dots, labels_pred=…)` tells you all five scores. Many
# pairs are right. Which of the two would you prefer, and why?

# %%
# BEGIN SOLUTION: clustering_a = clustering_b = None  # twelve labels each
clustering_a = [0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 2]
clustering_b = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3]
# END SOLUTION

checks.ex02_6(clustering_a, clustering_b)

# %% tags=["solution"]
five_scores = {}
for name, labels in {"A": clustering_a, "B": clustering_b}.items():
    print(name, " ", in_boxes(labels))
    five_scores[name] = metrics.scores(labels_true=dots, labels_pred=labels)
pd.DataFrame(five_scores).round(3)

# %% [markdown] tags=["solution"]
# A splits the circles and swaps one square with one triangle; ten of the twelve dots
# are in the majority. B leaves circles and squares whole in one big box and tears the
# triangles apart. Purity names that box after one class and loses the other four dots;
# Fowlkes-Mallows rewards all the pairs that the box keeps. The other scores are
# divided, too: ARI and accuracy prefer A, NMI by a little B. For a person who wants to
# put a name on each box, A is the better one; for finding pictures like a given one
# without missing any, B may be.

# %%
checks.summary()

# %% [markdown]
# ## In this notebook we …
#
# - saw that cluster numbers carry no meaning, and that all that counts is in the
#   contingency table;
# - built purity from majorities, NMI from entropies, Fowlkes-Mallows from pairs, and
#   found the same numbers as two libraries;
# - fooled purity with singletons and Fowlkes-Mallows with one big cluster, and met the
#   chance level, which moves with the score, with k and with the cluster sizes;
# - repaired pairs with ARI and accuracy with a match, and chose what to report: scores,
#   k, normaliser, chance level.
#
# ## Recall
#
# 1. A clustering has accuracy 0 and ARI 1. How can that be?
#
# <details><summary>Answer</summary>The partition is perfect, but no cluster carries the
# number of its class, and accuracy was taken without matching them first. After the
# Hungarian match it is 1.</details>
#
# 2. A classmate reports purity .97, which beats everyone. What do you ask?
#
# <details><summary>Answer</summary>How many clusters, for how many pictures? Purity
# never falls when clusters are split and is 1 for singletons. And: what does the same
# clustering get when it is shuffled, and in which order were the arguments?</details>
#
# 3. Two papers report NMI .712 and .705. Name two reasons why the difference may mean
# nothing.
#
# <details><summary>Answer</summary>They may use different normalisers (geometric is
# never below arithmetic), different numbers of clusters, or one lucky seed each; with a
# few hundred pictures, a handful of them makes such a difference.</details>
#
# ## References
#
# - E. B. Fowlkes, C. L. Mallows, *A method for comparing two hierarchical clusterings*,
#   Journal of the American Statistical Association 78, 1983.
# - L. Hubert, P. Arabie, *Comparing partitions*, Journal of Classification 2, 1985.
# - H. W. Kuhn, *The Hungarian method for the assignment problem*, Naval Research
#   Logistics Quarterly 2, 1955.
# - C. D. Manning, P. Raghavan, H. Schütze, *Introduction to Information Retrieval*,
#   Cambridge University Press, 2008, section 16.3 (purity, NMI).
# - N. X. Vinh, J. Epps, J. Bailey, *Information theoretic measures for clusterings
#   comparison*, Journal of Machine Learning Research 11, 2010 (normalisers, chance).
# - J. Guérin, *Tutorial on Image Clustering*, 2019 (slides and notebooks).
#
# ## Next
#
# `03_raw_pixels`: what a picture is to a computer, and how far its bare pixels get you.
