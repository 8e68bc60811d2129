# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 8 · Ensembles of backbones
#
# By now you have dozens of clusterings of the same pictures, from other seeds, layers
# and networks, and they disagree. Picking the right one takes the answers you do not
# have. Here you let all of them vote instead, and find out when a vote is worth more
# than its best voter, and when it is not.
#
# **You will be able to**
#
# - turn many clusterings into one matrix, with loops and with one sparse product
# - cut that matrix into clusters by average linkage
# - say which errors a vote cancels and which it keeps, and measure diversity
# - judge an ensemble against its mean member, its best member and chance
# - work out the memory it needs, and go without all pairs when it is too much
#
# **You need** lessons 1 to 6: average linkage, NMI, layers of a network, seeds.
#
# **Reading** 25 minutes, the exercises as much again · **run time** 80 s on a CPU;
# on a GPU the passes through the networks are faster, the rest is the same

# %% tags=["setup"]
import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from scipy import sparse
from sklearn.cluster import AgglomerativeClustering

from course_utils import images, representations, clustering, metrics, plots

# %% [markdown]
# ## 1 · Whom to believe?
#
# A **labeling** is one answer of one clustering: a cluster label for every picture.
# Here are three labelings of six pictures. The truth is three pairs, a b, c d and e f,
# and every labeling gets one picture wrong.

# %%
three = np.array(
    [
        # a  b  c  d  e  f
        [0, 1, 1, 1, 2, 2],  # b is wrong
        [4, 4, 0, 7, 7, 7],  # d is wrong
        [1, 1, 2, 2, 0, 1],  # f is wrong
    ]
)

# %% [markdown]
# Can they vote? Not on names. In the first labeling c lies in cluster 1, in the third
# in cluster 2, and nothing says that these are different opinions: the names of
# clusters mean nothing. But there is a question that needs no names, and it can be put
# for every **pair** of pictures: *do these two lie together?* For a and b the answers
# are no, yes, yes. The share of yes is the pair's **co-association**, here 2/3.
#
# The co-association matrix M has one row and one column per picture; `M[i, j]` is the
# share of labelings that put pictures i and j into one cluster.
#
# ### Exercise 8.1 · Co-association with loops (easy)
#
# Write `together_by_loops(labelings)` straight from that definition. `labelings` has
# one row per labeling; return an array (pictures, pictures).


# %%
def together_by_loops(labelings):
    # BEGIN SOLUTION: return None
    labelings = np.asarray(labelings)
    n_images = labelings.shape[1]
    together = np.zeros((n_images, n_images))
    for labels in labelings:
        for i in range(n_images):
            for j in range(n_images):
                if labels[i] == labels[j]:
                    together[i, j] += 1
    return together / len(labelings)
    # END SOLUTION


checks.ex08_1(together_by_loops)

# %% [markdown]
# The library's version, `clustering.co_association`, says for our six pictures:

# %%
names = list("abcdef")
pd.DataFrame(clustering.co_association(three), names, names).round(2)

# %% [markdown]
# Each of the three pairs that belong together has 2/3. All other pairs have 0 or 1/3:
# each error speaks for two wrong pairs, but no two errors speak for the same ones. No
# labeling was right, and yet the matrix knows the answer.
#
# The loops ask one question after the other, and for n pictures there are n² of them a
# labeling. The same can be had from one multiplication. Write a labeling as a table
# with one row per picture and one column per cluster, 1 where the picture lies and 0
# elsewhere. This is called **one-hot**. For the first labeling, with clusters 0, 1, 2:
#
# | | 0 | 1 | 2 |
# |---|---|---|---|
# | a | 1 | 0 | 0 |
# | b | 0 | 1 | 0 |
# | c | 0 | 1 | 0 |
# | d | 0 | 1 | 0 |
# | e | 0 | 0 | 1 |
# | f | 0 | 0 | 1 |
#
# Multiply row b by row c, number by number, and add up: 1 where they share a cluster, 0
# where not. Now put the tables of all R labelings side by side into one wide table Z.
# Row times row then *counts* the labelings in which two pictures share a cluster, and
# all rows times all rows is a matrix product: **M = Z Zᵀ / R**.
#
# Z is almost empty: each row has R ones, one a labeling, however many clusters there
# are. A **sparse** matrix stores only these ones: `sparse.csr_matrix((ones, (rows,
# columns)), shape=…)` takes three arrays of equal length, the values and their places:
# for the table above six ones, the rows 0 1 2 3 4 5 and the columns 0 1 1 1 2 2.
# `sparse.hstack` puts a list of such tables side by side.
#
# ### Exercise 8.2 · Co-association as one sparse product (medium)
#
# Write `together_by_product(labelings)`: make the sparse Z, then return
# `Z @ Z.T / R`, still sparse. Labels may be any whole numbers, such as 0, 4 and 7;
# `np.unique(labels, return_inverse=True)` returns the names and, second, every label
# renumbered 0, 1, 2. Each labeling gets columns of its own.


# %%
def together_by_product(labelings):
    # BEGIN SOLUTION: return None
    blocks = []
    for labels in np.asarray(labelings):
        clusters, columns = np.unique(labels, return_inverse=True)
        shape = (len(labels), len(clusters))
        places = (np.arange(len(labels)), columns)
        blocks.append(sparse.csr_matrix((np.ones(len(labels)), places), shape=shape))
    stacked = sparse.hstack(blocks, format="csr")
    return stacked @ stacked.T / len(blocks)
    # END SOLUTION


checks.ex08_2(together_by_product)

# %% [markdown]
# Two implementations of the same thing should be checked against each other. Here are
# ten random labelings of 300 pictures, by your loops, your product and the library:

# %%
made_up = np.random.default_rng(0).integers(0, 7, (10, 300))
expected = clustering.co_association(made_up)
for function in (together_by_loops, together_by_product, clustering.co_association):
    started = time.perf_counter()
    found = function(made_up)
    seconds = time.perf_counter() - started
    if found is None:
        print(f"{function.__name__:20} is not written yet")
    else:
        gap = np.abs(found - expected).max()
        print(f"{function.__name__:20} {seconds:7.4f} s, largest difference {gap:.0e}")

# %% [markdown]
# They agree up to rounding, and the product is faster by far. From here on we
# take the library's.
#
# ## 2 · From the matrix to clusters
#
# 1 − M is a distance: 0 for two pictures that all labelings put together, 1 for two
# that none does. Lesson 1's average linkage needs nothing but distances. It starts
# with single pictures and joins the two groups with the smallest mean distance, until
# k groups are left. Both steps together are called **evidence accumulation**.
#
# ### Exercise 8.3 · Evidence accumulation (medium)
#
# Write `consensus(labelings, k)`: cluster labels (n,), k clusters, from
# `clustering.co_association` and scikit-learn's `AgglomerativeClustering`. Its first
# argument is k; `metric="precomputed"` says that you give it distances and not
# features; `linkage` must be named as well, and `fit_predict` runs it.


# %%
def consensus(labelings, k):
    # BEGIN SOLUTION: return None
    distances = 1 - clustering.co_association(labelings)
    algorithm = AgglomerativeClustering(k, metric="precomputed", linkage="average")
    return algorithm.fit_predict(distances)
    # END SOLUTION


checks.ex08_3(consensus)

# %%
print("three labelings, all with errors:", clustering.evidence_accumulation(three, 3))

# %% [markdown]
# The pairs are right. Was that luck with six pictures? Take 120, in four classes of 30.
# A poor labeling gives 40% of the pictures a cluster drawn at random. In the function
# below `n_copies` of the labelings are copies of the first, errors included.

# %%
truth = np.repeat(np.arange(4), 30)


def poor_labelings(n_labelings, n_copies=0, seed=0):
    """Labelings (n_labelings, 120) with errors; the first n_copies are all alike."""
    generator = np.random.default_rng(seed)
    found = np.tile(truth, (n_labelings, 1))
    wrong = generator.random(found.shape) < 0.4
    found[wrong] = generator.integers(0, 4, wrong.sum())
    found[:n_copies] = found[0]
    return found


def nmi_of(cluster_labels, true_labels=truth):
    return metrics.nmi(labels_true=true_labels, labels_pred=cluster_labels)


alone = [nmi_of(labels) for labels in poor_labelings(25)]
print(f"one poor labeling: NMI {min(alone):.2f} to {max(alone):.2f}")

# %% [markdown]
# **Predict first.** None of the 25 is better than that. Which NMI do they reach
# together, by evidence accumulation?

# %%
prediction = None  # e.g. 0.6

# %%
figure, panels = plt.subplots(1, 3, figsize=(10, 3.7), layout="constrained")
for panel, n_labelings in zip(panels, (1, 5, 25), strict=True):
    together = clustering.co_association(poor_labelings(n_labelings))
    shown = panel.imshow(together, cmap="cividis", vmin=0, vmax=1)
    title = f"{n_labelings} labeling{'s' if n_labelings > 1 else ''}"
    panel.set(title=title, xlabel="picture, by class", ylabel="picture, by class")
figure.colorbar(shown, ax=panels, label="co-association", shrink=0.8)
plots.show(
    "Co-association of pictures sorted by class. With one labeling, bright and dark "
    "lines run through the squares of the four classes; with 25 the squares stand out."
)

# %% [markdown]
# The pictures are sorted by class, so a perfect matrix is four bright squares along
# the diagonal. With one labeling (left) every pair is 0 or 1, and dark and bright
# lines run through the squares: each line is a picture in a wrong cluster. With 25
# (right) the lines have blurred to an even grey, and the four squares stand out.

# %%
votes = nmi_of(clustering.evidence_accumulation(poor_labelings(25), 4))
lessons.reveal(prediction, votes, "the NMI of all 25 together")

# %% [markdown]
# The errors fall on other pictures in each labeling and so cancel; what all labelings
# share does not. That is the whole trick, and it is also its limit. What if the voters
# share their *errors*? Now a part of the labelings are copies of one:

# %%
rows = []
for share in (0, 0.25, 0.5):
    for n_labelings in (4, 8, 12, 16, 20, 24):
        for seed in range(5):
            views = poor_labelings(n_labelings, int(share * n_labelings), seed)
            nmi = nmi_of(clustering.evidence_accumulation(views, 4))
            rows.append((f"{share:.0%} are copies", n_labelings, nmi))
toy = pd.DataFrame(rows, columns=["voters", "labelings", "NMI"])

figure, panel = plt.subplots(figsize=(8, 3.8), layout="constrained")
styles = {"style": "voters", "markers": True, "errorbar": ("pi", 100)}
sns.lineplot(toy, x="labelings", y="NMI", hue="voters", **styles, ax=panel)
panel.axhline(np.mean(alone), color="black", ls=":")
panel.text(24, np.mean(alone) - 0.06, "one labeling alone", ha="right")
panel.set(ylim=(0, 1.03))
last = toy[toy["labelings"] == 24].groupby("voters")["NMI"].mean()
told = [f"{nmi:.2f} if {voters}" for voters, nmi in last.items()]
plots.show(
    f"NMI of the vote against the number of labelings. With 24: {', '.join(told)}; one "
    f"labeling alone {np.mean(alone):.2f}."
)

# %% [markdown]
# A mark is the mean of five rounds of new errors, the band reaches from the worst to
# the best. With independent errors (circles) the vote climbs to the truth. If half of
# the voters are copies (squares) it stays close to one labeling alone, although the 12
# others of 24 would do far better by themselves: the circle at 12 is above 0.9. The
# copies agree on everything, errors included, the others mostly on what is right, and
# the bloc wins. If a quarter are copies (crosses), it depends on the round; of four
# voters that is one, so no copy at all, and the two lines start together. A copy adds a
# vote and no knowledge. **A vote needs voters that are wrong in different ways.**
# Whether networks are is a question for an experiment.

# %% [markdown]
# ## 3 · The experiment: thirteen views of the stamps
#
# A **view** is one way to describe the pictures. We take thirteen: the five
# handcrafted representations of lessons 3 and 4, and the last four stages of each
# bundled network. Lesson 6 read all layers in one pass, by a model with many outputs;
# here is that model again, shorter.

# %%
representations.backbone_layers("SqueezeNet")  # imports Keras, quietly

image_set = images.load("stamps", progress=False)
true_labels = image_set.true_labels
n_classes = len(image_set.class_names)
NETWORKS = {  # builder, preprocessing, layers
    "SqueezeNet": (
        representations.squeezenet,
        representations.preprocess_squeezenet,
        ("fire7", "fire8", "fire9", "conv10"),
    ),
    "EfficientNetLite0": (
        representations.efficientnet_lite0,
        representations.preprocess_efficientnet_lite0,
        ("block5", "block6", "block7", "pool"),
    ),
}
HANDCRAFTED = ["raw", "colour", "hog", "lbp", "bovw"]

# %%
import keras

features = {
    view: representations.extract(image_set, view, progress=False)
    for view in HANDCRAFTED
}
pictures = np.stack([image_set.picture(i, 224) for i in range(len(image_set))])
for name, (build, preprocess, layers) in NETWORKS.items():
    network, outputs = build(), {}
    for layer in layers:
        output = network.get_layer(layer).output
        if len(output.shape) == 4:  # pictures, height, width, channels
            output = keras.layers.GlobalAveragePooling2D()(output)
        outputs[f"{name}:{layer}"] = output
    model = keras.Model(network.input, outputs)
    found = model.predict(preprocess(pictures), batch_size=32, verbose=0)
    features.update({view: found[view] for view in outputs})
print(len(features), "views of", len(pictures), "pictures")

# %% [markdown]
# Every view gets k-means with k = 7, the number of classes, after lesson 6's `l2` and
# 50 principal components. An ensemble with another set of seeds comes out otherwise,
# so we need the whole experiment several times: **ten draws**, and in each draw four
# new seeds a view. For the best layer, `pool`, there are also five other algorithms.

# %%
N_DRAWS, N_SEEDS = 10, 4
POOL = "EfficientNetLite0:pool"
OTHERS = ("ward", "average", "complete", "spectral", "gmm")


def forty_labelings(view, algorithm="kmeans"):
    """Array (draws, seeds, pictures); forty times the same if seeds play no part."""
    points = clustering.prepare(features[view], "l2+pca50+kmeans")
    seeds = range(N_DRAWS * N_SEEDS)
    found = [clustering.cluster(points, algorithm, n_classes, seed) for seed in seeds]
    return np.reshape(found, (N_DRAWS, N_SEEDS, -1))


labelings = {view: forty_labelings(view) for view in features}
labelings |= {f"pool {name}": forty_labelings(POOL, name) for name in OTHERS}

# %%
SCORES = ("nmi", "purity", "fowlkes_mallows")


def scores_of(cluster_labels):
    found = metrics.scores(
        labels_true=true_labels, labels_pred=cluster_labels, names=SCORES
    )
    return list(found.values())


alone = {  # {source: array (draws, scores), the mean of its four seeds}
    source: np.array([np.mean([scores_of(x) for x in four], axis=0) for four in draws])
    for source, draws in labelings.items()
}
nmi_alone = pd.Series({source: found[:, 0].mean() for source, found in alone.items()})
shuffled = metrics.chance_scores(
    labels_true=true_labels, labels_pred=labelings[POOL][0, 0]
)
print(nmi_alone.sort_values().round(3).to_string())
print("chance", round(shuffled["nmi"], 3))

# %% [markdown]
# The views differ enormously, and without labels you would not know which is which. The
# eight ensembles, each with all four seeds of every member ("two backbones" takes the
# layer `fire9` of SqueezeNet, its last before the class scores):

# %%
squeeze, efficient = (
    [view for view in features if view.startswith(name)] for name in NETWORKS
)
ENSEMBLES = {
    "handcrafted": HANDCRAFTED,
    "layers of SqueezeNet": squeeze,
    "seeds of pool": [POOL],
    "algorithms on pool": [POOL, *(f"pool {name}" for name in OTHERS)],
    "layers of EfficientNet": efficient,
    "two backbones": ["SqueezeNet:fire9", POOL],
    "both networks, all layers": squeeze + efficient,
    "all thirteen views": list(features),
}


def voters(members, draw):
    """All labelings (R, pictures) of these members in one draw."""
    return np.concatenate([labelings[member][draw] for member in members])


# %% [markdown]
# **Predict first.** "All thirteen views" has 52 voters. 20 of them look at pixels,
# colours and edges, and have an NMI of less than .4. `pool` alone is above .8. What
# will all thirteen reach together?

# %%
prediction_2 = None  # e.g. 0.6


# %%
def study(members, combine=clustering.evidence_accumulation):
    """One row a draw: the three scores of the ensemble, and what its members have."""
    best = max(members, key=nmi_alone.get)
    rows = []
    for draw in range(N_DRAWS):
        found = voters(members, draw)
        row = dict(zip(SCORES, scores_of(combine(found, n_classes)), strict=True))
        row["mean member"] = np.mean([alone[member][draw, 0] for member in members])
        row["best member"] = alone[best][draw, 0]
        rows.append(row)
    return pd.DataFrame(rows)


studies = {name: study(members) for name, members in ENSEMBLES.items()}
reached = studies["all thirteen views"]["nmi"].mean()
lessons.reveal(prediction_2, round(reached, 3), "the mean NMI of all thirteen")

# %%
rows = []
for name, found in studies.items():
    gap = found["nmi"] - found["best member"]
    row = {"ensemble": name, "R": len(voters(ENSEMBLES[name], 0))}
    row["mean member"] = found["mean member"].mean()
    row["best member"] = found["best member"].mean()
    row["together"], row["± std"] = found["nmi"].mean(), found["nmi"].std(ddof=0)
    row["draws above best"] = (gap > 0).sum()
    for score in SCORES[1:]:
        row[score], row[f"{score} ±"] = found[score].mean(), found[score].std(ddof=0)
    rows.append(row)
table = pd.DataFrame(rows).set_index("ensemble").round(3)
print("pool alone:", *SCORES, *alone[POOL].mean(axis=0).round(3))
table

# %%
figure, panel = plt.subplots(figsize=(9, 4.4), layout="constrained")
heights = np.arange(len(table))
marks = {"mean member": ("s", "#666666"), "best member": ("D", "#D55E00")}
for column, (marker, colour) in marks.items():
    panel.plot(table[column], heights, marker, color=colour, label=column)
for height, found in zip(heights, studies.values(), strict=True):
    panel.plot([found["nmi"].min(), found["nmi"].max()], [height] * 2, "#0072B2", lw=3)
panel.plot(table["together"], heights, "o", color="#0072B2", ms=9, label="together")
panel.axvline(shuffled["nmi"], color="black", ls=":", label="chance")
panel.set_yticks(heights, table.index)
panel.set(xlim=(0, 1), xlabel="NMI, mean of ten draws; the bar from worst to best draw")
panel.grid(axis="x", color="#dddddd")
panel.legend(loc="upper left", frameon=False)
n_above = {rival: (table["together"] > table[rival]).sum() for rival in marks}
plots.show(
    f"Mean NMI of {len(table)} ensembles, their mean member and their best member. "
    f"{n_above['mean member']} lie above their mean member, {n_above['best member']} "
    "above their best one."
)

# %% [markdown]
# *R* is the number of voters in one draw; *together* and what follows belongs to the
# ensemble, mean and standard deviation over ten draws; *draws above best* counts in how
# many of the ten it beat its best member. **Best member** is the view or algorithm with
# the highest mean NMI: `lbp` for "handcrafted", `conv10` for SqueezeNet's layers,
# `pool` with spectral clustering for the algorithms, else `pool`. To know that, one has
# to peek, so it is a hard rival. What to see:
#
# - every ensemble (circle) lies to the right of its mean member (square). If you do not
#   know which voter is good, voting is the better bet;
# - **"layers of SqueezeNet" loses to its best member, `conv10`, in all ten draws.**
#   Twelve of its sixteen voters come from three weaker layers of the same network. If
#   those make related errors, they are the bloc of section 2; this table cannot tell;
# - "two backbones" loses as well, in seven draws: the weaker network has half the
#   votes;
# - "all thirteen views" and "layers of EfficientNet" are above the best member on
#   average, but not in every draw, and by less than the spread. The twenty handcrafted
#   voters do not outvote the networks, since they seldom agree with each other; but
#   without them, in "both networks", the score is higher and its spread smaller;
# - "seeds of pool" has one member, so mean and best are the same. Four seeds voting
#   beat their own mean in every draw, by little;
# - "algorithms on pool" is highest of all, with one view. Its small spread flatters it:
#   three of its six algorithms (Ward, average and complete linkage) have no seed, so
#   they vote alike in every draw.
#
# Purity and Fowlkes-Mallows put "algorithms on pool" first too. All spreads are those
# of the seeds only; the 193 pictures are the same each time, and on others the order
# may change (lesson 6).
#
# **Published.** Guérin et al. (2021) did this with ten networks, one labeling each, and
# call it MVEC. We know the paper's ensembles, and five of its ten networks one by one:
#
# | NMI | MVEC, all ten | best of the five we know |
# |---|---|---|
# | VOC2007 | .794 | .719, Xception |
# | COIL100 | .967 | .967, ResNet50 |
# | UMist faces | .763 | .760, InceptionV3 |
#
# A gain, then twice a draw, and one of the other five may be better still. For UMist a
# best network of .775 is also named, and the ensemble would lose to that; we could not
# check this number against the paper.
#
# What does the matrix look like? The same numbers twice, for all thirteen views:

# %%
found = voters(ENSEMBLES["all thirteen views"], 0)
together = clustering.co_association(found)
clusters = clustering.evidence_accumulation(found, n_classes)
figure, panels = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
orders = {"sorted by class": true_labels, "sorted by found cluster": clusters}
for panel, (title, groups) in zip(panels, orders.items(), strict=True):
    order = np.argsort(groups, kind="stable")
    shown = panel.imshow(together[np.ix_(order, order)], cmap="cividis", vmin=0, vmax=1)
    panel.set(title=title, xlabel="picture", ylabel="picture")
figure.colorbar(shown, ax=panels, label="co-association", shrink=0.8)
plots.show(
    "Co-association of the stamps, sorted by class and by found cluster: bright blocks "
    "on the diagonal, with darker lines in those of the classes."
)

# %% [markdown]
# Right, sorted by what was found: bright blocks on the diagonal, because average
# linkage looks for just that. One block, in the middle, is tiny and dim: a few pictures
# which the voters put together with nobody in particular, left over as a cluster. Left,
# sorted by class: most classes are blocks too, with darker lines where most voters put
# a picture elsewhere; the last class, bottom right, is hardly one, and its pictures are
# together with those of other classes.
#
# ## 4 · Diversity, choosing voters, memory
#
# ### Exercise 8.4 · How different are they? (easy)
#
# Section 2 asked for voters that differ. Write `diversity(labelings)`: the mean of 1 −
# NMI over all pairs of two different labelings. `metrics.nmi` wants both by name, as in
# `nmi_of` above, though neither is the truth now; which is which does not matter.


# %%
def diversity(labelings):
    # BEGIN SOLUTION: return None
    gaps = []
    for place, one in enumerate(labelings):
        for other in labelings[place + 1 :]:
            gaps.append(1 - metrics.nmi(labels_true=one, labels_pred=other))
    return float(np.mean(gaps))
    # END SOLUTION


checks.ex08_4(diversity)

# %%
table["diversity"] = [clustering.diversity(voters(m, 0)) for m in ENSEMBLES.values()]
told = []
figure, panels = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
for panel, rival in zip(panels, ("mean member", "best member"), strict=True):
    gain = table["together"] - table[rival]
    panel.plot(table["diversity"], gain, "o")
    for name, up in {"handcrafted": 1, "layers of SqueezeNet": -1,
                     "both networks, all layers": 1, "all thirteen views": -1}.items():
        place = (table.loc[name, "diversity"], gain[name] + up * 0.015)
        panel.text(*place, name, ha="center", va="center")
    panel.axhline(0, color="black", ls=":")
    panel.set(xlabel="diversity", ylabel="gain in NMI", xlim=(0, 0.8), ylim=(-0.1, 0.3))
    panel.set_title(f"against the {rival}")
    told.append(f"{gain.min():+.2f} to {gain.max():+.2f} {panel.get_title()}")
plots.show(f"Gain of {len(table)} ensembles against diversity: {'; '.join(told)}.")

# %% [markdown]
# A mark is one of our eight ensembles. Left: against the mean member all gain, and more
# diverse ones tend to gain more. "Handcrafted" is the most diverse and does not gain
# the most: its voters differ because they are wrong. Right: against the best member the
# marks lie near zero, and more diversity does not lift them. The highest mark there is
# "both networks", the lowest "layers of SqueezeNet", and their diversity is nearly the
# same: it counts how much voters differ, not whether their *errors* are related.
# **Diversity is what you need when you cannot tell the voters apart; it does not
# replace a good one.**
#
# ### Exercise 8.5 · Choose voters without labels (hard)
#
# Could we send the bad voters home without looking at the true labels? One idea: who is
# right agrees with others who are right, while there are many ways to be wrong. Write
# `most_agreeing(labelings, n_kept)`: the places in the list of the `n_kept` labelings
# which have the highest mean NMI with all the *others*.


# %%
def most_agreeing(labelings, n_kept):
    # BEGIN SOLUTION: return None
    agreement = np.array(
        [
            [metrics.nmi(labels_true=one, labels_pred=other) for other in labelings]
            for one in labelings
        ]
    )
    np.fill_diagonal(agreement, 0)
    return np.argsort(-agreement.sum(axis=1))[:n_kept]
    # END SOLUTION


checks.ex08_5(most_agreeing)


# %%
def agreeing_half(labelings, k):
    """Evidence accumulation by the half of the labelings that agree most."""
    kept = most_agreeing(labelings, len(labelings) // 2)
    chosen = labelings if kept is None else labelings[kept]
    return clustering.evidence_accumulation(chosen, k)


for name in ("all thirteen views", "both networks, all layers", "layers of SqueezeNet"):
    half = study(ENSEMBLES[name], agreeing_half)["nmi"]
    everybody = studies[name]["nmi"]
    print(f"{name:26} everybody {everybody.mean():.3f} ± {everybody.std(ddof=0):.3f},"
          f" half {half.mean():.3f} ± {half.std(ddof=0):.3f}")  # fmt: skip

# %% [markdown]
# Until 8.5 is solved, "half" is everybody. Solved, it helps a little where there are
# truly bad voters (all thirteen views), by less than the spread; for both networks,
# where all voters are decent, it *costs*. And it does not save SqueezeNet's layers. Its
# weak spot: voters with the same errors agree as well, and this cannot tell them from
# voters who are right.
#
# ### Memory
#
# M has n² numbers, as float32 four bytes each, and average linkage makes a copy of
# eight bytes each. Z has n × R ones, four bytes for each and four for its column. With
# 52 voters:

# %%
for n_images in (193, 9_144, 100_000):
    pairs, ones = n_images**2 * (4 + 8) / 1e9, n_images * 52 * 8 / 1e9
    print(f"{n_images:7,} pictures: all pairs {pairs:9.4f} GB, Z {ones:.4f} GB")
many = np.random.default_rng(0).integers(0, 7, (52, 9_144))  # as many as Caltech-101
try:
    clustering.co_association(many)
except MemoryError as error:
    print("refused:", error)

# %% [markdown]
# `clustering.co_association` refuses above 8,000 pictures and says why.
# `evidence_accumulation` then goes over groups of pictures that all or nearly all
# labelings put together. Another way is `clustering.bipartite` (Fern and Brodley, 2004),
# which never forms a pair: pictures and clusters are the two sides of a network of
# lines, and Z says who is joined to whom. Each row of Z is then squeezed into k numbers
# (by its singular vectors, a relative of principal components), and k-means groups the
# rows. What does it cost?

# %%
for name in ("all thirteen views", "both networks, all layers"):
    found = study(ENSEMBLES[name], clustering.bipartite)["nmi"]
    print(f"{name:26} bipartite {found.mean():.3f} ± {found.std(ddof=0):.3f}")

# %% [markdown]
# Less memory, and here a lower NMI than average linkage had in the table above, on both
# lines: below the best member on all thirteen views, level with it on the networks.
#
# ## Exercises
#
# 8.1 to 8.5 stand above. One more:
#
# ### Exercise 8.6 · An ensemble of your own (open)
#
# Ask a question about ensembles and answer it with at least two recipes and five draws,
# the same for both. Give the check a table with the columns `recipe`, `draw`, `nmi`
# (`scores_of(found)[0]` is the NMI). For instance:
#
# - what does each of several weak voters add to `POOL`?
# - does one seed per view do as well as four (`voters(...)[::N_SEEDS]` takes the first)?
# - may voters have another k than the answer? (`clustering.cluster` with k = 14)

# %%
# BEGIN SOLUTION: comparison = None
rows = []
for draw in range(10):
    four = voters(ENSEMBLES["all thirteen views"], draw)
    for recipe, chosen in {"four seeds": four, "one seed": four[::N_SEEDS]}.items():
        found = clustering.evidence_accumulation(chosen, n_classes)
        rows.append({"recipe": recipe, "draw": draw, "nmi": scores_of(found)[0]})
comparison = pd.DataFrame(rows)
# END SOLUTION
checks.ex08_6(comparison)

# %% tags=["solution"]
comparison.groupby("recipe")["nmi"].agg(["mean", "std", "min", "max"]).round(3)

# %% [markdown] tags=["solution"]
# *Question:* do we need four seeds a view? *Answer:* they help. The mean with four is
# higher by about one standard deviation, and with one seed the thirteen views are no
# better than `pool` alone.

# %%
checks.summary()

# %% [markdown]
# ## In this notebook we …
#
# - let labelings vote on pairs, with loops and as one sparse product Z Zᵀ / R
# - cut the votes into clusters by average linkage
# - saw independent errors cancel, and a bloc of copies outvote the rest
# - combined seeds, algorithms, layers and networks: always above the mean member, often
#   near the best one, and clearly *below* it for SqueezeNet's layers
# - saw that diversity pays against the mean member and not against the best
# - counted the memory of all pairs, and paid with NMI for doing without them
#
# ## Recall
#
# 1. Why do labelings vote on pairs of pictures, not on the clusters of pictures?
#
# <details><summary>Answer</summary>
#
# The names of clusters mean nothing, so cluster 1 of two labelings need not be the
# same. Whether two pictures lie together does not depend on names.
#
# </details>
#
# 2. Ten labelings from the same weak layer and three from a good one: what will
#    evidence accumulation do?
#
# <details><summary>Answer</summary>
#
# Most likely follow the ten: seeds of one layer share errors, which then do not cancel.
# More labelings from sources that err in other ways would help, or fewer of the ten.
#
# </details>
#
# 3. An ensemble is above the mean of its members. Is it worth the work?
#
# <details><summary>Answer</summary>
#
# If you cannot know which member is good, yes. If you can, compare with the best
# member, over several draws: here the ensemble lost to it in two of eight cases.
#
# </details>
#
# ## References
#
# - A. Fred, A. Jain, *Combining multiple clusterings using evidence accumulation*, IEEE
#   TPAMI 27, 2005
# - A. Strehl, J. Ghosh, *Cluster ensembles: a knowledge reuse framework for combining
#   multiple partitions*, JMLR 3, 2002
# - X. Fern, C. Brodley, *Solving cluster ensemble problems by bipartite graph
#   partitioning*, ICML 2004
# - J. Guérin, S. Thiery, E. Nyiri, O. Gibaru, B. Boots, *Combining pretrained CNN
#   feature extractors to enhance clustering of complex natural images*,
#   Neurocomputing 423, 2021, arXiv:2101.02767 (the published numbers)
#
# ## Next
#
# Lesson 9, `09_senses_of_a_search.ipynb`: what are the meanings of an ambiguous word?
