"""Figures of the course, in one style: colour-blind-safe, never colour alone."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from PIL import Image, ImageDraw, ImageFont
from sklearn.preprocessing import normalize

from course_utils import metrics
from course_utils.representations import extraction, handcrafted

# Okabe and Ito's palette, and a marker for each kind of representation
KINDS = {
    "pixels": ("#666666", "s"),
    "handcrafted": ("#D55E00", "D"),
    "pretrained": ("#0072B2", "o"),
}

TITLES = {
    "purity": "purity",
    "nmi": "NMI",
    "fowlkes_mallows": "Fowlkes-Mallows",
    "ari": "ARI",
    "accuracy": "accuracy",
    "silhouette": "silhouette",
}

STRANGER = "#D55E00"  # frame of a picture outside its cluster's commonest class

MOST_CLUSTERS_SHOWN = 12


def kind(representation):
    """ "pixels", "handcrafted" or "pretrained": the family of a representation."""
    base, _ = extraction.parse(representation)
    if base == "raw":
        return "pixels"
    return "handcrafted" if base in handcrafted.NAMES else "pretrained"


def score_chart(results, chance=None, scores=("purity", "nmi", "fowlkes_mallows")):
    """One panel a score, one line a representation and algorithm, sorted by their mean
    NMI (or first score).

    results: as `experiments.run` gives them. A mark is the mean over the seeds, the bar
    reaches from the worst to the best seed. chance: {score: level}, drawn dashed.
    Returns: the matplotlib Figure.
    """
    results = results.copy()
    algorithms = list(dict.fromkeys(results["algorithm"]))
    results["line"] = results["representation"]
    if len(algorithms) > 1:
        results["line"] += "  ·  " + results["algorithm"]
    scores = [score for score in scores if results[score].notna().any()]
    if not scores:
        raise ValueError("there is no score to draw: the results hold none.")
    first = "nmi" if "nmi" in scores else scores[0]
    order = results.groupby("line", sort=False)[first].mean()
    order = order.sort_values(kind="stable").index
    figure, panels = plt.subplots(
        1,
        len(scores),
        sharey=True,
        squeeze=False,
        figsize=(2 + 2.8 * len(scores), 1.4 + 0.27 * len(order)),
        layout="constrained",
    )
    for panel, score in zip(panels[0], scores, strict=True):
        for height, line in enumerate(order):
            runs = results[results["line"] == line]
            colour, marker = KINDS[kind(runs["representation"].iloc[0])]
            values = runs[score]
            panel.plot([values.min(), values.max()], [height] * 2, color=colour, lw=2)
            panel.plot(values.mean(), height, marker, color=colour, ms=7)
        if chance and score in chance:
            panel.axvline(chance[score], color="black", ls="--", lw=1)
        if score != "silhouette":
            panel.set_xlim(min(0, results[score].min()) - 0.02, 1.02)
        panel.set_xlabel(TITLES[score])
        panel.grid(axis="x", color="#dddddd")
        panel.set_axisbelow(True)
        panel.spines[["top", "right", "left"]].set_visible(False)
        panel.tick_params(axis="y", length=0)
    panels[0, 0].set_yticks(range(len(order)), order)
    shown = {kind(name) for name in results["representation"]}
    keys = [
        Line2D([], [], color=colour, marker=marker, ls="", label=name)
        for name, (colour, marker) in KINDS.items()
        if name in shown
    ]
    if chance:
        keys.append(Line2D([], [], color="black", ls="--", lw=1, label="chance"))
    figure.legend(handles=keys, loc="outside upper left", ncols=4, frameon=False)
    return figure


def gallery(image_set, cluster_labels, vectors, *, n_pictures=10, title=None):
    """One row a cluster, biggest first; in it the pictures nearest its centre first.

    vectors: the features (n, d), which say what is near. With true labels each row
    names its commonest class, and pictures of another class are crossed and framed.
    Returns: the matplotlib Figure.
    """
    cluster_labels = np.asarray(cluster_labels)
    clusters, sizes = np.unique(cluster_labels, return_counts=True)
    order = np.lexsort((clusters, -sizes, clusters == -1))  # noise last
    left_out = max(0, len(order) - MOST_CLUSTERS_SHOWN)
    order = order[:MOST_CLUSTERS_SHOWN]
    figure, panels = plt.subplots(
        len(order),
        n_pictures,
        squeeze=False,
        figsize=(2.6 + 0.82 * n_pictures, 0.5 + 0.92 * len(order)),
        gridspec_kw={"wspace": 0.08, "hspace": 0.12},
    )
    names = image_set.true_names
    for row, cluster in zip(panels, clusters[order], strict=True):
        members = np.flatnonzero(cluster_labels == cluster)
        members = members[nearest_first(vectors[members])]
        text = "noise" if cluster == -1 else f"cluster {cluster}"
        text += f"\n{len(members)} picture{'' if len(members) == 1 else 's'}"
        commonest = None
        if names is not None:
            classes, counts = np.unique([names[i] for i in members], return_counts=True)
            commonest = classes[counts.argmax()]
            text += f"\n{counts.max() / len(members):.0%} {commonest}"
        place = {"ha": "right", "va": "center", "transform": row[0].transAxes}
        row[0].text(-0.12, 0.5, text, parse_math=False, **place)  # a $ is no formula
        for panel, index in zip(row, members, strict=False):
            panel.imshow(image_set.picture(index, 96))
            stranger = commonest is not None and names[index] != commonest
            panel.spines[:].set_color(STRANGER if stranger else "#cccccc")
            panel.spines[:].set_linewidth(2.5 if stranger else 0.8)
            if stranger:
                panel.plot(85, 11, "X", color=STRANGER, ms=8, mec="white")
        for panel in row:
            panel.set_xticks([])
            panel.set_yticks([])
            panel.spines[:].set_visible(bool(panel.images))
    title = title or ""
    if left_out:
        title += f"  ({left_out} smaller clusters are not shown)"
    figure.suptitle(title, x=0.02, ha="left", fontsize=12)
    figure.subplots_adjust(
        left=1.7 / figure.get_figwidth(),
        right=0.99,
        bottom=0.02,
        top=1 - 0.38 / figure.get_figheight(),
    )
    return figure


def nearest_first(vectors):
    """Indices of vectors (n, d), all of length 1, by their distance to the mean."""
    vectors = normalize(vectors)
    distances = np.linalg.norm(vectors - vectors.mean(axis=0), axis=1)
    return np.argsort(distances, kind="stable")


def chance_level(results, labels, true_labels):
    """Mean score of the runs' clusters filled at random: {score: level}."""
    rows = [
        metrics.chance_scores(
            labels_true=true_labels,
            labels_pred=labels[run],
            n_shuffles=5,
            random_state=i,
        )
        for i, run in enumerate(results["run"])
    ]
    return {
        name: float(np.mean([row[name] for row in rows])) for name in metrics.SCORES
    }


SHEET_MARGIN, SHEET_TEXT = 4, 18  # of a contact sheet, in pixels


def contact_sheet(image_set, groups, *, size=96, n_columns=10):
    """Small pictures on one sheet: an image of PIL, to show or `.save("sheet.png")`.

    groups: {text: indices}, each under its text; or the indices of one group. A group
    goes on in a new row after n_columns pictures.
    """
    if not isinstance(groups, dict):
        groups = {"": groups}
    groups = {  # a caption may hold line ends
        " ".join(text.split()): [int(i) for i in indices]
        for text, indices in groups.items()
    }
    step = size + SHEET_MARGIN
    heights = [
        SHEET_TEXT * bool(text) + step * -(-len(indices) // n_columns)
        for text, indices in groups.items()
    ]
    longest = max(map(len, groups.values()), default=0)
    width = max(step * min(n_columns, longest), 1)
    font = ImageFont.load_default(13)
    texts = [round(font.getlength(text)) + SHEET_MARGIN for text in groups]
    sheet = Image.new(
        "RGB", (max(width, *texts) + SHEET_MARGIN, sum(heights) + SHEET_MARGIN), "white"
    )
    draw, top = ImageDraw.Draw(sheet), SHEET_MARGIN
    for (text, indices), height in zip(groups.items(), heights, strict=True):
        draw.text((SHEET_MARGIN, top), text, fill="black", font=font)
        for place, index in enumerate(indices):
            row, column = divmod(place, n_columns)
            corner = (
                SHEET_MARGIN + column * step,
                top + SHEET_TEXT * bool(text) + row * step,
            )
            sheet.paste(Image.fromarray(image_set.picture(index, size)), corner)
        top += height
    return sheet
