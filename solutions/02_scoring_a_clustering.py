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
# **Reading** 40 minutes, the exercises as much again · **run time** 30 s on a CPU, about
# the same on a GPU.

# %% tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from scipy.optimize import linear_sum_assignment
from scipy.stats import entropy as scipy_entropy
from sklearn import metrics as sklearn_metrics

from course_utils import checks, clustering, datasets, features, metrics, plots

# %% [markdown]
# ## 1 · A cluster has a number, not a name
#
# The stamps are 193 pictures of seven classes. We cluster them twice with k-means: by
# `colour`, a histogram of each picture's colours, and by `EfficientNetLite0`, the inside
# of a network trained on other pictures. Later lessons explain both; here they only
# supply one poor and one good clustering.

# %%
image_set = datasets.load("stamps", progress=False)
true_labels, class_names = image_set.true_labels, image_set.class_names
vectors, clusterings = {}, {}
for name in ("colour", "EfficientNetLite0"):
    vectors[name] = features.extract(image_set, name, progress=False)
    clusterings[name] = clustering.cluster(vectors[name], "l2+kmeans", k=7, seed=0)

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
    purity_of_it = metrics.purity(true_labels=true_labels, cluster_labels=found)
    print(f"seed {seed}: equal numbers {equal:.3f}, purity {purity_of_it:.3f}")

perfect = (true_labels + 1) % 7
print(f"the true classes, each renamed: {np.mean(perfect == true_labels):.3f}")
equal_numbers = float(np.mean(by_network == true_labels))
notebook.reveal(prediction, equal_numbers, "the share of equal numbers (seed 0)")

# %% [markdown]
# The share of equal numbers jumps about from seed to seed, while purity, which you will
# build in a moment, hardly moves. The last line settles it: a perfect grouping under other
# numbers gets 0. **Plain accuracy scores the names; we want to score the partition**,
# that is, which pictures are together.
#
# ### The contingency table
#
# All that can be said without names stands in one table: a row for each class, a column
# for each cluster, and in the cell how many pictures lie in both. Renaming the clusters
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
    true_labels=true_labels, cluster_labels=by_network
)
print("same as course_utils:", np.array_equal(network_table, library_table))

# %% [markdown]
# `np.unique` lists the different labels in sorted order, so the function takes numbers,
# words, or the −1 that some algorithms give to pictures they leave over. First the table
# drawn with what it counts:

# %%
figure, panel = plt.subplots(figsize=(7.4, 6), layout="constrained")
for row, column in np.argwhere(network_table):
    members = (true_labels == row) & (by_network == column)
    picture = image_set.picture(np.flatnonzero(members)[0], 96)
    extent = (column - 0.47, column + 0.11, row + 0.29, row - 0.29)
    panel.imshow(picture, extent=extent)
    panel.text(column + 0.15, row, members.sum(), va="center", fontsize=12)
panel.set(xlim=(-0.5, 6.5), ylim=(6.5, -0.5), xlabel="cluster", ylabel="class")
panel.set_yticks(range(7), class_names)
panel.set_xticks(np.arange(8) - 0.5, minor=True)
panel.set_yticks(np.arange(8) - 0.5, minor=True)
panel.grid(which="minor", color="#cccccc")
panel.tick_params(which="both", length=0)
plt.show()

# %% [markdown]
# Each filled cell shows one of its pictures and how many there are. Read a *column* to
# learn what a cluster holds, a *row* to learn where a class went. By network, coins,
# birds and road signs lie nearly alone in one column each; the mammals are split over two
# columns; the vegetables have no column of their own and lie with flowers and fruit.

# %%
def draw_table(panel, table, title, cluster_numbers=range(7)):
    """A contingency table of the stamps as a heat map; empty cells stay empty."""
    sns.heatmap(
        table, annot=np.where(table == 0, "", table), fmt="", cmap="Blues", vmax=44,
        cbar=False, linewidths=1, linecolor="#dddddd", ax=panel,
        xticklabels=cluster_numbers, yticklabels=class_names,
    )
    panel.set(title=title, xlabel="cluster", ylabel="class")
    panel.label_outer()


figure, panels = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
for panel, (name, found) in zip(panels, clusterings.items(), strict=True):
    draw_table(panel, contingency_table(true_labels, found), name)
plt.show()

# %% [markdown]
# The same kind of table as a heat map, darker for more pictures. By colour (left) about three
# quarters of the pictures crowd into one column, the fullest one of every class but the coins:
# by their colours, most stamps are something on a lot of white. By network (right) most rows
# and columns have one dark cell. A score has to turn this sight into a number, and there
# is more than one way.

# %% [markdown]
# ## 2 · Three scores, each answering its own question
#
# A small example that can be counted by hand: twelve stamps of three classes, and a
# clustering that we made up.

# %%
names = np.array(image_set.true_names)
three = ("birds", "coins", "fruit")
chosen = [np.flatnonzero(names == name)[2::5][:4] for name in three]
chosen = np.concatenate(chosen)
small_true = names[chosen]
small_clusters = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 3])
figure = plots.gallery(
    image_set.subset(chosen),
    small_clusters,
    vectors["EfficientNetLite0"][chosen],
    n_pictures=5,
    title="twelve stamps in four clusters",
)
plt.show()

# %% [markdown]
# One row a cluster, the biggest first. To the left stand its size and its commonest class; a
# cross marks a picture of another class.
#
# ### Purity: name each cluster after its majority, count the right names
#
# With $n_{ij}$ the number of pictures of class $i$ in cluster $j$, and $n$ pictures in all:
#
# $$\text{purity} = \frac{1}{n} \sum_j \max_i n_{ij}$$
#
# For the twelve stamps: the pictures without a cross, divided by 12.
#
# ### Exercise 2.1 · Purity (easy)
#
# Write it from the formula; the contingency table does most of the work. Labels may be
# numbers or words. Below the check, try it on `small_true, small_clusters` and count the
# crosses above.

# %%
def purity(true_labels, cluster_labels):
    """Share of pictures that belong to the commonest class of their cluster."""
    # BEGIN SOLUTION: return None
    table = contingency_table(true_labels, cluster_labels)
    return table.max(axis=0).sum() / table.sum()
    # END SOLUTION


checks.ex02_1(purity)

# %% [markdown]
# **A trap.** Purity is not symmetric: swap its two arguments, and it asks how well a *class*
# stays in one cluster. The tutorial that this course follows (Guérin, 2019) defined
# `purity(clusters, labels)` and then called `purity(labels, clusters)`. That runs without an
# error. How much can it matter?

# %%
for name, found in clusterings.items():
    right = metrics.purity(true_labels=true_labels, cluster_labels=found)
    swapped = metrics.purity(true_labels=found, cluster_labels=true_labels)
    print(f"{name:18} purity {right:.3f}   arguments swapped {swapped:.3f}")

# %% [markdown]
# For the colour clusters, the swapped call nearly doubles the score: one cluster holds
# most pictures, so most classes "stay together" in it. That is why the functions of
# `course_utils.metrics` insist on names, `purity(true_labels=…, cluster_labels=…)`.
#
# ### NMI: how much does the cluster tell you about the class?
#
# First, **entropy**. How many yes-or-no questions does it take on average to find out to
# which group a picture belongs? Two equal groups: one question, 1 bit. Four equal groups: two
# questions, 2 bits. A single group: none. For groups with the shares $p_1, p_2, \dots$ of
# the pictures:
#
# $$H = -\sum_i p_i \log_2 p_i \qquad \text{with } 0 \cdot \log 0 = 0$$

# %%
four_groups = {
    "one group": [12, 0, 0, 0],
    "two, equal": [6, 6, 0, 0],
    "four, unequal": [8, 2, 1, 1],
    "four, equal": [3, 3, 3, 3],
}
figure, panels = plt.subplots(1, 4, figsize=(9, 2.4), sharey=True, layout="constrained")
for panel, (title, sizes) in zip(panels, four_groups.items(), strict=True):
    panel.bar(list("ABCD"), sizes, color="#56B4E9", edgecolor="#0072B2")
    panel.set_title(f"{title}\n{abs(scipy_entropy(sizes, base=2)):.2f} bits")
    panel.set_xlabel("group")
panels[0].set_ylabel("pictures")
plt.show()

# %% [markdown]
# Twelve pictures in up to four groups. Entropy is 0 when all are in one group and grows to 2 bits
# when the four groups are equal; unequal groups lie between, because a good first guess
# often hits.
#
# ### Exercise 2.2 · Entropy (easy)
#
# `counts` holds the pictures in each group, some of them perhaps 0; it may also be a whole
# contingency table, whose cells are then the groups. Return the entropy in bits. Mind the
# zeros: `np.log2(0)` is minus infinity, and 0 times infinity is `nan`.

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
# Next, **mutual information**. Ask for the class alone and you need $H(\text{class})$ bits;
# for the cluster alone, $H(\text{cluster})$. For both at once you need $H(\text{both})$, the
# entropy of the table's cells, and that is less than the sum if one tells you something about
# the other. What you save is
#
# $$I = H(\text{class}) + H(\text{cluster}) - H(\text{both})
#     = \sum_{ij} p_{ij} \log_2 \frac{p_{ij}}{p_i \, q_j}$$
#
# where $p_{ij}$ is the share of a cell, $p_i$ of its row and $q_j$ of its column. Both forms
# give the same number; the first needs nothing but `entropy`. Drawn as lengths:

# %%
figure, panels = plt.subplots(1, 2, figsize=(10, 2.2), layout="constrained")
for panel, (name, found) in zip(panels, clusterings.items(), strict=True):
    table = contingency_table(true_labels, found)
    h_class = scipy_entropy(table.sum(axis=1), base=2)
    h_cluster = scipy_entropy(table.sum(axis=0), base=2)
    shared = h_class + h_cluster - scipy_entropy(table, base=2, axis=None)
    panel.barh(1, h_class, color="#56B4E9", height=0.9)
    panel.barh(0, h_cluster, left=h_class - shared, color="#E69F00", height=0.9)
    panel.axvspan(h_class - shared, h_class, fill=False, ec="black", hatch="//")
    panel.set(title=f"{name}: {shared:.2f} bits shared", xlabel="bits", xlim=(0, 4))
    panel.set_yticks([0, 1], [f"cluster {h_cluster:.2f}", f"class {h_class:.2f}"])
plt.show()

# %% [markdown]
# The upper bar is the entropy of the classes, the lower of the clusters, and the hatched stretch,
# where they overlap, is the mutual information. Classes and the network's clusters share most of
# their length. The colour clusters share little, and have little to share: one big cluster makes
# their bar short.
#
# Last, **normalise**. Bits depend on how many groups there are; a share between 0 and 1 does not.
# Divide by the mean of the two entropies:
#
# $$\text{NMI} = \frac{I}{\tfrac12 \left(H(\text{class}) + H(\text{cluster})\right)}$$
#
# The base of the logarithm cancels, as long as it is the same above and below the line.
#
# ### Exercise 2.3 · NMI (medium)
#
# Use your `entropy` three times. NMI is symmetric, so here swapped arguments do no harm.

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
# Forget groups and look at *pairs* of pictures. Twelve stamps make 12 · 11 / 2 = 66 pairs,
# each counted once, and no picture paired with itself. Each pair is together or apart in
# the classes, and together or apart in the clusters.

# %%
same_class = small_true[:, None] == small_true
same_cluster = small_clusters[:, None] == small_clusters
below = np.tril(np.ones((12, 12), dtype=bool), k=-1)
kinds = {
    "together in both": (same_class & same_cluster, "#009E73", "o"),
    "only in a cluster": (~same_class & same_cluster, "#D55E00", "X"),
    "only in a class": (same_class & ~same_cluster, "#0072B2", "s"),
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
plt.show()

# %% [markdown]
# Every mark is one pair, labelled with class and cluster of its two pictures. Green circles are pairs that
# belong together and are; orange crosses are wrongly together; blue squares are wrongly torn
# apart; grey dots are rightly apart. Only half of the square is filled, since (i, j) and (j, i)
# are the same pair, and the diagonal is empty.
#
# Two shares follow. **Precision**: of the pairs in one cluster (green and orange), how many are
# green? **Recall**: of the pairs in one class (green and blue), how many are green? Their
# geometric mean is the Fowlkes-Mallows index:
#
# $$\text{FM} = \sqrt{\text{precision} \cdot \text{recall}}
#    = \sqrt{\frac{S}{\text{pairs in clusters}} \cdot \frac{S}{\text{pairs in classes}}},
#    \qquad S = \text{pairs in both}$$
#
# ### Exercise 2.4 · Fowlkes-Mallows (medium)
#
# Looping over all pairs works, but 10,000 pictures make 50 million. The contingency table is enough:
# a group of $m$ pictures holds $m (m - 1) / 2$ pairs, the cells are the groups that share class *and*
# cluster, and the sums of rows and columns are the classes and the clusters. If no pair is together
# in both, return 0.0.

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
# Now hold your three functions against the course's and against scikit-learn's. scikit-learn has
# no purity, so `NaN` stands there; `None` under *yours* is an exercise not solved yet.

# %%
scikit_learn = {
    "nmi": sklearn_metrics.normalized_mutual_info_score,
    "fowlkes_mallows": sklearn_metrics.fowlkes_mallows_score,
}
rows = []
for name, found in clusterings.items():
    library = metrics.scores(true_labels=true_labels, cluster_labels=found)
    for yours in (purity, nmi, fowlkes_mallows):
        other = scikit_learn.get(yours.__name__, lambda true, clusters: np.nan)
        row = {"clusters by": name, "score": yours.__name__}
        row["yours"] = yours(true_labels, found)
        row["course_utils"] = library[yours.__name__]
        row["scikit-learn"] = other(true_labels, found)
        rows.append(row)
pd.DataFrame(rows).round(4)

# %% [markdown]
# All three agree that the network's clusters are better. But look at the colour clusters: .41, .30
# and .39 of a possible 1. Is that bad, or not so bad? Nobody can say yet, because we do not know
# what *no knowledge at all* would score.

# %% [markdown]
# ## 3 · What each score rewards, and how it is fooled
#
# Six clusterings of twelve dots. A dot's shape and colour is its class; the boxes are the clusters.

# %%
dot_classes = np.repeat([0, 1, 2], 4)
partitions = {
    "perfect, renamed": np.repeat([2, 0, 1], 4),
    "every class split": np.repeat([0, 1, 2, 3, 4, 5], 2),
    "two classes merged": np.repeat([0, 0, 1], 4),
    "mixed up": np.array([0, 0, 1, 2, 0, 1, 1, 2, 0, 1, 2, 2]),
    "all in one": np.zeros(12, dtype=int),
    "each on its own": np.arange(12),
}
STYLES = [("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^")]
BARS = {"purity": "#555555", "nmi": "#999999", "fowlkes_mallows": "#cccccc"}


def draw_dots(panel, cluster_labels):
    """A box for each cluster, with the dots of its pictures."""
    left, cluster_labels = 0, np.asarray(cluster_labels)
    for cluster in np.unique(cluster_labels):
        members = np.flatnonzero(cluster_labels == cluster)
        for place, member in enumerate(members):
            colour, marker = STYLES[dot_classes[member]]
            panel.plot(left + place, 0, marker, color=colour, ms=6)
        width = len(members)
        box = plt.Rectangle((left - 0.5, -0.5), width, 1, fill=False, lw=1.5)
        panel.add_patch(box)
        left += width + 0.4
    panel.set(xlim=(-0.8, left), ylim=(-0.8, 0.8))
    panel.axis("off")


# %%
figure, panels = plt.subplots(
    4, 3, figsize=(10, 5.2), height_ratios=[1, 2.2] * 2, layout="constrained"
)
places = [(2 * (i // 3), i % 3) for i in range(6)]
for (row, column), (title, labels) in zip(places, partitions.items(), strict=True):
    draw_dots(panels[row, column], labels)
    panels[row, column].set_title(title)
    scores = metrics.scores(true_labels=dot_classes, cluster_labels=labels)
    panel = panels[row + 1, column]
    for height, (score, colour) in enumerate(BARS.items()):
        panel.barh(-height, scores[score], color=colour)
        panel.text(scores[score] + 0.02, -height, f"{scores[score]:.2f}", va="center")
    panel.set(xlim=(0, 1.25), xticks=[0, 0.5, 1])
    panel.set_yticks([0, -1, -2], [plots.TITLES[score] for score in BARS])
plt.show()

# %% [markdown]
# Under each clustering its purity, NMI and Fowlkes-Mallows index.
#
# - *Splitting* every class in two costs no purity at all, a quarter of NMI, and nearly half of
#   Fowlkes-Mallows: most pairs of a class are torn apart.
# - *Merging* two classes costs a third of purity, since one of the two classes is all wrong. NMI takes it
#   about as hard as the split, and Fowlkes-Mallows takes it more lightly than the split.
# - *Mixed up* is close to no knowledge. NMI falls to .05 and Fowlkes-Mallows to .17, but purity still pays .50.
# - *All in one* cluster tells nothing about the class, so NMI is 0. Fowlkes-Mallows still pays .52: no pair of
#   a class is torn apart, so recall is 1.
# - *Each on its own* has purity 1, although nothing is grouped. NMI pays .61; Fowlkes-Mallows sees that no pair
#   is together and pays 0.
#
# **Predict first.** All 193 stamps in one single cluster: what will the Fowlkes-Mallows index
# be? The colour clusters, remember, got .39.

# %%
prediction_2 = None  # e.g. 0.1

# %%
all_in_one = np.zeros(len(image_set), dtype=int)
lazy = metrics.fowlkes_mallows(true_labels=true_labels, cluster_labels=all_in_one)
notebook.reveal(prediction_2, lazy, "Fowlkes-Mallows of one single cluster")
for name, found in clusterings.items():
    score = metrics.fowlkes_mallows(true_labels=true_labels, cluster_labels=found)
    biggest = np.bincount(found).max()
    print(f"{name:18} {score:.3f}, biggest cluster {biggest} of {len(found)} pictures")

# %% [markdown]
# Doing nothing scores as much as the colour clusters. These earn their Fowlkes-Mallows index with one huge
# cluster: it keeps all mammals together and all birds together, though in the same place.
#
# ### The chance level
#
# So a score needs a mark beside it: what would the same clusters get if they knew nothing? Keep the
# cluster sizes, deal the pictures out at random, score, and repeat. Shuffling the labels does just that.

# %%
generator = np.random.default_rng(0)
shuffled = [generator.permutation(by_colour) for _ in range(300)]
shown = {"purity": metrics.purity, "Fowlkes-Mallows": metrics.fowlkes_mallows}
figure, panels = plt.subplots(1, 2, figsize=(10, 2.8), layout="constrained")
for panel, (title, score) in zip(panels, shown.items(), strict=True):
    by_chance = [score(true_labels=true_labels, cluster_labels=s) for s in shuffled]
    reached = score(true_labels=true_labels, cluster_labels=by_colour)
    panel.hist(by_chance, bins=15, color="#bbbbbb", label="300 shuffles")
    panel.axvline(np.mean(by_chance), color="black", ls="--", label="chance level")
    panel.axvline(reached, color="#D55E00", lw=3, label="clusters by colour")
    panel.set(xlim=(0, 0.5), xlabel=title, ylabel="shuffles")
    print(f"{title}: chance level {np.mean(by_chance):.3f}, reached {reached:.3f}")
panels[1].legend(frameon=False, loc="upper left")
plt.show()

# %% [markdown]
# The grey hump is what shuffled clusters get; its mean, dashed, is the chance level; the thick
# orange line is the real clustering. Colour does beat chance: no shuffle comes near it. But chance
# is not at 0. It is at about a quarter, and it differs from score to score. From here on
# `metrics.chance_scores` does the shuffling.
#
# ### Cheating with many clusters
#
# Now let the number of clusters grow from 1 to one a picture. Ward's method builds its clusters by joining
# them two by two, so when k grows by one, exactly one cluster is split and the others stay.

# %%
ks = [1, 2, 3, 4, 5, 6, 7, 8, 10, 14, 20, 30, 45, 65, 95, 140, 193]
real_rows, chance_rows, ward = [], [], {}
for k in ks:
    ward[k] = clustering.cluster(vectors["EfficientNetLite0"], "l2+ward", k)
    both = {"true_labels": true_labels, "cluster_labels": ward[k]}
    real_rows.append(metrics.scores(**both))
    chance_rows.append(metrics.chance_scores(**both, n_shuffles=5))
real, chance = pd.DataFrame(real_rows), pd.DataFrame(chance_rows)

# %%
figure, panels = plt.subplots(2, 2, figsize=(10, 6), sharex=True, layout="constrained")
four_scores = ("purity", "nmi", "fowlkes_mallows", "ari")
for panel, score in zip(panels.flat, four_scores, strict=True):
    panel.plot(ks, real[score], "o-", color="#0072B2", label="Ward on the network")
    panel.plot(ks, chance[score], "x--", color="black", label="the same, shuffled")
    panel.axvline(7, color="#999999", ls=":")
    panel.set(title=plots.TITLES[score], xscale="log", ylim=(-0.05, 1.05))
    panel.set_xticks([1, 2, 4, 7, 20, 50, 193], [1, 2, 4, 7, 20, 50, 193])
    panel.minorticks_off()
panels[0, 0].legend(frameon=False)
for panel in panels[1]:
    panel.set_xlabel("k, number of clusters (7 classes: dotted)")
plt.show()

# %% [markdown]
# Solid: the real clusters; dashed: the same clusters shuffled.
#
# - **Purity** never falls, and ends at 1. Its chance level climbs to 1 as well: with one cluster a
#   picture, a shuffle is as pure as the truth.
# - **NMI** peaks near the true number of classes and then falls slowly. Its chance level climbs, too: with
#   one cluster a picture, more than half of the scale is given away for nothing.
# - **Fowlkes-Mallows** does the reverse: chance is highest for few clusters, and both lines end at 0.
# - **ARI**, in the last panel, is the subject of section 4: its chance level stays at 0 all the way.
#
# The distance between solid and dashed line is what the clustering knows. A score without its k and its chance
# level says little.
#
# ### The small print: which mean?
#
# Guérin's tutorial of 2019 printed an NMI of .66327 for 575 faces clustered by raw pixels. The
# same clustering scores .66321 with today's scikit-learn. (Both are published numbers, not computed here.)
# Nothing is wrong: until version 0.22, scikit-learn divided by the *geometric* mean of the entropies,
# $\sqrt{H \cdot H'}$; since then by the arithmetic mean. Try it with ours:

# %%
columns = {}
for average in ("arithmetic", "geometric", "min", "max"):
    columns[average] = [
        metrics.nmi(true_labels=true_labels, cluster_labels=found, average=average)
        for found in clusterings.values()
    ]
pd.DataFrame(columns, index=list(clusterings)).round(5)

# %%
figure, panel = plt.subplots(figsize=(8, 3.4), layout="constrained")
lines = {"min": "^:", "geometric": "s--", "arithmetic": "o-", "max": "v:"}
colours = ["#CC79A7", "#D55E00", "#0072B2", "#009E73"]
for (average, style), colour in zip(lines.items(), colours, strict=True):
    both = [{"true_labels": true_labels, "cluster_labels": ward[k]} for k in ks]
    values = [metrics.nmi(**labels, average=average) for labels in both]
    panel.plot(ks, values, style, color=colour, label=average)
panel.set(xscale="log", xlabel="k, number of clusters", ylabel="NMI, Ward (network)")
panel.set_xticks([1, 2, 4, 7, 20, 50, 193], [1, 2, 4, 7, 20, 50, 193])
panel.minorticks_off()
panel.legend(title="normaliser", frameon=False)
plt.show()

# %% [markdown]
# In the table, the network's seven clusters have nearly the entropy of the seven classes, and the
# normalisers differ by less than .01; the colour clusters are so unequal in size that the geometric mean gives
# over .01 more than the arithmetic, and `min` far more. In the figure the lines come together at k = 7 and fan out on both sides, always in
# the same order from top to bottom: min, geometric, arithmetic, max. (One single cluster gets 0 from all.) With
# `min`, two clusters of whole classes already score 1. So say which normaliser you used, and compare only like with
# like.

# %% [markdown]
# ## 4 · Two repairs, and what to report
#
# ### ARI: take chance off
#
# Fowlkes and Mallows count pairs; so does the **adjusted Rand index**, and it subtracts what chance gives. With
# $S$ pairs together in both, $A$ pairs in clusters, $B$ pairs in classes and $N$ pairs in all,
# shuffling gives on average $E = A \cdot B / N$ pairs together in both. The mean $M = (A + B) / 2$ stands
# for the highest possible count, which two equal partitions reach:
#
# $$\text{ARI} = \frac{S - E}{M - E}$$
#
# Chance scores 0, perfection 1, and worse than chance is negative. You will write it in exercise 2.5.
#
# ### Accuracy, after matching
#
# Accuracy makes sense once every cluster has been given a class. Purity lets several clusters take the same
# class, and so rewards splitting. The **Hungarian** method gives each class at most one cluster and each
# cluster at most one class, and of all such matches finds the one with the most right pictures.
# SciPy has it:

# %%
rows, columns = linear_sum_assignment(network_table, maximize=True)
for row, column in zip(rows, columns, strict=True):
    right = network_table[row, column]
    print(f"{class_names[row]:11} is cluster {column}: {right:2} pictures right")
matched_accuracy = network_table[rows, columns].sum() / network_table.sum()
print(f"accuracy: {equal_numbers:.3f} before matching, {matched_accuracy:.3f} after")

# %%
figure, panels = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
draw_table(panels[0], network_table, "before matching")
draw_table(panels[1], network_table[:, columns], "after matching", columns)
for place in range(7):
    box = plt.Rectangle((place, place), 1, 1, fill=False, ec="#D55E00", lw=3)
    box.set_clip_on(False)
    panels[1].add_patch(box)
plt.show()

# %% [markdown]
# Left, the table as k-means numbered it. Right, the same columns in the order of the match, so that the
# matched cells lie on the diagonal, framed; accuracy is the sum of the diagonal over all pictures. Only one of
# the two mammal clusters can be "the mammals". The other is left to the vegetables, of which it holds none,
# and all its pictures count as wrong. Accuracy is therefore lower than purity, which calls both clusters mammals.
#
# ### All five, with their chance levels

# %%
figure, panel = plt.subplots(figsize=(8, 3.4), layout="constrained")
styles = {"colour": ("#D55E00", "D", 0.2), "EfficientNetLite0": ("#0072B2", "o", -0.2)}
for name, (colour, marker, shift) in styles.items():
    both = {"true_labels": true_labels, "cluster_labels": clusterings[name]}
    reached, by_chance = metrics.scores(**both), metrics.chance_scores(**both)
    heights = np.arange(5) + shift
    xs = [[by_chance[score], reached[score]] for score in metrics.SCORES]
    panel.plot(np.transpose(xs), [heights, heights], color=colour, lw=1.5)
    panel.plot(np.array(xs)[:, 1], heights, marker, color=colour, ms=9, label=name)
    panel.plot(np.array(xs)[:, 0], heights, "k|", ms=13, mew=2)
panel.plot([], [], "k|", ms=13, mew=2, label="chance level of each")
panel.set_yticks(range(5), [plots.TITLES[score] for score in metrics.SCORES])
panel.set(xlabel="score", xlim=(-0.05, 1), ylim=(4.6, -0.6))
panel.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# Each line runs from the chance level (black tick) to the score reached (diamond: colour, circle:
# network). The network's lines are long in every row; the colour clusters' are short, so most of their
# purity, Fowlkes-Mallows and accuracy is chance. ARI alone starts at 0 and can be read without a tick; NMI starts
# a little above it at this k. The two chance levels of Fowlkes-Mallows lie far apart, because they depend on
# the clusters' sizes.
#
# | score | the question it answers | fooled by | report it |
# |---|---|---|---|
# | purity | is each cluster of one kind? | many clusters | with k, for clusters that a person will look at |
# | NMI | what does the cluster tell about the class? | many small clusters | always; it is what papers give. Name the normaliser |
# | Fowlkes-Mallows | are the right pairs together? | few, huge clusters | beside its chance level |
# | ARI | the same, above chance? | least of all | always, above all when k differs |
# | accuracy | how many right after the best match? | little; it is harsh on splits | when k equals the number of classes |
#
# Our advice: **NMI and ARI always; matched accuracy if k is the number of classes; purity never without k;
# the chance level beside all of them.** This course reports purity, NMI and Fowlkes-Mallows throughout, as
# the tutorial did, on a fixed k and with the chance level, and keeps ARI and accuracy in every table.
# None of these scores may take part in the clustering itself: they need the true labels.

# %% [markdown]
# ## Exercises
#
# Exercises 2.1 to 2.4 stand above, where the scores are built. Two more:
#
# ### Exercise 2.5 · Adjusted Rand index (hard)
#
# Write ARI from the formula of section 4. It takes the same counts of pairs as Fowlkes-Mallows, and
# the number of all pairs.

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
# Find two clusterings of the twelve dots (classes `dot_classes`: four each) **with the same number of
# clusters**, so that purity prefers A and Fowlkes-Mallows prefers B. Sketch boxes around dots before you
# code; `metrics.scores(true_labels=dot_classes, cluster_labels=…)` tells you all five scores, and
# `draw_dots(plt.gca(), …)` draws. Many pairs will do. Which of your two clusterings would you
# rather have, and for what purpose?

# %%
# BEGIN SOLUTION: clustering_a = clustering_b = None  # twelve labels each
clustering_a = [0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 2]
clustering_b = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3]
# END SOLUTION

checks.ex02_6(clustering_a, clustering_b)

# %% tags=["solution"]
figure, panels = plt.subplots(1, 2, figsize=(8, 0.9), layout="constrained")
found = {"A": clustering_a, "B": clustering_b}
columns = {}
for panel, (name, labels) in zip(panels, found.items(), strict=True):
    draw_dots(panel, labels)
    panel.set_title(name)
    columns[name] = metrics.scores(true_labels=dot_classes, cluster_labels=labels)
plt.show()
pd.DataFrame(columns).round(3)

# %% [markdown] tags=["solution"]
# A splits the circles and swaps one square with one triangle; ten of the twelve dots are in the majority. B
# leaves circles and squares whole in one big box and tears the triangles apart. Purity names that box after
# one class and loses the other four dots; Fowlkes-Mallows rewards all the pairs that the box keeps. The other scores are
# divided, too: ARI and accuracy prefer A, NMI by a little B. For a person who wants to put a name
# on each box, A is the better one; for finding pictures like a given one without missing any, B may be.

# %%
checks.summary()

# %% [markdown]
# ## In this notebook we …
#
# - saw that cluster numbers carry no meaning, and that all that counts is in the contingency table;
# - built purity from majorities, NMI from entropies, Fowlkes-Mallows from pairs, and found the same numbers as
#   two libraries;
# - fooled purity with singletons and Fowlkes-Mallows with one big cluster, and met the chance level, which
#   moves with the score, with k and with the cluster sizes;
# - repaired pairs with ARI and accuracy with a match, and chose what to report: scores, k, normaliser,
#   chance level.
#
# ## Recall
#
# 1. A clustering has accuracy 0 and ARI 1. How can that be?
#
# <details><summary>Answer</summary>The partition is perfect, but no cluster carries the number of its class, and accuracy
# was taken without matching them first. After the Hungarian match it is 1.</details>
#
# 2. A classmate reports purity .97, which beats everyone. What do you ask?
#
# <details><summary>Answer</summary>How many clusters, for how many pictures? Purity never falls when clusters are split and is 1 for
# singletons. And: what does the same clustering get when it is shuffled, and in which order were the arguments?</details>
#
# 3. Two papers report NMI .712 and .705. Name two reasons why the difference may mean nothing.
#
# <details><summary>Answer</summary>They may use different normalisers (geometric is never below arithmetic), different numbers of
# clusters, or one lucky seed each; with a few hundred pictures, a handful of them makes such a difference.</details>
#
# ## References
#
# - E. B. Fowlkes, C. L. Mallows, *A method for comparing two hierarchical clusterings*, Journal of the American
#   Statistical Association 78, 1983.
# - L. Hubert, P. Arabie, *Comparing partitions*, Journal of Classification 2, 1985.
# - H. W. Kuhn, *The Hungarian method for the assignment problem*, Naval Research Logistics Quarterly 2, 1955.
# - C. D. Manning, P. Raghavan, H. Schütze, *Introduction to Information Retrieval*, Cambridge University Press, 2008,
#   section 16.3 (purity, NMI).
# - N. X. Vinh, J. Epps, J. Bailey, *Information theoretic measures for clusterings comparison*, Journal of Machine
#   Learning Research 11, 2010 (normalisers, chance).
# - J. Guérin, *Tutorial on Image Clustering*, 2019 (slides and notebooks).
#
# ## Next
#
# `03_raw_pixels`: what a picture is to a computer, and how far its bare pixels get you.
