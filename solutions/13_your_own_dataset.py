# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 13 · Your own dataset
#
# The homework. You choose the pictures, plan a comparison, run it, read what came out,
# write two short answers, and hand in one file. The file holds every cluster label you
# found, so your instructor can compute your scores again and need not believe you.
#
# **You will be able to**
#
# - turn a folder of your own pictures into an image set
# - plan a grid of representations, layers, algorithms and seeds before you run it
# - say which representation won, by how much, and whether the lead is larger than luck
# - look at the pictures behind a score and explain the wrong ones
# - export your results, check the file as the grader will, and keep the receipt
#
# **You need** lesson 2 (your `purity`, `nmi` and `fowlkes_mallows`) and lessons 4 to 6.
#
# **Reading** 20 minutes · **exercises** an hour or two, and your own pictures take as
# long as you like · **run time** 45 s on a CPU with the stand-in pictures; on a GPU the
# networks are faster, the rest is the same

# %% tags=["setup"]
import tempfile
import textwrap
import zipfile

import matplotlib.pyplot as plt
import numpy as np

from course_utils import images, representations, metrics, experiments, plots
from course_utils import widgets, homework

# %% [markdown]
# ## 1 · Choose the pictures
#
# Ask your instructor whether everybody takes the same image set, such as the built-in
# `stamps`, or each their own. Your own is a folder in one of two forms: one subfolder a
# class, or all pictures side by side with a table `labels.csv`.
#
# ```text
# my_pictures/              my_pictures/
#     fish/                     labels.csv       image,label
#         carp.jpg              carp.jpg         carp.jpg,fish
#     tools/                    hammer.jpg       hammer.jpg,tools
#         hammer.jpg
# ```
#
# Good to start with are five to ten classes with at least ten pictures each, among them
# two classes that you expect to be mixed up. Decide the classes *before* you see any
# clusters: classes made to fit the clusters score well and say nothing. Take pictures
# that you may use. Nobody else gets them: what you hand in has their file names,
# their labels, a checksum of each, and one small contact sheet, so that your instructor
# sees what was clustered (`contact_sheet=False` leaves it out). (On Colab they are
# uploaded to its machine: a .zip of the folder under *Files* on the left, unpacked in a
# cell: `!unzip -q my_pictures.zip`.)
#
# To have a folder for practice, the next cells play your photo collection: they copy
# the stamps of eight categories, none of which is in `stamps`, into a temporary folder
# and write the table. Two of the categories, clothes and hats, become one class.

# %%
CLASSES = {
    "animals/fish": "fish",
    "animals/insects": "insects",
    "clothes": "clothes",
    "clothes/hats": "clothes",
    "household/tools": "tools",
    "plants/trees": "trees",
    "seasonal/christmas": "Christmas",
    "space/planets": "planets",
}
temporary = tempfile.TemporaryDirectory()  # vanishes when the notebook is closed
stand_in = Path(temporary.name, "my_pictures")
stand_in.mkdir()

# %%
all_stamps = images.load("stamps-all", progress=False)
rows = ["image,label"]
for index, category in enumerate(all_stamps.categories):
    if category in CLASSES:
        name = Path(all_stamps.images[index]).name
        (stand_in / name).write_bytes(all_stamps.read(index))
        rows.append(f"{name},{CLASSES[category]}")
(stand_in / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
print(*rows[:4], "…", sep="\n")

# %% [markdown]
# Now your choice: `"stamps"`, or the path of a folder of your own. With `None` the
# lesson goes on with this **stand-in**, to practise on and not to hand in. Files that
# cannot be read are named and left out.

# %%
# BEGIN SOLUTION: my_choice = None  # "stamps", or "my_pictures" beside this notebook
my_choice = stand_in  # our own run shows what comes out for the stand-in
# END SOLUTION
image_set = images.load(my_choice or stand_in, progress=False)
print(image_set)
for image, reason in image_set.problems:
    print("left out:", image, "–", reason)

# %%
names = np.array(image_set.true_names)
shown = image_set.class_names[:10]
figure, panels = plt.subplots(3, len(shown), figsize=(9.6, 4.4), squeeze=False)
for column, name in zip(panels.T, shown, strict=True):
    members = np.flatnonzero(names == name)
    column[0].set_title(f"{name}\n{len(members)} pictures", fontsize=11)
    for panel, place in zip(column, np.linspace(0, len(members) - 1, 3), strict=True):
        panel.imshow(image_set.picture(members[int(place)], 96))
for panel in panels.flat:
    panel.axis("off")
counts = [f"{np.sum(names == name)} {name}" for name in shown]
plots.show(f"Three pictures of each class. Pictures in all: {', '.join(counts)}.")

# %% [markdown]
# One column per class: its first picture, a middle one and its last, and how many it has.
# Look before you compute. In the stand-in, a planet is round and a tree looks like a
# tree. But what makes a bow, a nutcracker and a wreath *Christmas* is in our heads and
# not in the pixels.
#
# **Predict first.** On the `stamps`, raw pixels had an NMI near 0.28 and the best
# network one above 0.8. How high will the best representation get on these pictures?

# %%
prediction = None  # e.g. 0.7

# %% [markdown]
# ## 2 · Plan the grid, then run it
#
# A plan made beforehand keeps you from stopping at the first number you like. And it
# can cover what is graded: the **rubric** says what gives how many points.

# %%
rules = homework.load_rubric()  # load_rubric("theirs.yaml"), if you were given one
for part, how in rules["points"].items():
    more = [f"{key}: {value}" for key, value in how.items() if key != "points"]
    print(f"{part:16}{how['points']:3} points ", *more)
print(f"{'together':16}{homework.max_points(rules):3} points")

# %% [markdown]
# - `representations`, `layers`, `algorithms`: full points for the `goal`, that many
#   different ones in your grid, and a share for fewer. A *layer* is named after a
#   colon, like `SqueezeNet:fire9`; what stands before the colon counts as one
#   representation, whatever its layers. Preparation steps such as `l2+` make no other
#   algorithm. (`representations.backbone_layers("SqueezeNet")` of lesson 6 lists a network's layers.)
# - `purity`, `nmi`, `fowlkes_mallows`: your own functions, tried in exercise 13.4.
# - `best_nmi`: points from each threshold on. The usual thresholds suit `stamps`. On
#   other pictures the same NMI may be harder or easier to get: ask whether they hold.
# - `answers`: exercise 13.5, read by a person.
#
# The self checks below each exercise are for you and give no points.
#
# Your **student id** comes next. Two things follow from it: your seeds, so that the
# k-means runs of two honest students start differently, and in section 4 the small
# partitions on which your own scores are tried.

# %%
# BEGIN SOLUTION: student_id = None  # e.g. "ab123", as your instructor knows it
student_id = "ab123"
# END SOLUTION
seeds = homework.seeds(student_id or "nobody", 3)
print("the seeds of", student_id or "nobody", "are", seeds)

# %% [markdown]
# ### Exercise 13.1 · A plan (easy)
#
# Fill in a plan with full coverage: at least five representations, among them `raw` as
# the baseline, three named layers, three algorithms. Then work out how many runs it is:
# an algorithm with chance in it (`kmeans`, `minibatch`, `spectral`, `gmm`) runs once a
# seed, any other one (`ward`, `average`, `complete`, …) once. `raw`, `colour`, `hog`,
# `lbp`, `bovw`, `SqueezeNet` and `EfficientNetLite0` need no network connection.

# %%
# BEGIN SOLUTION: plan = None  # {"representations": […], "algorithms": […], "n_runs": …}
networks = ["SqueezeNet:fire9", "EfficientNetLite0:block6", "EfficientNetLite0:pool"]
plan = {
    "representations": ["raw", "colour", "hog", *networks],
    "algorithms": ["l2+kmeans", "l2+ward", "l2+spectral"],
    "n_runs": 6 * (3 + 1 + 3),
}
# END SOLUTION
checks.ex13_1(plan)

# %% [markdown]
# One call runs the grid. k is the number of classes, the same for every line of the
# table, as are the pictures and the seeds: that makes it a comparison **on the same
# footing**.
# Until there is a plan of yours, a small one fills in.

# %%
small = ["raw", "colour", "hog", "SqueezeNet", "EfficientNetLite0"], ["l2+kmeans"]
grid = (plan["representations"], plan["algorithms"]) if plan else small
results, labels = experiments.run(image_set, *grid, seeds=seeds, progress=False)
print(len(results), "runs")
for what, reason in results.attrs["skipped"].items():
    print("skipped:", what, "–", reason)

# %% [markdown]
# ## 3 · Read the results
#
# `results` has a row per run, `labels` the clusters of each run. The summary has the mean
# over the seeds and how far they spread (`_std`); here are its last, best lines:

# %%
table = experiments.summary(results)
columns = ["representation", "algorithm", "purity", "nmi", "nmi_std", "fowlkes_mallows"]
table[columns].tail(6).round(3)

# %%
chance = plots.chance_of_runs(results, labels, image_set.true_labels)
widgets.ComparisonExplorer(results, chance, image_set=image_set, labels=labels)

# %% [markdown]
# Tick the scores, representations and algorithms that you want to compare; click a score to
# sort by it, and a line to see its clusters. There is one line per representation and
# algorithm, at first with the best NMI on top. A mark is the mean, its bar reaches from the
# worst seed to the best (often the mark hides it). Three questions to ask: is it far from chance? Do the scores tell the same story? Is a gap
# wider than the bars?
#
# On the stand-in the nine lines of the networks are ahead in purity and NMI, and
# `colour` is hardly above chance in purity. But in Fowlkes-Mallows two of the `colour`
# lines beat SqueezeNet with Ward. Is that to be believed? The dashed mark of each line is
# its own chance level: clusters of the same sizes, filled at random. In numbers, for the
# last line and the best:

# %%
first_runs = results.groupby(columns[:2])["run"].first()
for line in (table.iloc[0], table.iloc[-1]):
    run = first_runs[tuple(line[columns[:2]])]
    _, sizes = np.unique(labels[run], return_counts=True)
    pair = {"labels_true": image_set.true_labels, "labels_pred": labels[run]}
    score, level = metrics.fowlkes_mallows(**pair), metrics.chance_scores(**pair)
    print(f"{run}: largest cluster {sizes.max()} of {sizes.sum()} pictures")
    by_chance = level["fowlkes_mallows"]
    print(f"    Fowlkes-Mallows {score:.2f}, by chance {by_chance:.2f}")

# %% [markdown]
# On the stand-in, the `colour` run puts nearly all pictures into one cluster, which
# Fowlkes-Mallows rewards (lesson 2), and is hardly better than chance; the best run is
# far above its own. So what looked like a success of `colour` comes from the sizes of
# its clusters, not from the pictures.

# %%
best = table.iloc[-1]
print("best on average:", best["representation"], "with", best["algorithm"])
lessons.reveal(prediction, float(best["nmi"]), "its NMI")

# %% [markdown]
# ### Exercise 13.2 · Who won? (medium)
#
# `winner(results)` returns two things: the representation with the highest NMI, and its
# lead over the runner-up. (In this table each layer is a representation of its own.) On
# the same footing: average the seeds of each algorithm
# first, then the algorithms. (Why not all rows at once? An algorithm with three seeds
# would count three times as much as one that runs once.)


# %%
def winner(results):
    """(representation, lead): the best mean over the algorithms, and by how much."""
    # BEGIN SOLUTION: return None
    lines = results.groupby(["representation", "algorithm"])["nmi"].mean()
    means = lines.groupby("representation").mean().sort_values()
    return means.index[-1], means.iloc[-1] - means.iloc[-2]
    # END SOLUTION


checks.ex13_2(winner)

# %% tags=["solution"]
champion, lead = winner(results)
others = results[~results["representation"].str.startswith(champion.split(":")[0])]
runner_up, _ = winner(others)
means = results.groupby(["representation", "algorithm"])["nmi"].mean()
lead_over_others = means[champion].mean() - means[runner_up].mean()
print(f"{champion} leads by {lead:.3f}; over {runner_up}: {lead_over_others:.3f}")
of_network = table["representation"].str.startswith(champion.split(":")[0])
print(f"spread over its seeds: up to {table.loc[of_network, 'nmi_std'].max():.3f}")

# %% [markdown] tags=["solution"]
# *What may be reported?* The two layers of EfficientNetLite0 differ by less than the
# seeds of one of them do: neither layer won. The network is ahead of SqueezeNet by more
# than that spread, and both are far ahead of pixels and handcrafted features.

# %% [markdown]
# ### Look at the pictures
#
# A score says how much went wrong, the pictures say what. We take the best line and its
# *first* seed; to pick the seed with the highest NMI would be choosing by luck.

# %%
run = first_runs[tuple(best[columns[:2]])]
vectors = representations.extract(image_set, best["representation"], progress=False)
figure = plots.gallery(image_set, labels[run], vectors, n_pictures=9, title=run)
figure.set_size_inches(9.6, 6)
purity = metrics.purity(labels_true=image_set.true_labels, labels_pred=labels[run])
rows = [" ".join(text.get_text().split()) for text in figure.axes[0].texts]
plots.show(f"Clusters of the best run, purity {purity:.2f}: {'; '.join(rows)}.")

# %% [markdown]
# One row per cluster, the pictures nearest its centre first; a cross marks a picture that
# is not of its cluster's most frequent class. On the stand-in, planets and trees have rows
# almost of their own. The clothes have two, one of grey drawings and one of coloured
# hats. No row is Christmas: its pictures turn up in most of the rows, a pie among the
# planets, a fir among the trees, and a stocking, for whatever reason, among the fish.
#
# ### Exercise 13.3 · The wrong images (medium)
#
# The gallery shows only some. Write `strangers`, which returns the places (indices) of
# **all** pictures whose class is not the most frequent class of their cluster, in rising
# order. Of equally common classes the first in sorted order counts as the most frequent.


# %%
def strangers(true_labels, cluster_labels):
    """Indices of the pictures that are not of their cluster's most frequent class."""
    # BEGIN SOLUTION: return None
    true_labels, found = np.asarray(true_labels), []
    for cluster in np.unique(cluster_labels):
        members = np.flatnonzero(np.asarray(cluster_labels) == cluster)
        classes, counts = np.unique(true_labels[members], return_counts=True)
        found += members[true_labels[members] != classes[counts.argmax()]].tolist()
    return sorted(found)
    # END SOLUTION


checks.ex13_3(strangers)

# %% tags=["solution"]
wrong = strangers(names, labels[run])
figure, panels = plt.subplots(3, 8, figsize=(9.6, 4.6), layout="constrained")
for panel, index in zip(panels.flat, wrong, strict=False):
    inside = names[labels[run] == labels[run][index]]
    most_frequent, counts = np.unique(inside, return_counts=True)
    panel.imshow(image_set.picture(index, 96))
    panel.set_title(f"{names[index]}\nin {most_frequent[counts.argmax()]}", fontsize=9)
for panel in panels.ravel():
    panel.set_axis_off()
christmas = np.sum(names[wrong] == "Christmas")
plots.show(
    f"Pictures in a cluster of another class, with both names: {christmas} of "
    f"{len(wrong)} are Christmas."
)
print(f"{len(wrong)} of {len(names)} pictures, {christmas} of them Christmas")

# %% [markdown] tags=["solution"]
# Above each picture: its class, and the class of the cluster it is in. More than half
# of them are Christmas, in fact all that there are: mince pie and pudding went to the
# round planets, the photographed fir to the trees and the drawn one to the coloured
# hats. An occasion cannot be seen, so the network does not find it. Others accuse the
# labels: a lobster is no fish, and a slug no insect.

# %% [markdown]
# ## 4 · Write it up and hand it in
#
# ### Exercise 13.4 · Your own scores (medium)
#
# Paste `purity`, `nmi` and `fowlkes_mallows` from your lesson 2, with the functions
# that they call. The check tries them as lesson 2 did. What goes into your file is what
# they give on your *probes*, six pairs of small partitions that follow from your id,
# and the text of the functions, for people to read. They run in a process of their own:
# an endless loop or an `exit()` costs only their own values, and a warning says why.


# %%
# BEGIN SOLUTION: # Paste the functions here that the three call.
from scipy.stats import entropy
from sklearn.metrics.cluster import contingency_matrix

# END SOLUTION


def purity(true_labels, cluster_labels):
    """Share of pictures that belong to the most frequent class of their cluster."""
    # BEGIN SOLUTION: return None
    counts = contingency_matrix(true_labels, cluster_labels)
    return counts.max(axis=0).sum() / counts.sum()
    # END SOLUTION


# %%
def nmi(true_labels, cluster_labels):
    """Mutual information over the arithmetic mean of both entropies."""
    # BEGIN SOLUTION: return None
    counts = contingency_matrix(true_labels, cluster_labels)
    h_class, h_cluster = entropy(counts.sum(axis=1)), entropy(counts.sum(axis=0))
    shared = h_class + h_cluster - entropy(counts, axis=None)
    return 2 * shared / (h_class + h_cluster)
    # END SOLUTION


def fowlkes_mallows(true_labels, cluster_labels):
    """Geometric mean of precision and recall over pairs of pictures."""
    # BEGIN SOLUTION: return None
    counts = contingency_matrix(true_labels, cluster_labels)
    groups = counts, counts.sum(axis=0), counts.sum(axis=1)
    both, in_clusters, in_classes = [(m * (m - 1)).sum() for m in groups]
    return both / np.sqrt(in_clusters * in_classes) if both else 0.0
    # END SOLUTION


checks.ex13_4(purity, nmi, fowlkes_mallows)

# %%
values = homework.exercise_values(
    student_id or "nobody", purity=purity, nmi=nmi, fowlkes_mallows=fowlkes_mallows
)
for name, found in values.items():
    print(f"{name:16}", *[v if v is None else round(v, 3) for v in found])

# %% [markdown]
# ### Exercise 13.5 · Two short answers (open)
#
# These are the questions; a person will read your answers, 25 to 150 words each. The
# first names a representation of your grid and gives numbers, the second speaks of
# pictures, not of scores. Three quotes, `"""`, begin and end a text of several lines.

# %%
print(*homework.QUESTIONS, sep="\n")

# %%
# BEGIN SOLUTION: first, second = None, None  # each a text, your answer
best_nmi, raw_nmi = means[champion].mean(), means["raw"].mean()
first = f"""{champion} won with a mean NMI of {best_nmi:.2f}, against {raw_nmi:.2f} for
raw. Its lead over the other layer is {lead:.3f}, less than the spread over the seeds,
so I do not say which layer is better; over {runner_up} it is {lead_over_others:.2f}.
It was trained to tell a thousand kinds of things apart, which the pixels never were."""
second = f"""{len(wrong)} of {len(names)} pictures, {christmas} of them Christmas. A mince
pie lies with the planets and a Santa with the clothes: the network sees what a thing
looks like, not for which day it is. The lobster went from the fish to the insects, and
there I would rather change the label."""
# END SOLUTION
answers = dict(zip(homework.QUESTIONS, (first, second), strict=True))
checks.ex13_5(answers)

# %% [markdown]
# ### The file
#
# Your name, and the folder that the file goes to. The cell after them says what is
# still missing. A file with gaps is written all the same, only not without your student
# id and name.

# %%
# BEGIN SOLUTION: student_name = None  # as your instructor knows you
student_name = "A. Student"
# END SOLUTION
# BEGIN SOLUTION: hand_in_folder = "hand_in"  # beside this notebook
hand_in_folder = Path(temporary.name, "hand_in")  # so that our own run leaves nothing
# END SOLUTION

# %%
there = {
    "pictures of your choice (section 1)": my_choice,
    "a student id (section 2)": student_id,
    "a plan (13.1)": plan,
    "your own scores (13.4)": all(any(found) for found in values.values()),
    "both written answers (13.5)": all(answers.values()),
    "your name": student_name,
}
print("missing:", ", ".join(w for w, value in there.items() if not value) or "nothing")
path = None
if student_id and student_name:
    path = Path(hand_in_folder, f"{student_id}.zip")
    about = {"student_id": student_id, "name": student_name}
    texts = {question: text for question, text in answers.items() if text}
    own = image_set.name not in images.NAMES
    work = {"exercises": values, "answers": texts, "self_supplied_labels": own}
    work["code"] = homework.source_of(
        purity=purity, nmi=nmi, fowlkes_mallows=fowlkes_mallows
    )
    work["progress"] = checks.progress()
    homework.submit(path, image_set, results, labels, **about, **work)
    print("written:", Path(path.parent.name, path.name))

# %% [markdown]
# `self_supplied_labels` is for pictures that your instructor does not have: then your
# true labels and a contact sheet travel with the file. For
# `stamps` the grader takes its own labels, whatever the file says.
#
# `homework.check_submission` runs the grader on your file, with the rubric above. It
# gives no points for the written answers, which are for a person to read. Its best NMI
# is that of your best single run, seeds of luck included: a rule for points. In your
# answers stay with the means.

# %%
if path:
    print(homework.check_submission(path, image_set, rules))

# %% [markdown]
# **To hand in**
#
# 1. Read the report. Does it name your pictures, all your runs, nothing to look at?
# 2. Upload this one .zip to your learning platform, as it is: not the notebook, not the
#    pictures. On Colab, download it first (*Files*, `hand_in`): it vanishes with the
#    machine.
# 3. Keep the file and the last line, the **receipt**. It is a checksum of the file: by
#    it you and your instructor can tell that the file which was graded is the one you
#    sent. One changed letter anywhere gives another receipt.
#
# If you corrected your student id, or added or renamed a picture, after the grid had
# run, run the whole notebook again: seeds, probes and labels hang on them.
#
# This is what lies inside:

# %%
if path:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            print(f"{member.filename}, {member.file_size // 1000} kB")
        for line in archive.read("labels.csv").decode().splitlines()[:3]:
            print("   ", line[:28], "…", line[-40:])
    for lesson, states in homework.read_submission(path.read_bytes()).lessons.items():
        print(f"{lesson}: {len(states)} checks, like", *list(states.items())[:1])

# %% [markdown]
# `labels.csv` has a row per picture (its name, then its checksum and class if they are
# your own) and a column per run. `manifest.json` says who you are and which run was made
# how, with the scores you claim, the values of 13.4, your answers, and how far you are
# in the lessons: state and number of tries of every check, as `checks.summary()` shows
# them. It costs no points; it tells your instructor what was hard. (Colab forgets the
# lessons that you did on another day, unless you started them with `drive=True`.)
#
# ## 5 · What the grader does with it
#
# Why send labels, if the scores are what counts? A score is a number that anybody can
# type. From the labels the grader **recomputes** all of it: purity, NMI and
# Fowlkes-Mallows of every run against the true labels, and your probes' values with its
# own functions. It also **runs a few of your runs again**, from their representation,
# algorithm, k and seed: labels that were made otherwise do not come back, and earn
# nothing. Your own code is never run.
#
# **Predict first.** Here are five files that somebody might send. One passes without a
# remark. Which one?
#
# - A: one run, its NMI typed over as 0.99
# - B: every picture a cluster of its own, which has purity 1
# - C: the pictures of the first class left out
# - D: a classmate's run, under another student id
# - E: your own run, the clusters given other numbers

# %%
prediction_2 = None  # e.g. "B"


# %%
def remarks(sent_set, sent_results, sent_labels, sender=student_id or "nobody"):
    """What the grader says of a file with this in it."""
    file = Path(temporary.name, "doctored.zip")
    who = {"student_id": sender, "name": "Somebody"}
    homework.submit(file, sent_set, sent_results, sent_labels, **who)
    sent = homework.read_submission(file.read_bytes())
    found = homework.review_submission(sent, image_set, own_seeds=True)
    not_counted = [f"not counted: {run.why}." for run in found.runs if run.why]
    return [*found.errors, *found.flags, *not_counted]


# %%
one = results.loc[[results["seed"].idxmax()]]  # a run with chance in it
name = one["run"].item()
single = np.arange(len(image_set))
its_scores = metrics.scores(labels_true=image_set.true_labels, labels_pred=single)
kept = np.flatnonzero(image_set.true_labels != 0)
renumbered = {name: (labels[name] + 3) % len(image_set.class_names)}
said = {
    "A": remarks(image_set, one.assign(nmi=0.99), labels),
    "B": remarks(image_set, one.assign(**its_scores), {name: single}),
    "C": remarks(image_set.subset(kept), one, {name: labels[name][kept]}),
    "D": remarks(image_set, one, labels, sender="cd456"),
    "E": remarks(image_set, one, renumbered),
}
for letter, sentences in said.items():
    text = " ".join(sentences) or "(no remark)"
    print(textwrap.fill(f"{letter}: {text}", 88, subsequent_indent="   "))
passed = " ".join(letter for letter, sentences in said.items() if not sentences)
lessons.reveal(prediction_2, passed, "the one that passes")

# %% [markdown]
# A helps nobody: the typed number is ignored, the recomputed one counts, and somebody
# will ask. B claims the scores it has and is still not counted. C gets no points, since
# every picture needs a label. D has somebody else's seeds, and the classmate's values
# of 13.4 would be of other probes. E is nothing to remark, since cluster numbers mean
# nothing (lesson 2). For the same reason renumbering hides no copy: the grader compares
# partitions across the class, and points out two students most of whose k-means runs
# have the same or nearly the same clusters in spite of different seeds.
#
# A remark costs no points by itself. It asks a person to look, and honest reasons exist.
#
# **Lateness** counts by what the learning platform says: Canvas marks a late file, and
# Moodle notes how late it was. A date in the file counts for nothing. What a day costs
# is in the rubric under `late`. If you hand in several times, the last file counts,
# unless the rubric says the best one.
#
# ### The same without a notebook
#
# ```text
# python -m course_utils compare my_pictures --student ab123 --seeds 3 \
#     --representations raw SqueezeNet:fire9 … --algorithms l2+kmeans l2+ward …
# python -m course_utils submit --student ab123 --name "A. Student" \
#     --image-set my_pictures --functions scores.py --answers answers.txt
# python -m course_utils check ab123.zip --image-set my_pictures
# ```
#
# In the folder of the course. At the dots goes the rest of your plan: left to itself,
# `compare` takes no named layer and two algorithms, which is not full coverage.
# `scores.py` holds your three functions, and in `answers.txt` each answer begins with a
# line of its own, `Answer 1` and `Answer 2`.

# %% [markdown]
# ## Exercises
#
# Exercises 13.1 to 13.5 stand above, where you need them. One more:
#
# ### Exercise 13.6 · Does the winner win elsewhere? (open)
#
# One image set is one case. Run at least three representations and one algorithm of
# your grid, with your seeds, on *another* image set (`stamps`, if you did not choose
# it), and compare the order. Is the winner the same, and what moved?

# %%
# BEGIN SOLUTION: elsewhere = None  # the table of experiments.run, not its labels
stamps, five = images.load("stamps", progress=False), plan["representations"][:5]
elsewhere, _ = experiments.run(stamps, five, seeds=seeds, progress=False)
# END SOLUTION
checks.ex13_6(results, elsewhere)

# %% tags=["solution"]
here = results[results["algorithm"] == "l2+kmeans"]
means_here, means_there = (
    table.groupby("representation")["nmi"].mean() for table in (here, elsewhere)
)
means_there.to_frame("stamps").assign(here=means_here).sort_values("stamps").round(2)

# %% [markdown] tags=["solution"]
# The networks keep their order on both image sets, and `hog` stays behind them; pixels
# and colours change places. The level differs: both networks score far lower here,
# where one class is an occasion. A score compares representations on the same pictures;
# it does not compare two image sets.

# %%
checks.summary()

# %% [markdown]
# ## In this notebook we …
#
# - made an image set of a folder with a table, and looked at it before computing
# - planned a grid for full coverage and ran it with seeds of our own
# - named a winner on the same footing, held its lead against the spread over the seeds,
#   and looked at the pictures that were wrong
# - wrote it up, exported every label, checked the file and got a receipt
# - sent the grader five doctored files and saw what it recomputes and remarks
#
# ## Recall
#
# 1. Why does the file hold a label for every picture and run, when the scores are three
#    numbers a run?
#
# <details><summary>Answer</summary>
#
# From labels every score can be recomputed, also one that nobody thought of yet, and
# two students' clusters can be compared. From scores nothing can be verified.
#
# </details>
#
# 2. Your best layer leads by 0.01 NMI, and the seeds spread by 0.02. What do you write?
#
# <details><summary>Answer</summary>
#
# That the two layers cannot be told apart on these pictures, and both numbers with
# their spread. Not that the first one won.
#
# </details>
#
# 3. You sorted your photos into classes after you had seen the clusters. Why is the
#    score worth nothing?
#
# <details><summary>Answer</summary>
#
# The true labels then follow from the clusters, so that they must agree. A score needs
# labels that were there first.
#
# </details>
#
# ## References
#
# - J. Guérin, *Tutorial on Image Clustering*, 2019 (whose homework this one follows)
# - T. Gebru et al., *Datasheets for datasets*, Communications of the ACM 64, 2021 (what
#   to write down about pictures that you collect)
# - U. von Luxburg, R. Williamson, I. Guyon, *Clustering: science or art?*, JMLR Workshop
#   and Conference Proceedings 27, 2012 (why a clustering is judged by its purpose)
#
# ## Next
#
# `14_beyond_one_machine.ipynb`: what breaks first when two hundred pictures become a
# million, and the same calls on many machines.
