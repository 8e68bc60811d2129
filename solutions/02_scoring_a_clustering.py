# %% [markdown]
# # 2 · Scoring a clustering
#
# k-means gives each of 193 images a number from 0 to 6. Is that a good answer? Nobody
# told the algorithm which number means "bird", so you cannot mark it like a test. Here you
# build scores that work all the same, and find out how each one can be fooled.
#
# **You will be able to**
#
# - read a contingency table, and explain why accuracy needs a matching first,
# - implement purity, NMI, Fowlkes-Mallows and ARI from their formulas,
# - say what each score rewards and how it is fooled,
# - compare a score with its chance level, and say how sure you are of it.
#
# **You need** loops, functions and NumPy arrays; what k-means does (lesson 1).
# Logarithms are explained where they come up.
#
# **Reading** 35 minutes, the exercises as long again · **run time** 30 s on a CPU, the
# same on a GPU, which this lesson does not use.

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
# features of a network trained on other images. Lessons 4 and 5 explain both; here they
# supply one poor and one good clustering.

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
# Every eighth image: its class number, and below it its cluster numbers. They are
# unrelated: a class number is a position in an alphabetical list of names, a cluster
# number only says in which order k-means keeps its centres.
#
# **Predict first.** The network's clusters are nearly right, as you will see shortly.
# What share of the images has a cluster number equal to its class number? Does it change
# if k-means starts from other random centres (another seed)?

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
# Renumber the clusters, and even a perfect grouping can score 0. Accuracy scores the
# names; we want to score the **partition**, that is, which images are together.
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
# Read a *column* to learn what a cluster holds, a *row* to learn where a class went. An
# empty cell is 0. By colour, nearly three quarters of the images are in one column. By
# network, coins, birds and road signs have one column each, nearly to themselves; the
# mammals are split over two columns; the vegetables have no column of their own and are
# mostly with flowers and fruit. Which images are behind a number? Click a cell.

# %%
widgets.ContingencyExplorer(image_set, by_network)

# %% [markdown]
# In this table clusters are rows, the biggest first. *Edit the counts* lets you change
# any of them while five scores follow. Come back to it after each section, and try to make
# two scores disagree.
#
# ## 2 · Three scores
#
# A small example that can be counted by hand: twelve stamps of three classes, and a
# clustering that we invented.

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
# One row per cluster, with its size and its most frequent class; a cross marks an image of
# another class. Below, the same as a table.
#
# ### Purity: name each cluster after its majority, count the right names
#
# With $n_{ij}$ the number of images of class $i$ in cluster $j$, and $n$ images in all:
#
# $$\text{purity} = \frac{1}{n} \sum_j \max_i n_{ij}$$
#
# In words: take the largest number of each column, add them up, divide by $n$. For the
# twelve stamps, $(3 + 2 + 3 + 1) / 12 = 0.75$.
#
# ### Exercise 2.1 · Purity (easy)
#
# Write it from the formula, for labels that are numbers or words; the contingency table
# does most of the work.

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
# First, **entropy**: how many yes-or-no questions does it take on average to find out to
# which group an image belongs? For groups with the shares $p_1, p_2, \dots$ of the images:
#
# $$H = -\sum_i p_i \log_2 p_i \qquad \text{with } 0 \cdot \log_2 0 = 0$$
#
# $\log_2$ asks to which power 2 must be raised: $\log_2 \tfrac14 = -2$, as
# $2^{-2} = \tfrac14$. So four equal groups have $H = -4 \cdot \tfrac14 \cdot (-2) = 2$
# **bits**. Sizes of 8, 2, 1 and 1 have $H = 1.42$: the first guess is more often
# right.
#
# ### Exercise 2.2 · Entropy in bits (easy)
#
# `counts` holds the number of images in each group, some of them perhaps 0; it may also
# be a whole contingency table, whose cells are then the groups. Return the entropy in
# bits. Watch out for zeros: `np.log2(0)` is minus infinity, and 0 times infinity is
# `nan`.

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
# Next, **mutual information**. To ask for the class alone you need $H(\text{class})$
# questions; for the cluster alone, $H(\text{cluster})$; for both at once
# $H(\text{both})$, the entropy of the table's cells. That is less than the sum if one
# tells you something about the other. What you save is
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
# The upper bar is the entropy of the classes, the lower one that of the clusters; the
# hatched part, where they overlap, is the mutual information. Classes and the network's
# clusters share most of their length. The colour clusters share little, and have little
# to share: one huge cluster makes their bar short.
#
# Last, **normalise**. Bits depend on how many groups there are; a share between 0 and 1
# does not. NMI divides by the mean of the two entropies:
#
# $$\text{NMI} = \frac{I}{\tfrac12 \left(H(\text{class}) + H(\text{cluster})\right)}$$
#
# The two entropies can also be used one at a time. **Homogeneity**, $I / H(\text{class})$,
# is 1 if each cluster holds one class; **completeness**, $I / H(\text{cluster})$, is 1 if
# each class is in one cluster. Their harmonic mean, the **V-measure**, is this same NMI.
# Older papers and versions of scikit-learn divide by other means, so name yours.
#
# ### Exercise 2.3 · NMI (medium)
#
# Use your `entropy` three times; what are the groups each time? Any base of the logarithm
# gives the same NMI, as long as it is the same everywhere.

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
# once, and no image paired with itself. Each pair is together or apart in the classes,
# and together or apart in the clusters.

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
# Every mark is one pair. Green circles are pairs rightly together; orange crosses are
# wrongly together; blue squares are pairs wrongly split; grey dots are rightly apart.
#
# Two shares follow. **Precision**: of the pairs in one cluster (green and orange), how
# many are green? Here 8 of 16. **Recall**: of the pairs in one class (green and blue),
# how many are green? Here 8 of 18. The Fowlkes-Mallows index is their geometric mean,
# here $\sqrt{8/16 \cdot 8/18} = 0.47$:
#
# $$\text{FM} = \sqrt{\text{precision} \cdot \text{recall}}
#    = \sqrt{\frac{S}{\text{pairs in clusters}} \cdot \frac{S}{\text{pairs in classes}}},
#    \qquad S = \text{pairs together in both}$$
#
# ### Exercise 2.4 · Fowlkes-Mallows (medium)
#
# Looping over all pairs works, but 10,000 images make 50 million. The contingency table
# is enough: a group of $m$ images holds $m (m - 1) / 2$ pairs, the cells are the groups
# that share class *and* cluster, and the sums of rows and columns are the classes and the
# clusters. If no pair is together in both, return 0.0.

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
# Here are your functions beside scikit-learn's, which has no purity (NaN). From now on the
# lesson scores with yours; where an exercise is still open it borrows the course's. A
# fourth row calls purity with its arguments swapped.

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
# **A trap.** Purity is not symmetric: with its arguments swapped it asks how well a *class*
# stays in one cluster. For the colour clusters that is a far higher number, as most
# classes are in the one huge cluster, <!-- claim 02.swapped -->
# and there is no error. The tutorial that this course follows defined
# `purity(clusters, labels)` and called `purity(labels, clusters)`; so the functions of
# `course_utils.metrics` insist on names, `purity(labels_true=…, labels_pred=…)`.
#
# All three scores are higher for the network's clusters. But are .41, .30 and .39 for the
# colour clusters bad, or not so bad? We cannot say before we know what a clustering with
# *no knowledge at all* would score.
#
# ## 3 · How a score is fooled
#
# Six clusterings of twelve dots. A dot's shape is its class; a bracket is a cluster.

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
# Fowlkes-Mallows. *Mixed up* knows nothing, and still has a purity of .50. *All in one*
# has an NMI of 0 but a Fowlkes-Mallows index of .52: no pair of a class is split, so
# recall is 1. *Each on its own* (clusters of one image are called **singletons**) has
# purity 1 and an NMI of .61, although nothing is grouped.
#
# **Predict first.** All 193 stamps in one single cluster: what will the Fowlkes-Mallows
# index be? The colour clusters have .39.

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
# So a score needs a mark beside it: what would the same clusters get if they knew
# nothing? Keep the cluster sizes, hand out the labels to the images at random, score,
# and repeat. Shuffling the labels does just that.

# %%
generator = np.random.default_rng(0)
shuffled = [generator.permutation(by_colour) for _ in range(200)]
for title, score in three_scores.items():
    by_chance = [score(true_labels, labels) for labels in shuffled]
    reached = score(true_labels, by_colour)
    level, highest = np.mean(by_chance), max(by_chance)
    print(f"{title:16} {reached:.3f}, shuffled {level:.3f}, at most {highest:.3f}")

# %% [markdown]
# The **chance level** is the mean over the shuffles. No shuffle comes near the real
# clusters, so colour does beat chance. <!-- no claim: printed above --> But chance is not
# 0, and it differs from score to score. `metrics.chance_scores` does the shuffling for
# you.
#
# ### Many clusters, few clusters
#
# Let the number of clusters grow from one to 193 singletons. Ward's method joins clusters
# two by two, so when k grows by one, exactly one cluster is split and the others stay.

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
panels[0, 0].legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 0.28))
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
# <!-- claim 02.chance --> So a score without its k and its chance level says little. Nor is
# the gap between the lines comparable: where chance is .8, only .2 is left to gain. The
# share of it that was gained is: $(\text{score} - \text{chance}) / (1 - \text{chance})$.
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
# From 6 to 7 clusters Ward splits the mammals, and the score falls as one class is split
# while others still share a cluster. On the stamps ARI is usually highest below 7 clusters. <!-- claim 02.dip-stamps -->
# On the photos, 250 photographs of ten objects, it is highest at ten, their true number.
# <!-- claim 02.dip-photos --> A score measures agreement with *our* classes. Where the
# features make other distinctions first, the true k is not the best k.
#
# ### One large class
#
# A hundred images, 90 of them birds. One answer puts all in one cluster. Another finds
# the coins and the fruit, and splits the birds in two.

# %%
unequal = np.repeat(["bird", "coin", "fruit"], [90, 5, 5])
answers = {
    "all in one": np.zeros(100, dtype=int),
    "coins and fruit found": np.repeat([0, 1, 2, 3], [45, 45, 5, 5]),
}
table = {title: six_scores(unequal, labels) for title, labels in answers.items()}
pd.DataFrame(table).T.rename(columns=titles).round(2)

# %% [markdown]
# Purity and accuracy give .90 for having done nothing, and accuracy even prefers it. ARI
# and AMI give 0. <!-- claim 02.imbalance --> When classes are of unequal size, look at
# the share of the largest class before you look at any score.
#
# ## 4 · Repairs, and what to report
#
# ### ARI and AMI: subtract chance
#
# The **adjusted Rand index** counts pairs, like Fowlkes-Mallows, and subtracts what
# chance gives. With $S$ pairs together in both, $A$ pairs in clusters, $B$ in classes and
# $N$ in all, shuffling gives on average $E = A \cdot B / N$ pairs together in both. Two
# equal partitions have $S = A = B$, so the mean $M = (A + B) / 2$ stands for the highest
# count:
#
# $$\text{ARI} = \frac{S - E}{M - E}$$
#
# The twelve stamps have $S = 8$, $A = 16$, $B = 18$ and $N = 66$, so $E = 4.36$, $M = 17$
# and ARI $= 3.64 / 12.64 = .29$. **AMI**, the adjusted mutual information, does the same
# to NMI's numerator and denominator (Vinh et al. 2010). Chance scores 0, perfection 1,
# and worse than chance is negative. Romano et al. (2016) recommend ARI for classes of
# equal size and AMI for unequal ones.
#
# ### Accuracy, after matching
#
# Accuracy makes sense once each cluster has been given a class. The **Hungarian method**
# gives each class at most one cluster and each cluster at most one class, and of all such
# matchings finds the one with the most right images.

# %%
rows, columns = linear_sum_assignment(network_table, maximize=True)
matched_accuracy = network_table[rows, columns].sum() / network_table.sum()
print(f"accuracy: {equal_numbers:.3f} before matching, {matched_accuracy:.3f} after")
print(f"purity:   {three_scores['purity'](true_labels, by_network):.3f}")
pd.DataFrame(network_table[:, columns], class_names, columns)

# %% [markdown]
# The columns in the order of the matching: what is on the diagonal counts as right. Only
# one of the two mammal clusters can be "the mammals"; the other is left to the
# vegetables, of which it holds none, and all its images count as wrong. Purity calls both
# clusters mammals, and is higher.
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
# *Gained* is the share of what is left above chance. Fowlkes-Mallows has two very
# different chance levels, as they depend on the cluster sizes; ARI and AMI can be read
# without the column.
#
# ### How sure is a score?
#
# It would be different for other images. The **bootstrap** imitates that: draw 193 of the
# 193 images *with replacement*, so that some come twice and others not at all, score
# again, and repeat.

# %%
spread = {}
for name, found in clusterings.items():
    draws = [generator.integers(0, len(names), len(names)) for _ in range(300)]
    tries = [three_scores["NMI"](true_labels[i], found[i]) for i in draws]
    runs = [clustering.cluster(vectors[name], "l2+kmeans", 7, s) for s in range(10)]
    of_seeds = [three_scores["NMI"](true_labels, run) for run in runs]
    spread[name] = np.mean(of_seeds), np.std(of_seeds), np.std(tries)
columns = ["NMI, mean of 10 seeds", "± over seeds", "± over images"]
pd.DataFrame(spread, columns).T.round(3)

# %% [markdown]
# The images alone make the NMI uncertain by about ± .02 to .03. <!-- claim 02.bootstrap -->
# More seeds do not reduce that; more images do. (Two copies of one image are always
# together, so these scores are a little too high on average; we use their spread alone.)
# To compare two methods, resample the *difference* of their scores on the same images.
#
# | score | the question it answers | fooled by | report it |
# |---|---|---|---|
# | purity | is each cluster of one class? | many clusters, one large class | with k and chance |
# | NMI (= V-measure) | what does the cluster tell about the class? | many small clusters | with its normaliser |
# | Fowlkes-Mallows | are the right pairs together? | few, huge clusters | with chance |
# | accuracy | how many are right after the best matching? | one large class; harsh on splits | when k is the number of classes |
# | ARI, AMI | are pairs together, is information shared, beyond chance? | none of these | whenever k or the cluster sizes differ |
#
# Tables of this course hold purity, NMI, Fowlkes-Mallows, ARI and accuracy; its figures
# show the first three, those of Guérin's tutorial, each with its chance level. Never use
# any of these scores to do the clustering: they need the true labels. <!-- no claim: a rule -->
#
# ## Exercises
#
# Exercises 2.1 to 2.4 are above. Two more:
#
# ### Exercise 2.5 · Adjusted Rand index (hard)
#
# Write ARI from the formula of section 4. The twelve stamps must give .29.

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
# clusters**, so that purity prefers A and Fowlkes-Mallows prefers B. Sketch brackets
# around dots on paper before you code; `in_boxes(…)` shows your clusters, and
# `six_scores(dots, …)` gives all scores. Many pairs are right. Which of the two would you
# prefer, and for what use?

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
# in the majority. B leaves circles and squares whole in one big cluster and splits the
# triangles. Purity names that cluster after one class and loses the other four dots;
# Fowlkes-Mallows counts all the pairs that it keeps. The other scores are divided too. To
# put a name on each cluster, A is the better one; to find images like a given one without
# missing any, B may be.

# %%
checks.summary()

# %% [markdown]
# ## In this notebook we …
#
# - saw that cluster numbers carry no meaning, and put everything that does into a
#   contingency table;
# - built purity from majorities, NMI from entropies and Fowlkes-Mallows from pairs, and
#   got the numbers of scikit-learn;
# - fooled purity with singletons, Fowlkes-Mallows with one huge cluster, and accuracy
#   with one large class, and compared each score with its chance level;
# - found that the true number of classes need not be the best k;
# - subtracted chance (ARI, AMI), matched clusters to classes (accuracy), and estimated
#   how sure a score is.
#
# ## Recall
#
# 1. A clustering has accuracy 0 and ARI 1. How can that be?
#
# <details><summary>Answer</summary>The partition is perfect, but no cluster has the
# number of its class, and accuracy was computed without matching them first. After the
# Hungarian matching it is 1.</details>
#
# 2. A classmate reports purity .97, higher than everyone else's. What do you ask?
#
# <details><summary>Answer</summary>How many clusters are there for how many images, and
# how large is the largest class? Purity does not fall when clusters are split and is 1
# for singletons. What does the same clustering score when it is shuffled? And in which
# order were the arguments?</details>
#
# 3. Two papers report NMI .712 and .705. Name two reasons why the difference may mean
# nothing.
#
# <details><summary>Answer</summary>A few hundred images alone leave an uncertainty of
# ± .02 or more, and so do seeds. And they may use different normalisers or different
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
