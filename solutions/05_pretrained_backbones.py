# %% [markdown]
# # 5 · Pretrained backbones
#
# Someone has already trained a network to put names to more than a million photographs.
# It has never seen our pictures, and for most of them it does not even have the right
# word. Yet what it computes just before it speaks sorts them better than everything we
# have built so far.
#
# **You will be able to**
#
# - cut a pretrained network open and take features from its inside,
# - turn maps of 7 × 7 places into one vector per picture, and say what is lost,
# - recognise wrong preprocessing, which raises no error and costs you anyway,
# - compare pixels, handcrafted and pretrained features fairly, chance level included,
# - say what such features still get wrong, and why.
#
# **You need** k-means (lesson 1), the scores (lesson 2), features as vectors (lessons 3
# and 4). No knowledge of neural networks.
#
# **Reading** 40 minutes, the exercises as much again · **run time** one to two minutes
# on a CPU the first time, then less, since features are kept; less on a GPU; with the
# ten downloaded networks some minutes on a GPU.

# %% tags=["setup"]
import time
from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from course_utils import images, representations, clustering, metrics, experiments
from course_utils import plots, widgets

# %% [markdown]
# ## 1 · A network that has learnt a thousand nouns
#
# EfficientNet-Lite0 comes with the course. Google trained it on the 1.28 million
# photographs of ImageNet to answer one question: which of 1000 nouns is this? It is a
# chain of *layers*. Each takes what the one before it computed, multiplies by numbers
# that were found in training (the *weights*, 4.7 million in all), adds, clips, and
# passes the result on. The last layer gives 1000 probabilities. Let it look at some
# stamps.

# %%
# This imports Keras, which takes some seconds.
print("Keras computes on the", representations.accelerator())

import keras

image_set = images.load("stamps", progress=False)
network = representations.efficientnet_lite0()
nouns = representations.imagenet_class_names()
print(f"{len(image_set)} pictures; {len(network.layers)} layers, {len(nouns)} nouns")
print(f"{network.count_params():,} weights")

# %%
SHOWN = ["tucan", "zebra", "strawberry", "kangaroo", "mouse", "potato", "rose", "200"]
file_names = [Path(image).stem for image in image_set.images]
places = [file_names.index(name) for name in SHOWN]

pictures = np.stack([image_set.picture(place, size=224) for place in places])
prepared = representations.preprocess_efficientnet_lite0(pictures)
probabilities = np.asarray(network(prepared))
print("pictures     ", pictures.shape, pictures.dtype)
print("prepared     ", prepared.shape, f"{prepared.min():.2f} to {prepared.max():.2f}")
print("probabilities", probabilities.shape, f"row sum {probabilities[0].sum():.3f}")

# %%
figure, panels = plt.subplots(
    4, 4, figsize=(10, 6), width_ratios=[1, 1.5, 1, 1.5], layout="constrained"
)
figure.suptitle("Eight stamps and the five nouns the network finds likeliest")
for (photo, bars), picture, shares in zip(
    panels.reshape(-1, 2), pictures, probabilities, strict=True
):
    best = shares.argsort()[::-1][:5]
    photo.imshow(picture)
    photo.axis("off")
    bars.barh(range(5), shares[best], color="#0072B2")
    bars.set_yticks(range(5), [nouns[noun] for noun in best])
    bars.invert_yaxis()
    bars.set_xlim(0, 1)
for bars in panels[-1, 1::2]:
    bars.set_xlabel("probability")
likeliest = [f"{nouns[p.argmax()]} {p.max():.2f}" for p in probabilities]
plots.show(f"Eight stamps with their five likeliest nouns: {', '.join(likeliest)}.")

# %% [markdown]
# Eight stamps, each beside a bar chart of its five likeliest nouns. Toucan, zebra and
# strawberry are named at once, with probabilities above 0.8. The kangaroo becomes a
# gazelle or an ibex, the mouse a mousetrap, the potato a French loaf, the rose velvet
# and the two-euro coin face powder. These mistakes are worth a second look.

# %%
for word in ["zebra", "kangaroo", "mouse", "potato", "rose", "coin"]:
    found = [noun for noun in nouns if word in noun.split()]
    print(f"{word:10}{', '.join(found) or '– no such noun –'}")

# %% [markdown]
# The network has no word for a kangaroo, a rose or a coin and none for a whole potato,
# and its "mouse" is the one beside a computer. It must answer with one of its 1000
# nouns, so it takes what *looks* most alike: an oval, matt, brown loaf; red folds of
# velvet; a pale round box of powder. (Photographs of mousetraps often hold a mouse.)
# The names are wrong, but the looks behind them are well seen. For clustering we need
# no names. We only need that things which look alike in a sensible way come out alike.
#
# **Predict first.** The stamps hold 26 coins of four currencies, and there is no noun
# for any of them. Later we cluster all 193 pictures into seven clusters by what the
# network computes *before* it chooses a noun. How many of the 26 coins will lie
# together in one cluster?

# %%
prediction = None  # e.g. 13

# %% [markdown]
# ## 2 · Cut off the top
#
# A Keras network knows the output of each of its layers. `keras.Model(inputs, outputs)`
# makes a new model that begins at the same pictures and stops wherever we say. Nothing
# is copied and nothing is trained: the new model shares the layers of the old one. Here
# is one that returns the outputs of eight layers at once.

# %%
LAYERS = ["stem", "block2", "block3", "block5", "block7", "head", "pool", "top"]
stages = keras.Model(network.input, [network.get_layer(name).output for name in LAYERS])

tiger = image_set.picture(file_names.index("tiger_sumatran"), size=224)
outputs = stages(representations.preprocess_efficientnet_lite0(tiger[np.newaxis]))
activations = {name: np.asarray(o)[0] for name, o in zip(LAYERS, outputs, strict=True)}
for name, values in activations.items():
    print(f"{name:8}{' × '.join(map(str, values.shape)):16}{values.size:8,} numbers")

# %% [markdown]
# Read `112 × 112 × 32` as 32 pictures of 112 × 112 pixels laid over each other. Each of
# the 32 is a *channel*: a map of where in the picture one certain pattern was found.
# Towards the top the maps get coarser and there are more of them. The network gives up
# *where* in exchange for *what*. Let us look at the channels that vary most in an
# early, a middle and a late layer.

# %%
figure, panels = plt.subplots(3, 7, figsize=(10, 4.8), layout="constrained")
figure.suptitle("One tiger in three layers (bright: the channel responds)")
for row, name in zip(panels, ["stem", "block3", "block7"], strict=True):
    maps = activations[name]
    spread = maps.std(axis=(0, 1))
    row[0].imshow(tiger)
    row[0].set_title(f"{name}: {maps.shape[0]} × {maps.shape[1]}", fontsize=10)
    for panel, channel in zip(row[1:], spread.argsort()[::-1], strict=False):
        panel.imshow(maps[:, :, channel])
        panel.set_title(f"channel {channel}", fontsize=10)
    for panel in row:
        panel.axis("off")
plots.show(
    "A tiger in six channels of three layers: its edges and stripes in the stem, a "
    "coarse silhouette in block3, and bright or dark bands of 7 × 7 places in block7."
)

# %% [markdown]
# Three rows of six channels, each beside the tiger. In the `stem`, the first layer, the
# tiger is still a tiger: a channel is a filtered copy that answers to light, to dark or
# to edges of one direction. In `block3` only a coarse silhouette is left, with marks on
# the body or along its outline. In `block7` there are 7 × 7 places and no eye
# recognises the animal: a channel says that something is there, or is not, in the band
# across the middle where the tiger stands, and hardly what shape it had.
#
# ### From 7 × 7 places to one vector
#
# k-means needs one vector per picture, and `head` gives 7 × 7 × 1280 numbers. One could
# lay all 62,720 in a row, but then the same tiger moved a little to the left would get
# other features, just as with raw pixels. *Pooling* asks of every channel only how
# strongly it responds on average over the 49 places: 1280 numbers, whatever the place.
#
# ### Exercise 5.1 · Average pooling (easy)
#
# Write `average_pool`. It gets the maps of several pictures, shape
# (n, height, width, channels), and returns shape (n, channels).

# %%
def average_pool(maps):
    """Mean of every channel over all places: (n, h, w, c) → (n, c)."""
    # BEGIN SOLUTION: return None
    return np.asarray(maps).mean(axis=(1, 2))
    # END SOLUTION


pooled = average_pool(activations["head"][np.newaxis])
if pooled is not None:
    difference = np.abs(pooled[0] - activations["pool"]).max()
    print(f"largest difference from the network's own layer pool: {difference:.1e}")
checks.ex05_1(average_pool)

# %% [markdown]
# ### Exercise 5.2 · Cut off the top (easy)
#
# Write `cut`, which returns a Keras model from the network's pictures to the output of
# *one* layer, whatever its name. With it `cut(network, "pool")` gives the features.

# %%
def cut(network, layer_name):
    """A model that stops at the layer of this name."""
    # BEGIN SOLUTION: return None
    return keras.Model(network.input, network.get_layer(layer_name).output)
    # END SOLUTION


headless = cut(network, "pool")
if headless is not None:
    print("eight pictures give features of shape", np.asarray(headless(prepared)).shape)
checks.ex05_2(cut)

# %% [markdown]
# ### For all pictures: `representations.extract`
#
# From here on the course does the cutting and pooling. `representations.build_backbone(name)` returns
# a model from plain pictures (uint8, RGB) to features, with the network's own
# preprocessing built in, and `representations.extract` runs it over an image set. Why not just
# a loop that feeds one picture after the other? Measure it, for eight pictures.

# %%
def seconds(work):
    """How long a piece of work takes once it is warmed up."""
    work()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


one_by_one = np.split(prepared, len(prepared))
alone = seconds(lambda: [network.predict(one, verbose=0) for one in one_by_one])
together = seconds(lambda: network.predict(prepared, verbose=0))
print(f"one by one {alone:.2f} s, in one batch {together:.2f} s")
print(f"ratio {alone / together:.1f}")

# %% [markdown]
# The ratio depends on your machine, but the loop always loses: every call has a fixed
# price, and a single picture cannot keep all cores, let alone a GPU, busy. `extract`
# works in batches, reads the next pictures from disk while the network is at work,
# never holds more than a few of them in memory, and keeps the features in a cache on
# disk.

# %%
vectors = representations.extract(image_set, "EfficientNetLite0", progress=False)
started = time.perf_counter()
again = representations.extract(image_set, "EfficientNetLite0", progress=False)
print(f"features {vectors.shape}; {(vectors == 0).mean():.0%} of the numbers are zero")
print(f"the second time, from the cache: {time.perf_counter() - started:.2f} s")

# %% [markdown]
# The cache belongs to the bytes of the pictures, the layer, the weights and the
# preprocessing. Change one of them and the features are computed anew.
#
# ### What one number of the 1280 says
#
# Sort all pictures by a single feature and look at those on top. The four channels were
# picked by hand because they are easy to read; most are not so tidy.

# %%
CHANNELS = [988, 106, 905, 714]
figure, panels = plt.subplots(4, 9, figsize=(10, 4.8), layout="constrained")
figure.suptitle("The eight pictures with the highest value of one feature")
for row, channel in zip(panels, CHANNELS, strict=True):
    strongest = vectors[:, channel].argsort()[::-1]
    row[0].text(0.5, 0.5, f"feature\n{channel}", ha="center", va="center", fontsize=12)
    for panel, place in zip(row[1:], strongest, strict=False):
        panel.imshow(image_set.picture(place, size=96))
        panel.set_title(f"{vectors[place, channel]:.1f}", fontsize=10)
    for panel in row:
        panel.axis("off")
plots.show(
    "The eight strongest pictures of four features: coins; birds; yellow and orange "
    "things of several classes; traffic lights with a rooster and fruit."
)

# %% [markdown]
# Each row shows the eight strongest pictures of one feature, with its value above them.
# Feature 988 answers to coins, although ImageNet has no class for them. Feature 106
# answers to birds, two penguins and the magpie first. Feature 905 seems to be about
# yellow and orange: flowers, two tigers, a lemon, an apricot and a parrot. Feature
# 714 puts traffic lights beside a rooster and a red lettuce; whatever it means, we have
# no word for it. No single feature is a class. The 1280 together describe the picture.

# %% [markdown]
# ## 3 · What the features are worth
#
# Two networks come with the course. The ten of Guérin's tutorial are downloaded by
# Keras; set the switch to `"ten"` where there is a network connection and a GPU.
# Networks whose weights are on your disk already join in anyway.

# %%
BACKBONES = "bundled"  # "ten" on Colab with a GPU

table = representations.backbone_table()
ten = table.loc[list(representations.TEN)]
wanted = ten.index if BACKBONES == "ten" else ten.index[ten["weights"] == "here"]
networks = [*representations.BUNDLED, *wanted]
print(f"weights of the ten: {ten['download_mb'].sum()} MB. Used here: {networks}")
columns = ["year", "input_size", "width", "parameters", "download_mb", "licence"]
table.loc[[*representations.BUNDLED, *representations.TEN], columns]

# %% [markdown]
# `input_size` is the side of the square picture that a network expects, `width` the
# number of features it gives, `parameters` its weights without the top. More weights do
# not make more features: VGG19 has 20 million and gives 512 numbers, MobileNetV2 has
# 2.3 million and gives 1280.
#
# **Predict first.** By pixels k-means reaches an NMI of about 0.28 on the stamps, and
# the best handcrafted representation of lesson 4 about 0.37. What will
# EfficientNet-Lite0 reach?

# %%
prediction_2 = None  # e.g. 0.45

# %%
HANDCRAFTED = ["colour", "hog", "lbp", "bovw"]
compared = ["raw", *HANDCRAFTED, *networks]
results, labels = experiments.run(image_set, compared, progress=False)
scores = ["purity", "nmi", "fowlkes_mallows"]
summary = experiments.summary(results).set_index("representation")
summary[[*scores, "nmi_std"]].round(2)

# %%
chance = plots.chance_level(results, labels, image_set.true_labels)
network_nmi = float(summary.loc["EfficientNetLite0", "nmi"])
plots.score_chart(results, chance)
others = [summary["nmi"][name] for name in ("SqueezeNet", "lbp", "raw")]
plots.show(
    f"Purity, NMI and Fowlkes-Mallows of {len(summary)} representations. Mean NMI: "
    f"EfficientNetLite0 {network_nmi:.2f}, SqueezeNet {others[0]:.2f}, lbp "
    f"{others[1]:.2f}, raw {others[2]:.2f}, chance {chance['nmi']:.2f}."
)
lessons.reveal(prediction_2, network_nmi, "the NMI of EfficientNetLite0")

# %% [markdown]
# Three panels, one a score, with a line for each representation. A mark is the mean of
# five runs of k-means (k = 7) from different random starts, the bar reaches from the
# worst to the best, and the dashed line is chance: the same clusters filled at random.
# In all three panels pixels and handcrafted features lie close together; the two
# networks stand far to the right of them, EfficientNet-Lite0 before SqueezeNet, which
# is smaller and four years older. From the best handcrafted feature to SqueezeNet it
# is at least twice as far as from pixels to the best handcrafted feature.
#
# **Published scores, other pictures.** Guérin et al. (2021) measured the same step with
# larger networks on four public image sets. NMI, last layer, k-means / agglomerative:
#
# | image set | bag of features | VGG16 | VGG19 | InceptionV3 | Xception | ResNet50 |
# |---|---|---|---|---|---|---|
# | VOC2007 | .083 / .072 | .673 / .651 | .661 / .650 | .603 / .692 | .687 / .719 | .680 / .656 |
# | COIL100 | – | .945 / .956 | .939 / .948 | .928 / .953 | .938 / .955 | .957 / .967 |
# | Flowers17 | .177 / .179 | .688 / .644 | .652 / .646 | .650 / .677 | .674 / .670 | .684 / .708 |
# | UMist faces | .542 / .638 | .669 / .689 | .700 / .740 | .698 / .760 | .683 / .731 | .658 / .717 |
#
# *Source: arXiv:2101.02767.* These are not our numbers and not our pictures, so compare
# within a row. No network wins everywhere. And where the pictures are faces, which
# ImageNet does not name, the lead over a bag of features is smallest.

# %% [markdown]
# ### What is in each cluster

# %%
widgets.ClusterBrowser(image_set, k=7)

# %%
cluster_labels = labels["EfficientNetLite0/l2+kmeans/k7/s0"]
true_names = pd.Series(image_set.true_names, name="class")
pd.crosstab(true_names, pd.Series(cluster_labels, name="cluster"))

# %% [markdown]
# A row is a cluster, its most typical pictures first; a cross and a frame mark those
# that are not of its most frequent class. The contingency table below it counts all 193.
# The birds are together, so are the coins, and the road signs but one. The mammals fill
# two clusters, one of long-legged animals, mostly hoofed, and one of stocky, furry ones
# like beaver, sheep and bear: the network sees a difference that our seven classes do
# not ask for. With the mammals split, one class has to go without a cluster of its own.
# It is the vegetables. Look for yourself: choose other layers, algorithms and k; a
# click on a picture shows the ones nearest to it.

# %%
coins = np.flatnonzero(true_names == "coins")
together = int(np.bincount(cluster_labels[coins]).max())
lessons.reveal(prediction, together, f"the number of the {len(coins)} coins together")

after_top = np.asarray(network.get_layer("top")(vectors))  # 193 × 1000 probabilities
said = Counter(nouns[noun] for noun in after_top[coins].argmax(axis=1))
print(f"their {len(said)} nouns:", dict(said.most_common()))


# %%
def mean_nmi(vectors):
    """Mean NMI of k-means over five random starts, as in the table above."""
    found = []
    for seed in range(5):
        cluster_labels = clustering.cluster(vectors, "l2+kmeans", 7, seed)
        pair = {"labels_true": image_set.true_labels, "labels_pred": cluster_labels}
        found.append(metrics.nmi(**pair))
    return float(np.mean(found))


print(f"NMI before the top {mean_nmi(vectors):.2f}, after it {mean_nmi(after_top):.2f}")

# %% [markdown]
# Asked for nouns, the network calls the 26 coins face powder, gong, shield and more.
# Clustered by their features they stay together. And all 193 pictures clustered by the
# 1000 probabilities score clearly lower than by the 1280 features: the top keeps only
# what decides between its nouns. That is why we cut it off.
#
# ### What it still gets wrong

# %%
most_frequent = pd.crosstab(cluster_labels, true_names).idxmax(axis=1)
homes = {}  # the most frequent class of a cluster: the vegetables in it
for place in np.flatnonzero(true_names == "vegetables"):
    homes.setdefault(most_frequent[cluster_labels[place]], []).append(place)

width = max(map(len, homes.values()))
figure, panels = plt.subplots(
    len(homes), width, figsize=(10, 1.3 * len(homes)), layout="constrained"
)
figure.suptitle("Where the 18 vegetables went")
for row, (home, members) in zip(panels, homes.items(), strict=True):
    row[0].set_title(f"among the {home}", loc="left", fontsize=11)
    for panel, place in zip(row, members, strict=False):
        panel.imshow(image_set.picture(place, size=96))
    for panel in row:
        panel.axis("off")
counts = [f"{len(members)} with the {home}" for home, members in homes.items()]
plots.show(f"The vegetables by the cluster they are in: {', '.join(counts)}.")

# %% [markdown]
# One row for each kind of company that the vegetables keep. The mostly round and smooth
# ones (onion, potato, tomato, peppers, a bulb of garlic) lie among the fruit. Leafy and
# many-parted ones (broccoli, two lettuces, the carrot with its leaves, a string of
# garlic) lie among the flowers. Chilli, aubergine and corn ended up with animals, since
# every picture must go somewhere. None of this is foolish: what makes a tomato a
# vegetable is the kitchen, not its looks, and no picture of a tomato shows a kitchen.
# Features from pictures can separate what looks different. Where a class is a
# convention, no method can expect a perfect score, and one that reached it here would be
# suspect.

# %% [markdown]
# ## 4 · Preprocessing, wrong on purpose
#
# Every network was trained on numbers in one certain form and expects that form for
# ever. EfficientNet-Lite0 wants (x − 127) / 128. SqueezeNet wants the channels in the
# order blue, green, red, minus the mean colour of ImageNet, (104, 117, 123), and no
# division. Feed either with anything of the right shape and it computes without a
# complaint.
#
# ### Exercise 5.3 · SqueezeNet's preprocessing (medium)
#
# Write it yourself, from uint8 RGB pictures (n, height, width, 3) to float32. Leave the
# pictures you are given unchanged.

# %%
def preprocess(pictures):
    """RGB, 0..255 → blue, green, red minus ImageNet's mean (104, 117, 123)."""
    # BEGIN SOLUTION: return None
    blue_first = np.asarray(pictures)[..., ::-1].astype(np.float32)
    return blue_first - np.array([104, 117, 123], np.float32)
    # END SOLUTION


checks.ex05_3(preprocess)

# %% [markdown]
# Now the price. Each of the two networks gets its pictures once in a wrong form:
# EfficientNet-Lite0 as numbers from 0 to 1, SqueezeNet in the form that the other
# network wants. `representations.build_backbone(name)` makes a model from plain pictures to features;
# the preprocessing is its first step, the network its last. We take that last step
# alone and put our own change before it.
#
# **Predict first.** With its own preprocessing SqueezeNet's NMI is about 0.7, and by
# pixels it was about 0.28. What is left of SqueezeNet with the preprocessing of
# EfficientNet-Lite0?

# %%
prediction_3 = None  # e.g. 0.6

# %%
everything = np.stack([image_set.picture(i, size=224) for i in range(len(image_set))])
CHANGES = {
    "0 to 1": lambda batch: batch / 255,
    "(x − 127) / 128": lambda batch: (batch - 127) / 128,
}
bare = {
    name: representations.build_backbone(name).layers[-1]
    for name in representations.BUNDLED
}


def wrongly(name, change):
    """Features of all pictures after this change in place of the preprocessing."""
    # Seven full batches of 32, a few pictures twice: a new size would cost time
    order = np.resize(np.arange(len(everything)), (7, 32))
    batches = [change(everything[places].astype(np.float32)) for places in order]
    rows = [bare[name].predict_on_batch(batch) for batch in batches]
    return np.concatenate(rows)[: len(everything)]


# %%
price = {
    (name, "its own"): summary.loc[name, "nmi"] for name in representations.BUNDLED
}
for name, change in zip(representations.BUNDLED, CHANGES, strict=True):
    price[name, change] = mean_nmi(wrongly(name, CHANGES[change]))

# %%
figure, panel = plt.subplots(figsize=(9, 2.8), layout="constrained")
rows = sorted(price, key=lambda key: (key[0] != "SqueezeNet", price[key]))
for height, (name, change) in enumerate(rows):
    right = change == "its own"
    colour, marker = ("#0072B2", "o") if right else ("#D55E00", "X")
    score = price[name, change]
    panel.plot(score, height, marker, color=colour, ms=9)
    panel.text(score + 0.02, height, f"{score:.2f}", va="center")
panel.axvline(summary.loc["raw", "nmi"], color="#666666", ls=":", label="raw pixels")
panel.axvline(chance["nmi"], color="black", ls="--", label="chance")
panel.set_yticks(range(len(rows)), [f"{name}, {change}" for name, change in rows])
panel.set(xlim=(0, 1), xlabel="NMI, mean of five runs", title="NMI by preprocessing")
panel.legend(loc="lower right", frameon=False)
told = [f"{name}, {change}: {price[name, change]:.2f}" for name, change in rows]
plots.show(f"NMI of two networks by preprocessing. {'; '.join(told)}.")

left_over = price["SqueezeNet", "(x − 127) / 128"]
lessons.reveal(prediction_3, left_over, "SqueezeNet's NMI")

# %% [markdown]
# Four lines: a blue circle for each network with its own preprocessing, an orange cross
# for the wrong form. SqueezeNet with the other's preprocessing falls about halfway back
# to raw pixels: its inputs are a hundred times smaller than it is used to, and red and
# blue are swapped. More dangerous is 0 to 1 for EfficientNet-Lite0: no error, and about
# as much lost as two runs of k-means differ. In a report you would never notice. So let
# the table of backbones choose the preprocessing, and test it whenever you add a network
# of your own: let it name a few pictures whose names you know.

# %% [markdown]
# ## Exercises
#
# Exercises 5.1 to 5.3 stand above.
#
# ### Exercise 5.4 · The top is one matrix (medium)
#
# The last layer holds a matrix of weights (1280 × 1000) and a bias for each noun. Its
# output for features $v$ is the softmax of $vW + b$: raise *e* to each of the 1000 sums
# and divide by their total, picture by picture. Write it with NumPy. Sums can be large
# enough for $e^x$ to overflow; subtracting the largest sum of a row first changes
# nothing but that.

# %%
def speak(vectors, weights, bias):
    """Probabilities of the nouns: (n, d) features, (d, c), (c,) → (n, c)."""
    # BEGIN SOLUTION: return None
    sums = np.asarray(vectors) @ np.asarray(weights) + np.asarray(bias)
    powers = np.exp(sums - sums.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
    # END SOLUTION


weights, bias = network.get_layer("top").get_weights()
by_hand = speak(vectors[places], weights, bias)
if by_hand is not None:
    print([nouns[noun] for noun in np.asarray(by_hand).argmax(axis=1)])
checks.ex05_4(speak)

# %% [markdown]
# ### Exercise 5.5 · Strangers (medium)
#
# Return the places (0, 1, …) of all pictures that are not of the most frequent class of
# their cluster, in ascending order. Names and cluster labels may be anything. If two
# classes are equally common in a cluster, take the one that comes first in the
# alphabet. Which score of lesson 2 is one minus the share of strangers?

# %%
def strangers(true_names, cluster_labels):
    """Places of the pictures outside their cluster's most frequent class: a list."""
    # BEGIN SOLUTION: return None
    found = []
    for cluster in set(cluster_labels):
        members = [i for i, c in enumerate(cluster_labels) if c == cluster]
        counts = Counter(true_names[i] for i in members)
        home = min(counts, key=lambda name: (-counts[name], name))
        found += [i for i in members if true_names[i] != home]
    return sorted(found)
    # END SOLUTION


lost = strangers(image_set.true_names, cluster_labels.tolist())
if lost is not None:
    print(f"{len(lost)} strangers:", ", ".join(file_names[i] for i in lost))
    print(f"their share is {len(lost) / len(image_set):.3f}")
checks.ex05_5(strangers)

# %% [markdown]
# ### Exercise 5.6 · Is it the training? (open)
#
# `representations.build_backbone(name, weights=None)` builds the same wiring with random weights,
# which have learnt nothing. What comes out of it is a *control*, not a score of the
# network. Before you run it, write down what you expect: chance, raw pixels, something
# between? Extract features (`wrongly` shows how), cluster and score them (`mean_nmi`),
# and write two sentences on what the control says about where the good features come
# from. Or take a question of your own: set the switch to `"ten"` and find out whether
# networks with more weights or more features score better; or join fruit and vegetables
# into one class and score again.

# %%
# Your experiment

# %% tags=["solution"]
keras.utils.set_random_seed(0)
control = representations.build_backbone("EfficientNetLite0", weights=None).layers[-1]
bare["control with untrained weights"] = control
untrained = wrongly("control with untrained weights", CHANGES["(x − 127) / 128"])
print(f"control with untrained weights (no network's score): {mean_nmi(untrained):.2f}")
print(f"raw pixels: {summary.loc['raw', 'nmi']:.2f}, chance: {chance['nmi']:.2f}")

joined = true_names.replace({"fruit": "food", "vegetables": "food"})
for text, names in (("seven classes", true_names), ("six, with food", joined)):
    nmi = metrics.nmi(labels_true=names, labels_pred=cluster_labels)
    print(f"EfficientNetLite0 with its trained weights, {text}: {nmi:.2f}")

# %% [markdown] tags=["solution"]
# All numbers are NMI. The control with untrained weights ends up beside raw pixels: the
# wiring alone adds nothing to them here. What made the features of EfficientNet-Lite0
# good is the 1.28 million named photographs. So these clusters are unsupervised only as
# far as *our* pictures go; people's labels came in earlier, by way of the weights. With
# fruit and vegetables joined the same clusters score a little higher, although nothing
# but the question has changed; the two clusters of mammals and the fruit among the
# flowers still cost.

# %%
checks.summary()

# %% [markdown]
# ## In this notebook we …
#
# - let a network name our stamps, and found its wrong names well seen: it takes the noun
#   that looks most alike when the right one is missing;
# - cut off its top with `keras.Model` and averaged 7 × 7 × 1280 numbers to 1280 features;
# - saw maps become coarser and more telling from the first layer to the last;
# - found that these features beat pixels and handcrafted ones by far on all three scores,
#   keep all the coins together without a word for them, and fail where classes are a
#   convention;
# - paid for wrong preprocessing, which raises no error.
#
# ## Recall
#
# 1. Why do we cluster by the layer before the last and not by the 1000 probabilities?
#
# <details><summary>Answer</summary>
#
# The top keeps only what decides between its 1000 nouns. Things without a noun of their
# own, like the coins, are spread over whatever nouns come nearest, while the features
# before still hold what they have in common.
#
# </details>
#
# 2. What is lost by average pooling, and why do we want to lose it?
#
# <details><summary>Answer</summary>
#
# Where in the picture a pattern was found. The same thing in another place then gets
# nearly the same features, which it does not with raw pixels.
#
# </details>
#
# 3. Your features score far below the published ones, and no error was raised. What do
#    you look at first?
#
# <details><summary>Answer</summary>
#
# The preprocessing: the range of the numbers, the order of the colour channels, the
# mean, the input size. Let the whole network name a few pictures that you know.
#
# </details>
#
# ## References
#
# - M. Tan and Q. Le. EfficientNet: Rethinking model scaling for convolutional neural
#   networks. ICML 2019, arXiv:1905.11946. The Lite variant: Google, 2020.
# - F. Iandola et al. SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and
#   < 0.5 MB model size. 2016, arXiv:1602.07360.
# - O. Russakovsky et al. ImageNet large scale visual recognition challenge. IJCV 115,
#   2015.
# - J. Donahue et al. DeCAF: A deep convolutional activation feature for generic visual
#   recognition. ICML 2014.
# - A. S. Razavian et al. CNN features off-the-shelf: an astounding baseline for
#   recognition. CVPR workshops 2014.
# - J. Guérin, S. Thiery, E. Nyiri, O. Gibaru and B. Boots. Combining pretrained CNN
#   feature extractors to enhance clustering of complex natural images. Neurocomputing,
#   2021, arXiv:2101.02767.
#
# ## Next
#
# `06_layers_and_algorithms.ipynb`: is the last layer the best one, and is k-means the
# best algorithm for it?
