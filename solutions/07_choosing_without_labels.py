# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 7 · Choosing without labels
#
# So far the true labels told us which clustering was better. Your own folder of images has
# none. Which representation do you take, which algorithm, how many clusters? Here we pretend
# that the stamps and the photos have no labels, choose by criteria that need none, and only
# then open the labels to see how good the choices were.
#
# **You will be able to**
#
# - explain why silhouettes of different representations cannot be compared,
# - measure clusters in a space that all representations share,
# - compute stability and the gap statistic, and say which k each tends to prefer,
# - find a radius for DBSCAN, and notice when it has failed,
# - propose a clustering of unlabelled images, and say how far to trust it.
#
# **You need** lessons 1, 2 and 6: the silhouette, the adjusted scores ARI and AMI, layers,
# algorithms and subsamples.
#
# **Reading** 25 minutes, the exercises as much again · **run time** about a minute on a CPU,
# the same on a GPU, since the features are cached; the first start of UMAP takes longer.

# %% tags=["setup"]
import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn import metrics as sk
from sklearn.cluster import DBSCAN, KMeans
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from course_utils import images, representations, clustering
from course_utils import experiments, plots, widgets

limited = threadpool_limits(1)  # on so few images, one thread is faster than many

# %% [markdown]
# ## 1 · Which representation?
#
# One question at a time: suppose that we knew the number of clusters, 7 and 10, but not which
# of eight representations to use. We run k-means on each and compute the **silhouette** of
# lesson 1: how much nearer is each image to its own cluster than to the next?
#
# **Predict first.** Which representation has the highest silhouette on the stamps?

# %%
prediction = None  # raw, colour, hog, lbp, bovw, SqueezeNet, … block6 or pool

# %%
POOL = "EfficientNetLite0"  # its last features, `pool`
NAMES = ["raw", "colour", "hog", "lbp", "bovw", "SqueezeNet", f"{POOL}:block6", POOL]
CLUSTERS = {"stamps": 7, "photos": 10}
image_sets = {name: images.load(name, progress=False) for name in CLUSTERS}


def score(name, labels_pred):
    """AMI with the true labels: to be called after a choice, never for it."""
    true_labels = image_sets[name].true_labels
    return sk.adjusted_mutual_info_score(true_labels, labels_pred)


vectors, labels, silhouettes = {}, {}, {}
for name, k in CLUSTERS.items():
    for representation in NAMES:
        key = name, representation
        rows = representations.extract(image_sets[name], representation, progress=False)
        vectors[key] = normalize(rows.astype(float))
        labels[key] = clustering.cluster(vectors[key], "l2+kmeans", k)
        silhouettes[key] = {"own space": sk.silhouette_score(vectors[key], labels[key])}
own = pd.DataFrame(silhouettes).T["own space"]
display(own.unstack(level=0).loc[NAMES].round(2))
lessons.reveal(prediction, own["stamps"].idxmax(), "the representation it chooses")

# %% [markdown]
# The silhouette chooses `colour` on the stamps and `lbp` on the photos: two handcrafted
# representations, ahead of both networks. Before we judge that, we test the silhouette itself.
# The next cell keeps 2 to 192 principal components (lesson 6) of EfficientNetLite0's last
# features, `pool`. In each space it clusters anew; it also measures one fixed clustering, that
# of all components.

# %%
KEPT = (2, 3, 6, 12, 24, 48, 96, 192)
fixed, rows = labels["stamps", POOL], {}
for kept in KEPT:
    points = PCA(kept, random_state=0).fit_transform(vectors["stamps", POOL])
    anew = KMeans(7, n_init=10, random_state=0).fit_predict(points)
    rows[kept] = {
        "silhouette, clustered anew": sk.silhouette_score(points, anew),
        "silhouette, fixed clusters": sk.silhouette_score(points, fixed),
        "AMI, clustered anew": score("stamps", anew),
    }
by_components = pd.DataFrame(rows).T

# %% tags=["drawing"]
# @title Draw silhouette and AMI by the number of components
figure, panel = plt.subplots(figsize=(7, 3.4), layout="constrained")
for number, (title, values) in enumerate(by_components.items()):
    colour, marker = plots.look(number)
    style = "--" if "AMI" in title else "-"
    panel.plot(
        range(len(KEPT)), values, style, marker=marker, color=colour, label=title
    )
panel.axhline(0, color="black", ls=":")
panel.text(7.1, 0.02, "chance (AMI)", ha="right", fontsize=9)
panel.set_xticks(range(len(KEPT)), KEPT)
panel.set(xlabel="principal components kept", ylabel="score", ylim=(-0.05, 1.02))
panel.legend(frameon=False, loc="upper right", ncols=3, fontsize=8)
ends = by_components.loc[[6, 192]].round(2)
plots.show(
    "From 6 to 192 components of the stamps, the silhouette falls from "
    f"{ends.iloc[0, 0]} to {ends.iloc[1, 0]}, of fixed clusters from "
    f"{ends.iloc[0, 1]} to {ends.iloc[1, 1]}; AMI goes from {ends.iloc[0, 2]} to "
    f"{ends.iloc[1, 2]}."
)

# %% [markdown]
# From six components on, AMI (dashed) hardly changes, while the silhouette loses more than
# half, <!-- claim 07.dimensions --> even for fixed clusters. An example shows how. For a = 1
# and b = 2, s = (2 − 1)/2 = .5. Further directions that separate nothing add 5, say, to every
# *squared* distance: a = √6 = 2.45, b = √9 = 3, and s = .18. The clusters are the same; only
# the space has changed. **Silhouettes from different spaces cannot be compared.**
#
# ### A space that all share
#
# Link every image to its nearest neighbours. This **neighbour graph** records which images are
# near each other, but not in how many dimensions. An **embedding** of the graph gives each
# image a few coordinates that put linked images close together:
#
# - **Laplacian eigenmaps** take the smoothest coordinates, those that differ least across the
#   links. They are eigenvectors of a matrix of the graph; spectral clustering (lesson 6) uses
#   the same ones.
# - **UMAP** moves points on a plane until linked ones are close and others are apart.
#   Lesson 8 draws such planes, and shows what they invent.
#
# Lowe et al. (2024) cluster the features as before, and only *measure* the silhouette after
# UMAP. We do so in both embeddings, then open the labels.

# %%
spaces = {}
for key, rows in vectors.items():
    spaces[key] = {
        "after UMAP": clustering.umap_embedding(rows, n_neighbors=30, min_dist=0.0),
        "after eigenmaps": clustering.laplacian_eigenmaps(rows, 10),
    }
    for space, points in spaces[key].items():
        silhouettes[key][space] = sk.silhouette_score(points, labels[key])
    silhouettes[key]["AMI"] = score(key[0], labels[key])
silhouettes = pd.DataFrame(silhouettes).T

# %% tags=["drawing"]
# @title Draw the silhouettes of each representation in three spaces
figure, panels = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
said = []
for panel, name in zip(panels, image_sets, strict=True):
    table = silhouettes.loc[name].sort_values("AMI")
    titles = [f"{row}   AMI {ami:.2f}" for row, ami in table["AMI"].items()]
    for number, space in enumerate(["own space", "after UMAP", "after eigenmaps"]):
        colour, marker = plots.look(number)
        places = np.arange(len(table)) + 0.2 * (1 - number)
        panel.plot(table[space], places, marker, color=colour, label=space)
        best = table[space].argmax()
        ring = {"mfc": "none", "mec": "black", "ms": 14}
        panel.plot(table[space].iloc[best], places[best], "o", **ring)
        said.append(f"{name}, {space}: {table.index[best]}")
    panel.set_yticks(range(len(table)), titles)
    panel.set(title=name, xlabel="silhouette (ring: highest)", xlim=(0, 1))
    panel.grid(axis="y", color="#eeeeee")
panels[0].legend(frameon=False, loc="lower right", fontsize=9)
plots.show(f"Which representation has the highest silhouette. {'; '.join(said)}.")

# %% [markdown]
# The rows are sorted by AMI, best on top, so a good criterion has its ring near the top. In
# its own space (circles) the silhouette chose a representation whose AMI is more than .3 below
# the best. <!-- claim 07.own-space --> In the embeddings, of the same clusters, it chose one
# of the best: with eigenmaps, at most .1 below on nearly every subsample of both sets.
# <!-- claim 07.neighbour-space --> Further down the order is unreliable: on the photos `lbp` is
# ahead of `hog`, which has the higher AMI. <!-- claim 07.order -->
#
# ## 2 · How many clusters?
#
# Now the representation is fixed, `pool`, and k is open. Within one space silhouettes may be
# compared, so the curve of lesson 1 is a candidate, in each of the three spaces. Here are two
# others.
#
# **Stability** (Ben-Hur et al. 2002): real groups should not depend on which images we happen
# to have. Cluster two random parts of the images separately, and compare the labels of the
# images that are in both by the adjusted Rand index of lesson 2.
#
# ### Exercise 7.1 · Do two subsamples agree? (medium)
#
# Write `agreement(points, first, second, cluster)`. `first` and `second` are arrays of row
# numbers of `points`, in any order; `cluster(rows)` returns one label per row. Cluster both
# parts separately, and return the adjusted Rand index on the images in both.


# %%
def agreement(points, first, second, cluster):
    # BEGIN SOLUTION: return None
    _, in_first, in_second = np.intersect1d(first, second, return_indices=True)
    labels_first, labels_second = cluster(points[first]), cluster(points[second])
    return sk.adjusted_rand_score(labels_first[in_first], labels_second[in_second])
    # END SOLUTION


checks.ex07_1(agreement)

# %% [markdown]
# **Predict first.** Which k from 2 to 20 is the most stable on the stamps? (There are seven
# classes, among them birds and mammals, fruit and vegetables.)

# %%
prediction_2 = None  # e.g. 7

# %%
KS = range(2, 21)


def stability(points, k):
    """Mean agreement of five pairs of 80% subsamples."""
    if not checks.passed("7.1"):
        return clustering.stability(points, "kmeans", k)
    generator, n_images = np.random.default_rng(0), len(points)
    k_means = KMeans(k, n_init=3, random_state=0)
    parts = [generator.permutation(n_images)[: n_images * 4 // 5] for _ in range(10)]
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return np.mean([agreement(points, *pair, k_means.fit_predict) for pair in pairs])


# %%
points = {name: PCA().fit_transform(vectors[name, POOL]) for name in image_sets}
runs = {
    name: [KMeans(k, n_init=5, random_state=0).fit_predict(rows) for k in KS]
    for name, rows in points.items()
}
curves = {}
for name, rows in points.items():
    measured = {"own space": rows, **spaces[name, POOL]}
    curves[name] = pd.DataFrame(
        {
            what: [sk.silhouette_score(space, found) for found in runs[name]]
            for what, space in measured.items()
        },
        index=KS,
    )
    curves[name]["stability"] = [stability(rows, k) for k in KS]
stable = int(curves["stamps"]["stability"].idxmax())
lessons.reveal(prediction_2, stable, "the most stable k")

# %% [markdown]
# **The gap statistic** (Tibshirani et al. 2001): how much lower is the inertia than for data
# without clusters? Draw **reference** points evenly from the box that the images fill along
# their principal components, cluster them too, and take
#
# $$ \text{gap}(k) = \text{mean log inertia of the references} - \text{log inertia}. $$
#
# Noise makes the gap wobble by about $s(k)$, the standard deviation over B references times
# $\sqrt{1 + 1/B}$. The published rule takes the smallest k with $\text{gap}(k) \ge
# \text{gap}(k+1) - s(k+1)$: one more cluster would gain nothing certain. For gaps .50, .80,
# .82 at k = 2, 3, 4 and s = .05, that is 3, since .80 ≥ .82 − .05.
#
# ### Exercise 7.2 · The rule of the gap statistic (medium)
#
# Write `gap_rule(ks, log_inertia, log_references)`: `log_inertia` has one number per k,
# `log_references` one row per reference and one column per k. Return the k of the rule; the
# largest k if no k meets it. Use NumPy's default standard deviation (ddof=0).


# %%
def gap_rule(ks, log_inertia, log_references):
    # BEGIN SOLUTION: return None
    gap = np.mean(log_references, axis=0) - log_inertia
    s = np.std(log_references, axis=0) * np.sqrt(1 + 1 / len(log_references))
    for place in range(len(ks) - 1):
        if gap[place] >= gap[place + 1] - s[place + 1]:
            return ks[place]
    return ks[-1]
    # END SOLUTION


checks.ex07_2(gap_rule)


# %%
def log_inertia(rows, k, n_init=1):
    return np.log(KMeans(k, n_init=n_init, random_state=0).fit(rows).inertia_)


proposals = {name: curve.idxmax().to_dict() for name, curve in curves.items()}
for name, rows in points.items():
    generator, box = np.random.default_rng(0), (rows.min(axis=0), rows.max(axis=0))
    references = [generator.uniform(*box, rows.shape) for _ in range(5)]
    expected = np.array([[log_inertia(one, k) for k in KS] for one in references])
    actual = np.array([log_inertia(rows, k, 5) for k in KS])
    curves[name]["gap"] = expected.mean(axis=0) - actual
    if checks.passed("7.2"):
        proposals[name]["gap"] = int(gap_rule(list(KS), actual, expected))
pd.DataFrame(proposals)

# %% [markdown]
# Even without labels we can see that the criteria contradict each other. After UMAP, the
# silhouette asks for at most as many clusters as after eigenmaps in ten dimensions, and on the
# stamps for fewer. <!-- claim 07.biases --> A compromise is their mean. Their ranges differ, so
# we first **standardise** each curve: subtract its mean over k, divide by its standard
# deviation.
#
# ### Exercise 7.3 · Average two criteria (easy)
#
# Write `propose(table)` for a DataFrame with one row per k and the columns `k`, `after_umap`,
# `after_eigenmaps` and others. Return the k with the highest mean of the two standardised
# columns.


# %%
def propose(table):
    # BEGIN SOLUTION: return None
    columns = table[["after_umap", "after_eigenmaps"]]
    standardised = (columns - columns.mean()) / columns.std()
    return int(table["k"].loc[standardised.mean(axis=1).idxmax()])
    # END SOLUTION


checks.ex07_3(propose)

# %%
for name, curve in curves.items():
    if checks.passed("7.3"):
        table = curve.reset_index(names="k")
        titles = {"after UMAP": "after_umap", "after eigenmaps": "after_eigenmaps"}
        proposals[name]["mean of both"] = propose(table.rename(columns=titles))
    else:
        choice = clustering.choose(vectors[name, POOL])
        proposals[name]["mean of both"] = choice.n_clusters
    curve["AMI"] = [score(name, found) for found in runs[name]]
scored = {
    name: {what: curves[name].loc[k, "AMI"] for what, k in chosen.items()}
    for name, chosen in proposals.items()
}
pd.concat({"k": pd.DataFrame(proposals), "AMI": pd.DataFrame(scored)}, axis=1).round(2)

# %% tags=["drawing"]
# @title Draw the curves of all criteria, and the AMI of what they chose
figure, panels = plt.subplots(
    2, 4, figsize=(12, 5.6), sharex=True, layout="constrained"
)
GROUPS = ["own space", "after UMAP", "after eigenmaps"], ["stability"], ["gap"]
said = []
for row, (name, curve) in zip(panels, curves.items(), strict=True):
    number = 0
    for panel, group in zip(row, GROUPS, strict=False):
        for what in group:
            colour, marker = plots.look(number)
            number += 1
            panel.plot(KS, curve[what], "-", color=colour, label=what)
            k = proposals[name].get(what)
            if k:
                panel.plot(k, curve[what][k], marker, color=colour, ms=9, mec="black")
        panel.set_title(f"{name}: {'silhouette' if len(group) > 1 else group[0]}")
    row[3].plot(curve["AMI"], "-", color="#888888")
    row[3].axhspan(curve["AMI"].max() - 0.02, curve["AMI"].max(), color="#dddddd")
    for number, (what, k) in enumerate(proposals[name].items()):
        colour, marker = plots.look(number)
        style = {"color": colour, "mec": "black", "ms": 8, "ls": "", "label": what}
        row[3].plot(k, curve["AMI"][k], marker, **style)
        said.append(f"{name}, {what}: k = {k}")
    row[3].set(title=f"{name}: AMI (band: within .02)", ylim=(0, 1.02))
panels[0, 0].legend(frameon=False, fontsize=8)
panels[0, 3].legend(frameon=False, fontsize=8, loc="lower right")
for panel in panels[1]:
    panel.set(xlabel="number of clusters k", xticks=range(2, 21, 3))
plots.show(f"Curves over k, and what each criterion proposes. {'; '.join(said)}.")

# %% [markdown]
# A mark on a curve is what its criterion proposes; the last panel shows the AMI of each
# proposal, where chance is 0. On the photos, all six propose ten clusters. On the stamps they
# spread from 3 to 8:
#
# - Stability prefers fewer clusters than there are classes. <!-- claim 07.few --> Here k = 3
#   is barely ahead of 7.
# - The gap keeps rising: on both sets it is larger at 20 clusters than at the number of
#   classes. <!-- claim 07.gap --> Its maximum is no guide, but here its rule finds 7 and 10.
# - The mean of both silhouettes loses at most .1 of AMI on nearly every subsample of either
#   set. So does the silhouette in its own space; after UMAP alone, several lose more.
#   <!-- claim 07.mean -->
#
# A warning about "mean of both": we found this rule by comparing many rules *with the labels
# of these very sets*. On other images, expect less.
#
# Can stability choose the representation? Not here: on the stamps, the clusters of `colour` are
# more stable than those of `pool`, with less than half their AMI.
# <!-- claim 07.stable-and-wrong -->
#
# ## 3 · Which algorithm, which radius?
#
# Algorithms that run on the same features can be compared by a silhouette in the same space.
# Here are five.

# %%
ALGORITHMS = "l2+kmeans", "l2+ward", "l2+average", "l2+spectral", "l2+gmm"
rows = {}
for name, k in CLUSTERS.items():
    for algorithm in ALGORITHMS:
        found = clustering.cluster(vectors[name, POOL], algorithm, k)
        values = {
            space: sk.silhouette_score(embedded, found)
            for space, embedded in spaces[name, POOL].items()
        }
        rows[name, algorithm] = {**values, "AMI": score(name, found)}
pd.DataFrame(rows).T.round(2)

# %% [markdown]
# There is little to gain: their AMI spans about .06 on either set, that of the representations
# above more than .5.
#
# DBSCAN (lesson 6) needs no k, but a **radius**: an image with at least five images within it,
# itself included, is a core. For the **k-distance plot**, Ester et al. (1996) sort the
# distances of all images to their k-th neighbour, here the fifth. Images in dense regions come
# first; where isolated ones begin, the curve bends upwards. The distance at this **knee**
# becomes the radius.
#
# ### Exercise 7.4 · The knee of a curve (medium)
#
# Write `knee(distances)`. Sort the distances upwards; scale places and distances to 0 to 1;
# find the point that is farthest below the straight line from the first point to the last,
# where place − scaled distance is largest; return its distance, unscaled.


# %%
def knee(distances):
    # BEGIN SOLUTION: return None
    heights = np.sort(distances)
    scaled = (heights - heights[0]) / (heights[-1] - heights[0])
    return heights[np.argmax(np.linspace(0, 1, len(heights)) - scaled)]
    # END SOLUTION


checks.ex07_4(knee)

# %%
fifth, radii, rows = {}, {}, {}
for name in image_sets:
    index = NearestNeighbors(n_neighbors=5).fit(vectors[name, POOL])
    fifth[name] = index.kneighbors(vectors[name, POOL])[0][:, -1]  # itself included
    radii[name] = {"median": np.median(fifth[name])}
    if checks.passed("7.4"):
        radii[name]["knee"] = float(knee(fifth[name]))
    for what, radius in radii[name].items():
        found = DBSCAN(eps=radius, min_samples=5).fit_predict(vectors[name, POOL])
        rows[name, what] = {
            "radius": round(radius, 3),
            "clusters": len(set(found) - {-1}),
            "largest cluster": np.bincount(found[found >= 0]).max(),
            "noise": (found == -1).sum(),
            "AMI": round(score(name, found), 2),
        }
dbscan = pd.DataFrame(rows).T
dbscan

# %% tags=["drawing"]
# @title Draw the distances to the fifth neighbour
figure, panel = plt.subplots(figsize=(7, 3.4), layout="constrained")
said = []
for number, (name, distances) in enumerate(fifth.items()):
    colour, _ = plots.look(number)
    ascending = np.sort(distances)
    style = {"color": colour, "ls": "-" if number else "--", "label": name}
    panel.plot(np.linspace(0, 1, len(ascending)), ascending, **style)
    for what, radius in radii[name].items():
        place = (ascending < radius).mean()
        panel.plot(place, radius, "sD"[what == "knee"], color=colour, ms=8, mec="black")
        n_clusters = int(dbscan.loc[(name, what), "clusters"])
        text = f"{what}: {n_clusters} cluster{'s' * (n_clusters > 1)}"
        where = {"xytext": (6, -16) if number else (-6, 10), "fontsize": 9}
        where |= {"ha": "left" if number else "right", "textcoords": "offset points"}
        panel.annotate(text, (place, radius), **where)
        said.append(f"{name}, {what} {radius:.2f}: {text.split(': ')[1]}")
panel.set(
    xlabel="share of the images, sorted", ylabel="distance to the fifth neighbour"
)
panel.legend(frameon=False)
plots.show(f"Sorted distances to the fifth neighbour. {'; '.join(said)}.")

# %% [markdown]
# Both curves are nearly straight, with hardly a bend to find. On the photos, the radius at the
# knee (diamond) leaves fewer images as noise than the median (square), the course's default,
# and its AMI is higher. On the stamps it puts more than four fifths of the images into one
# cluster, which the median does not. <!-- claim 07.knee --> A radius that is a little too
# large links clusters in a chain. You can notice that *without labels*: distrust one cluster
# with nearly all the images. Try smaller radii, or HDBSCAN, which tries all.
#
# ## 4 · How often is it right?
#
# One answer per set may be luck. The course includes a table of each question asked twenty times
# per set: on random 80% parts of the stamps and of the photos, and on random choices of 5 to 15
# classes from **Caltech-101**, a published set of photographs, with up to 30 images per class.
# How often did a criterion choose something within .02 of the AMI of the best candidate? (For
# k, each draw counts twice, with `pool` and with SqueezeNet.)

# %%
evidence = experiments.reference_table("choosing")
evidence["close"] = evidence["ami"] >= evidence["best_ami"] - 0.02
CRITERIA = {
    "silhouette": "silhouette, own space",
    "after_umap": "after UMAP",
    "after_eigenmaps": "after eigenmaps",
    "choose": "mean of both",
    "stability": "stability",
    "gap": "gap, by its rule",
    "agreement": "agreement with the others",
}
hits = evidence.pivot_table(
    index="criterion", columns=["question", "image_set"], values="close"
).reindex(list(CRITERIA))
evidence.drop(columns="date").groupby("question").head(1)

# %% tags=["drawing"]
# @title Draw how often each criterion was within .02 of the best
QUESTIONS = {"k": 19, "representation": 7, "layer": 8, "algorithm": 5}
SETS = ["stamps", "photos", "caltech101"]
figure, panels = plt.subplots(
    1, 4, figsize=(12, 3.6), sharey=True, layout="constrained"
)
said = []
for panel, (question, n_candidates) in zip(panels, QUESTIONS.items(), strict=True):
    table = hits[question][SETS]
    shown = panel.imshow(table, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(table):
        text = "–" if np.isnan(share) else f"{share:.0%}"
        colour = "black" if share > 0.5 or np.isnan(share) else "white"
        panel.text(column, row, text, color=colour, ha="center", va="center")
    panel.set_xticks(range(len(SETS)), SETS)
    panel.set_title(f"{question}, of {n_candidates}")
    panel.grid(False)
    best = table.mean(axis=1)
    said.append(f"{question}: {CRITERIA[best.idxmax()]} {best.max():.0%}")
panels[0].set_yticks(range(len(CRITERIA)), CRITERIA.values())
figure.colorbar(shown, ax=panels, label="share of draws within .02")
plots.show(f"The criterion that is most often close, over all sets: {'; '.join(said)}.")

# %% [markdown]
# The titles give the number of candidates; blind guessing finds the best of 19 in 5% of the
# draws. Compare the rows:
#
# - For representation and layer, the silhouette in its own space was close in no draw of any
#   set; after UMAP it was in most.
# - For k, the mean of both is close most often, yet misses on a third of the stamps' draws, and
#   on Caltech-101 it is barely ahead of the silhouette in its own space. Stability is close
#   least often, on every set.
# - **Agreement**, the mean AMI with the clusters of the other representations, often prefers
#   SqueezeNet to the better `pool`, except on the photos. Most of the others are handcrafted.
#
# "Mean of both" was found on images of these same three sets, so do not read much into small
# differences.
#
# `clustering.choose` combines these steps: for each representation it proposes k by the mean of
# both standardised silhouettes, then ranks the proposals by the **level**, the mean of the
# two silhouettes themselves.

# %%
compared = {
    each: vectors["photos", each] for each in ("lbp", "hog", "SqueezeNet", POOL)
}
choice = clustering.choose(compared, "l2+kmeans", ks=range(2, 16))
found = clustering.cluster(
    compared[choice.representation], "l2+kmeans", choice.n_clusters
)
print(f"proposed: {choice.representation}, k = {choice.n_clusters}")
print(f"its AMI, opened afterwards: {score('photos', found):.2f}")
figure = plots.choice(choice)
levels = ", ".join(f"{r} {v:.2f}" for r, v in choice.ranking.iloc[:, [0, 3]].values)
plots.show(f"Evidence on the photos. Levels of the representations: {levels}.")

# %% [markdown]
# Left, k = 10 is proposed, where both solid curves are highest. Right, `lbp` is ahead of `hog`
# again: use the top of this ranking, not the order below it.
#
# SqueezeNet and `pool` both learnt from class labels. Which of DINOv2, which learnt from images
# alone, CLIP, which learnt from captions, and ConvNeXt, which learnt from labels, would be
# proposed for the photos (lesson 5)? Write it down; where there is a network connection and
# KerasHub, as on Colab, the next cell tells.

# %%
my_choice = None  # e.g. "DINOv2S"
trained_otherwise = {}
for each in ("ConvNeXtTiny", "DINOv2S", "CLIPB32"):
    try:
        rows = representations.extract(image_sets["photos"], each, progress=False)
    except representations.WeightsUnavailable as error:
        print("skipped:", str(error).partition(" and ")[0])
    else:
        trained_otherwise[each] = rows
if trained_otherwise:
    trained_otherwise[POOL] = vectors["photos", POOL]
    found = clustering.choose(trained_otherwise, "l2+kmeans", ks=range(2, 16))
    lessons.reveal(my_choice, found.representation, "the proposal")
    display(found.ranking.round(2))

# %% [markdown]
# ### What no criterion knows
#
# No criterion knows what you want the clusters for. Images can be grouped by subject, by colour
# or by shape, and each is a valid partition. So look at a proposal before you accept it. Move
# both sliders: each row is a cluster, with the eight images nearest its centre. No label is
# used.

# %% tags=["drawing"]
# @title Draw the clusters of a proposal
unlabelled = dataclasses.replace(image_sets["stamps"], true_labels=None, class_names=())


def draw_clusters(representation, k):
    """The images nearest the centre of each cluster of the stamps."""
    rows = vectors["stamps", representation]
    found = clustering.cluster(rows, "l2+kmeans", k)
    plots.gallery(unlabelled, found, rows, n_pictures=8, max_clusters=10)
    sizes = ", ".join(map(str, np.sort(np.bincount(found))[::-1]))
    return f"The stamps by {representation} in {k} clusters, of {sizes} images."


widgets.FigureSlider(
    draw_clusters,
    start={"k": 4},
    representation=[POOL, "colour"],
    k=[2, 3, 4, 5, 6, 7, 8, 9, 10],
)

# %% [markdown]
# At k = 4, `pool` gives animals, plants, coins and road signs. Its AMI is lower than that of 7
# or 8 clusters, since our classes are finer; who would call it wrong? Now choose `colour`
# with k = 7: it separates silver coins from golden ones, and puts yellow flowers with yellow
# signs. A coin collector may prefer that.
#
# A procedure for a folder of your own:
#
# 1. Extract a few representations, among them layers of at least one network, and run
#    `clustering.choose`.
# 2. Look at the clusters of the first two or three proposals, and at neighbouring k.
# 3. Ask whether they serve your purpose. If not, change the representation before k.
# 4. Report how you chose. Label a hundred images if you can, and score the choice.
#
# ## Exercises
#
# Four you have met on the way; here is one more.
#
# ### Exercise 7.5 · A choice of your own (open)
#
# Take a part of the stamps or the photos, at least 60 images: some of the classes, say, or
# very unequal numbers. Compare at least two representations and two k by a criterion of your
# choice. Put them into a table with the columns `representation`, `algorithm`, `k`,
# `criterion` (higher is better) and, added last, `ami`: that of
# `clustering.cluster(rows[places], algorithm, k)`, where `rows` are the features. Say in a sentence (8 to 80 words) what
# the criterion chose and how good that was. The check computes the AMI again; a bad choice that
# is reported honestly is a right answer.

# %%
# BEGIN SOLUTION: name = places = table = sentence = None
name = "photos"
places = np.flatnonzero(image_sets[name].true_labels < 6)  # six of the ten classes
some = {each: vectors[name, each][places] for each in ("hog", "SqueezeNet", POOL)}
table = clustering.choose(some, ks=range(3, 10)).evidence
table["criterion"] = table[["after_umap", "after_eigenmaps"]].mean(axis=1)
table["ami"] = [
    sk.adjusted_mutual_info_score(
        image_sets[name].true_labels[places],
        clustering.cluster(some[row.representation], row.algorithm, row.k),
    )
    for row in table.itertuples()
]
sentence = (
    "By the mean of both silhouettes, not standardised, I chose pool with six "
    "clusters, the number of classes in this part; its AMI is the best of all rows, but one part "
    "of one set cannot show how often that happens."
)
# END SOLUTION
checks.ex07_5(name, places, table, sentence)

# %% tags=["solution"]
table.nlargest(5, "criterion")[["representation", "k", "criterion", "ami"]].round(2)

# %%
checks.summary()

# %% [markdown]
# ## In this notebook we …
#
# - saw silhouettes fall with the number of dimensions while the clusters stayed as good;
# - measured clusters of all representations in embeddings of their neighbour graphs;
# - computed stability, the gap statistic and a mean of two silhouettes, and met their biases;
# - took a radius from a knee, which worked on one set and gave one giant cluster on the other;
# - counted how often each criterion is close to the best, and looked at what it proposed.
#
# ## Recall
#
# 1. Features A have a silhouette of .4 in 64 dimensions, features B of .1 in 1,280. Which
#    do you take?
#
# <details><summary>Answer</summary>
#
# The two numbers do not say: they come from different spaces. Measure both clusterings after
# an embedding of each neighbour graph, and look at the clusters.
#
# </details>
#
# 2. A clustering into three clusters is perfectly stable. Are there three groups?
#
# <details><summary>Answer</summary>
#
# Not necessarily. A coarse partition of more groups can be stable, and so can one by
# something that does not interest you, such as the background.
#
# </details>
#
# 3. You tried eight criteria, and publish the one that fits your true labels best. What is
#    wrong with "we chose k without labels"?
#
# <details><summary>Answer</summary>
#
# The labels chose the criterion. Test it on other images before you trust it. The same holds
# for "mean of both" in this lesson.
#
# </details>
#
# ## References
#
# - P. J. Rousseeuw. Silhouettes. J. Computational and Applied Mathematics 20, 1987.
# - M. Ester, H.-P. Kriegel, J. Sander and X. Xu. A density-based algorithm for discovering
#   clusters in large spatial databases with noise. KDD 1996 (the k-distance plot).
# - R. Tibshirani, G. Walther and T. Hastie. Estimating the number of clusters in a data set
#   via the gap statistic. J. Royal Statistical Society B 63, 2001.
# - A. Ben-Hur, A. Elisseeff and I. Guyon. A stability based method for discovering structure
#   in clustered data. Pacific Symposium on Biocomputing, 2002.
# - M. Belkin and P. Niyogi. Laplacian eigenmaps for dimensionality reduction and data
#   representation. Neural Computation 15, 2003.
# - T. Lange, V. Roth, M. Braun and J. Buhmann. Stability-based validation of clustering
#   solutions. Neural Computation 16, 2004.
# - U. von Luxburg. Clustering stability: an overview. Foundations and Trends in Machine
#   Learning 2, 2010 (why stability prefers what it prefers).
# - S. C. Lowe et al. An empirical study into clustering of unseen datasets with
#   self-supervised encoders. arXiv:2406.02465, 2024 (the silhouette after UMAP).
#
# ## Next
#
# `08_maps_of_images.ipynb`: the images on a map, and what a map may tell you.
