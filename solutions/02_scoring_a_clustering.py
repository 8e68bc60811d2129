# %% [markdown]
# # 2 · Scoring a clustering
#
# k-means gives each of 193 images a number from 0 to 6. Is that a good answer? Nobody
# told it which number means "bird", so you cannot mark it like a test. Here you build
# scores that work all the same, and find out how each one can be fooled.
#
# **You will be able to**
#
# - read a contingency table, and explain why accuracy needs a matching first,
# - implement purity, NMI, Fowlkes-Mallows and ARI from their formulas,
# - say what each score rewards and how it is fooled,
# - compare a score with its chance level, and say how sure you are of it.
#
# **You need** loops, functions and NumPy arrays; what k-means does (lesson 1).
#
# **Reading** 30 minutes, the exercises as long again · **run time** 30 s on a CPU or
# a GPU.

# %% tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import sklearn.metrics as sk
from scipy.optimize import linear_sum_assignment
from scipy.stats import entropy as scipy_entropy

from course_utils import images, representations, clustering, metrics, plots, widgets

# %% [markdown]
# ## 1 · A cluster has a number, not a name
#
# The stamps are 193 images of seven classes. We cluster them twice with k-means, k = 7:
# by `colour`, a histogram of each image's colours, and by `EfficientNetLite0`, the
# features of a network trained on other images (lessons 4 and 5).

# %%
image_set = images.load("stamps", progress=False)
true_labels, class_names = image_set.true_labels, image_set.class_names
vectors, clusterings = {}, {}
for name in ("colour", "EfficientNetLite0"):
    vectors[name] = representations.extract(image_set, name, progress=False)
    # "l2+kmeans": scale every vector to length 1, then k-means
    clusterings[name] = clustering.cluster(
        vectors[name], "l2+kmeans", n_clusters=7, random_state=0
    )

by_colour, by_network = clusterings["colour"], clusterings["EfficientNetLite0"]
print("classes    ", true_labels[::8])
print("by colour  ", by_colour[::8])
print("by network ", by_network[::8])

# %% [markdown]
# For every eighth image, its class number and its two cluster numbers. They are
# unrelated: classes are numbered by the alphabet, clusters as k-means happens to keep its
# centres.
#
# **Predict first.** The network's clusters are nearly right, as you will see shortly.
# What share of the images has a cluster number equal to its class number? Does it change
# if k-means starts from different random centres (another seed)?

# %%
prediction = None  # e.g. 0.5

# %%
for seed in range(4):
    found = clustering.cluster(vectors["EfficientNetLite0"], "l2+kmeans", 7, seed)
    purity_of_it = metrics.purity(labels_true=true_labels, labels_pred=found)
    equal = np.mean(found == true_labels)
    print(f"seed {seed}: equal numbers {equal:.3f}, purity {purity_of_it:.3f}")

perfect = (true_labels + 1) % 7
print(f"the true classes, each renamed: {np.mean(perfect == true_labels):.3f}")
equal_numbers = float(np.mean(by_network == true_labels))
lessons.reveal(prediction, equal_numbers, "the share of equal numbers (seed 0)")

# %% [markdown]
# The share of equal numbers is called **accuracy**. It varies with the seed far more than
# purity, the score you will write in a moment. <!-- claim 02.names -->
# The last line renumbers the classes themselves: a perfect grouping scores 0. Accuracy
# scores the names; we want to score the **partition**: which images are together.
#
# ### The contingency table
#
# Everything we can say without naming the clusters fits in one table, with a row per
# class and a column per cluster; each cell counts the images in both. Renaming the
# clusters only reorders the columns.

# %%
def contingency_table(true_labels, cluster_labels):
    """How many images of each class (row) are in each cluster (column)."""
    true_labels, cluster_labels = np.asarray(true_labels), np.asarray(cluster_labels)
    classes, clusters = np.unique(true_labels), np.unique(cluster_labels)
    table = np.zeros((len(classes), len(clusters)), dtype=int)
    for row, one_class in enumerate(classes):
        for column, cluster in enumerate(clusters):
            in_both = (true_labels == one_class) & (cluster_labels == cluster)
            table[row, column] = in_both.sum()
    return table


network_table = contingency_table(true_labels, by_network)
library_table = sk.cluster.contingency_matrix(true_labels, by_network)
print("same as scikit-learn:", np.array_equal(network_table, library_table))

# %% tags=["drawing"]
# @title Draw both contingency tables
shape = {"figsize": (10, 3.6), "sharey": True, "layout": "constrained"}
figure, panels = plt.subplots(1, 2, **shape)
for panel, (name, found) in zip(panels, clusterings.items(), strict=True):
    table = pd.DataFrame(contingency_table(true_labels, found), index=class_names)
    style = {"annot": True, "cmap": "Blues", "cbar": False, "vmin": 0, "vmax": 40}
    sns.heatmap(table, mask=table == 0, ax=panel, **style)
    panel.set(title=f"clusters by {name}", xlabel="cluster")
panels[0].set_ylabel("class")
fullest = np.bincount(by_colour).argmax()
n_fullest = (by_colour == fullest).sum()
largest = network_table.max(axis=1)
plots.show(
    "Two contingency tables, darker for more images, empty for none. By colour, "
    f"cluster {fullest} holds {n_fullest} of {len(by_colour)} images. By network, the "
    "largest cell of each class: "
    + ", ".join(f"{n} {name}" for n, name in zip(largest, class_names))
)

# %% [markdown]
# Read a *column* to learn what a cluster holds, a *row* to learn where a class went. By
# colour, nearly three quarters of the images are in one column. By network, coins, birds
# and road signs have one column each, nearly to themselves; the mammals are split over
# two; the vegetables have none of their own and are mostly with flowers and fruit. Click
# a cell to see its images.

# %%
widgets.ContingencyExplorer(image_set, by_network)

# %% [markdown]
# Here the clusters are the rows, the biggest first. With *Edit the counts* you can change
# any count and watch five scores follow.
#
# ## 2 · Three scores
#
# An example to count by hand: twelve stamps, in clusters that we invented.

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
print(pd.DataFrame(contingency_table(small_true, small_clusters), index=three))

# %% [markdown]
# One row per cluster; a cross marks an image that is not of its most frequent class.
# Below, the same as a table.
#
# ### Purity: name each cluster after its majority, count the right names
#
# With $n_{ij}$ the number of images of class $i$ in cluster $j$, and $n$ images in all:
#
# $$\text{purity} = \frac{1}{n} \sum_j \max_i n_{ij}$$
#
# Take the largest number of each column, add them up, divide by $n$. For the twelve
# stamps, $(3 + 2 + 3 + 1) / 12 = 0.75$.
#
# ### Exercise 2.1 · Purity (easy)
#
# Write it for labels that are numbers or words; `contingency_table` does most of the
# work.

# %%
def purity(true_labels, cluster_labels):
    """Share of images that belong to the most frequent class of their cluster."""
    # BEGIN SOLUTION: return None
    table = contingency_table(true_labels, cluster_labels)
    return table.max(axis=0).sum() / table.sum()
    # END SOLUTION


checks.ex02_1(purity)

# %% [markdown]
# ### NMI: how much does the cluster tell you about the class?
#
# First, **entropy**: on average, about how many yes-or-no questions does it take to find
# the group of an image? For groups with the shares $p_1, p_2, \dots$ of the images:
#
# $$H = -\sum_i p_i \log_2 p_i \qquad \text{with } 0 \cdot \log_2 0 = 0$$
#
# $\log_2$ asks to which power 2 must be raised: $\log_2 \tfrac14 = -2$, as
# $2^{-2} = \tfrac14$. So four equal groups have $H = -4 \cdot \tfrac14 \cdot (-2) = 2$
# **bits**. Groups of 8, 2, 1 and 1 have only 1.42: a first guess is more often right.
#
# ### Exercise 2.2 · Entropy in bits (easy)
#
# `counts` is an array with the number of images in each group; it may also be a whole
# contingency table, whose cells are then the groups. Watch out for zeros: `np.log2(0)` is
# minus infinity, and 0 times that is `nan`.

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
# Next, **mutual information**. To find the class you need $H(\text{class})$ questions;
# to find the cluster, $H(\text{cluster})$; to find both at once, $H(\text{both})$, the
# entropy of the table's cells. That is less than the sum if one tells you something
# about the other. What you save is
#
# $$I = H(\text{class}) + H(\text{cluster}) - H(\text{both})$$

# %% tags=["drawing"]
# @title Draw the entropies as lengths
figure, panels = plt.subplots(1, 2, figsize=(10, 2.2), layout="constrained")
for panel, (name, found) in zip(panels, clusterings.items(), strict=True):
    h_class = scipy_entropy(np.bincount(true_labels), base=2)
    h_cluster = scipy_entropy(np.bincount(found), base=2)
    shared = sk.mutual_info_score(true_labels, found) / np.log(2)  # in bits
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
# The hatched overlap of the two entropies is the mutual information. The network's
# clusters share most of their bar with the classes. The colour clusters share little, and
# one huge cluster makes their bar short.
#
# Last, **normalise**: the more groups, the more bits there can be to share. NMI divides
# by the mean of the two entropies, and is between 0 and 1:
#
# $$\text{NMI} = \frac{I}{\tfrac12 \left(H(\text{class}) + H(\text{cluster})\right)}$$
#
# You can also divide by one entropy at a time. **Homogeneity**, $I / H(\text{class})$,
# is 1 if each cluster holds one class; **completeness**, $I / H(\text{cluster})$, is 1
# if each class is in one cluster. Their harmonic mean, the **V-measure**, is this same
# NMI. Some papers divide by another mean, so name yours.
#
# ### Exercise 2.3 · NMI (medium)
#
# Use your `entropy` three times; what are the groups each time?

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
# Now look at *pairs* of images. Twelve stamps make 12 · 11 / 2 = 66 pairs, each counted
# once, and no image paired with itself. A pair is together or apart in the classes, and
# together or apart in the clusters.

# %% tags=["drawing"]
# @title Draw the 66 pairs
same_class = small_true[:, None] == small_true  # (12, 12): are both of one class?
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
panel.set(ylim=(11.5, -0.5), xlabel="one image: class · cluster", ylabel="the other")
panel.legend(loc="upper right", frameon=False)
counts = [text.get_text() for text in panel.get_legend().get_texts()]
plots.show(f"The 66 pairs of twelve stamps. {', '.join(counts)}.")

# %% [markdown]
# Green circles are pairs rightly together, orange crosses wrongly together, blue squares
# wrongly split, grey dots rightly apart.
#
# **Precision**: of the pairs in one cluster (green and orange), how many are green? Here
# 8 of 16. **Recall**: of the pairs in one class (green and blue), how many are green?
# Here 8 of 18. The Fowlkes-Mallows index is their geometric mean, here
# $\sqrt{8/16 \cdot 8/18} = 0.47$:
#
# $$\text{FM} = \sqrt{\text{precision} \cdot \text{recall}}
#    = \sqrt{\frac{S}{\text{pairs in clusters}} \cdot \frac{S}{\text{pairs in classes}}},
#    \qquad S = \text{pairs together in both}$$
#
# ### Exercise 2.4 · Fowlkes-Mallows (medium)
#
# Looping over all pairs works, but 10,000 images make 50 million. The contingency table
# is enough: a group of $m$ images has $m (m - 1) / 2$ pairs; the cells are the groups
# that share class *and* cluster, the sums of the rows are the classes, those of the
# columns the clusters. If no pair is together in both, return 0.0.

# %%
def fowlkes_mallows(true_labels, cluster_labels):
    """Geometric mean of precision and recall over pairs of images."""
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
# From now on the lesson uses your functions; where an exercise is still open, a
# ready-made one. Here they are beside scikit-learn's, which has no purity (NaN).

# %%
course = {
    "purity": lambda t, c: metrics.purity(labels_true=t, labels_pred=c),
    "NMI": sk.normalized_mutual_info_score,
    "Fowlkes-Mallows": sk.fowlkes_mallows_score,
}
yours = {"purity": purity, "NMI": nmi, "Fowlkes-Mallows": fowlkes_mallows}
numbers = {"purity": "2.1", "NMI": "2.3", "Fowlkes-Mallows": "2.4"}
three_scores = {
    name: yours[name] if checks.passed(numbers[name]) else course[name]
    for name in course
}
rows = {}
for name, found in clusterings.items():
    for title, score in three_scores.items():
        library = np.nan if title == "purity" else course[title](true_labels, found)
        rows[name, title] = score(true_labels, found), library
    rows[name, "purity, swapped"] = three_scores["purity"](found, true_labels), np.nan
pd.DataFrame(rows, ["used here", "scikit-learn"]).T.round(4)

# %% [markdown]
# **A trap.** Purity is not symmetric: with its arguments swapped it asks how well a
# *class* keeps to one cluster. For the colour clusters that is a far higher number, as
# most images are in the one huge cluster, <!-- claim 02.swapped --> and there is no
# error message. The tutorial that this course follows swapped them, so
# `course_utils.metrics` insists on names: `purity(labels_true=…, labels_pred=…)`.
#
# Are .41, .30 and .39 for the colour clusters bad? Section 3 finds out.
#
# ## 3 · How a score is fooled
#
# Six clusterings of twelve dots. A dot's shape is its class; brackets enclose a cluster.

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


for title, labels in partitions.items():
    values = [f"{name} {s(dots, labels):.2f}" for name, s in three_scores.items()]
    print(f"{title:18} {in_boxes(labels)}\n    {', '.join(values)}")

# %% [markdown]
# *Splitting* every class costs no purity, a quarter of NMI and over 40 % of
# Fowlkes-Mallows. *Mixed up* has an NMI of .05 and still a purity of .50. *All in one* has
# an NMI of 0 but a Fowlkes-Mallows index of .52: no pair of a class is split, so recall is
# 1. *Each on its own* (clusters of one image are **singletons**) has purity 1 and an NMI
# of .61, although nothing is grouped.
#
# **Predict first.** Put all 193 stamps in one single cluster: what will the
# Fowlkes-Mallows index be? The colour clusters have .39.

# %%
prediction_2 = None  # e.g. 0.1

# %%
all_in_one = np.zeros(len(image_set), dtype=int)
lazy = float(three_scores["Fowlkes-Mallows"](true_labels, all_in_one))
lessons.reveal(prediction_2, lazy, "Fowlkes-Mallows of one single cluster")

# %% [markdown]
# Doing nothing scores about as much as the colour clusters. <!-- claim 02.lazy -->
#
# ### The chance level
#
# So what would clusters of the same sizes score if they knew nothing? Shuffle the labels
# among the images, score, and repeat.

# %%
generator = np.random.default_rng(0)
shuffled = [generator.permutation(by_colour) for _ in range(200)]
for title, score in three_scores.items():
    by_chance = [score(true_labels, labels) for labels in shuffled]
    reached = score(true_labels, by_colour)
    level, highest = np.mean(by_chance), max(by_chance)
    print(f"{title:16} {reached:.3f}, shuffled {level:.3f}, at most {highest:.3f}")

# %% [markdown]
# The **chance level** is the mean over the shuffles. No shuffle of 200 reaches the real
# clusters, so colour does beat chance. <!-- no claim: printed above --> But chance is not
# 0, and it differs from score to score. `metrics.chance_scores` does the shuffling for
# you.
#
# ### Many clusters, few clusters
#
# Let the number of clusters grow from one to 193 singletons. Ward's method joins clusters
# two by two, so when k grows by one, one cluster is split and the others stay.

# %%
six = [*metrics.SCORES, "ami"]


def six_scores(true_labels, found):
    """The course's five scores, and AMI, which section 4 explains."""
    both = {"labels_true": true_labels, "labels_pred": found}
    ami = sk.adjusted_mutual_info_score(true_labels, found)
    return metrics.scores(**both) | {"ami": ami}


ks = [1, 2, 3, 4, 5, 6, 7, 8, 10, 14, 20, 30, 45, 65, 95, 140, 193]
network_vectors = vectors["EfficientNetLite0"]
ward = {k: clustering.cluster(network_vectors, "l2+ward", k) for k in ks}
real = pd.DataFrame([six_scores(true_labels, ward[k]) for k in ks], ks)
shuffles = [generator.permutation(true_labels) for _ in range(5)]
chance = pd.DataFrame(
    [pd.DataFrame([six_scores(s, ward[k]) for s in shuffles]).mean() for k in ks], ks
)

# %% tags=["drawing"]
# @title Draw six scores against the number of clusters
shape = {"figsize": (10, 5.6), "sharex": True, "layout": "constrained"}
figure, panels = plt.subplots(2, 3, **shape)
titles = plots.TITLES | {"ami": "AMI"}
for panel, score in zip(panels.flat, six, strict=True):
    panel.plot(ks, real[score], "o-", ms=4, color=plots.PALETTE[0], label="clusters")
    panel.plot(ks, chance[score], "x--", ms=5, color="black", label="shuffled")
    panel.axvline(7, color="#767676", ls=":")
    panel.set(title=titles[score], xscale="log", ylim=(-0.05, 1.05))
    panel.set_xticks([1, 2, 4, 7, 20, 50, 193], [1, 2, 4, 7, 20, 50, 193])
    panel.minorticks_off()
panels[1, 0].legend(frameon=False, loc="upper right", bbox_to_anchor=(1, 0.9))
panels[1, 0].text(7.6, 0.93, "7 classes", color="#595959")
figure.supxlabel("k, number of clusters")
best = {titles[score]: real[score].idxmax() for score in six}
plots.show(
    "Six scores against the number of clusters, of real and of shuffled clusters. The "
    "real ones are best at k = "
    + ", ".join(f"{k} ({title})" for title, k in best.items())
)

# %% [markdown]
# Solid: Ward's clusters by network; dashed: chance. The chance level of purity and NMI
# rises with k; that of Fowlkes-Mallows falls; that of ARI and AMI stays at 0.
# <!-- claim 02.chance --> So a score says little without its k and its chance level. Nor
# is the gap between the lines comparable: where chance is .8, only .2 is left to gain.
# The share gained is $(\text{score} - \text{chance}) / (1 - \text{chance})$.
#
# Now look at k = 7, the true number. All but purity *dip* there. Is the right k wrong?

# %%
photo_set = images.load("photos", progress=False)
photo_vectors = representations.extract(photo_set, "EfficientNetLite0", progress=False)
ari = {"stamps": {}, "photos": {}}
for k in range(2, 15):
    found = clustering.cluster(photo_vectors, "l2+ward", k)
    ari["photos"][k] = sk.adjusted_rand_score(photo_set.true_labels, found)
    found = clustering.cluster(network_vectors, "l2+ward", k)
    ari["stamps"][k] = sk.adjusted_rand_score(true_labels, found)
print(pd.DataFrame(ari).T.round(2).to_string())
parts = pd.crosstab(ward[6], ward[7])
halved = ward[6] == (parts > 0).sum(axis=1).idxmax()  # the cluster that is split
pd.crosstab(names[halved], ward[7][halved], rownames=["6 to 7"], colnames=["cluster"])

# %% [markdown]
# From 6 to 7 clusters Ward splits one that holds mammals only: pairs rightly together
# come apart, and no wrong pair does, so the score falls. On the stamps ARI is usually
# highest below 7 clusters. <!-- claim 02.dip-stamps --> On the photos, 250 photographs
# of ten kinds of objects, it is highest at the true number, ten.
# <!-- claim 02.dip-photos --> A score measures agreement with *our* classes; where the
# features make other distinctions first, the true k is not the best k.
#
# ### One large class
#
# Of a hundred images, 90 are birds. One answer puts all of them in one cluster. Another
# finds the coins and the fruit, and splits the birds in two.

# %%
unequal = np.repeat(["bird", "coin", "fruit"], [90, 5, 5])
answers = {
    "all in one": np.zeros(100, dtype=int),
    "coins and fruit found": np.repeat([0, 1, 2, 3], [45, 45, 5, 5]),
}
table = {title: six_scores(unequal, labels) for title, labels in answers.items()}
pd.DataFrame(table).T.rename(columns=titles).round(2)

# %% [markdown]
# Purity, Fowlkes-Mallows and accuracy give .90 for having done nothing, and the last two
# even prefer it. ARI and AMI give 0. <!-- claim 02.imbalance --> When classes are of
# unequal size, look at the share of the largest class before you look at any score.
#
# ## 4 · Repairs, and what to report
#
# ### ARI and AMI: subtract chance
#
# The **adjusted Rand index** counts pairs, like Fowlkes-Mallows, and subtracts what
# chance gives. With $S$ pairs together in both, $A$ pairs in clusters, $B$ in classes and
# $N$ in all, shuffling gives on average $E = A \cdot B / N$ pairs together in both. Two
# equal partitions have $S = A = B$, so $M = (A + B) / 2$ serves as the maximum:
#
# $$\text{ARI} = \frac{S - E}{M - E}$$
#
# The twelve stamps have $S = 8$, $A = 16$, $B = 18$ and $N = 66$, so $E = 4.36$, $M = 17$
# and ARI $= 3.64 / 12.64 = .29$. **AMI**, the adjusted mutual information, subtracts
# chance from NMI's numerator and denominator (Vinh et al. 2010). Chance scores 0,
# perfection 1, and worse than chance is negative. Romano et al. (2016) recommend ARI for
# large classes of equal size and AMI for unequal ones.
#
# ### Accuracy, after matching
#
# Accuracy makes sense once each cluster has been matched to a class, one to one. Of all
# such matchings, the **Hungarian method** finds the one with the most right images.

# %%
rows, columns = linear_sum_assignment(network_table, maximize=True)
matched_accuracy = network_table[rows, columns].sum() / network_table.sum()
print(f"accuracy: {equal_numbers:.3f} before matching, {matched_accuracy:.3f} after")
print(f"purity:   {three_scores['purity'](true_labels, by_network):.3f}")
pd.DataFrame(network_table[:, columns], class_names, columns)

# %% [markdown]
# The columns are in the order of the matching: the diagonal counts as right. Only one of
# the two mammal clusters can be "the mammals"; the other is left for the vegetables, of
# which it holds none, so all its images count as wrong. Purity calls both clusters
# mammals, and is higher.
#
# ### All six, beside chance

# %%
summary = {}
for name, found in clusterings.items():
    mixed = [six_scores(generator.permutation(true_labels), found) for _ in range(20)]
    table = pd.DataFrame({"score": six_scores(true_labels, found)})
    table["chance"] = pd.DataFrame(mixed).mean()
    table["gained"] = (table["score"] - table["chance"]) / (1 - table["chance"])
    summary[name] = table.rename(index=titles)
pd.concat(summary, axis=1).round(2)

# %% [markdown]
# *Gained* is that share again. The two chance levels of Fowlkes-Mallows are very
# different, as they depend on the cluster sizes; for ARI and AMI you need neither
# column.
#
# ### How sure is a score?
#
# For different images it would be different. The **bootstrap** imitates that: draw 193 of
# the 193 images *with replacement*, so that some are drawn twice and others not at all,
# score again, and repeat.

# %%
spread = {}
for name, found in clusterings.items():
    draws = [generator.integers(0, len(names), len(names)) for _ in range(300)]
    # Copies of an image are together in both, which raises the mean: use the spread
    tries = [three_scores["NMI"](true_labels[i], found[i]) for i in draws]
    runs = [clustering.cluster(vectors[name], "l2+kmeans", 7, s) for s in range(10)]
    of_seeds = [three_scores["NMI"](true_labels, run) for run in runs]
    spread[name] = np.mean(of_seeds), np.std(of_seeds), np.std(tries)
columns = ["NMI, mean of 10 seeds", "± over seeds", "± over images"]
pd.DataFrame(spread, columns).T.round(3)

# %% [markdown]
# The images alone make the NMI uncertain by about ± .02 to .03.
# <!-- claim 02.bootstrap --> More seeds do not reduce that; more images do. To compare
# two methods, resample the *difference* of their scores on the same images.
#
# | score | the question it answers | fooled by | report it |
# |---|---|---|---|
# | purity | is each cluster of one class? | many clusters, one large class | with k and chance |
# | NMI (= V-measure) | what does the cluster tell you about the class? | many small clusters | with chance and normaliser |
# | Fowlkes-Mallows | are the right pairs together? | few, huge clusters | with chance |
# | accuracy | how many are right after matching? | one large class | when k is the number of classes |
# | ARI, AMI | the same as Fowlkes-Mallows and NMI, beyond chance | none of these | when k or the cluster sizes differ |
#
# The course's figures show the first three, as in Guérin's tutorial, with their chance
# levels; its tables add ARI and accuracy. Never use a score to do the clustering: it
# needs the true labels. <!-- no claim: a rule -->
#
# ## Exercises
#
# ### Exercise 2.5 · Adjusted Rand index (hard)
#
# Write ARI from the formula in section 4. The twelve stamps must give .29.

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
# Find two clusterings of the twelve dots, ●●●●■■■■▲▲▲▲, **with the same number of
# clusters**, so that purity prefers A and Fowlkes-Mallows prefers B. Sketch brackets on
# paper before you code; `in_boxes(…)` shows your clusters, `six_scores(dots, …)` their
# scores. There are many answers. Which of the two would you prefer, and for what?

# %%
# BEGIN SOLUTION: clustering_a = clustering_b = None  # twelve labels each
clustering_a = [0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 2]
clustering_b = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3]
# END SOLUTION

checks.ex02_6(clustering_a, clustering_b)

# %% tags=["solution"]
both = {"A": clustering_a, "B": clustering_b}
print(*[f"{name}  {in_boxes(labels)}" for name, labels in both.items()], sep="\n")
pd.DataFrame({name: six_scores(dots, labels) for name, labels in both.items()}).round(3)

# %% [markdown] tags=["solution"]
# A splits the circles and swaps one square with one triangle; ten of the twelve dots are
# in the majority. B keeps circles and squares whole in one big cluster and splits the
# triangles. Purity names that cluster after one class and loses the other four dots;
# Fowlkes-Mallows counts all the pairs that it keeps. To name each cluster, A is better; to
# find images like a given one without missing any, B may be.

# %%
checks.summary()

# %% [markdown]
# ## In this notebook we …
#
# - counted classes and clusters in a contingency table, as cluster numbers mean nothing;
# - built purity from majorities, NMI from entropies and Fowlkes-Mallows from pairs;
# - fooled purity with singletons, Fowlkes-Mallows with one huge cluster and accuracy with
#   one large class, and compared each score with its chance level;
# - found that the true number of classes need not be the best k;
# - subtracted chance (ARI, AMI), matched clusters to classes (accuracy), and estimated
#   how sure a score is.
#
# ## Recall
#
# 1. A clustering has accuracy 0 and ARI 1. How can that be?
#
# <details><summary>Answer</summary>The partition is perfect, but no cluster has the
# number of its class, and nobody matched them first. After matching, accuracy is
# 1.</details>
#
# 2. A classmate reports purity .97, higher than everyone else's. What do you ask?
#
# <details><summary>Answer</summary>How many clusters for how many images? Purity does not
# fall when clusters are split. How large is the largest class? What is the chance level?
# And in which order were the arguments?</details>
#
# 3. Two papers report NMI .712 and .705. Name two reasons why the difference may mean
# nothing.
#
# <details><summary>Answer</summary>A few hundred images leave an uncertainty of about
# ± .02, and seeds add theirs. The papers may also use different normalisers or different
# numbers of clusters.</details>
#
# ## References
#
# - E. B. Fowlkes, C. L. Mallows, *A method for comparing two hierarchical clusterings*,
#   Journal of the American Statistical Association 78, 1983.
# - L. Hubert, P. Arabie, *Comparing partitions*, Journal of Classification 2, 1985.
# - H. W. Kuhn, *The Hungarian method for the assignment problem*, Naval Research
#   Logistics Quarterly 2, 1955.
# - A. Rosenberg, J. Hirschberg, *V-measure: a conditional entropy-based external cluster
#   evaluation measure*, EMNLP-CoNLL 2007.
# - N. X. Vinh, J. Epps, J. Bailey, *Information theoretic measures for clusterings
#   comparison*, Journal of Machine Learning Research 11, 2010 (AMI, normalisers).
# - S. Romano, N. X. Vinh, J. Bailey, K. Verspoor, *Adjusting for chance clustering
#   comparison measures*, Journal of Machine Learning Research 17, 2016.
# - B. Efron, R. J. Tibshirani, *An Introduction to the Bootstrap*, Chapman & Hall, 1993.
# - J. Guérin, *Tutorial on Image Clustering*, 2019 (slides and notebooks).
#
# ## Next
#
# `03_raw_pixels`: what an image is to a computer, and how far its bare pixels get you.
